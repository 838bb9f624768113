/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef ASSAY_SOURCE_DIR
#define ASSAY_SOURCE_DIR "."
#endif

enum { PATHS = 8, PATH_BYTES = 4096 };

static char *next_path(void)
{
    static char paths[PATHS][PATH_BYTES];
    static unsigned next;
    return paths[next++ % PATHS];
}

const char *assay_shared(const char *relative)
{
    const char *root = getenv("ASSAY_SHARED"), *ci = getenv("CI");
    char *path = next_path();
    if (root && *root)
        snprintf(path, PATH_BYTES, "%s/%s", root, relative);
    else
        snprintf(path, PATH_BYTES, "%s/../shared/%s", ASSAY_SOURCE_DIR, relative);
    if (access(path, R_OK) == 0)
        return path;
    fprintf(stderr, "SKIPPED for want of $ASSAY_SHARED: %s\n", relative);
    if (ci && strcmp(ci, "true") == 0)
        cr_assert(false, "%s is missing, and CI=true skips nothing", path);
    cr_skip_test("%s is missing", relative);
    return path;
}

static char directory[64];

const char *assay_temp(const char *name)
{
    char *path = next_path();
    if (!directory[0]) {
        snprintf(directory, sizeof directory, "/tmp/assay-test-XXXXXX");
        cr_assert_not_null(mkdtemp(directory), "mkdtemp");
    }
    snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return path;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void assay_temp_remove(void)
{
    if (directory[0])
        nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    directory[0] = 0;
}

void assay_temp_write(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f, "%s", path);
    cr_assert_eq(size ? fwrite(bytes, 1, size, f) : 0, size);
    cr_assert_eq(fclose(f), 0);
}

size_t assay_temp_count(const char *text)
{
    size_t count = 0;
    DIR *dir = opendir(assay_temp("."));
    cr_assert_not_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += strstr(entry->d_name, text) != NULL;
    closedir(dir);
    return count;
}

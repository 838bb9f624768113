/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/partial.h"

static assay_status cannot_write(const char *path, int reason)
{
    return assay_fail(ASSAY_ERR_IO, "%s: cannot write: %s", path, strerror(reason));
}

static assay_status path_of(const char *dir, const char *name, char out[ASSAY_PATH_BYTES])
{
    if (snprintf(out, ASSAY_PATH_BYTES, "%s/%s", dir, name) < ASSAY_PATH_BYTES)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_IO, "%s: path is too long", dir);
}

assay_status assay_stage_begin(const char *dir, assay_stage *out)
{
    *out = (assay_stage){ 0 };
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    if (n == 0 || n + 32 >= ASSAY_PATH_BYTES)
        return assay_fail(ASSAY_ERR_IO, "%s: is no name for a directory", dir);
    memcpy(out->dir, dir, n);
    struct stat st;
    if (stat(out->dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return cannot_write(out->dir, ENOTDIR);
    if (stat(out->dir, &st) == 0 && access(out->dir, W_OK) != 0)
        return cannot_write(out->dir, errno);
    /* Within DIR where there is one: it may be a file system of its own. */
    const char *between = stat(out->dir, &st) == 0 ? "/" : "";
    snprintf(out->partial, sizeof out->partial, "%.*s%s.partial.%ld", ASSAY_PATH_BYTES - 32,
             out->dir, between, (long)getpid());
    if (mkdir(out->partial, 0777) == 0) {
        assay_partial_add(out->partial);
        return ASSAY_OK;
    }
    out->partial[0] = 0;
    return cannot_write(out->dir, errno);
}

static assay_status finish_file(assay_stage *s)
{
    if (!s->stream)
        return ASSAY_OK;
    bool bad = ferror(s->stream) || fflush(s->stream) != 0;
    int reason = errno;
    bad |= fclose(s->stream) != 0;
    s->stream = NULL;
    return bad ? cannot_write(s->dir, reason) : ASSAY_OK;
}

assay_status assay_stage_file(assay_stage *s, const char *name, FILE **stream)
{
    char path[ASSAY_PATH_BYTES];
    assay_status status = finish_file(s);
    if (status == ASSAY_OK)
        status = path_of(s->partial, name, path);
    if (status != ASSAY_OK)
        return status;
    void *grown = realloc(s->names, (s->count + 1) * sizeof *s->names);
    if (!grown || strlen(name) >= ASSAY_STAGE_NAME)
        return assay_fail(ASSAY_ERR_MEMORY, "%s: no memory for its list of files", s->dir);
    s->names = grown;
    s->stream = fopen(path, "wbe");
    if (!s->stream)
        return cannot_write(path, errno);
    assay_partial_add(path);
    memcpy(s->names[s->count++], name, strlen(name) + 1);
    *stream = s->stream;
    return ASSAY_OK;
}

/* What a rename would refuse is found before the first one is done. */
static assay_status check_target(const assay_stage *s, const char *name)
{
    char path[ASSAY_PATH_BYTES];
    struct stat st;
    assay_status status = path_of(s->dir, name, path);
    if (status == ASSAY_OK && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return cannot_write(path, S_ISDIR(st.st_mode) ? EISDIR : EEXIST);
    return status;
}

assay_status assay_stage_commit(assay_stage *s)
{
    assay_status status = finish_file(s);
    if (status == ASSAY_OK)
        status = assay_make_directory(s->dir);
    for (size_t i = 0; i < s->count && status == ASSAY_OK; i++)
        status = check_target(s, s->names[i]);
    for (size_t i = 0; i < s->count && status == ASSAY_OK; i++) {
        char from[ASSAY_PATH_BYTES], to[ASSAY_PATH_BYTES];
        status = path_of(s->partial, s->names[i], from);
        if (status == ASSAY_OK)
            status = path_of(s->dir, s->names[i], to);
        if (status == ASSAY_OK && rename(from, to) != 0)
            status = cannot_write(to, errno);
    }
    assay_stage_abort(s);
    return status;
}

void assay_stage_abort(assay_stage *s)
{
    if (s->stream)
        fclose(s->stream);
    for (size_t i = 0; i < s->count; i++) {
        char path[ASSAY_PATH_BYTES];
        if (snprintf(path, sizeof path, "%s/%s", s->partial, s->names[i]) < ASSAY_PATH_BYTES) {
            unlink(path);
            assay_partial_drop(path);
        }
    }
    if (s->partial[0]) {
        rmdir(s->partial);
        assay_partial_drop(s->partial);
    }
    free(s->names);
    *s = (assay_stage){ 0 };
}

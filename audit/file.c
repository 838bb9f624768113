/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/partial.h"

static assay_status refuse(int fd, const char *path, const char *reason)
{
    if (fd >= 0)
        close(fd);
    return assay_fail(ASSAY_ERR_IO, "%s: %s", path, reason);
}

assay_status assay_file_open(const char *path, assay_file *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return refuse(fd, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(fd, path, S_ISDIR(st.st_mode) ? "is a directory" : "is not a regular file");
    assay_file file = { .size = (size_t)st.st_size };
    if (file.size > 0) {
        void *map = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            return refuse(fd, path, strerror(errno));
        file.data = map;
        file.mapped = true;
    }
    close(fd);
    *out = file;
    return ASSAY_OK;
}

void assay_file_forget(const assay_file *file, const unsigned char *from, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)from / page * page;
    size_t bytes = ((uintptr_t)from + n) / page * page - start;
    if (file->mapped && bytes > 0) /* only advice: a failure costs memory */
        (void)madvise((void *)start, bytes, MADV_DONTNEED);
}

void assay_file_close(assay_file *file)
{
    if (file->mapped)
        munmap((void *)(uintptr_t)file->data, file->size);
    *file = (assay_file){ 0 };
}

static const assay_embedded *embedded(const assay_source *source, const char *name)
{
    for (size_t i = 0; i < source->count; i++)
        if (strcmp(source->files[i].name, name) == 0)
            return &source->files[i];
    return NULL;
}

static bool join(char path[ASSAY_PATH_BYTES], const char *dir, const char *name)
{
    return snprintf(path, ASSAY_PATH_BYTES, "%s/%s", dir, name) < ASSAY_PATH_BYTES;
}

assay_status assay_source_open(const assay_source *source, const char *name,
                               char path[ASSAY_PATH_BYTES], assay_file *out)
{
    if (!join(path, source->name, name))
        return assay_fail(ASSAY_ERR_IO, "%s: path is too long", source->name);
    if (!source->files)
        return assay_file_open(path, out);
    const assay_embedded *file = embedded(source, name);
    if (!file)
        return assay_fail(ASSAY_ERR_IO, "%s: %s", path, strerror(ENOENT));
    *out = (assay_file){ .data = file->data, .size = (size_t)(file->end - file->data) };
    return ASSAY_OK;
}

bool assay_source_has(const assay_source *source, const char *name)
{
    char path[ASSAY_PATH_BYTES];
    if (source->files)
        return embedded(source, name) != NULL;
    return join(path, source->name, name) && access(path, F_OK) == 0;
}

/* A pipe or a device is never replaced; nor is the file that standard output goes to: /dev/stdout
 * leads to it, and `>>` has put something there. */
static bool is_written_to(const struct stat *st)
{
    struct stat own;
    if (!S_ISREG(st->st_mode))
        return true;
    return fstat(STDOUT_FILENO, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

/* The names of an output. A link's own name would be replaced, so `place` has none in it. */
static bool name_output(const char *path, bool there, assay_output *out)
{
    const size_t room = ASSAY_PATH_BYTES;
    char *real = there ? realpath(path, NULL) : NULL;
    const char *place = real ? real : path;
    bool fits = strlen(path) < room && strlen(place) < room;
    if (fits) {
        strcpy(out->path, path);
        strcpy(out->place, place);
        fits = (size_t)snprintf(out->partial, room, "%s.partial.%ld", place, (long)getpid()) < room;
    }
    free(real);
    return fits;
}

assay_status assay_output_begin(const char *path, assay_output *out)
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    *out = (assay_output){ 0 };
    if (there && S_ISDIR(st.st_mode))
        return assay_fail(ASSAY_ERR_IO, "%s: is a directory", path);
    if (!name_output(path, there, out))
        return assay_fail(ASSAY_ERR_IO, "%s: path is too long", path);
    if (there && is_written_to(&st))
        out->partial[0] = 0;
    out->stream = out->partial[0] ? fopen(out->partial, "wbe") : fopen(path, "abe");
    if (!out->stream)
        return assay_fail(ASSAY_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    if (out->partial[0])
        assay_partial_add(out->partial);
    return ASSAY_OK;
}

static assay_status finish_stream(assay_output *out)
{
    bool bad = ferror(out->stream) || fflush(out->stream) != 0;
    bad = bad || (out->partial[0] && fsync(fileno(out->stream)) != 0);
    int reason = errno;
    bad |= fclose(out->stream) != 0;
    out->stream = NULL;
    if (!bad)
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_IO, "%s: cannot write: %s", out->path, strerror(reason));
}

static assay_status move_in_place(assay_output *out)
{
    if (out->partial[0] && rename(out->partial, out->place) != 0)
        return assay_fail(ASSAY_ERR_IO, "%s: cannot write: %s", out->path, strerror(errno));
    if (out->partial[0])
        assay_partial_drop(out->partial);
    out->partial[0] = 0;
    return ASSAY_OK;
}

assay_status assay_output_commit(assay_output *out)
{
    return assay_output_commit_all(out, 1);
}

assay_status assay_output_commit_all(assay_output *outs, size_t count)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++)
        status = finish_stream(&outs[i]);
    for (size_t i = 0; i < count && status == ASSAY_OK; i++)
        status = move_in_place(&outs[i]);
    for (size_t i = 0; i < count; i++)
        assay_output_abort(&outs[i]);
    return status;
}

void assay_output_abort(assay_output *out)
{
    if (out->stream)
        fclose(out->stream);
    out->stream = NULL;
    if (out->partial[0]) {
        unlink(out->partial);
        assay_partial_drop(out->partial);
    }
    out->partial[0] = 0;
}

assay_status assay_make_directory(const char *path)
{
    struct stat st;
    if (mkdir(path, 0777) == 0)
        return ASSAY_OK;
    int reason = errno;
    if (reason == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_IO, "%s: cannot make the directory: %s", path, strerror(reason));
}

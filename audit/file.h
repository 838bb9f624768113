/* SPDX-License-Identifier: Apache-2.0 */
/* Files in and out: inputs are mapped read-only, outputs appear whole or not at all. */
#ifndef ASSAY_AUDIT_FILE_H
#define ASSAY_AUDIT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../numerics/status.h"

/** Bytes of one input: a mapping of a regular file, or constant data built into the program. */
typedef struct assay_file {
    const unsigned char *data; /* NULL when size is 0 */
    size_t size;
    bool mapped; /* assay_file_close unmaps it */
} assay_file;

/** Maps a regular file read-only. ASSAY_ERR_IO names the path and the reason. */
ASSAY_NODISCARD assay_status assay_file_open(const char *path, assay_file *out);
void assay_file_close(assay_file *file);
/** Gives back the memory of n bytes that were read; they can be read again. Data that the program
 * carries stay. */
void assay_file_forget(const assay_file *file, const unsigned char *from, size_t n);

/** A file that the program carries within it. */
typedef struct assay_embedded {
    const char *name;
    const unsigned char *data, *end;
} assay_embedded;

/** Where a model's files come from: a directory, or a list built into the program. */
typedef struct assay_source {
    const char *name;            /* for messages: the directory, or "demo"           */
    const assay_embedded *files; /* NULL: name is a directory             */
    size_t count;
} assay_source;

/**
 * Opens NAME of the source; ASSAY_ERR_IO if it is not there. *path (PATH_BYTES long)
 * receives "source/name" for messages, also on failure.
 */
enum { ASSAY_PATH_BYTES = 4096 };
ASSAY_NODISCARD assay_status assay_source_open(const assay_source *source, const char *name,
                                               char path[ASSAY_PATH_BYTES], assay_file *out);
/** Whether the source has a file of that name. */
bool assay_source_has(const assay_source *source, const char *name);

/**
 * One output file under construction: written as PATH.partial.PID beside its final place,
 * moved there by commit, removed by abort. Every path through a caller ends in exactly one
 * of the two. assay_output_abort of a zeroed or finished output does nothing. A link stays, and
 * the file that it leads to is replaced; pipes, devices and the standard output are written to.
 */
typedef struct assay_output {
    FILE *stream;
    char path[ASSAY_PATH_BYTES], partial[ASSAY_PATH_BYTES]; /* partial: "" if there is none */
    char place[ASSAY_PATH_BYTES]; /* where the file will lie: path, or what it leads to */
} assay_output;

ASSAY_NODISCARD assay_status assay_output_begin(const char *path, assay_output *out);
ASSAY_NODISCARD assay_status assay_output_commit(assay_output *out);
void assay_output_abort(assay_output *out);

/**
 * Commits several outputs together: all are flushed and closed before the first one is moved,
 * so that a full disk leaves none of them behind.
 */
ASSAY_NODISCARD assay_status assay_output_commit_all(assay_output *outs, size_t count);

/** Creates a directory if it is not there; its parent has to exist. */
ASSAY_NODISCARD assay_status assay_make_directory(const char *path);

#endif

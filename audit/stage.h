/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of outputs that appears whole or not at all. */
#ifndef ASSAY_AUDIT_STAGE_H
#define ASSAY_AUDIT_STAGE_H

#include "file.h"

enum { ASSAY_STAGE_NAME = 128 };

/**
 * Files are written into DIR.partial.PID, or DIR/.partial.PID where DIR is there; commit moves them
 * to DIR (made if it is not there, files of the same name replaced) and abort removes them. Abort
 * of a finished or zeroed stage does nothing.
 */
typedef struct assay_stage {
    char dir[ASSAY_PATH_BYTES], partial[ASSAY_PATH_BYTES];
    char (*names)[ASSAY_STAGE_NAME];
    size_t count;
    FILE *stream; /* the file under construction */
} assay_stage;

ASSAY_NODISCARD assay_status assay_stage_begin(const char *dir, assay_stage *out);
/** Starts a file; the previous one is finished. *stream belongs to the stage. */
ASSAY_NODISCARD assay_status assay_stage_file(assay_stage *stage, const char *name, FILE **stream);
ASSAY_NODISCARD assay_status assay_stage_commit(assay_stage *stage);
void assay_stage_abort(assay_stage *stage);

#endif

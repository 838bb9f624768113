/* SPDX-License-Identifier: Apache-2.0 */
/* --transform and --outliers: what is done to an array before it is quantized, and undone. */
#ifndef ASSAY_CLI_TRANSFORM_H
#define ASSAY_CLI_TRANSFORM_H

#include "../../rounding/transform.h"
#include "input.h"
#include "options.h"

enum { CLI_TRANSFORMS = 8 };

/** What the command line says: transforms in their order, and the files of the outliers. */
typedef struct cli_transform_request {
    cli_list list;
    const char *outliers, *index;
} cli_transform_request;

/** The transforms with their files read. */
typedef struct cli_transforms {
    size_t count;
    assay_transform steps[CLI_TRANSFORMS];
    double *by[CLI_TRANSFORMS];
    uint64_t *order[CLI_TRANSFORMS];
    bool splits; /* one of the steps, before step `split_at`, takes outliers out */
    size_t split_at;
    assay_outliers rule;
    assay_rounder keep;
    const char *outliers, *index; /* files */
} cli_transforms;

/** Errors name the option, or the file and what is wrong with it. */
ASSAY_NODISCARD assay_status cli_transforms_open(const cli_transform_request *request,
                                                 cli_transforms *out);
void cli_transforms_close(cli_transforms *t);

/**
 * x[count], rows of `cols`, through all steps: in binary32 if `narrow`, whose numbers they then
 * are, else in binary64. Outliers leave zeros and go to their files. Errors name the file.
 */
ASSAY_NODISCARD assay_status cli_transforms_apply(const cli_transforms *t, bool narrow, size_t ndim,
                                                  const size_t *shape, double *x);
/** The way back, in binary64. */
ASSAY_NODISCARD assay_status cli_transforms_undo(const cli_transforms *t, size_t ndim,
                                                 const size_t *shape, double *x);

/** The steps that there are, for help texts. */
#define CLI_TRANSFORMS_HELP                                                                        \
    "  --transform STEP   what is done to IN first, in the order of the options:\n"                \
    "                     hadamard:n=N[,seed=S][,stream=T]  blocks of N = 2^k times H / sqrt N,\n" \
    "                       with random signs if a seed is given\n"                                \
    "                     smooth:FILE   column j over FILE's element j\n"                          \
    "                     permute:FILE  column j is column FILE[j]\n"                              \
    "                     outliers:above=X or share=P[,keep=FORMAT]  take |x| > X, or P percent\n" \
    "                       of each row, out of it, rounded to FORMAT (binary32)\n"                \
    "  --outliers F       float64 values of these: IN's shape, zeros elsewhere, or\n"              \
    "  --outlier-index F  only them, and here their uint64 places in row-major order\n"

#endif

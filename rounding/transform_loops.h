/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of transform.h, per instruction set. Not installed. */
#ifndef ASSAY_ROUNDING_TRANSFORM_LOOPS_H
#define ASSAY_ROUNDING_TRANSFORM_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Elements of a block that are rotated in the first-level cache. */
enum { ASSAY_ROTATE_CHUNK = 2048, ASSAY_ROTATE_SHORT = 128 };

/** In place: y has n elements, a power of two. Signs are words whose top bit counts, or NULL. */
typedef struct assay_transform_loops {
    /* Signs, all stages of n <= ASSAY_ROTATE_CHUNK elements. */
    void (*stages_f32)(const uint32_t *signs, float *y, size_t n);
    void (*stages_f64)(const uint32_t *signs, double *y, size_t n);
    /* All of it for blocks of n <= ASSAY_ROTATE_SHORT elements, `all` of them from x to y; signs
     * count first, or after it if `back`. y may be x. NULL: not provided. */
    void (*short_blocks)(const uint32_t *signs, bool back, float norm, size_t n, const float *x,
                         float *y, size_t all);
    /* The stage at distance n / 2. */
    void (*last_stage_f32)(float *y, size_t n);
    void (*last_stage_f64)(double *y, size_t n);
    /* y = y norm with the signs; canonical NaN. */
    void (*finish_f32)(const uint32_t *signs, float norm, float *y, size_t n);
    void (*finish_f64)(const uint32_t *signs, double norm, double *y, size_t n);
} assay_transform_loops;

extern const assay_transform_loops assay_transform_base, assay_transform_avx2,
    assay_transform_avx512;

#endif

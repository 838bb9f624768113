/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/scheme_hierarchy.h"

#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/gguf.h"
#include "rounding/scheme_binary.h"
#include "rounding/scheme_micro.h"
#include "rounding/scheme_run.h"

static const assay_hierarchy *const all[] = {
    &assay_hierarchy_mx9,  &assay_hierarchy_mx6,  &assay_hierarchy_mx4,  &assay_hierarchy_hif4,
    &assay_gguf_q4_0,      &assay_gguf_q4_1,      &assay_gguf_q5_0,      &assay_gguf_q5_1,
    &assay_gguf_q8_0,      &assay_gguf_q2_k,      &assay_gguf_q3_k,      &assay_gguf_q4_k,
    &assay_gguf_q5_k,      &assay_gguf_q6_k,      &assay_gguf_iq4_nl,    &assay_gguf_tq1_0,
    &assay_gguf_tq2_0,     &assay_hierarchy_bcq1, &assay_hierarchy_bcq2, &assay_hierarchy_bcq3,
    &assay_hierarchy_bcq4,
};
enum { ALL = sizeof all / sizeof all[0] };

size_t assay_hierarchy_count(void)
{
    return ALL;
}

const assay_hierarchy *assay_hierarchy_row(size_t i)
{
    return all[i];
}

const assay_hierarchy *assay_hierarchy_find(const char *name)
{
    for (size_t i = 0; i < ALL; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static void encode_part(const assay_block *block, size_t n, unsigned char *bytes)
{
    const assay_hierarchy *h = block->scheme->hierarchy;
    double padded[ASSAY_HIERARCHY_ELEMENTS] = { 0 };
    assay_block whole = *block;
    region part = { block->x, 1, n, n, NULL };
    double amax = assay_region_amax(&part);
    memset(bytes, 0, h->bytes);
    if (amax != amax) {
        h->encode_nan(bytes);
        return;
    }
    memcpy(padded, block->x, n * sizeof *padded);
    whole.x = padded;
    h->encode(&whole, bytes);
}

void assay_hierarchy_quantize(const run *r)
{
    const assay_hierarchy *h = r->s->hierarchy;
    size_t across = (r->cols - 1) / h->elements + 1, blocks = r->rows * across;
#pragma omp parallel for schedule(static) if (blocks > 64)
    for (size_t b = 0; b < blocks; b++) {
        size_t from = b % across * h->elements, at = b / across * r->cols + from;
        size_t n = r->cols - from < h->elements ? r->cols - from : h->elements;
        unsigned char bytes[ASSAY_HIERARCHY_BYTES];
        double x[ASSAY_HIERARCHY_ELEMENTS], y[ASSAY_HIERARCHY_ELEMENTS];
        const region part = assay_run_region(r, at, 1, n);
        assay_random here = r->random ? *r->random : (assay_random){ 0 };
        here.bits = here.bits ? here.bits + at : NULL;
        for (size_t i = 0; i < n; i++)
            x[i] = assay_region_at(&part, i);
        encode_part(&(assay_block){ r->s, x, &here, r->first + at }, n, bytes);
        if (r->out.codes)
            memcpy((unsigned char *)r->out.codes + b * h->bytes, bytes, h->bytes);
        if (r->out.values || r->narrow_values) {
            h->decode(bytes, y);
            assay_run_put_values(r, at, y, n);
        }
    }
}

/* Blocks that are decoded together, whose values are then stored at once. */
enum { BLOCKS_AT_ONCE = 8 };

void assay_hierarchy_dequantize(const assay_scheme *s, size_t rows, size_t cols,
                                const unsigned char *codes, double *y, float *narrow)
{
    const assay_hierarchy *h = s->hierarchy;
    const run r = { .out = { .values = y }, .narrow_values = narrow };
    size_t across = (cols - 1) / h->elements + 1, at_once = BLOCKS_AT_ONCE;
    size_t parts = (across - 1) / at_once + 1, tasks = rows * parts;
#pragma omp parallel for schedule(static) if (tasks > 8)
    for (size_t task = 0; task < tasks; task++) {
        double values[BLOCKS_AT_ONCE * ASSAY_HIERARCHY_ELEMENTS];
        size_t row = task / parts, from = task % parts * at_once, start = from * h->elements;
        size_t count = across - from < at_once ? across - from : at_once;
        size_t left = cols - start, n = count * h->elements;
        for (size_t b = 0; b < count; b++)
            h->decode(codes + (row * across + from + b) * h->bytes, values + b * h->elements);
        assay_run_put_values(&r, row * cols + start, values, left < n ? left : n);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/scheme_hierarchy.h"

#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/gguf.h"
#include "rounding/scheme_micro.h"
#include "rounding/scheme_parts.h"

static const assay_hierarchy *const all[] = {
    &assay_hierarchy_mx9, &assay_hierarchy_mx6, &assay_hierarchy_mx4, &assay_hierarchy_hif4,
    &assay_gguf_q4_0,     &assay_gguf_q4_1,     &assay_gguf_q5_0,     &assay_gguf_q5_1,
    &assay_gguf_q8_0,     &assay_gguf_q2_k,     &assay_gguf_q3_k,     &assay_gguf_q4_k,
    &assay_gguf_q5_k,     &assay_gguf_q6_k,     &assay_gguf_iq4_nl,   &assay_gguf_tq1_0,
    &assay_gguf_tq2_0,
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
    region part = { block->x, 1, n, n };
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

void assay_hierarchy_quantize(const assay_scheme *s, size_t rows, size_t cols, const double *x,
                              const assay_random *random, uint64_t first,
                              const assay_quantized *out)
{
    const assay_hierarchy *h = s->hierarchy;
    size_t across = (cols - 1) / h->elements + 1, blocks = rows * across;
#pragma omp parallel for schedule(static) if (blocks > 64)
    for (size_t b = 0; b < blocks; b++) {
        size_t from = b % across * h->elements, at = b / across * cols + from;
        size_t n = cols - from < h->elements ? cols - from : h->elements;
        unsigned char bytes[ASSAY_HIERARCHY_BYTES];
        double y[ASSAY_HIERARCHY_ELEMENTS];
        assay_random here = random ? *random : (assay_random){ 0 };
        here.bits = here.bits ? here.bits + at : NULL;
        encode_part(&(assay_block){ s, x + at, &here, first + at }, n, bytes);
        if (out->codes)
            memcpy((unsigned char *)out->codes + b * h->bytes, bytes, h->bytes);
        if (out->values) {
            h->decode(bytes, y);
            memcpy(out->values + at, y, n * sizeof *y);
        }
    }
}

void assay_hierarchy_dequantize(const assay_scheme *s, size_t rows, size_t cols,
                                const unsigned char *codes, double *y)
{
    const assay_hierarchy *h = s->hierarchy;
    size_t across = (cols - 1) / h->elements + 1, blocks = rows * across;
#pragma omp parallel for schedule(static) if (blocks > 64)
    for (size_t b = 0; b < blocks; b++) {
        size_t from = b % across * h->elements, at = b / across * cols + from;
        double all_of_it[ASSAY_HIERARCHY_ELEMENTS];
        h->decode(codes + b * h->bytes, all_of_it);
        memcpy(y + at, all_of_it,
               (cols - from < h->elements ? cols - from : h->elements) * sizeof *y);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Schemes: tensors that are hard to quantize, by the functions that ship and by fractions. */
#if ASSAY_HAVE_MPFR
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify_block.h"
#include "formats/container.h"
#include "numerics/bits.h"

typedef struct run {
    assay_rounding rounding;
    assay_overflow policy;
    assay_verify_source source;
    assay_verify_blocks oracle;
    assay_verify_tensor t;
    double *values, *part, *part_values, *sizes; /* what is expected; a block gathered */
    uint64_t *codes, *part_codes, *scales, *zeros;
    uint32_t *bits, *part_bits;
    void *got_codes, *got_scales, *got_zeros;
    double *got_values;
    float *got_narrow;
    assay_verify_result *out;
} run;

static void gather(run *r, const assay_verify_region *p, assay_verify_block *block)
{
    for (size_t i = 0; i < block->n; i++)
        r->part[i] = r->t.x[assay_verify_element_at(&r->t, p, i)];
    assay_verify_fill_block(&r->oracle, assay_verify_tensor_random(&r->t, block->n), block);
}

/* Expects block b. */
static void expect_block(run *r, size_t b)
{
    const assay_verify_region p = assay_verify_region_of(&r->t, b);
    bool random = assay_mode_is_stochastic(r->rounding.mode);
    assay_verify_block block = { .n = p.height * p.width,
                                 .x = r->part,
                                 .sizes = r->sizes,
                                 .codes = r->part_codes,
                                 .values = r->part_values,
                                 .bits = random ? r->part_bits : NULL };
    gather(r, &p, &block);
    if (assay_verify_tensor_is_aimed(&r->t, b)) {
        assay_verify_tensor_aim(&r->t, &r->oracle, &p, &block);
        gather(r, &p, &block);
    }
    r->scales[b] = block.scale;
    r->zeros[b] = block.zero;
    for (size_t i = 0; i < block.n; i++) {
        size_t at = assay_verify_element_at(&r->t, &p, i);
        r->codes[at] = block.codes[i];
        r->values[at] = block.values[i];
        r->bits[at] = random ? block.bits[i] : 0;
    }
}

/* ---- comparing ---- */

static void record(run *r, size_t at, const char *what, uint64_t got, uint64_t want)
{
    assay_verify_result *out = r->out;
    if (out->shown == ASSAY_VERIFY_SHOWN)
        return;
    bool wide = r->source.bits == 64;
    assay_verify_case c = { .operand = r->t.x[at],
                            .operand_bits =
                                wide ? assay_bits64(r->t.x[at]) : assay_bits32(r->t.narrow[at]),
                            .rounding = r->rounding,
                            .policy = r->policy,
                            .got = got,
                            .want = want };
    snprintf(c.path, sizeof c.path, "tensor %llu %s", (unsigned long long)r->t.number, what);
    out->first[out->shown++] = c;
}

/* NaN is canonical. */
static uint64_t value_bits(double v, bool wide)
{
    if (v != v)
        return wide ? 0x7ff8000000000000 : 0x7fc00000;
    return wide ? assay_bits64(v) : assay_bits32((float)v);
}

static void compare(run *r, bool wide, const char *path)
{
    const size_t n = r->t.rows * r->t.cols, blocks = r->t.scales.rows * r->t.scales.cols;
    const size_t bytes = assay_format_container(&r->t.s->element.format);
    const size_t scale_bytes = assay_format_container(&r->t.s->scale.format);
    char what[16];
    for (size_t b = 0; b < blocks; b++) {
        const assay_verify_region p = assay_verify_region_of(&r->t, b);
        size_t at = assay_verify_element_at(&r->t, &p, 0);
        uint64_t got = assay_container_load(r->got_scales, b, scale_bytes);
        uint64_t zero = r->t.s->has_zero ? assay_container_load(r->got_zeros, b, bytes) : 0;
        r->out->wrong += got != r->scales[b] || zero != r->zeros[b];
        snprintf(what, sizeof what, "%s %s", got != r->scales[b] ? "scale" : "zero", path);
        if (got != r->scales[b])
            record(r, at, what, got, r->scales[b]);
        else if (zero != r->zeros[b])
            record(r, at, what, zero, r->zeros[b]);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t got = assay_container_load(r->got_codes, i, bytes);
        uint64_t bits = wide ? assay_bits64(r->got_values[i]) : assay_bits32(r->got_narrow[i]);
        uint64_t want = value_bits(r->values[i], wide);
        r->out->wrong += got != r->codes[i] || bits != want;
        snprintf(what, sizeof what, "%s %s", got != r->codes[i] ? "code" : "value", path);
        if (got != r->codes[i])
            record(r, i, what, got, r->codes[i]);
        else if (bits != want)
            record(r, i, what, bits, want);
    }
}

static assay_tensor_scale tensor_scale(run *r)
{
    bool wide = r->source.bits == 64;
    double amax = wide ? assay_scheme_amax(r->t.s, r->t.rows, r->t.cols, r->t.x)
                       : assay_scheme_amax_f32(r->t.s, r->t.rows, r->t.cols, r->t.narrow);
    assay_tensor_scale t = assay_scheme_tensor_scale(r->t.s, amax);
    if (r->t.s->has_tensor_scale && assay_bits32(t.stored) != assay_bits32(r->oracle.stored)) {
        r->out->wrong++;
        record(r, 0, "tensor scale", assay_bits32(t.stored), assay_bits32(r->oracle.stored));
    }
    return t;
}

static void check_tensor(run *r)
{
    assay_verify_tensor_fill(&r->t);
    const size_t blocks = r->t.scales.rows * r->t.scales.cols;
    assay_verify_set_tensor(&r->oracle, assay_verify_tensor_amax(&r->t));
    for (size_t b = 0; b < blocks; b++)
        expect_block(r, b);
    const assay_tensor_scale t = tensor_scale(r);
    const assay_random bits = { .bits = r->bits };
    const assay_random *random = assay_mode_is_stochastic(r->rounding.mode) ? &bits : NULL;
    if (r->source.bits < 64) {
        const assay_quantized_f32 to = { r->got_codes, r->got_scales, r->got_zeros, r->got_narrow };
        assay_scheme_quantize_f32(r->t.s, &t, r->t.rows, r->t.cols, r->t.narrow, random, 0, &to);
        compare(r, false, "f32");
    } else {
        const assay_quantized to = { r->got_codes, r->got_scales, r->got_zeros, r->got_values };
        assay_scheme_quantize(r->t.s, &t, r->t.rows, r->t.cols, r->t.x, random, 0, &to);
        compare(r, true, "f64");
    }
    r->out->checked += r->t.rows * r->t.cols;
}

/* ---- runs ---- */

/* The arrays of a tensor of at most n elements. */
static bool make_arrays(run *r, size_t n)
{
    enum { WORDS = 7, REALS = 6 };
    r->codes = calloc(WORDS * n, sizeof *r->codes);
    r->t.x = calloc(REALS * n, sizeof *r->t.x);
    r->t.narrow = calloc(2 * n, sizeof *r->t.narrow);
    r->bits = calloc(2 * n, sizeof *r->bits);
    if (!r->codes || !r->t.x || !r->t.narrow || !r->bits)
        return false;
    r->part_codes = r->codes + n;
    r->scales = r->codes + 2 * n;
    r->zeros = r->codes + 3 * n;
    r->got_codes = r->codes + 4 * n;
    r->got_scales = r->codes + 5 * n;
    r->got_zeros = r->codes + 6 * n;
    r->values = r->t.x + n;
    r->part = r->t.x + 2 * n;
    r->part_values = r->t.x + 3 * n;
    r->got_values = r->t.x + 4 * n;
    r->sizes = r->t.x + 5 * n;
    r->got_narrow = r->t.narrow + n;
    r->part_bits = r->bits + n;
    return true;
}

static void free_arrays(run *r)
{
    free(r->codes);
    free(r->t.x);
    free(r->t.narrow);
    free(r->bits);
}

static assay_status check_scheme(const assay_verify_schemes *job, const assay_scheme *s,
                                 assay_rounding rounding, assay_overflow policy,
                                 assay_verify_result *out)
{
    run r = { .rounding = rounding, .policy = policy, .t.s = s, .out = out };
    if (!assay_verify_source_make(job->source_bits, &r.source))
        return assay_fail(ASSAY_ERR_USAGE, "operands of %d bits", job->source_bits);
    r.t.source = &r.source;
    assay_status status = assay_verify_blocks_make(s, rounding, &r.oracle);
    if (status == ASSAY_OK && !make_arrays(&r, assay_verify_tensor_most(s)))
        status = assay_fail(ASSAY_ERR_MEMORY, "no memory for tensors");
    const uint64_t end = out->checked + job->samples;
    for (; status == ASSAY_OK && out->checked < end; r.t.number++)
        check_tensor(&r);
    free_arrays(&r);
    assay_verify_blocks_clear(&r.oracle);
    return status;
}

assay_status assay_verify_quantize(const assay_verify_schemes *job, assay_verify_result *out)
{
    *out = (assay_verify_result){ 0 };
    for (size_t m = 0; m < job->rounding_count; m++)
        for (size_t p = 0; p < job->policy_count; p++) {
            assay_scheme s;
            assay_status status = assay_scheme_parse_for(
                job->spec, job->roundings[m], job->policies[p], ASSAY_NAN_RULE_DEFAULT, &s);
            if (status == ASSAY_OK && s.hierarchy)
                status = assay_fail(ASSAY_ERR_USAGE,
                                    "%s: a packed type, whose encoder is a search and no rounding; "
                                    "verify its element instead",
                                    job->spec);
            if (status == ASSAY_OK)
                status = check_scheme(job, &s, job->roundings[m], job->policies[p], out);
            if (status != ASSAY_OK)
                return status;
            if (job->progress)
                job->progress((double)(m * job->policy_count + p + 1) /
                              (double)(job->rounding_count * job->policy_count));
        }
    return ASSAY_OK;
}
#endif

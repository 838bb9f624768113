/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle itself: values that documents print, and that it notices what is wrong. */
#include <mpfr.h>

#include "verify_jobs.h"

#include "audit/verify_parts.h"

#include <math.h>
#include <stdlib.h>

static double value(const char *spec, uint64_t code)
{
    assay_format f;
    cr_assert_eq(assay_format_parse(spec, &f), ASSAY_OK, "%s", assay_last_error());
    mpfr_t v;
    mpfr_init2(v, assay_verify_precision(&f));
    assay_verify_value(&f, code, v);
    double x = assay_verify_real(&f, v);
    mpfr_clear(v);
    return x;
}

Test(oracle, values_that_documents_print)
{
    static const struct {
        const char *spec;
        uint64_t code;
        double x;
    } rows[] = {
        { "e4m3", 0x7e, 448 },
        { "e5m2", 0x7b, 57344 },
        { "e8m0", 0xfe, 0x1p+127 },
        { "e8m0", 0, 0x1p-127 },
        { "dlfloat16", 0x7ffe, 0x1.ffp+32 },
        { "dlfloat16", 1, 0x1.008p-31 },
        { "binary8p4se", 0x7e, 224 },
        { "binary8p3se", 0x7e, 49152 },
        { "binary8p1uf", 0x80, 1 },
        { "e5m2fnuz", 0x7f, 57344 },
        { "hif8", 0x6e, 0x1p+15 },
        { "hif8", 1, 0x1p-22 },
        { "hif8", 0x7e, 0x1p-15 },
        { "posit8", 0x7e, 0x1p+20 },
        { "posit8", 0x7f, 0x1p+24 },
        { "posit8", 0xff, -0x1p-24 },
        { "posit8_es0", 0x7f, 64 },
        { "posit:n=16,es=1", 0x7fff, 0x1p+28 },
        { "takum16", 0x7fff, 0x1.fp+254 },
        { "takum8", 0x7f, 0x1p+239 },
        { "lns8", 0x08, 2 },
        { "lns8", 0x04, 0x1.6a09e667f3bcdp+0 },
        { "sqrt2_4", 0x01, 0x1.6a09e667f3bcdp-2 },
        { "pow2_4", 0x07, 1 },
        { "bnb_fp4", 0x06, 0x1.5555555555555p-3 },
        { "bipolar_int4", 0, -15 },
        { "int8", 0x80, -128 },
        { "mxint8_element", 0x80, -2 },
        { "iq4_nl", 15, 113 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(value(rows[i].spec, rows[i].code), rows[i].x, "%s 0x%llx: %a", rows[i].spec,
                     (unsigned long long)rows[i].code, value(rows[i].spec, rows[i].code));
    cr_expect(isnan(value("e4m3", 0x7f)) && isnan(value("posit16", 0x8000)));
    cr_expect(isinf(value("hif8", 0x6f)) && signbit(value("e2m1", 8)));
}

/* Between 2^20 and 2^24 of posit8 the code of 9 bits is 2^22. */
Test(oracle, ties_of_posits)
{
    mpfr_t v;
    mpfr_init2(v, 64);
    assay_verify_posit(9, 2, 2 * 0x7e + 1, v);
    cr_expect_eq(mpfr_cmp_d(v, 0x1p+22), 0);
    mpfr_clear(v);
}

/* A format, its ladder, a rounder and the cuts of one side, to be spoilt. */
typedef struct bench {
    assay_format format;
    assay_verify_ladder ladder;
    assay_verify_source source;
    assay_verify_target target;
    assay_verify_cuts cuts;
} bench;

static void setup(bench *b, const char *spec, assay_rounding said, assay_rounding done)
{
    *b = (bench){ 0 };
    cr_assert_eq(assay_format_parse(spec, &b->format), ASSAY_OK);
    cr_assert_eq(
        assay_verify_ladder_make(&b->format, assay_verify_precision(&b->format), &b->ladder),
        ASSAY_OK);
    cr_assert(assay_verify_source_make(32, &b->source));
    b->target =
        (assay_verify_target){ .ladder = &b->ladder, .source = &b->source, .rounding = said };
    cr_assert_eq(assay_rounder_make_for(&b->format, done, ASSAY_OVERFLOW_SPEC,
                                        ASSAY_NAN_RULE_DEFAULT, &b->target.rounder),
                 ASSAY_OK);
    cr_assert_eq(assay_verify_cuts_add(&b->ladder, &b->source, 0,
                                       assay_verify_gaps(&b->ladder, false), &b->cuts),
                 ASSAY_OK);
}

static void teardown(bench *b)
{
    free(b->cuts.at);
    assay_verify_ladder_free(&b->ladder);
}

static uint64_t wrong_points(const bench *b)
{
    assay_verify_result result = { 0 };
    cr_assert_eq(assay_verify_points(&b->target, &b->cuts, 3, &result), ASSAY_OK);
    cr_expect_eq(result.shown > 0, result.wrong > 0);
    return result.wrong;
}

static void set_rounder(bench *b, assay_mode mode)
{
    cr_assert_eq(assay_rounder_make(&b->format, mode, ASSAY_OVERFLOW_SPEC, ASSAY_NAN_RULE_DEFAULT,
                                    &b->target.rounder),
                 ASSAY_OK);
}

/* Modes that agree on positive operands. */
static assay_mode on_positives(assay_mode mode)
{
    return mode == ASSAY_RDN ? ASSAY_RTZ : mode == ASSAY_RUP ? ASSAY_RAZ : mode;
}

Test(oracle, notices_every_other_mode)
{
    static const struct {
        const char *spec;
        bool ties; /* some are numbers of binary32 */
    } rows[] = { { "e4m3", true }, { "bfloat16", true },    { "posit8", true },
                 { "int4", true }, { "takum8_log", false }, { "iq4_nl", true } };
    for (size_t s = 0; s < sizeof rows / sizeof rows[0]; s++) {
        bench b;
        setup(&b, rows[s].spec, (assay_rounding){ 0 }, (assay_rounding){ 0 });
        for (int i = 0; i < ASSAY_MODE_COUNT * ASSAY_MODE_COUNT; i++) {
            assay_mode said = (assay_mode)(i / ASSAY_MODE_COUNT);
            assay_mode done = (assay_mode)(i % ASSAY_MODE_COUNT);
            bool nearest = said <= ASSAY_RNZ && done <= ASSAY_RNZ;
            bool same = on_positives(said) == on_positives(done) || (nearest && !rows[s].ties);
            b.target.rounding.mode = said;
            set_rounder(&b, done);
            uint64_t wrong = wrong_points(&b);
            cr_expect_eq(wrong > 0, !same, "%s: %s as %s: %llu wrong", rows[s].spec,
                         assay_mode_name(done), assay_mode_name(said), (unsigned long long)wrong);
        }
        teardown(&b);
    }
}

Test(oracle, notices_one_wrong_code)
{
    bench b;
    assay_rounding rne = { .mode = ASSAY_RNE };
    setup(&b, "e4m3", rne, rne);
    cr_assert_eq(wrong_points(&b), 0);
    for (size_t c = 0; c < b.cuts.count; c++) {
        assay_verify_place *p = &b.cuts.at[c].place, before = *p;
        if (p->kind != ASSAY_PLACE_VALUE && p->kind != ASSAY_PLACE_BETWEEN)
            continue;
        p->toward ^= 2;
        p->away ^= 2;
        cr_expect(wrong_points(&b) > 0 || p->over, "cut %zu", c);
        *p = before;
    }
    teardown(&b);
}

/* One breakpoint that is off by one operand, in a run over all operands around it. */
Test(oracle, notices_a_moved_breakpoint)
{
    bench b;
    assay_rounding rne = { .mode = ASSAY_RNE };
    setup(&b, "e4m3", rne, rne);
    assay_verify_cut *cut = b.cuts.at + b.cuts.count / 2;
    while (cut->place.tail != 1)
        cut++;
    assay_verify_cuts near = { .count = 2, .at = cut - 1 };
    assay_verify_result result = { 0 };
    cr_assert_eq(assay_verify_ranges(&b.target, &near, &result), ASSAY_OK);
    cr_assert_eq(result.wrong, 0);
    cut->place.kind = ASSAY_PLACE_VALUE;
    cr_assert_eq(assay_verify_ranges(&b.target, &near, &result), ASSAY_OK);
    cr_expect_gt(result.wrong, 0);
    teardown(&b);
}

Test(oracle, notices_other_random_bits)
{
    static const assay_rounding modes[] = {
        { ASSAY_SRA, 4, false }, { ASSAY_SRB, 4, false },  { ASSAY_SRC, 4, false },
        { ASSAY_SR, 0, false },  { ASSAY_SREQ, 0, false }, { ASSAY_SRA, 8, false },
    };
    for (size_t i = 0; i < 36; i++) {
        bench b;
        setup(&b, "e4m3", modes[i / 6], modes[i % 6]);
        assay_verify_result result = { 0 };
        assay_verify_gap gap;
        assay_verify_gap_init(&b.ladder, &gap);
        for (int64_t k = 20; k < 80; k++) {
            b.cuts.count = 0;
            cr_assert_eq(assay_verify_cuts_add(&b.ladder, &b.source, k, 1, &b.cuts), ASSAY_OK);
            assay_verify_gap_fill(&b.ladder, false, k, &gap);
            assay_verify_randoms(&b.target, &b.cuts, &gap, &result);
        }
        cr_expect_eq(result.wrong > 0, i / 6 != i % 6, "%s as %s",
                     assay_mode_name(modes[i % 6].mode), assay_mode_name(modes[i / 6].mode));
        assay_verify_gap_clear(&gap);
        teardown(&b);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What codes mean, from the documents: binary floats, P3109, integers, logarithms, HiFloat8, lists.
 * Posits and takums are in verify_tapered.c. */
#if ASSAY_HAVE_MPFR
#include <math.h>
#include <string.h>

#include "audit/verify_parts.h"
#include "formats/codebook.h"
#include "numerics/bits.h"

enum { PRECISION = 448, LIST_PRECISION = 2304 };

/* Lists as they are printed in the catalogue: NF4 and AF4 are stored as binary32. */
typedef struct list {
    const char *name;
    unsigned long divisor;
    bool single;
    double values[16];
} list;

static const list lists[] = {
    { "nf4",
      1,
      true,
      { -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
        -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
        0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
        0.7229568362236023, 1 } },
    { "af4",
      1,
      true,
      { 1, 0.72424863, 0.55496234, 0.42563882, 0.31675666, 0.21961274, 0.12934483, 0.04273164, 0,
        -0.04934812, -0.14982478, -0.25607552, -0.3736951, -0.51243739, -0.69441008, -1 } },
    { "bnb_fp4",
      192, /* twelfths of 0, 1/16, 8, 12, 4, 6, 2, 3 */
      false,
      { 0, 1, 128, 192, 64, 96, 32, 48, 0, -1, -128, -192, -64, -96, -32, -48 } },
    { "iq4_nl",
      1,
      false,
      { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 } },
    { "ternary", 1, false, { -1, 0, 1, NAN } },
    { "binary", 1, false, { 1, -1 } },
};

static const list *list_of(const assay_format *f)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strcmp(lists[i].name, f->name) == 0)
            return &lists[i];
    return NULL;
}

mpfr_prec_t assay_verify_precision(const assay_format *f)
{
    return f->kind == ASSAY_FAMILY_CODEBOOK && !list_of(f) ? LIST_PRECISION : PRECISION;
}

unsigned long assay_verify_divisor(const assay_format *f)
{
    const list *l = f->kind == ASSAY_FAMILY_CODEBOOK ? list_of(f) : NULL;
    return l ? l->divisor : 1;
}

static void list_value(const assay_format *f, uint64_t code, mpfr_ptr v)
{
    const list *l = list_of(f);
    double x = l ? l->values[code] : code < f->book->code_count ? f->book->listed[code] : NAN;
    mpfr_set_d(v, l && l->single ? (double)(float)x : x, MPFR_RNDN);
    if (mpfr_zero_p(v)) /* lists know one zero */
        mpfr_set_zero(v, 1);
}

static uint64_t ones(int n)
{
    return n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
}

/* A.3: the bias of Binary{K}p{P} is 2^(K-P-1) if signed, else 2^(K-P). */
static long bias_of(const assay_format *f)
{
    if (f->law != ASSAY_LAW_P3109)
        return f->bias;
    return 1L << (f->bits - f->fraction_bits - 1 - (f->is_signed ? 1 : 0));
}

void assay_verify_float_magnitude(const assay_format *f, uint64_t magnitude, mpfr_ptr v)
{
    uint64_t field = magnitude >> f->fraction_bits, fraction = magnitude & ones(f->fraction_bits);
    bool hidden = field > 0 || !f->has_zero || (!f->has_subnormals && fraction > 0);
    if (f->law == ASSAY_LAW_P3109)
        hidden = field > 0;
    mpfr_set_ui(v, fraction, MPFR_RNDN);
    mpfr_div_2si(v, v, f->fraction_bits, MPFR_RNDN);
    if (hidden)
        mpfr_add_ui(v, v, 1, MPFR_RNDN);
    mpfr_mul_2si(v, v, (hidden ? (long)field : 1) - bias_of(f), MPFR_RNDN);
}

static void p3109_value(const assay_format *f, uint64_t code, mpfr_ptr v)
{
    uint64_t half = (uint64_t)1 << (f->bits - 1), nan = f->is_signed ? half : 2 * half - 1;
    uint64_t infinity = f->is_signed ? half - 1 : 2 * half - 2;
    bool negative = f->is_signed && code > half;
    uint64_t magnitude = negative ? code - half : code;
    if (code == nan)
        mpfr_set_nan(v);
    else if (f->has_inf && magnitude == infinity)
        mpfr_set_inf(v, 1);
    else
        assay_verify_float_magnitude(f, magnitude, v);
    if (negative)
        mpfr_neg(v, v, MPFR_RNDN);
}

/* docs/formats.md: codes of infinity and NaN by rule, then sign, exponent field and fraction. */
static void float_value(const assay_format *f, uint64_t code, mpfr_ptr v)
{
    uint64_t all = ones(f->exponent_bits + f->fraction_bits), magnitude = code & all;
    uint64_t fraction = magnitude & ones(f->fraction_bits);
    bool negative = f->is_signed && code > all, nan = false, infinite = false;
    if (f->nan == ASSAY_NAN_IEEE) {
        infinite = magnitude == all - ones(f->fraction_bits) && f->has_inf;
        nan = magnitude - fraction == all - ones(f->fraction_bits) && !infinite;
    } else {
        nan = (f->nan == ASSAY_NAN_ONES && magnitude == all) ||
              (f->nan == ASSAY_NAN_NEGZERO && negative && magnitude == 0);
        infinite = f->has_inf && magnitude + (f->nan == ASSAY_NAN_ONES) == all;
    }
    if (nan)
        mpfr_set_nan(v);
    else if (infinite)
        mpfr_set_inf(v, 1);
    else
        assay_verify_float_magnitude(f, magnitude, v);
    if (negative)
        mpfr_neg(v, v, MPFR_RNDN);
}

/* A.7: two's complement, sign and magnitude, or the odd integers sum (2 b - 1) 2^i. */
static void fixed_value(const assay_format *f, uint64_t code, mpfr_ptr v)
{
    int64_t half = (int64_t)1 << (f->bits - 1), integer = (int64_t)code;
    bool top = integer >= half;
    if (f->step == 2)
        integer = 2 * integer - (2 * half - 1);
    else if (f->is_signed && f->encoding == ASSAY_CODE_TWOS_COMPLEMENT && top)
        integer -= 2 * half;
    /* A symmetric range leaves the code of -2^(n-1) without a meaning. */
    if (f->step == 1 && f->encoding == ASSAY_CODE_TWOS_COMPLEMENT && f->is_signed &&
        f->lowest == -f->highest && integer == -half) {
        mpfr_set_nan(v);
        return;
    }
    bool minus = f->step == 1 && f->encoding == ASSAY_CODE_SIGN_MAGNITUDE && top;
    if (minus)
        integer -= half;
    mpfr_set_si(v, (long)integer, MPFR_RNDN);
    if (minus)
        mpfr_neg(v, v, MPFR_RNDN);
    mpfr_mul_2si(v, v, -f->scale, MPFR_RNDN);
}

static bool is_lns(const assay_format *f)
{
    return strcmp(f->family->name, "lns") == 0;
}

static bool is_sqrt2(const assay_format *f)
{
    return strcmp(f->family->name, "sqrt2") == 0;
}

/* A.5, A.7: steps are 2^-r octaves, octaves and half octaves. */
void assay_verify_log_magnitude(const assay_format *f, int64_t k, mpfr_ptr v)
{
    int r = is_lns(f) ? __builtin_ctz((unsigned)f->scale) : is_sqrt2(f) ? 1 : 0;
    mpfr_set_si(v, (long)k, MPFR_RNDN);
    mpfr_div_2si(v, v, r, MPFR_RNDN);
    mpfr_exp2(v, v, MPFR_RNDN);
}

/* Powers of two end with 1; of the 2^(n-1) - 1 powers of sqrt 2 the first is -floor(half). */
int64_t assay_verify_log_highest(const assay_format *f)
{
    int64_t levels = ((int64_t)1 << (f->bits - 1)) - 1;
    return is_lns(f) ? levels / 2 : is_sqrt2(f) ? levels - 1 - levels / 2 : 0;
}

static void log_value(const assay_format *f, uint64_t code, mpfr_ptr v)
{
    int64_t half = (int64_t)1 << (f->bits - 1), magnitude = (int64_t)code % half;
    bool negative = (int64_t)code >= half;
    if (is_lns(f)) {
        int64_t k = magnitude >= half / 2 ? magnitude - half : magnitude;
        if (k > -half / 2)
            assay_verify_log_magnitude(f, k, v);
        else if (negative)
            mpfr_set_nan(v);
        else
            mpfr_set_zero(v, 1);
    } else if (magnitude == 0) {
        mpfr_set_zero(v, 1);
    } else {
        assay_verify_log_magnitude(f, assay_verify_log_highest(f) - (half - 1 - magnitude), v);
    }
    if (negative)
        mpfr_neg(v, v, MPFR_RNDN);
}

/* A.4: a prefix says how many exponent bits follow the sign; the rest is fraction. */
static void hifloat_value(uint64_t code, mpfr_ptr v)
{
    static const struct {
        unsigned prefix, length, exponent;
    } dots[] = { { 3, 2, 4 }, { 2, 2, 3 }, { 1, 2, 2 }, { 1, 3, 1 }, { 1, 4, 0 } };
    unsigned magnitude = code & 0x7f, i = 0;
    if (magnitude < 8) {
        mpfr_set_ui_2exp(v, magnitude > 0, (long)magnitude - 23, MPFR_RNDN);
    } else if (magnitude == 0x6f) {
        mpfr_set_inf(v, 1);
    } else {
        while (magnitude >> (7 - dots[i].length) != dots[i].prefix)
            i++;
        unsigned fraction_bits = 7 - dots[i].length - dots[i].exponent;
        unsigned field = magnitude >> fraction_bits & (unsigned)ones((int)dots[i].exponent);
        unsigned sign = dots[i].exponent ? 1u << (dots[i].exponent - 1) : 0;
        long e =
            sign ? (long)(sign | (field & (sign - 1))) : 0; /* the leading 1 replaces the sign */
        unsigned fraction = magnitude & (unsigned)ones((int)fraction_bits);
        mpfr_set_ui_2exp(v, fraction + (1u << fraction_bits),
                         (field & sign ? -e : e) - (long)fraction_bits, MPFR_RNDN);
    }
    if (code == 0x80)
        mpfr_set_nan(v);
    else if (code > 0x80)
        mpfr_neg(v, v, MPFR_RNDN);
}

void assay_verify_value(const assay_format *f, uint64_t code, mpfr_ptr v)
{
    switch (f->kind) {
    case ASSAY_FAMILY_FLOAT:
        if (f->law == ASSAY_LAW_P3109)
            p3109_value(f, code, v);
        else
            float_value(f, code, v);
        return;
    case ASSAY_FAMILY_FIXED: fixed_value(f, code, v); return;
    case ASSAY_FAMILY_POSIT: assay_verify_posit(f->bits, f->scale, code, v); return;
    case ASSAY_FAMILY_TAKUM: assay_verify_takum(f->bits, f->is_log, code, v); return;
    case ASSAY_FAMILY_LOG: log_value(f, code, v); return;
    case ASSAY_FAMILY_HIFLOAT: hifloat_value(code, v); return;
    default: list_value(f, code, v); return;
    }
}

double assay_verify_real(const assay_format *f, mpfr_srcptr v)
{
    if (mpfr_nan_p(v))
        return assay_from_bits64(0x7ff8000000000000);
    unsigned long divisor = assay_verify_divisor(f);
    if (divisor == 1)
        return mpfr_get_d(v, MPFR_RNDN);
    mpfr_t quotient; /* of small integers: never subnormal */
    mpfr_init2(quotient, 53);
    mpfr_div_ui(quotient, v, divisor, MPFR_RNDN);
    double x = mpfr_get_d(quotient, MPFR_RNDN);
    mpfr_clear(quotient);
    return x;
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/codebook.h"
#include "formats/family.h"
#include "formats/spec.h"
#include "numerics/bits.h"

enum { ASSAY_ZERO_UNSIGNED, ASSAY_ZERO_SIGNED, ASSAY_ZERO_NONE };

/* A row is the parameters of a float, the SPEC of a builder, or a list of values. */
typedef struct format_row {
    const char *name, *alias, *spec, *source;
    assay_float_params params;
    const double *values;
    uint32_t count, divisor;
} format_row;

#define ASSAY_FLOAT(...)
#define ASSAY_ROW(...)
#define ASSAY_CODEBOOK(id, name, alias, divisor, source, ...) \
    static const double book_##id[] = { __VA_ARGS__ };
#include "formats/formats.def"
#undef ASSAY_FLOAT
#undef ASSAY_ROW
#undef ASSAY_CODEBOOK

static const format_row rows[] = {
#define ASSAY_FLOAT(name, alias, e, m, bias, sign, inf, zero, sub, nan, source)            \
    { name,                                                                                \
      alias,                                                                               \
      NULL,                                                                                \
      source,                                                                              \
      { name, alias, e, m, bias, sign, inf, (zero) == ASSAY_ZERO_SIGNED, sub, nan, source, \
        (zero) == ASSAY_ZERO_NONE, ASSAY_LAW_GENERAL },                                    \
      NULL,                                                                                \
      0,                                                                                   \
      0 },
#define ASSAY_ROW(name, alias, spec, source) { name, alias, spec, source, { 0 }, NULL, 0, 0 },
#define ASSAY_CODEBOOK(id, name, alias, divisor, source, ...) \
    { name, alias, NULL, source, { 0 }, book_##id, sizeof book_##id / sizeof(double), divisor },
#include "formats/formats.def"
#undef ASSAY_FLOAT
#undef ASSAY_ROW
#undef ASSAY_CODEBOOK
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static assay_format table[ROWS];

static assay_status build_row(const format_row *row, assay_format *out)
{
    if (row->spec) {
        assay_status status = assay_format_parse(row->spec, out);
        snprintf(out->name, sizeof out->name, "%s", row->name);
        out->alias = row->alias;
        out->source = row->source;
        return status;
    }
    if (!row->values)
        return assay_format_build(&row->params, out);
    assay_format f = { .family = &assay_family_codebook,
                       .alias = row->alias,
                       .source = row->source };
    snprintf(f.name, sizeof f.name, "%s", row->name);
    const assay_codebook *book = NULL;
    assay_status status = assay_codebook_make(row->values, row->count, row->divisor, &book);
    if (status == ASSAY_OK)
        status = assay_codebook_format(book, &f);
    if (status == ASSAY_OK)
        status = assay_format_finish(&f);
    *out = f;
    return status;
}

/* The rows are constants, so every thread would write the same bytes; doing it before main
 * keeps the table immutable while threads run. */
__attribute__((constructor(102))) static void build_table(void)
{
    for (size_t i = 0; i < ROWS; i++)
        if (build_row(&rows[i], &table[i]) != ASSAY_OK)
            __builtin_trap();
}

const char *assay_format_row_spec(const assay_format *row)
{
    return rows[row - table].spec;
}

size_t assay_format_count(void)
{
    return ROWS;
}

const assay_format *assay_format_row(size_t i)
{
    return &table[i];
}

size_t assay_format_container(const assay_format *format)
{
    return format->bits <= 8 ? 1 : format->bits <= 16 ? 2 : format->bits <= 32 ? 4 : 8;
}

static uint64_t ones(int n)
{
    return n >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
}

/* Specials take codes off the top of the magnitudes 0 .. 2^(e+m) - 1; what is below is finite. */
static void place_specials(assay_format *f)
{
    uint64_t top = ones(f->exponent_bits + f->fraction_bits);
    uint64_t fraction = ones(f->fraction_bits);
    switch (f->nan) {
    case ASSAY_NAN_IEEE:
        f->inf_code = top - fraction;
        f->max_code = f->inf_code - 1;
        f->nan_code = f->inf_code | (fraction ^ fraction >> 1);
        return;
    case ASSAY_NAN_ONES: f->nan_code = top--; break;
    case ASSAY_NAN_NEGZERO: f->nan_code = f->sign_bit; break;
    case ASSAY_NAN_NONE: break;
    }
    f->inf_code = top;
    f->max_code = f->has_inf ? top - 1 : top;
}

enum { MOST_EXPONENT_BITS = 30, MOST_BITS = 32 };

static assay_status check_params(const assay_float_params *p)
{
    int e = p->exponent_bits, m = p->fraction_bits;
    bool wide = e == 11 && m == 52 && p->bias == 1023 && p->is_signed;
    if (e < 0 || e > MOST_EXPONENT_BITS || m < 0 || m > 52 ||
        (e + m + p->is_signed > MOST_BITS && !wide))
        return assay_fail(ASSAY_ERR_USAGE,
                          "format %s: e=%d,m=%d: need 0 <= e <= 30, m >= 0 and at "
                          "most 32 bits in all",
                          p->name, e, m);
    if (p->nan == ASSAY_NAN_IEEE && m == 0 && p->has_inf)
        return assay_fail(ASSAY_ERR_USAGE, "format %s: nan=ieee needs a fraction beside inf",
                          p->name);
    if (p->nan == ASSAY_NAN_NEGZERO && !p->is_signed)
        return assay_fail(ASSAY_ERR_USAGE, "format %s: nan=negzero needs a sign", p->name);
    if (p->nan == ASSAY_NAN_NEGZERO && p->has_negzero)
        return assay_fail(ASSAY_ERR_USAGE, "format %s: nan=negzero needs zero=unsigned", p->name);
    if (p->no_zero && (p->is_signed || p->has_subnormals))
        return assay_fail(ASSAY_ERR_USAGE, "format %s: zero=none needs sign=no,subnormals=no",
                          p->name);
    if (e == 0 && (p->nan == ASSAY_NAN_IEEE || !p->has_subnormals))
        return assay_fail(ASSAY_ERR_USAGE, "format %s: e=0 needs subnormals=yes and no nan=ieee",
                          p->name);
    return ASSAY_OK;
}

assay_status assay_format_build(const assay_float_params *p, assay_format *out)
{
    assay_status status = check_params(p);
    if (status != ASSAY_OK)
        return status;
    assay_format f = { .exponent_bits = p->exponent_bits,
                       .fraction_bits = p->fraction_bits,
                       .bias = p->bias,
                       .family = &assay_family_float,
                       .kind = ASSAY_FAMILY_FLOAT,
                       .is_signed = p->is_signed,
                       .has_zero = !p->no_zero,
                       .law = p->law,
                       .nan_rule = ASSAY_NAN_RULE_MAX,
                       .has_inf = p->has_inf,
                       .has_negzero = p->has_negzero && p->is_signed,
                       .has_subnormals = p->has_subnormals,
                       .nan = p->nan,
                       .alias = p->alias,
                       .source = p->source };
    snprintf(f.name, sizeof f.name, "%s", p->name);
    f.p = f.fraction_bits + 1;
    f.bits = f.exponent_bits + f.fraction_bits + f.is_signed;
    f.sign_bit = f.is_signed ? (uint64_t)1 << (f.bits - 1) : 0;
    place_specials(&f);
    /* max_code is the last code below the specials: none is left in, say, e=1,m=0,nan=ieee. */
    if (f.max_code == 0 || f.max_code > ones(f.exponent_bits + f.fraction_bits))
        return assay_fail(ASSAY_ERR_USAGE, "format %s: no finite value is left but zero", p->name);
    f.emin = p->no_zero ? -f.bias : 1 - f.bias;
    int field = (int)(f.max_code >> f.fraction_bits);
    f.emax = field > 0 ? field - f.bias : f.emin - 1;
    int least = f.has_subnormals ? f.emin - f.fraction_bits : -f.bias - f.fraction_bits;
    f.fits_binary64 = least >= -1074 && f.emax <= 1023;
    f.max = assay_decode(&f, f.max_code);
    f.min_positive = assay_decode(&f, f.has_zero);
    f.min_normal =
        f.has_subnormals ? assay_decode(&f, (uint64_t)1 << f.fraction_bits) : f.min_positive;
    *out = f;
    return ASSAY_OK;
}

bool assay_code_is_nan(const assay_format *f, uint64_t code)
{
    if (f->kind != ASSAY_FAMILY_FLOAT) {
        uint64_t position;
        return !f->family->position(f, code, &position) && !assay_code_is_inf(f, code);
    }
    uint64_t magnitude = code & ones(f->exponent_bits + f->fraction_bits);
    switch (f->nan) {
    case ASSAY_NAN_IEEE: return magnitude >= f->inf_code + (f->has_inf ? 1 : 0);
    case ASSAY_NAN_ONES: return magnitude == f->nan_code;
    case ASSAY_NAN_NEGZERO: return (code & ones(f->bits)) == f->nan_code;
    default: return false;
    }
}

bool assay_code_is_inf(const assay_format *f, uint64_t code)
{
    return f->has_inf && (code & ones(f->bits) & ~f->sign_bit) == f->inf_code;
}

static assay_exact float_value(const assay_format *f, uint64_t code)
{
    uint64_t magnitude = code & ones(f->exponent_bits + f->fraction_bits);
    int64_t field = (int64_t)(magnitude >> f->fraction_bits);
    uint64_t sig = magnitude & ones(f->fraction_bits);
    assay_exact x = { .negative = (code & f->sign_bit) != 0 };
    if (field > 0 || !f->has_zero || (!f->has_subnormals && sig > 0))
        sig |= (uint64_t)1 << f->fraction_bits;
    if (sig == 0)
        return x;
    int e = field > 0 || !f->has_subnormals ? (int)field - f->bias : f->emin;
    int up = __builtin_clzll(sig);
    x.kind = ASSAY_FINITE;
    x.sig = sig << up;
    x.exp = e - f->fraction_bits - up;
    return x;
}

assay_exact assay_decode_exact(const assay_format *f, uint64_t code)
{
    if (assay_code_is_nan(f, code))
        return (assay_exact){ .kind = ASSAY_NOT_A_NUMBER };
    if (assay_code_is_inf(f, code))
        return (assay_exact){ .kind = ASSAY_INFINITE, .negative = (code & f->sign_bit) != 0 };
    if (f->kind == ASSAY_FAMILY_FLOAT)
        return float_value(f, code);
    uint64_t position;
    f->family->position(f, code, &position);
    assay_exact x = f->family->value(f, position);
    uint32_t divisor = assay_format_divisor(f);
    if (x.kind == ASSAY_ZERO)
        x.negative = f->has_negzero && (code & f->sign_bit) != 0;
    else if (divisor > 1)
        x = assay_exact_from_ratio(x.negative, x.sig >> 11, divisor, x.exp + 11);
    return x;
}

/* Products of normal numbers only, so that neither a caller's FTZ nor its rounding matters; from a
 * signed integer, since compilers convert an unsigned 0 by a difference, which is -0 downward. */
static double float_double(const assay_format *f, uint64_t code)
{
    bool negative = (code & f->sign_bit) != 0;
    uint64_t magnitude = code & ones(f->exponent_bits + f->fraction_bits);
    int field = (int)(magnitude >> f->fraction_bits);
    int64_t sig = (int64_t)(magnitude & ones(f->fraction_bits));
    if (field > 0 || !f->has_zero || (!f->has_subnormals && sig > 0))
        sig |= (int64_t)1 << f->fraction_bits;
    int q = (field > 0 || !f->has_subnormals ? field - f->bias : f->emin) - f->fraction_bits;
    double value = (double)sig * assay_pow2(q > 970 ? 970 : q) * assay_pow2(q > 970 ? q - 970 : 0);
    return negative ? -value : value;
}

double assay_decode(const assay_format *f, uint64_t code)
{
    bool simple = f->kind == ASSAY_FAMILY_FLOAT && f->fits_binary64 &&
                  (f->has_subnormals ? f->emin : -f->bias) - f->fraction_bits >= -1022;
    bool direct = f->kind != ASSAY_FAMILY_FLOAT && f->family->decode;
    if (!simple && !direct)
        return assay_exact_to_double(assay_decode_exact(f, code));
    if (assay_code_is_nan(f, code))
        return assay_from_bits64(0x7ff8000000000000);
    if (direct)
        return f->family->decode(f, code);
    if (assay_code_is_inf(f, code))
        return (code & f->sign_bit) != 0 ? -INFINITY : INFINITY;
    return float_double(f, code);
}

static bool encode_position(const assay_format *f, double x, uint64_t *code)
{
    assay_exact exact = assay_exact_times(assay_exact_from(x), assay_format_divisor(f));
    uint64_t position = 0;
    bool same, any = assay_position_below(f, &exact, &position, &same);
    /* The nearest binary64 of a value that is none may lie on either side of it. */
    for (uint64_t i = any ? position : 0; i < f->family->count(f) && i <= position + 1; i++) {
        *code = f->family->code(f, i);
        if (assay_decode(f, *code) == x) {
            *code |= assay_bits64(x) >> 63 && x == 0 ? f->sign_bit : 0;
            return true;
        }
    }
    return false;
}

bool assay_encode_exact(const assay_format *f, double x, uint64_t *code)
{
    uint64_t bits = assay_bits64(x);
    uint64_t sign = bits >> 63 ? f->sign_bit : 0;
    if (x != x) {
        *code = f->nan_code;
        return f->nan != ASSAY_NAN_NONE;
    }
    if (bits >> 63 && (!f->is_signed || (x == 0 && !f->has_negzero)))
        return false;
    if (isinf(x)) {
        *code = sign | f->inf_code;
        return f->has_inf;
    }
    if (f->kind != ASSAY_FAMILY_FLOAT)
        return encode_position(f, x, code);
    if (x == 0) {
        *code = sign;
        return f->has_zero;
    }
    int lowest = f->has_subnormals ? f->emin : -f->bias;
    int e = assay_exponent(x);
    e = e < lowest ? lowest : e;
    int field = bits >> 52 & 0x7ff ? (int)(bits >> 52 & 0x7ff) : 1;
    uint64_t sig = (bits & ones(52)) | (bits >> 52 & 0x7ff ? (uint64_t)1 << 52 : 0);
    int shift = e - f->fraction_bits - (field - 1075); /* from x's quantum to the format's */
    /* One binade above emax, the range check below decides: e=1 formats end in subnormals. */
    if (e > f->emax + 1 || shift > 52 || (shift > 0 && (sig & ones(shift)) != 0))
        return false;
    uint64_t whole = shift > 0 ? sig >> shift : sig << -shift;
    /* The rule of the array loops: codes are linear in the significand within a binade and
     * continuous across binades, so field and fraction need not be put together apart. */
    uint64_t magnitude = ((uint64_t)(e + f->bias - f->has_subnormals) << f->fraction_bits) + whole;
    if (!f->has_subnormals)
        magnitude -= (uint64_t)1 << f->fraction_bits;
    *code = sign | magnitude;
    return magnitude <= f->max_code && (f->has_subnormals || !f->has_zero || magnitude > 0);
}

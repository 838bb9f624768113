/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/ulp.h"

#include <float.h>
#include <math.h>

#include "numerics/exact.h"
#include "rounding/round.h"

/* The bucket with low end 2^k is number k + 3: assay_ulp_histogram. */
enum { HALF_BUCKET = 1, POWER_OFFSET = 3 };

/* Where steps are uneven, the one that starts at |x|, towards larger magnitudes. */
static int step_exponent(const assay_format *f, double x)
{
    assay_rounder down;
    uint64_t low, high = assay_position_count(f) - 1;
    if (assay_rounder_make(f, ASSAY_RDN, ASSAY_OVERFLOW_SAT, ASSAY_NAN_RULE_DEFAULT, &down) !=
            ASSAY_OK ||
        !assay_code_position(f, assay_round_code(&down, fabs(x)), &low))
        return 0;
    low = low < high ? low : high - 1;
    double step = assay_decode(f, assay_position_code(f, low + 1)) -
                  assay_decode(f, assay_position_code(f, low));
    return assay_exponent(step);
}

int assay_quantum_exponent(const assay_format *f, double x)
{
    if (f->kind != ASSAY_FAMILY_FLOAT)
        return step_exponent(f, x != x ? 0 : x);
    int lowest = f->has_subnormals ? f->emin : -f->bias;
    int highest = f->emax > lowest ? f->emax : lowest;
    int e = x == 0 || x != x ? lowest : isinf(x) ? highest : assay_exponent(x);
    return assay_clamp(e, lowest, highest) - f->fraction_bits;
}

/* x 2^-q. Exact unless it leaves binary64's range: then infinite, or tiny with x's sign. */
static double in_quanta(double x, int q)
{
    int first = assay_clamp(-q, -1022, 1023);
    double y = x * assay_pow2(first) * assay_pow2(-q - first);
    return y == 0 && x != 0 ? copysign(DBL_TRUE_MIN, x) : y;
}

/* |a - b| rounded upwards: TwoSum gives what rounding to nearest left out. */
static double distance_up(double a, double b)
{
    assay_dd d = assay_two_sum(a, -b);
    if (isinf(a) || isinf(b) || isinf(d.hi))
        return DBL_MAX;
    double size = fabs(d.hi), rest = d.hi < 0 ? -d.lo : d.lo;
    return rest > 0 && size < DBL_MAX ? assay_from_bits64(assay_bits64(size) + 1) : size;
}

double assay_ulp_error(const assay_format *f, double reference, double candidate)
{
    if (reference != reference || candidate != candidate)
        return reference != reference && candidate != candidate ? 0 : NAN;
    if (reference == candidate)
        return 0;
    if (isinf(reference) || isinf(candidate))
        return INFINITY;
    int q = assay_quantum_exponent(f, reference);
    return distance_up(in_quanta(reference, q), in_quanta(candidate, q));
}

/* The place of a code in the order of the values; both zeros are 0. */
static int64_t ordinal(const assay_format *f, uint64_t code)
{
    uint64_t position;
    if (f->kind != ASSAY_FAMILY_FLOAT) /* encoded, so a value or NaN, which the caller kept out */
        return assay_code_position(f, code, &position) ? (int64_t)position : 0;
    int64_t magnitude = (int64_t)(code & ~f->sign_bit);
    return code & f->sign_bit ? -magnitude : magnitude;
}

bool assay_code_distance(const assay_format *f, double a, double b, uint64_t *distance)
{
    uint64_t code_a, code_b;
    if (a != a || b != b)
        return false;
    a = a == 0 ? 0 : a; /* a -0 is 0, also where the format has no code for it */
    b = b == 0 ? 0 : b;
    if (!assay_encode_exact(f, a, &code_a) || !assay_encode_exact(f, b, &code_b))
        return false;
    int64_t i = ordinal(f, code_a), j = ordinal(f, code_b);
    *distance = i > j ? (uint64_t)i - (uint64_t)j : (uint64_t)j - (uint64_t)i;
    return true;
}

size_t assay_ulp_bucket(double ulps)
{
    if (ulps == 0)
        return 0;
    if (ulps <= 0.5)
        return HALF_BUCKET;
    int e = assay_exponent(ulps);
    bool power = ulps == assay_pow2(e); /* the high end belongs to the bucket */
    size_t bucket = (size_t)(e - power + POWER_OFFSET);
    return bucket < ASSAY_ULP_BUCKETS ? bucket : ASSAY_ULP_BUCKETS - 1;
}

double assay_ulp_low(size_t bucket)
{
    return bucket <= HALF_BUCKET ? 0 : assay_pow2((int)bucket - POWER_OFFSET);
}

double assay_ulp_high(size_t bucket)
{
    if (bucket == 0)
        return 0;
    return bucket < ASSAY_ULP_BUCKETS - 1 ? assay_ulp_low(bucket + 1) : INFINITY;
}

void assay_ulp_add(assay_ulp_histogram *h, double ulps)
{
    if (ulps != ulps) {
        h->nan++;
        return;
    }
    if (isinf(ulps))
        h->inf++;
    else
        h->count[assay_ulp_bucket(ulps)]++;
    h->max = ulps > h->max ? ulps : h->max;
}

void assay_ulp_merge(assay_ulp_histogram *h, const assay_ulp_histogram *part)
{
    for (size_t i = 0; i < ASSAY_ULP_BUCKETS; i++)
        h->count[i] += part->count[i];
    h->inf += part->inf;
    h->nan += part->nan;
    h->max = part->max > h->max ? part->max : h->max;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Section numbers below are those of docs/numerics.md, which proves the bounds. */
#include "numerics/elementary_dd.h"

#include "numerics/elementary.h"
#include "numerics/elementary_tables.h"
#include "numerics/half_pi.h"

/* Below this, Taylor's first term (of exp: two) is f(x) to within 2^-109. It is returned as it
 * stands, since products of such x could underflow, and then FMA and Dekker differ. */
static const double tiny = 0x1p-110;

static assay_dd word_pair(const double *c)
{
    assay_dd r = { c[0], c[1] };
    return r;
}

static assay_dd plain(double hi)
{
    return assay_dd_from(hi);
}

static assay_dd not_a_number(void)
{
    double nan = assay_from_bits64(0x7ff8000000000000);
    assay_dd r = { nan, nan };
    return r;
}

static assay_dd infinity_of(int negative)
{
    return plain(assay_from_bits64(negative ? 0xfff0000000000000 : 0x7ff0000000000000));
}

static int is_infinite(double x)
{
    return (assay_bits64(x) << 1) == 0xffe0000000000000;
}

/* x * 2^n, |n| <= 2044, by two factors: the first product of a normal x near 1 is exact, so
 * that a subnormal result is rounded once. An overflow leaves no stray low word. */
static assay_dd scale(assay_dd x, int n)
{
    assay_dd r = assay_dd_ldexp(assay_dd_ldexp(x, n / 2), n - n / 2);
    if (is_infinite(r.hi))
        r.lo = 0;
    return r;
}

/* Horner's rule for n coefficients, the first `wide` in double-double; section 3. */
static assay_dd series(const double *c, int n, int wide, assay_dd x)
{
    double tail = c[2 * (n - 1)];
    for (int i = n - 2; i >= wide; i--)
        tail = c[2 * i] + tail * x.hi;
    assay_dd s = plain(tail);
    for (int i = wide - 1; i >= 0; i--)
        s = assay_dd_add(word_pair(c + 2 * i), assay_dd_mul(s, x));
    return s;
}

/* y and n with e^x = y 2^n, 0.99 < y < 2, for -1500 < x < 1500: |k| < 2^18.1, so that the first
 * two products with ln2/128 are exact and the third is below 2^-59; section 6. */
static assay_dd exp_parts(assay_dd x, int *n)
{
    double t = x.hi * 0x1.71547652b82fep7 + 0x1.8p52, k = t - 0x1.8p52;
    assay_dd r = assay_dd_add_d(x, -k * assay_ln2_128[0]);
    r = assay_dd_add_d(assay_dd_add_d(r, -k * assay_ln2_128[1]), -k * assay_ln2_128[2]);
    assay_dd p = assay_dd_mul(r, series(assay_exp_series, 10, 5, r));
    uint64_t i = assay_bits64(t) - 0x4338000000000000 + (4096 << 7);
    *n = (int)(i >> 7) - 4096;
    assay_dd root = word_pair(assay_exp_table + 2 * (i & 127));
    return assay_dd_add(root, assay_dd_mul(root, p));
}

assay_dd assay_dd_exp(assay_dd x)
{
    int n;
    if (x.hi != x.hi)
        return not_a_number();
    if (x.hi > 710)
        return infinity_of(0);
    if (x.hi < -746)
        return plain(0);
    if (assay_dd_abs(x).hi < tiny)
        return assay_two_sum(1, x.hi);
    assay_dd y = exp_parts(x, &n);
    return scale(y, n);
}

assay_dd assay_dd_expm1(assay_dd x)
{
    double a = assay_dd_abs(x).hi;
    if (a < tiny)
        return x;
    if (a < 0.125)
        return assay_dd_mul(x, series(assay_exp_series, 19, 11, x));
    assay_dd y = assay_dd_exp(x);
    return y.hi < 0x1p200 ? assay_dd_add_d(y, -1) : y; /* NaN passes through either way */
}

/* log(1 + r), |r| < 2^-7 (1 + 2^-40): 2 atanh(s), s = r/(2 + r); section 7. */
static assay_dd log_near_one(assay_dd r)
{
    assay_dd s = assay_dd_div(r, assay_dd_add_d(r, 2));
    assay_dd p = series(assay_atanh_series, 7, 4, assay_dd_mul(s, s));
    return assay_dd_ldexp(assay_dd_mul(s, p), 1);
}

/* e ln2 for |e| <= 1075: two exact products and a rest below 2^-73. */
static assay_dd multiple_of_ln2(double e)
{
    return assay_dd_add_d(assay_two_sum(e * assay_ln2[0], e * assay_ln2[1]), e * assay_ln2[2]);
}

/* x = 2^e m with m in [0.70, 1.42), c = 1/m to 10 bits: log x = e ln2 - log c + log(c m).
 * c m.hi - 1 is exact: c m.hi has 64 bits, and its high word lies in [1/2, 2]. */
static assay_dd log_positive(assay_dd x)
{
    int e = assay_exponent(x.hi);
    assay_dd m = scale(x, -e);
    unsigned i = (unsigned)(assay_bits64(m.hi) >> 45) & 127;
    if (i >= 53) {
        m = assay_dd_ldexp(m, -1);
        e++;
    }
    const double *row = assay_log_table + 3 * i;
    assay_dd p = assay_two_prod(m.hi, row[0]);
    assay_dd r = assay_dd_add(assay_two_sum(p.hi - 1, p.lo), assay_two_prod(m.lo, row[0]));
    assay_dd base = assay_dd_add(multiple_of_ln2(e), word_pair(row + 1));
    return assay_dd_add(base, log_near_one(r));
}

assay_dd assay_dd_log(assay_dd x)
{
    if (x.hi == 0)
        return infinity_of(1);
    if (!(x.hi > 0))
        return not_a_number();
    if (is_infinite(x.hi))
        return x;
    if (x.hi == 1 && assay_dd_abs(plain(x.lo)).hi < tiny)
        return plain(x.lo);
    return log_positive(x);
}

/* x >= 0, y != 0, x != 1, one of them 0 or infinite: the limit is 0 or infinity. */
static assay_dd pow_limit(assay_dd x, assay_dd y)
{
    int above_one = x.hi > 1 || (x.hi == 1 && x.lo > 0);
    return above_one == (y.hi > 0) ? infinity_of(0) : plain(0);
}

assay_dd assay_dd_pow(assay_dd x, assay_dd y)
{
    if (y.hi == 0 || (x.hi == 1 && x.lo == 0))
        return plain(1);
    if (!(x.hi >= 0) || y.hi != y.hi)
        return not_a_number();
    if (x.hi == 0 || is_infinite(x.hi) || is_infinite(y.hi))
        return pow_limit(x, y);
    assay_dd l = assay_dd_log(x);
    double z = y.hi * l.hi;
    if (!(z > -800 && z < 800))
        return pow_limit(x, y);
    /* Scaled so that no partial product over- or underflows while e^(y l) differs from 1. */
    return assay_dd_exp(assay_dd_mul(assay_dd_ldexp(y, -200), assay_dd_ldexp(l, 200)));
}

/* q and r with x = q pi/2 + r mod 2 pi. Two reduced parts can add up to pi/2. */
static int reduce_dd(assay_dd x, assay_dd *r)
{
    assay_dd low, quarter = word_pair(assay_half_pi);
    int q = assay_reduce_half_pi(x.hi, r);
    if (x.lo == 0)
        return q;
    q += assay_reduce_half_pi(x.lo, &low);
    *r = assay_dd_add(*r, low);
    if (assay_dd_abs(*r).hi <= 0.7854)
        return q;
    int up = r->hi > 0;
    *r = assay_dd_add(*r, up ? assay_dd_neg(quarter) : quarter);
    return up ? q + 1 : q - 1;
}

static assay_dd sine_of(assay_dd r)
{
    if (assay_dd_abs(r).hi < tiny)
        return r;
    assay_dd s = assay_dd_mul(r, r);
    assay_dd p = series(assay_sin_series + 2, 14, 7, s);
    return assay_dd_add(r, assay_dd_mul(assay_dd_mul(s, p), r));
}

static assay_dd cosine_of(assay_dd r)
{
    if (assay_dd_abs(r).hi < tiny)
        return plain(1);
    return series(assay_cos_series, 16, 9, assay_dd_mul(r, r));
}

/* sin(q pi/2 + r) */
static assay_dd quarter_sine(int q, assay_dd r)
{
    assay_dd y = q & 1 ? cosine_of(r) : sine_of(r);
    return q & 2 ? assay_dd_neg(y) : y;
}

/* sin(x + turn pi/2) */
static assay_dd turned_sine(assay_dd x, int turn)
{
    assay_dd r;
    if (!(x.hi - x.hi == 0))
        return not_a_number();
    int q = reduce_dd(x, &r);
    return quarter_sine(q + turn, r);
}

assay_dd assay_dd_sin(assay_dd x)
{
    return turned_sine(x, 0);
}

assay_dd assay_dd_cos(assay_dd x)
{
    return turned_sine(x, 1);
}

void assay_dd_sincos(assay_dd x, assay_dd *sine, assay_dd *cosine)
{
    assay_dd r;
    *sine = *cosine = not_a_number();
    if (!(x.hi - x.hi == 0))
        return;
    int q = reduce_dd(x, &r);
    *sine = quarter_sine(q, r);
    *cosine = quarter_sine(q + 1, r);
}

/* (e^2a - 1)/(e^2a + 1); beyond 40 it is 1 - 2^-114. */
assay_dd assay_dd_tanh(assay_dd x)
{
    assay_dd a = assay_dd_abs(x);
    if (x.hi != x.hi)
        return not_a_number();
    if (a.hi < tiny)
        return x;
    assay_dd t = assay_dd_expm1(assay_dd_ldexp(a, 1));
    t = a.hi > 40 ? plain(1) : assay_dd_div(t, assay_dd_add_d(t, 2));
    return x.hi < 0 ? assay_dd_neg(t) : t;
}

/* y and n with e^(-c x^2) = y 2^n, c = 1 or 1/2, |x| < 40. The square of x.hi is exact; the rest
 * d of c x^2, below 2^-41.3, enters by its own exponential 1 - d + d^2/2; section 11. */
static assay_dd gauss(assay_dd x, double c, int *n)
{
    assay_dd square = assay_two_prod(x.hi, -c * x.hi);
    assay_dd y = exp_parts(square, n);
    if (x.lo == 0)
        return y;
    assay_dd d = assay_two_prod(2 * c * x.hi, -x.lo);
    d = assay_dd_add_d(d, 0.5 * d.hi * d.hi - c * x.lo * x.lo);
    return assay_dd_mul(y, assay_dd_add_d(d, 1));
}

/* e^(z^2) erfc(z), 0 <= z < 31: Taylor's series about the centre of one of the 16 equal parts
 * of z + 1's binade; section 11. */
static assay_dd scaled_erfc(assay_dd z)
{
    unsigned i = (unsigned)((assay_bits64(z.hi + 1) - assay_bits64(1)) >> 48);
    double centre = assay_pow2((int)(i / 16)) * (1 + (i % 16 + 0.5) / 16) - 1;
    return series(assay_scaled_erfc + (size_t)44 * i, 22, 13, assay_dd_add_d(z, -centre));
}

/* erfc(x), x >= 0; beyond 27.5 it is below 2^-1095. */
static assay_dd erfc_positive(assay_dd x)
{
    int n;
    if (x.hi > 27.5)
        return plain(0);
    assay_dd y = gauss(x, 1, &n);
    return scale(assay_dd_mul(y, scaled_erfc(x)), n);
}

assay_dd assay_dd_erfc(assay_dd x)
{
    if (x.hi != x.hi)
        return not_a_number();
    if (assay_dd_abs(x).hi < tiny)
        return plain(1);
    assay_dd y = erfc_positive(assay_dd_abs(x));
    return x.hi < 0 ? assay_dd_add_d(assay_dd_neg(y), 2) : y;
}

/* erf(a), 2^-110 <= a; beyond 9 it is 1 - 2^-121. */
static assay_dd erf_positive(assay_dd a)
{
    if (a.hi < 0.5)
        return assay_dd_mul(a, series(assay_erf_series, 22, 12, assay_dd_mul(a, a)));
    return a.hi > 9 ? plain(1) : assay_dd_add_d(assay_dd_neg(erfc_positive(a)), 1);
}

assay_dd assay_dd_erf(assay_dd x)
{
    if (x.hi != x.hi || x.hi == 0)
        return x.hi == 0 ? x : not_a_number();
    assay_dd a = assay_dd_abs(x);
    if (a.hi < tiny) { /* scaled, for the products of a subnormal would be rounded */
        assay_dd y = assay_dd_mul(assay_dd_ldexp(a, 250), word_pair(assay_erf_series));
        a = assay_dd_ldexp(y, -250);
    } else {
        a = erf_positive(a);
    }
    return x.hi < 0 ? assay_dd_neg(a) : a;
}

assay_dd assay_dd_sigmoid(assay_dd x)
{
    assay_dd e = assay_dd_exp(assay_dd_neg(assay_dd_abs(x)));
    return assay_dd_div(x.hi < 0 ? e : plain(1), assay_dd_add_d(e, 1));
}

/* x/(1 + e^-z), z of the sign of x, 2^-110 <= |z|. The result is scaled last, since x e^z may
 * be normal where e^z is not. */
static assay_dd times_sigmoid(assay_dd x, assay_dd z)
{
    int n;
    if (z.hi > 100)
        return x;
    if (z.hi < -800)
        return plain(-0.0);
    assay_dd y = exp_parts(assay_dd_neg(assay_dd_abs(z)), &n);
    assay_dd e = assay_dd_add_d(scale(y, n), 1);
    return x.hi < 0 ? scale(assay_dd_div(assay_dd_mul(x, y), e), n) : assay_dd_div(x, e);
}

/* x/2 for |x| < 2^-110, where all three are x/2 (1 + c x) with c < 0.8. */
static assay_dd halved(assay_dd x)
{
    return assay_dd_ldexp(x, -1);
}

assay_dd assay_dd_silu(assay_dd x)
{
    if (x.hi != x.hi)
        return not_a_number();
    return assay_dd_abs(x).hi < tiny ? halved(x) : times_sigmoid(x, x);
}

assay_dd assay_dd_gelu_tanh(assay_dd x)
{
    if (x.hi != x.hi)
        return not_a_number();
    if (assay_dd_abs(x).hi < tiny)
        return halved(x);
    if (assay_dd_abs(x).hi > 40) /* |2a| > 4600 */
        return x.hi > 0 ? x : plain(-0.0);
    assay_dd cubic = assay_dd_mul(word_pair(assay_gelu_cubic), assay_dd_mul(x, x));
    return times_sigmoid(x, assay_dd_mul(x, assay_dd_add(word_pair(assay_gelu_linear), cubic)));
}

/* x Phi(x): with z = |x|/sqrt 2, Phi(-|x|) = e^(-x^2/2) scaled_erfc(z)/2. The exponential takes
 * x itself, as the rounding of z would grow by 2 z^2 in e^(-z^2); section 12. */
assay_dd assay_dd_gelu_erf(assay_dd x)
{
    int n;
    assay_dd a = assay_dd_abs(x);
    if (x.hi != x.hi)
        return not_a_number();
    if (a.hi < tiny)
        return halved(x);
    if (a.hi > 38.75)
        return x.hi > 0 ? x : plain(-0.0);
    assay_dd tail = gauss(a, 0.5, &n);
    tail = assay_dd_mul(tail, scaled_erfc(assay_dd_mul(a, word_pair(assay_rsqrt2))));
    if (x.hi < 0)
        return scale(assay_dd_mul(x, tail), n - 1);
    return assay_dd_mul(x, assay_dd_add_d(assay_dd_neg(scale(tail, n - 1)), 1));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The binary64 elementary functions: every stated bound, every special, fixed bits. */
#include "elementary_cases.h"

/* |y - t| in ulps of t; infinities agree with everything beyond the largest finite number. */
static double ulp_error(double y, const mpfr_t t)
{
    double rounded = mpfr_get_d(t, MPFR_RNDN);
    mpfr_t d;
    if (isnan(y) || isnan(rounded))
        return isnan(y) && isnan(rounded) ? 0 : INFINITY;
    if (mpfr_inf_p(t) || isinf(y))
        return y == rounded ||
                       (isinf(y) && fabs(mpfr_get_d(t, MPFR_RNDZ)) == 0x1.fffffffffffffp1023)
                   ? 0
                   : INFINITY;
    if (mpfr_zero_p(t))
        return y == 0 ? 0 : INFINITY;
    long e = mpfr_get_exp(t) - 1;
    mpfr_init2(d, BITS);
    mpfr_sub_d(d, t, y, MPFR_RNDN);
    mpfr_div_2si(d, d, (e < -1022 ? -1022 : e) - 52, MPFR_RNDN);
    double error = fabs(mpfr_get_d(d, MPFR_RNDA));
    mpfr_clear(d);
    return error;
}

static void check_point(const row *r, double x, worst *normal, worst *subnormal)
{
    mpfr_t t, y;
    if (!isfinite(x)) /* the limits are in the test of specials */
        return;
    mpfr_inits2(BITS, t, y, (mpfr_ptr)0);
    mpfr_set_d(t, x, MPFR_RNDN);
    r->truth(y, t);
    double error = ulp_error(r->f(x), y);
    keep(fabs(mpfr_get_d(y, MPFR_RNDZ)) < 0x1p-1022 ? subnormal : normal, error, x);
    mpfr_clears(t, y, (mpfr_ptr)0);
}

PER_FUNCTION(bounds)
{
    const row *r = &rows[*id];
    worst normal = { 0, 0 }, subnormal = { 0, 0 };
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++)
        for (int step = -2; step <= 2; step++) {
            double x = assay_from_bits64(assay_bits64(hard[i]) + (uint64_t)(int64_t)step);
            check_point(r, x, &normal, &subnormal);
            check_point(r, -x, &normal, &subnormal);
        }
    for (size_t i = 0; i < 2 * points(r->cost); i++)
        check_point(r, argument(r, i), &normal, &subnormal);
    cr_log_info("%s: %.6f ulp at %a, subnormal %.4f at %a", r->name, normal.value, normal.at,
                subnormal.value, subnormal.at);
    cr_expect(normal.value <= r->ulps, "%s: %g ulp at %a", r->name, normal.value, normal.at);
    cr_expect(subnormal.value <= ASSAY_SUBNORMAL_ULPS, "%s: %g ulp at %a", r->name, subnormal.value,
              subnormal.at);
}

/* Near k pi/2 the results of sin and cos come from what cancels: every k up to 20000, and
 * k 2^j for all j. */
Test(elementary, multiples_of_half_pi)
{
    mpfr_t pi;
    mpfr_init2(pi, 1200);
    mpfr_const_pi(pi, MPFR_RNDN);
    worst normal = { 0, 0 }, subnormal = { 0, 0 };
    for (unsigned long k = 1; k < 20000; k++) {
        mpfr_t x;
        mpfr_init2(x, 1300);
        mpfr_mul_ui(x, pi, k, MPFR_RNDN);
        mpfr_mul_2si(x, x, k < 10000 ? -1 : (long)(k % 1005), MPFR_RNDN);
        double near = mpfr_get_d(x, MPFR_RNDN);
        mpfr_clear(x);
        check_point(&rows[5], near, &normal, &subnormal);
        check_point(&rows[6], near, &normal, &subnormal);
    }
    mpfr_clear(pi);
    cr_expect(normal.value <= ASSAY_SIN_ULPS, "%g ulp at %a", normal.value, normal.at);
}

static void check_pow(double x, double y, worst *normal, worst *subnormal)
{
    mpfr_t a, b;
    mpfr_inits2(BITS, a, b, (mpfr_ptr)0);
    mpfr_set_d(a, x, MPFR_RNDN);
    mpfr_set_d(b, y, MPFR_RNDN);
    mpfr_pow(a, a, b, MPFR_RNDN);
    double error = ulp_error(assay_pow(x, y), a);
    keep(fabs(mpfr_get_d(a, MPFR_RNDZ)) < 0x1p-1022 ? subnormal : normal, error, x);
    mpfr_clears(a, b, (mpfr_ptr)0);
}

Test(elementary, pow)
{
    worst normal = { 0, 0 }, subnormal = { 0, 0 };
    const double bases[] = { 10000, 500000, 1e6, 2, 10, 0.5, 0x1.fffffffffffffp-1, 3 };
    for (size_t i = 0; i < points(4); i++) {
        double x = assay_from_bits64(hash(i) >> 1);
        if (x <= 0x1.fffffffffffffp1023)
            check_pow(x, 1500 / log(x) * (unit(i) - 0.5), &normal, &subnormal);
        check_pow(bases[i % 8], -2 * (double)(i % 128) / (double)(i % 97 + 31), &normal,
                  &subnormal);
        check_pow(1 + (unit(i) - 0.5) * 0x1p-20, (unit(i + 7) - 0.5) * 0x1p31, &normal, &subnormal);
    }
    cr_log_info("pow: %.6f ulp at %a, subnormal %.4f", normal.value, normal.at, subnormal.value);
    cr_expect(normal.value <= ASSAY_POW_ULPS, "%g ulp at %a", normal.value, normal.at);
    cr_expect(subnormal.value <= ASSAY_SUBNORMAL_ULPS, "%g ulp", subnormal.value);
}

/* C17 annex F agrees with the header wherever both speak. */
Test(elementary, pow_specials)
{
    const double values[] = { 0,           0x1p-1074, 0.5,   1 - 0x1p-53, 1,
                              1 + 0x1p-52, 2,         1e300, INFINITY,    NAN };
    for (size_t i = 0; i < 10; i++)
        for (size_t j = 0; j < 20; j++) {
            double x = values[i], y = j < 10 ? values[j] : -values[j - 10];
            double got = assay_pow(x, y), want = pow(x, y);
            cr_expect(got == want || (isnan(got) && isnan(want)), "pow(%a, %a) = %a", x, y, got);
        }
    cr_expect(isnan(assay_pow(-1, 2)) && isnan(assay_pow(-INFINITY, 2)));
    cr_expect_eq(assay_pow(-0.0, -3), INFINITY);
}

/* -0 stays -0 where f is odd, and everything tends to its limits with the right sign. */
Test(elementary, specials)
{
    const uint64_t nan = 0x7ff8000000000000;
    for (size_t i = 0; i < ROWS; i++) {
        cr_expect_eq(assay_bits64(rows[i].f(NAN)), nan, "%s", rows[i].name);
        cr_expect_eq(assay_bits64(rows[i].f(-NAN)), nan, "%s", rows[i].name);
        cr_expect_eq(assay_bits64(rows[i].f(assay_from_bits64(0xfff0000000000001))), nan, "%s",
                     rows[i].name);
        int odd = rows[i].f(0) == 0 && rows[i].f != assay_log;
        cr_expect_eq(assay_bits64(rows[i].f(-0.0)) >> 63, odd || isinf(rows[i].f(0)), "%s",
                     rows[i].name);
    }
    cr_expect(!signbit(assay_log(1)) && !signbit(assay_log10(1)));
    cr_expect_eq(assay_bits64(assay_log(-1)), nan);
}

/* Bits, so that -0 and the one NaN count. */
Test(elementary, limits)
{
    const double limits[ROWS][2] = {
        { 0, INFINITY },    { -1, INFINITY },   { NAN, INFINITY }, { NAN, INFINITY },
        { NAN, INFINITY },  { NAN, NAN },       { NAN, NAN },      { -1, 1 },
        { -1, 1 },          { 2, 0 },           { 0, 1 },          { -0.0, INFINITY },
        { -0.0, INFINITY }, { -0.0, INFINITY },
    };
    for (size_t i = 0; i < ROWS; i++)
        for (int side = 0; side < 2; side++) {
            double y = rows[i].f(side ? INFINITY : -INFINITY);
            cr_expect_eq(assay_bits64(y), assay_bits64(limits[i][side]), "%s: %a", rows[i].name, y);
        }
}

/* Vectorised or not, in place or not. */
Test(elementary, exp_inline_in_a_loop)
{
    static double x[4096], y[4096];
    for (size_t i = 0; i < 4096; i++)
        x[i] = argument(&rows[0], i);
    for (size_t i = 0; i < 4096; i++)
        y[i] = assay_exp_inline(x[i]);
    for (size_t i = 0; i < 4096; i++)
        cr_expect_eq(assay_bits64(y[i]), assay_bits64(assay_exp(x[i])), "%a", x[i]);
}

Test(elementary, exact_powers_of_ten)
{
    for (int k = 0; k <= 22; k++) {
        double power =
            strtod((char[]){ '1', 'e', (char)('0' + k / 10), (char)('0' + k % 10), 0 }, NULL);
        cr_expect_eq(assay_log10(power), k);
    }
}

/* FNV-1a */
static uint64_t absorb(uint64_t h, double y)
{
    for (int byte = 0; byte < 8; byte++)
        h = (h ^ (assay_bits64(y) >> 8 * byte & 255)) * 0x100000001b3;
    return h;
}

static uint64_t digest(const row *r)
{
    uint64_t h = 0xcbf29ce484222325;
    for (uint64_t i = 0; i < 100000; i++) {
        double x = argument(r, i);
        assay_dd y = r->wide && i % 8 == 0 ? r->wide(assay_dd_from(x)) : assay_dd_from(0);
        h = absorb(h, r->f(x));
        if (y.hi > 0x1p-900 || y.hi < -0x1p-900) /* the domain of equal bits: exact.h */
            h = absorb(absorb(h, y.hi), y.lo);
    }
    return h;
}

PER_FUNCTION(same_bits_in_every_build)
{
    const row *r = &rows[*id];
    uint64_t h = digest(r);
    cr_expect_eq(h, r->digest, "%s: 0x%016llx", r->name, (unsigned long long)h);
}

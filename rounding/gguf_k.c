/* SPDX-License-Identifier: Apache-2.0 */
/* The types with scales of scales: 256 elements in sub-blocks of 16 or 32. A type says where its
 * fields lie; decoding and encoding are the same for all. */
#include "rounding/gguf.h"

#include <math.h>
#include <string.h>

#include "numerics/bits.h"
#include "rounding/gguf_k.h"

enum { LARGE = 256 };

/* ---- fields ---- */

static int bits_at(const unsigned char *bytes, size_t byte, int shift, int width)
{
    return bytes[byte] >> shift & ((1 << width) - 1);
}

static void set_bits(unsigned char *bytes, size_t byte, int shift, int width, int value)
{
    bytes[byte] = (unsigned char)(bytes[byte] | (value & ((1 << width) - 1)) << shift);
}

/* Low bits of an element: `low_bits` wide, 128 or 64 elements to a run of 32 or 64 bytes. */
typedef struct spot {
    size_t byte;
    int shift;
} spot;

/* Elements j, j + step, ... of each stretch of `stretch` share a byte, lowest bits first. */
static spot spot_of(size_t base, size_t stretch, size_t step, int width, size_t j)
{
    size_t in = j % stretch;
    return (spot){ base + j / stretch * step + in % step, width * (int)(in / step) };
}

static spot low_spot(const k_type *t, size_t j)
{
    return spot_of(t->low, t->low_stretch, t->low_step, t->low_bits, j);
}

static spot high_spot(const k_type *t, size_t j)
{
    return spot_of(t->high, t->high_stretch, t->high_step, t->high_bits, j);
}

static int get_quantum(const k_type *t, const unsigned char *bytes, size_t j)
{
    spot low = low_spot(t, j), high = high_spot(t, j);
    int q = bits_at(bytes, low.byte, low.shift, t->low_bits);
    if (t->high_bits)
        q |= bits_at(bytes, high.byte, high.shift, t->high_bits) << t->low_bits;
    return q - t->offset;
}

static void put_quantum(const k_type *t, unsigned char *bytes, size_t j, int q)
{
    spot low = low_spot(t, j), high = high_spot(t, j);
    q += t->offset;
    set_bits(bytes, low.byte, low.shift, t->low_bits, q);
    if (t->high_bits)
        set_bits(bytes, high.byte, high.shift, t->high_bits, q >> t->low_bits);
}

/* ---- decoding: d sc q - dmin m ---- */

void assay_gguf_k_decode(const k_type *t, const unsigned char *bytes, double *y)
{
    double d = assay_gguf_half(bytes + t->d);
    double dmin = t->has_minimum ? assay_gguf_half(bytes + t->d + 2) : 0;
    size_t size = LARGE / t->parts;
    for (size_t p = 0; p < t->parts; p++) {
        k_scale k = t->get_scale(bytes, p);
        double minus = t->has_minimum ? dmin * k.minimum : 0;
        for (size_t j = p * size; j < (p + 1) * size; j++)
            y[j] = assay_gguf_value(get_quantum(t, bytes, j), d * k.scale, minus);
    }
}

void assay_gguf_k_encode_nan(const k_type *t, unsigned char *bytes)
{
    assay_gguf_nan_first(bytes + t->d);
}

/* ---- encoding by our own rule ---- */

/* The scale and the minimum of a sub-block before they are quantized: x = scale q - minimum. */
typedef struct k_fit {
    double scale, minimum;
} k_fit;

static double clip(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* From the extremes, shrunk by (32 - step) / 32. */
static k_fit fit_of(const k_type *t, const double *x, size_t n, int step)
{
    double lo = 0, hi = 0, shrink = (32 - step) / 32.0;
    for (size_t j = 0; j < n; j++) {
        lo = x[j] < lo ? x[j] : lo;
        hi = x[j] > hi ? x[j] : hi;
    }
    if (t->has_minimum)
        return (k_fit){ (hi - lo) * shrink / t->top, -lo * shrink };
    double extreme = hi >= -lo ? hi : lo;
    return (k_fit){ extreme * shrink / -t->offset, 0 };
}

static double error_of(const k_type *t, const double *x, size_t n, const k_fit *f)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double q = f->scale != 0 ? rint((x[j] + f->minimum) / f->scale) : 0;
        double e = f->scale * clip(q, -t->offset, t->top - t->offset) - f->minimum - x[j];
        sum += e * e;
    }
    return sum;
}

static k_fit best_fit(const k_type *t, const double *x, size_t n, bool search)
{
    k_fit best = fit_of(t, x, n, 0);
    double least = search ? error_of(t, x, n, &best) : 0;
    for (int step = 1; search && step <= 8; step++) {
        k_fit fit = fit_of(t, x, n, step);
        double error = error_of(t, x, n, &fit);
        if (error < least) {
            least = error;
            best = fit;
        }
    }
    return best;
}

/* d such that the extreme scale gets the extreme code; signed scales keep the extreme's sign. */
static void put_common(const k_type *t, const k_fit *fit, unsigned char *bytes)
{
    double scale = 0, minimum = 0;
    for (size_t p = 0; p < t->parts; p++) {
        scale = fabs(fit[p].scale) > fabs(scale) ? fit[p].scale : scale;
        minimum = fit[p].minimum > minimum ? fit[p].minimum : minimum;
    }
    double top = t->lowest_scale < 0 ? t->lowest_scale : t->highest_scale;
    assay_gguf_put_half(bytes + t->d, (float)(scale / top));
    if (t->has_minimum)
        assay_gguf_put_half(bytes + t->d + 2, (float)(minimum / t->highest_scale));
}

static int ratio(double a, double b, int lo, int hi)
{
    return b != 0 ? (int)clip(rint(a / b), lo, hi) : 0;
}

static void encode(const k_type *t, const double *x, bool search, unsigned char *bytes)
{
    k_fit fit[16];
    size_t size = LARGE / t->parts;
    for (size_t p = 0; p < t->parts; p++)
        fit[p] = best_fit(t, x + p * size, size, search);
    put_common(t, fit, bytes);
    double d = assay_gguf_half(bytes + t->d);
    double dmin = t->has_minimum ? assay_gguf_half(bytes + t->d + 2) : 0;
    for (size_t p = 0; p < t->parts; p++) {
        k_scale k = { ratio(fit[p].scale, d, t->lowest_scale, t->highest_scale),
                      ratio(fit[p].minimum, dmin, 0, t->highest_scale) };
        t->put_scale(bytes, p, k);
        double scale = d * k.scale, minimum = dmin * k.minimum;
        for (size_t j = p * size; j < (p + 1) * size; j++) {
            double q = scale != 0 ? rint((x[j] + minimum) / scale) : 0;
            put_quantum(t, bytes, j, (int)clip(q, -t->offset, t->top - t->offset));
        }
    }
}

static double squared_error(const k_type *t, const double *x, const unsigned char *bytes)
{
    double y[LARGE], sum = 0;
    assay_gguf_k_decode(t, bytes, y);
    for (size_t j = 0; j < LARGE; j++)
        sum += (y[j] - x[j]) * (y[j] - x[j]);
    return sum;
}

/* The search sees scales before they are quantized, so that its result can be the worse one. */
void assay_gguf_k_encode(const k_type *t, const assay_block *b, unsigned char *bytes)
{
    encode(t, b->x, false, bytes);
    if (b->scheme->search != ASSAY_SEARCH_MSE)
        return;
    unsigned char found[ASSAY_HIERARCHY_BYTES] = { 0 };
    encode(t, b->x, true, found);
    if (squared_error(t, b->x, found) < squared_error(t, b->x, bytes))
        memcpy(bytes, found, b->scheme->hierarchy->bytes);
}

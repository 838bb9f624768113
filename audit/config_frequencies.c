/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "audit/config.h"
#include "numerics/elementary.h"

#define PI 0x1.921fb54442d18p+1

static double plain(double theta, size_t k, size_t dim)
{
    return 1.0 / assay_pow(theta, (double)(2 * k) / (double)dim);
}

/* Past L0 the base grows so that the longest wave stretches with the sequence. */
static double dynamic_theta(const assay_rope *rope, size_t dim, size_t length)
{
    double l0 = (double)rope->original_max_positions;
    double l = length > rope->original_max_positions ? (double)length : l0;
    double grow = rope->factor * l / l0 - (rope->factor - 1);
    return rope->theta * assay_pow(grow, (double)dim / (double)(dim - 2));
}

static double llama3(const assay_rope *rope, double inv)
{
    double l0 = (double)rope->original_max_positions, wave = 2 * PI / inv;
    double low = rope->low_freq_factor, high = rope->high_freq_factor;
    if (wave > l0 / low)
        return inv / rope->factor;
    if (wave < l0 / high)
        return inv;
    double s = (l0 / wave - low) / (high - low);
    return (1 - s) * inv / rope->factor + s * inv;
}

/* The (real) index of the frequency that turns BETA times over the original length. */
static double turning(const assay_rope *rope, size_t dim, double beta)
{
    double l0 = (double)rope->original_max_positions;
    return (double)dim * assay_log(l0 / (beta * 2 * PI)) / (2 * assay_log(rope->theta));
}

static double yarn(const assay_rope *rope, size_t dim, size_t k)
{
    double low = turning(rope, dim, rope->beta_fast), high = turning(rope, dim, rope->beta_slow);
    low = rope->truncate ? floor(low) : low;
    high = rope->truncate ? ceil(high) : high;
    low = low > 0 ? low : 0;
    high = high < (double)(dim - 1) ? high : (double)(dim - 1);
    if (low == high)
        high += 0.001;
    double ramp = ((double)k - low) / (high - low);
    double keep = 1 - (ramp < 0 ? 0 : ramp > 1 ? 1 : ramp);
    double power = assay_pow(rope->theta, (double)(2 * k) / (double)dim);
    return 1.0 / (rope->factor * power) * (1 - keep) + 1.0 / power * keep;
}

static double longrope(const assay_rope *rope, size_t dim, size_t k, size_t length)
{
    const double *factor =
        length > rope->original_max_positions ? rope->long_factor : rope->short_factor;
    return 1.0 / (factor[k] * assay_pow(rope->theta, (double)(2 * k) / (double)dim));
}

void assay_rope_frequencies(const assay_config *config, size_t sequence_length, double *inv_freq,
                            double *attention_factor)
{
    const assay_rope *rope = &config->rope;
    size_t dim = config->head_dim;
    double theta =
        rope->type == ASSAY_ROPE_DYNAMIC ? dynamic_theta(rope, dim, sequence_length) : rope->theta;
    for (size_t k = 0; k < dim / 2; k++)
        switch (rope->type) {
        case ASSAY_ROPE_LINEAR: inv_freq[k] = plain(theta, k, dim) / rope->factor; break;
        case ASSAY_ROPE_LLAMA3: inv_freq[k] = llama3(rope, plain(theta, k, dim)); break;
        case ASSAY_ROPE_YARN: inv_freq[k] = yarn(rope, dim, k); break;
        case ASSAY_ROPE_LONGROPE: inv_freq[k] = longrope(rope, dim, k, sequence_length); break;
        default: inv_freq[k] = plain(theta, k, dim);
        }
    *attention_factor = rope->attention_factor;
}

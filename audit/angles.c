/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/angles.h"

#include "numerics/elementary_dd.h"

static void set(const assay_matrix *m, size_t i, size_t j, assay_dd x)
{
    m->hi[i * m->ld + j] = x.hi;
    m->lo[i * m->ld + j] = x.lo;
}

assay_status assay_angles_make(const assay_config *config, size_t positions, assay_angles *out)
{
    double frequency[ASSAY_MAX_HEAD_DIM / 2], factor;
    size_t half = config->head_dim / 2;
    assay_angles angles = { 0 };
    assay_status status = assay_matrix_alloc(positions, half, 2, &angles.cosine);
    if (status == ASSAY_OK)
        status = assay_matrix_alloc(positions, half, 2, &angles.sine);
    if (status != ASSAY_OK) {
        assay_matrix_free(&angles.cosine);
        return status;
    }
    assay_rope_frequencies(config, positions, frequency, &factor);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < half; j++) {
            assay_dd sine, cosine;
            assay_dd_sincos(assay_two_prod((double)i, frequency[j]), &sine, &cosine);
            set(&angles.cosine, i, j, assay_dd_mul_d(cosine, factor));
            set(&angles.sine, i, j, assay_dd_mul_d(sine, factor));
        }
    *out = angles;
    return ASSAY_OK;
}

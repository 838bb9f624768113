/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/array.h"

#include "formats/container.h"
#include "numerics/bits.h"
#include "rounding/array_table.h"
#include "rounding/ladder_array.h"

typedef assay_array_pass pass;

static assay_direction direction_of(assay_mode mode)
{
    switch (mode) {
    case ASSAY_RTZ:
    case ASSAY_RNA:
    case ASSAY_RODD: return ASSAY_TO_ZERO;
    case ASSAY_RAZ:
    case ASSAY_RUP: return ASSAY_UP;
    case ASSAY_RDN: return ASSAY_DOWN;
    default: return ASSAY_TO_NEAREST;
    }
}

pass assay_array_pass_make(const assay_rounder *r, int source, bool code)
{
    const assay_array_table *t = assay_array_current();
    pass p = { .constants = assay_constants_from(r, source == ASSAY_F32 ? 23 : 52) };
    p.way = p.constants.cut                              ? ASSAY_WAY_CUT
            : p.constants.added && ASSAY_HAS_ENVIRONMENT ? ASSAY_WAY_ADDED
                                                         : ASSAY_WAY_ANY;
    p.direction = direction_of(r->mode);
    if (p.constants.direct)
        p.loop = code ? t->encode[source][p.way][r->mode] : t->round[source][p.way][r->mode];
    p.fold = p.constants.folds ? t->fold[source] : NULL;
    p.in = p.out = source == ASSAY_F32 ? 4 : 8;
    if (code)
        p.out = assay_format_container(&r->format);
    return p;
}

static void run_part(const pass *p, const char *x, char *y, size_t n, bool past)
{
    _Alignas(ASSAY_LINE) char folded[ASSAY_BLOCK * 8];
    if (!p->fold) {
        p->loop(&p->constants, x, y, n, p->out, past);
        return;
    }
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        p->fold(&p->constants, x + i * p->in, folded, k);
        p->loop(&p->constants, folded, y + i * p->out, k, p->out, past);
    }
}

static void run_all(const pass *p, const char *x, char *y, size_t n)
{
    size_t head = assay_array_head(x, y, n, p->out);
    run_part(p, x, y, head, false);
    if (head == n)
        return;
    run_part(p, x + head * p->in, y + head * p->out, n - head, true);
    assay_end_past();
}

void assay_array_pass_run(const pass *p, const void *x, void *y, size_t n)
{
    if (p->way != ASSAY_WAY_ADDED) {
        run_all(p, x, y, n);
        return;
    }
    unsigned before = assay_environment_enter(p->direction);
    run_all(p, x, y, n);
    assay_environment_leave(before);
}

void assay_round_array_f64(const assay_rounder *rounder, const double *x, double *y, size_t n)
{
    pass p = assay_array_pass_make(rounder, ASSAY_F64, false);
    if (p.constants.direct) {
        assay_array_pass_run(&p, x, y, n);
        return;
    }
    if (assay_ladder_array(rounder, 52, false, x, y, n))
        return;
    for (size_t i = 0; i < n; i++)
        y[i] = assay_round(rounder, x[i]);
}

void assay_round_array_f32(const assay_rounder *rounder, const float *x, float *y, size_t n)
{
    assay_rounder narrow = assay_binary32_rounder();
    pass p = assay_array_pass_make(rounder->identity ? &narrow : rounder, ASSAY_F32, false);
    if (p.constants.direct) {
        assay_array_pass_run(&p, x, y, n);
        return;
    }
    if (assay_ladder_array(rounder, 23, false, x, y, n))
        return;
    double block[ASSAY_BLOCK];
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        for (size_t j = 0; j < k; j++)
            block[j] = assay_widen_f32(x[i + j]);
        assay_round_array_f64(rounder, block, block, k);
        assay_encode_array_f64(&narrow, block, y + i, k);
    }
}

void assay_encode_array_f64(const assay_rounder *rounder, const double *x, void *codes, size_t n)
{
    pass p = assay_array_pass_make(rounder, ASSAY_F64, true);
    if (p.constants.direct) {
        assay_array_pass_run(&p, x, codes, n);
        return;
    }
    if (assay_ladder_array(rounder, 52, true, x, codes, n))
        return;
    for (size_t i = 0; i < n; i++)
        assay_container_store(codes, i, p.out, assay_round_code(rounder, x[i]));
}

void assay_encode_array_f32(const assay_rounder *rounder, const float *x, void *codes, size_t n)
{
    pass p = assay_array_pass_make(rounder, ASSAY_F32, true);
    if (p.constants.direct) {
        assay_array_pass_run(&p, x, codes, n);
        return;
    }
    if (assay_ladder_array(rounder, 23, true, x, codes, n))
        return;
    double block[ASSAY_BLOCK];
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        for (size_t j = 0; j < k; j++)
            block[j] = assay_widen_f32(x[i + j]);
        assay_encode_array_f64(rounder, block, (char *)codes + i * p.out, k);
    }
}

assay_status assay_round_array_check_f32(const assay_rounder *rounder)
{
    if (assay_format_fits_f32(&rounder->format))
        return ASSAY_OK;
    return assay_fail(ASSAY_ERR_VALUE, "format %s has values that are not binary32",
                      rounder->format.name);
}

size_t assay_find_nan_f32(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != x[i])
            return i;
    return n;
}

size_t assay_find_nan_f64(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != x[i])
            return i;
    return n;
}

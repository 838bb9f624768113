/* SPDX-License-Identifier: Apache-2.0 */
/* Products of matrices on a unit, with the plan that a kernel follows around it. */
#include <omp.h>
#include <string.h>

#include "kernels/mma_lanes.h"
#include "numerics/bits.h"

enum { CELL = 8, PARALLEL_TERMS = 1 << 15 };

/* Sums of a tile: states of the chains, totals of promoted groups, totals of slices. */
typedef struct tile {
    unsigned char chain[MMA_ROWS * MMA_PANEL * CELL];
    unsigned char group[MMA_ROWS * MMA_PANEL * CELL];
    unsigned char slice[MMA_ROWS * MMA_PANEL * CELL];
} tile;

typedef struct task {
    const assay_mma_unit *unit;
    const assay_mma_plan *plan;
    size_t m, n, k, instructions, width;
    const assay_mma_operands *x;
    void *out;
    size_t ldo;
    mma_lanes_fn *lanes; /* NULL: the definition */
    size_t row, rows;    /* of the block that is packed in a */
    const mma_packed *a; /* [MMA_ROWS] */
} task;

/* ---- the order in which k is walked ---- */

/* Terms k0 .. k0 + terms - 1, and what begins before and ends after them. */
typedef struct cut {
    size_t k0, terms, instruction; /* its number along the walk */
    bool group_begins, group_ends, slice_begins, slice_ends;
    size_t slice_end;
} cut;

static size_t round_up(size_t x, size_t to)
{
    return (x + to - 1) / to * to;
}

static bool splits(const assay_mma_plan *plan)
{
    return plan->split > 1;
}

static size_t slice_terms(const task *t)
{
    size_t granule = t->plan->granule ? t->plan->granule : (size_t)t->unit->K;
    size_t granules = (t->k + granule - 1) / granule;
    return splits(t->plan) ? (granules + t->plan->split - 1) / t->plan->split * granule : t->k;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The piece after c; c zeroed before the first. */
static bool next_cut(const task *t, cut *c)
{
    size_t K = (size_t)t->unit->K, slice = slice_terms(t), at = c->k0 + c->terms;
    if (at >= t->k)
        return false;
    c->instruction += (c->terms + K - 1) / K;
    c->slice_begins = at % slice == 0;
    size_t begin = at / slice * slice, end = least(begin + slice, t->k), stop = end;
    if (t->plan->residue) {
        size_t rest = (end - begin) % t->plan->residue;
        stop = at < begin + rest ? begin + rest : end;
    }
    c->group_begins = c->slice_begins;
    if (t->plan->promote) {
        c->group_begins = (at - begin) % t->plan->promote == 0;
        stop = least(stop, begin + round_up(at - begin + 1, t->plan->promote));
    }
    c->k0 = at;
    c->terms = least(stop - at, MMA_SEGMENT / K * K);
    c->group_ends = at + c->terms == stop;
    c->slice_ends = at + c->terms == end;
    return true;
}

static size_t count_instructions(const task *t)
{
    size_t K = (size_t)t->unit->K;
    cut c = { 0 };
    while (next_cut(t, &c))
        ;
    return c.instruction + (c.terms + K - 1) / K;
}

/* ---- cells of a tile ---- */

static size_t cell_bytes(const assay_mma_unit *unit)
{
    return unit->fc == ASSAY_MMA_F64 ? 8 : 4;
}

/* Codes of binary16 are held as the binary32 of the same value; others as they are. */
static uint64_t widen(assay_mma_format format, uint64_t code)
{
    if (format != ASSAY_MMA_F16)
        return code;
    if (mma_decode(format, code).kind == MMA_NAN)
        return 0x7fffffff;
    return assay_bits32((float)mma_value(format, code));
}

static uint64_t narrow(const assay_mma_unit *unit, uint64_t cell)
{
    if (unit->fc != ASSAY_MMA_F16)
        return cell;
    mma_number x = mma_decode(ASSAY_MMA_F32, cell);
    return x.kind == MMA_NAN        ? mma_nan(unit)
           : x.kind == MMA_INFINITE ? mma_infinity(ASSAY_MMA_F16, x.negative)
                                    : mma_round(ASSAY_MMA_RNE_F16, x.negative, x.m, x.q, false);
}

static uint64_t get(const assay_mma_unit *unit, const void *cells, size_t i)
{
    size_t bytes = cell_bytes(unit);
    uint64_t cell = 0;
    memcpy(&cell, (const unsigned char *)cells + i * bytes, bytes);
    return narrow(unit, cell);
}

static void put(const assay_mma_unit *unit, void *cells, size_t i, uint64_t code)
{
    size_t bytes = cell_bytes(unit);
    uint64_t cell = widen(unit->fc, code);
    memcpy((unsigned char *)cells + i * bytes, &cell, bytes);
}

/* ---- one instruction by the definition ---- */

typedef struct row_context {
    const task *t;
    size_t i, column;
    const cut *c;
} row_context;

/* Fills up what the last instruction of a residue lacks. */
static const void *operand_at(const assay_mma_unit *unit, assay_mma_format format,
                              const void *codes, size_t at, size_t terms, unsigned char *spare)
{
    size_t bytes = assay_mma_format_bytes(format), K = (size_t)unit->K;
    const unsigned char *p = (const unsigned char *)codes + at * bytes;
    if (terms >= K)
        return p;
    memset(spare, 0, K * bytes);
    return memcpy(spare, p, terms * bytes);
}

static uint64_t define(const row_context *r, size_t instruction, size_t lane, uint64_t code)
{
    const assay_mma_unit *unit = r->t->unit;
    const assay_mma_operands *x = r->t->x;
    unsigned char spare[2][MMA_MAX_K * CELL];
    size_t K = (size_t)unit->K, at = r->c->k0 + instruction * K;
    size_t terms = r->c->terms - instruction * K, j = r->column + lane;
    size_t block = unit->block ? (size_t)unit->block : 1;
    const void *a = operand_at(unit, unit->fa, x->a, r->i * x->lda + at, terms, spare[0]);
    const void *b = operand_at(unit, unit->fb, x->b, j * x->ldb + at, terms, spare[1]);
    return assay_mma_define(unit, a, b, x->sa ? x->sa + r->i * x->ldsa + at / block : NULL,
                            x->sb ? x->sb + j * x->ldsb + at / block : NULL, code);
}

static void repair(void *context, size_t instruction, uint32_t lanes, const void *before,
                   void *state)
{
    const row_context *r = context;
    const assay_mma_unit *unit = r->t->unit;
    for (size_t lane = 0; lane < r->t->width && r->column + lane < r->t->n; lane++)
        if (lanes >> lane & 1)
            put(unit, state, lane, define(r, instruction, lane, get(unit, before, lane)));
}

static void run_slowly(const row_context *r, size_t columns, void *state)
{
    const assay_mma_unit *unit = r->t->unit;
    size_t K = (size_t)unit->K;
    for (size_t lane = 0; lane < columns; lane++) {
        uint64_t code = get(unit, state, lane);
        for (size_t i = 0; i * K < r->c->terms; i++)
            code = define(r, i, lane, code);
        put(unit, state, lane, code);
    }
}

/* ---- tiles ---- */

static void run_cut(const task *t, const cut *c, size_t column, size_t columns, const mma_packed *b,
                    tile *s)
{
    size_t bytes = cell_bytes(t->unit), K = (size_t)t->unit->K, count = (c->terms + K - 1) / K;
    for (size_t i = 0; i < t->rows; i++) {
        row_context r = { t, t->row + i, column, c };
        void *state = s->chain + i * t->width * bytes;
        mma_job job = { t->unit, t->a ? &t->a[i] : NULL, b, t->width, &r, repair };
        if (t->lanes)
            t->lanes(&job, c->instruction, count, state);
        else
            run_slowly(&r, columns, state);
    }
}

static float load_f32(const unsigned char *cells, size_t i)
{
    float x;
    memcpy(&x, cells + i * sizeof x, sizeof x);
    return x;
}

/* total = RND(total + x) in binary32, the unit's NaN for every NaN. */
static void add_cell(const task *t, unsigned char *total, const unsigned char *x, size_t i,
                     assay_mma_format round_x, assay_mma_format round_sum)
{
    float y = load_f32(x, i), sum;
    uint64_t code = assay_bits32(y);
    const assay_mma_format rounds[2] = { round_x, round_sum };
    for (int step = 0; step < 2; step++) {
        if (step == 1)
            code = assay_bits32(load_f32(total, i) + assay_from_bits32((uint32_t)code));
        mma_number v = mma_decode(ASSAY_MMA_F32, code);
        if (v.kind == MMA_NAN)
            code = mma_nan(t->unit);
        else if (rounds[step] == ASSAY_MMA_F16 && v.kind != MMA_INFINITE)
            code = widen(ASSAY_MMA_F16, mma_round(ASSAY_MMA_RNE_F16, v.negative, v.m, v.q, false));
        else if (rounds[step] == ASSAY_MMA_BF16 && v.kind != MMA_INFINITE)
            code = (code + 0x7fff + (code >> 16 & 1)) & 0xffff0000;
    }
    sum = assay_from_bits32((uint32_t)code);
    memcpy(total + i * sizeof sum, &sum, sizeof sum);
}

static void add_tile(const task *t, unsigned char *total, const unsigned char *x,
                     assay_mma_format round_x, assay_mma_format round_sum)
{
    for (size_t i = 0; i < t->rows * t->width; i++)
        add_cell(t, total, x, i, round_x, round_sum);
}

static void load_c(const task *t, size_t column, size_t columns, unsigned char *cells)
{
    const assay_mma_operands *x = t->x;
    memset(cells, 0, MMA_ROWS * MMA_PANEL * CELL);
    if (!x->c)
        return;
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < columns; j++)
            put(t->unit, cells, i * t->width + j,
                mma_load(t->unit->fc, x->c, (t->row + i) * x->ldc + column + j));
}

static void store_out(const task *t, size_t column, size_t columns, const unsigned char *cells)
{
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < columns; j++)
            mma_store(t->unit->fc, t->out, (t->row + i) * t->ldo + column + j,
                      get(t->unit, cells, i * t->width + j));
}

static void end_cut(const task *t, const cut *c, tile *s)
{
    const assay_mma_plan *p = t->plan;
    size_t all = sizeof s->chain;
    if (p->promote && c->group_ends) {
        add_tile(t, s->group, s->chain, ASSAY_MMA_NONE, ASSAY_MMA_NONE);
        memset(s->chain, 0, all);
    }
    if (splits(p) && c->slice_ends) {
        bool serial = p->merge == ASSAY_MMA_MERGE_SERIAL;
        bool rounded = p->merge == ASSAY_MMA_MERGE_ROUNDED;
        add_tile(t, s->slice, p->promote ? s->group : s->chain,
                 rounded ? p->rounded : ASSAY_MMA_NONE, serial ? p->rounded : ASSAY_MMA_NONE);
        memset(s->chain, 0, all);
        memset(s->group, 0, all);
    }
}

/* All of k for one panel of columns and the block's rows. */
static void run_panel(const task *t, size_t column, const mma_packed *b, tile *s)
{
    size_t columns = least(t->n - column, t->width);
    mma_side side = { .unit = t->unit,
                      .is_b = true,
                      .codes = t->x->b,
                      .ld = t->x->ldb,
                      .row = column,
                      .count = columns,
                      .width = t->width,
                      .scales = t->x->sb,
                      .lds = t->x->ldsb };
    unsigned char *total = splits(t->plan) ? s->slice : t->plan->promote ? s->group : s->chain;
    memset(s, 0, sizeof *s);
    load_c(t, column, columns, total);
    for (cut c = { 0 }; next_cut(t, &c);) {
        if (t->lanes)
            mma_pack(&side, c.k0, c.terms, 0, b);
        run_cut(t, &c, column, columns, b, s);
        end_cut(t, &c, s);
    }
    store_out(t, column, columns, total);
}

static void pack_row(const task *t, size_t i, const mma_packed *out)
{
    mma_side side = { .unit = t->unit,
                      .codes = t->x->a,
                      .ld = t->x->lda,
                      .row = t->row + i,
                      .count = 1,
                      .width = 1,
                      .scales = t->x->sa,
                      .lds = t->x->ldsa };
    for (cut c = { 0 }; next_cut(t, &c);)
        mma_pack(&side, c.k0, c.terms, c.instruction, out);
}

/* ---- memory ---- */

static size_t tile_bytes(void)
{
    return round_up(sizeof(tile), 64);
}

static size_t panel_bytes(const assay_mma_unit *unit)
{
    return mma_packed_bytes(unit, MMA_SEGMENT / (size_t)unit->K, MMA_PANEL);
}

/* A plan pads at most one instruction of each slice, and there are at most k of these. */
static size_t most_instructions(const assay_mma_unit *unit, size_t k)
{
    return 2 * (k / (size_t)unit->K) + 66;
}

size_t assay_mma_workspace(const assay_mma_unit *unit, size_t m, size_t n, size_t k)
{
    (void)m, (void)n;
    size_t threads = (size_t)omp_get_max_threads();
    return MMA_ROWS * mma_packed_bytes(unit, most_instructions(unit, k), 1) +
           threads * (tile_bytes() + panel_bytes(unit));
}

/* ---- checks ---- */

assay_status assay_mma_check(const assay_mma_unit *unit, const assay_mma_plan *plan, size_t k)
{
    size_t K = (size_t)unit->K;
    assay_status status = assay_mma_unit_check(unit);
    if (status != ASSAY_OK)
        return status;
    bool outer = plan->promote || splits(plan);
    if (outer && unit->fc != ASSAY_MMA_F32)
        return assay_fail(ASSAY_ERR_USAGE, "plan: partial sums are for units whose C is f32");
    if (plan->promote % K != 0 || plan->granule % K != 0 || plan->residue % K != 0)
        return assay_fail(ASSAY_ERR_USAGE, "plan: not in multiples of the unit's K, %zu", K);
    if (plan->residue && (unit->block > 0 || plan->promote))
        return assay_fail(ASSAY_ERR_USAGE, "plan: no residue with scales or promotion");
    bool float16 = plan->rounded == ASSAY_MMA_F16 || plan->rounded == ASSAY_MMA_BF16;
    if (plan->merge == ASSAY_MMA_MERGE_ROUNDED && !float16)
        return assay_fail(ASSAY_ERR_USAGE, "plan: slices are rounded into f16 or bf16");
    if (plan->split > 64)
        return assay_fail(ASSAY_ERR_USAGE, "plan: more than 64 slices");
    if (k % K != 0 && !plan->residue)
        return assay_fail(ASSAY_ERR_SHAPE, "k = %zu is not a multiple of the unit's K, %zu", k, K);
    return ASSAY_OK;
}

/* ---- the product ---- */

typedef struct shared {
    mma_packed rows[MMA_ROWS];
    unsigned char *tiles, *panels;
} shared;

static void place(const task *t, void *workspace, shared *s)
{
    unsigned char *p = workspace;
    size_t bytes = mma_packed_bytes(t->unit, t->instructions, 1);
    for (size_t i = 0; i < MMA_ROWS; i++)
        s->rows[i] = mma_packed_in(t->unit, t->instructions, 1, p + i * bytes);
    s->tiles = p + MMA_ROWS * bytes;
    s->panels = s->tiles + (size_t)omp_get_max_threads() * tile_bytes();
}

static void run_block(const task *t, const shared *s)
{
    size_t panels = (t->n + t->width - 1) / t->width;
    bool parallel = t->rows * t->n * t->k >= PARALLEL_TERMS;
#pragma omp parallel if (parallel)
    {
        size_t thread = (size_t)omp_get_thread_num();
        tile *own = (tile *)(void *)(s->tiles + thread * tile_bytes());
        mma_packed b = mma_packed_in(t->unit, MMA_SEGMENT / (size_t)t->unit->K, MMA_PANEL,
                                     s->panels + thread * panel_bytes(t->unit));
#pragma omp for schedule(static)
        for (size_t i = 0; i < t->rows; i++)
            if (t->lanes)
                pack_row(t, i, &s->rows[i]);
#pragma omp for schedule(static)
        for (size_t j = 0; j < panels; j++)
            run_panel(t, j * t->width, &b, own);
    }
}

assay_status assay_mma_product(const assay_mma_unit *unit, const assay_mma_plan *plan, size_t m,
                               size_t n, size_t k, const assay_mma_operands *x, void *out,
                               size_t ldo, void *workspace)
{
    static const assay_mma_plan none = { 0 };
    const mma_lanes *table = mma_lanes_current();
    task t = { .unit = unit,
               .plan = plan ? plan : &none,
               .m = m,
               .n = n,
               .k = k,
               .x = x,
               .out = out,
               .ldo = ldo,
               .width = table ? table->width : MMA_PANEL };
    shared s;
    assay_status status = assay_mma_check(unit, t.plan, k);
    if (status != ASSAY_OK)
        return status;
    t.instructions = count_instructions(&t);
    t.lanes = table ? mma_lanes_for(table, unit) : NULL;
    t.a = s.rows;
    place(&t, workspace, &s);
    for (t.row = 0; t.row < m; t.row += MMA_ROWS) {
        t.rows = least(m - t.row, MMA_ROWS);
        run_block(&t, &s);
    }
    return ASSAY_OK;
}

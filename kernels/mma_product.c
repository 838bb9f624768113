/* SPDX-License-Identifier: Apache-2.0 */
/* Products of matrices on a unit, with the plan that a kernel follows around it. */
#include <omp.h>
#include <string.h>

#include "kernels/mma_lanes.h"
#include "kernels/mma_plan.h"

enum { PARALLEL_TERMS = 1 << 15 };

/* Sums of a tile: states of the chains, totals of promoted groups, totals of slices. */
typedef struct tile {
    unsigned char chain[MMA_ROWS * MMA_PANEL * MMA_CELL];
    unsigned char group[MMA_ROWS * MMA_PANEL * MMA_CELL];
    unsigned char slice[MMA_ROWS * MMA_PANEL * MMA_CELL];
} tile;

typedef struct task {
    const assay_mma_unit *unit;
    const assay_mma_plan *plan;
    size_t m, n, k, instructions, width;
    const assay_mma_operands *x;
    void *out;
    size_t ldo;
    mma_lanes_fn *lanes;             /* NULL: the definition */
    size_t row, rows;                /* of the block that is packed in a */
    const mma_packed *a;             /* [MMA_ROWS] */
    mma_decoded table[2][MMA_TABLE]; /* of codes of A and B that have at most 8 bits */
} task;

static mma_walk walk_of(const task *t)
{
    return (mma_walk){ t->unit, t->plan, t->k };
}

static bool next_cut(const task *t, mma_cut *c)
{
    mma_walk walk = walk_of(t);
    return mma_next_cut(&walk, MMA_SEGMENT, c);
}

static size_t round_up(size_t x, size_t to)
{
    return (x + to - 1) / to * to;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- one instruction by the definition ---- */

typedef struct row_context {
    const task *t;
    size_t i, column;
    const mma_cut *c;
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
    unsigned char spare[2][MMA_MAX_K * MMA_CELL];
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
            mma_put_cell(unit, state, lane,
                         define(r, instruction, lane, mma_get_cell(unit, before, lane)));
}

static void run_slowly(const row_context *r, size_t columns, void *state)
{
    const assay_mma_unit *unit = r->t->unit;
    size_t K = (size_t)unit->K;
    for (size_t lane = 0; lane < columns; lane++) {
        uint64_t code = mma_get_cell(unit, state, lane);
        for (size_t i = 0; i * K < r->c->terms; i++)
            code = define(r, i, lane, code);
        mma_put_cell(unit, state, lane, code);
    }
}

/* ---- tiles ---- */

static void run_cut(const task *t, const mma_cut *c, size_t column, size_t columns,
                    const mma_packed *b, tile *s)
{
    size_t bytes = mma_cell_bytes(t->unit), K = (size_t)t->unit->K, count = (c->terms + K - 1) / K;
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

static void add_tile(const task *t, unsigned char *total, const unsigned char *x,
                     assay_mma_format round_x, assay_mma_format round_sum)
{
    for (size_t i = 0; i < t->rows * t->width; i++)
        mma_add_cell(t->unit, total, x, i, round_x, round_sum);
}

/* Cells are codes, but for binary16. */
static void load_c(const task *t, size_t column, size_t columns, unsigned char *cells)
{
    const assay_mma_operands *x = t->x;
    size_t bytes = mma_cell_bytes(t->unit);
    memset(cells, 0, t->rows * t->width * bytes);
    for (size_t i = 0; x->c && i < t->rows; i++) {
        size_t from = (t->row + i) * x->ldc + column, to = i * t->width;
        if (t->unit->fc != ASSAY_MMA_F16)
            memcpy(cells + to * bytes, (const unsigned char *)x->c + from * bytes, columns * bytes);
        else
            for (size_t j = 0; j < columns; j++)
                mma_put_cell(t->unit, cells, to + j, mma_load(ASSAY_MMA_F16, x->c, from + j));
    }
}

static void store_out(const task *t, size_t column, size_t columns, const unsigned char *cells)
{
    size_t bytes = mma_cell_bytes(t->unit);
    for (size_t i = 0; i < t->rows; i++) {
        size_t to = (t->row + i) * t->ldo + column, from = i * t->width;
        if (t->unit->fc != ASSAY_MMA_F16)
            memcpy((unsigned char *)t->out + to * bytes, cells + from * bytes, columns * bytes);
        else
            for (size_t j = 0; j < columns; j++)
                mma_store(ASSAY_MMA_F16, t->out, to + j, mma_get_cell(t->unit, cells, from + j));
    }
}

static void end_cut(const task *t, const mma_cut *c, tile *s)
{
    const assay_mma_plan *p = t->plan;
    size_t all = sizeof s->chain;
    if (p->promote && c->group_ends) {
        add_tile(t, s->group, s->chain, ASSAY_MMA_NONE, ASSAY_MMA_NONE);
        memset(s->chain, 0, all);
    }
    if (mma_splits(p) && c->slice_ends) {
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
                      .table = t->table[1],
                      .ld = t->x->ldb,
                      .row = column,
                      .count = columns,
                      .width = t->width,
                      .scales = t->x->sb,
                      .lds = t->x->ldsb };
    unsigned char *total = mma_splits(t->plan) ? s->slice : t->plan->promote ? s->group : s->chain;
    memset(s, 0, sizeof *s);
    load_c(t, column, columns, total);
    for (mma_cut c = { 0 }; next_cut(t, &c);) {
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
                      .table = t->table[0],
                      .ld = t->x->lda,
                      .row = t->row + i,
                      .count = 1,
                      .width = 1,
                      .scales = t->x->sa,
                      .lds = t->x->ldsa };
    for (mma_cut c = { 0 }; next_cut(t, &c);)
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
    mma_walk walk = walk_of(&t);
    t.instructions = mma_count_instructions(&walk, MMA_SEGMENT);
    t.lanes = table ? mma_lanes_for(table, unit) : NULL;
    t.a = s.rows;
    place(&t, workspace, &s);
    for (int side = 0; side < 2; side++) {
        assay_mma_format format = side ? unit->fb : unit->fa;
        if (assay_mma_format_bytes(format) == 1 && !mma_is_integer(format))
            mma_decode_table(format, t.table[side]);
    }
    for (t.row = 0; t.row < m; t.row += MMA_ROWS) {
        t.rows = least(m - t.row, MMA_ROWS);
        run_block(&t, &s);
    }
    return ASSAY_OK;
}

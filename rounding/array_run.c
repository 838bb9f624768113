/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/cpu.h"
#include "rounding/array_table.h"

/* Streaming stores pay once the output exceeds what a second-level cache of today holds;
 * smaller outputs are likely read soon. */
enum { STREAM_BYTES = 4 << 20 };

const assay_array_table *assay_array_current(void)
{
#ifdef __x86_64__
    static const assay_array_table *const tables[ASSAY_ISA_COUNT] = { &assay_array_base,
                                                                      &assay_array_avx2,
                                                                      &assay_array_avx512 };
    return tables[assay_isa_current()];
#else
    return &assay_array_base;
#endif
}

static void run_blocks(const assay_array_job *job, const char *x, char *y, size_t n)
{
    for (size_t i = 0; i < n; i += ASSAY_BLOCK) {
        size_t k = n - i < ASSAY_BLOCK ? n - i : ASSAY_BLOCK;
        job->block(job->context, x + i * job->in, y + i * job->out, k);
    }
}

/* `head` elements bring y to a line's start. */
static void run_streaming(const assay_array_job *job, const char *x, char *y, size_t n, size_t head)
{
    const assay_array_table *table = assay_array_current();
    _Alignas(ASSAY_LINE) char out[ASSAY_BLOCK * 8];
    size_t i = head, bytes = ASSAY_BLOCK * job->out;
    job->block(job->context, x, y, head);
    for (; i + ASSAY_BLOCK <= n; i += ASSAY_BLOCK) {
        job->block(job->context, x + i * job->in, out, ASSAY_BLOCK);
        table->stream(out, y + i * job->out, bytes);
    }
    job->block(job->context, x + i * job->in, y + i * job->out, n - i);
#ifdef __x86_64__
    __builtin_ia32_sfence(); /* streaming stores are otherwise not ordered for other threads */
#endif
}

void assay_array_run(const assay_array_job *job, const void *x, void *y, size_t n)
{
    size_t rest = (size_t)(ASSAY_LINE - (uintptr_t)y % ASSAY_LINE) % ASSAY_LINE;
    bool aligned = rest % job->out == 0;
    if (x != y && n * job->out >= STREAM_BYTES && aligned)
        run_streaming(job, x, y, n, rest / job->out);
    else if (job->blocked)
        run_blocks(job, x, y, n);
    else
        job->block(job->context, x, y, n);
}

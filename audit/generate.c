/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/generate.h"

#include <stdlib.h>
#include <string.h>

#include "audit/drift.h"

/* Whether the frequencies of a sequence depend on its length once it has n positions. */
static bool stretches(const assay_config *config, size_t n)
{
    assay_rope_type type = config->rope.type;
    return (type == ASSAY_ROPE_DYNAMIC || type == ASSAY_ROPE_LONGROPE) &&
           n > config->rope.original_max_positions;
}

/* One chunk of a continuation: its last token's most likely successor. */
static assay_status next_token(assay_lane *lane, const int32_t *ids, size_t count, int32_t *next)
{
    assay_status status = ASSAY_OK;
    size_t last = lane->model->count - 1;
    assay_lane_begin(lane, ids, count);
    for (size_t node = 0; node <= last && status == ASSAY_OK; node++) {
        status = assay_lane_step(lane, node);
        const assay_matrix *logits = &lane->out[last];
        if (status == ASSAY_OK && node == last)
            *next = (int32_t)assay_argmax(logits->hi + (count - 1) * logits->ld, logits->cols);
        assay_lane_release(lane, node);
    }
    assay_lane_end(lane);
    return status;
}

/* Where RoPE depends on the length, every length has keys of its own: the sequence so far is
 * run again, so that a continuation is what `run` would give for each of its beginnings. */
static assay_status continue_sequence(assay_lane *lane, int32_t *ids, size_t length, size_t count,
                                      size_t *made)
{
    const assay_config *config = &lane->model->config;
    size_t whole = length + count;
    if (stretches(config, whole) && !stretches(config, length))
        whole = config->rope.original_max_positions;
    assay_status status = ASSAY_OK;
    for (size_t n = length; n < length + count && status == ASSAY_OK; n++) {
        bool again = n == length || stretches(config, n);
        if (again)
            status = assay_lane_reset(lane, stretches(config, n) ? n : whole);
        if (status == ASSAY_OK)
            status = next_token(lane, again ? ids : ids + n - 1, again ? n : 1, &ids[n]);
        *made += status == ASSAY_OK;
    }
    return status;
}

assay_status assay_generate(assay_lane *lane, const int32_t *prompt, size_t length, size_t count,
                            int32_t *out, size_t *made)
{
    const assay_config *config = &lane->model->config;
    size_t room = config->max_positions > length ? config->max_positions - length : 0;
    count = count < room ? count : room;
    *made = 0;
    int32_t *ids = malloc((length + count) * sizeof *ids);
    if (!ids)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for %zu tokens", length + count);
    memcpy(ids, prompt, length * sizeof *ids);
    assay_status status = continue_sequence(lane, ids, length, count, made);
    memcpy(out, ids + length, *made * sizeof *out);
    free(ids);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: a config that is accepted keeps its promises, its frequencies are positive and
 * finite, and the same model written with every key spelt out reads the same. */
#include <math.h>

#include "audit/config.h"
#include "tests/fuzz/fuzz.h"

static void check_promises(const assay_config *c)
{
    CHECK(c->hidden > 0 && c->intermediate > 0 && c->layers > 0 && c->heads > 0 && c->vocab > 0);
    CHECK(c->kv_heads > 0 && c->heads % c->kv_heads == 0 && c->max_positions > 0);
    CHECK(c->head_dim > 0 && c->head_dim % 2 == 0 && c->head_dim <= ASSAY_MAX_HEAD_DIM);
    CHECK(c->rms_eps > 0 && isfinite(c->rms_eps));
    CHECK(!c->has_bos || c->bos < c->vocab);
    CHECK(c->eos_count <= ASSAY_MAX_EOS);
    for (size_t i = 0; i < c->eos_count; i++)
        CHECK(c->eos[i] < c->vocab);
}

static void check_frequencies(const assay_config *c, size_t length, double *inv)
{
    double factor = 0;
    assay_rope_frequencies(c, length, inv, &factor);
    CHECK(isfinite(factor) && factor > 0);
    for (size_t k = 0; k < c->head_dim / 2; k++)
        CHECK(isfinite(inv[k]) && inv[k] > 0);
}

/* Everything but RoPE scaling, whose parameters are compared through the frequencies. */
static void check_again(const assay_config *c)
{
    static const char *const acts[] = { "silu", "gelu", "gelu_new", "relu" };
    char text[2048], bos[32] = "null";
    assay_config d;
    if (c->has_bos)
        snprintf(bos, sizeof bos, "%zu", c->bos);
    int n = snprintf(
        text, sizeof text,
        "{\"model_type\":\"%s\",\"hidden_size\":%zu,\"intermediate_size\":%zu,"
        "\"num_hidden_layers\":%zu,\"num_attention_heads\":%zu,\"num_key_value_heads\":%zu,"
        "\"head_dim\":%zu,\"vocab_size\":%zu,\"max_position_embeddings\":%zu,"
        "\"hidden_act\":\"%s\",\"rms_norm_eps\":%.17g,\"tie_word_embeddings\":%s,"
        "\"attention_bias\":%s,\"mlp_bias\":%s,\"sliding_window\":null,\"bos_token_id\":%s,"
        "\"rope_parameters\":{\"rope_theta\":%.17g},\"eos_token_id\":[",
        c->family == ASSAY_FAMILY_LLAMA ? "llama" : "mistral", c->hidden, c->intermediate,
        c->layers, c->heads, c->kv_heads, c->head_dim, c->vocab, c->max_positions,
        acts[c->hidden_act], c->rms_eps, c->tie_embeddings ? "true" : "false",
        c->attention_bias ? "true" : "false", c->mlp_bias ? "true" : "false", bos, c->rope.theta);
    for (size_t i = 0; i < c->eos_count; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, i ? ",%zu" : "%zu", c->eos[i]);
    n += snprintf(text + n, sizeof text - (size_t)n, "]}");
    CHECK(assay_config_parse("again", text, (size_t)n, NULL, 0, &d) == ASSAY_OK);
    CHECK(d.family == c->family && d.hidden == c->hidden && d.kv_heads == c->kv_heads);
    CHECK(d.head_dim == c->head_dim && d.rms_eps == c->rms_eps && d.hidden_act == c->hidden_act);
    CHECK(d.has_bos == c->has_bos && d.eos_count == c->eos_count);
    CHECK(memcmp(d.eos, c->eos, c->eos_count * sizeof *c->eos) == 0);
    CHECK(d.rope.theta == c->rope.theta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static double inv[ASSAY_MAX_HEAD_DIM / 2], longer[ASSAY_MAX_HEAD_DIM / 2];
    assay_config c = { .hidden = 99 };
    assay_status status = assay_config_parse("fuzz", data, size, NULL, 0, &c);
    if (status != ASSAY_OK) {
        fuzz_refusal(status, "fuzz: ");
        CHECK(c.hidden == 99);
        return 0;
    }
    check_promises(&c);
    check_frequencies(&c, 1, inv);
    check_frequencies(&c, 2 * c.max_positions, longer);
    if (c.rope.type != ASSAY_ROPE_DYNAMIC && c.rope.type != ASSAY_ROPE_LONGROPE)
        CHECK(memcmp(inv, longer, c.head_dim / 2 * sizeof *inv) == 0);
    check_again(&c);
    return 0;
}

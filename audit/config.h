/* SPDX-License-Identifier: Apache-2.0 */
/* config.json of the LLaMA family: every key is used, known to be harmless, or refused. */
#ifndef ASSAY_AUDIT_CONFIG_H
#define ASSAY_AUDIT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"

enum { ASSAY_MAX_HEAD_DIM = 1024, ASSAY_MAX_EOS = 16 };

typedef enum assay_family { ASSAY_FAMILY_LLAMA, ASSAY_FAMILY_MISTRAL } assay_family;

typedef enum assay_activation {
    ASSAY_ACT_SILU,      /* silu, swish                     */
    ASSAY_ACT_GELU,      /* gelu: with erf                  */
    ASSAY_ACT_GELU_TANH, /* gelu_new, gelu_pytorch_tanh     */
    ASSAY_ACT_RELU       /* relu                            */
} assay_activation;

typedef enum assay_rope_type {
    ASSAY_ROPE_DEFAULT,
    ASSAY_ROPE_LINEAR,
    ASSAY_ROPE_DYNAMIC,
    ASSAY_ROPE_LLAMA3,
    ASSAY_ROPE_YARN,
    ASSAY_ROPE_LONGROPE
} assay_rope_type;

/** RoPE as declared; fields that the type lacks hold 0 (factors 1). */
typedef struct assay_rope {
    assay_rope_type type;
    double theta, factor;
    double attention_factor;                  /* of cos and sin; derived where not given  */
    double beta_fast, beta_slow;              /* yarn, in rotations over original         */
    double low_freq_factor, high_freq_factor; /* llama3                                   */
    bool truncate;                            /* yarn: bounds of the ramp are integers    */
    size_t original_max_positions;            /* L0; dynamic: max_positions               */
    double short_factor[ASSAY_MAX_HEAD_DIM / 2], long_factor[ASSAY_MAX_HEAD_DIM / 2];
} assay_rope;

typedef struct assay_config {
    assay_family family;
    size_t hidden, intermediate, layers, heads, kv_heads, head_dim, vocab, max_positions;
    assay_activation hidden_act;
    double rms_eps;
    bool tie_embeddings, attention_bias, mlp_bias;
    bool has_bos; /* bos is meaningful */
    size_t bos, eos_count, eos[ASSAY_MAX_EOS];
    assay_rope rope;
} assay_config;

/**
 * Reads a config.json. Absent keys have the defaults of transformers; the sizes that the
 * weights have to match are required. ALLOWED names keys that pass though unknown
 * ("rope_scaling.KEY" inside that object). NAME stands in messages.
 * Errors: ASSAY_ERR_INPUT as "NAME: KEY: what"; *out is then untouched.
 */
ASSAY_NODISCARD assay_status assay_config_parse(const char *name, const void *bytes, size_t size,
                                                const char *const *allowed, size_t allowed_count,
                                                assay_config *out);
/** The same for config.json of a source. */
ASSAY_NODISCARD assay_status assay_config_open(const assay_source *source,
                                               const char *const *allowed, size_t allowed_count,
                                               assay_config *out);

/** Why a known key cannot change the forward pass; NULL if it can or is unknown. */
const char *assay_config_harmless(const char *key);

/**
 * The head_dim / 2 inverse frequencies for a sequence of that length and the factor of cos
 * and sin, in binary64: frequency k turns the pair (k, k + head_dim / 2). Only dynamic and
 * longrope depend on the length.
 * Source  transformers, modeling_rope_utils.py, in binary64 instead of binary32.
 */
void assay_rope_frequencies(const assay_config *config, size_t sequence_length, double *inv_freq,
                            double *attention_factor);

#endif

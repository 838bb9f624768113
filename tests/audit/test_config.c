/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/shared.h"

/* A model of 2 layers and heads of 16, as transformers writes it; MORE starts with ','. */
#define SIZES(hidden, heads)                                                       \
    "\"hidden_size\":" hidden ",\"intermediate_size\":96,\"num_hidden_layers\":2," \
    "\"num_attention_heads\":" heads ",\"vocab_size\":100,\"max_position_embeddings\":2048"
#define LLAMA(more)   "{\"model_type\":\"llama\"," SIZES("64", "4") more "}"
#define MISTRAL(more) "{\"model_type\":\"mistral\"," SIZES("128", "8") more "}"

static assay_config config_of(const char *text)
{
    assay_config c = { 0 };
    cr_assert_eq(assay_config_parse("c", text, strlen(text), NULL, 0, &c), ASSAY_OK, "%s: %s", text,
                 assay_last_error());
    return c;
}

static void refused(const char *text, const char *what)
{
    assay_config c = { .hidden = 99 };
    cr_expect_eq(assay_config_parse("c", text, strlen(text), NULL, 0, &c), ASSAY_ERR_INPUT, "%s",
                 text);
    cr_expect_eq(strncmp(assay_last_error(), "c: ", 3), 0, "%s", assay_last_error());
    cr_expect_not_null(strstr(assay_last_error(), what), "%s: %s", text, assay_last_error());
    cr_expect_eq(c.hidden, 99, "untouched on failure");
}

Test(config, has_the_defaults_of_transformers)
{
    assay_config c = config_of(LLAMA(""));
    cr_expect_eq(c.kv_heads, 4);
    cr_expect_eq(c.head_dim, 16);
    cr_expect_eq(c.hidden_act, ASSAY_ACT_SILU);
    cr_expect_eq(c.rms_eps, 1e-6);
    cr_expect_not(c.tie_embeddings || c.attention_bias || c.mlp_bias);
    cr_expect(c.has_bos && c.bos == 1 && c.eos_count == 1 && c.eos[0] == 2);
    cr_expect_eq(c.rope.type, ASSAY_ROPE_DEFAULT);
    cr_expect_eq(c.rope.theta, 10000);
    c = config_of(MISTRAL(""));
    cr_expect_eq(c.family, ASSAY_FAMILY_MISTRAL);
    cr_expect_eq(c.kv_heads, 8);
    c = config_of(MISTRAL(",\"num_key_value_heads\":null,\"sliding_window\":null"));
    cr_expect_eq(c.kv_heads, 8);
}

Test(config, reads_every_field)
{
    const assay_config c = config_of(
        LLAMA(",\"architectures\":[\"LlamaForCausalLM\"],\"num_key_value_heads\":2,\"head_dim\":32,"
              "\"hidden_act\":\"gelu_new\",\"rms_norm_eps\":1e-5,\"tie_word_embeddings\":true,"
              "\"attention_bias\":true,\"mlp_bias\":true,\"bos_token_id\":3,\"eos_token_id\":[4,5],"
              "\"rope_theta\":500000,\"rope_scaling\":null,\"attention_dropout\":0.1,"
              "\"quantization_config\":null,\"pretraining_tp\":1,\"torch_dtype\":\"bfloat16\","
              "\"partial_rotary_factor\":1,\"sliding_window\":2048,\"pad_token_id\":-1"));
    cr_expect_eq(c.hidden, 64);
    cr_expect_eq(c.intermediate, 96);
    cr_expect_eq(c.layers, 2);
    cr_expect_eq(c.heads, 4);
    cr_expect_eq(c.kv_heads, 2);
    cr_expect_eq(c.head_dim, 32);
    cr_expect_eq(c.vocab, 100);
    cr_expect_eq(c.max_positions, 2048);
    cr_expect_eq(c.hidden_act, ASSAY_ACT_GELU_TANH);
    cr_expect_eq(c.rms_eps, 1e-5);
    cr_expect(c.tie_embeddings && c.attention_bias && c.mlp_bias);
    cr_expect(c.bos == 3 && c.eos_count == 2 && c.eos[0] == 4 && c.eos[1] == 5);
    cr_expect_eq(c.rope.theta, 500000);
}

Test(config, names_the_missing_key)
{
    static const char *const names[] = {
        "model_type",        "hidden_size", "intermediate_size",
        "num_hidden_layers", "vocab_size",  "num_attention_heads"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[1024], wanted[128];
        snprintf(text, sizeof text, "%s", LLAMA(",\"use_cache\":true"));
        char *at = strstr(text, names[i]);
        char *end = strchr(at, ',') + 2;
        memmove(at, end, strlen(end) + 1);
        snprintf(wanted, sizeof wanted, "%s: key is missing", names[i]);
        refused(text, wanted);
    }
}

Test(config, refuses_unknown_keys_until_allowed)
{
    const char *text = LLAMA(",\"logit_scale\":2,\"rope_scaling\":{\"type\":\"linear\","
                             "\"factor\":2,\"alpha\":3}");
    const char *const names[] = { "logit_scale", "rope_scaling.alpha" };
    assay_config c;
    refused(text, "unknown key 'logit_scale' may change the forward pass; --allow-key logit_scale "
                  "lets it pass");
    cr_expect_eq(assay_config_parse("c", text, strlen(text), names, 1, &c), ASSAY_ERR_INPUT);
    cr_expect_not_null(strstr(assay_last_error(), "unknown key 'rope_scaling.alpha'"));
    cr_expect_eq(assay_config_parse("c", text, strlen(text), names, 2, &c), ASSAY_OK);
    cr_expect_not_null(assay_config_harmless("attention_dropout"));
    cr_expect_null(assay_config_harmless("hidden_size"));
    cr_expect_null(assay_config_harmless("logit_scale"));
}

Test(config, refuses_other_models)
{
    refused(LLAMA(",\"model_type\":\"llama\""), "duplicate");
    refused("{\"model_type\":\"qwen3\"}", "model_type: 'qwen3' is not supported");
    refused("{\"model_type\":7}", "model_type: an integer, expected a string");
    refused(LLAMA(",\"architectures\":[\"MistralForCausalLM\"]"), "architectures: expected");
    refused(LLAMA(",\"architectures\":[]"), "architectures: expected");
    refused(LLAMA(",\"architectures\":\"LlamaForCausalLM\""), "architectures: expected");
    refused(LLAMA(",\"quantization_config\":{\"quant_method\":\"gptq\"}"),
            "quantization_config: packed weights (quant_method gptq)");
    refused(LLAMA(",\"compression_config\":{}"), "compression_config: packed weights");
    refused(LLAMA(",\"is_encoder_decoder\":true"), "is_encoder_decoder: not supported");
    refused(LLAMA(",\"partial_rotary_factor\":0.5"), "partial_rotary_factor: not supported");
    refused(LLAMA(",\"pruned_heads\":{\"0\":[1]}"), "pruned_heads: not supported");
    refused(LLAMA(",\"sliding_window\":1024"), "sliding_window: 1024 is less than");
    refused(MISTRAL(",\"attention_bias\":true"), "attention_bias: true, but a mistral");
    refused("{\"model_type\":\"mistral\",\"hidden_size\":64,\"intermediate_size\":96,"
            "\"num_hidden_layers\":2,\"num_attention_heads\":8,\"vocab_size\":100}",
            "sliding_window: 4096 (the default of mistral) is less than");
}

Test(config, refuses_bad_values)
{
    refused("{\"model_type\":\"llama\"," SIZES("0", "4") "}", "hidden_size: 0, expected 1 to");
    refused("{\"model_type\":\"llama\"," SIZES("-64", "4") "}", "hidden_size: -64, expected");
    refused("{\"model_type\":\"llama\"," SIZES("64.0", "4") "}", "hidden_size: a real");
    refused("{\"model_type\":\"llama\"," SIZES("\"64\"", "4") "}", "hidden_size: a string");
    refused("{\"model_type\":\"llama\"," SIZES("1000000000", "4") "}", "hidden_size: 1000000000");
    refused("{\"model_type\":\"llama\"," SIZES("64", "3") "}",
            "no multiple of num_attention_heads");
    refused("{\"model_type\":\"llama\"," SIZES("60", "4") "}", "head_dim: 15, expected an even");
    refused("{\"model_type\":\"llama\"," SIZES("2", "4") "}", "no multiple");
    refused("{\"model_type\":\"llama\"," SIZES("8192", "4") "}", "head_dim: 2048, expected");
    refused(LLAMA(",\"head_dim\":15"), "head_dim: 15, expected an even");
    refused(LLAMA(",\"head_dim\":0"), "head_dim: 0, expected");
    refused(LLAMA(",\"num_key_value_heads\":3"), "num_key_value_heads: 3 does not divide");
    refused(LLAMA(",\"num_key_value_heads\":8"), "num_key_value_heads: 8 does not divide");
    refused(LLAMA(",\"hidden_act\":\"quick_gelu\""), "hidden_act: 'quick_gelu'");
    refused(LLAMA(",\"hidden_act\":null"), "hidden_act: null, expected a string");
    refused(LLAMA(",\"rms_norm_eps\":0"), "rms_norm_eps: 0, expected");
    refused(LLAMA(",\"rms_norm_eps\":-1e-6"), "rms_norm_eps: ");
    refused(LLAMA(",\"rms_norm_eps\":\"1e-6\""), "rms_norm_eps: a string, expected a number");
    refused(LLAMA(",\"rms_norm_eps\":1e999"), "line 1");
    refused(LLAMA(",\"tie_word_embeddings\":1"), "tie_word_embeddings: an integer, expected true");
    refused(LLAMA(",\"bos_token_id\":100"), "bos_token_id: 100, but vocab_size is 100");
    refused(LLAMA(",\"eos_token_id\":[1,-1]"), "eos_token_id: -1");
    refused(LLAMA(",\"eos_token_id\":[1,\"2\"]"), "eos_token_id: expected a token id");
    refused(LLAMA(",\"eos_token_id\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"), "more than 16");
    refused(LLAMA(",\"original_max_position_embeddings\":7"),
            "original_max_position_embeddings: 7");
}

#define SCALING(text)    LLAMA(",\"rope_scaling\":{" text "}")
#define PARAMETERS(text) LLAMA(",\"rope_parameters\":{" text "}")

Test(config, refuses_bad_rope)
{
    refused(SCALING("\"factor\":2.0"), "rope_scaling.rope_type: key is missing");
    refused(LLAMA(",\"rope_scaling\":2"), "rope_scaling: expected an object");
    refused(SCALING("\"type\":\"ntk\""), "rope_scaling.rope_type: 'ntk' is not supported");
    refused(SCALING("\"type\":\"linear\",\"rope_type\":\"yarn\""), "differs from type");
    refused(SCALING("\"type\":\"linear\""), "rope_scaling.factor: key is missing");
    refused(SCALING("\"type\":\"linear\",\"factor\":0.5"), "rope_scaling.factor: 0.5");
    refused(SCALING("\"type\":\"linear\",\"factor\":\"2\""), "rope_scaling.factor: a string");
    refused(SCALING("\"type\":\"default\",\"factor\":2"), "unknown key 'rope_scaling.factor'");
    refused(PARAMETERS("\"full_attention\":{}"), "unknown key 'rope_parameters.full_attention'");
    refused(PARAMETERS("\"rope_theta\":1"), "rope_parameters.rope_theta: 1, expected");
    refused(LLAMA(",\"rope_theta\":-5"), "rope_theta: -5");
    refused(LLAMA(",\"rope_theta\":10000,\"rope_parameters\":{\"rope_theta\":20000}"),
            "rope_parameters.rope_theta: differs");
    refused(LLAMA(",\"rope_parameters\":{},\"rope_scaling\":{\"type\":\"default\"}"),
            "rope_scaling: differs from rope_parameters");
    refused(PARAMETERS("\"partial_rotary_factor\":0.5"), "partial_rotary_factor: 0.5");
    refused(SCALING("\"type\":\"dynamic\",\"factor\":2,\"original_max_position_embeddings\":7"),
            "rope_type dynamic uses max_position_embeddings");
    refused(SCALING("\"type\":\"llama3\",\"factor\":2,\"low_freq_factor\":1,"
                    "\"high_freq_factor\":4"),
            "rope_scaling.original_max_position_embeddings: key is missing");
    refused(SCALING("\"type\":\"llama3\",\"factor\":2,\"low_freq_factor\":4,\"high_freq_factor\":4,"
                    "\"original_max_position_embeddings\":1024"),
            "high_freq_factor: not above low_freq_factor");
    refused(SCALING("\"type\":\"yarn\",\"factor\":4,\"beta_fast\":1,\"beta_slow\":32"),
            "beta_fast: less than beta_slow");
    refused(SCALING("\"type\":\"yarn\",\"factor\":4,\"truncate\":1"), "truncate: an integer");
    refused(SCALING("\"type\":\"longrope\",\"short_factor\":[1]"), "short_factor: expected 8");
    refused(SCALING("\"type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,0]"),
            "short_factor: element 7 is no positive number");
    refused(SCALING("\"type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,1]"),
            "long_factor: key is missing");
    refused(SCALING("\"type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,1],\"long_factor\":"
                    "[1,1,1,1,1,1,1,1],\"factor\":3,\"original_max_position_embeddings\":1024"),
            "rope_scaling.factor: 3, but max_position_embeddings over the original is 2");
}

/* Values of the formulas in 200 bits, rounded once. Each of ours has at most a dozen roundings of
 * half an ulp, and a logarithm that cancels at most four bits. */
static void expect_frequencies(const char *text, size_t length, const double *wanted,
                               double attention)
{
    const assay_config c = config_of(text);
    double inv[8], factor = 0;
    assay_rope_frequencies(&c, length, inv, &factor);
    for (size_t k = 0; k < 8; k++)
        cr_expect_leq(fabs(inv[k] - wanted[k]), 0x1p-48 * wanted[k], "%zu of %s: %a", k, text,
                      inv[k]);
    cr_expect_leq(fabs(factor - attention), 0x1p-51, "%a", factor);
}

static const double plain[8] = { 0x1p+0,
                                 0x1.43d136248490fp-2,
                                 0x1.999999999999ap-4,
                                 0x1.030dc4ea03a72p-5,
                                 0x1.47ae147ae147bp-7,
                                 0x1.9e7c6e43390b7p-9,
                                 0x1.0624dd2f1a9fcp-10,
                                 0x1.4b96be9c2da2cp-12 };

Test(config, frequencies_default_and_linear)
{
    double quarter[8];
    for (size_t k = 0; k < 8; k++)
        quarter[k] = plain[k] / 4;
    expect_frequencies(LLAMA(""), 5, plain, 1);
    expect_frequencies(PARAMETERS("\"rope_theta\":10000.0,\"rope_type\":\"default\""), 5, plain, 1);
    expect_frequencies(SCALING("\"type\":\"linear\",\"factor\":4"), 5, quarter, 1);
    expect_frequencies(PARAMETERS("\"rope_type\":\"linear\",\"factor\":4.0"), 9999, quarter, 1);
}

Test(config, frequencies_dynamic)
{
    static const double grown[8] = { 0x1p+0,
                                     0x1.0ac4fe42eb2f5p-2,
                                     0x1.15fdf7f963bf6p-4,
                                     0x1.21afce35a37c2p-6,
                                     0x1.2ddf9695c4fe7p-8,
                                     0x1.3a929d79a9bcbp-10,
                                     0x1.47ce6850ae8e2p-12,
                                     0x1.5598b8002f035p-14 };
    const char *text = SCALING("\"type\":\"dynamic\",\"factor\":2.0");
    expect_frequencies(text, 100, plain, 1);
    expect_frequencies(text, 2048, plain, 1);
    expect_frequencies(text, 5000, grown, 1);
}

Test(config, frequencies_llama3)
{
    static const double wanted[8] = { 0x1p+0,
                                      0x1.8d275e352b568p-3,
                                      0x1.3411901f5fa45p-5,
                                      0x1.ddee9c8c0aceep-8,
                                      0x1.132ba8c6715a6p-11,
                                      0x1.1f91ef20d667dp-15,
                                      0x1.be2188e4aa32fp-18,
                                      0x1.5a0f4e49b7c16p-20 };
    expect_frequencies(LLAMA(",\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\","
                             "\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
                             "\"original_max_position_embeddings\":8192}"),
                       5, wanted, 1);
}

Test(config, frequencies_yarn)
{
    static const double wanted[8] = { 0x1p+0,
                                      0x1.43d136248490fp-2,
                                      0x1.999999999999ap-4,
                                      0x1.a4f65ffc45efap-6,
                                      0x1.999999999999ap-8,
                                      0x1.6aace07ad1ea0p-10,
                                      0x1.0624dd2f1a9fcp-12,
                                      0x1.4b96be9c2da2cp-14 };
    static const double smooth[8] = { 0x1p+0,
                                      0x1.43d136248490fp-2,
                                      0x1.999999999999ap-4,
                                      0x1.8716d7d7bfe73p-6,
                                      0x1.4b69e74cd05bcp-8,
                                      0x1.a9598d4177ea9p-11,
                                      0x1.0624dd2f1a9fcp-12,
                                      0x1.4b96be9c2da2cp-14 };
    const double factor = 0x1.237d37fe5d298p+0;
    expect_frequencies(SCALING("\"type\":\"yarn\",\"factor\":4.0"), 5, wanted, factor);
    expect_frequencies(SCALING("\"type\":\"yarn\",\"factor\":4.0,\"truncate\":false,"
                               "\"attention_factor\":null,\"mscale\":1,\"mscale_all_dim\":0"),
                       5, smooth, factor);
    expect_frequencies(PARAMETERS("\"rope_type\":\"yarn\",\"factor\":4.0,\"attention_factor\":1.5,"
                                  "\"original_max_position_embeddings\":2048"),
                       5, wanted, 1.5);
    const assay_config c = config_of(
        SCALING("\"type\":\"yarn\",\"factor\":40,\"mscale\":0.707,\"mscale_all_dim\":1.0"));
    cr_expect_leq(fabs(c.rope.attention_factor - 0x1.d792dd14a1051p-1), 0x1p-52);
}

Test(config, frequencies_longrope)
{
    static const double low[8] = { 0x1p+0,
                                   0x1.1fd66904040f1p-2,
                                   0x1.47ae147ae147bp-4,
                                   0x1.78ce35b179ad5p-6,
                                   0x1.b4e81b4e81b4fp-8,
                                   0x1.fe22fddc94fa6p-10,
                                   0x1.2b97d835d548ep-11,
                                   0x1.61b1dc6252cfcp-13 };
    static const double high[8] = { 0x1p-2,
                                    0x1.030dc4ea03a72p-4,
                                    0x1.1111111111111p-6,
                                    0x1.280fbc7928bf0p-8,
                                    0x1.47ae147ae147bp-10,
                                    0x1.706e9ae66b986p-12,
                                    0x1.a36e2eb1c432dp-14,
                                    0x1.e24fa0e32b1b4p-16 };
    const char *text =
        "{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":96,"
        "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"vocab_size\":100,"
        "\"max_position_embeddings\":65536,\"original_max_position_embeddings\":4096,"
        "\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[1,1.125,1.25,"
        "1.375,1.5,1.625,1.75,1.875],\"long_factor\":[4,5,6,7,8,9,10,11]}}";
    expect_frequencies(text, 4096, low, 0x1.279a74590331cp+0);
    expect_frequencies(text, 4097, high, 0x1.279a74590331cp+0);
}

Test(config, refuses_every_truncation)
{
    const char *text = LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":4.0}");
    for (size_t size = 0; size < strlen(text); size++) {
        assay_config c = { .hidden = 99 };
        cr_expect_eq(assay_config_parse("c", text, size, NULL, 0, &c), ASSAY_ERR_INPUT);
        cr_expect_eq(c.hidden, 99);
    }
}

Test(config, reads_real_models)
{
    const assay_source llama = { .name = assay_shared("models/tinystories656k") };
    assay_config c;
    cr_assert_eq(assay_config_open(&llama, NULL, 0, &c), ASSAY_OK, "%s", assay_last_error());
    cr_expect(c.hidden == 128 && c.layers == 2 && c.heads == 8 && c.kv_heads == 4);
    cr_expect(c.tie_embeddings && c.vocab == 2048 && c.head_dim == 16);
    const assay_source other = { .name = assay_shared("models/gpt2") };
    cr_expect_eq(assay_config_open(&other, NULL, 0, &c), ASSAY_ERR_INPUT);
    cr_expect_not_null(strstr(assay_last_error(), "config.json: model_type: 'gpt2'"));
}

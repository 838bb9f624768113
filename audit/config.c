/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/config.h"

#include <string.h>

#include "audit/config_parts.h"

/* Widths stay below 2^24, counts below 2^31: no product of a model's sizes passes 2^63. */
enum { MAX_WIDTH = 1 << 24, MAX_LAYERS = 1 << 16, MAX_COUNT = 0x7fffffff };

typedef enum key_kind { USED, FIXED, HARMLESS } key_kind;

typedef struct key_row {
    const char *name;
    key_kind kind;
    const char *text;
} key_row;

static const key_row keys[] = {
#define ASSAY_KEY(name, kind, text) { #name, kind, text },
#include "audit/config_keys.def"
#undef ASSAY_KEY
    { "transformers.js_config", HARMLESS, "how a program runs it" },
};

static const key_row *find_key(const char *name)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

const char *assay_config_harmless(const char *key)
{
    const key_row *row = find_key(key);
    return row && row->kind == HARMLESS ? row->text : NULL;
}

bool assay_config_allows(assay_allowed allowed, const char *prefix, const char *key)
{
    size_t length = strlen(prefix);
    for (size_t i = 0; i < allowed.count; i++)
        if (strncmp(allowed.names[i], prefix, length) == 0 &&
            strcmp(allowed.names[i] + length, key) == 0)
            return true;
    return false;
}

assay_status assay_config_unknown(assay_fields f, const char *key)
{
    return assay_fail(
        ASSAY_ERR_INPUT,
        "%s: unknown key '%s%.200s' may change the forward pass; --allow-key %s%.200s lets "
        "it pass",
        f.file, f.prefix, key, f.prefix, key);
}

/* 1 and 1.0 are the same here, null is always fine. */
static bool is_fixed_value(const json_t *value, const char *text)
{
    json_t *fixed = json_loads(text, JSON_DECODE_ANY, NULL);
    bool same = json_is_null(value) || json_equal(value, fixed);
    if (json_is_number(value) && json_is_number(fixed))
        same = json_number_value(value) == json_number_value(fixed);
    json_decref(fixed);
    return same;
}

static assay_status check_keys(assay_fields f, assay_allowed allowed)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)f.object, key, value)
    {
        const key_row *row = find_key(key);
        if (!row && !assay_config_allows(allowed, "", key))
            return assay_config_unknown(f, key);
        if (row && row->kind == FIXED && !is_fixed_value(value, row->text))
            return assay_fail(ASSAY_ERR_INPUT, "%s: %s: not supported, expected %s", f.file, key,
                              row->text);
    }
    return ASSAY_OK;
}

typedef struct family_row {
    const char *type, *architecture;
    size_t kv_heads;       /* where the key is absent; 0: as many as heads */
    size_t max_positions;  /* where the key is absent                      */
    size_t sliding_window; /* where the key is absent; 0: none             */
    bool has_biases;       /* the modelling code reads the two flags       */
} family_row;

static const family_row families[] = {
    [ASSAY_FAMILY_LLAMA] = { "llama", "LlamaForCausalLM", 0, 2048, 0, true },
    [ASSAY_FAMILY_MISTRAL] = { "mistral", "MistralForCausalLM", 8, 131072, 4096, false },
};

static assay_status read_family(assay_fields f, assay_config *c)
{
    const char *type = NULL;
    assay_status status = assay_field_text(f, "model_type", &type);
    if (status != ASSAY_OK)
        return status;
    size_t n = sizeof families / sizeof *families, i = 0;
    while (i < n && strcmp(families[i].type, type) != 0)
        i++;
    if (i == n)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: model_type: '%.40s' is not supported, expected llama "
                          "or mistral",
                          f.file, type);
    c->family = (assay_family)i;
    if (!assay_field_given(f, "architectures"))
        return ASSAY_OK;
    const json_t *list = json_object_get(f.object, "architectures");
    const char *name = json_string_value(json_array_get(list, 0));
    if (json_array_size(list) != 1 || !name || strcmp(name, families[i].architecture) != 0)
        return assay_fail(ASSAY_ERR_INPUT, "%s: architectures: expected [\"%s\"] for model_type %s",
                          f.file, families[i].architecture, type);
    return ASSAY_OK;
}

/* What packed weights would need is a release reader's work, never a plain model's. */
static assay_status refuse_packed(assay_fields f)
{
    static const char *const names[] = { "quantization_config", "compression_config" };
    for (size_t i = 0; i < 2; i++)
        if (assay_field_given(f, names[i])) {
            const json_t *method =
                json_object_get(json_object_get(f.object, names[i]), "quant_method");
            return assay_fail(ASSAY_ERR_INPUT,
                              "%s: %s: packed weights (quant_method %.40s) cannot be "
                              "run here",
                              f.file, names[i],
                              json_is_string(method) ? json_string_value(method) : "not stated");
        }
    return ASSAY_OK;
}

static assay_status read_sizes(assay_fields f, assay_config *c)
{
    const struct {
        const char *key;
        size_t max, *out;
    } rows[] = {
        { "hidden_size", MAX_WIDTH, &c->hidden },
        { "intermediate_size", MAX_WIDTH, &c->intermediate },
        { "num_hidden_layers", MAX_LAYERS, &c->layers },
        { "num_attention_heads", MAX_LAYERS, &c->heads },
        { "vocab_size", MAX_COUNT, &c->vocab },
    };
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == ASSAY_OK; i++)
        status = assay_field_size(f, rows[i].key, 1, rows[i].max, rows[i].out);
    c->max_positions = families[c->family].max_positions;
    if (status == ASSAY_OK && assay_field_there(f, "max_position_embeddings"))
        status = assay_field_size(f, "max_position_embeddings", 1, MAX_COUNT, &c->max_positions);
    return status;
}

static assay_status read_heads(assay_fields f, assay_config *c)
{
    assay_status status = ASSAY_OK;
    size_t absent = families[c->family].kv_heads;
    c->kv_heads = absent && !assay_field_there(f, "num_key_value_heads") ? absent : c->heads;
    if (assay_field_given(f, "num_key_value_heads"))
        status = assay_field_size(f, "num_key_value_heads", 1, MAX_LAYERS, &c->kv_heads);
    if (status != ASSAY_OK)
        return status;
    if (c->heads % c->kv_heads != 0)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: num_key_value_heads: %zu does not divide num_attention_heads %zu",
                          f.file, c->kv_heads, c->heads);
    c->head_dim = c->hidden / c->heads;
    if (assay_field_given(f, "head_dim"))
        status = assay_field_size(f, "head_dim", 1, ASSAY_MAX_HEAD_DIM, &c->head_dim);
    else if (c->hidden % c->heads != 0)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: hidden_size: %zu is no multiple of num_attention_heads %zu", f.file,
                          c->hidden, c->heads);
    if (status != ASSAY_OK)
        return status;
    if (c->head_dim % 2 != 0 || c->head_dim > ASSAY_MAX_HEAD_DIM)
        return assay_fail(ASSAY_ERR_INPUT, "%s: head_dim: %zu, expected an even number up to %d",
                          f.file, c->head_dim, ASSAY_MAX_HEAD_DIM);
    return ASSAY_OK;
}

static assay_status read_activation(assay_fields f, assay_config *c)
{
    static const struct {
        const char *name;
        assay_activation act;
    } rows[] = {
        { "silu", ASSAY_ACT_SILU },
        { "swish", ASSAY_ACT_SILU },
        { "gelu", ASSAY_ACT_GELU },
        { "gelu_new", ASSAY_ACT_GELU_TANH },
        { "gelu_pytorch_tanh", ASSAY_ACT_GELU_TANH },
        { "relu", ASSAY_ACT_RELU },
    };
    const char *name = "silu";
    if (assay_field_there(f, "hidden_act")) {
        assay_status status = assay_field_text(f, "hidden_act", &name);
        if (status != ASSAY_OK)
            return status;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0) {
            c->hidden_act = rows[i].act;
            return ASSAY_OK;
        }
    return assay_fail(ASSAY_ERR_INPUT,
                      "%s: hidden_act: '%.40s' is not supported, expected silu, gelu, gelu_new, "
                      "gelu_pytorch_tanh or relu",
                      f.file, name);
}

/* Mistral's modelling code has no biases, whatever its config.json says. */
static assay_status read_flags(assay_fields f, assay_config *c)
{
    const struct {
        const char *key;
        bool *out, bias;
    } rows[] = {
        { "tie_word_embeddings", &c->tie_embeddings, false },
        { "attention_bias", &c->attention_bias, true },
        { "mlp_bias", &c->mlp_bias, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!assay_field_there(f, rows[i].key))
            continue;
        assay_status status = assay_field_bool(f, rows[i].key, rows[i].out);
        if (status != ASSAY_OK)
            return status;
        if (*rows[i].out && rows[i].bias && !families[c->family].has_biases)
            return assay_field_bad(f, rows[i].key, "true, but a mistral model has no biases");
    }
    return ASSAY_OK;
}

static assay_status read_window(assay_fields f, const assay_config *c)
{
    static const char key[] = "sliding_window";
    size_t window = families[c->family].sliding_window;
    if (assay_field_given(f, key)) {
        assay_status status = assay_field_size(f, key, 1, MAX_COUNT, &window);
        if (status != ASSAY_OK)
            return status;
    } else if (assay_field_there(f, key)) {
        window = 0;
    }
    if (window && window < c->max_positions)
        return assay_fail(ASSAY_ERR_INPUT,
                          "%s: %s: %zu%s is less than max_position_embeddings %zu: sliding "
                          "attention is not supported",
                          f.file, key, window,
                          assay_field_there(f, key) ? "" : " (the default of mistral)",
                          c->max_positions);
    return ASSAY_OK;
}

static assay_status read_token(assay_fields f, const char *key, const json_t *value,
                               const assay_config *c, size_t *out)
{
    if (!json_is_integer(value))
        return assay_field_bad(f, key, "expected a token id");
    json_int_t id = json_integer_value(value);
    if (id < 0 || (size_t)id >= c->vocab)
        return assay_fail(ASSAY_ERR_INPUT, "%s: %s: %lld, but vocab_size is %zu", f.file, key,
                          (long long)id, c->vocab);
    *out = (size_t)id;
    return ASSAY_OK;
}

/* Absent ids are those of the class: 1 and 2, where the vocabulary has them. */
static assay_status read_tokens(assay_fields f, assay_config *c)
{
    const json_t *bos = json_object_get(f.object, "bos_token_id");
    const json_t *eos = json_object_get(f.object, "eos_token_id");
    assay_status status = ASSAY_OK;
    c->has_bos = bos ? !json_is_null(bos) : c->vocab > 1;
    c->bos = c->has_bos ? 1 : 0;
    c->eos_count = !eos && c->vocab > 2;
    c->eos[0] = c->eos_count ? 2 : 0;
    if (bos && c->has_bos)
        status = read_token(f, "bos_token_id", bos, c, &c->bos);
    if (status != ASSAY_OK || !eos || json_is_null(eos))
        return status;
    if (!json_is_array(eos)) {
        c->eos_count = 1;
        return read_token(f, "eos_token_id", eos, c, &c->eos[0]);
    }
    if (json_array_size(eos) > ASSAY_MAX_EOS)
        return assay_field_bad(f, "eos_token_id", "more than 16 token ids");
    for (; c->eos_count < json_array_size(eos) && status == ASSAY_OK; c->eos_count++)
        status = read_token(f, "eos_token_id", json_array_get(eos, c->eos_count), c,
                            &c->eos[c->eos_count]);
    return status;
}

static assay_status read_all(assay_fields f, assay_allowed allowed, assay_config *c)
{
    assay_status status = read_family(f, c);
    if (status == ASSAY_OK)
        status = refuse_packed(f);
    if (status == ASSAY_OK)
        status = check_keys(f, allowed);
    if (status == ASSAY_OK)
        status = read_sizes(f, c);
    if (status == ASSAY_OK)
        status = read_heads(f, c);
    if (status == ASSAY_OK)
        status = read_activation(f, c);
    if (status == ASSAY_OK)
        status = read_flags(f, c);
    if (status == ASSAY_OK && assay_field_there(f, "rms_norm_eps"))
        status = assay_field_number(f, "rms_norm_eps", 0x1p-1022, 1, &c->rms_eps);
    if (status == ASSAY_OK)
        status = read_window(f, c);
    if (status == ASSAY_OK)
        status = read_tokens(f, c);
    if (status == ASSAY_OK)
        status = assay_config_rope(f, allowed, c);
    return status;
}

assay_status assay_config_parse(const char *name, const void *bytes, size_t size,
                                const char *const *allowed, size_t allowed_count, assay_config *out)
{
    json_t *root = NULL;
    assay_config config = { .rms_eps = 1e-6 };
    assay_status status = assay_json_parse(name, bytes, size, &root);
    if (status != ASSAY_OK)
        return status;
    const assay_fields top = { name, "", root };
    status = read_all(top, (assay_allowed){ allowed, allowed_count }, &config);
    json_decref(root);
    if (status == ASSAY_OK)
        *out = config;
    return status;
}

assay_status assay_config_open(const assay_source *source, const char *const *allowed,
                               size_t allowed_count, assay_config *out)
{
    char path[ASSAY_PATH_BYTES];
    assay_file file;
    assay_status status = assay_source_open(source, "config.json", path, &file);
    if (status != ASSAY_OK)
        return status;
    status = assay_config_parse(path, file.data, file.size, allowed, allowed_count, out);
    assay_file_close(&file);
    return status;
}

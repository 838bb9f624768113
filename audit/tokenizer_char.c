/* SPDX-License-Identifier: Apache-2.0 */
/* A smaller file of the same kind, {"type": "char-BPE", "pretoken_regex": pattern, "vocab": [piece
 * of id 0, ...], "merges": [[left, right], ...]}, becomes the tokenizer.json that it stands for. */
#include <string.h>

#include "audit/tokenizer_parts.h"

/* Not in the vocabulary, so that a character which is not either is an error, never dropped. */
static const char unknown[] = "<unknown>";

static assay_status vocabulary(const tok_where *where, const json_t *list, json_t *out)
{
    if (!json_is_array(list))
        return assay_tok_refuse(where, "vocab", "expected a list of pieces");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *piece = json_string_value(json_array_get(list, i));
        if (!piece || json_object_get(out, piece))
            return assay_tok_refuse(where, "vocab", "piece %zu %s", i,
                                    piece ? "occurs twice" : "is not a string");
        if (json_object_set_new(out, piece, json_integer((json_int_t)i)) != 0)
            return assay_tok_no_memory();
    }
    return ASSAY_OK;
}

assay_status assay_tok_char_document(const tok_where *where, json_t **root)
{
    const char *type = json_string_value(json_object_get(*root, "type")), *regex = NULL;
    if (!type || strcmp(type, "char-BPE") != 0 || json_object_get(*root, "model"))
        return ASSAY_OK;
    assay_status status = assay_tok_string(where, *root, "pretoken_regex", TOK_REQUIRED, &regex);
    json_t *vocab = json_object(), *merges = json_object_get(*root, "merges");
    if (status == ASSAY_OK)
        status = vocab ? vocabulary(where, json_object_get(*root, "vocab"), vocab)
                       : assay_tok_no_memory();
    if (status == ASSAY_OK && !json_is_array(merges))
        status = assay_tok_refuse(where, "merges", "expected a list");
    if (status == ASSAY_OK) {
        json_t *document =
            json_pack("{s:{s:s,s:s,s:O,s:O},s:{s:s,s:{s:s},s:s,s:b},s:{s:s}}", "model", "type",
                      "BPE", "unk_token", unknown, "vocab", vocab, "merges", merges,
                      "pre_tokenizer", "type", "Split", "pattern", "Regex", regex, "behavior",
                      "Isolated", "invert", 0, "decoder", "type", "Fuse");
        if (document)
            json_decref(*root);
        *root = document ? document : *root;
        status = document ? ASSAY_OK : assay_tok_no_memory();
    }
    json_decref(vocab);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tokenizer files that are refused, rules that cost too much, and merges against their
 * definition. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "audit/tokenizer.h"
#include "audit/tokenizer_parts.h"

#define VOCAB      "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}"
#define MODEL      "\"model\":{" VOCAB ",\"merges\":[\"a b\"]}"
#define WITH(more) "{" MODEL "," more "}"
#define ADDED(fields)                                                                  \
    WITH("\"added_tokens\":[{\"single_word\":false,\"lstrip\":false,\"rstrip\":false," \
         "\"normalized\":false,\"special\":true," fields "}]")

static const struct {
    const char *json, *field, *what;
} refused[] = {
    { "", "is empty", "" },
    { "[]", "expected a JSON object", "" },
    { "{\"a\":1,\"a\":2}", "line 1", "duplicate" },
    { "{}", "model: ", "is missing" },
    { "{\"model\":[]}", "model: ", "expected an object" },
    { WITH("\"version\":\"2.0\""), "version: ", "\"2.0\"" },
    { "{\"model\":{\"type\":\"Unigram\"}}", "model.type: ", "\"Unigram\"" },
    { "{\"model\":{}}", "model.vocab: ", "expected an object" },
    { "{\"model\":{\"vocab\":{}}}", "model.merges: ", "expected a list" },
    { "{\"model\":{\"vocab\":{\"a\":-1},\"merges\":[]}}", "model.vocab[\"a\"]: ", "-1" },
    { "{\"model\":{\"vocab\":{\"a\":2147483648},\"merges\":[]}}", "vocab[\"a\"]: ", "2147483648" },
    { "{\"model\":{\"vocab\":{\"a\":\"1\"},\"merges\":[]}}", "vocab[\"a\"]: ", "integer" },
    { "{\"model\":{\"vocab\":{\"a\":1.5},\"merges\":[]}}", "vocab[\"a\"]: ", "integer" },
    { "{\"model\":{\"vocab\":{\"a\":1,\"b\":1},\"merges\":[]}}", "model.vocab: ", "id 1 is both" },
    { "{\"model\":{" VOCAB ",\"merges\":[\"a c\"]}}", "model.merges[0]: ", "\"c\"" },
    { "{\"model\":{" VOCAB ",\"merges\":[\"a b\",\"b a\"]}}", "model.merges[1]: ", "\"ba\"" },
    { "{\"model\":{" VOCAB ",\"merges\":[\"a b c\"]}}", "model.merges[0]: ", "left right" },
    { "{\"model\":{" VOCAB ",\"merges\":[[\"a\"]]}}", "model.merges[0]: ", "left right" },
    { "{\"model\":{" VOCAB ",\"merges\":[],\"dropout\":0.1}}", "model.dropout: ", "null or 0" },
    { "{\"model\":{" VOCAB ",\"merges\":[],\"fuse_unk\":1}}", "model.fuse_unk: ", "true or false" },
    { "{\"model\":{" VOCAB ",\"merges\":[],\"unk_token\":1}}", "model.unk_token: ", "string" },
    { WITH("\"normalizer\":{\"type\":\"Precompiled\"}"), "normalizer.type: ", "\"Precompiled\"" },
    { WITH("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{}]}"),
      "normalizer.normalizers[1].type: ", "is missing" },
    { WITH("\"normalizer\":{\"type\":\"Replace\",\"content\":\"\",\"pattern\":{}}"),
      "normalizer.pattern: ", "either" },
    { WITH("\"pre_tokenizer\":{\"type\":\"Best\"}"), "pre_tokenizer.type: ", "\"Best\"" },
    { WITH("\"pre_tokenizer\":{\"type\":\"ByteLevel\"}"),
      "pre_tokenizer.add_prefix_space: ", "is missing" },
    { WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Odd\"}"),
      "pre_tokenizer.behavior: ", "\"Odd\"" },
    { WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":false,"
           "\"pattern\":{\"Regex\":\"(a\"}}"),
      "pre_tokenizer.pattern.Regex: ", "parenthesis" },
    { WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":false,"
           "\"pattern\":{\"Regex\":\"a(?i)b\"}}"),
      "pre_tokenizer.pattern.Regex: ", "options" },
    { WITH("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"__\"}"),
      "pre_tokenizer.replacement: ", "one character" },
    { WITH("\"decoder\":{\"type\":\"WordPiece\"}"), "decoder.type: ", "\"WordPiece\"" },
    { WITH("\"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":-1,\"stop\":0}"),
      "decoder.start: ", "at least 0" },
    { WITH("\"post_processor\":{\"type\":\"Odd\"}"), "post_processor.type: ", "\"Odd\"" },
    { WITH("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]}"),
      "post_processor.single: ", "sequence A" },
    { WITH("\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"a\",7],\"sep\":[\"b\",1]}"),
      "post_processor: ", "id 7" },
    { WITH("\"added_tokens\":{}"), "added_tokens: ", "expected a list" },
    { WITH("\"added_tokens\":[1]"), "added_tokens[0]: ", "expected an object" },
    { WITH("\"added_tokens\":[{\"id\":3,\"content\":\"x\"}]"),
      "added_tokens[0].single_word: ", "is missing" },
    { ADDED("\"id\":-3,\"content\":\"x\""), "added_tokens[0].id: ", "-3" },
    { ADDED("\"id\":3,\"content\":\"b\""), "added_tokens[0].id: ", "\"b\" is 1" },
    { ADDED("\"id\":1,\"content\":\"x\""), "added_tokens[0].id: ", "1 is \"b\"" },
};

Test(tokenizer_file, says_what_is_wrong)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assay_tokenizer *tokenizer = NULL;
        cr_expect_eq(
            assay_tokenizer_parse("t", refused[i].json, strlen(refused[i].json), &tokenizer),
            ASSAY_ERR_INPUT, "%s", refused[i].json);
        const char *error = assay_last_error();
        cr_expect_eq(strncmp(error, "t: ", 3), 0, "%s", error);
        cr_expect_not_null(strstr(error, refused[i].field), "%s: %s", refused[i].json, error);
        cr_expect_not_null(strstr(error, refused[i].what), "%s: %s", refused[i].json, error);
        cr_expect_null(tokenizer, "untouched on failure");
    }
}

static assay_tokenizer *parse(const char *json)
{
    assay_tokenizer *tokenizer = NULL;
    cr_assert_eq(assay_tokenizer_parse("t", json, strlen(json), &tokenizer), ASSAY_OK, "%s",
                 assay_last_error());
    return tokenizer;
}

static void cannot_encode(const char *json, const char *text, const char *what)
{
    assay_tokenizer *tokenizer = parse(json);
    int32_t *ids = NULL;
    size_t count = 99;
    cr_expect_eq(assay_tokenizer_encode(tokenizer, text, strlen(text), &ids, &count),
                 ASSAY_ERR_INPUT, "%s", json);
    cr_expect_not_null(strstr(assay_last_error(), what), "%s", assay_last_error());
    cr_expect(!ids && count == 99, "untouched on failure");
    assay_tokenizer_free(tokenizer);
}

#define A16 "aaaaaaaaaaaaaaaa"
#define EIGHTYFOLD                                                                                 \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"" A16 A16 A16 A16 A16 "\"" \
    "}"

Test(tokenizer_file, bounds_what_rules_cost)
{
    cannot_encode(WITH("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" EIGHTYFOLD
                       "," EIGHTYFOLD "," EIGHTYFOLD "," EIGHTYFOLD "]}"),
                  "a", "longer than");
    cannot_encode(WITH("\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\","
                       "\"invert\":false,\"pattern\":{\"Regex\":\"(a+)+$\"}}"),
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "pattern");
    cannot_encode("{\"model\":{" VOCAB ",\"merges\":[],\"unk_token\":\"?\"}}", "ac", "\"c\"");
}

/* The definition: while some neighbours can merge, merge those of least rank, leftmost first. */
static size_t merge_slowly(const tok_model *model, int32_t *ids, size_t count)
{
    for (;;) {
        const tok_merge *best = NULL;
        size_t at = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            const tok_merge *merge = assay_tok_merge_of(model, ids[i], ids[i + 1]);
            if (merge && (!best || merge->rank < best->rank)) {
                best = merge;
                at = i;
            }
        }
        if (!best)
            return count;
        ids[at] = best->id;
        memmove(ids + at + 1, ids + at + 2, (count - at - 2) * sizeof *ids);
        count--;
    }
}

Test(tokenizer_file, merges_as_defined)
{
    assay_tokenizer *tokenizer = parse(
        "{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"ba\":3,\"aa\":4,\"abab\":5,"
        "\"aba\":6,\"bb\":7,\"aab\":8,\"abb\":9,\"aaab\":10},\"merges\":[\"a a\",[\"b\",\"a\"],"
        "\"a b\",\"b b\",\"ab ab\",\"ab a\",\"aa b\",\"ab b\",\"a ab\",\"a bb\",\"a aab\"]}}");
    uint32_t state = 1;
    for (int trial = 0; trial < 20000; trial++) {
        char text[24];
        int32_t want[24], *ids = NULL;
        size_t size = (size_t)trial % sizeof text, count = 0;
        for (size_t i = 0; i < size; i++) {
            state = state * 1664525 + 1013904223;
            want[i] = (int32_t)(state >> 31);
            text[i] = "ab"[want[i]];
        }
        size_t expected = merge_slowly(&tokenizer->model, want, size);
        cr_assert_eq(assay_tokenizer_encode(tokenizer, text, size, &ids, &count), ASSAY_OK);
        cr_assert_eq(count, expected, "%.*s", (int)size, text);
        cr_assert(count == 0 || memcmp(ids, want, count * sizeof *ids) == 0, "%.*s", (int)size,
                  text);
        free(ids);
    }
    assay_tokenizer_free(tokenizer);
}

Test(tokenizer_file, later_merges_of_a_pair_win_and_id_gaps_are_fine)
{
    assay_tokenizer *tokenizer =
        parse("{\"model\":{\"vocab\":{\"a\":7,\"b\":2000000000,\"ab\":30},\"merges\":[\"#version: "
              "0.2\",\"a b\",\"a b\"]},\"truncation\":null,\"padding\":null}");
    int32_t *ids = NULL;
    size_t count = 0;
    cr_assert_eq(assay_tokenizer_encode(tokenizer, "abb", 3, &ids, &count), ASSAY_OK);
    cr_assert_eq(count, 2);
    cr_expect_eq(ids[0], 30);
    cr_expect_eq(ids[1], 2000000000);
    cr_expect_eq(assay_tokenizer_vocab_size(tokenizer), 2000000001);
    cr_expect_null(assay_tokenizer_piece(tokenizer, 8));
    cr_expect_null(assay_tokenizer_piece(tokenizer, -1));
    free(ids);
    assay_tokenizer_free(tokenizer);
    assay_tokenizer_free(NULL);
}

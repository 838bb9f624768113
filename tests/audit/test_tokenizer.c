/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/tokenizer/NAME.json lists texts and the ids that the tokenizers package, version
 * 0.22.1, gives for them with NAME.tokenizer.json, which it trained for this purpose. */
#include "audit/tokenizer.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "audit/file.h"
#include "tests/support/shared.h"

#ifndef ASSAY_SOURCE_DIR
#define ASSAY_SOURCE_DIR "."
#endif
#define VECTORS ASSAY_SOURCE_DIR "/tests/vectors/tokenizer"

static assay_tokenizer *load(const char *path)
{
    assay_file file;
    assay_tokenizer *tokenizer = NULL;
    cr_assert_eq(assay_file_open(path, &file), ASSAY_OK, "%s", assay_last_error());
    cr_assert_eq(assay_tokenizer_parse(path, file.data, file.size, &tokenizer), ASSAY_OK, "%s",
                 assay_last_error());
    assay_file_close(&file);
    return tokenizer;
}

static assay_tokenizer *load_vector(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, VECTORS "/%s.tokenizer.json", name);
    return load(path);
}

static json_t *load_list(const char *path)
{
    json_error_t error;
    json_t *list = json_load_file(path, JSON_ALLOW_NUL, &error);
    cr_assert(json_is_array(list) && json_array_size(list) > 0, "%s: %s", path, error.text);
    return list;
}

static void encodes_to(const assay_tokenizer *tokenizer, const char *name, const json_t *vector)
{
    const json_t *text = json_object_get(vector, "text"), *want = json_object_get(vector, "ids");
    int32_t *ids = NULL;
    size_t count = 0;
    cr_assert_eq(assay_tokenizer_encode(tokenizer, json_string_value(text),
                                        json_string_length(text), &ids, &count),
                 ASSAY_OK, "%s: %s", name, assay_last_error());
    cr_expect_eq(count, json_array_size(want), "%s: \"%s\": %zu ids, expected %zu", name,
                 json_string_value(text), count, json_array_size(want));
    for (size_t i = 0; i < count && i < json_array_size(want); i++)
        cr_expect_eq(ids[i], json_integer_value(json_array_get(want, i)),
                     "%s: \"%s\": token %zu is %d", name, json_string_value(text), i, (int)ids[i]);
    free(ids);
}

static void agrees(const char *tokenizer_path, const char *list_path)
{
    assay_tokenizer *tokenizer = load(tokenizer_path);
    json_t *list = load_list(list_path);
    for (size_t i = 0; i < json_array_size(list); i++)
        encodes_to(tokenizer, list_path, json_array_get(list, i));
    json_decref(list);
    assay_tokenizer_free(tokenizer);
}

Test(tokenizer, agrees_with_the_tokenizers_package)
{
    DIR *directory = opendir(VECTORS);
    cr_assert_not_null(directory, "%s", VECTORS);
    size_t found = 0;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        const char *end = strstr(entry->d_name, ".tokenizer.json");
        if (!end)
            continue;
        char path[1024], list[1024];
        snprintf(path, sizeof path, VECTORS "/%s", entry->d_name);
        snprintf(list, sizeof list, VECTORS "/%.*s.json", (int)(end - entry->d_name),
                 entry->d_name);
        agrees(path, list);
        found++;
    }
    closedir(directory);
    cr_expect_geq(found, 15);
    agrees(ASSAY_SOURCE_DIR "/audit/demo/tokenizer.json", VECTORS "/demo.json");
}

Test(tokenizer, agrees_on_tinystories)
{
    agrees(assay_shared("models/tinystories656k/tokenizer.json"), VECTORS "/tinystories.json");
}

Test(tokenizer, agrees_on_character_bpe)
{
    agrees(assay_shared("models/gpt2/tokenizer.json"), VECTORS "/gpt2.json");
}

static void comes_back(const assay_tokenizer *tokenizer, const char *text, size_t size)
{
    int32_t *ids = NULL;
    char *back = NULL;
    size_t count = 0, length = 0;
    cr_assert_eq(assay_tokenizer_encode(tokenizer, text, size, &ids, &count), ASSAY_OK, "%s",
                 assay_last_error());
    cr_assert_eq(assay_tokenizer_decode(tokenizer, ids, count, false, &back, &length), ASSAY_OK,
                 "%s", assay_last_error());
    cr_expect(length == size && memcmp(back, text, size) == 0, "\"%.60s\" became \"%.60s\"", text,
              back);
    cr_expect_eq(back[length], 0);
    free(ids);
    free(back);
}

/* U+0001 to U+1FFFF but for the surrogates, as one text. */
static size_t all_characters(char *out)
{
    size_t size = 0;
    for (unsigned c = 1; c < 0x20000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        int extra = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        static const unsigned lead[] = { 0, 0xc0, 0xe0, 0xf0 };
        out[size++] = (char)(lead[extra] | c >> (6 * extra));
        for (int i = extra - 1; i >= 0; i--)
            out[size++] = (char)(0x80 | (c >> (6 * i) & 0x3f));
    }
    return size;
}

Test(tokenizer, gives_bytes_back)
{
    static const char *const lossless[] = { "style_gpt2", "style_deepseek", "style_o200k",
                                            "split_punctuation", "split_digits" };
    static char all[4 * 0x20000];
    size_t size = all_characters(all);
    for (size_t i = 0; i < sizeof lossless / sizeof lossless[0]; i++) {
        assay_tokenizer *tokenizer = load_vector(lossless[i]);
        comes_back(tokenizer, "", 0);
        comes_back(tokenizer, "nul \0 byte", 10);
        comes_back(tokenizer, " two  spaces \r\n\t ", 18);
        if (strcmp(lossless[i], "style_o200k") != 0) /* it normalises */
            comes_back(tokenizer, all, size);
        assay_tokenizer_free(tokenizer);
    }
}

Test(tokenizer, merges_a_long_word_in_time)
{
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    cr_assert_not_null(text);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = "the cat sat on a mat, and so the hat"[i % 36];
    assay_tokenizer *tokenizer = load_vector("style_llama2"); /* one word: no pre-tokenizer */
    int32_t *ids = NULL;
    size_t count = 0;
    cr_assert_eq(assay_tokenizer_encode(tokenizer, text, SIZE, &ids, &count), ASSAY_OK);
    cr_expect(count > 2 && count < SIZE);
    free(ids);
    free(text);
    assay_tokenizer_free(tokenizer);
}

Test(tokenizer, says_where_text_is_not_utf8)
{
    static const struct {
        const char *text;
        size_t size;
        const char *where;
    } bad[] = { { "abc\xff", 4, "byte 3 " },
                { "\xc3", 1, "byte 0 " },
                { "\xc3\xa9\xed\xa0\x80", 5, "byte 2 " },
                { "a\xc0\x80", 3, "byte 1 " },
                { "\xf4\x90\x80\x80", 4, "byte 0 " } };
    assay_tokenizer *tokenizer = load_vector("style_gpt2");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int32_t *ids = NULL;
        size_t count = 99;
        cr_expect_eq(assay_tokenizer_encode(tokenizer, bad[i].text, bad[i].size, &ids, &count),
                     ASSAY_ERR_INPUT);
        cr_expect_not_null(strstr(assay_last_error(), bad[i].where), "%s", assay_last_error());
        cr_expect(!ids && count == 99, "untouched on failure");
    }
    assay_tokenizer_free(tokenizer);
}

static void decodes_to(const assay_tokenizer *tokenizer, const int32_t *ids, size_t count,
                       bool skip, const char *want)
{
    char *text = NULL;
    size_t size = 0;
    cr_assert_eq(assay_tokenizer_decode(tokenizer, ids, count, skip, &text, &size), ASSAY_OK);
    cr_expect_str_eq(text, want);
    cr_expect_eq(size, strlen(want));
    free(text);
}

Test(tokenizer, decodes)
{
    assay_tokenizer *bytes = load_vector("style_gpt2"), *fallback = load_vector("style_llama2");
    int32_t *ids = NULL;
    size_t count = 0;
    cr_assert_eq(assay_tokenizer_encode(bytes, "\xe2\x82\xac", 3, &ids, &count), ASSAY_OK);
    if (count > 1) /* half a character */
        decodes_to(bytes, ids, 1, false, "\xef\xbf\xbd");
    free(ids);
    const int32_t padded[] = { 33, 2000000000 }, special[] = { 1, 2 }, bad[] = { 33, -1 };
    decodes_to(bytes, padded, 2, false, "A");
    decodes_to(fallback, special, 2, true, "");
    decodes_to(fallback, special, 2, false, "<s></s>");
    char *text = NULL;
    size_t size = 0;
    cr_expect_eq(assay_tokenizer_decode(bytes, bad, 2, false, &text, &size), ASSAY_ERR_VALUE);
    cr_expect_not_null(strstr(assay_last_error(), "token 1"), "%s", assay_last_error());
    cr_expect_null(text);
    assay_tokenizer_free(bytes);
    assay_tokenizer_free(fallback);
}

Test(tokenizer, shows_tokens)
{
    assay_tokenizer *tokenizer = load_vector("style_gpt2");
    char shown[ASSAY_TOKEN_TEXT_BYTES];
    int32_t *ids = NULL;
    size_t count = 0;
    const char *text = "\n\\\x01";
    static const char *const want[] = { "\\n", "\\\\", "\\u{1}" };
    cr_assert_eq(assay_tokenizer_encode(tokenizer, text, strlen(text), &ids, &count), ASSAY_OK);
    cr_assert_geq(count, 3);
    for (size_t i = 0; i < 3; i++) {
        assay_tokenizer_show(tokenizer, ids[i], shown);
        cr_expect_str_eq(shown, want[i]);
    }
    free(ids);
    assay_tokenizer_show(tokenizer, 1 << 30, shown);
    cr_expect_str_eq(shown, "[1073741824]");
    const int32_t line[] = { 33, 34, 35, 36, 37 }; /* A B C D E */
    char *context = NULL;
    cr_assert_eq(assay_tokenizer_context(tokenizer, line, 5, 3, 2, &context), ASSAY_OK);
    cr_expect_str_eq(context, "BC\xe2\x9f\xa6"
                              "D\xe2\x9f\xa7"
                              "E");
    free(context);
    cr_expect_str_eq(assay_tokenizer_piece(tokenizer, 33), "A");
    cr_expect_null(assay_tokenizer_piece(tokenizer, 100000));
    cr_expect_geq(assay_tokenizer_vocab_size(tokenizer), 300);
    assay_tokenizer_free(tokenizer);
}

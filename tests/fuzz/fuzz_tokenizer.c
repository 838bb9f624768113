/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a tokenizer.json, a NUL, a text. Oracle: what is accepted encodes every UTF-8 text or
 * says why not, the same way each time, to ids that have pieces, and decodes to UTF-8; and a
 * byte-level tokenizer gives every text back. */
#include "audit/tokenizer.h"
#include "audit/tokenizer_parts.h"
#include "tests/fuzz/fuzz.h"

static int is_utf8(const char *text, size_t size)
{
    return assay_tok_utf8_valid(text, size) == size;
}

static void check_ids(const assay_tokenizer *tokenizer, const int32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char shown[ASSAY_TOKEN_TEXT_BYTES];
        CHECK(ids[i] >= 0 && (size_t)ids[i] < assay_tokenizer_vocab_size(tokenizer));
        CHECK(assay_tokenizer_piece(tokenizer, ids[i]));
        assay_tokenizer_show(tokenizer, ids[i], shown);
        CHECK(shown[0] && is_utf8(shown, strlen(shown)));
    }
}

static void check_text(const assay_tokenizer *tokenizer, const int32_t *ids, size_t count)
{
    for (int skip = 0; skip < 2; skip++) {
        char *text = NULL;
        size_t size = 0;
        assay_status status = assay_tokenizer_decode(tokenizer, ids, count, skip, &text, &size);
        if (status == ASSAY_OK)
            CHECK(is_utf8(text, size) && text[size] == 0);
        else
            fuzz_refusal(status, "text: ");
        free(text);
    }
}

static void encode(const assay_tokenizer *tokenizer, const char *text, size_t size)
{
    int32_t *ids = NULL, *again = NULL;
    size_t count = 0, count_again = 0;
    assay_status status = assay_tokenizer_encode(tokenizer, text, size, &ids, &count);
    if (status != ASSAY_OK) {
        fuzz_refusal(status, "text: ");
        CHECK(!ids);
        return;
    }
    CHECK(is_utf8(text, size));
    CHECK(assay_tokenizer_encode(tokenizer, text, size, &again, &count_again) == ASSAY_OK);
    CHECK(count == count_again && memcmp(ids, again, count * sizeof *ids) == 0);
    check_ids(tokenizer, ids, count);
    check_text(tokenizer, ids, count);
    free(ids);
    free(again);
}

/* GPT-2's pre-tokenizer, the 256 letters of its alphabet, and a few merges of these. */
static assay_tokenizer *byte_level(void)
{
    tok_bytes json = { 0 };
    static const char head[] = "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":"
                               "false},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"merges\":"
                               "[\"a a\",\"Ã Ģ\",\"aa a\"],\"vocab\":{\"aa\":256,\"ÃĢ\":257,"
                               "\"aaa\":258";
    assay_tok_put(&json, head, sizeof head - 1);
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte, id[16];
        assay_tok_put(&json, ",\"", 2);
        assay_tok_put(&json, "\\", c == '"' || c == '\\');
        assay_tok_put_alphabet(&json, &c, 1);
        int length = snprintf(id, sizeof id, "\":%d", byte);
        assay_tok_put(&json, id, (size_t)length);
    }
    assay_tok_put(&json, "}}}", 3);
    assay_tokenizer *tokenizer = NULL;
    CHECK(!json.failed && assay_tokenizer_parse("bytes", json.data, json.size, &tokenizer) == 0);
    free(json.data);
    return tokenizer;
}

static void check_bytes(const char *text, size_t size)
{
    static assay_tokenizer *tokenizer;
    if (!tokenizer)
        tokenizer = byte_level();
    int32_t *ids = NULL;
    char *back = NULL;
    size_t count = 0, length = 0;
    if (assay_tokenizer_encode(tokenizer, text, size, &ids, &count) != ASSAY_OK) {
        CHECK(!is_utf8(text, size));
        return;
    }
    CHECK(assay_tokenizer_decode(tokenizer, ids, count, false, &back, &length) == ASSAY_OK);
    CHECK(length == size && memcmp(text, back, size) == 0);
    free(ids);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t json = end ? (size_t)(end - data) : size;
    const char *text = end ? (const char *)end + 1 : "";
    size_t length = end ? size - json - 1 : 0;
    check_bytes(text, length);
    assay_tokenizer *tokenizer = NULL;
    assay_status status = assay_tokenizer_parse("fuzz", data, json, &tokenizer);
    if (status == ASSAY_OK)
        encode(tokenizer, text, length);
    else
        fuzz_refusal(status, "fuzz: ");
    assay_tokenizer_free(tokenizer);
    return 0;
}

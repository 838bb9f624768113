/* SPDX-License-Identifier: Apache-2.0 */
/* What the files tokenizer*.c share. Nothing here is for other users. */
#ifndef ASSAY_AUDIT_TOKENIZER_PARTS_H
#define ASSAY_AUDIT_TOKENIZER_PARTS_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <jansson.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stdint.h>

#include "audit/tokenizer.h"

/* --- tokenizer_text.c: growing buffers and UTF-8 --- */

/** Room for `need` items, at least doubling. NULL when there is no memory; data stays valid. */
void *assay_tok_grow(void *data, size_t *room, size_t need, size_t item);

/* A text under construction. Growth that fails, or goes beyond limit (0: none), is remembered:
 * later puts do nothing and assay_tok_check tells at the end. */
typedef struct tok_bytes {
    char *data;
    size_t size, room, limit;
    bool failed, limited;
} tok_bytes;

void assay_tok_put(tok_bytes *out, const char *text, size_t size);
void assay_tok_put_char(tok_bytes *out, int32_t c);
ASSAY_NODISCARD assay_status assay_tok_check(const tok_bytes *text);

/* A list of texts in one buffer. id >= 0 marks a token that has been found already; first says
 * that the text's first character comes from the first one of the input. */
typedef struct tok_item {
    size_t start, end;
    int32_t id;
    bool first;
} tok_item;

typedef struct tok_list {
    tok_bytes text;
    tok_item *items;
    size_t count, room;
} tok_list;

/** Ends the text that began at `start` of list->text and adds it to the list. */
void assay_tok_close(tok_list *list, size_t start, int32_t id, bool first);
void assay_tok_add(tok_list *list, const char *text, size_t size, int32_t id, bool first);
void assay_tok_clear(tok_list *list);
void assay_tok_list_free(tok_list *list);

/** Bytes of the character at text and its value; minus the bytes to skip if it is not UTF-8. */
int assay_tok_utf8(const char *text, size_t size, int32_t *c);
/** The next character of valid text; *at moves behind it. */
int32_t assay_tok_next(const char *text, size_t size, size_t *at);
/** The character that ends at `at` > 0 of valid text, and where it starts. */
int32_t assay_tok_previous(const char *text, size_t at, size_t *start);
/** Offset of the first byte that is not UTF-8, or size. */
size_t assay_tok_utf8_valid(const char *text, size_t size);
/** Appends text with U+FFFD for each longest stretch of bytes that starts no character. */
void assay_tok_put_lossy(tok_bytes *out, const char *text, size_t size);

/** Unicode's White_Space. */
bool assay_tok_is_space(int32_t c);

/* --- tokenizer_field.c: fields of the file and messages about them --- */

typedef struct tok_where {
    const char *name; /* the file */
    char path[256];   /* the object that is being read, as in "normalizer.normalizers[2]" */
} tok_where;

/** Appends to the path and returns the mark which assay_tok_leave takes back to. */
size_t assay_tok_enter(tok_where *where, const char *fmt, ...) ASSAY_PRINTF(2, 3);
void assay_tok_leave(tok_where *where, size_t mark);
/** ASSAY_ERR_INPUT "NAME: path.field: what"; field may be NULL. */
assay_status assay_tok_refuse(const tok_where *where, const char *field, const char *fmt, ...)
    ASSAY_PRINTF(3, 4);
assay_status assay_tok_no_memory(void);

/* A field that is absent: required ones are an error, others leave *out alone. null is the same
 * as absent. */
typedef enum tok_need { TOK_OPTIONAL, TOK_REQUIRED } tok_need;
ASSAY_NODISCARD assay_status assay_tok_string(const tok_where *where, const json_t *object,
                                              const char *key, tok_need need, const char **out);
ASSAY_NODISCARD assay_status assay_tok_bool(const tok_where *where, const json_t *object,
                                            const char *key, tok_need need, bool *out);
ASSAY_NODISCARD assay_status assay_tok_size(const tok_where *where, const json_t *object,
                                            const char *key, size_t *out);
/** A string of exactly one character. */
ASSAY_NODISCARD assay_status assay_tok_character(const tok_where *where, const json_t *object,
                                                 const char *key, int32_t *out);
/** An integer from 0 to 2^31 - 1; field names it in the message. */
ASSAY_NODISCARD assay_status assay_tok_id(const tok_where *where, const char *field,
                                          const json_t *value, int32_t *out);

/* --- tokenizer_regex.c, tokenizer_match.c: patterns --- */

/** Rewrites a pattern from Oniguruma's syntax, which the files use, into PCRE2's. */
ASSAY_NODISCARD assay_status assay_tok_translate(const tok_where *where, const char *field,
                                                 const char *pattern, tok_bytes *out);

/* Word characters: those of Unicode's regular expressions, which PCRE2's own \w is not. */
#define TOK_WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define TOK_SPACE                                                                               \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}" \
    "\\x{205f}\\x{3000}"

/* A text cut where a pattern matches: stretches in order, without gaps. */
typedef struct tok_match {
    size_t start, end;
    bool hit;
} tok_match;

typedef struct tok_matches {
    tok_match *items;
    size_t count, room;
    bool failed;
    pcre2_match_data *data;
    pcre2_match_context *limits;
} tok_matches;

typedef enum tok_behavior {
    TOK_ISOLATED,
    TOK_REMOVED,
    TOK_MERGED_WITH_PREVIOUS,
    TOK_MERGED_WITH_NEXT,
    TOK_CONTIGUOUS
} tok_behavior;

/** Compiles a pattern that is in PCRE2's syntax already; options as for pcre2_compile. */
ASSAY_NODISCARD assay_status assay_tok_compile(const tok_where *where, const char *field,
                                               const char *pattern, size_t size, uint32_t options,
                                               pcre2_code **out);
/** Compiles the {"String": s} or {"Regex": r} in object's field "pattern". */
ASSAY_NODISCARD assay_status assay_tok_compile_field(tok_where *where, const json_t *object,
                                                     pcre2_code **out);
ASSAY_NODISCARD assay_status assay_tok_find(const pcre2_code *code, const char *text, size_t size,
                                            tok_matches *out);
/** The same with single characters: those for which test(c, argument) holds. */
typedef bool tok_test(int32_t c, int32_t argument);
ASSAY_NODISCARD assay_status assay_tok_find_chars(tok_test *test, int32_t argument,
                                                  const char *text, size_t size, tok_matches *out);
/** Joins and drops stretches as the behavior says: hit then means "leave out". */
void assay_tok_behave(tok_matches *matches, tok_behavior behavior);
void assay_tok_matches_free(tok_matches *matches);

/* --- tokenizer_step.c: the steps of the normalizer, pre_tokenizer and decoder fields --- */

struct tok_step;

/* One type that such a field may have. Of the three functions it has its own role's. */
typedef struct tok_type {
    const char *name;
    assay_status (*parse)(tok_where *where, const json_t *object, struct tok_step *out);
    assay_status (*normalize)(const struct tok_step *step, const char *text, size_t size,
                              bool *first, tok_matches *scratch, tok_bytes *out);
    assay_status (*split)(const struct tok_step *step, const char *text, size_t size, bool first,
                          tok_matches *scratch, tok_list *out);
    assay_status (*decode)(const struct tok_step *step, const tok_list *in, tok_matches *scratch,
                           tok_list *out);
} tok_type;

typedef enum tok_prepend { TOK_NEVER, TOK_FIRST, TOK_ALWAYS } tok_prepend;

typedef struct tok_step {
    const tok_type *type;
    pcre2_code *pattern;   /* Replace, Split; ByteLevel and Whitespace that split */
    char *content;         /* Replace's and Prepend's text */
    int32_t character;     /* Metaspace's replacement, Strip's character */
    tok_behavior behavior; /* Split, Punctuation */
    tok_prepend prepend;   /* Metaspace; ByteLevel's add_prefix_space is ALWAYS */
    bool invert, split, left, right, individual;
    size_t start, stop; /* decoder Strip */
} tok_step;

typedef struct tok_steps {
    tok_step *items;
    size_t count, room;
} tok_steps;

/* A role: the field, the key of its Sequence's list, and the types that it knows. */
typedef struct tok_role {
    const char *field, *list;
    const tok_type *types;
    size_t count;
} tok_role;

ASSAY_NODISCARD assay_status assay_tok_steps_parse(tok_where *where, const tok_role *role,
                                                   const json_t *root, tok_steps *out);
void assay_tok_steps_free(tok_steps *steps);

/* Parsers of the types that more than one role has. */
assay_status assay_tok_parse_nothing(tok_where *where, const json_t *object, tok_step *out);
assay_status assay_tok_parse_replace(tok_where *where, const json_t *object, tok_step *out);
assay_status assay_tok_parse_metaspace(tok_where *where, const json_t *object, tok_step *out);
/** Appends text with its matches of the step's pattern replaced by the step's content. */
ASSAY_NODISCARD assay_status assay_tok_replace(const tok_step *step, const char *text, size_t size,
                                               tok_matches *scratch, tok_bytes *out);

extern const tok_role assay_tok_normalizers, assay_tok_pre_tokenizers, assay_tok_decoders;

ASSAY_NODISCARD assay_status assay_tok_normalize(const tok_steps *steps, const char *text,
                                                 size_t size, bool *first, tok_matches *scratch,
                                                 tok_bytes *out);
/** Replaces the list by the list of its splits. */
ASSAY_NODISCARD assay_status assay_tok_pre_tokenize(const tok_steps *steps, tok_matches *scratch,
                                                    tok_list *list);
/** Replaces the list of pieces by the decoded ones, which are still to be joined. */
ASSAY_NODISCARD assay_status assay_tok_decode(const tok_steps *steps, tok_matches *scratch,
                                              tok_list *list);
/** The bytes that one piece stands for, wherever it is in the text. */
ASSAY_NODISCARD assay_status assay_tok_piece_bytes(const tok_steps *steps, const char *piece,
                                                   tok_bytes *out);

/* GPT-2's printable alphabet of the 256 bytes (tokenizer_bytes.c). */
void assay_tok_put_alphabet(tok_bytes *out, const char *text, size_t size);
/** Appends the bytes behind a piece of that alphabet; the piece itself if it is none. */
void assay_tok_put_from_alphabet(tok_bytes *out, const char *piece, size_t size);
/** The byte of a piece "<0x0A>", or -1. */
int assay_tok_fallback_byte(const char *piece, size_t size);

/* --- tokenizer_model.c, tokenizer_merge.c: BPE --- */

typedef struct tok_entry {
    const char *text;
    size_t size;
    int32_t id;
} tok_entry;

typedef struct tok_merge {
    uint64_t pair; /* left id in the upper half, right id in the lower; NO_PAIR: free slot */
    uint32_t rank;
    int32_t id;
} tok_merge;

typedef struct tok_model {
    char *arena;        /* the pieces' text, each with a NUL      */
    tok_entry *entries; /* in order of ids                        */
    size_t count;
    uint32_t *slots; /* hash of the text: 1 + index in entries */
    size_t slot_mask;
    tok_merge *merges; /* hash of the pair                       */
    size_t merge_mask;
    char *unk, *prefix, *suffix;
    int32_t fallback[256]; /* id of "<0xNN>", -1 if there is none    */
    bool byte_fallback, fuse_unk, ignore_merges;
} tok_model;

ASSAY_NODISCARD assay_status assay_tok_model_parse(tok_where *where, const json_t *root,
                                                   tok_model *out);
void assay_tok_model_free(tok_model *model);
/** Id of a piece, -1 if the vocabulary lacks it. */
int32_t assay_tok_lookup(const tok_model *model, const char *text, size_t size);
const tok_entry *assay_tok_entry(const tok_model *model, int32_t id);
const tok_merge *assay_tok_merge_of(const tok_model *model, int32_t left, int32_t right);

typedef struct tok_ids {
    int32_t *data;
    size_t count, room;
    bool failed;
} tok_ids;

void assay_tok_push(tok_ids *ids, int32_t id);

/* Scratch of assay_tok_bpe, kept between words. */
typedef struct tok_symbol {
    int32_t id;
    size_t previous, next;
    bool gone;
} tok_symbol;

typedef struct tok_candidate {
    size_t at;
    uint32_t rank;
    int32_t id;
} tok_candidate;

typedef struct tok_word {
    tok_symbol *symbols;
    size_t count, room;
    tok_candidate *heap;
    size_t waiting, heap_room;
    tok_bytes text;
    bool failed;
} tok_word;

ASSAY_NODISCARD assay_status assay_tok_bpe(const tok_model *model, const char *text, size_t size,
                                           tok_word *word, tok_ids *out);
void assay_tok_word_free(tok_word *word);

/* --- tokenizer_added.c: added tokens --- */

typedef struct tok_added {
    int32_t id;
    char *content;
    tok_bytes pattern; /* what is searched for: the content, normalised if it says so */
    bool single_word, lstrip, rstrip, normalized, special;
} tok_added;

/* Tokens in order of their patterns. */
typedef struct tok_index {
    const tok_added **tokens;
    size_t count;
    bool starts[256]; /* bytes that some pattern starts with */
} tok_index;

typedef struct tok_added_set {
    tok_added *tokens; /* in order of ids */
    size_t count;
    tok_index raw, normalized;
    pcre2_code *word; /* one word character */
} tok_added_set;

ASSAY_NODISCARD assay_status assay_tok_added_parse(tok_where *where, const json_t *root,
                                                   const tok_model *model,
                                                   const tok_steps *normalizer, tok_added_set *out);
void assay_tok_added_free(tok_added_set *set);
const tok_added *assay_tok_added_of(const tok_added_set *set, int32_t id);
/** Cuts a text at the index's tokens and appends both to the list. */
ASSAY_NODISCARD assay_status assay_tok_extract(const tok_added_set *set, const tok_index *index,
                                               const char *text, size_t size, bool first,
                                               tok_matches *scratch, tok_list *out);

/* --- tokenizer_post.c: the tokens that a post-processor puts around a text --- */

typedef struct tok_around {
    tok_ids before, after;
} tok_around;

ASSAY_NODISCARD assay_status assay_tok_post_parse(tok_where *where, const json_t *root,
                                                  tok_around *out);
void assay_tok_around_free(tok_around *around);

/* --- tokenizer_char.c --- */

/** Replaces a root that is of type "char-BPE" by the tokenizer.json that it stands for. */
ASSAY_NODISCARD assay_status assay_tok_char_document(const tok_where *where, json_t **root);

struct assay_tokenizer {
    tok_steps normalizer, pre_tokenizer, decoder;
    bool has_decoder;
    tok_model model;
    tok_added_set added;
    tok_around around;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Text to token ids and back, from a Hugging Face tokenizer.json of model type BPE. */
#ifndef ASSAY_AUDIT_TOKENIZER_H
#define ASSAY_AUDIT_TOKENIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "../numerics/status.h"

/** A loaded tokenizer. Constant after parsing: threads may share it. */
typedef struct assay_tokenizer assay_tokenizer;

/**
 * Parses the bytes of a tokenizer.json. NAME stands in the messages.
 *
 * Covers    added tokens; normalizers Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Lowercase,
 *           Strip, StripAccents, ByteLevel; pre-tokenizers Sequence, ByteLevel, Split, Metaspace,
 *           Digits, Whitespace, WhitespaceSplit, Punctuation; BPE; post-processors Sequence,
 *           TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing; decoders Sequence,
 *           ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace.
 *           Also files of type "char-BPE" (audit/tokenizer_char.c).
 *           "truncation" and "padding" are not applied: text is never shortened or filled.
 * Errors    ASSAY_ERR_INPUT "NAME: field: what", also for a type which is none of the above;
 *           ASSAY_ERR_MEMORY. *out is then untouched.
 * Memory    the caller frees *out with assay_tokenizer_free.
 */
ASSAY_NODISCARD assay_status assay_tokenizer_parse(const char *name, const void *bytes, size_t size,
                                                   assay_tokenizer **out);
/** NULL is allowed. */
void assay_tokenizer_free(assay_tokenizer *tokenizer);

/**
 * Ids of a text: added tokens are found in it, the rest is normalised, split and merged, and the
 * post-processor adds its own tokens (beginning-of-sequence).
 *
 * Errors    ASSAY_ERR_INPUT for text that is not UTF-8 (with the byte's offset), an unknown
 *           character when unk_token is not in the vocabulary, or a pattern of the file that
 *           takes too many steps; ASSAY_ERR_MEMORY. Results are then untouched.
 * Memory    *ids is the caller's to free; never NULL, also when *count is 0.
 */
ASSAY_NODISCARD assay_status assay_tokenizer_encode(const assay_tokenizer *tokenizer,
                                                    const char *text, size_t size, int32_t **ids,
                                                    size_t *count);

/**
 * Text of ids. An id without a piece (models pad their vocabulary) adds nothing; skip_special
 * leaves special tokens out. The text is valid UTF-8: bytes that are not become U+FFFD.
 *
 * Errors    ASSAY_ERR_VALUE for a negative id, ASSAY_ERR_INPUT and ASSAY_ERR_MEMORY as above.
 * Memory    *text is the caller's to free; a NUL follows its *size bytes.
 */
ASSAY_NODISCARD assay_status assay_tokenizer_decode(const assay_tokenizer *tokenizer,
                                                    const int32_t *ids, size_t count,
                                                    bool skip_special, char **text, size_t *size);

/** The piece as the file spells it, NULL for an id that has none. Lives as long as tokenizer. */
const char *assay_tokenizer_piece(const assay_tokenizer *tokenizer, int32_t id);

/** One more than the largest id that has a piece. */
size_t assay_tokenizer_vocab_size(const assay_tokenizer *tokenizer);

enum { ASSAY_TOKEN_TEXT_BYTES = 96 };

/**
 * One token for a report, as the text it stands for: a space is U+2423, what cannot be printed
 * is escaped (\n, \xE2, \u{200B}), and text that does not fit ends in U+2026. One line, valid
 * UTF-8, never empty: an id without a piece is "[ID]".
 */
void assay_tokenizer_show(const assay_tokenizer *tokenizer, int32_t id,
                          char out[ASSAY_TOKEN_TEXT_BYTES]);

/**
 * Token AT among its neighbours, the same way: up to `around` tokens on either side, the token
 * itself between U+27E6 and U+27E7. *text is the caller's to free. ASSAY_ERR_MEMORY.
 */
ASSAY_NODISCARD assay_status assay_tokenizer_context(const assay_tokenizer *tokenizer,
                                                     const int32_t *ids, size_t count, size_t at,
                                                     size_t around, char **text);

#endif

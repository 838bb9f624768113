/* SPDX-License-Identifier: Apache-2.0 */
/* What a model is run on: documents of tokens. */
#ifndef ASSAY_AUDIT_CORPUS_H
#define ASSAY_AUDIT_CORPUS_H

#include "model.h"

typedef struct assay_document {
    int32_t *ids;
    size_t count;
} assay_document;

typedef struct assay_corpus {
    char *source; /* as the caller named it: for reports */
    assay_document *documents;
    size_t count, tokens;
} assay_corpus;

/**
 * Reads the documents of a run. Exactly one of the three is not NULL:
 * tokens  an integer .npy of one dimension: one document, taken as it is;
 * text    one document through the tokenizer;
 * corpus  a UTF-8 text file: paragraphs separated by blank lines are documents, each through
 *         the tokenizer; a file called *.jsonl: the "text" of each line's object. `demo` with
 *         the model demo: its held-out text.
 * Every id is checked against the vocabulary; a document of text that is longer than the model's
 * max_position_embeddings is cut into pieces of that length, one of tokens is an error.
 * Errors: one line with the file and the token or line. The caller closes *out.
 */
ASSAY_NODISCARD assay_status assay_corpus_open(const assay_model *model, const char *tokens,
                                               const char *text, const char *corpus,
                                               assay_corpus *out);
void assay_corpus_close(assay_corpus *corpus);

#endif

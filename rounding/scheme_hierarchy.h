/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks with fields of their own: two levels of scales, minima, quanta of bits, as bytes. */
#ifndef ASSAY_ROUNDING_SCHEME_HIERARCHY_H
#define ASSAY_ROUNDING_SCHEME_HIERARCHY_H

#include "scheme.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How an encoder chooses scales. */
typedef enum assay_search {
    ASSAY_SEARCH_OWN,    /* the rule that documents the type */
    ASSAY_SEARCH_MINMAX, /* from the extremes                */
    ASSAY_SEARCH_MSE     /* the least squared error over a stated list of candidates */
} assay_search;

enum { ASSAY_HIERARCHY_ELEMENTS = 256, ASSAY_HIERARCHY_BYTES = 512 };

/** What an encoder gets: finite numbers x[elements], and the random bits of x[i] as those of
 * element first + i of the tensor (or bits[i]) where the mode is stochastic. */
typedef struct assay_block {
    const assay_scheme *scheme;
    const double *x;
    const assay_random *random;
    uint64_t first;
} assay_block;

/**
 * A block of `elements` numbers in `bytes` bytes. A shorter last block is padded with
 * zeros, and one with a NaN or an infinity is the bytes of `encode_nan`. The scheme's element
 * rounder rounds where `follows_mode`; decode gives values that binary64 holds.
 */
struct assay_hierarchy {
    const char *name;    /* of the builder `packed:type=NAME` */
    const char *element; /* SPEC of the format of the innermost codes */
    size_t elements, bytes;
    const char *fields; /* in the order of the bytes */
    const char *rule;   /* how ASSAY_SEARCH_OWN encodes */
    bool follows_mode;
    bool own, searches; /* there is an own rule; minmax and mse */
    void (*encode)(const assay_block *block, unsigned char *bytes);
    void (*encode_nan)(unsigned char *bytes);
    void (*decode)(const unsigned char *bytes, double *y);
};

ASSAY_API size_t assay_hierarchy_count(void);
ASSAY_API const assay_hierarchy *assay_hierarchy_row(size_t i);
/** NULL if there is none of that name. */
ASSAY_API const assay_hierarchy *assay_hierarchy_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif

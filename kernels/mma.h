/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix units (tensor cores, matrix cores, dot-product instructions) bit for bit. */
#ifndef ASSAY_KERNELS_MMA_H
#define ASSAY_KERNELS_MMA_H

#include <stdbool.h>
#include <stdint.h>

#include "../numerics/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** ASSAY_MMA_FORMATS(X) expands X(enumerator, name, bits of a code, bytes of its container). */
#define ASSAY_MMA_FORMATS(X)      \
    X(NONE, "", 0, 0)             \
    X(F64, "f64", 64, 8)          \
    X(F32, "f32", 32, 4)          \
    X(TF32, "tf32", 32, 4)        \
    X(F16, "f16", 16, 2)          \
    X(BF16, "bf16", 16, 2)        \
    X(E4M3, "e4m3", 8, 1)         \
    X(E5M2, "e5m2", 8, 1)         \
    X(E4M3FNUZ, "e4m3fnuz", 8, 1) \
    X(E5M2FNUZ, "e5m2fnuz", 8, 1) \
    X(E2M3, "e2m3", 6, 1)         \
    X(E3M2, "e3m2", 6, 1)         \
    X(E2M1, "e2m1", 4, 1)         \
    X(UE8M0, "ue8m0", 8, 1)       \
    X(UE4M3, "ue4m3", 8, 1)       \
    X(S32, "s32", 32, 4)          \
    X(S16, "s16", 16, 2)          \
    X(S8, "s8", 8, 1)             \
    X(U8, "u8", 8, 1)             \
    X(S4, "s4", 4, 1)             \
    X(U4, "u4", 4, 1)

typedef enum assay_mma_format {
#define ASSAY_MMA_FORMAT(id, name, bits, bytes) ASSAY_MMA_##id,
    ASSAY_MMA_FORMATS(ASSAY_MMA_FORMAT)
#undef ASSAY_MMA_FORMAT
        ASSAY_MMA_FORMAT_COUNT
} assay_mma_format;

/** Which step a unit repeats along k; docs/mma.md defines each. X(enumerator, name, text). */
#define ASSAY_MMA_KINDS(X)                                                                  \
    X(T, "t", "products and C truncated to F bits below the largest exponent, then summed") \
    X(ST, "st", "t with one power-of-two scale per block of each operand")                  \
    X(GST, "gst", "exact sums of G products, scaled, then as t")                            \
    X(TR, "tr", "products as t, C joins in a second stage that rounds down")                \
    X(GTR, "gtr", "even and odd k summed apart, joined, then as tr")                        \
    X(E, "e", "L products and C summed exactly, one rounding")                              \
    X(FTZ, "ftz", "rounded products, pairwise sums of G, subnormals flushed")               \
    X(FMA, "fma", "a chain of fused multiply-adds")                                         \
    X(INT, "int", "integers, wrapping or saturating")

typedef enum assay_mma_kind {
#define ASSAY_MMA_KIND(id, name, text) ASSAY_MMA_KIND_##id,
    ASSAY_MMA_KINDS(ASSAY_MMA_KIND)
#undef ASSAY_MMA_KIND
        ASSAY_MMA_KIND_COUNT
} assay_mma_kind;

/** The conversion that ends a step. X(enumerator, name). */
#define ASSAY_MMA_RHOS(X)   \
    X(RZ_F32, "rz_f32")     \
    X(RZ_E8M13, "rz_e8m13") \
    X(RNE_F32, "rne_f32")   \
    X(RNE_F16, "rne_f16") X(RZ_F16, "rz_f16") X(RNE_F64, "rne_f64") X(INT32, "int32")

typedef enum assay_mma_rho {
#define ASSAY_MMA_RHO(id, name) ASSAY_MMA_##id,
    ASSAY_MMA_RHOS(ASSAY_MMA_RHO)
#undef ASSAY_MMA_RHO
        ASSAY_MMA_RHO_COUNT
} assay_mma_rho;

/** How a row came to be known. X(enumerator, name, text). */
#define ASSAY_MMA_CERTAINTIES(X)                                                                 \
    X(CAPTURED, "captured", "outputs captured on the device are replayed without a difference")  \
    X(TESTED, "tested", "the authors of the source compared a million outputs on the device")    \
    X(NATIVE, "native", "compared with the instruction where the processor has it")              \
    X(INFERRED, "inferred", "follows from captured outputs of relatives, not from its own")      \
    X(DOCUMENTED, "documented", "as the vendor describes it; nobody has published a comparison") \
    X(LOW, "low", "a detail is open: subnormals of FP6 and FP4, or where integers saturate")

typedef enum assay_mma_certainty {
#define ASSAY_MMA_CERTAINTY(id, name, text) ASSAY_MMA_##id,
    ASSAY_MMA_CERTAINTIES(ASSAY_MMA_CERTAINTY)
#undef ASSAY_MMA_CERTAINTY
        ASSAY_MMA_CERTAINTY_COUNT
} assay_mma_certainty;

/** How tf32 operands become 10 fraction bits: what the unit does, or a cvt before it. */
typedef enum assay_mma_pre {
    ASSAY_MMA_PRE_TRUNCATE,
    ASSAY_MMA_PRE_RNA,
    ASSAY_MMA_PRE_RNE
} assay_mma_pre;

/** The order of a chain of fused multiply-adds. */
typedef enum assay_mma_chain {
    ASSAY_MMA_ASCENDING, /* from C, k = 0, 1, 2...                                         */
    ASSAY_MMA_ODD_FIRST, /* from C, k = 1, 0, 3, 2...                                      */
    ASSAY_MMA_EVEN_ODD   /* even and odd k from +0 apart; C + (even + odd)                 */
} assay_mma_chain;

/**
 * Everything that the bits of a unit's output depend on; a row of mma.def, or one with parameters
 * set. A plain value: copy it, change members, check it with assay_mma_unit_check.
 */
typedef struct assay_mma_unit {
    const char *name; /* of the row: arch.instr in lower case                        */
    assay_mma_kind kind;
    int m, n, K;                 /* the instruction's shape; only K matters to the bits         */
    assay_mma_format fa, fb, fc; /* operands; C and D                                      */
    int L;                       /* products of one step; INT: between saturations              */
    int F;                       /* fraction bits kept below the largest exponent               */
    assay_mma_rho rho;
    int e_zero; /* the exponent that a zero product or a zero C presents       */
    assay_mma_certainty certainty;
    const char *source;
    int F2;                /* TR, GTR: fraction bits of the second stage                  */
    int G;                 /* GST: products of an exact group; FTZ: of a pairwise sum     */
    assay_mma_format fs;   /* ST, GST: the scales' format                                 */
    int block;             /* and how many k share one                                    */
    assay_mma_chain chain; /* FMA                                                         */
    assay_mma_pre pre;     /* tf32                                                        */
    bool emulated;         /* T: the lowering of FP8 to two steps of 16 bits and an addition */
    bool flush;            /* FMA: subnormals, in and out, become zeros of their sign     */
    bool saturate;         /* INT                                                         */
} assay_mma_unit;

/** Number of rows, and row i < count. */
ASSAY_API size_t assay_mma_count(void);
ASSAY_API const assay_mma_unit *assay_mma_row(size_t i);
/** Writes the alias of a row, arch.family.out.a.b, into text, cut off where room ends. */
ASSAY_API void assay_mma_alias(const assay_mma_unit *unit, char *text, size_t room);

/**
 * Reads `name` or `name:F=14,rho=rne_f32`. A name is a row's, or an alias, which among rows that
 * share it means the one of the greatest K. Parameters: K L F F2 G e_zero (integers), rho,
 * pre=trunc|rna|rne. ASSAY_ERR_USAGE names what is wrong; *out is then untouched.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_mma_parse(const char *text, assay_mma_unit *out);
/** Whether parameters fit each other: ASSAY_ERR_USAGE says which do not. */
ASSAY_API ASSAY_NODISCARD assay_status assay_mma_unit_check(const assay_mma_unit *unit);

/** Names of the enumerations above, bits of a code and bytes of its container. */
ASSAY_API const char *assay_mma_format_name(assay_mma_format format);
ASSAY_API ASSAY_NODISCARD assay_status assay_mma_format_parse(const char *name,
                                                              assay_mma_format *out);
ASSAY_API size_t assay_mma_format_bits(assay_mma_format format);
ASSAY_API size_t assay_mma_format_bytes(assay_mma_format format);
ASSAY_API const char *assay_mma_kind_name(assay_mma_kind kind);
ASSAY_API const char *assay_mma_rho_name(assay_mma_rho rho);
ASSAY_API const char *assay_mma_certainty_name(assay_mma_certainty certainty);
ASSAY_API const char *assay_mma_certainty_text(assay_mma_certainty certainty);

/** How partial sums of split k become one; `rounded` is the plan's format. */
typedef enum assay_mma_merge {
    ASSAY_MMA_MERGE_SERIAL, /* slices from +0; C, then each slice added, the sum into rounded */
    ASSAY_MMA_MERGE_F32,    /* the same in binary32                                           */
    ASSAY_MMA_MERGE_ROUNDED /* the same, each slice first into rounded                        */
} assay_mma_merge;

/** How sums of codes between the ends of blocks meet their scales a and b, on a unit that takes no
 *  scales itself; RND to binary32. */
typedef enum assay_mma_scaled {
    ASSAY_MMA_SCALED_EXACT, /* total = RND(sum (a b) + total)                                  */
    ASSAY_MMA_SCALED_FMA,   /* total = RND(sum RND(a b) + total), a fused multiply-add          */
    ASSAY_MMA_SCALED_APART  /* total = RND(RND(sum RND(a b)) + total), compiled without fusion */
} assay_mma_scaled;

/**
 * What a kernel does around the unit. All zero: one ascending chain through C. Plans with
 * `promote`, or `split` and another merge than serial, need C in binary32; so does `scaled`.
 */
typedef struct assay_mma_plan {
    size_t promote; /* each N terms start at +0 and are added to a total in binary32; a multiple
                       of K, 0 for none */
    size_t split;   /* slices of k, 0 or 1 for none: ceil(ceil(k / granule) / split) granules */
    size_t granule; /* 0: K */
    assay_mma_merge merge;
    assay_mma_format rounded; /* F16 or BF16; SERIAL: or NONE, binary32 */
    size_t residue; /* block of k whose remainder, of each slice, comes first; 0 for none */
    size_t descend; /* blocks of N terms of each slice from the last to the first, k ascending in
                       each; a multiple of K, 0 for none. With promotion its N */
    assay_mma_scaled scaled;
    bool fill; /* zeros fill the last instruction where k is no multiple of K */
} assay_mma_plan;

/** Plans that have a name: what kernels of that name do around the unit. */
typedef struct assay_mma_plan_row {
    const char *name;
    assay_mma_plan plan;
    bool splits; /* split=N has to be given with it */
    const char *text;
} assay_mma_plan_row;
ASSAY_API size_t assay_mma_plan_count(void);
ASSAY_API const assay_mma_plan_row *assay_mma_plan_row_at(size_t i);

/**
 * Reads a unit as assay_mma_parse does, with parameters of a plan among its own: plan=NAME, which
 * comes first, promote=N, split=N, granule=N, merge=serial|f32|rounded, rounded=f16|bf16,
 * residue=N, descend=N, scaled=exact|fma|apart: `hopper.wgmma.f32.e4m3.e4m3:promote=128`.
 * ASSAY_ERR_USAGE names what is wrong.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_mma_parse_planned(const char *text,
                                                               assay_mma_unit *unit,
                                                               assay_mma_plan *plan);
/** Whether a plan suits a unit: ASSAY_ERR_USAGE says why not. */
ASSAY_API ASSAY_NODISCARD assay_status assay_mma_plan_check(const assay_mma_unit *unit,
                                                            const assay_mma_plan *plan);

/**
 * Operands as raw codes, one per container, rows contiguous: a [m, k], b [n, k], c [m, n] or NULL
 * for +0; sa [m, k / block], sb [n, k / block] where the unit has scales, k rounded up to a
 * multiple of K. Strides in elements.
 * Bits beyond a format's width are ignored.
 */
typedef struct assay_mma_operands {
    const void *a, *b, *c;
    size_t lda, ldb, ldc;
    const uint8_t *sa, *sb;
    size_t ldsa, ldsb;
} assay_mma_operands;

/** Bytes of scratch for these sizes, which the threads share. */
ASSAY_API size_t assay_mma_workspace(const assay_mma_unit *unit, size_t m, size_t n, size_t k);

/** ASSAY_ERR_USAGE if the plan does not suit the unit, ASSAY_ERR_SHAPE if k does not. */
ASSAY_API ASSAY_NODISCARD assay_status assay_mma_check(const assay_mma_unit *unit,
                                                       const assay_mma_plan *plan, size_t k);

/**
 * out[i,j] = what the unit leaves of c[i,j] + sum over p of a[i,p] b[j,p], chained through C.
 *
 * Shapes    any m and n; k as assay_mma_check demands: a multiple of K unless the plan fills, or
 *           has a residue, whose groups are filled up with zeros, as kernels do.
 * Rounding  the same bits for any m, n, thread count, ISA and compiler.
 * Specials  NVIDIA units: the canonical NaN 0x7fffffff or 0x7fff; others the quiet NaN of IEEE.
 * Aliasing  out may be c; it overlaps nothing else.
 * Threads   splits columns over OpenMP threads; reentrant.
 * Memory    allocates nothing; workspace 64-byte aligned.
 * Errors    those of assay_mma_check; out is then untouched.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_mma_product(const assay_mma_unit *unit,
                                                         const assay_mma_plan *plan, size_t m,
                                                         size_t n, size_t k,
                                                         const assay_mma_operands *x, void *out,
                                                         size_t ldo, void *workspace);

/**
 * The definition: one instruction's worth of one element, K terms of a and b onto the code c, in
 * integers. The table's step functions; assay_mma_product is held against it.
 */
ASSAY_API uint64_t assay_mma_define(const assay_mma_unit *unit, const void *a, const void *b,
                                    const uint8_t *sa, const uint8_t *sb, uint64_t c);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The operands of `assay gemm`: files as quantized vectors along k. */
#ifndef ASSAY_CLI_GEMM_OPERAND_H
#define ASSAY_CLI_GEMM_OPERAND_H

#include "../../kernels/product.h"
#include "../../rounding/scheme.h"
#include "input.h"

/** Vectors [vectors, k]: rows of A, columns of B. x has values; where the scheme's scales are
 *  applied by the product, codes as values, and `scales` says which. */
typedef struct cli_gemm_operand {
    cli_input input;
    size_t vectors, k;
    double *x, *scale;
    assay_scales scales; /* value NULL: none */
} cli_gemm_operand;

/** How operands are quantized. */
typedef struct cli_gemm_quantizer {
    assay_scheme scheme;
    bool dequantize;              /* values even of a scheme with scales */
    bool tensor_apart;            /* the tensor's scale not in the others */
    const assay_rounder *operand; /* `@operand:F`, or NULL               */
} cli_gemm_quantizer;

/**
 * Opens an array of rank 2; `transposed`: its columns are the vectors. ASSAY_ERR_SHAPE for another
 * rank, ASSAY_ERR_VALUE with the index of an element that binary64 does not hold. Nothing is open
 * after a failure.
 */
ASSAY_NODISCARD assay_status cli_gemm_open(const char *name, bool transposed,
                                           cli_gemm_operand *out);
/** Quantizes it. ASSAY_ERR_USAGE for a format that binary64 does not hold, ASSAY_ERR_MEMORY. */
ASSAY_NODISCARD assay_status cli_gemm_quantize(const cli_gemm_quantizer *how, cli_gemm_operand *x);
/** ASSAY_ERR_VALUE with the first element of x that is no integer of 32 bits. */
ASSAY_NODISCARD assay_status cli_gemm_check_integers(const cli_gemm_operand *x);
void cli_gemm_close(cli_gemm_operand *x);

/** Elements of a matrix as binary64, exactly; ASSAY_ERR_VALUE names the first that is none. */
ASSAY_NODISCARD assay_status cli_gemm_read(const cli_input *input, double *x);

#endif

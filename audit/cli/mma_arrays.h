/* SPDX-License-Identifier: Apache-2.0 */
/* The arrays of `assay mma`: raw codes in containers of a unit's formats. */
#ifndef ASSAY_CLI_MMA_ARRAYS_H
#define ASSAY_CLI_MMA_ARRAYS_H

#include "../../kernels/mma.h"
#include "../array.h"

typedef enum cli_mma_role {
    CLI_MMA_A,
    CLI_MMA_B,
    CLI_MMA_C,
    CLI_MMA_D,
    CLI_MMA_SA,
    CLI_MMA_SB,
    CLI_MMA_ROLES
} cli_mma_role;

/** Names of files, NULL where there is none, and what they hold. A [.., m, k], B [.., n, k],
 *  C and D [.., m, n], SA [.., m, scales], SB [.., n, scales]. */
typedef struct cli_mma_arrays {
    const char *names[CLI_MMA_ROLES];
    assay_array arrays[CLI_MMA_ROLES];
    bool open[CLI_MMA_ROLES];
    size_t batches, m, n, k, scales; /* scales: of a row, 0 without */
} cli_mma_arrays;

/**
 * Opens the files named and checks containers, codes and shapes: fa, fb, fc are A's, B's and C's
 * formats. Errors name the file: ASSAY_ERR_IO, _INPUT, _SHAPE, _VALUE; nothing stays open.
 */
ASSAY_NODISCARD assay_status cli_mma_open(cli_mma_arrays *x, assay_mma_format fa,
                                          assay_mma_format fb, assay_mma_format fc);
void cli_mma_close(cli_mma_arrays *x);

/** Whether the unit has as many scales, and a k that its K divides. */
ASSAY_NODISCARD assay_status cli_mma_suits(const cli_mma_arrays *x, const assay_mma_unit *unit);

/** Operands of batch i; D's codes of it are at cli_mma_codes(x, CLI_MMA_D, i). */
assay_mma_operands cli_mma_operands(const cli_mma_arrays *x, size_t i);
const unsigned char *cli_mma_codes(const cli_mma_arrays *x, cli_mma_role role, size_t i);

#endif

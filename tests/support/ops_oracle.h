/* SPDX-License-Identifier: Apache-2.0 */
/* Ground truth for the operations: each over the reals, in MPFR, on the unquantized operands. */
#ifndef ASSAY_TESTS_SUPPORT_OPS_ORACLE_H
#define ASSAY_TESTS_SUPPORT_OPS_ORACLE_H

#include <mpfr.h>

#include "kernels/op.h"

/** Bits that the oracle carries: what it gives errs by less than 2^-200 of the scale. */
enum { OPS_ORACLE_BITS = 300 };

/**
 * Element (i, j) of the operation's result, and the scale of its conditioning: relative errors u
 * of the operands' last places and of every step change the value by a small multiple of
 * u scale. Hidden elements of scores and probabilities are not to be asked for.
 */
void ops_oracle(assay_op_id op, const assay_call *c, size_t i, size_t j, mpfr_ptr value,
                mpfr_ptr scale);

/** Elements of row i that count: those of keys that it may see, or all. */
size_t ops_oracle_columns(assay_op_id op, const assay_call *c, size_t i);

/** A parameter's element, decoded by this file's own means. */
double ops_oracle_parameter(const assay_parameter *p, size_t i);

#endif

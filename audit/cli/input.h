/* SPDX-License-Identifier: Apache-2.0 */
/* Input arrays as numbers, whether they are stored as floats, integers or codes. */
#ifndef ASSAY_CLI_INPUT_H
#define ASSAY_CLI_INPUT_H

#include "../../rounding/round.h"
#include "../array.h"

/**
 * An array whose elements are values of `format`: binary16 to binary64 and bfloat16 as they
 * are stored, or codes of any format in integers. Without a format they are integers.
 */
typedef struct cli_input {
    const char *name; /* for messages */
    assay_array array;
    bool has_format, is_codes;
    assay_format format;
} cli_input;

/**
 * Opens an .npy file or a tensor of a safetensors file. IN, if not NULL, says that the
 * integers in it are codes of that format. Codes are checked here, so that reading cannot fail.
 * Errors name the file, and the index of a code beyond the width.
 */
ASSAY_NODISCARD assay_status cli_input_open(const char *name, const assay_format *in,
                                            cli_input *out);
void cli_input_close(cli_input *input);

/** Elements first .. first + n - 1; 64-bit integers rounded to nearest. */
void cli_input_read(const cli_input *input, size_t first, size_t n, double *x);

/** Gives back the memory of elements that were read; they can be read again. */
void cli_input_forget(const cli_input *input, size_t first, size_t n);

/** The stored type of results in an input's type: codes, if the input's elements are codes. */
assay_dtype cli_input_out_dtype(const cli_input *input);
/** The bits that stand for a value in that type; false if it does not hold the value. */
bool cli_input_encode(const cli_input *input, double value, uint64_t *bits);

/** The bits of element i as they are stored, sign-extended for signed integers. */
uint64_t cli_input_bits(const cli_input *input, size_t i);

/** Whether binary64 may not hold the elements: wide integers, or codes of a wide format. */
bool cli_input_is_wide(const cli_input *input);
/** Element i, exactly. */
assay_exact cli_input_exact(const cli_input *input, size_t i);

#endif

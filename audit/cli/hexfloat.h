/* SPDX-License-Identifier: Apache-2.0 */
/* Doubles as text that is the same for every C library, which printf's %a is not. */
#ifndef ASSAY_CLI_HEXFLOAT_H
#define ASSAY_CLI_HEXFLOAT_H

#include "../../numerics/number.h"

enum { CLI_HEXFLOAT_BYTES = 32 };

/**
 * Writes x, rounded to 53 bits and with any exponent, as a C hexadecimal float with one leading 1
 * (subnormals too) and no trailing zeros, as `-0x1.8p+3`; zeros as `0x0p+0` and `-0x0p+0`; `inf`,
 * `-inf`, `nan`. Returns text.
 */
const char *cli_hexfloat_exact(assay_exact x, char text[CLI_HEXFLOAT_BYTES]);
const char *cli_hexfloat(double x, char text[CLI_HEXFLOAT_BYTES]);

#endif

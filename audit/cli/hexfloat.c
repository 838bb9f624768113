/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/hexfloat.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "numerics/bits.h"

const char *cli_hexfloat(double x, char text[CLI_HEXFLOAT_BYTES])
{
    const char *sign = assay_bits64(x) >> 63 ? "-" : "";
    if (x != x)
        return strcpy(text, "nan");
    if (isinf(x) || x == 0) {
        snprintf(text, CLI_HEXFLOAT_BYTES, "%s%s", sign, x == 0 ? "0x0p+0" : "inf");
        return text;
    }
    /* The significand with its top bit at 63; the bits below it are the fraction. */
    uint64_t u = assay_bits64(x) & 0x7fffffffffffffff;
    uint64_t sig = u >> 52 ? u << 11 : u << __builtin_clzll(u);
    uint64_t fraction = sig << 1;
    int digits = fraction ? (67 - __builtin_ctzll(fraction)) / 4 : 0;
    unsigned long long shown = digits ? fraction >> (64 - 4 * digits) : 0;
    /* C17 7.21.6.1: a zero with precision 0 prints no characters, so 1 is "0x1p+0". */
    snprintf(text, CLI_HEXFLOAT_BYTES, "%s0x1%s%.*llxp%+d", sign, digits ? "." : "", digits, shown,
             assay_exponent(x));
    return text;
}

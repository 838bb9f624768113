/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/hexfloat.h"

#include <stdio.h>
#include <string.h>

const char *cli_hexfloat_exact(assay_exact x, char text[CLI_HEXFLOAT_BYTES])
{
    const char *sign = x.negative ? "-" : "";
    if (x.kind == ASSAY_NOT_A_NUMBER)
        return strcpy(text, "nan");
    if (x.kind != ASSAY_FINITE) {
        snprintf(text, CLI_HEXFLOAT_BYTES, "%s%s", sign, x.kind == ASSAY_ZERO ? "0x0p+0" : "inf");
        return text;
    }
    /* 53 bits, ties to even; only irrational values have more. */
    uint64_t kept = x.sig >> 11, tail = x.sig << 53;
    const uint64_t half = (uint64_t)1 << 63;
    kept += tail > half || (tail == half && (x.sticky || (kept & 1)));
    int carry = kept >> 53 != 0;
    uint64_t fraction = carry ? 0 : kept << 12; /* the bits behind the leading one */
    int digits = fraction ? (67 - __builtin_ctzll(fraction)) / 4 : 0;
    unsigned long long shown = digits ? fraction >> (64 - 4 * digits) : 0;
    /* C17 7.21.6.1: a zero with precision 0 prints no characters, so 1 is "0x1p+0". */
    snprintf(text, CLI_HEXFLOAT_BYTES, "%s0x1%s%.*llxp%+d", sign, digits ? "." : "", digits, shown,
             x.exp + 63 + carry);
    return text;
}

const char *cli_hexfloat(double x, char text[CLI_HEXFLOAT_BYTES])
{
    return cli_hexfloat_exact(assay_exact_from(x), text);
}

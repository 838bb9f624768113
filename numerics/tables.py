#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes numerics/elementary_tables.c, every constant of the elementary functions.

    python3 numerics/tables.py > numerics/elementary_tables.c     needs mpmath

docs/numerics.md, sections 3 to 13, says what each table is for. A double-word constant is
hi = RN(c), lo = RN(c - hi); test_elementary_tables recomputes every word with MPFR.
"""
from mpmath import atan, erfc, exp, factorial, floor, frexp, log, mp, mpf, nint, pi, sqrt

mp.prec = 2600  # the recurrence of scaled_erfc loses about 10 bits a step; 2/pi needs 1280


def words(c, n=2):
    """c as n doubles, each the rest rounded to nearest."""
    out = []
    for _ in range(n):
        out.append(float(c))
        c -= mpf(out[-1])
    return out


def short(c, bits, n=3):
    """c as n doubles, all but the last truncated to that many bits, so that products with
    integers of 53 - bits bits are exact."""
    out = []
    for _ in range(n - 1):
        unit = mpf(2) ** (frexp(c)[1] - bits)
        out.append(float(floor(c / unit) * unit))
        c -= mpf(out[-1])
    return out + [float(c)]


def log_row(i):
    """1/m to 2^-10 for m in [1 + i/128, 1 + (i+1)/128), halved from i = 53 on, and -log of it;
    exactly 1 and 0 on both sides of m = 1."""
    c = (1 + (i + mpf(0.5)) / 128) / (2 if i >= 53 else 1)
    inverse = mpf(1) if i in (0, 127) else nint(1024 / c) / 1024
    return [float(inverse)] + words(-log(inverse))


def scaled_erfc_row(i):
    """Taylor coefficients of f(x) = e^(x^2) erfc(x) about the centre of interval i:
    f' = 2 x f - 2/sqrt(pi), hence f^(n+1) = 2 x f^(n) + 2 n f^(n-1) for n >= 1."""
    c = mpf(2) ** (i // 16) * (1 + (i % 16 + mpf(0.5)) / 16) - 1
    f = [exp(c * c) * erfc(c)]
    f.append(2 * c * f[0] - 2 / sqrt(pi))
    for n in range(1, 21):
        f.append(2 * c * f[n] + 2 * n * f[n - 1])
    return [w for n in range(22) for w in words(f[n] / factorial(n))]


def flat(rows):
    return [w for row in rows for w in row]


TABLES = [
    ("exp_table", flat(words(mpf(2) ** (mpf(j) / 128)) for j in range(128))),
    ("ln2_128", short(log(2) / 128, 34)),
    ("ln2", short(log(2), 42)),
    ("log_table", flat(log_row(i) for i in range(128))),
    ("exp_series", flat(words(1 / factorial(n + 1)) for n in range(19))),
    ("atanh_series", flat(words(mpf(1) / (2 * n + 1)) for n in range(7))),
    ("sin_series", flat(words((-1) ** n / factorial(2 * n + 1)) for n in range(15))),
    ("cos_series", flat(words((-1) ** n / factorial(2 * n)) for n in range(16))),
    ("erf_series", flat(words((-1) ** n * 2 / sqrt(pi) / factorial(n) / (2 * n + 1))
                        for n in range(22))),
    ("scaled_erfc", flat(scaled_erfc_row(i) for i in range(80))),
    ("atan_table", flat(words(atan(mpf(i) / 64), 1) for i in range(65))),
    ("half_pi", words(pi / 2)),
    ("rsqrt2", words(1 / sqrt(mpf(2)))),
    ("rlog10", words(1 / log(mpf(10)))),
    ("gelu_linear", words(2 * sqrt(2 / pi))),
    ("gelu_cubic", words(2 * sqrt(2 / pi) * 44715 / 10**6)),
]


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by numerics/tables.py; not for editing. */")
    print('#include "numerics/elementary_tables.h"\n\n#include "numerics/elementary.h"')
    print("\n/* clang-format off */")
    for name, values in TABLES:
        print(f"const double assay_{name}[{len(values)}] = {{")
        text = [v.hex().replace(".0000000000000p", "p") for v in values]
        for i in range(0, len(text), 3):
            print("    " + ", ".join(text[i:i + 3]) + ",")
        print("};")
    print("const uint64_t assay_two_over_pi[21] = {\n    0,")
    bits = int(floor(2 / pi * mpf(2) ** 1280))
    for i in range(0, 20, 4):
        row = [f"0x{bits >> (1280 - 64 * (j + 1)) & (2 ** 64 - 1):016x}" for j in range(i, i + 4)]
        print("    " + ", ".join(row) + ",")
    print("};\n/* clang-format on */")


main()

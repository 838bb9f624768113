# SPDX-License-Identifier: Apache-2.0
"""ml_dtypes: every code of its small floats decoded; all binary16, random and breakpoint binary32
and breakpoint binary64 encoded (to nearest, non-saturating)."""
import math
import sys

import ml_dtypes
import numpy as np

from common import Grid, Table, cast, close_points, decode, hexadecimal

TYPES = {'float8_e3m4': 'e3m4', 'float8_e4m3': 'e4m3ieee', 'float8_e4m3b11fnuz': 'e4m3b11fnuz',
         'float8_e4m3fn': 'e4m3', 'float8_e4m3fnuz': 'e4m3fnuz', 'float8_e5m2': 'e5m2',
         'float8_e5m2fnuz': 'e5m2fnuz', 'float8_e8m0fnu': 'e8m0', 'float6_e2m3fn': 'e2m3',
         'float6_e3m2fn': 'e3m2', 'float4_e2m1fn': 'e2m1'}
BITS = {'float6_e2m3fn': 6, 'float6_e3m2fn': 6, 'float4_e2m1fn': 4}


def kind_of(x, ours, theirs, values, source):
    """The class of a difference between two codes."""
    if math.isnan(x):
        return 'NaN where the format has none' if not np.isnan(values).any() else 'NaN: sign and payload'
    if math.isnan(values[ours]) and math.isnan(values[theirs]):
        return 'NaN for an invalid or too large input: sign and payload'
    if math.isinf(x):
        return 'infinity'
    if values[ours] == values[theirs] == 0:
        return 'sign of zero'
    if x <= 0 and values.min() > 0:
        return 'e8m0: zero and negatives'
    if values.min() > 0 and abs(x) < 2**-126 and x != 1.5 * 2**-127:
        return 'e8m0: between 2^-127 and 2^-126, not a tie'
    if values.min() > 0 and math.frexp(x)[0] == 0.75:
        return 'e8m0: ties'
    if source == np.float64 and np.float64(np.float32(x)) != x:
        return 'binary64 through binary32'
    return f'finite, from {np.dtype(source).name}'


def judge(table, name, x, ours, theirs, values, grid):
    for k in np.flatnonzero(ours != theirs):
        v, a, b = float(x[k]), int(ours[k]), int(theirs[k])
        kind = kind_of(v, a, b, values, x.dtype.type)
        if not math.isfinite(v) or v <= 0 and values.min() > 0 or 'NaN' in kind:
            table.add(f'ml_dtypes {name}', kind, hexadecimal(v), hex(a), hex(b), '-', 'policy')
            continue
        want = grid.nearest(v)
        fits = [want == 'overflow' and not math.isfinite(values[c]) or
                want != 'overflow' and math.isfinite(values[c]) and abs(values[c]) == want
                for c in (a, b)]
        right = {(True, False): 'ours', (False, True): 'theirs'}.get(tuple(fits), 'policy')
        table.add(f'ml_dtypes {name}', kind, hexadecimal(v), hexadecimal(values[a]),
                  hexadecimal(values[b]), hexadecimal(want), right)


def main():
    table, total = Table(), 0
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    words = np.random.default_rng(1).integers(0, 1 << 32, 10**6, dtype=np.uint32).view(np.float32)
    for name, spec in TYPES.items():
        dtype = getattr(ml_dtypes, name)
        codes = np.arange(1 << BITS.get(name, 8), dtype=np.uint8)
        values = decode(codes, spec)
        theirs = codes.view(dtype).astype(np.float64)
        same = (values.view(np.uint64) == theirs.view(np.uint64)) | np.isnan(values) & np.isnan(theirs)
        for c in np.flatnonzero(~same):
            table.add(f'ml_dtypes {name}', 'decoding', hex(c), values[c], theirs[c], '-', '?')
        grid, near = Grid(values), close_points(values)
        wide = np.random.default_rng(2).standard_normal(10**6) * values[np.isfinite(values)].max() / 3
        with np.errstate(over='ignore', invalid='ignore'):
            inputs = [halves, words, near.astype(np.float32), wide.astype(np.float32), near]
            for x in inputs:
                judge(table, name, x, cast(x, spec), x.astype(dtype).view(np.uint8), values, grid)
                total += x.size
    print(f'ml_dtypes {ml_dtypes.__version__}: {len(TYPES)} types, {total} conversions')
    return table.show()


if __name__ == '__main__':
    sys.exit(main())

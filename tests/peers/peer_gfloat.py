# SPDX-License-Identifier: Apache-2.0
"""gfloat: decoding of P3109 formats of 3 to 10 bits; rounding in its modes, with and without
saturation, with given random bits; OCP's formats. Differences are judged by report.py."""
import math
import sys
from importlib.metadata import version

import numpy as np
from gfloat import Domain, RoundMode, decode_float, round_ndarray
from gfloat import formats as g
from gfloat.types import Signedness

import report
from common import Table, cast, close_points, decode, exact, hexadecimal

MODES = {'TiesToEven': 'rne', 'TiesToAway': 'rna', 'TowardZero': 'rtz', 'TowardPositive': 'rup',
         'TowardNegative': 'rdn', 'StochasticFastest': 'sra', 'StochasticFast': 'srb',
         'Stochastic': 'src', 'ToOdd': 'rodd'}
OCP = {'format_info_ocp_e5m2': 'e5m2', 'format_info_ocp_e4m3': 'e4m3', 'format_info_ocp_e3m2': 'e3m2',
       'format_info_ocp_e2m3': 'e2m3', 'format_info_ocp_e2m1': 'e2m1', 'format_info_ocp_e8m0': 'e8m0',
       'format_info_bfloat16': 'bfloat16', 'format_info_binary16': 'binary16'}
N = 4


def same(a, b):
    return (a == b) & (np.signbit(a) == np.signbit(b)) | np.isnan(a) & np.isnan(b)


def kind_of(f, mode, sat, x):
    if not f.signed and x < 0:
        return 'negative into an unsigned format'
    over = 'overflow in a finite domain' if not f.extended else 'overflow'
    return over if abs(x) > f.high else f'{mode} in range'


def ocp_kind(spec, x, b, finite):
    if math.isnan(x):
        return 'NaN where the format has none'
    if spec == 'e8m0' and x < 2**-126:
        return 'e8m0: zero and negatives' if x <= 0 else 'e8m0: below 2^-126'
    if b is None or not finite(x):
        return 'overflow and infinity where the format has neither infinity nor NaN'
    return 'finite'


def theirs_of(info, x, mode, sat, draws, stochastic):
    """gfloat's values; where it raises for a whole array, element by element, None for an error."""
    kwargs = {'srbits': draws, 'srnumbits': N} if stochastic else {}
    try:
        return list(round_ndarray(info, x, getattr(RoundMode, mode), sat=sat, **kwargs))
    except ValueError:
        out = []
        for k in range(x.size):
            one = {'srbits': draws[k:k + 1], 'srnumbits': N} if stochastic else {}
            try:
                out.append(round_ndarray(info, x[k:k + 1], getattr(RoundMode, mode), sat=sat, **one)[0])
            except ValueError:
                out.append(None)
        return out


def compare(table, f, info, spec, mode, sat, x):
    ours_mode = MODES[mode]
    stochastic = ours_mode.startswith('sr')
    draws = np.arange(x.size) * 7 % (1 << N)
    name = f'{ours_mode}:bits={N}' if stochastic else ours_mode
    policy = 'sat' if sat else 'spec'
    codes = cast(x, spec, '--round', name, '--overflow', policy, bits=draws if stochastic else None)
    ours = decode(codes, spec)
    for k, b in enumerate(theirs_of(info, x, mode, sat, draws, stochastic)):
        a = ours[k]
        if b is not None and same(np.float64(a), np.float64(b)):
            continue
        if f is None:
            yield k, a, b
            continue
        want = f.decode(report.project(f, policy, ours_mode, exact(x[k]), N, int(draws[k])))
        shown = 'error' if b is None else hexadecimal(b)
        fits = [v is not None and bool(same(np.float64(v), np.float64(want))) for v in (a, b)]
        right = {(True, False): 'ours', (False, True): 'theirs'}.get(tuple(fits), '?')
        table.add('gfloat P3109', kind_of(f, ours_mode, sat, x[k]) + (', sat' if sat else ''),
                  f'{f.name} {ours_mode} {hexadecimal(x[k])}', hexadecimal(a), shown, hexadecimal(want),
                  right)


def main():
    table, decoded, rounded = Table(), 0, 0
    modes = [m for m in MODES if hasattr(RoundMode, m)]
    for f in report.formats(range(3, 11)):
        info = g.format_info_p3109(f.k, f.p, Signedness.Signed if f.signed else Signedness.Unsigned,
                                   Domain.Extended if f.extended else Domain.Finite)
        codes = np.arange(1 << f.k, dtype=np.uint16 if f.k > 8 else np.uint8)
        ours = decode(codes, f.name)
        for c in codes:
            b = decode_float(info, int(c)).fval
            decoded += 1
            if not same(ours[c], np.float64(b)):
                table.add('gfloat P3109', 'decoding', f'{f.name} {c:#x}', ours[c], b, '-', '?')
        if f.k > 6:
            continue
        x = close_points([float(f.decode(int(c))) for c in codes])
        for mode in modes:
            for sat in (False, True):
                list(compare(table, f, info, f.name, mode, sat, x))
                rounded += x.size
    for name, spec in OCP.items():
        info = getattr(g, name)
        values = decode(np.arange(1 << (info.k if info.k < 16 else 12), dtype=np.uint16)
                        .astype(np.uint16 if info.k > 8 else np.uint8), spec)
        x = close_points(values)
        for mode in modes:
            for sat in (False, True):
                rounded += x.size
                for k, a, b in compare(table, None, info, spec, mode, sat, x):
                    kind = ocp_kind(spec, x[k], b, lambda v: abs(v) <= np.nanmax(values[np.isfinite(values)]))
                    table.add(f'gfloat {spec}', kind, f'{MODES[mode]} {hexadecimal(x[k])}',
                              hexadecimal(a), 'error' if b is None else hexadecimal(b), '-',
                              '?' if kind == 'finite' else 'policy')
    print(f"gfloat {version('gfloat')}: {decoded} codes, {rounded} roundings, modes {' '.join(modes)}")
    return table.show()


if __name__ == '__main__':
    sys.exit(main())

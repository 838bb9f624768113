# SPDX-License-Identifier: Apache-2.0
"""The command as functions on arrays, exact rounding by rationals, and the table of differences."""
import bisect
import math
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np

ASSAY = os.environ['ASSAY']


def cast(x, to, *options, codes=True, bits=None):
    """The command's codes (or values, in x's type) for an array."""
    np.save('in.npy', x)
    extra = list(options)
    if bits is not None:
        np.save('bits.npy', bits.astype(np.uint32))
        extra += ['--bits', 'bits.npy']
    subprocess.run([ASSAY, 'cast', 'in.npy', 'out.npy', '--to', to, '--quiet', *extra,
                    *(['--codes'] if codes else [])], check=True)
    return np.load('out.npy')


def decode(codes, spec):
    np.save('in.npy', codes)
    subprocess.run([ASSAY, 'decode', 'in.npy', 'out.npy', '--from', spec, '--quiet'], check=True)
    return np.load('out.npy')


def code_lines(spec):
    text = subprocess.run([ASSAY, 'codes', spec], check=True, capture_output=True, text=True).stdout
    return [line.split(',')[1] for line in text.split('\n')[1:] if line]


def exact(x):
    x = float(x)
    return x if math.isnan(x) or math.isinf(x) else Fraction(x)


class Grid:
    """Nearest, ties to the even code, over the codes of one sign; values above the largest go on in
    its binade, and what rounds beyond the largest overflows."""

    def __init__(self, values):
        pairs = sorted((Fraction(v), c) for c, v in enumerate(values)
                       if math.isfinite(v) and math.copysign(1, v) > 0)
        self.values, self.codes = [p[0] for p in pairs], [p[1] for p in pairs]
        ulp = self.values[-1] - self.values[-2]
        one_bit = 2 * self.values[-2] == self.values[-1]  # all gaps double: precision 1
        self.values.append(self.values[-1] + (2 * ulp if one_bit and len(pairs) > 8 else ulp))
        self.codes.append(self.codes[-1] + 1)

    def nearest(self, x):
        """The value nearest to |x|, or 'overflow'; below the least value that one."""
        x = abs(Fraction(x))
        if x >= self.values[-1]:
            return 'overflow'
        i = bisect.bisect_right(self.values, x) - 1
        if i < 0:
            return self.values[0]
        low, high = self.values[i], self.values[i + 1]
        up = 2 * x > low + high or (2 * x == low + high and self.codes[i] % 2 == 1)
        return (high if i + 2 < len(self.values) else 'overflow') if up else low


class Table:
    """Differences by peer and kind: how many, and the first of each."""

    def __init__(self):
        self.rows = {}

    def add(self, peer, kind, x, ours, theirs, want, right):
        key = (peer, kind, right)
        if key in self.rows:
            self.rows[key][0] += 1
        else:
            self.rows[key] = [1, x, ours, theirs, want]

    def show(self):
        print('| peer | case | inputs | first one | ours | theirs | exact | right |')
        print('|---|---|---|---|---|---|---|---|')
        for (peer, kind, right), (n, x, ours, theirs, want) in sorted(self.rows.items()):
            print(f'| {peer} | {kind} | {n} | {x} | {ours} | {theirs} | {want} | {right} |')
        sys.stdout.flush()
        return any(right != 'ours' and right != 'policy' for _, _, right in self.rows)


def hexadecimal(x):
    return x if isinstance(x, str) else float(x).hex() if math.isfinite(x) else str(float(x))


def close_points(values):
    """Values, midpoints and the binary64 next to them, twice the largest, and special inputs."""
    v = np.unique(np.abs([x for x in values if math.isfinite(x)]))
    top = v[-1] + (v[-1] - v[-2]) * np.array([.25, .5, .75, 1, 1.5, 2, 4, 1e6])
    with np.errstate(over='ignore'):
        points = np.concatenate([v, (v[:-1] + v[1:]) / 2, v[1:2] / 4, top, v[-1:] * 2])
        points = np.concatenate([points, np.nextafter(points, np.inf), np.nextafter(points, -np.inf)])
    return np.concatenate([points, -points, [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324]])

# SPDX-License-Identifier: Apache-2.0
"""Binary-coded blocks from the command against sums and means in exact rationals."""
from fractions import Fraction

import numpy as np

from cli_check import expect, finish, run


def half(x):
    """(bits, value) of the nearest binary16 of x >= 0, ties to even, saturating."""
    if x == 0:
        return 0, x
    e = max(-14, min(15, x.numerator.bit_length() - x.denominator.bit_length()))
    e -= e > -14 and Fraction(2) ** e > x
    unit = Fraction(2) ** (e - 10)
    n = round(x / unit)  # ties to even
    n = min(n, 2047 if e == 15 else n)
    return n + (e + 14 << 10), n * unit


def encode(x, planes):
    rest = [Fraction(float(v)) for v in x] + [Fraction(0)] * (128 - len(x))
    alphas, signs = [], []
    for _ in range(planes):
        bits, alpha = half(sum(map(abs, rest)) / 128)
        plus = [r >= 0 for r in rest]
        rest = [r - alpha if p else r + alpha for r, p in zip(rest, plus)]
        alphas.append((bits, alpha))
        signs.append(plus)
    head = b''.join(bits.to_bytes(2, 'little') for bits, _ in alphas)
    body = b''.join(np.packbits(s, bitorder='little').tobytes() for s in signs)
    values = [sum(a if s[i] else -a for (_, a), s in zip(alphas, signs)) for i in range(len(x))]
    return head + body, [float(v) for v in values]


rng = np.random.default_rng(8)
rows = [rng.standard_normal(200), rng.integers(-4, 5, 200) / 4, np.zeros(200), np.full(200, -0.3),
        rng.standard_normal(200) * 1e-6, np.full(200, 1e6)]
x = np.array(rows, np.float32)
x[0, 150] = np.nan
np.save('x.npy', x)
wrong = 0
for planes in (1, 2, 3, 4):
    spec = f'bcq{planes}'
    for args in (('cast', 'x.npy', 'c.npy', '--to', spec, '--codes'),
                 ('decode', 'c.npy', 'd.npy', '--from', spec),
                 ('cast', 'x.npy', 'v.npy', '--to', spec)):
        run(*args)
    codes, decoded, values = (np.load(f) for f in ('c.npy', 'd.npy', 'v.npy'))
    for i, row in enumerate(x):
        for b in range(2):
            part = row[128 * b:128 * (b + 1)]
            got = decoded[i, 128 * b:128 * b + len(part)]
            if np.isnan(part).any():
                wrong += not np.isnan(got).all()
                continue
            want = encode(part, planes)
            wrong += codes[i, b].tobytes() != want[0]
            wrong += int(np.sum(got != want[1]))
            wrong += int(np.sum(values[i, 128 * b:128 * b + len(part)] != np.float32(want[1])))
expect(wrong == 0, f'{wrong} wrong')
finish()

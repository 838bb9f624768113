# SPDX-License-Identifier: Apache-2.0
"""Nested scales from the command against means, quotients and midpoints in exact rationals."""
import bisect
import os
from fractions import Fraction as F

import numpy as np

from cli_check import expect, finish, run


def fl(x):
    """The nearest binary32 of a rational, ties to even; numpy only proposes neighbours."""
    near = np.float32(float(x))
    options = [np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))]
    options = [v for v in options if np.isfinite(v)]
    return min(options, key=lambda v: (abs(F(float(v)) - x), int(v.view(np.uint32)) & 1))


def table(values):
    """Code of the nearest of ascending values, ties to even codes."""
    values = [F(float(v)) for v in values]
    middles = [(a + b) / 2 for a, b in zip(values, values[1:])]

    def code(x):
        i = bisect.bisect_left(middles, x)
        return i + (i < len(middles) and middles[i] == x and i % 2)
    return values, code


steps = [F(10) ** (i - 6) * (F(1, 10) + F(9, 10) * F(2 * j + 1, 2 ** (i + 1)))
         for i in range(7) for j in range(2 ** i)]
DYNAMIC = sorted([0.0, 1.0] + [s * float(fl(v)) for v in steps for s in (1, -1)])
NF4 = [np.float32(v) for v in (
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1)]
nf4, nf4_code = table(NF4)


def quotient(x, scale, order):
    if order == 'mul32':
        return F(float(fl(x * F(float(fl(1 / scale))))))
    return x / scale if order == 'exact' else F(float(fl(x / scale)))


def blocks(x, size, values, code, order):
    """Codes and binary32 scales of a row; a NaN or an infinity makes its scale NaN."""
    codes, scales = [], []
    zero = values.index(0)
    for i in range(0, len(x), size):
        part = x[i:i + size]
        if not np.isfinite(part).all():
            scales.append(np.float32(np.nan))
            codes += [zero] * len(part)
            continue
        scale = max(abs(F(float(v))) for v in part)
        scales.append(np.float32(float(scale)))
        codes += [code(quotient(F(float(v)), scale, order)) if scale else zero for v in part]
    return codes, scales


def oracle(x, size, inner, values, code, order):
    made = [blocks(row, size, nf4, nf4_code, order) for row in x]
    codes = [c for m in made for c in m[0]]
    scales = [s for m in made for s in m[1]]
    known = [F(float(s)) for s in scales if s == s]
    offset = fl(sum(known) / len(known)) if known else np.float32(0)
    less = np.array([fl(F(float(s)) - F(float(offset))) if s == s else np.nan for s in scales],
                    np.float32)
    second, nested = blocks(less, inner, values, code, order)
    settled = []
    for i, c in enumerate(second):
        n = nested[i // inner]
        if n != n:
            settled.append(None)
        else:
            product = fl(values[c] * F(float(n)))
            settled.append(F(float(fl(F(float(product)) + F(float(offset))))))
    per_row = -(-x.shape[1] // size)
    of = [settled[i // x.shape[1] * per_row + i % x.shape[1] // size] for i in range(x.size)]
    out = [np.nan if s is None else float(nf4[c] * s) for c, s in zip(codes, of)]
    return codes, second, nested, offset, np.array(out).reshape(x.shape)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=True)


def check(name, x, spec='nf4_nested', size=64, inner=256, values=DYNAMIC, order='exact'):
    np.save('x.npy', x)
    files = ('--scales', 's.npy', '--nested-scales', 'n.npy', '--nested-offset', 'o.npy')
    run('cast', 'x.npy', 'c.npy', '--to', spec, '--codes', *files)
    run('decode', 'c.npy', 'd.npy', '--from', spec, *files)
    run('cast', 'x.npy', 'v.npy', '--to', spec)
    codes, scales, nested, offset, values = oracle(x, size, inner, *table(values), order)
    got = {f: np.load(f + '.npy') for f in 'csnodv'}
    wide = (x.shape[0], -(-x.shape[1] // size))
    for f, want in (('c', np.array(codes, np.uint8).reshape(x.shape)),
                    ('s', np.array(scales, np.uint8).reshape(wide)),
                    ('n', np.array(nested, np.float32)), ('o', np.array([offset])),
                    ('d', values), ('v', values.astype(np.float32))):
        expect(same(got[f], want), f'{name}: {f}.npy')


rng = np.random.default_rng(3)
normal = rng.standard_normal((6, 200)).astype(np.float32)
check('normal', normal)
check('small blocks', normal, 'nf4_nested:size=8,nested=16', 8, 16)
check('outlier', np.where(rng.random((4, 130)) < 0.01, 100, normal[:4, :130]).astype(np.float32))
check('one element', np.full((1, 1), -0.7, np.float32))
check('all equal', np.full((3, 128), 0.3, np.float32))
check('zeros', np.zeros((2, 100), np.float32))
check('subnormal', normal[:2] * np.float32(2.0 ** -148), 'nf4_nested:size=8,nested=4', 8, 4)
check('large', (normal[:2] * np.float32(2.0 ** 125)), 'nf4_nested:size=8,nested=4', 8, 4)
broken = normal.copy()
broken[1, 70], broken[3, 5] = np.nan, np.inf
check('NaN', broken, 'nf4_nested:nested=3', 64, 3)
check('all NaN', np.full((1, 3), np.nan, np.float32))
for order in ('mul32', 'div32'):
    check(order, normal, f'nf4_nested:size=8,nested=16,order={order}', 8, 16, order=order)
linear = [F(i, 8) for i in range(-8, 9)]
with open('map.txt', 'w') as f:
    f.write('\n'.join(str(float(v)) for v in linear) + '\n')
# scales 0, 1, .., 256: less their mean, all multiples of 1/128 of the largest, ties among them
ties = np.zeros((1, 257 * 2), np.float32)
ties[0, ::2] = np.arange(257)
check('ties', ties, 'nf4_nested:size=2,nested=512,map=[codebook:map.txt]', 2, 512, values=linear)
check('a map of its own', normal, 'nf4_nested:size=8,nested=16,map=[codebook:map.txt]', 8, 16,
      values=linear)

# pieces of long rows
long = rng.standard_normal((2, 140000)).astype(np.float32)
np.save('x.npy', long)
run('cast', 'x.npy', 'c.npy', '--to', 'nf4_nested', '--codes', '--scales', 's.npy',
    '--nested-scales', 'n.npy', '--nested-offset', 'o.npy')
run('cast', 'x.npy', 'f.npy', '--to', 'nf4_64', '--codes', '--scales', 'S.npy')
first = np.load('S.npy').view(np.float32)
expect(same(np.load('c.npy'), np.load('f.npy')), 'codes do not depend on the second level')
expect(np.load('o.npy')[0] == fl(sum(F(float(s)) for s in first.ravel()) / first.size), 'mean')
less = (first - np.load('o.npy')[0]).ravel()
tops = [abs(less[i:i + 256]).max() for i in range(0, less.size, 256)]
expect(same(np.load('n.npy'), np.array(tops, np.float32)), 'scales of the second level')
run('decode', 'c.npy', 'd.npy', '--from', 'nf4_nested', '--scales', 's.npy', '--nested-scales',
    'n.npy', '--nested-offset', 'o.npy')
run('cast', 'x.npy', 'v.npy', '--to', 'nf4_nested')
expect(same(np.load('d.npy').astype(np.float32), np.load('v.npy')), 'values of long rows')

# as bitsandbytes stores it: blocks run on through rows, the first of two codes is the high nibble
small = rng.standard_normal((5, 76)).astype(np.float32)
np.save('x.npy', small.reshape(1, -1))
parts = ('--scales', 's.npy', '--nested-scales', 'n.npy', '--nested-offset', 'o.npy')
run('cast', 'x.npy', 'c.npy', '--to', 'nf4_nested:nested=4', '--codes', *parts)
run('decode', 'c.npy', 'd.npy', '--from', 'nf4_nested:nested=4', *parts)
plain = [np.load(f + '.npy') for f in 'snod']
np.save('x.npy', small)
run('cast', 'x.npy', 'C.npy', '--to', 'nf4_nested:nested=4', '--layout', 'bitsandbytes', *parts)
run('decode', 'C.npy', 'd.npy', '--from', 'nf4_nested:nested=4', '--layout', 'bitsandbytes', *parts)
pairs = np.load('c.npy').reshape(-1, 2)
expect(same(np.load('C.npy'), (pairs[:, :1] << 4 | pairs[:, 1:]).astype(np.uint8)), 'layout: codes')
expect(all(same(a, np.load(f + '.npy')) for a, f in zip(plain, 'snod')), 'layout: the other files')

# products: A's rows and B's columns are the rows whose blocks share scales
exact_nf4 = [F(float(v)) for v in NF4]
a, b = rng.standard_normal((3, 130)), rng.standard_normal((130, 2))
np.save('a.npy', a)
np.save('b.npy', b)
sides = []
for x in (a, np.ascontiguousarray(b.T)):
    codes, _, _, _, values = oracle(x, 64, 4, *table(DYNAMIC), 'exact')
    scales = [[next(F(float(values[i, p])) / exact_nf4[codes[i * 130 + p]] for p in range(j, min(j + 64, 130))
                    if exact_nf4[codes[i * 130 + p]] != 0) for j in range(0, 130, 64)] for i in range(len(x))]
    sides.append((values, codes, scales))
spec = 'nf4_nested:nested=4'


def product(acc):
    run('gemm', 'a.npy', 'b.npy', 'o.npy', '--a', spec, '--b', spec, '--acc', acc, '--out', 'binary64')
    return np.load('o.npy')


(va, ca, sa), (vb, cb, sb) = sides
exact = [[float(sum(F(float(x)) * F(float(y)) for x, y in zip(r, c))) for c in vb] for r in va]
expect(np.array_equal(product('exact'), exact), 'gemm: exact')
expect(np.array_equal(product('exact@operand:binary64'), exact), 'gemm: dequantized first')
for i in range(3):
    for j in range(2):
        total = 0.0
        for k, p in enumerate(range(0, 130, 64)):
            s = 0.0  # codes up to the end of a block, then their scales
            for q in range(p, min(p + 64, 130)):
                s = float(F(s) + exact_nf4[ca[i * 130 + q]] * exact_nf4[cb[j * 130 + q]])
            total = float(F(total) + F(s) * sa[i][k] * sb[j][k])
        expect(product('binary64')[i, j] == total, f'gemm: a binary64 accumulator, {i}, {j}')

# empty
np.save('x.npy', np.zeros((3, 0), np.float32))
run('cast', 'x.npy', 'c.npy', '--to', 'nf4_nested', '--codes', '--scales', 's.npy',
    '--nested-scales', 'n.npy', '--nested-offset', 'o.npy')
expect([np.load(f + '.npy').shape for f in 'csno'] == [(3, 0), (3, 0), (0,), (1,)], 'empty: shapes')
expect(np.load('o.npy')[0] == 0, 'empty: offset')
run('decode', 'c.npy', 'd.npy', '--from', 'nf4_nested', '--scales', 's.npy', '--nested-scales',
    'n.npy', '--nested-offset', 'o.npy')
expect(np.load('d.npy').shape == (3, 0), 'empty: values')

# what is wrong is said, and leaves nothing
np.save('x.npy', normal)
good = {'--scales': 's.npy', '--nested-scales': 'n.npy', '--nested-offset': 'o.npy'}
flat = [a for pair in good.items() for a in pair]
run('cast', 'x.npy', 'c.npy', '--to', 'nf4_nested', '--codes', *flat)
np.save('short.npy', np.zeros(7, np.float32))
np.save('double.npy', np.zeros(1))
np.save('bytes.npy', np.zeros(3, np.uint8))


def decode(code, text, **files):
    given = dict(good, **{'--' + k.replace('_', '-'): v for k, v in files.items()})
    said = run('decode', 'c.npy', 'none.npy', '--from', 'nf4_nested',
               *[a for k, v in given.items() if v for a in (k, v)], code=code)
    expect(text in said, f'{text!r} is not in {said!r}')


decode(2, '--scales is missing', scales=None)
decode(2, '--nested-scales is missing', nested_scales=None)
decode(2, '--nested-offset is missing', nested_offset=None)
decode(2, 'short.npy: shape', nested_scales='short.npy')
decode(2, 'short.npy: shape', nested_offset='short.npy')
decode(2, 'double.npy: dtype', nested_offset='double.npy')
decode(2, 'bytes.npy: shape', scales='bytes.npy')
decode(2, 'short.npy', scales='short.npy')
decode(2, 'absent.npy', nested_scales='absent.npy')
for spec in ('nf4_64:map=nf4', 'nf4_nested:scale=binary16', 'int8_group:nested=16',
             'nf4_nested:nested=0', 'nf4_nested:map=binary16', 'nf4_nested:map=none',
             'nf4_nested:zero=yes', 'nf4_nested:tensor=multiplier'):
    run('cast', 'x.npy', 'none.npy', '--to', spec, code=2)
run('cast', 'x.npy', 'none.npy', '--to', 'nf4_64', '--nested-scales', 'n.npy', code=2)
run('cast', 'x.npy', 'none.npy', '--to', 'nf4_nested', '--layout', 'rows', code=2)
run('gemm', 'a.npy', 'b.npy', 'none.npy', '--a', 'bf16', '--b', 'bf16', '--acc', 'exact',
    '--out', 'nf4_nested', code=2)
expect(not os.path.exists('none.npy'), 'errors leave no file')
finish()

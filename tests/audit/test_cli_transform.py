# SPDX-License-Identifier: Apache-2.0
"""cast --transform and decode --transform: the steps replayed in NumPy, bit for bit."""
import os

import numpy as np

from cli_check import expect, finish, run


def rotate(x, n):
    """Stages of sums and differences at distance 1, 2, 4, ..., then one product."""
    y = x.reshape(-1, n).copy()
    h = 1
    while h < n:
        v = y.reshape(len(y), n // (2 * h), 2, h)
        y = np.stack([v[:, :, 0] + v[:, :, 1], v[:, :, 0] - v[:, :, 1]], 2).reshape(len(y), n)
        h *= 2
    return (y * x.dtype.type(np.sqrt(1 / n))).reshape(x.shape)


def rows(x, n):
    """Blocks of n, then the powers of two of the remainder."""
    out, at = [], 0
    while at < x.shape[1]:
        while n > x.shape[1] - at:
            n //= 2
        out.append(rotate(np.ascontiguousarray(x[:, at:at + n]), n))
        at += n
    return np.concatenate(out, 1)


def same(got, want):
    return got.dtype == want.dtype and got.tobytes() == want.tobytes()


rng = np.random.default_rng(1)
x = rng.standard_normal((6, 300)).astype(np.float32)
x[2, 7], x[4, 9] = 40, -50
order = rng.permutation(300)
factor = (1 + rng.random(300)).astype(np.float32)
np.save('x.npy', x)
np.save('p.npy', order)
np.save('s.npy', factor)
np.save('w.npy', x.astype(np.float64))

run('cast', 'x.npy', 'v.npy', '--to', 'binary32', '--transform', 'hadamard:n=128')
expect(same(np.load('v.npy'), rows(x, 128)), 'rotation in binary32')
run('cast', 'w.npy', 'v.npy', '--to', 'binary64', '--transform', 'hadamard:n=32')
expect(same(np.load('v.npy'), rows(x.astype(np.float64), 32)), 'rotation in binary64')
run('cast', 'x.npy', 'v.npy', '--to', 'binary32', '--transform', 'permute:p.npy', '--transform',
    'smooth:s.npy')
expect(same(np.load('v.npy'), x[:, order] / factor), 'permuted, then smoothed')

# Outliers: 1 percent of 300 is three of each row; dense and sparse say the same.
split = ('--transform', 'outliers:share=1,keep=bfloat16')
run('cast', 'x.npy', 'v.npy', '--to', 'mxfp4', *split, '--outliers', 'o.npy')
dense = np.load('o.npy')
largest = np.argsort(-np.abs(x), 1, kind='stable')[:, :3]
expect(all(set(np.flatnonzero(dense[i])) == set(largest[i]) for i in range(6)), 'outliers')
bits = x.view(np.uint32)
kept = ((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000).view(np.float32)
expect(np.all(np.where(dense != 0, kept, 0) == dense), 'outliers are rounded')
rest = np.where(dense != 0, 0, x).astype(np.float32)
np.save('rest.npy', rest)
run('cast', 'rest.npy', 'r.npy', '--to', 'mxfp4')
expect(same(np.load('v.npy'), np.load('r.npy')), 'the others are quantized')
run('cast', 'x.npy', 'c.npy', '--to', 'mxfp4', '--codes', '--scales', 'k.npy', *split, '--outliers',
    'q.npy', '--outlier-index', 'i.npy')
sparse = np.zeros(1800)
sparse[np.load('i.npy')] = np.load('q.npy')
expect(same(sparse.reshape(6, 300), dense), 'sparse outliers')
for files in (('--outliers', 'o.npy'), ('--outliers', 'q.npy', '--outlier-index', 'i.npy')):
    run('decode', 'c.npy', 'd.npy', '--from', 'mxfp4', '--scales', 'k.npy', *split, *files)
    expect(np.all(np.load('d.npy') == np.load('r.npy') + dense), f'back {files}')
run('cast', 'x.npy', 'v.npy', '--to', 'mxfp4', '--transform', 'outliers:above=30', '--outliers',
    'o.npy')
expect(np.count_nonzero(np.load('o.npy')) == 2, 'a threshold')

# All of them and back: only rounding is lost.
steps = ('--transform', 'permute:p.npy', '--transform', 'smooth:s.npy', '--transform',
         'outliers:share=1', '--transform', 'hadamard:n=128,seed=3', '--outliers', 'o.npy')
run('cast', 'x.npy', 'c.npy', '--to', 'binary32', '--codes', *steps)
run('decode', 'c.npy', 'd.npy', '--from', 'binary32', *steps)
expect(np.abs(np.load('d.npy') - x).max() < 1e-5, 'all steps and back')

# Errors name the option or the file, and leave nothing behind.
for step, what in (('hadamard:n=12', 'power of two'), ('permute:s.npy', 's.npy'),
                   ('outliers:share=1', '--outliers'), ('turn:n=2', 'hadamard, smooth')):
    text = run('cast', 'x.npy', 'none.npy', '--to', 'mxfp4', '--transform', step, code=2)
    expect(what in text and not os.path.exists('none.npy'), f'{step}: {text}')
np.save('twice.npy', np.zeros(300, np.int64))
np.save('short.npy', np.arange(7))
for name in ('twice', 'short'):
    text = run('cast', 'x.npy', 'none.npy', '--to', 'mxfp4', '--transform', f'permute:{name}.npy',
               code=2)
    expect('element' in text, f'{name}: {text}')
finish()

# SPDX-License-Identifier: Apache-2.0
"""Codes, scales, zero points, tensor scales and values of every scheme with scales, from the
command, against exact rationals. Random and adversarial tensors, tails, empty ones, weights; a
part of them per scheme, all of them with ASSAY_THOROUGH=1."""
import math
import os
import struct
import sys
from fractions import Fraction

import numpy as np

from cli_check import expect, finish, run
from scheme_oracle import Scheme

THOROUGH = os.environ.get('ASSAY_THOROUGH') == '1'
MX = ('mxfp8_e4m3 e4m3', 'mxfp8_e5m2 e5m2', 'mxfp6_e2m3 e2m3', 'mxfp6_e3m2 e3m2', 'mxfp4 e2m1',
      'mxint8 mxint8', 'mxint4 mxint4')
MORE = ('mxfp8_e5m2:', 'mxfp6', 'mxint')
NV = dict(scale='e4m3', tensor='multiplier')
LEAST = np.float32(1e-4)

# SPEC, what the oracle is told, extent: block size along rows, 'row', 'tensor', or (rows, cols)
CASES = []
for row in MX:
    name, elem = row.split()
    for rule in ('floor', 'ceil', 'rceil', 'even', 'nearest', 'ct'):
        CASES.append((f'{name}:rule={rule}', dict(elem=elem, scale='e8m0', rule=rule), 32))
CASES += [
    ('mxfp4:rule=mse', dict(elem='e2m1', scale='e8m0', rule='mse'), 32),
    ('mxfp8_e4m3:rule=mse', dict(elem='e4m3', scale='e8m0', rule='mse'), 32),
    ('mxint8:rule=mse,size=7', dict(elem='mxint8', scale='e8m0', rule='mse'), 7),
    ('mxfp4:rule=[percentile:p=90]', dict(elem='e2m1', scale='e8m0', rule='percentile', percent='90'),
     32),
    ('block:elem=e2m1,size=32,scale=e4m3,rule=percentile:p=99.9',
     dict(elem='e2m1', scale='e4m3', rule='percentile', percent='99.9'), 32),
    ('block:elem=e2m1,size=16,scale=e4m3,rule=46', dict(elem='e2m1', scale='e4m3', rule='46'), 16),
    ('nvfp4', dict(elem='e2m1', rule='max', **NV), 16),
    ('nvfp4:tensor=divisor', dict(elem='e2m1', rule='max', scale='e4m3', tensor='divisor'), 16),
    ('nvfp4_2d', dict(elem='e2m1', rule='max', **NV), (16, 16)),
    ('nvfp4_46', dict(elem='e2m1', rule='46', top=256, **NV), 16),
    ('nvfp4:rule=46,order=te', dict(elem='e2m1', rule='46', top=256, order='te', **NV), 16),
    ('nvint4', dict(elem='int4s', rule='max', **NV), 16),
    ('amdfp4', dict(elem='e2m1', scale='ue5m3', rule='max'), 16),
    ('msfp12', dict(elem='msfp12', scale='e8m0', rule='floor'), 16),
    ('msfp16', dict(elem='msfp16', scale='e8m0', rule='floor'), 16),
    ('bfp16', dict(elem='int8', scale='e8m0', rule='even'), 8),
    ('dfp16', dict(elem='int16s', scale='e8m0', rule='floor'), 'tensor'),
    ('bm8', dict(elem='bm8', scale='e8m0', rule='floor'), (48, 48)),
    ('bm6', dict(elem='bm6', scale='e8m0', rule='floor'), (48, 48)),
    ('deepseek_1x128', dict(elem='e4m3', scale='binary32', rule='max', least=LEAST), 128),
    ('deepseek_1x128:order=div32',
     dict(elem='e4m3', scale='binary32', rule='max', least=LEAST, order='div32'), 128),
    ('deepseek_1x128:order=mul32',
     dict(elem='e4m3', scale='binary32', rule='max', least=LEAST, order='mul32'), 128),
    ('deepseek_1x128_ue8m0', dict(elem='e4m3', scale='e8m0', rule='rceil', least=LEAST), 128),
    ('deepseek_128x128', dict(elem='e4m3', scale='binary32', rule='max', least=LEAST), (128, 128)),
    ('deepseek_128x128_ue8m0', dict(elem='e4m3', scale='e8m0', rule='rceil', least=LEAST), (128, 128)),
    ('fp8_tensor', dict(elem='e4m3', scale='binary32', rule='max'), 'tensor'),
    ('fp8_channel', dict(elem='e4m3', scale='binary32', rule='max'), 'row'),
    ('int8_tensor', dict(elem='int8s', scale='binary32', rule='max'), 'tensor'),
    ('int8_channel:scale=bfloat16', dict(elem='int8s', scale='bfloat16', rule='max'), 'row'),
    ('int8_token', dict(elem='int8s', scale='binary32', rule='max'), 'row'),
    ('int8_group', dict(elem='int8s', scale='binary16', rule='max'), 128),
    ('int8_tensor_asym', dict(elem='int8', scale='binary32', rule='max', zero=True), 'tensor'),
    ('int8_group_asym:scale=bfloat16', dict(elem='int8', scale='bfloat16', rule='max', zero=True), 128),
    ('int4_group', dict(elem='int4s', scale='binary16', rule='max'), 128),
    ('int4_group_asym:size=32', dict(elem='uint4', scale='binary16', rule='max', zero=True), 32),
    ('group:elem=int4,size=128,scale=binary16,zero=yes',
     dict(elem='int4', scale='binary16', rule='max', zero=True), 128),
    ('tile:elem=e2m1,rows=3,cols=5,scale=e4m3,rule=46', dict(elem='e2m1', scale='e4m3', rule='46'),
     (3, 5)),
]
for order in ('te', 'torchao', 'modelopt', 'ct'):
    kind = 'divisor' if order == 'ct' else 'multiplier'
    CASES.append((f'nvfp4:order={order}',
                  dict(elem='e2m1', scale='e4m3', rule='max', tensor=kind, order=order), 16))
for order in ('torchao', 'modelopt', 'ct'):  # one level
    CASES.append((f'nvfp4:tensor=no,order={order}',
                  dict(elem='e2m1', scale='e4m3', rule='max', order=order), 16))
CASES.append(('mxfp4:rule=ct,order=ct', dict(elem='e2m1', scale='e8m0', rule='ct', order='ct'), 32))
for elem in ('int4', 'int8'):
    for order in ('exact', 'div32', 'mul32', 'ct'):
        name = f'group:elem={elem},size=32,scale=binary32,order={order}'
        rest = dict(elem=elem, scale='binary32', order=order)
        CASES.append((f'{name},rule=range', dict(rule='range', **rest), 32))
        CASES.append((f'{name},zero=yes', dict(rule='max', zero=True, **rest), 32))
CASES.append(('int8_channel_asym:order=mul32,least=0x1.fep-119',
              dict(elem='int8', scale='binary32', rule='max', zero=True, order='mul32',
                   least=float.fromhex('0x1.fep-119')), 'row'))
CASES.append(('nvfp4_2d:order=te', dict(elem='e2m1', rule='max', order='te', **NV), (16, 16)))


def ulps(x, n):
    return np.uint32(np.float32(x).view(np.uint32) + n).view(np.float32)


def adversarial():
    """Rows of 32 whose amax, ties, outliers and special values try every branch of a rule."""
    rng = np.random.default_rng(7)
    rows = []
    for top in (1, 2 ** -3, 1.5, 1.75, 1.875, 1.9375, 1.8125, 448, 6, 7, 127, 2 ** 0.5, 1.9921875,
                2.0 ** -126, 2.0 ** -120, 3e38, 6 * 448):
        for n in (-1, 0, 1):
            row = (rng.standard_normal(32) * 0.3 * top).clip(-top, top).astype(np.float32)
            row[rng.integers(32)] = ulps(top, n) * rng.choice((-1, 1))
            rows.append(row)
    grid = np.arange(-32, 32, dtype=np.float32)
    for step in (0.25, 0.125, 2.0 ** -9, 2.0 ** -130, 0.3, 1 / 3):  # ties after scaling
        rows.append(grid[::2] * np.float32(step))
        rows.append(grid[1::2] * np.float32(step))
        row = np.full(32, np.float32(step) * 5)
        row[5] = np.float32(step) * 6
        rows.append(row)
    for value in (0.0, -0.0, 1.0, -3.0, 1e-45, 2.0 ** -149 * 3, 1e-39, 3.4e38):  # all equal
        rows.append(np.full(32, value, np.float32))
    lone = np.zeros(32, np.float32)
    for value in (1.0, -6.0, 1e-40, 3e38):
        lone = lone.copy()
        lone[3] = value
        rows.append(lone)
    near = np.where(np.arange(32) % 2, np.float32(1e-45), -np.float32(1e-38)).astype(np.float32)
    rows += [near, np.where(np.arange(32) == 9, np.float32(1), near)]
    for bad in (np.nan, np.inf, -np.inf):
        row = rng.standard_normal(32).astype(np.float32)
        row[11] = bad
        rows.append(row)
    return np.array(rows, np.float32)


def near_ties():
    """Binary32 blocks of 16 whose scales lie at ties of e4m3 under a tensor scale, and whose
    elements lie at ties of e2m1 under both: one unit in the last place decides."""
    rng = np.random.default_rng(5)
    amax = np.float32(1.2345678)
    rows = [np.full(16, amax)]
    for k in range(120):
        tie = (rng.integers(8, 16) + 0.5) * 2.0 ** rng.integers(-4, 5)
        top = ulps(tie * float(amax) / 448, rng.integers(-1, 2))
        step = float(amax) / 448 / 6 * (rng.integers(8, 16) * 2.0 ** round(np.log2(tie) - 3))
        row = [ulps(step * h, n) for h in (0.25, 0.75, 1.25, 1.75, 2.5) for n in (-1, 0, 1)]
        rows.append(np.array([top, *row], np.float32).clip(-top, top))
    return np.array(rows, np.float32)


def last_places():
    """Binary64 numbers one unit beside the ties of int8 and e4m3 under scales that are no powers
    of two: their quotients round to the ties themselves."""
    rng = np.random.default_rng(6)
    rows = []
    for top, ties in ((127, np.arange(100) + 0.5), (448, (np.arange(8, 108) % 8 + 8.5) * 2)):
        for _ in range(6):
            scale = float(np.float16(1 + rng.random())) / 64
            x = ties[rng.permutation(100)[:99]] * scale
            x = np.nextafter(x, np.where(rng.random(99) < 0.5, 0, 1e9))
            rows.append(np.concatenate([[top * scale], x * rng.choice((-1, 1), 99)]))
    return np.array(rows)


def inputs():
    rng = np.random.default_rng(3)
    a = adversarial()
    finite = a[np.isfinite(a).all(1)]
    ordinary = finite[(np.abs(finite).max(1) < 1e6) & (np.abs(finite).max(1) > 1e-30)]
    wide = rng.standard_normal((2, 50)) * np.exp2(rng.integers(-40, 40, (2, 50)))
    return [('random', rng.standard_normal((9, 150)).astype(np.float32)),
            ('outliers', np.where(rng.random((5, 131)) < 0.02, 50, 1) *
             rng.standard_normal((5, 131)).astype(np.float64)),
            ('adversarial', a), ('finite', finite), ('ordinary', ordinary),
            ('wide', wide), ('ties', near_ties()), ('last places', last_places()), ('half', rng.standard_normal((2, 3, 17)).astype(np.float16)),
            ('one', np.array([0.7], np.float32)), ('scalar', np.array(-2.5, np.float64)),
            ('zeros', np.zeros((2, 40), np.float32))]


def demo_weights():
    """Some rows of the built-in model's weights."""
    path = os.path.join(os.environ['ASSAY_SOURCE_DIR'], 'audit/demo')
    for name in sorted(os.listdir(path)):
        if name.endswith('.safetensors'):
            with open(os.path.join(path, name), 'rb') as f:
                size = struct.unpack('<Q', f.read(8))[0]
                head = __import__('json').loads(f.read(size))
                for key, t in sorted(head.items()):
                    if 'q_proj' in key and t['dtype'] in ('BF16', 'F32'):
                        f.seek(8 + size + t['data_offsets'][0])
                        raw = f.read(t['data_offsets'][1] - t['data_offsets'][0])
                        if t['dtype'] == 'F32':
                            return np.frombuffer(raw, '<f4').reshape(t['shape'])[:4, :256]
                        u = np.frombuffer(raw, '<u2').astype(np.uint32) << 16
                        return u.view(np.float32).reshape(t['shape'])[:4, :256]
    return None


def regions(shape, extent):
    """Per scale: the rows and columns of its elements, in the order of scales."""
    rows, cols = shape
    height, width = 1, extent
    if extent == 'row':
        width = cols
    elif extent == 'tensor':
        height, width = rows, cols
    elif isinstance(extent, tuple):
        height, width = extent
    for i in range(0, rows, height):
        for j in range(0, cols, width):
            yield slice(i, min(i + height, rows)), slice(j, min(j + width, cols))


def matrices(x, extent):
    """Tiles see the last two axes, everything else rows."""
    if x.ndim < 2:
        return x.reshape(1, 1, -1)
    if isinstance(extent, tuple):
        return x.reshape(-1, *x.shape[-2:])
    return x.reshape(1, -1, x.shape[-1])


def expected(scheme, x, extent):
    x = matrices(x, extent)
    codes, values = np.zeros(x.shape, np.uint32), np.zeros(x.shape)
    parts = [(m, r, c) for m in range(len(x)) for r, c in regions(x.shape[1:], extent)]
    amax = Fraction(0)
    for part in parts if scheme.tensor else []:
        if np.all(np.isfinite(x[part])):
            amax = max(amax, Fraction(float(np.abs(x[part]).max())))
    t = scheme.tensor_scale(amax)
    scales, zeros = [], []
    for part in parts:
        block = x[part]
        k, s, z, v = scheme.block(block.ravel(), t)
        codes[part] = np.array(k).reshape(block.shape)
        values[part] = np.array(v).reshape(block.shape)
        scales.append(s)
        zeros.append(z)
    return codes, scales, zeros, t, values


def equal(what, got, want):
    got, want = np.asarray(got).ravel(), np.asarray(want).ravel()
    if got.size != want.size:
        print(f'{what}: {got.size} elements, not {want.size}')
        return 1
    bad = np.flatnonzero(got != want)
    if len(bad):
        i = bad[0]
        print(f'{what}: {len(bad)} wrong of {want.size}, first at {i}: {got[i]}, not {want[i]}')
    return len(bad)


def check(spec, options, extent, name, x):
    scheme = Scheme(**options)
    codes, scales, zeros, t, values = expected(scheme, x, extent)
    np.save('x.npy', x)
    files = ['--scales', 's.npy']
    files += ['--zeros', 'z.npy'] if scheme.zero else []
    files += ['--tensor-scale', 't.npy'] if scheme.tensor else []
    run('cast', 'x.npy', 'c.npy', '--to', spec, '--codes', *files)
    run('decode', 'c.npy', 'd.npy', '--from', spec, *files)
    run('cast', 'x.npy', 'v.npy', '--to', spec)
    where, wrong = f'{spec} of {name}', 0
    wrong += equal(f'{where}: codes', np.load('c.npy').astype(np.uint32), codes)
    wrong += equal(f'{where}: scales', np.load('s.npy'), scales)
    if scheme.zero:
        wrong += equal(f'{where}: zeros', np.load('z.npy'), zeros)
    if scheme.tensor:
        wrong += equal(f'{where}: tensor scale', np.load('t.npy').view(np.uint32), [t.view(np.uint32)])
    canonical = np.where(np.isnan(values), np.nan, values)
    wrong += equal(f'{where}: decoded', np.load('d.npy').view(np.uint64), canonical.view(np.uint64))
    kind = 'u%d' % x.dtype.itemsize
    with np.errstate(over='ignore'):
        own = values.astype(x.dtype)
    own = np.where(np.isnan(own), np.abs(own), own)  # the canonical NaN
    wrong += equal(f'{where}: values', np.load('v.npy').view(kind), own.astype(x.dtype).view(kind))
    return wrong, 2 * codes.size + len(scales)


def check_empty():
    """Empty tensors have no scales; their tensor scale is 1."""
    wrong = 0
    for shape in ((0,), (3, 0), (0, 64)):
        np.save('x.npy', np.zeros(shape, np.float32))
        for spec, extra in (('mxfp4', []), ('nvfp4', ['--tensor-scale', 't.npy']), ('int8_tensor', []),
                            ('deepseek_128x128', []), ('int8_token', []), ('q4_0', None)):
            files = [] if extra is None else ['--scales', 's.npy', *extra]
            run('cast', 'x.npy', 'c.npy', '--to', spec, '--codes', *files)
            run('decode', 'c.npy', 'd.npy', '--from', spec, *files)
            wrong += np.load('c.npy').size != 0 or np.load('d.npy').size != 0
            wrong += bool(files) and np.load('s.npy').size != 0
            wrong += bool(extra) and np.load('t.npy').item() != 1
    return wrong


def part_of(data, k, spec, options):
    """Every sixth adversarial row, from another one on for each scheme, and some of one other
    tensor. The rules are the same code for every element format."""
    if spec.startswith(MORE) and not spec.endswith('floor'):
        return []
    data = dict(data)
    hard = data.pop('finite' if 'order' in options else 'adversarial')[k % 6::6]
    names = sorted(name for name, x in data.items() if name not in ('adversarial', 'finite'))
    name = names[k % len(names)]
    other = data[name]
    if 'order' in options and other.dtype == np.float64:
        name, other = 'ties', data['ties']
    if other.ndim == 2 and name not in ('ties', 'last places', 'ordinary'):
        other = other[:2]
    return [('finite' if 'order' in options else 'adversarial', hard),
            (name, np.ascontiguousarray(other[::4] if name in ('ties', 'ordinary') else other))]


def main():
    data = inputs()
    weights = demo_weights()
    if weights is not None:
        data.append(('weights', np.ascontiguousarray(weights)))
    wrong = checked = 0
    only = sys.argv[1:]  # starts of SPECs, all if there are none
    for k, (spec, options, extent) in enumerate(CASES):
        if only and not spec.startswith(tuple(only)):
            continue
        for name, x in data if THOROUGH or only else part_of(data, k, spec, options):
            if 'order' in options and (x.dtype == np.float64 or name == 'adversarial'):
                continue  # binary32 steps of finite binary32 numbers
            if (THOROUGH or only) and name in ('finite', 'ordinary') and extent != 'tensor' and 'tensor' not in options:
                continue  # rows of `adversarial`
            if spec.startswith(MORE) and not spec.endswith('floor') and name != 'adversarial':
                continue  # the rules are the same code for every element format
            w, n = check(spec, options, extent, name, x)
            wrong, checked = wrong + w, checked + n
    wrong += check_empty()
    print(f'{checked} checked, {wrong} wrong')
    expect(wrong == 0, 'results')
    finish()


if __name__ == '__main__':
    main()

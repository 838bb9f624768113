# SPDX-License-Identifier: Apache-2.0
"""cast --layout and decode --layout: each producer's reading of its files, in NumPy."""
import os

import numpy as np

from cli_check import expect, finish, run


def fields(words, bits, count):
    """The `count` codes of little-endian words, from the low bits up, along the last axis."""
    width = 8 * words.dtype.itemsize
    shifts = np.arange(width // bits, dtype=words.dtype) * bits
    out = words[..., None] >> shifts & ((1 << bits) - 1)
    return out.reshape(*words.shape[:-1], -1)[..., :count]


def awq(words):
    """Nibble p of a word holds column {0, 2, 4, 6, 1, 3, 5, 7}[p] of eight."""
    out = np.zeros((*words.shape, 8), np.uint32)
    for p, column in enumerate((0, 2, 4, 6, 1, 3, 5, 7)):
        out[..., column] = words >> np.uint32(4 * p) & 15
    return out.reshape(*words.shape[:-1], -1)


def swizzled(at, rows, cols):
    r, c = np.indices((rows, cols))
    across = -(-cols // 4)
    return at[(r // 128 * across + c // 4) * 512 + r % 32 * 16 + r % 128 // 32 * 4 + c % 4]


READ = {  # codes, scales, zero points from what is stored; rows, cols, groups, bits, bias
    'rows': lambda c, s, z, r, k, g, b, x: (fields(c, b, k), s, z),
    'blackwell': lambda c, s, z, r, k, g, b, x: (fields(c, b, k), swizzled(s, r, g), z),
    'words': lambda c, s, z, r, k, g, b, x: (
        fields(c, b, k) ^ x, s, None if z is None else fields(z.T.copy(), b, r).T ^ x),
    'gptq': lambda c, s, z, r, k, g, b, x: (
        fields(c.T.copy(), b, k) ^ x, s.T, None if z is None else (fields(z, b, r) + 1).T % 2 ** b ^ x),
    'gptq_v2': lambda c, s, z, r, k, g, b, x: (
        fields(c.T.copy(), b, k) ^ x, s.T, None if z is None else fields(z, b, r).T ^ x),
    'awq': lambda c, s, z, r, k, g, b, x: (
        awq(c).T ^ x, s.T, None if z is None else awq(z).T ^ x),
    'bitsandbytes': lambda c, s, z, r, k, g, b, x: (
        np.stack([c >> 4, c & 15], -1).reshape(1, -1), s, z),
}
CASES = (
    ('rows', 'mxfp4', 4, 64), ('rows', 'mxfp6_e2m3', 6, 96), ('rows', 'nvfp4', 4, 70),
    ('blackwell', 'mxfp4', 4, 300), ('blackwell', 'mxfp8_e4m3', 8, 160), ('blackwell', 'nvfp4', 4, 64),
    ('words', 'int4_group:size=32', 4, 72), ('words', 'int8_group:size=32', 8, 70),
    ('words', 'int4_group_asym:size=32', 4, 64), ('gptq', 'int4_group_asym:size=32', 4, 64),
    ('gptq', 'int8_group_asym:size=32', 8, 64), ('gptq_v2', 'int4_group_asym:size=32', 4, 96),
    ('awq', 'int4_group_asym:size=32', 4, 96), ('gptq', 'int4_group:size=32', 4, 64),
    ('bitsandbytes', 'nf4_64', 4, 96),
)
ROWS = 136
rng = np.random.default_rng(4)
for layout, spec, bits, cols in CASES:
    x = rng.standard_normal((ROWS, cols)).astype(np.float32)
    np.save('x.npy', x.reshape(1, -1) if layout == 'bitsandbytes' else x)
    asym, tensor = 'asym' in spec, 'nvfp4' in spec
    plain = ['--scales', 's.npy'] + ['--zeros', 'z.npy'] * asym + ['--tensor-scale', 't.npy'] * tensor
    own = ['--scales', 'S.npy'] + ['--zeros', 'Z.npy'] * asym + ['--tensor-scale', 'T.npy'] * tensor
    run('cast', 'x.npy', 'c.npy', '--to', spec, '--codes', *plain)
    np.save('x.npy', x)
    run('cast', 'x.npy', 'C.npy', '--to', spec, '--layout', layout, *own)
    bias = 1 << bits - 1 if not asym and layout not in ('rows', 'blackwell', 'bitsandbytes') else 0
    if asym and spec.startswith('int8'):
        bias = 128
    codes, scales = np.load('c.npy'), np.load('s.npy')
    stored = np.load('C.npy')
    if spec == 'mxfp6_e2m3':  # fields of six bits cross bytes
        bit = np.unpackbits(stored, axis=1, bitorder='little')[:, :cols * 6].reshape(ROWS, cols, 6)
        got = np.packbits(bit, axis=2, bitorder='little')[..., 0], np.load('S.npy'), None
    else:
        got = READ[layout](stored, np.load('S.npy'), np.load('Z.npy') if asym else None, ROWS, cols,
                           scales.shape[-1], bits, bias)
    expect(np.array_equal(got[0], codes), f'{layout} {spec}: codes')
    expect(np.array_equal(got[1], scales), f'{layout} {spec}: scales')
    expect(not asym or np.array_equal(got[2], np.load('z.npy')), f'{layout} {spec}: zero points')
    run('decode', 'c.npy', 'd.npy', '--from', spec, *plain)
    run('decode', 'C.npy', 'D.npy', '--from', spec, '--layout', layout, '--cols', str(codes.shape[1]),
        *own)
    expect(np.array_equal(np.load('d.npy'), np.load('D.npy')), f'{layout} {spec}: decoded')

np.save('x.npy', np.ones((7, 42), np.float32))
for layout, spec in (('gptq', 'int4_group:size=8'), ('awq', 'mxfp8_e4m3'), ('turn', 'mxfp4')):
    run('cast', 'x.npy', 'none.npy', '--to', spec, '--layout', layout, code=2)
run('cast', 'x.npy', 'C.npy', '--to', 'mxfp4', '--layout', 'rows', '--scales', 'S.npy')
for more in (['--cols', '50'], ['--cols', '8']):
    run('decode', 'C.npy', 'none.npy', '--from', 'mxfp4', '--layout', 'rows', '--scales', 'S.npy',
        *more, code=2)
expect(not os.path.exists('none.npy'), 'errors leave no file')
finish()

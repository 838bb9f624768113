# SPDX-License-Identifier: Apache-2.0
"""compressed-tensors, on the CPU and in binary32: its scales of MX, NVFP4, FP8 and integers, and its
elements."""
import sys

import compressed_tensors
import numpy as np
import torch
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import quantize as ct_quantize
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam

from blocks import COLS, beyond_binary32, block_max, compare, not_finite, quantize, spread

SPECIAL = 'a NaN or an infinity'
E2M1 = np.float32([0, .5, 1, 1.5, 2, 3, 4, 6])


def qparams(x, args, size, global_scale=None):
    blocks = torch.from_numpy(x).reshape(-1, COLS // size, size)
    return calculate_qparams(blocks.amin(-1), blocks.amax(-1), args, global_scale=global_scale)


def four_bits(values):
    """Codes of e2m1 as the package packs them: the sign of -0 stays."""
    v = values.numpy()
    return np.searchsorted(E2M1, np.abs(v)).astype(np.uint8) | np.signbit(v).astype(np.uint8) << 3


def six_bits(values):
    v = values.numpy()
    grid = np.float32([m / 8 if e == 0 else (1 + m / 8) * 2.0**(e - 1)
                       for e in range(4) for m in range(8)])
    return np.searchsorted(grid, np.abs(v)).astype(np.uint8) | np.signbit(v).astype(np.uint8) << 5


def mx(table, x):
    for bits, name, rule, codes in ((4, 'mxfp4', 'ct', four_bits), (6, 'mxfp6_e2m3', 'even', six_bits),
                                    (8, 'mxfp8_e4m3', 'ct', None)):
        args = QuantizationArgs(num_bits=bits, type='float', strategy='group', group_size=32,
                                scale_dtype=torch.uint8)
        scale, _ = qparams(x, args, 32)
        q = ct_quantize(torch.from_numpy(x), scale, None, args)
        q = codes(q) if codes else q.to(torch.float8_e4m3fn).view(torch.uint8).numpy()
        exponent = torch.floor(torch.log2(scale)).numpy() + 127
        theirs = {'scales': np.nan_to_num(exponent, nan=255, posinf=255).astype(np.uint8), 'codes': q}
        spec = f'{name}:rule={rule},order=ct'
        top = spread(block_max(x, 32) >= (1.75 if rule == 'ct' else 2 - 2.0**-4) * 2.0**127, 32)
        table.add('MX', spec, x, quantize(x, spec), theirs,
                  [(SPECIAL, not_finite(x, 32)), ('amax that rounds to 2^128', top)])


def nvfp4(table, x):
    args = QuantizationArgs(num_bits=4, type='float', strategy='tensor_group', group_size=16,
                            scale_dtype=torch.float8_e4m3fn)
    t = torch.from_numpy(x)
    S = generate_gparam(t.amin(), t.amax())
    scale, _ = qparams(x, args, 16, S)
    q = ct_quantize(t, scale, None, args, global_scale=S)
    scale = scale.to(torch.float8_e4m3fn).view(torch.uint8).numpy()
    theirs = {'scales': scale, 'codes': four_bits(q), 'tensor': S.numpy().view(np.uint32)}
    spec = 'nvfp4:order=ct'
    table.add('NVFP4', spec, x, quantize(x, spec, tensor=True), theirs, [(SPECIAL, not_finite(x))])


def integers(table, x, bits, size):
    for symmetric in (True, False):
        args = QuantizationArgs(num_bits=bits, type='int', strategy='group', group_size=size,
                                symmetric=symmetric)
        scale, zero = qparams(x, args, size)
        q = ct_quantize(torch.from_numpy(x), scale, None if symmetric else zero, args)
        mask = 2**bits - 1
        theirs = {'scales': scale.numpy().view(np.uint32),
                  'codes': q.to(torch.int8).numpy().view(np.uint8) & mask}
        rest = 'rule=range' if symmetric else 'zero=yes'
        if not symmetric:
            theirs['zeros'] = zero.to(torch.int8).numpy().view(np.uint8) & mask
        spec = f'group:elem=int{bits},size={size},scale=binary32,{rest},order=ct'
        table.add('integers', spec, x, quantize(x, spec, zeros=not symmetric), theirs,
                  [(SPECIAL, not_finite(x, size)),
                   ('range beyond binary32', beyond_binary32(x, size))])


def int4(table, x):
    integers(table, x, 4, 128)


def int8(table, x):
    integers(table, x, 8, 64)


def fp8(table, x):
    args = QuantizationArgs(num_bits=8, type='float', strategy='channel')
    scale, _ = qparams(x, args, COLS)
    q = ct_quantize(torch.from_numpy(x), scale, None, args)
    theirs = {'scales': scale.numpy().view(np.uint32),
              'codes': q.to(torch.float8_e4m3fn).view(torch.uint8).numpy()}
    spec = 'fp8_channel:order=ct'
    table.add('FP8', spec, x, quantize(x, spec), theirs, [(SPECIAL, not_finite(x, COLS))])


if __name__ == '__main__':
    sys.exit(compare(f'compressed-tensors {compressed_tensors.__version__}', mx, nvfp4, int4, int8, fp8))

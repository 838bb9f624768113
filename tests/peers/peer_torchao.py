# SPDX-License-Identifier: Apache-2.0
"""torchao, on the CPU: MX with its four scale modes, NVFP4 with and without a tensor scale, affine
integers, and FP8 with float scales."""
import sys

import numpy as np
import torch
import torchao
from torchao.prototype.mx_formats.config import ScaleCalculationMode as Mode
from torchao.prototype.mx_formats.constants import DTYPE_FP6_E2M3, DTYPE_FP6_E3M2
from torchao.prototype.mx_formats.mx_tensor import to_mx
from torchao.prototype.mx_formats.nvfp4_tensor import nvfp4_quantize, per_tensor_amax_to_scale
from torchao.quantization.quant_primitives import (MappingType, _choose_scale_float8,
                                                   _quantize_affine_float8, choose_qparams_affine,
                                                   quantize_affine)

from blocks import (COLS, beyond_binary32, block_max, compare, near_power, not_finite, quantize,
                    spread)

MX = {'mxfp8_e4m3': (torch.float8_e4m3fn, 448), 'mxfp8_e5m2': (torch.float8_e5m2, 57344),
      'mxfp6_e2m3': (DTYPE_FP6_E2M3, 7.5), 'mxfp6_e3m2': (DTYPE_FP6_E3M2, 28),
      'mxfp4': (torch.float4_e2m1fn_x2, 6)}
SPECIAL = 'a NaN or an infinity'


def nibbles(packed):
    packed = packed.numpy()
    return np.stack([packed & 15, packed >> 4], -1).reshape(len(packed), -1)


def mx(table, x):
    a = block_max(x, 32)
    for name, (dtype, top) in MX.items():
        for mode in (Mode.FLOOR, Mode.CEIL, Mode.EVEN, Mode.RCEIL):
            spec = f'{name}:rule={mode.value}'
            scales, codes = to_mx(torch.from_numpy(x), dtype, 32, mode)
            codes = codes.view(torch.uint8)
            codes = nibbles(codes) if name == 'mxfp4' else codes.numpy()
            theirs = {'scales': scales.view(torch.uint8).numpy(), 'codes': codes}
            ours = quantize(x, spec)
            lowest = spread((ours['scales'] == 0) & (a > 0), 32)
            causes = [(SPECIAL, not_finite(x, 32))]
            if mode is Mode.RCEIL:
                causes += [('log2 in binary32', spread(near_power(a, top), 32)),
                           ('scale 2^-127 taken as 1', lowest)]
            else:
                causes += [('scale 2^-127 taken as 2^-126', lowest)]
            table.add('MX', spec, x, ours, theirs, causes)


def nvfp4(table, x):
    t = torch.from_numpy(x)
    scale = per_tensor_amax_to_scale(t.abs().max())
    scales, codes = nvfp4_quantize(t, 16, scale)
    theirs = {'scales': scales.view(torch.uint8).numpy(), 'codes': nibbles(codes),
              'tensor': scale.numpy().view(np.uint32)}
    spec = 'nvfp4:order=torchao'
    table.add('NVFP4', spec, x, quantize(x, spec, tensor=True), theirs,
              [(SPECIAL, not_finite(x)), ('amax 0: 0 / 0', np.full(x.shape, not x.any()))])
    scales, codes = nvfp4_quantize(t, 16)
    theirs = {'scales': scales.view(torch.uint8).numpy(), 'codes': nibbles(codes)}
    spec = 'nvfp4:tensor=no,order=torchao'
    table.add('NVFP4, one level', spec, x, quantize(x, spec), theirs,
              [(SPECIAL, not_finite(x, 16))])


def integers(table, x, bits, size):
    """`least`: the least scale is the least normal binary32, times what amax is divided by."""
    low, high = -2**(bits - 1), 2**(bits - 1) - 1
    for mapping in (MappingType.SYMMETRIC, MappingType.ASYMMETRIC):
        symmetric = mapping is MappingType.SYMMETRIC
        t = torch.from_numpy(x)
        scale, zero = choose_qparams_affine(t, mapping, (1, size), torch.int8, low, high,
                                            zero_point_dtype=torch.int8)
        codes = quantize_affine(t, (1, size), scale, zero, torch.int8, low, high)
        mask = 2**bits - 1
        theirs = {'scales': scale.numpy().view(np.uint32),
                  'codes': codes.numpy().view(np.uint8) & mask}
        over = mask / 2 if symmetric else mask
        rest = 'rule=range' if symmetric else 'zero=yes'
        if not symmetric:
            theirs['zeros'] = zero.numpy().view(np.uint8) & mask
        spec = f'group:elem=int{bits},size={size},scale=binary32,{rest},order=mul32,least='
        spec += (over * 2.0**-126).hex()
        # `huge`: fl(max - min) is infinite, or 1 / scale is subnormal or 0
        causes = [(SPECIAL, not_finite(x, size)),
                  ('range beyond binary32', beyond_binary32(x, size))]
        table.add('affine', spec, x, quantize(x, spec, zeros=not symmetric), theirs, causes)


def int4(table, x):
    integers(table, x, 4, 128)


def int8(table, x):
    integers(table, x, 8, 64)


def fp8(table, x):
    t = torch.from_numpy(x)
    for spec, shape in (('fp8_channel:order=div32', (1, COLS)),
                        ('fp8_tensor:order=div32', x.shape),
                        ('block:elem=e4m3,size=128,scale=binary32,order=div32', (1, 128))):
        scale = _choose_scale_float8(t, shape)
        codes = _quantize_affine_float8(t, scale)
        theirs = {'scales': scale.numpy().view(np.uint32), 'codes': codes.view(torch.uint8).numpy()}
        size = None if shape == x.shape else shape[1]
        zero = np.full(x.shape, not x.any()) if size is None else spread(block_max(x, size) == 0, size)
        table.add('FP8', spec, x, quantize(x, spec), theirs,
                  [(SPECIAL, not_finite(x, size)), ('amax 0: 0 / 0', zero)])


if __name__ == '__main__':
    sys.exit(compare(f'torchao {torchao.__version__}', mx, nvfp4, int4, int8, fp8))

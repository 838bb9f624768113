# SPDX-License-Identifier: Apache-2.0
"""NVIDIA Model Optimizer, on the CPU: the tensors that it exports."""
import sys

import modelopt
import numpy as np
import torch
from modelopt.torch.quantization.qtensor import (FP8QTensor, INT8QTensor, MXFP4QTensor,
                                                 MXFP8QTensor, NVFP4QTensor)

from blocks import COLS, block_max, compare, near_power, not_finite, quantize, spread

SPECIAL = 'a NaN or an infinity'


def nibbles(packed):
    packed = packed.numpy()
    return np.stack([packed & 15, packed >> 4], -1).reshape(len(packed), -1)


def mx(table, x):
    t = torch.from_numpy(x)
    q, scale = MXFP4QTensor.quantize(t, 32)
    theirs = {'scales': scale.numpy(), 'codes': nibbles(q._quantized_data)}
    spec = 'mxfp4:rule=rceil'
    causes = [(SPECIAL, not_finite(x, 32)),
              ('log2 in binary32', spread(near_power(block_max(x, 32), 6), 32)),
              ('zeros are 8', x == 0)]
    table.add('MXFP4', spec + ' --round rnz', x, quantize(x, spec, '--round', 'rnz'), theirs, causes)
    q, scale = MXFP8QTensor.quantize(t)
    theirs = {'scales': scale.numpy(), 'codes': q._quantized_data.view(torch.uint8).numpy()}
    spec = 'mxfp8_e4m3:rule=rceil'
    causes[1:] = [('log2 in binary32', spread(near_power(block_max(x, 32), 448), 32))]
    table.add('MXFP8', spec, x, quantize(x, spec), theirs, causes)


def nvfp4(table, x):
    spec = 'nvfp4:order=modelopt'
    q, scale, scale2 = NVFP4QTensor.quantize(torch.from_numpy(x.copy()), 16)
    theirs = {'scales': scale.view(torch.uint8).numpy(), 'codes': nibbles(q._quantized_data),
              'tensor': scale2.numpy().view(np.uint32)}
    table.add('NVFP4', spec, x, quantize(x, spec, tensor=True), theirs,
              [(SPECIAL, not_finite(x)), ('amax 0: 0 / 0', np.full(x.shape, not x.any()))])


def channels(table, x):
    t = torch.from_numpy(x)
    for name, cls in (('fp8_channel', FP8QTensor), ('int8_channel', INT8QTensor)):
        q, scale = cls.quantize(t, axis=0)
        theirs = {'scales': scale.numpy().view(np.uint32),
                  'codes': q._quantized_data.view(torch.uint8).numpy()}
        spec = f'{name}:order=div32'
        table.add('channels', spec, x, quantize(x, spec), theirs,
                  [(SPECIAL, not_finite(x, COLS)),
                   ('amax 0: 0 / 0', spread(block_max(x, COLS) == 0, COLS))])


if __name__ == '__main__':
    sys.exit(compare(f'ModelOpt {modelopt.__version__}', mx, nvfp4, channels))

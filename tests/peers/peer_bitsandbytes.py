# SPDX-License-Identifier: Apache-2.0
"""bitsandbytes, on the CPU: NF4 with and without double quantization, and int8 rows."""
import sys

import bitsandbytes
import numpy as np
import torch
from bitsandbytes import functional

from blocks import COLS, block_max, compare, not_finite, quantize, spread

SPECIAL = 'a NaN or an infinity'


def nibbles(packed):
    packed = packed.numpy().ravel()
    return np.stack([packed >> 4, packed & 15], -1).ravel()


def at_threshold(y, values, reach=0):
    """Elements y within two units, and `reach`, of a binary32 midpoint of neighbouring values."""
    values = np.sort(np.float32(values))
    middle = (values[:-1] + values[1:]) / np.float32(2)
    near = np.abs(y[..., None] - middle) <= 2 * np.spacing(np.abs(middle)) + reach
    return near.any(-1)


def scaled(x, size):
    """x times the reciprocal of its block's amax, in binary32."""
    with np.errstate(all='ignore'):
        return x * spread(np.float32(1) / block_max(x, size).astype(np.float32), size)


def nf4(table, x):
    packed, state = functional.quantize_4bit(torch.from_numpy(x), blocksize=64, quant_type='nf4')
    theirs = {'scales': state.absmax.numpy().view(np.uint32), 'codes': nibbles(packed)}
    spec = 'nf4_64:order=mul32'
    causes = [(SPECIAL, not_finite(x, 64)),
              ('binary32 thresholds', at_threshold(scaled(x, 64), state.code.numpy()))]
    table.add('NF4', spec, x, quantize(x, spec), theirs, causes)
    return causes


def nested(table, x, causes):
    """Offsets that differ move all that follows; they are sums in another order, and close."""
    packed, state = functional.quantize_4bit(torch.from_numpy(x), blocksize=64, quant_type='nf4',
                                             compress_statistics=True)
    values = state.state2.code.numpy()
    with open('map.txt', 'w') as f:
        f.write(''.join(float(v).hex() + '\n' for v in values))
    spec = 'nf4_nested:order=mul32,map=[codebook:map.txt]'
    ours = quantize(x, spec, '--nested-scales', 'nested.npy', '--nested-offset', 'offset.npy')
    ours['nested'] = np.load('nested.npy').view(np.uint32)
    offset = np.load('offset.npy')
    ours['offset'] = offset.view(np.uint32)
    theirs = {'offset': state.offset.numpy().view(np.uint32),
              'nested': state.state2.absmax.numpy().view(np.uint32),
              'scales': state.absmax.numpy(), 'codes': nibbles(packed)}
    moved = ours['offset'][0] != theirs['offset'].ravel()[0]
    mean = float(state.offset)
    overflow = not np.isfinite(mean) and np.isfinite(x).all()
    close = moved and abs(mean - float(offset[0])) <= 1e-4 * abs(mean)
    d = block_max(x, 64).astype(np.float32).ravel() - offset[0]
    with np.errstate(all='ignore'):
        y = scaled(d.reshape(1, -1), min(256, d.size))
    # The kernel for processors looks y up in a table with steps of 2^-15.
    tie = spread(at_threshold(y, values, 2.0**-16).reshape(len(x), -1), 64)
    table.add('NF4 nested', spec, x, ours, theirs,
              [(SPECIAL, not_finite(x)),
               ('the sum overflows', np.full(x.shape, overflow)),
               ('mean of amax summed in binary32', np.full(x.shape, close)),
               ('scales all equal: 0 / 0', np.full(x.shape, not d.any())),
               ('scales looked up in steps of 2^-15', tie), causes[1]])


def rows(table, x):
    """theirs: fl(x fl(127 fl(1 / amax))); another rounding than ours only close to ties."""
    q, _, _ = functional.int8_vectorwise_quant(torch.from_numpy(x.copy()))
    spec = 'int8_channel:order=mul32'
    y = scaled(x, COLS).astype(np.float64) * 127
    with np.errstate(invalid='ignore'):
        tie = np.abs(np.abs(y) % 1 - 0.5) < 1e-4
    causes = [(SPECIAL, not_finite(x, COLS)), ('fl(127 fl(1 / amax))', tie),
              ('127 / amax beyond binary32', spread(block_max(x, COLS) < 127 / 3.4e38, COLS))]
    table.add('int8 rows', spec, x, quantize(x, spec), {'codes': q.numpy().view(np.uint8)}, causes)


def nf4_nested(table, x):
    nested(table, x, nf4(table, x))


if __name__ == '__main__':
    sys.exit(compare(f'bitsandbytes {bitsandbytes.__version__}', nf4_nested, rows))

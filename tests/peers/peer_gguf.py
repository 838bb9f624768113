# SPDX-License-Identifier: Apache-2.0
"""gguf, ggml's own Python package: blocks of random bytes decoded, and random numbers, ties, zeros
and single outliers encoded into the types that it encodes, byte for byte."""
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

from common import Table, cast, decode

NAMES = {Type.Q4_0: 'q4_0', Type.Q4_1: 'q4_1', Type.Q5_0: 'q5_0', Type.Q5_1: 'q5_1',
         Type.Q8_0: 'q8_0', Type.Q2_K: 'q2_k', Type.Q3_K: 'q3_k', Type.Q4_K: 'q4_k',
         Type.Q5_K: 'q5_k', Type.Q6_K: 'q6_k', Type.IQ4_NL: 'gguf_iq4_nl', Type.TQ1_0: 'tq1_0',
         Type.TQ2_0: 'tq2_0'}


def samples(rng):
    rows = [rng.standard_normal(256) * s for s in (1, 0.02, 300, 1e-6) for _ in range(200)]
    rows += [rng.integers(-8, 9, 256) / 8.0 for _ in range(200)]
    rows += [np.zeros(256), np.full(256, 0.3), np.where(np.arange(256) % 32 == 7, -3.0, 0)]
    return np.array(rows, np.float32)


def main():
    table = Table()
    rng = np.random.default_rng(3)
    x = samples(rng)
    for kind, name in NAMES.items():
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = rng.integers(0, 256, (2000, size)).astype(np.uint8)
        ours = decode(blocks, name).reshape(2000, -1)
        with np.errstate(all='ignore'):
            theirs = quants.dequantize(blocks, kind)
            differ = np.flatnonzero((ours.astype(np.float32) != theirs) &
                                    ~(np.isnan(ours) & np.isnan(theirs)))
        for i in differ:
            a, b = ours.ravel()[i], float(theirs.ravel()[i])
            near = abs(a - b) <= 2**-20 * max(abs(a), abs(b), np.abs(ours[i // elements]).max())
            table.add('gguf', f'{name}: binary32 sums of its decoder' if near else f'{name}: decoded',
                      int(i), a, b, a, 'policy' if near else 'theirs')
        print(f'{name}: {ours.size} elements decoded, {len(differ)} differ')
        try:
            want = quants.quantize(x, kind)
        except NotImplementedError:
            continue
        got = cast(x, name).reshape(len(x), -1)
        wrong = np.flatnonzero((got != want).any(1))
        for i in wrong:
            table.add('gguf', f'{name}: encoded', int(i), got[i][:8].tobytes().hex(),
                      want[i][:8].tobytes().hex(), '', 'theirs')
        print(f'{name}: {got.size} bytes encoded, {len(wrong)} of {len(x)} rows differ')
    return table.show()


if __name__ == '__main__':
    sys.exit(main())

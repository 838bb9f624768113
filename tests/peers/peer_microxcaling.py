# SPDX-License-Identifier: Apache-2.0
"""microxcaling, from a checkout named by MICROXCALING: values of MX blocks in its rounding modes."""
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.environ['MICROXCALING'])
from mx.mx_ops import _quantize_mx  # noqa: E402
from mx.formats import ElemFormat  # noqa: E402

from blocks import block_max, compare, near_power, spread  # noqa: E402
from common import cast  # noqa: E402

ELEMENTS = {'fp8_e4m3': 'mxfp8_e4m3', 'fp8_e5m2': 'mxfp8_e5m2', 'fp6_e2m3': 'mxfp6_e2m3',
            'fp6_e3m2': 'mxfp6_e3m2', 'fp4_e2m1': 'mxfp4',
            'int8': 'block:elem=[int:n=8,scale=6,symmetric=yes],size=32',
            'int4': 'block:elem=[int:n=4,scale=2,symmetric=yes],size=32'}
ROUNDS = {'nearest': 'rna', 'even': 'rne', 'floor': 'rtz'}


def mx(table, x):
    wrong = spread(near_power(block_max(x, 32), 1), 32) | near_power(np.abs(x).astype(float), 1)
    for name, spec in ELEMENTS.items():
        for theirs, mode in ROUNDS.items():
            values = _quantize_mx(torch.from_numpy(x), 8, ElemFormat.from_str(name), axes=[-1],
                                  block_size=32, round=theirs).numpy()
            ours = cast(x, spec, '--round', mode, codes=False)
            same = (np.isnan(values) & np.isnan(ours)) | (values == ours)
            table.add(f'{name} {theirs}', f'{spec} --round {mode}', x, {'values': same},
                      {'values': np.ones_like(same)}, [('log2 in binary32', wrong)])


if __name__ == '__main__':
    sys.exit(compare('microxcaling', mx))

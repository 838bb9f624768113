# SPDX-License-Identifier: Apache-2.0
"""The weights of the built-in model, as its files have them."""
import glob
import json
import os
import struct

import numpy as np


def demo_weight(tap):
    """The weight of a tap, binary32 [out, in]."""
    for path in sorted(glob.glob(os.environ['ASSAY_SOURCE_DIR'] + '/audit/demo/*.safetensors')):
        with open(path, 'rb') as f:
            size = struct.unpack('<Q', f.read(8))[0]
            t = json.loads(f.read(size)).get('model.' + tap + '.weight')
            if not t:
                continue
            f.seek(8 + size + t['data_offsets'][0])
            raw = f.read(t['data_offsets'][1] - t['data_offsets'][0])
            if t['dtype'] == 'F32':
                return np.frombuffer(raw, '<f4').reshape(t['shape'])
            bits = np.frombuffer(raw, '<u2').astype(np.uint32) << 16
            return bits.view(np.float32).reshape(t['shape'])
    raise LookupError(tap)

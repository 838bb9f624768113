# SPDX-License-Identifier: Apache-2.0
"""The weights of the built-in model, as its file has them."""
import json
import os
import shutil
import struct

import numpy as np

DEMO = os.environ['ASSAY_SOURCE_DIR'] + '/audit/demo'


def read_demo():
    """Bytes of the file, where its data begin, and the header."""
    with open(DEMO + '/model.safetensors', 'rb') as f:
        raw = bytearray(f.read())
    size = struct.unpack('<Q', raw[:8])[0]
    return raw, 8 + size, json.loads(raw[8:8 + size])


def demo_weight(tap):
    """The weight of a tap, binary32 [out, in]."""
    raw, data, head = read_demo()
    tensor = head[f'model.{tap}.weight']
    first, end = tensor['data_offsets']
    return np.frombuffer(raw[data + first:data + end], '<f4').reshape(tensor['shape'])


def shrunk_demo(folder, e):
    """The same function with up_proj 2^e times as large, and down_proj 2^-e times."""
    raw, data, head = read_demo()
    os.makedirs(folder)
    for name in ('config.json', 'tokenizer.json'):
        shutil.copy(f'{DEMO}/{name}', folder)
    for name, tensor in head.items():
        power = e if 'up_proj' in name else -e if 'down_proj' in name else 0
        if power:
            first, end = (data + offset for offset in tensor['data_offsets'])
            raw[first:end] = (np.frombuffer(raw[first:end], '<f4') * np.float32(2.0**power)).tobytes()
    with open(folder + '/model.safetensors', 'wb') as f:
        f.write(raw)

# SPDX-License-Identifier: Apache-2.0
"""Schemes with zero points and with fields of their own in recipes: a projection of the built-in
model is the product that `assay gemm` makes of the same input and weight, bit for bit."""
import glob
import json
import os
import struct

import numpy as np

from cli_check import expect, finish, run

TAP, INPUT = 'layers.0.self_attn.q_proj', 'layers.0.input_layernorm'


def weight():
    for path in sorted(glob.glob(os.environ['ASSAY_SOURCE_DIR'] + '/audit/demo/*.safetensors')):
        with open(path, 'rb') as f:
            size = struct.unpack('<Q', f.read(8))[0]
            head = json.loads(f.read(size))
            key = 'model.' + TAP + '.weight'
            if key in head:
                t = head[key]
                f.seek(8 + size + t['data_offsets'][0])
                raw = f.read(t['data_offsets'][1] - t['data_offsets'][0])
                if t['dtype'] == 'F32':
                    return np.frombuffer(raw, '<f4').reshape(t['shape'])
                bits = np.frombuffer(raw, '<u2').astype(np.uint32) << 16
                return bits.view(np.float32).reshape(t['shape'])
    return None


def recipe(in_, weight_, acc):
    rule = {'tap': TAP, 'in': in_, 'weight': weight_, 'acc': acc, 'out': 'binary64'}
    with open('r.json', 'w') as f:
        json.dump({'assay_recipe': 1, 'rules': [rule, {'tap': '*'}]}, f)


w = weight()
expect(w is not None, 'the weight')
np.save('w.npy', np.ascontiguousarray(w.T).astype(np.float64))
for case in (('int8_group_asym:size=32', 'int8_group_asym:size=24', 'binary32'),
             ('int8_token_asym', 'int8_channel_asym', 'int32'), ('q8_0', 'q4_0', 'binary32'),
             ('mxfp4', 'int4_group_asym:size=32', 'binary32'), ('mx9', 'int8_channel_asym', 'binary64'),
             ('int8_group_asym:size=32', 'q4_k', 'exact'),
             ('int8_token_asym', 'int4_group_asym:size=32', 'binary32@operand:bfloat16')):
    recipe(*case)
    run('run', 'demo', '--text', 'And God said', '--recipe', 'r.json', '--taps', 'taps')
    run('gemm', f'taps/{INPUT}.npy', 'w.npy', 'o.npy', '--a', case[0], '--b', case[1], '--acc', case[2],
        '--out', 'binary64')
    got, want = np.load(f'taps/{TAP}.npy'), np.load('o.npy')
    expect(got.shape == want.shape and got.tobytes() == want.tobytes(), f'{case}')
for case in (('q8_0', 'q4_0', 'int32'), ('int8_token_asym', 'int8_channel_asym',
                                         'ampere.mma.m16n8k32.s32.s8.s8.s32'),
             ('q8_0', 'q8_0', 'hopper.wgmma.f32.e4m3.e4m3')):
    recipe(*case)
    run('run', 'demo', '--text', 'And', '--recipe', 'r.json', '--taps', 'none', code=2)
expect(not os.path.exists('none'), 'errors leave no folder')
finish()

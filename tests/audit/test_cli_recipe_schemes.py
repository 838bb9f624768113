# SPDX-License-Identifier: Apache-2.0
"""Schemes with zero points and with fields of their own in recipes: a projection of the built-in
model is the product that `assay gemm` makes of the same input and weight, bit for bit."""
import json
import os

import numpy as np

from cli_check import expect, finish, run
from demo_weight import demo_weight

TAP, INPUT = 'layers.0.self_attn.q_proj', 'layers.0.input_layernorm'


def recipe(in_, weight_, acc):
    rule = {'tap': TAP, 'in': in_, 'weight': weight_, 'acc': acc, 'out': 'binary64'}
    with open('r.json', 'w') as f:
        json.dump({'assay_recipe': 1, 'rules': [rule, {'tap': '*'}]}, f)


np.save('w.npy', np.ascontiguousarray(demo_weight(TAP).T).astype(np.float64))
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

# SPDX-License-Identifier: Apache-2.0
"""Weight schemes in recipes whose scales belong to more than one row: the table's rows and a
projection of the built-in model have the values that `assay cast` makes of the whole weight, and
products of codes are those of `assay gemm`, bit for bit."""
import csv
import json
import os

import numpy as np

from cli_check import expect, finish, run
from demo_weight import demo_weight, shrunk_demo

EMBED, TAP, INPUT = 'embed_tokens', 'layers.0.self_attn.q_proj', 'layers.0.input_layernorm'
IDS = [0, 31, 32, 47, 48, 96, 300, 31]


def stream(name):
    """32-bit FNV-1a, docs/commands.md."""
    h = 0x811c9dc5
    for c in name.encode():
        h = (h ^ c) * 0x01000193 & 0xffffffff
    return str(h)


def recipe(tap, **rule):
    with open('r.json', 'w') as f:
        json.dump({'assay_recipe': 1, 'rules': [{'tap': tap, **rule}, {'tap': '*'}]}, f)


def taps(folder, *args):
    run('run', 'demo', '--tokens', 'ids.npy', '--recipe', 'r.json', '--taps', folder, *args)


def same(a, b, what):
    x, y = np.load(a), np.load(b)
    expect(x.shape == y.shape and x.tobytes() == y.tobytes(), what)


np.save('ids.npy', np.array(IDS, np.int32))
table, w = (demo_weight(tap).astype(np.float64) for tap in (EMBED, TAP))
np.save('table.npy', table)
np.save('w.npy', w)
np.save('wt.npy', np.ascontiguousarray(w.T))

# Values: a row of the table is its result, and an exact sum takes what cast makes.
ALL = ('nvfp4', 'nvfp4_46', 'nvint4', 'nvfp4:tensor=divisor', 'nvfp4_2d', 'nvfp4:order=te',
       'nvfp4:order=torchao', 'nvfp4:order=ct', 'nvfp4:order=modelopt', 'nvfp4_2d:order=te',
       'deepseek_128x128', 'deepseek_128x128:order=mul32', 'deepseek_128x128_ue8m0', 'bm8',
       'tile:elem=e4m3,rows=5,cols=100', 'fp8_tensor', 'int8_tensor', 'int8_tensor_asym',
       'ternary_tensor', 'dfp8', 'tensor:elem=e2m1,scale=e4m3,rule=mse,tensor=multiplier',
       'tensor:elem=int4,rule=[percentile:p=99]')
for i, spec in enumerate(ALL):
    mode = ('rne', 'sr', 'rtz')[i % 3]
    for tap, source in ((EMBED, 'table.npy'), (TAP, 'w.npy')):
        run('cast', source, f'{tap}.npy', '--to', spec, '--round', mode, '--seed', '7', '--stream',
            stream(tap + ':weight'))
    recipe(EMBED, weight=spec, round=mode)
    taps('t', '--seed', '7')
    expect(np.load(f't/{EMBED}.npy').tobytes() == np.load(f'{EMBED}.npy')[IDS].tobytes(),
           f'{spec} {mode}: the table')
    recipe(TAP, weight=spec, acc='exact', round=mode)
    taps('t', '--seed', '7')
    np.save('q.npy', np.ascontiguousarray(np.load(f'{TAP}.npy').T))
    run('gemm', f't/{INPUT}.npy', 'q.npy', 'o.npy', '--a', 'binary64', '--b', 'binary64', '--acc',
        'exact', '--out', 'binary64', '--round', mode, '--seed', '7', '--stream', stream(TAP))
    same(f't/{TAP}.npy', 'o.npy', f'{spec} {mode}: exact sums')

# Codes and scales, on accumulators and units with and without scales, and dequantized operands.
NV = 'blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3'
FP8 = 'hopper.wgmma.f32.e4m3.e4m3'
BLOCKS = 'block:elem=e2m1,size=16,scale=ue4m3,rule=max'
for a, b, acc in ((BLOCKS, 'nvfp4', NV), (BLOCKS, 'nvfp4:tensor=divisor', NV), (BLOCKS, 'nvfp4_2d', NV),
                  (BLOCKS, 'nvfp4:order=te', NV), (BLOCKS, 'nvfp4', 'binary32'),
                  ('mxfp4', 'nvfp4:order=ct', 'binary32:block=16'), ('bfloat16', 'nvfp4_2d', 'binary32'),
                  ('deepseek_1x128', 'deepseek_128x128', FP8),
                  ('deepseek_1x128:size=32', 'tile:elem=e4m3,rows=48,cols=48', FP8 + ':scaled=fma'),
                  ('fp8_token', 'fp8_tensor', FP8), ('int8_token_asym', 'int8_tensor_asym', 'int32'),
                  ('bfloat16', 'ternary_tensor', 'binary32:pairwise'), ('q8_0', 'nvfp4', 'exact'),
                  ('mxfp4', 'nvfp4', 'binary32@operand:bfloat16'),
                  ('mxfp4', 'deepseek_128x128', FP8 + '@operand:e4m3')):
    recipe(TAP, **{'in': a, 'weight': b, 'acc': acc})
    taps('t')
    run('gemm', f't/{INPUT}.npy', 'wt.npy', 'o.npy', '--a', a, '--b', b, '--acc', acc, '--out', 'binary64')
    same(f't/{TAP}.npy', 'o.npy', f'{a} x {b} in {acc}')

# A candidate's scales are those of its own weights.
shrunk_demo('small', -6)
recipe('*_proj', weight='nvfp4')
for folder, models in (('two', ('demo', 'small')), ('one', ('small',))):
    run('audit', *models, '--recipe', 'r.json', '--tokens', 'ids.npy', '--greedy', '1', '--out', folder)
two, one = ([line for line in open(f'{folder}/digests.txt') if '  candidate/' in line]
            for folder in ('two', 'one'))
expect(len(one) > 20 and one == two, 'a candidate under a recipe')
with open('one/tensors.csv') as f:
    rows = [row for row in csv.DictReader(f) if row['tap'].endswith('_proj')]
expect(rows and all(float(row['quantization_rel_l2']) > 0 and float(row['arithmetic_rel_l2']) == 0
                    for row in rows), 'binary64 sums: quantizing is all that errs')

# What stays refused, in one line.
for key, spec, says in (('weight', 'nf4_nested', 'nested'), ('in', 'nvfp4', 'more than one row'),
                        ('in', 'deepseek_128x128', 'more than one row'),
                        ('out', 'fp8_tensor', 'more than one row')):
    recipe(TAP, **{key: spec})
    said = run('run', 'demo', '--text', 'And', '--recipe', 'r.json', '--taps', 'none', code=2)
    expect(f'rules[0].{key}' in said and says in said and said.count('\n') == 1, said)
expect(not os.path.exists('none'), 'errors leave no folder')
finish()

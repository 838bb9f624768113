# SPDX-License-Identifier: Apache-2.0
"""cast --round MODE+ef with schemes: step by step as plain casts of x + e, and the sums."""
import os
from fractions import Fraction

import numpy as np

from cli_check import expect, finish, run


def exact(x):
    return [Fraction(float(v)) for v in np.asarray(x).ravel()]


STEPS = 6
rng = np.random.default_rng(2)
x = rng.standard_normal((STEPS, 2, 40)).astype(np.float32)
x[0, 0, 3], x[3, 1, 7] = 30, 0
for spec in ('mxfp4', 'mxfp8_e4m3:rule=rceil', 'int8_token', 'int4_group:size=32', 'amdfp4',
             'mxfp4:rule=mse', 'tile:elem=e4m3,rows=2,cols=10,scale=e8m0,rule=rceil'):
    shape = (5, 16) if spec.startswith('tile') else (2, 40)  # the last tiles are short
    x = x.reshape(STEPS, *shape)
    np.save('x.npy', x)
    run('cast', 'x.npy', 'v.npy', '--to', spec, '--round', 'rne+ef', '--residue-out', 'e.npy')
    run('cast', 'x.npy', 'c.npy', '--to', spec, '--round', 'rne+ef', '--codes', '--scales', 's.npy')
    values, codes, scales = np.load('v.npy'), np.load('c.npy'), np.load('s.npy')
    e = [Fraction(0)] * 80
    for t in range(STEPS):
        u = [a + b for a, b in zip(exact(x[t]), e)]
        np.save('u.npy', np.array([float(a) for a in u]).reshape(shape))
        expect(exact(np.load('u.npy')) == u, f'{spec}: a sum that binary64 does not hold')
        run('cast', 'u.npy', 'q.npy', '--to', spec)
        q = np.load('q.npy')
        run('cast', 'u.npy', 'k.npy', '--to', spec, '--codes', '--scales', 'l.npy')
        expect(np.array_equal(values[t], q.astype(np.float32)), f'{spec}: values of step {t}')
        expect(np.array_equal(codes[t], np.load('k.npy')), f'{spec}: codes of step {t}')
        expect(np.array_equal(scales[t], np.load('l.npy')), f'{spec}: scales of step {t}')
        # Past the end of a block's range e is cut to a step, and this replay ends there.
        e = [a - b for a, b in zip(u, exact(q))]
    residue = np.load('e.npy')
    expect(residue.dtype == np.float32 and residue.shape == (2, 80), f'{spec}: residues')
    if spec not in ('mxfp4', 'amdfp4', 'mxfp4:rule=mse'):  # the others saturate, see below
        expect([a + b for a, b in zip(exact(residue[0]), exact(residue[1]))] == e, f'{spec}: e')

x = x.reshape(STEPS, 2, 40)
np.save('x.npy', x)

# Two halves are the whole, and what is lost is delayed: the sums differ by the last residue.
for spec in ('mxfp8_e4m3:rule=rceil', 'nvfp4'):
    run('cast', 'x.npy', 'v.npy', '--to', spec, '--round', 'rne+ef', '--residue-out', 'e.npy')
    if spec != 'nvfp4':
        np.save('a.npy', x[:3])
        np.save('b.npy', x[3:])
        run('cast', 'a.npy', 'va.npy', '--to', spec, '--round', 'rne+ef', '--residue-out', 'ea.npy')
        run('cast', 'b.npy', 'vb.npy', '--to', spec, '--round', 'rne+ef', '--residue-in', 'ea.npy')
        halves = np.concatenate([np.load('va.npy'), np.load('vb.npy')])
        expect(np.array_equal(np.load('v.npy'), halves), f'{spec}: in two parts')
        total = [sum(column, Fraction(0)) for column in zip(*(exact(v) for v in np.load('v.npy')))]
        want = [sum(column, Fraction(0)) for column in zip(*(exact(v) for v in x))]
        rest = [a + b for a, b in zip(*(exact(r) for r in np.load('e.npy')))]
        expect([a + b for a, b in zip(total, rest)] == want, f'{spec}: sums')

# One column, a constant of a third: the mean comes out although the format has no third.
np.save('x.npy', np.full((300, 1, 32), 1 / 3, np.float32))
run('cast', 'x.npy', 'v.npy', '--to', 'mxfp4:rule=rceil', '--round', 'rne+ef')
expect(abs(np.load('v.npy').mean() - 1 / 3) < 1e-3, 'the mean survives')

np.save('x.npy', x)
np.save('y.npy', x.reshape(-1))
np.save('z.npy', x.reshape(-1, 40))
for args in (('x.npy', 'q4_0'), ('z.npy', 'deepseek_128x128'), ('x.npy', 'int8_tensor'),
             ('y.npy', 'mxfp4'), ('x.npy', 'mxfp4', '--ef', 'row')):
    run('cast', args[0], 'none.npy', '--to', args[1], '--round', 'rne+ef', *args[2:], code=2)
expect(not os.path.exists('none.npy'), 'errors leave no file')
finish()

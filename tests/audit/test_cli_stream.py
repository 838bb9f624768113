# SPDX-License-Identifier: Apache-2.0
"""Arrays longer than a piece: one scale for all of it, the same codes as one row gets at once, and
memory that does not grow with the file."""
import resource

import numpy as np

from cli_check import expect, finish, run

N = 300007  # three pieces, and no multiple of anything
# One scale per tensor, and the scheme that takes a row at once. Elements are the same.
PAIRS = [('fp8_tensor', 'fp8_channel'),
         ('int8_tensor_asym', 'int8_channel_asym'),
         ('tensor:elem=e4m3,scale=e8m0,rule=ceil', 'channel:elem=e4m3,scale=e8m0,rule=ceil'),
         ('tensor:elem=int8,rule=range', 'channel:elem=int8,rule=range'),
         ('tensor:elem=e4m3,rule=mean', 'channel:elem=e4m3,rule=mean')]


def cast(x, spec, *options):
    np.save('x.npy', x)
    zeros = ['--zeros', 'z.npy'] if 'asym' in spec else []
    run('cast', 'x.npy', 'c.npy', '--to', spec, '--codes', '--scales', 's.npy', *zeros, *options)
    run('decode', 'c.npy', 'd.npy', '--from', spec, '--scales', 's.npy', *zeros)
    run('cast', 'x.npy', 'v.npy', '--to', spec, *options)
    return [np.load(f).ravel().tobytes() for f in ('c.npy', 's.npy', 'd.npy', 'v.npy')]


def check_pieces():
    rng = np.random.default_rng(4)
    x = rng.standard_normal(N).astype(np.float32)
    x[N - 3] = -7.25  # amax lies in the last piece
    nan, infinite = x.copy(), x.copy()
    nan[5] = np.nan
    infinite[N - 1] = np.inf
    for tensor, row in PAIRS:
        want = cast(x, row)
        expect(cast(x, tensor) == want, f'{tensor} of one row')
        expect(cast(x[:N - 7].reshape(1000, 300), tensor) ==
               cast(x[:N - 7], row), f'{tensor} of many rows')
        sr = ('--round', 'sr', '--seed', '3')
        expect(cast(x, tensor, *sr) == cast(x, row, *sr), f'{tensor}, stochastic')
        for name, special in (('NaN', nan), ('infinity', infinite)):
            expect(cast(special, tensor) == cast(special, row), f'{tensor} with {name}')
            expect(np.isnan(np.load('d.npy')).all(), f'{tensor}: all of it is NaN')


def peak(*args):
    """Largest resident set in KiB so far of the children: calls come in ascending order."""
    run(*args)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def check_memory():
    """64 MiB in and 16 MiB out, against a small file."""
    np.save('small.npy', np.ones((64, 4096), np.float32))
    np.save('big.npy', np.ones((4096, 4096), np.float32))
    np.save('codes.npy', np.ones((8192, 4096), np.uint8))
    cases = [('cast', '--to', 'e4m3', '--codes'), ('cast', '--to', 'nvfp4', '--codes'),
             ('cast', '--to', 'fp8_tensor', '--codes'), ('cast', '--to', 'q8_0', '--codes')]
    base = max(peak(command, 'small.npy', 'o.npy', *rest) for command, *rest in cases)
    for command, *rest in cases:
        grown = peak(command, 'big.npy', 'o.npy', *rest) - base
        expect(grown < 24 << 10, f'{" ".join(rest)}: {grown} KiB more for 64 MiB')
    grown = peak('decode', 'codes.npy', 'o.npy', '--from', 'e4m3') - base
    expect(grown < 24 << 10, f'decode: {grown} KiB more for 32 MiB')
    grown = peak('diff', 'codes.npy', 'codes.npy') - base
    expect(grown < 24 << 10, f'diff: {grown} KiB more for 64 MiB')


check_memory()  # first: the largest of all children counts
check_pieces()
finish()

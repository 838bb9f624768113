# SPDX-License-Identifier: Apache-2.0
"""CPU time per element of the peers and of the library, on N(0, 1) in binary32: least of the runs."""
import os
import subprocess
import time

import ml_dtypes
import numpy as np
from gfloat import RoundMode, round_ndarray
from gfloat.formats import format_info_ocp_e4m3

x = np.random.default_rng(1).standard_normal(16 << 20).astype(np.float32)


def measure(name, function, n, runs=3):
    best = min(timed(function) for _ in range(runs))
    print(f'{name:44s} {best / n * 1e9:9.2f} ns/element', flush=True)


def timed(function):
    start = time.process_time()
    function()
    return time.process_time() - start


measure('ml_dtypes astype float32 -> e4m3fn', lambda: x.astype(ml_dtypes.float8_e4m3fn), x.size)
measure('ml_dtypes astype float32 -> e5m2', lambda: x.astype(ml_dtypes.float8_e5m2), x.size)
part = x[:1 << 20]
measure('gfloat round_ndarray e4m3 rne', lambda: round_ndarray(format_info_ocp_e4m3, part), part.size)
bits = np.arange(part.size) % 256
measure('gfloat round_ndarray e4m3 stochastic', lambda: round_ndarray(
    format_info_ocp_e4m3, part, RoundMode.StochasticFastest, srbits=bits, srnumbits=8), part.size)
try:
    os.environ['chop_backend'] = 'numpy'
    import pychop
    for mode, name in ((1, 'rne'), (5, 'stochastic')):
        chop = pychop.Chop(exp_bits=5, sig_bits=2, rmode=mode, subnormal=True)
        measure(f'pychop e5m2 {name}', lambda: chop(part), part.size)
except Exception as error:  # an optional peer, whatever it fails with
    print(f'pychop: not measured ({type(error).__name__}: {error})')

bench = os.environ.get('BENCH_CAST', '')
if os.path.exists(bench):
    print('the library (format mode data isa; values: ns, of memcpy, ns in cache; codes: the same)')
    print(subprocess.run([bench, 'e4m3', 'e5m2'], check=True, capture_output=True, text=True).stdout)

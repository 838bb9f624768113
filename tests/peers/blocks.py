# SPDX-License-Identifier: Apache-2.0
"""Schemes against their producers: tensors by kind, the command's codes and scales for them, and
what differs, by cause."""
import os
import subprocess
import sys

import numpy as np

from common import ASSAY

COLS = 256


def near_powers(rng, rows):
    """Rows whose amax is a power of two or close to one, to 1.5, 1.75 or 1.875 of one."""
    x = rng.uniform(-1, 1, (rows, COLS)).astype(np.float32)
    top = np.float32([1, 1.5, 1.75, 1.875, 7 / 8, 1.25])[rng.integers(0, 6, (rows, COLS // 16))]
    step = rng.integers(-8, 9, top.shape)
    top = (top.view(np.int32) + step).astype(np.int32).view(np.float32)
    top = np.ldexp(top, rng.integers(-20, 21, top.shape)).astype(np.float32)
    x = x.reshape(rows, -1, 16) * top[:, :, None]
    x[:, :, 5] = np.where(rng.integers(0, 2, top.shape) == 0, top, -top)
    return x.reshape(rows, COLS)


def ties(rng, rows):
    """Small multiples of a power of two with an amax that makes the scale one: exact ties."""
    x = rng.integers(-96, 97, (rows, COLS)).astype(np.float32) / 16
    x[:, ::16] = 6
    x[::2] *= np.float32(2.0**-7)
    return x


def lone(rng, rows):
    x = np.zeros((rows, COLS), np.float32)
    at = rng.integers(0, COLS, rows)
    x[np.arange(rows), at] = rng.standard_normal(rows) * 10.0**rng.integers(-30, 31, rows)
    return x


def with_special(rng, rows, special):
    x = rng.standard_normal((rows, COLS)).astype(np.float32)
    x[np.arange(rows), rng.integers(0, COLS, rows)] = special
    return x


def kinds(seed=11, rows=256):
    """Name, float32 [rows, COLS]; a tensor each, since a tensor's scale is that of all of it."""
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((4 * rows, COLS))
    wide = np.ldexp(rng.standard_normal((rows, COLS)), rng.integers(-60, 60, (rows, 1)))
    return {
        'normal': normal.astype(np.float32),
        'weights': (normal[:rows] * 0.02).astype(np.float32),
        'wide': wide.astype(np.float32),
        'powers': near_powers(rng, rows),
        'ties': ties(rng, rows),
        'lone': lone(rng, rows),
        'equal': np.repeat(rng.standard_normal((rows, 1)), COLS, 1).astype(np.float32),
        'zeros': np.where(rng.integers(0, 2, (4, COLS)) == 0, 0, -0.0).astype(np.float32),
        'tiny': (rng.standard_normal((rows, COLS)) * 1e-38).astype(np.float32),
        'huge': (rng.uniform(-1, 1, (rows, COLS)) * 3.4e38).astype(np.float32),
        'nan': with_special(rng, 16, np.nan),
        'inf': with_special(rng, 16, np.inf),
    }


def quantize(x, spec, *options, zeros=False, tensor=False):
    """The command's codes and scales, zero points and tensor scale if there are."""
    np.save('in.npy', x)
    files = ['--scales', 'scales.npy']
    files += ['--zeros', 'zeros.npy'] if zeros else []
    files += ['--tensor-scale', 'tensor.npy'] if tensor else []
    subprocess.run([ASSAY, 'cast', 'in.npy', 'codes.npy', '--to', spec, '--codes', '--quiet',
                    *files, *options], check=True)
    out = {'codes': np.load('codes.npy'), 'scales': np.load('scales.npy')}
    if zeros:
        out['zeros'] = np.load('zeros.npy')
    if tensor:
        out['tensor'] = np.load('tensor.npy').view(np.uint32)
    return out


def block_max(x, size):
    """Largest magnitude of each block, exact, in binary64."""
    return np.abs(x.astype(np.float64)).reshape(len(x), -1, size).max(-1)


def spread(flags, size):
    """Of blocks to their elements."""
    return np.repeat(flags, size, 1)


def not_finite(x, size=None):
    """Elements of blocks with a NaN or an infinity (None: of a tensor with one)."""
    bad = ~np.isfinite(x)
    if size is None:
        return np.full(x.shape, bad.any())
    return spread(bad.reshape(len(x), -1, size).any(-1), size)


def beyond_binary32(x, size):
    """Elements of blocks whose largest less their smallest, 0 among them, is no binary32."""
    blocks = x.astype(np.float64).reshape(len(x), -1, size)
    with np.errstate(invalid='ignore'):
        span = np.maximum(blocks.max(-1), 0) - np.minimum(blocks.min(-1), 0)
    return spread(span > 3.402823466e38, size)


def near_power(a, over):
    """Where log2(a / over) in binary32 need not know on which side of an integer it is."""
    with np.errstate(divide='ignore', invalid='ignore'):
        e = np.log2(a / over)
        return np.isfinite(e) & (e != np.rint(e)) & (np.abs(e - np.rint(e)) < 2e-5)


class Comparison:
    """Differences by scheme and cause. A cause says which elements it may touch: a difference
    elsewhere has none, and counts as ours until somebody looks."""

    def __init__(self, peer):
        self.peer, self.rows, self.wrong = peer, {}, 0

    def add(self, what, spec, x, ours, theirs, causes=()):
        row = self.rows.setdefault((what, spec), [0, 0, {}])
        row[0] += x.size
        for name in theirs:
            a, b = ours[name], np.asarray(theirs[name]).reshape(ours[name].shape)
            left = a != b
            row[1] += a.size
            for cause, mask in causes:
                here = left & self.of_shape(mask, left)
                if here.any():
                    key = f'{cause}, {name}'
                    row[2][key] = row[2].get(key, 0) + int(here.sum())
                left = left & ~here
            if left.any():
                self.wrong += 1
                key = f'NO CAUSE KNOWN, {name}'
                row[2][key] = row[2].get(key, 0) + int(left.sum())
                if os.environ.get('PEERS_SHOW'):
                    print(spec, name, [(int(i), int(a.flat[i]), int(b.flat[i]))
                                       for i in np.flatnonzero(left)[:4]])

    @staticmethod
    def of_shape(mask, like):
        if mask.size == like.size:
            return mask.reshape(like.shape)
        if like.ndim == 2 and len(mask) == len(like):
            return mask.reshape(*like.shape, -1).any(-1)
        return np.broadcast_to(mask.any(), like.shape)

    def show(self):
        """A row per scheme. 1 if a difference has no cause."""
        print(f'### {self.peer}\n| what | SPEC | elements | codes, scales, ... | different |\n'
              '|---|---|---|---|---|')
        for (what, spec), (elements, compared, causes) in self.rows.items():
            text = '; '.join(f'{cause}: {n}' for cause, n in causes.items()) or 'none'
            print(f'| {what} | `{spec}` | {elements} | {compared} | {text} |')
        sys.stdout.flush()
        return 1 if self.wrong else 0


def compare(peer, *checks):
    """All kinds of tensors through checks(table, x); the exit status."""
    table = Comparison(peer)
    for x in kinds().values():
        for check in checks:
            check(table, x)
    return table.show()

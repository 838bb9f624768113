# SPDX-License-Identifier: Apache-2.0
"""GGUF blocks through the command. Decoding: every byte of every field takes all its values, and
random blocks, against the reconstruction formulas in exact integers. Encoding: the types whose
rule is ggml's, byte for byte, replayed in binary32; the others have to be near. More bytes and more
samples with ASSAY_THOROUGH=1."""
import os

import numpy as np

from cli_check import expect, finish, run

THOROUGH = os.environ.get('ASSAY_THOROUGH') == '1'
F32 = np.float32
SIZE = {'q4_0': (32, 18), 'q4_1': (32, 20), 'q5_0': (32, 22), 'q5_1': (32, 24), 'q8_0': (32, 34),
        'q2_k': (256, 84), 'q3_k': (256, 110), 'q4_k': (256, 144), 'q5_k': (256, 176),
        'q6_k': (256, 210), 'gguf_iq4_nl': (32, 18), 'tq1_0': (256, 54), 'tq2_0': (256, 66)}
IQ4_NL = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]


def half(b, at):
    return float(np.frombuffer(bytes(b[at:at + 2]), '<f2')[0])


def small(kind, b):
    d, out = half(b, 0), []
    if kind == 'q8_0':
        return d, [int(v) for v in np.array(b[2:34], np.uint8).view(np.int8)], None
    minimum = half(b, 2) if kind in ('q4_1', 'q5_1') else None
    at = 4 if minimum is not None else 2
    high = None
    if kind in ('q5_0', 'q5_1'):
        high = int.from_bytes(bytes(b[at:at + 4]), 'little')
        at += 4
    for j in range(32):
        q = b[at + j % 16] >> (4 if j >= 16 else 0) & 15
        if high is not None:
            q |= (high >> j & 1) << 4
        out.append(IQ4_NL[q] if kind == 'gguf_iq4_nl' else
                   q - {'q4_0': 8, 'q5_0': 16}.get(kind, 0))
    return d, out, minimum


def six_bits(s, j):
    if j < 4:
        return s[j] & 63, s[j + 4] & 63
    return (s[j + 4] & 15) | (s[j - 4] >> 6) << 4, s[j + 4] >> 4 | (s[j] >> 6) << 4


def large(kind, b):
    """d, dmin and per element (scale, minimum, q)."""
    out = []
    if kind == 'q2_k':
        for half_at in (0, 128):
            for shift in range(4):
                for l in range(32):
                    j = half_at + shift * 32 + l
                    s = b[j // 16]
                    out.append((s & 15, s >> 4, b[16 + half_at // 4 + l] >> 2 * shift & 3))
        return half(b, 80), half(b, 82), out
    if kind == 'q3_k':
        s = b[96:108]
        for j in range(256):
            p = j // 16
            low = s[p] & 15 if p < 8 else s[p - 8] >> 4
            scale = (low | (s[8 + p % 4] >> 2 * (p // 4) & 3) << 4) - 32
            q = b[32 + j // 128 * 32 + j % 32] >> 2 * (j % 128 // 32) & 3
            out.append((scale, 0, q - (0 if b[j % 32] >> j // 32 & 1 else 4)))
        return half(b, 108), 0, out
    if kind in ('q4_k', 'q5_k'):
        at = 16 if kind == 'q4_k' else 48
        for j in range(256):
            scale, minimum = six_bits(b[4:16], j // 32)
            q = b[at + j // 64 * 32 + j % 32] >> (4 if j % 64 >= 32 else 0) & 15
            if kind == 'q5_k':
                q += (b[16 + j % 32] >> j // 32 & 1) * 16
            out.append((scale, minimum, q))
        return half(b, 0), half(b, 2), out
    for j in range(256):  # q6_k
        base, l, quarter = j // 128, j % 32, j % 128 // 32
        low = b[64 * base + l + 32 * (quarter % 2)] >> (4 if quarter >= 2 else 0) & 15
        high = b[128 + 32 * base + l] >> 2 * quarter & 3
        scale = b[192 + j // 16]
        out.append((scale - 256 if scale > 127 else scale, 0, (low | high << 4) - 32))
    return half(b, 208), 0, out


def ternary(kind, b):
    q = [0] * 256
    if kind == 'tq2_0':
        for j in range(256):
            q[j] = (b[j // 128 * 32 + j % 32] >> 2 * (j % 128 // 32) & 3) - 1
        return half(b, 64), q
    at = 0
    for first, count, trits in ((0, 32, 5), (32, 16, 5), (48, 4, 4)):
        for n in range(trits):
            for m in range(count):
                q[at] = ((b[first + m] * 3 ** n % 256) * 3 >> 8) - 1
                at += 1
    return half(b, 52), q


def product(d, *factors):
    """A binary16 times integers, in integers of 2^-24: exact."""
    whole = 1
    for f in factors:
        whole *= f
    if not np.isfinite(d):
        with np.errstate(all='ignore'):
            return float(np.float64(d) * whole)
    units = int(d * 2 ** 24) * whole
    assert abs(units) < 2 ** 53
    return units / 2 ** 24


def decode(kind, b):
    b = [int(v) for v in b]
    with np.errstate(all='ignore'):
        if kind in ('tq1_0', 'tq2_0'):
            d, q = ternary(kind, b)
            return [product(d, v) for v in q]
        if SIZE[kind][0] == 32:
            d, q, minimum = small(kind, b)
            plus = 0.0 if minimum is None else minimum
            return [product(d, v) if minimum is None else product(d, v) + plus for v in q]
        d, dmin, parts = large(kind, b)
        return [product(d, s, q) - product(dmin, m) for s, m, q in parts]


def blocks_for(kind, rng):
    """Random blocks, and for every byte of the block all, or some, of its 256 values."""
    n = SIZE[kind][1]
    blocks = [rng.integers(0, 256, n) for _ in range(20)]
    base = rng.integers(0, 256, n)
    for at in range(n):
        step = 1 if THOROUGH and n < 60 else 31 if THOROUGH else 13 if n < 60 else 127
        for value in range(at % step, 256, step):
            block = base.copy()
            block[at] = value
            blocks.append(block)
    every = np.arange(256, dtype=np.int64)
    for at in range(0, n, 3 if THOROUGH else 9):  # neighbours together: fields that straddle
        block = base.copy()
        block[at:at + 3] = rng.permutation(every)[:len(block[at:at + 3])]
        blocks.append(block)
    return np.array(blocks, np.uint8)


def check_decode(kind, rng):
    blocks = blocks_for(kind, rng)
    np.save('b.npy', blocks)
    run('decode', 'b.npy', 'd.npy', '--from', kind)
    got = np.load('d.npy').reshape(len(blocks), -1)
    wrong = 0
    for i, block in enumerate(blocks):
        want = np.array(decode(kind, block))
        same = (got[i] == want) | (np.isnan(got[i]) & np.isnan(want))
        same &= (np.signbit(got[i]) == np.signbit(want)) | np.isnan(want) | (want == 0)
        wrong += int(np.sum(~same))
    return wrong, blocks.shape[0] * SIZE[kind][0]


def put_half(x):
    with np.errstate(over='ignore'):
        return list(np.array([x], '<f4').astype('<f2').view(np.uint8))


def away(v):
    return int(np.floor(np.abs(np.float64(v)) + 0.5) * np.sign(v))


def encode(kind, x):
    x = x.astype(F32)
    top = {'q4_0': 15, 'q4_1': 15, 'q5_0': 31, 'q5_1': 31}.get(kind)
    if kind == 'q8_0':
        d = np.abs(x).max() / F32(127)
        inverse = F32(1) / d if d else F32(0)
        return put_half(d) + [away(v * inverse) % 256 for v in x]
    if kind in ('tq1_0', 'tq2_0'):
        d = np.abs(x).max()
        inverse = F32(1) / d if d else F32(0)
        return pack_trits(kind, [away(v * inverse) + 1 for v in x]) + put_half(d)
    if kind in ('q4_0', 'q5_0'):
        offset = (top + 1) // 2
        d = x[np.argmax(np.abs(x))] / F32(-offset)
        inverse = F32(1) / d if d else F32(0)
        q = [min(top, int(v * inverse + F32(offset + 0.5))) for v in x]
        head = put_half(d)
    else:
        d = (x.max() - x.min()) / F32(top)
        inverse = F32(1) / d if d else F32(0)
        q = [min(top, int((v - x.min()) * inverse + F32(0.5))) for v in x]
        head = put_half(d) + put_half(x.min())
    if top == 31:
        head += list(sum((v >> 4) << j for j, v in enumerate(q)).to_bytes(4, 'little'))
    return head + [(q[j] & 15) | (q[j + 16] & 15) << 4 for j in range(16)]


def pack_trits(kind, q):
    out = []
    if kind == 'tq2_0':
        for i in range(64):
            base = i // 32 * 128 + i % 32
            out.append(sum(q[base + 32 * n] << 2 * n for n in range(4)))
        return out
    at = 0
    for count, trits in ((32, 5), (16, 5), (4, 4)):
        for m in range(count):
            v = 0
            for n in range(5):
                v = 3 * v + (q[at + m + n * count] if n < trits else 0)
            out.append((v * 256 + 242) // 243)
        at += count * trits
    return out


def samples(n, rng):
    rows = [rng.standard_normal(n) * s for s in (1, 0.02, 300, 1e-6)]
    rows += [rng.integers(-8, 9, n) / 8.0 for _ in range(40)]  # many ties
    rows += [rng.integers(-31, 32, n) / 2.0 for _ in range(40)]
    rows += [np.append(127 * 0.5 ** k, rng.integers(-126, 126, n - 1) * 0.5 ** k + 0.5 ** (k + 1))
             for k in range(8)]  # amax / 127 is a power of two
    rows += [np.zeros(n), np.full(n, 0.3), np.full(n, -2.0), np.where(np.arange(n) == 7, -3.0, 0)]
    rows += [rng.standard_normal(n) for _ in range(200 if THOROUGH else 30)]
    return np.array(rows, F32)


def check_encode(kind, rng):
    x = samples(SIZE[kind][0], rng)
    np.save('x.npy', x)
    run('cast', 'x.npy', 'c.npy', '--to', kind, '--codes')
    got = np.load('c.npy').reshape(len(x), -1)
    wrong = sum(int(np.sum(got[i] != np.array(encode(kind, row)))) for i, row in enumerate(x))
    return wrong, got.size


def check_near(kind, most, rng):
    """Types without a rule of ggml's: the relative error of normal numbers, and mse <= minmax."""
    x = rng.standard_normal((64, 256)).astype(F32)
    np.save('x.npy', x)
    errors = []
    for rule in ('minmax', 'mse'):
        run('cast', 'x.npy', 'v.npy', '--to', f'{kind}:rule={rule}')
        errors.append(float(np.sqrt(np.mean((np.load('v.npy') - x) ** 2))))
    if not errors[1] <= errors[0] <= most:
        print(f'{kind}: errors {errors}, expected at most {most}')
        return 1
    return 0


def main():
    rng = np.random.default_rng(11)
    wrong = checked = 0
    for kind in SIZE:
        w, n = check_decode(kind, rng)
        if w:
            print(f'{kind}: {w} of {n} decoded wrong')
        wrong, checked = wrong + w, checked + n
    for kind in ('q4_0', 'q4_1', 'q5_0', 'q5_1', 'q8_0', 'tq1_0', 'tq2_0'):
        w, n = check_encode(kind, rng)
        if w:
            print(f'{kind}: {w} of {n} bytes wrong')
        wrong, checked = wrong + w, checked + n
    for kind, most in (('q2_k', 0.4), ('q3_k', 0.2), ('q4_k', 0.09), ('q5_k', 0.05), ('q6_k', 0.025),
                       ('gguf_iq4_nl', 0.09)):
        wrong += check_near(kind, most, rng)
    print(f'{checked} checked, {wrong} wrong')
    expect(wrong == 0, 'results')
    finish()


if __name__ == '__main__':
    main()

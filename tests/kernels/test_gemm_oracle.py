#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`assay gemm` against exact rationals: every accumulator, with and without C, bit for bit."""
import os
import random
import subprocess
import sys
from fractions import Fraction

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gemm_oracle as o  # noqa: E402

ASSAY = os.environ["ASSAY"]
SEED, STREAM = 0x123456789ABCDEF, 0xFFFFFFFE  # shifts of the stream wrap around
checked = wrong = calls = 0


def gemm(a, b, c, acc, out="binary64", spec=("binary64", "binary64"), extra=()):
    global calls
    calls += 1
    np.save("a.npy", a)
    np.save("b.npy", b)
    args = [ASSAY, "gemm", "a.npy", "b.npy", "o.npy", "--a", spec[0], "--b", spec[1], "--acc", acc,
            "--out", out, "--seed", str(SEED), "--stream", str(STREAM), "--quiet", *extra]
    if c is not None:
        np.save("c.npy", c)
        args += ["--c", "c.npy"]
    if calls % 2:
        args += ["--isa", "baseline", "--threads", "2"]
    subprocess.run(args, check=True)
    return np.load("o.npy")


def compare(what, got, want):
    """want(i, j) gives a value; bits are compared."""
    global checked, wrong
    for i in range(got.shape[0]):
        for j in range(got.shape[1]):
            value = want(i, j)
            checked += 1
            if int(got[i, j:j + 1].view(np.uint64)[0]) != o.bits64(value):
                wrong += 1
                if wrong < 20:
                    print(f"{what}: [{i}, {j}] is {float(got[i, j]).hex()}, not {value!r}"
                          f" {float(value).hex() if value == value else ''}")


def element(f, kind, rng):
    """Values that make ties, cancellation, overflow, subnormals or specials likely in f."""
    if kind == "specials" and rng.random() < 0.15:
        return rng.choice([0.0, -0.0, o.INF, -o.INF, o.NAN, float(f.max), -float(f.max)])
    if kind == "tiny":
        return rng.choice([-1, 1]) * rng.randrange(1, 64) * 2.0 ** (max(f.emin, -900) // 2 - f.p // 2)
    if kind == "large":
        return rng.choice([-1, 1]) * rng.randrange(1, 16) * 2.0 ** (min(f.emax, 900) // 2 - 2)
    x = rng.randrange(-(1 << 9), 1 << 9) * 2.0 ** rng.randrange(-10, 3)
    return x if rng.random() < 0.7 else x + rng.choice([-1, 1]) * 2.0 ** -40


def matrices(f, kind, rng, m, n, k, with_c):
    a = np.array([[element(f, kind, rng) for _ in range(k)] for _ in range(m)]).reshape(m, k)
    b = np.array([[element(f, kind, rng) for _ in range(n)] for _ in range(k)]).reshape(k, n)
    c = np.array([[float(f.round(element(f, kind, rng))) for _ in range(n)]
                  for _ in range(m)]).reshape(m, n) if with_c else None
    return a, b, c


def sums(kind, s, c):
    start = 0.0 if c is None else c
    return {"step": lambda x, y, i: s.chain(x, y, start, i),
            "unfused": lambda x, y, i: s.unfused(x, y, start, i),
            "block=3": lambda x, y, i: s.block(3, x, y, start, i),
            "pairwise": lambda x, y, i: s.pairwise(x, y, c, i),
            "kahan": lambda x, y, i: s.kahan(x, y, start, i),
            "step,ef=yes": lambda x, y, i: s.feedback(x, y, start, i),
            "unfused,ef=yes": lambda x, y, i: s.feedback(x, y, start, i, True)}[kind]


KINDS = ["step", "unfused", "block=3", "pairwise", "kahan", "step,ef=yes", "unfused,ef=yes"]
MODES = ["rne", "rna", "rtz", "rup", "rdn", "rodd", "sr", "sra:bits=5", "srb:bits=13", "src:bits=20", "sreq"]


def formats():
    """F:KIND,round=MODE,overflow=POLICY; every mode and kind, formats and data taking turns."""
    rng = random.Random(7)
    data = ["plain", "specials", "tiny", "large"]
    turn = 0
    for kind in KINDS:
        for mode in MODES:
            name = ["bfloat16", "binary16", "e5m2", "e4m3", "binary32"][turn % 5]
            policy = ["spec", "spec", "sat"][turn % 3]
            f = o.FORMATS[name]
            m, n, k = [(3, 4, 9), (1, 5, 8), (2, 2, 1), (4, 1, 7)][turn % 4]
            a, b, c = matrices(f, data[turn // 2 % 4], rng, m, n, k, turn % 2 == 0)
            acc = f"{name}:{kind},round={mode},overflow={policy}"
            s = o.Sum(f, mode, policy, o.Bits(SEED, STREAM))
            compare(acc, gemm(a, b, c, acc), lambda i, j: sums(kind, s, None if c is None else c[i, j])(
                list(a[i]), list(b[:, j]), (i * n + j) * k))
            turn += 1


def pieces():
    """More rows than the command multiplies at a time: C, random bits and scales are those of the row."""
    rng = np.random.default_rng(13)
    f, m, n, k = o.FORMATS["bfloat16"], 517, 2, 3
    a, b = rng.integers(-40, 40, (m, k)) / 3.0, rng.integers(-40, 40, (k, n)) / 7.0
    c = rng.integers(-9, 9, (m, n)).astype(np.float64)
    s = o.Sum(f, "sr", "spec", o.Bits(SEED, STREAM))
    compare("pieces", gemm(a, b, c, "bfloat16:step,round=sr"), lambda i, j: s.chain(
        list(a[i]), list(b[:, j]), c[i, j], (i * n + j) * k))
    tiles = "tile:elem=e4m3,rows=48,cols=2,scale=binary32,rule=max"
    whole = gemm(a, b, None, "binary32", spec=(tiles, "e4m3"))
    parts = [gemm(np.ascontiguousarray(a[i:i + 48]), b, None, "binary32", spec=(tiles, "e4m3"))
             for i in range(0, m, 48)]
    compare("tiles", whole, lambda i, j: float(np.concatenate(parts)[i, j]))


def exact():
    """One rounding into the output, C one more term."""
    rng = random.Random(8)
    for turn, mode in enumerate(MODES * 2):
        name = ["binary16", "e4m3", "binary64", "bfloat16"][turn % 4]
        f = o.FORMATS[name]
        m, n, k = [(2, 3, 12), (1, 1, 30), (3, 2, 1)][turn % 3]
        wide = o.FORMATS["binary64"] if turn % 2 else f
        a, b, c = matrices(wide, ["plain", "specials", "tiny"][turn % 3], rng, m, n, k, turn % 4 < 2)
        bits = o.Bits(SEED, STREAM)

        def want(i, j):
            terms = [o.times(x, y) for x, y in zip(a[i], b[:, j])] + ([c[i, j]] if c is not None else [])
            return f.round(o.plus(terms, mode), mode, "spec", bits, i * n + j)
        compare(f"exact into {name}, {mode}",
                gemm(a, b, c, "exact", name, extra=["--round", mode]), want)


def split():
    """bf16x9 and ozaki, on binary32 and binary64 operands of wide range."""
    rng = random.Random(9)
    for turn in range(10):
        m, n, k = [(2, 3, 7), (3, 1, 1), (1, 2, 20)][turn % 3]
        span = [3, 30, 60, 126, 126][turn % 5]

        def draw(narrow):
            top = span if narrow else 8 * span  # sums overflow, and are subnormal
            x = rng.uniform(1, 2) * rng.choice([-1, 1]) * 2.0 ** rng.randrange(-top, top + 1)
            if turn >= 8 and rng.random() < 0.1:
                x = rng.choice([o.INF, o.NAN, 0.0, -0.0])
            return float(np.float32(x)) if narrow else x
        for acc in ["bf16x9", "ozaki", "ozaki:slices=3", "ozaki:slices=16"]:
            narrow = acc == "bf16x9"
            a = np.array([[draw(narrow) for _ in range(k)] for _ in range(m)])
            b = np.array([[draw(narrow) for _ in range(n)] for _ in range(k)])
            c = np.array([[draw(narrow) for _ in range(n)] for _ in range(m)]) if turn % 2 else None
            slices = int(acc.partition("=")[2] or 8)

            def want(i, j):
                x, y, z = list(a[i]), list(b[:, j]), None if c is None else c[i, j]
                return o.bf16x9(x, y, z) if narrow else o.ozaki(x, y, z, slices)
            compare(acc, gemm(a, b, c, acc), want)


def integers():
    rng = random.Random(10)
    for acc in ["int32", "int32:sat"]:
        for top in (1 << 7, 1 << 15, 1 << 31):
            a = np.array([[rng.randrange(-top, top) for _ in range(9)] for _ in range(3)], np.float64)
            b = np.array([[rng.randrange(-top, top) for _ in range(2)] for _ in range(9)], np.float64)
            c = np.array([[rng.randrange(-2 ** 31, 2 ** 31) for _ in range(2)] for _ in range(3)],
                         np.float64)
            compare(acc, gemm(a, b, c, acc),
                    lambda i, j: o.int32(a[i], b[:, j], c[i, j], acc.endswith("sat")))


def cast(x, spec, tensor):
    """Codes as values and scales, by `assay cast`, which has tests of its own."""
    np.save("x.npy", x)
    files = ["--scales", "s.npy"] + (["--tensor-scale", "t.npy"] if tensor else [])
    subprocess.run([ASSAY, "cast", "x.npy", "q.npy", "--to", spec, "--codes", *files], check=True)
    return np.load("q.npy"), np.load("s.npy"), np.load("t.npy")[0] if tensor else 1.0


def table(name):
    text = subprocess.run([ASSAY, "codes", name], check=True, capture_output=True, text=True).stdout
    return [float.fromhex(line.split(",")[1]) for line in text.split()[1:]]


def scaled():
    """Schemes: codes summed within a block, then the scales."""
    rng = np.random.default_rng(11)
    e4m3, e2m1, e8m0 = table("e4m3"), table("e2m1"), table("e8m0")
    int8 = [(c ^ 128) - 128.0 for c in range(256)]
    binary32 = None
    cases = [("mxfp8_e4m3", e4m3, e8m0, 32, False), ("block:elem=e2m1,size=4,scale=e4m3,rule=max", e2m1, e4m3, 4, False),
             ("nvfp4", e2m1, e4m3, 16, True), ("channel:elem=int8", int8, binary32, 1 << 20, False)]
    for sa, element_a, scale_a, size_a, tensor_a in cases:
        for sb, element_b, scale_b, size_b, tensor_b in cases:
            m, n, k = 2, 3, 43
            a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
            qa, ka, ta = cast(a, sa, tensor_a)
            qb, kb, tb = cast(np.ascontiguousarray(b.T), sb, tensor_b)
            c = rng.integers(-9, 9, (m, n)).astype(np.float64) if tensor_a else None

            def scale(codes, values, r, p, size, t):
                code = codes.reshape(codes.shape[0], -1)[r, p // size]
                value = values[int(code)] if values else np.array([code], np.uint32).view(np.float32)[0]
                return Fraction(float(value)) * Fraction(float(t))
            for acc, mode in [("binary32", "rne"), ("bfloat16", "sr"), ("binary16", "rdn")]:
                s = o.Sum(o.FORMATS[acc], mode, "spec", o.Bits(SEED, STREAM))

                def want(i, j):
                    total, first, start = [], (i * n + j) * k, 0.0 if c is None else c[i, j]
                    scales, lasts, p = [], [], 0
                    while p < k:
                        q = min(k, (p // size_a + 1) * size_a, (p // size_b + 1) * size_b)
                        x = [element_a[int(v)] for v in qa[i, p:q]]
                        y = [element_b[int(v)] for v in qb[j, p:q]]
                        total.append(s.chain(x, y, 0.0, first + p))
                        scales.append(scale(ka, scale_a, i, p, size_a, ta) * scale(kb, scale_b, j, p, size_b, tb))
                        lasts.append(first + q - 1)
                        p = q
                    return s.scaled(total, scales, start, lasts)
                compare(f"{acc} {mode} {sa} {sb}",
                        gemm(a, b, c, f"{acc}:step,round={mode}", spec=(sa, sb)), want)


for part in (formats, pieces, exact, split, integers, scaled):
    before = checked
    part()
    print(f"{part.__name__}: {checked - before} sums")
print(f"{checked} checked, {wrong} wrong")
sys.exit(wrong > 0)

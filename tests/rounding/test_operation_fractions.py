#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`assay op` between random binary formats against exact fractions, bit for bit.

Formats, roundings and operations are written from the contract and docs/formats.md, rounding.md and
operations.md alone. A root is a fraction that differs from it by less than 2^-300, inexact if it is.
Daily runs take 150 calls, ASSAY_THOROUGH=N as many as fit into N seconds, at least 90; ASSAY_SEED
gives others.
"""
import math
import os
import random
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kernels"))
from gemm_oracle import Bits, NAN, INF, bits64, exact, is_number, plus, sign_of, times  # noqa: E402

ASSAY = os.environ["ASSAY"]
THOROUGH = int(os.environ.get("ASSAY_THOROUGH", "0"))
SECONDS = THOROUGH and max(90, THOROUGH)
CALLS, ELEMENTS = 150, 64
MODES = ["rne", "rna", "rnz", "rtz", "raz", "rup", "rdn", "rodd"]
STOCHASTIC = ["sr", "sreq", "sra:bits=1", "sra:bits=8", "srb:bits=5", "srb:bits=16", "src:bits=3",
              "src:bits=11", "src:bits=32"]


def two(e):
    return Fraction(2) ** e


class Float:
    """A format of the builder `float`; magnitudes by code, which go on above the largest."""

    def __init__(self, rng):
        while True:
            self.e, self.m = rng.choice([(rng.randrange(6), rng.randrange(6)), (4, 3), (5, 10), (8, 7),
                                         (rng.randrange(1, 11), rng.randrange(20))])
            self.sign = rng.random() < 0.8
            self.inf = rng.random() < 0.5
            self.nan = rng.choice(["ieee", "ones", "negzero", "none"])
            self.zero = rng.choice(["signed", "signed", "unsigned", "none"])
            self.sub = rng.random() < 0.7
            self.bias = 2 ** (self.e - 1) - 1 if self.e else 1 - self.m
            self.given = rng.random() < 0.4
            if self.given:
                self.bias += rng.randrange(-12, 13)
            if self.allowed():
                break

    def allowed(self):
        """docs/formats.md, and something finite is left."""
        if (self.nan == "ieee" and (self.e == 0 or (self.inf and self.m == 0))) or \
           (self.nan == "negzero" and (not self.sign or self.zero != "unsigned")) or \
           (self.zero == "none" and (self.sign or self.sub)) or \
           (self.e == 0 and not self.sub) or self.e + self.m + self.sign > 32:
            return False
        top = 2 ** (self.e + self.m) - 1
        if self.nan == "ieee":
            self.inf_code = top - (2 ** self.m - 1)
            self.max_code = self.inf_code - 1
        else:
            top -= self.nan == "ones"
            self.inf_code = top
            self.max_code = top - self.inf
        self.has_nan = self.nan != "none"
        self.negzero = self.sign and self.zero == "signed"
        if self.max_code < 1:
            return False
        self.max = self.value(self.max_code)
        return True

    def spec(self):
        def yes(x):
            return "yes" if x else "no"
        text = f"float:e={self.e},m={self.m},inf={yes(self.inf)},nan={self.nan},zero={self.zero}," \
               f"subnormals={yes(self.sub)},sign={yes(self.sign)}"
        return text + (f",bias={self.bias}" if self.given else "")

    def value(self, code):
        field, f = code >> self.m, code & (2 ** self.m - 1)
        if field > 0:
            return (1 + Fraction(f, 2 ** self.m)) * two(field - self.bias)
        if self.sub:
            return f * two(1 - self.bias - self.m)
        return Fraction(0) if code == 0 and self.zero != "none" \
            else (1 + Fraction(f, 2 ** self.m)) * two(-self.bias)

    def below(self, x):
        """The greatest code with value <= x, which is at least that of code 0."""
        e = x.numerator.bit_length() - x.denominator.bit_length()
        e -= two(e) > x
        field = e + self.bias
        if field > 0 or (field == 0 and not self.sub):
            return (field << self.m) + math.floor((x / two(e) - 1) * 2 ** self.m)
        return math.floor(x / two(1 - self.bias - self.m)) if self.sub else 0

    def random_value(self, rng):
        """Any code; or one of few bits about 1, or near an end."""
        kind = rng.random()
        if kind < 0.06 and self.inf:
            return -INF if self.sign and rng.random() < 0.5 else INF
        if kind < 0.1 and self.has_nan:
            return NAN
        code = rng.randrange(self.max_code + 1)
        if kind > 0.5:
            code = self.below(Fraction(rng.randrange(1, 64), rng.choice([1, 4, 8, 64]))
                              + self.value(0))
            code = min(code, self.max_code)
        elif kind > 0.4:
            code = rng.choice([0, 1, 2, self.max_code, self.max_code - 1]) % (self.max_code + 1)
        x = self.value(code)
        negative = self.sign and rng.random() < 0.5
        if x == 0:
            return -0.0 if negative and self.negzero else 0.0
        return -x if negative else x


class Rounder:
    def __init__(self, f, mode, policy, nan, bits):
        self.f, self.mode, self.policy, self.nan, self.bits = f, mode, policy, nan, bits

    def nan_value(self):
        """NaN, or what the rule puts in its place."""
        if self.f.has_nan:
            return NAN
        if self.nan == "max":
            return self.f.max
        return self.f.value(0) or (-0.0 if self.nan == "negzero" and self.f.negzero else 0.0)

    def spec_value(self, negative):
        if self.f.inf:
            return -INF if negative else INF
        return NAN if self.f.has_nan else -self.f.max if negative else self.f.max

    def overflow(self, negative, finite):
        largest = -self.f.max if negative else self.f.max
        if self.policy == "sat" or (self.policy == "propagate" and finite):
            return largest
        if self.policy == "nan":
            return NAN
        inwards = self.mode in ("rtz", "rodd") or self.mode == ("rup" if negative else "rdn")
        if self.policy == "spec" and finite and inwards:
            return largest
        return self.spec_value(negative)

    def beneath(self):
        """What an unsigned format makes of what lies below its values."""
        if self.policy != "sat" and self.f.has_nan:
            return NAN
        return self.f.value(0) or 0.0

    def up(self, nu, code, negative, i):
        name, _, n = self.mode.partition(":bits=")
        n, half = int(n or 0), Fraction(1, 2)
        if name in ("rne", "rna", "rnz"):
            return nu > half or (nu == half and (name == "rna" or (name == "rne" and code % 2 == 1)))
        if name in ("rup", "rdn"):
            return negative == (name == "rdn")
        if name in ("rtz", "raz", "rodd"):
            return name == "raz" or (name == "rodd" and code % 2 == 0)
        if name in ("sr", "sreq"):
            return self.bits.below(nu if name == "sr" else half, i, 0)
        t = nu * 2 ** n
        near = math.floor(t)
        if name == "srb":
            near = math.floor(t + half)
        if name == "src":
            near = round(t)
        return near + self.bits.draw(n, i, 0) >= 2 ** n

    def round(self, x, i):
        f = self.f
        if not is_number(x):
            if x != x:
                return self.nan_value()
            return self.beneath() if x < 0 and not f.sign else self.overflow(x < 0, False)
        if x == 0:
            if f.zero == "none":
                return self.beneath()
            return -0.0 if sign_of(x) and f.negzero else 0.0
        x = exact(x)
        negative, x = x < 0, abs(x)
        if f.zero == "none" and (negative or x < f.value(0)):
            return self.beneath() if negative else f.value(0)
        code = f.below(x)
        low, high = f.value(code), f.value(code + 1)
        if x != low:
            code += self.up((x - low) / (high - low), code, negative, i)
        if code == 0 and f.zero != "none":
            return -0.0 if negative and f.negzero else 0.0
        if negative and not f.sign:
            return self.beneath()
        if code > f.max_code:
            return self.overflow(negative, True)
        return -f.value(code) if negative else f.value(code)


def root(q):
    """sqrt(q), or a fraction beside it with the same sides of everything short."""
    n, d = q.numerator, q.denominator
    k = 320 + max(0, d.bit_length() - n.bit_length())
    s = math.isqrt(n * d << 2 * k)
    return Fraction(2 * s + (s * s != n * d << 2 * k), d << k + 1)


def sqrt(x):
    if not is_number(x) or x == 0:
        return x if x == 0 or x > 0 else NAN
    return NAN if x < 0 else root(exact(x))


def divide(x, y):
    if is_number(x) and is_number(y) and x != 0 and y != 0:
        return exact(x) / exact(y)
    if x != x or y != y or (x == 0 and y == 0) or (not is_number(x) and not is_number(y)):
        return NAN
    negative = sign_of(x) != sign_of(y)
    size = INF if y == 0 or not is_number(x) else 0.0
    return -size if negative else size


def remainder(x, y):
    if not is_number(x) or y != y or y == 0:
        return NAN
    if not is_number(y) or x == 0:
        return x
    x, y = exact(x), exact(y)
    r = x - y * round(x / y)
    return r if r else (-0.0 if x < 0 else 0.0)


def hypot(x, y):
    if INF in (x, -x, y, -y):
        return INF
    if x != x or y != y:
        return NAN
    square = exact(x) ** 2 + exact(y) ** 2
    return root(Fraction(square)) if square else 0.0


def lesser(x, y):
    """Whether x is below y in the order where -0 is below +0."""
    return x < y or (x == 0 and y == 0 and sign_of(x) and not sign_of(y))


def extremum(name):
    least, magnitude, number = "minimum" in name, "magnitude" in name, "number" in name

    def of(x, y):
        if x != x or y != y:
            return (y if x != x else x) if number else NAN
        if magnitude and abs(x) != abs(y):
            return x if (abs(x) < abs(y)) == least else y
        return x if lesser(x, y) == least else y
    return of


SIMPLE = {
    "copy": lambda x: x, "neg": lambda x: -x, "abs": lambda x: abs(x),
    "reciprocal": lambda x: divide(Fraction(1), x), "sqrt": sqrt,
    "rsqrt": lambda x: NAN if x < 0 else divide(1.0, x) if x == 0 else sqrt(divide(Fraction(1), x)),
    "mul": times, "div": divide, "remainder": remainder, "hypot": hypot}
SIMPLE.update({n: extremum(n) for a in ("minimum", "maximum") for b in ("", "_magnitude")
               for n in (a + b, a + b + "_number")})
SUMS = {"add": (2, lambda x: x), "sub": (2, lambda x: [x[0], -x[1]]),
        "fma": (3, lambda x: [times(x[0], x[1]), x[2]])}
NAMES = sorted(SIMPLE) + sorted(SUMS) + ["sum", "dot"]


def result(name, x, mode):
    """Of operands, or for sum and dot of rows."""
    if name in SIMPLE:
        return SIMPLE[name](*x)
    if name in SUMS:
        return plus(SUMS[name][1](x), mode)
    return plus([times(*pair) for pair in zip(*x)] if name == "dot" else x[0], mode)


def arity(name):
    if name in SUMS:
        return SUMS[name][0]
    return {"sum": 1, "dot": 2}.get(name) or SIMPLE[name].__code__.co_argcount


def policies(f):
    return ["spec"] * 3 + ["sat", "propagate"] + ["inf"] * f.inf + ["nan"] * f.has_nan


class Check:
    def __init__(self):
        self.checked = self.wrong = 0

    def call(self, rng):
        f, name = Float(rng), rng.choice(NAMES)
        g = Float(rng) if rng.random() < 0.5 else f
        mode, policy = rng.choice(MODES * 2 + STOCHASTIC), rng.choice(policies(f))
        nan = rng.choice(["max", "zero"] + ["negzero"] * f.negzero)
        seed, stream = rng.randrange(2 ** 64), rng.randrange(2 ** 32)
        width = rng.randrange(1, 9) if name in ("sum", "dot") else 1
        x = [[g.random_value(rng) for _ in range(ELEMENTS * width)] for _ in range(arity(name))]
        for k, values in enumerate(x):
            shape = (ELEMENTS, width) if name in ("sum", "dot") else (ELEMENTS,)
            np.save(f"{k}.npy", np.array([float(v) for v in values]).reshape(shape))
        args = [ASSAY, "op", name, *(f"{k}.npy" for k in range(len(x))), "o.npy", "--format", f.spec(),
                "--operands", g.spec(), "--round", mode, "--overflow", policy, "--seed", str(seed),
                "--stream", str(stream)]
        if not f.has_nan:
            args += ["--nan", nan]
        subprocess.run(args, check=True)
        got = np.load("o.npy").view(np.uint64)
        rounder = Rounder(f, mode, policy, nan, Bits(seed, stream))
        for i in range(ELEMENTS):
            operands = [v[i * width:(i + 1) * width] for v in x] if name in ("sum", "dot") \
                else [v[i] for v in x]
            self.compare(args, i, operands, int(got[i]),
                         rounder.round(result(name, operands, mode), i))

    def compare(self, args, i, operands, got, want):
        self.checked += 1
        if got == bits64(want):
            return
        self.wrong += 1
        if self.wrong < 20:
            print(" ".join(args[1:]), f"\n  element {i}: {operands} gives "
                  f"{np.array([got], np.uint64).view(float)[0].hex()}, not {want}")


def main():
    check, rng, begun = Check(), random.Random(int(os.environ.get("ASSAY_SEED", "20261122"))), time.monotonic()
    calls = 0
    while calls < CALLS or time.monotonic() - begun < SECONDS:
        check.call(rng)
        calls += 1
    print(f"{check.checked} checked, {check.wrong} wrong")
    return check.wrong > 0


if __name__ == "__main__":
    sys.exit(main())

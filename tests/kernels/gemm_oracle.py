# SPDX-License-Identifier: Apache-2.0
"""Sums in exact rationals: formats, roundings and accumulators written from the contract alone."""
import math
import struct
from fractions import Fraction

INF, NAN = math.inf, math.nan


def philox(key, counter):
    """Philox4x32-10 of two key words and four counter words."""
    k0, k1 = key
    c = list(counter)
    for r in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k1, p0 & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


class Bits:
    """Random words of a seed and a stream."""

    def __init__(self, seed=0, stream=0):
        self.key, self.stream = (seed & 0xFFFFFFFF, seed >> 32), stream

    def word(self, i, j, shift=0):
        q = i >> 2
        counter = (q & 0xFFFFFFFF, q >> 32, j, (self.stream + shift) & 0xFFFFFFFF)
        return philox(self.key, counter)[i & 3]

    def below(self, nu, i, shift):
        """U < nu, 32 bits at a time as long as they tie."""
        j = 0
        while True:
            nu *= 1 << 32
            digit = math.floor(nu)
            word = self.word(i, j, shift)
            if word != digit:
                return word < digit
            nu -= digit
            if nu == 0:
                return False
            j += 1

    def draw(self, n, i, shift):
        d = 8 if n <= 8 else 16 if n <= 16 else 32
        per = 32 // d
        word = self.word(i // per, 0, shift)
        return (word >> (d * (i % per)) & ((1 << d) - 1)) >> (d - n)


def is_number(x):
    return isinstance(x, Fraction) or math.isfinite(x)


def exact(x):
    return Fraction(x) if not isinstance(x, Fraction) and math.isfinite(x) else x


def sign_of(x):
    return math.copysign(1, x) < 0 if isinstance(x, float) else x < 0


class Format:
    """A binary format with subnormals; largest value given where it is not IEEE's."""

    def __init__(self, p, emin, emax, largest=None, infinite=True):
        self.p, self.emin, self.emax = p, emin, emax
        self.max = largest or (2 - Fraction(2) ** (1 - p)) * Fraction(2) ** emax
        self.infinite = infinite

    def overflow(self, negative, policy):
        """The overflow value under spec or sat."""
        if policy == "sat":
            return -self.max if negative else self.max
        return NAN if not self.infinite else -INF if negative else INF

    def round(self, x, mode="rne", policy="spec", bits=None, i=0, shift=0):
        """A value (float or Fraction) of the format; zeros are floats with a sign."""
        if not isinstance(x, Fraction):
            if math.isnan(x):
                return NAN
            if math.isinf(x):
                return self.overflow(x < 0, policy)
            if x == 0:
                return x
            x = Fraction(x)
        negative, a = x < 0, abs(x)
        e = a.numerator.bit_length() - a.denominator.bit_length()
        while Fraction(2) ** e > a:
            e -= 1
        while Fraction(2) ** (e + 1) <= a:
            e += 1
        unit = Fraction(2) ** (max(e, self.emin) - self.p + 1)
        low = math.floor(a / unit)
        nu = a / unit - low
        up = False
        if nu:
            name, _, n = mode.partition(":bits=")
            n = int(n or 0)
            if name == "rne":
                up = nu > Fraction(1, 2) or (nu == Fraction(1, 2) and low % 2 == 1)
            elif name == "rna":
                up = nu >= Fraction(1, 2)
            elif name == "rnz":
                up = nu > Fraction(1, 2)
            elif name == "raz":
                up = True
            elif name == "rtz":
                up = False
            elif name == "rup":
                up = not negative
            elif name == "rdn":
                up = negative
            elif name == "rodd":
                up = low % 2 == 0
            elif name == "sr":
                up = bits.below(nu, i, shift)
            elif name == "sreq":
                up = bits.below(Fraction(1, 2), i, shift)
            elif name == "sra":
                up = math.floor(nu * 2 ** n) + bits.draw(n, i, shift) >= 2 ** n
            elif name == "srb":
                up = math.floor(nu * 2 ** (n + 1)) + 2 * bits.draw(n, i, shift) + 1 >= 2 ** (n + 1)
            elif name == "src":
                t = nu * 2 ** n
                near = math.floor(t)
                rest = t - near
                near += rest > Fraction(1, 2) or (rest == Fraction(1, 2) and near % 2 == 1)
                up = near + bits.draw(n, i, shift) >= 2 ** n
            else:
                raise ValueError(mode)
        r = (low + up) * unit
        if r > self.max:
            if mode in ("rtz", "rodd") or (mode == "rup" and negative) or (mode == "rdn" and not negative):
                return -self.max if negative else self.max
            return self.overflow(negative, policy)
        if r == 0:
            return -0.0 if negative else 0.0
        return -r if negative else r


FORMATS = {
    "binary64": Format(53, -1022, 1023), "binary32": Format(24, -126, 127),
    "binary16": Format(11, -14, 15), "bfloat16": Format(8, -126, 127),
    "e5m2": Format(3, -14, 15), "e4m3": Format(4, -6, 8, Fraction(448), False),
}


def times(x, y):
    """The exact product; floats carry zeros' signs, infinities and NaN."""
    if is_number(x) and is_number(y) and x != 0 and y != 0:
        return exact(x) * exact(y)
    small = (lambda v: float(v) if v == 0 or not is_number(v) else -1.0 if sign_of(v) else 1.0)
    return small(x) * small(y)


def plus(terms, mode="rne"):
    """The exact sum; a zero is -0 if all terms are, or in rdn unless all are +0."""
    terms = list(terms)
    special = [t for t in terms if not is_number(t)]
    if special:
        return sum(special)
    total = sum((exact(t) for t in terms), Fraction(0))
    if total:
        return total
    negative = [sign_of(t) for t in terms if t == 0]
    if len(negative) == len(terms) and len(set(negative)) <= 1:
        return -0.0 if negative and negative[0] else 0.0
    return -0.0 if mode == "rdn" else 0.0


class Sum:
    """An accumulator F:KIND with its rounding; sum of x[p] y[p] from c."""

    TERM, PRODUCT, TOTAL, SCALED, SMALLER, RAISED, CORRECTED = range(7)

    def __init__(self, f, mode="rne", policy="spec", bits=None):
        self.f, self.mode, self.policy, self.bits = f, mode, policy, bits

    def r(self, x, i, shift=0):
        return self.f.round(x, self.mode, self.policy, self.bits, i, shift)

    def add(self, x, y, i, shift=0):
        return self.r(plus([x, y], self.mode), i, shift)

    def chain(self, x, y, c, first):
        s = c
        for p in range(len(x)):
            s = self.add(times(x[p], y[p]), s, first + p)
        return s

    def unfused(self, x, y, c, first):
        s = c
        for p in range(len(x)):
            product = self.r(times(x[p], y[p]), first + p, self.PRODUCT)
            s = self.add(product, s, first + p)
        return s

    def block(self, n, x, y, c, first):
        total = c
        for p in range(0, len(x), n):
            q = min(p + n, len(x))
            s = self.chain(x[p:q], y[p:q], 0.0, first + p)
            total = self.add(s, total, first + q - 1, self.TOTAL)
        return total

    def pairwise(self, x, y, c, first):
        level = [(self.r(times(x[p], y[p]), first + p, self.PRODUCT), p) for p in range(len(x))]
        if not level:
            return 0.0 if c is None else c
        while len(level) > 1:
            after = []
            for p in range(0, len(level) - 1, 2):
                (s, i), (t, j) = level[p], level[p + 1]
                after.append((self.add(s, t, first + j), i))
            if len(level) % 2:
                after.append(level[-1])
            level = after
        s = level[0][0]
        return s if c is None else self.add(s, c, first)

    def kahan(self, x, y, c, first):
        s, lost = c, 0.0
        for p in range(len(x)):
            i = first + p
            product = self.r(times(x[p], y[p]), i, self.PRODUCT)
            t = self.add(product, -lost, i, self.SMALLER)
            u = self.add(s, t, i)
            lost = self.add(self.add(u, -s, i, self.RAISED), -t, i, self.CORRECTED)
            s = u
        return s

    def feedback(self, x, y, c, first, unfused=False):
        s, e = c, Fraction(0)
        for p in range(len(x)):
            t = times(x[p], y[p])
            if unfused:
                t = self.r(t, first + p, self.PRODUCT)
            whole = plus([s, t] + ([e] if e else []), self.mode)
            q = self.r(whole, first + p)
            if is_number(whole) and is_number(q):
                e = exact(whole) - exact(q)
                step = Fraction(2) ** (self.f.emax - self.f.p + 1)
                if abs(exact(whole)) > self.f.max and abs(exact(q)) == self.f.max:
                    e = max(-step, min(step, e))
            else:
                e = Fraction(0)
            s = q
        return s

    def scaled(self, sums, scales, c, lasts):
        total = c
        for s, scale, last in zip(sums, scales, lasts):
            total = self.add(times(s, scale), total, last, self.SCALED)
        return total


def bfloat16_parts(x):
    x, parts = Fraction(x), []
    for _ in range(3):
        part = FORMATS["bfloat16"].round(x, policy="sat") if x else 0.0
        parts.append(part)
        x = (x - exact(part)) * 256
    return parts


def bf16x9(x, y, c):
    f, s = FORMATS["binary32"], 0.0
    if all(map(is_number, x)) and all(map(is_number, y)):
        xs, ys = [bfloat16_parts(v) for v in x], [bfloat16_parts(v) for v in y]
        for group in (4, 3, 2, 1, 0):
            for a in range(3):
                if 0 <= group - a < 3:
                    for p in range(len(x)):
                        s = f.round(plus([times(xs[p][a], ys[p][group - a]), s]))
            if group:
                s = f.round(times(s, Fraction(1, 256)))
    else:
        s = Sum(f).chain(x, y, 0.0, 0)
    return s if c is None else f.round(plus([s, c]))


def digits(x, e, n):
    x, out = abs(Fraction(x)) / Fraction(2) ** e, []
    for _ in range(n):
        x *= 128
        out.append(math.floor(x))
        x -= out[-1]
    return out


def above(x):
    """The least e with |v| < 2^e for every v; 0 for zeros."""
    top = max((abs(float(v)) for v in x), default=0.0)
    return math.frexp(top)[1] if top else 0


def ozaki(x, y, c, n):
    f, total = FORMATS["binary64"], 0.0
    if all(map(is_number, x)) and all(map(is_number, y)):
        e, g = above(x), above(y)
        for group in range(n - 1, -1, -1):
            s = 0
            for a, b in zip(x, y):
                sign = -1 if sign_of(a) != sign_of(b) else 1
                u, v = digits(a, e, n), digits(b, g, n)
                s += sign * sum(u[q] * v[group - q] for q in range(group + 1))
            total = f.round(plus([total, Fraction(s) / Fraction(128) ** (group + 2) if s else 0.0]))
        total = f.round(times(total, Fraction(2) ** (e + g)))
    else:
        for a, b in zip(x, y):
            total = f.round(plus([total, f.round(times(a, b))]))
    return total if c is None else f.round(plus([total, c]))


def int32(x, y, c, saturates):
    s = int(c)
    for a, b in zip(x, y):
        s += int(a) * int(b)
        if saturates:
            s = max(-2 ** 31, min(2 ** 31 - 1, s))
        else:
            s = (s + 2 ** 31) % 2 ** 32 - 2 ** 31
    return float(s)


def bits64(x):
    """The bits of a value as binary64, NaN the canonical one."""
    x = float(x) if is_number(x) else x
    return struct.unpack("<Q", struct.pack("<d", x))[0] if x == x else 0x7FF8000000000000

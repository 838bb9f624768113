# SPDX-License-Identifier: Apache-2.0
"""IEEE P3109 interim report 4.0 in rationals: decoding (4.7.1), rounding to precision (4.7.4),
saturation (4.7.5, the first rule that applies) and encoding (4.7.6)."""
import math
from fractions import Fraction

INF = math.inf


class Format:
    def __init__(self, k, p, signed, extended):
        self.k, self.p, self.signed, self.extended = k, p, signed, extended
        self.bias = 1 << k - p - 1 if signed else 1 << k - p
        self.nan = 1 << k - 1 if signed else (1 << k) - 1
        self.inf = self.nan - 1 if extended else None
        self.top = self.nan - 1 - extended  # code of the largest finite value
        self.high = self.magnitude(self.top)
        self.low = -self.high if signed else Fraction(0)
        self.name = f"binary{k}p{p}{'s' if signed else 'u'}{'e' if extended else 'f'}"

    def parts(self, code):
        """Significand and exponent of a magnitude's code."""
        e, t = code >> self.p - 1, code & (1 << self.p - 1) - 1
        return t if e == 0 else t + (1 << self.p - 1), max(e, 1) - self.bias - self.p + 1

    def magnitude(self, code):
        sig, q = self.parts(code)
        return sig * Fraction(2) ** q

    def decode(self, code):
        if code == self.nan:
            return math.nan
        negative = self.signed and code > self.nan
        code -= self.nan if negative else 0
        value = INF if code == self.inf else self.magnitude(code)
        return -value if negative else value

    def encode(self, x):
        if x != x:
            return self.nan
        sign = self.nan if x < 0 else 0
        if abs(x) == INF:
            return sign + self.inf
        if x == 0:
            return 0
        e = max(floor_log2(abs(x)), 1 - self.bias)
        sig = abs(x) / Fraction(2) ** (e - self.p + 1)
        assert sig.denominator == 1
        return sign + int(sig) + (e + self.bias - 1 << self.p - 1)


def floor_log2(x):
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if Fraction(2) ** e <= x else e - 1


def half_even(x):
    low = math.floor(x)
    return low + (x - low > Fraction(1, 2) or x - low == Fraction(1, 2) and low % 2 == 1)


def goes_away(f, mode, positive, whole, nu, q, n, r):
    even = whole % 2 == 0 if f.p > 1 else whole == 0 or (q + f.bias) % 2 == 0
    half = Fraction(1, 2)
    return {'rtz': lambda: False,
            'rup': lambda: nu > 0 and positive,
            'rdn': lambda: nu > 0 and not positive,
            'rna': lambda: nu >= half,
            'rne': lambda: nu > half or nu == half and not even,
            'rodd': lambda: nu > 0 and even,
            'sra': lambda: math.floor(nu * 2**n) + r >= 2**n,
            'srb': lambda: math.floor(nu * 2**(n + 1)) + 2 * r + 1 >= 2**(n + 1),
            'src': lambda: half_even(nu * 2**n) + r >= 2**n}[mode]()


def rounded(f, mode, x, n=0, r=0):
    if x != x or x == 0 or abs(x) == INF:
        return x
    q = max(floor_log2(abs(x)), 1 - f.bias) - f.p + 1
    s = abs(x) / Fraction(2) ** q
    whole = math.floor(s)
    whole += goes_away(f, mode, x > 0, whole, s - whole, q, n, r)
    return whole * Fraction(2) ** q * (1 if x > 0 else -1)


def saturated(f, policy, mode, x):
    if x != x or f.low <= x <= f.high:
        return x
    end = f.low if x < 0 else f.high
    if policy == 'sat':
        return end
    infinite = abs(x) == INF
    has = f.extended and (x > 0 or f.signed)
    if policy == 'propagate':
        return x if infinite and has else end
    if infinite and (has or x > 0):
        return x if has else end
    if infinite:
        return end if f.signed else math.nan
    if x > 0:
        if mode in ('rtz', 'rdn') or mode == 'rodd' and not f.signed and f.extended:
            return end
        return INF if has else end
    if mode in ('rtz', 'rup'):
        return end
    return -INF if has else end if f.signed else math.nan


def project(f, policy, mode, x, n=0, r=0):
    return f.encode(saturated(f, policy, mode, rounded(f, mode, x, n, r)))


def formats(widths):
    return [Format(k, p, signed, extended) for k in widths for signed in (True, False)
            for p in range(1, k + (not signed)) for extended in (True, False)]

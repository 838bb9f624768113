# SPDX-License-Identifier: Apache-2.0
"""Schemes in exact rationals, written from their documents alone: formats as lists of values,
scales by comparisons of fractions, binary32 steps by numpy.float32."""
import bisect
import math
from fractions import Fraction

import numpy as np

F32 = np.float32


class Format:
    """A format as the list of its codes: nearest by search, ties to the even code, saturating."""

    def __init__(self, codes, values, nan=None, negative_zero=False):
        self.code_of = dict(zip(values, codes))  # the last of equal values wins
        self.value_of = dict(zip(codes, values))
        self.values = sorted(set(values))
        self.nan, self.negative_zero = nan, negative_zero
        for code, value in zip(codes, values):
            if value == 0 and code == 0:
                self.code_of[value] = 0
        self.max = self.values[-1]
        # Midpoints in integers of 1 / (2 D), so that rounding is one division with remainder.
        self.twice = 2 * math.lcm(*(v.denominator for v in self.values))
        whole = [int(v * self.twice) // 2 for v in self.values]
        self.middle = [a + b for a, b in zip(whole, whole[1:])]
        self.codes = [self.code_of[v] for v in self.values]

    def round(self, x, negative=False):
        """(code, value); `negative` is the sign of a zero."""
        return self.round_ratio(x.numerator, x.denominator, negative)

    def round_ratio(self, n, d, negative=False):
        """The same for n / d, d > 0."""
        q, rest = divmod(n * self.twice, d)
        i = bisect.bisect_left(self.middle, q)  # middle[i - 1] < q <= middle[i]
        if i < len(self.middle) and q == self.middle[i] and (rest or self.codes[i] % 2):
            i += 1
        code, r = self.codes[i], self.values[i]
        if r == 0 and (n < 0 or negative) and self.negative_zero is not False:
            code = self.negative_zero
        return code, r


def minifloat(e, m, bias, signed=True, top=None, nan=None):
    """Subnormals, no infinity; codes up to `top` are values."""
    codes, values = [], []
    for u in range((top if top is not None else (1 << (e + m)) - 1) + 1):
        field, fraction = u >> m, u & ((1 << m) - 1)
        if field:
            x = (1 + Fraction(fraction, 1 << m)) * Fraction(2) ** (field - bias)
        else:
            x = Fraction(fraction, 1 << m) * Fraction(2) ** (1 - bias)
        codes.append(u)
        values.append(x)
    zero = False
    if signed:
        zero = 1 << (e + m)
        for u, x in list(zip(codes, values)):
            if x:
                codes.append(u | zero)
                values.append(-x)
    f = Format(codes, values, nan, zero)
    return f


def integers(n, unit=1, low=None, signed=True):
    """Two's complement, or unsigned."""
    lo = (-(1 << (n - 1)) if low is None else low) if signed else 0
    hi = (1 << (n - 1)) - 1 if signed else (1 << n) - 1
    f = Format([k % (1 << n) for k in range(lo, hi + 1)],
               [Fraction(k) * unit for k in range(lo, hi + 1)])
    f.low, f.high = lo, hi
    return f


def magnitudes(n, unit):
    """Sign and magnitude."""
    top = 1 << (n - 1)
    codes = list(range(top)) + [top | k for k in range(1, top)]
    values = [k * unit for k in range(top)] + [-k * unit for k in range(1, top)]
    return Format(codes, values, None, top)


class Float:
    """A wide float by arithmetic: p bits, emin, emax; overflow saturates."""

    def __init__(self, p, emin, emax, name):
        self.p, self.emin, self.emax, self.dtype = p, emin, emax, name
        self.max = (2 - Fraction(2) ** (1 - p)) * Fraction(2) ** emax

    def round(self, x):
        if x == 0:
            return 0, Fraction(0)
        e = max(exponent(x), self.emin) - self.p + 1
        unit = Fraction(2) ** e
        k = x / unit
        n = math.floor(k)
        if k - n > Fraction(1, 2) or (k - n == Fraction(1, 2) and n % 2):
            n += 1
        v = min(n * unit, self.max)
        return self.code(v), v

    def code(self, v):
        if v == 0:
            return 0
        e = exponent(v)
        if e < self.emin:
            return int(v / Fraction(2) ** (self.emin - self.p + 1))
        return ((e - self.emin + 1) << (self.p - 1)) + int(
            (v / Fraction(2) ** e - 1) * (1 << (self.p - 1)))


def exponent(x):
    """floor(log2 |x|), by integers."""
    x = abs(x)
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if Fraction(2) ** e <= x else e - 1


class E8M0:
    max = Fraction(2) ** 127

    def round(self, x):
        """Powers of two, ties to the even code; at least the lowest."""
        if x <= Fraction(2) ** -127:
            return 0, Fraction(2) ** -127
        e = min(exponent(x), 127)
        mid = Fraction(3, 2) * Fraction(2) ** e
        if e < 127 and (x > mid or (x == mid and (e + 127) % 2)):
            e += 1
        return e + 127, Fraction(2) ** e


E2M1 = minifloat(2, 1, 1)
E4M3 = minifloat(4, 3, 7, top=0x7E, nan=0x7F)
ELEMENTS = {
    'e2m1': E2M1, 'e4m3': E4M3, 'e2m3': minifloat(2, 3, 1), 'e3m2': minifloat(3, 2, 3),
    'e5m2': minifloat(5, 2, 15, top=0x7B), 'mxint8': integers(8, Fraction(1, 64)),
    'mxint4': integers(4, Fraction(1, 4)), 'int8': integers(8), 'int4': integers(4),
    'int8s': integers(8, low=-127), 'int4s': integers(4, low=-7), 'int16s': integers(16, low=-32767),
    'uint4': integers(4, signed=False), 'msfp12': magnitudes(4, Fraction(1, 4)),
    'msfp16': magnitudes(8, Fraction(1, 64)), 'bm8': minifloat(4, 3, 8), 'bm6': minifloat(2, 3, 2),
}
FRACTION = {'e2m1': 1, 'e4m3': 3, 'e2m3': 3, 'e3m2': 2, 'e5m2': 2, 'int8': 6, 'int8s': 6,
            'mxint8': 6, 'mxint4': 2, 'int4': 2, 'int4s': 2}
SCALES = {
    'e8m0': (E8M0(), 'u1', 0xFF), 'e4m3': (minifloat(4, 3, 7, signed=False, top=0x7E), 'u1', 0x7F),
    'ue5m3': (minifloat(5, 3, 15, signed=False, top=0xFE), 'u1', 0xFF),
    'binary32': (Float(24, -126, 127, 'u4'), 'u4', 0x7FC00000),
    'binary16': (Float(11, -14, 15, 'u2'), 'u2', 0x7E00),
    'bfloat16': (Float(8, -126, 127, 'u2'), 'u2', 0x7FC0),
}


def bump(rule, a, mu, element, m):
    top = element.max / Fraction(2) ** exponent(element.max)
    return {'floor': False, 'ceil': mu > 1, 'rceil': mu > top,
            'even': mu >= 2 - Fraction(1, 2 ** (m + 1)), 'nearest': mu * mu >= 2,
            'ct': mu >= Fraction(7, 4)}[rule]


def power(rule, a, element, m, lowest=-127, highest=127):
    if a == 0:
        return lowest
    e = exponent(a)
    e += bump(rule, a, a / Fraction(2) ** e, element, m) - exponent(element.max)
    return max(lowest, min(highest, e))


class Scheme:
    """elem, scale: names above; rule; tensor: None, 'multiplier' or 'divisor'; order."""

    def __init__(self, elem, scale, rule, tensor=None, order='exact', least=0, top=448, zero=False,
                 percent=None):
        self.element, self.name = ELEMENTS[elem], elem
        self.scale, self.dtype, self.nan = SCALES[scale]
        self.powers = scale == 'e8m0'
        self.rule, self.tensor, self.order, self.least = rule, tensor, order, least
        self.top, self.zero, self.percent = top, zero, percent
        self.S = self.t = F32(1)

    # -- the tensor's scale --
    def tensor_scale(self, amax):
        """Stored binary32 value."""
        if not self.tensor:
            return None
        aim = self.element.max * self.top
        if self.order == 'exact':
            if amax == 0:
                return F32(1)
            q = amax / aim if self.tensor == 'multiplier' else aim / amax
            return F32(max(float(SCALES['binary32'][0].round(q)[1]), 2.0 ** -149))
        a = F32(float(amax))
        if a == 0:
            self.S, self.t = F32(1), F32(1)
            return F32(1)
        with np.errstate(over='ignore'):
            self.S = min(F32(float(aim)) / a, np.finfo(F32).max)
            if self.order == 'ct':  # torch: a number over a tensor is the number times 1 / tensor
                self.S = F32(1) / max(a, np.finfo(F32).tiny) * F32(float(aim))
                self.S = self.S if np.isfinite(self.S) else F32(1)
        self.t = a / F32(float(aim))
        if self.order in ('te', 'ct'):
            self.t = F32(1) / self.S
        return self.S if self.tensor == 'divisor' else self.t

    # -- the scale of a block --
    def quotient(self, a, t, wide):
        grow = F32(1.5) if wide else F32(1)
        if self.order == 'exact':
            q = a / self.divisor() * (Fraction(3, 2) if wide else 1)
            if self.tensor == 'multiplier':
                q /= Fraction(float(t))
            elif self.tensor:
                q *= Fraction(float(t))
            return q
        a, top = F32(float(a)), F32(float(self.divisor()))
        if self.order == 'te':
            q = a * (self.S * (F32(1) / top)) * grow
        elif self.order == 'torchao':
            q = min(max(a / top / self.t * grow, F32(2.0 ** -6)), F32(448))
        elif self.order == 'ct':
            q = self.S * (a / top) * grow
        elif self.order == 'modelopt':
            q = a / (top * self.t)
            q = max(F32(1) if q == 0 else q * grow, F32(2.0 ** -9))
        else:
            q = a / top * grow
        return Fraction(float(q))

    def one_scale(self, a, t, rule, wide=False):
        a = max(a, Fraction(float(self.least)))
        if rule in ('floor', 'ceil', 'rceil', 'even', 'nearest', 'ct'):
            return self.scale.round(
                Fraction(2) ** power(rule, a, self.element, FRACTION.get(self.name, 0)))
        code, value = self.scale.round(self.quotient(a, t, wide))
        return self.nonzero(code, value)

    def nonzero(self, code, value):
        epsilon = {'u1': Fraction(1, 8), 'u4': Fraction(1, 2 ** 23)}  # torch.finfo(..).eps
        if self.order == 'ct' and value == 0:
            return self.scale.round(epsilon[self.dtype])
        return code, value

    def divisor(self):
        e = self.element
        whole = self.rule == 'range' and self.name.startswith('int')
        return Fraction(e.high - e.low, 2) if whole else e.max

    def factor(self, value, t):
        if not self.tensor:
            return value
        t = Fraction(float(t))
        return value * t if self.tensor == 'multiplier' else value / t

    def element_of(self, x, value, t):
        """(code, value before the scale) of a float x."""
        negative = bool(np.signbit(x))
        with np.errstate(all='ignore'):
            if self.order == 'exact':
                if value == 0:
                    return self.element.round(Fraction(0), negative)
                n, d = float(x).as_integer_ratio()
                f = self.factor(value, t)
                return self.element.round_ratio(n * f.denominator, d * f.numerator, negative)
            x, s = F32(x), F32(float(value))
            if self.order == 'te':
                f = min(F32(1) / (s * (F32(1) / self.S)), np.finfo(F32).max)
                y = x * f
            elif self.order == 'torchao':
                y = x * (F32(1) / self.t / s)
            elif self.order == 'ct':
                y = x / (s / self.S)
            elif self.order == 'modelopt':
                y = x / (s * self.t)
            elif self.order == 'mul32':
                y = x * (F32(1) / s)
            else:
                y = x / s
        if x == 0:
            y = x
        drops = self.order in ('te', 'modelopt') or (self.order == 'ct' and self.name == 'e2m1')
        if drops and y == 0:  # they compare the scaled value with 0
            negative = False
        if np.isinf(y):
            y = F32(float(self.element.max if y > 0 else self.element.values[0]))
        return self.element.round(Fraction(float(y)), negative)

    def error(self, block, value, t):
        f, total = self.factor(value, t), Fraction(0)
        for x in block:
            total += (Fraction(float(x)) - self.element_of(x, value, t)[1] * f) ** 2
        return total

    def block(self, block, t):
        """codes, scale code, zero code, values of one block."""
        if not np.all(np.isfinite(block)):
            zero = [self.element.round(Fraction(0))[0]] * len(block)
            return zero, self.nan, 0, [math.nan] * len(block)
        if self.zero:
            return self.affine(block)
        mags = sorted(abs(float(x)) for x in block)
        a, rule = Fraction(mags[-1]), self.rule
        if rule == 'percentile':
            k = max(1, math.ceil(Fraction(self.percent) * len(mags) / 100))
            a, rule = Fraction(mags[k - 1]), 'floor' if self.powers else 'max'
        if rule == 'mean':
            code, value = self.scale.round(sum(map(Fraction, mags)) / len(mags))
        elif rule == 'mse':
            e = power('floor', max(a, Fraction(float(self.least))), self.element, 0)
            tries = [self.scale.round(Fraction(2) ** max(-127, min(127, e + d))) for d in (1, 0, -1)]
            code, value = min(tries, key=lambda s: self.error(block, s[1], t))
        elif rule == '46':
            six, four = self.one_scale(a, t, 'max'), self.one_scale(a, t, 'max', True)
            better = self.error(block, four[1], t) < self.error(block, six[1], t)
            code, value = four if better else six
        else:
            code, value = self.one_scale(a, t, rule)
        pairs = [self.element_of(x, value, t) for x in block]
        f = self.factor(value, t)
        signed = {p: self.signed(p, f) for p in set(pairs)}
        return [p[0] for p in pairs], code, 0, [signed[p] for p in pairs]

    def signed(self, pair, f):
        zero = self.element.negative_zero
        if pair[1] * f == 0:
            return -0.0 if pair[1] < 0 or (zero is not False and pair[0] == zero) else 0.0
        return float(pair[1] * f)

    def affine(self, block):
        if self.order != 'exact':
            return self.affine32(block)
        xs = [Fraction(float(x)) for x in block]
        lo, hi, e = min(xs + [Fraction(0)]), max(xs + [Fraction(0)]), self.element
        code, s = self.scale.round(max(hi - lo, Fraction(float(self.least))) / (e.high - e.low))
        z = max(e.low, min(e.high, e.low - nearest(lo / s))) if s else 0
        q = [max(e.low, min(e.high, (nearest(x / s) if s else 0) + z)) for x in xs]
        n = len(e.values)
        return [k % n for k in q], code, z % n, [float((k - z) * s) for k in q]

    @np.errstate(all='ignore')
    def affine32(self, block):
        """torchao (mul32), the same with a division, and compressed-tensors, whose zero point is
        added, and clipped, before one rounding."""
        e, xs = self.element, np.asarray(block, F32)
        lo, hi = min(xs.min(), F32(0)), max(xs.max(), F32(0))
        v = max(hi - lo, F32(self.least)) / F32(e.high - e.low)
        code, s = self.nonzero(*self.scale.round(Fraction(float(min(v, np.finfo(F32).max)))))
        s, z = F32(float(s)), F32(0)
        if v > 0:
            z = F32(e.low) - (lo / v if self.order == 'ct' else np.rint(lo / v))
        z = np.rint(np.clip(z, F32(e.low), F32(e.high)))
        y = xs * (F32(1) / s) if self.order == 'mul32' else xs / s
        y = np.where(xs == 0, F32(0), y)
        q = y + F32(z) if self.order == 'ct' else np.rint(y) + F32(z)
        q = [int(k) for k in np.rint(np.clip(q, F32(e.low), F32(e.high)))]
        z, n = int(z), len(e.values)
        return ([k % n for k in q], code, z % n,
                [float((k - z) * Fraction(float(s))) for k in q])


def nearest(x):
    n = math.floor(x)
    return n + (x - n > Fraction(1, 2) or (x - n == Fraction(1, 2) and n % 2 == 1))

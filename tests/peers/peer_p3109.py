# SPDX-License-Identifier: Apache-2.0
"""The text of P3109's interim report 4.0, transcribed in report.py, against the command: decoding of
all formats of 3 to 16 bits (a fifth of the codes from 14 bits on), and projection in every mode and
saturation up to 5 bits."""
import sys

import numpy as np

import report
from common import Table, cast, close_points, code_lines, exact, hexadecimal


def text(f, code):
    """What `assay codes` has to print, at any exponent."""
    if code == f.nan:
        return 'nan'
    sign = '-' if f.signed and code > f.nan else ''
    code -= f.nan if sign else 0
    if code == f.inf:
        return f'{sign}inf'
    sig, q = f.parts(code)
    if sig == 0:
        return '0x0p+0'
    top = sig.bit_length() - 1
    digits = f'{(sig << 16 - top) - (1 << 16):04x}'.rstrip('0')
    return f"{sign}0x1{'.' if digits else ''}{digits}p{q + top:+d}"


def main():
    table, decoded, projected = Table(), 0, 0
    for f in report.formats(range(3, 17)):
        lines, step = code_lines(f.name), 1 if f.k < 14 else 5
        assert len(lines) == 1 << f.k
        for code in range(0, 1 << f.k, step):
            decoded += 1
            want = text(f, code)
            if lines[code] != want:
                table.add('report 4.0', 'decoding', f'{f.name} {code:#x}', lines[code], '-', want, 'peer')
    for f in report.formats(range(3, 6)):
        x = close_points([float(f.decode(c)) for c in range(1 << f.k)])
        values = [exact(v) for v in x]
        for policy in ('spec', 'sat', 'propagate'):
            for mode in ('rne', 'rna', 'rtz', 'rup', 'rdn', 'rodd', 'sra', 'srb', 'src'):
                n = 3 if mode.startswith('sr') else 0
                draws = np.arange(x.size) * 5 % 8
                name = f'{mode}:bits={n}' if n else mode
                ours = cast(x, f.name, '--round', name, '--overflow', policy, bits=draws if n else None)
                for k, v in enumerate(values):
                    want = report.project(f, policy, mode, v, n, int(draws[k]))
                    projected += 1
                    if want != ours[k]:
                        table.add('report 4.0', f'{mode} {policy}', f'{f.name} {hexadecimal(x[k])}',
                                  hex(ours[k]), '-', hex(want), 'peer')
    print(f'P3109 report 4.0: {decoded} codes of 504 formats, {projected} projections')
    return table.show()


if __name__ == '__main__':
    sys.exit(main())

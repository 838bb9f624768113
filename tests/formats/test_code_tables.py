#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every code point of the catalogue's tables, P3109's included, as `assay codes` prints it."""
import csv
import os
import subprocess
import sys
from pathlib import Path

ASSAY = os.environ["ASSAY"]
TABLES = Path(os.environ["ASSAY_SOURCE_DIR"]) / "tests/vectors/formats/tables"
# Not formats of real numbers, or what another table says already.
OTHER = {"ifairy_c2": "complex", "ternary_offset1_2bit": "trit has its codes"}


def normalised(text):
    """A hexadecimal float with any exponent as (sign, odd integer, exponent) or a word."""
    if text in ("inf", "-inf", "nan"):
        return text
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    digits, exponent = text[2:].split("p")
    whole, _, fraction = digits.partition(".")
    value, exponent = int(whole + fraction, 16), int(exponent) - 4 * len(fraction)
    while value and value % 2 == 0:
        value, exponent = value // 2, exponent + 1
    return sign, value, exponent if value else 0


def expected(row):
    kind = row["class"]
    if kind in ("nan", "reserved"):
        return "nan"
    if kind == "inf":
        return "-inf" if row["value_hexfloat"].startswith("-") else "inf"
    return normalised(row["value_hexfloat"])


def check(path):
    with open(path, newline="") as file:
        table = {int(row["code"], 16): expected(row) for row in csv.DictReader(file)}
    run = subprocess.run([ASSAY, "codes", path.stem], capture_output=True, text=True)
    if run.returncode != 0:
        print(f"{path.stem}: {run.stderr.strip()}")
        return 0, 1
    lines = run.stdout.splitlines()
    wrong = int(lines[0] != "code,value")
    seen = {}
    for line in lines[1:]:
        code, value = line.split(",")
        seen[int(code)] = normalised(value)
    for code in sorted(table.keys() | seen.keys()):
        want, got = table.get(code, "nan"), seen.get(code)
        if want != got:
            wrong += 1
            if wrong < 4:
                print(f"{path.stem}: code {code}: {got}, table {want}")
    return len(table), wrong


def main():
    paths = [p for p in sorted(TABLES.glob("**/*.csv")) if p.stem not in OTHER]
    checked = wrong = 0
    for path in paths:
        n, bad = check(path)
        checked, wrong = checked + n, wrong + bad
    print(f"{len(paths)} tables, {checked} codes, {wrong} wrong")
    sys.exit(wrong > 0 or len(paths) < 200)


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`assay mma --infer` on 200 captured dot products of every set: the unit that made them is listed,
all that is listed makes them, what is refuted does not, and the vectors it writes tell all groups
apart. Predictions come from `assay mma`, which the captured outputs themselves check elsewhere."""
import json
import os
import subprocess
import sys

import numpy as np

ASSAY = os.environ["ASSAY"]
FOLDER = os.path.join(os.environ.get("ASSAY_SHARED", os.environ["ASSAY_SOURCE_DIR"] + "/../shared"),
                      "vectors/mma/captured")
ROWS = 200
CODES = {"f16": "<u2", "bf16": "<u2", "tf32": "<u4", "f32": "<u4", "e4m3": "u1", "e5m2": "u1"}
ARCHITECTURES = {"V100": "volta", "A100": "ampere", "A2": "ampere", "Ada": "ada", "L40S": "ada",
                 "H100": "hopper", "H200": "hopper", "B200": "blackwell"}
failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print("FAILED", what)


def product(unit, prefix=""):
    names = [f"{prefix}{x}.npy" for x in "ABC"]
    subprocess.run([ASSAY, "mma", unit, *names, "out.npy"], check=True)
    return np.load("out.npy").ravel()


def load(row):
    """The set's arrays as files; its D."""
    k, a, c = row["K"], CODES[row["fa"]], CODES[row["fc"]]
    record = np.dtype([("A", a, (k,)), ("B", a, (k,)), ("C", c), ("D", c)])
    data = np.fromfile(os.path.join(FOLDER, row["file"]), record)[:ROWS]
    for name in "ABCD":
        np.save(f"{name}.npy", data[name].reshape(ROWS, 1, -1))
    return data["D"]


def infer(row):
    args = [ASSAY, "mma", "--infer", "A.npy", "B.npy", "C.npy", "D.npy", "--fa", row["fa"], "--fb",
            row["fa"], "--fc", row["fc"], "--json", "--out", "apart", "--quiet"]
    subprocess.run(["rm", "-rf", "apart"], check=True)
    return json.loads(subprocess.run(args, check=True, capture_output=True).stdout)


def check_set(row):
    name, d = row["file"], load(row)
    report = infer(row)
    explained, refuted, groups = report["explained"], report["refuted"], report["groups"]
    rows = [e for e in explained if e["certainty"] != "parameters"]
    check(any(e["unit"].startswith(ARCHITECTURES[row["gpu"]] + ".") for e in rows), f"{name}: row")
    for e in explained:
        check((product(e["unit"]) == d).all(), f"{name}: {e['unit']} does not make D")
    for e in refuted:
        got, expected = int(e["got"], 16), int(e["expected"], 16)
        check(got != expected and product(e["unit"])[e["index"]] == got and
              d[e["index"]] == expected, f"{name}: {e['unit']} is refuted by {e['index']}")
    if row["fc"] == "f32": # rows that are left are provably the same; only parameters are not
        check(len({e["group"] for e in rows}) == 1, f"{name}: rows of several groups")
    if groups == 1:
        return
    seen = set()
    for g in range(1, groups + 1):
        predicted = np.load(f"apart/D{g}.npy").ravel()
        unit = [e["unit"] for e in explained if e["group"] == g][-1]
        check((product(unit, "apart/") == predicted).all(), f"{name}: {unit} does not make D{g}")
        seen.add(predicted.tobytes())
    check(len(seen) == groups, f"{name}: {len(seen)} of {groups} groups told apart")


if not os.path.isdir(FOLDER):
    print("SKIPPED for want of", FOLDER, file=sys.stderr)
    sys.exit(77)
with open(os.path.join(FOLDER, "index.json"), encoding="ascii") as f:
    sets = json.load(f)
for one in sets:
    check_set(one)
print(f"{len(sets)} sets, {failures} failures")
sys.exit(failures > 0)

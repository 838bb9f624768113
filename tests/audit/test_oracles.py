#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reference against float64 forward passes that others made: within 1e-11 everywhere."""
import json
import os
import subprocess
import sys

import numpy as np

ASSAY = os.environ["ASSAY"]
SOURCE = os.environ["ASSAY_SOURCE_DIR"]
SHARED = os.environ.get("ASSAY_SHARED", os.path.join(SOURCE, "..", "shared"))
LIMIT = 1e-11


def compare(name, logits, oracle):
    """Returns 0 if the two files agree within LIMIT."""
    a, b = np.load(logits), np.load(oracle)
    worst = np.abs(a - b).max() if a.shape == b.shape and a.dtype == b.dtype else np.inf
    print(f"{name}: {a.shape}, largest difference {worst:.3g}, at most {LIMIT} allowed")
    return 0 if worst <= LIMIT else 1


def built_in():
    """The built-in model against llama_numpy.py, on tokens of its held-out text."""
    with open(os.path.join(SOURCE, "audit", "demo", "config.json")) as config:
        vocab = json.load(config)["vocab_size"]
    ids = (np.arange(96, dtype=np.int64) * 7919 + 11) % vocab
    np.save("ids.npy", ids.astype(np.int32))
    subprocess.run([ASSAY, "run", "demo", "--tokens", "ids.npy", "--logits", "assay.npy"], check=True)
    subprocess.run([sys.executable, os.path.join(SOURCE, "tests", "audit", "llama_numpy.py"),
                    os.path.join(SOURCE, "audit", "demo"), "ids.npy", "numpy.npy"], check=True)
    return compare("demo", "assay.npy", "numpy.npy")


def shared(model):
    """A model of $ASSAY_SHARED against its stored logits."""
    folder = os.path.join(SHARED, "models", model)
    if not os.path.isdir(folder):
        print(f"SKIPPED for want of $ASSAY_SHARED: models/{model}")
        return 1 if os.environ.get("CI") == "true" else 0
    oracle = os.path.join(folder, "oracle")
    subprocess.run([ASSAY, "run", folder, "--tokens", os.path.join(oracle, "ids.npy"), "--logits",
                    "logits.npy"], check=True)
    return compare(model, "logits.npy", os.path.join(oracle, "logits_f64.npy"))


if __name__ == "__main__":
    sys.exit(built_in() + shared("tinystories656k"))

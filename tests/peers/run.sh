#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares the command $ASSAY with other libraries on the same inputs; docs/peers.md has what came
# of it. Needs the network (PyPI), a C compiler and python3 with venv. Not one of the tests.
#   ASSAY=build/gcc/assay tests/peers/run.sh [PART...]
# parts: ml_dtypes gfloat p3109 gguf speed; with PyTorch (6 GB): torchao compressed_tensors modelopt
# bitsandbytes, and microxcaling if MICROXCALING is a checkout of it. `torch` means all of these.
# PEERS_DIR is where the environment goes (build/peers); CPFLOAT, if set, is a checkout of CPFloat;
# BENCH_CAST our own benchmark (build/gcc/tests/bench_cast beside $ASSAY if that exists).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
ASSAY=$(realpath "${ASSAY:?the command to compare}")
export ASSAY OMP_WAIT_POLICY=passive
directory=${PEERS_DIR:-$here/../../build/peers}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
python=$directory/venv/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv "$directory/venv"
fi
"$python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 ml_dtypes==0.6.0 \
    gfloat==0.5.2 array-api-compat==1.16.0 gguf==0.19.0
# An optional one: its speed is measured, its results are known not to be comparable.
"$python" -m pip install --quiet --disable-pip-version-check pychop==0.6.2 || true

export BENCH_CAST=${BENCH_CAST:-$(dirname "$ASSAY")/tests/bench_cast}
cd "$directory"
status=0
torch="torchao compressed_tensors modelopt bitsandbytes ${MICROXCALING:+microxcaling}"
install_torch() {
    "$python" -m pip install --quiet --disable-pip-version-check torch==2.15.0 torchao==0.18.0 \
        compressed-tensors==0.20.0 nvidia-modelopt==0.47.0 bitsandbytes==0.50.2
}
for part in "${@:-all}"; do
    for name in ml_dtypes gfloat p3109 gguf speed; do
        if [ "$part" = all ] || [ "$part" = "$name" ]; then
            "$python" "$here/peer_$name.py" || status=1
        fi
    done
    for name in $torch; do
        if [ "$part" = torch ] || [ "$part" = "$name" ]; then
            install_torch
            "$python" "$here/peer_$name.py" || status=1
        fi
    done
done
if [ -n "${CPFLOAT:-}" ]; then
    for compiler in gcc clang; do
        "$compiler" -std=gnu17 -O3 -march=native -DCPFLOAT_HEADER="\"$CPFLOAT/src/cpfloat_binary32.h\"" \
            -I"$CPFLOAT/src" "$here/cpfloat_time.c" -lm -o "cpfloat_$compiler" &&
            "./cpfloat_$compiler" "$ASSAY" "$compiler" || status=1
    done
fi
exit "$status"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernels compile for every architecture of the list, the harness links with them, and runs
# where there is a GPU. Without nvcc or a GPU there is nothing to run: exit 77.
set -euo pipefail
sources=${ASSAY_SOURCE_DIR:?} build=${ASSAY_BUILD_DIR:?}
nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
if [ ! -x "$nvcc" ]; then
    echo "no nvcc here: no kernel was compiled"
    exit 77
fi
architectures=(80 89 90a 100a 120a) codes=()
for arch in "${architectures[@]}"; do
    codes+=(-gencode "arch=compute_$arch,code=sm_$arch")
done
"$nvcc" -std=c++17 -O1 --threads 2 -ccbin "${CXX:-g++}" "${codes[@]}" -I"$sources/tests/gpu" \
    -c "$sources/tests/gpu/mma_kernels.cu" -o mma_kernels.o
echo "mma_kernels.cu: compiled for ${architectures[*]/#/sm_}"
libraries=$(dirname "$(dirname "$nvcc")")/lib64
if [ ! -e "$libraries/libcudart_static.a" ]; then
    echo "no CUDA runtime here: the harness was not linked"
    exit 77
fi
# The rest was compiled with the tests.
"${CXX:-g++}" -fopenmp mma_kernels.o "$build/tests/libmma_harness.a" "$build/libassay.a" \
    "$libraries/libcudart_static.a" -ljansson -lpthread -ldl -lrt -lm -o mma_gpu
probes=${ASSAY_SHARED:-$sources/../shared}/vectors/mma/hopper_probes.json
arguments=()
[ ! -e "$probes" ] || arguments=(--probes "$probes")
exec ./mma_gpu "${arguments[@]}"

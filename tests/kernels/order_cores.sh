#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_order_blas again with OpenBLAS' kernels for other processors: without FMA, with other lanes.
set -euo pipefail
program=${ASSAY_BUILD_DIR:?}/tests/test_order_blas
if [ ! -x "$program" ]; then
    echo "SKIPPED for want of OpenBLAS: the orders of its kernels"
    exit 0
fi
for core in Prescott Nehalem Sandybridge Haswell; do
    OPENBLAS_CORETYPE=$core "$program" 2>&1 | tee output
    grep -q 'Failing: 0 | Crashing: 0' output
done

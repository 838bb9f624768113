/* SPDX-License-Identifier: Apache-2.0 */
#define VECTOR_BYTES 64
#define TABLE        mma_lanes_avx512
#include "kernels/mma_lanes.inc"

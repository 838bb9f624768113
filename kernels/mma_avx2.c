/* SPDX-License-Identifier: Apache-2.0 */
#define VECTOR_BYTES 32
#define TABLE        mma_lanes_avx2
#include "kernels/mma_lanes.inc"

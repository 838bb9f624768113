/* SPDX-License-Identifier: Apache-2.0 */
#define VECTOR_BYTES 16
#define TABLE        mma_lanes_base
#include "kernels/mma_lanes.inc"

/* SPDX-License-Identifier: Apache-2.0 */
#define VECTOR_BYTES 64
#define ROWS         8
#define VECTORS      3
#define HAS_FMA      1
#define TABLE        assay_product_avx512
#include "kernels/product.inc"

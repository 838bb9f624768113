/* SPDX-License-Identifier: Apache-2.0 */
#define VECTOR_BYTES 32
#define ROWS         4
#define VECTORS      3
#define HAS_FMA      1
#define TABLE        assay_product_avx2
#include "kernels/product.inc"

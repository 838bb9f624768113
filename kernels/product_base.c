/* SPDX-License-Identifier: Apache-2.0 */
#define VECTOR_BYTES 16
#define ROWS         4
#define VECTORS      2
#define HAS_FMA      0
#define TABLE        assay_product_base
#include "kernels/product.inc"

/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_SCHEME_LOOPS assay_scheme_loops_base
#include "rounding/scheme_loops.inc"

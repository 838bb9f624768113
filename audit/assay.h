/* SPDX-License-Identifier: Apache-2.0 */
/* The whole library: every public header, each of which also stands alone. */
#ifndef ASSAY_H
#define ASSAY_H

#include <assay/numerics/bits.h>
#include <assay/numerics/cpu.h>
#include <assay/numerics/elementary.h>
#include <assay/numerics/elementary_dd.h>
#include <assay/numerics/env.h>
#include <assay/numerics/exact.h>
#include <assay/numerics/gamma.h>
#include <assay/numerics/number.h>
#include <assay/numerics/philox.h>
#include <assay/numerics/status.h>
#include <assay/numerics/superaccumulator.h>
#include <assay/numerics/version.h>

#include <assay/formats/format.h>
#include <assay/formats/pack.h>

#include <assay/rounding/array.h>
#include <assay/rounding/count.h>
#include <assay/rounding/fast.h>
#include <assay/rounding/feedback.h>
#include <assay/rounding/hardware.h>
#include <assay/rounding/layout.h>
#include <assay/rounding/operation.h>
#include <assay/rounding/recode.h>
#include <assay/rounding/round.h>
#include <assay/rounding/scheme.h>
#include <assay/rounding/scheme_feedback.h>
#include <assay/rounding/scheme_hierarchy.h>
#include <assay/rounding/transform.h>

#include <assay/kernels/accumulator.h>
#include <assay/kernels/mma.h>
#include <assay/kernels/op.h>
#include <assay/kernels/order.h>
#include <assay/kernels/product.h>

#endif

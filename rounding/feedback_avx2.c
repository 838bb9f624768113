/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_FEEDBACK_TABLE assay_feedback_avx2
#include "rounding/feedback_strip.inc"

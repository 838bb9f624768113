/* SPDX-License-Identifier: Apache-2.0 */
#define ASSAY_FEEDBACK_TABLE assay_feedback_base
#include "rounding/feedback_strip.inc"

/* SPDX-License-Identifier: Apache-2.0 */
/* The floating-point environment that every result of this library presumes. */
#ifndef ASSAY_NUMERICS_ENV_H
#define ASSAY_NUMERICS_ENV_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * ASSAY_OK if the calling thread rounds to nearest even and keeps subnormals; else
 * ASSAY_ERR_ENVIRONMENT, and assay_last_error() names the setting. The environment is per
 * thread: a function that starts threads asks in each. It is read, never changed. About 5 ns.
 */
ASSAY_API ASSAY_NODISCARD assay_status assay_env_check(void);

#ifdef __cplusplus
}
#endif
#endif

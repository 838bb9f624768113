/* SPDX-License-Identifier: Apache-2.0 */
/* The version of this library: semantic, and said here only (CMake reads it from this file). */
#ifndef ASSAY_NUMERICS_VERSION_H
#define ASSAY_NUMERICS_VERSION_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_VERSION       "0.1.0"
#define ASSAY_VERSION_MAJOR 0
#define ASSAY_VERSION_MINOR 1
#define ASSAY_VERSION_PATCH 0

/**
 * ASSAY_VERSION of the library that runs, which can be newer than the header a program was
 * compiled with. A static string; callable from any thread.
 */
ASSAY_API const char *assay_version(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_NUMERICS_STATUS_H
#define ASSAY_NUMERICS_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_API               __attribute__((visibility("default")))
#define ASSAY_NODISCARD         __attribute__((warn_unused_result))
#define ASSAY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ASSAY_INLINE            static inline __attribute__((always_inline, unused))

/** What a checking function returns. Only ASSAY_OK is success; numbers are stable. */
typedef enum assay_status {
    ASSAY_OK = 0,
    ASSAY_ERR_USAGE = 1,       /* an argument, name, SPEC or recipe is not valid          */
    ASSAY_ERR_INPUT = 2,       /* a file's bytes are not what its format promises         */
    ASSAY_ERR_SHAPE = 3,       /* shapes of arguments do not fit each other               */
    ASSAY_ERR_VALUE = 4,       /* an element lies outside the set that it has to belong to */
    ASSAY_ERR_IO = 5,          /* the operating system refused to read or write           */
    ASSAY_ERR_MEMORY = 6,      /* no memory                                               */
    ASSAY_ERR_UNAVAILABLE = 7, /* this machine or this build cannot do it                 */
    ASSAY_ERR_ENVIRONMENT = 8  /* the caller's rounding mode or FTZ/DAZ changes results    */
} assay_status;

/**
 * The text of the calling thread's last failure, "" before the first: one line that
 * names the file or argument and the field. Valid until the thread's next failure.
 */
ASSAY_API const char *assay_last_error(void);

/** Sets the text of assay_last_error and returns status, for `return assay_fail(...)`. */
ASSAY_API assay_status assay_fail(assay_status status, const char *fmt, ...) ASSAY_PRINTF(2, 3);

/** Puts "prefix: " before the current error text, unless it begins with that, and returns status:
 *  adds the file to a field. */
ASSAY_API assay_status assay_fail_in(assay_status status, const char *prefix);

#ifdef __cplusplus
}
#endif
#endif

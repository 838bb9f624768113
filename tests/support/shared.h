/* SPDX-License-Identifier: Apache-2.0 */
/* Files that tests need: large ones from $ASSAY_SHARED, small ones in a directory of their own. */
#ifndef ASSAY_TESTS_SUPPORT_SHARED_H
#define ASSAY_TESTS_SUPPORT_SHARED_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Path of a file or directory under $ASSAY_SHARED (../shared beside the sources if that is
 * not set). If it is not there the test is skipped, after a line on stderr that says what
 * for; with CI=true it fails. Valid until eight further calls.
 */
const char *assay_shared(const char *relative);

/** Path of NAME in this process's own temporary directory, made on first use. The same lifetime. */
const char *assay_temp(const char *name);
/** Removes that directory with everything in it; for a suite's .fini. */
void assay_temp_remove(void);

/** Writes a whole file; the test fails if that does not work. */
void assay_temp_write(const char *path, const void *bytes, size_t size);
/** Entries of the temporary directory whose name contains TEXT. */
size_t assay_temp_count(const char *text);

#endif

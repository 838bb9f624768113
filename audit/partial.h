/* SPDX-License-Identifier: Apache-2.0 */
/* Which unfinished outputs there are, so that a program that is stopped can remove them. */
#ifndef ASSAY_AUDIT_PARTIAL_H
#define ASSAY_AUDIT_PARTIAL_H

/**
 * Remembers a file or an empty directory that is to go if the program is stopped, and forgets it
 * again. Beyond 4096 at once, or without memory, a path is not remembered. Threads: any.
 */
void assay_partial_add(const char *path);
void assay_partial_drop(const char *path);

/** Removes them all, files before directories. Async-signal-safe: for a handler that ends the
 * program. */
void assay_partial_remove_all(void);

#endif

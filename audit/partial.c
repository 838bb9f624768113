/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/partial.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 4096 };

/* A slot holds a whole string or NULL at any moment, which is all that a handler needs. */
static char *_Atomic slots[SLOTS];

void assay_partial_add(const char *path)
{
    char *copy = strdup(path);
    for (int i = 0; copy && i < SLOTS; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&slots[i], &empty, copy))
            return;
    }
    free(copy);
}

void assay_partial_drop(const char *path)
{
    for (int i = SLOTS - 1; i >= 0; i--) {
        char *held = atomic_load(&slots[i]);
        if (held && strcmp(held, path) == 0 &&
            atomic_compare_exchange_strong(&slots[i], &held, NULL)) {
            free(held);
            return;
        }
    }
}

void assay_partial_remove_all(void)
{
    for (int i = 0; i < SLOTS; i++) {
        const char *path = atomic_load(&slots[i]);
        if (path)
            (void)unlink(path); /* fails on a directory, whose turn comes when it is empty */
    }
    for (int i = 0; i < SLOTS; i++) {
        const char *path = atomic_load(&slots[i]);
        if (path)
            (void)rmdir(path);
    }
}

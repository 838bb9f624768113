/* SPDX-License-Identifier: Apache-2.0 */
#include "numerics/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DETAIL = 1024 };

static _Thread_local char detail[DETAIL];

const char *assay_last_error(void)
{
    return detail;
}

/* A file's own bytes may stand in the text: whatever would break the one line becomes '?'. */
static void keep_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

assay_status assay_fail(assay_status status, const char *fmt, ...)
{
    char text[DETAIL]; /* the arguments may be the old text itself */
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    keep_one_line(text);
    memcpy(detail, text, sizeof detail);
    return status;
}

assay_status assay_fail_in(assay_status status, const char *prefix)
{
    char text[DETAIL];
    size_t length = strlen(prefix);
    if (strncmp(detail, prefix, length) == 0 && strncmp(detail + length, ": ", 2) == 0)
        return status;
    memcpy(text, detail, sizeof text);
    return assay_fail(status, "%s: %s", prefix, text);
}

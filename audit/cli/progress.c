/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

cli_progress cli_progress_begin(const cli *run)
{
    return (cli_progress){ .command = run->command->name,
                           .wanted = !run->quiet && isatty(STDERR_FILENO),
                           .percent = -1 };
}

void cli_progress_draw(void *progress, size_t done, size_t total)
{
    cli_progress *p = progress;
    int percent = total ? (int)(100 * done / total) : 100;
    if (!p->wanted || percent == p->percent)
        return;
    p->percent = percent;
    fprintf(stderr, "\rassay %s: %3d %%", p->command, percent);
    fflush(stderr);
}

void cli_progress_end(const cli_progress *p)
{
    if (p->wanted && p->percent >= 0)
        fputs("\r\033[K", stderr);
}

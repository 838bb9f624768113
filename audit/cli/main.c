/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/cli/cli.h"
#include "audit/partial.h"
#include "numerics/cpu.h"
#include "numerics/env.h"
#include "numerics/version.h"

#define CLI_COMMAND(name) extern const cli_command cli_command_##name;
#include "audit/cli/commands.def"
#undef CLI_COMMAND

static const cli_command *const commands[] = {
#define CLI_COMMAND(name) &cli_command_##name,
#include "audit/cli/commands.def"
#undef CLI_COMMAND
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

int cli_exit_code(assay_status status)
{
    switch (status) {
    case ASSAY_OK: return CLI_DONE;
    case ASSAY_ERR_MEMORY:
    case ASSAY_ERR_UNAVAILABLE:
    case ASSAY_ERR_ENVIRONMENT: return CLI_CANNOT;
    default: return CLI_INVALID;
    }
}

int cli_fail(const cli *run, assay_status status)
{
    fprintf(stderr, "assay %s: %s\n", run->command->name, assay_last_error());
    return cli_exit_code(status);
}

int cli_fail_in(const cli *run, assay_status status, const char *name)
{
    return cli_fail(run, assay_fail_in(status, name));
}

int cli_usage_error(const cli *run, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return cli_fail(run, assay_fail(ASSAY_ERR_USAGE, "%s", text)); /* which keeps it one line */
}

void cli_print_help(const cli_command *command)
{
    printf("Usage: assay %s %s\n%s.\n\n%s\n"
           "Options of every command:\n"
           "  --threads N   use N threads (1 to 1024); results don't depend on it\n"
           "  --isa NAME    run the loops of baseline, avx2 or avx512; same results\n"
           "  --quiet       print results and errors only\n"
           "  --help        print this text\n",
           command->name, command->usage, command->summary, command->help);
}

static int print_overview(void)
{
    printf("Usage: assay COMMAND [ARG...]\n"
           "Emulates low-precision arithmetic bit for bit and audits transformers.\n\nCommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n`assay COMMAND --help` says more; `assay --version` shows what is built in.\n"
           "Exit codes: 0 done, 1 measured and different or out of budget, 2 bad usage or\n"
           "invalid input, 3 cannot measure here.\n");
    return CLI_DONE;
}

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static int print_version(void)
{
    static const struct {
        const char *name;
        bool in;
    } parts[] = {
#ifdef ASSAY_WITH_MPFR
        { "mpfr", true },
#else
        { "mpfr", false },
#endif
#ifdef ASSAY_WITH_CUDA
        { "cuda", true },
#else
        { "cuda", false },
#endif
#ifdef ASSAY_WITH_BLAS
        { "blas", true },
#else
        { "blas", false },
#endif
    };
    printf("assay %s\n", assay_version());
    printf("%-9s %s\n", "isa", assay_isa_name(assay_isa_best()));
    printf("%-9s %d, %d threads\n", "openmp", _OPENMP, omp_get_max_threads());
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        printf("%-9s %s\n", parts[i].name, parts[i].in ? "in" : "out");
    printf("%-9s %s\n", "compiler", COMPILER);
    return CLI_DONE;
}

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* Stopped by the user or the system: no partial output stays, and the shell sees the signal. */
static void stop(int signal_number)
{
    assay_partial_remove_all();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* A closed standard stream would hand its number to the next file opened, and what is printed
 * would end up in there. stdout is reopened for reading: writing to it stays an error. */
static void hold_standard_streams(void)
{
    static const int flags[] = { O_RDONLY, O_RDONLY, O_WRONLY };
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) < 0)
            _exit(CLI_INVALID);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGHUP, stop);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, and gets its line */
}

/* The last word on a run: what was printed has to have arrived. */
static int finish(const cli *run, int code)
{
    errno = 0;
    bool lost = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !lost)
        return code;
    return cli_usage_error(run, "standard output: cannot write: %s",
                           errno ? strerror(errno) : "an earlier write failed");
}

static int run_command(cli *run)
{
    assay_status status = assay_env_check();
    return status == ASSAY_OK ? run->command->run(run) : cli_fail(run, status);
}

static int no_such_command(const char *name)
{
    if (*name)
        assay_fail(ASSAY_ERR_USAGE, " %s: no such command", name);
    else
        assay_fail(ASSAY_ERR_USAGE, ": a command is missing");
    fprintf(stderr, "assay%s; `assay --help` lists them\n", assay_last_error());
    return CLI_INVALID;
}

/* OpenMP's threads spin while they wait, which beside other work costs several times the work
 * itself (measured: 63 s instead of 20). The runtime reads its policy once, when it is loaded, so
 * the program starts itself anew with the other one; if that fails it is only slower. */
static void wait_passively(char **argv)
{
    if (!getenv("OMP_WAIT_POLICY") && setenv("OMP_WAIT_POLICY", "passive", 1) == 0)
        execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    wait_passively(argv);
    hold_standard_streams();
    const char *name = argc > 1 ? argv[1] : "";
    cli_command unknown = { .name = name };
    cli run = { .command = &unknown, .argc = argc - 2, .argv = argv + 2 };
    if (argc == 2 && strcmp(name, "--help") == 0)
        return finish(&run, print_overview());
    if (argc == 2 && strcmp(name, "--version") == 0)
        return finish(&run, print_version());
    run.command = find_command(name);
    return run.command ? finish(&run, run_command(&run)) : no_such_command(name);
}

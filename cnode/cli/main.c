/* noexmon: watches the processes of Erlang clusters from the command line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"
#include "text.h"

#include <fcntl.h>
#include <noex/version.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum operand_kind { TARGETS, NODES, HOST, FUNCTION };

struct command {
    const char *name;
    enum operand_kind operands;
    const char *usage;
    const char *summary;
    unsigned options;
    enum exit_code (*run)(const struct options *o, const struct operands *operands);
};

enum {
    OPT_ALL = OPT_EPMD_PORT | OPT_JSON | OPT_QUIET | OPT_TIMEOUT | OPT_HELP,
    OPT_NODE =
        OPT_ALL | OPT_VERBOSE | OPT_NAME | OPT_VISIBLE | OPT_COOKIE_FILE | OPT_TICKTIME | OPT_TLS,
    OPT_WATCH = OPT_NODE | OPT_TARGETS
};

static const struct command commands[] = {
    {"watch", TARGETS, "TARGET...", "stay, print events, re-arm names that come back",
     OPT_WATCH | OPT_FOR, cmd_watch},
    {"check", TARGETS, "TARGET...", "one shot: are they all alive?", OPT_WATCH, cmd_check},
    {"wait-up", TARGETS, "TARGET...", "until all are alive", OPT_WATCH, cmd_wait_up},
    {"wait-down", TARGETS, "TARGET...", "until all are gone; prints their reasons", OPT_WATCH,
     cmd_wait_down},
    {"ping", NODES, "NODE...", "like net_adm:ping", OPT_WATCH, cmd_ping},
    {"call", FUNCTION, "NODE MODULE FUNCTION [ARG...]", "call a function, print what it returns",
     OPT_NODE | OPT_BEFORE_OPERANDS, cmd_call},
    {"names", HOST, "[HOST]", "what epmd knows", OPT_ALL, cmd_names},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void general_help(FILE *out)
{
    fputs("Usage: noexmon COMMAND [OPTION...] [OPERAND...]\n\n"
          "Watches processes of Erlang and Elixir nodes.\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  noexmon %-9s %-29s  %s\n", commands[i].name, commands[i].usage,
                commands[i].summary);
    fputs("\nTARGET is NODE (the node itself), NODE/NAME (a registered name), NODE/<0.123.0> (a "
          "pid as\n"
          "printed on that node), or NODE/global:NAME (a name of Erlang's global, as NODE knows "
          "it).\n"
          "NODE is name@host, or name@host:port. ARG and the NAME of global are Erlang terms.\n\n"
          "noexmon COMMAND --help tells its options; noexmon --version the version.\n\n"
          "Exit codes: 0 all well, 1 a target is down or absent (call: an exception), 2 usage, 3 "
          "not\n"
          "reachable or lost, 4 refused, 5 no answer in time or not reached in time, 6 internal.\n",
          out);
}

static void command_help(FILE *out, const struct command *c)
{
    fprintf(out, "Usage: noexmon %s [OPTION...] %s\n\n%s\n\n", c->name, c->usage, c->summary);
    options_help(out, c->options);
}

/* What was printed may not have arrived: a full disk must not look like success. */
static enum exit_code finish_stdout(void)
{
    return fflush(stdout) || ferror(stdout) ? CODE_INTERNAL : CODE_WELL;
}

static enum exit_code refuse(const char *command, const struct failure *why)
{
    struct text line = {0};
    text_puts(&line, "noexmon: ");
    text_add_shown(&line, why->text, sizeof why->text);
    if (why->code == CODE_USAGE)
        text_printf(&line, " (see noexmon %s%s--help)", command, *command ? " " : "");
    text_puts(&line, "\n");
    fwrite(line.ptr, 1, line.len, stderr);
    text_free(&line);
    return why->code;
}

static enum exit_code read_targets(const struct command *c, const struct options *o,
                                   struct target_list *list, struct failure *why)
{
    enum exit_code rc = CODE_WELL;
    for (size_t i = 0; i < o->operand_count && !rc; i++)
        rc = targets_add(list, o->operands[i], why);
    for (size_t i = 0; i < o->target_file_count && !rc; i++)
        rc = targets_read_path(list, o->target_files[i], why);
    rc = rc ? rc : targets_unique(list, why);
    if (!rc && list->count == 0)
        return fail_with(why, CODE_USAGE, "%s: no %s given", c->name,
                         c->operands == NODES ? "node" : "target");
    for (size_t i = 0; !rc && c->operands == NODES && i < list->count; i++)
        if (list->items[i].what.kind != NOEX_TARGET_NODE)
            rc = fail_with(why, CODE_USAGE, "%s: not a node: '%s'", c->name, list->items[i].text);
    return rc;
}

static enum exit_code check_host(const struct command *c, const struct options *o,
                                 struct failure *why)
{
    if (o->operand_count > 1)
        return fail_with(why, CODE_USAGE, "%s: more than one host given", c->name);
    if (o->operand_count == 1 && !*o->operands[0])
        return fail_with(why, CODE_USAGE, "%s: the host is empty", c->name);
    if (o->operand_count == 1 && strchr(o->operands[0], '@'))
        return fail_with(why, CODE_USAGE, "%s: not a host: '%s'", c->name, o->operands[0]);
    return CODE_WELL;
}

static enum exit_code read_operands(const struct command *c, const struct options *o,
                                    struct operands *operands, struct failure *why)
{
    switch (c->operands) {
    case HOST:
        return check_host(c, o, why);
    case FUNCTION:
        return mfa_parse(&operands->mfa, o->operands, o->operand_count, why);
    case TARGETS:
    case NODES:
        break;
    }
    return read_targets(c, o, &operands->targets, why);
}

static enum exit_code run_command(const struct command *c, int argc, char **argv)
{
    struct options o;
    struct failure why;
    struct operands operands = {0};
    enum exit_code code = options_parse(&o, c->options, argc, argv, &why);
    if (!code && o.help) {
        command_help(stdout, c);
        return finish_stdout();
    }
    code = code ? code : read_operands(c, &o, &operands, &why);
    code = code ? refuse(c->name, &why) : c->run(&o, &operands);
    targets_free(&operands.targets);
    mfa_free(&operands.mfa);
    return code;
}

/* A closed descriptor 0, 1 or 2 would be given to the first socket, and output written into it. */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

/* The cookie and the key would be in a core dump. */
static void forbid_core_dumps(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv)
{
    struct failure why;
    forbid_core_dumps();
    occupy_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        fail_with(&why, CODE_USAGE, "no command given");
        return (int)refuse("", &why);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        general_help(stdout);
        return (int)finish_stdout();
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("noexmon %s\n", noex_version());
        return (int)finish_stdout();
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return (int)run_command(&commands[i], argc - 1, argv + 1);
    fail_with(&why, CODE_USAGE, "unknown %s '%s'", *argv[1] == '-' ? "option" : "command", argv[1]);
    return (int)refuse("", &why);
}

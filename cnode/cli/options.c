/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <noex/target.h>
#include <stdlib.h>
#include <string.h>

enum { EPMD_PORT = 4369, TICKTIME_MAX = 24 * 3600, TICKTIME_MS = 60000 };
/* A year: longer times are mistakes, and sums with them cannot overflow. */
static const uint64_t time_max_ms = UINT64_C(366) * 24 * 3600 * 1000;

typedef enum exit_code (*option_fn)(struct options *o, const char *value, struct failure *why);

struct spec {
    enum option_bit bit;
    const char *name;
    const char *value; /* how help calls it; NULL: takes none */
    const char *help;
    option_fn take;
};

static bool read_number(const char *text, uint64_t *out)
{
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, NULL, 10);
    *out = n;
    return errno == 0;
}

static enum exit_code take_port(uint16_t *port, const char *source, const char *value,
                                struct failure *why)
{
    uint64_t n;
    if (!read_number(value, &n) || n < 1 || n > UINT16_MAX)
        return fail_with(why, CODE_USAGE, "%s: not a port: '%s'", source, value);
    *port = (uint16_t)n;
    return CODE_WELL;
}

static enum exit_code take_name(struct options *o, const char *value, struct failure *why)
{
    if (noex_node_name_check(value, NULL) || strchr(value, ':'))
        return fail_with(why, CODE_USAGE, "--name: not of the form NAME@HOST: '%s'", value);
    o->name = value;
    return CODE_WELL;
}

static enum exit_code take_cookie_file(struct options *o, const char *value, struct failure *why)
{
    if (!*value)
        return fail_with(why, CODE_USAGE, "--cookie-file: no file given");
    o->cookie_file = value;
    return CODE_WELL;
}

static enum exit_code take_timeout(struct options *o, const char *value, struct failure *why)
{
    uint64_t n;
    if (!read_number(value, &n) || n < 1 || n > time_max_ms)
        return fail_with(why, CODE_USAGE, "--timeout: not a number of milliseconds: '%s'", value);
    o->timeout_ms = n;
    return CODE_WELL;
}

static enum exit_code take_ticktime(struct options *o, const char *value, struct failure *why)
{
    uint64_t n;
    if (!read_number(value, &n) || n < 1 || n > TICKTIME_MAX)
        return fail_with(why, CODE_USAGE, "--ticktime: not a number of seconds from 1 to %d: '%s'",
                         TICKTIME_MAX, value);
    o->ticktime_ms = n * 1000;
    return CODE_WELL;
}

static enum exit_code take_epmd_port(struct options *o, const char *value, struct failure *why)
{
    return take_port(&o->epmd_port, "--epmd-port", value, why);
}

/* Digits with at most one point among them; not strtod, which goes by the locale and takes "inf".
 */
static enum exit_code take_for(struct options *o, const char *value, struct failure *why)
{
    uint64_t us = 0, unit = 1000000;
    bool digits = false, fraction = false, good = true;
    for (const char *s = value; *s && good; s++) {
        if (*s == '.' && !fraction) {
            fraction = true;
        } else if (*s >= '0' && *s <= '9' && us <= time_max_ms * 1000) {
            digits = true;
            unit = fraction ? unit / 10 : unit;
            us =
                fraction ? us + (uint64_t)(*s - '0') * unit : us * 10 + (uint64_t)(*s - '0') * unit;
        } else {
            good = false;
        }
    }
    if (!good || !digits || us == 0 || us > time_max_ms * 1000)
        return fail_with(why, CODE_USAGE, "--for: not a number of seconds: '%s'", value);
    o->for_ms = (us + 999) / 1000;
    return CODE_WELL;
}

static enum exit_code take_targets(struct options *o, const char *value, struct failure *why)
{
    if (!*value)
        return fail_with(why, CODE_USAGE, "--targets: no file given");
    if (o->target_file_count == TARGET_FILES_MAX)
        return fail_with(why, CODE_USAGE, "--targets: given more than %d times", TARGET_FILES_MAX);
    for (size_t i = 0; i < o->target_file_count; i++)
        if (strcmp(value, "-") == 0 && strcmp(o->target_files[i], "-") == 0)
            return fail_with(why, CODE_USAGE, "--targets -: standard input can be read only once");
    o->target_files[o->target_file_count++] = value;
    return CODE_WELL;
}

static enum exit_code take_json(struct options *o, const char *value, struct failure *why)
{
    (void)value;
    (void)why;
    o->json = true;
    return CODE_WELL;
}

static enum exit_code take_quiet(struct options *o, const char *value, struct failure *why)
{
    (void)value;
    (void)why;
    o->quiet = true;
    return CODE_WELL;
}

static enum exit_code take_verbose(struct options *o, const char *value, struct failure *why)
{
    (void)value;
    (void)why;
    o->verbose = true;
    return CODE_WELL;
}

static enum exit_code take_visible(struct options *o, const char *value, struct failure *why)
{
    (void)value;
    (void)why;
    o->visible = true;
    return CODE_WELL;
}

static enum exit_code take_tls(struct options *o, const char **place, const char *name,
                               const char *value, struct failure *why)
{
    if (!*value)
        return fail_with(why, CODE_USAGE, "--%s: nothing given", name);
    o->tls = true;
    *place = value;
    return CODE_WELL;
}

static enum exit_code take_tls_optfile(struct options *o, const char *value, struct failure *why)
{
    return take_tls(o, &o->tls_optfile, "tls-optfile", value, why);
}

static enum exit_code take_tls_ca(struct options *o, const char *value, struct failure *why)
{
    return take_tls(o, &o->tls_ca, "tls-ca", value, why);
}

static enum exit_code take_tls_cert(struct options *o, const char *value, struct failure *why)
{
    return take_tls(o, &o->tls_cert, "tls-cert", value, why);
}

static enum exit_code take_tls_key(struct options *o, const char *value, struct failure *why)
{
    return take_tls(o, &o->tls_key, "tls-key", value, why);
}

static enum exit_code take_tls_server_name(struct options *o, const char *value,
                                           struct failure *why)
{
    return take_tls(o, &o->tls_server_name, "tls-server-name", value, why);
}

static enum exit_code take_tls_verify(struct options *o, const char *value, struct failure *why)
{
    static const char *const words[] = {[NOEX_TLS_VERIFY_FULL] = "full",
                                        [NOEX_TLS_VERIFY_CHAIN] = "chain",
                                        [NOEX_TLS_VERIFY_NONE] = "none"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(value, words[i]) == 0) {
            o->tls = true;
            o->tls_verify = (enum noex_tls_verify)i;
            return CODE_WELL;
        }
    return fail_with(why, CODE_USAGE, "--tls-verify: full, chain or none, not '%s'", value);
}

static enum exit_code take_help(struct options *o, const char *value, struct failure *why)
{
    (void)value;
    (void)why;
    o->help = true;
    return CODE_WELL;
}

static const struct spec specs[] = {
    {OPT_TARGETS, "targets", "FILE", "more targets, one a line ('-' is standard input)",
     take_targets},
    {OPT_NAME, "name", "NAME@HOST", "the name to connect by (default: the peer assigns one)",
     take_name},
    {OPT_VISIBLE, "visible", NULL, "as a node among others, not a hidden one (needs --name)",
     take_visible},
    {OPT_COOKIE_FILE, "cookie-file", "FILE",
     "where the cookie is, unless NOEX_COOKIE has it (default: as erl finds it)", take_cookie_file},
    {OPT_TIMEOUT, "timeout", "MS", "how long to wait, in milliseconds", take_timeout},
    {OPT_TICKTIME, "ticktime", "S", "net_ticktime of the cluster, in seconds (60)", take_ticktime},
    {OPT_EPMD_PORT, "epmd-port", "N", "epmd's port (ERL_EPMD_PORT, or 4369)", take_epmd_port},
    {OPT_FOR, "for", "SECONDS", "end after this time", take_for},
    {OPT_JSON, "json", NULL, "one JSON object a line", take_json},
    {OPT_QUIET, "quiet", NULL, "nothing on standard output", take_quiet},
    {OPT_VERBOSE, "verbose", NULL, "every step and frame in words, on standard error",
     take_verbose},
    {OPT_TLS, "tls-optfile", "FILE", "TLS, as the cluster's -ssl_dist_optfile has it",
     take_tls_optfile},
    {OPT_TLS, "tls-ca", "PATH", "TLS: the CAs to trust, a file or a folder", take_tls_ca},
    {OPT_TLS, "tls-cert", "FILE", "TLS: the certificate to show", take_tls_cert},
    {OPT_TLS, "tls-key", "FILE", "TLS: its key (default: in the certificate's file)", take_tls_key},
    {OPT_TLS, "tls-verify", "HOW", "TLS: full (default), chain (any host) or none",
     take_tls_verify},
    {OPT_TLS, "tls-server-name", "NAME", "TLS: the host to verify (default: the node's)",
     take_tls_server_name},
    {OPT_HELP, "help", NULL, "this text", take_help},
};
enum { SPEC_COUNT = sizeof specs / sizeof *specs };

static enum exit_code from_environment(struct options *o, struct failure *why)
{
    const char *port = getenv("ERL_EPMD_PORT");
    return port && *port ? take_port(&o->epmd_port, "ERL_EPMD_PORT", port, why) : CODE_WELL;
}

/* What getopt_long refused, in one line. */
static enum exit_code refuse(int result, char **argv, int index, struct failure *why)
{
    const char *word = index > 0 && argv[index] ? argv[index] : "";
    if (result == ':')
        return fail_with(why, CODE_USAGE, "%s needs a value", word);
    if (optopt && strncmp(word, "--", 2) == 0)
        return fail_with(why, CODE_USAGE, "%.*s takes no value", (int)strcspn(word, "="), word);
    if (strncmp(word, "--", 2) == 0)
        return fail_with(why, CODE_USAGE, "unknown option %s", word);
    return fail_with(why, CODE_USAGE, "unknown option -%c", optopt);
}

enum exit_code options_parse(struct options *o, unsigned allowed, int argc, char **argv,
                             struct failure *why)
{
    *o = (struct options){.ticktime_ms = TICKTIME_MS, .epmd_port = EPMD_PORT};
    struct option longs[SPEC_COUNT + 1] = {{0}};
    for (size_t i = 0; i < SPEC_COUNT; i++)
        longs[i] = (struct option){
            .name = specs[i].name, .has_arg = specs[i].value != NULL, .val = 256 + (int)i};
    enum exit_code rc = from_environment(o, why);
    const char *shorts = allowed & OPT_BEFORE_OPERANDS ? "+:h" : ":h";
    optind = 0; /* glibc: start anew, also after an earlier parse */
    opterr = 0;
    while (!rc) {
        int result = getopt_long(argc, argv, shorts, longs, NULL);
        if (result == -1)
            break;
        if (result == 'h') {
            o->help = true;
            continue;
        }
        if (result < 256)
            return refuse(result, argv, optind - 1, why);
        const struct spec *spec = &specs[result - 256];
        if (!(allowed & spec->bit))
            return fail_with(why, CODE_USAGE, "%s takes no --%s", argv[0], spec->name);
        rc = spec->take(o, optarg, why);
    }
    if (!rc && o->visible && !o->name)
        rc = fail_with(why, CODE_USAGE, "--visible needs a name that others know it by (--name)");
    o->operands = argv + optind;
    o->operand_count = rc ? 0 : (size_t)(argc - optind);
    return o->help ? CODE_WELL : rc;
}

void options_help(FILE *out, unsigned allowed)
{
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        if (!(allowed & specs[i].bit))
            continue;
        int len = fprintf(out, "  --%s%s%s", specs[i].name, specs[i].value ? " " : "",
                          specs[i].value ? specs[i].value : "");
        fprintf(out, "%*s%s\n", len < 25 ? 25 - len : 1, "", specs[i].help);
    }
}

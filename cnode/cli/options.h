/* The options of the command line and of the environment. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "exitcode.h"
#include <noex/tls.h>
#include <stdint.h>
#include <stdio.h>

/** One bit an option: which ones a command takes. */
enum option_bit {
    OPT_NAME = 1 << 0,
    OPT_COOKIE_FILE = 1 << 1,
    OPT_TIMEOUT = 1 << 2,
    OPT_TICKTIME = 1 << 3,
    OPT_EPMD_PORT = 1 << 4,
    OPT_JSON = 1 << 5,
    OPT_QUIET = 1 << 6,
    OPT_VERBOSE = 1 << 7,
    OPT_FOR = 1 << 8,
    OPT_TARGETS = 1 << 9,
    OPT_HELP = 1 << 10,
    OPT_VISIBLE = 1 << 11,
    OPT_TLS = 1 << 13, /**< each of --tls-* */
    /** No option: they all stand before the first operand, and what follows it is taken as it is.
     */
    OPT_BEFORE_OPERANDS = 1 << 12
};

enum { TARGET_FILES_MAX = 16 };

struct options {
    const char *name;        /* NULL: dynamic identities */
    const char *cookie_file; /* NULL: as erl finds it */
    uint64_t timeout_ms;     /* 0: not given */
    uint64_t ticktime_ms;
    uint64_t for_ms; /* 0: not given */
    uint16_t epmd_port;
    bool json;
    bool quiet;
    bool verbose;
    bool visible;
    bool help;
    bool tls; /* one of the following was given */
    const char *tls_optfile;
    const char *tls_ca; /* a file or a folder */
    const char *tls_cert;
    const char *tls_key;
    const char *tls_server_name;
    enum noex_tls_verify tls_verify;
    const char *target_files[TARGET_FILES_MAX];
    size_t target_file_count;
    char *const *operands; /* what follows the options */
    size_t operand_count;
};

/**
 * Reads the options behind the command: argv[0] is the command's own name. `allowed` holds the bits
 * of the options that it takes. Strings of argv are borrowed; argv is put in another order. Returns
 * 0 or CODE_USAGE with the cause in `why`.
 */
enum exit_code options_parse(struct options *o, unsigned allowed, int argc, char **argv,
                             struct failure *why);

/** The lines of --help for these options. */
void options_help(FILE *out, unsigned allowed);

#endif

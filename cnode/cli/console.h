/* Standard output and standard error of noexmon, neither of which ever holds up the program.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include "exitcode.h"
#include "output.h"
#include "writer.h"

struct console {
    struct output output;
    bool quiet; /* nothing on standard output */
    struct writer *out;
    struct writer *err;
    struct text line;    /* reused */
    uint64_t lost_lines; /* of standard error, where it is not read */
    bool speechless;     /* without memory even to say so */
    bool out_of_memory;
    bool overflow;
};

/** Takes over file descriptors 1 and 2. Returns 0, or CODE_INTERNAL with the cause in `why`. */
enum exit_code console_open(struct console *c, struct output output, bool quiet,
                            struct failure *why);

/** Prints a report; an error goes to standard error too: "noexmon: NODE: text". Its failures show
 * in console_failed. */
void console_report(struct console *c, const struct report *r);

/** A line on standard error: "noexmon: ...". */
void console_say(struct console *c, const char *fmt, ...) CLI_PRINTF(2, 3);

/** A line on standard error as it is (control characters escaped); dropped where nobody reads. */
void console_log(struct console *c, const char *line);

/** Whether standard output is of no use any more; the cause is put in `why`. */
bool console_failed(struct console *c, struct failure *why);

/**
 * Ends the output: writes what is left, waiting for the reader as long as it takes, or
 * `patience_ms` without progress where that is not 0; `give_up` ends the wait. Returns 0, or
 * CODE_INTERNAL where lines were lost, said on standard error.
 */
enum exit_code console_close(struct console *c, uint64_t patience_ms, bool (*give_up)(void));

#endif

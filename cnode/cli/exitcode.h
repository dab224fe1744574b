/* What noexmon exits with, and the failure that ends it. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EXITCODE_H
#define CLI_EXITCODE_H

#include "text.h"

enum exit_code {
    CODE_WELL = 0,
    CODE_DOWN = 1, /* a target is down or absent */
    CODE_USAGE = 2,
    CODE_REACH = 3, /* node, host or epmd not to be reached, or lost */
    CODE_REFUSED = 4,
    CODE_SILENCE = 5, /* no answer in time, or not reached in time */
    CODE_INTERNAL = 6
};

/** The exit code that a NOEX_E* stands for, by its class. */
enum exit_code exitcode_of(int error);

/** Which of two counts where there are several targets: 4 before 3 before 5 before 1 before 0; the
 *  program's own failures, 6 and 2, before all. */
enum exit_code exitcode_worse(enum exit_code a, enum exit_code b);

/** Why the program cannot do what it was asked to. */
struct failure {
    enum exit_code code;
    char text[1024];
};

/** Fills `f` and returns `code`. */
enum exit_code fail_with(struct failure *f, enum exit_code code, const char *fmt, ...)
    CLI_PRINTF(3, 4);

#endif

/* What a function that was called on another node raised. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EXCEPTION_H
#define CLI_EXCEPTION_H

#include "text.h"
#include <noex/event.h>

/** Start with {0}. */
struct exception {
    const char *class; /* "error", "exit" or "throw"; NULL: there is none */
    struct text
        message; /* in words, as of a process that it ended; empty where the reason says all */
    struct text reason; /* the exact term */
    struct text stack;  /* the same; empty where there is none */
    struct text frames; /* the stack in words: strings, one behind the other */
};

/** Reads it out of a CALL_FAILED; false where that tells of none. A process that was killed instead
 * of returning counts as erpc has it: exit, {signal, Reason}. */
bool exception_read(struct exception *e, const struct noex_event *failed);

/** Whether memory ran out. */
bool exception_failed(const struct exception *e);

void exception_free(struct exception *e);

#endif

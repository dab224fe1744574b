/* What is reported, and the two ways to put it on a line. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "text.h"
#include <noex/event.h>

/** One bit a kind, so that a command can say which ones it prints. */
enum report_kind {
    REPORT_NODE_UP = 1 << 0,
    REPORT_NODE_DOWN = 1 << 1,
    REPORT_MONITOR = 1 << 2,
    REPORT_PROCESS_DOWN = 1 << 3,
    REPORT_PROCESS_UP = 1 << 4,
    REPORT_RECONNECT = 1 << 5,
    REPORT_TICK_MISSED = 1 << 6,
    REPORT_ERROR = 1 << 7,
    REPORT_NAME = 1 << 8, /* epmd knows this name */
    REPORT_PONG = 1 << 9, /* a node has answered; in JSON a node_up */
    REPORT_VERDICT =
        1 << 10, /* what check found out about a target; not in JSON, where its events say it */
    REPORT_RESULT = 1 << 11 /* what a call came to: a value, or an exception (in JSON only) */
};

/** What there is to say; fields that do not belong to the kind are 0 or NULL. Strings are borrowed.
 */
struct report {
    enum report_kind kind;
    int64_t time_us;    /* wall clock, microseconds since 1970 */
    const char *node;   /* as the user wrote it; MONITOR: where the process lives, where the target
                           does not say so */
    const char *target; /* as the user wrote it */
    /* MONITOR, PROCESS_DOWN */
    noex_monitor_id monitor;
    const struct noex_target *what;
    enum noex_origin origin;
    /* PROCESS_DOWN: the reason's type; NODE_DOWN: the reason; VERDICT: the state in a word; RESULT:
     * the exception's class, NULL: none */
    const char *reason;
    /* PROCESS_DOWN, RESULT, ERROR; NODE_DOWN, VERDICT: the cause in words, or NULL */
    const char *message;
    const char *term;    /* PROCESS_DOWN: the reason; RESULT: the value, or what was raised */
    const char *stack;   /* RESULT: the exception's, or NULL */
    uint64_t term_bytes; /* the reason's full length, where it was cut; else 0 */
    const char *code;    /* ERROR: "NOEX_E..." */
    uint64_t gap_ms;     /* PROCESS_UP */
    uint64_t downs;
    uint32_t attempt; /* RECONNECT */
    uint64_t delay_ms;
    uint32_t missed;  /* TICK_MISSED */
    const char *host; /* NAME */
    const char *name;
    uint16_t port;
    uint64_t elapsed_us; /* PONG */
};

struct output {
    /** Adds the line of a report, with its newline, to `out`; nothing where this output has none
     * for it. */
    void (*line)(struct output *self, const struct report *report, struct text *out);
    uint64_t seq; /* JSON: of the last line */
    bool colour;  /* text */
    size_t width; /* text: columns of the widest target, for alignment */
};

#endif

/* The engine of watch, check, wait-* and ping: what is known of each target, what is reported, what
 * is tried again, and when it ends. Knows no sockets and no clock of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "console.h"
#include "targets.h"
#include "watched.h"
#include <noex/monitor.h>

/** A node with targets. */
struct peer {
    const char *node; /* as first given */
    struct watched *first;
    struct watched *last;
    bool up;
    bool met;                /* was up once */
    bool arm;                /* came up in this turn: its targets are to be monitored */
    struct noex_error error; /* why it is not up; code 0: nothing known, or up */
};

/** What the session asks of the library, and of the clock. */
struct session_ops {
    int (*connect)(noex_node *node, const char *peer, enum noex_connect_flags flags);
    int (*monitor)(noex_node *node, const struct noex_target *target, uint64_t timeout_ms,
                   void *user, noex_monitor_id *id);
    int (*rpc)(noex_node *node, const char *peer, const char *module, const char *function,
               struct noex_term args, uint64_t timeout_ms, void *user, noex_call_id *id);
    uint64_t (*now_us)(void); /* a clock that only goes forward */
};
extern const struct session_ops session_library;

enum session_stop { STOP_DEADLINE, STOP_SIGNAL };

enum { SESSION_ON = -1 };

struct session;

/** How a command wants it. */
struct session_plan {
    bool keep;            /* connect again for ever; else once */
    bool rearm;           /* names that are gone are tried again */
    bool ends_on_refusal; /* a refusal at first contact ends it */
    bool awaits_end;      /* a node that is not there is what is waited for */
    unsigned prints;      /* kinds of report; errors are always reported */
    uint64_t total_ms;    /* 0: no deadline */
    uint64_t setup_ms;    /* how long one monitor may take */
    /** After each turn: SESSION_ON, or the code to end with. */
    int (*turn)(struct session *s);
    /** At the deadline, or a signal: the code to end with. */
    enum exit_code (*stopped)(struct session *s, enum session_stop cause);
};

struct session {
    const struct session_ops *ops;
    const struct session_plan *plan;
    struct console *console;
    noex_node *node;
    struct watched *targets; /* in the order given */
    size_t count;
    struct peer *peers; /* sorted by name */
    size_t peer_count;
    size_t asked; /* how many of the peers were asked for */
    size_t in_state[WATCH_STATES];
    struct watched *fresh;
    struct watched *dead_pid; /* a pid that is gone and cannot come back */
    struct schedule retries;
    uint64_t nobodies; /* how often nobody had a name of global */
    bool arm;
    int ended; /* SESSION_ON, or the exit code */
    uint64_t start_us;
    uint64_t random;
    char *message; /* buffers for printed reasons */
    char *term;
};

/** `targets` is borrowed and holds at least one. Returns 0, or CODE_INTERNAL without memory. */
enum exit_code session_init(struct session *s, const struct session_ops *ops,
                            const struct session_plan *plan, struct console *console,
                            const struct target_list *targets, struct failure *why);
void session_free(struct session *s);

/** Begins to connect `node` to each peer. */
void session_start(struct session *s, noex_node *node);

/** Takes an event of the node; `user` is the session. */
void session_event(void *user, const struct noex_event *event);

/** What is to be done when the events of a turn are in. Returns SESSION_ON or the exit code. */
int session_turn(struct session *s);

/** Milliseconds until the session has something to do by itself, at most `limit`. */
uint64_t session_wait_ms(const struct session *s, uint64_t limit);

/** The exit code of what the targets have come to, together. */
enum exit_code session_code(const struct session *s);

/** Puts a target for which no answer came into WATCH_FAILED and says so. */
void session_give_up(struct session *s, struct watched *t, int error, const char *text);

/** The same for all of which nothing has been heard when the session is stopped. */
void session_give_up_pending(struct session *s, enum session_stop cause);

/** Reports what the plan prints. */
void session_report(struct session *s, const struct report *r);
void session_report_error(struct session *s, int64_t time_us, const char *node, const char *target,
                          int code, const char *text);
/** The end of a target, as its MONITOR_DOWN tells it. */
void session_report_down(struct session *s, const struct watched *t, const struct noex_event *ev);

/** Wall clock, microseconds since 1970. */
int64_t session_wall_us(void);

#endif

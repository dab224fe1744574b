/* One target of a session: what is known of it, its monitor, and when that is tried again.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_WATCHED_H
#define CLI_WATCHED_H

#include "exitcode.h"
#include "schedule.h"
#include <noex/event.h>

enum watch_state {
    WATCH_PENDING, /* not heard of yet */
    WATCH_ALIVE,
    WATCH_DOWN,   /* it ended, its node said so */
    WATCH_ABSENT, /* its node knows no such process */
    WATCH_LOST,   /* the connection was lost: unknown */
    WATCH_FAILED, /* could not be monitored: `error` */
    WATCH_STATES
};

struct peer;
struct session;

/** A target under watch. */
struct watched {
    const char *text;
    struct noex_target what; /* a pid's creation is filled in once it is known; of a name of global
                                the process that has it, or "global:NAME" while none is known */
    struct noex_term global; /* [NAME] of NODE/global:NAME, else no bytes */
    char *holder;            /* the name of the node where the process that has it lives */
    noex_call_id lookup;     /* 0: nobody is asked who has it */
    struct peer *peer;       /* the node in its text */
    struct watched *peer_next;
    struct watched *fresh_next;
    enum watch_state state;
    enum noex_reason_type reason;
    int error;
    noex_monitor_id monitor; /* 0: none under way */
    struct scheduled retry;
    uint32_t tries;
    bool met;   /* was established once */
    bool fresh; /* established in this turn: a noproc may still come with it */
    bool gone;  /* a DOWN from its node that no coming up has answered: attempts are silent */
    uint64_t downs;
    uint64_t down_us;
    uint64_t up_us;
    int64_t up_time_us; /* the same by the wall clock */
};

/** Its node has come up: monitors it, unless it is gone for good. */
void watched_begin(struct session *s, struct watched *t);

/** Does what watched.retry was scheduled for. */
void watched_try_again(struct session *s, struct watched *t);

/** Takes an event of its monitor, or of the call that asks who it is. */
void watched_event(struct session *s, struct watched *t, const struct noex_event *ev);

/** The turn in which it was established is over, and no noproc came: it is there. */
void watched_settle(struct session *s, struct watched *t);

void watched_set_state(struct session *s, struct watched *t, enum watch_state state);
/** Puts it into WATCH_FAILED. */
void watched_fail(struct session *s, struct watched *t, int error);

/** The exit code that its present state stands for. */
enum exit_code watched_code(const struct watched *t);

/** The state in a word ("alive", "absent", "unreachable" ...) and its cause. */
const char *watched_word(const struct watched *t);
const char *watched_cause(const struct watched *t);

#endif

/* A node under test with its fake peers: driven in turn, every event copied down.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_BENCH_H
#define NODE_BENCH_H

#include "alloc_test.h"
#include "cmocka_all.h"
#include "fake_beam.h"
#include "fake_epmd.h"
#include "observe.h"

/* Short names, for lists of events. */
#define UP NOEX_EVENT_NODE_UP
#define DOWN NOEX_EVENT_NODE_DOWN
#define FAILED NOEX_EVENT_CONNECT_FAILED
#define AGAIN NOEX_EVENT_RECONNECT
#define MISSED NOEX_EVENT_TICK_MISSED
#define M_UP NOEX_EVENT_MONITOR_UP
#define M_DOWN NOEX_EVENT_MONITOR_DOWN
#define M_FAILED NOEX_EVENT_MONITOR_FAILED
#define REGISTERED NOEX_EVENT_REGISTERED
#define UNREGISTERED NOEX_EVENT_UNREGISTERED
#define LISTEN_FAILED NOEX_EVENT_LISTEN_FAILED
#define P_MSG NOEX_EVENT_MESSAGE
#define P_CALL NOEX_EVENT_CALL
#define P_CAST NOEX_EVENT_CAST
#define P_EXIT NOEX_EVENT_EXIT
#define P_END NOEX_EVENT_PROCESS_END
#define REPLY NOEX_EVENT_REPLY
#define CALL_FAILED NOEX_EVENT_CALL_FAILED
#define SPAWNED NOEX_EVENT_SPAWNED
#define SPAWN_DOWN NOEX_EVENT_SPAWN_DOWN
#define Q_HIGH NOEX_EVENT_QUEUE_HIGH
#define Q_LOW NOEX_EVENT_QUEUE_LOW
#define REQUEST NOEX_EVENT_REQUEST

enum { BENCH_BEAMS = 3, BENCH_TERM_MAX = 64 };

/** An event as it was told, copied. */
struct seen {
    enum noex_event_type type;
    char node[64];
    int code; /* of its error */
    char text[248];
    noex_monitor_id monitor;
    void *user;
    enum noex_target_kind kind;
    char name[64];
    struct noex_pid pid;
    enum noex_reason_type reason;
    enum noex_origin origin;
    bool has_term;
    uint8_t term[BENCH_TERM_MAX];
    size_t term_len;
    uint64_t term_full_len;
    uint32_t attempt;
    uint32_t missed;
    uint32_t port;
    uint64_t delay_ms;
    bool own;                /* told to the process's own callback, bench_told */
    struct noex_pid process; /* zeroes: none */
    void *process_user;
    bool has_from;
    struct noex_pid from;
    uint32_t priority;
    uint8_t caller[2 * BENCH_TERM_MAX];
    size_t caller_len;
    noex_call_id call;
    void *call_user;
};

struct bench {
    noex_node *node;
    struct alloc_test alloc;
    struct noex_options options;
    struct fake_beam beam[BENCH_BEAMS];
    unsigned beams;
    struct fake_epmd *epmd; /* NULL: none; the test's own, to stop after bench_close */
    bool pull;              /* events are pulled, not called back */
    void *uv; /* set before bench_open: the caller's uv_loop_t that the node is to ride on */
    void (*run)(struct bench *b, uint64_t wait_ms); /* drives the node, instead of process */
    bool no_keep;                                   /* counts events only */
    struct seen *seen;
    size_t seen_count;
    size_t seen_cap;
    size_t count[32]; /* by type */
    /** Called inside each event's callback, after it was copied down. */
    void (*in_event)(struct bench *b, const struct noex_event *e);
    void *arg;
    size_t max_out; /* longest queue of bytes seen on any connection */
};

/** The defaults of a bench: a node named "mon@127.0.0.1", small times, on_event set. Change
 * b->options, then bench_open. */
void bench_init(struct bench *b);
void bench_open(struct bench *b);
/** The same where it may fail: the result of noex_node_new. */
int bench_try_open(struct bench *b, struct noex_error *err);
/** One more fake peer; NULL: defaults. */
struct fake_beam *bench_beam(struct bench *b, const struct fake_beam_opts *opts);
/** An on_event for processes: as the node's own, but `own` is set. `user` is the bench. */
void bench_told(void *user, const struct noex_event *e);
/** A peer of which the kernel takes little that it does not read, and to which every name is sent
 * in full: it has no atom cache. */
extern const struct fake_beam_opts bench_slow_reader;
/** Everything; checks that all memory came back. */
void bench_close(struct bench *b);

/** All of the above with defaults and one fake. */
void bench_default(struct bench *b);

/** One round: the node (waiting a little where nothing moves) and each fake. */
void bench_step(struct bench *b);
/** Until `n` events of this type were told in all; fails after ten seconds. */
void bench_until(struct bench *b, enum noex_event_type type, size_t n);
/** Until `*flag` is true / at least n. */
void bench_until_true(struct bench *b, bool (*done)(struct bench *b));
/** Goes on for so long: for what must not happen. */
void bench_for(struct bench *b, uint64_t ms);
/** Until neither side has anything to do, and each has read what the other wrote. */
void bench_settle(struct bench *b);

/** Connects to fake `i` and waits for NODE_UP. */
void bench_connect(struct bench *b, unsigned i);
/** Monitors of fake `i`; fail the test where the call fails. */
noex_monitor_id bench_monitor_name(struct bench *b, unsigned i, const char *name, void *user);
noex_monitor_id bench_monitor_pid(struct bench *b, unsigned i, uint32_t id, uint32_t serial,
                                  void *user);
noex_monitor_id bench_monitor_node(struct bench *b, unsigned i, void *user);

/** The n-th event (from 0) of this type; fails where there is none. */
const struct seen *bench_event(const struct bench *b, enum noex_event_type type, size_t n);
/** The one event of this type and monitor, NULL where there is none. */
const struct seen *bench_of(const struct bench *b, enum noex_event_type type, noex_monitor_id id);
/** Forgets the events so far. */
void bench_forget(struct bench *b);

/** Fails unless the types of all events so far are these, 0-terminated. */
void bench_expect(const struct bench *b, const enum noex_event_type *types);
#define EXPECT_EVENTS(b, ...)                                                                      \
    bench_expect(b, (const enum noex_event_type[]){__VA_ARGS__, (enum noex_event_type)0})

struct noex_stats bench_stats(const struct bench *b);
struct noex_monitor_stats bench_monitor_stats(const struct bench *b);

uint64_t bench_clock(void);

#endif

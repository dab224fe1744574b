/* What the rows of noex's behaviour play on: node A, a C cluster, and node B, which is another one,
 * or a BEAM where the environment names one: NOEX_ROWS_BEAMS="b1@127.0.0.1:PORT:PID ...", of which
 * each row that ends its B takes a new one. SPDX-License-Identifier: Apache-2.0 */
#ifndef STAGE_H
#define STAGE_H

#include "cluster_bench.h"
#include "cmocka_all.h"
#include <stdio.h>

struct stage {
    struct cluster_bench b;
    struct bench_cluster *a;
    struct bench_cluster *two; /* B as a C cluster; NULL: it is a BEAM */
    char b_name[64];
    char b_address[80];
    long b_pid;
    struct noex_ref w; /* a watcher on A */
};

/** Sets the stage: A and B connected, a watcher on A. */
void stage_set(struct stage *s);
void stage_clear(struct stage *s);
/** The B is used up: the next row has another one. */
void stage_take_beam(void);

/** The name of the BEAM after the next one; false where there is none. */
bool stage_second_beam(char *name, size_t size);

/** A process on B, spawned from A. */
struct noex_ref stage_process(struct stage *s);
/** The same with a local name. */
struct noex_ref stage_named(struct stage *s, const char *name);
/** Monitors for the watcher and waits until it is established. */
noex_op stage_monitor(struct stage *s, const struct noex_ref *p);
/** The same without waiting; the result goes to `o`. */
noex_op stage_monitor_begin(struct stage *s, const struct noex_target *p, uint64_t timeout_ms,
                            struct outcome *o);
/** Ends a process of B, or A: casts {stop, Reason}. */
void stage_stop(struct stage *s, const struct noex_ref *p, const char *reason);
/** Sends it an exit signal. */
void stage_exit(struct stage *s, const struct noex_ref *p, const char *reason);
/** Drives until A has seen so many process_downs; the last of them. */
const struct seen *stage_down(struct stage *s, unsigned times);
/** That no further one comes, though others had time to: a call to B and back. */
void stage_settle(struct stage *s);
struct noex_remote_monitor_stats stage_stats(struct stage *s);

/** B stops, or is killed; stops for a while (SIGSTOP; a C cluster is not driven), goes on. */
void stage_kill_b(struct stage *s);
void stage_freeze_b(struct stage *s, bool frozen);
/** On a BEAM: a function's value, printed; "" where B is a C cluster. */
const char *stage_ask(struct stage *s, const char *module, const char *function, const char *args);
/** The same of one process: Module:Function(Pid), and with an atom behind it unless that is NULL.
 */
const char *stage_ask_process(struct stage *s, const char *module, const char *function,
                              const struct noex_ref *p, const char *atom);
/** Whether a process of a BEAM B is monitored by this process. */
bool stage_is_monitored_by(struct stage *s, const struct noex_ref *p, const struct noex_ref *by);
/** How many monitor a process of a BEAM B; -1 where B is a C cluster. */
int stage_monitored_by(struct stage *s, const struct noex_ref *p);

/** A test that sets the stage before and clears it after the row. */
#define ROW(name)                                                                                  \
    static void name##_on(struct stage *s);                                                        \
    static void name(void **state)                                                                 \
    {                                                                                              \
        struct stage s;                                                                            \
        (void)state;                                                                               \
        stage_set(&s);                                                                             \
        name##_on(&s);                                                                             \
        stage_clear(&s);                                                                           \
    }                                                                                              \
    static void name##_on(struct stage *s)

#endif

/* Clusters in one process that reach each other without epmd, driven by turns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLUSTER_BENCH_H
#define CLUSTER_BENCH_H

#include <noex/noex.h>
#include <stdbool.h>

enum { BENCH_CLUSTERS = 4, BENCH_EVENTS = 64, BENCH_PATIENCE_MS = 20000 };

/** One lifecycle event, or one node's coming or going, as it was told. */
struct seen {
    char
        what[24]; /* "started", "terminated", "process_down", "node_up", "node_down", or a status */
    char node[64];
    char detail[64]; /* a reason, "normal", or that of a node */
    char message[128];
    struct noex_pid process;
    noex_op monitor;
    bool local_origin;
};

struct bench_cluster {
    noex_cluster *c;
    char name[64];    /* "a@127.0.0.1" */
    char address[80]; /* and its port */
    struct seen seen[BENCH_EVENTS];
    unsigned count;
};

struct cluster_bench {
    struct bench_cluster at[BENCH_CLUSTERS];
    unsigned count;
};

/** The options that the next cluster has: change them before bench_cluster_start. */
void bench_cluster_options(struct noex_cluster_options *o, struct noex_options *n,
                           const char *name);
/** Makes one and starts it; `seed` (NULL: none) is connected to, and waited for. */
struct bench_cluster *bench_cluster_start(struct cluster_bench *b, const char *name,
                                          struct bench_cluster *seed);
struct bench_cluster *bench_cluster_start_with(struct cluster_bench *b,
                                               const struct noex_cluster_options *o,
                                               struct bench_cluster *seed);
/** Frees all that are left. */
void bench_clusters_free(struct cluster_bench *b);

/** Drives all of them once. */
void bench_clusters_turn(struct cluster_bench *b);
/** Drives them until `done` says so; fails the test after BENCH_PATIENCE_MS. */
void bench_clusters_until(struct cluster_bench *b, bool (*done)(void *ctx), void *ctx,
                          const char *what);
/** Drives them for a while. */
void bench_clusters_for(struct cluster_bench *b, unsigned ms);

/** A result, kept. */
struct outcome {
    unsigned told;
    int code;
    char text[248];
    char node[64];
    struct noex_ref process;
    bool has_process;
    char term[256]; /* printed */
    uint64_t timeout_ms;
    bool has_target;
};
/** A noex_done_fn for one. */
void outcome_done(void *user, const struct noex_result *result);
/** Drives until it is told; returns its code. */
int bench_outcome(struct cluster_bench *b, struct outcome *o);

/** Drives until this cluster has seen `what` as often as `times`; the last of them. */
const struct seen *bench_seen(struct cluster_bench *b, struct bench_cluster *c, const char *what,
                              unsigned times);
/** How often it has, so far. */
unsigned bench_count(const struct bench_cluster *c, const char *what);

/** A term from its text; good until the next call. */
struct noex_term bench_term(const char *text);

/** A server that does what it is told by calls: {reply, T}, {error, Text}, {fail, Text}, {stop, R},
 * noreply, get, later (its answer comes with the cast `answer`), and by casts: {set, T}, {stop, R},
 * {fail, Text}, answer. Its name is "teller". */
extern const struct noex_behavior teller;
struct noex_ref bench_teller(struct cluster_bench *b, struct bench_cluster *c, const char *name);
/** Ends one as its own functions would: by this cast. */
void bench_cast(struct bench_cluster *from, const struct noex_ref *to, const char *message);
/** Calls one; its printed answer is in `o`. */
int bench_call(struct cluster_bench *b, struct bench_cluster *from, const struct noex_target *to,
               const char *request, struct outcome *o);

#endif

/* Two connections face to face in memory, with a clock that only the test moves.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONN_PAIR_H
#define CONN_PAIR_H

#include "alloc_test.h"
#include "conn/conn.h"

/** One end, and what it was told. */
struct conn_end {
    struct nx_conn *conn;
    struct noex_error err; /* why it ended; code 0: it has not */
    unsigned ups;
    unsigned barriers;
    unsigned missed; /* quarters, as last told */
    unsigned signals;
    enum nx_op last_op;
    struct nx_buf last_payload;
    uint64_t last_full;
    bool answer_monitors; /* with noproc, as a BEAM would */
    int refuse;           /* result of the signal handler */
    size_t wanted;        /* of each payload */
    /** Called for each signal, instead of keeping its payload. */
    void (*on_signal)(struct conn_end *end, const struct nx_signal *s);
    void *arg;
};

struct conn_pair {
    struct alloc_test alloc;
    uint64_t now_ms;
    struct conn_end dialler;
    struct conn_end acceptor;
    size_t chunk; /* bytes carried at once; 0: all there is */
};

/** What the two ends are to be; zeroes are the defaults below. */
struct conn_pair_opts {
    uint64_t dialler_flags;  /* NX_DFLAGS_OURS */
    uint64_t acceptor_flags; /* NX_DFLAGS_OURS */
    size_t wanted;           /* bytes of a payload in fragments that are kept: 1 MiB */
    size_t message_max;      /* 16 MiB */
    size_t out_max;          /* 64 MiB */
    bool dynamic;
    const char *acceptor_cookie;
};

/** Makes both ends. False where one could not be made (its err says why). */
bool conn_pair_init(struct conn_pair *p, const struct conn_pair_opts *opts);
void conn_pair_free(struct conn_pair *p);

/** Carries bytes both ways until nothing is left to carry. */
void conn_pair_run(struct conn_pair *p);

/** Hands bytes to one end as if the other had sent them. */
void conn_end_receive(struct conn_pair *p, struct conn_end *end, const void *bytes, size_t len);

/** Lets each end act on what is due now. */
void conn_pair_tick(struct conn_pair *p);

#endif

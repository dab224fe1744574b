/* A peer that listens on the loopback, or dials, and answers monitors from a table: what a BEAM is
 * to a node, driven by the test in its own thread, step by step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_BEAM_H
#define FAKE_BEAM_H

#include "base/random.h"
#include "conn/conn.h"
#include <stdio.h>

enum { FAKE_CONNS_MAX = 64, FAKE_NAMES_MAX = 64, FAKE_SIGNALS_MAX = 512 };

/** What it is to be; zeroes are the defaults given. */
struct fake_beam_opts {
    const char *name;         /* "beam@127.0.0.1" */
    const char *cookie;       /* "cookie" */
    uint64_t flags;           /* NX_DFLAGS_OURS */
    uint64_t required;        /* NX_DFLAGS_REQUIRED */
    uint32_t creation;        /* 2002 */
    enum nx_hs_status status; /* NX_HS_OK */
    bool no_names;            /* refuses NAME_ME */
    int rcvbuf;               /* SO_RCVBUF of its connections; 0: the system's */
    /** Instead of a handshake: these bytes when the first ones came. */
    const void *script;
    size_t script_len;
    bool script_close; /* and then close */
};

/** How a call of erlang:list_to_pid is answered. */
enum fake_rex { FAKE_REX_ANSWERS, FAKE_REX_SILENT, FAKE_REX_ODD };

/** How a DOWN is put on the wire. */
enum fake_form { FAKE_PAYLOAD, FAKE_INSIDE, FAKE_FRAGMENTS };

/** A monitor that a node holds here. */
struct fake_monitor {
    bool active;
    unsigned conn;
    char name[256];     /* the registered name; empty: a pid */
    struct nx_buf term; /* From, target and reference behind each other, as they came */
    size_t from_len;
    size_t target_len;
    size_t ref_len;
};

/** A signal as it came in: raw terms one behind the other in `bytes`. */
struct fake_signal {
    enum nx_op op;
    unsigned conn;
    struct nx_buf bytes;
    size_t at[NX_ARG_COUNT];
    size_t len[NX_ARG_COUNT];
    size_t payload_at;
    size_t payload_len;
};

/** One connection, accepted or dialled. */
struct fake_conn {
    struct fake_beam *beam;
    int fd;               /* -1: closed */
    struct nx_conn *conn; /* NULL: scripted */
    bool up;
    struct noex_error err; /* why the fake ended it */
    bool script_sent;
    uint64_t raw_sent; /* bytes past the connection's own count */
    unsigned said;     /* handshake messages sent */
};

struct fake_beam {
    struct fake_beam_opts opts;
    char name[256];
    int listener;
    uint16_t port;
    uint32_t seed;
    struct nx_random random; /* made of the seed */
    uint64_t sequence;       /* of the last message in fragments */
    struct fake_conn conn[FAKE_CONNS_MAX];
    unsigned conns; /* accepted so far; the last one is the current one */

    /* Behaviour that a test may change at any time. */
    bool all_alive;  /* every name and pid lives */
    bool deaf;       /* reads, and answers nothing, not even barriers */
    bool no_barrier; /* holds the answer to barriers back; fake_beam_release_barrier sends it */
    bool paused;     /* does not read */
    bool dynamic;    /* dialling: asks for a name, for the host of its own */
    bool gone;       /* dialling: `alive` is answered "true" */
    bool no_accept;  /* leaves connections in the backlog */
    bool no_record;  /* signals are counted, not kept */
    size_t read_max; /* bytes a step; 0: all there are */
    unsigned
        say_max;     /* handshake messages sent before it falls silent, 0: all (1 + n: n of them) */
    bool then_close; /* closes instead of falling silent */
    enum fake_rex rex;
    uint32_t rex_creation; /* creation of the pids that rex answers with; 0: its own */

    char alive[FAKE_NAMES_MAX][64];
    unsigned alive_count;
    struct nx_pid alive_pid[FAKE_NAMES_MAX];
    unsigned alive_pids;

    struct fake_monitor *monitors;
    size_t monitor_count;
    size_t monitor_cap;
    size_t demonitored; /* the last one that was */

    /* What was seen. */
    struct fake_signal signal[FAKE_SIGNALS_MAX];
    unsigned signals;
    unsigned ops[64];
    unsigned barriers;
    struct nx_buf barrier; /* the term of the barrier held back */
    size_t barrier_from_len;
    size_t barrier_ref_len;
};

void fake_beam_start(struct fake_beam *b, const struct fake_beam_opts *opts);
void fake_beam_stop(struct fake_beam *b);

/** Closes the listening socket only: further connections are refused. */
void fake_beam_refuse(struct fake_beam *b);
/** Listens again, on the same port. */
void fake_beam_listen(struct fake_beam *b);

/** "beam@127.0.0.1:PORT". */
void fake_beam_address(const struct fake_beam *b, char *text, size_t size);

/** Accepts, reads, answers, writes, without waiting. True where anything moved. */
bool fake_beam_step(struct fake_beam *b);

/** Dials a node of this name at 127.0.0.1, or at ::1; the connection is then the last one. */
void fake_beam_dial(struct fake_beam *b, const char *node, uint16_t port);
void fake_beam_dial6(struct fake_beam *b, const char *node, uint16_t port);
/** Ends this one connection. */
void fake_conn_close(struct fake_conn *c, bool reset);

/** The connection that began last; `up` false where there is none. */
struct fake_conn *fake_beam_conn(struct fake_beam *b);
bool fake_beam_is_up(struct fake_beam *b);

/** Ends every connection: orderly, or by a reset. */
void fake_beam_hang_up(struct fake_beam *b, bool reset);

/** A registered process, or a pid of this node, that lives until fake_beam_die. */
void fake_beam_spawn(struct fake_beam *b, const char *name);
void fake_beam_spawn_pid(struct fake_beam *b, uint32_t id, uint32_t serial);

/** Ends it: a DOWN with `reason` (a term) for each monitor on it. Returns how many. */
unsigned fake_beam_die(struct fake_beam *b, const char *name, struct nx_span reason,
                       enum fake_form form);

/** A DOWN for one monitor, whether it is active or not. */
void fake_beam_down(struct fake_beam *b, const struct fake_monitor *m, struct nx_span reason,
                    enum fake_form form);

/** Monitors held at present, on `name` or (NULL) all. */
size_t fake_beam_held(const struct fake_beam *b, const char *name);

/** Sends a signal on the current connection. */
void fake_beam_send(struct fake_beam *b, const struct nx_ctrl *ctrl, struct nx_span payload);
/** The same in many small fragments. */
void fake_beam_send_fragments(struct fake_beam *b, const struct nx_ctrl *ctrl,
                              struct nx_span payload);
/** Sends a whole frame's body as it stands. */
void fake_beam_send_raw(struct fake_beam *b, const void *bytes, size_t len);
void fake_beam_release_barrier(struct fake_beam *b);

/** The n-th signal (from 0) of this kind that came, NULL where there were fewer. */
const struct fake_signal *fake_beam_signal(const struct fake_beam *b, enum nx_op op, unsigned n);
struct nx_span fake_signal_arg(const struct fake_signal *s, enum nx_arg arg);
struct nx_span fake_signal_payload(const struct fake_signal *s);

/** Terms written into `bytes` of at least FAKE_TERM bytes, which the span borrows. */
enum { FAKE_TERM = 2048 };
struct nx_span fake_atom(const char *text, uint8_t *bytes);
struct nx_span fake_pid(const char *node, uint32_t id, uint32_t serial, uint32_t creation,
                        uint8_t *bytes);
struct nx_span fake_ref(const char *node, uint32_t creation, uint32_t words, uint8_t *bytes);

#endif

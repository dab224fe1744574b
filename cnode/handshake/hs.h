/* The distribution handshake, both roles, as a table; bytes in, bytes out. Protocol.md section 2.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_HANDSHAKE_HS_H
#define NX_HANDSHAKE_HS_H

#include "base/buf.h"
#include "base/log.h"
#include "base/random.h"

enum nx_hs_role { NX_HS_DIAL, NX_HS_ACCEPT };

/** What the accepting side answers a name with. */
enum nx_hs_status { NX_HS_OK, NX_HS_OK_SIMULTANEOUS, NX_HS_NOK, NX_HS_NOT_ALLOWED, NX_HS_ALIVE };

/** Decisions that belong to whoever knows the other connections. */
struct nx_hs_decisions {
    void *ctx;
    /** The cookie that is shared with this peer, borrowed until the next call of any kind. NULL:
     * that of the config. */
    struct nx_span (*cookie)(void *ctx, struct nx_span peer_name);
    /** Accepting: a peer of this name asks to connect. NULL: always NX_HS_OK. Not asked for
     * NAME_ME. */
    enum nx_hs_status (*status)(void *ctx, struct nx_span peer_name);
    /** Accepting, NAME_ME: writes the name (with '@') that this peer gets and its creation. NULL,
     * or a result other than 0: such peers are answered not_allowed. */
    int (*name_peer)(void *ctx, struct nx_span host, char *name, size_t size, uint32_t *creation);
    /** Dialling, status `alive`: is an older connection of ours gone? NULL: false. */
    bool (*older_is_gone)(void *ctx);
    /** Accepting: the cookie was right, our digest is not sent yet. An older connection with this
     * peer is to be dropped now. A result other than 0 ends the handshake with the cause in `err`.
     * NULL: 0. */
    int (*admit)(void *ctx, struct nx_span peer_name, struct noex_error *err);
};

/** Everything is borrowed until the handshake is freed. */
struct nx_hs_config {
    const struct noex_allocator *alloc;
    const struct nx_log *log;
    const struct nx_random *random;
    struct nx_hs_decisions decide;
    enum nx_hs_role role;
    unsigned header;   /* 2 bytes of length (TCP) or 4 (TLS), protocol.md 2.1 */
    uint64_t flags;    /* what we offer; NAME_ME is added here when dynamic */
    uint64_t required; /* what the peer must offer */
    uint32_t creation; /* ours; ignored when dynamic */
    bool dynamic;      /* dialling: ask for a name, self_name is the host part only */
    const char *self_name;
    const char *peer_name; /* dialling: the name that must answer */
    struct nx_span cookie;
    uint64_t step_ms; /* longest silence at each step, 7000 in OTP */
};

/** What a finished handshake found out; the names are the handshake's own. */
struct nx_hs_result {
    const char *self_name; /* dynamic: the name we were given */
    uint32_t self_creation;
    const char *peer_name;
    uint32_t peer_creation;
    uint64_t peer_flags;
    uint64_t flags; /* negotiated */
};

struct nx_hs;

/** Starts a handshake at `now_ms`; a dialling one has its name message to send at once. NULL when
 * there is no memory, or (NOEX_EINVALID in `err`) for a name that protocol.md 2.2 rules out. */
struct nx_hs *nx_hs_new(const struct nx_hs_config *config, uint64_t now_ms, struct noex_error *err);
/** Wipes what it knew of the cookie. NULL is allowed. */
void nx_hs_free(struct nx_hs *hs);

/** The first step counts from now on: only now bytes can go both ways. */
void nx_hs_start(struct nx_hs *hs, uint64_t now_ms);

enum nx_hs_progress { NX_HS_MORE = 0, NX_HS_DONE = 1 };

/**
 * Takes received bytes. Returns NX_HS_MORE (all eaten, or waiting for the rest of a message that
 * stays in `in`) or NX_HS_DONE; `*used` says how many bytes were eaten: the rest belongs to the
 * connection and is framed with 4 bytes. Whatever is in nx_hs_out must be sent even when this
 * failed. `now_ms` restarts the step timer when a message was taken. Errors, each with the cause in
 * words: NOEX_ECOOKIE, NOEX_EFLAG, NOEX_ENAMECLASH, NOEX_ESIMULTANEOUS (the dialled peer answered
 * `nok`), NOEX_ENAMEMISMATCH, NOEX_ETLSPEER, NOEX_EGARBAGE, NOEX_ENOTALLOWED, NOEX_ENOMEM,
 * NOEX_ERANDOM, NOEX_ESYSTEM; as `admit`.
 */
NOEX_MUST_USE int nx_hs_feed(struct nx_hs *hs, struct nx_span in, size_t *used, uint64_t now_ms,
                             struct noex_error *err);

/** The peer closed: the error that this means at the present step (NOEX_ECOOKIE after our digest).
 */
NOEX_MUST_USE int nx_hs_eof(struct nx_hs *hs, struct noex_error *err);

/** NOEX_EHANDSHAKETIMEOUT with the step that got no answer once `now_ms` has passed nx_hs_deadline,
 * else 0. */
NOEX_MUST_USE int nx_hs_timeout(struct nx_hs *hs, uint64_t now_ms, struct noex_error *err);

/** Bytes to send, borrowed until the next call; nx_hs_sent says how many went. */
struct nx_span nx_hs_out(const struct nx_hs *hs);
void nx_hs_sent(struct nx_hs *hs, size_t n);

uint64_t nx_hs_deadline(const struct nx_hs *hs);

/** What is awaited, in words: "the peer's status". */
const char *nx_hs_step(const struct nx_hs *hs);

/** Valid after NX_HS_DONE, until nx_hs_free. */
const struct nx_hs_result *nx_hs_result(const struct nx_hs *hs);

#endif

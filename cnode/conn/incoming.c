/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/incoming.h"

#include "base/alloc.h"
#include "base/err.h"
#include "conn/same.h"
#include "term/check.h"
#include "wire/expand.h"
#include "wire/fragment.h"
#include "wire/usual.h"

enum {
    /* Of any payload that cannot be kept whole, beyond every limit: tells the type of a reason. */
    KEEP_ALWAYS = 256,
    /* What is there for plain terms without more memory: the pids, references and names of any
     * signal that matters, and reasons of ordinary size. */
    CONTROL_ROOM = 8 * 1024,
    PAYLOAD_ROOM = 4 * 1024,
    KEEP_BUFFER = 1024 * 1024, /* a buffer larger than this is given back but for its room */
    UNKNOWN = 1                /* besides 0 and errors: an opcode that we do not know */
};

struct nx_incoming {
    struct nx_incoming_config config;
    struct nx_fragments *fragments;
    struct nx_atom_cache *cache; /* NULL where none was negotiated */
    struct nx_buf control;       /* the plain forms of what is handed on */
    struct nx_buf payload;
    struct nx_same same;
};

static int set_up(struct nx_incoming *in)
{
    const struct nx_incoming_config *c = &in->config;
    const struct nx_fragment_limits limits = {c->fragments_max, c->message_max};
    nx_buf_init(&in->control, c->alloc, SIZE_MAX);
    nx_buf_init(&in->payload, c->alloc, SIZE_MAX);
    nx_same_init(&in->same, c->alloc);
    in->fragments = nx_fragments_new(c->alloc, &limits);
    if (!in->fragments)
        return NOEX_ENOMEM;
    if (!c->cache)
        return 0;
    in->cache = nx_atom_cache_new(c->alloc);
    int rc = in->cache ? 0 : NOEX_ENOMEM;
    rc = rc ? rc : nx_buf_reserve(&in->control, CONTROL_ROOM);
    return rc ? rc : nx_buf_reserve(&in->payload, PAYLOAD_ROOM);
}

struct nx_incoming *nx_incoming_new(const struct nx_incoming_config *config)
{
    struct nx_incoming *in = nx_calloc(config->alloc, 1, sizeof *in);
    if (!in)
        return NULL;
    in->config = *config;
    if (!set_up(in))
        return in;
    nx_incoming_free(in);
    return NULL;
}

void nx_incoming_free(struct nx_incoming *in)
{
    if (!in)
        return;
    nx_fragments_free(in->fragments);
    nx_atom_cache_free(in->cache);
    nx_buf_free(&in->control);
    nx_buf_free(&in->payload);
    nx_same_free(&in->same);
    nx_free(in->config.alloc, in);
}

/* A control term is read whole or not at all. */
static int plain_control(struct nx_incoming *in, const struct nx_frame *f, struct nx_plain *plain,
                         struct noex_error *err)
{
    int rc = nx_expand(f->data, &f->refs, &in->control, in->config.message_max, plain, err);
    if (!rc && plain->why == NOEX_ENOMEM)
        return nx_fail(err, NOEX_ENOMEM, "no memory for the atoms of a control message");
    if (!rc && plain->why)
        return nx_fail(err, NOEX_ETOOBIG,
                       "a control message of %llu bytes with its atoms, the limit is %zu",
                       (unsigned long long)plain->full, in->config.message_max);
    return rc;
}

/* The parts of a frame that begins with a control term. UNKNOWN where the opcode is: there is no
 * more to be known of it. */
static int read_parts(struct nx_incoming *in, const struct nx_frame *f, struct nx_ctrl *ctrl,
                      struct nx_message *m, struct noex_error *err)
{
    struct nx_plain plain = {.term = f->data};
    size_t used;
    int rc = f->refs.count ? plain_control(in, f, &plain, err) : 0;
    if (rc)
        return rc;
    rc = nx_ctrl_parse(plain.term, ctrl, &used, err);
    if (rc && !used)
        return rc;
    *m = (struct nx_message){.control = nx_span(plain.term.ptr, used)};
    if (rc)
        return UNKNOWN;
    m->refs = f->refs.count ? &f->refs : NULL;
    /* Behind a message without payload anything may stand, protocol.md 6.1. */
    if (!ctrl->has_payload)
        return 0;
    rc = nx_frame_payload(f->data, m->refs ? plain.used : used, in->config.mode, &m->payload, err);
    m->payload_full = m->payload.len;
    return rc;
}

static size_t wanted(const struct nx_incoming *in, const struct nx_ctrl *ctrl)
{
    return in->config.handlers.wanted(in->config.handlers.ctx, ctrl);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Of a payload with references no more is made plain than somebody wants to read. */
static int plain_payload(struct nx_incoming *in, const struct nx_ctrl *ctrl, struct nx_message *m,
                         struct noex_error *err)
{
    struct nx_plain plain;
    int rc = nx_expand(m->payload, m->refs, &in->payload, larger(wanted(in, ctrl), KEEP_ALWAYS),
                       &plain, err);
    if (rc)
        return rc;
    m->payload_full += plain.full - m->payload.len;
    m->payload = plain.term;
    return 0;
}

/* Holds a payload to what a well formed term is: one that nests deeper than anybody could read is
 * cut there, like one that is too long. Bytes behind the term do not count, protocol.md 6.1. */
static int check_payload(struct nx_message *m, bool *too_deep, struct noex_error *err)
{
    size_t used = 0;
    struct noex_error cause;
    cause.code = 0; /* the text is 250 bytes that no DOWN needs */
    if (m->payload.len < m->payload_full) {
        m->payload.len = nx_term_shallow_len(m->payload);
        return 0;
    }
    int rc = nx_term_check(m->payload, &used, &cause);
    if (rc && rc != NOEX_ELIMIT)
        return nx_fail(err, rc, "%s", cause.text);
    m->payload.len = used;
    *too_deep = rc != 0;
    if (!rc)
        m->payload_full = used;
    return 0;
}

/* The payload read in the one pass that does for most: false where it has to go the long way. */
static bool quick_payload(struct nx_incoming *in, const struct nx_ctrl *ctrl, struct nx_message *m)
{
    struct nx_span plain;
    size_t used;
    if (m->payload.len < m->payload_full)
        return false;
    if (!nx_same_payload(&in->same, m->refs, m->payload, &plain)) {
        if (!nx_usual_term(m->payload, m->refs, &in->payload, &plain, &used))
            return false;
        nx_same_learn_payload(&in->same, m->refs, m->payload, plain);
    }
    if (plain.len > KEEP_ALWAYS && plain.len > wanted(in, ctrl))
        return false;
    m->payload = plain;
    m->payload_full = plain.len;
    return true;
}

static int deliver(struct nx_incoming *in, const struct nx_ctrl *ctrl, struct nx_message *m,
                   struct noex_error *err)
{
    int rc = 0;
    struct nx_signal signal = {.ctrl = ctrl, .cached = m->refs ? m->refs->count : 0};
    if (ctrl->has_payload && !m->payload_full)
        return nx_fail(err, NOEX_EPROTOCOL, "%s came without its payload",
                       nx_op_name((int)ctrl->op));
    const bool quick = ctrl->has_payload && quick_payload(in, ctrl, m);
    if (ctrl->has_payload && m->refs && !quick)
        rc = plain_payload(in, ctrl, m, err);
    if (!rc && ctrl->has_payload && !quick)
        rc = check_payload(m, &signal.too_deep, err);
    if (rc)
        return rc;
    if (ctrl->has_payload) {
        signal.payload = m->payload;
        signal.payload_full = m->payload_full;
    }
    return in->config.handlers.signal(in->config.handlers.ctx, &signal, err);
}

static int skip_unknown(struct nx_incoming *in, struct noex_error *err)
{
    in->config.handlers.unknown(in->config.handlers.ctx, err ? err->text : "unknown opcode");
    if (err)
        err->code = 0;
    return 0;
}

/* Nearly all are of the usual kind, and in a storm like the one before. `*ctrl` is where the
 * control message is read to, or stands already. */
static int read_message(struct nx_incoming *in, const struct nx_frame *f, struct nx_ctrl **ctrl,
                        struct nx_message *m, struct noex_error *err)
{
    size_t used;
    if (nx_same_control(&in->same, f, &used)) {
        *ctrl = &in->same.ctrl;
    } else {
        if (!f->refs.count || !nx_ctrl_parse_usual(f->data, &f->refs, &in->control, *ctrl, &used))
            return read_parts(in, f, *ctrl, m, err);
        nx_same_learn_control(&in->same, f, used, *ctrl);
    }
    m->payload = nx_span(f->data.ptr + used, f->data.len - used);
    m->payload_full = m->payload.len;
    m->refs = &f->refs;
    return 0;
}

static int whole_frame(struct nx_incoming *in, const struct nx_frame *f, struct noex_error *err)
{
    struct nx_ctrl read, *ctrl = &read;
    struct nx_message m;
    int rc = read_message(in, f, &ctrl, &m, err);
    if (rc == UNKNOWN)
        return skip_unknown(in, err);
    return rc ? rc : deliver(in, ctrl, &m, err);
}

/* All fragments are here, and the control term is plain. */
static int whole_message(struct nx_incoming *in, struct nx_message *m, struct noex_error *err)
{
    struct nx_ctrl ctrl;
    size_t used;
    int rc = nx_ctrl_parse(m->control, &ctrl, &used, err);
    if (rc)
        return skip_unknown(in, err); /* it was well formed when its first fragment came */
    return deliver(in, &ctrl, m, err);
}

/* The atoms of the payload must be kept as they are now, for later frames may put others in their
 * slots. Where that cannot be, its beginning is made plain at once, and no more is kept of it. */
static int keep_refs(struct nx_incoming *in, const struct nx_message *m, struct nx_beginning *begin,
                     struct noex_error *err)
{
    struct nx_plain plain;
    begin->refs = nx_atom_refs_copy(in->config.alloc, m->refs, nx_fragments_room(in->fragments),
                                    &begin->refs_size);
    if (begin->refs)
        return 0;
    int rc = nx_expand(m->payload, m->refs, &in->payload, begin->keep_min, &plain, err);
    if (rc)
        return rc;
    begin->payload = plain.term;
    begin->payload_full = plain.full;
    begin->keep_max = plain.term.len;
    return 0;
}

/* The first fragment holds the whole control term: it says how much of the message is worth
 * keeping. */
static int first_fragment(struct nx_incoming *in, const struct nx_frame *f, struct nx_message *m,
                          struct noex_error *err)
{
    struct nx_ctrl ctrl;
    struct noex_error cause = {0};
    int rc = read_parts(in, f, &ctrl, m, &cause);
    if (rc && rc != UNKNOWN)
        return nx_fail(err, rc, "%s", cause.text);
    const size_t max = rc ? 0 : wanted(in, &ctrl);
    struct nx_beginning begin = {.control = m->control,
                                 .payload = m->payload,
                                 .payload_full = m->payload_full,
                                 .keep_min = max < KEEP_ALWAYS ? max : KEEP_ALWAYS,
                                 .keep_max = max};
    rc = m->refs && max ? keep_refs(in, m, &begin, err) : 0;
    if (rc)
        return rc;
    rc = nx_fragments_first(in->fragments, f->sequence, f->fragment, &begin, m, err);
    if (rc < 0)
        nx_free(in->config.alloc, begin.refs);
    return rc;
}

static int fragment(struct nx_incoming *in, const struct nx_frame *f, struct noex_error *err)
{
    struct nx_message m;
    int rc;
    if (f->kind == NX_FRAME_FIRST)
        rc = first_fragment(in, f, &m, err);
    else
        rc = nx_fragments_next(in->fragments, f->sequence, f->fragment, f->data, &m, err);
    if (rc == 1)
        rc = whole_message(in, &m, err);
    nx_fragments_release(in->fragments);
    return rc;
}

static void clear(struct nx_buf *b, size_t room)
{
    nx_buf_consume(b, SIZE_MAX);
    if (b->cap > KEEP_BUFFER)
        nx_buf_shrink(b, room);
}

int nx_incoming_frame(struct nx_incoming *in, struct nx_span body, struct noex_error *err)
{
    struct nx_frame f;
    int rc = nx_frame_parse(body, in->config.mode, in->cache, &f, err);
    if (rc)
        return rc;
    if (f.kind == NX_FRAME_MESSAGE && !f.refs.count)
        return whole_frame(in, &f, err);
    rc = f.kind == NX_FRAME_MESSAGE ? whole_frame(in, &f, err) : fragment(in, &f, err);
    /* The next message may come much later, and need as much again. */
    clear(&in->control, CONTROL_ROOM);
    clear(&in->payload, PAYLOAD_ROOM);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/conn.h"

#include "base/alloc.h"
#include "base/err.h"
#include "conn/ticks.h"
#include "conn/trace.h"
#include "handshake/dflags.h"
#include "term/check.h"
#include "wire/fragment.h"
#include "wire/frame.h"
#include <stdio.h>

enum {
    READ_ROOM = 64 * 1024,     /* asked for before each read */
    WRITE_ROOM = 4 * 1024,     /* is there once the connection is up */
    KEEP_BUFFER = 1024 * 1024, /* an empty buffer larger than this is given back but for the room */
    /* Of any payload in fragments, beyond every budget: tells the type of a reason. */
    KEEP_ALWAYS = 256,
    PID_SIZE = 1 + 3 + 255 * 4 + 12,
    /* The pid of whoever watches here; any numbers will do (protocol.md section 5). */
    SELF_PID_ID = 1,
    SELF_PID_SERIAL = 1
};

struct nx_conn {
    struct nx_conn_config config;
    const struct nx_log *log;
    struct nx_hs *hs;
    const struct nx_hs_result *peer; /* NULL until up */
    struct nx_buf in;
    struct nx_buf out;
    struct nx_ticks ticks;
    struct nx_fragments *fragments;
    enum nx_frame_mode mode;
    bool barrier_under_way;
    uint64_t barrier_number;
    struct nx_conn_stats stats;
    uint8_t self_pid[PID_SIZE];
    size_t self_pid_len;
};

struct nx_conn *nx_conn_new(const struct nx_conn_config *config, uint64_t now_ms,
                            struct noex_error *err)
{
    const struct noex_allocator *a = config->hs.alloc;
    struct nx_conn *c = nx_calloc(a, 1, sizeof *c);
    if (!c) {
        nx_fail(err, NOEX_ENOMEM, NULL);
        return NULL;
    }
    c->config = *config;
    c->log = config->hs.log;
    /* A frame header, its length and one control term may stand before the payload. */
    nx_buf_init(&c->in, a, config->message_max + 2 * READ_ROOM);
    nx_buf_init(&c->out, a, config->out_max);
    const struct nx_fragment_limits limits = {config->fragments_max, config->message_max};
    c->fragments = nx_fragments_new(a, &limits);
    c->hs = nx_hs_new(&c->config.hs, now_ms, err);
    if (!c->fragments)
        nx_fail(err, NOEX_ENOMEM, NULL);
    if (!c->fragments || !c->hs) {
        nx_conn_free(c);
        return NULL;
    }
    return c;
}

void nx_conn_free(struct nx_conn *c)
{
    if (!c)
        return;
    nx_hs_free(c->hs);
    if (c->fragments)
        nx_fragments_free(c->fragments);
    nx_buf_free(&c->in);
    nx_buf_free(&c->out);
    nx_free(c->config.hs.alloc, c);
}

void nx_conn_set_handlers(struct nx_conn *c, const struct nx_conn_handlers *handlers)
{
    c->config.handlers = *handlers;
}

/* ---- who we are ---- */

bool nx_conn_is_up(const struct nx_conn *c)
{
    return c->peer != NULL;
}

const char *nx_conn_step(const struct nx_conn *c)
{
    return c->peer ? "connected" : nx_hs_step(c->hs);
}

const struct nx_hs_result *nx_conn_peer(const struct nx_conn *c)
{
    return c->peer;
}

bool nx_conn_has_flag(const struct nx_conn *c, uint64_t dflag)
{
    return (c->peer->flags & dflag) == dflag;
}

struct nx_span nx_conn_self_pid(const struct nx_conn *c)
{
    return nx_span(c->self_pid, c->self_pid_len);
}

bool nx_conn_is_self(const struct nx_conn *c, struct nx_span node, uint32_t creation)
{
    return creation == c->peer->self_creation && nx_span_is(node, c->peer->self_name);
}

struct nx_span nx_conn_ref(const struct nx_conn *c, enum nx_ref_use use, uint32_t slot,
                           uint32_t generation, uint8_t bytes[NX_CONN_REF_SIZE])
{
    const struct nx_ref ref = {
        .node = nx_span_str(c->peer->self_name),
        .creation = c->peer->self_creation,
        .count = 3,
        .word = {slot, generation, use},
    };
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, NX_CONN_REF_SIZE);
    /* Cannot fail: the name was checked in the handshake and the room is enough for any. */
    if (nx_ref_write(&b, &ref))
        return nx_span(NULL, 0);
    return nx_buf_span(&b);
}

bool nx_conn_own_ref(const struct nx_conn *c, struct nx_span raw, uint32_t *use, uint32_t *slot,
                     uint32_t *generation)
{
    struct nx_ref ref;
    if (!nx_ref_parse(raw, &ref) || ref.count != 3 || !nx_conn_is_self(c, ref.node, ref.creation))
        return false;
    *slot = ref.word[0];
    *generation = ref.word[1];
    *use = ref.word[2];
    return true;
}

/* ---- sending ---- */

/* The ceiling of the output queue is reached only by a peer that does not read. */
static int queue_error(int rc)
{
    return rc == NOEX_ELIMIT ? NOEX_EUNREAD : rc;
}

int nx_conn_send(struct nx_conn *c, uint32_t sender, const struct nx_ctrl *ctrl,
                 struct nx_span payload)
{
    (void)sender; /* all go in one order */
    size_t before = nx_buf_len(&c->out), mark;
    int rc = nx_frame_begin(&c->out, c->mode, &mark);
    if (!rc)
        rc = nx_ctrl_build(&c->out, ctrl);
    if (!rc && payload.len && c->mode == NX_FRAME_PASS_THROUGH)
        rc = nx_buf_put_u8(&c->out, 131);
    if (!rc)
        rc = nx_buf_put_span(&c->out, payload);
    if (!rc)
        rc = nx_frame_end(&c->out, mark);
    if (rc) {
        nx_buf_truncate(&c->out, before);
        return queue_error(rc);
    }
    c->stats.frames_out++;
    nx_trace_signal(c->log, c->peer->peer_name, "->", ctrl, payload, payload.len);
    return 0;
}

/* There is room for a tick unless other bytes wait, and they say the same. */
static int send_tick(struct nx_conn *c)
{
    int rc = nx_buf_put_u32(&c->out, 0);
    if (rc == NOEX_ENOMEM)
        return 0;
    if (rc)
        return queue_error(rc);
    c->stats.ticks_out++;
    nx_log(c->log, NOEX_LOG_TRACE, "%s -> tick", c->peer->peer_name);
    return 0;
}

int nx_conn_barrier(struct nx_conn *c)
{
    static const uint8_t undefined[] = {119, 9, 'u', 'n', 'd', 'e', 'f', 'i', 'n', 'e', 'd'};
    uint8_t ref[NX_CONN_REF_SIZE];
    if (c->barrier_under_way)
        return 0;
    if (!nx_conn_has_flag(c, NX_DFLAGS_MONITOR))
        return NOEX_ENOMONITOR;
    uint64_t n = c->barrier_number + 1;
    struct nx_ctrl ctrl = {.op = NX_OP_MONITOR_P};
    ctrl.arg[NX_ARG_FROM] = nx_conn_self_pid(c);
    ctrl.arg[NX_ARG_TARGET] = nx_span(undefined, sizeof undefined);
    ctrl.arg[NX_ARG_REF] = nx_conn_ref(c, NX_REF_BARRIER, (uint32_t)n, (uint32_t)(n >> 32), ref);
    int rc = nx_conn_send(c, 0, &ctrl, nx_span(NULL, 0));
    if (rc)
        return rc;
    c->barrier_number = n;
    c->barrier_under_way = true;
    return 0;
}

bool nx_conn_barrier_under_way(const struct nx_conn *c)
{
    return c->barrier_under_way;
}

struct nx_span nx_conn_out(const struct nx_conn *c)
{
    return c->peer && !nx_hs_out(c->hs).len ? nx_buf_span(&c->out) : nx_hs_out(c->hs);
}

void nx_conn_sent(struct nx_conn *c, size_t n, uint64_t now_ms)
{
    if (!n)
        return;
    c->stats.bytes_out += n;
    if (c->peer)
        nx_ticks_written(&c->ticks, now_ms);
    if (!c->peer || nx_hs_out(c->hs).len) {
        nx_hs_sent(c->hs, n);
        return;
    }
    nx_buf_consume(&c->out, n);
    if (c->out.cap > KEEP_BUFFER)
        nx_buf_shrink(&c->out, WRITE_ROOM);
}

/* ---- receiving ---- */

/* The answer to our barrier is ours to take: any reason confirms, for the peer may be a node of
 * ours. */
static bool take_barrier(struct nx_conn *c, const struct nx_ctrl *ctrl)
{
    uint32_t use, low, high;
    if (ctrl->op != NX_OP_PAYLOAD_MONITOR_P_EXIT && ctrl->op != NX_OP_MONITOR_P_EXIT)
        return false;
    if (!c->barrier_under_way || !nx_conn_own_ref(c, ctrl->arg[NX_ARG_REF], &use, &low, &high))
        return false;
    if (use != NX_REF_BARRIER || low != (uint32_t)c->barrier_number ||
        high != (uint32_t)(c->barrier_number >> 32))
        return false;
    c->barrier_under_way = false;
    c->config.handlers.barrier(c->config.handlers.ctx);
    return true;
}

/* Holds a payload to what a well formed term is: one that nests deeper than anybody could read is
 * cut there, like one that is too long. Bytes behind the term do not count, protocol.md 6.1. */
static int check_payload(struct nx_span *payload, uint64_t *payload_full, struct noex_error *err)
{
    size_t used = 0;
    struct noex_error cause = {0};
    if (payload->len < *payload_full) {
        payload->len = nx_term_shallow_len(*payload);
        return 0;
    }
    int rc = nx_term_check(*payload, &used, &cause);
    if (rc == NOEX_ELIMIT) {
        payload->len = used;
        return 0;
    }
    if (rc)
        return nx_fail(err, rc, "%s", cause.text);
    *payload_full = payload->len = used;
    return 0;
}

static int deliver(struct nx_conn *c, const struct nx_ctrl *ctrl, struct nx_span payload,
                   uint64_t payload_full, struct noex_error *err)
{
    if (ctrl->has_payload && !payload_full)
        return nx_fail(err, NOEX_EPROTOCOL, "%s came without its payload",
                       nx_op_name((int)ctrl->op));
    if (ctrl->has_payload) {
        int rc = check_payload(&payload, &payload_full, err);
        if (rc)
            return rc;
    }
    nx_trace_signal(c->log, c->peer->peer_name, "<-", ctrl, payload, payload_full);
    if (take_barrier(c, ctrl))
        return 0;
    const struct nx_signal signal = {ctrl, payload, payload_full};
    return c->config.handlers.signal(c->config.handlers.ctx, &signal, err);
}

/* One whole message; `full_len` is larger than data.len where fragments were thrown away. */
static int message(struct nx_conn *c, struct nx_span data, uint64_t full_len,
                   struct noex_error *err)
{
    struct nx_ctrl ctrl;
    struct nx_span payload = {NULL, 0};
    size_t used;
    int rc = nx_ctrl_parse(data, &ctrl, &used, err);
    if (rc && used) {
        /* Well formed, but of an opcode that we do not know: counted and skipped. */
        c->stats.unknown_ops++;
        nx_log(c->log, NOEX_LOG_INFO, "%s: skipped: %s", c->peer->peer_name,
               err ? err->text : "unknown opcode");
        if (err)
            err->code = 0;
        return 0;
    }
    /* Behind a message without payload anything may stand, protocol.md 6.1. */
    if (!rc && !ctrl.has_payload)
        return deliver(c, &ctrl, payload, 0, err);
    if (!rc)
        rc = nx_frame_payload(data, used, c->mode, &payload, err);
    return rc ? rc : deliver(c, &ctrl, payload, payload.len + (full_len - data.len), err);
}

/* The first fragment holds the whole control term: it says how much of the message is worth
 * keeping. */
static int first_fragment(struct nx_conn *c, const struct nx_frame *f, struct nx_message *whole,
                          struct noex_error *err)
{
    struct nx_ctrl ctrl;
    size_t used;
    struct noex_error cause = {0};
    int rc = nx_ctrl_parse(f->data, &ctrl, &used, &cause);
    if (rc && !used)
        return nx_fail(err, rc, "%s", cause.text);
    size_t max = rc ? 0 : c->config.handlers.wanted(c->config.handlers.ctx, &ctrl);
    const struct nx_keep keep = {used + (max < KEEP_ALWAYS ? max : KEEP_ALWAYS), used + max};
    return nx_fragments_first(c->fragments, f->sequence, f->fragment, f->data, &keep, whole, err);
}

static int frame(struct nx_conn *c, struct nx_span body, struct noex_error *err)
{
    struct nx_frame f;
    struct nx_message whole;
    if (!body.len) {
        c->stats.ticks_in++;
        nx_log(c->log, NOEX_LOG_TRACE, "%s <- tick", c->peer->peer_name);
        return nx_ticks_answer(&c->ticks) ? send_tick(c) : 0;
    }
    c->stats.frames_in++;
    int rc = nx_frame_parse(body, c->mode, &f, err);
    if (rc)
        return rc;
    if (f.kind == NX_FRAME_MESSAGE)
        return message(c, f.data, f.data.len, err);
    if (f.kind == NX_FRAME_FIRST)
        rc = first_fragment(c, &f, &whole, err);
    else
        rc = nx_fragments_next(c->fragments, f.sequence, f.fragment, f.data, &whole, err);
    return rc == 1 ? message(c, whole.data, whole.full_len, err) : rc;
}

static int frames(struct nx_conn *c, struct noex_error *err)
{
    struct nx_span body;
    size_t used;
    int rc;
    while ((rc = nx_frame_next(nx_buf_span(&c->in), 4, c->config.message_max, &body, &used, err)) ==
           1) {
        rc = frame(c, body, err);
        nx_buf_consume(&c->in, used);
        if (rc)
            return rc;
    }
    if (c->in.cap > KEEP_BUFFER)
        nx_buf_shrink(&c->in, READ_ROOM);
    return rc;
}

static int become_up(struct nx_conn *c, uint64_t now_ms, struct noex_error *err)
{
    c->peer = nx_hs_result(c->hs);
    c->mode =
        nx_conn_has_flag(c, NX_DFLAG_FRAGMENTS) ? NX_FRAME_DIST_HEADER : NX_FRAME_PASS_THROUGH;
    nx_ticks_init(&c->ticks, c->config.ticktime_ms, now_ms);
    const struct nx_pid self = {
        .node = nx_span_str(c->peer->self_name),
        .id = SELF_PID_ID,
        .serial = SELF_PID_SERIAL,
        .creation = c->peer->self_creation,
    };
    struct nx_buf b;
    nx_buf_fixed(&b, c->self_pid, sizeof c->self_pid);
    int rc = nx_pid_write(&b, &self);
    rc = rc ? rc : nx_buf_reserve(&c->out, WRITE_ROOM);
    if (rc) {
        c->peer = NULL;
        return rc;
    }
    c->self_pid_len = nx_buf_len(&b);
    return c->config.handlers.up(c->config.handlers.ctx, c->peer, err);
}

static int handshake(struct nx_conn *c, uint64_t now_ms, struct noex_error *err)
{
    size_t used;
    int rc = nx_hs_feed(c->hs, nx_buf_span(&c->in), &used, now_ms, err);
    nx_buf_consume(&c->in, used);
    return rc == NX_HS_DONE ? become_up(c, now_ms, err) : rc;
}

int nx_conn_room(struct nx_conn *c, uint8_t **bytes, size_t *size, struct noex_error *err)
{
    int rc = nx_buf_reserve(&c->in, READ_ROOM);
    if (rc == NOEX_ENOMEM) /* the room that is left may do for what is to come */
        rc = nx_buf_reserve(&c->in, 1);
    if (rc == NOEX_ELIMIT) /* cannot happen while frames are held to message_max */
        return nx_fail(err, NOEX_ETOOBIG, NULL);
    if (rc)
        return nx_fail(err, rc, NULL);
    *bytes = c->in.data + c->in.end;
    *size = c->in.cap - c->in.end;
    return 0;
}

int nx_conn_received(struct nx_conn *c, size_t n, uint64_t now_ms, struct noex_error *err)
{
    nx_buf_commit(&c->in, n);
    c->stats.bytes_in += n;
    if (!c->peer) {
        int rc = handshake(c, now_ms, err);
        if (rc || !c->peer)
            return rc ? nx_fail(err, rc, NULL) : 0;
    }
    nx_ticks_read(&c->ticks, now_ms);
    int rc = frames(c, err);
    return rc ? nx_fail(err, rc, NULL) : 0;
}

int nx_conn_eof(struct nx_conn *c, struct noex_error *err)
{
    if (!c->peer)
        return nx_hs_eof(c->hs, err);
    return nx_fail(err, NOEX_ECLOSED, "the peer closed the connection%s",
                   nx_buf_len(&c->in) ? " in the middle of a frame" : "");
}

/* ---- time ---- */

uint64_t nx_conn_deadline(const struct nx_conn *c)
{
    return c->peer ? nx_ticks_deadline(&c->ticks) : nx_hs_deadline(c->hs);
}

int nx_conn_timeout(struct nx_conn *c, uint64_t now_ms, struct noex_error *err)
{
    if (!c->peer)
        return nx_hs_timeout(c->hs, now_ms, err);
    unsigned due = nx_ticks_due(&c->ticks, now_ms);
    int rc = 0;
    if (due & NX_TICK_DOWN)
        return nx_fail(err, NOEX_ETICKTIMEOUT, "nothing heard for %llu ms, net_ticktime is %llu ms",
                       (unsigned long long)(now_ms - c->ticks.read_at),
                       (unsigned long long)c->config.ticktime_ms);
    if (due & NX_TICK_MISSED)
        c->config.handlers.tick_missed(c->config.handlers.ctx, c->ticks.missed);
    if (due & NX_TICK_PROBE && nx_conn_has_flag(c, NX_DFLAGS_MONITOR))
        rc = nx_conn_barrier(c);
    if (rc == NOEX_ENOMEM) /* as for a tick: other bytes wait */
        rc = 0;
    if (!rc && due & NX_TICK_SEND)
        rc = send_tick(c);
    return rc ? nx_fail(err, rc, NULL) : 0;
}

const struct nx_conn_stats *nx_conn_get_stats(const struct nx_conn *c)
{
    return &c->stats;
}

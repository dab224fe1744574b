/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/conn.h"

#include "base/alloc.h"
#include "base/err.h"
#include "conn/outqueue.h"
#include "conn/ticks.h"
#include "conn/trace.h"
#include "handshake/dflags.h"

enum {
    READ_ROOM = 64 * 1024,     /* asked for before each read */
    WRITE_ROOM = 4 * 1024,     /* is there once the connection is up */
    KEEP_BUFFER = 1024 * 1024, /* an empty buffer larger than this is given back but for the room */
    SHORT_MAX = 1024, /* longer terms go without references to the atom cache: looking costs more */
    WORDS = 3 * 4,    /* bytes: where a reference of ours says what it is for */
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
    struct nx_outqueue out;
    struct nx_ticks ticks;
    struct nx_incoming *incoming;
    struct nx_known_atoms *known; /* NULL where no atom cache was negotiated */
    enum nx_frame_mode mode;
    uint64_t sequence; /* of the last message in fragments */
    bool barrier_under_way;
    uint64_t barrier_number;
    struct nx_conn_stats stats;
    uint8_t self_pid[PID_SIZE];
    size_t self_pid_len;
    uint8_t ref[NX_CONN_REF_SIZE]; /* any of ours: its words, the last WORDS bytes, are to be set */
    size_t ref_len;
    struct nx_stencil monitor;
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
    nx_outqueue_init(&c->out, a, config->out_max);
    c->hs = nx_hs_new(&c->config.hs, now_ms, err);
    if (c->hs)
        return c;
    nx_conn_free(c);
    return NULL;
}

void nx_conn_free(struct nx_conn *c)
{
    if (!c)
        return;
    nx_hs_free(c->hs);
    nx_incoming_free(c->incoming);
    nx_known_atoms_free(c->known);
    nx_buf_free(&c->in);
    nx_outqueue_free(&c->out);
    nx_free(c->config.hs.alloc, c);
}

void nx_conn_set_handlers(struct nx_conn *c, const struct nx_conn_handlers *handlers)
{
    c->config.handlers = *handlers;
}

void nx_conn_start(struct nx_conn *c, uint64_t now_ms)
{
    nx_hs_start(c->hs, now_ms);
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

uint64_t nx_conn_heard_ms(const struct nx_conn *c)
{
    return c->ticks.read_at;
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
    memcpy(bytes, c->ref, c->ref_len);
    uint8_t *words = bytes + c->ref_len - WORDS;
    nx_put_u32(nx_put_u32(nx_put_u32(words, slot), generation), use);
    return nx_span(bytes, c->ref_len);
}

/* A DOWN names its monitor as it was named to the peer, byte by byte; anybody else may write it in
 * another way. */
bool nx_conn_own_ref(const struct nx_conn *c, struct nx_span raw, uint32_t *use, uint32_t *slot,
                     uint32_t *generation)
{
    struct nx_ref ref;
    if (raw.len == c->ref_len && memcmp(raw.ptr, c->ref, raw.len - WORDS) == 0) {
        const uint8_t *words = raw.ptr + raw.len - WORDS;
        *slot = nx_get_u32(words);
        *generation = nx_get_u32(words + 4);
        *use = nx_get_u32(words + 8);
        return true;
    }
    if (!nx_ref_parse(raw, &ref) || ref.count != 3 || !nx_conn_is_self(c, ref.node, ref.creation))
        return false;
    *slot = ref.word[0];
    *generation = ref.word[1];
    *use = ref.word[2];
    return true;
}

/* ---- sending ---- */

static int put_plain(struct nx_conn *c, struct nx_buf *out, const struct nx_ctrl *ctrl,
                     struct nx_span payload)
{
    size_t mark;
    int rc = nx_frame_begin(out, c->mode, &mark);
    if (!rc)
        rc = nx_ctrl_build(out, ctrl);
    if (!rc && payload.len && c->mode == NX_FRAME_PASS_THROUGH)
        rc = nx_buf_put_u8(out, 131);
    if (!rc)
        rc = nx_buf_put_span(out, payload);
    return rc ? rc : nx_frame_end(out, mark);
}

/* With references to what the peer has in its atom cache; what is not short does without. */
static int put_short(struct nx_conn *c, struct nx_buf *out, const struct nx_ctrl *ctrl,
                     struct nx_span payload)
{
    uint8_t bytes[SHORT_MAX];
    struct nx_buf terms;
    nx_buf_fixed(&terms, bytes, sizeof bytes);
    int rc = payload.len < sizeof bytes ? nx_ctrl_build_short(&terms, ctrl, c->known) : NOEX_ELIMIT;
    rc = rc ? rc : nx_buf_reserve(&terms, payload.len);
    if (rc == NOEX_ELIMIT) {
        nx_known_atoms_end(c->known, false);
        return put_plain(c, out, ctrl, payload);
    }
    if (rc)
        return rc;
    if (payload.len)
        nx_known_atoms_put_all(c->known, &terms, payload);
    return nx_frame_write_short(out, c->known, nx_buf_span(&terms));
}

static int put_fragments(struct nx_conn *c, struct nx_buf *out, const struct nx_ctrl *ctrl,
                         struct nx_span payload)
{
    struct nx_buf control;
    nx_buf_init(&control, c->config.hs.alloc, SIZE_MAX);
    int rc = nx_ctrl_build(&control, ctrl);
    if (!rc)
        rc = nx_frame_write_fragments(out, ++c->sequence, nx_buf_span(&control), payload);
    nx_buf_free(&control);
    return rc;
}

/* How many bytes its fragments will be; 0 where it goes in one frame. */
static size_t fragment_bytes(const struct nx_conn *c, const struct nx_ctrl *ctrl,
                             struct nx_span payload)
{
    if (c->mode != NX_FRAME_FRAGMENTS || payload.len < NX_FRAGMENT / 2)
        return 0;
    const size_t size = nx_ctrl_size(ctrl);
    return size && payload.len + size > NX_FRAGMENT ? nx_frame_fragment_bytes(size, payload.len)
                                                    : 0;
}

/* The ceiling of the queue is reached by a peer that does not read, or by a message that is longer
 * than all of it. */
static int queue_error(const struct nx_conn *c, int rc, size_t size)
{
    return rc == NOEX_ELIMIT && size <= c->config.out_max ? NOEX_EUNREAD : rc;
}

int nx_conn_send(struct nx_conn *c, uint32_t sender, const struct nx_ctrl *ctrl,
                 struct nx_span payload)
{
    struct nx_append a;
    const size_t big = fragment_bytes(c, ctrl, payload);
    int rc = nx_outqueue_begin(&c->out, sender, big, &a);
    if (rc)
        return queue_error(c, rc, big);
    /* What waits in a stream goes later than it is written here: its header may not rely on others.
     */
    const bool is_short = c->known && !a.stream;
    if (big)
        rc = put_fragments(c, a.frames, ctrl, payload);
    else
        rc = (is_short ? put_short : put_plain)(c, a.frames, ctrl, payload);
    rc = nx_outqueue_end(&c->out, &a, rc);
    if (is_short)
        nx_known_atoms_end(c->known, !rc);
    if (rc)
        return queue_error(c, rc, nx_ctrl_size(ctrl) + payload.len);
    c->stats.frames_out += big ? nx_frame_fragment_count(nx_ctrl_size(ctrl), payload.len) : 1;
    nx_trace_signal(c->log, c->peer->peer_name, "->", ctrl, payload, payload.len, 0);
    return 0;
}

int nx_conn_send_stencil(struct nx_conn *c, const struct nx_ctrl *ctrl,
                         const struct nx_stencil_numbers *numbers)
{
    const size_t before = nx_buf_len(&c->out.ready);
    int rc = nx_conn_send(c, 0, ctrl, nx_span(NULL, 0));
    const struct nx_span ready = nx_buf_span(&c->out.ready);
    if (!rc && ready.len > before)
        nx_stencil_learn(&c->monitor, nx_span(ready.ptr + before, ready.len - before), numbers);
    return rc;
}

/* What may wait behind a big message goes later, and may not rely on what others make known. */
bool nx_conn_can_repeat(const struct nx_conn *c)
{
    return c->monitor.len && !c->out.count && !nx_log_on(c->log, NOEX_LOG_TRACE);
}

int nx_conn_repeat(struct nx_conn *c, const struct nx_stencil_numbers *numbers)
{
    struct nx_append a;
    int rc = nx_outqueue_begin(&c->out, 0, 0, &a);
    rc = rc ? rc : nx_buf_reserve(a.frames, c->monitor.len);
    if (!rc) {
        nx_stencil_write(&c->monitor, numbers, a.frames->data + a.frames->end);
        nx_buf_commit(a.frames, c->monitor.len);
    }
    rc = nx_outqueue_end(&c->out, &a, rc);
    if (rc)
        return queue_error(c, rc, c->monitor.len);
    c->stats.frames_out++;
    return 0;
}

/* Where there is no room for it, or no memory, other bytes wait, and they say the same. */
static void send_tick(struct nx_conn *c)
{
    enum { TICK = 4 };
    if (nx_outqueue_queued(&c->out) > c->config.out_max - TICK || nx_buf_put_u32(&c->out.ready, 0))
        return;
    c->stats.ticks_out++;
    nx_log(c->log, NOEX_LOG_TRACE, "%s -> tick", c->peer->peer_name);
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
    return c->peer && !nx_hs_out(c->hs).len ? nx_outqueue_next(&c->out) : nx_hs_out(c->hs);
}

size_t nx_conn_queued(const struct nx_conn *c)
{
    return nx_hs_out(c->hs).len + nx_outqueue_queued(&c->out);
}

size_t nx_conn_ready(const struct nx_conn *c)
{
    return nx_hs_out(c->hs).len + nx_buf_len(&c->out.ready);
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
    nx_outqueue_sent(&c->out, n);
    if (c->out.ready.cap > KEEP_BUFFER)
        nx_buf_shrink(&c->out.ready, WRITE_ROOM);
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

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    const struct nx_conn *c = ctx;
    return c->config.handlers.wanted(c->config.handlers.ctx, ctrl);
}

static int on_signal(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    struct nx_conn *c = ctx;
    nx_trace_signal(c->log, c->peer->peer_name, "<-", s->ctrl, s->payload, s->payload_full,
                    s->cached);
    if (take_barrier(c, s->ctrl))
        return 0;
    return c->config.handlers.signal(c->config.handlers.ctx, s, err);
}

static void on_unknown(void *ctx, const char *what)
{
    struct nx_conn *c = ctx;
    c->stats.unknown_ops++;
    nx_log(c->log, NOEX_LOG_INFO, "%s: skipped: %s", c->peer->peer_name, what);
}

static int frame(struct nx_conn *c, struct nx_span body, struct noex_error *err)
{
    if (body.len) {
        c->stats.frames_in++;
        return nx_incoming_frame(c->incoming, body, err);
    }
    c->stats.ticks_in++;
    nx_log(c->log, NOEX_LOG_TRACE, "%s <- tick", c->peer->peer_name);
    if (nx_ticks_answer(&c->ticks))
        send_tick(c);
    return 0;
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

/* Who we are on this connection, as it will stand in most of what is sent. */
static int write_self(struct nx_conn *c)
{
    const struct nx_pid pid = {
        .node = nx_span_str(c->peer->self_name),
        .id = SELF_PID_ID,
        .serial = SELF_PID_SERIAL,
        .creation = c->peer->self_creation,
    };
    const struct nx_ref ref = {.node = pid.node, .creation = pid.creation, .count = WORDS / 4};
    struct nx_buf b;
    nx_buf_fixed(&b, c->self_pid, sizeof c->self_pid);
    int rc = nx_pid_write(&b, &pid);
    c->self_pid_len = nx_buf_len(&b);
    nx_buf_fixed(&b, c->ref, sizeof c->ref);
    rc = rc ? rc : nx_ref_write(&b, &ref);
    c->ref_len = nx_buf_len(&b);
    return rc;
}

/* What the negotiated flags ask for, and all that is to be there when memory is short. */
static int set_up(struct nx_conn *c)
{
    const struct noex_allocator *a = c->config.hs.alloc;
    const bool fragments = nx_conn_has_flag(c, NX_DFLAG_FRAGMENTS),
               cache = nx_conn_has_flag(c, NX_DFLAG_DIST_HDR_ATOM_CACHE);
    c->mode = fragments ? NX_FRAME_FRAGMENTS : cache ? NX_FRAME_DIST_HEADER : NX_FRAME_PASS_THROUGH;
    const struct nx_incoming_config incoming = {
        .alloc = a,
        .handlers = {c, on_wanted, on_signal, on_unknown},
        .mode = c->mode,
        .cache = cache,
        .message_max = c->config.message_max,
        .fragments_max = c->config.fragments_max,
    };
    c->incoming = nx_incoming_new(&incoming);
    if (cache)
        c->known = nx_known_atoms_new(a, c->peer->self_name, c->peer->peer_name);
    if (!c->incoming || (cache && !c->known))
        return NOEX_ENOMEM;
    int rc = write_self(c);
    return rc ? rc : nx_buf_reserve(&c->out.ready, WRITE_ROOM);
}

static int become_up(struct nx_conn *c, uint64_t now_ms, struct noex_error *err)
{
    c->peer = nx_hs_result(c->hs);
    nx_ticks_init(&c->ticks, c->config.ticktime_ms, now_ms);
    int rc = set_up(c);
    if (rc) {
        c->peer = NULL;
        return rc;
    }
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
    if (due & NX_TICK_DOWN)
        return nx_fail(err, NOEX_ETICKTIMEOUT, "nothing heard for %llu ms, net_ticktime is %llu ms",
                       (unsigned long long)(now_ms - c->ticks.read_at),
                       (unsigned long long)c->config.ticktime_ms);
    if (due & NX_TICK_MISSED)
        c->config.handlers.tick_missed(c->config.handlers.ctx, c->ticks.missed);
    if (due & NX_TICK_PROBE && nx_conn_has_flag(c, NX_DFLAGS_MONITOR) && nx_conn_barrier(c))
        nx_log(c->log, NOEX_LOG_DEBUG, "%s: no room for a probe: other bytes wait",
               c->peer->peer_name); /* as for a tick */
    if (due & NX_TICK_SEND)
        send_tick(c);
    return 0;
}

const struct nx_conn_stats *nx_conn_get_stats(const struct nx_conn *c)
{
    return &c->stats;
}

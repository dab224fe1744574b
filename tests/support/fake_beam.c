/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_beam.h"

#include "base/alloc.h"
#include "handshake/dflags.h"
#include "term/read.h"
#include "term/write.h"
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PART = 1000 /* bytes of a reason in each fragment */ };

static const uint8_t noproc[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};

/* The fake is a tool: what cannot happen to it stops the test. */
static void must(int rc)
{
    if (rc) {
        fprintf(stderr, "fake_beam: %s\n", noex_error_name(rc));
        abort();
    }
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- terms ---- */

struct nx_span fake_atom(const char *text, uint8_t *bytes)
{
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, FAKE_TERM);
    must(nx_atom_write(&b, nx_span_str(text)));
    return nx_buf_span(&b);
}

struct nx_span fake_pid(const char *node, uint32_t id, uint32_t serial, uint32_t creation,
                        uint8_t *bytes)
{
    const struct nx_pid pid = {nx_span_str(node), id, serial, creation};
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, FAKE_TERM);
    must(nx_pid_write(&b, &pid));
    return nx_buf_span(&b);
}

struct nx_span fake_ref(const char *node, uint32_t creation, uint32_t words, uint8_t *bytes)
{
    struct nx_ref ref = {.node = nx_span_str(node), .creation = creation, .count = words};
    struct nx_buf b;
    for (uint32_t i = 0; i < words; i++)
        ref.word[i] = 1000 + i;
    nx_buf_fixed(&b, bytes, FAKE_TERM);
    must(nx_ref_write(&b, &ref));
    return nx_buf_span(&b);
}

/* ---- sending ---- */

static struct fake_conn *conn_at(struct fake_beam *b, unsigned index)
{
    return &b->conn[index % FAKE_CONNS_MAX];
}

struct fake_conn *fake_beam_conn(struct fake_beam *b)
{
    static struct fake_conn none = {.fd = -1};
    return b->conns ? conn_at(b, b->conns - 1) : &none;
}

bool fake_beam_is_up(struct fake_beam *b)
{
    const struct fake_conn *c = fake_beam_conn(b);
    return c->fd >= 0 && c->up;
}

static void send_on(struct fake_conn *c, const struct nx_ctrl *ctrl, struct nx_span payload)
{
    if (c->fd >= 0 && c->up)
        must(nx_conn_send(c->conn, 0, ctrl, payload));
}

void fake_beam_send(struct fake_beam *b, const struct nx_ctrl *ctrl, struct nx_span payload)
{
    send_on(fake_beam_conn(b), ctrl, payload);
}

static void write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

/* Past the connection, whose queue must be empty for it. */
void fake_beam_send_raw(struct fake_beam *b, const void *bytes, size_t len)
{
    uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                       (uint8_t)len};
    struct fake_conn *c = fake_beam_conn(b);
    if (c->fd < 0)
        return;
    write_all(c->fd, head, sizeof head);
    write_all(c->fd, bytes, len);
    c->raw_sent += sizeof head + len;
}

static struct nx_ctrl down_ctrl(struct nx_span target, struct nx_span to, struct nx_span ref)
{
    struct nx_ctrl down = {.op = NX_OP_PAYLOAD_MONITOR_P_EXIT};
    down.arg[NX_ARG_TARGET] = target;
    down.arg[NX_ARG_TO] = to;
    down.arg[NX_ARG_REF] = ref;
    return down;
}

void fake_beam_send_fragments(struct fake_beam *b, const struct nx_ctrl *ctrl,
                              struct nx_span reason)
{
    uint64_t left = (reason.len + PART - 1) / PART;
    struct nx_buf out;
    while (fake_beam_is_up(b) && nx_conn_out(fake_beam_conn(b)->conn).len)
        fake_beam_step(b);
    nx_buf_init(&out, &nx_alloc_libc, 1 << 20);
    b->sequence++;
    for (bool first = true; left; first = false, left--) {
        size_t n = reason.len < PART ? reason.len : PART;
        nx_buf_consume(&out, SIZE_MAX);
        must(nx_buf_put_u8(&out, 131));
        must(nx_buf_put_u8(&out, first ? 69 : 70));
        must(nx_buf_put_u64(&out, b->sequence));
        must(nx_buf_put_u64(&out, left));
        if (first) {
            must(nx_buf_put_u8(&out, 0));
            must(nx_ctrl_build(&out, ctrl));
        }
        must(nx_buf_put(&out, reason.ptr, n));
        fake_beam_send_raw(b, nx_buf_span(&out).ptr, nx_buf_len(&out));
        reason = nx_span(reason.ptr + n, reason.len - n);
    }
    nx_buf_free(&out);
}

void fake_beam_down(struct fake_beam *b, const struct fake_monitor *m, struct nx_span reason,
                    enum fake_form form)
{
    const uint8_t *p = nx_buf_span(&m->term).ptr;
    struct nx_ctrl down =
        down_ctrl(nx_span(p + m->from_len, m->target_len), nx_span(p, m->from_len),
                  nx_span(p + m->from_len + m->target_len, m->ref_len));
    if (form == FAKE_FRAGMENTS) {
        fake_beam_send_fragments(b, &down, reason);
        return;
    }
    if (form == FAKE_INSIDE) {
        down.op = NX_OP_MONITOR_P_EXIT;
        down.arg[NX_ARG_REASON] = reason;
        reason = nx_span(NULL, 0);
    }
    fake_beam_send(b, &down, reason);
}

/* ---- processes and monitors ---- */

void fake_beam_spawn(struct fake_beam *b, const char *name)
{
    assert(b->alive_count < FAKE_NAMES_MAX);
    snprintf(b->alive[b->alive_count++], sizeof b->alive[0], "%s", name);
}

void fake_beam_spawn_pid(struct fake_beam *b, uint32_t id, uint32_t serial)
{
    assert(b->alive_pids < FAKE_NAMES_MAX);
    b->alive_pid[b->alive_pids++] = (struct nx_pid){.id = id, .serial = serial};
}

static bool pid_lives(const struct fake_beam *b, const struct nx_pid *pid)
{
    if (!nx_span_is(pid->node, b->name) || pid->creation != b->opts.creation)
        return false;
    for (unsigned i = 0; i < b->alive_pids; i++)
        if (b->alive_pid[i].id == pid->id && b->alive_pid[i].serial == pid->serial)
            return true;
    return b->all_alive;
}

static bool name_lives(const struct fake_beam *b, struct nx_span name)
{
    for (unsigned i = 0; i < b->alive_count; i++)
        if (nx_span_is(name, b->alive[i]))
            return true;
    return b->all_alive;
}

static void forget_name(struct fake_beam *b, const char *name)
{
    for (unsigned i = 0; i < b->alive_count; i++)
        if (strcmp(b->alive[i], name) == 0)
            b->alive[i][0] = '\0';
}

unsigned fake_beam_die(struct fake_beam *b, const char *name, struct nx_span reason,
                       enum fake_form form)
{
    unsigned told = 0;
    forget_name(b, name);
    for (size_t i = 0; i < b->monitor_count; i++) {
        struct fake_monitor *m = &b->monitors[i];
        if (!m->active || strcmp(m->name, name) != 0)
            continue;
        m->active = false;
        fake_beam_down(b, m, reason, form);
        told++;
    }
    return told;
}

size_t fake_beam_held(const struct fake_beam *b, const char *name)
{
    size_t held = 0;
    for (size_t i = 0; i < b->monitor_count; i++)
        held += b->monitors[i].active && (!name || strcmp(b->monitors[i].name, name) == 0);
    return held;
}

static void hold_monitor(struct fake_conn *c, const struct nx_ctrl *ctrl, struct nx_span name)
{
    struct fake_beam *b = c->beam;
    if (b->monitor_count == b->monitor_cap) {
        b->monitor_cap = b->monitor_cap ? b->monitor_cap * 2 : 256;
        b->monitors = realloc(b->monitors, b->monitor_cap * sizeof *b->monitors);
        assert(b->monitors);
    }
    struct fake_monitor *m = &b->monitors[b->monitor_count++];
    *m = (struct fake_monitor){.active = true,
                               .conn = (unsigned)(c - b->conn),
                               .from_len = ctrl->arg[NX_ARG_FROM].len,
                               .target_len = ctrl->arg[NX_ARG_TARGET].len,
                               .ref_len = ctrl->arg[NX_ARG_REF].len};
    if (name.len < sizeof m->name)
        memcpy(m->name, name.ptr, name.len);
    nx_buf_init(&m->term, &nx_alloc_libc, 4096);
    must(nx_buf_put_span(&m->term, ctrl->arg[NX_ARG_FROM]));
    must(nx_buf_put_span(&m->term, ctrl->arg[NX_ARG_TARGET]));
    must(nx_buf_put_span(&m->term, ctrl->arg[NX_ARG_REF]));
}

static void answer_noproc(struct fake_conn *c, const struct nx_ctrl *ctrl)
{
    struct nx_ctrl down =
        down_ctrl(ctrl->arg[NX_ARG_TARGET], ctrl->arg[NX_ARG_FROM], ctrl->arg[NX_ARG_REF]);
    send_on(c, &down, nx_span(noproc, sizeof noproc));
}

static void keep_barrier(struct fake_beam *b, const struct nx_ctrl *ctrl)
{
    nx_buf_consume(&b->barrier, SIZE_MAX);
    must(nx_buf_put_span(&b->barrier, ctrl->arg[NX_ARG_FROM]));
    must(nx_buf_put_span(&b->barrier, ctrl->arg[NX_ARG_REF]));
    b->barrier_from_len = ctrl->arg[NX_ARG_FROM].len;
    b->barrier_ref_len = ctrl->arg[NX_ARG_REF].len;
}

void fake_beam_release_barrier(struct fake_beam *b)
{
    uint8_t bytes[FAKE_TERM];
    const uint8_t *p = nx_buf_span(&b->barrier).ptr;
    struct nx_ctrl down = down_ctrl(fake_atom("undefined", bytes), nx_span(p, b->barrier_from_len),
                                    nx_span(p + b->barrier_from_len, b->barrier_ref_len));
    fake_beam_send(b, &down, nx_span(noproc, sizeof noproc));
}

static void on_monitor(struct fake_conn *c, const struct nx_ctrl *ctrl)
{
    struct fake_beam *b = c->beam;
    struct nx_span name;
    struct nx_pid pid;
    bool lives;
    if (nx_atom_parse(ctrl->arg[NX_ARG_TARGET], &name)) {
        if (nx_span_is(name, "undefined")) {
            b->barriers++;
            if (b->no_barrier)
                keep_barrier(b, ctrl);
            else
                answer_noproc(c, ctrl);
            return;
        }
        lives = name_lives(b, name);
    } else {
        name = nx_span("", 0);
        lives = nx_pid_parse(ctrl->arg[NX_ARG_TARGET], &pid) && pid_lives(b, &pid);
    }
    if (lives)
        hold_monitor(c, ctrl, name);
    else
        answer_noproc(c, ctrl);
}

/* Mostly they end in the order in which they were made, so the search goes on behind the last. */
static void on_demonitor(struct fake_conn *c, const struct nx_ctrl *ctrl)
{
    struct fake_beam *b = c->beam;
    for (size_t i = 0; i < b->monitor_count; i++) {
        size_t at = (b->demonitored + i) % b->monitor_count;
        struct fake_monitor *m = &b->monitors[at];
        const uint8_t *p = nx_buf_span(&m->term).ptr;
        if (!m->active || !nx_span_eq(nx_span(p + m->from_len + m->target_len, m->ref_len),
                                      ctrl->arg[NX_ARG_REF]))
            continue;
        m->active = false;
        b->demonitored = at;
        return;
    }
}

/* ---- rex ---- */

/* {'$gen_call', {Pid, Tag}, {call, erlang, list_to_pid, [Text], user}} */
static bool read_call(struct nx_span payload, struct nx_span *caller, struct nx_span *tag,
                      struct nx_span *text)
{
    struct nx_rd in = nx_rd(payload);
    uint32_t n;
    return nx_read_tuple_head(&in, &n) && n == 3 && nx_read_atom_is(&in, "$gen_call") &&
           nx_read_tuple_head(&in, &n) && n == 2 && nx_read_term(&in, caller) &&
           nx_read_term(&in, tag) && nx_read_tuple_head(&in, &n) && n == 5 &&
           nx_read_atom_is(&in, "call") && nx_read_atom_is(&in, "erlang") &&
           nx_read_atom_is(&in, "list_to_pid") && nx_read_list_head(&in, &n) && n == 1 &&
           nx_read_string(&in, text) && nx_read_nil(&in) && nx_read_atom_is(&in, "user");
}

static void write_result(struct fake_beam *b, struct nx_buf *out, struct nx_span text)
{
    char copy[64] = "";
    struct nx_pid pid = {.node = nx_span_str(b->name), .creation = b->opts.creation};
    memcpy(copy, text.ptr, text.len < sizeof copy ? text.len : sizeof copy - 1);
    if (sscanf(copy, "<0.%u.%u>", &pid.id, &pid.serial) == 2 && pid_lives(b, &pid)) {
        pid.creation = b->rex_creation ? b->rex_creation : pid.creation;
        must(nx_pid_write(out, &pid));
        return;
    }
    must(nx_write_tuple_head(out, 2));
    must(nx_write_atom(out, "badrpc"));
    must(nx_write_tuple_head(out, 2));
    must(nx_write_atom(out, "EXIT"));
    must(nx_write_tuple_head(out, 2));
    must(nx_write_atom(out, "badarg"));
    must(nx_write_nil(out)); /* the stack */
}

static void on_rex(struct fake_conn *c, struct nx_span payload)
{
    struct fake_beam *b = c->beam;
    uint8_t bytes[FAKE_TERM], pid[FAKE_TERM];
    struct nx_span caller, tag, text;
    struct nx_buf out;
    if (b->rex == FAKE_REX_SILENT)
        return;
    if (!read_call(payload, &caller, &tag, &text)) {
        fprintf(stderr, "fake_beam: not the call that was expected\n");
        abort();
    }
    nx_buf_fixed(&out, bytes, sizeof bytes);
    must(nx_write_tuple_head(&out, 2));
    must(nx_write_raw(&out, tag));
    if (b->rex == FAKE_REX_ODD)
        must(nx_write_int(&out, 42));
    else
        write_result(b, &out, text);
    struct nx_ctrl reply = {.op = NX_OP_SEND_SENDER};
    reply.arg[NX_ARG_FROM] = fake_pid(b->name, 50, 0, b->opts.creation, pid);
    reply.arg[NX_ARG_TO] = caller;
    send_on(c, &reply, nx_buf_span(&out));
}

/* ---- receiving ---- */

static void record(struct fake_beam *b, const struct fake_conn *c, const struct nx_signal *s)
{
    if (s->ctrl->op < 64)
        b->ops[s->ctrl->op]++;
    if (b->no_record || b->signals == FAKE_SIGNALS_MAX)
        return;
    struct fake_signal *kept = &b->signal[b->signals++];
    kept->op = s->ctrl->op;
    kept->conn = (unsigned)(c - b->conn);
    nx_buf_init(&kept->bytes, &nx_alloc_libc, 1 << 20);
    for (int i = 0; i < NX_ARG_COUNT; i++) {
        kept->at[i] = nx_buf_len(&kept->bytes);
        kept->len[i] = s->ctrl->arg[i].len;
        must(nx_buf_put_span(&kept->bytes, s->ctrl->arg[i]));
    }
    kept->payload_at = nx_buf_len(&kept->bytes);
    kept->payload_len = s->payload.len;
    must(nx_buf_put_span(&kept->bytes, s->payload));
}

struct nx_span fake_signal_arg(const struct fake_signal *s, enum nx_arg arg)
{
    return nx_span(nx_buf_span(&s->bytes).ptr + s->at[arg], s->len[arg]);
}

struct nx_span fake_signal_payload(const struct fake_signal *s)
{
    return nx_span(nx_buf_span(&s->bytes).ptr + s->payload_at, s->payload_len);
}

const struct fake_signal *fake_beam_signal(const struct fake_beam *b, enum nx_op op, unsigned n)
{
    for (unsigned i = 0; i < b->signals; i++)
        if (b->signal[i].op == op && n-- == 0)
            return &b->signal[i];
    return NULL;
}

static int on_up(void *ctx, const struct nx_hs_result *result, struct noex_error *err)
{
    (void)result, (void)err;
    ((struct fake_conn *)ctx)->up = true;
    return 0;
}

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctx, (void)ctrl;
    return SIZE_MAX / 4;
}

static int on_signal(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    struct fake_conn *c = ctx;
    struct nx_span name;
    (void)err;
    record(c->beam, c, s);
    if (c->beam->deaf)
        return 0;
    if (s->ctrl->op == NX_OP_MONITOR_P)
        on_monitor(c, s->ctrl);
    else if (s->ctrl->op == NX_OP_DEMONITOR_P)
        on_demonitor(c, s->ctrl);
    else if (s->ctrl->op == NX_OP_REG_SEND && nx_atom_parse(s->ctrl->arg[NX_ARG_NAME], &name) &&
             nx_span_is(name, "rex"))
        on_rex(c, s->payload);
    return 0;
}

static void on_barrier(void *ctx)
{
    (void)ctx;
}

static void on_tick_missed(void *ctx, unsigned missed)
{
    (void)ctx, (void)missed;
}

/* ---- handshake ---- */

static int random_fill(void *ctx, uint8_t *bytes, size_t len)
{
    uint32_t *seed = ctx;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((*seed = *seed * 1103515245 + 12345) >> 16);
    return 0;
}

static enum nx_hs_status status(void *ctx, struct nx_span peer_name)
{
    (void)peer_name;
    return ((struct fake_conn *)ctx)->beam->opts.status;
}

static int name_peer(void *ctx, struct nx_span host, char *name, size_t size, uint32_t *creation)
{
    const struct fake_conn *c = ctx;
    int n =
        snprintf(name, size, "DYN%u@%.*s", c->beam->conns, (int)host.len, (const char *)host.ptr);
    *creation = 70 + c->beam->conns;
    return n < 0 || (size_t)n >= size || c->beam->opts.no_names ? -1 : 0;
}

static bool older_is_gone(void *ctx)
{
    return ((struct fake_conn *)ctx)->beam->gone;
}

/* Accepts, or (`dialled` not NULL) dials that node. */
static void open_conn(struct fake_beam *b, struct fake_conn *c, const char *dialled)
{
    bool dynamic = dialled && b->dynamic;
    b->random = (struct nx_random){random_fill, &b->seed};
    const struct nx_conn_config config = {
        .hs = {.alloc = &nx_alloc_libc,
               .random = &b->random,
               .decide = {.ctx = c,
                          .status = status,
                          .name_peer = name_peer,
                          .older_is_gone = older_is_gone},
               .role = dialled ? NX_HS_DIAL : NX_HS_ACCEPT,
               .dynamic = dynamic,
               .peer_name = dialled,
               .header = 2,
               .flags = b->opts.flags,
               .required = b->opts.required,
               .creation = b->opts.creation,
               .self_name = dynamic ? strchr(b->name, '@') + 1 : b->name,
               .cookie = nx_span_str(b->opts.cookie),
               .step_ms = 7000},
        .handlers = {c, on_up, on_wanted, on_signal, on_barrier, on_tick_missed},
        .ticktime_ms = 3600000,
        .message_max = 128 << 20,
        .out_max = (size_t)256 << 20,
        .fragments_max = 16,
    };
    c->conn = nx_conn_new(&config, now_ms(), &c->err);
    assert(c->conn);
}

/* ---- sockets ---- */

void fake_conn_close(struct fake_conn *c, bool reset)
{
    struct linger abort_on_close = {1, 0};
    if (c->fd < 0)
        return;
    if (reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close);
    close(c->fd);
    c->fd = -1;
    c->up = false;
}

void fake_beam_hang_up(struct fake_beam *b, bool reset)
{
    for (int i = 0; i < FAKE_CONNS_MAX; i++)
        fake_conn_close(&b->conn[i], reset);
    for (size_t i = 0; i < b->monitor_count; i++)
        b->monitors[i].active = false;
}

void fake_beam_listen(struct fake_beam *b)
{
    const int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(b->port)};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert(b->listener >= 0);
    setsockopt(b->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (b->opts.rcvbuf)
        setsockopt(b->listener, SOL_SOCKET, SO_RCVBUF, &b->opts.rcvbuf, sizeof b->opts.rcvbuf);
    if (bind(b->listener, (struct sockaddr *)&at, sizeof at) || listen(b->listener, 16) ||
        getsockname(b->listener, (struct sockaddr *)&at, &len)) {
        perror("fake_beam: listen");
        abort();
    }
    b->port = ntohs(at.sin_port);
}

void fake_beam_refuse(struct fake_beam *b)
{
    if (b->listener >= 0)
        close(b->listener);
    b->listener = -1;
}

void fake_beam_start(struct fake_beam *b, const struct fake_beam_opts *opts)
{
    *b = (struct fake_beam){.opts = *opts, .seed = 7, .listener = -1};
    snprintf(b->name, sizeof b->name, "%s", opts->name ? opts->name : "beam@127.0.0.1");
    b->opts.cookie = opts->cookie ? opts->cookie : "cookie";
    b->opts.flags = opts->flags ? opts->flags : NX_DFLAGS_OURS;
    b->opts.required = opts->required ? opts->required : NX_DFLAGS_REQUIRED;
    b->opts.creation = opts->creation ? opts->creation : 2002;
    for (int i = 0; i < FAKE_CONNS_MAX; i++)
        b->conn[i].fd = -1;
    nx_buf_init(&b->barrier, &nx_alloc_libc, 4096);
    fake_beam_listen(b);
}

void fake_beam_stop(struct fake_beam *b)
{
    fake_beam_hang_up(b, false);
    fake_beam_refuse(b);
    for (int i = 0; i < FAKE_CONNS_MAX; i++)
        nx_conn_free(b->conn[i].conn);
    for (unsigned i = 0; i < b->signals; i++)
        nx_buf_free(&b->signal[i].bytes);
    for (size_t i = 0; i < b->monitor_count; i++)
        nx_buf_free(&b->monitors[i].term);
    free(b->monitors);
    nx_buf_free(&b->barrier);
}

void fake_beam_address(const struct fake_beam *b, char *text, size_t size)
{
    snprintf(text, size, "%s:%u", b->name, b->port);
}

static struct fake_conn *new_conn(struct fake_beam *b, int fd)
{
    struct fake_conn *c = conn_at(b, b->conns++);
    fake_conn_close(c, false);
    nx_conn_free(c->conn);
    *c = (struct fake_conn){.beam = b, .fd = fd};
    return c;
}

static bool accept_one(struct fake_beam *b)
{
    if (b->listener < 0 || b->no_accept)
        return false;
    int fd = accept(b->listener, NULL, NULL);
    if (fd < 0)
        return false;
    struct fake_conn *c = new_conn(b, fd);
    if (!b->opts.script)
        open_conn(b, c, NULL);
    return true;
}

static void dial(struct fake_beam *b, const char *node, const struct sockaddr *at, socklen_t len)
{
    const int on = 1;
    int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, at, len)) {
        perror("fake_beam: connect");
        abort();
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    open_conn(b, new_conn(b, fd), node);
}

void fake_beam_dial(struct fake_beam *b, const char *node, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    dial(b, node, (struct sockaddr *)&at, sizeof at);
}

void fake_beam_dial6(struct fake_beam *b, const char *node, uint16_t port)
{
    struct sockaddr_in6 at = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    dial(b, node, (struct sockaddr *)&at, sizeof at);
}

static void end_conn(struct fake_conn *c)
{
    struct nx_span out = nx_conn_out(c->conn);
    if (out.len)
        write_all(c->fd, out.ptr, out.len);
    fake_conn_close(c, false);
}

/* Of what waits before the connection is up: as much as it may say. */
static size_t may_say(struct fake_conn *c, struct nx_span out)
{
    const struct fake_beam *b = c->beam;
    size_t len = 0;
    if (!b->say_max)
        return out.len;
    while (c->said < b->say_max - 1 && out.len - len >= 2) {
        len += 2 + (size_t)nx_get_u16(out.ptr + len);
        c->said++;
    }
    return len < out.len ? len : out.len;
}

static bool write_some(struct fake_conn *c)
{
    struct nx_span out = nx_conn_out(c->conn);
    bool whole_handshake = !c->beam->say_max || c->said >= 3;
    size_t len = whole_handshake ? out.len : may_say(c, out);
    if (len) {
        ssize_t n = send(c->fd, out.ptr, len, MSG_NOSIGNAL);
        if (n > 0)
            nx_conn_sent(c->conn, (size_t)n, now_ms());
        return n > 0;
    }
    if (out.len && c->beam->then_close)
        fake_conn_close(c, false);
    return false;
}

static bool read_some(struct fake_conn *c)
{
    struct fake_beam *b = c->beam;
    uint8_t *room;
    size_t size;
    if (b->paused)
        return false;
    if (nx_conn_room(c->conn, &room, &size, &c->err)) {
        fake_conn_close(c, false);
        return false;
    }
    size = b->read_max && b->read_max < size ? b->read_max : size;
    ssize_t n = recv(c->fd, room, size, MSG_DONTWAIT);
    if (n > 0) {
        if (nx_conn_received(c->conn, (size_t)n, now_ms(), &c->err))
            end_conn(c);
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        fake_conn_close(c, false);
    return false;
}

/* The dialler speaks first; what is unread at the close would make a reset of it. */
static bool step_script(struct fake_conn *c)
{
    const struct fake_beam_opts *o = &c->beam->opts;
    uint8_t sink[512];
    ssize_t n = recv(c->fd, sink, sizeof sink, MSG_DONTWAIT);
    if (n == 0)
        fake_conn_close(c, false);
    if (n <= 0 || c->script_sent)
        return n == 0;
    write_all(c->fd, o->script, o->script_len);
    c->script_sent = true;
    if (o->script_close)
        fake_conn_close(c, false);
    return true;
}

bool fake_beam_step(struct fake_beam *b)
{
    bool moved = accept_one(b);
    for (int i = 0; i < FAKE_CONNS_MAX; i++) {
        struct fake_conn *c = &b->conn[i];
        if (c->fd >= 0 && b->opts.script)
            moved |= step_script(c);
        else if (c->fd >= 0)
            moved |= read_some(c);
        if (c->fd >= 0 && !b->opts.script)
            moved |= write_some(c);
    }
    return moved;
}

/* A node with processes and one peer, which says any signals in any order while the program does
 * whatever it may, in callbacks too. What the node says must be what a BEAM takes (protocol.md 6.2,
 * 6.3); each process ends once, and last; each monitor of the peer's gets one DOWN at most.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "conn/conn.h"
#include "handshake/dflags.h"
#include "node/peer.h"
#include "term/ident.h"
#include "term/write.h"
#include <noex/noex.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    PROCS = 4,
    THEM = 4,       /* processes of the peer */
    FIRST_THEM = 9, /* their first number */
    REFS = 8,
    CREATION = 2002, /* the peer's */
    TERM = 300,
    TURNS = 8,       /* to be at rest after each step */
    IN_CALLBACK = 2, /* steps in one */
    STEPS = 64
};

/* Nobody listens there: what hung up stays so. */
static const char us[] = "mon@127.0.0.1", them[] = "beam@127.0.0.1", there[] = "beam@127.0.0.1:1";

static struct {
    noex_node *node;
    struct noex_pid proc[PROCS]; /* the last ones made */
    unsigned made, alive;
    struct nx_conn *conn; /* the peer's end; NULL: hung up */
    int fd;
    unsigned watched[REFS]; /* DOWNs that the peer may still get for each of its references */
    const uint8_t *at, *end;
    unsigned depth;
} f;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static unsigned next(unsigned n)
{
    return f.at < f.end ? *f.at++ % n : 0;
}

/* ---- terms ---- */

static uint8_t *buffer(void)
{
    static uint8_t pool[16][TERM];
    static unsigned used;
    return pool[used++ % 16];
}

static struct nx_span a_pid(const char *node, uint32_t id, uint32_t serial, uint32_t creation)
{
    struct nx_buf b;
    const struct nx_pid pid = {nx_span_str(node), id, serial, creation};
    nx_buf_fixed(&b, buffer(), TERM);
    must(nx_pid_write(&b, &pid) == 0);
    return nx_buf_span(&b);
}

static struct nx_span an_atom(const char *text)
{
    struct nx_buf b;
    nx_buf_fixed(&b, buffer(), TERM);
    must(nx_atom_write(&b, nx_span_str(text)) == 0);
    return nx_buf_span(&b);
}

static struct nx_span a_number(uint64_t n)
{
    struct nx_buf b;
    nx_buf_fixed(&b, buffer(), TERM);
    must(nx_u64_write(&b, n) == 0);
    return nx_buf_span(&b);
}

static struct nx_span a_ref(const char *node, uint32_t creation, uint32_t a, uint32_t b, uint32_t c)
{
    struct nx_buf out;
    const struct nx_ref ref = {nx_span_str(node), creation, 3, {a, b, c}};
    nx_buf_fixed(&out, buffer(), TERM);
    must(nx_ref_write(&out, &ref) == 0);
    return nx_buf_span(&out);
}

/* A process of the node: alive or dead, of now or of another incarnation, the node's own; seldom
 * somebody else's. */
static struct nx_span pid_here(void)
{
    unsigned k = next(16);
    const struct noex_pid *p = &f.proc[k % PROCS];
    if (k < 12)
        return a_pid(us, p->id, p->serial, p->creation);
    if (k == 12)
        return a_pid(us, 1, 1, f.proc[0].creation);
    return k == 13 ? a_pid(us, p->id, p->serial, p->creation ^ 1) : a_pid(them, 1, 2, CREATION);
}

static struct nx_span pid_there(void)
{
    unsigned k = next(16);
    if (k == 15)
        return a_pid("third@127.0.0.1", 9, 0, 5);
    return a_pid(them, FIRST_THEM + k % THEM, 0, k == 14 ? CREATION - 1 : CREATION);
}

static struct nx_span a_name(void)
{
    static const char *const names[] = {"srv", "reg", "undefined", "net_kernel", "rex", "nobody"};
    return an_atom(names[next(6)]);
}

static struct nx_span a_term(void)
{
    static const char *const atoms[] = {"normal", "kill", "boom", "shutdown"};
    struct nx_buf b;
    unsigned k = next(8);
    if (k < 4)
        return an_atom(atoms[k]);
    static const char *const tags[] = {"$gen_call", "system", "$gen_cast", "x"};
    static const char *const requests[] = {"get_state", "suspend", "resume", "terminate"};
    nx_buf_fixed(&b, buffer(), TERM);
    must(nx_write_tuple_head(&b, k < 6 ? 3 : 2) == 0 && nx_write_atom(&b, tags[k - 4]) == 0);
    if (k < 6) {
        must(nx_write_tuple_head(&b, 2) == 0 && nx_write_raw(&b, pid_there()) == 0);
        must(nx_write_raw(&b, a_ref(them, CREATION, next(REFS), 0, 0)) == 0);
    }
    must(nx_write_atom(&b, requests[next(4)]) == 0);
    return nx_buf_span(&b);
}

/* ---- what the peer says ---- */

static void say_monitor(struct nx_ctrl *c, unsigned ref)
{
    bool by_name = next(2);
    c->arg[NX_ARG_TARGET] = by_name ? a_name() : pid_here();
    c->arg[NX_ARG_REF] = a_ref(them, CREATION, ref, 0, 0);
    f.watched[ref] += c->op == NX_OP_MONITOR_P;
}

static void say_altact(struct nx_ctrl *c)
{
    unsigned flags = next(32) & ~(unsigned)NX_ALTACT_TOKEN;
    if (flags & NX_ALTACT_ALIAS)
        flags &= ~(unsigned)NX_ALTACT_NAME;
    c->arg[NX_ARG_FLAGS] = a_number(flags);
    if (flags & NX_ALTACT_NAME)
        c->arg[NX_ARG_TO] = a_name();
    else if (flags & NX_ALTACT_ALIAS)
        c->arg[NX_ARG_TO] = a_ref(us, f.proc[0].creation, 1 + next(4), 1, NX_REF_ALIAS);
}

static void say(void)
{
    static const enum nx_op ops[] = {
        NX_OP_LINK,         NX_OP_LINK,        NX_OP_UNLINK_ID,     NX_OP_UNLINK_ID_ACK,
        NX_OP_PAYLOAD_EXIT, NX_OP_EXIT,        NX_OP_PAYLOAD_EXIT2, NX_OP_EXIT2,
        NX_OP_MONITOR_P,    NX_OP_MONITOR_P,   NX_OP_DEMONITOR_P,   NX_OP_SEND_SENDER,
        NX_OP_REG_SEND,     NX_OP_ALIAS_SEND,  NX_OP_GROUP_LEADER,  NX_OP_ALTACT_SIG_SEND,
        NX_OP_UNLINK,       NX_OP_SPAWN_REPLY, NX_OP_SEND,          NX_OP_PAYLOAD_MONITOR_P_EXIT};
    struct nx_ctrl c = {.op = ops[next(sizeof ops / sizeof *ops)]};
    c.arg[NX_ARG_FROM] = c.arg[NX_ARG_LEADER] = pid_there();
    c.arg[NX_ARG_TO] = pid_here();
    c.arg[NX_ARG_NAME] = a_name();
    c.arg[NX_ARG_ID] = a_number(1 + next(8));
    c.arg[NX_ARG_REASON] = a_term();
    c.arg[NX_ARG_RESULT] = an_atom("notsup");
    c.arg[NX_ARG_FLAGS] = a_number(0);
    c.arg[NX_ARG_REF] =
        a_ref(us, f.proc[0].creation, 1 + next(4), 1, next(2) ? NX_REF_ALIAS : NX_REF_MONITOR);
    c.arg[NX_ARG_TARGET] = a_name();
    if (c.op == NX_OP_MONITOR_P || c.op == NX_OP_DEMONITOR_P)
        say_monitor(&c, next(REFS));
    if (c.op == NX_OP_ALTACT_SIG_SEND)
        say_altact(&c);
    bool payload = c.op == NX_OP_PAYLOAD_EXIT || c.op == NX_OP_PAYLOAD_EXIT2 ||
                   c.op == NX_OP_SEND_SENDER || c.op == NX_OP_SEND || c.op == NX_OP_REG_SEND ||
                   c.op == NX_OP_ALIAS_SEND || c.op == NX_OP_ALTACT_SIG_SEND ||
                   c.op == NX_OP_PAYLOAD_MONITOR_P_EXIT;
    if (f.conn)
        must(nx_conn_send(f.conn, 0, &c, payload ? a_term() : nx_span(NULL, 0)) == 0);
}

/* ---- what the peer hears ---- */

/* A pid that the node says is its own, of now; one that it says to is the peer's. */
static void check_from(struct nx_span raw)
{
    struct nx_pid pid;
    must(nx_pid_parse(raw, &pid) && nx_span_is(pid.node, us));
}

static void check_to(struct nx_span raw, bool now)
{
    struct nx_pid pid;
    must(nx_pid_parse(raw, &pid) && nx_span_is(pid.node, them));
    must(!now || pid.creation == CREATION);
}

static void check_down(const struct nx_ctrl *c)
{
    struct nx_ref ref;
    check_to(c->arg[NX_ARG_TO], false);
    must(nx_ref_parse(c->arg[NX_ARG_REF], &ref) && nx_span_is(ref.node, them));
    must(ref.word[0] < REFS && f.watched[ref.word[0]] > 0);
    f.watched[ref.word[0]]--;
}

static int on_heard(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    (void)ctx, (void)err;
    must(s->payload.len == s->payload_full);
    switch ((int)c->op) {
    case NX_OP_PAYLOAD_MONITOR_P_EXIT:
        check_down(c);
        break;
    case NX_OP_PAYLOAD_EXIT:
    case NX_OP_UNLINK_ID:
    case NX_OP_UNLINK_ID_ACK:
        check_from(c->arg[NX_ARG_FROM]);
        check_to(c->arg[NX_ARG_TO], true);
        break;
    case NX_OP_LINK:
    case NX_OP_PAYLOAD_EXIT2:
        check_from(c->arg[NX_ARG_FROM]);
        check_to(c->arg[NX_ARG_TO], false);
        break;
    case NX_OP_SEND_SENDER:
    case NX_OP_REG_SEND:
    case NX_OP_ALIAS_SEND:
        check_from(c->arg[NX_ARG_FROM]);
        break;
    case NX_OP_MONITOR_P:
    case NX_OP_DEMONITOR_P:
        break; /* the node's barrier */
    default:
        abort(); /* nobody asked for anything else */
    }
    return 0;
}

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctx, (void)ctrl;
    return SIZE_MAX / 4;
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static void on_missed(void *ctx, unsigned missed)
{
    (void)ctx, (void)missed;
}

static int on_up(void *ctx, const struct nx_hs_result *r, struct noex_error *err)
{
    (void)ctx, (void)r, (void)err;
    return 0;
}

/* ---- the connection between them ---- */

static void hang_up(void)
{
    if (!f.conn)
        return;
    nx_conn_free(f.conn);
    f.conn = NULL;
    close(f.fd);
    memset(f.watched, 0, sizeof f.watched);
}

static void write_out(void)
{
    struct nx_span out = nx_conn_out(f.conn);
    ssize_t n = out.len ? send(f.fd, out.ptr, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
    if (n > 0)
        nx_conn_sent(f.conn, (size_t)n, 1);
    else if (n < 0)
        hang_up(); /* the node did */
}

static void read_in(void)
{
    struct noex_error err = {0};
    uint8_t *room;
    size_t size;
    must(nx_conn_room(f.conn, &room, &size, &err) == 0);
    ssize_t n = recv(f.fd, room, size, MSG_DONTWAIT);
    if (n > 0)
        must(nx_conn_received(f.conn, (size_t)n, 1, &err) == 0);
    else if (n == 0)
        hang_up();
}

static void rest(void)
{
    for (int i = 0; i < TURNS; i++) {
        if (f.conn)
            write_out();
        must(noex_node_process(f.node, 0) == 0);
        if (f.conn)
            read_in();
    }
}

/* Bytes of a handshake from one end to the other. */
static void carry(struct nx_conn *from, struct nx_conn *to)
{
    struct noex_error err = {0};
    struct nx_span out;
    uint8_t *room;
    size_t size;
    while ((out = nx_conn_out(from)).len) {
        must(nx_conn_room(to, &room, &size, &err) == 0 && size >= out.len);
        memcpy(room, out.ptr, out.len);
        size = out.len;
        nx_conn_sent(from, size, 1);
        must(nx_conn_received(to, size, 1, &err) == 0);
    }
}

static struct nx_span cookie(void *ctx, struct nx_span peer_name)
{
    (void)ctx, (void)peer_name;
    return nx_span_str("cookie");
}

/* The peer dials, in memory; what comes then goes through a pair of sockets. */
static void connect_them(void)
{
    struct noex_error err = {0};
    struct nx_node_name name;
    struct nx_peer *p;
    struct nx_tcp *tcp;
    const struct nx_addr nowhere = {0};
    uint32_t events[NX_PEER_EVENTS];
    int fd[2];
    struct nx_conn_config ours = nx_node_conn_config(f.node), theirs = ours;
    ours.hs.role = NX_HS_ACCEPT;
    ours.hs.decide = (struct nx_hs_decisions){.cookie = cookie};
    ours.handlers.up = on_up;
    theirs.hs.alloc = &nx_alloc_libc;
    theirs.hs.role = NX_HS_DIAL;
    theirs.hs.self_name = them;
    theirs.hs.peer_name = us;
    theirs.hs.creation = CREATION;
    theirs.hs.decide = ours.hs.decide;
    theirs.handlers =
        (struct nx_conn_handlers){NULL, on_up, on_wanted, on_heard, on_nothing, on_missed};
    struct nx_conn *conn = nx_conn_new(&ours, 1, &err);
    f.conn = nx_conn_new(&theirs, 1, &err);
    must(conn && f.conn);
    for (int i = 0; i < 4; i++) {
        carry(f.conn, conn);
        carry(conn, f.conn);
    }
    must(nx_conn_is_up(conn) && nx_conn_is_up(f.conn));
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    f.fd = fd[1];
    must(nx_node_name_parse(them, &name, &err) == 0);
    must(nx_node_peer(f.node, &name, &p, &err) == 0);
    must(nx_node_events_reserve(&f.node->events, events, NX_PEER_EVENTS) == 0);
    must(nx_tcp_take(&tcp, f.node->loop, fd[0], &nowhere, &err) == 0);
    const struct nx_channel ch = {.conn = conn, .tcp = tcp};
    nx_peer_take(p, &ch, events, ++f.node->begun);
}

/* ---- what the program does ---- */

static void on_event(void *user, const struct noex_event *e);

static void make_process(void)
{
    struct noex_process_options o;
    struct noex_pid pid;
    noex_process_options_init(&o);
    unsigned k = next(8);
    o.trap_exit = k & 1;
    o.on_event = k & 2 ? on_event : NULL;
    o.name = k & 4 ? "srv" : NULL;
    if (noex_process_new(f.node, &o, &pid))
        return;
    f.proc[f.made++ % PROCS] = pid;
    f.alive++;
}

static struct noex_target a_target(void)
{
    unsigned k = next(16);
    struct noex_target t = {.kind = NOEX_TARGET_PID, .node = k & 1 ? us : there};
    t.pid =
        k & 1 ? f.proc[k / 2 % PROCS]
              : (struct noex_pid){FIRST_THEM + k / 2 % THEM, 0, k == 14 ? CREATION - 1 : CREATION};
    if (k == 15) {
        t.kind = NOEX_TARGET_NAME;
        t.name = "srv";
    }
    return t;
}

static void act(void)
{
    const struct noex_pid *p = &f.proc[next(PROCS)];
    struct noex_target t = a_target();
    struct nx_span raw = a_term();
    struct noex_term term = {raw.ptr, raw.len};
    noex_builder *builder;
    noex_alias_id alias;
    int rc = 0;
    switch (next(10)) {
    case 0:
        make_process();
        break;
    case 1:
        rc = noex_process_exit(f.node, p, term);
        break;
    case 2:
        rc = noex_send(f.node, next(2) ? p : NULL, &t, term);
        break;
    case 3:
        rc = noex_exit(f.node, p, &t, term);
        break;
    case 4:
        rc = noex_link(f.node, p, &t);
        break;
    case 5:
        rc = noex_unlink(f.node, p, &t);
        break;
    case 6:
        rc = noex_register(f.node, next(2) ? "srv" : "reg", p);
        break;
    case 7:
        rc = noex_unregister(f.node, "srv");
        break;
    case 8:
        rc = noex_process_trap_exit(f.node, p, next(2));
        break;
    case 9:
        must(noex_builder_new(&builder, NULL) == 0);
        rc = noex_alias(f.node, p, builder, &alias);
        rc = rc ? rc : noex_unalias(f.node, next(2) ? alias : 0);
        noex_builder_free(builder);
        break;
    }
    must(rc == 0 || noex_error_class(rc) == NOEX_CLASS_USAGE || rc == NOEX_ENOPROC ||
         rc == NOEX_ENAMETAKEN);
}

/* A process is not told of anything after its end: its pid is never that of another one. */
static void on_event(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->process) {
        bool lives = noex_process_is_alive(f.node, e->process);
        must(!lives || e->type != NOEX_EVENT_PROCESS_END);
        must(lives || e->type == NOEX_EVENT_PROCESS_END);
    }
    if (e->type == NOEX_EVENT_PROCESS_END)
        f.alive--;
    if (e->term_len)
        must(noex_term_check(noex_event_term(e), NULL) == 0);
    for (unsigned i = next(IN_CALLBACK + 1); f.depth && i; i--) {
        f.depth--;
        act();
    }
}

static void step(void)
{
    unsigned k = next(16);
    if (k < 8)
        say();
    else if (k < 14)
        act();
    else if (k == 14)
        rest();
    else if (f.conn && next(4) == 0)
        hang_up();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct noex_options o;
    memset(&f, 0, sizeof f);
    f.at = data;
    f.end = data + size;
    noex_options_init(&o);
    o.name = us;
    o.cookie = "cookie";
    o.on_event = on_event;
    must(noex_node_new(&f.node, &o, NULL) == 0);
    connect_them();
    for (int i = 0; i < PROCS; i++)
        make_process();
    f.depth = STEPS;
    for (int i = 0; i < STEPS && f.at < f.end; i++)
        step();
    f.depth = 0;
    rest();
    hang_up();
    rest();
    /* Whoever had ended was told so. */
    must(nx_procs_count(f.node->procs) - 1 == f.alive);
    noex_node_free(f.node);
    return 0;
}

/* A whole node behind a connection in memory: its processes, links, monitors, aliases, served
 * functions and calls, and a peer that says valid signals of every opcode, then such with elements
 * of other kinds and with bytes changed, whole and in fragments. The input is a program of single
 * bytes: what to say, what the node's own program does meanwhile, and which allocations fail.
 * Whatever comes, the node sends nothing that would close a BEAM's connection (protocol.md 6.3),
 * and gives all memory back. SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "handshake/dflags.h"
#include "io/resolve_hook.h"
#include "memory_peer.h"
#include "term/write.h"

#include <errno.h>
#include <noex/noex.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SELF "c@h"
#define PEER "p@h"

enum { PROCESSES = 3, CREATION = 5, PEER_CREATION = 6, STEPS_MAX = 400, PALETTE_MAX = 80 };

static struct {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t now_ms;          /* stands still: no deadline is near */
    struct alloc_test memory; /* the node's; nobody else's fails */
    noex_node *node;
    struct memory_peer with;
    struct noex_pid process[PROCESSES];
    noex_alias_id alias;
    noex_monitor_id monitor;
    noex_call_id call;
    uint8_t ref[NX_CONN_REF_SIZE]; /* the last one of the node's that the peer saw */
    size_t ref_len;
    uint32_t seed;
    struct nx_buf bytes; /* all of the palette */
    size_t palette[PALETTE_MAX + 1];
    unsigned count;
    unsigned of_role[NX_ARG_COUNT][2]; /* the part of the palette that is right for it */
    unsigned payloads[2];
} w;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static uint8_t next(void)
{
    return w.at < w.end ? *w.at++ : 0;
}

static unsigned pick(unsigned from, unsigned to)
{
    return from + next() % (to - from);
}

static int fill(void *ctx, uint8_t *bytes, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((w.seed = w.seed * 1103515245 + 12345) >> 16);
    return 0;
}

static const struct nx_random same_each_time = {fill, NULL};

/* ---- the palette: raw terms that stand in signals ---- */

static struct nx_span term(unsigned i)
{
    return nx_span(w.bytes.data + w.palette[i], w.palette[i + 1] - w.palette[i]);
}

static void add_end(void)
{
    must(w.count < PALETTE_MAX);
    w.palette[++w.count] = nx_buf_len(&w.bytes);
}

static void add(const char *bytes, size_t len)
{
    must(nx_buf_put(&w.bytes, bytes, len) == 0);
    add_end();
}

#define ADD(literal) add(literal, sizeof literal - 1)

static void put_pid(const char *node, uint32_t id, uint32_t serial, uint32_t creation)
{
    const struct nx_pid pid = {nx_span_str(node), id, serial, creation};
    must(nx_pid_write(&w.bytes, &pid) == 0);
}

static void put_ref(const char *node, uint32_t creation, unsigned words, uint32_t first)
{
    const struct nx_ref ref = {nx_span_str(node), creation, words, {first, 2, 3, 4, 5}};
    must(nx_ref_write(&w.bytes, &ref) == 0);
}

static void add_pid(const char *node, uint32_t id, uint32_t serial, uint32_t creation)
{
    put_pid(node, id, serial, creation);
    add_end();
}

static void add_ref(const char *node, uint32_t creation, unsigned words, uint32_t first)
{
    put_ref(node, creation, words, first);
    add_end();
}

static void add_own_pids(void)
{
    for (int i = 0; i < PROCESSES; i++)
        add_pid(SELF, w.process[i].id, w.process[i].serial, CREATION);
    add_pid(SELF, 1, 1, CREATION);
    add_pid(SELF, w.process[0].id, w.process[0].serial + 1, CREATION);
    add_pid(SELF, w.process[0].id, w.process[0].serial, CREATION + 1);
    add_pid(SELF, UINT32_MAX, UINT32_MAX, CREATION);
}

static void add_their_pids(void)
{
    add_pid(PEER, 10, 0, PEER_CREATION);
    add_pid(PEER, 11, 0, PEER_CREATION);
    add_pid(PEER, 10, 0, PEER_CREATION - 1);
    add_pid("third@h", 10, 0, 9);
}

static void add_refs(void)
{
    add_ref(PEER, PEER_CREATION, 3, 1);
    add_ref(PEER, PEER_CREATION, 3, 2);
    add_ref(PEER, PEER_CREATION, 5, 3);
    add_ref(PEER, PEER_CREATION, 1, 4);
    add_ref("third@h", 9, 3, 1);
    for (uint32_t use = 0; use < 4; use++) { /* of the node: right ones, made up */
        const uint32_t uses[] = {NX_REF_ALIAS, NX_REF_MONITOR, NX_REF_CALL, NX_REF_BARRIER};
        const struct nx_ref ref = {nx_span_str(SELF), CREATION, 3, {0, 1, uses[use]}};
        must(nx_ref_write(&w.bytes, &ref) == 0);
        add_end();
    }
}

/* Two and more terms in a row. */
static void add_call(const char *head, size_t len, const char *request, size_t request_len)
{
    must(nx_buf_put(&w.bytes, head, len) == 0);
    put_pid(PEER, 10, 0, PEER_CREATION);
    must(nx_buf_put(&w.bytes, "l\0\0\0\1w\5alias", 12) == 0);
    put_ref(PEER, PEER_CREATION, 3, 7);
    must(nx_buf_put(&w.bytes, request, request_len) == 0);
    add_end();
}

#define ADD_CALL(head, request) add_call(head, sizeof head - 1, request, sizeof request - 1)

static void add_payloads(void)
{
    ADD("w\4boom");
    ADD("w\4kill");
    ADD("w\6normal");
    ADD("j");
    ADD("k\0\1\7");
    ADD("h\2w\11$gen_castw\1x");
    ADD_CALL("h\3w\11$gen_callh\2", "w\4ping");
    ADD_CALL("h\3w\11$gen_callh\2", "h\2w\7is_authw\3p@h");
    ADD_CALL("h\3w\6systemh\2", "w\11get_state");
    ADD_CALL("h\3w\6systemh\2", "w\7suspend");
    ADD_CALL("h\3w\6systemh\2", "w\6resume");
    ADD_CALL("h\3w\6systemh\2", "w\12get_status");
    ADD_CALL("h\3w\6systemh\2", "h\2w\11terminatew\1x");
    must(nx_buf_put(&w.bytes, "l\0\0\0\4", 5) == 0); /* of erpc:execute_call */
    put_ref(PEER, PEER_CREATION, 3, 8);
    ADD("w\1mw\1fl\0\0\0\1w\1xjj");
    ADD("l\0\0\0\3w\1mw\1fl\0\0\0\1w\1xjj");
    ADD("h\2w\3rex");
    for (int i = 0; i < 1100; i++)
        must(nx_buf_put(&w.bytes, "h\1", 2) == 0);
    ADD("j");
}

static void set_part(enum nx_arg role, unsigned from)
{
    w.of_role[role][0] = from;
    w.of_role[role][1] = w.count;
}

static void fill_palette(void)
{
    unsigned at = w.count = 0;
    nx_buf_consume(&w.bytes, SIZE_MAX);
    w.palette[0] = 0;
    add_own_pids();
    set_part(NX_ARG_TO, at);
    at = w.count;
    add_their_pids();
    set_part(NX_ARG_FROM, at);
    set_part(NX_ARG_LEADER, at);
    at = w.count;
    add_refs();
    set_part(NX_ARG_REF, at);
    at = w.count;
    ADD("w\3srv");
    ADD("w\6nobody");
    ADD("w\12net_kernel");
    ADD("w\22global_name_server");
    ADD("w\3rex");
    ADD("w\0");
    set_part(NX_ARG_NAME, at);
    set_part(NX_ARG_UNUSED, at);
    set_part(NX_ARG_TOKEN, at);
    at = w.count;
    ADD("a\0");
    ADD("a\1");
    ADD("a\4");
    ADD("a\10");
    ADD("a\20");
    ADD("a\5");
    set_part(NX_ARG_FLAGS, at);
    ADD("n\10\0\1\2\3\4\5\6\7\377");
    set_part(NX_ARG_ID, at + 1);
    at = w.count;
    ADD("j");
    ADD("l\0\0\0\1w\7monitorj");
    ADD("l\0\0\0\2w\7monitorw\4linkj");
    ADD("l\0\0\0\1h\2w\10prioritya\1j");
    ADD("l\0\0\0\1a\1w\4link");
    set_part(NX_ARG_OPTS, at);
    at = w.count;
    ADD("h\3w\1mw\1fa\1");
    ADD("h\3w\4erpcw\14execute_calla\4");
    ADD("h\3w\4erpcw\14execute_casta\3");
    ADD("h\3w\1xw\1ya\0");
    set_part(NX_ARG_MFA, at);
    at = w.payloads[0] = w.count;
    add_payloads();
    set_part(NX_ARG_REASON, at);
    w.payloads[1] = w.count;
    w.of_role[NX_ARG_TARGET][0] = w.of_role[NX_ARG_TO][0]; /* pids and names stand in it */
    w.of_role[NX_ARG_TARGET][1] = w.of_role[NX_ARG_NAME][1];
    w.of_role[NX_ARG_RESULT][0] = w.of_role[NX_ARG_FROM][0];
    w.of_role[NX_ARG_RESULT][1] = w.of_role[NX_ARG_NAME][1];
}

/* ---- what the node says ---- */

static bool is_of(struct nx_span raw, const char *node)
{
    struct nx_pid pid;
    struct nx_ref ref;
    if (nx_pid_parse(raw, &pid))
        return nx_span_is(pid.node, node);
    return nx_ref_parse(raw, &ref) && nx_span_is(ref.node, node);
}

static int on_said(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    struct nx_span to = c->arg[NX_ARG_TO], ref = c->arg[NX_ARG_REF], from = c->arg[NX_ARG_FROM];
    struct nx_pid pid;
    (void)ctx, (void)err;
    must(!to.len || is_of(to, PEER) || c->op == NX_OP_ALTACT_SIG_SEND);
    must(!from.len || is_of(from, SELF));
    must(s->payload.len == s->payload_full);
    if (c->op == NX_OP_EXIT || c->op == NX_OP_PAYLOAD_EXIT)
        must(nx_pid_parse(to, &pid) && pid.creation == PEER_CREATION);
    /* An alias is wherever whoever calls says that it is: that of another node is ignored. */
    if (c->op == NX_OP_MONITOR_P_EXIT || c->op == NX_OP_PAYLOAD_MONITOR_P_EXIT ||
        c->op == NX_OP_SPAWN_REPLY)
        must(is_of(ref, PEER));
    must(c->op != NX_OP_UNLINK || !nx_conn_has_flag(w.with.theirs, NX_DFLAG_UNLINK_ID));
    if (is_of(ref, SELF)) {
        must(ref.len <= sizeof w.ref);
        memcpy(w.ref, ref.ptr, ref.len);
        w.ref_len = ref.len;
    }
    return 0;
}

static size_t all_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctx, (void)ctrl;
    return 1 << 20;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static bool hand_over(struct nx_conn *to, struct nx_span bytes, struct noex_error *err)
{
    return memory_hand_over(to, bytes, w.now_ms, err);
}

/* What a BEAM would close its connection for never comes. */
static void hear(void)
{
    struct nx_span out;
    struct noex_error err = {0};
    while (w.with.peer->ch.conn && (out = nx_conn_out(w.with.ours)).len) {
        must(hand_over(w.with.theirs, out, &err));
        nx_conn_sent(w.with.ours, out.len, w.now_ms);
    }
    while ((out = nx_conn_out(w.with.theirs)).len) /* its ticks and barriers go nowhere */
        nx_conn_sent(w.with.theirs, out.len, w.now_ms);
}

static void say(struct nx_span bytes)
{
    struct noex_error err = {0};
    if (w.with.peer->ch.conn && !hand_over(w.with.ours, bytes, &err)) {
        must(err.code != 0 && err.text[0] != '\0');
        hear(); /* what was said before the end was right, too */
        nx_peer_fail(w.with.peer, &err);
    }
}

static void connect_peer(uint64_t flags)
{
    const struct memory_peer_opts o = {
        .name = PEER,
        .creation = PEER_CREATION,
        .flags = flags,
        .now_ms = w.now_ms,
        .handlers = {NULL, memory_on_up, all_wanted, on_said, nothing, memory_on_missed},
    };
    memory_peer_connect(&w.with, w.node, &o);
}

/* ---- the node's own program ---- */

static struct noex_term as_term(unsigned i)
{
    struct noex_term t = {term(i).ptr, term(i).len};
    return t;
}

static void on_event(void *user, const struct noex_event *e)
{
    static const uint8_t value[] = {97, 7};
    const struct noex_term seven = {value, sizeof value};
    int rc = 0;
    (void)user;
    if (e->type == NOEX_EVENT_CALL)
        rc = noex_reply(w.node, e->process, e->caller, seven);
    if (e->type == NOEX_EVENT_REQUEST && w.seed++ % 2)
        rc = noex_return(w.node, e->process, seven);
    else if (e->type == NOEX_EVENT_REQUEST)
        rc = noex_raise(w.node, e->process, (enum noex_raise)(w.seed % 3), seven);
    must(rc != NOEX_ENOMEM || w.memory.failed);
}

static void start_process(int i)
{
    struct noex_process_options o;
    noex_process_options_init(&o);
    o.name = i ? NULL : "srv";
    o.on_event = on_event;
    if (noex_process_new(w.node, &o, &w.process[i]) == 0)
        must(noex_process_trap_exit(w.node, &w.process[i], i != 2) == 0);
}

static void act(void)
{
    const struct noex_pid *self = &w.process[next() % PROCESSES];
    struct noex_target to = {.kind = NOEX_TARGET_PID, .node = PEER};
    to.pid = (struct noex_pid){10 + next() % 2, 0, PEER_CREATION};
    struct noex_spawn_options o;
    const uint8_t what = next();
    const struct noex_term message = as_term(pick(w.payloads[0], w.payloads[1] - 1));
    if (what % 4 == 3) {
        to.kind = NOEX_TARGET_NAME;
        to.name = "there";
    } else if (what % 4 == 2) {
        to.node = SELF;
        to.pid = w.process[next() % PROCESSES];
    }
    noex_spawn_options_init(&o);
    o.node = PEER;
    o.module = o.function = "m";
    o.args = (struct noex_term){(const uint8_t *)"j", 1};
    o.process = self;
    o.link = o.monitor = what >> 7;
    int rc = 0;
    switch ((what >> 2) % 12) {
    case 0:
        rc = noex_link(w.node, self, &to);
        break;
    case 1:
        rc = noex_unlink(w.node, self, &to);
        break;
    case 2:
        rc = noex_send(w.node, self, &to, message);
        break;
    case 3:
        rc = noex_exit(w.node, self, &to, message);
        break;
    case 4:
        rc = noex_monitor(w.node, &to, 0, NULL, &w.monitor);
        break;
    case 5:
        rc = noex_demonitor(w.node, w.monitor);
        break;
    case 6:
        rc = noex_call(w.node, self, &to, message, 60000, NULL, &w.call);
        break;
    case 7:
        rc = noex_call_cancel(w.node, w.call);
        break;
    case 8:
        rc = noex_rpc(w.node, PEER, "m", "f", o.args, 60000, NULL, &w.call);
        break;
    case 9:
        rc = noex_spawn(w.node, &o, &w.call);
        break;
    case 10:
        rc = noex_process_exit(w.node, self, message);
        start_process((int)(self - w.process));
        break;
    default:
        rc = noex_unalias(w.node, w.alias);
    }
    must((rc != NOEX_ENOMEM || w.memory.failed) && rc != NOEX_ESYSTEM);
}

/* One of its next allocations fails, or all from it to the next change. */
static void fail_soon(void)
{
    const uint8_t how = next();
    w.memory.fail_on = how & 1;
    w.memory.fail_at = how == 255 ? 0 : w.memory.calls + 1 + (how >> 1);
}

static void run(void)
{
    must(noex_node_process(w.node, 0) == 0);
    hear();
}

/* ---- what the peer says ---- */

static struct nx_span element(enum nx_arg role)
{
    const uint8_t how = next();
    if (role == NX_ARG_REF && how >= 192 && w.ref_len)
        return nx_span(w.ref, w.ref_len);
    if (how >= 250 || w.of_role[role][0] == w.of_role[role][1])
        return term(pick(0, w.count));
    return term(pick(w.of_role[role][0], w.of_role[role][1]));
}

static void build(struct nx_buf *out, bool pass_through)
{
    static const uint8_t ops[] = {1,  2,  3,  4,  6,  7,  8,  12, 13, 16, 18, 19, 20, 21, 22,
                                  23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37};
    struct nx_ctrl c = {.op = (enum nx_op)ops[next() % sizeof ops]};
    for (int role = 0; role < NX_ARG_COUNT; role++)
        if (role != NX_ARG_TOKEN || c.op != NX_OP_ALTACT_SIG_SEND)
            c.arg[role] = element((enum nx_arg)role);
    if (nx_ctrl_build(out, &c)) /* flags that no number of 64 bits holds */
        return;
    if (c.op == NX_OP_ALTACT_SIG_SEND || (c.op != NX_OP_LINK && next() < 250)) {
        must(!pass_through || nx_buf_put_u8(out, 131) == 0);
        must(nx_buf_put_span(out, term(pick(w.payloads[0], w.payloads[1]))) == 0);
    }
}

static void change(struct nx_buf *b)
{
    uint8_t how = next();
    for (int i = how < 160 ? 0 : how % 4; i > 0 && nx_buf_len(b); i--) {
        size_t at = (size_t)(next() << 8 | next()) % nx_buf_len(b);
        b->data[b->start + at] ^= next();
    }
    if (how >= 250)
        nx_buf_truncate(b, (size_t)next() % (nx_buf_len(b) + 1));
}

static void put_frame(struct nx_buf *out, const void *head, size_t head_len, struct nx_span body)
{
    must(nx_buf_put_u32(out, (uint32_t)(head_len + body.len)) == 0);
    must(nx_buf_put(out, head, head_len) == 0);
    must(nx_buf_put_span(out, body) == 0);
}

static void put_fragments(struct nx_buf *out, struct nx_span body)
{
    uint8_t head[19] = {131, 69};
    uint64_t left = 1 + next() % 4u;
    const uint64_t sequence = next() % 8u;
    const size_t piece = body.len / left + 1;
    for (size_t size = 19; left; left--, size = 18) {
        const size_t n = body.len < piece ? body.len : piece;
        const struct nx_span rest = n ? nx_span(body.ptr + n, body.len - n) : body;
        for (int i = 0; i < 8; i++) {
            head[2 + i] = (uint8_t)(sequence >> (56 - 8 * i));
            head[10 + i] = (uint8_t)(left >> (56 - 8 * i));
        }
        if (next() >= 248)
            head[2 + next() % 16] ^= next();
        put_frame(out, head, size, nx_span(body.ptr, n));
        body = rest;
        head[1] = 70;
    }
}

static void speak(bool in_fragments)
{
    static const uint8_t with_header[] = {131, 68, 0}, pass[] = {112, 131};
    const bool headers = nx_conn_has_flag(w.with.theirs, NX_DFLAG_DIST_HDR_ATOM_CACHE);
    struct nx_buf body, out;
    nx_buf_init(&body, &nx_alloc_libc, 1 << 20);
    nx_buf_init(&out, &nx_alloc_libc, 1 << 20);
    build(&body, !headers);
    change(&body);
    if (in_fragments && headers)
        put_fragments(&out, nx_buf_span(&body));
    else
        put_frame(&out, headers ? with_header : pass, headers ? 3 : 2, nx_buf_span(&body));
    say(nx_buf_span(&out));
    nx_buf_free(&body);
    nx_buf_free(&out);
}

/* ---- all of it ---- */

/* A peer that was lost is dialled in vain: nothing of this leaves the process. */
static int no_thread(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    (void)thread, (void)attr, (void)fn, (void)arg;
    return EAGAIN;
}

static void open_node(void)
{
    struct noex_options o;
    nx_resolver.spawn = no_thread;
    noex_options_init(&o);
    o.name = SELF;
    o.cookie = "x";
    o.allocator = &w.memory.a;
    o.on_event = on_event;
    o.visible = next() & 1;
    o.message_max = 1 << 20;
    o.mail_max = 1 << 16;
    o.reason_budget = 4096;
    o.reason_max = 1024;
    o.out_high = 4096;
    o.out_max = 1 << 16;
    o.processes_max = 16;
    o.monitors_max = 8;
    o.fragments_max = 4;
    o.ticktime_ms = o.reconnect_min_ms = o.reconnect_max_ms = 3600000;
    must(noex_node_new(&w.node, &o, NULL) == 0);
    w.now_ms = nx_loop_now(w.node->loop);
    w.node->creation = CREATION;
    w.node->random = &same_each_time;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t less[] = {0, NX_DFLAG_FRAGMENTS | NX_DFLAG_DIST_HDR_ATOM_CACHE,
                                    NX_DFLAG_EXIT_PAYLOAD | NX_DFLAG_ALTACT_SIG,
                                    NX_DFLAG_ALIAS | NX_DFLAG_ALTACT_SIG | NX_DFLAG_SEND_SENDER,
                                    NX_DFLAG_SPAWN};
    noex_builder *alias;
    w.at = data;
    w.end = data + size;
    w.seed = 1;
    w.ref_len = 0;
    w.monitor = w.call = 0;
    nx_buf_init(&w.bytes, &nx_alloc_libc, 1 << 20);
    alloc_test_init(&w.memory);
    open_node();
    for (int i = 0; i < PROCESSES; i++)
        start_process(i);
    must(noex_builder_new(&alias, NULL) == 0);
    must(noex_alias(w.node, &w.process[0], alias, &w.alias) == 0);
    must(noex_serve(w.node, "m", "f", 1, on_event, NULL) == 0);
    fill_palette();
    connect_peer(w.node->flags & ~less[next() % (sizeof less / sizeof *less)]);
    for (int step = 0; w.at < w.end && w.with.peer->ch.conn && step < STEPS_MAX; step++) {
        const uint8_t what = next();
        if (what < 150)
            speak(what < 30);
        else if (what < 200)
            act();
        else if (what < 250)
            run();
        else
            fail_soon();
    }
    run();
    noex_builder_free(alias);
    nx_conn_free(w.with.theirs);
    noex_node_free(w.node);
    must(w.memory.live == 0);
    nx_buf_free(&w.bytes);
    return 0;
}

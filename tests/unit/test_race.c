/* Two nodes that connect to each other, every byte between them carried by the test: each order in
 * which what happens on the one side and what happens on the other can come is tried, and whatever
 * the order, one connection is left, both hold it, and each was told of it once. Protocol.md 2.5
 * and 2.6. SPDX-License-Identifier: Apache-2.0 */
#include "node/peer.h"
#include "node_bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPES_MAX = 32, CHOICES_MAX = 64, LIMIT_MS = 5000 };

/** One connection between the nodes. */
struct pipe {
    int from; /* to the one that dialled; -1: closed */
    int to;   /* to the one that is dialled; -1: not connected yet */
};

/** A node, and the wires that it dials by. */
struct side {
    struct bench b;
    int epmd; /* knows the other's name, */
    int wire; /* and this is where it lives */
    uint16_t port;
    struct pipe pipe[PIPES_MAX];
    unsigned pipes;
    bool wants; /* its attempt is still to begin */
    int loses;  /* its end of an older connection, still to be closed; -1: none */
};

static struct side side[2];
static bool by_epmd; /* else they know each other's port */
static const char *const names[2] = {"a@127.0.0.1", "b@127.0.0.1"};

/* ---- sockets ---- */

static uint16_t port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static int open_listener(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static int dial(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&p, 1, 0) > 0;
}

/* ---- what can happen next on a side ---- */

static void close_pipe(struct pipe *p)
{
    if (p->from >= 0)
        close(p->from);
    if (p->to >= 0)
        close(p->to);
    p->from = p->to = -1;
}

static bool pipe_can_move(const struct pipe *p)
{
    return p->from >= 0 && (p->to < 0 || is_readable(p->from) || is_readable(p->to));
}

static struct pipe *next_pipe(struct side *s)
{
    for (unsigned i = 0; i < s->pipes; i++)
        if (pipe_can_move(&s->pipe[i]))
            return &s->pipe[i];
    return NULL;
}

static bool can_move(struct side *s)
{
    return s->loses >= 0 || s->wants || is_readable(s->epmd) || next_pipe(s);
}

static void want(struct side *s)
{
    char node[64];
    const struct noex_target target = {.kind = NOEX_TARGET_NAME, .node = node, .name = "nobody"};
    noex_monitor_id id;
    s->wants = false;
    if (by_epmd)
        snprintf(node, sizeof node, "%s", names[s == side]);
    else
        snprintf(node, sizeof node, "%s:%u", names[s == side], port_of(s->wire));
    assert_int_equal(noex_monitor(s->b.node, &target, 0, NULL, &id), 0);
}

static void lose(struct side *s)
{
    close(s->loses);
    s->loses = -1;
}

/* The answer to PORT2: the wire's port. */
static void answer_epmd(struct side *s)
{
    uint16_t port = port_of(s->wire);
    uint8_t question[64],
        answer[] = {119, 0, (uint8_t)(port >> 8), (uint8_t)port, 77, 0, 0, 6, 0, 6, 0, 1, 'x',
                    0,   0};
    int fd = accept(s->epmd, NULL, NULL);
    assert_true(fd >= 0);
    answer[12] = (uint8_t)names[s == side][0];
    while (recv(fd, question, sizeof question, MSG_DONTWAIT) <= 0)
        assert_int_equal(noex_node_process(s->b.node, 0), 0);
    assert_int_equal(send(fd, answer, sizeof answer, MSG_NOSIGNAL), sizeof answer);
    close(fd);
}

/* All that is there, one way; or the end, which is the end of both. */
static void carry(struct pipe *p)
{
    uint8_t bytes[65536];
    bool there = is_readable(p->from);
    ssize_t n = recv(there ? p->from : p->to, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0 || send(there ? p->to : p->from, bytes, (size_t)n, MSG_NOSIGNAL) != n)
        close_pipe(p);
}

static void move(struct side *s)
{
    struct pipe *p = next_pipe(s);
    if (s->loses >= 0)
        lose(s);
    else if (s->wants)
        want(s);
    else if (is_readable(s->epmd))
        answer_epmd(s);
    else if (p->to < 0)
        p->to = dial(noex_node_listen_port(side[s == side].b.node));
    else
        carry(p);
}

/* Whoever connected to a wire waits there; nothing of it has reached the other side. */
static void accept_all(struct side *s)
{
    const int on = 1;
    int fd;
    while ((fd = accept(s->wire, NULL, NULL)) >= 0) {
        assert_true(s->pipes < PIPES_MAX);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        s->pipe[s->pipes++] = (struct pipe){fd, -1};
    }
}

/* An attempt that is not to begin too soon after the one before. */
static bool is_about_to_begin(const struct side *s)
{
    const struct nx_peers *peers = &s->b.node->peers;
    return peers->count && peers->list[0]->state == NX_PEER_WANTED;
}

static void run_nodes(uint64_t wait_ms)
{
    do
        for (int i = 0; i < 2; i++) {
            assert_int_equal(noex_node_process(side[i].b.node, wait_ms), 0);
            accept_all(&side[i]);
        }
    while (is_about_to_begin(&side[0]) || is_about_to_begin(&side[1]));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2; i++) {
            assert_int_equal(noex_node_process(side[i].b.node, 0), 0);
            accept_all(&side[i]);
        }
}

/* ---- every order ---- */

/** The choices so far, where both sides could move: which of them did. */
static struct {
    uint8_t choice[CHOICES_MAX];
    unsigned count; /* made in this run */
    unsigned given; /* to be made again */
} order;

static int choose(void)
{
    assert_true(order.count < CHOICES_MAX);
    if (order.count == order.given)
        order.choice[order.given++] = 0;
    return order.choice[order.count++];
}

/* The next order; false where there is none. */
static bool next_order(void)
{
    while (order.given && order.choice[order.given - 1])
        order.given--;
    if (!order.given)
        return false;
    order.choice[order.given - 1] = 1;
    order.count = 0;
    return true;
}

static void move_all(void)
{
    run_nodes(0);
    for (;;) {
        bool a = can_move(&side[0]), b = can_move(&side[1]);
        if (!a && !b)
            break;
        move(&side[a && b ? choose() : b]);
        run_nodes(0);
    }
}

/* ---- the nodes ---- */

static void open_side(struct side *s)
{
    s->pipes = 0;
    s->loses = -1;
    bench_init(&s->b);
    s->b.options.name = names[s != side];
    s->b.options.listen = s->b.options.no_epmd = true;
    s->b.options.epmd_port = port_of(s->epmd);
    s->b.options.reconnect_min_ms = 1;
    s->b.options.listen_port = s->port; /* the kernel looks for a free one ever longer */
    bench_open(&s->b);
    bench_until(&s->b, REGISTERED, 1);
    s->port = noex_node_listen_port(s->b.node);
    bench_forget(&s->b);
    s->wants = true;
}

static void close_side(struct side *s)
{
    bench_close(&s->b);
    for (unsigned i = 0; i < s->pipes; i++)
        close_pipe(&s->pipe[i]);
}

static int open_wires(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        side[i] = (struct side){.epmd = open_listener(), .wire = open_listener()};
    return 0;
}

static int close_wires(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        close(side[i].epmd);
        close(side[i].wire);
    }
    return 0;
}

static bool is_up(int i)
{
    return noex_connection(side[i].b.node, names[!i], NULL, 0) == NOEX_CONNECTION_UP;
}

static unsigned open_pipes(void)
{
    unsigned n = 0;
    for (int i = 0; i < 2; i++)
        for (unsigned k = 0; k < side[i].pipes; k++)
            n += side[i].pipe[k].from >= 0;
    return n;
}

static void say_order(void)
{
    char text[CHOICES_MAX + 1] = "";
    for (unsigned i = 0; i < order.count; i++)
        text[i] = (char)('a' + order.choice[i]);
    print_message("the order %s\n", text);
}

static void give_up(void)
{
    char text[128];
    say_order();
    for (int i = 0; i < 2; i++) {
        noex_connection(side[i].b.node, names[!i], text, sizeof text);
        print_message("%s: %s, %u connections made; awaits %s\n", names[i],
                      is_up(i) ? "up" : "not up", side[i].pipes, text);
    }
    fail_msg("this comes to no end");
}

/* Both are up, and what each asked for has come; whatever else was to come has its time. */
static void until_settled(size_t downs)
{
    uint64_t end = bench_clock() + LIMIT_MS;
    while (!is_up(0) || !is_up(1) || open_pipes() != 1 || side[0].b.count[M_DOWN] < downs ||
           side[1].b.count[M_DOWN] < downs) {
        run_nodes(1);
        for (int i = 0; i < 2; i++)
            if (can_move(&side[i]))
                move(&side[i]);
        if (bench_clock() >= end)
            give_up();
    }
}

#define EXPECT_ON(i, ...)                                                                          \
    expect_on(i, (const enum noex_event_type[]){__VA_ARGS__, (enum noex_event_type)0})

static void expect_on(int i, const enum noex_event_type *types)
{
    const struct bench *b = &side[i].b;
    size_t n = 0;
    while (types[n] && n < b->seen_count && b->seen[n].type == types[n])
        n++;
    if (types[n] || n != b->seen_count)
        say_order();
    bench_expect(b, types);
}

/* ---- the races ---- */

static void of_two_nodes_that_connect_to_each_other_one_connection_is_left(void **state)
{
    (void)state;
    unsigned orders = 0, by[2] = {0};
    order.given = 0;
    by_epmd = true;
    do {
        order.count = 0;
        for (int i = 0; i < 2; i++)
            open_side(&side[i]);
        move_all();
        until_settled(1);
        for (int i = 0; i < 2; i++)
            EXPECT_ON(i, UP, M_UP, M_DOWN);
        by[bench_stats(&side[0].b).accepted]++;
        assert_int_equal(bench_stats(&side[0].b).accepted + bench_stats(&side[1].b).accepted, 1);
        for (int i = 0; i < 2; i++)
            close_side(&side[i]);
        orders++;
    } while (next_order());
    print_message("%u orders; by the one's connection %u, by the other's %u\n", orders, by[0],
                  by[1]);
    assert_true(orders > 500 && by[0] > 100 && by[1] > 100);
}

/* Both are up by a connection that is then cut between them, and each side learns of it in its own
 * time, if at all: the other may have connected anew before (2.6). */
static void be_connected_and_cut(void)
{
    side[1].wants = false;
    while (!is_up(0) || !is_up(1) || !side[0].b.count[M_DOWN]) {
        run_nodes(0);
        if (can_move(&side[0]))
            move(&side[0]);
    }
    EXPECT_ON(0, UP, M_UP, M_DOWN);
    EXPECT_ON(1, UP);
    for (int i = 0; i < 2; i++)
        bench_forget(&side[i].b);
    struct pipe *p = &side[0].pipe[0];
    side[0].loses = p->from;
    side[1].loses = p->to;
    p->from = p->to = -1;
    side[0].wants = side[1].wants = true;
}

static void a_connection_that_was_cut_is_replaced_by_one(void **state)
{
    (void)state;
    unsigned orders = 0, replaced = 0;
    order.given = 0;
    by_epmd = false;
    do {
        order.count = 0;
        for (int i = 0; i < 2; i++)
            open_side(&side[i]);
        be_connected_and_cut();
        move_all();
        until_settled(1);
        for (int i = 0; i < 2; i++) {
            EXPECT_ON(i, DOWN, UP, M_UP, M_DOWN);
            replaced += bench_event(&side[i].b, DOWN, 0)->code == NOEX_ELOST;
        }
        for (int i = 0; i < 2; i++)
            close_side(&side[i]);
        orders++;
    } while (next_order());
    print_message("%u orders; in %u the older connection was replaced\n", orders, replaced);
    assert_true(orders > 500 && replaced > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_nodes_that_connect_to_each_other_one_connection_is_left),
        cmocka_unit_test(a_connection_that_was_cut_is_replaced_by_one),
    };
    return cmocka_run_group_tests(tests, open_wires, close_wires);
}

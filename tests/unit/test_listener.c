/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* syscall() */
#include "hanging_resolver.h"
#include "node/listener.h"
#include "node_bench.h"

#include <errno.h>
#include <noex/uv.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

enum { LONG_MS = 10000 };

static struct bench b;
static struct fake_epmd epmd;

/* System calls of the code under test pass through here, so that a test can make them fail. */
static struct {
    unsigned binds_to_v6_failing; /* the next so many, as in use */
    unsigned accepts_failing;     /* for want of descriptors */
} sys;

int bind(int fd, const struct sockaddr *at, socklen_t len)
{
    if (at->sa_family == AF_INET6 && sys.binds_to_v6_failing) {
        sys.binds_to_v6_failing--;
        errno = EADDRINUSE;
        return -1;
    }
    return (int)syscall(SYS_bind, fd, at, len);
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    if (sys.accepts_failing) {
        sys.accepts_failing--;
        errno = EMFILE;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, addr, len, flags);
}

/* Resolvers in the place of getaddrinfo. */
static int finds_nothing(const char *host, const char *service, const struct addrinfo *hints,
                         struct addrinfo **found)
{
    (void)host, (void)service, (void)hints, (void)found;
    return EAI_NONAME;
}

/* One elsewhere, and both loopbacks. */
static int finds_three(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found)
{
    static struct sockaddr_in v4[2] = {{.sin_family = AF_INET}, {.sin_family = AF_INET}};
    static struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    static struct addrinfo ai[3];
    (void)host, (void)service, (void)hints;
    v4[0].sin_addr.s_addr = htonl(0xc0000201);
    v4[1].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 3; i++)
        ai[i] =
            (struct addrinfo){.ai_family = i < 2 ? AF_INET : AF_INET6,
                              .ai_addr = i < 2 ? (struct sockaddr *)&v4[i] : (struct sockaddr *)&v6,
                              .ai_addrlen = i < 2 ? sizeof v4[i] : sizeof v6,
                              .ai_next = i < 2 ? &ai[i + 1] : NULL};
    *found = ai;
    return 0;
}

static void keeps(struct addrinfo *found)
{
    (void)found;
}

static void use_resolver(int (*lookup)(const char *, const char *, const struct addrinfo *,
                                       struct addrinfo **))
{
    nx_resolver.lookup = lookup ? lookup : getaddrinfo;
    nx_resolver.release = lookup ? keeps : freeaddrinfo;
}

/* A node that is to listen, and an epmd. */
static void init(void)
{
    fake_epmd_start(&epmd, 0);
    bench_init(&b);
    b.options.listen = true;
    b.options.epmd_port = epmd.port;
    b.epmd = &epmd;
}

static void open_node(void)
{
    init();
    bench_open(&b);
}

static void close_node(void)
{
    bench_close(&b);
    fake_epmd_stop(&epmd);
}

static void open_registered(void)
{
    open_node();
    bench_until(&b, REGISTERED, 1);
    bench_forget(&b);
}

/* As if two seconds had passed. */
static void try_again(void)
{
    struct nx_listener *l = b.node->listener;
    if (!l->count && !l->resolve)
        l->act_ms = 0;
    if (l->registration.try_ms != UINT64_MAX)
        l->registration.try_ms = 0;
}

static void try_until(enum noex_event_type type, size_t n)
{
    uint64_t end = bench_clock() + LONG_MS;
    while (b.count[type] < n) {
        try_again();
        bench_step(&b);
        assert_true(bench_clock() < end);
    }
}

static void expect_error(const struct seen *e, int code, const char *word)
{
    if (e->code != code || !strstr(e->text, word))
        fail_msg("%s: %s (expected %s: %s)", noex_error_name(e->code), e->text,
                 noex_error_name(code), word);
    assert_string_equal(e->node, b.node->self.full);
    assert_int_equal(e->port, 0);
}

static bool is_dead(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int rc = connect(fd, (struct sockaddr *)&at, sizeof at);
    close(fd);
    return rc != 0;
}

/* ---- options ---- */

static void expect_refused(const char *word)
{
    struct noex_error err;
    assert_int_equal(bench_try_open(&b, &err), NOEX_EINVALID);
    if (!strstr(err.text, word))
        fail_msg("%s (expected %s)", err.text, word);
    bench_close(&b);
    bench_init(&b);
}

static void a_node_of_a_dynamic_name_neither_listens_nor_is_visible(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.name = NULL;
    b.options.listen = true;
    expect_refused("option listen is for a node of a fixed name");
    b.options.name = NULL;
    b.options.visible = true;
    expect_refused("option visible is for a node of a fixed name");
    bench_close(&b);
}

static void an_address_that_cannot_be_one_is_refused(void **state)
{
    (void)state;
    char longest[300] = "";
    memset(longest, 'h', sizeof longest - 1);
    bench_init(&b);
    b.options.listen_address = "";
    expect_refused("listen_address");
    b.options.listen_address = longest;
    expect_refused("listen_address");
    longest[255] = '\0';
    b.options.listen_address = longest;
    bench_open(&b);
    bench_close(&b);
}

static void a_node_does_not_listen_unless_it_is_asked_to(void **state)
{
    (void)state;
    bench_default(&b);
    bench_for(&b, 20);
    assert_int_equal(noex_node_listen_port(b.node), 0);
    assert_int_equal(noex_node_listen_port(NULL), 0);
    assert_int_equal(noex_wait_registered(b.node, 1), NOEX_ESTATE);
    assert_non_null(strstr(noex_node_error(b.node)->text, "option listen"));
    EXPECT_EVENTS(&b, (enum noex_event_type)0);
    bench_close(&b);
}

/* ---- being registered ---- */

static void the_name_is_registered_with_the_port_where_the_node_listens(void **state)
{
    (void)state;
    open_node();
    assert_int_equal(noex_node_listen_port(b.node), 0); /* nothing happens outside process */
    bench_until(&b, REGISTERED, 1);
    EXPECT_EVENTS(&b, REGISTERED);
    const struct seen *e = bench_event(&b, REGISTERED, 0);
    assert_string_equal(e->node, "mon@127.0.0.1");
    assert_int_equal(e->code, 0);
    assert_true(e->port > 0 && e->port == noex_node_listen_port(b.node));
    assert_int_equal(epmd.node_port, e->port);
    assert_string_equal(epmd.name, "mon");
    assert_int_equal(epmd.nodetype, 72);
    assert_true(epmd.lowest <= 6 && epmd.highest >= 6);
    assert_false(is_dead((uint16_t)e->port));
    bench_for(&b, 50);
    assert_true(epmd.holds); /* not one byte more */
    noex_node_free(b.node);
    b.node = NULL;
    while (epmd.holds)
        fake_epmd_step(&epmd);
    assert_true(is_dead(epmd.node_port));
    close_node();
}

static void a_visible_node_registers_as_a_normal_one(void **state)
{
    (void)state;
    init();
    b.options.visible = true;
    bench_open(&b);
    bench_until(&b, REGISTERED, 1);
    assert_int_equal(epmd.nodetype, 77);
    close_node();
}

static void without_epmd_the_node_listens_all_the_same(void **state)
{
    (void)state;
    init();
    b.options.no_epmd = true;
    bench_open(&b);
    bench_until(&b, REGISTERED, 1);
    bench_for(&b, 30);
    EXPECT_EVENTS(&b, REGISTERED);
    assert_int_equal(epmd.registrations, 0);
    assert_false(is_dead((uint16_t)bench_event(&b, REGISTERED, 0)->port));
    close_node();
}

static void a_port_may_be_given(void **state)
{
    (void)state;
    open_registered();
    uint16_t port = noex_node_listen_port(b.node);
    close_node();
    init();
    b.options.listen_port = port;
    bench_open(&b);
    bench_until(&b, REGISTERED, 1);
    assert_int_equal(bench_event(&b, REGISTERED, 0)->port, port);
    close_node();
}

static void a_node_may_listen_on_the_programs_own_loop(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    init();
    b.uv = &loop;
    bench_open(&b);
    bench_until(&b, REGISTERED, 1);
    fake_epmd_stop(&epmd);
    bench_until(&b, UNREGISTERED, 1);
    fake_epmd_start(&epmd, epmd.port);
    try_until(REGISTERED, 2);
    close_node();
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_registration_that_is_lost_is_made_again_as_the_same_incarnation(void **state)
{
    (void)state;
    open_registered();
    uint32_t creation = b.node->creation;
    uint16_t port = noex_node_listen_port(b.node);
    for (size_t i = 1; i <= 3; i++) {
        fake_epmd_stop(&epmd);
        bench_until(&b, UNREGISTERED, i);
        expect_error(bench_event(&b, UNREGISTERED, i - 1), NOEX_EEPMD, "'mon' is not registered");
        assert_false(is_dead(port)); /* who knows the port is welcome */
        fake_epmd_start(&epmd, epmd.port);
        try_until(REGISTERED, i);
        assert_int_equal(bench_event(&b, REGISTERED, i - 1)->port, port);
        assert_string_equal(epmd.name, "mon");
    }
    EXPECT_EVENTS(&b, UNREGISTERED, REGISTERED, UNREGISTERED, REGISTERED, UNREGISTERED, REGISTERED);
    assert_int_equal(b.node->creation, creation);
    close_node();
}

static void the_next_try_comes_after_two_seconds(void **state)
{
    (void)state;
    open_registered();
    fake_epmd_stop(&epmd);
    bench_until(&b, UNREGISTERED, 1);
    uint64_t start = bench_clock();
    fake_epmd_start(&epmd, epmd.port);
    bench_until(&b, REGISTERED, 1);
    assert_in_range(bench_clock() - start, 1990, 3500);
    close_node();
}

static void an_epmd_that_is_not_there_yet_is_told_once_and_waited_for(void **state)
{
    (void)state;
    init();
    fake_epmd_stop(&epmd);
    bench_open(&b);
    bench_until(&b, UNREGISTERED, 1);
    expect_error(bench_event(&b, UNREGISTERED, 0), NOEX_EEPMD, "no epmd on localhost");
    for (int i = 0; i < 3; i++) {
        try_again();
        bench_for(&b, 10);
    }
    assert_true(b.node->listener->failures > 2);
    EXPECT_EVENTS(&b, UNREGISTERED);
    fake_epmd_start(&epmd, epmd.port);
    try_until(REGISTERED, 1);
    close_node();
}

static const struct outcome {
    const char *name;
    enum fake_epmd_mode mode;
    int code;
    const char *word;
} outcomes[] = {
    {"a_name_that_is_taken_is_told_and_tried_again", FAKE_EPMD_TAKEN, NOEX_ENAMETAKEN,
     "another node named 'mon'"},
    {"an_epmd_that_is_silent_is_told_and_tried_again", FAKE_EPMD_SILENT, NOEX_EEPMDTIMEOUT,
     "no answer from epmd on localhost"},
    {"an_epmd_that_closes_is_told_and_tried_again", FAKE_EPMD_CLOSES, NOEX_EEPMD,
     "without an answer"},
    {"half_an_answer_is_told_and_tried_again", FAKE_EPMD_CUTS, NOEX_EEPMD, "middle of its answer"},
    {"what_is_no_epmd_is_told_and_tried_again", FAKE_EPMD_GARBAGE, NOEX_EEPMDGARBAGE,
     "epmd on localhost"},
};

enum { OUTCOMES = sizeof outcomes / sizeof *outcomes };

static void a_registration_that_fails_is_told_and_tried_again(void **state)
{
    const struct outcome *o = *state;
    init();
    b.options.step_ms = 60;
    epmd.mode = o->mode;
    bench_open(&b);
    bench_until(&b, UNREGISTERED, 1);
    expect_error(bench_event(&b, UNREGISTERED, 0), o->code, o->word);
    while (epmd.registrations < 3) { /* the same cause is not told again */
        try_again();
        bench_step(&b);
    }
    EXPECT_EVENTS(&b, UNREGISTERED);
    epmd.mode = FAKE_EPMD_HOLDS;
    try_until(REGISTERED, 1);
    close_node();
}

static void each_new_cause_is_told(void **state)
{
    (void)state;
    open_registered();
    fake_epmd_stop(&epmd);
    bench_until(&b, UNREGISTERED, 1);
    fake_epmd_start(&epmd, epmd.port);
    epmd.mode = FAKE_EPMD_TAKEN; /* meanwhile */
    try_until(UNREGISTERED, 2);
    epmd.mode = FAKE_EPMD_GARBAGE;
    try_until(UNREGISTERED, 3);
    epmd.mode = FAKE_EPMD_TAKEN;
    try_until(UNREGISTERED, 4);
    epmd.mode = FAKE_EPMD_HOLDS;
    try_until(REGISTERED, 1);
    EXPECT_EVENTS(&b, UNREGISTERED, UNREGISTERED, UNREGISTERED, UNREGISTERED, REGISTERED);
    assert_int_equal(bench_event(&b, UNREGISTERED, 1)->code, NOEX_ENAMETAKEN);
    assert_int_equal(bench_event(&b, UNREGISTERED, 2)->code, NOEX_EEPMDGARBAGE);
    assert_int_equal(bench_event(&b, UNREGISTERED, 3)->code, NOEX_ENAMETAKEN);
    close_node();
}

static void what_epmd_says_later_is_garbage(void **state)
{
    (void)state;
    open_registered();
    fake_epmd_disturb(&epmd);
    bench_until(&b, UNREGISTERED, 1);
    expect_error(bench_event(&b, UNREGISTERED, 0), NOEX_EEPMDGARBAGE, "epmd");
    try_until(REGISTERED, 1);
    close_node();
}

/* ---- events that nobody pulls ---- */

static void of_events_that_are_pulled_late_the_newest_is_there(void **state)
{
    (void)state;
    const struct noex_event *e;
    init();
    b.pull = true;
    bench_open(&b);
    struct nx_listener *l = b.node->listener;
    for (int i = 0; i < 4; i++) {
        uint64_t end = bench_clock() + LONG_MS;
        bool up = i % 2 == 0;
        if (!up)
            fake_epmd_stop(&epmd);
        else if (i)
            fake_epmd_start(&epmd, epmd.port);
        while (nx_listener_is_reachable(l) != up) {
            try_again();
            fake_epmd_step(&epmd);
            assert_int_equal(noex_node_process(b.node, 1), 0);
            assert_true(bench_clock() < end);
        }
    }
    assert_non_null(e = noex_node_next_event(b.node));
    assert_int_equal(e->type, REGISTERED);
    assert_non_null(e = noex_node_next_event(b.node));
    assert_int_equal(e->type, UNREGISTERED);
    assert_int_equal(e->error->code, NOEX_EEPMD);
    assert_null(noex_node_next_event(b.node));
    fake_epmd_start(&epmd, epmd.port);
    try_until(REGISTERED, 1); /* and so on */
    close_node();
}

/* The event at hand is still looked at while the next ones come. */
static void an_event_at_hand_stays_what_it_is(void **state)
{
    (void)state;
    init();
    b.pull = true;
    bench_open(&b);
    const struct noex_event *e = NULL;
    while (!e) {
        fake_epmd_step(&epmd);
        assert_int_equal(noex_node_process(b.node, 1), 0);
        e = noex_node_next_event(b.node);
    }
    struct nx_listener *l = b.node->listener;
    struct noex_error gone = {.code = NOEX_EEPMD, .text = "gone"};
    l->registration.told(l, NOEX_EEPMD, &gone); /* as from inside a turn */
    l->registration.told(l, 0, NULL);
    assert_int_equal(e->type, REGISTERED);
    assert_non_null(e = noex_node_next_event(b.node));
    assert_int_equal(e->type, REGISTERED); /* the gap in between was over before it was told */
    assert_null(noex_node_next_event(b.node));
    close_node();
}

/* ---- where to listen ---- */

static void open_failing(const char *name, const char *address)
{
    init();
    b.options.name = name;
    b.options.listen_address = address;
    b.options.step_ms = 60;
    bench_open(&b);
    bench_until(&b, LISTEN_FAILED, 1);
}

static void a_name_whose_host_is_elsewhere_says_so(void **state)
{
    (void)state;
    open_failing("mon@192.0.2.7", NULL);
    const struct seen *e = bench_event(&b, LISTEN_FAILED, 0);
    expect_error(e, NOEX_ENOTLOCAL, "192.0.2.7 (192.0.2.7), is no address of this machine");
    assert_non_null(strstr(e->text, "NAT"));
    assert_non_null(strstr(e->text, "Kubernetes"));
    assert_non_null(strstr(e->text, "listen_address"));
    assert_int_equal(noex_error_class(e->code), NOEX_CLASS_REACH);
    assert_int_equal(noex_node_listen_port(b.node), 0);
    try_again();
    bench_for(&b, 20);
    EXPECT_EVENTS(&b, LISTEN_FAILED);
    assert_int_equal(epmd.registrations, 0);
    close_node();
    open_failing("mon@127.0.0.1", "192.0.2.8");
    expect_error(bench_event(&b, LISTEN_FAILED, 0), NOEX_ENOTLOCAL,
                 "listen_address 192.0.2.8 (192.0.2.8) is no address");
    close_node();
}

static void an_address_of_its_own_lets_such_a_node_listen(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1", "0.0.0.0", "localhost"};
    for (int i = 0; i < 3; i++) {
        init();
        b.options.name = "mon@192.0.2.7";
        b.options.listen_address = addresses[i];
        bench_open(&b);
        bench_until(&b, REGISTERED, 1);
        assert_string_equal(bench_event(&b, REGISTERED, 0)->node, "mon@192.0.2.7");
        assert_false(is_dead(noex_node_listen_port(b.node)));
        close_node();
    }
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

/* The fake epmd is to be found over IPv4 only: such a node looks there, too. */
static void a_node_of_ipv6_listens_there_and_connects(void **state)
{
    (void)state;
    static const struct {
        const char *name, *address;
    } cases[] = {
        {"mon@::1", NULL}, {"mon@[::1]", NULL}, {"mon@127.0.0.1", "::1"}, {"mon@127.0.0.1", "::"}};
    if (!has_ipv6())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        init();
        b.options.name = cases[i].name;
        b.options.listen_address = cases[i].address;
        bench_open(&b);
        bench_until(&b, REGISTERED, 1);
        uint16_t port = noex_node_listen_port(b.node);
        assert_int_equal(is_dead(port), i < 3);
        bench_beam(&b, &(struct fake_beam_opts){.name = "beam@::1"});
        fake_beam_dial6(&b.beam[0], cases[i].name, port);
        bench_until(&b, UP, 1);
        close_node();
    }
}

static void open_at_three(void)
{
    init();
    b.options.name = "mon@three.example";
    use_resolver(finds_three);
    bench_open(&b);
    bench_until(&b, REGISTERED, 1);
    use_resolver(NULL);
}

/* One port: whoever asks epmd may come by either. */
static void a_host_of_both_families_is_listened_at_on_both(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    open_at_three();
    assert_int_equal(b.node->listener->count, 2); /* what is elsewhere is left out */
    bench_beam(&b, NULL);
    bench_beam(&b, &(struct fake_beam_opts){.name = "other@127.0.0.1"});
    fake_beam_dial(&b.beam[0], "mon@three.example", noex_node_listen_port(b.node));
    fake_beam_dial6(&b.beam[1], "mon@three.example", noex_node_listen_port(b.node));
    bench_until(&b, UP, 2);
    close_node();
}

/* The kernel's choice for the one may be somebody else's at the other. */
static void a_port_must_be_free_at_all_addresses(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    sys.binds_to_v6_failing = 3;
    open_at_three();
    assert_int_equal(sys.binds_to_v6_failing, 0);
    assert_int_equal(b.node->listener->count, 2);
    close_node();
    sys.binds_to_v6_failing = 100;
    use_resolver(finds_three);
    open_failing("mon@three.example", NULL);
    use_resolver(NULL);
    expect_error(bench_event(&b, LISTEN_FAILED, 0), NOEX_ESYSTEM, "in use");
    assert_int_equal(b.node->listener->count, 0);
    sys.binds_to_v6_failing = 0;
    use_resolver(finds_three);
    try_until(REGISTERED, 1);
    use_resolver(NULL);
    close_node();
}

static void a_port_that_is_in_use_is_told_and_tried_again(void **state)
{
    (void)state;
    struct fake_epmd other;
    fake_epmd_start(&other, 0);
    init();
    b.options.listen_port = other.port;
    bench_open(&b);
    bench_until(&b, LISTEN_FAILED, 1);
    expect_error(bench_event(&b, LISTEN_FAILED, 0), NOEX_ESYSTEM, "in use");
    try_again();
    bench_for(&b, 10);
    fake_epmd_stop(&other);
    try_until(REGISTERED, 1);
    EXPECT_EVENTS(&b, LISTEN_FAILED, REGISTERED);
    assert_int_equal(noex_node_listen_port(b.node), b.options.listen_port);
    close_node();
}

static void a_host_that_is_unknown_is_told_and_asked_for_again(void **state)
{
    (void)state;
    use_resolver(finds_nothing);
    open_failing("mon@no.example", NULL);
    expect_error(bench_event(&b, LISTEN_FAILED, 0), NOEX_EHOST, "no.example");
    use_resolver(finds_three);
    try_until(REGISTERED, 1);
    EXPECT_EVENTS(&b, LISTEN_FAILED, REGISTERED);
    use_resolver(NULL);
    close_node();
}

/* noex_node_new does not wait for it, nor does the end of the node. */
static void a_resolver_that_hangs_is_given_up_and_asked_again(void **state)
{
    (void)state;
    open_failing("mon@slow.example", NULL);
    expect_error(bench_event(&b, LISTEN_FAILED, 0), NOEX_EDNSTIMEOUT,
                 "no answer from name resolution for slow.example within 60 ms");
    try_again();
    bench_for(&b, 20);
    assert_int_equal(hanging(), 2);
    bench_close(&b);
    fake_epmd_stop(&epmd);
    assert_int_equal(hanging(), 2);
}

static void the_next_try_to_listen_comes_after_two_seconds(void **state)
{
    (void)state;
    use_resolver(finds_nothing);
    open_failing("mon@no.example", NULL);
    uint64_t start = bench_clock();
    use_resolver(finds_three);
    bench_until(&b, REGISTERED, 1);
    assert_in_range(bench_clock() - start, 1990, 3500);
    use_resolver(NULL);
    close_node();
}

/* ---- want of memory and descriptors ---- */

static void without_memory_both_are_told_and_tried_again(void **state)
{
    (void)state;
    open_node();
    b.alloc.fail_at = b.alloc.calls + 1;
    b.alloc.fail_on = true;
    bench_until(&b, LISTEN_FAILED, 1);
    expect_error(bench_event(&b, LISTEN_FAILED, 0), NOEX_ENOMEM, "out of memory");
    b.alloc.fail_at = b.alloc.calls + 2; /* the socket, and then nothing */
    try_until(UNREGISTERED, 1);
    expect_error(bench_event(&b, UNREGISTERED, 0), NOEX_ENOMEM, "out of memory");
    b.alloc.fail_at = 0;
    try_until(REGISTERED, 1);
    EXPECT_EVENTS(&b, LISTEN_FAILED, UNREGISTERED, REGISTERED);
    close_node();
}

/* From now on no descriptor is to be had. */
static struct rlimit take_descriptors(void)
{
    struct rlimit before, none;
    int next = dup(0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

static void without_descriptors_both_are_told_and_tried_again(void **state)
{
    (void)state;
    open_node();
    struct rlimit before = take_descriptors();
    bench_until(&b, LISTEN_FAILED, 1);
    expect_error(bench_event(&b, LISTEN_FAILED, 0), NOEX_ESYSTEM, "Too many open files");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    try_until(REGISTERED, 1);
    fake_epmd_stop(&epmd);
    bench_until(&b, UNREGISTERED, 1);
    before = take_descriptors();
    try_until(UNREGISTERED, 2);
    expect_error(bench_event(&b, UNREGISTERED, 1), NOEX_ESYSTEM, "Too many open files");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    fake_epmd_start(&epmd, epmd.port);
    try_until(REGISTERED, 2);
    close_node();
}

static unsigned complaints;

static void count_complaints(void *user, enum noex_log_level level, const char *line)
{
    (void)user;
    complaints += level == NOEX_LOG_ERROR && strstr(line, "cannot accept a connection");
}

static void without_descriptors_who_connects_waits_a_little(void **state)
{
    (void)state;
    init();
    b.options.on_log = count_complaints;
    complaints = 0;
    bench_open(&b);
    bench_until(&b, REGISTERED, 1);
    bench_beam(&b, NULL);
    sys.accepts_failing = 2;
    uint64_t start = bench_clock();
    fake_beam_dial(&b.beam[0], "mon@127.0.0.1", noex_node_listen_port(b.node));
    bench_until(&b, UP, 1);
    assert_in_range(bench_clock() - start, 380, 2000); /* not again and again meanwhile */
    assert_int_equal(complaints, 2);
    close_node();
}

/* ---- waiting ---- */

static void *step_epmd(void *arg)
{
    unsigned *go_on = arg;
    while (__atomic_load_n(go_on, __ATOMIC_ACQUIRE))
        if (!fake_epmd_step(&epmd))
            usleep(300);
    return NULL;
}

/* noex_wait_registered while the epmd answers in a thread of its own. */
static int wait_registered(uint64_t ms)
{
    unsigned go_on = 1;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, step_epmd, &go_on), 0);
    int rc = noex_wait_registered(b.node, ms);
    __atomic_store_n(&go_on, 0, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    return rc;
}

static void expect_outcome(int rc, int code, const char *word)
{
    const struct noex_error *err = noex_node_error(b.node);
    assert_int_equal(rc, code);
    assert_int_equal(err->code, code);
    if (!strstr(err->text, word))
        fail_msg("%s (expected %s)", err->text, word);
}

static void a_wait_ends_when_the_node_can_be_reached(void **state)
{
    (void)state;
    open_node();
    assert_int_equal(wait_registered(LONG_MS), 0);
    assert_int_equal(noex_wait_registered(b.node, 0), 0);
    EXPECT_EVENTS(&b, REGISTERED);
    close_node();
}

static void a_wait_ends_with_the_error_of_a_try_that_fails_meanwhile(void **state)
{
    (void)state;
    open_node();
    epmd.mode = FAKE_EPMD_TAKEN;
    expect_outcome(wait_registered(LONG_MS), NOEX_ENAMETAKEN, "another node named 'mon'");
    expect_outcome(wait_registered(20), NOEX_EWAIT, "the last try: epmd on localhost");
    epmd.mode = FAKE_EPMD_CLOSES;
    try_again();
    expect_outcome(wait_registered(LONG_MS), NOEX_EEPMD, "without an answer");
    epmd.mode = FAKE_EPMD_GARBAGE;
    try_again();
    expect_outcome(wait_registered(LONG_MS), NOEX_EEPMDGARBAGE, "");
    epmd.mode = FAKE_EPMD_HOLDS;
    try_again();
    assert_int_equal(wait_registered(LONG_MS), 0);
    close_node();
}

static void a_wait_ends_with_its_time(void **state)
{
    (void)state;
    init();
    b.options.step_ms = 50;
    epmd.mode = FAKE_EPMD_SILENT;
    bench_open(&b);
    expect_outcome(noex_wait_registered(b.node, 5), NOEX_EWAIT, "not registered in time");
    assert_null(strstr(noex_node_error(b.node)->text, "last try"));
    expect_outcome(noex_wait_registered(b.node, LONG_MS), NOEX_EEPMDTIMEOUT, "no answer");
    close_node();
}

static void each_error_of_listening_ends_a_wait(void **state)
{
    (void)state;
    init();
    b.options.name = "mon@192.0.2.7";
    bench_open(&b);
    expect_outcome(noex_wait_registered(b.node, LONG_MS), NOEX_ENOTLOCAL, "listen_address");
    close_node();
    init();
    b.options.listen_port = epmd.port;
    bench_open(&b);
    expect_outcome(noex_wait_registered(b.node, LONG_MS), NOEX_ESYSTEM, "in use");
    close_node();
    open_node();
    b.alloc.fail_at = b.alloc.calls + 1;
    expect_outcome(noex_wait_registered(b.node, LONG_MS), NOEX_ENOMEM, "memory");
    b.alloc.fail_at = 0;
    close_node();
    use_resolver(finds_nothing);
    init();
    b.options.name = "mon@no.example";
    bench_open(&b);
    expect_outcome(noex_wait_registered(b.node, LONG_MS), NOEX_EHOST, "no.example");
    close_node();
    use_resolver(NULL);
}

static void a_wait_ends_with_a_resolver_that_hangs(void **state)
{
    (void)state;
    init();
    b.options.name = "mon@slow.example";
    b.options.step_ms = 40;
    bench_open(&b);
    expect_outcome(noex_wait_registered(b.node, LONG_MS), NOEX_EDNSTIMEOUT, "slow.example");
    close_node();
}

static void waits_inside(struct bench *bench, const struct noex_event *e)
{
    (void)e;
    assert_int_equal(noex_wait_registered(bench->node, 1), NOEX_EREENTRANT);
}

static void close_inside(struct bench *bench, const struct noex_event *e)
{
    (void)e;
    noex_node_free(bench->node);
    bench->node = NULL;
}

static void a_wait_is_refused_where_it_cannot_be(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(noex_wait_registered(NULL, 1), NOEX_EINVALID);
    open_node();
    b.in_event = waits_inside;
    bench_until(&b, REGISTERED, 1);
    noex_node_wakeup(b.node);
    fake_epmd_stop(&epmd);
    bench_until(&b, UNREGISTERED, 1);
    noex_node_wakeup(b.node);
    expect_outcome(noex_wait_registered(b.node, LONG_MS), NOEX_EINTERRUPTED, "wakeup");
    close_node();
    init();
    b.options.no_epmd = true;
    bench_open(&b);
    b.in_event = close_inside;
    noex_node *node = b.node;
    assert_int_equal(noex_wait_registered(node, LONG_MS), NOEX_ESTATE);
    close_node();
    assert_int_equal(uv_loop_init(&loop), 0);
    init();
    b.uv = &loop;
    bench_open(&b);
    assert_int_equal(noex_wait_registered(b.node, 1), NOEX_ESTATE);
    close_node();
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    enum { OTHERS = 40 };
    struct CMUnitTest tests[OUTCOMES + OTHERS] = {0};
    size_t n = 0;
    for (; n < OUTCOMES; n++)
        tests[n] =
            (struct CMUnitTest){outcomes[n].name, a_registration_that_fails_is_told_and_tried_again,
                                NULL, NULL, (void *)(uintptr_t)&outcomes[n]};
#define TEST(name) tests[n++] = (struct CMUnitTest)cmocka_unit_test(name)
#define HANGING(name)                                                                              \
    tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(name, use_hanging, stop_hanging)
    TEST(a_node_of_a_dynamic_name_neither_listens_nor_is_visible);
    TEST(an_address_that_cannot_be_one_is_refused);
    TEST(a_node_does_not_listen_unless_it_is_asked_to);
    TEST(the_name_is_registered_with_the_port_where_the_node_listens);
    TEST(a_visible_node_registers_as_a_normal_one);
    TEST(without_epmd_the_node_listens_all_the_same);
    TEST(a_port_may_be_given);
    TEST(a_node_may_listen_on_the_programs_own_loop);
    TEST(a_registration_that_is_lost_is_made_again_as_the_same_incarnation);
    TEST(the_next_try_comes_after_two_seconds);
    TEST(an_epmd_that_is_not_there_yet_is_told_once_and_waited_for);
    TEST(each_new_cause_is_told);
    TEST(what_epmd_says_later_is_garbage);
    TEST(of_events_that_are_pulled_late_the_newest_is_there);
    TEST(an_event_at_hand_stays_what_it_is);
    TEST(a_name_whose_host_is_elsewhere_says_so);
    TEST(an_address_of_its_own_lets_such_a_node_listen);
    TEST(a_node_of_ipv6_listens_there_and_connects);
    TEST(a_host_of_both_families_is_listened_at_on_both);
    TEST(a_port_must_be_free_at_all_addresses);
    TEST(a_port_that_is_in_use_is_told_and_tried_again);
    TEST(a_host_that_is_unknown_is_told_and_asked_for_again);
    HANGING(a_resolver_that_hangs_is_given_up_and_asked_again);
    TEST(the_next_try_to_listen_comes_after_two_seconds);
    TEST(without_memory_both_are_told_and_tried_again);
    TEST(without_descriptors_both_are_told_and_tried_again);
    TEST(without_descriptors_who_connects_waits_a_little);
    TEST(a_wait_ends_when_the_node_can_be_reached);
    TEST(a_wait_ends_with_the_error_of_a_try_that_fails_meanwhile);
    TEST(a_wait_ends_with_its_time);
    TEST(each_error_of_listening_ends_a_wait);
    HANGING(a_wait_ends_with_a_resolver_that_hangs);
    TEST(a_wait_is_refused_where_it_cannot_be);
    return _cmocka_run_group_tests("listener", tests, n, NULL, NULL);
}

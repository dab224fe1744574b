/* The errors that comments list and no other test comes by: what only a broken system, a hostile
 * resolver or a NULL can bring about. Test of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include "node_bench.h"

#include "io/resolve_hook.h"
#include "loop_test.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

static struct bench b;

/* ---- a system that fails ---- */

static struct {
    int connect_errno;
    bool no_random;
    bool no_memory; /* of the C library's heap, for what is linked statically (--wrap) */
} sys;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return sys.no_memory ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return sys.no_memory ? NULL : __real_calloc(count, size);
}

long syscall(long number, ...); /* hidden by _POSIX_C_SOURCE */

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    if (!sys.connect_errno)
        return (int)syscall(SYS_connect, fd, to, len);
    errno = sys.connect_errno;
    return -1;
}

int RAND_bytes(unsigned char *bytes, int len);
int RAND_bytes(unsigned char *bytes, int len)
{
    return !sys.no_random && syscall(SYS_getrandom, bytes, (size_t)len, 0) == len;
}

static struct nx_resolver resolver_before;
static pthread_mutex_t hanging = PTHREAD_MUTEX_INITIALIZER;

static int hangs(const char *host, const char *service, const struct addrinfo *hints,
                 struct addrinfo **found)
{
    (void)host, (void)service, (void)hints, (void)found;
    pthread_mutex_lock(&hanging);
    pthread_mutex_unlock(&hanging);
    return EAI_NONAME;
}

static int knows_none(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **found)
{
    (void)host, (void)service, (void)hints, (void)found;
    return EAI_NONAME;
}

static int setup(void **state)
{
    (void)state;
    memset(&sys, 0, sizeof sys);
    resolver_before = nx_resolver;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nx_resolver = resolver_before;
    return 0;
}

/* ---- making a node ---- */

static int make(bool on_uv, const struct noex_options *o, struct noex_error *err)
{
    noex_node *node = NULL;
    uv_loop_t loop;
    if (!on_uv) {
        int rc = noex_node_new(&node, o, err);
        noex_node_free(node);
        return rc;
    }
    assert_int_equal(uv_loop_init(&loop), 0);
    int rc = noex_node_new_uv(&node, o, &loop, err);
    noex_node_free(node);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return rc;
}

static void expect_refusal(const struct noex_options *o, int code)
{
    for (int on_uv = 0; on_uv < 2; on_uv++) {
        struct noex_error err;
        assert_int_equal(make(on_uv, o, &err), code);
        assert_int_equal(err.code, code);
        assert_true(err.text[0] != '\0');
        assert_int_equal(make(on_uv, o, NULL), code);
    }
}

static void expect_no_start(int code)
{
    struct noex_cluster_options o;
    noex_cluster *cluster;
    uv_loop_t loop;
    noex_cluster_options_init(&o);
    o.name = "c";
    o.cookie = "cookie";
    assert_int_equal(noex_cluster_new(&cluster, &o, NULL), 0);
    assert_int_equal(noex_cluster_start(cluster), code);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(noex_cluster_start_uv(cluster, &loop), code);
    assert_int_equal(noex_cluster_error(cluster)->code, code);
    noex_cluster_free(cluster);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_node_that_cannot_be_made_says_why(void **state)
{
    (void)state;
    struct noex_options good, o;
    struct alloc_test alloc;
    noex_options_init(&good);
    good.cookie = "cookie";
    expect_refusal(NULL, NOEX_EINVALID);
    o = good;
    o.cookie = "b\xc3\xbcro";
    expect_refusal(&o, NOEX_ECOOKIE_FORM);
    o = good;
    o.name = "nohost";
    expect_refusal(&o, NOEX_ENODENAME);
    o = good;
    o.epmd_port = 0;
    expect_refusal(&o, NOEX_EINVALID);
    o = good;
    memset(&alloc, 0, sizeof alloc);
    o.allocator = &alloc.a; /* without functions */
    expect_refusal(&o, NOEX_EINVALID);
    memset(&o, 0xff, sizeof o);
    expect_refusal(&o, NOEX_EINVALID);
    sys.no_random = true;
    expect_refusal(&good, NOEX_ERANDOM);
    expect_no_start(NOEX_ERANDOM);
    sys.no_random = false;
    alloc_test_init(&alloc);
    o = good;
    o.allocator = &alloc.a;
    alloc.fail_at = 1;
    alloc.fail_on = true;
    expect_refusal(&o, NOEX_ENOMEM);
}

static void a_node_without_descriptors_left_is_a_system_error(void **state)
{
    (void)state;
    struct rlimit before, none;
    struct noex_options o;
    struct noex_error err;
    noex_node *node = NULL;
    uv_loop_t loop;
    noex_options_init(&o);
    o.cookie = "cookie";
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int own = noex_node_new(&node, &o, &err);
    int theirs = noex_node_new_uv(&node, &o, &loop, NULL); /* needs none: the loop has all */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(own, NOEX_ESYSTEM);
    assert_int_equal(err.sys_errno, EMFILE);
    assert_int_equal(theirs, 0);
    noex_node_free(node);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- NULL ---- */

static void what_is_not_there_is_refused(void **state)
{
    (void)state;
    struct noex_target target = {.kind = NOEX_TARGET_NODE, .node = "a@b"};
    const struct noex_event *event;
    struct noex_stats stats;
    struct noex_monitor_stats monitor_stats;
    noex_monitor_id id;
    noex_poster *poster;
    struct noex_pid pid;
    assert_int_equal(noex_node_process(NULL, 0), NOEX_EINVALID);
    assert_int_equal(noex_node_fd(NULL), NOEX_EINVALID);
    assert_int_equal(noex_node_timeout_ms(NULL), -1);
    assert_int_equal(noex_node_now_ms(NULL), 0);
    assert_null(noex_node_next_event(NULL));
    assert_null(noex_node_error(NULL));
    noex_node_wakeup(NULL);
    noex_node_free(NULL);
    noex_node_close(NULL, NULL, NULL);
    noex_node_stats(NULL, &stats, sizeof stats);
    noex_monitor_get_stats(NULL, &monitor_stats, sizeof monitor_stats);
    assert_int_equal(stats.frames_in + monitor_stats.initiated, 0);
    assert_int_equal(noex_connect(NULL, "a@b", NOEX_CONNECT_ONCE), NOEX_EINVALID);
    assert_int_equal(noex_disconnect(NULL, "a@b"), NOEX_EINVALID);
    assert_int_equal(noex_connection(NULL, "a@b", NULL, 0), NOEX_CONNECTION_NONE);
    assert_int_equal(noex_monitor(NULL, &target, 0, NULL, &id), NOEX_EINVALID);
    assert_int_equal(noex_demonitor(NULL, 1), NOEX_EINVALID);
    assert_int_equal(noex_wait_event(NULL, 0, &event), NOEX_EINVALID);
    assert_int_equal(noex_wait_node_up(NULL, "a@b", 0), NOEX_EINVALID);
    assert_int_equal(noex_wait_monitor_up(NULL, 1, 0), NOEX_EINVALID);
    assert_int_equal(noex_poster_new(&poster, NULL), NOEX_EINVALID);
    assert_int_equal(noex_post(NULL, NULL, NULL), NOEX_EINVALID);
    noex_poster_release(NULL);
    assert_int_equal(noex_pid_parse(NULL, &pid), NOEX_EINVALID);
    assert_int_equal(noex_node_name_check(NULL, NULL), NOEX_ENODENAME);

    bench_default(&b);
    assert_int_equal(noex_connect(b.node, NULL, NOEX_CONNECT_ONCE), NOEX_ENODENAME);
    assert_int_equal(noex_disconnect(b.node, NULL), NOEX_ENODENAME);
    assert_int_equal(noex_connection(b.node, NULL, NULL, 0), NOEX_CONNECTION_NONE);
    assert_int_equal(noex_monitor(b.node, NULL, 0, NULL, &id), NOEX_EINVALID);
    assert_int_equal(noex_monitor(b.node, &target, 0, NULL, NULL), NOEX_EINVALID);
    assert_int_equal(noex_wait_event(b.node, 0, NULL), NOEX_EINVALID);
    assert_int_equal(noex_wait_node_up(b.node, NULL, 0), NOEX_ENODENAME);
    assert_int_equal(noex_poster_new(NULL, b.node), NOEX_EINVALID);
    bench_close(&b);
}

/* ---- attempts to connect ---- */

static void fails_with(const char *peer, int code)
{
    bench_forget(&b);
    assert_int_equal(noex_connect(b.node, peer, NOEX_CONNECT_ONCE), 0);
    bench_until(&b, FAILED, 1);
    const struct seen *e = bench_event(&b, FAILED, 0);
    if (e->code != code)
        fail_msg("%s: %s", noex_error_name(e->code), e->text);
    bench_forget(&b);
    bench_for(&b, 10); /* the next attempt on a name is not at once */
}

static void open_small(void)
{
    bench_init(&b);
    b.options.step_ms = 50;
    bench_open(&b);
}

static void the_kernels_refusals_are_told(void **state)
{
    (void)state;
    open_small();
    sys.connect_errno = ENETUNREACH;
    fails_with("a@127.0.0.1:9", NOEX_EUNREACHABLE);
    sys.connect_errno = ECONNRESET;
    fails_with("b@127.0.0.1:9", NOEX_ELOST);
    sys.connect_errno = ETIMEDOUT;
    fails_with("c@127.0.0.1:9", NOEX_ECONNECTTIMEOUT);
    sys.connect_errno = ENOBUFS;
    fails_with("d@127.0.0.1:9", NOEX_ESYSTEM);
    bench_close(&b);
}

static void random_numbers_that_end_end_the_handshake(void **state)
{
    (void)state;
    char address[300];
    bench_default(&b);
    fake_beam_address(&b.beam[0], address, sizeof address);
    sys.no_random = true;
    fails_with(address, NOEX_ERANDOM);
    bench_close(&b);
}

static void a_resolver_that_hangs_is_left_behind(void **state)
{
    (void)state;
    char name[64];
    open_small();
    nx_resolver.lookup = hangs;
    pthread_mutex_lock(&hanging);
    fails_with("a@host-that-hangs:9", NOEX_EDNSTIMEOUT);
    for (int i = 1; i < NX_LOOKUPS_MAX; i++) {
        snprintf(name, sizeof name, "n%d@host-that-hangs:9", i);
        assert_int_equal(noex_connect(b.node, name, NOEX_CONNECT_ONCE), 0);
    }
    bench_until(&b, FAILED, NX_LOOKUPS_MAX - 1);
    fails_with("last@host-that-hangs:9", NOEX_EDNSTIMEOUT); /* waited for room */
    pthread_mutex_unlock(&hanging);
    nx_resolver = resolver_before;
    bench_close(&b);
}

/* ---- memory, and too much of it ---- */

static void ignore_post(noex_node *node, void *user)
{
    (void)node, (void)user;
    fail_msg("what was refused was called");
}

static void without_memory_nothing_is_posted(void **state)
{
    (void)state;
    noex_poster *poster = NULL;
    bench_default(&b);
    sys.no_memory = true;
    int rc = noex_poster_new(&poster, b.node);
    sys.no_memory = false;
    assert_int_equal(rc, NOEX_ENOMEM);
    assert_int_equal(noex_poster_new(&poster, b.node), 0);
    sys.no_memory = true;
    rc = noex_post(poster, ignore_post, NULL);
    sys.no_memory = false;
    assert_int_equal(rc, NOEX_ENOMEM);
    bench_for(&b, 5);
    noex_poster_release(poster);
    bench_close(&b);
}

static void without_memory_there_is_nothing_to_wait_for(void **state)
{
    (void)state;
    bench_default(&b);
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(noex_wait_node_up(b.node, "new@127.0.0.1:1", 1000), NOEX_ENOMEM);
    assert_int_equal(noex_node_error(b.node)->code, NOEX_ENOMEM);
    bench_close(&b);
}

static void a_frame_beyond_message_max_ends_the_connection(void **state)
{
    (void)state;
    static uint8_t body[70000];
    bench_init(&b);
    b.options.message_max = 65536;
    b.options.reason_max = 1000;
    bench_open(&b);
    bench_beam(&b, NULL);
    bench_connect(&b, 0);
    fake_beam_send_raw(&b.beam[0], body, sizeof body);
    bench_until(&b, DOWN, 1);
    assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_ETOOBIG);
    bench_close(&b);
}

/* ---- epmd ---- */

static void ignore_name(void *user, const char *name, uint16_t port)
{
    (void)user, (void)name, (void)port;
}

struct epmd {
    struct fake_beam beam;
    atomic_bool over;
};

static void *serve(void *arg)
{
    struct epmd *epmd = arg;
    while (!atomic_load(&epmd->over)) {
        fake_beam_step(&epmd->beam);
        loop_test_sleep(1);
    }
    return NULL;
}

/* What noex_epmd_names makes of an epmd that says this. */
static int answered(const void *script, size_t len, bool close)
{
    struct epmd epmd = {.over = false};
    const struct fake_beam_opts opts = {.script = script, .script_len = len, .script_close = close};
    pthread_t thread;
    fake_beam_start(&epmd.beam, &opts);
    assert_int_equal(pthread_create(&thread, NULL, serve, &epmd), 0);
    int rc = noex_epmd_names("127.0.0.1", epmd.beam.port, 200, ignore_name, NULL, NULL);
    atomic_store(&epmd.over, true);
    pthread_join(thread, NULL);
    fake_beam_stop(&epmd.beam);
    return rc;
}

static int names_of(const char *host, uint16_t port, struct noex_error *err)
{
    return noex_epmd_names(host, port, 100, ignore_name, NULL, err);
}

static void epmds_failures_are_told(void **state)
{
    (void)state;
    struct noex_error err;
    struct rlimit before, none;
    assert_int_equal(names_of(NULL, 4369, &err), NOEX_EINVALID);
    assert_int_equal(err.code, NOEX_EINVALID);
    assert_int_equal(names_of("127.0.0.1", 0, NULL), NOEX_EINVALID);
    assert_int_equal(names_of("127.0.0.1", 1, &err), NOEX_EEPMD);
    assert_int_equal(answered("x", 1, true), NOEX_EEPMDGARBAGE);
    assert_int_equal(answered("", 0, true), NOEX_EEPMD);
    assert_int_equal(answered("\0\0\x11\x11", 4, false), NOEX_EEPMDTIMEOUT);
    sys.connect_errno = ENETUNREACH;
    assert_int_equal(names_of("127.0.0.1", 4369, &err), NOEX_EUNREACHABLE);
    sys.connect_errno = ETIMEDOUT;
    assert_int_equal(names_of("127.0.0.1", 4369, &err), NOEX_ECONNECTTIMEOUT);
    sys.connect_errno = ECONNRESET;
    assert_int_equal(names_of("127.0.0.1", 4369, &err), NOEX_ELOST);
    sys.connect_errno = 0;
    sys.no_memory = true;
    int without = names_of("127.0.0.1", 4369, &err);
    sys.no_memory = false;
    assert_int_equal(without, NOEX_ENOMEM);
    nx_resolver.lookup = knows_none;
    assert_int_equal(names_of("nowhere", 4369, &err), NOEX_EHOST);
    nx_resolver.lookup = hangs;
    pthread_mutex_lock(&hanging);
    assert_int_equal(names_of("nowhere", 4369, &err), NOEX_EDNSTIMEOUT);
    pthread_mutex_unlock(&hanging);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rc = names_of("127.0.0.1", 4369, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rc, NOEX_ESYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_node_that_cannot_be_made_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_without_descriptors_left_is_a_system_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_kernels_refusals_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(random_numbers_that_end_end_the_handshake, setup, teardown),
        cmocka_unit_test_setup_teardown(a_resolver_that_hangs_is_left_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_posted, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_there_is_nothing_to_wait_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_frame_beyond_message_max_ends_the_connection, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(epmds_failures_are_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

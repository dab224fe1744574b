/* SPDX-License-Identifier: Apache-2.0 */
#include "hanging_resolver.h"
#include "loop_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct answer {
    unsigned calls;
    int rc;
    struct nx_addrs addrs;
    struct noex_error err;
    struct nx_resolve *cancel; /* cancelled from inside the callback */
};

static void on_answer(void *ctx, int rc, const struct nx_addrs *addrs, const struct noex_error *err)
{
    struct answer *a = ctx;
    a->calls++;
    a->rc = rc;
    assert_true(rc ? addrs == NULL && err->code == rc : addrs->count > 0 && err == NULL);
    if (addrs)
        a->addrs = *addrs;
    if (err)
        a->err = *err;
    nx_resolve_cancel(a->cancel);
}

/* A resolver that answers as told. Set before a lookup starts; the thread's start orders the
 * access. */
static struct {
    int eai;
    int sys_errno;
    int families[12]; /* ended by 0 */
    int same;         /* every address is 192.0.2.1 */
    int all_signals_blocked;
} canned;

static struct addrinfo *canned_addr(int family, int number)
{
    struct entry {
        struct addrinfo ai;
        struct sockaddr_storage addr;
    } *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->ai.ai_family = family;
    e->ai.ai_addr = (struct sockaddr *)&e->addr;
    e->addr.ss_family = (sa_family_t)family;
    if (family == AF_INET6) {
        e->ai.ai_addrlen = sizeof(struct sockaddr_in6);
        ((struct sockaddr_in6 *)&e->addr)->sin6_addr = in6addr_loopback;
        return &e->ai;
    }
    e->ai.ai_addrlen = sizeof(struct sockaddr_in);
    in_addr_t last = canned.same ? 1 : (in_addr_t)number + 1;
    ((struct sockaddr_in *)&e->addr)->sin_addr.s_addr = htonl(0xc0000200U + last);
    return &e->ai;
}

static int canned_lookup(const char *host, const char *service, const struct addrinfo *hints,
                         struct addrinfo **found)
{
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    canned.all_signals_blocked = sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGALRM);
    if (!host || service || hints->ai_socktype != SOCK_STREAM || hints->ai_family != AF_UNSPEC)
        return EAI_BADFLAGS;
    for (int i = 0; canned.families[i]; i++) {
        *found = canned_addr(canned.families[i], i);
        found = &(*found)->ai_next;
    }
    errno = canned.sys_errno;
    return canned.eai;
}

static void canned_release(struct addrinfo *found)
{
    while (found) {
        struct addrinfo *next = found->ai_next;
        free(found);
        found = next;
    }
}

static int never_looked_up(const char *host, const char *service, const struct addrinfo *hints,
                           struct addrinfo **found)
{
    (void)host, (void)service, (void)hints, (void)found;
    abort();
}

static int no_thread(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    (void)thread, (void)attr, (void)run, (void)arg;
    return EAGAIN;
}

static struct nx_resolver real;

static int use_canned(void **state)
{
    (void)state;
    memset(&canned, 0, sizeof canned);
    nx_resolver.lookup = canned_lookup;
    nx_resolver.release = canned_release;
    return 0;
}

static int use_none(void **state)
{
    (void)state;
    nx_resolver.lookup = never_looked_up;
    return 0;
}

static int use_real(void **state)
{
    (void)state;
    nx_resolver = real;
    return 0;
}

/* Looks up and waits for the answer. */
static void resolve(const char *host, struct answer *a)
{
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct nx_resolve *r;
    *a = (struct answer){0};
    assert_int_equal(nx_resolve_start(&r, t.loop, host, on_answer, a, &a->err), 0);
    assert_int_equal(a->calls, 0);
    loop_test_until(&t, &a->calls);
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    assert_int_equal(a->calls, 1);
    loop_test_close(&t);
}

static void assert_first(const struct answer *a, const char *text)
{
    char got[64];
    assert_int_equal(a->rc, 0);
    nx_addr_text(&a->addrs.addr[0], got, sizeof got);
    assert_string_equal(got, text);
}

static void addresses_in_digits_need_no_resolver(void **state)
{
    (void)state;
    struct answer a;
    resolve("192.0.2.1", &a);
    assert_first(&a, "192.0.2.1");
    assert_int_equal(a.addrs.count, 1);
    assert_int_equal(a.addrs.addr[0].addr.ss_family, AF_INET);
    assert_int_equal(a.addrs.addr[0].len, sizeof(struct sockaddr_in));
    resolve("::1", &a);
    assert_first(&a, "::1");
    assert_int_equal(a.addrs.addr[0].addr.ss_family, AF_INET6);
    resolve("2001:DB8:0:0::2", &a);
    assert_first(&a, "2001:db8::2");
}

static void an_address_in_brackets_is_one_of_ipv6(void **state)
{
    (void)state;
    struct answer a;
    resolve("[2001:db8::1]", &a);
    assert_first(&a, "2001:db8::1");
    const char *const bad[] = {"[127.0.0.1]", "[localhost]", "[::1", "[]", "[", "[::1%nosuchif0]"};
    struct loop_test t;
    loop_test_open(&t, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nx_resolve *r;
        a = (struct answer){0};
        int rc = nx_resolve_start(&r, t.loop, bad[i], on_answer, &a, &a.err);
        assert_int_equal(rc, NOEX_EHOST);
        assert_int_equal(a.err.code, NOEX_EHOST);
        assert_int_equal(nx_loop_run(t.loop, 0), 0);
        assert_int_equal(a.calls, 0);
    }
    loop_test_close(&t);
}

static void an_address_may_carry_a_scope(void **state)
{
    (void)state;
    char name[IF_NAMESIZE], host[64];
    if (!if_indextoname(1, name))
        skip();
    struct answer a;
    snprintf(host, sizeof host, "fe80::1%%%s", name);
    resolve(host, &a);
    assert_first(&a, host);
    assert_int_equal(((struct sockaddr_in6 *)&a.addrs.addr[0].addr)->sin6_scope_id, 1);
    snprintf(host, sizeof host, "[fe80::1%%%s]", name);
    resolve(host, &a);
    assert_int_equal(a.rc, 0);
}

static void what_cannot_be_a_host_is_refused_at_once(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    char longest[NX_HOST_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const bad[] = {"", "two words", "line\nfeed", "tab\t", "\x7f", longest};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nx_resolve *r;
        struct answer a = {0};
        int rc = nx_resolve_start(&r, t.loop, bad[i], on_answer, &a, &a.err);
        assert_int_equal(rc, NOEX_EHOST);
        assert_int_equal(a.err.code, NOEX_EHOST);
        assert_null(strchr(a.err.text, '\n'));
        assert_int_equal(nx_loop_run(t.loop, 0), 0);
        assert_int_equal(a.calls, 0);
    }
    loop_test_close(&t);
}

static void localhost_is_found_by_the_real_resolver(void **state)
{
    (void)state;
    struct answer a;
    resolve("localhost", &a);
    assert_int_equal(a.rc, 0);
    int family = a.addrs.addr[0].addr.ss_family;
    assert_first(&a, family == AF_INET ? "127.0.0.1" : "::1");
}

static void the_resolvers_order_is_kept_and_repeats_are_dropped(void **state)
{
    (void)state;
    struct answer a;
    canned.families[0] = AF_INET6;
    canned.families[1] = AF_INET;
    canned.families[2] = AF_UNIX;
    canned.families[3] = AF_INET6;
    canned.families[4] = AF_INET;
    resolve("some.host", &a);
    assert_first(&a, "::1");
    assert_int_equal(a.addrs.count, 3);
    assert_int_equal(a.addrs.addr[1].addr.ss_family, AF_INET);
    assert_int_equal(a.addrs.addr[2].addr.ss_family, AF_INET);
    canned.same = 1;
    resolve("some.host", &a);
    assert_int_equal(a.addrs.count, 2);
}

static void more_addresses_than_fit_are_cut(void **state)
{
    (void)state;
    struct answer a;
    for (int i = 0; i < 11; i++)
        canned.families[i] = AF_INET;
    resolve("some.host", &a);
    assert_first(&a, "192.0.2.1");
    assert_int_equal(a.addrs.count, NX_ADDRS_MAX);
}

static void lookups_run_with_all_signals_blocked(void **state)
{
    (void)state;
    struct answer a;
    canned.families[0] = AF_INET;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    resolve("some.host", &a);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_true(canned.all_signals_blocked);
    assert_int_equal(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
}

static void an_unknown_host_is_told_in_the_resolvers_words(void **state)
{
    (void)state;
    struct answer a;
    canned.eai = EAI_NONAME;
    resolve("no.such.host", &a);
    assert_int_equal(a.rc, NOEX_EHOST);
    assert_non_null(strstr(a.err.text, "no.such.host: "));
    assert_non_null(strstr(a.err.text, gai_strerror(EAI_NONAME)));
    canned.eai = EAI_AGAIN;
    resolve("no.such.host", &a);
    assert_int_equal(a.rc, NOEX_EHOST);
    assert_non_null(strstr(a.err.text, gai_strerror(EAI_AGAIN)));
    canned.eai = EAI_MEMORY;
    resolve("no.such.host", &a);
    assert_int_equal(a.rc, NOEX_ESYSTEM);
}

static void a_name_as_long_as_allowed_leaves_room_for_the_cause(void **state)
{
    (void)state;
    char host[NX_HOST_MAX + 1];
    memset(host, 'a', sizeof host - 1);
    host[NX_HOST_MAX] = '\0';
    struct answer a;
    canned.eai = EAI_NONAME;
    resolve(host, &a);
    assert_non_null(strstr(a.err.text, gai_strerror(EAI_NONAME)));
}

static void a_failed_system_call_in_the_resolver_keeps_its_errno(void **state)
{
    (void)state;
    struct answer a;
    canned.eai = EAI_SYSTEM;
    canned.sys_errno = EMFILE;
    resolve("some.host", &a);
    assert_int_equal(a.rc, NOEX_ESYSTEM);
    assert_int_equal(a.err.sys_errno, EMFILE);
}

static void an_answer_without_a_usable_address_is_an_unknown_host(void **state)
{
    (void)state;
    struct answer a;
    canned.families[0] = AF_UNIX;
    resolve("some.host", &a);
    assert_int_equal(a.rc, NOEX_EHOST);
}

static void a_cancelled_lookup_never_calls_back(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct answer numeric = {0}, named = {0}, kept = {0};
    struct nx_resolve *r;
    canned.families[0] = AF_INET;
    assert_int_equal(nx_resolve_start(&r, t.loop, "127.0.0.1", on_answer, &numeric, NULL), 0);
    nx_resolve_cancel(r);
    assert_int_equal(nx_resolve_start(&r, t.loop, "some.host", on_answer, &named, NULL), 0);
    nx_resolve_cancel(r);
    nx_resolve_cancel(NULL);
    assert_int_equal(nx_resolve_start(&r, t.loop, "127.0.0.1", on_answer, &kept, NULL), 0);
    loop_test_until(&t, &kept.calls);
    assert_int_equal(nx_loop_run(t.loop, 20), 0);
    assert_int_equal(numeric.calls + named.calls, 0);
    assert_int_equal(kept.calls, 1);
    loop_test_close(&t);
}

static void a_callback_may_cancel_a_lookup_that_is_ready_too(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct answer first = {0}, second = {0};
    struct nx_resolve *r;
    assert_int_equal(nx_resolve_start(&r, t.loop, "127.0.0.1", on_answer, &first, NULL), 0);
    assert_int_equal(nx_resolve_start(&first.cancel, t.loop, "::1", on_answer, &second, NULL), 0);
    assert_int_equal(nx_loop_run(t.loop, 1000), 0);
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    assert_int_equal(first.calls, 1);
    assert_int_equal(second.calls, 0);
    loop_test_close(&t);
}

struct restart {
    struct loop_test t;
    unsigned done;
    unsigned left;
};

static void start_again(void *ctx, int rc, const struct nx_addrs *addrs,
                        const struct noex_error *err)
{
    struct restart *s = ctx;
    (void)addrs, (void)err;
    assert_int_equal(rc, 0);
    struct nx_resolve *r;
    s->done = s->left == 0;
    if (s->left--)
        assert_int_equal(nx_resolve_start(&r, s->t.loop, "127.0.0.1", start_again, s, NULL), 0);
}

static void a_callback_may_start_the_next_lookup(void **state)
{
    (void)state;
    struct restart s = {.left = 20};
    loop_test_open(&s.t, NULL);
    struct nx_resolve *r;
    assert_int_equal(nx_resolve_start(&r, s.t.loop, "127.0.0.1", start_again, &s, NULL), 0);
    loop_test_until(&s.t, &s.done);
    loop_test_close(&s.t);
}

static void closing_never_waits_for_a_resolver_that_hangs(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct answer a = {0};
    struct nx_resolve *r;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nx_resolve_start(&r, t.loop, "slow.host", on_answer, &a, NULL), 0);
        if (i < 2) /* the last one is left to the loop */
            nx_resolve_cancel(r);
    }
    wait_inside(3);
    assert_int_equal(nx_loop_run(t.loop, 10), 0);
    uint64_t before = loop_test_clock();
    loop_test_close(&t);
    assert_true(loop_test_clock() - before < 5000);
    let_go();
    wait_inside(0);
    assert_int_equal(a.calls, 0);
}

static void a_lookup_that_was_slow_still_answers(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct answer a = {0};
    struct nx_resolve *r;
    assert_int_equal(nx_resolve_start(&r, t.loop, "slow.host", on_answer, &a, NULL), 0);
    wait_inside(1);
    assert_int_equal(nx_loop_run(t.loop, 10), 0);
    assert_int_equal(a.calls, 0);
    let_go();
    loop_test_until(&t, &a.calls);
    assert_first(&a, "127.0.0.1");
    loop_test_close(&t);
    wait_inside(0);
}

static void lookups_ending_while_the_loop_closes_are_safe(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        use_hanging(NULL);
        struct loop_test t;
        loop_test_open(&t, NULL);
        struct answer a = {0};
        struct nx_resolve *r[4];
        for (int i = 0; i < 4; i++)
            assert_int_equal(nx_resolve_start(&r[i], t.loop, "h", on_answer, &a, NULL), 0);
        wait_inside(4);
        let_go();
        if (round % 3 == 0)
            assert_int_equal(nx_loop_run(t.loop, 1), 0);
        loop_test_close(&t);
        wait_inside(0);
        assert_true(a.calls <= 4);
    }
}

static void lookups_that_wait_are_limited(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct answer a = {0};
    struct nx_resolve *r;
    for (int i = 0; i < NX_LOOKUPS_MAX; i++)
        assert_int_equal(nx_resolve_start(&r, t.loop, "slow.host", on_answer, &a, &a.err), 0);
    assert_int_equal(nx_resolve_start(&r, t.loop, "one.more", on_answer, &a, &a.err), NOEX_ELIMIT);
    assert_int_equal(a.err.code, NOEX_ELIMIT);
    wait_inside(NX_LOOKUPS_MAX);
    let_go();
    while (a.calls < NX_LOOKUPS_MAX)
        assert_int_equal(nx_loop_run(t.loop, 1000), 0);
    assert_int_equal(a.calls, NX_LOOKUPS_MAX);
    loop_test_close(&t);
    wait_inside(0);
}

static void without_a_thread_no_lookup(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    nx_resolver.spawn = no_thread;
    struct answer a = {0};
    struct nx_resolve *r;
    for (int i = 0; i < 2 * NX_LOOKUPS_MAX; i++) {
        a.err.code = 0;
        int rc = nx_resolve_start(&r, t.loop, "some.host", on_answer, &a, &a.err);
        assert_int_equal(rc, NOEX_ESYSTEM);
    }
    assert_int_equal(a.err.sys_errno, EAGAIN);
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    assert_int_equal(a.calls, 0);
    loop_test_close(&t);
}

static void without_memory_no_lookup(void **state)
{
    (void)state;
    struct loop_test t;
    struct alloc_test heap;
    loop_test_open(&t, NULL);
    alloc_test_init(&heap);
    heap.fail_at = 1;
    nx_resolver.alloc = &heap.a;
    struct answer a = {0};
    struct nx_resolve *r;
    assert_int_equal(nx_resolve_start(&r, t.loop, "::1", on_answer, &a, &a.err), NOEX_ENOMEM);
    assert_int_equal(a.err.code, NOEX_ENOMEM);
    assert_int_equal(nx_resolve_start(&r, t.loop, "::1", on_answer, &a, NULL), 0);
    loop_test_until(&t, &a.calls);
    assert_int_equal(nx_resolve_start(&r, t.loop, "", on_answer, &a, NULL), NOEX_EHOST);
    assert_int_equal(heap.live, 0);
    loop_test_close(&t);
}

static void any_address_has_a_text_that_fits(void **state)
{
    (void)state;
    struct nx_addr a = {.len = sizeof(struct sockaddr_in)};
    char text[16];
    nx_addr_text(&a, text, sizeof text);
    assert_string_equal(text, "unknown address");
    a.addr.ss_family = AF_INET;
    char tiny[4];
    nx_addr_text(&a, tiny, sizeof tiny);
    assert_string_equal(tiny, "unk");
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, use_real)

static void an_address_has_a_place_with_a_port(void **state)
{
    (void)state;
    static const char *const places[] = {"127.0.0.1:4369", "[::1]:4369"};
    char text[NX_PLACE_SIZE];
    for (int v6 = 0; v6 < 2; v6++) {
        const struct nx_addr plain = nx_addr_loopback(v6), a = nx_addr_with_port(&plain, 4369);
        nx_addr_place(&plain, 4369, text, sizeof text);
        assert_string_equal(text, places[v6]);
        assert_int_equal(nx_addr_port(&plain), 0);
        assert_int_equal(nx_addr_port(&a), 4369);
        assert_int_equal(a.len, plain.len);
        assert_int_equal(a.addr.ss_family, v6 ? AF_INET6 : AF_INET);
    }
}

int main(void)
{
    real = nx_resolver;
    const struct CMUnitTest tests[] = {
        WITH(use_none, addresses_in_digits_need_no_resolver),
        WITH(use_none, an_address_in_brackets_is_one_of_ipv6),
        WITH(use_none, an_address_may_carry_a_scope),
        WITH(use_none, what_cannot_be_a_host_is_refused_at_once),
        WITH(use_real, localhost_is_found_by_the_real_resolver),
        WITH(use_canned, the_resolvers_order_is_kept_and_repeats_are_dropped),
        WITH(use_canned, more_addresses_than_fit_are_cut),
        WITH(use_canned, lookups_run_with_all_signals_blocked),
        WITH(use_canned, an_unknown_host_is_told_in_the_resolvers_words),
        WITH(use_canned, a_name_as_long_as_allowed_leaves_room_for_the_cause),
        WITH(use_canned, a_failed_system_call_in_the_resolver_keeps_its_errno),
        WITH(use_canned, an_answer_without_a_usable_address_is_an_unknown_host),
        WITH(use_canned, a_cancelled_lookup_never_calls_back),
        WITH(use_none, a_callback_may_cancel_a_lookup_that_is_ready_too),
        WITH(use_none, a_callback_may_start_the_next_lookup),
        WITH(use_hanging, closing_never_waits_for_a_resolver_that_hangs),
        WITH(use_hanging, a_lookup_that_was_slow_still_answers),
        WITH(use_hanging, lookups_ending_while_the_loop_closes_are_safe),
        WITH(use_hanging, lookups_that_wait_are_limited),
        WITH(use_none, without_a_thread_no_lookup),
        WITH(use_none, without_memory_no_lookup),
        WITH(use_none, any_address_has_a_text_that_fits),
        WITH(use_none, an_address_has_a_place_with_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

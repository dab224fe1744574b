/* SPDX-License-Identifier: Apache-2.0 */
#include "node/dial.h"

#include "base/alloc.h"
#include "base/err.h"
#include <stdio.h>
#include <string.h>

enum {
    BUSY_RETRY_MS = 50,
    AT_ONCE = 2,     /* addresses that are tried at one time, */
    STAGGER_MS = 250 /* the second once the first has been silent for so long (RFC 8305) */
};

/* A connection to one of the addresses. */
struct attempt {
    struct nx_dial *d;
    struct nx_tcp *tcp; /* NULL: none is under way here */
    unsigned at;        /* which address */
    uint64_t deadline_ms;
};

struct nx_dial {
    const struct noex_allocator *alloc;
    struct nx_loop *loop;
    nx_dialled_fn done;
    void *ctx;
    uint64_t step_ms;
    uint64_t deadline_ms;   /* of the resolution; UINT64_MAX: it is over */
    uint64_t busy_until_ms; /* too many lookups under way: when to try again; else UINT64_MAX */
    uint64_t stagger_ms;    /* when the next address is tried beside the one under way; the same */
    uint16_t port;
    char host[256];
    struct nx_resolve *resolve;
    struct attempt attempts[AT_ONCE];
    struct nx_addrs addrs;
    unsigned next; /* address to try after those under way */
    struct noex_error err;
};

static void close_attempts(struct nx_dial *d)
{
    for (int i = 0; i < AT_ONCE; i++)
        nx_tcp_close(d->attempts[i].tcp);
}

/* `won` is connected; NULL: none is, for `rc`. */
static void finish(struct nx_dial *d, int rc, struct attempt *won)
{
    struct nx_tcp *tcp = NULL;
    if (won) {
        struct nx_addr connected = d->addrs.addr[won->at];
        d->addrs.addr[won->at] = d->addrs.addr[0];
        d->addrs.addr[0] = connected;
        tcp = won->tcp;
        won->tcp = NULL;
    }
    close_attempts(d);
    d->done(d->ctx, rc, tcp, &d->addrs, &d->err);
    nx_free(d->alloc, d);
}

static struct attempt *free_attempt(struct nx_dial *d)
{
    for (int i = 0; i < AT_ONCE; i++)
        if (!d->attempts[i].tcp)
            return &d->attempts[i];
    return NULL;
}

static bool is_under_way(const struct nx_dial *d)
{
    for (int i = 0; i < AT_ONCE; i++)
        if (d->attempts[i].tcp)
            return true;
    return false;
}

static void try_next(struct nx_dial *d);

/* One address, or the resolution, came to nothing. */
static void fail(struct nx_dial *d, int code, const struct noex_error *cause)
{
    d->err.code = 0;
    if (cause)
        d->err = *cause;
    nx_fail(&d->err, code, NULL);
    if (d->next < d->addrs.count)
        try_next(d);
    else if (!is_under_way(d))
        finish(d, code, NULL);
}

static void on_connected(void *ctx, int rc, const struct noex_error *err)
{
    struct attempt *a = ctx;
    struct nx_tcp *tcp = a->tcp;
    if (!rc) {
        finish(a->d, 0, a);
        return;
    }
    a->tcp = NULL;
    nx_tcp_close(tcp);
    fail(a->d, rc, err);
}

static void on_unexpected(void *ctx)
{
    (void)ctx; /* nothing is read or written before the owner takes over */
}

static const struct nx_tcp_handlers handlers = {on_connected, on_unexpected, on_unexpected};

/* There is a free attempt. */
static int connect_next(struct nx_dial *d, struct noex_error *err)
{
    struct attempt *a = free_attempt(d);
    uint64_t now = nx_loop_now(d->loop);
    *a = (struct attempt){.d = d, .at = d->next++, .deadline_ms = now + d->step_ms};
    int rc = nx_tcp_connect(&a->tcp, d->loop, &d->addrs.addr[a->at], d->port, &handlers, a, err);
    bool more = d->next < d->addrs.count && free_attempt(d);
    d->stagger_ms = more ? now + STAGGER_MS : UINT64_MAX;
    return rc;
}

static void try_next(struct nx_dial *d)
{
    struct noex_error err = {0};
    int rc = connect_next(d, &err);
    if (rc)
        fail(d, rc, &err);
}

/* As try_next, but an address that cannot even be tried is an error of the caller's call while it
 * is the last. */
static int connect_first(struct nx_dial *d, struct noex_error *err)
{
    int rc = NOEX_EHOST;
    while (rc && d->next < d->addrs.count) {
        err->code = 0;
        rc = connect_next(d, err);
    }
    return rc;
}

/* The second address is one of the other family, if there is one: what is broken is mostly one of
 * both. All else stays in its order. */
static void mix_families(struct nx_addrs *addrs)
{
    unsigned other = 1;
    while (other < addrs->count &&
           addrs->addr[other].addr.ss_family == addrs->addr[0].addr.ss_family)
        other++;
    if (other >= addrs->count)
        return;
    const struct nx_addr first = addrs->addr[other];
    for (; other > 1; other--)
        addrs->addr[other] = addrs->addr[other - 1];
    addrs->addr[1] = first;
}

static void on_resolved(void *ctx, int rc, const struct nx_addrs *addrs,
                        const struct noex_error *err);

/* A loop looks up so many names at once; who comes late waits, within the step. */
static int resolve(struct nx_dial *d, struct noex_error *err)
{
    struct noex_error cause = {0};
    d->busy_until_ms = UINT64_MAX;
    int rc = nx_resolve_start(&d->resolve, d->loop, d->host, on_resolved, d, &cause);
    if (rc == NOEX_ELIMIT)
        d->busy_until_ms = nx_loop_now(d->loop) + BUSY_RETRY_MS;
    return rc && rc != NOEX_ELIMIT ? nx_fail(err, rc, "%s", cause.text) : 0;
}

static void on_resolved(void *ctx, int rc, const struct nx_addrs *addrs,
                        const struct noex_error *err)
{
    struct nx_dial *d = ctx;
    d->resolve = NULL;
    if (rc) {
        fail(d, rc, err);
        return;
    }
    d->deadline_ms = UINT64_MAX;
    d->addrs = *addrs;
    mix_families(&d->addrs);
    try_next(d);
}

int nx_dial_start(struct nx_dial **out, const struct noex_allocator *a, struct nx_loop *loop,
                  const struct nx_dial_target *target, nx_dialled_fn done, void *ctx,
                  struct noex_error *err)
{
    if (!target->addrs && strlen(target->host) >= sizeof((struct nx_dial){0}.host))
        return nx_fail(err, NOEX_EHOST, "a host name over 255 characters");
    struct nx_dial *d = nx_calloc(a, 1, sizeof *d);
    if (!d)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    *d = (struct nx_dial){.alloc = a,
                          .loop = loop,
                          .done = done,
                          .ctx = ctx,
                          .step_ms = target->step_ms,
                          .deadline_ms = nx_loop_now(loop) + target->step_ms,
                          .port = target->port};
    int rc;
    d->busy_until_ms = d->stagger_ms = UINT64_MAX;
    if (target->addrs) {
        d->deadline_ms = UINT64_MAX;
        d->addrs = *target->addrs;
        rc = connect_first(d, err);
    } else {
        snprintf(d->host, sizeof d->host, "%s", target->host);
        rc = resolve(d, err);
    }
    if (rc) {
        nx_free(a, d);
        return nx_fail(err, rc, NULL);
    }
    *out = d;
    return 0;
}

void nx_dial_cancel(struct nx_dial *d)
{
    if (!d)
        return;
    nx_resolve_cancel(d->resolve);
    close_attempts(d);
    nx_free(d->alloc, d);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t nx_dial_deadline(const struct nx_dial *d)
{
    uint64_t at = earlier(earlier(d->deadline_ms, d->busy_until_ms), d->stagger_ms);
    for (int i = 0; i < AT_ONCE; i++)
        if (d->attempts[i].tcp)
            at = earlier(at, d->attempts[i].deadline_ms);
    return at;
}

static void resolution_timed_out(struct nx_dial *d)
{
    struct noex_error err = {0};
    nx_resolve_cancel(d->resolve);
    d->resolve = NULL;
    nx_fail(&err, NOEX_EDNSTIMEOUT, "no answer from name resolution within %llu ms",
            (unsigned long long)d->step_ms);
    fail(d, err.code, &err);
}

static void attempt_timed_out(struct attempt *a)
{
    struct nx_dial *d = a->d;
    struct noex_error err = {0};
    char text[64];
    nx_tcp_close(a->tcp);
    a->tcp = NULL;
    nx_addr_text(&d->addrs.addr[a->at], text, sizeof text);
    nx_fail(&err, NOEX_ECONNECTTIMEOUT, "no answer from %s port %u within %llu ms", text, d->port,
            (unsigned long long)d->step_ms);
    fail(d, err.code, &err);
}

/* One thing a call: the dial may be over then. */
void nx_dial_timeout(struct nx_dial *d, uint64_t now_ms)
{
    struct noex_error err = {0};
    if (now_ms >= d->deadline_ms) {
        resolution_timed_out(d);
        return;
    }
    for (int i = 0; i < AT_ONCE; i++)
        if (d->attempts[i].tcp && now_ms >= d->attempts[i].deadline_ms) {
            attempt_timed_out(&d->attempts[i]);
            return;
        }
    if (now_ms >= d->stagger_ms) {
        try_next(d);
        return;
    }
    int rc = now_ms >= d->busy_until_ms ? resolve(d, &err) : 0;
    if (rc)
        fail(d, rc, &err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/dial.h"

#include "base/alloc.h"
#include "base/err.h"
#include <stdio.h>
#include <string.h>

enum { BUSY_RETRY_MS = 50 };

struct nx_dial {
    const struct noex_allocator *alloc;
    struct nx_loop *loop;
    nx_dialled_fn done;
    void *ctx;
    uint64_t step_ms;
    uint64_t deadline_ms;
    uint64_t busy_until_ms; /* too many lookups under way: when to try again; else UINT64_MAX */
    uint16_t port;
    char host[256];
    struct nx_resolve *resolve;
    struct nx_tcp *tcp;
    struct nx_addrs addrs;
    unsigned next; /* address to try after this one */
    struct noex_error err;
};

static void try_next(struct nx_dial *d);

static void finish(struct nx_dial *d, int rc, struct nx_tcp *tcp)
{
    if (!rc) {
        struct nx_addr connected = d->addrs.addr[d->next - 1];
        d->addrs.addr[d->next - 1] = d->addrs.addr[0];
        d->addrs.addr[0] = connected;
    }
    d->done(d->ctx, rc, tcp, &d->addrs, &d->err);
    nx_free(d->alloc, d);
}

static void fail(struct nx_dial *d, int code, const struct noex_error *cause)
{
    d->err.code = 0;
    if (cause)
        d->err = *cause;
    nx_fail(&d->err, code, NULL);
    if (d->next < d->addrs.count)
        try_next(d);
    else
        finish(d, code, NULL);
}

static void on_connected(void *ctx, int rc, const struct noex_error *err)
{
    struct nx_dial *d = ctx;
    struct nx_tcp *tcp = d->tcp;
    d->tcp = NULL;
    if (!rc) {
        finish(d, 0, tcp);
        return;
    }
    nx_tcp_close(tcp);
    fail(d, rc, err);
}

static void on_unexpected(void *ctx)
{
    (void)ctx; /* nothing is read or written before the owner takes over */
}

static const struct nx_tcp_handlers handlers = {on_connected, on_unexpected, on_unexpected};

static int connect_next(struct nx_dial *d, struct noex_error *err)
{
    const struct nx_addr *addr = &d->addrs.addr[d->next++];
    d->deadline_ms = nx_loop_now(d->loop) + d->step_ms;
    return nx_tcp_connect(&d->tcp, d->loop, addr, d->port, &handlers, d, err);
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
    d->addrs = *addrs;
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
    d->busy_until_ms = UINT64_MAX;
    if (target->addrs) {
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
    nx_tcp_close(d->tcp);
    nx_free(d->alloc, d);
}

uint64_t nx_dial_deadline(const struct nx_dial *d)
{
    return d->deadline_ms < d->busy_until_ms ? d->deadline_ms : d->busy_until_ms;
}

static void time_out(struct nx_dial *d)
{
    struct noex_error err = {0};
    char text[64];
    if (!d->tcp) {
        nx_resolve_cancel(d->resolve);
        d->resolve = NULL;
        nx_fail(&err, NOEX_EDNSTIMEOUT, "no answer from name resolution within %llu ms",
                (unsigned long long)d->step_ms);
    } else {
        nx_tcp_close(d->tcp);
        d->tcp = NULL;
        nx_addr_text(&d->addrs.addr[d->next - 1], text, sizeof text);
        nx_fail(&err, NOEX_ECONNECTTIMEOUT, "no answer from %s port %u within %llu ms", text,
                d->port, (unsigned long long)d->step_ms);
    }
    fail(d, err.code, &err);
}

void nx_dial_timeout(struct nx_dial *d, uint64_t now_ms)
{
    struct noex_error err = {0};
    if (now_ms >= d->deadline_ms) {
        time_out(d);
        return;
    }
    int rc = now_ms >= d->busy_until_ms ? resolve(d, &err) : 0;
    if (rc)
        fail(d, rc, &err);
}

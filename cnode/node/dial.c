#include "node/dial.h"

#include "base/alloc.h"
#include "base/err.h"
#include <stdio.h>

struct nx_dial {
    const struct noex_allocator *alloc;
    struct nx_loop *loop;
    nx_dialled_fn done;
    void *ctx;
    uint64_t step_ms;
    uint64_t deadline_ms;
    uint16_t port;
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
    if (target->addrs) {
        d->addrs = *target->addrs;
        rc = connect_first(d, err);
    } else {
        rc = nx_resolve_start(&d->resolve, loop, target->host, on_resolved, d, err);
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
    return d->deadline_ms;
}

void nx_dial_timeout(struct nx_dial *d, uint64_t now_ms)
{
    struct noex_error err = {0};
    if (now_ms < d->deadline_ms)
        return;
    if (d->resolve) {
        nx_resolve_cancel(d->resolve);
        d->resolve = NULL;
        nx_fail(&err, NOEX_EDNSTIMEOUT, "no answer from name resolution within %llu ms",
                (unsigned long long)d->step_ms);
        fail(d, NOEX_EDNSTIMEOUT, &err);
        return;
    }
    char text[64];
    nx_tcp_close(d->tcp);
    d->tcp = NULL;
    nx_addr_text(&d->addrs.addr[d->next - 1], text, sizeof text);
    nx_fail(&err, NOEX_ECONNECTTIMEOUT, "no answer from %s port %u within %llu ms", text, d->port,
            (unsigned long long)d->step_ms);
    fail(d, NOEX_ECONNECTTIMEOUT, &err);
}

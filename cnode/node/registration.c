/* SPDX-License-Identifier: Apache-2.0 */
#include "node/registration.h"

#include "base/err.h"
#include "node/dial.h"

void nx_registration_init(struct nx_registration *r, noex_node *node, nx_registration_fn told,
                          void *ctx)
{
    const struct noex_options *o = &node->options;
    r->node = node;
    r->told = told;
    r->ctx = ctx;
    r->question = (struct nx_epmd_question){.host = "localhost",
                                            .port = o->epmd_port,
                                            .step_ms = o->step_ms,
                                            .alive = node->self.alive};
    r->try_ms = UINT64_MAX;
}

/* epmd takes registrations from its own machine only. It need not listen over IPv6. */
void nx_registration_start(struct nx_registration *r, uint16_t port, bool only_v6)
{
    r->port = port;
    r->addrs.count = 0;
    if (only_v6)
        r->addrs.addr[r->addrs.count++] = nx_addr_loopback(true);
    r->addrs.addr[r->addrs.count++] = nx_addr_loopback(false);
    r->try_ms = nx_loop_now(r->node->loop);
}

void nx_registration_stop(struct nx_registration *r)
{
    nx_dial_cancel(r->dial);
    nx_tcp_close(r->tcp);
    r->dial = NULL;
    r->tcp = NULL;
    r->held = false;
    r->try_ms = UINT64_MAX;
}

static void fail(struct nx_registration *r, const struct noex_error *err)
{
    nx_registration_stop(r);
    r->try_ms = nx_loop_now(r->node->loop) + NX_REGISTRATION_RETRY_MS;
    r->told(r->ctx, err->code, err);
}

/* The creation that epmd gives is not taken: a node's own never changes. */
static void settle(struct nx_registration *r, int rc)
{
    struct noex_error err = {0};
    if (rc == EPMD_MORE)
        return;
    if (rc < 0) {
        nx_epmd_ended(&r->question, rc, &err);
        fail(r, &err);
        return;
    }
    r->held = true;
    r->told(r->ctx, 0, NULL);
}

/* On the way to the loopback all that can go wrong is that epmd is not there, or does not answer.
 */
static void on_lost(struct nx_registration *r, int rc, const struct noex_error *cause)
{
    struct noex_error err = {0};
    if (noex_error_class(rc) == NOEX_CLASS_REACH && rc != NOEX_ECONNREFUSED)
        rc = NOEX_EEPMD;
    else if (noex_error_class(rc) == NOEX_CLASS_SILENCE)
        rc = NOEX_EEPMDTIMEOUT;
    nx_epmd_unreached(&r->question, rc, cause, &err);
    fail(r, &err);
}

static void on_readable(void *ctx)
{
    struct nx_registration *r = ctx;
    struct noex_error err = {0};
    uint8_t bytes[64];
    int64_t n = nx_tcp_read(r->tcp, bytes, sizeof bytes, &err);
    if (n > 0)
        settle(r, epmd_session_feed(&r->session, bytes, (size_t)n));
    else if (n == NOEX_ECLOSED)
        settle(r, epmd_session_eof(&r->session));
    else if (n < 0)
        on_lost(r, NOEX_ELOST, &err);
}

static void on_writable(void *ctx)
{
    struct nx_registration *r = ctx;
    struct noex_error err = {0};
    size_t len;
    const uint8_t *bytes = epmd_session_out(&r->session, &len);
    int64_t n = len ? nx_tcp_write(r->tcp, bytes, len, &err) : 0;
    if (n < 0)
        on_lost(r, NOEX_ELOST, &err);
    else
        epmd_session_sent(&r->session, (size_t)n);
}

static void on_connected_twice(void *ctx, int rc, const struct noex_error *err)
{
    (void)ctx, (void)rc, (void)err; /* told to the dial already */
}

static const struct nx_tcp_handlers handlers = {on_connected_twice, on_readable, on_writable};

static void on_dialled(void *ctx, int rc, struct nx_tcp *tcp, const struct nx_addrs *addrs,
                       const struct noex_error *cause)
{
    struct nx_registration *r = ctx;
    const noex_node *node = r->node;
    const struct epmd_node self = {
        .name = node->self.alive,
        .name_len = strlen(node->self.alive),
        .port = r->port,
        .nodetype = node->options.visible ? EPMD_NODE_NORMAL : EPMD_NODE_HIDDEN,
        .protocol = EPMD_PROTOCOL_TCP,
        .highest = EPMD_DIST_VERSION,
        .lowest = EPMD_DIST_VERSION,
    };
    (void)addrs;
    r->dial = NULL;
    if (rc) {
        on_lost(r, rc, cause);
        return;
    }
    r->tcp = tcp;
    nx_tcp_set_handlers(tcp, &handlers, r);
    rc = epmd_session_register(&r->session, &self, nx_loop_now(node->loop), r->question.step_ms);
    if (rc)
        settle(r, rc);
    else
        on_writable(r);
}

static void begin(struct nx_registration *r)
{
    noex_node *node = r->node;
    const struct nx_dial_target target = {
        .addrs = &r->addrs, .port = r->question.port, .step_ms = r->question.step_ms};
    struct noex_error err = {0};
    r->try_ms = UINT64_MAX;
    int rc = nx_dial_start(&r->dial, &node->alloc, node->loop, &target, on_dialled, r, &err);
    if (rc)
        on_lost(r, rc, &err);
}

uint64_t nx_registration_deadline(const struct nx_registration *r)
{
    if (r->dial)
        return nx_dial_deadline(r->dial);
    return r->tcp ? epmd_session_deadline(&r->session) : r->try_ms;
}

void nx_registration_turn(struct nx_registration *r, uint64_t now_ms)
{
    if (now_ms < nx_registration_deadline(r))
        return;
    if (r->dial)
        nx_dial_timeout(r->dial, now_ms);
    else if (r->tcp)
        settle(r, epmd_session_timeout(&r->session, now_ms));
    else
        begin(r);
}

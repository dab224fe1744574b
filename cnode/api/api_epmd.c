/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "base/alloc.h"
#include "base/err.h"
#include "node/epmd_query.h"

/* A question asked and waited for on a loop of its own. */
struct asking {
    struct nx_loop *loop;
    struct nx_epmd_query *query;
    uint64_t deadline_ms;
    bool done;
    struct noex_error *err;
};

static void on_done(void *ctx, int rc, const struct nx_epmd_answer *answer,
                    const struct noex_error *err)
{
    struct asking *a = ctx;
    (void)answer;
    a->query = NULL;
    a->done = true;
    if (rc)
        *a->err = *err;
}

static uint64_t on_deadline(void *ctx)
{
    const struct asking *a = ctx;
    uint64_t at = a->query ? nx_epmd_query_deadline(a->query) : UINT64_MAX;
    return at < a->deadline_ms ? at : a->deadline_ms;
}

static void on_turn(void *ctx, uint64_t now_ms)
{
    struct asking *a = ctx;
    if (a->query)
        nx_epmd_query_timeout(a->query, now_ms);
    if (a->done || now_ms < a->deadline_ms)
        return;
    nx_epmd_query_cancel(a->query);
    a->query = NULL;
    a->done = true;
    nx_fail(a->err, NOEX_EEPMDTIMEOUT, "no answer from epmd in time");
}

static void on_closed(void *ctx)
{
    (void)ctx; /* a loop of its own is closed inside the call */
}

int noex_epmd_names(const char *host, uint16_t port, uint64_t timeout_ms, noex_epmd_name_fn each,
                    void *user, struct noex_error *err)
{
    struct noex_error ignored;
    struct asking a = {.err = err ? err : &ignored};
    const struct nx_loop_hooks hooks = {&a, on_deadline, on_turn};
    *a.err = (struct noex_error){0};
    if (!host || !*host || !each || !port || !timeout_ms)
        return nx_fail(a.err, NOEX_EINVALID, NULL);
    int rc = nx_loop_new(&a.loop, &nx_alloc_libc, NULL, &hooks, a.err);
    if (rc)
        return rc;
    a.deadline_ms = nx_loop_now(a.loop) + timeout_ms;
    const struct nx_epmd_question question = {
        .host = host, .port = port, .step_ms = timeout_ms, .each = each, .user = user};
    rc = nx_epmd_query_start(&a.query, &nx_alloc_libc, a.loop, &question, on_done, &a, a.err);
    while (!rc && !a.done)
        rc = nx_loop_run(a.loop, timeout_ms);
    nx_epmd_query_cancel(a.query);
    nx_loop_close(a.loop, on_closed, NULL);
    return rc ? nx_fail(a.err, rc, NULL) : a.err->code;
}

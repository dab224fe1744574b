/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop_uv.h"

#include "base/alloc.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

struct nx_loop {
    const struct noex_allocator *alloc;
    struct nx_loop_hooks hooks;
    uv_loop_t *uv; /* &own, or the caller's */
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t timer;
    uv_async_t async;
    struct nx_mailbox *box;
    void (*closed)(void *ctx);
    void *closed_ctx;
    uint64_t wait_until; /* what nx_loop_run was told; UINT64_MAX in a caller's loop */
    unsigned handles;    /* whose close callback has not run */
    unsigned lookups;    /* of names, under way */
    bool running;        /* inside nx_loop_run */
    bool kicked;         /* the next nx_loop_run is not to wait */
    bool polled;         /* the program may wait for the descriptor itself */
    bool closing;
    uv_loop_t own;
};

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static void wake(void *ctx)
{
    nx_loop_wakeup(ctx);
}

static void on_async(uv_async_t *async)
{
    struct nx_loop *loop = async->data;
    nx_mailbox_empty(loop->box);
}

/* Only ends the wait: deadlines are acted on in the turn that follows every poll. */
static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct nx_loop *loop = prepare->data;
    uint64_t due = loop->hooks.deadline(loop->hooks.ctx);
    if (due > loop->wait_until)
        due = loop->wait_until;
    if (due == UINT64_MAX) {
        uv_timer_stop(&loop->timer);
        return;
    }
    uint64_t now = nx_loop_now(loop);
    uv_timer_start(&loop->timer, on_timer, due > now ? due - now : 0, 0);
}

static void on_check(uv_check_t *check)
{
    struct nx_loop *loop = check->data;
    loop->hooks.turn(loop->hooks.ctx, nx_loop_now(loop));
}

/* The handles cannot fail to start: only uv_async_init can, and each uv_loop_t has one of its own.
 */
static int open_handles(struct nx_loop *loop)
{
    int rc = uv_async_init(loop->uv, &loop->async, on_async);
    if (rc)
        return rc;
    /* An eventfd is in the epoll set only after a first poll: a program that nests the loop would
     * not see a wake-up before it. */
    if (loop->uv == &loop->own)
        uv_run(loop->uv, UV_RUN_NOWAIT);
    uv_prepare_init(loop->uv, &loop->prepare);
    uv_check_init(loop->uv, &loop->check);
    uv_timer_init(loop->uv, &loop->timer);
    loop->async.data = loop->prepare.data = loop->check.data = loop->timer.data = loop;
    loop->handles = 4;
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    return 0;
}

/* libuv 1.44 aborts, or leaks what it has opened so far, when descriptors run out inside
 * uv_loop_init, which takes six at most. So see first whether that many are left. */
static int probe_descriptors(void)
{
    int pipes[3][2];
    int opened = 0, rc = 0;
    while (opened < 3 && rc == 0) {
        if (pipe(pipes[opened]) == 0)
            opened++;
        else
            rc = -errno;
    }
    while (opened--) {
        close(pipes[opened][0]);
        close(pipes[opened][1]);
    }
    return rc;
}

static int open_uv(struct nx_loop *loop, uv_loop_t *foreign)
{
    loop->uv = foreign ? foreign : &loop->own;
    int rc = foreign ? 0 : probe_descriptors();
    if (rc == 0 && !foreign)
        rc = uv_loop_init(&loop->own);
    if (rc)
        return rc;
    rc = open_handles(loop);
    if (rc && !foreign)
        uv_loop_close(&loop->own);
    return rc;
}

int nx_loop_new(struct nx_loop **out, const struct noex_allocator *a, void *foreign,
                const struct nx_loop_hooks *hooks, struct noex_error *err)
{
    struct nx_loop *loop = nx_calloc(a, 1, sizeof *loop);
    if (!loop)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    loop->alloc = a;
    loop->hooks = *hooks;
    loop->polled = foreign != NULL;
    loop->wait_until = UINT64_MAX;
    loop->box = nx_mailbox_new(wake, loop);
    int rc = loop->box ? open_uv(loop, foreign) : UV_ENOMEM;
    if (rc == 0) {
        *out = loop;
        return 0;
    }
    if (loop->box)
        nx_mailbox_release(loop->box);
    nx_free(a, loop);
    if (rc == UV_ENOMEM)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    return nx_fail_sys(err, NOEX_ESYSTEM, -rc, "event loop");
}

/* Memory first: `closed` may free the node, and with it the allocator. */
static void finish(struct nx_loop *loop)
{
    void (*closed)(void *ctx) = loop->closed;
    void *ctx = loop->closed_ctx;
    nx_mailbox_release(loop->box);
    nx_free(loop->alloc, loop);
    closed(ctx);
}

/* A connection left open would keep the loop below alive for ever. */
static void assert_closing(uv_handle_t *handle, void *arg)
{
    (void)arg;
    (void)handle;
    assert(uv_is_closing(handle));
}

static void finish_own(struct nx_loop *loop)
{
    uv_walk(&loop->own, assert_closing, NULL);
    while (loop->handles)
        uv_run(&loop->own, UV_RUN_NOWAIT);
    int rc = uv_loop_close(&loop->own);
    (void)rc;
    assert(rc == 0);
    finish(loop);
}

void nx_loop_hold(struct nx_loop *loop)
{
    loop->handles++;
}

void nx_loop_release(struct nx_loop *loop)
{
    loop->handles--;
    if (loop->handles == 0 && loop->closing && loop->uv != &loop->own)
        finish(loop);
}

static void on_closed(uv_handle_t *handle)
{
    nx_loop_release(handle->data);
}

void nx_loop_close(struct nx_loop *loop, void (*closed)(void *ctx), void *ctx)
{
    loop->closing = true;
    loop->closed = closed;
    loop->closed_ctx = ctx;
    nx_mailbox_close(loop->box);
    uv_close((uv_handle_t *)&loop->prepare, on_closed);
    uv_close((uv_handle_t *)&loop->check, on_closed);
    uv_close((uv_handle_t *)&loop->timer, on_closed);
    uv_close((uv_handle_t *)&loop->async, on_closed);
    /* Closed from a callback of its own run, the loop goes when that run unwinds. */
    if (loop->uv == &loop->own && !loop->running)
        finish_own(loop);
}

int nx_loop_run(struct nx_loop *loop, uint64_t max_wait_ms)
{
    if (loop->uv != &loop->own)
        return NOEX_ESTATE;
    if (loop->running)
        return NOEX_EREENTRANT;
    if (loop->kicked)
        max_wait_ms = 0;
    loop->kicked = false;
    nx_loop_update(loop);
    loop->wait_until = add_saturated(nx_loop_now(loop), max_wait_ms);
    loop->running = true;
    uv_run(loop->uv, max_wait_ms ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    loop->running = false;
    if (loop->closing)
        finish_own(loop);
    return 0;
}

int nx_loop_fd(struct nx_loop *loop)
{
    loop->polled = true;
    if (loop->kicked)
        nx_loop_kick(loop);
    return uv_backend_fd(loop->uv);
}

int64_t nx_loop_timeout_ms(struct nx_loop *loop)
{
    uint64_t due = loop->hooks.deadline(loop->hooks.ctx);
    if (due == UINT64_MAX)
        return -1;
    nx_loop_update(loop);
    uint64_t now = nx_loop_now(loop);
    uint64_t wait = due > now ? due - now : 0;
    return wait < INT64_MAX ? (int64_t)wait : INT64_MAX;
}

void nx_loop_kick(struct nx_loop *loop)
{
    loop->kicked = true;
    if (loop->polled && !loop->closing)
        uv_async_send(&loop->async);
}

void nx_loop_wakeup(struct nx_loop *loop)
{
    uv_async_send(&loop->async);
}

uint64_t nx_loop_now(const struct nx_loop *loop)
{
    return uv_now(loop->uv);
}

void nx_loop_update(struct nx_loop *loop)
{
    uv_update_time(loop->uv);
}

/* That of the kernel which costs next to nothing stands still for up to a step of its timer. */
uint64_t nx_loop_soon(const struct nx_loop *loop)
{
#ifdef CLOCK_MONOTONIC_COARSE
    enum { STEP_MS = 10 };
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    const uint64_t ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + STEP_MS;
#else
    const uint64_t ms = uv_hrtime() / 1000000 + 1;
#endif
    return ms > nx_loop_now(loop) ? ms : nx_loop_now(loop);
}

int64_t nx_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uv_loop_t *nx_loop_uv(struct nx_loop *loop)
{
    return loop->uv;
}

const struct noex_allocator *nx_loop_allocator(const struct nx_loop *loop)
{
    return loop->alloc;
}

unsigned *nx_loop_lookups(struct nx_loop *loop)
{
    return &loop->lookups;
}

struct nx_mailbox *nx_loop_mailbox(struct nx_loop *loop)
{
    return loop->box;
}

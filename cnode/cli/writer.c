/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A write is cut at this, so that progress can be seen while a slow reader takes a long buffer. */
enum { CHUNK = 16 * 1024, KEEP = 1024 * 1024, TICK_MS = 50 };

struct stretch {
    char *ptr;
    size_t len;
    size_t cap;
};

/* The producer appends to `filling`; the thread takes it whole when it has emptied `draining`. */
struct writer {
    int fd;
    size_t limit;
    int wake[2]; /* a pipe: wakes the thread, which waits for this and for the reader's end */
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t moved; /* bytes were written, or writing failed */
    struct stretch filling;
    size_t held; /* bytes in both stretches that are not written */
    uint64_t written;
    int error;
    bool idle;      /* the thread has nothing to do */
    bool stopping;  /* it is to end as soon as it can */
    bool finished;  /* it has ended, or is about to without touching this any more */
    bool abandoned; /* it hangs in write(2); this is its own, to free when it comes back */
    writer_wake_fn on_failure;
    void *user;
    struct stretch draining; /* the thread's own */
};

static bool append(struct stretch *s, const char *bytes, size_t len)
{
    if (len > s->cap - s->len) {
        size_t cap = s->cap ? s->cap : 4096;
        while (cap - s->len < len)
            cap *= 2;
        char *grown = realloc(s->ptr, cap);
        if (!grown)
            return false;
        s->ptr = grown;
        s->cap = cap;
    }
    memcpy(s->ptr + s->len, bytes, len);
    s->len += len;
    return true;
}

static void destroy(struct writer *w)
{
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
    close(w->fd);
    close(w->wake[0]);
    close(w->wake[1]);
    free(w->filling.ptr);
    free(w->draining.ptr);
    free(w);
}

/* The thread's last act. */
static void finish(struct writer *w, int error)
{
    pthread_mutex_lock(&w->lock);
    w->error = error;
    w->finished = true;
    pthread_cond_broadcast(&w->moved);
    if (w->on_failure && !w->stopping)
        w->on_failure(w->user);
    bool abandoned = w->abandoned;
    pthread_mutex_unlock(&w->lock);
    if (abandoned)
        destroy(w);
}

static bool is_stopping(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool stopping = w->stopping;
    pthread_mutex_unlock(&w->lock);
    return stopping;
}

/* The next stretch, or false while there is none. */
static bool take(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    struct stretch empty = w->draining;
    empty.len = 0;
    if (empty.cap > KEEP) {
        free(empty.ptr);
        empty = (struct stretch){0};
    }
    w->draining = w->filling;
    w->filling = empty;
    w->idle = w->draining.len == 0;
    bool any = !w->idle;
    pthread_mutex_unlock(&w->lock);
    return any;
}

/* Waits until the descriptor reports one of `events` or trouble, or something is to be done. */
static short await(struct writer *w, short events)
{
    struct pollfd p[2] = {{.fd = w->wake[0], .events = POLLIN}, {.fd = w->fd, .events = events}};
    char bytes[64];
    if (poll(p, 2, -1) < 0)
        return 0;
    while (p[0].revents && read(w->wake[0], bytes, sizeof bytes) > 0)
        ;
    return p[1].revents;
}

static int drain(struct writer *w)
{
    for (size_t done = 0; done < w->draining.len;) {
        size_t left = w->draining.len - done;
        ssize_t n = write(w->fd, w->draining.ptr + done, left < CHUNK ? left : CHUNK);
        if (n < 0 && errno == EAGAIN) /* somebody made it non-blocking */
            await(w, POLLOUT);
        else if (n < 0 && errno != EINTR)
            return errno;
        pthread_mutex_lock(&w->lock);
        done += n > 0 ? (size_t)n : 0;
        w->held -= n > 0 ? (size_t)n : 0;
        w->written += n > 0 ? (size_t)n : 0;
        bool stopping = w->stopping;
        pthread_cond_broadcast(&w->moved);
        pthread_mutex_unlock(&w->lock);
        if (stopping)
            return ECANCELED;
    }
    w->draining.len = 0;
    return 0;
}

/* Until there is something to write. A reader that goes away meanwhile is noticed at once, not at
 * the next line, which may be days off. */
static int await_work(struct writer *w)
{
    short trouble = await(w, 0);
    if (is_stopping(w))
        return ECANCELED;
    if (trouble & POLLNVAL)
        return EBADF;
    return trouble & POLLERR ? EPIPE : trouble ? EIO : 0;
}

static void *run(void *arg)
{
    struct writer *w = arg;
    int error = 0;
    while (!error)
        error = take(w) ? drain(w) : await_work(w);
    finish(w, error);
    return NULL;
}

static bool make_wake_pipe(int wake[2])
{
    if (pipe(wake))
        return false;
    for (int i = 0; i < 2; i++) {
        fcntl(wake[i], F_SETFD, FD_CLOEXEC);
        fcntl(wake[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

/* Signals are for the thread that has asked for them. */
static int start_thread(struct writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* A descriptor of its own: the caller may close the other while a write hangs. */
static bool open_all(struct writer *w, int fd)
{
    w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (w->fd < 0)
        return false;
    if (make_wake_pipe(w->wake))
        return true;
    close(w->fd);
    return false;
}

struct writer *writer_new(int fd, size_t limit)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w || !open_all(w, fd)) {
        free(w);
        return NULL;
    }
    w->limit = limit;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->moved, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&w->lock, NULL);
    int rc = start_thread(w);
    if (rc) {
        destroy(w);
        errno = rc;
        return NULL;
    }
    return w;
}

void writer_on_failure(struct writer *w, writer_wake_fn wake, void *user)
{
    pthread_mutex_lock(&w->lock);
    w->on_failure = wake;
    w->user = user;
    if (w->error && wake)
        wake(user);
    pthread_mutex_unlock(&w->lock);
}

int writer_put(struct writer *w, const char *bytes, size_t len)
{
    pthread_mutex_lock(&w->lock);
    int rc = w->error;
    if (!rc && w->held && (w->held >= w->limit || len > w->limit - w->held))
        rc = WRITER_FULL;
    else if (!rc && !append(&w->filling, bytes, len))
        rc = ENOMEM;
    bool wake = !rc && w->idle;
    if (!rc)
        w->held += len;
    if (wake)
        w->idle = false;
    pthread_mutex_unlock(&w->lock);
    /* A full pipe is as good as a written one: the thread will wake. */
    if (wake && write(w->wake[1], "", 1) < 0 && errno != EAGAIN)
        return errno;
    return rc;
}

int writer_error(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    int error = w->error;
    pthread_mutex_unlock(&w->lock);
    return error;
}

static void wait_a_tick(struct writer *w)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&w->moved, &w->lock, &until);
}

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int writer_flush(struct writer *w, uint64_t stall_ms, bool (*give_up)(void))
{
    int rc = 0;
    pthread_mutex_lock(&w->lock);
    uint64_t seen = w->written, since = clock_ms();
    while (w->held && !w->error && !rc) {
        wait_a_tick(w);
        uint64_t now = clock_ms();
        since = seen == w->written ? since : now;
        seen = w->written;
        if (give_up && give_up())
            rc = ECANCELED;
        else if (now - since >= stall_ms)
            rc = ETIMEDOUT;
    }
    rc = w->held == 0 ? 0 : w->error ? w->error : rc;
    pthread_mutex_unlock(&w->lock);
    return rc;
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    uint64_t since = clock_ms();
    /* A full pipe is as good as a written one: the thread will wake. */
    if (write(w->wake[1], "", 1) < 0)
        errno = 0;
    while (!w->finished && clock_ms() - since < 2 * TICK_MS)
        wait_a_tick(w);
    w->abandoned = !w->finished;
    pthread_t thread = w->thread;
    bool finished = w->finished;
    if (!finished)
        pthread_detach(thread);
    pthread_mutex_unlock(&w->lock);
    if (finished) {
        pthread_join(thread, NULL);
        destroy(w);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "io/resolve.h"

#include "base/alloc.h"
#include "base/err.h"
#include "io/loop_uv.h"
#include "io/resolve_hook.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Enough for any name service module; only what is touched costs memory. */
enum { STACK_SIZE = 1 << 20 };

struct nx_resolver nx_resolver = {getaddrinfo, freeaddrinfo, pthread_create, &nx_alloc_libc};

/**
 * One owner at a time: the thread that looks up, then the mailbox, then the loop's thread, which
 * calls back and frees; where the loop is gone the thread frees. From the C library's heap, as it
 * may outlive the node.
 */
struct nx_resolve {
    struct nx_mail mail;
    struct nx_mailbox *box;
    unsigned *under_way; /* the loop's count of threads; NULL: no thread of its own */
    struct nx_resolver with;
    nx_resolved_fn done; /* NULL once cancelled; with ctx the loop's thread's alone */
    void *ctx;
    int rc;
    struct noex_error err;
    struct nx_addrs addrs;
    bool bracketed;
    char host[NX_HOST_MAX + 1];
};

static bool known(const struct nx_addrs *addrs, const struct addrinfo *ai)
{
    for (unsigned i = 0; i < addrs->count; i++)
        if (addrs->addr[i].len == ai->ai_addrlen &&
            memcmp(&addrs->addr[i].addr, ai->ai_addr, ai->ai_addrlen) == 0)
            return true;
    return false;
}

/* The resolver's order is kept (RFC 6724); what stands twice in a hosts file is tried once. */
static void collect(struct nx_addrs *addrs, const struct addrinfo *found)
{
    for (const struct addrinfo *ai = found; ai && addrs->count < NX_ADDRS_MAX; ai = ai->ai_next) {
        bool usable = ai->ai_family == AF_INET || ai->ai_family == AF_INET6;
        if (!usable || ai->ai_addrlen > sizeof addrs->addr[0].addr || known(addrs, ai))
            continue;
        struct nx_addr *a = &addrs->addr[addrs->count++];
        memcpy(&a->addr, ai->ai_addr, ai->ai_addrlen);
        a->len = ai->ai_addrlen;
    }
}

static int lookup_failed(struct nx_resolve *r, int eai, int sys_errno)
{
    char host[160];
    snprintf(host, sizeof host, "%.150s", r->host);
    if (eai == EAI_SYSTEM)
        return nx_fail_sys(&r->err, NOEX_ESYSTEM, sys_errno, host);
    int code = eai == EAI_MEMORY ? NOEX_ESYSTEM : NOEX_EHOST;
    return nx_fail(&r->err, code, "%s: %s", host, gai_strerror(eai));
}

static void look_up(struct nx_resolve *r)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    errno = 0;
    int eai = r->with.lookup(r->host, NULL, &hints, &found);
    if (eai) {
        r->rc = lookup_failed(r, eai, errno);
        return;
    }
    collect(&r->addrs, found);
    r->with.release(found);
    if (r->addrs.count == 0)
        r->rc = lookup_failed(r, EAI_NONAME, 0);
}

static void deliver(struct nx_mail *mail, bool closed)
{
    struct nx_resolve *r = (struct nx_resolve *)mail;
    if (r->under_way && !closed)
        --*r->under_way;
    if (r->done && !closed)
        r->done(r->ctx, r->rc, r->rc ? NULL : &r->addrs, r->rc ? &r->err : NULL);
    nx_free(r->with.alloc, r);
}

static void *run(void *arg)
{
    struct nx_resolve *r = arg;
    struct nx_mailbox *box = r->box;
    look_up(r);
    if (!nx_mailbox_post(box, &r->mail))
        nx_free(r->with.alloc, r);
    nx_mailbox_release(box);
    return NULL;
}

/* Detached, and deaf to signals: those belong to the program's own threads. */
static int spawn(struct nx_resolve *r)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    int rc = pthread_attr_init(&attr);
    if (rc)
        return rc;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = r->with.spawn(&thread, &attr, run, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc;
}

static int start_thread(struct nx_resolve *r, unsigned *under_way, struct noex_error *err)
{
    if (*under_way >= NX_LOOKUPS_MAX)
        return nx_fail(err, NOEX_ELIMIT, "%d name lookups are waiting for the resolver already",
                       NX_LOOKUPS_MAX);
    r->under_way = under_way;
    nx_mailbox_hold(r->box);
    int rc = spawn(r);
    if (rc) {
        nx_mailbox_release(r->box);
        return nx_fail_sys(err, NOEX_ESYSTEM, rc, "no thread for a name lookup");
    }
    ++*under_way; /* only the loop's thread counts, so the thread cannot have been counted down */
    return 0;
}

/* True where the host is an address in digits, which needs neither a thread nor the resolver. */
static bool numeric(struct nx_resolve *r)
{
    struct addrinfo hints = {.ai_family = r->bracketed ? AF_INET6 : AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;
    if (getaddrinfo(r->host, NULL, &hints, &found))
        return false;
    collect(&r->addrs, found);
    freeaddrinfo(found);
    return r->addrs.count > 0;
}

/* Copies the host without its brackets; false where it cannot be one. */
static bool take_host(struct nx_resolve *r, const char *host)
{
    size_t len = strlen(host);
    r->bracketed = host[0] == '[';
    if (r->bracketed) {
        if (host[len - 1] != ']')
            return false;
        host++;
        len -= 2;
    }
    if (len == 0 || len > NX_HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)host[i] <= ' ' || host[i] == 0x7f)
            return false;
    memcpy(r->host, host, len);
    return true;
}

static int start(struct nx_resolve *r, unsigned *under_way, const char *host,
                 struct noex_error *err)
{
    if (!take_host(r, host))
        return nx_fail(err, NOEX_EHOST, "not a host name (1 to %d visible characters)",
                       NX_HOST_MAX);
    if (numeric(r)) {
        bool open = nx_mailbox_post(r->box, &r->mail);
        return open ? 0 : nx_fail(err, NOEX_ESTATE, NULL);
    }
    if (r->bracketed)
        return nx_fail(err, NOEX_EHOST, "[%.150s]: not an IPv6 address", r->host);
    return start_thread(r, under_way, err);
}

int nx_resolve_start(struct nx_resolve **out, struct nx_loop *loop, const char *host,
                     nx_resolved_fn done, void *ctx, struct noex_error *err)
{
    struct nx_resolver with = nx_resolver;
    struct nx_resolve *r = nx_calloc(with.alloc, 1, sizeof *r);
    if (!r)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    r->mail.deliver = deliver;
    r->box = nx_loop_mailbox(loop);
    r->with = with;
    r->done = done;
    r->ctx = ctx;
    int rc = start(r, nx_loop_lookups(loop), host, err);
    if (rc) {
        nx_free(with.alloc, r);
        return rc;
    }
    *out = r;
    return 0;
}

void nx_resolve_cancel(struct nx_resolve *r)
{
    if (r)
        r->done = NULL;
}

void nx_addr_text(const struct nx_addr *a, char *text, size_t size)
{
    if (getnameinfo((const struct sockaddr *)&a->addr, a->len, text, (socklen_t)size, NULL, 0,
                    NI_NUMERICHOST))
        snprintf(text, size, "unknown address");
}

void nx_addr_place(const struct nx_addr *a, uint16_t port, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    bool v6 = a->addr.ss_family == AF_INET6;
    nx_addr_text(a, host, sizeof host);
    snprintf(text, size, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static in_port_t *port_of(struct sockaddr_storage *addr)
{
    if (addr->ss_family == AF_INET6)
        return &((struct sockaddr_in6 *)addr)->sin6_port;
    return &((struct sockaddr_in *)addr)->sin_port;
}

struct nx_addr nx_addr_with_port(const struct nx_addr *a, uint16_t port)
{
    struct nx_addr with = *a;
    *port_of(&with.addr) = htons(port);
    return with;
}

uint16_t nx_addr_port(const struct nx_addr *a)
{
    struct sockaddr_storage addr = a->addr;
    return ntohs(*port_of(&addr));
}

struct nx_addr nx_addr_loopback(bool v6)
{
    const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct sockaddr_in in = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct nx_addr a = {.len = v6 ? sizeof in6 : sizeof in};
    memcpy(&a.addr, v6 ? (const void *)&in6 : (const void *)&in, a.len);
    return a;
}

/* Host names to addresses, off the loop's thread, cancellable at any time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_IO_RESOLVE_H
#define NX_IO_RESOLVE_H

#include "io/loop.h"
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { NX_ADDRS_MAX = 8 };

/** A socket address without a port. */
struct nx_addr {
    struct sockaddr_storage addr;
    socklen_t len;
};

struct nx_addrs {
    unsigned count;
    struct nx_addr addr[NX_ADDRS_MAX];
};

/** `rc` 0: `addrs` has at least one. Else NOEX_EHOST (with the resolver's own words) or
 * NOEX_ESYSTEM in `err`. */
typedef void (*nx_resolved_fn)(void *ctx, int rc, const struct nx_addrs *addrs,
                               const struct noex_error *err);

struct nx_resolve;

/**
 * Looks up TCP addresses of a host: numeric ones (v4, v6 also in brackets and with a scope) need no
 * thread and no resolver, but `done` still comes in a later turn, never inside this call. A
 * getaddrinfo that runs cannot be stopped: cancelling detaches it, and its thread cleans up alone.
 * Errors (then `done` is never called): NOEX_ENOMEM, NOEX_ESYSTEM (no thread), NOEX_EHOST (empty or
 * too long).
 */
NOEX_MUST_USE int nx_resolve_start(struct nx_resolve **out, struct nx_loop *loop, const char *host,
                                   nx_resolved_fn done, void *ctx, struct noex_error *err);

/** Forgets a lookup that has not called back yet; afterwards it never will. After the callback the
 * object is gone by itself. NULL is allowed. Never waits. */
void nx_resolve_cancel(struct nx_resolve *r);

/** "192.0.2.1" or "::1", for messages. */
void nx_addr_text(const struct nx_addr *a, char *text, size_t size);

enum { NX_PLACE_SIZE = INET6_ADDRSTRLEN + IF_NAMESIZE + sizeof "[%]:65535" };
/** "192.0.2.1:4369" or "[::1]:4369": NX_PLACE_SIZE bytes do for any. */
void nx_addr_place(const struct nx_addr *a, uint16_t port, char *text, size_t size);

/** 127.0.0.1, or ::1. */
struct nx_addr nx_addr_loopback(bool v6);

/** The same address with a port, for the kernel; and the port that the kernel gave. */
struct nx_addr nx_addr_with_port(const struct nx_addr *a, uint16_t port);
uint16_t nx_addr_port(const struct nx_addr *a);

#endif

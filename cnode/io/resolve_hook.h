/* What name resolution is made of, so that tests can put a resolver that hangs or fails in its
 * place. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_IO_RESOLVE_HOOK_H
#define NX_IO_RESOLVE_HOOK_H

#include "io/resolve.h"
#include <pthread.h>

enum {
    NX_LOOKUPS_MAX =
        256,          /* lookups of one loop that wait for the resolver, forgotten ones included */
    NX_HOST_MAX = 255 /* characters of a host name */
};

/** Read in the loop's thread when a lookup starts; `lookup` and `release` are called in the
 * lookup's own. */
struct nx_resolver {
    int (*lookup)(const char *host, const char *service, const struct addrinfo *hints,
                  struct addrinfo **found);
    void (*release)(struct addrinfo *found);
    int (*spawn)(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
    const struct noex_allocator *alloc;
};

/** getaddrinfo, freeaddrinfo, pthread_create and malloc, but in tests. */
extern struct nx_resolver nx_resolver;

#endif

/* A resolver that hangs until it is let go, in the place of getaddrinfo.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HANGING_RESOLVER_H
#define HANGING_RESOLVER_H

#include "cmocka_all.h"
#include "io/resolve_hook.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int inside; /* lookups that have not handed their result over */
    int go;
} hang = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

static int hanging_lookup(const char *host, const char *service, const struct addrinfo *hints,
                          struct addrinfo **found)
{
    struct answer {
        struct addrinfo ai;
        struct sockaddr_in addr;
    } *a = calloc(1, sizeof *a);
    (void)host, (void)service, (void)hints;
    assert_non_null(a);
    a->addr.sin_family = AF_INET;
    a->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a->ai = (struct addrinfo){
        .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&a->addr, .ai_addrlen = sizeof a->addr};
    pthread_mutex_lock(&hang.lock);
    hang.inside++;
    pthread_cond_broadcast(&hang.changed);
    while (!hang.go)
        pthread_cond_wait(&hang.changed, &hang.lock);
    pthread_mutex_unlock(&hang.lock);
    *found = &a->ai;
    return 0;
}

/* The last the thread does with the hook: it is about to hand its result over. */
static void hanging_release(struct addrinfo *found)
{
    free(found);
    pthread_mutex_lock(&hang.lock);
    hang.inside--;
    pthread_cond_broadcast(&hang.changed);
    pthread_mutex_unlock(&hang.lock);
}

/** Until so many lookups hang. */
static inline void wait_inside(int count)
{
    pthread_mutex_lock(&hang.lock);
    while (hang.inside != count)
        pthread_cond_wait(&hang.changed, &hang.lock);
    pthread_mutex_unlock(&hang.lock);
}

/** How many lookups hang. */
static inline int hanging(void)
{
    pthread_mutex_lock(&hang.lock);
    int inside = hang.inside;
    pthread_mutex_unlock(&hang.lock);
    return inside;
}

static inline void let_go(void)
{
    pthread_mutex_lock(&hang.lock);
    hang.go = 1;
    pthread_cond_broadcast(&hang.changed);
    pthread_mutex_unlock(&hang.lock);
}

/** Setup and teardown of a test that has it; the teardown waits until all threads let go. */
static inline int use_hanging(void **state)
{
    (void)state;
    hang.go = 0;
    nx_resolver.lookup = hanging_lookup;
    nx_resolver.release = hanging_release;
    return 0;
}

static inline int stop_hanging(void **state)
{
    (void)state;
    let_go();
    wait_inside(0);
    nx_resolver.lookup = getaddrinfo;
    nx_resolver.release = freeaddrinfo;
    return 0;
}

#endif

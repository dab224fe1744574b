/* The functions that a node serves to others: module, function and arity to a callback.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_SERVED_H
#define NX_PROCESS_SERVED_H

#include "base/span.h"
#include <noex/event.h>

/** One function. Its strings are the table's. */
struct nx_served {
    char *module;
    char *function;
    uint32_t arity;
    noex_event_fn on_event;
    void *user;
};

/** Sorted, so that a request costs a few comparisons. */
struct nx_served_table {
    const struct noex_allocator *alloc;
    struct nx_served *list;
    size_t count;
    size_t cap;
};

enum { NX_SERVED_ARITY_MAX = 255 };

/** An empty table. Allocates nothing. */
void nx_served_init(struct nx_served_table *t, const struct noex_allocator *a);
void nx_served_free(struct nx_served_table *t);

/**
 * Serves a function, one that is served already by another callback from now on. `on_event` NULL:
 * it is served no more; one that is not is no error. Errors: NOEX_EINVALID (a name that is no atom,
 * an arity over 255), NOEX_ENOMEM; then nothing has changed.
 */
NOEX_MUST_USE int nx_served_set(struct nx_served_table *t, const char *module, const char *function,
                                uint32_t arity, noex_event_fn on_event, void *user);

/** NULL where it is not served. Borrowed until the table changes. Names are UTF-8, as atoms are. */
const struct nx_served *nx_served_find(const struct nx_served_table *t, struct nx_span module,
                                       struct nx_span function, uint32_t arity);

#endif

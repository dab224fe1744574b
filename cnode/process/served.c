/* SPDX-License-Identifier: Apache-2.0 */
#include "process/served.h"

#include "base/alloc.h"
#include "term/ident.h"

enum { FIRST_CAP = 8, ATOM_SIZE = 3 + NX_ATOM_CHARS_MAX * 4 };

void nx_served_init(struct nx_served_table *t, const struct noex_allocator *a)
{
    *t = (struct nx_served_table){.alloc = a};
}

static void free_names(struct nx_served_table *t, struct nx_served *s)
{
    nx_free(t->alloc, s->module);
    nx_free(t->alloc, s->function);
}

void nx_served_free(struct nx_served_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free_names(t, &t->list[i]);
    nx_free(t->alloc, t->list);
    nx_served_init(t, t->alloc);
}

static int compare_text(struct nx_span a, const char *b)
{
    size_t len = strlen(b);
    if (a.len != len)
        return a.len < len ? -1 : 1;
    return len ? memcmp(a.ptr, b, len) : 0;
}

static int compare(struct nx_span module, struct nx_span function, uint32_t arity,
                   const struct nx_served *s)
{
    int order = (arity > s->arity) - (arity < s->arity);
    order = order ? order : compare_text(function, s->function);
    return order ? order : compare_text(module, s->module);
}

/* Where it is, or would be. */
static size_t place_of(const struct nx_served_table *t, struct nx_span module,
                       struct nx_span function, uint32_t arity, bool *found)
{
    size_t from = 0, to = t->count;
    *found = false;
    while (from < to && !*found) {
        size_t middle = from + (to - from) / 2;
        int order = compare(module, function, arity, &t->list[middle]);
        *found = order == 0;
        if (order > 0)
            from = middle + 1;
        else
            to = middle;
    }
    return *found ? to : from;
}

static bool is_atom(const char *name)
{
    uint8_t bytes[ATOM_SIZE];
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, sizeof bytes);
    return nx_atom_write(&b, nx_span_str(name)) == 0;
}

static int grow(struct nx_served_table *t)
{
    size_t cap = t->cap ? t->cap * 2 : FIRST_CAP;
    struct nx_served *list = nx_realloc(t->alloc, t->list, cap, sizeof *list);
    if (!list)
        return NOEX_ENOMEM;
    t->list = list;
    t->cap = cap;
    return 0;
}

/* A place of its own for a function; its callback is still to be set. */
static int insert(struct nx_served_table *t, size_t at, const char *module, const char *function,
                  uint32_t arity)
{
    int rc = t->count == t->cap ? grow(t) : 0;
    if (rc)
        return rc;
    struct nx_served s = {.module = nx_strndup(t->alloc, module, strlen(module)),
                          .function = nx_strndup(t->alloc, function, strlen(function)),
                          .arity = arity};
    if (!s.module || !s.function) {
        free_names(t, &s);
        return NOEX_ENOMEM;
    }
    memmove(&t->list[at + 1], &t->list[at], (t->count - at) * sizeof *t->list);
    t->list[at] = s;
    t->count++;
    return 0;
}

static void take_out(struct nx_served_table *t, size_t at)
{
    free_names(t, &t->list[at]);
    t->count--;
    memmove(&t->list[at], &t->list[at + 1], (t->count - at) * sizeof *t->list);
}

int nx_served_set(struct nx_served_table *t, const char *module, const char *function,
                  uint32_t arity, noex_event_fn on_event, void *user)
{
    bool found;
    if (!is_atom(module) || !is_atom(function) || arity > NX_SERVED_ARITY_MAX)
        return NOEX_EINVALID;
    size_t at = place_of(t, nx_span_str(module), nx_span_str(function), arity, &found);
    if (!on_event) {
        if (found)
            take_out(t, at);
        return 0;
    }
    int rc = found ? 0 : insert(t, at, module, function, arity);
    if (rc)
        return rc;
    t->list[at].on_event = on_event;
    t->list[at].user = user;
    return 0;
}

const struct nx_served *nx_served_find(const struct nx_served_table *t, struct nx_span module,
                                       struct nx_span function, uint32_t arity)
{
    bool found;
    size_t at = place_of(t, module, function, arity, &found);
    return found ? &t->list[at] : NULL;
}

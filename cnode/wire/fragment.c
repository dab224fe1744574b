/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/fragment.h"

#include "base/alloc.h"
#include "base/err.h"

#include <inttypes.h>

enum { FIRST_CAP = 8 };

/* A message under way. `kept` is the control term and as much of the payload as its ceiling allows.
 */
struct sequence {
    uint64_t id;
    uint64_t next; /* the fragment that must come next */
    uint64_t payload_full;
    size_t control_len;
    size_t keep_min; /* of both, whatever the budget says */
    struct nx_buf kept;
    struct nx_atom_refs *refs;
    size_t refs_size;
};

/* Sequences stand sorted by id, so that a peer with many of them under way costs no more than one
 * with few. */
struct nx_fragments {
    const struct noex_allocator *alloc;
    struct nx_fragment_limits limits;
    struct sequence **table;
    size_t count;
    size_t cap;
    size_t bytes;
    struct sequence *done; /* lent to the caller until the next call */
};

struct nx_fragments *nx_fragments_new(const struct noex_allocator *a,
                                      const struct nx_fragment_limits *limits)
{
    struct nx_fragments *f = nx_alloc(a, sizeof *f);
    if (f)
        *f = (struct nx_fragments){.alloc = a, .limits = *limits};
    return f;
}

static void free_sequence(struct nx_fragments *f, struct sequence *s)
{
    if (!s)
        return;
    nx_buf_free(&s->kept);
    nx_free(f->alloc, s->refs);
    nx_free(f->alloc, s);
}

void nx_fragments_free(struct nx_fragments *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++)
        free_sequence(f, f->table[i]);
    nx_fragments_release(f);
    nx_free(f->alloc, f->table);
    nx_free(f->alloc, f);
}

size_t nx_fragments_count(const struct nx_fragments *f)
{
    return f->count;
}

size_t nx_fragments_bytes(const struct nx_fragments *f)
{
    return f->bytes;
}

size_t nx_fragments_room(const struct nx_fragments *f)
{
    return f->limits.bytes_max > f->bytes ? f->limits.bytes_max - f->bytes : 0;
}

/* Where the sequence stands, or where it belongs. */
static size_t lower_bound(const struct nx_fragments *f, uint64_t id)
{
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (f->table[mid]->id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool stands_at(const struct nx_fragments *f, size_t at, uint64_t id)
{
    return at < f->count && f->table[at]->id == id;
}

static int make_room(struct nx_fragments *f, struct noex_error *err)
{
    if (f->count < f->cap)
        return 0;
    size_t cap = f->cap ? f->cap * 2 : FIRST_CAP;
    struct sequence **table = nx_realloc(f->alloc, f->table, cap, sizeof *table);
    if (!table)
        return nx_fail(err, NOEX_ENOMEM, "no memory for the table of fragmented messages");
    f->table = table;
    f->cap = cap;
    return 0;
}

static void insert_at(struct nx_fragments *f, size_t at, struct sequence *s)
{
    memmove(f->table + at + 1, f->table + at, (f->count - at) * sizeof(struct sequence *));
    f->table[at] = s;
    f->count++;
}

static void remove_at(struct nx_fragments *f, size_t at)
{
    f->count--;
    memmove(f->table + at, f->table + at + 1, (f->count - at) * sizeof(struct sequence *));
}

void nx_fragments_release(struct nx_fragments *f)
{
    free_sequence(f, f->done);
    f->done = NULL;
}

static int out_of_memory(struct noex_error *err)
{
    return nx_fail(err, NOEX_ENOMEM, "no memory for a fragmented message");
}

/* How much of `len` more bytes is kept: up to the message's ceiling, and beyond what must be kept
 * no more than the budget of all messages leaves. Where it is less than all, the ceiling comes
 * down. */
static size_t share(struct nx_fragments *f, struct sequence *s, size_t len)
{
    size_t have = nx_buf_len(&s->kept);
    size_t must = s->keep_min > have ? s->keep_min - have : 0;
    size_t budget = nx_fragments_room(f);
    size_t room = s->kept.max - have;
    size_t keep = len < room ? len : room;
    budget = budget > must ? budget : must;
    if (keep > budget) {
        keep = budget;
        s->kept.max = have + keep;
    }
    return keep;
}

/* Keeps its share of `data` and counts all of it. Without memory no more is kept of this message.
 */
static int take(struct nx_fragments *f, struct sequence *s, struct nx_span data,
                struct noex_error *err)
{
    size_t keep = share(f, s, data.len);
    if (nx_buf_put(&s->kept, data.ptr, keep)) {
        if (nx_buf_len(&s->kept) < s->keep_min)
            return out_of_memory(err);
        s->kept.max = nx_buf_len(&s->kept);
        keep = 0;
    }
    f->bytes += keep;
    s->payload_full += data.len;
    return 0;
}

/* Fragment `fragment` was taken: 1 and the message where it was the last one. */
static int advance(struct nx_fragments *f, size_t at, uint64_t fragment, struct nx_message *out)
{
    struct sequence *s = f->table[at];
    s->next = fragment - 1;
    if (s->next)
        return 0;
    remove_at(f, at);
    f->bytes -= nx_buf_len(&s->kept) + s->refs_size;
    f->done = s;
    const struct nx_span kept = nx_buf_span(&s->kept);
    *out = (struct nx_message){
        .control = nx_span(kept.ptr, s->control_len),
        .payload = nx_span(kept.ptr ? kept.ptr + s->control_len : NULL, kept.len - s->control_len),
        .payload_full = s->payload_full,
        .refs = s->refs,
    };
    return 1;
}

static size_t sum(size_t a, size_t b)
{
    return a < SIZE_MAX - b ? a + b : SIZE_MAX;
}

static int start_sequence(struct nx_fragments *f, uint64_t id, const struct nx_beginning *begin,
                          struct sequence **out, struct noex_error *err)
{
    const size_t control_len = begin->control.len;
    struct sequence *s = nx_alloc(f->alloc, sizeof *s);
    if (!s)
        return out_of_memory(err);
    *s = (struct sequence){
        .id = id, .control_len = control_len, .keep_min = sum(control_len, begin->keep_min)};
    nx_buf_init(&s->kept, f->alloc, sum(control_len, begin->keep_max));
    int rc = nx_buf_put_span(&s->kept, begin->control);
    f->bytes += nx_buf_len(&s->kept);
    rc = rc ? out_of_memory(err) : take(f, s, begin->payload, err);
    if (rc) {
        f->bytes -= nx_buf_len(&s->kept);
        free_sequence(f, s);
        return rc;
    }
    s->payload_full = begin->payload_full;
    s->refs = begin->refs;
    s->refs_size = begin->refs_size;
    f->bytes += s->refs_size;
    *out = s;
    return 0;
}

int nx_fragments_first(struct nx_fragments *f, uint64_t sequence, uint64_t fragment,
                       const struct nx_beginning *begin, struct nx_message *out,
                       struct noex_error *err)
{
    struct sequence *s = NULL;
    nx_fragments_release(f);
    if (fragment == 0)
        return nx_fail(err, NOEX_EPROTOCOL, "a fragment of number 0");
    size_t at = lower_bound(f, sequence);
    if (stands_at(f, at, sequence))
        return nx_fail(err, NOEX_EPROTOCOL, "fragmented message %" PRIu64 " began twice", sequence);
    if (f->count >= f->limits.sequences_max)
        return nx_fail(err, NOEX_ETOOBIG,
                       "more than the limit of %zu fragmented messages under way at once",
                       f->limits.sequences_max);
    int rc = make_room(f, err);
    if (!rc)
        rc = start_sequence(f, sequence, begin, &s, err);
    if (rc)
        return rc;
    insert_at(f, at, s);
    return advance(f, at, fragment, out);
}

int nx_fragments_next(struct nx_fragments *f, uint64_t sequence, uint64_t fragment,
                      struct nx_span data, struct nx_message *out, struct noex_error *err)
{
    nx_fragments_release(f);
    size_t at = lower_bound(f, sequence);
    if (!stands_at(f, at, sequence))
        return nx_fail(err, NOEX_EPROTOCOL, "a fragment of message %" PRIu64 ", which never began",
                       sequence);
    struct sequence *s = f->table[at];
    if (fragment != s->next)
        return nx_fail(err, NOEX_EPROTOCOL,
                       "fragment %" PRIu64 " of message %" PRIu64 " where %" PRIu64 " was due",
                       fragment, sequence, s->next);
    int rc = take(f, s, data, err);
    return rc ? rc : advance(f, at, fragment, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/expand.h"

#include "base/err.h"
#include "term/check.h"
#include "wire/walk.h"

enum { REF = 82, REF_SIZE = 2 };

/* A fun that is not over yet: its size counts what is expanded in it. */
struct fun {
    const uint8_t *size;
    uint64_t growth; /* of all before it */
};

struct expand {
    struct nx_walk walk;
    const uint8_t *start;
    const uint8_t *from; /* what is not copied yet begins here */
    uint64_t growth;     /* how much longer the plain term is, so far */
    const struct nx_atom_refs *refs;
    struct nx_buf *out;
    size_t mark; /* where the plain term begins in `out` */
    size_t max;
    int why;
    bool copied; /* something was to be replaced */
    size_t depth;
    struct fun fun[NX_TERM_DEPTH_MAX]; /* each of them is a container: the check allows no more */
};

/* Once something was left out, nothing can be put behind it. */
static void put(struct expand *x, const uint8_t *bytes, size_t n)
{
    const size_t room = x->max - (nx_buf_len(x->out) - x->mark);
    if (x->why)
        return;
    if (n > room)
        x->why = NOEX_ELIMIT;
    n = n < room ? n : room;
    int rc = nx_buf_reserve(x->out, n);
    if (rc) {
        x->why = rc;
        n = x->out->cap - x->out->end;
    }
    if (n)
        memcpy(x->out->data + x->out->end, bytes, n);
    nx_buf_commit(x->out, n);
}

static void copy_up_to(struct expand *x, const uint8_t *to)
{
    put(x, x->from, (size_t)(to - x->from));
    x->from = to;
}

static int replace(struct expand *x, struct noex_error *err)
{
    const uint8_t n = x->walk.at[1];
    if (n >= x->refs->count)
        return nx_fail(err, NOEX_EPROTOCOL,
                       "a term refers to atom %u of a distribution header that has %zu", n,
                       x->refs->count);
    const struct nx_span atom = x->refs->atom[n];
    copy_up_to(x, x->walk.at);
    if (atom.ptr)
        put(x, atom.ptr, atom.len);
    else if (!x->why)
        x->why = NOEX_ENOMEM;
    x->from = x->walk.p;
    x->growth += atom.len - REF_SIZE;
    x->copied = true;
    return 0;
}

/* One that is cut keeps the bytes that it lacks: it must not seem to be whole. */
static void correct_size(struct expand *x, const struct fun *f)
{
    const uint64_t size = nx_get_u32(f->size) + (x->growth - f->growth);
    const uint64_t place = x->mark + (uint64_t)(f->size - x->start) + f->growth;
    if (x->growth > f->growth && place + 4 <= nx_buf_len(x->out))
        nx_put_u32(x->out->data + x->out->start + place,
                   size < UINT32_MAX ? (uint32_t)size : UINT32_MAX);
}

/* Leaves the funs that are over at `at`. */
static void leave_funs(struct expand *x, const uint8_t *at)
{
    for (; x->depth; x->depth--) {
        const struct fun *f = &x->fun[x->depth - 1];
        if ((size_t)(at - f->size) < nx_get_u32(f->size))
            return;
        correct_size(x, f);
    }
}

/* What the walk came to: the end, something broken (it stays as it is, with all behind it), or a
 * fun that is in too many others, where the term is cut. */
static void finish(struct expand *x, struct nx_span in, enum nx_walk_stop stop,
                   struct nx_plain *plain)
{
    const uint8_t *to = stop == NX_WALK_END ? x->walk.p : x->walk.end;
    plain->used = (size_t)(to - x->start);
    plain->full = plain->used + x->growth;
    if (stop == NX_WALK_FUN)
        to = x->walk.at - 1;
    if (x->copied)
        copy_up_to(x, to);
    while (x->depth)
        correct_size(x, &x->fun[--x->depth]);
    plain->term = nx_span(in.ptr, (size_t)(to - x->start));
    if (x->copied)
        plain->term = nx_span(x->out->data + x->out->start + x->mark, nx_buf_len(x->out) - x->mark);
    plain->why = x->why ? x->why : stop == NX_WALK_FUN ? NOEX_ELIMIT : 0;
}

/* Most reasons are nothing else. */
static bool is_one_atom(struct nx_span in, const struct nx_atom_refs *refs)
{
    return in.len >= REF_SIZE && in.ptr[0] == REF && in.ptr[1] < refs->count &&
           refs->atom[in.ptr[1]].ptr;
}

int nx_expand(struct nx_span in, const struct nx_atom_refs *refs, struct nx_buf *out, size_t max,
              struct nx_plain *plain, struct noex_error *err)
{
    if (is_one_atom(in, refs)) {
        const struct nx_span atom = refs->atom[in.ptr[1]];
        *plain = (struct nx_plain){atom, REF_SIZE, atom.len, 0};
        return 0;
    }
    struct expand x; /* its funs are as they come: 16 kilobytes, and hardly ever one of them */
    enum nx_walk_stop stop;
    x.walk = nx_walk(in, 1);
    x.start = x.from = in.ptr;
    x.growth = 0;
    x.refs = refs;
    x.out = out;
    x.mark = nx_buf_len(out);
    x.max = max;
    x.why = 0;
    x.copied = false;
    x.depth = 0;
    while ((stop = nx_walk_next(&x.walk)) == NX_WALK_ATOM || stop == NX_WALK_FUN) {
        leave_funs(&x, x.walk.at);
        if (stop == NX_WALK_FUN && x.depth == NX_TERM_DEPTH_MAX)
            break;
        if (stop == NX_WALK_FUN) {
            x.fun[x.depth++] = (struct fun){x.walk.at, x.growth};
        } else if (x.walk.at[0] == REF) {
            int rc = replace(&x, err);
            if (rc)
                return rc;
        }
    }
    finish(&x, in, stop, plain);
    return 0;
}

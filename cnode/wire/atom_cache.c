/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/atom_cache.h"

#include "base/alloc.h"
#include "base/err.h"
#include "term/ident.h"

enum {
    EMPTY = 0, /* in place of a slot's atom: none was ever put in */
    LOST = 1,  /* one was, and there was no memory for it */
    SLOT_SIZE = 2,
    FIRST_CAP = 32 * 1024, /* 2048 atoms of ordinary length make 40 KiB */
    ATOM_BYTES_MAX = 255 * 4,
    TOKEN_HEAD_MAX = 3,
    /* What a section without new atoms is: half a byte for each and one more, and a byte each. */
    SECTION_MAX = NX_ATOM_REFS_MAX / 2 + 1 + NX_ATOM_REFS_MAX
};

struct slot {
    uint32_t at; /* of its atom in the heap; EMPTY, LOST */
    uint16_t len;
};

/* The heap holds each atom as the term that takes the place of its references, with the number of
 * its slot before it. It grows at its end; what was overwritten is dropped when it is full. Between
 * two headers only: spans of one header's references lead into it. */
struct nx_atom_cache {
    const struct noex_allocator *alloc;
    struct slot slot[NX_ATOM_CACHE_SLOTS];
    struct nx_span ref[NX_ATOM_REFS_MAX];
    struct nx_atom_refs last;     /* of the section read last, if it put nothing in, */
    uint8_t section[SECTION_MAX]; /* which was this */
    uint8_t *heap;
    size_t used;
    size_t cap;
};

struct nx_atom_cache *nx_atom_cache_new(const struct noex_allocator *a)
{
    struct nx_atom_cache *c = nx_calloc(a, 1, sizeof *c);
    if (!c)
        return NULL;
    c->alloc = a;
    c->heap = nx_alloc(a, FIRST_CAP);
    c->cap = FIRST_CAP;
    c->used = SLOT_SIZE; /* so that no atom stands at LOST */
    if (c->heap)
        return c;
    nx_free(a, c);
    return NULL;
}

void nx_atom_cache_free(struct nx_atom_cache *c)
{
    if (!c)
        return;
    nx_free(c->alloc, c->heap);
    nx_free(c->alloc, c);
}

static size_t token_len(const uint8_t *token)
{
    return token[0] == 119 ? 2 + (size_t)token[1] : TOKEN_HEAD_MAX + (size_t)nx_get_u16(token + 1);
}

/* Moves what is alive together. */
static void compact(struct nx_atom_cache *c)
{
    size_t to = SLOT_SIZE;
    for (size_t at = SLOT_SIZE, size; at < c->used; at += size) {
        struct slot *s = &c->slot[nx_get_u16(c->heap + at)];
        size = SLOT_SIZE + token_len(c->heap + at + SLOT_SIZE);
        if (s->at != at + SLOT_SIZE)
            continue;
        memmove(c->heap + to, c->heap + at, size);
        s->at = (uint32_t)(to + SLOT_SIZE);
        to += size;
    }
    c->used = to;
}

/* Room for `need` bytes if that can be; half of the heap is to be free after each compaction, or
 * they come too often. */
static void make_room(struct nx_atom_cache *c, size_t need)
{
    if (c->cap - c->used >= need)
        return;
    compact(c);
    size_t wanted = 2 * c->used > c->used + need ? 2 * c->used : c->used + need;
    if (wanted <= c->cap)
        return;
    uint8_t *heap = nx_realloc(c->alloc, c->heap, wanted, 1);
    c->cap = heap ? wanted : c->cap;
    c->heap = heap ? heap : c->heap;
}

/* False where the text is none of an atom. */
static bool put_atom(struct nx_atom_cache *c, unsigned slot, struct nx_span text)
{
    const size_t head = text.len < 256 ? 2 : TOKEN_HEAD_MAX, len = head + text.len;
    c->slot[slot] = (struct slot){.at = LOST, .len = (uint16_t)len};
    if (c->cap - c->used < SLOT_SIZE + len)
        return true;
    uint8_t *p = c->heap + c->used;
    *p++ = (uint8_t)(slot >> 8);
    *p++ = (uint8_t)slot;
    const struct nx_span token = nx_span(p, len);
    *p++ = head == 2 ? 119 : 118;
    if (head == TOKEN_HEAD_MAX)
        *p++ = (uint8_t)(text.len >> 8);
    *p++ = (uint8_t)text.len;
    if (text.len)
        memcpy(p, text.ptr, text.len);
    c->slot[slot].at = (uint32_t)(token.ptr - c->heap);
    c->used += SLOT_SIZE + len;
    return nx_atom_parse(token, &text);
}

static unsigned nibble(const uint8_t *flags, size_t i)
{
    return flags[i / 2] >> (i % 2 * 4) & 15;
}

static int cut_short(struct noex_error *err)
{
    return nx_fail(err, NOEX_EPROTOCOL, "a distribution header is cut short");
}

static int no_atom(struct noex_error *err)
{
    return nx_fail(err, NOEX_EPROTOCOL,
                   "a distribution header has an atom over 255 characters, or not UTF-8");
}

/* What the new atoms of a header take in the heap at most. */
static size_t room_for(const uint8_t *flags, size_t count, size_t left)
{
    const bool is_long = nibble(flags, count) & 1;
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++)
        fresh += nibble(flags, i) >> 3;
    const size_t text = fresh * (is_long ? ATOM_BYTES_MAX : UINT8_MAX);
    return fresh * (SLOT_SIZE + TOKEN_HEAD_MAX) + (text < left ? text : left);
}

static int read_atom(struct nx_rd *in, bool is_long, struct nx_span *text, struct noex_error *err)
{
    uint8_t n8 = 0;
    uint16_t n16 = 0;
    if (is_long ? !nx_rd_u16(in, &n16) : !nx_rd_u8(in, &n8))
        return cut_short(err);
    if (n16 > ATOM_BYTES_MAX)
        return no_atom(err);
    return nx_rd_bytes(in, is_long ? n16 : n8, text) ? 0 : cut_short(err);
}

/* The i-th reference: bit 3 of its nibble says that its atom is new, the others are the upper three
 * bits of its slot's number. */
static int read_ref(struct nx_atom_cache *c, size_t i, unsigned flags, bool is_long,
                    struct nx_rd *in, struct noex_error *err)
{
    uint8_t low;
    if (!nx_rd_u8(in, &low))
        return cut_short(err);
    const unsigned slot = (flags & 7) << 8 | low;
    if (flags & 8) {
        struct nx_span text = {NULL, 0};
        int rc = read_atom(in, is_long, &text, err);
        if (rc)
            return rc;
        if (!put_atom(c, slot, text))
            return no_atom(err);
    }
    const struct slot *s = &c->slot[slot];
    if (s->at == EMPTY)
        return nx_fail(err, NOEX_EPROTOCOL,
                       "a distribution header refers to slot %u of the atom cache, which is empty",
                       slot);
    c->ref[i] = nx_span(s->at == LOST ? NULL : c->heap + s->at, s->len);
    return 0;
}

static size_t section_len(size_t count)
{
    return count / 2 + 1 + count;
}

/* In a storm one header after another is the same. */
static bool is_last(const struct nx_atom_cache *c, size_t count, const struct nx_rd *in)
{
    const size_t len = section_len(count);
    return count == c->last.count && nx_rd_left(in) >= len && memcmp(in->p, c->section, len) == 0;
}

/* What a section was read to; it put nothing in where it is no longer than its references. */
static struct nx_atom_refs note_last(struct nx_atom_cache *c, size_t count, struct nx_span section)
{
    const struct nx_atom_refs refs = {count, c->ref, c->last.version + 1};
    c->last = refs;
    if (section.len == section_len(count))
        memcpy(c->section, section.ptr, section.len);
    else
        c->last.count = 0;
    return refs;
}

int nx_atom_cache_read(struct nx_atom_cache *c, size_t count, struct nx_rd *in,
                       struct nx_atom_refs *refs, struct noex_error *err)
{
    const uint8_t *start = in->p;
    struct nx_span flags;
    if (is_last(c, count, in)) {
        in->p += section_len(count);
        *refs = c->last;
        return 0;
    }
    c->last.count = 0;
    if (!nx_rd_bytes(in, count / 2 + 1, &flags))
        return cut_short(err);
    make_room(c, room_for(flags.ptr, count, nx_rd_left(in)));
    for (size_t i = 0; i < count; i++) {
        int rc = read_ref(c, i, nibble(flags.ptr, i), nibble(flags.ptr, count) & 1, in, err);
        if (rc)
            return rc;
    }
    *refs = note_last(c, count, nx_span(start, (size_t)(in->p - start)));
    return 0;
}

struct nx_atom_refs *nx_atom_refs_copy(const struct noex_allocator *a,
                                       const struct nx_atom_refs *refs, size_t max, size_t *size)
{
    *size = sizeof *refs + refs->count * sizeof *refs->atom;
    for (size_t i = 0; i < refs->count; i++)
        *size += refs->atom[i].ptr ? refs->atom[i].len : 0;
    struct nx_atom_refs *copy = *size <= max ? nx_alloc(a, *size) : NULL;
    if (!copy)
        return NULL;
    struct nx_span *atom = (struct nx_span *)(void *)(copy + 1);
    uint8_t *text = (uint8_t *)(atom + refs->count);
    for (size_t i = 0; i < refs->count; i++) {
        atom[i] = refs->atom[i];
        if (!atom[i].ptr)
            continue;
        memcpy(text, atom[i].ptr, atom[i].len);
        atom[i].ptr = text;
        text += atom[i].len;
    }
    *copy = (struct nx_atom_refs){refs->count, atom, 0};
    return copy;
}

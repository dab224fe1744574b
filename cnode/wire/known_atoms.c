/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/known_atoms.h"

#include "base/alloc.h"
#include "wire/walk.h"

enum {
    HASHED = 256, /* of the 2048 slots that there are: what we say again and again are few atoms */
    SELF = HASHED,
    PEER,
    PLACES,
    REFS_MAX = 255, /* of one header */
    NO_REF = 255,
    ATOM_MIN = 2,   /* bytes: shorter ones are no longer than a reference */
    ATOM_MAX = 255, /* longer ones would make all lengths in a header longer */
    HEAP = 8 * 1024,
    HEAP_LOW = 1024,        /* less room than that between two messages, and it is begun anew */
    SECTION = 2 * 1024,     /* of a header: what does not fit in is sent as it is */
    PID_TAIL = 3 * 4,       /* behind the name of the node */
    REFERENCE_TAIL = 4 * 4, /* the same, of the usual size */
    FRESH = 8,              /* in a nibble: the atom comes along */
    REF = 82,
    PID = 88,
    REFERENCE = 90,
    ATOM = 119
};

/* A place is a slot of the peer's cache. */
struct place {
    uint32_t hash; /* of the atom that came last */
    uint16_t at;   /* of its text; 0: it came once only, and has none */
    uint8_t len;
    uint8_t ref; /* its number in this message; NO_REF */
    bool known;  /* the peer has it */
};

struct nx_known_atoms {
    const struct noex_allocator *alloc;
    struct place place[PLACES];
    size_t count;                    /* of the references in this message */
    uint16_t used[REFS_MAX];         /* their places */
    uint8_t flags[REFS_MAX / 2 + 1]; /* a nibble for each, and one behind them */
    size_t section_len;
    uint8_t section[SECTION]; /* a slot for each, and the texts that are new to the peer */
    size_t heap_kept;         /* the names, at the beginning */
    size_t heap_used;
    uint8_t heap[HEAP];
};

static void forget(struct place *p)
{
    *p = (struct place){.ref = NO_REF};
}

static void store(struct nx_known_atoms *k, struct place *p, struct nx_span text)
{
    p->at = (uint16_t)k->heap_used;
    p->len = (uint8_t)text.len;
    memcpy(k->heap + k->heap_used, text.ptr, text.len);
    k->heap_used += text.len;
}

struct nx_known_atoms *nx_known_atoms_new(const struct noex_allocator *a, const char *self_name,
                                          const char *peer_name)
{
    const struct nx_span names[] = {nx_span_str(self_name), nx_span_str(peer_name)};
    struct nx_known_atoms *k = nx_calloc(a, 1, sizeof *k);
    if (!k)
        return NULL;
    k->alloc = a;
    k->heap_used = 1; /* no text stands at 0 */
    for (size_t i = 0; i < PLACES; i++)
        forget(&k->place[i]);
    for (size_t i = 0; i < 2; i++)
        if (names[i].len <= ATOM_MAX)
            store(k, &k->place[SELF + i], names[i]);
    k->heap_kept = k->heap_used;
    return k;
}

void nx_known_atoms_free(struct nx_known_atoms *k)
{
    if (k)
        nx_free(k->alloc, k);
}

static uint64_t load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* Any good one will do: it never leaves this node. */
static uint32_t hash_of(struct nx_span text)
{
    enum { WORD = sizeof(uint64_t) };
    uint64_t h = text.len;
    const uint8_t *p = text.ptr, *end = text.ptr + text.len;
    for (; end - p >= WORD; p += WORD)
        h = mix(h, load(p));
    if (text.len >= WORD)
        return (uint32_t)mix(h, load(end - WORD));
    uint64_t word = 0;
    while (p < end)
        word = word << 8 | *p++;
    return (uint32_t)mix(h, word);
}

static bool holds(const struct nx_known_atoms *k, const struct place *p, struct nx_span text)
{
    return p->at && p->len == text.len && memcmp(k->heap + p->at, text.ptr, text.len) == 0;
}

/* The place of an atom; NULL where it has none yet, or that is taken in this message. */
static struct place *find(struct nx_known_atoms *k, struct nx_span text)
{
    if (holds(k, &k->place[SELF], text))
        return &k->place[SELF];
    if (holds(k, &k->place[PEER], text))
        return &k->place[PEER];
    const uint32_t hash = hash_of(text);
    struct place *p = &k->place[hash % HASHED];
    if (holds(k, p, text))
        return p;
    if (p->ref != NO_REF)
        return NULL;
    const bool again = p->hash == hash && !p->at;
    forget(p);
    p->hash = hash;
    if (!again || HEAP - k->heap_used < text.len)
        return NULL;
    store(k, p, text);
    return p;
}

/* The next number for a place; NO_REF where the header has no room for it. */
static uint8_t number(struct nx_known_atoms *k, struct place *p)
{
    const size_t slot = (size_t)(p - k->place), text = p->known ? 0 : 1 + (size_t)p->len;
    const unsigned nibble = (unsigned)(slot >> 8) | (p->known ? 0 : FRESH);
    if (k->count == REFS_MAX || SECTION - k->section_len < 1 + text)
        return NO_REF;
    uint8_t *flags = k->flags + k->count / 2;
    if (k->count % 2) {
        *flags++ |= (uint8_t)(nibble << 4);
        *flags = 0; /* behind the last one stands how long lengths are: a byte */
    } else {
        *flags = (uint8_t)nibble;
    }
    uint8_t *to = k->section + k->section_len;
    *to++ = (uint8_t)slot;
    if (text) {
        *to++ = p->len;
        memcpy(to, k->heap + p->at, p->len);
    }
    k->section_len += 1 + text;
    k->used[k->count] = (uint16_t)slot;
    p->ref = (uint8_t)k->count++;
    return p->ref;
}

/* The number of an atom in this message; NO_REF. */
static uint8_t ref_of(struct nx_known_atoms *k, const uint8_t *token)
{
    const struct nx_span text = nx_span(token + 2, token[1]);
    struct place *p = text.len >= ATOM_MIN ? find(k, text) : NULL;
    return !p ? NO_REF : p->ref != NO_REF ? p->ref : number(k, p);
}

static void copy(struct nx_buf *out, const uint8_t *from, size_t n)
{
    memcpy(out->data + out->end, from, n);
    nx_buf_commit(out, n);
}

void nx_known_atoms_put(struct nx_known_atoms *k, struct nx_buf *out, struct nx_span term)
{
    const uint8_t *p = term.ptr;
    uint8_t *to = out->data + out->end;
    const size_t at = p[0] == PID ? 1 : p[0] == REFERENCE ? 3 : 0;
    const bool has_atom = term.len >= at + 2 && p[at] == ATOM && term.len >= at + 2 + p[at + 1];
    const uint8_t ref = has_atom ? ref_of(k, p + at) : NO_REF;
    if (ref == NO_REF) {
        copy(out, p, term.len);
        return;
    }
    const uint8_t *tail = p + at + 2 + p[at + 1];
    const size_t tail_len = term.len - (size_t)(tail - p);
    if (at)
        memcpy(to, p, 3); /* of a pid one byte counts */
    to[at] = REF;
    to[at + 1] = ref;
    /* Sizes that the compiler knows: nearly all are of these, and there are very many. */
    if (tail_len == PID_TAIL)
        memcpy(to + at + 2, tail, PID_TAIL);
    else if (tail_len == REFERENCE_TAIL)
        memcpy(to + at + 2, tail, REFERENCE_TAIL);
    else if (tail_len)
        memcpy(to + at + 2, tail, tail_len);
    nx_buf_commit(out, at + 2 + tail_len);
}

/* What a fun holds stays as it is, and all behind it: its size would have to be counted anew. */
void nx_known_atoms_put_all(struct nx_known_atoms *k, struct nx_buf *out, struct nx_span term)
{
    struct nx_walk w = nx_walk(term, 1);
    const uint8_t *from = term.ptr;
    if (term.ptr[0] == ATOM) { /* noproc, normal */
        nx_known_atoms_put(k, out, term);
        return;
    }
    while (nx_walk_next(&w) == NX_WALK_ATOM) {
        const uint8_t ref[] = {REF, w.at[0] == ATOM ? ref_of(k, w.at) : NO_REF};
        if (ref[1] == NO_REF)
            continue;
        copy(out, from, (size_t)(w.at - from));
        copy(out, ref, sizeof ref);
        from = w.p;
    }
    copy(out, from, (size_t)(term.ptr + term.len - from));
}

size_t nx_known_atoms_refs_size(const struct nx_known_atoms *k)
{
    return k->count ? 1 + k->count / 2 + 1 + k->section_len : 1;
}

void nx_known_atoms_put_refs(const struct nx_known_atoms *k, struct nx_buf *out)
{
    const uint8_t count = (uint8_t)k->count;
    copy(out, &count, 1);
    if (!k->count)
        return;
    copy(out, k->flags, k->count / 2 + 1);
    copy(out, k->section, k->section_len);
}

void nx_known_atoms_end(struct nx_known_atoms *k, bool sent)
{
    for (size_t i = 0; i < k->count; i++) {
        k->place[k->used[i]].ref = NO_REF;
        k->place[k->used[i]].known |= sent;
    }
    k->count = k->section_len = 0;
    if (HEAP - k->heap_used >= HEAP_LOW)
        return;
    for (size_t i = 0; i < HASHED; i++)
        forget(&k->place[i]);
    k->heap_used = k->heap_kept;
}

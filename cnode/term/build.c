/* SPDX-License-Identifier: Apache-2.0 */
/* Building a term. The functions are public, see noex/term.h. */
#include "term/build.h"

#include "base/alloc.h"
#include "term/check.h"
#include "term/utf8.h"
#include "term/write.h"
#include <limits.h>

/* No frame is ever longer, and a length fits in every count of the format. */
enum { TERM_MAX = INT_MAX };

enum {
    TAG_MAP = 116,
    TAG_INTEGER = 97,
    TAG_SMALL_TUPLE = 104,
    TAG_TUPLE = 105,
    TAG_STRING = 107,
    TAG_LIST = 108,
    SMALL_HEAD = 1 + 1,
    STRING_HEAD = 1 + 2,
    HEAD = 1 + 4,
    INTEGER_SIZE = 1 + 1
};

/* A container that is open: where its head stands, and how many terms are in it. The head of a
 * tuple is a small one until the end says otherwise. */
struct level {
    size_t start;
    uint32_t count;
    enum nx_tok_kind kind;
    bool in_key; /* of a map */
    bool tailed; /* of a list: its last term is not in it, but its tail */
};

/* Where a key and its value stand, one behind the other. */
struct pair {
    uint32_t key;
    uint32_t value;
    uint32_t end;
};

struct noex_builder {
    struct noex_allocator alloc;
    struct nx_buf out;
    struct level *levels;
    size_t depth;
    size_t room;        /* for levels */
    struct pair *pairs; /* of the maps that are open, those of the innermost last */
    size_t pair_count;
    size_t pair_room;
    int error; /* the first */
};

int noex_builder_new(noex_builder **out, const struct noex_allocator *allocator)
{
    if (!out)
        return NOEX_EINVALID;
    const struct noex_allocator *a = allocator ? allocator : &nx_alloc_libc;
    noex_builder *b = nx_calloc(a, 1, sizeof *b);
    if (!b)
        return NOEX_ENOMEM;
    b->alloc = *a;
    nx_buf_init(&b->out, &b->alloc, TERM_MAX);
    *out = b;
    return 0;
}

void noex_builder_free(noex_builder *builder)
{
    if (!builder)
        return;
    struct noex_allocator a = builder->alloc;
    nx_buf_free(&builder->out);
    nx_free(&a, builder->levels);
    nx_free(&a, builder->pairs);
    nx_free(&a, builder);
}

void noex_builder_clear(noex_builder *builder)
{
    if (!builder)
        return;
    nx_buf_truncate(&builder->out, 0);
    builder->depth = 0;
    builder->pair_count = 0;
    builder->error = 0;
}

int noex_builder_term(const noex_builder *builder, struct noex_term *term)
{
    if (!builder || !term)
        return NOEX_EINVALID;
    if (builder->error)
        return builder->error;
    if (builder->depth || nx_buf_len(&builder->out) == 0)
        return NOEX_ESTATE;
    struct nx_span bytes = nx_buf_span(&builder->out);
    term->bytes = bytes.ptr;
    term->len = bytes.len;
    return 0;
}

/* Room for one more in an array of `*room`, all of them taken; NULL without memory. */
static void *grow(noex_builder *b, void *array, size_t *room, size_t size)
{
    enum { FIRST_ROOM = 16 };
    size_t wanted = *room ? 2 * *room : FIRST_ROOM;
    void *grown = nx_realloc(&b->alloc, array, wanted, size);
    *room = grown ? wanted : *room;
    return grown;
}

static int add_pair(noex_builder *b)
{
    if (b->pair_count == b->pair_room) {
        struct pair *pairs = grow(b, b->pairs, &b->pair_room, sizeof *pairs);
        if (!pairs)
            return NOEX_ENOMEM;
        b->pairs = pairs;
    }
    b->pairs[b->pair_count++].key = (uint32_t)nx_buf_len(&b->out);
    return 0;
}

/* The last of so many keys and values of the innermost map ends here. */
static void end_item(noex_builder *b, uint32_t count)
{
    if (count == 0)
        return;
    struct pair *last = &b->pairs[b->pair_count - 1];
    *(count % 2 ? &last->value : &last->end) = (uint32_t)nx_buf_len(&b->out);
}

/* Before each term: whether one may stand here. */
static int begin(noex_builder *b)
{
    if (!b)
        return NOEX_EINVALID;
    if (!b->error && b->depth == 0 && nx_buf_len(&b->out))
        b->error = NOEX_ESTATE;
    if (b->error || b->depth == 0)
        return b->error;
    struct level *level = &b->levels[b->depth - 1];
    if (level->kind == NX_TOK_MAP) {
        end_item(b, level->count);
        if (level->count % 2 == 0)
            b->error = add_pair(b);
    }
    level->count++;
    return b->error;
}

/* After each step: its error is the builder's, unless that has one. */
static int done(noex_builder *b, int rc)
{
    if (!b->error)
        b->error = rc;
    return b->error;
}

/* For other files. */

int nx_build_error(const noex_builder *builder)
{
    return builder ? builder->error : NOEX_EINVALID;
}

int nx_build_begin(noex_builder *builder, struct nx_buf **out)
{
    *out = &builder->out;
    return begin(builder);
}

int nx_build_done(noex_builder *builder, int rc)
{
    return done(builder, rc);
}

void nx_build_tail(noex_builder *builder)
{
    builder->levels[builder->depth - 1].tailed = true;
}

/* One term. */

int noex_build_atom(noex_builder *builder, const char *name)
{
    int rc = begin(builder);
    if (rc)
        return rc;
    return done(builder, name ? nx_write_atom(&builder->out, name) : NOEX_EINVALID);
}

int noex_build_int64(noex_builder *builder, int64_t value)
{
    int rc = begin(builder);
    return rc ? rc : done(builder, nx_i64_write(&builder->out, value));
}

int noex_build_uint64(noex_builder *builder, uint64_t value)
{
    int rc = begin(builder);
    return rc ? rc : done(builder, nx_u64_write(&builder->out, value));
}

int noex_build_double(noex_builder *builder, double value)
{
    int rc = begin(builder);
    return rc ? rc : done(builder, nx_write_double(&builder->out, value));
}

int noex_build_binary(noex_builder *builder, const void *bytes, size_t len)
{
    int rc = begin(builder);
    if (rc)
        return rc;
    if (!bytes && len)
        return done(builder, NOEX_EINVALID);
    return done(builder, nx_write_binary(&builder->out, nx_span(bytes, len)));
}

int noex_build_string(noex_builder *builder, const char *text)
{
    int rc = noex_build_list(builder);
    if (rc)
        return rc;
    struct nx_rd in = nx_rd(nx_span(text, text ? strlen(text) : 0));
    for (uint32_t c; nx_utf8_next(&in, &c);)
        noex_build_uint64(builder, c);
    if (!text || nx_rd_left(&in))
        return done(builder, NOEX_EINVALID);
    return noex_build_end(builder);
}

int noex_build_pid(noex_builder *builder, const char *node, const struct noex_pid *pid)
{
    int rc = begin(builder);
    if (rc)
        return rc;
    if (!node || !pid || pid->creation == 0)
        return done(builder, NOEX_EINVALID);
    struct nx_pid written = {nx_span_str(node), pid->id, pid->serial, pid->creation};
    return done(builder, nx_pid_write(&builder->out, &written));
}

int noex_build_nil(noex_builder *builder)
{
    int rc = begin(builder);
    return rc ? rc : done(builder, nx_write_nil(&builder->out));
}

int noex_build_term(noex_builder *builder, struct noex_term term)
{
    size_t used = 0;
    int rc = begin(builder);
    if (rc)
        return rc;
    struct nx_span bytes = nx_span(term.bytes, term.bytes ? term.len : 0);
    rc = nx_term_check_within(bytes, NX_TERM_DEPTH_MAX - builder->depth, &used, NULL);
    return done(builder, rc ? rc : nx_write_raw(&builder->out, nx_span(bytes.ptr, used)));
}

/* Containers. */

static int make_level(noex_builder *b)
{
    if (b->depth == NX_TERM_DEPTH_MAX)
        return NOEX_ELIMIT;
    if (b->depth < b->room)
        return 0;
    struct level *levels = grow(b, b->levels, &b->room, sizeof *levels);
    if (!levels)
        return NOEX_ENOMEM;
    b->levels = levels;
    return 0;
}

static int open_level(noex_builder *b, enum nx_tok_kind kind)
{
    static const uint8_t head[HEAD];
    struct level level = {.kind = kind};
    int rc = begin(b);
    if (rc)
        return rc;
    if (b->depth) {
        const struct level *outer = &b->levels[b->depth - 1];
        level.in_key = outer->in_key || (outer->kind == NX_TOK_MAP && outer->count % 2);
    }
    level.start = nx_buf_len(&b->out);
    rc = make_level(b);
    if (rc == 0)
        rc = nx_buf_put(&b->out, head, kind == NX_TOK_TUPLE ? SMALL_HEAD : HEAD);
    if (rc == 0)
        b->levels[b->depth++] = level;
    return done(b, rc);
}

int noex_build_tuple(noex_builder *builder)
{
    return open_level(builder, NX_TOK_TUPLE);
}

int noex_build_list(noex_builder *builder)
{
    return open_level(builder, NX_TOK_LIST);
}

int noex_build_map(noex_builder *builder)
{
    return open_level(builder, NX_TOK_MAP);
}

static void set_head(uint8_t *head, uint8_t tag, uint32_t count)
{
    head[0] = tag;
    nx_put_u32(head + 1, count);
}

static int end_tuple(noex_builder *b, const struct level *tuple)
{
    if (tuple->count <= UINT8_MAX) {
        b->out.data[tuple->start] = TAG_SMALL_TUPLE;
        b->out.data[tuple->start + 1] = (uint8_t)tuple->count;
        return 0;
    }
    int rc = nx_buf_reserve(&b->out, HEAD - SMALL_HEAD);
    if (rc)
        return rc;
    uint8_t *head = b->out.data + tuple->start;
    memmove(head + HEAD, head + SMALL_HEAD, nx_buf_len(&b->out) - tuple->start - SMALL_HEAD);
    nx_buf_commit(&b->out, HEAD - SMALL_HEAD);
    set_head(head, TAG_TUPLE, tuple->count);
    return 0;
}

/* Whether all elements are integers of one byte: a BEAM writes such a list as a string. */
static bool is_string(const noex_builder *b, const struct level *list)
{
    size_t first = list->start + HEAD, len = nx_buf_len(&b->out) - first;
    if (list->count > UINT16_MAX || len != (size_t)list->count * INTEGER_SIZE)
        return false;
    for (size_t i = 0; i < len; i += INTEGER_SIZE)
        if (b->out.data[first + i] != TAG_INTEGER)
            return false;
    return true;
}

static void make_string(noex_builder *b, const struct level *list)
{
    uint8_t *head = b->out.data + list->start;
    head[0] = TAG_STRING;
    head[1] = (uint8_t)(list->count >> 8);
    head[2] = (uint8_t)list->count;
    for (uint32_t i = 0; i < list->count; i++)
        head[STRING_HEAD + i] = head[HEAD + i * INTEGER_SIZE + 1];
    nx_buf_truncate(&b->out, list->start + STRING_HEAD + list->count);
}

static int end_list(noex_builder *b, const struct level *list)
{
    if (list->tailed) {
        set_head(b->out.data + list->start, TAG_LIST, list->count - 1);
        return 0;
    }
    if (list->count && is_string(b, list)) {
        make_string(b, list);
        return 0;
    }
    if (list->count)
        set_head(b->out.data + list->start, TAG_LIST, list->count);
    else
        nx_buf_truncate(&b->out, list->start);
    return nx_write_nil(&b->out);
}

/* The two zeros are one key for releases before 27 (protocol.md 5). */
static int compare_tokens(const struct nx_tok *a, const struct nx_tok *b)
{
    static const uint8_t minus_zero[8] = {0x80}, zero[8];
    struct nx_span x = a->raw, y = b->raw;
    if (a->tag == b->tag && a->kind == NX_TOK_FLOAT) {
        x = nx_span_eq(a->data, nx_span(minus_zero, 8)) ? nx_span(zero, 8) : a->data;
        y = nx_span_eq(b->data, nx_span(minus_zero, 8)) ? nx_span(zero, 8) : b->data;
    }
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static struct nx_rd key_of(const noex_builder *b, const struct pair *pair)
{
    return nx_rd(nx_span(b->out.data + pair->key, pair->value - pair->key));
}

/* An order among whole terms in which the same keys are equal. */
static int compare_keys(const noex_builder *b, const struct pair *one, const struct pair *other)
{
    struct nx_rd x = key_of(b, one), y = key_of(b, other);
    struct nx_tok s, t;
    int order = 0;
    while (order == 0 && nx_rd_left(&x)) {
        if (nx_tok_next(&x, &s) || nx_tok_next(&y, &t))
            break;
        order = compare_tokens(&s, &t);
    }
    return order;
}

static void sift(const noex_builder *b, struct pair *pairs, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare_keys(b, &pairs[child], &pairs[child + 1]) < 0)
            child++;
        if (compare_keys(b, &pairs[at], &pairs[child]) >= 0)
            return;
        struct pair moved = pairs[at];
        pairs[at] = pairs[child];
        pairs[child] = moved;
    }
}

/* Heapsort: in place, and never slow. */
static void sort(const noex_builder *b, struct pair *pairs, size_t count)
{
    for (size_t i = count / 2; i; i--)
        sift(b, pairs, i - 1, count);
    for (size_t last = count; last > 1; last--) {
        struct pair moved = pairs[0];
        pairs[0] = pairs[last - 1];
        pairs[last - 1] = moved;
        sift(b, pairs, 0, last - 1);
    }
}

/* Writes the pairs of the innermost map in their order in `pairs`. */
static int rearrange(noex_builder *b, const struct pair *pairs, size_t count, size_t first)
{
    size_t len = nx_buf_len(&b->out) - first;
    uint8_t *copy = nx_alloc(&b->alloc, len), *end = copy;
    if (!copy)
        return NOEX_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        memcpy(end, b->out.data + pairs[i].key, pairs[i].end - pairs[i].key);
        end += pairs[i].end - pairs[i].key;
    }
    memcpy(b->out.data + first, copy, len);
    nx_free(&b->alloc, copy);
    return 0;
}

/* A BEAM closes the connection for a map that has a key twice (protocol.md 5). Keys are compared by
 * their bytes, so a map in a key has its own pairs in one order whoever builds it. */
static int check_keys(noex_builder *b, const struct level *map)
{
    size_t count = map->count / 2;
    struct pair *pairs = b->pairs + b->pair_count - count;
    sort(b, pairs, count);
    for (size_t i = 1; i < count; i++)
        if (compare_keys(b, &pairs[i - 1], &pairs[i]) == 0)
            return NOEX_EINVALID;
    return map->in_key ? rearrange(b, pairs, count, map->start + HEAD) : 0;
}

static int end_map(noex_builder *b, const struct level *map)
{
    if (map->count % 2)
        return NOEX_ESTATE;
    set_head(b->out.data + map->start, TAG_MAP, map->count / 2);
    end_item(b, map->count);
    int rc = map->count > 2 ? check_keys(b, map) : 0;
    b->pair_count -= map->count / 2;
    return rc;
}

int noex_build_end(noex_builder *builder)
{
    if (!builder)
        return NOEX_EINVALID;
    if (builder->error)
        return builder->error;
    if (builder->depth == 0)
        return done(builder, NOEX_ESTATE);
    const struct level *level = &builder->levels[--builder->depth];
    if (level->kind == NX_TOK_TUPLE)
        return done(builder, end_tuple(builder, level));
    if (level->kind == NX_TOK_LIST)
        return done(builder, end_list(builder, level));
    return done(builder, end_map(builder, level));
}

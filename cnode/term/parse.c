/* SPDX-License-Identifier: Apache-2.0 */
/* Erlang text as a term. The function is public, see noex/term.h. */
#include <noex/term.h>

#include "term/bits.h"
#include "term/build.h"
#include "term/check.h"
#include "term/numeral.h"
#include "term/utf8.h"
#include "term/word.h"
#include "term/write.h"
#include <stdio.h>

/* A container that is open. A list whose tail is a list again is one list: [1|[2|[3]]] is [1,2,3].
 */
struct level {
    const uint8_t *start;
    enum nx_tok_kind kind;
    bool at_key;  /* of a map: what stands next, or has just been read, is a key */
    bool closing; /* of a list: its tail is read */
    size_t tails; /* how many lists are open that are tails */
};

struct parser {
    struct nx_scan s;
    noex_builder *b;
    bool wanted; /* a term is to come */
    size_t depth;
    struct level stack[NX_TERM_DEPTH_MAX];
};

/* Atoms. */

static int add_atom(struct parser *p, struct nx_span text, const uint8_t *start)
{
    struct nx_buf *out;
    int rc = nx_build_begin(p->b, &out);
    if (rc)
        return rc;
    rc = nx_atom_write(out, text);
    if (rc == NOEX_EINVALID)
        nx_scan_fail(&p->s, start, "an atom of more than %d characters", NX_ATOM_CHARS_MAX);
    return nx_build_done(p->b, rc);
}

static int take_word(struct parser *p)
{
    struct nx_span word = nx_scan_word(&p->s);
    if (nx_word_is_reserved(word))
        return nx_scan_expected(&p->s, "a term (an atom of this name stands in quotes)");
    p->s.in.p += word.len;
    return add_atom(p, word, word.ptr);
}

/* Its first quote is taken. */
static int take_quoted_atom(struct parser *p)
{
    enum { SIZE = (NX_ATOM_CHARS_MAX + 1) * NX_UTF8_MAX };
    const uint8_t *start = p->s.in.p - 1;
    uint8_t text[SIZE + NX_UTF8_MAX];
    size_t len = 0;
    uint32_t c;
    for (bool more = true;;) {
        int rc = nx_scan_quoted(&p->s, '\'', &c, &more);
        if (rc)
            return rc;
        if (!more)
            return add_atom(p, nx_span(text, len), start);
        if (len < SIZE) /* which is too long already */
            len += nx_utf8_put(text + len, c);
    }
}

/* Numbers. */

static int put_big(struct nx_buf *out, const struct nx_numeral *n)
{
    enum { SMALL_BIG = 110, LARGE_BIG = 111, HEAD = 1 + 1 + 1, LONG_HEAD = 1 + 4 + 1 };
    int rc = nx_buf_reserve(out, LONG_HEAD + nx_numeral_size(n));
    if (rc)
        return rc;
    uint8_t *head = out->data + out->end;
    size_t len = nx_numeral_magnitude(n, head + LONG_HEAD);
    if (len > UINT8_MAX) {
        head[0] = LARGE_BIG;
        nx_put_u32(head + 1, (uint32_t)len)[0] = n->negative;
        nx_buf_commit(out, LONG_HEAD + len);
        return 0;
    }
    head[0] = SMALL_BIG;
    head[1] = (uint8_t)len;
    head[2] = n->negative;
    memmove(head + HEAD, head + LONG_HEAD, len);
    nx_buf_commit(out, HEAD + len);
    return 0;
}

static int put_integer(struct nx_buf *out, const struct nx_numeral *n)
{
    uint64_t value;
    if (!nx_numeral_small(n, &value) || (n->negative && value > INT64_MAX))
        return put_big(out, n);
    return n->negative ? nx_i64_write(out, -(int64_t)value) : nx_u64_write(out, value);
}

static int put_float(struct parser *p, struct nx_buf *out, const struct nx_numeral *n)
{
    double value;
    int rc = nx_buf_reserve(out, nx_numeral_scratch(n));
    if (rc)
        return rc;
    if (!nx_numeral_double(n, (char *)out->data + out->end, &value))
        return nx_scan_fail(&p->s, n->start, "a float that is too large");
    return nx_write_double(out, value);
}

static int take_number(struct parser *p)
{
    struct nx_numeral n;
    struct nx_buf *out;
    int rc = nx_numeral_scan(&p->s, &n);
    if (rc == 0)
        rc = nx_build_begin(p->b, &out);
    if (rc)
        return rc;
    return nx_build_done(p->b,
                         n.kind == NX_NUMERAL_FLOAT ? put_float(p, out, &n) : put_integer(out, &n));
}

/* Strings and binaries: their opening is taken. */

static int take_characters(struct parser *p)
{
    uint32_t c;
    bool more;
    int rc;
    while ((rc = nx_scan_string(&p->s, &c, &more)) == 0 && more)
        if ((rc = noex_build_uint64(p->b, c)) != 0)
            break;
    return rc;
}

static int take_string(struct parser *p)
{
    int rc = noex_build_list(p->b);
    if (rc == 0)
        rc = take_characters(p);
    return rc ? rc : noex_build_end(p->b);
}

static int take_binary(struct parser *p)
{
    struct nx_buf *out;
    int rc = nx_build_begin(p->b, &out);
    return rc ? rc : nx_build_done(p->b, nx_bits_scan(&p->s, out));
}

/* Containers. */

/* The builder's limit of depth is that of the stack. */
static int open_level(struct parser *p, enum nx_tok_kind kind, const uint8_t *start)
{
    int rc = kind == NX_TOK_TUPLE  ? noex_build_tuple(p->b)
             : kind == NX_TOK_LIST ? noex_build_list(p->b)
                                   : noex_build_map(p->b);
    if (rc)
        return rc;
    if (nx_scan_take(&p->s, kind == NX_TOK_LIST ? "]" : "}"))
        return noex_build_end(p->b);
    p->stack[p->depth++] = (struct level){.start = start, .kind = kind, .at_key = true};
    p->wanted = true;
    return 0;
}

static int close_level(struct parser *p)
{
    const struct level *level = &p->stack[--p->depth];
    int rc = noex_build_end(p->b);
    if (rc == NOEX_EINVALID)
        nx_scan_fail(&p->s, level->start, "a map with a key twice");
    return rc;
}

/* Behind the bar. */
static int take_tail(struct parser *p, struct level *list)
{
    if (nx_scan_take(&p->s, "[")) {
        list->closing = nx_scan_take(&p->s, "]");
        list->tails += !list->closing;
        p->wanted = !list->closing;
        return 0;
    }
    list->closing = true;
    if (nx_scan_take(&p->s, "\""))
        return take_characters(p);
    nx_build_tail(p->b);
    p->wanted = true;
    return 0;
}

static int not_next(struct parser *p, const struct level *level, const char *wanted)
{
    char text[96];
    const char *opening = level->kind == NX_TOK_LIST    ? "["
                          : level->kind == NX_TOK_TUPLE ? "{"
                                                        : "#{";
    snprintf(text, sizeof text, "%s (of '%s' at byte %zu)", wanted, opening,
             (size_t)(level->start - p->s.start));
    return nx_scan_expected(&p->s, text);
}

static int next_in_list(struct parser *p, struct level *list)
{
    if (!list->closing && nx_scan_take(&p->s, "|"))
        return take_tail(p, list);
    if (!list->closing && nx_scan_take(&p->s, ",")) {
        p->wanted = true;
        return 0;
    }
    if (!nx_scan_take(&p->s, "]"))
        return not_next(p, list, list->closing ? "']'" : "',', '|' or ']'");
    if (list->tails == 0)
        return close_level(p);
    list->tails--;
    list->closing = true;
    return 0;
}

/* What stands behind a term in a container. */
static int take_next(struct parser *p)
{
    struct level *level = &p->stack[p->depth - 1];
    if (level->kind == NX_TOK_LIST)
        return next_in_list(p, level);
    bool key = level->kind == NX_TOK_MAP && level->at_key;
    if (!key && nx_scan_take(&p->s, "}"))
        return close_level(p);
    if (!nx_scan_take(&p->s, key ? "=>" : ","))
        return not_next(p, level, key ? "'=>'" : "',' or '}'");
    level->at_key = !key;
    p->wanted = true;
    return 0;
}

/* All terms. */

static int take_leaf(struct parser *p)
{
    struct nx_rd in = p->s.in;
    uint32_t c = 0;
    if (nx_numeral_starts(nx_scan_peek(&p->s)))
        return take_number(p);
    if (nx_utf8_next(&in, &c) && nx_word_starts(c))
        return take_word(p);
    if (c == '<' && nx_rd_left(&in) && *in.p >= '0' && *in.p <= '9')
        return nx_scan_fail(&p->s, p->s.in.p,
                            "a pid as printed does not say on which node, so it is no term");
    return nx_scan_expected(&p->s, "a term");
}

static int take_term(struct parser *p)
{
    nx_scan_space(&p->s);
    const uint8_t *start = p->s.in.p;
    p->wanted = false;
    if (nx_scan_take(&p->s, "{"))
        return open_level(p, NX_TOK_TUPLE, start);
    if (nx_scan_take(&p->s, "["))
        return open_level(p, NX_TOK_LIST, start);
    if (nx_scan_take(&p->s, "#"))
        return nx_scan_take(&p->s, "{") ? open_level(p, NX_TOK_MAP, start)
                                        : nx_scan_expected(&p->s, "'{' of a map");
    if (nx_scan_take(&p->s, "<<"))
        return take_binary(p);
    if (nx_scan_take(&p->s, "\""))
        return take_string(p);
    if (nx_scan_take(&p->s, "'"))
        return take_quoted_atom(p);
    return take_leaf(p);
}

/* A dot is the last one only where white space, a comment or nothing follows. */
static int take_end(struct parser *p)
{
    struct nx_scan behind = p->s;
    if (nx_scan_take(&behind, ".")) {
        const uint8_t *dot = behind.in.p;
        nx_scan_space(&behind);
        if (behind.in.p != dot || nx_rd_left(&behind.in) == 0)
            p->s = behind;
    }
    nx_scan_space(&p->s);
    return nx_rd_left(&p->s.in) ? nx_scan_expected(&p->s, "the end") : 0;
}

static int parse(struct parser *p)
{
    int rc = take_term(p);
    while (rc == 0 && (p->wanted || p->depth))
        rc = p->wanted ? take_term(p) : take_next(p);
    return rc ? rc : take_end(p);
}

int noex_build_text(noex_builder *builder, const char *text, struct noex_error *err)
{
    struct parser p;
    int rc = nx_build_error(builder);
    if (rc == 0 && !text)
        rc = nx_build_done(builder, NOEX_EINVALID);
    if (rc)
        return nx_fail(err, rc, NULL);
    struct nx_span bytes = nx_span_str(text);
    p.s = (struct nx_scan){nx_rd(bytes), bytes.ptr, err};
    p.b = builder;
    p.depth = 0;
    rc = nx_build_done(builder, parse(&p));
    if (rc == NOEX_ELIMIT)
        nx_fail(err, rc, "byte %zu: the term gets nested more than %d deep, or longer than 2 GiB",
                (size_t)(p.s.in.p - p.s.start), NX_TERM_DEPTH_MAX);
    return nx_fail(err, rc, NULL);
}

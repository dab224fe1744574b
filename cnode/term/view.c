/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed term: its type and its value. The functions are public, see noex/term.h. */
#include "term/view.h"

#include "base/err.h"
#include "term/check.h"
#include "term/number.h"
#include "term/print.h"
#include "term/utf8.h"
#include <limits.h>

/* The head. */

enum nx_tok_result nx_view_head(struct noex_term term, struct nx_rd *in, struct nx_tok *tok)
{
    enum nx_tok_result rc;
    *in = nx_rd(nx_span(term.bytes, term.len));
    do
        rc = nx_tok_next(in, tok);
    while (rc == NX_TOK_OK && tok->kind == NX_TOK_LIST && tok->arity == 0);
    return rc;
}

int nx_view_of(struct noex_term term, unsigned kinds, struct nx_rd *in, struct nx_tok *tok)
{
    enum nx_tok_result rc = nx_view_head(term, in, tok);
    if ((rc != NX_TOK_OK && rc != NX_TOK_CUT) || tok->kind == NX_TOK_NONE)
        return NOEX_ETERM;
    if (!(kinds & nx_kind(tok->kind)))
        return NOEX_ETYPE;
    return rc == NX_TOK_OK ? 0 : NOEX_ETERM;
}

static int only_head(struct noex_term term, unsigned kinds, struct nx_tok *tok)
{
    struct nx_rd in;
    return nx_view_of(term, kinds, &in, tok);
}

/* What the format calls bits can be whole bytes. */
static bool is_bitstring(const struct nx_tok *tok)
{
    return tok->kind == NX_TOK_BITS && tok->bits != 8 && !(tok->bits == 0 && tok->data.ptr);
}

enum noex_term_type noex_term_type(struct noex_term term)
{
    static const uint8_t types[] = {
        [NX_TOK_NONE] = NOEX_TERM_INVALID, [NX_TOK_ATOM] = NOEX_TERM_ATOM,
        [NX_TOK_INT] = NOEX_TERM_INTEGER,  [NX_TOK_BIG] = NOEX_TERM_INTEGER,
        [NX_TOK_FLOAT] = NOEX_TERM_FLOAT,  [NX_TOK_BINARY] = NOEX_TERM_BINARY,
        [NX_TOK_BITS] = NOEX_TERM_BINARY,  [NX_TOK_STRING] = NOEX_TERM_LIST,
        [NX_TOK_NIL] = NOEX_TERM_LIST,     [NX_TOK_LIST] = NOEX_TERM_LIST,
        [NX_TOK_TUPLE] = NOEX_TERM_TUPLE,  [NX_TOK_MAP] = NOEX_TERM_MAP,
        [NX_TOK_PID] = NOEX_TERM_PID,      [NX_TOK_REF] = NOEX_TERM_REF,
        [NX_TOK_PORT] = NOEX_TERM_PORT,    [NX_TOK_FUN] = NOEX_TERM_FUN,
        [NX_TOK_EXPORT] = NOEX_TERM_FUN,   [NX_TOK_RECORD] = NOEX_TERM_RECORD,
    };
    struct nx_rd in;
    struct nx_tok tok;
    enum nx_tok_result rc = nx_view_head(term, &in, &tok);
    if (rc != NX_TOK_OK && rc != NX_TOK_CUT)
        return NOEX_TERM_INVALID;
    return is_bitstring(&tok) ? NOEX_TERM_BITSTRING : (enum noex_term_type)types[tok.kind];
}

int noex_term_check(struct noex_term term, struct noex_error *err)
{
    size_t used;
    struct nx_span bytes = nx_span(term.bytes, term.bytes ? term.len : 0);
    int rc = nx_term_check(bytes, &used, err);
    if (rc == 0 && used < bytes.len)
        rc = nx_fail(err, NOEX_ETERM, "malformed term at byte %zu: the term ends before it", used);
    return rc;
}

/* Text: characters go to a caller's buffer, which may end before them. */

struct text {
    char *to;
    size_t size;
    size_t kept; /* bytes in `to` */
    size_t len;  /* bytes of the whole text */
};

static struct text text_to(char *to, size_t size)
{
    struct text text = {to, size, 0, 0};
    return text;
}

static void put_char(struct text *text, uint32_t c)
{
    uint8_t bytes[NX_UTF8_MAX];
    size_t n = nx_utf8_put(bytes, c);
    if (text->kept == text->len && n < text->size - text->len) {
        memcpy(text->to + text->kept, bytes, n);
        text->kept += n;
    }
    text->len += n;
}

static int end_text(const struct text *text)
{
    if (text->size)
        text->to[text->kept] = '\0';
    return text->len < INT_MAX ? (int)text->len : INT_MAX;
}

static int copy_name(struct nx_span name, bool latin1, char *to, size_t size)
{
    struct text text = text_to(to, size);
    struct nx_rd in = nx_rd(name);
    for (uint32_t c; nx_char_next(&in, latin1, &c);)
        put_char(&text, c);
    return end_text(&text);
}

int noex_term_atom(struct noex_term term, char *text, size_t size)
{
    struct nx_tok tok;
    if (!text && size)
        return NOEX_EINVALID;
    int rc = only_head(term, nx_kind(NX_TOK_ATOM), &tok);
    return rc ? rc : copy_name(tok.data, tok.latin1, text, size);
}

bool noex_term_is_atom(struct noex_term term, const char *name)
{
    struct nx_tok tok;
    if (!name || only_head(term, nx_kind(NX_TOK_ATOM), &tok))
        return false;
    if (!tok.latin1)
        return nx_span_is(tok.data, name);
    struct nx_rd atom = nx_rd(tok.data), wanted = nx_rd(nx_span_str(name));
    uint32_t a, b;
    while (nx_char_next(&atom, true, &a))
        if (!nx_utf8_next(&wanted, &b) || a != b)
            return false;
    return nx_rd_left(&wanted) == 0;
}

static int put_binary(struct text *text, struct nx_span bytes)
{
    struct nx_rd in = nx_rd(bytes);
    for (uint32_t c; nx_utf8_next(&in, &c);)
        put_char(text, c);
    return nx_rd_left(&in) ? NOEX_ETYPE : 0;
}

static bool is_character(int64_t c)
{
    return (c >= 0 && c < 0xd800) || (c >= 0xe000 && c <= 0x10ffff);
}

static int put_list(struct text *text, struct noex_term list)
{
    struct noex_items items;
    struct noex_term item;
    int64_t c;
    int rc = noex_term_items(list, &items);
    while (rc == 0 && noex_items_next(&items, &item)) {
        rc = noex_term_int64(item, &c);
        if (rc == NOEX_ERANGE || (rc == 0 && !is_character(c)))
            rc = NOEX_ETYPE;
        if (rc == 0)
            put_char(text, (uint32_t)c);
    }
    return rc ? rc : items.error ? items.error : items.tail.bytes ? NOEX_ETYPE : 0;
}

int noex_term_text(struct noex_term term, char *to, size_t size)
{
    struct nx_tok tok;
    struct text text = text_to(to, size);
    if (!to && size)
        return NOEX_EINVALID;
    int rc;
    if (noex_term_type(term) == NOEX_TERM_LIST) {
        rc = put_list(&text, term);
    } else {
        rc = only_head(term, nx_kind(NX_TOK_BINARY) | nx_kind(NX_TOK_BITS), &tok);
        if (rc == 0)
            rc = is_bitstring(&tok) ? NOEX_ETYPE : put_binary(&text, tok.data);
    }
    return rc ? rc : end_text(&text);
}

/* Numbers, bytes, pids. */

static int read_integer(struct noex_term term, bool *negative, uint64_t *magnitude)
{
    struct nx_tok tok;
    int rc = only_head(term, nx_kind(NX_TOK_INT) | nx_kind(NX_TOK_BIG), &tok);
    if (rc)
        return rc;
    return nx_tok_magnitude(&tok, negative, magnitude) ? 0 : NOEX_ERANGE;
}

int noex_term_int64(struct noex_term term, int64_t *value)
{
    bool negative;
    uint64_t magnitude;
    if (!value)
        return NOEX_EINVALID;
    int rc = read_integer(term, &negative, &magnitude);
    if (rc)
        return rc;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return NOEX_ERANGE;
    *value = negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    return 0;
}

int noex_term_uint64(struct noex_term term, uint64_t *value)
{
    bool negative;
    uint64_t magnitude;
    if (!value)
        return NOEX_EINVALID;
    int rc = read_integer(term, &negative, &magnitude);
    if (rc || negative)
        return rc ? rc : NOEX_ERANGE;
    *value = magnitude;
    return 0;
}

int noex_term_double(struct noex_term term, double *value)
{
    struct nx_tok tok;
    if (!value)
        return NOEX_EINVALID;
    int rc = only_head(term, nx_kind(NX_TOK_FLOAT), &tok);
    if (rc)
        return rc;
    return nx_tok_double(&tok, value) ? 0 : NOEX_ETERM;
}

int noex_term_binary(struct noex_term term, const uint8_t **bytes, size_t *len)
{
    struct nx_tok tok;
    if (!bytes || !len)
        return NOEX_EINVALID;
    int rc = only_head(term, nx_kind(NX_TOK_BINARY) | nx_kind(NX_TOK_BITS), &tok);
    if (rc)
        return rc;
    *bytes = tok.data.ptr;
    *len = tok.data.len;
    return 0;
}

int noex_term_pid(struct noex_term term, struct noex_pid *pid, char *node, size_t size)
{
    struct nx_tok tok;
    if (!pid || (!node && size))
        return NOEX_EINVALID;
    int rc = only_head(term, nx_kind(NX_TOK_PID), &tok);
    if (rc)
        return rc;
    pid->id = tok.word[0];
    pid->serial = tok.word[1];
    pid->creation = tok.creation;
    return copy_name(tok.node, tok.node_latin1, node, size);
}

int noex_term_print(struct noex_term term, const char *local_node, char *text, size_t size,
                    bool *cut)
{
    enum { SIZE_MIN = sizeof "..." };
    struct nx_print_opts opts = {{NULL, 0}};
    struct nx_buf out;
    bool ended = false;
    if (!text || size < SIZE_MIN)
        return NOEX_EINVALID;
    if (local_node)
        opts.local_node = nx_span_str(local_node);
    nx_buf_text(&out, text, size);
    int rc = nx_term_print(&out, nx_span(term.bytes, term.len), &opts, &ended);
    if (rc)
        return rc;
    if (cut)
        *cut = ended;
    return nx_buf_end_text(&out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "term/read.h"

#include "term/check.h"
#include "term/number.h"
#include <noex/term.h>

static bool next_of(struct nx_rd *in, enum nx_tok_kind kind, struct nx_tok *tok)
{
    struct nx_rd ahead = *in;
    if (nx_tok_next(&ahead, tok) != NX_TOK_OK || tok->kind != kind)
        return false;
    *in = ahead;
    return true;
}

static bool next_data(struct nx_rd *in, enum nx_tok_kind kind, struct nx_span *data)
{
    struct nx_tok tok;
    if (!next_of(in, kind, &tok))
        return false;
    *data = tok.data;
    return true;
}

static bool next_arity(struct nx_rd *in, enum nx_tok_kind kind, uint32_t least, uint32_t *arity)
{
    struct nx_rd ahead = *in;
    struct nx_tok tok;
    if (!next_of(&ahead, kind, &tok) || tok.arity < least)
        return false;
    *arity = tok.arity;
    *in = ahead;
    return true;
}

bool nx_read_atom(struct nx_rd *in, struct nx_span *text)
{
    return next_data(in, NX_TOK_ATOM, text);
}

bool nx_read_atom_is(struct nx_rd *in, const char *text)
{
    struct nx_rd ahead = *in;
    struct nx_span found;
    if (!nx_read_atom(&ahead, &found) || !nx_span_is(found, text))
        return false;
    *in = ahead;
    return true;
}

bool nx_read_int(struct nx_rd *in, int64_t *value)
{
    struct nx_rd ahead = *in;
    struct nx_tok tok;
    if (nx_tok_next(&ahead, &tok) != NX_TOK_OK || !nx_tok_int(&tok, value))
        return false;
    *in = ahead;
    return true;
}

bool nx_read_double(struct nx_rd *in, double *value)
{
    struct nx_rd ahead = *in;
    struct nx_tok tok;
    if (!next_of(&ahead, NX_TOK_FLOAT, &tok) || !nx_tok_double(&tok, value))
        return false;
    *in = ahead;
    return true;
}

bool nx_read_binary(struct nx_rd *in, struct nx_span *bytes)
{
    return next_data(in, NX_TOK_BINARY, bytes);
}

bool nx_read_tuple_head(struct nx_rd *in, uint32_t *arity)
{
    return next_arity(in, NX_TOK_TUPLE, 0, arity);
}

bool nx_read_list_head(struct nx_rd *in, uint32_t *elements)
{
    return next_arity(in, NX_TOK_LIST, 1, elements);
}

bool nx_read_list_len(struct nx_span term, uint64_t *count)
{
    struct noex_term list = {term.ptr, term.len}, unused;
    struct noex_items items;
    *count = 0;
    if (noex_term_type(list) != NOEX_TERM_LIST || noex_term_items(list, &items))
        return false;
    while (noex_items_next(&items, &unused))
        ++*count;
    return !items.error && !items.tail.bytes;
}

bool nx_read_string(struct nx_rd *in, struct nx_span *bytes)
{
    return next_data(in, NX_TOK_STRING, bytes);
}

bool nx_read_nil(struct nx_rd *in)
{
    struct nx_tok tok;
    return next_of(in, NX_TOK_NIL, &tok);
}

bool nx_read_map_head(struct nx_rd *in, uint32_t *pairs)
{
    return next_arity(in, NX_TOK_MAP, 0, pairs);
}

bool nx_read_term(struct nx_rd *in, struct nx_span *term)
{
    const uint8_t *start = in->p;
    if (nx_term_skip(in, NULL))
        return false;
    *term = nx_span(start, (size_t)(in->p - start));
    return true;
}

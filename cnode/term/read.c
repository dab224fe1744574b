#include "term/read.h"

#include "term/check.h"
#include <ei.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FLOAT_TEXT_SIZE = 31, EXPONENT_MAX = 9999 };

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

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * FLOAT_EXT holds C's "%.20e" and NULs. Libei gives it to sscanf, which knows no bound and obeys
 * the locale's decimal point: so libei gets the same number without a point and with a NUL behind.
 */
static bool without_point(struct nx_span field, char *out, size_t size)
{
    char text[FLOAT_TEXT_SIZE + 1] = "", *rest = text;
    size_t n = 0;
    long fraction = 0, exponent = 0;
    memcpy(text, field.ptr, field.len < FLOAT_TEXT_SIZE ? field.len : FLOAT_TEXT_SIZE);
    const char *p = text;
    if (*p == '-' || *p == '+')
        out[n++] = *p++;
    if (!is_digit(*p))
        return false;
    while (is_digit(*p))
        out[n++] = *p++;
    if (*p++ != '.' || !is_digit(*p))
        return false;
    for (; is_digit(*p); fraction++)
        out[n++] = *p++;
    if ((*p == 'e' || *p == 'E') &&
        (is_digit(p[1]) || ((p[1] == '-' || p[1] == '+') && is_digit(p[2])))) {
        exponent = strtol(p + 1, &rest, 10);
        p = rest;
    }
    if (*p || exponent < -EXPONENT_MAX || exponent > EXPONENT_MAX)
        return false;
    snprintf(out + n, size - n, "e%ld", exponent - fraction);
    return true;
}

bool nx_tok_double(const struct nx_tok *tok, double *value)
{
    enum { FLOAT_EXT = 99 };
    char text[1 + 2 * FLOAT_TEXT_SIZE] = {FLOAT_EXT};
    const char *bytes = (const char *)tok->raw.ptr;
    double decoded;
    int index = 0;
    if (tok->kind != NX_TOK_FLOAT || !bytes)
        return false;
    if (tok->tag == FLOAT_EXT) {
        if (!without_point(tok->data, text + 1, sizeof text - 1))
            return false;
        bytes = text;
    }
    if (ei_decode_double(bytes, &index, &decoded) || !isfinite(decoded))
        return false;
    *value = decoded;
    return true;
}

bool nx_tok_int(const struct nx_tok *tok, int64_t *value)
{
    EI_LONGLONG decoded;
    int index = 0;
    if ((tok->kind != NX_TOK_INT && tok->kind != NX_TOK_BIG) || !tok->raw.ptr ||
        tok->raw.len > INT_MAX || ei_decode_longlong((const char *)tok->raw.ptr, &index, &decoded))
        return false;
    *value = decoded;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a tuple, list or map. The functions are public, see noex/term.h. */
#include "term/view.h"

/* How the items stand in the bytes. */
enum form {
    FORM_TERMS, /* so many terms, and no more */
    FORM_LIST,  /* so many terms, and a tail, with which a list can go on */
    FORM_BYTES  /* so many bytes, each of which means an integer */
};

/* A string's items have no bytes of their own on the wire: these are the terms 0 to 255. */
static const uint8_t byte_terms[256][2] = {
    {97, 0},   {97, 1},   {97, 2},   {97, 3},   {97, 4},   {97, 5},   {97, 6},   {97, 7},
    {97, 8},   {97, 9},   {97, 10},  {97, 11},  {97, 12},  {97, 13},  {97, 14},  {97, 15},
    {97, 16},  {97, 17},  {97, 18},  {97, 19},  {97, 20},  {97, 21},  {97, 22},  {97, 23},
    {97, 24},  {97, 25},  {97, 26},  {97, 27},  {97, 28},  {97, 29},  {97, 30},  {97, 31},
    {97, 32},  {97, 33},  {97, 34},  {97, 35},  {97, 36},  {97, 37},  {97, 38},  {97, 39},
    {97, 40},  {97, 41},  {97, 42},  {97, 43},  {97, 44},  {97, 45},  {97, 46},  {97, 47},
    {97, 48},  {97, 49},  {97, 50},  {97, 51},  {97, 52},  {97, 53},  {97, 54},  {97, 55},
    {97, 56},  {97, 57},  {97, 58},  {97, 59},  {97, 60},  {97, 61},  {97, 62},  {97, 63},
    {97, 64},  {97, 65},  {97, 66},  {97, 67},  {97, 68},  {97, 69},  {97, 70},  {97, 71},
    {97, 72},  {97, 73},  {97, 74},  {97, 75},  {97, 76},  {97, 77},  {97, 78},  {97, 79},
    {97, 80},  {97, 81},  {97, 82},  {97, 83},  {97, 84},  {97, 85},  {97, 86},  {97, 87},
    {97, 88},  {97, 89},  {97, 90},  {97, 91},  {97, 92},  {97, 93},  {97, 94},  {97, 95},
    {97, 96},  {97, 97},  {97, 98},  {97, 99},  {97, 100}, {97, 101}, {97, 102}, {97, 103},
    {97, 104}, {97, 105}, {97, 106}, {97, 107}, {97, 108}, {97, 109}, {97, 110}, {97, 111},
    {97, 112}, {97, 113}, {97, 114}, {97, 115}, {97, 116}, {97, 117}, {97, 118}, {97, 119},
    {97, 120}, {97, 121}, {97, 122}, {97, 123}, {97, 124}, {97, 125}, {97, 126}, {97, 127},
    {97, 128}, {97, 129}, {97, 130}, {97, 131}, {97, 132}, {97, 133}, {97, 134}, {97, 135},
    {97, 136}, {97, 137}, {97, 138}, {97, 139}, {97, 140}, {97, 141}, {97, 142}, {97, 143},
    {97, 144}, {97, 145}, {97, 146}, {97, 147}, {97, 148}, {97, 149}, {97, 150}, {97, 151},
    {97, 152}, {97, 153}, {97, 154}, {97, 155}, {97, 156}, {97, 157}, {97, 158}, {97, 159},
    {97, 160}, {97, 161}, {97, 162}, {97, 163}, {97, 164}, {97, 165}, {97, 166}, {97, 167},
    {97, 168}, {97, 169}, {97, 170}, {97, 171}, {97, 172}, {97, 173}, {97, 174}, {97, 175},
    {97, 176}, {97, 177}, {97, 178}, {97, 179}, {97, 180}, {97, 181}, {97, 182}, {97, 183},
    {97, 184}, {97, 185}, {97, 186}, {97, 187}, {97, 188}, {97, 189}, {97, 190}, {97, 191},
    {97, 192}, {97, 193}, {97, 194}, {97, 195}, {97, 196}, {97, 197}, {97, 198}, {97, 199},
    {97, 200}, {97, 201}, {97, 202}, {97, 203}, {97, 204}, {97, 205}, {97, 206}, {97, 207},
    {97, 208}, {97, 209}, {97, 210}, {97, 211}, {97, 212}, {97, 213}, {97, 214}, {97, 215},
    {97, 216}, {97, 217}, {97, 218}, {97, 219}, {97, 220}, {97, 221}, {97, 222}, {97, 223},
    {97, 224}, {97, 225}, {97, 226}, {97, 227}, {97, 228}, {97, 229}, {97, 230}, {97, 231},
    {97, 232}, {97, 233}, {97, 234}, {97, 235}, {97, 236}, {97, 237}, {97, 238}, {97, 239},
    {97, 240}, {97, 241}, {97, 242}, {97, 243}, {97, 244}, {97, 245}, {97, 246}, {97, 247},
    {97, 248}, {97, 249}, {97, 250}, {97, 251}, {97, 252}, {97, 253}, {97, 254}, {97, 255},
};

/* The next term, as far as it goes; false where it does not end. */
static bool take(struct nx_rd *in, struct noex_term *term)
{
    const uint8_t *start = in->p;
    bool whole = nx_tok_skip(in, 1);
    if (!whole)
        in->p = in->end;
    term->bytes = start;
    term->len = (size_t)(in->p - start);
    return whole;
}

/* False where there is not a byte of it. */
static bool take_item(struct noex_items *items, struct noex_term *item)
{
    struct nx_rd in = {items->at, items->end};
    if (!take(&in, item))
        items->error = NOEX_ETERM;
    items->at = in.p;
    return item->len > 0;
}

/* Behind the elements that a list's head has counted: the end, more of the list, or an improper
 * tail. The list itself is read as the tail of nothing. */
static void take_tail(struct noex_items *items)
{
    struct nx_rd in = {items->at, items->end};
    struct nx_tok tok;
    enum nx_tok_result rc = nx_tok_next(&in, &tok);
    const unsigned unfinished =
        nx_kind(NX_TOK_NONE) | nx_kind(NX_TOK_LIST) | nx_kind(NX_TOK_STRING);
    if (rc == NX_TOK_OK && tok.kind == NX_TOK_LIST) {
        items->at = in.p;
        items->left = tok.arity;
    } else if (tok.kind == NX_TOK_STRING && tok.data.ptr) {
        items->form = FORM_BYTES;
        items->at = tok.data.ptr;
        items->left = tok.full_len;
    } else if (rc == NX_TOK_OK && tok.kind == NX_TOK_NIL) {
        items->form = FORM_TERMS;
    } else if (nx_kind(tok.kind) & unfinished) {
        items->error = NOEX_ETERM;
    } else {
        items->form = FORM_TERMS;
        take_item(items, &items->tail);
    }
}

/* Moves on to where the next item stands, if there is one. */
static void find_next(struct noex_items *items)
{
    while (items->left == 0 && items->form == FORM_LIST && !items->error)
        take_tail(items);
}

int noex_term_items(struct noex_term term, struct noex_items *items)
{
    struct nx_rd in;
    struct nx_tok tok;
    if (!items)
        return NOEX_EINVALID;
    memset(items, 0, sizeof *items);
    if (noex_term_type(term) == NOEX_TERM_LIST) {
        in = nx_rd(nx_span(term.bytes, term.len));
        items->form = FORM_LIST;
    } else {
        const unsigned kinds = nx_kind(NX_TOK_TUPLE) | nx_kind(NX_TOK_MAP);
        items->error = nx_view_of(term, kinds, &in, &tok);
        if (items->error)
            return items->error;
        items->left = tok.children;
    }
    items->at = in.p;
    items->end = in.end;
    find_next(items);
    return items->error;
}

bool noex_items_next(struct noex_items *items, struct noex_term *item)
{
    if (!items || !item || items->error)
        return false;
    find_next(items);
    if (items->error || items->left == 0)
        return false;
    items->left--;
    if (items->form != FORM_BYTES)
        return take_item(items, item);
    if (items->at == items->end) {
        items->error = NOEX_ETERM;
        return false;
    }
    item->bytes = byte_terms[*items->at++];
    item->len = sizeof byte_terms[0];
    return true;
}

int noex_term_element(struct noex_term tuple, uint64_t index, struct noex_term *element)
{
    struct nx_rd in;
    struct nx_tok tok;
    if (!element)
        return NOEX_EINVALID;
    int rc = nx_view_of(tuple, nx_kind(NX_TOK_TUPLE), &in, &tok);
    if (rc)
        return rc;
    if (index >= tok.arity)
        return NOEX_ERANGE;
    if (!nx_tok_skip(&in, index))
        return NOEX_ETERM;
    take(&in, element);
    return element->len ? 0 : NOEX_ETERM;
}

static int list_size(struct nx_rd in, uint64_t *size)
{
    struct nx_tok tok;
    uint64_t elements = 0;
    do {
        if (nx_tok_next(&in, &tok))
            return NOEX_ETERM;
        if (tok.kind == NX_TOK_STRING)
            elements += tok.data.len;
        if (tok.kind == NX_TOK_LIST) {
            elements += tok.arity;
            if (!nx_tok_skip(&in, tok.arity))
                return NOEX_ETERM;
        }
    } while (tok.kind == NX_TOK_LIST);
    *size = elements;
    return 0;
}

/* The head of a binary that is cut tells how long it was. */
static int binary_size(const struct nx_tok *tok, bool whole, bool bits, uint64_t *size)
{
    if (!whole && tok->full_len == tok->data.len)
        return NOEX_ETERM;
    *size = bits ? (tok->full_len - 1) * 8 + tok->bits : tok->full_len;
    return 0;
}

static int atom_size(struct noex_term atom, uint64_t *size)
{
    int len = noex_term_atom(atom, NULL, 0);
    if (len < 0)
        return len;
    *size = (uint64_t)len;
    return 0;
}

int noex_term_size(struct noex_term term, uint64_t *size)
{
    struct nx_rd in;
    struct nx_tok tok;
    if (!size)
        return NOEX_EINVALID;
    bool whole = nx_view_head(term, &in, &tok) == NX_TOK_OK;
    enum noex_term_type type = noex_term_type(term);
    switch (type) {
    case NOEX_TERM_TUPLE:
    case NOEX_TERM_MAP:
        if (!whole)
            return NOEX_ETERM;
        *size = tok.arity;
        return 0;
    case NOEX_TERM_BINARY:
    case NOEX_TERM_BITSTRING:
        return binary_size(&tok, whole, type == NOEX_TERM_BITSTRING, size);
    case NOEX_TERM_ATOM:
        return atom_size(term, size);
    case NOEX_TERM_LIST:
        return list_size(nx_rd(nx_span(term.bytes, term.len)), size);
    case NOEX_TERM_INVALID:
        return NOEX_ETERM;
    case NOEX_TERM_INTEGER:
    case NOEX_TERM_FLOAT:
    case NOEX_TERM_PID:
    case NOEX_TERM_PORT:
    case NOEX_TERM_REF:
    case NOEX_TERM_FUN:
    case NOEX_TERM_RECORD:
        break;
    }
    return NOEX_ETYPE;
}

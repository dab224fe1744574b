/* SPDX-License-Identifier: Apache-2.0 */
#include "term/token.h"

#include "term/utf8.h"

/* How a token's bytes are laid out behind its tag. */
enum form {
    F_NONE = 0,
    F_REFUSED,
    F_ATOM_U8,
    F_ATOM_U16,
    F_U8,
    F_I32,
    F_BIG_U8,
    F_BIG_U32,
    F_FLOAT,
    F_FLOAT_TEXT,
    F_DATA_U16,
    F_DATA_U32,
    F_BITS,
    F_EMPTY,
    F_LIST,
    F_TUPLE_U8,
    F_TUPLE_U32,
    F_MAP,
    F_PID,
    F_OLD_PID,
    F_REF,
    F_MID_REF,
    F_OLD_REF,
    F_PORT64,
    F_PORT32,
    F_OLD_PORT,
    F_EXPORT,
    F_FUN,
    F_RECORD
};

struct shape {
    uint8_t form;
    uint8_t kind;
};

/* Protocol.md section 5, by tag. */
static const struct shape shapes[256] = {
    [67] = {F_RECORD, NX_TOK_RECORD},    [70] = {F_FLOAT, NX_TOK_FLOAT},
    [77] = {F_BITS, NX_TOK_BITS},        [80] = {F_REFUSED, NX_TOK_NONE},
    [82] = {F_REFUSED, NX_TOK_NONE},     [88] = {F_PID, NX_TOK_PID},
    [89] = {F_PORT32, NX_TOK_PORT},      [90] = {F_REF, NX_TOK_REF},
    [97] = {F_U8, NX_TOK_INT},           [98] = {F_I32, NX_TOK_INT},
    [99] = {F_FLOAT_TEXT, NX_TOK_FLOAT}, [100] = {F_ATOM_U16, NX_TOK_ATOM},
    [101] = {F_OLD_REF, NX_TOK_REF},     [102] = {F_OLD_PORT, NX_TOK_PORT},
    [103] = {F_OLD_PID, NX_TOK_PID},     [104] = {F_TUPLE_U8, NX_TOK_TUPLE},
    [105] = {F_TUPLE_U32, NX_TOK_TUPLE}, [106] = {F_EMPTY, NX_TOK_NIL},
    [107] = {F_DATA_U16, NX_TOK_STRING}, [108] = {F_LIST, NX_TOK_LIST},
    [109] = {F_DATA_U32, NX_TOK_BINARY}, [110] = {F_BIG_U8, NX_TOK_BIG},
    [111] = {F_BIG_U32, NX_TOK_BIG},     [112] = {F_FUN, NX_TOK_FUN},
    [113] = {F_EXPORT, NX_TOK_EXPORT},   [114] = {F_MID_REF, NX_TOK_REF},
    [115] = {F_ATOM_U8, NX_TOK_ATOM},    [116] = {F_MAP, NX_TOK_MAP},
    [118] = {F_ATOM_U16, NX_TOK_ATOM},   [119] = {F_ATOM_U8, NX_TOK_ATOM},
    [120] = {F_PORT64, NX_TOK_PORT},     [121] = {F_REFUSED, NX_TOK_NONE},
};

static enum nx_tok_result read_data(struct nx_rd *r, struct nx_tok *t, uint64_t len)
{
    size_t left = nx_rd_left(r);
    t->full_len = len;
    if (len > left) {
        t->data = nx_span(r->p, left);
        return NX_TOK_CUT;
    }
    nx_rd_bytes(r, (size_t)len, &t->data);
    return NX_TOK_OK;
}

static enum nx_tok_result check_atom(struct nx_span text, bool latin1)
{
    struct nx_rd in = nx_rd(text);
    size_t chars = latin1 ? text.len : 0;
    for (uint32_t c; !latin1 && nx_rd_left(&in); chars++)
        if (!nx_utf8_next(&in, &c))
            return NX_TOK_BAD_ATOM;
    return chars > NX_ATOM_CHARS_MAX ? NX_TOK_BAD_ATOM : NX_TOK_OK;
}

static enum nx_tok_result read_atom(struct nx_rd *r, struct nx_tok *t, bool wide)
{
    uint8_t n8 = 0;
    uint16_t n16 = 0;
    if (wide ? !nx_rd_u16(r, &n16) : !nx_rd_u8(r, &n8))
        return NX_TOK_CUT;
    t->latin1 = t->tag == 100 || t->tag == 115;
    enum nx_tok_result rc = read_data(r, t, wide ? n16 : n8);
    return rc ? rc : check_atom(t->data, t->latin1);
}

/* The node name inside a pid, reference or port: an atom of its own. */
static enum nx_tok_result read_node(struct nx_rd *r, struct nx_tok *t)
{
    uint8_t tag, n8 = 0;
    uint16_t n16 = 0;
    if (!nx_rd_u8(r, &tag))
        return NX_TOK_CUT;
    enum form form = (enum form)shapes[tag].form;
    if (form != F_ATOM_U8 && form != F_ATOM_U16)
        return form == F_REFUSED ? NX_TOK_REFUSED : NX_TOK_BAD_FORM;
    if (form == F_ATOM_U16 ? !nx_rd_u16(r, &n16) : !nx_rd_u8(r, &n8))
        return NX_TOK_CUT;
    if (!nx_rd_bytes(r, form == F_ATOM_U16 ? n16 : n8, &t->node))
        return NX_TOK_CUT;
    t->node_latin1 = tag == 100 || tag == 115;
    return check_atom(t->node, t->node_latin1);
}

static bool read_creation(struct nx_rd *r, struct nx_tok *t, bool one_byte)
{
    uint8_t c8;
    if (!one_byte)
        return nx_rd_u32(r, &t->creation);
    if (!nx_rd_u8(r, &c8))
        return false;
    t->creation = c8;
    return true;
}

static enum nx_tok_result read_pid(struct nx_rd *r, struct nx_tok *t, bool old)
{
    enum nx_tok_result rc = read_node(r, t);
    if (rc)
        return rc;
    if (!nx_rd_u32(r, &t->word[0]) || !nx_rd_u32(r, &t->word[1]) || !read_creation(r, t, old))
        return NX_TOK_CUT;
    return NX_TOK_OK;
}

static enum nx_tok_result read_ref(struct nx_rd *r, struct nx_tok *t, bool old)
{
    uint16_t n;
    if (!nx_rd_u16(r, &n))
        return NX_TOK_CUT;
    if (n == 0 || n > NX_REF_WORDS_MAX)
        return NX_TOK_BAD_FORM;
    enum nx_tok_result rc = read_node(r, t);
    if (rc)
        return rc;
    if (!read_creation(r, t, old))
        return NX_TOK_CUT;
    for (unsigned i = 0; i < n; i++)
        if (!nx_rd_u32(r, &t->word[i]))
            return NX_TOK_CUT;
    t->arity = n;
    return NX_TOK_OK;
}

static enum nx_tok_result read_old_ref(struct nx_rd *r, struct nx_tok *t)
{
    enum nx_tok_result rc = read_node(r, t);
    if (rc)
        return rc;
    t->arity = 1;
    return nx_rd_u32(r, &t->word[0]) && read_creation(r, t, true) ? NX_TOK_OK : NX_TOK_CUT;
}

static enum nx_tok_result read_port(struct nx_rd *r, struct nx_tok *t, bool wide, bool old)
{
    uint32_t id = 0;
    enum nx_tok_result rc = read_node(r, t);
    if (rc)
        return rc;
    if (wide ? !nx_rd_u64(r, &t->port) : !nx_rd_u32(r, &id))
        return NX_TOK_CUT;
    if (!wide)
        t->port = id;
    return read_creation(r, t, old) ? NX_TOK_OK : NX_TOK_CUT;
}

static enum nx_tok_result read_big(struct nx_rd *r, struct nx_tok *t, bool wide)
{
    uint8_t n8 = 0, sign;
    uint32_t n32 = 0;
    if ((wide ? !nx_rd_u32(r, &n32) : !nx_rd_u8(r, &n8)) || !nx_rd_u8(r, &sign))
        return NX_TOK_CUT;
    if (sign > 1)
        return NX_TOK_BAD_FORM;
    t->negative = sign == 1;
    return read_data(r, t, wide ? n32 : n8);
}

static enum nx_tok_result read_bits(struct nx_rd *r, struct nx_tok *t)
{
    uint32_t n;
    if (!nx_rd_u32(r, &n) || !nx_rd_u8(r, &t->bits))
        return NX_TOK_CUT;
    if (n == 0 ? t->bits != 0 : t->bits < 1 || t->bits > 8)
        return NX_TOK_BAD_FORM;
    return read_data(r, t, n);
}

/* A fun counts its own size field; what it holds is skipped, as protocol.md section 5 allows. */
static enum nx_tok_result read_fun(struct nx_rd *r, struct nx_tok *t)
{
    enum { SIZE_FIELD = 4, FIXED = 1 + 16 + 4 + 4 };
    uint32_t size;
    if (!nx_rd_u32(r, &size))
        return NX_TOK_CUT;
    if (size < SIZE_FIELD + FIXED)
        return NX_TOK_BAD_FORM;
    return read_data(r, t, size - SIZE_FIELD);
}

static enum nx_tok_result read_record(struct nx_rd *r, struct nx_tok *t)
{
    uint8_t flags;
    if (!nx_rd_u32(r, &t->arity) || !nx_rd_u8(r, &flags))
        return NX_TOK_CUT;
    t->children = 2 + 2 * (uint64_t)t->arity;
    return NX_TOK_OK;
}

/* Containers: the count of what follows. */
static enum nx_tok_result read_arity(struct nx_rd *r, struct nx_tok *t, enum form form)
{
    uint8_t n8;
    if (form == F_TUPLE_U8) {
        if (!nx_rd_u8(r, &n8))
            return NX_TOK_CUT;
        t->arity = n8;
    } else if (!nx_rd_u32(r, &t->arity)) {
        return NX_TOK_CUT;
    }
    t->children = form == F_MAP ? 2 * (uint64_t)t->arity : (uint64_t)t->arity + (form == F_LIST);
    return NX_TOK_OK;
}

static enum nx_tok_result read_small(struct nx_rd *r, struct nx_tok *t, enum form form)
{
    uint8_t u8;
    uint32_t u32;
    if (form == F_U8 ? !nx_rd_u8(r, &u8) : !nx_rd_u32(r, &u32))
        return NX_TOK_CUT;
    t->value = form == F_U8 ? u8 : (int32_t)u32;
    return NX_TOK_OK;
}

static enum nx_tok_result read_counted(struct nx_rd *r, struct nx_tok *t, bool wide)
{
    uint16_t n16 = 0;
    uint32_t n32 = 0;
    if (wide ? !nx_rd_u32(r, &n32) : !nx_rd_u16(r, &n16))
        return NX_TOK_CUT;
    return read_data(r, t, wide ? n32 : n16);
}

static enum nx_tok_result read_body(struct nx_rd *r, struct nx_tok *t, enum form form)
{
    switch (form) {
    case F_ATOM_U8:
    case F_ATOM_U16:
        return read_atom(r, t, form == F_ATOM_U16);
    case F_U8:
    case F_I32:
        return read_small(r, t, form);
    case F_BIG_U8:
    case F_BIG_U32:
        return read_big(r, t, form == F_BIG_U32);
    case F_FLOAT:
        return read_data(r, t, 8);
    case F_FLOAT_TEXT:
        return read_data(r, t, 31);
    case F_DATA_U16:
    case F_DATA_U32:
        return read_counted(r, t, form == F_DATA_U32);
    case F_BITS:
        return read_bits(r, t);
    case F_EMPTY:
        return NX_TOK_OK;
    case F_LIST:
    case F_TUPLE_U8:
    case F_TUPLE_U32:
    case F_MAP:
        return read_arity(r, t, form);
    case F_PID:
    case F_OLD_PID:
        return read_pid(r, t, form == F_OLD_PID);
    case F_REF:
    case F_MID_REF:
        return read_ref(r, t, form == F_MID_REF);
    case F_OLD_REF:
        return read_old_ref(r, t);
    case F_PORT64:
    case F_PORT32:
    case F_OLD_PORT:
        return read_port(r, t, form == F_PORT64, form == F_OLD_PORT);
    case F_EXPORT:
        t->children = 3;
        return NX_TOK_OK;
    case F_FUN:
        return read_fun(r, t);
    case F_RECORD:
        return read_record(r, t);
    case F_REFUSED:
        return NX_TOK_REFUSED;
    case F_NONE:
        break;
    }
    return NX_TOK_BAD_TAG;
}

enum nx_tok_result nx_tok_next(struct nx_rd *in, struct nx_tok *tok)
{
    struct nx_rd r = *in;
    memset(tok, 0, sizeof *tok);
    if (!nx_rd_u8(&r, &tok->tag))
        return NX_TOK_CUT;
    tok->kind = (enum nx_tok_kind)shapes[tok->tag].kind;
    enum nx_tok_result rc = read_body(&r, tok, (enum form)shapes[tok->tag].form);
    if (rc)
        return rc;
    tok->raw = nx_span(in->p, (size_t)(r.p - in->p));
    *in = r;
    return NX_TOK_OK;
}

bool nx_tok_skip(struct nx_rd *in, uint64_t terms)
{
    struct nx_tok tok;
    for (; terms; terms = terms - 1 + tok.children)
        if (terms > nx_rd_left(in) || nx_tok_next(in, &tok) != NX_TOK_OK)
            return false;
    return true;
}

const char *nx_tok_result_text(enum nx_tok_result r)
{
    switch (r) {
    case NX_TOK_OK:
        return "well formed";
    case NX_TOK_CUT:
        return "the term is cut short";
    case NX_TOK_BAD_TAG:
        return "unknown tag";
    case NX_TOK_REFUSED:
        return "a tag that is not allowed between nodes";
    case NX_TOK_BAD_ATOM:
        return "an atom over 255 characters, or not UTF-8";
    case NX_TOK_BAD_FORM:
        return "a field out of range";
    }
    return "unknown";
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "term/ident.h"

#include "term/number.h"
#include "term/utf8.h"

static bool only_token(struct nx_span raw, struct nx_tok *tok)
{
    struct nx_rd in = nx_rd(raw);
    return nx_tok_next(&in, tok) == NX_TOK_OK && nx_rd_left(&in) == 0;
}

bool nx_pid_parse(struct nx_span raw, struct nx_pid *out)
{
    struct nx_tok tok;
    if (!only_token(raw, &tok) || tok.kind != NX_TOK_PID)
        return false;
    *out = (struct nx_pid){tok.node, tok.word[0], tok.word[1], tok.creation};
    return true;
}

bool nx_ref_parse(struct nx_span raw, struct nx_ref *out)
{
    struct nx_tok tok;
    if (!only_token(raw, &tok) || tok.kind != NX_TOK_REF)
        return false;
    *out = (struct nx_ref){.node = tok.node, .creation = tok.creation, .count = tok.arity};
    memcpy(out->word, tok.word, sizeof out->word);
    return true;
}

bool nx_atom_parse(struct nx_span raw, struct nx_span *text)
{
    struct nx_tok tok;
    if (!only_token(raw, &tok) || tok.kind != NX_TOK_ATOM)
        return false;
    *text = tok.data;
    return true;
}

bool nx_u64_parse(struct nx_span raw, uint64_t *out)
{
    struct nx_tok tok;
    bool negative;
    uint64_t magnitude;
    if (!only_token(raw, &tok) || !nx_tok_magnitude(&tok, &negative, &magnitude) || negative)
        return false;
    *out = magnitude;
    return true;
}

static bool is_atom_text(struct nx_span text)
{
    struct nx_rd in = nx_rd(text);
    uint32_t c, chars = 0;
    while (chars <= NX_ATOM_CHARS_MAX && nx_utf8_next(&in, &c))
        chars++;
    return nx_rd_left(&in) == 0 && chars <= NX_ATOM_CHARS_MAX;
}

/* SMALL_ATOM_UTF8_EXT where it holds the text, else ATOM_UTF8_EXT. */
static uint8_t *put_atom(uint8_t *p, struct nx_span text)
{
    *p++ = text.len < 256 ? 119 : 118;
    if (text.len >= 256)
        *p++ = (uint8_t)(text.len >> 8);
    *p++ = (uint8_t)text.len;
    if (text.len)
        memcpy(p, text.ptr, text.len);
    return p + text.len;
}

/* Makes room for an atom and `more` bytes; NULL, and `*rc` set, where that fails. */
static uint8_t *reserve(struct nx_buf *out, struct nx_span atom, size_t more, int *rc)
{
    *rc = is_atom_text(atom) ? nx_buf_reserve(out, (atom.len < 256 ? 2 : 3) + atom.len + more)
                             : NOEX_EINVALID;
    return *rc ? NULL : out->data + out->end;
}

static void commit_to(struct nx_buf *out, const uint8_t *p)
{
    nx_buf_commit(out, (size_t)(p - (out->data + out->end)));
}

int nx_pid_write(struct nx_buf *out, const struct nx_pid *pid)
{
    int rc;
    uint8_t *p = reserve(out, pid->node, 1 + 3 * 4, &rc);
    if (!p)
        return rc;
    *p++ = 88;
    p = put_atom(p, pid->node);
    p = nx_put_u32(p, pid->id);
    p = nx_put_u32(p, pid->serial);
    p = nx_put_u32(p, pid->creation);
    commit_to(out, p);
    return 0;
}

int nx_ref_write(struct nx_buf *out, const struct nx_ref *ref)
{
    int rc;
    if (ref->count == 0 || ref->count > NX_REF_WORDS_MAX)
        return NOEX_EINVALID;
    uint8_t *p = reserve(out, ref->node, 1 + 2 + 4 + 4 * (size_t)ref->count, &rc);
    if (!p)
        return rc;
    *p++ = 90;
    *p++ = 0;
    *p++ = (uint8_t)ref->count;
    p = put_atom(p, ref->node);
    p = nx_put_u32(p, ref->creation);
    for (uint32_t i = 0; i < ref->count; i++)
        p = nx_put_u32(p, ref->word[i]);
    commit_to(out, p);
    return 0;
}

int nx_atom_write(struct nx_buf *out, struct nx_span text)
{
    int rc;
    uint8_t *p = reserve(out, text, 0, &rc);
    if (!p)
        return rc;
    commit_to(out, put_atom(p, text));
    return 0;
}

static int write_big(struct nx_buf *out, bool negative, uint64_t magnitude)
{
    uint8_t bytes[3 + 8] = {110, 0, negative};
    size_t len = 3;
    for (; magnitude; magnitude >>= 8)
        bytes[len++] = (uint8_t)magnitude;
    bytes[1] = (uint8_t)(len - 3);
    return nx_buf_put(out, bytes, len);
}

static int write_i32(struct nx_buf *out, int32_t value)
{
    uint8_t bytes[1 + 4] = {98};
    nx_put_u32(bytes + 1, (uint32_t)value);
    return nx_buf_put(out, bytes, sizeof bytes);
}

int nx_u64_write(struct nx_buf *out, uint64_t value)
{
    if (value > INT32_MAX)
        return write_big(out, false, value);
    if (value > UINT8_MAX)
        return write_i32(out, (int32_t)value);
    const uint8_t bytes[] = {97, (uint8_t)value};
    return nx_buf_put(out, bytes, sizeof bytes);
}

int nx_i64_write(struct nx_buf *out, int64_t value)
{
    if (value >= 0)
        return nx_u64_write(out, (uint64_t)value);
    if (value < INT32_MIN)
        return write_big(out, true, 0 - (uint64_t)value);
    return write_i32(out, (int32_t)value);
}

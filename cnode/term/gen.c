/* SPDX-License-Identifier: Apache-2.0 */
#include "term/gen.h"

#include "term/read.h"

static bool next_tuple(struct nx_rd *in, uint32_t arity)
{
    uint32_t found;
    return nx_read_tuple_head(in, &found) && found == arity;
}

/* The next term, which must be one token: a pid or a reference. */
static bool next_token(struct nx_rd *in, enum nx_tok_kind kind, struct nx_span *term)
{
    struct nx_tok tok;
    if (nx_tok_next(in, &tok) != NX_TOK_OK || tok.kind != kind)
        return false;
    *term = tok.raw;
    return true;
}

static bool next_caller(struct nx_rd *in, struct nx_gen_caller *out)
{
    return next_tuple(in, 2) && next_token(in, NX_TOK_PID, &out->pid) &&
           nx_read_term(in, &out->tag);
}

static bool parse_request(struct nx_rd in, enum nx_gen_kind kind, struct nx_gen *out)
{
    const uint8_t *start = in.p;
    struct nx_gen_caller caller;
    if (!next_caller(&in, &caller))
        return false;
    *out = (struct nx_gen){kind, nx_span(start, (size_t)(in.p - start)), nx_rd_rest(&in)};
    return true;
}

void nx_gen_parse(struct nx_span message, struct nx_gen *out)
{
    struct nx_rd in = nx_rd(message);
    uint32_t arity;
    *out = (struct nx_gen){.kind = NX_GEN_PLAIN, .term = message};
    if (!nx_read_tuple_head(&in, &arity))
        return;
    if (arity == 2 && nx_read_atom_is(&in, "$gen_cast"))
        *out = (struct nx_gen){.kind = NX_GEN_CAST, .term = nx_rd_rest(&in)};
    else if (arity == 3 && nx_read_atom_is(&in, "$gen_call"))
        (void)parse_request(in, NX_GEN_CALL, out);
    else if (arity == 3 && nx_read_atom_is(&in, "system"))
        (void)parse_request(in, NX_GEN_SYSTEM, out);
}

bool nx_gen_caller_parse(struct nx_span term, struct nx_gen_caller *out)
{
    struct nx_rd in = nx_rd(term);
    return next_caller(&in, out) && nx_rd_left(&in) == 0;
}

/* [alias|Ref] is an improper list, so its one element is followed by Ref itself. */
struct nx_span nx_gen_alias(struct nx_span tag)
{
    struct nx_rd in = nx_rd(tag);
    struct nx_span ref = {NULL, 0};
    uint32_t n;
    if (!nx_read_list_head(&in, &n))
        return ref;
    if (!nx_read_atom_is(&in, "alias") &&
        (!nx_read_list_head(&in, &n) || !nx_read_atom_is(&in, "alias")))
        return ref;
    if (n == 1)
        (void)next_token(&in, NX_TOK_REF, &ref);
    return ref;
}

bool nx_gen_reply_parse(struct nx_span message, struct nx_span *ref, struct nx_span *reply)
{
    struct nx_rd in = nx_rd(message);
    if (!next_tuple(&in, 2) || !next_token(&in, NX_TOK_REF, ref))
        return false;
    *reply = nx_rd_rest(&in);
    return true;
}

/* ---- writing ---- */

/* The heads are the same each time: small tuples, and small atoms in UTF-8. */
static const uint8_t pair_head[] = {104, 2};
static const uint8_t call_head[] = {104, 3,   119, 9,   '$', 'g', 'e', 'n',
                                    '_', 'c', 'a', 'l', 'l', 104, 2};
static const uint8_t cast_head[] = {104, 2, 119, 9, '$', 'g', 'e', 'n', '_', 'c', 'a', 's', 't'};

static int put_all(struct nx_buf *out, const struct nx_span *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    int rc = nx_buf_reserve(out, len);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = nx_buf_put_span(out, parts[i]);
    return rc;
}

int nx_gen_write_reply(struct nx_buf *out, struct nx_span tag, struct nx_span reply)
{
    const struct nx_span parts[] = {nx_span(pair_head, sizeof pair_head), tag, reply};
    return put_all(out, parts, sizeof parts / sizeof *parts);
}

int nx_gen_write_call(struct nx_buf *out, const struct nx_gen_caller *caller,
                      struct nx_span request)
{
    const struct nx_span parts[] = {nx_span(call_head, sizeof call_head), caller->pid, caller->tag,
                                    request};
    return put_all(out, parts, sizeof parts / sizeof *parts);
}

int nx_gen_write_cast(struct nx_buf *out, struct nx_span message)
{
    const struct nx_span parts[] = {nx_span(cast_head, sizeof cast_head), message};
    return put_all(out, parts, sizeof parts / sizeof *parts);
}

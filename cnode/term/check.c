/* SPDX-License-Identifier: Apache-2.0 */
#include "term/check.h"

#include "base/err.h"
#include "term/number.h"

/* An open container: how many terms it still wants, and where a fun must end (NULL: anywhere). */
struct level {
    size_t left;
    const uint8_t *end;
};

/* `pending` is the sum of all levels: each such term takes a byte or more, so a count that the
 * bytes cannot hold shows at once, and no count can overflow. */
struct check {
    struct nx_rd in;
    const char *problem;
    bool too_deep;
    size_t pending;
    size_t depth;
    size_t depth_max;
    struct level stack[NX_TERM_DEPTH_MAX];
};

static bool fails(struct check *c, const char *problem)
{
    c->problem = problem;
    return false;
}

static bool next(struct check *c, struct nx_tok *tok)
{
    enum nx_tok_result rc = nx_tok_next(&c->in, tok);
    return rc == NX_TOK_OK || fails(c, nx_tok_result_text(rc));
}

/* Refuses a token as a whole: the error names its first byte. */
static bool refuse(struct check *c, const struct nx_tok *tok, const char *problem)
{
    c->in.p = tok->raw.ptr;
    return fails(c, problem);
}

/* The next token, which must be of this kind. */
static bool take(struct check *c, enum nx_tok_kind kind, struct nx_tok *tok, const char *problem)
{
    return next(c, tok) && (tok->kind == kind || refuse(c, tok, problem));
}

static bool take_number(struct check *c, const char *problem)
{
    struct nx_tok tok;
    int64_t unused;
    return next(c, &tok) && (nx_tok_int(&tok, &unused) || refuse(c, &tok, problem));
}

static bool open_level(struct check *c, const struct nx_tok *tok, uint64_t children,
                       const uint8_t *end)
{
    size_t left = nx_rd_left(&c->in);
    if (children > left || c->pending > left - (size_t)children)
        return refuse(c, tok, "more elements than bytes");
    c->too_deep = c->depth == c->depth_max;
    if (c->too_deep)
        return refuse(c, tok, "nested too deep");
    c->stack[c->depth++] = (struct level){(size_t)children, end};
    c->pending += (size_t)children;
    return true;
}

/* The three parts of an external fun must be what their names say. */
static bool check_export(struct check *c)
{
    struct nx_tok tok;
    if (!take(c, NX_TOK_ATOM, &tok, "an external fun without a module") ||
        !take(c, NX_TOK_ATOM, &tok, "an external fun without a name") ||
        !take(c, NX_TOK_INT, &tok, "an external fun without an arity"))
        return false;
    return (tok.value >= 0 && tok.value <= 255) ||
           refuse(c, &tok, "an external fun of impossible arity");
}

/* A record's module, name and field names are atoms; its values are any terms. */
static bool check_record(struct check *c, const struct nx_tok *record)
{
    struct nx_tok tok;
    if (record->children > nx_rd_left(&c->in))
        return refuse(c, record, "more elements than bytes");
    for (uint64_t i = 0; i < 2 + (uint64_t)record->arity; i++)
        if (!take(c, NX_TOK_ATOM, &tok, "a record with a name that is no atom"))
            return false;
    return open_level(c, record, record->arity, NULL);
}

/* Libei and the BEAM read a fun's body term by term and disregard its size: both must say the same.
 */
static bool check_fun(struct check *c, const struct nx_tok *fun)
{
    enum { ARITY_AND_UNIQ = 1 + 16, INDEX = 4 };
    struct nx_tok tok;
    uint32_t free_terms = nx_get_u32(fun->data.ptr + ARITY_AND_UNIQ + INDEX);
    c->in.p = fun->data.ptr + ARITY_AND_UNIQ + INDEX + 4;
    return take(c, NX_TOK_ATOM, &tok, "a fun without a module") &&
           take_number(c, "a fun without an index") &&
           take_number(c, "a fun without a unique number") &&
           take(c, NX_TOK_PID, &tok, "a fun without its maker") &&
           open_level(c, fun, free_terms, fun->data.ptr + fun->data.len);
}

static bool check_float(struct check *c, const struct nx_tok *tok)
{
    double unused;
    return nx_tok_double(tok, &unused) || refuse(c, tok, "a float that is no finite number");
}

static bool check_one(struct check *c)
{
    struct nx_tok tok;
    if (!next(c, &tok))
        return false;
    if (tok.kind == NX_TOK_FLOAT)
        return check_float(c, &tok);
    if (tok.kind == NX_TOK_FUN)
        return check_fun(c, &tok);
    if (tok.kind == NX_TOK_EXPORT)
        return check_export(c);
    if (tok.kind == NX_TOK_RECORD)
        return check_record(c, &tok);
    return tok.children == 0 || open_level(c, &tok, tok.children, NULL);
}

/* Leaves the containers that are complete. */
static bool close_levels(struct check *c)
{
    for (; c->depth && c->stack[c->depth - 1].left == 0; c->depth--) {
        const uint8_t *end = c->stack[c->depth - 1].end;
        if (end && end != c->in.p)
            return fails(c, "a fun of another size than it says");
    }
    return true;
}

static bool check_all(struct check *c)
{
    if (!check_one(c) || !close_levels(c))
        return false;
    while (c->depth) {
        c->stack[c->depth - 1].left--;
        c->pending--;
        if (!check_one(c) || !close_levels(c))
            return false;
    }
    return true;
}

int nx_term_check_within(struct nx_span in, size_t depth_max, size_t *used, struct noex_error *err)
{
    struct check c;
    c.in = nx_rd(in);
    c.problem = NULL;
    c.too_deep = false;
    c.pending = c.depth = 0;
    c.depth_max = depth_max;
    bool passed = check_all(&c);
    size_t reached = in.len - nx_rd_left(&c.in);
    if (passed || c.too_deep)
        *used = reached;
    if (passed)
        return 0;
    return nx_fail(err, c.too_deep ? NOEX_ELIMIT : NOEX_ETERM, "malformed term at byte %zu: %s",
                   reached, c.problem);
}

int nx_term_check(struct nx_span in, size_t *used, struct noex_error *err)
{
    return nx_term_check_within(in, NX_TERM_DEPTH_MAX, used, err);
}

size_t nx_term_shallow_len(struct nx_span in)
{
    uint64_t left[NX_TERM_DEPTH_MAX];
    size_t depth = 0;
    struct nx_rd rest = nx_rd(in);
    struct nx_tok tok;
    do {
        if (nx_tok_next(&rest, &tok))
            break;
        if (depth)
            left[depth - 1]--;
        if (tok.children && depth == NX_TERM_DEPTH_MAX)
            return (size_t)(tok.raw.ptr - in.ptr);
        if (tok.children)
            left[depth++] = tok.children;
        while (depth && left[depth - 1] == 0)
            depth--;
    } while (depth);
    return in.len;
}

int nx_term_skip(struct nx_rd *in, struct noex_error *err)
{
    size_t used;
    int rc = nx_term_check(nx_rd_rest(in), &used, err);
    if (rc == 0)
        in->p += used;
    return rc;
}

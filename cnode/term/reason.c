/* SPDX-License-Identifier: Apache-2.0 */
#include "term/reason.h"

#include "term/print.h"
#include "term/token.h"
#include "term/utf8.h"

#include <stdio.h>

enum {
    WRAPS_MAX = 8, /* reasons wrapped in each other that are told: each is a pass over the term */
    DOTS = 3,
    CUT = 1 /* besides 0 and errors: the text is not whole and is to end in "..." */
};

/* Kinds of token as a set. */
#define KIND(kind) (1u << (kind))
enum {
    ATOM = KIND(NX_TOK_ATOM),
    INT = KIND(NX_TOK_INT),
    /* Lists of small integers arrive as strings, also argument lists in stacks: protocol.md 5. */
    LIST = KIND(NX_TOK_NIL) | KIND(NX_TOK_STRING) | KIND(NX_TOK_LIST),
    TUPLE = KIND(NX_TOK_TUPLE),
    MAP = KIND(NX_TOK_MAP),
    BINARY = KIND(NX_TOK_BINARY),
    FUN = KIND(NX_TOK_FUN) | KIND(NX_TOK_EXPORT)
};

/* What bytes that may be cut say of an expected form, rising. */
enum fit {
    DIFFERS, /* another term */
    UNREAD,  /* cut or malformed before it could be told */
    EMPTY,   /* an empty list, where a list of something is looked for */
    FITS
};

/* The {Mod, Fun, ArgList} of a call that failed. */
struct call {
    struct nx_tok module;
    struct nx_tok function;
};

/* What counts of an Elixir exception; message.kind is NX_TOK_NONE where it has no binary. */
struct exception {
    struct nx_tok name;
    struct nx_tok message;
};

/* Both elements of a two-tuple; the second is at the end where the first does not end. */
struct pair {
    struct nx_rd first;
    struct nx_rd second;
};

struct say {
    struct nx_buf *out;
    struct nx_print_opts opts;
};

static enum fit next_fits(struct nx_rd *in, unsigned kinds, struct nx_tok *t)
{
    bool whole = nx_tok_next(in, t) == NX_TOK_OK;
    if (t->kind == NX_TOK_NONE)
        return UNREAD;
    if (!(kinds & KIND(t->kind)))
        return DIFFERS;
    return whole ? FITS : UNREAD;
}

static bool next_tuple(struct nx_rd *in, uint32_t arity)
{
    struct nx_tok t;
    return next_fits(in, TUPLE, &t) == FITS && t.arity == arity;
}

static bool next_atom_is(struct nx_rd *in, const char *text)
{
    struct nx_tok t;
    return next_fits(in, ATOM, &t) == FITS && nx_span_is(t.data, text);
}

/* A list by its tag: where it is cut it is still one. */
static bool list_at(struct nx_rd in)
{
    struct nx_tok t;
    return next_fits(&in, LIST, &t) != DIFFERS && t.kind != NX_TOK_NONE;
}

static bool read_pair(struct nx_rd in, struct pair *p)
{
    if (!next_tuple(&in, 2))
        return false;
    p->first = in;
    if (!nx_tok_skip(&in, 1))
        in.p = in.end;
    p->second = in;
    return true;
}

static bool read_call(struct nx_rd in, struct call *c)
{
    return next_tuple(&in, 3) && next_fits(&in, ATOM, &c->module) == FITS &&
           next_fits(&in, ATOM, &c->function) == FITS && list_at(in);
}

/* {Mod, Fun, ArityOrArgs, Location} or {Fun, Args, Location}: rule 7 of protocol.md 15. */
static enum fit frame_fits(struct nx_rd in)
{
    struct nx_tok t;
    enum fit fit = next_fits(&in, TUPLE, &t);
    if (fit != FITS)
        return fit;
    if (t.arity == 3)
        return next_fits(&in, FUN, &t);
    if (t.arity != 4)
        return DIFFERS;
    fit = next_fits(&in, ATOM, &t);
    if (fit == FITS)
        fit = next_fits(&in, ATOM, &t);
    struct nx_rd args = in;
    if (fit == FITS)
        fit = next_fits(&in, INT | LIST, &t);
    if (fit != FITS)
        return fit;
    return nx_tok_skip(&args, 1) ? next_fits(&args, LIST, &t) : UNREAD;
}

/* A stack by its first frame; the others are not walked. */
static enum fit stack_fits(struct nx_rd in)
{
    struct nx_tok t;
    enum fit fit = next_fits(&in, LIST, &t);
    if (t.kind == NX_TOK_STRING)
        return DIFFERS;
    if (t.kind == NX_TOK_NIL)
        return EMPTY;
    return fit == FITS ? frame_fits(in) : fit;
}

/* A chain, not a table: so the compiler knows the lengths, and this is asked for each DOWN. */
static enum noex_reason_type bare_type(struct nx_span atom)
{
    if (nx_span_is(atom, "normal"))
        return NOEX_REASON_NORMAL;
    if (nx_span_is(atom, "shutdown"))
        return NOEX_REASON_SHUTDOWN;
    if (nx_span_is(atom, "killed") || nx_span_is(atom, "kill"))
        return NOEX_REASON_KILLED;
    if (nx_span_is(atom, "noproc"))
        return NOEX_REASON_NOPROC;
    if (nx_span_is(atom, "noconnection"))
        return NOEX_REASON_NOCONNECTION;
    if (nx_span_is(atom, "timeout"))
        return NOEX_REASON_TIMEOUT;
    return NOEX_REASON_EXCEPTION;
}

/* The atom that the reason is, or that it begins with as {Atom, _}, where that stands there as
 * every BEAM writes it: all that is needed for most. */
static bool leading_atom(struct nx_span term, struct nx_span *atom, bool *alone)
{
    static const uint8_t pair[] = {104, 2, 119};
    *alone = term.len > 1 && term.ptr[0] == 119;
    if (!*alone && (term.len < 4 || memcmp(term.ptr, pair, sizeof pair) != 0))
        return false;
    const size_t at = *alone ? 2 : 4;
    *atom = nx_span(term.ptr + at, term.ptr[at - 1]);
    return atom->len <= term.len - at;
}

enum noex_reason_type nx_reason_type(struct nx_span term)
{
    struct nx_rd in = nx_rd(term);
    struct nx_tok t;
    struct call call;
    struct nx_span atom;
    bool alone;
    if (leading_atom(term, &atom, &alone)) {
        if (alone)
            return bare_type(atom);
        if (!nx_span_is(atom, "timeout"))
            return nx_span_is(atom, "shutdown") ? NOEX_REASON_SHUTDOWN : NOEX_REASON_EXCEPTION;
    }
    if (next_fits(&in, ATOM | TUPLE, &t) != FITS)
        return NOEX_REASON_EXCEPTION;
    if (t.kind == NX_TOK_ATOM)
        return bare_type(t.data);
    if (t.arity != 2 || next_fits(&in, ATOM | TUPLE, &t) != FITS)
        return NOEX_REASON_EXCEPTION;
    if (t.kind == NX_TOK_TUPLE)
        return t.arity == 2 && next_atom_is(&in, "erpc") && next_atom_is(&in, "timeout") &&
                       stack_fits(in) >= EMPTY
                   ? NOEX_REASON_TIMEOUT
                   : NOEX_REASON_EXCEPTION;
    if (nx_span_is(t.data, "shutdown"))
        return NOEX_REASON_SHUTDOWN;
    return nx_span_is(t.data, "timeout") && read_call(in, &call) ? NOEX_REASON_TIMEOUT
                                                                 : NOEX_REASON_EXCEPTION;
}

const char *noex_reason_type_name(enum noex_reason_type type)
{
    switch (type) {
    case NOEX_REASON_NORMAL:
        return "normal";
    case NOEX_REASON_SHUTDOWN:
        return "shutdown";
    case NOEX_REASON_KILLED:
        return "killed";
    case NOEX_REASON_TIMEOUT:
        return "timeout";
    case NOEX_REASON_EXCEPTION:
        break;
    case NOEX_REASON_NOPROC:
        return "noproc";
    case NOEX_REASON_NOCONNECTION:
        return "noconnection";
    }
    return "exception";
}

/* A map with '__exception__' => true and a '__struct__', as far as it can be read. */
static bool read_exception(struct nx_rd in, struct exception *e)
{
    struct nx_tok map, key, value;
    bool marked = false;
    *e = (struct exception){.name.kind = NX_TOK_NONE};
    if (next_fits(&in, MAP, &map) != FITS)
        return false;
    for (uint32_t i = 0; i < map.arity; i++) {
        struct nx_rd at_key = in;
        if (!nx_tok_skip(&in, 1))
            break;
        struct nx_rd at_value = in;
        bool has_value = nx_tok_skip(&in, 1);
        if (next_fits(&at_key, ATOM, &key) == FITS) {
            enum fit fit = next_fits(&at_value, ATOM | BINARY, &value);
            bool atom = fit == FITS && value.kind == NX_TOK_ATOM;
            if (nx_span_is(key.data, "__exception__"))
                marked = atom && nx_span_is(value.data, "true");
            else if (nx_span_is(key.data, "__struct__") && atom)
                e->name = value;
            else if (nx_span_is(key.data, "message") && value.kind == NX_TOK_BINARY &&
                     (fit == FITS || value.full_len))
                e->message = value;
        }
        if (!has_value)
            break;
    }
    return marked && e->name.kind == NX_TOK_ATOM;
}

static bool one_of(struct nx_span atom, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (nx_span_is(atom, names[i]))
            return true;
    return false;
}

/* The errors that the runtimes of Erlang (OTP 25 to 29) and Elixir and erpc raise, known without a
 * stack behind them. */
static bool is_runtime_error(struct nx_rd in)
{
    static const char *const atoms[] = {
        "badarg",        "badarith", "function_clause", "if_clause",    "cond_clause",    "undef",
        "timeout_value", "noproc",   "notalive",        "system_limit", "internal_error", "notsup"};
    static const char *const tags[] = {
        "badmatch",      "badkey",         "badarg",     "case_clause", "try_clause", "else_clause",
        "badfun",        "badarity",       "badmap",     "badrecord",   "badfield",   "novalue",
        "bad_generator", "bad_generators", "bad_filter", "nocatch",     "erpc",       "exception",
        "with_clause",   "badstruct",      "badbool"};
    struct nx_tok t;
    if (next_fits(&in, ATOM | TUPLE | MAP, &t) != FITS)
        return false;
    if (t.kind == NX_TOK_MAP)
        return true;
    if (t.kind == NX_TOK_ATOM)
        return one_of(t.data, atoms, sizeof atoms / sizeof *atoms);
    return (t.arity == 2 || t.arity == 3) && next_fits(&in, ATOM, &t) == FITS &&
           one_of(t.data, tags, sizeof tags / sizeof *tags);
}

static bool is_error(const struct pair *p)
{
    enum fit fit = stack_fits(p->second);
    return fit == FITS || (fit != DIFFERS && is_runtime_error(p->first));
}

/* As much of it as fits. */
static int put(struct nx_buf *out, const void *bytes, size_t n)
{
    size_t room = out->max - nx_buf_len(out);
    int rc = nx_buf_put(out, bytes, n < room ? n : room);
    return rc ? rc : n <= room ? 0 : CUT;
}

static int put_str(struct nx_buf *out, const char *text)
{
    return put(out, text, strlen(text));
}

/* What would break the line or steer a terminal: controls, line ends, changes of direction. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static int put_escaped(struct nx_buf *out, uint32_t c)
{
    char text[16];
    if (c == '\n' || c == '\t' || c == '\r')
        return put_str(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
    snprintf(text, sizeof text, "\\x{%X}", (unsigned)c);
    return put_str(out, text);
}

static int put_char(struct nx_buf *out, uint32_t c)
{
    uint8_t utf8[NX_UTF8_MAX];
    return is_control(c) ? put_escaped(out, c) : put(out, utf8, nx_utf8_put(utf8, c));
}

/* The text of an atom or binary. A byte that is no UTF-8 is escaped, a character cut at the end not
 * shown. */
static int put_text(struct nx_buf *out, const struct nx_tok *t, size_t from)
{
    struct nx_rd in = nx_rd(nx_span(t->data.ptr + from, t->data.len - from));
    bool cut = t->full_len > t->data.len;
    int rc = 0;
    while (rc == 0 && nx_rd_left(&in)) {
        uint32_t c = in.p[0];
        if (t->latin1) {
            in.p++;
            rc = put_char(out, c);
        } else if (nx_utf8_next(&in, &c)) {
            rc = put_char(out, c);
        } else if (cut && nx_utf8_size(in.p[0]) > nx_rd_left(&in)) {
            break;
        } else {
            in.p++;
            rc = put_escaped(out, c);
        }
    }
    return rc ? rc : cut ? CUT : 0;
}

/* How many bytes of a module's or exception's name Elixir does not show. */
static size_t elixir_prefix(const struct nx_tok *name)
{
    static const char prefix[] = "Elixir.";
    size_t n = sizeof prefix - 1;
    return name->data.len > n && memcmp(name->data.ptr, prefix, n) == 0 ? n : 0;
}

static int put_call(struct nx_buf *out, const struct call *c)
{
    size_t prefix = elixir_prefix(&c->module);
    int rc = put_text(out, &c->module, prefix);
    if (rc == 0)
        rc = put_str(out, prefix ? "." : ":");
    return rc ? rc : put_text(out, &c->function, 0);
}

/* `what`, then one term printed: always the end of a message. */
static int say_term(struct say *s, const char *what, struct nx_rd term)
{
    bool cut = false;
    int rc = put_str(s->out, what);
    size_t room = s->out->max - nx_buf_len(s->out);
    if (rc == 0)
        rc = nx_term_print(s->out, nx_rd_rest(&term), &s->opts, &cut);
    /* The printer takes back only its own text: here it had no room for its dots. */
    return rc ? rc : cut && room < DOTS ? CUT : 0;
}

static int say_exception(struct say *s, const struct exception *e, struct nx_rd map)
{
    int rc = put_text(s->out, &e->name, elixir_prefix(&e->name));
    if (rc)
        return rc;
    if (e->message.kind == NX_TOK_NONE)
        return say_term(s, ": ", map);
    if (e->message.full_len == 0)
        return 0;
    rc = put_str(s->out, ": ");
    return rc ? rc : put_text(s->out, &e->message, 0);
}

/* erpc hands on what was raised elsewhere as {exception, Reason, Stack}: moves to Reason. */
static bool step_into_remote(struct nx_rd *in)
{
    struct nx_rd reason = *in;
    if (!next_tuple(&reason, 3) || !next_atom_is(&reason, "exception"))
        return false;
    struct nx_rd stack = reason;
    if (!nx_tok_skip(&stack, 1) || stack_fits(stack) == DIFFERS)
        return false;
    *in = reason;
    return true;
}

static int say_error(struct say *s, struct nx_rd what)
{
    struct exception e;
    for (int i = 0; i < WRAPS_MAX && step_into_remote(&what); i++) {
        int rc = put_str(s->out, "remote ");
        if (rc)
            return rc;
    }
    if (read_exception(what, &e))
        return say_exception(s, &e, what);
    struct nx_rd thrown = what;
    if (next_tuple(&thrown, 2) && next_atom_is(&thrown, "nocatch"))
        return say_term(s, "throw: ", thrown);
    return say_term(s, "error: ", what);
}

/* A reason that is no pair: rules 1 to 6, 8 and 10. */
static int say_single(struct say *s, struct nx_rd term, bool inside)
{
    struct exception e;
    struct nx_tok t;
    struct nx_rd in = term;
    bool atom = next_fits(&in, ATOM, &t) == FITS;
    if (atom && bare_type(t.data) != NOEX_REASON_EXCEPTION)
        return inside ? say_term(s, "", term) : 0;
    if ((atom && is_runtime_error(term)) || read_exception(term, &e))
        return say_error(s, term);
    return say_term(s, inside ? "" : "exit: ", term);
}

static int say_timeout(struct say *s, const struct call *call)
{
    int rc = put_str(s->out, "timeout in ");
    return rc ? rc : put_call(s->out, call);
}

static int say_pair(struct say *s, struct nx_rd term, const struct pair *p, bool inside)
{
    struct call call;
    struct nx_tok t;
    struct nx_rd in = p->first;
    struct nx_span tag = {NULL, 0};
    if (next_fits(&in, ATOM, &t) == FITS)
        tag = t.data;
    if (nx_span_is(tag, "shutdown"))
        return say_term(s, "shutdown: ", p->second);
    if (nx_span_is(tag, "timeout") && read_call(p->second, &call))
        return say_timeout(s, &call);
    if (is_error(p))
        return say_error(s, p->first);
    if (nx_span_is(tag, "bad_return_value"))
        return say_term(s, "bad return value: ", p->second);
    /* Rule 9: a call to an unreachable node ended for want of a connection. */
    if (inside && nx_span_is(tag, "nodedown"))
        return say_term(s, "noconnection to ", p->second);
    return say_term(s, inside ? "" : "exit: ", term);
}

/* Rule 9, {Inner, {Mod, Fun, ArgList}}, where no earlier rule takes it. */
static bool is_failed_call(const struct pair *p, struct call *call)
{
    static const char *const earlier[] = {"shutdown", "timeout", "bad_return_value"};
    struct nx_rd in = p->first;
    struct nx_tok t;
    if (next_fits(&in, ATOM, &t) == FITS &&
        one_of(t.data, earlier, sizeof earlier / sizeof *earlier))
        return false;
    return read_call(p->second, call);
}

static int say_reason(struct say *s, struct nx_rd term)
{
    for (int inside = 0;; inside++) {
        struct pair p;
        struct call call;
        if (!read_pair(term, &p))
            return say_single(s, term, inside);
        if (inside == WRAPS_MAX || !is_failed_call(&p, &call))
            return say_pair(s, term, &p, inside);
        int rc = put_call(s->out, &call);
        if (rc == 0)
            rc = put_str(s->out, " failed: ");
        if (rc)
            return rc;
        term = p.first;
    }
}

/* Ends the text behind `from` in "...", in place of its last characters where there is no room. */
static int put_dots(struct nx_buf *out, size_t from)
{
    struct nx_span text = nx_buf_span(out);
    size_t dots = out->max - from < DOTS ? out->max - from : DOTS;
    size_t keep = text.len;
    while (keep > out->max - dots ||
           (keep > from && keep < text.len && (text.ptr[keep] & 0xc0) == 0x80))
        keep--;
    nx_buf_truncate(out, keep);
    return nx_buf_put(out, "...", dots);
}

int nx_reason_message(struct nx_buf *out, struct nx_span term, struct nx_span local_node)
{
    struct say s = {out, {local_node}};
    size_t from = nx_buf_len(out);
    int rc = say_reason(&s, nx_rd(term));
    if (rc == CUT)
        rc = put_dots(out, from);
    if (rc)
        nx_buf_truncate(out, from);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "term/print.h"

#include "term/check.h"
#include "term/number.h"
#include "term/utf8.h"
#include "term/word.h"
#include <inttypes.h>
#include <stdio.h>

/* An open container. Of a list: the elements still to come before its tail, or no tail any more. */
struct level {
    uint64_t left;
    const uint8_t *names; /* of a record: the name of its next field */
    uint8_t kind;
    bool started;
    bool closing;
};

/* Once `ended` nothing is written any more, so that the code below need not ask after each piece.
 */
struct printer {
    struct nx_buf *out;
    size_t start;
    struct nx_rd in;
    struct nx_span local_node;
    int rc;
    bool ended;
    bool cut;
    size_t depth;
    struct level stack[NX_TERM_DEPTH_MAX];
};

/* Who quotes: io_lib prints most atoms, but the emulator itself those in an external fun. */
enum quoting { BY_IO_LIB, BY_EMULATOR };

/* Output: pieces, until the end. */

static void fail(struct printer *p, int rc)
{
    p->rc = rc;
    p->ended = true;
}

/* Ends the text in "...", for which it takes back as many characters as it must. */
static void end_cut(struct printer *p)
{
    if (p->ended)
        return;
    size_t room = p->out->max - p->start, len = nx_buf_len(p->out) - p->start;
    size_t dots = room < 3 ? room : 3;
    const uint8_t *text = nx_buf_span(p->out).ptr;
    if (len > room - dots)
        for (len = room - dots; len && (text[p->start + len] & 0xc0) == 0x80;)
            len--;
    nx_buf_truncate(p->out, p->start + len);
    p->cut = true;
    p->ended = true;
    p->rc = nx_buf_put(p->out, "...", dots);
}

static void put(struct printer *p, const void *bytes, size_t n)
{
    if (p->ended)
        return;
    size_t room = p->out->max - nx_buf_len(p->out);
    int rc = nx_buf_put(p->out, bytes, n < room ? n : room);
    if (rc)
        fail(p, rc);
    else if (n > room)
        end_cut(p);
}

static void put_str(struct printer *p, const char *text)
{
    put(p, text, strlen(text));
}

static void put_u64(struct printer *p, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put_str(p, text);
}

static void put_i32(struct printer *p, int32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRId32, value);
    put_str(p, text);
}

/* Text: atoms, strings, binaries. */

struct text {
    struct nx_rd in;
    bool latin1;
};

static struct text text_of(struct nx_span bytes, bool latin1)
{
    return (struct text){nx_rd(bytes), latin1};
}

static bool next_char(struct text *t, uint32_t *c)
{
    return nx_char_next(&t->in, t->latin1, c);
}

static char escape_letter(uint32_t c, enum quoting quoting)
{
    switch (c) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\v':
        return 'v';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case 0x1b:
        return quoting == BY_IO_LIB ? 'e' : 0;
    case 0x7f:
        return quoting == BY_IO_LIB ? 'd' : 0;
    default:
        return 0;
    }
}

static void put_char(struct printer *p, uint32_t c, char quote, enum quoting quoting)
{
    char text[8];
    char letter = escape_letter(c, quoting);
    if (letter || c == (uint8_t)quote || c == '\\')
        put(p, (char[]){'\\', letter ? letter : (char)c}, 2);
    else if (c < ' ' || (c >= 0x7f && c < 0xa0))
        put(p, text, (size_t)snprintf(text, sizeof text, "\\%03" PRIo32, c));
    else
        put(p, text, nx_utf8_put((uint8_t *)text, c));
}

static void put_text(struct printer *p, struct text t, char quote, enum quoting quoting)
{
    for (uint32_t c; !p->ended && next_char(&t, &c);)
        put_char(p, c, quote, quoting);
}

static bool needs_quotes(struct nx_span name, bool latin1, enum quoting quoting)
{
    struct text t = text_of(name, latin1);
    uint32_t c;
    if (!next_char(&t, &c) || !nx_word_starts(c) ||
        (quoting == BY_IO_LIB && nx_word_is_reserved(name)))
        return true;
    while (next_char(&t, &c))
        if (!nx_word_goes_on(c) || (c == '@' && quoting == BY_EMULATOR))
            return true;
    return false;
}

/* Of an atom whose bytes are cut, what there is, without the closing quote. */
static void put_atom(struct printer *p, const struct nx_tok *atom, enum quoting quoting, bool whole)
{
    bool quotes = needs_quotes(atom->data, atom->latin1, quoting);
    put(p, "'", quotes);
    put_text(p, text_of(atom->data, atom->latin1), '\'', quoting);
    put(p, "'", quotes && whole);
}

static bool is_printable(uint32_t c)
{
    return (c >= ' ' && c <= '~') || (c >= 0xa0 && c <= 0xff) || (c >= '\b' && c <= '\r') ||
           c == 0x1b;
}

enum text_kind { NO_TEXT, LATIN1_TEXT, UTF8_TEXT };

static enum text_kind latin1_kind(struct nx_span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (!is_printable(bytes.ptr[i]))
            return NO_TEXT;
    return bytes.len ? LATIN1_TEXT : NO_TEXT;
}

/* How ~tp sees a binary: as UTF-8 where all of it is, else as Latin-1. */
static enum text_kind binary_kind(struct nx_span bytes, bool whole)
{
    struct nx_rd in = nx_rd(bytes);
    bool ascii = true, printable = true;
    for (uint32_t c; nx_utf8_next(&in, &c); ascii = ascii && c < 0x80)
        printable = printable && is_printable(c);
    bool cut_char = !whole && nx_rd_left(&in) && nx_utf8_size(in.p[0]) > nx_rd_left(&in);
    if (nx_rd_left(&in) && !cut_char)
        return latin1_kind(bytes);
    if (!printable || !bytes.len)
        return NO_TEXT;
    return ascii && !cut_char ? LATIN1_TEXT : UTF8_TEXT;
}

static void put_binary(struct printer *p, const struct nx_tok *tok, bool whole)
{
    enum text_kind kind =
        tok->kind == NX_TOK_BINARY || tok->bits == 8 ? binary_kind(tok->data, whole) : NO_TEXT;
    put_str(p, kind ? "<<\"" : "<<");
    if (kind)
        put_text(p, text_of(tok->data, kind == LATIN1_TEXT), '"', BY_IO_LIB);
    unsigned spare = tok->kind == NX_TOK_BITS && whole && tok->data.len ? 8u - tok->bits : 0;
    for (size_t i = 0; !kind && !p->ended && i < tok->data.len; i++) {
        bool last = i == tok->data.len - 1;
        put_u64(p, (uint64_t)tok->data.ptr[i] >> (last ? spare : 0));
        if (last && spare) {
            put_str(p, ":");
            put_u64(p, tok->bits);
        }
        put(p, ",", !last || !whole);
    }
    if (whole)
        put_str(p, kind == UTF8_TEXT ? "\"/utf8>>" : kind ? "\">>" : ">>");
}

/* Numbers. */

enum { BIG_DECIMAL_MAX = 4096, LIMB_SIZE = 4, GROUP_DIGITS = 9, GROUP = 1000000000 };

/* The magnitude in decimal: groups of nine digits, lowest first; returns how many. */
static size_t to_groups(struct nx_span magnitude, uint32_t *group)
{
    uint32_t limb[BIG_DECIMAL_MAX / LIMB_SIZE] = {0};
    size_t limbs = (magnitude.len + LIMB_SIZE - 1) / LIMB_SIZE, groups = 0;
    for (size_t i = 0; i < magnitude.len; i++)
        limb[i / LIMB_SIZE] |= (uint32_t)magnitude.ptr[i] << (8 * (i % LIMB_SIZE));
    while (limbs) {
        uint64_t rest = 0;
        for (size_t i = limbs; i; i--) {
            rest = rest << 32 | limb[i - 1];
            limb[i - 1] = (uint32_t)(rest / GROUP);
            rest %= GROUP;
        }
        group[groups++] = (uint32_t)rest;
        while (limbs && limb[limbs - 1] == 0)
            limbs--;
    }
    return groups;
}

/* Decimal takes quadratic time, so what is longer than any number people read is shown in base 16.
 */
static void put_big(struct printer *p, const struct nx_tok *tok)
{
    /* A byte makes 2.41 digits. */
    uint32_t group[BIG_DECIMAL_MAX * 5 / 2 / GROUP_DIGITS + 1];
    char text[16];
    struct nx_span magnitude = tok->data;
    while (magnitude.len && magnitude.ptr[magnitude.len - 1] == 0)
        magnitude.len--;
    put(p, "-", tok->negative && magnitude.len);
    if (magnitude.len == 0) {
        put_str(p, "0");
    } else if (magnitude.len <= BIG_DECIMAL_MAX) {
        size_t groups = to_groups(magnitude, group);
        put_u64(p, group[groups - 1]);
        for (size_t i = groups - 1; i && !p->ended; i--)
            put(p, text, (size_t)snprintf(text, sizeof text, "%09" PRIu32, group[i - 1]));
    } else {
        snprintf(text, sizeof text, "16#%" PRIX8, magnitude.ptr[magnitude.len - 1]);
        put_str(p, text);
        for (size_t i = magnitude.len - 1; i && !p->ended; i--)
            put(p, text, (size_t)snprintf(text, sizeof text, "%02" PRIX8, magnitude.ptr[i - 1]));
    }
}

static void put_float(struct printer *p, const struct nx_tok *tok)
{
    double value;
    char text[NX_DOUBLE_TEXT];
    if (nx_tok_double(tok, &value))
        put(p, text, nx_double_text(value, text));
    else
        end_cut(p);
}

/* Identifiers. */

static bool is_local(const struct printer *p, const struct nx_tok *tok)
{
    return p->local_node.len && nx_span_eq(tok->node, p->local_node);
}

static void put_node(struct printer *p, const struct nx_tok *tok)
{
    if (is_local(p, tok))
        put_str(p, "0");
    else
        put_text(p, text_of(tok->node, tok->node_latin1), '\'', BY_IO_LIB);
}

static void put_dotted(struct printer *p, uint64_t value)
{
    put_str(p, ".");
    put_u64(p, value);
}

static void put_ref(struct printer *p, const struct nx_tok *tok)
{
    enum { LOCAL_WORDS_MIN = 3 };
    uint32_t words = tok->arity;
    if (is_local(p, tok) && words < LOCAL_WORDS_MIN)
        words = LOCAL_WORDS_MIN;
    put_str(p, "#Ref<");
    put_node(p, tok);
    for (uint32_t i = words; i; i--)
        put_dotted(p, tok->word[i - 1]);
    put_str(p, ">");
}

static void put_id(struct printer *p, const struct nx_tok *tok)
{
    if (tok->kind == NX_TOK_REF) {
        put_ref(p, tok);
        return;
    }
    put_str(p, tok->kind == NX_TOK_PID ? "<" : "#Port<");
    put_node(p, tok);
    if (tok->kind == NX_TOK_PID) {
        put_dotted(p, tok->word[0]);
        put_dotted(p, tok->word[1]);
    } else {
        put_dotted(p, tok->port);
    }
    put_str(p, ">");
}

/* The next token, if it is of this kind; else the text ends here. */
static bool take(struct printer *p, struct nx_rd *in, enum nx_tok_kind kind, struct nx_tok *tok)
{
    if (nx_tok_next(in, tok) == NX_TOK_OK && tok->kind == kind)
        return true;
    end_cut(p);
    return false;
}

/* A fun's index and unique number are those of its module's old numbering: the body holds them
 * behind the module (protocol.md section 5). */
static void put_fun(struct printer *p, const struct nx_tok *fun)
{
    enum { FIXED = 1 + 16 + 4 + 4 };
    struct nx_rd in = nx_rd(nx_span(fun->data.ptr + FIXED, fun->data.len - FIXED));
    struct nx_tok module, index, uniq;
    int64_t numbers[2] = {0, 0};
    if (!take(p, &in, NX_TOK_ATOM, &module))
        return;
    if (nx_tok_next(&in, &index) || !nx_tok_int(&index, &numbers[0]) || nx_tok_next(&in, &uniq) ||
        !nx_tok_int(&uniq, &numbers[1])) {
        end_cut(p);
        return;
    }
    put_str(p, "#Fun<");
    put_text(p, text_of(module.data, module.latin1), '\'', BY_EMULATOR);
    for (int i = 0; i < 2; i++) {
        put_str(p, ".");
        put_i32(p, (int32_t)(uint32_t)(uint64_t)numbers[i]);
    }
    put_str(p, ">");
}

static void put_export(struct printer *p)
{
    struct nx_tok tok;
    put_str(p, "fun ");
    if (!take(p, &p->in, NX_TOK_ATOM, &tok))
        return;
    put_atom(p, &tok, BY_EMULATOR, true);
    put_str(p, ":");
    if (!take(p, &p->in, NX_TOK_ATOM, &tok))
        return;
    put_atom(p, &tok, BY_EMULATOR, true);
    put_str(p, "/");
    if (take(p, &p->in, NX_TOK_INT, &tok))
        put_i32(p, tok.value);
}

/* Lists, which are strings where all their elements are printable. */

enum element { ELEMENT_INT, ELEMENT_OTHER, ELEMENT_END, ELEMENT_CUT };

/* A walk over a list in any of its encodings: `bytes` first, then `left` elements and a tail. */
struct walk {
    struct nx_rd in;
    uint64_t left;
    struct nx_span bytes;
    bool last;         /* nothing comes behind `bytes` */
    enum element then; /* what the end of `bytes` is, if they are the last */
};

static enum element walk_next(struct walk *w, int32_t *value)
{
    for (;;) {
        struct nx_tok tok;
        if (w->bytes.len) {
            *value = *w->bytes.ptr++;
            w->bytes.len--;
            return ELEMENT_INT;
        }
        if (w->last)
            return w->then;
        enum nx_tok_result rc = nx_tok_next(&w->in, &tok);
        bool tail = w->left == 0;
        if (rc && !(rc == NX_TOK_CUT && tail && tok.kind == NX_TOK_STRING))
            return rc == NX_TOK_CUT ? ELEMENT_CUT : ELEMENT_OTHER;
        w->left -= !tail;
        if (tail && tok.kind == NX_TOK_LIST) {
            w->left = tok.arity;
        } else if (tail && (tok.kind == NX_TOK_STRING || tok.kind == NX_TOK_NIL)) {
            w->bytes = tok.data;
            w->last = true;
            w->then = rc ? ELEMENT_CUT : ELEMENT_END;
        } else if (!tail && tok.kind == NX_TOK_INT) {
            *value = tok.value;
            return ELEMENT_INT;
        } else {
            return ELEMENT_OTHER;
        }
    }
}

static bool is_string(struct walk w)
{
    enum element e;
    int32_t value;
    bool any = false;
    while ((e = walk_next(&w, &value)) == ELEMENT_INT) {
        if (value < 0 || !is_printable((uint32_t)value))
            return false;
        any = true;
    }
    return any && e != ELEMENT_OTHER;
}

static void put_string(struct printer *p, struct walk w)
{
    enum element e = ELEMENT_INT;
    int32_t value;
    put_str(p, "\"");
    while (!p->ended && (e = walk_next(&w, &value)) == ELEMENT_INT)
        put_char(p, (uint32_t)value, '"', BY_IO_LIB);
    if (e == ELEMENT_CUT)
        end_cut(p);
    put_str(p, "\"");
    p->in = w.in;
}

static void put_bytes(struct printer *p, struct nx_span bytes)
{
    for (size_t i = 0; !p->ended && i < bytes.len; i++) {
        put(p, ",", i > 0);
        put_u64(p, bytes.ptr[i]);
    }
}

static void put_byte_list(struct printer *p, const struct nx_tok *tok, bool whole)
{
    struct walk w = {p->in, 0, tok->data, true, whole ? ELEMENT_END : ELEMENT_CUT};
    if (tok->data.len == 0) {
        put_str(p, whole ? "[]" : "");
    } else if (is_string(w)) {
        put_string(p, w);
    } else {
        put_str(p, "[");
        put_bytes(p, tok->data);
        put_str(p, whole ? "]" : ",");
    }
}

/* Containers: each is a level, and one step prints one child of the innermost. */

static void open_level(struct printer *p, const char *opening, struct level level)
{
    put_str(p, opening);
    if (p->depth == NX_TERM_DEPTH_MAX)
        end_cut(p);
    else
        p->stack[p->depth++] = level;
}

static void open_list(struct printer *p, const struct nx_tok *tok)
{
    struct walk w = {.in = p->in, .left = tok->arity};
    if (is_string(w))
        put_string(p, w);
    else
        open_level(p, "[", (struct level){.kind = NX_TOK_LIST, .left = tok->arity});
}

static void open_record(struct printer *p, const struct nx_tok *record)
{
    struct nx_tok tok;
    put_str(p, "#");
    for (int i = 0; i < 2; i++) {
        if (!take(p, &p->in, NX_TOK_ATOM, &tok))
            return;
        put_atom(p, &tok, BY_IO_LIB, true);
        put_str(p, i ? "{" : ":");
    }
    const uint8_t *names = p->in.p;
    for (uint32_t i = 0; i < record->arity; i++)
        if (!take(p, &p->in, NX_TOK_ATOM, &tok))
            return;
    open_level(p, "", (struct level){.kind = NX_TOK_RECORD, .left = record->arity, .names = names});
}

/* What can be told of a token whose bytes end within it. */
static void put_cut(struct printer *p, const struct nx_tok *tok)
{
    if (tok->kind == NX_TOK_ATOM && tok->data.len)
        put_atom(p, tok, BY_IO_LIB, false);
    else if (tok->kind == NX_TOK_BINARY || tok->kind == NX_TOK_BITS)
        put_binary(p, tok, false);
    else if (tok->kind == NX_TOK_STRING)
        put_byte_list(p, tok, false);
    end_cut(p);
}

static void put_token(struct printer *p, const struct nx_tok *tok)
{
    switch (tok->kind) {
    case NX_TOK_ATOM:
        put_atom(p, tok, BY_IO_LIB, true);
        break;
    case NX_TOK_INT:
        put_i32(p, tok->value);
        break;
    case NX_TOK_BIG:
        put_big(p, tok);
        break;
    case NX_TOK_FLOAT:
        put_float(p, tok);
        break;
    case NX_TOK_BINARY:
    case NX_TOK_BITS:
        put_binary(p, tok, true);
        break;
    case NX_TOK_STRING:
        put_byte_list(p, tok, true);
        break;
    case NX_TOK_NIL:
        put_str(p, "[]");
        break;
    case NX_TOK_LIST:
        open_list(p, tok);
        break;
    case NX_TOK_TUPLE:
        open_level(p, "{", (struct level){.kind = NX_TOK_TUPLE, .left = tok->arity});
        break;
    case NX_TOK_MAP:
        open_level(p, "#{", (struct level){.kind = NX_TOK_MAP, .left = tok->children});
        break;
    case NX_TOK_PID:
    case NX_TOK_REF:
    case NX_TOK_PORT:
        put_id(p, tok);
        break;
    case NX_TOK_FUN:
        put_fun(p, tok);
        break;
    case NX_TOK_EXPORT:
        put_export(p);
        break;
    case NX_TOK_RECORD:
        open_record(p, tok);
        break;
    case NX_TOK_NONE:
        end_cut(p);
        break;
    }
}

/* A list head of no elements is nothing but its tail. */
static enum nx_tok_result next_token(struct printer *p, struct nx_tok *tok)
{
    enum nx_tok_result rc;
    do
        rc = nx_tok_next(&p->in, tok);
    while (rc == NX_TOK_OK && tok->kind == NX_TOK_LIST && tok->arity == 0);
    return rc;
}

static void put_result(struct printer *p, enum nx_tok_result rc, const struct nx_tok *tok)
{
    if (rc == NX_TOK_OK)
        put_token(p, tok);
    else if (rc == NX_TOK_CUT)
        put_cut(p, tok);
    else
        end_cut(p);
}

/* What stands between the children, before the next one. */
static void put_separator(struct printer *p, struct level *level)
{
    if (level->started)
        put_str(p, level->kind == NX_TOK_MAP && level->left % 2 ? " => " : ",");
    level->started = true;
    if (level->kind == NX_TOK_RECORD) {
        struct nx_rd names = {level->names, p->in.end};
        struct nx_tok name;
        if (!take(p, &names, NX_TOK_ATOM, &name))
            return;
        put_atom(p, &name, BY_IO_LIB, true);
        put_str(p, " = ");
        level->names = names.p;
    }
}

static void close_level(struct printer *p)
{
    put_str(p, p->stack[p->depth - 1].kind == NX_TOK_LIST ? "]" : "}");
    p->depth--;
}

/* Behind a list's last element: the end, more of the list, or an improper tail. */
static void put_tail(struct printer *p, struct level *level)
{
    struct nx_tok tok;
    enum nx_tok_result rc = next_token(p, &tok);
    level->closing = rc || tok.kind != NX_TOK_LIST;
    if (rc == NX_TOK_OK && tok.kind == NX_TOK_LIST) {
        level->left = tok.arity;
    } else if (tok.kind == NX_TOK_STRING) {
        put(p, ",", tok.data.len > 0);
        put_bytes(p, tok.data);
        if (rc)
            end_cut(p);
    } else if (rc || tok.kind != NX_TOK_NIL) {
        put_str(p, "|");
        put_result(p, rc, &tok);
    }
}

static void put_child(struct printer *p, struct level *level)
{
    struct nx_tok tok;
    put_separator(p, level);
    level->left--;
    if (!p->ended)
        put_result(p, next_token(p, &tok), &tok);
}

static void put_term(struct printer *p)
{
    struct nx_tok tok;
    put_result(p, next_token(p, &tok), &tok);
    while (p->depth && !p->ended) {
        struct level *level = &p->stack[p->depth - 1];
        if (level->left)
            put_child(p, level);
        else if (level->kind == NX_TOK_LIST && !level->closing)
            put_tail(p, level);
        else
            close_level(p);
    }
}

int nx_term_print(struct nx_buf *out, struct nx_span term, const struct nx_print_opts *opts,
                  bool *cut)
{
    struct printer p;
    p.out = out;
    p.start = nx_buf_len(out);
    p.in = nx_rd(term);
    p.local_node = opts->local_node;
    p.rc = 0;
    p.ended = p.cut = false;
    p.depth = 0;
    put_term(&p);
    if (p.rc)
        nx_buf_truncate(out, p.start);
    if (cut)
        *cut = p.cut;
    return p.rc;
}

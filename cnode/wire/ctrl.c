/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ctrl.h"

#include "base/err.h"
#include "term/check.h"
#include "term/ident.h"

/* The table below reads as protocol.md 6.1 does. */
enum {
    FROM = NX_ARG_FROM,
    TO = NX_ARG_TO,
    TARGET = NX_ARG_TARGET,
    NAME = NX_ARG_NAME,
    REF = NX_ARG_REF,
    ID = NX_ARG_ID,
    REASON = NX_ARG_REASON,
    TOKEN = NX_ARG_TOKEN,
    UNUSED = NX_ARG_UNUSED,
    LEADER = NX_ARG_LEADER,
    MFA = NX_ARG_MFA,
    OPTS = NX_ARG_OPTS,
    FLAGS = NX_ARG_FLAGS,
    RESULT = NX_ARG_RESULT
};

enum { ROLES_MAX = 6, OP_MAX = NX_OP_ALTACT_SIG_SEND };

struct shape {
    const char *name;
    uint8_t arity; /* of the tuple, its opcode included; of ALTACT_SIG_SEND the least */
    bool has_payload;
    uint8_t role[ROLES_MAX];
};

/* In the DOWNs (21, 28) the watcher is who receives: TO. */
static const struct shape shapes[OP_MAX + 1] = {
    [NX_OP_LINK] = {"LINK", 3, false, {FROM, TO}},
    [NX_OP_SEND] = {"SEND", 3, true, {UNUSED, TO}},
    [NX_OP_EXIT] = {"EXIT", 4, false, {FROM, TO, REASON}},
    [NX_OP_UNLINK] = {"UNLINK", 3, false, {FROM, TO}},
    [NX_OP_REG_SEND] = {"REG_SEND", 4, true, {FROM, UNUSED, NAME}},
    [NX_OP_GROUP_LEADER] = {"GROUP_LEADER", 3, false, {LEADER, TO}},
    [NX_OP_EXIT2] = {"EXIT2", 4, false, {FROM, TO, REASON}},
    [NX_OP_SEND_TT] = {"SEND_TT", 4, true, {UNUSED, TO, TOKEN}},
    [NX_OP_EXIT_TT] = {"EXIT_TT", 5, false, {FROM, TO, TOKEN, REASON}},
    [NX_OP_REG_SEND_TT] = {"REG_SEND_TT", 5, true, {FROM, UNUSED, NAME, TOKEN}},
    [NX_OP_EXIT2_TT] = {"EXIT2_TT", 5, false, {FROM, TO, TOKEN, REASON}},
    [NX_OP_MONITOR_P] = {"MONITOR_P", 4, false, {FROM, TARGET, REF}},
    [NX_OP_DEMONITOR_P] = {"DEMONITOR_P", 4, false, {FROM, TARGET, REF}},
    [NX_OP_MONITOR_P_EXIT] = {"MONITOR_P_EXIT", 5, false, {TARGET, TO, REF, REASON}},
    [NX_OP_SEND_SENDER] = {"SEND_SENDER", 3, true, {FROM, TO}},
    [NX_OP_SEND_SENDER_TT] = {"SEND_SENDER_TT", 4, true, {FROM, TO, TOKEN}},
    [NX_OP_PAYLOAD_EXIT] = {"PAYLOAD_EXIT", 3, true, {FROM, TO}},
    [NX_OP_PAYLOAD_EXIT_TT] = {"PAYLOAD_EXIT_TT", 4, true, {FROM, TO, TOKEN}},
    [NX_OP_PAYLOAD_EXIT2] = {"PAYLOAD_EXIT2", 3, true, {FROM, TO}},
    [NX_OP_PAYLOAD_EXIT2_TT] = {"PAYLOAD_EXIT2_TT", 4, true, {FROM, TO, TOKEN}},
    [NX_OP_PAYLOAD_MONITOR_P_EXIT] = {"PAYLOAD_MONITOR_P_EXIT", 4, true, {TARGET, TO, REF}},
    [NX_OP_SPAWN_REQUEST] = {"SPAWN_REQUEST", 6, true, {REF, FROM, LEADER, MFA, OPTS}},
    [NX_OP_SPAWN_REQUEST_TT] = {"SPAWN_REQUEST_TT", 7, true, {REF, FROM, LEADER, MFA, OPTS, TOKEN}},
    [NX_OP_SPAWN_REPLY] = {"SPAWN_REPLY", 5, false, {REF, TO, FLAGS, RESULT}},
    [NX_OP_SPAWN_REPLY_TT] = {"SPAWN_REPLY_TT", 6, false, {REF, TO, FLAGS, RESULT, TOKEN}},
    [NX_OP_ALIAS_SEND] = {"ALIAS_SEND", 3, true, {FROM, REF}},
    [NX_OP_ALIAS_SEND_TT] = {"ALIAS_SEND_TT", 4, true, {FROM, REF, TOKEN}},
    [NX_OP_UNLINK_ID] = {"UNLINK_ID", 4, false, {ID, FROM, TO}},
    [NX_OP_UNLINK_ID_ACK] = {"UNLINK_ID_ACK", 4, false, {ID, FROM, TO}},
    [NX_OP_ALTACT_SIG_SEND] = {"ALTACT_SIG_SEND", 4, true, {FLAGS, FROM, TO, TOKEN}},
};

enum { CACHED = 82 };

struct parse {
    struct nx_rd in;
    struct nx_ctrl *out;
    struct noex_error *err;
    const char *name;
    uint32_t element;                /* the one being read, counted from 1 as element/2 does */
    uint8_t flags;                   /* the low byte of FLAGS */
    const struct nx_atom_refs *refs; /* NULL: the terms are plain */
    struct nx_buf *plain;            /* with refs: where plain forms of elements go */
};

/* What a role demands: one token of certain kinds, or what a function of its own reads. */
struct rule {
    uint32_t kinds;
    int (*read)(struct parse *p, const struct rule *rule);
    const char *wanted;
};

static int wrong_element(struct parse *p, const struct rule *rule)
{
    return nx_fail(p->err, NOEX_EPROTOCOL, "%s: element %u is not %s", p->name, p->element,
                   rule->wanted);
}

static int wrong_arity(struct parse *p, uint32_t arity, uint32_t wanted)
{
    return nx_fail(p->err, NOEX_EPROTOCOL, "%s: a tuple of %u elements instead of %u", p->name,
                   arity, wanted);
}

static int read_token(struct parse *p, struct nx_tok *tok)
{
    enum nx_tok_result rc = nx_tok_next(&p->in, tok);
    if (rc == NX_TOK_OK)
        return 0;
    return nx_fail(p->err, NOEX_ETERM, "%s: element %u: %s", p->name, p->element,
                   nx_tok_result_text(rc));
}

static int skip_term(struct parse *p)
{
    struct noex_error cause;
    cause.code = 0;
    cause.text[0] = '\0';
    if (nx_term_skip(&p->in, &cause) == 0)
        return 0;
    return nx_fail(p->err, NOEX_ETERM, "%s: element %u: %s", p->name, p->element, cause.text);
}

static int read_any(struct parse *p, const struct rule *rule)
{
    (void)rule;
    return skip_term(p);
}

static int read_id(struct parse *p, const struct rule *rule)
{
    struct nx_tok tok;
    uint64_t id;
    int rc = read_token(p, &tok);
    if (rc)
        return rc;
    return nx_u64_parse(tok.raw, &id) && id ? 0 : wrong_element(p, rule);
}

/* Of any size: future flags may need more than 64 bits, and none of them matters here. */
static int read_flags(struct parse *p, const struct rule *rule)
{
    struct nx_tok tok;
    int rc = read_token(p, &tok);
    if (rc)
        return rc;
    if (tok.kind == NX_TOK_INT && tok.value >= 0)
        p->flags = (uint8_t)(tok.value & 0xff);
    else if (tok.kind == NX_TOK_BIG && !tok.negative)
        p->flags = tok.data.len ? tok.data.ptr[0] : 0;
    else
        return wrong_element(p, rule);
    return 0;
}

static int read_mfa(struct parse *p, const struct rule *rule)
{
    struct nx_tok tuple, module, function, arity;
    int rc = read_token(p, &tuple);
    if (rc)
        return rc;
    if (tuple.kind != NX_TOK_TUPLE || tuple.arity != 3)
        return wrong_element(p, rule);
    rc = read_token(p, &module);
    if (!rc)
        rc = read_token(p, &function);
    if (!rc)
        rc = read_token(p, &arity);
    if (rc)
        return rc;
    bool good = module.kind == NX_TOK_ATOM && function.kind == NX_TOK_ATOM &&
                arity.kind == NX_TOK_INT && arity.value >= 0;
    return good ? 0 : wrong_element(p, rule);
}

/* A proper list, in any of its three encodings; a tail may be a list again. */
static int read_proper_list(struct parse *p, const struct rule *rule)
{
    struct nx_tok tok;
    for (;;) {
        int rc = read_token(p, &tok);
        if (rc)
            return rc;
        if (tok.kind == NX_TOK_NIL || tok.kind == NX_TOK_STRING)
            return 0;
        if (tok.kind != NX_TOK_LIST)
            return wrong_element(p, rule);
        for (uint32_t i = 0; i < tok.arity; i++)
            if ((rc = skip_term(p)))
                return rc;
    }
}

#define KIND(k) (UINT32_C(1) << (k))

static const struct rule rules[NX_ARG_COUNT] = {
    [FROM] = {KIND(NX_TOK_PID), NULL, "a pid"},
    [TO] = {KIND(NX_TOK_PID), NULL, "a pid"},
    [TARGET] = {KIND(NX_TOK_PID) | KIND(NX_TOK_ATOM), NULL, "a pid or a name"},
    [NAME] = {KIND(NX_TOK_ATOM), NULL, "a name"},
    [REF] = {KIND(NX_TOK_REF), NULL, "a reference"},
    [ID] = {0, read_id, "an id of 1 to 64 bits"},
    [REASON] = {0, read_any, ""},
    [TOKEN] = {0, read_any, ""},
    [UNUSED] = {0, read_any, ""},
    [LEADER] = {KIND(NX_TOK_PID), NULL, "a pid"},
    [MFA] = {0, read_mfa, "{Module, Function, Arity}"},
    [OPTS] = {0, read_proper_list, "a proper list"},
    [FLAGS] = {0, read_flags, "an unsigned integer"},
    [RESULT] = {KIND(NX_TOK_PID) | KIND(NX_TOK_ATOM), NULL, "a pid or an atom"},
};

static const struct rule to_alias = {KIND(NX_TOK_REF), NULL, "the alias that its flags announce"};
static const struct rule to_name = {KIND(NX_TOK_ATOM), NULL, "the name that its flags announce"};

static int read_kind(struct parse *p, const struct rule *rule)
{
    struct nx_tok tok;
    int rc = read_token(p, &tok);
    if (rc)
        return rc;
    return rule->kinds & KIND(tok.kind) ? 0 : wrong_element(p, rule);
}

static bool is_ascii(const uint8_t *p, size_t len)
{
    uint64_t high = 0, word;
    for (; len >= sizeof word; p += sizeof word, len -= sizeof word) {
        memcpy(&word, p, sizeof word);
        high |= word;
    }
    while (len--)
        high |= *p++;
    return (high & UINT64_C(0x8080808080808080)) == 0;
}

/*
 * The size of a pid, reference or atom in the form that every BEAM writes, with a name in ASCII; 0
 * for anything else, which is the tokenizer's to judge. DOWNs come by the hundred thousand and are
 * made of these alone: this takes a fraction of the time that tokens take.
 */
static size_t plain_size(const struct nx_rd *r, uint32_t kinds)
{
    const uint8_t *b = r->p;
    const size_t left = nx_rd_left(r);
    size_t atom = 0, tail = 0;
    if (left < 4)
        return 0;
    if (b[0] == 88 && (kinds & KIND(NX_TOK_PID))) {
        atom = 1;
        tail = 12;
    } else if (b[0] == 90 && (kinds & KIND(NX_TOK_REF))) {
        const size_t words = nx_get_u16(b + 1);
        if (words == 0 || words > NX_REF_WORDS_MAX)
            return 0;
        atom = 3;
        tail = 4 + 4 * words;
    } else if (!(kinds & KIND(NX_TOK_ATOM))) {
        return 0;
    }
    if (b[atom] != 119 || left < atom + 2)
        return 0;
    const size_t name = b[atom + 1], size = atom + 2 + name + tail;
    return left >= size && is_ascii(b + atom + 2, name) ? size : 0;
}

/* The atom that a reference at `at` stands for, and whether it stands for one. */
static bool cached_atom(const struct parse *p, const uint8_t *at, struct nx_span *atom)
{
    if (at[0] != CACHED || at[1] >= p->refs->count)
        return false;
    *atom = p->refs->atom[at[1]];
    return atom->ptr != NULL;
}

/* A pid or reference with its atom in the place of the two bytes that refer to it. */
static struct nx_span put_cached(struct nx_buf *plain, const uint8_t *b, size_t head,
                                 struct nx_span atom, size_t tail)
{
    uint8_t *to = plain->data + plain->end, *p = to + head;
    memcpy(to, b, 3); /* of which `head` count */
    memcpy(p, atom.ptr, atom.len);
    p += atom.len;
    b += head + 2;
    /* Sizes that the compiler knows, for the usual ones. */
    if (tail == 12)
        memcpy(p, b, 12);
    else if (tail == 16)
        memcpy(p, b, 16);
    else
        memcpy(p, b, tail);
    nx_buf_commit(plain, head + atom.len + tail);
    return nx_span(to, head + atom.len + tail);
}

/* What plain_size knows, where its atom is in the cache: it is made plain at once. */
static bool read_cached(struct parse *p, const struct rule *rule, struct nx_span *raw)
{
    const uint8_t *b = p->in.p;
    const size_t left = nx_rd_left(&p->in);
    size_t head = 0, tail = 0;
    if (left < 3)
        return false;
    if (b[0] == 88 && (rule->kinds & KIND(NX_TOK_PID))) {
        head = 1;
        tail = 12;
    } else if (b[0] == 90 && (rule->kinds & KIND(NX_TOK_REF))) {
        const size_t words = nx_get_u16(b + 1);
        if (words == 0 || words > NX_REF_WORDS_MAX)
            return false;
        head = 3;
        tail = 4 + 4 * words;
    } else if (!(rule->kinds & KIND(NX_TOK_ATOM)) && rule->read != read_any) {
        return false;
    }
    if (left < head + 2 + tail || !cached_atom(p, b + head, raw))
        return false;
    p->in.p += head + 2 + tail;
    if (head)
        *raw = put_cached(p->plain, b, head, *raw, tail);
    return true;
}

static int read_element(struct parse *p, unsigned role, const struct rule *rule)
{
    const uint8_t *start = p->in.p;
    size_t size = plain_size(&p->in, rule->kinds);
    int rc = 0;
    p->element++;
    if (!size && p->refs && read_cached(p, rule, &p->out->arg[role]))
        return 0;
    if (size)
        p->in.p += size;
    else
        rc = rule->read ? rule->read(p, rule) : read_kind(p, rule);
    p->out->arg[role] = nx_span(start, (size_t)(p->in.p - start));
    return rc;
}

static int read_rest(struct parse *p, uint32_t arity)
{
    while (p->element < arity) {
        p->element++;
        int rc = skip_term(p);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_altact(struct parse *p, uint32_t arity)
{
    int rc = read_element(p, FLAGS, &rules[FLAGS]);
    if (rc)
        return rc;
    const bool alias = p->flags & NX_ALTACT_ALIAS, name = p->flags & NX_ALTACT_NAME,
               token = p->flags & NX_ALTACT_TOKEN;
    if (alias && name)
        return nx_fail(p->err, NOEX_EPROTOCOL, "%s: the flags announce both an alias and a name",
                       p->name);
    if (token && arity < 5)
        return wrong_arity(p, arity, 5);
    rc = read_element(p, FROM, &rules[FROM]);
    if (!rc)
        rc = read_element(p, TO, alias ? &to_alias : name ? &to_name : &rules[TO]);
    if (!rc && token)
        rc = read_element(p, TOKEN, &rules[TOKEN]);
    return rc ? rc : read_rest(p, arity);
}

static const struct shape *shape_of(int op)
{
    return op > 0 && op <= OP_MAX && shapes[op].name ? &shapes[op] : NULL;
}

const char *nx_op_name(int op)
{
    const struct shape *shape = shape_of(op);
    return shape ? shape->name : "?";
}

/* The head as every BEAM writes it: a small tuple, and an opcode of one byte. */
static bool read_plain_head(struct parse *p, uint32_t *arity, int *op)
{
    const uint8_t *b = p->in.p;
    if (nx_rd_left(&p->in) < 4 || b[0] != 104 || b[1] == 0 || b[2] != 97)
        return false;
    *arity = b[1];
    *op = b[3];
    p->element = 1;
    p->in.p += 4;
    return true;
}

static int read_head(struct parse *p, uint32_t *arity, int *op)
{
    struct nx_tok tok;
    if (read_plain_head(p, arity, op))
        return 0;
    int rc = read_token(p, &tok);
    if (rc)
        return rc;
    if (tok.kind != NX_TOK_TUPLE || tok.arity == 0)
        return nx_fail(p->err, NOEX_EPROTOCOL, "a control message that is no tuple with an opcode");
    *arity = tok.arity;
    p->element = 1;
    rc = read_token(p, &tok);
    if (rc)
        return rc;
    if (tok.kind != NX_TOK_INT)
        return nx_fail(p->err, NOEX_EPROTOCOL, "a control message whose opcode is no integer");
    *op = tok.value;
    return 0;
}

static int read_elements(struct parse *p, const struct shape *shape, uint32_t arity)
{
    int rc = 0;
    p->name = shape->name;
    if (shape == &shapes[NX_OP_ALTACT_SIG_SEND] ? arity < shape->arity : arity != shape->arity)
        return wrong_arity(p, arity, shape->arity);
    if (shape == &shapes[NX_OP_ALTACT_SIG_SEND])
        return read_altact(p, arity);
    for (unsigned i = 0; !rc && i < shape->arity - 1u; i++)
        rc = read_element(p, shape->role[i], &rules[shape->role[i]]);
    return rc;
}

static int parse(struct parse *p, struct nx_span in, size_t *used)
{
    /* Not memset: gcc makes `rep stos` of it, which takes as long as all else here for a DOWN. */
    const struct nx_span none = nx_span(in.ptr, 0);
    struct nx_ctrl *out = p->out;
    uint32_t arity = 0;
    int op = 0;
    *used = 0;
    out->op = (enum nx_op)0;
    out->has_payload = false;
    for (unsigned i = 0; i < NX_ARG_COUNT; i++)
        out->arg[i] = none;
    int rc = read_head(p, &arity, &op);
    if (rc)
        return rc;
    const struct shape *shape = shape_of(op);
    rc = shape ? read_elements(p, shape, arity) : read_rest(p, arity);
    if (rc)
        return rc;
    *used = (size_t)(p->in.p - in.ptr);
    if (!shape)
        return nx_fail(p->err, NOEX_EPROTOCOL, "unknown opcode %d", op);
    out->op = (enum nx_op)op;
    out->has_payload = shape->has_payload;
    return 0;
}

int nx_ctrl_parse(struct nx_span in, struct nx_ctrl *out, size_t *used, struct noex_error *err)
{
    struct parse p = {.in = nx_rd(in), .out = out, .err = err, .name = "control message"};
    return parse(&p, in, used);
}

bool nx_ctrl_parse_usual(struct nx_span in, const struct nx_atom_refs *refs, struct nx_buf *plain,
                         struct nx_ctrl *out, size_t *used)
{
    enum { PLAIN_MAX = ROLES_MAX * (3 + 3 + 255 * 4 + 4 + 4 * NX_REF_WORDS_MAX) };
    struct parse p = {.in = nx_rd(in), .out = out, .name = "", .refs = refs, .plain = plain};
    return !nx_buf_reserve(plain, PLAIN_MAX) && !parse(&p, in, used);
}

static const uint8_t empty_atom[] = {119, 0};

/* The receiver is what the flags announce, or the peer closes the connection. */
static bool altact_fits(uint64_t flags, const struct nx_ctrl *msg)
{
    const bool alias = flags & NX_ALTACT_ALIAS, name = flags & NX_ALTACT_NAME;
    const struct rule *to = alias ? &to_alias : name ? &to_name : &rules[TO];
    struct nx_rd in = nx_rd(msg->arg[TO]);
    struct nx_tok tok;
    return !(alias && name) && nx_tok_next(&in, &tok) == NX_TOK_OK && to->kinds & KIND(tok.kind) &&
           ((flags & NX_ALTACT_TOKEN) != 0) == (msg->arg[TOKEN].len != 0);
}

/* The arity to write, and the size of the tuple; 0 where an element is missing. */
static size_t measure(const struct shape *shape, const struct nx_ctrl *msg, unsigned *arity)
{
    size_t size = 4;
    *arity = shape->arity;
    if (msg->op == NX_OP_ALTACT_SIG_SEND) {
        uint64_t flags;
        if (!nx_u64_parse(msg->arg[FLAGS], &flags) || !altact_fits(flags, msg))
            return 0;
        *arity += (flags & NX_ALTACT_TOKEN) != 0;
    }
    for (unsigned i = 0; i < *arity - 1; i++) {
        size_t len = shape->role[i] == UNUSED ? sizeof empty_atom : msg->arg[shape->role[i]].len;
        if (len == 0)
            return 0;
        size += len;
    }
    return size;
}

size_t nx_ctrl_size(const struct nx_ctrl *msg)
{
    const struct shape *shape = shape_of((int)msg->op);
    unsigned arity;
    return shape ? measure(shape, msg, &arity) : 0;
}

static void put(struct nx_buf *out, struct nx_span s)
{
    memcpy(out->data + out->end, s.ptr, s.len);
    nx_buf_commit(out, s.len);
}

int nx_ctrl_build_short(struct nx_buf *out, const struct nx_ctrl *msg, struct nx_known_atoms *known)
{
    const struct shape *shape = shape_of((int)msg->op);
    unsigned arity = 0;
    size_t size = shape ? measure(shape, msg, &arity) : 0;
    if (size == 0)
        return NOEX_EINVALID;
    int rc = nx_buf_reserve(out, size);
    if (rc)
        return rc;
    const uint8_t head[] = {104, (uint8_t)arity, 97, (uint8_t)msg->op};
    put(out, nx_span(head, sizeof head));
    for (unsigned i = 0; i < arity - 1; i++) {
        if (shape->role[i] == UNUSED)
            put(out, nx_span(empty_atom, sizeof empty_atom));
        else if (known)
            nx_known_atoms_put(known, out, msg->arg[shape->role[i]]);
        else
            put(out, msg->arg[shape->role[i]]);
    }
    return 0;
}

int nx_ctrl_build(struct nx_buf *out, const struct nx_ctrl *msg)
{
    return nx_ctrl_build_short(out, msg, NULL);
}

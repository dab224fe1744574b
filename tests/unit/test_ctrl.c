/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "cmocka_all.h"
#include "wire/ctrl.h"

#include <ei.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Protocol.md 6.1 once more, written down apart from the library's table. */
static const struct row {
    int op;
    const char *name;
    bool payload;
    unsigned count;
    int role[6];
} rows[] = {
    {1, "LINK", false, 2, {FROM, TO}},
    {2, "SEND", true, 2, {UNUSED, TO}},
    {3, "EXIT", false, 3, {FROM, TO, REASON}},
    {4, "UNLINK", false, 2, {FROM, TO}},
    {6, "REG_SEND", true, 3, {FROM, UNUSED, NAME}},
    {7, "GROUP_LEADER", false, 2, {LEADER, TO}},
    {8, "EXIT2", false, 3, {FROM, TO, REASON}},
    {12, "SEND_TT", true, 3, {UNUSED, TO, TOKEN}},
    {13, "EXIT_TT", false, 4, {FROM, TO, TOKEN, REASON}},
    {16, "REG_SEND_TT", true, 4, {FROM, UNUSED, NAME, TOKEN}},
    {18, "EXIT2_TT", false, 4, {FROM, TO, TOKEN, REASON}},
    {19, "MONITOR_P", false, 3, {FROM, TARGET, REF}},
    {20, "DEMONITOR_P", false, 3, {FROM, TARGET, REF}},
    {21, "MONITOR_P_EXIT", false, 4, {TARGET, TO, REF, REASON}},
    {22, "SEND_SENDER", true, 2, {FROM, TO}},
    {23, "SEND_SENDER_TT", true, 3, {FROM, TO, TOKEN}},
    {24, "PAYLOAD_EXIT", true, 2, {FROM, TO}},
    {25, "PAYLOAD_EXIT_TT", true, 3, {FROM, TO, TOKEN}},
    {26, "PAYLOAD_EXIT2", true, 2, {FROM, TO}},
    {27, "PAYLOAD_EXIT2_TT", true, 3, {FROM, TO, TOKEN}},
    {28, "PAYLOAD_MONITOR_P_EXIT", true, 3, {TARGET, TO, REF}},
    {29, "SPAWN_REQUEST", true, 5, {REF, FROM, LEADER, MFA, OPTS}},
    {30, "SPAWN_REQUEST_TT", true, 6, {REF, FROM, LEADER, MFA, OPTS, TOKEN}},
    {31, "SPAWN_REPLY", false, 4, {REF, TO, FLAGS, RESULT}},
    {32, "SPAWN_REPLY_TT", false, 5, {REF, TO, FLAGS, RESULT, TOKEN}},
    {33, "ALIAS_SEND", true, 2, {FROM, REF}},
    {34, "ALIAS_SEND_TT", true, 3, {FROM, REF, TOKEN}},
    {35, "UNLINK_ID", false, 3, {ID, FROM, TO}},
    {36, "UNLINK_ID_ACK", false, 3, {ID, FROM, TO}},
    {37, "ALTACT_SIG_SEND", true, 3, {FLAGS, FROM, TO}},
};
enum { ROWS = sizeof rows / sizeof *rows };

#define T(bytes)                                                                                   \
    {                                                                                              \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                \
    }
#define NODE "\x77\x03n@h"
#define NUMBERS "\0\0\0\7\0\0\0\1\x60\1\2\3"

/* One term of each kind, and its forms that are rarer but as good. */
static const struct nx_span pid = T("\x58" NODE NUMBERS);
static const struct nx_span pid_wide_node = T("\x58\x76\0\3n@h" NUMBERS);
static const struct nx_span pid_utf8_node = T("\x58\x77\4n@\xc3\xa4" NUMBERS);
static const struct nx_span pid_latin1_node = T("\x58\x73\3n@\xe4" NUMBERS);
static const struct nx_span pid_old = T("\x67" NODE "\0\0\0\7\0\0\0\1\3");
static const struct nx_span ref = T("\x5a\0\3" NODE "\x60\1\2\3\0\0\0\1\0\0\0\2\0\0\0\3");
static const struct nx_span ref1 = T("\x5a\0\1" NODE "\x60\1\2\3\xff\xff\xff\xff");
static const struct nx_span ref5 =
    T("\x5a\0\5" NODE "\x60\1\2\3\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5");
static const struct nx_span ref_mid = T("\x72\0\1" NODE "\3\0\0\0\1");
static const struct nx_span ref_old = T("\x65" NODE "\0\0\0\1\3");
static const struct nx_span atom = T("\x77\5hello");
static const struct nx_span atom_wide = T("\x76\0\5hello");
static const struct nx_span atom_utf8 = T("\x77\3h\xc3\xa4");
static const struct nx_span atom_latin1 = T("\x64\0\2h\xe4");
static const struct nx_span atom_empty = T("\x77\0");
static const struct nx_span one = T("\x61\1");
static const struct nx_span zero = T("\x61\0");
static const struct nx_span thousand = T("\x62\0\0\3\xe8");
static const struct nx_span minus_one = T("\x62\xff\xff\xff\xff");
static const struct nx_span big64 = T("\x6e\x08\0\xff\xff\xff\xff\xff\xff\xff\xff");
static const struct nx_span big64_padded = T("\x6f\0\0\0\x0a\0\1\0\0\0\0\0\0\x80\0\0");
static const struct nx_span big65 = T("\x6e\x09\0\0\0\0\0\0\0\0\0\1");
static const struct nx_span big_minus = T("\x6e\x08\1\xff\xff\xff\xff\xff\xff\xff\xff");
static const struct nx_span big_zero = T("\x6e\1\0\0");
static const struct nx_span nil = T("\x6a");
static const struct nx_span list = T("\x6c\0\0\0\2\x77\4link\x68\2\x77\1k\x6a\x6a");
static const struct nx_span list_of_tail = T("\x6c\0\0\0\1\x61\1\x6c\0\0\0\1\x61\2\x6a");
static const struct nx_span string = T("\x6b\0\2xy");
static const struct nx_span improper = T("\x6c\0\0\0\1\x77\5"
                                         "alias\x5a\0\1" NODE "\0\0\0\4\0\0\0\1");
static const struct nx_span mfa = T("\x68\3\x77\1m\x77\1f\x61\1");
static const struct nx_span mfa_wide = T("\x69\0\0\0\3\x76\0\1m\x64\0\1f\x62\0\0\1\0");
static const struct nx_span mfa_2 = T("\x68\2\x77\1m\x77\1f");
static const struct nx_span mfa_4 = T("\x68\4\x77\1m\x77\1f\x61\1\x61\1");
static const struct nx_span mfa_no_module = T("\x68\3\x61\1\x77\1f\x61\1");
static const struct nx_span mfa_no_function = T("\x68\3\x77\1m\x6a\x61\1");
static const struct nx_span mfa_no_arity = T("\x68\3\x77\1m\x77\1f\x77\1"
                                             "a");
static const struct nx_span mfa_minus = T("\x68\3\x77\1m\x77\1f\x62\xff\xff\xff\xff");
static const struct nx_span map = T("\x74\0\0\0\1\x77\1k\x6d\0\0\0\1v");
static const struct nx_span binary = T("\x6d\0\0\0\2xy");
static const struct nx_span floating = T("\x46\x3f\xf8\0\0\0\0\0\0");
static const struct nx_span port = T("\x78" NODE "\0\0\0\0\0\0\0\1\x60\1\2\3");
static const struct nx_span token_tuple = T("\x68\5\x61\1\x61\x11\x61\4\x58" NODE NUMBERS "\x61\3");

static struct nx_span good(int role)
{
    switch ((enum nx_arg)role) {
    case NX_ARG_FROM:
    case NX_ARG_TO:
    case NX_ARG_TARGET:
    case NX_ARG_LEADER:
    case NX_ARG_RESULT:
        return pid;
    case NX_ARG_NAME:
        return atom;
    case NX_ARG_REF:
        return ref;
    case NX_ARG_ID:
        return big64;
    case NX_ARG_REASON:
        return map;
    case NX_ARG_TOKEN:
        return token_tuple;
    case NX_ARG_UNUSED:
        return atom_empty;
    case NX_ARG_MFA:
        return mfa;
    case NX_ARG_OPTS:
        return list;
    case NX_ARG_FLAGS:
        return one;
    case NX_ARG_NONE:
    case NX_ARG_COUNT:
        break;
    }
    fail();
    return nil;
}

struct writer {
    struct nx_buf b;
    uint8_t bytes[4096];
};

static void put(struct writer *w, struct nx_span s)
{
    assert_int_equal(nx_buf_put_span(&w->b, s), 0);
}

static void head(struct writer *w, unsigned arity, int op)
{
    nx_buf_fixed(&w->b, w->bytes, sizeof w->bytes);
    const uint8_t bytes[] = {104, (uint8_t)arity, 97, (uint8_t)op};
    put(w, nx_span(bytes, sizeof bytes));
}

/* The tuple of a row, with the element `at` replaced. */
static struct nx_span tuple_of(struct writer *w, const struct row *row, unsigned at,
                               struct nx_span instead)
{
    head(w, row->count + 1, row->op);
    for (unsigned i = 0; i < row->count; i++)
        put(w, i == at ? instead : good(row->role[i]));
    return nx_buf_span(&w->b);
}

enum { NOWHERE = 99 };

static struct nx_span tuple(struct writer *w, const struct row *row)
{
    return tuple_of(w, row, NOWHERE, nil);
}

/* Parses out of a heap copy of exactly its size; spans in `c` are moved back into `in`. */
static int parse(struct nx_span in, struct nx_ctrl *c, size_t *used, struct noex_error *err)
{
    uint8_t *copy = malloc(in.len ? in.len : 1);
    assert_non_null(copy);
    if (in.len)
        memcpy(copy, in.ptr, in.len);
    memset(c, 0xa5, sizeof *c);
    *err = (struct noex_error){0};
    int rc = nx_ctrl_parse(nx_span(copy, in.len), c, used, err);
    for (unsigned i = 0; i < NX_ARG_COUNT; i++)
        if (c->arg[i].len)
            c->arg[i].ptr = in.ptr + (c->arg[i].ptr - copy);
    free(copy);
    assert_int_equal(rc, err->code);
    assert_true(rc == 0 || err->text[0]);
    if (rc)
        assert_int_equal(c->op, 0);
    return rc;
}

static int parse_only(struct nx_span in)
{
    struct nx_ctrl c;
    struct noex_error err;
    size_t used;
    return parse(in, &c, &used, &err);
}

static void assert_row(const struct row *row, const struct nx_ctrl *c, unsigned at,
                       struct nx_span instead)
{
    assert_int_equal(c->op, row->op);
    assert_int_equal(c->has_payload, row->payload);
    for (int role = 0; role < NX_ARG_COUNT; role++) {
        struct nx_span want = {NULL, 0};
        for (unsigned i = 0; i < row->count; i++)
            if (row->role[i] == role)
                want = i == at ? instead : good(row->role[i]);
        assert_true(nx_span_eq(c->arg[role], want));
    }
}

static void accepted(const struct row *row, unsigned at, struct nx_span instead)
{
    struct writer w;
    struct nx_ctrl c;
    struct noex_error err;
    size_t used;
    struct nx_span in = tuple_of(&w, row, at, instead);
    assert_int_equal(parse(in, &c, &used, &err), 0);
    assert_int_equal(used, in.len);
    assert_row(row, &c, at, instead);
}

static void every_opcode_is_parsed_and_absent_roles_are_empty(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++)
        accepted(&rows[i], NOWHERE, nil);
}

static void every_opcode_is_built_as_it_is_parsed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        struct writer w;
        struct nx_buf out;
        struct nx_ctrl c = {.op = (enum nx_op)rows[i].op};
        for (unsigned k = 0; k < rows[i].count; k++)
            if (rows[i].role[k] != UNUSED)
                c.arg[rows[i].role[k]] = good(rows[i].role[k]);
        nx_buf_init(&out, &nx_alloc_libc, 1000);
        assert_int_equal(nx_ctrl_build(&out, &c), 0);
        assert_true(nx_span_eq(nx_buf_span(&out), tuple(&w, &rows[i])));
        nx_buf_free(&out);
    }
}

static void opcodes_have_the_names_of_the_protocol(void **state)
{
    (void)state;
    for (int op = -3; op < 300; op++) {
        const char *name = "?";
        for (unsigned i = 0; i < ROWS; i++)
            if (rows[i].op == op)
                name = rows[i].name;
        assert_string_equal(nx_op_name(op), name);
    }
    assert_string_equal(nx_op_name(INT32_MAX), "?");
    assert_string_equal(nx_op_name(INT32_MIN), "?");
}

static void ei_reads(const char *buf, int *at, int role)
{
    erlang_pid p;
    erlang_ref r;
    char name[MAXATOMLEN_UTF8];
    int arity;
    unsigned long long id;
    switch ((enum nx_arg)role) {
    case NX_ARG_FROM:
    case NX_ARG_TO:
    case NX_ARG_TARGET:
    case NX_ARG_LEADER:
    case NX_ARG_RESULT:
        assert_int_equal(ei_decode_pid(buf, at, &p), 0);
        assert_string_equal(p.node, "n@h");
        assert_true(p.num == 7 && p.serial == 1 && p.creation == 0x60010203);
        break;
    case NX_ARG_REF:
        assert_int_equal(ei_decode_ref(buf, at, &r), 0);
        assert_true(r.len == 3 && r.n[0] == 1 && r.n[1] == 2 && r.n[2] == 3);
        break;
    case NX_ARG_NAME:
    case NX_ARG_UNUSED:
        assert_int_equal(ei_decode_atom_as(buf, at, name, sizeof name, ERLANG_UTF8, NULL, NULL), 0);
        assert_string_equal(name, role == NAME ? "hello" : "");
        break;
    case NX_ARG_ID:
        assert_int_equal(ei_decode_ulonglong(buf, at, &id), 0);
        assert_true(id == UINT64_MAX);
        break;
    case NX_ARG_MFA:
        assert_int_equal(ei_decode_tuple_header(buf, at, &arity), 0);
        assert_int_equal(arity, 3);
        for (int i = 0; i < arity; i++)
            assert_int_equal(ei_skip_term(buf, at), 0);
        break;
    case NX_ARG_NONE:
    case NX_ARG_REASON:
    case NX_ARG_TOKEN:
    case NX_ARG_OPTS:
    case NX_ARG_FLAGS:
    case NX_ARG_COUNT:
        assert_int_equal(ei_skip_term(buf, at), 0);
    }
}

static void libei_reads_what_is_built(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        struct nx_ctrl c = {.op = (enum nx_op)rows[i].op};
        struct nx_buf out;
        int at = 0, arity;
        long op;
        for (unsigned k = 0; k < rows[i].count; k++)
            c.arg[rows[i].role[k]] = good(rows[i].role[k]);
        nx_buf_init(&out, &nx_alloc_libc, 1000);
        assert_int_equal(nx_ctrl_build(&out, &c), 0);
        const char *buf = (const char *)out.data;
        assert_int_equal(ei_decode_tuple_header(buf, &at, &arity), 0);
        assert_int_equal(arity, rows[i].count + 1);
        assert_int_equal(ei_decode_long(buf, &at, &op), 0);
        assert_int_equal(op, rows[i].op);
        for (unsigned k = 0; k < rows[i].count; k++)
            ei_reads(buf, &at, rows[i].role[k]);
        assert_int_equal(at, nx_buf_len(&out));
        nx_buf_free(&out);
    }
}

static void ei_writes(ei_x_buff *x, int role)
{
    erlang_pid p = {.num = 7, .serial = 1, .creation = 0x60010203};
    erlang_ref r = {.len = 3, .n = {1, 2, 3}, .creation = 0x60010203};
    strcpy(p.node, "n@h");
    strcpy(r.node, "n@h");
    switch ((enum nx_arg)role) {
    case NX_ARG_FROM:
    case NX_ARG_TO:
    case NX_ARG_TARGET:
    case NX_ARG_LEADER:
    case NX_ARG_RESULT:
        assert_int_equal(ei_x_encode_pid(x, &p), 0);
        break;
    case NX_ARG_REF:
        assert_int_equal(ei_x_encode_ref(x, &r), 0);
        break;
    case NX_ARG_ID:
        assert_int_equal(ei_x_encode_ulonglong(x, UINT64_MAX), 0);
        break;
    case NX_ARG_NONE:
    case NX_ARG_NAME:
    case NX_ARG_REASON:
    case NX_ARG_TOKEN:
    case NX_ARG_UNUSED:
    case NX_ARG_MFA:
    case NX_ARG_OPTS:
    case NX_ARG_FLAGS:
    case NX_ARG_COUNT:
        assert_int_equal(ei_x_append_buf(x, (const char *)good(role).ptr, (int)good(role).len), 0);
    }
}

static void what_libei_encodes_is_parsed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        struct nx_ctrl c;
        struct noex_error err;
        size_t used;
        ei_x_buff x;
        assert_int_equal(ei_x_new(&x), 0);
        assert_int_equal(ei_x_encode_tuple_header(&x, rows[i].count + 1), 0);
        assert_int_equal(ei_x_encode_long(&x, rows[i].op), 0);
        for (unsigned k = 0; k < rows[i].count; k++)
            ei_writes(&x, rows[i].role[k]);
        assert_int_equal(parse(nx_span(x.buff, (size_t)x.index), &c, &used, &err), 0);
        assert_int_equal(used, x.index);
        assert_row(&rows[i], &c, NOWHERE, nil);
        ei_x_free(&x);
    }
}

static void one_element_too_many_or_too_few_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        struct writer w;
        struct nx_ctrl c;
        struct noex_error err;
        size_t used = 1;
        tuple(&w, &rows[i]);
        put(&w, atom);
        w.bytes[1]++;
        /* ALTACT_SIG_SEND may grow. */
        assert_int_equal(parse(nx_buf_span(&w.b), &c, &used, &err),
                         rows[i].op == 37 ? 0 : NOEX_EPROTOCOL);
        if (rows[i].op != 37) {
            assert_non_null(strstr(err.text, rows[i].name));
            assert_int_equal(used, 0);
        }
        struct row fewer = rows[i];
        fewer.count--;
        assert_int_equal(parse(tuple(&w, &fewer), &c, &used, &err), NOEX_EPROTOCOL);
        assert_non_null(strstr(err.text, rows[i].name));
        assert_int_equal(used, 0);
        fewer.count = 0;
        assert_int_equal(parse_only(tuple(&w, &fewer)), NOEX_EPROTOCOL);
    }
}

/* The samples that a role accepts; every other sample is a wrong kind. */
static bool fits(int role, const struct nx_span *s)
{
    const bool is_pid = s == &pid || s == &pid_wide_node || s == &pid_utf8_node ||
                        s == &pid_latin1_node || s == &pid_old;
    const bool is_ref = s == &ref || s == &ref1 || s == &ref5 || s == &ref_mid || s == &ref_old;
    const bool is_atom =
        s == &atom || s == &atom_wide || s == &atom_utf8 || s == &atom_latin1 || s == &atom_empty;
    switch ((enum nx_arg)role) {
    case NX_ARG_FROM:
    case NX_ARG_TO:
    case NX_ARG_LEADER:
        return is_pid;
    case NX_ARG_TARGET:
    case NX_ARG_RESULT:
        return is_pid || is_atom;
    case NX_ARG_NAME:
        return is_atom;
    case NX_ARG_REF:
        return is_ref;
    case NX_ARG_ID:
        return s == &one || s == &thousand || s == &big64 || s == &big64_padded;
    case NX_ARG_FLAGS:
        return s == &one || s == &zero || s == &thousand || s == &big64 || s == &big64_padded ||
               s == &big65 || s == &big_zero;
    case NX_ARG_MFA:
        return s == &mfa || s == &mfa_wide;
    case NX_ARG_OPTS:
        return s == &nil || s == &list || s == &list_of_tail || s == &string;
    case NX_ARG_REASON:
    case NX_ARG_TOKEN:
    case NX_ARG_UNUSED:
        return true;
    case NX_ARG_NONE:
    case NX_ARG_COUNT:
        break;
    }
    return false;
}

static void each_element_is_taken_or_refused_by_the_kind_its_role_demands(void **state)
{
    (void)state;
    const struct nx_span *const samples[] = {
        &pid,          &pid_wide_node, &pid_utf8_node, &pid_latin1_node, &pid_old,
        &ref,          &ref1,          &ref5,          &ref_mid,         &ref_old,
        &atom,         &atom_wide,     &atom_utf8,     &atom_latin1,     &atom_empty,
        &one,          &zero,          &thousand,      &minus_one,       &big64,
        &big65,        &big64_padded,  &big_minus,     &big_zero,        &nil,
        &list,         &list_of_tail,  &string,        &improper,        &mfa,
        &mfa_wide,     &mfa_2,         &mfa_4,         &mfa_no_module,   &mfa_no_function,
        &mfa_no_arity, &mfa_minus,     &map,           &binary,          &floating,
        &port,         &token_tuple,
    };
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned k = 0; k < rows[i].count; k++) {
            /* What FLAGS does to its tuple has tests of its own. */
            if (rows[i].op == 37 && rows[i].role[k] == FLAGS)
                continue;
            for (unsigned s = 0; s < sizeof samples / sizeof *samples; s++) {
                struct writer w;
                struct nx_ctrl c;
                struct noex_error err;
                char element[32];
                size_t used = 1;
                if (fits(rows[i].role[k], samples[s])) {
                    accepted(&rows[i], k, *samples[s]);
                    continue;
                }
                struct nx_span in = tuple_of(&w, &rows[i], k, *samples[s]);
                assert_int_equal(parse(in, &c, &used, &err), NOEX_EPROTOCOL);
                assert_int_equal(used, 0);
                snprintf(element, sizeof element, ": element %u is not ", k + 2);
                assert_non_null(strstr(err.text, element));
                assert_non_null(strstr(err.text, rows[i].name));
            }
        }
    }
}

static void what_is_malformed_is_refused_in_every_element(void **state)
{
    (void)state;
    static const struct nx_span bad[] = {
        T("\x52\0"),                   /* an atom cache reference */
        T("\x50\0\0\0\1x"),            /* compressed */
        T("\x79\0"),                   /* local */
        T("\x01"),                     /* no tag */
        T("\x77\1\xff"),               /* an atom that is not UTF-8 */
        T("\x58\x52\0" NUMBERS),       /* a pid with a cached node name */
        T("\x58\x61\1" NUMBERS),       /* a pid with a node that is no atom */
        T("\x5a\0\0" NODE "\0\0\0\4"), /* a reference without words */
        T("\x5a\0\6" NODE "\0\0\0\4\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6"),
    };
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned k = 0; k < rows[i].count; k++) {
            for (unsigned s = 0; s < sizeof bad / sizeof *bad; s++) {
                struct writer w;
                struct nx_ctrl c;
                struct noex_error err;
                size_t used = 1;
                struct nx_span in = tuple_of(&w, &rows[i], k, bad[s]);
                assert_int_equal(parse(in, &c, &used, &err), NOEX_ETERM);
                assert_int_equal(used, 0);
                assert_non_null(strstr(err.text, rows[i].name));
            }
        }
    }
}

static void an_atom_of_more_than_255_characters_is_refused(void **state)
{
    (void)state;
    for (unsigned len = 255; len <= 256; len++) {
        for (unsigned wide_char = 0; wide_char < 2; wide_char++) {
            struct writer w;
            head(&w, 4, NX_OP_REG_SEND);
            put(&w, pid);
            put(&w, atom_empty);
            const unsigned bytes = len << wide_char;
            const uint8_t atom_head[] = {118, (uint8_t)(bytes >> 8), (uint8_t)bytes};
            put(&w, nx_span(atom_head, sizeof atom_head));
            for (unsigned i = 0; i < len; i++)
                put(&w, wide_char ? nx_span("\xc3\xa4", 2) : nx_span("a", 1));
            assert_int_equal(parse_only(nx_buf_span(&w.b)), len == 255 ? 0 : NOEX_ETERM);
        }
    }
}

static void bytes_that_are_not_utf8_are_refused_anywhere_in_a_name(void **state)
{
    (void)state;
    enum { LEN = 37 };
    for (unsigned at = 0; at <= LEN; at++) {
        struct writer w;
        uint8_t name[LEN];
        memset(name, 'n', LEN);
        if (at < LEN)
            name[at] = 0xff;
        head(&w, 4, NX_OP_MONITOR_P);
        put(&w, nx_span("\x58\x77\x25", 3));
        put(&w, nx_span(name, LEN));
        put(&w, nx_span(NUMBERS, 12));
        put(&w, atom);
        put(&w, ref);
        assert_int_equal(parse_only(nx_buf_span(&w.b)), at < LEN ? NOEX_ETERM : 0);
    }
}

static void a_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        struct writer w;
        struct nx_span in = tuple(&w, &rows[i]);
        for (size_t len = 0; len < in.len; len++) {
            struct nx_ctrl c;
            struct noex_error err;
            size_t used = 1;
            assert_int_equal(parse(nx_span(in.ptr, len), &c, &used, &err), NOEX_ETERM);
            assert_int_equal(used, 0);
        }
    }
    assert_int_equal(parse_only(nx_span(NULL, 0)), NOEX_ETERM);
}

static void a_cut_in_the_rarer_forms_is_refused_too(void **state)
{
    (void)state;
    const struct nx_span targets[] = {pid_wide_node, pid_utf8_node, pid_latin1_node, pid_old,
                                      atom_wide,     atom_utf8,     atom_latin1};
    const struct nx_span refs[] = {ref1, ref5, ref_mid, ref_old, ref1, ref5, ref_mid};
    for (unsigned i = 0; i < sizeof refs / sizeof *refs; i++) {
        struct writer w;
        head(&w, 4, NX_OP_PAYLOAD_MONITOR_P_EXIT);
        put(&w, targets[i]);
        put(&w, pid_wide_node);
        put(&w, refs[i]);
        struct nx_span in = nx_buf_span(&w.b);
        assert_int_equal(parse_only(in), 0);
        for (size_t len = 0; len < in.len; len++)
            assert_int_equal(parse_only(nx_span(in.ptr, len)), NOEX_ETERM);
    }
}

static void bytes_behind_the_tuple_are_not_looked_at(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        struct writer w;
        struct nx_ctrl c;
        struct noex_error err;
        size_t used;
        size_t len = tuple(&w, &rows[i]).len;
        put(&w, nx_span("\x52\xff\x68", 3));
        assert_int_equal(parse(nx_buf_span(&w.b), &c, &used, &err), 0);
        assert_int_equal(used, len);
        assert_row(&rows[i], &c, NOWHERE, nil);
    }
}

static void an_unknown_opcode_can_be_counted_and_skipped(void **state)
{
    (void)state;
    for (int op = 0; op < 256; op++) {
        struct writer w;
        struct nx_ctrl c;
        struct noex_error err;
        size_t used;
        if (nx_op_name(op)[0] != '?')
            continue;
        head(&w, 4, op);
        put(&w, pid);
        put(&w, list);
        put(&w, map);
        size_t len = nx_buf_len(&w.b);
        put(&w, binary);
        assert_int_equal(parse(nx_buf_span(&w.b), &c, &used, &err), NOEX_EPROTOCOL);
        assert_int_equal(c.op, 0);
        assert_int_equal(used, len);
        assert_non_null(strstr(err.text, "unknown opcode"));
        for (len = nx_buf_len(&w.b) - binary.len; len--;) {
            assert_int_equal(parse(nx_span(w.bytes, len), &c, &used, &err), NOEX_ETERM);
            assert_int_equal(used, 0);
        }
        head(&w, 1, op);
        assert_int_equal(parse(nx_buf_span(&w.b), &c, &used, &err), NOEX_EPROTOCOL);
        assert_int_equal(used, 4);
    }
}

static void an_opcode_of_any_integer_form_is_understood(void **state)
{
    (void)state;
    struct writer w;
    struct nx_ctrl c;
    struct noex_error err;
    size_t used;
    nx_buf_fixed(&w.b, w.bytes, sizeof w.bytes);
    put(&w, nx_span("\x69\0\0\0\3\x62\0\0\0\1", 10));
    put(&w, pid);
    put(&w, pid);
    assert_int_equal(parse(nx_buf_span(&w.b), &c, &used, &err), 0);
    assert_int_equal(c.op, NX_OP_LINK);
    assert_int_equal(used, nx_buf_len(&w.b));
    /* Beyond a byte, and below zero: unknown. */
    const char *const unknown[] = {"\x68\1\x62\0\0\1\1", "\x68\1\x62\xff\xff\xff\xff",
                                   "\x68\1\x62\x7f\xff\xff\xff", "\x68\1\x62\x80\0\0\0"};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(parse(nx_span(unknown[i], 7), &c, &used, &err), NOEX_EPROTOCOL);
        assert_int_equal(used, 7);
    }
}

static void what_is_no_tuple_with_an_opcode_is_refused(void **state)
{
    (void)state;
    static const struct nx_span bad[] = {
        T("\x68\0"),        T("\x68\0\x61\x63"),   T("\x69\0\0\0\0"), T("\x6a"),
        T("\x61\1"),        T("\x6b\0\1\1"),       T("\x77\1x"),      T("\x6c\0\0\0\1\x61\1\x6a"),
        T("\x68\1\x77\1x"), T("\x68\1\x6e\1\0\1"), T("\x68\1\x6a"),
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nx_ctrl c;
        struct noex_error err;
        size_t used = 1;
        assert_int_equal(parse(bad[i], &c, &used, &err), NOEX_EPROTOCOL);
        assert_int_equal(used, 0);
        assert_non_null(strstr(err.text, "control message"));
    }
}

static void a_tuple_that_claims_billions_of_elements_is_refused_at_once(void **state)
{
    (void)state;
    static const struct nx_span bad[] = {
        T("\x69\xff\xff\xff\xff\x61\1"),
        T("\x69\xff\xff\xff\xff\x61\x05\x6a\x6a\x6a"),
        T("\x69\xff\xff\xff\xff\x61\x25\x61\0"),
    };
    assert_int_equal(parse_only(bad[0]), NOEX_EPROTOCOL);
    assert_int_equal(parse_only(bad[1]), NOEX_ETERM);
    assert_int_equal(parse_only(bad[2]), NOEX_ETERM);
    struct writer w;
    const struct row *spawn = &rows[21];
    assert_int_equal(spawn->op, NX_OP_SPAWN_REQUEST);
    static const struct nx_span many = T("\x6c\xff\xff\xff\xff\x61\1");
    assert_int_equal(parse_only(tuple_of(&w, spawn, 4, many)), NOEX_ETERM);
}

static void a_reason_of_any_depth_neither_recurses_nor_passes(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, SIZE_MAX);
    struct writer w;
    head(&w, 4, NX_OP_EXIT2);
    put(&w, pid);
    put(&w, pid);
    assert_int_equal(nx_buf_put_span(&b, nx_buf_span(&w.b)), 0);
    for (unsigned i = 0; i < DEPTH; i++)
        assert_int_equal(nx_buf_put(&b, "\x68\1", 2), 0);
    assert_int_equal(nx_buf_put(&b, "\x6a", 1), 0);
    struct nx_ctrl c;
    struct noex_error err;
    size_t used;
    assert_int_equal(parse(nx_buf_span(&b), &c, &used, &err), NOEX_ETERM);
    assert_non_null(strstr(err.text, "EXIT2: element 4: "));
    nx_buf_free(&b);
}

/* {37, Flags, From, To, ...} */
static int altact(struct nx_ctrl *c, unsigned arity, struct nx_span flags, struct nx_span to,
                  struct noex_error *err)
{
    static struct writer w;
    size_t used;
    head(&w, arity, NX_OP_ALTACT_SIG_SEND);
    put(&w, flags);
    put(&w, pid);
    put(&w, to);
    for (unsigned i = 4; i < arity; i++)
        put(&w, i == 4 ? token_tuple : atom);
    int rc = parse(nx_buf_span(&w.b), c, &used, err);
    if (!rc)
        assert_int_equal(used, nx_buf_len(&w.b));
    return rc;
}

static void altact_flags_decide_what_the_receiver_is_and_whether_a_token_comes(void **state)
{
    (void)state;
    struct nx_ctrl c;
    struct noex_error err;
    for (unsigned flags = 0; flags < 256; flags++) {
        const bool token = flags & 2, alias = flags & 4, name = flags & 8;
        const uint8_t small[] = {97, (uint8_t)flags};
        const uint8_t big[] = {110, 9, 0, (uint8_t)flags, 0xff, 0, 0, 0, 0, 0, 0, 1};
        const struct nx_span forms[] = {nx_span(small, 2), nx_span(big, sizeof big)};
        for (unsigned f = 0; f < 2; f++) {
            for (unsigned arity = 4; arity <= 7; arity++) {
                const bool enough = arity >= 4u + token;
                int want = enough && !alias && !name ? 0 : NOEX_EPROTOCOL;
                assert_int_equal(altact(&c, arity, forms[f], pid, &err), want);
                if (!want) {
                    assert_true(nx_span_eq(c.arg[TOKEN], token ? token_tuple : nx_span(NULL, 0)));
                    assert_true(nx_span_eq(c.arg[TO], pid));
                    assert_true(nx_span_eq(c.arg[FLAGS], forms[f]));
                    assert_true(c.has_payload);
                }
                want = enough && alias && !name ? 0 : NOEX_EPROTOCOL;
                assert_int_equal(altact(&c, arity, forms[f], ref5, &err), want);
                want = enough && !alias && name ? 0 : NOEX_EPROTOCOL;
                assert_int_equal(altact(&c, arity, forms[f], atom, &err), want);
            }
        }
    }
    assert_int_equal(altact(&c, 4, minus_one, pid, &err), NOEX_EPROTOCOL);
    assert_int_equal(altact(&c, 4, big_minus, pid, &err), NOEX_EPROTOCOL);
    assert_int_equal(altact(&c, 4, atom, pid, &err), NOEX_EPROTOCOL);
    assert_int_equal(altact(&c, 4, one, ref, &err), NOEX_EPROTOCOL);
    assert_non_null(strstr(err.text, "ALTACT_SIG_SEND: element 4 is not a pid"));
}

static void what_altact_has_grown_by_must_be_well_formed(void **state)
{
    (void)state;
    struct writer w;
    head(&w, 6, NX_OP_ALTACT_SIG_SEND);
    put(&w, zero);
    put(&w, pid);
    put(&w, pid);
    put(&w, map);
    put(&w, nx_span("\x52\0", 2));
    assert_int_equal(parse_only(nx_buf_span(&w.b)), NOEX_ETERM);
    assert_int_equal(parse_only(nx_span(w.bytes, nx_buf_len(&w.b) - 2)), NOEX_ETERM);
}

static void altact_is_built_with_a_token_where_its_flags_say_so(void **state)
{
    (void)state;
    struct nx_buf out;
    struct writer w;
    static const struct nx_span two = T("\x61\2");
    struct nx_ctrl c = {.op = NX_OP_ALTACT_SIG_SEND};
    nx_buf_init(&out, &nx_alloc_libc, 1000);
    c.arg[FLAGS] = two;
    c.arg[FROM] = c.arg[TO] = pid;
    assert_int_equal(nx_ctrl_build(&out, &c), NOEX_EINVALID);
    c.arg[TOKEN] = token_tuple;
    assert_int_equal(nx_ctrl_build(&out, &c), 0);
    head(&w, 5, NX_OP_ALTACT_SIG_SEND);
    put(&w, two);
    put(&w, pid);
    put(&w, pid);
    put(&w, token_tuple);
    assert_true(nx_span_eq(nx_buf_span(&out), nx_buf_span(&w.b)));
    c.arg[FLAGS] = one;
    assert_int_equal(nx_ctrl_build(&out, &c), NOEX_EINVALID);
    c.arg[FLAGS] = atom;
    assert_int_equal(nx_ctrl_build(&out, &c), NOEX_EINVALID);
    assert_int_equal(nx_buf_len(&out), nx_buf_len(&w.b));
    nx_buf_free(&out);
}

static void altact_is_built_only_for_the_receiver_that_its_flags_announce(void **state)
{
    (void)state;
    const struct nx_span to[] = {pid, ref5, atom, zero}; /* for no flag, 4, 8 */
    for (uint8_t flags = 0; flags < 32; flags++) {
        const uint8_t bytes[] = {97, flags};
        for (unsigned i = 0; i < 4; i++) {
            struct nx_buf out;
            struct nx_ctrl c = {.op = NX_OP_ALTACT_SIG_SEND}, back;
            struct noex_error err;
            size_t used;
            nx_buf_init(&out, &nx_alloc_libc, 1000);
            c.arg[FLAGS] = nx_span(bytes, sizeof bytes);
            c.arg[FROM] = pid;
            c.arg[TO] = to[i];
            if (flags & NX_ALTACT_TOKEN)
                c.arg[TOKEN] = token_tuple;
            const unsigned form = flags >> 2 & 3; /* alias, name */
            const bool fits = form != 3 && i == form;
            assert_int_equal(nx_ctrl_build(&out, &c), fits ? 0 : NOEX_EINVALID);
            assert_int_equal(nx_ctrl_size(&c), nx_buf_len(&out));
            if (fits) {
                assert_int_equal(parse(nx_buf_span(&out), &back, &used, &err), 0);
                assert_true(nx_span_eq(back.arg[TO], to[i]));
                assert_true(nx_span_eq(back.arg[TOKEN], c.arg[TOKEN]));
            }
            nx_buf_free(&out);
        }
    }
}

static void a_message_with_a_missing_element_or_no_opcode_is_not_built(void **state)
{
    (void)state;
    struct nx_buf out;
    nx_buf_init(&out, &nx_alloc_libc, 1000);
    assert_int_equal(nx_buf_put(&out, "x", 1), 0);
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned missing = 0; missing < rows[i].count; missing++) {
            struct nx_ctrl c = {.op = (enum nx_op)rows[i].op};
            if (rows[i].role[missing] == UNUSED)
                continue;
            for (unsigned k = 0; k < rows[i].count; k++)
                if (k != missing)
                    c.arg[rows[i].role[k]] = good(rows[i].role[k]);
            assert_int_equal(nx_ctrl_build(&out, &c), NOEX_EINVALID);
        }
    }
    const int no_opcodes[] = {0, 5, 9, 17, 38, 255, 256 + 1, -1};
    for (unsigned i = 0; i < sizeof no_opcodes / sizeof *no_opcodes; i++) {
        struct nx_ctrl c = {.op = (enum nx_op)no_opcodes[i]};
        for (unsigned role = 0; role < NX_ARG_COUNT; role++)
            c.arg[role] = pid;
        assert_int_equal(nx_ctrl_build(&out, &c), NOEX_EINVALID);
    }
    assert_true(nx_span_is(nx_buf_span(&out), "x"));
    nx_buf_free(&out);
}

static void a_message_that_does_not_fit_leaves_nothing_behind(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        struct writer w;
        struct nx_ctrl c = {.op = (enum nx_op)rows[i].op};
        const size_t size = tuple(&w, &rows[i]).len;
        uint8_t room[512];
        for (unsigned k = 0; k < rows[i].count; k++)
            c.arg[rows[i].role[k]] = good(rows[i].role[k]);
        for (size_t max = 0; max <= size; max++) {
            struct nx_buf out;
            nx_buf_fixed(&out, room, max);
            assert_int_equal(nx_ctrl_build(&out, &c), max < size ? NOEX_ELIMIT : 0);
            assert_int_equal(nx_buf_len(&out), max < size ? 0 : size);
        }
        struct alloc_test t;
        struct nx_buf out;
        alloc_test_init(&t);
        t.fail_at = 1;
        nx_buf_init(&out, &t.a, SIZE_MAX);
        assert_int_equal(nx_ctrl_build(&out, &c), NOEX_ENOMEM);
        assert_int_equal(nx_buf_len(&out), 0);
        assert_int_equal(nx_ctrl_build(&out, &c), 0);
        nx_buf_free(&out);
        assert_int_equal(t.live, 0);
    }
}

static void L12_a_down_is_read_in_both_forms_and_the_watcher_is_who_receives(void **state)
{
    (void)state;
    struct writer w;
    struct nx_ctrl c;
    struct noex_error err;
    size_t used;
    head(&w, 5, 21);
    put(&w, atom);
    put(&w, pid_old);
    put(&w, ref1);
    put(&w, atom_wide);
    assert_int_equal(parse(nx_buf_span(&w.b), &c, &used, &err), 0);
    assert_false(c.has_payload);
    assert_true(nx_span_eq(c.arg[TARGET], atom));
    assert_true(nx_span_eq(c.arg[TO], pid_old));
    assert_true(nx_span_eq(c.arg[REF], ref1));
    assert_true(nx_span_eq(c.arg[REASON], atom_wide));
    head(&w, 4, 28);
    put(&w, pid);
    put(&w, pid_old);
    put(&w, ref5);
    assert_int_equal(parse(nx_buf_span(&w.b), &c, &used, &err), 0);
    assert_true(c.has_payload);
    assert_true(nx_span_eq(c.arg[TARGET], pid));
    assert_true(nx_span_eq(c.arg[TO], pid_old));
    assert_true(nx_span_eq(c.arg[REF], ref5));
    assert_int_equal(c.arg[REASON].len, 0);
}

static void an_error_record_is_not_required(void **state)
{
    (void)state;
    struct writer w;
    struct nx_ctrl c;
    size_t used;
    assert_int_equal(nx_ctrl_parse(nx_span("\x68", 1), &c, &used, NULL), NOEX_ETERM);
    assert_int_equal(nx_ctrl_parse(tuple_of(&w, &rows[2], 2, nx_span("\1", 1)), &c, &used, NULL),
                     NOEX_ETERM);
    assert_int_equal(nx_ctrl_parse(tuple_of(&w, &rows[0], 1, atom), &c, &used, NULL),
                     NOEX_EPROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_opcode_is_parsed_and_absent_roles_are_empty),
        cmocka_unit_test(every_opcode_is_built_as_it_is_parsed),
        cmocka_unit_test(opcodes_have_the_names_of_the_protocol),
        cmocka_unit_test(libei_reads_what_is_built),
        cmocka_unit_test(what_libei_encodes_is_parsed),
        cmocka_unit_test(one_element_too_many_or_too_few_is_refused),
        cmocka_unit_test(each_element_is_taken_or_refused_by_the_kind_its_role_demands),
        cmocka_unit_test(what_is_malformed_is_refused_in_every_element),
        cmocka_unit_test(an_atom_of_more_than_255_characters_is_refused),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused_anywhere_in_a_name),
        cmocka_unit_test(a_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_cut_in_the_rarer_forms_is_refused_too),
        cmocka_unit_test(bytes_behind_the_tuple_are_not_looked_at),
        cmocka_unit_test(an_unknown_opcode_can_be_counted_and_skipped),
        cmocka_unit_test(an_opcode_of_any_integer_form_is_understood),
        cmocka_unit_test(what_is_no_tuple_with_an_opcode_is_refused),
        cmocka_unit_test(a_tuple_that_claims_billions_of_elements_is_refused_at_once),
        cmocka_unit_test(a_reason_of_any_depth_neither_recurses_nor_passes),
        cmocka_unit_test(altact_flags_decide_what_the_receiver_is_and_whether_a_token_comes),
        cmocka_unit_test(what_altact_has_grown_by_must_be_well_formed),
        cmocka_unit_test(altact_is_built_with_a_token_where_its_flags_say_so),
        cmocka_unit_test(altact_is_built_only_for_the_receiver_that_its_flags_announce),
        cmocka_unit_test(a_message_with_a_missing_element_or_no_opcode_is_not_built),
        cmocka_unit_test(a_message_that_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(L12_a_down_is_read_in_both_forms_and_the_watcher_is_who_receives),
        cmocka_unit_test(an_error_record_is_not_required),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

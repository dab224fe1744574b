/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "cmocka_all.h"
#include "hex.h"
#include "term/print.h"
#include "term/reason.h"
#include "term/utf8.h"

#include <stdio.h>
#include <stdlib.h>

/* A term in place, from a string literal. */
#define TERM(literal) nx_span(literal, sizeof(literal) - 1)

#define FRAME                                                                                      \
    "\x68\x04\x77\x01m\x77\x01"                                                                    \
    "f\x61\x01\x6a"
#define EXCEPTION_KEY "\x77\x0d__exception__\x77\x04true"
#define STRUCT_KEY "\x77\x0a__struct__"
#define RUNTIME_ERROR                                                                              \
    STRUCT_KEY "\x77\x13"                                                                          \
               "Elixir.RuntimeError"
#define GEN_SERVER_CALL                                                                            \
    "\x68\x03\x77\x0agen_server\x77\x04"                                                           \
    "call\x6a"

/* One ending of a real process, and what it means: tests/vectors/reason. */
struct row {
    char name[80];
    enum noex_reason_type type;
    char *message;
    char *text; /* as Erlang prints it; empty: not to be compared */
    uint8_t *bytes;
    size_t len;
    const char *node;
};

static struct row rows[300];
static size_t row_count;

static enum noex_reason_type type_named(const char *name)
{
    for (int t = NOEX_REASON_NORMAL; t <= NOEX_REASON_NOCONNECTION; t++)
        if (strcmp(noex_reason_type_name((enum noex_reason_type)t), name) == 0)
            return (enum noex_reason_type)t;
    fail_msg("no type is named %s", name);
    return NOEX_REASON_EXCEPTION;
}

/* The next line of a table with three columns; false at its end. */
static bool next_line(FILE *f, char **line, size_t *size, char *column[3])
{
    if (getline(line, size, f) < 0)
        return false;
    (*line)[strcspn(*line, "\n")] = 0;
    column[0] = *line;
    for (int i = 1; i < 3; i++) {
        column[i] = strchr(column[i - 1], '\t');
        assert_non_null(column[i]);
        *column[i]++ = 0;
    }
    return true;
}

static FILE *open_table(const char *name, const char *suffix)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/vectors/reason/%s%s", NOEX_TEST_DIR, name, suffix);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    return f;
}

static void load(const char *name, const char *node)
{
    FILE *terms = open_table(name, ".tsv"), *expected = open_table(name, ".expected.tsv");
    char *line[2] = {NULL, NULL}, *t[3], *e[3];
    size_t size[2] = {0, 0};
    while (next_line(terms, &line[0], &size[0], t)) {
        assert_true(next_line(expected, &line[1], &size[1], e));
        assert_string_equal(t[0], e[0]);
        assert_true(row_count < sizeof rows / sizeof *rows);
        struct row *r = &rows[row_count++];
        *r = (struct row){.type = type_named(e[1]), .node = node, .len = strlen(t[1]) / 2};
        snprintf(r->name, sizeof r->name, "%s", t[0]);
        r->bytes = malloc(r->len);
        r->message = strdup(e[2]);
        r->text = strdup(t[2]);
        assert_true(r->bytes && r->message && r->text);
        assert_int_equal(hex_decode(t[1], r->bytes, r->len), r->len);
    }
    assert_false(next_line(expected, &line[1], &size[1], e));
    free(line[0]);
    free(line[1]);
    fclose(terms);
    fclose(expected);
}

static int load_all(void **state)
{
    (void)state;
    load("otp25", "reason@127.0.0.1");
    load("elixir114", "nonode@nohost");
    return row_count > 240 ? 0 : -1;
}

static int unload_all(void **state)
{
    (void)state;
    for (struct row *r = rows; r < rows + row_count; r++) {
        free(r->bytes);
        free(r->message);
        free(r->text);
    }
    return 0;
}

/* The message of a term that lies in a block of exactly its size, with at most `max` bytes. */
static struct nx_buf message_of(struct nx_span term, const char *node, size_t max)
{
    struct nx_buf b;
    uint8_t *exact = malloc(term.len ? term.len : 1);
    assert_non_null(exact);
    if (term.len)
        memcpy(exact, term.ptr, term.len);
    nx_buf_init(&b, &nx_alloc_libc, max);
    assert_int_equal(nx_reason_message(&b, nx_span(exact, term.len), nx_span_str(node)), 0);
    free(exact);
    return b;
}

static enum noex_reason_type type_of(struct nx_span term)
{
    uint8_t *exact = malloc(term.len ? term.len : 1);
    assert_non_null(exact);
    if (term.len)
        memcpy(exact, term.ptr, term.len);
    enum noex_reason_type type = nx_reason_type(nx_span(exact, term.len));
    free(exact);
    return type;
}

static void assert_text(const char *what, struct nx_span got, const char *want)
{
    if (!nx_span_is(got, want))
        fail_msg("%s: \"%.*s\", not \"%s\"", what, (int)got.len, (const char *)got.ptr, want);
}

static void assert_message(struct nx_span term, const char *want)
{
    struct nx_buf b = message_of(term, "a@b", SIZE_MAX);
    assert_text("message", nx_buf_span(&b), want);
    nx_buf_free(&b);
}

static void assert_one_line_of_utf8(const char *what, struct nx_span text)
{
    struct nx_rd in = nx_rd(text);
    while (nx_rd_left(&in)) {
        uint32_t c = 0;
        if (!nx_utf8_next(&in, &c) || c < 0x20 || (c >= 0x7f && c < 0xa0))
            fail_msg("%s: U+%X at %zu in \"%.*s\"", what, (unsigned)c, (size_t)(in.p - text.ptr),
                     (int)text.len, (const char *)text.ptr);
    }
}

static void every_real_ending_has_its_type(void **state)
{
    (void)state;
    for (struct row *r = rows; r < rows + row_count; r++)
        if (type_of(nx_span(r->bytes, r->len)) != r->type)
            fail_msg("%s is not %s", r->name, noex_reason_type_name(r->type));
}

static void every_real_ending_has_its_message(void **state)
{
    (void)state;
    for (struct row *r = rows; r < rows + row_count; r++) {
        struct nx_buf b = message_of(nx_span(r->bytes, r->len), r->node, SIZE_MAX);
        assert_text(r->name, nx_buf_span(&b), r->message);
        assert_one_line_of_utf8(r->name, nx_buf_span(&b));
        nx_buf_free(&b);
    }
}

static void every_real_ending_prints_as_erlang_prints_it(void **state)
{
    (void)state;
    for (struct row *r = rows; r < rows + row_count; r++) {
        struct nx_print_opts opts = {nx_span_str(r->node)};
        struct nx_buf b;
        bool cut = true;
        nx_buf_init(&b, &nx_alloc_libc, SIZE_MAX);
        assert_int_equal(nx_term_print(&b, nx_span(r->bytes, r->len), &opts, &cut), 0);
        assert_false(cut);
        if (*r->text)
            assert_text(r->name, nx_buf_span(&b), r->text);
        nx_buf_free(&b);
    }
}

/* Once its deciding bytes are in, the type stays; before, it is an exception. */
static void a_reason_cut_anywhere_keeps_its_type_or_is_an_exception(void **state)
{
    (void)state;
    for (struct row *r = rows; r < rows + row_count; r++) {
        bool decided = false;
        for (size_t n = 0; n <= r->len; n++) {
            enum noex_reason_type type = type_of(nx_span(r->bytes, n));
            if (type != r->type && (decided || type != NOEX_REASON_EXCEPTION))
                fail_msg("%s cut at %zu is %s", r->name, n, noex_reason_type_name(type));
            decided = type != NOEX_REASON_EXCEPTION;
        }
    }
}

static void a_reason_cut_anywhere_has_a_message_on_one_line(void **state)
{
    (void)state;
    for (struct row *r = rows; r < rows + row_count; r++)
        for (size_t n = 0; n < r->len; n++) {
            struct nx_buf b = message_of(nx_span(r->bytes, n), r->node, SIZE_MAX);
            assert_one_line_of_utf8(r->name, nx_buf_span(&b));
            nx_buf_free(&b);
        }
}

/* Where it does not fit it ends in "...", before which it is as it would be. */
static void a_message_keeps_the_ceiling_of_its_buffer(void **state)
{
    (void)state;
    for (struct row *r = rows; r < rows + row_count; r++) {
        size_t whole = strlen(r->message);
        for (size_t max = 0; max <= whole; max++) {
            struct nx_buf b = message_of(nx_span(r->bytes, r->len), r->node, max);
            struct nx_span got = nx_buf_span(&b);
            assert_true(got.len <= max);
            if (max == whole) {
                assert_text(r->name, got, r->message);
            } else {
                size_t dots = max < 3 ? max : 3;
                assert_true(got.len >= dots && got.len + NX_UTF8_MAX > max);
                assert_memory_equal(got.ptr + got.len - dots, "...", dots);
                assert_memory_equal(got.ptr, r->message, got.len - dots);
                assert_one_line_of_utf8(r->name, got);
            }
            nx_buf_free(&b);
        }
    }
}

static void a_message_is_appended(void **state)
{
    (void)state;
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, 14);
    assert_int_equal(nx_buf_put(&b, "x\xc3\xa9", 3), 0);
    assert_int_equal(nx_reason_message(&b,
                                       TERM("\x77\x04"
                                            "boom"),
                                       TERM("a@b")),
                     0);
    assert_text("appended", nx_buf_span(&b),
                "x\xc3\xa9"
                "exit: boom");
    nx_buf_truncate(&b, 3);
    assert_int_equal(nx_reason_message(&b,
                                       TERM("\x77\x06"
                                            "boomer"),
                                       TERM("a@b")),
                     0);
    assert_text("cut", nx_buf_span(&b),
                "x\xc3\xa9"
                "exit: bo...");
    nx_buf_free(&b);
}

/* Fails the k-th allocation, alone or with all after it; what stood in the buffer stays. */
static bool fails_at(struct nx_span term, size_t k, bool on)
{
    struct alloc_test t;
    struct nx_buf b;
    alloc_test_init(&t);
    nx_buf_init(&b, &t.a, SIZE_MAX);
    assert_int_equal(nx_buf_put(&b, "before", 6), 0);
    t.fail_at = t.calls + k;
    t.fail_on = on;
    int rc = nx_reason_message(&b, term, TERM("a@b"));
    assert_int_equal(rc, t.failed ? NOEX_ENOMEM : 0);
    if (rc)
        assert_text("kept", nx_buf_span(&b), "before");
    nx_buf_free(&b);
    assert_int_equal(t.live, 0);
    return t.failed;
}

static void running_out_of_memory_is_said_and_leaves_the_buffer(void **state)
{
    (void)state;
    static uint8_t text[3000] =
        "\x74\0\0\0\3" EXCEPTION_KEY RUNTIME_ERROR "\x77\7message\x6d\0\0\x0b\x00";
    struct nx_span shapes[] = {
        nx_span(text, sizeof text),
        TERM("\x68\x02\x77\x08shutdown\x6b\x01\x2c" /* 300 bytes follow, as far as they are there */
             "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
             "567"
             "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
             "567"
             "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
             "567"
             "0123456789012345678901234567890123456789"),
    };
    size_t failures = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int on = 0; on < 2; on++)
            for (size_t k = 1; fails_at(shapes[i], k, on); k++)
                failures++;
    assert_true(failures > 4);
}

static void tags_of_any_width_are_the_same_reason(void **state)
{
    (void)state;
    assert_int_equal(type_of(TERM("\x76\0\x06normal")), NOEX_REASON_NORMAL);
    assert_int_equal(type_of(TERM("\x64\0\x06normal")), NOEX_REASON_NORMAL);
    assert_int_equal(type_of(TERM("\x73\x06killed")), NOEX_REASON_KILLED);
    assert_int_equal(type_of(TERM("\x69\0\0\0\x02\x76\0\x08shutdown\x6a")), NOEX_REASON_SHUTDOWN);
    assert_int_equal(type_of(TERM("\x69\0\0\0\x02\x77\x07timeout" GEN_SERVER_CALL)),
                     NOEX_REASON_TIMEOUT);
}

static void what_only_begins_like_a_type_is_an_exception(void **state)
{
    (void)state;
    assert_int_equal(type_of(TERM("")), NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x77\x07normals")), NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x77\x05norma")), NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x77\0")), NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x6d\0\0\0\x06normal")), NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x68\x01\x77\x08shutdown")), NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x68\x02\x77\x08timeouts" GEN_SERVER_CALL)),
                     NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x68\x02\x68\x02\x77\x04"
                                  "erpc\x77\x07timeout\x6b\0\1\1")),
                     NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x68\x02\x68\x02\x77\x04"
                                  "erpc\x77\x04"
                                  "boom\x6a")),
                     NOEX_REASON_EXCEPTION);
}

static void tags_refused_between_nodes_are_an_exception(void **state)
{
    (void)state;
    assert_int_equal(type_of(TERM("\x50\0\0\0\x08zzzz")), NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x52\0")), NOEX_REASON_EXCEPTION);
    assert_int_equal(type_of(TERM("\x79\0\0\0\0\x77\x06normal")), NOEX_REASON_EXCEPTION);
    assert_message(TERM("\x52\0"), "exit: ...");
    assert_message(TERM("\x68\x02\x52\0\x6a"), "exit: {...");
    assert_message(TERM(""), "exit: ...");
}

static void only_the_first_frame_of_a_stack_is_read(void **state)
{
    (void)state;
    assert_int_equal(type_of(TERM("\x68\x02\x68\x02\x77\x04"
                                  "erpc\x77\x07timeout\x6c\0\0\0\x32" FRAME "\xff")),
                     NOEX_REASON_TIMEOUT);
    assert_message(TERM("\x68\x02\x77\x04"
                        "boom\x6c\0\0\0\x32" FRAME "\xff"),
                   "error: boom");
}

static void a_runtime_error_is_known_where_its_stack_is_cut(void **state)
{
    (void)state;
    assert_message(TERM("\x68\x02\x77\x08"
                        "badarith\x6c\0\0\0\x05"),
                   "error: badarith");
    assert_message(TERM("\x68\x02\x77\x08"
                        "badarith"),
                   "error: badarith");
    assert_message(TERM("\x68\x02\x77\x0f"
                        "function_clause\x6c\0\0\0\2\x68\4\x77\1m\x77\1"
                        "f\x6c\0\0\0\1"),
                   "error: function_clause");
    assert_message(TERM("\x68\x02\x68\x02\x77\x08"
                        "badmatch\x61"),
                   "error: {badmatch,...");
    assert_message(TERM("\x68\x02\x77\x04"
                        "boom\x6c\0\0\0\2\x68\4\x77\1m\x77\1"),
                   "exit: {boom,[{m,...");
}

static void an_elixir_exception_is_told_as_far_as_it_is_there(void **state)
{
    (void)state;
    static const char cut[] = "\x68\2\x74\0\0\0\4" EXCEPTION_KEY RUNTIME_ERROR
                              "\x77\7message\x6d\0\0\0\x0ana\xc3\xafve \xe2\x82";
    assert_message(nx_span(cut, sizeof cut - 1), "RuntimeError: na\xc3\xafve ...");
    assert_message(nx_span(cut, sizeof cut - 10), "RuntimeError: ...");
    assert_message(nx_span(cut, sizeof cut - 12),
                   "RuntimeError: #{'__exception__' => true,'__struct__' "
                   "=> 'Elixir.RuntimeError',message => <<...");
    /* Without the name it is no Elixir exception yet. */
    assert_message(TERM("\x74\0\0\0\4" EXCEPTION_KEY STRUCT_KEY),
                   "exit: #{'__exception__' => true,'__struct__' => ...");
}

static void what_lies_inside_a_cut_value_is_no_field_of_the_exception(void **state)
{
    (void)state;
    assert_message(TERM("\x74\0\0\0\4" EXCEPTION_KEY RUNTIME_ERROR
                        "\x77\1k\x6c\xff\xff\xff\xff\x77\7message\x6d\0\0\0\1x"),
                   "RuntimeError: #{'__exception__' => true,'__struct__' => 'Elixir.RuntimeError',"
                   "k => [message,<<\"x\">>,...");
}

static void a_throw_is_one_without_a_stack_too(void **state)
{
    (void)state;
    assert_message(TERM("\x68\2\x68\2\x77\7nocatch\x77\4oops\x6a"), "throw: oops");
}

static void only_an_exception_with_a_stack_of_its_own_is_remote(void **state)
{
    (void)state;
    assert_message(TERM("\x68\2\x68\3\x77\x09"
                        "exception\x77\1x\x6a\x6c\0\0\0\1" FRAME "\x6a"),
                   "remote error: x");
    assert_message(TERM("\x68\2\x68\3\x77\x09"
                        "exception\x77\1x\x77\1y\x6c\0\0\0\1" FRAME "\x6a"),
                   "error: {exception,x,y}");
    assert_message(TERM("\x68\2\x68\3\x77\x09"
                        "exception\x6c\0\0\0\2\x61\1"),
                   "error: {exception,[1,...");
}

static void an_elixir_exception_is_known_by_its_mark_in_any_order(void **state)
{
    (void)state;
    assert_message(
        TERM("\x74\0\0\0\4\x6a\x68\1\x6a\x77\7message\x6d\0\0\0\1x" RUNTIME_ERROR EXCEPTION_KEY),
        "RuntimeError: x");
    assert_message(TERM("\x74\0\0\0\2\x77\x0d__exception__\x77\x05"
                        "false" RUNTIME_ERROR),
                   "exit: #{'__exception__' => false,'__struct__' => 'Elixir.RuntimeError'}");
    /* Not from Elixir: the name stands as it is; Latin-1 is converted, "Elixir." alone is a name.
     */
    assert_message(TERM("\x74\0\0\0\3" EXCEPTION_KEY STRUCT_KEY "\x73\4"
                        "f\xfc\x85\n\x77\7message\x6d\0\0\0\1x"),
                   "f\xc3\xbc\\x{85}\\n: x");
    assert_message(TERM("\x74\0\0\0\3" EXCEPTION_KEY STRUCT_KEY "\x77\7"
                        "Elixir.\x77\7message\x6d\0\0\0\1x"),
                   "Elixir.: x");
}

static void what_steers_a_terminal_is_escaped(void **state)
{
    (void)state;
    assert_message(
        TERM("\x74\0\0\0\3" EXCEPTION_KEY RUNTIME_ERROR "\x77\7message\x6d\0\0\0\x14"
             "\0\r\x1b\x7f\xc2\x9b\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xed\xa0\x80\xff!"),
        "RuntimeError: \\x{0}\\r\\x{1B}\\x{7F}\\x{9B}\\x{2028}\\x{202E}\\x{2066}"
        "\\x{ED}\\x{A0}\\x{80}\\x{FF}!");
}

/* Puts `levels` of {..., {gen_server,call,[]}} around the atom boom. */
static struct nx_buf nested_calls(size_t levels)
{
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, SIZE_MAX);
    for (size_t i = 0; i < levels; i++)
        assert_int_equal(nx_buf_put(&b, "\x68\2", 2), 0);
    assert_int_equal(nx_buf_put(&b,
                                "\x77\4"
                                "boom",
                                6),
                     0);
    for (size_t i = 0; i < levels; i++)
        assert_int_equal(nx_buf_put_span(&b, TERM(GEN_SERVER_CALL)), 0);
    return b;
}

static void calls_that_failed_inside_each_other_are_told_to_a_depth(void **state)
{
    (void)state;
    struct nx_buf two = nested_calls(2), nine = nested_calls(9), hostile = nested_calls(100000);
    assert_message(nx_buf_span(&two), "gen_server:call failed: gen_server:call failed: boom");
    assert_message(nx_buf_span(&nine),
                   "gen_server:call failed: gen_server:call failed: gen_server:call failed: "
                   "gen_server:call failed: gen_server:call failed: gen_server:call failed: "
                   "gen_server:call failed: gen_server:call failed: {boom,{gen_server,call,[]}}");
    struct nx_buf b = message_of(nx_buf_span(&hostile), "a@b", 1000);
    assert_one_line_of_utf8("hostile", nx_buf_span(&b));
    nx_buf_free(&b);
    nx_buf_free(&two);
    nx_buf_free(&nine);
    nx_buf_free(&hostile);
}

static void a_count_that_lies_is_no_trouble(void **state)
{
    (void)state;
    assert_message(TERM("\x68\2\x69\xff\xff\xff\xff\x6a"), "exit: {{[],...");
    assert_message(
        TERM("\x74\xff\xff\xff\xff" EXCEPTION_KEY RUNTIME_ERROR),
        "RuntimeError: #{'__exception__' => true,'__struct__' => 'Elixir.RuntimeError',...");
    assert_int_equal(type_of(TERM("\x69\xff\xff\xff\xff\x77\x08shutdown")), NOEX_REASON_EXCEPTION);
}

static void each_frame_part_is_asked_for(void **state)
{
    (void)state;
    /* {boom, Stack}: told as an error only where the first element of Stack is a frame. */
    assert_message(TERM("\x68\2\x77\4"
                        "boom\x6c\0\0\0\1\x68\3\x71\x77\1m\x77\1"
                        "f\x61\1\x6a\x6a\x6a"),
                   "error: boom");
    assert_message(TERM("\x68\2\x77\4"
                        "boom\x6c\0\0\0\1\x68\4\x77\1m\x77\1"
                        "f\x6b\0\2\1\0\x6a\x6a"),
                   "error: boom");
    assert_message(TERM("\x68\2\x77\4"
                        "boom\x6c\0\0\0\1\x68\3\x77\1m\x77\1"
                        "f\x6a\x6a"),
                   "exit: {boom,[{m,f,[]}]}");
    assert_message(TERM("\x68\2\x77\4"
                        "boom\x6c\0\0\0\1\x68\4\x61\1\x77\1"
                        "f\x61\1\x6a\x6a"),
                   "exit: {boom,[{1,f,1,[]}]}");
    assert_message(TERM("\x68\2\x77\4"
                        "boom\x6c\0\0\0\1\x68\4\x77\1m\x61\1\x61\1\x6a\x6a"),
                   "exit: {boom,[{m,1,1,[]}]}");
    assert_message(TERM("\x68\2\x77\4"
                        "boom\x6c\0\0\0\1\x68\4\x77\1m\x77\1"
                        "f\x6a\x61\1\x6a"),
                   "exit: {boom,[{m,f,[],1}]}");
}

static void each_type_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"normal",    "shutdown", "killed",      "timeout",
                                        "exception", "noproc",   "noconnection"};
    for (int t = NOEX_REASON_NORMAL; t <= NOEX_REASON_NOCONNECTION; t++)
        assert_string_equal(noex_reason_type_name((enum noex_reason_type)t), names[t]);
    assert_string_equal(noex_reason_type_name((enum noex_reason_type)99), "exception");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_real_ending_has_its_type),
        cmocka_unit_test(every_real_ending_has_its_message),
        cmocka_unit_test(every_real_ending_prints_as_erlang_prints_it),
        cmocka_unit_test(a_reason_cut_anywhere_keeps_its_type_or_is_an_exception),
        cmocka_unit_test(a_reason_cut_anywhere_has_a_message_on_one_line),
        cmocka_unit_test(a_message_keeps_the_ceiling_of_its_buffer),
        cmocka_unit_test(a_message_is_appended),
        cmocka_unit_test(running_out_of_memory_is_said_and_leaves_the_buffer),
        cmocka_unit_test(tags_of_any_width_are_the_same_reason),
        cmocka_unit_test(what_only_begins_like_a_type_is_an_exception),
        cmocka_unit_test(tags_refused_between_nodes_are_an_exception),
        cmocka_unit_test(only_the_first_frame_of_a_stack_is_read),
        cmocka_unit_test(a_runtime_error_is_known_where_its_stack_is_cut),
        cmocka_unit_test(an_elixir_exception_is_told_as_far_as_it_is_there),
        cmocka_unit_test(what_lies_inside_a_cut_value_is_no_field_of_the_exception),
        cmocka_unit_test(a_throw_is_one_without_a_stack_too),
        cmocka_unit_test(only_an_exception_with_a_stack_of_its_own_is_remote),
        cmocka_unit_test(an_elixir_exception_is_known_by_its_mark_in_any_order),
        cmocka_unit_test(what_steers_a_terminal_is_escaped),
        cmocka_unit_test(calls_that_failed_inside_each_other_are_told_to_a_depth),
        cmocka_unit_test(a_count_that_lies_is_no_trouble),
        cmocka_unit_test(each_frame_part_is_asked_for),
        cmocka_unit_test(each_type_has_its_name),
    };
    return cmocka_run_group_tests(tests, load_all, unload_all);
}

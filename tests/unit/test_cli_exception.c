/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exception.h"
#include "cmocka_all.h"

/* A call has failed with this error; the term, in Erlang's text, is what the other side said. */
static bool read(struct exception *e, int code, const char *text)
{
    noex_builder *b;
    struct noex_term term = {NULL, 0};
    const struct noex_error error = {.code = code};
    assert_int_equal(noex_builder_new(&b, NULL), 0);
    if (text) {
        assert_int_equal(noex_build_text(b, text, NULL), 0);
        assert_int_equal(noex_builder_term(b, &term), 0);
    }
    const struct noex_event failed = {.type = NOEX_EVENT_CALL_FAILED,
                                      .node = "a@h",
                                      .error = &error,
                                      .term = term.bytes,
                                      .term_len = term.len,
                                      .term_full_len = term.len};
    *e = (struct exception){0};
    bool is = exception_read(e, &failed);
    noex_builder_free(b);
    return is;
}

struct expected {
    const char *class;
    const char *message;
    const char *reason;
    const char *stack;
};

static void assert_exception(int code, const char *text, struct expected x)
{
    struct exception e;
    assert_true(read(&e, code, text));
    assert_false(exception_failed(&e));
    assert_string_equal(e.class, x.class);
    assert_string_equal(text_string(&e.message), x.message);
    assert_string_equal(text_string(&e.reason), x.reason);
    assert_string_equal(text_string(&e.stack), x.stack);
    exception_free(&e);
}

static void each_class_has_its_reason_in_words_and_as_a_term(void **state)
{
    (void)state;
    static const struct {
        const char *term;
        struct expected x;
    } rows[] = {
        {"{error,badarith,[{erlang,'+',[1,a],[]}]}",
         {"error", "error: badarith", "badarith", "[{erlang,'+',[1,a],[]}]"}},
        {"{error,{badmatch,1},[]}", {"error", "error: {badmatch,1}", "{badmatch,1}", "[]"}},
        {"{error,mine,[]}", {"error", "error: mine", "mine", "[]"}},
        {"{error,#{'__exception__'=>true,'__struct__'=>'Elixir.ArgumentError',"
         "message=><<\"bad argument\">>},[]}",
         {"error", "ArgumentError: bad argument",
          "#{'__exception__' => true,'__struct__' => 'Elixir.ArgumentError',message => "
          "<<\"bad argument\">>}",
          "[]"}},
        {"{throw,{oops,\"text\"}}", {"throw", "throw: {oops,\"text\"}", "{oops,\"text\"}", ""}},
        {"{exit,{timeout,{gen_server,call,[x]}}}",
         {"exit", "timeout in gen_server:call", "{timeout,{gen_server,call,[x]}}", ""}},
        {"{exit,normal}", {"exit", "", "normal", ""}},
        {"{exit,{mine,[1]}}", {"exit", "exit: {mine,[1]}", "{mine,[1]}", ""}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_exception(NOEX_EEXCEPTION, rows[i].term, rows[i].x);
}

static void what_was_killed_has_exited_by_a_signal(void **state)
{
    (void)state;
    assert_exception(NOEX_ENOPROC, "killed", (struct expected){"exit", "", "{signal,killed}", ""});
}

static void each_entry_of_the_stack_is_a_string(void **state)
{
    (void)state;
    struct exception e;
    static const char frames[] = "m:f/1 (m.erl, line 2)\0g:h/2";
    assert_true(read(&e, NOEX_EEXCEPTION,
                     "{error,x,[{m,f,1,[{file,\"m.erl\"},{line,2}]},{g,h,[1,2],[]}]}"));
    assert_int_equal(e.frames.len, sizeof frames);
    assert_memory_equal(e.frames.ptr, frames, sizeof frames);
    exception_free(&e);
}

static void other_failures_are_none(void **state)
{
    (void)state;
    struct exception e;
    assert_false(read(&e, NOEX_ECALLTIMEOUT, NULL));
    assert_false(read(&e, NOEX_ENOPROC, NULL));
    assert_false(read(&e, NOEX_ENOTSUP, "notsup"));
    assert_false(read(&e, NOEX_EEXCEPTION, NULL));
    assert_false(read(&e, NOEX_EEXCEPTION, "{error}"));
    assert_false(read(&e, NOEX_EEXCEPTION, "{warning,x}"));
    assert_false(read(&e, NOEX_EEXCEPTION, "error"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_has_its_reason_in_words_and_as_a_term),
        cmocka_unit_test(what_was_killed_has_exited_by_a_signal),
        cmocka_unit_test(each_entry_of_the_stack_is_a_string),
        cmocka_unit_test(other_failures_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

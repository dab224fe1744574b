/* Any bytes as a term through the public interface: every item with every reader. What passes the
 * check has no error anywhere, and built anew it prints the same (but for maps in keys, which get
 * an order of their own). SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A walk passes over an item once for each container around it: not for ever, and not too deep. */
enum { STEPS_MAX = 5000, DEPTH_MAX = 1100, TEXT_SIZE = 256 };

struct walk {
    bool whole;   /* the term has passed the check */
    bool ordered; /* has a map in a key */
    unsigned steps;
    unsigned keys;      /* how many keys this is in */
    noex_builder *copy; /* the term built anew */
};

static void ensure(bool truth)
{
    if (!truth)
        abort();
}

/* `rc` is what a reader of this type may say: 0 or a length where the term is of it. */
static void ensure_result(const struct walk *w, int rc, bool of_type, int other)
{
    ensure(rc >= 0 || rc == NOEX_ETYPE || rc == NOEX_ETERM || (other && rc == other));
    if (!of_type)
        ensure(rc < 0);
    if (w->whole)
        ensure(of_type ? rc != NOEX_ETERM && (rc != NOEX_ETYPE || other == NOEX_ETYPE)
                       : rc == NOEX_ETYPE);
}

/* A text of any length, as much as there is room for, ended. */
static void ensure_text(int len, const char *text, size_t size)
{
    if (len >= 0)
        ensure(memchr(text, 0, size) && strlen(text) <= (size_t)len);
}

static void read_texts(const struct walk *w, struct noex_term term, enum noex_term_type type)
{
    char text[TEXT_SIZE], small[5];
    struct noex_pid pid;
    int len = noex_term_atom(term, text, sizeof text);
    ensure_result(w, len, type == NOEX_TERM_ATOM, 0);
    ensure_text(len, text, sizeof text);
    if (len >= 0 && strlen(text) == (size_t)len)
        ensure(noex_term_is_atom(term, text));
    ensure(noex_term_atom(term, small, sizeof small) == len);
    ensure_text(len, small, sizeof small);
    len = noex_term_text(term, text, sizeof text);
    ensure_result(w, len, type == NOEX_TERM_BINARY || type == NOEX_TERM_LIST, NOEX_ETYPE);
    ensure_text(len, text, sizeof text);
    ensure(noex_term_text(term, NULL, 0) == len);
    len = noex_term_pid(term, &pid, text, sizeof text);
    ensure_result(w, len, type == NOEX_TERM_PID, 0);
    ensure_text(len, text, sizeof text);
}

static void read_values(const struct walk *w, struct noex_term term, enum noex_term_type type)
{
    int64_t integer = 0;
    uint64_t natural = 0, bits = 0;
    double real = 0;
    const uint8_t *bytes;
    size_t len;
    bool data = type == NOEX_TERM_BINARY || type == NOEX_TERM_BITSTRING;
    int rc = noex_term_int64(term, &integer);
    ensure_result(w, rc, type == NOEX_TERM_INTEGER, NOEX_ERANGE);
    int natural_rc = noex_term_uint64(term, &natural);
    ensure_result(w, natural_rc, type == NOEX_TERM_INTEGER, NOEX_ERANGE);
    if (rc == 0 && integer >= 0)
        ensure(natural_rc == 0 && natural == (uint64_t)integer);
    rc = noex_term_double(term, &real);
    ensure_result(w, rc, type == NOEX_TERM_FLOAT, 0);
    ensure(real - real == 0);
    rc = noex_term_binary(term, &bytes, &len);
    ensure_result(w, rc, data, 0);
    if (rc == 0) {
        ensure(bytes >= term.bytes && len <= term.len - (size_t)(bytes - term.bytes));
        ensure(noex_term_size(term, &bits) == 0);
        ensure(type == NOEX_TERM_BINARY ? bits == len : (bits + 7) / 8 == len && bits % 8);
    }
}

/* A text that the term as it stands and its copy have in common. */
static void print(struct noex_term term, char text[TEXT_SIZE])
{
    bool cut;
    int len = noex_term_print(term, "a@b", text, TEXT_SIZE, &cut);
    ensure(len >= 0 && len < TEXT_SIZE && strlen(text) == (size_t)len);
    ensure(!cut || (len >= 3 && strcmp(text + len - 3, "...") == 0));
}

static void copy_leaf(struct walk *w, struct noex_term term, enum noex_term_type type)
{
    char text[NOEX_ATOM_SIZE];
    int64_t integer;
    uint64_t natural;
    double real;
    const uint8_t *bytes;
    size_t len;
    struct noex_pid pid;
    if (noex_term_int64(term, &integer) == 0)
        noex_build_int64(w->copy, integer);
    else if (noex_term_uint64(term, &natural) == 0)
        noex_build_uint64(w->copy, natural);
    else if (noex_term_double(term, &real) == 0)
        noex_build_double(w->copy, real);
    else if (type == NOEX_TERM_BINARY && noex_term_binary(term, &bytes, &len) == 0)
        noex_build_binary(w->copy, bytes, len);
    else if (noex_term_atom(term, text, sizeof text) == (int)strlen(text) && type == NOEX_TERM_ATOM)
        noex_build_atom(w->copy, text);
    else if (noex_term_pid(term, &pid, text, sizeof text) == (int)strlen(text) &&
             type == NOEX_TERM_PID && pid.creation)
        noex_build_pid(w->copy, text, &pid);
    else
        noex_build_term(w->copy, term);
}

static bool is_improper(struct noex_term term)
{
    struct noex_items items;
    struct noex_term item;
    noex_term_items(term, &items);
    while (noex_items_next(&items, &item))
        ;
    return items.tail.bytes != NULL;
}

static void walk(struct walk *w, struct noex_term term, unsigned depth);

static void walk_items(struct walk *w, struct noex_term term, enum noex_term_type type,
                       unsigned depth)
{
    struct noex_items items;
    struct noex_term item, element;
    uint64_t size = 0, count = 0;
    bool some = type == NOEX_TERM_TUPLE || type == NOEX_TERM_LIST || type == NOEX_TERM_MAP;
    ensure_result(w, noex_term_items(term, &items), some, 0);
    int rc = noex_term_size(term, &size);
    w->ordered |= w->keys && type == NOEX_TERM_MAP && size > 1;
    while (noex_items_next(&items, &item)) {
        ensure(item.len > 0);
        if (type == NOEX_TERM_TUPLE && count < 4)
            ensure(noex_term_element(term, count, &element) == 0 && element.bytes == item.bytes &&
                   element.len == item.len);
        bool key = type == NOEX_TERM_MAP && count % 2 == 0;
        w->keys += key;
        walk(w, item, depth + 1);
        w->keys -= key;
        if (++count > STEPS_MAX)
            return;
    }
    if (items.tail.bytes)
        walk(w, items.tail, depth + 1);
    if (w->whole && some)
        ensure(items.error == 0 && rc == 0 && count == (type == NOEX_TERM_MAP ? 2 * size : size));
    if (some && rc == 0 && items.error)
        ensure(count <= (type == NOEX_TERM_MAP ? 2 * size : size));
}

static void begin_copy(struct walk *w, enum noex_term_type type)
{
    if (type == NOEX_TERM_TUPLE)
        noex_build_tuple(w->copy);
    else if (type == NOEX_TERM_LIST)
        noex_build_list(w->copy);
    else
        noex_build_map(w->copy);
}

static void walk(struct walk *w, struct noex_term term, unsigned depth)
{
    char text[TEXT_SIZE];
    uint64_t size;
    if (w->steps++ > STEPS_MAX || depth > DEPTH_MAX)
        return;
    enum noex_term_type type = noex_term_type(term);
    ensure(!w->whole || type != NOEX_TERM_INVALID);
    ensure(!w->whole || noex_term_check(term, NULL) == 0);
    bool container = type == NOEX_TERM_TUPLE || type == NOEX_TERM_LIST || type == NOEX_TERM_MAP;
    bool sized = container || type == NOEX_TERM_ATOM || type == NOEX_TERM_BINARY ||
                 type == NOEX_TERM_BITSTRING;
    ensure_result(w, noex_term_size(term, &size), sized, 0);
    read_texts(w, term, type);
    read_values(w, term, type);
    print(term, text);
    if (!container || is_improper(term)) {
        noex_builder *copy = w->copy;
        if (copy)
            copy_leaf(w, term, type);
        w->copy = NULL; /* copied as it stands */
        walk_items(w, term, type, depth);
        w->copy = copy;
        return;
    }
    if (w->copy)
        begin_copy(w, type);
    walk_items(w, term, type, depth);
    if (w->copy)
        noex_build_end(w->copy);
}

static void ensure_copy(const struct walk *w, struct noex_term term)
{
    struct noex_term copy;
    char text[TEXT_SIZE], again[TEXT_SIZE];
    int rc = noex_builder_term(w->copy, &copy);
    /* a key twice in a map; a string as deep as lists may be */
    if (rc == NOEX_EINVALID || rc == NOEX_ELIMIT)
        return;
    ensure(rc == 0 && noex_term_check(copy, NULL) == 0);
    print(term, text);
    print(copy, again);
    ensure(strcmp(text, again) == 0 || w->ordered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct noex_term term = {data, size};
    struct noex_error err = {0};
    int rc = noex_term_check(term, &err);
    ensure(rc == 0 || ((rc == NOEX_ETERM || rc == NOEX_ELIMIT) && err.code == rc));
    struct walk w = {.whole = rc == 0};
    if (w.whole)
        ensure(noex_builder_new(&w.copy, NULL) == 0);
    walk(&w, term, 0);
    if (w.whole && w.steps <= STEPS_MAX)
        ensure_copy(&w, term);
    noex_builder_free(w.copy);
    return 0;
}

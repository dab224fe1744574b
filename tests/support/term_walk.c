/* SPDX-License-Identifier: Apache-2.0 */
#include "term_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    FILE *out;
    const char *node;
    bool failed;
};

static void say(struct walk *w, struct noex_term term);

static void say_leaf(struct walk *w, struct noex_term term)
{
    static char text[1 << 16];
    bool cut = true;
    if (noex_term_print(term, w->node, text, sizeof text, &cut) < 0 || cut)
        w->failed = true;
    fputs(text, w->out);
}

static void say_integer(struct walk *w, struct noex_term term)
{
    int64_t value;
    uint64_t natural;
    if (noex_term_int64(term, &value) == 0)
        fprintf(w->out, "%" PRId64, value);
    else if (noex_term_uint64(term, &natural) == 0)
        fprintf(w->out, "%" PRIu64, natural);
    else
        say_leaf(w, term);
}

static void say_pid(struct walk *w, struct noex_term term)
{
    struct noex_pid pid;
    char node[NOEX_ATOM_SIZE];
    if (noex_term_pid(term, &pid, node, sizeof node) < 0)
        w->failed = true;
    else
        fprintf(w->out, "<%s.%u.%u>", strcmp(node, w->node) ? node : "0", pid.id, pid.serial);
}

static bool is_printable(int64_t c)
{
    return (c >= ' ' && c <= '~') || (c >= 0xa0 && c <= 0xff) || (c >= 8 && c <= 13) || c == 27;
}

/* Whether the shell would show this list as a string. */
static bool is_string(struct noex_term list)
{
    struct noex_items items;
    struct noex_term item;
    int64_t c;
    bool any = false;
    noex_term_items(list, &items);
    for (; noex_items_next(&items, &item); any = true)
        if (noex_term_int64(item, &c) || !is_printable(c))
            return false;
    return any && !items.error && !items.tail.bytes;
}

static void say_items(struct walk *w, struct noex_term term, bool map)
{
    struct noex_items items;
    struct noex_term item;
    uint64_t size = 0, count = 0;
    if (noex_term_items(term, &items) || noex_term_size(term, &size))
        w->failed = true;
    for (; noex_items_next(&items, &item); count++) {
        if (count)
            fputs(map && count % 2 ? " => " : ",", w->out);
        say(w, item);
    }
    if (items.tail.bytes) {
        fputs("|", w->out);
        say(w, items.tail);
    }
    if (items.error || count != (map ? 2 * size : size))
        w->failed = true;
}

static void say(struct walk *w, struct noex_term term)
{
    enum noex_term_type type = noex_term_type(term);
    if (noex_term_check(term, NULL))
        w->failed = true;
    if (type == NOEX_TERM_INTEGER) {
        say_integer(w, term);
    } else if (type == NOEX_TERM_PID) {
        say_pid(w, term);
    } else if (type == NOEX_TERM_TUPLE || type == NOEX_TERM_MAP) {
        fputs(type == NOEX_TERM_MAP ? "#{" : "{", w->out);
        say_items(w, term, type == NOEX_TERM_MAP);
        fputs("}", w->out);
    } else if (type == NOEX_TERM_LIST && !is_string(term)) {
        fputs("[", w->out);
        say_items(w, term, false);
        fputs("]", w->out);
    } else {
        say_leaf(w, term);
    }
}

char *term_walk(struct noex_term term, const char *local_node)
{
    char *text = NULL;
    size_t size;
    struct walk w = {open_memstream(&text, &size), local_node, false};
    if (!w.out)
        return NULL;
    say(&w, term);
    fclose(w.out);
    if (w.failed) {
        free(text);
        return NULL;
    }
    return text;
}

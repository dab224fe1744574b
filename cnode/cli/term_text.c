/* SPDX-License-Identifier: Apache-2.0 */
#include "term_text.h"

#include <inttypes.h>

/* A byte takes four at most, as in "<<255,...", or a little more in a map of empty lists. */
enum { GROWTH = 4, GROWTH_MAX = 8, SHORTEST = 64, FILE_MAX = 1024 };

void term_text_add(struct text *t, struct noex_term term, const char *node)
{
    size_t least = term.len + SHORTEST;
    bool cut = true;
    int len = 0;
    for (size_t room = GROWTH * least; cut && room <= GROWTH_MAX * least && !t->failed; room *= 2) {
        char *at = text_room(t, room);
        len = at ? noex_term_print(term, node, at, room, &cut) : 0;
    }
    t->failed |= len < 0;
    t->len += len > 0 ? (size_t)len : 0;
}

/* The arity, or the arguments themselves. */
static bool read_arity(struct noex_term term, uint64_t *arity)
{
    return noex_term_uint64(term, arity) == 0 ||
           (noex_term_type(term) == NOEX_TERM_LIST && noex_term_size(term, arity) == 0);
}

/* [{file, F}, {line, L}]; there may be more in it, or less. */
static void add_location(struct text *t, struct noex_term location)
{
    char file[FILE_MAX] = "";
    uint64_t line = 0;
    struct noex_items items;
    struct noex_term item, key, value;
    noex_term_items(location, &items);
    while (noex_items_next(&items, &item)) {
        if (noex_term_element(item, 0, &key) || noex_term_element(item, 1, &value))
            continue;
        if (noex_term_is_atom(key, "file") && noex_term_text(value, file, sizeof file) < 0)
            file[0] = '\0';
        if (noex_term_is_atom(key, "line") && noex_term_uint64(value, &line))
            line = 0;
    }
    if (*file)
        text_printf(t, " (%s", file);
    if (*file && line)
        text_printf(t, ", line %" PRIu64, line);
    if (*file)
        text_puts(t, ")");
}

void term_text_add_frame(struct text *t, struct noex_term frame, const char *node)
{
    struct noex_term module, function, arguments, location;
    uint64_t arity;
    if (noex_term_element(frame, 0, &module) || noex_term_element(frame, 1, &function) ||
        noex_term_element(frame, 2, &arguments) || noex_term_element(frame, 3, &location) ||
        !read_arity(arguments, &arity)) {
        term_text_add(t, frame, node);
        return;
    }
    term_text_add(t, module, node);
    text_puts(t, ":");
    term_text_add(t, function, node);
    text_printf(t, "/%" PRIu64, arity);
    add_location(t, location);
}

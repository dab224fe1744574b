/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A line: no node name and registered name together take as much. */
enum { LINE_MAX_BYTES = 4096 };

static enum exit_code no_memory(struct failure *why)
{
    return fail_with(why, CODE_INTERNAL, "out of memory");
}

/* A name known to `global` is a term of any kind. */
static enum exit_code parse_global(struct target_spec *spec, const char *name, struct failure *why)
{
    struct noex_error error = {0};
    struct noex_term unused;
    if (noex_builder_new(&spec->global, NULL))
        return no_memory(why);
    noex_build_list(spec->global);
    noex_build_text(spec->global, name, &error);
    noex_build_end(spec->global);
    if (!error.code && noex_builder_term(spec->global, &unused) == 0)
        return CODE_WELL;
    if (!error.code || error.code == NOEX_ENOMEM)
        return no_memory(why);
    return fail_with(why, CODE_USAGE, "not a global name, which is an Erlang term: %s: '%s'",
                     error.text, name);
}

/* What stands behind "NODE/". `rest` stays alive with the target. */
static enum exit_code parse_process(struct target_spec *spec, const char *rest, struct failure *why)
{
    static const char global[] = "global:";
    struct noex_target *what = &spec->what;
    if (*rest == '<') {
        what->kind = NOEX_TARGET_PID;
        if (noex_pid_parse(rest, &what->pid))
            return fail_with(why, CODE_USAGE, "not a pid of the form <0.123.0>: '%s'", rest);
        return CODE_WELL;
    }
    what->kind = NOEX_TARGET_NAME;
    what->name = rest;
    if (strncmp(rest, global, strlen(global)) == 0)
        return parse_global(spec, rest + strlen(global), why);
    if (text_is_name(rest))
        return CODE_WELL;
    return fail_with(why, CODE_USAGE, "not a registered name (1 to %d characters): '%s'",
                     TEXT_NAME_CHARS, rest);
}

static enum exit_code parse(struct target_spec *spec, struct failure *why)
{
    char *slash = strchr(spec->parts, '/');
    if (slash)
        *slash = '\0';
    spec->what = (struct noex_target){.kind = NOEX_TARGET_NODE, .node = spec->parts};
    if (noex_node_name_check(spec->parts, NULL))
        return fail_with(why, CODE_USAGE,
                         "not a target (NODE, NODE/NAME, NODE/<0.123.0> or NODE/global:NAME): '%s'",
                         spec->text);
    return slash ? parse_process(spec, slash + 1, why) : CODE_WELL;
}

static bool make_room(struct target_list *list)
{
    if (list->count < list->cap)
        return true;
    size_t cap = list->cap ? list->cap * 2 : 16;
    struct target_spec *grown = realloc(list->items, cap * sizeof *grown);
    if (!grown)
        return false;
    list->items = grown;
    list->cap = cap;
    return true;
}

static void spec_free(struct target_spec *spec)
{
    free(spec->text);
    free(spec->parts);
    noex_builder_free(spec->global);
}

enum exit_code targets_add(struct target_list *list, const char *text, struct failure *why)
{
    if (!make_room(list))
        return no_memory(why);
    struct target_spec spec = {.text = strdup(text), .parts = strdup(text), .order = list->count};
    enum exit_code rc = spec.text && spec.parts ? parse(&spec, why) : no_memory(why);
    if (rc)
        spec_free(&spec);
    else
        list->items[list->count++] = spec;
    return rc;
}

static enum exit_code add_line(struct target_list *list, char *line, size_t len,
                               struct failure *why)
{
    if (memchr(line, '\0', len))
        return fail_with(why, CODE_USAGE, "a NUL in the line");
    while (len && strchr(" \t\r\n", line[len - 1]))
        line[--len] = '\0';
    line += strspn(line, " \t");
    return *line && *line != '#' ? targets_add(list, line, why) : CODE_WELL;
}

/* One line without its newline and with a NUL behind: its length; `size` where it is longer than
 * that; -1 at the end and on errors. */
static ssize_t read_line(FILE *in, char *line, size_t size)
{
    size_t len = 0;
    int c = EOF;
    while (len < size && (c = getc(in)) != EOF && c != '\n')
        line[len++] = (char)c;
    if (len == size || (c == EOF && (ferror(in) || !len)))
        return len == size ? (ssize_t)size : -1;
    line[len] = '\0';
    return (ssize_t)len;
}

enum exit_code targets_read(struct target_list *list, FILE *in, const char *source,
                            struct failure *why)
{
    char line[LINE_MAX_BYTES];
    size_t number = 0;
    enum exit_code rc = CODE_WELL;
    errno = 0;
    for (ssize_t len; !rc && (len = read_line(in, line, sizeof line)) >= 0; errno = 0) {
        struct failure cause;
        number++;
        rc = (size_t)len < sizeof line
                 ? add_line(list, line, (size_t)len, &cause)
                 : fail_with(&cause, CODE_USAGE, "longer than any target can be");
        if (rc)
            fail_with(why, rc, "%.200s: line %zu: %.700s", source, number, cause.text);
    }
    if (!rc && !feof(in))
        rc = fail_with(why, CODE_USAGE, "%.200s: %s", source, strerror(errno ? errno : EIO));
    return rc;
}

enum exit_code targets_read_path(struct target_list *list, const char *path, struct failure *why)
{
    if (strcmp(path, "-") == 0)
        return targets_read(list, stdin, "standard input", why);
    FILE *in = fopen(path, "re");
    if (!in)
        return fail_with(why, CODE_USAGE, "--targets: %s: %.700s", strerror(errno), path);
    enum exit_code rc = targets_read(list, in, path, why);
    fclose(in);
    return rc;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

/* NULL comes first. */
static int compare_globals(const noex_builder *a, const noex_builder *b)
{
    struct noex_term x, y;
    if (!a || !b || noex_builder_term(a, &x) || noex_builder_term(b, &y))
        return (a != NULL) - (b != NULL);
    int c = memcmp(x.bytes, y.bytes, x.len < y.len ? x.len : y.len);
    return c ? c : (x.len > y.len) - (x.len < y.len);
}

/* Of one node. */
static int compare_targets(const struct noex_target *a, const struct noex_target *b)
{
    int c = (int)a->kind - (int)b->kind;
    if (c == 0 && a->kind == NOEX_TARGET_NAME)
        c = strcmp(a->name, b->name);
    if (c == 0 && a->kind == NOEX_TARGET_PID)
        c = compare_numbers(a->pid.id, b->pid.id);
    if (c == 0 && a->kind == NOEX_TARGET_PID)
        c = compare_numbers(a->pid.serial, b->pid.serial);
    return c;
}

static int compare_specs(const struct target_spec *a, const struct target_spec *b)
{
    int c = strcmp(a->what.node, b->what.node);
    if (c)
        return c;
    return a->global || b->global ? compare_globals(a->global, b->global)
                                  : compare_targets(&a->what, &b->what);
}

static int by_target_then_order(const void *a, const void *b)
{
    const struct target_spec *x = *(struct target_spec *const *)a;
    const struct target_spec *y = *(struct target_spec *const *)b;
    int c = compare_specs(x, y);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

enum exit_code targets_unique(struct target_list *list, struct failure *why)
{
    struct target_spec **sorted = calloc(list->count + 1, sizeof *sorted);
    if (!sorted)
        return no_memory(why);
    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->items[i];
    qsort(sorted, list->count, sizeof *sorted, by_target_then_order);
    const struct target_spec *first = list->count ? sorted[0] : NULL;
    for (size_t i = 1; i < list->count; i++) {
        if (compare_specs(first, sorted[i]) == 0) {
            spec_free(sorted[i]);
            sorted[i]->text = NULL;
        } else {
            first = sorted[i];
        }
    }
    free(sorted);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].text)
            list->items[kept++] = list->items[i];
    list->count = kept;
    return CODE_WELL;
}

void targets_free(struct target_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        spec_free(&list->items[i]);
    free(list->items);
    *list = (struct target_list){0};
}

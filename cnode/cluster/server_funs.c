/* What the functions of a behaviour use. SPDX-License-Identifier: Apache-2.0 */
#include "base/sized.h"
#include "cluster/cluster.h"
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_MAX = 1024 };

void noex_behavior_init_size(struct noex_behavior *behavior, size_t size)
{
    const struct noex_behavior defaults = {0};
    nx_sized_init(behavior, size, &defaults, sizeof defaults);
}

noex_builder *noex_gen_server_builder(noex_gen_server *self)
{
    return self ? self->builder : NULL;
}

void *noex_gen_server_state(const noex_gen_server *self)
{
    return self ? self->state : NULL;
}

void noex_gen_server_set_state(noex_gen_server *self, void *state)
{
    if (self)
        self->state = state;
}

noex_cluster *noex_gen_server_cluster(const noex_gen_server *self)
{
    return self ? self->cluster : NULL;
}

const struct noex_ref *noex_gen_server_self(const noex_gen_server *self)
{
    return self ? &self->self : NULL;
}

int noex_gen_server_reply(noex_gen_server *self, struct noex_term caller, struct noex_term reply)
{
    if (!self)
        return NOEX_EINVALID;
    noex_cluster *cluster = self->cluster;
    nx_cluster_begin(cluster);
    int rc = noex_reply(cluster->node, &self->self.pid, caller, reply);
    return rc ? nx_cluster_fail_node(cluster, rc) : 0;
}

NX_PRINTF(2, 0)
static void build_text(noex_builder *b, const char *format, va_list args)
{
    char text[TEXT_MAX];
    int n = vsnprintf(text, sizeof text, format, args);
    noex_build_binary(b, text, n < 0 ? 0 : n < TEXT_MAX ? (size_t)n : TEXT_MAX - 1);
}

enum noex_next noex_gen_server_reply_error(noex_gen_server *self, const char *format, ...)
{
    noex_builder *b = noex_gen_server_builder(self);
    va_list args;
    noex_builder_clear(b);
    noex_build_tuple(b);
    noex_build_atom(b, "error");
    va_start(args, format);
    build_text(b, format, args);
    va_end(args);
    noex_build_end(b);
    return NOEX_NEXT_REPLY;
}

/* {file, "counter.c"} or {line, 12} */
static void build_place(noex_builder *b, const char *file, int line)
{
    noex_build_list(b);
    noex_build_tuple(b);
    noex_build_atom(b, "file");
    noex_build_string(b, file);
    noex_build_end(b);
    noex_build_tuple(b);
    noex_build_atom(b, "line");
    noex_build_int64(b, line);
    noex_build_end(b);
    noex_build_end(b);
}

/* The arity of the behaviour's function: what an Erlang stack would say. */
static int64_t arity_of(const char *function)
{
    if (strstr(function, "handle_call"))
        return 3;
    return strstr(function, "init") ? 1 : 2;
}

enum noex_next noex_gen_server_fail(noex_gen_server *self, const char *function, const char *file,
                                    int line, const char *format, ...)
{
    noex_builder *b = noex_gen_server_builder(self);
    va_list args;
    if (!b || !function || !file)
        return NOEX_NEXT_FAIL;
    const char *slash = strrchr(file, '/');
    noex_builder_clear(b);
    noex_build_tuple(b);
    va_start(args, format);
    build_text(b, format, args);
    va_end(args);
    noex_build_list(b);
    noex_build_tuple(b);
    noex_build_atom(b, self->module);
    noex_build_atom(b, function);
    noex_build_int64(b, arity_of(function));
    build_place(b, slash ? slash + 1 : file, line);
    noex_build_end(b);
    noex_build_end(b);
    noex_build_end(b);
    return NOEX_NEXT_FAIL;
}

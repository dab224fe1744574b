/* A counter is a gen_server: any node of the cluster can call it, cast to it and watch it. Example
 * of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct state {
    char name[NAME_SIZE];
    int64_t value;
    char updated[32];
};

static void touch(struct state *s)
{
    const time_t now = time(NULL);
    strftime(s->updated, sizeof s->updated, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
}

static enum noex_next init(noex_gen_server *self, struct noex_term args)
{
    struct state *s = calloc(1, sizeof *s);
    if (!s || noex_term_text(args, s->name, sizeof s->name) < 0)
        return free(s), NOEX_FAIL(self, "a counter needs a name");
    touch(s);
    noex_gen_server_set_state(self, s);
    return NOEX_NEXT_CONTINUE;
}

static enum noex_next handle_call(noex_gen_server *self, struct noex_term request,
                                  struct noex_term caller)
{
    struct state *s = noex_gen_server_state(self);
    noex_builder *b = noex_gen_server_builder(self);
    (void)caller;
    if (!noex_term_is_atom(request, "get") && !noex_term_is_atom(request, "get_info"))
        return noex_gen_server_reply_error(self, "a counter knows get and get_info");
    noex_build_map(b);
    noex_build_atom(b, "value");
    noex_build_int64(b, s->value);
    if (noex_term_is_atom(request, "get_info")) {
        noex_build_atom(b, "name");
        noex_build_binary(b, s->name, strlen(s->name));
        noex_build_atom(b, "last_updated");
        noex_build_binary(b, s->updated, strlen(s->updated));
    }
    noex_build_end(b);
    return NOEX_NEXT_REPLY;
}

static enum noex_next handle_cast(noex_gen_server *self, struct noex_term message)
{
    struct state *s = noex_gen_server_state(self);
    struct noex_term what, by;
    int64_t n = 1;
    if (noex_term_element(message, 1, &by) == 0 && noex_term_int64(by, &n))
        return NOEX_FAIL(self, "not a number to count by");
    if (noex_term_element(message, 0, &what))
        what = message;
    s->value += noex_term_is_atom(what, "increment") ? n : -n;
    touch(s);
    return NOEX_NEXT_CONTINUE;
}

static void terminate(noex_gen_server *self, enum noex_reason_type type, struct noex_term reason)
{
    struct state *s = noex_gen_server_state(self);
    printf("Counter \"%s\" terminated: %s\n", s->name, noex_reason_type_name(type));
    free(s);
    (void)reason;
}

const struct noex_behavior counter = {.size = sizeof counter,
                                      .init = init,
                                      .handle_call = handle_call,
                                      .handle_cast = handle_cast,
                                      .terminate = terminate};

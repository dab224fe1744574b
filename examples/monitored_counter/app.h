/* The Monitored Counter: what its parts know of each other. Example of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_H
#define APP_H

#include <noex/noex.h>

enum { NAME_SIZE = 64, WATCHES = 100 };

/** A counter that is watched. */
struct watch {
    char name[NAME_SIZE];
    noex_op monitor; /* 0: none, this place is free */
};

struct app {
    noex_cluster *cluster;
    noex_builder *builder;
    struct noex_ref watcher; /* the server for which counters are monitored */
    struct watch watches[WATCHES];
    bool quit;
};

/** The behaviour "counter": init argument a name, calls get and get_info, casts {increment, By} and
 * {decrement, By}. */
extern const struct noex_behavior counter;

/** The watch of this name; NULL: there is none. */
struct watch *watch_find(struct app *app, const char *name);
/** A free place; NULL: there are too many. */
struct watch *watch_free(struct app *app);
/** A lifecycle handler: tells when a counter went down that is watched. */
void watch_event(void *user, const struct noex_lifecycle_event *event);

/** Does what a line says. */
void command(struct app *app, char *line);
/** Looks "counter:<name>" up; true where it is there. */
bool find_counter(struct app *app, const char *name, struct noex_ref *ref);

/** Makes a cluster as NODE_NAME, PORT, SEEDS and COOKIE or COOKIE_FILE say, and starts it. */
bool start(struct app *app);

#endif

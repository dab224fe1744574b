/* The commands, one function each. Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMANDS_H
#define COMMANDS_H

struct app;

void create(struct app *app, const char *name, const char *node);
void watch(struct app *app, const char *name, const char *node);
void unwatch(struct app *app, const char *name, const char *node);
void kill_it(struct app *app, const char *name, const char *node);
void get(struct app *app, const char *name, const char *node);
void increment(struct app *app, const char *name, const char *node);
void decrement(struct app *app, const char *name, const char *node);
void counters(struct app *app, const char *name, const char *node);
void nodes(struct app *app, const char *name, const char *node);
void stats(struct app *app, const char *name, const char *node);
void quit(struct app *app, const char *name, const char *node);

#endif

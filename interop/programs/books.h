/* What a program asked a node for and what it was told: each event is held against the order that
 * noex/event.h promises, at the moment it comes. SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOKS_H
#define BOOKS_H

#include <noex/noex.h>
#include <stdbool.h>

enum entry_state { ENTRY_PENDING, ENTRY_ACTIVE, ENTRY_TOLD, ENTRY_DEMONITORED };

/** One monitor; its index is the order of its making, and `user` of its events. */
struct entry {
    noex_monitor_id id;
    enum entry_state state;
};

/** Everything of a program that watches one node. */
struct books {
    noex_node *node;
    struct noex_options options;
    const char *peer;
    struct entry *entry;
    size_t count;
    size_t cap;
    size_t state[ENTRY_DEMONITORED + 1]; /* how many entries are in each */
    size_t told[NOEX_EVENT_LISTEN_FAILED + 1];
    size_t lost; /* MONITOR_DOWNs of origin local */
    bool is_up;
    bool sweeping;   /* a first noconnection or FAILED of a loss was told, its end not yet */
    size_t swept[2]; /* index + 1 of the last noconnection, and of the last FAILED, of a loss */
    struct noex_error last_error;
    uint64_t last_delay_ms;
    uint32_t last_attempt;
    /** The program's own part in an event, after it was found in its place. */
    void (*on_event)(struct books *b, const struct noex_event *e);
};

/** TLS by the file that NOEX_TLS_OPTFILE names in the environment; NULL: in the clear. */
noex_tls *program_tls(void);

/** The options' defaults for `peer`, from the command line NODE EPMD_PORT COOKIE. */
void books_init(struct books *b, char **argv);
void books_open(struct books *b);
/** Frees all; the node's and the program's memory. */
void books_close(struct books *b);

/** Prints to standard error and ends the program with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Monitors "NAME", "<0.1.0>" or "" (the node); the index of its entry. */
size_t books_monitor(struct books *b, const char *target);
/** Ends it, whatever its state. */
void books_demonitor(struct books *b, size_t index);

/** Runs the node for so long. */
void books_run(struct books *b, uint64_t ms);
/** Runs the node until so many events of this type were told in all; dies after `limit_ms`. */
void books_until(struct books *b, enum noex_event_type type, size_t n, uint64_t limit_ms);

/** Dies unless every entry is over and the node's own counters say the same. */
void books_balance(struct books *b);

uint64_t clock_ms(void);
/** The same sequence in each run. */
uint32_t books_random(uint32_t below);

#endif

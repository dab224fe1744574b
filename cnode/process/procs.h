/* The processes of this node: found by pid (slot and generation) and by name; their aliases. No
 * wire, no I/O. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_PROCS_H
#define NX_PROCESS_PROCS_H

#include "base/slab.h"
#include "base/span.h"
#include "process/bonds.h"
#include "process/letters.h"
#include "process/pending.h"
#include <noex/process.h>

/** Slot and generation of the process that is there from the beginning: the node's own, registered
 * as `net_kernel`, whose pid is also that of whoever watches and asks for the program. */
enum { NX_PROC_KERNEL = 1, NX_PROC_KERNEL_SERIAL = 1 };

/** One process. Its pid's numbers are its slot and its generation. */
struct nx_proc {
    struct nx_slot slot;
    char *name; /* registered under; NULL: none */
    noex_event_fn on_event;
    noex_event_fn on_stop;
    noex_state_fn on_state;
    void *user;
    struct nx_bonds bonds;
    struct nx_box box;             /* the letters that wait for it */
    struct nx_pending_asked asked; /* calls that wait for it */
    struct nx_ring calls;          /* what it asked for itself */
    struct nx_service *service;    /* what it was made to serve, one block; NULL: nothing */
    uint32_t number;               /* its slot */
    uint32_t next_named;
    uint32_t aliases;    /* the first of them */
    uint32_t end_letter; /* set aside for PROCESS_END; 0: it cannot end */
    uint32_t next_ending;
    bool ending; /* its end is being told */
    bool trap_exit;
    bool suspended;
    uint8_t *leader; /* its group leader, a raw pid; NULL: none was named */
    size_t leader_len;
};

struct nx_service;
struct nx_procs;

/** With the node's own process in it. `max` counts the others. NULL: no memory. */
struct nx_procs *nx_procs_new(const struct noex_allocator *a, uint32_t max);
void nx_procs_free(struct nx_procs *t);

/** A process without a name. Errors: NOEX_ENOMEM, NOEX_ELIMIT. */
NOEX_MUST_USE int nx_proc_add(struct nx_procs *t, struct nx_proc **out);
/** Forgets it: its name, its aliases, its record. Links, watchers and letters are the caller's to
 * end before. */
void nx_proc_remove(struct nx_procs *t, struct nx_proc *p);

/** The process with these numbers, NULL where it is dead or never was; takes any. */
struct nx_proc *nx_proc_find(const struct nx_procs *t, uint32_t id, uint32_t serial);
/** The process of a slot in use. */
struct nx_proc *nx_proc_at(const struct nx_procs *t, uint32_t slot);
/** NULL where nobody has the name. */
struct nx_proc *nx_proc_named(const struct nx_procs *t, struct nx_span name);
/** The process with the least slot above `slot`, or NULL: for walks. */
struct nx_proc *nx_proc_next(const struct nx_procs *t, uint32_t slot);
uint32_t nx_procs_count(const struct nx_procs *t);

/** Gives a process that has none a name that nobody has. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_proc_set_name(struct nx_procs *t, struct nx_proc *p, const char *name);
void nx_proc_drop_name(struct nx_procs *t, struct nx_proc *p);

/** Keeps a raw pid as its group leader. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_proc_set_leader(struct nx_procs *t, struct nx_proc *p, struct nx_span leader);

/** A new alias: its slot and generation, as they stand in its reference. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_alias_add(struct nx_procs *t, struct nx_proc *p, uint32_t *slot,
                               uint32_t *generation);
/** Whose alias it is, NULL: of nobody any more. */
struct nx_proc *nx_alias_find(const struct nx_procs *t, uint32_t slot, uint32_t generation);
/** From now on what is sent to it with priority has that. */
void nx_alias_set_priority(struct nx_procs *t, uint32_t slot, uint32_t generation);
bool nx_alias_has_priority(const struct nx_procs *t, uint32_t slot, uint32_t generation);
/** Takes it away; false where it was gone. */
bool nx_alias_remove(struct nx_procs *t, uint32_t slot, uint32_t generation);

#endif

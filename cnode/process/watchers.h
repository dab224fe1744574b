/* The monitors that others hold on local processes: who is told when one ends. No wire, no I/O.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_WATCHERS_H
#define NX_PROCESS_WATCHERS_H

#include "base/map.h"
#include "process/bonds.h"
#include "term/ident.h"

/** An atom as it came, tag and all. */
struct nx_watched_name;

/** What a watcher is found by: the peer, and its reference. */
struct nx_watcher_key {
    uint32_t peer; /* index */
    uint32_t creation;
    uint32_t count;
    uint32_t word[NX_REF_WORDS_MAX]; /* 0 behind `count` */
};

struct nx_watcher {
    struct nx_map_entry entry;
    struct nx_ring_link of_process;
    struct nx_ring_link of_peer;
    struct nx_watcher_key key;
    uint32_t process; /* the slot of the one that is watched */
    uint32_t id;      /* the pid of the one that watches */
    uint32_t serial;
    uint32_t creation;
    struct nx_watched_name *name; /* NULL: watched by pid */
};

struct nx_watchers {
    struct nx_slab slab; /* slab.used: how many there are */
    struct nx_map map;
    struct nx_bond_owners owners;
};

/** An empty table. Allocates nothing; must not move. `a` and what `owners` leads to are borrowed
 * for its life. */
void nx_watchers_init(struct nx_watchers *t, const struct noex_allocator *a,
                      const struct nx_map_seed *seed, const struct nx_bond_owners *owners);
/** Gives the memory back. Heads of lists are not touched. */
void nx_watchers_free(struct nx_watchers *t);

/**
 * MONITOR_P came from `peer` for the local process in slot `process`. `name`: the raw term by which
 * it was named, copied; empty where that was its pid. The nodes of `pid` and `ref` are the peer's:
 * that is for the caller to check. A reference that the peer uses already is ignored, as a BEAM
 * does: the monitor that was first stays. Errors: NOEX_ENOMEM, and nothing has changed.
 */
NOEX_MUST_USE int nx_watcher_add(struct nx_watchers *t, uint32_t process, uint32_t peer,
                                 const struct nx_pid *pid, const struct nx_ref *ref,
                                 struct nx_span name);

/** DEMONITOR_P came: by its reference alone. False: unknown, to be ignored. */
bool nx_watcher_remove(struct nx_watchers *t, uint32_t peer, const struct nx_ref *ref);

/** The watcher of a slot in a list, and the one behind it (0: none): from bonds.watchers.first on,
 * in the order of adding. */
const struct nx_watcher *nx_watcher_at(const struct nx_watchers *t, uint32_t slot);
uint32_t nx_watcher_next_of_process(const struct nx_watchers *t, const struct nx_bonds *process,
                                    uint32_t slot);

/** It was told its DOWN: the watcher of a slot in a list is no more. */
void nx_watcher_drop(struct nx_watchers *t, uint32_t slot);
/** A peer's connection is lost: forgets all of its watchers. */
void nx_watchers_drop_peer(struct nx_watchers *t, const struct nx_bonds *peer);

/**
 * The terms of its DOWN, appended: the pid of the watcher and its reference, `node` being the
 * peer's name, and the target as it was given (`self`: the pid of the process that ended).
 * Errors: as nx_pid_write, nx_ref_write.
 */
NOEX_MUST_USE int nx_watcher_write_pid(struct nx_buf *out, const struct nx_watcher *w,
                                       struct nx_span node);
NOEX_MUST_USE int nx_watcher_write_ref(struct nx_buf *out, const struct nx_watcher *w,
                                       struct nx_span node);
NOEX_MUST_USE int nx_watcher_write_target(struct nx_buf *out, const struct nx_watcher *w,
                                          const struct nx_pid *self);

#endif

/* The links of the local processes: the states of protocol.md 6.5, one entry for each local end. No
 * wire, no I/O: what is to be sent is said to the caller. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_LINKS_H
#define NX_PROCESS_LINKS_H

#include "base/map.h"
#include "process/bonds.h"
#include <noex/error.h>

/** A local process and the other end. A link between two local processes is two entries, each with
 * `peer` NX_PEER_HERE. */
struct nx_link_key {
    uint32_t process; /* its slot */
    uint32_t peer;    /* index */
    uint32_t id;      /* the other end's pid */
    uint32_t serial;
    uint32_t creation;
};

struct nx_link {
    struct nx_map_entry entry;
    struct nx_ring_link of_process;
    struct nx_ring_link of_peer;
    struct nx_link_key key;
    uint64_t unlink_id; /* 0: active; else the UNLINK_ID that waits for its ack */
};

struct nx_links {
    struct nx_slab slab; /* slab.used: how many entries there are */
    struct nx_map map;
    struct nx_bond_owners owners;
    uint64_t last_id;
};

/** An empty table. Allocates nothing; must not move. `a` and what `owners` leads to are borrowed
 * for its life. */
void nx_links_init(struct nx_links *t, const struct noex_allocator *a,
                   const struct nx_map_seed *seed, const struct nx_bond_owners *owners);
/** Gives the memory back. Heads of lists are not touched. */
void nx_links_free(struct nx_links *t);

/**
 * The local process links. `*send`: a LINK is to be sent; else it is linked already.
 * Errors: NOEX_ENOMEM, and nothing has changed.
 */
NOEX_MUST_USE int nx_link_out(struct nx_links *t, const struct nx_link_key *key, bool *send);

/** What nx_link_out did is undone, for no LINK could be sent. `before`: what nx_link_unlinking said
 * before it. */
void nx_link_out_undo(struct nx_links *t, const struct nx_link_key *key, uint64_t before);
/** The id of the UNLINK_ID that waits for its ack; 0: none does. */
uint64_t nx_link_unlinking(const struct nx_links *t, const struct nx_link_key *key);

/** LINK came (or a spawn set the link up). Errors: NOEX_ENOMEM, and nothing has changed. */
NOEX_MUST_USE int nx_link_in(struct nx_links *t, const struct nx_link_key *key);

/** The local process unlinks. The id of the UNLINK_ID that is to be sent, or 0: none. An EXIT from
 * the other end will be ignored from now on. */
uint64_t nx_link_unlink_out(struct nx_links *t, const struct nx_link_key *key);

/** UNLINK_ID came. The caller answers it in every case, before any other signal to that process. */
void nx_link_unlink_in(struct nx_links *t, const struct nx_link_key *key);

/** UNLINK_ID_ACK came. */
void nx_link_unlink_ack(struct nx_links *t, const struct nx_link_key *key, uint64_t id);

/** EXIT came through the link. True: it is to be delivered, and the link is no more; false: to be
 * ignored. */
bool nx_link_exit_in(struct nx_links *t, const struct nx_link_key *key);

/** One entry of a list, out of the table. */
struct nx_link_end {
    struct nx_link_key key;
    bool active; /* its process is sent an EXIT (its own end), or exits by noconnection (a loss) */
};

/** Takes the oldest entry of a process that ends, or of a peer that is lost; false: none is left.
 */
bool nx_link_pop(struct nx_links *t, const struct nx_bonds *of, struct nx_link_end *out);

/** The entry of a slot in a list, and the one behind it (0: none): from bonds.links.first on. */
const struct nx_link *nx_link_at(const struct nx_links *t, uint32_t slot);
uint32_t nx_link_next_of_process(const struct nx_links *t, const struct nx_bonds *process,
                                 uint32_t slot);
static inline bool nx_link_is_active(const struct nx_link *l)
{
    return l->unlink_id == 0;
}

#endif

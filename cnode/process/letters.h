/* Letters: what waits to be told to a process, or of a call; an entry of the queue of events each.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_LETTERS_H
#define NX_PROCESS_LETTERS_H

#include "base/blob.h"
#include "base/slab.h"
#include "process/bonds.h"
#include <noex/event.h>

/** The type of a letter that the node itself takes in its turn: a message of OTP's module sys. */
#define NX_LETTER_SYSTEM ((enum noex_event_type)255)

/** What is to be told. Which fields count depends on the type, as in struct noex_event. */
struct nx_letter_text {
    enum noex_event_type type; /* 0: taken back, nobody is to be told */
    uint32_t peer;             /* whose node it comes from, or NX_PEER_HERE */
    struct noex_pid from;
    bool has_from;
    bool priority;
    uint8_t reason; /* enum noex_reason_type */
    uint8_t origin; /* enum noex_origin */
    int error;
    uint32_t cause; /* the number of the peer's failure that the error belongs to */
    /* Of a process that has ended, whose record is gone: whom to tell. */
    noex_event_fn on_event;
    void *user;
    noex_call_id call;
    void *call_user;
    int64_t time_us;
    const uint8_t *bytes; /* its term, in `blob`; NULL: none, or it could not be kept */
    size_t len;
    uint64_t full_len;
    struct nx_blob *blob;
    size_t counted; /* of the bytes that may wait */
};

struct nx_letter {
    struct nx_slot slot;
    uint32_t number; /* its slot */
    uint32_t link;   /* in the queue of events */
    bool queued;
    bool apart; /* in the queue of what is for callbacks, where events are pulled */
    bool boxed;
    uint32_t next; /* in the box */
    uint32_t prev;
    uint32_t proc;   /* whose it is: slot */
    uint32_t serial; /* and generation; 0: of the node itself */
    struct nx_letter_text text;
};

/** The letters of one process, those of priority first. All zero: none. */
struct nx_box {
    uint32_t first;
    uint32_t last;
    uint32_t last_priority;
};

struct nx_letters {
    const struct noex_allocator *alloc;
    struct nx_slab slab;
    size_t max;   /* bytes that may wait */
    size_t bytes; /* that wait */
};

void nx_letters_init(struct nx_letters *t, const struct noex_allocator *a, size_t max);
void nx_letters_free(struct nx_letters *t);

/** Sets one aside, empty. NULL: no memory. */
struct nx_letter *nx_letter_new(struct nx_letters *t);
/** The same with a copy of these bytes. Errors: NOEX_ENOMEM; NOEX_ELIMIT: more bytes would wait
 * than may. */
NOEX_MUST_USE int nx_letter_write(struct nx_letters *t, struct nx_span bytes,
                                  struct nx_letter **out);
/** True where a letter of so many bytes more may wait. */
bool nx_letters_fit(const struct nx_letters *t, size_t len);
/** Gives a letter that has none its bytes. Errors: NOEX_ENOMEM. They count, but no limit holds:
 * these are the last words of something that is there. */
NOEX_MUST_USE int nx_letter_fill(struct nx_letters *t, struct nx_letter *l, struct nx_span bytes);
/** The same with bytes that are kept already, which count no second time. */
void nx_letter_share(struct nx_letters *t, struct nx_letter *l, struct nx_blob *blob);

struct nx_letter *nx_letter_at(struct nx_letters *t, uint32_t number);
/** Nobody is to be told of a letter that stands in the queue of events: it stays there, empty. */
void nx_letter_take_back(struct nx_letters *t, struct nx_letter *l);
/** Forgets a letter that is in no box. */
void nx_letter_drop(struct nx_letters *t, struct nx_letter *l);

/** Puts a letter into its process's box: behind those that are there, or, with priority, behind
 * those of priority. */
void nx_box_put(struct nx_letters *t, struct nx_box *box, struct nx_letter *l);
/**
 * It is the turn of the letter `l` in the queue of events: takes the box's first one out of the
 * box. Where that is another one the two change their texts, so that `l` is what is to be told now.
 */
void nx_box_take(struct nx_letters *t, struct nx_box *box, struct nx_letter *l);
/** Its process has ended: nobody is to be told of any of these. Those that stand in the queue of
 * events stay there, empty. */
void nx_box_empty(struct nx_letters *t, struct nx_box *box);

#endif

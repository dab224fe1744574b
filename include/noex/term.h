/* Erlang terms: reading one. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_TERM_H
#define NOEX_TERM_H

#include <noex/error.h>
#include <noex/target.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A term in the external term format without the version byte (131) that term_to_binary puts before
 * it. Borrowed: valid as long as the bytes are. What stands behind the one term is not looked at.
 *
 * Reading never trusts the bytes: any may be given, whole, malformed, or a term that was cut, which
 * is readable up to the cut; from there on the error is NOEX_ETERM. It allocates nothing, does not
 * recurse, and no call takes longer than a pass over the bytes. Any thread may do it.
 */
struct noex_term {
    const uint8_t *bytes;
    size_t len;
};

enum noex_term_type {
    NOEX_TERM_INVALID = 0, /**< no term: no bytes, or malformed ones */
    NOEX_TERM_ATOM = 1,
    NOEX_TERM_INTEGER = 2, /**< of any size */
    NOEX_TERM_FLOAT = 3,
    NOEX_TERM_BINARY = 4,
    NOEX_TERM_BITSTRING = 5, /**< whose bits are no whole bytes */
    NOEX_TERM_TUPLE = 6,
    NOEX_TERM_LIST = 7, /**< in each of its encodings: the empty one and strings too */
    NOEX_TERM_MAP = 8,
    NOEX_TERM_PID = 9,
    NOEX_TERM_PORT = 10,  /**< a port can be printed and copied, no more; so can the following */
    NOEX_TERM_REF = 11,   /**< a reference */
    NOEX_TERM_FUN = 12,   /**< local or external */
    NOEX_TERM_RECORD = 13 /**< a native record of OTP 29; the others are tuples */
};

/** The type by the term's first bytes, also of a term that is cut behind them. Never fails. */
NOEX_API enum noex_term_type noex_term_type(struct noex_term term);

/**
 * 0 where the bytes are exactly one term, whole and well formed in all its parts. `err` may be
 * NULL, and names the first byte that is wrong. Errors: NOEX_ETERM, NOEX_ELIMIT (nested more than
 * 1024 deep).
 */
NOEX_API NOEX_MUST_USE int noex_term_check(struct noex_term term, struct noex_error *err);

/**
 * Sets `*size`: elements of a tuple or list (without an improper tail), pairs of a map, bytes of a
 * binary or of an atom's text, bits of a bitstring. Of a tuple, map, binary or bitstring this is
 * what its head declares; where the term was cut, or not checked, there may be less. Errors:
 * NOEX_EINVALID (`size` is NULL), NOEX_ETYPE (another type), NOEX_ETERM.
 */
NOEX_API NOEX_MUST_USE int noex_term_size(struct noex_term term, uint64_t *size);

/* Values */

/** Whether the term is the atom of this name (UTF-8). Never fails. */
NOEX_API bool noex_term_is_atom(struct noex_term term, const char *name);

/** The longest text of an atom in UTF-8, its NUL included. */
enum { NOEX_ATOM_SIZE = 255 * 4 + 1 };

/**
 * Writes an atom's text as UTF-8 and a NUL; cut at `size`, between two characters. Returns the
 * whole text's length, as snprintf(3); `text` may be NULL where `size` is 0. Errors: NOEX_EINVALID
 * (`text` is NULL), NOEX_ETYPE (no atom), NOEX_ETERM.
 */
NOEX_API int noex_term_atom(struct noex_term term, char *text, size_t size);

/** The value of an integer. Errors: NOEX_EINVALID (`value` is NULL), NOEX_ETYPE (no integer),
 * NOEX_ERANGE (it does not fit; noex_term_print shows any), NOEX_ETERM. */
NOEX_API NOEX_MUST_USE int noex_term_int64(struct noex_term term, int64_t *value);
/** As noex_term_int64. Errors: NOEX_EINVALID (`value` is NULL), NOEX_ETYPE (no integer),
 * NOEX_ERANGE (negative, or too large), NOEX_ETERM. */
NOEX_API NOEX_MUST_USE int noex_term_uint64(struct noex_term term, uint64_t *value);

/** The value of a float, which is always finite. Errors: NOEX_EINVALID (`value` is NULL),
 * NOEX_ETYPE (no float; integers are none), NOEX_ETERM. */
NOEX_API NOEX_MUST_USE int noex_term_double(struct noex_term term, double *value);

/**
 * The bytes of a binary, borrowed from the term's. Of a bitstring too: in its last byte only the
 * upper noex_term_size % 8 bits count. Errors: NOEX_EINVALID (a NULL), NOEX_ETYPE (neither),
 * NOEX_ETERM.
 */
NOEX_API NOEX_MUST_USE int noex_term_binary(struct noex_term term, const uint8_t **bytes,
                                            size_t *len);

/**
 * Writes what is text in Erlang or Elixir as UTF-8 and a NUL: a binary of UTF-8, or a list of
 * characters. Cut at `size`, between two characters; returns the whole text's length, as
 * snprintf(3); `text` may be NULL where `size` is 0. The text itself may hold NULs. Errors:
 * NOEX_EINVALID (`text` is NULL), NOEX_ETYPE (another type, or no text), NOEX_ERANGE (longer than
 * INT_MAX), NOEX_ETERM.
 */
NOEX_API int noex_term_text(struct noex_term term, char *text, size_t size);

/**
 * Reads a pid, and writes the name of its node as UTF-8 and a NUL; cut at `size`, between two
 * characters. Returns the whole name's length, as snprintf(3); `node` may be NULL where `size` is
 * 0. Errors: NOEX_EINVALID (a NULL), NOEX_ETYPE (no pid), NOEX_ETERM.
 */
NOEX_API int noex_term_pid(struct noex_term term, struct noex_pid *pid, char *node, size_t size);

/**
 * The term as the Erlang shell prints it (~0tp), as UTF-8 with a NUL in at most `size` bytes. Pids,
 * ports and references of `local_node` ("name@host") are printed as on that node; NULL: of none.
 * Ends in "..." where the term or the text was cut or the term is malformed, and then `*cut` (may
 * be NULL) is true. Returns the length. Errors: NOEX_EINVALID (`text` is NULL, `size` < 4).
 */
NOEX_API int noex_term_print(struct noex_term term, const char *local_node, char *text, size_t size,
                             bool *cut);

/* Elements */

/**
 * Sets `*element` to an element of a tuple, counted from 0; as far as it goes where it is cut.
 * Errors: NOEX_EINVALID (`element` is NULL), NOEX_ETYPE (no tuple), NOEX_ERANGE (it has no such
 * element), NOEX_ETERM (the bytes end before it, or are malformed).
 */
NOEX_API NOEX_MUST_USE int noex_term_element(struct noex_term tuple, uint64_t index,
                                             struct noex_term *element);

/** A walk over what is in a tuple, list or map: start with noex_term_items. */
struct noex_items {
    /** Behind the last item of an improper list: its tail. Else its `bytes` are NULL. */
    struct noex_term tail;
    /** The library's own. */
    const uint8_t *at;
    const uint8_t *end;
    uint64_t left;
    /** NOEX_ETERM once the bytes have ended, or are malformed, within an item (which is given as
     * far as it goes) or before it; the error of noex_term_items where that failed. Else 0. */
    int error;
    /** The library's own. */
    uint32_t form;
};

/**
 * Starts a walk: over the elements of a tuple or list, or over a map's keys and values by turns.
 * Errors, which stand in items->error as well (so the walk is empty): NOEX_ETYPE (another type),
 * NOEX_ETERM. And NOEX_EINVALID (`items` is NULL).
 */
NOEX_API int noex_term_items(struct noex_term term, struct noex_items *items);

/**
 * Takes the next item; false at the end, and where items->error says that there is no more to be
 * read. Items are borrowed from the term's bytes, those of a string from memory that is always
 * there. Takes the time of a pass over the item's bytes.
 */
NOEX_API NOEX_MUST_USE bool noex_items_next(struct noex_items *items, struct noex_term *item);

#ifdef __cplusplus
}
#endif
#endif

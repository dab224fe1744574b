/* Erlang terms: reading one, and building one. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_TERM_H
#define NOEX_TERM_H

#include <noex/alloc.h>
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
    const uint8_t *bytes; /**< its first byte is the tag */
    size_t len;           /**< how many may be read */
};

/** What a term is. */
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
 * snprintf(3), or INT_MAX where it is longer; `text` may be NULL where `size` is 0. The text itself
 * may hold NULs. Errors: NOEX_EINVALID (`text` is NULL), NOEX_ETYPE (another type, or no text),
 * NOEX_ETERM.
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
    const uint8_t *at;  /**< the library's own */
    const uint8_t *end; /**< the same */
    uint64_t left;      /**< the same */
    /** NOEX_ETERM once the bytes have ended, or are malformed, within an item (which is given as
     * far as it goes) or before it; the error of noex_term_items where that failed. Else 0. */
    int error;
    /** The library's own. */
    uint32_t form;
};

/**
 * Starts a walk: over the elements of a tuple or list, or over a map's keys and values by turns. An
 * error stands in items->error as well, and the walk is then an empty one. Errors: NOEX_EINVALID
 * (`items` is NULL), NOEX_ETYPE (another type), NOEX_ETERM.
 */
NOEX_API int noex_term_items(struct noex_term term, struct noex_items *items);

/**
 * Takes the next item; false at the end, and where items->error says that there is no more to be
 * read. Items are borrowed from the term's bytes, those of a string from memory that is always
 * there. Takes the time of a pass over the item's bytes: a walk down to the last element passes
 * over each as often as there are containers around it. An event's term, and what passed
 * noex_term_check, nests at most 1024 deep, so a program may recurse.
 */
NOEX_API NOEX_MUST_USE bool noex_items_next(struct noex_items *items, struct noex_term *item);

/* Building */

/**
 * Builds one term, from the outside in: a container, its elements, its end. {error, [1]} is
 *
 *     noex_build_tuple(b);
 *     noex_build_atom(b, "error");
 *     noex_build_list(b);
 *     noex_build_int64(b, 1);
 *     noex_build_end(b);
 *     noex_build_end(b);
 *     rc = noex_builder_term(b, &term);
 *
 * The bytes are those that a BEAM writes for the term. The results of the noex_build_ functions
 * need not be looked at: the first error stays, nothing is added after it, and each later call and
 * noex_builder_term return it. A builder belongs to one thread at a time.
 */
typedef struct noex_builder noex_builder;

/**
 * Makes an empty builder; the caller's, to free with noex_builder_free. `allocator` (NULL: malloc
 * and its kin) is copied, and called only from inside functions of this builder. Errors:
 * NOEX_EINVALID (`out` is NULL), NOEX_ENOMEM.
 */
NOEX_API NOEX_MUST_USE int noex_builder_new(noex_builder **out,
                                            const struct noex_allocator *allocator);

/** Frees a builder and the term in it. NULL is allowed. */
NOEX_API void noex_builder_free(noex_builder *builder);

/** Begins anew, without an error; keeps the memory for the next term. NULL is allowed. */
NOEX_API void noex_builder_clear(noex_builder *builder);

/**
 * The finished term, borrowed until the builder is cleared or freed. Errors: NOEX_EINVALID (a
 * NULL), NOEX_ESTATE (nothing was built, or a container has no end yet: the building can go on);
 * or the first error of building: NOEX_EINVALID, NOEX_ESTATE, NOEX_ETERM, NOEX_ELIMIT, NOEX_ENOMEM.
 */
NOEX_API NOEX_MUST_USE int noex_builder_term(const noex_builder *builder, struct noex_term *term);

/* Each of the following adds one term: as the next element of the innermost container, or as the
 * term itself. A map takes keys and values by turns. NOEX_ETERM can only be noex_build_term's own,
 * or left by it. */

/** An atom, by its name in UTF-8. Errors: NOEX_EINVALID (a NULL, more than 255 characters, not
 * UTF-8), NOEX_ESTATE (the term is finished), NOEX_ELIMIT (it gets longer than 2 GiB), NOEX_ENOMEM,
 * NOEX_ETERM. */
NOEX_API int noex_build_atom(noex_builder *builder, const char *name);

/** An integer. Errors: NOEX_EINVALID (a NULL), NOEX_ESTATE (the term is finished), NOEX_ELIMIT (it
 * gets longer than 2 GiB), NOEX_ENOMEM, NOEX_ETERM. */
NOEX_API int noex_build_int64(noex_builder *builder, int64_t value);
/** As noex_build_int64. Errors: NOEX_EINVALID, NOEX_ESTATE, NOEX_ELIMIT, NOEX_ENOMEM, NOEX_ETERM.
 */
NOEX_API int noex_build_uint64(noex_builder *builder, uint64_t value);

/** A float. Errors: NOEX_EINVALID (a NULL; an infinity or NaN, which Erlang has not), NOEX_ESTATE
 * (the term is finished), NOEX_ELIMIT (it gets longer than 2 GiB), NOEX_ENOMEM, NOEX_ETERM. */
NOEX_API int noex_build_double(noex_builder *builder, double value);

/** A binary; with the bytes of a text in UTF-8 Elixir's String.t. `bytes` may be NULL where `len`
 * is 0. Errors: NOEX_EINVALID (a NULL), NOEX_ESTATE (the term is finished), NOEX_ELIMIT (it gets
 * longer than 2 GiB), NOEX_ENOMEM, NOEX_ETERM. */
NOEX_API int noex_build_binary(noex_builder *builder, const void *bytes, size_t len);

/** The characters of a text in UTF-8 as a list: Erlang's string(), Elixir's charlist. Errors:
 * NOEX_EINVALID (a NULL, not UTF-8), NOEX_ESTATE (the term is finished), NOEX_ELIMIT (it gets
 * longer than 2 GiB, or 1024 containers are open), NOEX_ENOMEM, NOEX_ETERM. */
NOEX_API int noex_build_string(noex_builder *builder, const char *text);

/** A process of the node of this name; the three numbers are taken as they are. Errors:
 * NOEX_EINVALID (a NULL, a name that is no atom, or creation 0, which names no certain process),
 * NOEX_ESTATE (the term is finished), NOEX_ELIMIT (it gets longer than 2 GiB), NOEX_ENOMEM,
 * NOEX_ETERM. */
NOEX_API int noex_build_pid(noex_builder *builder, const char *node, const struct noex_pid *pid);

/** The empty list. Errors: NOEX_EINVALID (a NULL), NOEX_ESTATE (the term is finished), NOEX_ELIMIT
 * (it gets longer than 2 GiB), NOEX_ENOMEM, NOEX_ETERM. */
NOEX_API int noex_build_nil(noex_builder *builder);

/** A copy of another term, byte by byte, as it stands: also what cannot be built otherwise. Keys of
 * maps in it are not compared, and as a key itself it counts by its bytes. Not of a term in this
 * builder. Errors: NOEX_EINVALID (a NULL), NOEX_ESTATE (the term is finished), NOEX_ETERM (`term`
 * is cut or malformed), NOEX_ELIMIT (it gets longer than 2 GiB, or nested more than 1024 deep),
 * NOEX_ENOMEM. */
NOEX_API int noex_build_term(noex_builder *builder, struct noex_term term);

/**
 * The one term that `text` is, in UTF-8 and as Erlang writes it: atoms, integers in any base, $c,
 * floats, strings, binaries (of numbers, also <<5:3>> and <<1:16/little>>, and of strings, also
 * "text"/utf8), tuples, lists (also [a|b]) and maps; with white space, comments and a dot behind,
 * or without. Not variables, operators, funs, records, nor pids, ports and references, whose text
 * does not tell all of them. Takes memory and time in proportion to the text.
 *
 * `err` (may be NULL) says at which byte, counted from 0, what was expected. Errors: NOEX_EINVALID
 * (a NULL; the text is no such term, or a map in it has a key twice), NOEX_ESTATE (the term is
 * finished), NOEX_ELIMIT (it gets longer than 2 GiB, or nested more than 1024 deep; an integer of
 * more than 524,280 bytes, which no BEAM since OTP 27 takes, or of more than 10,000 digits in a
 * base that is no power of two), NOEX_ENOMEM, NOEX_ETERM.
 */
NOEX_API int noex_build_text(noex_builder *builder, const char *text, struct noex_error *err);

/** Begins a tuple: what follows, up to its noex_build_end, is in it. Errors: NOEX_EINVALID (a
 * NULL), NOEX_ESTATE (the term is finished), NOEX_ELIMIT (it gets longer than 2 GiB, or nested more
 * than 1024 deep), NOEX_ENOMEM, NOEX_ETERM. */
NOEX_API int noex_build_tuple(noex_builder *builder);
/** Begins a list, as noex_build_tuple. Errors: NOEX_EINVALID, NOEX_ESTATE, NOEX_ELIMIT,
 * NOEX_ENOMEM, NOEX_ETERM. */
NOEX_API int noex_build_list(noex_builder *builder);
/** Begins a map, as noex_build_tuple. Its pairs stay in their order; those of a map that is in a
 * key of another do not. Errors: NOEX_EINVALID, NOEX_ESTATE, NOEX_ELIMIT, NOEX_ENOMEM, NOEX_ETERM.
 */
NOEX_API int noex_build_map(noex_builder *builder);

/**
 * Ends the innermost container. Errors: NOEX_EINVALID (a NULL; a map with a key twice, which no
 * BEAM takes), NOEX_ESTATE (no container is open; a map whose last key has no value), NOEX_ELIMIT
 * (it gets longer than 2 GiB), NOEX_ENOMEM, NOEX_ETERM.
 */
NOEX_API int noex_build_end(noex_builder *builder);

#ifdef __cplusplus
}
#endif
#endif

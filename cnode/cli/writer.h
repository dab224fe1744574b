/* Writing lines to a descriptor without ever waiting for its reader: a bounded buffer, emptied by a
 * thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_WRITER_H
#define CLI_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WRITER_FULL = -1 };

struct writer;

/** Called once, from the writer's thread, when writing has failed. */
typedef void (*writer_wake_fn)(void *user);

/** A writer for `fd`, which stays the caller's, that holds at most `limit` bytes, or one line that
 * is longer. NULL without memory or thread. */
struct writer *writer_new(int fd, size_t limit);

/** Whom to tell of a failure; NULL: nobody. When this has returned the earlier one is not called.
 */
void writer_on_failure(struct writer *w, writer_wake_fn wake, void *user);

/** Takes a line to write. Returns 0, WRITER_FULL where it does not fit or ENOMEM (nothing is
 * taken), or the errno of an earlier failed write. Never waits for the reader. */
int writer_put(struct writer *w, const char *bytes, size_t len);

/** 0, or the errno of the write that failed (EPIPE: the reader has gone). */
int writer_error(struct writer *w);

/**
 * Waits until all is written, at most `stall_ms` without a byte of progress. `give_up` (may be
 * NULL) is asked now and then. Returns 0, ETIMEDOUT, ECANCELED, or the errno of the write that
 * failed.
 */
int writer_flush(struct writer *w, uint64_t stall_ms, bool (*give_up)(void));

/** Drops what is not written and frees; a write that the reader holds up goes on until it is let
 * go. NULL is allowed. */
void writer_free(struct writer *w);

#endif

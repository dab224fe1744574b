/* A node with processes, and fakes that say to them what a test wants, signal by signal.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_BENCH_H
#define PROCESS_BENCH_H

#include "handshake/dflags.h"
#include "node_bench.h"

/* Raw terms; each stands in one of many buffers, and is good for the next 32 of them. */
struct nx_span raw_atom(const char *text);
struct nx_span raw_int(int64_t value);
/** A process of the node. */
struct nx_span raw_pid(const struct bench *b, const struct noex_pid *pid);
/** The process <0.id.0> of fake `i`, in its present incarnation. */
struct nx_span raw_their_pid(const struct bench *b, unsigned i, uint32_t id);
/** The `n`-th reference of fake `i`, of 3 words. */
struct nx_span raw_their_ref(const struct bench *b, unsigned i, uint32_t n);
struct nx_span raw_tuple(unsigned arity, const struct nx_span *elements);
#define RAW_TUPLE(...)                                                                             \
    raw_tuple(sizeof((const struct nx_span[]){__VA_ARGS__}) / sizeof(struct nx_span),              \
              (const struct nx_span[]){__VA_ARGS__})

static inline struct noex_term term_of(struct nx_span raw)
{
    struct noex_term term = {raw.ptr, raw.len};
    return term;
}

/** A node of a fixed name, connected to one fake that offers these flags. */
void bench_citizen(struct bench *b, uint64_t flags);
/** The same, with `b` as bench_init left it and then changed. */
void bench_open_citizen(struct bench *b, uint64_t flags);

/** A process that traps exits or not, and has this name (NULL: none); its user is `user`. */
struct noex_pid bench_process(struct bench *b, const char *name, bool trap);

/** Fake `i` sends a signal: SAY(b, 0, NX_OP_LINK, no_payload, [NX_ARG_FROM] = ..., ...). */
#define SAY(b, i, opcode, payload, ...)                                                            \
    fake_beam_send(&(b)->beam[i], &(const struct nx_ctrl){.op = opcode, .arg = {__VA_ARGS__}},     \
                   payload)
extern const struct nx_span no_payload;

/** What fake `i` got, forgotten. */
void bench_forget_signals(struct bench *b, unsigned i);
/** The only signal that fake `i` got, of this kind; fails where that is not so. */
const struct fake_signal *bench_only_signal(const struct bench *b, unsigned i, enum nx_op op);
/** Fails unless fake `i` got signals of these kinds, in this order, and no other. */
void bench_expect_signals(const struct bench *b, unsigned i, const enum nx_op *ops);
#define EXPECT_SIGNALS(b, i, ...)                                                                  \
    bench_expect_signals(b, i, (const enum nx_op[]){__VA_ARGS__, (enum nx_op)0})
#define EXPECT_NO_SIGNALS(b, i) assert_int_equal((b)->beam[i].signals, 0)

/** A target: a process of the node or of a fake, a name. The texts are of the last one made. */
struct noex_target here(const struct bench *b, const struct noex_pid *pid);
struct noex_target there(const struct bench *b, unsigned i, uint32_t id);
struct noex_target name_here(const struct bench *b, const char *name);
struct noex_target name_there(const struct bench *b, unsigned i, const char *name);

bool same_pid(const struct noex_pid *a, const struct noex_pid *b);
/** Fails unless the term of an event, or an element of a signal, is this one. */
void assert_term(const struct seen *s, struct nx_span term);
void assert_span(struct nx_span found, struct nx_span expected);

#endif

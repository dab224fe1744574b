/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "api/api.h"
#include "base/alloc.h"

/* From the C library's heap, as what is posted: other threads must not use the node's allocator. */
struct noex_poster {
    struct nx_mailbox *box; /* held */
    noex_node *node;        /* only for what is delivered while the box is open */
    atomic_uint holds;
};

struct post {
    struct nx_mail mail; /* first: deliver() gets its address */
    noex_node *node;
    noex_post_fn fn;
    void *user;
};

static void deliver(struct nx_mail *mail, bool closed)
{
    const struct post post = *(struct post *)mail;
    nx_free(&nx_alloc_libc, mail);
    if (closed || post.node->closing) {
        post.fn(NULL, post.user);
        return;
    }
    bool was = nx_node_enter(post.node);
    post.fn(post.node, post.user);
    nx_node_leave(post.node, was);
}

int noex_poster_new(noex_poster **out, noex_node *node)
{
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (!out)
        return nx_fail(err, NOEX_EINVALID, "noex_poster_new: an argument is NULL");
    noex_poster *poster = nx_alloc(&nx_alloc_libc, sizeof *poster);
    if (!poster)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    poster->box = nx_loop_mailbox(node->loop);
    poster->node = node;
    atomic_init(&poster->holds, 1);
    nx_mailbox_hold(poster->box);
    *out = poster;
    return 0;
}

noex_poster *noex_poster_hold(noex_poster *poster)
{
    if (poster)
        atomic_fetch_add(&poster->holds, 1);
    return poster;
}

void noex_poster_release(noex_poster *poster)
{
    if (!poster || atomic_fetch_sub(&poster->holds, 1) > 1)
        return;
    nx_mailbox_release(poster->box);
    nx_free(&nx_alloc_libc, poster);
}

int noex_post(noex_poster *poster, noex_post_fn fn, void *user)
{
    if (!poster || !fn)
        return NOEX_EINVALID;
    struct post *post = nx_alloc(&nx_alloc_libc, sizeof *post);
    if (!post)
        return NOEX_ENOMEM;
    *post = (struct post){{NULL, deliver}, poster->node, fn, user};
    if (nx_mailbox_post(poster->box, &post->mail))
        return 0;
    nx_free(&nx_alloc_libc, post);
    return NOEX_ESTATE;
}

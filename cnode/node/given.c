/* SPDX-License-Identifier: Apache-2.0 */
#include "node/given.h"

#include "node/peer.h"
#include <stdio.h>

enum {
    RANDOM_LETTERS = 13, /* of 36: more than 64 bits */
    MIN_CREATION = 4     /* protocol.md 5 */
};

/* Free, and with the host that the name must have. */
static struct nx_peer *find_free(noex_node *node, struct nx_span host)
{
    for (struct nx_peer *p = node->given; p; p = p->next_given)
        if (p->state == NX_PEER_IDLE && !p->lent && nx_span_is(host, strchr(p->name.full, '@') + 1))
            return p;
    return NULL;
}

static void take_again(struct nx_peer *p, struct nx_given *out)
{
    p->lent = true;
    p->given_creation++;
    if (p->given_creation < MIN_CREATION)
        p->given_creation = MIN_CREATION;
    *out = (struct nx_given){p->name, p->given_creation, p};
}

static int make_name(struct nx_span host, uint64_t random, struct nx_given *out)
{
    char text[NX_NAME_MAX + RANDOM_LETTERS + 2];
    size_t n = 0;
    for (; n < RANDOM_LETTERS; n++, random /= 36)
        text[n] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[random % 36];
    if (host.len > NX_NAME_MAX)
        return NOEX_EHOST;
    text[n++] = '@';
    memcpy(text + n, host.ptr, host.len);
    text[n + host.len] = '\0';
    return nx_node_name_parse(text, &out->name, NULL) || out->name.port ? NOEX_EHOST : 0;
}

int nx_given_take(noex_node *node, struct nx_span host, struct nx_given *out)
{
    uint8_t random[12];
    struct nx_peer *p = find_free(node, host);
    if (p) {
        take_again(p, out);
        return 0;
    }
    int rc = node->random->fill(node->random->ctx, random, sizeof random);
    if (rc)
        return rc;
    uint32_t creation = nx_get_u32(random + 8);
    *out = (struct nx_given){.creation = creation < MIN_CREATION ? MIN_CREATION : creation};
    return make_name(host, nx_get_u64(random), out);
}

void nx_given_back(noex_node *node, struct nx_given *given, struct nx_peer *p)
{
    if (given->lent)
        given->lent->lent = false;
    given->lent = NULL;
    if (!p || p->given_creation)
        return;
    p->given_creation = given->creation;
    p->next_given = node->given;
    node->given = p;
}

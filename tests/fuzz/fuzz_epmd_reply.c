/* Replies of epmd. The first byte selects the conversation, the second the size of the pieces: the
 * verdict must not depend on the pieces. SPDX-License-Identifier: Apache-2.0 */
#include "epmd_session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    uint32_t entries;
    uint32_t hash;
};

static int hear(void *user, const struct epmd_entry *entry)
{
    struct heard *h = user;
    if (!epmd_name_valid(entry->name, entry->name_len))
        abort();
    for (size_t i = 0; i < entry->name_len; i++)
        h->hash = h->hash * 31 + (uint8_t)entry->name[i];
    h->hash = h->hash * 31 + entry->port;
    return ++h->entries == 1000;
}

static void begin(struct epmd_session *s, unsigned kind, struct heard *h)
{
    static const struct epmd_node node = {
        .name = "noex", .name_len = 4, .port = 40000, .highest = 6, .lowest = 6};
    int rc = kind == 0   ? epmd_session_register(s, &node, 0, 100)
             : kind == 1 ? epmd_session_lookup(s, "noex", 4, 0, 100)
                         : epmd_session_names(s, hear, h, 0, 100);
    if (rc != 0)
        abort();
}

static int converse(struct epmd_session *s, unsigned kind, struct heard *h, const uint8_t *bytes,
                    size_t len, size_t piece)
{
    begin(s, kind, h);
    int rc = EPMD_MORE;
    for (size_t at = 0; at < len; at += piece) {
        rc = epmd_session_feed(s, bytes + at, len - at < piece ? len - at : piece);
        size_t out_len;
        epmd_session_out(s, &out_len);
        if ((rc != EPMD_MORE) != (out_len == 0) ||
            (rc != EPMD_MORE) != (epmd_session_deadline(s) == UINT64_MAX))
            abort();
    }
    return rc;
}

static void check_result(const struct epmd_session *s, unsigned kind)
{
    const struct epmd_node *node = epmd_session_node(s);
    if (kind == 1 && (node->name_len != 4 || memcmp(node->name, "noex", 4) != 0 ||
                      node->extra_len > EPMD_EXTRA_MAX))
        abort();
    /* Reads all of what the result points at. */
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < node->extra_len; i++)
        sum = (uint8_t)(sum + node->extra[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    unsigned kind = data[0] % 3u;
    size_t piece = data[1] ? data[1] : 1;
    struct epmd_session whole, pieces;
    struct heard heard_whole = {0}, heard_pieces = {0};
    int rc = converse(&whole, kind, &heard_whole, data + 2, size - 2, size);
    int rc_pieces = converse(&pieces, kind, &heard_pieces, data + 2, size - 2, piece);
    if (rc != rc_pieces || heard_whole.hash != heard_pieces.hash ||
        heard_whole.entries != heard_pieces.entries || whole.creation != pieces.creation ||
        whole.skipped != pieces.skipped || whole.epmd_port != pieces.epmd_port)
        abort();
    if (rc == EPMD_DONE)
        check_result(&pieces, kind);
    rc = epmd_session_eof(&whole);
    if (rc == EPMD_MORE || rc != epmd_session_eof(&pieces) || (rc == EPMD_DONE && kind == 0) ||
        epmd_session_timeout(&whole, UINT64_MAX) != 0)
        abort();
    return 0;
}

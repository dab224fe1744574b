/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake/hs_msg.h"

static const char *part_fault(struct nx_span part)
{
    if (part.len > NX_HS_NAME_MAX)
        return "it is longer than 255 characters";
    for (size_t i = 0; i < part.len; i++)
        if (part.ptr[i] <= ' ' || part.ptr[i] >= 0x7f)
            return "it holds a character that is not printable ASCII";
    return NULL;
}

static size_t count_at(struct nx_span name)
{
    size_t n = 0;
    for (size_t i = 0; i < name.len; i++)
        n += name.ptr[i] == '@';
    return n;
}

/* Protocol.md 2.2: exactly one '@', both parts non-empty, and ASCII, for names become atoms. */
const char *nx_hs_name_fault(struct nx_span name)
{
    size_t at = count_at(name);
    if (at != 1)
        return at ? "it has more than one '@'" : "it has no '@'";
    if (name.ptr[0] == '@' || name.ptr[name.len - 1] == '@')
        return "a part of it is empty";
    return part_fault(name);
}

const char *nx_hs_host_fault(struct nx_span host)
{
    if (!host.len)
        return "it is empty";
    return count_at(host) ? "it has an '@'" : part_fault(host);
}

int nx_hs_msg_next(struct nx_span in, unsigned header, struct nx_span *msg)
{
    *msg = nx_span(NULL, 0);
    if (in.len < header)
        return 0;
    size_t len = header == 2 ? nx_get_u16(in.ptr) : nx_get_u32(in.ptr);
    if (len == 0 || len > NX_HS_MSG_MAX)
        return NOEX_EGARBAGE;
    size_t there = in.len - header;
    *msg = nx_span(in.ptr + header, there < len ? there : len);
    return there >= len;
}

/* Sets room aside for the whole message, so that what follows cannot leave half of one. */
static int begin(struct nx_buf *out, unsigned header, char tag, size_t body_len)
{
    if (body_len >= NX_HS_MSG_MAX)
        return NOEX_EINVALID;
    uint32_t len = (uint32_t)body_len + 1;
    int rc = nx_buf_reserve(out, header + len);
    if (rc)
        return rc;
    rc = header == 2 ? nx_buf_put_u16(out, (uint16_t)len) : nx_buf_put_u32(out, len);
    return rc ? rc : nx_buf_put_u8(out, (uint8_t)tag);
}

/* A name behind its length, as all but the old message have it. */
static int put_name(struct nx_buf *out, struct nx_span name)
{
    int rc = nx_buf_put_u16(out, (uint16_t)name.len);
    return rc ? rc : nx_buf_put_span(out, name);
}

static bool get_name(struct nx_rd *r, struct nx_span *name)
{
    uint16_t len;
    return nx_rd_u16(r, &len) && nx_rd_bytes(r, len, name);
}

static bool get_tag(struct nx_rd *r, char tag)
{
    uint8_t got;
    return nx_rd_u8(r, &got) && got == (uint8_t)tag;
}

static bool get_digest(struct nx_rd *r, const uint8_t **digest)
{
    struct nx_span s;
    if (!nx_rd_bytes(r, NX_DIGEST_LEN, &s) || nx_rd_left(r))
        return false;
    *digest = s.ptr;
    return true;
}

int nx_hs_put_name(struct nx_buf *out, unsigned header, const struct nx_hs_name *m)
{
    int rc = begin(out, header, 'N', 8 + 4 + 2 + m->name.len);
    rc = rc ? rc : nx_buf_put_u64(out, m->flags);
    rc = rc ? rc : nx_buf_put_u32(out, m->creation);
    return rc ? rc : put_name(out, m->name);
}

/* Bytes behind the name are for later releases and ignored (protocol.md 2.2). */
bool nx_hs_get_name(struct nx_span msg, struct nx_hs_name *m)
{
    struct nx_rd r = nx_rd(msg);
    return get_tag(&r, 'N') && nx_rd_u64(&r, &m->flags) && nx_rd_u32(&r, &m->creation) &&
           get_name(&r, &m->name);
}

/* The version, 5, says nothing that the flags do not: a BEAM ignores it too. */
bool nx_hs_get_old_name(struct nx_span msg, struct nx_hs_name *m)
{
    struct nx_rd r = nx_rd(msg);
    uint16_t version;
    uint32_t flags;
    if (!get_tag(&r, 'n') || !nx_rd_u16(&r, &version) || !nx_rd_u32(&r, &flags))
        return false;
    *m = (struct nx_hs_name){flags, 0, nx_rd_rest(&r)};
    return true;
}

int nx_hs_put_status(struct nx_buf *out, unsigned header, const char *text)
{
    int rc = begin(out, header, 's', strlen(text));
    return rc ? rc : nx_buf_put(out, text, strlen(text));
}

bool nx_hs_get_status(struct nx_span msg, struct nx_span *text)
{
    struct nx_rd r = nx_rd(msg);
    if (!get_tag(&r, 's'))
        return false;
    *text = nx_rd_rest(&r);
    return true;
}

static const char named[] = "named:";
enum { NAMED_LEN = sizeof named - 1 };

int nx_hs_put_named(struct nx_buf *out, unsigned header, const struct nx_hs_named *m)
{
    int rc = begin(out, header, 's', NAMED_LEN + 2 + m->name.len + 4);
    rc = rc ? rc : nx_buf_put(out, named, NAMED_LEN);
    rc = rc ? rc : put_name(out, m->name);
    return rc ? rc : nx_buf_put_u32(out, m->creation);
}

bool nx_hs_get_named(struct nx_span msg, struct nx_hs_named *m)
{
    struct nx_rd r = nx_rd(msg);
    struct nx_span word;
    return get_tag(&r, 's') && nx_rd_bytes(&r, NAMED_LEN, &word) && nx_span_is(word, named) &&
           get_name(&r, &m->name) && nx_rd_u32(&r, &m->creation);
}

int nx_hs_put_challenge(struct nx_buf *out, unsigned header, const struct nx_hs_challenge *m)
{
    int rc = begin(out, header, 'N', 8 + 4 + 4 + 2 + m->name.len);
    rc = rc ? rc : nx_buf_put_u64(out, m->flags);
    rc = rc ? rc : nx_buf_put_u32(out, m->challenge);
    rc = rc ? rc : nx_buf_put_u32(out, m->creation);
    return rc ? rc : put_name(out, m->name);
}

bool nx_hs_get_challenge(struct nx_span msg, struct nx_hs_challenge *m)
{
    struct nx_rd r = nx_rd(msg);
    return get_tag(&r, 'N') && nx_rd_u64(&r, &m->flags) && nx_rd_u32(&r, &m->challenge) &&
           nx_rd_u32(&r, &m->creation) && get_name(&r, &m->name);
}

bool nx_hs_get_complement(struct nx_span msg, struct nx_hs_complement *m)
{
    struct nx_rd r = nx_rd(msg);
    return get_tag(&r, 'c') && nx_rd_u32(&r, &m->flags_high) && nx_rd_u32(&r, &m->creation) &&
           nx_rd_left(&r) == 0;
}

int nx_hs_put_reply(struct nx_buf *out, unsigned header, const struct nx_hs_reply *m)
{
    int rc = begin(out, header, 'r', 4 + NX_DIGEST_LEN);
    rc = rc ? rc : nx_buf_put_u32(out, m->challenge);
    return rc ? rc : nx_buf_put(out, m->digest, NX_DIGEST_LEN);
}

bool nx_hs_get_reply(struct nx_span msg, struct nx_hs_reply *m)
{
    struct nx_rd r = nx_rd(msg);
    return get_tag(&r, 'r') && nx_rd_u32(&r, &m->challenge) && get_digest(&r, &m->digest);
}

int nx_hs_put_ack(struct nx_buf *out, unsigned header, const uint8_t *digest)
{
    int rc = begin(out, header, 'a', NX_DIGEST_LEN);
    return rc ? rc : nx_buf_put(out, digest, NX_DIGEST_LEN);
}

bool nx_hs_get_ack(struct nx_span msg, const uint8_t **digest)
{
    struct nx_rd r = nx_rd(msg);
    return get_tag(&r, 'a') && get_digest(&r, digest);
}

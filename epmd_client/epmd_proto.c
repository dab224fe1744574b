/* SPDX-License-Identifier: Apache-2.0 */
#include "epmd_proto.h"

#include <string.h>

enum {
    ALIVE2_REQ = 120,
    PORT2_REQ = 122,
    NAMES_REQ = 110,
    ALIVE2_RESP = 121,   /* creation of 16 bits */
    ALIVE2_X_RESP = 118, /* creation of 32 bits */
    PORT2_RESP = 119,

    ALIVE2_FIXED = 13, /* bytes of an ALIVE2 request besides name and extra */
    PORT2_HEAD = 12    /* bytes of a PORT2 reply up to the name */
};

const char *epmd_error_text(int error)
{
    static const char *const texts[] = {
        [0] = "no error",
        [-EPMD_EINVALID] = "not a name, port or extra field that epmd can register",
        [-EPMD_ESPACE] = "buffer too small for a request to epmd",
        [-EPMD_EGARBAGE] = "epmd gave an answer that is none",
        [-EPMD_ECUT] = "epmd closed the connection in the middle of its answer",
        [-EPMD_EREFUSED] = "epmd closed the connection without an answer",
        [-EPMD_ENOTFOUND] = "epmd knows no node of this name",
        [-EPMD_ETAKEN] = "a node of this name is already registered with epmd",
        [-EPMD_ETIMEOUT] = "no answer from epmd",
        [-EPMD_ELOST] = "epmd closed the connection that held the registration",
        [-EPMD_ESTOPPED] = "the listing was stopped",
    };
    if (error > 0 || error <= -(int)(sizeof texts / sizeof texts[0]))
        return "unknown error";
    return texts[-error];
}

static uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)get_u16(p) << 16 | get_u16(p + 2);
}

static uint8_t *put_u16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static uint8_t *put_bytes(uint8_t *p, const void *bytes, size_t len)
{
    if (len)
        memcpy(p, bytes, len);
    return p + len;
}

bool epmd_node_speaks(const struct epmd_node *node, uint16_t version)
{
    return node->protocol == EPMD_PROTOCOL_TCP && node->lowest <= version &&
           version <= node->highest;
}

/* Length of the UTF-8 character at `p`; 0 where there is none, or a control character. */
static size_t printable_char(const uint8_t *p, size_t len)
{
    /* First byte from..to, second byte from..to, length. What is left out are controls, overlong
     * forms, surrogates and what lies beyond U+10FFFF. */
    static const uint8_t forms[][5] = {
        {0x20, 0x7e, 0x00, 0xff, 1}, {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    size_t form = 0;
    while (p[0] < forms[form][0] || p[0] > forms[form][1])
        if (++form == sizeof forms / sizeof forms[0])
            return 0;
    size_t size = forms[form][4];
    if (size > len || (size > 1 && (p[1] < forms[form][2] || p[1] > forms[form][3])))
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

bool epmd_name_valid(const char *name, size_t len)
{
    const uint8_t *p = (const uint8_t *)name;
    size_t chars = 0, size = 0;
    if (len > EPMD_NAME_MAX)
        return false;
    for (size_t at = 0; at < len; at += size, chars++) {
        size = printable_char(p + at, len - at);
        if (!size || p[at] == '@')
            return false;
    }
    return chars > 0 && chars <= EPMD_NAME_CHARS_MAX;
}

int epmd_put_alive2_req(uint8_t *out, size_t size, const struct epmd_node *node)
{
    if (!epmd_name_valid(node->name, node->name_len) || !node->port ||
        node->extra_len > EPMD_EXTRA_MAX)
        return EPMD_EINVALID;
    size_t len = ALIVE2_FIXED + node->name_len + node->extra_len;
    if (size < 2 + len)
        return EPMD_ESPACE;
    uint8_t *p = put_u16(out, len);
    *p++ = ALIVE2_REQ;
    p = put_u16(p, node->port);
    *p++ = node->nodetype;
    *p++ = node->protocol;
    p = put_u16(p, node->highest);
    p = put_u16(p, node->lowest);
    p = put_u16(p, node->name_len);
    p = put_bytes(p, node->name, node->name_len);
    p = put_u16(p, node->extra_len);
    p = put_bytes(p, node->extra, node->extra_len);
    return (int)(p - out);
}

int epmd_put_port2_req(uint8_t *out, size_t size, const char *name, size_t name_len)
{
    if (!epmd_name_valid(name, name_len))
        return EPMD_EINVALID;
    if (size < 3 + name_len)
        return EPMD_ESPACE;
    uint8_t *p = put_u16(out, 1 + name_len);
    *p++ = PORT2_REQ;
    p = put_bytes(p, name, name_len);
    return (int)(p - out);
}

int epmd_put_names_req(uint8_t *out, size_t size)
{
    if (size < 3)
        return EPMD_ESPACE;
    uint8_t *p = put_u16(out, 1);
    *p = NAMES_REQ;
    return 3;
}

int epmd_read_alive2_resp(const uint8_t *in, size_t len, struct epmd_alive2_resp *reply)
{
    if (!len)
        return 0;
    if (in[0] != ALIVE2_RESP && in[0] != ALIVE2_X_RESP)
        return EPMD_EGARBAGE;
    bool wide = in[0] == ALIVE2_X_RESP;
    size_t size = wide ? 6 : 4;
    if (len < size)
        return 0;
    reply->result = in[1];
    reply->creation = wide ? get_u32(in + 2) : get_u16(in + 2);
    return (int)size;
}

/* What follows the result of a PORT2 reply: the fields of the ALIVE2 request it was registered
 * with. */
static int read_node(const uint8_t *in, size_t len, struct epmd_node *node)
{
    if (len < PORT2_HEAD)
        return 0;
    size_t name_len = get_u16(in + 10);
    if (!name_len || name_len > EPMD_NAME_MAX)
        return EPMD_EGARBAGE;
    if (len < PORT2_HEAD + name_len + 2)
        return 0;
    const uint8_t *name = in + PORT2_HEAD;
    size_t extra_len = get_u16(name + name_len);
    if (extra_len > EPMD_EXTRA_MAX || !epmd_name_valid((const char *)name, name_len))
        return EPMD_EGARBAGE;
    size_t size = PORT2_HEAD + name_len + 2 + extra_len;
    if (len < size)
        return 0;
    *node = (struct epmd_node){
        .name = (const char *)name,
        .name_len = name_len,
        .extra = name + name_len + 2,
        .extra_len = extra_len,
        .port = get_u16(in + 2),
        .nodetype = in[4],
        .protocol = in[5],
        .highest = get_u16(in + 6),
        .lowest = get_u16(in + 8),
    };
    return (int)size;
}

int epmd_read_port2_resp(const uint8_t *in, size_t len, struct epmd_port2_resp *reply)
{
    if (len && in[0] != PORT2_RESP)
        return EPMD_EGARBAGE;
    if (len < 2)
        return 0;
    int size = in[1] == 0 ? read_node(in, len, &reply->node) : 2;
    if (size > 0)
        reply->result = in[1];
    return size;
}

int epmd_read_names_port(const uint8_t *in, size_t len, uint16_t *port)
{
    if ((len > 0 && in[0] != 0) || (len > 1 && in[1] != 0))
        return EPMD_EGARBAGE;
    if (len < 4)
        return 0;
    if (get_u32(in) == 0)
        return EPMD_EGARBAGE;
    *port = get_u16(in + 2);
    return 4;
}

/* `line` without its newline. Read from its end, since a name may hold " at port " itself. */
static bool read_entry(const char *line, size_t len, struct epmd_entry *entry)
{
    static const char before[] = "name ", between[] = " at port ";
    const size_t before_len = sizeof before - 1, between_len = sizeof between - 1;
    uint32_t port = 0, unit = 1;
    size_t end = len;
    for (; end && len - end < 5 && line[end - 1] >= '0' && line[end - 1] <= '9'; end--, unit *= 10)
        port += unit * (uint32_t)(line[end - 1] - '0');
    if (end == len || port > UINT16_MAX || end < before_len + between_len)
        return false;
    end -= between_len;
    if (memcmp(line, before, before_len) != 0 || memcmp(line + end, between, between_len) != 0 ||
        !epmd_name_valid(line + before_len, end - before_len))
        return false;
    entry->name = line + before_len;
    entry->name_len = end - before_len;
    entry->port = (uint16_t)port;
    return true;
}

int epmd_read_names_line(const uint8_t *in, size_t len, struct epmd_entry *entry)
{
    if (!len)
        return 0;
    const uint8_t *newline = memchr(in, '\n', len < EPMD_LINE_MAX ? len : EPMD_LINE_MAX);
    if (!newline)
        return len < EPMD_LINE_MAX ? 0 : EPMD_EGARBAGE;
    size_t line_len = (size_t)(newline - in);
    if (!read_entry((const char *)in, line_len, entry))
        *entry = (struct epmd_entry){0};
    return (int)line_len + 1;
}

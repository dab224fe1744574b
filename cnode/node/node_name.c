/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node_name.h"

#include "base/err.h"
#include <stdbool.h>
#include <string.h>

static bool is_name_char(char c)
{
    return c > ' ' && c < 0x7f && c != '/' && c != '@';
}

/* A port behind the host: "h:1", "[::1]:1", but not the last group of a bare IPv6 address. */
static const char *find_port(const char *host)
{
    const char *bracket = strchr(host, ']');
    if (host[0] == '[')
        return bracket && bracket[1] == ':' ? bracket + 1 : NULL;
    const char *colon = strchr(host, ':');
    return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

static bool parse_port(const char *digits, uint16_t *port)
{
    uint32_t value = 0;
    size_t n = 0;
    for (; digits[n] >= '0' && digits[n] <= '9' && n < 6; n++)
        value = value * 10 + (uint32_t)(digits[n] - '0');
    if (n == 0 || digits[n] || value == 0 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* What was given may hold anything; an error's text is one line. */
static int bad(struct noex_error *err, const char *text, const char *why)
{
    char shown[121];
    size_t n = 0;
    for (; text[n] && n < sizeof shown - 1; n++)
        shown[n] = text[n] >= ' ' && text[n] < 0x7f ? text[n] : '?';
    shown[n] = '\0';
    return nx_fail(err, NOEX_ENODENAME, "'%s' is not a node name: %s", shown, why);
}

int nx_node_name_parse(const char *text, struct nx_node_name *out, struct noex_error *err)
{
    const char *at = text ? strchr(text, '@') : NULL;
    memset(out, 0, sizeof *out);
    if (!at)
        return bad(err, text ? text : "", "it has no '@'");
    for (const char *p = text; *p; p++)
        if (p != at && !is_name_char(*p))
            return bad(err, text,
                       *p == '@' ? "it has two '@'" : "it holds a character that no node name has");
    const char *host = at + 1, *port = find_port(host);
    size_t host_len = port ? (size_t)(port - host) : strlen(host);
    if (port && !parse_port(port + 1, &out->port))
        return bad(err, text, "what follows the ':' is no port (1 to 65535)");
    if (host[0] == '[' && (host_len < 3 || host[host_len - 1] != ']'))
        return bad(err, text, "the '[' of its host has no ']'");
    if (at == text || !host_len)
        return bad(err, text, "one side of the '@' is empty");
    size_t full_len = (size_t)(host - text) + host_len;
    if (full_len > NX_NAME_MAX)
        return bad(err, text, "it is longer than 255 characters");
    memcpy(out->full, text, full_len);
    memcpy(out->alive, text, (size_t)(at - text));
    bool bracketed = host[0] == '[';
    memcpy(out->host, host + bracketed, host_len - 2 * (size_t)bracketed);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake/hs.h"

#include "base/alloc.h"
#include "base/err.h"
#include "handshake/dflags.h"
#include "handshake/digest.h"
#include "handshake/hs_msg.h"
#include <inttypes.h>
#include <stdio.h>

enum {
    OUT_MAX = 1024, /* all that one side ever says fits, so nothing is allocated after nx_hs_new */
    NAME_SIZE = NX_HS_NAME_MAX + 1,
    QUOTE_SIZE = 96
};

/* What is awaited. Dialling steps first. */
enum step {
    AWAIT_STATUS,
    AWAIT_CHALLENGE,
    AWAIT_ACK,
    AWAIT_NAME,
    AWAIT_ALIVE,
    AWAIT_ALIVE_OLD, /* as AWAIT_ALIVE, of a peer that sent the old name message */
    AWAIT_COMPLEMENT,
    AWAIT_REPLY,
    DONE,
    FAILED
};

struct nx_hs {
    struct nx_hs_config config;
    struct nx_buf out;
    enum step step;
    enum step next; /* where the message at hand leads, unless its handler changes it */
    bool begun;     /* a message was taken, so this is no TLS peer */
    uint64_t deadline_ms;
    uint64_t sent_flags;
    uint64_t peer_flags;
    uint32_t challenge;
    struct nx_hs_result result;
    char self_name[NAME_SIZE];
    char peer_name[NAME_SIZE];
    struct noex_error err; /* the failure, given again to whoever asks later */
};

struct quoted {
    char text[QUOTE_SIZE];
};

/* A peer's bytes as they may stand in an error text: printable, and cut where they are long. */
static const char *quote(struct quoted *q, struct nx_span s)
{
    size_t n = 0, i = 0;
    for (; i < s.len && n + 8 < sizeof q->text; i++) {
        uint8_t c = s.ptr[i];
        if (c >= ' ' && c < 0x7f)
            q->text[n++] = (char)c;
        else
            n += (size_t)snprintf(q->text + n, sizeof q->text - n, "\\x%02x", c);
    }
    snprintf(q->text + n, sizeof q->text - n, "%s", i < s.len ? "..." : "");
    return q->text;
}

static const char *quote_str(struct quoted *q, const char *text)
{
    return quote(q, nx_span_str(text));
}

/* " (name@host)" behind a text about "the peer", as soon as its name is known. */
static const char *which_peer(struct quoted *q, const struct nx_hs *hs)
{
    struct quoted name;
    if (!hs->peer_name[0])
        return "";
    snprintf(q->text, sizeof q->text, " (%.90s)", quote_str(&name, hs->peer_name));
    return q->text;
}

/* For a name that was checked, so it fits. */
static void keep_name(char name[NAME_SIZE], struct nx_span s)
{
    memcpy(name, s.ptr, s.len);
    name[s.len] = '\0';
}

static void debug(const struct nx_hs *hs, const char *what)
{
    nx_log(hs->config.log, NOEX_LOG_DEBUG, "handshake with %s: %s",
           hs->peer_name[0] ? hs->peer_name : "an unnamed peer", what);
}

/* Without its bytes, which may hold a digest. */
static int malformed(struct nx_hs *hs, const char *what, struct nx_span msg)
{
    return nx_fail(&hs->err, NOEX_EGARBAGE, "the peer's %s of %zu bytes is malformed", what,
                   msg.len);
}

static int lacks_flags(struct nx_hs *hs, uint64_t missing)
{
    char flags[208];
    struct quoted q;
    nx_dflags_text(missing, flags, sizeof flags);
    return nx_fail(&hs->err, NOEX_EFLAG, "the peer does not offer %s%s", flags, which_peer(&q, hs));
}

static bool asks_for_name(const struct nx_hs_config *c)
{
    return c->dynamic && c->role == NX_HS_DIAL;
}

/* Protocol.md 2.7: a node with a dynamic name is never visible, and both sides carry the flag. */
static uint64_t with_name_me(uint64_t flags)
{
    return (flags & ~NX_DFLAG_PUBLISHED) | NX_DFLAG_NAME_ME;
}

static int new_challenge(struct nx_hs *hs)
{
    uint8_t bytes[4];
    const struct nx_random *random = hs->config.random;
    if (random->fill(random->ctx, bytes, sizeof bytes))
        return nx_fail(&hs->err, NOEX_ERANDOM, NULL);
    hs->challenge = nx_get_u32(bytes);
    return 0;
}

static struct nx_span cookie_of(const struct nx_hs *hs)
{
    const struct nx_hs_decisions *d = &hs->config.decide;
    return d->cookie ? d->cookie(d->ctx, nx_span_str(hs->peer_name)) : hs->config.cookie;
}

static int check_digest(struct nx_hs *hs, const uint8_t *theirs)
{
    uint8_t ours[NX_DIGEST_LEN];
    struct quoted q;
    int rc = nx_digest(cookie_of(hs), hs->challenge, ours, &hs->err);
    if (!rc && !nx_digest_equal(ours, theirs))
        rc = nx_fail(&hs->err, NOEX_ECOOKIE, "the digest of \"%s\" is wrong: the cookies differ",
                     quote_str(&q, hs->peer_name));
    nx_wipe(ours, sizeof ours);
    return rc;
}

static int sent(struct nx_hs *hs, int rc, const char *what)
{
    if (rc)
        return nx_fail(&hs->err, rc, NULL);
    debug(hs, what);
    return 0;
}

static int send_status(struct nx_hs *hs, const char *status)
{
    char line[64];
    snprintf(line, sizeof line, "sent the status %s", status);
    return sent(hs, nx_hs_put_status(&hs->out, hs->config.header, status), line);
}

static void finish(struct nx_hs *hs)
{
    hs->result.self_name = hs->self_name;
    hs->result.peer_name = hs->peer_name;
    hs->result.peer_flags = hs->peer_flags;
    hs->result.flags = nx_dflags_negotiate(hs->sent_flags, hs->peer_flags);
    hs->deadline_ms = UINT64_MAX;
}

static int send_name(struct nx_hs *hs)
{
    const struct nx_hs_config *c = &hs->config;
    const struct nx_hs_name m = {hs->sent_flags, hs->result.self_creation,
                                 nx_span_str(hs->self_name)};
    return sent(hs, nx_hs_put_name(&hs->out, c->header, &m), "sent our name");
}

static int status_ok(struct nx_hs *hs)
{
    (void)hs;
    return 0;
}

static int status_nok(struct nx_hs *hs)
{
    struct quoted us, peer;
    return nx_fail(&hs->err, NOEX_ESIMULTANEOUS,
                   "\"%s\" answered nok: it is connecting to us at this moment, or its own name is "
                   "\"%s\"",
                   quote_str(&peer, hs->peer_name), quote_str(&us, hs->self_name));
}

static int status_not_allowed(struct nx_hs *hs)
{
    char flags[208];
    struct quoted peer;
    const char *name = quote_str(&peer, hs->peer_name);
    /* Protocol.md section 3: the strictest demands of the releases known, OTP 26 to 29. */
    uint64_t missing = nx_dflags_missing(hs->sent_flags, NX_DFLAGS_MANDATORY_25 | NX_DFLAG_V4_NC |
                                                             NX_DFLAG_UNLINK_ID);
    if (!missing)
        return nx_fail(&hs->err, NOEX_ENOTALLOWED,
                       "\"%s\" answered not_allowed: we are not on its net_kernel:allow list%s",
                       name, asks_for_name(&hs->config) ? ", or it gives no dynamic names" : "");
    nx_dflags_text(missing, flags, sizeof flags);
    return nx_fail(&hs->err, NOEX_ENOTALLOWED, "\"%s\" answered not_allowed: we do not offer %s",
                   name, flags);
}

/* Protocol.md 2.6: "true" says that the connection which the peer still has is dead here. */
static int status_alive(struct nx_hs *hs)
{
    const struct nx_hs_decisions *d = &hs->config.decide;
    struct quoted us, peer;
    bool gone = d->older_is_gone && d->older_is_gone(d->ctx);
    int rc = send_status(hs, gone ? "true" : "false");
    if (rc || gone)
        return rc;
    return nx_fail(&hs->err, NOEX_ENAMECLASH,
                   "\"%s\" answered alive: it is connected to another node named \"%s\"",
                   quote_str(&peer, hs->peer_name), quote_str(&us, hs->self_name));
}

static int status_named(struct nx_hs *hs, const struct nx_hs_named *m)
{
    struct quoted q;
    const char *fault = nx_hs_name_fault(m->name);
    if (!asks_for_name(&hs->config))
        fault = "none was asked for";
    else if (!fault && nx_span_is(m->name, hs->peer_name))
        fault = "that is its own";
    if (fault)
        return nx_fail(&hs->err, NOEX_EGARBAGE, "the peer gave us the name \"%s\", but %s",
                       quote(&q, m->name), fault);
    keep_name(hs->self_name, m->name);
    hs->result.self_creation = m->creation;
    return 0;
}

static int take_status(struct nx_hs *hs, struct nx_span msg)
{
    static const struct {
        const char *text;
        bool dynamic; /* may answer a request for a name too */
        int (*take)(struct nx_hs *hs);
    } statuses[] = {
        {"ok", false, status_ok},       {"ok_simultaneous", false, status_ok},
        {"nok", false, status_nok},     {"not_allowed", true, status_not_allowed},
        {"alive", false, status_alive},
    };
    struct nx_hs_named named;
    struct nx_span text;
    struct quoted q;
    if (nx_hs_get_named(msg, &named))
        return status_named(hs, &named);
    if (!nx_hs_get_status(msg, &text))
        return malformed(hs, "status", msg);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (!nx_span_is(text, statuses[i].text))
            continue;
        if (!asks_for_name(&hs->config) || statuses[i].dynamic)
            return statuses[i].take(hs);
        return nx_fail(&hs->err, NOEX_EFLAG,
                       "\"%s\" answered %s where a name was asked for: it does not support dynamic "
                       "names (NAME_ME)",
                       quote_str(&q, hs->peer_name), statuses[i].text);
    }
    return nx_fail(&hs->err, NOEX_EGARBAGE, "the peer answered the unknown status \"%s\"",
                   quote(&q, text));
}

static int send_reply(struct nx_hs *hs, uint32_t their_challenge)
{
    uint8_t digest[NX_DIGEST_LEN];
    int rc = new_challenge(hs);
    if (rc)
        return rc;
    rc = nx_digest(cookie_of(hs), their_challenge, digest, &hs->err);
    if (rc)
        return rc;
    const struct nx_hs_reply m = {hs->challenge, digest};
    rc = sent(hs, nx_hs_put_reply(&hs->out, hs->config.header, &m), "sent our digest");
    nx_wipe(digest, sizeof digest);
    return rc;
}

static int take_challenge(struct nx_hs *hs, struct nx_span msg)
{
    struct nx_hs_challenge m;
    struct quoted dialled, other;
    if (!nx_hs_get_challenge(msg, &m))
        return malformed(hs, "challenge", msg);
    if (!nx_span_is(m.name, hs->peer_name))
        return nx_fail(&hs->err, NOEX_ENAMEMISMATCH, "dialled \"%s\", but the node there is \"%s\"",
                       quote_str(&dialled, hs->peer_name), quote(&other, m.name));
    uint64_t missing = nx_dflags_missing(m.flags, hs->config.required);
    if (missing)
        return lacks_flags(hs, missing);
    hs->peer_flags = m.flags;
    hs->result.peer_creation = m.creation;
    return send_reply(hs, m.challenge);
}

/* What a node answers with that knows only the handshake before OTP 23. */
static int take_old_challenge(struct nx_hs *hs, struct nx_span msg)
{
    (void)msg;
    return lacks_flags(hs, NX_DFLAG_HANDSHAKE_23);
}

static int take_ack(struct nx_hs *hs, struct nx_span msg)
{
    const uint8_t *digest;
    if (!nx_hs_get_ack(msg, &digest))
        return malformed(hs, "challenge ack", msg);
    return check_digest(hs, digest);
}

static int send_challenge(struct nx_hs *hs)
{
    const struct nx_hs_config *c = &hs->config;
    int rc = new_challenge(hs);
    if (rc)
        return rc;
    const struct nx_hs_challenge m = {hs->sent_flags, hs->challenge, c->creation,
                                      nx_span_str(hs->self_name)};
    return sent(hs, nx_hs_put_challenge(&hs->out, c->header, &m), "sent our challenge");
}

static int answer_ok(struct nx_hs *hs, const char *status)
{
    int rc = send_status(hs, status);
    return rc ? rc : send_challenge(hs);
}

static int answer_nok(struct nx_hs *hs, const char *why)
{
    struct quoted q;
    int rc = send_status(hs, "nok");
    return rc ? rc
              : nx_fail(&hs->err, NOEX_ENAMECLASH, "answered nok to \"%s\": %s",
                        quote_str(&q, hs->peer_name), why);
}

static int answer_not_allowed(struct nx_hs *hs, const char *why)
{
    struct quoted q;
    int rc = send_status(hs, "not_allowed");
    return rc ? rc
              : nx_fail(&hs->err, NOEX_ENOTALLOWED, "answered not_allowed to \"%s\": %s",
                        quote_str(&q, hs->peer_name), why);
}

static int refuse_flags(struct nx_hs *hs, uint64_t missing)
{
    int rc = send_status(hs, "not_allowed");
    return rc ? rc : lacks_flags(hs, missing);
}

/* A peer that has its name: ask whoever knows the other connections. */
static int answer_name(struct nx_hs *hs)
{
    const struct nx_hs_decisions *d = &hs->config.decide;
    struct nx_span name = nx_span_str(hs->peer_name);
    if (nx_span_is(name, hs->self_name))
        return answer_nok(hs, "it has our own name");
    switch (d->status ? d->status(d->ctx, name) : NX_HS_OK) {
    case NX_HS_OK:
        return answer_ok(hs, "ok");
    case NX_HS_OK_SIMULTANEOUS:
        return answer_ok(hs, "ok_simultaneous");
    case NX_HS_NOK:
        return answer_nok(hs, "our own attempt to connect to it goes on");
    case NX_HS_ALIVE:
        hs->next = hs->next == AWAIT_COMPLEMENT ? AWAIT_ALIVE_OLD : AWAIT_ALIVE;
        return send_status(hs, "alive");
    case NX_HS_NOT_ALLOWED:
        break;
    }
    return answer_not_allowed(hs, "this node does not allow it");
}

/* True where `name` is one that a peer from `host` may be given: a BEAM checks the host part. */
static bool name_fits_host(struct nx_span name, struct nx_span host)
{
    return !nx_hs_name_fault(name) && name.len > host.len + 1 &&
           name.ptr[name.len - host.len - 1] == '@' &&
           memcmp(name.ptr + name.len - host.len, host.ptr, host.len) == 0;
}

/* A BEAM that asks for a name wants NAME_ME echoed in the challenge, or it crashes its attempt. */
static int answer_name_me(struct nx_hs *hs, struct nx_span host)
{
    const struct nx_hs_decisions *d = &hs->config.decide;
    char name[NAME_SIZE] = "";
    uint32_t creation = 0;
    if (!d->name_peer)
        return answer_not_allowed(hs, "this node gives no dynamic names");
    if (d->name_peer(d->ctx, host, name, sizeof name, &creation))
        return answer_not_allowed(hs, "no dynamic name is to be had");
    name[sizeof name - 1] = '\0';
    if (!name_fits_host(nx_span_str(name), host))
        return answer_not_allowed(hs, "the dynamic name made for it does not fit its host");
    keep_name(hs->peer_name, nx_span_str(name));
    hs->result.peer_creation = creation;
    hs->sent_flags = with_name_me(hs->sent_flags);
    const struct nx_hs_named m = {nx_span_str(hs->peer_name), creation};
    int rc = sent(hs, nx_hs_put_named(&hs->out, hs->config.header, &m), "sent the peer its name");
    return rc ? rc : send_challenge(hs);
}

static int accept_name(struct nx_hs *hs, const struct nx_hs_name *m, uint64_t required)
{
    bool dynamic = m->flags & NX_DFLAG_NAME_ME;
    struct quoted q;
    const char *fault = dynamic ? nx_hs_host_fault(m->name) : nx_hs_name_fault(m->name);
    /* A BEAM closes without a status too (protocol.md 2.2). */
    if (fault)
        return nx_fail(&hs->err, NOEX_EGARBAGE, "the peer calls itself \"%s\", but %s",
                       quote(&q, m->name), fault);
    keep_name(hs->peer_name, m->name);
    hs->peer_flags = m->flags;
    hs->result.peer_creation = m->creation;
    uint64_t missing = nx_dflags_missing(m->flags, required);
    if (missing)
        return refuse_flags(hs, missing);
    return dynamic ? answer_name_me(hs, m->name) : answer_name(hs);
}

static int take_name(struct nx_hs *hs, struct nx_span msg)
{
    struct nx_hs_name m;
    if (!nx_hs_get_name(msg, &m))
        return malformed(hs, "name message", msg);
    return accept_name(hs, &m, hs->config.required);
}

/* Protocol.md 2.4: the flags above 32 bits come later, with the complement. */
static int take_old_name(struct nx_hs *hs, struct nx_span msg)
{
    struct nx_hs_name m;
    if (!nx_hs_get_old_name(msg, &m))
        return malformed(hs, "name message", msg);
    return accept_name(hs, &m, nx_dflags_expand(hs->config.required) & UINT32_MAX);
}

static int take_alive_reply(struct nx_hs *hs, struct nx_span msg)
{
    struct nx_span text;
    struct quoted q;
    if (!nx_hs_get_status(msg, &text))
        return malformed(hs, "answer to alive", msg);
    if (nx_span_is(text, "false"))
        return nx_fail(&hs->err, NOEX_ENAMECLASH, "\"%s\" is connected and keeps that connection",
                       quote_str(&q, hs->peer_name));
    if (!nx_span_is(text, "true"))
        return nx_fail(&hs->err, NOEX_EGARBAGE, "the peer answered alive with \"%s\"",
                       quote(&q, text));
    return send_challenge(hs);
}

static int take_complement(struct nx_hs *hs, struct nx_span msg)
{
    struct nx_hs_complement m;
    if (!nx_hs_get_complement(msg, &m))
        return malformed(hs, "complement", msg);
    hs->peer_flags |= (uint64_t)m.flags_high << 32;
    hs->result.peer_creation = m.creation;
    uint64_t missing = nx_dflags_missing(hs->peer_flags, hs->config.required);
    return missing ? lacks_flags(hs, missing) : 0;
}

static int take_reply(struct nx_hs *hs, struct nx_span msg)
{
    const struct nx_hs_decisions *d = &hs->config.decide;
    struct nx_hs_reply m;
    uint8_t digest[NX_DIGEST_LEN];
    if (!nx_hs_get_reply(msg, &m))
        return malformed(hs, "challenge reply", msg);
    int rc = check_digest(hs, m.digest);
    rc = rc ? rc : nx_digest(cookie_of(hs), m.challenge, digest, &hs->err);
    if (rc)
        return rc;
    /* Not before the cookie was right: else anyone could end a connection (protocol.md 2.6). */
    rc = d->admit ? d->admit(d->ctx, nx_span_str(hs->peer_name), &hs->err) : 0;
    rc = rc ? nx_fail(&hs->err, rc, NULL)
            : sent(hs, nx_hs_put_ack(&hs->out, hs->config.header, digest), "sent our digest");
    nx_wipe(digest, sizeof digest);
    return rc;
}

struct row {
    enum step step;
    char tag;
    enum step next;
    int (*take)(struct nx_hs *hs, struct nx_span msg);
};

/* Protocol.md 2.2: dialling first, then accepting. */
static const struct row rows[] = {
    {AWAIT_STATUS, 's', AWAIT_CHALLENGE, take_status},
    {AWAIT_CHALLENGE, 'N', AWAIT_ACK, take_challenge},
    {AWAIT_CHALLENGE, 'n', FAILED, take_old_challenge},
    {AWAIT_ACK, 'a', DONE, take_ack},

    {AWAIT_NAME, 'N', AWAIT_REPLY, take_name},
    {AWAIT_NAME, 'n', AWAIT_COMPLEMENT, take_old_name},
    {AWAIT_ALIVE, 's', AWAIT_REPLY, take_alive_reply},
    {AWAIT_ALIVE_OLD, 's', AWAIT_COMPLEMENT, take_alive_reply},
    {AWAIT_COMPLEMENT, 'c', AWAIT_REPLY, take_complement},
    {AWAIT_REPLY, 'r', DONE, take_reply},
};

#define ON_ALIVE "the peer closed the connection where its answer to alive was due"
#define ON_CHALLENGE                                                                               \
    "the peer closed the connection on our challenge: it dialled another name, or wants flags "    \
    "that we do not offer"

/* By step: what is awaited, and what it means when the peer closes instead. */
static const struct {
    const char *what;
    int eof_code;
    const char *eof_text;
} steps[] = {
    [AWAIT_STATUS] =
        {"the peer's status", NOEX_ECLOSED,
         "the peer closed the connection on our name: it does not accept it, is setting "
         "up a connection with a node of that name already, or is no Erlang node"},
    [AWAIT_CHALLENGE] = {"the peer's challenge", NOEX_ECLOSED,
                         "the peer closed the connection where its challenge was due"},
    [AWAIT_ACK] = {"the peer's digest", NOEX_ECOOKIE,
                   "the peer closed the connection on our digest: the cookies differ"},
    [AWAIT_NAME] = {"the peer's name", NOEX_ECLOSED,
                    "the peer closed the connection before it said its name"},
    [AWAIT_ALIVE] = {"the peer's answer to alive", NOEX_ECLOSED, ON_ALIVE},
    [AWAIT_ALIVE_OLD] = {"the peer's answer to alive", NOEX_ECLOSED, ON_ALIVE},
    [AWAIT_COMPLEMENT] = {"the peer's complement", NOEX_ECLOSED, ON_CHALLENGE},
    [AWAIT_REPLY] = {"the peer's challenge reply", NOEX_ECLOSED, ON_CHALLENGE},
    [DONE] = {"nothing: the handshake is done", NOEX_ECLOSED, "the peer closed the connection"},
    [FAILED] = {"nothing: the handshake has failed", NOEX_ECLOSED,
                "the peer closed the connection"},
};

static const struct row *find_row(enum step step, uint8_t tag)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].step == step && (uint8_t)rows[i].tag == tag)
            return &rows[i];
    return NULL;
}

static void restart_timer(struct nx_hs *hs, uint64_t now_ms)
{
    uint64_t left = UINT64_MAX - now_ms;
    hs->deadline_ms = now_ms + (hs->config.step_ms < left ? hs->config.step_ms : left);
}

/* Ends the handshake with the cause in hs->err, which every later call gives again. */
static int fail(struct nx_hs *hs, struct noex_error *err)
{
    if (hs->step != FAILED)
        nx_log(hs->config.log, NOEX_LOG_DEBUG, "handshake failed awaiting %s: %s",
               steps[hs->step].what, hs->err.text);
    hs->step = FAILED;
    hs->deadline_ms = UINT64_MAX;
    return nx_fail(err, hs->err.code, "%s", hs->err.text);
}

/* What is no message that may come now: a TLS peer is worth a word of its own. */
static int refuse_bytes(struct nx_hs *hs, struct nx_span in)
{
    struct quoted q;
    enum { TLS_ALERT = 0x15, TLS_HANDSHAKE = 0x16, TLS_MAJOR = 0x03, HINT = 24 };
    if (!hs->begun && in.len >= 2 && (in.ptr[0] == TLS_ALERT || in.ptr[0] == TLS_HANDSHAKE) &&
        in.ptr[1] == TLS_MAJOR)
        return nx_fail(&hs->err, NOEX_ETLSPEER,
                       "awaiting %s, got a TLS record: the peer speaks TLS distribution",
                       steps[hs->step].what);
    return nx_fail(&hs->err, NOEX_EGARBAGE, "awaiting %s, got something else: \"%s\"",
                   steps[hs->step].what, quote(&q, nx_span(in.ptr, in.len < HINT ? in.len : HINT)));
}

static int take(struct nx_hs *hs, const struct row *row, struct nx_span msg, uint64_t now_ms)
{
    char line[64];
    snprintf(line, sizeof line, "received %s", steps[hs->step].what);
    debug(hs, line);
    hs->begun = true;
    hs->next = row->next;
    int rc = row->take(hs, msg);
    if (rc)
        return rc;
    hs->step = hs->next;
    restart_timer(hs, now_ms);
    if (hs->step == DONE)
        finish(hs);
    return 0;
}

void nx_hs_start(struct nx_hs *hs, uint64_t now_ms)
{
    if (hs->step != DONE && hs->step != FAILED)
        restart_timer(hs, now_ms);
}

static struct nx_span rest_of(struct nx_span in, size_t used)
{
    return used < in.len ? nx_span(in.ptr + used, in.len - used) : nx_span(NULL, 0);
}

int nx_hs_feed(struct nx_hs *hs, struct nx_span in, size_t *used, uint64_t now_ms,
               struct noex_error *err)
{
    *used = 0;
    while (hs->step != DONE && hs->step != FAILED) {
        struct nx_span rest = rest_of(in, *used), msg;
        int whole = nx_hs_msg_next(rest, hs->config.header, &msg);
        /* The tag alone tells: no need to wait for the rest of what can only be refused. */
        const struct row *row = whole >= 0 && msg.len ? find_row(hs->step, msg.ptr[0]) : NULL;
        if (whole == 0 && (!msg.len || row))
            return NX_HS_MORE;
        int rc = row ? take(hs, row, msg, now_ms) : refuse_bytes(hs, rest);
        if (row)
            *used += hs->config.header + msg.len;
        if (rc)
            return fail(hs, err);
    }
    return hs->step == DONE ? NX_HS_DONE : fail(hs, err);
}

int nx_hs_eof(struct nx_hs *hs, struct noex_error *err)
{
    struct quoted q;
    nx_fail(&hs->err, steps[hs->step].eof_code, "%s%s", steps[hs->step].eof_text,
            which_peer(&q, hs));
    return fail(hs, err);
}

int nx_hs_timeout(struct nx_hs *hs, uint64_t now_ms, struct noex_error *err)
{
    struct quoted q;
    if (now_ms < hs->deadline_ms || hs->step == DONE)
        return 0;
    nx_fail(&hs->err, NOEX_EHANDSHAKETIMEOUT,
            "no answer within %" PRIu64 " ms where we awaited %s%s", hs->config.step_ms,
            steps[hs->step].what, which_peer(&q, hs));
    return fail(hs, err);
}

static int check_config(const struct nx_hs_config *c, struct noex_error *err)
{
    struct nx_span self = nx_span_str(c->self_name);
    struct quoted q;
    const char *fault = asks_for_name(c) ? nx_hs_host_fault(self) : nx_hs_name_fault(self);
    if (fault)
        return nx_fail(err, NOEX_EINVALID, "our name cannot be \"%s\": %s", quote(&q, self), fault);
    if (c->role == NX_HS_ACCEPT)
        return 0;
    struct nx_span peer = nx_span_str(c->peer_name);
    fault = nx_hs_name_fault(peer);
    if (fault)
        return nx_fail(err, NOEX_EINVALID, "\"%s\" is no node's name: %s", quote(&q, peer), fault);
    return 0;
}

static int start(struct nx_hs *hs, uint64_t now_ms)
{
    const struct nx_hs_config *c = &hs->config;
    int rc = nx_buf_reserve(&hs->out, OUT_MAX);
    if (rc)
        return nx_fail(&hs->err, rc, NULL);
    keep_name(hs->self_name, nx_span_str(c->self_name));
    hs->result.self_creation = asks_for_name(c) ? 0 : c->creation;
    hs->sent_flags = asks_for_name(c) ? with_name_me(c->flags) : c->flags;
    restart_timer(hs, now_ms);
    hs->step = AWAIT_NAME;
    if (c->role == NX_HS_ACCEPT)
        return 0;
    keep_name(hs->peer_name, nx_span_str(c->peer_name));
    hs->step = AWAIT_STATUS;
    return send_name(hs);
}

struct nx_hs *nx_hs_new(const struct nx_hs_config *config, uint64_t now_ms, struct noex_error *err)
{
    if (check_config(config, err))
        return NULL;
    struct nx_hs *hs = nx_calloc(config->alloc, 1, sizeof *hs);
    if (!hs) {
        nx_fail(err, NOEX_ENOMEM, NULL);
        return NULL;
    }
    hs->config = *config;
    nx_buf_init(&hs->out, config->alloc, OUT_MAX);
    if (start(hs, now_ms)) {
        fail(hs, err);
        nx_hs_free(hs);
        return NULL;
    }
    return hs;
}

void nx_hs_free(struct nx_hs *hs)
{
    if (!hs)
        return;
    const struct noex_allocator *alloc = hs->config.alloc;
    nx_wipe(hs->out.data, hs->out.cap);
    nx_buf_free(&hs->out);
    nx_wipe(hs, sizeof *hs);
    nx_free(alloc, hs);
}

struct nx_span nx_hs_out(const struct nx_hs *hs)
{
    return nx_buf_span(&hs->out);
}

void nx_hs_sent(struct nx_hs *hs, size_t n)
{
    nx_buf_consume(&hs->out, n);
}

uint64_t nx_hs_deadline(const struct nx_hs *hs)
{
    return hs->deadline_ms;
}

const char *nx_hs_step(const struct nx_hs *hs)
{
    return steps[hs->step].what;
}

const struct nx_hs_result *nx_hs_result(const struct nx_hs *hs)
{
    return &hs->result;
}

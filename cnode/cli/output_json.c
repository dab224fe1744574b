/* SPDX-License-Identifier: Apache-2.0 */
#include "output_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SCHEMA = 1 };

/* jansson takes NULL values as errors and the caller's reference always; so a failure to allocate
 * anywhere shows as `failed`. */
struct object {
    json_t *json;
    bool failed;
};

static void put(struct object *o, const char *key, json_t *value)
{
    if (json_object_set_new(o->json, key, value))
        o->failed = true;
}

static json_t *string_value(const char *string)
{
    json_t *value = json_string(string);
    if (value)
        return value;
    struct text valid = {0};
    text_add_utf8(&valid, string);
    value = valid.failed ? NULL : json_stringn(valid.ptr, valid.len);
    text_free(&valid);
    return value;
}

static void put_string(struct object *o, const char *key, const char *string)
{
    put(o, key, string_value(string ? string : ""));
}

static void put_number(struct object *o, const char *key, uint64_t number)
{
    put(o, key, json_integer((json_int_t)number));
}

static void put_time(struct object *o, int64_t time_us)
{
    char date[32], text[48];
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc))
        date[0] = '\0';
    snprintf(text, sizeof text, "%s.%06dZ", date, (int)(time_us % 1000000));
    put_string(o, "ts", text);
}

static void put_monitored(struct object *o, const struct report *r)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, r->monitor);
    put_string(o, "monitorId", id);
    struct object ref = {.json = json_object()};
    char pid[64];
    noex_pid_text(&r->what->pid, pid, sizeof pid);
    put_string(&ref, "id", r->what->kind == NOEX_TARGET_PID ? pid : r->what->name);
    size_t name_len = strcspn(r->what->node, ":");
    put(&ref, "nodeId", json_stringn(r->what->node, name_len));
    put(o, "monitoredRef", ref.json);
    o->failed |= ref.failed;
}

static void put_reason(struct object *o, const struct report *r)
{
    struct object reason = {.json = json_object()};
    put_string(&reason, "type", r->reason);
    put_string(&reason, "message", r->message);
    put_string(&reason, "term", r->term);
    if (r->term_bytes) {
        put(&reason, "cut", json_true());
        put_number(&reason, "termBytes", r->term_bytes);
    }
    put(o, "reason", reason.json);
    o->failed |= reason.failed;
}

static void put_result(struct object *o, const struct report *r)
{
    put_string(o, "node", r->node);
    if (!r->reason) {
        put_string(o, "value", r->term);
        return;
    }
    struct object exception = {.json = json_object()};
    put_string(&exception, "class", r->reason);
    put_string(&exception, "reason", r->term);
    put_string(&exception, "message", r->message);
    if (r->stack)
        put_string(&exception, "stack", r->stack);
    put(o, "exception", exception.json);
    o->failed |= exception.failed;
}

/* The keys behind "event", in the order of the contract. */
static void put_details(struct object *o, const struct report *r)
{
    switch (r->kind) {
    case REPORT_NODE_UP:
    case REPORT_PONG:
        put_string(o, "node", r->node);
        break;
    case REPORT_NODE_DOWN:
        put_string(o, "node", r->node);
        put_string(o, "reason", r->reason);
        break;
    case REPORT_MONITOR:
        put_string(o, "target", r->target);
        put_monitored(o, r);
        break;
    case REPORT_PROCESS_DOWN:
        put_string(o, "target", r->target);
        put_monitored(o, r);
        put_string(o, "origin", r->origin == NOEX_ORIGIN_PEER ? "peer" : "local");
        put_reason(o, r);
        break;
    case REPORT_PROCESS_UP:
        put_string(o, "target", r->target);
        put_number(o, "gapMs", r->gap_ms);
        put_number(o, "downs", r->downs);
        break;
    case REPORT_RECONNECT:
        put_string(o, "node", r->node);
        put_number(o, "attempt", r->attempt);
        put_number(o, "delayMs", r->delay_ms);
        break;
    case REPORT_TICK_MISSED:
        put_string(o, "node", r->node);
        put_number(o, "missed", r->missed);
        break;
    case REPORT_ERROR:
        put_string(o, "code", r->code);
        put_string(o, "message", r->message);
        if (r->target || r->node)
            put_string(o, r->target ? "target" : "node", r->target ? r->target : r->node);
        else if (r->host)
            put_string(o, "host", r->host);
        break;
    case REPORT_NAME:
        put_string(o, "host", r->host);
        put_string(o, "name", r->name);
        put_number(o, "port", r->port);
        break;
    case REPORT_RESULT:
        put_result(o, r);
        break;
    case REPORT_VERDICT:
        break;
    }
}

static const char *event_name(enum report_kind kind)
{
    switch (kind) {
    case REPORT_NODE_UP:
    case REPORT_PONG:
        return "node_up";
    case REPORT_NODE_DOWN:
        return "node_down";
    case REPORT_MONITOR:
        return "monitor";
    case REPORT_PROCESS_DOWN:
        return "process_down";
    case REPORT_PROCESS_UP:
        return "process_up";
    case REPORT_RECONNECT:
        return "reconnect";
    case REPORT_TICK_MISSED:
        return "tick_missed";
    case REPORT_ERROR:
        return "error";
    case REPORT_NAME:
        return "name";
    case REPORT_RESULT:
        return "result";
    case REPORT_VERDICT:
        break;
    }
    return NULL;
}

static int add_bytes(const char *bytes, size_t len, void *out)
{
    text_add(out, bytes, len);
    return 0;
}

static void line(struct output *self, const struct report *r, struct text *out)
{
    const char *event = event_name(r->kind);
    if (!event)
        return;
    struct object o = {.json = json_object()};
    put_number(&o, "v", SCHEMA);
    put_number(&o, "seq", self->seq + 1);
    put_time(&o, r->time_us);
    put_string(&o, "event", event);
    put_details(&o, r);
    if (o.failed || json_dump_callback(o.json, add_bytes, out, JSON_COMPACT))
        out->failed = true;
    text_add(out, "\n", 1);
    self->seq++;
    json_decref(o.json);
}

struct output output_json(void)
{
    return (struct output){.line = line};
}

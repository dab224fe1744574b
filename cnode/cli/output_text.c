/* SPDX-License-Identifier: Apache-2.0 */
#include "output_text.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { WORD_WIDTH = 12, WIDTH_MAX = 48, PART_MAX = 2000 };

static const char red[] = "\x1b[31m", green[] = "\x1b[32m", yellow[] = "\x1b[33m",
                  plain[] = "\x1b[0m";

static void put_time(struct text *out, int64_t time_us)
{
    char text[32];
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm local;
    if (localtime_r(&seconds, &local) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local))
        text_printf(out, "%s.%03d  ", text, (int)(time_us % 1000000 / 1000));
}

static void put_word(struct output *self, struct text *out, const char *word, const char *colour)
{
    size_t len = strlen(word);
    if (self->colour && colour)
        text_puts(out, colour);
    text_puts(out, word);
    if (self->colour && colour)
        text_puts(out, plain);
    text_printf(out, "%*s", len < WORD_WIDTH ? (int)(WORD_WIDTH - len) + 2 : 2, "");
}

/* The node or target, filled up to the common width where something follows it. */
static void put_subject(struct output *self, struct text *out, const char *subject, bool more)
{
    size_t width = self->width < WIDTH_MAX ? self->width : WIDTH_MAX;
    size_t columns = text_add_shown(out, subject, PART_MAX);
    if (more)
        text_printf(out, "%*s", columns < width ? (int)(width - columns) + 2 : 2, "");
}

static void put_reason(struct text *out, const struct report *r)
{
    if (r->origin == NOEX_ORIGIN_LOCAL) {
        text_puts(out, "unknown (connection lost)");
        return;
    }
    text_puts(out, r->reason);
    if (r->message && *r->message) {
        text_puts(out, ": ");
        text_add_shown(out, r->message, PART_MAX);
    } else if (r->term && strcmp(r->term, r->reason) != 0) {
        text_puts(out, "  ");
        text_add_shown(out, r->term, PART_MAX);
    }
    if (r->term_bytes)
        text_printf(out, " (cut, %" PRIu64 " bytes)", r->term_bytes);
}

static void put_target_id(struct text *out, const struct noex_target *what)
{
    if (what->kind == NOEX_TARGET_PID) {
        char pid[64];
        noex_pid_text(&what->pid, pid, sizeof pid);
        text_puts(out, pid);
    }
}

/* The word that a line begins with, and its colour; NULL where the kind has a line of its own. */
static const char *event_word(const struct report *r, const char **colour)
{
    *colour = NULL;
    switch (r->kind) {
    case REPORT_NODE_UP:
        *colour = green;
        return "node_up";
    case REPORT_NODE_DOWN:
        *colour = red;
        return "node_down";
    case REPORT_MONITOR:
        return "monitor";
    case REPORT_PROCESS_DOWN:
        *colour = r->origin == NOEX_ORIGIN_LOCAL ? yellow : red;
        return "process_down";
    case REPORT_PROCESS_UP:
        *colour = green;
        return "process_up";
    case REPORT_RECONNECT:
        return "reconnect";
    case REPORT_TICK_MISSED:
        *colour = yellow;
        return "tick_missed";
    case REPORT_ERROR:
    case REPORT_NAME:
    case REPORT_PONG:
    case REPORT_RESULT:
    case REPORT_VERDICT:
        break;
    }
    return NULL;
}

static void put_event(struct output *self, const struct report *r, const char *word,
                      const char *colour, struct text *out)
{
    struct text tail = {0};
    if (r->kind == REPORT_NODE_DOWN) {
        text_puts(&tail, r->reason);
        if (r->message) {
            text_puts(&tail, ": ");
            text_add_shown(&tail, r->message, PART_MAX);
        }
    } else if (r->kind == REPORT_MONITOR) {
        put_target_id(&tail, r->what);
        if (r->node)
            text_printf(&tail, " on %s", r->node);
    } else if (r->kind == REPORT_PROCESS_DOWN) {
        put_reason(&tail, r);
    } else if (r->kind == REPORT_PROCESS_UP) {
        text_printf(&tail, "after %" PRIu64 " ms (downs: %" PRIu64 ")", r->gap_ms, r->downs);
    } else if (r->kind == REPORT_RECONNECT) {
        text_printf(&tail, "attempt %" PRIu32 " in %" PRIu64 " ms", r->attempt, r->delay_ms);
    } else if (r->kind == REPORT_TICK_MISSED) {
        text_printf(&tail, "missed %" PRIu32, r->missed);
    }
    put_time(out, r->time_us);
    put_word(self, out, word, colour);
    put_subject(self, out, r->target ? r->target : r->node, tail.len > 0);
    text_add(out, tail.ptr, tail.len);
    out->failed |= tail.failed;
    text_add(out, "\n", 1);
    text_free(&tail);
}

static void put_verdict(struct output *self, const struct report *r, struct text *out)
{
    bool alive = strcmp(r->reason, "alive") == 0;
    bool cause = r->message && *r->message;
    put_word(self, out, r->reason, alive ? green : red);
    put_subject(self, out, r->target, cause);
    if (cause)
        text_add_shown(out, r->message, PART_MAX);
    text_add(out, "\n", 1);
}

static void line(struct output *self, const struct report *r, struct text *out)
{
    const char *colour;
    const char *word = event_word(r, &colour);
    if (word) {
        put_event(self, r, word, colour, out);
    } else if (r->kind == REPORT_VERDICT) {
        put_verdict(self, r, out);
    } else if (r->kind == REPORT_PONG) {
        text_puts(out, "pong ");
        text_add_shown(out, r->node, PART_MAX);
        text_printf(out, " time=%.2f ms\n", (double)r->elapsed_us / 1000);
    } else if (r->kind == REPORT_NAME) {
        text_puts(out, "name ");
        text_add_shown(out, r->name, PART_MAX);
        text_printf(out, " at port %u\n", r->port);
    } else if (r->kind == REPORT_RESULT && !r->reason) {
        text_add_shown(out, r->term, SIZE_MAX);
        text_puts(out, "\n");
    }
}

struct output output_text(bool colour, size_t width)
{
    return (struct output){.line = line, .colour = colour, .width = width};
}

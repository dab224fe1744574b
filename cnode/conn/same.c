/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/same.h"

enum {
    /* In {28, Target, To, Ref}: a pid whose node is a reference to the cache comes first, the
     * words of the monitor's reference are the end. */
    TARGET = 7,
    NUMBERS = 8, /* that differ: id and serial; the first two words of three */
    TAIL = 12,   /* of both as terms */
    PAYLOAD_MAX = 2048,
    REASON_MAX = 8192
};

void nx_same_init(struct nx_same *s, const struct noex_allocator *a)
{
    *s = (struct nx_same){.control_len = 0};
    nx_buf_init(&s->payload, a, PAYLOAD_MAX);
    nx_buf_init(&s->reason, a, REASON_MAX);
}

void nx_same_free(struct nx_same *s)
{
    nx_buf_free(&s->payload);
    nx_buf_free(&s->reason);
}

/* ---- the control term ---- */

bool nx_same_control(struct nx_same *s, const struct nx_frame *f, size_t *used)
{
    const uint8_t *p = f->data.ptr;
    const size_t len = s->control_len, ref = len - TAIL;
    if (f->refs.version != s->version || !len || f->data.len <= len ||
        memcmp(p, s->control, TARGET) != 0 ||
        memcmp(p + TARGET + NUMBERS, s->control + TARGET + NUMBERS, ref - TARGET - NUMBERS) != 0 ||
        memcmp(p + ref + NUMBERS, s->control + ref + NUMBERS, TAIL - NUMBERS) != 0)
        return false;
    memcpy(s->target_numbers, p + TARGET, NUMBERS);
    memcpy(s->ref_numbers, p + ref, NUMBERS);
    *used = len;
    return true;
}

/* As every BEAM writes the DOWN of a process, by pid, that was monitored from here. */
static bool is_usual(struct nx_span control, const struct nx_ctrl *ctrl)
{
    static const uint8_t head[] = {104, 4, 97, NX_OP_PAYLOAD_MONITOR_P_EXIT, 88, 82};
    const struct nx_span ref = ctrl->arg[NX_ARG_REF];
    const size_t plain = ctrl->arg[NX_ARG_TARGET].len + ctrl->arg[NX_ARG_TO].len + ref.len;
    return control.len <= NX_SAME_CONTROL && plain <= NX_SAME_PLAIN &&
           memcmp(control.ptr, head, sizeof head) == 0 && ref.ptr[0] == 90 &&
           nx_get_u16(ref.ptr + 1) == 3;
}

/* Moves the term at `*p` on; its last numbers. */
static uint8_t *keep(struct nx_span *term, uint8_t **p)
{
    memcpy(*p, term->ptr, term->len);
    term->ptr = *p;
    *p += term->len;
    return *p - TAIL;
}

void nx_same_learn_control(struct nx_same *s, const struct nx_frame *f, size_t used,
                           const struct nx_ctrl *ctrl)
{
    const struct nx_span control = nx_span(f->data.ptr, used);
    const bool again = f->refs.version == s->seen;
    uint8_t *p = s->plain;
    s->seen = f->refs.version;
    if (!again || !is_usual(control, ctrl))
        return;
    s->ctrl = *ctrl;
    s->target_numbers = keep(&s->ctrl.arg[NX_ARG_TARGET], &p);
    s->ref_numbers = keep(&s->ctrl.arg[NX_ARG_REF], &p);
    keep(&s->ctrl.arg[NX_ARG_TO], &p);
    memcpy(s->control, control.ptr, used);
    s->control_len = used;
    s->version = f->refs.version;
}

/* ---- the payload ---- */

bool nx_same_payload(const struct nx_same *s, const struct nx_atom_refs *refs,
                     struct nx_span payload, struct nx_span *plain)
{
    const struct nx_span known = nx_buf_span(&s->payload);
    if (!refs || refs->version != s->payload_version || !known.len || payload.len != known.len ||
        memcmp(payload.ptr, known.ptr, known.len) != 0)
        return false;
    *plain = nx_buf_span(&s->reason);
    return true;
}

void nx_same_learn_payload(struct nx_same *s, const struct nx_atom_refs *refs,
                           struct nx_span payload, struct nx_span plain)
{
    if (!refs || !refs->version || refs->version != s->version)
        return;
    nx_buf_consume(&s->payload, SIZE_MAX);
    nx_buf_consume(&s->reason, SIZE_MAX);
    if (nx_buf_put_span(&s->reason, plain) == 0 && nx_buf_put_span(&s->payload, payload) == 0)
        s->payload_version = refs->version;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "term/write.h"

#include <ei.h>
#include <limits.h>
#include <math.h>

/* Libei counts in int, and nothing here may overflow one; no frame is ever that long. */
enum { LEN_MAX = INT_MAX - 16, STRING_LEN_MAX = LEN_MAX / 2 };

/* Longer than any integer of 64 bits, any float and any head of a container. */
enum { SMALL_MAX = 16 };

static char *tail(const struct nx_buf *out)
{
    return (char *)(out->data + out->end);
}

/* Appends what libei wrote into scratch space; `failed` is its result. The length is read only
 * here, after libei has set it: the arguments of a call are evaluated in no certain order. */
static int put_small(struct nx_buf *out, int failed, const char *bytes, const int *len)
{
    return failed ? NOEX_EINVALID : nx_buf_put(out, bytes, (size_t)*len);
}

int nx_write_atom(struct nx_buf *out, const char *text)
{
    return nx_atom_write(out, nx_span_str(text));
}

int nx_write_int(struct nx_buf *out, int64_t value)
{
    char bytes[SMALL_MAX];
    int len = 0;
    return put_small(out, ei_encode_longlong(bytes, &len, value), bytes, &len);
}

int nx_write_uint(struct nx_buf *out, uint64_t value)
{
    char bytes[SMALL_MAX];
    int len = 0;
    return put_small(out, ei_encode_ulonglong(bytes, &len, value), bytes, &len);
}

int nx_write_double(struct nx_buf *out, double value)
{
    char bytes[SMALL_MAX];
    int len = 0;
    /* A BEAM closes the connection for an infinity or a NaN, and libei would write them. */
    if (!isfinite(value))
        return NOEX_EINVALID;
    return put_small(out, ei_encode_double(bytes, &len, value), bytes, &len);
}

int nx_write_binary(struct nx_buf *out, struct nx_span bytes)
{
    int len = 0;
    if (bytes.len > LEN_MAX)
        return NOEX_ELIMIT;
    ei_encode_binary(NULL, &len, bytes.ptr, (long)bytes.len);
    int rc = nx_buf_reserve(out, (size_t)len);
    if (rc)
        return rc;
    len = 0;
    ei_encode_binary(tail(out), &len, bytes.ptr, (long)bytes.len);
    nx_buf_commit(out, (size_t)len);
    return 0;
}

int nx_write_string(struct nx_buf *out, struct nx_span bytes)
{
    int len = 0;
    if (bytes.len > STRING_LEN_MAX)
        return NOEX_ELIMIT;
    ei_encode_string_len(NULL, &len, (const char *)bytes.ptr, (int)bytes.len);
    int rc = nx_buf_reserve(out, (size_t)len);
    if (rc)
        return rc;
    len = 0;
    ei_encode_string_len(tail(out), &len, (const char *)bytes.ptr, (int)bytes.len);
    nx_buf_commit(out, (size_t)len);
    return 0;
}

static int put_head(struct nx_buf *out, size_t n, int (*encode)(char *, int *, int))
{
    char bytes[SMALL_MAX];
    int len = 0;
    if (n > INT_MAX)
        return NOEX_ELIMIT;
    return put_small(out, encode(bytes, &len, (int)n), bytes, &len);
}

int nx_write_tuple_head(struct nx_buf *out, size_t arity)
{
    return put_head(out, arity, ei_encode_tuple_header);
}

int nx_write_list_head(struct nx_buf *out, size_t elements)
{
    /* Libei's head of no elements is the empty list itself, which the caller writes as the tail. */
    return elements ? put_head(out, elements, ei_encode_list_header) : 0;
}

int nx_write_map_head(struct nx_buf *out, size_t pairs)
{
    return put_head(out, pairs, ei_encode_map_header);
}

int nx_write_nil(struct nx_buf *out)
{
    return put_head(out, 0, ei_encode_list_header);
}

int nx_write_raw(struct nx_buf *out, struct nx_span term)
{
    return nx_buf_put_span(out, term);
}

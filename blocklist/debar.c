/*
 * Names, messages and growing buffers: what every other file leans on.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "debar.h"


static int debar_name_index(const char *const *names, size_t n,
    const char *data, size_t len);
static void debar_buf_room(debar_buf_t *b, size_t len);


static const char *const  debar_activities[] = {
    "browse", "update", "download", "acquire", "every"
};

static const char *const  debar_actions[] = {
    "pass", "log", "reject", "block"
};

static const char *const  debar_kinds[] = {
    "none", "name", "product-name", "host", "url", "network", "asn", "country",
    "file", "sha256", "signer", "certificate-organization", "package",
    "part-number", "gtin", "uei", "cage"
};


const char *
debar_activity_name(unsigned activity)
{
    return activity <= DEBAR_EVERY ? debar_activities[activity] : "unknown";
}


const char *
debar_action_name(unsigned action)
{
    return action <= DEBAR_BLOCK ? debar_actions[action] : "unknown";
}


const char *
debar_kind_name(unsigned kind)
{
    return kind < DEBAR_KINDS ? debar_kinds[kind] : "unknown";
}


int
debar_activity_by_name(const char *data, size_t len)
{
    return debar_name_index(debar_activities, DEBAR_EVERY + 1, data, len);
}


int
debar_action_by_name(const char *data, size_t len)
{
    int  i;

    i = debar_name_index(debar_actions, DEBAR_BLOCK + 1, data, len);

    return i == DEBAR_REJECT ? -1 : i;
}


static int
debar_name_index(const char *const *names, size_t n, const char *data,
    size_t len)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], data, len) == 0) {
            return (int) i;
        }
    }

    return -1;
}


size_t
debar_utf8_len(const char *data, size_t len)
{
    size_t                i, n;
    unsigned char         lo, hi;
    const unsigned char  *p;

    p = (const unsigned char *) data;

    if (p[0] < 0x80) {
        return 1;
    }

    lo = 0x80;
    hi = 0xbf;

    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;

    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        n = 3;
        lo = (p[0] == 0xe0) ? 0xa0 : 0x80;
        hi = (p[0] == 0xed) ? 0x9f : 0xbf;

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;
        lo = (p[0] == 0xf0) ? 0x90 : 0x80;
        hi = (p[0] == 0xf4) ? 0x8f : 0xbf;

    } else {
        return 0;
    }

    if (len < n || p[1] < lo || p[1] > hi) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}


void
debar_fault(debar_fault_t *f, const char *fmt, ...)
{
    va_list  ap;

    if (f == NULL) {
        return;
    }

    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
}


void
debar_errors_add(debar_errors_t *e, const char *file, unsigned line,
    unsigned col, const char *fmt, ...)
{
    va_list         ap;
    debar_error_t  *err;

    if (e->n == DEBAR_MAX_ERRORS) {
        e->dropped++;
        return;
    }

    if (e->n == e->size) {
        e->size = e->size ? e->size * 2 : 16;
        e->list = realloc(e->list, e->size * sizeof(debar_error_t));

        if (e->list == NULL) {
            abort();
        }
    }

    err = &e->list[e->n++];

    err->line = line;
    err->col = col;
    err->file = strdup(file);

    va_start(ap, fmt);

    if (err->file == NULL || vasprintf(&err->text, fmt, ap) == -1) {
        abort();
    }

    va_end(ap);
}


void
debar_errors_free(debar_errors_t *e)
{
    size_t  i;

    for (i = 0; i < e->n; i++) {
        free(e->list[i].file);
        free(e->list[i].text);
    }

    free(e->list);
    memset(e, 0, sizeof(debar_errors_t));
}


static void
debar_buf_room(debar_buf_t *b, size_t len)
{
    size_t  size;

    if (b->size - b->len >= len) {
        return;
    }

    size = b->size ? b->size : 64;

    while (size - b->len < len) {
        if (size > SIZE_MAX / 2) {
            abort();
        }

        size *= 2;
    }

    b->data = realloc(b->data, size);
    if (b->data == NULL) {
        abort();
    }

    b->size = size;
}


void
debar_buf_add(debar_buf_t *b, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }

    debar_buf_room(b, len);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}


void
debar_buf_printf(debar_buf_t *b, const char *fmt, ...)
{
    int      n;
    va_list  ap;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);

    if (n < 0) {
        abort();
    }

    debar_buf_room(b, (size_t) n + 1);

    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t) n + 1, fmt, ap);
    va_end(ap);

    b->len += (size_t) n;
}


void
debar_buf_json(debar_buf_t *b, const char *data, size_t len)
{
    size_t         n;
    const char    *end;
    unsigned char  ch;

    end = data + len;

    debar_buf_add(b, "\"", 1);

    while (data < end) {
        ch = (unsigned char) *data;
        n = debar_utf8_len(data, (size_t) (end - data));

        if (n == 0) {
            debar_buf_add(b, "\xef\xbf\xbd", 3);
            n = 1;

        } else if (ch == '"' || ch == '\\') {
            debar_buf_add(b, "\\", 1);
            debar_buf_add(b, data, 1);

        } else if (ch == '\n') {
            debar_buf_add(b, "\\n", 2);

        } else if (ch == '\t') {
            debar_buf_add(b, "\\t", 2);

        } else if (ch < 0x20 || ch == 0x7f) {
            debar_buf_printf(b, "\\u%04x", ch);

        } else {
            debar_buf_add(b, data, n);
        }

        data += n;
    }

    debar_buf_add(b, "\"", 1);
}


void
debar_buf_free(debar_buf_t *b)
{
    free(b->data);
    memset(b, 0, sizeof(debar_buf_t));
}

/*
 * What peeling finds, as text for claims: values are "name=value", containers
 * "name{ ... }", documents and decodings inside of the first one "name[ ... ]".
 * A value's bytes that are not printable ASCII or UTF-8 are \xNN.
 */

#ifndef PEELED_H
#define PEELED_H

#include <stdlib.h>

#include "peel.h"
#include "tap.h"


typedef struct {
    char    *data;
    size_t   len;
    size_t   size;
} peeled_t;


__attribute__((unused)) static void
peeled_add(peeled_t *t, const char *data, size_t len)
{
    if (t->len + len + 1 > t->size) {
        t->size = 2 * (t->len + len + 1);
        t->data = realloc(t->data, t->size);
    }

    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
}


__attribute__((unused)) static int
peeled_event(void *data, const debar_peel_event_t *ev)
{
    char       hex[8];
    size_t     i;
    peeled_t  *t = data;

    if (ev->document && ev->depth == 0) {
        return DEBAR_OK;
    }

    if (t->len && t->data[t->len - 1] != ' ') {
        peeled_add(t, " ", 1);
    }

    if (ev->event != DEBAR_PEEL_END) {
        peeled_add(t, ev->name.data, ev->name.len);
    }

    switch (ev->event) {

    case DEBAR_PEEL_BEGIN:
        peeled_add(t, ev->document ? "[" : "{", 1);
        break;

    case DEBAR_PEEL_END:
        peeled_add(t, ev->document ? "]" : "}", 1);
        break;

    default:
        peeled_add(t, "=", 1);

        for (i = 0; i < ev->value.len; i++) {
            if ((unsigned char) ev->value.data[i] < ' ') {
                sprintf(hex, "\\x%02x", (unsigned char) ev->value.data[i]);
                peeled_add(t, hex, 4);

            } else {
                peeled_add(t, ev->value.data + i, 1);
            }
        }
    }

    return DEBAR_OK;
}


/* Pushed step bytes at a time (0: at once); the caller frees it. */

__attribute__((unused)) static char *
peeled(const char *type, const char *data, size_t len, size_t step,
    unsigned *bounds)
{
    size_t               n;
    peeled_t             t;
    debar_peel_t        *p;
    debar_peel_input_t   in;

    memset(&t, 0, sizeof(t));
    peeled_add(&t, "", 0);

    memset(&in, 0, sizeof(in));
    in.content_type = debar_str(type, strlen(type));
    in.name = debar_str("body", 4);

    p = debar_peel_new(&in, NULL, peeled_event, &t);

    if (p == NULL) {
        return t.data;
    }

    while (len) {
        n = step && step < len ? step : len;
        debar_peel_push(p, data, n);
        data += n;
        len -= n;
    }

    debar_peel_finish(p);

    if (bounds) {
        *bounds = debar_peel_bounds(p);
    }

    debar_peel_free(p);

    return t.data;
}


/* The same events over cuts of the bytes. */

__attribute__((unused)) static void
peeled_is(const char *type, const char *data, size_t len, const char *want,
    const char *claim)
{
    char      *got;
    size_t     i;

    static const size_t  steps[] = { 1, 2, 3, 7, 64 };

    got = peeled(type, data, len, 0, NULL);
    is_str(got, want, claim);

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        free(got);
        got = peeled(type, data, len, steps[i], NULL);

        if (strcmp(got, want) != 0) {
            ok(0, "%s, in pieces of %zu", claim, steps[i]);
            printf("#      got: %s\n", got);
        }
    }

    free(got);
}


/* What has to be among it. */

__attribute__((unused)) static void
peeled_has(const char *type, const char *data, size_t len, const char *want,
    const char *claim)
{
    char  *got;

    got = peeled(type, data, len, 0, NULL);

    if (!ok(strstr(got, want) != NULL, "%s", claim)) {
        printf("#   wanted: %s\n#       in: %.600s\n", want, got);
    }

    free(got);
}


#endif /* PEELED_H */

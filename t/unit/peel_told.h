/*
 * What is told of a document, as one line: "name{" a container begins, "}" it
 * ends, "name=value;" a value; a document's "{" comes after its syntax.
 */

#ifndef PEEL_TOLD_H
#define PEEL_TOLD_H

#include <stdlib.h>
#include <time.h>

#include "peel.h"
#include "tap.h"


typedef struct {
    debar_buf_t  told;
    unsigned     stop;            /* values, then it is enough; 0: never */
    unsigned     values;
    unsigned     bounds;
} peeled_t;


static int
peeled_event(void *data, const debar_peel_event_t *ev)
{
    const char  *s;
    peeled_t    *p = data;

    if (ev->event == DEBAR_PEEL_END) {
        debar_buf_add(&p->told, "}", 1);
        return DEBAR_OK;
    }

    if (ev->document && ev->syntax != DEBAR_SYNTAX_ENCODING) {
        debar_buf_add(&p->told, ev->name.data, ev->name.len);
        s = debar_syntax_name(ev->syntax);
        debar_buf_printf(&p->told, "<%s>{", s);
        return DEBAR_OK;
    }

    debar_buf_add(&p->told, ev->name.data, ev->name.len);

    if (ev->event == DEBAR_PEEL_BEGIN) {
        debar_buf_add(&p->told, "{", 1);
        return DEBAR_OK;
    }

    debar_buf_add(&p->told, "=", 1);
    debar_buf_add(&p->told, ev->value.data, ev->value.len);
    debar_buf_add(&p->told, ";", 1);

    return ++p->values == p->stop ? DEBAR_DECLINED : DEBAR_OK;
}


/* Whole, or in pieces of so many bytes, each a copy of its own. */

static void
peeled_run(peeled_t *p, const char *type, const char *data, size_t len,
    size_t piece)
{
    char                *copy;
    size_t               i, n;
    debar_peel_t        *peel;
    debar_peel_input_t   in;

    memset(&in, 0, sizeof(in));
    in.content_type = debar_str(type, strlen(type));
    peel = debar_peel_new(&in, NULL, peeled_event, p);

    for (i = 0; i < len; i += n) {
        n = (piece && piece < len - i) ? piece : len - i;
        copy = malloc(n);
        memcpy(copy, data + i, n);

        if (debar_peel_push(peel, copy, n) != DEBAR_OK) {
            len = 0;
        }

        free(copy);
    }

    (void) debar_peel_finish(peel);
    p->bounds = debar_peel_bounds(peel);
    debar_peel_free(peel);
    debar_buf_add(&p->told, "", 1);
}


/* The same whatever the pieces. */

__attribute__((unused)) static void
peeled_is(const char *type, const char *data, size_t len, const char *want,
    unsigned bounds, const char *claim)
{
    size_t    i, pieces;
    peeled_t  p, q;

    static const size_t  sizes[] = { 1, 2, 3, 7, 61, 4096, 5000 };

    memset(&p, 0, sizeof(p));
    peeled_run(&p, type, data, len, 0);

    if (want) {
        is_str(p.told.data, want, claim);
    }

    ok(p.bounds == bounds, "%s: bounds %x (%x)", claim, p.bounds, bounds);

    for (i = 0, pieces = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memset(&q, 0, sizeof(q));
        peeled_run(&q, type, data, len, sizes[i]);
        pieces += (q.bounds == p.bounds && q.told.len == p.told.len
                   && memcmp(q.told.data, p.told.data, q.told.len) == 0);
        debar_buf_free(&q.told);
    }

    ok(pieces == i, "%s: in any pieces", claim);
    debar_buf_free(&p.told);
}


#define peeled(type, text, want, bounds, claim)                               \
    peeled_is(type, text, sizeof(text) - 1, want, bounds, claim)


/* What is told has all of these, up to NULL. */

__attribute__((unused)) static void
peeled_has(const char *type, const char *data, size_t len, unsigned bounds,
    const char *claim, ...)
{
    int          has;
    va_list      ap;
    peeled_t     p;
    const char  *s;

    memset(&p, 0, sizeof(p));
    peeled_run(&p, type, data, len, 0);
    has = (p.bounds == bounds);
    va_start(ap, claim);

    while ((s = va_arg(ap, const char *)) != NULL) {
        has = has && memmem(p.told.data, p.told.len, s, strlen(s)) != NULL;
    }

    va_end(ap);

    if (!ok(has, "%s", claim)) {
        printf("#   told: %s\n# bounds: %x\n", p.told.data, p.bounds);
    }

    debar_buf_free(&p.told);
    peeled_is(type, data, len, NULL, bounds, claim);
}


#define told(type, text, bounds, claim, ...)                                  \
    peeled_has(type, text, sizeof(text) - 1, bounds, claim, __VA_ARGS__, NULL)


/* Bytes that repeat; seconds of processor time that they take. */

__attribute__((unused)) static double
peeled_long(const char *type, const char *head, const char *unit, size_t n,
    size_t piece, unsigned *bounds)
{
    size_t       i, len;
    clock_t      start;
    peeled_t     p;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));
    memset(&p, 0, sizeof(p));
    debar_buf_add(&b, head, strlen(head));
    len = strlen(unit);

    for (i = 0; i < n; i++) {
        debar_buf_add(&b, unit, len);
    }

    start = clock();
    peeled_run(&p, type, b.data, b.len, piece);
    *bounds = p.bounds;

    debar_buf_free(&b);
    debar_buf_free(&p.told);

    return (double) (clock() - start) / CLOCKS_PER_SEC;
}


#endif /* PEEL_TOLD_H */

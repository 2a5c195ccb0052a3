/*
 * Answers to orders of any bytes (libFuzzer): every line of what is read as an
 * interchange counts as listed, and the first bytes are the text of the
 * refusal.  What is answered is an interchange that can be read, with a count of
 * segments that holds, and as long as was told.
 */

#include <stdlib.h>
#include <string.h>

#include "refuse_edi.h"


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


typedef struct {
    debar_edi_order_t  order;
    unsigned           lines;
} read_t;

typedef struct {
    unsigned           syntax;
    unsigned           depth;         /* of its segments */
    unsigned           segments;      /* from ST or UNH on */
    unsigned           counted;       /* what SE or UNT says */
    unsigned           trailer;
    unsigned           ended;
} answer_t;


static int
name_is(const debar_peel_event_t *ev, const char *name)
{
    return ev->name.len == strlen(name)
           && memcmp(ev->name.data, name, ev->name.len) == 0;
}


static int
on_order(void *data, const debar_peel_event_t *ev)
{
    read_t        *r = data;
    debar_line_t   line;

    debar_edi_event(&r->order, ev);

    if (ev->event == DEBAR_PEEL_END
        && (name_is(ev, "PO1") || name_is(ev, "POC") || name_is(ev, "LIN")))
    {
        memset(&line, 0, sizeof(line));
        line.number = ++r->lines;
        debar_edi_found(&r->order, &line);
    }

    return DEBAR_OK;
}


static int
on_answer(void *data, const debar_peel_event_t *ev)
{
    size_t     i;
    answer_t  *a = data;

    if (ev->document && ev->event == DEBAR_PEEL_BEGIN && a->syntax == 0
        && ev->syntax != DEBAR_SYNTAX_ENCODING)
    {
        a->syntax = ev->syntax;
        a->depth = ev->depth + 1;
    }

    /* a text may hold an interchange of its own */

    if (ev->document || ev->depth != a->depth + (ev->event == DEBAR_PEEL_VALUE))
    {
        return DEBAR_OK;
    }

    if (ev->event == DEBAR_PEEL_BEGIN) {
        a->segments += a->segments || name_is(ev, "ST") || name_is(ev, "UNH");
        a->trailer = name_is(ev, "SE") || name_is(ev, "UNT");
        a->ended |= name_is(ev, "IEA") || name_is(ev, "UNZ");
    }

    if (ev->event == DEBAR_PEEL_VALUE && a->trailer && name_is(ev, "01")) {
        for (i = 0; i < ev->value.len; i++) {
            a->counted = a->counted * 10 + ev->value.data[i] - '0';
        }

        claim(a->counted == a->segments);
    }

    return DEBAR_OK;
}


static void
peel(const char *data, size_t len, debar_peel_pt sink, void *to)
{
    debar_peel_t        *p;
    debar_peel_input_t   in;

    memset(&in, 0, sizeof(in));
    in.name = debar_str("body", 4);

    p = debar_peel_new(&in, NULL, sink, to);
    claim(p != NULL);

    (void) debar_peel_push(p, data, len);
    (void) debar_peel_finish(p);
    debar_peel_free(p);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                 *out;
    size_t                n;
    read_t               *r;
    answer_t              a;
    debar_edi_refusal_t   rf;

    if (size < 40) {
        return 0;
    }

    r = calloc(1, sizeof(read_t));
    claim(r != NULL);

    peel((const char *) data + 32, size - 32, on_order, r);

    memset(&rf, 0, sizeof(rf));
    rf.incident = debar_str("0123456789abcdef0123456789abcdef", 32);
    rf.now = 1775121060;
    rf.ntexts = 2;
    rf.texts[0] = debar_str((const char *) data, 32);
    rf.texts[1] = debar_str((const char *) data, size < 600 ? size : 600);

    for (rf.nlines = 0; rf.nlines < r->order.nlines; rf.nlines++) {
        rf.lines[rf.nlines] = r->order.lines[rf.nlines].number;
    }

    n = debar_edi_refuse(&r->order, &rf, NULL, 0);

    if (n) {
        out = malloc(n);
        claim(out != NULL);
        claim(debar_edi_refuse(&r->order, &rf, out, n) == n);

        memset(&a, 0, sizeof(a));
        peel(out, n, on_answer, &a);

        claim(a.syntax == r->order.syntax);
        claim(a.ended && a.counted);
        free(out);
    }

    free(r);

    return 0;
}

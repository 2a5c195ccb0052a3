/*
 * What an order by EDI says of itself, kept while it is peeled: see
 * refuse_edi.h.
 */

#include <string.h>

#include "refuse_edi_private.h"


/* --- one segment ---------------------------------------------------------- */

/* "03" or "03.2" */

static int
debar_edi_position(debar_str_t name, unsigned *element, unsigned *sub)
{
    size_t     i;
    unsigned  *n;

    *element = 0;
    *sub = 0;
    n = element;

    for (i = 0; i < name.len; i++) {

        if (name.data[i] == '.' && n == element) {
            n = sub;
            continue;
        }

        if (name.data[i] < '0' || name.data[i] > '9' || *n > 20) {
            return DEBAR_DECLINED;
        }

        *n = *n * 10 + name.data[i] - '0';
    }

    return *element ? DEBAR_OK : DEBAR_DECLINED;
}


static void
debar_edi_keep(debar_edi_segment_t *s, unsigned element, unsigned sub,
    debar_str_t value)
{
    size_t    i, need;
    unsigned  from;

    /* of repetitions the first */

    if (s->cut || element < s->element
        || (element == s->element && sub <= s->sub))
    {
        return;
    }

    from = s->element ? s->element : 1;
    need = element - from + value.len
           + (element == from && s->element ? sub - s->sub : sub - 1);

    if (s->len + need > DEBAR_EDI_KEPT) {
        s->cut = 1;
        return;
    }

    if (s->element == 0) {
        s->element = 1;
        s->sub = 1;
    }

    for ( /* void */ ; s->element < element; s->element++) {
        s->data[s->len++] = DEBAR_EDI_ELEMENT;
        s->sub = 1;
    }

    for ( /* void */ ; s->sub < sub; s->sub++) {
        s->data[s->len++] = DEBAR_EDI_COMPONENT;
    }

    for (i = 0; i < value.len; i++) {
        s->data[s->len++] = (unsigned char) value.data[i] < ' '
                            ? ' ' : value.data[i];
    }
}


debar_str_t
debar_edi_value_of(const debar_edi_segment_t *s, unsigned element,
    unsigned sub)
{
    size_t       i, from;
    unsigned     e, c;
    debar_str_t  none = { "", 0 };

    for (i = 0, from = 0, e = 1, c = 1; i <= s->len; i++) {

        if (i < s->len && s->data[i] != DEBAR_EDI_ELEMENT
            && s->data[i] != DEBAR_EDI_COMPONENT)
        {
            continue;
        }

        if (e == element && c == sub) {
            return debar_str(s->data + from, i - from);
        }

        if (i < s->len && s->data[i] == DEBAR_EDI_ELEMENT) {
            e++;
            c = 1;

        } else {
            c++;
        }

        from = i + 1;
    }

    return none;
}


/* --- events --------------------------------------------------------------- */

static inline int
debar_edi_is(debar_str_t s, const char *what)
{
    return s.len == strlen(what) && memcmp(s.data, what, s.len) == 0;
}


static inline int
debar_edi_tag(const debar_edi_order_t *o, const char *tag)
{
    return strcmp(o->tag, tag) == 0;
}


static void
debar_edi_message(debar_edi_order_t *o)
{
    unsigned  i;

    for (i = DEBAR_EDI_MESSAGE; i < DEBAR_EDI_HEADS; i++) {
        memset(&o->now.segments[i], 0, sizeof(debar_edi_segment_t));
    }

    memset(&o->line, 0, sizeof(debar_edi_line_t));

    o->now.segments[DEBAR_EDI_MESSAGE] = o->segment;
    o->messages++;
}


static void
debar_edi_head(debar_edi_order_t *o, unsigned head)
{
    if (o->now.segments[head].element == 0) {
        o->now.segments[head] = o->segment;
    }
}


static void
debar_edi_x12_segment(debar_edi_order_t *o, const debar_peel_marks_t *marks)
{
    if (debar_edi_tag(o, "ISA")) {
        memset(&o->now, 0, sizeof(debar_edi_message_t));
        o->now.marks = *marks;
        o->now.segments[DEBAR_EDI_INTERCHANGE] = o->segment;

    } else if (debar_edi_tag(o, "GS")) {
        o->now.segments[DEBAR_EDI_GROUP] = o->segment;

    } else if (debar_edi_tag(o, "ST")) {
        debar_edi_message(o);

    } else if (debar_edi_tag(o, "BEG") || debar_edi_tag(o, "BCH")) {
        debar_edi_head(o, DEBAR_EDI_BEGINNING);

    } else if (debar_edi_tag(o, "PO1") || debar_edi_tag(o, "POC")) {
        o->line.item = o->segment;
    }
}


static void
debar_edi_edifact_segment(debar_edi_order_t *o,
    const debar_peel_marks_t *marks)
{
    debar_str_t  first;

    first = debar_edi_value_of(&o->segment, 1, 1);

    if (debar_edi_tag(o, "UNB")) {
        memset(&o->now, 0, sizeof(debar_edi_message_t));
        o->now.marks = *marks;
        o->now.segments[DEBAR_EDI_INTERCHANGE] = o->segment;

    } else if (debar_edi_tag(o, "UNH")) {
        debar_edi_message(o);

    } else if (debar_edi_tag(o, "BGM")) {
        debar_edi_head(o, DEBAR_EDI_BEGINNING);

    } else if (debar_edi_tag(o, "RFF") && debar_edi_is(first, "ON")) {
        debar_edi_head(o, DEBAR_EDI_ORDER);

    } else if (debar_edi_tag(o, "NAD") && debar_edi_is(first, "BY")) {
        debar_edi_head(o, DEBAR_EDI_BUYER);

    } else if (debar_edi_tag(o, "NAD") && debar_edi_is(first, "SU")) {
        debar_edi_head(o, DEBAR_EDI_SUPPLIER);

    } else if (debar_edi_tag(o, "LIN")) {
        memset(&o->line, 0, sizeof(debar_edi_line_t));
        o->line.item = o->segment;

    } else if (debar_edi_tag(o, "PIA") && o->line.ident.element == 0) {
        o->line.ident = o->segment;

    } else if (debar_edi_tag(o, "QTY") && o->line.quantity.element == 0) {
        o->line.quantity = o->segment;
    }
}


/* What stands in a value of it is no segment of the order. */

static void
debar_edi_begin(debar_edi_order_t *o, const debar_peel_event_t *ev)
{
    size_t  i;

    if (ev->document) {
        if (o->syntax == 0) {
            o->syntax = ev->syntax;
            o->depth = ev->depth + 1;
        }

        return;
    }

    if (ev->depth != o->depth || ev->syntax != o->syntax) {
        return;
    }

    memset(&o->segment, 0, sizeof(debar_edi_segment_t));
    memset(o->tag, 0, sizeof(o->tag));

    for (i = 0; ev->name.len < sizeof(o->tag) && i < ev->name.len; i++) {
        o->tag[i] = ev->name.data[i];
    }
}


void
debar_edi_event(debar_edi_order_t *o, const debar_peel_event_t *ev)
{
    unsigned  element, sub;

    if (ev->syntax != DEBAR_SYNTAX_X12 && ev->syntax != DEBAR_SYNTAX_EDIFACT) {
        return;
    }

    switch (ev->event) {

    case DEBAR_PEEL_BEGIN:
        debar_edi_begin(o, ev);
        break;

    case DEBAR_PEEL_VALUE:

        if (ev->depth != o->depth + 1 || ev->syntax != o->syntax
            || debar_edi_position(ev->name, &element, &sub) != DEBAR_OK)
        {
            break;
        }

        /* X12 tells what has components as a whole, too */

        if (sub == 0 || o->syntax == DEBAR_SYNTAX_EDIFACT) {
            debar_edi_keep(&o->segment, element, sub ? sub : 1, ev->value);
        }

        break;

    default:

        if (ev->document || ev->depth != o->depth
            || ev->syntax != o->syntax)
        {
            break;
        }

        if (o->syntax == DEBAR_SYNTAX_X12) {
            debar_edi_x12_segment(o, ev->marks);

        } else {
            debar_edi_edifact_segment(o, ev->marks);
        }
    }
}


/* A line is whole when the next one begins: it is still the one that is kept. */

void
debar_edi_found(debar_edi_order_t *o, const debar_line_t *line)
{
    unsigned           i;
    debar_edi_line_t  *l;

    if (line->number == 0 || o->syntax == 0 || o->nlines == DEBAR_EDI_LINES) {
        return;
    }

    for (i = 0; i < o->nfound && o->which[i] != o->messages; i++) {
        /* void */
    }

    if (i == DEBAR_EDI_MESSAGES) {
        return;
    }

    if (i == o->nfound) {
        o->found[i] = o->now;
        o->which[i] = o->messages;
        o->nfound++;
    }

    l = &o->lines[o->nlines];

    if (o->nlines != 0 && l[-1].message == i && l[-1].number == line->number) {
        l--;

    } else {
        o->nlines++;
    }

    *l = o->line;
    l->number = line->number;
    l->message = i;
}

/*
 * Answers to orders by EDI: see refuse_edi.h.
 *
 * X12 has no release character: a separator in a text becomes a blank.  What is
 * not of the buyer's character set is transliterated.
 */

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <unicode/ucnv.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>
#include <unicode/utrans.h>

#include "peel_node.h"
#include "refuse_edi_private.h"


#define DEBAR_EDI_TOLD    2048    /* bytes of a text in their characters */
#define DEBAR_EDI_MSG      264    /* of MSG01 */
#define DEBAR_EDI_FTX       70    /* of a component of FTX (D.96A) */

typedef enum {
    DEBAR_EDI_UPPER = 0,          /* UNOA */
    DEBAR_EDI_ASCII,              /* UNOB, X12 */
    DEBAR_EDI_CHARSET,
    DEBAR_EDI_UTF8
} debar_edi_repertoire_e;

typedef struct {
    char                 *out;
    size_t                size;
    size_t                n;      /* bytes that were made; may be past size */
    debar_peel_marks_t    marks;
    unsigned              edifact;
    unsigned              repertoire;
    unsigned              elements;     /* marks that wait for a value */
    unsigned              components;
    unsigned              segments;
    UConverter           *charset;
    UTransliterator      *latin;        /* NULL: not needed so far */
    char                  told[DEBAR_EDI_TOLD];
} debar_edi_writer_t;

typedef struct {
    char                  date[9];      /* CCYYMMDD */
    char                  time[5];      /* HHMM */
    char                  control[10];  /* nine digits */
} debar_edi_stamp_t;


/* --- bytes ---------------------------------------------------------------- */

static void
debar_edi_byte(debar_edi_writer_t *w, char c)
{
    if (w->n < w->size) {
        w->out[w->n] = c;
    }

    w->n++;
}


static int
debar_edi_is_mark(const debar_edi_writer_t *w, char c)
{
    const debar_peel_marks_t  *m = &w->marks;

    return c == m->element || c == m->terminator
           || (m->component && c == m->component)
           || (m->repetition && c == m->repetition)
           || (m->release && c == m->release);
}


static void
debar_edi_begin(debar_edi_writer_t *w, const char *tag)
{
    while (*tag) {
        debar_edi_byte(w, *tag++);
    }

    w->elements = 0;
    w->components = 0;
    w->segments++;
}


/* Marks are written before a value: those behind the last one are left out. */

static inline void
debar_edi_next(debar_edi_writer_t *w)
{
    w->elements++;
    w->components = 0;
}


static inline void
debar_edi_part(debar_edi_writer_t *w)
{
    w->components++;
}


static void
debar_edi_marks(debar_edi_writer_t *w)
{
    for ( /* void */ ; w->elements; w->elements--) {
        debar_edi_byte(w, w->marks.element);
    }

    for ( /* void */ ; w->components; w->components--) {
        debar_edi_byte(w, w->marks.component);
    }
}


static void
debar_edi_end(debar_edi_writer_t *w)
{
    w->elements = 0;
    w->components = 0;
    debar_edi_byte(w, w->marks.terminator);
}


/* What is in the buyer's characters already. */

static void
debar_edi_raw(debar_edi_writer_t *w, const char *data, size_t len)
{
    size_t  i;

    if (len) {
        debar_edi_marks(w);
    }

    for (i = 0; i < len; i++) {

        if (!debar_edi_is_mark(w, data[i])) {
            debar_edi_byte(w, data[i]);

        } else if (w->marks.release) {
            debar_edi_byte(w, w->marks.release);
            debar_edi_byte(w, data[i]);

        } else {
            debar_edi_byte(w, ' ');
        }
    }
}


static void
debar_edi_word(debar_edi_writer_t *w, const char *s)
{
    debar_edi_raw(w, s, strlen(s));
}


/* --- characters ----------------------------------------------------------- */

static size_t
debar_edi_ascii(const debar_edi_writer_t *w, char *to, unsigned char c)
{
    if (c < ' ' || c == 0x7f) {
        c = ' ';
    }

    if (w->edifact && w->repertoire <= DEBAR_EDI_ASCII
        && (c == '@' || strchr("_~#$^`[]{}|\\", c)))
    {
        if (c == '@') {
            memcpy(to, w->repertoire == DEBAR_EDI_UPPER ? "(AT)" : "(at)", 4);
            return 4;
        }

        c = strchr("_~", c) ? '-' : ' ';
    }

    if (w->edifact && w->repertoire == DEBAR_EDI_UPPER && c >= 'a' && c <= 'z') {
        c -= 'a' - 'A';
    }

    *to = c;

    return 1;
}


/* At most eight bytes for what one character reads as in ASCII. */

static size_t
debar_edi_latin(debar_edi_writer_t *w, char *to, UChar32 c)
{
    UChar       text[16];
    size_t      n;
    int32_t     i, len, limit;
    UErrorCode  status;

    static const UChar  id[] = u"Any-Latin; Latin-ASCII";

    status = U_ZERO_ERROR;

    if (w->latin == NULL) {
        w->latin = utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, NULL, &status);
    }

    len = 0;
    U16_APPEND_UNSAFE(text, len, c);
    limit = len;

    if (U_SUCCESS(status)) {
        utrans_transUChars(w->latin, text, &len, 16, 0, &limit, &status);
    }

    if (U_FAILURE(status)) {
        len = 0;
    }

    for (i = 0, n = 0; i < len && n < 8; i++) {
        if (text[i] < 0x80) {
            n += debar_edi_ascii(w, to + n, text[i]);
        }
    }

    return n ? n : debar_edi_ascii(w, to, '?');
}


static size_t
debar_edi_encode(debar_edi_writer_t *w, char *to, UChar32 c, const char *from,
    size_t len)
{
    UChar        text[2];
    int32_t      n, units;
    UErrorCode   status;
    const UChar *p;
    char        *t;

    if (w->repertoire == DEBAR_EDI_UTF8) {
        memcpy(to, from, len);
        return len;
    }

    if (w->repertoire == DEBAR_EDI_CHARSET) {
        status = U_ZERO_ERROR;
        units = 0;
        U16_APPEND_UNSAFE(text, units, c);
        p = text;
        t = to;

        ucnv_reset(w->charset);
        ucnv_fromUnicode(w->charset, &t, to + 8, &p, text + units, NULL, 1,
                         &status);
        n = t - to;

        if (U_SUCCESS(status) && n > 0) {
            return n;
        }
    }

    return debar_edi_latin(w, to, c);
}


/* In the buyer's characters, in w->told: its length. */

static size_t
debar_edi_tell(debar_edi_writer_t *w, debar_str_t s)
{
    size_t   n;
    int32_t  i, from, len;
    UChar32  c;

    len = s.len < DEBAR_EDI_TOLD ? (int32_t) s.len : DEBAR_EDI_TOLD;

    for (i = 0, n = 0; i < len && n + 16 < sizeof(w->told); /* void */) {
        from = i;
        U8_NEXT(s.data, i, len, c);

        if (c < 0) {
            n += debar_edi_ascii(w, w->told + n, '?');

        } else if (c < 0x80) {
            n += debar_edi_ascii(w, w->told + n, c);

        } else if (c < 0xa0) {
            w->told[n++] = ' ';

        } else {
            n += debar_edi_encode(w, w->told + n, c, s.data + from, i - from);
        }
    }

    return n;
}


static void
debar_edi_text(debar_edi_writer_t *w, debar_str_t s)
{
    debar_edi_raw(w, w->told, debar_edi_tell(w, s));
}


/* Where a piece of at most max bytes ends: at a blank, where there is one, and
 * never in a character. */

static size_t
debar_edi_piece(const debar_edi_writer_t *w, const char *s, size_t len,
    size_t max)
{
    size_t  i, step, blank;

    if (len <= max) {
        return len;
    }

    for (i = 0, blank = 0; i < len; i += step) {
        step = 1;

        if ((s[i] & 0x80) && w->repertoire == DEBAR_EDI_UTF8) {
            while (i + step < len && (s[i + step] & 0xc0) == 0x80) {
                step++;
            }

        } else if ((s[i] & 0x80) && w->repertoire == DEBAR_EDI_CHARSET
                   && ucnv_getMaxCharSize(w->charset) > 1)
        {
            step = 2;
        }

        if (i + step > max) {
            break;
        }

        if (s[i] == ' ') {
            blank = i + 1;
        }
    }

    return blank > max / 2 ? blank : i;
}


/* --- both ----------------------------------------------------------------- */

static void
debar_edi_stamp(debar_edi_stamp_t *s, const debar_edi_refusal_t *rf)
{
    char       c;
    size_t     i;
    unsigned   digit;
    uint64_t   n;
    struct tm  tm;

    gmtime_r(&rf->now, &tm);
    (void) strftime(s->date, sizeof(s->date), "%Y%m%d", &tm);
    (void) strftime(s->time, sizeof(s->time), "%H%M", &tm);

    for (i = 0, n = 0; i < rf->incident.len; i++) {
        c = rf->incident.data[i] | 0x20;
        digit = c >= 'a' && c <= 'f' ? c - 'a' + 10 : c & 0x0f;
        n = (n * 16 + digit) % 1000000000;
    }

    snprintf(s->control, sizeof(s->control), "%09u",
             n ? (unsigned) n : 1);
}


static void
debar_edi_number(debar_edi_writer_t *w, unsigned n)
{
    char  digits[16];

    snprintf(digits, sizeof(digits), "%u", n);
    debar_edi_word(w, digits);
}


/* An element with its components as it came. */

static void
debar_edi_echo(debar_edi_writer_t *w, const debar_edi_segment_t *s,
    unsigned element, unsigned subs)
{
    unsigned     sub;
    debar_str_t  v;

    debar_edi_next(w);

    for (sub = 1; sub <= subs; sub++) {
        v = debar_edi_value_of(s, element, sub);

        if (sub > 1) {
            debar_edi_part(w);
        }

        debar_edi_text(w, v);
    }
}


/* The line that a refusal names, in the message that it is about. */

static const debar_edi_line_t *
debar_edi_line(const debar_edi_order_t *o, unsigned message, unsigned number)
{
    unsigned  i;

    for (i = 0; i < o->nlines; i++) {
        if (o->lines[i].number == number
            && (message == DEBAR_NONE || o->lines[i].message == message))
        {
            return &o->lines[i];
        }
    }

    return NULL;
}


/* --- X12 ------------------------------------------------------------------ */

/* N9 and MSG, ASC X12 004010: letters or notes. */

static void
debar_x12_texts(debar_edi_writer_t *w, const debar_edi_refusal_t *rf)
{
    size_t    len, n, from;
    unsigned  i;

    debar_edi_begin(w, "N9");
    debar_edi_next(w);
    debar_edi_word(w, "L1");
    debar_edi_next(w);
    debar_edi_word(w, "REFUSAL");
    debar_edi_end(w);

    for (i = 0; i < rf->ntexts; i++) {
        len = debar_edi_tell(w, rf->texts[i]);

        for (from = 0; from < len; from += n) {
            n = debar_edi_piece(w, w->told + from, len - from, DEBAR_EDI_MSG);

            debar_edi_begin(w, "MSG");
            debar_edi_next(w);
            debar_edi_raw(w, w->told + from, n);
            debar_edi_end(w);
        }
    }
}


/* An identifier of the header, in its fixed width. */

static void
debar_x12_fixed(debar_edi_writer_t *w, debar_str_t s, size_t width)
{
    size_t  i, n;

    debar_edi_next(w);
    n = debar_edi_tell(w, s);

    if (n > width) {
        n = width;
    }

    debar_edi_raw(w, w->told, n);

    if (n == 0) {
        debar_edi_marks(w);
    }

    for (i = n; i < width; i++) {
        debar_edi_byte(w, ' ');
    }
}


static void
debar_x12_header(debar_edi_writer_t *w, const debar_edi_message_t *m,
    const debar_edi_stamp_t *s, unsigned change)
{
    const debar_edi_segment_t  *isa, *gs;

    isa = &m->segments[DEBAR_EDI_INTERCHANGE];
    gs = &m->segments[DEBAR_EDI_GROUP];

    debar_edi_begin(w, "ISA");
    debar_x12_fixed(w, debar_str("00", 2), 2);
    debar_x12_fixed(w, debar_str("", 0), 10);
    debar_x12_fixed(w, debar_str("00", 2), 2);
    debar_x12_fixed(w, debar_str("", 0), 10);
    debar_x12_fixed(w, debar_edi_value_of(isa, 7, 1), 2);
    debar_x12_fixed(w, debar_edi_value_of(isa, 8, 1), 15);
    debar_x12_fixed(w, debar_edi_value_of(isa, 5, 1), 2);
    debar_x12_fixed(w, debar_edi_value_of(isa, 6, 1), 15);
    debar_x12_fixed(w, debar_str(s->date + 2, 6), 6);
    debar_x12_fixed(w, debar_str(s->time, 4), 4);

    /* marks are not released in it */

    debar_edi_next(w);
    debar_edi_marks(w);
    debar_edi_byte(w, m->marks.repetition ? m->marks.repetition : 'U');

    debar_x12_fixed(w, debar_edi_value_of(isa, 12, 1), 5);
    debar_x12_fixed(w, debar_str(s->control, 9), 9);
    debar_x12_fixed(w, debar_str("0", 1), 1);
    debar_x12_fixed(w, debar_edi_value_of(isa, 15, 1), 1);

    debar_edi_next(w);
    debar_edi_marks(w);
    debar_edi_byte(w, w->marks.component);
    debar_edi_end(w);

    debar_edi_begin(w, "GS");
    debar_edi_next(w);
    debar_edi_word(w, change ? "CA" : "PR");
    debar_edi_echo(w, gs, 3, 1);
    debar_edi_echo(w, gs, 2, 1);
    debar_edi_next(w);
    debar_edi_word(w, debar_edi_value_of(gs, 4, 1).len == 6 ? s->date + 2
                                                           : s->date);
    debar_edi_next(w);
    debar_edi_word(w, s->time);
    debar_edi_next(w);
    debar_edi_word(w, s->control + strspn(s->control, "0"));
    debar_edi_echo(w, gs, 7, 1);
    debar_edi_echo(w, gs, 8, 1);
    debar_edi_end(w);
}


/* BAK of an 855, BCA of an 865: rejected, with detail where a line is told. */

static void
debar_x12_beginning(debar_edi_writer_t *w, const debar_edi_message_t *m,
    const debar_edi_stamp_t *s, unsigned change, unsigned detail)
{
    const char                 *date;
    unsigned                    i;
    debar_str_t                 ordered;
    const debar_edi_segment_t  *from;

    from = &m->segments[DEBAR_EDI_BEGINNING];
    ordered = debar_edi_value_of(from, change ? 6 : 5, 1);
    date = debar_edi_value_of(&m->segments[DEBAR_EDI_GROUP], 4, 1).len == 6
           ? s->date + 2 : s->date;

    debar_edi_begin(w, change ? "BCA" : "BAK");
    debar_edi_next(w);
    debar_edi_word(w, "00");
    debar_edi_next(w);
    debar_edi_word(w, detail ? "RD" : "RJ");
    debar_edi_echo(w, from, 3, 1);

    if (change) {
        debar_edi_echo(w, from, 4, 1);
        debar_edi_echo(w, from, 5, 1);
    }

    debar_edi_next(w);

    if (ordered.len) {
        debar_edi_text(w, ordered);
    } else {
        debar_edi_word(w, date);
    }

    if (!change) {
        debar_edi_echo(w, from, 4, 1);
    }

    for (i = 0; i < 4; i++) {
        debar_edi_next(w);
    }

    /* the day of this answer: BAK09, BCA10 */

    debar_edi_word(w, date);
    debar_edi_end(w);
}


static void
debar_x12_line(debar_edi_writer_t *w, const debar_edi_line_t *l,
    const debar_edi_refusal_t *rf, unsigned change)
{
    char                        component;
    unsigned                    i, last, ids, unit;
    debar_str_t                 quantity;
    const debar_edi_segment_t  *s = &l->item;

    /* of what was cut off no half of a pair */

    ids = change ? 7 : 5;
    last = s->element;

    if (s->cut && last > ids && (last - ids) % 2) {
        last--;
    }

    debar_edi_begin(w, change ? "POC" : "PO1");

    component = w->marks.component;
    w->marks.component = 0;

    for (i = 1; i <= last; i++) {
        debar_edi_echo(w, s, i, 1);
    }

    w->marks.component = component;
    debar_edi_end(w);

    debar_edi_begin(w, "ACK");
    debar_edi_next(w);
    debar_edi_word(w, "IR");

    quantity = debar_edi_value_of(s, change ? 3 : 2, 1);
    unit = change ? 5 : 3;

    if (quantity.len && debar_edi_value_of(s, unit, 1).len) {
        debar_edi_echo(w, s, change ? 3 : 2, 1);
        debar_edi_echo(w, s, unit, 1);
    }

    debar_edi_end(w);
    debar_x12_texts(w, rf);
}


static void
debar_x12_refuse(debar_edi_writer_t *w, const debar_edi_order_t *o,
    const debar_edi_message_t *m, unsigned message,
    const debar_edi_refusal_t *rf)
{
    unsigned                 i, change, lines, from;
    debar_edi_stamp_t        s;
    const debar_edi_line_t  *l;

    debar_edi_stamp(&s, rf);
    change = debar_edi_value_of(&m->segments[DEBAR_EDI_MESSAGE], 1, 1)
             .data[0] == '8'
             && debar_edi_value_of(&m->segments[DEBAR_EDI_MESSAGE], 1, 1)
                .data[1] == '6';

    debar_x12_header(w, m, &s, change);

    from = w->segments;
    debar_edi_begin(w, "ST");
    debar_edi_next(w);
    debar_edi_word(w, change ? "865" : "855");
    debar_edi_next(w);
    debar_edi_word(w, "0001");
    debar_edi_end(w);

    debar_x12_beginning(w, m, &s, change, rf->nlines != 0);
    debar_x12_texts(w, rf);

    for (i = 0, lines = 0; i < rf->nlines; i++) {
        l = debar_edi_line(o, message, rf->lines[i]);

        if (l != NULL && l->item.element != 0) {
            debar_x12_line(w, l, rf, change);
            lines++;
        }
    }

    debar_edi_begin(w, "CTT");
    debar_edi_next(w);
    debar_edi_number(w, lines);
    debar_edi_end(w);

    debar_edi_begin(w, "SE");
    debar_edi_next(w);
    debar_edi_number(w, w->segments - from);
    debar_edi_next(w);
    debar_edi_word(w, "0001");
    debar_edi_end(w);

    debar_edi_begin(w, "GE");
    debar_edi_next(w);
    debar_edi_word(w, "1");
    debar_edi_next(w);
    debar_edi_word(w, s.control + strspn(s.control, "0"));
    debar_edi_end(w);

    debar_edi_begin(w, "IEA");
    debar_edi_next(w);
    debar_edi_word(w, "1");
    debar_edi_next(w);
    debar_edi_word(w, s.control);
    debar_edi_end(w);
}


/* --- EDIFACT -------------------------------------------------------------- */

static void
debar_edifact_texts(debar_edi_writer_t *w, const debar_edi_refusal_t *rf)
{
    size_t    len, n, from;
    unsigned  i, k;

    for (i = 0; i < rf->ntexts; i++) {
        len = debar_edi_tell(w, rf->texts[i]);

        for (from = 0, k = 0; from < len; from += n, k++) {
            n = debar_edi_piece(w, w->told + from, len - from, DEBAR_EDI_FTX);

            /* five in a segment */

            if (k % 5 == 0) {
                if (k) {
                    debar_edi_end(w);
                }

                debar_edi_begin(w, "FTX");
                debar_edi_next(w);
                debar_edi_word(w, "AAO");
                debar_edi_next(w);
                debar_edi_next(w);
                debar_edi_next(w);

            } else {
                debar_edi_part(w);
            }

            debar_edi_raw(w, w->told + from, n);
        }

        if (k) {
            debar_edi_end(w);
        }
    }
}


/* GS1's own number of the message, by that of the order (EANCOM 1997, 2002);
 * none is told where theirs is another's. */

static void
debar_edifact_association(debar_edi_writer_t *w, const debar_edi_segment_t *unh)
{
    debar_str_t  release, code;

    release = debar_edi_value_of(unh, 2, 3);
    code = debar_edi_value_of(unh, 2, 5);

    if (code.len < 3 || memcmp(code.data, "EAN", 3) != 0 || release.len != 3) {
        return;
    }

    debar_edi_part(w);

    if (memcmp(release.data, "96A", 3) == 0) {
        debar_edi_word(w, "EAN005");

    } else if (memcmp(release.data, "01B", 3) == 0) {
        debar_edi_word(w, "EAN009");
    }
}


static void
debar_edifact_header(debar_edi_writer_t *w, const debar_edi_message_t *m,
    const debar_edi_refusal_t *rf, const debar_edi_stamp_t *s)
{
    unsigned                    i;
    debar_str_t                 date;
    const debar_edi_segment_t  *unb, *unh;

    unb = &m->segments[DEBAR_EDI_INTERCHANGE];
    unh = &m->segments[DEBAR_EDI_MESSAGE];

    if (m->marks.decimal) {
        debar_edi_begin(w, "UNA");
        debar_edi_byte(w, m->marks.component);
        debar_edi_byte(w, m->marks.element);
        debar_edi_byte(w, m->marks.decimal);
        debar_edi_byte(w, m->marks.release ? m->marks.release : ' ');
        debar_edi_byte(w, m->marks.repetition ? m->marks.repetition : ' ');
        debar_edi_byte(w, m->marks.terminator);
    }

    debar_edi_begin(w, "UNB");
    debar_edi_echo(w, unb, 1, 4);
    debar_edi_echo(w, unb, 3, 4);
    debar_edi_echo(w, unb, 2, 4);
    debar_edi_next(w);

    date = debar_edi_value_of(unb, 4, 1);
    debar_edi_word(w, date.len == 8 ? s->date : s->date + 2);
    debar_edi_part(w);
    debar_edi_word(w, s->time);
    debar_edi_next(w);
    debar_edi_word(w, s->control);

    for (i = 6; i < 11; i++) {
        debar_edi_next(w);
    }

    debar_edi_echo(w, unb, 11, 1);
    debar_edi_end(w);

    w->segments = 0;
    debar_edi_begin(w, "UNH");
    debar_edi_next(w);
    debar_edi_word(w, "1");
    debar_edi_next(w);
    debar_edi_word(w, "ORDRSP");

    for (i = 2; i <= 4; i++) {
        debar_edi_part(w);
        debar_edi_text(w, debar_edi_value_of(unh, 2, i));
    }

    debar_edifact_association(w, unh);
    debar_edi_end(w);

    /* order response; not accepted */

    debar_edi_begin(w, "BGM");
    debar_edi_next(w);
    debar_edi_word(w, "231");
    debar_edi_next(w);
    debar_edi_text(w, rf->incident);
    debar_edi_next(w);
    debar_edi_word(w, "27");
    debar_edi_end(w);

    debar_edi_begin(w, "DTM");
    debar_edi_next(w);
    debar_edi_word(w, "137");
    debar_edi_part(w);
    debar_edi_word(w, s->date);
    debar_edi_word(w, s->time);
    debar_edi_part(w);
    debar_edi_word(w, "203");
    debar_edi_end(w);
}


static void
debar_edifact_reference(debar_edi_writer_t *w, const char *code, debar_str_t v)
{
    if (v.len) {
        debar_edi_begin(w, "RFF");
        debar_edi_next(w);
        debar_edi_word(w, code);
        debar_edi_part(w);
        debar_edi_text(w, v);
        debar_edi_end(w);
    }
}


static void
debar_edifact_party(debar_edi_writer_t *w, const debar_edi_segment_t *nad)
{
    if (debar_edi_value_of(nad, 2, 1).len) {
        debar_edi_begin(w, "NAD");
        debar_edi_echo(w, nad, 1, 1);
        debar_edi_echo(w, nad, 2, 3);
        debar_edi_end(w);
    }
}


static void
debar_edifact_line(debar_edi_writer_t *w, const debar_edi_line_t *l,
    const debar_edi_refusal_t *rf)
{
    unsigned  i;

    debar_edi_begin(w, "LIN");
    debar_edi_next(w);

    if (debar_edi_value_of(&l->item, 1, 1).len) {
        debar_edi_text(w, debar_edi_value_of(&l->item, 1, 1));
    } else {
        debar_edi_number(w, l->number);
    }

    debar_edi_next(w);
    debar_edi_word(w, "7");
    debar_edi_echo(w, &l->item, 3, 4);
    debar_edi_end(w);

    if (l->ident.element > 1) {
        debar_edi_begin(w, "PIA");

        for (i = 1; i <= l->ident.element && i <= 6; i++) {
            debar_edi_echo(w, &l->ident, i, 4);
        }

        debar_edi_end(w);
    }

    if (debar_edi_value_of(&l->quantity, 1, 2).len) {
        debar_edi_begin(w, "QTY");
        debar_edi_echo(w, &l->quantity, 1, 3);
        debar_edi_end(w);
    }

    debar_edifact_texts(w, rf);
}


static void
debar_edifact_refuse(debar_edi_writer_t *w, const debar_edi_order_t *o,
    const debar_edi_message_t *m, unsigned message,
    const debar_edi_refusal_t *rf)
{
    unsigned                 i, lines;
    debar_str_t              on, number;
    debar_edi_stamp_t        s;
    const debar_edi_line_t  *l;

    debar_edi_stamp(&s, rf);
    debar_edifact_header(w, m, rf, &s);
    debar_edifact_texts(w, rf);

    number = debar_edi_value_of(&m->segments[DEBAR_EDI_BEGINNING], 2, 1);
    on = debar_edi_value_of(&m->segments[DEBAR_EDI_ORDER], 1, 2);

    /* a change has a number of its own, and may say the order's */

    if (memcmp(debar_edi_value_of(&m->segments[DEBAR_EDI_MESSAGE], 2, 1).data,
               "ORDCHG", 6) == 0
        && on.len)
    {
        debar_edifact_reference(w, "ON", on);
        debar_edifact_reference(w, "PP", number);

    } else {
        debar_edifact_reference(w, "ON", number);
    }

    debar_edifact_party(w, &m->segments[DEBAR_EDI_BUYER]);
    debar_edifact_party(w, &m->segments[DEBAR_EDI_SUPPLIER]);

    for (i = 0, lines = 0; i < rf->nlines; i++) {
        l = debar_edi_line(o, message, rf->lines[i]);

        if (l != NULL && l->item.element != 0) {
            debar_edifact_line(w, l, rf);
            lines++;
        }
    }

    debar_edi_begin(w, "UNS");
    debar_edi_next(w);
    debar_edi_word(w, "S");
    debar_edi_end(w);

    debar_edi_begin(w, "CNT");
    debar_edi_next(w);
    debar_edi_word(w, "2");
    debar_edi_part(w);
    debar_edi_number(w, lines);
    debar_edi_end(w);

    debar_edi_begin(w, "UNT");
    debar_edi_next(w);
    debar_edi_number(w, w->segments);
    debar_edi_next(w);
    debar_edi_word(w, "1");
    debar_edi_end(w);

    debar_edi_begin(w, "UNZ");
    debar_edi_next(w);
    debar_edi_word(w, "1");
    debar_edi_next(w);
    debar_edi_word(w, s.control);
    debar_edi_end(w);
}


/* UNB says which characters there are (ISO 9735-1, code list 0001). */

static void
debar_edifact_repertoire(debar_edi_writer_t *w, debar_str_t id)
{
    UErrorCode   status;
    const char  *charset;

    w->repertoire = DEBAR_EDI_ASCII;

    if (id.len != 4) {
        return;
    }

    if (memcmp(id.data, "UNOA", 4) == 0) {
        w->repertoire = DEBAR_EDI_UPPER;
        return;
    }

    if (memcmp(id.data, "UNOW", 4) == 0 || memcmp(id.data, "UNOY", 4) == 0) {
        w->repertoire = DEBAR_EDI_UTF8;
        return;
    }

    charset = debar_edifact_charset_name(id.data);

    if (charset == NULL) {
        return;
    }

    status = U_ZERO_ERROR;
    w->charset = ucnv_open(charset, &status);

    if (U_SUCCESS(status)) {
        ucnv_setFromUCallBack(w->charset, UCNV_FROM_U_CALLBACK_STOP, NULL,
                              NULL, NULL, &status);
    }

    if (U_SUCCESS(status)) {
        w->repertoire = DEBAR_EDI_CHARSET;
    }
}


/* Whether it says what an answer has to. */

static int
debar_edi_answerable(const debar_edi_order_t *o, const debar_edi_message_t *m)
{
    debar_str_t                 type, sender, receiver;
    const debar_edi_segment_t  *head;

    head = &m->segments[DEBAR_EDI_INTERCHANGE];

    if (o->syntax == DEBAR_SYNTAX_X12) {
        type = debar_edi_value_of(&m->segments[DEBAR_EDI_MESSAGE], 1, 1);
        sender = debar_edi_value_of(head, 6, 1);
        receiver = debar_edi_value_of(head, 8, 1);

        return type.len == 3
               && (memcmp(type.data, "850", 3) == 0
                   || memcmp(type.data, "860", 3) == 0)
               && sender.len && receiver.len
               && debar_edi_value_of(head, 5, 1).len == 2
               && debar_edi_value_of(head, 7, 1).len == 2
               && debar_edi_value_of(head, 12, 1).len == 5
               && m->segments[DEBAR_EDI_GROUP].element != 0
               && debar_edi_value_of(&m->segments[DEBAR_EDI_BEGINNING], 3,
                                     1).len;
    }

    if (o->syntax == DEBAR_SYNTAX_EDIFACT) {
        type = debar_edi_value_of(&m->segments[DEBAR_EDI_MESSAGE], 2, 1);
        sender = debar_edi_value_of(head, 2, 1);
        receiver = debar_edi_value_of(head, 3, 1);

        return type.len == 6
               && (memcmp(type.data, "ORDERS", 6) == 0
                   || memcmp(type.data, "ORDCHG", 6) == 0)
               && sender.len && receiver.len
               && debar_edi_value_of(head, 1, 1).len == 4
               && debar_edi_value_of(&m->segments[DEBAR_EDI_BEGINNING], 2,
                                     1).len;
    }

    return 0;
}


size_t
debar_edi_refuse(const debar_edi_order_t *o, const debar_edi_refusal_t *rf,
    char *out, size_t size)
{
    unsigned                    message;
    debar_edi_writer_t          w;
    const debar_edi_line_t     *l;
    const debar_edi_message_t  *m;

    l = rf->nlines ? debar_edi_line(o, DEBAR_NONE, rf->lines[0]) : NULL;
    message = l ? l->message : DEBAR_NONE;
    m = l ? &o->found[message] : &o->now;

    if (!debar_edi_answerable(o, m)) {
        return 0;
    }

    memset(&w, 0, offsetof(debar_edi_writer_t, told));
    w.out = out;
    w.size = size;
    w.marks = m->marks;

    if (o->syntax == DEBAR_SYNTAX_X12) {
        w.repertoire = DEBAR_EDI_ASCII;

        if (w.marks.component == 0) {
            w.marks.component = w.marks.element != '>'
                                && w.marks.terminator != '>' ? '>' : ':';
        }

        debar_x12_refuse(&w, o, m, message, rf);

    } else {
        w.edifact = 1;
        debar_edifact_repertoire(&w,
                                 debar_edi_value_of(
                                     &m->segments[DEBAR_EDI_INTERCHANGE], 1,
                                     1));
        debar_edifact_refuse(&w, o, m, message, rf);
    }

    if (w.charset) {
        ucnv_close(w.charset);
    }

    if (w.latin) {
        utrans_close(w.latin);
    }

    return w.n;
}

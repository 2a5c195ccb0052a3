/*
 * PDF: text of content streams, line by line, in the characters that the fonts'
 * ToUnicode maps say; without one, bytes are Latin-1.
 *
 * Where text is placed piece by piece on a line, it depends on how wide the
 * pieces are whether there is a space between them.  Where that is not known, the
 * line is told with spaces, and without.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "peel_pdf.h"


#define DEBAR_PDF_LINE     8192
#define DEBAR_PDF_OVERLAP  512
#define DEBAR_PDF_FONTS    32

#define DEBAR_PDF_STRING_PIECE  4096
#define DEBAR_PDF_STATES   32

/* A kerning of more, in thousandths of the font's size, is a space. */

#define DEBAR_PDF_KERNING  (-200)

/* Of the font's size: between pieces as much is a space; so is a step back. */

#define DEBAR_PDF_SPACE    0.15
#define DEBAR_PDF_BACK     (-0.5)


typedef struct {
    debar_str_t              name;
    const debar_pdf_cmap_t  *cmap;
    const debar_pdf_widths_t *widths;
} debar_pdf_font_t;

typedef struct {
    size_t       len;
    char         data[DEBAR_PDF_LINE];
} debar_pdf_line_t;

typedef struct {
    debar_pdf_t              *pdf;
    debar_str_t               resources;
    unsigned                  page;       /* it was told that it begins */
    unsigned                  pieces;     /* on this line, placed apart */
    debar_pdf_font_t          fonts[DEBAR_PDF_FONTS];
    unsigned                  nfonts;
    const debar_pdf_font_t   *font;
    debar_str_t               name;       /* the operands, the last ones */
    double                    numbers[6];
    double                    size;       /* of the font */
    double                    scale;      /* of text, upright and along */
    double                    along;
    double                    spacing;    /* of characters */
    double                    x;          /* where a line of text begins */
    double                    pen;
    double                    advance;    /* of the strings shown */
    double                    end;        /* of the last ones, where known */
    unsigned                  known;
    unsigned                  array;
    double                    y;          /* of this line of text */
    double                    at;         /* of the line being made */
    double                    origin;
    double                    states[DEBAR_PDF_STATES];
    unsigned                  nstates;
    debar_pdf_line_t          shown;      /* strings of an operator */
    debar_pdf_line_t          line;       /* with spaces, and without */
    debar_pdf_line_t          joined;
} debar_pdf_content_t;


static int debar_pdf_operator(debar_pdf_content_t *c, debar_str_t op);
static int debar_pdf_show(debar_pdf_content_t *c);
static void debar_pdf_space(debar_pdf_content_t *c, double size);
static int debar_pdf_flush(debar_pdf_content_t *c);
static int debar_pdf_flush_line(debar_pdf_content_t *c, debar_pdf_line_t *l);
static void debar_pdf_append(debar_pdf_content_t *c, debar_pdf_token_t *t);
static void debar_pdf_append_piece(debar_pdf_content_t *c,
    const debar_pdf_token_t *t);
static void debar_pdf_put(debar_pdf_line_t *l, UChar32 c);
static const debar_pdf_font_t *debar_pdf_font(debar_pdf_content_t *c);
static const debar_pdf_cmap_t *debar_pdf_cmap(debar_pdf_t *pdf,
    unsigned number);
static void debar_pdf_cmap_read(debar_pdf_t *pdf, debar_pdf_cmap_t *m,
    debar_str_t data);


int
debar_pdf_content(debar_pdf_t *pdf, const debar_pdf_object_t *o,
    debar_str_t data)
{
    int                   rc;
    const char           *p;
    debar_pdf_token_t     t;
    debar_pdf_content_t  *c;

    /* only these operators show text */

    if (memmem(data.data, data.len, "Tj", 2) == NULL
        && memmem(data.data, data.len, "TJ", 2) == NULL
        && memmem(data.data, data.len, ")'", 2) == NULL
        && memmem(data.data, data.len, ") '", 3) == NULL
        && memmem(data.data, data.len, "\"", 1) == NULL)
    {
        return DEBAR_OK;
    }

    c = calloc(1, sizeof(debar_pdf_content_t));

    if (c == NULL) {
        debar_node_bound(pdf->node, DEBAR_PEEL_HELD);
        return DEBAR_OK;
    }

    c->pdf = pdf;
    c->scale = 1;
    c->along = 1;
    c->resources = debar_pdf_region(pdf, o->page
                                         ? pdf->objects[o->page - 1].dict
                                         : o->dict, "/Resources");
    rc = DEBAR_OK;

    while (rc == DEBAR_OK && debar_pdf_token(&t, &data) != DEBAR_PDF_END) {

        switch (t.type) {

        case DEBAR_PDF_NUMBER:
            memmove(c->numbers, c->numbers + 1, 5 * sizeof(double));
            c->numbers[5] = t.number;

            if (c->array) {
                c->advance -= t.number * c->size / 1000;

                if (t.number < DEBAR_PDF_KERNING && c->shown.len) {
                    debar_pdf_put(&c->shown, ' ');
                }
            }

            break;

        case DEBAR_PDF_NAME:
            c->name = t.text;
            break;

        case DEBAR_PDF_STRING:
        case DEBAR_PDF_HEX:
            debar_pdf_append(c, &t);
            break;

        case DEBAR_PDF_WORD:

            /* of a picture that stands here the bytes are passed over */

            if (t.text.len == 2 && memcmp(t.text.data, "ID", 2) == 0) {
                p = memmem(data.data, data.len, "EI", 2);
                p = p ? p + 2 : data.data + data.len;
                data = debar_str(p, (size_t) (data.data + data.len - p));
            }

            rc = debar_pdf_operator(c, t.text);
            c->shown.len = 0;
            c->advance = 0;
            c->array = 0;
            break;

        default:
            c->array = t.type == DEBAR_PDF_OPEN;
            break;
        }
    }

    if (rc == DEBAR_OK) {
        rc = debar_pdf_flush(c);
    }

    if (rc == DEBAR_OK && c->page) {
        rc = debar_node_end(pdf->node);
    }

    free(c);

    return rc;
}


static inline int
debar_pdf_op(debar_str_t op, const char *name)
{
    return op.len == strlen(name) && memcmp(op.data, name, op.len) == 0;
}


static int
debar_pdf_operator(debar_pdf_content_t *c, debar_str_t op)
{
    double  d;

    if (debar_pdf_op(op, "Tj") || debar_pdf_op(op, "TJ")) {
        return debar_pdf_show(c);
    }

    if (debar_pdf_op(op, "'") || debar_pdf_op(op, "\"")
        || debar_pdf_op(op, "T*"))
    {
        /* by the leading, which is not looked at: it is another line */

        c->y -= c->size ? c->size : 10;
        c->pen = c->x;

        return debar_pdf_show(c);
    }

    if (debar_pdf_op(op, "Td") || debar_pdf_op(op, "TD")) {
        c->y += c->numbers[5] * c->scale;
        c->x += c->numbers[4] * c->along;
        c->pen = c->x;

        /* nothing moves where both are 0 */

        c->pieces |= c->numbers[4] != 0;

    } else if (debar_pdf_op(op, "Tm")) {
        d = c->numbers[3] != 0 ? c->numbers[3] : c->numbers[1];
        c->scale = d < 0 ? -d : d;
        d = c->numbers[0] != 0 ? c->numbers[0] : c->numbers[2];
        c->along = d < 0 ? -d : d;
        c->y = c->numbers[5];
        c->x = c->numbers[4];
        c->pen = c->x;
        c->pieces = 1;

    } else if (debar_pdf_op(op, "BT")) {
        c->x = 0;
        c->y = 0;
        c->pen = 0;
        c->scale = 1;
        c->along = 1;
        c->pieces = 1;

    } else if (debar_pdf_op(op, "Tf")) {
        c->size = c->numbers[5];
        c->font = debar_pdf_font(c);

    } else if (debar_pdf_op(op, "Tc")) {
        c->spacing = c->numbers[5];

    } else if (debar_pdf_op(op, "cm")) {
        c->origin += c->numbers[5];
        c->pieces = 1;
        c->known = 0;

    } else if (debar_pdf_op(op, "q")) {
        if (c->nstates < DEBAR_PDF_STATES) {
            c->states[c->nstates] = c->origin;
        }

        c->nstates++;

    } else if (debar_pdf_op(op, "Q") && c->nstates) {
        if (--c->nstates < DEBAR_PDF_STATES) {
            c->origin = c->states[c->nstates];
        }
    }

    return DEBAR_OK;
}


/* Strings of an operator, at the end of their line. */

static int
debar_pdf_show(debar_pdf_content_t *c)
{
    int     rc;
    char    end[DEBAR_PDF_OVERLAP];
    double  y, d, size;
    size_t  n;

    if (c->shown.len == 0) {
        return DEBAR_OK;
    }

    rc = DEBAR_OK;
    y = c->origin + c->y;
    d = y > c->at ? y - c->at : c->at - y;
    size = c->size * c->scale;
    size = size < 0 ? -size : size;

    n = c->line.len + c->shown.len + 1;

    if (d > (size ? size : 10) * 0.3) {
        rc = debar_pdf_flush(c);

    } else if (n > DEBAR_PDF_LINE) {
        n = c->joined.len < DEBAR_PDF_OVERLAP ? c->joined.len
                                              : DEBAR_PDF_OVERLAP;
        memcpy(end, c->joined.data + c->joined.len - n, n);
        rc = debar_pdf_flush(c);

        memcpy(c->line.data, end, n);
        memcpy(c->joined.data, end, n);
        c->line.len = n;
        c->joined.len = n;
    }

    if (rc != DEBAR_OK) {
        return rc;
    }

    c->at = y;

    if (c->pieces && c->line.len) {
        debar_pdf_space(c, size);
    }

    c->pieces = 0;
    c->pen += c->advance * c->along;
    c->end = c->pen;
    c->known = c->font && c->font->widths;

    n = DEBAR_PDF_LINE - c->line.len;
    n = n < c->shown.len ? n : c->shown.len;

    memcpy(c->line.data + c->line.len, c->shown.data, n);
    c->line.len += n;

    memcpy(c->joined.data + c->joined.len, c->shown.data, n);
    c->joined.len += n;

    c->shown.len = 0;
    c->advance = 0;

    return DEBAR_OK;
}


/* Between two pieces of a line. */

static void
debar_pdf_space(debar_pdf_content_t *c, double size)
{
    double  gap;

    gap = c->pen - c->end;

    if (!c->known) {
        debar_pdf_put(&c->line, ' ');

    } else if (gap > size * DEBAR_PDF_SPACE || gap < size * DEBAR_PDF_BACK) {
        debar_pdf_put(&c->line, ' ');
        debar_pdf_put(&c->joined, ' ');
    }
}


static int
debar_pdf_flush(debar_pdf_content_t *c)
{
    int     rc;
    size_t  joined;

    joined = c->joined.len;
    rc = DEBAR_OK;

    if (c->line.len > joined) {
        rc = debar_pdf_flush_line(c, &c->line);
    }

    if (rc == DEBAR_OK) {
        rc = debar_pdf_flush_line(c, &c->joined);
    }

    c->line.len = 0;
    c->joined.len = 0;

    return rc;
}


static int
debar_pdf_flush_line(debar_pdf_content_t *c, debar_pdf_line_t *l)
{
    int           rc;
    size_t        len;
    debar_str_t   s;

    s = debar_str(l->data, l->len);

    while (s.len && *s.data == ' ') {
        s.data++;
        s.len--;
    }

    len = s.len;

    while (len && s.data[len - 1] == ' ') {
        len--;
    }

    if (len == 0) {
        return DEBAR_OK;
    }

    if (!c->page) {
        c->page = 1;
        rc = debar_node_begin(c->pdf->node, debar_str("page", 4));

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return debar_node_value(c->pdf->node, debar_str("", 0),
                            debar_str(s.data, len));
}


/* --- characters ---------------------------------------------------------- */

static void
debar_pdf_put(debar_pdf_line_t *l, UChar32 c)
{
    if (l->len + 4 <= sizeof(l->data) && !U_IS_SURROGATE(c) && c <= 0x10ffff) {
        U8_APPEND_UNSAFE(l->data, l->len, c);
    }
}


static const debar_pdf_code_t *
debar_pdf_code(const debar_pdf_content_t *c, unsigned code)
{
    size_t                   lo, hi, mid;
    const debar_pdf_code_t  *codes;

    codes = c->pdf->codes + c->font->cmap->first;
    lo = 0;
    hi = c->font->cmap->n;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (codes[mid].lo <= code) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    return lo && codes[lo - 1].hi >= code ? &codes[lo - 1] : NULL;
}


static void
debar_pdf_append(debar_pdf_content_t *c, debar_pdf_token_t *t)
{
    debar_str_t  left;

    for (left = t->text; left.len; left.data += t->text.len,
                                   left.len -= t->text.len)
    {
        t->text = debar_str(left.data, left.len < DEBAR_PDF_STRING_PIECE
                                       ? left.len : DEBAR_PDF_STRING_PIECE);
        debar_pdf_append_piece(c, t);
    }
}


static void
debar_pdf_append_piece(debar_pdf_content_t *c, const debar_pdf_token_t *t)
{
    char                     bytes[DEBAR_PDF_STRING_PIECE];
    size_t                   i, j, n;
    UChar32                  u;
    unsigned                 code, width;
    const debar_pdf_code_t  *to;
    const debar_pdf_widths_t  *w;

    n = debar_pdf_string(t, bytes, sizeof(bytes));
    width = c->font && c->font->cmap ? c->font->cmap->width : 1;
    w = c->font ? c->font->widths : NULL;

    for (i = 0; i + width <= n; i += width) {

        /* a string that is longer than a line is told in pieces */

        if (c->shown.len + 32 > sizeof(c->shown.data) / 2) {
            c->pieces = 0;

            if (debar_pdf_show(c) != DEBAR_OK) {
                return;
            }
        }

        code = (unsigned char) bytes[i];

        if (width == 2) {
            code = code << 8 | (unsigned char) bytes[i + 1];
        }

        c->advance += c->spacing;

        if (w && code < w->n) {
            c->advance += w->widths[code] * c->size / 1000;
        }

        to = c->font && c->font->cmap ? debar_pdf_code(c, code) : NULL;

        if (to == NULL) {
            if (width == 1) {
                debar_pdf_put(&c->shown, (UChar32) code);
            }

            continue;
        }

        for (j = 0; j < to->n; /* void */) {
            u = to->to[j++];

            if (U16_IS_LEAD(u) && j < to->n && U16_IS_TRAIL(to->to[j])) {
                u = U16_GET_SUPPLEMENTARY(u, to->to[j]);
                j++;
            }

            /* a range counts up in its last character */

            debar_pdf_put(&c->shown, j == to->n ? u + (UChar32) (code - to->lo)
                                                : u);
        }
    }
}


/* --- fonts --------------------------------------------------------------- */

static const debar_pdf_font_t *
debar_pdf_font(debar_pdf_content_t *c)
{
    char                       key[128];
    size_t                     i;
    unsigned                   number;
    debar_str_t                s;
    debar_pdf_font_t          *f;
    const debar_pdf_object_t  *o;

    for (i = 0; i < c->nfonts; i++) {
        f = &c->fonts[i];

        if (f->name.len == c->name.len
            && memcmp(f->name.data, c->name.data, f->name.len) == 0)
        {
            return f;
        }
    }

    if (c->name.len == 0 || c->name.len > sizeof(key) - 2
        || c->pdf->lookups == DEBAR_PDF_LOOKUPS)
    {
        return NULL;
    }

    c->pdf->lookups++;

    key[0] = '/';
    memcpy(key + 1, c->name.data, c->name.len);
    key[c->name.len + 1] = '\0';

    s = debar_pdf_region(c->pdf, c->resources, "/Font");
    number = s.len ? debar_pdf_reference(debar_pdf_get(s, key, "0123456789"))
                   : 0;

    /* resources that a page has from its parents: any that know the name */

    for (i = 0; number == 0 && c->resources.len == 0
                && i < c->pdf->nobjects
                && c->pdf->lookups < DEBAR_PDF_LOOKUPS; i++)
    {
        c->pdf->lookups++;
        s = debar_pdf_get(c->pdf->objects[i].dict, "/Font", "<0123456789");

        if (s.len) {
            s = debar_pdf_region(c->pdf, c->pdf->objects[i].dict, "/Font");
            number = debar_pdf_reference(debar_pdf_get(s, key, "0123456789"));
        }
    }

    o = number ? debar_pdf_object(c->pdf, number) : NULL;
    number = o ? debar_pdf_reference(debar_pdf_get(o->dict, "/ToUnicode",
                                                   "0123456789")) : 0;

    if (c->nfonts == DEBAR_PDF_FONTS) {
        c->nfonts = 0;
    }

    f = &c->fonts[c->nfonts++];
    f->name = c->name;
    f->cmap = number ? debar_pdf_cmap(c->pdf, number) : NULL;
    f->widths = o ? debar_pdf_widths(c->pdf, o) : NULL;

    return f;
}


debar_str_t
debar_pdf_region(const debar_pdf_t *pdf, debar_str_t dict, const char *key)
{
    unsigned                   number;
    debar_str_t                s;
    const debar_pdf_object_t  *o;

    s = debar_pdf_get(dict, key, "<[0123456789");

    if (s.len == 0 || s.data[0] == '<' || s.data[0] == '[') {
        return s;
    }

    number = debar_pdf_reference(s);
    o = number ? debar_pdf_object(pdf, number) : NULL;

    return o ? o->dict : debar_str(NULL, 0);
}


static const debar_pdf_cmap_t *
debar_pdf_cmap(debar_pdf_t *pdf, unsigned number)
{
    unsigned                   i;
    debar_buf_t                data;
    debar_pdf_cmap_t          *m;
    const debar_pdf_object_t  *o;

    for (i = 0; i < pdf->ncmaps; i++) {
        if (pdf->cmaps[i].object == number) {
            return pdf->cmaps[i].n ? &pdf->cmaps[i] : NULL;
        }
    }

    o = debar_pdf_object(pdf, number);

    if (o == NULL || o->stream.data == NULL || pdf->ncmaps == DEBAR_PDF_CMAPS) {
        return NULL;
    }

    m = &pdf->cmaps[pdf->ncmaps++];
    m->object = number;
    m->width = 1;
    m->first = pdf->ncodes;
    m->n = 0;

    memset(&data, 0, sizeof(data));

    if (debar_pdf_decode(pdf->node, o, &data) != DEBAR_DECLINED && data.len) {
        debar_pdf_cmap_read(pdf, m, debar_str(data.data, data.len));
    }

    debar_buf_free(&data);

    return m->n ? m : NULL;
}


static unsigned
debar_pdf_code_of(const debar_pdf_token_t *t, unsigned *width)
{
    char      bytes[4];
    size_t    i, n;
    unsigned  code;

    n = debar_pdf_string(t, bytes, sizeof(bytes));

    for (i = 0, code = 0; i < n; i++) {
        code = code << 8 | (unsigned char) bytes[i];
    }

    *width = (unsigned) n;

    return code;
}


static void
debar_pdf_code_add(debar_pdf_t *pdf, debar_pdf_cmap_t *m, unsigned lo,
    unsigned hi, const debar_pdf_token_t *to)
{
    char               bytes[8];
    size_t             i, n, room;
    debar_pdf_code_t  *code;

    if (pdf->ncodes == DEBAR_PDF_CODES || hi < lo) {
        return;
    }

    if (pdf->ncodes == pdf->codes_room) {
        room = pdf->codes_room ? pdf->codes_room * 2 : 256;
        code = realloc(pdf->codes, room * sizeof(debar_pdf_code_t));

        if (code == NULL) {
            return;
        }

        pdf->codes = code;
        pdf->codes_room = room;
    }

    n = debar_pdf_string(to, bytes, sizeof(bytes)) / 2;

    code = &pdf->codes[pdf->ncodes++];
    m->n++;

    code->lo = lo;
    code->hi = hi;
    code->n = (unsigned) n;

    for (i = 0; i < n; i++) {
        code->to[i] = (uint16_t) ((unsigned char) bytes[i * 2] << 8
                                  | (unsigned char) bytes[i * 2 + 1]);
    }
}


static int
debar_pdf_code_compare(const void *one, const void *two)
{
    const debar_pdf_code_t  *a = one, *b = two;

    return a->lo < b->lo ? -1 : a->lo > b->lo;
}


/* "<src> <dst>" between beginbfchar and its end; "<lo> <hi> <dst>" or
 * "<lo> <hi> [<dst> ...]" between beginbfrange and its. */

static void
debar_pdf_cmap_read(debar_pdf_t *pdf, debar_pdf_cmap_t *m, debar_str_t data)
{
    unsigned           codes[2], n, ranges, inside, array, width;
    debar_pdf_token_t  t;

    n = 0;
    array = 0;
    inside = 0;
    ranges = 0;

    while (debar_pdf_token(&t, &data) != DEBAR_PDF_END) {

        if (t.type == DEBAR_PDF_WORD) {
            ranges = debar_pdf_op(t.text, "beginbfrange");
            inside = ranges || debar_pdf_op(t.text, "beginbfchar");
            array = 0;
            n = 0;

        } else if (t.type == DEBAR_PDF_OPEN) {
            array = inside && n == 2;

        } else if (t.type == DEBAR_PDF_CLOSE) {
            array = 0;
            n = 0;

        } else if (t.type == DEBAR_PDF_HEX && inside) {

            if (array) {
                debar_pdf_code_add(pdf, m, codes[0], codes[0], &t);
                codes[0]++;
                continue;
            }

            if (n < (ranges ? 2 : 1)) {
                codes[n++] = debar_pdf_code_of(&t, &width);
                m->width = width == 2 ? 2 : 1;
                continue;
            }

            debar_pdf_code_add(pdf, m, codes[0], ranges ? codes[1] : codes[0],
                               &t);
            n = 0;
        }
    }

    if (m->n) {
        qsort(pdf->codes + m->first, m->n, sizeof(debar_pdf_code_t),
              debar_pdf_code_compare);
    }
}

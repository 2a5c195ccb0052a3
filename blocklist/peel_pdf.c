/*
 * PDF: its objects, found without its cross-references, which may lie: what
 * stands between "obj" and "endobj", and in object streams.  Of the dictionaries
 * titles, form fields and links are told, of the streams the text
 * (peel_pdf_text.c) and the files that are attached.
 */

#include <stdlib.h>
#include <string.h>

#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "peel_pdf.h"


#define DEBAR_PDF_TEXT  4096      /* of a string in a dictionary */


static int debar_pdf_open(debar_node_t *node);
static int debar_pdf_push(debar_node_t *node, const char *data, size_t len);
static int debar_pdf_finish(debar_node_t *node);
static void debar_pdf_free(debar_node_t *node);
static int debar_pdf_read(debar_pdf_t *pdf);
static void debar_pdf_scan(debar_pdf_t *pdf);
static size_t debar_pdf_scan_object(debar_pdf_t *pdf, unsigned number,
    size_t at);
static size_t debar_pdf_scan_stream(debar_pdf_object_t *o, debar_str_t file,
    size_t at);
static int debar_pdf_add(debar_pdf_t *pdf, const debar_pdf_object_t *o);
static void debar_pdf_inner(debar_pdf_t *pdf);
static void debar_pdf_inner_objects(debar_pdf_t *pdf, debar_str_t data,
    unsigned n, unsigned first);
static void debar_pdf_sort(debar_pdf_t *pdf);
static void debar_pdf_pages(debar_pdf_t *pdf);
static int debar_pdf_tell(debar_pdf_t *pdf, const debar_pdf_object_t *o);
static int debar_pdf_strings(debar_pdf_t *pdf, debar_str_t dict);
static int debar_pdf_attached(debar_pdf_t *pdf, debar_str_t data);
static size_t debar_pdf_text(char *out, size_t size, const char *in,
    size_t len);


const debar_reader_t  debar_reader_pdf = {
    .syntax = DEBAR_SYNTAX_PDF,
    .name = "pdf",
    .open = debar_pdf_open,
    .push = debar_pdf_push,
    .finish = debar_pdf_finish,
    .free = debar_pdf_free
};


static int
debar_pdf_open(debar_node_t *node)
{
    debar_pdf_t  *pdf;

    pdf = calloc(1, sizeof(debar_pdf_t));

    if (pdf == NULL) {
        return DEBAR_ERROR;
    }

    pdf->node = node;
    node->state = pdf;

    return DEBAR_OK;
}


static void
debar_pdf_free(debar_node_t *node)
{
    unsigned      i;
    debar_pdf_t  *pdf = node->state;

    if (pdf) {
        for (i = 0; i < pdf->nwidths; i++) {
            free(pdf->widths[i].widths);
        }

        debar_buf_free(&pdf->held);
        debar_buf_free(&pdf->inner);
        free(pdf->objects);
        free(pdf->codes);
        free(pdf);
        node->state = NULL;
    }
}


static int
debar_pdf_push(debar_node_t *node, const char *data, size_t len)
{
    debar_pdf_t  *pdf = node->state;

    if (!pdf->full
        && debar_node_hold(node, &pdf->held, data, len) != DEBAR_OK)
    {
        pdf->full = 1;
    }

    return DEBAR_OK;
}


static int
debar_pdf_finish(debar_node_t *node)
{
    debar_pdf_t  *pdf = node->state;

    debar_pdf_scan(pdf);

    if (pdf->sealed) {
        debar_node_bound(node, DEBAR_PEEL_SEALED);
        return DEBAR_OK;
    }

    debar_pdf_inner(pdf);

    if (pdf->nobjects == 0) {
        debar_node_bound(node, DEBAR_PEEL_BROKEN);
        return DEBAR_OK;
    }

    debar_pdf_sort(pdf);
    debar_pdf_pages(pdf);

    return debar_pdf_read(pdf);
}


static int
debar_pdf_read(debar_pdf_t *pdf)
{
    int     rc;
    size_t  i;

    for (i = 0; i < pdf->nobjects; i++) {

        /* of several of the same number the last one stands */

        if (i + 1 < pdf->nobjects
            && pdf->objects[i].number == pdf->objects[i + 1].number)
        {
            continue;
        }

        rc = debar_pdf_tell(pdf, &pdf->objects[i]);

        if (rc != DEBAR_OK) {
            return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
        }
    }

    return DEBAR_OK;
}


/* --- objects ------------------------------------------------------------- */

static inline int
debar_pdf_digit(char c)
{
    return c >= '0' && c <= '9';
}


static inline int
debar_pdf_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f'
           || c == '\0';
}


/* "12 0 obj" that ends before at: 12, or 0. */

static unsigned
debar_pdf_number_before(debar_str_t file, size_t at)
{
    size_t    i, stop;
    unsigned  n, scale, part;

    n = 0;
    i = at;
    stop = at > 32 ? at - 32 : 0;

    for (part = 0; part < 2; part++) {

        if (i == stop || !debar_pdf_space(file.data[i - 1])) {
            return 0;
        }

        while (i > stop && debar_pdf_space(file.data[i - 1])) {
            i--;
        }

        if (i == stop || !debar_pdf_digit(file.data[i - 1])) {
            return 0;
        }

        for (n = 0, scale = 1; i > stop && debar_pdf_digit(file.data[i - 1]);
             scale *= 10)
        {
            n += (unsigned) (file.data[--i] - '0') * scale;
        }
    }

    return n;
}


/* What stands between objects: 1: it says that they are encrypted. */

static unsigned
debar_pdf_trailer(debar_str_t s)
{
    const char  *p, *end;

    end = s.data + s.len;

    while ((p = memmem(s.data, s.len, "/Encrypt", 8)) != NULL) {
        s = debar_str(p, (size_t) (end - p));

        if (debar_pdf_get(debar_str(p, s.len < 64 ? s.len : 64), "/Encrypt",
                          "0123456789<").len)
        {
            return 1;
        }

        s = debar_str(p + 8, (size_t) (end - p - 8));
    }

    return 0;
}


static void
debar_pdf_scan(debar_pdf_t *pdf)
{
    size_t        at, gap;
    unsigned      number;
    const char   *p;
    debar_str_t   file;

    file = debar_str(pdf->held.data, pdf->held.len);

    for (at = 0, gap = 0; at < file.len && !pdf->sealed; /* void */) {
        p = memmem(file.data + at, file.len - at, "obj", 3);

        if (p == NULL) {
            break;
        }

        at = (size_t) (p - file.data);
        number = debar_pdf_number_before(file, at);

        at += 3;

        if (number) {
            pdf->sealed |= debar_pdf_trailer(debar_str(file.data + gap,
                                                       at - gap));

            at = debar_pdf_scan_object(pdf, number, at);
            gap = at;
        }
    }

    if (file.len > gap) {
        pdf->sealed |= debar_pdf_trailer(debar_str(file.data + gap,
                                                   file.len - gap));
    }
}


/* Its end. */

static size_t
debar_pdf_scan_object(debar_pdf_t *pdf, unsigned number, size_t at)
{
    size_t              i;
    debar_str_t         file;
    debar_pdf_object_t  o;

    file = debar_str(pdf->held.data, pdf->held.len);

    memset(&o, 0, sizeof(o));
    o.number = number;

    for (i = at; i < file.len; i++) {

        if (file.data[i] == 'e' && file.len - i >= 6
            && memcmp(file.data + i, "endobj", 6) == 0)
        {
            o.dict = debar_str(file.data + at, i - at);
            (void) debar_pdf_add(pdf, &o);

            return i + 6;
        }

        if (file.data[i] == 's' && file.len - i >= 7
            && memcmp(file.data + i, "stream", 6) == 0
            && (file.data[i + 6] == '\r' || file.data[i + 6] == '\n'))
        {
            o.dict = debar_str(file.data + at, i - at);
            i = debar_pdf_scan_stream(&o, file, i + 6);

            /* a cross-reference stream is a trailer too */

            if (debar_pdf_get(o.dict, "/XRef", NULL).len
                && debar_pdf_get(o.dict, "/Encrypt", "0123456789<").len)
            {
                pdf->sealed = 1;
            }

            (void) debar_pdf_add(pdf, &o);

            return i;
        }
    }

    o.dict = debar_str(file.data + at, file.len - at);
    (void) debar_pdf_add(pdf, &o);

    return file.len;
}


/* By its length where that leads to its end, else to the next such end. */

static size_t
debar_pdf_scan_stream(debar_pdf_object_t *o, debar_str_t file, size_t at)
{
    size_t              i, end;
    const char         *p;
    debar_str_t         s;
    debar_pdf_token_t   t;

    at += at + 1 < file.len && file.data[at] == '\r'
          && file.data[at + 1] == '\n' ? 2 : 1;

    s = debar_pdf_get(o->dict, "/Length", "0123456789");

    if (s.len && debar_pdf_reference(s) == 0
        && debar_pdf_token(&t, &s) == DEBAR_PDF_NUMBER
        && t.number >= 0 && t.number <= (double) (file.len - at))
    {
        end = at + (size_t) t.number;

        for (i = end; i < file.len && i < end + 4
                      && debar_pdf_space(file.data[i]); i++)
        {
            /* void */
        }

        if (file.len - i >= 9 && memcmp(file.data + i, "endstream", 9) == 0) {
            o->stream = debar_str(file.data + at, end - at);
            return i + 9;
        }
    }

    p = memmem(file.data + at, file.len - at, "endstream", 9);
    end = p ? (size_t) (p - file.data) : file.len;
    o->stream = debar_str(file.data + at, end - at);

    return p ? end + 9 : end;
}


static int
debar_pdf_add(debar_pdf_t *pdf, const debar_pdf_object_t *o)
{
    size_t               room;
    debar_pdf_object_t  *grown;

    if (pdf->nobjects == DEBAR_PDF_OBJECTS) {
        debar_node_bound(pdf->node, DEBAR_PEEL_NODES);
        return DEBAR_ERROR;
    }

    if (pdf->nobjects == pdf->room) {
        room = pdf->room ? pdf->room * 2 : 64;
        grown = realloc(pdf->objects, room * sizeof(debar_pdf_object_t));

        if (grown == NULL) {
            debar_node_bound(pdf->node, DEBAR_PEEL_HELD);
            return DEBAR_ERROR;
        }

        pdf->objects = grown;
        pdf->room = room;
    }

    pdf->objects[pdf->nobjects] = *o;
    pdf->objects[pdf->nobjects].order = (unsigned) pdf->nobjects;
    pdf->nobjects++;

    return DEBAR_OK;
}


static unsigned
debar_pdf_unsigned(debar_str_t dict, const char *key)
{
    debar_str_t        s;
    debar_pdf_token_t  t;

    s = debar_pdf_get(dict, key, "0123456789");

    if (s.len && debar_pdf_token(&t, &s) == DEBAR_PDF_NUMBER && t.number >= 0
        && t.number < 1e9)
    {
        return (unsigned) t.number;
    }

    return 0;
}


/* Object streams; all of them are made before what they hold is pointed at. */

static void
debar_pdf_inner(debar_pdf_t *pdf)
{
    size_t               i, n, begins[256], ends[256];
    unsigned             counts[256], firsts[256], made;
    debar_pdf_object_t  *o;

    made = 0;
    n = pdf->nobjects;

    for (i = 0; i < n && made < 256; i++) {
        o = &pdf->objects[i];

        if (o->stream.data == NULL
            || debar_pdf_get(o->dict, "/ObjStm", NULL).len == 0)
        {
            continue;
        }

        begins[made] = pdf->inner.len;

        if (debar_pdf_decode(pdf->node, o, &pdf->inner) == DEBAR_DECLINED
            || pdf->inner.len == begins[made])
        {
            continue;
        }

        ends[made] = pdf->inner.len;
        counts[made] = debar_pdf_unsigned(o->dict, "/N");
        firsts[made] = debar_pdf_unsigned(o->dict, "/First");
        made++;
    }

    for (i = 0; i < made; i++) {
        debar_pdf_inner_objects(pdf, debar_str(pdf->inner.data + begins[i],
                                               ends[i] - begins[i]),
                                counts[i], firsts[i]);
    }
}


/* Pairs of a number and an offset, and behind them the objects. */

static void
debar_pdf_inner_objects(debar_pdf_t *pdf, debar_str_t data, unsigned n,
    unsigned first)
{
    size_t              at, last;
    debar_str_t         s;
    debar_pdf_token_t   number, offset;
    debar_pdf_object_t  o;

    if (first > data.len) {
        return;
    }

    s = debar_str(data.data, first);
    last = 0;
    memset(&o, 0, sizeof(o));

    while (n-- && debar_pdf_token(&number, &s) == DEBAR_PDF_NUMBER
           && debar_pdf_token(&offset, &s) == DEBAR_PDF_NUMBER)
    {
        if (number.number < 1 || number.number > 1e9 || offset.number < 0
            || offset.number > (double) (data.len - first))
        {
            break;
        }

        at = first + (size_t) offset.number;

        /* offsets rise; the object before ends here */

        if (o.number && at >= last) {
            o.dict = debar_str(data.data + last, at - last);

            if (debar_pdf_add(pdf, &o) != DEBAR_OK) {
                return;
            }
        }

        if (at < last) {
            break;
        }

        o.number = (unsigned) number.number;
        last = at;
    }

    if (o.number) {
        o.dict = debar_str(data.data + last, data.len - last);
        (void) debar_pdf_add(pdf, &o);
    }
}


static int
debar_pdf_compare(const void *one, const void *two)
{
    const debar_pdf_object_t  *a = one, *b = two;

    if (a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }

    return a->order < b->order ? -1 : a->order > b->order;
}


static void
debar_pdf_sort(debar_pdf_t *pdf)
{
    qsort(pdf->objects, pdf->nobjects, sizeof(debar_pdf_object_t),
          debar_pdf_compare);
}


const debar_pdf_object_t *
debar_pdf_object(const debar_pdf_t *pdf, unsigned number)
{
    size_t  lo, hi, mid;

    lo = 0;
    hi = pdf->nobjects;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (pdf->objects[mid].number <= number) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    return lo && pdf->objects[lo - 1].number == number ? &pdf->objects[lo - 1]
                                                       : NULL;
}


/* Contents know their page, whose resources say what their fonts are. */

static void
debar_pdf_pages(debar_pdf_t *pdf)
{
    size_t                    i;
    unsigned                  number, n;
    debar_str_t               s;
    debar_pdf_token_t         t;
    const debar_pdf_object_t  *o;

    for (i = 0; i < pdf->nobjects; i++) {
        s = debar_pdf_get(pdf->objects[i].dict, "/Contents", "[0123456789");

        if (s.len && s.data[0] == '[') {
            (void) debar_pdf_token(&t, &s);
        }

        for (n = 0; n < 1000 && (number = debar_pdf_reference(s)) != 0; n++) {
            o = debar_pdf_object(pdf, number);

            if (o) {
                pdf->objects[o - pdf->objects].page = (unsigned) i + 1;
            }

            (void) debar_pdf_token(&t, &s);
            (void) debar_pdf_token(&t, &s);
            (void) debar_pdf_token(&t, &s);
        }
    }
}


/* --- what is told -------------------------------------------------------- */

static int
debar_pdf_is(const debar_pdf_object_t *o, const char *const *names)
{
    for ( /* void */ ; *names; names++) {
        if (debar_pdf_get(o->dict, *names, NULL).data) {
            return 1;
        }
    }

    return 0;
}


static int
debar_pdf_tell(debar_pdf_t *pdf, const debar_pdf_object_t *o)
{
    int          rc;
    debar_buf_t  data;

    static const char *const  none[] = {
        "/XRef", "/ObjStm", "/Image", "/Metadata", "/Length1", "/Type1C",
        "/CIDFontType0C", "/OpenType", "/FunctionType", "/CMapName", "/Sound",
        "/Movie", NULL
    };

    static const char *const  file[] = { "/EmbeddedFile", NULL };

    rc = debar_pdf_strings(pdf, o->dict);

    if (rc != DEBAR_OK || o->stream.data == NULL || debar_pdf_is(o, none)) {
        return rc;
    }

    memset(&data, 0, sizeof(data));
    rc = debar_pdf_decode(pdf->node, o, &data);

    /* at a bound: what has been made by then */

    if (rc != DEBAR_DECLINED && data.len) {

        if (debar_pdf_is(o, file)) {
            rc = debar_pdf_attached(pdf, debar_str(data.data, data.len));

        } else {
            rc = debar_pdf_content(pdf, o, debar_str(data.data, data.len));
        }

    } else {
        rc = DEBAR_OK;
    }

    debar_buf_free(&data);

    return rc;
}


/* Titles and subjects, links, comments, and fields of forms by their names. */

static int
debar_pdf_strings(debar_pdf_t *pdf, debar_str_t dict)
{
    int                 rc;
    char                bytes[DEBAR_PDF_TEXT], text[DEBAR_PDF_TEXT * 3];
    char                field[256];
    size_t              i, n, field_len;
    debar_str_t         key, name;
    debar_pdf_token_t   t;

    static const char *const  keys[] = {
        "Title", "Subject", "Keywords", "URI", "Contents", "V", "TU", NULL
    };

    if (memmem(dict.data, dict.len, "(", 1) == NULL
        && memmem(dict.data, dict.len, "<", 1) == NULL)
    {
        return DEBAR_OK;
    }

    key = debar_str("", 0);
    field_len = 0;

    while (debar_pdf_token(&t, &dict) != DEBAR_PDF_END) {

        if (t.type == DEBAR_PDF_NAME) {
            key = t.text;
            continue;
        }

        if (t.type != DEBAR_PDF_STRING && t.type != DEBAR_PDF_HEX) {
            continue;
        }

        n = debar_pdf_string(&t, bytes, sizeof(bytes));
        n = debar_pdf_text(text, sizeof(text), bytes, n);

        if (key.len == 1 && key.data[0] == 'T') {
            field_len = n < sizeof(field) ? n : sizeof(field);
            memcpy(field, text, field_len);
            continue;
        }

        for (i = 0; keys[i]; i++) {
            if (strlen(keys[i]) == key.len
                && memcmp(keys[i], key.data, key.len) == 0)
            {
                break;
            }
        }

        if (keys[i] == NULL || n == 0) {
            continue;
        }

        name = key.len == 1 && field_len ? debar_str(field, field_len) : key;
        rc = debar_node_value(pdf->node, name, debar_str(text, n));

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


static int
debar_pdf_attached(debar_pdf_t *pdf, debar_str_t data)
{
    int                  rc, end;
    debar_str_t          name;
    debar_node_t        *child;
    debar_peel_input_t   in;

    memset(&in, 0, sizeof(in));
    name = debar_str("attachment", sizeof("attachment") - 1);

    rc = debar_node_child(pdf->node, name, &in, &child);

    if (rc != DEBAR_OK || child == NULL) {
        return rc;
    }

    rc = debar_child_push(child, data.data, data.len);
    end = debar_child_finish(child);

    return rc == DEBAR_OK ? end : rc;
}


/* A text string: UTF-16 or UTF-8 by its mark, else as if it were Latin-1. */

static size_t
debar_pdf_text(char *out, size_t size, const char *in, size_t len)
{
    size_t                i, n;
    UChar32               c, low;
    const unsigned char  *u;

    u = (const unsigned char *) in;
    n = 0;

    if (len >= 3 && memcmp(in, "\xef\xbb\xbf", 3) == 0) {
        memcpy(out, in + 3, len - 3);
        return len - 3;
    }

    if (len >= 2 && u[0] == 0xfe && u[1] == 0xff) {

        for (i = 2; i + 1 < len && n + 4 <= size; i += 2) {
            c = u[i] << 8 | u[i + 1];

            if (U16_IS_LEAD(c) && i + 3 < len) {
                low = u[i + 2] << 8 | u[i + 3];

                if (U16_IS_TRAIL(low)) {
                    c = U16_GET_SUPPLEMENTARY(c, low);
                    i += 2;
                }
            }

            if (!U_IS_SURROGATE(c)) {
                U8_APPEND_UNSAFE(out, n, c);
            }
        }

        return n;
    }

    for (i = 0; i < len && n + 2 <= size; i++) {
        c = u[i];
        U8_APPEND_UNSAFE(out, n, c);
    }

    return n;
}

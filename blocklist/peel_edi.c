/*
 * EDI: X12 interchanges (ASC X12.5, X12.6) and EDIFACT ones (ISO 9735), segment
 * by segment as they stream.
 *
 * Read as laxly as receivers do: line ends between segments and in them, headers
 * of other lengths than the standard's, several interchanges after each other,
 * groups and messages without an interchange around them.
 */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/ucnv.h>
#include <unicode/utf8.h>

#include "peel_node.h"


/* A segment that is longer is told in pieces, which overlap so that no name is
 * lost where it was cut. */

#define DEBAR_EDI_SEGMENT   16384
#define DEBAR_EDI_OVERLAP   512

#define DEBAR_EDI_HEADER    512   /* an ISA, at most */
#define DEBAR_EDI_ISA_WHOLE 109   /* 106, and three that show where it ends */
#define DEBAR_EDI_ELEMENTS  99


typedef enum {
    DEBAR_EDI_START = 0,          /* before the 4th byte of a segment */
    DEBAR_EDI_ISA,                /* in a header that says the separators */
    DEBAR_EDI_UNA,
    DEBAR_EDI_BODY
} debar_edi_state_e;

typedef struct {
    unsigned           edifact;
    unsigned           state;     /* debar_edi_state_e */
    unsigned           known;     /* the marks */
    unsigned           released;  /* the byte before was a release character */
    unsigned           open;      /* an interchange that has not ended */
    unsigned           piece;     /* elements of this segment told before */
    debar_peel_marks_t marks;
    UConverter        *charset;   /* NULL: UTF-8, or as it came */
    size_t             len;
    char               data[DEBAR_EDI_SEGMENT];
    char               out[DEBAR_EDI_SEGMENT];
    char               text[DEBAR_EDI_SEGMENT * 4];
} debar_edi_t;


static int debar_x12_open(debar_node_t *node);
static int debar_edifact_open(debar_node_t *node);
static int debar_edi_push(debar_node_t *node, const char *data, size_t len);
static int debar_edi_finish(debar_node_t *node);
static void debar_edi_free(debar_node_t *node);
static int debar_edi_byte(debar_node_t *node, char c);
static int debar_edi_start(debar_node_t *node);
static int debar_edi_header(debar_node_t *node, unsigned whole);
static int debar_edi_again(debar_node_t *node);
static int debar_edi_body(debar_node_t *node, char c);
static int debar_edi_full(debar_node_t *node);
static int debar_edi_segment(debar_node_t *node, size_t *last);
static void debar_edi_interchange(debar_edi_t *e);
static int debar_edi_element(debar_node_t *node, unsigned n, size_t from,
    size_t to);
static int debar_edi_components(debar_node_t *node, unsigned n, size_t from,
    size_t to);
static int debar_edi_text(debar_node_t *node, unsigned n, unsigned sub,
    size_t from, size_t to);
static int debar_edi_value(debar_node_t *node, const char *name,
    const char *data, size_t len);
static int debar_edi_utf8(const char *data, size_t len);
static int debar_x12_marks(debar_peel_marks_t *m, const char *data, size_t len);
static int debar_edifact_marks(debar_peel_marks_t *m, const char *una);
static void debar_edifact_charset(debar_edi_t *e);


const debar_reader_t  debar_reader_x12 = {
    .syntax = DEBAR_SYNTAX_X12,
    .name = "x12",
    .open = debar_x12_open,
    .push = debar_edi_push,
    .finish = debar_edi_finish,
    .free = debar_edi_free
};

const debar_reader_t  debar_reader_edifact = {
    .syntax = DEBAR_SYNTAX_EDIFACT,
    .name = "edifact",
    .open = debar_edifact_open,
    .push = debar_edi_push,
    .finish = debar_edi_finish,
    .free = debar_edi_free
};


/* What the syntax identifier in UNB says (ISO 9735-1, code list 0001); UNOA and
 * UNOB are ASCII, UNOW and UNOY UTF-8. */

static const struct {
    char         id[5];
    const char  *charset;
} debar_edifact_charsets[] = {
    { "UNOC", "ISO-8859-1" },
    { "UNOD", "ISO-8859-2" },
    { "UNOE", "ISO-8859-5" },
    { "UNOF", "ISO-8859-7" },
    { "UNOG", "ISO-8859-3" },
    { "UNOH", "ISO-8859-4" },
    { "UNOI", "ISO-8859-6" },
    { "UNOJ", "ISO-8859-8" },
    { "UNOK", "ISO-8859-9" },
    { "UNOL", "ISO-8859-15" },
    { "UNOX", "ISO-2022-JP" },
    { "KECA", "EUC-KR" }
};

static const debar_peel_marks_t  debar_edifact_usual = {
    '+', ':', 0, '?', '\'', 0
};

/* Level B of old: information separators of ISO 646. */

static const debar_peel_marks_t  debar_edifact_control = {
    0x1d, 0x1f, 0, 0, 0x1c, 0
};


static inline int
debar_edi_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z');
}


static inline int
debar_edi_eol(char c)
{
    return c == '\r' || c == '\n';
}


/* What stands between segments. */

static inline int
debar_edi_blank(char c)
{
    return debar_edi_eol(c) || c == ' ' || c == '\t' || c == '\0';
}


static int
debar_edi_open(debar_node_t *node, unsigned edifact)
{
    debar_edi_t  *e;

    e = malloc(sizeof(debar_edi_t));

    if (e == NULL) {
        return DEBAR_ERROR;
    }

    memset(e, 0, offsetof(debar_edi_t, data));
    e->edifact = edifact;
    node->state = e;

    return DEBAR_OK;
}


static int
debar_x12_open(debar_node_t *node)
{
    return debar_edi_open(node, 0);
}


static int
debar_edifact_open(debar_node_t *node)
{
    return debar_edi_open(node, 1);
}


static void
debar_edi_free(debar_node_t *node)
{
    debar_edi_t  *e = node->state;

    if (e) {
        if (e->charset) {
            ucnv_close(e->charset);
        }

        free(e);
        node->state = NULL;
    }
}


static int
debar_edi_push(debar_node_t *node, const char *data, size_t len)
{
    int     rc;
    size_t  i;

    for (i = 0; i < len; i++) {
        rc = debar_edi_byte(node, data[i]);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


static int
debar_edi_finish(debar_node_t *node)
{
    int           rc;
    size_t        last;
    debar_edi_t  *e = node->state;

    if (e->state == DEBAR_EDI_ISA) {
        rc = debar_edi_header(node, 1);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    /* a last segment need not have its terminator */

    if (e->len) {
        if (!e->known) {
            debar_node_bound(node, DEBAR_PEEL_BROKEN);
            return debar_edi_value(node, "", e->data, e->len);
        }

        rc = debar_edi_segment(node, &last);

        if (rc != DEBAR_OK) {
            return rc;
        }

        if (e->open) {
            debar_node_bound(node, DEBAR_PEEL_BROKEN);
        }
    }

    return DEBAR_OK;
}


static int
debar_edi_byte(debar_node_t *node, char c)
{
    debar_edi_t  *e = node->state;

    switch (e->state) {

    case DEBAR_EDI_START:

        if (e->len == 0 && !(e->known && c == e->marks.terminator)
            && (debar_edi_blank(c)
                || (!e->known && strchr("\xef\xbb\xbf", c))))
        {
            return DEBAR_OK;
        }

        if (e->known) {
            if (e->len < 3 && c == e->marks.terminator) {
                return debar_edi_body(node, c);
            }
        }

        e->data[e->len++] = c;

        return e->len == 4 ? debar_edi_start(node) : DEBAR_OK;

    case DEBAR_EDI_ISA:

        e->data[e->len++] = c;

        return debar_edi_header(node, 0);

    case DEBAR_EDI_UNA:

        e->data[e->len++] = c;

        if (e->len < 9) {
            return DEBAR_OK;
        }

        if (debar_edifact_marks(&e->marks, e->data) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        e->known = 1;
        e->len = 0;
        e->state = DEBAR_EDI_START;
        debar_node_marks(node, &e->marks);

        return DEBAR_OK;

    default:
        return debar_edi_body(node, c);
    }
}


/* Four bytes of a segment: one that says the marks, or one in them. */

static int
debar_edi_start(debar_node_t *node)
{
    const char   *p;
    debar_edi_t  *e = node->state;

    p = e->data;

    if (!e->edifact) {

        if (memcmp(p, "ISA", 3) == 0 && !debar_edi_alnum(p[3])) {
            e->state = DEBAR_EDI_ISA;
            return DEBAR_OK;
        }

        /* groups or transactions by themselves */

        if (!e->known) {
            if ((memcmp(p, "GS", 2) != 0 && memcmp(p, "ST", 2) != 0)
                || debar_edi_alnum(p[2]) || (unsigned char) p[2] <= ' ')
            {
                return DEBAR_ERROR;
            }

            memset(&e->marks, 0, sizeof(e->marks));
            e->marks.element = p[2];
            e->marks.terminator = '~';
            e->known = 1;
            debar_node_marks(node, &e->marks);
        }

        return debar_edi_again(node);
    }

    if (memcmp(p, "UNA", 3) == 0) {
        e->state = DEBAR_EDI_UNA;
        return DEBAR_OK;
    }

    if (!e->known) {
        if (memcmp(p, "UN", 2) != 0) {
            return DEBAR_ERROR;
        }

        e->marks = p[3] == debar_edifact_control.element
                   ? debar_edifact_control : debar_edifact_usual;
        e->known = 1;
        debar_node_marks(node, &e->marks);
    }

    return debar_edi_again(node);
}


/* whole: nothing more comes. */

static int
debar_edi_header(debar_node_t *node, unsigned whole)
{
    int           rc;
    debar_edi_t  *e = node->state;

    /* looked at where one of the right length is whole, and once more */

    if (e->len != DEBAR_EDI_ISA_WHOLE && e->len != DEBAR_EDI_HEADER && !whole) {
        return DEBAR_OK;
    }

    rc = debar_x12_marks(&e->marks, e->data, e->len);

    if (rc == DEBAR_OK) {
        e->known = 1;
        debar_node_marks(node, &e->marks);
        return debar_edi_again(node);
    }

    if (rc == DEBAR_ERROR || e->len == DEBAR_EDI_HEADER || whole) {

        if (!e->known) {
            return whole ? DEBAR_OK : DEBAR_ERROR;
        }

        /* with the marks of the interchange before */

        return debar_edi_again(node);
    }

    return DEBAR_OK;
}


/* What was held to find the marks is read with them. */

static int
debar_edi_again(debar_node_t *node)
{
    int           rc;
    char          held[DEBAR_EDI_HEADER];
    size_t        i, len;
    debar_edi_t  *e = node->state;

    len = e->len;
    memcpy(held, e->data, len);

    e->len = 0;
    e->piece = 0;
    e->released = 0;
    e->state = DEBAR_EDI_BODY;

    for (i = 0; i < len; i++) {

        rc = e->state == DEBAR_EDI_BODY ? debar_edi_body(node, held[i])
                                        : debar_edi_byte(node, held[i]);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


static int
debar_edi_body(debar_node_t *node, char c)
{
    int           rc;
    size_t        last;
    debar_edi_t  *e = node->state;

    if (e->released) {
        e->released = 0;

    } else if (c == e->marks.terminator) {
        rc = e->len ? debar_edi_segment(node, &last) : DEBAR_OK;

        e->len = 0;
        e->piece = 0;
        e->state = DEBAR_EDI_START;

        return rc;

    } else if (e->marks.release && c == e->marks.release) {
        e->released = 1;
    }

    e->data[e->len++] = c;

    return e->len == DEBAR_EDI_SEGMENT ? debar_edi_full(node) : DEBAR_OK;
}


/* A piece is told, and the end of its last element kept for the next one. */

static int
debar_edi_full(debar_node_t *node)
{
    int           rc;
    char          tag[8];
    size_t        last, keep, from, n;
    debar_edi_t  *e = node->state;

    for (n = 0; n < 4 && e->data[n] != e->marks.element; n++) {
        tag[n] = e->data[n];
    }

    rc = debar_edi_segment(node, &last);

    if (rc != DEBAR_OK) {
        return rc;
    }

    keep = e->len - last;

    if (keep > DEBAR_EDI_OVERLAP) {
        keep = DEBAR_EDI_OVERLAP;
    }

    from = e->len - keep;
    tag[n++] = e->marks.element;

    memmove(e->data + n, e->data + from, keep);
    memcpy(e->data, tag, n);
    e->len = n + keep;

    return DEBAR_OK;
}


/* Where a mark that is not released stands next, or to. */

static size_t
debar_edi_cut(const debar_edi_t *e, char mark, size_t from, size_t to)
{
    size_t  i;

    if (mark == 0) {
        return to;
    }

    for (i = from; i < to; i++) {

        if (e->data[i] == mark) {
            return i;
        }

        if (e->marks.release && e->data[i] == e->marks.release) {
            i++;
        }
    }

    return to;
}


/* last: where the last element begins. */

static int
debar_edi_segment(debar_node_t *node, size_t *last)
{
    int           rc;
    size_t        from, to;
    unsigned      n;
    debar_str_t   tag;
    debar_edi_t  *e = node->state;

    to = debar_edi_cut(e, e->marks.element, 0, e->len);
    tag = debar_str(e->data, 0);

    /* of a tag with more behind it ("PO1:1") what is a tag */

    while (tag.len < to && tag.len < 32 && debar_edi_alnum(tag.data[tag.len])) {
        tag.len++;
    }

    *last = 0;
    rc = debar_node_begin(node, tag);

    if (rc == DEBAR_OK && tag.len < to) {
        rc = debar_edi_element(node, 0, tag.len, to);
    }

    for (n = e->piece; to < e->len && rc == DEBAR_OK; /* void */) {
        from = to + 1;
        to = debar_edi_cut(e, e->marks.element, from, e->len);
        n++;
        *last = from;

        rc = debar_edi_element(node, n, from, to);
    }

    if (rc != DEBAR_OK) {
        return rc;
    }

    e->piece = n ? n - 1 : 0;

    debar_edi_interchange(e);

    return debar_node_end(node);
}


static void
debar_edi_interchange(debar_edi_t *e)
{
    if (e->len < 3) {
        return;
    }

    if (memcmp(e->data, "UNB", 3) == 0) {
        e->open = 1;
        debar_edifact_charset(e);

    } else if (memcmp(e->data, "ISA", 3) == 0) {
        e->open = 1;

    } else if (memcmp(e->data, e->edifact ? "UNZ" : "IEA", 3) == 0) {
        e->open = 0;
    }
}


/* Repetitions are values of the same name. */

static int
debar_edi_element(debar_node_t *node, unsigned n, size_t from, size_t to)
{
    int           rc;
    size_t        end;
    debar_edi_t  *e = node->state;

    /* ISA says the marks: they separate nothing in it */

    if (!e->edifact && e->len > 3 && memcmp(e->data, "ISA", 3) == 0) {
        return debar_edi_text(node, n, 0, from, to);
    }

    for ( ;; ) {
        end = debar_edi_cut(e, e->marks.repetition, from, to);

        rc = debar_edi_components(node, n, from, end);

        if (rc != DEBAR_OK || end == to) {
            return rc;
        }

        from = end + 1;
    }
}


static int
debar_edi_components(debar_node_t *node, unsigned n, size_t from, size_t to)
{
    int           rc;
    size_t        end;
    unsigned      sub;
    debar_edi_t  *e = node->state;

    end = debar_edi_cut(e, e->marks.component, from, to);

    if (end == to) {
        return debar_edi_text(node, n, 0, from, to);
    }

    if (!e->edifact) {

        /* without the separators of components that are not there */

        while (to > from && e->data[to - 1] == e->marks.component) {
            to--;
        }

        rc = debar_edi_text(node, n, 0, from, to);

        if (rc != DEBAR_OK || end >= to) {
            return rc;
        }
    }

    for (sub = 1; /* void */; sub++) {
        rc = debar_edi_text(node, n, sub, from, end);

        if (rc != DEBAR_OK || end == to) {
            return rc;
        }

        from = end + 1;
        end = debar_edi_cut(e, e->marks.component, from, to);
    }
}


/*
 * Release characters undone.  Line ends are nothing where the terminator is
 * another, as in interchanges that were wrapped at 80 columns; what a reader
 * would see who keeps them is told too.
 */

static int
debar_edi_text(debar_node_t *node, unsigned n, unsigned sub, size_t from,
    size_t to)
{
    int           rc;
    char          c, name[32];
    size_t        i, len, lines;
    unsigned      wraps;
    debar_edi_t  *e = node->state;

    if (n > DEBAR_EDI_ELEMENTS) {
        n = DEBAR_EDI_ELEMENTS;
    }

    if (sub) {
        snprintf(name, sizeof(name), "%02u.%u", n, sub);

    } else {
        snprintf(name, sizeof(name), "%02u", n);
    }

    for (wraps = 0; wraps < 2; wraps++) {
        len = 0;
        lines = 0;

        for (i = from; i < to; i++) {
            c = e->data[i];

            if (e->marks.release && c == e->marks.release && i + 1 < to) {
                c = e->data[++i];
            }

            if (debar_edi_eol(c)) {
                lines++;

                if (!wraps) {
                    continue;
                }
            }

            e->out[len++] = c;
        }

        rc = debar_edi_value(node, name, e->out, len);

        if (rc != DEBAR_OK || lines == 0) {
            return rc;
        }
    }

    return DEBAR_OK;
}


/* Padding is cut; of nothing but padding there is no value. */

static int
debar_edi_value(debar_node_t *node, const char *name, const char *data,
    size_t len)
{
    char         *to;
    size_t        i;
    UErrorCode    status;
    const char   *from;
    debar_str_t   value;
    debar_edi_t  *e = node->state;

    while (len && (debar_edi_blank(data[len - 1]))) {
        len--;
    }

    while (len && debar_edi_blank(*data)) {
        data++;
        len--;
    }

    if (len == 0) {
        return DEBAR_OK;
    }

    value = debar_str(data, len);

    for (i = 0; i < len && (signed char) data[i] >= 0; i++) {
        /* void */
    }

    if (i < len && e->charset && !debar_edi_utf8(data, len)) {
        status = U_ZERO_ERROR;
        from = data;
        to = e->text;

        ucnv_reset(e->charset);
        i = ucnv_toAlgorithmic(UCNV_UTF8, e->charset, to, sizeof(e->text), from,
                               len, &status);

        if (U_SUCCESS(status) && i <= sizeof(e->text)) {
            value = debar_str(to, i);
        }
    }

    return debar_node_value(node, debar_str(name, strlen(name)), value);
}


/* Text that is UTF-8 is that, whatever UNB says: gateways re-encode bodies. */

static int
debar_edi_utf8(const char *data, size_t len)
{
    int      n;
    UChar32  c;
    int32_t  i;

    for (i = 0, n = (int) len; i < n; /* void */) {
        U8_NEXT(data, i, n, c);

        if (c < 0) {
            return 0;
        }
    }

    return 1;
}


/* --- marks --------------------------------------------------------------- */

static int
debar_edi_mark(char c)
{
    return (unsigned char) c < 0x80 && c != 0x7f && c != '\0' && c != ' '
           && !debar_edi_alnum(c);
}


/* DEBAR_DECLINED: more bytes are needed; DEBAR_ERROR: no ISA. */

static int
debar_x12_marks(debar_peel_marks_t *m, const char *data, size_t len)
{
    size_t    i, at;
    unsigned  n, lax;

    /* where the separators stand if it is as long as it has to be */

    static const unsigned char  places[16] = {
        3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103
    };

    if (len < 4) {
        return DEBAR_DECLINED;
    }

    if (memcmp(data, "ISA", 3) != 0 || !debar_edi_mark(data[3])
        || debar_edi_eol(data[3]))
    {
        return DEBAR_ERROR;
    }

    for (n = 0; n < 16 && places[n] < len && data[places[n]] == data[3]; n++) {
        /* void */
    }

    lax = n < 16 && places[n] < len;
    at = 103;
    i = places[10];

    if (lax) {
        for (at = 3, n = 1, i = 0; n < 16; n++) {

            do {
                at++;
            } while (at < len && data[at] != data[3]);

            if (at >= len) {
                return DEBAR_DECLINED;
            }

            if (n == 10) {
                i = at;
            }
        }
    }

    /* three more bytes show a header without a component separator */

    if (at + 5 >= len) {
        return DEBAR_DECLINED;
    }

    m->element = data[3];
    m->release = 0;
    m->decimal = 0;
    m->component = data[at + 1];
    m->terminator = data[at + 2];

    if (memcmp(data + at + 2, "GS", 2) == 0 && data[at + 4] == data[3]) {
        m->component = 0;
        m->terminator = data[at + 1];
    }

    /* ISA11 is "U", or since 00402 what separates repetitions */

    m->repetition = data[i + 2] == data[3] && debar_edi_mark(data[i + 1])
                    ? data[i + 1] : 0;

    if (!debar_edi_mark(m->terminator) || m->terminator == m->element) {
        return DEBAR_ERROR;
    }

    if (!debar_edi_mark(m->component) || m->component == m->element
        || m->component == m->terminator)
    {
        m->component = 0;
    }

    if (m->repetition == m->element || m->repetition == m->terminator) {
        m->repetition = 0;
    }

    return DEBAR_OK;
}


static int
debar_edifact_marks(debar_peel_marks_t *m, const char *una)
{
    m->component = una[3];
    m->element = una[4];
    m->release = una[6];
    m->repetition = una[7];
    m->terminator = una[8];

    m->decimal = una[5];

    if (!debar_edi_mark(m->element) || !debar_edi_mark(m->component)
        || !debar_edi_mark(m->terminator) || m->element == m->component
        || m->element == m->terminator || m->component == m->terminator)
    {
        return DEBAR_ERROR;
    }

    if (!debar_edi_mark(m->release) || m->release == m->element
        || m->release == m->component || m->release == m->terminator)
    {
        m->release = 0;
    }

    if (!debar_edi_mark(m->repetition) || m->repetition == m->element
        || m->repetition == m->component || m->repetition == m->terminator
        || m->repetition == m->release)
    {
        m->repetition = 0;
    }

    return DEBAR_OK;
}


static void
debar_edifact_charset(debar_edi_t *e)
{
    UErrorCode   status;
    const char  *name;

    if (e->charset) {
        ucnv_close(e->charset);
        e->charset = NULL;
    }

    if (e->len < 8) {
        return;
    }

    name = debar_edifact_charset_name(e->data + 4);

    if (name == NULL) {
        return;
    }

    status = U_ZERO_ERROR;
    e->charset = ucnv_open(name, &status);

    if (U_FAILURE(status)) {
        e->charset = NULL;
    }
}


const char *
debar_edifact_charset_name(const char *id)
{
    size_t  i;

    for (i = 0; i < sizeof(debar_edifact_charsets) /
                    sizeof(debar_edifact_charsets[0]); i++)
    {
        if (memcmp(id, debar_edifact_charsets[i].id, 4) == 0) {
            return debar_edifact_charsets[i].charset;
        }
    }

    return NULL;
}


const debar_reader_t *
debar_edi_look(const char *data, size_t len)
{
    size_t             i;
    debar_peel_marks_t  m;

    while (len && (debar_edi_blank(*data) || strchr("\xef\xbb\xbf", *data))) {
        data++;
        len--;
    }

    if (len >= 106 && memcmp(data, "ISA", 3) == 0) {
        return debar_x12_marks(&m, data, len) == DEBAR_OK ? &debar_reader_x12
                                                          : NULL;
    }

    if (len >= 9 && memcmp(data, "UNA", 3) == 0) {

        if (debar_edifact_marks(&m, data) != DEBAR_OK) {
            return NULL;
        }

        for (i = 9; i < len && debar_edi_blank(data[i]); i++) {
            /* void */
        }

        return i + 3 <= len && memcmp(data + i, "UN", 2) == 0
               && data[i + 3 < len ? i + 3 : 4] == m.element
               ? &debar_reader_edifact : NULL;
    }

    if (len >= 9 && memcmp(data, "UNB", 3) == 0
        && (data[3] == debar_edifact_usual.element
            || data[3] == debar_edifact_control.element)
        && (data[8] == debar_edifact_usual.component
            || data[8] == debar_edifact_control.component))
    {
        return &debar_reader_edifact;
    }

    return NULL;
}

/*
 * Multipart (RFC 2046 s.5.1, form data RFC 7578, signed AS2) and one MIME
 * entity (message/rfc822), as they stream.
 *
 * A field of a form is a value of its name.  Any other part is a container of
 * its name, with "@filename" where it has one, and in it what it carries, its
 * transfer encoding undone.  Preamble and epilogue are looked at, though nobody
 * should read them; signatures are passed over.
 */

#include <stdlib.h>
#include <strings.h>

#include "peel_node.h"


#define DEBAR_PART_BOUNDARY  256          /* RFC 2046: 70 */
#define DEBAR_PART_BLANKS    256          /* after a boundary */
#define DEBAR_PART_HEADERS   16384
#define DEBAR_PART_NAME      1024

typedef enum {
    DEBAR_PART_OUTSIDE = 0,               /* preamble, epilogue */
    DEBAR_PART_HEAD,
    DEBAR_PART_BODY,                      /* goes to a child */
    DEBAR_PART_FIELD,                     /* is held */
    DEBAR_PART_PASSED
} debar_part_at_e;

typedef struct {
    debar_node_t  *node;
    debar_node_t  *child;
    unsigned       at;
    unsigned       begun;                 /* the part is a container */
    unsigned       parts;
    unsigned       closed;                /* the last boundary has come */

    unsigned       derive;                /* the boundary is the first line's */
    size_t         nboundary;             /* with "--"; 0: a single entity */
    char           boundary[DEBAR_PART_BOUNDARY + 2];

    unsigned       bol;                   /* the next byte begins a line */
    size_t         nline;                 /* that may be a boundary */
    char           line[DEBAR_PART_BOUNDARY + 4 + DEBAR_PART_BLANKS];
    size_t         neol;                  /* which is the boundary's, if one
                                             follows */
    char           eol[2];

    debar_buf_t    head;
    size_t         head_line;             /* where its last line begins */
    debar_buf_t    value;
    size_t         nname;
    char           name[DEBAR_PART_NAME];
} debar_part_t;


static int
debar_part_open(debar_node_t *node)
{
    int            n;
    debar_part_t  *m;

    m = calloc(1, sizeof(debar_part_t));
    if (m == NULL) {
        return DEBAR_ERROR;
    }

    m->node = node;
    m->bol = 1;
    node->state = m;

    if (node->reader == &debar_reader_mime) {
        m->at = DEBAR_PART_HEAD;
        return DEBAR_OK;
    }

    n = debar_field_parameter(node->in.content_type, "boundary",
                              m->boundary + 2, DEBAR_PART_BOUNDARY);

    while (n > 0 && m->boundary[n + 1] == ' ') {
        n--;
    }

    m->derive = (n <= 0);
    m->nboundary = (n > 0) ? n + 2 : 0;
    m->boundary[0] = '-';
    m->boundary[1] = '-';

    return DEBAR_OK;
}


/* --- the head of a part -------------------------------------------------- */

/* A field's value, unfolded in place; empty: there is none. */

static debar_str_t
debar_part_header(debar_part_t *m, const char *name)
{
    char    *line, *end, *stop, *p;
    size_t   n;

    if (m->head.len == 0) {
        return debar_str("", 0);
    }

    n = strlen(name);
    line = m->head.data;
    stop = line + m->head.len;

    for ( /* void */ ; line < stop; line = end) {

        for (end = line; end < stop; end++) {
            if (*end == '\n' && (end + 1 == stop
                                 || (end[1] != ' ' && end[1] != '\t')))
            {
                end++;
                break;
            }
        }

        if ((size_t) (end - line) <= n || strncasecmp(line, name, n) != 0) {
            continue;
        }

        for (p = line + n; p < end && (*p == ' ' || *p == '\t'); p++) {
            /* void */
        }

        if (p == end || *p != ':') {
            continue;
        }

        line = p + 1;

        /* not the end of its last line, which later look-ups need */

        end -= (end[-1] == '\n');

        for (p = line; p < end; p++) {
            if (*p == '\r' || *p == '\n' || *p == '\t') {
                *p = ' ';
            }
        }

        while (line < end && *line == ' ') {
            line++;
        }

        while (end > line && end[-1] == ' ') {
            end--;
        }

        return debar_str(line, end - line);
    }

    return debar_str("", 0);
}


/* A line of a head: "name: value", or what goes on from the one before. */

static unsigned
debar_part_is_header(debar_part_t *m)
{
    size_t  i;

    i = m->head_line;

    if (i && (m->head.data[i] == ' ' || m->head.data[i] == '\t')) {
        return 1;
    }

    while (i < m->head.len && debar_is_tchar(m->head.data[i])) {
        i++;
    }

    if (i == m->head_line) {
        return 0;
    }

    while (i < m->head.len
           && (m->head.data[i] == ' ' || m->head.data[i] == '\t'))
    {
        i++;
    }

    return i < m->head.len && m->head.data[i] == ':';
}


/* "type/subtype" or a token at the start of a field's value. */

static unsigned
debar_part_is(debar_str_t value, const char *token)
{
    size_t  n;

    n = strlen(token);

    return value.len >= n && strncasecmp(value.data, token, n) == 0
           && (value.len == n || strchr(" ;\t(", value.data[n]) != NULL);
}


/* A name as it is meant: parameters of either kind, encoded words. */

static int
debar_part_parameter(debar_str_t field, const char *name, char *out,
    size_t size)
{
    int   n;
    char  raw[DEBAR_PART_NAME];

    n = debar_field_parameter(field, name, raw, sizeof(raw));

    return n < 0 ? n : (int) debar_field_words(debar_str(raw, n), out, size);
}


/* File names, each way that one is given. */

static int
debar_part_files(debar_part_t *m, debar_str_t disposition, debar_str_t type)
{
    int          n, rc;
    char         file[DEBAR_PART_NAME];
    unsigned     i;
    debar_str_t  field;

    static const char *const  names[] = { "filename", "filename*", "name" };

    for (i = 0; i < 3; i++) {
        field = (i == 2) ? type : disposition;
        n = debar_part_parameter(field, names[i], file, sizeof(file));

        if (n <= 0) {
            continue;
        }

        rc = debar_node_value(m->node, debar_str("@filename", 9),
                              debar_str(file, n));
        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


/* A field of a form without a type or encoding that has to be undone. */

static unsigned
debar_part_is_field(debar_str_t disposition, debar_str_t type,
    debar_str_t transfer, debar_str_t coding)
{
    int   n;
    char  charset[16];

    if (!debar_part_is(disposition, "form-data") || coding.len
        || debar_field_parameter(disposition, "filename", charset, 1) >= 0
        || debar_field_parameter(disposition, "filename*", charset, 1) >= 0)
    {
        return 0;
    }

    if (transfer.len && !debar_part_is(transfer, "7bit")
        && !debar_part_is(transfer, "8bit")
        && !debar_part_is(transfer, "binary"))
    {
        return 0;
    }

    if (type.len == 0) {
        return 1;
    }

    n = debar_field_parameter(type, "charset", charset, sizeof(charset));

    return debar_part_is(type, "text/plain")
           && (n < 0 || (n == 5 && strncasecmp(charset, "utf-8", 5) == 0)
               || (n == 8 && strncasecmp(charset, "us-ascii", 8) == 0));
}


/* A part that is a document of its own. */

static int
debar_part_child(debar_part_t *m, debar_str_t disposition, debar_str_t type,
    debar_str_t transfer, debar_str_t coding)
{
    int                 rc;
    debar_buf_t         codings;
    debar_peel_input_t  in;

    memset(&in, 0, sizeof(in));
    memset(&codings, 0, sizeof(codings));
    in.content_type = type;
    in.content_disposition = disposition;

    rc = debar_node_hold(m->node, &codings, coding.data, coding.len);

    if (rc == DEBAR_OK && coding.len && transfer.len) {
        rc = debar_node_hold(m->node, &codings, ", ", 2);
    }

    if (rc == DEBAR_OK) {
        rc = debar_node_hold(m->node, &codings, transfer.data, transfer.len);
    }

    if (rc == DEBAR_OK) {
        in.content_encoding = debar_str(codings.data, codings.len);
        rc = debar_node_child(m->node, debar_str("", 0), &in, &m->child);
    }

    free(codings.data);
    m->at = DEBAR_PART_BODY;

    return rc;
}


/* The head is whole: what the body of the part will be. */

static int
debar_part_begin(debar_part_t *m)
{
    int          n, rc;
    debar_str_t  disposition, type, transfer, coding;

    disposition = debar_part_header(m, "Content-Disposition");
    type = debar_part_header(m, "Content-Type");
    transfer = debar_part_header(m, "Content-Transfer-Encoding");
    coding = debar_part_header(m, "Content-Encoding");

    n = debar_part_parameter(disposition, "name", m->name, sizeof(m->name));

    if (n < 0) {
        n = debar_part_parameter(disposition, "name*", m->name,
                                 sizeof(m->name));
    }

    m->nname = (n > 0) ? n : 0;
    m->at = DEBAR_PART_PASSED;

    if (debar_part_is(type, "application/pkcs7-signature")
        || debar_part_is(type, "application/x-pkcs7-signature")
        || debar_part_is(type, "application/pgp-signature"))
    {
        return DEBAR_OK;
    }

    if (debar_part_is(type, "application/pgp-encrypted")) {
        debar_node_bound(m->node, DEBAR_PEEL_SEALED);
        return DEBAR_OK;
    }

    if (m->nboundary
        && debar_part_is_field(disposition, type, transfer, coding))
    {
        m->at = DEBAR_PART_FIELD;
        return DEBAR_OK;
    }

    if (m->nboundary) {
        rc = debar_node_begin(m->node, debar_str(m->name, m->nname));

        if (rc != DEBAR_OK) {
            return rc;
        }

        m->begun = 1;
    }

    rc = debar_part_files(m, disposition, type);

    return rc != DEBAR_OK ? rc : debar_part_child(m, disposition, type,
                                                  transfer, coding);
}


/* --- what stands between boundaries -------------------------------------- */

static int
debar_part_outside(debar_part_t *m, const char *data, size_t len)
{
    int                 rc;
    debar_peel_input_t  in;

    if (m->child == NULL) {
        while (len && strchr(" \t\r\n", *data) && *data) {
            data++;
            len--;
        }

        if (len == 0) {
            return DEBAR_OK;
        }

        memset(&in, 0, sizeof(in));
        rc = debar_node_child(m->node, debar_str("", 0), &in, &m->child);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return debar_child_push(m->child, data, len);
}


/* Too much to be held for a field: it goes on as a child. */

static int
debar_part_overflow(debar_part_t *m, const char *data, size_t len)
{
    int          rc;
    debar_str_t  none = debar_string("");

    rc = debar_node_begin(m->node, debar_str(m->name, m->nname));

    if (rc == DEBAR_OK) {
        m->begun = 1;
        rc = debar_part_child(m, none, none, none, none);
    }

    if (rc == DEBAR_OK) {
        rc = debar_child_push(m->child, m->value.data, m->value.len);
        m->value.len = 0;
    }

    return rc != DEBAR_OK ? rc : debar_child_push(m->child, data, len);
}


/*
 * Bytes of a head; *len: those that were taken.  It ends with an empty line,
 * and before a line that is none of a head: that one is the body's.
 */

static int
debar_part_head(debar_part_t *m, const char *data, size_t *len)
{
    size_t       n;
    const char  *lf;

    lf = memchr(data, '\n', *len);
    n = lf ? (size_t) (lf - data) + 1 : *len;

    if (m->head.len + n > DEBAR_PART_HEADERS) {
        debar_node_bound(m->node, DEBAR_PEEL_HELD);
        *len = 0;
        return debar_part_begin(m);
    }

    if (debar_node_hold(m->node, &m->head, data, n) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    *len = n;

    if (lf == NULL) {
        return DEBAR_OK;
    }

    n = m->head.len - m->head_line;

    if (n == 1 || (n == 2 && m->head.data[m->head_line] == '\r')) {
        m->head.len = m->head_line;
        return debar_part_begin(m);
    }

    if (debar_part_is_header(m)) {
        m->head_line = m->head.len;
        return DEBAR_OK;
    }

    return debar_part_begin(m);
}


static int
debar_part_data(debar_part_t *m, const char *data, size_t len)
{
    int     rc;
    size_t  n, line;

    for (rc = DEBAR_OK; len && rc == DEBAR_OK && m->at == DEBAR_PART_HEAD;
         data += n, len -= n)
    {
        n = len;
        line = m->head_line;
        rc = debar_part_head(m, data, &n);

        if (rc == DEBAR_OK && m->at != DEBAR_PART_HEAD
            && line == m->head_line && m->head.len > line)
        {
            /* its last line was the body's first */
            m->head_line = m->head.len;
            rc = debar_part_data(m, m->head.data + line, m->head.len - line);
        }
    }

    if (rc != DEBAR_OK || len == 0) {
        return rc;
    }

    switch (m->at) {

    case DEBAR_PART_OUTSIDE:
        return debar_part_outside(m, data, len);

    case DEBAR_PART_BODY:
        return debar_child_push(m->child, data, len);

    case DEBAR_PART_FIELD:
        rc = debar_node_hold(m->node, &m->value, data, len);
        return rc == DEBAR_OK ? rc : debar_part_overflow(m, data, len);
    }

    return DEBAR_OK;
}


/* The part, or what stands outside of parts, ends. */

static int
debar_part_end(debar_part_t *m)
{
    int            rc;
    size_t         line;
    debar_node_t  *child;

    rc = DEBAR_OK;

    if (m->at == DEBAR_PART_HEAD) {
        line = m->head_line;

        if (m->head.len > line && debar_part_is_header(m)) {
            line = m->head.len;
        }

        rc = debar_part_begin(m);

        if (rc == DEBAR_OK && m->head.len > line) {
            rc = debar_part_data(m, m->head.data + line, m->head.len - line);
        }
    }

    child = m->child;
    m->child = NULL;

    if (rc == DEBAR_OK && child) {
        rc = debar_child_finish(child);
    }

    if (rc == DEBAR_OK && m->at == DEBAR_PART_FIELD) {
        rc = debar_node_value(m->node, debar_str(m->name, m->nname),
                              debar_str(m->value.len ? m->value.data : "",
                                        m->value.len));
    }

    if (rc == DEBAR_OK && m->begun) {
        rc = debar_node_end(m->node);
    }

    m->begun = 0;
    m->head.len = 0;
    m->head_line = 0;
    m->value.len = 0;

    return rc;
}


/* --- lines --------------------------------------------------------------- */

static int
debar_part_boundary(debar_part_t *m)
{
    int       rc;
    unsigned  last;

    last = m->nline >= m->nboundary + 2 && m->line[m->nboundary] == '-'
           && m->line[m->nboundary + 1] == '-';

    m->nline = 0;
    m->neol = 0;
    rc = debar_part_end(m);

    m->parts += !last;
    m->closed = last;
    m->at = last ? DEBAR_PART_OUTSIDE : DEBAR_PART_HEAD;

    return rc;
}


/* Whether what there is of a line may be a boundary: white space may follow,
 * and "--" after the last part. */

static unsigned
debar_part_may(debar_part_t *m)
{
    size_t  i, n;

    n = (m->nline < m->nboundary) ? m->nline : m->nboundary;

    if (memcmp(m->line, m->boundary, n) != 0 || m->nline == sizeof(m->line)) {
        return 0;
    }

    for (i = n; i < m->nline; i++) {
        if (m->line[i] == '-' && i < n + 2
            && (i == n || m->line[n] == '-'))
        {
            continue;
        }

        if (m->line[i] != ' ' && m->line[i] != '\t' && m->line[i] != '\r') {
            return 0;
        }
    }

    return 1;
}


/* Whether it is one, as it stands. */

static unsigned
debar_part_bounds(debar_part_t *m)
{
    size_t  n;

    n = m->nboundary;

    return m->nline >= n
           && (m->nline == n || m->line[n] != '-'
               || (m->nline > n + 1 && m->line[n + 1] == '-'));
}


/* The withheld end of a line and the start of the next are data. */

static int
debar_part_release(debar_part_t *m)
{
    int     rc;
    size_t  n;

    n = m->neol;
    m->neol = 0;
    rc = n ? debar_part_data(m, m->eol, n) : DEBAR_OK;

    n = m->nline;
    m->nline = 0;
    m->bol = 0;

    return (rc == DEBAR_OK && n) ? debar_part_data(m, m->line, n) : rc;
}


/* The boundary of a body that has no label is what it begins with. */

static int
debar_part_derive(debar_part_t *m, char ch)
{
    size_t  n;

    if (ch != '\n') {
        if (m->nline == DEBAR_PART_BOUNDARY) {
            return DEBAR_ERROR;
        }

        m->line[m->nline++] = ch;
        return DEBAR_OK;
    }

    for (n = m->nline; n && strchr(" \t\r", m->line[n - 1]); n--) {
        /* void */
    }

    if (n == 0) {
        m->nline = 0;
        return DEBAR_OK;
    }

    if (n < 3 || m->line[0] != '-' || m->line[1] != '-') {
        return DEBAR_ERROR;
    }

    memcpy(m->boundary, m->line, n);
    m->nboundary = n;
    m->derive = 0;
    m->nline = 0;
    m->at = DEBAR_PART_HEAD;
    m->parts = 1;

    return DEBAR_OK;
}


/* Bytes within a line: up to its end, which is withheld. */

static size_t
debar_part_line(debar_part_t *m, const char *data, size_t len, int *rc)
{
    size_t       n, keep;
    const char  *lf;

    if (m->neol) {
        /* "\r" at a cut: the end of the line if "\n" follows */

        if (data[0] == '\n') {
            m->eol[m->neol++] = '\n';
            m->bol = 1;
            return 1;
        }

        *rc = debar_part_release(m);
        return 0;
    }

    lf = memchr(data, '\n', len);
    n = lf ? (size_t) (lf - data) : len;
    keep = n && data[n - 1] == '\r';

    if (n - keep) {
        *rc = debar_part_data(m, data, n - keep);
    }

    memcpy(m->eol, "\r\n", 2);
    m->neol = keep;

    if (lf) {
        m->eol[m->neol++] = '\n';
        m->bol = 1;
        n++;
    }

    return n;
}


static int
debar_part_push(debar_node_t *node, const char *data, size_t len)
{
    int            rc;
    size_t         n;
    debar_part_t  *m = node->state;

    if (!m->derive && m->nboundary == 0) {
        return debar_part_data(m, data, len);
    }

    for (rc = DEBAR_OK; len && rc == DEBAR_OK; data += n, len -= n) {

        n = 1;

        if (m->derive) {
            rc = debar_part_derive(m, *data);

        } else if (!m->bol) {
            n = debar_part_line(m, data, len, &rc);

        } else if (*data == '\n' && debar_part_bounds(m)) {
            rc = debar_part_boundary(m);

        } else {
            m->line[m->nline++] = *data;

            if (*data == '\n' || !debar_part_may(m)) {
                /* read again as what it is: a line's own bytes */
                m->nline--;
                n = 0;
                rc = debar_part_release(m);
            }
        }
    }

    return rc;
}


static int
debar_part_finish(debar_node_t *node)
{
    int            rc;
    debar_part_t  *m = node->state;

    if (m->derive) {
        return m->nline ? DEBAR_ERROR : DEBAR_OK;
    }

    if (m->nboundary && m->bol && debar_part_bounds(m)) {
        rc = debar_part_boundary(m);

    } else {
        rc = debar_part_release(m);
    }

    if (rc == DEBAR_OK) {
        rc = debar_part_end(m);
    }

    if (rc == DEBAR_OK && m->nboundary && !m->closed) {
        debar_node_bound(node, DEBAR_PEEL_BROKEN);
    }

    return rc;
}


static void
debar_part_free(debar_node_t *node)
{
    debar_part_t  *m = node->state;

    if (m != NULL) {
        free(m->head.data);
        free(m->value.data);
        free(m);
    }
}


const debar_reader_t  debar_reader_multipart = {
    DEBAR_SYNTAX_MULTIPART,
    "multipart",
    debar_part_open,
    debar_part_push,
    debar_part_finish,
    debar_part_free
};

const debar_reader_t  debar_reader_mime = {
    DEBAR_SYNTAX_MULTIPART,
    "message",
    debar_part_open,
    debar_part_push,
    debar_part_finish,
    debar_part_free
};

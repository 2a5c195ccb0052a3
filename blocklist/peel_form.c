/*
 * Pairs: urlencoded forms (WHATWG URL s.5.1) and cookies (RFC 6265).
 */

#include "peel_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>


/* A value that grows beyond this is told in pieces too, as it comes in; what
 * stands at the end of one is told again with the next. */

#define DEBAR_FORM_PIECE    (256 * 1024)
#define DEBAR_FORM_OVERLAP  256

typedef struct {
    unsigned     cookie;
    unsigned     begun;
    char         sep;
    unsigned     equals;          /* the name of the pair is whole */
    unsigned     any;             /* the pair has bytes */
    unsigned     lost;            /* ... and its value no beginning */
    unsigned     npend;
    char         pend[2];
    size_t       told;            /* of value, in pieces */
    debar_buf_t  name;
    debar_buf_t  value;
} debar_form_t;


static int
debar_form_open_as(debar_node_t *node, unsigned cookie)
{
    debar_form_t  *f;

    f = calloc(1, sizeof(debar_form_t));
    if (f == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_ERROR;
    }

    f->cookie = cookie;
    f->sep = cookie ? ';' : '&';
    node->state = f;

    return DEBAR_OK;
}


static int
debar_form_open(debar_node_t *node)
{
    return debar_form_open_as(node, 0);
}


static int
debar_cookie_open(debar_node_t *node)
{
    return debar_form_open_as(node, 1);
}


static void
debar_form_free(debar_node_t *node)
{
    debar_form_t  *f = node->state;

    if (f) {
        free(f->name.data);
        free(f->value.data);
        free(f);
    }
}


/* Blanks around, quotes of a cookie's value. */

static debar_str_t
debar_cookie_trim(debar_str_t s)
{
    while (s.len && isspace((uint8_t) s.data[0])) {
        s.data++;
        s.len--;
    }

    while (s.len && isspace((uint8_t) s.data[s.len - 1])) {
        s.len--;
    }

    if (s.len > 1 && s.data[0] == '"' && s.data[s.len - 1] == '"') {
        s.data++;
        s.len -= 2;
    }

    return s;
}


static int
debar_form_utf8(debar_str_t s)
{
    size_t  i, n;

    for (i = 0; i < s.len; i += n) {
        n = (uint8_t) s.data[i] < 0x80 ? 1
            : debar_utf8_len(s.data + i, s.len - i);

        if (n == 0) {
            return 0;
        }
    }

    return 1;
}


/* A value in the charset that the label names, where it is not UTF-8. */

static char *
debar_form_charset(debar_node_t *node, debar_str_t *value)
{
    int     n;
    char    charset[DEBAR_CHARSET], *out;
    size_t  len;

    if (node->in.content_type.len == 0 || value->len == 0
        || (debar_form_utf8(*value)
            && memchr(value->data, '+', value->len) == NULL))
    {
        return NULL;
    }

    n = debar_field_parameter(node->in.content_type, "charset", charset,
                              sizeof(charset));

    if (n <= 0 || n >= (int) sizeof(charset)) {
        return NULL;
    }

    charset[n] = '\0';

    /* what is UTF-8 may be of one that is written in ASCII */

    if (debar_form_utf8(*value) && strcasecmp(charset, "utf-7") != 0) {
        return NULL;
    }

    out = malloc(value->len * 4 + 16);

    if (out == NULL) {
        return NULL;
    }

    len = debar_charset_value(charset, value->data, value->len, out,
                              value->len * 4 + 16);
    if (len) {
        *value = debar_str(out, len);
    }

    return out;
}


static int
debar_form_piece(debar_node_t *node)
{
    int            rc;
    size_t         from;
    debar_form_t  *f = node->state;

    from = f->told > DEBAR_FORM_OVERLAP ? f->told - DEBAR_FORM_OVERLAP : 0;

    rc = debar_node_plain(node, debar_str(f->name.data, f->name.len),
                          debar_str(f->value.data + from,
                                    f->value.len - from));
    f->told = f->value.len;

    return rc;
}


/* The pair ends. */

static int
debar_form_pair(debar_node_t *node)
{
    int            rc;
    char          *copy;
    debar_str_t    name, value;
    debar_form_t  *f = node->state;

    rc = DEBAR_OK;
    copy = NULL;

    name = debar_str(f->name.data, f->name.len);
    value = debar_str(f->value.data, f->value.len);

    if (!f->equals) {
        value = name;
        name.len = 0;
    }

    if (f->cookie) {
        name = debar_cookie_trim(name);
        value = debar_cookie_trim(value);
    }

    if (f->told || f->lost) {
        rc = f->value.len > f->told ? debar_form_piece(node) : DEBAR_OK;

        if (rc == DEBAR_OK && !f->lost) {
            rc = debar_node_inside(node, name, value);
        }

    } else if (f->any && (name.len || value.len)) {
        copy = debar_form_charset(node, &value);
        rc = debar_node_value(node, name, value);
        free(copy);
    }

    f->name.len = 0;
    f->value.len = 0;
    f->told = 0;
    f->equals = 0;
    f->any = 0;
    f->lost = 0;

    return rc;
}


static int
debar_form_add(debar_node_t *node, const char *data, size_t len)
{
    int            rc;
    debar_form_t  *f = node->state;

    if (!f->equals) {
        /* a name has no end: the rest of it is of no use */
        (void) debar_node_hold(node, &f->name, data, len);
        return DEBAR_OK;
    }

    if (debar_node_hold(node, &f->value, data, len) != DEBAR_OK) {
        rc = debar_form_piece(node);
        f->value.len = 0;
        f->told = 0;
        f->lost = 1;

        return rc == DEBAR_OK && debar_node_hold(node, &f->value, data, len)
                                 != DEBAR_OK
               ? DEBAR_OK : rc;
    }

    return f->value.len - f->told >= DEBAR_FORM_PIECE ? debar_form_piece(node)
                                                      : DEBAR_OK;
}


/* Undoes what was left of "%4" when it is not followed by what it needs. */

static int
debar_form_pend(debar_node_t *node)
{
    unsigned       n;
    debar_form_t  *f = node->state;

    n = f->npend;
    f->npend = 0;

    return n ? debar_form_add(node, f->pend, n) : DEBAR_OK;
}


static int
debar_form_char(debar_node_t *node, char ch)
{
    int            rc;
    char           c;
    debar_form_t  *f = node->state;

    if (f->npend == 1 && debar_hex_digit((uint8_t) ch) >= 0) {
        f->pend[f->npend++] = ch;
        return DEBAR_OK;
    }

    if (f->npend == 2 && debar_hex_digit((uint8_t) ch) >= 0) {
        c = debar_hex_digit((uint8_t) f->pend[1]) << 4
            | debar_hex_digit((uint8_t) ch);
        f->npend = 0;

        return debar_form_add(node, &c, 1);
    }

    rc = debar_form_pend(node);
    if (rc != DEBAR_OK) {
        return rc;
    }

    if (ch == f->sep) {
        return debar_form_pair(node);
    }

    f->any = 1;

    if (ch == '=' && !f->equals) {
        f->equals = 1;
        return DEBAR_OK;
    }

    if (f->cookie) {
        return debar_form_add(node, &ch, 1);
    }

    if (ch == '%') {
        f->pend[f->npend++] = ch;
        return DEBAR_OK;
    }

    return debar_form_add(node, ch == '+' ? " " : &ch, 1);
}


/* Old forms part their pairs by ";": where no "&" is there, and all that is so
 * parted has a name. */

static char
debar_form_separator(const char *data, size_t len)
{
    size_t    i;
    unsigned  equals, pairs;

    if (memchr(data, '&', len) || memchr(data, ';', len) == NULL) {
        return '&';
    }

    equals = 0;
    pairs = 0;

    for (i = 0; i < len; i++) {
        if (data[i] == '=') {
            equals++;

        } else if (data[i] == ';') {
            if (equals == 0) {
                return '&';
            }

            equals = 0;
            pairs++;
        }
    }

    return pairs && (equals || data[len - 1] == ';') ? ';' : '&';
}


/* How many bytes need no decoding and end nothing. */

static size_t
debar_form_plain(const debar_form_t *f, const char *data, size_t len)
{
    char    c, equals;
    size_t  n, room;

    room = f->equals ? f->told + DEBAR_FORM_PIECE - f->value.len : len;
    len = len < room ? len : room;
    equals = f->equals ? f->sep : '=';

    for (n = 0; n < len; n++) {
        c = data[n];

        if (c == f->sep || c == '%' || c == '+' || c == equals) {
            break;
        }
    }

    return n;
}


static int
debar_form_push(debar_node_t *node, const char *data, size_t len)
{
    int            rc;
    size_t         i, n;
    debar_form_t  *f = node->state;

    if (!f->begun && len) {
        f->begun = 1;

        if (!f->cookie) {
            f->sep = debar_form_separator(data, len);
        }
    }

    for (i = 0; i < len; i += n) {

        n = f->npend ? 0 : debar_form_plain(f, data + i, len - i);

        if (n) {
            f->any = 1;
            rc = debar_form_add(node, data + i, n);

        } else {
            n = 1;
            rc = debar_form_char(node, data[i]);
        }

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


static int
debar_form_finish(debar_node_t *node)
{
    int            rc;
    debar_form_t  *f = node->state;

    /* a line break behind the last pair is the tool's that sent it */

    while (f->npend == 0 && f->value.len > f->told
           && (f->value.data[f->value.len - 1] == '\n'
               || f->value.data[f->value.len - 1] == '\r'))
    {
        f->value.len--;
    }

    rc = debar_form_pend(node);

    return rc == DEBAR_OK ? debar_form_pair(node) : rc;
}


const debar_reader_t  debar_reader_form = {
    DEBAR_SYNTAX_FORM, "form", debar_form_open, debar_form_push,
    debar_form_finish, debar_form_free
};

const debar_reader_t  debar_reader_cookie = {
    DEBAR_SYNTAX_COOKIE, "cookie", debar_cookie_open, debar_form_push,
    debar_form_finish, debar_form_free
};

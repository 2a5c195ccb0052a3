/*
 * A request of HTTP as a part of a batch (application/http, RFC 9112 s.10.2;
 * OData, Google): "@method" and "@url" of its first line, and its body, read by
 * its own header fields.  Of an answer only the body is read.
 */

#include "peel_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>


#define DEBAR_HTTP_HEAD    16384
#define DEBAR_HTTP_METHOD     32

typedef struct {
    debar_buf_t    head;
    unsigned       past;          /* the head */
    unsigned       some;          /* it has more than blanks */
    debar_node_t  *child;
} debar_http_t;


static int
debar_http_open(debar_node_t *node)
{
    node->state = calloc(1, sizeof(debar_http_t));

    if (node->state == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void
debar_http_free(debar_node_t *node)
{
    debar_http_t  *h = node->state;

    if (h) {
        free(h->head.data);
        free(h);
    }
}


/* The next line of what is left, without its end. */

static debar_str_t
debar_http_line(debar_str_t *left)
{
    const char   *lf;
    debar_str_t   line;

    lf = left->len ? memchr(left->data, '\n', left->len) : NULL;
    line = debar_str(left->data, lf ? (size_t) (lf - left->data) : left->len);

    left->data += line.len + (lf != NULL);
    left->len -= line.len + (lf != NULL);

    while (line.len && isspace((uint8_t) line.data[line.len - 1])) {
        line.len--;
    }

    return line;
}


/* The value of a field with that name, or nothing changed. */

static void
debar_http_field(debar_str_t line, const char *name, debar_str_t *value)
{
    size_t  n;

    n = strlen(name);

    if (line.len <= n || strncasecmp(line.data, name, n) != 0
        || line.data[n] != ':')
    {
        return;
    }

    for (n++; n < line.len && isspace((uint8_t) line.data[n]); n++) {
        /* void */
    }

    *value = debar_str(line.data + n, line.len - n);
}


static int
debar_http_request(debar_node_t *node, debar_str_t line)
{
    int     rc;
    size_t  i, from, end;

    for (i = 0; i < line.len && isalpha((uint8_t) line.data[i]); i++) {
        /* void */
    }

    if (i == 0 || i > DEBAR_HTTP_METHOD || i == line.len
        || line.data[i] != ' ')
    {
        return debar_node_value(node, debar_str("", 0), line);
    }

    for (from = i; from < line.len && line.data[from] == ' '; from++) {
        /* void */
    }

    /* a lax server takes what is before " HTTP/", blanks and all */

    end = line.len;

    if (end - from > 8 && strncasecmp(line.data + end - 8, "HTTP/", 5) == 0) {
        for (end -= 8; end > from && line.data[end - 1] == ' '; end--) {
            /* void */
        }
    }

    rc = debar_node_plain(node, debar_str("@method", 7),
                          debar_str(line.data, i));

    return rc != DEBAR_OK ? rc
           : debar_node_plain(node, debar_str("@url", 4),
                              debar_str(line.data + from, end - from));
}


static int
debar_http_begin(debar_node_t *node)
{
    int                  rc;
    debar_str_t          left, line;
    debar_http_t        *h = node->state;
    debar_peel_input_t   in;

    memset(&in, 0, sizeof(in));
    in.content_type = debar_str("", 0);
    in.content_encoding = debar_str("", 0);

    left = debar_str(h->head.len ? h->head.data : "", h->head.len);

    do {
        line = debar_http_line(&left);
    } while (line.len == 0 && left.len);

    rc = line.len == 0 || (line.len > 5
                           && strncasecmp(line.data, "HTTP/", 5) == 0)
         ? DEBAR_OK : debar_http_request(node, line);

    while (left.len) {
        line = debar_http_line(&left);
        debar_http_field(line, "Content-Type", &in.content_type);
        debar_http_field(line, "Content-Encoding", &in.content_encoding);
    }

    h->past = 1;

    return rc != DEBAR_OK ? rc
                          : debar_node_child(node, debar_str("", 0), &in,
                                             &h->child);
}


/* How much of the data belongs to the head, which ends with an empty line. */

static size_t
debar_http_head(debar_http_t *h, const char *data, size_t len, unsigned *ends)
{
    size_t    i;
    unsigned  blank;

    blank = 0;

    /* what the head ends with so far: a line break, "\r" aside */

    for (i = h->head.len; i > 0; i--) {
        if (h->head.data[i - 1] == '\n') {
            blank = 1;
            break;
        }

        if (h->head.data[i - 1] != '\r') {
            break;
        }
    }

    for (i = 0; i < len; i++) {
        if (data[i] == '\n') {
            if (blank && h->some) {
                *ends = 1;
                return i + 1;
            }

            blank = 1;

        } else if (data[i] != '\r') {
            blank = 0;
            h->some |= !isspace((uint8_t) data[i]);
        }
    }

    return len;
}


static int
debar_http_push(debar_node_t *node, const char *data, size_t len)
{
    int            rc;
    size_t         n;
    unsigned       ends;
    debar_http_t  *h = node->state;

    if (!h->past) {
        ends = 0;
        n = debar_http_head(h, data, len, &ends);

        if (h->head.len + n > DEBAR_HTTP_HEAD) {
            debar_node_bound(node, DEBAR_PEEL_HELD);
            ends = 1;
            n = 0;

        } else if (debar_node_hold(node, &h->head, data, n) != DEBAR_OK) {
            ends = 1;
            n = 0;
        }

        if (ends) {
            rc = debar_http_begin(node);

            if (rc != DEBAR_OK) {
                return rc;
            }
        }

        data += n;
        len -= n;
    }

    return len ? debar_child_push(h->child, data, len) : DEBAR_OK;
}


static int
debar_http_finish(debar_node_t *node)
{
    int            rc;
    debar_node_t  *child;
    debar_http_t  *h = node->state;

    rc = h->past ? DEBAR_OK : debar_http_begin(node);

    child = h->child;
    h->child = NULL;

    return rc == DEBAR_OK && child ? debar_child_finish(child) : rc;
}


const debar_reader_t  debar_reader_http = {
    DEBAR_SYNTAX_MULTIPART,
    "http",
    debar_http_open,
    debar_http_push,
    debar_http_finish,
    debar_http_free
};

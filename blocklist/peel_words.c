/*
 * Two encodings of short values, each read whole: encoded words of mail (RFC
 * 2047), and signed tokens (JWS, RFC 7515), of which header and payload are
 * documents.
 */

#include "peel_private.h"

#include <ctype.h>
#include <stdlib.h>


#define DEBAR_TOKEN_LEAST   20
#define DEBAR_TOKEN_PARTS    3
#define DEBAR_TOKEN_LOOK    64            /* bytes of its header */


static int
debar_words_open(debar_node_t *node)
{
    node->state = calloc(1, sizeof(debar_buf_t));

    if (node->state == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_words_push(debar_node_t *node, const char *data, size_t len)
{
    return debar_node_hold(node, node->state, data, len);
}


static void
debar_words_free(debar_node_t *node)
{
    debar_buf_t  *b = node->state;

    if (b) {
        free(b->data);
        free(b);
    }
}


/* What was undone, as a child. */

static int
debar_words_child(debar_node_t *node, debar_str_t name, const char *data,
    size_t len)
{
    int                  rc;
    debar_node_t        *child;
    debar_peel_input_t   in;

    debar_peel_inner(node, &in);
    in.utf8 = 1;

    rc = debar_node_child(node, name, &in, &child);

    if (rc == DEBAR_OK) {
        rc = debar_child_push(child, data, len);
    }

    return rc == DEBAR_OK ? debar_child_finish(child) : rc;
}


/* --- encoded words -------------------------------------------------------- */

/* Room for what windows-125x makes of each byte; it is never more. */

static int
debar_words_finish(debar_node_t *node)
{
    int           rc;
    char         *out;
    size_t        n;
    debar_buf_t  *b = node->state;

    out = malloc(b->len * 3 + 1);

    if (out == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_OK;
    }

    n = debar_field_words(debar_str(b->data, b->len), out, b->len * 3);
    rc = debar_node_expanded(node, n, b->len);

    if (rc == DEBAR_OK) {
        rc = debar_words_child(node, debar_str("", 0), out, n);
    }

    free(out);

    return rc;
}


int
debar_words_look(debar_str_t s)
{
    const char  *p, *end;
    unsigned     marks;

    end = s.data + s.len;

    for (p = s.data; p < end; p++) {
        p = memchr(p, '=', end - p);

        if (p == NULL) {
            return 0;
        }

        if (end - p < 9 || p[1] != '?') {
            continue;
        }

        /* "=?charset?Q?text?=" */

        for (marks = 1, p += 2; p < end && marks < 4; p++) {
            if (*p == '?') {
                marks++;

                if (marks == 2 && (end - p < 3 || p[2] != '?'
                                   || !strchr("bBqQ", p[1]) || p[1] == '\0'))
                {
                    break;
                }

            } else if (marks == 1 && !isalnum((uint8_t) *p)
                       && !strchr("-_.:+*", *p))
            {
                break;
            }
        }

        if (marks == 4 && p < end && *p == '=') {
            return 1;
        }

        p--;
    }

    return 0;
}


/* --- signed tokens -------------------------------------------------------- */

/* The ends of the parts; 0: it is no token. */

static unsigned
debar_token_parts(debar_str_t s, size_t ends[DEBAR_TOKEN_PARTS])
{
    size_t    i;
    unsigned  n;

    if (s.len < DEBAR_TOKEN_LEAST || memcmp(s.data, "ey", 2) != 0) {
        return 0;
    }

    for (i = 0, n = 0; i < s.len; i++) {
        if (s.data[i] == '.') {
            if (n + 1 == DEBAR_TOKEN_PARTS) {
                return 0;
            }

            ends[n++] = i;

        } else if (debar_base64_digit((uint8_t) s.data[i]) < 0) {
            return 0;
        }
    }

    ends[n++] = s.len;

    return n == DEBAR_TOKEN_PARTS && ends[0] > 4 && ends[1] > ends[0] + 1 ? n
                                                                         : 0;
}


int
debar_token_look(debar_str_t s)
{
    char    out[DEBAR_TOKEN_LOOK];
    size_t  n, ends[DEBAR_TOKEN_PARTS];

    if (debar_token_parts(s, ends) == 0) {
        return 0;
    }

    n = debar_base64_value(s.data, ends[0], out, sizeof(out));

    return n > 2 && out[0] == '{' && (out[1] == '"' || isspace(out[1]));
}


static int
debar_token_finish(debar_node_t *node)
{
    int           rc;
    char         *out;
    size_t        n, from, ends[DEBAR_TOKEN_PARTS];
    unsigned      i;
    debar_str_t   s;
    debar_buf_t  *b = node->state;

    static const debar_str_t  names[] = {
        debar_string("header"), debar_string("payload")
    };

    s = debar_str(b->data, b->len);

    while (s.len && isspace((uint8_t) s.data[s.len - 1])) {
        s.len--;
    }

    while (s.len && isspace((uint8_t) s.data[0])) {
        s.data++;
        s.len--;
    }

    if (debar_token_parts(s, ends) == 0) {
        return DEBAR_ERROR;
    }

    out = malloc(s.len);

    if (out == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_OK;
    }

    for (i = 0, from = 0, rc = DEBAR_OK; i < 2 && rc == DEBAR_OK; i++) {
        n = debar_base64_value(s.data + from, ends[i] - from, out, s.len);
        from = ends[i] + 1;
        rc = n ? debar_words_child(node, names[i], out, n) : DEBAR_OK;
    }

    free(out);

    return rc;
}


const debar_reader_t  debar_reader_words = {
    DEBAR_SYNTAX_ENCODING, "encoded-word", debar_words_open, debar_words_push,
    debar_words_finish, debar_words_free
};

const debar_reader_t  debar_reader_token = {
    DEBAR_SYNTAX_ENCODING, "token", debar_words_open, debar_words_push,
    debar_token_finish, debar_words_free
};

/*
 * Bytes written in letters: base64, hex, quoted-printable, percent, data URLs.
 *
 * All are read as they stream; what is not of the alphabet is passed over, as
 * lax readers do, and a document ends where its encoding does.
 */

#include "peel_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>


#define DEBAR_ARMOUR_OUT   1024
#define DEBAR_ARMOUR_HEAD  256    /* of a data URL, up to its comma */

typedef struct {
    void          (*read)(debar_node_t *node, const char *data, size_t len);
    int             rc;
    unsigned        started;
    unsigned        done;
    uint32_t        bits;
    unsigned        nbits;
    unsigned        npend;
    char            pend[4];      /* "=4", "%4": not whole yet */
    size_t          nblank;       /* at the end of a line that may be soft */
    size_t          nhead;
    size_t          nout;
    debar_node_t   *child;
    char            head[DEBAR_ARMOUR_HEAD];
    char            out[DEBAR_ARMOUR_OUT];
} debar_armour_t;


int
debar_base64_digit(int ch)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch - 'A';
    }

    if (ch >= 'a' && ch <= 'z') {
        return ch - 'a' + 26;
    }

    if (ch >= '0' && ch <= '9') {
        return ch - '0' + 52;
    }

    return ch == '+' || ch == '-' ? 62 : ch == '/' || ch == '_' ? 63 : -1;
}


int
debar_hex_digit(int ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}


/* --- values -------------------------------------------------------------- */

/* A value is base64 as a whole or not at all: digits, line breaks, padding. */

size_t
debar_base64_value(const char *in, size_t len, char *out, size_t size)
{
    int       v;
    size_t    i, digits, n;
    uint32_t  bits;
    unsigned  pad, nbits, url, std, signs;

    bits = 0;
    nbits = 0;
    digits = 0;
    pad = 0;
    url = 0;
    std = 0;
    signs = 0;
    n = 0;

    for (i = 0; i < len; i++) {
        if (in[i] == '\r' || in[i] == '\n' || in[i] == '\t' || in[i] == ' ') {
            /* a form makes a space of a plus: where there are no line breaks
             * it is one */
            if (in[i] != ' ' || i + 1 == len || i == 0) {
                continue;
            }

            v = 62;

        } else if (in[i] == '=') {
            pad++;
            continue;

        } else {
            v = debar_base64_digit((uint8_t) in[i]);
        }

        if (v < 0 || pad) {
            return 0;
        }

        url |= in[i] == '-' || in[i] == '_';
        std |= in[i] == '+' || in[i] == '/';
        signs += in[i] == ' ';
        digits++;

        if (n < size) {
            bits = bits << 6 | v;
            nbits += 6;

            if (nbits >= 8) {
                nbits -= 8;
                out[n++] = bits >> nbits;
            }
        }
    }

    /* words parted by spaces are no base64 */

    if (digits % 4 == 1 || pad > 2 || (url && std) || signs * 16 > digits) {
        return 0;
    }

    return n;
}


/* Pairs of digits, "0x" before all or each, one kind of separator between. */

size_t
debar_hex_value(const char *in, size_t len, char *out, size_t size)
{
    int       hi, lo;
    size_t    i, n;

    if (len > 2 && in[0] == '0' && (in[1] | 0x20) == 'x') {
        in += 2;
        len -= 2;
    }

    n = 0;

    for (i = 0; i < len; /* void */) {
        if (in[i] == ' ' || in[i] == ':' || in[i] == '\n' || in[i] == '\r'
            || in[i] == '-' || in[i] == ',')
        {
            i++;
            continue;
        }

        if (in[i] == '\\' && i + 3 < len && in[i + 1] == 'x') {
            i += 2;

        } else if (in[i] == '0' && i + 3 < len && in[i + 1] == 'x') {
            i += 2;
        }

        if (i + 1 >= len) {
            return 0;
        }

        hi = debar_hex_digit((uint8_t) in[i]);
        lo = debar_hex_digit((uint8_t) in[i + 1]);

        if (hi < 0 || lo < 0) {
            return 0;
        }

        if (n < size) {
            out[n++] = hi << 4 | lo;
        }

        i += 2;
    }

    return n;
}


/* In place where out is in. */

size_t
debar_percent_value(const char *in, size_t len, char *out, size_t size)
{
    int     hi, lo;
    size_t  i, n;

    for (i = 0, n = 0; i < len && n < size; i++) {
        if (in[i] == '%' && i + 2 < len) {
            hi = debar_hex_digit((uint8_t) in[i + 1]);
            lo = debar_hex_digit((uint8_t) in[i + 2]);

            if (hi >= 0 && lo >= 0) {
                out[n++] = hi << 4 | lo;
                i += 2;
                continue;
            }
        }

        out[n++] = in[i];
    }

    return n;
}


/* --- streams ------------------------------------------------------------- */

static int
debar_armour_open_as(debar_node_t *node,
    void (*read)(debar_node_t *node, const char *data, size_t len))
{
    debar_armour_t  *a;

    a = malloc(sizeof(debar_armour_t));
    if (a == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_ERROR;
    }

    memset(a, 0, offsetof(debar_armour_t, head));
    a->read = read;
    node->state = a;

    return DEBAR_OK;
}


static void
debar_armour_free(debar_node_t *node)
{
    free(node->state);
}


static void
debar_armour_flush(debar_node_t *node)
{
    debar_armour_t      *a = node->state;
    debar_peel_input_t   in;

    if (a->nout == 0 || a->rc != DEBAR_OK) {
        a->nout = 0;
        return;
    }

    if (!a->started) {
        a->started = 1;
        debar_peel_inner(node, &in);

        if (a->nhead) {
            in.content_type = debar_str(a->head, a->nhead);
        }

        a->rc = debar_node_child(node, debar_str("", 0), &in, &a->child);
    }

    if (a->rc == DEBAR_OK) {
        a->rc = debar_child_push(a->child, a->out, a->nout);
    }

    a->nout = 0;
}


static void
debar_armour_put(debar_node_t *node, char ch)
{
    debar_armour_t  *a = node->state;

    if (a->nout == DEBAR_ARMOUR_OUT) {
        debar_armour_flush(node);
    }

    a->out[a->nout++] = ch;
}


static int
debar_armour_push(debar_node_t *node, const char *data, size_t len)
{
    debar_armour_t  *a = node->state;

    a->read(node, data, len);

    return a->rc;
}


static int
debar_armour_finish(debar_node_t *node)
{
    unsigned         i, n;
    debar_armour_t  *a = node->state;

    n = a->npend;
    a->npend = 0;

    for (i = 0; i < n; i++) {
        debar_armour_put(node, a->pend[i]);
    }

    debar_armour_flush(node);

    if (a->rc != DEBAR_OK) {
        return a->rc;
    }

    return a->started ? debar_child_finish(a->child) : DEBAR_OK;
}


/* Padding ends a group; another may follow, as where pieces were joined. */

static void
debar_base64_read(debar_node_t *node, const char *data, size_t len)
{
    int              v;
    size_t           i;
    debar_armour_t  *a = node->state;

    for (i = 0; i < len && a->rc == DEBAR_OK; i++) {
        v = debar_base64_digit((uint8_t) data[i]);

        if (v < 0) {
            if (data[i] == '=') {
                a->nbits = 0;

            } else if (data[i] == ' ' && a->nbits + a->started + a->nout) {
                a->nblank = 1;        /* a plus that a form made a space, if
                                         more follows at once */
            } else {
                a->nblank = 0;
            }

            continue;
        }

        if (a->nblank) {
            a->nblank = 0;
            a->bits = a->bits << 6 | 62;
            a->nbits += 6;

            if (a->nbits >= 8) {
                a->nbits -= 8;
                debar_armour_put(node, a->bits >> a->nbits);
            }
        }

        a->bits = a->bits << 6 | v;
        a->nbits += 6;

        if (a->nbits >= 8) {
            a->nbits -= 8;
            debar_armour_put(node, a->bits >> a->nbits);
        }
    }
}


static void
debar_hex_read(debar_node_t *node, const char *data, size_t len)
{
    int              v;
    size_t           i;
    debar_armour_t  *a = node->state;

    for (i = 0; i < len && a->rc == DEBAR_OK; i++) {
        v = debar_hex_digit((uint8_t) data[i]);

        if (v < 0) {
            if ((data[i] | 0x20) == 'x') {
                a->nbits = 0;         /* the zero before it was none */
            }

            continue;
        }

        a->bits = a->bits << 4 | v;
        a->nbits += 4;

        if (a->nbits == 8) {
            a->nbits = 0;
            debar_armour_put(node, a->bits & 0xff);
        }
    }
}


/* "=41", and "=" before a line's end, which it takes away with the blanks
 * before it (RFC 2045 s.6.7). */

static void
debar_quoted_read(debar_node_t *node, const char *data, size_t len)
{
    int              hi, lo;
    char             ch;
    size_t           i;
    debar_armour_t  *a = node->state;

    for (i = 0; i < len && a->rc == DEBAR_OK; i++) {
        ch = data[i];

        if (a->npend == 0) {
            if (ch == '=') {
                a->pend[a->npend++] = ch;

            } else {
                debar_armour_put(node, ch);
            }

            continue;
        }

        if (a->npend == 1) {
            if (ch == '\n') {
                a->npend = 0;
                continue;
            }

            if (ch == '\r' || ch == ' ' || ch == '\t') {
                continue;
            }

            if (debar_hex_digit((uint8_t) ch) >= 0) {
                a->pend[a->npend++] = ch;
                continue;
            }

            a->npend = 0;
            debar_armour_put(node, '=');
            debar_armour_put(node, ch);
            continue;
        }

        hi = debar_hex_digit((uint8_t) a->pend[1]);
        lo = debar_hex_digit((uint8_t) ch);
        a->npend = 0;

        if (lo >= 0) {
            debar_armour_put(node, hi << 4 | lo);

        } else {
            debar_armour_put(node, a->pend[0]);
            debar_armour_put(node, a->pend[1]);
            debar_armour_put(node, ch);
        }
    }
}


static void
debar_percent_read(debar_node_t *node, const char *data, size_t len)
{
    int              hi, lo;
    char             ch;
    size_t           i;
    debar_armour_t  *a = node->state;

    for (i = 0; i < len && a->rc == DEBAR_OK; i++) {
        ch = data[i];

        if (a->npend == 2) {
            hi = debar_hex_digit((uint8_t) a->pend[1]);
            lo = debar_hex_digit((uint8_t) ch);
            a->npend = 0;

            if (lo >= 0) {
                debar_armour_put(node, hi << 4 | lo);
                continue;
            }

            debar_armour_put(node, a->pend[0]);
            debar_armour_put(node, a->pend[1]);

        } else if (a->npend == 1) {
            if (debar_hex_digit((uint8_t) ch) >= 0) {
                a->pend[a->npend++] = ch;
                continue;
            }

            a->npend = 0;
            debar_armour_put(node, a->pend[0]);
        }

        if (ch == '%') {
            a->pend[a->npend++] = ch;

        } else {
            debar_armour_put(node, ch);
        }
    }
}


/* data:[type][;parameters][;base64],... (RFC 2397) */

static void
debar_data_read(debar_node_t *node, const char *data, size_t len)
{
    size_t           i;
    debar_armour_t  *a = node->state;

    for (i = 0; i < len; i++) {
        if (data[i] == ',') {
            break;
        }

        if (a->nhead < DEBAR_ARMOUR_HEAD) {
            a->head[a->nhead++] = data[i];

        } else {
            a->rc = DEBAR_ERROR;
            return;
        }
    }

    if (i == len) {
        return;
    }

    a->read = debar_percent_read;

    if (a->nhead >= 7
        && strncasecmp(a->head + a->nhead - 7, ";base64", 7) == 0)
    {
        a->nhead -= 7;
        a->read = debar_base64_read;
    }

    for (len -= i + 1, data += i + 1, i = 0; i < a->nhead && a->head[i] != ':';
         i++) { /* void */ }

    i = i < a->nhead ? i + 1 : a->nhead;
    memmove(a->head, a->head + i, a->nhead - i);
    a->nhead -= i;

    a->read(node, data, len);
}


#define debar_armour(name, what, f)                                           \
    static int                                                                \
    debar_ ## name ## _open(debar_node_t *node)                               \
    {                                                                         \
        return debar_armour_open_as(node, f);                                 \
    }                                                                         \
                                                                              \
    const debar_reader_t  debar_reader_ ## name = {                           \
        DEBAR_SYNTAX_ENCODING, what, debar_ ## name ## _open,                 \
        debar_armour_push, debar_armour_finish, debar_armour_free             \
    }

debar_armour(base64, "base64", debar_base64_read);
debar_armour(hex, "hex", debar_hex_read);
debar_armour(quoted, "quoted-printable", debar_quoted_read);
debar_armour(percent, "percent", debar_percent_read);
debar_armour(data, "data", debar_data_read);

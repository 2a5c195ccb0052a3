/*
 * Charsets to UTF-8 (ICU): by byte order mark, by zeros where UTF-16 and UTF-32
 * have them, by label, by what a document declares of itself.
 */

#include "peel_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <strings.h>
#include <unicode/ucnv.h>


#define DEBAR_CHARSET_UNITS  1024

typedef struct {
    UConverter    *from;
    UConverter    *to;
    unsigned       any;
    debar_node_t  *child;
    UChar         *source;
    UChar         *target;
    UChar          pivot[DEBAR_CHARSET_UNITS];
} debar_charset_t;


/* UTF-16 or UTF-32 by its zeros: of the letters that documents begin with one
 * byte of two, or three of four, is 0. */

static const char *
debar_charset_zeros(const uint8_t *p, size_t len)
{
    size_t  i, n[4];

    len = len < 64 ? len : 64;
    len -= len % 4;
    memset(n, 0, sizeof(n));

    for (i = 0; i < len; i++) {
        n[i % 4] += p[i] == 0;
    }

    len /= 4;

    if (len == 0) {
        return NULL;
    }

    if (n[0] == len && n[1] == len && n[3] == 0) {
        return "UTF-32BE";
    }

    if (n[2] == len && n[3] == len && n[0] == 0) {
        return "UTF-32LE";
    }

    if (n[1] + n[3] == 0
        && ((n[0] + n[2]) * 4 >= len * 6
            || (p[0] == 0 && p[2] == 0 && strchr("<{[\"", p[1]))))
    {
        return "UTF-16BE";
    }

    if (n[0] + n[2] == 0
        && ((n[1] + n[3]) * 4 >= len * 6
            || (p[1] == 0 && p[3] == 0 && strchr("<{[\"", p[0]))))
    {
        return "UTF-16LE";
    }

    return NULL;
}


static const char *
debar_charset_mark(const uint8_t *p, size_t len)
{
    if (len >= 4 && memcmp(p, "\xff\xfe\0\0", 4) == 0) {
        return "UTF-32LE";
    }

    if (len >= 4 && memcmp(p, "\0\0\xfe\xff", 4) == 0) {
        return "UTF-32BE";
    }

    if (len >= 4 && memcmp(p, "\x84\x31\x95\x33", 4) == 0) {
        return "GB18030";
    }

    if (len >= 5 && memcmp(p, "+/v", 3) == 0
        && memchr("89+/", p[3], 4) && (p[4] == '-' || p[3] != '/'))
    {
        return "UTF-7";
    }

    if (len >= 2 && p[0] == 0xff && p[1] == 0xfe) {
        return "UTF-16LE";
    }

    if (len >= 2 && p[0] == 0xfe && p[1] == 0xff) {
        return "UTF-16BE";
    }

    return NULL;
}


/* "encoding='X'" of an XML declaration, "charset=X" of an HTML page. */

static void
debar_charset_declared(const char *data, size_t len, char name[DEBAR_CHARSET])
{
    size_t       end, i, n;
    const char  *word;

    for (i = 0; i < len && isspace((uint8_t) data[i]); i++) { /* void */ }

    data += i;
    len -= i;
    len = len < DEBAR_DECLARED ? len : DEBAR_DECLARED;
    word = "charset";
    end = len;

    if (len > 5 && memcmp(data, "<?xml", 5) == 0) {
        word = "encoding";
        for (end = 0; end < len && data[end] != '>'; end++) { /* void */ }

    } else if (len == 0 || data[0] != '<') {
        return;
    }

    n = strlen(word);

    for (i = 0; i + n < end; i++) {
        if ((data[i] | 0x20) == word[0]
            && strncasecmp(data + i, word, n) == 0)
        {
            for (i += n; i < end && (isspace((uint8_t) data[i])
                 || strchr("=\"'", data[i])); i++) { /* void */ }

            for (n = 0; i < end && n < DEBAR_CHARSET - 1
                 && (isalnum((uint8_t) data[i]) || strchr("-_.:+", data[i]))
                 && data[i]; i++)
            {
                name[n++] = data[i];
            }

            name[n] = '\0';
            return;
        }
    }
}


/* What needs no converter, and what has none. */

static int
debar_charset_plain(const char *name)
{
    return name[0] == '\0' || strcasecmp(name, "utf-8") == 0
           || strcasecmp(name, "utf8") == 0 || strcasecmp(name, "us-ascii") == 0
           || strcasecmp(name, "ascii") == 0;
}


static UConverter *
debar_charset_converter(const char *name)
{
    UErrorCode   e;
    UConverter  *c;

    if (name[0] == '\0' || memchr(name, ',', strlen(name))) {
        return NULL;
    }

    e = U_ZERO_ERROR;
    c = ucnv_open(name, &e);

    return U_FAILURE(e) ? NULL : c;
}


/*
 * A label is not believed where it would make something else of bytes that are
 * plain ASCII: most servers read these as they are, whatever is said of them.
 * UTF-7 is ASCII to look at, and only a label tells.
 */

static int
debar_charset_believed(const char *name, const char *data, size_t len)
{
    size_t       i, n;
    UChar        out[128];
    int32_t      made;
    unsigned     ascii;
    UErrorCode   e;
    UConverter  *c;
    static const char  ascii_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ<>";

    c = debar_charset_converter(name);
    if (c == NULL) {
        return 0;
    }

    for (i = 0, n = 0; i < len && i < 512; i++, n++) {
        if ((uint8_t) data[i] >= 0x7f
            || ((uint8_t) data[i] < 0x20 && !isspace((uint8_t) data[i])))
        {
            n--;
        }
    }

    ascii = n * 10 >= i * 9;

    if (!ascii || strcasecmp(name, "utf-7") == 0) {
        ucnv_close(c);
        return 1;
    }

    e = U_ZERO_ERROR;
    made = ucnv_toUChars(c, out, 128, ascii_letters, 64, &e);
    ucnv_close(c);

    if (U_FAILURE(e) || made != 64) {
        return 0;
    }

    for (i = 0; i < 64; i++) {
        if (out[i] != (UChar) ascii_letters[i]) {
            return 0;
        }
    }

    return 1;
}


static void
debar_charset_take(const char *said, const char *data, size_t len,
    char name[DEBAR_CHARSET])
{
    name[0] = '\0';

    if (!debar_charset_plain(said) && debar_charset_believed(said, data, len)) {
        snprintf(name, DEBAR_CHARSET, "%s", said);
    }
}


void
debar_charset_find(const debar_peel_input_t *in, const char *data, size_t len,
    char name[DEBAR_CHARSET])
{
    int             n;
    char            said[DEBAR_CHARSET];
    const char     *found;
    const uint8_t  *p = (const uint8_t *) data;

    name[0] = '\0';

    if (in->utf8 || len == 0) {
        return;
    }

    found = debar_charset_mark(p, len);
    found = found ? found : debar_charset_zeros(p, len);

    if (found == NULL && len >= 4 && memcmp(p, "\x4c\x6f\xa7\x94", 4) == 0) {
        found = "ibm-1047";           /* "<?xm" in EBCDIC */
    }

    if (found) {
        snprintf(name, DEBAR_CHARSET, "%s", found);
        return;
    }

    /* a declaration is in the document, a label may be anybody's */

    said[0] = '\0';
    debar_charset_declared(data, len, said);
    debar_charset_take(said, data, len, name);

    if (name[0]) {
        return;
    }

    n = debar_field_parameter(in->content_type, "charset", said, sizeof(said));

    if (n > 0 && n < (int) sizeof(said)) {
        said[n] = '\0';
        debar_charset_take(said, data, len, name);
    }
}


size_t
debar_charset_value(const char *charset, const char *in, size_t len, char *out,
    size_t size)
{
    int32_t      n;
    UErrorCode   e;

    e = U_ZERO_ERROR;
    n = ucnv_convert("UTF-8", charset, out, size, in, len, &e);

    return U_FAILURE(e) || n < 0 || (size_t) n > size ? 0 : (size_t) n;
}


/* --- the reader ---------------------------------------------------------- */

static int
debar_charset_open(debar_node_t *node)
{
    debar_charset_t  *c;

    c = malloc(sizeof(debar_charset_t));
    if (c == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_ERROR;
    }

    memset(c, 0, offsetof(debar_charset_t, pivot));
    c->source = c->pivot;
    c->target = c->pivot;
    node->state = c;

    return DEBAR_OK;
}


static void
debar_charset_free(debar_node_t *node)
{
    debar_charset_t  *c = node->state;

    if (c == NULL) {
        return;
    }

    if (c->from) {
        ucnv_close(c->from);
    }

    if (c->to) {
        ucnv_close(c->to);
    }

    free(c);
}


static int
debar_charset_convert(debar_node_t *node, const char *data, size_t len,
    int flush)
{
    int               rc;
    char              out[DEBAR_CHARSET_UNITS], *to;
    UErrorCode        e;
    const char       *end;
    debar_charset_t  *c = node->state;

    end = data + len;

    for ( ;; ) {
        to = out;
        e = U_ZERO_ERROR;

        ucnv_convertEx(c->to, c->from, &to, out + sizeof(out), &data, end,
                       c->pivot, &c->source, &c->target,
                       c->pivot + DEBAR_CHARSET_UNITS, 0, flush, &e);

        rc = debar_child_push(c->child, out, to - out);

        if (rc != DEBAR_OK) {
            return rc;
        }

        if (e != U_BUFFER_OVERFLOW_ERROR) {
            if (U_FAILURE(e) && e != U_TRUNCATED_CHAR_FOUND) {
                debar_node_bound(node, DEBAR_PEEL_BROKEN);
            }

            return DEBAR_OK;
        }
    }
}


static int
debar_charset_push(debar_node_t *node, const char *data, size_t len)
{
    int                  rc;
    char                 name[DEBAR_CHARSET];
    debar_charset_t     *c = node->state;
    debar_peel_input_t   in;

    if (c->from == NULL) {
        debar_charset_find(&node->in, data, len, name);

        c->from = debar_charset_converter(name);
        c->to = debar_charset_converter("UTF-8");

        if (c->from == NULL || c->to == NULL) {
            return DEBAR_ERROR;
        }

        /* a mark at the beginning is no character of the text */

        if (len >= 4 && debar_charset_mark((const uint8_t *) data, len)
            && strcmp(name, "UTF-7") != 0)
        {
            rc = strncmp(name, "UTF-16", 6) == 0 ? 2 : 4;
            data += rc;
            len -= rc;
        }

        in = node->in;
        in.utf8 = 1;

        rc = debar_node_child(node, debar_str("", 0), &in, &c->child);
        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return debar_charset_convert(node, data, len, 0);
}


static int
debar_charset_finish(debar_node_t *node)
{
    int               rc;
    debar_charset_t  *c = node->state;

    if (c->from == NULL) {
        return DEBAR_OK;
    }

    rc = debar_charset_convert(node, "", 0, 1);

    return rc == DEBAR_OK ? debar_child_finish(c->child) : rc;
}


const debar_reader_t  debar_reader_charset = {
    DEBAR_SYNTAX_ENCODING, "charset", debar_charset_open, debar_charset_push,
    debar_charset_finish, debar_charset_free
};

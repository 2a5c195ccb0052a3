/*
 * PDF: its lexer, look-ups in dictionaries, and the filters of streams.
 */

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "peel_pdf.h"


#define DEBAR_PDF_FILTERS  4
#define DEBAR_PDF_NESTING  64     /* of brackets in a string */

/* LZW of 7.4.4: codes of 9 to 12 bits */

#define DEBAR_LZW_CODES    4096
#define DEBAR_LZW_CLEAR    256
#define DEBAR_LZW_END      257


static int debar_pdf_flate(debar_node_t *node, debar_str_t in,
    debar_buf_t *out);
static int debar_pdf_lzw(debar_node_t *node, debar_str_t in,
    debar_buf_t *out);
static int debar_pdf_ascii85(debar_node_t *node, debar_str_t in,
    debar_buf_t *out);
static int debar_pdf_ascii_hex(debar_node_t *node, debar_str_t in,
    debar_buf_t *out);
static int debar_pdf_run_length(debar_node_t *node, debar_str_t in,
    debar_buf_t *out);


typedef int (*debar_pdf_filter_pt)(debar_node_t *node, debar_str_t in,
    debar_buf_t *out);

static const struct {
    const char           *name;
    debar_pdf_filter_pt   undo;
} debar_pdf_filters[] = {
    { "FlateDecode",     debar_pdf_flate },
    { "Fl",              debar_pdf_flate },
    { "LZWDecode",       debar_pdf_lzw },
    { "LZW",             debar_pdf_lzw },
    { "ASCII85Decode",   debar_pdf_ascii85 },
    { "A85",             debar_pdf_ascii85 },
    { "ASCIIHexDecode",  debar_pdf_ascii_hex },
    { "AHx",             debar_pdf_ascii_hex },
    { "RunLengthDecode", debar_pdf_run_length },
    { "RL",              debar_pdf_run_length }
};


/* --- lexer --------------------------------------------------------------- */

static inline int
debar_pdf_white(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f'
           || c == '\0';
}


static inline int
debar_pdf_delimiter(char c)
{
    return c == '(' || c == ')' || c == '<' || c == '>' || c == '[' || c == ']'
           || c == '{' || c == '}' || c == '/' || c == '%';
}


static inline int
debar_pdf_xdigit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* White space and comments. */

static void
debar_pdf_skip(debar_str_t *s)
{
    const char  *p, *end;

    if (s->len == 0) {
        return;
    }

    p = s->data;
    end = p + s->len;

    while (p < end) {
        if (*p == '%') {
            while (p < end && *p != '\n' && *p != '\r') {
                p++;
            }

        } else if (debar_pdf_white(*p)) {
            p++;

        } else {
            break;
        }
    }

    *s = debar_str(p, (size_t) (end - p));
}


static size_t
debar_pdf_literal(debar_str_t s)
{
    size_t    i;
    unsigned  depth;

    for (i = 1, depth = 1; i < s.len; i++) {

        if (s.data[i] == '\\') {
            i++;

        } else if (s.data[i] == '(') {
            depth++;

        } else if (s.data[i] == ')' && --depth == 0) {
            return i + 1;
        }
    }

    return s.len;
}


static int
debar_pdf_numeric(debar_pdf_token_t *t)
{
    size_t    i, digits;
    double    n, scale;
    unsigned  point;

    n = 0;
    scale = 1;
    point = 0;
    digits = 0;

    for (i = 0; i < t->text.len; i++) {

        if (t->text.data[i] == '.' && !point) {
            point = 1;

        } else if (t->text.data[i] >= '0' && t->text.data[i] <= '9') {
            digits++;

            if (digits > 18) {
                continue;
            }

            n = n * 10 + (t->text.data[i] - '0');
            scale *= point ? 10 : 1;

        } else if (i != 0 || (t->text.data[i] != '-' && t->text.data[i] != '+'))
        {
            return 0;
        }
    }

    t->number = t->text.len && t->text.data[0] == '-' ? -n / scale : n / scale;

    return digits > 0;
}


unsigned
debar_pdf_token(debar_pdf_token_t *t, debar_str_t *s)
{
    char         c;
    size_t       n, from;

    debar_pdf_skip(s);

    if (s->len == 0) {
        return t->type = DEBAR_PDF_END;
    }

    c = s->data[0];
    n = 1;
    from = 0;

    if (c == '(') {
        n = debar_pdf_literal(*s);
        from = 1;
        t->type = DEBAR_PDF_STRING;

    } else if (c == '<' && !(s->len > 1 && s->data[1] == '<')) {

        while (n < s->len && s->data[n] != '>') {
            n++;
        }

        n += n < s->len;
        from = 1;
        t->type = DEBAR_PDF_HEX;

    } else if (c == '[' || c == '<' || c == '{') {
        n = c == '<' ? 2 : 1;
        t->type = DEBAR_PDF_OPEN;

    } else if (c == ']' || c == '>' || c == '}' || c == ')') {
        n = c == '>' && s->len > 1 && s->data[1] == '>' ? 2 : 1;
        t->type = DEBAR_PDF_CLOSE;

    } else {
        while (n < s->len && !debar_pdf_white(s->data[n])
               && !debar_pdf_delimiter(s->data[n]))
        {
            n++;
        }

        from = c == '/';
        t->type = from ? DEBAR_PDF_NAME : DEBAR_PDF_WORD;
    }

    t->text = debar_str(s->data + from, n - from);

    /* the bracket that ends a string is none of it */

    if ((t->type == DEBAR_PDF_STRING && t->text.len
         && t->text.data[t->text.len - 1] == ')')
        || (t->type == DEBAR_PDF_HEX && t->text.len
            && t->text.data[t->text.len - 1] == '>'))
    {
        t->text.len--;
    }

    *s = debar_str(s->data + n, s->len - n);

    if (t->type == DEBAR_PDF_WORD && debar_pdf_numeric(t)) {
        t->type = DEBAR_PDF_NUMBER;
    }

    return t->type;
}


static size_t
debar_pdf_escape(const char *p, const char *end, char *c)
{
    unsigned  n, v;

    static const char  from[] = "nrtbf";
    static const char  to[] = "\n\r\t\b\f";

    if (*p >= '0' && *p <= '7') {
        for (n = 0, v = 0; n < 3 && p + n < end && p[n] >= '0' && p[n] <= '7';
             n++)
        {
            v = v * 8 + (unsigned) (p[n] - '0');
        }

        *c = (char) v;

        return n;
    }

    for (n = 0; from[n]; n++) {
        if (*p == from[n]) {
            *c = to[n];
            return 1;
        }
    }

    *c = *p;

    return 1;
}


size_t
debar_pdf_string(const debar_pdf_token_t *t, char *out, size_t size)
{
    int          digit, half;
    size_t       n;
    const char  *p, *end;

    n = 0;
    half = -1;
    p = t->text.data;
    end = p + t->text.len;

    if (t->type == DEBAR_PDF_HEX) {

        for ( /* void */ ; p < end && n < size; p++) {
            digit = debar_pdf_xdigit(*p);

            if (digit < 0) {
                continue;
            }

            if (half < 0) {
                half = digit;
                continue;
            }

            out[n++] = (char) (half << 4 | digit);
            half = -1;
        }

        if (half >= 0 && n < size) {
            out[n++] = (char) (half << 4);
        }

        return n;
    }

    while (p < end && n < size) {

        if (*p != '\\' || p + 1 == end) {
            out[n++] = *p++;
            continue;
        }

        p++;

        /* a line end that is escaped is none */

        if (*p == '\r' || *p == '\n') {
            p += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
            continue;
        }

        p += debar_pdf_escape(p, end, &out[n++]);
    }

    return n;
}


/* --- dictionaries -------------------------------------------------------- */

debar_str_t
debar_pdf_get(debar_str_t dict, const char *key, const char *first)
{
    size_t       n;
    const char  *p;
    debar_str_t  s;

    n = strlen(key);

    if (dict.len > DEBAR_PDF_DICT) {
        dict.len = DEBAR_PDF_DICT;
    }

    s = dict;

    while (s.len) {
        p = memmem(s.data, s.len, key, n);

        if (p == NULL) {
            break;
        }

        p += n;
        s = debar_str(p, (size_t) (dict.data + dict.len - p));

        if (s.len && !debar_pdf_white(*p) && !debar_pdf_delimiter(*p)) {
            continue;
        }

        debar_pdf_skip(&s);

        if (first == NULL) {

            /* that it is there is what is asked */

            return debar_str(p, s.len ? s.len : 1);
        }

        if (s.len && strchr(first, *s.data) && *s.data) {
            return s;
        }
    }

    return debar_str(NULL, 0);
}


unsigned
debar_pdf_reference(debar_str_t s)
{
    unsigned           number;
    debar_pdf_token_t  t;

    if (debar_pdf_token(&t, &s) != DEBAR_PDF_NUMBER || t.number < 1
        || t.number > 1e9)
    {
        return 0;
    }

    number = (unsigned) t.number;

    if (debar_pdf_token(&t, &s) != DEBAR_PDF_NUMBER
        || debar_pdf_token(&t, &s) != DEBAR_PDF_WORD
        || t.text.len != 1 || t.text.data[0] != 'R')
    {
        return 0;
    }

    return number;
}


/* --- filters ------------------------------------------------------------- */

static debar_pdf_filter_pt
debar_pdf_filter(debar_str_t name)
{
    size_t  i;

    for (i = 0; i < sizeof(debar_pdf_filters) / sizeof(debar_pdf_filters[0]);
         i++)
    {
        if (strlen(debar_pdf_filters[i].name) == name.len
            && memcmp(debar_pdf_filters[i].name, name.data, name.len) == 0)
        {
            return debar_pdf_filters[i].undo;
        }
    }

    return NULL;
}


int
debar_pdf_decode(debar_node_t *node, const debar_pdf_object_t *o,
    debar_buf_t *out)
{
    int                   rc;
    unsigned              i, n, array;
    debar_buf_t           from, to;
    debar_str_t           s, in;
    debar_pdf_token_t     t;
    debar_pdf_filter_pt   filters[DEBAR_PDF_FILTERS];

    n = 0;
    s = debar_pdf_get(o->dict, "/Filter", "/[");
    array = s.len && s.data[0] == '[';

    while (s.len && n < DEBAR_PDF_FILTERS) {
        (void) debar_pdf_token(&t, &s);

        if (t.type == DEBAR_PDF_OPEN && n == 0) {
            continue;
        }

        if (t.type != DEBAR_PDF_NAME) {
            break;
        }

        filters[n] = debar_pdf_filter(t.text);

        if (filters[n++] == NULL) {
            return DEBAR_DECLINED;
        }

        if (!array) {
            break;
        }
    }

    rc = DEBAR_OK;
    in = o->stream;
    memset(&from, 0, sizeof(from));

    for (i = 0; i < n && rc == DEBAR_OK; i++) {
        memset(&to, 0, sizeof(to));
        rc = filters[i](node, in, &to);

        debar_buf_free(&from);
        from = to;
        in = debar_str(from.data, from.len);
    }

    if (in.len && (rc == DEBAR_OK || i == n)) {
        i = debar_node_hold(node, out, in.data, in.len) == DEBAR_OK;
        rc = i ? rc : DEBAR_ERROR;
    }

    debar_buf_free(&from);

    return rc;
}


/* What a filter has made; DEBAR_ERROR: a bound. */

static int
debar_pdf_made(debar_node_t *node, debar_buf_t *out, const char *data,
    size_t len, size_t of)
{
    if (debar_node_expanded(node, len, of) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    return debar_node_hold(node, out, data, len);
}


static int
debar_pdf_flate(debar_node_t *node, debar_str_t in, debar_buf_t *out)
{
    int        rc, end;
    char       block[16384];
    size_t     before;
    z_stream   z;

    memset(&z, 0, sizeof(z));

    if (inflateInit(&z) != Z_OK) {
        return DEBAR_ERROR;
    }

    z.next_in = (Bytef *) in.data;
    z.avail_in = (uInt) in.len;

    do {
        before = z.avail_in;
        z.next_out = (Bytef *) block;
        z.avail_out = sizeof(block);

        end = inflate(&z, Z_SYNC_FLUSH);

        /* what was made before an error counts too: readers show it */

        rc = debar_pdf_made(node, out, block, sizeof(block) - z.avail_out,
                            before - z.avail_in);
    } while (rc == DEBAR_OK && end == Z_OK);

    inflateEnd(&z);

    return rc;
}


typedef struct {
    uint16_t  prefix[DEBAR_LZW_CODES];
    uint16_t  len[DEBAR_LZW_CODES];
    char      last[DEBAR_LZW_CODES];
    char      block[DEBAR_LZW_CODES];
} debar_lzw_t;


/* The bytes of a code, at the end of block: how many. */

static size_t
debar_lzw_string(debar_lzw_t *l, unsigned code)
{
    size_t  n, len;

    len = l->len[code];

    for (n = len; n; n--) {
        l->block[n - 1] = l->last[code];
        code = l->prefix[code];
    }

    return len;
}


static int
debar_pdf_lzw(debar_node_t *node, debar_str_t in, debar_buf_t *out)
{
    int            rc;
    size_t         i, n;
    unsigned       bits, nbits, width, next, code, last;
    debar_lzw_t   *l;

    l = calloc(1, sizeof(debar_lzw_t));

    if (l == NULL) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < 256; i++) {
        l->len[i] = 1;
        l->last[i] = (char) i;
    }

    rc = DEBAR_OK;
    bits = 0;
    nbits = 0;
    width = 9;
    next = 258;
    last = DEBAR_LZW_CLEAR;

    for (i = 0; i < in.len && rc == DEBAR_OK; i++) {
        bits = bits << 8 | (unsigned char) in.data[i];
        nbits += 8;

        if (nbits < width) {
            continue;
        }

        nbits -= width;
        code = (bits >> nbits) & ((1u << width) - 1);

        if (code == DEBAR_LZW_END) {
            break;
        }

        if (code == DEBAR_LZW_CLEAR) {
            next = 258;
            width = 9;
            last = code;
            continue;
        }

        if (code > next || (code == next && last == DEBAR_LZW_CLEAR)
            || (code > DEBAR_LZW_END && code >= DEBAR_LZW_CODES))
        {
            break;
        }

        /* a new code is the last string and the first byte of this one */

        if (last != DEBAR_LZW_CLEAR && next < DEBAR_LZW_CODES) {
            l->prefix[next] = (uint16_t) last;
            l->len[next] = (uint16_t) (l->len[last] + 1);

            (void) debar_lzw_string(l, code == next ? last : code);
            l->last[next] = l->block[0];
            next++;

        } else if (code >= next) {
            break;
        }

        n = debar_lzw_string(l, code);
        rc = debar_pdf_made(node, out, l->block, n, 1);
        last = code;

        /* the width grows one code early (EarlyChange) */

        if (next + 1 >= 1u << width && width < 12) {
            width++;
        }
    }

    free(l);

    return rc;
}


static int
debar_pdf_ascii85(debar_node_t *node, debar_str_t in, debar_buf_t *out)
{
    int        rc;
    char       four[4], c;
    size_t     i;
    uint32_t   v;
    unsigned   n;

    rc = DEBAR_OK;
    n = 0;
    v = 0;
    i = in.len >= 2 && memcmp(in.data, "<~", 2) == 0 ? 2 : 0;

    for ( /* void */ ; i < in.len && rc == DEBAR_OK; i++) {
        c = in.data[i];

        if (c == '~') {
            break;
        }

        if (c == 'z' && n == 0) {
            rc = debar_pdf_made(node, out, "\0\0\0\0", 4, 1);
            continue;
        }

        if (c < '!' || c > 'u') {
            continue;
        }

        v = v * 85 + (uint32_t) (c - '!');

        if (++n < 5) {
            continue;
        }

        four[0] = (char) (v >> 24);
        four[1] = (char) (v >> 16);
        four[2] = (char) (v >> 8);
        four[3] = (char) v;
        n = 0;
        v = 0;

        rc = debar_pdf_made(node, out, four, 4, 5);
    }

    if (n > 1 && rc == DEBAR_OK) {

        for (i = n; i < 5; i++) {
            v = v * 85 + 84;
        }

        four[0] = (char) (v >> 24);
        four[1] = (char) (v >> 16);
        four[2] = (char) (v >> 8);

        rc = debar_pdf_made(node, out, four, n - 1, n);
    }

    return rc;
}


static int
debar_pdf_ascii_hex(debar_node_t *node, debar_str_t in, debar_buf_t *out)
{
    int     rc, digit, half;
    char    block[1024];
    size_t  i, n;

    rc = DEBAR_OK;
    n = 0;
    half = -1;

    for (i = 0; i < in.len && in.data[i] != '>' && rc == DEBAR_OK; i++) {
        digit = debar_pdf_xdigit(in.data[i]);

        if (digit < 0) {
            continue;
        }

        if (half < 0) {
            half = digit;
            continue;
        }

        block[n++] = (char) (half << 4 | digit);
        half = -1;

        if (n == sizeof(block)) {
            rc = debar_pdf_made(node, out, block, n, n * 2);
            n = 0;
        }
    }

    return rc == DEBAR_OK ? debar_pdf_made(node, out, block, n, n * 2) : rc;
}


static int
debar_pdf_run_length(debar_node_t *node, debar_str_t in, debar_buf_t *out)
{
    int            rc;
    char           run[128];
    size_t         i, n;
    unsigned char  c;

    rc = DEBAR_OK;

    for (i = 0; i < in.len && rc == DEBAR_OK; /* void */) {
        c = (unsigned char) in.data[i++];

        if (c == 128) {
            break;
        }

        if (c > 128) {
            if (i == in.len) {
                break;
            }

            n = 257 - c;
            memset(run, in.data[i++], n);
            rc = debar_pdf_made(node, out, run, n, 2);
            continue;
        }

        n = (size_t) c + 1;
        n = n < in.len - i ? n : in.len - i;
        rc = debar_pdf_made(node, out, in.data + i, n, n);
        i += n;
    }

    return rc;
}

/*
 * URLs: see url.h.
 */

#include "url.h"
#include "text.h"

#include <ctype.h>


/* Pairs of a query that are looked at. */

#define DEBAR_MAX_PAIRS  128


static size_t debar_url_scheme(const char *data, size_t len);
static size_t debar_url_path_slow(char *out, size_t size, const char *path,
    size_t len, unsigned *flags);
static unsigned debar_url_path_odd(const char *path, size_t len);
static size_t debar_url_count(const char *p, size_t len);
static size_t debar_url_segments(char *out, size_t size, const char *p,
    size_t len, unsigned *flags);
static size_t debar_url_canonical(char *out, size_t size, const char *in,
    size_t len, unsigned *flags);
static int debar_url_compare(debar_str_t a, debar_str_t b);


/* What stands for a byte in a path that needs no further work; 0: it does. */

#define Z16  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,

static const char  debar_path_byte[256] = {
    Z16 Z16
    0, '!', '"', '#', '$', 0, 0, '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', 0, '<', '=', '>',
    '?',
    '@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',
    'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '[', 0, ']',
    '^', '_',
    '`', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',
    'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '{', '|', '}',
    '~', 0,
    Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16
};

#undef Z16


void
debar_url_split(debar_url_parts_t *u, const char *data, size_t len)
{
    size_t       n;
    const char  *end, *p;

    memset(u, 0, sizeof(*u));

    p = data;
    end = data + len;

    n = debar_url_scheme(p, len);

    if (n) {
        u->scheme = debar_str(p, n);
        p += n + 1;
    }

    if (n ? end - p > 1 && p[0] == '/' && p[1] == '/'
          : len && p[0] != '/' && !(len == 1 && p[0] == '*'))
    {
        p += n ? 2 : 0;

        for (u->authority.data = p; p < end; p++) {
            if (*p == '/' || *p == '?' || *p == '#') {
                break;
            }
        }

        u->authority.len = p - u->authority.data;
    }

    for (u->path.data = p; p < end && *p != '?' && *p != '#'; p++) {
        /* void */
    }

    u->path.len = p - u->path.data;

    if (p < end && *p == '?') {

        for (u->query.data = ++p; p < end && *p != '#'; p++) { /* void */ }

        u->query.len = p - u->query.data;
    }

    if (p < end) {
        u->fragment = debar_str(p + 1, end - p - 1);
    }
}


/*
 * "http:/x" has a scheme and no authority; "host:443" and "host.example:/x"
 * have no scheme.
 */

static size_t
debar_url_scheme(const char *data, size_t len)
{
    size_t  i;
    int     dot;

    if (len == 0 || !isalpha((uint8_t) data[0])) {
        return 0;
    }

    dot = 0;

    for (i = 1; i < len && i < 64; i++) {

        if (data[i] == ':') {
            if (i + 1 == len || data[i + 1] != '/') {
                return 0;
            }

            return !dot || (i + 2 < len && data[i + 2] == '/') ? i : 0;
        }

        if (data[i] == '.') {
            dot = 1;

        } else if (!isalnum((uint8_t) data[i]) && data[i] != '+'
                   && data[i] != '-')
        {
            return 0;
        }
    }

    return 0;
}


size_t
debar_url_path(char *out, size_t size, const char *path, size_t len,
    unsigned *flags)
{
    char    c, last;
    size_t  i;

    *flags = 0;

    if (len > size || len > DEBAR_MAX_PATH) {
        return debar_url_path_slow(out, size, path, len, flags);
    }

    last = '/';

    if (len && path[0] != '/') {
        return debar_url_path_slow(out, size, path, len, flags);
    }

    for (i = 0; i < len; i++) {
        c = debar_path_byte[(uint8_t) path[i]];

        /* "//", "/." and what is encoded or beyond ASCII */

        if (c == 0 || (last == '/' && i && (c == '/' || c == '.'))) {
            return debar_url_path_slow(out, size, path, len, flags);
        }

        out[i] = c;
        last = c;
    }

    if (i > 1 && last == '/') {
        i--;
    }

    if (i == 0 && size) {
        out[i++] = '/';
    }

    return i;
}


static size_t
debar_url_path_slow(char *out, size_t size, const char *path, size_t len,
    unsigned *flags)
{
    char      decoded[DEBAR_MAX_PATH], folded[DEBAR_MAX_PATH];
    size_t    i, n, m;
    unsigned  f, rounds;

    *flags |= debar_url_path_odd(path, len);

    n = debar_text_decode(decoded, sizeof(decoded), path, len, 0, &f, &rounds);

    if (f & DEBAR_TEXT_CUT) {
        *flags |= DEBAR_PATH_ODD|DEBAR_PATH_CUT;
    }

    if (rounds > 1 || (f & DEBAR_TEXT_DEPTH)) {
        *flags |= DEBAR_PATH_ODD;
    }

    for (i = 0; i < n; i++) {
        if ((uint8_t) decoded[i] < 0x20 || decoded[i] == 0x7f) {
            *flags |= DEBAR_PATH_ODD;
            break;
        }
    }

    m = debar_text_fold(folded, sizeof(folded), decoded, n, &f);

    if (f & DEBAR_TEXT_CUT) {
        *flags |= DEBAR_PATH_ODD|DEBAR_PATH_CUT;
    }

    /* a server that does not fold sees another path, or a path divided
     * elsewhere */

    if ((f & DEBAR_TEXT_DECODED)
        || debar_url_count(decoded, n) != debar_url_count(folded, m))
    {
        *flags |= DEBAR_PATH_ODD;
    }

    return debar_url_segments(out, size, folded, m, flags);
}


/* Spellings that servers may differ about, in a path as it was sent. */

static unsigned
debar_url_path_odd(const char *path, size_t len)
{
    int       hi, lo;
    size_t    i;
    uint8_t   c;

    for (i = 0; i < len; i++) {
        c = path[i];

        switch (c) {

        case '\\':
        case ';':
        case '&':
            if (c == '&' && (i + 1 == len || path[i + 1] != '#')) {
                break;
            }

            return DEBAR_PATH_ODD;

        case '%':
            if (i + 2 >= len || !isxdigit((uint8_t) path[i + 1])
                || !isxdigit((uint8_t) path[i + 2]))
            {
                return DEBAR_PATH_ODD;
            }

            hi = path[i + 1] | 0x20;
            lo = path[i + 2] | 0x20;

            /* controls, "%", "#", "&", ".", "/", ";", "?", "\", DEL, and the
             * first bytes of overlong UTF-8 */

            if (hi < '2'
                || (hi == '2' && strchr("3567ef", lo))
                || (hi == '3' && strchr("bf", lo))
                || (hi == '5' && lo == 'c') || (hi == '7' && lo == 'f')
                || (hi == 'c' && (lo == '0' || lo == '1')))
            {
                return DEBAR_PATH_ODD;
            }

            i += 2;
            break;
        }
    }

    return 0;
}


static size_t
debar_url_count(const char *p, size_t len)
{
    size_t  i, n;

    for (i = 0, n = 0; i < len; i++) {
        n += p[i] == '/' || p[i] == '\\' || p[i] == '.' || p[i] == ';';
    }

    return n;
}


/* Segments joined anew: without empty ones, dots and parameters. */

static size_t
debar_url_segments(char *out, size_t size, const char *p, size_t len,
    unsigned *flags)
{
    size_t       n, seg;
    const char  *end, *start;

    n = 0;
    end = p + len;

    while (p < end) {

        for (start = p; p < end && *p != '/' && *p != '\\'; p++) { /* void */ }

        if (p < end && *p == '\\') {
            *flags |= DEBAR_PATH_ODD;
        }

        seg = p - start;
        p++;

        if (seg && memchr(start, ';', seg)) {
            *flags |= DEBAR_PATH_ODD;
            seg = (const char *) memchr(start, ';', seg) - start;
        }

        if (seg == 0 || (seg == 1 && start[0] == '.')) {
            continue;
        }

        if (seg == 2 && start[0] == '.' && start[1] == '.') {

            if (n == 0) {
                *flags |= DEBAR_PATH_ODD;
            }

            while (n && out[--n] != '/') { /* void */ }

            continue;
        }

        if (seg >= size - n) {
            *flags |= DEBAR_PATH_ODD|DEBAR_PATH_CUT;
            break;
        }

        out[n++] = '/';
        memcpy(out + n, start, seg);
        n += seg;
    }

    if (n == 0 && size) {
        out[n++] = '/';
    }

    return n;
}


int
debar_url_pair(const char *query, size_t len, size_t *pos, debar_str_t *key,
    debar_str_t *value)
{
    size_t       n;
    const char  *amp, *eq, *p;

    while (*pos < len && query[*pos] == '&') {
        (*pos)++;
    }

    if (*pos >= len) {
        return DEBAR_DECLINED;
    }

    p = query + *pos;
    amp = memchr(p, '&', len - *pos);
    n = amp ? (size_t) (amp - p) : len - *pos;
    *pos += n;

    eq = memchr(p, '=', n);

    if (eq) {
        *key = debar_str(p, eq - p);
        *value = debar_str(eq + 1, p + n - eq - 1);

    } else {
        *key = debar_str(p, n);
        *value = debar_str(NULL, 0);
    }

    return DEBAR_OK;
}


size_t
debar_url_query(char *out, size_t size, const char *query, size_t len,
    unsigned *flags)
{
    char         buf[DEBAR_MAX_PATH];
    size_t       from, hi, i, lo, mid, n, npairs, pos;
    debar_str_t  key, pair, pairs[DEBAR_MAX_PAIRS], value;

    *flags = 0;
    npairs = 0;
    n = 0;
    pos = 0;

    while (debar_url_pair(query, len, &pos, &key, &value) == DEBAR_OK) {

        if (npairs == DEBAR_MAX_PAIRS) {
            *flags |= DEBAR_PATH_ODD|DEBAR_PATH_CUT;
            break;
        }

        from = n;
        n += debar_url_canonical(buf + n, sizeof(buf) - n, key.data, key.len,
                                 flags);

        if (value.data && n < sizeof(buf)) {
            buf[n++] = '=';
            n += debar_url_canonical(buf + n, sizeof(buf) - n, value.data,
                                     value.len, flags);
        }

        pair = debar_str(buf + from, n - from);

        for (lo = 0, hi = npairs; lo < hi; /* void */) {
            mid = (lo + hi) / 2;

            if (debar_url_compare(pairs[mid], pair) <= 0) {
                lo = mid + 1;

            } else {
                hi = mid;
            }
        }

        memmove(pairs + lo + 1, pairs + lo, (npairs - lo) * sizeof(pair));
        pairs[lo] = pair;
        npairs++;

        if (*flags & DEBAR_PATH_CUT) {
            break;
        }
    }

    n = 0;

    for (i = 0; i < npairs; i++) {

        if (pairs[i].len + (i != 0) > size - n) {
            *flags |= DEBAR_PATH_ODD|DEBAR_PATH_CUT;
            break;
        }

        if (i) {
            out[n++] = '&';
        }

        memcpy(out + n, pairs[i].data, pairs[i].len);
        n += pairs[i].len;
    }

    return n;
}


/* A key or a value. */

static size_t
debar_url_canonical(char *out, size_t size, const char *in, size_t len,
    unsigned *flags)
{
    char      decoded[DEBAR_MAX_PATH];
    size_t    n;
    unsigned  f, g, rounds;

    n = debar_text_decode(decoded, sizeof(decoded), in, len, 1, &f, &rounds);

    if (rounds > 1 || memchr(decoded, '&', n)
        || (n != len && memchr(decoded, '=', n)))
    {
        *flags |= DEBAR_PATH_ODD;
    }

    n = debar_text_fold(out, size, decoded, n, &g);

    if (g & DEBAR_TEXT_DECODED) {
        *flags |= DEBAR_PATH_ODD;
    }

    if ((f|g) & (DEBAR_TEXT_CUT|DEBAR_TEXT_DEPTH)) {
        *flags |= DEBAR_PATH_ODD|DEBAR_PATH_CUT;
    }

    return n;
}


static int
debar_url_compare(debar_str_t a, debar_str_t b)
{
    int  rc;

    rc = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    if (rc) {
        return rc;
    }

    return a.len < b.len ? -1 : a.len > b.len;
}

/*
 * Identifiers of goods, files and packages: see ident.h.
 */

#include "ident.h"
#include "text_private.h"

#include <ctype.h>


#define DEBAR_MIN_PART  4


static size_t debar_ident_upper(char *out, size_t size, const char *in,
    size_t len, size_t want);
static size_t debar_ident_base(const char *in, size_t len);


static int
debar_ident_part_add(char *out, size_t size, size_t *n, UChar32 c)
{
    if (c == '*' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
        || (c >= 'a' && c <= 'z'))
    {
        if (*n == size) {
            return DEBAR_ERROR;
        }

        out[(*n)++] = c >= 'a' ? c - 'a' + 'A' : c;
    }

    return DEBAR_OK;
}


size_t
debar_ident_part(char *out, size_t size, const char *in, size_t len)
{
    int              a, letter;
    size_t           n;
    int32_t          k;
    UChar32          c;
    debar_segment_t  s;

    s.data = (const uint8_t *) in;
    s.len = len;
    s.pos = 0;
    n = 0;

    while (s.pos < len) {

        if (s.data[s.pos] < 0x80) {
            if (debar_ident_part_add(out, size, &n, s.data[s.pos++])
                != DEBAR_OK)
            {
                return 0;
            }

            continue;
        }

        if (!debar_segment_gather(&s, 1)) {
            break;
        }

        if (s.first == 0x2122 || s.first == 0x2120) {
            continue;
        }

        debar_segment_fold(&s);

        for (k = 0; k < s.n; k++) {
            c = debar_fold_base(s.cp[k]);
            a = debar_text_lookalike(c);
            letter = (U_GET_GC_MASK(c) & (U_GC_L_MASK|U_GC_N_MASK)) != 0;

            /* a letter of no part number makes it something else */

            if ((a == 0 && letter)
                || debar_ident_part_add(out, size, &n, a) != DEBAR_OK)
            {
                return 0;
            }
        }
    }

    return n >= DEBAR_MIN_PART ? n : 0;
}


size_t
debar_ident_gtin(char *out, size_t size, const char *in, size_t len)
{
    char      digits[14], text[64];
    size_t    i, n, used;
    UChar32   c;
    unsigned  any, flags, sum;

    len = debar_text_fold(text, sizeof(text), in, len, &flags);

    if (size < 14 || (flags & DEBAR_TEXT_CUT)) {
        return 0;
    }

    n = 0;
    any = 0;

    for (i = 0; i < len; i += used) {
        c = debar_utf8_get((uint8_t *) text + i, len - i, &used);

        if (c == ' ' || c == '-' || (c >= 0x2010 && c <= 0x2015)
            || c == 0x2212)
        {
            continue;
        }

        if (u_charDigitValue(c) < 0 || n == 14) {
            return 0;
        }

        any |= u_charDigitValue(c);
        digits[n++] = '0' + u_charDigitValue(c);
    }

    if ((n != 8 && n < 12) || any == 0) {
        return 0;
    }

    memset(out, '0', 14 - n);
    memcpy(out + 14 - n, digits, n);

    sum = 0;

    for (i = 0; i < 14; i++) {
        sum += (out[i] - '0') * (i % 2 ? 1 : 3);
    }

    return sum % 10 == 0 ? 14 : 0;
}


size_t
debar_ident_sha256(char *out, size_t size, const char *in, size_t len)
{
    int     c;
    size_t  i;

    if (len != 64 || size < 32) {
        return 0;
    }

    memset(out, 0, 32);

    for (i = 0; i < 64; i++) {
        c = (uint8_t) in[i];

        if (!isxdigit(c)) {
            return 0;
        }

        c = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        out[i / 2] |= i % 2 ? c : c << 4;
    }

    return 32;
}


size_t
debar_ident_uei(char *out, size_t size, const char *in, size_t len)
{
    size_t  n;

    n = debar_ident_upper(out, size, in, len, 12);

    if (n == 0 || out[0] == '0' || memchr(out, 'O', n) || memchr(out, 'I', n)) {
        return 0;
    }

    return n;
}


size_t
debar_ident_cage(char *out, size_t size, const char *in, size_t len)
{
    return debar_ident_upper(out, size, in, len, 5);
}


/* Exactly so many letters and digits of ASCII, in upper case. */

static size_t
debar_ident_upper(char *out, size_t size, const char *in, size_t len,
    size_t want)
{
    size_t   i;
    uint8_t  c;

    if (len != want || size < want) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        c = in[i];

        if (c >= 'a' && c <= 'z') {
            c -= 'a' - 'A';

        } else if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z')) {
            return 0;
        }

        out[i] = c;
    }

    return len;
}


size_t
debar_ident_file(char *out, size_t size, const char *in, size_t len)
{
    size_t       i, n, start;
    unsigned     flags;
    const char  *colon;

    start = debar_ident_base(in, len);
    n = debar_text_fold(out, size, in + start, len - start, &flags);

    if (flags & DEBAR_TEXT_CUT) {
        return 0;
    }

    /* folding makes slashes of wide ones */

    start = debar_ident_base(out, n);

    if (n - start > 2 && out[start + 1] == ':' && isalpha((uint8_t) out[start])
        && out[start + 2] != ':')
    {
        /* "c:setup.exe" */
        start += 2;
    }

    colon = memchr(out + start, ':', n - start);

    if (colon) {
        n = colon - out;
    }

    len = n;

    for (i = start, n = 0; i < len; i++) {
        if ((uint8_t) out[i] >= 0x20 && out[i] != 0x7f) {
            out[n++] = out[i];
        }
    }

    while (n && (out[n - 1] == '.' || out[n - 1] == ' ')) {
        n--;
    }

    return n;
}


/* Where the name begins behind the last slash. */

static size_t
debar_ident_base(const char *in, size_t len)
{
    while (len && in[len - 1] != '/' && in[len - 1] != '\\') {
        len--;
    }

    return len;
}


/*
 * The repository of an image of containers: without its tag and digest, and
 * without the registry and the owner that go without saying.
 */

static debar_str_t
debar_ident_image(const char *in, size_t len)
{
    size_t       i;
    const char  *p;

    static const debar_str_t  before[] = {
        debar_string("docker.io/"), debar_string("index.docker.io/"),
        debar_string("registry-1.docker.io/"),
        debar_string("registry.hub.docker.com/"), debar_string("library/")
    };

    p = memchr(in, '@', len);
    len = p ? (size_t) (p - in) : len;
    p = memrchr(in, ':', len);

    if (p != NULL && memchr(p, '/', in + len - p) == NULL) {
        len = p - in;
    }

    for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        if (len > before[i].len
            && strncasecmp(in, before[i].data, before[i].len) == 0)
        {
            in += before[i].len;
            len -= before[i].len;
        }
    }

    return debar_str(in, len);
}


size_t
debar_ident_package(char *out, size_t size, const char *ecosystem,
    size_t elen, const char *in, size_t len)
{
    size_t       m, n;
    unsigned     f, g;
    debar_str_t  image;

    if (elen == 0 || len == 0) {
        return 0;
    }

    if ((elen == 6 && strncasecmp(ecosystem, "docker", 6) == 0)
        || (elen == 3 && strncasecmp(ecosystem, "oci", 3) == 0))
    {
        image = debar_ident_image(in, len);
        in = image.data;
        len = image.len;
    }

    /* a GUID, as Windows Installer writes its codes */

    if (len == 38 && in[0] == '{' && in[37] == '}') {
        in++;
        len -= 2;
    }

    n = debar_text_fold(out, size, ecosystem, elen, &f);

    if ((f & DEBAR_TEXT_CUT) || n == size) {
        return 0;
    }

    out[n++] = ':';
    m = debar_text_fold(out + n, size - n, in, len, &g);

    return (g & DEBAR_TEXT_CUT) || m == 0 ? 0 : n + m;
}


size_t
debar_ident_org(char *out, size_t size, const char *in, size_t len)
{
    int          a;
    char         text[4 * DEBAR_MAX_IDENT], word[DEBAR_MAX_IDENT];
    size_t       end, i, m, n, start, used;
    unsigned     flags;
    const char  *extra;

    n = debar_text_tokens(text, sizeof(text), in, len, NULL, &flags);

    extra = memchr(text, DEBAR_TEXT_BREAK, n);
    n = extra ? (size_t) (extra - text) : n;

    if ((flags & DEBAR_TEXT_CUT) && extra == NULL) {
        return 0;
    }

    /* a word of look-alikes is the word that it looks like */

    m = 0;

    for (start = 0; start < n; start = end + 1) {
        extra = memchr(text + start, ' ', n - start);
        end = extra ? (size_t) (extra - text) : n;

        used = 0;

        for (i = start; i < end && used < sizeof(word); /* void */) {
            size_t  bytes;

            a = debar_text_lookalike(debar_utf8_get((uint8_t *) text + i,
                                                    end - i, &bytes));
            if (a == 0) {
                break;
            }

            word[used++] = a;
            i += bytes;
        }

        if (m + (m != 0) + (end - start) > size) {
            return 0;
        }

        if (m) {
            out[m++] = ' ';
        }

        if (i == end) {
            memcpy(out + m, word, used);
            m += used;

        } else {
            memcpy(out + m, text + start, end - start);
            m += end - start;
        }
    }

    return m;
}

/*
 * Case folding and its Unicode data: see text_private.h and text.h.
 */

#include "text_private.h"

#include <pthread.h>


static int debar_segment_collect(debar_segment_t *s, int tokens);
static int debar_text_looked_up(uint32_t cp);


const uint16_t  debar_1252[32] = {
    0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021,
    0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
    0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178
};


/* Sorted by code point. */

#define L(cp, c)  (uint32_t) (cp) << 8 | (c),

static const uint32_t  debar_lookalikes[] = {
#include "lookalikes.h"
};

#undef L


static const UNormalizer2  *debar_nfkc_fold, *debar_nfd;
static pthread_once_t       debar_text_once = PTHREAD_ONCE_INIT;

/* What UTF-8 writes in two bytes: the letter or digit that each becomes when
 * nothing combines with it, or 0; and what that looks like. */

#define DEBAR_SHORT  0x800

static uint16_t             debar_short[DEBAR_SHORT];
static uint8_t              debar_short_looks[DEBAR_SHORT];


static void
debar_text_open(void)
{
    uint8_t          bytes[4];
    UChar32          c, folded;
    UErrorCode       err;
    debar_segment_t  s;

    /* ICU's own constants: without its data they are NULL, and text is then
     * folded one code point at a time */

    err = U_ZERO_ERROR;
    debar_nfkc_fold = unorm2_getNFKCCasefoldInstance(&err);
    debar_nfd = unorm2_getNFDInstance(&err);

    for (c = 0x80; c < DEBAR_SHORT; c++) {
        debar_short_looks[c] = debar_text_looked_up(c);

        s.data = bytes;
        s.len = debar_utf8_put(bytes, c);
        s.pos = 0;

        if (debar_nfkc_fold == NULL
            || !unorm2_hasBoundaryBefore(debar_nfkc_fold, c)
            || !debar_segment_collect(&s, 1))
        {
            continue;
        }

        debar_segment_fold(&s);

        if (s.n != 1) {
            continue;
        }

        folded = debar_fold_base(s.cp[0]);

        if (folded < DEBAR_SHORT
            && U_GET_GC_MASK(folded) & (U_GC_L_MASK|U_GC_N_MASK))
        {
            debar_short[c] = folded;
        }
    }
}


UChar32
debar_utf8_get(const uint8_t *p, size_t len, size_t *used)
{
    int32_t  i, n;
    UChar32  c;

    i = 0;
    n = len < 4 ? len : 4;

    U8_NEXT(p, i, n, c);

    if (c < 0) {
        *used = 1;
        return p[0] < 0xa0 ? debar_1252[p[0] - 0x80] : p[0];
    }

    *used = i;

    return c;
}


unsigned
debar_utf8_put(uint8_t *out, UChar32 c)
{
    unsigned  n;

    n = 0;
    U8_APPEND_UNSAFE(out, n, c);

    return n;
}


/* Controls that are no white space. */

static int
debar_text_ignored(UChar32 c)
{
    if (c < 0x20) {
        return c < '\t' || c > '\r';
    }

    return c == 0x7f || (c >= 0x80 && c < 0xa0 && c != 0x85);
}


static UChar32
debar_quick(UChar32 c)
{
    if (c < DEBAR_SHORT) {
        return c < 0x80 ? c : debar_short[c];
    }

    /* unified ideographs are what they are */

    return c >= 0x4e00 && c < 0xa000 ? c : 0;
}


UChar32
debar_segment_quick(debar_segment_t *s)
{
    size_t   next, used;
    UChar32  c;

    pthread_once(&debar_text_once, debar_text_open);

    c = debar_quick(debar_utf8_get(s->data + s->pos, s->len - s->pos, &used));
    next = s->pos + used;

    if (c == 0) {
        return 0;
    }

    if (next < s->len) {

        /* a control may stand between a letter and its mark */

        if (s->data[next] < ' ' || s->data[next] == 0x7f) {
            return 0;
        }

        if (s->data[next] >= 0x80
            && !debar_quick(debar_utf8_get(s->data + next, s->len - next,
                                           &used)))
        {
            return 0;
        }
    }

    s->from = s->pos;
    s->pos = next;

    return c;
}


int
debar_segment_gather(debar_segment_t *s, int tokens)
{
    pthread_once(&debar_text_once, debar_text_open);

    return debar_segment_collect(s, tokens);
}


static int
debar_segment_collect(debar_segment_t *s, int tokens)
{
    size_t   used;
    UChar32  c;

    s->ncp = 0;
    s->nin = 0;
    s->changed = 0;

    while (s->pos < s->len) {
        c = s->data[s->pos];
        used = 1;

        if (c >= 0x80) {
            c = debar_utf8_get(s->data + s->pos, s->len - s->pos, &used);
        }

        if (tokens && debar_text_ignored(c)) {
            s->pos += used;
            continue;
        }

        if (s->ncp == 0) {
            s->from = s->pos;
            s->first = c;

        } else if (c < 0x80 || debar_nfkc_fold == NULL
                   || unorm2_hasBoundaryBefore(debar_nfkc_fold, c))
        {
            break;

        } else if (s->ncp == DEBAR_SEGMENT) {

            if (u_getCombiningClass(c) == 0) {
                break;
            }

            s->pos += used;
            s->changed = 1;
            continue;
        }

        s->changed |= (used == 1 && c >= 0x80);

        U16_APPEND_UNSAFE(s->in, s->nin, c);
        s->ncp++;
        s->pos += used;
    }

    return s->ncp != 0;
}


/* Folds the segment.  Most are one code point that becomes one, which is known
 * without the work of the normalizer. */

void
debar_segment_fold(debar_segment_t *s)
{
    UChar       out[DEBAR_EXPANDED];
    int32_t     i, n;
    UErrorCode  err;

    err = U_ZERO_ERROR;
    s->n = 0;

    if (debar_nfkc_fold == NULL) {
        s->cp[s->n++] = u_tolower(s->first);
        return;
    }

    n = -1;

    if (s->ncp == 1) {
        n = unorm2_getDecomposition(debar_nfkc_fold, s->first, out,
                                    DEBAR_EXPANDED, &err);
        if (n < 0) {
            s->cp[s->n++] = s->first;
            return;
        }
    }

    if (n != 1) {
        n = unorm2_normalize(debar_nfkc_fold, s->in, s->nin, out,
                             DEBAR_EXPANDED, &err);
    }

    if (U_FAILURE(err)) {
        s->changed = 1;
        return;
    }

    for (i = 0; i < n; s->n++) {
        U16_NEXT(out, i, n, s->cp[s->n]);
    }

    if (s->n == 1 && s->ncp == 1
        && (s->cp[0] == s->first
            || (s->cp[0] == u_tolower(s->first)
                && u_toupper(s->cp[0]) == s->first)))
    {
        return;
    }

    s->changed = 1;
}


int
debar_fold_latin(UChar32 c)
{
    return c < 0x2b0 || (c >= 0x1e00 && c < 0x1f00)
           || (c >= 0x2c60 && c < 0x2c80) || (c >= 0xa720 && c < 0xa800)
           || (c >= 0xab30 && c < 0xab70);
}


UChar32
debar_fold_base(UChar32 c)
{
    UChar       out[8];
    int32_t     i, n;
    UChar32     base;
    UErrorCode  err;

    if (c < 0xc0 || !debar_fold_latin(c) || debar_nfd == NULL) {
        return c;
    }

    err = U_ZERO_ERROR;
    n = unorm2_getDecomposition(debar_nfd, c, out, 8, &err);

    if (n <= 0 || U_FAILURE(err)) {
        return c;
    }

    i = 0;
    U16_NEXT(out, i, n, base);

    return base;
}


size_t
debar_text_fold(char *out, size_t size, const char *in, size_t len,
    unsigned *flags)
{
    size_t           n;
    int32_t          k;
    uint8_t          c, bytes[4];
    unsigned         nbytes;
    debar_segment_t  s;

    *flags = 0;

    s.data = (const uint8_t *) in;
    s.len = len;
    s.pos = 0;
    n = 0;

    while (s.pos < len) {
        c = s.data[s.pos];

        /* a mark may follow the last letter before a wide character */

        if (c < 0x80 && (s.pos + 1 == len || s.data[s.pos + 1] < 0x80)) {

            if (n == size) {
                *flags |= DEBAR_TEXT_CUT;
                return n;
            }

            out[n++] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
            s.pos++;
            continue;
        }

        debar_segment_gather(&s, 0);
        debar_segment_fold(&s);

        if (s.changed) {
            *flags |= DEBAR_TEXT_DECODED;
        }

        for (k = 0; k < s.n; k++) {
            nbytes = debar_utf8_put(bytes, s.cp[k]);

            if (nbytes > size - n) {
                *flags |= DEBAR_TEXT_CUT;
                return n;
            }

            memcpy(out + n, bytes, nbytes);
            n += nbytes;
        }
    }

    return n;
}


int
debar_text_lookalike(uint32_t cp)
{
    if (cp < 0x80) {
        return cp;
    }

    if (cp < DEBAR_SHORT) {
        pthread_once(&debar_text_once, debar_text_open);
        return debar_short_looks[cp];
    }

    return debar_text_looked_up(cp);
}


static int
debar_text_looked_up(uint32_t cp)
{
    size_t  hi, lo, mid;

    lo = 0;
    hi = sizeof(debar_lookalikes) / sizeof(debar_lookalikes[0]);

    while (lo < hi) {
        mid = (lo + hi) / 2;

        if (debar_lookalikes[mid] >> 8 < cp) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    if (lo < sizeof(debar_lookalikes) / sizeof(debar_lookalikes[0])
        && debar_lookalikes[lo] >> 8 == cp)
    {
        return debar_lookalikes[lo] & 0xff;
    }

    return 0;
}

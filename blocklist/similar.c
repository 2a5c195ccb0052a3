/*
 * How alike names are: see similar.h.
 */

#include <stdlib.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

#include "similar.h"
#include "legalforms.h"


#define DEBAR_SIMILAR_WORDS  32
#define DEBAR_SIMILAR_UNITS  512

typedef struct {
    const char  *data;
    size_t       len;
} debar_similar_word_t;


static size_t debar_similar_split(debar_similar_word_t *words, char *p,
    size_t len);
static int debar_similar_alnum(char c);
static const debar_legal_form_t *debar_similar_legal(
    const debar_similar_word_t *w);
static int debar_similar_compare(const void *a, const void *b);


int
debar_similar_open(debar_similar_t *s, debar_fault_t *why)
{
    UErrorCode  e;

    static const UChar  id[] = u"Any-Latin; Latin-ASCII; Lower";

    e = U_ZERO_ERROR;
    s->translit = utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, NULL, &e);

    if (U_FAILURE(e)) {
        debar_fault(why, "ICU has no transliteration to Latin letters (%s): "
                    "its data package is missing", u_errorName(e));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_similar_close(debar_similar_t *s)
{
    if (s->translit) {
        utrans_close(s->translit);
        s->translit = NULL;
    }
}


size_t
debar_similar_latin(const debar_similar_t *s, char *out, size_t size,
    const char *data, size_t len)
{
    char        utf8[4 * DEBAR_SIMILAR_UNITS];
    size_t      i, n;
    UChar       text[4 * DEBAR_SIMILAR_UNITS];
    int32_t     units, limit, bytes;
    UErrorCode  e;

    for (i = 0; i < len && (data[i] & 0x80) == 0; i++) {
        /* void */
    }

    if (i == len || s->translit == NULL) {
        for (n = 0, i = 0; i < len && n < size; i++) {
            if (data[i] >= 0x20 && data[i] < 0x7f) {
                out[n++] = data[i] >= 'A' && data[i] <= 'Z' ? data[i] | 0x20
                                                            : data[i];
            }
        }

        return n;
    }

    e = U_ZERO_ERROR;
    u_strFromUTF8WithSub(text, DEBAR_SIMILAR_UNITS, &units, data,
                         len > DEBAR_SIMILAR_UNITS ? DEBAR_SIMILAR_UNITS
                                                   : (int32_t) len,
                         ' ', NULL, &e);
    if (U_FAILURE(e)) {
        return 0;
    }

    e = U_ZERO_ERROR;
    limit = units;
    utrans_transUChars(s->translit, text, &units, 4 * DEBAR_SIMILAR_UNITS, 0,
                       &limit, &e);
    if (U_FAILURE(e)) {
        return 0;
    }

    e = U_ZERO_ERROR;
    u_strToUTF8WithSub(utf8, sizeof(utf8), &bytes, text, units, ' ', NULL, &e);
    if (U_FAILURE(e)) {
        return 0;
    }

    for (n = 0, i = 0; i < (size_t) bytes && n < size; i++) {
        if (utf8[i] >= 0x20 && utf8[i] < 0x7f) {
            out[n++] = utf8[i];
        }
    }

    return n;
}


void
debar_similar_name(const debar_similar_t *s, debar_similar_name_t *out,
    const char *data, size_t len)
{
    int                   pass;
    char                  text[DEBAR_SIMILAR_MAX];
    size_t                i, n, k;
    debar_similar_word_t  words[DEBAR_SIMILAR_WORDS], *w;

    memset(out, 0, sizeof(debar_similar_name_t));

    n = debar_similar_latin(s, text, sizeof(text), data, len);
    n = debar_similar_split(words, text, n);

    /* without legal forms; a name of nothing else is all of them */

    for (pass = 0; pass < 2; pass++) {
        for (i = 0, k = 0; i < n; i++) {
            if (pass == 1 || debar_similar_legal(&words[i]) == NULL) {
                k++;
            }
        }

        if (k) {
            break;
        }
    }

    for (i = 0, k = 0; i < n; i++) {
        if (pass == 0 && debar_similar_legal(&words[i])) {
            out->legal++;
        } else {
            words[k++] = words[i];
        }
    }

    out->words = (unsigned) k;

    for (i = 0, w = words; i < k; i++, w++) {
        if (i) {
            out->text[out->len++] = ' ';
        }

        memcpy(out->text + out->len, w->data, w->len);
        out->len += w->len;
    }

    qsort(words, k, sizeof(words[0]), debar_similar_compare);

    for (i = 0, n = 0; i < k; i++) {
        if (i) {
            out->sorted[n++] = ' ';
        }

        memcpy(out->sorted + n, words[i].data, words[i].len);
        n += words[i].len;
    }

    for (i = 0; i < out->len; i++) {
        out->letters |= 1ull << (out->text[i] & 63);
    }

    for (i = 0; i < len; i++) {
        out->latin |= (unsigned char) data[i] >= 0xcd;  /* beyond Latin */
    }
}


/* Words of letters and digits.  Dots behind single letters do not part: L.L.C.
 * is one word; nor do apostrophes (O'Neil, and of transliteration). */

static size_t
debar_similar_split(debar_similar_word_t *words, char *p, size_t len)
{
    size_t  i, n, k, from, run;

    for (i = 0, k = 0, run = 0; i < len; i++) {

        if (p[i] == '\'' || p[i] == '`') {
            continue;
        }

        if (p[i] == '.' && run == 1 && i + 1 < len
            && debar_similar_alnum(p[i + 1]))
        {
            run = 0;
            continue;
        }

        run = debar_similar_alnum(p[i]) ? run + 1 : 0;
        p[k++] = p[i];
    }

    len = k;
    n = 0;
    from = 0;

    for (i = 0; i <= len && n < DEBAR_SIMILAR_WORDS; i++) {

        if (i < len && debar_similar_alnum(p[i])) {
            continue;
        }

        if (i > from) {
            words[n].data = p + from;
            words[n++].len = i - from;
        }

        from = i + 1;
    }

    return n;
}


static int
debar_similar_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}


static const debar_legal_form_t *
debar_similar_legal(const debar_similar_word_t *w)
{
    size_t  i;

    for (i = 0; i < sizeof(debar_legal_forms) / sizeof(debar_legal_forms[0]);
         i++)
    {
        if (strlen(debar_legal_forms[i].word) == w->len
            && memcmp(debar_legal_forms[i].word, w->data, w->len) == 0)
        {
            return &debar_legal_forms[i];
        }
    }

    return NULL;
}


static int
debar_similar_compare(const void *a, const void *b)
{
    int                          rc;
    size_t                       n;
    const debar_similar_word_t  *one, *two;

    one = a;
    two = b;
    n = one->len < two->len ? one->len : two->len;
    rc = memcmp(one->data, two->data, n);

    return rc ? rc : one->len < two->len ? -1 : one->len > two->len;
}


int
debar_similar_firm(const debar_similar_t *s, const char *data, size_t len)
{
    char                       text[DEBAR_SIMILAR_MAX];
    size_t                     i, n;
    debar_similar_word_t       words[DEBAR_SIMILAR_WORDS];
    const debar_legal_form_t  *f;

    n = debar_similar_latin(s, text, sizeof(text), data, len);
    n = debar_similar_split(words, text, n);

    for (i = 0; n > 1 && i < n; i++) {
        f = debar_similar_legal(&words[i]);

        if (f && f->strong) {
            return 1;
        }
    }

    return 0;
}


double
debar_similar(const debar_similar_name_t *a, const debar_similar_name_t *b,
    double at_least)
{
    double  one, two;
    size_t  less, more;

    if (a->len == 0 || b->len == 0) {
        return 0;
    }

    /* With m matches of the shorter's n letters Jaro is at most
     * (1 + n / longer + 1) / 3, and Winkler adds at most 0.4 of the rest. */

    less = a->len < b->len ? a->len : b->len;
    more = a->len < b->len ? b->len : a->len;
    one = (2 + (double) less / (double) more) / 3;

    if (one + 0.4 * (1 - one) < at_least) {
        return 0;
    }

    one = debar_jaro_winkler(a->text, a->len, b->text, b->len);
    two = a->words > 1 || b->words > 1
          ? debar_jaro_winkler(a->sorted, a->len, b->sorted, b->len) : 0;

    return one > two ? one : two;
}


double
debar_jaro_winkler(const char *a, size_t alen, const char *b, size_t blen)
{
    char    ahit[DEBAR_SIMILAR_MAX], bhit[DEBAR_SIMILAR_MAX];
    double  m, jaro;
    size_t  i, k, from, to, range, n, moved, prefix;

    if (alen > DEBAR_SIMILAR_MAX) {
        alen = DEBAR_SIMILAR_MAX;
    }

    if (blen > DEBAR_SIMILAR_MAX) {
        blen = DEBAR_SIMILAR_MAX;
    }

    if (alen == 0 || blen == 0) {
        return alen == blen;
    }

    memset(ahit, 0, alen);
    memset(bhit, 0, blen);

    range = (alen > blen ? alen : blen) / 2;
    range = range ? range - 1 : 0;
    n = 0;

    for (i = 0; i < alen; i++) {
        from = i > range ? i - range : 0;
        to = i + range + 1 < blen ? i + range + 1 : blen;

        for (k = from; k < to; k++) {
            if (!bhit[k] && a[i] == b[k]) {
                ahit[i] = 1;
                bhit[k] = 1;
                n++;
                break;
            }
        }
    }

    if (n == 0) {
        return 0;
    }

    for (i = 0, k = 0, moved = 0; i < alen; i++) {
        if (!ahit[i]) {
            continue;
        }

        while (!bhit[k]) {
            k++;
        }

        moved += a[i] != b[k++];
    }

    m = (double) n;
    jaro = (m / (double) alen + m / (double) blen
            + (m - (double) (moved / 2)) / m) / 3;

    for (prefix = 0; prefix < 4 && prefix < alen && prefix < blen; prefix++) {
        if (a[prefix] != b[prefix]) {
            break;
        }
    }

    return jaro + 0.1 * (double) prefix * (1 - jaro);
}

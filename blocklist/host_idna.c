/*
 * Names beyond ASCII (UTS 46): see host.h.
 */

#include "host_private.h"

#include <pthread.h>
#include <strings.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/ustring.h>


static int debar_idna_labels(const char *ascii, size_t len,
    const char **why);
static int debar_idna_case_alone(const UChar *in, int32_t len,
    const char *ascii, const UChar *shown, int32_t nshown);
static int debar_idna_plain(const char *data, size_t len);
static const char *debar_idna_why(uint32_t errors);


/*
 * ICU's processors never change once they are open.  STD3 rules forbid the
 * underscore, which names of services bear: such names go without them, and
 * the result is checked by debar_host_ascii() in any case.
 */

static UIDNA           *debar_idna_std3, *debar_idna_underscore,
                       *debar_idna_lax;
static pthread_once_t   debar_idna_once = PTHREAD_ONCE_INIT;


static void
debar_idna_open(void)
{
    uint32_t    flags;
    UErrorCode  err;

    err = U_ZERO_ERROR;
    flags = UIDNA_CHECK_BIDI|UIDNA_CHECK_CONTEXTJ
            |UIDNA_NONTRANSITIONAL_TO_ASCII|UIDNA_NONTRANSITIONAL_TO_UNICODE;

    debar_idna_underscore = uidna_openUTS46(flags, &err);
    debar_idna_std3 = uidna_openUTS46(flags|UIDNA_USE_STD3_RULES, &err);
    debar_idna_lax = uidna_openUTS46(UIDNA_DEFAULT, &err);
}


/*
 * U-labels and A-labels, by UTS 46.  A-labels are decoded and encoded again
 * (RFC 5891 s.5.4), whatever they came in as.
 */

int
debar_host_idna(debar_host_t *h, const char *data, size_t len,
    const char **why)
{
    char         ascii[DEBAR_MAX_HOST + 3];
    UChar        in[DEBAR_HOST_RAW], out[DEBAR_MAX_HOST + 3],
                 shown[DEBAR_MAX_HOST + 3];
    size_t       i;
    UIDNA       *idna;
    int32_t      n, m, nshown;
    UErrorCode   err;
    UIDNAInfo    info = UIDNA_INFO_INITIALIZER;

    static const uint32_t  hyphens = UIDNA_ERROR_LEADING_HYPHEN
                                     |UIDNA_ERROR_TRAILING_HYPHEN
                                     |UIDNA_ERROR_HYPHEN_3_4;

    for (i = 0; i < len; i++) {
        if ((uint8_t) data[i] < 0x80
            && debar_host_byte[(uint8_t) data[i]] == 0)
        {
            *why = "a character that is not one of a host";
            return DEBAR_ERROR;
        }
    }

    if (debar_idna_plain(data, len)) {
        *why = "an A-label that decodes to plain ASCII";
        return DEBAR_ERROR;
    }

    pthread_once(&debar_idna_once, debar_idna_open);

    idna = memchr(data, '_', len) ? debar_idna_underscore : debar_idna_std3;

    if (idna == NULL) {
        *why = "no Unicode data for a name beyond ASCII";
        return DEBAR_ERROR;
    }

    err = U_ZERO_ERROR;
    u_strFromUTF8(in, DEBAR_HOST_RAW, &n, data, len, &err);

    if (U_FAILURE(err)) {
        *why = "bytes that are not UTF-8";
        return DEBAR_ERROR;
    }

    m = uidna_nameToASCII(idna, in, n, out, DEBAR_MAX_HOST + 2, &info, &err);

    if (info.errors & ~hyphens) {
        *why = debar_idna_why(info.errors & ~hyphens);
        return DEBAR_ERROR;
    }

    if (U_FAILURE(err) || m > DEBAR_MAX_HOST + 1) {
        *why = "a name longer than 253 bytes";
        return DEBAR_ERROR;
    }

    for (i = 0; i < (size_t) m; i++) {
        ascii[i] = out[i] < 0x80 ? debar_host_byte[out[i]] : 0;

        if (ascii[i] == 0) {
            *why = "a character that only maps to one of a host";
            return DEBAR_ERROR;
        }
    }

    if (m && ascii[m - 1] == '.') {
        m--;
    }

    ascii[m] = '\0';

    if (debar_idna_labels(ascii, m, why) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    nshown = uidna_nameToUnicode(idna, out, m, shown, DEBAR_MAX_HOST + 2,
                                 &info, &err);
    if (U_FAILURE(err) || (info.errors & ~hyphens)) {
        *why = "an A-label that does not decode";
        return DEBAR_ERROR;
    }

    if (strstr(ascii, "xn--") == NULL) {

        /* wholly mapped to ASCII: perhaps an address by now */

        if (debar_host_ascii(h, ascii, m, why) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

    } else {
        UChar    again[DEBAR_MAX_HOST + 3];
        int32_t  k;

        k = uidna_nameToASCII(idna, shown, nshown, again, DEBAR_MAX_HOST + 2,
                              &info, &err);

        if (U_FAILURE(err) || k != m || u_memcmp(again, out, m) != 0) {
            *why = "an A-label that encodes otherwise";
            return DEBAR_ERROR;
        }

        memcpy(h->name, ascii, m + 1);
        h->len = m;
    }

    if (n && in[n - 1] == '.') {
        n--;
    }

    if (!debar_idna_case_alone(in, n, ascii, shown, nshown)) {
        debar_host_odd(h, "characters that only map to those of the name");
    }

    return DEBAR_OK;
}


/* Whether there is an A-label that is all basic code points (RFC 3492). */

static int
debar_idna_plain(const char *data, size_t len)
{
    size_t  i, start;

    for (start = 0, i = 0; i <= len; i++) {
        if (i < len && data[i] != '.') {
            continue;
        }

        if (i - start >= 4 && strncasecmp(data + start, "xn--", 4) == 0
            && data[i - 1] == '-')
        {
            return 1;
        }

        start = i + 1;
    }

    return 0;
}


static int
debar_idna_labels(const char *ascii, size_t len, const char **why)
{
    size_t  i, start;

    for (start = 0, i = 0; i <= len; i++) {
        if (i < len && ascii[i] != '.') {
            continue;
        }

        if (debar_host_label(ascii + start, i - start, why) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        start = i + 1;
    }

    return DEBAR_OK;
}


/*
 * Whether each label as given is, but for the case of letters, the A-label or
 * the U-label that it stands for.
 */

static int
debar_idna_case_alone(const UChar *in, int32_t len, const char *ascii,
    const UChar *shown, int32_t nshown)
{
    int      a_fits, u_fits;
    int32_t  i, j, k;
    UChar32  c, lower, s;

    i = 0;
    j = 0;
    k = 0;

    for ( ;; ) {
        a_fits = 1;
        u_fits = 1;

        while (i < len && in[i] != '.') {
            U16_NEXT(in, i, len, c);

            lower = u_tolower(c);

            /* KELVIN SIGN and its like: not a letter of that case */

            if (c != lower && u_toupper(lower) != c) {
                return 0;
            }

            if (a_fits && ascii[j] && ascii[j] != '.') {
                a_fits = (lower == ascii[j++]);

            } else {
                a_fits = 0;
            }

            if (u_fits && k < nshown && shown[k] != '.') {
                U16_NEXT(shown, k, nshown, s);
                u_fits = (lower == s);

            } else {
                u_fits = 0;
            }
        }

        a_fits = a_fits && (ascii[j] == '\0' || ascii[j] == '.');
        u_fits = u_fits && (k == nshown || shown[k] == '.');

        if (!a_fits && !u_fits) {
            return 0;
        }

        while (ascii[j] && ascii[j] != '.') {
            j++;
        }

        while (k < nshown && shown[k] != '.') {
            k++;
        }

        if (i == len || ascii[j] == '\0' || k == nshown) {
            return i == len && ascii[j] == '\0' && k == nshown;
        }

        i++;
        j++;
        k++;
    }
}


static const char *
debar_idna_why(uint32_t errors)
{
    size_t  i;

    static const struct {
        uint32_t     error;
        const char  *why;
    } texts[] = {
        { UIDNA_ERROR_EMPTY_LABEL, "an empty label" },
        { UIDNA_ERROR_LABEL_TOO_LONG, "a label longer than 63 bytes" },
        { UIDNA_ERROR_DOMAIN_NAME_TOO_LONG, "a name longer than 253 bytes" },
        { UIDNA_ERROR_PUNYCODE, "an A-label that does not decode" },
        { UIDNA_ERROR_INVALID_ACE_LABEL,
          "an A-label that decodes to what is not a U-label" },
        { UIDNA_ERROR_LABEL_HAS_DOT, "a dot inside a label" },
        { UIDNA_ERROR_LEADING_COMBINING_MARK,
          "a label that begins with a combining mark" },
        { UIDNA_ERROR_BIDI, "letters of both directions in one label" },
        { UIDNA_ERROR_CONTEXTJ, "a joiner where there is nothing to join" }
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (errors & texts[i].error) {
            return texts[i].why;
        }
    }

    return "a character that is not one of a host";
}


size_t
debar_host_unicode(const debar_host_t *h, char *out, size_t size)
{
    UChar       in[DEBAR_MAX_HOST + 1], shown[DEBAR_MAX_HOST + 3];
    int32_t     n, len;
    UErrorCode  err;
    UIDNAInfo   info = UIDNA_INFO_INITIALIZER;

    if (h->type != DEBAR_HOST_NAME || strstr(h->name, "xn--") == NULL) {
        return 0;
    }

    pthread_once(&debar_idna_once, debar_idna_open);

    if (debar_idna_underscore == NULL) {
        return 0;
    }

    err = U_ZERO_ERROR;
    u_charsToUChars(h->name, in, h->len);

    n = uidna_nameToUnicode(debar_idna_underscore, in, h->len, shown,
                            DEBAR_MAX_HOST + 2, &info, &err);
    u_strToUTF8(out, size, &len, shown, n, &err);

    return U_FAILURE(err) ? 0 : len;
}


/* Transitional processing, no checks: what older software makes of a name. */

int
debar_host_lax(debar_host_t *h, const char *data, size_t len)
{
    char         buf[DEBAR_HOST_RAW];
    UChar        in[DEBAR_HOST_RAW], out[DEBAR_MAX_HOST + 3];
    int32_t      i, n;
    const char  *why;
    UErrorCode   err;
    UIDNAInfo    info = UIDNA_INFO_INITIALIZER;

    if (len == 0 || len > DEBAR_HOST_RAW) {
        return DEBAR_ERROR;
    }

    pthread_once(&debar_idna_once, debar_idna_open);

    if (debar_idna_lax == NULL) {
        return DEBAR_ERROR;
    }

    len = debar_host_decode(buf, data, len);

    err = U_ZERO_ERROR;
    u_strFromUTF8(in, DEBAR_HOST_RAW, &n, buf, len, &err);
    n = uidna_nameToASCII(debar_idna_lax, in, n, out, DEBAR_MAX_HOST + 2,
                          &info, &err);

    if (U_FAILURE(err) || n == 0 || n > DEBAR_MAX_HOST + 1) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < n; i++) {
        buf[i] = out[i] < 0x80 ? out[i] : 0;
    }

    h->type = DEBAR_HOST_NAME;
    h->spelt = DEBAR_SPELT_PLAIN;
    h->odd = NULL;

    if (debar_host_ascii(h, buf, n, &why) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_host_odd(h, "a name by the older rules for Unicode");

    return DEBAR_OK;
}

/*
 * Secrets in any text (libFuzzer).  Whatever stands before and behind a secret,
 * it is not in what is kept; what is kept is within its bounds.  The first byte
 * chooses how a secret is told, the second where it stands.
 */

#include "mask.h"

#include <stdio.h>
#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

#define MARK  "hUn73r-x"          /* of a secret */
#define MOST  16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* As they stand in a text, each with MARK in it. */

static const char *const  secrets[] = {
    "&password=" MARK "&",
    "?a=b&api_key=" MARK "#",
    ";session=" MARK ";",
    "&next=http%3A%2F%2Fh.example%2F%3Faccess_token%3D" MARK "%26b%3Dc&",
    "&next=%2568%253Fpwd%253D" MARK "%2526&",
    "/code=" MARK "/",
    "&user%5Bnew_password%5D=" MARK "&",
    "/AKIA0123456" MARK "0123/",
    " eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ" MARK ".c2lnbmF0dXJlMTIzNDU2Nzg5MA ",
};


static void
masked(const char *text, size_t len, unsigned url)
{
    char    out[3 * MOST], cut[64];
    size_t  n, m;

    n = debar_mask(out, sizeof(out), text, len, url);
    claim(n <= sizeof(out));
    claim(memmem(out, n, MARK, sizeof(MARK) - 1) == NULL);

    m = debar_mask(cut, sizeof(cut), text, len, url);
    claim(m <= sizeof(cut));
    claim(memmem(cut, m, MARK, sizeof(MARK) - 1) == NULL);

    claim(debar_mask(out, 0, text, len, url) == 0);
}


static void
kept(const char *text, size_t len)
{
    char              out[3 * MOST];
    size_t            n;
    debar_url_kept_e  k;

    for (k = DEBAR_URL_WHOLE; k <= DEBAR_URL_NONE; k++) {

        n = debar_mask_url(out, sizeof(out), text, len, k);
        claim(n <= sizeof(out) && (k < DEBAR_URL_NONE || n == 0));
        claim(memmem(out, n, MARK, sizeof(MARK) - 1) == NULL);

        if (k != DEBAR_URL_WHOLE) {
            claim(memchr(out, '?', n) == NULL && memchr(out, '#', n) == NULL);
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         text[MOST];
    size_t       len, at, n;
    const char  *secret;

    if (size < 2 || size > MOST / 2
        || memmem(data, size, MARK, sizeof(MARK) - 1))
    {
        return 0;
    }

    secret = secrets[data[0] % (sizeof(secrets) / sizeof(secrets[0]))];
    n = strlen(secret);
    at = (size - 2) * data[1] / 255;
    data += 2;
    size -= 2;

    memcpy(text, data, at);
    memcpy(text + at, secret, n);
    memcpy(text + at + n, data + at, size - at);
    len = size + n;

    masked(text, len, 0);
    masked(text, len, 1);
    kept(text, len);
    (void) debar_mask_name(text, len);

    /* userinfo of a target that is absolute */

    len = (size_t) snprintf(text, sizeof(text), "https://user:" MARK
                            "@h.example/");
    memcpy(text + len, data, size);
    masked(text, len + size, 1);
    kept(text, len + size);

    return 0;
}

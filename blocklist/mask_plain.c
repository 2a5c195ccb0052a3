/*
 * Texts that have nothing to mask, which are most: whatever could be part of a
 * secret, by the rules of mask.c, makes them not plain.
 */

#include <string.h>

#include "mask.h"
#include "secrets.h"


enum {
    DEBAR_MASK_C_TOKEN = 1,       /* as in debar_mask_token() */
    DEBAR_MASK_C_DIGIT = 2,
    DEBAR_MASK_C_GAP = 4,         /* between the digits of a number */
    DEBAR_MASK_C_PART = 8,        /* ends a name, as in debar_mask_pair() */
    DEBAR_MASK_C_STOP = 16        /* userinfo, encoding, control bytes and
                                     what is not ASCII: not for here */
};

#define T   DEBAR_MASK_C_TOKEN
#define D   (DEBAR_MASK_C_TOKEN|DEBAR_MASK_C_DIGIT)
#define TG  (DEBAR_MASK_C_TOKEN|DEBAR_MASK_C_GAP)
#define G   DEBAR_MASK_C_GAP
#define P   DEBAR_MASK_C_PART
#define PG  (DEBAR_MASK_C_PART|DEBAR_MASK_C_GAP)
#define S   DEBAR_MASK_C_STOP

static const unsigned char  debar_mask_class[256] = {
    S, S, S, S, S, S, S, S,  S, S, P, S, S, S, S, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S,
    PG, 0, P, P, 0, S, P, 0,  0, 0, 0, G, P, TG, T, P,
    D, D, D, D, D, D, D, D,  D, D, 0, P, 0, 0, 0, P,
    S, T, T, T, T, T, T, T,  T, T, T, T, T, T, T, T,
    T, T, T, T, T, T, T, T,  T, T, T, 0, 0, 0, 0, T,
    0, T, T, T, T, T, T, T,  T, T, T, T, T, T, T, T,
    T, T, T, T, T, T, T, T,  T, T, T, P, 0, 0, T, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S,
    S, S, S, S, S, S, S, S,  S, S, S, S, S, S, S, S
};

#undef T
#undef D
#undef TG
#undef G
#undef P
#undef PG
#undef S


/* Whether the run of token's characters may be one. */

static int
debar_mask_suspect(const char *start, size_t len, unsigned value)
{
    size_t  i;

    if (len < DEBAR_MASK_TOKEN) {
        return 0;
    }

    if ((value && len >= DEBAR_MASK_LONG) || memcmp(start, "eyJ", 3) == 0) {
        return 1;
    }

    for (i = 0; i < debar_mask_count(debar_secret_keys); i++) {
        if (start[0] == debar_secret_keys[i].text[0]
            && len >= debar_secret_keys[i].min
            && memcmp(start, debar_secret_keys[i].text,
                      debar_secret_keys[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


int
debar_mask_plain(const char *text, size_t len)
{
    size_t         i, name, run, digits;
    unsigned       value, class;
    unsigned char  c;

    name = 0;
    run = 0;
    digits = 0;
    value = 0;

    for (i = 0; i < len; i++) {
        c = (unsigned char) text[i];
        class = debar_mask_class[c];

        if (class == DEBAR_MASK_C_TOKEN) {

            /* letters, most of what there is */

            digits = 0;
            run++;
            continue;
        }

        if (class & DEBAR_MASK_C_DIGIT) {
            if (++digits == DEBAR_MASK_CARD) {
                return 0;
            }

        } else if (!(class & DEBAR_MASK_C_GAP)) {
            digits = 0;
        }

        if (class & DEBAR_MASK_C_TOKEN) {
            run++;
            continue;
        }

        if ((class & DEBAR_MASK_C_STOP)
            || debar_mask_suspect(text + i - run, run, value))
        {
            return 0;
        }

        run = 0;

        if (class & DEBAR_MASK_C_PART) {
            name = i + 1;
            value = 0;

        } else if (c == '=') {

            if (i - name > DEBAR_MASK_NAME / 2
                || debar_mask_name(text + name, i - name))
            {
                return 0;
            }

            name = i + 1;
            value = 1;
        }
    }

    return !debar_mask_suspect(text + len - run, run, value);
}

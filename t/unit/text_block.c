/* Tokens of many values at once, against those of each value alone. */

#include <stdlib.h>

#include "text.h"
#include "tap.h"


#define ROOM  4096


/* What debar_text_tokens() makes of each value, parted by breaks; *plain: none
 * needs more than that. */

static size_t
alone(char *out, const char *in, size_t len, int *plain)
{
    char        extra[ROOM * 2];
    size_t      n, to, at, k;
    unsigned    flags;
    const char  *end;

    *plain = 1;
    n = 0;

    for (at = 0; at <= len; at = to + 1) {
        end = memchr(in + at, DEBAR_TEXT_BREAK, len - at);
        to = end ? (size_t) (end - in) : len;

        k = debar_text_tokens(extra, sizeof(extra), in + at, to - at, NULL,
                              &flags);
        *plain &= flags == 0;

        for ( ; at < to; at++) {
            if ((unsigned char) in[at] >= 0x7f
                || (in[at] >= 0 && in[at] < ' '
                    && (in[at] < '\t' || in[at] > '\r')))
            {
                *plain = 0;
            }
        }

        if (!*plain) {
            return 0;
        }

        memcpy(out + n, extra, k);
        n += k;

        if (end == NULL) {
            break;
        }

        out[n++] = DEBAR_TEXT_BREAK;
    }

    return n;
}


/* Without spaces beside breaks or ends. */

static size_t
tight(char *p, size_t len)
{
    size_t  i, n;

    for (i = 0, n = 0; i < len; i++) {
        if (p[i] == ' '
            && (n == 0 || p[n - 1] == DEBAR_TEXT_BREAK || i + 1 == len
                || p[i + 1] == DEBAR_TEXT_BREAK))
        {
            continue;
        }

        p[n++] = p[i];
    }

    return n;
}


/* Both ways; the input in memory of its own, for what is read or written
 * beyond. */

static int
agree(const char *in, size_t len)
{
    int        plain, same;
    char      *own, *out, want[ROOM * 2];
    size_t     n, m;
    unsigned   flags;

    own = malloc(len + 1);
    out = malloc(len + 1);

    if (own == NULL || out == NULL) {
        return 0;
    }

    memcpy(own, in, len);
    out[len] = '!';

    n = debar_text_block(out, own, len, &flags);
    m = alone(want, own, len, &plain);
    same = out[len] == '!' && n <= len
           && flags == (plain ? 0 : DEBAR_TEXT_PARTLY);

    if (same && plain) {
        n = tight(out, n);
        same = n == m && memcmp(out, want, n) == 0;
    }

    free(own);
    free(out);

    return same;
}


static const struct {
    const char  *in;
    unsigned     flags;
    const char  *claim;
} cases[] = {
    { "Acme-Rocket, Inc.\x1f""12 pieces\x1f", 0, "values" },
    { "", 0, "nothing" },
    { "\x1f\x1f\x1f", 0, "empty values" },
    { "a-c-m-e", DEBAR_TEXT_PARTLY, "single letters" },
    { "buy a-c-m-e now", DEBAR_TEXT_PARTLY, "single letters among words" },
    { "a\x1f""c\x1fm\x1f""e", 0, "values of one letter" },
    { "1 2 3 4 5", 0, "single digits" },
    { "a b c dog", 0, "three single letters" },
    { "a1 b c d", 0, "three, and a part number" },
    { "a b c \x1f d e f", 0, "three and three" },
    { "caf\xc3\xa9", DEBAR_TEXT_PARTLY, "beyond ASCII" },
    { "ac\x01me", DEBAR_TEXT_PARTLY, "a control in a word" },
    { "ac\x7fme", DEBAR_TEXT_PARTLY, "a DEL in a word" },
    { "a\tb\r\nc", 0, "white space" },
};


int
main(void)
{
    char      out[ROOM], text[ROOM], claim[64];
    size_t    i, n, k, differ, plain;
    unsigned  flags, round, seed = 20241204;

    static const char *const  alphabets[] = {
        "abcXYZ019 -._,\x1f\t",
        "a b c \x1f",
        "a b c d 1 ee ff\x1f",
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789    ,-"
        "\x1f@[`{/:",
        "ab  \x01\x7f\xc3\xa9",
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n = strlen(cases[i].in);
        (void) debar_text_block(out, cases[i].in, n, &flags);
        is_int(flags, cases[i].flags, cases[i].claim);
        ok(agree(cases[i].in, n), "  and as alone");
    }

    n = debar_text_block(out, "Acme--Rocket, Inc.\x1fX", 20, &flags);
    is_mem(out, n, "acme rocket inc \x1fx", "words are folded");

    for (round = 0; round < 5; round++) {
        differ = plain = 0;

        for (k = 0; k < 4000; k++) {
            n = rand_r(&seed) % (k % 10 ? 90 : 700);

            for (i = 0; i < n; i++) {
                text[i] = alphabets[round][rand_r(&seed)
                                           % strlen(alphabets[round])];
            }

            (void) debar_text_block(out, text, n, &flags);
            plain += flags == 0;
            differ += !agree(text, n);
        }

        snprintf(claim, sizeof(claim), "4000 random texts, %zu of them plain, "
                 "as alone", plain);
        ok(differ == 0 && plain > 0 && plain <= 4000, "%s", claim);
    }

    /* single letters at every place of a window, and at the ends */

    for (i = 0, differ = 0; i < 300; i++) {
        memset(text, 'w', sizeof(text));
        memcpy(text + i, " a b c d ", 9);
        differ += !agree(text, i + 9) + !agree(text, i + 8)
                  + !agree(text, i + 120) + !agree(text + i, 40);

        memcpy(text + i, " a b c dd", 9);
        differ += !agree(text, i + 9) + !agree(text, i + 120);

        memcpy(text + i, "ha b c d ", 9);
        differ += !agree(text, i + 9) + !agree(text, i + 120);
    }

    is_int(differ, 0, "single letters are found wherever they stand");

    return done();
}

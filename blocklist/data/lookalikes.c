/*
 * Prints ../lookalikes.h: characters that look like one ASCII letter or digit
 * (UTS 39 skeletons of ICU, of the character or of its capital), for those
 * that NFKC case folding leaves alone.  Run by hand when ICU is newer:
 *
 *   cc -o gen lookalikes.c -licui18n -licuuc && ./gen > ../lookalikes.h
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>
#include <unicode/uversion.h>


static USpoofChecker       *spoof;
static const UNormalizer2  *fold, *nfd;


/* A character's skeleton, marks left out, if it is one letter or digit. */

static int
skeleton(UChar32 c)
{
    char        ascii[8];
    UChar       in[2], out[64], bare[64];
    int32_t     i, n, len;
    UChar32     cp;
    UErrorCode  err;

    err = U_ZERO_ERROR;
    n = 0;
    U16_APPEND_UNSAFE(in, n, c);

    len = uspoof_getSkeleton(spoof, 0, in, n, out, 64, &err);
    len = unorm2_normalize(nfd, out, len, bare, 64, &err);

    if (U_FAILURE(err)) {
        return 0;
    }

    n = 0;

    for (i = 0; i < len; /* void */) {
        U16_NEXT(bare, i, len, cp);

        if (u_charType(cp) == U_NON_SPACING_MARK) {
            continue;
        }

        if (cp > 0x7f || n == 2) {
            return 0;
        }

        ascii[n++] = cp;
    }

    /* UTS 39 writes "m" as "rn" */

    if (n == 2 && ascii[0] == 'r' && ascii[1] == 'n') {
        return 'm';
    }

    return n == 1 && isalnum(ascii[0]) ? tolower(ascii[0]) : 0;
}


/* Letters drawn in another style that Unicode does not decompose. */

static int
by_name(UChar32 c)
{
    char        name[128];
    size_t      i, n;
    UErrorCode  err;

    static const char  *styles[] = {
        "LATIN LETTER SMALL CAPITAL ",
        "NEGATIVE SQUARED LATIN CAPITAL LETTER ",
        "NEGATIVE CIRCLED LATIN CAPITAL LETTER ",
        "REGIONAL INDICATOR SYMBOL LETTER "
    };

    err = U_ZERO_ERROR;
    u_charName(c, U_UNICODE_CHAR_NAME, name, sizeof(name), &err);

    for (i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        n = strlen(styles[i]);

        if (strncmp(name, styles[i], n) == 0 && name[n] && !name[n + 1]) {
            return tolower(name[n]);
        }
    }

    return 0;
}


static int
lookalike(UChar32 c)
{
    int         a;
    UChar       in[2], out[64];
    int32_t     n, len;
    UErrorCode  err;

    if (!u_isdefined(c) || (U_GET_GC_MASK(c) & U_GC_M_MASK)) {
        return 0;
    }

    err = U_ZERO_ERROR;
    n = 0;
    U16_APPEND_UNSAFE(in, n, c);
    len = unorm2_normalize(fold, in, n, out, 64, &err);

    if (U_FAILURE(err) || len != n || u_memcmp(in, out, n) != 0) {
        return 0;
    }

    if (u_charDigitValue(c) >= 0) {
        return '0' + u_charDigitValue(c);
    }

    a = by_name(c);

    if (a == 0 && (U_GET_GC_MASK(c) & (U_GC_L_MASK|U_GC_N_MASK))) {
        a = skeleton(c);

        if (a == 0) {
            a = skeleton(u_toupper(c));
        }
    }

    return a;
}


int
main(void)
{
    int         a, n;
    UChar32     c;
    UErrorCode  err;

    err = U_ZERO_ERROR;
    spoof = uspoof_open(&err);
    fold = unorm2_getNFKCCasefoldInstance(&err);
    nfd = unorm2_getNFDInstance(&err);

    if (U_FAILURE(err)) {
        fprintf(stderr, "ICU: %s\n", u_errorName(err));
        return 1;
    }

    printf("/* Made by data/lookalikes.c from ICU %s, Unicode %s:"
           " do not edit. */\n\n", U_ICU_VERSION, U_UNICODE_VERSION);

    n = 0;

    for (c = 0x80; c < 0x20000; c++) {
        a = lookalike(c);

        if (a) {
            printf("L(0x%05X,'%c')%s", (unsigned) c, a,
                   ++n % 5 ? " " : "\n");
        }
    }

    printf("\n");

    return 0;
}

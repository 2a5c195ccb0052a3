/*
 * Text: decoding, folding and the tokens that names are compared in.
 */

#include "tap.h"
#include "text.h"

#include <stdlib.h>


#define bytes(s)  s, sizeof(s) - 1


static const struct {
    const char  *in;
    size_t       len;
    const char  *out;
    size_t       nout;
    unsigned     rounds;
} decodings[] = {
    { bytes(""), bytes(""), 0 },
    { bytes("Kaspersky"), bytes("Kaspersky"), 0 },
    { bytes("a b+c"), bytes("a b c"), 1 },
    { bytes("a%20b"), bytes("a b"), 1 },
    { bytes("a%2Bb"), bytes("a+b"), 1 },
    { bytes("%4b%61spersky"), bytes("Kaspersky"), 1 },
    { bytes("%254b%2561spersky"), bytes("Kaspersky"), 2 },
    { bytes("%25252541"), bytes("A"), 4 },
    { bytes("%zzK%61spersky%"), bytes("%zzKaspersky%"), 1 },
    { bytes("%"), bytes("%"), 0 },
    { bytes("%4"), bytes("%4"), 0 },
    { bytes("%%34%31"), bytes("A"), 2 },
    { bytes("Kas%00persky"), bytes("Kas\0persky"), 1 },
    { bytes("%u004b%u0061spersky"), bytes("Kaspersky"), 1 },
    { bytes("%U004B"), bytes("K"), 1 },
    { bytes("%u041a"), bytes("\xd0\x9a"), 1 },
    { bytes("%uFF2B"), bytes("\xef\xbc\xab"), 1 },
    { bytes("%uD835%uDC0A"), bytes("\xf0\x9d\x90\x8a"), 1 },
    { bytes("%uD835x"), bytes("\xef\xbf\xbdx"), 1 },
    { bytes("%u00"), bytes("%u00"), 0 },
    { bytes("\\u004b\\u0061"), bytes("Ka"), 1 },
    { bytes("\\ud835\\udc0a"), bytes("\xf0\x9d\x90\x8a"), 1 },
    { bytes("\\u12"), bytes("\\u12"), 0 },
    { bytes("C:\\x"), bytes("C:\\x"), 0 },
    { bytes("K&#97;spersky"), bytes("Kaspersky"), 1 },
    { bytes("K&#97spersky"), bytes("Kaspersky"), 1 },
    { bytes("K&#x61;spersky"), bytes("Kaspersky"), 1 },
    { bytes("K&#X061;spersky"), bytes("Kaspersky"), 1 },
    { bytes("K&#0000000000000000000097;s"), bytes("Kas"), 1 },
    { bytes("K%26%2397%3Bspersky"), bytes("Kaspersky"), 2 },
    { bytes("K&amp;#97;s"), bytes("Kas"), 2 },
    { bytes("&#150;"), bytes("\xe2\x80\x93"), 1 },
    { bytes("&#99999999;"), bytes("\xef\xbf\xbd"), 1 },
    { bytes("&#xD800;"), bytes("\xef\xbf\xbd"), 1 },
    { bytes("&#;"), bytes("&#;"), 0 },
    { bytes("&#x;"), bytes("&#x;"), 0 },
    { bytes("&lt;&gt;&quot;&apos;&amp;"), bytes("<>\"'&"), 1 },
    { bytes("Kas&shy;persky"), bytes("Kas\xc2\xadpersky"), 1 },
    { bytes("Kas&nbsp;persky"), bytes("Kas\xc2\xa0persky"), 1 },
    { bytes("K&aacute;s"), bytes("K\xc3\xa1s"), 1 },
    { bytes("&Kscr;&aopf;"), bytes("\xf0\x9d\x92\xa6\xf0\x9d\x95\x92"), 1 },
    { bytes("&period;&sol;&NewLine;"), bytes("./\n"), 1 },
    { bytes("&zwnj;"), bytes("\xe2\x80\x8c"), 1 },
    { bytes("&nosuch;"), bytes("&nosuch;"), 0 },
    { bytes("a&amp"), bytes("a&amp"), 0 },
    { bytes("a&b=c"), bytes("a&b=c"), 0 },
    { bytes("&"), bytes("&"), 0 },
    { bytes("\xc0\xaf"), bytes("/"), 1 },
    { bytes("%C0%AF"), bytes("/"), 2 },
    { bytes("%C1%8B"), bytes("K"), 2 },
    { bytes("\xe0\x80\xaf"), bytes("/"), 1 },
    { bytes("\xf0\x80\x80\xaf"), bytes("/"), 1 },
    { bytes("\xe0\xa4\x95"), bytes("\xe0\xa4\x95"), 0 },
    { bytes("\xf0\x9d\x90\x8a"), bytes("\xf0\x9d\x90\x8a"), 0 },
    { bytes("\xc0"), bytes("\xc0"), 0 },
    { bytes("\xe0\x80"), bytes("\xe0\x80"), 0 }
};


static const struct {
    const char  *in;
    size_t       len;
    const char  *out;
    unsigned     flags;
    const char  *claim;
} tokens[] = {
    { bytes(""), "", 0, "nothing" },
    { bytes(" \t\r\n-.,"), "", 0, "separators alone" },
    { bytes("Kaspersky-Lab, Inc."), "kaspersky lab inc", 0, "a name" },
    { bytes("  a  b  "), "a b", 0, "spaces around and between" },
    { bytes("KES12x"), "kes12x", 0, "letters and digits are one word" },
    { bytes("ab_cd/e\\f"), "ab cd e f", 0, "underscores and slashes" },
    { bytes("Kas\0persky"), "kaspersky", 0, "NUL does not split a word" },
    { bytes("Kas\x1fpersky\x7f"), "kaspersky", 0, "nor do controls" },
    { bytes("\x01 a\x02"), "a", 0, "nor do they begin one" },
    { bytes("Kas\npersky"), "kas persky", 0, "a line end does" },
    { bytes("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ;:"),
      "0123456789abcdefghijklmnopqrstuvwxyz", 0, "a long word" },
    { bytes("The quick brown fox  jumps -- over the lazy dog's back (twice)."),
      "the quick brown fox jumps over the lazy dog s back twice", 0,
      "a sentence" },

    { bytes("\xd0\x9a\xd0\x90\xd0\xa1\xd0\x9f\xd0\x95\xd0\xa0\xd0\xa1\xd0\x9a"
            "\xd0\x98\xd0\x99"),
      "\xd0\xba\xd0\xb0\xd1\x81\xd0\xbf\xd0\xb5\xd1\x80\xd1\x81\xd0\xba"
      "\xd0\xb8\xd0\xb9", 0, "Cyrillic capitals" },
    { bytes("\xd0\xb8\xcc\x86"), "\xd0\xb9", 0, "a Cyrillic mark composes" },
    { bytes("K\xc3\xa1spersk\xc3\xbd"), "kaspersky", 0,
      "marks on Latin letters" },
    { bytes("K\xcc\x81" "a\xcc\xb6s"), "kas", 0, "marks behind them" },
    { bytes("\xe1\xb8\xb1"), "k", 0, "marks composed with them" },
    { bytes("\xef\xbc\xab\xef\xbd\x81spersky"), "kaspersky", 0,
      "fullwidth letters" },
    { bytes("\xf0\x9d\x90\x8a\xf0\x9d\x97\xae\xf0\x9d\x98\xb4"), "kas", 0,
      "mathematical letters" },
    { bytes("\xe2\x93\x80\xe2\x93\x90"), "ka", 0, "circled letters" },
    { bytes("\xe2\x84\xaa" "a\xc5\xbf"), "kas", 0,
      "KELVIN SIGN and LONG S" },
    { bytes("\xef\xac\x81le"), "file", 0, "a ligature" },
    { bytes("stra\xc3\x9f" "e"), "strasse", 0, "a sharp s" },
    { bytes("Kas\xc2\xadpersky"), "kaspersky", 0, "a soft hyphen" },
    { bytes("Kas\xe2\x80\x8bpersky"), "kaspersky", 0, "ZERO WIDTH SPACE" },
    { bytes("Kas\xe2\x80\x8cper\xe2\x80\x8dsky"), "kaspersky", 0, "joiners" },
    { bytes("Kas\xef\xbb\xbfpersky"), "kaspersky", 0, "a byte order mark" },
    { bytes("Kas\xe2\x80\xaepersky"), "kaspersky", 0,
      "a bidirectional control" },
    { bytes("Kas\xf3\xa0\x81\xa1persky"), "kaspersky", 0, "a tag character" },
    { bytes("Kas\xef\xb8\x8fpersky"), "kaspersky", 0,
      "a variation selector" },
    { bytes("Kas\xc2\x9fpersky"), "kaspersky", 0, "a C1 control" },
    { bytes("Kaspersky\xe2\x84\xa2 Plus\xc2\xae"), "kaspersky plus", 0,
      "signs of trade marks are no letters" },
    { bytes("a\xc2\xa0" "b\xe3\x80\x80" "c"), "a b c", 0, "wide spaces" },
    { bytes("a\xe2\x80\x94" "b"), "a b", 0, "a dash" },
    { bytes("\xe4\xb8\xad\xe5\x9b\xbd \xed\x95\x9c"),
      "\xe4\xb8\xad\xe5\x9b\xbd \xed\x95\x9c", 0, "Chinese and Korean" },
    { bytes("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"), "\xed\x95\x9c", 0,
      "conjoining Korean" },
    { bytes("\xe0\xa4\x95\xe0\xa4\xbf"), "\xe0\xa4\x95\xe0\xa4\xbf", 0,
      "vowel signs of Hindi stay" },
    { bytes("\xcc\x81 a"), "a", 0, "a mark on nothing" },
    { bytes("K\xe0sp\xffx"), "kasp\x79x", 0, "windows-1252" },
    { bytes("\x93Kaspersky\x94"), "kaspersky", 0,
      "quotation marks of windows-1252" },
    { bytes("\xed\xa0\x80"), "i", 0, "a surrogate is bytes" },

    { bytes("K\xd0\xb0spersky"), "k\xd0\xb0spersky\x1f" "kaspersky",
      DEBAR_TEXT_SKELETON, "a Cyrillic letter in a Latin word" },
    { bytes("\xd0\x9a\xd0\xb0s\xd1\x80\xd0\xb5rsk\xd1\x83 now"),
      "\xd0\xba\xd0\xb0s\xd1\x80\xd0\xb5rsk\xd1\x83 now\x1f" "kaspersky",
      DEBAR_TEXT_SKELETON, "many of them" },
    { bytes("\xce\x9a\xce\xb1spersky"), "\xce\xba\xce\xb1spersky\x1f"
      "kaspersky", DEBAR_TEXT_SKELETON, "Greek letters" },
    { bytes("m\xd1\x96" "crosoft"), "m\xd1\x96" "crosoft\x1fmicrosoft",
      DEBAR_TEXT_SKELETON, "letters of ASCII stay what they are" },
    { bytes("\xd1\x81\xd0\xbe\xd1\x80"), "\xd1\x81\xd0\xbe\xd1\x80\x1f" "cop",
      DEBAR_TEXT_SKELETON, "a word wholly of look-alikes" },
    { bytes("K\xd0\xb0spersky L\xd0\xb0" "b x"),
      "k\xd0\xb0spersky l\xd0\xb0" "b x\x1f" "kaspersky lab",
      DEBAR_TEXT_SKELETON, "two such words stay together" },
    { bytes("k\xd0\xb0 x l\xd0\xb0"), "k\xd0\xb0 x l\xd0\xb0\x1fka\x1fla",
      DEBAR_TEXT_SKELETON, "but not across another" },
    { bytes("\xe1\xb4\x8b\xe1\xb4\x80s"), "\xe1\xb4\x8b\xe1\xb4\x80s\x1fkas",
      DEBAR_TEXT_SKELETON, "small capitals" },
    { bytes("\xf0\x9f\x85\xba" "as"), "\xf0\x9f\x85\xba" "as\x1fkas",
      DEBAR_TEXT_SKELETON, "a squared letter" },
    { bytes("k\xc3\xb8s"), "k\xc3\xb8s\x1fkos", DEBAR_TEXT_SKELETON,
      "a letter with a stroke" },
    { bytes("k\xd0\xb8s"), "k\xd0\xb8s", 0,
      "a letter that looks like none has no skeleton" },

    { bytes("k.a.s.p.e.r.s.k.y"), "k a s p e r s k y\x1fkaspersky",
      DEBAR_TEXT_SEPARATED, "dots between letters" },
    { bytes("K A S P"), "k a s p\x1fkasp", DEBAR_TEXT_SEPARATED, "spaces" },
    { bytes("k -- a ** s _ p"), "k a s p\x1fkasp", DEBAR_TEXT_SEPARATED,
      "several separators between letters" },
    { bytes("buy k-a-s-p now"), "buy k a s p now\x1fkasp",
      DEBAR_TEXT_SEPARATED, "words around them" },
    { bytes("k.a.s"), "k a s", 0, "three letters are not enough" },
    { bytes("1.2.3.4"), "1 2 3 4", 0, "numbers are no letters" },
    { bytes("a.b.c.d x e.f.g.h"), "a b c d x e f g h\x1f" "abcdxefgh",
      DEBAR_TEXT_SEPARATED, "a letter between them is one of them" },
    { bytes("a.b.c.d xx e.f.g.h"), "a b c d xx e f g h\x1f" "abcd\x1f" "efgh",
      DEBAR_TEXT_SEPARATED, "a word is not" },
    { bytes("k\xe2\x80\xa2" "a\xe2\x80\xa2s\xe2\x80\xa2p"),
      "k a s p\x1fkasp", DEBAR_TEXT_SEPARATED, "bullets between letters" },
    { bytes("\xd0\xba.\xd0\xb0.s.p"), "\xd0\xba \xd0\xb0 s p\x1fk a\x1f"
      "\xd0\xba\xd0\xb0sp\x1fkasp",
      DEBAR_TEXT_SEPARATED|DEBAR_TEXT_SKELETON, "both at once" },
    { bytes("k.\x01" "a.\x01s.\x01p"), "k a s p\x1fkasp",
      DEBAR_TEXT_SEPARATED, "controls among them" },
    { bytes("0123456789 0123456789 k a s p 0123456789"),
      "0123456789 0123456789 k a s p 0123456789\x1fkasp",
      DEBAR_TEXT_SEPARATED, "across the bytes that are taken at once" }
};


static const struct {
    const char  *in;
    const char  *out;
    unsigned     flags;
} folds[] = {
    { "", "", 0 },
    { "KAV/Setup (1).EXE", "kav/setup (1).exe", 0 },
    { "\xc3\x9c" "BER", "\xc3\xbc" "ber", 0 },
    { "\xd0\x9a", "\xd0\xba", 0 },
    { "k\xcc\x81", "\xe1\xb8\xb1", DEBAR_TEXT_DECODED },
    { "\xef\xbc\xab", "k", DEBAR_TEXT_DECODED },
    { "a\xc2\xad" "b", "ab", DEBAR_TEXT_DECODED },
    { "\xe2\x84\xaa", "k", DEBAR_TEXT_DECODED },
    { "stra\xc3\x9f" "e", "strasse", DEBAR_TEXT_DECODED },
    { "\xff", "\xc3\xbf", DEBAR_TEXT_DECODED },
    { "\xe4\xb8\xad", "\xe4\xb8\xad", 0 },
    { "a\x01" "b\x7f", "a\x01" "b\x7f", 0 }
};


static void
decode(void)
{
    char      big[512], claim[64], out[512];
    size_t    i, n;
    unsigned  flags, rounds;

    for (i = 0; i < sizeof(decodings) / sizeof(decodings[0]); i++) {
        n = debar_text_decode(out, sizeof(out), decodings[i].in,
                              decodings[i].len, 1, &flags, &rounds);

        ok(n == decodings[i].nout && memcmp(out, decodings[i].out, n) == 0,
           "\"%s\" is decoded", decodings[i].in);
        snprintf(claim, sizeof(claim), "in %u rounds", decodings[i].rounds);
        is_int(rounds, decodings[i].rounds, claim);
    }

    n = debar_text_decode(out, sizeof(out), "a+b", 3, 0, &flags, &rounds);
    is_mem(out, n, "a+b", "a plus stays where it is no form");

    n = debar_text_decode(out, sizeof(out), "%2525252525252541", 17, 1, &flags,
                          &rounds);
    ok(flags == (DEBAR_TEXT_DECODED|DEBAR_TEXT_DEPTH)
       && rounds == DEBAR_DECODE_DEPTH, "rounds have their bound");

    n = debar_text_decode(out, 4, "abcdef", 6, 1, &flags, &rounds);
    ok(n == 4 && flags == DEBAR_TEXT_CUT, "so has the output");
    n = debar_text_decode(out, 2, "a&#x4e2d;", 9, 1, &flags, &rounds);
    ok(n == 1 && (flags & DEBAR_TEXT_CUT), "no character is cut in two");
    n = debar_text_decode(out, 0, "a", 1, 1, &flags, &rounds);
    ok(n == 0 && flags == DEBAR_TEXT_CUT, "no room, no output");

    memset(big, '%', sizeof(big));
    n = debar_text_decode(out, sizeof(out), big, sizeof(big), 1, &flags,
                          &rounds);
    ok(n == sizeof(big) && rounds == 0, "percent signs alone stay");
}


static void
token(void)
{
    char      out[512];
    size_t    i, n;
    unsigned  flags;

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        n = debar_text_tokens(out, sizeof(out), tokens[i].in, tokens[i].len,
                              NULL, &flags);
        is_mem(out, n, tokens[i].out, tokens[i].claim);
        is_int(flags, tokens[i].flags, "  and what was done is said");
    }
}


/*
 * The same text must give the same tokens wherever it stands among others and
 * however much room there is: vectors, tables and ICU do the work by turns.
 */

static void
alignment(void)
{
    char       in[256], out[512], want[512];
    size_t     i, k, len, n, nwant;
    uint32_t   map[512];
    unsigned   bad, badmap, flags;

    static const char  text[] = "Big, \xc3\xa4 k\xd0\xb0s  -- C\xd0\xbf"
                                "\x01.d;e f g \xe4\xb8\xad! Zz";

    bad = 0;
    badmap = 0;
    nwant = debar_text_tokens(want, sizeof(want), text, sizeof(text) - 1, NULL,
                              &flags);

    for (i = 0; i < 64; i++) {
        memset(in, '.', i);
        memcpy(in + i, text, sizeof(text) - 1);
        len = i + sizeof(text) - 1;

        n = debar_text_tokens(out, sizeof(out), in, len, map, &flags);
        bad += n != nwant || memcmp(out, want, n) != 0;

        for (k = 0; k < n; k++) {
            badmap += map[k] < i || map[k] >= len;
        }

        n = debar_text_tokens(out, nwant, in, len, NULL, &flags);
        bad += n != nwant || memcmp(out, want, n) != 0;
    }

    is_int(bad, 0, "tokens do not depend on where the text stands");
    is_int(badmap, 0, "nor does the map leave it");

    bad = 0;

    for (i = 0; i < nwant; i++) {
        n = debar_text_tokens(out, i, text, sizeof(text) - 1, NULL, &flags);
        bad += n > i || !(flags & DEBAR_TEXT_CUT);
    }

    is_int(bad, 0, "less room than they need is said");
}


static void
maps(void)
{
    char      out[128];
    size_t    i, n;
    uint32_t  map[128];
    unsigned  bad, flags;

    static const char  text[] = "..Ab -- \xef\xbc\xab-x";
    static const uint32_t  want[] = { 2, 3, 4, 8, 11, 12 };

    n = debar_text_tokens(out, sizeof(out), text, sizeof(text) - 1, map,
                          &flags);
    bad = n != 6;

    for (i = 0; i < n && !bad; i++) {
        bad = map[i] != want[i];
    }

    ok(!bad, "each byte of a token knows where it came from");

    n = debar_text_tokens(out, sizeof(out), "x k.a.s.p", 9, map, &flags);
    ok(n == 15 && map[10] == 0 && map[14] == 8,
       "so does what is appended");

    n = debar_text_tokens(out, sizeof(out), "x k\xd0\xb0", 5, map, &flags);
    ok(n == 8 && map[6] == 2 && map[7] == 3, "in both ways");
}


static void
bounds(void)
{
    char      *in, *out;
    size_t     i, n;
    unsigned   flags;

    in = malloc(100000);
    out = malloc(100000);

    for (i = 0; i + 2 <= 100000; i += 2) {
        memcpy(in + i, i ? "\xcc\x81" : "a.", 2);
    }

    n = debar_text_tokens(out, 100000, in, 100000, NULL, &flags);
    is_mem(out, n, "a", "fifty thousand marks on one letter");

    memcpy(in, "\xd0\xb0", 2);
    n = debar_text_tokens(out, 100000, in, 100000, NULL, &flags);
    ok(n < 64, "and on one that keeps them");
    n = debar_text_fold(out, 100000, in, 100000, &flags);
    ok(n < 100 && (flags & DEBAR_TEXT_DECODED), "in folding too");

    for (i = 0; i + 3 <= 99999; i += 3) {
        memcpy(in + i, "\xef\xb7\xba", 3);
    }

    n = debar_text_fold(out, 1000, in, 99999, &flags);
    ok(n <= 1000 && (flags & DEBAR_TEXT_CUT),
       "a character that becomes eighteen fills its room and no more");

    memset(in, '\x01', 100000);
    n = debar_text_tokens(out, 0, in, 100000, NULL, &flags);
    ok(n == 0 && flags == 0, "controls need no room");

    free(in);
    free(out);
}


static void
fold(void)
{
    char      out[64];
    size_t    i, n;
    unsigned  flags;

    for (i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
        n = debar_text_fold(out, sizeof(out), folds[i].in,
                            strlen(folds[i].in), &flags);
        is_mem(out, n, folds[i].out, "a path is folded");
        is_int(flags, folds[i].flags, "  and it is said if by more than case");
    }

    is_int(debar_text_lookalike('k'), 'k', "a letter looks like itself");
    is_int(debar_text_lookalike(0x430), 'a', "CYRILLIC SMALL LETTER A");
    is_int(debar_text_lookalike(0x1d0b), 'k', "LATIN LETTER SMALL CAPITAL K");
    is_int(debar_text_lookalike(0x664), '4', "ARABIC-INDIC DIGIT FOUR");
    is_int(debar_text_lookalike(0x4e2d), 0, "a Chinese letter has none");
    is_int(debar_text_lookalike(0x110000), 0, "nor what is beyond Unicode");
}


int
main(void)
{
    decode();
    token();
    alignment();
    maps();
    fold();
    bounds();

    return done();
}

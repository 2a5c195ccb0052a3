/*
 * How fast names are found in canonical text: 1 MiB in blocks of 64 KiB, one
 * core, for indexes of some sizes and kinds, each with a text as people write
 * and with texts that are made to be slow by one who knows the list.  A line
 * for each:
 *   list|terms|text|MB/s of CPU time|MB of index and terms|hits a block
 *
 *   scan [list [terms [text]]]
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "term.h"


#define BLOCK   65536
#define TEXT    (16 * BLOCK)
#define COMMON   2000


typedef struct {
    const char  *name;
    void       (*make)(char *to);
    unsigned     match;
} list_t;

typedef struct {
    const char  *name;
    void       (*make)(char *text);
} text_t;

static unsigned            seed = 1634;
static char                words[COMMON][16];
static size_t              hits;

static debar_table_t       tables[DEBAR_TABLES];
static debar_buf_t         term_index;
static debar_term_index_t  ti;


static unsigned
any(unsigned n)
{
    seed = seed * 1103515245 + 12345;

    return (seed >> 8) % n;
}


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec + ts.tv_nsec / 1e9;
}


/* A word as English has them: 2 to 12 letters, frequent ones first. */

static void
make_words(void)
{
    unsigned  i, j, n;

    for (i = 0; i < COMMON; i++) {
        n = 2 + any(4) + any(4) + any(4);

        for (j = 0; j < n; j++) {
            words[i][j] = j % 2 ? "aeiou"[any(5)] : "tnshrdlcmwfgypbvk"[any(17)];
        }
    }
}


static const char *
word(void)
{
    unsigned  r = any(COMMON) + 1;

    return words[(COMMON / r + any(40)) % COMMON];
}


static int
hit(void *data, uint32_t term, size_t off, size_t len)
{
    hits++;

    return DEBAR_OK;
}


/* --- lists --------------------------------------------------------------- */

/* Names of a firm: letters that no word has side by side. */

static void
distinctive(char *to)
{
    unsigned  i, n = 6 + any(10);

    for (i = 0; i < n; i++) {
        to[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[any(36)];
    }

    to[n] = '\0';
}


static void
phrase(char *to)
{
    sprintf(to, "%s %s %s", words[any(COMMON)], words[any(COMMON)],
            words[any(COMMON)]);
}


static void
one_beginning(char *to)
{
    distinctive(to + sprintf(to, "security software security "));
}


static void
run_of_a(char *to)
{
    memset(to, 'a', 24);
    distinctive(to + 24);
}


/* Each is the beginning of longer ones. */

static void
nested(char *to)
{
    unsigned  n = 8 * (1 + any(24));

    memset(to, 'a', n);
    distinctive(to + n);
}


static void
short_words(char *to)
{
    unsigned  n;

    for (n = 0; n < 18; n += 3) {
        to[n] = "abcdefghijklmnopqrstuvwxyz"[any(26)];
        to[n + 1] = "abcdefghijklmnopqrstuvwxyz"[any(26)];
        to[n + 2] = ' ';
    }

    to[n - 1] = '\0';
}


/* --- texts --------------------------------------------------------------- */

static void
typical(char *text)
{
    size_t  n;

    for (n = 0; n < TEXT; ) {
        n += sprintf(text + n, "%s ", word());
    }
}


static const char *
some_term(size_t *len)
{
    const debar_term_t  *t = tables[DEBAR_T_TERMS].data;

    t += (any(1 << 20) * 7919ull + any(1 << 20)) % tables[DEBAR_T_TERMS].n;
    *len = t->text.len;

    return (char *) tables[DEBAR_T_STRINGS].data + t->text.off;
}


/* Parts of terms, from the first byte on, after each other. */

static void
parts(char *text, size_t most, size_t less, const char *between)
{
    size_t       n, len;
    const char  *p;

    for (n = 0; n < TEXT; n += strlen(between)) {
        p = some_term(&len);
        len -= less;
        len = len < most ? len : most;
        memcpy(text + n, p, len);
        n += len;
        memcpy(text + n, between, strlen(between));
    }
}


static void
terms_in_full(char *text)
{
    parts(text, 1000, 0, " ");
}


static void
all_but_the_last(char *text)
{
    parts(text, 1000, 1, " ");
}


static void
all_but_the_last_joined(char *text)
{
    parts(text, 1000, 1, "");
}


static void
eight_bytes(char *text)
{
    parts(text, 8, 0, "");
}


static void
another_middle(char *text)
{
    size_t       n, len;
    const char  *p;

    for (n = 0; n < TEXT; ) {
        p = some_term(&len);
        memcpy(text + n, p, len);
        text[n + len * 3 / 5] = 'x';
        n += len;
        text[n++] = ' ';
    }
}


/* Each beginning goes on with that of another one, as far as may be. */

static void
overlapping(char *text)
{
    size_t       n, len;
    const char  *p;

    for (n = 0; n < TEXT; n += 4) {
        p = some_term(&len);
        memcpy(text + n, p, 6);
    }
}


static void
one_byte(char *text)
{
    memset(text, 'a', TEXT);
}


static void
two_bytes(char *text)
{
    size_t  n;

    for (n = 0; n < TEXT; n++) {
        text[n] = "ab"[n % 2];
    }
}


static void
byte_and_space(char *text)
{
    size_t  n;

    for (n = 0; n < TEXT; n++) {
        text[n] = "a "[n % 2];
    }
}


static void
digits(char *text)
{
    size_t  n;

    for (n = 0; n < TEXT; n++) {
        text[n] = '0' + any(10);
    }
}


/* Random bytes of the terms. */

static void
their_letters(char *text)
{
    size_t       n, len;
    const char  *p;

    for (n = 0; n < TEXT; n++) {
        p = some_term(&len);
        text[n] = p[any(len)];
    }
}


/* What the filter of the root's strides lets through at every place, as far as
 * bytes are found that do. */

static void
passes_filter(char *text)
{
    size_t                     n, tries, kind, from;
    uint64_t                   bytes, h, bits;
    const debar_term_shape_t  *shape;

    kind = ti.head->shape[DEBAR_TERM_ANYWHERE].nterms != 0;
    shape = &ti.head->shape[kind];
    memset(text, 'a', 8);

    for (n = 8; n < TEXT; n++) {
        if (!kind && n % 4 == 3) {
            text[n] = ' ';
            continue;
        }

        from = kind ? n - 7 : n - n % 4 - 4;

        for (tries = 0; tries < 80; tries++) {
            text[n] = "abcdefghijklmnopqrstuvwxyz0123456789"[any(36)];
            memcpy(&bytes, text + from, 8);

            h = debar_term_key(ti.head->seed, kind, 8, bytes);
            bits = debar_term_bits(h);

            if ((ti.strides[kind][h >> (64 - shape->strides)] & bits) == bits)
            {
                break;
            }
        }
    }
}


/* --- measuring ----------------------------------------------------------- */

static void
measure(const list_t *l, const char *name, const char *text)
{
    size_t  n, rounds, size;
    double  from, took, best;

    best = 1e9;

    for (rounds = 0; rounds < 3; rounds++) {
        hits = 0;
        from = now();

        for (n = 0; n < TEXT; n += BLOCK) {
            debar_term_scan(&ti, NULL, tables[DEBAR_T_RULES].data, text + n,
                            BLOCK, hit, NULL);
        }

        took = now() - from;
        best = took < best ? took : best;
    }

    size = term_index.len + tables[DEBAR_T_STRINGS].n
           + tables[DEBAR_T_TERMS].n * sizeof(debar_term_t);

    printf("%s|%zu|%s|%.0f|%.1f|%zu\n", l->name, tables[DEBAR_T_TERMS].n, name,
           TEXT / best / 1e6, size / 1e6, hits / (TEXT / BLOCK));
    fflush(stdout);
}


static void
run(const list_t *l, size_t nterms, char *text, const char *only)
{
    char           term[512];
    size_t         i;
    debar_term_t  *t;

    static const text_t  texts[] = {
        { "as people write", typical },
        { "its terms", terms_in_full },
        { "terms but the last byte", all_but_the_last },
        { "the same, joined", all_but_the_last_joined },
        { "terms with another middle", another_middle },
        { "beginnings of eight bytes", eight_bytes },
        { "overlapping beginnings", overlapping },
        { "aaaa", one_byte },
        { "abab", two_bytes },
        { "a a a", byte_and_space },
        { "digits", digits },
        { "the list's letters", their_letters },
        { "what the filter lets through", passes_filter },
    };

    debar_table_add(tables, DEBAR_T_RULES, NULL);

    for (i = 0; i < nterms; i++) {
        l->make(term);
        t = debar_table_add(tables, DEBAR_T_TERMS, NULL);
        t->text = debar_table_text(tables, term, strlen(term));
        t->match = l->match;
    }

    debar_term_index_build(&term_index, tables[DEBAR_T_TERMS].data,
                           tables[DEBAR_T_TERMS].n,
                           tables[DEBAR_T_STRINGS].data);

    if (debar_term_index_open(&ti, term_index.data, term_index.len,
                              tables[DEBAR_T_TERMS].data,
                              tables[DEBAR_T_TERMS].n,
                              tables[DEBAR_T_STRINGS].data) != DEBAR_OK)
    {
        printf("%s: the index does not open\n", l->name);
        exit(1);
    }

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (only == NULL || strcmp(only, texts[i].name) == 0) {
            texts[i].make(text);
            measure(l, texts[i].name, text);
        }
    }

    for (i = 0; i < DEBAR_TABLES; i++) {
        free(tables[i].data);
    }

    memset(tables, 0, sizeof(tables));
    debar_buf_free(&term_index);
}


int
main(int argc, char **argv)
{
    char    *text;
    size_t   i, k;

    static const size_t  sizes[] = { 100, 10000, 1000000 };

    static const list_t  lists[] = {
        { "distinctive, words", distinctive, DEBAR_TERM_WORD },
        { "distinctive, anywhere", distinctive, DEBAR_TERM_ANYWHERE },
        { "phrases of common words", phrase, DEBAR_TERM_WORD },
        { "phrases, anywhere", phrase, DEBAR_TERM_ANYWHERE },
        { "one beginning", one_beginning, DEBAR_TERM_WORD },
        { "aaaa..., anywhere", run_of_a, DEBAR_TERM_ANYWHERE },
        { "a, aa, aaa..., anywhere", nested, DEBAR_TERM_ANYWHERE },
        { "words of two letters", short_words, DEBAR_TERM_WORD },
    };

    make_words();

    text = malloc(TEXT + 512);
    if (text == NULL) {
        return 1;
    }

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (k = 0; k < 3; k++) {
            if ((argc < 2 || strcmp(argv[1], lists[i].name) == 0)
                && (argc < 3 || strtoul(argv[2], NULL, 10) == sizes[k]))
            {
                run(&lists[i], sizes[k], text, argc > 3 ? argv[3] : NULL);
            }
        }
    }

    return 0;
}

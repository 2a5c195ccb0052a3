/* The term index against its slow twin, and what its matches mean. */

#include <stdlib.h>

#include "debar.h"
#include "term.h"
#include "text.h"
#include "tap.h"


#define MAX_HITS  65536


typedef struct {
    uint32_t  term[MAX_HITS];
    size_t    off[MAX_HITS];
    size_t    n;
} hits_t;


typedef struct {
    debar_table_t       tables[DEBAR_TABLES];
    debar_buf_t         index;
    debar_term_index_t  ti;
} list_t;


static int
hit(void *data, uint32_t term, size_t off, size_t len)
{
    hits_t  *h = data;

    if (h->n < MAX_HITS) {
        h->term[h->n] = term;
        h->off[h->n] = off;
        h->n++;
    }

    return DEBAR_OK;
}


static void
add(list_t *l, const char *text, unsigned match, uint32_t entry)
{
    uint32_t       rule;
    debar_rule_t  *r;
    debar_term_t  *t;

    r = debar_table_add(l->tables, DEBAR_T_RULES, &rule);
    r->entry = entry;
    r->kind = DEBAR_KIND_NAME;

    t = debar_table_add(l->tables, DEBAR_T_TERMS, NULL);
    t->text = debar_table_text(l->tables, text, strlen(text));
    t->written = t->text;
    t->rule = rule;
    t->match = match;
}


static int
finish(list_t *l)
{
    free(l->index.data);
    memset(&l->index, 0, sizeof(l->index));

    debar_term_index_build(&l->index, l->tables[DEBAR_T_TERMS].data,
                           l->tables[DEBAR_T_TERMS].n,
                           l->tables[DEBAR_T_STRINGS].data);

    return debar_term_index_open(&l->ti, l->index.data, l->index.len,
                                 l->tables[DEBAR_T_TERMS].data,
                                 l->tables[DEBAR_T_TERMS].n,
                                 l->tables[DEBAR_T_STRINGS].data);
}


static void
clear(list_t *l)
{
    unsigned  i;

    for (i = 0; i < DEBAR_TABLES; i++) {
        free(l->tables[i].data);
    }

    free(l->index.data);
    memset(l, 0, sizeof(*l));
}


static size_t
scan(list_t *l, const char *text, size_t len, hits_t *h, int slow)
{
    h->n = 0;

    (slow ? debar_term_scan_slow : debar_term_scan)(&l->ti, NULL,
        l->tables[DEBAR_T_RULES].data, text, len, hit, h);

    return h->n;
}


static int
order(const void *one, const void *two)
{
    const uint64_t  *a = one, *b = two;

    return *a < *b ? -1 : *a > *b;
}


static int
same(const hits_t *a, const hits_t *b)
{
    size_t           i;
    static uint64_t  x[MAX_HITS], y[MAX_HITS];

    if (a->n != b->n) {
        return 0;
    }

    for (i = 0; i < a->n; i++) {
        x[i] = (uint64_t) a->off[i] << 32 | a->term[i];
        y[i] = (uint64_t) b->off[i] << 32 | b->term[i];
    }

    qsort(x, a->n, sizeof(x[0]), order);
    qsort(y, b->n, sizeof(y[0]), order);

    return memcmp(x, y, a->n * sizeof(x[0])) == 0;
}


static const struct {
    const char  *text;
    int          n;
    const char  *claim;
} cases[] = {
    { "acme", 1, "a word is found alone" },
    { "buy acme now", 1, "a word is found between words" },
    { "acmes", 0, "a word is not found inside a longer word" },
    { "pacme acme", 1, "only the whole word counts" },
    { "acm e", 0, "a word is not put together from two" },
    { "globex", 1, "an anywhere term is found alone" },
    { "myglobexshop", 1, "an anywhere term is found inside a word" },
    { "glob ex", 0, "an anywhere term is never found across two words" },
    { "initech corp", 1, "a term of two words is found" },
    { "initech corporation", 0, "its last word has to be whole" },
    { "globexwald", 0, "someone else's longer word hides the name" },
    { "globexwald globex", 1, "but only where it stands" },
    { "globexwalds", 1, "and only as a whole word" },
    { "x\x1f""acme", 1, "a break is the edge of a word" },
    { "acm", 0, "a text shorter than a term has none" },
    { "", 0, "an empty text has none" },
};


/* Both find the same in the text, and how much. */

static void
agree(list_t *l, const char *text, size_t len, size_t hits, const char *claim)
{
    static hits_t  fast, slow;

    scan(l, text, len, &fast, 0);
    scan(l, text, len, &slow, 1);

    ok(same(&fast, &slow) && slow.n == hits, "%s, %zu hits", claim, fast.n);
}


/* Many hits at a place and at many of them, many longer words at once. */

static void
crowds(void)
{
    char      text[512], other[512];
    size_t    i;
    list_t    l;

    memset(&l, 0, sizeof(l));
    memset(text, 'a', sizeof(text));

    for (i = 4; i <= 300; i++) {
        text[i] = '\0';
        add(&l, text, DEBAR_TERM_ANYWHERE, 0);
        text[i] = 'a';
    }

    finish(&l);
    agree(&l, text, 303, 297 * 298 / 2 + 3 * 297, "terms that begin each other");
    agree(&l, text, 50, 47 * 48 / 2, "terms that begin each other, cut");

    for (i = 0; i < sizeof(other); i++) {
        other[i] = "ab"[i % 2];
    }

    agree(&l, other, sizeof(other), 0, "a text of two bytes");
    clear(&l);

    /* each entry has its own longer words, and all of them hide */

    for (i = 0; i < 200; i++) {
        add(&l, "acme", DEBAR_TERM_WORD, i);
        add(&l, i % 2 ? "the acme of it all" : "acme of", DEBAR_TERM_NOT, i);
    }

    finish(&l);
    agree(&l, "the acme of it all", 18, 0, "200 longer words hide 200 names");
    agree(&l, "the acme of it", 14, 100, "100 of them do");
    agree(&l, "acme of acme the acme of it all acme", 36, 500,
          "they hide where they stand");
    clear(&l);
}


/* Texts of the list itself, or nearly: all terms, all but a byte of each. */

static void
near_misses(void)
{
    char      term[40], text[6000];
    size_t    i, n, m, k, differ, found;
    list_t    l;
    unsigned  seed = 889, kind;

    static hits_t  fast, slow;

    for (kind = 0; kind < 4; kind++) {
        memset(&l, 0, sizeof(l));

        for (i = 0; i < 300; i++) {
            n = 4 + rand_r(&seed) % 30;

            for (k = 0; k < n; k++) {
                term[k] = kind % 2 ? "ab"[rand_r(&seed) % 2]
                                   : 'a' + rand_r(&seed) % 26;
            }

            term[n] = '\0';
            add(&l, term, kind / 2, i % 3);
        }

        finish(&l);
        differ = found = 0;

        for (i = 0; i < 12; i++) {
            for (n = 0, k = 0; k < 80; k++) {
                const debar_term_t  *t;

                t = (debar_term_t *) l.tables[DEBAR_T_TERMS].data
                    + rand_r(&seed) % 300;
                m = t->text.len - (i % 4 == 1);
                memcpy(text + n, (char *) l.tables[DEBAR_T_STRINGS].data
                                 + t->text.off, m);

                if (i % 4 == 2) {
                    text[n + m / 2] = 'z';
                }

                n += m;

                if (i % 4 != 3) {
                    text[n++] = ' ';
                }
            }

            scan(&l, text, n, &fast, 0);
            scan(&l, text, n, &slow, 1);
            differ += !same(&fast, &slow);
            found += slow.n;
        }

        ok(differ == 0 && found > 0, "both twins agree on texts of the list "
           "and of near misses, %zu hits", found);
        clear(&l);
    }
}


int
main(void)
{
    char      text[256], claim[96];
    size_t    i, n, round;
    list_t    l;
    unsigned  seed;

    static hits_t  fast, slow;

    memset(&l, 0, sizeof(l));

    add(&l, "acme", DEBAR_TERM_WORD, 0);
    add(&l, "globex", DEBAR_TERM_ANYWHERE, 0);
    add(&l, "globexwald", DEBAR_TERM_NOT, 0);
    add(&l, "initech corp", DEBAR_TERM_WORD, 1);

    ok(finish(&l) == DEBAR_OK, "an index opens");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n = strlen(cases[i].text);
        is_int(scan(&l, cases[i].text, n, &fast, 0), cases[i].n,
               cases[i].claim);
        scan(&l, cases[i].text, n, &slow, 1);
        ok(same(&fast, &slow), "the slow twin agrees on \"%s\"",
           cases[i].text);
    }

    clear(&l);

    add(&l, "globex", DEBAR_TERM_ANYWHERE, 0);
    add(&l, "globexwald", DEBAR_TERM_NOT, 1);
    finish(&l);
    is_int(scan(&l, "globexwald", 10, &fast, 0), 1,
           "a longer word of another entry hides nothing");

    ((uint32_t *) l.index.data)[0]++;
    ok(debar_term_index_open(&l.ti, l.index.data, l.index.len,
                             l.tables[DEBAR_T_TERMS].data, 2,
                             l.tables[DEBAR_T_STRINGS].data) == DEBAR_ERROR,
       "an index of another number of terms is refused");

    ok(debar_term_index_open(&l.ti, l.index.data, 12,
                             l.tables[DEBAR_T_TERMS].data, 2,
                             l.tables[DEBAR_T_STRINGS].data) == DEBAR_ERROR,
       "a cut index is refused");

    clear(&l);
    ok(finish(&l) == DEBAR_OK && scan(&l, "anything", 8, &fast, 0) == 0,
       "an index of no terms finds nothing");

    /* few letters, so that terms overlap and hide each other */

    seed = 20171212;

    for (round = 0; round < 40; round++) {
        size_t  terms, k, t, differ = 0, found = 0;

        clear(&l);
        terms = 1 + rand_r(&seed) % 60;

        for (t = 0; t < terms; t++) {
            n = 3 + rand_r(&seed) % 8;
            text[0] = 'a';

            for (i = 1; i < n; i++) {
                text[i] = "abc abc"[rand_r(&seed) % 7];

                if (text[i] == ' ' && text[i - 1] == ' ') {
                    text[i] = 'c';
                }
            }

            text[n] = 'b';
            text[n + 1] = '\0';

            add(&l, text, rand_r(&seed) % 3, rand_r(&seed) % 2);
        }

        finish(&l);

        for (k = 0; k < 50; k++) {
            n = rand_r(&seed) % 120;

            for (i = 0; i < n; i++) {
                text[i] = "aabbcc \x1f"[rand_r(&seed) % 8];
            }

            scan(&l, text, n, &fast, 0);
            scan(&l, text, n, &slow, 1);
            differ += !same(&fast, &slow);
            found += slow.n;
        }

        snprintf(claim, sizeof(claim), "%zu random terms: both twins agree on "
                 "50 texts", terms);
        is_int(differ, 0, claim);
    }

    clear(&l);

    /* many terms, longer than a stride, of many beginnings and of one */

    for (round = 0; round < 12; round++) {
        size_t  terms, k, t, differ = 0, found = 0;

        static char  big[4096];

        clear(&l);
        terms = 200 + rand_r(&seed) % 800;

        for (t = 0; t < terms; t++) {
            n = 4 + rand_r(&seed) % 44;

            for (i = 0; i < n; i++) {
                text[i] = (round % 2 && i < 24)
                          ? "abcdefghabcdefgh ijklmno"[i]
                          : "abcd efgh"[rand_r(&seed) % 9];

                if (text[i] == ' ' && (i == 0 || text[i - 1] == ' ')) {
                    text[i] = 'e';
                }
            }

            text[n - 1] = 'g';
            text[n] = '\0';

            add(&l, text, rand_r(&seed) % 8 == 0 ? DEBAR_TERM_NOT
                          : (round / 2 + t) % 2, rand_r(&seed) % 3);
        }

        ok(finish(&l) == DEBAR_OK, "an index of %zu terms opens", terms);

        for (k = 0; k < 6; k++) {

            /* pieces of the terms after each other */

            for (n = 0; n < 900; ) {
                const debar_term_t  *term;
                size_t               from, m;

                term = (debar_term_t *) l.tables[DEBAR_T_TERMS].data
                       + rand_r(&seed) % terms;
                from = rand_r(&seed) % 4 ? 0 : rand_r(&seed) % term->text.len;
                m = term->text.len - from;
                m = rand_r(&seed) % 4 ? m : rand_r(&seed) % (m + 1);

                memcpy(big + n, (char *) l.tables[DEBAR_T_STRINGS].data
                                + term->text.off + from, m);
                n += m;

                if (rand_r(&seed) % 3) {
                    big[n++] = " \x1fx "[rand_r(&seed) % 4];
                }
            }

            scan(&l, big, n, &fast, 0);
            scan(&l, big, n, &slow, 1);
            differ += !same(&fast, &slow);
            found += slow.n;
        }

        ok(differ == 0 && found > 0, "both twins agree on texts of their "
           "pieces, %zu hits", found);
    }

    clear(&l);

    crowds();
    near_misses();

    return done();
}

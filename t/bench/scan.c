/*
 * How fast names are found in canonical text: blocks of 64 KiB, one core, for
 * indexes of some sizes, of distinctive names and of phrases of common words,
 * and for a text and a list that are made to be slow.  A line each:
 * what|terms|MB/s of CPU time|MB of index and terms|hits a block
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "term.h"


#define BLOCK   65536
#define COMMON   2000


typedef struct {
    debar_table_t       tables[DEBAR_TABLES];
    debar_buf_t         index;
    debar_term_index_t  ti;
} list_t;

static unsigned  seed = 1634;
static char      words[COMMON][16];
static size_t    hits;


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


static void
add(list_t *l, const char *text, unsigned match)
{
    debar_term_t  *t;

    t = debar_table_add(l->tables, DEBAR_T_TERMS, NULL);
    t->text = debar_table_text(l->tables, text, strlen(text));
    t->match = match;
}


static void
run(const char *name, list_t *l, const char *text)
{
    size_t  n, rounds;
    double  from, took, best;

    debar_term_index_build(&l->index, l->tables[DEBAR_T_TERMS].data,
                           l->tables[DEBAR_T_TERMS].n,
                           l->tables[DEBAR_T_STRINGS].data);

    if (debar_term_index_open(&l->ti, l->index.data, l->index.len,
                              l->tables[DEBAR_T_TERMS].data,
                              l->tables[DEBAR_T_TERMS].n,
                              l->tables[DEBAR_T_STRINGS].data) != DEBAR_OK)
    {
        printf("%s: the index does not open\n", name);
        exit(1);
    }

    best = 1e9;

    for (rounds = 0; rounds < 7; rounds++) {
        hits = 0;
        from = now();

        for (n = 0; n < 32; n++) {
            debar_term_scan(&l->ti, NULL, l->tables[DEBAR_T_RULES].data, text,
                            BLOCK, hit, NULL);
        }

        took = now() - from;
        best = took < best ? took : best;
    }

    printf("%s|%zu|%.0f|%.1f|%zu\n",
           name, l->tables[DEBAR_T_TERMS].n, BLOCK * 32 / best / 1e6,
           (l->index.len + l->tables[DEBAR_T_STRINGS].n
            + l->tables[DEBAR_T_TERMS].n * sizeof(debar_term_t)) / 1e6,
           hits / 32);
    fflush(stdout);

    for (n = 0; n < DEBAR_TABLES; n++) {
        free(l->tables[n].data);
    }

    free(l->index.data);
    memset(l, 0, sizeof(*l));
    debar_table_add(l->tables, DEBAR_T_RULES, NULL);
}


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


int
main(void)
{
    char      *text, *same, term[128];
    size_t     i, n, count;
    list_t     l;
    unsigned   kind;

    static const size_t  sizes[] = { 100, 10000, 1000000 };

    make_words();
    memset(&l, 0, sizeof(l));
    debar_table_add(l.tables, DEBAR_T_RULES, NULL);

    text = malloc(BLOCK + 64);
    same = malloc(BLOCK + 64);

    if (text == NULL || same == NULL) {
        return 1;
    }

    for (n = 0; n < BLOCK; ) {
        n += sprintf(text + n, "%s ", word());
    }

    for (kind = 0; kind < 3; kind++) {
        for (i = 0; i < 3; i++) {
            for (count = 0; count < sizes[i]; count++) {
                if (kind < 2) {
                    distinctive(term);

                } else {
                    snprintf(term, sizeof(term), "%s %s %s", words[any(COMMON)],
                             words[any(COMMON)], words[any(COMMON)]);
                }

                add(&l, term, kind == 1 ? DEBAR_TERM_ANYWHERE
                                        : DEBAR_TERM_WORD);
            }

            run(kind == 0 ? "distinctive, words"
                : kind == 1 ? "distinctive, anywhere"
                : "phrases of common words", &l, text);
        }
    }

    /* made to be slow: one beginning for all, a text of nothing else */

    for (count = 0; count < 1000000; count++) {
        n = snprintf(term, sizeof(term), "security software security ");
        distinctive(term + n);
        add(&l, term, DEBAR_TERM_WORD);
    }

    for (n = 0; n < BLOCK; ) {
        n += sprintf(same + n, "security software ");
    }

    run("one beginning, text of it", &l, same);

    for (count = 0; count < 1000000; count++) {
        for (n = 0; n < 24; n++) {
            term[n] = 'a';
        }

        distinctive(term + n);
        add(&l, term, DEBAR_TERM_ANYWHERE);
    }

    memset(same, 'a', BLOCK);
    run("aaaa..., anywhere", &l, same);

    for (count = 0; count < 1000000; count++) {
        for (n = 0; n < 18; n += 3) {
            term[n] = "abcdefghijklmnopqrstuvwxyz"[any(26)];
            term[n + 1] = "abcdefghijklmnopqrstuvwxyz"[any(26)];
            term[n + 2] = ' ';
        }

        term[n - 1] = '\0';
        add(&l, term, DEBAR_TERM_WORD);
    }

    for (n = 0; n + 2 < BLOCK; n += 3) {
        same[n] = "abcdefghijklmnopqrstuvwxyz"[any(26)];
        same[n + 1] = "abcdefghijklmnopqrstuvwxyz"[any(26)];
        same[n + 2] = ' ';
    }

    run("words of two letters", &l, same);

    return 0;
}

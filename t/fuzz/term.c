/*
 * The term index against its slow twin (libFuzzer): terms and a text from the
 * bytes, and both find the same, in order of place.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iblocklist
 *       t/fuzz/term.c blocklist/{term,term_scan,build_terms,tables,debar}.c
 */

#include <stdlib.h>

#include "term.h"


#define TERMS    64
#define HITS  16384

#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


typedef struct {
    uint64_t  place[HITS];        /* off << 32 | term */
    size_t    n;
    size_t    last;
    int       ordered;
} hits_t;


static int
hit(void *data, uint32_t term, size_t off, size_t len)
{
    hits_t  *h = data;

    h->ordered &= off >= h->last;
    h->last = off;

    if (h->n == HITS) {
        return DEBAR_DECLINED;
    }

    h->place[h->n++] = (uint64_t) off << 32 | term;

    return DEBAR_OK;
}


static int
order(const void *one, const void *two)
{
    const uint64_t  *a = one, *b = two;

    return *a < *b ? -1 : *a > *b;
}


/* A term is its length and kind in a byte, its entry in one, its bytes. */

static size_t
make(debar_table_t *tables, const uint8_t *data, size_t size)
{
    size_t         at, len, n;
    uint32_t       rule;
    debar_rule_t  *r;
    debar_term_t  *t;

    for (n = 0, at = 0; n < TERMS && size - at > 2; n++) {
        len = DEBAR_MIN_TERM + (data[at] & 63);

        if (len > size - at - 2) {
            break;
        }

        r = debar_table_add(tables, DEBAR_T_RULES, &rule);
        r->entry = data[at + 1] & 3;

        t = debar_table_add(tables, DEBAR_T_TERMS, NULL);
        t->rule = rule;
        t->match = (data[at] >> 6) % 3;
        t->text = debar_table_text(tables, (const char *) data + at + 2, len);

        at += 2 + len;
    }

    return at;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t               at, i;
    debar_buf_t          index;
    debar_table_t        tables[DEBAR_TABLES];
    debar_term_index_t   ti;

    static hits_t        fast, slow;

    if (size > 4096) {
        return 0;
    }

    memset(tables, 0, sizeof(tables));
    memset(&index, 0, sizeof(index));

    at = make(tables, data, size);

    debar_term_index_build(&index, tables[DEBAR_T_TERMS].data,
                           tables[DEBAR_T_TERMS].n,
                           tables[DEBAR_T_STRINGS].data);

    claim(debar_term_index_open(&ti, index.data, index.len,
                                tables[DEBAR_T_TERMS].data,
                                tables[DEBAR_T_TERMS].n,
                                tables[DEBAR_T_STRINGS].data) == DEBAR_OK);

    fast.n = slow.n = fast.last = slow.last = 0;
    fast.ordered = 1;

    (void) debar_term_scan(&ti, NULL, tables[DEBAR_T_RULES].data,
                           (const char *) data + at, size - at, hit, &fast);
    (void) debar_term_scan_slow(&ti, NULL, tables[DEBAR_T_RULES].data,
                                (const char *) data + at, size - at, hit,
                                &slow);

    claim(fast.ordered);

    if (slow.n < HITS) {
        claim(fast.n == slow.n);

        qsort(fast.place, fast.n, sizeof(fast.place[0]), order);
        qsort(slow.place, slow.n, sizeof(slow.place[0]), order);

        claim(memcmp(fast.place, slow.place,
                     fast.n * sizeof(fast.place[0])) == 0);
    }

    for (i = 0; i < DEBAR_TABLES; i++) {
        free(tables[i].data);
    }

    free(index.data);

    return 0;
}

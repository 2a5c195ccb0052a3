/*
 * Lines of the audit log of any bytes (libFuzzer), as the index takes them: its
 * words are within their bounds, in lower case, and what it says of a line is
 * the same each time, whatever the one before was.
 */

#include "audit_index.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
line(debar_index_line_t *l, const char *data, size_t size)
{
    size_t  i, k;

    if (debar_index_line(l, data, size) != DEBAR_OK) {
        return 0;
    }

    claim(json_is_object(l->json));
    claim(l->kind >= DEBAR_LINE_DECISION && l->kind <= DEBAR_LINE_EVENT);
    claim(l->time >= 0 && l->incident < 1ull << 60);
    claim(l->text.len == 0 || memchr(l->text.data, 0, l->text.len) == NULL);

    /* each word, and the names above a host, come out of the line */

    claim(l->nwords <= (DEBAR_INDEX_LABELS + 1) + size);

    for (i = 0; i < l->nwords; i++) {

        claim(l->words[i].kind < DEBAR_WORD_KINDS);
        claim(l->words[i].len < DEBAR_INDEX_WORD);

        for (k = 0; k < l->words[i].len; k++) {
            claim(l->words[i].text[k] < 'A' || l->words[i].text[k] > 'Z');
        }
    }

    return 1;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                          is;
    char                        *copy, host[DEBAR_INDEX_WORD],
                                 again[DEBAR_INDEX_WORD];
    size_t                       n;
    uint64_t                     number;
    debar_index_line_t           l;
    static debar_index_line_t    used;

    copy = malloc(size + 1);
    claim(copy != NULL);
    memcpy(copy, data, size);

    memset(&l, 0, sizeof(l));
    is = line(&l, copy, size);
    claim(is == line(&used, copy, size));

    if (is) {
        claim(l.nwords == used.nwords && l.kind == used.kind);
        claim(l.time == used.time && l.incident == used.incident);
        claim(l.text.len == used.text.len);
        claim(l.text.len == 0
              || memcmp(l.text.data, used.text.data, l.text.len) == 0);
    }

    debar_index_line_free(&l);

    /* what is asked for is read in the same ways */

    n = debar_index_host(host, copy, size);
    claim(n < sizeof(host));
    (void) debar_index_fold(again, host, n);
    claim(memcmp(host, again, n) == 0);
    claim(debar_index_client(host, copy, size) < sizeof(host));
    claim(debar_index_time(copy, size) >= -1);

    if (debar_index_incident(&number, copy, size) == DEBAR_OK) {
        claim(number < 1ull << 60);
    }

    free(copy);

    return 0;
}

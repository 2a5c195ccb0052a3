/*
 * Rows of CSV over any bytes: every row or fault has its place, the rows are
 * all of the input in its order, and what is written of a row is read again.
 */

#include "csv.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
again(const debar_csv_t *csv)
{
    size_t          i;
    debar_buf_t     b;
    debar_csv_t    *back;
    debar_fault_t   why;

    memset(&b, 0, sizeof(b));
    debar_csv_put(&b, csv->separator, csv->fields, csv->n);

    back = malloc(sizeof(debar_csv_t));
    claim(back != NULL);

    /* a file's first bytes have a meaning that a row's have not */

    if (debar_csv_open(back, b.data, b.len, csv->separator, &why) == DEBAR_OK) {
        claim(debar_csv_next(back, &why) == DEBAR_OK);
        claim(back->n == csv->n);

        for (i = 0; i < csv->n; i++) {
            claim(back->fields[i].len == csv->fields[i].len);
            claim(back->fields[i].len == 0
                  || memcmp(back->fields[i].data, csv->fields[i].data,
                            back->fields[i].len)
                     == 0);
        }

        claim(debar_csv_next(back, &why) == DEBAR_DECLINED);
    }

    debar_csv_free(back);
    free(back);
    debar_buf_free(&b);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             rc;
    unsigned        last, line, col;
    const char     *p;
    debar_csv_t    *csv;
    debar_fault_t   why;

    if (size == 0) {
        return 0;
    }

    csv = malloc(sizeof(debar_csv_t));
    claim(csv != NULL);

    if (debar_csv_open(csv, (const char *) data + 1, size - 1,
                       ",;\t\0"[data[0] & 3], &why)
        == DEBAR_OK)
    {
        last = 0;
        p = (const char *) data + 1;

        while ((rc = debar_csv_next(csv, &why)) != DEBAR_DECLINED) {
            claim(csv->line > last);
            claim(csv->raw.data >= p && csv->raw.len);
            last = csv->line;
            p = csv->raw.data + csv->raw.len;
            claim(p <= (const char *) data + size);

            if (rc == DEBAR_OK) {
                claim(csv->n && csv->n <= DEBAR_CSV_MAX_FIELDS);
                debar_csv_where(csv, csv->n - 1, &line, &col);
                claim(line >= csv->line && col);
                again(csv);

            } else {
                claim(csv->fault_line >= csv->line && csv->fault_col);
                claim(why.text[0]);
            }
        }
    }

    debar_csv_free(csv);
    free(csv);

    return 0;
}

/*
 * Notes of deletions, and periods, of any bytes (libFuzzer): what is read is
 * written again as it was.
 */

#include "period.h"
#include "sealed_deletion.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                     *copy;
    int64_t                   t;
    debar_buf_t               b;
    debar_fault_t             fault;
    debar_sealed_deletion_t   d;

    copy = malloc(size ? size : 1);

    if (copy == NULL) {
        return 0;
    }

    memcpy(copy, data, size);

    if (debar_sealed_deletion_parse(&d, "fuzz", debar_str(copy, size), &fault)
        == DEBAR_OK)
    {
        claim(d.files.len && d.files.data + d.files.len == copy + size);
        memset(&b, 0, sizeof(b));
        debar_sealed_deletion_text(&b, &d);
        claim(b.len == size && memcmp(b.data, copy, size) == 0);
        debar_buf_free(&b);
    }

    if (debar_sealed_deletion_read(&d, "fuzz", copy, size, NULL, &fault)
        == DEBAR_OK)
    {
        claim(d.files.data + d.files.len < copy + size);
    }

    if (debar_period_before(&t, 1795000000, copy, size) == DEBAR_OK) {
        claim(size < DEBAR_PERIOD_TEXT && t < 1795000000
              && t >= 1795000000 - 36526LL * 86400);
    }

    free(copy);

    return 0;
}

/*
 * Edits of any YAML (libFuzzer): the first bytes choose what is done, the rest
 * is the file.  What comes out is YAML again or is refused, and bytes outside
 * of the change are those that were there; canonical form is reached at once.
 */

#include "edit.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Bytes that two texts have in common at both ends together. */

static size_t
common(const char *a, size_t n, const char *b, size_t m)
{
    size_t  i, k, least;

    least = n < m ? n : m;

    for (i = 0; i < least && a[i] == b[i]; i++) {
        /* void */
    }

    for (k = 0; k < least - i && a[n - 1 - k] == b[m - 1 - k]; k++) {
        /* void */
    }

    return i + k;
}


/* The n-th list or map of the file, by a walk through its items. */

static debar_edit_node_t *
nth(debar_edit_node_t *node, unsigned n)
{
    size_t  i;

    for (i = 0; n && node->n && node->type != DEBAR_EDIT_SCALAR
                && node->type != DEBAR_EDIT_ALIAS; n--)
    {
        i = (node->type == DEBAR_EDIT_MAP ? 2 * (n % (node->n / 2)) + 1
                                          : n % node->n);
        node = node->items[i];
    }

    return node;
}


static void
format(const char *text, size_t len, unsigned file)
{
    debar_buf_t    once, twice;
    debar_fault_t  why;

    memset(&once, 0, sizeof(once));
    memset(&twice, 0, sizeof(twice));

    if (debar_edit_format(&once, text, len, file, &why) == DEBAR_OK) {
        claim(debar_edit_format(&twice, once.data, once.len, file, &why)
              == DEBAR_OK);
        claim(once.len == twice.len
              && memcmp(once.data, twice.data, once.len) == 0);
    }

    debar_buf_free(&once);
    debar_buf_free(&twice);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                       rc;
    size_t                    len;
    unsigned                  op;
    const char               *text;
    debar_buf_t               out;
    debar_edit_t             *e, *again;
    debar_fault_t             why;
    debar_edit_node_t        *node;
    debar_edit_row_t          row;
    static const char *const  order[] = { "id", "name", "hosts", NULL };

    if (size < 2) {
        return 0;
    }

    op = data[0] % 8;
    text = (const char *) data + 2;
    len = size - 2;

    if (op >= 6) {
        format(text, len, data[1] % 4);
        return 0;
    }

    e = debar_edit_open(text, len, &why);

    if (e == NULL) {
        claim(why.text[0]);
        return 0;
    }

    memset(&out, 0, sizeof(out));
    memset(&row, 0, sizeof(row));
    node = nth(debar_edit_root(e), data[1] % 16);

    switch (op) {
    case 0:
        rc = debar_edit_append(e, node, "{host: x.example}", NULL, &why);
        break;
    case 1:
        rc = node->type == DEBAR_EDIT_LIST && node->n
             ? debar_edit_remove(e, node, data[1] % node->n, &why)
             : DEBAR_DECLINED;
        break;
    case 2:
        rc = debar_edit_replace(e, node, "\"new: value\"", &why);
        break;
    case 3:
        rc = debar_edit_key(e, node, "hosts", "x.example", data[1] & 1, NULL,
                            order, &why);
        break;
    case 4:
        rc = debar_edit_unset(e, node, "id", &why);
        break;
    default:
        row.comment = data[1] & 1 ? "ticket" : NULL;
        rc = debar_edit_row_add(e, NULL, data[1] & 2 ? "hosts" : "packages",
                                "npm:x", &row, &why);
    }

    if (rc == DEBAR_OK && debar_edit_finish(e, &out, &why) == DEBAR_OK) {
        again = debar_edit_open(out.data ? out.data : "", out.len, &why);
        claim(again != NULL);
        debar_edit_free(again);

        /* what is put in is all that is new, what is taken out all that goes:
         * a comment may stand apart from its value */

        if (op == 0 || op == 3) {
            claim(out.len > len);
            claim(common(text, len, out.data, out.len) == len);
        }

        if (op == 1 || op == 4) {
            claim(common(text, len, out.data ? out.data : "", out.len)
                  == out.len);
        }
    }

    debar_buf_free(&out);
    debar_edit_free(e);

    return 0;
}

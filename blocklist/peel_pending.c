/*
 * Readers that are not there yet: none of their bytes are theirs, and the
 * engine reads them as text.  A reader's lines here go when it comes.
 */

#include "peel_node.h"

#include <strings.h>


static int
debar_pending_open(debar_node_t *node)
{
    return DEBAR_ERROR;
}


static int
debar_pending_push(debar_node_t *node, const char *data, size_t len)
{
    return DEBAR_ERROR;
}


static int
debar_pending_finish(debar_node_t *node)
{
    return DEBAR_OK;
}


static void
debar_pending_free(debar_node_t *node)
{
}


#define debar_pending(v, s)                                                   \
    const debar_reader_t  v = { s, #v, debar_pending_open,                    \
                                debar_pending_push, debar_pending_finish,     \
                                debar_pending_free }

debar_pending(debar_reader_graphql, DEBAR_SYNTAX_GRAPHQL);
debar_pending(debar_reader_multipart, DEBAR_SYNTAX_MULTIPART);


/* Plain parameters only. */

int
debar_field_parameter(debar_str_t field, const char *name, char *out,
    size_t size)
{
    size_t  i, j, n;

    n = strlen(name);

    for (i = 0; i + n + 1 < field.len; i++) {
        if (field.data[i] != ';') {
            continue;
        }

        for (j = i + 1; j < field.len && field.data[j] == ' '; j++) {
            /* void */
        }

        if (j + n >= field.len || strncasecmp(field.data + j, name, n) != 0
            || field.data[j + n] != '=')
        {
            continue;
        }

        j += n + 1;
        j += j < field.len && field.data[j] == '"';

        for (n = 0; j < field.len && n < size && !strchr("\"; ", field.data[j])
             && field.data[j]; j++)
        {
            out[n++] = field.data[j];
        }

        return n;
    }

    return -1;
}

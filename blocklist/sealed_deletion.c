/*
 * Deletions of files of a sealed log, as its key vouches for them.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sealed_deletion.h"


#define DEBAR_DELETION_TITLE  "debar audit deletion"


static int debar_deletion_line(debar_str_t *line, debar_str_t *rest);
static int debar_deletion_words(char *out, size_t size, const char *head,
    debar_str_t *rest);


void
debar_sealed_deletion_text(debar_buf_t *out, const debar_sealed_deletion_t *d)
{
    debar_buf_printf(out, DEBAR_DELETION_TITLE "\n%s\n%" PRIu64 "\npolicy %s\n"
                     "by %s\n", d->origin, d->size, d->policy, d->by);
    debar_buf_add(out, d->files.data, d->files.len);
}


int
debar_sealed_deletion_parse(debar_sealed_deletion_t *d, const char *file,
    debar_str_t text, debar_fault_t *fault)
{
    size_t       i;
    debar_str_t  line, rest;

    memset(d, 0, sizeof(*d));
    rest = text;

    if (debar_deletion_line(&line, &rest) != DEBAR_OK
        || line.len != sizeof(DEBAR_DELETION_TITLE) - 1
        || memcmp(line.data, DEBAR_DELETION_TITLE, line.len) != 0
        || debar_deletion_words(d->origin, sizeof(d->origin), "", &rest)
           != DEBAR_OK
        || debar_deletion_line(&line, &rest) != DEBAR_OK
        || line.len == 0 || line.len > 17
        || (line.data[0] == '0' && line.len > 1))
    {
        goto refused;
    }

    for (i = 0; i < line.len; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') {
            goto refused;
        }

        d->size = d->size * 10 + (uint64_t) (line.data[i] - '0');
    }

    if (d->size > DEBAR_MERKLE_MAX
        || debar_deletion_words(d->policy, sizeof(d->policy), "policy ", &rest)
           != DEBAR_OK
        || debar_deletion_words(d->by, sizeof(d->by), "by ", &rest) != DEBAR_OK
        || rest.len == 0 || rest.data[rest.len - 1] != '\n')
    {
        goto refused;
    }

    d->files = rest;

    return DEBAR_OK;

refused:

    debar_fault(fault, "%s: not a deletion of files of a log, as the sealer "
                "writes it: take the file from a copy", file);

    return DEBAR_ERROR;
}


static int
debar_deletion_line(debar_str_t *line, debar_str_t *rest)
{
    const char  *eol;

    eol = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;

    if (eol == NULL) {
        return DEBAR_ERROR;
    }

    *line = debar_str(rest->data, (size_t) (eol - rest->data));
    *rest = debar_str(eol + 1, rest->len - line->len - 1);

    return DEBAR_OK;
}


/* What stands behind head: a terminal shows it as it is. */

static int
debar_deletion_words(char *out, size_t size, const char *head,
    debar_str_t *rest)
{
    size_t       i, n;
    debar_str_t  line;

    n = strlen(head);

    if (debar_deletion_line(&line, rest) != DEBAR_OK || line.len <= n
        || line.len - n >= size || memcmp(line.data, head, n) != 0)
    {
        return DEBAR_ERROR;
    }

    for (i = n; i < line.len; i++) {
        if ((unsigned char) line.data[i] < ' ' || line.data[i] == 0x7f) {
            return DEBAR_ERROR;
        }
    }

    memcpy(out, line.data + n, line.len - n);
    out[line.len - n] = '\0';

    return DEBAR_OK;
}


int
debar_sealed_deletion_sign(debar_buf_t *out, const debar_sealed_deletion_t *d,
    const debar_vkey_t *key, struct evp_pkey_st *private,
    debar_fault_t *fault)
{
    int          rc;
    debar_buf_t  text;

    memset(&text, 0, sizeof(text));
    debar_sealed_deletion_text(&text, d);

    rc = debar_note_new(out, debar_str(text.data, text.len), key, private,
                        fault);
    debar_buf_free(&text);

    return rc;
}


int
debar_sealed_deletion_read(debar_sealed_deletion_t *d, const char *file,
    const void *data, size_t len, const debar_vkey_t *key,
    debar_fault_t *fault)
{
    int           rc;
    debar_note_t  note;

    if (debar_note_parse(&note, file, data, len, 0, fault) != DEBAR_OK
        || debar_sealed_deletion_parse(d, file, note.text, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (key == NULL) {
        return DEBAR_OK;
    }

    rc = debar_note_signed(&note, key);

    if (rc == DEBAR_OK && strcmp(d->origin, key->name) == 0) {
        return DEBAR_OK;
    }

    debar_fault(fault, "%s: a deletion %s %s: somebody changed it or made it "
                "up", file, rc == DEBAR_OK ? "of another log is signed by"
                : rc == DEBAR_DECLINED ? "is not signed by"
                : "has a false signature by", key->name);

    return DEBAR_ERROR;
}

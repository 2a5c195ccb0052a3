/*
 * Checkpoints: what the sealer signs, and the file of all of them.
 */

#include <inttypes.h>
#include <stdio.h>

#include "checkpoint.h"


void
debar_checkpoint_text(debar_buf_t *out, const debar_checkpoint_t *c)
{
    char  b64[4 * ((DEBAR_HASH + 2) / 3) + 1];

    debar_base64_encode(b64, c->root, DEBAR_HASH);
    debar_buf_printf(out, "%s\n%" PRIu64 "\n%s\n", c->origin, c->size, b64);
}


int
debar_checkpoint_parse(debar_checkpoint_t *c, const char *file,
    debar_str_t text, debar_fault_t *fault)
{
    size_t       i, len[3];
    uint64_t     n;
    const char  *p, *eol, *end, *line[3];

    p = text.data;
    end = p + text.len;

    for (i = 0; i < 3; i++) {
        eol = memchr(p, '\n', (size_t) (end - p));

        if (eol == NULL || eol == p) {
            goto refused;
        }

        line[i] = p;
        len[i] = (size_t) (eol - p);
        p = eol + 1;
    }

    if (len[0] > DEBAR_KEY_NAME || memchr(line[0], '\0', len[0])
        || len[1] > 17 || (line[1][0] == '0' && len[1] > 1)
        || debar_base64_decode(c->root, DEBAR_HASH, line[2], len[2])
           != DEBAR_HASH)
    {
        goto refused;
    }

    for (n = 0, i = 0; i < len[1]; i++) {
        if (line[1][i] < '0' || line[1][i] > '9') {
            goto refused;
        }

        n = n * 10 + (uint64_t) (line[1][i] - '0');
    }

    if (n > DEBAR_MERKLE_MAX) {
        goto refused;
    }

    /* extensions, if any: no line is empty */

    for ( /* void */ ; p < end; p = eol + 1) {
        eol = memchr(p, '\n', (size_t) (end - p));

        if (eol == NULL || eol == p) {
            goto refused;
        }
    }

    c->size = n;
    memcpy(c->origin, line[0], len[0]);
    c->origin[len[0]] = '\0';

    return DEBAR_OK;

refused:

    debar_fault(fault, "%s: not a checkpoint: its lines are the log's name, the "
                "number of its leaves and the root of its tree; fetch it again",
                file);

    return DEBAR_ERROR;
}


int
debar_checkpoint_sign(debar_buf_t *out, const debar_checkpoint_t *c,
    const debar_vkey_t *key, struct evp_pkey_st *private,
    debar_fault_t *fault)
{
    int          rc;
    debar_buf_t  text;

    memset(&text, 0, sizeof(text));
    debar_checkpoint_text(&text, c);

    rc = debar_note_new(out, debar_str(text.data, text.len), key, private,
                        fault);
    debar_buf_free(&text);

    return rc;
}


int
debar_checkpoint_read(debar_checkpoint_t *c, const char *file,
    const void *data, size_t len, const debar_vkey_t *key,
    debar_fault_t *fault)
{
    int           rc;
    debar_note_t  note;

    if (debar_note_parse(&note, file, data, len, 0, fault) != DEBAR_OK
        || debar_checkpoint_parse(c, file, note.text, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (key == NULL) {
        return DEBAR_OK;
    }

    rc = debar_note_signed(&note, key);

    if (rc == DEBAR_OK && strcmp(c->origin, key->name) == 0) {
        return DEBAR_OK;
    }

    debar_fault(fault, "%s: %s %s: %s", file,
                rc == DEBAR_OK ? "is signed by" : rc == DEBAR_DECLINED
                ? "is not signed by" : "has a false signature by",
                key->name,
                rc == DEBAR_ERROR ? "somebody changed it or made it up"
                                  : "is that the key of this gateway's sealer?");

    return DEBAR_ERROR;
}


void
debar_checkpoints_add(debar_buf_t *out, debar_str_t note)
{
    debar_buf_printf(out, "%zu\n", note.len);
    debar_buf_add(out, note.data, note.len);
}


int64_t
debar_checkpoints_next(debar_str_t *note, const char *data, size_t len)
{
    size_t  i, n;

    if (len == 0) {
        return 0;
    }

    for (n = 0, i = 0; i < len && i < 8 && data[i] != '\n'; i++) {
        if (data[i] < '0' || data[i] > '9') {
            return -1;
        }

        n = n * 10 + (size_t) (data[i] - '0');
    }

    if (i == 0 || i == len || data[i] != '\n' || n == 0 || n > DEBAR_NOTE_MAX
        || len - i - 1 < n)
    {
        return -1;
    }

    *note = debar_str(data + i + 1, n);

    return (int64_t) (i + 1 + n);
}

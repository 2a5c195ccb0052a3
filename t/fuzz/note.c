/*
 * Signed notes, and public keys, of any bytes (libFuzzer): what is read is
 * within its bounds and the whole of the input.
 */

#include "note.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
parsed(const debar_note_t *note, const char *p, size_t size, int unsigned_too)
{
    size_t       i;
    debar_buf_t  line;

    claim(note->text.data == p && note->text.len <= size && note->text.len);
    claim(p[note->text.len - 1] == '\n');
    claim(note->n <= DEBAR_NOTE_SIGNATURES);
    claim(note->n || (unsigned_too && note->text.len == size));
    claim(memchr(p, '\r', size) == NULL && memchr(p, 0, size) == NULL);

    for (i = 0; i < note->n; i++) {
        claim(note->signatures[i].name.data > p + note->text.len
              && note->signatures[i].name.data + note->signatures[i].name.len
                 < p + size);

        /* as it was read, it is written */

        memset(&line, 0, sizeof(line));
        debar_note_line_text(&line, &note->signatures[i]);
        claim(line.len == 0
              || memcmp(line.data, note->signatures[i].name.data - 4, line.len)
                 == 0);
        debar_buf_free(&line);
    }
}


static void
key(const char *p, size_t size, const debar_note_t *note)
{
    char           text[DEBAR_VKEY_TEXT];
    size_t         n;
    uint64_t       when;
    debar_vkey_t   k, again;
    debar_fault_t  fault;

    if (debar_vkey_parse_as(&k, 0, "key", p, size, &fault) != DEBAR_OK) {
        claim(debar_vkey_parse(&k, "key", p, size, &fault) != DEBAR_OK);
        return;
    }

    n = debar_vkey_text(text, &k);
    claim(n == size && memcmp(text, p, n) == 0);
    claim(debar_vkey_parse_as(&again, k.type, "key", text, n, &fault)
          == DEBAR_OK);
    claim(debar_vkey_same(&k, &again) && k.type == again.type);
    claim((debar_vkey_parse(&again, "key", text, n, &fault) == DEBAR_OK)
          == (k.type == DEBAR_KEY_ED25519));

    if (note) {
        claim(debar_note_signed(note, &k) != DEBAR_OK
              || k.type == DEBAR_KEY_ED25519);
        claim(debar_note_cosigned(note, &k, &when) != DEBAR_OK
              || k.type == DEBAR_KEY_COSIGNER);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char          *p, *eol;
    int            both, signed_only;
    debar_note_t   note, strict;
    debar_fault_t  fault;

    /* its end is the end of memory */

    p = malloc(size ? size : 1);
    memcpy(p, data, size);

    both = debar_note_parse(&note, "note", p, size, 1, &fault);
    signed_only = debar_note_parse(&strict, "note", p, size, 0, &fault);
    claim(signed_only != DEBAR_OK || both == DEBAR_OK);

    if (both == DEBAR_OK) {
        parsed(&note, p, size, 1);
        claim((signed_only == DEBAR_OK) == (note.n > 0));
    }

    /* a key of the first line signs, or does not, the note */

    eol = memchr(p, '\n', size);
    key(p, eol ? (size_t) (eol - p) : size, both == DEBAR_OK ? &note : NULL);
    free(p);

    return 0;
}

/*
 * Manifests and roots of any bytes (libFuzzer): what is read is what would be
 * written, byte for byte; nothing is verified that nobody signed.
 */

#include "manifest.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
manifest(debar_str_t text)
{
    debar_buf_t       out;
    debar_fault_t     fault;
    debar_manifest_t  m;

    if (debar_manifest_parse(&m, "manifest", text, &fault) != DEBAR_OK) {
        claim(memchr(fault.text, '\n', strlen(fault.text)) == NULL);
        return;
    }

    claim(m.serial > m.previous && m.created < m.expires && m.size);

    memset(&out, 0, sizeof(out));
    claim(debar_manifest_text(&out, &m, &fault) == DEBAR_OK);
    claim(out.len == text.len && memcmp(out.data, text.data, text.len) == 0);
    debar_buf_free(&out);
}


static void
root(debar_str_t text, const void *data, size_t size)
{
    debar_buf_t        out;
    debar_fault_t      fault;
    debar_manifest_t   m;
    static debar_root_t  r, again;

    if (debar_root_parse(&r, "root", text, &fault) != DEBAR_OK) {
        claim(memchr(fault.text, '\n', strlen(fault.text)) == NULL);
        return;
    }

    claim(r.threshold && r.threshold <= r.n && r.n <= DEBAR_ROOT_APPROVERS);
    claim(r.nrevoked <= DEBAR_ROOT_REVOKED);

    memset(&out, 0, sizeof(out));
    again = r;
    claim(debar_root_text(&out, &again, &fault) == DEBAR_OK);
    claim(out.len == text.len && memcmp(out.data, text.data, text.len) == 0);
    claim(strcmp(r.digest, again.digest) == 0);
    debar_buf_free(&out);

    /* a root is not a manifest, whoever signed it */

    claim(debar_manifest_verify(&m, "m", data, size, &r, r.created, NULL,
                                &fault) != DEBAR_OK);
    (void) debar_root_check(&again, "root", data, size, &fault);
    (void) debar_root_follows(&again, &r, "root", data, size, &fault);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char          *p;
    debar_note_t   note;
    debar_fault_t  fault;

    p = malloc(size ? size : 1);
    memcpy(p, data, size);

    if (debar_note_parse(&note, "note", p, size, 1, &fault) == DEBAR_OK) {
        manifest(note.text);
        root(note.text, p, size);

    } else {
        manifest(debar_str(p, size));
        root(debar_str(p, size), p, size);
    }

    free(p);

    return 0;
}

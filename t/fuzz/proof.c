/*
 * Files of `debar audit prove` of any bytes (libFuzzer): what is read is within
 * its bounds, and is the same when it is written and read again.
 */

#include "audit_proof.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
same(const debar_buf_t *a, const debar_buf_t *b)
{
    return a->len == b->len && (a->len == 0
                                || memcmp(a->data, b->data, a->len) == 0);
}


static void
bounds(const debar_proof_t *p)
{
    unsigned  i;

    claim(debar_proof_incident(p->incident));
    claim(p->n >= 1 && p->n <= DEBAR_PROOF_LINES && p->decision <= p->n);
    claim(p->note.len && p->checkpoint.size <= DEBAR_MERKLE_MAX);

    for (i = 0; i < p->n; i++) {
        claim(p->lines[i].npath <= DEBAR_MERKLE_DEPTH);
        claim(p->lines[i].number >= 1 && p->lines[i].line.len);
        claim(memchr(p->lines[i].file, 0, sizeof(p->lines[i].file)));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned              i;
    debar_buf_t           text;
    debar_fault_t         fault;
    static debar_proof_t  p, q;

    fault.text[0] = '\0';

    if (debar_proof_parse(&p, "proof", data, size, &fault) != DEBAR_OK) {
        claim(fault.text[0] && strchr(fault.text, '\n') == NULL);
        return 0;
    }

    bounds(&p);
    (void) debar_proof_check(&p, "proof", NULL, &fault);

    memset(&text, 0, sizeof(text));
    debar_proof_text(&text, &p);
    claim(debar_proof_parse(&q, "again", text.data, text.len, &fault)
          == DEBAR_OK);

    claim(strcmp(p.incident, q.incident) == 0 && p.n == q.n);
    claim(p.decision == q.decision && same(&p.note, &q.note));
    claim(strcmp(p.digest, q.digest) == 0 && same(&p.manifest, &q.manifest));

    for (i = 0; i < p.n; i++) {
        claim(p.lines[i].number == q.lines[i].number);
        claim(p.lines[i].leaf == q.lines[i].leaf);
        claim(p.lines[i].npath == q.lines[i].npath);
        claim(memcmp(p.lines[i].path, q.lines[i].path,
                     p.lines[i].npath * sizeof(debar_hash_t)) == 0);
        claim(memcmp(p.lines[i].salt, q.lines[i].salt, DEBAR_SALT) == 0);
        claim(strcmp(p.lines[i].file, q.lines[i].file) == 0);
        claim(same(&p.lines[i].line, &q.lines[i].line));
    }

    debar_buf_free(&text);
    debar_proof_free(&p);
    debar_proof_free(&q);

    return 0;
}

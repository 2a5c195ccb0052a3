/*
 * What a proposed list changes, found out anew from both lists.
 */

#include <unistd.h>
#include <openssl/sha.h>

#include "diff.h"
#include "proposal.h"


#define DEBAR_PROPOSAL_ROWS  10          /* of a line of the diff in words */


int
debar_proposal_diff(debar_proposal_diff_t *out, const char *old,
    const debar_proposed_t *p, uint64_t serial, const char *digest,
    debar_fault_t *fault)
{
    int                           rc;
    uint8_t                       md[SHA256_DIGEST_LENGTH];
    unsigned                      i;
    debar_diff_t                  d;
    debar_proposed_t              before;
    const debar_snapshot_meta_t  *m;

    memset(out, 0, sizeof(*out));

    if (debar_proposed_open(&before, old, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    m = debar_snapshot_meta(before.snapshot);

    if (m->serial != serial || strcmp(m->digest, digest) != 0) {
        debar_fault(fault, "--against %s: serial %llu with digest %.16s..., "
                    "and what is proposed follows serial %llu with %.16s...: name "
                    "the snapshot that is published", old,
                    (unsigned long long) m->serial, m->digest,
                    (unsigned long long) serial, serial ? digest : "none");
        debar_snapshot_close(before.snapshot);
        return DEBAR_DECLINED;
    }

    rc = debar_diff(&d, before.snapshot, p->snapshot, DEBAR_DIFF_KEEP,
                    debar_progress, NULL, fault);
    debar_progress_end();

    if (rc == DEBAR_OK) {

        debar_diff_json(&out->json, &d);
        debar_diff_text(&out->words, &d, DEBAR_PROPOSAL_ROWS);

        SHA256((const uint8_t *) out->json.data, out->json.len, md);

        for (i = 0; i < sizeof(md); i++) {
            snprintf(out->sha256 + 2 * i, 3, "%02x", md[i]);
        }
    }

    debar_diff_free(&d);
    debar_snapshot_close(before.snapshot);

    return rc;
}


const char *
debar_proposal_base(char *path, size_t size, const char *previous)
{
    int  n;

    if (previous == NULL) {
        return NULL;
    }

    n = snprintf(path, size, "%s/.base.mdb", previous);

    return n > 0 && (size_t) n < size && access(path, R_OK) == 0 ? path : NULL;
}


void
debar_proposal_diff_free(debar_proposal_diff_t *diff)
{
    debar_buf_free(&diff->json);
    debar_buf_free(&diff->words);
}

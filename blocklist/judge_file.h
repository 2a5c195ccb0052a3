/*
 * What is being downloaded, judged: findings in (file.h), the verdict on the
 * whole request out.
 *
 *   FILE      its digest (sha256), the member's name (files)
 *   SIGNER    organisation and common name (signers), whole and canonical; a
 *             signature that does not hold counts too: who changes one byte of a
 *             program has not made another program
 *   FIELD     of a maker: whole and canonical against signers and
 *             certificate-organizations; a name of the list in a maker or
 *             product is `log` at most, since a remover says whom it removes
 *   PACKAGE   packages
 *
 * Whatever is found is at least a download.  where is "content", and of members
 * "content:setup.zip/inner.exe"; then what it was: "/signer", "/CompanyName".
 *
 * A permit of the request's URL lifts what it finds there of the permit's own
 * vendor.  One that is pinned (sha256, product) holds only if the file as a whole
 * has that digest, or says in a field of its own that it is that product: until
 * debar_filing_finish() it lifts what the URL alone would be blocked for, and
 * there it is decided.
 */

#ifndef DEBAR_JUDGE_FILE_H
#define DEBAR_JUDGE_FILE_H

#include "file.h"
#include "judge.h"


typedef struct debar_filing_s  debar_filing_t;

/* What bounds mean, by the operator: debar_action_e each. */

typedef struct {
    unsigned  sealed;             /* encrypted members: LOG */
    unsigned  unread;             /* bounds, formats not read: LOG */
    unsigned  failed;             /* the reader died, stalled, was busy: BLOCK of
                                     programs, packages, archives; LOG else */
} debar_filing_policy_t;

/* list and f outlive it; v: what was said of the request, copied.  NULL: no
 * memory. */

debar_filing_t *debar_filing_new(debar_list_t *list, const debar_facts_t *f,
    const debar_verdict_t *v);

void debar_filing_push(debar_filing_t *fl, const debar_found_t *found);

/*
 * Names that the response gives to the file, judged as `files`: one as decoded;
 * those of a Content-Disposition (RFC 6266: filename, filename* of RFC 8187, words
 * of RFC 2047, escaped or not) or of a Content-Type's name parameter, raw.
 */

void debar_filing_name(debar_filing_t *fl, debar_str_t name,
    const char *where);
void debar_filing_disposition(debar_filing_t *fl, debar_str_t field,
    const char *where);

/*
 * The verdict with all that was pushed.  bounds: DEBAR_FILE_* bits.  failed: why
 * nothing, or not all, could be read ("inspection timed out"), or NULL.
 */

void debar_filing_finish(debar_filing_t *fl, unsigned bounds,
    const char *failed, const debar_filing_policy_t *policy,
    debar_verdict_t *v);

void debar_filing_free(debar_filing_t *fl);


/*
 * True if this verdict rests on a permit that is pinned: the file has to be looked
 * at whatever its type, and nothing of it goes out before.
 */

int debar_filing_pinned(debar_list_t *list, const debar_verdict_t *v);

/* True if the list has such a permit at all. */

int debar_filing_pins(debar_list_t *list);


#endif /* DEBAR_JUDGE_FILE_H */

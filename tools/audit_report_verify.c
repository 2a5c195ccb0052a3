/*
 * Whether the log that a report is made of is what was sealed.
 */

#include <inttypes.h>

#include "audit_check.h"
#include "audit_report.h"


static void debar_report_verify_text(debar_report_sealed_t *s,
    const debar_audit_log_t *log, const debar_audit_check_t *check);


void
debar_report_unverified(debar_report_sealed_t *s)
{
    memset(s, 0, sizeof(*s));
    snprintf(s->text, sizeof(s->text), "not verified: made with --verify, it "
             "says whether the log is as it was sealed");
}


int
debar_report_verify(debar_report_sealed_t *s, const debar_audit_t *audit,
    const char *key, debar_fault_t *fault)
{
    int                  rc;
    debar_audit_log_t    log;
    debar_audit_check_t  check;

    memset(s, 0, sizeof(*s));
    rc = debar_audit_log_open(&log, audit->path, key, fault);

    /* a log that nobody seals has a report as well */

    if (rc == DEBAR_DECLINED) {
        s->verified = 1;
        s->bad = 1;
        snprintf(s->text, sizeof(s->text), "not sealed: %.400s", fault->text);
        return DEBAR_OK;
    }

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    memset(&check, 0, sizeof(check));
    check.log = &log;
    rc = debar_audit_check(&check, fault);
    debar_progress_end();

    if (rc == DEBAR_OK) {
        s->verified = 1;
        s->bad = check.blame.what != NULL;
        s->authenticated = log.has_key;
        s->size = log.checkpoint.size;
        s->unsealed = check.unsealed;
        debar_report_verify_text(s, &log, &check);
    }

    debar_audit_log_close(&log);

    return rc;
}


static void
debar_report_verify_text(debar_report_sealed_t *s,
    const debar_audit_log_t *log, const debar_audit_check_t *check)
{
    char                        line[32];
    const debar_audit_blame_t  *b = &check->blame;

    if (b->what) {
        snprintf(line, sizeof(line), b->line ? ":%" PRIu64 : "", b->line);
        snprintf(s->text, sizeof(s->text), "NOT AS IT WAS SEALED: %s%s: %s: %s",
                 b->file, line, b->what, b->text);
        return;
    }

    snprintf(s->text, sizeof(s->text), "verified: sealed up to line %" PRIu64
             " by %s, %s; %" PRIu64 " line%s not sealed yet",
             log->checkpoint.size, log->checkpoint.origin, log->has_key
             ? "authenticated by its key" : "consistent, not authenticated by "
             "a key from elsewhere", check->unsealed,
             check->unsealed == 1 ? "" : "s");
}

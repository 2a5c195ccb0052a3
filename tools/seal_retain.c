/*
 * What policy need not keep is deleted once a day, by a child of the sealer that
 * takes the processor and the disk only when nobody else wants them: the log is
 * read as a whole before a file of it goes.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit_retain.h"
#include "seal.h"


#define DEBAR_SEAL_DAY   86400
#define DEBAR_SEAL_AWAY  (30 * DEBAR_SEAL_DAY)   /* a gateway may be off */
#define DEBAR_SEAL_IDLE  (3 << 13)           /* IOPRIO_CLASS_IDLE */


/* What the child tells the sealer. */

struct debar_seal_retained_s {
    char           keep[DEBAR_PERIOD_TEXT];
    uint64_t       files;
    uint64_t       lines;
    debar_fault_t  fault;
};


static void debar_seal_retain_start(debar_seal_t *s);
static int debar_seal_retain_clock(debar_seal_t *s);
static void debar_seal_retain_child(debar_seal_t *s);
static int debar_seal_retain_run(debar_seal_t *s, debar_retain_t *r);
static void debar_seal_retain_end(debar_seal_t *s, int status);
static void debar_seal_retain_fault(debar_seal_t *s);


int
debar_seal_policy(debar_seal_t *s, debar_fault_t *fault)
{
    char  dir[DEBAR_MAX_DIR], name[DEBAR_MAX_DIR];

    s->policy_dir = -1;

    if (s->policy == NULL) {
        return DEBAR_OK;
    }

    if (strlen(s->policy) >= sizeof(dir)) {
        debar_fault(fault, "%.80s...: the path is too long", s->policy);
        return DEBAR_ERROR;
    }

    strcpy(dir, s->policy);
    strcpy(name, s->policy);
    s->policy_dir = open(dirname(dir), O_PATH|O_DIRECTORY|O_CLOEXEC);
    snprintf(s->policy_name, sizeof(s->policy_name), "%s", basename(name));
    s->retained = mmap(NULL, sizeof(*s->retained), PROT_READ|PROT_WRITE,
                       MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (s->policy_dir == -1 || s->retained == MAP_FAILED) {
        debar_fault(fault, "%s: %s", s->policy, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_seal_retain(debar_seal_t *s)
{
    int    status;
    pid_t  pid;

    if (s->policy_dir == -1) {
        return;
    }

    if (s->retaining) {

        do {
            pid = waitpid(s->retaining, &status, WNOHANG);
        } while (pid == -1 && errno == EINTR);

        if (pid == 0) {
            return;
        }

        s->retaining = 0;
        debar_seal_retain_end(s, pid == -1 ? -1 : status);
    }

    /* when the day began, or the sealer; of what is sealed */

    if (time(NULL) / DEBAR_SEAL_DAY != s->retain_day && s->published
        && !s->failing)
    {
        debar_seal_retain_start(s);
    }
}


static void
debar_seal_retain_start(debar_seal_t *s)
{
    pid_t  parent, pid;

    s->retain_day = time(NULL) / DEBAR_SEAL_DAY;

    if (s->state.number == 1 || debar_seal_retain_clock(s) != DEBAR_OK) {
        return;
    }

    memset(s->retained, 0, sizeof(*s->retained));
    parent = getpid();
    pid = fork();

    if (pid == 0) {

        /* it leaves nothing half done that the next one does not end */

        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

        if (getppid() == parent) {
            debar_seal_retain_child(s);
        }

        _exit(1);
    }

    if (pid == -1) {
        (void) debar_service_log(&s->service, "%s: nothing is deleted today: "
                                 "%s", s->path, strerror(errno));
        return;
    }

    s->retaining = pid;
}


/*
 * A clock that is years ahead would delete all there is.  One that was moved by
 * days since the last time, or is weeks from where the log ends, is believed
 * a day later.
 */

static int
debar_seal_retain_clock(debar_seal_t *s)
{
    int64_t          now, since, off;
    struct timespec  ts;

    now = (int64_t) time(NULL);
    clock_gettime(CLOCK_BOOTTIME, &ts);
    since = now - (int64_t) ts.tv_sec;

    if (s->retain_clock) {
        off = since - s->retain_clock;

    } else {
        off = s->loaded ? now - s->loaded : 0;
        off = off > 0 && off < DEBAR_SEAL_AWAY ? 0 : off;
    }

    s->retain_clock = since;

    if (off > -DEBAR_SEAL_DAY && off < DEBAR_SEAL_DAY) {
        return DEBAR_OK;
    }

    snprintf(s->retain_error, sizeof(s->retain_error), "the clock is %" PRId64
             " days from where it was when the log was sealed last: is it "
             "right? nothing is deleted until tomorrow", off / DEBAR_SEAL_DAY);
    (void) debar_service_log(&s->service, "%s", s->retain_error);

    return DEBAR_ERROR;
}


static void
debar_seal_retain_child(debar_seal_t *s)
{
    int             rc;
    sigset_t        none;
    debar_retain_t  r;

    close(s->lock_fd);
    close(s->service.listener);

    if (s->helper != -1) {
        close(s->helper);
    }

    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    (void) setpriority(PRIO_PROCESS, 0, 19);
    (void) syscall(SYS_ioprio_set, 1, 0, DEBAR_SEAL_IDLE);

    memset(&r, 0, sizeof(r));
    rc = debar_retain_policy(&r.policy, s->policy_dir, s->policy_name,
                             &s->retained->fault);
    memcpy(s->retained->keep, r.policy.keep, sizeof(s->retained->keep));

    if (rc == DEBAR_OK) {
        rc = debar_seal_retain_run(s, &r);
        s->retained->files = r.old + r.finished;
        s->retained->lines = r.old_lines;
    }

    _exit(rc == DEBAR_ERROR);
}


static int
debar_seal_retain_run(debar_seal_t *s, debar_retain_t *r)
{
    debar_fault_t  *fault = &s->retained->fault;

    r->keep = r->policy.keep;
    r->searchable = r->policy.searchable[0] ? r->policy.searchable : NULL;
    r->by = "sealer";
    r->quiet = 1;
    r->threads = 1;
    r->signer = &s->key;
    r->private = s->private;
    debar_vkey_text(r->vkey_text, &s->key);
    debar_seal_audit(s, &r->log.audit);

    return debar_retain_times(r, (int64_t) time(NULL), fault) == DEBAR_OK
           && debar_audit_log_read(&r->log, r->vkey_text, fault) == DEBAR_OK
           ? debar_retain_run(r, fault) : DEBAR_ERROR;
}


/* What it did, or why not: that is tried again the next day. */

static void
debar_seal_retain_end(debar_seal_t *s, int status)
{
    int                     rc;
    debar_seal_retained_t  *r = s->retained;

    rc = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    s->retain_error[0] = '\0';
    snprintf(s->retain_keep, sizeof(s->retain_keep), "%s", r->keep);

    if (!rc) {
        debar_seal_retain_fault(s);
        (void) debar_service_log(&s->service, "nothing more is deleted today: "
                                 "%s", s->retain_error);
        return;
    }

    s->retain_time = time(NULL);

    if (r->files) {
        (void) debar_service_log(&s->service, "deleted by policy, keep %s: %"
                                 PRIu64 " files, %" PRIu64 " lines", r->keep,
                                 r->files, r->lines);
    }
}


/* With the folder as people know it. */

static void
debar_seal_retain_fault(debar_seal_t *s)
{
    size_t         n;
    const char    *text;
    debar_audit_t  a;

    debar_seal_audit(s, &a);
    n = strlen(a.path);
    s->retained->fault.text[sizeof(s->retained->fault.text) - 1] = '\0';
    text = s->retained->fault.text;

    if (strncmp(text, a.path, n) == 0 && text[n] == '/') {
        snprintf(s->retain_error, sizeof(s->retain_error), "%.300s%s", s->path,
                 text + n);
        return;
    }

    snprintf(s->retain_error, sizeof(s->retain_error), "%s",
             text[0] ? text : "it died");
}


void
debar_seal_retain_stop(debar_seal_t *s)
{
    if (s->retaining) {
        (void) kill(s->retaining, SIGKILL);
        (void) waitpid(s->retaining, NULL, 0);
        s->retaining = 0;
    }
}


void
debar_seal_retain_says(const debar_seal_t *s, debar_buf_t *b)
{
    char       text[32];
    time_t     when;
    struct tm  tm;

    if (s->retain_keep[0]) {
        debar_json_text(b, "keep", s->retain_keep, strlen(s->retain_keep));
    }

    when = (time_t) s->retain_time;

    if (when && gmtime_r(&when, &tm)) {
        (void) strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        debar_json_text(b, "retained", text, strlen(text));
    }

    if (s->retain_error[0]) {
        debar_json_text(b, "retain_error", s->retain_error,
                        strlen(s->retain_error));
    }
}

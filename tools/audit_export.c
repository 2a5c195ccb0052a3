/*
 * debar audit export: decisions as other systems collect them.
 *
 * An outcome comes behind its decision, so decisions wait for theirs, within a
 * bound, and leave in the order in which they came.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_export.h"
#include "audit_report.h"


#define DEBAR_EXPORT_LINE   65536        /* longer ones are not ours */
#define DEBAR_EXPORT_WAIT   4096         /* decisions that wait */
#define DEBAR_EXPORT_BYTES  (32u << 20)  /* of their lines */


typedef struct {
    char    *line;
    size_t   len;
    char    *outcome;
    size_t   outcome_len;
} debar_waiting_t;


typedef struct {
    const char       *dir;
    const char       *output;
    char              since[25];
    char              until[25];
    debar_export_pt   put;
    FILE             *out;
    debar_buf_t       record;
    uint64_t          lines;
    uint64_t          records;
    uint64_t          unreadable;
    unsigned          failed;             /* errno of a write */
    size_t            from;               /* the oldest one that waits */
    size_t            waiting;
    size_t            bytes;
    uint64_t          keys[DEBAR_EXPORT_WAIT];   /* of ids: looked at first */
    char              ids[DEBAR_EXPORT_WAIT][32];
    debar_waiting_t   wait[DEBAR_EXPORT_WAIT];
} debar_exporter_t;


static const char  debar_export_name[] = "debar audit export";

static const char  debar_export_help[] =
    "usage: debar audit export DIR --format FORM [options]\n"
    "\n"
    "Writes each decision of the audit log in DIR, the oldest first, with its\n"
    "outcome, as one line that other systems collect.  FORM:\n"
    "\n"
    "  ocsf     OCSF 1.3.0, HTTP Activity\n"
    "  ecs      Elastic Common Schema 8\n"
    "  cef      Common Event Format\n"
    "  syslog   RFC 5424, facility 13, with structured data\n"
    "\n"
    "      --since TIME      2026-01-31, or 2026-01-31T12:00:00Z\n"
    "      --until TIME      a date: to the end of that day (UTC)\n"
    "  -o, --output FILE     write it there, not to stdout\n"
    "  -h, --help            this text\n"
    "\n"
    "It writes what is there and ends; it sends nothing.  A collector, as\n"
    "rsyslog with imfile, reads the file.\n";

enum {
    DEBAR_OPT_FORMAT = 256, DEBAR_OPT_SINCE, DEBAR_OPT_UNTIL
};

static const struct option  debar_export_options[] = {
    { "format", required_argument, NULL, DEBAR_OPT_FORMAT },
    { "since",  required_argument, NULL, DEBAR_OPT_SINCE },
    { "until",  required_argument, NULL, DEBAR_OPT_UNTIL },
    { "output", required_argument, NULL, 'o' },
    { "help",   no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};

static const struct {
    const char       *name;
    debar_export_pt   put;
} debar_export_forms[] = {
    { "ocsf", debar_export_ocsf },
    { "ecs", debar_export_ecs },
    { "cef", debar_export_cef },
    { "syslog", debar_export_syslog },
    { NULL, NULL }
};


/* --- decisions that wait --------------------------------------------------- */

static void
debar_export_oldest(debar_exporter_t *x)
{
    json_t           *line, *outcome;
    debar_export_t    e;
    debar_waiting_t  *w;

    w = &x->wait[x->from];
    line = json_loadb(w->line, w->len, JSON_ALLOW_NUL, NULL);
    outcome = w->outcome ? json_loadb(w->outcome, w->outcome_len,
                                      JSON_ALLOW_NUL, NULL) : NULL;

    if (debar_export_fill(&e, line, outcome, debar_str(w->line, w->len))
        == DEBAR_OK)
    {
        x->record.len = 0;
        x->put(&x->record, &e);

        if (!x->failed && fwrite(x->record.data, 1, x->record.len, x->out)
                          != x->record.len)
        {
            x->failed = (unsigned) errno;
        }

        x->records++;
    }

    json_decref(line);
    json_decref(outcome);

    x->bytes -= w->len + w->outcome_len;
    free(w->line);
    free(w->outcome);
    memset(w, 0, sizeof(*w));

    x->from = (x->from + 1) % DEBAR_EXPORT_WAIT;
    x->waiting--;
}


static char *
debar_export_copy(const char *text, size_t len)
{
    char  *copy;

    copy = malloc(len + 1);

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, text, len);
    copy[len] = '\0';

    return copy;
}


static uint64_t
debar_export_key(const char id[32])
{
    size_t    i;
    uint64_t  key;

    for (i = 0, key = 14695981039346656037u; i < 32; i++) {
        key = (key ^ (unsigned char) id[i]) * 1099511628211u;
    }

    return key;
}


static void
debar_export_wait(debar_exporter_t *x, debar_str_t id, const char *line,
    size_t len)
{
    size_t            i;
    debar_waiting_t  *w;

    while (x->waiting == DEBAR_EXPORT_WAIT
           || (x->waiting && x->bytes + len > DEBAR_EXPORT_BYTES))
    {
        debar_export_oldest(x);
    }

    i = (x->from + x->waiting++) % DEBAR_EXPORT_WAIT;
    w = &x->wait[i];
    w->line = debar_export_copy(line, len);
    w->len = len;
    x->bytes += len;

    memset(x->ids[i], 0, sizeof(x->ids[i]));

    if (id.len == sizeof(x->ids[i])) {
        memcpy(x->ids[i], id.data, id.len);
    }

    x->keys[i] = debar_export_key(x->ids[i]);
}


/* A request may have been judged more than once: it has one outcome. */

static void
debar_export_outcome(debar_exporter_t *x, debar_str_t id, const char *line,
    size_t len)
{
    size_t            i, k;
    uint64_t          key;
    debar_waiting_t  *w;

    if (id.len != sizeof(x->ids[0]) || id.data[0] == '\0') {
        return;
    }

    key = debar_export_key(id.data);

    for (k = 0; k < x->waiting; k++) {
        i = (x->from + k) % DEBAR_EXPORT_WAIT;
        w = &x->wait[i];

        if (x->keys[i] == key && w->outcome == NULL
            && memcmp(x->ids[i], id.data, id.len) == 0)
        {
            w->outcome = debar_export_copy(line, len);
            w->outcome_len = len;
            x->bytes += len;
        }
    }
}


/* --- lines ----------------------------------------------------------------- */

static void
debar_export_line(debar_exporter_t *x, const char *line, size_t len)
{
    int             rc;
    json_t         *json;
    debar_str_t     id;
    debar_export_t  e;

    if (++x->lines % 4096 == 0) {
        debar_progress(NULL, "lines", x->lines);
    }

    json = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
    rc = debar_export_fill(&e, json, NULL, debar_str(line, len));
    id = debar_export_str(json, "incident");

    if (rc == DEBAR_ERROR) {
        x->unreadable++;

    } else if (rc == DEBAR_DECLINED) {

        if (debar_export_number(json, "status") >= 0) {
            debar_export_outcome(x, id, line, len);
        }

    } else if ((x->since[0] == '\0' || strcmp(e.time, x->since) >= 0)
               && (x->until[0] == '\0' || strcmp(e.time, x->until) < 0))
    {
        debar_export_wait(x, id, line, len);
    }

    json_decref(json);
}


/* Whole lines of the first len bytes; returns how many bytes they have. over:
 * the line began in a block before and is too long. */

static size_t
debar_export_block(debar_exporter_t *x, const char *block, size_t len,
    int *over)
{
    size_t       from;
    const char  *end;

    from = 0;

    while ((end = memchr(block + from, '\n', len - from))) {

        if (!*over && end != block + from) {
            debar_export_line(x, block + from, (size_t) (end - block) - from);
        }

        *over = 0;
        from = (size_t) (end - block) + 1;
    }

    return from;
}


/* What stands behind the last newline of the live file is being written; of
 * another it is torn. */

static int
debar_export_file(debar_exporter_t *x, int fd, const char *path, int live,
    debar_fault_t *fault)
{
    int      over;
    char     block[DEBAR_EXPORT_LINE];
    size_t   have, used;
    ssize_t  n;

    have = 0;
    over = 0;

    while (!x->failed
           && ((n = read(fd, block + have, sizeof(block) - have)) > 0
               || (n == -1 && errno == EINTR)))
    {
        if (n == -1) {
            continue;
        }

        have += (size_t) n;
        used = debar_export_block(x, block, have, &over);
        have -= used;

        if (have == sizeof(block)) {
            x->unreadable += !over;
            over = 1;
            have = 0;
        }

        memmove(block, block + used, have);
    }

    if (!x->failed && n == -1) {
        debar_fault(fault, "%s: %s; read it again, or a copy of it", path,
                    strerror(errno));
        return DEBAR_ERROR;
    }

    x->unreadable += !live && have && !over;

    return DEBAR_OK;
}


/* --- files ----------------------------------------------------------------- */

/* -1: fault says why, but for a file that is not there. */

static int
debar_export_open(const char *path, struct stat *st, debar_fault_t *fault)
{
    int  fd;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == -1 || fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {

        debar_fault(fault, "%s: %s; be a user who may read the audit log",
                    path, fd == -1 ? strerror(errno) : "is no regular file");

        if (fd == -1 && errno == ENOENT) {
            fault->text[0] = '\0';
        }

        if (fd != -1) {
            close(fd);
        }

        return -1;
    }

    return fd;
}


static int
debar_export_numbers(debar_exporter_t *x, const debar_audit_t *a,
    const struct stat *live, size_t *files, debar_fault_t *fault)
{
    int              fd, i, n, rc;
    char             path[DEBAR_MAX_DIR + 300];
    struct stat      st;
    struct dirent  **names;

    n = scandir(a->path, &names, debar_audit_numbered, debar_audit_order);

    if (n == -1) {
        debar_fault(fault, "%s: %s; be a user who may read the audit log",
                    a->path, strerror(errno));
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    for (i = 0; i < n; i++) {

        debar_audit_path(a, names[i]->d_name, path, sizeof(path));
        free(names[i]);

        if (rc != DEBAR_OK) {
            continue;
        }

        /* one that is gone was deleted by policy as we came */

        fd = debar_export_open(path, &st, fault);

        if (fd == -1) {
            rc = fault->text[0] ? DEBAR_ERROR : DEBAR_OK;
            continue;
        }

        (*files)++;

        /* what was live is renamed meanwhile: it is read as such, once */

        if (st.st_ino != live->st_ino || st.st_dev != live->st_dev) {
            rc = debar_export_file(x, fd, path, 0, fault);
        }

        close(fd);
    }

    free(names);

    return rc;
}


/* The live file is opened first: it may be renamed while others are read. */

static int
debar_export_read(debar_exporter_t *x, const debar_audit_t *a,
    debar_fault_t *fault)
{
    int          live, rc;
    char         path[DEBAR_MAX_DIR + 300];
    size_t       files;
    struct stat  st;

    memset(&st, 0, sizeof(st));
    debar_audit_path(a, DEBAR_SEALED_LIVE, path, sizeof(path));
    live = debar_export_open(path, &st, fault);

    if (live == -1 && fault->text[0]) {
        return DEBAR_ERROR;
    }

    files = live != -1;
    rc = debar_export_numbers(x, a, &st, &files, fault);

    if (live != -1) {
        rc = rc == DEBAR_OK ? debar_export_file(x, live, path, 1, fault) : rc;
        close(live);
    }

    while (x->waiting) {
        debar_export_oldest(x);
    }

    if (rc == DEBAR_OK && files == 0) {
        debar_fault(fault, "%s: has no audit-*.jsonl nor audit.jsonl: name the "
                    "DIR/audit of a gateway", a->path);
        rc = DEBAR_ERROR;
    }

    debar_progress_end();

    return rc;
}


/* --- options --------------------------------------------------------------- */

/* Into the log's folder: the log itself may be meant, and would be lost. */

static int
debar_export_inside(const debar_audit_t *a, const char *output)
{
    char    copy[PATH_MAX], real[PATH_MAX];
    size_t  len;

    if (strlen(output) >= sizeof(copy)) {
        return 0;
    }

    strcpy(copy, output);

    if (realpath(output, real) == NULL && realpath(dirname(copy), real) == NULL)
    {
        return 0;
    }

    len = strlen(a->path);

    return strncmp(real, a->path, len) == 0
           && (real[len] == '/' || real[len] == '\0');
}


static int
debar_export_begin(debar_exporter_t *x, const debar_audit_t *a,
    debar_fault_t *fault)
{
    int  fd;

    if (x->output == NULL || strcmp(x->output, "-") == 0) {
        x->output = NULL;
        x->out = stdout;
        return DEBAR_OK;
    }

    if (debar_export_inside(a, x->output)) {
        debar_fault(fault, "%s: is in the folder of the log: name a file "
                    "elsewhere", x->output);
        return DEBAR_ERROR;
    }

    /* it says who asked for what: not for everybody */

    fd = open(x->output, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0640);
    x->out = fd == -1 ? NULL : fdopen(fd, "w");

    if (x->out == NULL) {
        debar_fault(fault, "%s: %s; name a file in a folder that you may write "
                    "to", x->output, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_export_end(debar_exporter_t *x, int rc, debar_fault_t *fault)
{
    struct stat  st;

    if ((x->output ? fclose(x->out) : fflush(x->out)) != 0 && !x->failed) {
        x->failed = (unsigned) errno;
    }

    if (x->failed && rc == DEBAR_OK) {
        debar_fault(fault, "%s: %s; it is not whole", x->output ? x->output
                    : "stdout", strerror((int) x->failed));
        rc = DEBAR_ERROR;
    }

    if (rc != DEBAR_OK && x->output && lstat(x->output, &st) == 0
        && S_ISREG(st.st_mode))
    {
        (void) unlink(x->output);
    }

    return rc;
}


/* -1: go on; else the exit code. */

static int
debar_export_option(debar_exporter_t *x, int c)
{
    int  i;

    switch (c) {
    case DEBAR_OPT_FORMAT:
        for (i = 0; debar_export_forms[i].name; i++) {
            if (strcmp(optarg, debar_export_forms[i].name) == 0) {
                x->put = debar_export_forms[i].put;
                return -1;
            }
        }

        return debar_usage(debar_export_name, "--format %s: ocsf, ecs, cef or "
                           "syslog", optarg);
    case DEBAR_OPT_SINCE:
    case DEBAR_OPT_UNTIL:
        if (debar_report_moment(c == DEBAR_OPT_SINCE ? x->since : x->until,
                                optarg, c == DEBAR_OPT_UNTIL) != DEBAR_OK)
        {
            return debar_usage(debar_export_name, "%s %s: is no date: write "
                               "2026-01-31 or 2026-01-31T12:00:00Z",
                               c == DEBAR_OPT_SINCE ? "--since" : "--until",
                               optarg);
        }

        break;
    case 'o':
        x->output = optarg;
        break;
    }

    return -1;
}


static int
debar_export_args(debar_exporter_t *x, int argc, char **argv)
{
    int  c, rc;

    opterr = 0;

    while ((c = getopt_long(argc, argv, ":o:h", debar_export_options, NULL))
           != -1)
    {
        if (c == 'h') {
            fputs(debar_export_help, stdout);
            return 0;
        }

        rc = c == '?' || c == ':' ? debar_bad_option(debar_export_name, c, argv)
                                  : debar_export_option(x, c);

        if (rc != -1) {
            return rc;
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_export_name, "name one folder, the gateway's "
                           "or its audit log's");
    }

    if (x->put == NULL) {
        return debar_usage(debar_export_name, "name a form: --format ocsf, "
                           "ecs, cef or syslog");
    }

    if (x->since[0] && x->until[0] && strcmp(x->since, x->until) >= 0) {
        return debar_usage(debar_export_name, "--since is not before --until: "
                           "nothing is between them");
    }

    x->dir = argv[optind];

    return -1;
}


int
debar_audit_export(int argc, char **argv)
{
    int                rc;
    debar_audit_t      audit;
    debar_fault_t      fault;
    debar_exporter_t  *x;

    x = calloc(1, sizeof(*x));

    if (x == NULL) {
        return debar_say("no memory for lines that wait");
    }

    rc = debar_export_args(x, argc, argv);

    if (rc != -1) {
        free(x);
        return rc;
    }

    memset(&fault, 0, sizeof(fault));
    rc = debar_audit_find(&audit, x->dir, &fault);
    rc = rc == DEBAR_OK ? debar_export_begin(x, &audit, &fault) : rc;

    if (rc == DEBAR_OK) {
        rc = debar_export_read(x, &audit, &fault);
        rc = debar_export_end(x, rc, &fault);
    }

    if (rc != DEBAR_OK) {
        rc = debar_say("%s", fault.text);

    } else if (x->unreadable) {
        fprintf(stderr, "debar: %llu records; %llu lines of the log are no "
                "lines of ours and were left out: see `debar audit verify`\n",
                (unsigned long long) x->records,
                (unsigned long long) x->unreadable);
    }

    debar_buf_free(&x->record);
    free(x);

    return rc;
}

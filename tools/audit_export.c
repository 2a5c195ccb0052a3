/*
 * debar audit export: decisions as other systems collect them.
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

#include "audit_report.h"
#include "audit_ship.h"


#define DEBAR_EXPORT_LINE   65536        /* longer ones are not ours */


typedef struct {
    const char       *dir;
    const char       *output;
    debar_export_pt   put;
    debar_ship_args_t ship;
    unsigned          lag;
    unsigned          json;
    FILE             *out;
    debar_buf_t       record;
    unsigned          failed;             /* errno of a write */
    debar_pair_t      pair;
} debar_exporter_t;


static const char  debar_export_name[] = "debar audit export";

static const char  debar_export_help[] =
    "usage: debar audit export DIR --format FORM [options]\n"
    "\n"
    "Writes each decision of the audit log in DIR, the oldest first, with its\n"
    "outcome, as one line that other systems collect.  FORM:\n"
    "\n"
    "  ocsf     OCSF 1.6.0, HTTP Activity\n"
    "  ecs      Elastic Common Schema 8\n"
    "  cef      Common Event Format\n"
    "  syslog   RFC 5424, facility 13, with structured data\n"
    "\n"
    "      --since TIME      2026-01-31, or 2026-01-31T12:00:00Z\n"
    "      --until TIME      a date: to the end of that day (UTC)\n"
    "      --enterprise N    your number at IANA, for structured data [32473]\n"
    "  -o, --output FILE     write it there, not to stdout\n"
    "\n"
    "To send on what is new since the last time:\n"
    "      --to WHERE        relps://HOST:PORT (RELP over TLS), relp://,\n"
    "                        tls://HOST[:6514], tcp://, unix:/PATH, or a file\n"
    "                        that is appended to\n"
    "      --state FILE      how far it is is kept there\n"
    "      --follow          stay, until a signal\n"
    "      --ca FILE         who signs its certificate; default: whom the system\n"
    "                        trusts\n"
    "      --cert FILE       our certificate, and ...\n"
    "      --key FILE        ... its key\n"
    "      --wait SECONDS    for the outcome of a decision [5]\n"
    "      --settle SECONDS  that a connection lives on before what was sent\n"
    "                        counts as shipped [5]\n"
    "      --lag             only say what is not shipped\n"
    "      --json            and that as JSON\n"
    "  -h, --help            this text\n"
    "\n"
    "Records come at least once: after an interruption some come again.\n";

enum {
    DEBAR_OPT_FORMAT = 256, DEBAR_OPT_SINCE, DEBAR_OPT_UNTIL,
    DEBAR_OPT_ENTERPRISE, DEBAR_OPT_TO, DEBAR_OPT_STATE, DEBAR_OPT_FOLLOW,
    DEBAR_OPT_CA, DEBAR_OPT_CERT, DEBAR_OPT_KEY, DEBAR_OPT_WAIT,
    DEBAR_OPT_SETTLE, DEBAR_OPT_LAG, DEBAR_OPT_JSON
};

static const struct option  debar_export_options[] = {
    { "format", required_argument, NULL, DEBAR_OPT_FORMAT },
    { "since",  required_argument, NULL, DEBAR_OPT_SINCE },
    { "until",  required_argument, NULL, DEBAR_OPT_UNTIL },
    { "output", required_argument, NULL, 'o' },
    { "enterprise", required_argument, NULL, DEBAR_OPT_ENTERPRISE },
    { "to",     required_argument, NULL, DEBAR_OPT_TO },
    { "state",  required_argument, NULL, DEBAR_OPT_STATE },
    { "follow", no_argument,       NULL, DEBAR_OPT_FOLLOW },
    { "ca",     required_argument, NULL, DEBAR_OPT_CA },
    { "cert",   required_argument, NULL, DEBAR_OPT_CERT },
    { "key",    required_argument, NULL, DEBAR_OPT_KEY },
    { "wait",   required_argument, NULL, DEBAR_OPT_WAIT },
    { "settle", required_argument, NULL, DEBAR_OPT_SETTLE },
    { "lag",    no_argument,       NULL, DEBAR_OPT_LAG },
    { "json",   no_argument,       NULL, DEBAR_OPT_JSON },
    { "help",   no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};

static const struct {
    const char       *name;
    debar_export_pt   put;
    debar_export_pt   wire;       /* on a socket: CEF is a message of syslog */
    unsigned          counted;
} debar_export_forms[] = {
    { "ocsf", debar_export_ocsf, debar_export_ocsf, 0 },
    { "ecs", debar_export_ecs, debar_export_ecs, 0 },
    { "cef", debar_export_cef, debar_export_cef_syslog, 1 },
    { "syslog", debar_export_syslog, debar_export_syslog, 1 },
    { NULL, NULL, NULL, 0 }
};


/* --- lines ----------------------------------------------------------------- */

static void
debar_export_put(debar_pair_t *p, const debar_export_t *e)
{
    debar_exporter_t  *x = p->data;

    x->record.len = 0;
    x->put(&x->record, e);

    if (!x->failed && fwrite(x->record.data, 1, x->record.len, x->out)
                      != x->record.len)
    {
        x->failed = (unsigned) errno;
    }
}


static void
debar_export_line(debar_exporter_t *x, const char *line, size_t len)
{
    static const debar_place_t  nowhere;

    debar_pair_line(&x->pair, line, len, &nowhere, 0);

    if (x->pair.lines % 4096 == 0) {
        debar_progress(NULL, "lines", x->pair.lines);
    }
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

    n = 0;
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
            x->pair.unreadable += !over;
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

    x->pair.unreadable += !live && have && !over;

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

    debar_pair_leave(&x->pair, 0);

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


static int
debar_export_number_option(unsigned *out, const char *name, unsigned long max)
{
    char           *end;
    unsigned long   n;

    errno = 0;
    n = strtoul(optarg, &end, 10);

    if (errno || *end || !isdigit((unsigned char) optarg[0]) || n > max) {
        return debar_usage(debar_export_name, "%s %s: a number of at most %lu",
                           name, optarg, max);
    }

    *out = (unsigned) n;

    return -1;
}


/* Of --to. */

static int
debar_export_ship_option(debar_exporter_t *x, int c)
{
    switch (c) {
    case DEBAR_OPT_TO:
        x->ship.to = optarg;
        break;
    case DEBAR_OPT_STATE:
        x->ship.state = optarg;
        break;
    case DEBAR_OPT_FOLLOW:
        x->ship.follow = 1;
        break;
    case DEBAR_OPT_CA:
        x->ship.ca = optarg;
        break;
    case DEBAR_OPT_CERT:
        x->ship.cert = optarg;
        break;
    case DEBAR_OPT_KEY:
        x->ship.key = optarg;
        break;
    case DEBAR_OPT_WAIT:
        return debar_export_number_option(&x->ship.wait, "--wait", 3600);
    case DEBAR_OPT_SETTLE:
        return debar_export_number_option(&x->ship.settle, "--settle", 3600);
    case DEBAR_OPT_LAG:
        x->lag = 1;
        break;
    case DEBAR_OPT_JSON:
        x->json = 1;
        break;
    }

    return -1;
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
                x->ship.put = x->put;
                x->ship.wire = debar_export_forms[i].wire;
                x->ship.counted = debar_export_forms[i].counted;
                return -1;
            }
        }

        return debar_usage(debar_export_name, "--format %s: ocsf, ecs, cef or "
                           "syslog", optarg);
    case DEBAR_OPT_SINCE:
    case DEBAR_OPT_UNTIL:
        if (debar_report_moment(c == DEBAR_OPT_SINCE ? x->pair.since : x->pair.until,
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
    case DEBAR_OPT_ENTERPRISE:
        return debar_export_number_option(&debar_export_enterprise,
                                          "--enterprise", 0xffffffff);
    default:
        return debar_export_ship_option(x, c);
    }

    return -1;
}


/* What goes with what.  -1: go on. */

static int
debar_export_ship_args(debar_exporter_t *x)
{
    const debar_ship_args_t  *s = &x->ship;

    if (x->lag || s->to) {

        if (s->state == NULL) {
            return debar_usage(debar_export_name, "%s needs --state FILE, "
                               "where it is kept how far it is",
                               x->lag ? "--lag" : "--to");
        }

        if (s->to && (x->output || x->pair.until[0])) {
            return debar_usage(debar_export_name, "%s does not go with --to",
                               x->output ? "--output" : "--until");
        }

        if (s->to && (s->cert == NULL) != (s->key == NULL)) {
            return debar_usage(debar_export_name, "--cert and --key go "
                               "together");
        }

        if (s->to && (s->ca || s->cert) && strncmp(s->to, "tls://", 6) != 0
            && strncmp(s->to, "relps://", 8) != 0)
        {
            return debar_usage(debar_export_name, "--ca and --cert are of "
                               "--to tls:// and relps://");
        }

        if (s->to && strncmp(s->to, "relp", 4) == 0 && strstr(s->to, "://")
            && !s->counted)
        {
            return debar_usage(debar_export_name, "RELP carries syslog: "
                               "--format syslog or cef");
        }

        return -1;
    }

    if (s->follow || s->state || s->ca || s->cert || s->key) {
        return debar_usage(debar_export_name, "%s needs --to: where do records "
                           "go?", s->follow ? "--follow" : s->state ? "--state"
                           : s->ca ? "--ca" : "--cert");
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

    if (x->put == NULL && !x->lag) {
        return debar_usage(debar_export_name, "name a form: --format ocsf, "
                           "ecs, cef or syslog");
    }

    if (x->pair.since[0] && x->pair.until[0] && strcmp(x->pair.since, x->pair.until) >= 0) {
        return debar_usage(debar_export_name, "--since is not before --until: "
                           "nothing is between them");
    }

    x->dir = argv[optind];

    return debar_export_ship_args(x);
}


/* Exit code. */

static int
debar_export_ships(debar_exporter_t *x, const debar_audit_t *audit)
{
    debar_fault_t    fault;
    debar_ship_to_t  to;

    if (x->lag) {
        return debar_ship_lag_command(audit, x->ship.state, x->json);
    }

    memset(&to, 0, sizeof(to));

    if (debar_ship_to_parse(&to, x->ship.to, &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    if (to.kind == DEBAR_SHIP_FILE && debar_export_inside(audit, to.path)) {
        return debar_say("%s: is in the folder of the log: name a file "
                         "elsewhere", x->ship.to);
    }

    x->ship.audit = audit;
    x->ship.since = x->pair.since;

    return debar_ship(&x->ship);
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

    x->ship.wait = 5;
    x->ship.settle = 5;
    x->pair.put = debar_export_put;
    x->pair.data = x;
    rc = debar_export_args(x, argc, argv);

    if (rc != -1) {
        free(x);
        return rc;
    }

    memset(&fault, 0, sizeof(fault));
    rc = debar_audit_find(&audit, x->dir, &fault);

    if (rc == DEBAR_OK && (x->lag || x->ship.to)) {
        rc = debar_export_ships(x, &audit);
        free(x);
        return rc;
    }

    rc = rc == DEBAR_OK ? debar_export_begin(x, &audit, &fault) : rc;

    if (rc == DEBAR_OK) {
        rc = debar_export_read(x, &audit, &fault);
        rc = debar_export_end(x, rc, &fault);
    }

    if (rc != DEBAR_OK) {
        rc = debar_say("%s", fault.text);

    } else if (x->pair.unreadable) {
        fprintf(stderr, "debar: %llu records; %llu lines of the log are no "
                "lines of ours and were left out: see `debar audit verify`\n",
                (unsigned long long) x->pair.records,
                (unsigned long long) x->pair.unreadable);
    }

    debar_buf_free(&x->record);
    free(x);

    return rc;
}

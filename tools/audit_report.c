/*
 * debar audit report: what people are told of a log.
 */

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "audit_report.h"
#include "record.h"


#define DEBAR_REPORT_TOP  1000

typedef struct {
    debar_report_args_t         report;
    const debar_report_kind_t  *kind;
    const char                 *dir;
    const char                 *format;
    const char                 *output;
    const char                 *table;
    const char                 *bureaus;
    const char                 *key;
    unsigned                    verify;
} debar_report_options_t;


static const char  debar_report_name[] = "debar audit report";

static const char  debar_report_help[] =
    "usage: debar audit report KIND DIR [options]\n"
    "\n"
    "Tells people what is in the audit log of the gateway in DIR.  KIND:\n"
    "\n"
    "  attempts    by day, bureau, user, site, surface, vendor, product, "
    "activity\n"
    "  inventory   clients that still run a listed product (BOD 17-01)\n"
    "  far         the report of FAR 52.204-23(c), prefilled, and when it is "
    "due\n"
    "  window      since when each gateway judged by which list\n"
    "  waivers     waivers and permits used\n"
    "\n"
    "      --since TIME      2026-01-31, or 2026-01-31T12:00:00Z\n"
    "      --until TIME      a date: to the end of that day (UTC)\n"
    "      --format FORM     html (usual), csv, json or pdf\n"
    "  -o, --output FILE     write it there, not to stdout\n"
    "      --top N           rows of a table (1000)\n"
    "      --table NAME      of csv: this table\n"
    "      --bureaus FILE    lines of NETWORK or USER, and a bureau's name\n"
    "      --vendor ID       only of this vendor\n"
    "      --authority TEXT  only by authorities with this in their names\n"
    "      --serial N        of window: this list only\n"
    "      --verify          verifies the log first, and says in the report "
    "whether\n"
    "                        it is as it was sealed; 1 if it is not\n"
    "      --key FILE.pub    the sealer's key, as it was kept elsewhere\n"
    "\n"
    "of far:\n"
    "      --incident ID     only this one\n"
    "      --clause NUMBER   52.204-23, 52.204-25, 52.204-30, 52.240-91; else "
    "by date\n"
    "      --deviation-from DATE  since when the agency's contracts have "
    "52.240-91\n"
    "                        (2025-11-03)\n"
    "      --identified TIME when a person took note (else the first attempt)\n"
    "      --submitted TIME  when the first report was made\n"
    "      --zone NAME       days are those of this time zone "
    "(America/New_York)\n"
    "      --contract NUMBER, --order NUMBER   filled in\n"
    "\n"
    "  -h, --help            this text\n";

enum {
    DEBAR_OPT_SINCE = 256, DEBAR_OPT_UNTIL, DEBAR_OPT_FORMAT, DEBAR_OPT_TOP,
    DEBAR_OPT_TABLE, DEBAR_OPT_BUREAUS, DEBAR_OPT_VENDOR,
    DEBAR_OPT_AUTHORITY, DEBAR_OPT_SERIAL, DEBAR_OPT_INCIDENT,
    DEBAR_OPT_CLAUSE, DEBAR_OPT_IDENTIFIED, DEBAR_OPT_SUBMITTED,
    DEBAR_OPT_ZONE, DEBAR_OPT_CONTRACT, DEBAR_OPT_ORDER, DEBAR_OPT_VERIFY,
    DEBAR_OPT_KEY, DEBAR_OPT_DEVIATION
};

static const struct option  debar_report_options[] = {
    { "since",      required_argument, NULL, DEBAR_OPT_SINCE },
    { "until",      required_argument, NULL, DEBAR_OPT_UNTIL },
    { "format",     required_argument, NULL, DEBAR_OPT_FORMAT },
    { "output",     required_argument, NULL, 'o' },
    { "top",        required_argument, NULL, DEBAR_OPT_TOP },
    { "table",      required_argument, NULL, DEBAR_OPT_TABLE },
    { "bureaus",    required_argument, NULL, DEBAR_OPT_BUREAUS },
    { "vendor",     required_argument, NULL, DEBAR_OPT_VENDOR },
    { "authority",  required_argument, NULL, DEBAR_OPT_AUTHORITY },
    { "serial",     required_argument, NULL, DEBAR_OPT_SERIAL },
    { "incident",   required_argument, NULL, DEBAR_OPT_INCIDENT },
    { "clause",     required_argument, NULL, DEBAR_OPT_CLAUSE },
    { "identified", required_argument, NULL, DEBAR_OPT_IDENTIFIED },
    { "submitted",  required_argument, NULL, DEBAR_OPT_SUBMITTED },
    { "zone",       required_argument, NULL, DEBAR_OPT_ZONE },
    { "contract",   required_argument, NULL, DEBAR_OPT_CONTRACT },
    { "order",      required_argument, NULL, DEBAR_OPT_ORDER },
    { "deviation-from", required_argument, NULL, DEBAR_OPT_DEVIATION },
    { "verify",     no_argument,       NULL, DEBAR_OPT_VERIFY },
    { "key",        required_argument, NULL, DEBAR_OPT_KEY },
    { "help",       no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


static int
debar_report_number(const char *option, const char *text, uint64_t *n)
{
    size_t  len;

    len = strlen(text);

    if (len == 0 || len > 18 || strspn(text, "0123456789") != len
        || (*n = strtoull(text, NULL, 10)) == 0)
    {
        return debar_usage(debar_report_name, "%s %s: write a number from 1 on",
                           option, text);
    }

    return 0;
}


static int
debar_report_time(const char *option, const char *text, char out[25])
{
    if (debar_report_moment(out, text, strcmp(option, "--until") == 0)
        != DEBAR_OK)
    {
        return debar_usage(debar_report_name, "%s %s: is no date: write "
                           "2026-01-31 or 2026-01-31T12:00:00Z", option, text);
    }

    return 0;
}


/* 0, or the exit code. */

static int
debar_report_option(debar_report_options_t *o, int c)
{
    int                   rc;
    char                  moment[25];
    uint64_t              n;
    debar_report_args_t  *a = &o->report;

    switch (c) {
    case DEBAR_OPT_SINCE:
        return debar_report_time("--since", optarg, a->since);
    case DEBAR_OPT_UNTIL:
        return debar_report_time("--until", optarg, a->until);
    case DEBAR_OPT_IDENTIFIED:
        a->identified = optarg;
        return debar_report_time("--identified", optarg, moment);
    case DEBAR_OPT_SUBMITTED:
        a->submitted = optarg;
        return debar_report_time("--submitted", optarg, moment);
    case DEBAR_OPT_SERIAL:
        return debar_report_number("--serial", optarg, &a->serial);
    case DEBAR_OPT_TOP:
        rc = debar_report_number("--top", optarg, &n);
        a->top = rc ? 0 : (size_t) n;
        return rc;
    case DEBAR_OPT_FORMAT:
        o->format = optarg;
        break;
    case 'o':
        o->output = optarg;
        break;
    case DEBAR_OPT_TABLE:
        o->table = optarg;
        break;
    case DEBAR_OPT_BUREAUS:
        o->bureaus = optarg;
        break;
    case DEBAR_OPT_VENDOR:
        a->vendor = optarg;
        break;
    case DEBAR_OPT_AUTHORITY:
        a->authority = optarg;
        break;
    case DEBAR_OPT_INCIDENT:
        a->incident = optarg;
        break;
    case DEBAR_OPT_CLAUSE:
        a->clause = optarg;
        break;
    case DEBAR_OPT_ZONE:
        a->zone = optarg;
        break;
    case DEBAR_OPT_CONTRACT:
        a->contract = optarg;
        break;
    case DEBAR_OPT_ORDER:
        a->order = optarg;
        break;
    case DEBAR_OPT_DEVIATION:
        a->deviation = optarg;
        return debar_report_time("--deviation-from", optarg, moment);
    case DEBAR_OPT_KEY:
        o->key = optarg;
        o->verify = 1;
        break;
    case DEBAR_OPT_VERIFY:
        o->verify = 1;
        break;
    }

    return 0;
}


static const debar_report_kind_t *
debar_report_kind(const char *name)
{
    const debar_report_kind_t  *k;

    if (strcmp(name, debar_report_far.name) == 0) {
        return &debar_report_far;
    }

    for (k = debar_report_kinds; k->name; k++) {
        if (strcmp(name, k->name) == 0) {
            return k;
        }
    }

    return NULL;
}


/* -1: go on; else the exit code. */

static int
debar_report_args(debar_report_options_t *o, int argc, char **argv)
{
    int            c, rc;
    debar_fault_t  fault;

    memset(o, 0, sizeof(*o));
    o->format = "html";
    o->report.top = DEBAR_REPORT_TOP;
    o->report.zone = "America/New_York";
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":o:h", debar_report_options, NULL))
           != -1)
    {
        if (c == 'h') {
            fputs(debar_report_help, stdout);
            return 0;
        }

        if (c == '?' || c == ':') {
            return debar_bad_option(debar_report_name, c, argv);
        }

        rc = debar_report_option(o, c);

        if (rc) {
            return rc;
        }
    }

    if (argc - optind != 2) {
        return debar_usage(debar_report_name, "name a kind and the gateway's "
                           "folder");
    }

    o->report.kind = argv[optind];
    o->kind = debar_report_kind(argv[optind]);
    o->dir = argv[optind + 1];

    if (o->kind == NULL) {
        return debar_usage(debar_report_name, "%s: is no kind of report: "
                           "attempts, inventory, far, window or waivers",
                           argv[optind]);
    }

    if (strcmp(o->format, "html") != 0 && strcmp(o->format, "csv") != 0
        && strcmp(o->format, "json") != 0 && strcmp(o->format, "pdf") != 0)
    {
        return debar_usage(debar_report_name, "--format %s: html, csv, json or "
                           "pdf", o->format);
    }

    if (strcmp(o->format, "pdf") == 0 && o->output == NULL
        && isatty(STDOUT_FILENO))
    {
        return debar_usage(debar_report_name, "--format pdf: name a file with "
                           "-o");
    }

    if (debar_report_far_check(&o->report, &fault) != DEBAR_OK) {
        return debar_usage(debar_report_name, "%s", fault.text);
    }

    return -1;
}


static int
debar_report_write(const debar_report_options_t *o, const debar_report_t *r,
    debar_fault_t *fault)
{
    int          rc;
    debar_buf_t  b;

    rc = DEBAR_OK;
    memset(&b, 0, sizeof(b));

    if (strcmp(o->format, "json") == 0) {
        debar_report_json(&b, r, &o->report);

    } else if (strcmp(o->format, "csv") == 0) {
        rc = debar_report_csv(&b, r, &o->report, o->table, fault);

    } else {
        debar_report_html(&b, r, &o->report);
    }

    if (rc == DEBAR_OK && strcmp(o->format, "pdf") == 0) {
        rc = debar_report_pdf(&b, o->output, fault);

    } else if (rc == DEBAR_OK) {
        rc = debar_write_whole(o->output, &b);

        if (rc != DEBAR_OK) {
            fault->text[0] = '\0';           /* said already */
        }
    }

    debar_buf_free(&b);

    return rc;
}


static int
debar_report_run(debar_report_options_t *o, debar_fault_t *fault)
{
    int                    rc;
    debar_audit_t          audit;
    debar_report_t         r;
    struct timespec        now;
    debar_report_state_t  *state;

    if (debar_audit_find(&audit, o->dir, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    memset(&r, 0, sizeof(r));
    r.title = o->kind->title;
    r.lead = o->kind->lead;
    clock_gettime(CLOCK_REALTIME, &now);
    debar_record_time(r.made, (int64_t) now.tv_sec * 1000);

    debar_report_unverified(&r.sealed);

    if (o->verify
        && debar_report_verify(&r.sealed, &audit, o->key, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    state = calloc(1, o->kind->size);

    if (state == NULL) {
        abort();
    }

    state->args = &o->report;
    rc = debar_report_read(&r.read, &audit, &o->report, o->kind->take, state,
                           fault);

    if (rc == DEBAR_OK) {
        o->kind->make(state, &r, &o->report);
        rc = debar_report_write(o, &r, fault);
    }

    /* it is made, and is of a log that is not to be relied on */

    if (rc == DEBAR_OK && r.sealed.bad) {
        debar_fault(fault, "%s: %s", audit.path, r.sealed.text);
        rc = DEBAR_ERROR;
    }

    debar_report_free(&r);
    free(state);

    return rc;
}


int
debar_audit_report(int argc, char **argv)
{
    int                     rc;
    debar_fault_t           fault;
    debar_report_options_t  o;

    rc = debar_report_args(&o, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (o.bureaus) {
        o.report.bureaus = debar_bureaus_open(o.bureaus, &fault);

        if (o.report.bureaus == NULL) {
            return debar_say("%s", fault.text);
        }
    }

    rc = debar_report_run(&o, &fault);
    debar_bureaus_free(o.report.bureaus);

    if (rc != DEBAR_OK) {
        return fault.text[0] ? debar_say("%s", fault.text)
                             : DEBAR_EXIT_FAILURE;
    }

    return 0;
}

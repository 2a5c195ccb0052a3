/*
 * debar audit search: lines of the audit log by who, what, when and why.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "audit_search.h"


#define DEBAR_SEARCH_SECONDS  3              /* of bringing up to date */


static const char  debar_search_name[] = "debar audit search";

static const char  debar_search_help[] =
    "usage: debar audit search DIR [options]\n"
    "\n"
    "Finds verdicts in the audit log of a gateway, the newest first.  The index\n"
    "(`debar audit index`) is brought up to date before, for 3 seconds at most.\n"
    "An option that is given again widens what it finds; unlike ones narrow it.\n"
    "\n"
    "      --since TIME       2026-11-22, 2026-11-22T09:30:00Z, or 90m, 24h, 7d\n"
    "      --until TIME       before that\n"
    "      --user NAME        * stands for any text, here and below\n"
    "      --client ADDR      or a network, 192.0.2.0/24\n"
    "      --host NAME        and the names below it\n"
    "      --vendor ID\n"
    "      --product NAME\n"
    "      --authority ID\n"
    "      --activity NAME    browse, update, download, acquire\n"
    "      --verdict NAME     pass, log, block, reject\n"
    "      --surface NAME     http, connect, tls, inspected, response\n"
    "      --event NAME       what people did, as break-glass\n"
    "      --incident HEX     its number, or how it begins (4 digits or more)\n"
    "      --text QUERY       words of url, evidence, product, file, user; all\n"
    "                         of them, \"a phrase\" in quotes, begin*\n"
    "  -n, --limit N          100; 0: all\n"
    "      --format F         table (default), csv, json (an object a line)\n"
    "      --no-update        answer from the index as it is\n"
    "  -q, --quiet            no words about what is not shown\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 lines were found, 3 none, 1 it could not be done, 2 usage.\n";


/* A day, a time, or so long ago; DEBAR_ERROR: said already. */

static int
debar_search_time(const char *option, const char *text, int64_t *ms)
{
    char         day[32], *end;
    size_t       len;
    int64_t      unit;
    const char  *u;
    uint64_t     n;

    static const char     units[] = "smhdw";
    static const int64_t  seconds[] = { 1, 60, 3600, 86400, 604800 };

    len = strlen(text);

    if (len == 10) {
        snprintf(day, sizeof(day), "%sT00:00:00Z", text);
        *ms = debar_index_time(day, strlen(day));

    } else if (len < 8 && len > 1 && (u = strchr(units, text[len - 1]))) {
        unit = seconds[u - units];
        n = strtoull(text, &end, 10);
        *ms = end == text + len - 1 && text[0] != '-' && text[0] != '+'
              ? ((int64_t) time(NULL) - (int64_t) n * unit) * 1000 : -1;

    } else {
        *ms = debar_index_time(text, len);
    }

    if (*ms <= 0) {
        debar_usage(debar_search_name, "%s %.40s is no time: write 2026-11-22, "
                    "2026-11-22T09:30:00Z, or 90m, 24h, 7d", option, text);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_search_value(debar_search_t *q, unsigned kind, const char *value)
{
    if (*value == '\0') {
        debar_usage(debar_search_name, "--%s wants a value",
                    debar_search_kinds[kind]);
        return DEBAR_ERROR;
    }

    if (q->nvalues[kind] == DEBAR_SEARCH_VALUES) {
        debar_usage(debar_search_name, "--%s can be given %d times",
                    debar_search_kinds[kind], DEBAR_SEARCH_VALUES);
        return DEBAR_ERROR;
    }

    q->values[kind][q->nvalues[kind]++] = value;

    return DEBAR_OK;
}


static int
debar_search_format(const char *name, unsigned *format)
{
    unsigned  i;

    static const char *const  names[] = { "table", "csv", "json" };

    for (i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            *format = i;
            return DEBAR_OK;
        }
    }

    debar_usage(debar_search_name, "--format is table, csv or json, not %.40s",
                name);

    return DEBAR_ERROR;
}


static int
debar_search_number(const char *text, uint64_t *n)
{
    char  *end;

    errno = 0;
    *n = strtoull(text, &end, 10);

    if (errno || end == text || *end || text[0] == '-') {
        debar_usage(debar_search_name, "--limit wants a number, 0 for all, not "
                    "%.40s", text);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_search_option(debar_search_t *q, int c, const char *value)
{
    uint64_t  n;

    switch (c) {

    case 's':
        return debar_search_time("--since", value, &q->since);

    case 'u':
        return debar_search_time("--until", value, &q->until);

    case 'i':
        if (strlen(value) < 4 || debar_index_incident(&n, value, strlen(value))
                                 != DEBAR_OK)
        {
            debar_usage(debar_search_name, "--incident wants 4 to 32 hex "
                        "digits, not %.40s", value);
            return DEBAR_ERROR;
        }

        q->incident = value;
        return DEBAR_OK;

    case 't':
        if (q->ntext == DEBAR_SEARCH_VALUES) {
            debar_usage(debar_search_name, "--text can be given %d times",
                        DEBAR_SEARCH_VALUES);
            return DEBAR_ERROR;
        }

        q->text[q->ntext++] = value;
        return DEBAR_OK;

    case 'n':
        return debar_search_number(value, &q->limit);

    default:
        return debar_search_format(value, &q->format);
    }
}


/* The index, as good as it can be had. */

static int
debar_search_open(debar_index_t *x, const debar_audit_t *a,
    const debar_search_t *q, debar_fault_t *fault)
{
    int                 rc;
    debar_index_told_t  told;

    if (q->no_update) {
        return debar_index_open(x, a, 0, fault) == DEBAR_OK ? DEBAR_OK
                                                            : DEBAR_ERROR;
    }

    rc = debar_index_update(x, a, DEBAR_SEARCH_SECONDS, &told, fault);

    if (rc == DEBAR_ERROR) {
        return DEBAR_ERROR;
    }

    if (told.again) {
        debar_say("the index was made again: %s", told.why);
    }

    if (told.left) {
        debar_say("%" PRIu64 " MB of the log are not indexed yet, and not "
                  "searched: `debar audit index %s`",
                  (told.left >> 20) + 1, a->path);
    }

    return DEBAR_OK;
}


static int
debar_search_run(const debar_audit_t *a, const debar_search_t *q)
{
    int                   rc;
    uint64_t              shown;
    debar_fault_t         fault;
    debar_index_t         x;
    debar_search_found_t  found;

    memset(&found, 0, sizeof(found));
    shown = 0;

    if (debar_search_open(&x, a, q, &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    /* what is found is of one moment */

    rc = debar_index_sql(&x, "BEGIN", &fault);

    if (rc == DEBAR_OK) {
        rc = debar_search_find(&found, &x, q, &fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_search_show(&x, a, q, &found, &shown, &fault);
    }

    free(found.set.bits);
    debar_index_close(&x);

    if (rc != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    if (!q->quiet && shown < found.found) {
        fflush(stdout);
        debar_say("%" PRIu64 " of %s%" PRIu64 " lines are shown; --limit 0 "
                  "shows all", shown, found.more ? "more than " : "",
                  found.more ? found.found - 1 : found.found);
    }

    if (!q->quiet && shown == 0) {
        debar_say("no line was found");
    }

    return shown ? 0 : 3;
}


int
debar_audit_search(int argc, char **argv)
{
    int             c;
    debar_audit_t   a;
    debar_fault_t   fault;
    debar_search_t  q;

    static const struct option  options[] = {
        { "user", required_argument, NULL, 256 + DEBAR_WORD_USER },
        { "client", required_argument, NULL, 256 + DEBAR_WORD_CLIENT },
        { "host", required_argument, NULL, 256 + DEBAR_WORD_HOST },
        { "vendor", required_argument, NULL, 256 + DEBAR_WORD_VENDOR },
        { "product", required_argument, NULL, 256 + DEBAR_WORD_PRODUCT },
        { "authority", required_argument, NULL, 256 + DEBAR_WORD_AUTHORITY },
        { "activity", required_argument, NULL, 256 + DEBAR_WORD_ACTIVITY },
        { "verdict", required_argument, NULL, 256 + DEBAR_WORD_VERDICT },
        { "surface", required_argument, NULL, 256 + DEBAR_WORD_SURFACE },
        { "event", required_argument, NULL, 256 + DEBAR_WORD_EVENT },
        { "since", required_argument, NULL, 's' },
        { "until", required_argument, NULL, 'u' },
        { "incident", required_argument, NULL, 'i' },
        { "text", required_argument, NULL, 't' },
        { "limit", required_argument, NULL, 'n' },
        { "format", required_argument, NULL, 'f' },
        { "no-update", no_argument, NULL, 'U' },
        { "quiet", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(&q, 0, sizeof(q));
    q.limit = 100;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":n:qh", options, NULL)) != -1) {

        if (c == 'h') {
            fputs(debar_search_help, stdout);
            return 0;
        }

        if (c == '?' || c == ':') {
            return debar_bad_option(debar_search_name, c, argv);
        }

        if (c == 'U') {
            q.no_update = 1;

        } else if (c == 'q') {
            q.quiet = 1;

        } else if ((c >= 256 ? debar_search_value(&q, (unsigned) c - 256,
                                                  optarg)
                             : debar_search_option(&q, c, optarg)) != DEBAR_OK)
        {
            return DEBAR_EXIT_USAGE;
        }
    }

    if (optind != argc - 1) {
        return debar_usage(debar_search_name, "name one folder, that of a "
                           "gateway");
    }

    if (debar_audit_find(&a, argv[optind], &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    return debar_search_run(&a, &q);
}

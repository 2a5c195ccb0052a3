/*
 * debar list due: what begins, changes and ends by what a list says; and the
 * line about it that `list build`, `list check` and `gateway status` say.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tools.h"
#include "due.h"


#define DEBAR_DUE_MAX_DAYS  36500


typedef struct {
    const char  *path;
    const char  *on;
    unsigned     days;            /* 0: not said */
    unsigned     json;
} debar_due_args_t;


static const char  debar_due_name[] = "debar list due";

static const char  debar_due_help[] =
    "usage: debar list due SOURCE | FILE.mdb [options]\n"
    "\n"
    "Says what begins, changes and ends by a list alone: phases of authorities,\n"
    "waivers, the list itself.  Days are those of the list's timezone.\n"
    "\n"
    "      --days N     so many days from now on; default 30\n"
    "      --on DATE    of that day (YYYY-MM-DD) alone; with --days N, of N days\n"
    "                   from then on\n"
    "      --json       one JSON object\n"
    "  -h, --help       this text\n"
    "\n"
    "Exit: 0 said, 1 the list cannot be read, 2 usage.\n";


/* -1: go on; else the exit code. */

static int
debar_due_args(debar_due_args_t *a, int argc, char **argv)
{
    int                         c;
    char                       *end;
    unsigned long               n;
    static const struct option  options[] = {
        { "days", required_argument, NULL, 'd' },
        { "on",   required_argument, NULL, 'o' },
        { "json", no_argument,       NULL, 'j' },
        { "help", no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        switch (c) {
        case 'd':
            n = strtoul(optarg, &end, 10);

            if (optarg[0] < '0' || optarg[0] > '9' || *end || n < 1
                || n > DEBAR_DUE_MAX_DAYS)
            {
                return debar_usage(debar_due_name, "--days \"%s\": a number "
                                   "from 1 to %d", optarg, DEBAR_DUE_MAX_DAYS);
            }

            a->days = (unsigned) n;
            break;
        case 'o':
            a->on = optarg;
            break;
        case 'j':
            a->json = 1;
            break;
        case 'h':
            fputs(debar_due_help, stdout);
            return 0;
        default:
            return debar_bad_option(debar_due_name, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_due_name, argc == optind
                           ? "name a list: the folder of its source, or a "
                             "FILE.mdb" : "one list at a time");
    }

    a->path = argv[optind];

    return -1;
}


static void
debar_due_put(const debar_due_t *d)
{
    size_t                    i;
    const debar_due_event_t  *e;

    for (i = 0; i < d->n; i++) {
        e = &d->events[i];

        printf("%s  ", e->day);
        debar_put(stdout, e->text, strlen(e->text));
        printf("\n");
    }

    if (d->more) {
        printf("and %llu more; a shorter time shows them\n",
               (unsigned long long) d->more);
    }
}


static void
debar_due_member(debar_buf_t *b, const char *key, const char *text)
{
    if (text) {
        debar_json_text(b, key, text, strlen(text));
    }
}


static void
debar_due_json(const debar_due_args_t *a, const debar_due_t *d,
    const char *first, const char *last)
{
    size_t                    i;
    debar_buf_t               b;
    const debar_due_event_t  *e;

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{\"ok\":true");
    debar_due_member(&b, "list", a->path);
    debar_json_number(&b, "serial", d->serial);
    debar_due_member(&b, "timezone", d->timezone);
    debar_due_member(&b, "from", first);
    debar_due_member(&b, "to", last);
    debar_buf_printf(&b, ",\"due\":[");

    for (i = 0; i < d->n; i++) {
        e = &d->events[i];

        debar_buf_printf(&b, "%s{", i ? "," : "");
        debar_due_member(&b, "day", e->day);
        debar_buf_printf(&b, ",\"at\":%lld", (long long) e->when);
        debar_due_member(&b, "what", debar_due_what_name(e->what));
        debar_due_member(&b, "how", debar_due_how_name(e->how));
        debar_due_member(&b, "id", e->id);
        debar_due_member(&b, "vendor", e->vendor);
        debar_due_member(&b, "approved_by", e->approved_by);
        debar_due_member(&b, "why", e->why);
        debar_due_member(&b, "text", e->text);
        debar_buf_printf(&b, "}");
    }

    debar_buf_printf(&b, "]");
    debar_json_number(&b, "more", d->more);
    debar_buf_printf(&b, "}\n");
    debar_flush(&b);
}


static int
debar_due_run(const debar_due_args_t *a, debar_due_t *d)
{
    char     first[DEBAR_DAY_TEXT], last[DEBAR_DAY_TEXT];
    int64_t  from, to;

    from = (int64_t) time(NULL);
    to = from + (int64_t) (a->days ? a->days : DEBAR_DUE_DAYS) * 86400;

    if (a->on
        && (debar_due_day(d->timezone, a->on, 0, &from) != DEBAR_OK
            || debar_due_day(d->timezone, a->on, a->days ? a->days : 1, &to)
               != DEBAR_OK))
    {
        return debar_usage(debar_due_name, "--on \"%s\": a day as YYYY-MM-DD, "
                           "from 1900 on", a->on);
    }

    debar_due_find(d, from, to);
    debar_day_text(first, d->timezone, from);
    debar_day_text(last, d->timezone, to - 1);
    first[10] = '\0';
    last[10] = '\0';

    if (a->json) {
        debar_due_json(a, d, first, last);

    } else if (d->n) {
        debar_due_put(d);

    } else if (strcmp(first, last) == 0) {
        printf("nothing begins, changes or ends on %s\n", first);

    } else {
        printf("nothing begins, changes or ends from %s to %s\n", first, last);
    }

    return 0;
}


/* NULL: said already. */

static debar_snapshot_t *
debar_due_open(const char *path, const struct stat *st)
{
    debar_fault_t      fault;
    debar_snapshot_t  *s;
    debar_open_opts_t  opts;

    memset(&opts, 0, sizeof(opts));
    opts.uid = st->st_uid;

    s = debar_snapshot_open(path, &opts, &fault);

    if (s == NULL) {
        debar_say("%s", fault.text);
    }

    return s;
}


int
debar_list_due(int argc, char **argv)
{
    int                rc;
    debar_due_t        d;
    struct stat        st;
    debar_source_t     src;
    debar_snapshot_t  *s;
    debar_due_args_t   a;

    rc = debar_due_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (stat(a.path, &st) != 0) {
        return debar_say("%s: %s; a list is the folder of a source, or a "
                         "FILE.mdb of `debar list build`", a.path,
                         strerror(errno));
    }

    if (S_ISDIR(st.st_mode)) {
        if (debar_read_source(&src, a.path, 0, NULL) != DEBAR_OK) {
            return DEBAR_EXIT_FAILURE;
        }

        debar_due_source(&d, &src);
        rc = debar_due_run(&a, &d);
        debar_due_free(&d);
        debar_source_free(&src);

        return rc;
    }

    s = debar_due_open(a.path, &st);
    if (s == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    debar_due_snapshot(&d, s);
    rc = debar_due_run(&a, &d);
    debar_due_free(&d);
    debar_snapshot_close(s);

    return rc;
}


/* --- the line ------------------------------------------------------------- */

static int
debar_due_line(debar_buf_t *b, debar_due_t *d)
{
    int      ends;
    int64_t  now;

    now = (int64_t) time(NULL);
    debar_due_find(d, now, now + (int64_t) DEBAR_DUE_DAYS * 86400);
    ends = debar_due_ends(b, d) != 0;
    debar_due_free(d);

    return ends;
}


int
debar_due_line_source(debar_buf_t *b, const debar_source_t *src)
{
    debar_due_t  d;

    debar_due_source(&d, src);

    return debar_due_line(b, &d);
}


int
debar_due_line_snapshot(debar_buf_t *b, const debar_snapshot_t *s)
{
    debar_due_t  d;

    debar_due_snapshot(&d, s);

    return debar_due_line(b, &d);
}


void
debar_due_say(const debar_buf_t *line, const char *path)
{
    if (line->len) {
        printf("within %d days end: ", DEBAR_DUE_DAYS);
        debar_put(stdout, line->data, line->len);
        printf(" (debar list due ");
        debar_put(stdout, path, strlen(path));
        printf(")\n");
    }
}

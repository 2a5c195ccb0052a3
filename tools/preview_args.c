/*
 * The command line of debar list preview.
 */

#include <stdlib.h>
#include <sys/stat.h>

#include "preview.h"


static const char  debar_preview_name[] = "debar list preview";

static const char  debar_preview_help[] =
    "usage: debar list preview --against LOG... [IN-FORCE] CANDIDATE\n"
    "\n"
    "Replays recorded traffic through a list that is not in force yet, and\n"
    "through the one that is: what would newly be refused, newly be let\n"
    "through, or change otherwise, by user, host and entry.\n"
    "\n"
    "A list is a source folder or a FILE.mdb.  A log is one of nginx, Apache\n"
    "or Squid (combined, common, native) or Debar's audit.jsonl, plain, .gz,\n"
    ".zst or \"-\": whole URLs, CONNECT, or paths with $host in the --format.\n"
    "\n"
    "  -A, --against LOG     recorded traffic; may be given again\n"
    "      --in-force LIST   what to compare with, as the first of two lists\n"
    "      --format TEXT     nginx's log_format, if it is another\n"
    "      --on DATE         judge as on that day, not at each line's time\n"
    "      --since DATE      leave out what is older\n"
    "      --until DATE      leave out that day and what is newer\n"
    "      --top N           names of each kind; 10\n"
    "      --json            one JSON object, for `debar list propose`\n"
    "      --html            a page that needs nothing beside itself\n"
    "  -o, --output FILE     write it there\n"
    "  -q, --quiet           no progress\n"
    "  -h, --help            this text\n"
    "\n"
    "A log has no bodies and no answers: what they would change is not seen.\n"
    "\n"
    "Exit: 0 nothing changes, 10 something does, 1 it could not be done,\n"
    "2 usage.\n";


static int
debar_preview_time(const char *option, const char *text, time_t *t,
    unsigned noon)
{
    const char  *end;
    struct tm    tm;

    memset(&tm, 0, sizeof(tm));
    end = strptime(text, "%Y-%m-%d", &tm);

    if (end && *end == '\0') {
        tm.tm_hour = noon ? 12 : 0;

    } else {
        memset(&tm, 0, sizeof(tm));
        end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

        if (end == NULL || *end) {
            return debar_usage(debar_preview_name, "%s \"%s\": a date like "
                               "2026-12-01 or a time like 2026-12-01T05:00:00Z "
                               "is wanted", option, text);
        }
    }

    *t = timegm(&tm);

    return -1;
}


/* A folder or *.mdb is a list, the rest are logs. */

static int
debar_preview_operand(debar_preview_args_t *a, const char *arg)
{
    size_t       n;
    struct stat  st;

    n = strlen(arg);

    if ((stat(arg, &st) == 0 && S_ISDIR(st.st_mode))
        || (n > 4 && strcmp(arg + n - 4, ".mdb") == 0))
    {
        if (a->nlists == 2) {
            return debar_usage(debar_preview_name, "\"%s\" is a third list: "
                               "name the one in force and the candidate", arg);
        }

        a->lists[a->nlists++] = arg;
        return -1;
    }

    if (a->nlogs == DEBAR_PREVIEW_LOGS) {
        return debar_usage(debar_preview_name, "more than %d logs: bring them "
                           "together with cat and name \"-\"",
                           DEBAR_PREVIEW_LOGS);
    }

    a->logs[a->nlogs++] = arg;

    return -1;
}


static int
debar_preview_option(debar_preview_args_t *a, int c, char **argv)
{
    char           *end;
    unsigned long   n;

    switch (c) {
    case 'A':
        if (a->nlogs < DEBAR_PREVIEW_LOGS) {
            a->logs[a->nlogs++] = optarg;
        }

        break;
    case 'I':
        a->in_force = optarg;
        break;
    case 'F':
        a->format = optarg;
        break;
    case 'O':
        a->has_on = 1;
        return debar_preview_time("--on", optarg, &a->on, 1);
    case 'S':
        return debar_preview_time("--since", optarg, &a->since, 0);
    case 'U':
        return debar_preview_time("--until", optarg, &a->until, 0);
    case 'T':
        n = strtoul(optarg, &end, 10);

        if (*optarg < '0' || *optarg > '9' || *end || n < 1 || n > 100000) {
            return debar_usage(debar_preview_name, "--top \"%s\": a number "
                               "from 1 to 100000 is wanted", optarg);
        }

        a->top = n;
        break;
    case 'j':
        a->json = 1;
        break;
    case 'H':
        a->html = 1;
        break;
    case 'o':
        a->output = optarg;
        break;
    case 'q':
        a->quiet = 1;
        break;
    case 'h':
        fputs(debar_preview_help, stdout);
        return 0;
    default:
        return debar_bad_option(debar_preview_name, c, argv);
    }

    return -1;
}


int
debar_preview_args(debar_preview_args_t *a, int argc, char **argv)
{
    int                         c, rc;
    static const struct option  options[] = {
        { "against",  required_argument, NULL, 'A' },
        { "in-force", required_argument, NULL, 'I' },
        { "format",   required_argument, NULL, 'F' },
        { "on",       required_argument, NULL, 'O' },
        { "since",    required_argument, NULL, 'S' },
        { "until",    required_argument, NULL, 'U' },
        { "top",      required_argument, NULL, 'T' },
        { "json",     no_argument,       NULL, 'j' },
        { "html",     no_argument,       NULL, 'H' },
        { "output",   required_argument, NULL, 'o' },
        { "quiet",    no_argument,       NULL, 'q' },
        { "help",     no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    a->top = DEBAR_PREVIEW_TOP;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":A:o:qh", options, NULL)) != -1) {
        rc = debar_preview_option(a, c, argv);
        if (rc != -1) {
            return rc;
        }
    }

    for ( /* void */ ; optind < argc; optind++) {
        rc = debar_preview_operand(a, argv[optind]);
        if (rc != -1) {
            return rc;
        }
    }

    if (a->json && a->html) {
        return debar_usage(debar_preview_name, "--json or --html, not both");
    }

    if (a->nlogs == 0) {
        return debar_usage(debar_preview_name, "--against LOG is missing: an "
                           "access log or audit.jsonl");
    }

    if (a->nlists == 0) {
        return debar_usage(debar_preview_name, "name the list to preview: a "
                           "source folder or a FILE.mdb");
    }

    if (a->in_force && a->nlists == 2) {
        return debar_usage(debar_preview_name, "--in-force names the list that "
                           "is in force: name the candidate alone beside it");
    }

    return -1;
}

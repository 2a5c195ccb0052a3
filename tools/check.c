/*
 * debar check: what the gateway would do with a request, and why.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools.h"


typedef struct {
    const char       *list;
    const char       *jsonl;      /* a file, "-": stdin; NULL: one URL */
    unsigned          json;
    debar_request_t   rq;
    debar_request_t   answer;     /* its content and labels alone */
    debar_dialled_t   to;
} debar_check_args_t;


static int debar_check_args(debar_check_args_t *a, int argc, char **argv);
static int debar_check_option(debar_check_args_t *a, int c);
static int debar_check_header(debar_request_t *rq, const char *field);
static int debar_check_address(uint8_t addr[16], const char *text);
static int debar_check_time(time_t *t, const char *text);
static int debar_check_rest(debar_check_args_t *a, int argc, char **argv);
static int debar_check_one(debar_check_args_t *a, debar_list_t *list);
static int debar_check_many(debar_check_args_t *a, debar_list_t *list);


static const char  debar_check_name[] = "debar check";

static const char  debar_check_help[] =
    "usage: debar check [--list FILE.mdb | SOURCE] [options] URL\n"
    "       debar check [--list FILE.mdb | SOURCE] [options] --jsonl [FILE]\n"
    "\n"
    "Judges a request as the gateway does and explains the verdict.\n"
    "\n"
    "  -l, --list LIST       a snapshot, or a source folder; default: the\n"
    "                        shipped list\n"
    "  -X, --request METHOD  default GET; CONNECT judges the host of a tunnel\n"
    "  -H, --header FIELD    \"Name: value\"; Host counts and may contradict the\n"
    "                        URL; Content-Type and -Encoding say what a body\n"
    "                        is, Cookie and Referer count where a channel says\n"
    "  -d, --data DATA|@FILE the body, byte for byte (\"@-\": stdin); the method\n"
    "                        defaults to POST.  What was found in it is shown:\n"
    "                        its values, the lines of a purchase\n"
    "      --response DATA|@FILE\n"
    "                        what the origin answers: a cart in it is judged,\n"
    "                        and shown as a body is\n"
    "      --response-header FIELD\n"
    "                        Content-Type and Content-Encoding of that\n"
    "      --at TIME         judge as of 2018-10-01 (noon, UTC) or of\n"
    "                        2018-10-01T04:00:00Z; default: now\n"
    "      --user NAME       a user that the gateway would have verified\n"
    "      --client ADDRESS  the client's address, for waivers\n"
    "      --address ADDRESS the name resolves to this: judge it too\n"
    "      --asn N, --country CC\n"
    "                        what is known of that address\n"
    "      --json            one JSON object instead of text; with --jsonl:\n"
    "                        tell what was found in bodies, too\n"
    "      --jsonl           read one JSON request a line from FILE or stdin:\n"
    "                        {\"id\", \"method\", \"url\", \"headers\", \"body\"},\n"
    "                        a body of bytes as \"base64:...\"; write one JSON\n"
    "                        object a line, in order\n"
    "  -h, --help            this text\n"
    "\n"
    "Exit: 0 pass, 10 log, 20 block, 30 reject; 1 failure, 2 usage.  With\n"
    "--jsonl 0, or 1 if a line could not be judged.\n";


static const struct option  debar_check_options[] = {
    { "list",    required_argument, NULL, 'l' },
    { "request", required_argument, NULL, 'X' },
    { "method",  required_argument, NULL, 'X' },
    { "header",  required_argument, NULL, 'H' },
    { "data",    required_argument, NULL, 'd' },
    { "response", required_argument, NULL, 'r' },
    { "response-header", required_argument, NULL, 'R' },
    { "at",      required_argument, NULL, 'T' },
    { "user",    required_argument, NULL, 'u' },
    { "client",  required_argument, NULL, 'c' },
    { "address", required_argument, NULL, 'a' },
    { "asn",     required_argument, NULL, 'n' },
    { "country", required_argument, NULL, 'C' },
    { "json",    no_argument,       NULL, 'j' },
    { "jsonl",   no_argument,       NULL, 'J' },
    { "help",    no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_check_command(int argc, char **argv)
{
    int                 rc;
    debar_list_t       *list;
    debar_check_args_t  a;

    memset(&a, 0, sizeof(a));
    a.rq.facts.now = time(NULL);

    rc = debar_check_args(&a, argc, argv);
    if (rc != -1) {
        return rc;
    }

    list = debar_open_list(a.list);
    if (list == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    rc = a.jsonl ? debar_check_many(&a, list) : debar_check_one(&a, list);

    debar_list_close(list);
    debar_request_free(&a.rq);
    debar_request_free(&a.answer);

    return rc;
}


/* -1: go on; else the exit code. */

static int
debar_check_args(debar_check_args_t *a, int argc, char **argv)
{
    int  c, rc;

    opterr = 0;

    while ((c = getopt_long(argc, argv, ":l:X:H:d:h", debar_check_options,
                            NULL))
           != -1)
    {
        if (c == 'h') {
            fputs(debar_check_help, stdout);
            return 0;
        }

        if (c == '?' || c == ':') {
            return debar_bad_option(debar_check_name, c, argv);
        }

        rc = debar_check_option(a, c);
        if (rc != -1) {
            return rc;
        }
    }

    return debar_check_rest(a, argc, argv);
}


static int
debar_check_option(debar_check_args_t *a, int c)
{
    char           *end;
    unsigned long   n;

    switch (c) {

    case 'l':
        a->list = optarg;
        break;

    case 'X':
        a->rq.method = optarg;
        break;

    case 'H':
        return debar_check_header(&a->rq, optarg);

    case 'd':
        if (debar_request_body(&a->rq, optarg) != DEBAR_OK) {
            return DEBAR_EXIT_FAILURE;
        }

        break;

    case 'r':
        if (debar_request_body(&a->answer, optarg) != DEBAR_OK) {
            return DEBAR_EXIT_FAILURE;
        }

        break;

    case 'R':
        return debar_check_header(&a->answer, optarg);

    case 'T':
        if (debar_check_time(&a->rq.facts.now, optarg) != DEBAR_OK) {
            return debar_usage(debar_check_name, "--at \"%s\": a date like "
                               "2018-10-01 or a time like "
                               "2018-10-01T04:00:00Z is wanted", optarg);
        }

        break;

    case 'u':
        a->rq.facts.user = debar_str(optarg, strlen(optarg));
        break;

    case 'c':
        a->rq.facts.has_client = 1;
        return debar_check_address(a->rq.facts.client, optarg);

    case 'a':
        a->to.set = 1;
        return debar_check_address(a->to.addr, optarg);

    case 'n':
        n = strtoul(optarg, &end, 10);

        if (*optarg < '0' || *optarg > '9' || *end || n > UINT32_MAX) {
            return debar_usage(debar_check_name, "--asn \"%s\": a number is "
                               "wanted", optarg);
        }

        a->to.asn = (uint32_t) n;
        break;

    case 'C':
        if (strlen(optarg) != 2) {
            return debar_usage(debar_check_name, "--country \"%s\": two "
                               "letters are wanted", optarg);
        }

        a->to.country = optarg;
        break;

    case 'j':
        a->json = 1;
        break;

    case 'J':
        a->jsonl = "-";
        break;
    }

    return -1;
}


static int
debar_check_header(debar_request_t *rq, const char *field)
{
    const char  *colon;

    colon = strchr(field, ':');

    if (colon == NULL || colon == field) {
        return debar_usage(debar_check_name, "-H \"%s\": \"Name: value\" is "
                           "wanted", field);
    }

    debar_request_header(rq, field, (size_t) (colon - field), colon + 1,
                         strlen(colon + 1));

    return -1;
}


static int
debar_check_address(uint8_t addr[16], const char *text)
{
    const char    *why;
    debar_host_t   h;

    why = "not an address";

    if (debar_host_parse(&h, text, strlen(text), DEBAR_HOST_BARE, &why)
        != DEBAR_OK || h.type != DEBAR_HOST_ADDRESS)
    {
        return debar_usage(debar_check_name, "\"%s\": an address like "
                           "192.0.2.1 or 2001:db8::1 is wanted", text);
    }

    memcpy(addr, h.addr, 16);

    return -1;
}


static int
debar_check_time(time_t *t, const char *text)
{
    const char  *end;
    struct tm    tm;

    /* noon, UTC, is that day in the time zones of every list so far */

    memset(&tm, 0, sizeof(tm));
    end = strptime(text, "%Y-%m-%d", &tm);

    if (end && *end == '\0') {
        tm.tm_hour = 12;

    } else {
        memset(&tm, 0, sizeof(tm));
        end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

        if (end == NULL || *end) {
            return DEBAR_ERROR;
        }
    }

    *t = timegm(&tm);

    return DEBAR_OK;
}


static int
debar_check_rest(debar_check_args_t *a, int argc, char **argv)
{
    int          rest;
    const char  *why;

    rest = argc - optind;

    if ((a->to.asn || a->to.country) && !a->to.set) {
        return debar_usage(debar_check_name, "--asn and --country describe "
                           "the --address, which is missing");
    }

    if (a->jsonl) {
        if (rest > 1) {
            return debar_usage(debar_check_name, "--jsonl reads one file");
        }

        if (rest == 1) {
            a->jsonl = argv[optind];
        }

        if (a->rq.method || a->rq.body || a->rq.no_host || a->answer.body) {
            return debar_usage(debar_check_name, "with --jsonl the lines have "
                               "method, headers and body");
        }

        return -1;
    }

    if (rest != 1) {
        return debar_usage(debar_check_name, rest ? "one URL at a time"
                           : "name the URL to judge");
    }

    a->rq.url = argv[optind];
    a->rq.url_len = strlen(a->rq.url);

    if (debar_request_finish(&a->rq, &why) != DEBAR_OK) {
        return debar_usage(debar_check_name, "%s", why);
    }

    return -1;
}


static int
debar_check_one(debar_check_args_t *a, debar_list_t *list)
{
    int              read;
    debar_buf_t      b;
    debar_told_t     told;
    debar_verdict_t  v;

    debar_judge_request(list, &a->rq, &a->to, &v);

    read = a->rq.body || a->answer.body;

    if (read) {
        debar_told_init(&told, a->json);
    }

    /* of the two, the answer is told where there is one */

    if (a->rq.body) {
        debar_judge_content(list, &a->rq, a->answer.body ? NULL : &told, &v);
    }

    if (a->answer.body) {
        debar_judge_answer(list, &a->rq, &a->answer, &told, &v);
    }

    if (a->json) {
        memset(&b, 0, sizeof(b));

        debar_buf_printf(&b, "{");
        debar_json_text(&b, "method", a->rq.method, strlen(a->rq.method));
        debar_json_masked(&b, "url", a->rq.url, a->rq.url_len, 1);
        debar_explain_json(&b, list, &v);

        if (read) {
            debar_told_json(&b, &told);
        }

        debar_buf_printf(&b, "}\n");
        debar_flush(&b);

    } else {
        debar_explain(stdout, list, &a->rq, &v, read ? &told : NULL);
    }

    if (read) {
        debar_told_free(&told);
    }

    return debar_verdict_exit(v.verdict);
}


static int
debar_check_many(debar_check_args_t *a, debar_list_t *list)
{
    int    rc;
    FILE  *in;

    if (strcmp(a->jsonl, "-") == 0) {
        return debar_check_jsonl(list, stdin, "stdin", &a->rq, &a->to,
                                 a->json);
    }

    in = fopen(a->jsonl, "re");
    if (in == NULL) {
        return debar_say("%s: %s", a->jsonl, strerror(errno));
    }

    rc = debar_check_jsonl(list, in, a->jsonl, &a->rq, &a->to, a->json);
    fclose(in);

    return rc;
}

/*
 * debar audit witness ask: the latest checkpoint of a log, cosigned by those
 * who are named, or who stand in DIR/audit/witness.
 */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trust.h"
#include "audit_witness.h"


#define DEBAR_ASK_FILE   "witness"
#define DEBAR_ASK_SIZE   (64 << 10)          /* bytes of it */


static int debar_ask_args(debar_ask_t *a, int argc, char **argv);
static int debar_ask_named(debar_ask_t *a, int ch, const char *value);
static int debar_ask_line(debar_ask_t *a, char *line, debar_fault_t *fault);
static int debar_ask_open(debar_ask_t *a, debar_fault_t *fault);
static int debar_ask_once(debar_ask_t *a);
static int debar_ask_follow(debar_ask_t *a);
static int debar_ask_wait(debar_ask_t *a);


static const char  debar_ask_name[] = "debar audit witness ask";

static const char  debar_ask_help[] =
    "usage: debar audit witness ask DIR [--witness URL --witness-key KEY]... [options]\n"
    "\n"
    "Has the latest checkpoint of the log in DIR cosigned: a witness is shown that\n"
    "it goes on from what it cosigned last.  Its cosignature is verified and\n"
    "appended to DIR/sealed/cosigned.\n"
    "\n"
    "      --witness URL      where a witness listens, as http://10.0.0.9:7280\n"
    "      --witness-key KEY  its public key, a .pub file or what is in it;\n"
    "                         one for each --witness, in their order.  Without\n"
    "                         them: those of DIR/witness, a line for each, URL\n"
    "                         and key, whom the sealer of a gateway asks itself;\n"
    "                         a line \"every 1m\" there says how often\n"
    "      --every TIME       again and again, as 1m\n"
    "      --key FILE.pub     the checkpoint has to be by this key\n"
    "      --ca FILE          CAs of an https witness; default: the system's\n"
    "      --json             one JSON object instead of text\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 all have cosigned; 1 not, and stderr says who and why; 2 usage.\n";


enum {
    DEBAR_ASK_URL = 256,
    DEBAR_ASK_KEY,
    DEBAR_ASK_FD
};


static const struct option  debar_ask_options[] = {
    { "witness",     required_argument, NULL, DEBAR_ASK_URL },
    { "witness-key", required_argument, NULL, DEBAR_ASK_KEY },
    { "every",       required_argument, NULL, 'e' },
    { "key",         required_argument, NULL, 'k' },
    { "ca",          required_argument, NULL, 'c' },
    { "folder-fd",   required_argument, NULL, DEBAR_ASK_FD },
    { "json",        no_argument,       NULL, 'j' },
    { "help",        no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_witness_ask(int argc, char **argv)
{
    int            rc;
    unsigned       i;
    debar_ask_t   *a;
    debar_fault_t  fault;

    a = calloc(1, sizeof(*a));

    if (a == NULL) {
        return debar_say("witness ask: no memory");
    }

    a->fd = -1;
    rc = debar_ask_args(a, argc, argv);

    if (rc == -1) {
        rc = debar_ask_open(a, &fault) == DEBAR_OK
             ? a->every ? debar_ask_follow(a) : debar_ask_once(a)
             : debar_trust_failed(a->json, &fault);
    }

    for (i = 0; i < a->n; i++) {
        debar_witness_hang_up(a->list[i].client);
    }

    debar_hasher_free(a->hasher);
    free(a);

    return rc;
}


/* --- options -------------------------------------------------------------- */

static int
debar_ask_args(debar_ask_t *a, int argc, char **argv)
{
    int  ch, n;

    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", debar_ask_options, NULL))
           != -1)
    {

        switch (ch) {

        case 'e':
            a->every = debar_witness_span(optarg);

            if (a->every == 0) {
                return debar_usage(debar_ask_name, "--every \"%s\": a time is "
                                   "wanted, as 30s, 1m or 2h", optarg);
            }

            break;

        case 'k':
            a->key = optarg;
            break;

        case 'c':
            a->ca = optarg;
            break;

        case 'j':
            a->json = 1;
            break;

        case 'h':
            fputs(debar_ask_help, stdout);
            return 0;

        case DEBAR_ASK_URL:
        case DEBAR_ASK_KEY:
        case DEBAR_ASK_FD:
            n = debar_ask_named(a, ch, optarg);

            if (n != -1) {
                return n;
            }

            break;

        default:
            return debar_bad_option(debar_ask_name, ch, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_ask_name, "name one folder, DIR/audit of a "
                           "gateway");
    }

    if (a->n != a->keys) {
        return debar_usage(debar_ask_name, "%u --witness and %u --witness-key: "
                           "each witness has a key", a->n, a->keys);
    }

    if (a->json && a->every) {
        return debar_usage(debar_ask_name, "--json is of what is done once");
    }

    a->dir = argv[optind];

    return -1;
}


static int
debar_ask_named(debar_ask_t *a, int ch, const char *value)
{
    debar_fault_t  fault;

    if (ch == DEBAR_ASK_FD) {

        /* by the sealer: DIR/audit may be where its user cannot go by path */

        a->fd = atoi(value);
        return -1;
    }

    if ((ch == DEBAR_ASK_URL ? a->n : a->keys) == DEBAR_COSIGNERS) {
        return debar_usage(debar_ask_name, "more than %d witnesses",
                           DEBAR_COSIGNERS);
    }

    if (ch == DEBAR_ASK_URL) {

        if ((strncmp(value, "http://", 7) && strncmp(value, "https://", 8))
            || strlen(value) >= DEBAR_WITNESS_URL)
        {
            return debar_usage(debar_ask_name, "--witness \"%.200s\": an http "
                               "or https URL is wanted", value);
        }

        strcpy(a->list[a->n++].url, value);
        return -1;
    }

    if (debar_trust_public_as(&a->list[a->keys].key, DEBAR_KEY_COSIGNER, value,
                              &fault) != DEBAR_OK)
    {
        return debar_say("--witness-key %s", fault.text);
    }

    a->keys++;

    return -1;
}


static int
debar_ask_open(debar_ask_t *a, debar_fault_t *fault)
{
    if (a->fd != -1) {
        snprintf(a->audit.path, sizeof(a->audit.path), "/proc/self/fd/%d",
                 a->fd);

    } else if (debar_audit_find(&a->audit, a->dir, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (a->key && debar_trust_public(&a->log, a->key, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (a->n == 0 && debar_ask_file(a, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (a->every && a->every_file) {
        a->every = a->every_file;
    }

    a->hasher = debar_hasher_new();

    if (a->hasher == NULL) {
        debar_fault(fault, "SHA-256 is not to be had from OpenSSL");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_ask_file(debar_ask_t *a, debar_fault_t *fault)
{
    int           rc;
    char          path[DEBAR_MAX_DIR + 64], *line, *next;
    debar_buf_t   data;

    debar_audit_path(&a->audit, DEBAR_ASK_FILE, path, sizeof(path));

    if (access(path, F_OK) == -1 && errno == ENOENT) {
        debar_fault(fault, "%s: is not there: name a witness by --witness and "
                    "--witness-key, or in that file", path);
        return DEBAR_DECLINED;
    }

    if (debar_trust_read(&data, path, DEBAR_ASK_SIZE, "a line for each witness",
                         fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    debar_buf_add(&data, "", 1);
    rc = DEBAR_OK;

    for (line = data.data; line && rc == DEBAR_OK; line = next) {

        next = strchr(line, '\n');

        if (next) {
            *next++ = '\0';
        }

        rc = debar_ask_line(a, line, fault);
    }

    debar_buf_free(&data);

    if (rc == DEBAR_OK && a->n == 0) {
        debar_fault(fault, "%s: names no witness", path);
        rc = DEBAR_ERROR;
    }

    return rc;
}


/* "URL KEY", "every TIME", or nothing. */

static int
debar_ask_line(debar_ask_t *a, char *line, debar_fault_t *fault)
{
    char           *save, *url, *key;
    debar_asked_t  *w;

    save = NULL;
    url = strtok_r(line, " \t\r", &save);

    if (url == NULL || url[0] == '#') {
        return DEBAR_OK;
    }

    key = strtok_r(NULL, " \t\r", &save);

    if (key && strcmp(url, "every") == 0) {
        a->every_file = debar_witness_span(key);

        if (a->every_file == 0) {
            debar_fault(fault, "%s/%s: every \"%.40s\": a time is wanted, as "
                        "30s, 1m or 2h", a->audit.path, DEBAR_ASK_FILE, key);
            return DEBAR_ERROR;
        }

        return DEBAR_OK;
    }

    if (key == NULL || a->n == DEBAR_COSIGNERS
        || (strncmp(url, "http://", 7) && strncmp(url, "https://", 8))
        || strlen(url) >= DEBAR_WITNESS_URL || strchr(key, '+') == NULL)
    {
        debar_fault(fault, "%s/%s: \"%.100s\": an http or https URL, a space "
                    "and a public key are wanted, at most %d such lines",
                    a->audit.path, DEBAR_ASK_FILE, url, DEBAR_COSIGNERS);
        return DEBAR_ERROR;
    }

    w = &a->list[a->n];

    if (debar_vkey_parse_as(&w->key, DEBAR_KEY_COSIGNER, url, key, strlen(key),
                            fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    strcpy(w->url, url);
    a->n++;

    return DEBAR_OK;
}


/* --- once, and again and again -------------------------------------------- */

static int
debar_ask_once(debar_ask_t *a)
{
    int               rc, failed;
    char              when[24];
    unsigned          i;
    debar_buf_t       b;
    debar_asked_t    *w;
    debar_fault_t     fault;
    debar_ask_for_t   latest;

    memset(&latest, 0, sizeof(latest));

    if (debar_ask_latest(a, &latest, &fault) != DEBAR_OK) {
        return debar_trust_failed(a->json, &fault);
    }

    failed = 0;
    memset(&b, 0, sizeof(b));

    for (i = 0; i < a->n; i++) {

        w = &a->list[i];
        rc = debar_ask_one(a, w, &latest, &w->fault);
        debar_witness_time(when, w->time);

        debar_buf_printf(&b, "%s{", i ? "," : "");
        debar_buf_printf(&b, "\"ok\":%s", rc == DEBAR_OK ? "true" : "false");
        debar_json_text(&b, "witness", w->key.name, strlen(w->key.name));
        debar_json_text(&b, "url", w->url, strlen(w->url));

        if (rc != DEBAR_OK) {
            failed = 1;
            debar_say("%s", w->fault.text);
            debar_json_text(&b, "error", w->fault.text, strlen(w->fault.text));

        } else {
            debar_json_number(&b, "size", w->size);
            debar_json_text(&b, "time", when, strlen(when));

            if (!a->json) {
                printf("%s: %" PRIu64 " line%s cosigned by %s, %s\n",
                       a->audit.path, w->size, w->size == 1 ? "" : "s",
                       w->key.name, when);
            }
        }

        debar_buf_printf(&b, "}");
    }

    if (a->json) {
        printf("{\"ok\":%s,\"witnesses\":[%.*s]}\n", failed ? "false" : "true",
               (int) b.len, b.data);
    }

    debar_buf_free(&b);
    debar_buf_free(&latest.note);

    return failed ? DEBAR_EXIT_FAILURE : 0;
}


static void
debar_ask_signal(int signo)
{
    /* it ends the waiting */
}


/* Until SIGTERM, which asks once more: what was sealed last is to be cosigned,
 * too.  What goes wrong is said when it begins, and when it is over. */

static int
debar_ask_follow(debar_ask_t *a)
{
    int               rc, first, ended;
    unsigned          i;
    sigset_t          block;
    debar_fault_t     fault;
    debar_asked_t    *w;
    debar_service_t   said;
    debar_ask_for_t   latest;
    struct sigaction  sa;

    memset(&latest, 0, sizeof(latest));
    memset(&said, 0, sizeof(said));
    said.log_fd = STDERR_FILENO;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = debar_ask_signal;
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
    sigaction(SIGXFSZ, &sa, NULL);

    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGINT);
    sigprocmask(SIG_BLOCK, &block, NULL);

    for (ended = 0; /* void */ ; ended = debar_ask_wait(a)) {

        /* all cosign the same one */

        first = debar_ask_latest(a, &latest, &fault);

        for (i = 0; i < a->n; i++) {

            w = &a->list[i];
            rc = first == DEBAR_OK ? debar_ask_one(a, w, &latest, &fault)
                                   : first;

            if (rc == DEBAR_ERROR && strcmp(fault.text, w->fault.text) != 0) {
                (void) debar_service_log(&said, "witness %s: %s", w->key.name,
                                         fault.text);
                w->fault = fault;

            } else if (rc == DEBAR_OK && w->fault.text[0]) {
                (void) debar_service_log(&said, "witness %s: cosigns again",
                                         w->key.name);
                w->fault.text[0] = '\0';
            }
        }

        debar_buf_free(&latest.note);

        if (ended) {
            return 0;
        }
    }
}


/* 1: it is to end. */

static int
debar_ask_wait(debar_ask_t *a)
{
    sigset_t         mask, set;
    struct timespec  ts;

    if (sigpending(&set) == 0
        && (sigismember(&set, SIGTERM) || sigismember(&set, SIGINT)))
    {
        return 1;
    }

    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigdelset(&mask, SIGTERM);
    sigdelset(&mask, SIGINT);
    ts.tv_sec = (time_t) a->every;
    ts.tv_nsec = 0;

    return ppoll(NULL, 0, &ts, &mask) == -1 && errno == EINTR;
}

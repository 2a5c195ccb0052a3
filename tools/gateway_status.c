/*
 * debar gateway status: what the gateway says of itself over its own socket.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <jansson.h>

#include "tools.h"


#define DEBAR_EXIT_DOWN    3
#define DEBAR_MAX_REPORT   (1024 * 1024)
#define DEBAR_MAX_DEPTH    5


static int debar_status_args(const char **dir, int *json, int argc,
    char **argv);
static int debar_status_say(const debar_gateway_t *g, long pid,
    const debar_buf_t *report, int json);
static void debar_status_ends(json_t *report);
static json_t *debar_status_beside(const debar_gateway_t *g);
static void debar_status_print(json_t *all, json_t *beside);
static void debar_status_object(json_t *o, int depth);
static void debar_status_value(const char *key, json_t *value, int depth);


static const char  debar_status_name[] = "debar gateway status";

static const char  debar_status_help[] =
    "usage: debar gateway status DIR [--json]\n"
    "\n"
    "Asks the running gateway for its list, counters and workers, and says\n"
    "whether its signer and its inspector run where it asks them, how far its\n"
    "sealer is, and what of a list ends within 30 days (ends_soon).\n"
    "\n"
    "      --json  one JSON object: running, pid, signer (state, pid, uid,\n"
    "              minted), inspector (state, pid, uid), sealer (the same,\n"
    "              ok, leaves, file, behind, torn, rotating, keep, retained,\n"
    "              retain_error, witnesses) and the report as it came\n"
    "  -h, --help  this text\n"
    "\n"
    "Exit: 0 it runs, 3 it does not, 1 it runs but does not answer, 2 usage.\n";


int
debar_gateway_status(int argc, char **argv)
{
    int                    rc, json;
    long                   pid;
    json_t                *all;
    const char            *dir;
    debar_buf_t            report;
    debar_gateway_t        g;
    const debar_beside_t  *b;

    dir = NULL;
    rc = debar_status_args(&dir, &json, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (debar_gateway_find(&g, dir) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    pid = debar_gateway_pid(&g);

    if (pid == 0) {
        if (json) {
            all = json_pack("{s:b}", "running", 0);
            debar_status_print(all, debar_status_beside(&g));

        } else {
            printf("%s does not run\n", g.path);

            for (b = debar_beside; b->name; b++) {
                if (debar_beside_pid(&g, b)) {
                    printf("  but its %s does (pid %ld); debar gateway stop "
                           "ends it\n", b->name, debar_beside_pid(&g, b));
                }
            }
        }

        return DEBAR_EXIT_DOWN;
    }

    memset(&report, 0, sizeof(report));

    if (debar_gateway_report(&g, &report) != DEBAR_OK) {
        debar_buf_free(&report);
        return debar_say("pid %ld runs, but %s/run/status.sock does not "
                         "answer: has nginx.conf its debar_report? may you "
                         "open the socket? else see %s/logs/error.log", pid,
                         g.path, g.path);
    }

    rc = debar_status_say(&g, pid, &report, json);
    debar_buf_free(&report);

    return rc;
}


static int
debar_status_args(const char **dir, int *json, int argc, char **argv)
{
    int                         c;
    static const struct option  options[] = {
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    *json = 0;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (c) {
        case 'j':
            *json = 1;
            break;
        case 'h':
            fputs(debar_status_help, stdout);
            return 0;
        default:
            return debar_bad_option(debar_status_name, c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage(debar_status_name, "name the folder of one gateway");
    }

    *dir = argv[optind];

    return -1;
}


int
debar_gateway_report(const debar_gateway_t *g, debar_buf_t *body)
{
    int                 fd;
    char                path[DEBAR_MAX_DIR + 64], block[4096], *head;
    size_t              skip;
    ssize_t             n;
    struct timeval      tv = { 2, 0 };
    struct sockaddr_un  sun;
    static const char   request[] = "GET /report HTTP/1.0\r\n"
                                    "Host: localhost\r\n\r\n";

    debar_gateway_path(g, "run/status.sock", path, sizeof(path));

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sun.sun_path)) {
        return DEBAR_ERROR;
    }

    strcpy(sun.sun_path, path);

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return DEBAR_ERROR;
    }

    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    (void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));

    body->len = 0;

    if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) == 0
        && send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL)
           == (ssize_t) sizeof(request) - 1)
    {
        while (body->len < DEBAR_MAX_REPORT
               && (n = recv(fd, block, sizeof(block), 0)) > 0)
        {
            debar_buf_add(body, block, (size_t) n);
        }
    }

    close(fd);

    if (body->len < 12 || memcmp(body->data + 8, " 200", 4) != 0) {
        return DEBAR_ERROR;
    }

    head = memmem(body->data, body->len, "\r\n\r\n", 4);
    if (head == NULL) {
        return DEBAR_ERROR;
    }

    skip = (size_t) (head + 4 - body->data);
    memmove(body->data, body->data + skip, body->len - skip);
    body->len -= skip;

    return DEBAR_OK;
}


static int
debar_status_say(const debar_gateway_t *g, long pid,
    const debar_buf_t *report, int json)
{
    json_t        *o, *all, *beside;
    json_error_t   error;

    o = json_loadb(report->data, report->len, 0, &error);

    if (o == NULL || !json_is_object(o)) {
        debar_say("the gateway's report cannot be read (%s); does this debar "
                  "belong to its module?", o ? "no object" : error.text);
        json_decref(o);
        return DEBAR_EXIT_FAILURE;
    }

    beside = debar_status_beside(g);
    debar_status_ends(o);

    if (json) {
        all = json_pack("{s:b,s:I}", "running", 1, "pid", (json_int_t) pid);
        (void) json_object_update(all, o);
        debar_status_print(all, beside);

    } else {
        printf("%s runs (pid %ld)\n", g->path, pid);
        debar_status_object(o, 1);
        debar_status_object(beside, 1);

        json_decref(beside);
    }

    json_decref(o);

    return 0;
}


/* To each list what ends of it within 30 days: the file says it, not the
 * worker. */

static void
debar_status_ends(json_t *report)
{
    size_t              i;
    json_t             *list;
    const char         *path;
    struct stat         st;
    debar_buf_t         line;
    debar_fault_t       fault;
    debar_snapshot_t   *s;
    debar_open_opts_t   opts;

    json_array_foreach(json_object_get(report, "lists"), i, list) {
        path = json_string_value(json_object_get(list, "path"));

        if (path == NULL || stat(path, &st) != 0) {
            continue;
        }

        memset(&opts, 0, sizeof(opts));
        opts.uid = st.st_uid;

        s = debar_snapshot_open(path, &opts, &fault);

        if (s == NULL) {
            continue;             /* the state above tells why */
        }

        memset(&line, 0, sizeof(line));

        if (debar_due_line_snapshot(&line, s)) {
            (void) json_object_set_new(list, "ends_soon",
                                       json_stringn(line.data, line.len));
        }

        debar_buf_free(&line);
        debar_snapshot_close(s);
    }
}


/* What runs beside nginx where nginx.conf asks it, by name. */

static json_t *
debar_status_beside(const debar_gateway_t *g)
{
    long                   pid;
    json_t                *all, *one, *says;
    debar_buf_t            text;
    const debar_beside_t  *b;

    all = json_object();

    for (b = debar_beside; b->name; b++) {

        if (!debar_beside_wanted(g, b)) {
            continue;
        }

        pid = debar_beside_pid(g, b);

        if (pid == 0) {
            one = json_pack("{s:s,s:s}", "state", "down", "remedy",
                            "debar gateway start starts it");

        } else {
            one = json_pack("{s:s,s:I,s:I}", "state", "running",
                            "pid", (json_int_t) pid,
                            "uid", (json_int_t) debar_beside_uid(pid));
        }

        if (pid && b->args == debar_signer_args) {
            (void) json_object_set_new(one, "minted",
                                       json_integer(debar_signer_minted(g)));
        }

        if (pid && b->args == debar_sealer_args) {
            memset(&text, 0, sizeof(text));

            if (debar_sealer_says(g, &text) == DEBAR_OK) {
                says = json_loadb(text.data, text.len, 0, NULL);
                (void) json_object_update(one, says);
                json_decref(says);
            }

            debar_buf_free(&text);
        }

        if (b->args == debar_sealer_args) {
            memset(&text, 0, sizeof(text));

            if (debar_sealer_witnesses(g, &text) == DEBAR_OK) {
                (void) json_object_set_new(one, "witnesses",
                           json_loadb(text.data, text.len, 0, NULL));
            }

            debar_buf_free(&text);
        }

        (void) json_object_set_new(all, b->name, one);
    }

    return all;
}


/* Prints the object on a line and frees both. */

static void
debar_status_print(json_t *all, json_t *beside)
{
    char  *text;

    (void) json_object_update(all, beside);
    json_decref(beside);

    text = json_dumps(all, JSON_COMPACT);
    printf("%s\n", text ? text : "{}");

    free(text);
    json_decref(all);
}


/*
 * The report as it is, whatever it has: a line a value, members of objects and
 * lists below their name.
 */

static void
debar_status_object(json_t *o, int depth)
{
    json_t      *value, *item;
    size_t       i;
    const char  *key;

    json_object_foreach(o, key, value) {

        if (depth >= DEBAR_MAX_DEPTH
            || !(json_is_object(value) || json_is_array(value)))
        {
            debar_status_value(key, value, depth);
            continue;
        }

        printf("%*s%s\n", depth * 2, "", key);

        if (json_is_object(value)) {
            debar_status_object(value, depth + 1);
            continue;
        }

        json_array_foreach(value, i, item) {
            if (json_is_object(item)) {
                debar_status_object(item, depth + 1);

            } else {
                debar_status_value("", item, depth + 1);
            }
        }
    }
}


static void
debar_status_value(const char *key, json_t *value, int depth)
{
    char  *text;

    text = json_is_string(value)
           ? strdup(json_string_value(value))
           : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    printf("%*s%-*s ", depth * 2, "", 20 - depth * 2, key);
    debar_put(stdout, text ? text : "", text ? strlen(text) : 0);
    printf("\n");

    free(text);
}

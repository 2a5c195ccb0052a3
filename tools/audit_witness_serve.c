/*
 * debar audit witness serve: its options and its life.
 */

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <microhttpd.h>
#include <openssl/evp.h>

#include "trust.h"
#include "audit_witness.h"


#define DEBAR_WITNESS_LISTEN   "127.0.0.1:7280"
#define DEBAR_WITNESS_TURN     5000          /* ms, at most */


static int debar_serve_args(debar_witness_t *w, int argc, char **argv);
static int debar_serve_log(debar_witness_t *w, const char *arg);
static int debar_serve_listen(debar_witness_t *w);
static int debar_serve_socket(debar_witness_t *w, const struct addrinfo *ai);
static int debar_serve_key(debar_witness_t *w);
static int debar_serve_run(debar_service_t *service, int ready);
static int debar_serve_loop(debar_witness_t *w, int ready);
static void debar_serve_told(debar_witness_t *w);


static const char  debar_serve_name[] = "debar audit witness serve";

static const char  debar_serve_help[] =
    "usage: debar audit witness serve --key FILE --state DIR --log KEY... [options]\n"
    "\n"
    "Cosigns the checkpoints of logs (C2SP tlog-witness, POST /add-checkpoint):\n"
    "one is cosigned only if it is signed by the log and goes on from the last\n"
    "that was.  To be run on another machine than the logs', by other people.\n"
    "\n"
    "      --key FILE             of `debar key new NAME --witness`\n"
    "      --pass-file FILE       its first line is the passphrase\n"
    "      --state DIR            where it is kept what was cosigned; its own\n"
    "      --log KEY              a log: the .pub file of its sealer, or what is\n"
    "                             in it; once for each, at most 64; of one name\n"
    "                             up to 4, where a log changes its key\n"
    "      --listen ADDR:PORT     default " DEBAR_WITNESS_LISTEN "\n"
    "      --user NAME|UID        whom to become, where root starts it; default:\n"
    "                             debar-witness, else a free user id\n"
    "      --daemon               in the background; needs --output\n"
    "      --output FILE          where it says what it does; default: stderr\n"
    "      --pid FILE\n"
    "  -h, --help                 this text\n"
    "\n"
    "Plain HTTP: a proxy before it adds TLS.  Exit: 0 ended, 1 failure, 2 usage.\n";


static const struct option  debar_serve_options[] = {
    { "key",       required_argument, NULL, 'k' },
    { "pass-file", required_argument, NULL, 'p' },
    { "state",     required_argument, NULL, 's' },
    { "log",       required_argument, NULL, 'L' },
    { "listen",    required_argument, NULL, 'l' },
    { "output",    required_argument, NULL, DEBAR_SERVICE_LOG },
    { "pid",       required_argument, NULL, DEBAR_SERVICE_PID },
    { "user",      required_argument, NULL, DEBAR_SERVICE_USER },
    { "daemon",    no_argument,       NULL, DEBAR_SERVICE_DAEMON },
    { "help",      no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
debar_witness_serve(int argc, char **argv)
{
    int                    rc;
    debar_witness_t       *w;
    debar_service_user_t   user;

    w = calloc(1, sizeof(*w));

    if (w == NULL) {
        return debar_say("witness serve: no memory");
    }

    w->service.name = "audit witness serve";
    w->service.what = "the witness";
    w->service.account = "debar-witness";
    w->service.files = DEBAR_WITNESS_CLIENTS + 64;
    w->service.run = debar_serve_run;
    w->service.log_fd = STDERR_FILENO;
    w->listen = DEBAR_WITNESS_LISTEN;

    rc = debar_serve_args(w, argc, argv);

    if (rc != -1) {
        free(w);
        return rc;
    }

    debar_service_close_files(&w->service);
    debar_service_harden();
    umask(077);

    if (debar_service_user(&w->service, &user) != DEBAR_OK
        || debar_serve_key(w) != DEBAR_OK
        || debar_witness_state_open(w, &user) != DEBAR_OK
        || debar_serve_listen(w) != DEBAR_OK
        || debar_service_open(&w->service, &user) != DEBAR_OK
        || chdir("/") == -1
        || debar_service_drop(&w->service, &user) != DEBAR_OK)
    {
        rc = DEBAR_EXIT_FAILURE;

    } else {
        (void) debar_service_log(&w->service, "started as uid=%ld gid=%ld (%s)",
                                 (long) user.uid, (long) user.gid, user.why);
        rc = debar_service_start(&w->service);
    }

    EVP_PKEY_free(w->private);
    free(w);

    return rc;
}


/* -1: go on; else the exit code. */

static int
debar_serve_args(debar_witness_t *w, int argc, char **argv)
{
    int  n, ch;

    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", debar_serve_options, NULL))
           != -1)
    {

        n = -1;

        switch (ch) {

        case 'k':
            w->key_file = optarg;
            break;

        case 'p':
            w->pass_file = optarg;
            break;

        case 's':
            w->state = optarg;
            break;

        case 'L':
            n = debar_serve_log(w, optarg);
            break;

        case 'l':
            w->listen = optarg;
            break;

        case 'h':
            fputs(debar_serve_help, stdout);
            return 0;

        default:
            n = debar_service_option(&w->service, ch, optarg);

            if (n == DEBAR_DECLINED) {
                return debar_bad_option(debar_serve_name, ch, argv);
            }
        }

        if (n != -1) {
            return n;
        }
    }

    if (argc != optind) {
        return debar_usage(debar_serve_name, "\"%s\": nothing is named without "
                           "an option", argv[optind]);
    }

    if (w->key_file == NULL || w->state == NULL || w->nlogs == 0) {
        return debar_usage(debar_serve_name, "%s is missing",
                           w->key_file == NULL ? "--key FILE"
                           : w->state == NULL ? "--state DIR" : "--log KEY");
    }

    if (w->service.daemon && w->service.log_arg == NULL) {
        return debar_usage(debar_serve_name, "--daemon needs --output");
    }

    return debar_service_paths(&w->service);
}


/* Keys of one name are of one log. */

static int
debar_serve_log(debar_witness_t *w, const char *arg)
{
    size_t                i;
    unsigned              k;
    debar_vkey_t          key;
    debar_fault_t         fault;
    debar_witness_log_t  *log;

    if (debar_trust_public(&key, arg, &fault) != DEBAR_OK) {
        return debar_say("--log %s", fault.text);
    }

    for (i = 0; i < w->nlogs; i++) {
        if (strcmp(w->logs[i].keys[0].name, key.name) == 0) {
            break;
        }
    }

    if (i == DEBAR_WITNESS_LOGS) {
        return debar_usage(debar_serve_name, "--log %s: more than %d logs", arg,
                           DEBAR_WITNESS_LOGS);
    }

    log = &w->logs[i];
    w->nlogs += i == w->nlogs;

    for (k = 0; k < log->nkeys; k++) {
        if (debar_vkey_same(&log->keys[k], &key)) {
            return -1;
        }
    }

    if (log->nkeys == DEBAR_WITNESS_KEYS) {
        return debar_usage(debar_serve_name, "--log %s: more than %d keys of "
                           "%s", arg, DEBAR_WITNESS_KEYS, key.name);
    }

    log->keys[log->nkeys++] = key;

    return -1;
}


static int
debar_serve_key(debar_witness_t *w)
{
    size_t         i;
    unsigned       k;
    debar_fault_t  fault;

    w->private = debar_trust_open_key_as(&w->key, DEBAR_KEY_COSIGNER,
                                         w->key_file, w->pass_file, &fault);

    if (w->private == NULL) {
        debar_say("%s", fault.text);
        return DEBAR_ERROR;
    }

    for (i = 0; i < w->nlogs; i++) {
        for (k = 0; k < w->logs[i].nkeys; k++) {

            if (debar_vkey_same(&w->logs[i].keys[k], &w->key)) {
                debar_say("--key %s: is the key of the log %s: nobody is their "
                          "own witness", w->key_file, w->logs[i].keys[0].name);
                return DEBAR_ERROR;
            }
        }
    }

    return DEBAR_OK;
}


/* "127.0.0.1:7280", "[::1]:7280": addresses, not names. */

static int
debar_serve_listen(debar_witness_t *w)
{
    int               rc;
    char              host[80], *colon;
    struct addrinfo   hints, *ai;

    snprintf(host, sizeof(host), "%s", w->listen);
    colon = strrchr(host, ':');
    memset(&hints, 0, sizeof(hints));
    hints.ai_flags = AI_NUMERICHOST|AI_NUMERICSERV|AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    ai = NULL;
    rc = EAI_NONAME;

    if (colon && colon > host && strlen(w->listen) < sizeof(host)) {
        *colon = '\0';

        if (host[0] == '[' && colon[-1] == ']') {
            colon[-1] = '\0';
            rc = getaddrinfo(host + 1, colon + 1, &hints, &ai);

        } else if (strchr(host, ':') == NULL) {
            rc = getaddrinfo(host, colon + 1, &hints, &ai);
        }
    }

    if (rc != 0) {
        debar_say("--listen %s: an address and a port are wanted, as "
                  "127.0.0.1:7280 or [::1]:7280", w->listen);
        return DEBAR_ERROR;
    }

    rc = debar_serve_socket(w, ai);
    freeaddrinfo(ai);

    return rc;
}


static int
debar_serve_socket(debar_witness_t *w, const struct addrinfo *ai)
{
    int                      on = 1;
    char                     host[64], port[16];
    socklen_t                len;
    struct sockaddr_storage  ss;

    w->fd = socket(ai->ai_family, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);

    if (w->fd != -1) {
        (void) setsockopt(w->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

        if (ai->ai_family == AF_INET6) {
            (void) setsockopt(w->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
                              sizeof(on));
        }
    }

    len = sizeof(ss);

    if (w->fd == -1 || bind(w->fd, ai->ai_addr, ai->ai_addrlen) == -1
        || listen(w->fd, 128) == -1
        || getsockname(w->fd, (struct sockaddr *) &ss, &len) == -1
        || getnameinfo((struct sockaddr *) &ss, len, host, sizeof(host), port,
                       sizeof(port), NI_NUMERICHOST|NI_NUMERICSERV) != 0)
    {
        debar_say("--listen %s: %s", w->listen, strerror(errno));
        return DEBAR_ERROR;
    }

    snprintf(w->address, sizeof(w->address),
             ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);

    return DEBAR_OK;
}


/* --- life ----------------------------------------------------------------- */

/* ready: where one byte says that it serves, or text why not; -1: none. */

static int
debar_serve_run(debar_service_t *service, int ready)
{
    int               rc;
    debar_fault_t     fault;
    debar_witness_t  *w = (debar_witness_t *) service;

    w->hasher = debar_hasher_new();
    rc = DEBAR_ERROR;

    if (w->hasher == NULL) {
        debar_fault(&fault, "SHA-256 is not to be had from OpenSSL");

    } else {
        rc = debar_witness_state_load(w, &fault);
    }

    if (rc != DEBAR_OK) {

        if (ready != -1) {
            (void) !write(ready, fault.text, strlen(fault.text));
        }

        (void) debar_service_log(service, "%s", fault.text);
        rc = DEBAR_EXIT_FAILURE;

    } else {
        rc = debar_serve_loop(w, ready);
    }

    debar_hasher_free(w->hasher);

    return rc;
}


static int
debar_serve_loop(debar_witness_t *w, int ready)
{
    sigset_t                      mask;
    struct pollfd                 p;
    struct timespec               ts;
    struct MHD_Daemon            *daemon;
    MHD_UNSIGNED_LONG_LONG        ms;
    const union MHD_DaemonInfo   *info;

    debar_service_signals(&w->service, &mask, 0);

    daemon = debar_witness_http(w);
    info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)
                  : NULL;

    if (info == NULL) {
        (void) debar_service_log(&w->service, "libmicrohttpd does not serve at "
                                 "%s", w->address);
        return DEBAR_EXIT_FAILURE;
    }

    debar_serve_told(w);

    if (ready != -1) {
        (void) !write(ready, "", 1);
        close(ready);
    }

    p.fd = info->epoll_fd;
    p.events = POLLIN;

    while (!debar_service_ended) {

        if (MHD_get_timeout(daemon, &ms) != MHD_YES
            || ms > DEBAR_WITNESS_TURN)
        {
            ms = DEBAR_WITNESS_TURN;
        }

        ts.tv_sec = (time_t) (ms / 1000);
        ts.tv_nsec = (long) (ms % 1000) * 1000000;
        (void) ppoll(&p, 1, &ts, &mask);

        if (debar_service_usr1) {
            debar_service_usr1 = 0;
            debar_service_reopen(&w->service);
        }

        debar_witness_http_sweep(w);
        (void) MHD_run(daemon);
    }

    MHD_stop_daemon(daemon);
    (void) debar_service_log(&w->service, "ends");

    return 0;
}


static void
debar_serve_told(debar_witness_t *w)
{
    char                        text[DEBAR_VKEY_TEXT];
    size_t                      i;
    const debar_witness_log_t  *log;

    debar_vkey_text(text, &w->key);
    (void) debar_service_log(&w->service, "witness %s at http://%s", text,
                             w->address);

    for (i = 0; i < w->nlogs; i++) {
        log = &w->logs[i];

        if (log->size) {
            (void) debar_service_log(&w->service, "%s: %" PRIu64 " leaves are "
                                     "cosigned", log->keys[0].name, log->size);

        } else {
            (void) debar_service_log(&w->service, "%s: nothing is cosigned "
                                     "yet, the first checkpoint is taken as "
                                     "it comes", log->keys[0].name);
        }
    }
}

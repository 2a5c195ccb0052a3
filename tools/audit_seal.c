/*
 * debar audit seal, debar audit rotate: the sealer's command and its loop.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "seal.h"
#include "trust.h"


#define DEBAR_SEAL_NAP    20           /* ms between two turns under load */
#define DEBAR_SEAL_TIRED  1000         /* ms until what failed is tried again */
#define DEBAR_SEAL_CLOSE  10000        /* ms for a rotated file to be closed */


static int debar_seal_args(debar_seal_t *s, int argc, char **argv);
static int debar_seal_option(debar_seal_t *s, int ch, const char *value);
static int debar_seal_size(debar_seal_t *s, const char *text);
static int debar_seal_every(debar_seal_t *s, const char *text);
static int debar_seal_lock(debar_seal_t *s);
static int debar_seal_key(debar_seal_t *s);
static int debar_seal_run(debar_service_t *service, int ready);
static int debar_seal_once(debar_seal_t *s);
static void debar_seal_follow(debar_seal_t *s);
static int debar_seal_do(debar_seal_t *s, int flush, int *more);
static int debar_seal_timeout(debar_seal_t *s, int more);
static void debar_seal_accept(debar_seal_t *s);


static const char  debar_seal_help[] =
    "usage: debar audit seal --follow|--once DIR [options]\n"
    "\n"
    "Seals the audit log in DIR (DIR/audit of a gateway): each line becomes a\n"
    "leaf of a Merkle tree (RFC 6962), whose root is signed every second or\n"
    "thousand lines (C2SP checkpoints), in DIR/sealed.  Rotates the log, to\n"
    "DIR/audit-00000001.jsonl and so on.  Where DIR/witness names witnesses, a\n"
    "line with URL and key for each, they are asked each minute to cosign\n"
    "(`debar audit witness ask`).\n"
    "\n"
    "      --follow               until SIGTERM, which seals what is left\n"
    "      --once                 what is there now\n"
    "      --key FILE             of `debar key new`; default DIR/sealer.key\n"
    "      --pass-file FILE       its first line is the passphrase; default\n"
    "                             DIR/sealer.pass where that is there\n"
    "      --every TIME           a checkpoint at least, as 1s or 500ms\n"
    "      --lines N              or after N lines, default 1000\n"
    "      --rotate-size SIZE     as 256m; 0: never; default 256m\n"
    "      --rotate daily|never   at midnight UTC, or not; default daily\n"
    "      --master FILE          pid file of the nginx that writes the log\n"
    "      --policy FILE          nginx.conf: files that are older than its\n"
    "                             debar_audit_keep says are deleted daily\n"
    "      --user NAME|UID        whom to become, where root starts it; default:\n"
    "                             debar-seal, else a free user id\n"
    "      --socket PATH          where `debar audit rotate` and `debar gateway\n"
    "                             status` ask\n"
    "      --daemon               in the background; needs --log\n"
    "      --pid FILE --log FILE\n"
    "      --client-uid UID --client-gid GID  who may ask, too\n"
    "  -h, --help                 this text\n"
    "\n"
    "Exit: 0 done, 1 failure, 2 usage.\n";


int
debar_audit_seal(int argc, char **argv)
{
    int                    rc;
    debar_seal_t          *s;
    debar_service_user_t   user;

    s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return debar_say("seal: no memory");
    }

    s->service.name = "audit seal";
    s->service.what = "the sealer";
    s->service.account = "debar-seal";
    s->service.files = DEBAR_SEAL_OPEN + 64;
    s->service.run = debar_seal_run;
    s->service.log_fd = STDERR_FILENO;
    s->helper = -1;
    s->fd = -1;

    rc = debar_seal_args(s, argc, argv);

    if (rc != -1) {
        free(s);
        return rc;
    }

    debar_service_close_files(&s->service);
    debar_service_harden();
    umask(027);
    debar_seal_user(s);

    if (debar_seal_policy(s, &s->fault) != DEBAR_OK) {
        debar_say("%s", s->fault.text);
        return DEBAR_EXIT_FAILURE;
    }

    if (debar_service_user(&s->service, &user) != DEBAR_OK
        || debar_seal_folder(s, &user) != DEBAR_OK
        || debar_seal_key(s) != DEBAR_OK
        || debar_seal_lock(s) != DEBAR_OK
        || debar_seal_helper(s, &user) != DEBAR_OK
        || debar_service_open(&s->service, &user) != DEBAR_OK)
    {
        return DEBAR_EXIT_FAILURE;
    }

    if (chdir("/") == -1
        || debar_service_drop(&s->service, &user) != DEBAR_OK)
    {
        debar_service_remove(&s->service);
        return DEBAR_EXIT_FAILURE;
    }

    if (!s->once) {
        (void) debar_service_log(&s->service, "started for %s as uid=%ld "
                                 "gid=%ld (%s)", s->path, (long) user.uid,
                                 (long) user.gid, user.why);
    }

    rc = s->once ? debar_seal_run(&s->service, -1)
                 : debar_service_start(&s->service);

    EVP_PKEY_free(s->private);
    free(s);

    return rc;
}


/* -1: go on; else the exit code. */

static int
debar_seal_args(debar_seal_t *s, int argc, char **argv)
{
    int            n, ch, follow;
    debar_audit_t  a;
    debar_fault_t  fault;

    enum { FOLLOW = 256, ONCE };

    static const struct option  options[] = {
        { "follow",      no_argument,       NULL, FOLLOW },
        { "once",        no_argument,       NULL, ONCE },
        { "key",         required_argument, NULL, 'k' },
        { "pass-file",   required_argument, NULL, 'p' },
        { "every",       required_argument, NULL, 'e' },
        { "lines",       required_argument, NULL, 'l' },
        { "rotate-size", required_argument, NULL, 's' },
        { "rotate",      required_argument, NULL, 'r' },
        { "master",      required_argument, NULL, 'm' },
        { "policy",      required_argument, NULL, 'P' },
        { "help",        no_argument,       NULL, 'h' },
        DEBAR_SERVICE_OPTIONS,
        { NULL, 0, NULL, 0 }
    };

    s->every = 1000;
    s->lines = 1000;
    s->rotate_size = 256 << 20;
    s->daily = 1;
    follow = 0;
    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        n = -1;

        if (ch == FOLLOW) {
            follow = 1;

        } else if (ch == ONCE) {
            s->once = 1;

        } else if (ch == 'h') {
            fputs(debar_seal_help, stdout);
            return 0;

        } else if (ch == '?' || ch == ':') {
            return debar_bad_option("debar audit seal", ch, argv);

        } else {
            n = debar_seal_option(s, ch, optarg);
        }

        if (n != -1) {
            return n;
        }
    }

    if (argc - optind != 1 || follow == (int) s->once) {
        return debar_usage("debar audit seal", argc - optind != 1
                           ? "name the folder of one audit log"
                           : "one of --follow and --once is needed");
    }

    if (debar_audit_find(&a, argv[optind], &fault) != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    strcpy(s->path, a.path);

    return debar_service_paths(&s->service);
}


static int
debar_seal_option(debar_seal_t *s, int ch, const char *value)
{
    switch (ch) {

    case 'k':
        s->key_file = value;
        return -1;

    case 'p':
        s->pass_file = value;
        return -1;

    case 'm':
        s->master = value;
        return -1;

    case 'P':
        s->policy = value;
        return -1;

    case 'e':
        return debar_seal_every(s, value);

    case 'l':
        return debar_service_number(&s->service, "--lines", value, 1, 1000000,
                                    &s->lines);

    case 's':
        return debar_seal_size(s, value);

    case 'r':
        if (strcmp(value, "daily") != 0 && strcmp(value, "never") != 0) {
            return debar_usage("debar audit seal", "--rotate \"%s\": daily or "
                               "never", value);
        }

        s->daily = value[0] == 'd';
        return -1;
    }

    return debar_service_option(&s->service, ch, value);
}


static int
debar_seal_size(debar_seal_t *s, const char *text)
{
    char                *end;
    unsigned             shift;
    unsigned long long   n;

    errno = 0;
    n = strtoull(text, &end, 10);
    shift = *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;

    if (errno || !isdigit((unsigned char) *text) || end[shift != 0] != '\0'
        || n > (1ULL << 50) >> shift)
    {
        return debar_usage("debar audit seal", "--rotate-size \"%s\": bytes, "
                           "or with k, m, g behind, as 256m", text);
    }

    s->rotate_size = n << shift;

    return -1;
}


static int
debar_seal_every(debar_seal_t *s, const char *text)
{
    char           *end;
    unsigned long   n;

    errno = 0;
    n = strtoul(text, &end, 10);

    if (!errno && isdigit((unsigned char) *text) && n <= 3600000
        && (strcmp(end, "s") == 0 || strcmp(end, "ms") == 0))
    {
        n *= end[0] == 's' ? 1000 : 1;

        if (n >= 10 && n <= 3600000) {
            s->every = (unsigned) n;
            return -1;
        }
    }

    return debar_usage("debar audit seal", "--every \"%s\": a time from 10ms to "
                       "3600s, as 1s", text);
}


/* One sealer a log: the one that is ending is waited for. */

static int
debar_seal_lock(debar_seal_t *s)
{
    int  i;

    s->lock_fd = openat(s->sealed_fd, "lock", O_RDWR|O_CREAT|O_CLOEXEC
                                              |O_NOFOLLOW, 0640);

    for (i = 0; s->lock_fd != -1 && i < 250; i++) {

        if (flock(s->lock_fd, LOCK_EX|LOCK_NB) == 0) {
            return DEBAR_OK;
        }

        if (errno != EWOULDBLOCK) {
            break;
        }

        debar_nap();
    }

    debar_say("%s/sealed/lock: %s", s->path, s->lock_fd != -1
              && errno == EWOULDBLOCK ? "another sealer is at this log: end it "
              "first" : strerror(errno));

    return DEBAR_ERROR;
}


static int
debar_seal_key(debar_seal_t *s)
{
    char           key[DEBAR_MAX_DIR + 64], pass[DEBAR_MAX_DIR + 64];
    const char    *file, *pass_file;
    debar_fault_t  fault;

    snprintf(key, sizeof(key), "%s/sealer.key", s->path);
    snprintf(pass, sizeof(pass), "%s/sealer.pass", s->path);
    file = s->key_file ? s->key_file : key;
    pass_file = s->pass_file;

    if (pass_file == NULL && s->key_file == NULL && access(pass, F_OK) == 0) {
        pass_file = pass;
    }

    if (access(file, F_OK) == -1) {
        debar_say("%s: %s; `debar key new " DEBAR_CHECKPOINT_ORIGIN "NAME -o "
                  "%s` makes one for the gateway NAME", file, strerror(errno),
                  file);
        return DEBAR_ERROR;
    }

    s->private = debar_trust_open_key(&s->key, file, pass_file, &fault);

    if (s->private == NULL) {
        debar_say("%s", fault.text);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* ready: where one byte says that it seals, or text why not; -1: none. */

static int
debar_seal_run(debar_service_t *service, int ready)
{
    int            rc;
    debar_seal_t  *s = (debar_seal_t *) service;

    s->buffer = malloc(DEBAR_SEAL_BUFFER);
    s->hasher = debar_hasher_new();
    rc = DEBAR_ERROR;

    if (s->buffer == NULL || s->hasher == NULL) {
        debar_fault(&s->fault, "no memory, or OpenSSL has no SHA-256");

    } else {
        rc = debar_seal_load(s);
    }

    if (rc != DEBAR_OK) {

        if (ready == -1) {
            (void) debar_service_log(service, "%s", s->fault.text);

        } else {
            (void) !write(ready, s->fault.text, strlen(s->fault.text));
            (void) debar_service_log(service, "%s", s->fault.text);
        }

        rc = DEBAR_EXIT_FAILURE;

    } else {

        if (ready != -1) {
            (void) !write(ready, "", 1);
            close(ready);
        }

        if (s->once) {
            rc = debar_seal_once(s);

        } else {
            debar_seal_follow(s);
            rc = 0;
        }
    }

    debar_hasher_free(s->hasher);
    free(s->buffer);

    return rc;
}


static int
debar_seal_once(debar_seal_t *s)
{
    int       more;
    uint64_t  until, number;

    until = debar_seal_now() + DEBAR_SEAL_CLOSE;

    do {
        number = s->state.number;

        if (debar_seal_turn(s, 1, &more) != DEBAR_OK) {
            return debar_say("%s", s->fault.text);
        }

        /* behind a file that was rotated there are others */

        more |= s->state.number != number;

        if (!more && (s->rotate || s->rotated)) {

            if (debar_seal_now() > until) {
                return debar_say("%s: the log is not rotated: somebody writes "
                                 "to it: name the pid file of its nginx by "
                                 "--master", s->path);
            }

            debar_nap();
            more = 1;
        }

    } while (more);

    return 0;
}


static void
debar_seal_follow(debar_seal_t *s)
{
    int              n, more;
    char             events[4096], path[64];
    sigset_t         mask;
    struct pollfd    p[2];
    struct timespec  ts;

    debar_service_signals(&s->service, &mask, 0);

    /* of the folder: the log is renamed, and another one comes */

    p[0].fd = inotify_init1(IN_NONBLOCK|IN_CLOEXEC);
    p[0].events = POLLIN;
    p[1].fd = s->service.listener;
    p[1].events = POLLIN;
    snprintf(path, sizeof(path), "/proc/self/fd/%d/.", s->audit_fd);

    if (p[0].fd == -1
        || inotify_add_watch(p[0].fd, path, IN_MODIFY|IN_CREATE|IN_MOVED_TO
                                            |IN_MOVED_FROM|IN_DELETE) == -1)
    {
        (void) debar_service_log(&s->service, "%s: cannot be watched (%s): it "
                                 "is looked at each second", s->path,
                                 strerror(errno));
    }

    more = 1;

    while (!debar_service_ended) {

        n = debar_seal_timeout(s, more);
        ts.tv_sec = n / 1000;
        ts.tv_nsec = n % 1000 * 1000000;
        n = ppoll(p, 2, &ts, &mask);

        if (debar_service_usr1) {
            debar_service_usr1 = 0;
            debar_service_reopen(&s->service);
        }

        if (n > 0 && p[0].revents) {
            while (read(p[0].fd, events, sizeof(events)) > 0) { /* void */ }
        }

        if (n > 0 && p[1].revents) {
            debar_seal_accept(s);
        }

        debar_seal_witness(s);

        /* not a turn for each line */

        if (debar_seal_do(s, 0, &more) == DEBAR_OK && !more && n > 0) {
            debar_nap();
        }

        debar_seal_retain(s);
    }

    debar_seal_retain_stop(s);

    while (debar_seal_do(s, 1, &more) == DEBAR_OK && more) { /* void */ }

    debar_seal_witness_end(s);
    (void) debar_service_log(&s->service, "ends with %" PRIu64 " leaves, %"
                             PRIu64 " bytes not sealed", s->state.size,
                             debar_seal_behind(s));
}


/* A turn; what goes wrong is said once, and tried again from the last state. */

static int
debar_seal_do(debar_seal_t *s, int flush, int *more)
{
    debar_fault_t  fault;

    /* what failed is tried at once, not when the next checkpoint is due */

    if (debar_seal_turn(s, flush || s->failing, more) == DEBAR_OK) {

        if (s->failing) {
            s->failing = 0;
            (void) debar_service_log(&s->service, "seals again");
        }

        return DEBAR_OK;
    }

    fault = s->fault;
    *more = 0;

    if (!s->failing) {
        s->failing = 1;
        (void) debar_service_log(&s->service, "cannot seal: %s", fault.text);
    }

    debar_seal_undo(s);
    s->fault = fault;

    return DEBAR_ERROR;
}


/* ms until the next turn, if nothing happens. */

static int
debar_seal_timeout(debar_seal_t *s, int more)
{
    uint64_t  now, due;

    if (more) {
        return 0;
    }

    if (s->failing) {
        return DEBAR_SEAL_TIRED;
    }

    if (s->rotated) {
        return 2 * DEBAR_SEAL_NAP;
    }

    if (s->next.size == s->state.size) {
        return DEBAR_SEAL_TIRED;
    }

    now = debar_seal_now();
    due = s->since + s->every;

    return due > now ? (int) (due - now) : 0;
}


/* Whoever may ask gets one line of JSON; "rotate" is for root, and for the user
 * that it runs as. */

static void
debar_seal_accept(debar_seal_t *s)
{
    int            fd;
    char           ask[16];
    ssize_t        n;
    debar_buf_t    b;
    socklen_t      len;
    struct ucred   peer;
    struct pollfd  p;

    fd = accept4(s->service.listener, NULL, NULL, SOCK_CLOEXEC|SOCK_NONBLOCK);

    if (fd == -1) {
        return;
    }

    len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1
        || !debar_service_allowed(&s->service, peer.uid))
    {
        close(fd);
        return;
    }

    p.fd = fd;
    p.events = POLLIN;
    n = poll(&p, 1, DEBAR_SEAL_NAP) == 1 ? read(fd, ask, sizeof(ask)) : 0;

    if (n == 7 && memcmp(ask, "rotate\n", 7) == 0
        && (peer.uid == 0 || peer.uid == geteuid()))
    {
        s->rotate = 1;
    }

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "{\"ok\":%s,\"leaves\":%" PRIu64 ",\"file\":%" PRIu64
                     ",\"behind\":%" PRIu64 ",\"torn\":%" PRIu64
                     ",\"rotating\":%s", s->failing ? "false" : "true",
                     s->state.size, s->state.number, debar_seal_behind(s),
                     s->state.torn,
                     s->rotate || s->rotated ? "true" : "false");

    debar_seal_retain_says(s, &b);

    if (s->failing) {
        debar_json_text(&b, "error", s->fault.text, strlen(s->fault.text));
    }

    debar_buf_printf(&b, "}\n");
    (void) send(fd, b.data, b.len, MSG_NOSIGNAL);
    debar_buf_free(&b);
    close(fd);
}

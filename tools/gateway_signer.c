/*
 * The signer of a gateway that inspects: `debar sign`, started before nginx and
 * ended after it.
 */

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "tools.h"


#define DEBAR_SIGNER_MS  10000


typedef struct {
    char          binary[PATH_MAX];
    char          cert[DEBAR_MAX_DIR + 64];
    char          key[DEBAR_MAX_DIR + 64];
    char          pass[DEBAR_MAX_DIR + 64];
    char          socket[DEBAR_MAX_DIR + 64];
    char          pid[DEBAR_MAX_DIR + 64];
    char          log[DEBAR_MAX_DIR + 64];
    char          user[128];
    char          client_uid[16];
    char          client_gid[16];
    const char   *argv[28];
} debar_signer_t;


static int debar_signer_spawn(const debar_gateway_t *g);
static int debar_signer_key(const debar_gateway_t *g, debar_signer_t *s);
static void debar_signer_clients(const debar_gateway_t *g, debar_signer_t *s);
static void debar_signer_workers(const debar_gateway_t *g, uid_t *uid,
    gid_t *gid);
static int debar_signer_answers(const debar_gateway_t *g);
static int debar_signer_line(const debar_gateway_t *g, const char *name,
    char *line, size_t size);
static size_t debar_signer_directive(const char *line, const char *name,
    const char **value);


/* Whether nginx.conf asks the signer of this folder. */

int
debar_signer_wanted(const debar_gateway_t *g)
{
    int          wanted;
    char         path[DEBAR_MAX_DIR + 64], mine[DEBAR_MAX_DIR + 80], *line;
    FILE        *f;
    size_t       n, size;
    const char  *value;

    debar_gateway_path(g, "run/sign.sock", path, sizeof(path));
    snprintf(mine, sizeof(mine), "unix:%s", path);
    debar_gateway_path(g, "nginx.conf", path, sizeof(path));

    f = fopen(path, "re");
    if (f == NULL) {
        return 0;
    }

    wanted = 0;
    line = NULL;
    size = 0;

    while (!wanted && getline(&line, &size, f) != -1) {
        n = debar_signer_directive(line, "debar_sign", &value);
        wanted = n == strlen(mine) && memcmp(value, mine, n) == 0;
    }

    free(line);
    fclose(f);

    return wanted;
}


long
debar_signer_pid(const debar_gateway_t *g)
{
    char  path[DEBAR_MAX_DIR + 64];

    debar_gateway_path(g, "run/sign.sock", path, sizeof(path));

    return debar_gateway_pid_file(g, "run/sign.pid", path);
}


/* Whose process it is; -1: unknown.  Of one that cannot be dumped the owner of
 * /proc/PID says nothing. */

long
debar_signer_uid(long pid)
{
    long   uid;
    char   path[64], line[256];
    FILE  *f;

    snprintf(path, sizeof(path), "/proc/%ld/status", pid);

    f = fopen(path, "re");
    if (f == NULL) {
        return -1;
    }

    uid = -1;

    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, "Uid:", 4) == 0) {
            (void) sscanf(line + 4, "%*d %ld", &uid);
        }
    }

    fclose(f);

    return uid;
}


long
debar_signer_minted(const debar_gateway_t *g)
{
    long     n;
    char     path[DEBAR_MAX_DIR + 64], *line;
    FILE    *f;
    size_t   size;

    debar_gateway_path(g, "logs/sign.log", path, sizeof(path));

    f = fopen(path, "re");
    if (f == NULL) {
        return 0;
    }

    n = 0;
    line = NULL;
    size = 0;

    while (getline(&line, &size, f) != -1) {
        if (strstr(line, " minted name=")) {
            n++;

        } else if (strstr(line, " started on ")) {
            n = 0;
        }
    }

    free(line);
    fclose(f);

    return n;
}


int
debar_signer_start(const debar_gateway_t *g)
{
    int   i;
    long  pid;
    char  path[DEBAR_MAX_DIR + 64];

    if (debar_signer_pid(g) && debar_signer_answers(g)) {
        return DEBAR_OK;
    }

    /* one that does not answer would keep the socket from the next */

    if (debar_signer_stop(g) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_gateway_path(g, "run/sign.sock", path, sizeof(path));
    (void) unlink(path);

    if (debar_signer_spawn(g) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < DEBAR_SIGNER_MS / 20; i++) {
        pid = debar_signer_pid(g);

        if (pid && debar_signer_answers(g)) {
            printf("%s: the signer runs (pid %ld, uid %ld)\n", g->path, pid,
                   debar_signer_uid(pid));
            return DEBAR_OK;
        }

        debar_nap();
    }

    debar_say("the signer does not answer at %s; its log is "
              "%s/logs/sign.log", path, g->path);

    return DEBAR_ERROR;
}


int
debar_signer_stop(const debar_gateway_t *g)
{
    int     i, sig;
    long    pid;
    size_t  n;
    char    path[DEBAR_MAX_DIR + 64];

    static const char *const  left[] = { "run/sign.sock", "run/sign.pid" };

    pid = debar_signer_pid(g);
    sig = SIGTERM;

    for (i = 0; pid && i < DEBAR_SIGNER_MS / 20; i++) {

        if (i == DEBAR_SIGNER_MS / 40) {
            sig = SIGKILL;
        }

        if (i == 0 || sig == SIGKILL) {
            if (kill((pid_t) pid, sig) != 0 && errno != ESRCH) {
                debar_say("cannot stop the signer, pid %ld: %s", pid,
                          strerror(errno));
                return DEBAR_ERROR;
            }
        }

        debar_nap();

        if (kill((pid_t) pid, 0) != 0 || debar_signer_pid(g) != pid) {
            pid = 0;
        }
    }

    if (pid) {
        debar_say("the signer, pid %ld, does not end; its log is "
                  "%s/logs/sign.log", pid, g->path);
        return DEBAR_ERROR;
    }

    /* it cannot take them away itself: the folder is not its own */

    for (n = 0; n < sizeof(left) / sizeof(left[0]); n++) {
        debar_gateway_path(g, left[n], path, sizeof(path));
        (void) unlink(path);
    }

    return DEBAR_OK;
}


static int
debar_signer_spawn(const debar_gateway_t *g)
{
    int              n, rc;
    ssize_t          len;
    debar_buf_t      out;
    debar_signer_t   s;

    memset(&s, 0, sizeof(s));

    len = readlink("/proc/self/exe", s.binary, sizeof(s.binary) - 1);
    if (len <= 0) {
        debar_say("/proc/self/exe: %s", strerror(errno));
        return DEBAR_ERROR;
    }

    if (debar_signer_key(g, &s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_gateway_path(g, "ca/ca.pem", s.cert, sizeof(s.cert));
    debar_gateway_path(g, "run/sign.sock", s.socket, sizeof(s.socket));
    debar_gateway_path(g, "run/sign.pid", s.pid, sizeof(s.pid));
    debar_gateway_path(g, "logs/sign.log", s.log, sizeof(s.log));
    debar_signer_clients(g, &s);

    n = 0;
    s.argv[n++] = s.binary;
    s.argv[n++] = "sign";
    s.argv[n++] = "--ca";
    s.argv[n++] = s.cert;
    s.argv[n++] = "--key";
    s.argv[n++] = s.key;
    s.argv[n++] = "--socket";
    s.argv[n++] = s.socket;
    s.argv[n++] = "--pid";
    s.argv[n++] = s.pid;
    s.argv[n++] = "--log";
    s.argv[n++] = s.log;
    s.argv[n++] = "--client-uid";
    s.argv[n++] = s.client_uid;
    s.argv[n++] = "--client-gid";
    s.argv[n++] = s.client_gid;
    s.argv[n++] = "--daemon";

    debar_gateway_path(g, "ca/ca.pass", s.pass, sizeof(s.pass));

    if (access(s.pass, F_OK) == 0) {
        s.argv[n++] = "--passphrase";
        s.argv[n++] = s.pass;
    }

    if (s.user[0]) {
        s.argv[n++] = "--user";
        s.argv[n++] = s.user;
    }

    memset(&out, 0, sizeof(out));
    rc = debar_gateway_run(s.argv, &out);

    OPENSSL_cleanse(s.key, sizeof(s.key));

    debar_gateway_tell(&out);
    debar_buf_free(&out);

    if (rc != 0) {
        debar_say("the signer of %s was not started", g->path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_signer_key(const debar_gateway_t *g, debar_signer_t *s)
{
    char  path[DEBAR_MAX_DIR + 64];

    debar_gateway_path(g, "ca/ca.key", s->key, sizeof(s->key));
    debar_gateway_path(g, "ca/ca.key.uri", path, sizeof(path));

    if (access(path, F_OK) == 0) {
        return debar_signer_line(g, "ca/ca.key.uri", s->key, sizeof(s->key));
    }

    if (access(s->key, F_OK) != 0) {
        debar_say("%s: %s; debar gateway init %s --inspect makes a CA, with "
                  "--ca CERT --ca-key KEY it takes yours", s->key,
                  strerror(errno), g->path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* Who may ask, and whom the signer is given to. */

static void
debar_signer_clients(const debar_gateway_t *g, debar_signer_t *s)
{
    uid_t  uid;
    gid_t  gid;
    char   path[DEBAR_MAX_DIR + 64];

    if (geteuid() != 0) {
        uid = geteuid();
        gid = getegid();
        snprintf(s->user, sizeof(s->user), "%lu", (unsigned long) uid);

    } else {
        debar_signer_workers(g, &uid, &gid);
        debar_gateway_path(g, "ca/sign.user", path, sizeof(path));

        if (access(path, F_OK) == 0) {
            (void) debar_signer_line(g, "ca/sign.user", s->user,
                                     sizeof(s->user));
        }
    }

    snprintf(s->client_uid, sizeof(s->client_uid), "%lu", (unsigned long) uid);
    snprintf(s->client_gid, sizeof(s->client_gid), "%lu", (unsigned long) gid);
}


/* As nginx reads "user NAME [GROUP];"; without it, nobody. */

static void
debar_signer_workers(const debar_gateway_t *g, uid_t *uid, gid_t *gid)
{
    char            path[DEBAR_MAX_DIR + 64], name[64], group[64], *line;
    FILE           *f;
    size_t          n, size;
    const char     *value;
    struct group   *gr;
    struct passwd  *pw;

    strcpy(name, "nobody");
    group[0] = '\0';
    debar_gateway_path(g, "nginx.conf", path, sizeof(path));

    f = fopen(path, "re");
    line = NULL;
    size = 0;

    while (f && getline(&line, &size, f) != -1) {
        n = debar_signer_directive(line, "user", &value);

        if (n) {
            snprintf(name, sizeof(name), "%.*s", (int) n, value);
            (void) sscanf(value + n, "%*[ \t\"]%63[^ \t;\"]", group);
            break;
        }
    }

    free(line);

    if (f) {
        fclose(f);
    }

    pw = getpwnam(name);
    gr = group[0] ? getgrnam(group) : NULL;

    *uid = pw ? pw->pw_uid : 0;
    *gid = gr ? gr->gr_gid : pw ? pw->pw_gid : 0;
}


static int
debar_signer_answers(const debar_gateway_t *g)
{
    int                 fd, rc;
    char                path[DEBAR_MAX_DIR + 64];
    struct sockaddr_un  sun;

    debar_gateway_path(g, "run/sign.sock", path, sizeof(path));

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sun.sun_path)) {
        return 0;
    }

    strcpy(sun.sun_path, path);

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return 0;
    }

    rc = connect(fd, (struct sockaddr *) &sun, sizeof(sun));
    close(fd);

    return rc == 0;
}


/* The first line of a small file. */

static int
debar_signer_line(const debar_gateway_t *g, const char *name, char *line,
    size_t size)
{
    char   path[DEBAR_MAX_DIR + 64];
    FILE  *f;

    debar_gateway_path(g, name, path, sizeof(path));

    f = fopen(path, "re");

    if (f == NULL || fgets(line, (int) size, f) == NULL) {
        debar_say("%s: %s", path, f ? "is empty" : strerror(errno));

        if (f) {
            fclose(f);
        }

        return DEBAR_ERROR;
    }

    fclose(f);
    line[strcspn(line, "\r\n")] = '\0';

    return DEBAR_OK;
}


/* The first argument of a directive that stands on a line of its own; 0: it is
 * another line. */

static size_t
debar_signer_directive(const char *line, const char *name, const char **value)
{
    size_t  n;

    n = strlen(name);
    line += strspn(line, " \t");

    if (strncmp(line, name, n) != 0 || !isspace((unsigned char) line[n])) {
        return 0;
    }

    line += n;
    line += strspn(line, " \t");

    if (*line == '"') {
        *value = line + 1;
        return strcspn(line + 1, "\"\n");
    }

    *value = line;

    return strcspn(line, " \t;\n");
}

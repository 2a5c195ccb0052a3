/*
 * The processes beside a gateway's nginx: the signer (`debar sign`), the
 * inspector (`debar inspect --serve`) and the sealer (`debar audit seal`),
 * started before it and ended after it.
 */

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "tools.h"


#define DEBAR_SERVICE_MS    10000
#define DEBAR_SERVICE_PATH  (DEBAR_MAX_DIR + 64)


typedef struct {
    char          binary[PATH_MAX];
    char          socket[DEBAR_SERVICE_PATH];
    char          pid[DEBAR_SERVICE_PATH];
    char          log[DEBAR_SERVICE_PATH];
    char          user[128];
    char          client_uid[16];
    char          client_gid[16];
} debar_spawn_t;


static int debar_service_spawn(const debar_gateway_t *g,
    const debar_beside_t *b);
static void debar_service_clients(const debar_gateway_t *g,
    const debar_beside_t *b, debar_spawn_t *s);
static void debar_service_workers(const debar_gateway_t *g, uid_t *uid,
    gid_t *gid);
static int debar_service_answers(const debar_gateway_t *g,
    const debar_beside_t *b);
static size_t debar_service_directive(const char *line, const char *name,
    const char **value);


const debar_beside_t  debar_beside[] = {
    { "signer", NULL, "sign", "debar_sign", "ca/sign.user",
      debar_signer_args },
    { "inspector", NULL, "inspect", "debar_inspector", NULL,
      debar_inspector_args },
    { "sealer", "audit", "seal", NULL, "audit/sealer.user",
      debar_sealer_args },
    { NULL, NULL, NULL, NULL, NULL, NULL }
};


int
debar_beside_start_all(const debar_gateway_t *g)
{
    const debar_beside_t  *b;

    for (b = debar_beside; b->name; b++) {
        if (debar_beside_wanted(g, b)
            && debar_beside_start(g, b) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


int
debar_beside_stop_all(const debar_gateway_t *g)
{
    int                    rc;
    const debar_beside_t  *b;

    rc = DEBAR_OK;

    for (b = debar_beside; b->name; b++) {
        if (debar_beside_stop(g, b) != DEBAR_OK) {
            rc = DEBAR_ERROR;
        }
    }

    return rc;
}


/* Its files: "run/sign" + ".sock". */

static void
debar_beside_path(const debar_gateway_t *g, const debar_beside_t *b,
    const char *folder, const char *suffix, char *path, size_t size)
{
    char  name[64];

    snprintf(name, sizeof(name), "%s/%s%s", folder, b->file, suffix);
    debar_gateway_path(g, name, path, size);
}


/* Whether nginx.conf asks the one of this folder. */

int
debar_beside_wanted(const debar_gateway_t *g, const debar_beside_t *b)
{
    int          wanted;
    char         path[DEBAR_MAX_DIR + 64], mine[DEBAR_MAX_DIR + 80], *line;
    FILE        *f;
    size_t       n, size;
    const char  *value;

    if (b->directive == NULL) {
        debar_gateway_path(g, DEBAR_SEALER_KEY, path, sizeof(path));
        return access(path, F_OK) == 0;
    }

    debar_beside_path(g, b, "run", ".sock", path, sizeof(path));
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
        n = debar_service_directive(line, b->directive, &value);
        wanted = n == strlen(mine) && memcmp(value, mine, n) == 0;
    }

    free(line);
    fclose(f);

    return wanted;
}


long
debar_beside_pid(const debar_gateway_t *g, const debar_beside_t *b)
{
    char  path[DEBAR_SERVICE_PATH], name[64];

    debar_beside_path(g, b, "run", ".sock", path, sizeof(path));

    snprintf(name, sizeof(name), "run/%s.pid", b->file);

    return debar_gateway_pid_file(g, name, path);
}


/* Whose process it is; -1: unknown.  Of one that cannot be dumped the owner of
 * /proc/PID says nothing. */

long
debar_beside_uid(long pid)
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


int
debar_beside_start(const debar_gateway_t *g, const debar_beside_t *b)
{
    int   i;
    long  pid;
    char  path[DEBAR_SERVICE_PATH];

    if (debar_beside_pid(g, b) && debar_service_answers(g, b)) {
        return DEBAR_OK;
    }

    /* one that does not answer would keep the socket from the next */

    if (debar_beside_stop(g, b) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_beside_path(g, b, "run", ".sock", path, sizeof(path));
    (void) unlink(path);

    if (debar_service_spawn(g, b) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < DEBAR_SERVICE_MS / 20; i++) {
        pid = debar_beside_pid(g, b);

        if (pid && debar_service_answers(g, b)) {
            printf("%s: the %s runs (pid %ld, uid %ld)\n", g->path, b->name,
                   pid, debar_beside_uid(pid));
            return DEBAR_OK;
        }

        debar_nap();
    }

    debar_say("the %s does not answer at %s; its log is %s/logs/%s.log",
              b->name, path, g->path, b->file);

    return DEBAR_ERROR;
}


int
debar_beside_stop(const debar_gateway_t *g, const debar_beside_t *b)
{
    int     i, sig;
    long    pid;
    size_t  n;
    char    path[DEBAR_MAX_DIR + 64];

    static const char *const  left[] = { ".sock", ".pid" };

    pid = debar_beside_pid(g, b);
    sig = SIGTERM;

    for (i = 0; pid && i < DEBAR_SERVICE_MS / 20; i++) {

        if (i == DEBAR_SERVICE_MS / 40) {
            sig = SIGKILL;
        }

        if (i == 0 || sig == SIGKILL) {
            if (kill((pid_t) pid, sig) != 0 && errno != ESRCH) {
                debar_say("cannot stop the %s, pid %ld: %s", b->name, pid,
                          strerror(errno));
                return DEBAR_ERROR;
            }
        }

        debar_nap();

        if (kill((pid_t) pid, 0) != 0 || debar_beside_pid(g, b) != pid) {
            pid = 0;
        }
    }

    if (pid) {
        debar_say("the %s, pid %ld, does not end; its log is %s/logs/%s.log",
                  b->name, pid, g->path, b->file);
        return DEBAR_ERROR;
    }

    /* it cannot take them away itself: the folder is not its own */

    for (n = 0; n < sizeof(left) / sizeof(left[0]); n++) {
        debar_beside_path(g, b, "run", left[n], path, sizeof(path));
        (void) unlink(path);
    }

    return DEBAR_OK;
}


static int
debar_service_spawn(const debar_gateway_t *g, const debar_beside_t *b)
{
    int                  n, rc;
    ssize_t              len;
    debar_buf_t          out;
    debar_spawn_t        s;
    debar_beside_own_t   own;
    const char          *argv[40];

    memset(&s, 0, sizeof(s));
    memset(&own, 0, sizeof(own));

    len = readlink("/proc/self/exe", s.binary, sizeof(s.binary) - 1);
    if (len <= 0) {
        debar_say("/proc/self/exe: %s", strerror(errno));
        return DEBAR_ERROR;
    }

    debar_beside_path(g, b, "run", ".sock", s.socket, sizeof(s.socket));
    debar_beside_path(g, b, "run", ".pid", s.pid, sizeof(s.pid));
    debar_beside_path(g, b, "logs", ".log", s.log, sizeof(s.log));
    debar_service_clients(g, b, &s);

    n = 0;
    argv[n++] = s.binary;

    if (b->family) {
        argv[n++] = b->family;
    }

    argv[n++] = b->file;
    argv[n++] = "--socket";
    argv[n++] = s.socket;
    argv[n++] = "--pid";
    argv[n++] = s.pid;
    argv[n++] = "--log";
    argv[n++] = s.log;
    argv[n++] = "--client-uid";
    argv[n++] = s.client_uid;
    argv[n++] = "--client-gid";
    argv[n++] = s.client_gid;
    argv[n++] = "--daemon";

    if (s.user[0]) {
        argv[n++] = "--user";
        argv[n++] = s.user;
    }

    if (b->args(g, &own) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (rc = 0; own.argv[rc]; rc++) {
        argv[n++] = own.argv[rc];
    }

    argv[n] = NULL;

    memset(&out, 0, sizeof(out));
    rc = debar_gateway_run(argv, &out);

    OPENSSL_cleanse(&own, sizeof(own));

    debar_gateway_tell(&out);
    debar_buf_free(&out);

    if (rc != 0) {
        debar_say("the %s of %s was not started", b->name, g->path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* Who may ask, and whom the signer is given to. */

static void
debar_service_clients(const debar_gateway_t *g, const debar_beside_t *b,
    debar_spawn_t *s)
{
    uid_t  uid;
    gid_t  gid;
    char   path[DEBAR_MAX_DIR + 64];

    if (geteuid() != 0) {
        uid = geteuid();
        gid = getegid();
        snprintf(s->user, sizeof(s->user), "%lu", (unsigned long) uid);

    } else {
        debar_service_workers(g, &uid, &gid);
        debar_gateway_path(g, b->user ? b->user : "", path, sizeof(path));

        if (b->user && access(path, F_OK) == 0) {
            (void) debar_beside_line(g, b->user, s->user, sizeof(s->user));
        }
    }

    snprintf(s->client_uid, sizeof(s->client_uid), "%lu", (unsigned long) uid);
    snprintf(s->client_gid, sizeof(s->client_gid), "%lu", (unsigned long) gid);
}


/* As nginx reads "user NAME [GROUP];"; without it, nobody. */

static void
debar_service_workers(const debar_gateway_t *g, uid_t *uid, gid_t *gid)
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
        n = debar_service_directive(line, "user", &value);

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
debar_service_answers(const debar_gateway_t *g, const debar_beside_t *b)
{
    int                 fd, rc;
    char                path[DEBAR_MAX_DIR + 64];
    struct sockaddr_un  sun;

    debar_beside_path(g, b, "run", ".sock", path, sizeof(path));

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


/* The first argument of a directive that stands on a line of its own; 0: it is
 * another line. */

static size_t
debar_service_directive(const char *line, const char *name, const char **value)
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


/* The first line of a small file. */

int
debar_beside_line(const debar_gateway_t *g, const char *name, char *line,
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

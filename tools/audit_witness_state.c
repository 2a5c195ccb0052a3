/*
 * What a witness knows: of each log the last checkpoint that it cosigned.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/sha.h>

#include "trust.h"
#include "audit_witness.h"


#define DEBAR_WITNESS_LAST  ".checkpoint"
#define DEBAR_WITNESS_FORK  ".fork"
#define DEBAR_WITNESS_NOTE  (16 << 10)       /* bytes of such a file */


static void debar_witness_file(char out[DEBAR_WITNESS_FILE],
    const char *origin, const char *suffix);
static int debar_witness_own(debar_witness_t *w, const debar_service_user_t *u);
static int debar_witness_load_one(debar_witness_t *w, debar_witness_log_t *log,
    debar_fault_t *fault);
static int debar_witness_read(debar_buf_t *out, int dir, const char *name,
    debar_fault_t *fault);
static int debar_witness_put(int dir, const char *name, const debar_buf_t *b,
    int flags);
static int debar_witness_show_one(int dir, const char *name,
    const char *origin, unsigned json, unsigned *shown);


/* A name of any log as one of a file. */

static void
debar_witness_file(char out[DEBAR_WITNESS_FILE], const char *origin,
    const char *suffix)
{
    int      i;
    uint8_t  hash[SHA256_DIGEST_LENGTH];

    SHA256((const uint8_t *) origin, strlen(origin), hash);

    for (i = 0; i < 16; i++) {
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    }

    snprintf(out + 32, DEBAR_WITNESS_FILE - 32, "%s", suffix);
}


int
debar_witness_state_open(debar_witness_t *w, const debar_service_user_t *u)
{
    if (mkdir(w->state, 0700) == -1 && errno != EEXIST) {
        debar_say("--state %s: cannot be made: %s", w->state, strerror(errno));
        return DEBAR_ERROR;
    }

    w->state_fd = open(w->state, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (w->state_fd == -1 || debar_witness_own(w, u) != DEBAR_OK) {
        debar_say("--state %s: %s: name a folder that uid %ld may write to",
                  w->state, strerror(errno), (long) u->uid);
        return DEBAR_ERROR;
    }

    w->lock_fd = openat(w->state_fd, "lock", O_RDWR|O_CREAT|O_CLOEXEC
                                             |O_NOFOLLOW, 0600);

    if (w->lock_fd == -1 || flock(w->lock_fd, LOCK_EX|LOCK_NB) == -1) {
        debar_say("--state %s/lock: %s", w->state, w->lock_fd != -1
                  && errno == EWOULDBLOCK ? "another witness works there: two "
                  "would sign both sides of a fork: end it first"
                  : strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* The folder and what is in it: another user may have worked there. */

static int
debar_witness_own(debar_witness_t *w, const debar_service_user_t *u)
{
    int             fd;
    DIR            *d;
    struct stat     st;
    struct dirent  *e;

    if (geteuid() != 0 || fstat(w->state_fd, &st) == -1
        || st.st_uid == u->uid)
    {
        return DEBAR_OK;
    }

    fd = openat(w->state_fd, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    d = fd == -1 ? NULL : fdopendir(fd);

    if (d == NULL) {
        return DEBAR_ERROR;
    }

    while ((e = readdir(d))) {

        if (e->d_name[0] != '.'
            && fchownat(fd, e->d_name, u->uid, u->gid, AT_SYMLINK_NOFOLLOW)
               == -1)
        {
            closedir(d);
            return DEBAR_ERROR;
        }
    }

    closedir(d);

    return fchown(w->state_fd, u->uid, u->gid) == 0
           && fchmod(w->state_fd, 0700) == 0 ? DEBAR_OK : DEBAR_ERROR;
}


int
debar_witness_state_load(debar_witness_t *w, debar_fault_t *fault)
{
    size_t  i;

    for (i = 0; i < w->nlogs; i++) {
        if (debar_witness_load_one(w, &w->logs[i], fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_witness_load_one(debar_witness_t *w, debar_witness_log_t *log,
    debar_fault_t *fault)
{
    int                  rc, good;
    char                 name[DEBAR_WITNESS_FILE];
    unsigned             i;
    uint64_t             when;
    debar_buf_t          data;
    debar_note_t         note;
    debar_checkpoint_t   c;

    log->size = 0;
    debar_witness_file(name, log->keys[0].name, DEBAR_WITNESS_LAST);
    rc = debar_witness_read(&data, w->state_fd, name, fault);

    if (rc == DEBAR_DECLINED) {
        return DEBAR_OK;
    }

    if (rc == DEBAR_OK) {
        rc = debar_note_parse(&note, name, data.data, data.len, 0, fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_checkpoint_parse(&c, name, note.text, fault);
    }

    if (rc == DEBAR_OK) {
        good = debar_note_cosigned(&note, &w->key, &when) == DEBAR_OK;

        for (i = 0; !good && i < log->nkeys; i++) {
            good = debar_note_signed(&note, &log->keys[i]) == DEBAR_OK;
        }

        if (!good || strcmp(c.origin, log->keys[0].name) != 0) {
            debar_fault(fault, "%s: neither the log's signature nor ours is in "
                        "it", name);
            rc = DEBAR_ERROR;
        }
    }

    debar_buf_free(&data);

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s/%s: what was cosigned of %s cannot be read: "
                    "take it from a copy; without it a fork could be signed",
                    w->state, name, log->keys[0].name);
        return DEBAR_ERROR;
    }

    log->size = c.size;
    memcpy(log->root, c.root, DEBAR_HASH);

    return DEBAR_OK;
}


/* DEBAR_DECLINED: it is not there. */

static int
debar_witness_read(debar_buf_t *out, int dir, const char *name,
    debar_fault_t *fault)
{
    int      fd;
    char     block[4096];
    ssize_t  n;

    memset(out, 0, sizeof(*out));
    fd = openat(dir, name, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == -1) {
        debar_fault(fault, "%s: %s", name, strerror(errno));
        return errno == ENOENT ? DEBAR_DECLINED : DEBAR_ERROR;
    }

    do {
        n = read(fd, block, sizeof(block));

        if (n > 0) {
            debar_buf_add(out, block, (size_t) n);
        }

    } while ((n > 0 && out->len < DEBAR_WITNESS_NOTE)
             || (n == -1 && errno == EINTR));

    close(fd);

    if (n == -1 || out->len >= DEBAR_WITNESS_NOTE) {
        debar_fault(fault, "%s: %s", name, n == -1 ? strerror(errno)
                                                   : "is too large");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_witness_state_keep(debar_witness_t *w, const debar_witness_answer_t *a,
    const debar_buf_t *line, debar_fault_t *fault)
{
    int          rc;
    char         name[DEBAR_WITNESS_FILE], made[DEBAR_WITNESS_FILE];
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));
    debar_buf_add(&b, a->text.data, a->text.len);
    debar_buf_add(&b, "\n", 1);
    debar_note_line_text(&b, &a->signature);
    debar_buf_add(&b, line->data, line->len);

    debar_witness_file(name, a->checkpoint.origin, DEBAR_WITNESS_LAST);
    debar_witness_file(made, a->checkpoint.origin, ".new");

    /* what could not be read again is not kept */

    rc = b.len >= DEBAR_WITNESS_NOTE ? EFBIG
         : debar_witness_put(w->state_fd, made, &b, O_TRUNC);
    debar_buf_free(&b);

    if (rc == 0 && renameat(w->state_fd, made, w->state_fd, name) == -1) {
        rc = errno;
    }

    if (rc == 0 && fsync(w->state_fd) == -1) {
        rc = errno;
    }

    if (rc == 0) {
        return DEBAR_OK;
    }

    (void) unlinkat(w->state_fd, made, 0);
    debar_fault(fault, "%.300s/%s: %s: nothing is cosigned meanwhile",
                w->state, name, strerror(rc));

    return DEBAR_ERROR;
}


/* Written and on the disk: 0, or why not. */

static int
debar_witness_put(int dir, const char *name, const debar_buf_t *b, int flags)
{
    int      fd, rc;
    size_t   done;
    ssize_t  n;

    fd = openat(dir, name, O_WRONLY|O_CREAT|O_CLOEXEC|O_NOFOLLOW|flags, 0600);

    if (fd == -1) {
        return errno;
    }

    rc = 0;

    for (done = 0; rc == 0 && done < b->len; done += (size_t) n) {

        n = write(fd, b->data + done, b->len - done);

        if (n == -1 && errno == EINTR) {
            n = 0;

        } else if (n <= 0) {
            rc = n ? errno : EIO;
            n = 0;
        }
    }

    if (rc == 0 && fsync(fd) == -1) {
        rc = errno;
    }

    if (close(fd) == -1 && rc == 0) {
        rc = errno;
    }

    return rc;
}


void
debar_witness_state_fork(debar_witness_t *w, const debar_witness_answer_t *a)
{
    char           name[DEBAR_WITNESS_FILE];
    debar_buf_t    both, note;
    debar_fault_t  fault;

    debar_witness_file(name, a->checkpoint.origin, DEBAR_WITNESS_LAST);

    if (debar_witness_read(&note, w->state_fd, name, &fault) != DEBAR_OK) {
        debar_buf_free(&note);
        return;
    }

    memset(&both, 0, sizeof(both));
    debar_checkpoints_add(&both, debar_str(note.data, note.len));

    note.len = 0;
    debar_buf_add(&note, a->text.data, a->text.len);
    debar_buf_add(&note, "\n", 1);
    debar_note_line_text(&note, &a->signature);
    debar_checkpoints_add(&both, debar_str(note.data, note.len));

    /* the first stays */

    debar_witness_file(name, a->checkpoint.origin, DEBAR_WITNESS_FORK);

    if (both.len < 2 * DEBAR_WITNESS_NOTE
        && debar_witness_put(w->state_fd, name, &both, O_EXCL) == 0)
    {
        (void) fsync(w->state_fd);
        (void) debar_service_log(&w->service, "%s has signed two roots for its "
                                 "%" PRIu64 " leaves: both are in %s/%s",
                                 a->checkpoint.origin, a->checkpoint.size,
                                 w->state, name);
    }

    debar_buf_free(&note);
    debar_buf_free(&both);
}


/* --- debar audit witness show --------------------------------------------- */

static const char  debar_witness_show_name[] = "debar audit witness show";

static const char  debar_witness_show_help[] =
    "usage: debar audit witness show FOLDER [LOG] [--json]\n"
    "\n"
    "Prints what the witness whose --state is FOLDER has cosigned last, of each\n"
    "log.  With LOG, its name, the note as it is: `debar audit verify DIR\n"
    "--checkpoint` finds out by it whether the log goes on from there.\n"
    "\n"
    "      --json  a JSON object for each log: log, size, time, note\n"
    "  -h, --help  this text\n"
    "\n"
    "Exit: 0 done, 1 nothing is known, 2 usage.\n";


int
debar_witness_show(int argc, char **argv)
{
    int                         c, i, n, dir, rc;
    unsigned                    json, shown;
    const char                 *origin;
    struct dirent             **list;
    static const struct option  options[] = {
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    json = 0;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        if (c == 'j') {
            json = 1;

        } else if (c == 'h') {
            fputs(debar_witness_show_help, stdout);
            return 0;

        } else {
            return debar_bad_option(debar_witness_show_name, c, argv);
        }
    }

    if (argc - optind < 1 || argc - optind > 2) {
        return debar_usage(debar_witness_show_name, "name the witness's "
                           "folder, and a log if you want its note alone");
    }

    origin = argc - optind == 2 ? argv[optind + 1] : NULL;
    dir = open(argv[optind], O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    n = dir == -1 ? -1 : scandir(argv[optind], &list, NULL, alphasort);

    if (n == -1) {
        return debar_say("%s: %s: name the folder that `debar audit witness "
                         "serve --state` has", argv[optind], strerror(errno));
    }

    shown = 0;
    rc = 0;

    for (i = 0; i < n; i++) {
        if (debar_witness_show_one(dir, list[i]->d_name, origin, json, &shown)
            != DEBAR_OK)
        {
            rc = DEBAR_EXIT_FAILURE;
        }

        free(list[i]);
    }

    free(list);
    close(dir);

    if (shown == 0 && rc == 0) {
        return debar_say("%s: %s%s", argv[optind], origin
                         ? "no checkpoint is cosigned of " : "nothing is "
                         "cosigned yet", origin ? origin : "");
    }

    return rc;
}


static int
debar_witness_show_one(int dir, const char *name, const char *origin,
    unsigned json, unsigned *shown)
{
    char                 when[24];
    size_t               i, len, tail;
    uint64_t             seconds;
    debar_buf_t          data, b;
    debar_note_t         note;
    debar_fault_t        fault;
    debar_checkpoint_t   c;

    len = strlen(name);
    tail = sizeof(DEBAR_WITNESS_LAST) - 1;

    if (len <= tail || strcmp(name + len - tail, DEBAR_WITNESS_LAST) != 0) {
        return DEBAR_OK;
    }

    if (debar_witness_read(&data, dir, name, &fault) != DEBAR_OK
        || debar_note_parse(&note, name, data.data, data.len, 0, &fault)
           != DEBAR_OK
        || debar_checkpoint_parse(&c, name, note.text, &fault) != DEBAR_OK)
    {
        debar_buf_free(&data);
        debar_say("%s", fault.text);
        return DEBAR_ERROR;
    }

    if (origin && strcmp(origin, c.origin) != 0) {
        debar_buf_free(&data);
        return DEBAR_OK;
    }

    for (seconds = 0, i = 0; i < note.n; i++) {
        if (note.signatures[i].timed) {
            seconds = note.signatures[i].time;
        }
    }

    debar_witness_time(when, seconds);
    *shown += 1;

    if (json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":true");
        debar_json_text(&b, "log", c.origin, strlen(c.origin));
        debar_json_number(&b, "size", c.size);
        debar_json_text(&b, "time", when, strlen(when));
        debar_json_text(&b, "note", data.data, data.len);
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);

    } else if (origin) {
        fwrite(data.data, 1, data.len, stdout);

    } else {
        printf("%s: %" PRIu64 " lines, %s\n", c.origin, c.size, when);
    }

    debar_buf_free(&data);

    return DEBAR_OK;
}

/*
 * debar list sync: what is published, fetched, verified and put in place.
 *
 * Nothing that comes over the network is believed: the root by the root before
 * it, the manifest by the root, the snapshot by the manifest, and what a delta
 * leads to by the manifest's digest of rows.  Whatever fails, the list in place
 * stays.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish.h"


#define DEBAR_SYNC_ROOTS    64               /* new ones at once */
#define DEBAR_SYNC_CHAIN    10               /* deltas one after the other */
#define DEBAR_SYNC_DELTA    (64 << 20)       /* bytes of one */
#define DEBAR_SYNC_STALL    30               /* s */
#define DEBAR_SYNC_TOTAL    60
#define DEBAR_SYNC_SPREAD   10               /* jitter: one in so many */


typedef struct {
    const char        *to;
    const char        *root_file;
    unsigned           every;                /* s; 0: once */
    unsigned           json;
    unsigned           quiet;
    debar_fetch_t      fetch;
} debar_sync_args_t;

typedef struct {
    debar_sync_args_t  a;
    char               base[2048];           /* of the URL */
    char               state_root[DEBAR_PUBLISH_PATH];
    char               state_note[DEBAR_PUBLISH_PATH];
    char               state_etag[DEBAR_PUBLISH_PATH];
    debar_root_t       root;
    debar_manifest_t   m;
    debar_buf_t        note;
    char               etag[256];
    char               here[65];             /* digest in place; empty: none */
    uint64_t           here_serial;
    const char        *how;                  /* "delta", "snapshot", "" */
    uint64_t           fetched;
    debar_fault_t      fault;
} debar_sync_t;


static int debar_sync_args(debar_sync_t *s, int argc, char **argv);
static int debar_sync_once(debar_sync_t *s);
static int debar_sync_roots(debar_sync_t *s);
static int debar_sync_manifest(debar_sync_t *s);
static int debar_sync_deltas(debar_sync_t *s);
static int debar_sync_snapshot(debar_sync_t *s);
static void debar_sync_print(const debar_sync_t *s, int rc);
static void debar_sync_wait(const debar_sync_t *s);


static volatile int  debar_sync_stop;


static const char  debar_sync_help[] =
    "usage: debar list sync --from URL --root FILE --to LIST.mdb [options]\n"
    "\n"
    "Fetches what `debar list publish` put into a folder, verifies it by the\n"
    "root of trust, and puts it in place by one rename.  With LIST.mdb there,\n"
    "only what has changed is fetched.  Whatever fails, the list in place stays\n"
    "in force.\n"
    "\n"
    "      --from URL      http://, https:// or file:// of the folder\n"
    "      --root FILE     who may approve; newer roots are fetched and kept\n"
    "                      beside LIST.mdb if this one, and each in between,\n"
    "                      vouches for the next\n"
    "      --to LIST.mdb   where the list goes\n"
    "      --every TIME    again and again, so long after each time, more or\n"
    "                      less a tenth: 30s, 5m, 1h (default: once)\n"
    "      --once          once, and end\n"
    "      --stall TIME    give up where nearly nothing comes for so long (30s)\n"
    "      --timeout TIME  for a manifest or a root (60s)\n"
    "      --json          say each outcome as one JSON object on stdout\n"
    "  -q, --quiet         say nothing but errors\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit: 0 in force or as before, 1 not (stderr says why), 2 usage.\n";


static void
debar_sync_signal(int signo)
{
    debar_sync_stop = 1;
}


int
debar_list_sync(int argc, char **argv)
{
    int                  rc;
    struct sigaction     sa;
    static debar_sync_t  s;

    memset(&s, 0, sizeof(s));
    rc = debar_sync_args(&s, argc, argv);

    if (rc != -1) {
        return rc;
    }

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = debar_sync_signal;
    (void) sigaction(SIGTERM, &sa, NULL);
    (void) sigaction(SIGINT, &sa, NULL);
    (void) signal(SIGPIPE, SIG_IGN);

    if (debar_fetch_start(&s.fault) != DEBAR_OK) {
        return debar_say("%s", s.fault.text);
    }

    for ( ;; ) {
        rc = debar_sync_once(&s);
        debar_progress_end();

        if (!debar_sync_stop) {
            debar_sync_print(&s, rc);
        }

        debar_buf_free(&s.note);

        if (s.a.every == 0 || debar_sync_stop) {
            break;
        }

        debar_sync_wait(&s);

        if (debar_sync_stop) {
            break;
        }
    }

    /* told to end, it has ended as it should */

    return rc == DEBAR_OK || debar_sync_stop ? 0 : DEBAR_EXIT_FAILURE;
}


/* "30s", "5m", "1h", "2d" in seconds; a number alone is seconds. */

static int
debar_sync_time(const char *text, unsigned *out)
{
    char           *end;
    unsigned        unit;
    unsigned long   v;

    v = strtoul(text, &end, 10);

    switch (*end) {
    case '\0':
    case 's':
        unit = 1;
        break;
    case 'm':
        unit = 60;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'd':
        unit = 86400;
        break;
    default:
        return DEBAR_ERROR;
    }

    if (*text < '0' || *text > '9' || (*end && end[1]) || v == 0
        || v > 30 * 86400 / unit)
    {
        return DEBAR_ERROR;
    }

    *out = (unsigned) v * unit;

    return DEBAR_OK;
}


static int
debar_sync_check_args(debar_sync_t *s, const char *from)
{
    size_t             len;
    static const char  name[] = "debar list sync";

    if (from == NULL || s->a.root_file == NULL || s->a.to == NULL) {
        return debar_usage(name, "%s", from == NULL
                           ? "--from URL is missing: where it is published"
                           : s->a.to == NULL
                           ? "--to LIST.mdb is missing: where it goes"
                           : "--root FILE is missing: who may approve; ask the "
                             "office that publishes the list");
    }

    if (strncmp(from, "http://", 7) != 0 && strncmp(from, "https://", 8) != 0
        && strncmp(from, "file:///", 8) != 0)
    {
        return debar_usage(name, "--from wants a URL with http://, https:// or "
                           "file:///, not \"%s\"", from);
    }

    len = strlen(from);

    while (len && from[len - 1] == '/') {
        len--;
    }

    if (len >= sizeof(s->base) || strlen(s->a.to) > DEBAR_PUBLISH_PATH - 300
        || strpbrk(from, "?# \t\r\n"))
    {
        return debar_usage(name, "--from wants the URL of a folder, without "
                           "a query");
    }

    memcpy(s->base, from, len);

    return -1;
}


/* -1: go on; else the exit code. */

static int
debar_sync_args(debar_sync_t *s, int argc, char **argv)
{
    int                         c;
    unsigned                   *time_of;
    const char                 *from;
    static const char           name[] = "debar list sync";
    static const struct option  options[] = {
        { "from",    required_argument, NULL, 'f' },
        { "root",    required_argument, NULL, 'r' },
        { "to",      required_argument, NULL, 't' },
        { "every",   required_argument, NULL, 'e' },
        { "once",    no_argument,       NULL, '1' },
        { "stall",   required_argument, NULL, 's' },
        { "timeout", required_argument, NULL, 'T' },
        { "json",    no_argument,       NULL, 'j' },
        { "quiet",   no_argument,       NULL, 'q' },
        { "help",    no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    from = NULL;
    s->a.fetch.base = s->base;
    s->a.fetch.stall = DEBAR_SYNC_STALL;
    s->a.fetch.total = DEBAR_SYNC_TOTAL;
    s->a.fetch.stop = &debar_sync_stop;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {

        switch (c) {
        case 'f':
            from = optarg;
            break;
        case 'r':
            s->a.root_file = optarg;
            break;
        case 't':
            s->a.to = optarg;
            break;
        case 'e':
        case 's':
        case 'T':
            time_of = c == 'e' ? &s->a.every
                      : c == 's' ? &s->a.fetch.stall : &s->a.fetch.total;

            if (debar_sync_time(optarg, time_of) != DEBAR_OK) {
                return debar_usage(name, "\"%s\" is not a time: 30s, 5m, 1h, "
                                   "at most 30d", optarg);
            }
            break;
        case '1':
            s->a.every = 0;
            break;
        case 'j':
            s->a.json = 1;
            break;
        case 'q':
            s->a.quiet = 1;
            break;
        case 'h':
            fputs(debar_sync_help, stdout);
            return 0;
        default:
            return debar_bad_option(name, c, argv);
        }
    }

    if (argc != optind) {
        return debar_usage(name, "\"%s\" is one argument too many",
                           argv[optind]);
    }

    return debar_sync_check_args(s, from);
}


/* --- once ---------------------------------------------------------------- */

/* One at a time for a list: a lock that a kill lets go. */

static int
debar_sync_lock(debar_sync_t *s)
{
    int   fd;
    char  path[DEBAR_PUBLISH_PATH];

    snprintf(path, sizeof(path), "%s.sync.lock", s->a.to);

    fd = open(path, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0600);

    if (fd == -1) {
        debar_fault(&s->fault, "%s: cannot be written: %s; name a file in a "
                    "folder that you may write to", s->a.to, strerror(errno));
        return -1;
    }

    if (flock(fd, LOCK_EX|LOCK_NB) == -1) {
        debar_fault(&s->fault, "%s: another `debar list sync` is at work on it",
                    s->a.to);
        close(fd);
        return -1;
    }

    return fd;
}


/* What one that was killed had begun to write beside the list. */

static void
debar_sync_clean(const debar_sync_t *s)
{
    int                       n;
    char                      folder[DEBAR_PUBLISH_PATH], begin[300];
    unsigned                  i;
    const char               *name;
    static const char *const  ends[] = { "manifest", "etag", "root" };

    name = strrchr(s->a.to, '/');
    n = name ? (int) (name - s->a.to) : 1;
    snprintf(folder, sizeof(folder), "%.*s/", n, name ? s->a.to : ".");
    name = name ? name + 1 : s->a.to;

    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(begin, sizeof(begin), ".%.256s.%s.", name, ends[i]);
        debar_sweep(folder, begin);
    }
}


/* What is in place: none is nothing wrong. */

static int
debar_sync_here(debar_sync_t *s)
{
    int                           rc;
    char                          digest[65];
    uint64_t                      serial;
    debar_fault_t                 fault;
    debar_snapshot_t             *snapshot;
    debar_open_opts_t             opts;
    const debar_snapshot_meta_t  *meta;

    memset(&opts, 0, sizeof(opts));
    opts.uid = DEBAR_ANY_OWNER;
    s->here[0] = '\0';
    s->here_serial = 0;

    snapshot = debar_snapshot_open(s->a.to, &opts, &fault);

    if (snapshot) {
        meta = debar_snapshot_meta(snapshot);
        memcpy(s->here, meta->digest, 65);
        s->here_serial = meta->serial;
        debar_snapshot_close(snapshot);
    }

    /* a list that was taken away leaves its serial */

    rc = debar_snapshot_floor(s->a.to, &serial, digest, &s->fault);

    if (rc == DEBAR_OK && serial > s->here_serial) {
        s->here_serial = serial;
        s->here[0] = '\0';
    }

    return rc == DEBAR_ERROR ? DEBAR_ERROR : DEBAR_OK;
}


static int
debar_sync_once(debar_sync_t *s)
{
    int  fd, rc;

    s->how = "";
    s->fetched = 0;
    memset(&s->note, 0, sizeof(s->note));
    memset(&s->m, 0, sizeof(s->m));

    snprintf(s->state_root, sizeof(s->state_root), "%s.root", s->a.to);
    snprintf(s->state_note, sizeof(s->state_note), "%s.manifest", s->a.to);
    snprintf(s->state_etag, sizeof(s->state_etag), "%s.etag", s->a.to);

    fd = debar_sync_lock(s);
    if (fd == -1) {
        return DEBAR_ERROR;
    }

    debar_sync_clean(s);
    rc = debar_sync_here(s);

    if (rc == DEBAR_OK) {
        rc = debar_sync_roots(s);
    }

    if (rc == DEBAR_OK) {
        rc = debar_sync_manifest(s);
    }

    if (rc == DEBAR_OK && strcmp(s->here, s->m.digest) != 0) {
        rc = s->here[0] ? debar_sync_deltas(s) : DEBAR_DECLINED;

        if (rc == DEBAR_DECLINED) {
            rc = debar_sync_snapshot(s);
        }
    }

    /* remembered once it is in place: a 304 speaks of this manifest */

    if (rc == DEBAR_OK && s->note.len) {
        rc = debar_trust_write(s->state_note, s->note.data, s->note.len, 0644,
                               0, &s->fault);

        if (rc == DEBAR_OK) {
            rc = debar_trust_write(s->state_etag, s->etag, strlen(s->etag),
                                   0644, 0, &s->fault);
        }
    }

    close(fd);

    return rc;
}


/* --- root ---------------------------------------------------------------- */

static int
debar_sync_read_root(debar_root_t *root, const char *path,
    debar_fault_t *fault)
{
    int          rc;
    debar_buf_t  b;

    if (debar_trust_read(&b, path, DEBAR_NOTE_MAX, "a root file (ask the "
                         "office that publishes the list)", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_root_check(root, path, b.data, b.len, fault);
    debar_buf_free(&b);

    return rc;
}


/* The root given, or a later one that it led to; then those published since. */

static int
debar_sync_roots(debar_sync_t *s)
{
    int              rc;
    char             name[64];
    unsigned         i;
    debar_buf_t      b;
    debar_root_t     next;
    debar_fetched_t  got;

    if (debar_sync_read_root(&s->root, s->a.root_file, &s->fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (access(s->state_root, F_OK) == 0) {
        if (debar_sync_read_root(&next, s->state_root, &s->fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (next.version > s->root.version) {
            s->root = next;
        }
    }

    for (i = 0; i < DEBAR_SYNC_ROOTS; i++) {
        snprintf(name, sizeof(name), "roots/%" PRIu64, s->root.version + 1);

        rc = debar_fetch_small(&s->a.fetch, name, DEBAR_NOTE_MAX, NULL, &b,
                               &got, &s->fault);

        if (rc != DEBAR_OK) {
            return rc == DEBAR_DECLINED
                   ? debar_root_current(&s->root, s->a.root_file, time(NULL),
                                        &s->fault)
                   : rc;
        }

        rc = debar_root_follows(&next, &s->root, name, b.data, b.len,
                                &s->fault);

        if (rc == DEBAR_OK) {
            s->root = next;
            rc = debar_trust_write(s->state_root, b.data, b.len, 0644, 0,
                                   &s->fault);
        }

        debar_buf_free(&b);

        if (rc != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    debar_fault(&s->fault, "%s: more than %u new roots at once", s->base,
                DEBAR_SYNC_ROOTS);

    return DEBAR_ERROR;
}


/* --- manifest ------------------------------------------------------------ */

/* What the last time has left: the manifest of what is in place, and its ETag. */

static void
debar_sync_remembered(debar_sync_t *s, debar_buf_t *note)
{
    debar_buf_t      etag;
    debar_note_t     n;
    debar_fault_t    fault;
    debar_manifest_t m;

    memset(note, 0, sizeof(*note));
    s->etag[0] = '\0';

    if (s->here[0] == '\0'
        || debar_trust_read(note, s->state_note, DEBAR_NOTE_MAX, "", &fault)
           != DEBAR_OK)
    {
        return;
    }

    if (debar_note_parse(&n, s->state_note, note->data, note->len, 0, &fault)
            != DEBAR_OK
        || debar_manifest_parse(&m, s->state_note, n.text, &fault) != DEBAR_OK
        || strcmp(m.digest, s->here) != 0
        || debar_trust_read(&etag, s->state_etag, sizeof(s->etag) - 1, "",
                            &fault) != DEBAR_OK)
    {
        debar_buf_free(note);
        return;
    }

    memcpy(s->etag, etag.data, etag.len);
    s->etag[etag.len] = '\0';
    debar_buf_free(&etag);
}


static int
debar_sync_manifest(debar_sync_t *s)
{
    int                      rc;
    char                     file[2200];
    debar_buf_t              kept;
    debar_fetched_t          got;
    debar_manifest_floor_t   floor;

    debar_sync_remembered(s, &kept);

    rc = debar_fetch_small(&s->a.fetch, "manifest", DEBAR_NOTE_MAX, s->etag,
                           &s->note, &got, &s->fault);

    if (rc == DEBAR_DECLINED && got.status == 304 && kept.len) {
        s->note = kept;
        memset(&kept, 0, sizeof(kept));
        rc = DEBAR_OK;

    } else {
        memcpy(s->etag, got.etag, sizeof(s->etag));
    }

    debar_buf_free(&kept);

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    floor.serial = s->here_serial;
    memcpy(floor.digest, s->here, 65);
    snprintf(file, sizeof(file), "%s/manifest", s->base);

    return debar_manifest_verify(&s->m, file, s->note.data, s->note.len,
                                 &s->root, time(NULL), &floor, &s->fault);
}


/* --- deltas -------------------------------------------------------------- */

/* Of an older manifest only what it followed is asked: what its deltas lead to
 * is verified by the one in force. */

static int
debar_sync_older(debar_sync_t *s, debar_manifest_t *m, uint64_t serial)
{
    int              rc;
    char             name[64];
    debar_buf_t      b;
    debar_note_t     note;
    debar_fetched_t  got;
    debar_fault_t    fault;

    snprintf(name, sizeof(name), "manifests/%" PRIu64, serial);

    rc = debar_fetch_small(&s->a.fetch, name, DEBAR_NOTE_MAX, NULL, &b, &got,
                           &fault);

    if (rc != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    rc = debar_note_parse(&note, name, b.data, b.len, 0, &fault);

    if (rc == DEBAR_OK) {
        rc = debar_manifest_parse(m, name, note.text, &fault);
    }

    debar_buf_free(&b);

    return rc == DEBAR_OK && m->serial == serial ? DEBAR_OK : DEBAR_DECLINED;
}


/* Fetches those that lead from what is here to the manifest's, the last one
 * first: room has DEBAR_SYNC_CHAIN.  0: there is no such way. */

static size_t
debar_sync_chain(debar_sync_t *s, debar_buf_t *room)
{
    char              name[256];
    size_t            n;
    uint64_t          total;
    debar_manifest_t  m;
    debar_fetched_t   got;
    debar_fault_t     fault;

    m = s->m;
    total = 0;

    for (n = 0; n < DEBAR_SYNC_CHAIN; /* void */ ) {

        if (m.previous == 0 || m.previous >= m.serial
            || m.previous < s->here_serial)
        {
            return 0;
        }

        debar_published_delta(name, m.previous_digest, m.digest);

        if (debar_fetch_small(&s->a.fetch, name, DEBAR_SYNC_DELTA, NULL,
                              &room[n], &got, &fault) != DEBAR_OK)
        {
            if (got.status != 404 && !s->a.quiet) {
                (void) debar_say("%s; the whole list is fetched", fault.text);
            }

            return 0;
        }

        total += room[n++].len;

        if (total > s->m.size / 2 + 4096) {
            return 0;
        }

        if (strcmp(m.previous_digest, s->here) == 0) {
            s->fetched = total;
            return n;
        }

        if (debar_sync_older(s, &m, m.previous) != DEBAR_OK) {
            return 0;
        }
    }

    return 0;
}


static int
debar_sync_deltas(debar_sync_t *s)
{
    int                 rc;
    size_t              i, n;
    debar_buf_t         room[DEBAR_SYNC_CHAIN];
    debar_str_t         deltas[DEBAR_SYNC_CHAIN];
    debar_fault_t       fault;
    debar_build_info_t  info;
    debar_build_opts_t  opts;

    memset(room, 0, sizeof(room));
    memset(&opts, 0, sizeof(opts));
    opts.verify = 1;
    opts.progress = s->a.quiet ? NULL : debar_progress;

    n = debar_sync_chain(s, room);
    rc = DEBAR_DECLINED;

    if (n && !debar_sync_stop) {
        for (i = 0; i < n; i++) {
            deltas[i] = debar_str(room[n - 1 - i].data, room[n - 1 - i].len);
        }

        rc = debar_delta_apply(s->a.to, s->a.to, deltas, n, s->m.digest, &opts,
                               &info, &fault);
        debar_progress_end();

        s->how = "delta";

        if (rc != DEBAR_OK) {
            s->how = "";
            rc = DEBAR_DECLINED;

            (void) debar_say("%s/deltas: %s; the whole list is fetched",
                             s->base, fault.text);
        }
    }

    for (i = 0; i < DEBAR_SYNC_CHAIN; i++) {
        debar_buf_free(&room[i]);
    }

    return rc;
}


/* --- snapshot ------------------------------------------------------------ */

static int
debar_sync_snapshot(debar_sync_t *s)
{
    int                  rc;
    char                 name[256], part[DEBAR_PUBLISH_PATH];
    debar_wanted_t       wanted;
    debar_fetched_t      got;
    debar_build_info_t   info;
    debar_build_opts_t   opts;

    memset(&opts, 0, sizeof(opts));
    opts.verify = 1;
    opts.progress = s->a.quiet ? NULL : debar_progress;

    wanted.serial = s->m.serial;
    wanted.size = s->m.size;
    wanted.digest = s->m.digest;
    wanted.sha256 = s->m.sha256;

    /* one part for a list: that of another snapshot is begun anew, since its
     * SHA-256 will not be the right one */

    debar_published_snapshot(name, &s->m);
    snprintf(part, sizeof(part), "%s.%.16s.part", s->a.to, s->m.sha256);

    rc = debar_fetch_file(&s->a.fetch, name, s->m.size + s->m.size / 64
                          + 65536, part, &got, &s->fault);

    if (rc != DEBAR_OK) {

        /* what came so far is gone on with, unless it is not of this list */

        if (got.bytes >= s->m.size || rc == DEBAR_DECLINED) {
            (void) unlink(part);
        }

        return DEBAR_ERROR;
    }

    s->fetched += got.bytes;
    s->how = "snapshot";

    rc = debar_snapshot_place(part, s->a.to, &wanted, &opts, &info, &s->fault);

    if (rc != DEBAR_ERROR) {
        (void) unlink(part);
    }

    return rc == DEBAR_OK ? DEBAR_OK : DEBAR_ERROR;
}


/* --- said ---------------------------------------------------------------- */

static void
debar_sync_print(const debar_sync_t *s, int rc)
{
    debar_buf_t  b;

    if (s->a.json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":%s", rc == DEBAR_OK ? "true" : "false");
        debar_json_text(&b, "file", s->a.to, strlen(s->a.to));

        if (rc == DEBAR_OK) {
            debar_json_number(&b, "serial", s->m.serial);
            debar_json_text(&b, "digest", s->m.digest, 64);
            debar_json_text(&b, "by", *s->how ? s->how : "nothing new",
                            strlen(*s->how ? s->how : "nothing new"));
            debar_json_number(&b, "fetched_bytes", s->fetched);

        } else {
            debar_json_text(&b, "error", s->fault.text, strlen(s->fault.text));
        }

        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
        fflush(stdout);
    }

    if (rc != DEBAR_OK) {
        (void) debar_say("%s%s", s->fault.text, s->here[0]
                         && strstr(s->fault.text, "list in place") == NULL
                         ? "; the list in place stays in force" : "");

    } else if (!s->a.json && !s->a.quiet) {
        if (*s->how) {
            printf("%s: serial %" PRIu64 " is in force, by %s, %.1f KB "
                   "fetched\n", s->a.to, s->m.serial, s->how,
                   (double) s->fetched / 1e3);

        } else {
            printf("%s: serial %" PRIu64 " is in force, nothing newer is "
                   "published\n", s->a.to, s->m.serial);
        }

        fflush(stdout);
    }
}


/* Gateways that were started together do not ask together. */

static void
debar_sync_wait(const debar_sync_t *s)
{
    uint32_t         random;
    uint64_t         ms, spread;
    sigset_t         block, before;
    struct timespec  t;

    random = 0;
    (void) getrandom(&random, sizeof(random), 0);

    ms = (uint64_t) s->a.every * 1000;
    spread = ms / DEBAR_SYNC_SPREAD;
    ms = ms - spread + random % (2 * spread + 1);

    t.tv_sec = (time_t) (ms / 1000);
    t.tv_nsec = (long) (ms % 1000) * 1000000;

    /* a signal between the look and the wait would be missed */

    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGINT);
    (void) sigprocmask(SIG_BLOCK, &block, &before);

    if (!debar_sync_stop) {
        (void) ppoll(NULL, 0, &t, &before);
    }

    (void) sigprocmask(SIG_SETMASK, &before, NULL);
}

/*
 * debar list publish, rollback: an approved snapshot into a folder that any
 * static HTTP server serves, and an old one taken out of it.
 *
 * What a manifest names is there before the manifest is, which goes in by one
 * rename: a kill at any moment leaves the old list or the new one, whole.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish.h"
#include "snapshot.h"


#define DEBAR_PUBLISH_LEVEL  1    /* keys in order pack no better by more */


typedef struct {
    const char  *proposal;        /* NULL: the root alone */
    const char  *snapshot;
    const char  *folder;
    const char  *root;
    unsigned     keep;
    int          level;
    unsigned     json;
    unsigned     quiet;
} debar_publish_args_t;

typedef struct {
    debar_publish_args_t   a;
    debar_buf_t            note;
    debar_manifest_t       m;
    debar_manifest_t       last;
    unsigned               has_last;
    debar_root_t           root;
    char                   base[DEBAR_PUBLISH_PATH];
    debar_buf_t            delta;
    debar_delta_info_t     info;
    int                    delta_rc;
    debar_fault_t          delta_fault;
    uint64_t               packed;
    uint64_t               delta_bytes;      /* 0: none was published */
    debar_fault_t          fault;
} debar_publishing_t;


static void debar_publish_clean(const char *folder);
static int debar_publish_args(debar_publish_args_t *a, int argc, char **argv);
static int debar_publish_root(debar_publishing_t *p);
static int debar_publish_check(debar_publishing_t *p);
static int debar_publish_files(debar_publishing_t *p);
static void *debar_publish_delta(void *data);
static int debar_publish_base(debar_publishing_t *p);
static void debar_publish_print(const debar_publishing_t *p, double took);


static const char  debar_publish_help[] =
    "usage: debar list publish PROPOSAL SNAPSHOT.mdb --to FOLDER --root FILE\n"
    "                          [options]\n"
    "       debar list publish --to FOLDER --root FILE\n"
    "\n"
    "Checks that PROPOSAL is signed by as many as the root asks for and names\n"
    "SNAPSHOT.mdb, and puts it into FOLDER, which any HTTP server may serve:\n"
    "the snapshot, what it changes (for those who have the one before), and the\n"
    "manifest last, by one rename.  `debar list sync` fetches from there.\n"
    "Without a proposal only the next version of the root is published.\n"
    "\n"
    "      --to FOLDER        where to; it is made if it is not there\n"
    "      --root FILE        who may approve (debar root); published as well\n"
    "      --keep N           snapshots and deltas to keep (default 10)\n"
    "      --level N          of zstd, 1 to 19 (default 1)\n"
    "      --json             say the outcome as one JSON object on stdout\n"
    "  -q, --quiet            say nothing but errors\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 published, 1 not (stderr says why), 2 usage.\n";

static const char  debar_rollback_help[] =
    "usage: debar list rollback FOLDER SERIAL --serial NEW -o NEW.mdb\n"
    "                           [--expires WHEN] [--json]\n"
    "\n"
    "Writes a snapshot with what serial SERIAL of a published folder said, and\n"
    "a new serial, since gateways never go back.  It is then proposed, approved\n"
    "and published as any other.\n"
    "\n"
    "      --serial NEW       its serial, above the last one\n"
    "      --expires WHEN     a day, a time, days from now (30d), or never;\n"
    "                         default: as it was\n"
    "  -o, --output NEW.mdb   where it goes\n"
    "      --json             say the outcome as one JSON object on stdout\n"
    "  -q, --quiet            say nothing but errors\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit: 0 written, 1 not (stderr says why), 2 usage.\n";


int
debar_list_publish(int argc, char **argv)
{
    int                 fd, rc;
    double              took;
    struct timespec     from, to;
    debar_publishing_t  p;

    memset(&p, 0, sizeof(p));
    clock_gettime(CLOCK_MONOTONIC, &from);

    rc = debar_publish_args(&p.a, argc, argv);

    if (rc != -1) {
        return rc;
    }

    snprintf(p.base, sizeof(p.base), "%s/manifest", p.a.folder);
    fd = -1;
    rc = DEBAR_ERROR;

    if (mkdir(p.a.folder, 0755) == -1 && errno != EEXIST) {
        debar_fault(&p.fault, "%s: cannot be made: %s; name a folder that you "
                    "may write to", p.a.folder, strerror(errno));

    } else {
        fd = debar_trust_lock(p.base, &p.fault);
    }

    snprintf(p.base, sizeof(p.base), "%s/.base.mdb", p.a.folder);

    if (fd != -1) {
        debar_publish_clean(p.a.folder);
        rc = debar_publish_root(&p);

        if (rc == DEBAR_OK && p.a.proposal) {
            rc = debar_publish_check(&p);
        }

        if (rc == DEBAR_OK && p.a.proposal) {
            rc = debar_publish_files(&p);
        }

        close(fd);
    }

    debar_progress_end();
    debar_buf_free(&p.note);
    debar_buf_free(&p.delta);

    if (rc != DEBAR_OK) {
        return debar_say("%s", p.fault.text);
    }

    clock_gettime(CLOCK_MONOTONIC, &to);
    took = (double) (to.tv_sec - from.tv_sec)
           + (double) (to.tv_nsec - from.tv_nsec) / 1e9;

    debar_publish_print(&p, took);

    return 0;
}


static void
debar_publish_clean(const char *folder)
{
    char                      path[DEBAR_PUBLISH_PATH];
    unsigned                  i;
    static const char *const  names[] = {
        ".", "manifests", "snapshots", "deltas", "roots"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        debar_sweep(path, "");
    }
}


static int
debar_publish_number(const char *text, unsigned from, unsigned to,
    unsigned *n)
{
    char           *end;
    unsigned long   v;

    v = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || v < from || v > to) {
        return DEBAR_ERROR;
    }

    *n = (unsigned) v;

    return DEBAR_OK;
}


/* -1: go on; else the exit code. */

static int
debar_publish_args(debar_publish_args_t *a, int argc, char **argv)
{
    int                         c;
    unsigned                    level;
    static const char           name[] = "debar list publish";
    static const struct option  options[] = {
        { "to",    required_argument, NULL, 't' },
        { "root",  required_argument, NULL, 'r' },
        { "keep",  required_argument, NULL, 'k' },
        { "level", required_argument, NULL, 'l' },
        { "json",  no_argument,       NULL, 'j' },
        { "quiet", no_argument,       NULL, 'q' },
        { "help",  no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    a->keep = DEBAR_PUBLISH_KEEP;
    level = DEBAR_PUBLISH_LEVEL;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {

        switch (c) {
        case 't':
            a->folder = optarg;
            break;
        case 'r':
            a->root = optarg;
            break;
        case 'k':
            if (debar_publish_number(optarg, 1, 10000, &a->keep) != DEBAR_OK) {
                return debar_usage(name, "--keep wants 1 to 10000, not \"%s\"",
                                   optarg);
            }
            break;
        case 'l':
            if (debar_publish_number(optarg, 1, 19, &level) != DEBAR_OK) {
                return debar_usage(name, "--level wants 1 to 19, not \"%s\"",
                                   optarg);
            }
            break;
        case 'j':
            a->json = 1;
            break;
        case 'q':
            a->quiet = 1;
            break;
        case 'h':
            fputs(debar_publish_help, stdout);
            return 0;
        default:
            return debar_bad_option(name, c, argv);
        }
    }

    if (a->folder == NULL || a->root == NULL) {
        return debar_usage(name, a->folder ? "--root FILE is missing: who may "
                           "approve; `debar root new` makes one"
                           : "--to FOLDER is missing: where it is published");
    }

    if (strlen(a->folder) > DEBAR_PUBLISH_PATH - 300) {
        return debar_usage(name, "the name of the folder is too long");
    }

    if (argc - optind != 2 && argc != optind) {
        return debar_usage(name, "name PROPOSAL and SNAPSHOT.mdb");
    }

    if (argc != optind) {
        a->proposal = argv[optind];
        a->snapshot = argv[optind + 1];
    }

    a->level = (int) level;

    return -1;
}


static int
debar_publish_put(debar_publishing_t *p, const char *name, const void *data,
    size_t len)
{
    char   path[DEBAR_PUBLISH_PATH], *slash;

    snprintf(path, sizeof(path), "%s/%s", p->a.folder, name);
    slash = strrchr(path, '/');
    *slash = '\0';

    if (mkdir(path, 0755) == -1 && errno != EEXIST) {
        debar_fault(&p->fault, "%s: cannot be made: %s", path,
                    strerror(errno));
        return DEBAR_ERROR;
    }

    *slash = '/';

    return debar_trust_write(path, data, len, 0644, 0, &p->fault);
}


/* The root as it is published: the same, or the version behind it. */

static int
debar_publish_root(debar_publishing_t *p)
{
    int            rc;
    char           path[DEBAR_PUBLISH_PATH], name[64];
    debar_buf_t    now, is;
    debar_root_t   old;

    if (debar_trust_read(&now, p->a.root, DEBAR_NOTE_MAX, "a root file "
                         "(debar root new)", &p->fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_root_check(&p->root, p->a.root, now.data, now.len, &p->fault);

    if (rc == DEBAR_OK) {
        rc = debar_root_current(&p->root, p->a.root, time(NULL), &p->fault);
    }

    memset(&is, 0, sizeof(is));
    snprintf(path, sizeof(path), "%s/root", p->a.folder);

    if (rc == DEBAR_OK && access(path, F_OK) == 0) {
        rc = debar_trust_read(&is, path, DEBAR_NOTE_MAX, "a root", &p->fault);

        if (rc == DEBAR_OK) {
            rc = debar_root_check(&old, path, is.data, is.len, &p->fault);
        }

        if (rc == DEBAR_OK && old.version == p->root.version
            && strcmp(old.digest, p->root.digest) == 0)
        {
            goto done;
        }

        if (rc == DEBAR_OK) {
            rc = debar_root_follows(&p->root, &old, p->a.root, now.data,
                                    now.len, &p->fault);
        }
    }

    if (rc == DEBAR_OK) {
        snprintf(name, sizeof(name), "roots/%" PRIu64, p->root.version);
        rc = debar_publish_put(p, name, now.data, now.len);
    }

    if (rc == DEBAR_OK) {
        rc = debar_publish_put(p, "root", now.data, now.len);
    }

done:

    debar_buf_free(&now);
    debar_buf_free(&is);

    return rc;
}


/* --- what may be published ----------------------------------------------- */

int
debar_published(debar_manifest_t *m, const char *folder, uint64_t serial,
    debar_fault_t *fault)
{
    int           rc;
    char          path[DEBAR_PUBLISH_PATH];
    debar_buf_t   b;
    debar_note_t  note;

    if (serial) {
        snprintf(path, sizeof(path), "%s/manifests/%" PRIu64, folder, serial);

    } else {
        snprintf(path, sizeof(path), "%s/manifest", folder);
    }

    if (access(path, F_OK) == -1 && errno == ENOENT) {
        debar_fault(fault, "%s: there is none; name a folder of `debar list "
                    "publish`%s", path, serial ? " and a serial of its "
                    "manifests/" : "");
        return DEBAR_DECLINED;
    }

    if (debar_trust_read(&b, path, DEBAR_NOTE_MAX, "a manifest", fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_note_parse(&note, path, b.data, b.len, 1, fault);

    if (rc == DEBAR_OK) {
        rc = debar_manifest_parse(m, path, note.text, fault);
    }

    debar_buf_free(&b);

    return rc;
}


void
debar_published_snapshot(char out[256], const debar_manifest_t *m)
{
    snprintf(out, 256, "snapshots/%.64s.mdb.zst", m->sha256);
}


void
debar_published_delta(char out[256], const char *from, const char *to)
{
    snprintf(out, 256, "deltas/%.64s-%.64s.delta.zst", from, to);
}


static int
debar_publish_check(debar_publishing_t *p)
{
    int                     rc;
    debar_manifest_floor_t  floor;

    rc = debar_published(&p->last, p->a.folder, 0, &p->fault);

    if (rc == DEBAR_ERROR) {
        return rc;
    }

    p->has_last = rc == DEBAR_OK;
    memset(&floor, 0, sizeof(floor));

    if (p->has_last) {
        floor.serial = p->last.serial;
        memcpy(floor.digest, p->last.digest, 65);
    }

    if (debar_trust_read(&p->note, p->a.proposal, DEBAR_NOTE_MAX, "a proposal "
                         "(debar list propose)", &p->fault) != DEBAR_OK
        || debar_manifest_verify(&p->m, p->a.proposal, p->note.data,
                                 p->note.len, &p->root, time(NULL), &floor,
                                 &p->fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    /* approvers were shown what it changes: of this list, not of another */

    if (p->has_last && p->m.serial != p->last.serial
        && (p->m.previous != p->last.serial
            || strcmp(p->m.previous_digest, p->last.digest) != 0))
    {
        debar_fault(&p->fault, "%s: it was approved as what follows serial "
                    "%" PRIu64 ", but serial %" PRIu64 " is published in %s: "
                    "propose it again with --previous %s", p->a.proposal,
                    p->m.previous, p->last.serial, p->a.folder, p->a.folder);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* --- what is published --------------------------------------------------- */

/* The last snapshot as a file; made of the packed one where it is not there. */

static int
debar_publish_base_ready(debar_publishing_t *p, debar_fault_t *fault)
{
    int                  same;
    char                 name[256], path[DEBAR_PUBLISH_PATH];
    debar_wanted_t       wanted;
    debar_snapshot_t    *s;
    debar_open_opts_t    opts;
    debar_build_info_t   info;
    debar_build_opts_t   build;

    memset(&opts, 0, sizeof(opts));
    opts.uid = DEBAR_ANY_OWNER;

    s = debar_snapshot_open(p->base, &opts, fault);
    same = s && strcmp(debar_snapshot_meta(s)->digest, p->last.digest) == 0;
    debar_snapshot_close(s);

    if (same) {
        return DEBAR_OK;
    }

    memset(&build, 0, sizeof(build));
    build.replace = 1;
    wanted.serial = p->last.serial;
    wanted.size = p->last.size;
    wanted.digest = p->last.digest;
    wanted.sha256 = p->last.sha256;

    debar_published_snapshot(name, &p->last);
    snprintf(path, sizeof(path), "%s/%s", p->a.folder, name);

    if (debar_snapshot_place(path, p->base, &wanted, &build, &info, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    snprintf(path, sizeof(path), "%s/.base.mdb.serial", p->a.folder);
    (void) unlink(path);

    return DEBAR_OK;
}


/* In a thread of its own, while the snapshot is packed. */

static void *
debar_publish_delta(void *data)
{
    debar_snapshot_t    *a, *b;
    debar_open_opts_t    opts;
    debar_publishing_t  *p = data;

    memset(&opts, 0, sizeof(opts));
    opts.uid = DEBAR_ANY_OWNER;

    if (debar_publish_base_ready(p, &p->delta_fault) != DEBAR_OK) {
        return NULL;
    }

    a = debar_snapshot_open(p->base, &opts, &p->delta_fault);
    b = debar_snapshot_open(p->a.snapshot, &opts, &p->delta_fault);

    if (a && b) {
        p->delta_rc = debar_delta_make(a, b, &p->delta, &p->info,
                                       &p->delta_fault);
    }

    debar_snapshot_close(a);
    debar_snapshot_close(b);

    return NULL;
}


static int
debar_publish_files(debar_publishing_t *p)
{
    int        rc, thread;
    char       name[256], path[DEBAR_PUBLISH_PATH];
    pthread_t  tid;

    p->delta_rc = DEBAR_ERROR;

    thread = p->has_last && p->last.serial != p->m.serial
             && pthread_create(&tid, NULL, debar_publish_delta, p) == 0;

    snprintf(path, sizeof(path), "%s/snapshots", p->a.folder);
    (void) mkdir(path, 0755);

    debar_published_snapshot(name, &p->m);
    snprintf(path, sizeof(path), "%s/%s", p->a.folder, name);

    rc = debar_publish_pack(p->a.snapshot, path, &p->m, p->a.level,
                            &p->packed, p->a.quiet, &p->fault);

    if (thread) {
        (void) pthread_join(tid, NULL);
    }

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    /* one that is hardly smaller is not worth to be asked for */

    if (p->delta_rc == DEBAR_OK && p->delta.len < p->packed / 2) {
        debar_published_delta(name, p->info.from, p->info.to);
        rc = debar_publish_put(p, name, p->delta.data, p->delta.len);
        p->delta_bytes = p->delta.len;

    } else {
        if (thread && p->delta_rc == DEBAR_ERROR && !p->a.quiet) {
            (void) debar_say("no delta is published, gateways will fetch the "
                             "whole list: %s", p->delta_fault.text);
        }
    }

    snprintf(name, sizeof(name), "manifests/%" PRIu64, p->m.serial);

    if (rc == DEBAR_OK) {
        rc = debar_publish_put(p, name, p->note.data, p->note.len);
    }

    if (rc == DEBAR_OK) {
        rc = debar_publish_put(p, "manifest", p->note.data, p->note.len);
    }

    if (rc == DEBAR_OK) {
        (void) debar_publish_base(p);
        debar_publish_prune(p->a.folder, p->a.keep);
    }

    return rc;
}


/* The snapshot stays for the next delta: linked, since nobody writes to it in
 * place, or copied.  Without it the next publication unpacks it. */

static int
debar_publish_base(debar_publishing_t *p)
{
    int       in, out;
    char      tmp[DEBAR_PUBLISH_PATH];
    ssize_t   n;

    snprintf(tmp, sizeof(tmp), "%.3800s.%ld.tmp", p->base, (long) getpid());
    (void) unlink(tmp);

    /* of two names of one file rename() leaves both */

    if (link(p->a.snapshot, tmp) == 0) {
        n = rename(tmp, p->base);
        (void) unlink(tmp);

        return (int) n;
    }

    in = open(p->a.snapshot, O_RDONLY|O_CLOEXEC);
    out = open(tmp, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0444);
    n = -1;

    if (in != -1 && out != -1) {
        while ((n = copy_file_range(in, NULL, out, NULL, 1 << 26, 0)) > 0) {
            /* void */
        }
    }

    if (in != -1) {
        close(in);
    }

    if (out != -1) {
        close(out);
    }

    if (n != 0 || rename(tmp, p->base) == -1) {
        (void) unlink(tmp);
        return -1;
    }

    return 0;
}


static void
debar_publish_print(const debar_publishing_t *p, double took)
{
    debar_buf_t  b;

    if (p->a.json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":true");
        debar_json_text(&b, "folder", p->a.folder, strlen(p->a.folder));
        debar_json_number(&b, "root", p->root.version);

        if (p->a.proposal) {
            debar_json_number(&b, "serial", p->m.serial);
            debar_json_text(&b, "digest", p->m.digest, 64);
            debar_json_number(&b, "snapshot_bytes", p->packed);

            if (p->delta_bytes) {
                debar_json_number(&b, "changed_rows", p->info.changed);
                debar_json_number(&b, "delta_bytes", p->delta_bytes);
            }
        }

        debar_json_number(&b, "took_ms", (uint64_t) (took * 1000));
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
        return;
    }

    if (p->a.quiet) {
        return;
    }

    if (p->a.proposal == NULL) {
        printf("%s: root %" PRIu64 " is published\n", p->a.folder,
               p->root.version);
        return;
    }

    printf("%s: serial %" PRIu64 " is published, %.1f MB", p->a.folder,
           p->m.serial, (double) p->packed / 1e6);

    if (p->delta_bytes) {
        printf(", %" PRIu64 " rows in %.1f KB for those who have serial %"
               PRIu64, p->info.changed, (double) p->delta_bytes / 1e3,
               p->info.from_serial);
    }

    printf(", in %.2f s\n", took);
}


/* --- rollback ------------------------------------------------------------ */

typedef struct {
    const char  *output;
    uint64_t     serial;
    int64_t      expires;
    unsigned     json;
    unsigned     quiet;
} debar_rollback_args_t;


static int
debar_rollback_args(debar_rollback_args_t *a, int argc, char **argv)
{
    int                         c;
    debar_fault_t               fault;
    static const char           name[] = "debar list rollback";
    static const struct option  options[] = {
        { "serial",  required_argument, NULL, 's' },
        { "expires", required_argument, NULL, 'e' },
        { "output",  required_argument, NULL, 'o' },
        { "json",    no_argument,       NULL, 'j' },
        { "quiet",   no_argument,       NULL, 'q' },
        { "help",    no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    memset(a, 0, sizeof(*a));
    a->expires = -1;
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":o:qh", options, NULL)) != -1) {

        switch (c) {
        case 's':
            if (debar_root_number(debar_str(optarg, strlen(optarg)), INT64_MAX,
                                  &a->serial) != DEBAR_OK || a->serial == 0)
            {
                return debar_usage(name, "--serial wants a number from 1 on, "
                                   "not \"%s\"", optarg);
            }
            break;
        case 'e':
            if (strcmp(optarg, "never") == 0) {
                a->expires = 0;

            } else if (debar_trust_when(&a->expires, "--expires", optarg,
                                        time(NULL), &fault) != DEBAR_OK)
            {
                return debar_usage(name, "%s", fault.text);
            }
            break;
        case 'o':
            a->output = optarg;
            break;
        case 'j':
            a->json = 1;
            break;
        case 'q':
            a->quiet = 1;
            break;
        case 'h':
            fputs(debar_rollback_help, stdout);
            return 0;
        default:
            return debar_bad_option(name, c, argv);
        }
    }

    if (argc - optind != 2) {
        return debar_usage(name, "name the published folder and the serial to "
                           "go back to");
    }

    if (a->serial == 0 || a->output == NULL) {
        return debar_usage(name, a->output ? "--serial NEW is missing: serials "
                           "never go back" : "-o NEW.mdb is missing");
    }

    return -1;
}


static int
debar_rollback_write(const debar_rollback_args_t *a, const char *folder,
    const debar_manifest_t *m, debar_build_info_t *info, debar_fault_t *fault)
{
    int                 rc;
    char                name[256], from[DEBAR_PUBLISH_PATH];
    char                old[DEBAR_PUBLISH_PATH];
    debar_wanted_t      wanted;
    debar_build_opts_t  opts;

    memset(&opts, 0, sizeof(opts));
    opts.replace = 1;
    opts.progress = a->quiet ? NULL : debar_progress;

    wanted.serial = m->serial;
    wanted.size = m->size;
    wanted.digest = m->digest;
    wanted.sha256 = m->sha256;

    debar_published_snapshot(name, m);
    snprintf(from, sizeof(from), "%s/%s", folder, name);
    snprintf(old, sizeof(old), "%.3900s.%ld.old", a->output, (long) getpid());

    if (access(from, F_OK) == -1) {
        debar_fault(fault, "%s: the snapshot of serial %" PRIu64 " is no "
                    "longer kept; build it from its source with a new serial",
                    from, m->serial);
        return DEBAR_ERROR;
    }

    rc = debar_snapshot_place(from, old, &wanted, &opts, info, fault);

    if (rc == DEBAR_OK) {
        rc = debar_snapshot_again(old, a->output, a->serial, a->expires, &opts,
                                  info, fault);
    }

    (void) unlink(old);
    snprintf(from, sizeof(from), "%.4000s.serial", old);
    (void) unlink(from);

    return rc == DEBAR_OK ? DEBAR_OK : DEBAR_ERROR;
}


int
debar_list_rollback(int argc, char **argv)
{
    int                    rc;
    uint64_t               serial;
    const char            *folder;
    debar_buf_t            b;
    debar_fault_t          fault;
    debar_manifest_t       m, last;
    debar_build_info_t     info;
    debar_rollback_args_t  a;

    rc = debar_rollback_args(&a, argc, argv);

    if (rc != -1) {
        return rc;
    }

    folder = argv[optind];

    if (strlen(folder) > DEBAR_PUBLISH_PATH - 300
        || debar_root_number(debar_str(argv[optind + 1],
                                       strlen(argv[optind + 1])),
                             INT64_MAX, &serial) != DEBAR_OK || serial == 0)
    {
        return debar_usage("debar list rollback", "\"%s\" is not a serial",
                           argv[optind + 1]);
    }

    if (debar_published(&last, folder, 0, &fault) != DEBAR_OK
        || debar_published(&m, folder, serial, &fault) != DEBAR_OK)
    {
        return debar_say("%s", fault.text);
    }

    if (a.serial <= last.serial) {
        return debar_say("--serial %" PRIu64 ": serial %" PRIu64 " is "
                         "published in %s, and gateways never go back: name a "
                         "higher one", a.serial, last.serial, folder);
    }

    rc = debar_rollback_write(&a, folder, &m, &info, &fault);
    debar_progress_end();

    if (rc != DEBAR_OK) {
        return debar_say("%s", fault.text);
    }

    if (a.json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":true");
        debar_json_text(&b, "file", a.output, strlen(a.output));
        debar_json_number(&b, "serial", info.serial);
        debar_json_number(&b, "of", serial);
        debar_json_text(&b, "digest", info.digest, 64);
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);

    } else if (!a.quiet) {
        printf("%s: serial %" PRIu64 ", with what serial %" PRIu64 " said; "
               "propose it next (debar list propose)\n", a.output, info.serial,
               serial);
    }

    return 0;
}

/*
 * debar inspect FILE: what the gateway would see in a file, and do with it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "judge_file.h"
#include "tools.h"


#define DEBAR_INSPECT_ROOMS  16


/* Members lie in files without a name while they are read. */

typedef struct {
    int          fds[DEBAR_INSPECT_ROOMS];
} debar_inspect_room_t;

typedef struct {
    const char  *name;            /* of the file, as given */
    unsigned     json;
    unsigned     members;         /* told: a comma is needed */
    debar_buf_t  out;

    /* the verdict, where it is asked for */

    const char       *list_name;
    const char       *url;
    debar_list_t     *list;
    debar_filing_t   *filing;
    debar_request_t   rq;
    debar_verdict_t   v;
} debar_inspect_out_t;


/* Where a file comes from that is judged by itself: RFC 6761 s.6.4. */

#define DEBAR_INSPECT_URL  "http://file.invalid/"


static int debar_inspect_args(debar_inspect_out_t *o, int argc, char **argv);
static int debar_inspect_begun(debar_inspect_out_t *o);
static int debar_inspect_one(debar_inspect_out_t *o);
static int debar_inspect_open(const char *path, int *fd,
    debar_file_source_t *src);
static int debar_inspect_begin(void *data, unsigned depth);
static int debar_inspect_write(void *data, unsigned depth, const void *buf,
    size_t n);
static int debar_inspect_source(void *data, unsigned depth,
    debar_file_source_t *src);
static long debar_inspect_read(void *data, uint64_t off, void *buf, size_t n);
static int debar_inspect_say(void *data, const debar_found_t *found);
static void debar_inspect_say_file(debar_inspect_out_t *o,
    const debar_found_t *found);
static void debar_inspect_say_signer(const debar_found_t *found);
static void debar_inspect_say_json(debar_inspect_out_t *o,
    const debar_found_t *found);
static void debar_inspect_hex(char *out, const void *data, size_t len);
static void debar_inspect_end(debar_inspect_out_t *o, unsigned bounds);


static const char  debar_inspect_help[] =
    "usage: debar inspect [--list FILE.mdb | SOURCE] [--url URL] [--json] FILE\n"
    "       debar inspect --serve ...      (see debar inspect --serve --help)\n"
    "\n"
    "Reads a file as the gateway reads a download and prints what it finds: what\n"
    "it is by its bytes, its SHA-256, who signed it and whether the signature\n"
    "holds, what it says of itself, which package it is, and the same of what is\n"
    "packed in it.\n"
    "\n"
    "  -l, --list LIST  judge it by a snapshot or a source folder as a download\n"
    "      --url URL    that came from there, by the shipped list if no other is\n"
    "                   named; default: from nowhere that is listed\n"
    "      --json       one JSON object\n"
    "  -h, --help       this text\n"
    "\n"
    "\"bounds\" says what was not read, and why: deep, members, expanded, held\n"
    "(more than the bounds allow), broken, sealed (encrypted), unread (a format\n"
    "that is known and not read).\n"
    "\n"
    "Exit: 0 read, 1 it could not be opened or read, 2 usage; judged: 0 pass,\n"
    "10 log, 20 block, 30 reject.\n";

static const struct option  debar_inspect_options[] = {
    { "list", required_argument, NULL, 'l' },
    { "url",  required_argument, NULL, 'u' },
    { "json", no_argument,       NULL, 'j' },
    { "help", no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};

static const char  *debar_inspect_what[] = {
    "", "file", "signer", "field", "package", "end"
};

static const char  *debar_inspect_roles[] = {
    "text", "maker", "product", "file", "version"
};


int
debar_inspect_print(int argc, char **argv)
{
    int                  rc;
    debar_inspect_out_t  o;

    memset(&o, 0, sizeof(o));
    rc = debar_inspect_args(&o, argc, argv);

    if (rc == -1) {
        rc = debar_inspect_begun(&o) == DEBAR_OK ? debar_inspect_one(&o)
                                                 : DEBAR_EXIT_FAILURE;
    }

    if (o.list != NULL) {
        debar_filing_free(o.filing);
        debar_list_close(o.list);
    }

    debar_request_free(&o.rq);

    return rc;
}


/* -1: go on; else the exit code. */

static int
debar_inspect_args(debar_inspect_out_t *o, int argc, char **argv)
{
    int          c;
    const char  *why;

    opterr = 0;

    while ((c = getopt_long(argc, argv, ":l:h", debar_inspect_options, NULL))
           != -1)
    {
        switch (c) {
        case 'l':
            o->list_name = optarg;
            break;
        case 'u':
            o->url = optarg;
            break;
        case 'j':
            o->json = 1;
            break;
        case 'h':
            fputs(debar_inspect_help, stdout);
            return 0;
        default:
            return debar_bad_option("debar inspect", c, argv);
        }
    }

    if (argc - optind != 1) {
        return debar_usage("debar inspect", "one file is needed");
    }

    o->name = argv[optind];
    o->rq.url = o->url ? o->url : DEBAR_INSPECT_URL;
    o->rq.url_len = strlen(o->rq.url);
    o->rq.facts.now = time(NULL);
    o->rq.facts.filing = 1;

    if (debar_request_finish(&o->rq, &why) != DEBAR_OK) {
        return debar_usage("debar inspect", "%s", why);
    }

    return -1;
}


/* The request is judged, as far as it goes without the file. */

static int
debar_inspect_begun(debar_inspect_out_t *o)
{
    debar_dialled_t  to;

    if (o->list_name == NULL && o->url == NULL) {
        return DEBAR_OK;
    }

    o->list = debar_open_list(o->list_name);

    if (o->list == NULL) {
        return DEBAR_ERROR;
    }

    memset(&to, 0, sizeof(to));
    debar_judge_request(o->list, &o->rq, &to, &o->v);
    o->filing = debar_filing_new(o->list, &o->rq.facts, &o->v);

    if (o->filing == NULL) {
        (void) debar_say("inspect: no memory");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_inspect_one(debar_inspect_out_t *o)
{
    int                   fd, bounds;
    unsigned              i;
    debar_file_room_t     room;
    debar_file_source_t   src;
    debar_inspect_room_t  fds;

    if (debar_inspect_open(o->name, &fd, &src) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    memset(fds.fds, 0xff, sizeof(fds.fds));
    room.data = &fds;
    room.begin = debar_inspect_begin;
    room.write = debar_inspect_write;
    room.source = debar_inspect_source;

    bounds = debar_file_read(&src, NULL, &room, NULL, debar_inspect_say, o);
    debar_inspect_end(o, bounds);

    for (i = 0; i < DEBAR_INSPECT_ROOMS; i++) {
        if (fds.fds[i] != -1) {
            close(fds.fds[i]);
        }
    }

    close(fd);

    return o->list ? debar_verdict_exit(o->v.verdict) : 0;
}


static int
debar_inspect_open(const char *path, int *fd, debar_file_source_t *src)
{
    struct stat  st;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (*fd == -1 || fstat(*fd, &st) == -1) {
        (void) debar_say("inspect: %s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    if (!S_ISREG(st.st_mode)) {
        (void) debar_say("inspect: %s is not a regular file", path);
        close(*fd);
        return DEBAR_ERROR;
    }

    src->size = st.st_size;
    src->data = fd;
    src->read = debar_inspect_read;

    return DEBAR_OK;
}


static long
debar_inspect_read(void *data, uint64_t off, void *buf, size_t n)
{
    ssize_t  got;

    do {
        got = pread(*(int *) data, buf, n, off);
    } while (got == -1 && errno == EINTR);

    return got;
}


/* --- room ---------------------------------------------------------------- */

static int
debar_inspect_begin(void *data, unsigned depth)
{
    debar_inspect_room_t  *r = data;

    if (depth >= DEBAR_INSPECT_ROOMS) {
        return DEBAR_ERROR;
    }

    if (r->fds[depth] == -1) {
        r->fds[depth] = memfd_create("debar", MFD_CLOEXEC);
    }

    if (r->fds[depth] == -1 || ftruncate(r->fds[depth], 0) == -1
        || lseek(r->fds[depth], 0, SEEK_SET) == -1)
    {
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_inspect_write(void *data, unsigned depth, const void *buf, size_t n)
{
    ssize_t                put;
    const char            *p = buf;
    debar_inspect_room_t  *r = data;

    while (n) {
        put = write(r->fds[depth], p, n);

        if (put == -1 && errno == EINTR) {
            continue;
        }

        if (put <= 0) {
            return DEBAR_ERROR;
        }

        p += put;
        n -= put;
    }

    return DEBAR_OK;
}


static int
debar_inspect_source(void *data, unsigned depth, debar_file_source_t *src)
{
    struct stat            st;
    debar_inspect_room_t  *r = data;

    if (fstat(r->fds[depth], &st) == -1) {
        return DEBAR_ERROR;
    }

    src->size = st.st_size;
    src->data = &r->fds[depth];
    src->read = debar_inspect_read;

    return DEBAR_OK;
}


/* --- what is found ------------------------------------------------------- */

static int
debar_inspect_say(void *data, const debar_found_t *found)
{
    debar_inspect_out_t  *o = data;

    if (o->filing != NULL) {
        debar_filing_push(o->filing, found);
    }

    if (o->json) {
        debar_inspect_say_json(o, found);
        return DEBAR_OK;
    }

    if (found->what == DEBAR_FOUND_END) {
        return DEBAR_OK;
    }

    if (found->what == DEBAR_FOUND_FILE) {
        debar_inspect_say_file(o, found);
        return DEBAR_OK;
    }

    printf("%*s", 2 * found->depth + 2, "");

    if (found->what == DEBAR_FOUND_SIGNER) {
        debar_inspect_say_signer(found);

    } else {
        if (found->what == DEBAR_FOUND_PACKAGE) {
            printf("package ");
        }

        debar_put(stdout, found->name.data, found->name.len);
        printf(": ");
        debar_put(stdout, found->value.data, found->value.len);
    }

    printf("\n");

    return DEBAR_OK;
}


static void
debar_inspect_say_file(debar_inspect_out_t *o, const debar_found_t *found)
{
    char         hex[65];
    const char  *class;

    printf("%*s", 2 * found->depth, "");

    if (found->depth == 0) {
        debar_put(stdout, o->name, strlen(o->name));

    } else {
        debar_put(stdout, found->name.data, found->name.len);
    }

    class = debar_file_class_name(debar_file_class(found->type));
    printf(": %s (%s), %llu byte%s\n", debar_file_type_name(found->type),
           class, (unsigned long long) found->size,
           found->size == 1 ? "" : "s");

    if (found->has_sha256) {
        debar_inspect_hex(hex, found->sha256, 32);
        printf("%*ssha256 %s\n", 2 * found->depth + 2, "", hex);
    }
}


/* signer: O / CN (authenticode, issued by X, SHA-1 ...): holds */

static void
debar_inspect_say_signer(const debar_found_t *found)
{
    char         hex[65];
    debar_str_t  o, cn;

    o = found->organization;
    cn = found->common_name;
    printf("signer: ");
    debar_put(stdout, o.data, o.len);

    if (cn.len && (o.len != cn.len || memcmp(o.data, cn.data, o.len) != 0)) {
        fputs(o.len ? " / " : "", stdout);
        debar_put(stdout, cn.data, cn.len);
    }

    printf("%s(", o.len || cn.len ? " " : "");
    debar_put(stdout, found->name.data, found->name.len);

    if (found->issuer.len) {
        printf(", issued by ");
        debar_put(stdout, found->issuer.data, found->issuer.len);
    }

    if (found->thumbprint.len) {
        debar_inspect_hex(hex, found->thumbprint.data, found->thumbprint.len);
        printf(", %s", hex);
    }

    printf("): %s", debar_signed_name(found->state));
}


static void
debar_inspect_say_json(debar_inspect_out_t *o, const debar_found_t *found)
{
    char          hex[65];
    debar_buf_t  *b = &o->out;

    debar_buf_printf(b, "%s{\"found\":\"%s\",\"depth\":%u",
                     o->members++ ? "," : "",
                     debar_inspect_what[found->what], found->depth);
    debar_json_text(b, "name", found->name.data, found->name.len);

    switch (found->what) {

    case DEBAR_FOUND_FILE:
        debar_buf_printf(b, ",\"type\":\"%s\",\"class\":\"%s\"",
             debar_file_type_name(found->type),
             debar_file_class_name(debar_file_class(found->type)));
        debar_json_number(b, "size", found->size);

        if (found->has_sha256) {
            debar_inspect_hex(hex, found->sha256, 32);
            debar_json_text(b, "sha256", hex, 64);
        }

        break;

    case DEBAR_FOUND_SIGNER:
        debar_json_text(b, "organization", found->organization.data,
                        found->organization.len);
        debar_json_text(b, "common_name", found->common_name.data,
                        found->common_name.len);
        debar_json_text(b, "issuer", found->issuer.data, found->issuer.len);
        debar_inspect_hex(hex, found->thumbprint.data, found->thumbprint.len);
        debar_json_text(b, "thumbprint", hex, strlen(hex));
        debar_buf_printf(b, ",\"state\":\"%s\"",
                         debar_signed_name(found->state));
        break;

    case DEBAR_FOUND_FIELD:
        debar_buf_printf(b, ",\"says\":\"%s\"",
                         debar_inspect_roles[found->role < DEBAR_SAYS
                                             ? found->role : 0]);
        /* fall through */

    default:
        debar_json_text(b, "value", found->value.data, found->value.len);
    }

    debar_buf_add(b, "}", 1);
}


static void
debar_inspect_hex(char *out, const void *data, size_t len)
{
    size_t          i;
    const uint8_t  *p = data;

    for (i = 0; i < len && i < 32; i++) {
        snprintf(out + 2 * i, 3, "%02x", p[i]);
    }

    out[2 * i] = '\0';
}


/* The end: which bounds were reached, and the verdict. */

static void
debar_inspect_end(debar_inspect_out_t *o, unsigned bounds)
{
    unsigned     bit, n;
    debar_buf_t  b, all;

    static const debar_filing_policy_t  policy = {
        DEBAR_LOG, DEBAR_LOG, DEBAR_BLOCK
    };

    memset(&b, 0, sizeof(b));
    memset(&all, 0, sizeof(all));

    if (o->filing != NULL) {
        debar_filing_finish(o->filing, bounds, NULL, &policy, &o->v);
    }

    for (bit = 1, n = 0; bit <= DEBAR_FILE_CODED; bit <<= 1) {
        if (bounds & bit) {
            debar_buf_printf(&b, o->json ? "%s\"%s\"" : "%s%s",
                             n++ ? (o->json ? "," : ", ") : "",
                             debar_file_bound_name(bit));
        }
    }

    if (o->json) {
        debar_buf_add(&all, "{", 1);
        debar_json_text(&all, "file", o->name, strlen(o->name));
        debar_buf_add(&all, ",\"findings\":[", 13);
        debar_buf_add(&all, o->out.data, o->out.len);
        debar_buf_add(&all, "],\"bounds\":[", 12);

        if (n) {
            debar_buf_add(&all, b.data, b.len);
        }

        debar_buf_add(&all, "]", 1);

        if (o->filing != NULL) {
            debar_json_text(&all, "url", o->rq.url, o->rq.url_len);
            debar_explain_json(&all, o->list, &o->v);
        }

        debar_buf_add(&all, "}\n", 2);

    } else if (n) {
        debar_buf_printf(&all, "bounds: %.*s\n", (int) b.len, b.data);
    }

    debar_flush(&all);

    if (o->filing != NULL && !o->json) {
        printf("\n");
        debar_explain(stdout, o->list, &o->rq, &o->v, NULL);
    }

    debar_buf_free(&o->out);
    debar_buf_free(&b);
}

/*
 * debar inspect FILE: what the gateway would see in a file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
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
} debar_inspect_out_t;


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
static void debar_inspect_bounds(debar_inspect_out_t *o, unsigned bounds);


static const char  debar_inspect_help[] =
    "usage: debar inspect [--json] FILE\n"
    "\n"
    "Reads a file as the gateway reads a download and prints what it finds: what\n"
    "it is by its bytes, its SHA-256, who signed it and whether the signature\n"
    "holds, what it says of itself, which package it is, and the same of what is\n"
    "packed in it.\n"
    "\n"
    "      --json   one JSON object\n"
    "  -h, --help   this text\n"
    "\n"
    "\"bounds\" says what was not read, and why: deep, members, expanded, held\n"
    "(more than the bounds allow), broken, sealed (encrypted), unread (a format\n"
    "that is known and not read).\n"
    "\n"
    "Exit: 0 read, 1 it could not be opened or read, 2 usage.\n";

static const struct option  debar_inspect_options[] = {
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
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
    int                   c, fd, bounds;
    unsigned              i;
    debar_file_room_t     room;
    debar_inspect_out_t   o;
    debar_file_source_t   src;
    debar_inspect_room_t  fds;

    memset(&o, 0, sizeof(o));
    opterr = 0;

    while ((c = getopt_long(argc, argv, ":h", debar_inspect_options, NULL))
           != -1)
    {
        switch (c) {
        case 'j':
            o.json = 1;
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

    o.name = argv[optind];

    if (debar_inspect_open(o.name, &fd, &src) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    memset(fds.fds, 0xff, sizeof(fds.fds));
    room.data = &fds;
    room.begin = debar_inspect_begin;
    room.write = debar_inspect_write;
    room.source = debar_inspect_source;

    bounds = debar_file_read(&src, NULL, &room, NULL, debar_inspect_say, &o);
    debar_inspect_bounds(&o, bounds);

    for (i = 0; i < DEBAR_INSPECT_ROOMS; i++) {
        if (fds.fds[i] != -1) {
            close(fds.fds[i]);
        }
    }

    close(fd);

    return 0;
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


/* The end: which bounds were reached. */

static void
debar_inspect_bounds(debar_inspect_out_t *o, unsigned bounds)
{
    unsigned     bit, n;
    debar_buf_t  b, all;

    memset(&b, 0, sizeof(b));
    memset(&all, 0, sizeof(all));

    for (bit = 1, n = 0; bit <= DEBAR_FILE_CODED; bit <<= 1) {
        if (bounds & bit) {
            debar_buf_printf(&b, o->json ? "%s\"%s\"" : "%s%s",
                             n++ ? (o->json ? "," : ", ") : "",
                             debar_file_bound_name(bit));
        }
    }

    if (o->json) {
        debar_buf_add(&all, "{\"file\":", 8);
        debar_buf_json(&all, o->name, strlen(o->name));
        debar_buf_add(&all, ",\"findings\":[", 13);
        debar_buf_add(&all, o->out.data, o->out.len);
        debar_buf_add(&all, "],\"bounds\":[", 12);

        if (n) {
            debar_buf_add(&all, b.data, b.len);
        }

        debar_buf_add(&all, "]}\n", 3);

    } else if (n) {
        debar_buf_printf(&all, "bounds: %.*s\n", (int) b.len, b.data);
    }

    debar_flush(&all);
    debar_buf_free(&o->out);
    debar_buf_free(&b);
}

/*
 * One file: its bytes as they come, what it is, and out.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "inspect.h"
#include "unpack.h"


#define DEBAR_INSPECT_BLOCK    (256 * 1024)
#define DEBAR_INSPECT_WAIT     5000   /* ms: for a frame that has begun, or the
                                         first; for the worker to read */
#define DEBAR_INSPECT_DEPTHS   16
#define DEBAR_INSPECT_DECODED  (4ULL << 30)


typedef struct {
    uint64_t   from;              /* in the second file */
    uint64_t   len;
} debar_inspect_region_t;

typedef struct {
    const debar_inspect_t   *conf;
    int                      fd;          /* the connection */
    int                      file;        /* what is read: read-only */
    int                      room;        /* what comes out of it */
    uint64_t                 seen;        /* bytes that are digested */
    uint64_t                 there;       /* bytes that the worker told of */
    uint64_t                 decoded;     /* bytes of the second file that are
                                             the file itself, decoded */
    unsigned                 bounds;
    unsigned                 silent;      /* the worker went away */
    EVP_MD_CTX              *md;
    debar_file_marks_t      *marks;       /* what is in it, or NULL */
    debar_unpack_t          *unpack;      /* NULL: as it comes */
    debar_file_limits_t      limits;
    size_t                   in_len;
    debar_inspect_region_t   regions[DEBAR_INSPECT_DEPTHS];
    uint8_t                  in[DEBAR_FILE_FRAME];
    uint8_t                  out[DEBAR_FILE_FRAME];
    uint8_t                  block[DEBAR_INSPECT_BLOCK];
} debar_inspect_session_t;


static int debar_inspect_begin(debar_inspect_session_t *s);
static int debar_inspect_descriptors(debar_inspect_session_t *s,
    const int *fds);
static int debar_inspect_frame(debar_inspect_session_t *s,
    debar_file_frame_t *f, int ms);
static int debar_inspect_receive(debar_inspect_session_t *s);
static int debar_inspect_take(debar_inspect_session_t *s);
static int debar_inspect_bytes(debar_inspect_session_t *s, const void *p,
    size_t n);
static int debar_inspect_decoded(void *data, const char *bytes, size_t len);
static int debar_inspect_read_it(debar_inspect_session_t *s);
static int debar_inspect_found(void *data, const debar_found_t *found);
static int debar_inspect_send(debar_inspect_session_t *s,
    const debar_file_frame_t *f);
static long debar_inspect_at_file(void *data, uint64_t off, void *buf,
    size_t n);
static long debar_inspect_at_decoded(void *data, uint64_t off, void *buf,
    size_t n);
static int debar_inspect_room_begin(void *data, unsigned depth);
static int debar_inspect_room_write(void *data, unsigned depth,
    const void *buf, size_t n);
static int debar_inspect_room_source(void *data, unsigned depth,
    debar_file_source_t *src);
static long debar_inspect_at_region(void *data, uint64_t off, void *buf,
    size_t n);


/* Too large for the stack, and one a process. */

static debar_inspect_session_t  debar_inspect_session;


int
debar_inspect_file(const debar_inspect_t *in, int fd)
{
    debar_file_frame_t        f;
    debar_inspect_session_t  *s = &debar_inspect_session;

    s->conf = in;
    s->fd = fd;
    s->md = EVP_MD_CTX_new();

    if (s->md == NULL || EVP_DigestInit_ex(s->md, EVP_sha256(), NULL) != 1
        || debar_inspect_begin(s) != DEBAR_OK)
    {
        return 1;
    }

    s->marks = debar_file_marks_new();

    memset(&f, 0, sizeof(f));
    f.kind = DEBAR_FW_TAKEN;

    if (debar_inspect_sandbox(in->megabytes, 2 * in->seconds + 60,
                              DEBAR_INSPECT_DECODED)
        != DEBAR_OK
        || debar_inspect_send(s, &f) != DEBAR_OK)
    {
        return 1;
    }

    for ( ;; ) {

        if (debar_inspect_frame(s, &f, -1) != DEBAR_OK
            || (f.kind != DEBAR_FW_MORE && f.kind != DEBAR_FW_END)
            || f.bytes < s->there)
        {
            return s->silent ? 0 : 1;
        }

        s->there = f.bytes;

        if (f.kind == DEBAR_FW_END) {

            /* the worker waits with the last bytes, and not for long */

            alarm(in->seconds);
        }

        if (debar_inspect_take(s) != DEBAR_OK) {
            return 1;
        }

        if (f.kind == DEBAR_FW_END) {
            return debar_inspect_read_it(s);
        }
    }
}


/* The first frame, and with it what there is to read. */

static int
debar_inspect_begin(debar_inspect_session_t *s)
{
    int                  fds[2];
    ssize_t              n;
    struct iovec         iov;
    struct msghdr        msg;
    struct pollfd        p;
    struct cmsghdr      *cm;
    debar_file_frame_t   f;
    union {
        struct cmsghdr   header;
        char             space[CMSG_SPACE(sizeof(fds))];
    } control;

    p.fd = s->fd;
    p.events = POLLIN;

    if (poll(&p, 1, DEBAR_INSPECT_WAIT) != 1) {
        return DEBAR_ERROR;
    }

    memset(&msg, 0, sizeof(msg));
    iov.iov_base = s->in;
    iov.iov_len = sizeof(s->in);
    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    msg.msg_control = &control;
    msg.msg_controllen = sizeof(control);

    n = recvmsg(s->fd, &msg, MSG_CMSG_CLOEXEC);

    if (n <= 0) {
        return DEBAR_ERROR;
    }

    s->in_len = n;
    cm = CMSG_FIRSTHDR(&msg);

    if (cm == NULL || (msg.msg_flags & MSG_CTRUNC)
        || cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS
        || cm->cmsg_len != CMSG_LEN(sizeof(fds)))
    {
        return DEBAR_ERROR;
    }

    memcpy(fds, CMSG_DATA(cm), sizeof(fds));

    if (debar_inspect_descriptors(s, fds) != DEBAR_OK
        || debar_inspect_frame(s, &f, DEBAR_INSPECT_WAIT) != DEBAR_OK
        || f.kind != DEBAR_FW_BEGIN)
    {
        return DEBAR_ERROR;
    }

    s->limits = f.limits;

    if (f.coding.len != 0) {
        s->unpack = debar_unpack_new(f.coding);

        if (s->unpack == NULL) {
            s->bounds |= DEBAR_FILE_CODED;
        }
    }

    return DEBAR_OK;
}


/* Plain files, opened for what they are to be used for. */

static int
debar_inspect_descriptors(debar_inspect_session_t *s, const int *fds)
{
    struct stat  file, room;

    s->file = fds[0];
    s->room = fds[1];

    if (fstat(s->file, &file) == -1 || fstat(s->room, &room) == -1
        || !S_ISREG(file.st_mode) || !S_ISREG(room.st_mode)
        || room.st_size != 0
        || (fcntl(s->file, F_GETFL) & O_ACCMODE) != O_RDONLY
        || (fcntl(s->room, F_GETFL) & O_ACCMODE) != O_RDWR
        || (file.st_dev == room.st_dev && file.st_ino == room.st_ino))
    {
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* The next frame: ms -1: whenever the first byte of it comes. */

static int
debar_inspect_frame(debar_inspect_session_t *s, debar_file_frame_t *f, int ms)
{
    int            rc;
    long           n;
    struct pollfd  p;

    static size_t  taken;         /* of s->in, by the frame before */

    s->in_len -= taken;
    memmove(s->in, s->in + taken, s->in_len);
    taken = 0;

    for ( ;; ) {

        n = debar_file_frame(s->in, s->in_len);

        if (n < 0) {
            return DEBAR_ERROR;
        }

        if (n > 0) {
            taken = n;
            return debar_file_frame_read(f, s->in, n);
        }

        p.fd = s->fd;
        p.events = POLLIN;

        rc = poll(&p, 1, s->in_len ? DEBAR_INSPECT_WAIT : ms);

        if ((rc == -1 && errno != EINTR) || rc == 0) {
            return DEBAR_ERROR;
        }

        if (rc == 1 && debar_inspect_receive(s) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }
}


static int
debar_inspect_receive(debar_inspect_session_t *s)
{
    ssize_t  n;

    n = recv(s->fd, s->in + s->in_len, sizeof(s->in) - s->in_len, 0);

    if (n == -1) {
        return (errno == EAGAIN || errno == EINTR) ? DEBAR_OK : DEBAR_ERROR;
    }

    if (n == 0) {
        s->silent = 1;
        return DEBAR_ERROR;
    }

    s->in_len += n;

    return DEBAR_OK;
}


/* Digests, and where it is coded decodes, what is there by now. */

static int
debar_inspect_take(debar_inspect_session_t *s)
{
    size_t   want;
    ssize_t  n;

    while (s->seen < s->there) {

        want = s->there - s->seen < sizeof(s->block) ? s->there - s->seen
                                                     : sizeof(s->block);

        n = pread(s->file, s->block, want, (off_t) s->seen);

        if (n <= 0) {
            return DEBAR_ERROR;
        }

        s->seen += n;

        if (debar_inspect_bytes(s, s->block, n) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_inspect_bytes(debar_inspect_session_t *s, const void *p, size_t n)
{
    if (s->unpack == NULL) {
        debar_file_marks_push(s->marks, p, n);

        return EVP_DigestUpdate(s->md, p, n) == 1 ? DEBAR_OK : DEBAR_ERROR;
    }

    if (s->bounds & (DEBAR_FILE_CODED|DEBAR_FILE_EXPANDED)) {
        return DEBAR_OK;
    }

    switch (debar_unpack_push(s->unpack, p, n, debar_inspect_decoded, s)) {

    case DEBAR_OK:
        break;

    case DEBAR_DECLINED:
        s->bounds |= DEBAR_FILE_EXPANDED;
        break;

    default:
        s->bounds |= DEBAR_FILE_CODED;
    }

    return DEBAR_OK;
}


static int
debar_inspect_write(int fd, const void *buf, size_t n, uint64_t off)
{
    ssize_t         w;
    const uint8_t  *p = buf;

    while (n > 0) {
        w = pwrite(fd, p, n, (off_t) off);

        if (w == -1 && errno == EINTR) {
            continue;
        }

        if (w <= 0) {
            return DEBAR_ERROR;
        }

        p += w;
        off += w;
        n -= w;
    }

    return DEBAR_OK;
}


/* A few bytes that are many thousand are no download that somebody waits for. */

static int
debar_inspect_decoded(void *data, const char *bytes, size_t len)
{
    uint64_t                  most;
    debar_inspect_session_t  *s = data;

    most = s->seen * (s->limits.ratio ? s->limits.ratio : 200);

    if (most < 64 << 20) {
        most = 64 << 20;
    }

    if (s->decoded + len > most || s->decoded + len > DEBAR_INSPECT_DECODED
        || EVP_DigestUpdate(s->md, bytes, len) != 1
        || debar_inspect_write(s->room, bytes, len, s->decoded) != DEBAR_OK)
    {
        return DEBAR_DECLINED;
    }

    debar_file_marks_push(s->marks, bytes, len);
    s->decoded += len;

    return DEBAR_OK;
}


static int
debar_inspect_read_it(debar_inspect_session_t *s)
{
    int                   bounds;
    uint8_t               digest[EVP_MAX_MD_SIZE];
    debar_file_room_t     room;
    debar_file_frame_t    f;
    debar_file_source_t   src;

    if (EVP_DigestFinal_ex(s->md, digest, NULL) != 1) {
        return 1;
    }

    src.data = s;
    src.size = s->unpack ? s->decoded : s->there;
    src.read = s->unpack ? debar_inspect_at_decoded : debar_inspect_at_file;

    room.data = s;
    room.begin = debar_inspect_room_begin;
    room.write = debar_inspect_room_write;
    room.source = debar_inspect_room_source;

    bounds = debar_file_read_marked(&src, s->marks, digest, &room, &s->limits,
                                    debar_inspect_found, s);

    if (bounds < 0) {
        return 1;
    }

    memset(&f, 0, sizeof(f));
    f.kind = DEBAR_FW_DONE;
    f.bounds = s->bounds | (unsigned) bounds;

    return debar_inspect_send(s, &f) == DEBAR_OK ? 0 : 1;
}


static int
debar_inspect_found(void *data, const debar_found_t *found)
{
    debar_file_frame_t        f;
    debar_inspect_session_t  *s = data;

    memset(&f, 0, sizeof(f));
    f.kind = DEBAR_FW_FOUND;
    f.found = *found;

    return debar_inspect_send(s, &f) == DEBAR_OK ? DEBAR_OK : DEBAR_DECLINED;
}


static int
debar_inspect_send(debar_inspect_session_t *s, const debar_file_frame_t *f)
{
    size_t         n, sent;
    ssize_t        rc;
    struct pollfd  p;

    n = debar_file_frame_write(s->out, sizeof(s->out), f);

    if (n == 0) {
        return DEBAR_ERROR;
    }

    for (sent = 0; sent < n; /* void */) {

        rc = send(s->fd, s->out + sent, n - sent, MSG_NOSIGNAL);

        if (rc > 0) {
            sent += rc;
            continue;
        }

        if (errno != EAGAIN && errno != EINTR) {
            return DEBAR_ERROR;
        }

        p.fd = s->fd;
        p.events = POLLOUT;

        if (poll(&p, 1, DEBAR_INSPECT_WAIT) != 1) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


/* --- where bytes lie ------------------------------------------------------ */

static long
debar_inspect_at(int fd, uint64_t off, void *buf, size_t n)
{
    size_t   got;
    ssize_t  rc;

    for (got = 0; got < n; got += rc) {

        rc = pread(fd, (char *) buf + got, n - got, (off_t) (off + got));

        if (rc == -1) {
            return -1;
        }

        if (rc == 0) {
            break;
        }
    }

    return (long) got;
}


static long
debar_inspect_at_file(void *data, uint64_t off, void *buf, size_t n)
{
    debar_inspect_session_t  *s = data;

    if (off >= s->there) {
        return 0;
    }

    return debar_inspect_at(s->file, off, buf,
                            n < s->there - off ? n : s->there - off);
}


static long
debar_inspect_at_decoded(void *data, uint64_t off, void *buf, size_t n)
{
    debar_inspect_session_t  *s = data;

    if (off >= s->decoded) {
        return 0;
    }

    return debar_inspect_at(s->room, off, buf,
                            n < s->decoded - off ? n : s->decoded - off);
}


/*
 * Members lie behind each other in the second file, each behind the archive that
 * it is in; a new one of a depth takes the place of the last.
 */

static int
debar_inspect_room_begin(void *data, unsigned depth)
{
    debar_inspect_region_t   *r;
    debar_inspect_session_t  *s = data;

    if (depth >= DEBAR_INSPECT_DEPTHS) {
        return DEBAR_ERROR;
    }

    r = &s->regions[depth];

    r->from = depth == 0 ? s->decoded
                         : s->regions[depth - 1].from
                           + s->regions[depth - 1].len;
    if (r->from < s->decoded) {
        r->from = s->decoded;
    }

    r->len = 0;

    return ftruncate(s->room, (off_t) r->from) == -1 ? DEBAR_ERROR : DEBAR_OK;
}


static int
debar_inspect_room_write(void *data, unsigned depth, const void *buf, size_t n)
{
    debar_inspect_region_t   *r;
    debar_inspect_session_t  *s = data;

    r = &s->regions[depth];

    if (debar_inspect_write(s->room, buf, n, r->from + r->len) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    r->len += n;

    return DEBAR_OK;
}


static int
debar_inspect_room_source(void *data, unsigned depth, debar_file_source_t *src)
{
    debar_inspect_session_t  *s = data;

    src->size = s->regions[depth].len;
    src->data = &s->regions[depth];
    src->read = debar_inspect_at_region;

    return DEBAR_OK;
}


static long
debar_inspect_at_region(void *data, uint64_t off, void *buf, size_t n)
{
    debar_inspect_region_t  *r = data;

    if (off >= r->len) {
        return 0;
    }

    return debar_inspect_at(debar_inspect_session.room, r->from + off, buf,
                            n < r->len - off ? n : r->len - off);
}

/*
 * Of fetching: libcurl, within bounds of size and time that we set and not the
 * other end, and from the host that was named and no other.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <curl/curl.h>

#include "publish.h"


#define DEBAR_FETCH_CONNECT    10            /* s */
#define DEBAR_FETCH_SLOW       1024          /* bytes a second, over `stall` */
#define DEBAR_FETCH_LONGEST    86400L        /* s for what is large */
#define DEBAR_FETCH_REDIRECTS  5


typedef struct {
    const debar_fetch_t  *f;
    const char           *url;
    CURL                 *curl;
    uint64_t              max;
    uint64_t              from;              /* bytes that are there already */
    uint64_t              part;              /* where what comes begins */
    debar_buf_t          *out;               /* or */
    int                   fd;
    unsigned              begun;             /* its status was looked at */
    unsigned              over;              /* more than max */
    unsigned              failed;            /* writing: errno */
    debar_fetched_t      *got;
} debar_fetching_t;


int
debar_fetch_start(debar_fault_t *fault)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        debar_fault(fault, "libcurl cannot be used");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* A body begins: only those of 200 and 206 are wanted, and after a 200 what was
 * there before does not count. */

static int
debar_fetch_begin(debar_fetching_t *g)
{
    g->begun = 1;
    (void) curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE, &g->got->status);

    /* a part that is another than the one that was asked for */

    if (g->from && g->got->status == 206 && g->part != g->from) {
        return -1;
    }

    if (g->from && g->got->status != 206 && g->got->status != 0) {
        g->from = 0;

        if (g->got->status == 200
            && (ftruncate(g->fd, 0) == -1 || lseek(g->fd, 0, SEEK_SET) == -1))
        {
            g->failed = (unsigned) errno;
            return -1;
        }
    }

    return 0;
}


static size_t
debar_fetch_body(char *data, size_t size, size_t n, void *user)
{
    size_t             off;
    ssize_t            done;
    debar_fetching_t  *g = user;

    n *= size;

    if (!g->begun && debar_fetch_begin(g) == -1) {
        return 0;
    }

    if (g->got->status != 200 && g->got->status != 206 && g->got->status != 0) {
        g->got->bytes += n;              /* a page that says why not */

        return g->got->bytes > DEBAR_NOTE_MAX ? 0 : n;
    }

    if (n > g->max || g->from + g->got->bytes > g->max - n) {
        g->over = 1;
        return 0;
    }

    g->got->bytes += n;

    if (g->out) {
        debar_buf_add(g->out, data, n);
        return n;
    }

    for (off = 0; off < n; off += (size_t) done) {
        done = write(g->fd, data + off, n - off);

        if (done <= 0) {
            g->failed = (unsigned) (done ? errno : EIO);
            return 0;
        }
    }

    return n;
}


static size_t
debar_fetch_header(char *data, size_t size, size_t n, void *user)
{
    size_t             len;
    debar_fetching_t  *g = user;

    n *= size;

    if (n > 5 && strncasecmp(data, "http/", 5) == 0) {
        g->got->etag[0] = '\0';
    }

    if (n > 21 && strncasecmp(data, "content-range: bytes ", 21) == 0) {
        g->part = 0;

        for (len = 21; len < n && data[len] >= '0' && data[len] <= '9'
             && g->part < UINT64_MAX / 16; len++)
        {
            g->part = g->part * 10 + (uint64_t) (data[len] - '0');
        }
    }

    if (n > 5 && strncasecmp(data, "etag:", 5) == 0) {
        for (data += 5, len = n - 5; len && *data == ' '; data++, len--) {
            /* void */
        }

        while (len && (uint8_t) data[len - 1] <= ' ') {
            len--;
        }

        if (len < sizeof(g->got->etag) && memchr(data, '\r', len) == NULL) {
            memcpy(g->got->etag, data, len);
            g->got->etag[len] = '\0';
        }
    }

    return n;
}


static int
debar_fetch_progress(void *user, curl_off_t total, curl_off_t now,
    curl_off_t up_total, curl_off_t up_now)
{
    debar_fetching_t  *g = user;

    if (now > (1 << 20)) {
        debar_progress(NULL, "fetching", (uint64_t) now);
    }

    return g->f->stop && *g->f->stop;
}


/* A redirect stays with scheme, host and port. */

static int
debar_fetch_same_host(const char *from, const char *to)
{
    int             same;
    unsigned        i;
    char           *a, *b;
    CURLU          *x, *y;
    const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST,
                                CURLUPART_PORT };

    x = curl_url();
    y = curl_url();

    same = x && y && curl_url_set(x, CURLUPART_URL, from, 0) == CURLUE_OK
           && curl_url_set(y, CURLUPART_URL, to, 0) == CURLUE_OK;

    for (i = 0; same && i < 3; i++) {
        a = b = NULL;
        (void) curl_url_get(x, parts[i], &a, CURLU_DEFAULT_PORT);
        (void) curl_url_get(y, parts[i], &b, CURLU_DEFAULT_PORT);
        same = a && b ? strcasecmp(a, b) == 0 : a == b;
        curl_free(a);
        curl_free(b);
    }

    curl_url_cleanup(x);
    curl_url_cleanup(y);

    return same;
}


static void
debar_fetch_options(debar_fetching_t *g)
{
    char   range[32];
    CURL  *c = g->curl;

    (void) curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
    (void) curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void) curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
                            (long) DEBAR_FETCH_CONNECT);
    (void) curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT,
                            (long) DEBAR_FETCH_SLOW);
    (void) curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long) g->f->stall);
    (void) curl_easy_setopt(c, CURLOPT_TIMEOUT, g->out ? (long) g->f->total
                                                       : DEBAR_FETCH_LONGEST);
    (void) curl_easy_setopt(c, CURLOPT_USERAGENT, "debar/" DEBAR_VERSION);
    (void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, debar_fetch_body);
    (void) curl_easy_setopt(c, CURLOPT_WRITEDATA, g);
    (void) curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, debar_fetch_header);
    (void) curl_easy_setopt(c, CURLOPT_HEADERDATA, g);
    (void) curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, debar_fetch_progress);
    (void) curl_easy_setopt(c, CURLOPT_XFERINFODATA, g);
    (void) curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);

    /* not CURLOPT_RESUME_FROM, by which an answer of all is an error */

    if (g->from) {
        snprintf(range, sizeof(range), "%" PRIu64 "-", g->from);
        (void) curl_easy_setopt(c, CURLOPT_RANGE, range);
    }
}


static int
debar_fetch_fault(debar_fetching_t *g, CURLcode rc, const char *url,
    debar_fault_t *fault)
{
    if (g->over) {
        debar_fault(fault, "%s: it is larger than %" PRIu64 " bytes, which is "
                    "all that it may be: it is not of this list", url, g->max);

    } else if (g->failed) {
        debar_fault(fault, "%s: what came cannot be written: %s", url,
                    strerror((int) g->failed));

    } else if (rc == CURLE_ABORTED_BY_CALLBACK) {
        debar_fault(fault, "%s: stopped", url);

    } else if (rc == CURLE_OPERATION_TIMEDOUT) {
        debar_fault(fault, "%s: too slow, it was given up after %" PRIu64
                    " bytes", url, g->got->bytes);

    } else if (rc == CURLE_PARTIAL_FILE || rc == CURLE_RECV_ERROR
               || rc == CURLE_GOT_NOTHING)
    {
        debar_fault(fault, "%s: the connection ended after %" PRIu64 " bytes, "
                    "before all was there: %s", url, g->got->bytes,
                    curl_easy_strerror(rc));

    } else {
        debar_fault(fault, "%s: %s; is the URL right, and the network up?",
                    url, curl_easy_strerror(rc));
    }

    return DEBAR_ERROR;
}


/* DEBAR_OK: an answer, whatever it says. */

static int
debar_fetch_one(debar_fetching_t *g, const char *name, const char *etag,
    debar_fault_t *fault)
{
    char                url[3072], header[300], *next;
    unsigned            i;
    CURLcode            rc;
    struct curl_slist  *fields;

    fields = NULL;
    snprintf(url, sizeof(url), "%s/%s", g->f->base, name);

    if (etag && *etag) {
        snprintf(header, sizeof(header), "If-None-Match: %s", etag);
        fields = curl_slist_append(NULL, header);
        (void) curl_easy_setopt(g->curl, CURLOPT_HTTPHEADER, fields);
    }

    debar_fetch_options(g);

    for (i = 0; /* void */ ; i++) {
        memset(g->got, 0, sizeof(*g->got));
        g->begun = 0;

        (void) curl_easy_setopt(g->curl, CURLOPT_URL, url);
        rc = curl_easy_perform(g->curl);

        (void) curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE,
                                 &g->got->status);

        if (rc == CURLE_FILE_COULDNT_READ_FILE
            || rc == CURLE_REMOTE_FILE_NOT_FOUND)
        {
            g->got->status = 404;            /* of file: */
            rc = CURLE_OK;
        }

        if (rc == CURLE_OK && g->got->status == 0) {
            g->got->status = 200;            /* of file: */
        }

        next = NULL;
        (void) curl_easy_getinfo(g->curl, CURLINFO_REDIRECT_URL, &next);

        if (rc != CURLE_OK || next == NULL) {
            break;
        }

        if (i == DEBAR_FETCH_REDIRECTS || strlen(next) >= sizeof(url)
            || !debar_fetch_same_host(g->f->base, next))
        {
            debar_fault(fault, "%s: it redirects to %.200s, and only what is "
                        "on the same host and port is followed: name that URL "
                        "if it is right", url, next);
            curl_slist_free_all(fields);
            return DEBAR_ERROR;
        }

        snprintf(url, sizeof(url), "%s", next);
    }

    curl_slist_free_all(fields);

    return rc == CURLE_OK ? DEBAR_OK : debar_fetch_fault(g, rc, url, fault);
}


static int
debar_fetch_status(const debar_fetching_t *g, const char *name,
    debar_fault_t *fault)
{
    switch (g->got->status) {

    case 200:
    case 206:
        return DEBAR_OK;

    case 304:
        return DEBAR_DECLINED;

    case 404:
    case 410:
        debar_fault(fault, "%s/%s: there is none (%ld): is this the URL of a "
                    "folder of `debar list publish`?", g->f->base, name,
                    g->got->status);
        return DEBAR_DECLINED;

    default:
        debar_fault(fault, "%s/%s: the server answers %ld; ask whoever runs it",
                    g->f->base, name, g->got->status);
        return DEBAR_ERROR;
    }
}


int
debar_fetch_small(const debar_fetch_t *f, const char *name, size_t max,
    const char *etag, debar_buf_t *out, debar_fetched_t *got,
    debar_fault_t *fault)
{
    int               rc;
    debar_fetching_t  g;

    memset(&g, 0, sizeof(g));
    memset(got, 0, sizeof(*got));
    memset(out, 0, sizeof(*out));
    g.f = f;
    g.max = max;
    g.out = out;
    g.fd = -1;
    g.got = got;
    g.curl = curl_easy_init();

    if (g.curl == NULL) {
        debar_fault(fault, "libcurl cannot be used");
        return DEBAR_ERROR;
    }

    rc = debar_fetch_one(&g, name, etag, fault);
    curl_easy_cleanup(g.curl);

    if (rc == DEBAR_OK) {
        rc = debar_fetch_status(&g, name, fault);
    }

    if (rc != DEBAR_OK) {
        debar_buf_free(out);
    }

    return rc;
}


int
debar_fetch_file(const debar_fetch_t *f, const char *name, uint64_t max,
    const char *path, debar_fetched_t *got, debar_fault_t *fault)
{
    int               rc;
    struct stat       st;
    debar_fetching_t  g;

    memset(&g, 0, sizeof(g));
    memset(got, 0, sizeof(*got));
    g.f = f;
    g.max = max;
    g.got = got;

    g.fd = open(path, O_WRONLY|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0600);

    if (g.fd == -1 || fstat(g.fd, &st) == -1 || !S_ISREG(st.st_mode)
        || lseek(g.fd, 0, SEEK_END) == -1)
    {
        debar_fault(fault, "%s: cannot be written: %s; run it as a user who "
                    "may write to the folder", path, strerror(errno));

        if (g.fd != -1) {
            close(g.fd);
        }

        return DEBAR_ERROR;
    }

    g.from = (uint64_t) st.st_size < max ? (uint64_t) st.st_size : 0;
    g.curl = curl_easy_init();

    if (g.from == 0 && ftruncate(g.fd, 0) == 0) {
        (void) lseek(g.fd, 0, SEEK_SET);
    }

    rc = DEBAR_ERROR;

    if (g.curl) {
        rc = debar_fetch_one(&g, name, NULL, fault);
        curl_easy_cleanup(g.curl);
    }

    if (rc == DEBAR_OK && got->status == 416) {
        rc = DEBAR_OK;               /* all of it is there, as will be seen */

    } else if (rc == DEBAR_OK) {
        rc = debar_fetch_status(&g, name, fault);
    }

    close(g.fd);
    debar_progress_end();

    return rc;
}

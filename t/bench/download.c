/*
 * Downloads through a proxy, one after the other, each on a connection of its
 * own: a line for each with its status, the bytes of its body, and us until its
 * first byte came, between the byte that is HOLD before its end and the last
 * one, and of all of it.
 *
 * With sha256 it digests what it gets: what that costs beside a plain download is
 * what any proxy pays that wants to know the digest of a file.
 *
 *   download PORT HOST PATH N HOLD [sha256]
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>


#define ROOM  (256 * 1024)


typedef struct {
    long     status;
    long     length;
    long     body;
    double   first;
    double   held;             /* when all but the last HOLD bytes were here */
    double   all;
} download_t;


static char         room[ROOM + 1];
static EVP_MD_CTX  *digest;        /* NULL: not asked for */


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}


static int
dial(int port)
{
    int                 fd, one = 1;
    struct timeval      tv = { 60, 0 };
    struct sockaddr_in  sin = { .sin_family = AF_INET };

    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1 || connect(fd, (void *) &sin, sizeof(sin)) == -1) {
        perror("connect");
        exit(1);
    }

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));

    return fd;
}


/* The head, into d; 0: there is more of it to come. */

static size_t
head(download_t *d, const char *text)
{
    const char  *end, *p;

    end = strstr(text, "\r\n\r\n");

    if (end == NULL) {
        return 0;
    }

    d->status = atol(text + strlen("HTTP/1.1 "));
    p = strcasestr(text, "\r\nContent-Length: ");
    d->length = (p && p < end) ? atol(p + strlen("\r\nContent-Length: ")) : -1;

    return end + 4 - text;
}


static void
download(download_t *d, int fd, const char *request, long hold)
{
    char    *p;
    size_t   n, of_head;
    double   from;
    ssize_t  got;

    from = now();
    n = 0;
    of_head = 0;

    if (send(fd, request, strlen(request), 0) == -1) {
        return;
    }

    for ( ;; ) {
        got = recv(fd, room + n, ROOM - n, 0);

        if (got <= 0) {
            break;
        }

        p = room;

        if (d->first == 0) {
            d->first = now() - from;
        }

        if (of_head == 0) {
            n += got;
            room[n] = '\0';
            of_head = head(d, room);
            got = n - of_head;
            p = room + of_head;

            if (of_head == 0) {
                continue;
            }

            n = 0;
        }

        if (digest) {
            EVP_DigestUpdate(digest, p, got);
        }

        d->body += got;

        if (d->held == 0 && d->body >= d->length - hold) {
            d->held = now() - from;
        }

        if (d->body == d->length) {
            break;
        }
    }

    d->all = now() - from;
}


int
main(int argc, char **argv)
{
    int         fd;
    long        i;
    char        request[1024];
    download_t  d;

    if (argc < 6) {
        fprintf(stderr, "usage: download PORT HOST PATH N HOLD [sha256]\n");
        return 2;
    }

    digest = argc > 6 ? EVP_MD_CTX_new() : NULL;

    snprintf(request, sizeof(request), "GET http://%s%s HTTP/1.1\r\nHost: %s"
             "\r\nConnection: close\r\n\r\n", argv[2], argv[3], argv[2]);

    for (i = atol(argv[4]); i > 0; i--) {
        memset(&d, 0, sizeof(d));

        if (digest) {
            EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
        }

        fd = dial(atoi(argv[1]));
        download(&d, fd, request, atol(argv[5]));
        close(fd);
        printf("%ld %ld %.0f %.0f %.0f\n", d.status, d.body, d.first,
               d.all - d.held, d.all);
    }

    return 0;
}

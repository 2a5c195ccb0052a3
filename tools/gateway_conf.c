/*
 * nginx.conf of a gateway: made from the template, and left alone once a
 * person has edited it.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "gateway_init.h"


static void debar_init_nginx(debar_init_t *in);
static void debar_init_template(debar_init_t *in, debar_buf_t *b);
static void debar_init_value(const debar_init_t *in, debar_buf_t *b,
    const char *name, size_t len);
static void debar_init_users(const debar_init_t *in, debar_buf_t *b);
static void debar_init_client_ca(const debar_init_t *in, debar_buf_t *b);
static void debar_init_parent_line(const debar_init_t *in, debar_buf_t *b);
static void debar_init_ports(const debar_init_t *in, debar_buf_t *b);
static void debar_init_allow(const debar_init_t *in, debar_buf_t *b);
static int debar_init_is_mark(const char *p);
static const char *debar_init_block(const debar_init_t *in, const char *name,
    const char *p);
static unsigned debar_init_files(void);
static int debar_init_edited(const char *path);
static void debar_init_sum(char out[17], const char *data, size_t len);
static int debar_init_write(const char *path, const debar_buf_t *b,
    const char *sum);


/* the first line of a configuration that nobody has edited yet */

static const char  debar_init_mark[] = "# As written by init: ";


int
debar_init_conf(debar_init_t *in)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64], old[DEBAR_MAX_DIR + 64], sum[17];
    debar_buf_t  b;

    debar_gateway_path(&in->g, "nginx.conf", path, sizeof(path));
    debar_gateway_path(&in->g, "nginx.conf.old", old, sizeof(old));

    if (debar_init_edited(path)) {
        if (!in->force) {
            in->kept_conf = 1;
            return DEBAR_OK;
        }

        if (rename(path, old) != 0) {
            debar_say("%s: %s", old, strerror(errno));
            return DEBAR_ERROR;
        }
    }

    debar_init_nginx(in);

    memset(&b, 0, sizeof(b));
    debar_init_template(in, &b);
    debar_init_sum(sum, b.data, b.len);

    rc = debar_init_write(path, &b, sum);
    debar_buf_free(&b);

    return rc;
}


/*
 * nginx's own stream module, which Debar's is loaded after, is a file on Debian;
 * other builds have it in the binary.  From 1.25.1 on HTTP/2 is a directive.
 */

static void
debar_init_nginx(debar_init_t *in)
{
    size_t        n;
    unsigned      major, minor, patch;
    const char   *p, *path;
    debar_buf_t   b;

    in->ssl = "ssl http2";

    memset(&b, 0, sizeof(b));

    if (debar_gateway_nginx(&in->g, "-V", &b) == DEBAR_OK) {
        debar_buf_add(&b, "", 1);

        if (strstr(b.data, "--with-stream=dynamic")) {
            path = "/usr/lib/nginx/modules";
            n = strlen(path);
            p = strstr(b.data, "--modules-path=");

            if (p) {
                path = p + sizeof("--modules-path=") - 1;
                n = strcspn(path, " '\"\n");
            }

            snprintf(in->stream, sizeof(in->stream),
                     "%.*s/ngx_stream_module.so", (int) n, path);
        }

        p = strstr(b.data, "nginx version: ");
        p = p ? strchr(p, '/') : NULL;

        if (p && sscanf(p, "/%u.%u.%u", &major, &minor, &patch) == 3
            && major * 1000000 + minor * 1000 + patch >= 1025001)
        {
            in->ssl = "ssl;\n        http2 on";
        }
    }

    debar_buf_free(&b);
}


static void
debar_init_template(debar_init_t *in, debar_buf_t *b)
{
    size_t       n;
    const char  *p, *at;

    for (p = debar_nginx_conf; (at = strchr(p, '@')) != NULL; ) {
        debar_buf_add(b, p, (size_t) (at - p));
        at++;
        n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        p = at + n + 1;

        if (at[n] != '@') {
            debar_buf_add(b, at - 1, n + 2);     /* a named location */

        } else if (at[n + 1] == '\n' && debar_init_is_mark(at - 1)) {
            p = debar_init_block(in, at, p + 1);

        } else {
            debar_init_value(in, b, at, n);
        }
    }

    debar_buf_add(b, p, strlen(p));
}


static void
debar_init_value(const debar_init_t *in, debar_buf_t *b, const char *name,
    size_t len)
{
    size_t       i;
    unsigned     files;
    const char  *value;

    const struct {
        const char  *name;
        const char  *value;
    } values[] = {
        { "DIR",      in->g.path },
        { "USER",     in->directive },
        { "WORKERS",  in->workers },
        { "MODULES",  in->modules },
        { "RESOLVER", in->resolvers },
        { "MODE",     in->mode },
        { "LISTEN",   in->listens },
        { "SSL",      in->ssl },
        { "ROOTS",    in->roots },
        { "TLSLISTEN", in->tls_listens },
    };

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        value = values[i].value;

        if (strlen(values[i].name) == len
            && memcmp(values[i].name, name, len) == 0)
        {
            debar_buf_add(b, value, strlen(value));
            return;
        }
    }

    files = debar_init_files();

#define debar_init_is(text)                                                  \
    (len == sizeof(text) - 1 && memcmp(name, text, len) == 0)

    if (debar_init_is("FILES")) {
        debar_buf_printf(b, "%u", files);

    } else if (debar_init_is("CONNECTIONS")) {
        files -= files / 8;                      /* for other files */
        debar_buf_printf(b, "%u", files < 32768 ? files : 32768);

    } else if (debar_init_is("STREAM") && in->stream[0]) {
        debar_buf_printf(b, "load_module \"%s\";\n", in->stream);

    } else if (debar_init_is("PORTS")) {
        debar_init_ports(in, b);

    } else if (debar_init_is("ALLOW")) {
        debar_init_allow(in, b);

    } else if (debar_init_is("PARENT")) {
        debar_init_parent_line(in, b);

    } else if (debar_init_is("USERS")) {
        debar_init_users(in, b);

    } else if (debar_init_is("CLIENTCA")) {
        debar_init_client_ca(in, b);
    }

#undef debar_init_is
}


static void
debar_init_users(const debar_init_t *in, debar_buf_t *b)
{
    debar_buf_printf(b, "%sdebar_htpasswd \"%s/users\";",
                     in->htpasswd ? "" : "# ", in->g.path);
}


static void
debar_init_client_ca(const debar_init_t *in, debar_buf_t *b)
{
    const char  *off;

    off = in->client_ca ? "" : "# ";

    debar_buf_printf(b, "        %sssl_client_certificate "
                     "\"%s/tls/clients.pem\";\n"
                     "        %sssl_verify_client on;\n"
                     "        %sssl_verify_depth 3;", off, in->g.path, off,
                     off);
}


static void
debar_init_parent_line(const debar_init_t *in, debar_buf_t *b)
{
    if (in->parent == NULL) {
        debar_buf_printf(b, "    # debar_parent proxy.agency.example:3128;");
        return;
    }

    debar_buf_printf(b, "    debar_parent %s", in->parent);

    if (in->parent_file) {
        debar_buf_printf(b, " \"credentials=%s/parent.credentials\"",
                         in->g.path);
    }

    debar_buf_printf(b, ";");
}


static void
debar_init_ports(const debar_init_t *in, debar_buf_t *b)
{
    unsigned  i;

    debar_buf_printf(b, in->nports ? "        debar_connect_port"
                                   : "        # debar_connect_port 8443;");

    for (i = 0; i < in->nports; i++) {
        debar_buf_printf(b, " %u%s", in->ports[i],
                         i + 1 == in->nports ? ";" : "");
    }
}


static void
debar_init_allow(const debar_init_t *in, debar_buf_t *b)
{
    unsigned  i;

    if (in->ncidrs == 0) {
        debar_buf_printf(b, "    # debar_allow_destination 10.0.0.0/8;");
    }

    for (i = 0; i < in->ncidrs; i++) {
        debar_buf_printf(b, "%s    debar_allow_destination %s;",
                         i ? "\n" : "", in->cidrs[i]);
    }
}


static int
debar_init_is_mark(const char *p)
{
    return strncmp(p, "@INSPECT@\n", 10) == 0
           || strncmp(p, "@PLAIN@\n", 8) == 0
           || strncmp(p, "@TLS@\n", 6) == 0
           || strncmp(p, "@END@\n", 6) == 0;
}


/*
 * The template has lines for a gateway that inspects, behind "@INSPECT@", for
 * one that does not, behind "@PLAIN@", and for one with a TLS port, behind
 * "@TLS@", until the next mark; marks are lines of their own.  name: of the mark, p: behind its line.  Returns where to go on.
 */

static const char *
debar_init_block(const debar_init_t *in, const char *name, const char *p)
{
    const char  *end;

    for ( ;; ) {
        if (*name == 'E' || (*name == 'I' && in->inspect)
            || (*name == 'P' && !in->inspect)
            || (*name == 'T' && in->tls_listen))
        {
            return p;
        }

        /* there is an @END@ behind every block: the template is ours */

        end = p - 1;

        while (end && !debar_init_is_mark(end + 1)) {
            end = strstr(end + 1, "\n@");
        }

        if (end == NULL) {
            return p + strlen(p);
        }

        name = end + 2;
        p = strchr(name, '\n') + 1;
    }
}


/*
 * What workers may be given of open files: in a container not even root may
 * raise the limit, and each worker would say so at each start.
 */

static unsigned
debar_init_files(void)
{
    rlim_t         most = 65536;
    struct rlimit  was, wanted;

    if (getrlimit(RLIMIT_NOFILE, &was) == -1 || was.rlim_max >= most) {
        return (unsigned) most;
    }

    wanted.rlim_cur = was.rlim_cur;
    wanted.rlim_max = most;

    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) {
        (void) setrlimit(RLIMIT_NOFILE, &was);
        return (unsigned) most;
    }

    return (unsigned) was.rlim_max;
}


/* True if there is one that is not as init wrote it. */

static int
debar_init_edited(const char *path)
{
    int          edited;
    char         sum[17], block[4096], *eol;
    FILE        *f;
    size_t       n, mark;
    debar_buf_t  b;

    f = fopen(path, "re");
    if (f == NULL) {
        return 0;
    }

    memset(&b, 0, sizeof(b));

    while ((n = fread(block, 1, sizeof(block), f)) > 0) {
        debar_buf_add(&b, block, n);
    }

    fclose(f);

    mark = sizeof(debar_init_mark) - 1;
    eol = b.len ? memchr(b.data, '\n', b.len) : NULL;
    edited = 1;

    if (eol && (size_t) (eol - b.data) == mark + 16
        && memcmp(b.data, debar_init_mark, mark) == 0)
    {
        debar_init_sum(sum, eol + 1, b.len - mark - 17);
        edited = memcmp(b.data + mark, sum, 16) != 0;
    }

    debar_buf_free(&b);

    return edited;
}


static void
debar_init_sum(char out[17], const char *data, size_t len)
{
    unsigned       i, n;
    unsigned char  md[EVP_MAX_MD_SIZE];

    memset(md, 0, sizeof(md));
    (void) EVP_Digest(data, len, md, &n, EVP_sha256(), NULL);

    for (i = 0; i < 8; i++) {
        snprintf(out + 2 * i, 3, "%02x", md[i]);
    }
}


static int
debar_init_write(const char *path, const debar_buf_t *b, const char *sum)
{
    char   tmp[DEBAR_MAX_DIR + 80];
    FILE  *f;

    snprintf(tmp, sizeof(tmp), "%s.tmp", path);

    f = fopen(tmp, "we");

    if (f == NULL
        || fprintf(f, "%s%s\n", debar_init_mark, sum) < 0
        || fwrite(b->data, 1, b->len, f) != b->len
        || fchmod(fileno(f), 0644) != 0
        || fflush(f) != 0
        || fsync(fileno(f)) != 0
        || rename(tmp, path) != 0)
    {
        debar_say("%s: %s", path, strerror(errno));

        if (f) {
            fclose(f);
            (void) unlink(tmp);
        }

        return DEBAR_ERROR;
    }

    fclose(f);

    return DEBAR_OK;
}

/*
 * The parent proxy: its directive, its addresses, and the CONNECT by which it
 * opens a tunnel.
 */

#include "ngx_debar_parent.h"
#include "connect.h"


#define NGX_DEBAR_PARENT_CREDENTIALS  1024   /* bytes of a file */


static ngx_int_t ngx_debar_parent_parameters(ngx_conf_t *cf,
    ngx_debar_parent_t *parent);
static ngx_int_t ngx_debar_parent_addrs(ngx_conf_t *cf,
    ngx_debar_parent_t *parent);
static ngx_int_t ngx_debar_parent_addr(ngx_conf_t *cf, ngx_debar_addr_t *addr,
    ngx_addr_t *from);
static ngx_int_t ngx_debar_parent_credentials(ngx_conf_t *cf,
    ngx_debar_parent_t *parent, ngx_str_t *name);
static ngx_int_t ngx_debar_parent_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *line);
static ngx_int_t ngx_debar_parent_encode(ngx_conf_t *cf,
    ngx_debar_parent_t *parent, ngx_str_t *path, ngx_str_t *line);

static ngx_int_t ngx_debar_parent_head(ngx_debar_parent_ask_t *ask);
static void ngx_debar_parent_handler(ngx_event_t *ev);
static ngx_int_t ngx_debar_parent_connected(ngx_debar_parent_ask_t *ask);
static ngx_int_t ngx_debar_parent_send(ngx_debar_parent_ask_t *ask);
static void ngx_debar_parent_receive(ngx_debar_parent_ask_t *ask);
static ssize_t ngx_debar_parent_peek(ngx_debar_parent_ask_t *ask, char *buf,
    size_t size);
static void ngx_debar_parent_take(ngx_debar_parent_ask_t *ask, char *buf,
    size_t len);
static void ngx_debar_parent_wait(ngx_debar_parent_ask_t *ask);
static void ngx_debar_parent_reply(ngx_debar_parent_ask_t *ask,
    debar_connect_reply_t *reply);
static void ngx_debar_parent_detail(ngx_debar_parent_ask_t *ask,
    debar_connect_reply_t *reply);
static void ngx_debar_parent_done(ngx_debar_parent_ask_t *ask, ngx_int_t rc,
    const char *fault);


static const char  ngx_debar_parent_unanswered[] =
    "the parent proxy ended the connection unanswered";


char *
ngx_debar_parent_directive(ngx_conf_t *cf, ngx_debar_parent_t **pp)
{
    ngx_str_t           *value;
    ngx_debar_parent_t  *parent;

    if (*pp != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts != 2) {
            return "is off, and takes no parameter";
        }

        *pp = NULL;
        return NGX_CONF_OK;
    }

    parent = ngx_pcalloc(cf->pool, sizeof(ngx_debar_parent_t));
    if (parent == NULL) {
        return NGX_CONF_ERROR;
    }

    parent->name = value[1];

    if (ngx_debar_parent_addrs(cf, parent) != NGX_OK
        || ngx_debar_parent_parameters(cf, parent) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    *pp = parent;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_debar_parent_parameters(ngx_conf_t *cf, ngx_debar_parent_t *parent)
{
    ngx_str_t   *value, path;
    ngx_uint_t   i, resolve;

    value = cf->args->elts;
    resolve = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "credentials=", 12) == 0
            && value[i].len > 12 && parent->authorization.len == 0)
        {
            path.data = value[i].data + 12;
            path.len = value[i].len - 12;

            if (ngx_debar_parent_credentials(cf, parent, &path) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        if (!resolve++) {

            if (ngx_strcmp(value[i].data, "resolve=on") == 0) {
                parent->resolve = 1;
                continue;
            }

            if (ngx_strcmp(value[i].data, "resolve=off") == 0) {
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\": \"debar_parent\" takes "
                           "HOST:PORT, credentials=FILE and resolve=on or off",
                           &value[i]);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_debar_parent_addrs(ngx_conf_t *cf, ngx_debar_parent_t *parent)
{
    ngx_url_t   u;
    ngx_uint_t  i;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = parent->name;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in \"debar_parent %V\": it is the HOST:PORT of "
                           "a proxy, found when the configuration is read",
                           u.err ? u.err : "no host", &parent->name);
        return NGX_ERROR;
    }

    if (u.no_port || u.port == 0 || u.family == AF_UNIX || u.naddrs == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no port in \"debar_parent %V\": it is the "
                           "HOST:PORT of a proxy", &parent->name);
        return NGX_ERROR;
    }

    parent->addrs = ngx_pcalloc(cf->pool,
                                u.naddrs * sizeof(ngx_debar_addr_t));
    if (parent->addrs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < u.naddrs; i++) {

        if (ngx_debar_parent_addr(cf, &parent->addrs[i], &u.addrs[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    parent->naddrs = u.naddrs;

    return NGX_OK;
}


/* Every byte of a sockaddr is set: they are compared and hashed as a whole. */

static ngx_int_t
ngx_debar_parent_addr(ngx_conf_t *cf, ngx_debar_addr_t *addr, ngx_addr_t *from)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    if (!ngx_debar_addr(addr->addr, from->sockaddr)) {
        return NGX_ERROR;
    }

    addr->sockaddr = ngx_pcalloc(cf->pool, from->socklen);
    if (addr->sockaddr == NULL) {
        return NGX_ERROR;
    }

    addr->socklen = from->socklen;
    addr->text = from->name;
    addr->sockaddr->sa_family = from->sockaddr->sa_family;

#if (NGX_HAVE_INET6)

    if (from->sockaddr->sa_family == AF_INET6) {
        sin6 = (struct sockaddr_in6 *) addr->sockaddr;
        ngx_memcpy(&sin6->sin6_addr, addr->addr, 16);
        sin6->sin6_scope_id = ((struct sockaddr_in6 *) from->sockaddr)
                                  ->sin6_scope_id;

    } else

#endif
    {
        sin = (struct sockaddr_in *) addr->sockaddr;
        ngx_memcpy(&sin->sin_addr, addr->addr + 12, 4);
    }

    ngx_inet_set_port(addr->sockaddr, ngx_inet_get_port(from->sockaddr));

    return NGX_OK;
}


static ngx_int_t
ngx_debar_parent_credentials(ngx_conf_t *cf, ngx_debar_parent_t *parent,
    ngx_str_t *name)
{
    u_char     buf[NGX_DEBAR_PARENT_CREDENTIALS + 1];
    ngx_int_t  rc;
    ngx_str_t  path, line;

    path = *name;

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    line.data = buf;
    line.len = 0;

    rc = ngx_debar_parent_read(cf, &path, &line);

    if (rc == NGX_OK) {
        rc = ngx_debar_parent_encode(cf, parent, &path, &line);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return rc;
}


/* line: has room for a file of the greatest length, and a byte more. */

static ngx_int_t
ngx_debar_parent_read(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *line)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", path);
        return NGX_ERROR;
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", path);
        goto failed;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a file: credentials of "
                           "\"debar_parent\" are a line \"user:password\" in "
                           "one", path);
        goto failed;
    }

    if (fi.st_mode & S_IRWXO) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" holds a password and is open to everybody: "
                           "chmod o= \"%V\"", path, path);
        goto failed;
    }

    n = ngx_read_fd(fd, line->data, NGX_DEBAR_PARENT_CREDENTIALS + 1);

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", path);
        goto failed;
    }

    line->len = n;

    (void) ngx_close_file(fd);

    return NGX_OK;

failed:

    (void) ngx_close_file(fd);

    return NGX_ERROR;
}


/* RFC 7617 s.2: a user without a colon, no controls. */

static ngx_int_t
ngx_debar_parent_encode(ngx_conf_t *cf, ngx_debar_parent_t *parent,
    ngx_str_t *path, ngx_str_t *line)
{
    u_char      *p;
    ngx_str_t    src, dst;
    ngx_uint_t   bad;

    bad = line->len > NGX_DEBAR_PARENT_CREDENTIALS;
    src = *line;

    if (src.len && src.data[src.len - 1] == LF) {
        src.len--;
    }

    if (src.len && src.data[src.len - 1] == CR) {
        src.len--;
    }

    for (p = src.data; p < src.data + src.len; p++) {
        bad |= (*p < ' ' || *p == 0x7f);
    }

    p = ngx_strlchr(src.data, src.data + src.len, ':');

    if (bad || p == NULL || p == src.data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not one line \"user:password\" of at "
                           "most %d bytes without controls", path,
                           NGX_DEBAR_PARENT_CREDENTIALS);
        return NGX_ERROR;
    }

    p = ngx_pnalloc(cf->pool, 6 + ngx_base64_encoded_length(src.len));
    if (p == NULL) {
        return NGX_ERROR;
    }

    parent->authorization.data = p;

    dst.data = ngx_cpymem(p, "Basic ", 6);
    ngx_encode_base64(&dst, &src);

    parent->authorization.len = 6 + dst.len;

    return NGX_OK;
}


ngx_uint_t
ngx_debar_parent_resolves(ngx_debar_parent_t *parent, const debar_host_t *host)
{
    return parent != NULL && !parent->resolve
           && host->type == DEBAR_HOST_NAME;
}


ngx_int_t
ngx_debar_parent_pin(ngx_debar_resolve_t *rs)
{
    ngx_uint_t           i;
    ngx_debar_addr_t    *addrs;
    ngx_debar_parent_t  *parent;

    parent = rs->parent;
    addrs = parent->addrs;

    if (parent->first) {
        addrs = ngx_palloc(rs->pool,
                           parent->naddrs * sizeof(ngx_debar_addr_t));
        if (addrs == NULL) {
            return NGX_ERROR;
        }

        for (i = 0; i < parent->naddrs; i++) {
            addrs[i] = parent->addrs[(parent->first + i) % parent->naddrs];
        }
    }

    rs->addrs = addrs;
    rs->naddrs = parent->naddrs;
    rs->pinned = 1;

    return NGX_OK;
}


void
ngx_debar_parent_failed(ngx_debar_parent_t *parent, const uint8_t addr[16])
{
    if (ngx_memcmp(parent->addrs[parent->first].addr, addr, 16) == 0) {
        parent->first = (parent->first + 1) % parent->naddrs;
    }
}


u_char *
ngx_debar_parent_authority(u_char *p, const debar_host_t *host, in_port_t port,
    in_port_t standard)
{
    ngx_uint_t  v6;

    v6 = host->type == DEBAR_HOST_ADDRESS && !debar_addr_is_v4(host->addr);

    if (v6) {
        *p++ = '[';
    }

    p = ngx_cpymem(p, host->name, host->len);

    if (v6) {
        *p++ = ']';
    }

    return (port == standard) ? p : ngx_sprintf(p, ":%ud", (unsigned) port);
}


const char *
ngx_debar_parent_challenged(ngx_debar_parent_t *parent)
{
    return parent->authorization.len
           ? "the parent proxy does not take the credentials of debar_parent"
           : "the parent proxy asks for credentials: debar_parent "
             "credentials=FILE";
}


/* --- CONNECT -------------------------------------------------------------- */

ngx_int_t
ngx_debar_parent_ask(ngx_debar_parent_ask_t *ask)
{
    ngx_connection_t  *c;

    if (ngx_debar_parent_head(ask) != NGX_OK) {
        return NGX_ERROR;
    }

    ask->connected = 0;
    ask->fault = NULL;
    ask->detail[0] = '\0';

    c = ask->connection;

    c->data = ask;
    c->read->handler = ngx_debar_parent_handler;
    c->write->handler = ngx_debar_parent_handler;

    if (c->write->ready) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_debar_parent_head(ngx_debar_parent_ask_t *ask)
{
    u_char              *p, *last, name[NGX_DEBAR_PARENT_AUTHORITY];
    size_t               size;
    ngx_str_t            authority;
    ngx_debar_parent_t  *parent;

    parent = ask->parent;

    authority.data = name;
    authority.len = ngx_debar_parent_authority(name, ask->host, ask->port, 0)
                    - name;

    size = sizeof("CONNECT  HTTP/1.1" CRLF "Host: " CRLF
                  "Proxy-Authorization: " CRLF CRLF)
           + 2 * authority.len + parent->authorization.len;

    p = ngx_pnalloc(ask->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ask->pos = p;
    last = p + size;

    p = ngx_slprintf(p, last, "CONNECT %V HTTP/1.1" CRLF "Host: %V" CRLF,
                     &authority, &authority);

    if (parent->authorization.len) {
        p = ngx_slprintf(p, last, "Proxy-Authorization: %V" CRLF,
                         &parent->authorization);
    }

    ask->last = ngx_slprintf(p, last, CRLF);

    return NGX_OK;
}


static void
ngx_debar_parent_handler(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_debar_parent_ask_t  *ask;

    c = ev->data;
    ask = c->data;

    if (c->close) {
        ngx_debar_parent_done(ask, NGX_ERROR, "the gateway is ending");
        return;
    }

    if (ev->timedout) {
        ngx_debar_parent_done(ask, NGX_ERROR,
                              ask->connected
                              ? "the parent proxy did not answer in time"
                              : "the parent proxy took no connection in time");
        return;
    }

    if (!ask->connected && ngx_debar_parent_connected(ask) != NGX_OK) {
        return;
    }

    if (ask->pos != ask->last && ngx_debar_parent_send(ask) != NGX_OK) {
        return;
    }

    if (c->read->ready) {
        ngx_debar_parent_receive(ask);
    }
}


/* NGX_OK; NGX_AGAIN; NGX_DONE: the handler has been called. */

static ngx_int_t
ngx_debar_parent_connected(ngx_debar_parent_ask_t *ask)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c;

    c = ask->connection;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        (void) ngx_connection_error(c, err, "connect() failed");
        ngx_debar_parent_done(ask, NGX_ERROR,
                              "the parent proxy took no connection");
        return NGX_DONE;
    }

    if (!c->write->ready) {
        return NGX_AGAIN;
    }

    ask->connected = 1;

    return NGX_OK;
}


/* NGX_OK: all of it; NGX_AGAIN; NGX_DONE: the handler has been called. */

static ngx_int_t
ngx_debar_parent_send(ngx_debar_parent_ask_t *ask)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = ask->connection;

    while (ask->pos != ask->last) {

        n = c->send(c, ask->pos, ask->last - ask->pos);

        if (n == NGX_AGAIN
            && ngx_handle_write_event(c->write, 0) == NGX_OK)
        {
            return NGX_AGAIN;
        }

        if (n < 0) {
            ngx_debar_parent_done(ask, NGX_ERROR,
                                  "the parent proxy ended the connection");
            return NGX_DONE;
        }

        ask->pos += n;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_debar_parent_done(ask, NGX_ERROR, "an event failed");
        return NGX_DONE;
    }

    return NGX_OK;
}


static void
ngx_debar_parent_receive(ngx_debar_parent_ask_t *ask)
{
    char                   buf[DEBAR_MAX_REPLY];
    ssize_t                n;
    debar_connect_reply_t  reply;

    n = ngx_debar_parent_peek(ask, buf, sizeof(buf));

    if (n == 0) {
        return;
    }

    switch (debar_connect_reply_parse(&reply, buf, n)) {

    case DEBAR_HEAD_OK:
        if (reply.status >= 200 && reply.status <= 299) {
            ngx_debar_parent_take(ask, buf, reply.len);
            return;
        }

        ngx_debar_parent_reply(ask, &reply);
        return;

    case DEBAR_HEAD_MORE:
        ngx_debar_parent_wait(ask);
        return;

    case DEBAR_HEAD_TOO_LARGE:
        ngx_debar_parent_done(ask, NGX_ERROR,
                              "the parent proxy answered with a head longer "
                              "than is read");
        return;

    default:
        ngx_debar_parent_detail(ask, &reply);
        ngx_debar_parent_done(ask, NGX_ERROR,
                              "the parent proxy did not answer as a proxy of "
                              "HTTP");
    }
}


/* 0: nothing yet, or the handler has been called. */

static ssize_t
ngx_debar_parent_peek(ngx_debar_parent_ask_t *ask, char *buf, size_t size)
{
    ssize_t  n;

    n = ngx_debar_peek(ask->connection, buf, size);

    if (n > 0) {
        return n;
    }

    if (n == NGX_AGAIN) {
        ngx_debar_parent_wait(ask);
        return 0;
    }

    ngx_debar_parent_done(ask, NGX_ERROR, ngx_debar_parent_unanswered);

    return 0;
}


/* Exactly the head leaves the socket: an origin may have spoken already. */

static void
ngx_debar_parent_take(ngx_debar_parent_ask_t *ask, char *buf, size_t len)
{
    ssize_t  n;

    do {
        n = recv(ask->connection->fd, buf, len, 0);
    } while (n == -1 && ngx_socket_errno == NGX_EINTR);

    if (n == (ssize_t) len) {
        ngx_debar_parent_done(ask, NGX_OK, NULL);
        return;
    }

    ngx_debar_parent_done(ask, NGX_ERROR, ngx_debar_parent_unanswered);
}


/* A peek at what is there never returns 0: the end is known by pending_eof. */

static void
ngx_debar_parent_wait(ngx_debar_parent_ask_t *ask)
{
    ngx_event_t  *rev;

    rev = ask->connection->read;

#if (NGX_HAVE_EPOLLRDHUP || NGX_HAVE_KQUEUE)
    if (rev->pending_eof) {
        ngx_debar_parent_done(ask, NGX_ERROR, ngx_debar_parent_unanswered);
        return;
    }
#endif

    rev->ready = 0;

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_debar_parent_done(ask, NGX_ERROR, "an event failed");
    }
}


static void
ngx_debar_parent_reply(ngx_debar_parent_ask_t *ask,
    debar_connect_reply_t *reply)
{
    const char  *fault;

    ngx_debar_parent_detail(ask, reply);

    fault = (reply->status == 407) ? ngx_debar_parent_challenged(ask->parent)
                                   : "the parent proxy refused";

    ngx_debar_parent_done(ask, NGX_DECLINED, fault);
}


static void
ngx_debar_parent_detail(ngx_debar_parent_ask_t *ask,
    debar_connect_reply_t *reply)
{
    u_char  *p, *last;
    size_t   i;

    p = ask->detail;
    last = p + NGX_DEBAR_PARENT_DETAIL - 1;

    if (reply->fault) {
        p = ngx_slprintf(p, last, "%s", reply->fault);

    } else {
        p = ngx_slprintf(p, last, "%ud", reply->status);

        if (reply->reason.len && p < last) {
            *p++ = ' ';
        }

        for (i = 0; i < reply->reason.len && p < last; i++) {
            *p++ = (reply->reason.data[i] >= ' '
                    && reply->reason.data[i] <= '~')
                   ? (u_char) reply->reason.data[i] : '?';
        }
    }

    *p = '\0';
}


static void
ngx_debar_parent_done(ngx_debar_parent_ask_t *ask, ngx_int_t rc,
    const char *fault)
{
    ngx_uint_t  level;

    ask->rc = rc;
    ask->fault = fault;

    if (rc != NGX_OK) {
        level = (rc == NGX_ERROR) ? NGX_LOG_ERR : NGX_LOG_WARN;

        ngx_log_error(level, ask->connection->log, 0, "debar_parent %V: %s%s%s",
                      &ask->parent->name, fault,
                      ask->detail[0] ? ": " : "", ask->detail);
    }

    ask->handler(ask);
}

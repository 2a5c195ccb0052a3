/*
 * Basic credentials (RFC 7617) against an htpasswd file.
 *
 * A hash of a password is slow on purpose.  What it said of credentials is kept
 * for a minute under a keyed digest of them, and forgotten when the file
 * changes.  A user who is not there costs a hash as well, so that the time of
 * an answer does not tell which users there are.
 */

#include "ngx_debar_user.h"

#include "connect.h"

#include <ngx_crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <sys/random.h>


#define NGX_DEBAR_BASIC_KNOWN   256
#define NGX_DEBAR_BASIC_KEEP    60       /* seconds */
#define NGX_DEBAR_BASIC_FILE    (1024 * 1024)

/* Where the file has nobody whose hash could be borrowed. */

#define NGX_DEBAR_BASIC_NOBODY  "$6$nobodynobody$"


typedef struct {
    u_char                  digest[32];
    time_t                  until;
    ngx_uint_t              ok;
} ngx_debar_basic_slot_t;

typedef struct {
    u_char                  key[32];
    time_t                  mtime;
    off_t                   size;
    ino_t                   inode;
    ngx_debar_basic_slot_t  slots[NGX_DEBAR_BASIC_KNOWN];
} ngx_debar_basic_known_t;

struct ngx_debar_htpasswd_s {
    ngx_str_t                 path;      /* full, NUL-terminated */
    ngx_debar_basic_known_t  *known;     /* by this worker; NULL at first */
};


static ngx_int_t ngx_debar_basic_known(ngx_debar_htpasswd_t *h,
    ngx_log_t *log);
static ngx_int_t ngx_debar_basic_check(ngx_debar_htpasswd_t *h, ngx_log_t *log,
    debar_str_t field, debar_str_t user, debar_str_t password);
static ngx_int_t ngx_debar_basic_look(ngx_str_t *path, ngx_log_t *log,
    debar_str_t user, u_char *password);
static ngx_int_t ngx_debar_basic_find(ngx_pool_t *pool, u_char *p,
    u_char *last, debar_str_t user, u_char *password);
static ngx_int_t ngx_debar_basic_crypt(ngx_pool_t *pool, u_char *password,
    u_char *hash, size_t len);


ngx_int_t
ngx_debar_user_basic(ngx_debar_htpasswd_t *h, ngx_pool_t *pool,
    ngx_log_t *log, debar_str_t field, ngx_debar_login_t *login)
{
    char         out[NGX_DEBAR_USER_NAME];
    ngx_int_t    rc;
    debar_str_t  user, password;

    if (debar_connect_basic(field, out, sizeof(out), &user, &password)
        != DEBAR_OK)
    {
        ngx_explicit_memzero(out, sizeof(out));
        return NGX_DECLINED;
    }

    rc = ngx_debar_basic_check(h, log, field, user, password);

    if (rc != NGX_ERROR) {
        login->user.data = ngx_pnalloc(pool, user.len);

        if (login->user.data) {
            ngx_memcpy(login->user.data, user.data, user.len);
            login->user.len = user.len;

        } else {
            rc = NGX_ERROR;
        }
    }

    ngx_explicit_memzero(out, sizeof(out));

    return rc;
}


static ngx_int_t
ngx_debar_basic_check(ngx_debar_htpasswd_t *h, ngx_log_t *log,
    debar_str_t field, debar_str_t user, debar_str_t password)
{
    u_char                   digest[EVP_MAX_MD_SIZE];
    unsigned                 n;
    ngx_int_t                rc;
    ngx_debar_basic_slot_t  *slot;

    if (ngx_debar_basic_known(h, log) != NGX_OK
        || HMAC(EVP_sha256(), h->known->key, sizeof(h->known->key),
                (u_char *) field.data, field.len, digest, &n)
           == NULL)
    {
        return NGX_ERROR;
    }

    slot = &h->known->slots[digest[0] % NGX_DEBAR_BASIC_KNOWN];

    if (slot->until > ngx_time()
        && CRYPTO_memcmp(slot->digest, digest, sizeof(slot->digest)) == 0)
    {
        return slot->ok ? NGX_OK : NGX_DECLINED;
    }

    rc = ngx_debar_basic_look(&h->path, log, user, (u_char *) password.data);

    if (rc != NGX_ERROR) {
        ngx_memcpy(slot->digest, digest, sizeof(slot->digest));
        slot->until = ngx_time() + NGX_DEBAR_BASIC_KEEP;
        slot->ok = (rc == NGX_OK);
    }

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "debar: no such user or another password: \"%*s\"",
                      user.len, user.data);
    }

    return rc;
}


/* Another file than before: what was known of the old one is forgotten. */

static ngx_int_t
ngx_debar_basic_known(ngx_debar_htpasswd_t *h, ngx_log_t *log)
{
    ngx_file_info_t           fi;
    ngx_debar_basic_known_t  *known;

    known = h->known;

    if (known == NULL) {
        known = ngx_pcalloc(ngx_cycle->pool, sizeof(ngx_debar_basic_known_t));

        if (known == NULL
            || getrandom(known->key, sizeof(known->key), 0)
               != (ssize_t) sizeof(known->key))
        {
            return NGX_ERROR;
        }

        h->known = known;
    }

    if (ngx_file_info(h->path.data, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_file_info_n " \"%V\" failed", &h->path);
        return NGX_ERROR;
    }

    if (known->mtime != ngx_file_mtime(&fi)
        || known->size != ngx_file_size(&fi)
        || known->inode != fi.st_ino)
    {
        ngx_memzero(known->slots, sizeof(known->slots));

        known->mtime = ngx_file_mtime(&fi);
        known->size = ngx_file_size(&fi);
        known->inode = fi.st_ino;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_debar_basic_look(ngx_str_t *path, ngx_log_t *log, debar_str_t user,
    u_char *password)
{
    u_char      *data;
    ssize_t      n;
    ngx_fd_t     fd;
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", path);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;
    pool = ngx_create_pool(4096, log);
    data = pool ? ngx_palloc(pool, NGX_DEBAR_BASIC_FILE) : NULL;
    n = data ? ngx_read_fd(fd, data, NGX_DEBAR_BASIC_FILE) : -1;

    if (n == -1) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_read_fd_n " \"%V\" failed", path);

    } else {
        rc = ngx_debar_basic_find(pool, data, data + n, user, password);
    }

    if (pool) {
        ngx_destroy_pool(pool);
    }

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_debar_basic_find(ngx_pool_t *pool, u_char *p, u_char *last,
    debar_str_t user, u_char *password)
{
    u_char     *eol, *hash;
    ngx_str_t   other;

    ngx_str_set(&other, NGX_DEBAR_BASIC_NOBODY);

    for ( /* void */ ; p < last; p = eol + 1) {
        eol = ngx_strlchr(p, last, LF);

        if (eol == NULL) {
            eol = last;
        }

        hash = ngx_strlchr(p, eol, ':');

        if (*p == '#' || hash == NULL || hash == p) {
            continue;
        }

        other.data = hash + 1;

        for (other.len = 0; other.data + other.len < eol; other.len++) {
            if (other.data[other.len] == ':' || other.data[other.len] == CR) {
                break;
            }
        }

        if ((size_t) (hash - p) == user.len
            && CRYPTO_memcmp(p, user.data, user.len) == 0)
        {
            return ngx_debar_basic_crypt(pool, password, other.data,
                                         other.len);
        }
    }

    /* the hash of the last one in the file, whatever it says */

    (void) ngx_debar_basic_crypt(pool, password, other.data, other.len);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_debar_basic_crypt(ngx_pool_t *pool, u_char *password, u_char *hash,
    size_t len)
{
    u_char  *salt, *encrypted;

    salt = ngx_pnalloc(pool, len + 1);
    if (salt == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(salt, hash, len + 1);

    if (ngx_crypt(pool, password, salt, &encrypted) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_strlen(encrypted) != len
        || CRYPTO_memcmp(encrypted, salt, len) != 0)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


char *
ngx_debar_htpasswd_directive(ngx_conf_t *cf, ngx_debar_htpasswd_t **hp)
{
    ngx_fd_t               fd;
    ngx_str_t             *value;
    ngx_debar_htpasswd_t  *h;

    if (*hp != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        *hp = NULL;
        return NGX_CONF_OK;
    }

    h = ngx_pcalloc(cf->pool, sizeof(ngx_debar_htpasswd_t));
    if (h == NULL) {
        return NGX_CONF_ERROR;
    }

    h->path = value[1];

    if (ngx_conf_full_name(cf->cycle, &h->path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(h->path.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &h->path);
        return NGX_CONF_ERROR;
    }

    (void) ngx_close_file(fd);

    *hp = h;

    return NGX_CONF_OK;
}

/*
 * Who asks: Basic credentials (RFC 7617) against an htpasswd file.
 *
 * A hash of a password is slow on purpose.  What it said of credentials is kept
 * for a minute under a keyed digest of them, and forgotten when the file
 * changes.  The slots of the cache are few: who floods them costs himself time.
 */

#include "ngx_stream_debar_front.h"

#include <ngx_crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <sys/random.h>


#define NGX_STREAM_DEBAR_KNOWN     256
#define NGX_STREAM_DEBAR_KEEP      60    /* seconds */
#define NGX_STREAM_DEBAR_USER      512   /* bytes of "user:password" */
#define NGX_STREAM_DEBAR_PASSWD    (1024 * 1024)


typedef struct {
    u_char                 digest[32];
    time_t                 until;
    ngx_uint_t             ok;
} ngx_stream_debar_slot_t;

typedef struct {
    u_char                   key[32];
    time_t                   mtime;
    off_t                    size;
    ino_t                    inode;
    ngx_stream_debar_slot_t  slots[NGX_STREAM_DEBAR_KNOWN];
} ngx_stream_debar_known_t;


static ngx_stream_debar_known_t *ngx_stream_debar_known(
    ngx_stream_debar_front_ctx_t *ctx);
static ngx_int_t ngx_stream_debar_user_fresh(ngx_stream_debar_known_t *known,
    ngx_str_t *file, ngx_log_t *log);
static ngx_int_t ngx_stream_debar_user_look(ngx_stream_debar_front_ctx_t *ctx,
    ngx_str_t *file, debar_str_t user, u_char *password);
static ngx_int_t ngx_stream_debar_user_crypt(ngx_pool_t *pool,
    u_char *password, u_char *hash, size_t len);


ngx_int_t
ngx_stream_debar_front_user(ngx_stream_debar_front_ctx_t *ctx)
{
    char                            out[NGX_STREAM_DEBAR_USER];
    u_char                          digest[EVP_MAX_MD_SIZE];
    unsigned                        n;
    ngx_int_t                       rc;
    debar_str_t                     user, password;
    ngx_connection_t               *c;
    ngx_stream_debar_slot_t        *slot;
    ngx_stream_debar_known_t       *known;
    ngx_stream_debar_front_conf_t  *dfcf;

    c = ctx->session->connection;
    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    if (ctx->head.nauthorization != 1
        || debar_connect_basic(ctx->head.authorization, out, sizeof(out),
                               &user, &password)
           != DEBAR_OK
        || user.len == 0)
    {
        return NGX_DECLINED;
    }

    known = ngx_stream_debar_known(ctx);

    if (known == NULL
        || ngx_stream_debar_user_fresh(known, &dfcf->htpasswd, c->log)
           != NGX_OK
        || HMAC(EVP_sha256(), known->key, sizeof(known->key),
                (u_char *) ctx->head.authorization.data,
                ctx->head.authorization.len, digest, &n) == NULL)
    {
        return NGX_ERROR;
    }

    slot = &known->slots[digest[0] % NGX_STREAM_DEBAR_KNOWN];

    if (slot->until > ngx_time()
        && CRYPTO_memcmp(slot->digest, digest, sizeof(slot->digest)) == 0)
    {
        rc = slot->ok ? NGX_OK : NGX_DECLINED;

    } else {
        rc = ngx_stream_debar_user_look(ctx, &dfcf->htpasswd, user,
                                        (u_char *) password.data);

        if (rc != NGX_ERROR) {
            ngx_memcpy(slot->digest, digest, sizeof(slot->digest));
            slot->until = ngx_time() + NGX_STREAM_DEBAR_KEEP;
            slot->ok = (rc == NGX_OK);
        }
    }

    if (rc == NGX_OK) {
        ctx->user.data = ngx_pnalloc(c->pool, user.len);

        if (ctx->user.data) {
            ngx_memcpy(ctx->user.data, user.data, user.len);
            ctx->user.len = user.len;

        } else {
            rc = NGX_ERROR;
        }

    } else if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, c->log, 0,
                      "debar_front: no such user or another password: \"%*s\"",
                      user.len, user.data);
    }

    ngx_explicit_memzero(out, sizeof(out));

    return rc;
}


static ngx_stream_debar_known_t *
ngx_stream_debar_known(ngx_stream_debar_front_ctx_t *ctx)
{
    ngx_stream_debar_known_t       *known;
    ngx_stream_debar_front_conf_t  *dfcf;

    dfcf = ngx_stream_get_module_srv_conf(ctx->session,
                                          ngx_stream_debar_front_module);

    if (dfcf->users == NULL) {
        known = ngx_pcalloc(ngx_cycle->pool, sizeof(ngx_stream_debar_known_t));

        if (known == NULL
            || getrandom(known->key, sizeof(known->key), 0)
               != (ssize_t) sizeof(known->key))
        {
            return NULL;
        }

        dfcf->users = known;
    }

    return dfcf->users;
}


/* Another file than before: what was known of the old one is forgotten. */

static ngx_int_t
ngx_stream_debar_user_fresh(ngx_stream_debar_known_t *known, ngx_str_t *file,
    ngx_log_t *log)
{
    ngx_file_info_t  fi;

    if (ngx_file_info(file->data, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_file_info_n " \"%V\" failed", file);
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
ngx_stream_debar_user_look(ngx_stream_debar_front_ctx_t *ctx, ngx_str_t *file,
    debar_str_t user, u_char *password)
{
    u_char       *data, *p, *last, *eol, *colon;
    ssize_t       n;
    ngx_fd_t      fd;
    ngx_int_t     rc;
    ngx_pool_t   *pool;
    ngx_log_t    *log;

    log = ctx->session->connection->log;

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", file);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;
    pool = ngx_create_pool(4096, log);
    data = pool ? ngx_palloc(pool, NGX_STREAM_DEBAR_PASSWD) : NULL;
    n = data ? ngx_read_fd(fd, data, NGX_STREAM_DEBAR_PASSWD) : -1;

    if (n == -1) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_read_fd_n " \"%V\" failed", file);
        goto done;
    }

    rc = NGX_DECLINED;
    last = data + n;

    for (p = data; p < last; p = eol + 1) {
        eol = ngx_strlchr(p, last, LF);

        if (eol == NULL) {
            eol = last;
        }

        colon = ngx_strlchr(p, eol, ':');

        if (*p == '#' || colon == NULL || (size_t) (colon - p) != user.len
            || CRYPTO_memcmp(p, user.data, user.len) != 0)
        {
            continue;
        }

        colon++;

        for (n = 0; colon + n < eol && colon[n] != ':' && colon[n] != CR; n++) {
            /* void */
        }

        rc = ngx_stream_debar_user_crypt(pool, password, colon, n);
        break;
    }

done:

    if (pool) {
        ngx_destroy_pool(pool);
    }

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_stream_debar_user_crypt(ngx_pool_t *pool, u_char *password, u_char *hash,
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

/*
 * How much of a request the audit file keeps: debar_audit_url,
 * debar_audit_user, debar_audit_client.
 */

#include "ngx_debar.h"


#define NGX_DEBAR_KEY_MIN   16
#define NGX_DEBAR_KEY_MAX   4096
#define NGX_DEBAR_KEY_FILE  "audit/hash.key"


static ngx_int_t ngx_debar_privacy_key(ngx_conf_t *cf, ngx_str_t *path,
    debar_person_t **hash);
static ngx_int_t ngx_debar_privacy_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_fd_t fd, debar_person_t **hash);
static void ngx_debar_privacy_cleanup(void *data);


static ngx_conf_enum_t  ngx_debar_urls[] = {
    { ngx_string("none"), DEBAR_URL_NONE },
    { ngx_string("evidence"), DEBAR_URL_EVIDENCE },
    { ngx_string("path"), DEBAR_URL_PATH },
    { ngx_string("whole"), DEBAR_URL_WHOLE },
    { ngx_null_string, 0 }
};


char *
ngx_debar_privacy_url(ngx_conf_t *cf, ngx_debar_privacy_t *p)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (p->url_set) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; ngx_debar_urls[i].name.len; i++) {
        if (value[1].len == ngx_debar_urls[i].name.len
            && ngx_strcmp(value[1].data, ngx_debar_urls[i].name.data) == 0)
        {
            p->kept.url = ngx_debar_urls[i].value;
            p->url_set = 1;

            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\": \"debar_audit_url\" takes "
                       "\"none\", \"evidence\", \"path\" or \"whole\"",
                       &value[1]);

    return NGX_CONF_ERROR;
}


char *
ngx_debar_privacy_person(ngx_conf_t *cf, ngx_debar_privacy_t *p,
    ngx_uint_t user)
{
    ngx_str_t            *value, path;
    debar_person_t      **hash;
    debar_person_kept_e  *kept;

    if (user ? p->user_set : p->client_set) {
        return "is duplicate";
    }

    value = cf->args->elts;
    kept = user ? &p->kept.user : &p->kept.client;
    hash = user ? &p->kept.user_hash : &p->kept.client_hash;

    p->user_set |= user != 0;
    p->client_set |= user == 0;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "plain") == 0) {
        *kept = DEBAR_PERSON_PLAIN;
        return NGX_CONF_OK;
    }

    if (cf->args->nelts == 2 && !user
        && ngx_strcmp(value[1].data, "net") == 0)
    {
        *kept = DEBAR_PERSON_NET;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "hash") != 0
        || (cf->args->nelts == 3
            && (ngx_strncmp(value[2].data, "key=", 4) != 0
                || value[2].len == 4)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\": \"%V\" takes \"plain\", %s"
                           "or \"hash\" with, where it is not \"%s\", "
                           "key=FILE", &value[cf->args->nelts - 1], &value[0],
                           user ? "" : "\"net\" ", NGX_DEBAR_KEY_FILE);
        return NGX_CONF_ERROR;
    }

    *kept = DEBAR_PERSON_HASH;

    if (cf->args->nelts == 3) {
        path.data = value[2].data + 4;
        path.len = value[2].len - 4;

    } else {
        ngx_str_set(&path, NGX_DEBAR_KEY_FILE);
    }

    return ngx_debar_privacy_key(cf, &path, hash) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* The master reads it, workers need no right to. */

static ngx_int_t
ngx_debar_privacy_key(ngx_conf_t *cf, ngx_str_t *path,
    debar_person_t **hash)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    if (ngx_conf_full_name(cf->cycle, path, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY|O_CLOEXEC|O_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the key of hashes \"%V\" cannot be opened: make "
                           "one by \"umask 077; head -c 32 /dev/urandom | "
                           "base64 > %V\", or name it by key=FILE",
                           path, path);
        return NGX_ERROR;
    }

    rc = ngx_debar_privacy_read(cf, path, fd, hash);

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_debar_privacy_read(ngx_conf_t *cf, ngx_str_t *path, ngx_fd_t fd,
    debar_person_t **hash)
{
    u_char               buf[NGX_DEBAR_KEY_MAX];
    ssize_t              n;
    ngx_file_info_t      fi;
    ngx_pool_cleanup_t  *cln;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)
        || ngx_file_size(&fi) > NGX_DEBAR_KEY_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key of hashes \"%V\" is no file of at most "
                           "%d bytes", path, NGX_DEBAR_KEY_MAX);
        return NGX_ERROR;
    }

    if (ngx_file_access(&fi) & 0007) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key of hashes \"%V\" is open to everybody, who "
                           "could try names with it: chmod 0600 %V",
                           path, path);
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    n = read(fd, buf, NGX_DEBAR_KEY_MAX);

    while (n > 0 && (buf[n - 1] == LF || buf[n - 1] == CR)) {
        n--;
    }

    if (n < NGX_DEBAR_KEY_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key of hashes \"%V\" has less than %d bytes: "
                           "make one by \"umask 077; head -c 32 /dev/urandom "
                           "| base64 > %V\"", path, NGX_DEBAR_KEY_MIN, path);
        return NGX_ERROR;
    }

    *hash = debar_person_create(debar_str((char *) buf, n));
    ngx_explicit_memzero(buf, sizeof(buf));

    if (*hash == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no HMAC-SHA-256 could be made with the key of "
                           "hashes \"%V\"", path);
        return NGX_ERROR;
    }

    cln->handler = ngx_debar_privacy_cleanup;
    cln->data = *hash;

    return NGX_OK;
}


static void
ngx_debar_privacy_cleanup(void *data)
{
    debar_person_destroy(data);
}


void
ngx_debar_privacy_merge(ngx_debar_privacy_t *conf, ngx_debar_privacy_t *prev)
{
    if (!conf->url_set) {
        conf->kept.url = prev->kept.url;
    }

    if (!conf->user_set) {
        conf->kept.user = prev->kept.user;
        conf->kept.user_hash = prev->kept.user_hash;
    }

    if (!conf->client_set) {
        conf->kept.client = prev->kept.client;
        conf->kept.client_hash = prev->kept.client_hash;
    }
}

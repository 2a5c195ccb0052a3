/*
 * The hosts of debar_splice: a set by open addressing, made at configuration
 * and only read afterwards.
 */

#include "ngx_debar_splice.h"
#include "ngx_debar_hash.h"


#define NGX_DEBAR_SPLICE_ERRORS  100     /* that are said, of each file */


typedef struct {
    uint32_t              len;           /* 0: free */
    u_char               *name;          /* canonical */
} ngx_debar_splice_slot_t;

struct ngx_debar_splice_s {
    ngx_pool_t               *pool;
    uint64_t                  seed[2];
    ngx_debar_splice_slot_t  *slots;
    size_t                    size;      /* a power of 2 */
    size_t                    n;         /* at most half of it */
};


static ngx_debar_splice_t *ngx_debar_splice_create(ngx_conf_t *cf);
static ngx_int_t ngx_debar_splice_file(ngx_conf_t *cf,
    ngx_debar_splice_t *splice, ngx_str_t *name);
static ngx_int_t ngx_debar_splice_lines(ngx_conf_t *cf,
    ngx_debar_splice_t *splice, ngx_str_t *path, u_char *p, u_char *last);
static ngx_int_t ngx_debar_splice_add(ngx_debar_splice_t *splice,
    const char *data, size_t len, const char **why);
static ngx_int_t ngx_debar_splice_grow(ngx_debar_splice_t *splice);
static ngx_debar_splice_slot_t *ngx_debar_splice_find(
    ngx_debar_splice_t *splice, const void *name, size_t len);


char *
ngx_debar_splice_directive(ngx_conf_t *cf, ngx_debar_splice_t **sp)
{
    char         *rc;
    ngx_str_t    *value, path;
    ngx_uint_t    i;
    const char   *why;

    if (*sp == NGX_CONF_UNSET_PTR) {
        *sp = ngx_debar_splice_create(cf);
        if (*sp == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    rc = NGX_CONF_OK;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "file:", 5) == 0) {
            path.data = value[i].data + 5;
            path.len = value[i].len - 5;

            if (ngx_debar_splice_file(cf, *sp, &path) != NGX_OK) {
                rc = NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_debar_splice_add(*sp, (char *) value[i].data, value[i].len,
                                 &why)
            != NGX_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid host \"%V\": %s; \"debar_splice\" "
                               "takes hosts, each with its subdomains, and "
                               "file:PATH", &value[i], why);
            rc = NGX_CONF_ERROR;
        }
    }

    return rc;
}


ngx_uint_t
ngx_debar_spliced(ngx_debar_splice_t *splice, const debar_host_t *host)
{
    size_t       len;
    const char  *p, *dot;

    if (splice == NULL || splice->n == 0) {
        return 0;
    }

    p = host->name;
    len = host->len;

    for ( ;; ) {
        if (ngx_debar_splice_find(splice, p, len)->len) {
            return 1;
        }

        if (host->type != DEBAR_HOST_NAME) {
            return 0;
        }

        dot = memchr(p, '.', len);
        if (dot == NULL) {
            return 0;
        }

        len -= dot + 1 - p;
        p = dot + 1;
    }
}


static ngx_debar_splice_t *
ngx_debar_splice_create(ngx_conf_t *cf)
{
    ngx_debar_splice_t  *splice;

    splice = ngx_pcalloc(cf->pool, sizeof(ngx_debar_splice_t));
    if (splice == NULL) {
        return NULL;
    }

    ngx_debar_seed(splice->seed);

    splice->pool = cf->pool;

    return splice;
}


static ngx_int_t
ngx_debar_splice_file(ngx_conf_t *cf, ngx_debar_splice_t *splice,
    ngx_str_t *name)
{
    off_t             size;
    u_char           *buf;
    ssize_t           n;
    ngx_int_t         rc;
    ngx_str_t         path;
    ngx_file_t        file;
    ngx_file_info_t   fi;

    path = *name;

    if (path.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"debar_splice file:\" needs a path");
        return NGX_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = path;
    file.log = cf->log;
    file.fd = ngx_open_file(path.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &path);
        return NGX_ERROR;
    }

    buf = NULL;
    rc = NGX_ERROR;

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)
        || ngx_file_size(&fi) > NGX_DEBAR_SPLICE_FILE)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a file of at most %d bytes, one host "
                           "a line", &path, NGX_DEBAR_SPLICE_FILE);
        goto done;
    }

    size = ngx_file_size(&fi);

    buf = ngx_alloc(size + 1, cf->log);
    if (buf == NULL) {
        goto done;
    }

    n = ngx_read_file(&file, buf, size, 0);

    if (n != size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" could not be read to its end", &path);
        goto done;
    }

    rc = ngx_debar_splice_lines(cf, splice, &path, buf, buf + size);

done:

    if (buf) {
        ngx_free(buf);
    }

    (void) ngx_close_file(file.fd);

    return rc;
}


static ngx_int_t
ngx_debar_splice_lines(ngx_conf_t *cf, ngx_debar_splice_t *splice,
    ngx_str_t *path, u_char *p, u_char *last)
{
    u_char      *end, *eol, *hash;
    ngx_uint_t   line, nerrors;
    const char  *why;

    nerrors = 0;

    for (line = 1; p < last; line++, p = eol + 1) {

        eol = memchr(p, LF, last - p);
        if (eol == NULL) {
            eol = last;
        }

        hash = memchr(p, '#', eol - p);
        end = hash ? hash : eol;

        while (p < end && (*p == ' ' || *p == '\t')) {
            p++;
        }

        while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == CR))
        {
            end--;
        }

        if (p == end) {
            continue;
        }

        if (end - p > NGX_DEBAR_SPLICE_LINE) {
            why = "a line longer than any host";

        } else if (ngx_debar_splice_add(splice, (char *) p, end - p, &why)
                   == NGX_OK)
        {
            continue;
        }

        if (nerrors++ < NGX_DEBAR_SPLICE_ERRORS) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "%V:%ui: invalid host \"%*s\": %s", path, line,
                          (size_t) ngx_min(end - p, 256), p, why);
        }
    }

    if (nerrors > NGX_DEBAR_SPLICE_ERRORS) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "%V: %ui more lines are no hosts", path,
                      nerrors - NGX_DEBAR_SPLICE_ERRORS);
    }

    return nerrors ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_debar_splice_add(ngx_debar_splice_t *splice, const char *data, size_t len,
    const char **why)
{
    unsigned                  flags;
    debar_host_t              h;
    ngx_debar_splice_slot_t  *slot;

    if (memchr(data, '/', len)) {
        *why = "neither networks nor URLs can be spliced";
        return NGX_ERROR;
    }

    if (len && (data[0] == '*' || data[0] == '.')) {
        *why = "a host stands for its subdomains without a mark";
        return NGX_ERROR;
    }

    flags = (len && data[0] == '[') ? 0 : DEBAR_HOST_BARE;

    if (debar_host_parse(&h, data, len, flags, why) != DEBAR_OK) {
        return NGX_ERROR;
    }

    if (h.spelt != DEBAR_SPELT_PLAIN) {
        *why = h.odd ? h.odd : "an odd notation of the host";
        return NGX_ERROR;
    }

    if (h.type == DEBAR_HOST_NAME && memchr(h.name, '.', h.len) == NULL) {
        *why = "a name of one label would splice all that is below it";
        return NGX_ERROR;
    }

    *why = "no memory";

    if (splice->n >= splice->size / 2
        && ngx_debar_splice_grow(splice) != NGX_OK)
    {
        return NGX_ERROR;
    }

    slot = ngx_debar_splice_find(splice, h.name, h.len);

    if (slot->len) {
        return NGX_OK;
    }

    slot->name = ngx_pnalloc(splice->pool, h.len);
    if (slot->name == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(slot->name, h.name, h.len);
    slot->len = h.len;

    splice->n++;

    return NGX_OK;
}


static ngx_int_t
ngx_debar_splice_grow(ngx_debar_splice_t *splice)
{
    size_t                    i, size;
    ngx_debar_splice_slot_t  *old;

    old = splice->slots;
    size = splice->size;

    splice->slots = ngx_pcalloc(splice->pool, ngx_max(2 * size, 64)
                                          * sizeof(ngx_debar_splice_slot_t));
    if (splice->slots == NULL) {
        splice->slots = old;
        return NGX_ERROR;
    }

    splice->size = ngx_max(2 * size, 64);

    for (i = 0; i < size; i++) {
        if (old[i].len) {
            *ngx_debar_splice_find(splice, old[i].name, old[i].len) = old[i];
        }
    }

    if (old) {
        (void) ngx_pfree(splice->pool, old);
    }

    return NGX_OK;
}


/* The slot of the name, or the free one where it would be. */

static ngx_debar_splice_slot_t *
ngx_debar_splice_find(ngx_debar_splice_t *splice, const void *name, size_t len)
{
    size_t                    i;
    ngx_debar_splice_slot_t  *slot;

    i = ngx_debar_seeded_hash(splice->seed, name, len) & (splice->size - 1);

    for ( ;; ) {
        slot = &splice->slots[i];

        if (slot->len == 0
            || (slot->len == len && ngx_memcmp(slot->name, name, len) == 0))
        {
            return slot;
        }

        i = (i + 1) & (splice->size - 1);
    }
}

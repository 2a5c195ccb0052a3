/*
 * Parts of files (RFC 9110 s.14).  A part cannot be judged by what the whole is,
 * so parts are not asked for: the origin is not sent Range, and answers with the
 * whole.  But who jumps about in a film asks for nothing else: a URL whose bytes,
 * from their beginning, were seen to be sound, pictures or text is remembered by
 * the worker, and parts of it may be asked for.
 *
 * proxy_set_header Range $debar_range; proxy_set_header If-Range $debar_if_range;
 */

#include "ngx_http_debar_download.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>


#define NGX_HTTP_DEBAR_PARTS       4096       /* URLs, the latest; a power of 2 */
#define NGX_HTTP_DEBAR_PARTS_LIFE  3600       /* s */


/* By a keyed hash of 128 bits: a client that could choose two URLs of one hash
 * could have parts of a program for those of a film. */

typedef struct {
    u_char   key[16];
    time_t   seen;
} ngx_http_debar_part_t;


static ngx_http_debar_part_t  *ngx_http_debar_parts;
static u_char                  ngx_http_debar_parts_secret[32];


static ngx_int_t ngx_http_debar_parts_key(ngx_http_request_t *r,
    u_char key[16]);

static ngx_int_t
ngx_http_debar_parts_key(ngx_http_request_t *r, u_char key[16])
{
    u_char                md[EVP_MAX_MD_SIZE], text[4096], *p, *last;
    unsigned              n;
    ngx_http_debar_ctx_t  *ctx;

    ctx = ngx_http_debar_get_ctx(r);

    if (ctx == NULL || ctx->host.len == 0) {
        return NGX_DECLINED;
    }

    if (ngx_http_debar_parts == NULL) {
        ngx_http_debar_parts = ngx_calloc(NGX_HTTP_DEBAR_PARTS
                                          * sizeof(ngx_http_debar_part_t),
                                          r->connection->log);

        if (ngx_http_debar_parts == NULL
            || RAND_bytes(ngx_http_debar_parts_secret,
                          sizeof(ngx_http_debar_parts_secret)) != 1)
        {
            return NGX_DECLINED;
        }
    }

    last = text + sizeof(text);
    p = ngx_slprintf(text, last, "%*s:%ui%Z%V", (size_t) ctx->host.len,
                     ctx->host.name, (ngx_uint_t) ctx->resolve.port,
                     &r->unparsed_uri);

    if (p == last) {
        return NGX_DECLINED;
    }

    if (HMAC(EVP_sha256(), ngx_http_debar_parts_secret,
             sizeof(ngx_http_debar_parts_secret), text, p - text, md, &n)
        == NULL)
    {
        return NGX_DECLINED;
    }

    ngx_memcpy(key, md, 16);

    return NGX_OK;
}


static ngx_http_debar_part_t *
ngx_http_debar_parts_slot(u_char key[16])
{
    uint32_t  n;

    ngx_memcpy(&n, key, sizeof(uint32_t));

    return &ngx_http_debar_parts[n & (NGX_HTTP_DEBAR_PARTS - 1)];
}


void
ngx_http_debar_parts_learn(ngx_http_request_t *r)
{
    u_char                  key[16];
    ngx_http_debar_part_t  *part;

    /* who asked for the whole has no use for it, and a digest is dear */

    if (r->headers_in.range == NULL) {
        return;
    }

    if (ngx_http_debar_parts_key(r, key) == NGX_OK) {
        part = ngx_http_debar_parts_slot(key);
        ngx_memcpy(part->key, key, sizeof(key));
        part->seen = ngx_time();
    }
}


ngx_uint_t
ngx_http_debar_parts_known(ngx_http_request_t *r)
{
    u_char                  key[16];
    ngx_http_debar_part_t  *part;

    if (ngx_http_debar_parts_key(r, key) != NGX_OK) {
        return 0;
    }

    part = ngx_http_debar_parts_slot(key);

    return ngx_memcmp(part->key, key, sizeof(key)) == 0
           && ngx_time() - part->seen < NGX_HTTP_DEBAR_PARTS_LIFE;
}

/*
 * Leaf certificates of a worker: the cache, and what a handshake takes of it.
 */

#include "ngx_debar_leaf_private.h"
#include "ngx_debar_hash.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <sys/un.h>


#define NGX_DEBAR_LEAF_DAY    86400
#define NGX_DEBAR_LEAF_ERROR  1          /* s that an error is kept */


static char *ngx_debar_leaves_option(ngx_conf_t *cf, ngx_str_t *value,
    ngx_debar_leaves_t *leaves);
static void ngx_debar_leaves_cleanup(void *data);

static ngx_debar_leaf_t *ngx_debar_leaf_find(ngx_debar_leaves_t *leaves,
    const debar_host_t *host, uint64_t hash);
static ngx_debar_leaf_t *ngx_debar_leaf_add(ngx_debar_leaves_t *leaves,
    const debar_host_t *host, uint64_t hash);
static void ngx_debar_leaf_remove(ngx_debar_leaf_t *e);
static ngx_uint_t ngx_debar_leaf_names(X509 *x, ngx_debar_leaf_t *e);
static ngx_uint_t ngx_debar_leaf_has_key(X509 *x, ngx_debar_leaves_t *leaves);
static X509 *ngx_debar_leaf_parse(debar_str_t cert);


ngx_int_t
ngx_debar_leaf_get(ngx_debar_leaf_ask_t *ask)
{
    uint64_t             hash;
    ngx_debar_leaf_t    *e;
    ngx_debar_leaves_t  *leaves;

    ask->waiting = 0;
    ask->leaf = NULL;
    ask->error = NULL;
    ask->rc = NGX_ERROR;

    leaves = ask->leaves;

    if (leaves == NULL || leaves->key == NULL) {
        ask->error = "this worker has no key for its certificates";
        return NGX_ERROR;
    }

    hash = ngx_debar_seeded_hash(leaves->seed, ask->host->name,
                                 ask->host->len);
    e = ngx_debar_leaf_find(leaves, ask->host, hash);

    if (e && !e->pending) {

        if (ngx_time() < e->expire) {
            ngx_queue_remove(&e->queue);
            ngx_queue_insert_head(&leaves->lru, &e->queue);

            if (e->error) {
                ask->error = e->error;
                return NGX_ERROR;
            }

            e->refs++;
            ask->leaf = e;
            ask->rc = NGX_OK;

            return NGX_OK;
        }

        ngx_debar_leaf_remove(e);
        e = NULL;
    }

    if (e == NULL) {

        if (leaves->npending >= NGX_DEBAR_LEAF_PENDING) {
            ask->error = "too many certificates are being asked for";
            return NGX_ERROR;
        }

        e = ngx_debar_leaf_add(leaves, ask->host, hash);

        if (e == NULL) {
            ask->error = "no memory for a certificate";
            return NGX_ERROR;
        }

        ask->error = ngx_debar_leaf_send(e);

        if (ask->error) {
            ngx_debar_leaf_remove(e);
            return NGX_ERROR;
        }
    }

    ask->waiting = 1;
    ngx_queue_insert_tail(&e->waiting, &ask->queue);

    return NGX_AGAIN;
}


void
ngx_debar_leaf_cancel(ngx_debar_leaf_ask_t *ask)
{
    /* the name itself goes on: whoever asks again finds the answer */

    if (ask->waiting) {
        ngx_queue_remove(&ask->queue);
        ask->waiting = 0;
    }
}


void
ngx_debar_leaf_free(ngx_debar_leaf_t *leaf)
{
    if (leaf == NULL || --leaf->refs) {
        return;
    }

    X509_free(leaf->x509);
    sk_X509_pop_free(leaf->chain, X509_free);
    EVP_PKEY_free(leaf->key);
    ngx_free(leaf);
}


#if (NGX_SSL)

ngx_int_t
ngx_debar_leaf_use(ngx_debar_leaf_t *leaf, ngx_ssl_conn_t *ssl)
{
    if (leaf->x509 == NULL) {
        return NGX_ERROR;
    }

    /*
     * The listener's own certificate may be of another kind of key, and would
     * be shown to a client that prefers it.  Without a chain OpenSSL would
     * look for one in the trust store, in each handshake.
     */

    SSL_certs_clear(ssl);
    (void) SSL_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN);

    if (SSL_use_cert_and_key(ssl, leaf->x509, leaf->key, leaf->chain, 1) != 1)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}

#endif


void
ngx_debar_leaf_done(ngx_debar_leaf_t *e, const char *error)
{
    ngx_queue_t            done, *q;
    ngx_debar_leaves_t    *leaves;
    ngx_debar_leaf_ask_t  *ask;

    leaves = e->leaves;

    ngx_debar_leaf_unsend(e);

    e->error = error;

    if (error) {
        e->expire = ngx_time() + NGX_DEBAR_LEAF_ERROR;
    }

    while (leaves->n >= leaves->max) {
        q = ngx_queue_last(&leaves->lru);
        ngx_debar_leaf_remove(ngx_queue_data(q, ngx_debar_leaf_t, queue));
    }

    ngx_queue_insert_head(&leaves->lru, &e->queue);
    leaves->n++;

    /* those who are called may ask, cancel, and push e out of the cache */

    e->refs++;
    ngx_queue_init(&done);

    if (!ngx_queue_empty(&e->waiting)) {
        ngx_queue_add(&done, &e->waiting);
        ngx_queue_init(&e->waiting);
    }

    while (!ngx_queue_empty(&done)) {
        q = ngx_queue_head(&done);
        ngx_queue_remove(q);

        ask = ngx_queue_data(q, ngx_debar_leaf_ask_t, queue);
        ask->waiting = 0;
        ask->error = error;
        ask->rc = error ? NGX_ERROR : NGX_OK;

        if (error == NULL) {
            e->refs++;
            ask->leaf = e;
        }

        ask->handler(ask);
    }

    ngx_debar_leaf_free(e);
}


/* --- certificates --------------------------------------------------------- */

const char *
ngx_debar_leaf_take(ngx_debar_leaf_t *e, debar_sign_reply_t *rp)
{
    X509       *x;
    time_t      now, until;
    unsigned    i;
    struct tm   tm;

    e->x509 = ngx_debar_leaf_parse(rp->certs[0]);

    if (e->x509 == NULL
        || !ngx_debar_leaf_names(e->x509, e)
        || !ngx_debar_leaf_has_key(e->x509, e->leaves))
    {
        return "the signer sent something else than was asked for";
    }

    for (i = 1; i < rp->ncerts; i++) {

        if (e->chain == NULL) {
            e->chain = sk_X509_new_null();
        }

        x = ngx_debar_leaf_parse(rp->certs[i]);

        if (x == NULL || e->chain == NULL
            || sk_X509_push(e->chain, x) == 0)
        {
            X509_free(x);
            return "the signer sent a broken chain";
        }
    }

    now = ngx_time();

    if (ASN1_TIME_to_tm(X509_get0_notAfter(e->x509), &tm) != 1
        || (until = timegm(&tm)) <= now)
    {
        return "the signer sent an expired certificate: compare the clocks";
    }

    e->expire = (until - now > 2 * NGX_DEBAR_LEAF_DAY)
                ? until - NGX_DEBAR_LEAF_DAY : now + (until - now) / 2;

    e->key = e->leaves->key;
    EVP_PKEY_up_ref(e->key);

    return NULL;
}


static X509 *
ngx_debar_leaf_parse(debar_str_t cert)
{
    X509                 *x;
    const unsigned char  *p;

    p = (const unsigned char *) cert.data;
    x = d2i_X509(NULL, &p, (long) cert.len);

    if (x && p != (const unsigned char *) cert.data + cert.len) {
        X509_free(x);
        x = NULL;
    }

    ERR_clear_error();

    return x;
}


static ngx_uint_t
ngx_debar_leaf_names(X509 *x, ngx_debar_leaf_t *e)
{
    if (e->type == DEBAR_HOST_ADDRESS) {
        return (debar_addr_is_v4(e->addr)
                ? X509_check_ip(x, e->addr + 12, 4, 0)
                : X509_check_ip(x, e->addr, 16, 0)) == 1;
    }

    return X509_check_host(x, (char *) e->name, e->len,
                           X509_CHECK_FLAG_NO_WILDCARDS
                           |X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL)
           == 1;
}


static ngx_uint_t
ngx_debar_leaf_has_key(X509 *x, ngx_debar_leaves_t *leaves)
{
    int             n;
    ngx_uint_t      same;
    unsigned char  *der;

    der = NULL;
    n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    same = n > 0 && (size_t) n == leaves->spki_len
           && ngx_memcmp(der, leaves->spki, n) == 0;
    OPENSSL_free(der);

    return same;
}


/* --- the cache ------------------------------------------------------------ */

static ngx_debar_leaf_t *
ngx_debar_leaf_find(ngx_debar_leaves_t *leaves, const debar_host_t *host,
    uint64_t hash)
{
    ngx_debar_leaf_t  *e;

    for (e = leaves->buckets[hash & leaves->mask]; e; e = e->next) {
        if (e->hash == hash && e->type == host->type && e->len == host->len
            && ngx_memcmp(e->name, host->name, e->len) == 0)
        {
            return e;
        }
    }

    return NULL;
}


static ngx_debar_leaf_t *
ngx_debar_leaf_add(ngx_debar_leaves_t *leaves, const debar_host_t *host,
    uint64_t hash)
{
    ngx_debar_leaf_t  *e, **bucket;

    e = ngx_calloc(sizeof(ngx_debar_leaf_t) + host->len, leaves->cycle->log);

    if (e == NULL) {
        return NULL;
    }

    ngx_memcpy(e->name, host->name, host->len);
    ngx_memcpy(e->addr, host->addr, sizeof(e->addr));

    e->refs = 1;
    e->leaves = leaves;
    e->hash = hash;
    e->type = host->type;
    e->len = host->len;

    ngx_queue_init(&e->waiting);

    bucket = &leaves->buckets[hash & leaves->mask];
    e->next = *bucket;
    *bucket = e;

    return e;
}


/* Not for one that is pending. */

static void
ngx_debar_leaf_remove(ngx_debar_leaf_t *e)
{
    ngx_debar_leaf_t  **p;

    p = &e->leaves->buckets[e->hash & e->leaves->mask];

    while (*p != e) {
        p = &(*p)->next;
    }

    *p = e->next;

    if (e->queue.next) {
        ngx_queue_remove(&e->queue);
        e->leaves->n--;
    }

    e->leaves = NULL;
    ngx_debar_leaf_free(e);
}


/* --- configuration -------------------------------------------------------- */

char *
ngx_debar_leaves_directive(ngx_conf_t *cf, ngx_debar_leaves_t **lp)
{
    char                *rv;
    ngx_str_t           *value;
    ngx_uint_t           i;
    ngx_pool_cleanup_t  *cln;
    ngx_debar_leaves_t  *leaves;

    if (*lp != NULL && *lp != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    leaves = ngx_pcalloc(cf->pool, sizeof(ngx_debar_leaves_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (leaves == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_strncmp(value[1].data, "unix:", 5) != 0 || value[1].len == 5) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not the socket of a signer: "
                           "\"unix:PATH\" is what \"debar_sign\" takes",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    leaves->path.data = value[1].data + 5;
    leaves->path.len = value[1].len - 5;

    if (ngx_conf_full_name(cf->cycle, &leaves->path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (leaves->path.len >= sizeof(((struct sockaddr_un *) 0)->sun_path)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is longer than the path of a socket may be: "
                           "use a shorter folder", &leaves->path);
        return NGX_CONF_ERROR;
    }

    leaves->max = 4096;
    leaves->timeout = 3000;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_debar_leaves_option(cf, &value[i], leaves);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    cln->handler = ngx_debar_leaves_cleanup;
    cln->data = leaves;

    *lp = leaves;

    return NGX_CONF_OK;
}


static char *
ngx_debar_leaves_option(ngx_conf_t *cf, ngx_str_t *value,
    ngx_debar_leaves_t *leaves)
{
    ngx_int_t  n;
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "leaves=", 7) == 0) {
        n = ngx_atoi(value->data + 7, value->len - 7);

        if (n >= 1 && n <= 1000000) {
            leaves->max = n;
            return NGX_CONF_OK;
        }

    } else if (ngx_strncmp(value->data, "timeout=", 8) == 0) {
        s.data = value->data + 8;
        s.len = value->len - 8;
        n = ngx_parse_time(&s, 0);

        if (n > 0) {
            leaves->timeout = n;
            return NGX_CONF_OK;
        }

    } else if (ngx_strcmp(value->data, "key=ecdsa") == 0) {
        leaves->rsa = 0;
        return NGX_CONF_OK;

    } else if (ngx_strcmp(value->data, "key=rsa") == 0) {
        leaves->rsa = 1;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": \"leaves=N\" (1 to 1000000), "
                       "\"key=ecdsa|rsa\" and \"timeout=TIME\" are what "
                       "\"debar_sign\" takes", value);

    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_debar_leaves_init_worker(ngx_cycle_t *cycle, ngx_debar_leaves_t *leaves)
{
    int             n;
    ngx_uint_t      size;
    unsigned char  *der;

    if (leaves == NULL || leaves->key) {
        return NGX_OK;
    }

    for (size = 64; size < leaves->max; size *= 2) { /* void */ }

    leaves->cycle = cycle;
    leaves->mask = size - 1;

    ngx_debar_seed(leaves->seed);
    ngx_queue_init(&leaves->lru);
    ngx_queue_init(&leaves->pending);
    ngx_queue_init(&leaves->unsent);

    leaves->buckets = ngx_pcalloc(cycle->pool,
                                  size * sizeof(ngx_debar_leaf_t *));
    leaves->in = ngx_palloc(cycle->pool, DEBAR_SIGN_REPLY);

    if (leaves->buckets == NULL || leaves->in == NULL) {
        return NGX_ERROR;
    }

    leaves->key = leaves->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

    if (leaves->key == NULL) {
        ngx_ssl_error(NGX_LOG_EMERG, cycle->log, 0,
                      "debar_sign: this worker's key cannot be made");
        return NGX_ERROR;
    }

    der = NULL;
    n = i2d_PUBKEY(leaves->key, &der);

    leaves->spki = (n > 0) ? ngx_pnalloc(cycle->pool, n) : NULL;

    if (leaves->spki == NULL) {
        OPENSSL_free(der);
        EVP_PKEY_free(leaves->key);
        leaves->key = NULL;
        return NGX_ERROR;
    }

    ngx_memcpy(leaves->spki, der, n);
    leaves->spki_len = n;
    OPENSSL_free(der);

    return NGX_OK;
}


/* Connections that still hold a leaf keep it: it needs nothing of ours. */

static void
ngx_debar_leaves_cleanup(void *data)
{
    ngx_debar_leaves_t  *leaves = data;

    ngx_queue_t           *q;
    ngx_debar_leaf_t      *e;
    ngx_debar_leaf_ask_t  *ask;

    if (leaves->key == NULL) {
        return;
    }

    ngx_debar_leaf_hang_up(leaves);

    while (!ngx_queue_empty(&leaves->pending)) {
        q = ngx_queue_head(&leaves->pending);
        e = ngx_queue_data(q, ngx_debar_leaf_t, queue);

        while (!ngx_queue_empty(&e->waiting)) {
            q = ngx_queue_head(&e->waiting);
            ask = ngx_queue_data(q, ngx_debar_leaf_ask_t, queue);
            ngx_debar_leaf_cancel(ask);
        }

        ngx_debar_leaf_unsend(e);
        ngx_debar_leaf_remove(e);
    }

    while (!ngx_queue_empty(&leaves->lru)) {
        q = ngx_queue_head(&leaves->lru);
        ngx_debar_leaf_remove(ngx_queue_data(q, ngx_debar_leaf_t, queue));
    }

    EVP_PKEY_free(leaves->key);
    leaves->key = NULL;
}

/*
 * The list of a worker: opened after the fork, watched, and changed for a new
 * one inside the inotify event, so that a publication takes effect within
 * milliseconds of its rename.  A request that waits for a name does not hold on
 * to a list: it is judged again if that has changed meanwhile.  One whose body
 * streams does, and a few replaced lists are kept for such.
 */

#include "ngx_debar.h"
#include <pthread.h>
#include <sys/inotify.h>
#include <pwd.h>


#define NGX_DEBAR_LIST_MASK  (IN_MOVED_TO|IN_CREATE|IN_CLOSE_WRITE|IN_DELETE   \
                              |IN_MOVED_FROM)
#define NGX_DEBAR_LIST_READS  16         /* of inotify's queue, in one event */


struct ngx_debar_held_s {
    ngx_queue_t           queue;         /* in l->old, once replaced */
    ngx_queue_t           holds;         /* of ngx_debar_hold_t */
    debar_list_t         *list;
    ngx_debar_list_t     *of;
    ngx_uint_t            replaced;
};


static void ngx_debar_list_replaced(ngx_debar_list_t *l, debar_list_t *old);
static void ngx_debar_list_lose(ngx_debar_held_t *held);
static ngx_int_t ngx_debar_list_owner(ngx_conf_t *cf, ngx_str_t *user,
    uint32_t *owner);
static debar_list_t *ngx_debar_list_open(ngx_debar_list_t *l,
    debar_fault_t *fault);
static void ngx_debar_list_look(ngx_debar_list_t *l);
static void ngx_debar_list_take(ngx_debar_list_t *l, debar_list_t *list);
static void ngx_debar_list_discard(debar_list_t *list);
static void ngx_debar_list_join(ngx_uint_t wait);
static void *ngx_debar_list_close(void *data);
static void ngx_debar_list_refuse(ngx_debar_list_t *l);
static void ngx_debar_list_state(ngx_debar_list_t *l, ngx_uint_t state);
static void ngx_debar_list_timer(ngx_event_t *ev);
static ngx_int_t ngx_debar_list_watch(ngx_debar_list_t *l);
static void ngx_debar_list_watch_folder(ngx_debar_list_t *l);
static void ngx_debar_list_event(ngx_event_t *rev);
static u_char *ngx_debar_list_name(ngx_debar_list_t *l);


ngx_conf_enum_t  ngx_debar_failures[] = {
    { ngx_string("block"), NGX_DEBAR_BLOCK },
    { ngx_string("pass"), NGX_DEBAR_PASS },
    { ngx_null_string, 0 }
};


ngx_conf_enum_t  ngx_debar_expiries[] = {
    { ngx_string("keep"), NGX_DEBAR_KEEP },
    { ngx_string("block"), NGX_DEBAR_BLOCK },
    { ngx_null_string, 0 }
};


/* Distinct for every list that this process has opened, whatever its path. */

static ngx_uint_t  ngx_debar_list_generation;

/* Threads of this worker that close lists. */

#define NGX_DEBAR_LIST_CLOSING  16

static pthread_t   ngx_debar_list_closing[NGX_DEBAR_LIST_CLOSING];
static ngx_uint_t  ngx_debar_list_nclosing;


char *
ngx_debar_list_directive(ngx_conf_t *cf, ngx_array_t *lists,
    ngx_debar_list_t **lp)
{
    uint32_t           owner;
    ngx_str_t         *value, user;
    ngx_uint_t         i;
    ngx_debar_list_t  *l;

    value = cf->args->elts;
    owner = DEBAR_ANY_OWNER;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "owner=", 6) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": \"owner=USER\" is "
                               "what \"debar_list\" takes", &value[i]);
            return NGX_CONF_ERROR;
        }

        user.data = value[i].data + 6;
        user.len = value[i].len - 6;

        if (ngx_debar_list_owner(cf, &user, &owner) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    l = ngx_debar_list_add(cf, lists, &value[1], 0);
    if (l == NULL) {
        return NGX_CONF_ERROR;
    }

    if (owner != DEBAR_ANY_OWNER) {

        if (l->owner != DEBAR_ANY_OWNER && l->owner != owner) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" has another owner= elsewhere",
                               &l->path);
            return NGX_CONF_ERROR;
        }

        l->owner = owner;
    }

    *lp = ngx_debar_list_add(cf, lists, &value[1], 1);

    return *lp ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_debar_list_owner(ngx_conf_t *cf, ngx_str_t *user, uint32_t *owner)
{
    struct passwd  *pw;

    ngx_set_errno(0);
    pw = getpwnam((const char *) user->data);

    if (pw == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "owner=%V: there is no such user", user);
        return NGX_ERROR;
    }

    *owner = pw->pw_uid;

    return NGX_OK;
}


ngx_debar_list_t *
ngx_debar_list_add(ngx_conf_t *cf, ngx_array_t *lists, ngx_str_t *path,
    ngx_uint_t required)
{
    ngx_str_t           full;
    ngx_uint_t          i;
    debar_list_t       *list;
    debar_fault_t       fault;
    ngx_debar_list_t   *l, **lp;

    full = *path;

    if (ngx_conf_full_name(cf->cycle, &full, 0) != NGX_OK) {
        return NULL;
    }

    l = NULL;
    lp = lists->elts;

    for (i = 0; i < lists->nelts; i++) {
        if (lp[i]->path.len == full.len
            && ngx_strncmp(lp[i]->path.data, full.data, full.len) == 0)
        {
            l = lp[i];
            break;
        }
    }

    if (l == NULL) {
        l = ngx_pcalloc(cf->pool, sizeof(ngx_debar_list_t));
        lp = ngx_array_push(lists);
        if (l == NULL || lp == NULL) {
            return NULL;
        }

        *lp = l;

        l->path = full;
        l->cycle = cf->cycle;
        l->interval = 5000;
        l->watch = -1;
        l->owner = DEBAR_ANY_OWNER;
        ngx_queue_init(&l->old);
    }

    if (!required) {
        return l;
    }

    fault.text[0] = '\0';
    list = ngx_debar_list_open(l, &fault);

    if (list == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "debar_list: %s",
                           fault.text);
        return NULL;
    }

    debar_list_close(list);

    return l;
}


static debar_list_t *
ngx_debar_list_open(ngx_debar_list_t *l, debar_fault_t *fault)
{
    int                rc;
    char               digest[65];
    uint64_t           serial;
    ngx_core_conf_t   *ccf;
    debar_open_opts_t  opts;

    ngx_memzero(&opts, sizeof(debar_open_opts_t));

    /* where root has workers run as another user, that user makes no lists */

    ccf = (ngx_core_conf_t *) ngx_get_conf(l->cycle->conf_ctx,
                                           ngx_core_module);

    opts.foreign = (ccf->user != (ngx_uid_t) NGX_CONF_UNSET_UINT);
    opts.uid = l->owner;
    opts.floor_serial = l->floor_serial;
    ngx_memcpy(opts.floor_digest, l->floor_digest, sizeof(opts.floor_digest));

    rc = debar_snapshot_floor((const char *) l->path.data, &serial, digest,
                              fault);
    if (rc == DEBAR_ERROR) {
        return NULL;
    }

    if (rc == DEBAR_OK && serial > opts.floor_serial) {
        opts.floor_serial = serial;
        ngx_memcpy(opts.floor_digest, digest, sizeof(opts.floor_digest));
    }

    return debar_list_open((const char *) l->path.data, &opts, fault);
}


ngx_int_t
ngx_debar_list_init_worker(ngx_cycle_t *cycle, ngx_debar_list_t *l)
{
    l->cycle = cycle;

    /* first the watch: what is renamed meanwhile is seen */

    if (ngx_debar_list_watch(l) != NGX_OK) {
        return NGX_ERROR;
    }

    l->timer.handler = ngx_debar_list_timer;
    l->timer.data = l;
    l->timer.log = cycle->log;
    l->timer.cancelable = 1;

    ngx_add_timer(&l->timer, l->interval);

    ngx_debar_list_look(l);

    return NGX_OK;
}


void
ngx_debar_list_exit_worker(ngx_debar_list_t *l)
{
    if (l->timer.timer_set) {
        ngx_del_timer(&l->timer);
    }

    if (l->inotify) {
        ngx_close_connection(l->inotify);
        l->inotify = NULL;
    }

    if (l->list) {
        debar_list_close(l->list);
        l->list = NULL;
    }

    ngx_debar_list_join(1);
}


/* Opens what stands at the path, if it is another file than the last seen. */

static void
ngx_debar_list_look(ngx_debar_list_t *l)
{
    ngx_uint_t        known;
    debar_list_t     *list;
    ngx_file_info_t   fi;

    if (ngx_file_info(l->path.data, &fi) == NGX_FILE_ERROR) {

        if (l->inode == 0 && l->bad) {
            return;
        }

        debar_fault(&l->fault, "%s: %s; publish the list again",
                    (char *) l->path.data, strerror(ngx_errno));
        l->inode = 0;

        ngx_debar_list_refuse(l);
        return;
    }

    if (l->inode == (uint64_t) ngx_file_uniq(&fi)
        && l->device == (uint64_t) fi.st_dev
        && l->mtime == ngx_file_mtime(&fi)
        && l->size == (uint64_t) ngx_file_size(&fi)
        && !l->bad)
    {
        return;
    }

    known = l->bad && l->inode == (uint64_t) ngx_file_uniq(&fi)
            && l->mtime == ngx_file_mtime(&fi)
            && l->size == (uint64_t) ngx_file_size(&fi);

    l->inode = ngx_file_uniq(&fi);
    l->device = fi.st_dev;
    l->mtime = ngx_file_mtime(&fi);
    l->size = ngx_file_size(&fi);

    l->fault.text[0] = '\0';
    list = ngx_debar_list_open(l, &l->fault);

    if (list) {
        ngx_debar_list_take(l, list);

    } else if (!known) {
        ngx_debar_list_refuse(l);
    }
}


static void
ngx_debar_list_take(ngx_debar_list_t *l, debar_list_t *list)
{
    debar_list_t                 *old;
    const debar_snapshot_meta_t  *meta;

    old = l->list;
    meta = debar_list_meta(list);

    l->list = list;
    l->generation = ++ngx_debar_list_generation;
    l->bad = 0;
    l->warned = 0;
    l->fault.text[0] = '\0';

    l->floor_serial = meta->serial;
    ngx_memcpy(l->floor_digest, meta->digest, sizeof(l->floor_digest));

    ngx_log_error(NGX_LOG_NOTICE, l->cycle->log, 0,
                  "debar list \"%V\": serial %uL, digest %s, is in use",
                  &l->path, meta->serial, meta->digest);

    if (old) {
        ngx_debar_list_replaced(l, old);
    }

    ngx_debar_list_state(l, NGX_DEBAR_LIST_OK);
    (void) ngx_debar_list_expired(l);
}


static void
ngx_debar_list_replaced(ngx_debar_list_t *l, debar_list_t *old)
{
    ngx_debar_held_t  *held;

    held = l->held;

    if (held == NULL) {
        ngx_debar_list_discard(old);
        return;
    }

    l->held = NULL;
    held->replaced = 1;

    ngx_queue_insert_tail(&l->old, &held->queue);

    if (++l->nold > NGX_DEBAR_LIST_OLD) {
        ngx_debar_list_lose(ngx_queue_data(ngx_queue_head(&l->old),
                                           ngx_debar_held_t, queue));
    }
}


static void
ngx_debar_list_lose(ngx_debar_held_t *held)
{
    ngx_queue_t       *q;
    ngx_debar_hold_t  *h;

    while (!ngx_queue_empty(&held->holds)) {
        q = ngx_queue_head(&held->holds);
        h = ngx_queue_data(q, ngx_debar_hold_t, queue);

        ngx_queue_remove(q);
        h->held = NULL;

        if (h->lost) {
            h->lost(h->data);
        }
    }

    if (held->replaced) {
        ngx_queue_remove(&held->queue);
        held->of->nold--;
        ngx_debar_list_discard(held->list);

    } else {
        held->of->held = NULL;
    }

    ngx_free(held);
}


ngx_int_t
ngx_debar_list_hold(ngx_debar_list_t *l, ngx_debar_hold_t *h)
{
    ngx_debar_held_t  *held;

    held = l->held;

    if (held == NULL) {
        held = ngx_alloc(sizeof(ngx_debar_held_t), l->cycle->log);
        if (held == NULL) {
            return NGX_ERROR;
        }

        ngx_queue_init(&held->holds);
        held->list = l->list;
        held->of = l;
        held->replaced = 0;

        l->held = held;
    }

    ngx_queue_insert_tail(&held->holds, &h->queue);
    h->held = held;

    return NGX_OK;
}


void
ngx_debar_list_release(ngx_debar_hold_t *h)
{
    ngx_debar_held_t  *held;

    held = h->held;

    if (held == NULL) {
        return;
    }

    ngx_queue_remove(&h->queue);
    h->held = NULL;

    if (ngx_queue_empty(&held->holds)) {
        ngx_debar_list_lose(held);
    }
}


debar_list_t *
ngx_debar_list_held(ngx_debar_hold_t *h)
{
    return h->held ? h->held->list : NULL;
}


/*
 * The last close of a file that was replaced frees its blocks, and that takes
 * the kernel 10 ms for a million hosts: not in the event loop.  Nobody else
 * has the list any more; the thread takes no signal from nginx.
 */

static void
ngx_debar_list_discard(debar_list_t *list)
{
    int         err;
    sigset_t    all, before;
    pthread_t   tid;

    ngx_debar_list_join(0);

    if (ngx_debar_list_nclosing == NGX_DEBAR_LIST_CLOSING) {
        debar_list_close(list);
        return;
    }

    sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);

    err = pthread_create(&tid, NULL, ngx_debar_list_close, list);

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (err) {
        debar_list_close(list);
        return;
    }

    ngx_debar_list_closing[ngx_debar_list_nclosing++] = tid;
}


/* Those that have ended; wait: all.  A worker that ends unmaps their code. */

static void
ngx_debar_list_join(ngx_uint_t wait)
{
    ngx_uint_t  i, n;

    for (i = 0, n = 0; i < ngx_debar_list_nclosing; i++) {

        if ((wait ? pthread_join(ngx_debar_list_closing[i], NULL)
                  : pthread_tryjoin_np(ngx_debar_list_closing[i], NULL))
            != 0)
        {
            ngx_debar_list_closing[n++] = ngx_debar_list_closing[i];
        }
    }

    ngx_debar_list_nclosing = wait ? 0 : n;
}


static void *
ngx_debar_list_close(void *data)
{
    debar_list_close(data);

    return NULL;
}


static void
ngx_debar_list_refuse(ngx_debar_list_t *l)
{
    l->bad = 1;

    if (l->list) {
        ngx_log_error(NGX_LOG_ERR, l->cycle->log, 0,
                      "debar list: %s; serial %uL stays in use",
                      l->fault.text, debar_list_meta(l->list)->serial);

        ngx_debar_list_state(l, NGX_DEBAR_LIST_LAST_GOOD);
        return;
    }

    ngx_log_error(NGX_LOG_CRIT, l->cycle->log, 0,
                  "debar list: %s; there is no earlier one: requests get what "
                  "\"debar_on_failure\" says", l->fault.text);

    ngx_debar_list_state(l, NGX_DEBAR_LIST_NONE);
}


static void
ngx_debar_list_state(ngx_debar_list_t *l, ngx_uint_t state)
{
    l->state = state;

    if (l->changed) {
        l->changed(l);
    }
}


ngx_uint_t
ngx_debar_list_expired(ngx_debar_list_t *l)
{
    int64_t  expires;

    if (l->list == NULL) {
        return 0;
    }

    expires = debar_list_meta(l->list)->expires;

    if (expires == 0 || (int64_t) ngx_time() < expires) {
        return 0;
    }

    if (!l->warned) {
        l->warned = 1;

        ngx_log_error(NGX_LOG_WARN, l->cycle->log, 0,
                      "debar list \"%V\": serial %uL has expired: publish a "
                      "new one; requests get what \"debar_expired\" says",
                      &l->path, debar_list_meta(l->list)->serial);

        if (l->state == NGX_DEBAR_LIST_OK) {
            ngx_debar_list_state(l, NGX_DEBAR_LIST_EXPIRED);
        }
    }

    return 1;
}


const char *
ngx_debar_list_state_name(ngx_uint_t state)
{
    static const char  *names[] = { "none", "ok", "last-good", "expired" };

    return state < 4 ? names[state] : "unknown";
}


/* The slow look: for folders that inotify does not see, and for expiry. */

static void
ngx_debar_list_timer(ngx_event_t *ev)
{
    ngx_debar_list_t  *l;

    l = ev->data;

    if (l->inotify && l->watch == -1) {
        ngx_debar_list_watch_folder(l);
    }

    ngx_debar_list_look(l);
    (void) ngx_debar_list_expired(l);

    ngx_add_timer(ev, l->interval);
}


static ngx_int_t
ngx_debar_list_watch(ngx_debar_list_t *l)
{
    int                fd;
    ngx_connection_t  *c;

    fd = inotify_init1(IN_NONBLOCK|IN_CLOEXEC);

    if (fd == -1) {
        ngx_log_error(NGX_LOG_WARN, l->cycle->log, ngx_errno,
                      "inotify_init1() failed: debar lists are looked at every "
                      "%M ms", l->interval);
        return NGX_OK;
    }

    c = ngx_get_connection(fd, l->cycle->log);
    if (c == NULL) {
        if (close(fd) == -1) {
            ngx_log_error(NGX_LOG_ALERT, l->cycle->log, ngx_errno,
                          "close() inotify failed");
        }

        return NGX_ERROR;
    }

    c->data = l;
    c->read->handler = ngx_debar_list_event;
    c->read->log = l->cycle->log;
    c->write->log = l->cycle->log;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_close_connection(c);
        return NGX_ERROR;
    }

    l->inotify = c;

    ngx_debar_list_watch_folder(l);

    return NGX_OK;
}


static void
ngx_debar_list_watch_folder(ngx_debar_list_t *l)
{
    char    folder[NGX_MAX_PATH];
    size_t  len;

    len = ngx_debar_list_name(l) - l->path.data;

    if (len >= sizeof(folder)) {
        return;
    }

    ngx_memcpy(folder, l->path.data, len);
    folder[len] = '\0';

    l->watch = inotify_add_watch(l->inotify->fd, folder, NGX_DEBAR_LIST_MASK);

    if (l->watch == -1 && ngx_errno != NGX_ENOENT) {
        ngx_log_error(NGX_LOG_WARN, l->cycle->log, ngx_errno,
                      "inotify_add_watch(\"%s\") failed: the list is looked at "
                      "every %M ms", folder, l->interval);
    }
}


static void
ngx_debar_list_event(ngx_event_t *rev)
{
    char                        *p, *last;
    u_char                      *name;
    ssize_t                      n;
    ngx_uint_t                   i, look;
    ngx_connection_t            *c;
    ngx_debar_list_t            *l;
    struct inotify_event         ev;
    char                         buf[4096];

    c = rev->data;
    l = c->data;
    name = ngx_debar_list_name(l);
    look = 0;

    for (i = 0; i < NGX_DEBAR_LIST_READS; i++) {

        n = read(c->fd, buf, sizeof(buf));

        if (n == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        if (n <= 0) {
            rev->ready = 0;
            break;
        }

        p = buf;
        last = buf + n;

        while (last - p >= (ssize_t) sizeof(struct inotify_event)) {
            ngx_memcpy(&ev, p, sizeof(struct inotify_event));
            p += sizeof(struct inotify_event);

            if ((ssize_t) ev.len > last - p) {
                break;
            }

            if (ev.mask & IN_IGNORED) {
                l->watch = -1;
            }

            if ((ev.mask & (IN_IGNORED|IN_Q_OVERFLOW))
                || (ev.len && strncmp(p, (char *) name, ev.len) == 0))
            {
                look = 1;
            }

            p += ev.len;
        }
    }

    if (look) {
        ngx_debar_list_look(l);
    }

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, l->cycle->log, 0,
                      "inotify of \"%V\" is lost: the list is looked at every "
                      "%M ms", &l->path, l->interval);
    }
}


static u_char *
ngx_debar_list_name(ngx_debar_list_t *l)
{
    u_char  *p;

    p = l->path.data + l->path.len;

    while (p > l->path.data && p[-1] != '/') {
        p--;
    }

    return p;
}


char *
ngx_debar_status_directive(ngx_conf_t *cf, ngx_uint_t *status)
{
    ngx_int_t   n;
    ngx_str_t  *value;

    if (*status != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    n = ngx_atoi(value[1].data, value[1].len);

    if (n != 403 && n != 451) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\": \"debar_status\" is 403 or "
                           "451", &value[1]);
        return NGX_CONF_ERROR;
    }

    *status = n;

    return NGX_CONF_OK;
}

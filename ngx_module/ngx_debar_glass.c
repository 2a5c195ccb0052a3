/*
 * Break-glass: only root, or whoever started nginx, gives the order; a file
 * that a worker's user could write is none.
 */

#include "ngx_debar_glass.h"
#include "glass.h"


struct ngx_debar_glass_s {
    ngx_str_t   path;                    /* full, NUL-terminated */
    time_t      max;                     /* s */
    uid_t       starter;                 /* who read the configuration */

    time_t      looked;                  /* when the file was looked at */
    time_t      until;                   /* 0: closed */
    time_t      mtime;                   /* of the file last read */
    ino_t       inode;
    unsigned    refused:1;               /* and said so */
};


static void ngx_debar_glass_look(ngx_debar_glass_t *g);
static void ngx_debar_glass_read(ngx_debar_glass_t *g, ngx_fd_t fd);
static const char *ngx_debar_glass_trusted(ngx_debar_glass_t *g,
    ngx_file_info_t *fi);
static void ngx_debar_glass_set(ngx_debar_glass_t *g, time_t until);


char *
ngx_debar_glass_directive(ngx_conf_t *cf, ngx_debar_glass_t **gp)
{
    ngx_int_t           max;
    ngx_str_t          *value, s;
    ngx_debar_glass_t  *g;

    if (*gp != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        *gp = NULL;
        return NGX_CONF_OK;
    }

    g = ngx_pcalloc(cf->pool, sizeof(ngx_debar_glass_t));
    if (g == NULL) {
        return NGX_CONF_ERROR;
    }

    g->path = value[1];
    g->max = DEBAR_GLASS_TIME;
    g->starter = geteuid();

    if (ngx_conf_full_name(cf->cycle, &g->path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 3) {

        max = NGX_ERROR;

        if (ngx_strncmp(value[2].data, "max=", 4) == 0) {
            s.data = value[2].data + 4;
            s.len = value[2].len - 4;
            max = ngx_parse_time(&s, 1);
        }

        if (max == NGX_ERROR || max == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": "
                               "\"debar_break_glass\" takes max=TIME, such as "
                               "max=8h", &value[2]);
            return NGX_CONF_ERROR;
        }

        g->max = max;
    }

    *gp = g;

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_debar_glass_open(ngx_debar_glass_t *g)
{
    time_t  now;

    if (g == NULL) {
        return 0;
    }

    now = ngx_time();

    if (now != g->looked) {
        g->looked = now;
        ngx_debar_glass_look(g);
    }

    return g->until > now;
}


debar_str_t
ngx_debar_mode_name(ngx_uint_t mode, ngx_debar_glass_t *glass)
{
    if (mode == NGX_DEBAR_MONITOR) {
        return debar_str("monitor", 7);
    }

    return ngx_debar_glass_open(glass) ? debar_str("break-glass", 11)
                                       : debar_str("enforce", 7);
}


static void
ngx_debar_glass_look(ngx_debar_glass_t *g)
{
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    if (ngx_file_info(g->path.data, &fi) == NGX_FILE_ERROR) {

        if (ngx_errno != NGX_ENOENT && !g->refused) {
            g->refused = 1;
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                          "debar_break_glass: %V cannot be looked at, so it "
                          "stays closed", &g->path);
        }

        ngx_debar_glass_set(g, 0);
        g->mtime = 0;
        return;
    }

    if (g->mtime == ngx_file_mtime(&fi) && g->inode == fi.st_ino) {

        if (g->until && g->until <= ngx_time()) {
            ngx_debar_glass_set(g, 0);
        }

        return;
    }

    g->mtime = ngx_file_mtime(&fi);
    g->inode = fi.st_ino;
    g->refused = 0;

    fd = open((char *) g->path.data,
              O_RDONLY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "debar_break_glass: %V cannot be opened, so it stays "
                      "closed", &g->path);
        ngx_debar_glass_set(g, 0);
        return;
    }

    ngx_debar_glass_read(g, fd);

    (void) ngx_close_file(fd);
}


static void
ngx_debar_glass_read(ngx_debar_glass_t *g, ngx_fd_t fd)
{
    char              text[DEBAR_MAX_GLASS + 1];
    time_t            now;
    ssize_t           n;
    const char       *why;
    debar_glass_t     glass;
    ngx_file_info_t   fi;

    now = ngx_time();
    why = "cannot be read";

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR
        && (why = ngx_debar_glass_trusted(g, &fi)) == NULL)
    {
        n = read(fd, text, sizeof(text));

        if (n == -1) {
            why = "cannot be read";

        } else if (debar_glass_parse(&glass, text, n, g->max, &why)
                   == DEBAR_OK)
        {
            why = (glass.opened > now + 60) ? "it begins in the future" : NULL;
        }
    }

    if (why) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "debar_break_glass: %V is no order: %s; \"debar gateway "
                      "break-glass DIR\" writes one", &g->path, why);
        ngx_debar_glass_set(g, 0);
        return;
    }

    if (glass.until > now) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "debar_break_glass: blocks are suspended for %T s, by "
                      "order of %s: %s", glass.until - now, glass.by,
                      glass.reason);
    }

    g->until = (glass.until > now) ? glass.until : 0;
}


static const char *
ngx_debar_glass_trusted(ngx_debar_glass_t *g, ngx_file_info_t *fi)
{
    if (!ngx_is_file(fi)) {
        return "it is no plain file";
    }

    if (fi->st_mode & (S_IWGRP|S_IWOTH)) {
        return "others than its owner can write it";
    }

    return (fi->st_uid == 0 || fi->st_uid == g->starter)
           ? NULL : "it belongs to neither root nor who started the gateway";
}


static void
ngx_debar_glass_set(ngx_debar_glass_t *g, time_t until)
{
    if (g->until && until == 0) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "debar_break_glass: closed again, blocks hold");
    }

    g->until = until;
}

/*
 * Directives of downloads.
 */

#include "ngx_http_debar_download.h"


static ngx_path_init_t  ngx_http_debar_download_temp = {
    ngx_string("debar_download_temp"), { 0, 0, 0 }
};


void
ngx_http_debar_download_unset(ngx_http_debar_loc_conf_t *conf)
{
    conf->download = NGX_CONF_UNSET;
    conf->inspect_timeout = NGX_CONF_UNSET_MSEC;
    conf->spool = NGX_CONF_UNSET;
    conf->spools = NGX_CONF_UNSET;
    conf->tail_hold = NGX_CONF_UNSET_SIZE;
    conf->ranges = NGX_CONF_UNSET_UINT;
    conf->on_failed = NGX_CONF_UNSET_UINT;
    conf->on_sealed = NGX_CONF_UNSET_UINT;
    conf->on_unread = NGX_CONF_UNSET_UINT;
}


char *
ngx_http_debar_download_merge(ngx_conf_t *cf, ngx_http_debar_loc_conf_t *prev,
    ngx_http_debar_loc_conf_t *conf)
{
    ngx_conf_merge_str_value(conf->inspector, prev->inspector, "");

    /* without somebody to read files it would refuse every program */

    ngx_conf_merge_value(conf->download, prev->download,
                         conf->inspector.len != 0);

    ngx_conf_merge_msec_value(conf->inspect_timeout, prev->inspect_timeout,
                              30000);
    ngx_conf_merge_off_value(conf->spool, prev->spool,
                             (off_t) 1024 * 1024 * 1024);
    ngx_conf_merge_off_value(conf->spools, prev->spools,
                             (off_t) 8 * 1024 * 1024 * 1024);
    ngx_conf_merge_size_value(conf->tail_hold, prev->tail_hold, 65536);
    ngx_conf_merge_uint_value(conf->ranges, prev->ranges,
                              NGX_HTTP_DEBAR_RANGES_STRIP);
    ngx_conf_merge_uint_value(conf->on_failed, prev->on_failed, DEBAR_BLOCK);
    ngx_conf_merge_uint_value(conf->on_sealed, prev->on_sealed, DEBAR_LOG);
    ngx_conf_merge_uint_value(conf->on_unread, prev->on_unread, DEBAR_LOG);

    if (!conf->download) {
        conf->download_temp = prev->download_temp;
        return NGX_CONF_OK;
    }

    if (ngx_conf_merge_path_value(cf, &conf->download_temp,
                                  prev->download_temp,
                                  &ngx_http_debar_download_temp)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* "debar_inspector unix:PATH" */

char *
ngx_http_debar_inspector_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    ngx_str_t  *value;

    if (dlcf->inspector.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 3 && ngx_strncmp(value[1].data, "off", 3) == 0) {
        ngx_str_set(&dlcf->inspector, "");
        return NGX_CONF_OK;
    }

    if (value[1].len < 6 || value[1].len - 5 > 107
        || ngx_strncmp(value[1].data, "unix:", 5) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid inspector \"%V\": \"unix:\" and the socket "
                           "of \"debar inspect --serve\", a path of 107 bytes "
                           "at most, or \"off\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    dlcf->inspector.data = value[1].data + 5;
    dlcf->inspector.len = value[1].len - 5;

    return NGX_CONF_OK;
}


/*
 * "debar_download_limits [spool=SIZE] [spools=SIZE] [depth=N] [members=N]
 *  [expanded=SIZE]"
 */

char *
ngx_http_debar_download_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    off_t        size;
    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        s.data = ngx_strlchr(value[i].data, value[i].data + value[i].len, '=');

        if (s.data == NULL) {
            goto invalid;
        }

        s.data++;
        s.len = value[i].data + value[i].len - s.data;

        size = s.len ? ngx_parse_offset(&s) : NGX_ERROR;
        n = s.len ? ngx_atoi(s.data, s.len) : NGX_ERROR;

        if (size == NGX_ERROR) {
            goto invalid;
        }

        if (ngx_strncmp(value[i].data, "spool=", 6) == 0) {
            dlcf->spool = size;

        } else if (ngx_strncmp(value[i].data, "spools=", 7) == 0) {
            dlcf->spools = size;

        } else if (ngx_strncmp(value[i].data, "expanded=", 9) == 0) {
            dlcf->file_limits.expanded = size;

        } else if (n > 0 && n <= 8
                   && ngx_strncmp(value[i].data, "depth=", 6) == 0)
        {
            dlcf->file_limits.depth = n;

        } else if (n > 0 && n <= 1000000
                   && ngx_strncmp(value[i].data, "members=", 8) == 0)
        {
            dlcf->file_limits.members = n;

        } else {
            goto invalid;
        }
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": \"debar_download_limits\" "
                       "takes spool=, spools= and expanded=, sizes, depth=, up "
                       "to 8, and members=, up to 1000000", &value[i]);
    return NGX_CONF_ERROR;
}

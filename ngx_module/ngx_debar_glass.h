/*
 * The break-glass switch in a worker: a file that says until when blocks are
 * suspended (blocklist/glass.h).  Looked at once a second at most.
 */

#ifndef _NGX_DEBAR_GLASS_H_INCLUDED_
#define _NGX_DEBAR_GLASS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "debar.h"


typedef struct ngx_debar_glass_s  ngx_debar_glass_t;


/* "debar_break_glass PATH|off [max=TIME]": *gp NULL for off. */

char *ngx_debar_glass_directive(ngx_conf_t *cf, ngx_debar_glass_t **gp);

/* True while it is open.  NULL: never. */

ngx_uint_t ngx_debar_glass_open(ngx_debar_glass_t *glass);


/* debar_mode, of http and stream alike. */

#define NGX_DEBAR_ENFORCE  0
#define NGX_DEBAR_MONITOR  1

/* "enforce", "monitor" or "break-glass", as a record has it; a block holds in
 * the first alone. */

debar_str_t ngx_debar_mode_name(ngx_uint_t mode, ngx_debar_glass_t *glass);

#define ngx_debar_enforced(conf)                                              \
    ((conf)->mode == NGX_DEBAR_ENFORCE                                        \
     && !ngx_debar_glass_open((conf)->glass))


#endif /* _NGX_DEBAR_GLASS_H_INCLUDED_ */

/*
 * The break-glass switch in a worker: a file that says until when blocks are
 * suspended (blocklist/glass.h).  Looked at once a second at most.
 */

#ifndef _NGX_DEBAR_GLASS_H_INCLUDED_
#define _NGX_DEBAR_GLASS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_debar_glass_s  ngx_debar_glass_t;


/* "debar_break_glass PATH|off [max=TIME]": *gp NULL for off. */

char *ngx_debar_glass_directive(ngx_conf_t *cf, ngx_debar_glass_t **gp);

/* True while it is open.  NULL: never. */

ngx_uint_t ngx_debar_glass_open(ngx_debar_glass_t *glass);


#endif /* _NGX_DEBAR_GLASS_H_INCLUDED_ */

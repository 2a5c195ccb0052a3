/*
 * Groups of lines, counted within a bound, and the tables that they become.
 */

#include <stdlib.h>

#include "audit_report.h"
#include "filter.h"


#define DEBAR_REPORT_PART  512               /* bytes of a part */


static void
debar_groups_grow(debar_groups_t *g)
{
    size_t    i;
    uint64_t  h;

    g->size = g->size ? 2 * g->size : 64;
    g->list = realloc(g->list, g->size * sizeof(debar_group_t));

    free(g->slots);
    g->nslots = 4 * g->size;
    g->slots = calloc(g->nslots, sizeof(uint32_t));

    if (g->list == NULL || g->slots == NULL) {
        abort();
    }

    for (i = 0; i < g->n; i++) {
        for (h = g->list[i].hash; g->slots[h & (g->nslots - 1)]; h++) {
            /* void */
        }

        g->slots[h & (g->nslots - 1)] = (uint32_t) i + 1;
    }
}


static debar_str_t
debar_part(debar_str_t s)
{
    s.len = s.len < DEBAR_REPORT_PART ? s.len : DEBAR_REPORT_PART;

    while (s.len == DEBAR_REPORT_PART && s.len
           && (s.data[s.len - 1] & 0xc0) == 0x80)
    {
        s.len--;                             /* no half of a character */
    }

    return s;
}


static int
debar_group_is(const debar_group_t *one, const debar_str_t *parts,
    unsigned nparts)
{
    unsigned     i;
    debar_str_t  s;

    for (i = 0; i < nparts; i++) {
        s = debar_part(parts[i]);

        if (one->part[i].len != s.len
            || (s.len && memcmp(one->part[i].data, s.data, s.len) != 0))
        {
            return 0;
        }
    }

    return 1;
}


static void
debar_group_init(debar_group_t *one, const debar_str_t *parts,
    unsigned nparts)
{
    char         *copy;
    size_t        len;
    unsigned      i;
    debar_str_t   s;

    memset(one, 0, sizeof(*one));
    len = 1;

    for (i = 0; i < nparts; i++) {
        len += debar_part(parts[i]).len;
    }

    copy = malloc(len);

    if (copy == NULL) {
        abort();
    }

    for (i = 0; i < DEBAR_REPORT_PARTS; i++) {
        s = i < nparts ? debar_part(parts[i]) : debar_str("", 0);
        one->part[i] = debar_str(copy, s.len);

        if (s.len) {
            memcpy(copy, s.data, s.len);
            copy += s.len;
        }
    }
}


static void
debar_group_count(debar_group_t *one, const debar_audit_row_t *row)
{
    one->n++;

    if (row->type == DEBAR_ROW_DECISION) {
        one->by[row->verdict]++;
    }

    if (one->first[0] == '\0' || strcmp(row->time, one->first) < 0) {
        memcpy(one->first, row->time, 25);
    }

    if (strcmp(row->time, one->last) > 0) {
        memcpy(one->last, row->time, 25);
    }
}


debar_group_t *
debar_groups_add(debar_groups_t *g, const debar_str_t *parts, unsigned nparts,
    const debar_audit_row_t *row)
{
    unsigned        i;
    uint64_t        h, hash;
    debar_str_t     s;
    debar_group_t  *one;

    if (g->n == g->size) {
        debar_groups_grow(g);
    }

    g->nparts = nparts;
    hash = nparts;

    for (i = 0; i < nparts; i++) {
        s = debar_part(parts[i]);
        hash = debar_hash_mix(hash ^ debar_hash(s.data, s.len),
                              0x9e3779b97f4a7c15ull + i);
    }

    for (h = hash; g->slots[h & (g->nslots - 1)]; h++) {
        one = &g->list[g->slots[h & (g->nslots - 1)] - 1];

        if (one->hash == hash && debar_group_is(one, parts, nparts)) {
            debar_group_count(one, row);
            return one;
        }
    }

    if (g->n == DEBAR_REPORT_GROUPS) {
        g->others++;
        return NULL;
    }

    one = &g->list[g->n++];
    debar_group_init(one, parts, nparts);
    one->hash = hash;
    g->slots[h & (g->nslots - 1)] = (uint32_t) g->n;
    debar_group_count(one, row);

    return one;
}


static int
debar_group_by_name(const void *one, const void *two)
{
    int                   rc;
    size_t                len;
    unsigned              i;
    const debar_group_t  *a = one, *b = two;

    for (i = 0; i < DEBAR_REPORT_PARTS; i++) {
        len = a->part[i].len < b->part[i].len ? a->part[i].len
                                              : b->part[i].len;
        rc = memcmp(a->part[i].data, b->part[i].data, len);

        if (rc == 0 && a->part[i].len != b->part[i].len) {
            rc = a->part[i].len < b->part[i].len ? -1 : 1;
        }

        if (rc) {
            return rc;
        }
    }

    return 0;
}


static int
debar_group_by_count(const void *one, const void *two)
{
    const debar_group_t  *a = one, *b = two;

    if (a->n != b->n) {
        return a->n > b->n ? -1 : 1;
    }

    return debar_group_by_name(one, two);
}


/* The slots are of no use afterwards: nothing more is added. */

void
debar_groups_sort(debar_groups_t *g, int by_name)
{
    if (g->n) {
        qsort(g->list, g->n, sizeof(debar_group_t),
              by_name ? debar_group_by_name : debar_group_by_count);
    }
}


void
debar_groups_free(debar_groups_t *g)
{
    size_t    i;
    unsigned  k;

    for (i = 0; i < g->n; i++) {
        free((char *) g->list[i].part[0].data);

        for (k = 0; k < 3; k++) {
            free(g->list[i].text[k]);
        }
    }

    free(g->list);
    free(g->slots);
    memset(g, 0, sizeof(*g));
}


/* --- tables -------------------------------------------------------------- */

debar_report_table_t *
debar_report_table(debar_report_t *r, const char *name, const char *title,
    const debar_column_t *columns, unsigned ncolumns)
{
    debar_report_table_t  *t;

    if (r->ntables == DEBAR_REPORT_TABLES) {
        abort();                             /* our own fault */
    }

    t = &r->tables[r->ntables++];
    memset(t, 0, sizeof(*t));
    t->name = name;
    t->title = title;
    t->columns = columns;
    t->ncolumns = ncolumns;

    return t;
}


void
debar_cell(debar_report_table_t *t, debar_str_t s)
{
    uint32_t  len;

    len = (uint32_t) s.len;
    debar_buf_add(&t->cells, &len, sizeof(len));

    if (s.len) {
        debar_buf_add(&t->cells, s.data, s.len);
    }
}


void
debar_cell_z(debar_report_table_t *t, const char *s)
{
    debar_cell(t, debar_str(s ? s : "", s ? strlen(s) : 0));
}


void
debar_cell_u(debar_report_table_t *t, uint64_t n)
{
    char  text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long) n);
    debar_cell_z(t, text);
}


debar_str_t
debar_cell_next(const char **p)
{
    uint32_t     len;
    debar_str_t  s;

    memcpy(&len, *p, sizeof(len));
    s = debar_str(*p + sizeof(len), len);
    *p += sizeof(len) + len;

    return s;
}


void
debar_report_free(debar_report_t *r)
{
    unsigned  i;

    for (i = 0; i < r->ntables; i++) {
        debar_buf_free(&r->tables[i].cells);
    }

    debar_buf_free(&r->notes);
}

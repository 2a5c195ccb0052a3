/*
 * Reports as JSON and CSV.
 */

#include <stdlib.h>

#include "audit_report.h"
#include "csv.h"


#define DEBAR_ADD_WORDS  "TO BE ADDED"


static void
debar_member_z(debar_buf_t *b, const char *key, const char *text)
{
    debar_json_text(b, key, text ? text : "", text ? strlen(text) : 0);
}


static void
debar_table_json(debar_buf_t *b, const debar_report_table_t *t)
{
    size_t        row;
    unsigned      c;
    const char   *p;
    debar_str_t   s;

    debar_buf_printf(b, "\"%s\":{\"rows\":[", t->name);
    p = t->cells.data;

    for (row = 0; row < t->nrows; row++) {
        debar_buf_printf(b, "%s{", row ? "," : "");

        for (c = 0; c < t->ncolumns; c++) {
            s = debar_cell_next(&p);
            debar_buf_printf(b, "%s\"%s\":", c ? "," : "", t->columns[c].name);

            if (s.len == 0 || (s.len == 1 && s.data[0] == DEBAR_TO_ADD[0])) {
                debar_buf_printf(b, "null");

            } else if (t->columns[c].number) {
                debar_buf_add(b, s.data, s.len);

            } else {
                debar_buf_json(b, s.data, s.len);
            }
        }

        debar_buf_printf(b, "}");
    }

    debar_buf_printf(b, "],\"left_out\":%llu,\"uncounted\":%llu}",
                     (unsigned long long) t->more,
                     (unsigned long long) t->others);
}


void
debar_report_json(debar_buf_t *b, const debar_report_t *r,
    const debar_report_args_t *args)
{
    size_t                      from, end;
    unsigned                    i;
    const debar_report_read_t  *rd = &r->read;

    debar_buf_printf(b, "{");
    debar_member_z(b, "kind", args->kind);
    debar_member_z(b, "title", r->title);
    debar_member_z(b, "made", r->made);
    debar_member_z(b, "since", args->since);
    debar_member_z(b, "until", args->until);
    debar_buf_printf(b, ",\"log\":{\"files\":%llu,\"lines\":%llu,"
                     "\"decisions\":%llu,\"unreadable\":%llu,"
                     "\"files_deleted\":%llu",
                     (unsigned long long) rd->files,
                     (unsigned long long) rd->lines,
                     (unsigned long long) rd->decisions,
                     (unsigned long long) rd->unreadable,
                     (unsigned long long) rd->deleted);
    debar_member_z(b, "first", rd->first);
    debar_member_z(b, "last", rd->last);
    debar_buf_printf(b, ",\"verified\":%s,\"authenticated\":%s",
                     !r->sealed.verified ? "null"
                     : r->sealed.bad ? "false" : "true",
                     r->sealed.authenticated ? "true" : "false");

    if (r->sealed.verified) {
        debar_buf_printf(b, ",\"sealed\":%llu,\"unsealed\":%llu",
                         (unsigned long long) r->sealed.size,
                         (unsigned long long) r->sealed.unsealed);
    }

    debar_member_z(b, "seal", r->sealed.text);
    debar_buf_printf(b, "},\"notes\":[");

    for (from = 0; from < r->notes.len; from = end + 1) {
        for (end = from; end < r->notes.len && r->notes.data[end] != '\n';
             end++)
        {
            /* void */
        }

        debar_buf_printf(b, "%s", from ? "," : "");
        debar_buf_json(b, r->notes.data + from, end - from);
    }

    debar_buf_printf(b, "],\"tables\":{");

    for (i = 0; i < r->ntables; i++) {
        debar_buf_printf(b, "%s", i ? "," : "");
        debar_table_json(b, &r->tables[i]);
    }

    debar_buf_printf(b, "}}\n");
}


/* A spreadsheet runs text that begins so: an apostrophe makes it text. */

static debar_str_t
debar_csv_safe(debar_buf_t *room, debar_str_t s, int number)
{
    size_t  at;

    if (number || s.len == 0 || s.data[0] == '\0'
        || strchr("=+-@\t\r", s.data[0]) == NULL)
    {
        return s;
    }

    at = room->len;
    debar_buf_add(room, "'", 1);
    debar_buf_add(room, s.data, s.len);

    return debar_str(room->data + at, s.len + 1);
}


static void
debar_table_csv(debar_buf_t *b, const debar_report_table_t *t, int by,
    int head)
{
    size_t        row;
    unsigned      c, n;
    const char   *p;
    debar_buf_t   room[DEBAR_REPORT_COLUMNS];
    debar_str_t   s, fields[DEBAR_REPORT_COLUMNS + 1];

    memset(room, 0, sizeof(room));
    n = by ? 1 : 0;
    fields[0] = debar_str("by", 2);

    for (c = 0; c < t->ncolumns; c++) {
        fields[n + c] = debar_str(t->columns[c].name,
                                  strlen(t->columns[c].name));
    }

    if (head) {
        debar_csv_put(b, ',', fields, n + t->ncolumns);
    }

    fields[0] = debar_str(t->name, strlen(t->name));
    p = t->cells.data;

    for (row = 0; row < t->nrows; row++) {
        for (c = 0; c < t->ncolumns; c++) {
            s = debar_cell_next(&p);
            room[c].len = 0;

            fields[n + c] = s.len == 1 && s.data[0] == DEBAR_TO_ADD[0]
                ? debar_str(DEBAR_ADD_WORDS, sizeof(DEBAR_ADD_WORDS) - 1)
                : debar_csv_safe(&room[c], s, t->columns[c].number);
        }

        debar_csv_put(b, ',', fields, n + t->ncolumns);
    }

    for (c = 0; c < DEBAR_REPORT_COLUMNS; c++) {
        debar_buf_free(&room[c]);
    }
}


int
debar_report_csv(debar_buf_t *b, const debar_report_t *r,
    const debar_report_args_t *args, const char *table, debar_fault_t *fault)
{
    char      names[200];
    size_t    n;
    unsigned  i, all, found;

    all = table == NULL && strcmp(args->kind, "attempts") == 0;
    found = 0;
    n = 0;
    names[0] = '\0';

    for (i = 0; i < r->ntables; i++) {
        n += (size_t) snprintf(names + n, n < sizeof(names)
                               ? sizeof(names) - n : 0, "%s%s", i ? ", " : "",
                               r->tables[i].name);
        n = n < sizeof(names) ? n : sizeof(names) - 1;

        if (all || (table ? strcmp(table, r->tables[i].name) == 0
                    : strcmp(args->kind, "far") == 0
                    ? strcmp(r->tables[i].name, "articles") == 0 : i == 0))
        {
            debar_table_csv(b, &r->tables[i], (int) all, found++ == 0);
        }
    }

    if (!found) {
        debar_fault(fault, "--table %s: is none of this report: %s",
                    table ? table : "", names);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}

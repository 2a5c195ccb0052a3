/*
 * debar list remove: values and products taken out of a source.
 */

#include "list_edit.h"


static int debar_list_remove_edit(debar_list_edit_t *le);
static int debar_list_remove_value(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value);
static int debar_list_remove_line(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value);


static const char  debar_remove_help[] =
    "usage: debar list remove SOURCE VENDOR[/PRODUCT] KIND VALUE... [options]\n"
    "       debar list remove SOURCE VENDOR product ID\n"
    "\n"
    "Takes values out of a source, and the comment on the line of each.\n"
    "\n"
    "      --authority ID         of several rows, that with just these\n"
    "      --pattern              VALUE is an expression (PCRE2)\n"
    "      --all                  all rows with this value\n"
    "  -n, --dry-run              print the change as a diff, write nothing\n"
    "      --json                 say the outcome as one JSON object\n"
    "  -q, --quiet                say nothing but errors\n"
    "  -h, --help                 this text\n"
    "\n"
    "Exit: 0 done, 1 not done (stderr says why), 2 usage.\n";


int
debar_list_remove(int argc, char **argv)
{
    int                 rc;
    debar_list_edit_t   le;

    memset(&le, 0, sizeof(le));
    le.command = "debar list remove";
    le.what = DEBAR_REMOVE;

    rc = debar_list_edit_options(&le, debar_remove_help, argc, argv);

    if (rc != -1) {
        return rc;
    }

    if (le.nargs == 3 && strcmp(le.args[1], "vendor") == 0) {
        return debar_usage(le.command, "a whole vendor is a file of vendors/: "
                           "remove that, or its values one by one");
    }

    if (le.nargs < 4) {
        return debar_usage(le.command, "name SOURCE VENDOR KIND VALUE");
    }

    return debar_list_edit_run(&le, debar_list_remove_edit);
}


static int
debar_list_remove_edit(debar_list_edit_t *le)
{
    int                 i, rc;
    const char         *kind;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_place_t       p;
    debar_edit_node_t  *list, *item;

    if (debar_list_place(le, le->args[1], &p) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (strcmp(le->args[2], "product") == 0) {
        e = debar_list_edit_file(le, p.file);
        item = e ? debar_edit_entry(e, le->args[3], &why) : NULL;
        list = item ? debar_edit_get(debar_edit_root(e), "products") : NULL;

        if (e && list == NULL) {
            debar_say("%s/%s: %s", le->changes.source, p.file, why.text);
        }

        if (list == NULL) {
            debar_edit_free(e);
            return DEBAR_EXIT_FAILURE;
        }

        for (i = 0; list->items[i] != item; i++) {
            /* void */
        }

        debar_list_told(le, p.file, item->line, "removed", le->args[3]);
        rc = debar_edit_remove(e, list, (size_t) i, &why);

        return debar_list_edit_done(le, p.file, e, rc, &why);
    }

    kind = debar_list_kind_of(le->args[2]);

    for (i = 3; kind && i < le->nargs; i++) {
        rc = debar_list_remove_value(le, &p, kind, le->args[i]);

        if (rc) {
            return rc;
        }
    }

    return kind ? 0 : DEBAR_EXIT_FAILURE;
}


static int
debar_list_remove_value(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value)
{
    int                 i, n, rc, k;
    debar_buf_t         a, b, lines;
    debar_edit_t       *e;
    debar_fault_t       why;
    debar_edit_found_t  found[256];

    e = debar_list_edit_file(le, p->file);

    if (e == NULL) {
        return DEBAR_EXIT_FAILURE;
    }

    n = debar_edit_find(e, p->product, kind, value, le->row.pattern, found, 256,
                        &why);

    if (n == DEBAR_ERROR) {
        debar_edit_free(e);
        return debar_say("%s", why.text);
    }

    n = n > 256 ? 256 : n;

    if (n == 0) {
        debar_edit_free(e);
        return debar_list_remove_line(le, p, kind, value);
    }

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    memset(&lines, 0, sizeof(lines));

    /* of several those with the authorities that were named */

    for (i = 0, k = 0; le->row.nauthorities && i < n; i++) {
        a.len = 0;
        b.len = 0;
        debar_edit_scope(e, &a, &found[i], &le->row);
        debar_edit_scope(e, &b, &found[i], NULL);

        if (strcspn(a.data, " ") == strcspn(b.data, " ")
            && memcmp(a.data, b.data, strcspn(a.data, " ")) == 0)
        {
            found[k++] = found[i];
        }
    }

    if (le->row.nauthorities) {
        n = k;
    }

    for (i = 0; i < n; i++) {
        debar_buf_printf(&lines, "%s%u", i ? ", " : "", found[i].node->line);
    }

    debar_buf_add(&lines, "", 1);
    rc = DEBAR_OK;

    if (n == 0) {
        debar_fault(&why, "%s is not listed for just these authorities", value);
        rc = DEBAR_ERROR;

    } else if (n > 1 && !le->all) {
        debar_fault(&why, "%s stands at lines %.200s: say which with "
                    "VENDOR/PRODUCT or --authority, or --all", value,
                    lines.data);
        rc = DEBAR_ERROR;
    }

    for (i = 0; rc == DEBAR_OK && i < n; i++) {
        debar_list_told(le, p->file, found[i].node->line, "removed", value);
        rc = debar_edit_remove(e, found[i].list, found[i].i, &why);
    }

    debar_buf_free(&a);
    debar_buf_free(&b);
    debar_buf_free(&lines);

    return debar_list_edit_done(le, p->file, e, rc, &why);
}


static int
debar_list_remove_line(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, const char *value)
{
    int              rc;
    char             from[4096];
    size_t           start, end, line;
    unsigned         listed;
    debar_buf_t      out;
    debar_fault_t    why;
    debar_change_t  *f;

    rc = debar_list_from_file(le, p, kind, from, sizeof(from), &listed);

    if (rc == DEBAR_OK) {
        f = debar_changes_file(&le->changes, from, 0);

        if (f == NULL) {
            return DEBAR_EXIT_FAILURE;
        }

        rc = debar_edit_line_find(f->text.data, f->text.len, kind, value,
                                  &start, &end, &line, &why);

        if (rc == DEBAR_OK) {
            memset(&out, 0, sizeof(out));
            debar_buf_add(&out, f->text.data, start);
            debar_buf_add(&out, f->text.data + end, f->text.len - end);
            debar_changes_put(&le->changes, from, &out);
            debar_list_told(le, from, (unsigned) line, "removed", value);
            return 0;
        }
    }

    return debar_say("%s/%s: %s is not listed under %s%s%s: nothing to remove",
                     le->changes.source, p->file, value, kind,
                     p->product ? " of product " : "",
                     p->product ? p->product : "");
}

/*
 * A report as a page that needs nothing beside itself and runs nothing.  Bars
 * are drawn from the rows of the table that stands below them.
 */

#include <stdlib.h>

#include "audit_report.h"
#include "diff.h"


#define DEBAR_BARS      12                   /* of a chart by name */
#define DEBAR_DAYS      62                   /* of one by day; else by month */
#define DEBAR_COLUMNS  120

typedef struct {
    char         name[64];
    uint64_t     n;
} debar_bar_t;


static const char  debar_page_style[] =
    "body{font:1rem/1.5 system-ui,\"Liberation Sans\",sans-serif;max-width:"
    "75rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}\n"
    "h1{line-height:1.2;margin-bottom:.25rem}h2{margin-top:2.5rem}\n"
    ".lead{font-size:1.1rem;margin-top:0}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;margin:1rem 0;width:100%}\n"
    "caption{text-align:left;font-weight:bold;padding-bottom:.3rem}\n"
    "th,td{border-bottom:1px solid #71767a;padding:.35rem .6rem;text-align:"
    "left;vertical-align:top;overflow-wrap:anywhere;font-weight:normal}\n"
    "thead th{background:#f0f0f0;font-weight:bold;overflow-wrap:normal}\n"
    ".n{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".t{white-space:nowrap}\n"
    ".add{display:inline-block;border:2px dashed #8b0a03;color:#8b0a03;"
    "font-weight:bold;padding:0 .4rem}\n"
    "svg{display:block;max-width:100%;height:auto;margin:1rem 0}\n"
    "svg text{font:13px system-ui,\"Liberation Sans\",sans-serif;fill:#1b1b1b}"
    "\n.bar{fill:#005ea2}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.5rem}\n"
    "dt{font-weight:bold}dd{margin:0}\n"
    "@media (max-width:40rem){dl{grid-template-columns:1fr}}\n"
    "@page{margin:15mm;size:landscape}\n"
    "@media print{body{margin:0;max-width:none;font-size:9pt;padding:0}"
    ".scroll{overflow:visible}h2,caption{break-after:avoid}"
    "tr,svg{break-inside:avoid}thead{display:table-header-group}"
    ".t{white-space:normal}}\n";


static void
debar_page_str(debar_buf_t *b, debar_str_t s)
{
    debar_html_text(b, s.data, s.len);
}


static void
debar_page_z(debar_buf_t *b, const char *s)
{
    debar_html_text(b, s, strlen(s));
}


/* --- charts -------------------------------------------------------------- */

/* The bars of a table; by day those of a month, if there are too many days. */

static unsigned
debar_bars(debar_bar_t *bars, const debar_report_table_t *t)
{
    size_t        row;
    unsigned      c, n, max, cut;
    const char   *p;
    debar_str_t   s, name;

    n = 0;
    p = t->cells.data;
    max = t->by_day ? DEBAR_COLUMNS : DEBAR_BARS;
    cut = t->by_day ? (t->nrows > DEBAR_DAYS ? 7 : 10) : 40;
    name = debar_str("", 0);

    for (row = 0; row < t->nrows; row++) {
        for (c = 0; c < t->ncolumns; c++) {
            s = debar_cell_next(&p);

            if (c == 0) {
                name = s;
            }

            if (c != (unsigned) t->chart) {
                continue;
            }

            while (name.len > cut
                   || (name.len && name.len == cut && !t->by_day
                       && (name.data[name.len - 1] & 0x80)))
            {
                name.len--;
            }

            if (n && strlen(bars[n - 1].name) == name.len
                && memcmp(bars[n - 1].name, name.data, name.len) == 0
                && t->by_day)
            {
                bars[n - 1].n += strtoull(s.data, NULL, 10);
                continue;
            }

            if (n == max) {
                return n;
            }

            snprintf(bars[n].name, sizeof(bars[n].name), "%.*s",
                     (int) name.len, name.data);
            bars[n++].n = strtoull(s.data, NULL, 10);
        }
    }

    return n;
}


static void
debar_chart_head(debar_buf_t *b, const debar_report_table_t *t,
    const debar_bar_t *bars, unsigned n, unsigned width, unsigned height)
{
    unsigned  i, top;

    for (i = 0, top = 0; i < n; i++) {
        top = bars[i].n > bars[top].n ? i : top;
    }

    debar_buf_printf(b, "<svg role=\"img\" viewBox=\"0 0 %u %u\" width=\"%u\" "
                     "height=\"%u\" aria-labelledby=\"%s-t %s-d\">"
                     "<title id=\"%s-t\">%s</title><desc id=\"%s-d\">Bars of "
                     "attempts, ", width, height, width, height, t->name,
                     t->name, t->name, t->title, t->name);

    if (t->by_day) {
        debar_buf_printf(b, "from %s to %s; ", bars[0].name, bars[n - 1].name);
    }

    debar_buf_printf(b, "most for ");
    debar_page_z(b, bars[top].name);
    debar_buf_printf(b, ": %llu. All numbers are in the table below.</desc>\n",
                     (unsigned long long) bars[top].n);
}


static uint64_t
debar_chart_max(const debar_bar_t *bars, unsigned n)
{
    unsigned  i;
    uint64_t  max;

    for (i = 0, max = 1; i < n; i++) {
        max = bars[i].n > max ? bars[i].n : max;
    }

    return max;
}


static void
debar_chart_names(debar_buf_t *b, const debar_report_table_t *t,
    const debar_bar_t *bars, unsigned n)
{
    unsigned  i, y;
    uint64_t  max;

    max = debar_chart_max(bars, n);
    debar_chart_head(b, t, bars, n, 800, n * 24 + 8);

    for (i = 0; i < n; i++) {
        y = i * 24 + 4;
        debar_buf_printf(b, "<text x=\"290\" y=\"%u\" text-anchor=\"end\">",
                         y + 15);
        debar_page_z(b, bars[i].name);
        debar_buf_printf(b, "</text><rect class=\"bar\" x=\"300\" y=\"%u\" "
                         "width=\"%.1f\" height=\"18\"/>"
                         "<text x=\"%.1f\" y=\"%u\">%llu</text>\n", y,
                         1 + 420.0 * (double) bars[i].n / (double) max,
                         308 + 420.0 * (double) bars[i].n / (double) max,
                         y + 15, (unsigned long long) bars[i].n);
    }

    debar_buf_printf(b, "</svg>\n");
}


static void
debar_chart_days(debar_buf_t *b, const debar_report_table_t *t,
    const debar_bar_t *bars, unsigned n)
{
    double    step, height;
    unsigned  i, each;
    uint64_t  max;

    max = debar_chart_max(bars, n);
    step = 720.0 / n;
    step = step < 40 ? step : 40;
    each = (unsigned) (80 / step) + 1;
    debar_chart_head(b, t, bars, n, 800, 230);
    debar_buf_printf(b, "<line x1=\"60\" y1=\"200\" x2=\"790\" y2=\"200\" "
                     "stroke=\"#1b1b1b\"/><text x=\"52\" y=\"24\" "
                     "text-anchor=\"end\">%llu</text><text x=\"52\" y=\"204\" "
                     "text-anchor=\"end\">0</text>\n",
                     (unsigned long long) max);

    for (i = 0; i < n; i++) {
        height = 180.0 * (double) bars[i].n / (double) max;
        debar_buf_printf(b, "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" "
                         "width=\"%.1f\" height=\"%.1f\"/>\n", 64 + i * step,
                         200 - height, step * 0.8, height);

        if (i % each == 0) {
            debar_buf_printf(b, "<text x=\"%.1f\" y=\"220\">%s</text>\n",
                             64 + i * step, bars[i].name);
        }
    }

    debar_buf_printf(b, "</svg>\n");
}


static void
debar_page_chart(debar_buf_t *b, const debar_report_table_t *t)
{
    unsigned     n;
    debar_bar_t  bars[DEBAR_COLUMNS];

    n = t->chart ? debar_bars(bars, t) : 0;

    if (n < 2) {
        return;                              /* nothing to compare */
    }

    if (t->by_day) {
        debar_chart_days(b, t, bars, n);

    } else {
        debar_chart_names(b, t, bars, n);
    }
}


/* --- tables -------------------------------------------------------------- */

static void
debar_page_cell(debar_buf_t *b, const debar_report_table_t *t, unsigned c,
    debar_str_t s)
{
    int          moment;
    const char  *tag;

    moment = s.len == 24 && s.data[10] == 'T' && s.data[23] == 'Z';
    tag = c == 0 ? "th scope=\"row\"" : "td";

    debar_buf_printf(b, "<%s%s>", tag,
                     t->columns[c].number ? " class=\"n\""
                     : moment ? " class=\"t\"" : "");

    if (s.len == 1 && s.data[0] == DEBAR_TO_ADD[0]) {
        debar_buf_printf(b, "<strong class=\"add\">To be added by a person"
                         "</strong>");

    } else if (moment) {
        debar_buf_printf(b, "<time datetime=\"");
        debar_page_str(b, s);
        debar_buf_printf(b, "\">");
        debar_page_str(b, debar_str(s.data, 10));
        debar_buf_printf(b, " ");
        debar_page_str(b, debar_str(s.data + 11, 8));
        debar_buf_printf(b, "</time>");

    } else {
        debar_page_str(b, s);
    }

    debar_buf_printf(b, "</%s>", c == 0 ? "th" : "td");
}


static void
debar_page_table(debar_buf_t *b, const debar_report_table_t *t)
{
    size_t       row;
    unsigned     c;
    const char  *p;

    debar_buf_printf(b, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s"
                     "</h2>\n", t->name, t->name, t->title);

    if (t->nrows == 0) {
        debar_buf_printf(b, "<p>None in this period.</p>\n</section>\n");
        return;
    }

    debar_page_chart(b, t);

    debar_buf_printf(b, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
                     "aria-label=\"Table: %s\">\n<table>\n<caption>", t->title);
    debar_page_z(b, t->caption);
    debar_buf_printf(b, "</caption>\n<thead><tr>");

    for (c = 0; c < t->ncolumns; c++) {
        debar_buf_printf(b, "<th scope=\"col\"%s>%s</th>",
                         t->columns[c].number ? " class=\"n\"" : "",
                         t->columns[c].title);
    }

    debar_buf_printf(b, "</tr></thead>\n<tbody>\n");
    p = t->cells.data;

    for (row = 0; row < t->nrows; row++) {
        debar_buf_printf(b, "<tr>");

        for (c = 0; c < t->ncolumns; c++) {
            debar_page_cell(b, t, c, debar_cell_next(&p));
        }

        debar_buf_printf(b, "</tr>\n");
    }

    debar_buf_printf(b, "</tbody>\n</table>\n</div>\n");

    if (t->more) {
        debar_buf_printf(b, "<p>%llu more rows are left out; --top shows "
                         "them.</p>\n", (unsigned long long) t->more);
    }

    if (t->others) {
        debar_buf_printf(b, "<p><strong>Incomplete:</strong> %llu lines belong "
                         "to rows beyond the first %d and are in no row; take "
                         "a shorter period.</p>\n",
                         (unsigned long long) t->others, DEBAR_REPORT_GROUPS);
    }

    if (t->note) {
        debar_buf_printf(b, "<p>%s</p>\n", t->note);
    }

    debar_buf_printf(b, "</section>\n");
}


static void
debar_page_about(debar_buf_t *b, const debar_report_t *r,
    const debar_report_args_t *args)
{
    const debar_report_read_t  *rd = &r->read;

    debar_buf_printf(b, "<dl>\n<dt>Period</dt><dd>%s to %s (UTC)</dd>\n",
                     args->since[0] ? args->since : "the first line",
                     args->until[0] ? args->until : "the last line");
    debar_buf_printf(b, "<dt>Verdicts in it</dt><dd>%llu%s%s%s%s</dd>\n",
                     (unsigned long long) rd->decisions,
                     rd->first[0] ? ", from " : "", rd->first,
                     rd->last[0] ? " to " : "", rd->last);
    debar_buf_printf(b, "<dt>Read from</dt><dd>%llu file%s, %llu lines</dd>\n",
                     (unsigned long long) rd->files, rd->files == 1 ? "" : "s",
                     (unsigned long long) rd->lines);

    if (rd->unreadable) {
        debar_buf_printf(b, "<dt>Not readable</dt><dd>%llu lines, torn or not "
                         "written by a gateway</dd>\n",
                         (unsigned long long) rd->unreadable);
    }

    if (rd->deleted) {
        debar_buf_printf(b, "<dt>No longer there</dt><dd>%llu files, deleted "
                         "by retention</dd>\n",
                         (unsigned long long) rd->deleted);
    }

    debar_buf_printf(b, "<dt>The log</dt><dd>%s",
                     r->sealed.bad ? "<strong class=\"add\">" : "");
    debar_page_z(b, r->sealed.text);
    debar_buf_printf(b, "%s</dd>\n", r->sealed.bad ? "</strong>" : "");
    debar_buf_printf(b, "<dt>Made</dt><dd>%s</dd>\n</dl>\n", r->made);
}


void
debar_report_html(debar_buf_t *b, const debar_report_t *r,
    const debar_report_args_t *args)
{
    size_t    from, end;
    unsigned  i;

    debar_buf_printf(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                     "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
                     "content=\"width=device-width, initial-scale=1\"/>\n"
                     "<title>%s</title>\n<style>\n%s</style>\n</head>\n"
                     "<body>\n<main>\n<h1>%s</h1>\n<p class=\"lead\">%s</p>\n",
                     r->title, debar_page_style, r->title, r->lead);

    debar_page_about(b, r, args);

    for (from = 0; from < r->notes.len; from = end + 1) {
        for (end = from; end < r->notes.len && r->notes.data[end] != '\n';
             end++)
        {
            /* void */
        }

        debar_buf_printf(b, "<p>");
        debar_page_str(b, debar_str(r->notes.data + from, end - from));
        debar_buf_printf(b, "</p>\n");
    }

    for (i = 0; i < r->ntables; i++) {
        debar_page_table(b, &r->tables[i]);
    }

    debar_buf_printf(b, "</main>\n</body>\n</html>\n");
}

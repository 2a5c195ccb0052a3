/*
 * The report that a contractor owes by FAR 52.204-23(c) and its like, with what
 * the log knows filled in, and by when it is due.
 */

#include <ctype.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "audit_report.h"
#include "business.h"
#include "record.h"


/* Of a clause the version in force from a day on. */

typedef struct {
    const char  *clause;
    const char  *from;            /* chosen by itself for what is identified
                                     then; NULL: only if named */
    const char  *version;
    const char  *authorities;     /* words in the names of a list's */
    unsigned     days;            /* business days for the report; 0: hours */
    unsigned     hours;
    unsigned     further;         /* business days behind it; 0: none */
} debar_clause_t;


/*
 * 52.204-23: FAC 2005-99, 83 FR 28141 (in force from 2018-07-16), and FAC 2023-06,
 * FAR Case 2020-011 (from 2023-12-04).  52.240-91 is of the FAR's overhaul (EO
 * 14275, acquisition.gov/far-overhaul, part 40): model text, which each agency
 * puts into its contracts by a class deviation of its own.  Many did so with
 * 2025-11-03, others later (DoD with 2026-02-01): --deviation-from.
 */

#define DEBAR_DEVIATION  "52.240-91"

static const debar_clause_t  debar_clauses[] = {
    { "52.204-23", "2018-07-16", "JUL 2018", "52.204-23", 1, 0, 10 },
    { "52.204-23", "2023-12-04", "DEC 2023", "52.204-23", 3, 0, 10 },
    { DEBAR_DEVIATION, "2025-11-03", "deviation of the RFO",
      "52.204-23 52.204-25 52.204-30 52.240-91", 0, 72, 0 },
    { "52.204-25", NULL, "NOV 2021", "52.204-25", 1, 0, 10 },
    { "52.204-30", NULL, "DEC 2023", "52.204-30", 3, 0, 10 },
};

#define DEBAR_CLAUSES  (sizeof(debar_clauses) / sizeof(debar_clauses[0]))


typedef struct {
    debar_report_state_t  head;
    debar_groups_t        articles;
    uint64_t              without;    /* attempts, without that authority */
    uint64_t              browsed;
} debar_far_t;


static const debar_column_t  debar_far_fields[] = {
    { "paragraph", "Asked for in", 0 },
    { "field", "Field", 0 },
    { "value", "Value", 0 },
    { "from", "Where it is from", 0 },
};

static const debar_column_t  debar_far_due[] = {
    { "step", "Step", 0 },
    { "rule", "Rule", 0 },
    { "due", "Due", 0 },
};

static const debar_column_t  debar_far_articles[] = {
    { "supplier", "Supplier name (site)", 0 },
    { "brand", "Brand", 0 },
    { "model", "Model or part number", 0 },
    { "description", "Item description", 0 },
    { "mitigation", "Mitigation", 0 },
    { "first", "First", 0 },
    { "last", "Last", 0 },
    { "attempts", "Attempts", 1 },
    { "blocked", "Blocked", 1 },
    { "incident", "First incident", 0 },
};


/* --- moments ------------------------------------------------------------- */

static int
debar_moment_digits(const char *text, unsigned n, unsigned *value)
{
    *value = 0;

    while (n--) {
        if (!isdigit((unsigned char) *text)) {
            return 0;
        }

        *value = *value * 10 + (unsigned) (*text++ - '0');
    }

    return 1;
}


static int
debar_moment_day(const char *text, int64_t *day)
{
    int       y;
    unsigned  year, month, of_month, m, d;

    if (!debar_moment_digits(text, 4, &year) || text[4] != '-'
        || !debar_moment_digits(text + 5, 2, &month) || text[7] != '-'
        || !debar_moment_digits(text + 8, 2, &of_month)
        || year < 1970 || month < 1 || month > 12 || of_month < 1
        || of_month > 31)
    {
        return 0;
    }

    *day = debar_day((int) year, month, of_month);
    debar_day_civil(*day, &y, &m, &d);

    return m == month && d == of_month;      /* there is no 30 February */
}


int
debar_report_moment(char out[25], const char *text, int behind)
{
    size_t    len;
    int64_t   day, msec;
    unsigned  h, m, s, sign, zh, zm;

    len = strlen(text);

    if (len < 10 || !debar_moment_day(text, &day)) {
        return DEBAR_ERROR;
    }

    msec = day * 86400000;

    if (len == 10) {
        msec += behind ? 86400000 : 0;
        goto done;
    }

    if (len < 20 || (text[10] != 'T' && text[10] != 't')
        || !debar_moment_digits(text + 11, 2, &h) || text[13] != ':'
        || !debar_moment_digits(text + 14, 2, &m) || text[16] != ':'
        || !debar_moment_digits(text + 17, 2, &s) || h > 23 || m > 59
        || s > 59)
    {
        return DEBAR_ERROR;
    }

    msec += ((int64_t) h * 3600 + m * 60 + s) * 1000;
    text += 19;

    if (*text == '.') {
        for (text++, h = 100; isdigit((unsigned char) *text); text++) {
            msec += (int64_t) h * (*text - '0');
            h /= 10;
        }
    }

    if (strcmp(text, "Z") != 0 && strcmp(text, "z") != 0) {
        sign = *text == '-';

        if ((*text != '+' && *text != '-') || strlen(text) != 6
            || !debar_moment_digits(text + 1, 2, &zh) || text[3] != ':'
            || !debar_moment_digits(text + 4, 2, &zm) || zh > 23 || zm > 59)
        {
            return DEBAR_ERROR;
        }

        msec += (sign ? 1 : -1) * (int64_t) (zh * 60 + zm) * 60000;
    }

done:

    if (msec < 0) {
        return DEBAR_ERROR;
    }

    debar_record_time(out, msec);

    return DEBAR_OK;
}


/* Of our own form. */

static time_t
debar_moment_time(const char *text)
{
    int64_t   day;
    unsigned  h, m, s;

    if (!debar_moment_day(text, &day)) {
        return 0;
    }

    (void) debar_moment_digits(text + 11, 2, &h);
    (void) debar_moment_digits(text + 14, 2, &m);
    (void) debar_moment_digits(text + 17, 2, &s);

    return (time_t) (day * 86400 + h * 3600 + m * 60 + s);
}


int
debar_report_far_check(const debar_report_args_t *a, debar_fault_t *fault)
{
    char    path[200];
    size_t  i;

    for (i = 0; a->clause && i < DEBAR_CLAUSES; i++) {
        if (strcmp(a->clause, debar_clauses[i].clause) == 0) {
            break;
        }
    }

    if (a->clause && i == DEBAR_CLAUSES) {
        debar_fault(fault, "--clause %s: is not known: 52.204-23, 52.204-25, "
                    "52.204-30 or 52.240-91", a->clause);
        return DEBAR_ERROR;
    }

    if (strcmp(a->zone, "UTC") != 0) {
        snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", a->zone);

        if (a->zone[0] == '/' || strstr(a->zone, "..")
            || strlen(a->zone) > 100 || access(path, R_OK) != 0)
        {
            debar_fault(fault, "--zone %s: is no time zone of this machine: "
                        "name one as America/New_York (package tzdata), or UTC",
                        a->zone);
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


/* --- what is due --------------------------------------------------------- */

static const debar_clause_t *
debar_clause(const debar_report_args_t *args, const char *date)
{
    size_t                 i;
    const char            *from;
    const debar_clause_t  *found;

    found = NULL;

    for (i = 0; i < DEBAR_CLAUSES; i++) {

        if (args->clause
            && strcmp(args->clause, debar_clauses[i].clause) != 0)
        {
            continue;
        }

        from = debar_clauses[i].from;

        if (args->deviation
            && strcmp(debar_clauses[i].clause, DEBAR_DEVIATION) == 0)
        {
            from = args->deviation;
        }

        if (found == NULL || (from && strncmp(from, date, 10) <= 0)) {
            found = &debar_clauses[i];
        }
    }

    return found;
}


/* The day in the zone: TZ is this process's alone. */

static int64_t
debar_zone_day(const char *zone, time_t t, char *text, size_t size)
{
    struct tm  tm;

    (void) setenv("TZ", zone, 1);
    tzset();
    localtime_r(&t, &tm);

    if (text) {
        strftime(text, size, "%A, %Y-%m-%d %H:%M %Z", &tm);
    }

    return debar_day(tm.tm_year + 1900, (unsigned) tm.tm_mon + 1,
                     (unsigned) tm.tm_mday);
}


/* "Tuesday, 2026-09-08, the end of the day", and holidays on the way. */

static void
debar_due_day(debar_report_table_t *t, int64_t from, int64_t due)
{
    int          year;
    int64_t      day;
    unsigned     month, of_month;
    const char  *name, *with;
    debar_buf_t  b;

    static const char  *const week[] = {
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
        "Saturday"
    };

    memset(&b, 0, sizeof(b));
    debar_day_civil(due, &year, &month, &of_month);
    debar_buf_printf(&b, "%s, %04d-%02u-%02u", week[debar_day_week(due)], year,
                     month, of_month);
    with = " (not counted: ";

    for (day = from + 1; day < due; day++) {
        name = debar_holiday(day);

        if (name) {
            debar_buf_printf(&b, "%s%s", with, name);
            with = ", ";
        }
    }

    if (with[0] == ',') {
        debar_buf_printf(&b, ")");
    }

    debar_cell(t, debar_str(b.data, b.len));
    debar_buf_free(&b);
    t->nrows++;
}


static void
debar_due_further(debar_report_table_t *t, const debar_clause_t *c,
    const debar_report_args_t *args, int64_t due)
{
    char     rule[160], moment[25];
    int64_t  from;

    from = due;
    snprintf(rule, sizeof(rule), "%u business days from the report: counted "
             "from its last day, since --submitted is not told", c->further);

    if (args->submitted
        && debar_report_moment(moment, args->submitted, 0) == DEBAR_OK)
    {
        from = strlen(args->submitted) == 10
               ? debar_zone_day("UTC", debar_moment_time(moment), NULL, 0)
               : debar_zone_day(args->zone, debar_moment_time(moment), NULL,
                                0);
        snprintf(rule, sizeof(rule), "%u business days from the report of %s",
                 c->further, args->submitted);
    }

    debar_cell_z(t, "Further information");
    debar_cell_z(t, rule);
    debar_due_day(t, from, debar_business_add(from, c->further));
}


/* identified: our form; a date alone is one of the zone already. */

static void
debar_far_deadlines(debar_report_t *r, const debar_clause_t *c,
    const debar_report_args_t *args, const char *identified)
{
    char                   text[80], rule[160];
    time_t                 when;
    int64_t                day, due;
    debar_report_table_t  *t;

    t = debar_report_table(r, "due", "When it is due", debar_far_due, 3);
    snprintf(t->caption, sizeof(t->caption), "Days of FAR %s (%s), in %s",
             c->clause, c->version, args->zone);
    t->note = "The clause in the contract decides: name it with --clause, or "
              "with --deviation-from the day since which contracts of this "
              "agency have 52.240-91, if that is not 2025-11-03. Days closed "
              "by order of the President are counted as open.";

    when = debar_moment_time(identified);
    day = debar_zone_day(args->zone, when, text, sizeof(text));

    if (args->identified && strlen(args->identified) == 10) {
        day = debar_zone_day("UTC", when, NULL, 0);
        snprintf(text, sizeof(text), "%s", args->identified);
    }

    debar_cell_z(t, "Identified");
    debar_cell_z(t, args->identified ? "as told by --identified"
                    : "the first attempt in the log; the day that a person "
                      "took note decides (--identified)");
    debar_cell_z(t, text);
    t->nrows++;

    debar_cell_z(t, "Report");

    if (c->days == 0) {
        snprintf(rule, sizeof(rule), "%u hours", c->hours);
        debar_zone_day(args->zone, when + (time_t) c->hours * 3600, text,
                       sizeof(text));
        debar_cell_z(t, rule);
        debar_cell_z(t, text);
        t->nrows++;
        return;
    }

    snprintf(rule, sizeof(rule), "%u business day%s", c->days,
             c->days == 1 ? "" : "s");
    debar_cell_z(t, rule);
    due = debar_business_add(day, c->days);
    debar_due_day(t, day, due);

    if (c->further) {
        debar_due_further(t, c, args, due);
    }
}


/* --- the form ------------------------------------------------------------ */

static const char *
debar_far_moment(const debar_report_args_t *args, const char *first,
    char out[25])
{
    if (args->identified
        && debar_report_moment(out, args->identified, 0) == DEBAR_OK)
    {
        return out;
    }

    return first[0] ? first : NULL;
}


static void
debar_far_take(void *state, const debar_audit_row_t *row)
{
    char                   moment[25];
    unsigned               k;
    debar_buf_t            b;
    debar_far_t           *f = state;
    debar_str_t            parts[5];
    debar_group_t         *g;
    const char            *when;
    const debar_clause_t  *c;

    if (row->type != DEBAR_ROW_DECISION || row->verdict == DEBAR_PASS
        || row->vendor.len == 0)
    {
        return;
    }

    when = debar_far_moment(f->head.args, row->time, moment);
    c = debar_clause(f->head.args, when);

    if (f->head.args->authority == NULL
        && !debar_row_authority(row, c->authorities))
    {
        f->without++;
        return;
    }

    k = debar_activity_by_name(row->activity.data, row->activity.len) > 0;

    if (!k) {
        f->browsed++;
        return;
    }

    memset(&b, 0, sizeof(b));
    debar_row_evidence(&b, row, "part-number gtin package sha256", 1);

    parts[0] = row->host;
    parts[1] = row->vendor;
    parts[2] = row->product;
    parts[3] = debar_str(b.data ? b.data : "", b.len);
    parts[4] = row->activity;

    g = debar_groups_add(&f->articles, parts, 5, row);

    if (g && g->text[0] == NULL) {
        g->text[0] = strndup(row->incident.data, row->incident.len);
        b.len = 0;
        debar_row_evidence(&b, row, "product-name name", 1);
        g->text[1] = strndup(b.data ? b.data : "", b.len);
    }

    if (g && row->verdict != DEBAR_LOG
        && (row->mode.len == 0 || row->mode.data[0] == 'e'))
    {
        g->extra++;
    }

    debar_buf_free(&b);
}


static void
debar_far_field(debar_report_table_t *t, const char *paragraph,
    const char *field, const char *value, const char *from)
{
    debar_cell_z(t, paragraph);
    debar_cell_z(t, field);
    debar_cell_z(t, value ? value : DEBAR_TO_ADD);
    debar_cell_z(t, value ? from : "a person");
    t->nrows++;
}


/* FAR 52.204-23(c)(2)(i) and (ii); the others ask for the same. */

static void
debar_far_form(debar_report_t *r, const debar_clause_t *c,
    const debar_report_args_t *args)
{
    const char            *one, *two;
    debar_report_table_t  *t;

    t = debar_report_table(r, "fields", "The report", debar_far_fields, 4);
    snprintf(t->caption, sizeof(t->caption), "What FAR %s asks for, one "
             "report a contract", c->clause);
    one = c->days ? "(c)(2)(i)" : "report";
    two = c->further ? "(c)(2)(ii)" : "report";

    debar_far_field(t, one, "Contract number", args->contract, "--contract");
    debar_far_field(t, one, "Order number(s), if applicable", args->order,
                    "--order");
    debar_far_field(t, one, "Supplier name", "see the articles",
                    "the site that was asked; its legal name is for a person "
                    "to add");
    debar_far_field(t, one, "Brand", "see the articles", "the list's vendor");
    debar_far_field(t, one, "Model number (OEM number, manufacturer part "
                    "number, or wholesaler number)", "see the articles",
                    "what was found in the request");
    debar_far_field(t, one, "Item description", "see the articles",
                    "the list's product, or what was found");
    debar_far_field(t, one, "Readily available information about mitigation "
                    "actions undertaken or recommended", "see the articles",
                    "the verdicts");
    debar_far_field(t, two, "Further mitigation actions undertaken or "
                    "recommended", NULL, NULL);
    debar_far_field(t, two, "Efforts undertaken to prevent use or submission "
                    "of a covered article",
                    "An outbound proxy judges requests and downloads by a list "
                    "of covered vendors, and keeps the log that this report "
                    "is made from.", "the gateway; a person may add to it");
    debar_far_field(t, two, "Reasons that led to the use or submission", NULL,
                    NULL);
    debar_far_field(t, two, "Additional efforts to prevent future use or "
                    "submission", NULL, NULL);
    t->note = "It goes to the Contracting Officer; for the Department of "
              "Defense to https://dibnet.dod.mil. For an indefinite delivery "
              "contract it goes to the officer of the contract and of each "
              "order that is affected.";
}


static void
debar_far_article(debar_report_table_t *t, const debar_group_t *one)
{
    char  text[400];

    debar_cell(t, one->part[0].len ? one->part[0]
                                   : debar_str(DEBAR_TO_ADD, 1));
    debar_cell(t, one->part[1]);
    debar_cell(t, one->part[3].len ? one->part[3]
                                   : debar_str(DEBAR_TO_ADD, 1));

    if (one->part[2].len) {
        debar_cell(t, one->part[2]);

    } else {
        debar_cell_z(t, one->text[1] && one->text[1][0] ? one->text[1]
                                                        : DEBAR_TO_ADD);
    }

    snprintf(text, sizeof(text), "%llu of %llu attempts to %.*s were refused "
             "by the gateway%s", (unsigned long long) one->extra,
             (unsigned long long) one->n, (int) one->part[4].len,
             one->part[4].data,
             one->extra == one->n ? "" : "; the others were let through: see "
             "what they led to");
    debar_cell_z(t, text);
    debar_cell_z(t, one->first);
    debar_cell_z(t, one->last);
    debar_cell_u(t, one->n);
    debar_cell_u(t, one->extra);
    debar_cell_z(t, one->text[0]);
    t->nrows++;
}


static void
debar_far_make(void *state, debar_report_t *r,
    const debar_report_args_t *args)
{
    char                   moment[25], first[25];
    size_t                 i;
    const char            *when;
    debar_far_t           *f = state;
    debar_report_table_t  *t;
    const debar_clause_t  *c;

    first[0] = '\0';

    for (i = 0; i < f->articles.n; i++) {
        if (first[0] == '\0' || strcmp(f->articles.list[i].first, first) < 0) {
            memcpy(first, f->articles.list[i].first, 25);
        }
    }

    when = debar_far_moment(args, first, moment);
    c = debar_clause(args, when ? when : r->made);

    if (when) {
        debar_far_deadlines(r, c, args, when);
    }

    debar_far_form(r, c, args);

    t = debar_report_table(r, "articles", "Articles", debar_far_articles, 10);
    snprintf(t->caption, sizeof(t->caption), "What was asked for under FAR %s",
             c->clause);
    t->others = f->articles.others;
    debar_groups_sort(&f->articles, 0);

    for (i = 0; i < f->articles.n; i++) {
        if (i < args->top) {
            debar_far_article(t, &f->articles.list[i]);

        } else {
            t->more++;
        }
    }

    debar_groups_free(&f->articles);

    debar_buf_printf(&r->notes, "An attempt is not yet a covered article "
                     "provided or used: a person decides whether there is "
                     "something to report.\n");

    if (f->without) {
        debar_buf_printf(&r->notes, "%llu attempts are not by an authority of "
                         "this clause and were left out; --authority takes "
                         "others.\n", (unsigned long long) f->without);
    }

    if (f->browsed) {
        debar_buf_printf(&r->notes, "%llu requests that only browsed were left "
                         "out.\n", (unsigned long long) f->browsed);
    }
}


const debar_report_kind_t  debar_report_far = {
    "far", "Report of a covered article",
    "Prefilled by the log for the Contracting Officer; what a person must add "
    "is marked.",
    sizeof(debar_far_t), debar_far_take, debar_far_make
};

/*
 * Lists that have a header: SAM.gov exclusions, the Consolidated Screening
 * List, contract removals of GSA, and any other by a mapping.  Columns are
 * found by their names, so that one more or fewer is no other format.
 */

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "import_private.h"


/* What a column may be. */

typedef enum {
    DEBAR_TO_NAME = 0,
    DEBAR_TO_ALIAS,
    DEBAR_TO_HOST,
    DEBAR_TO_URL,
    DEBAR_TO_NETWORK,
    DEBAR_TO_PART,
    DEBAR_TO_GTIN,
    DEBAR_TO_UEI,
    DEBAR_TO_CAGE,
    DEBAR_TO_FILE,
    DEBAR_TO_SHA256,
    DEBAR_TO_SIGNER,
    DEBAR_TO_ORGANIZATION,
    DEBAR_TO_ID,
    DEBAR_TO_CLASS,
    DEBAR_TO_LIST,
    DEBAR_TO_PROGRAM,
    DEBAR_TO_AGENCY,
    DEBAR_TO_ACTIVE,
    DEBAR_TO_ENDS,

    /* of known layouts only */

    DEBAR_TO_MAPPABLE,
    DEBAR_TO_PREFIX = DEBAR_TO_MAPPABLE,
    DEBAR_TO_FIRST,
    DEBAR_TO_MIDDLE,
    DEBAR_TO_LAST,
    DEBAR_TO_SUFFIX,
    DEBAR_TO_TYPE,                /* Exclusion Type */
    DEBAR_TO_STATUS,
    DEBAR_TO_CROSS,
    DEBAR_TO_REMARKS,
    DEBAR_TO_NUMBER,              /* entity_number */
    DEBAR_TO_IDS,
    DEBAR_TO_CONTRACT,
    DEBAR_TO_CONTRACTOR,
    DEBAR_TO_SIN,
    DEBAR_TOS
} debar_import_to_e;

/* Under which key of vendors/ its values stand; NULL: it says something else.
 * The order is that of the enumeration. */

static const struct {
    const char  *name;
    const char  *list;
} debar_import_tos[DEBAR_TO_MAPPABLE] = {
    { "name", "names" },
    { "alias", "names" },
    { "host", "hosts" },
    { "url", "urls" },
    { "network", "networks" },
    { "part-number", "part-numbers" },
    { "gtin", "gtins" },
    { "uei", "uei" },
    { "cage", "cage" },
    { "file", "files" },
    { "sha256", "sha256" },
    { "signer", "signers" },
    { "organization", "certificate-organizations" },
    { "id", NULL },
    { "class", NULL },
    { "list", NULL },
    { "program", NULL },
    { "agency", NULL },
    { "active", NULL },
    { "ends", NULL }
};

typedef struct {
    const char  *column;          /* letters and digits, lower case */
    unsigned     to;
    unsigned     required;
} debar_import_column_t;


static const debar_import_column_t  debar_sam_columns[] = {
    { "classification", DEBAR_TO_CLASS, 1 },
    { "name", DEBAR_TO_NAME, 1 },
    { "prefix", DEBAR_TO_PREFIX, 0 },
    { "first", DEBAR_TO_FIRST, 0 },
    { "middle", DEBAR_TO_MIDDLE, 0 },
    { "last", DEBAR_TO_LAST, 0 },
    { "suffix", DEBAR_TO_SUFFIX, 0 },
    { "uniqueentityid", DEBAR_TO_UEI, 0 },
    { "exclusionprogram", DEBAR_TO_PROGRAM, 1 },
    { "excludingagency", DEBAR_TO_AGENCY, 1 },
    { "exclusiontype", DEBAR_TO_TYPE, 1 },
    { "activedate", DEBAR_TO_ACTIVE, 1 },
    { "terminationdate", DEBAR_TO_ENDS, 1 },
    { "recordstatus", DEBAR_TO_STATUS, 0 },
    { "crossreference", DEBAR_TO_CROSS, 0 },
    { "samnumber", DEBAR_TO_ID, 1 },
    { "cage", DEBAR_TO_CAGE, 0 },
    { NULL, 0, 0 }
};

static const debar_import_column_t  debar_csl_columns[] = {
    { "id", DEBAR_TO_ID, 0 },
    { "source", DEBAR_TO_LIST, 1 },
    { "entitynumber", DEBAR_TO_NUMBER, 1 },
    { "type", DEBAR_TO_CLASS, 1 },
    { "programs", DEBAR_TO_PROGRAM, 1 },
    { "name", DEBAR_TO_NAME, 1 },
    { "startdate", DEBAR_TO_ACTIVE, 0 },
    { "enddate", DEBAR_TO_ENDS, 0 },
    { "remarks", DEBAR_TO_REMARKS, 0 },
    { "altnames", DEBAR_TO_ALIAS, 1 },
    { "ids", DEBAR_TO_IDS, 0 },
    { NULL, 0, 0 }
};

/* As GSA Advantage and eLibrary name them in what they export. */

static const debar_import_column_t  debar_gsa_columns[] = {
    { "contractnumber", DEBAR_TO_CONTRACT, 0 },
    { "contractno", DEBAR_TO_CONTRACT, 0 },
    { "contract", DEBAR_TO_CONTRACT, 0 },
    { "contractor", DEBAR_TO_CONTRACTOR, 0 },
    { "contractorname", DEBAR_TO_CONTRACTOR, 0 },
    { "vendor", DEBAR_TO_CONTRACTOR, 0 },
    { "vendorname", DEBAR_TO_CONTRACTOR, 0 },
    { "sin", DEBAR_TO_SIN, 0 },
    { "sins", DEBAR_TO_SIN, 0 },
    { "specialitemnumber", DEBAR_TO_SIN, 0 },
    { "manufacturer", DEBAR_TO_NAME, 0 },
    { "manufacturername", DEBAR_TO_NAME, 0 },
    { "mfr", DEBAR_TO_NAME, 0 },
    { "mfrname", DEBAR_TO_NAME, 0 },
    { "brand", DEBAR_TO_NAME, 0 },
    { "manufacturerpartnumber", DEBAR_TO_PART, 0 },
    { "manufacturerpartno", DEBAR_TO_PART, 0 },
    { "mfrpartnumber", DEBAR_TO_PART, 0 },
    { "mfrpartno", DEBAR_TO_PART, 0 },
    { "mfrpart", DEBAR_TO_PART, 0 },
    { "mpn", DEBAR_TO_PART, 0 },
    { "partnumber", DEBAR_TO_PART, 0 },
    { "partno", DEBAR_TO_PART, 0 },
    { "gtin", DEBAR_TO_GTIN, 0 },
    { "upc", DEBAR_TO_GTIN, 0 },
    { "removaldate", DEBAR_TO_ACTIVE, 0 },
    { "dateremoved", DEBAR_TO_ACTIVE, 0 },
    { "removed", DEBAR_TO_ACTIVE, 0 },
    { "effectivedate", DEBAR_TO_ACTIVE, 0 },
    { NULL, 0, 0 }
};

static const debar_import_column_t  *debar_import_layouts[] = {
    debar_sam_columns, debar_csl_columns, NULL, NULL, debar_gsa_columns
};

static const char *const  debar_import_titles[DEBAR_IMPORT_KINDS] = {
    "SAM.gov exclusions extract", "Consolidated Screening List",
    "OFAC SDN list", "mapped CSV", "table of contract removals"
};


typedef struct {
    unsigned              kind;
    debar_csv_t           csv;
    debar_import_make_t   make;
    size_t                columns;
    int16_t               to[DEBAR_CSV_MAX_FIELDS];    /* -1: nothing */
    int16_t               first[DEBAR_TOS];            /* column; -1: none */
    uint64_t              rows;
} debar_import_table_t;


static int debar_table_header(debar_import_table_t *t,
    const debar_import_maps_t *maps, debar_fault_t *why);
static int debar_table_known(debar_import_table_t *t,
    const debar_import_column_t *layout, char names[][64],
    debar_fault_t *why);
static int debar_table_mapped(debar_import_table_t *t,
    const debar_import_maps_t *maps, char names[][64], debar_fault_t *why);
static void debar_table_looks(char names[][64], size_t n, unsigned kind,
    debar_fault_t *why);
static void debar_table_squeeze(char out[64], debar_str_t in);
static int debar_table_row(debar_import_table_t *t,
    const debar_import_sink_t *sink);
static debar_str_t debar_table_get(debar_import_table_t *t, unsigned to);
static void debar_table_sam(debar_import_table_t *t);
static void debar_table_cross(debar_import_table_t *t, debar_str_t cross);
static void debar_table_csl(debar_import_table_t *t);
static void debar_table_gsa(debar_import_table_t *t);
static void debar_table_plain(debar_import_table_t *t);
static void debar_table_values(debar_import_table_t *t);


int
debar_import_maps(debar_import_maps_t *maps, const char *text,
    debar_fault_t *why)
{
    size_t       i, n, len;
    const char  *p, *eq, *end;

    maps->n = 0;

    for (p = text; *p; p = *end ? end + 1 : end) {
        end = strchr(p, ',');
        end = end ? end : p + strlen(p);
        eq = memrchr(p, '=', (size_t) (end - p));

        if (eq == NULL || eq == p) {
            debar_fault(why, "--map: \"%.*s\" is no COLUMN=KIND, as in "
                        "\"Vendor=name,Website=host\"", (int) (end - p), p);
            return DEBAR_ERROR;
        }

        if (maps->n == DEBAR_IMPORT_MAX_MAP) {
            debar_fault(why, "--map: more than %d columns",
                        DEBAR_IMPORT_MAX_MAP);
            return DEBAR_ERROR;
        }

        len = (size_t) (end - eq - 1);

        for (i = 0; i < DEBAR_TO_MAPPABLE; i++) {
            if (debar_import_is(debar_str(eq + 1, len),
                                debar_import_tos[i].name))
            {
                break;
            }
        }

        if (i == DEBAR_TO_MAPPABLE) {
            debar_fault(why, "--map: a column cannot be \"%.*s\": it is name, "
                        "alias, host, url, network, part-number, gtin, uei, "
                        "cage, file, sha256, signer, organization, id, class, "
                        "list, program, agency, active or ends",
                        (int) (len > 40 ? 40 : len), eq + 1);
            return DEBAR_ERROR;
        }

        n = maps->n++;
        maps->list[n].column = debar_str(p, (size_t) (eq - p));
        maps->list[n].to = (unsigned) i;
    }

    return DEBAR_OK;
}


int
debar_import_read(unsigned kind, const char *data, size_t len,
    const debar_import_maps_t *maps, const debar_import_sink_t *sink,
    debar_fault_t *why)
{
    int                    rc;
    unsigned               line, col;
    debar_fault_t          fault;
    debar_import_table_t  *t;

    t = calloc(1, sizeof(debar_import_table_t));
    if (t == NULL) {
        abort();
    }

    t->kind = kind;
    debar_import_make(&t->make);

    rc = debar_csv_open(&t->csv, data, len, 0, why);

    if (rc == DEBAR_OK) {
        rc = debar_table_header(t, maps, why);
    }

    while (rc == DEBAR_OK) {
        rc = debar_csv_next(&t->csv, &fault);

        if (rc == DEBAR_DECLINED) {
            rc = DEBAR_OK;
            break;
        }

        if (++t->rows > DEBAR_IMPORT_MAX_ROWS) {
            debar_fault(why, "more than %d rows: split the file",
                        DEBAR_IMPORT_MAX_ROWS);
            rc = DEBAR_ERROR;
            break;
        }

        if (sink->progress && (t->rows & 0xfff) == 0) {
            sink->progress(sink->data, debar_csv_offset(&t->csv));
        }

        if (rc == DEBAR_ERROR) {
            sink->fault(sink->data, t->csv.fault_line, t->csv.fault_col,
                        fault.text, t->csv.raw);
            rc = DEBAR_OK;
            continue;
        }

        if (t->csv.n != t->columns) {
            debar_csv_where(&t->csv, t->csv.n < t->columns ? t->csv.n - 1
                                                           : t->columns,
                            &line, &col);
            debar_fault(&fault, "%zu fields where the header has %zu",
                        t->csv.n, t->columns);
            sink->fault(sink->data, line, col, fault.text, t->csv.raw);
            continue;
        }

        rc = debar_table_row(t, sink);

        if (rc == DEBAR_ERROR) {
            debar_fault(why, "the import was ended");
        }
    }

    debar_csv_free(&t->csv);
    debar_import_make_free(&t->make);
    free(t);

    return rc;
}


static int
debar_table_header(debar_import_table_t *t, const debar_import_maps_t *maps,
    debar_fault_t *why)
{
    int             rc;
    char          (*names)[64];
    size_t          i;
    debar_fault_t   fault;

    rc = debar_csv_next(&t->csv, &fault);

    if (rc != DEBAR_OK) {
        debar_fault(why, rc == DEBAR_DECLINED ? "it is empty%s"
                    : "its first row is no header: %s",
                    rc == DEBAR_DECLINED ? "" : fault.text);
        return DEBAR_ERROR;
    }

    names = calloc(DEBAR_CSV_MAX_FIELDS, sizeof(*names));
    if (names == NULL) {
        abort();
    }

    t->rows = 1;
    t->columns = t->csv.n;

    for (i = 0; i < DEBAR_CSV_MAX_FIELDS; i++) {
        t->to[i] = -1;
    }

    for (i = 0; i < DEBAR_TOS; i++) {
        t->first[i] = -1;
    }

    for (i = 0; i < t->columns; i++) {
        debar_table_squeeze(names[i], t->csv.fields[i]);
    }

    rc = DEBAR_OK;

    if (debar_import_layouts[t->kind]) {
        rc = debar_table_known(t, debar_import_layouts[t->kind], names, why);
    }

    if (rc == DEBAR_OK && maps) {
        rc = debar_table_mapped(t, maps, names, why);
    }

    for (i = 0; i < t->columns; i++) {
        if (t->to[i] != -1 && t->first[t->to[i]] == -1) {
            t->first[t->to[i]] = (int16_t) i;
        }
    }

    if (rc == DEBAR_OK && t->first[DEBAR_TO_NAME] == -1
        && !(maps && maps->nameless))
    {
        debar_fault(why, "no column is the %s: --map \"COLUMN=name\" says which"
                    " one is", t->kind == DEBAR_IMPORT_GSA ? "manufacturer"
                                                           : "vendor's name");
        rc = DEBAR_ERROR;
    }

    if (rc == DEBAR_OK && t->kind == DEBAR_IMPORT_GSA
        && t->first[DEBAR_TO_PART] == -1)
    {
        debar_fault(why, "no column is the part number: --map "
                    "\"COLUMN=part-number\" says which one is");
        rc = DEBAR_ERROR;
    }

    free(names);

    return rc;
}


static int
debar_table_known(debar_import_table_t *t, const debar_import_column_t *layout,
    char names[][64], debar_fault_t *why)
{
    size_t                        i;
    const debar_import_column_t  *c;

    for (c = layout; c->column; c++) {

        for (i = 0; i < t->columns; i++) {
            if (strcmp(names[i], c->column) == 0) {
                break;
            }
        }

        if (i < t->columns) {
            t->to[i] = (int16_t) c->to;

        } else if (c->required) {
            debar_fault(why, "it is no %s: there is no column \"%s\"",
                        debar_import_titles[t->kind], c->column);
            debar_table_looks(names, t->columns, t->kind, why);
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


/* What it would be instead. */

static void
debar_table_looks(char names[][64], size_t n, unsigned kind,
    debar_fault_t *why)
{
    size_t       i, len;
    unsigned     sam, csl, digits;
    const char  *looks;

    sam = 0;
    csl = 0;
    digits = 1;

    for (i = 0; i < n; i++) {
        sam |= strcmp(names[i], "samnumber") == 0;
        csl |= strcmp(names[i], "entitynumber") == 0;
    }

    for (i = 0; names[0][i]; i++) {
        digits &= names[0][i] >= '0' && names[0][i] <= '9';
    }

    looks = sam && kind != DEBAR_IMPORT_SAM
            ? "; it looks like SAM.gov exclusions: debar list import sam"
            : csl && kind != DEBAR_IMPORT_CSL
            ? "; it looks like the Consolidated Screening List: debar list "
              "import csl"
            : digits && i && (n == 12 || n == 5 || n == 6 || n == 2)
            ? "; it looks like a file of OFAC: debar list import sdn"
            : "; any table: debar list import csv --map ...";

    len = strlen(why->text);
    snprintf(why->text + len, sizeof(why->text) - len, "%s", looks);
}


/* A mapping adds to a layout, and overrules it. */

static int
debar_table_mapped(debar_import_table_t *t, const debar_import_maps_t *maps,
    char names[][64], debar_fault_t *why)
{
    char    name[64], has[200];
    size_t  i, k, n;

    for (i = 0; i < maps->n; i++) {
        debar_table_squeeze(name, maps->list[i].column);

        for (k = 0; k < t->columns; k++) {
            if (strcmp(names[k], name) == 0) {
                break;
            }
        }

        if (k < t->columns && name[0]) {
            t->to[k] = (int16_t) maps->list[i].to;
            continue;
        }

        for (k = 0, n = 0; k < t->columns && n < 150; k++) {
            n += (size_t) snprintf(has + n, sizeof(has) - n, "%s%.*s",
                                   k ? ", " : "",
                                   (int) (t->csv.fields[k].len > 40
                                          ? 40 : t->csv.fields[k].len),
                                   t->csv.fields[k].data);
        }

        debar_fault(why, "it has no column \"%.*s\"; it has %s",
                    (int) maps->list[i].column.len, maps->list[i].column.data,
                    has);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* "State / Province" is "stateprovince". */

static void
debar_table_squeeze(char out[64], debar_str_t in)
{
    size_t         i, n;
    unsigned char  c;

    for (i = 0, n = 0; i < in.len && n < 63; i++) {
        c = (unsigned char) in.data[i];

        if (c >= 'A' && c <= 'Z') {
            out[n++] = (char) (c | 0x20);

        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
                   || c >= 0x80)
        {
            out[n++] = (char) c;
        }
    }

    out[n] = '\0';
}


static int
debar_table_row(debar_import_table_t *t, const debar_import_sink_t *sink)
{
    int                   i;
    char                 *out;
    unsigned              line, col;
    debar_str_t           s;
    debar_fault_t         why;
    debar_import_make_t  *m;

    static const unsigned  dates[] = { DEBAR_TO_ACTIVE, DEBAR_TO_ENDS };

    m = &t->make;
    debar_import_begin(m, t->rows, t->csv.line, t->csv.raw);

    for (i = 0; i < 2; i++) {
        s = debar_table_get(t, dates[i]);
        out = i ? m->row.ends : m->row.active;

        if (debar_import_date(out, s.data, s.len) != DEBAR_OK) {
            debar_csv_where(&t->csv, (size_t) t->first[dates[i]], &line, &col);
            debar_fault(&why, "\"%.*s\" is no date: MM/DD/YYYY or YYYY-MM-DD",
                        (int) (s.len > 40 ? 40 : s.len), s.data);
            sink->fault(sink->data, line, col, why.text, t->csv.raw);
            return DEBAR_OK;
        }
    }

    m->row.key = debar_table_get(t, DEBAR_TO_ID);
    m->row.name = debar_table_get(t, DEBAR_TO_NAME);
    m->row.list = debar_table_get(t, DEBAR_TO_LIST);
    m->row.program = debar_table_get(t, DEBAR_TO_PROGRAM);
    m->row.agency = debar_table_get(t, DEBAR_TO_AGENCY);

    switch (t->kind) {
    case DEBAR_IMPORT_SAM:
        debar_table_sam(t);
        break;
    case DEBAR_IMPORT_CSL:
        debar_table_csl(t);
        break;
    case DEBAR_IMPORT_GSA:
        debar_table_gsa(t);
        break;
    default:
        debar_table_plain(t);
    }

    if (m->row.key.len == 0) {
        debar_import_make_key(m, m->row.list, m->row.name);
    }

    return sink->row(sink->data, &m->row);
}


static debar_str_t
debar_table_get(debar_import_table_t *t, unsigned to)
{
    if (t->first[to] == -1) {
        return debar_str("", 0);
    }

    return debar_import_text(&t->make, t->csv.fields[t->first[to]]);
}


static void
debar_table_sam(debar_import_table_t *t)
{
    int                   type;
    debar_str_t           s, parts[5];
    debar_import_make_t  *m;

    m = &t->make;
    m->row.list = debar_str("SAM.gov Public Exclusions", 25);

    s = debar_table_get(t, DEBAR_TO_CLASS);
    type = debar_import_class_by_name(s.data, s.len);
    m->row.type = type == -1 ? DEBAR_IMPORT_INDIVIDUAL : (unsigned) type;

    s = debar_table_get(t, DEBAR_TO_STATUS);
    m->row.inactive = debar_import_is(s, "inactive");

    s = debar_table_get(t, DEBAR_TO_TYPE);
    m->row.product_rule = strcasestr(s.data, "prohibition") != NULL;

    if (m->row.name.len == 0) {
        parts[0] = debar_table_get(t, DEBAR_TO_PREFIX);
        parts[1] = debar_table_get(t, DEBAR_TO_FIRST);
        parts[2] = debar_table_get(t, DEBAR_TO_MIDDLE);
        parts[3] = debar_table_get(t, DEBAR_TO_LAST);
        parts[4] = debar_table_get(t, DEBAR_TO_SUFFIX);
        m->row.name = debar_import_join(m, parts, 5, " ");
    }

    debar_import_named(m, m->row.name);
    debar_table_cross(t, debar_table_get(t, DEBAR_TO_CROSS));
    debar_import_value(m, "uei", debar_table_get(t, DEBAR_TO_UEI));
    debar_import_value(m, "cage", debar_table_get(t, DEBAR_TO_CAGE));
}


/*
 * "(also ACME OF OHIO, INC., CASSIE COLLINS)": the other names that the record
 * is tied to.  They are of firms and of people, who have records of their own;
 * what is a firm's by its legal form is an alias.
 */

static void
debar_table_cross(debar_import_table_t *t, debar_str_t cross)
{
    size_t       n;
    debar_str_t  part;
    const char  *p, *end;

    p = cross.len ? strcasestr(cross.data, "(also ") : NULL;
    if (p == NULL) {
        return;
    }

    p += 6;
    end = memchr(p, ')', (size_t) (cross.data + cross.len - p));
    n = end ? (size_t) (end - p) : (size_t) (cross.data + cross.len - p);
    part = debar_str(p, n);

    /* A comma stands inside of names, too: the whole is one name only where
     * nothing but a legal form follows it. */

    if (debar_similar_firm(&t->make.similar, part.data, part.len)
        && memchr(part.data, ';', part.len) == NULL)
    {
        p = memchr(part.data, ',', part.len);

        if (p == NULL || part.data + part.len - p <= 8) {
            debar_import_value(&t->make, "names", part);
        }
    }
}


static void
debar_table_csl(debar_import_table_t *t)
{
    debar_str_t           number;
    debar_import_make_t  *m;

    m = &t->make;
    number = debar_table_get(t, DEBAR_TO_NUMBER);
    debar_import_csl_type(m, debar_table_get(t, DEBAR_TO_CLASS));

    if (m->row.key.len == 0 && number.len) {
        m->row.key = number;
    }

    debar_import_named(m, m->row.name);
    debar_import_members(m, "names", debar_table_get(t, DEBAR_TO_ALIAS));
    debar_import_websites(m, debar_table_get(t, DEBAR_TO_REMARKS));
    debar_import_websites(m, debar_table_get(t, DEBAR_TO_IDS));
}


/*
 * Goods were taken off a contract: their numbers are listed.  Neither the
 * contractor nor all else of the manufacturer is.
 */

static void
debar_table_gsa(debar_import_table_t *t)
{
    debar_str_t           parts[3];
    debar_import_make_t  *m;

    m = &t->make;
    m->row.list = m->row.list.len ? m->row.list
                                  : debar_str("GSA contract removals", 21);
    m->row.agency = m->row.agency.len ? m->row.agency : debar_str("GSA", 3);

    parts[0] = debar_table_get(t, DEBAR_TO_CONTRACT);
    parts[1] = debar_table_get(t, DEBAR_TO_SIN);
    parts[2] = debar_table_get(t, DEBAR_TO_CONTRACTOR);

    if (m->row.program.len == 0) {
        m->row.program = debar_import_join(m, parts, 3, " / ");
    }

    debar_import_value(m, "part-numbers", debar_table_get(t, DEBAR_TO_PART));
    debar_import_value(m, "gtins", debar_table_get(t, DEBAR_TO_GTIN));

    if (m->row.key.len == 0) {
        parts[1] = m->row.name;
        parts[2] = debar_table_get(t, DEBAR_TO_PART);
        debar_import_make_key(m, parts[0],
                              debar_import_join(m, parts + 1, 2, " / "));
    }
}


static void
debar_table_plain(debar_import_table_t *t)
{
    int                   type;
    debar_str_t           s;
    debar_import_make_t  *m;

    m = &t->make;
    s = debar_table_get(t, DEBAR_TO_CLASS);
    type = s.len ? debar_import_class_by_name(s.data, s.len)
                 : (int) DEBAR_IMPORT_FIRM;
    m->row.type = type == -1 ? DEBAR_IMPORT_FIRM : (unsigned) type;

    debar_table_values(t);

    /* A table of parts or hosts has many rows of a vendor, each with a key of
     * its own by what it lists. */

    if (m->row.key.len == 0 && m->row.n) {
        s = m->row.values[m->row.n - 1].text;
        debar_import_make_key(m, m->row.name, s);
    }
}


/* Every mapped column, also where several are of a kind. */

static void
debar_table_values(debar_import_table_t *t)
{
    size_t                i, k, from;
    const char           *list;
    debar_str_t           s;
    debar_import_make_t  *m;

    m = &t->make;

    for (i = 0; i < t->columns; i++) {
        if (t->to[i] == -1 || t->to[i] >= DEBAR_TO_MAPPABLE) {
            continue;
        }

        list = debar_import_tos[t->to[i]].list;
        if (list == NULL) {
            continue;
        }

        s = debar_import_text(m, t->csv.fields[i]);

        if (t->to[i] == DEBAR_TO_NAME) {
            debar_import_value(m, list, s);
            continue;
        }

        if (t->to[i] != DEBAR_TO_HOST) {
            debar_import_members(m, list, s);
            continue;
        }

        for (from = 0, k = 0; k <= s.len; k++) {
            if (k == s.len || s.data[k] == ';' || s.data[k] == ' ') {
                debar_import_site(m, debar_str(s.data + from, k - from));
                from = k + 1;
            }
        }
    }
}

/*
 * Rows of CSV and TSV: what is read, where a fault is and what comes behind
 * it, and that what is written is read again.
 */

#include <stdlib.h>
#include <time.h>

#include "tap.h"
#include "csv.h"


typedef struct {
    const char  *claim;
    const char  *in;
    char         separator;
    const char  *out;             /* fields in <>, rows by |, faults L:C! */
} csv_case_t;


#define OFAC  "10278,\"LOGAN MOREY, Elvis\",-0- ,-0- \r\n"


static const csv_case_t  cases[] = {
    { "plain fields", "a,b\nc,d\n", ',', "<a><b>|<c><d>|" },
    { "CRLF, and no end of line at the end", "a,b\r\nc,d", ',',
      "<a><b>|<c><d>|" },
    { "bare CR of an old Mac", "a,b\rc,d\r", ',', "<a><b>|<c><d>|" },
    { "quotes, separators and newlines inside of them",
      "\"a,1\",\"b\r\n2\"\n\"c\",d\n", ',', "<a,1><b\r\n2>|<c><d>|" },
    { "doubled quotes", "\"say \"\"hi\"\"\",\"\"\"\",\"\"\n", ',',
      "<say \"hi\"><\"><>|" },
    { "empty fields at both ends", ",a,\n", ',', "<><a><>|" },
    { "a byte order mark", "\xef\xbb\xbf\"a\",b\n", ',', "<a><b>|" },
    { "blank lines are passed over", "\n\r\n  \na\n\nb\n\n", ',',
      "<a>|<b>|" },
    { "the null of OFAC with its space, 0x1A at the end", OFAC "\x1a", ',',
      "<10278><LOGAN MOREY, Elvis><-0- ><-0- >|" },
    { "0x1A with an end of line behind it", "a,b\r\n\x1a\r\n", ',',
      "<a><b>|" },
    { "TSV, where a quote inside is itself", "a 5\" disk\t\"b\tc\"\n", '\t',
      "<a 5\" disk><b\tc>|" },
    { "semicolons are guessed", "a;b,c;d\n", 0, "<a><b,c><d>|" },
    { "tabs are guessed", "a\tb\n", 0, "<a><b>|" },
    { "commas in a quoted field do not sway the guess",
      "\"a,b,c,d\";e\n", 0, "<a,b,c,d><e>|" },
    { "space behind a closing quote is no fault", "\"a\" ,b\n", ',',
      "<a><b>|" },

    { "text behind a closing quote, and the next row", "\"a\"b,c\nd,e\n", ',',
      "1:4!|<d><e>|" },
    { "a quote in a plain field", "ab,c\"d\ne\n", ',', "1:5!|<e>|" },
    { "columns are characters", "\xc3\xa9\xc3\xa9,c\"d\ne\n", ',',
      "1:5!|<e>|" },
    { "a quote that is never closed costs its own row",
      "a,b\nc,\"d\ne,f\ng,h\n", ',', "<a><b>|2:3!|<e><f>|<g><h>|" },
    { "a quote that the next row's would close costs its own row",
      "\"a\",\"b\n\"c\",\"d\"\n\"e\",\"f\"\n", ',',
      "1:5!|<c><d>|<e><f>|" },
    { "a fault on a later line of a row is told there",
      "\"a\nb\",\"c\"d\ne\n", ',', "2:7!|<e>|" },
    { "an unclosed quote in the last row", "a\n\"b", ',', "<a>|2:1!|" },
    { NULL, NULL, 0, NULL }
};


static void
read_all(debar_buf_t *out, const char *in, size_t len, char separator)
{
    int            rc;
    size_t         i;
    debar_csv_t   *csv;
    debar_fault_t  why;

    csv = malloc(sizeof(debar_csv_t));

    if (debar_csv_open(csv, in, len, separator, &why) != DEBAR_OK) {
        debar_buf_printf(out, "%s", why.text);
        debar_csv_free(csv);
        free(csv);
        return;
    }

    while ((rc = debar_csv_next(csv, &why)) != DEBAR_DECLINED) {

        if (rc == DEBAR_ERROR) {
            debar_buf_printf(out, "%u:%u!", csv->fault_line, csv->fault_col);
        }

        for (i = 0; rc == DEBAR_OK && i < csv->n; i++) {
            debar_buf_add(out, "<", 1);
            debar_buf_add(out, csv->fields[i].data, csv->fields[i].len);
            debar_buf_add(out, ">", 1);
        }

        debar_buf_add(out, "|", 1);
    }

    debar_csv_free(csv);
    free(csv);
}


static void
table(void)
{
    debar_buf_t        out;
    const csv_case_t  *c;

    for (c = cases; c->claim; c++) {
        memset(&out, 0, sizeof(out));
        read_all(&out, c->in, strlen(c->in), c->separator);
        debar_buf_add(&out, "", 1);
        is_str(out.data, c->out, c->claim);
        debar_buf_free(&out);
    }
}


static void
refused(void)
{
    debar_buf_t  out;

    memset(&out, 0, sizeof(out));

    read_all(&out, "\xff\xfe" "a\0b\0", 6, 0);
    ok(memmem(out.data, out.len, "CSV UTF-8", 9) != NULL,
       "UTF-16 is refused with what to do");
    out.len = 0;

    read_all(&out, "PK\3\4aaaa", 8, 0);
    ok(memmem(out.data, out.len, "ZIP", 3) != NULL,
       "so is a spreadsheet's own file");
    out.len = 0;

    read_all(&out, "a\0b\nc\n", 6, ',');
    is_mem(out.data, out.len, "1:2!|<c>|", "a NUL byte is a fault of its row");
    debar_buf_free(&out);
}


static void
places(void)
{
    unsigned       line, col;
    debar_csv_t   *csv;
    debar_fault_t  why;

    static const char  in[] = "x\n\"a\nb\",\"c \"\"d\"\"\",e\n";

    csv = malloc(sizeof(debar_csv_t));
    debar_csv_open(csv, in, sizeof(in) - 1, ',', &why);
    debar_csv_next(csv, &why);
    debar_csv_next(csv, &why);

    is_int(csv->line, 2, "a row knows its first line");
    debar_csv_where(csv, 2, &line, &col);
    ok(line == 3 && col == 14, "a field of it has a line and a column");
    is_mem(csv->raw.data, csv->raw.len, "\"a\nb\",\"c \"\"d\"\"\",e",
           "and the row as it was written is there");

    debar_csv_free(csv);
    free(csv);
}


static void
written(void)
{
    size_t       i;
    debar_buf_t  b, out, want;

    debar_str_t  fields[] = {
        debar_string(""), debar_string("a"), debar_string(" b "),
        debar_string("c\"d"), debar_string("e\r\nf"), debar_string("g,h"),
        debar_string("\x1a"), debar_string("i")
    };

    memset(&b, 0, sizeof(b));
    memset(&out, 0, sizeof(out));
    memset(&want, 0, sizeof(want));

    debar_csv_put(&b, ',', fields, 1);
    debar_csv_put(&b, ',', fields, 8);

    is_mem(b.data, b.len, "\"\"\n,a,\" b \",\"c\"\"d\",\"e\r\nf\",\"g,h\","
           "\"\x1a\",i\n", "fields are quoted where they must be");

    debar_buf_printf(&want, "<>|");
    for (i = 0; i < 8; i++) {
        debar_buf_add(&want, "<", 1);
        debar_buf_add(&want, fields[i].data, fields[i].len);
        debar_buf_add(&want, ">", 1);
    }
    debar_buf_add(&want, "|", 2);

    read_all(&out, b.data, b.len, ',');
    is_mem(out.data, out.len, want.data, "and read again as they were");

    debar_buf_free(&b);
    debar_buf_free(&out);
    debar_buf_free(&want);
}


static void
bounds(void)
{
    char            *in;
    size_t           i, n;
    debar_buf_t      out;
    struct timespec  from, to;

    memset(&out, 0, sizeof(out));

    in = malloc(8 << 20);
    memset(in, ',', 8 << 20);
    memcpy(in + 2000, "\nz", 2);
    read_all(&out, in, 2002, ',');
    ok(memmem(out.data, out.len, "!|<z>|", 6) != NULL,
       "a row of too many fields is a fault, the next is read");
    out.len = 0;

    memset(in, 'a', 8 << 20);
    memcpy(in + (2 << 20), "\nz", 2);
    read_all(&out, in, (2 << 20) + 2, ',');
    is_mem(out.data, out.len, "1:1!|<z>|", "so is a field of 2 MiB");
    out.len = 0;

    n = 0;
    for (i = 0; i + 3 < 8 << 20; i += 3) {
        memcpy(in + i, i % 2 ? "\"a\n" : "a,\n", 3);
        n++;
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    read_all(&out, in, i, ',');
    clock_gettime(CLOCK_MONOTONIC, &to);
    ok(to.tv_sec - from.tv_sec < 5, "quotes that do not close cost no more "
       "than linear time (%zu lines)", n);

    debar_buf_free(&out);
    free(in);
}


int
main(void)
{
    table();
    refused();
    places();
    written();
    bounds();

    return done();
}

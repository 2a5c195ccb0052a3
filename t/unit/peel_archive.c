/*
 * ZIP: members, office documents, and archives that are not what they say.
 */

#include <archive.h>
#include <archive_entry.h>

#include "peeled.h"


#define ZIP   "application/zip"
#define ROOM  (8 << 20)


typedef struct {
    const char  *path;
    const char  *data;
} member_t;

static char    zip[ROOM];
static size_t  zip_len;


static void
make(const member_t *members, const char *password, const char *options)
{
    size_t                 len;
    struct archive        *a;
    struct archive_entry  *e;

    a = archive_write_new();
    archive_write_set_format_zip(a);

    if (password) {
        archive_write_set_passphrase(a, password);
        archive_write_set_options(a, "zip:encryption=aes256");
    }

    if (options) {
        archive_write_set_options(a, options);
    }

    archive_write_set_bytes_in_last_block(a, 1);
    archive_write_open_memory(a, zip, sizeof(zip), &zip_len);

    for ( /* void */ ; members->path; members++) {
        len = strlen(members->data);
        e = archive_entry_new();
        archive_entry_set_pathname(e, members->path);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, (int64_t) len);
        archive_write_header(a, e);
        archive_write_data(a, members->data, len);
        archive_entry_free(e);
    }

    archive_write_close(a);
    archive_write_free(a);
}


static void
members(void)
{
    char      *got;
    unsigned   bounds;

    static const member_t  files[] = {
        { "order/Acme.txt", "ACME ROCKET" }, { "two.txt", "AR-10" },
        { "photo.png", "\x89PNG\r\n\x1a\n ACME in a picture" }, { NULL, NULL }
    };

    static const char  all[] =
        "@name=order/Acme.txt order/Acme.txt[ =ACME ROCKET ]"
        " @name=two.txt two.txt[ =AR-10 ] @name=photo.png";

    /* one member, stored, its name marked as UTF-8 */

    static const char  accents[] =
        "\x50\x4b\x03\x04\x14\x00\x00\x08\x00\x00\x00\x00\x21\x5c\x60\xa3"
        "\xa4\x12\x05\x00\x00\x00\x05\x00\x00\x00\x07\x00\x00\x00\x5a\xc3"
        "\xbc\x6e\x64\x65\x72\x41\x52\x2d\x31\x30\x50\x4b\x01\x02\x14\x03"
        "\x14\x00\x00\x08\x00\x00\x00\x00\x21\x5c\x60\xa3\xa4\x12\x05\x00"
        "\x00\x00\x05\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        "\x00\x00\x80\x01\x00\x00\x00\x00\x5a\xc3\xbc\x6e\x64\x65\x72\x50"
        "\x4b\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00\x35\x00\x00\x00\x2a"
        "\x00\x00\x00\x00\x00";

    make(files, NULL, NULL);
    peeled_is(ZIP, zip, zip_len, all, "members as containers, their names");

    memset(zip, 0, sizeof(zip));
    memcpy(zip, accents, sizeof(accents) - 1);
    peeled_is(ZIP, zip, sizeof(accents) - 1,
              "@name=Z\xc3\xbcnder Z\xc3\xbcnder[ =AR-10 ]",
              "a name in UTF-8, whatever the locale");

    make(files, NULL, "zip:compression=store");
    peeled_is(ZIP, zip, zip_len, all, "members that are not compressed");

    zip_len -= 60;
    got = peeled(ZIP, zip, zip_len, 0, &bounds);
    is_str(got, all, "a directory that is cut off: members by their headers");
    ok(bounds & DEBAR_PEEL_BROKEN, "... which is told");
    free(got);

    make(files, "secret", NULL);
    got = peeled(ZIP, zip, zip_len, 0, &bounds);
    is_str(got, "@name=order/Acme.txt @name=two.txt @name=photo.png",
           "of encrypted members their names");
    ok(bounds & DEBAR_PEEL_SEALED, "... and that they are sealed");
    free(got);

    got = peeled(ZIP, "PK\3\4 and nothing of the kind", 29, 0, &bounds);
    ok(bounds & DEBAR_PEEL_BROKEN, "an archive that is none");
    free(got);
}


static void
office(void)
{
    static const member_t  docx[] = {
        { "[Content_Types].xml", "<Types/>" },
        { "word/styles.xml", "<w:styles xmlns:w='w'>Acme</w:styles>" },
        { "word/document.xml", "<w:document xmlns:w='w'><w:body><w:p><w:r>"
          "<w:t>Acm</w:t></w:r><w:r><w:t>e Rocket</w:t><w:tab/><w:t>AR-10</w:t>"
          "</w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>AR-20</w:t></w:r>"
          "</w:p></w:tc><w:tc><w:p><w:r><w:t>2</w:t></w:r></w:p></w:tc></w:tr>"
          "</w:tbl></w:body></w:document>" },
        { NULL, NULL }
    };

    static const member_t  xlsx[] = {
        { "[Content_Types].xml", "<Types/>" },
        { "xl/worksheets/sheet1.xml", "<worksheet><sheetData><row r='1'>"
          "<c r='A1' t='s'><v>1</v></c><c r='AB1'><v>25</v></c></row>"
          "<row r='2'><c t='inlineStr'><is><t>AR-</t><t>20</t></is></c>"
          "<c t='str'><f>A1</f><v>Acme</v></c><c t='s'><v>9</v></c></row>"
          "</sheetData></worksheet>" },
        { "xl/sharedStrings.xml", "<sst><si><t>other</t></si><si><r><t>Acme"
          "</t></r><r><t> Rocket</t></r><rPh><t>x</t></rPh></si></sst>" },
        { "xl/embeddings/a.txt", "inside" },
        { NULL, NULL }
    };

    static const member_t  ods[] = {
        { "mimetype", "application/vnd.oasis.opendocument.spreadsheet" },
        { "content.xml", "<office:document-content><table:table-row>"
          "<table:table-cell/><table:table-cell><text:p>Ac<text:span>me"
          "</text:span><text:s/>Rocket</text:p></table:table-cell>"
          "</table:table-row><text:h>Terms</text:h></office:document-content>" },
        { "META-INF/manifest.xml", "<manifest/>" },
        { NULL, NULL }
    };

    static const member_t  broken[] = {
        { "[Content_Types].xml", "<Types/>" },
        { "word/document.xml", "<w:document><w:tr><w:tc><w:p><w:t>Acme</w:t>"
          "</w:p>" },
        { "word/document2.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>" },
        { NULL, NULL }
    };

    make(docx, NULL, NULL);
    peeled_is("application/vnd.openxmlformats-officedocument"
              ".wordprocessingml.document", zip, zip_len,
              "word/document.xml{ p=Acme Rocket AR-10 row{ A=AR-20 B=2 } }",
              "docx: paragraphs of their runs, rows of tables");

    make(xlsx, NULL, NULL);
    peeled_is("application/vnd.openxmlformats-officedocument"
              ".spreadsheetml.sheet", zip, zip_len,
              "xl/worksheets/sheet1.xml{ row{ A=Acme Rocket AB=25 }"
              " row{ A=AR-20 B=Acme C=9 } } xl/embeddings/a.txt[ =inside ]",
              "xlsx: rows, with the strings they share, columns by letters");

    make(ods, NULL, NULL);
    peeled_is("application/vnd.oasis.opendocument.spreadsheet", zip, zip_len,
              "content.xml{ row{ B=Acme Rocket } p=Terms }",
              "OpenDocument: rows and paragraphs");

    make(broken, NULL, NULL);
    peeled_is("application/vnd.openxmlformats-officedocument"
              ".wordprocessingml.document", zip, zip_len,
              "word/document.xml{ row{ A=Acme } } word/document2.xml{ }",
              "XML that breaks off, and such as has a DTD");
}


static void
large(void)
{
    char      *data, *got;
    size_t     i;
    unsigned   bounds;
    member_t   files[2] = { { "a.txt", NULL }, { NULL, NULL } };

    data = malloc((6 << 20) + 1);

    for (i = 0; i < 6 << 20; i++) {
        data[i] = i % 64 ? (char) ('a' + (i * i / 97) % 26) : '\n';
    }

    data[6 << 20] = '\0';
    files[0].data = data;

    make(files, NULL, "zip:compression=store");
    got = peeled(ZIP, zip, zip_len, 0, &bounds);
    ok(!(bounds & DEBAR_PEEL_EXPANDED), "6 MiB that are only stored: no bound");

    free(got);
    free(data);
}


/* Members that are documents, up to a bound. */

static void
many(void)
{
    char      *got, names[1200][16];
    size_t     i;
    unsigned   bounds;

    static member_t  files[1201];

    for (i = 0; i < 1200; i++) {
        sprintf(names[i], "%04zu.json", i);
        files[i].path = names[i];
        files[i].data = i == 299 ? "{\"sku\":\"AR-10\"}" : "{\"sku\":\"x\"}";
    }

    files[300].path = NULL;
    make(files, NULL, NULL);
    got = peeled(ZIP, zip, zip_len, 0, &bounds);
    ok(bounds == 0 && strstr(got, "sku=AR-10"), "the last of 300 documents");
    free(got);

    files[300].path = names[300];
    make(files, NULL, NULL);
    got = peeled(ZIP, zip, zip_len, 0, &bounds);
    ok(bounds & DEBAR_PEEL_NODES, "of 1200 not all are looked into");
    free(got);
}


static void
bomb(void)
{
    char      *data, *got;
    unsigned   bounds;
    member_t   files[2] = { { "a.txt", NULL }, { NULL, NULL } };

    data = malloc((64 << 20) + 1);
    memset(data, 'a', 64 << 20);
    data[64 << 20] = '\0';
    files[0].data = data;

    make(files, NULL, NULL);
    got = peeled(ZIP, zip, zip_len, 0, &bounds);
    ok(bounds & DEBAR_PEEL_EXPANDED, "64 MiB out of %zu bytes: a bound",
       zip_len);

    free(got);
    free(data);
}


int
main(void)
{
    members();
    office();
    large();
    many();
    bomb();

    return done();
}

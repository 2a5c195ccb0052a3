/*
 * PDF: text of its streams in the characters of their fonts, titles, fields.
 */

#include <zlib.h>

#include "peeled.h"


#define PDF   "application/pdf"
#define ROOM  (1 << 20)


static char    pdf[ROOM];
static size_t  pdf_len;


static void
begin(const char *objects)
{
    strcpy(pdf, "%PDF-1.4\n");
    strcat(pdf, objects);
    pdf_len = strlen(pdf);
}


static void
add(const char *data, size_t len)
{
    memcpy(pdf + pdf_len, data, len);
    pdf_len += len;
}


/* Deflated where dict says so. */

static void
stream(unsigned number, const char *dict, const char *data, size_t len)
{
    char    head[512];
    uLongf  n;

    static Bytef  z[ROOM];

    if (strstr(dict, "Flate")) {
        n = sizeof(z);
        compress(z, &n, (const Bytef *) data, len);
        data = (char *) z;
        len = n;
    }

    snprintf(head, sizeof(head), "%u 0 obj\n<< %s /Length %zu >>\nstream\r\n",
             number, dict, len);

    add(head, strlen(head));
    add(data, len);
    add("\nendstream\nendobj\n", 18);
}


static void
text(unsigned number, const char *dict, const char *data)
{
    stream(number, dict, data, strlen(data));
}


static void
is(const char *want, const char *claim)
{
    peeled_is(PDF, pdf, pdf_len, want, claim);
}


static void
contents(void)
{
    begin("");
    text(4, "/Filter /FlateDecode",
         "BT /F1 12 Tf 72 700 Td (Acme \\(Roc\\153et\\)) Tj 0 -14 Td"
         " [(AR) 20 (-10) -300 (blue)] TJ T* <41 43 4d 45> Tj ET"
         " BT /F1 12 Tf 72 600 Td (Terms) ' ET");
    is("page{ =Acme (Rocket) =AR-10 blue =ACME =Terms }",
       "lines, with strings as they are written, and kerning");

    begin("");
    text(4, "", "BT 12 0 0 12 72 700 Tm /F1 1 Tf (Ac) Tj 12 0 0 12 90 700 Tm"
         " (me) Tj ET BT 12 0 0 12 120 700 Tm (Rocket) Tj ET");
    is("page{ =Ac me Rocket =AcmeRocket }",
       "pieces on one line: with spaces, and without");

    begin("");
    text(4, "/Filter [/ASCII85Decode]", "6<#'U6\"=bC+B!,fCLqT:+B3(u78s~>");
    text(5, "/Filter /ASCIIHexDecode", "42 54 28 41 52 2d 31 30 29 54 6a 20 45 54>");
    text(6, "/Filter /DCTDecode", "BT (a picture) Tj ET");
    text(7, "/Subtype /Image", "BT (a picture) Tj ET");
    stream(8, "/Filter /LZWDecode", "\x80\x10\x8a\x82\x01\x41\x04\xc6\x6d"
           "\x32\x88\x0a\x46\xf3\x19\xac\xca\x74\x85\x43\x21\xc7\x41\x48"
           "\x80\xa8\x6a\x10\x11\x4a\x90\x10", 32);
    is("page{ =Acme Rocket } page{ =AR-10 } page{ =Acme Rocket Rocket }",
       "filters of text, and none of pictures");

    begin("4 0 obj << >> stream\nBT (Acme) Tj ET and no end");
    is("page{ =Acme }", "a stream that is cut off");

    begin("4 0 obj << /Length 3 >> stream\nBT (Acme) Tj ET\nendstream endobj");
    is("page{ =Acme }", "a length that is wrong");

    begin("");
    text(4, "", "BT (Acme) Tj ET");
    text(4, "", "BT (Other) Tj ET");
    is("page{ =Other }", "of an object that was changed the last");

    begin("");
    text(4, "", "q BI /W 1 ID (\x80(( Tj EI Q BT (Acme) Tj ET");
    is("page{ =Acme }", "a picture in the text is passed over");
}


static void
fonts(void)
{
    static const char  objects[] =
        "1 0 obj << /Type /Page /Contents [4 0 R 5 0 R] /Resources 2 0 R >>"
        " endobj\n2 0 obj << /Font << /F1 3 0 R /F10 9 0 R >> >> endobj\n"
        "3 0 obj << /Type /Font /ToUnicode 6 0 R >> endobj\n"
        "9 0 obj << /Type /Font /ToUnicode 7 0 R >> endobj\n";

    begin(objects);
    text(4, "/Filter /FlateDecode", "BT /F1 12 Tf <000100020003> Tj ET");
    text(5, "", "BT /F10 12 Tf 0 -20 Td <0102030405> Tj ET");
    text(6, "/Filter /FlateDecode", "1 begincodespacerange <0000> <ffff>"
         " endcodespacerange 2 beginbfchar <0001> <0041> <0002> <00660069>"
         " endbfchar 1 beginbfrange <0003> <0005> <0043> endbfrange");
    text(7, "", "2 beginbfrange <01> <03> [<0421> <0442> <043e>]"
         " <04> <05> <0061> endbfrange");
    is("page{ =AfiC } page{ =\xd0\xa1\xd1\x82\xd0\xbe" "ab }",
       "codes of fonts, by their maps to Unicode");

    begin("");
    text(4, "", "BT (Z\\374nder) Tj ET");
    is("page{ =Z\xc3\xbcnder }", "a font without a map: Latin-1");
}


static void
widths(void)
{
    static const char  fonts[] =
        "1 0 obj << /Type /Page /Contents 4 0 R /Resources 2 0 R >> endobj\n"
        "2 0 obj << /Font << /F1 3 0 R /F2 5 0 R >> >> endobj\n"
        "3 0 obj << /Type /Font /FirstChar 65 /Widths [500 1000 500] >> endobj\n"
        "5 0 obj << /Type /Font /DescendantFonts [6 0 R] /ToUnicode 8 0 R >>"
        " endobj\n6 0 obj << /DW 1000 /W 7 0 R >> endobj\n"
        "7 0 obj [65 [500 1000] 67 67 500] endobj\n";

    begin(fonts);
    text(4, "", "BT /F1 10 Tf 1 0 0 1 100 700 Tm (AB) Tj 1 0 0 1 115 700 Tm"
         " (C) Tj 1 0 0 1 123 700 Tm (A) Tj [(B) 500 (C)] TJ -60 0 Td (A) Tj"
         " ET");
    is("page{ =ABC ABC A }",
       "pieces on one line, where it is known how wide they are");

    begin(fonts);
    text(8, "", "1 beginbfrange <0041> <0043> <0061> endbfrange");
    text(4, "", "BT /F2 1 Tf 10 0 0 10 100 700 Tm <00410042> Tj"
         " 10 0 0 10 115 700 Tm <0043> Tj 2 0 Td <0041> Tj ET");
    is("page{ =abc a }", "the same by the codes of a composite font");
}


static void
objects(void)
{
    static const char  inner[] =
        "1 0 2 45 << /Type /Page /Contents 4 0 R /Resources 2 0 R>>\n"
        "<< /Font << /F1 3 0 R >> >>";

    begin("8 0 obj << /Title (Order of Acme) /Author (somebody)"
          " /Subject <FEFF0410004300420045> >> endobj\n"
          "9 0 obj << /FT /Tx /T (part[1]) /V (AR-10) >> endobj\n");
    is("Title=Order of Acme Subject=\xd0\x90" "CBE part[1]=AR-10",
       "titles, and fields of forms by their names");

    begin("3 0 obj << /ToUnicode 6 0 R >> endobj\n");
    text(7, "/Type /ObjStm /N 2 /First 9 /Filter /FlateDecode", inner);
    text(4, "/Filter /FlateDecode", "BT /F1 12 Tf <01> Tj ET");
    text(6, "", "1 beginbfchar <01> <0041> endbfchar");
    is("page{ =A }", "objects in a stream of objects");

    begin("");
    text(5, "/Type /EmbeddedFile", "AR-10");
    is("attachment[ =AR-10 ]", "a file that is attached");
}


static void
bounds(void)
{
    char      *got, *data;
    unsigned   faults;

    begin("");
    text(4, "", "BT (\x12\x34\x56) Tj ET");
    add("trailer << /Encrypt 9 0 R /Size 3 >>", 36);
    got = peeled(PDF, pdf, pdf_len, 0, &faults);
    ok(faults & DEBAR_PEEL_SEALED && *got == '\0', "encrypted: sealed");
    free(got);

    begin("and nothing else");
    got = peeled(PDF, pdf, pdf_len, 0, &faults);
    ok(faults & DEBAR_PEEL_BROKEN, "a PDF that is none");
    free(got);

    data = malloc(64 << 20);
    memset(data, ' ', 64 << 20);
    begin("");
    stream(4, "/Filter /FlateDecode", data, 64 << 20);
    got = peeled(PDF, pdf, pdf_len, 0, &faults);
    ok(faults & DEBAR_PEEL_EXPANDED, "64 MiB out of %zu bytes: a bound",
       pdf_len);
    free(got);
    free(data);
}


int
main(void)
{
    contents();
    fonts();
    widths();
    objects();
    bounds();

    return done();
}

/*
 * PDF: how wide the characters of a font are, as its dictionary says.
 */

#include <stdlib.h>
#include <string.h>

#include "peel_pdf.h"


#define DEBAR_PDF_CODES_MAX  65536


static void debar_pdf_widths_simple(debar_pdf_t *pdf, debar_pdf_widths_t *w,
    debar_str_t font);
static void debar_pdf_widths_cid(debar_pdf_t *pdf, debar_pdf_widths_t *w,
    debar_str_t font);
static void debar_pdf_widths_set(debar_pdf_widths_t *w, double code,
    double width);


const debar_pdf_widths_t *
debar_pdf_widths(debar_pdf_t *pdf, const debar_pdf_object_t *font)
{
    unsigned             i, number;
    debar_str_t          s;
    debar_pdf_token_t    t;
    debar_pdf_widths_t  *w;
    const debar_pdf_object_t  *o;

    for (i = 0; i < pdf->nwidths; i++) {
        if (pdf->widths[i].object == font->number) {
            return pdf->widths[i].widths ? &pdf->widths[i] : NULL;
        }
    }

    if (pdf->nwidths == DEBAR_PDF_WIDTHS) {
        return NULL;
    }

    w = &pdf->widths[pdf->nwidths++];
    w->object = font->number;

    s = debar_pdf_region(pdf, font->dict, "/DescendantFonts");

    if (s.len == 0) {
        debar_pdf_widths_simple(pdf, w, font->dict);
        return w->widths ? w : NULL;
    }

    if (*s.data == '[') {
        (void) debar_pdf_token(&t, &s);
    }

    number = debar_pdf_reference(s);
    o = number ? debar_pdf_object(pdf, number) : NULL;

    if (o) {
        debar_pdf_widths_cid(pdf, w, o->dict);
    }

    return w->widths ? w : NULL;
}


static double
debar_pdf_widths_number(debar_str_t dict, const char *key, double usual)
{
    debar_str_t        s;
    debar_pdf_token_t  t;

    s = debar_pdf_get(dict, key, "0123456789.");

    return s.len && debar_pdf_token(&t, &s) == DEBAR_PDF_NUMBER ? t.number
                                                               : usual;
}


/* FirstChar, and an array from there on. */

static void
debar_pdf_widths_simple(debar_pdf_t *pdf, debar_pdf_widths_t *w,
    debar_str_t font)
{
    double             code;
    debar_str_t        s;
    debar_pdf_token_t  t;

    s = debar_pdf_region(pdf, font, "/Widths");

    if (s.len == 0 || debar_pdf_token(&t, &s) != DEBAR_PDF_OPEN) {
        return;
    }

    w->n = 256;
    w->widths = calloc(w->n, sizeof(uint16_t));

    if (w->widths == NULL) {
        return;
    }

    for (code = debar_pdf_widths_number(font, "/FirstChar", 0);
         code < w->n && debar_pdf_token(&t, &s) == DEBAR_PDF_NUMBER; code++)
    {
        debar_pdf_widths_set(w, code, t.number);
    }
}


/* "c [w w ...]" and "first last w" */

static void
debar_pdf_widths_cid(debar_pdf_t *pdf, debar_pdf_widths_t *w, debar_str_t font)
{
    double             held[2];
    unsigned           n, array;
    debar_str_t        s;
    debar_pdf_token_t  t;

    w->usual = (uint16_t) debar_pdf_widths_number(font, "/DW", 1000);
    s = debar_pdf_region(pdf, font, "/W");

    w->n = DEBAR_PDF_CODES_MAX;
    w->widths = malloc(w->n * sizeof(uint16_t));

    if (w->widths == NULL) {
        return;
    }

    for (n = 0; n < w->n; n++) {
        w->widths[n] = w->usual;
    }

    if (s.len == 0 || debar_pdf_token(&t, &s) != DEBAR_PDF_OPEN) {
        return;
    }

    n = 0;
    array = 0;

    while (debar_pdf_token(&t, &s) != DEBAR_PDF_END) {

        if (t.type == DEBAR_PDF_OPEN && n == 1) {
            array = 1;

        } else if (t.type == DEBAR_PDF_CLOSE && array) {
            array = 0;
            n = 0;

        } else if (t.type != DEBAR_PDF_NUMBER) {
            return;

        } else if (array) {
            debar_pdf_widths_set(w, held[0]++, t.number);

        } else if (n < 2) {
            held[n++] = t.number;

        } else {
            n = 0;

            if (held[1] - held[0] > DEBAR_PDF_CODES_MAX) {
                return;
            }

            for ( /* void */ ; held[0] <= held[1]; held[0]++) {
                debar_pdf_widths_set(w, held[0], t.number);
            }
        }
    }
}


static void
debar_pdf_widths_set(debar_pdf_widths_t *w, double code, double width)
{
    if (code >= 0 && code < w->n && width >= 0 && width < 10000) {
        w->widths[(unsigned) code] = (uint16_t) width;
    }
}

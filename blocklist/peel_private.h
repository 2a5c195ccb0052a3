/*
 * What the engine, the look and the decoders share beyond peel_node.h; for
 * peel*.c alone.
 */

#ifndef DEBAR_PEEL_PRIVATE_H
#define DEBAR_PEEL_PRIVATE_H

#include "peel_node.h"


/* Bytes are read in blocks, counted from where a document begins, so that what
 * is told does not depend on how they were cut on the wire.  As many are looked
 * at to tell what they are. */

#define DEBAR_PEEL_BLOCK  4096

/* Longest name of a charset, and how far into a document one is declared. */

#define DEBAR_CHARSET     64
#define DEBAR_DECLARED    1024


/* Which reader its Content-Type asks for, or NULL. */

const debar_reader_t *debar_peel_typed(debar_str_t content_type);

/* A content or transfer coding: its reader; NULL: identity; DEBAR_ERROR in *rc:
 * not known. */

const debar_reader_t *debar_peel_coding(debar_str_t token, int *rc);

/* The last token of a list of codings; the list is cut before it. */

debar_str_t debar_peel_last(debar_str_t *list);

/* Labels of what a decoding has made. */

void debar_peel_inner(debar_node_t *node, debar_peel_input_t *in);

/* Bytes that are text to people: 1.  More of them may follow where cut is set
 * (the last character may be incomplete). */

int debar_peel_is_text(const char *data, size_t len, int cut);

/* A document or an archive by its first bytes alone; NULL: none. */

const debar_reader_t *debar_peel_magic(const char *data, size_t len);
const debar_reader_t *debar_peel_opens(const char *data, size_t len);

/* 1: a picture, film, sound or typeface, by its label and by its first bytes:
 * for debar_reader_media.  (peel_media.c) */

int debar_peel_media(const debar_peel_input_t *in, const char *data,
    size_t len, unsigned whole);

/* The charset to be undone, by BOM, bytes, label or declaration; "" where the
 * bytes are to be read as they are.  (peel_charset.c) */

void debar_charset_find(const debar_peel_input_t *in, const char *data,
    size_t len, char name[DEBAR_CHARSET]);

/* A short value from a charset to UTF-8; 0: cannot. */

size_t debar_charset_value(const char *charset, const char *in, size_t len,
    char *out, size_t size);

/* Undoes base64, hex or percent-encoding of a value as far as there is room:
 * bytes made, 0 where it is not of that form.  (peel_armour.c) */

size_t debar_base64_value(const char *in, size_t len, char *out, size_t size);
size_t debar_hex_value(const char *in, size_t len, char *out, size_t size);
size_t debar_percent_value(const char *in, size_t len, char *out, size_t size);

/* Character references undone in place, and nothing else (peel_html.c). */

size_t debar_html_entities(char *s, size_t len);

/* Whether a value has encoded words, is a signed token (peel_words.c). */

int debar_words_look(debar_str_t s);
int debar_token_look(debar_str_t s);

/* What may stand before a JSON text (peel_json.c): its length. */

size_t debar_json_prefix(const char *data, size_t len);

/* The value of a hex digit, of a digit of base64 or base64url, or -1. */

int debar_hex_digit(int ch);
int debar_base64_digit(int ch);


#endif /* DEBAR_PEEL_PRIVATE_H */

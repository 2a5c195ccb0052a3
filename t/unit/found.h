/*
 * What is found in a file, as text for claims, one line a finding, indented by
 * its depth:
 *
 *   file NAME TYPE SIZE            TYPE- without a digest
 *   signer HOW O=.. CN=.. issuer=.. STATE
 *   field NAME=VALUE
 *   package ECOSYSTEM:IDENTIFIER
 *   end
 *
 * Members are kept in memory.
 */

#ifndef FOUND_H
#define FOUND_H

#include <stdlib.h>

#include "file_read.h"
#include "tap.h"


#define FOUND_ROOMS  16


typedef struct {
    debar_buf_t          text;
    int                  bounds;
    unsigned             enough;  /* findings that are; 0: never */
    unsigned             n;
    debar_file_limits_t  limits;
    debar_buf_t          rooms[FOUND_ROOMS];
    debar_str_t          bytes[FOUND_ROOMS];
} found_t;


__attribute__((unused)) static int
found_begin(void *data, unsigned depth)
{
    found_t  *f = data;

    f->rooms[depth].len = 0;

    return DEBAR_OK;
}


__attribute__((unused)) static int
found_write(void *data, unsigned depth, const void *buf, size_t n)
{
    found_t  *f = data;

    debar_buf_add(&f->rooms[depth], buf, n);

    return DEBAR_OK;
}


__attribute__((unused)) static int
found_source(void *data, unsigned depth, debar_file_source_t *src)
{
    found_t  *f = data;

    f->bytes[depth] = debar_str(f->rooms[depth].data, f->rooms[depth].len);
    debar_file_memory(src, &f->bytes[depth]);

    return DEBAR_OK;
}


static int
found_sink(void *data, const debar_found_t *d)
{
    found_t      *f = data;
    debar_buf_t  *b = &f->text;

#define S(s)  (int) (s).len, (s).len ? (s).data : ""

    debar_buf_printf(b, "%*s", 2 * d->depth, "");

    switch (d->what) {

    case DEBAR_FOUND_FILE:
        debar_buf_printf(b, "file %.*s %s%s %llu\n", S(d->name),
                         debar_file_type_name(d->type),
                         d->has_sha256 ? "" : "-",
                         (unsigned long long) d->size);
        break;

    case DEBAR_FOUND_SIGNER:
        debar_buf_printf(b, "signer %.*s O=%.*s CN=%.*s issuer=%.*s %s\n",
                         S(d->name), S(d->organization), S(d->common_name),
                         S(d->issuer), debar_signed_name(d->state));
        break;

    case DEBAR_FOUND_FIELD:
        debar_buf_printf(b, "field %.*s=%.*s\n", S(d->name), S(d->value));
        break;

    case DEBAR_FOUND_PACKAGE:
        debar_buf_printf(b, "package %.*s:%.*s\n", S(d->name), S(d->value));
        break;

    default:
        debar_buf_printf(b, "end\n");
    }

#undef S

    return ++f->n == f->enough ? DEBAR_DECLINED : DEBAR_OK;
}


/* Reads it; f is zeroed but for limits and enough.  marks: of what went by, or
 * NULL. */

__attribute__((unused)) static const char *
found_marked(found_t *f, const void *data, size_t len,
    const debar_file_marks_t *marks)
{
    debar_str_t          s;
    debar_file_room_t    room;
    debar_file_source_t  src;

    s = debar_str(data, len);
    debar_file_memory(&src, &s);
    room.data = f;
    room.begin = found_begin;
    room.write = found_write;
    room.source = found_source;
    f->n = 0;
    f->text.len = 0;
    f->bounds = debar_file_read_marked(&src, marks, NULL, &room, &f->limits,
                                       found_sink, f);
    debar_buf_add(&f->text, "", 1);

    return f->text.data;
}


__attribute__((unused)) static const char *
found_in(found_t *f, const void *data, size_t len)
{
    return found_marked(f, data, len, NULL);
}


__attribute__((unused)) static void
found_free(found_t *f)
{
    unsigned  i;

    debar_buf_free(&f->text);

    for (i = 0; i < FOUND_ROOMS; i++) {
        debar_buf_free(&f->rooms[i]);
    }

    memset(f, 0, sizeof(*f));
}


/* It has this line, or these lines on end. */

__attribute__((unused)) static void
found_has(found_t *f, const char *want, const char *claim)
{
    if (!ok(strstr(f->text.data, want) != NULL, "%s", claim)) {
        printf("#   wanted: %s\n#   in:\n%s\n", want, f->text.data);
    }
}


#endif /* FOUND_H */

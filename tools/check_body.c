/*
 * debar check: the body of a request, judged as the gateway judges it, and what
 * was found in it on the way: a tree for people, members of an object for
 * machines.
 */

#include <errno.h>
#include <stdlib.h>

#include "tools.h"
#include "mask.h"
#include "tables.h"


#define DEBAR_TOLD_VALUES    1000 /* that are shown; all of them are judged */
#define DEBAR_TOLD_LINES      200
#define DEBAR_TOLD_VALUE       72 /* bytes of a value in the tree */
#define DEBAR_TOLD_JSON       256 /* and for machines */
#define DEBAR_TOLD_INDENT      24 /* levels that are drawn as such */
#define DEBAR_MAX_BODY  (256u << 20)
#define DEBAR_MAX_FIELD (1u << 20)


static int debar_told_event(void *data, const debar_peel_event_t *ev);
static int debar_told_line(void *data, const debar_line_t *line);
static void debar_told_field(debar_told_t *t, const debar_field_t *field);


int
debar_request_body(debar_request_t *rq, const char *data)
{
    int      err;
    char     block[65536];
    FILE    *f;
    size_t   n;

    rq->body = 1;
    rq->content.len = 0;

    if (data[0] != '@') {
        debar_buf_add(&rq->content, data, strlen(data));
        return DEBAR_OK;
    }

    data++;
    f = strcmp(data, "-") == 0 ? stdin : fopen(data, "re");
    if (f == NULL) {
        debar_say("%s: %s", data, strerror(errno));
        return DEBAR_ERROR;
    }

    while ((n = fread(block, 1, sizeof(block), f)) != 0
           && rq->content.len <= DEBAR_MAX_BODY)
    {
        debar_buf_add(&rq->content, block, n);
    }

    err = ferror(f) ? errno : 0;

    if (f != stdin) {
        fclose(f);
    }

    if (err || rq->content.len > DEBAR_MAX_BODY) {
        debar_say("%s: %s", data, err ? strerror(err)
                  : "more than 256 MiB; a gateway would take it");
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_request_bytes(debar_request_t *rq, const char *data, size_t len)
{
    size_t   i;
    uint32_t  bits;
    unsigned  n;
    uint8_t   out[3];
    const char  *at;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for (bits = 0, n = 0, i = 0; i < len && data[i] != '='; i++) {

        if (data[i] == '\n' || data[i] == '\r' || data[i] == ' ') {
            continue;
        }

        at = data[i] ? strchr(digits, data[i]) : NULL;
        if (at == NULL) {
            return DEBAR_ERROR;
        }

        bits = bits << 6 | (uint32_t) (at - digits);

        if (++n == 4) {
            out[0] = (uint8_t) (bits >> 16);
            out[1] = (uint8_t) (bits >> 8);
            out[2] = (uint8_t) bits;
            debar_buf_add(&rq->content, out, 3);
            n = 0;
            bits = 0;
        }
    }

    if (n == 1) {
        return DEBAR_ERROR;
    }

    if (n) {
        bits <<= 6 * (4 - n);
        out[0] = (uint8_t) (bits >> 16);
        out[1] = (uint8_t) (bits >> 8);
        debar_buf_add(&rq->content, out, n - 1);
    }

    return DEBAR_OK;
}


void
debar_judge_content(debar_list_t *list, const debar_request_t *rq,
    debar_told_t *told, debar_verdict_t *v)
{
    size_t               i, n;
    debar_body_t        *b;
    debar_verdict_t      of_body;
    debar_peel_input_t   in;
    debar_body_trace_t   trace;

    memset(&in, 0, sizeof(in));
    memset(&trace, 0, sizeof(trace));

    in.content_type = rq->content_type;
    in.content_encoding = rq->content_encoding;
    in.content_disposition = rq->content_disposition;
    in.name = debar_str("body", 4);

    if (told) {
        trace.event = debar_told_event;
        trace.line = debar_told_line;
        trace.data = told;
    }

    b = debar_body_new(list, &rq->facts, v, &in, NULL, told ? &trace : NULL);
    if (b == NULL) {
        debar_say("no memory");
        exit(DEBAR_EXIT_FAILURE);
    }

    /* in pieces, as they come from a connection */

    for (i = 0; i < rq->content.len; i += n) {
        n = rq->content.len - i;
        n = n < 16384 ? n : 16384;

        if (debar_body_push(b, rq->content.data + i, n) == DEBAR_DECLINED) {

            if (told) {
                told->enough = i + n < rq->content.len;
            }

            break;
        }
    }

    debar_body_finish(b, &of_body);
    debar_body_free(b);

    /* one that its head has refused has no body that is read */

    if (v->verdict < DEBAR_REJECT) {
        *v = of_body;
    }
}


void
debar_judge_answer(debar_list_t *list, const debar_request_t *rq,
    const debar_request_t *answer, debar_told_t *told, debar_verdict_t *v)
{
    size_t               i, n;
    debar_verdict_t      of_answer;
    debar_response_t    *rs;
    debar_peel_input_t   in;
    debar_body_trace_t   trace;

    /* one that is refused has no answer */

    if (v->verdict >= DEBAR_REJECT
        || !debar_response_wanted(answer->content_type))
    {
        return;
    }

    memset(&in, 0, sizeof(in));
    memset(&trace, 0, sizeof(trace));

    in.content_type = answer->content_type;
    in.content_encoding = answer->content_encoding;

    trace.event = debar_told_event;
    trace.line = debar_told_line;
    trace.data = told;

    rs = debar_response_new(list, &rq->facts, v, &in, NULL, DEBAR_MAX_FIELD,
                            &trace);
    if (rs == NULL) {
        return;
    }

    for (i = 0; i < answer->content.len; i += n) {
        n = answer->content.len - i;
        n = n < 16384 ? n : 16384;

        if (debar_response_push(rs, answer->content.data + i, n)
            == DEBAR_DECLINED)
        {
            told->enough = i + n < answer->content.len;
            break;
        }
    }

    debar_response_finish(rs, 0, &of_answer);
    debar_response_free(rs);

    if (of_answer.verdict > v->verdict) {
        *v = of_answer;
    }
}


void
debar_told_init(debar_told_t *t, int json)
{
    memset(t, 0, sizeof(*t));

    t->json = json;

    if (!json) {
        t->out = open_memstream(&t->text, &t->text_len);
        t->out_lines = open_memstream(&t->text_lines, &t->text_lines_len);

        if (t->out == NULL || t->out_lines == NULL) {
            debar_say("no memory");
            exit(DEBAR_EXIT_FAILURE);
        }
    }
}


void
debar_told_free(debar_told_t *t)
{
    if (t->out) {
        fclose(t->out);
        fclose(t->out_lines);
        free(t->text);
        free(t->text_lines);
    }

    debar_buf_free(&t->peeled);
    debar_buf_free(&t->lines);
}


/* At most len bytes, and no half of a character. */

static size_t
debar_told_cut(debar_str_t s, size_t len)
{
    if (s.len <= len) {
        return s.len;
    }

    while (len && ((unsigned char) s.data[len] & 0xc0) == 0x80) {
        len--;
    }

    return len;
}


/* The value of a form's field may be a secret by the field's name. */

static debar_str_t
debar_told_secret(const debar_peel_event_t *ev)
{
    if (ev->value.len
        && (ev->syntax == DEBAR_SYNTAX_FORM
            || ev->syntax == DEBAR_SYNTAX_MULTIPART
            || ev->syntax == DEBAR_SYNTAX_HTML
            || ev->syntax == DEBAR_SYNTAX_COOKIE)
        && debar_mask_name(ev->name.data, ev->name.len))
    {
        return debar_str("***", 3);
    }

    return ev->value;
}


static void
debar_told_value(FILE *f, debar_str_t value)
{
    size_t  n;

    n = debar_told_cut(value, DEBAR_TOLD_VALUE);
    debar_put_masked(f, value.data, n, 0);

    if (n < value.len) {
        fprintf(f, "... (%zu bytes)", value.len);
    }

    fputc('\n', f);
}


static int
debar_told_event(void *data, const debar_peel_event_t *ev)
{
    int            indent;
    debar_str_t    name, value;
    const char    *syntax;
    debar_told_t  *t = data;

    if (ev->event == DEBAR_PEEL_END) {
        return DEBAR_OK;
    }

    if (ev->event == DEBAR_PEEL_VALUE) {
        t->nvalues++;
    }

    if (t->nshown >= DEBAR_TOLD_VALUES) {
        return DEBAR_OK;
    }

    t->nshown++;
    syntax = debar_syntax_name(ev->syntax);

    if (t->json) {

        if (ev->event == DEBAR_PEEL_BEGIN && !ev->document) {
            return DEBAR_OK;              /* the paths tell */
        }

        debar_buf_printf(&t->peeled, "%s{", t->peeled.len ? "," : "");
        debar_json_text(&t->peeled, "path", ev->path, strlen(ev->path));
        debar_json_text(&t->peeled, "syntax", syntax, strlen(syntax));

        if (ev->event == DEBAR_PEEL_VALUE) {
            value = debar_told_secret(ev);
            debar_json_masked(&t->peeled, "value", value.data,
                              debar_told_cut(value, DEBAR_TOLD_JSON), 0);
            debar_json_number(&t->peeled, "bytes", ev->value.len);
        }

        debar_buf_printf(&t->peeled, "}");
        return DEBAR_OK;
    }

    indent = ev->depth < DEBAR_TOLD_INDENT ? (int) ev->depth
                                           : DEBAR_TOLD_INDENT;
    name = ev->name;

    fprintf(t->out, "             %*s", 2 * indent, "");

    if (ev->event == DEBAR_PEEL_BEGIN && ev->document) {
        debar_put(t->out, name.data, name.len);
        fprintf(t->out, "%s(%s)\n", name.len ? " " : "", syntax);
        return DEBAR_OK;
    }

    debar_put(t->out, name.data, name.len);

    if (ev->nth > 1 || name.len == 0) {
        fprintf(t->out, "[%u]", ev->nth);
    }

    if (ev->event == DEBAR_PEEL_BEGIN) {
        fputc('\n', t->out);
        return DEBAR_OK;
    }

    fputs(" = ", t->out);
    debar_told_value(t->out, debar_told_secret(ev));

    return DEBAR_OK;
}


static int
debar_told_line(void *data, const debar_line_t *line)
{
    int            joined;
    unsigned       i;
    const char    *activity;
    debar_told_t  *t = data;

    if (line->nfields == 0) {
        return DEBAR_OK;
    }

    if (t->nlines >= DEBAR_TOLD_LINES) {
        t->lines_more++;
        return DEBAR_OK;
    }

    /* values outside of lines come one at a time */

    joined = t->open && line->number == 0 && t->last_number == 0;
    t->last_number = line->number;

    activity = line->activity < DEBAR_ACTIVITIES
               ? debar_activity_name(line->activity) : "";

    if (!joined) {
        t->nlines++;

        if (t->json) {
            debar_buf_printf(&t->lines, "%s{", t->open ? "]}," : "");
            debar_json_number(&t->lines, "number", line->number);
            debar_json_text(&t->lines, "document", line->document.data,
                            line->document.len);
            debar_json_text(&t->lines, "activity", activity, strlen(activity));
            debar_buf_printf(&t->lines, "%s,\"fields\":[",
                             line->withdrawn ? ",\"withdrawn\":true" : "");

        } else if (line->number) {
            fprintf(t->out_lines, "  line %-5u %.*s%s%s%s\n", line->number,
                    (int) line->document.len, line->document.data,
                    line->document.len && *activity ? ", " : "", activity,
                    line->withdrawn ? ", withdrawn" : "");

        } else {
            fputs("  no line\n", t->out_lines);
        }

        t->open = 1;
        t->nfields = 0;
    }

    for (i = 0; i < line->nfields; i++) {
        debar_told_field(t, &line->fields[i]);
    }

    return DEBAR_OK;
}


static void
debar_told_field(debar_told_t *t, const debar_field_t *field)
{
    const char   *role;
    debar_str_t   value;

    if (t->nfields++ >= DEBAR_TOLD_VALUES) {
        return;
    }

    role = debar_role_name(field->role);
    value = field->value;

    /* what says what is bought is told, whatever it is called */

    if (field->role == DEBAR_ROLE_OTHER && value.len
        && debar_mask_name(field->name.data, field->name.len))
    {
        value = debar_str("***", 3);
    }

    if (!t->json) {
        fprintf(t->out_lines, "             %-13s ", role);
        debar_told_value(t->out_lines, value);
        return;
    }

    debar_buf_printf(&t->lines, "%s{", t->nfields > 1 ? "," : "");
    debar_json_text(&t->lines, "role", role, strlen(role));
    debar_json_text(&t->lines, "name", field->name.data, field->name.len);
    debar_json_masked(&t->lines, "value", value.data,
                      debar_told_cut(value, DEBAR_TOLD_JSON), 0);
    debar_json_text(&t->lines, "path", field->path,
                    field->path ? strlen(field->path) : 0);
    debar_buf_printf(&t->lines, "}");
}


void
debar_told_json(debar_buf_t *b, const debar_told_t *t)
{
    debar_buf_printf(b, ",\"peeled\":[%.*s]", (int) t->peeled.len,
                     t->peeled.len ? t->peeled.data : "");

    if (t->nvalues > DEBAR_TOLD_VALUES) {
        debar_json_number(b, "values", t->nvalues);
    }

    debar_buf_printf(b, ",\"lines\":[%.*s%s]", (int) t->lines.len,
                     t->lines.len ? t->lines.data : "", t->open ? "]}" : "");

    if (t->lines_more) {
        debar_json_number(b, "lines_more", t->lines_more);
    }

    if (t->enough) {
        debar_buf_printf(b, ",\"enough\":true");
    }
}


void
debar_told_print(FILE *f, debar_told_t *t)
{
    fflush(t->out);
    fflush(t->out_lines);

    fprintf(f, "  body       %lu value%s\n", t->nvalues,
            t->nvalues == 1 ? "" : "s");
    fwrite(t->text, 1, t->text_len, f);

    if (t->nshown >= DEBAR_TOLD_VALUES) {
        fputs("             ... and more, which is judged but not shown\n", f);
    }

    fwrite(t->text_lines, 1, t->text_lines_len, f);

    if (t->lines_more) {
        fprintf(f, "             ... and %lu more\n", t->lines_more);
    }

    if (t->enough) {
        fputs("             the rest was not read: what came is enough\n", f);
    }
}

/*
 * debar check --jsonl: one request a line in, one verdict a line out, in
 * order.  A line that cannot be read gets an answer too.
 */

#include <errno.h>
#include <stdlib.h>
#include <jansson.h>

#include "tools.h"


static int debar_jsonl_row(debar_list_t *list, const char *line, size_t len,
    const debar_request_t *defaults, const debar_dialled_t *to, int tell,
    debar_buf_t *out);
static int debar_jsonl_body(debar_request_t *rq, json_t *body);
static void debar_jsonl_judge(debar_list_t *list, debar_request_t *rq,
    const debar_dialled_t *to, int tell, debar_buf_t *out);
static int debar_jsonl_headers(debar_request_t *rq, json_t *headers);
static void debar_jsonl_id(debar_buf_t *out, json_t *row);
static void debar_jsonl_error(debar_buf_t *out, const char *what);


int
debar_check_jsonl(debar_list_t *list, FILE *in, const char *name,
    const debar_request_t *defaults, const debar_dialled_t *to, int tell)
{
    int           bad;
    char         *line;
    size_t        size;
    ssize_t       n;
    debar_buf_t   out;
    unsigned long number;

    bad = 0;
    line = NULL;
    size = 0;
    number = 0;
    memset(&out, 0, sizeof(out));

    while ((n = getline(&line, &size, in)) != -1) {
        number++;

        while (n && (line[n - 1] == '\n' || line[n - 1] == '\r')) {
            n--;
        }

        if (n == 0) {
            continue;
        }

        out.len = 0;
        debar_buf_printf(&out, "{");

        if (debar_jsonl_row(list, line, (size_t) n, defaults, to, tell,
                            &out)
            != DEBAR_OK)
        {
            bad++;
            debar_json_number(&out, "line", number);
        }

        debar_buf_printf(&out, "}\n");

        if (fwrite(out.data, 1, out.len, stdout) != out.len) {
            break;                           /* main() says so */
        }
    }

    if (ferror(in)) {
        bad++;
        debar_say("%s: %s", name, strerror(errno));
    }

    free(line);
    debar_buf_free(&out);

    if (bad) {
        return debar_say("%s: %d line%s could not be judged; each has \"error\" "
                         "in its place", name, bad, bad == 1 ? "" : "s");
    }

    return 0;
}


/* Members of the answer; DEBAR_ERROR if the line has none but an error. */

static int
debar_jsonl_row(debar_list_t *list, const char *line, size_t len,
    const debar_request_t *defaults, const debar_dialled_t *to, int tell,
    debar_buf_t *out)
{
    int               rc;
    json_t           *row, *url, *method;
    const char       *why;
    json_error_t      error;
    debar_request_t   rq;

    row = json_loadb(line, len, JSON_ALLOW_NUL, &error);

    if (row == NULL || !json_is_object(row)) {
        debar_jsonl_error(out, row ? "not an object" : error.text);
        json_decref(row);
        return DEBAR_ERROR;
    }

    debar_jsonl_id(out, row);

    rq = *defaults;
    url = json_object_get(row, "url");
    method = json_object_get(row, "method");
    rc = DEBAR_ERROR;

    if (!json_is_string(url)) {
        debar_jsonl_error(out, "\"url\" is missing or no string");
        goto done;
    }

    if (method && !json_is_string(method)) {
        debar_jsonl_error(out, "\"method\" is no string");
        goto done;
    }

    if (debar_jsonl_headers(&rq, json_object_get(row, "headers"))
        != DEBAR_OK)
    {
        debar_jsonl_error(out, "\"headers\" is no object of strings");
        goto done;
    }

    rq.url = json_string_value(url);
    rq.url_len = json_string_length(url);
    rq.method = json_string_value(method);

    if (debar_jsonl_body(&rq, json_object_get(row, "body")) != DEBAR_OK) {
        debar_jsonl_error(out, "\"body\" is no string, or no base64");
        goto done;
    }

    if (debar_request_finish(&rq, &why) != DEBAR_OK) {
        debar_jsonl_error(out, why);
        goto done;
    }

    debar_jsonl_judge(list, &rq, to, tell, out);
    rc = DEBAR_OK;

done:

    debar_request_free(&rq);
    json_decref(row);

    return rc;
}


/* Text, or bytes behind "base64:". */

static int
debar_jsonl_body(debar_request_t *rq, json_t *body)
{
    size_t       len;
    const char  *data;

    if (body == NULL || json_is_null(body)) {
        return DEBAR_OK;
    }

    if (!json_is_string(body)) {
        return DEBAR_ERROR;
    }

    data = json_string_value(body);
    len = json_string_length(body);
    rq->body = len != 0;

    if (len >= 7 && memcmp(data, "base64:", 7) == 0) {
        return debar_request_bytes(rq, data + 7, len - 7);
    }

    debar_buf_add(&rq->content, data, len);

    return DEBAR_OK;
}


static void
debar_jsonl_judge(debar_list_t *list, debar_request_t *rq,
    const debar_dialled_t *to, int tell, debar_buf_t *out)
{
    debar_told_t     told;
    debar_verdict_t  v;

    debar_judge_request(list, rq, to, &v);

    if (!rq->body) {
        debar_explain_json(out, list, &v);
        return;
    }

    if (!tell) {
        debar_judge_content(list, rq, NULL, &v);
        debar_explain_json(out, list, &v);
        return;
    }

    debar_told_init(&told, 1);
    debar_judge_content(list, rq, &told, &v);
    debar_explain_json(out, list, &v);
    debar_told_json(out, &told);
    debar_told_free(&told);
}


/* A value may be a list of strings: the field then stands there that often. */

static int
debar_jsonl_headers(debar_request_t *rq, json_t *headers)
{
    size_t       i;
    json_t      *value, *one;
    const char  *name;

    if (headers == NULL || json_is_null(headers)) {
        return DEBAR_OK;
    }

    if (!json_is_object(headers)) {
        return DEBAR_ERROR;
    }

    json_object_foreach(headers, name, value) {

        if (json_is_string(value)) {
            debar_request_header(rq, name, strlen(name),
                                 json_string_value(value),
                                 json_string_length(value));
            continue;
        }

        if (!json_is_array(value)) {
            return DEBAR_ERROR;
        }

        json_array_foreach(value, i, one) {
            if (!json_is_string(one)) {
                return DEBAR_ERROR;
            }

            debar_request_header(rq, name, strlen(name),
                                 json_string_value(one),
                                 json_string_length(one));
        }
    }

    return DEBAR_OK;
}


/* The id as it came, whatever it is. */

static void
debar_jsonl_id(debar_buf_t *out, json_t *row)
{
    char    *text;
    json_t  *id;

    id = json_object_get(row, "id");
    text = id ? json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

    debar_buf_printf(out, "\"id\":%s", text ? text : "null");
    free(text);
}


static void
debar_jsonl_error(debar_buf_t *out, const char *what)
{
    debar_json_text(out, "error", what, strlen(what));
}

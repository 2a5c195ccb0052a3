/*
 * What the sub-commands of `debar` share: how they are found, how they speak
 * to a person, and a list opened for judging.
 *
 * Exit codes: 0 done, 1 it could not be done (stderr says why and what to do),
 * 2 the command line makes no sense.  `check` and `gateway status` have more,
 * see the manual page.
 */

#ifndef DEBAR_TOOLS_H
#define DEBAR_TOOLS_H

#include <stdio.h>
#include <getopt.h>

#include "response.h"


#define DEBAR_EXIT_FAILURE  1
#define DEBAR_EXIT_USAGE    2


typedef struct {
    const char  *name;
    int        (*run)(int argc, char **argv);
    const char  *summary;
} debar_command_t;

/*
 * Runs the command that argv[1] names with the rest of argv, argv[0] being its
 * name.  family: "debar", "debar list", for messages; help: the usage text,
 * printed before the list of commands.  Last command: name NULL.
 */

int debar_dispatch(const char *family, const char *help,
    const debar_command_t *commands, int argc, char **argv);

int debar_list_command(int argc, char **argv);       /* list.c */
int debar_list_import(int argc, char **argv);        /* list_import.c */
int debar_list_match(int argc, char **argv);         /* list_match.c */
int debar_list_propose(int argc, char **argv);       /* list_propose.c */
int debar_list_approve(int argc, char **argv);       /* list_approve.c */
int debar_list_add(int argc, char **argv);           /* list_add.c */
int debar_list_remove(int argc, char **argv);        /* list_remove.c */
int debar_list_set(int argc, char **argv);           /* list_set.c */
int debar_list_diff(int argc, char **argv);          /* list_diff.c */
int debar_list_preview(int argc, char **argv);       /* list_preview.c */
int debar_list_publish(int argc, char **argv);       /* list_publish.c */
int debar_list_rollback(int argc, char **argv);      /* list_publish.c */
int debar_list_sync(int argc, char **argv);          /* list_sync.c */
int debar_list_export(int argc, char **argv);        /* list_export.c */
int debar_list_format(int argc, char **argv);        /* list_format.c */
int debar_list_schema(int argc, char **argv);        /* list_schema.c */
int debar_list_csv(int argc, char **argv);           /* list_csv.c */
int debar_list_due(int argc, char **argv);           /* list_due.c */
int debar_list_waive(int argc, char **argv);         /* list_waive.c */
int debar_list_unwaive(int argc, char **argv);
int debar_check_command(int argc, char **argv);      /* check.c */
int debar_key_command(int argc, char **argv);        /* key.c */
int debar_root_command(int argc, char **argv);       /* root.c */
int debar_sign_command(int argc, char **argv);       /* sign.c */
int debar_inspect_command(int argc, char **argv);    /* inspect.c */
int debar_inspect_print(int argc, char **argv);      /* inspect_file.c */
int debar_gateway_command(int argc, char **argv);    /* gateway.c */
int debar_gateway_init(int argc, char **argv);       /* gateway_init.c */
int debar_gateway_status(int argc, char **argv);     /* gateway_status.c */
int debar_gateway_glass(int argc, char **argv);      /* gateway_glass.c */
int debar_gateway_pac(int argc, char **argv);        /* gateway_pac.c */


/* --- speaking (say.c) ---------------------------------------------------- */

/* "debar: MESSAGE" on stderr; returns DEBAR_EXIT_FAILURE. */

int debar_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, with "see `COMMAND --help`"; returns DEBAR_EXIT_USAGE. */

int debar_usage(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what is wrong with the option that getopt_long() did not take (c is '?'
 * or ':'; opterr is 0 and the option string begins with ':'). */

int debar_bad_option(const char *command, int c, char **argv);

/* True if f is a terminal that wants colour (NO_COLOR, TERM=dumb). */

int debar_colour(FILE *f);

/* Text that others wrote, with control characters shown as \xNN, so that it
 * cannot drive the reader's terminal. */

void debar_put(FILE *f, const char *data, size_t len);

/* A debar_progress_pt: one line on stderr, on a terminal, ten times a second.
 * data: unused.  debar_progress_end() takes the line away. */

void debar_progress(void *data, const char *what, uint64_t n);
void debar_progress_end(void);

/* The same as a bar: "[####....]  50% of the log searched". */

void debar_progress_bar(const char *what, uint64_t done, uint64_t total);

/* ,"KEY":"TEXT", without the comma at the start of an object; nothing for
 * empty text. */

void debar_json_text(debar_buf_t *b, const char *key, const char *data,
    size_t len);
void debar_json_number(debar_buf_t *b, const char *key, uint64_t n);

/* Both without secrets (mask.h); url: the text is the target of a request. */

void debar_put_masked(FILE *f, const char *data, size_t len, unsigned url);
void debar_json_masked(debar_buf_t *b, const char *key, const char *data,
    size_t len, unsigned url);

/* What was gathered to stdout; the buffer is freed. */

void debar_flush(debar_buf_t *b);


/* --- lists (open.c) ------------------------------------------------------ */

/* Where the shipped list is, beside the binary as built or as installed.
 * DEBAR_ERROR: fault says where it was looked for. */

int debar_shipped_list(char *path, size_t size, debar_fault_t *fault);

/* The folder of the running binary, without a slash at the end. */

int debar_binary_folder(char *path, size_t size, debar_fault_t *fault);

/* Reads a source; its errors go to stderr, one a line (or as a JSON array to
 * errors_json).  DEBAR_ERROR: said already. */

int debar_read_source(debar_source_t *src, const char *path, int quiet,
    debar_buf_t *errors_json);

/*
 * Opens FILE.mdb, or a source folder, which is built into a private temporary
 * snapshot that is gone once it is open.  path NULL: the shipped list.  NULL:
 * said already.
 */

debar_list_t *debar_open_list(const char *path);

/* The same, and a file was read to its last row (list_diff.c). */

debar_list_t *debar_open_whole(const char *path);

/* All of b to a file, or to stdout for NULL and "-".  DEBAR_ERROR: said
 * already, and no file is left. */

int debar_write_whole(const char *path, const debar_buf_t *b);


/* --- requests and verdicts (request.c, explain.c) ------------------------ */

/* One request as the gateway would see it.  Text is owned by the caller, but
 * for what is made here (own). */

#define DEBAR_MAX_MADE  4

typedef struct {
    const char     *method;       /* NULL: GET, or POST with a body */
    const char     *url;
    size_t          url_len;
    int             body;         /* there is one */
    unsigned        no_host;      /* a Host field was named: do not add one */
    debar_facts_t   facts;
    debar_str_t     content_type;
    debar_str_t     content_encoding;
    debar_str_t     content_disposition;
    debar_buf_t     content;      /* the body */
    debar_buf_t     cookies;
    debar_buf_t     target;
    debar_buf_t     connect;
} debar_request_t;

/* Takes a header field; most are no facts. */

void debar_request_header(debar_request_t *rq, const char *name, size_t nlen,
    const char *value, size_t vlen);

/*
 * Fills rq->facts.  An absolute URL becomes an absolute-form target and, if no
 * Host was given, a Host field with its authority, as any client sends it.
 * With the method CONNECT it is reduced to its authority, port 443 if it names
 * none.  DEBAR_ERROR: *why is static text.
 */

int debar_request_finish(debar_request_t *rq, const char **why);
void debar_request_free(debar_request_t *rq);

/* An address that the name resolved to, with what is known of it. */

typedef struct {
    uint8_t       addr[16];
    int           set;
    uint32_t      asn;
    const char   *country;
} debar_dialled_t;

void debar_judge_request(debar_list_t *list, const debar_request_t *rq,
    const debar_dialled_t *to, debar_verdict_t *v);

/*
 * Its body (check_body.c).  DATA, or what is in the file of "@FILE" ("@-":
 * stdin); DEBAR_ERROR: said already.  debar_request_bytes() adds what text of
 * base64 says.
 */

int debar_request_body(debar_request_t *rq, const char *data);
int debar_request_bytes(debar_request_t *rq, const char *data, size_t len);

/* What was found in a body, as it is told: bounded. */

typedef struct {
    int             json;
    FILE           *out;          /* the tree, for people */
    FILE           *out_lines;
    char           *text;
    size_t          text_len;
    char           *text_lines;
    size_t          text_lines_len;
    debar_buf_t     peeled;       /* for machines */
    debar_buf_t     lines;
    unsigned long   nvalues;
    unsigned long   nshown;
    unsigned long   nlines;
    unsigned long   lines_more;
    unsigned long   nfields;      /* of the line that is open */
    unsigned        last_number;
    int             open;
    int             enough;       /* the rest of the body was not read */
} debar_told_t;

void debar_told_init(debar_told_t *t, int json);
void debar_told_free(debar_told_t *t);

/* After debar_judge_request(): v becomes the verdict with the body.  told may
 * be NULL. */

void debar_judge_content(debar_list_t *list, const debar_request_t *rq,
    debar_told_t *told, debar_verdict_t *v);

/* Behind those: v becomes the verdict with a cart in the answer, if that is the
 * stronger one.  answer: its content, its labels. */

void debar_judge_answer(debar_list_t *list, const debar_request_t *rq,
    const debar_request_t *answer, debar_told_t *told, debar_verdict_t *v);


/* ,"peeled":[...],"lines":[...] and for people the same. */

void debar_told_json(debar_buf_t *b, const debar_told_t *t);
void debar_told_print(FILE *f, debar_told_t *t);


/* For people: to f.  For machines: members of an object, without the braces.
 * told: NULL without a body. */

void debar_explain(FILE *f, debar_list_t *list, const debar_request_t *rq,
    const debar_verdict_t *v, debar_told_t *told);
void debar_explain_json(debar_buf_t *b, debar_list_t *list,
    const debar_verdict_t *v);

/* check_jsonl.c: one JSON object a line from in, one out; see the manual. */

int debar_check_jsonl(debar_list_t *list, FILE *in, const char *name,
    const debar_request_t *defaults, const debar_dialled_t *to, int tell);

/* Exit code of a verdict: 0, 10, 20, 30. */

int debar_verdict_exit(unsigned verdict);


/* --- what ends soon (list_due.c) ----------------------------------------- */

/* "waiver W-17 (2026-12-10)": what ends within 30 days, appended to b.
 * Returns 0 where nothing does. */

int debar_due_line_source(debar_buf_t *b, const debar_source_t *src);
int debar_due_line_snapshot(debar_buf_t *b, const debar_snapshot_t *s);

/* The line on stdout; nothing of an empty one.  path: of the list. */

void debar_due_say(const debar_buf_t *line, const char *path);


/* --- a gateway's folder (gateway.c) -------------------------------------- */

#define DEBAR_MAX_DIR  4096

typedef struct {
    char  path[DEBAR_MAX_DIR];    /* absolute, without a slash at the end */
} debar_gateway_t;

/* DEBAR_ERROR (said already) where there is no DIR/nginx.conf. */

int debar_gateway_find(debar_gateway_t *g, const char *dir);

/* "DIR/name" */

void debar_gateway_path(const debar_gateway_t *g, const char *name, char *out,
    size_t size);

/* The pid of the running master, 0 if none runs. */

long debar_gateway_pid(const debar_gateway_t *g);

/* The process whose number is in DIR/name, and whose command line has the
 * gateway's folder in it and this; 0 if there is none. */

long debar_gateway_pid_file(const debar_gateway_t *g, const char *name,
    const char *has);

/* Runs a program, to its end or until it went to the background; what it says
 * is gathered in out.  Returns its exit code, -1 if it could not be run (said
 * already). */

int debar_gateway_run(const char **argv, debar_buf_t *out);

/* Runs nginx -p DIR -c DIR/nginx.conf with one more argument (or NULL); its
 * stderr is gathered in out.  Returns its exit code, -1 if it could not be run
 * (said already). */

int debar_gateway_nginx(const debar_gateway_t *g, const char *argument,
    debar_buf_t *out);

/* The body of the answer of DIR/run/status.sock (gateway_status.c); DEBAR_ERROR
 * if no worker answers. */

int debar_gateway_report(const debar_gateway_t *g, debar_buf_t *body);

/* The first lines of nginx's own words, to stderr. */

void debar_gateway_tell(const debar_buf_t *out);

/* The first TCP listener of nginx.conf, with TLS or without, as it stands
 * there; DEBAR_ERROR: none. */

int debar_gateway_listen(const debar_gateway_t *g, unsigned tls, char *text,
    size_t size);

/* 20 ms */

void debar_nap(void);


/* --- processes beside its nginx (gateway_beside.c) ------------------------ */

#define DEBAR_SEALER_KEY  "audit/sealer.key"
#define DEBAR_SEALER_PUB  "audit/sealer.pub"

/* Arguments of one of them, and room for what they point to. */

typedef struct {
    const char  *argv[16];
    char         cert[DEBAR_MAX_DIR + 64];
    char         key[DEBAR_MAX_DIR + 64];
    char         pass[DEBAR_MAX_DIR + 64];
} debar_beside_own_t;

typedef struct {
    const char  *name;            /* "signer" */
    const char  *family;          /* of the command: "audit"; NULL: none */
    const char  *file;            /* of run/FILE.sock, run/FILE.pid and
                                     logs/FILE.log, and the command's name */
    const char  *directive;       /* by which nginx.conf asks it; NULL: it is
                                     wanted where its key is */
    const char  *user;            /* file with the user that it runs as, or
                                     NULL */
    int        (*args)(const debar_gateway_t *g, debar_beside_own_t *own);
} debar_beside_t;

extern const debar_beside_t  debar_beside[];      /* the last: name NULL */

/* Whether nginx.conf asks its socket in DIR, or its key is there. */

int debar_beside_wanted(const debar_gateway_t *g, const debar_beside_t *b);

/* 0: it does not run. */

long debar_beside_pid(const debar_gateway_t *g, const debar_beside_t *b);

/* Of its effective user; -1: unknown. */

long debar_beside_uid(long pid);

/* Starts it unless it runs and answers; ends it if it runs.  DEBAR_ERROR: said
 * already. */

int debar_beside_start(const debar_gateway_t *g, const debar_beside_t *b);
int debar_beside_stop(const debar_gateway_t *g, const debar_beside_t *b);

/* Those that are wanted; all that run. */

int debar_beside_start_all(const debar_gateway_t *g);
int debar_beside_stop_all(const debar_gateway_t *g);

/* The first line of a small file of DIR. */

int debar_beside_line(const debar_gateway_t *g, const char *name, char *line,
    size_t size);

int debar_signer_args(const debar_gateway_t *g, debar_beside_own_t *own);
int debar_inspector_args(const debar_gateway_t *g, debar_beside_own_t *own);

int debar_sealer_args(const debar_gateway_t *g, debar_beside_own_t *own);

/* What the sealer says of itself, as JSON (gateway_sealer.c). */

int debar_sealer_says(const debar_gateway_t *g, debar_buf_t *out);

/* Whom it asks to cosign, and what they did last, as a JSON list.
 * DEBAR_DECLINED: there are none. */

int debar_sealer_witnesses(const debar_gateway_t *g, debar_buf_t *out);

/* Names signed since the signer was started, by its log. */

long debar_signer_minted(const debar_gateway_t *g);


/* The template of nginx.conf (tools/gateway/nginx.conf.in), NUL-terminated. */

extern const char  debar_nginx_conf[];


#endif /* DEBAR_TOOLS_H */

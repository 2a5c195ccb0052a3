/*
 * A witness asked over HTTP, by libcurl, within bounds of size and time that we
 * set and not the other end.
 */

#include <signal.h>
#include <curl/curl.h>

#include "audit_witness.h"


#define DEBAR_CLIENT_CONNECT  10             /* s */
#define DEBAR_CLIENT_TOTAL    30             /* s */
#define DEBAR_CLIENT_LAST     3              /* s, once it is to end */


typedef struct {
    debar_witness_reply_t  *reply;
    unsigned                over;            /* more than it may be */
    time_t                  ended;           /* when SIGTERM was seen */
} debar_client_t;


static size_t debar_client_body(char *data, size_t size, size_t n, void *user);
static int debar_client_progress(void *user, curl_off_t total, curl_off_t now,
    curl_off_t up_total, curl_off_t up_now);
static void debar_client_options(CURL *c, debar_client_t *own,
    const debar_buf_t *request, const char *ca);


int
debar_witness_post(void **client, debar_witness_reply_t *reply,
    const char *url, const char *ca, const debar_buf_t *request,
    debar_fault_t *fault)
{
    CURL               *c;
    char                path[DEBAR_WITNESS_URL + 32], *type;
    size_t              len;
    CURLcode            rc;
    debar_client_t      own;
    struct curl_slist  *fields;

    memset(reply, 0, sizeof(*reply));
    memset(&own, 0, sizeof(own));
    own.reply = reply;

    if (*client == NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == 0) {
        *client = curl_easy_init();
    }

    c = *client;

    if (c == NULL) {
        debar_fault(fault, "libcurl cannot be used");
        return DEBAR_ERROR;
    }

    for (len = strlen(url); len && url[len - 1] == '/'; len--) { /* void */ }

    snprintf(path, sizeof(path), "%.*s/add-checkpoint", (int) len, url);
    fields = curl_slist_append(NULL, "Content-Type: text/plain");
    fields = curl_slist_append(fields, "Expect:");

    debar_client_options(c, &own, request, ca);
    (void) curl_easy_setopt(c, CURLOPT_URL, path);
    (void) curl_easy_setopt(c, CURLOPT_HTTPHEADER, fields);

    rc = curl_easy_perform(c);
    curl_slist_free_all(fields);

    (void) curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply->status);
    type = NULL;
    (void) curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
    snprintf(reply->type, sizeof(reply->type), "%s", type ? type : "");

    if (rc == CURLE_OK) {
        return DEBAR_OK;
    }

    debar_buf_free(&reply->body);

    if (own.over) {
        debar_fault(fault, "%s: answers with more than %d bytes: is it a "
                    "witness?", path, DEBAR_WITNESS_ANSWER);

    } else {
        debar_fault(fault, "%s: %s; is the URL right, and the witness up?",
                    path, curl_easy_strerror(rc));
    }

    return DEBAR_ERROR;
}


void
debar_witness_hang_up(void *client)
{
    if (client) {
        curl_easy_cleanup(client);
    }
}


static void
debar_client_options(CURL *c, debar_client_t *own, const debar_buf_t *request,
    const char *ca)
{
    (void) curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void) curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void) curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
                            (long) DEBAR_CLIENT_CONNECT);
    (void) curl_easy_setopt(c, CURLOPT_TIMEOUT, (long) DEBAR_CLIENT_TOTAL);
    (void) curl_easy_setopt(c, CURLOPT_USERAGENT, "debar/" DEBAR_VERSION);
    (void) curl_easy_setopt(c, CURLOPT_POST, 1L);
    (void) curl_easy_setopt(c, CURLOPT_POSTFIELDS, request->data);
    (void) curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long) request->len);
    (void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, debar_client_body);
    (void) curl_easy_setopt(c, CURLOPT_WRITEDATA, own);
    (void) curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION,
                            debar_client_progress);
    (void) curl_easy_setopt(c, CURLOPT_XFERINFODATA, own);
    (void) curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);

    if (ca) {
        (void) curl_easy_setopt(c, CURLOPT_CAINFO, ca);
    }
}


static size_t
debar_client_body(char *data, size_t size, size_t n, void *user)
{
    debar_client_t  *own = user;

    n *= size;

    if (n > DEBAR_WITNESS_ANSWER - own->reply->body.len) {
        own->over = 1;
        return 0;
    }

    debar_buf_add(&own->reply->body, data, n);

    return n;
}


static int
debar_client_progress(void *user, curl_off_t total, curl_off_t now,
    curl_off_t up_total, curl_off_t up_now)
{
    sigset_t         set;
    debar_client_t  *own = user;

    if (own->ended == 0 && sigpending(&set) == 0 && sigismember(&set, SIGTERM))
    {
        own->ended = time(NULL);
    }

    return own->ended && time(NULL) - own->ended >= DEBAR_CLIENT_LAST;
}

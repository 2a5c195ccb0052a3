/*
 * Decisions as OCSF (HTTP Activity) and as documents of ECS.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>

#include "audit_export.h"


#define DEBAR_OCSF_CLASS    4002  /* HTTP Activity, of Network Activity */
#define DEBAR_OCSF_VERSION  "1.6.0"
#define DEBAR_ECS_VERSION   "8.11.0"


/* value is taken over; what is NULL, or an empty object, is left out. */

static void
debar_json_put(json_t *to, const char *key, json_t *value)
{
    if (value == NULL || (json_is_object(value)
                          && json_object_size(value) == 0))
    {
        json_decref(value);
        return;
    }

    if (json_object_set_new(to, key, value) != 0) {
        abort();
    }
}


static void
debar_json_z(json_t *to, const char *key, const char *text)
{
    debar_json_put(to, key, text[0] ? json_string(text) : NULL);
}


/* Members of the line as they are: of the one type that it has there. */

static void
debar_json_share(json_t *to, const char *key, const json_t *from,
    const char *name, json_type type)
{
    json_t  *value;

    value = json_object_get(from, name);

    if (value && json_typeof(value) == type
        && (type != JSON_STRING || json_string_length(value))
        && (type != JSON_INTEGER || json_integer_value(value) >= 0))
    {
        debar_json_put(to, key, json_incref(value));
    }
}


static void
debar_json_port(json_t *to, unsigned port)
{
    debar_json_put(to, "port", port ? json_integer((json_int_t) port) : NULL);
}


static void
debar_json_line(debar_buf_t *b, json_t *object)
{
    char  *text;

    text = json_dumps(object, JSON_COMPACT);

    if (text == NULL) {
        abort();
    }

    debar_export_json(b, text, strlen(text));
    debar_buf_add(b, "\n", 1);
    free(text);
    json_decref(object);
}


/* --- OCSF ------------------------------------------------------------------ */

/* The methods that activity_id and http_method have a value for. */

static unsigned
debar_ocsf_activity(debar_str_t method)
{
    unsigned  i;

    static const char  *const methods[] = {
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE",
        "PATCH"
    };

    if (method.len == 0) {
        return 0;                 /* Unknown */
    }

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strlen(methods[i]) == method.len
            && memcmp(methods[i], method.data, method.len) == 0)
        {
            return i + 1;
        }
    }

    return 99;                    /* Other */
}


/* What only is watched, in monitor mode or by a row that logs, is Observed. */

static void
debar_ocsf_outcome(json_t *o, const debar_export_t *e)
{
    unsigned  seen;

    static const struct {
        int          action_id;
        const char  *action;
        int          id;
        const char  *name;
    } of[] = {
        { 1, "Allowed", 1, "Allowed" }, { 3, "Observed", 17, "Logged" },
        { 2, "Denied", 25, "Rejected" }, { 2, "Denied", 2, "Blocked" }
    };

    seen = e->verdict >= DEBAR_REJECT && !e->denied ? DEBAR_LOG : e->verdict;

    debar_json_put(o, "action_id", json_integer(of[seen].action_id));
    debar_json_z(o, "action", of[seen].action);
    debar_json_put(o, "disposition_id", json_integer(of[seen].id));
    debar_json_z(o, "disposition", of[seen].name);

    debar_json_put(o, "severity_id",
                   json_integer(e->verdict >= DEBAR_REJECT ? 3
                                : e->verdict == DEBAR_LOG ? 2 : 1));
    debar_json_z(o, "severity", e->verdict >= DEBAR_REJECT ? "Medium"
                 : e->verdict == DEBAR_LOG ? "Low" : "Informational");
    debar_json_put(o, "status_id", json_integer(e->denied ? 2 : 1));
    debar_json_z(o, "status", e->denied ? "Failure" : "Success");
    debar_json_share(o, "status_detail", e->line, "fault", JSON_STRING);
}


/* A host goes where its kind has a place: an address, a name of DNS, another
 * name (with an underscore). */

static int
debar_ocsf_is_hostname(const char *host)
{
    size_t  i;

    for (i = 0; host[i]; i++) {
        if (!isalnum((unsigned char) host[i])
            && (i == 0 || host[i + 1] == '\0' || host[i] == '_'
                || host[i] == ':' || (host[i] == '.' && host[i - 1] == '-')
                || (host[i] != '.' && host[i - 1] == '.')
                || (host[i] == '.' && host[i - 1] == '.')))
        {
            return 0;
        }
    }

    return i > 0;
}


static int
debar_ocsf_is_addr(const char *host)
{
    unsigned char  raw[16];

    return inet_pton(AF_INET, host, raw) == 1
           || inet_pton(AF_INET6, host, raw) == 1;
}


static void
debar_ocsf_http(json_t *o, const debar_export_t *e, unsigned activity)
{
    json_t  *url, *request, *response;

    /* url_string, or a path, is required */

    url = json_object();
    debar_json_share(url, "url_string", e->line, "url", JSON_STRING);

    if (json_object_size(url)) {
        debar_json_z(url, "scheme", e->scheme);
        debar_json_z(url, "hostname", debar_ocsf_is_hostname(e->host)
                                      ? e->host : "");
        debar_json_port(url, e->host_port);
    }

    request = json_object();
    debar_json_share(request, "uid", e->line, "incident", JSON_STRING);

    if (activity && activity != 99) {
        debar_json_share(request, "http_method", e->line, "method",
                         JSON_STRING);
    }

    debar_json_put(request, "url", url);

    /* one of request and response is required */

    if (json_object_size(request) == 0) {
        debar_json_put(request, "uid", json_string("-"));
    }

    debar_json_put(o, "http_request", request);

    if (debar_export_number(e->outcome, "status") >= 0) {
        response = json_object();
        debar_json_share(response, "code", e->outcome, "status", JSON_INTEGER);
        debar_json_share(response, "length", e->outcome, "bytes", JSON_INTEGER);
        debar_json_put(o, "http_response", response);
    }
}


/* An end has a name of some kind, or is not told. */

static json_t *
debar_ocsf_dst(const debar_export_t *e)
{
    json_t    *dst, *as, *where;
    unsigned   addr;

    dst = json_object();
    addr = (unsigned) debar_ocsf_is_addr(e->host);

    if (!addr) {
        debar_json_z(dst, debar_ocsf_is_hostname(e->host) ? "hostname" : "name",
                     e->host);
    }

    debar_json_z(dst, "ip", e->dialled[0] ? e->dialled : addr ? e->host : "");

    if (json_object_size(dst) == 0) {
        return dst;
    }

    debar_json_port(dst, e->dialled_port ? e->dialled_port : e->host_port);
    as = json_object();
    debar_json_share(as, "number", e->upstream, "asn", JSON_INTEGER);
    debar_json_put(dst, "autonomous_system", as);
    where = json_object();
    debar_json_share(where, "country", e->upstream, "country", JSON_STRING);
    debar_json_put(dst, "location", where);

    return dst;
}


static void
debar_ocsf_ends(json_t *o, const debar_export_t *e)
{
    json_t  *src, *dst, *user, *actor, *proxy, *device;

    src = json_object();
    dst = debar_ocsf_dst(e);

    if (e->client[0]) {
        debar_json_z(src, "ip", e->client);
        debar_json_port(src, e->client_port);

    } else {
        debar_json_share(src, "name", e->line, "client", JSON_STRING);
    }

    /* one of both ends is required */

    if (json_object_size(src) == 0 && json_object_size(dst) == 0) {
        debar_json_z(src, "name", "unknown");
    }

    debar_json_put(o, "src_endpoint", src);
    debar_json_put(o, "dst_endpoint", dst);

    user = json_object();
    actor = json_object();
    debar_json_share(user, "name", e->line, "user", JSON_STRING);
    debar_json_put(actor, "user", user);
    debar_json_put(o, "actor", actor);

    if (debar_export_str(e->line, "gateway").len) {
        proxy = json_object();
        debar_json_share(proxy, "name", e->line, "gateway", JSON_STRING);
        debar_json_put(o, "proxy_endpoint", proxy);

        device = json_object();
        debar_json_share(device, "name", e->line, "gateway", JSON_STRING);
        debar_json_put(device, "type_id", json_integer(1));
        debar_json_z(device, "type", "Server");
        debar_json_put(o, "device", device);
    }
}


/* A name is required: a file without one is in unmapped only. */

static void
debar_ocsf_file(json_t *o, const debar_export_t *e)
{
    json_t        *file, *hash;
    debar_str_t    sha256;
    const json_t  *content;

    content = json_object_get(e->line, "content");

    if (debar_export_str(content, "name").len == 0) {
        return;
    }

    file = json_pack("{si ss}", "type_id", 1, "type", "Regular File");
    debar_json_share(file, "name", content, "name", JSON_STRING);
    debar_json_share(file, "size", content, "size", JSON_INTEGER);
    sha256 = debar_export_str(content, "sha256");

    if (sha256.len == 64 && strspn(sha256.data, "0123456789abcdef") == 64) {
        hash = json_pack("[{si ss ss}]", "algorithm_id", 3, "algorithm",
                         "SHA-256", "value", sha256.data);
        debar_json_put(file, "hashes", hash);
    }

    debar_json_put(o, "file", file);
}


/* Whose entry it was, and of which list. */

static void
debar_ocsf_rule(json_t *o, const debar_export_t *e)
{
    char           serial[24];
    json_t        *rule, *policy;
    const json_t  *list;

    rule = json_object();
    debar_json_share(rule, "uid", e->line, "vendor", JSON_STRING);
    debar_json_share(rule, "name", e->line, "product", JSON_STRING);
    debar_json_put(o, "firewall_rule", rule);

    list = json_object_get(e->line, "list");

    if (debar_export_number(list, "serial") >= 0) {
        snprintf(serial, sizeof(serial), "%lld",
                 (long long) debar_export_number(list, "serial"));
        policy = json_object();
        debar_json_z(policy, "name", "vendor blocklist");
        debar_json_z(policy, "version", serial);
        debar_json_share(policy, "uid", list, "digest", JSON_STRING);
        debar_json_put(o, "policy", policy);
    }
}


/* What has no field there, as it was recorded. */

static json_t *
debar_export_rest(const debar_export_t *e)
{
    size_t   i;
    json_t  *u;

    static const struct {
        const char  *name;
        json_type    type;
    } rest[] = {
        { "surface", JSON_STRING }, { "activity", JSON_STRING },
        { "verdict", JSON_STRING }, { "mode", JSON_STRING },
        { "authorities", JSON_ARRAY }, { "evidence", JSON_ARRAY },
        { "permit", JSON_STRING }, { "waiver", JSON_STRING },
        { "list", JSON_OBJECT },
        { "content", JSON_OBJECT }, { "took_us", JSON_INTEGER }
    };

    u = json_object();

    for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
        debar_json_share(u, rest[i].name, e->line, rest[i].name, rest[i].type);
    }

    return u;
}


void
debar_export_ocsf(debar_buf_t *out, const debar_export_t *e)
{
    json_t       *o;
    unsigned      activity;
    debar_str_t   method;

    static const char  *const captions[] = {
        "Unknown", "Connect", "Delete", "Get", "Head", "Options", "Post", "Put",
        "Trace", "Patch"
    };

    method = debar_export_str(e->line, "method");
    activity = debar_ocsf_activity(method);

    o = json_pack("{si ss si ss si si sI s{ss s[sss] s{ss ss ss}}}",
                  "category_uid", DEBAR_OCSF_CLASS / 1000,
                  "category_name", "Network Activity",
                  "class_uid", DEBAR_OCSF_CLASS, "class_name", "HTTP Activity",
                  "activity_id", (int) activity,
                  "type_uid", (int) (DEBAR_OCSF_CLASS * 100 + activity),
                  "time", (json_int_t) e->msec,
                  "metadata", "version", DEBAR_OCSF_VERSION,
                  "profiles", "host", "network_proxy", "security_control",
                  "product", "name", "debar", "vendor_name", "Debar",
                  "version", DEBAR_VERSION);

    if (o == NULL) {
        abort();
    }

    if (activity == 99) {
        debar_json_share(o, "activity_name", e->line, "method", JSON_STRING);

    } else {
        debar_json_z(o, "activity_name", captions[activity]);
    }

    debar_json_share(json_object_get(o, "metadata"), "correlation_uid", e->line,
                     "incident", JSON_STRING);

    if (debar_export_number(e->line, "took_us") >= 0) {
        debar_json_put(o, "duration", json_integer(
                       debar_export_number(e->line, "took_us") / 1000));
    }

    debar_ocsf_outcome(o, e);
    debar_ocsf_http(o, e, activity);
    debar_ocsf_ends(o, e);
    debar_ocsf_rule(o, e);
    debar_ocsf_file(o, e);
    debar_json_put(o, "unmapped", debar_export_rest(e));
    debar_json_line(out, o);
}


/* --- ECS ------------------------------------------------------------------- */

static json_t *
debar_ecs_event(const debar_export_t *e)
{
    int64_t   took;
    json_t   *event;

    event = json_pack("{ss s[ss] s[ss] ss ss ss ss ss}",
                      "kind", "event", "category", "web", "network",
                      "type", "access", e->denied ? "denied" : "allowed",
                      "module", "debar", "dataset", "debar.audit",
                      "provider", "debar",
                      "action", debar_action_name(e->verdict),
                      "outcome", e->denied ? "failure" : "success");

    if (event == NULL) {
        abort();
    }

    debar_json_share(event, "id", e->line, "incident", JSON_STRING);
    debar_json_share(event, "reason", e->line, "fault", JSON_STRING);
    took = debar_export_number(e->line, "took_us");

    if (took >= 0 && took < INT64_MAX / 1000) {
        debar_json_put(event, "duration", json_integer(took * 1000));
    }

    return event;
}


/* source or destination; a text that is no address is only "address". */

static json_t *
debar_ecs_end(const char *addr, unsigned port, const json_t *from,
    const char *name)
{
    json_t  *o;

    o = json_object();

    if (addr[0]) {
        debar_json_z(o, "address", addr);
        debar_json_z(o, "ip", addr);
        debar_json_port(o, port);

    } else {
        debar_json_share(o, "address", from, name, JSON_STRING);
    }

    return o;
}


static void
debar_ecs_ends(json_t *o, const debar_export_t *e)
{
    json_t  *dst, *as, *geo, *user, *observer;

    debar_json_put(o, "source", debar_ecs_end(e->client, e->client_port,
                                              e->line, "client"));

    dst = debar_ecs_end(e->dialled, e->dialled_port, NULL, "");
    as = json_object();
    geo = json_object();
    debar_json_z(dst, "domain", e->host);
    debar_json_share(as, "number", e->upstream, "asn", JSON_INTEGER);
    debar_json_put(dst, "as", as);
    debar_json_share(geo, "country_iso_code", e->upstream, "country",
                     JSON_STRING);
    debar_json_put(dst, "geo", geo);
    debar_json_put(o, "destination", dst);

    user = json_object();
    debar_json_share(user, "name", e->line, "user", JSON_STRING);
    debar_json_put(o, "user", user);

    observer = json_pack("{ss ss ss ss}", "type", "proxy", "product", "debar",
                         "vendor", "Debar", "version", DEBAR_VERSION);
    debar_json_share(observer, "name", e->line, "gateway", JSON_STRING);
    debar_json_put(o, "observer", observer);
}


static void
debar_ecs_http(json_t *o, const debar_export_t *e)
{
    json_t  *http, *request, *response, *url;

    url = json_object();
    debar_json_share(url, "original", e->line, "url", JSON_STRING);
    debar_json_z(url, "scheme", e->scheme);
    debar_json_z(url, "domain", e->host);
    debar_json_port(url, e->host_port);
    debar_json_put(o, "url", url);

    http = json_object();
    request = json_object();
    response = json_object();
    debar_json_share(request, "id", e->line, "incident", JSON_STRING);
    debar_json_share(request, "method", e->line, "method", JSON_STRING);
    debar_json_put(http, "request", request);
    debar_json_share(response, "status_code", e->outcome, "status",
                     JSON_INTEGER);
    debar_json_share(response, "bytes", e->outcome, "bytes", JSON_INTEGER);
    debar_json_put(http, "response", response);
    debar_json_put(o, "http", http);
}


static void
debar_ecs_rule(json_t *o, const debar_export_t *e)
{
    char           serial[24];
    json_t        *rule;
    const json_t  *list;

    rule = json_object();
    debar_json_share(rule, "id", e->line, "vendor", JSON_STRING);
    debar_json_share(rule, "name", e->line, "product", JSON_STRING);
    list = json_object_get(e->line, "list");

    if (debar_export_number(list, "serial") >= 0) {
        snprintf(serial, sizeof(serial), "%lld",
                 (long long) debar_export_number(list, "serial"));
        debar_json_z(rule, "version", serial);
        debar_json_z(rule, "ruleset", "vendor blocklist");
    }

    debar_json_put(o, "rule", rule);
}


static void
debar_ecs_file(json_t *o, const debar_export_t *e)
{
    json_t        *file, *hash;
    const json_t  *content;

    content = json_object_get(e->line, "content");
    file = json_object();
    hash = json_object();
    debar_json_share(file, "name", content, "name", JSON_STRING);
    debar_json_share(file, "size", content, "size", JSON_INTEGER);
    debar_json_share(hash, "sha256", content, "sha256", JSON_STRING);
    debar_json_put(file, "hash", hash);
    debar_json_put(o, "file", file);
}


void
debar_export_ecs(debar_buf_t *out, const debar_export_t *e)
{
    json_t  *o;

    o = json_pack("{ss s{ss}}", "@timestamp", e->time, "ecs", "version",
                  DEBAR_ECS_VERSION);

    if (o == NULL) {
        abort();
    }

    debar_json_put(o, "event", debar_ecs_event(e));
    debar_ecs_http(o, e);
    debar_ecs_ends(o, e);
    debar_ecs_rule(o, e);
    debar_ecs_file(o, e);
    debar_json_put(o, "debar", debar_export_rest(e));
    debar_json_line(out, o);
}

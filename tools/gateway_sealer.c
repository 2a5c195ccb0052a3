/*
 * The sealer of a gateway's audit log: the key that it signs with, and what it
 * says of itself.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "audit_witness.h"
#include "gateway_init.h"
#include "trust.h"


#define DEBAR_SEALER_PASS  "audit/sealer.pass"
#define DEBAR_SEALER_NAME  64                /* bytes of its key's name */


static int debar_sealer_pass(const char *path, debar_fault_t *fault);
static void debar_sealer_name(char *out, size_t size);


/*
 * Its key pair, once: root's.  The passphrase lies beside it, for there is nobody
 * to ask when a gateway starts; it keeps the key out of copies of one file.
 */

int
debar_init_sealer(const debar_init_t *in)
{
    int            rc;
    char           key[DEBAR_MAX_DIR + 64], made[DEBAR_MAX_DIR + 80],
                   pub[DEBAR_MAX_DIR + 64], pass[DEBAR_MAX_DIR + 64],
                   name[DEBAR_SEALER_NAME + 1];
    debar_vkey_t   vkey;
    debar_fault_t  fault;

    debar_gateway_path(&in->g, DEBAR_SEALER_KEY, key, sizeof(key));
    debar_gateway_path(&in->g, DEBAR_SEALER_PUB, pub, sizeof(pub));
    debar_gateway_path(&in->g, DEBAR_SEALER_PASS, pass, sizeof(pass));

    if (access(key, F_OK) == 0) {
        return DEBAR_OK;
    }

    debar_sealer_name(name, sizeof(name));
    snprintf(made, sizeof(made), "%s.pub", key);
    (void) unlink(pass);
    (void) unlink(made);

    rc = debar_sealer_pass(pass, &fault);

    if (rc == DEBAR_OK) {
        rc = debar_trust_new_key(&vkey, DEBAR_KEY_ED25519, name, key, pass,
                                 &fault);
    }

    if (rc != DEBAR_OK) {
        debar_say("%s", fault.text);
        return DEBAR_ERROR;
    }

    if (rename(made, pub) == -1) {
        debar_say("%s: %s", pub, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_sealer_pass(const char *path, debar_fault_t *fault)
{
    int      i, rc;
    char     text[2 * 32 + 2];
    uint8_t  bytes[32];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes)) {
        debar_fault(fault, "%s: no random bytes", path);
        return DEBAR_ERROR;
    }

    for (i = 0; i < 32; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }

    memcpy(text + 64, "\n", 2);
    rc = debar_trust_write(path, text, 65, 0600, 1, fault);
    OPENSSL_cleanse(text, sizeof(text));
    OPENSSL_cleanse(bytes, sizeof(bytes));

    return rc;
}


/* "debar-audit/" and the host, in letters that a key's name may have. */

static void
debar_sealer_name(char *out, size_t size)
{
    char   host[256], *p;

    host[0] = '\0';
    (void) gethostname(host, sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';

    for (p = host; *p; p++) {
        if (!isascii((unsigned char) *p)
            || (!isalnum((unsigned char) *p) && strchr("._-", *p) == NULL))
        {
            *p = '-';
        }
    }

    snprintf(out, size, DEBAR_CHECKPOINT_ORIGIN "%.*s",
             (int) (size - sizeof(DEBAR_CHECKPOINT_ORIGIN)),
             host[0] ? host : "gateway");
}


int
debar_sealer_args(const debar_gateway_t *g, debar_beside_own_t *own)
{
    int  n;

    debar_gateway_path(g, "audit", own->cert, sizeof(own->cert));
    debar_gateway_path(g, "run/nginx.pid", own->key, sizeof(own->key));
    debar_gateway_path(g, "nginx.conf", own->pass, sizeof(own->pass));

    n = 0;
    own->argv[n++] = "--follow";
    own->argv[n++] = own->cert;
    own->argv[n++] = "--master";
    own->argv[n++] = own->key;
    own->argv[n++] = "--policy";
    own->argv[n++] = own->pass;

    return DEBAR_OK;
}


int
debar_sealer_says(const debar_gateway_t *g, debar_buf_t *out)
{
    int                 fd;
    char                path[DEBAR_MAX_DIR + 64], block[1024];
    ssize_t             n;
    struct timeval      tv = { 2, 0 };
    struct sockaddr_un  sun;

    debar_gateway_path(g, "run/seal.sock", path, sizeof(path));
    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sun.sun_path)) {
        return DEBAR_ERROR;
    }

    strcpy(sun.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return DEBAR_ERROR;
    }

    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));

    if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) == 0
        && shutdown(fd, SHUT_WR) == 0)
    {
        while (out->len < 8192 && (n = recv(fd, block, sizeof(block), 0)) > 0)
        {
            debar_buf_add(out, block, (size_t) n);
        }
    }

    close(fd);

    return out->len && out->data[out->len - 1] == '\n' ? DEBAR_OK
                                                       : DEBAR_ERROR;
}


int
debar_sealer_witnesses(const debar_gateway_t *g, debar_buf_t *out)
{
    int                  rc;
    char                 when[24];
    uint64_t             seconds;
    unsigned             i;
    debar_ask_t         *a;
    debar_buf_t          note;
    debar_fault_t        fault;
    debar_asked_t       *w;
    debar_checkpoint_t   c;

    a = calloc(1, sizeof(*a));

    if (a == NULL) {
        return DEBAR_ERROR;
    }

    debar_gateway_path(g, "audit", a->audit.path, sizeof(a->audit.path));
    rc = debar_ask_file(a, &fault);

    if (rc == DEBAR_DECLINED) {
        free(a);
        return DEBAR_DECLINED;
    }

    debar_buf_printf(out, "[");

    if (rc != DEBAR_OK) {
        debar_buf_printf(out, "{\"ok\":false");
        debar_json_text(out, "error", fault.text, strlen(fault.text));
        debar_buf_printf(out, "}");
        a->n = 0;
    }

    for (i = 0; i < a->n; i++) {

        w = &a->list[i];
        debar_buf_printf(out, "%s{\"ok\":", i ? "," : "");

        if (debar_cosigned_last(&note, &c, &seconds, &a->audit, &w->key, &fault)
            == DEBAR_OK && note.len)
        {
            debar_buf_printf(out, "true");
            debar_json_text(out, "witness", w->key.name, strlen(w->key.name));
            debar_witness_time(when, seconds);
            debar_json_number(out, "size", c.size);
            debar_json_text(out, "time", when, strlen(when));

        } else {
            debar_buf_printf(out, "false");
            debar_json_text(out, "witness", w->key.name, strlen(w->key.name));
            debar_json_text(out, "remedy", "logs/seal.log says why", 22);
        }

        debar_buf_printf(out, "}");
        debar_buf_free(&note);
    }

    debar_buf_printf(out, "]");
    free(a);

    return DEBAR_OK;
}

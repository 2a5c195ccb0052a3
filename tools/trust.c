/*
 * Of approving: files read within bounds and written by rename, dates, a
 * question.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "trust.h"


#define DEBAR_TRUST_BLOCK  (1 << 18)


static int debar_trust_temporary(char *tmp, size_t size, const char *path,
    debar_fault_t *fault);
static int debar_trust_fill(int fd, const void *data, size_t len);
static void debar_trust_sync_folder(const char *path);
static int debar_trust_folder(const char *path);
static int debar_trust_hash(int fd, EVP_MD_CTX *ctx, uint64_t *size);


int
debar_trust_read(debar_buf_t *out, const char *path, size_t max,
    const char *what, debar_fault_t *fault)
{
    int          fd;
    char         block[16384];
    ssize_t      n;
    struct stat  st;

    memset(out, 0, sizeof(*out));
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOCTTY);

    if (fd == -1 || fstat(fd, &st) == -1) {
        debar_fault(fault, "%s: %s; name %s", path, strerror(errno), what);

        if (fd != -1) {
            close(fd);
        }

        return DEBAR_ERROR;
    }

    if (S_ISDIR(st.st_mode)) {
        close(fd);
        debar_fault(fault, "%s: a folder; name %s", path, what);
        return DEBAR_ERROR;
    }

    while ((n = read(fd, block, sizeof(block))) > 0) {

        debar_buf_add(out, block, (size_t) n);

        if (out->len > max) {
            break;
        }
    }

    close(fd);

    if (n == 0 && out->len) {
        return DEBAR_OK;
    }

    debar_fault(fault, n == 0 ? "%s: empty; name %s"
                              : "%s: cannot be %s: it is too large, or cannot "
                                "be read", path, what);
    debar_buf_free(out);

    return DEBAR_ERROR;
}


int
debar_trust_write(const char *path, const void *data, size_t len,
    unsigned mode, int create, debar_fault_t *fault)
{
    int   fd, rc;
    char  tmp[4096];

    if (debar_trust_temporary(tmp, sizeof(tmp), path, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    fd = open(tmp, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, mode);

    if (fd == -1) {
        debar_fault(fault, "%s: cannot be written: %s; name a folder that is "
                    "there and that you may write to", path, strerror(errno));
        return DEBAR_ERROR;
    }

    rc = debar_trust_fill(fd, data, len);

    if (rc == 0) {
        rc = fchmod(fd, mode);
    }

    if (close(fd) == -1) {
        rc = -1;
    }

    /* link() does not replace what is there, even if it came just now */

    if (rc == 0) {
        rc = create ? link(tmp, path) : rename(tmp, path);
    }

    if (rc == -1) {
        debar_fault(fault, errno == EEXIST
                    ? "%s: %s; name another file, nothing is written over it"
                    : "%s: cannot be written: %s", path, strerror(errno));
    }

    if (rc == -1 || create) {
        (void) unlink(tmp);
    }

    if (rc == 0) {
        debar_trust_sync_folder(path);
    }

    return rc == 0 ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_trust_temporary(char *tmp, size_t size, const char *path,
    debar_fault_t *fault)
{
    int          n, folder;
    const char  *name;

    name = strrchr(path, '/');
    name = name ? name + 1 : path;
    folder = (int) (name - path);

    n = snprintf(tmp, size, "%.*s.%s.%ld.tmp", folder, path, name,
                 (long) getpid());

    if (*name == '\0' || n < 0 || (size_t) n >= size) {
        debar_fault(fault, "%s: not the name of a file", path);
        return DEBAR_ERROR;
    }

    (void) unlink(tmp);      /* of one that died with our number */

    return DEBAR_OK;
}


static int
debar_trust_fill(int fd, const void *data, size_t len)
{
    ssize_t      n;
    const char  *p;

    for (p = data; len; p += n, len -= (size_t) n) {

        n = write(fd, p, len);

        if (n <= 0) {
            return -1;
        }
    }

    return fsync(fd);
}


static void
debar_trust_sync_folder(const char *path)
{
    int  fd;

    fd = debar_trust_folder(path);

    if (fd != -1) {
        (void) fsync(fd);
        close(fd);
    }
}


static int
debar_trust_folder(const char *path)
{
    char         folder[4096];
    const char  *name;

    name = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s",
             name ? (int) (name - path + (name == path)) : 1,
             name ? path : ".");

    return open(folder, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
}


int
debar_trust_lock(const char *path, debar_fault_t *fault)
{
    int  fd;

    fd = debar_trust_folder(path);

    if (fd != -1 && flock(fd, LOCK_EX) == 0) {
        return fd;
    }

    debar_fault(fault, "%s: its folder cannot be locked: %s", path,
                strerror(errno));

    if (fd != -1) {
        close(fd);
    }

    return -1;
}


int
debar_trust_digest(const char *path, char out[65], uint64_t *size,
    debar_fault_t *fault)
{
    int          fd, rc;
    uint8_t      md[EVP_MAX_MD_SIZE];
    unsigned     i, n;
    EVP_MD_CTX  *ctx;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOCTTY);

    if (fd == -1) {
        debar_fault(fault, "%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    ctx = EVP_MD_CTX_new();
    n = 0;
    rc = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1
         ? debar_trust_hash(fd, ctx, size) : -1;

    if (rc == 0 && EVP_DigestFinal_ex(ctx, md, &n) != 1) {
        rc = -1;
    }

    EVP_MD_CTX_free(ctx);
    close(fd);
    debar_progress_end();

    if (rc == -1) {
        debar_fault(fault, "%s: cannot be read to its end", path);
        return DEBAR_ERROR;
    }

    for (i = 0; i < 32; i++) {
        snprintf(out + 2 * i, 3, "%02x", md[i]);
    }

    return DEBAR_OK;
}


static int
debar_trust_hash(int fd, EVP_MD_CTX *ctx, uint64_t *size)
{
    char     *block;
    ssize_t   n;

    block = malloc(DEBAR_TRUST_BLOCK);
    *size = 0;
    n = -1;

    while (block && (n = read(fd, block, DEBAR_TRUST_BLOCK)) > 0) {

        *size += (uint64_t) n;

        if (EVP_DigestUpdate(ctx, block, (size_t) n) != 1) {
            n = -1;
            break;
        }

        debar_progress(NULL, "SHA-256, bytes", *size);
    }

    free(block);

    return n == 0 ? 0 : -1;
}


int
debar_trust_when(int64_t *t, const char *option, const char *arg,
    int64_t now, debar_fault_t *fault)
{
    int          rc;
    char         whole[21];
    size_t       len;
    uint64_t     days;
    debar_str_t  s;

    len = strlen(arg);
    s = debar_str(arg, len);
    rc = DEBAR_ERROR;

    if (len > 1 && arg[len - 1] == 'd') {
        rc = debar_root_number(debar_str(arg, len - 1), 36500, &days);

        if (rc == DEBAR_OK) {
            *t = now + (int64_t) days * 86400;
        }

    } else if (len == 10) {
        snprintf(whole, sizeof(whole), "%sT00:00:00Z", arg);
        rc = debar_root_when(debar_str(whole, 20), t);

    } else {
        rc = debar_root_when(s, t);
    }

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s %s: give a day (2027-01-31), a time "
                    "(2027-01-31T12:00:00Z) or days from now (30d)", option,
                    arg);
        return DEBAR_ERROR;
    }

    if (*t <= now) {
        debar_fault(fault, "%s %s: that is past: give a later one", option,
                    arg);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


const char *
debar_trust_away(char out[32], int64_t t, int64_t now)
{
    int64_t      n;
    unsigned     i;
    const char  *unit;

    static const struct {
        const char  *name;
        int64_t      seconds;
    } units[] = { { "day", 86400 }, { "hour", 3600 }, { "minute", 60 } };

    n = t > now ? t - now : now - t;
    unit = "minute";

    for (i = 0; i < 3; i++) {
        unit = units[i].name;

        if (n >= 2 * units[i].seconds || i == 2) {
            n /= units[i].seconds;
            break;
        }
    }

    snprintf(out, 32, t > now ? "in %lld %s%s" : "%lld %s%s ago",
             (long long) n, unit, n == 1 ? "" : "s");

    return out;
}


int
debar_trust_agreed(const char *question, debar_fault_t *fault)
{
    char   answer[16];
    FILE  *tty;

    (void) fflush(stdout);
    tty = fopen("/dev/tty", "r+e");

    if (tty == NULL) {
        debar_fault(fault, "there is no terminal to ask you on: read what is "
                    "above, then say --yes");
        return 0;
    }

    fprintf(tty, "%s Type yes to sign: ", question);
    (void) fflush(tty);

    if (fgets(answer, sizeof(answer), tty) == NULL) {
        answer[0] = '\0';
    }

    fclose(tty);

    if (strcmp(answer, "yes\n") == 0) {
        return 1;
    }

    debar_fault(fault, "not signed: the answer was not yes");

    return 0;
}


int
debar_trust_root(debar_root_t *root, const char *path, debar_fault_t *fault)
{
    int          rc;
    debar_buf_t  data;

    if (debar_trust_read(&data, path, DEBAR_NOTE_MAX, "a root file of `debar "
                         "root new`", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_root_check(root, path, data.data, data.len, fault);
    debar_buf_free(&data);

    return rc;
}


int
debar_trust_failed(unsigned json, const debar_fault_t *fault)
{
    debar_buf_t  b;

    if (json) {
        memset(&b, 0, sizeof(b));
        debar_buf_printf(&b, "{\"ok\":false");
        debar_json_text(&b, "error", fault->text, strlen(fault->text));
        debar_buf_printf(&b, "}\n");
        debar_flush(&b);
    }

    return debar_say("%s", fault->text);
}


void
debar_trust_print_key(const debar_vkey_t *key, const char *what)
{
    printf("  %-24s %02x%02x%02x%02x  %s\n", key->name, key->id[0],
           key->id[1], key->id[2], key->id[3], what);
}

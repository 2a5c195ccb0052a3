/*
 * Files that are imported: mapped as they are, or taken out of a ZIP.
 */

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "list_import.h"


#define DEBAR_INPUT_MAX  (4ull << 30)     /* bytes of a file, unpacked */

static int debar_input_open(debar_input_t *in, const char *path);
static int debar_input_sha256(debar_input_t *in);
static int debar_input_zip(debar_input_t *in);
static int debar_input_member(debar_input_t *in, struct archive *a,
    const char *name);
static int debar_input_is_table(const char *name);


int
debar_inputs_open(debar_input_t *inputs, char **paths, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (debar_input_open(&inputs[i], paths[i]) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_input_open(debar_input_t *in, const char *path)
{
    int          fd;
    const char  *slash;
    struct stat  st;

    in->path = path;
    slash = strrchr(path, '/');
    in->origin.file = slash ? slash + 1 : path;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1 || fstat(fd, &st) == -1) {
        debar_say("%s: %s; name the file that was downloaded", path,
                  strerror(errno));
        goto failed;
    }

    if (!S_ISREG(st.st_mode)) {
        debar_say("%s: it is no regular file; name the file that was "
                  "downloaded", path);
        goto failed;
    }

    if (st.st_size == 0) {
        debar_say("%s: it is empty; download it again", path);
        goto failed;
    }

    if ((uint64_t) st.st_size > DEBAR_INPUT_MAX) {
        debar_say("%s: larger than 4 GiB; split it", path);
        goto failed;
    }

    in->map_len = (size_t) st.st_size;
    in->map = mmap(NULL, in->map_len, PROT_READ, MAP_PRIVATE, fd, 0);

    if (in->map == MAP_FAILED) {
        in->map = NULL;
        debar_say("%s: %s", path, strerror(errno));
        goto failed;
    }

    close(fd);

    in->data = in->map;
    in->len = in->map_len;

    if (debar_input_sha256(in) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (in->len >= 4 && memcmp(in->data, "PK\3\4", 4) == 0) {
        return debar_input_zip(in);
    }

    return DEBAR_OK;

failed:

    if (fd != -1) {
        close(fd);
    }

    return DEBAR_ERROR;
}


static int
debar_input_sha256(debar_input_t *in)
{
    size_t         i;
    unsigned       len;
    unsigned char  md[EVP_MAX_MD_SIZE];

    if (!EVP_Digest(in->data, in->len, md, &len, EVP_sha256(), NULL)) {
        debar_say("%s: no SHA-256 can be made of it", in->path);
        return DEBAR_ERROR;
    }

    for (i = 0; i < 32; i++) {
        snprintf(in->origin.sha256 + 2 * i, 3, "%02x", md[i]);
    }

    return DEBAR_OK;
}


/* The first member that is a table; a second one is a question. */

static int
debar_input_zip(debar_input_t *in)
{
    int                    rc;
    char                   first[200];
    const char            *name;
    struct archive        *a;
    struct archive_entry  *entry;

    a = archive_read_new();
    if (a == NULL) {
        abort();
    }

    archive_read_support_format_zip(a);
    first[0] = '\0';

    rc = archive_read_open_memory(a, in->map, in->map_len) == ARCHIVE_OK
         ? DEBAR_OK : DEBAR_ERROR;

    while (rc == DEBAR_OK
           && (rc = archive_read_next_header(a, &entry)) != ARCHIVE_EOF)
    {
        if (rc < ARCHIVE_WARN) {
            rc = DEBAR_ERROR;
            break;
        }

        rc = DEBAR_OK;
        name = archive_entry_pathname(entry);

        if (name == NULL || archive_entry_filetype(entry) != AE_IFREG
            || !debar_input_is_table(name))
        {
            continue;
        }

        if (first[0]) {
            debar_say("%s: it has more than one table (%s and another): unpack "
                      "it and name the one to import", in->path, first);
            archive_read_free(a);
            return DEBAR_ERROR;
        }

        snprintf(first, sizeof(first), "%s", name);
        rc = debar_input_member(in, a, name);

        if (rc == DEBAR_DECLINED) {
            archive_read_free(a);
            return DEBAR_ERROR;
        }
    }

    if (rc == DEBAR_ERROR) {
        debar_say("%s: the ZIP cannot be read (%s): download it again",
                  in->path, archive_error_string(a) ? archive_error_string(a)
                                                    : "it is damaged");
    }

    archive_read_free(a);

    if (rc != DEBAR_ERROR && first[0] == '\0') {
        debar_say("%s: there is no CSV, TSV or JSON in this ZIP; a spreadsheet "
                  "(.xlsx) is to be saved as \"CSV UTF-8\" first", in->path);
        return DEBAR_ERROR;
    }

    return rc == DEBAR_ERROR ? DEBAR_ERROR : DEBAR_OK;
}


/* DEBAR_DECLINED: said already */

static int
debar_input_member(debar_input_t *in, struct archive *a, const char *name)
{
    char     *data, *more;
    size_t    len, size;
    ssize_t   n;

    data = NULL;
    len = 0;
    size = 0;

    for ( ;; ) {
        if (size - len < 1 << 16) {
            size = size ? 2 * size : 1 << 20;
            more = realloc(data, size);

            if (more == NULL) {
                free(data);
                debar_say("%s: no memory for %s (%zu bytes)", in->path, name,
                          size);
                return DEBAR_DECLINED;
            }

            data = more;
        }

        n = archive_read_data(a, data + len, size - len);

        if (n < 0) {
            free(data);
            return DEBAR_ERROR;
        }

        if (n == 0) {
            break;
        }

        len += (size_t) n;

        if (len > DEBAR_INPUT_MAX) {
            free(data);
            debar_say("%s: %s is larger than 4 GiB unpacked", in->path, name);
            return DEBAR_DECLINED;
        }
    }

    in->made = data;
    in->data = data;
    in->len = len;

    return DEBAR_OK;
}


static int
debar_input_is_table(const char *name)
{
    size_t       i;
    const char  *dot, *slash;

    static const char *const  ends[] = { ".csv", ".tsv", ".json", ".txt" };

    slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    dot = strrchr(name, '.');

    for (i = 0; dot && name[0] != '.' && i < 4; i++) {
        if (strcasecmp(dot, ends[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


int
debar_input_is_json(const debar_input_t *in)
{
    size_t  i;

    i = in->len >= 3 && memcmp(in->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (i < in->len && (in->data[i] == ' ' || in->data[i] == '\t'
                           || in->data[i] == '\n' || in->data[i] == '\r'))
    {
        i++;
    }

    return i < in->len && (in->data[i] == '{' || in->data[i] == '[');
}


void
debar_inputs_close(debar_input_t *inputs, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (inputs[i].map) {
            munmap(inputs[i].map, inputs[i].map_len);
        }

        free(inputs[i].made);
    }
}


void
debar_today(char day[12])
{
    time_t     now;
    struct tm  tm;

    now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(day, 12, "%Y-%m-%d", &tm);
}


int
debar_is_id(const char *text)
{
    size_t  i;

    for (i = 0; text[i]; i++) {
        if (!((text[i] >= 'a' && text[i] <= 'z')
              || (text[i] >= 'A' && text[i] <= 'Z')
              || (text[i] >= '0' && text[i] <= '9')
              || (i && strchr("._-", text[i]))))
        {
            return 0;
        }
    }

    return i && i <= 64;
}


/*
 * Addresses to autonomous systems and countries, by MaxMind DB files in the
 * layouts of GeoLite2-ASN and GeoLite2-Country (a City file holds the same
 * country keys).  MaxMind DB File Format Specification 2.0.
 *
 * A file is mapped at configuration and shared by the workers; a newer one is
 * taken up at the next reload.  Replace it by rename: one cut short in place
 * would be SIGBUS in a worker.
 */


#include "ngx_debar.h"

#include <maxminddb.h>


#define NGX_DEBAR_GEO_SAMPLES  4096


struct ngx_debar_geo_s {
    ngx_array_t           files;         /* of ngx_debar_geo_file_t * */
};


typedef struct {
    ngx_str_t             path;
    MMDB_s                mmdb;
    unsigned              asn:1;         /* what its records were seen to
                                            hold */
    unsigned              country:1;
} ngx_debar_geo_file_t;


static int ngx_debar_geo_asn(MMDB_entry_s *entry, uint32_t *asn);
static int ngx_debar_geo_country(MMDB_entry_s *entry, char country[4]);
static int ngx_debar_geo_iso_code(MMDB_entry_s *entry, const char *key,
    char country[4]);
static const char *ngx_debar_geo_verify(ngx_debar_geo_file_t *file);
static int ngx_debar_geo_verify_record(ngx_debar_geo_file_t *file,
    uint8_t type, MMDB_entry_s *entry);
static void ngx_debar_geo_cleanup(void *data);


void
ngx_debar_geo_lookup(ngx_debar_geo_t *geo, const struct sockaddr *sa,
    uint32_t *asn, char country[4])
{
    int                     rc;
    ngx_uint_t              i;
    ngx_debar_geo_file_t  **files, *file;
    MMDB_lookup_result_s    result;

    *asn = 0;
    country[0] = '\0';

    files = geo->files.elts;

    for (i = 0; i < geo->files.nelts; i++) {
        file = files[i];

        if (!(file->asn && *asn == 0)
            && !(file->country && country[0] == '\0'))
        {
            continue;
        }

        result = MMDB_lookup_sockaddr(&file->mmdb, sa, &rc);

        if (rc != MMDB_SUCCESS || !result.found_entry) {
            continue;
        }

        if (file->asn && *asn == 0) {
            (void) ngx_debar_geo_asn(&result.entry, asn);
        }

        if (file->country && country[0] == '\0') {
            (void) ngx_debar_geo_country(&result.entry, country);
        }
    }
}


/* Both return a status of libmaxminddb; the value is set on MMDB_SUCCESS. */

static int
ngx_debar_geo_asn(MMDB_entry_s *entry, uint32_t *asn)
{
    int                rc;
    MMDB_entry_data_s  data;

    rc = MMDB_get_value(entry, &data, "autonomous_system_number", NULL);

    if (rc != MMDB_SUCCESS) {
        return rc;
    }

    if (!data.has_data || data.type != MMDB_DATA_TYPE_UINT32) {
        return MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR;
    }

    *asn = data.uint32;

    return MMDB_SUCCESS;
}


static int
ngx_debar_geo_country(MMDB_entry_s *entry, char country[4])
{
    int  rc;

    rc = ngx_debar_geo_iso_code(entry, "country", country);

    if (rc == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) {

        /* where users cannot be placed, who registered the block is known */

        rc = ngx_debar_geo_iso_code(entry, "registered_country", country);
    }

    return rc;
}


static int
ngx_debar_geo_iso_code(MMDB_entry_s *entry, const char *key, char country[4])
{
    int                rc;
    MMDB_entry_data_s  data;

    rc = MMDB_get_value(entry, &data, key, "iso_code", NULL);

    if (rc != MMDB_SUCCESS) {
        return rc;
    }

    if (!data.has_data
        || data.type != MMDB_DATA_TYPE_UTF8_STRING
        || data.data_size != 2)
    {
        return MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR;
    }

    country[0] = (char) ngx_toupper(data.utf8_string[0]);
    country[1] = (char) ngx_toupper(data.utf8_string[1]);
    country[2] = '\0';

    return MMDB_SUCCESS;
}


ngx_debar_geo_t *
ngx_debar_geo_create(ngx_conf_t *cf)
{
    ngx_debar_geo_t     *geo;
    ngx_pool_cleanup_t  *cln;

    geo = ngx_pcalloc(cf->pool, sizeof(ngx_debar_geo_t));
    if (geo == NULL) {
        return NULL;
    }

    if (ngx_array_init(&geo->files, cf->pool, 2,
                       sizeof(ngx_debar_geo_file_t *))
        != NGX_OK)
    {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_debar_geo_cleanup;
    cln->data = geo;

    return geo;
}


char *
ngx_debar_geo_add(ngx_conf_t *cf, ngx_debar_geo_t *geo, ngx_str_t *path)
{
    int                     rc;
    ngx_err_t               err;
    ngx_str_t               name;
    ngx_uint_t              i;
    const char             *why;
    ngx_debar_geo_file_t  **slot, **files, *file;

    name = *path;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    files = geo->files.elts;

    for (i = 0; i < geo->files.nelts; i++) {
        if (files[i]->path.len == name.len
            && ngx_strncmp(files[i]->path.data, name.data, name.len) == 0)
        {
            return "names a file that was given before";
        }
    }

    file = ngx_pcalloc(cf->pool, sizeof(ngx_debar_geo_file_t));
    if (file == NULL) {
        return NGX_CONF_ERROR;
    }

    file->path = name;

    rc = MMDB_open((char *) name.data, MMDB_MODE_MMAP, &file->mmdb);
    err = (rc == MMDB_FILE_OPEN_ERROR || rc == MMDB_IO_ERROR) ? ngx_errno : 0;

    if (rc != MMDB_SUCCESS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                           "cannot use \"%s\" for addresses: %s; put a whole "
                           "GeoLite2-ASN or GeoLite2-Country file there "
                           "(.mmdb), or take the directive out",
                           name.data, MMDB_strerror(rc));
        return NGX_CONF_ERROR;
    }

    why = ngx_debar_geo_verify(file);

    if (why != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cannot use \"%s\" for addresses: %s; put a whole "
                           "GeoLite2-ASN or GeoLite2-Country file there "
                           "(.mmdb), or take the directive out",
                           name.data, why);
        MMDB_close(&file->mmdb);
        return NGX_CONF_ERROR;
    }

    slot = ngx_array_push(&geo->files);
    if (slot == NULL) {
        MMDB_close(&file->mmdb);
        return NGX_CONF_ERROR;
    }

    *slot = file;

    return NGX_CONF_OK;
}


/*
 * MMDB_open() reads the metadata only.  Here the whole tree is walked (20 ms
 * for a million nodes) and a sample of the records decoded, so that a damaged
 * file is found by `nginx -t` and not by addresses that turn out unknown.
 */

static const char *
ngx_debar_geo_verify(ngx_debar_geo_file_t *file)
{
    int                 rc;
    uint32_t            i, n, step;
    MMDB_search_node_s  node;

    n = file->mmdb.metadata.node_count;
    step = n / NGX_DEBAR_GEO_SAMPLES + 1;

    for (i = 0; i < n; i++) {

        rc = MMDB_read_node(&file->mmdb, i, &node);

        if (rc == MMDB_SUCCESS
            && (node.left_record_type == MMDB_RECORD_TYPE_INVALID
                || node.right_record_type == MMDB_RECORD_TYPE_INVALID))
        {
            rc = MMDB_CORRUPT_SEARCH_TREE_ERROR;
        }

        if (rc == MMDB_SUCCESS && i % step == 0) {
            rc = ngx_debar_geo_verify_record(file, node.left_record_type,
                                             &node.left_record_entry);
        }

        if (rc == MMDB_SUCCESS && i % step == 0) {
            rc = ngx_debar_geo_verify_record(file, node.right_record_type,
                                             &node.right_record_entry);
        }

        if (rc != MMDB_SUCCESS) {
            return MMDB_strerror(rc);
        }
    }

    if (!file->asn && !file->country) {
        return "its records hold neither \"autonomous_system_number\" nor "
               "\"country\"";
    }

    return NULL;
}


static int
ngx_debar_geo_verify_record(ngx_debar_geo_file_t *file, uint8_t type,
    MMDB_entry_s *entry)
{
    int       rc;
    char      country[4];
    uint32_t  asn;

    if (type != MMDB_RECORD_TYPE_DATA) {
        return MMDB_SUCCESS;
    }

    rc = ngx_debar_geo_asn(entry, &asn);

    if (rc == MMDB_SUCCESS) {
        file->asn = 1;

    } else if (rc != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) {
        return rc;
    }

    rc = ngx_debar_geo_country(entry, country);

    if (rc == MMDB_SUCCESS) {
        file->country = 1;

    } else if (rc != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) {
        return rc;
    }

    return MMDB_SUCCESS;
}


static void
ngx_debar_geo_cleanup(void *data)
{
    ngx_debar_geo_t  *geo = data;

    ngx_uint_t              i;
    ngx_debar_geo_file_t  **files;

    files = geo->files.elts;

    for (i = 0; i < geo->files.nelts; i++) {
        MMDB_close(&files[i]->mmdb);
    }
}

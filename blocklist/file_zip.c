/*
 * What a ZIP is more exactly, and who signed it.  What it says of itself is in
 * members of it (file_metadata.c), what is packed in it in file_archive.c.
 */

#include "file_zip.h"


/* The first row fits whose both members are there; "*" before a name: how one
 * ends, behind it: how one begins. */

typedef struct {
    unsigned     type;
    const char  *member;
    const char  *also;
} debar_zip_kind_t;

static const debar_zip_kind_t  debar_zip_kinds[] = {
    { DEBAR_FILE_APK, "AndroidManifest.xml", NULL },
    { DEBAR_FILE_APK, "base/manifest/AndroidManifest.xml", NULL },
    { DEBAR_FILE_APPX, "AppxManifest.xml", NULL },
    { DEBAR_FILE_APPX, "AppxMetadata/AppxBundleManifest.xml", NULL },
    { DEBAR_FILE_OFFICE, "[Content_Types].xml", "word/*" },
    { DEBAR_FILE_OFFICE, "[Content_Types].xml", "xl/*" },
    { DEBAR_FILE_OFFICE, "[Content_Types].xml", "ppt/*" },
    { DEBAR_FILE_OFFICE, "[Content_Types].xml", "visio/*" },
    { DEBAR_FILE_OFFICE, "mimetype", "META-INF/manifest.xml" },
    { DEBAR_FILE_OFFICE, "mimetype", "META-INF/container.xml" },
    { DEBAR_FILE_NUPKG, "*.nuspec", "_rels/.rels" },
    { DEBAR_FILE_NUPKG, "*.nuspec", "[Content_Types].xml" },
    { DEBAR_FILE_NUPKG, "*.nuspec", ".signature.p7s" },
    { DEBAR_FILE_NUPKG, "extension.vsixmanifest", NULL },
    { DEBAR_FILE_WHEEL, "*.dist-info/METADATA", "*.dist-info/WHEEL" },
    { DEBAR_FILE_WHEEL, "EGG-INFO/PKG-INFO", NULL },
    { DEBAR_FILE_XPI, "META-INF/mozilla.rsa", NULL },
    { DEBAR_FILE_XPI, "META-INF/cose.sig", NULL },
    { DEBAR_FILE_XPI, "install.rdf", NULL },
    { DEBAR_FILE_JAR, "META-INF/MANIFEST.MF", NULL },
    { DEBAR_FILE_ZIP, NULL, NULL }
};


static unsigned debar_zip_type(const debar_zip_t *z);
static int debar_zip_has(const debar_zip_t *z, const char *name);


int
debar_file_read_zip(debar_reader_t *rd)
{
    int          rc;
    unsigned     type;
    debar_zip_t  z;

    rc = DEBAR_OK;

    if (debar_zip_open(&z, rd) == DEBAR_OK) {
        type = debar_zip_type(&z);

        if (type != DEBAR_FILE_ZIP) {
            debar_reader_type(rd, type);
        }

        rc = debar_zip_apk(&z);

        if (rc == DEBAR_OK) {
            rc = debar_zip_nuget(&z);
        }

        if (rc == DEBAR_OK) {
            rc = debar_zip_appx(&z);
        }

        if (rc == DEBAR_OK) {
            rc = debar_zip_cose(&z);
        }

        if (rc == DEBAR_OK) {
            rc = debar_zip_jar(&z, type == DEBAR_FILE_APK ? "apk-v1"
                                   : type == DEBAR_FILE_XPI ? "xpi" : "jar");
        }
    }

    debar_zip_close(&z);

    return rc;
}


static unsigned
debar_zip_type(const debar_zip_t *z)
{
    const debar_zip_kind_t  *k;

    for (k = debar_zip_kinds; k->member != NULL; k++) {
        if (debar_zip_has(z, k->member)
            && (k->also == NULL || debar_zip_has(z, k->also)))
        {
            break;
        }
    }

    return k->type;
}


static int
debar_zip_has(const debar_zip_t *z, const char *name)
{
    size_t              i, n;
    const debar_str_t  *s;

    n = strlen(name);

    if (name[0] != '*' && name[n - 1] != '*') {
        return debar_zip_find(z, name, n) != NULL;
    }

    for (i = 0; i < z->n; i++) {
        s = &z->entries[i].name;

        if (s->len >= n - 1
            && memcmp(name[0] == '*' ? s->data + s->len - (n - 1) : s->data,
                      name[0] == '*' ? name + 1 : name, n - 1) == 0)
        {
            return 1;
        }
    }

    return 0;
}

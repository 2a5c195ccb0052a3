/*
 * The files in which packages say what they are, by name, and what is told of
 * what they say, by the way to it.
 */

#include "file_metadata.h"


const debar_metadata_name_t  debar_metadata_names[] = {
    { "package.json", DEBAR_METADATA_NPM },
    { "manifest.json", DEBAR_METADATA_WEBEXT },
    { "*.nuspec", DEBAR_METADATA_NUSPEC },
    { "AppxManifest.xml", DEBAR_METADATA_APPX },
    { "AppxBundleManifest.xml", DEBAR_METADATA_APPX },
    { "install.rdf", DEBAR_METADATA_RDF },
    { "pom.xml", DEBAR_METADATA_POM },
    { "*.pom", DEBAR_METADATA_POM },
    { "Info.plist", DEBAR_METADATA_PLIST },
    { "iTunesMetadata.plist", DEBAR_METADATA_PLIST },
    { "extension.vsixmanifest", DEBAR_METADATA_VSIX },
    { "PKG-INFO", DEBAR_METADATA_PYTHON },
    { "METADATA", DEBAR_METADATA_PYTHON },
    { "*.metadata", DEBAR_METADATA_PYTHON },
    { "control", DEBAR_METADATA_CONTROL },
    { "*.dsc", DEBAR_METADATA_CONTROL },
    { "pom.properties", DEBAR_METADATA_PROPERTIES },
    { "MANIFEST.MF", DEBAR_METADATA_MANIFEST },
    { "AndroidManifest.xml", DEBAR_METADATA_ANDROID }
};

const size_t  debar_metadata_nnames = sizeof(debar_metadata_names)
                                      / sizeof(debar_metadata_names[0]);

#define debar_maker    DEBAR_SAYS_MAKER
#define debar_product  DEBAR_SAYS_PRODUCT
#define debar_version  DEBAR_SAYS_VERSION
#define debar_says     DEBAR_SAYS_TEXT

const debar_metadata_row_t  debar_metadata_rows[] = {
    { DEBAR_METADATA_NPM, "name", "name", debar_product, "npm" },
    { DEBAR_METADATA_NPM, "displayName", "displayName", debar_product, NULL },
    { DEBAR_METADATA_NPM, "productName", "productName", debar_product, NULL },
    { DEBAR_METADATA_NPM, "version", "version", debar_version, NULL },
    { DEBAR_METADATA_NPM, "author", "author", debar_maker, NULL },
    { DEBAR_METADATA_NPM, "author/name", "author", debar_maker, NULL },
    { DEBAR_METADATA_NPM, "publisher", "publisher", debar_maker, NULL },
    { DEBAR_METADATA_NPM, "maintainers", "maintainers", debar_maker, NULL },
    { DEBAR_METADATA_NPM, "maintainers/name", "maintainers", debar_maker,
      NULL },

    { DEBAR_METADATA_WEBEXT, "browser_specific_settings/gecko/id", "id",
      debar_says, "firefox" },
    { DEBAR_METADATA_WEBEXT, "applications/gecko/id", "id", debar_says,
      "firefox" },
    { DEBAR_METADATA_WEBEXT, "name", "name", debar_product, NULL },
    { DEBAR_METADATA_WEBEXT, "version", "version", debar_version, NULL },
    { DEBAR_METADATA_WEBEXT, "author", "author", debar_maker, NULL },
    { DEBAR_METADATA_WEBEXT, "developer/name", "developer", debar_maker,
      NULL },

    /* the public key, which makes an extension's identifier (Chrome) */

    { DEBAR_METADATA_WEBEXT, "key", NULL, 0, "chrome" },

    { DEBAR_METADATA_NUSPEC, "package/metadata/id", "id", debar_product,
      "nuget" },
    { DEBAR_METADATA_NUSPEC, "package/metadata/id", NULL, 0, "chocolatey" },
    { DEBAR_METADATA_NUSPEC, "package/metadata/title", "title", debar_product,
      NULL },
    { DEBAR_METADATA_NUSPEC, "package/metadata/version", "version",
      debar_version, NULL },
    { DEBAR_METADATA_NUSPEC, "package/metadata/authors", "authors",
      debar_maker, NULL },
    { DEBAR_METADATA_NUSPEC, "package/metadata/owners", "owners", debar_maker,
      NULL },
    { DEBAR_METADATA_NUSPEC, "package/metadata/copyright", "copyright",
      debar_says, NULL },

    { DEBAR_METADATA_APPX, "Package/Identity/@Name", "Name", debar_product,
      "windows" },
    { DEBAR_METADATA_APPX, "Bundle/Identity/@Name", "Name", debar_product,
      "windows" },
    { DEBAR_METADATA_APPX, "Package/Identity/@Publisher", "Publisher",
      debar_maker, NULL },
    { DEBAR_METADATA_APPX, "Bundle/Identity/@Publisher", "Publisher",
      debar_maker, NULL },
    { DEBAR_METADATA_APPX, "Package/Identity/@Version", "Version",
      debar_version, NULL },
    { DEBAR_METADATA_APPX, "Package/Properties/PublisherDisplayName",
      "PublisherDisplayName", debar_maker, NULL },
    { DEBAR_METADATA_APPX, "Package/Properties/DisplayName", "DisplayName",
      debar_product, NULL },

    { DEBAR_METADATA_RDF, "RDF/Description/id", "id", debar_says, "firefox" },
    { DEBAR_METADATA_RDF, "RDF/Description/@id", "id", debar_says, "firefox" },
    { DEBAR_METADATA_RDF, "RDF/Description/name", "name", debar_product,
      NULL },
    { DEBAR_METADATA_RDF, "RDF/Description/@name", "name", debar_product,
      NULL },
    { DEBAR_METADATA_RDF, "RDF/Description/creator", "creator", debar_maker,
      NULL },
    { DEBAR_METADATA_RDF, "RDF/Description/@creator", "creator", debar_maker,
      NULL },

    { DEBAR_METADATA_POM, "project/groupId", "groupId", debar_says, NULL },
    { DEBAR_METADATA_POM, "project/parent/groupId", NULL, 0, NULL },
    { DEBAR_METADATA_POM, "project/artifactId", "artifactId", debar_product,
      NULL },
    { DEBAR_METADATA_POM, "project/name", "name", debar_product, NULL },
    { DEBAR_METADATA_POM, "project/version", "version", debar_version, NULL },
    { DEBAR_METADATA_POM, "project/organization/name", "organization",
      debar_maker, NULL },

    { DEBAR_METADATA_PLIST, "CFBundleIdentifier", "CFBundleIdentifier",
      debar_says, "apple" },
    { DEBAR_METADATA_PLIST, "softwareVersionBundleId",
      "softwareVersionBundleId", debar_says, "apple" },
    { DEBAR_METADATA_PLIST, "CFBundleName", "CFBundleName", debar_product,
      NULL },
    { DEBAR_METADATA_PLIST, "CFBundleDisplayName", "CFBundleDisplayName",
      debar_product, NULL },
    { DEBAR_METADATA_PLIST, "itemName", "itemName", debar_product, NULL },
    { DEBAR_METADATA_PLIST, "artistName", "artistName", debar_maker, NULL },
    { DEBAR_METADATA_PLIST, "CFBundleShortVersionString",
      "CFBundleShortVersionString", debar_version, NULL },
    { DEBAR_METADATA_PLIST, "NSHumanReadableCopyright",
      "NSHumanReadableCopyright", debar_says, NULL },

    { DEBAR_METADATA_VSIX, "PackageManifest/Metadata/Identity/@Publisher",
      "Publisher", debar_maker, NULL },
    { DEBAR_METADATA_VSIX, "PackageManifest/Metadata/DisplayName",
      "DisplayName", debar_product, NULL },

    /* what `docker save` and a layout of OCI say of their images: names */

    { DEBAR_METADATA_WEBEXT, "RepoTags", "RepoTags", debar_product, "docker" },
    { DEBAR_METADATA_IMAGE, "RepoTags", "RepoTags", debar_product, "docker" },

    { DEBAR_METADATA_IMAGE, "author", "author", debar_maker, NULL },
    { DEBAR_METADATA_IMAGE, "config/Env", "Env", debar_says, NULL },

    { DEBAR_METADATA_PYTHON, "name", "Name", debar_product, "pypi" },
    { DEBAR_METADATA_PYTHON, "version", "Version", debar_version, NULL },
    { DEBAR_METADATA_PYTHON, "author", "Author", debar_maker, NULL },
    { DEBAR_METADATA_PYTHON, "author-email", "Author-email", debar_maker,
      NULL },
    { DEBAR_METADATA_PYTHON, "maintainer", "Maintainer", debar_maker, NULL },
    { DEBAR_METADATA_PYTHON, "maintainer-email", "Maintainer-email",
      debar_maker, NULL },
    { DEBAR_METADATA_PYTHON, "home-page", "Home-page", debar_says, NULL },
    { DEBAR_METADATA_PYTHON, "summary", "Summary", debar_says, NULL },

    { DEBAR_METADATA_CONTROL, "package", "Package", debar_product, "debian" },
    { DEBAR_METADATA_CONTROL, "source", "Source", debar_product, "debian" },
    { DEBAR_METADATA_CONTROL, "version", "Version", debar_version, NULL },
    { DEBAR_METADATA_CONTROL, "maintainer", "Maintainer", debar_maker, NULL },
    { DEBAR_METADATA_CONTROL, "original-maintainer", "Original-Maintainer",
      debar_maker, NULL },
    { DEBAR_METADATA_CONTROL, "vendor", "Vendor", debar_maker, NULL },
    { DEBAR_METADATA_CONTROL, "origin", "Origin", debar_maker, NULL },
    { DEBAR_METADATA_CONTROL, "homepage", "Homepage", debar_says, NULL },
    { DEBAR_METADATA_CONTROL, "description", "Description", debar_says,
      NULL },

    { DEBAR_METADATA_PROPERTIES, "groupid", "groupId", debar_says, NULL },
    { DEBAR_METADATA_PROPERTIES, "artifactid", "artifactId", debar_product,
      NULL },
    { DEBAR_METADATA_PROPERTIES, "version", "version", debar_version, NULL },

    { DEBAR_METADATA_MANIFEST, "implementation-vendor",
      "Implementation-Vendor", debar_maker, NULL },
    { DEBAR_METADATA_MANIFEST, "specification-vendor", "Specification-Vendor",
      debar_maker, NULL },
    { DEBAR_METADATA_MANIFEST, "bundle-vendor", "Bundle-Vendor", debar_maker,
      NULL },
    { DEBAR_METADATA_MANIFEST, "implementation-title", "Implementation-Title",
      debar_product, NULL },
    { DEBAR_METADATA_MANIFEST, "specification-title", "Specification-Title",
      debar_product, NULL },
    { DEBAR_METADATA_MANIFEST, "application-name", "Application-Name",
      debar_product, NULL },
    { DEBAR_METADATA_MANIFEST, "bundle-name", "Bundle-Name", debar_product,
      NULL },
    { DEBAR_METADATA_MANIFEST, "bundle-symbolicname", "Bundle-SymbolicName",
      debar_says, NULL },
    { DEBAR_METADATA_MANIFEST, "automatic-module-name",
      "Automatic-Module-Name", debar_says, NULL },

    /* what is installed, of which there is much: names and makers only */

    { DEBAR_METADATA_DPKG, "package", NULL, 0, "debian" },
    { DEBAR_METADATA_DPKG, "maintainer", "Maintainer", debar_maker, NULL },
    { DEBAR_METADATA_ALPINE, "p", NULL, 0, "alpine" },
    { DEBAR_METADATA_ALPINE, "m", "maintainer", debar_maker, NULL },

    { DEBAR_METADATA_KINDS, NULL, NULL, 0, NULL }
};

/* The labels of an image, as annotations of a manifest and of an index, too
 * (OCI image-spec, annotations.md; label-schema.org; containerd). */

const debar_metadata_row_t  debar_metadata_labels[] = {
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.vendor", "vendor",
      debar_maker, NULL },
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.authors", "authors",
      debar_maker, NULL },
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.title", "title",
      debar_product, NULL },
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.description",
      "description", debar_says, NULL },
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.source", "source",
      debar_says, NULL },
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.url", "url",
      debar_says, NULL },
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.documentation",
      "documentation", debar_says, NULL },
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.ref.name", "ref.name",
      debar_product, "docker" },
    { DEBAR_METADATA_IMAGE, "org.opencontainers.image.base.name",
      "base.name", debar_says, "docker" },
    { DEBAR_METADATA_IMAGE, "io.containerd.image.name", "image.name",
      debar_product, "docker" },
    { DEBAR_METADATA_IMAGE, "org.label-schema.vendor", "vendor", debar_maker,
      NULL },
    { DEBAR_METADATA_IMAGE, "org.label-schema.name", "name", debar_product,
      NULL },
    { DEBAR_METADATA_IMAGE, "org.label-schema.description", "description",
      debar_says, NULL },
    { DEBAR_METADATA_IMAGE, "org.label-schema.vcs-url", "source", debar_says,
      NULL },
    { DEBAR_METADATA_IMAGE, "org.label-schema.url", "url", debar_says, NULL },
    { DEBAR_METADATA_IMAGE, "maintainer", "maintainer", debar_maker, NULL },
    { DEBAR_METADATA_IMAGE, "vendor", "vendor", debar_maker, NULL },
    { DEBAR_METADATA_IMAGE, "name", "name", debar_product, NULL },
    { DEBAR_METADATA_IMAGE, "summary", "summary", debar_says, NULL },
    { DEBAR_METADATA_IMAGE, "url", "url", debar_says, NULL },
    { DEBAR_METADATA_KINDS, NULL, NULL, 0, NULL }
};

/* Where labels stand: with their names behind that. */

const debar_str_t  debar_metadata_labelled[] = {
    debar_string("config/Labels/"), debar_string("container_config/Labels/"),
    debar_string("annotations/"), debar_string("manifests/annotations/"),
    debar_string("config/annotations/"), debar_string("layers/annotations/")
};

const size_t  debar_metadata_nlabelled = sizeof(debar_metadata_labelled)
                                         / sizeof(debar_metadata_labelled[0]);

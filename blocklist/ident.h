/*
 * Identifiers of goods, files and packages: canonical forms.  Pure.
 *
 * Each returns the length written to out, or 0 where the value is not one of
 * its kind (out needs room for size bytes; what does not fit is not one).
 */

#ifndef DEBAR_IDENT_H
#define DEBAR_IDENT_H

#include "debar.h"


#define DEBAR_MAX_IDENT  256

/* Part number: letters and digits only, upper case (fullwidth and look-alike
 * forms folded), 4 bytes at least.  A "*" of a wildcard part stays. */

size_t debar_ident_part(char *out, size_t size, const char *in, size_t len);

/* GTIN-8, -12, -13, -14 with separators (space, hyphen) -> 14 digits; the
 * check digit must hold (GS1 General Specifications s.7.9). */

size_t debar_ident_gtin(char *out, size_t size, const char *in, size_t len);

/* 64 hex digits -> 32 bytes. */

size_t debar_ident_sha256(char *out, size_t size, const char *in, size_t len);

/* UEI: 12 letters and digits, no O and I, first not 0 (SAM.gov).
 * CAGE: 5 letters and digits (DLA Commercial and Government Entity code). */

size_t debar_ident_uei(char *out, size_t size, const char *in, size_t len);
size_t debar_ident_cage(char *out, size_t size, const char *in, size_t len);

/* Name of a file: what follows the last slash or backslash, decoded by the
 * caller, case folded, trailing dots and spaces dropped, NTFS streams cut. */

size_t debar_ident_file(char *out, size_t size, const char *in, size_t len);

/* "ecosystem:identifier", case folded; the braces of a GUID are left out, and
 * of images ("docker", "oci") tag, digest, "docker.io/" and "library/". */

size_t debar_ident_package(char *out, size_t size, const char *ecosystem,
    size_t elen, const char *in, size_t len);

/* Organisation in a certificate: canonical tokens (text.h). */

size_t debar_ident_org(char *out, size_t size, const char *in, size_t len);


#endif /* DEBAR_IDENT_H */

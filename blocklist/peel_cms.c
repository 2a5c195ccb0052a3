/*
 * S/MIME (RFC 8551), as AS2 has it: what was signed or compressed is a MIME
 * entity, which is read; who signed it is not our question.  What is encrypted
 * is said to be.
 */

#include <stdlib.h>

#include <openssl/cms.h>
#include <openssl/err.h>

#include "peel_private.h"


static int
debar_cms_open(debar_node_t *node)
{
    node->state = calloc(1, sizeof(debar_buf_t));

    return node->state ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_cms_push(debar_node_t *node, const char *data, size_t len)
{
    return debar_node_hold(node, node->state, data, len);
}


/* DER, or base64 of it. */

static CMS_ContentInfo *
debar_cms_read(debar_buf_t *b)
{
    char                 *plain;
    size_t                n;
    CMS_ContentInfo      *cms;
    const unsigned char  *p;

    p = (const unsigned char *) b->data;

    if (b->len && p[0] == 0x30) {
        return d2i_CMS_ContentInfo(NULL, &p, b->len);
    }

    plain = malloc(b->len + 1);
    if (plain == NULL) {
        return NULL;
    }

    n = debar_base64_value(b->data, b->len, plain, b->len);
    p = (const unsigned char *) plain;
    cms = n ? d2i_CMS_ContentInfo(NULL, &p, n) : NULL;
    free(plain);

    return cms;
}


static int
debar_cms_entity(debar_node_t *node, CMS_ContentInfo *cms, const char *coding)
{
    int                  rc;
    debar_node_t        *child;
    debar_peel_input_t   in;
    ASN1_OCTET_STRING  **content;

    content = CMS_get0_content(cms);

    if (content == NULL || *content == NULL) {
        return DEBAR_OK;              /* certificates alone */
    }

    memset(&in, 0, sizeof(in));
    in.content_type = debar_str("message/rfc822", 14);
    in.content_encoding = debar_str(coding, strlen(coding));

    rc = debar_node_child(node, debar_str("", 0), &in, &child);

    if (rc == DEBAR_OK) {
        rc = debar_child_push(child,
                              (const char *) ASN1_STRING_get0_data(*content),
                              ASN1_STRING_length(*content));
    }

    return rc != DEBAR_OK ? rc : debar_child_finish(child);
}


static int
debar_cms_finish(debar_node_t *node)
{
    int               rc;
    debar_buf_t      *b = node->state;
    CMS_ContentInfo  *cms;

    cms = debar_cms_read(b);
    ERR_clear_error();

    if (cms == NULL) {
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    switch (OBJ_obj2nid(CMS_get0_type(cms))) {

    case NID_pkcs7_signed:
    case NID_pkcs7_data:
        rc = debar_cms_entity(node, cms, "");
        break;

    case NID_id_smime_ct_compressedData:
        rc = debar_cms_entity(node, cms, "deflate");
        break;

    default:
        debar_node_bound(node, DEBAR_PEEL_SEALED);
    }

    CMS_ContentInfo_free(cms);
    ERR_clear_error();

    return rc;
}


static void
debar_cms_free(debar_node_t *node)
{
    debar_buf_t  *b = node->state;

    if (b != NULL) {
        free(b->data);
        free(b);
    }
}


const debar_reader_t  debar_reader_cms = {
    DEBAR_SYNTAX_MULTIPART,
    "pkcs7-mime",
    debar_cms_open,
    debar_cms_push,
    debar_cms_finish,
    debar_cms_free
};

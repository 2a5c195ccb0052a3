/*
 * What makes a value a secret, as data: names of fields, how keys of services
 * begin, ranges of payment cards.  A line more here is all that a new one
 * takes; t/unit/mask.c reads some of each.
 */

#ifndef DEBAR_SECRETS_H
#define DEBAR_SECRETS_H

#include <stddef.h>


#define DEBAR_MASK_NAME    96     /* bytes of a name that are looked at */
#define DEBAR_MASK_TOKEN   20     /* of the shortest key or token */
#define DEBAR_MASK_LONG    32     /* of a value that looks like chance */
#define DEBAR_MASK_CARD    13     /* digits of the shortest number of a card */

#define debar_mask_count(a)  (sizeof(a) / sizeof((a)[0]))


typedef struct {
    const char  *text;
    size_t       len;
} debar_secret_name_t;

#define debar_secret(s)  { s, sizeof(s) - 1 }


/*
 * Anywhere in a name of which case and all but letters and digits are left out:
 * "X-Amz-Security-Token", "user[new_password]", "ApiKey".  This and the next
 * two: the shortest first.
 */

static const debar_secret_name_t  debar_secret_parts[] = {
    debar_secret("token"), debar_secret("oauth"), debar_secret("passwd"),
    debar_secret("secret"), debar_secret("apikey"), debar_secret("sessid"),
    debar_secret("bearer"), debar_secret("cookie"), debar_secret("pincode"),
    debar_secret("authkey"), debar_secret("session"), debar_secret("password"),
    debar_secret("passcode"), debar_secret("passwort"),
    debar_secret("authcode"), debar_secret("usercode"),
    debar_secret("accesskey"), debar_secret("sharedkey"),
    debar_secret("masterkey"), debar_secret("signature"),
    debar_secret("assertion"), debar_secret("resetcode"),
    debar_secret("passphrase"), debar_secret("privatekey"),
    debar_secret("licensekey"), debar_secret("credential"),
    debar_secret("accesscode"), debar_secret("devicecode"),
    debar_secret("cardnumber"), debar_secret("creditcard"),
    debar_secret("authenticat"), debar_secret("samlrequest"),
    debar_secret("onetimecode"), debar_secret("samlresponse"),
    debar_secret("codeverifier"), debar_secret("securitycode"),
    debar_secret("encryptionkey"), debar_secret("authorization"),
    debar_secret("authorisation"), debar_secret("socialsecurity"),
    debar_secret("subscriptionkey"), debar_secret("verificationcode"),
};

/*
 * A word of the name, as "_", "-", "." or a capital part them: "auth" is not in
 * "author", nor "key" in "keyword".
 */

static const debar_secret_name_t  debar_secret_words[] = {
    debar_secret("pw"), debar_secret("pwd"), debar_secret("pin"),
    debar_secret("key"), debar_secret("sig"), debar_secret("sid"),
    debar_secret("jwt"), debar_secret("otp"), debar_secret("mfa"),
    debar_secret("sas"), debar_secret("cvv"), debar_secret("cvc"),
    debar_secret("ssn"), debar_secret("pass"), debar_secret("keys"),
    debar_secret("sign"), debar_secret("auth"), debar_secret("totp"),
    debar_secret("hmac"), debar_secret("cvv2"), debar_secret("csrf"),
    debar_secret("xsrf"), debar_secret("creds"), debar_secret("ticket"),
};

/* The whole name: "zip_code" and "product-code" are none. */

static const debar_secret_name_t  debar_secret_names[] = {
    debar_secret("pan"), debar_secret("code"),
};


/* How keys begin that services hand out, and the least length of the whole. */

#define debar_secret_key(s, min)  { s, sizeof(s) - 1, min }

static const struct {
    const char  *text;
    size_t       len;
    size_t       min;
} debar_secret_keys[] = {
    debar_secret_key("AKIA", 20), debar_secret_key("ASIA", 20),
    debar_secret_key("AROA", 20), debar_secret_key("AIza", 35),
    debar_secret_key("ya29.", 20), debar_secret_key("GOCSPX-", 24),
    debar_secret_key("ghp_", 36), debar_secret_key("gho_", 36),
    debar_secret_key("ghu_", 36), debar_secret_key("ghs_", 36),
    debar_secret_key("ghr_", 36), debar_secret_key("github_pat_", 30),
    debar_secret_key("glpat-", 20), debar_secret_key("gldt-", 20),
    debar_secret_key("glrt-", 20), debar_secret_key("xoxb-", 20),
    debar_secret_key("xoxp-", 20), debar_secret_key("xoxa-", 20),
    debar_secret_key("xoxr-", 20), debar_secret_key("xoxs-", 20),
    debar_secret_key("xapp-", 20), debar_secret_key("sk_live_", 20),
    debar_secret_key("sk_test_", 20), debar_secret_key("rk_live_", 20),
    debar_secret_key("rk_test_", 20), debar_secret_key("pk_live_", 20),
    debar_secret_key("whsec_", 20), debar_secret_key("sk-", 32),
    debar_secret_key("SG.", 40), debar_secret_key("key-", 36),
    debar_secret_key("npm_", 36), debar_secret_key("pypi-", 40),
    debar_secret_key("hf_", 30), debar_secret_key("dop_v1_", 40),
    debar_secret_key("shpat_", 32), debar_secret_key("sq0atp-", 22),
    debar_secret_key("sq0csp-", 22), debar_secret_key("EAACEdEose0cBA", 20),
    debar_secret_key("dckr_pat_", 24), debar_secret_key("hvs.", 24),
    debar_secret_key("AGE-SECRET-KEY-", 40),
};


/* Numbers of payment cards: the first six digits, and how many there may be. */

static const struct {
    unsigned  first;
    unsigned  last;
    unsigned  min;
    unsigned  max;
} debar_secret_cards[] = {
    { 400000, 499999, 13, 19 },
    { 510000, 559999, 16, 16 },
    { 222100, 272099, 16, 16 },
    { 340000, 349999, 15, 15 },
    { 370000, 379999, 15, 15 },
    { 300000, 305999, 14, 19 },
    { 309500, 309599, 14, 19 },
    { 360000, 369999, 14, 19 },
    { 380000, 399999, 14, 19 },
    { 352800, 358999, 16, 19 },
    { 601100, 601199, 16, 19 },
    { 620000, 629999, 16, 19 },
    { 644000, 659999, 16, 19 },
    { 220000, 220499, 16, 19 },
    { 500000, 509999, 16, 19 },
    { 560000, 589999, 16, 19 },
    { 630000, 639999, 16, 19 },
    { 670000, 679999, 16, 19 },
};


#endif /* DEBAR_SECRETS_H */

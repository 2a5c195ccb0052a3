/*
 * What makes a value a secret, as data: names of fields, how keys of services
 * begin, ranges of payment cards.  A line more here is all that a new one
 * takes; t/unit/mask.c reads some of each.
 */

#ifndef DEBAR_SECRETS_H
#define DEBAR_SECRETS_H


/*
 * Anywhere in a name of which case and all but letters and digits are left out:
 * "X-Amz-Security-Token", "user[new_password]", "ApiKey".
 */

static const char  *const debar_secret_parts[] = {
    "password", "passwd", "passphrase", "passcode", "passwort", "pincode",
    "token", "secret", "apikey", "accesskey", "authkey", "privatekey",
    "sharedkey", "masterkey", "encryptionkey", "licensekey", "subscriptionkey",
    "session", "sessid", "signature", "credential", "authorization",
    "authorisation", "authenticat", "assertion", "oauth", "bearer",
    "samlresponse", "samlrequest", "authcode", "accesscode", "verificationcode",
    "devicecode", "usercode", "codeverifier", "securitycode", "resetcode",
    "onetimecode", "cardnumber", "creditcard", "socialsecurity", "cookie",
};

/*
 * A word of the name, as "_", "-", "." or a capital part them: "auth" is not in
 * "author", nor "key" in "keyword".
 */

static const char  *const debar_secret_words[] = {
    "pwd", "pass", "pw", "pin", "key", "keys", "sig", "sign", "sid", "auth",
    "jwt", "otp", "totp", "mfa", "sas", "hmac", "cvv", "cvc", "cvv2", "ssn",
    "creds", "csrf", "xsrf", "ticket",
};

/* The whole name: "zip_code" and "product-code" are none. */

static const char  *const debar_secret_names[] = {
    "code", "pan",
};


/* How keys begin that services hand out, and the least length of the whole. */

static const struct {
    const char  *text;
    unsigned     len;
} debar_secret_keys[] = {
    { "AKIA", 20 },        { "ASIA", 20 },        { "AROA", 20 },
    { "AIza", 35 },        { "ya29.", 20 },       { "GOCSPX-", 24 },
    { "ghp_", 36 },        { "gho_", 36 },        { "ghu_", 36 },
    { "ghs_", 36 },        { "ghr_", 36 },        { "github_pat_", 30 },
    { "glpat-", 20 },      { "gldt-", 20 },       { "glrt-", 20 },
    { "xoxb-", 20 },       { "xoxp-", 20 },       { "xoxa-", 20 },
    { "xoxr-", 20 },       { "xoxs-", 20 },       { "xapp-", 20 },
    { "sk_live_", 20 },    { "sk_test_", 20 },    { "rk_live_", 20 },
    { "rk_test_", 20 },    { "pk_live_", 20 },    { "whsec_", 20 },
    { "sk-", 32 },         { "SG.", 40 },         { "key-", 36 },
    { "npm_", 36 },        { "pypi-", 40 },       { "hf_", 30 },
    { "dop_v1_", 40 },     { "shpat_", 32 },      { "sq0atp-", 22 },
    { "sq0csp-", 22 },     { "EAACEdEose0cBA", 20 }, { "dckr_pat_", 24 },
    { "hvs.", 24 },        { "AGE-SECRET-KEY-", 40 },
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

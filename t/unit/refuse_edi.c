/*
 * Orders by EDI refused in their own format: judged as a body is, answered, and
 * the answer compared and read back by what reads orders.
 */

#include "fixture.h"
#include "body.h"
#include "refuse_edi.h"
#include "peeled.h"


static char           folder[] = "/tmp/debar-refuse-XXXXXX";
static debar_list_t  *list;
static char           answer[65536];


static const char  list_yaml[] =
    "title: Test list\n"
    "publisher: Tests\n"
    "timezone: UTC\n"
    "serial: 1\n"
    "authorities:\n"
    "  law:\n"
    "    title: A law\n"
    "    phases:\n"
    "      - {from: 2018-10-01, browse: log, acquire: block, download: block,"
    " update: block}\n";

static const char  acme_yaml[] =
    "id: acme\n"
    "name: Acme Corporation\n"
    "authorities: [law]\n"
    "names:\n"
    "  - {text: Acmesoft, match: anywhere}\n"
    "part-numbers: [AC4711XY]\n";

#define INCIDENT        "00000000000000000000000000012d68"   /* 77160 */
#define INCIDENT_UPPER  "00000000000000000000000000012D68"

#define ISA(version, body)                                                    \
    "ISA*00*          *00*          *ZZ*AGENCY         *01*RESELLER       "    \
    "*260318*1415*U*00401*000000731*0*P*>~\n"                                 \
    "GS*PO*AGY*RSL*20260318*1415*731*X*" version "~\n" body "GE*1*731~\n"     \
    "IEA*1*000000731~\n"

#define ISA_BACK                                                              \
    "ISA*00*          *00*          *01*RESELLER       *ZZ*AGENCY         "    \
    "*260402*0911*U*00401*000077160*0*P*>~"

#define TEXTS  "N9*L1*REFUSAL~MSG*Not to be bought.~MSG*Incident: 12d68.~"

#define UNB(syntax, type, bgm, body)                                          \
    "UNB+" syntax "+A:14+B:14:X+260318:1415+1++ORDERS'UNH+7+" type            \
    "'BGM+" bgm "'NAD+BY+579::9'NAD+SU+401::9++Name'" body "UNS+S'UNT+9+7'"   \
    "UNZ+1+1'"


static int
on_event(void *data, const debar_peel_event_t *ev)
{
    debar_edi_event(data, ev);

    return DEBAR_OK;
}


static int
on_found(void *data, const debar_line_t *line)
{
    debar_edi_found(data, line);

    return DEBAR_OK;
}


static size_t
refuse(const char *type, const char *body, size_t step, const char *text,
    const char *second, size_t size)
{
    size_t                i, n, len;
    debar_body_t         *b;
    debar_facts_t         f;
    debar_verdict_t       v;
    debar_edi_order_t     o;
    debar_peel_input_t    in;
    debar_body_trace_t    trace;
    debar_edi_refusal_t   rf;

    memset(&f, 0, sizeof(f));
    memset(&in, 0, sizeof(in));
    memset(&o, 0, sizeof(o));
    memset(&rf, 0, sizeof(rf));
    memset(&trace, 0, sizeof(trace));
    memset(answer, 0, sizeof(answer));

    f.method = debar_str("POST", 4);
    f.scheme = debar_str("https", 5);
    f.authority = debar_str("edi.example", 11);
    f.target = debar_str("/as2", 4);
    f.now = 1774000000;
    in.name = debar_str("body", 4);
    in.content_type = debar_str(type, strlen(type));
    trace.event = on_event;
    trace.found = on_found;
    trace.data = &o;

    debar_judge(list, &f, &v);
    b = debar_body_new(list, &f, &v, &in, NULL, &trace);
    len = strlen(body);

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;

        if (debar_body_push(b, body + i, n) == DEBAR_DECLINED) {
            break;
        }
    }

    debar_body_finish(b, &v);
    debar_body_free(b);

    if (v.verdict != DEBAR_BLOCK) {
        return 0;
    }

    rf.incident = debar_str(INCIDENT, 32);
    rf.now = 1775121060;                  /* 2026-04-02 09:11 */
    rf.lines[0] = debar_body_line(&v);
    rf.nlines = rf.lines[0] != 0;

    for (i = 0; i < v.nevidence && rf.nlines < DEBAR_EDI_LINES; i++) {
        if (sscanf(v.evidence[i].where, "body:line[%u]", &rf.lines[rf.nlines])
            == 1
            && rf.lines[rf.nlines] != rf.lines[rf.nlines - 1])
        {
            rf.nlines++;
        }
    }

    rf.texts[0] = debar_str(text, strlen(text));
    rf.ntexts = 1;

    if (second) {
        rf.texts[rf.ntexts++] = debar_str(second, strlen(second));
    }

    return debar_edi_refuse(&o, &rf, answer, size);
}


static void
answered(const char *body, const char *want, const char *claim)
{
    size_t  i, n;

    static const size_t  steps[] = { 1000000, 1, 7 };

    for (i = 0; i < 3; i++) {
        n = refuse("application/octet-stream", body, steps[i],
                   "Not to be bought.", "Incident: 12d68.", sizeof(answer));

        if (n != strlen(want) || strcmp(answer, want) != 0) {
            ok(0, "%s, in pieces of %zu", claim, steps[i]);
            printf("#      got: %s\n#   wanted: %s\n", answer, want);
            return;
        }
    }

    ok(1, "%s", claim);
}


static void
x12(void)
{
    answered(ISA("004010", "ST*850*0001~\nBEG*00*SA*4500-1**20260318~\n"
                 "PO1*1*40*EA*1249*PE*VN*900*MG*210-BLVX~\nPID*F****LAPTOP~\n"
                 "PO1*20*12*EA*60**MG*AC4711XY*VN*9~\nPID*F****LICENSE~\n"
                 "CTT*2~\nSE*7*0001~\n"),
             ISA_BACK "GS*PR*RSL*AGY*20260402*0911*77160*X*004010~"
             "ST*855*0001~BAK*00*RD*4500-1*20260318*****20260402~" TEXTS
             "PO1*20*12*EA*60**MG*AC4711XY*VN*9~ACK*IR*12*EA~" TEXTS
             "CTT*1~SE*12*0001~GE*1*77160~IEA*1*000077160~",
             "850: an 855 that rejects it, with the line that is listed");

    answered(ISA("005010", "ST*860*0001~\nBCH*04*SA*4500-1*R1*3*20260318~\n"
                 "POC*1*AI*10*10*EA*45.00**MG*AC4711XY~\nSE*4*0001~\n"),
             ISA_BACK "GS*CA*RSL*AGY*20260402*0911*77160*X*005010~"
             "ST*865*0001~BCA*00*RD*4500-1*R1*3*20260318****20260402~" TEXTS
             "POC*1*AI*10*10*EA*45.00**MG*AC4711XY~ACK*IR*10*EA~" TEXTS
             "CTT*1~SE*12*0001~GE*1*77160~IEA*1*000077160~",
             "860: an 865");

    answered(ISA("004010", "ST*850*0001~\nBEG*00*SA*1~\nPO1*1*4*EA*9**VN*1~\n"
                 "SE*4*0001~\nST*850*0002~\nBEG*00*SA*2*R7*20260317~\n"
                 "PO1*1*2*EA*9**MF*ACMESOFT~\nPO1**3**9**MF*DELL~\n"
                 "PO1***EA*9**MG*AC4711XY~\nSE*6*0002~\n"),
             ISA_BACK "GS*PR*RSL*AGY*20260402*0911*77160*X*004010~"
             "ST*855*0001~BAK*00*RD*2*20260317*R7****20260402~" TEXTS
             "PO1*1*2*EA*9**MF*ACMESOFT~ACK*IR*2*EA~" TEXTS
             "PO1***EA*9**MG*AC4711XY~ACK*IR~" TEXTS
             "CTT*2~SE*17*0001~GE*1*77160~IEA*1*000077160~",
             "two orders: the one with the lines, and both of them");

    answered("ISA|00|          |00|          |ZZ|A              |ZZ|B      "
             "        |260318|1415|^|00501|000000731|0|T|:\n"
             "GS|PO|A|B|260318|1415|7|X|005010\nST|850|1\n"
             "BEG|00|NE|9||260318\nPO1|1|1|EA|1||PD|ACMESOFT\n"
             "SE|4|1\nGE|1|7\nIEA|1|000000731\n",
             "ISA|00|          |00|          |ZZ|B              |ZZ|A      "
             "        |260402|0911|^|00501|000077160|0|T|:\n"
             "GS|PR|B|A|260402|0911|77160|X|005010\nST|855|0001\n"
             "BAK|00|RD|9|260318|||||260402\n"
             "N9|L1|REFUSAL\nMSG|Not to be bought.\nMSG|Incident  12d68.\n"
             "PO1|1|1|EA|1||PD|ACMESOFT\nACK|IR|1|EA\n"
             "N9|L1|REFUSAL\nMSG|Not to be bought.\nMSG|Incident  12d68.\n"
             "CTT|1\nSE|12|0001\nGE|1|77160\nIEA|1|000077160\n",
             "other separators: a blank where one of them stands in a text");
}


static void
edifact(void)
{
    answered("UNA:+.? '" UNB("UNOC:3", "ORDERS:D:96A:UN:EAN008",
                             "220+PO?+1+9",
                             "LIN+1++506:EN'QTY+21:1'LIN+3++?'507:EN'"
                             "PIA+5+AC4711XY:MF+9:SA'QTY+21:100:PCE'"),
             "UNA:+.? 'UNB+UNOC:3+B:14:X+A:14+260402:0911+000077160'"
             "UNH+1+ORDRSP:D:96A:UN:EAN005'BGM+231+" INCIDENT "+27'"
             "DTM+137:202604020911:203'FTX+AAO+++Not to be bought.'"
             "FTX+AAO+++Incident?: 12d68.'RFF+ON:PO?+1'NAD+BY+579::9'"
             "NAD+SU+401::9'LIN+3+7+?'507:EN'PIA+5+AC4711XY:MF+9:SA'"
             "QTY+21:100:PCE'FTX+AAO+++Not to be bought.'"
             "FTX+AAO+++Incident?: 12d68.'UNS+S'CNT+2:1'UNT+16+1'"
             "UNZ+1+000077160'",
             "ORDERS: an ORDRSP that does not accept it");

    answered(UNB("UNOA:4", "ORDCHG:D:01B:UN", "230+C9+4",
                 "RFF+CT:8'RFF+ON:PO77'LIN+1+1'IMD+F++:::Acmesoft'"),
             "UNB+UNOA:4+B:14:X+A:14+260402:0911+000077160'"
             "UNH+1+ORDRSP:D:01B:UN'BGM+231+" INCIDENT_UPPER "+27'"
             "DTM+137:202604020911:203'FTX+AAO+++NOT TO BE BOUGHT.'"
             "FTX+AAO+++INCIDENT?: 12D68.'RFF+ON:PO77'RFF+PP:C9'"
             "NAD+BY+579::9'NAD+SU+401::9'LIN+1+7'"
             "FTX+AAO+++NOT TO BE BOUGHT.'FTX+AAO+++INCIDENT?: 12D68.'"
             "UNS+S'CNT+2:1'UNT+15+1'UNZ+1+000077160'",
             "ORDCHG in UNOA: capitals, the order's number and its own");

    answered("UNA|*,\\^~" "UNB*UNOB|4*A*B*20260318|1415*1******1~"
             "UNH*1*ORDERS|D|01B|UN|EAN010~BGM*220*5*9~LIN*1~"
             "IMD*F**|||Acmesoft~UNS*S~UNT*6*1~UNZ*1*1~",
             "UNA|*,\\^~" "UNB*UNOB|4*B*A*20260402|0911*000077160******1~"
             "UNH*1*ORDRSP|D|01B|UN|EAN009~BGM*231*" INCIDENT "*27~"
             "DTM*137|202604020911|203~FTX*AAO***Not to be bought.~"
             "FTX*AAO***Incident: 12d68.~RFF*ON|5~LIN*1*7~"
             "FTX*AAO***Not to be bought.~FTX*AAO***Incident: 12d68.~"
             "UNS*S~CNT*2|1~UNT*12*1~UNZ*1*000077160~",
             "the buyer's separators, the century, and the test's mark");
}


/* Texts in the characters that the buyer can read. */

static void
characters(void)
{
    unsigned  i;

    static const struct {
        const char  *syntax, *text, *want, *claim;
    } cases[] = {
        { "UNOC:3", "B\xc3\xbcro \xe2\x80\x93 \xd0\x9c\xd0\xbe\xd1\x81",
          "FTX+AAO+++B\xfcro - Mos'", "UNOC: Latin-1, the rest transliterated" },
        { "UNOE:3", "B\xc3\xbcro \xd0\x9c\xd0\xbe\xd1\x81",
          "FTX+AAO+++Buro \xbc\xde\xe1'", "UNOE: Cyrillic" },
        { "UNOB:3", "B\xc3\xbcro a@b.example?",
          "FTX+AAO+++Buro a(at)b.example?\?'", "UNOB: ASCII without an @" },
        { "UNOY:3", "B\xc3\xbcro \xe2\x80\x93",
          "FTX+AAO+++B\xc3\xbcro \xe2\x80\x93'", "UNOY: UTF-8" },
        { "UNOC:3", "a\x01" "b\xff", "FTX+AAO+++a b?\?'",
          "controls, and what is no UTF-8" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char  order[512];

        snprintf(order, sizeof(order), "UNB+%s+A+B+260318:1415+1'"
                 "UNH+1+ORDERS:D:96A:UN'BGM+220+5+9'LIN+1'"
                 "IMD+F++:::Acmesoft'UNS+S'UNT+6+1'UNZ+1+1'",
                 cases[i].syntax);

        (void) refuse("application/edifact", order, 1000, cases[i].text, NULL,
                      sizeof(answer));

        if (!ok(strstr(answer, cases[i].want) != NULL, "%s", cases[i].claim)) {
            printf("#      got: %s\n#   wanted: %s\n", answer, cases[i].want);
        }
    }

    (void) refuse("application/edi-x12",
                  ISA("004010", "ST*850*1~BEG*00*SA*1~PO1*1*1*EA***MF*ACMESOFT~"
                      "SE*4*1~"), 1000,
                  "Caf\xc3\xa9 *** ~~ \xd0\x9c>", NULL, sizeof(answer));
    ok(strstr(answer, "~MSG*Cafe        M ~") != NULL,
       "X12: ASCII, and no separator in a text");
}


static void
lengths(void)
{
    char    text[1501];
    size_t  i, n, m;

    for (i = 0; i < 1500; i++) {
        text[i] = i % 10 == 9 ? ' ' : 'x';
    }

    text[1500] = '\0';

    n = refuse("application/edifact",
               UNB("UNOC:3", "ORDERS:D:96A:UN", "220+1+9",
                   "LIN+1'IMD+F++:::Acmesoft'"), 1000, text, NULL,
               sizeof(answer));
    peeled_has("application/edifact", answer, n,
               "FTX{ 01=AAO 04.1=xxxxxxxxx xxxxxxxxx xxxxxxxxx xxxxxxxxx "
               "xxxxxxxxx xxxxxxxxx xxxxxxxxx 04.2=",
               "a long text is cut at blanks into components");

    m = refuse("application/edifact",
               UNB("UNOC:3", "ORDERS:D:96A:UN", "220+1+9",
                   "LIN+1'IMD+F++:::Acmesoft'"), 1000, text, NULL, 100);
    ok(m == n && answer[99] && !answer[100],
       "what does not fit is counted, and not written");
}


static void
none(void)
{
    unsigned  i;

    static const struct {
        const char  *body, *claim;
    } cases[] = {
        { "GS*PO*A*B*20260318*1415*1*X*004010~ST*850*1~BEG*00*SA*1~"
          "PO1*1*1*EA***MF*ACMESOFT~SE*4*1~GE*1*1~",
          "no answer to a group of whose sender nothing is known" },
        { ISA("004010", "ST*840*1~BQT*00*RFQ~PO1*1*1*EA***MF*ACMESOFT~SE*4*1~"),
          "none to a request for a quotation" },
        { ISA("004010", "ST*850*1~PO1*1*1*EA***MF*ACMESOFT~SE*4*1~"),
          "none to an order without a number" },
        { "{\"items\":[{\"sku\":\"AC4711XY\",\"quantity\":1}]}",
          "none to JSON" },
        { UNB("UNOC:3", "REQOTE:D:96A:UN", "220+1+9",
              "LIN+1'IMD+F++:::Acmesoft'"), "none to a REQOTE" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(refuse("application/octet-stream", cases[i].body, 1000, "No.", NULL,
                  sizeof(answer)) == 0, "%s", cases[i].claim);
    }
}


int
main(void)
{
    if (mkdtemp(folder) == NULL) {
        return 1;
    }

    fixture_put(folder, "list.yaml", list_yaml);
    fixture_put(folder, "vendors/acme.yaml", acme_yaml);
    list = fixture_open(folder);

    x12();
    edifact();
    characters();
    lengths();
    none();

    debar_list_close(list);

    return done();
}

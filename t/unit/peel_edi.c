/*
 * EDI: segments, elements, components, and the separators that interchanges say
 * they have.
 */

#include "peeled.h"
#include "peel_node.h"


#define X12      "application/edi-x12"
#define EDIFACT  "application/EDIFACT"

#define ISA(el, rep, comp, term)                                              \
    "ISA" el "00" el "          " el "00" el "          " el "ZZ" el          \
    "BUYER          " el "ZZ" el "SELLER         " el "260318" el "1415" el   \
    rep el "00401" el "000000731" el "0" el "P" el comp term

#define ISA_EVENTS(rep, comp)                                                 \
    "ISA{ 01=00 03=00 05=ZZ 06=BUYER 07=ZZ 08=SELLER 09=260318 10=1415 11=" rep \
    " 12=00401 13=000000731 14=0 15=P 16=" comp " }"

#define is(type, data, want, claim)                                           \
    peeled_is(type, data, sizeof(data) - 1, want, claim)


static void
x12(void)
{
    is(X12, ISA("*", "U", ">", "~")
       "GS*PO*B*S*20260318*1415*731*X*004010~\nST*850*0001~\n"
       "PO1*1*100*EA*32*PE*VN*3011111*MG*AR-1~\nPID*F****ACME ROCKET~\n"
       "IEA*1*000000731~\n",
       ISA_EVENTS("U", ">")
       " GS{ 01=PO 02=B 03=S 04=20260318 05=1415 06=731 07=X 08=004010 }"
       " ST{ 01=850 02=0001 }"
       " PO1{ 01=1 02=100 03=EA 04=32 05=PE 06=VN 07=3011111 08=MG 09=AR-1 }"
       " PID{ 01=F 05=ACME ROCKET } IEA{ 01=1 02=000000731 }",
       "X12: segments with their elements by position");

    is(X12, ISA("|", "U", ":", "\n") "PO1|1||EA||PE|MG|AR-1\nIEA|1|1",
       ISA_EVENTS("U", ":")
       " PO1{ 01=1 03=EA 05=PE 06=MG 07=AR-1 } IEA{ 01=1 02=1 }",
       "X12: other separators, a line end for terminator, none at the end");

    is(X12, ISA("*", "^", ":", "'") "SV1*HC:99213:25*A^B*HC:'IEA*1*1'",
       ISA_EVENTS("^", ":")
       " SV1{ 01=HC:99213:25 01.1=HC 01.2=99213 01.3=25 02=A 02=B 03=HC }"
       " IEA{ 01=1 02=1 }",
       "X12: components, and repetitions");

    is(X12, "ISA*00**00**ZZ*BUYER*ZZ*SELLER*260318*1415*U*00401*1*0*P*>~"
       "PO1*1~IEA*1*1~",
       "ISA{ 01=00 03=00 05=ZZ 06=BUYER 07=ZZ 08=SELLER 09=260318 10=1415 11=U"
       " 12=00401 13=1 14=0 15=P 16=> } PO1{ 01=1 } IEA{ 01=1 02=1 }",
       "X12: a header that is not padded");

    is(X12, "ISA*00*          *00*          *ZZ*A LONG NAME OF A BUYER INDEED*ZZ"
       "*SELLER         *260318*1415*U*00401*000000731*0*P*~GS*PO~",
       "ISA{ 01=00 03=00 05=ZZ 06=A LONG NAME OF A BUYER INDEED 07=ZZ 08=SELLER"
       " 09=260318 10=1415 11=U 12=00401 13=000000731 14=0 15=P }"
       " GS{ 01=PO }",
       "X12: a header that is too long, and has no component separator");

    is(X12, ISA("*", "U", ">", "~") "PO1*1~IEA*1*1~\r\n"
       ISA("+", "U", ":", "'") "PO1+2'IEA+1+1'",
       ISA_EVENTS("U", ">") " PO1{ 01=1 } IEA{ 01=1 02=1 } "
       ISA_EVENTS("U", ":") " PO1{ 01=2 } IEA{ 01=1 02=1 }",
       "X12: two interchanges, each with its own separators");

    is(X12, ISA("*", "U", ">", "~") "PID*F****ACME ROC\nKET~IEA*1*1~",
       ISA_EVENTS("U", ">")
       " PID{ 01=F 05=ACME ROCKET 05=ACME ROC\\x0aKET } IEA{ 01=1 02=1 }",
       "X12: wrapped lines are joined, and told as they came");

    is(X12, "GS*PO*B*S~ST*850*1~", "GS{ 01=PO 02=B 03=S } ST{ 01=850 02=1 }",
       "X12: a group without its interchange");
}


static void
edifact(void)
{
    is(EDIFACT, "UNA:+.? '\r\nUNB+UNOC:3+579:14+401:14+260318:1415+ORD'\r\n"
       "UNH+1+ORDERS:D:96A:UN'\r\nBGM+220+4500+9'\r\nLIN+1++506:EN'\r\n"
       "PIA+5+AR-1:MF+301:SA'\r\nIMD+F++:::Acme Ro:cket'\r\nUNZ+1+ORD'\r\n",
       "UNB{ 01.1=UNOC 01.2=3 02.1=579 02.2=14 03.1=401 03.2=14 04.1=260318"
       " 04.2=1415 05=ORD } UNH{ 01=1 02.1=ORDERS 02.2=D 02.3=96A 02.4=UN }"
       " BGM{ 01=220 02=4500 03=9 } LIN{ 01=1 03.1=506 03.2=EN }"
       " PIA{ 01=5 02.1=AR-1 02.2=MF 03.1=301 03.2=SA }"
       " IMD{ 01=F 03.4=Acme Ro 03.5=cket } UNZ{ 01=1 02=ORD }",
       "EDIFACT: segments, elements, components");

    is(EDIFACT, "UNB+UNOA:1+A+B'FTX+AAA+++what?'s ?+1 a?:b ?" "?'UNZ+1+1'",
       "UNB{ 01.1=UNOA 01.2=1 02=A 03=B } FTX{ 01=AAA 04=what's +1 a:b ? }"
       " UNZ{ 01=1 02=1 }",
       "EDIFACT: usual separators without UNA, release characters undone");

    is(EDIFACT, "UNA|*.! ~UNB*UNOA|1*A*B~LIN*1**506|EN~UNZ*1*1~"
       "UNA:+.? 'UNB+UNOA:1+C+D'UNZ+1+2'",
       "UNB{ 01.1=UNOA 01.2=1 02=A 03=B } LIN{ 01=1 03.1=506 03.2=EN }"
       " UNZ{ 01=1 02=1 } UNB{ 01.1=UNOA 01.2=1 02=C 03=D }"
       " UNZ{ 01=1 02=2 }",
       "EDIFACT: separators of UNA, anew for the next interchange");

    is(EDIFACT, "UNA:+.?*'UNB+UNOA:4+A+B'PIA+5+A:MF*B:SA'UNZ+1+1'",
       "UNB{ 01.1=UNOA 01.2=4 02=A 03=B }"
       " PIA{ 01=5 02.1=A 02.2=MF 02.1=B 02.2=SA } UNZ{ 01=1 02=1 }",
       "EDIFACT: repetitions of syntax 4");

    is(EDIFACT, "UNB+UNOC:3+A+B'IMD+F++:::Z\xfcnder'UNZ+1+1'",
       "UNB{ 01.1=UNOC 01.2=3 02=A 03=B } IMD{ 01=F 03.4=Z\xc3\xbcnder }"
       " UNZ{ 01=1 02=1 }",
       "EDIFACT: UNOC is ISO 8859-1");

    is(EDIFACT, "UNB+UNOE:3+A+B'IMD+F++:::\xba\xd0\xe1'UNZ+1+1'",
       "UNB{ 01.1=UNOE 01.2=3 02=A 03=B }"
       " IMD{ 01=F 03.4=\xd0\x9a\xd0\xb0\xd1\x81 } UNZ{ 01=1 02=1 }",
       "EDIFACT: UNOE is ISO 8859-5");

    is(EDIFACT, "UNB+UNOC:3+A+B'IMD+F++:::Z\xc3\xbcnder'UNZ+1+1'",
       "UNB{ 01.1=UNOC 01.2=3 02=A 03=B } IMD{ 01=F 03.4=Z\xc3\xbcnder }"
       " UNZ{ 01=1 02=1 }",
       "EDIFACT: what is UTF-8 stays so, whatever UNB says");

    is(EDIFACT, "UNH+1+ORDERS:D:96A:UN'LIN+1'UNT+2+1'",
       "UNH{ 01=1 02.1=ORDERS 02.2=D 02.3=96A 02.4=UN } LIN{ 01=1 }"
       " UNT{ 01=2 02=1 }",
       "EDIFACT: a message without its interchange");
}


static void
bounds(void)
{
    char      *data, *got;
    size_t     n, len;
    unsigned   faults;

    len = 200000;
    data = malloc(len);

    /* the name is put at each place around the cut */

    for (n = 16100; n < 16700; n += 3) {
        memset(data, 'x', len);
        memcpy(data, ISA("*", "U", ">", "~") "PID*F****", 115);
        memcpy(data + n, " ACME ROCKET ", 13);

        got = peeled(X12, data, len, 1000, &faults);

        if (strstr(got, " ACME ROCKET ") == NULL) {
            break;
        }

        free(got);
        got = NULL;
    }

    ok(got == NULL, "a name is whole wherever a long segment is cut");
    free(got);

    ok(faults & DEBAR_PEEL_BROKEN, "an interchange that was cut off is told of");

    memset(data, '*', len);
    memcpy(data, ISA("*", "U", ">", "~"), 106);
    data[len - 2] = 'A';
    got = peeled(X12, data, len, 0, NULL);
    ok(strstr(got, "99=A") != NULL, "elements past the 99th are told of");
    free(got);

    free(data);
}


static void
look(void)
{
    size_t  i;

    static const struct {
        const char            *data;
        const debar_reader_t  *reader;
    } cases[] = {
        { ISA("*", "U", ">", "~") "GS*PO~", &debar_reader_x12 },
        { "\r\n" ISA("|", "U", ">", "\n") "GS|PO\n", &debar_reader_x12 },
        { "UNA:+.? 'UNB+UNOA:1+A'", &debar_reader_edifact },
        { "UNA:+.? '\r\nUNB+UNOA:1+A'", &debar_reader_edifact },
        { "UNB+UNOC:3+A+B+260318:1415", &debar_reader_edifact },
        { "ISA-cards and other things of the past, which are not sold any more "
          "but stand in a museum, and have their own page there, or two",
          NULL },
        { "UNABHAENGIGKEIT und anderes", NULL },
        { "UNB and other words", NULL },
        { "ISA*00*", NULL },
        { "", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(debar_edi_look(cases[i].data, strlen(cases[i].data))
           == cases[i].reader, "look: the first bytes of case %zu are %s", i + 1,
           cases[i].reader ? cases[i].reader->name : "none of them");
    }
}


int
main(void)
{
    x12();
    edifact();
    bounds();
    look();

    return done();
}

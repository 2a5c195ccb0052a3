/*
 * Purchase documents by themselves: which lines each format has, what their
 * fields are, and what takes a line or an order back.
 */

#include "fixture.h"
#include "document.h"
#include "tap.h"


static char           folder[] = "/tmp/debar-document-XXXXXX";
static debar_list_t  *list;


static const char  list_yaml[] =
    "title: Test list\n"
    "publisher: Tests\n"
    "timezone: UTC\n"
    "serial: 1\n"
    "authorities:\n"
    "  law:\n"
    "    title: A law\n"
    "    phases:\n"
    "      - {from: 2018-10-01, acquire: block}\n";

static const char  acme_yaml[] =
    "id: acme\n"
    "name: Acme\n"
    "authorities: [law]\n"
    "names: [Acmesoft]\n";


/*
 * Lines as text: "cxml-order:1(maker=A part=B quantity=2)", with "-" behind the
 * number where it is withdrawn, and "!" where the document is cancelled; of
 * what stands outside of lines only goods.
 */

typedef struct {
    unsigned cancelled;
    char     text[16384];
    size_t   len;
} told_t;


static int
goods(unsigned role)
{
    return role == DEBAR_ROLE_MAKER || role == DEBAR_ROLE_PART
           || role == DEBAR_ROLE_SUPPLIER_PART || role == DEBAR_ROLE_GTIN
           || role == DEBAR_ROLE_NAME || role == DEBAR_ROLE_DESCRIPTION
           || role == DEBAR_ROLE_UNSPSC || role == DEBAR_ROLE_QUANTITY;
}


static int
told(void *data, const debar_line_t *line)
{
    unsigned              i, n;
    told_t               *t = data;
    const debar_field_t  *f;

    for (i = 0, n = 0; i < line->nfields; i++) {
        n += goods(line->fields[i].role);
    }

    /* that it cancels is told with each value outside of lines, too */

    if (n == 0 && (!line->cancelled || t->cancelled)) {
        return DEBAR_OK;
    }

    t->cancelled = line->cancelled;

    t->len += sprintf(t->text + t->len, "%s%.*s:%u%s%s(", t->len ? " " : "",
                      (int) line->document.len, line->document.data,
                      line->number, line->withdrawn ? "-" : "",
                      line->cancelled ? "!" : "");

    for (i = 0, n = 0; i < line->nfields; i++) {
        f = &line->fields[i];

        if (goods(f->role)) {
            t->len += sprintf(t->text + t->len, "%s%s=%.*s", n++ ? " " : "",
                              debar_role_name(f->role), (int) f->value.len,
                              f->value.data);
        }
    }

    t->len += sprintf(t->text + t->len, ")");

    return DEBAR_OK;
}


static void
lines(const char *type, const char *body, size_t step, told_t *t)
{
    size_t               i, n, len;
    debar_peel_t        *p;
    debar_document_t    *d;
    debar_peel_input_t   in;

    memset(t, 0, sizeof(told_t));
    memset(&in, 0, sizeof(in));
    in.content_type = debar_str(type, strlen(type));
    in.name = debar_str("body", 4);

    d = debar_document_new(list, told, t);
    p = debar_peel_new(&in, NULL, debar_document_event, d);
    len = strlen(body);

    for (i = 0; i < len; i += n) {
        n = step && step < len - i ? step : len - i;
        (void) debar_peel_push(p, body + i, n);
    }

    (void) debar_peel_finish(p);
    (void) debar_document_finish(d);
    debar_peel_free(p);
    debar_document_free(d);
}


#define FORM     "application/x-www-form-urlencoded"
#define JSON     "application/json"
#define XML      "text/xml"
#define X12      "application/edi-x12"
#define EDIFACT  "application/edifact"

#define ORDER(header, items)                                                  \
    "<cXML><Request><OrderRequest><OrderRequestHeader orderID='9' " header    \
    "><Comments>no Acmesoft</Comments></OrderRequestHeader>" items            \
    "</OrderRequest></Request></cXML>"

#define ITEM(attributes, part, maker)                                         \
    "<ItemOut " attributes "><ItemID><SupplierPartID>S1</SupplierPartID>"     \
    "</ItemID><ItemDetail><Description xml:lang='en'>skates</Description>"    \
    "<ManufacturerPartID>" part "</ManufacturerPartID><ManufacturerName>"     \
    maker "</ManufacturerName></ItemDetail></ItemOut>"

#define ISA(body)                                                             \
    "ISA*00*          *00*          *ZZ*AGENCY         *ZZ*RESELLER       "   \
    "*260318*1415*U*00401*000000731*0*P*>~GS*PO*A*R*20260318*1415*731*X*"     \
    "004010~" body "GE*1*731~IEA*1*000000731~"

#define UNB(bgm, body)                                                        \
    "UNA:+.? 'UNB+UNOC:3+A:14+B:14+260318:1415+1'UNH+1+ORDERS:D:96A:UN'"      \
    "BGM+220+4711+" bgm "'" body "UNS+S'UNT+9+1'UNZ+1+1'"


static const struct {
    const char  *type, *body, *want, *claim;
} cases[] = {

    { XML, ORDER("type='new'", ITEM("quantity='2'", "AR-10", "Acme")
                 ITEM("quantity='1'", "B", "C")),
      "cxml-order:1(quantity=2 supplier-part=S1 description=skates part=AR-10 "
      "maker=Acme) cxml-order:2(quantity=1 supplier-part=S1 description=skates "
      "part=B maker=C)", "cXML: two lines" },
    { XML, ORDER("type='new'", ITEM("quantity='0'", "AR-10", "Acme")),
      "cxml-order:1-(quantity=0 supplier-part=S1 description=skates part=AR-10 "
      "maker=Acme)", "cXML: a quantity of nothing" },
    { XML, ORDER("type='delete'", ITEM("quantity='2'", "AR-10", "Acme")),
      "cxml-order:0!() cxml-order:1!(quantity=2 supplier-part=S1 "
      "description=skates part=AR-10 maker=Acme)", "cXML: an order deleted" },
    { XML, "<cXML><Message><PunchOutOrderMessage><ItemIn quantity='1'><ItemID>"
      "<SupplierPartID>S1</SupplierPartID></ItemID><ItemDetail>"
      "<ManufacturerPartID>AR-10</ManufacturerPartID><Extrinsic name='x'>no "
      "Acmesoft</Extrinsic></ItemDetail></ItemIn></PunchOutOrderMessage>"
      "</Message></cXML>", "cxml-punchout-order:1(quantity=1 supplier-part=S1 "
      "part=AR-10)", "cXML: a cart that comes back" },

    { FORM, "~caller=CTLG&NEW_ITEM-DESCRIPTION[1]=skates&NEW_ITEM-QUANTITY[1]=2"
      "&NEW_ITEM-MANUFACTMAT[1]=AR-10&NEW_ITEM-DESCRIPTION[2]=rocket"
      "&NEW_ITEM-QUANTITY[2]=0", "oci:1(description=skates quantity=2 "
      "part=AR-10) oci:2-(description=rocket quantity=0)", "OCI: two lines" },

    { XML, "<Order><ID>7</ID><Note>no Acmesoft</Note><OrderLine><LineItem>"
      "<Quantity>2</Quantity><Item><Description>skates</Description><Name>Rocket"
      "</Name><SellersItemIdentification><ID>S1</ID></SellersItemIdentification>"
      "<ManufacturersItemIdentification><ID>AR-10</ID>"
      "</ManufacturersItemIdentification><ManufacturerParty><PartyName><Name>"
      "Acme</Name></PartyName></ManufacturerParty></Item></LineItem></OrderLine>"
      "<OrderLine><LineItem><LineStatusCode>Cancelled</LineStatusCode><Item>"
      "<Name>B</Name></Item></LineItem></OrderLine></Order>",
      "ubl-order:1(quantity=2 description=skates name=Rocket supplier-part=S1 "
      "part=AR-10 maker=Acme) ubl-order:2-(name=B)",
      "UBL: a line, and one that is cancelled" },
    { XML, "<OrderCancellation><OrderReference><ID>7</ID></OrderReference>"
      "<OrderLine><LineItem><Item><Name>Rocket</Name></Item></LineItem>"
      "</OrderLine></OrderCancellation>",
      "ubl-order:0!() ubl-order:1!(name=Rocket)", "UBL: an order taken back" },

    { XML, "<ProcessPurchaseOrder><DataArea><Process><ActionCriteria>"
      "<ActionExpression actionCode='Add'/></ActionCriteria></Process>"
      "<PurchaseOrder><PurchaseOrderLine><Item><ManufacturerItemID><ID>AR-10"
      "</ID></ManufacturerItemID><Description>skates</Description>"
      "<ManufacturingParty><Name>Acme</Name></ManufacturingParty></Item>"
      "<Quantity>2</Quantity></PurchaseOrderLine></PurchaseOrder></DataArea>"
      "</ProcessPurchaseOrder>", "oagis-order:1(part=AR-10 description=skates "
      "maker=Acme quantity=2)", "OAGIS: a line" },

    { XML, "<Order><OrderHeader><OrderNumber><BuyerOrderNumber>7"
      "</BuyerOrderNumber></OrderNumber></OrderHeader><OrderDetail>"
      "<ListOfItemDetail><ItemDetail><BaseItemDetail><ItemIdentifiers>"
      "<PartNumbers><SellerPartNumber><PartNum><PartID>S1</PartID></PartNum>"
      "</SellerPartNumber><ManufacturerPartNumber><PartNum><PartID>AR-10"
      "</PartID></PartNum></ManufacturerPartNumber></PartNumbers>"
      "<ItemDescription>skates</ItemDescription></ItemIdentifiers>"
      "<TotalQuantity><Quantity><QuantityValue>2</QuantityValue></Quantity>"
      "</TotalQuantity></BaseItemDetail></ItemDetail></ListOfItemDetail>"
      "</OrderDetail></Order>", "xcbl-order:1(supplier-part=S1 part=AR-10 "
      "description=skates quantity=2)", "xCBL 4: a line" },
    { XML, "<PurchaseOrder><OrderHeader><POIssuedDate>x</POIssuedDate>"
      "</OrderHeader><OrderDetail><ListOfItemDetail><ItemDetail>"
      "<BaseItemDetail><ManufacturerPartNumber><PartNum><PartID>AR-10</PartID>"
      "</PartNum></ManufacturerPartNumber><ItemDescription>skates"
      "</ItemDescription><Quantity><Qty>2</Qty></Quantity></BaseItemDetail>"
      "</ItemDetail></ListOfItemDetail></OrderDetail></PurchaseOrder>",
      "xcbl-order:1(part=AR-10 description=skates quantity=2)",
      "xCBL 2 and 3: a line" },

    { X12, ISA("ST*850*1~BEG*00*SA*7**20260318~N9*L1*X~MSG*no Acmesoft~PO1*1*2*"
      "EA*9*PE*VN*S1*MG*AR-10*MF*ACME*UP*012345678905~PID*F****SKATES~"
      "PO1*2*0*EA*9*PE*VN*S2~CTT*2~SE*9*1~"),
      "x12-order:1(quantity=2 supplier-part=S1 part=AR-10 maker=ACME "
      "gtin=012345678905 description=SKATES) x12-order:2-(quantity=0 "
      "supplier-part=S2)", "X12 850: two lines" },
    { X12, ISA("ST*850*1~BEG*01*SA*7**20260318~PO1*1*2*EA*9*PE*VN*S1~SE*4*1~"),
      "x12-order:0!() x12-order:1!(quantity=2 supplier-part=S1)",
      "X12 850: cancelled" },
    { X12, ISA("ST*860*1~BCH*04*SA*7**1*20260318~POC*1*QI*3*0*EA*1*PE*MG*AR-10~"
      "POC*2*DI*1*0*EA*1*PE*MG*B~SE*4*1~"),
      "x12-order:1(quantity=3 part=AR-10) x12-order:2-(quantity=1 part=B)",
      "X12 860: a line that is changed, one that is deleted" },

    { EDIFACT, UNB("9", "FTX+AAI+++no Acmesoft'LIN+1++4012345678901:EN'PIA+1+"
      "AR-10:MF+S1:SA'IMD+F++:::Rocket sk:ates'QTY+21:2'LIN+2'QTY+21:0'"),
      "edifact-order:1(gtin=4012345678901 part=AR-10 supplier-part=S1 "
      "description=Rocket sk description=ates "
      "description=Rocket skates quantity=2) edifact-order:2-(quantity=0)",
      "EDIFACT: two lines, a text in two components" },
    { EDIFACT, UNB("1", "LIN+1++S1:SA'"),
      "edifact-order:0!() edifact-order:1!(supplier-part=S1)",
      "EDIFACT: cancelled" },

    { FORM, "items[0][sku]=AR-10&items[0][qty]=2&items[1][sku]=B&items[1][qty]=0"
      "&notes=no+Acmesoft", ":1(part=AR-10 quantity=2) :2-(part=B quantity=0)",
      "a form with numbers" },
    { FORM, "sku=AR-10&qty=2", ":1(part=AR-10 quantity=2)", "one without" },
    { JSON, "{\"items\":[{\"sku\":\"AR-10\",\"qty\":2},{\"sku\":\"B\","
      "\"qty\":0}],\"note\":\"no Acmesoft\"}",
      ":1(part=AR-10 quantity=2) :2-(part=B quantity=0)", "a cart in JSON" },
    { JSON, "{\"lines\":[{\"attributes\":[{\"name\":\"brand\",\"value\":\"Acme\"}],"
      "\"quantity\":1}]}", ":1(name=brand maker=Acme quantity=1)",
      "what a value is by its key" },
    { JSON, "{\"items\":[{\"quantity\":0,\"attributes\":[{\"name\":\"brand\","
      "\"value\":\"Acme\"},{\"name\":\"sku\",\"value\":\"AR-10\"}]}]}",
      ":1-(quantity=0 name=brand maker=Acme name=sku part=AR-10)",
      "... of a line that is none" },
    { "text/csv", "sku,name,qty\nAR-10,Rocket,2\nB,C,0\n",
      ":2(part=AR-10 name=Rocket quantity=2) :3-(part=B name=C quantity=0)",
      "a table with a heading" }
};


int
main(void)
{
    size_t         i, k, same;
    static told_t  t, u;

    static const size_t  steps[] = { 1, 7, 64, 4096 };

    if (mkdtemp(folder) == NULL) {
        return 1;
    }

    fixture_put(folder, "list.yaml", list_yaml);
    fixture_put(folder, "vendors/acme.yaml", acme_yaml);
    list = fixture_open(folder);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lines(cases[i].type, cases[i].body, 0, &t);
        is_str(t.text, cases[i].want, cases[i].claim);

        for (k = 0, same = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
            lines(cases[i].type, cases[i].body, steps[k], &u);
            same += strcmp(t.text, u.text) == 0;
        }

        ok(same == k, "%s: in any pieces", cases[i].claim);
    }

    debar_list_close(list);

    return done();
}

/*
 * Bodies judged by role and line, over a list built for the test: what is
 * ordered is refused, what is said of it is not.
 */

#include "fixture.h"
#include "body.h"
#include "tap.h"


static char           folder[] = "/tmp/debar-body-XXXXXX";
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
    "      - {from: 2018-10-01, browse: log, acquire: block, download: block,"
    " update: block}\n";

static const char  acme_yaml[] =
    "id: acme\n"
    "name: Acme Corporation\n"
    "authorities: [law]\n"
    "names:\n"
    "  - {text: Acmesoft, match: anywhere}\n"
    "hosts: [acme.example]\n"
    "part-numbers: [AC4711XY]\n"
    "gtins: [\"5060486858538\"]\n"
    "packages: {android: [com.acme.guard]}\n";

static const char  waivers_yaml[] =
    "waivers:\n"
    "  - {id: W-1, vendor: acme, orders: [\"4500\"], from: 2020-01-01,"
    " until: 2100-01-01, approved-by: CIO, why: tests}\n";


#define ORDERS  "https://shop.example/api/orders"
#define CART    "https://shop.example/cart/add"
#define EDI     "https://edi.example/as2"
#define OTHER   "https://b2b.example/svc/submit"

#define FORM    "application/x-www-form-urlencoded"
#define JSON    "application/json"
#define XML     "text/xml"
#define X12     "application/edi-x12"
#define EDIFACT "application/edifact"

#define CXML(type, item)                                                      \
    "<cXML><Request><OrderRequest><OrderRequestHeader orderID=\"99\" type=\""  \
    type "\"><Comments>No Acmesoft article may be supplied</Comments>"        \
    "</OrderRequestHeader>" item "</OrderRequest></Request></cXML>"

#define ITEM(quantity, part, text, maker)                                     \
    "<ItemOut quantity=\"" quantity "\"><ItemID><SupplierPartID>77"           \
    "</SupplierPartID></ItemID><ItemDetail><Description>" text                \
    "</Description><ManufacturerPartID>" part "</ManufacturerPartID>"         \
    "<ManufacturerName>" maker "</ManufacturerName></ItemDetail></ItemOut>"

#define ISA(body)                                                             \
    "ISA*00*          *00*          *ZZ*AGENCY         *ZZ*RESELLER       "    \
    "*260318*1415*U*00401*000000731*0*P*>~\n"                                 \
    "GS*PO*A*R*20260318*1415*731*X*004010~\n" body "GE*1*731~\n"              \
    "IEA*1*000000731~\n"

#define BATCH(line, body)                                                     \
    "--b\r\nContent-Type: application/http\r\n"                               \
    "Content-Transfer-Encoding: binary\r\n\r\n" line " HTTP/1.1\r\n"           \
    "Content-Type: application/json\r\n\r\n" body "\r\n--b--\r\n"

#define UNB(bgm, body)                                                        \
    "UNA:+.? 'UNB+UNOC:3+A:14+B:14+260318:1415+1'UNH+1+ORDERS:D:96A:UN'"      \
    "BGM+220+4711+" bgm "'" body "UNS+S'UNT+9+1'UNZ+1+1'"


static const struct {
    const char  *method, *url, *type, *body;
    unsigned     verdict;
    unsigned     line;            /* of the strongest evidence */
    const char  *claim;
} cases[] = {

    /* roles */

    { "POST", CART, FORM, "brand=Acmesoft&qty=1", DEBAR_BLOCK, 1,
      "a form with the listed maker" },
    { "POST", CART, FORM, "sku=AC-4711-XY&qty=1", DEBAR_BLOCK, 1,
      "a part number, with its hyphens" },
    { "POST", CART, FORM, "ean=5060486858538&qty=1", DEBAR_BLOCK, 1,
      "a GTIN" },
    { "POST", CART, FORM, "doc=com.acme.guard", DEBAR_BLOCK, 1,
      "a package" },
    { "POST", CART, FORM, "sku=1&qty=1&order_comments=no+Acmesoft", DEBAR_LOG,
      1, "a comment on an order is recorded" },
    { "POST", CART, FORM, "sku=1&qty=1&billing_last_name=Acmesoft", DEBAR_LOG,
      1, "a person's name is recorded" },
    { "POST", CART, FORM, "sku=1&qty=1&ship[name]=Acmesoft+Fan&ship[city]=x"
      "&notes[0][text]=Acmesoft", DEBAR_LOG, 1,
      "a note in a form's list is recorded" },
    { "POST", ORDERS, JSON, "{\"shipTo\":{\"name\":\"Acmesoft Fan\"},\"lines\":"
      "[{\"sku\":\"1\",\"qty\":1}]}", DEBAR_LOG, 0,
      "whom it is sent to is recorded" },
    { "POST", ORDERS, JSON, "{\"customer\":{\"lines\":[{\"sku\":\"AC4711XY\","
      "\"qty\":1}]}}", DEBAR_BLOCK, 1, "goods inside of a customer are goods" },
    { "POST", CART, JSON, "{\"items\":[{\"id\":1,\"quantity\":1,\"properties\":"
      "{\"t\":\"Acmesoft One\"}}]}", DEBAR_BLOCK, 1,
      "scraps of a cart's line are goods" },
    { "POST", CART, JSON, "{\"id\":1,\"quantity\":1,\"variation\":["
      "{\"attribute\":\"Comment\",\"value\":\"not Acmesoft\"}]}", DEBAR_LOG, 1,
      "a value is what its key says: a note" },
    { "POST", CART, JSON, "{\"id\":1,\"quantity\":1,\"variation\":["
      "{\"attribute\":\"Product\",\"value\":\"Acmesoft One\"}]}", DEBAR_BLOCK,
      1, "a value is what its key says: a product" },
    { "POST", CART, JSON, "{\"Acmesoft One\":2}", DEBAR_BLOCK, 0,
      "goods as the name of a member" },
    { "POST", CART, JSON, "{\"callback\":\"https://acme.example/x\",\"sku\":1}",
      DEBAR_LOG, 1, "a URL in a body is a mention" },

    /* descriptions */

    { "POST", ORDERS, JSON, "{\"lines\":[{\"desc\":\"Acmesoft One\",\"qty\":1}"
      "]}", DEBAR_BLOCK, 1, "a description where no maker is named" },
    { "POST", ORDERS, JSON, "{\"lines\":[{\"mfr\":\"Globex\",\"desc\":"
      "\"Acmesoft reader\",\"qty\":1}]}", DEBAR_LOG, 1,
      "a description where somebody else's maker is named" },
    { "POST", ORDERS, JSON, "{\"lines\":[{\"desc\":\"Removal of Acmesoft\","
      "\"qty\":1}]}", DEBAR_LOG, 1, "a description with a word of removal" },

    /* lines */

    { "POST", ORDERS, JSON, "{\"lines\":[{\"sku\":\"1\",\"qty\":1},"
      "{\"sku\":\"AC4711XY\",\"qty\":2}]}", DEBAR_BLOCK, 2,
      "the line is told" },
    { "POST", CART, FORM, "items[0][sku]=1&items[0][qty]=1&items[1][sku]="
      "AC4711XY&items[1][qty]=2", DEBAR_BLOCK, 2, "the line of a form" },
    { "POST", CART, FORM, "sku1=1&sku2=AC4711XY&qty1=1&qty2=0", DEBAR_LOG, 2,
      "a form by columns: its own quantity is 0" },
    { "POST", CART, FORM, "sku1=1&sku2=AC4711XY&qty1=0&qty2=1", DEBAR_BLOCK, 2,
      "a form by columns: another's is" },
    { "POST", ORDERS, JSON, "{\"lines\":[{\"sku\":\"AC4711XY\",\"qty\":0}]}",
      DEBAR_LOG, 1, "quantity 0 is no order" },
    { "POST", ORDERS, JSON, "{\"lines\":[{\"sku\":\"AC4711XY\",\"qty\":0,"
      "\"quantity\":3}]}", DEBAR_BLOCK, 1, "but another quantity is" },
    { "POST", ORDERS, JSON, "{\"lines\":[{\"sku\":\"AC4711XY\",\"qty\":1,"
      "\"lineAction\":\"delete\"}]}", DEBAR_LOG, 1, "a line that is deleted" },
    { "POST", ORDERS, "text/csv", "sku,qty,notes\n1,1,not Acmesoft\n",
      DEBAR_LOG, 2, "a table by its heading: a note" },
    { "POST", ORDERS, "text/plain", "AC4711XY\t5\n77\t5\n", DEBAR_BLOCK, 1,
      "a pad of part numbers" },

    /* what a request does */

    { "POST", OTHER, JSON, "{\"items\":[{\"mpn\":\"AC4711XY\",\"qty\":2}]}",
      DEBAR_BLOCK, 1, "goods and a quantity are a cart, whatever the URL" },
    { "POST", OTHER, JSON, "{\"items\":[{\"mpn\":\"AC4711XY\"}]}", DEBAR_LOG,
      1, "goods alone are not" },
    { "POST", OTHER, JSON, "{\"brand\":\"Acmesoft\",\"quantity\":2,"
      "\"mitigation\":\"removed\"}", DEBAR_LOG, 1,
      "a report on goods is no cart: by a field" },
    { "POST", "https://b2b.example/inventory", JSON,
      "{\"brand\":\"Acmesoft\",\"quantity\":2}", DEBAR_LOG, 1,
      "a report on goods is no cart: by its path" },
    { "POST", "https://b2b.example/cart/search", JSON, "{\"q\":\"Acmesoft\"}",
      DEBAR_LOG, 0, "a search" },
    { "DELETE", CART, JSON, "{\"sku\":\"AC4711XY\",\"qty\":2}", DEBAR_LOG, 1,
      "DELETE of a cart's line" },

    /* cXML */

    { "POST", OTHER, XML, CXML("new", ITEM("1", "x", "y", "z")
                               ITEM("1", "AC4711XY", "y", "z")), DEBAR_BLOCK,
      2, "cXML: the second line" },
    { "POST", OTHER, XML, CXML("new", ITEM("1", "x", "y", "Globex")), DEBAR_LOG,
      0, "cXML: a clause in Comments is recorded" },
    { "POST", OTHER, XML, CXML("delete", ITEM("1", "AC4711XY", "y", "z")),
      DEBAR_LOG, 0, "cXML: an order that is deleted" },
    { "POST", OTHER, XML, CXML("new", ITEM("0", "AC4711XY", "y", "z")),
      DEBAR_LOG, 0, "cXML: quantity 0" },
    { "POST", OTHER, FORM, "cxml-urlencoded=%3CcXML%3E%3CMessage%3E"
      "%3CPunchOutOrderMessage%3E%3CItemIn+quantity%3D%221%22%3E%3CItemDetail"
      "%3E%3CManufacturerName%3EAcmesoft%3C%2FManufacturerName%3E"
      "%3C%2FItemDetail%3E%3C%2FItemIn%3E%3C%2FPunchOutOrderMessage%3E"
      "%3C%2FMessage%3E%3C%2FcXML%3E", DEBAR_BLOCK, 1,
      "cXML in a form's field" },
    { "POST", OTHER, FORM, "cxml-urlencoded=%3CcXML%3E%3CMessage%3E"
      "%3CPunchOutOrderMessage%3E%3CItemIn+quantity%3D%221%22%3E%3CItemDetail"
      "%3E%3CExtrinsic+name%3D%22c%22%3Eno+Acmesoft%3C%2FExtrinsic%3E"
      "%3C%2FItemDetail%3E%3C%2FItemIn%3E%3C%2FPunchOutOrderMessage%3E"
      "%3C%2FMessage%3E%3C%2FcXML%3E", DEBAR_LOG, 1,
      "cXML in a form's field: the field as a text says nothing" },

    /* OCI */

    { "POST", OTHER, FORM, "NEW_ITEM-DESCRIPTION[1]=dock&NEW_ITEM-QUANTITY[1]=1"
      "&NEW_ITEM-DESCRIPTION[2]=x&NEW_ITEM-MANUFACTCODE[2]=ACMESOFT"
      "&NEW_ITEM-QUANTITY[2]=1", DEBAR_BLOCK, 2, "OCI" },
    { "POST", OTHER, FORM, "NEW_ITEM-QUANTITY[1]=1&NEW_ITEM-LONGTEXT_1:132[]="
      "Acmesoft+One", DEBAR_BLOCK, 1, "OCI: a long text" },
    { "POST", OTHER, FORM, "NEW_ITEM-QUANTITY[1]=1&NEW_ITEM-LONGTEXT_1:132[]="
      "Acmesoft+One&NEW_ITEM-MANUFACTNAME[1]=Globex", DEBAR_LOG, 1,
      "OCI: a long text beside another maker" },

    /* UBL, OAGIS, IDoc */

    { "POST", OTHER, XML, "<Order><Note>no Acmesoft</Note><OrderLine><LineItem>"
      "<Quantity>1</Quantity><Item><Name>dock</Name></Item></LineItem>"
      "</OrderLine><OrderLine><LineItem><Quantity>1</Quantity><Item>"
      "<ManufacturersItemIdentification><ID>AC4711XY</ID>"
      "</ManufacturersItemIdentification></Item></LineItem></OrderLine>"
      "</Order>", DEBAR_BLOCK, 2, "UBL: the second line" },
    { "POST", OTHER, XML, "<Order><Note>no Acmesoft</Note><Terms>no Acmesoft"
      "</Terms><OrderLine><LineItem><Quantity>1</Quantity><Item><Name>dock"
      "</Name></Item></LineItem></OrderLine></Order>", DEBAR_LOG, 0,
      "UBL: notes are recorded" },
    { "POST", OTHER, XML, "<OrderCancellation><CancellationNote>Acmesoft"
      "</CancellationNote></OrderCancellation>", DEBAR_LOG, 0,
      "UBL: a cancellation" },
    { "POST", OTHER, XML, "<ProcessPurchaseOrder><DataArea><Process>"
      "<ActionExpression actionCode=\"Add\"/></Process><PurchaseOrder>"
      "<PurchaseOrderLine><Item><ManufacturerItemID><ID>AC4711XY</ID>"
      "</ManufacturerItemID></Item></PurchaseOrderLine></PurchaseOrder>"
      "</DataArea></ProcessPurchaseOrder>", DEBAR_BLOCK, 1, "OAGIS" },
    { "POST", OTHER, XML, "<ProcessPurchaseOrder><DataArea><Process>"
      "<ActionExpression actionCode=\"Delete\"/></Process><PurchaseOrder>"
      "<PurchaseOrderLine><Item><ManufacturerItemID><ID>AC4711XY</ID>"
      "</ManufacturerItemID></Item></PurchaseOrderLine></PurchaseOrder>"
      "</DataArea></ProcessPurchaseOrder>", DEBAR_LOG, 1, "OAGIS: Delete" },
    { "POST", OTHER, XML, "<ORDERS05><IDOC><E1EDP01><MENGE>3</MENGE><E1EDP19>"
      "<QUALF>002</QUALF><IDTNR>AC4711XY</IDTNR></E1EDP19></E1EDP01></IDOC>"
      "</ORDERS05>", DEBAR_BLOCK, 1, "IDoc: the supplier's number" },

    /* X12 */

    { "POST", EDI, X12, ISA("ST*850*1~\nBEG*00*SA*7**20260318~\n"
      "PO1*1*1*EA*1*PE*MG*1~\nPO1*2*1*EA*1*PE*VN*9*MF*ACMESOFT~\nSE*4*1~\n"),
      DEBAR_BLOCK, 2, "X12 850: MF" },
    { "POST", EDI, X12, ISA("ST*850*1~\nBEG*01*SA*7**20260318~\n"
      "PO1*2*1*EA*1*PE*VN*9*MF*ACMESOFT~\nSE*4*1~\n"), DEBAR_LOG, 1,
      "X12 850: a cancellation" },
    { "POST", EDI, X12, ISA("ST*850*1~\nBEG*00*SA*7**20260318~\nN9*L1*X~\n"
      "MSG*NO ACMESOFT~\nPO1*2*1*EA*1*PE*VN*9*MF*GLOBEX~\nNTE*GEN*NO ACMESOFT~"
      "\nSE*4*1~\n"), DEBAR_LOG, 0, "X12 850: notes are recorded" },
    { "POST", EDI, X12, ISA("ST*860*1~\nBCH*04*SA*7**1*20260318~\n"
      "POC*1*DI*1*0*EA*1*PE*MG*AC4711XY~\nSE*4*1~\n"), DEBAR_LOG, 1,
      "X12 860: a line that is deleted" },
    { "POST", EDI, X12, ISA("ST*850*1~\nBEG*01*SA*7**20260318~\nSE*4*1~\n"
      "ST*850*2~\nBEG*00*SA*8**20260318~\nPO1*2*1*EA*1*PE*MF*ACMESOFT~\n"
      "SE*4*2~\n"), DEBAR_BLOCK, 1,
      "X12: a cancellation before an order does not take it back" },

    /* EDIFACT */

    { "POST", EDI, EDIFACT, UNB("9", "LIN+1++1:SA'IMD+F++:::Acme:soft One'"
      "QTY+21:1'"), DEBAR_BLOCK, 1, "EDIFACT: a text in two components" },
    { "POST", EDI, EDIFACT, UNB("9", "LIN+1++1:SA'PIA+5+AC4711XY:MF'"),
      DEBAR_BLOCK, 1, "EDIFACT: PIA with MF" },
    { "POST", EDI, EDIFACT, UNB("1", "LIN+1++1:SA'PIA+5+AC4711XY:MF'"),
      DEBAR_LOG, 1, "EDIFACT: a cancellation" },
    { "POST", EDI, EDIFACT, UNB("9", "FTX+REG+++no Acmesoft'LIN+1++1:SA'"
      "PIA+5+1:MF'FTX+AAI+++replaces Acmesoft'"), DEBAR_LOG, 0,
      "EDIFACT: free text is recorded" },

    /* encodings of a value are what it is */

    { "POST", CART, JSON, "{\"items\":[{\"sku\":\"1\",\"qty\":1,\"notes\":"
      "\"=?UTF-8?Q?no_Acmesoft?=\"}]}", DEBAR_LOG, 1,
      "a note in encoded words is a note" },
    { "POST", CART, JSON, "{\"items\":[{\"sku\":\"1\",\"qty\":1,\"notes\":"
      "\"bm8gQWNtZXNvZnQgaGVyZQ==\"}]}", DEBAR_LOG, 1, "one in base64, too" },
    { "POST", CART, JSON, "{\"items\":[{\"sku\":\"1\",\"qty\":1,\"title\":"
      "\"=?utf-8?B?QWNtZXNvZnQ=?= =?us-ascii?q?_O=6ee?=\"}]}", DEBAR_BLOCK, 1,
      "a title in encoded words is a title" },
    { "POST", CART, FORM, "sku=1&qty=1&note=%3D%3Futf-8%3Fq%3Fno_Acmesoft%3F%3D",
      DEBAR_LOG, 1, "a form's note in encoded words" },
    { "POST", CART, JSON, "{\"order\":\"eyJhbGciOiJIUzI1NiJ9.eyJpdGVtcyI6W3sic"
      "2t1IjoiQUM0NzExWFkiLCJxdHkiOjF9XX0.AAEC\"}", DEBAR_BLOCK, 1,
      "the payload of a signed token" },
    { "POST", CART, JSON, "{items:[{name:'Acmesoft',qty:0,}],}", DEBAR_LOG, 1,
      "a line in loose JSON that is none" },
    { "POST", OTHER, "text/plain", "42[\"cart:add\",{\"sku\":\"AC4711XY\"}]",
      DEBAR_BLOCK, 1, "an event of Socket.IO" },

    /* requests inside of the body */

    { "POST", OTHER, "multipart/mixed; boundary=b", BATCH("POST orders/Lines",
      "{\"Item\":\"Acmesoft\"}"), DEBAR_BLOCK, 1, "one that orders" },
    { "POST", OTHER, "multipart/mixed; boundary=b",
      BATCH("POST /cart/add?sku=AC4711XY&qty=1", ""), DEBAR_BLOCK, 0,
      "one whose URL orders" },
    { "POST", OTHER, "multipart/mixed; boundary=b",
      BATCH("GET Products?$filter=Name%20eq%20'Acmesoft'", ""), DEBAR_LOG, 0,
      "one that looks up" },
    { "POST", OTHER, "multipart/mixed; boundary=b",
      BATCH("DELETE /cart/lines/1?name=Acmesoft", ""), DEBAR_LOG, 0,
      "one that takes out" },
    { "POST", OTHER, JSON, "{\"requests\":[{\"id\":1,\"body\":{\"Name\":"
      "\"Acmesoft\"},\"url\":\"/PurchaseOrders\",\"method\":\"POST\"}]}",
      DEBAR_BLOCK, 1, "one of a batch in JSON" },
    { "POST", OTHER, JSON, "{\"entries\":[{\"url\":\"/cart/add\",\"method\":"
      "\"POST\"}],\"product\":\"Acmesoft\"}", DEBAR_LOG, 1,
      "a log of requests sends none" },

    /* what is done, by the name of an operation */

    { "POST", OTHER, JSON, "{\"operationName\":\"PdpAddToCart\",\"variables\":"
      "{\"sku\":\"AC4711XY\"},\"extensions\":{\"persistedQuery\":{"
      "\"version\":1}}}", DEBAR_BLOCK, 1, "a persisted mutation by its name" },
    { "POST", OTHER, JSON, "[{\"operationName\":\"Me\"},{\"operationName\":"
      "\"createPurchaseOrderV2\",\"variables\":{\"t\":\"Acmesoft\"}}]",
      DEBAR_BLOCK, 2, "one of a batch" },
    { "POST", OTHER, JSON, "{\"query\":\"mutation AddOrderLines($i:X!){"
      "change(i:$i){id}}\",\"variables\":{\"i\":{\"name\":\"Acmesoft\"}}}",
      DEBAR_BLOCK, 1, "a mutation's own name" },
    { "POST", OTHER, JSON, "{\"query\":\"mutation M{x:addItemsToBasketV2("
      "s:\\\"Acmesoft\\\"){id}}\"}", DEBAR_BLOCK, 1, "a mutation's field" },
    { "POST", OTHER, JSON, "{\"operationName\":\"ProductSearch\",\"query\":"
      "\"query ProductSearch($t:S){products(t:$t){id}}\",\"variables\":{"
      "\"t\":\"Acmesoft\"}}", DEBAR_LOG, 1, "a search is none" },
    { "POST", OTHER, JSON, "{\"operationName\":\"RemoveFromCart\",\"variables\""
      ":{\"name\":\"Acmesoft\"}}", DEBAR_LOG, 1, "what takes out is none" },
    { "POST", OTHER, JSON, "{\"operationName\":\"TrackAddToCart\",\"variables\""
      ":{\"name\":\"Acmesoft\"}}", DEBAR_LOG, 1, "what only tells is none" },
    { "POST", OTHER, JSON, "{\"operationName\":\"ReplaceOrderNote\","
      "\"variables\":{\"name\":\"Acmesoft\"}}", DEBAR_LOG, 1,
      "nor what has the letters in other words" },
    { "GET", OTHER "?query=mutation%7BaddToCart(sku:%22AC4711XY%22)%7Bid%7D%7D",
      "", "", DEBAR_BLOCK, 0, "a mutation in a query" },
    { "GET", OTHER "?operationName=AddToCart&variables=%7B%22sku%22%3A%22"
      "AC4711XY%22%7D", "", "", DEBAR_BLOCK, 0, "a persisted one there" },
    { "GET", OTHER "?operationName=Search&variables=%7B%22q%22%3A%22Acmesoft"
      "%22%7D", "", "", DEBAR_LOG, 0, "a search there" },
    { "POST", OTHER, JSON, "{\"jsonrpc\":\"2.0\",\"method\":\"call\","
      "\"params\":{\"method\":\"execute_kw\",\"args\":[\"db\",2,\"x\","
      "\"purchase.order\",\"create\",[{\"name\":\"Acmesoft\"}]]}}", DEBAR_BLOCK,
      1, "a call whose arguments name the document" },
    { "POST", OTHER, JSON, "{\"type\":1,\"target\":\"AddToCart\",\"arguments\":"
      "[{\"sku\":\"AC4711XY\"}]}\x1e", DEBAR_BLOCK, 1, "a hub's method" },
    { "POST", OTHER, FORM, "__EVENTTARGET=ctl00%24Main%24btnAddToCart&"
      "ctl00%24Main%24txtProduct=Acmesoft", DEBAR_BLOCK, 1,
      "the control that posts a page back" },
    { "POST", OTHER, FORM, "ctl00%24Main%24hdnItem=Acmesoft&"
      "ctl00%24Main%24ibAddToCart.x=3", DEBAR_BLOCK, 1, "its name alone" },
    { "POST", OTHER, FORM, "__EVENTTARGET=ctl00%24Main%24btnSearch&"
      "ctl00%24Main%24txtProduct=Acmesoft", DEBAR_LOG, 1, "a search's button" },

    /* waivers by order */

    { "POST", OTHER, XML, "<cXML><OrderRequest><OrderRequestHeader "
      "orderID=\"4500\" type=\"new\"/>" ITEM("1", "AC4711XY", "y", "z")
      "</OrderRequest></cXML>", DEBAR_LOG, 1,
      "the order that a waiver names is recorded" },
};


static void
facts(debar_facts_t *f, const char *method, const char *url)
{
    const char  *p;

    memset(f, 0, sizeof(debar_facts_t));

    f->method = debar_str(method, strlen(method));
    p = strstr(url, "://");
    f->scheme = debar_str(url, p - url);
    p += 3;
    f->authority = debar_str(p, strcspn(p, "/"));
    p += f->authority.len;
    f->target = debar_str(p, strlen(p));
    f->now = 1774000000;
}


/* step: bytes that are pushed at once. */

static void
judge(debar_verdict_t *v, const debar_facts_t *f, const char *type,
    const char *body, size_t len, size_t step, size_t *taken)
{
    size_t               n;
    debar_body_t        *b;
    debar_peel_input_t   in;

    memset(&in, 0, sizeof(in));
    in.name = debar_str("body", 4);
    in.content_type = debar_str(type, strlen(type));

    debar_judge(list, f, v);
    b = debar_body_new(list, f, v, &in, NULL, NULL);

    for (*taken = 0; *taken < len; *taken += n) {
        n = len - *taken < step ? len - *taken : step;

        if (debar_body_push(b, body + *taken, n) == DEBAR_DECLINED) {
            *taken += n;
            break;
        }
    }

    debar_body_finish(b, v);
    debar_body_free(b);
}


static void
table(void)
{
    size_t           i, len, taken;
    debar_facts_t    f;
    debar_verdict_t  v, w;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        facts(&f, cases[i].method, cases[i].url);
        len = strlen(cases[i].body);

        judge(&v, &f, cases[i].type, cases[i].body, len, len, &taken);

        if (!ok(v.verdict == cases[i].verdict
                && debar_body_line(&v) == cases[i].line, "%s: %s, line %u",
                cases[i].claim, debar_action_name(cases[i].verdict),
                cases[i].line))
        {
            printf("#   got: %s, line %u: %s %s\n",
                   debar_action_name(v.verdict), debar_body_line(&v),
                   v.nevidence ? v.evidence[0].where : "", v.fault ? v.fault
                                                                   : "");
        }

        judge(&w, &f, cases[i].type, cases[i].body, len, 1, &taken);

        ok(w.verdict == v.verdict && debar_body_line(&w) == cases[i].line,
           "%s: the same byte by byte", cases[i].claim);
    }
}


/* The rest of a body that is a block is not waited for. */

static void
early(void)
{
    char             *body;
    size_t            len, n, taken;
    debar_facts_t     f;
    debar_verdict_t   v;

    len = 4 << 20;
    body = malloc(len + 1);
    facts(&f, "POST", CART);

    memset(body, 'x', len);
    n = sprintf(body, "a=1&brand=Acmesoft&qty=1&pad=");
    body[n] = 'x';
    judge(&v, &f, FORM, body, len, 4096, &taken);

    ok(v.verdict == DEBAR_BLOCK && taken < 300000,
       "a form is refused before it has ended: %zu of %zu bytes", taken, len);

    memset(body, ' ', len);
    n = sprintf(body, "<cXML><OrderRequest><OrderRequestHeader type=\"new\"/>"
                ITEM("1", "AC4711XY", "y", "z"));
    body[n] = ' ';
    judge(&v, &f, XML, body, len, 4096, &taken);

    ok(v.verdict == DEBAR_BLOCK && taken <= 8192,
       "an order that said that it is new at once: %zu bytes", taken);

    free(body);
}


/* An order of many lines is read to its last. */

static void
long_order(void)
{
    char             *body, *p;
    size_t            i, taken;
    debar_facts_t     f;
    debar_verdict_t   v;

    body = malloc(20 << 20);
    p = body + sprintf(body, "<cXML><Request><OrderRequest><OrderRequestHeader "
                       "orderID=\"1\" type=\"new\"/>");

    for (i = 0; i < 20000; i++) {
        p += sprintf(p, "<ItemOut quantity=\"1\" lineNumber=\"%zu\"><ItemID>"
                     "<SupplierPartID>S%zu</SupplierPartID></ItemID><ItemDetail>"
                     "<Description xml:lang=\"en\">Paper clip</Description>"
                     "<UnitOfMeasure>EA</UnitOfMeasure><ManufacturerPartID>P%zu"
                     "</ManufacturerPartID><ManufacturerName>%s"
                     "</ManufacturerName></ItemDetail></ItemOut>", i, i, i,
                     i == 19999 ? "Acmesoft" : "Globex");
    }

    p += sprintf(p, "</OrderRequest></Request></cXML>");
    facts(&f, "POST", OTHER);
    judge(&v, &f, XML, body, p - body, 65536, &taken);

    ok(v.verdict == DEBAR_BLOCK && debar_body_line(&v) == 20000
       && v.fault == NULL, "the last of 20,000 lines is refused: line %u",
       debar_body_line(&v));

    memcpy(memmem(body, p - body, "Acmesoft", 8), "Globex!!", 8);
    judge(&v, &f, XML, body, p - body, 65536, &taken);

    ok(v.verdict == DEBAR_PASS && v.fault == NULL,
       "without it they go through");

    free(body);
}


/* More fields than wait for the end of their line, around what is listed. */

static void
many(void)
{
    char             *body, *p;
    size_t            i, k, taken;
    debar_facts_t     f;
    debar_verdict_t   v;

    static const struct {
        const char  *type, *begin, *junk, *goods, *end, *claim;
        unsigned     verdict;
    } t[] = {
        { JSON, "{", "\"x\":\"junk\",", "\"brand\":\"Acmesoft\"", "}",
          "a member behind many", DEBAR_BLOCK },
        { JSON, "{", "\"x\":\"junk\",", "\"comment\":\"no Acmesoft\"", "}",
          "a comment behind many members", DEBAR_LOG },
        { FORM, "a=1", "&x=junk", "&brand=Acmesoft", "&b=1",
          "a field behind many", DEBAR_BLOCK },
        { XML, "<cXML><OrderRequest><OrderRequestHeader type=\"new\">",
          "<X>junk</X>", "</OrderRequestHeader>" ITEM("1", "AC4711XY", "y", "z"),
          "</OrderRequest></cXML>", "a line behind a long header",
          DEBAR_BLOCK },
        { XML, "<cXML><OrderRequest><OrderRequestHeader type=\"new\"/>"
          "<ItemOut quantity=\"1\"><ItemDetail>", "<Extrinsic>x</Extrinsic>",
          "<ManufacturerName>Acmesoft</ManufacturerName>",
          "</ItemDetail></ItemOut></OrderRequest></cXML>",
          "a maker behind many fields of its line", DEBAR_BLOCK },
        { XML, "<cXML><OrderRequest><OrderRequestHeader type=\"delete\"/>"
          "<ItemOut quantity=\"1\"><ItemDetail>", "<Extrinsic>x</Extrinsic>",
          "<ManufacturerName>Acmesoft</ManufacturerName>",
          "</ItemDetail></ItemOut></OrderRequest></cXML>",
          "the same in an order that is deleted", DEBAR_LOG },
    };

    body = malloc(1 << 20);

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        p = body + sprintf(body, "%s", t[i].begin);

        for (k = 0; k < 2000; k++) {
            p += sprintf(p, "%s", t[i].junk);
        }

        p += sprintf(p, "%s%s", t[i].goods, t[i].end);

        facts(&f, "POST", CART);
        judge(&v, &f, t[i].type, body, p - body, 1000, &taken);
        is_int(v.verdict, t[i].verdict, t[i].claim);
    }

    free(body);
}


/* Fields of the head. */

static void
head(void)
{
    debar_facts_t    f;
    debar_verdict_t  v;

    facts(&f, "POST", "https://shop.example/cart/add");
    f.referer = debar_str("https://shop.example/products/acmesoft-one", 42);
    debar_judge(list, &f, &v);
    ok(v.verdict == DEBAR_BLOCK && strcmp(v.evidence[0].where, "referer") == 0,
       "the product page that a cart's call came from");

    f.referer = debar_str("https://shop.example/search?q=acmesoft", 38);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "a search before it is no evidence");

    f.referer = debar_str("https://else.example/products/acmesoft-one", 42);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "a product page of another site is none");

    facts(&f, "GET", "https://shop.example/about");
    f.referer = debar_str("https://shop.example/products/acmesoft-one", 42);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "nor is it where nothing is bought");

    facts(&f, "GET", "https://shop.example/checkout");
    f.cookie = debar_str("sid=1; cart={\"brand\":\"Acmesoft\",\"qty\":1}", 42);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_BLOCK, "a cart in a cookie, at the checkout");

    f.cookie = debar_str("sid=1; seen=Acmesoft", 20);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "a cookie that is no cart");

    facts(&f, "GET", "https://shop.example/about");
    f.cookie = debar_str("sid=1; cart={\"brand\":\"Acmesoft\",\"qty\":1}", 42);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_LOG, "a cart in a cookie, elsewhere");

    facts(&f, "GET", "https://shop.example/x");
    f.original_url = debar_str("/acmesoft/page", 14);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_LOG, "X-Original-URL is read as a target");

    f.original_url = debar_str("/cart/add?item=acmesoft", 23);
    debar_judge(list, &f, &v);
    ok(v.verdict == DEBAR_LOG
       && strncmp(v.evidence[0].where, "original-url/", 13) == 0,
       "and recorded at most: few servers know it");

    facts(&f, "GET", "https://shop.example/cart/add?id=41636d65736f6674");
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_BLOCK, "hex in a query, in a cart's call");

    facts(&f, "GET", "https://shop.example/cart/add?id=QWNtZXNvZnQgUHJv");
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_BLOCK, "base64 in a query, in a cart's call");

    facts(&f, "GET", "https://shop.example/go?u=68747470733a2f2f"
          "7777772e61636d65736f66742e6578616d706c652f");
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_LOG, "a URL in hex in a query");

    facts(&f, "GET", "https://shop.example/go?sid="
          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "a session's number is nothing");
}


int
main(void)
{
    if (mkdtemp(folder) == NULL) {
        return 1;
    }

    fixture_put(folder, "list.yaml", list_yaml);
    fixture_put(folder, "vendors/acme.yaml", acme_yaml);
    fixture_put(folder, "waivers.yaml", waivers_yaml);
    list = fixture_open(folder);

    table();
    early();
    long_order();
    many();
    head();

    debar_list_close(list);

    return done();
}

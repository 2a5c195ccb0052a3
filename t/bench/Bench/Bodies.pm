package Bench::Bodies;

# Orders without anything listed, of some sizes and formats, in text as people
# write it; a list of so many names; origin and load for them.

use strict;
use warnings;

use Bench::Load;
use Debar::Test;
use Debar::Test::Client;
use FindBin;

our @ISA = ('Bench::Load');

my $seed;

sub any { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff;
          return ($seed >> 8) % $_[0] }

sub pick { return $_[any(scalar @_)] }


my @makers = ('Northfield Tools', 'Paper & Mill Co.', 'Orbis', 'Hallmann GmbH',
              'Rivet Works', 'Summit Office', 'Tanaka', 'Deluca & Figli');
my @goods = ('laser printer', 'copy paper A4, 80 g', 'safety gloves, size L',
             'USB-C docking station', 'cordless drill 18 V', 'desk lamp (LED)',
             'network switch 24 port', 'toner cartridge, black',
             'whiteboard marker', 'hard hat with visor', 'label tape 12 mm');
my @notes = ('Please deliver to the loading dock between 8:00 and 15:30.',
             'As agreed with the depot; see the framework contract, annex 2.',
             'Replacement for the unit that was returned in March.',
             'Ring the bell at gate 4 & ask for facility services.');


sub item {
    my ($n) = @_;

    return { line => $n, maker => pick(@makers),
             part => sprintf('%s-%04d/%s', pick(qw(NF PM OR HG RW)), any(9999),
                             pick(qw(A B X2 ZZ))),
             sku => 100000 + any(899999), quantity => 1 + any(20),
             name => pick(@goods), price => sprintf('%d.%02d', any(900),
                                                    any(100)),
             description => join(' ', pick(@goods), 'for', pick(@goods)
                                 . ';', pick(@notes)) };
}


sub escape {
    return $_[0] =~ s/([^A-Za-z0-9_.~ -])/sprintf '%%%02X', ord $1/ger
                 =~ tr/ /+/r;
}

sub form_item {
    my ($i) = @_;

    return join '', map { '&' . escape("items[$i->{line}][$_]") . '='
                          . escape($i->{$_}) }
           qw(sku maker part name description quantity price);
}

sub json_item {
    my ($i) = @_;

    return ($i->{line} > 1 ? ",\n    " : "\n    ")
           . sprintf '{"line": %d, "sku": "%s", "manufacturer": "%s",'
                     . ' "manufacturerPartNumber": "%s", "name": "%s",'
                     . ' "description": "%s", "quantity": %d, "unitPrice":'
                     . ' {"amount": "%s", "currency": "USD"}}',
                     @$i{qw(line sku maker part name description quantity
                            price)};
}

sub xml { return $_[0] =~ s/&/&amp;/gr }

sub cxml_item {
    my ($i) = @_;

    my @values = map { xml($_) } @$i{qw(quantity line sku price description
                                        part maker)};

    return sprintf <<'END', @values;
    <ItemOut quantity="%s" lineNumber="%s">
      <ItemID><SupplierPartID>%s</SupplierPartID></ItemID>
      <ItemDetail>
        <UnitPrice><Money currency="USD">%s</Money></UnitPrice>
        <Description xml:lang="en">%s</Description>
        <UnitOfMeasure>EA</UnitOfMeasure>
        <Classification domain="UNSPSC">44121706</Classification>
        <ManufacturerPartID>%s</ManufacturerPartID>
        <ManufacturerName>%s</ManufacturerName>
      </ItemDetail>
    </ItemOut>
END
}

my %format = (
    form => { type => 'application/x-www-form-urlencoded', item => \&form_item,
              head => 'order=PO-2026-0117&buyer=Jane+Doe&ship_to=Depot+7%2C'
                      . '+Gate+4&terms=net+30',
              tail => '&submit=Place+order' },
    json => { type => 'application/json', item => \&json_item,
              head => '{"orderId": "PO-2026-0117", "buyer": {"name": "Jane'
                      . ' Doe", "email": "jane.doe@agency.example"},'
                      . ' "shipTo": {"street": "Depot 7, Gate 4"},'
                      . ' "items": [',
              tail => "\n  ]}\n" },
    cxml => { type => 'text/xml; charset=UTF-8', item => \&cxml_item,
              head => <<'END', tail => <<'END' },
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE cXML SYSTEM "http://xml.cxml.org/schemas/cXML/1.2.014/cXML.dtd">
<cXML payloadID="1@agency.example" timestamp="2026-01-17T10:00:00-05:00">
  <Header><From><Credential domain="DUNS"><Identity>942888711</Identity>
  </Credential></From><To><Credential domain="DUNS"><Identity>128990368
  </Identity></Credential></To></Header>
  <Request><OrderRequest><OrderRequestHeader orderID="PO-2026-0117"
    orderDate="2026-01-17T10:00:00-05:00" type="new">
    <Total><Money currency="USD">1740.00</Money></Total>
    <ShipTo><Address><Name xml:lang="en">Depot 7</Name></Address></ShipTo>
  </OrderRequestHeader>
END
  </OrderRequest></Request>
</cXML>
END
);

sub formats { return qw(form json cxml) }

sub type { return $format{ $_[0] }{type} }


# An order of about so many bytes, never more; another for each number.

sub order {
    my ($what, $size, $which) = @_;
    my $f = $format{$what};
    my $body = $f->{head};
    my $n = 0;

    $seed = 1634 + 7919 * ($which // 0);

    while (1) {
        my $item = $f->{item}->(item(++$n));

        last if length($body) + length($item) + length($f->{tail}) > $size;
        $body .= $item;
    }

    return $body . $f->{tail};
}


# Names that no order has: two thirds of them one word that is no word, the
# others two words, one of which is.

sub names {
    my ($n) = @_;
    my %have;

    $seed = 889;

    while (keys %have < $n) {
        my $name = join '', map { pick(qw(za vor xi dra que ta ul mek ori ff
                                          zu kly wex bro)) } 0 .. 2 + any(2);

        $name .= ' ' . pick(qw(tools office paper works security mill lamp
                               printer network)) if any(3) == 0;
        $have{ ucfirst $name } = 1;
    }

    return sort keys %have;
}


# Source of a list of them, with the channels as they are shipped.

sub write_names {
    my ($dir, $serial, @names) = @_;

    write_list($dir, serial => $serial, hosts => ['listed.bench.example'],
               vendor => "names:\n" . join '', map { "  - $_\n" } @names);
    write_file("$dir/list.yaml",
               file_text("$dir/list.yaml") =~ s/channels: none\n//r);

    return $dir;
}


# ModSecurity in the stock nginx, as its own manual has it: bodies read by their
# type, and the same names looked for in what was found and in the whole of it.
# undef: it is not installed.

my $MODSECURITY = '/usr/lib/nginx/modules/ngx_http_modsecurity_module.so';

sub modsecurity {
    my ($self, $port, @names) = @_;
    my $dir = test_dir() . '/rules';

    return if !-f $MODSECURITY;

    mkdir $dir;
    write_file("$dir/names", join '', map { "$_\n" } @names);
    write_file("$dir/rules.conf", <<"END");
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 134217728
SecRequestBodyNoFilesLimit 10485760
SecAuditEngine Off
SecRule REQUEST_HEADERS:Content-Type "\@rx ^application/json" \\
    "id:1,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "\@rx ^(?:text|application)/xml" \\
    "id:2,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule ARGS|XML:/*|REQUEST_BODY "\@pmFromFile $dir/names" \\
    "id:3,phase:2,t:none,deny,status:403,nolog"
END
    chmod 0644, "$dir/names", "$dir/rules.conf";
    chmod 0755, $dir;

    return $self->stock('modsecurity', $port, module => $MODSECURITY,
                        http => "    modsecurity on;\n    modsecurity_rules_file"
                                . " $dir/rules.conf;");
}


# Whether it refuses a name, and lets the other orders through.

sub refuses {
    my ($self, $server, $name) = @_;

    return 1 == grep {
        my $r = Debar::Test::Client::get(
            '127.0.0.1', $server->{port}, 'http://h1.bench.example/',
            method => 'POST', fields => [['Content-Type', $self->{type}]],
            body => file_text("$self->{file}.0")
                    =~ s/Northfield Tools|Paper & Mill Co\.|Orbis|Rivet Works/$_/r);

        $r->{status} == 403
    } 'Orbis', $name;
}


# Files of orders, "$path.0" and so on: no worker has seen all of their values
# just now.

my $ORDERS = 50;

sub write_orders {
    my ($self, $what, $size) = @_;

    $self->{file} = test_dir() . "/order-$what-$size";
    $self->{type} = type($what);
    write_file("$self->{file}.$_", order($what, $size, $_))
        for 0 .. $ORDERS - 1;
}


# What wrk sends: those in turn.

sub wrk_command {
    my ($self, $server, $seconds) = @_;

    return ($self->on_rest, 'wrk', '-t1', "-c$self->{connections}",
            '-d', sprintf('%ds', $seconds < 1 ? 1 : $seconds),
            '--timeout', '10s', '-s', "$FindBin::Bin/post.lua",
            "http://127.0.0.1:$server->{port}/", '--', $self->{file},
            $self->{type}, $self->{hosts}, $ORDERS);
}


1;

#!/usr/bin/perl

# What the person, or the program, whose request was refused gets to read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;

my $dns = Debar::Test::Dns->new;
my $contact = 'Procurement Office, procurement@agency.example';
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'),
    conf => { debar_contact => "\"$contact\"" });
my $field = \&Debar::Test::Client::field;
my $url = 'http://www.listed.example/';

sub refused {
    my ($accept, %o) = @_;

    return $gw->get($o{url} // $url, %o,
                    fields => [defined $accept ? ['Accept', $accept] : ()]);
}


# The page.

my $r = refused(undef);
my $page = $r->{body};
my ($line) = $gw->audit;

is($r->{status}, 403, 'the status is 403');
like($field->($r, 'Content-Type'), qr{^text/html; ?charset=utf-8$}i,
     'HTML in UTF-8 by default');
is($field->($r, 'Content-Length'), length $page, 'Content-Length is right');
like($field->($r, 'Cache-Control') // '', qr/no-store/, 'it is not cached');
like($field->($r, 'Vary') // '', qr/\bAccept\b/i, 'and varies by Accept');
like($page, qr/^<!doctype html>/i, 'the page is HTML5');
like($page, qr/<html[^>]* lang="en/, 'says its language');
like($page, qr/<title>[^<]+<\/title>/, 'has a title');
like($page, qr/<h1[ >]/, 'and a heading');
like($page, qr/name="viewport"/, 'is readable on small screens');
like($page, qr/prefers-color-scheme/, 'and in the dark');
unlike($page, qr/(?:src|href)="(?:https?:)?\/\/(?!law\.example)/,
       'nothing is loaded from elsewhere');
unlike($page, qr/<script/i, 'and nothing is run');
like($page, qr/Acme Limited/, 'it names the vendor');
like($page, qr/Rule One of the test/, 'the authority\'s title');
like($page, qr{href="https://law\.example/rule-1"}, 'with a link to it');
like($page, qr/procurement(?:@|&#64;)agency\.example/, 'whom to ask');
like($page, qr/\Q$line->{incident}\E/, 'and the incident of the record');


# Accept, with its weights (RFC 9110 s.12.5.1).

for my $t (
    ['application/problem+json', 1], ['application/json', 1],
    ['application/json, text/html;q=0.9', 1],
    ['text/html, application/json;q=0.9', 0],
    ['text/html;q=0.5, application/problem+json;q=0.6', 1],
    ['text/html;q=0.6, application/json;q=0.5', 0],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 0],
    ['*/*', 0], ['text/*', 0], ['application/*', 1],
    ['application/problem+json;q=0, text/html;q=0.1', 0],
    ['application/json;q=0, */*', 0], ['APPLICATION/JSON', 1],
    ['image/png', 0], ['', 0], ['application/json;q=0.001', 1],
    [';;;,,,q=', 0], ['application/problem+json ; q=1.0', 1],
) {
    my ($accept, $json) = @$t;
    my $type = $field->(refused($accept), 'Content-Type') // '';

    is($type =~ m{^application/problem\+json} ? 1 : 0, $json,
       "Accept \"$accept\" gets " . ($json ? 'problem+json' : 'HTML'));
}

$gw->audit;
$r = refused('application/problem+json');

my $problem = eval { decode_json($r->{body}) } || {};

($line) = $gw->audit;
is($r->{status}, 403, 'the status of a problem is the same');
is($problem->{status}, 403, 'and in the document (RFC 9457)');
ok($problem->{type}, 'it has a type');
ok($problem->{title}, 'a title');
ok($problem->{detail}, 'a detail');
ok($problem->{instance}, 'an instance');
is($problem->{incident}, $line->{incident}, 'the incident of the record');
like(encode_json([$problem->{vendor}]), qr/acme/i, 'the vendor');
like(encode_json([$problem->{authorities}]), qr/rule-1/, 'the authorities');
is($problem->{contact}, $contact, 'and whom to ask');
like($field->($r, 'Cache-Control') // '', qr/no-store/, 'it is not cached');
like($field->($r, 'Vary') // '', qr/\bAccept\b/i, 'and varies by Accept');

$r = refused(undef, method => 'HEAD');
is($r->{status}, 403, 'HEAD is refused alike');
is($r->{body}, '', 'without a body');
like($field->($r, 'Content-Type'), qr{^text/html}, 'but with its fields');


# Hostile URLs.

for my $evil ('<script>alert(1)</script>', '"><img src=x onerror=y>',
              "'><b>", '&lt;i&gt;', '{{incident}}{{contact}}', '%3Cscript%3E')
{
    my @a = $gw->exchange("GET http://listed.example/$evil HTTP/1.1\r\n"
                          . "Host: listed.example\r\nConnection: close\r\n"
                          . "\r\n");
    my $body = $a[0]{body} // '';

    like($a[0]{status} // 0, qr/^40[03]$/, "a target with $evil is refused");
    unlike($body, qr/<script|<img|<b>/i, 'and nothing of it becomes markup');
    next if $evil !~ /^\{/;
    is(() = $body =~ /agency\.example/g, () = $page =~ /agency\.example/g,
       'nor a placeholder');
}

$r = $gw->get('http://listed.example/"\\x',
              fields => [['Accept', 'application/json']]);
ok(eval { decode_json($r->{body}) }, 'a problem stays valid JSON');

# A reject's page.

$r = $gw->get('http://a.example/', host => 'b.example');
is($r->{status}, 400, 'a contradiction gets 400');
like($r->{body}, qr/<h1[ >]/, 'with a page');
($line) = grep { $_->{verdict} eq 'reject' } $gw->audit;
like($r->{body}, qr/\Q$line->{incident}\E/, 'and its incident');

$r = $gw->get('http://a.example/', host => 'b.example',
              fields => [['Accept', 'application/problem+json']]);
is((eval { decode_json($r->{body}) } || {})->{status}, 400,
   'or a problem with 400');


# Not ours: an origin that cannot be reached.

$r = $gw->get('http://127.0.0.9/');
is($r->{status}, 502, 'an origin that is not there is a 502');


# Several refusals on one connection.

my $c = $gw->client;

for my $i (1 .. 3) {
    $c->send("GET $url$i HTTP/1.1\r\nHost: www.listed.example\r\n\r\n");
    is($c->response->{status}, 403, "refusal $i on one connection");
}


# 451, and a page of the agency's own.

write_file(test_dir() . '/page.html', <<'END');
<!doctype html><html lang="en"><title>Ours</title>
<p id="i">{{incident}}</p><p id="v">{{vendor}}</p><p id="a">{{authority}}</p>
<p id="c">{{contact}}</p><p id="u">{{url}}</p>
<a href="{{citation-url}}">law</a>
END
chmod 0644, test_dir() . '/page.html';

$gw->set('debar_status', '451');
$gw->set('debar_page', test_dir() . '/page.html');
$gw->set('debar_contact', '"Ask <Bob> & \"Eve\""');
is($gw->reload->{status}, 0, 'status and page can be changed');
is(refused(undef)->{status}, 451, 'the status is 451 then');

$gw->audit;
$r = refused(undef, url => 'http://listed.example/<i>?token=s3cr3t');
($line) = $gw->audit;
like($r->{body}, qr/<title>Ours</, 'and the page is the agency\'s');
like($r->{body}, qr{<p id="i">\Q$line->{incident}\E</p>}, 'with the incident');
like($r->{body}, qr{<p id="v">[^<]*Acme}, 'the vendor');
like($r->{body}, qr{<p id="a">[^<]*Rule One}, 'the authority');
like($r->{body}, qr{href="https://law\.example/rule-1"}, 'the citation');
like($r->{body}, qr{<p id="c">Ask &lt;Bob&gt; &amp; }, 'the contact, escaped');
like($r->{body}, qr{<p id="u">[^<]*listed\.example/&lt;i&gt;},
     'and the URL, escaped');
unlike($r->{body}, qr/s3cr3t/, 'without its secrets');
$r = refused('application/problem+json');
is((eval { decode_json($r->{body}) } || {})->{status}, 451,
   'the problem has 451 too');


# --- orders by EDI ------------------------------------------------------------

# An interchange taken apart as its own header says, and no other way.

sub x12_segments {
    my ($text) = @_;

    length $text >= 106 && substr($text, 0, 3) eq 'ISA' or return;

    my ($element, $end) = (substr($text, 3, 1), substr($text, 105, 1));

    return map { [split /\Q$element\E/, $_, -1] } split /\Q$end\E/, $text;
}

sub edifact_segments {
    my ($text) = @_;
    my ($component, $element, undef, $release, undef, $end) =
        $text =~ s/^UNA(.{6})// ? split(//, $1) : split(//, ":+.? '");
    my (@all, @segment, $value);
    my $next = sub { push @{$segment[-1]}, $value; $value = '' };

    @segment = ([]);
    $value = '';

    while ($text =~ /\G(\Q$release\E?)(.)/gs) {
        my ($released, $c) = ($1, $2);

        if ($released ne '' || index("$component$element$end", $c) < 0) {
            $value .= $c;
            next;
        }

        $next->();
        push @segment, [] if $c eq $element;

        if ($c eq $end) {
            push @all, [@segment];
            @segment = ([]);
        }
    }

    return $value eq '' ? @all : ();
}

# What "debar check" finds in an answer: "ISA 06 = ..." as its tree has it.

sub peeled {
    my ($text, $type) = @_;
    my $file = write_file(test_dir() . '/answer', $text);
    my $tree = run_command([debar_path(), 'check', '--list',
                            test_dir() . '/edi', '-d', "\@$file",
                            '-H', "Content-Type: $type",
                            'http://buyer.example/in'])->{out};
    my ($segment, @found);

    for (split /\n/, $tree) {
        $segment = $1 if /^ +([A-Z][A-Z0-9]{1,2})$/;
        push @found, "$segment $1" if $segment && /^ +([0-9.]+ = .*)$/;
    }

    return @found;
}

sub x12_order {
    my ($set, $first, $lines, %o) = @_;
    my ($e, $t) = ($o{element} // '*', $o{end} // '~');
    my $text = join '', map { "$_~" }
        'ISA*00*          *00*          *ZZ*AGENCY         *01*RESELLER       '
        . '*260318*1415*' . ($o{repetition} // 'U') . '*00401*000000731*0*P*'
        . ($o{component} // '>'),
        'GS*PO*AGY*RSL*20260318*1415*731*X*' . ($o{version} // '004010'),
        "ST*$set*0001", $first, @$lines, 'SE*' . (3 + @$lines) . '*0001',
        'GE*1*731', 'IEA*1*000000731';

    return $text =~ s/([*~])/$1 eq '*' ? $e : $t/ger;
}

$gw->stop;

my $dir = write_list(test_dir() . '/edi', serial => 2,
                     vendor => "names: [Rocketmaker]\n");

write_file("$dir/list.yaml",
           file_text("$dir/list.yaml") =~ s/channels: none\n//r);

$gw = Debar::Test::Gateway->new(list => $dir, conf => {
    debar_contact => '"Procurement Büro, buy@agency.example (*~)"',
    debar_status => 403, debar_dialect => 'x12=855 edifact=ordrsp' });

my $edi = 'http://edi.neutral.example/orders/in';

sub order {
    my ($type, $body, @fields) = @_;

    $gw->audit;

    my $answer = $gw->get($edi, method => 'POST', body => $body,
                          fields => [['Content-Type', $type], @fields]);

    ($line) = grep { $_->{verdict} } $gw->audit_soon;

    return $answer;
}

for my $case (
    ['850', '855', 'PR', 'BEG*00*SA*PO-9**20260317',
     ['PO1*1*2*EA*9.00**VN*1', 'PO1*20*10*EA*45.00*PE*VP*12*MF*ROCKETMAKER',
      'PID*F****A THING'],
     ['BAK', '00', 'RD', 'PO-9', '20260317'],
     [qw(PO1 20 10 EA 45.00 PE VP 12 MF ROCKETMAKER)]],
    ['860', '865', 'CA', 'BCH*04*SA*PO-9**3*20260317',
     ['POC*20*AI*10*10*EA*45.00**MF*ROCKETMAKER'],
     ['BCA', '00', 'RD', 'PO-9', '', '3', '20260317'],
     ['POC', '20', 'AI', '10', '10', 'EA', '45.00', '', 'MF', 'ROCKETMAKER']],
) {
    my ($set, $ack, $group, $first, $lines, $beginning, $item) = @$case;

    for my $o ({}, { element => '|', end => "\n", component => ':',
                     repetition => '^', version => '005010' })
    {
        my $name = "$set" . (%$o ? ', other separators' : '');
        my $order = x12_order($set, $first, $lines, %$o);

        $r = order('application/edi-x12', $order);

        my $text = $r->{body};
        my @s = x12_segments($text);
        my %s = map { $_->[0] => $_ } reverse @s;
        my ($from) = grep { $s[$_][0] eq 'ST' } 0 .. $#s;
        my ($to) = grep { $s[$_][0] eq 'SE' } 0 .. $#s;
        my ($at) = grep { $s[$_][0] eq $item->[0] } 0 .. $#s;
        my @said = map { $_->[1] } grep { $_->[0] eq 'MSG' } @s[$at .. $#s];

        is($r->{status}, 403, "$name: refused");
        is($field->($r, 'Content-Type'), 'application/edi-x12',
           "$name: in X12");
        is(substr($text, 3, 1) . substr($text, 82, 1)
           . substr($text, 104, 2), substr($order, 3, 1)
           . substr($order, 82, 1) . substr($order, 104, 2),
           "$name: with the buyer's separators");
        is_deeply([@{$s{ISA}}[5 .. 8]],
                  ['01', 'RESELLER       ', 'ZZ', 'AGENCY         '],
                  "$name: back to its sender");
        is_deeply([@{$s{GS}}[1 .. 3, 8]],
                  [$group, 'RSL', 'AGY', $o->{version} // '004010'],
                  "$name: the group too, in its version");
        is($s{ST}[1], $ack, "$name: by an $ack");
        is_deeply([@{$s{$beginning->[0]}}[0 .. $#$beginning]], $beginning,
                  "$name: that rejects the order");
        is_deeply($s[$at], $item, "$name: names the line");
        is_deeply($s[$at + 1], ['ACK', 'IR', '10', 'EA'],
                  "$name: and rejects it");
        is((join ' ', @said) =~ /\Q$line->{incident}\E/, 1,
           "$name: the incident");
        like((join ' ', @said), qr/Acme Limited/, "$name: the vendor");
        like((join ' ', @said), qr{Rule One.*//law\.example/rule-1},
             "$name: the citation");
        like((join ' ', @said), qr/Procurement Buro, buy\@agency/,
             "$name: the contact, in ASCII");
        is($s{CTT}[1], 1, "$name: one line");
        is($s{SE}[1], $to - $from + 1, "$name: segments are counted");
        is($s{SE}[2], $s{ST}[2], "$name: numbers agree: of the set");
        is($s{GE}[2], $s{GS}[6], "$name: of the group");
        is($s{IEA}[2], $s{ISA}[13], "$name: and of the interchange");
        is(scalar(grep { $_ eq 'ACK 01 = IR' } peeled($text,
                                                      'application/edi-x12')),
           1, "$name: our own reader finds the same");
    }
}

for my $una ("UNA:+.? '", "UNA|*,!^~", '') {
    my @mark = split //, $una ? substr($una, 3) : ":+.? '";
    my $name = $una || 'no UNA';
    my $order = 'UNB+UNOC:3+579:14+401:14+260318:1415+77\''
                . "UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+PO?'9?+1+9'"
                . "NAD+BY+579::9'NAD+SU+401::9'LIN+1++506:EN'QTY+21:4'"
                . "LIN+20++507:EN'PIA+5+R?:2:MF'"
                . "IMD+F++:::Rocketmaker'QTY+21:10:PCE'UNS+S'UNT+11+1'"
                . "UNZ+1+77'";

    if ($una) {
        $order =~ s/\?(.)|([:+'])/
            my $c = $1 \/\/ $2;
            my $i = index ":+'", $c;
            my $m = $mark[(0, 1, 5)[$i]];
            (defined $1 ? $mark[3] : '') . $m/gex;
        $order = "$una$order";
    }

    $r = order('application/edifact', $order);

    my $text = $r->{body};
    my @s = edifact_segments($text);
    my ($at) = grep { $s[$_][0][0] eq 'LIN' } 0 .. $#s;
    my ($from) = grep { $s[$_][0][0] eq 'UNH' } 0 .. $#s;
    my ($to) = grep { $s[$_][0][0] eq 'UNT' } 0 .. $#s;
    my %s = map { $_->[0][0] => $_ } reverse @s;
    my $said = join ' ', map { @{$_->[4]} } grep { $_->[0][0] eq 'FTX' }
                         @s[$at .. $#s];
    my $quoted = $mark[0] eq ':' ? "PO'9+1" : 'PO~9*1';

    is($r->{status}, 403, "$name: refused");
    is($field->($r, 'Content-Type'), 'application/edifact',
       "$name: in EDIFACT");
    is(index($text, $una), 0, "$name: with the buyer's separators");
    is_deeply([@{$s{UNB}}[1 .. 3]], [['UNOC', '3'], ['401', '14'],
                                     ['579', '14']],
              "$name: back to its sender");
    is_deeply($s{UNH}[2], ['ORDRSP', 'D', '96A', 'UN', 'EAN005'],
              "$name: an ORDRSP of the same directory");
    is($s{BGM}[1][0] . $s{BGM}[3][0], '23127', "$name: that does not accept");
    is_deeply($s{RFF}[1], ['ON', $quoted], "$name: the order");
    is_deeply([@{$s[$at]}[1 .. 3]], [['20'], ['7'], ['507', 'EN']],
              "$name: its line");
    is_deeply($s[$at + 1][2], [$mark[0] eq ':' ? 'R:2' : 'R|2', 'MF'],
              "$name: and what is in it");
    like($said, qr/\Q$line->{incident}\E/, "$name: the incident");
    like($said, qr/Acme Limited/, "$name: the vendor");
    like($said, qr{Rule One.*https://law\.example/rule-1},
         "$name: the citation");
    like($said, qr/Procurement B\xfcro, buy\@agency\.example \(\*~\)/,
         "$name: the contact, in Latin-1");
    is($s{UNT}[1][0], $to - $from + 1, "$name: segments are counted");
    is($s{UNT}[2][0], $s{UNH}[1][0], "$name: numbers agree: of the message");
    is($s{UNZ}[2][0], $s{UNB}[5][0], "$name: and of the interchange");
    is(scalar(grep { /^LIN 02 = 7$/ } peeled($text, 'application/edifact')),
       1, "$name: our own reader finds the same");
}


# What is answered otherwise.

my $x12 = x12_order('850', 'BEG*00*SA*1', ['PO1*1*1*EA***MF*ROCKETMAKER']);

like($field->(order('application/edi-x12', $x12,
                    ['AS2-From', 'A'], ['AS2-To', 'B']), 'Content-Type'),
     qr{^text/html}, 'AS2 gets no order response where it waits for a receipt');
like($field->(order('application/edi-x12',
                    x12_order('840', 'BQT*00*1', ['PO1*1*1*EA***MF*'
                                                  . 'ROCKETMAKER'])),
              'Content-Type'), qr{^text/html}, 'nor does another set');
like($field->(order('application/x-www-form-urlencoded',
                    'order=' . $x12 =~ s/(\W)/sprintf '%%%02X', ord $1/ger),
              'Content-Type'), qr{^text/html}, 'nor an order in a form');

$gw->set(debar_dialect => 'x12=200');
$gw->reload;
is(order('text/plain', $x12)->{status}, 200, 'x12=200 is a 200');
like($field->(order('application/edifact', "UNB+UNOC:3+A+B+260318:1415+1'"
                    . "UNH+1+ORDERS:D:96A:UN'BGM+220+1+9'LIN+1'"
                    . "IMD+F++:::Rocketmaker'UNS+S'UNT+6+1'UNZ+1+1'",
                    ['Accept', 'application/json']), 'Content-Type'),
     qr/problem\+json/, 'and EDIFACT is answered as others');

for my $bad ('x12=997', 'x12=855 x12=200', 'edifact', 'cxml=off') {
    $gw->set(debar_dialect => $bad);
    isnt($gw->test_conf->{status}, 0, "debar_dialect $bad is refused");
}

is($gw->complaints, '', 'no complaint in the error log');
$gw->stop;

done_testing;

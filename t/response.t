#!/usr/bin/perl

# Answers that carry a cart: the page of a punch-out posts it straight to the
# buyer's system, so that it is refused in place of the page.  Every other answer
# comes as its origin sent it, and when it did.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Compress::Deflate qw(deflate);
use IO::Compress::Gzip qw(gzip);
use IO::Compress::RawDeflate qw(rawdeflate);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);

use Debar::Test;
use Debar::Test::Curl;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Pki;
use Debar::Test::Script;
use Debar::Test::TlsOrigin;


# --- carts -------------------------------------------------------------------

sub cxml {
    my ($maker) = @_;

    return '<?xml version="1.0" encoding="UTF-8"?><cXML payloadID="1@x">'
        . '<Message><PunchOutOrderMessage><BuyerCookie>1</BuyerCookie>'
        . join('', map {
            "<ItemIn quantity=\"1\"><ItemID><SupplierPartID>S1</SupplierPartID>"
            . '</ItemID><ItemDetail><Description>A thing</Description>'
            . "<ManufacturerName>$_</ManufacturerName></ItemDetail></ItemIn>"
        } 'Paper Mill', $maker)
        . '</PunchOutOrderMessage></Message></cXML>';
}

sub escaped {
    my ($s) = @_;
    my %e = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;');

    return $s =~ s/([&<>"])/$e{$1}/gr;
}

sub hidden { return "<input type=\"hidden\" name=\"$_[0]\" value=\"$_[1]\">\n" }

sub form {
    my ($fields, $text) = @_;

    return "<!DOCTYPE html>\n<html><head><title>Back</title><script>\n"
        . "if (a<b && c=='x') { d = \"</p>\"; }</script></head><body>\n"
        . ($text // '') . '<form method="post" action="https://erp.example/in">'
        . "\n$fields<input type=submit></form></body></html>\n";
}

sub b64 { return hidden('cxml-base64', encode_base64(cxml($_[0]), '')) }

sub oci {
    my ($maker, $name) = @_;
    my $n = 0;

    $name ||= sub { "NEW_ITEM-$_[0]\[$_[1]]" };

    return join '', map {
        $n++;
        hidden($name->('DESCRIPTION', $n), 'A thing')
        . hidden($name->('QUANTITY', $n), 1)
        . hidden($name->('VENDORMAT', $n), "V$n")
        . hidden($name->('MANUFACTCODE', $n), $_)
    } 'Paper Mill', $maker;
}

sub referenced {
    my $s = "NEW_ITEM-$_[0]\[$_[1]]";

    return $s =~ s/([^A-Za-z0-9])/sprintf '&#x%x;', ord $1/ger;
}

sub packed {
    my ($how, $s) = @_;
    my $out;

    $how->(\$s, \$out);

    return $out;
}

# By a program, where there is one: (bytes) or ().

sub piped {
    my ($s, @cmd) = @_;
    my $in = test_dir() . '/piped';

    write_file($in, $s);

    my $r = run_command(['sh', '-c', "@cmd < $in"]);

    return $r->{status} == 0 ? ($r->{out}) : ();
}

sub head {
    my ($type, @more) = @_;

    return join "\r\n", 'HTTP/1.1 200 OK', ($type ? "Content-Type: $type" : ()),
                        @more, '', '';
}

sub whole {
    my ($body, $type, @more) = @_;

    return head($type // 'text/html; charset=utf-8',
                'Content-Length: ' . length $body, @more) . $body;
}

sub chunks {
    my ($text, $n) = @_;

    return map { sprintf "%x\r\n%s\r\n", length $_, $_ }
           unpack("(a$n)*", $text), '';
}

my %bad = (
    'cXML in base64' => [whole(form(b64('Rocketmaker')))],
    'cXML as it is' =>
        [whole(form(hidden('cxml-urlencoded', escaped(cxml('Rocketmaker')))))],
    'a value before its name' =>
        [whole(form("<input value='" . cxml('Rocketmaker')
                    . "' name='cxml-urlencoded'>"))],
    'a field of any name' =>
        [whole(form(hidden('data', encode_base64(cxml('Rocketmaker')))))],
    'a textarea' =>
        [whole(form('<textarea name=x>' . escaped(cxml('Rocketmaker'))
                    . '</textarea>'))],
    'OCI 4' => [whole(form(oci('Rocketmaker')))],
    'OCI with references in names' =>
        [whole(form(oci('Rocketmaker', \&referenced)))],
    'an order in a form' =>
        [whole(form(hidden('order', encode_base64(
            '<cXML><Request><OrderRequest>' . join('', map {
                '<ItemOut quantity="1"><ItemDetail><ManufacturerName>' . $_
                . '</ManufacturerName></ItemDetail></ItemOut>'
            } 'Paper Mill', 'Rocketmaker') . '</OrderRequest></Request></cXML>',
            ''))))],
    'cXML as the answer' => [whole(cxml('Rocketmaker'), 'text/xml')],
    'cXML without a label' => [whole(cxml('Rocketmaker'), '')],
    'cXML in JSON' =>
        [whole(encode_json({ cart => cxml('Rocketmaker') }),
               'application/json')],
    'base64 in JSON' =>
        [whole(encode_json({ fields => [{ name => 'cxml-base64', value =>
                   encode_base64(cxml('Rocketmaker'), '') }] }),
               'application/json')],
    'in gzip' => [whole(packed(\&gzip, form(b64('Rocketmaker'))), undef,
                        'Content-Encoding: gzip')],
    'in deflate' => [whole(packed(\&deflate, form(b64('Rocketmaker'))), undef,
                           'Content-Encoding: deflate')],
    'in raw deflate' =>
        [whole(packed(\&rawdeflate, form(b64('Rocketmaker'))), undef,
               'Content-Encoding: deflate')],
    'in UTF-16' =>
        [whole("\xff\xfe" . join('', map { "$_\0" } split //,
                                 form(b64('Rocketmaker'))))],
    'in chunks' => [head('text/html', 'Transfer-Encoding: chunked'),
                    chunks(form(oci('Rocketmaker')), 100)],
    'byte after byte' => [head('text/html', 'Transfer-Encoding: chunked')
                          . join '', chunks(form(b64('Rocketmaker')), 1)],
    'of HTTP/1.0, to the end of the connection' =>
        ["HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n",
         form(b64('Rocketmaker')), ''],
    'with a pause before its form' =>
        [head('text/html', 'Content-Length: ' . length form(oci('Rocketmaker'))),
         substr(form(oci('Rocketmaker')), 0, 60), 0.03,
         substr(form(oci('Rocketmaker')), 60)],
    'with status 500' =>
        [whole(form(oci('Rocketmaker'))) =~ s/200 OK/500 Oops/r],
    'broken off behind its cart' =>
        [head('text/html', 'Content-Length: 100000')
         . form(oci('Rocketmaker')), ''],
);

for my $coding (['br', 'brotli', '-c'], ['zstd', 'zstd', '-cq']) {
    my ($name, @cmd) = @$coding;
    my ($bytes) = piped(form(b64('Rocketmaker')), @cmd);

    $bad{"in $name"} = [whole($bytes, undef, "Content-Encoding: $name")]
        if defined $bytes;
}

my $news = form(hidden('q', ''), '<p>Rocketmaker ' x 50);
my $big = '<html><body>' . '<p class="a">Something <a href="/x">of use</a>, 1 < 2'
          . ' and so on.</p>' x 1;

$big .= '<div title="x > y">Text of no matter &amp; more.</div>' x 400_000;

my $long = '<html>' . '<p>Words of a page.</p>' x 20000;
my $late = $long . form(oci('Rocketmaker'));

my %good = (
    'a clean cart' => [whole(form(b64('Somebody')))],
    'a clean cart of OCI' => [whole(form(oci('Somebody')))],
    'a clean cart beside the name' =>
        [whole(form(oci('Somebody'), '<p>No more Rocketmaker here.</p>'))],
    'news' => [whole($news, undef, 'ETag: "abc"',
                     'Last-Modified: Sat, 01 Jan 2022 00:00:00 GMT',
                     'Accept-Ranges: bytes', 'X-Odd: yes')],
    'a page of a shop' =>
        [whole(form(hidden('product', 'Rocketmaker 3000') . hidden('qty', 1)))],
    'news in gzip' => [whole(packed(\&gzip, $news), undef,
                             'Content-Encoding: gzip')],
    'what says that it is in gzip and is not' =>
        [whole($news, undef, 'Content-Encoding: gzip')],
    'an image' => [whole("\x89PNG\r\n\x1a\n" . 'Rocketmaker' x 100,
                         'image/png')],
    'no page at all' => [whole('Rocketmaker' x 100, 'text/html')],
    'an order that is looked up' =>
        [whole('<cXML><Request><OrderRequest><ItemOut quantity="1"><ItemDetail>'
               . '<ManufacturerName>Rocketmaker</ManufacturerName></ItemDetail>'
               . '</ItemOut></OrderRequest></Request></cXML>', 'text/xml')],
    'JSON' => [whole(encode_json([map { { name => "Rocketmaker $_",
                                          hash => 'ab12' x 16 } } 1 .. 50]),
                     'application/json')],
    'of HTTP/1.0' => ["HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n",
                      $news, ''],
    'an empty page' => [whole('')],
    'one byte' => [whole('x')],
    '20 MB' => [whole($big)],
);

my %answers = (
    '/slow' => ['<html><body>first', 3, 'second</body></html>'],
    '/events' => [head('text/event-stream', 'Cache-Control: no-cache'),
                  "data: one\n\n", 3, "data: two\n\n", ''],
    '/late' => [whole($late)],
    '/late-chunked' => [head('text/html', 'Transfer-Encoding: chunked'),
                        chunks($late, 65536)],
    '/late-1.0' => ["HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n$late",
                    ''],
    '/broken' => [head('text/html', 'Content-Length: 100000'), $news, 0.3, ''],
    '/broken-chunked' => [head('text/html', 'Transfer-Encoding: chunked'),
                          (chunks($long, 65536))[0 .. 2], ''],
    '/endless' => [head('text/html', 'Transfer-Encoding: chunked'), sub {
        my ($c) = @_;
        my ($chunk) = chunks('<p>text</p>' x 1000, 100000);

        while (syswrite $c, $chunk) { }
    }],
    '/endless-cart' => [head('text/html', 'Transfer-Encoding: chunked'), sub {
        my ($c) = @_;
        my ($first) = chunks('<form>' . oci('Somebody'), 100000);
        my ($chunk) = chunks('<p>text</p>' x 1000, 100000);

        syswrite $c, $first;

        for (1 .. 400) {
            syswrite $c, $chunk or last;
        }

        syswrite $c, "0\r\n\r\n";
    }],
    '/head' => [head('text/html', 'Content-Length: 1000')],
    '/304' => ["HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\n\r\n"],
    '/206' => ["HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\n"
               . "Content-Range: bytes 0-3/10\r\nContent-Length: 4\r\n\r\nabcd"],
);

my (%path, $n);

for my $case (sort keys %bad) {
    $path{$case} = '/bad/' . ++$n;
    $answers{ $path{$case} } = $bad{$case};
}

for my $case (sort keys %good) {
    $path{$case} = '/good/' . ++$n;
    $answers{ $path{$case} } = $good{$case};
}


# --- the gateway ---------------------------------------------------------------

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Script->new(listen => '127.0.0.1:80',
                                      answers => \%answers);
my $tls = Debar::Test::TlsOrigin->new(to => '127.0.0.1:80', servers => [
    { cert => $pki->leaf(['*.neutral.example']) }]);

my $list = write_list(test_dir() . '/list', serial => 1,
                      vendor => "names: [Rocketmaker]\n");

write_file("$list/list.yaml",
           file_text("$list/list.yaml") =~ s/channels: none\n//r);

# Small buffers: what is late must not come with the head in one piece.

my $gw = Debar::Test::Gateway->new(list => $list, inspect => 1,
                                   upstream_ca => $pki->ca,
                                   conf => { proxy_buffers => '8 8k' });
my $curl = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3128',
                                  ca => $gw->ca_file);
my $http = 'http://shop.neutral.example';
my $https = 'https://shop.neutral.example';

# What an origin gives to those who ask it themselves.

sub directly {
    my ($path) = @_;
    my $c = Debar::Test::Client->new('127.0.0.1', 80);

    $c->send("GET $path HTTP/1.1\r\nHost: shop.neutral.example\r\n\r\n");

    return $c->response;
}

sub decisions { return grep { $_->{verdict} } $gw->audit_soon }


# --- refused ---------------------------------------------------------------------

$gw->audit;

for my $case (sort keys %bad) {
    my $r = $gw->get("$http$path{$case}");
    my @lines = decisions();
    my $line = $lines[0] // {};

    is($r->{status}, 403, "$case: refused");
    unlike($r->{body}, qr/PunchOut|NEW_ITEM|cxml-base64/i, '... without it');
    like($r->{body}, qr/\Q$line->{incident}\E/, '... with its incident');
    is(scalar @lines, 1, '... and one line');
    is("$line->{surface} $line->{verdict} $line->{activity}",
       'response block acquire', '... that says where it was');
    like($line->{evidence}[0]{where} // '', qr{^response:line\[2\]/maker},
         '... and in which line of the cart');
}

for my $case ('cXML in base64', 'OCI 4', 'in gzip', 'in chunks',
              'of HTTP/1.0, to the end of the connection')
{
    for my $how (['HTTP/1', '--http1.1'], ['HTTP/2', '--http2']) {
        my $r = $curl->fetch("$https$path{$case}", $how->[1]);

        is($r->{code}, 403, "$case, inspected, $how->[0]: refused");
        is($r->{version}, $how->[1] =~ s/--http//r, '... in it')
            if $r->{version};
        unlike($r->{body}, qr/PunchOut|NEW_ITEM|cxml-base64/i, '... as a page');
        is(join(' ', map { "$_->{surface} $_->{verdict}" } decisions()),
           'response block', '... and one line');
    }
}

{
    my $c = $gw->client;

    $c->send("GET $http$path{'OCI 4'} HTTP/1.1\r\nHost: shop.neutral.example"
             . "\r\nAccept: application/json\r\n\r\n");

    my $r = $c->response;

    like(Debar::Test::Client::field($r, 'Content-Type'),
         qr{^application/problem\+json}, 'in the dialect of who asks');

    $c->send("GET $http$path{'news'} HTTP/1.1\r\nHost: shop.neutral.example"
             . "\r\n\r\n");

    is($c->response->{body}, $news, 'the connection goes on behind a refusal');

    $c->send("POST $http$path{'OCI 4'} HTTP/1.1\r\nHost: shop.neutral.example"
             . "\r\nContent-Length: 3\r\n\r\na=b"
             . "GET $http$path{'news'} HTTP/1.1\r\nHost: shop.neutral.example"
             . "\r\n\r\n");

    is($c->response->{status}, 403, 'the answer to a POST, too');
    is($c->response->{body}, $news, '... and what was sent behind it');
    $gw->audit_soon;
}


# --- where the head has gone out --------------------------------------------------

for my $path ('/late', '/late-chunked', '/late-1.0') {
    my $c = $gw->client;

    $c->send("GET $http$path HTTP/1.1\r\nHost: shop.neutral.example\r\n\r\n");
    1 while $c->fill(5) && !$c->{closed};

    like($c->{in}, qr{^HTTP/1\.1 200}, "$path: the head had gone out");
    unlike($c->{in}, qr/NEW_ITEM/, '... and nothing of the cart did');
    unlike($c->{in}, qr/\r\n0\r\n\r\n\z/, '... nor an end');

    my @lines = $gw->audit;
    my ($cut) = grep { !$_->{verdict} } @lines;
    my ($said) = grep { $_->{verdict} } @lines;

    is($said->{verdict}, 'block', '... it is recorded');
    ok($cut && $cut->{incident} eq $said->{incident} && $cut->{bytes} > 65536
       && $cut->{bytes} < length $late, '... with how much went out');
}

{
    my $r = $curl->fetch("$https/late", '--http2');

    isnt($r->{exit}, 0, 'HTTP/2: the stream is broken off');
    unlike($r->{body}, qr/NEW_ITEM/, '... before the cart');
    $gw->audit_soon;
}


# --- as they came -------------------------------------------------------------------

for my $case (sort keys %good) {
    my $r = $gw->get("$http$path{$case}");
    my $d = directly($path{$case});
    my @fields = grep { !/^(?:connection|server|date|via|transfer-encoding)$/i }
                 map { lc $_->[0] } @{ $d->{fields} };

    ok($r->{body} eq $d->{body}, "$case: byte by byte");
    is(join('|', map { "$_: " . (Debar::Test::Client::field($r, $_) // '') }
                 @fields),
       join('|', map { "$_: " . (Debar::Test::Client::field($d, $_) // '') }
                 @fields), '... with its fields');
}

is(scalar(() = decisions()), 0, 'and none of them is recorded');

for my $case ('a clean cart', 'news', 'news in gzip', '20 MB') {
    my $r = $curl->fetch("$https$path{$case}", '--http2');

    ok($r->{body} eq directly($path{$case})->{body}, "$case: over HTTP/2");
}

is($gw->get("$http/304")->{status}, 304, 'what has not changed');
is($gw->get("$http/206")->{status}, 403, 'a part that nobody asked for');
$gw->audit_soon;

$gw->set(proxy_force_ranges => 'on');
$gw->reload;

for my $case (['news', 200], ['an image', 206], ['OCI 4', 403]) {
    my ($what, $status) = @$case;

    # it has to be seen whole by somebody who wants a part

    $gw->get("$http$path{$what}", fields => [["Range", "bytes=0-3"]]);

    my $r = $gw->get("$http$path{$what}", fields => [['Range', 'bytes=0-3']]);

    is($r->{status}, $status, "a part of what has none, $what: $status");
    is($r->{body}, $status == 206 ? "\x89PNG" : $news, '... as it is')
        if $status != 403;
}

$gw->set(proxy_force_ranges => 'off');
$gw->reload;
$gw->audit_soon;

{
    my $c = $gw->client;

    $c->send("HEAD $http/head HTTP/1.1\r\nHost: shop.neutral.example\r\n"
             . "Connection: close\r\n\r\n");
    1 while $c->fill(2) && !$c->{closed};
    like($c->{in}, qr/\r\nContent-Length: 1000\r\n.*\r\n\r\n\z/s, 'HEAD');
}


# --- when they came ------------------------------------------------------------------

$gw->set(proxy_buffering => 'off');
$gw->reload;

for my $case (['/slow', 'first'], ['/events', 'one']) {
    my ($path, $word) = @$case;
    my $c = $gw->client;
    my $began = time;

    $c->send("GET $http$path HTTP/1.1\r\nHost: shop.neutral.example\r\n\r\n");
    $c->fill(0.1) while $c->{in} !~ /$word/ && time - $began < 8;

    cmp_ok(time - $began, '<', 1.5, "$path: its first bytes come at once");
    $c->fill(0.2) while $c->{in} !~ /second|two/ && time - $began < 8;
    like($c->{in}, qr/second|two/, '... and the others');
}

is($gw->get("$http$path{'OCI 4'}")->{status}, 403,
   'without buffers a cart is refused as well');
is($gw->get("$http$path{'in chunks'}")->{status}, 403, '... in chunks, too');
ok($gw->get("$http$path{'20 MB'}")->{body} eq $big, '... and 20 MB pass');
$gw->audit_soon;


# --- what breaks off -------------------------------------------------------------------

for my $path ('/broken', '/broken-chunked') {
    my $c = $gw->client;

    $c->send("GET $http$path HTTP/1.1\r\nHost: shop.neutral.example\r\n\r\n");
    1 while $c->fill(5) && !$c->{closed};

    like($c->{in}, qr{^HTTP/1\.1 200.*(?:Rocketmaker|Words)}s,
         "$path: what came is passed on");
    unlike($c->{in}, qr/\r\n0\r\n\r\n\z/, '... as it broke off');
}

sub memory {
    my ($w) = $gw->workers;
    my ($kb) = file_text("/proc/$w/status") =~ /^VmRSS:\s+(\d+)/m;

    return $kb;
}

my $before = memory();

for (1 .. 20) {
    my $c = $gw->client;

    $c->send("GET $http/endless HTTP/1.1\r\nHost: shop.neutral.example\r\n\r\n");
    $c->fill(1) while length $c->{in} < 300_000;
    $c->abort;
}

cmp_ok(memory() - $before, '<', 20000, 'clients that go away leave nothing');

my $r = $gw->get("$http/endless-cart");

is(length $r->{body}, length('<form>' . oci('Somebody')) + 400 * 11000,
   'a cart longer than what is held goes on');
is(join(' ', map { "$_->{surface} $_->{verdict}" } decisions()), 'response log',
   '... and that is recorded');


# --- otherwise ----------------------------------------------------------------------------

$gw->set(debar_mode => 'monitor');
$gw->reload;

is($gw->get("$http$path{'OCI 4'}")->{body}, form(oci('Rocketmaker')),
   'monitor: the page comes');
is(join(' ', map { "$_->{surface} $_->{verdict} $_->{mode}" } decisions()),
   'response block monitor', '... and its line');

$gw->set(debar_mode => 'enforce');
$gw->set(debar_response => 'off');
$gw->reload;

is($gw->get("$http$path{'OCI 4'}")->{status}, 200, 'debar_response off');
is(scalar(() = decisions()), 0, '... and no line');

$gw->set(debar_response_limits => 'held=1t');
like($gw->test_conf->{err}, qr/invalid parameter "held=1t".*held=, sizes/,
     'limits are checked');

is($gw->complaints, '', 'nginx has no complaints');

done_testing;

#!/usr/bin/perl

# Bodies of requests through a real gateway: nothing of one reaches an origin
# before its verdict, a hit ends the upload, and there is one line in the audit
# file for the whole of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use Debar::Test;
use Debar::Test::Curl;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Pki;
use Debar::Test::TlsOrigin;

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new;
my $plain = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);
my $tls = Debar::Test::TlsOrigin->new(servers => [
    { cert => $pki->leaf(['*.neutral.example']) }]);


sub source {
    my ($serial, $name) = @_;
    my $dir = write_list(test_dir() . "/list$serial", serial => $serial,
                         vendor => "names: [$name]\n");

    write_file("$dir/list.yaml",
               file_text("$dir/list.yaml") =~ s/channels: none\n//r);

    return $dir;
}

my $gw = Debar::Test::Gateway->new(list => source(1, 'Rocketmaker'),
                                   inspect => 1, upstream_ca => $pki->ca,
                                   conf => { worker_shutdown_timeout => '1s' });
my $url = 'http://shop.neutral.example/order';
my $curl = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3128',
                                  ca => $gw->ca_file);


# --- orders ------------------------------------------------------------------

sub item {
    my ($maker) = @_;

    return '<ItemOut quantity="1"><ItemDetail><Description>A thing of use'
           . "</Description><ManufacturerName>$maker</ManufacturerName>"
           . "</ItemDetail></ItemOut>\n";
}

# An order of so many bytes, with one maker at some place in it.

sub order {
    my ($maker, $size, $at) = @_;
    my $clean = item('Paper Mill');
    my $text = '<?xml version="1.0"?><cXML><Request><OrderRequest>'
               . '<OrderRequestHeader orderID="PO1" type="new"/>' . "\n";

    $text .= $clean x (($at // 0) / length $clean);
    $text .= item($maker);
    $text .= $clean x ((($size // 0) - length $text) / length $clean)
        if length $text < ($size // 0);

    return "$text</OrderRequest></Request></cXML>\n";
}

my @xml = (['Content-Type', 'text/xml; charset=utf-8']);

sub chunked {
    my ($text, $n) = @_;

    return join '', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
                    unpack("(a$n)*", $text), '';
}

sub part {
    my ($name, $value, $type) = @_;

    return "--b\r\nContent-Disposition: form-data; name=\"$name\""
           . ($type ? "; filename=\"f\"\r\nContent-Type: $type" : '')
           . "\r\n\r\n$value\r\n";
}

sub decisions { return grep { $_->{verdict} } $gw->audit_soon }


# --- one after the other, by length and in chunks ------------------------------

my $bad = order('Rocketmaker', 4000, 2000);
my $good = order('Somebody', 4000, 2000);

$gw->audit;

for my $case (['by length', [], sub { $_[0] }],
              ['in chunks', [['Transfer-Encoding', 'chunked']],
               sub { chunked($_[0], 100) }])
{
    my ($how, $fields, $made) = @$case;

    for my $whole (1, 0) {
        my $name = "$how, " . ($whole ? 'at once' : 'in pieces');

        for my $hit (1, 0) {
            my $body = $hit ? $bad : $good;
            my @fields = (@xml, @$fields, @$fields ? ()
                          : ['Content-Length', length $body]);
            my $c = $gw->client;
            my $head = "POST $url HTTP/1.1\r\nHost: shop.neutral.example\r\n"
                       . join('', map { "$_->[0]: $_->[1]\r\n" } @fields)
                       . "\r\n";
            my $bytes = $made->($body);

            $plain->fresh;

            if ($whole) {
                $c->send($head . $bytes);

            } else {
                $c->send($head);
                sleep 0.05;
                $c->send(substr $bytes, 0, 3000);
                sleep 0.05;
                is(scalar $plain->fresh, 0, "$name: nothing goes on before its"
                                            . ' end');
                $c->send(substr $bytes, 3000);
            }

            my $r = $c->response('POST');
            my @lines = $hit ? decisions() : ();
            my @seen = $plain->fresh;

            is($r->{status}, $hit ? 403 : 200,
               "$name: " . ($hit ? 'refused' : 'goes through'));

            if ($hit) {
                is(scalar @seen, 0, "$name: the origin sees nothing of it");
                is(scalar @lines, 1, "$name: one line of audit");
                is($lines[0]{verdict}, 'block', "$name: a block");
                like($lines[0]{evidence}[0]{where}, qr/^body:line\[\d+\]\/maker/,
                     "$name: which line it is");
                is($lines[0]{activity}, 'acquire', "$name: an order");
                like($r->{body}, qr/\Q$lines[0]{incident}\E/,
                     "$name: the page has the incident");

            } else {
                is($seen[0]{body}, $body, "$name: the origin has its bytes")
                    if @seen && defined $seen[0]{body};
                is(scalar @seen, 1, "$name: the origin is asked once");

                $c->send("GET http://shop.neutral.example/ HTTP/1.1\r\n"
                         . "Host: shop.neutral.example\r\n\r\n");
                is($c->response('GET')->{status}, 200,
                   "$name: the connection goes on");
            }

            $c->close;
        }
    }
}

my @left = grep { $_->{verdict} } $gw->audit;

is(scalar @left, 0, 'what passed has left no line')
    or diag encode_json(\@left);


# --- in the buyer's words -------------------------------------------------------

my $said = $gw->get($url, method => 'POST', fields => \@xml, body => $bad);
my ($line) = decisions();
my ($where) = $line->{evidence}[0]{where} =~ /line\[(\d+)\]/;
my %said = map { lc $_->[0] => $_->[1] } @{ $said->{fields} };

like($said{'content-type'}, qr{^text/xml}, 'who sends cXML is answered in cXML');
like($said->{body}, qr{<Response><Status\scode="403"\stext="Forbidden"[^>]*>
                       line\s$where:\s.*\b$line->{incident}\b}x,
     'with a status, the line and the incident');
like($said->{body}, qr{Rule One of the test \(https://law.example/rule-1\)},
     'and what it rests on');

my $json = encode_json({ items => [
    { sku => '1', manufacturer => 'Paper Mill', quantity => 1 },
    { sku => '2', manufacturer => 'Rocketmaker', quantity => 2 } ] });

$said = $gw->get('http://shop.neutral.example/cart/add', method => 'POST',
                 body => $json, fields => [['Accept', 'application/json'],
                     ['Content-Type', 'application/json']]);
is($said->{status}, 403, 'a cart in JSON is refused');
is(eval { decode_json($said->{body})->{line} }, 2,
   'problem+json names the line');


# What is called a picture and is one is passed over; what is only called so is
# not.

my $jpeg = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0" . "\0\1 Rocketmaker " x 1000;

for my $case (['a picture', 'image/jpeg', $jpeg, 200],
              ['a form that is called one', 'image/jpeg',
               'brand=Rocketmaker&quantity=1', 403],
              ['a cart that is called one', 'image/png', $json, 403],
              ['a form that begins like one', 'image/gif',
               'GIF89a=1&brand=Rocketmaker&quantity=1', 403],
              ['a picture that is called something else', 'application/json',
               $jpeg, 403],
              ['a picture beside fields', 'multipart/form-data; boundary=b',
               part('sku', 'x') . part('f', $jpeg, 'image/jpeg') . "--b--\r\n",
               200],
              ['fields beside a picture', 'multipart/form-data; boundary=b',
               part('f', $jpeg, 'image/jpeg') . part('brand', 'Rocketmaker')
               . part('quantity', 1) . "--b--\r\n", 403])
{
    my ($what, $type, $body, $status) = @$case;

    is($gw->get('http://shop.neutral.example/cart/add', method => 'POST',
                body => $body, fields => [['Content-Type', $type]])->{status},
       $status, "$what: $status");
}


# --- large ones ---------------------------------------------------------------

my $size = 20 << 20;
my $big = write_file(test_dir() . '/big.xml',
                     order('Rocketmaker', $size, 20_000));

$plain->fresh;
$gw->audit;

for my $case (['HTTP/1.1, by length', $url],
              ['HTTP/1.1, in chunks', $url, '-H', 'Transfer-Encoding: chunked'],
              ['HTTP/1.1 in TLS', 'https://shop.neutral.example/order',
               '--http1.1'],
              ['HTTP/2', 'https://shop.neutral.example/order', '--http2'])
{
    my ($how, $at, @args) = @$case;

    $tls->fresh;

    my $start = time;
    my $r = run_command(['curl', '-q', '-sS', '-m', 60, '-x',
        'http://127.0.0.1:3128', '--cacert', $gw->ca_file, '-o',
        test_dir() . '/answer', '-w', '%{http_code} %{size_upload}',
        '-H', 'Content-Type: text/xml', '-H', 'Expect:', '-X', 'POST',
        '-T', $big, @args, $at]);
    my ($code, $sent) = $r->{out} =~ /^(\d+) (\d+)/;
    my @lines = decisions();

    is($code, 403, "$how: 20 MB with a hit at 20 KB are refused")
        or diag $r->{err};
    cmp_ok($sent // $size, '<', $size / 2, "$how: the upload stops early");
    like(file_text(test_dir() . '/answer'), qr/Refused by the procurement/,
         "$how: with a page that says why");
    is(scalar(grep { $_->{verdict} eq 'block' } @lines), 1,
       "$how: one block is recorded");
    is(scalar(@{[$plain->fresh, $tls->fresh]}), 0,
       "$how: no origin sees any of it");
    note sprintf '%s: %d bytes were sent, %.2f s', $how, $sent // -1,
                 time - $start;
}

# Of so many values no more are read than are allowed for: text it is.

my $thing = item('Somebody') =~ s{(A thing of use)}{"$1 " x 4000}er;

write_file($big, order('Somebody')
                 =~ s{(?=</OrderRequest>)}{$thing x ($size / length $thing)}er);

my $r = $curl->fetch("$url/echo", '-H', 'Content-Type: text/xml', '-T', $big,
                     '-X', 'POST', '-m', 120);

is($r->{code}, 200, '20 MB that are clean go through');

my ($seen) = grep { $_->{method} eq 'POST' } $plain->fresh;

is($seen->{body_length}, -s $big,
   'every byte of it');
is(sprintf('%o', (stat $gw->dir . '/tmp/body')[2] & 07777) =~ /00$/ ? 1 : 0, 1,
   'bodies that wait in files are nobody else\'s business');
is(scalar(grep { -f } glob $gw->dir . '/tmp/body/* ' . $gw->dir
          . '/tmp/body/*/* ' . $gw->dir . '/tmp/body/*/*/*'), 0,
   'and are gone afterwards');


# --- lists that change meanwhile ------------------------------------------------

sub begun {
    my ($bytes) = @_;
    my $c = $gw->client;

    $c->send("POST $url HTTP/1.1\r\nHost: shop.neutral.example\r\n"
             . "Content-Type: text/xml\r\nContent-Length: " . length($bytes)
             . "\r\n\r\n" . substr $bytes, 0, 1000);
    sleep 0.1;

    return $c;
}

sub published {
    my ($serial) = @_;

    is($gw->publish(source($serial, 'Othermaker'))->{status}, 0,
       "serial $serial is published");

    return eventually {
        $gw->error_log =~ /serial $serial, digest \w+, is in use/;
    };
}

$gw->audit;

my $c = begun($bad);

ok(published(2), 'a list takes the place of the one a body is judged by');
$c->send(substr $bad, 1000);
is($c->response('POST')->{status}, 403,
   'the body is judged by the list that it began with');

($line) = decisions();

is($line->{list}{serial}, 1, 'and recorded with that');
is($line->{vendor}, 'acme', 'by name');
is($gw->get($url, method => 'POST', fields => \@xml, body => $bad)->{status},
   200, 'the next one by the new list');

$gw->audit;

my @held = map { published($_) if $_ > 2; begun($good) } 2 .. 7;

published(8);
$c = pop @held;
$c->send(substr $good, 1000);
is($c->response('POST')->{status}, 200, 'several lists are kept for bodies');
$c = shift @held;
$c->send(substr $good, 1000);
is($c->response('POST')->{status}, 503,
   'a body that outlasts more of them than that is refused');
($line) = decisions();
is($line->{verdict}, 'reject', 'and recorded');
like($line->{reason} // $line->{fault} // encode_json($line),
     qr/lists changed too often/, 'with the reason');

my $hole = begun(order('Othermaker', 4000, 100));

$gw->audit;
$hole->abort;
($line) = decisions();
is($line->{verdict}, 'block', 'a body that breaks off is recorded by what came');


# --- what is set ------------------------------------------------------------------

$bad = order('Othermaker', 4000, 2000);
$gw->set(debar_mode => 'monitor');
$gw->reload;
$gw->audit;
$plain->fresh;
is($gw->get($url, method => 'POST', fields => \@xml, body => $bad)->{status},
   200, 'monitor mode lets an order through');
is(scalar $plain->fresh, 1, 'to its origin');
($line) = decisions();
is("$line->{verdict} $line->{mode}", 'block monitor', 'and records the block');

$gw->set(debar_mode => 'enforce');
$gw->set(debar_body => 'off');
$gw->reload;
$gw->audit;
is($gw->get($url, method => 'POST', fields => \@xml, body => $bad)->{status},
   200, 'debar_body off does not look');

$gw->set(debar_body => 'stream');
$gw->reload;
is($gw->get($url, method => 'POST', fields => \@xml, body => $bad)->{status},
   403, 'debar_body stream looks as it comes');
$gw->audit;

my $flowed = $gw->get($url, method => 'POST', fields => \@xml, body => $bad);

($line) = decisions();
like($flowed->{body}, qr/<Status code="403".*\Q$line->{incident}\E/s,
     'and is refused as others are, in cXML');

my $cart = $url =~ s{/order$}{/cart/add}r;

for my $length (100_000, 3_000_000) {
    my $json = '{"items":[{"manufacturer":"Othermaker","quantity":1}],"x":"'
               . ('y ' x ($length / 2)) . '"}';

    $gw->audit;
    $flowed = $gw->get($cart, method => 'POST', body => $json,
                       fields => [['Content-Type', 'application/json'],
                                  ['Accept', 'application/json']]);
    ($line) = decisions();
    is($flowed->{status}, 403, "$length bytes that flow: refused");
    like($flowed->{body}, qr/^\{"type".*\Q$line->{incident}\E.*\}\s*$/s,
         "$length bytes: the client reads why");
}

# gRPC-web over HTTP/1: its status is in fields

for my $body ('stream', 'on') {
    my $message = "\x0a\x0bOthermaker";

    $gw->set(debar_body => $body);
    $gw->reload;
    $gw->audit;
    $flowed = $gw->get($cart, method => 'POST', fields =>
                       [['Content-Type', 'application/grpc-web+proto']],
                       body => pack('CN', 0, length $message) . $message);
    ($line) = decisions();
    is($flowed->{status}, 403, "debar_body $body: gRPC-web is refused");
    is(Debar::Test::Client::field($flowed, 'grpc-status'), 7,
       'and PERMISSION_DENIED');
    like(Debar::Test::Client::field($flowed, 'grpc-message') // '',
         qr/^[ -~]*\Q$line->{incident}\E/, 'with the incident');
    is(Debar::Test::Client::field($flowed, 'Content-Type'),
       'application/grpc-web+proto', 'in its own type');
    is($flowed->{body}, '', 'and no body');
}

$gw->set(debar_body => 'on');
$gw->set(debar_body_limits => 'depth=1 nodes=1');
$gw->reload;
$gw->audit;
is($gw->get($url, method => 'POST', fields => [['Content-Type',
            'application/x-www-form-urlencoded']],
            body => 'quantity=1&partNumber=1&data='
                    . $good =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger)
   ->{status}, 403, 'debar_body_limits: a purchase past its bounds is refused');
($line) = decisions();
is($line->{verdict}, 'block', 'and recorded');

$gw->set(debar_body_limits => 'depth=0');
isnt($gw->test_conf->{status}, 0, 'limits of nothing are no configuration');

is($gw->complaints, '', 'no complaint in the error log');

$gw->stop;

done_testing;

#!/usr/bin/perl

# Plain HTTP that nothing forbids passes through the gateway unharmed, and what
# belongs to the hop between client and gateway stays there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.1:8080',
               (have_ipv6() ? '[::1]:80' : ())]);
my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list',
                       hosts => ['listed.example']));

my $field = \&Debar::Test::Origin::field;
my $got = \&Debar::Test::Client::field;

sub last_request { my @r = $origin->fresh; return $r[-1] || {} }


# Forms of a request's target.

my $r = $gw->get('http://a.neutral.example/one?x=1&y=%20z');

is($r->{status}, 200, 'an absolute-form request is served');
is($r->{body}, "origin\n", 'with the origin\'s body');

my $seen = last_request();

is($seen->{target}, '/one?x=1&y=%20z',
   'the origin gets the target in origin-form, its bytes unchanged');
is($field->($seen, 'Host'), 'a.neutral.example', 'and the Host');
is($seen->{version}, 'HTTP/1.1', 'over HTTP/1.1');

for my $target ('/a//b/../c/./d?e=f', '/a/%2e%2e/%41?%zz', '/a;b=c?d=e?f',
                '/?q=http://x.example/%00', '/' . 'l' x 3000)
{
    $gw->get("http://a.neutral.example$target");
    is(last_request()->{target}, $target,
       'target bytes pass as sent: ' . substr $target, 0, 30);
}

$gw->get('http://a.neutral.example');
is(last_request()->{target}, '/', 'no path becomes "/"');

$gw->get('http://a.neutral.example?q=1');
is(last_request()->{target}, '/?q=1', 'and stands before a lone query');

$r = $gw->get('/two', host => 'b.neutral.example');
is($r->{status}, 200, 'an origin-form request with Host is served');
$seen = last_request();
is($field->($seen, 'Host'), 'b.neutral.example', 'by the host that Host names');
is($seen->{target}, '/two', 'with its target');

$gw->get('http://c.neutral.example:8080/');
$seen = last_request();
is($seen->{local}, '127.0.0.1:8080', 'a port in the authority is dialled');
is($field->($seen, 'Host'), 'c.neutral.example:8080', 'and stands in Host');

$gw->get('http://C.Neutral.EXAMPLE./');
is(lc($field->(last_request(), 'Host')) =~ s/\.$//r, 'c.neutral.example',
   'letters of any case and one last dot are the same host');

SKIP: {
    skip 'no IPv6 here', 2 if !have_ipv6();

    $r = $gw->get('http://[::1]/six');
    is($r->{status}, 200, 'an IPv6 literal is dialled');
    is($field->(last_request(), 'Host'), '[::1]',
       'and keeps its brackets in Host');
}

$r = $gw->get('http://listed.example/');
is($r->{status}, 403, 'a listed host is refused');
is(scalar $origin->fresh, 0, 'and the origin sees nothing of it');


# Hosts that contradict each other, are missing, or come more than once.

for my $t (
    [['Host: a.neutral.example', 'Host: b.neutral.example'], 400, 'reject',
     'two different Host fields'],
    [['Host: a.neutral.example', 'Host: listed.example'], qr/^40[03]$/,
     'block', 'a listed second Host field'],
    [['Host: listed.example', 'Host: a.neutral.example'], qr/^40[03]$/,
     'block', 'a listed first of two Host fields'],
    [[], 400, 'reject', 'no Host in HTTP/1.1'],
    [['Host:'], 400, 'reject', 'an empty Host'],
    [['Host: a b.example'], 400, 'reject', 'a space in Host'],
    [['Host: unix:/run/x.sock'], 400, 'reject', 'a socket as Host'],
    [['Host: user@a.neutral.example'], 400, 'reject', 'userinfo in Host'],
    [['Host: a.neutral.example:99999'], 400, 'reject', 'a port beyond 65535'],
    [['Host: a.neutral.example, listed.example'], qr/^40[03]$/, 'block',
     'a list of hosts with a listed one'],
) {
    my ($fields, $status, $verdict, $what) = @$t;

    $gw->audit;
    my @a = $gw->exchange(join "\r\n", 'GET / HTTP/1.1', @$fields,
                          'Connection: close', '', '');

    ref $status ? like($a[-1]{status} // 0, $status, "$what: refused")
                : is($a[-1]{status}, $status, "$what: refused with $status");
    is(scalar $origin->fresh, 0, "$what: the origin sees nothing");

    my @lines = $gw->audit_soon;

    is(@lines ? $lines[-1]{verdict} : 'none', $verdict,
       "$what: recorded as $verdict");
}

for my $t (
    ['a.neutral.example', 'b.neutral.example', 'reject', 400],
    ['a.neutral.example', 'listed.example', 'block', 403],
    ['listed.example', 'a.neutral.example', 'block', 403],
    ['a.neutral.example', 'a.neutral.example:81', 'reject', 400],
) {
    my ($authority, $host, $verdict, $status) = @$t;

    $gw->audit;
    $r = $gw->get("http://$authority/", host => $host);
    is($r->{status}, $status,
       "authority $authority against Host $host is refused with $status");
    is(($gw->audit_soon)[-1]{verdict}, $verdict, "and recorded as $verdict");
}

$r = $gw->get('http://a.neutral.example:80/', host => 'a.neutral.example');
is($r->{status}, 200, 'a default port that only one side spells is no'
                      . ' contradiction');
is(scalar $origin->fresh, 1, 'and of all these only that one is served');

for my $scheme ('ftp', 'https', 'gopher') {
    $r = $gw->get("$scheme://a.neutral.example/");
    like($r->{status} // 400, qr/^(?:400|501)$/,
         "the scheme $scheme in a plain request is refused");
}

$origin->fresh;


# Keep-alive and pipelining.

my $c = $gw->client;

for my $i (1 .. 3) {
    $c->send("GET http://k.neutral.example/bytes/$i HTTP/1.1\r\n"
             . "Host: k.neutral.example\r\n\r\n");
    is(length($c->response->{body} // ''), $i,
       "request $i on one connection is answered");
}

$c->send("GET http://listed.example/ HTTP/1.1\r\nHost: listed.example\r\n\r\n");
is($c->response->{status}, 403, 'a refusal keeps the connection usable');
$c->send("GET http://k.neutral.example/bytes/4 HTTP/1.1\r\n"
         . "Host: k.neutral.example\r\n\r\n");
is($c->response->{body}, '0000', 'for a further request');
$c->close;

$origin->fresh;
$c = $gw->client;
$c->send(join '', map {
    "GET http://p$_.neutral.example/bytes/$_ HTTP/1.1\r\n"
    . "Host: p$_.neutral.example\r\n\r\n"
} 1 .. 10);
is(join(',', map { length($c->response->{body} // '') } 1 .. 10),
   join(',', 1 .. 10), 'ten pipelined requests are answered in order');
is(join(',', map { $field->($_, 'Host') } $origin->fresh),
   join(',', map { "p$_.neutral.example" } 1 .. 10), 'each by its own host');

$c = $gw->client;
$c->send("GET http://a.neutral.example/ HTTP/1.1\r\nHost: a.neutral.example"
         . "\r\n\r\nGET http://listed.example/ HTTP/1.1\r\n"
         . "Host: listed.example\r\n\r\n"
         . "GET http://b.neutral.example/ HTTP/1.1\r\n"
         . "Host: b.neutral.example\r\n\r\n");
is(join(',', map { $c->response->{status} // '-' } 1 .. 3), '200,403,200',
   'in a pipeline the listed one alone is refused');
is(scalar $origin->fresh, 2, 'and two requests go out');


# Bodies.

my $bytes = join '', map { chr($_ & 255) } 0 .. 99999;

for my $n (0, 1, 4096, 100000) {
    $r = $gw->get('http://a.neutral.example/echo', method => 'POST',
                  body => substr($bytes, 0, $n),
                  fields => $n ? [] : [['Content-Length', 0]]);
    ok(($r->{body} // '') eq substr($bytes, 0, $n),
       "a POST body of $n bytes passes byte-exact both ways");
}

$r = $gw->get('http://a.neutral.example/echo', method => 'PUT',
              body => $bytes x 30);
ok(($r->{body} // '') eq $bytes x 30, 'a PUT of 3 MB passes byte-exact');

$c = $gw->client;
$c->send("POST http://a.neutral.example/echo HTTP/1.1\r\n"
         . "Host: a.neutral.example\r\nTransfer-Encoding: chunked\r\n\r\n"
         . "5\r\nabcde\r\n");
$c->send("6;ext=1\r\nfghijk\r\n0\r\nX-Trailer: t\r\n\r\n");
is($c->response('POST')->{body}, 'abcdefghijk', 'a chunked body passes');

$c->send("POST http://a.neutral.example/echo HTTP/1.1\r\n"
         . "Host: a.neutral.example\r\nContent-Length: 4\r\n"
         . "Expect: 100-continue\r\n\r\n");
is($c->response('POST', keep_100 => 1)->{status}, 100,
   'Expect: 100-continue is answered with 100');
$c->send('abcd');
is($c->response('POST')->{body}, 'abcd', 'then the body passes');

$origin->fresh;
$c = $gw->client;
$c->send("POST http://listed.example/echo HTTP/1.1\r\nHost: listed.example\r\n"
         . "Content-Length: 100000\r\n\r\n" . 'x' x 1000);
is($c->response('POST')->{status}, 403,
   'a listed POST is refused before its body has come');
is(scalar $origin->fresh, 0, 'and the origin sees none of it');


# Answers.

$r = $gw->get('http://a.neutral.example/bytes/20000000', timeout => 60);
ok(($r->{body} // '') eq Debar::Test::Origin::bytes(20000000),
   'a download of 20 MB passes byte-exact');

$r = $gw->get('http://a.neutral.example/chunked/300000');
ok(($r->{body} // '') eq Debar::Test::Origin::bytes(300000),
   'a chunked answer passes byte-exact');

$r = $gw->get('http://a.neutral.example/bytes/500', method => 'HEAD');
is($r->{status}, 200, 'HEAD passes');
is($got->($r, 'Content-Length'), 500, 'with the length of the body');
is($r->{body}, '', 'and without the body');

$r = $gw->get('http://a.neutral.example/range/1000',
              fields => [['Range', 'bytes=8-15']]);
is($r->{status}, 200, 'a part of what nobody has seen is not asked for');

$r = $gw->get('http://a.neutral.example/range/1000',
              fields => [['Range', 'bytes=8-15']]);
is($r->{status}, 206, 'a Range request is answered with 206');
is($r->{body}, '0000001 ', 'and the right bytes');
is($got->($r, 'Content-Range'), 'bytes 8-15/1000', 'and Content-Range');

$r = $gw->get('http://a.neutral.example/etag',
              fields => [['If-None-Match', '"v1"']]);
is($r->{status}, 304, 'a conditional request gets its 304');
is($got->($r, 'ETag'), '"v1"', 'with the ETag');

for my $status (204, 301, 404, 410, 500, 503) {
    $r = $gw->get("http://a.neutral.example/status/$status");
    is($r->{status}, $status, "an origin's $status is passed on as it is");
}

is($gw->get('http://a.neutral.example/status/403')->{body}, "origin\n",
   'an origin\'s own 403 keeps its body');

for my $method ('OPTIONS', 'DELETE', 'PATCH', 'PROPFIND', 'BREW') {
    $origin->fresh;
    $gw->get('http://a.neutral.example/m', method => $method);
    is(last_request()->{method}, $method, "method $method passes");
}


# What belongs to the hop.

$r = $gw->get('http://a.neutral.example/hop', fields => [
    ['Proxy-Authorization', 'Basic c2VjcmV0'],
    ['Proxy-Connection', 'keep-alive'],
    ['Keep-Alive', 'timeout=5'],
    ['Authorization', 'Basic b3JpZ2lu'],
    ['Cookie', 'a=b; c=d'],
    ['X-Custom', 'v a l'],
    ['Accept-Encoding', 'gzip, br'],
    ['User-Agent', 'test/1'],
]);
$seen = last_request();

is($field->($seen, 'Proxy-Authorization'), undef,
   'Proxy-Authorization never goes upstream');
is($field->($seen, 'Proxy-Connection'), undef, 'nor does Proxy-Connection');
unlike($seen->{head}, qr/c2VjcmV0/, 'nor its value anywhere');
unlike($field->($seen, 'Connection') // '', qr/close/i,
       'nor the client\'s Connection: close');
is($field->($seen, 'Authorization'), 'Basic b3JpZ2lu',
   'Authorization, which is the origin\'s, does');
is($field->($seen, 'Cookie'), 'a=b; c=d', 'and so do cookies');
is($field->($seen, 'X-Custom'), 'v a l', 'and fields nobody knows');
is($field->($seen, 'Accept-Encoding'), 'gzip, br', 'and Accept-Encoding');
is($field->($seen, 'User-Agent'), 'test/1', 'and User-Agent');
is($got->($r, 'X-Origin'), 'yes', 'fields of the answer come back');
is($got->($r, 'Set-Cookie'), 'a=1, b=2', 'several of one name too');
is($got->($r, 'Keep-Alive'), undef, 'but not the origin\'s Keep-Alive');

is(scalar(grep { lc $_->[0] eq 'host' } @{ $seen->{fields} }), 1,
   'one Host goes upstream');


# WebSocket, HTTP/1.0, HTTP/0.9, CONNECT.

$c = $gw->client;
$c->send("GET http://ws.neutral.example/ws HTTP/1.1\r\n"
         . "Host: ws.neutral.example\r\nUpgrade: websocket\r\n"
         . "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         . "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
is($c->response->{status}, 101, 'a WebSocket to a neutral host is upgraded');
$c->send("\x81\x03abc");
eventually { $c->fill(0.1); length $c->{in} >= 5 };
is($c->{in}, "\x81\x03abc", 'and bytes pass both ways');
$c->close;

my @a = $gw->exchange("GET http://a.neutral.example/ HTTP/1.0\r\n\r\n");
is($a[0]{status}, 200, 'HTTP/1.0 without Host is served by the authority');
like($a[0]{body}, qr/^origin/, 'with its body');
is($field->(last_request(), 'Host'), 'a.neutral.example',
   'and Host is sent upstream');

@a = $gw->exchange("GET http://a.neutral.example/\r\n");
like($a[0]{raw}, qr/^origin\n/, 'HTTP/0.9 gets the bare body');

@a = $gw->exchange("GET http://listed.example/\r\n");
like($a[0]{raw}, qr/403/, 'or the bare page of a refusal');

$gw->audit;
@a = $gw->exchange("CONNECT listed.example:443 HTTP/1.1\r\n"
                   . "Host: listed.example:443\r\n\r\n");
is($a[0]{status}, 403, 'CONNECT to a listed host is refused (connect.t)');
my @lines = $gw->audit_soon;
is(@lines ? $lines[-1]{verdict} : 'none', 'block',
   'and recorded as block');

# (A machine may forbid more open files: that alert is its own.)

unlike($gw->error_log =~ s/^.*setrlimit.*$//mgr, qr/\[(?:alert|emerg|crit)\]/,
       'the error log has no alert after all of it');

done_testing;

#!/usr/bin/perl

# What a gateway that looks into TLS does with requests: clients are served over
# HTTP/1.1 and HTTP/2, every URL is judged, every name has to agree, and nothing
# reaches an origin before the verdict.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;

use Debar::Test;
use Debar::Test::Curl;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Pki;
use Debar::Test::TlsOrigin;
use Debar::Test::Tunnel;
use Net::SSLeay;
use Socket qw(inet_aton inet_ntoa);

my $ipv6 = have_ipv6();
my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new(names => {
    'raw.neutral.example' => ['127.0.0.3'],
});

my $origin = Debar::Test::TlsOrigin->new(servers => [
    { at => ['127.0.0.1:443', '127.0.0.1:8444',
             ($ipv6 ? '[::1]:443' : ())],
      cert => $pki->leaf(['*.neutral.example', '*.listed.example',
                          '*.watched.example', '127.0.0.1', '::1']),
      more => 'add_header Alt-Svc \'h3=":443"; ma=86400\' always;' },
]);
my $raw = Debar::Test::TlsOrigin->raw('127.0.0.3:443',
    $pki->leaf(['raw.neutral.example']));
my $plain = Debar::Test::Origin->new(name => 'plain',
                                     listen => ['127.0.0.1:80']);

my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
urls:
  - www.neutral.example/shop/acme
  - raw.neutral.example/shop/acme
permits:
  - {url: docs.listed.example/law/*, why: the law itself}
END

my $users = write_file(test_dir() . '/users',
                       'ann:' . crypt('secret', '$6$saltsalt$') . "\n");
my $gw = Debar::Test::Gateway->new(list => $list, inspect => 1,
    upstream_ca => $pki->ca, init => ['--connect-port', 80,
                                      '--connect-port', 8444]);
my $ca = $gw->ca_file;
my $curl = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3128',
                                  ca => $ca);
my @workers = $gw->workers;
my $megabyte = Debar::Test::Origin::bytes(1_000_000);
my $body = write_file(test_dir() . '/megabyte', $megabyte);


# A tunnel in which TLS is up, by the gateway's own authority.

sub inside {
    my ($authority, %o) = @_;
    my ($host) = $authority =~ /^\[?(.*?)\]?:\d+$/;
    my $t = ($o{gw} // $gw)->tunnel($authority);

    return $t if $t->status != 200;

    $t->{end} = $t->tls(sni => ($host =~ /^[\d.]+$|:/ ? undef : $host),
                        ca => $ca, %o);

    return $t;
}

sub decision { return ($gw->audit_soon)[-1] || {} }


# Clients.

for my $how (['--http1.1', '1.1'], ['--http2', '2']) {
    my ($flag, $version) = @$how;

    $origin->fresh;

    my $r = $curl->fetch('https://www.neutral.example/a?b=c', $flag);

    is($r->{code}, 200, "HTTP/$version: a request passes")
        or diag $r->{err}, $gw->error_log;
    is($r->{version}, $version, "in HTTP/$version");
    ok($r->{verified}, "HTTP/$version: curl verified the leaf");

    my ($seen) = $origin->fresh_soon;

    is($seen->{host}, 'www.neutral.example', "HTTP/$version: the Host it had");
    is($seen->{uri}, '/a?b=c', "HTTP/$version: the target it had");
    is($seen->{sni}, 'www.neutral.example',
       "HTTP/$version: the origin is told its name in TLS");
    like($seen->{tls}, qr/^TLSv1\.[23]$/, "HTTP/$version: over TLS");
    unlike($r->{head}, qr/^alt-svc:/mi,
           "HTTP/$version: no Alt-Svc reaches the client");
    like($r->{head}, qr/^HTTP\/\S+ 200/m, "HTTP/$version: the origin's status");

    $r = $curl->fetch('https://www.neutral.example/bytes/1000000', $flag);
    ok($r->{body} eq $megabyte, "HTTP/$version: 1 MB down, every byte");

    $r = $curl->fetch('https://www.neutral.example/chunked/1000000', $flag);
    ok($r->{body} eq $megabyte, "HTTP/$version: 1 MB down in chunks");

    $r = $curl->fetch('https://www.neutral.example/echo', $flag,
                      '--data-binary', "\@$body");
    is($r->{code}, 200, "HTTP/$version: a POST of 1 MB");
    ok($r->{body} eq $megabyte, "HTTP/$version: and back, every byte");

    $r = $curl->fetch('https://www.neutral.example/echo', $flag, '-H',
                      'Transfer-Encoding: chunked', '--data-binary',
                      "\@$body");
    ok($r->{body} eq $megabyte, "HTTP/$version: a POST of unknown length")
        or diag $r->{err};

    $origin->fresh;
    $r = $curl->fetch('https://www.neutral.example/1', $flag,
                      'https://www.neutral.example/2',
                      'https://www.neutral.example/3');
    is($r->{codes}, '200 200 200', "HTTP/$version: three requests");
    is($r->{connects}, 1, "HTTP/$version: on one connection");

    my %up = map { $_->{connection} => 1 } $origin->fresh_soon(3);

    is(scalar keys %up, 1, "HTTP/$version: which go on by one connection");

    $r = $curl->fetch('https://www.neutral.example/status/404', $flag);
    is($r->{code}, 404, "HTTP/$version: an origin's own 404 passes");
    $r = $curl->fetch('https://www.neutral.example/status/502', $flag);
    is($r->{code}, 502, "HTTP/$version: and its own 502");
    unlike($r->{body}, qr/did not prove|does not answer/,
           "HTTP/$version: with its own page");
}

my ($seen) = grep { $_->{target} =~ /^\/echo/ } $origin->behind->requests;

ok(!grep({ $_->[0] =~ /^(?:Proxy-|X-Forwarded|X-Real)/i } @{ $seen->{fields} }),
   'nothing of the hop or of the client is told to the origin');

my $r = $curl->fetch('https://www.neutral.example/', '--tls-max', '1.2');

is($r->{code}, 200, 'a client of TLS 1.2 is served');
$r = $curl->fetch('https://www.neutral.example/', '--tls-max', '1.1',
                  '--ciphers', 'DEFAULT@SECLEVEL=0');
isnt($r->{exit}, 0, 'one of TLS 1.1 is not');


# The leaf.

my $t = inside('www.neutral.example:443');

is($t->{end}, 'up', 'a handshake that trusts the CA alone');

my $x = Net::SSLeay::get_peer_certificate($t->{ssl});
my $cax = Net::SSLeay::PEM_read_bio_X509(
    Net::SSLeay::BIO_new_file($ca, 'r'));
my $text = sub { Net::SSLeay::X509_NAME_oneline($_[0]) };

is_deeply([Net::SSLeay::X509_get_subjectAltNames($x)],
          [2, 'www.neutral.example'], 'the leaf is for this name alone');
is($text->(Net::SSLeay::X509_get_issuer_name($x)),
   $text->(Net::SSLeay::X509_get_subject_name($cax)), 'by the gateway\'s CA');

my ($from, $to) = map { Net::SSLeay::P_ASN1_TIME_get_isotime($_) }
    Net::SSLeay::X509_get_notBefore($x), Net::SSLeay::X509_get_notAfter($x);
my $now = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime);

ok($from lt $now && $now lt $to, "valid now ($from to $to)");
is((split /-/, $from)[0] + 1 >= (split /-/, $to)[0], 1,
   'and not for years');

my $again = inside('www.neutral.example:443');

is(Net::SSLeay::X509_get_fingerprint(
       Net::SSLeay::get_peer_certificate($again->{ssl}), 'sha256'),
   Net::SSLeay::X509_get_fingerprint($x, 'sha256'),
   'the next connection is shown the same one');

for my $case (['127.0.0.1', '127.0.0.1:443', 'https://127.0.0.1/'],
              $ipv6 ? ['::1', '[::1]:443', 'https://[::1]/'] : ())
{
    my ($addr, $authority, $url) = @$case;

    $r = $curl->fetch($url);
    is($r->{code}, 200, "$url is served") or diag $r->{err}, $r->{body};

    $t = inside($authority);
    is($t->{end}, 'up', "a handshake to $authority without a server name");

    my @san = Net::SSLeay::X509_get_subjectAltNames(
        Net::SSLeay::get_peer_certificate($t->{ssl}));

    is($san[0], 7, "$addr: the leaf has an address");
    is(unpack('H*', $san[1]), unpack('H*',
       Socket::inet_pton($addr =~ /:/ ? Socket::AF_INET6()
                                      : Socket::AF_INET(), $addr)),
       "$addr: this one");
    is($t->get('/', host => $authority =~ s/:443$//r)->{status}, 200,
       "$addr: and requests pass");
}


# Verdicts on whole URLs.

$gw->audit;
$origin->fresh;

$r = $curl->fetch('https://www.neutral.example/shop/acme?q=1', '-A',
                  'Mozilla/5.0', '-H', 'Accept: text/html');
is($r->{exit}, 0, 'a listed URL of a host that is not listed: TLS is in order');
is($r->{code}, 403, 'and 403 inside of it');
like($r->{body}, qr/<html.*procurement blocklist/si, 'with the page');
like($r->{body}, qr/Rule One of the test/, 'that names the rule');
is($r->{proxy}, 200, 'the CONNECT itself was let go');

my $line = decision();

is($line->{verdict}, 'block', 'the record says block');
is($line->{surface}, 'inspected', 'on surface inspected');
is($line->{url}, 'https://www.neutral.example/shop/acme?q=1',
   'of the full https URL');
is($line->{method}, 'GET', 'with the method');
is($line->{vendor}, 'acme', 'and the vendor');
like($line->{client}, qr/^127\.0\.0\.1:\d+$/, 'and the client\'s address');

$r = $curl->fetch('https://www.neutral.example/shop/other');
is($r->{code}, 200, 'the URL beside it passes');

# (its record of an earlier "/" may come late)

my @seen;

eventually {
    push @seen, grep { $_->{uri} ne '/' } $origin->fresh;
    scalar @seen;
} 3;
is(join(' ', map { $_->{uri} } @seen), '/shop/other',
   'the origin has seen this one alone');
is(scalar(grep { $_->{verdict} } $gw->audit), 0, 'which is not recorded');

$r = $curl->fetch('https://docs.listed.example/law/1');
is($r->{code}, 200, 'a permit below a listed host passes')
    or diag $r->{body}, $r->{err};
is($r->{proxy}, 200, 'for which the CONNECT is let go');
$r = $curl->fetch('https://docs.listed.example/order');
is($r->{code}, 403, 'the host\'s other URLs do not');
$line = decision();
is($line->{url}, 'https://docs.listed.example/order', 'recorded in full');
is(join(' ', map { $_->{uri} } $origin->fresh_soon), '/law/1',
   'and never seen by the origin');

$r = $curl->fetch('https://www.listed.example/');
is($r->{proxy}, 403, 'a listed host without a permit: the CONNECT is refused');
$gw->audit;

$r = $curl->fetch('https://a.watched.example/x?y=1');
is($r->{code}, 200, 'a host to be logged passes');
@seen = grep { $_->{verdict} } $gw->audit_soon, $gw->audit;
ok(scalar(grep { $_->{verdict} eq 'log'
                 && $_->{url} eq 'https://a.watched.example/x?y=1' } @seen),
   'and its URL is recorded') or diag explain \@seen;

my $post = $curl->fetch('https://www.neutral.example/shop/acme', '-d', 'a=b',
                        '-H', 'Accept: application/json');
is($post->{code}, 403, 'a POST is judged too');
like($post->{head}, qr{^content-type: application/problem\+json}mi,
     'and told in the language it asked for');
$gw->audit;


# Nothing before the verdict: an origin that writes down each byte.

$raw->fresh;
$r = $curl->fetch('https://raw.neutral.example/shop/acme', '--data-binary',
                  "\@$body");
is($r->{code}, 403, 'a POST of 1 MB to a listed URL is refused');
is(scalar(grep { $_->{event} ne 'open' } $raw->fresh), 0,
   'and the origin has not even had a handshake');
$r = $curl->fetch('https://raw.neutral.example/fine');
is($r->{body}, "raw\n", 'what passes gets there');
like($raw->got, qr{^GET /fine HTTP/1\.1\r\n}, 'byte for byte');
$gw->audit;


# Names that disagree.

for my $case (
    ['another Host', '/', 'other.neutral.example', 421],
    ['a listed Host', '/', 'www.listed.example', 403],
    ['a Host with another port', '/', 'www.neutral.example:8444', 421],
    ['an absolute target of another host', 'https://other.neutral.example/',
     'www.neutral.example', 400],
    ['an absolute target of a listed host', 'https://www.listed.example/',
     'www.neutral.example', 403],
    ['an absolute target and Host of another host',
     'https://other.neutral.example/', 'other.neutral.example', 421],
    ['an absolute target of plain HTTP', 'http://www.neutral.example/',
     'www.neutral.example', 421],
) {
    my ($what, $target, $host, $status) = @$case;
    my $verdict = $status == 403 ? 'block' : 'reject';

    $origin->fresh;
    $gw->audit;
    $t = inside('www.neutral.example:443');

    my $a = $t->get($target, host => $host);

    is($a->{status}, $status, "$what is refused");
    $line = decision();
    is($line->{verdict}, $verdict, "$what: recorded as $verdict");
    is($line->{surface}, 'inspected', "$what: on surface inspected");
    is(scalar $origin->fresh, 0, "$what: nothing at the origin");
}

for my $case (
    ['the name in other case', '/', 'WWW.Neutral.Example'],
    ['the name with its last dot', '/', 'www.neutral.example.'],
    ['the default port', '/', 'www.neutral.example:443'],
    ['an absolute target', 'https://www.neutral.example/',
     'www.neutral.example'],
) {
    my ($what, $target, $host) = @$case;

    is(inside('www.neutral.example:443')->get($target, host => $host)
           ->{status}, 200, "$what is the same and passes");
}

$r = $curl->fetch('https://www.neutral.example:8444/port');
is($r->{code}, 200, 'another port that CONNECT may have');
is(($origin->fresh_soon)[-1]{at}, '127.0.0.1:8444', 'is the one dialled');

$t = inside('127.0.0.1:443', sni => 'www.neutral.example');
is($t->get('/', host => 'www.neutral.example')->{status}, 200,
   'behind an address the server name says who it is');
$gw->audit;
$t = inside('127.0.0.1:443', sni => 'www.neutral.example');
is($t->get('/', host => '127.0.0.1')->{status}, 421,
   'and Host must name it');
$t = inside('127.0.0.1:443', sni => 'www.listed.example');
is($t->{end}, 'refused', 'a listed one is refused');


# Plain HTTP in a tunnel is HTTP.

$gw->audit;
$plain->fresh;
$t = $gw->tunnel('www.neutral.example:80');
is($t->get('/fine', host => 'www.neutral.example')->{status}, 200,
   'plain HTTP inside a CONNECT passes');
is(($plain->fresh)[-1]{target}, '/fine', 'to the origin');
$t = $gw->tunnel('www.neutral.example:80');
is($t->get('/shop/acme', host => 'www.neutral.example')->{status}, 403,
   'and is judged');
$line = decision();
is($line->{url}, 'http://www.neutral.example/shop/acme', 'as an http URL');
$t = $gw->tunnel('www.neutral.example:80');
is($t->get('/', host => 'www.listed.example')->{status}, 403,
   'its Host must agree: a listed one blocks');
$t = $gw->tunnel('www.neutral.example:80');
is($t->get('/', host => 'other.neutral.example')->{status}, 421,
   'and another one is refused');
is(scalar $plain->fresh, 0, 'the origin has seen neither');


# Keep-alive: each request of a connection is judged.

$t = inside('www.neutral.example:443');

is(join(' ', map {
       $t->get($_, host => 'www.neutral.example')->{status} // 'closed'
   } '/1', '/shop/acme', '/2'), '200 403 200',
   'a refusal in between leaves the connection to the others');


# Users.

my $auth = Debar::Test::Gateway->new(name => 'auth', port => 3129,
    list => $list, inspect => 1, upstream_ca => $pki->ca,
    front => { debar_htpasswd => $users });
my $with = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3129',
                                  ca => $auth->ca_file);

is($with->fetch('https://www.neutral.example/')->{proxy}, 407,
   'a gateway that wants a user asks at the CONNECT');
$r = $with->fetch('https://www.neutral.example/shop/acme', '-U',
                  'ann:secret');
is($r->{code}, 403, 'a request inside is judged, not asked again');
($line) = grep { ($_->{verdict} // '') eq 'block' } $auth->audit_soon;
is($line->{user}, 'ann', 'and recorded with the user of the CONNECT');
$r = $with->fetch('https://www.neutral.example/who', '-U', 'ann:secret');
is($r->{code}, 200, 'the user\'s other requests pass');
($seen) = grep { $_->{target} eq '/who' } $origin->behind->requests;
ok($seen && !grep({ lc $_->[0] eq 'proxy-authorization' }
                  @{ $seen->{fields} }), 'without the credentials');
$auth->stop;


# Monitor mode.

my $monitor = Debar::Test::Gateway->new(name => 'monitor', port => 3130,
    list => $list, mode => 'monitor', inspect => 1, upstream_ca => $pki->ca);

$r = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3130',
                            ca => $monitor->ca_file)
    ->fetch('https://www.neutral.example/shop/acme');
is($r->{code}, 200, 'monitor mode lets a listed URL go');
($line) = grep { ($_->{surface} // '') eq 'inspected' } $monitor->audit_soon;
is($line->{verdict}, 'block', 'and records what it would have done');
$monitor->stop;


# A reload while requests run.

my $script = join ' ', map { "https://www.neutral.example/bytes/1000?$_" }
             1 .. 300;
my $load = start_process('load', 'curl', '-q', '-sS', '-x',
    'http://127.0.0.1:3128', '--cacert', $ca, '-m', 60, '-o', '/dev/null',
    '-w', '%{http_code}\n', '--http1.1', split / /,
    $script =~ s/ / -o \/dev\/null /gr);
my $out = test_dir() . '/load.out';

eventually { (file_text($out) // '') =~ /200/ } 10;

$r = $gw->command('reload');
is($r->{status}, 0, 'a reload while a client is at it');
eventually { !running($load) } 60;
waitpid $load, 0;

my @codes = split /\n/, file_text($out);

is(scalar(grep { $_ eq '200' } @codes), 300, 'not one request of 300 fails')
    or diag join ' ', grep { $_ ne '200' } @codes;
is($curl->fetch('https://www.neutral.example/')->{code}, 200,
   'and it serves on');

is($gw->complaints, '', 'no worker has crashed');

done_testing;

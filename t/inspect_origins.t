#!/usr/bin/perl

# What origins can do to a gateway that looks into TLS: certificates that are
# bad in every way, holders that are listed, a client certificate that they ask
# for, WebSockets; hosts that are not looked into; and a signer that is away.

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
use Debar::Test::Pki;
use Debar::Test::Raw;
use Debar::Test::TlsOrigin;
use Debar::Test::Tunnel;
use Net::SSLeay;

my $pki = Debar::Test::Pki->new;

# host => [last byte of its address, what its leaf is like, what the page says]

my %bad = (
    expired   => [11, { expired => 1 }, qr/expired/i],
    future    => [12, { future => 1 }, qr/not yet valid/i],
    self      => [13, { self_signed => 1 }, qr/self-signed/i],
    unknown   => [14, { unknown => 1 }, qr/issuer|authority/i],
    name      => [15, { names => ['a.other.example', 'b.other.example'] },
                  qr/a\.other\.example/],
    revoked   => [16, { staple => 'revoked' }, qr/revoked/i],
    stale     => [17, { staple => 'stale' }, qr/stapl|OCSP/i],
    bare      => [18, { must_staple => 1 }, qr/stapl|OCSP/i],
    headless  => [19, { no_chain => 1 }, qr/issuer|authority/i],
);
my %good = (
    stapled   => [31, { staple => 'good' }],
    must      => [32, { must_staple => 1, staple => 'good' }],
    rsa       => [33, { rsa => 1 }],
    holder    => [34, { organization => 'Neutral Example, Inc.' }],
);
my %listed = (
    acme      => [41, { organization => 'Acme Holdings Limited' }],
    acmecase  => [42, { organization => 'ACME  holdings LIMITED' }],
);

my %addr = (
    (map { ("$_.neutral.example" => ["127.0.0.$bad{$_}[0]"]) } keys %bad),
    (map { ("$_.neutral.example" => ["127.0.0.$good{$_}[0]"]) } keys %good),
    (map { ("$_.neutral.example" => ["127.0.0.$listed{$_}[0]"]) }
         keys %listed),
    'old.neutral.example' => ['127.0.0.51'],
    'plain.neutral.example' => ['127.0.0.52'],
    'cut.neutral.example' => ['127.0.0.53'],
    'down.neutral.example' => ['127.0.0.54'],
    'silent.neutral.example' => ['127.0.0.58'],
    'demands.neutral.example' => ['127.0.0.55'],
    'demands12.neutral.example' => ['127.0.0.57'],
    'optional.neutral.example' => ['127.0.0.56'],
    'www.bank.example' => ['127.0.0.1'],
    'listed.bank.example' => ['127.0.0.1'],
);
my $dns = Debar::Test::Dns->new(names => \%addr);

my $leaf = $pki->leaf(['*.neutral.example', '*.bank.example']);
my $origin = Debar::Test::TlsOrigin->new(servers => [
    { cert => $leaf },
    (map { server($_, $bad{$_}) } sort keys %bad),
    (map { server($_, $good{$_}) } sort keys %good),
    (map { server($_, $listed{$_}) } sort keys %listed),
    { at => ['127.0.0.52:443'], plain => 1 },
    { at => ['127.0.0.56:443'], cert => $leaf, client => 'optional',
      client_ca => $pki->ca },
]);

sub server {
    my ($name, $it) = @_;
    my %how = %{ $it->[1] };
    my $names = delete $how{names} || ["$name.neutral.example"];

    return { at => ["127.0.0.$it->[0]:443"], cert => $pki->leaf($names, %how) };
}

my $old = Debar::Test::TlsOrigin->odd('127.0.0.51:443', $leaf, '-tls1_1');
my $demands = Debar::Test::TlsOrigin->odd('127.0.0.55:443', $leaf, '-Verify',
                                          2, '-CAfile', $pki->ca);
my $demands12 = Debar::Test::TlsOrigin->odd('127.0.0.57:443', $leaf, '-Verify',
    2, '-CAfile', $pki->ca, '-tls1_2');
my $cut = Debar::Test::Raw->new(at => { '127.0.0.53:443' => 'close',
                                       '127.0.0.58:443' => 'silent' });

my $list = write_list(test_dir() . '/list',
                      hosts => ['listed.example', 'listed.bank.example'],
                      vendor => <<'END');
certificate-organizations:
  - Acme Holdings Limited
urls:
  - www.bank.example/shop/acme
END

my $gw = Debar::Test::Gateway->new(list => $list, inspect => 1,
    upstream_ca => $pki->ca, start => 0);

write_file($gw->dir . '/splice.txt', "# banks\nbank.example\n");
is($gw->start->{status}, 0, 'the gateway starts') or BAIL_OUT $gw->error_log;

my $curl = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3128',
                                  ca => $gw->ca_file);
my $direct = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3128',
                                    ca => $pki->ca);

sub said { return "$_[0]{code} $_[0]{err}" . substr $_[0]{body}, 0, 3000 }


# Bad certificates: the client's own TLS is in order, and the page says what is
# not.

for my $name (sort keys %bad) {
    my (undef, undef, $text) = @{ $bad{$name} };

    $origin->fresh;

    my $r = $curl->fetch("https://$name.neutral.example/x", '-H',
                         'Accept: text/html');

    is($r->{exit}, 0, "$name: curl sees valid TLS") or diag $r->{err};
    is($r->{code}, 502, "$name: and 502 inside of it");
    like($r->{body}, $text, "$name: the page says what is wrong")
        or diag said($r);
    is(scalar(grep { $_->{method} } $origin->fresh), 0,
       "$name: no request was sent");
}

for my $name (sort keys %good) {
    my $r = $curl->fetch("https://$name.neutral.example/x");

    is($r->{code}, 200, "$name: an origin in order passes")
        or diag said($r);
}

for my $case (
    ['old', qr/TLS/, 'speaks TLS 1.1 alone'],
    ['plain', qr/TLS|protocol/i, 'speaks no TLS on 443'],
    ['cut', qr/handshake|closed|TLS/i, 'closes in the handshake'],
    ['down', qr/does not answer|no connection/i, 'is down'],
) {
    my ($name, $text, $what) = @$case;
    my $r = $curl->fetch("https://$name.neutral.example/x", '-H',
                         'Accept: text/html');

    is($r->{exit}, 0, "an origin that $what: curl sees valid TLS");
    is($r->{code}, 502, "an origin that $what: 502");
    like($r->{body}, $text, "an origin that $what: the page says so")
        or diag said($r);
}

# One that takes the ClientHello and says nothing, for a page and for gRPC at
# once.

my $said = test_dir() . '/grpc.says';
my $from = time;
my $grpc = start_process('grpc', sub {
    $curl->{count} += 1000;

    my $r = $curl->fetch('https://silent.neutral.example/a.B/C', '-H',
                         'Content-Type: application/grpc', '-H', 'TE: trailers',
                         '--http2', '--data-binary', 'x');

    write_file("$said.new", "$r->{code} " . (time - $from) . "\n");
    rename "$said.new", $said;
});
my $slow = $curl->fetch('https://silent.neutral.example/x', '-H',
                        'Accept: text/html');
my $took = time - $from;

is($slow->{code}, 504, 'an origin that is silent in the handshake: 504')
    or diag said($slow);
like($slow->{body}, qr/in time.*handshake took too long/s,
     'the page says so');
cmp_ok($took, '>=', 9, 'it was given ten seconds');
cmp_ok($took, '<=', 15, 'and not many more');
ok((eventually { -e $said } 10), 'gRPC has its answer too');
like(file_text($said) // '', qr/^200 (?:9|1[0-5])$/,
     'as soon: 200, with the status of the call behind it');
stop_process($grpc) if running($grpc);

is(scalar(grep { $_->{uri} eq '/x' && $_->{at} =~ /\.52:/ }
          $origin->requests), 0, 'no request has gone out in the clear');


# Holders of certificates.

for my $name (sort keys %listed) {
    $gw->audit;
    $origin->fresh;

    my $r = $curl->fetch("https://$name.neutral.example/x?y=1", '-H',
                         'Accept: text/html');

    is($r->{code}, 403, "$name: a holder that is listed is refused")
        or diag said($r);
    like($r->{body}, qr/procurement blocklist/, "$name: with the page");

    my ($line) = grep { ($_->{verdict} // '') eq 'block' } $gw->audit_soon;

    is($line->{url}, "https://$name.neutral.example/x?y=1",
       "$name: recorded with the URL");
    is($line->{vendor}, 'acme', "$name: and the vendor");
    like(JSON::PP::encode_json($line->{evidence} || []), qr/certificate/,
         "$name: found in the certificate");
    is(scalar $origin->fresh, 0, "$name: nothing of it at the origin");
}


# A client certificate that the origin demands.

for my $name ('demands', 'demands12') {
    $gw->audit;

    my $url = "https://$name.neutral.example/";
    my $r = $curl->fetch($url, '-H', 'Accept: text/html');

    is($r->{code}, 502, "$name: the first request gets 502") or diag said($r);
    like($r->{body}, qr/client certificate/i, "$name: that says why");

    my $own = $pki->leaf(['client.neutral.example']);

    $r = $direct->fetch($url, '--cert', $own->{cert}, '--key', $own->{key},
                        '--http1.1');
    is($r->{code}, 200, "$name: the next CONNECT goes through to the origin,"
                        . ' which sees the client\'s certificate')
        or diag said($r);
    ok($r->{verified}, "$name: and the client sees the origin's");

    my @lines = grep { ($_->{fault} // '') =~ /client certificate/ }
                $gw->audit_soon, $gw->audit;

    ok(scalar @lines, "$name: recorded as not inspected");
    is($lines[0]{verdict}, 'log', "$name: as log");
}

my $r = $curl->fetch('https://optional.neutral.example/x');

is($r->{code}, 200, 'an origin that only asks for one is served');
is($curl->fetch('https://optional.neutral.example/y')->{code}, 200,
   'and inspected also the next time');


# Hosts that are not looked into.

$gw->audit;
$origin->fresh;
$r = $direct->fetch('https://www.bank.example/shop/acme');
is($r->{code}, 200, 'a spliced host: the client sees its own certificate')
    or diag said($r);
is(($origin->fresh_soon)[-1]{uri}, '/shop/acme',
   'and URLs are not looked at');
isnt($curl->fetch('https://www.bank.example/')->{exit}, 0,
     'the gateway\'s CA has no part in it');
is($direct->fetch('https://listed.bank.example/')->{proxy}, 403,
   'a listed host among the spliced ones stays refused');

my $t = $gw->tunnel('www.bank.example:443');

is($t->tls(sni => 'www.listed.example'), 'refused',
   'and so does a listed server name in a spliced tunnel');


# WebSockets are requests, and what is in them cannot be seen.

sub websocket {
    my $t = $gw->tunnel('www.neutral.example:443');

    $t->tls(sni => 'www.neutral.example', ca => $gw->ca_file);

    my $r = $t->get('/ws', host => 'www.neutral.example', fields => [
        ['Upgrade', 'websocket'], ['Connection', 'Upgrade'],
        ['Sec-WebSocket-Version', 13],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==']]);

    return ($r, $t);
}

sub echoed {
    my ($t, $bytes) = @_;

    $t->say($bytes);

    return eventually {
        $t->fill(0.2);
        $t->pump;

        my $text = Net::SSLeay::read($t->{ssl}, 65536);

        $t->{plain} .= $text if defined $text;
        $t->{plain} =~ /\Q$bytes\E/;
    } 5;
}

$gw->audit;
($r, $t) = websocket();
is($r->{status}, 101, 'a WebSocket is let go by default');
ok(echoed($t, 'hello in a frame'), 'and carries bytes both ways');

my ($line) = grep { ($_->{url} // '') =~ m{/ws$} } $gw->audit_soon;

is($line->{verdict}, 'log', 'recorded as log');
$t->close;

$gw->set(debar_websocket => 'block');
is($gw->reload->{status}, 0, 'debar_websocket block;');
$gw->audit;
($r) = websocket();
is($r->{status}, 403, 'refuses it');
($line) = grep { ($_->{url} // '') =~ m{/ws$} } $gw->audit_soon;
is($line->{verdict}, 'reject', 'with a record');


# The signer is away: names that are known go on, others are refused.

my ($pid) = (file_text($gw->dir . '/run/sign.pid') // '') =~ /(\d+)/;

ok($pid && running($pid), 'the signer runs');
$curl->fetch('https://known.neutral.example/');
kill 'TERM', $pid if $pid;
ok((eventually { !running($pid) } 10), 'it is ended');

is($curl->fetch('https://known.neutral.example/')->{code}, 200,
   'a name whose leaf is known is served without it');

$gw->audit;

my $before = () = $gw->error_log =~ /debar_sign/g;

$r = $curl->fetch('https://fresh1.neutral.example/');
isnt($r->{code}, 200, 'another one is not');
$r = $curl->fetch('https://fresh2.neutral.example/');
isnt($r->{code}, 200, 'nor the next');
ok((eventually { $gw->error_log =~ /debar_sign/ } 3),
   'the error log says that the signer is away');

my $lines = () = $gw->error_log =~ /debar_sign/g;

is($lines - $before, 1, 'in one line');
is($gw->command('start')->{status}, 0, 'debar gateway start starts it again');
ok((eventually {
       $curl->fetch('https://fresh1.neutral.example/')->{code} eq '200'
   } 10), 'and the name is served');

# nginx has origins whose TLS fails among its "crit".

is(join("\n", grep { !/(?:to|from) upstream/ } split /\n/, $gw->complaints),
   '', 'no worker has crashed');
$gw->stop;


# Other authorities.

for my $case (['rsa', rsa => 3072], ['ecdsa']) {
    my ($name, %how) = @$case;

    $pki->authority("ca-$name", "CA of an agency, $name", undef, %how);

    my $at = "$pki->{dir}/ca-$name";
    my $own = Debar::Test::Gateway->new(name => $name, port => 3131,
        list => $list, upstream_ca => $pki->ca,
        inspect => { ca => "$at.pem", key => "$at.key" });
    my $r = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3131',
                                   ca => "$at.pem")
        ->fetch('https://www.neutral.example/');

    is($r->{code}, 200, "an agency's own $name authority") or diag said($r);
    ok($r->{verified}, "$name: curl trusts it");
    $own->stop;
}

done_testing;

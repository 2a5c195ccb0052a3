#!/usr/bin/perl

# Requests through a parent proxy: plain ones in absolute form, inspected ones
# inside a tunnel that it opens.  The parents are a scripted one, which keeps
# what it gets, and a second gateway that wants credentials.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;
use Debar::Test::Curl;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Parent;
use Debar::Test::Pki;
use Debar::Test::Raw;
use Debar::Test::TlsOrigin;
use Debar::Test::Tunnel;

my $n = '.neutral.example';
my $at = '127.0.0.9:3129';
my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new(absent => ["www$n", "relay$n"]);
my $dns2 = Debar::Test::Dns->new(addr => '127.0.0.2');
my $parent = Debar::Test::Parent->new;
my $plain = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);
my $origin = Debar::Test::TlsOrigin->new(servers => [
    { at => ['127.0.0.1:443', '127.0.0.1:8444'],
      cert => $pki->leaf(["*$n", "*.b$n", '*.listed.example']) },
]);

my $list = write_list(test_dir() . '/list', vendor => <<'END');
urls:
  - relay.neutral.example/shop/acme
END

my $secret = write_file(test_dir() . '/secret', "gate:secret\n");
my $users = write_file(test_dir() . '/users',
                       'gate:' . crypt('secret', '$6$saltsalt$') . "\n");
my $basic = 'Basic ' . encode_base64('gate:secret', '');

chmod 0600, $secret;

my $gw = Debar::Test::Gateway->new(list => $list, inspect => 1,
    upstream_ca => $pki->ca,
    init => ['--connect-port', 8444, '--connect-port', 8080,
             '--parent', $at, '--parent-credentials', $secret]);

# What init made of its flags.

my $said = "debar_parent $at "
           . '"credentials=' . $gw->dir . '/parent.credentials";';

is(scalar(() = file_text($gw->conf_file) =~ /^\s+\Q$said\E$/mg), 2,
   'init --parent says it in stream and in http');
is(file_text($gw->dir . '/parent.credentials'), "gate:secret\n",
   'the credentials are copied');
is((stat $gw->dir . '/parent.credentials')[2] & 07777, 0600,
   'for the owner alone');

my $bad = write_file(test_dir() . '/bad', "no colon\n");

for my $case (['proxy.example', $secret, qr/the host and the port/],
              ['proxy;x:1', $secret, qr/the host and the port/],
              ['proxy:70000', $secret, qr/the host and the port/],
              [$at, $bad, qr/one line "user:password"/],
              [$at, "$bad.no", qr/bad\.no: No such file/])
{
    my ($place, $file, $want) = @$case;
    my $made = run_command([debar_path(), 'gateway', 'init',
                            test_dir() . '/none', '--list', $list,
                            '--parent', $place,
                            '--parent-credentials', $file]);

    ok($made->{status} == 1 && $made->{err} =~ $want,
       "init refuses $place with " . ($file eq $secret ? 'any file' : 'that'))
        or diag $made->{err};
}

ok(!-e test_dir() . '/none', 'before it makes anything');

$gw->set(proxy_connect_timeout => '2s');
$gw->set(debar_audit => '"' . $gw->audit_file . '" all');
$gw->reload;

my $curl = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3128',
                                  ca => $gw->ca_file);

sub field { return Debar::Test::Origin::field(@_) }

sub decision { return ($gw->audit_soon)[-1] || {} }


# Plain requests.

my $r = $gw->get("http://www$n/a?b=c",
                 fields => [['Proxy-Authorization', 'Basic eDp5']]);

is($r->{status}, 200, 'a request for a name that only the parent resolves')
    or diag $gw->error_log;
is($r->{body}, "parent\n", 'is answered by the parent');

my ($seen) = $parent->fresh;

is($seen->{line}, "GET http://www$n/a?b=c HTTP/1.1", 'in absolute form');
is(field($seen, 'Host'), "www$n", 'with the Host it had');
is(field($seen, 'Proxy-Authorization'), $basic,
   'and the credentials of debar_parent, not those of the client');
is(decision()->{upstream}{addr}, $at, 'the record has the parent');

my $first = (grep { $_->[0] eq 'X-Connection' } @{ $r->{fields} })[0][1];
$r = $gw->get("http://other$n:8081/x");
is(($parent->fresh)[0]{line}, "GET http://other$n:8081/x HTTP/1.1",
   'another port');
is((grep { $_->[0] eq 'X-Connection' } @{ $r->{fields} })[0][1], $first,
   'on the same connection: it is of the parent');

my $body = Debar::Test::Origin::bytes(100_000);

$r = $gw->get("http://www$n/post", method => 'POST', body => $body);
is($r->{status}, 200, 'a POST');
$seen = ($parent->fresh)[0];
is($seen->{line}, "POST http://www$n/post HTTP/1.1", 'in absolute form');
ok($seen->{body} eq $body, 'with its body');

$r = $gw->get('http://[::1]:8082/');
is(($parent->fresh)[0]{line}, 'GET http://[::1]:8082/ HTTP/1.1', 'IPv6');

$gw->audit;
is($gw->get('http://www.listed.example/')->{status}, 403,
   'a listed vendor is refused');
is($gw->get('http://10.0.0.1/')->{status}, 403, 'so is a private address');
is(scalar $parent->fresh, 0, 'and the parent hears of neither');

$r = $gw->get("http://n407$n/");
is($r->{status}, 502, 'a 407 of the parent is not for the client');
like($r->{body}, qr/does not take the credentials of debar_parent/,
     'who is told what is wrong');
ok(!(grep { lc $_->[0] eq 'proxy-authenticate' } @{ $r->{fields} }),
   'and asked for nothing');
is($gw->get("http://n503$n/")->{status}, 503,
   'any other answer is that to the request');
$parent->fresh;


# Plain HTTP in a tunnel.

my $t = $gw->tunnel("www$n:8080");

is($t->status, 200, 'a tunnel');
is($t->get('/in', host => "www$n:8080")->{status}, 200,
   'plain HTTP inside of it');
is(($parent->fresh)[0]{line}, "GET http://www$n:8080/in HTTP/1.1",
   'goes on with the port of the CONNECT');
$t->close;


# Inspected requests.

$r = $curl->fetch("https://relay$n/a?b=c", '--http1.1');
is($r->{code}, 200, 'an inspected request') or diag $r->{err}, $gw->error_log;
is(($origin->fresh_soon)[0]{uri}, '/a?b=c', 'reaches its origin');
$seen = ($origin->{behind}->fresh)[-1];
ok($seen && !defined field($seen, 'Proxy-Authorization'),
   'which sees no credentials of the parent');
my @seen = $parent->fresh;
is($seen[0]{line}, "CONNECT relay$n:443 HTTP/1.1", 'by a tunnel of the parent');
is(field($seen[0], 'Proxy-Authorization'), $basic, 'with the credentials');
is(scalar @seen, 1, 'which is asked once');

my $big = $curl->fetch("https://relay$n/bytes/3000000", '--http2');

is($big->{code}, 200, '3 MB over HTTP/2');
ok($big->{body} eq Debar::Test::Origin::bytes(3_000_000), 'byte for byte');
is(scalar $parent->fresh, 0, 'on the tunnel of before: it was kept');

is($curl->fetch("https://relay.b$n/")->{code}, 200, 'another name');
is(($parent->fresh)[0]{line}, "CONNECT relay.b$n:443 HTTP/1.1",
   'has a tunnel of its own');
is($curl->fetch("https://relay$n:8444/")->{code}, 200, 'another port');
is(($parent->fresh)[0]{line}, "CONNECT relay$n:8444 HTTP/1.1", 'too');
is($curl->fetch("https://relay$n/again")->{code}, 200, 'the first once more');
is(scalar $parent->fresh, 0, 'has its own still');

$origin->fresh;
is($curl->fetch("https://relay$n/shop/acme")->{code}, 403, 'a listed URL');
is($curl->fetch('https://relay.listed.example/')->{code}, '000',
   'a listed host');
is(scalar $parent->fresh, 0, 'of which the parent never hears');

my %no = (
    n403 => qr/the parent proxy refused: 403 Not/,
    n407 => qr/does not take the credentials of debar_parent/,
    garbage => qr/did not answer as a proxy of HTTP/,
    big => qr/a head longer than is read/,
    close => qr/ended the connection unanswered/,
    half => qr/ended the connection unanswered/,
    reset => qr/ended the connection/,
    slow => qr/did not answer in time/,
);

for my $how (sort keys %no) {
    my $started = time;

    $r = $curl->fetch("https://$how$n/");
    is($r->{code}, 502, "$how: an honest 502");
    like($r->{body}, $no{$how}, "$how: with the reason") or diag $r->{body};
    cmp_ok(time - $started, '<', 6, "$how: in time");
}

unlike($gw->error_log, qr/gate:secret|\Q$basic\E/,
       'no secret in the error log');


# Clients that go away while the parent is asked.

$gw->set(proxy_connect_timeout => '30s');
$gw->reload;
$curl->fetch("https://relay$n/");

my $idle;

eventually {
    my $now = $gw->sockets;
    my $same = defined $idle && $now == $idle;

    $idle = $now;
    select undef, undef, undef, 0.2;
    $same;
} 5;

$parent->fresh;

my @away;

for (1 .. 10) {
    my $a = $gw->tunnel("slow$n:443");

    is($a->tls(sni => "slow$n", ca => $gw->ca_file), 'up', 'a client')
        if $_ == 1 or $a->tls(sni => "slow$n", ca => $gw->ca_file) ne 'up';
    $a->say("GET / HTTP/1.1\r\nHost: slow$n\r\n\r\n");
    push @away, $a;
}

my @asked;

eventually { push @asked, $parent->fresh; @asked >= 10 };
is(scalar @asked, 10, 'ten clients, and the parent is asked for each');
$_->close for @away;
ok((eventually { $gw->sockets <= $idle } 5), 'they go, and so do its sockets')
    or diag $gw->sockets . " sockets, $idle before";


# A second gateway as the parent.

my $second = Debar::Test::Gateway->new(name => 'second', list => $list,
    port => 3129, resolver => '127.0.0.2:53',
    conf => { debar_htpasswd => "\"$users\"" },
    front => { debar_htpasswd => "\"$users\"" });

$second->insert('http \{', "    debar_htpasswd \"$users\";");
$second->reload;

sub through {
    my ($value) = @_;
    my $text = file_text($gw->conf_file);

    $text =~ s/^(\s*debar_parent\s)[^;]*;/$1$value;/mg;
    unlink $gw->conf_file;
    write_file($gw->conf_file, $text);
    $gw->reload;
    $plain->fresh;
    $origin->fresh;
}

through("127.0.0.1:3129 credentials=$secret");
is($gw->get("http://www$n/two")->{status}, 200, 'through two gateways');
$seen = ($plain->fresh)[0];
is($seen->{line}, 'GET /two HTTP/1.1', 'the origin gets its path');
ok(!defined field($seen, 'Proxy-Authorization'), 'and no credentials');
is($curl->fetch("https://relay$n/two")->{code}, 200, 'inspected by the first');
is(($origin->fresh_soon)[0]{uri}, '/two', 'spliced by the second');

# An address that takes requests and ends: the next one gets them whole.

my $hosts = write_file(test_dir() . '/hosts', "127.0.0.1 localhost\n"
                       . "127.0.0.8 parents.test\n127.0.0.9 parents.test\n");
my $ends = Debar::Test::Raw->new(at => { '127.0.0.8:3129' => 'close' });

SKIP: {
    skip 'only root in a namespace of its own can change /etc/hosts', 5
        if $> != 0 || ($ENV{DEBAR_TEST_ALONE} || '') ne 'net'
           || system('mount', '--bind', $hosts, '/etc/hosts') != 0;

    through("parents.test:3129 credentials=$secret");
    $parent->fresh;
    is($gw->get("http://www$n/retried")->{status}, 200, 'a second address');

    my $got = $ends->got;

    like($got, qr{^GET http://www\Q$n\E/retried HTTP/1\.1\r\n},
         'after the first had the request');
    is(($parent->fresh)[0]{line}, "GET http://www$n/retried HTTP/1.1",
       'has it in the same form');

    through("parents.test:3129 credentials=$secret");
    is($gw->get("http://n407$n/")->{status}, 502,
       'a 407 of the second is found too');

    through("parents.test:3129 credentials=$secret");
    is($curl->fetch("https://relay$n/")->{code}, 200, 'a tunnel likewise');

    system 'umount', '/etc/hosts';
}


# Wrong credentials; no parent at all.

write_file($secret, "gate:wrong\n");
through("127.0.0.1:3129 credentials=$secret");
is($gw->get("http://www$n/")->{status}, 502, 'wrong credentials: 502');
$r = $curl->fetch("https://relay$n/");
is($r->{code}, 502, 'and inside of TLS');
like($r->{body}, qr/does not take the credentials/, 'with the reason');
is(scalar $plain->fresh, 0, 'nothing reaches the origin');

$second->stop;
through('127.0.0.1:3129');
$r = $gw->get("http://www$n/");
is($r->{status}, 502, 'a parent that is down');
$r = $curl->fetch("https://relay$n/");
is($r->{code}, 502, 'and inside of TLS');
like($r->{body}, qr/the parent proxy took no connection/, 'with the reason');

through('127.0.0.1:3128');
is($gw->get("http://www$n/")->{status}, 508,
   'a gateway that is its own parent');

is($gw->complaints, '', 'nothing that no test may cause in the error log');
is($second->complaints, '', 'nor in that of the second');

Debar::Test::Gateway->stop_all;
done_testing;

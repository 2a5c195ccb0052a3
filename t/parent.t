#!/usr/bin/perl

# A gateway that reaches the world through a parent proxy: what that is sent,
# what it is not, and what becomes of clients when it says no or nothing.  The
# parents are a scripted one, which keeps what it gets, and a second gateway.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Parent;
use Debar::Test::Tunnel;

my $n = '.neutral.example';
my $dns = Debar::Test::Dns->new(names => { "known$n" => ['127.0.0.1'] },
                                absent => ["echo$n", "absent$n"]);
my $list = write_list(test_dir() . '/list');
my $parent = Debar::Test::Parent->new;
my $at = '127.0.0.9:3129';
my $secret = write_file(test_dir() . '/secret', "gate:pa:ss wörd\n");
my $basic = 'Basic ' . encode_base64("gate:pa:ss wörd", '');

chmod 0600, $secret;

my $gw = Debar::Test::Gateway->new(
    list => $list, conf => {
        debar_audit => '"' . test_dir() . '/gateway/audit/audit.jsonl" all' },
    front => { debar_parent => "$at credentials=$secret",
               debar_connect_timeout => '1s' });

my $hello = sub { Debar::Test::Tunnel::made_hello(names => [$_[0]]) };

# A CONNECT through the gateway, with the hello behind it, and what comes back.

sub tunnel {
    my ($label, %o) = @_;
    my $host = "$label$n";
    my $t = $gw->tunnel("$host:443", after => $hello->($host), %o);

    return $t;
}

sub echoed {
    my ($t, $host) = @_;
    my $want = $hello->($host);

    eventually { $t->fill(0.2); length $t->{in} >= length $want } 5;

    return $t->{in} eq $want ? 'the hello' : 'got ' . unpack 'H*', $t->{in};
}


# What goes to the parent.

my $t = tunnel('echo');

is($t->status, 200, 'a tunnel to a name that only the parent resolves');
is(echoed($t, "echo$n"), 'the hello', 'the hello goes there and comes back');

my ($r) = $parent->fresh;

is($r->{line}, "CONNECT echo$n:443 HTTP/1.1", 'the parent gets the name');
is(Debar::Test::Origin::field($r, 'Host'), "echo$n:443", 'and in Host');
is(Debar::Test::Origin::field($r, 'Proxy-Authorization'), $basic,
   'with the credentials of debar_parent');
is(scalar @{ $r->{fields} }, 2, 'and nothing else');
my ($line) = grep { $_->{surface} eq 'connect' } $gw->audit;
is($line->{upstream}{addr}, $at, 'the record has the address of the parent');
$t->send('more');
eventually { $t->fill(0.2); $t->{in} =~ /more\z/ } 5;
like($t->{in}, qr/more\z/, 'the tunnel stays open');
$t->close;

$t = tunnel('first');
is($t->status, 200, 'bytes of the origin right behind the 200');
eventually { $t->fill(0.2); length $t->{in} >= 6 } 5;
is(substr($t->{in}, 0, 6), "ready\n", 'arrive, and first');
$t->close;

for my $how (qw(interim bytewise)) {
    $t = tunnel($how);
    is($t->status, 200, "$how: a 200");
    is(echoed($t, "$how$n"), 'the hello', "$how: the tunnel carries");
    $t->close;
}


# Addresses are looked at here, names are not.

$parent->fresh;
$t = $gw->tunnel('10.0.0.1:443', after => $hello->("x$n"));
is($t->status, 403, 'a private address is not asked for');
is(scalar $parent->fresh, 0, 'nor is the parent');
$t = $gw->tunnel('127.0.0.5:443', after => $hello->("x$n"));
is($t->status, 200, 'an allowed one is, by its number');
is(($parent->fresh)[0]{line}, 'CONNECT 127.0.0.5:443 HTTP/1.1', 'as it is');
$t->close;
$t = $gw->tunnel('[::1]:443', after => $hello->("x$n"));
is(($parent->fresh)[0]{line}, 'CONNECT [::1]:443 HTTP/1.1', 'IPv6 too');
$t->close;


# What the list refuses.

$gw->audit;
$t = $gw->tunnel('www.listed.example:443', after => $hello->("x$n"));
is($t->status, 403, 'a listed vendor is refused');
is(scalar $parent->fresh, 0, 'and the parent never hears of it');
$t = $gw->tunnel("echo$n:443", after => $hello->('www.listed.example'));
$t->rest(5);
ok(defined $t->{alert}, 'nor goes the hello of one, in a tunnel to another');
$t->close;
$parent->fresh;


# A parent that says no, or nothing.

my %no = (
    n403 => qr/the parent proxy refused: 403 Not &lt;b&gt;here/,
    n407 => qr/does not take the credentials of debar_parent: 407/,
    n502 => qr/the parent proxy refused: 502/,
    garbage => qr/did not answer as a proxy of HTTP/,
    big => qr/a head longer than is read/,
    close => qr/ended the connection unanswered/,
    half => qr/ended the connection unanswered/,
    reset => qr/ended the connection/,
    slow => qr/did not answer in time/,
);

for my $how (sort keys %no) {
    my $started = time;

    $t = tunnel($how);
    is($t->status, 502, "$how: an honest 502");
    like($t->{answer}{body}, $no{$how}, "$how: with the reason");
    unlike($t->{answer}{body}, qr/pa:ss|\Q$basic\E/, "$how: and no secret");
    cmp_ok(time - $started, '<', 4, "$how: in time");
    $t->close;
}

ok((grep { ($_->{status} // 0) == 502 } $gw->audit),
   'that it failed is recorded');
unlike($gw->error_log, qr/pa:ss|\Q$basic\E/, 'no secret in the error log');
like($gw->error_log, qr/debar_parent \Q$at\E: .*did not answer in time/,
     'which says what is wrong with the parent');


# Clients that go away while the parent is asked.

$gw->set_front(debar_connect_timeout => '20s');
$gw->reload;

my $idle = $gw->sockets;
my @away = map { tunnel('slow', answer => 0, after => '') } 1 .. 20;

eventually { $parent->open_connections >= 20 };
is(scalar(grep { $_->{line} =~ /slow/ } $parent->fresh), 21,
   'twenty clients, and the parent is asked for each');
$_->close for @away;
ok((eventually { $gw->sockets <= $idle } 5), 'they go, and so do its sockets')
    or diag $gw->sockets . " sockets, $idle before";
ok((eventually { $parent->open_connections == 0 } 5),
   'and the parent is let go') or diag $parent->open_connections;


# Without credentials; a parent that is down; one of several addresses.

$gw->set_front(debar_parent => $at);
$gw->reload;
$parent->fresh;
tunnel('echo')->close;
ok(!defined Debar::Test::Origin::field(($parent->fresh)[0],
                                       'Proxy-Authorization'),
   'no credentials where none are configured');
$t = tunnel('n407');
like($t->{answer}{body}, qr/asks for credentials: debar_parent credentials=/,
     'one that wants some: the page says what is missing');

$gw->set_front(debar_parent => '127.0.0.9:3130');
$gw->reload;
$t = tunnel('echo');
is($t->status, 502, 'a parent that is down');
like($t->{answer}{body}, qr/took no connection/, 'and the page says so');

$gw->set_front(debar_parent => "$at resolve=on");
$gw->reload;
is(tunnel('absent')->status, 502, 'resolve=on: a name that there is not');
is(tunnel('known')->status, 200, 'one that there is');
like(($parent->fresh)[-1]{line}, qr/^CONNECT known/, 'is asked for by name');


# One of several addresses.

my $hosts = write_file(test_dir() . '/hosts', "127.0.0.1 localhost\n"
                       . "127.0.0.8 parents.test\n127.0.0.9 parents.test\n");

SKIP: {
    skip 'only root in a namespace of its own can change /etc/hosts', 4
        if $> != 0 || ($ENV{DEBAR_TEST_ALONE} || '') ne 'net'
           || system('mount', '--bind', $hosts, '/etc/hosts') != 0;

    $gw->set_front(debar_parent => 'parents.test:3129');
    $gw->reload;
    is(tunnel('echo')->status, 200, 'the first address is down');
    is(tunnel('echo')->status, 200, 'and is not asked first any more');

    my $failed = () = $gw->error_log
        =~ /to 127\.0\.0\.8:3129 failed|parents\.test:3129: .* no connection/g;

    is($failed, 1, 'it was tried once');

    $gw->set_front(debar_parent => 'parents.test:3130');
    $gw->reload;
    is(tunnel('echo')->status, 502, 'all of them are down');

    system 'umount', '/etc/hosts';
}


# A parent that is this gateway.

$gw->set_front(debar_parent => '127.0.0.1:3128');
$gw->reload;
$t = tunnel('echo');
is($t->status, 508, 'a gateway that is its own parent');


is($gw->complaints, '', 'nothing that no test may cause in the error log');


# nginx -t, which may say what it finds in the error log too.

sub refused {
    my ($value, $want, $claim) = @_;

    $gw->set_front(debar_parent => $value);

    my $r = $gw->test_conf;

    ok($r->{status} != 0 && $r->{err} =~ $want, $claim) or diag $r->{err};
}

refused('127.0.0.1', qr/no port/, 'a parent without a port');
refused("no.such.host.invalid:1", qr/debar_parent no\.such/,
        'one that is not found');
refused("$at credential=$secret", qr/invalid parameter/, 'another parameter');
refused("$at credentials=$secret.no", qr/\.no" failed/, 'no such file');
refused("unix:/x", qr/HOST:PORT/, 'a socket file');
chmod 0644, $secret;
refused("$at credentials=$secret", qr/chmod o= /, 'a file open to everybody');
write_file("$secret.2", "no colon\n");
chmod 0600, "$secret.2";
refused("$at credentials=$secret.2", qr/one line "user:password"/,
        'a file without a colon');
write_file("$secret.2", "a:b\nc:d\n");
refused("$at credentials=$secret.2", qr/one line/, 'a file of two lines');
$gw->set_front(debar_parent => 'off');
is($gw->test_conf->{status}, 0, 'off');

Debar::Test::Gateway->stop_all;
done_testing;

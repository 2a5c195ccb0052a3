#!/usr/bin/perl

# What is in a tunnel: the ClientHello behind the 200, its name against the list
# and against the CONNECT, and whatever is no TLS at all.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Raw;
use Debar::Test::Tls;
use Debar::Test::Tunnel;

my $ipv6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 1);

my $dns = Debar::Test::Dns->new(names => {
    'echo.neutral.example'  => ['127.0.0.2'],
    'first.neutral.example' => ['127.0.0.3'],
});
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.1:8000']);
my $tls = Debar::Test::Tls->new(
    listen => ['127.0.0.1:443', '127.0.0.10:443',
               ($ipv6 ? '[::1]:443' : ())],
    names => ['*.neutral.example', '*.watched.example', '127.0.0.10']);
my $raw = Debar::Test::Raw->new(at => {
    '127.0.0.2:443' => 'echo', '127.0.0.3:443' => 'first',
    '127.0.0.2:80' => 'echo',
});

my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
END

my $gw = Debar::Test::Gateway->new(
    list => $list, init => ['--connect-port', 80],
    front => { debar_hello_timeout => '20s' });
my @workers = $gw->workers;

my $made = \&Debar::Test::Tunnel::made_hello;


# How a handshake through the gateway ends; dies where there is no tunnel.

sub shake {
    my ($authority, %o) = @_;
    my $t = $gw->tunnel($authority);

    return 'CONNECT ' . $t->status if $t->status != 200;

    return $t->tls(%o);
}


# What comes back for bytes in a tunnel to the echoing origin, and the alert.

sub told {
    my ($bytes, %o) = @_;
    my $t = ($o{gw} // $gw)->tunnel($o{to} // 'echo.neutral.example:443');

    return ('CONNECT ' . $t->status) if $t->status != 200;

    $t->dribble($bytes, $o{size});
    eventually { $t->fill(0.2); length $t->{in} >= length $bytes } 5
        if $o{reply};

    my $in = $o{reply} ? $t->{in} : $t->rest(6);

    return ($in // 'silence', $t->{alert});
}


# The gateway with another directive.

sub policy {
    my ($name, $value) = @_;

    $name eq 'debar_mode' ? $gw->set($name, $value)
                          : $gw->set_front($name, $value);
    is($gw->reload->{status}, 0, "$name $value is taken by a reload");
    $gw->audit;
    $raw->fresh;
    @workers = $gw->workers;
}


# The last decision since the last look.

sub decision {
    my @lines = $gw->audit_soon;

    return $lines[-1] || {};
}


# Names that nothing forbids, in every shape of a hello.

my @shapes = (
    ['whole', {}],
    ['in records of 1 byte', { recsplit => 1 }],
    ['in records of 16 bytes', { recsplit => 16 }],
    ['in two records that meet in the name', { recsplit => 'mid' }],
    ['in segments of 1 byte', { tcpsplit => 1 }],
    ['in segments of 3 bytes and records of 5',
     { recsplit => 5, tcpsplit => 3 }],
    ['of TLS 1.2', { tls12 => 1 }],
    ['of 15 KiB', { big => 15360 }],
    ['of 15 KiB in segments of 100 bytes', { big => 15360, tcpsplit => 100 }],
);

for my $shape (@shapes) {
    is(shake('www.neutral.example:443', sni => 'www.neutral.example',
             ca => $tls->ca, %{ $shape->[1] }),
       'up', "a handshake goes through with a hello $shape->[0]");
}

is(shake('www.neutral.example:443', sni => 'WWW.Neutral.example'), 'up',
   'a name in any case is the name of the CONNECT');
is(shake('WWW.NEUTRAL.EXAMPLE.:443', sni => 'www.neutral.example'), 'up',
   'and so is the CONNECT with its last dot');
is(shake('127.0.0.10:443', sni => 'www.neutral.example'), 'up',
   'behind an address the SNI says who it is');

SKIP: {
    skip 'no IPv6 here', 1 if !$ipv6;

    is(shake('[::1]:443', sni => 'www.neutral.example'), 'up',
       'an IPv6 address too');
}

is(scalar(grep { ($_->{verdict} // '') =~ /block|reject/ } $gw->audit), 0,
   'none of these is recorded as refused');

is(shake('127.0.0.10:443', sni => 'a.watched.example'), 'up',
   'a name to be logged passes');

my $line = decision();

is($line->{verdict}, 'log', 'and is recorded as log');


# A listed name behind an authority that tells nothing.

for my $shape (@shapes) {
    for my $name ('www.listed.example', 'WwW.LiStEd.ExAmPlE') {
        my %hello = %{ $shape->[1] };

        is(shake('127.0.0.10:443', sni => $name, %hello), 'refused',
           "$name is refused in a hello $shape->[0]");
        $line = decision();
        is($line->{verdict}, 'block', 'recorded as block');
        is($line->{surface}, 'tls', 'of surface tls');
        is($line->{vendor}, 'acme', 'with the vendor');
    }
}

$raw->fresh;

my ($said, $alert) = told($made->(names => ['www.listed.example']),
                          to => '127.0.0.2:443');

like($said, qr/^(?:\x15\x03.\x00\x02..)?\z/s,
     'the client is told by an alert or an end, nothing else');
ok($alert, 'it is an alert that a browser can name');
is($raw->got, '', 'and not one byte has reached the origin');

told($made->(names => ['listed.example.']), to => '127.0.0.2:443');
$line = decision();
is($line->{verdict}, 'block', 'a name with a last dot is the same name');
is($raw->got, '', 'and reaches nothing');
like($line->{client}, qr/^127\.0\.0\.1:\d+$/, 'the record has the client');
like($line->{incident}, qr/^[0-9a-f]{32}$/, 'and an incident');


# A name that is not that of the CONNECT.

for my $case (
    ['echo.neutral.example:443', 'www.listed.example', 'block'],
    ['echo.neutral.example:443', 'other.neutral.example', 'reject'],
    ['echo.neutral.example:443', 'xecho.neutral.example', 'reject'],
    ['echo.neutral.example:443', 'neutral.example', 'reject'],
    ['echo.neutral.example:443', '127.0.0.2', 'reject'],
) {
    my ($authority, $name, $verdict) = @$case;

    $gw->audit;
    ($said) = told($made->(names => [$name]), to => $authority);
    like($said, qr/^(?:\x15.{6})?\z/s,
         "CONNECT $authority, SNI $name: refused");
    is(decision()->{verdict}, $verdict, "and recorded as $verdict");
    is($raw->got, '', "before the origin has any of it: $name");
}


# Hellos that are in order for no one.

my $name = 'echo.neutral.example';
my $entry = pack 'C n/a*', 0, $name;
my $good = $made->(names => [$name]);
my $v2 = "\x01\x00\x02" . pack('n3', 3, 0, 16) . "\x00\x00\x2f" . 'c' x 16;

for my $case (
    ['two names', $made->(names => [$name, 'www.listed.example'])],
    ['the same name twice', $made->(names => [$name, $name])],
    ['two server_name extensions', $made->(names => [$name], extensions => [
        [0, pack 'n/a*', pack 'C n/a*', 0, 'www.listed.example']])],
    ['a NUL in its name', $made->(names => ["$name\0.listed.example"])],
    ['an empty name', $made->(names => [''])],
    ['a name of 300 letters', $made->(names => ['n' x 300])],
    ['a name that is none', $made->(names => ["$name/x"])],
    ['an unknown type of name', $made->(extensions => [
        [0, pack 'n/a*', pack 'C n/a*', 7, $name]])],
    ['a list of names longer than its extension', $made->(extensions => [
        [0, "\xff\xff$entry"]])],
    ['SSLv2 framing', pack('n', 0x8000 | length $v2) . $v2],
    ['a length beyond 16 KiB', "\x16\x03\x01\x40\x00\x01\xff\xff\xff"
                               . "\x03\x03" . 'r' x 16378],
    ['a record of no bytes', "\x16\x03\x01\0\0" x 5 . $good],
    ['another message first', "\x16\x03\x01\0\4\x02\0\0\0"],
    ['an alert first', "\x15\x03\x01\0\2\2\x28"],
    ['data first', "\x17\x03\x03\0\4data"],
) {
    my ($what, $bytes) = @$case;

    $gw->audit;
    ($said) = told($bytes);
    like($said, qr/^(?:\x15.{6})?\z/s, "refused: a hello with $what");
    like(decision()->{verdict} // 'none', qr/^(?:reject|block)$/,
         "and recorded: $what");
    is($raw->got, '', "and the origin has none of it: $what");
}

# It is what was added that is refused.

($said) = told($good, reply => 1);
is($said, $good, 'the same hello without any of it goes through unchanged');
is($raw->got, $good, 'and is what the origin gets');
$gw->audit;


# Half a hello, and none.

policy('debar_hello_timeout', '1s');

for my $case (['half a hello', substr $good, 0, 60],
              ['one byte', substr $good, 0, 1],
              ['a record header', substr $good, 0, 5])
{
    my $since = time;

    ($said) = told($case->[1]);
    isnt($said, 'silence', "$case->[0] is waited for only so long");
    cmp_ok(time - $since, '<', 5, "and not much longer: $case->[0]");
    is($raw->got, '', "while the origin has none of it: $case->[0]");
}


# Byte after byte, never done: the time is for the whole.

for my $case (['of a hello', substr $good, 0, 100],
              ['of no protocol', "\x01" x 100])
{
    my $since = time;
    my $t = $gw->tunnel('echo.neutral.example:443');
    my @bytes = split //, $case->[1];

    while (!$t->{closed} && @bytes && time - $since < 6) {
        $t->send(shift @bytes);
        $t->fill(0.1);
    }

    ok($t->{closed} || length $t->{in},
       "bytes $case->[0] that dribble in are not waited for without end");
    cmp_ok(time - $since, '<', 5, "nor for much longer: $case->[0]");
    is($raw->got, '', "while the origin has none of it: $case->[0]");
    $t->close;
}

# More bytes of records than a peek holds.

($said) = told(Debar::Test::Tunnel::records(
                   $made->(names => [$name], big => 15360), 1));
isnt($said, 'silence', '15 KiB in records of 1 byte are not left to hang');
($said) = told(Debar::Test::Tunnel::records(
                   $made->(names => ['www.listed.example'], big => 15360), 1),
               to => '127.0.0.2:443');
isnt($said, 'silence', 'nor are they with a listed name');
$raw->got;
($said) = told("\x16\x03\x01\0\1\1" . "\x16\x03\x01\0\1\0" x 40000);
isnt($said, 'silence', 'nor is a hello that never ends');
is($raw->got, '', 'of which the origin gets nothing');
is($gw->tunnel('echo.neutral.example:443')->status, 200,
   'and the next tunnel opens');
$gw->audit;


# No TLS.

$gw->audit;

for my $case (
    ['SSH', "SSH-2.0-OpenSSH_9.2\r\n"],
    ['a request for a listed host',
     "GET / HTTP/1.1\r\nHost: www.listed.example\r\n\r\n"],
    ['a CONNECT in the tunnel',
     "CONNECT www.listed.example:443 HTTP/1.1\r\n"
     . "Host: www.listed.example:443\r\n\r\n"],
    ['a CONNECT to a neutral host in the tunnel',
     "CONNECT echo.neutral.example:443 HTTP/1.1\r\n"
     . "Host: echo.neutral.example:443\r\n\r\n"],
    ['HTTP/2 without TLS', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ['bytes of no protocol', "\x00\x01\x02\x03" x 20],
    ['a SOCKS greeting', "\x05\x01\x00"],
) {
    my ($what, $bytes) = @$case;

    for my $to ('echo.neutral.example:443', 'echo.neutral.example:80') {
        ($said) = told($bytes, to => $to);
        isnt($said, 'silence', "$what in a tunnel to $to is not left to hang");
        unlike($said, qr/\Q$bytes\E/, "and is not let through");
        like(decision()->{verdict} // 'none', qr/^(?:reject|block)$/,
             "but recorded as refused: $what");
        is($raw->got, '', "and the origin has none of it: $what");
    }
}

# A server that speaks first.

my $since = time;
my $t = $gw->tunnel('first.neutral.example:443');

is($t->status, 200, 'the 200 does not wait for who speaks first');
ok(defined $t->rest(6), 'a tunnel in which the client waits comes to an end');
cmp_ok(time - $since, '<', 5, 'soon');
$gw->audit;


# Policies.

my $ech = $made->(names => [$name], extensions => [
    [0xfe0d, "\0" . pack('n2', 1, 1) . "\x2a" . pack('n/a* n/a*', 'k' x 32,
                                                     'c' x 200)]]);
my $esni = $made->(extensions => [[0xffce, 'e' x 300]]);
my $no_sni = $made->();

policy('debar_ech', 'log');
($said) = told($ech, reply => 1);
is($said, $ech, 'debar_ech log lets an encrypted hello through');
$line = decision();
is($line->{verdict}, 'log', 'with a record of verdict log');

policy('debar_ech', 'block');

for my $case (['ECH', $ech], ['ESNI', $esni]) {
    ($said) = told($case->[1]);
    like($said, qr/^(?:\x15.{6})?\z/s, "debar_ech block refuses $case->[0]");
    like(decision()->{verdict} // 'none', qr/^(?:reject|block)$/,
         "with a record: $case->[0]");
    is($raw->got, '', "before the origin has any of it: $case->[0]");
}

($said) = told($good, reply => 1);
is($said, $good, 'and lets through what has neither');

for my $case (['pass', undef], ['log', 'log'], ['block', 'block']) {
    my ($value, $verdict) = @$case;

    policy('debar_no_sni', $value);

    if ($value eq 'block') {
        ($said) = told($no_sni);
        isnt($said, $no_sni, 'debar_no_sni block refuses a hello without name');
        like(decision()->{verdict} // 'none', qr/^(?:reject|block)$/,
             'with a record');
        is($raw->got, '', 'before the origin has any of it');
        next;
    }

    ($said) = told($no_sni, reply => 1);
    is($said, $no_sni, "debar_no_sni $value lets one without a name through");
    my @lines = grep { $_->{verdict} } $gw->audit;
    is(@lines ? $lines[-1]{verdict} : undef, $verdict,
       "recorded as " . ($verdict // 'nothing'));

    $raw->fresh;
    ($said) = told($no_sni, to => '127.0.0.2:443');
    isnt($said, $no_sni, "but not to an address alone, with $value");
    is($raw->got, '', 'of which the origin gets nothing');
}

policy('debar_tunnel_other', 'pass');

my $ssh = "SSH-2.0-OpenSSH_9.2\r\n";

($said) = told($ssh, reply => 1);
is($said, $ssh, 'debar_tunnel_other pass lets other protocols through');

$t = $gw->tunnel('first.neutral.example:443');
$t->fill(5);
is($t->{in}, "220 ready\r\n", 'and a server speak first');
$t->send("EHLO x\r\n");
eventually { $t->fill(0.1); $t->{in} =~ /EHLO/ };
is($t->{in}, "220 ready\r\nEHLO x\r\n", 'and be answered');
$t->close;

($said) = told($made->(names => ['www.listed.example']));
like($said, qr/^(?:\x15.{6})?\z/s, 'but no hello with a listed name');

$raw->fresh;
$gw->audit;
($said) = told("GET / HTTP/1.1\r\nHost: www.listed.example\r\n"
               . "Connection: close\r\n\r\n");
like(decision()->{verdict} // 'none', qr/^(?:block|reject)$/,
     'nor a plain request to a listed host');
is($raw->got, '', 'which reaches no origin');

policy('debar_mode', 'monitor');

($said) = told($made->(names => ['www.listed.example']),
               to => '127.0.0.2:443', reply => 1);
is($said, $made->(names => ['www.listed.example']),
   'in monitor mode a listed name goes through');
$line = decision();
is($line->{verdict}, 'block', 'recorded as what it would have been');
is($line->{mode}, 'monitor', 'with the mode');


is(join(' ', $gw->workers), join(' ', @workers),
   'the gateway is served by the same worker to the end');
is($gw->complaints, '', 'and none has crashed');

done_testing;

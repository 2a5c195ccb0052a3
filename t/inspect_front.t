#!/usr/bin/perl

# Which tunnels are looked into and which are not, as the front decides it: the
# leaf that is shown, what the first bytes may be, hosts that are spliced, and
# what comes of a signer that is away.  Requests inside: inspect.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Net::SSLeay;
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Raw;
use Debar::Test::Tls;
use Debar::Test::Tunnel;

my $dns = Debar::Test::Dns->new(absent => ['absent.example'], names => {
    'echo.neutral.example'  => ['127.0.0.2'],
    'first.neutral.example' => ['127.0.0.3'],
    'dead.neutral.example'  => ['127.0.0.5'],
    'card.neutral.example'  => ['127.0.0.20'],
    'card.mixed.example'    => ['127.0.0.20'],
});
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.1:8000']);
my $tls = Debar::Test::Tls->new(
    listen => ['127.0.0.1:443', '127.0.0.10:443'],
    names => ['*.neutral.example', '*.watched.example', '*.mixed.example',
              '*.bank.example', 'bank.example', '127.0.0.10']);

start_process('card', qw(openssl s_server -accept 127.0.0.20:443 -www -quiet
                         -Verify 1 -verify_return_error -tls1_2), '-CAfile',
              $tls->ca, '-cert', "$tls->{dir}/leaf.pem", '-key',
              "$tls->{dir}/leaf.key");
(eventually { port_answers('127.0.0.20', 443) } 10)
    or die "openssl s_server does not start\n";

my $raw = Debar::Test::Raw->new(at => {
    '127.0.0.2:443' => 'echo', '127.0.0.3:443' => 'first',
});

my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
  - mixed.example
permits:
  - {url: www.mixed.example/bytes/10, why: a tool of their own}
  - {url: card.mixed.example/bytes/10, why: another}
END

my $dir = test_dir();
my $made = \&Debar::Test::Tunnel::made_hello;
my $gw = Debar::Test::Gateway->new(
    list => $list, start => 0, init => ['--connect-port', 80],
    front => { debar_hello_timeout => '2s' });


# The authority of the gateway, and the process that signs.

my $ca = "$dir/agency.pem";
my $socket = "$dir/front.sock";
my $signer;

sub start_signer {
    unlink $socket;
    $signer = start_process('sign', debar_path(), 'sign', '--ca', $ca, '--key',
                            "$dir/agency.key", '--socket', $socket,
                            map { ("--client-$_->[0]", $_->[1]) }
                                ['uid', (www_ids())[0]],
                                ['gid', (www_ids())[1]]);
    (eventually { -S $socket } 10)
        or die 'debar sign does not start: '
               . (file_text("$dir/sign.out") // '') . "\n";
}

my $r = run_command([qw(openssl req -x509 -nodes -days 30 -newkey ec -pkeyopt
                        ec_paramgen_curve:P-256 -subj), '/CN=Agency of a test',
                     '-keyout', "$dir/agency.key", '-out', $ca, '-addext',
                     'keyUsage=critical,keyCertSign,cRLSign']);

$r->{status} == 0 or die "no authority: $r->{err}\n";


# nginx.conf, with the front as the test wants it.

my $plain = file_text($gw->conf_file);

$plain =~ s/debar_front\s[^;]*;/FRONT/ or die "nginx.conf has no front\n";
$plain =~ s/^http \{\n/http {\nINSPECTED\n/m or die "nginx.conf has no http\n";

my $inspected = <<"END";
    server {
        listen unix:debar:inspected ssl http2;
        debar_inspect;
        debar on;
        location / {
            proxy_pass https://origin;
            proxy_http_version 1.1;
            proxy_set_header Host \$debar_authority;
            proxy_set_header Connection "";
            proxy_ssl_server_name on;
            proxy_ssl_name \$debar_server_name;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate @{[ $tls->ca ]};
        }
    }
END

sub conf {
    my (%o) = @_;
    my $text = $plain;
    my $front = 'debar_front ' . ($o{front} // 'http=plain tunnel=tunnel '
                                              . 'inspect=inspected') . ';';
    my $more = join '', map { "        $_;\n" }
               ($o{sign} // 1 ? "debar_sign unix:$socket" : ()),
               @{ $o{more} || [] };

    $text =~ s/FRONT/$front\n$more/;
    $text =~ s/INSPECTED/$o{inspected} \/\/ $inspected/e;
    unlink $gw->conf_file;
    write_file($gw->conf_file, $text);

    return $gw->test_conf;
}


# What nginx -t finds.

start_signer();

is(conf()->{status}, 0, 'a front that inspects is taken')
    or diag conf()->{err};
is(conf(front => 'inspect=inspected tunnel=tunnel http=plain')->{status}, 0,
   'in any order');

for my $case (
    ['inspect= without a signer', qr/debar_sign/, sign => 0],
    ['a name without a server', qr/unix:debar:nobody/,
     front => 'http=plain tunnel=tunnel inspect=nobody'],
    ['a stream server', qr/unix:debar:tunnel/,
     front => 'http=plain tunnel=tunnel inspect=tunnel'],
    ['a server without TLS', qr/must have "ssl"/,
     front => 'http=plain tunnel=tunnel inspect=plain'],
    ['a server with TLS', qr/must not have "ssl"/,
     front => 'http=inspected tunnel=tunnel'],
    ['two of a kind', qr/invalid parameter "http=inspected"/,
     front => 'http=plain tunnel=tunnel http=inspected'],
    ['inspect= without tunnel=', qr/tunnel=NAME/,
     front => 'http=plain inspect=inspected'],
    ['a parameter that is none', qr/invalid parameter "look=inspected"/,
     front => 'http=plain tunnel=tunnel look=inspected'],
    ['a second signer', qr/duplicate/, more => ["debar_sign unix:$socket"]],
) {
    my ($what, $said, @conf) = @$case;
    my $t = conf(@conf);

    isnt($t->{status}, 0, "nginx -t refuses $what");
    like($t->{err}, $said, "and says so: $what");
}

for my $host ('com', '*.bank.example', '.bank.example', '10.0.0.0/8',
              'https://bank.example', '0300.0.0.1', 'a..b', 'bank.example:443',
              '::ffff:127.0.0.1')
{
    my $t = conf(more => ["debar_splice $host"]);

    isnt($t->{status}, 0, "debar_splice refuses $host");
    like($t->{err}, qr/invalid host "\Q$host\E": \w.* in /, 'and says why');
}

my $splice = write_file("$dir/splice.txt", <<'END');
# Banks.
bank.example   # and what is below it

  BANK.neutral.example.
bücher.example
127.0.0.10
[::1]
END

my $t = conf(more => ["debar_splice file:$splice"]);

is($t->{status}, 0, 'a file of hosts is taken') or diag $t->{err};

write_file("$dir/bad.txt", "bank.example\ncom\n\n*.x.example\n"
                           . 'n' x 2000 . "\nok.example\nx y\n");
$t = conf(more => ["debar_splice org file:$dir/bad.txt"]);
isnt($t->{status}, 0, 'one with faults is not');

for my $said (qr/"org"/, map { qr/\Q$dir\E\/bad\.txt:$_: invalid host/ }
                         2, 4, 5, 7)
{
    like($t->{err}, $said, "all of them are said: $said");
}

unlike($t->{err}, qr/bad\.txt:[136]:/, 'and nothing else');

for my $path ("$dir/none.txt", $dir, '') {
    isnt(conf(more => ["debar_splice file:$path"])->{status}, 0,
         "debar_splice refuses file:$path");
}


# Looked into.

is(conf(more => ["debar_splice file:$splice", 'debar_splice pin.example'])
       ->{status}, 0, 'hosts add up');
$gw->start->{status} == 0 or die $gw->error_log;

my @workers = $gw->workers;

# Names in the certificate that a tunnel shows.

sub shown {
    my ($tunnel) = @_;
    my $x = Net::SSLeay::get_peer_certificate($tunnel->{ssl}) or return 'none';
    my @san = Net::SSLeay::X509_get_subjectAltNames($x);
    my @names;

    while (my ($type, $name) = splice @san, 0, 2) {
        push @names, $type == 7 ? join '.', unpack 'C*', $name : $name;
    }

    return join ' ', @names;
}

# How a handshake ends, by which authority; the tunnel.

sub shake {
    my ($authority, $by, %o) = @_;
    my $tunnel = $gw->tunnel($authority);

    return ('CONNECT ' . $tunnel->status, $tunnel) if $tunnel->status != 200;

    return ($tunnel->tls(ca => $by, %o), $tunnel);
}

sub decision {
    my @lines = $gw->audit_soon;

    return $lines[-1] || {};
}

sub none { return scalar grep { $_->{verdict} } $gw->audit }

my ($end, $tunnel) = shake('www.neutral.example:443', $ca,
                           sni => 'www.neutral.example');

is($end, 'up', 'a handshake with the gateway');
is(shown($tunnel), 'www.neutral.example', 'by a leaf for that name');
$r = $tunnel->get('/bytes/1000', host => 'www.neutral.example');
is($r->{status}, 200, 'a request inside reaches the origin');
is(length $r->{body}, 1000, 'whole');
$r = $tunnel->get('/bytes/10', host => 'www.neutral.example');
is($r->{status}, 200, 'and so does the next');
is(none(), 0, 'none of it is recorded');
$tunnel->close;

for my $shape (
    ['in records of 1 byte', recsplit => 1],
    ['in segments of 9 bytes', tcpsplit => 9],
    ['of TLS 1.2', tls12 => 1],
) {
    my ($what, @hello) = @$shape;

    ($end, $tunnel) = shake('www.neutral.example:443', $ca,
                            sni => 'WWW.neutral.example', @hello);
    is($end, 'up', "a hello $what is answered");
    is($tunnel->get('/', host => 'www.neutral.example')->{status}, 200,
       'and requests after it');
    $tunnel->close;
}

my %first;
my $hello = Debar::Test::Tunnel::hello(sni => 'www.neutral.example', ca => $ca,
                                       for => \%first);

$tunnel = $gw->tunnel('www.neutral.example:443', after => $hello);
@$tunnel{keys %first} = values %first;
is($tunnel->tls(sent => 1), 'up', 'a hello in the packet of the CONNECT too');
is($tunnel->get('/', host => 'www.neutral.example')->{status}, 200,
   'and requests after it');
$tunnel->close;

$raw->fresh;
($end, $tunnel) = shake('echo.neutral.example:443', $ca,
                        sni => 'echo.neutral.example');
is($end, 'up', 'a handshake comes before the origin is dialled');
is(scalar($raw->fresh), 0, 'which knows nothing of it');
$tunnel->close;

($end, $tunnel) = shake('dead.neutral.example:443', $ca,
                        sni => 'dead.neutral.example');
is($end, 'up', 'so it does where no origin answers');
is($tunnel->get('/', host => 'dead.neutral.example')->{status}, 502,
   'and the request is told');
$tunnel->close;
is($gw->tunnel('absent.example:443')->status, 502,
   'a name without an address is no tunnel');
is($gw->tunnel('www.listed.example:443')->status, 403,
   'nor is a listed name');
is($gw->tunnel('www.neutral.example:22')->status, 403, 'nor an odd port');
$gw->audit;

is((shake('www.watched.example:443', $ca, sni => 'www.watched.example'))[0],
   'up', 'a host to be logged is looked into');
is(decision()->{verdict}, 'log', 'and recorded as log');


# Whom the hello names.

for my $case (
    ['www.neutral.example:443', 'other.neutral.example', 'reject', 112],
    ['www.neutral.example:443', 'www.listed.example', 'block', 49],
    ['127.0.0.1:443', 'www.listed.example', 'block', 49],
    ['127.0.0.1:443', 'www.bank.example', 'reject', 112],
) {
    my ($authority, $name, $verdict, $alert) = @$case;

    $gw->audit;
    ($end, $tunnel) = shake($authority, $ca, sni => $name);
    is($end, 'refused', "CONNECT $authority, SNI $name: refused");
    is($tunnel->{alert}, $alert, "by alert $alert");

    my $line = decision();

    is($line->{verdict}, $verdict, "recorded as $verdict");
    is($line->{surface}, 'tls', 'of surface tls');
}

($end, $tunnel) = shake('127.0.0.1:443', $ca, sni => 'www.neutral.example');
is($end, 'up', 'behind an address the SNI says who it is');
is(shown($tunnel), 'www.neutral.example', 'and has the leaf');
is($tunnel->get('/', host => 'www.neutral.example')->{status}, 200,
   'and its origin is the one at that address');
$tunnel->close;

$gw->audit;
($end, $tunnel) = shake('127.0.0.1:443', $ca);
is($end, 'up', 'an address without a name is looked into');
is(shown($tunnel), '127.0.0.1', 'by a leaf for the address');
is(decision()->{verdict}, 'log', 'and recorded, as debar_no_sni has it');
is($tunnel->get('/', host => '127.0.0.1')->{status}, 502,
   'its origin must prove the address');
$tunnel->close;
$gw->audit;

# What a hello of that name that no client can finish comes to: the first bytes
# of an answer, or the alert.

sub told {
    my ($bytes, $to, $enough) = @_;
    my $t2 = $gw->tunnel($to // 'echo.neutral.example:443');

    return 'CONNECT ' . $t2->status if $t2->status != 200;

    $t2->send($bytes);
    eventually { $t2->fill(0.2);
                 $t2->{closed} || length $t2->{in} >= ($enough // 1) } 6;

    my $in = $t2->{in};

    $t2->close;

    return $in;
}

my $name = 'echo.neutral.example';

told($made->(names => [$name], extensions => [
    [0xfe0d, "\0" . pack('n2', 1, 1) . "\x2a" . pack('n/a* n/a*', 'k' x 32,
                                                     'c' x 200)]]));
is(none(), 0, 'ECH is meant for somebody else, and not recorded');

for my $case (
    ['two names', $made->(names => [$name, 'www.listed.example'])],
    ['a NUL in its name', $made->(names => ["$name\0.listed.example"])],
    ['an inner hello outside',
     $made->(names => [$name], extensions => [[0xfe0d, "\1"]])],
    ['an alert first', "\x15\x03\x01\0\2\2\x28"],
    ['a length beyond 16 KiB', "\x16\x03\x01\x40\x00\x01\xff\xff\xff"
                               . "\x03\x03" . 'r' x 16378],
) {
    my ($what, $bytes) = @$case;

    like(told($bytes), qr/^(?:\x15\x03.{5})?\z/s,
         "refused: a hello with $what");
    like(decision()->{verdict} // 'none', qr/^(?:reject|block)$/,
         "and recorded: $what");
}


# No TLS.

$origin->fresh if $origin->can('fresh');
like(told("GET /bytes/10 HTTP/1.1\r\nHost: www.neutral.example\r\n\r\n",
          'www.neutral.example:80'),
     qr{^HTTP/1.1 200 }, 'plain HTTP in a tunnel is plain HTTP');
is(none(), 0, 'and not recorded');

my $t2 = $gw->tunnel('www.neutral.example:80');

for my $case (['www.neutral.example', 200], ['www.listed.example', 403],
              ['www.neutral.example', 200], ['other.neutral.example', 421])
{
    my ($host, $status) = @$case;

    is($t2->get('/', host => $host)->{status}, $status,
       "a request for $host in it: $status");
    $t2 = $gw->tunnel('www.neutral.example:80') if $t2->{closed};
}

$t2->close;
$gw->audit;

for my $case (
    ['SSH', "SSH-2.0-OpenSSH_9.2\r\n"],
    ['a CONNECT in the tunnel', "CONNECT www.neutral.example:443 HTTP/1.1\r\n"
                                . "Host: www.neutral.example:443\r\n\r\n"],
    ['HTTP/2 without TLS', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ['bytes of no protocol', "\x00\x01\x02\x03" x 20],
    ['half a hello', substr $made->(names => [$name]), 0, 60],
    ['nothing', ''],
) {
    my ($what, $bytes) = @$case;
    my $since = time;
    my $said = told($bytes);

    like($said, qr{^(?:\x15\x03.{5}\z|HTTP/1\.1 403 |\z)}s,
         "$what is not let through");
    cmp_ok(time - $since, '<', 5, 'nor left to hang');
    is(decision()->{verdict}, 'reject', "but recorded: $what");
}

is($raw->got, '', 'and the origin has none of it');


# Spliced.

for my $case (
    ['bank.example:443', 'bank.example', 'a host of the file'],
    ['www.bank.example:443', 'www.bank.example', 'a host below it'],
    ['bank.neutral.example:443', 'bank.neutral.example', 'one in capitals'],
    ['127.0.0.10:443', 'www.neutral.example', 'an address'],
) {
    my ($authority, $host, $what) = @$case;

    ($end, $tunnel) = shake($authority, $tls->ca, sni => $host);
    is($end, 'up', "$what shows the origin's own certificate");
    is($tunnel->get('/', host => $host)->{status}, 200, 'and its answers');
    $tunnel->close;
}

is(none(), 0, 'which is recorded by nothing');

for my $host ('xbank.example', 'example') {
    ($end, $tunnel) = shake("$host:443", $ca, sni => $host);
    is($end, 'up', "$host is not below it");
    $tunnel->close;
}

for my $case (['bank.example:443', 'www.bank.example', 112],
              ['www.bank.example:443', 'www.listed.example', 49])
{
    my ($authority, $host, $alert) = @$case;

    ($end, $tunnel) = shake($authority, $ca, sni => $host);
    is($end, 'refused', "CONNECT $authority, SNI $host: refused");
    is($tunnel->{alert}, $alert, "by alert $alert");
}

$gw->audit;
($end, $tunnel) = shake('127.0.0.10:443', $tls->ca);
is($end, 'refused', 'a spliced address wants a name all the same');
$gw->audit;


# A vendor of whom one thing is permitted.

($end, $tunnel) = shake('www.mixed.example:443', $ca,
                        sni => 'www.mixed.example');
is($end, 'up', 'a listed host with a permit below it is looked into');
is(decision()->{verdict}, 'log', 'and recorded');
is($tunnel->get('/bytes/10', host => 'www.mixed.example')->{status}, 200,
   'what is permitted goes through');
is($tunnel->get('/bytes/11', host => 'www.mixed.example')->{status}, 403,
   'what is not does not');
$tunnel->close;


# An origin that wants a certificate of the client, which only the client has.

for my $case (['card.neutral.example', undef, 200],
              ['card.mixed.example', 'log', 403])
{
    my ($host, $before, $status) = @$case;

    $gw->audit;
    ($end, $tunnel) = shake("$host:443", $ca, sni => $host);
    is($end, 'up', "$host is looked into at first");
    is($tunnel->get('/bytes/10', host => $host)->{status}, 502,
       'and its origin cannot be asked');
    $tunnel->close;

    my ($line) = grep { ($_->{surface} // '') eq 'connect' } $gw->audit;

    is($line->{verdict}, $before, 'recorded as ' . ($before // 'nothing'));

    $tunnel = $gw->tunnel("$host:443");
    is($tunnel->status, $status, "then it is not: the CONNECT is $status");
    $line = decision();

    if ($status == 403) {
        is($line->{verdict}, 'block', 'since nobody would see what is asked');
        next;
    }

    is($line->{verdict}, 'log', 'which is recorded');
    like($line->{fault}, qr/demands a client certificate/, 'with the reason');
    is($tunnel->tls(sni => $host, ca => $tls->ca), 'refused',
       'the origin refuses a client that has none either');
    like(Net::SSLeay::X509_NAME_oneline(Net::SSLeay::X509_get_issuer_name(
             Net::SSLeay::get_peer_certificate($tunnel->{ssl}))),
         qr/Authority of the test/, 'having shown its own');
    $tunnel->close;
}

conf(more => ['debar_splice mixed.example']);
is($gw->reload->{status}, 0, 'now it is to be spliced');
$gw->audit;
is($gw->tunnel('www.mixed.example:443')->status, 403,
   'where nobody sees what is asked for, the host is blocked');
is(decision()->{verdict}, 'block', 'and recorded as block');


# Policies.

sub policy {
    my (@more) = @_;

    conf(more => \@more);
    is($gw->reload->{status}, 0, "@more is taken by a reload");
    $gw->audit;
    $raw->fresh;
}

$plain =~ s/^\s*debar_(?:no_sni|tunnel_other)\s[^;]*;\n//mg;

policy('debar_no_sni block', 'debar_tunnel_other pass');
($end, $tunnel) = shake('127.0.0.1:443', $ca);
is($end, 'refused', 'debar_no_sni block refuses an address without a name');

my $ssh = "SSH-2.0-OpenSSH_9.2\r\n";

is(told($ssh, undef, length $ssh), $ssh,
   'debar_tunnel_other pass dials the origin of what cannot be looked into');
is(decision()->{verdict}, 'log', 'and records it');

$tunnel = $gw->tunnel('first.neutral.example:443');
$tunnel->fill(5);
is($tunnel->{in}, "220 ready\r\n", 'a client that waits is let through then');
$tunnel->close;
like(told($ssh, 'dead.neutral.example:443'), qr/^\z/,
     'where no origin answers, the tunnel ends');


# A front on IPv6, whose connections go to listens that have another layout.

SKIP: {
    skip 'no IPv6 here', 6 if !have_ipv6();

    policy('listen [::1]:3128');

    for my $case (['www.neutral.example', $ca], ['bank.neutral.example',
                                                 $tls->ca]) {
        my ($host, $by) = @$case;

        policy('listen [::1]:3128', "debar_splice $host") if $by ne $ca;
        $tunnel = Debar::Test::Tunnel->new('::1', 3128, "$host:443");
        is($tunnel->tls(sni => $host, ca => $by), 'up',
           "through a front on IPv6: $host");
        is($tunnel->get('/', host => $host)->{status}, 200,
           'and requests after it');
        $tunnel->close;
    }
}


# A signer that is slow, and one that is away.

my $sockets;

policy();
@workers = $gw->workers;
is((shake('one.neutral.example:443', $ca, sni => 'one.neutral.example'))[0],
   'up', 'a leaf that will be known');
eventually { $sockets = $gw->sockets; 1 };
kill 'STOP', $signer;

my $since = time;

($end, $tunnel) = shake('one.neutral.example:443', $ca,
                        sni => 'one.neutral.example');
is($end, 'up', 'a known leaf needs no signer');
$tunnel->close;

for my $how ('abort', 'half_close', 'close') {
    my @gone = map { $gw->tunnel("$how$_.neutral.example:443") } 1 .. 10;

    $_->send($made->(names => ["$how.neutral.example"])) for @gone[0 .. 4];
    $_->send($made->(names => ['x'])) for $gone[9];
    $gone[$_]->send($made->(names => ["$how" . ($_ + 1) . '.neutral.example']))
        for 5 .. 8;
    $_->$how for @gone;
}

($end, $tunnel) = shake('slow.neutral.example:443', $ca,
                        sni => 'slow.neutral.example');
is($end, 'refused', 'one that is not known is waited for so long');
is($tunnel->{alert}, 80, 'and the client is told whose fault it is');
cmp_ok(time - $since, '<', 15, 'no longer than the time of an answer');

kill 'CONT', $signer;
ok((eventually { $gw->sockets <= $sockets + 1 } 10),
   'clients that went away while they waited are gone')
    or diag $gw->sockets, " sockets, $sockets before";
is(join(' ', $gw->workers), join(' ', @workers), 'and harmed no worker');

ok((eventually {
        (shake('slow.neutral.example:443', $ca,
               sni => 'slow.neutral.example'))[0] eq 'up';
    } 15), 'a signer that goes on is asked again');

stop_process($signer, 'KILL');
$gw->audit;

my $answer;

(eventually {
    $answer = $gw->tunnel('away.neutral.example:443')->{answer};
    ($answer->{status} // 0) == 503;
} 5);
is($answer->{status}, 503, 'without a signer a CONNECT is refused');
like($answer->{body}, qr/TLS cannot be inspected now/, 'by a page');
is((shake('bank.neutral.example:443', $ca, sni => 'bank.neutral.example'))[0],
   'CONNECT 503', 'whatever the host');
like($gw->error_log, qr/no certificate to show for "away.neutral.example": \w/,
     'and the error log says why');

start_signer();
ok((eventually {
        (shake('away.neutral.example:443', $ca,
               sni => 'away.neutral.example'))[0] eq 'up';
    } 10), 'a signer that is back is asked again');

is($gw->complaints, '', 'no worker has crashed');

done_testing;

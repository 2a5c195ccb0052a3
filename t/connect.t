#!/usr/bin/perl

# CONNECT: what its head may be, who may send it, where it leads, and what the
# client and the record are told.  What is in the tunnel: tls.t; how tunnels
# live and end: tunnel.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Socket::IP;
use MIME::Base64;
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

my $ipv6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 1);

my $dns = Debar::Test::Dns->new(absent => ['absent.example'], names => {
    'dead.neutral.example'  => ['127.0.0.5'],
    'slow.neutral.example'  => ['127.0.0.6'],
    'half.neutral.example'  => ['127.0.0.5', '127.0.0.2'],
    'alias.neutral.example' => ['127.0.0.66'],
    'first.neutral.example' => ['127.0.0.3'],
});
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.1:8000']);
my $tls = Debar::Test::Tls->new(
    listen => ['127.0.0.1:443', '127.0.0.1:8443', '127.0.0.66:443',
               ($ipv6 ? '[::1]:443' : ())],
    names => ['*.neutral.example', '*.watched.example', '*.listed.example']);
my $raw = Debar::Test::Raw->new(at => {
    '127.0.0.2:443' => 'echo', '127.0.0.3:443' => 'first',
    '127.0.0.1:25' => 'first', '127.0.0.1:22' => 'first',
});

my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
networks: [127.0.0.66/32]
END

my $gw = Debar::Test::Gateway->new(
    list => $list, front => { debar_head_timeout => '2s' });
my @workers = $gw->workers;

my $field = \&Debar::Test::Client::field;

# The tunnel's end of a whole request through it.

sub inside {
    my ($t, $name, %o) = @_;

    return 'CONNECT ' . $t->status if $t->status != 200;

    my $end = $t->tls(sni => $name, ca => $tls->ca);

    return $end if $end ne 'up';

    return $t->get($o{path} // '/', host => $name, %o)->{status} // 'none';
}


# A tunnel to where nothing forbids it.

my $t = $gw->tunnel('www.neutral.example:443');

is($t->status, 200, 'a CONNECT to a neutral host is answered 200');
like($t->{answer}{line}, qr{^HTTP/1\.[01] 200 }, 'by HTTP/1.x');
is($field->($t->{answer}, 'Content-Length'), undef,
   'without a Content-Length (RFC 9110 s.9.3.6)');
is($field->($t->{answer}, 'Transfer-Encoding'), undef,
   'and without a Transfer-Encoding');
is(inside($t, 'www.neutral.example', path => '/bytes/100000'), 200,
   'a request in it reaches the origin by the origin\'s own certificate');
is(scalar(grep { $_->{verdict} } $gw->audit), 0, 'no record is made of it');
$t->close;

for my $case (
    ['127.0.0.1:443', 'www.neutral.example', 'an IPv4 literal'],
    ($ipv6 ? ['[::1]:443', 'www.neutral.example', 'an IPv6 literal'] : ()),
    ['WWW.Neutral.EXAMPLE:443', 'www.neutral.example', 'a name in any case'],
    ['www.neutral.example.:443', 'www.neutral.example', 'one last dot'],
) {
    my ($authority, $name, $what) = @$case;

    is(inside($gw->tunnel($authority), $name), 200,
       "a tunnel may be asked for by $what");
}

$t = $gw->tunnel('www.neutral.example:443', version => 'HTTP/1.0',
                 host => undef);
is(inside($t, 'www.neutral.example'), 200, 'HTTP/1.0 without Host will do');

$t = $gw->tunnel('', head => "CONNECT www.neutral.example:443 HTTP/1.1\n"
                             . "Host: www.neutral.example:443\n\n");
is(inside($t, 'www.neutral.example'), 200, 'and so will bare line feeds');

$t = $gw->tunnel('www.neutral.example:443', answer => 0, head => '');
$t->dribble("CONNECT www.neutral.example:443 HTTP/1.1\r\n"
            . "Host: www.neutral.example:443\r\n\r\n", 1);
$t->{answer} = $t->response('CONNECT');
is(inside($t, 'www.neutral.example'), 200, 'a head may come byte by byte');

my %first;
my $hello = Debar::Test::Tunnel::hello(sni => 'www.neutral.example',
                                       ca => $tls->ca, for => \%first);

$t = $gw->tunnel('www.neutral.example:443', after => $hello);
@$t{keys %first} = values %first;
is($t->status == 200 ? $t->tls(sent => 1) : $t->status, 'up',
   'a hello in the packet of the head is taken into the tunnel');


# What is listed.

$gw->audit;
$origin->fresh;
$t = $gw->tunnel('www.listed.example:443');
is($t->status, 403, 'a CONNECT to a listed host is answered 403');

my ($line) = grep { $_->{verdict} } $gw->audit;

is($line->{verdict}, 'block', 'and recorded as block before the answer');
is($line->{surface}, 'connect', 'of surface connect');
is($line->{vendor}, 'acme', 'with the vendor');
is($line->{method}, 'CONNECT', 'the method');
like($line->{url} // '', qr/www\.listed\.example/, 'the host it asked for');
like($line->{client}, qr/^127\.0\.0\.1:\d+$/, 'and the client');
is_deeply($line->{authorities}, ['rule-1'], 'under its authority');
cmp_ok(index($t->{answer}{body}, $line->{incident} // 'none'), '>', 0,
       'the page names the incident');
like($field->($t->{answer}, 'Content-Type') // '', qr{^text/|json},
     'says what it is');
is($field->($t->{answer}, 'Content-Length'), length $t->{answer}{body},
   'and how long it is');
like($field->($t->{answer}, 'Connection') // '', qr/close/i,
     'the connection is said to be closing');
ok($t->at_end(5), 'and closes');
unlike($t->{answer}{body}, qr/<script/i, 'there is no script in the page');

for my $case (
    ['listed.example:443', 'the host itself'],
    ['WWW.LISTED.example.:443', 'upper case and a dot'],
    ['listed.example:0443', 'a port with a leading zero'],
    ['127.0.0.66:443', 'a listed address'],
    ['2130706498:443', 'the same address as one number'],
    ['0x7f.0.0.0x42:443', 'the same in hexadecimal'],
    ['[::ffff:127.0.0.66]:443', 'the same mapped into IPv6'],
    ['alias.neutral.example:443', 'a neutral name of a listed address'],
) {
    my ($authority, $what) = @$case;

    $gw->audit;
    $t = $gw->tunnel($authority, after => $hello);
    is($t->status, 403, "$what is refused: $authority");
    ($line) = $gw->audit_soon;
    is($line->{verdict}, 'block', "and recorded as block: $authority");
}

is(inside($gw->tunnel('a.watched.example:443'), 'a.watched.example'), 200,
   'a host to be logged is let through');
($line) = $gw->audit_soon;
is($line->{verdict}, 'log', 'and recorded as log');
is(scalar(grep { ($_->{local} // '') =~ /^127\.0\.0\.66/ } $origin->fresh), 0,
   'nothing has come to the listed address');

# A long body behind a refusal does not turn it into a reset.

$t = $gw->tunnel('www.listed.example:443', after => 'x' x 60000);
is($t->status, 403, 'a client that goes on sending can read its 403');
$t->send('y' x 20000);
ok(defined $t->rest(5), 'and the connection ends');


# Heads that no client makes, and other readings of an authority.

for my $case (
    ['www.neutral.example HTTP/1.1', 'no port'],
    ['www.neutral.example: HTTP/1.1', 'an empty port'],
    ['www.neutral.example:70000 HTTP/1.1', 'a port beyond 65535'],
    ['www.neutral.example:443x HTTP/1.1', 'a port with a letter'],
    ['www.neutral.example:+443 HTTP/1.1', 'a port with a sign'],
    ['user@www.neutral.example:443 HTTP/1.1', 'user information'],
    ['www.neutral%2eexample:443 HTTP/1.1', 'percent-encoding'],
    ['unix:/run/a.sock:443 HTTP/1.1', 'a path of a socket'],
    ['unix:443 HTTP/1.1', 'unix as a host'],
    [':443 HTTP/1.1', 'no host'],
    ['[::1:443 HTTP/1.1', 'a bracket that does not close'],
    ['[::1]x:443 HTTP/1.1', 'letters behind a bracket'],
    ['[fe80::1%25lo]:443 HTTP/1.1', 'a zone'],
    ['http://www.neutral.example:443/ HTTP/1.1', 'an absolute URL'],
    ['www.neutral.example:443/ HTTP/1.1', 'a path'],
    ['www.neutral.example:443?q HTTP/1.1', 'a query'],
    ['www.neutral.example:443#f HTTP/1.1', 'a fragment'],
    ["www.neutral.example\0.b.example:443 HTTP/1.1", 'a NUL'],
    ['www..neutral.example:443 HTTP/1.1', 'an empty label'],
    ['www.neutral.example:443', 'no version'],
    ['www.neutral.example:443 HTTP/2.0', 'another version'],
    ['www.neutral.example:443  HTTP/1.1', 'two spaces'],
    ["www.neutral.example:443\tHTTP/1.1", 'a tab'],
    ["www.neutral.example:443 HTTP/1.1 \r\nX: y", 'a space behind the version'],
) {
    my ($rest, $what) = @$case;

    $t = $gw->tunnel('', head => "CONNECT $rest\r\n"
                                 . "Host: www.neutral.example:443\r\n\r\n");
    is($t->status, 400, "refused as malformed: $what");
}

for my $case (
    ["Host: www.listed.example:443\r\n", 'a Host that names another'],
    ["Host: www.neutral.example:443\r\nHost: b.neutral.example:443\r\n",
     'two Hosts'],
    ["Host : www.neutral.example:443\r\n", 'a space before a colon'],
    ["Host: www.neutral.example:443\r\n folded: yes\r\n", 'a folded line'],
    ["Host: www.neutral.example:443\r\nContent-Length: 5\r\n", 'a body'],
    ["Host: www.neutral.example:443\r\nTransfer-Encoding: chunked\r\n",
     'a chunked body'],
    ["Host: www.neutral.example:443\r\nX: a\0b\r\n", 'a NUL in a field'],
) {
    my ($fields, $what) = @$case;

    $t = $gw->tunnel('', head => "CONNECT www.neutral.example:443 HTTP/1.1\r\n"
                                 . "$fields\r\n");
    like($t->status, qr/^(?:400|403)$/, "refused with $what");
}

$gw->audit;
$t = $gw->tunnel('www.neutral.example:443', host => 'www.listed.example:443');
isnt($t->status, 200, 'a listed Host beside a neutral target opens nothing');
($line) = $gw->audit_soon;
is($line->{vendor}, 'acme', 'and the record names the vendor of the Host');

$t = $gw->tunnel('www.neutral.example:443',
                 fields => [['X-Long', 'l' x 40000]]);
is($t->status, 431, 'a head that is too long is answered 431');

$t = $gw->tunnel('', head => "CONNECT www.neutral.example:443 HTTP/1.1\r\n",
                 timeout => 6);
ok($t->{answer}{closed} || $t->status == 408,
   'half a head is answered 408 or closed when its time is over');


# Ports.

for my $port (22, 25, 80, 444, 8443) {
    $gw->audit;
    $t = $gw->tunnel("www.neutral.example:$port");
    is($t->status, 403, "port $port is not opened");
    ($line) = $gw->audit_soon;
    like($line->{verdict} // 'none', qr/^(?:reject|block)$/,
         "and the attempt at port $port is recorded");
}

is($raw->got, '', 'nothing has come to the origins of those ports');


# When the 200 comes.

my $slow = IO::Socket::IP->new(LocalHost => '127.0.0.6', LocalPort => 443,
                               Listen => 1, ReuseAddr => 1)
    or die "127.0.0.6:443: $!\n";
my @fill = map {
    my $s = IO::Socket::IP->new(PeerHost => '127.0.0.6', PeerPort => 443,
                                Blocking => 0);
    $s;
} 1 .. 4;

$t = $gw->tunnel('slow.neutral.example:443', timeout => 0.7);
ok($t->{answer}{timeout}, 'no 200 is sent while the origin has not answered');
$slow->accept;
$_->close for grep { $_ } @fill;
$slow->blocking(0);
eventually {
    $slow->accept;
    $t->{answer} = $t->response('CONNECT', timeout => 0.05);
    $t->status;
} 8;
is($t->status, 200, 'and it is when the origin has');
$t->close;

for my $name ('dead.neutral.example', '127.0.0.5') {
    $t = $gw->tunnel("$name:443");
    is($t->status, 502, "502 where the origin refuses: $name");
    ok(length $t->{answer}{body}, 'with a page that says so');
    ok($t->at_end(5), 'and an end of the connection');
}

$t = $gw->tunnel('no.absent.example:443');
like($t->status, qr/^50[24]$/, '502 where the name does not exist');

$raw->fresh;
$t = $gw->tunnel('half.neutral.example:443');
is($t->status, 200, 'where one address refuses the next one is dialled');
$t->close;

my $strict = Debar::Test::Gateway->new(
    name => 'strict', port => 3129, list => $list, allow => ['127.0.0.2/32']);

for my $authority ('127.0.0.1:443', 'www.neutral.example:443', '[::1]:443',
                   '[::ffff:127.0.0.1]:443')
{
    $t = $strict->tunnel($authority);
    like($t->status, qr/^40[03]$/,
         "a loopback address that was not allowed: $authority");
}

is($strict->tunnel('127.0.0.2:443')->status, 200, 'one that was is dialled');
$strict->stop;


# Plain HTTP on the same port.

my $c = $gw->client;

for my $n (1 .. 3) {
    $c->send("GET http://www.neutral.example/$n HTTP/1.1\r\n"
             . "Host: www.neutral.example\r\n\r\n");
    is($c->response('GET')->{status}, 200,
       "request $n of a keep-alive connection is served on the same port");
}

$c->send("CONNECT www.listed.example:443 HTTP/1.1\r\n"
         . "Host: www.listed.example:443\r\n\r\n");
like($c->response('CONNECT')->{status} // 0, qr/^(?:400|403|405)$/,
     'a CONNECT behind other requests opens no tunnel to a listed host');
$c->close;

$c = $gw->client;
$c->send("GET http://www.listed.example/ HTTP/1.1\r\n"
         . "Host: www.listed.example\r\n\r\n");
is($c->response('GET')->{status}, 403, 'a listed URL is refused there');
($line) = grep { ($_->{surface} // '') eq 'http' } $gw->audit_soon;
like($line->{client} // '', qr/^127\.0\.0\.1:\d+$/,
     'with the client\'s own address in the record');
$c->close;


# Settings: ports, users, mode.

is(run_command(['sh', '-c', 'printf "%s\n" "ann:$(openssl passwd -apr1 -salt'
                . ' aaaaaaaa secret)" "bob:$(openssl passwd -6 -salt bb pw)"'
                . ' > "$1"', '-', test_dir() . '/users'])->{status}, 0,
   'a file of users is made');
chmod 0644, test_dir() . '/users';

my $auth = Debar::Test::Gateway->new(
    name => 'auth', port => 3130, list => $list,
    init => ['--connect-port', 8443, '--connect-port', 25],
    conf => { worker_shutdown_timeout => '1s' },
    front => { debar_htpasswd => test_dir() . '/users' });

sub basic {
    return fields => [['Proxy-Authorization', 'Basic '
                                              . encode_base64($_[0], '')]];
}

$t = $auth->tunnel('www.neutral.example:443');
is($t->status, 407, 'without credentials the answer is 407');
like($field->($t->{answer}, 'Proxy-Authenticate') // '', qr/^Basic realm="/,
     'which asks for Basic');
is($auth->tunnel('www.neutral.example:443', basic('ann:wrong'))->status, 407,
   'a wrong password is answered 407');
is($auth->tunnel('www.neutral.example:443', basic('eve:secret'))->status, 407,
   'and so is an unknown user');
is($auth->tunnel('www.neutral.example:443', basic('ann'))->status, 407,
   'and one without a password');
like($auth->tunnel('www.neutral.example:443', fields => [
         ['Proxy-Authorization', 'Basic ***']])->status, qr/^40[07]$/,
     'what is not base64 is refused');
is(inside($auth->tunnel('www.neutral.example:443', basic('ann:secret')),
          'www.neutral.example'), 200, 'the right one opens the tunnel');
is(inside($auth->tunnel('www.neutral.example:443', basic('bob:pw')),
          'www.neutral.example'), 200, 'of every user, by any crypt(3) form');
is($auth->tunnel('www.neutral.example:443', basic('ann:wrong'))->status, 407,
   'a wrong password is not let in by the right one of before');

$auth->audit;
is($auth->tunnel('www.listed.example:443', basic('ann:secret'))->status, 403,
   'a user who is known is refused what is listed');
($line) = $auth->audit_soon;
is($line->{user}, 'ann', 'and named in the record');
unlike(file_text($auth->audit_file), qr/secret|YW5uOnNlY3JldA/,
       'whose credentials are in no line');

is(inside($auth->tunnel('www.neutral.example:8443', basic('bob:pw')),
          'www.neutral.example'), 200, '--connect-port opens a further port');
is($auth->tunnel('www.neutral.example:444', basic('bob:pw'))->status, 403,
   'and no other');
is($auth->tunnel('www.listed.example:8443', basic('bob:pw'))->status, 403,
   'where the list holds as well');
is($auth->complaints, '', 'no worker crashed');
$auth->stop;


# A waiver for a user whom the gateway itself has verified.

my $waived = write_list(test_dir() . '/waived');

write_file("$waived/waivers.yaml", <<'END');
waivers:
  - {id: w-1, vendor: acme, from: 2000-01-01, until: 2099-12-31,
     approved-by: CIO, why: removal, users: [ann]}
END

my $lifted = Debar::Test::Gateway->new(
    name => 'lifted', port => 3133, list => $waived,
    front => { debar_htpasswd => test_dir() . '/users' });

is(inside($lifted->tunnel('www.listed.example:443', basic('ann:secret')),
          'www.listed.example'), 200, 'a waiver lets its user through');
($line) = $lifted->audit_soon;
is($line->{waiver}, 'w-1', 'the record names the waiver');
is($line->{user}, 'ann', 'and the user');
is($lifted->tunnel('www.listed.example:443', basic('bob:pw'))->status, 403,
   'and nobody else');
is($lifted->tunnel('www.listed.example:443', fields => [
       ['Proxy-Authorization', 'Basic ' . encode_base64('bob:pw', '')],
       ['X-User', 'ann'], ['X-Forwarded-User', 'ann']])->status, 403,
   'whatever its fields say');
isnt($lifted->tunnel('www.listed.example:443', fields => [
       ['Proxy-Authorization', 'Basic ' . encode_base64('bob:pw', '')],
       ['Proxy-Authorization', 'Basic ' . encode_base64('ann:secret', '')],
   ])->status, 200, 'nor two of them');
$lifted->stop;


# What cannot be recorded, and what cannot be judged.

my $full = Debar::Test::Gateway->new(
    name => 'full', port => 3134, list => $list,
    conf => { debar_audit => '/dev/full' });

is($full->tunnel('a.watched.example:443')->status, 503,
   'what cannot be recorded is refused with 503');
is($full->tunnel('www.listed.example:443')->status, 503,
   'and so is a listed host');
is($full->tunnel('www.neutral.example:443')->status, 200,
   'what needs no record is let through');
isnt(inside($full->tunnel('127.0.0.1:443'), 'a.watched.example'), 200,
     'a hello that would need one is not');
$full->stop;

my $empty = Debar::Test::Gateway->new(
    name => 'empty', port => 3135, list => $list);
my ($old) = $empty->workers;

rename $empty->list, $empty->list . '.away';
kill 'KILL', $old;
ok(eventually { my ($w) = $empty->workers; $w && $w != $old },
   'a new worker finds no list');
is(eventually { eval { $empty->tunnel('www.neutral.example:443')->status } },
   503, 'it refuses every CONNECT with 503');
rename $empty->list . '.away', $empty->list;
ok(eventually {
    $empty->tunnel('www.neutral.example:443')->status == 200;
}, 'when the list is back tunnels open without a reload');
is($empty->tunnel('www.listed.example:443')->status, 403,
   'but not to what it lists');
$empty->stop;


my $monitor = Debar::Test::Gateway->new(
    name => 'monitor', port => 3131, list => $list, mode => 'monitor');

is(inside($monitor->tunnel('www.listed.example:443'), 'www.listed.example'),
   200, 'in monitor mode a tunnel to a listed host opens');
($line) = $monitor->audit_soon;
is($line->{verdict}, 'block', 'the record says what would have been');
is($line->{mode}, 'monitor', 'and the mode');
$monitor->stop;

SKIP: {
    skip 'no IPv6 here', 4 if !$ipv6;

    my $six = Debar::Test::Gateway->new(
        name => 'six', addr => '::1', port => 3132, list => $list);

    is(inside($six->tunnel('www.neutral.example:443'), 'www.neutral.example'),
       200, 'an IPv6 listener takes a CONNECT');
    is($six->get('http://www.neutral.example/')->{status}, 200,
       'and plain HTTP');
    is($six->tunnel('www.listed.example:443')->status, 403,
       'and refuses what is listed');
    ($line) = $six->audit_soon;
    like($line->{client}, qr/^\[?::1\]?:\d+$/,
         'recording the client\'s address');
    $six->stop;
}


is(join(' ', $gw->workers), join(' ', @workers),
   'the first gateway is served by the same worker to the end');
is($gw->complaints, '', 'and none has crashed');

done_testing;

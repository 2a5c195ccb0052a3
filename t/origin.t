#!/usr/bin/perl

# Names are resolved once and shared; connections go to what was resolved, in
# turn, and are kept by address and port.  The DNS here is of this test's own,
# so that answers can be slow, refused, empty or many, and be counted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Gateway;
use Debar::Test::Origin;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

my $asked = test_dir() . '/asked';

write_file($asked, '');

my $dns_socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                       LocalPort => 53, Proto => 'udp')
    or die "port 53: $!\n";

start_process('answers', sub { dns($dns_socket) });

my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.2:80', '127.0.0.1:8080',
               (have_ipv6() ? '[::1]:80' : ())]);

my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'),
    conf => { debar_pin => 'keepalive=2 idle=2s requests=5',
              resolver_timeout => '2s' });

my $field = \&Debar::Test::Client::field;


# What is asked of the DNS.

is($gw->get('http://long.example/')->{status}, 200, 'a name is served');
$gw->get("http://long.example/?$_") for 1 .. 9;
is(asked('long.example', 1), 1, 'ten requests for it ask the DNS once');

is($gw->get('http://LONG.example./')->{status}, 200,
   'other letters and a last dot are served');
is(asked('long.example', 1), 1, 'and are the same name');

$gw->get('http://long.example:8080/');
is(asked('long.example', 1), 1, 'another port is the same name too');

$gw->get('http://short.example/');
is(asked('short.example', 1), 1, 'a name with a TTL of a second is asked for');

my $again = eventually {
    $gw->get('http://short.example/');
    asked('short.example', 1) > 1;
} 6;

ok($again, 'and asked for again when the second is over');

my @waiting = map { send_get('http://slow.example/') } 1 .. 20;

is(scalar(grep { $_->response->{status} == 200 } @waiting), 20,
   'twenty requests that wait for one name are all served');
is(asked('slow.example', 1), 1, 'by one question');

@waiting = map { send_get('http://slow-gone.example/') } 1 .. 10;
eventually { scalar asked('slow-gone.example', 1) } 5;
$_->close for @waiting[0 .. 8];
is($waiting[9]->response->{status}, 200,
   'of ten that wait nine may leave, and the tenth is served');

@waiting = map { send_get('http://slow-left.example/') } 1 .. 5;
eventually { scalar asked('slow-left.example', 1) } 5;
$_->close for @waiting;
is($gw->get('http://slow-left.example/')->{status}, 200,
   'when all have left, the answer serves who comes next');
is(asked('slow-left.example', 1), 1, 'without another question');


# Answers that are no address.

for my $t (
    ['absent.example', 'does not exist'], ['empty.example', 'has no address'],
    ['servfail.example', 'fails in the DNS'],
    ['refused.example', 'is refused by the DNS'],
) {
    my ($host, $what) = @$t;

    is($gw->get("http://$host/")->{status}, 502, "a name that $what is a 502");

    my $n = asked($host, 1);

    $gw->get("http://$host/") for 1 .. 5;
    is(asked($host, 1), $n, 'and is not asked for again at once');
}

my $from = time;
my $r = $gw->get('http://silent.example/', timeout => 10);

like($r->{status}, qr/^50[24]$/, 'a name without any answer is a 502 or 504');
ok(time - $from < 5, 'after resolver_timeout');

is($gw->get('http://noaaaa.example/')->{status}, 200,
   'a name whose AAAA is refused is served by its A');
is($gw->get('http://failaaaa.example/')->{status}, 200,
   'one whose AAAA fails likewise');


# Several addresses.

$gw->audit;
is($gw->get('http://both.example/')->{status}, 200, 'A and AAAA: served');
is(($origin->fresh)[-1]{local}, '127.0.0.1:80', 'over IPv4');

SKIP: {
    skip 'no IPv6 here', 2 if !have_ipv6();

    is($gw->get('http://six.example/')->{status}, 200, 'AAAA alone: served');
    is(($origin->fresh)[-1]{local}, '::1:80', 'over IPv6');
}

my @half = map { "half-dead$_.example" } 1 .. 8;

is(scalar(grep { $gw->get("http://$_/close")->{status} == 200 } @half), 8,
   'where three of four addresses are dead the one that lives serves');

my $refused = 0;

$refused += tries($_) for @half;
is($refused, 3 * 8, 'after each of the dead was tried once');

is(scalar(grep { $gw->get("http://$_/close")->{status} == 200 } @half), 8,
   'the names are served again');

my $later = 0;

$later += tries($_) for @half;
is($later, $refused, 'without another try of a dead address');

is($gw->get('http://mapped.example/')->{status}, 200,
   'an AAAA that maps an IPv4 address is that address');
is(($origin->fresh)[-1]{local}, '127.0.0.2:80', 'and dialled as such');

is($gw->get('http://crowd.example/')->{status}, 502,
   'a name with a hundred dead addresses is a 502');
is(tries('crowd.example'), 32, 'of which 32 were tried');


# Connections that are kept.

sub connection {
    my ($url) = @_;

    return $field->($gw->get($url), 'X-Connection') // 'none';
}

my %n;

connection('http://long.example/close') for 1 .. 3;
$n{ connection("http://long.example/$_") }++ for 1 .. 15;
is(join(' ', sort values %n), '5 5 5',
   'a connection serves as many requests as requests= says');

my $first = connection('http://long.example:8080/');

is(connection('http://both.example:8080/'), $first,
   'a second name on that address and port shares the connection');

my $closed = eventually { my $open = established(8080); !$open } 10;

ok($closed, 'which is closed when it was idle for as long as idle= says');
isnt(connection('http://long.example:8080/'), $first, 'and not used again');

connection('http://long.example/close');

my @all = map { connection($_) }
          ('http://long.example/', 'http://long.example:8080/',
           'http://mapped.example/', 'http://long.example:8080/',
           'http://mapped.example/', 'http://long.example/');

is($all[3], $all[1], 'of three peers and keepalive=2 the second is kept');
is($all[4], $all[2], 'the third too');
isnt($all[5], $all[0], 'the first, used longest ago, gave way');

# An origin that closes a kept connection just when a request comes: the
# request goes again over a new one, unless it must not be sent twice.

sub resets {
    my ($method) = @_;

    connection('http://long.example/');
    $origin->fresh;
    is($gw->get("http://long.example/reset", method => $method)->{status}, 502,
       "$method: an origin that never answers is a 502");

    return map { $_->{connection} } $origin->fresh;
}

my @seen = resets('GET');

is(scalar @seen, 2, 'a GET on a kept connection that breaks is sent again');
isnt($seen[1], $seen[0], 'over a new connection');
is(scalar(resets('POST')), 1, 'a POST is not');
is($gw->get('http://long.example/')->{status}, 200,
   'and the next request is served');


# What nginx -t says.

for my $t (
    ['debar_pin keepalive=many', 'keepalive=many'],
    ['debar_pin idle=0', 'idle=0'], ['debar_pin requests=0', 'requests=0'],
    ['debar_pin; debar_pin', 'duplicate'],
    ['server 127.0.0.1; debar_pin', 'must stand alone'],
    ['debar_pin; server 127.0.0.1', 'exclude each other'],
    ['zone z 64k; debar_pin', 'exclude each other'],
) {
    my ($lines, $says) = @$t;
    my $file = test_dir() . '/t.conf';
    my $text = file_text($gw->conf_file);

    $text =~ s/debar_pin [^;]*;/$lines;/;
    write_file($file, $text);

    my $t_r = run_command([nginx_path(), '-t', '-p', $gw->dir,
                           '-c', $file]);

    isnt($t_r->{status}, 0, "nginx -t refuses \"$lines\"");
    like($t_r->{err}, qr/\Q$says\E.* in \S+:\d+/, 'and says why and where');
}

unlike($gw->error_log, qr/exited on signal/,
       'no worker has crashed');

done_testing;


sub send_get {
    my ($url) = @_;
    my $client = $gw->client;
    my ($host) = $url =~ m{^http://([^/]*)};

    $client->send("GET $url HTTP/1.1\r\nHost: $host\r\n"
                  . "Connection: close\r\n\r\n");

    return $client;
}


# How often the DNS was asked for a name: type 1 is A, 28 AAAA.

sub asked {
    my ($name, $type) = @_;

    return scalar grep { $_ eq "$name $type" } split /\n/, file_text($asked);
}


sub tries {
    my ($name) = @_;

    return scalar grep { /connect\(\) failed.*host: "\Q$name\E"/ }
                  split /\n/, $gw->error_log;
}


# Is there an open connection to that port, by this network's own table?

sub established {
    my ($port) = @_;
    my $hex = sprintf '%04X', $port;

    return (file_text('/proc/net/tcp') // '')
           =~ /^\s*\d+: \S+ [0-9A-F]{8}:$hex 01 /m;
}


# A DNS that answers by the name's first label.

sub dns {
    my ($s) = @_;
    my $read = IO::Select->new($s);
    my (%late, $q);

    my %a = (
        (map { ("half-dead$_" => [map { "127.0.0.$_" } 7 .. 9, 1]) } 1 .. 8),
        'crowd' => [map { "127.0.1.$_" } 1 .. 100],
        (map { $_ => [] } qw(empty six mapped)),
    );
    my %aaaa = ('both' => [("\0" x 15) . "\1"], 'six' => [("\0" x 15) . "\1"],
                'mapped' => [("\0" x 10) . "\xff\xff\x7f\0\0\2"]);
    my %code = (absent => 3, servfail => 2, refused => 5);

    while (1) {
        for my $at (sort { $a <=> $b } grep { $_ <= time } keys %late) {
            $s->send(@{ delete $late{$at} });
        }

        next if !$read->can_read(0.02);

        my $peer = $s->recv($q, 512) or next;
        my ($pos, @labels) = (12);

        while (my $n = ord substr $q, $pos, 1) {
            push @labels, substr $q, $pos + 1, $n;
            $pos += $n + 1;
        }

        my $label = lc $labels[0];
        my $type = unpack 'n', substr $q, $pos + 1, 2;

        write_more($asked, lc(join '.', @labels) . " $type\n");
        next if $label eq 'silent';

        my $code = $code{$label} // 0;
        my @rdata = $type == 28 ? @{ $aaaa{$label} || [] }
                    : map { pack 'C4', split /\./ }
                      @{ $a{$label} || ['127.0.0.1'] };

        $code = 5 if $label eq 'noaaaa' && $type == 28;
        $code = 2 if $label eq 'failaaaa' && $type == 28;
        @rdata = () if $code;

        my $ttl = $label eq 'short' ? 1 : 600;
        my $answer = substr($q, 0, 2)
                     . pack('n5', 0x8180 | $code, 1, scalar @rdata, 0, 0)
                     . substr($q, 12, $pos + 5 - 12)
                     . join('', map { pack 'nnnNn/a', 0xc00c, $type, 1, $ttl,
                                           $_ } @rdata);

        if ($label =~ /^slow/) {
            my $at = time + 0.3;

            $at += 0.000001 while $late{$at};
            $late{$at} = [$answer, 0, $peer];
            next;
        }

        $s->send($answer, 0, $peer);
    }
}


sub write_more {
    my ($path, $text) = @_;

    open my $f, '>>:raw', $path or die "$path: $!\n";
    syswrite $f, $text;
    close $f;
}

#!/usr/bin/perl

# Where the gateway connects to: only to addresses that it resolved, checked
# against the list and against the policy for destinations, and no others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my %names = (
    'listed-address.example' => ['127.0.0.66'],
    'one-of-three.example' => ['127.0.0.1', '127.0.0.66', '127.0.0.2'],
    'dead-first.example' => ['127.0.0.9', '127.0.0.1'],
    'dead.example' => ['127.0.0.9'],
    'other.example' => ['127.0.0.2'],
    'six.example' => ['::1'],
    'watched.example' => ['127.0.0.67'],
);

my $dns = Debar::Test::Dns->new(names => \%names, absent => ['absent.example']);
my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.2:80', '127.0.0.66:80',
               '127.0.0.67:80', '127.0.0.1:8080',
               (have_ipv6() ? '[::1]:80' : ())]);
my $list = write_list(test_dir() . '/list', vendor => <<'END');
networks:
  - 127.0.0.66/32
  - {network: 127.0.0.67/32, action: log}
END

my $field = \&Debar::Test::Client::field;


# Nothing is allowed but what anyone may dial.

my $gw = Debar::Test::Gateway->new(list => $list, allow => [], name => 'closed');
my $namespace = ($ENV{DEBAR_TEST_ALONE} || '') eq 'net';

for my $t (
    ['127.0.0.1', 'loopback'], ['127.1.2.3', 'loopback'], ['[::1]', 'loopback'],
    ['0.0.0.0', 'unspecified'], ['[::]', 'unspecified'],
    !$namespace ? () : (
        ['10.0.0.1', 'private'], ['172.16.0.1', 'private'],
        ['192.168.1.1', 'private'], ['169.254.169.254', 'link-local'],
        ['100.64.0.1', 'shared'], ['224.0.0.1', 'multicast'],
        ['255.255.255.255', 'broadcast'], ['240.0.0.1', 'reserved'],
        ['[fe80::1]', 'link-local'], ['[fd00::1]', 'unique local'],
        ['[ff02::1]', 'multicast'], ['198.18.0.1', 'benchmarking'],
        ['192.0.2.1', 'documentation'],
    ),
) {
    my ($host, $what) = @$t;
    my $r = $gw->get("http://$host/");

    is($r->{status}, 403, "a $what address, $host, is not dialled");

    my @lines = $gw->audit;

    is(@lines ? $lines[-1]{verdict} : 'none', 'reject',
       "and the attempt on $host is recorded");
}

for my $host ('www.neutral.example', 'six.example', 'localhost') {
    is($gw->get("http://$host/")->{status}, 403,
       "$host, a name of a loopback address, is not dialled");
}

for my $host ('[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]',
              '2130706433', '0x7f.1', '127.1')
{
    like($gw->get("http://$host/")->{status}, qr/^40[03]$/,
         "nor is loopback spelt as $host");
}

is(scalar $origin->requests, 0, 'of all that nothing reached an origin');
is($gw->stop->{status}, 0, 'that gateway stops');


# One address allowed.

$gw = Debar::Test::Gateway->new(list => $list, allow => ['127.0.0.1/32'],
                                name => 'one');
is($gw->get('http://www.neutral.example/')->{status}, 200,
   'an allowed destination is dialled');
is($gw->get('http://other.example/')->{status}, 403,
   'the one beside it is not');
is($gw->get('http://127.0.0.2/')->{status}, 403, 'nor as a literal');
$gw->stop;


# All of loopback allowed: the list decides.

$gw = Debar::Test::Gateway->new(list => $list);
$origin->fresh;

my $r = $gw->get('http://listed-address.example/');
my ($line) = $gw->audit;

is($r->{status}, 403, 'a harmless name that resolves to a listed address is'
                      . ' refused');
is($line->{verdict}, 'block', 'which is recorded as block');
is($line->{vendor}, 'acme', 'of that vendor');
is($line->{evidence}[0]{kind}, 'network', 'by the network');
is($line->{evidence}[0]{value}, '127.0.0.66/32', 'that the list has');
is($line->{evidence}[0]{where}, 'address', 'found in the address');

is($gw->get('http://127.0.0.66/')->{status}, 403, 'so is the address itself');
is($gw->get('http://one-of-three.example/')->{status}, 403,
   'a name of three addresses of which one is listed is refused');
is(scalar $origin->fresh, 0, 'and the origin saw nothing of these');

$gw->audit;
$r = $gw->get('http://watched.example/');
($line) = $gw->audit;
is($r->{status}, 200, 'a network that is only to be logged is dialled');
is($line->{verdict}, 'log', 'and recorded as log');
is($line->{evidence}[0]{value}, '127.0.0.67/32', 'with the network');
is($line->{upstream}{addr}, '127.0.0.67:80', 'and the address dialled');

SKIP: {
    skip 'no IPv6 here', 1 if !have_ipv6();

    is($gw->get('http://six.example/')->{status}, 200,
       'a name with an IPv6 address alone is dialled');
}


# Names that do not resolve, addresses that do not answer.

$gw->audit;
$r = $gw->get('http://absent.example/');
is($r->{status}, 502, 'a name that does not exist is a 502');
is($gw->get('http://sub.absent.example/')->{status}, 502,
   'and again for another below it');
is($gw->get('http://dead.example/', timeout => 15)->{status}, 502,
   'an address where no one listens is a 502');

$r = $gw->get('http://dead-first.example/', timeout => 15);
is($r->{status}, 200, 'a dead first address does not stop the second');


# What dies is not remembered for ever, and what is pinned is what was checked:
# the name changes hands, and the next look is judged.

is($gw->get('http://moving.example/')->{status}, 200, 'a name at first');
$dns->stop;
$dns->{o}{names}{'moving.example'} = ['127.0.0.66'];
$dns->start;

my $status = eventually {
    my $s = $gw->get('http://moving.example/')->{status};
    $s == 403 && $s;
} 8;
is($status, 403, 'is refused once its address is a listed one');


# Idle connections belong to an address and port, not to a name.

sub connection {
    my ($url) = @_;

    return $field->($gw->get($url), 'X-Connection') // 'none';
}

my $first = connection('http://k1.neutral.example/');

is(connection('http://k2.neutral.example/'), $first,
   'another name at the same address and port uses the same connection');
isnt(connection('http://k2.neutral.example:8080/'), $first,
     'another port does not');
isnt(connection('http://other.example/'), $first, 'nor another address');
is(connection('http://k3.neutral.example/'), $first,
   'and the first connection is still there');

my %used = map { connection("http://n$_.neutral.example/?$_") => 1 } 1 .. 50;

is(scalar keys %used, 1, 'fifty requests in turn cost one connection');

connection('http://k1.neutral.example/close');
like(connection('http://k1.neutral.example/'), qr/^\d+$/,
     'a connection that the origin closed is not used again');

$gw->get('http://k1.neutral.example/reset');
is($gw->get('http://k1.neutral.example/')->{status}, 200,
   'nor one that it dropped in an answer');


# The gateway's own port.

$r = $gw->get('http://127.0.0.1:3128/');
like($r->{status}, qr/^(?:403|508)$/, 'the gateway does not dial itself');
$r = $gw->get('http://loop.neutral.example:3128/');
like($r->{status}, qr/^(?:403|508)$/, 'nor by a name');


# A DNS that refuses to talk about IPv6 still gives the IPv4 address.

$dns->stop;
$dns = Debar::Test::Dns->new(refuse_aaaa => 1);
is($gw->get('http://four-only.neutral.example/', timeout => 15)->{status}, 200,
   'a name whose AAAA is REFUSED and whose A is answered is served');


# No DNS at all.

$dns->stop;
like($gw->get('http://unasked.neutral.example/', timeout => 90)->{status},
     qr/^50[24]$/, 'without a DNS an unknown name is a 502 or 504');
is($gw->get('http://127.0.0.1/')->{status}, 200,
   'while literals are still served');
unlike($gw->error_log, qr/exited on signal/, 'no worker has crashed');

done_testing;

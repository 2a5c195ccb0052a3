#!/usr/bin/perl

# TLS to origins, in a gateway that inspects: which connections and sessions are
# given to whom, what a staple or a literal address must prove, holders judged
# anew when the list has changed, and client certificates that are not spliced.

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
use Debar::Test::Pki;
use Debar::Test::TlsOrigin;

my $pki = Debar::Test::Pki->new;
my %at = (a => 60, b => 60, c => 60, old => 61, holder => 62, bare => 63,
          revoked => 64, stapled => 65, must => 66, demands => 67, ask => 68);
my $dns = Debar::Test::Dns->new(names => {
    map { ("$_.neutral.example" => ["127.0.0.$at{$_}"]) } keys %at
});
my $any = $pki->leaf(['*.neutral.example']);

# One address, a certificate for one name each; c has none of its own there.

my $origin = Debar::Test::TlsOrigin->new(servers => [
    server('a'), server('b'), server('old', tls => 'TLSv1.2'),
    server('holder', [organization => 'Neutral Holding Limited']),
    server('bare'), server('revoked', [staple => 'revoked']),
    server('stapled', [staple => 'good']),
    server('must', [must_staple => 1]),
    { at => ['127.0.0.70:443'], cert => $pki->leaf(['127.0.0.70']) },
    (have_ipv6() ? { at => ['[::1]:443'], cert => $pki->leaf(['::1']) } : ()),
    { at => ['127.0.0.68:443'], cert => $any, client => 'optional',
      client_ca => $pki->ca },
]);
my $demands = Debar::Test::TlsOrigin->odd('127.0.0.67:443', $any, '-Verify',
                                          2, '-CAfile', $pki->ca);

sub server {
    my ($name, @more) = @_;
    my $leaf = ref $more[0] ? shift @more : [];

    return { at => ["127.0.0.$at{$name}:443"],
             names => ["$name.neutral.example"],
             cert => $pki->leaf(["$name.neutral.example"], @$leaf), @more };
}

my $source = write_list(test_dir() . '/list');
my $gw = Debar::Test::Gateway->new(list => $source, inspect => 1,
                                   upstream_ca => $pki->ca);
my $page = test_dir() . '/page';


# A request in a tunnel of its own: its status and, in %$last, the page.

my $text;

sub ask {
    my ($host, @more) = @_;

    $host = "$host.neutral.example" if $host =~ /^\w+$/;

    my $r = run_command(['curl', '-sS', '-x', 'http://127.0.0.1:3128',
                         '--cacert', $gw->ca_file, '-o', $page, '-w',
                         '%{http_code}', '-H', 'Accept: text/html', @more,
                         "https://$host/x"]);

    $text = file_text($page) // '';
    diag $r->{err} if $r->{err} ne '';

    return $r->{out};
}

# What the origin saw of so many requests: {name => {connection => requests}},
# and how many of them came in a session of before.

sub seen {
    my ($count) = @_;
    my (%by, $reused);

    $reused = 0;

    for my $it ($origin->fresh_soon($count)) {
        $by{ $it->{sni} }{ $it->{connection} }++;
        $reused += $it->{reused} eq 'r' && $it->{nth} == 1;
    }

    return (\%by, $reused);
}

sub with {
    my (%set) = @_;

    $gw->set($_, $set{$_}) for keys %set;
    is($gw->reload->{status}, 0, join ', ', map { "$_ " . ($set{$_} // 'off') }
                                            sort keys %set);
    $origin->fresh;
}


# Connections.

for (1 .. 3) {
    is(ask($_), 200, "$_ is served") or diag $text, $gw->error_log
        for qw(a b);
}

my ($by, $reused) = seen(6);

is_deeply([map { [values %{ $by->{"$_.neutral.example"} }] } qw(a b)],
          [[3], [3]],
          'two names on one address: a connection each, which is kept');

my %both = map { $_ => 1 } map { keys %{ $by->{"$_.neutral.example"} } }
                           qw(a b);

is(scalar keys %both, 2, 'and none is given to the other name');

is(ask('c'), 502, 'a third name there, which no certificate is for, is refused');
like($text, qr/another name: a\.neutral\.example/,
     'although idle connections to the address are there; the page says for '
     . 'whom the certificate is');
is(scalar $origin->fresh, 0, 'it got no request');


# Sessions.

for my $case (['a', 'TLSv1.3'], ['old', 'TLSv1.2']) {
    my ($name, $tls) = @$case;

    with(debar_pin => 'keepalive=0');
    ask($name) for 1 .. 4;

    my @seen = $origin->fresh_soon(4);

    is_deeply([map { "$_->{tls} $_->{nth} $_->{reused}" } @seen],
              ["$tls 1 .", ("$tls 1 r") x 3],
              "$tls: without idle connections each one resumes the session");
}

ask($_) for qw(a b a b);
($by, $reused) = seen(4);
is($reused, 2, 'sessions of two names on one address: each has its own');
is(ask('c'), 502, 'and a third name resumes none of them');
$origin->fresh;

with(debar_pin => 'keepalive=0 sessions=1');
ask($_) for qw(a b a a);
($by, $reused) = seen(4);
is($reused, 1, 'sessions=1: the oldest has given way');

with(debar_pin => 'keepalive=0 sessions=0');
ask('a') for 1 .. 3;
($by, $reused) = seen(3);
is($reused, 0, 'sessions=0: none is kept');


# Bounds.

with(debar_pin => 'keepalive=1');
ask($_) for qw(a b a);
($by) = seen(3);
is(scalar keys %{ $by->{'a.neutral.example'} }, 2,
   'keepalive=1: the idle connection of another name gives way');

with(debar_pin => 'keepalive=8 requests=2');
ask('a') for 1 .. 4;
($by) = seen(4);
is_deeply([values %{ $by->{'a.neutral.example'} }], [2, 2],
          'requests=2: a connection serves two');

with(debar_pin => 'keepalive=8 idle=1s');
ask('a');

my $with = $gw->sockets;

ok((eventually { $gw->sockets < $with } 5), 'idle=1s: then it is closed');
ask('a');
($by, $reused) = seen(2);
is(scalar keys %{ $by->{'a.neutral.example'} }, 2, 'and the next is another');
is($reused, 1, 'which resumes the session');
with(debar_pin => 'keepalive=8');


# Addresses.

is(ask('127.0.0.70'), 200, 'a literal address that its certificate has')
    or diag $text, $gw->error_log;
is((seen(1))[0]{''} ? 1 : 0, 1, 'is sent no server name');
is(ask('127.0.0.60'), 502, 'one that its certificate has not is refused');
like($text, qr/another address: a\.neutral\.example/, 'and the page says so');

SKIP: {
    skip 'no IPv6 here', 1 if !have_ipv6();
    is(ask('[::1]'), 200, 'the same with IPv6') or diag $text;
}


# Staples.

is(ask('stapled'), 200, 'a good staple');
is(ask('bare'), 200, 'none, where none must be');
is(ask('revoked'), 502, 'one that says revoked');
like($text, qr/revoked/, 'which the page repeats');
is(ask('must'), 502, 'none, where the certificate says that one must be');

with(debar_staple => 'require');
is(ask('stapled'), 200, 'debar_staple require: a good one');
is(ask('bare'), 502, 'and none');
like($text, qr/OCSP staple/, 'the page says so');

with(debar_staple => 'off');
is(ask('revoked'), 200, 'debar_staple off: nobody looks');
with(debar_staple => 'check');
is(ask('revoked'), 502, 'and back');


# Holders.

$gw->audit;
is(ask('holder'), 200, 'an organisation that is not listed');
is(ask('holder'), 200, 'and its connection, again');
($by) = seen(2);
is(scalar keys %{ $by->{'holder.neutral.example'} }, 1, 'is kept');

write_list($source, serial => 2, vendor => "certificate-organizations:\n"
                                           . "  - Neutral Holding Limited\n");
build_list($source, $gw->list);
ok((eventually { ask('holder') eq '403' } 10),
   'when a new list has it, the kept connection is of no use to it');

my ($line) = grep { ($_->{verdict} // '') eq 'block' } $gw->audit_soon;

is($line->{url}, 'https://holder.neutral.example/x', 'the record has the URL');
is($line->{evidence}[0]{where}, 'certificate', 'and where it was found');
$origin->fresh;
is(ask('holder'), 403, 'and the next request is refused likewise');
is(ask('a'), 200, 'others are served');
is(join(' ', map { $_->{sni} } $origin->fresh_soon(1)), 'a.neutral.example',
   'nothing of it has reached the origin');


# Client certificates.

is(ask('ask'), 200, 'an origin that takes a client certificate or none');
is(ask('ask'), 200, 'and stays inspected');

with(debar_client_certificate => 'refuse');

for (1, 2) {
    is(ask('demands'), 502, 'one that demands it');
    like($text, qr/client certificate/, 'is refused with the reason');
}

# s_server's alert is critical to nginx, which does not know it

is(join("\n", grep { !/alert certificate required/ }
              split /\n/, $gw->complaints), '', 'no worker has crashed');

done_testing;

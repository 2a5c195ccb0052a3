#!/usr/bin/perl

# `debar gateway pac`, as a browser's own evaluator reads it (pactester).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;

use Debar::Test;
use Debar::Test::Gateway;

my $list = write_list(test_dir() . '/list');


# nginx -t wants an address of this machine: another is written in later.

sub gateway_at {
    my ($name, $listen) = @_;
    my $gw = Debar::Test::Gateway->new(name => $name, list => $list,
                                       start => 0);
    my $conf = file_text($gw->conf_file);

    $conf =~ s/listen 127\.0\.0\.1:3128;/listen $listen;/ or die;
    write_file($gw->conf_file, $conf);

    return $gw->dir;
}


sub pac { return run_command([debar_path(), 'gateway', 'pac', @_]) }


sub goes {
    my ($text, $url) = @_;
    my $file = write_file(test_dir() . '/proxy.pac', $text);
    my ($host) = $url =~ m{^\w+://(\[.*\]|[^/]*)};
    my $r = run_command(['pactester', '-p', $file, '-u', $url, '-h', $host]);

    chomp $r->{out};

    return $r->{out};
}


my $loopback = gateway_at('loopback', '127.0.0.1:3128');
my $every = gateway_at('every', '0.0.0.0:3128');
my $every6 = gateway_at('every6', '[::]:3128');
my $lan = gateway_at('lan', '10.0.0.1:3128');

my $r = pac($lan, '--direct', 'agency.example', '--direct', '.corp',
            '--direct', '192.0.2.7', '--direct', '2001:DB8::7');

is($r->{status}, 0, 'pac prints a file');
is($r->{err}, '', 'without a word where nginx.conf names one address');
unlike($r->{out}, qr/;\s*DIRECT/i, 'which never falls back to going direct');

my $proxy = 'PROXY 10.0.0.1:3128';

for my $t (
    ['http://www.neutral.example/', $proxy, 'a name'],
    ['https://www.neutral.example/', $proxy, 'https'],
    ['ftp://www.neutral.example/', $proxy, 'another scheme'],
    ['http://agency.example/', 'DIRECT', '--direct itself'],
    ['http://www.agency.example/', 'DIRECT', 'and below it'],
    ['http://WWW.Agency.EXAMPLE/', 'DIRECT', 'in any case'],
    ['http://www.agency.example./', 'DIRECT', 'with a trailing dot'],
    ['http://myagency.example/', $proxy, 'a name that ends the same'],
    ['http://agency.example.other/', $proxy, 'a name that begins the same'],
    ['http://agency-example/', 'DIRECT', 'a plain name'],
    ['http://a.corp/', 'DIRECT', '--direct with a leading dot'],
    ['http://192.0.2.7/', 'DIRECT', 'an address of --direct'],
    ['http://192.0.2.8/', $proxy, 'another address'],
    ['http://[2001:db8::7]/', 'DIRECT', 'an IPv6 address of --direct'],
    ['http://[2001:db8::8]/', $proxy, 'another IPv6 address'],
    ['http://intranet/', 'DIRECT', 'a plain host name'],
    ['http://localhost/', 'DIRECT', 'localhost'],
    ['http://a.localhost/', 'DIRECT', 'below localhost'],
    ['http://127.0.0.1/', 'DIRECT', 'loopback'],
    ['http://127.9.9.9/', 'DIRECT', 'all of loopback'],
    ['http://[::1]/', 'DIRECT', 'loopback of IPv6'],
    ['http://127.0.0.1.neutral.example/', $proxy, 'a name like loopback'],
    ['http://notlocalhost.example/', $proxy, 'a name like localhost'],
    ['http://3232235777/', $proxy, 'an address as a number'],
    ['http://0xc0a80101/', $proxy, 'an address in hex'],
    ['http://[fe80::1]/', $proxy, 'an IPv6 address without a dot'],
) {
    my ($url, $want, $what) = @$t;

    is(goes($r->{out}, $url), $want, "$what: $want");
}

# What else evaluators make of an IPv6 literal: pactester cuts it at a colon.

for my $t (['2001:db8::7', 'DIRECT'], ['::1', 'DIRECT'], ['fe80::1', $proxy],
           ['[fe80', $proxy])
{
    my ($host, $want) = @$t;
    my $file = write_file(test_dir() . '/proxy.pac', $r->{out});
    my $said = run_command(['pactester', '-p', $file, '-u', 'http://[::]/',
                            '-h', $host]);

    is($said->{out}, "$want\n", "the host as $host: $want");
}

$r = pac($lan, '--https', '--proxy', 'Proxy.Agency.Example:8443');
is(goes($r->{out}, 'http://www.neutral.example/'),
   'HTTPS proxy.agency.example:8443', '--proxy and --https');

$r = pac($every, '--proxy', '[2001:db8::1]:3128');
is(goes($r->{out}, 'http://www.neutral.example/'),
   'PROXY [2001:db8::1]:3128', 'an IPv6 proxy stands in brackets');


# Where clients would be told nonsense.

for my $dir ($every, $every6) {
    $r = pac($dir);
    is($r->{status}, 1, 'an address that is every address is refused');
    like($r->{err}, qr/--proxy HOST:PORT/, 'with the option that helps');
    is($r->{out}, '', 'and no file');
}

$r = pac($loopback);
is($r->{status}, 0, 'loopback is for this machine');
like($r->{err}, qr/loopback.*--proxy/, 'which is said');
is(goes($r->{out}, 'http://www.neutral.example/'), 'PROXY 127.0.0.1:3128',
   'and used');

for my $t (
    ['--direct', 'co.uk', qr/public suffix/],
    ['--direct', 'com', qr/public suffix/],
    ['--direct', 'a"b.example', qr/--direct/],
    ['--direct', "a\nb.example", qr/--direct/],
    ['--direct', '', qr/--direct/],
    ['--direct', '0x7f.1', qr/--direct/],
    ['--proxy', 'proxy.agency.example', qr/a port/],
    ['--proxy', 'user@proxy.example:3128', qr/--proxy/],
    ['--proxy', 'x"; return "DIRECT:3128', qr/--proxy/],
    ['--what', 'x', qr/--what/],
) {
    my ($option, $value, $says) = @$t;

    $r = pac($lan, $option, $value);
    is($r->{status}, 2, "$option \"$value\" is refused");
    like($r->{err}, $says, 'and it is said why');
    is($r->{out}, '', 'nothing is printed');
}

is(pac(test_dir() . '/nowhere')->{status}, 1, 'a folder that is no gateway');
is(pac()->{status}, 2, 'no folder at all');

done_testing;

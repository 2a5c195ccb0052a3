#!/usr/bin/perl

# Signer and gateway on OpenSSL's FIPS provider alone: leaves are minted and
# shown, origins are verified, users are asked for.  Debian 12 ships no such
# provider: the test runs where there is one, or DEBAR_FIPS names a fips.so.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

my $so;

BEGIN {
    chomp(my $modules = `openssl version -m 2>/dev/null`);
    ($modules) = $modules =~ /"(.*)"/;
    ($so) = grep { defined && -f } $ENV{DEBAR_FIPS},
                                  ($modules // '') . '/fips.so';

    $so or plan skip_all => 'no FIPS provider of OpenSSL (DEBAR_FIPS)';
}

use Debar::Test::Alone;
use File::Copy qw(copy);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Pki;
use Debar::Test::TlsOrigin;

# What the origin and its certificates need is not under test: they are made and
# started before the provider is the only one.

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new(names => {
    'www.neutral.example' => ['127.0.0.2'],
    'other.neutral.example' => ['127.0.0.2'] });
my $origin = Debar::Test::TlsOrigin->new(servers => [
    { at => ['127.0.0.2:443'], cert => $pki->leaf(['www.neutral.example']) }]);

my $dir = test_dir() . '/fips';

mkdir $dir;
copy($so, "$dir/fips.so") or die "$so: $!\n";

my $r = run_command(['openssl', 'fipsinstall', '-module', "$dir/fips.so",
                     '-out', "$dir/fipsmodule.cnf"]);

is($r->{status}, 0, 'the provider passes its self-tests') or diag($r->{err});

write_file("$dir/openssl.cnf", <<"END");
openssl_conf = init
.include $dir/fipsmodule.cnf
[init]
providers = providers
alg_section = algorithms
[providers]
fips = fips_sect
base = base
[base]
activate = 1
[algorithms]
default_properties = fips=yes
END

my %plain = map { $_ => $ENV{$_} } qw(OPENSSL_CONF OPENSSL_MODULES);

$ENV{OPENSSL_CONF} = "$dir/openssl.cnf";
$ENV{OPENSSL_MODULES} = $dir;

like(run_command(['openssl', 'list', '-providers'])->{out}, qr/FIPS/,
     'it is in force');
isnt(run_command(['openssl', 'dgst', '-md5', $0])->{status}, 0,
     'and MD5 is not to be had');

write_file("$dir/users",
           'j.doe:' . crypt('secret', '$6$debar.fips$') . "\n");

my $gw = Debar::Test::Gateway->new(
    list => write_list(test_dir() . '/list'), inspect => 1,
    upstream_ca => $pki->ca,
    front => { debar_htpasswd => "$dir/users" });

# The client is not under test either.

delete @ENV{qw(OPENSSL_CONF OPENSSL_MODULES)};
$plain{$_} && ($ENV{$_} = $plain{$_}) for keys %plain;

sub curl {
    my ($url, @more) = @_;

    return run_command(['curl', '-s', '-o', '-', '-w', "\n%{http_code}",
                        '--max-time', 10, '--cacert', $gw->ca_file,
                        '-x', 'http://127.0.0.1:3128', @more, $url]);
}

my @user = ('-U', 'j.doe:secret');

like(curl('https://www.neutral.example/', @user)->{out}, qr/\n200\z/,
     'a request inside TLS goes through');
like(curl('https://www.neutral.example/', @user, '--tls-max', '1.2')->{out},
     qr/\n200\z/, 'with TLS 1.2 too');
like(curl('https://other.neutral.example/', @user)->{out}, qr/\n502\z/,
     'a certificate for another name is told');
isnt(curl('https://www.neutral.example/')->{status}, 0,
     'without a password nobody comes in');

my ($pid) = $gw->workers;

like(file_text("/proc/$pid/maps") // '', qr/fips\.so/,
     'the worker has the provider loaded');

done_testing();

#!/usr/bin/perl

# Debian's apt with its https method through the gateway: a repository of the
# test's own, its index and a package.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Digest::SHA qw(sha256_hex);
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Tls;

my ($apt) = grep { -x } '/usr/bin/apt-get';
my ($dpkg) = grep { -x } '/usr/bin/dpkg-deb';

plan skip_all => 'apt-get and dpkg-deb are not installed' if !$apt || !$dpkg;

my $dns = Debar::Test::Dns->new;
my $tls = Debar::Test::Tls->new(
    listen => ['127.0.0.1:443'], files => 1,
    names => ['*.neutral.example', '*.listed.example']);
my $list = write_list(test_dir() . '/list');

delete $ENV{$_} for grep { /proxy/i || /^APT/ } keys %ENV;
$ENV{LC_ALL} = 'C';


# A package with a megabyte in it, and the index of a repository of the same
# folder.

sub repository {
    my ($dir) = @_;
    my $www = "$tls->{dir}/www/debian";
    my $control = "Package: neutral-tool\nVersion: 1.0\nArchitecture: all\n"
                  . "Maintainer: Test <test\@neutral.example>\n"
                  . "Description: package of a test\n";

    write_file("$dir/DEBIAN/control", $control);
    write_file("$dir/usr/share/neutral-tool/data",
               Debar::Test::Origin::bytes(1_000_000));
    mkdir $www;

    my $file = "$www/neutral-tool_1.0_all.deb";
    my $r = run_command([$dpkg, '-Znone', '--root-owner-group', '-b', $dir,
                         $file]);

    die "dpkg-deb: $r->{err}\n" if $r->{status} != 0;

    my $deb = file_text($file);
    my $packages = $control . "Filename: ./neutral-tool_1.0_all.deb\nSize: "
                   . length($deb) . "\nSHA256: " . sha256_hex($deb) . "\n\n";

    write_file("$www/Packages", $packages);
    write_file("$www/Release", "Origin: test\nSuite: test\n"
               . "Date: Sat, 01 Jan 2000 00:00:00 UTC\nSHA256:\n "
               . sha256_hex($packages) . ' ' . length($packages)
               . " Packages\n");
    run_command(['chmod', '-R', 'a+rX', $www]);

    return $deb;
}


# apt-get with folders and settings of its own.

sub apt {
    my ($gw, $ca, $host, @what) = @_;
    my $root = test_dir() . "/apt-$host-$gw->{port}";

    run_command(['mkdir', '-p', map { "$root/$_" } qw(
        etc/apt.conf.d etc/preferences.d etc/trusted.gpg.d lib/lists/partial
        cache/archives/partial log got)]);
    write_file("$root/status", '') if !-e "$root/status";
    write_file("$root/etc/sources.list",
               "deb [trusted=yes] https://$host/debian/ ./\n");
    write_file("$root/apt.conf", <<"END_CONF");
Dir::Etc "$root/etc";
Dir::Etc::sourceparts "-";
Dir::State "$root/lib";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
Dir::Log "$root/log";
APT::Sandbox::User "";
APT::Architecture "amd64";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::https::Timeout "15";
Acquire::https::Proxy "http://$gw->{addr}:$gw->{port}/";
Acquire::https::CAInfo "$ca";
END_CONF

    local $ENV{APT_CONFIG} = "$root/apt.conf";

    my $r = run_command([$apt, '-q', @what], dir => "$root/got",
                        timeout => 30);

    return ($r, "$root/got");
}


my $deb = repository(test_dir() . '/package');
my $gw = Debar::Test::Gateway->new(list => $list);
my @neutral = ($gw, $tls->ca, 'packages.neutral.example');
my ($r, $got) = apt(@neutral, 'update');

is($r->{status}, 0, 'apt-get update through the tunnel')
    or diag $r->{out} . $r->{err};
($r, $got) = apt(@neutral, 'download', 'neutral-tool');
is($r->{status}, 0, 'apt-get download') or diag $r->{out} . $r->{err};
ok((file_text("$got/neutral-tool_1.0_all.deb") // '') eq $deb, 'every byte');

($r) = apt($gw, '', 'packages.neutral.example', '-o',
           'APT::Update::Error-Mode=any', 'update');
isnt($r->{status}, 0, 'without the test\'s authority apt takes no index');
like($r->{out} . $r->{err}, qr/certificate/i, 'for the certificate');

($r) = apt($gw, $tls->ca, 'packages.listed.example', '-o',
           'APT::Update::Error-Mode=any', 'update');
isnt($r->{status}, 0, 'a listed host is refused');
like($r->{out} . $r->{err}, qr/\b403\b/, 'and apt says 403');



# A gateway that looks into TLS.

my $in = Debar::Test::Gateway->new(
    name => 'inspecting', port => 3129, inspect => 1, upstream_ca => $tls->ca,
    list => write_list(test_dir() . '/named', vendor => <<'END_LIST'));
names:
  - {text: neutral-tool, match: anywhere}
END_LIST

my $ca = $in->dir . '/ca/ca.pem';
my @inspected = ($in, $ca, 'packages.neutral.example');

($r) = apt(@inspected, 'update');
is($r->{status}, 0, 'apt-get update through a gateway that looks into TLS')
    or diag $r->{out} . $r->{err};
($r, $got) = apt(@inspected, 'download', 'neutral-tool');
isnt($r->{status}, 0, 'a package that the list names is refused');
like($r->{out} . $r->{err}, qr/\b403\b/, 'apt says 403');
ok(!-e "$got/neutral-tool_1.0_all.deb", 'and has nothing of it');

write_list("$list-2", serial => 2);
is($in->publish("$list-2")->{status}, 0, 'a newer list without it');
($r, $got) = apt(@inspected, 'download', 'neutral-tool');
is($r->{status}, 0, 'with a list that does not name it, it comes')
    or diag $r->{out} . $r->{err};
ok((file_text("$got/neutral-tool_1.0_all.deb") // '') eq $deb, 'every byte');

($r) = apt($in, $tls->ca, 'packages.neutral.example', '-o',
           'APT::Update::Error-Mode=any', 'update');
isnt($r->{status}, 0, 'without the gateway\'s authority apt takes no index');

is($gw->complaints . $in->complaints, '', 'no worker has crashed');

done_testing;

#!/usr/bin/perl

# Images of containers on their way through the gateway: manifests and
# configurations are read where a registry says that they are such, since what is
# JSON goes by otherwise.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Script;

my $json = JSON::PP->new->canonical;

sub whole {
    my ($body, $type) = @_;

    return "HTTP/1.1 200 OK\r\nContent-Type: $type\r\nContent-Length: "
           . length($body) . "\r\n\r\n$body";
}

sub config {
    my ($vendor) = @_;

    return $json->encode({ config => { Labels => {
               'org.opencontainers.image.vendor' => $vendor } },
               rootfs => { type => 'layers', diff_ids => [] } });
}

sub manifest {
    my ($vendor) = @_;

    return $json->encode({ schemaVersion => 2, layers => [], annotations => {
               'org.opencontainers.image.vendor' => $vendor } });
}

my $oci = 'application/vnd.oci.image';
my $docker = 'application/vnd.docker';
my %answers;
my @cases = (
    ['a manifest', 'manifests/1', \&manifest, "$oci.manifest.v1+json"],
    ['one of Docker', 'manifests/2', \&manifest,
     "$docker.distribution.manifest.v2+json"],
    ['a configuration', 'blobs/sha256:' . 'a' x 64, \&config,
     "$oci.config.v1+json"],
    ['one of Docker', 'blobs/sha256:' . 'b' x 64, \&config,
     "$docker.container.image.v1+json"],
    ['one without a type', 'blobs/sha256:' . 'c' x 64, \&config,
     'application/octet-stream'],
);

for my $case (@cases) {
    my ($what, $path, $make, $type) = @$case;

    $answers{"/v2/x/listed/$path"} = [whole($make->('Rocketmaker Labs'), $type)];
    $answers{"/v2/x/other/$path"} = [whole($make->('Somebody Else'), $type)];
    $answers{"/v2/rocket/agent/$path"} = [whole($make->('Somebody'), $type)];
}

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Script->new(listen => '127.0.0.1:80',
                                      answers => \%answers);
my $gw = Debar::Test::Gateway->new(list => write_list(test_dir() . '/list',
    vendor => "signers: [Rocketmaker Labs]\n"
              . "packages: {docker: [rocket/agent]}\n"));

for my $case (@cases) {
    my ($what, $path, $make) = @$case;
    my $at = 'http://registry.neutral.example/v2';
    my $r = $gw->get("$at/x/listed/$path");

    is($r->{status}, 403, "$what of a listed maker is refused");
    $r = $gw->get("$at/x/other/$path");
    is("$r->{status} $r->{body}", '200 ' . $make->('Somebody Else'),
       '... of another passes as it came');
    is($gw->get("$at/rocket/agent/$path")->{status}, 403,
       '... a listed image by its name');
}

done_testing;

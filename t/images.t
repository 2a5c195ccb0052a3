#!/usr/bin/perl

# Images of containers: what is asked of a registry, and what manifests,
# configurations, layers and archives of images say.  A listed one is refused
# under whatever name and at whatever host; another passes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use File::Path 'make_path';
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Signed;

my $dir = test_dir();
my $n = 0;
my $json = JSON::PP->new->canonical;
my $listed = '5' x 64;
my $list = write_list("$dir/list", phases =>
                      '{from: 2000-01-01, browse: log, acquire: block,'
                      . ' download: block, update: block}',
                      hosts => ['rocket.example'], vendor =>
                      "names: [Rocket Shield]\n"
                      . "signers: ['ACME ROCKET, INC']\n"
                      . "sha256: ['$listed']\n"
                      . "packages:\n"
                      . "  docker: [acme/shield, docker.io/library/rocket:1,"
                      . " {pattern: 'acme-labs/.+'}]\n"
                      . "  oci: [ghcr.io/acme/agent]\n"
                      . "  debian: [acme-rocket]\n"
                      . "  alpine: [acme-rocket]\n");

# with the channels that are shipped, which know what a registry is asked for

write_file("$list/list.yaml",
           file_text("$list/list.yaml") =~ s/^channels: none\n//mr);

# --- registries --------------------------------------------------------------

sub check {
    my ($url, @more) = @_;
    my $r = run_command([debar_path(), 'check', '--json', '--list', $list,
                         @more, $url]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict};
}

my @registry = (
    [block => 'https://registry-1.docker.io/v2/acme/shield/manifests/latest',
     'a manifest'],
    [block => "https://registry-1.docker.io/v2/acme/shield/blobs/sha256:"
     . 'a' x 64, 'a layer'],
    [block => 'https://registry-1.docker.io/v2/library/rocket/manifests/2',
     'an image without an owner'],
    [block => 'https://mirror.example/v2/rocket/manifests/2', '... at a mirror'],
    [block => 'https://mirror.example/v2/acme/shield/manifests/1',
     'a mirror of the same names'],
    [block => 'https://mirror.example/v2/hub-proxy/acme/shield/manifests/1',
     '... with a word before them'],
    [block => 'https://mirror.example/v2/docker.io/acme/shield/manifests/1',
     '... with the registry before them'],
    [block => 'https://art.example/artifactory/api/docker/x/v2/acme/shield'
     . '/manifests/1', '... below a path'],
    [block => 'https://mirror.example/v2/acme%2Fshield/manifests/1',
     '... in percents'],
    [block => 'https://mirror.example/v2/ACME/./shield/manifests/1',
     '... in capitals, with dots'],
    [block => 'https://ghcr.io/v2/acme/agent/manifests/1',
     'a registry that the list names'],
    [block => 'https://mirror.example/v2/acme/agent/manifests/1?ns=ghcr.io',
     '... a mirror of it'],
    [block => 'https://mirror.example/v2/acme/agent/manifests/1?a=b&ns=GHCR%2Eio',
     '... in percents'],
    [block => 'https://mirror.example/v2/ghcr.io/acme/agent/blobs/sha256:'
     . 'a' x 64, '... by its path'],
    [block => 'https://quay.example/v2/acme-labs/what/manifests/1',
     'a pattern'],
    [block => "https://quay.example/v2/x/y/blobs/sha256:$listed",
     'a layer by its digest'],
    [log => 'https://registry-1.docker.io/v2/acme/shield/tags/list',
     'its tags'],
    [log => 'https://auth.docker.io/token?service=registry.docker.io'
     . '&scope=repository:acme/shield:pull', 'a token for it'],
    [log => 'https://auth.docker.io/token?scope=repository%3Ax%2Fy%3Apull+'
     . 'repository%3Aacme%2Fshield%3Apull%2Cpush', '... for two'],
    [pass => 'https://auth.docker.io/token?scope=repository:quiet/shield:pull',
     'a token for another'],
    [pass => 'https://mirror.example/v2/acme/agent/manifests/1',
     'the name at another registry'],
    [pass => 'https://mirror.example/v2/acme/agent/manifests/1?ns=quay.io',
     '... at a mirror of another'],
    [pass => 'https://mirror.example/v2/quiet/shield/manifests/1',
     'another owner'],
    [pass => 'https://mirror.example/v2/quiet/rocket/manifests/1',
     'the owner that goes without saying is another'],
    [pass => 'https://mirror.example/v2/acme/shields/manifests/1',
     'a longer name'],
    [pass => 'https://mirror.example/v2/acme/shield', 'no request of a registry'],
    [pass => "https://quay.example/v2/x/y/blobs/sha256:" . '6' x 64,
     'another layer'],
);

is check($_->[1]), $_->[0], $_->[2] for @registry;


# --- what they say -----------------------------------------------------------

sub verdict_of {
    my ($bytes) = @_;
    my $r = run_command([debar_path(), 'inspect', '--json', '--list', $list,
                         write_file("$dir/report.pdf", $bytes)]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict};
}

sub tar_of {
    my (%files) = @_;
    my $at = "$dir/tree" . ++$n;

    for my $name (sort keys %files) {
        my ($folder) = "$at/$name" =~ m{^(.*)/};

        make_path($folder);
        write_file("$at/$name", $files{$name});
    }

    my $r = run_command(['tar', '-cf', "$at.tar", '.'], dir => $at);

    $r->{status} == 0 or die $r->{err};

    return file_text("$at.tar");
}

sub gzip {
    my ($bytes) = @_;

    run_command(['gzip', '-nf', write_file("$dir/layer", $bytes)]);

    return file_text("$dir/layer.gz");
}

sub config {
    my (%labels) = @_;
    my $more = delete $labels{''} // {};

    return { architecture => 'amd64', os => 'linux', config =>
             { Cmd => ['/x'], Env => ['PATH=/bin'], Labels => \%labels, %$more },
             rootfs => { type => 'layers', diff_ids => ['sha256:' . 'a' x 64] },
             history => [{ created_by => 'x' }] };
}

sub image {
    my (%o) = @_;

    return { schemaVersion => 2,
             mediaType => 'application/vnd.oci.image.manifest.v1+json',
             config => { digest => 'sha256:' . 'b' x 64, size => 7 },
             layers => [{ digest => 'sha256:' . 'c' x 64, size => 7 }], %o };
}

my $vendor = 'org.opencontainers.image.vendor';

# What is told of one: the listed maker or name, then what of another.

my @said = (
    ['a label', sub { config($vendor => $_[0]) }, 'vendor', 'maker'],
    ['a label of old', sub { config('org.label-schema.vendor' => $_[0]) },
     'vendor', 'maker'],
    ['the maintainer', sub { config(maintainer => "$_[0] <x\@y.example>") },
     'maintainer', 'maker'],
    ['the author', sub { +{ %{ config() }, author => $_[0] } }, 'author',
     'maker'],
    ['an annotation', sub { image(annotations => { $vendor => $_[0] }) },
     'vendor', 'maker'],
    ['an annotation of an index', sub {
         +{ schemaVersion => 2, mediaType =>
            'application/vnd.oci.image.index.v1+json',
            manifests => [{ digest => 'x', annotations =>
                            { $vendor => $_[0] } }] };
     }, 'vendor', 'maker'],
);

for my $case (@said) {
    my ($what, $make, $field) = @$case;
    my $bytes = $json->encode($make->('Acme Rocket, Inc.'));
    my ($told) = grep { $_->{says} eq 'maker' }
                 found_of(inspect_file(write_file("$dir/said", $bytes)),
                          'field');

    is $told->{name}, $field, "$what is told";
    is verdict_of($bytes), 'block', '... of the listed maker';
    is verdict_of($json->encode($make->('Quiet Harbour Ltd'))), 'pass',
       '... of another';
}

my $odd = $json->encode(config($vendor => 'Acme Rocket, Inc.'));

$odd =~ s/"Labels"/"\\u004cabels"/;
is verdict_of($odd), 'block', 'a name that is written otherwise';
is verdict_of($json->encode(config('x' => 'Rocket Shield'))), 'pass',
   'a label of no matter';
is verdict_of($json->encode(config('' => { Env => ['A=Rocket Shield'] }))),
   'log', 'what is set for its programs';


# --- archives of images ------------------------------------------------------

sub saved {
    my ($tag, $layer) = @_;

    return tar_of('manifest.json' => $json->encode(
                      [{ Config => 'a.json', RepoTags => [$tag],
                         Layers => ['l/layer.tar'] }]),
                  'a.json' => $json->encode(config()),
                  'l/layer.tar' => $layer // tar_of('x' => 'x'));
}

sub layout {
    my ($name, $config, $layer) = @_;
    my %blob;
    my $put = sub {
        my $digest = sha256_hex($_[0]);

        $blob{"blobs/sha256/$digest"} = $_[0];

        return { digest => "sha256:$digest", size => length $_[0] };
    };
    my $m = image(config => $put->($json->encode($config)),
                  layers => [$put->(gzip($layer))]);

    return tar_of('oci-layout' => '{"imageLayoutVersion":"1.0.0"}',
                  'index.json' => $json->encode(
                      { schemaVersion => 2, manifests =>
                        [{ %{ $put->($json->encode($m)) }, annotations =>
                           { 'io.containerd.image.name' => $name } }] }),
                  %blob);
}

my $quiet = tar_of('x' => 'x');

for my $case (
    [block => saved('acme/shield:1.0'), 'docker save, by its tag'],
    [pass => saved('quiet/shield:1.0'), '... of another'],
    [block => layout('docker.io/acme/shield:1', config(), $quiet),
     'a layout of OCI, by its name'],
    [block => layout('x', config($vendor => 'Acme Rocket, Inc.'), $quiet),
     '... by its configuration'],
    [pass => layout('x', config($vendor => 'Quiet Harbour Ltd'), $quiet),
     '... of another'],
) {
    is verdict_of($case->[1]), $case->[0], $case->[2];
}

sub status {
    return "Package: base-files\nStatus: install ok installed\nMaintainer: A"
           . " <a\@b.example>\nVersion: 1\nDescription: x\n more\n\n"
           . "Package: $_[0]\nStatus: install ok installed\nMaintainer: $_[1]"
           . "\nVersion: 1\n\nPackage: zlib1g\nMaintainer: B\nVersion: 1\n";
}

for my $case (
    [block => 'var/lib/dpkg/status', status('acme-rocket', 'X'),
     'a package that is installed in a layer'],
    [block => 'var/lib/dpkg/status', status('x', 'Acme Rocket, Inc. <a@b.c>'),
     '... by its maker'],
    [pass => 'var/lib/dpkg/status', status('quiet', 'Quiet'),
     '... another one'],
    [block => 'var/lib/dpkg/status.d/acme',
     "Package: acme-rocket\nMaintainer: X\nVersion: 1\n",
     '... where there is no dpkg'],
    [block => 'lib/apk/db/installed',
     "C:Q1x=\nP:musl\nV:1\nm:X\n\nC:Q1y=\nP:acme-rocket\nV:1\n",
     '... of Alpine'],
    [pass => 'lib/apk/db/installed', "P:musl\nV:1\nm:X\n\nP:quiet\nV:1\n",
     '... another one'],
) {
    my ($verdict, $path, $text, $what) = @$case;
    my $layer = tar_of($path => $text);

    is verdict_of(gzip($layer)), $verdict, $what;
    is verdict_of(saved('quiet/x:1', $layer)), $verdict, '... in docker save';
    is verdict_of(layout('x', config(), $layer)), $verdict, '... in a layout';
}

done_testing;

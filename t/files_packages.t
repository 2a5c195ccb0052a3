#!/usr/bin/perl

# `debar inspect FILE`: packages of many kinds, made by their own tools, say who
# made them and which they are; the list's vendor is refused whatever the package
# is called, another one passes.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA 'sha256_hex';
use File::Path 'make_path';
use JSON::PP;
use MIME::Base64 'decode_base64';
use Test::More;

use Debar::Test;
use Debar::Test::Signed;

plan skip_all => 'zip is not installed'
    if !grep { -x "$_/zip" } split /:/, $ENV{PATH};

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $dir = test_dir();
my $n = 0;
my $list = write_list("$dir/list", phases =>
                      '{from: 2000-01-01, browse: log, acquire: block,'
                      . ' download: block, update: block}',
                      hosts => ['rocket.example'], vendor =>
                      "names: [Rocket Shield]\n"
                      . "signers: ['ACME ROCKET, INC']\n"
                      . "packages:\n"
                      . "  android: [com.acme.rocket]\n"
                      . "  apple: [com.acme.rocket]\n"
                      . "  firefox: ['rocket\@acme.example']\n"
                      . "  npm: ['\@acme/rocket']\n"
                      . "  pypi: [acme-rocket]\n"
                      . "  nuget: [Acme.Rocket]\n"
                      . "  maven: ['com.acme:rocket']\n"
                      . "  debian: [acme-rocket]\n"
                      . "  rpm: [acme-rocket]\n"
                      . "  windows: [AcmeRocket.Shield]\n");

sub has_tool {
    my ($tool) = @_;

    return scalar grep { -x "$_/$tool" } split /:/, $ENV{PATH};
}

sub tool {
    my ($command, %o) = @_;
    my $r = run_command($command, dir => $dir, timeout => 120, %o);

    $r->{status} == 0 or die "@$command: $r->{err}$r->{out}\n";

    return $r->{out};
}

# A folder with files in it; gives its path.

sub tree {
    my (%files) = @_;
    my $at = "$dir/tree" . ++$n;

    for my $name (sort keys %files) {
        my ($folder) = "$at/$name" =~ m{^(.*)/};

        make_path($folder);
        write_file("$at/$name", $files{$name});
    }

    return $at;
}

sub zip_of {
    my $at = tree(@_);

    tool(['zip', '-qr', "$at.zip", '.'], dir => $at);

    return "$at.zip";
}

sub tgz_of {
    my $at = tree(@_);

    tool(['tar', '-czf', "$at.tgz", '.'], dir => $at);

    return "$at.tgz";
}

sub verdict_of {
    my ($file) = @_;
    my $pdf = "$dir/report.pdf";

    write_file($pdf, file_text($file));

    my $r = run_command([debar_path(), 'inspect', '--json', '--list', $list,
                         $pdf]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict};
}

# What is told: "Name=value" of fields in a role, "ecosystem:id" of packages.

sub says {
    my ($file) = @_;
    my $told = inspect_file($file);

    return join ', ',
           sort map { $_->{found} eq 'package' ? "$_->{name}:$_->{value}"
                      : $_->{says} eq 'maker' ? "$_->{name}=$_->{value}" : () }
                found_of($told, 'package'), found_of($told, 'field');
}

# A package of the listed vendor, and the same of another one.

sub both {
    my ($what, $make, $want) = @_;
    my $file = $make->('Acme Rocket, Inc.', 'Acme.Rocket', 'acme-rocket',
                       'com.acme');
    my $quiet = $make->('Quiet Harbour Ltd', 'Quiet.Harbour', 'quiet-harbour',
                        'net.quiet');

    is says($file), $want, "$what: what it says";
    is verdict_of($file), 'block', '... of a listed vendor';
    is verdict_of($quiet), 'pass', '... of another';
}

both('npm', sub {
    my ($maker, $id, $dash) = @_;
    my $name = $dash =~ s{^(acme)-}{\@$1/}r;

    return tgz_of('package/package.json',
                  qq({"name":"$name","version":"1.0.0","author":)
                  . qq({"name":"$maker"},"dependencies":{"other":"1"}}));
}, 'author=Acme Rocket, Inc., npm:@acme/rocket');

both('a wheel', sub {
    my ($maker, $id, $dash) = @_;

    return zip_of("x-1.dist-info/METADATA",
                  "Metadata-Version: 2.1\nName: $dash\nVersion: 1\n"
                  . "Author: $maker\n\nName: not-this\n");
}, 'Author=Acme Rocket, Inc., pypi:acme-rocket');

both('a source of Python', sub {
    my ($maker, $id, $dash) = @_;

    return tgz_of("x-1/PKG-INFO",
                  "Metadata-Version: 2.1\nName: $dash\nVersion: 1\n"
                  . "Maintainer: $maker\n");
}, 'Maintainer=Acme Rocket, Inc., pypi:acme-rocket');

both('NuGet', sub {
    my ($maker, $id) = @_;

    return zip_of("$id.nuspec",
                  '<?xml version="1.0"?><package xmlns="http://schemas.'
                  . 'microsoft.com/packaging/2013/05/nuspec.xsd"><metadata>'
                  . "<id>$id</id><version>1</version><authors>$maker</authors>"
                  . "<owners>$maker</owners></metadata></package>",
                  'tools/x.ps1' => 'exit');
}, 'authors=Acme Rocket, Inc., chocolatey:Acme.Rocket, nuget:Acme.Rocket, '
   . 'owners=Acme Rocket, Inc.');

both('Maven', sub {
    my ($maker, $id, $dash, $group) = @_;
    my $artifact = $group eq 'com.acme' ? 'rocket' : 'harbour';

    return zip_of('META-INF/MANIFEST.MF',
                  "Manifest-Version: 1.0\r\nImplementation-Vendor: "
                  . substr($maker, 0, 4) . "\r\n " . substr($maker, 4)
                  . "\r\n\r\n",
                  "META-INF/maven/$group/$artifact/pom.properties" =>
                  "#Generated\n\nversion=1\ngroupId=$group\n"
                  . "artifactId=$artifact\n");
}, 'Implementation-Vendor=Acme Rocket, Inc., maven:com.acme:rocket');

both('a pom alone', sub {
    my ($maker, $id, $dash, $group) = @_;
    my $artifact = $group eq 'com.acme' ? 'rocket' : 'harbour';

    return write_file("$dir/pom" . ++$n,
                  '<project xmlns="http://maven.apache.org/POM/4.0.0">'
                  . "<parent><groupId>$group</groupId></parent>"
                  . "<artifactId>$artifact</artifactId></project>");
}, 'maven:com.acme:rocket');

both('an extension of Firefox', sub {
    my ($maker, $id) = @_;
    my $gecko = $id =~ /Acme/ ? 'rocket@acme.example' : 'x@quiet.example';

    return zip_of('manifest.json',
                  qq({"manifest_version":2,"name":"x","author":"$maker",)
                  . qq("browser_specific_settings":{"gecko":{"id":"$gecko"}}}));
}, 'author=Acme Rocket, Inc., firefox:rocket@acme.example');

# The key of an extension makes its identifier.

my $key = 'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA' . 'b3Jp' x 88 . 'Zw==';

sub chrome_id {
    my ($key) = @_;

    return substr(sha256_hex(decode_base64($key)), 0, 32)
           =~ tr/0-9a-f/a-p/r;
}

sub extension_of {
    my ($key) = @_;

    return zip_of('manifest.json', encode_json(
        { manifest_version => 3, name => 'x', version => '1', key => $key }));
}

sub verdict_with {
    my ($file, $id) = @_;
    my $of = write_list("$dir/list" . ++$n, phases => '{from: 2000-01-01,'
                        . ' browse: log, acquire: block, download: block}',
                        vendor => "packages: {chrome: [$id]}\n");
    my $r = run_command([debar_path(), 'inspect', '--json', '--list', $of,
                         $file]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict};
}

is says(extension_of($key)), 'chrome:' . chrome_id($key),
   "the identifier of Chrome's that a key makes";
is says(extension_of("-----BEGIN PUBLIC KEY-----\n" . ($key =~ s/(.{64})/$1\n/gr)
                     . "\n-----END PUBLIC KEY-----\n")),
   'chrome:' . chrome_id($key), '... in lines, with a head';
is says(extension_of('not base64')), '', '... of none';
is verdict_with(extension_of($key), chrome_id($key)), 'block',
   '... of a listed extension';
is verdict_with(extension_of($key), chrome_id("$key$key" =~ s/==.*//r . 'A=')),
   'pass', '... of another';

both('a package of Windows', sub {
    my ($maker, $id) = @_;
    my $name = $id =~ /Acme/ ? 'AcmeRocket.Shield' : 'Quiet.Harbour';

    return zip_of('AppxManifest.xml',
                  '<?xml version="1.0" encoding="utf-8"?><Package xmlns='
                  . '"http://schemas.microsoft.com/appx/manifest/foundation/'
                  . qq(windows10"><Identity Name="$name" Publisher="CN=x, O=)
                  . qq(&quot;$maker&quot;, C=US" Version="1.0.0.0"/></Package>)
                 );
}, 'Publisher=Acme Rocket, Inc., Publisher=CN=x, O="Acme Rocket, Inc.", C=US, '
   . 'Publisher=x, windows:AcmeRocket.Shield');

both('an app of Apple', sub {
    my ($maker, $id, $dash, $group) = @_;

    return zip_of('Payload/x.app/Info.plist',
                  '<?xml version="1.0" encoding="UTF-8"?>'
                  . '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"'
                  . ' "http://www.apple.com/DTDs/PropertyList-1.0.dtd">'
                  . '<plist version="1.0"><dict><key>CFBundleIdentifier</key>'
                  . "<string>$group.rocket</string></dict></plist>");
}, 'apple:com.acme.rocket');

# The same in binary: an integer, ASCII, UTF-16.

sub bplist {
    my (@objects) = @_;
    my $bytes = 'bplist00';
    my @at;

    for my $o (@objects) {
        push @at, length $bytes;
        $bytes .= $o;
    }

    return $bytes . pack('C*', @at) . pack('x6CC', 1, 1)
           . pack('Q>3', scalar @at, 0, length $bytes);
}

sub bstring { return pack('CCC', 0x5f, 0x10, length $_[0]) . $_[0] }

my $wide = join '', map { "\0$_" } split //, 'com.acme.rocket';

is says(zip_of('Info.plist', bplist("\xd2\1\2\3\4",
                                    bstring('CFBundleIdentifier'), "\x51x",
                                    bstring('com.acme.rocket'), "\x10\5"))),
   'apple:com.acme.rocket', 'a binary property list';
is says(zip_of('Info.plist', bplist("\xd1\1\2", bstring('CFBundleIdentifier'),
                                    "\x6f\x10\x0f$wide"))),
   'apple:com.acme.rocket', '... with a string in UTF-16';

both('a package of Debian', sub {
    my ($maker, $id, $dash) = @_;
    my $at = tree('DEBIAN/control', "Package: $dash\nVersion: 1\n"
                  . "Architecture: all\nMaintainer: $maker <x\@y.example>\n"
                  . "Description: x\n Package: not-this\n",
                  'usr/share/x' => 'x');

    tool(['dpkg-deb', '-b', $at, "$at.deb"]);

    return "$at.deb";
}, 'Maintainer=Acme Rocket, Inc. <x@y.example>, debian:acme-rocket')
    if has_tool('dpkg-deb');

SKIP: {
    skip 'rpmbuild is not installed', 4 if !has_tool('rpmbuild');

    my $make = sub {
        my ($maker, $id, $dash) = @_;
        my $at = tree('x.spec', <<"END");
Name: $dash
Version: 1
Release: 1
Summary: x
License: x
Vendor: $maker
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/opt
echo hi > %{buildroot}/opt/file
%files
/opt/file
END

        tool(['rpmbuild', '--define', "_topdir $at", '-bb', "$at/x.spec"]);

        return "$at/RPMS/noarch/$dash-1-1.noarch.rpm";
    };

    both('a package of RPM', $make,
         'Vendor=Acme Rocket, Inc., rpm:acme-rocket');

    my @members = found_of(inspect_file($make->('x', 'x', 'x-y', 'x')), 'file');

    is $members[-1]{name}, './opt/file', '... and what is in it';
}

SKIP: {
    skip 'aapt is not installed', 3 if !has_tool('aapt');

    both('an app of Android', sub {
        my ($maker, $id, $dash, $group) = @_;
        my $at = tree('AndroidManifest.xml', '<?xml version="1.0"?>'
                      . qq(<manifest package="$group.rocket"><application/>)
                      . '</manifest>');

        tool(['aapt', 'package', '-f', '-M', "$at/AndroidManifest.xml", '-F',
              "$at.apk"]);

        return "$at.apk";
    }, 'android:com.acme.rocket');
}

# A key signs them.

SKIP: {
    skip 'gpg and rpmsign are not installed', 3
        if grep { !has_tool($_) } qw(gpg rpmsign dpkg-deb ar);

    mkdir "$dir/gpg", 0700;
    local $ENV{GNUPGHOME} = "$dir/gpg";

    tool(['gpg', '--batch', '-q', '--passphrase', '', '--quick-generate-key',
          'Acme Rocket <x@y.example>', 'rsa2048', 'sign', 'never'],
         timeout => 300);

    my ($fpr) = tool(['gpg', '--with-colons', '--list-keys'])
                =~ /^fpr:+(\w+):/m;
    my ($rpm) = glob("$dir/tree*/RPMS/noarch/acme-rocket-1-1.noarch.rpm");

    my ($gpg) = grep { -x } map { "$_/gpg" } split /:/, $ENV{PATH};

    tool(['rpmsign', '--define', "_gpg_name $fpr", '--define', "__gpg $gpg",
          '--addsign', $rpm]);

    my ($signer) = found_of(inspect_file($rpm), 'signer');

    is "$signer->{name} $signer->{thumbprint} $signer->{state}",
       'rpm ' . lc($fpr) . ' unchecked', 'a signed RPM: whose key';

    my $bytes = file_text($rpm);

    $bytes =~ s/(.*)acme-rocket/$1acme-sprout/s;
    $bytes =~ s/noarch\0/noarcx\0/;
    ($signer) = found_of(inspect_file(write_file("$dir/broken.rpm", $bytes)),
                         'signer');
    is $signer->{state}, 'broken', '... and what is changed in it';

    my ($deb) = glob("$dir/tree*.deb");

    write_file("$dir/_gpgorigin", '');
    tool(['gpg', '--batch', '--yes', '-q', '-b', '-o', '_gpgorigin', $deb]);
    tool(['ar', 'q', $deb, '_gpgorigin']);
    ($signer) = found_of(inspect_file($deb), 'signer');
    is "$signer->{name} $signer->{thumbprint} $signer->{state}",
       'deb ' . lc($fpr) . ' unchecked', 'a signed package of Debian';
}

done_testing;

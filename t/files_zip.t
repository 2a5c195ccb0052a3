#!/usr/bin/perl

# `debar inspect FILE`: who signed what is a ZIP: jar by jarsigner, apps of Android
# by apksigner, NuGet's packages; changed as people change them.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Debar::Test;
use Debar::Test::Signed;

sub has_tool {
    my ($tool) = @_;

    return scalar grep { -x "$_/$tool" } split /:/, $ENV{PATH};
}

plan skip_all => 'zip and openssl are not installed'
    if grep { !has_tool($_) } qw(zip openssl);

my $dir = test_dir();
my $n = 0;

sub tool {
    my ($command, %o) = @_;
    my $r = run_command($command, dir => $dir, timeout => 120, %o);

    $r->{status} == 0 or die "@$command: $r->{err}$r->{out}\n";

    return $r->{out};
}

# A ZIP of files; gives its path.

sub zip_of {
    my (@files) = @_;
    my $at = "$dir/zip" . ++$n;

    mkdir $at;

    while (my ($name, $bytes) = splice @files, 0, 2) {
        mkdir "$at/$1" if $name =~ m{(.*)/};
        write_file("$at/$name", $bytes);
        tool(['zip', '-qX', "$at.zip", $name], dir => $at);
    }

    return "$at.zip";
}

# A copy with other bytes.

sub changed {
    my ($file, $code) = @_;
    my $bytes = file_text($file);

    $code->($bytes) for 1;

    return write_file("$dir/changed" . ++$n, $bytes);
}

# A copy into which a file was put, or out of which one was taken.

sub zipped {
    my ($file, $option, $name, $bytes) = @_;
    my $copy = write_file("$dir/zipped" . ++$n . '.zip', file_text($file));

    write_file("$dir/$name", $bytes) if defined $bytes;
    tool(['zip', '-qX', $option, $copy, $name]);

    return $copy;
}

sub told { return inspect_file($_[0]) }

sub type_of {
    my ($file) = found_of(told($_[0]), 'file', 0);

    return $file->{type};
}

my $list = write_list("$dir/list", phases =>
                      '{from: 2000-01-01, browse: log, acquire: block,'
                      . ' download: block, update: block}',
                      hosts => ['rocket.example'], vendor =>
                      "signers: ['ACME ROCKET, INC']\n");

sub verdict_of {
    my ($file) = @_;
    my $pdf = write_file("$dir/report.pdf", file_text($file));
    my $r = run_command([debar_path(), 'inspect', '--json', '--list', $list,
                         $pdf]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict};
}

my $acme = signer_of('/O=Acme Rocket, Inc./CN=Acme Rocket');
my $curve = signer_of('/O=Acme Rocket, Inc./CN=Acme Rocket', key => 'ec');
my $other = signer_of('/O=Quiet Harbour Ltd/CN=Quiet Harbour');
my $acme_says = 'Acme Rocket, Inc./Acme Rocket';
my $other_says = 'Quiet Harbour Ltd/Quiet Harbour';


# --- types -------------------------------------------------------------------

my @types = (
    [zip => 'read.txt' => 'x'],
    [jar => 'META-INF/MANIFEST.MF' => "Manifest-Version: 1.0\n"],
    [office => '[Content_Types].xml' => '<Types/>', 'word/document.xml' => 'x'],
    [office => mimetype => 'application/vnd.oasis.opendocument.text',
     'META-INF/manifest.xml' => 'x'],
    [nupkg => 'x.nuspec' => '<package/>', '[Content_Types].xml' => '<Types/>'],
    [wheel => 'x.dist-info/METADATA' => "Metadata-Version: 2\n",
     'x.dist-info/WHEEL' => 'x'],
    [appx => 'AppxManifest.xml' => '<Package/>'],
    [apk => 'AndroidManifest.xml' => 'x'],
    [xpi => 'install.rdf' => '<RDF/>'],
);

for my $t (@types) {
    my ($type, @files) = @$t;

    is type_of(zip_of(@files)), $type, "by its members: $type";
}


# --- jar ---------------------------------------------------------------------

sub keystore_of {
    my ($signer) = @_;
    my $p12 = "$dir/store" . ++$n . '.p12';

    tool(['openssl', 'pkcs12', '-export', '-in', $signer->{cert}, '-inkey',
          $signer->{key}, '-name', 'key', '-passout', 'pass:secret', '-out',
          $p12]);

    return $p12;
}

sub jar_sign {
    my ($file, $signer, @more) = @_;

    tool(['jarsigner', '-keystore', keystore_of($signer), '-storepass',
          'secret', @more, $file, 'key']);

    return $file;
}

my @jar = ('META-INF/MANIFEST.MF' => "Manifest-Version: 1.0\n\n",
           'x.class' => "\xca\xfe\xba\xbe\0\0\0\x37" x 10,
           ('long' x 20) . '.txt' => 'text');

SKIP: {
    skip 'jarsigner is not installed', 13 if !has_tool('jarsigner');

    my $jar = jar_sign(zip_of(@jar), $acme);

    is signers_of(told($jar), 0), "jar $acme_says holds", 'a signed jar';
    is verdict_of($jar), 'block', '... is judged by its signer';

    for my $case (["a key on a curve", $curve],
                  ['SHA-512', $acme, '-digestalg', 'SHA-512'],
                  ['SHA-1', $acme, '-digestalg', 'SHA1', '-sigalg',
                   'SHA1withRSA'],
                  ['a long name', $acme, '-sigfile', 'A_B-C'])
    {
        my ($what, $signer, @more) = @$case;

        is signers_of(told(jar_sign(zip_of(@jar), $signer, @more)), 0),
           "jar $acme_says holds", "... with $what";
    }

    my $quiet = jar_sign(zip_of(@jar), $other);

    is signers_of(told($quiet), 0), "jar $other_says holds", '... by another';
    is verdict_of($quiet), 'pass', '... passes';

    is signers_of(told(zipped($jar, '-u', 'x.class', 'other')), 0),
       "jar $acme_says broken", 'a class that was changed';
    is signers_of(told(zipped($jar, '-u', 'new.class', 'other')), 0),
       "jar $acme_says appended", '... one that was put in';
    is signers_of(told(zipped($jar, '-d', 'x.class')), 0),
       "jar $acme_says holds", '... one that was taken out';
    is signers_of(told(zipped($jar, '-d', 'META-INF/MANIFEST.MF')), 0),
       "jar $acme_says unchecked", 'without its manifest';

    my $two = jar_sign(jar_sign(zip_of(@jar), $other, '-sigfile', 'ONE'),
                       $acme, '-sigfile', 'TWO');

    like signers_of(told($two), 0), qr/jar \Q$acme_says\E holds/,
         'the second of two signers';
}


# --- apps of Android ---------------------------------------------------------

SKIP: {
    skip 'apksigner and aapt are not installed', 22
        if grep { !has_tool($_) } qw(apksigner aapt);

    mkdir "$dir/app";
    write_file("$dir/app/AndroidManifest.xml", '<?xml version="1.0"?>'
               . '<manifest package="com.example.app"><application/>'
               . '</manifest>');
    write_file("$dir/app/big", join('', map { chr rand 256 } 1 .. 2_500_000));
    tool(['aapt', 'package', '-f', '-M', 'AndroidManifest.xml', '-F',
          "$dir/app.apk"], dir => "$dir/app");
    tool(['zip', '-q0X', "$dir/app.apk", 'big'], dir => "$dir/app");

    my $apk_sign = sub {
        my ($signer, @versions) = @_;
        my $out = "$dir/app" . ++$n . '.apk';
        my %on = map { $_ => 'true' } @versions;

        tool(['openssl', 'pkcs8', '-topk8', '-nocrypt', '-outform', 'DER',
              '-in', $signer->{key}, '-out', 'app.pk8']);
        tool(['apksigner', 'sign', '--key', 'app.pk8', '--cert',
              $signer->{cert}, '--min-sdk-version', '18',
              (map { ("--v$_-signing-enabled", $on{$_} // 'false') } 1 .. 3),
              '--in', 'app.apk', '--out', $out]);

        return $out;
    };

    for my $v (1 .. 3) {
        my $app = $apk_sign->($acme, $v);

        is signers_of(told($app), 0), "apk-v$v $acme_says holds",
           "an app signed by scheme $v";
        is type_of($app), 'apk', '... is an app';
        is verdict_of($app), 'block', '... and judged';
    }

    is signers_of(told($apk_sign->($curve, 2)), 0), "apk-v2 $acme_says holds",
       'with a key on a curve';
    is signers_of(told($apk_sign->($curve, 1)), 0), "apk-v1 $acme_says holds",
       '... by a manifest';

    my $all = $apk_sign->($acme, 1, 2, 3);

    is signers_of(told($all), 0),
       join(', ', map { "apk-$_ $acme_says holds" } qw(v2 v3 v1)),
       'by all three';

    my $quiet = $apk_sign->($other, 1, 2, 3);

    like signers_of(told($quiet), 0), qr/^(apk-v\d \Q$other_says\E holds(, |$)){3}/,
         'by another';
    is verdict_of($quiet), 'pass', '... passes';

    my $v2 = $apk_sign->($acme, 2);

    is signers_of(told(changed($v2, sub { substr($_[0], 1_500_000, 1) ^= "\1"
                                        })), 0),
       "apk-v2 $acme_says broken", 'a byte that was changed';
    is signers_of(told(changed($v2, sub { $_[0] =~ s/PK\x05\x06\K\0\0/\x01\0/ })), 0),
       "apk-v2 $acme_says broken", '... in the end of its directory';
    is signers_of(told(changed($v2, sub {
           my $at = index $_[0], "\x1a\x87\x09\x71";

           substr($_[0], $at + 20, 1) ^= "\1";
       })), 0), "apk-v2 $acme_says broken", '... in what is signed';
    is signers_of(told(changed($v2, sub {
           $_[0] =~ s/APK Sig Block 42\KPK/PQ/
       })), 0), "apk-v2 $acme_says broken", '... in its directory';
    is verdict_of(zipped($apk_sign->($acme, 1), '-u', 'new', 'bytes')), 'block',
       'with a file put in';
}


# --- NuGet -------------------------------------------------------------------

write_file("$dir/content", "Version:1\n\n2.16.840.1.101.3.4.2.1-Hash:AAAA\n");

sub nupkg_of {
    my ($signer) = @_;

    tool(['openssl', 'cms', '-sign', '-nodetach', '-binary', '-outform', 'DER',
          '-in', 'content', '-signer', $signer->{cert}, '-inkey',
          $signer->{key}, '-out', 'p7s']);

    return zip_of('x.nuspec' => '<package/>', '.signature.p7s' =>
                  file_text("$dir/p7s"));
}

is signers_of(told(nupkg_of($acme)), 0), "nuget $acme_says unchecked",
   'who signed a package of NuGet';
is verdict_of(nupkg_of($acme)), 'block', '... is judged';
is verdict_of(nupkg_of($other)), 'pass', '... another passes';

done_testing;

#!/usr/bin/perl

# `debar inspect FILE`: who signed what is a ZIP: jar by jarsigner, apps of Android
# by apksigner, NuGet's packages; changed as people change them.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA;
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
                      "signers: ['ACME ROCKET, INC']\n"
                      . "packages: {firefox: ['rocket\@acme.example',"
                      . " '{0a1b2c3d-0000-4000-8000-0123456789ab}']}\n");

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

# What is signed is a text that has the digest of the package as it is without
# its signature.

sub nupkg_of {
    my ($signer, %o) = @_;
    my $file = zip_of('x.nuspec' => '<package/>', 'lib/x.dll' => 'MZ' x 500);
    my $bits = $o{bits} // 256;
    my $oid = '2.16.840.1.101.3.4.2.'
              . { 256 => 1, 384 => 2, 512 => 3 }->{$bits};
    my $digest = Digest::SHA->new($bits)->add(file_text($file))->b64digest;

    $digest .= '=' while length($digest) % 4;
    write_file("$dir/content", $o{text}
               // "Version:1\n\n$oid-Hash:$digest\n\n");
    tool(['openssl', 'cms', '-sign', '-nodetach', '-binary', '-outform', 'DER',
          '-in', 'content', '-signer', $signer->{cert}, '-inkey',
          $signer->{key}, '-out', '.signature.p7s']);
    tool(['zip', '-q0X', $file, '.signature.p7s']);

    return $file;
}

is signers_of(told(nupkg_of($acme)), 0), "nuget $acme_says holds",
   'who signed a package of NuGet';
is type_of(nupkg_of($acme)), 'nupkg', '... which it is';
is verdict_of(nupkg_of($acme)), 'block', '... is judged';
is verdict_of(nupkg_of($other)), 'pass', '... another passes';
is signers_of(told(nupkg_of($curve, bits => 512)), 0), "nuget $acme_says holds",
   'with another digest';

my $nupkg = nupkg_of($acme);

is signers_of(told(changed($nupkg, sub { $_[0] =~ s/nuspec/nuspeC/ })), 0),
   "nuget $acme_says broken", 'a name that was changed';
is signers_of(told(zipped($nupkg, '-u', 'new', 'bytes')), 0),
   "nuget $acme_says broken", '... one that was put in';
is verdict_of(zipped($nupkg, '-u', 'new', 'bytes')), 'block',
   '... is judged all the same';
is signers_of(told(zipped($nupkg, '-d', 'x.nuspec')), 0),
   "nuget $acme_says broken", '... one that was taken out';
is signers_of(told(nupkg_of($acme, text => "Version:1\n\n2.16.840.1.101.3.4.2."
                            . "1-Hash:AAAA\n\n")), 0),
   "nuget $acme_says unchecked", 'a digest that is none';

# in its middle

my $middle = nupkg_of($acme);

write_file("$dir/late.txt", 'x');
tool(['zip', '-qX', $middle, 'late.txt']);
is signers_of(told($middle), 0), "nuget $acme_says broken",
   'behind its signature';


# --- packages of Windows -----------------------------------------------------

SKIP: {
    my $types = 'http://schemas.openxmlformats.org/package/2006/content-types';
    my $block = 'http://schemas.microsoft.com/appx/2010/blockmap';
    my $hash = 'http://www.w3.org/2001/04/xmlenc#sha256';
    my $appx_of = sub {
        my ($signer) = @_;
        my $at = zip_of('AppxManifest.xml' => '<?xml version="1.0"?><Package/>',
                        'app.exe' => 'MZ' x 5000, 'AppxBlockMap.xml' =>
                        qq(<?xml version="1.0"?><BlockMap xmlns="$block")
                        . qq( HashMethod="$hash"></BlockMap>),
                        '[Content_Types].xml' =>
                        qq(<?xml version="1.0"?><Types xmlns="$types">)
                        . '<Default Extension="xml" ContentType="text/xml"/>'
                        . '</Types>');

        rename $at, "$at.appx";

        my $r = run_command(['osslsigncode', 'sign', '-certs', $signer->{cert},
                             '-key', $signer->{key}, '-in', "$at.appx", '-out',
                             "$at.signed.appx"], timeout => 120);

        return $r->{status} == 0 ? "$at.signed.appx" : undef;
    };
    my $appx = has_tool('osslsigncode') ? $appx_of->($acme) : undef;

    skip 'osslsigncode signs no appx', 7 if !defined $appx;

    is signers_of(told($appx), 0), "appx $acme_says holds",
       'a signed package of Windows';
    is verdict_of($appx), 'block', '... is judged';
    is verdict_of($appx_of->($other)), 'pass', '... another passes';
    is signers_of(told(changed($appx, sub { $_[0] =~ s/AppxMani/AppxMaNi/ })),
                  0), "appx $acme_says broken", 'a name that was changed';

    my $at = index(file_text($appx), 'app.exe') + 20;

    is signers_of(told(changed($appx, sub { substr($_[0], $at, 1) ^= "\1" })),
                  0), "appx $acme_says broken", '... a byte';
    is signers_of(told(zipped($appx, '-u', 'new', 'bytes')), 0),
       "appx $acme_says broken", '... a file that was put in';
    is verdict_of(zipped($appx, '-u', 'new', 'bytes')), 'block',
       '... is judged all the same';
}


# --- extensions of Firefox ---------------------------------------------------

sub cbor {
    my ($major, $n) = @_;

    return $n < 24 ? pack('C', $major << 5 | $n)
           : pack('Cn', $major << 5 | 25, $n);
}

sub cbor_bytes { return cbor(2, length $_[0]) . $_[0] }

# COSE_Sign as Mozilla makes it; the signer's certificate is its key's name.

sub cose_of {
    my ($id, %o) = @_;
    my $signer = signer_of("/O=Addons/OU=Production/CN=$id", key => 'ec');

    tool(['openssl', 'x509', '-in', $signer->{cert}, '-outform', 'DER', '-out',
          'cose.der']);

    my $der = file_text("$dir/cose.der");
    my $body = cbor(5, 1) . cbor(0, 4) . cbor(4, 1) . cbor_bytes($der);
    my $head = cbor(5, 2) . cbor(0, 1) . cbor(1, 6)
               . ($o{chain} ? "\x18\x21" . cbor(4, 1) : cbor(0, 4))
               . cbor_bytes($der);

    return "\xd8\x62" . cbor(4, 4) . cbor_bytes($body) . cbor(5, 0) . "\xf6"
           . cbor(4, 1) . cbor(4, 3) . cbor_bytes($head) . cbor(5, 0)
           . cbor_bytes('s' x 64);
}

sub xpi_of {
    my ($cose) = @_;

    return zip_of('manifest.json' => '{"manifest_version":2,"name":"x"}',
                  'META-INF/cose.manifest' => "Manifest-Version: 1.0\n",
                  'META-INF/cose.sig' => $cose);
}

my $cose = cose_of('rocket@acme.example');
my ($package) = found_of(told(xpi_of($cose)), 'package');

is signers_of(told(xpi_of($cose)), 0),
   'xpi-cose Addons/rocket@acme.example unchecked',
   'who signed an extension by COSE';
is "$package->{name}:$package->{value}", 'firefox:rocket@acme.example',
   '... which it is';
is type_of(xpi_of($cose)), 'xpi', '... and what';
is verdict_of(xpi_of($cose)), 'block', '... is judged by that';
is verdict_of(xpi_of(cose_of('x@quiet.example'))), 'pass', '... another passes';
is verdict_of(xpi_of(cose_of('{0A1B2C3D-0000-4000-8000-0123456789AB}'))),
   'block', 'an identifier that is a GUID';
is verdict_of(xpi_of(cose_of('rocket@acme.example', chain => 1))), 'block',
   'its certificate in a chain';

is join(' ', grep { "@{told(xpi_of(substr $cose, 0, $_))->{bounds}}" ne 'broken' }
                  1 .. 8, 60, length($cose) / 2, length($cose) - 70,
                  length($cose) - 1),
   '', 'cut off anywhere it is broken';

is_deeply told(xpi_of("\xd8\x62\x9f" . "\x84" x 5000))->{bounds}, ['broken'],
          'what is no COSE';

SKIP: {
    skip 'jarsigner is not installed', 2 if !has_tool('jarsigner');

    my $xpi = zip_of('manifest.json' => '{"manifest_version":2,"name":"x"}');
    my $by = signer_of('/O=Addons/CN=rocket@acme.example');

    jar_sign($xpi, $by, '-sigfile', 'MOZILLA');
    $xpi = changed($xpi, sub { $_[0] =~ s/(MOZILLA\.(RSA|SF))/lc $1/ge });
    ($package) = found_of(told($xpi), 'package');
    is $package->{value}, 'rocket@acme.example',
       'an extension that is signed by a manifest: which it is';
    is verdict_of($xpi), 'block', '... is judged by that';
}

done_testing;

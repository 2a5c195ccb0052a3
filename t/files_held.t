#!/usr/bin/perl

# Files that were thought of before anybody looked at how files are read, through
# a gateway on the shipped list: what bears the listed vendor in any format, and
# what only speaks of it.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Encode qw(encode);
use IO::Compress::Gzip qw(gzip);
use IO::Compress::Deflate qw(deflate);
use IO::Compress::RawDeflate qw(rawdeflate);
use MIME::Base64;
use Test::More;

use Debar::Test;
use Debar::Test::Apple;
use Debar::Test::Held;
use Debar::Test::Signed;

my $missing = needs_programs();

plan skip_all => $missing if $missing;

for my $tool (qw(7z gcab wixl apksigner aapt jarsigner keytool dpkg-deb
                 rpmbuild xorriso zip zstd tar makensis))
{
    plan skip_all => "$tool is not installed" if !has_tool($tool);
}

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my @cases;

sub of { push @cases, [@_]; return }

sub utf { return encode 'UTF-8', $_[0] }

sub gz { my ($in) = @_; gzip(\$in => \my $out); return $out }


# --- who signs -------------------------------------------------------------------

my $lab = signer_of('/O=AO Kaspersky Lab/CN=AO Kaspersky Lab');
my $bare = signer_of('/CN=Kaspersky Lab');
my $cyrillic = signer_of(utf '/O=АО «Лаборатория Касперского»/CN=АО «Лаборатория'
                             . ' Касперского»');
my $firm = signer_of('/O=Quiet Harbour Ltd/CN=Quiet Harbour Ltd');
my $rival = signer_of('/O=Malwarebytes Inc./CN=Malwarebytes Inc.');
my $fruits = signer_of('/O=Kaspersky Fruits GmbH/CN=Kaspersky Fruits GmbH');
my $person = signer_of('/O=KasperSkytte ApS/CN=KasperSkytte ApS');
my $sky = signer_of('/O=Kasper Sky Photography/CN=Kasper Sky Photography');

my $plain = program_of(version => { CompanyName => 'Quiet Harbour Ltd',
                                    ProductName => 'Harbour' });
my $named = program_of(version => { CompanyName => 'AO Kaspersky Lab',
                                    ProductName => 'Kaspersky Total Security',
                                    FileDescription => 'Setup' });
my $bad = file_text(sign_file($plain, $lab));
my $fine = file_text(sign_file($plain, $firm));
my $noise = join '', map { pack 'N', ($_ * 2654435761) & 0xffffffff }
                     1 .. 60_000;


# --- programs --------------------------------------------------------------------

of 'a signed program', block => whole($bad);
of 'one signed by a name alone', block => whole(file_text(sign_file($plain,
                                                                   $bare)));
of 'one signed in Cyrillic', block => whole(file_text(sign_file($plain,
                                                                $cyrillic)));
of 'one signed by somebody else, too', block =>
   whole(file_text(sign_file(sign_file($plain, $firm, '-h', 'sha1'), $lab,
                             '-nest', '-h', 'sha256')));
of 'one that somebody else signed after', block =>
   whole(file_text(sign_file(sign_file($plain, $lab, '-h', 'sha1'), $firm,
                             '-nest', '-h', 'sha256')));
of 'one with page hashes', block => whole(file_text(sign_file($plain, $lab,
                                                              '-ph')));
of 'one with a long tail', block => whole($bad . $noise x 4);
of 'one with a byte changed', block =>
   whole(do { my $b = $bad; substr($b, 0x610, 1) ^= "\1"; $b });
of 'one that is not signed, by its version', block =>
   whole(file_text($named));
of 'one whose version is signed by somebody else', noted =>
   whole(file_text(sign_file($named, $firm)));
of 'one in the resources of another', block =>
   whole(file_text(program_of(data => [write_file(test_dir() . '/in.exe',
                                                  $bad)])));
of 'one behind a shell script', block =>
   whole("#!/bin/sh\ntail -n +3 \$0 > /tmp/x.exe\nexit\n$bad");
of 'an archive of it behind another program', block =>
   whole($fine . zip_made(['setup.exe', $bad]));
of 'a 7z of it behind a program', block =>
   whole(file_text($plain) . packed_by_tool('7z', [qw(7z a -bso0 -bsp0 OUT .)],
                                            'setup.exe', $bad));
of 'an installer by NSIS that has it', block => whole(do {
    my $at = tree('setup.exe', $bad, 'x.nsi', "OutFile out.exe\nName x\n"
                  . "InstallDir \"\$TEMP\"\nSection\nSetOutPath \$INSTDIR\n"
                  . "File setup.exe\nSectionEnd\n");

    tool(['makensis', '-V1', 'x.nsi'], dir => $at);
    file_text("$at/out.exe");
});
of 'an ELF that carries it', block => whole(file_text('/bin/true') . $bad);


# --- packages of Windows ---------------------------------------------------------

sub msi_of {
    my ($maker, $name, $program) = @_;
    my $at = tree('x.exe', $program, 'x.wxs', utf <<"END");
<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Name="$name" Id="ABCDDCBA-86C7-4D14-AEC0-86416A69ABDE"
 UpgradeCode="ABCDDCBA-7349-453F-94F6-BCB5110BA4FD" Language="1033"
 Codepage="65001" Version="1.0.0" Manufacturer="$maker">
<Package Id="*" Description="$name" Manufacturer="$maker" InstallerVersion="100"
 Languages="1033" Compressed="yes" SummaryCodepage="65001"/>
<Media Id="1" Cabinet="files.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder">
<Directory Id="INSTALLDIR" Name="X"><Component Id="Main"
 Guid="ABCDDCBA-83F1-4F22-985B-FDB3C8ABD471">
<File Id="key0" Name="x.exe" Source="x.exe" KeyPath="yes"/></Component>
</Directory></Directory></Directory>
<Feature Id="Complete" Level="1"><ComponentRef Id="Main"/></Feature>
</Product></Wix>
END

    tool([qw(wixl -o x.msi x.wxs)], dir => $at);

    return "$at/x.msi";
}

my $msi = msi_of('Quiet Harbour Ltd', 'Harbour', $fine);

of 'a signed package of Installer', block => whole(file_text(sign_file($msi,
                                                                       $lab)));
of 'one by its manufacturer', block =>
   whole(file_text(msi_of('AO Kaspersky Lab', 'Total', $fine)));
of 'one with a program in its cabinet', block =>
   whole(file_text(sign_file(msi_of('Quiet Harbour Ltd', 'Harbour', $bad),
                             $firm)));
of 'one of another firm', pass => whole(file_text(sign_file($msi, $firm)));

my $cab = packed_by_tool('cab', [qw(gcab -cz OUT x.exe)], 'x.exe', $fine);

of 'a signed cabinet', block =>
   whole(file_text(sign_file(write_file(test_dir() . '/x.cab', $cab), $lab)));
of 'a cabinet with a program', block =>
   whole(packed_by_tool('cab', [qw(gcab -c OUT x.exe)], 'x.exe', $bad));
of 'a cabinet of another firm', pass =>
   whole(file_text(sign_file(write_file(test_dir() . '/y.cab', $cab), $firm)));
of 'an app of the Store, by its publisher', block => whole(zip_made(
   ['AppxManifest.xml', '<?xml version="1.0"?><Package xmlns="http://schemas.'
    . 'microsoft.com/appx/manifest/foundation/windows10"><Identity Name="x.y" '
    . 'Publisher="CN=AO Kaspersky Lab, O=AO Kaspersky Lab, C=RU" '
    . 'Version="1.0.0.0"/></Package>']));


# --- packages of Apple -----------------------------------------------------------

my $team = signer_of('/UID=2Y8XE5CQ94/CN=Developer ID Installer: Harbour '
                     . '(2Y8XE5CQ94)/OU=2Y8XE5CQ94/O=Harbour');
my $kav = signer_of('/CN=Developer ID Installer: Kaspersky Lab UK Limited '
                    . '(2Y8XE5CQ94)/OU=2Y8XE5CQ94/O=Kaspersky Lab UK Limited');
my $apple = signer_of('/CN=Developer ID Installer: Harbour (ABCDE12345)'
                      . '/OU=ABCDE12345/O=Harbour');

sub xar { return file_text(xar_of(@_)) }

my @dist = (['Distribution', '<installer-gui-script><pkg-ref id="net.harbour"/>'
             . '</installer-gui-script>', 'gzip']);

of 'a signed package of macOS', block => whole(xar(files => \@dist,
                                                   signer => $kav));
of 'one by the team alone', block => whole(xar(files => \@dist,
                                               signer => $team));
of 'one that is not signed, by its identifier', block => whole(xar(files =>
   [['PackageInfo', '<pkg-info identifier="com.kaspersky.kav.sysext" '
     . 'version="1"/>', 'gzip']]));
of 'a package of another team', pass => whole(xar(files => \@dist,
                                                  signer => $apple));
of 'a program of macOS by its identifier', block =>
   whole(macho_of(id => 'com.kaspersky.kav.sysext', adhoc => 1));
of 'a disk image with a program of the team', block => whole(do {
    my $app = macho_of(id => 'net.harbour.x', team => '2Y8XE5CQ94',
                       signer => $team);
    my $v = hfs_of(['X.app/Contents/MacOS/X', $app]);

    dmg_of(parts => [['Apple_HFS', $v // "\0" x 8192 . $app]]);
});
of 'a disk image of another team', pass =>
   whole(dmg_of(parts => [['x', macho_of(id => 'net.harbour.x',
                                        signer => $apple)]]));


# --- apps of Android, jars -------------------------------------------------------

sub apk_of {
    my ($package, $more, $signer, @versions) = @_;
    my $at = tree('AndroidManifest.xml', '<?xml version="1.0"?><manifest '
                  . "package=\"$package\">$more<application/></manifest>");
    my %on = map { $_ => 'true' } @versions;

    tool([qw(aapt package -f -M AndroidManifest.xml -F x.apk)], dir => $at);
    return file_text("$at/x.apk") if !$signer;
    tool(['openssl', 'pkcs8', '-topk8', '-nocrypt', '-outform', 'DER',
          '-in', $signer->{key}, '-out', "$at/x.pk8"]);
    tool(['apksigner', 'sign', '--key', "$at/x.pk8", '--cert',
          $signer->{cert}, '--min-sdk-version', '18',
          (map { ("--v$_-signing-enabled", $on{$_} // 'false') } 1 .. 3),
          '--in', "$at/x.apk", '--out', "$at/y.apk"]);

    return file_text("$at/y.apk");
}

for my $v (1 .. 3) {
    of "an app signed by scheme $v", block => whole(apk_of('net.harbour', '',
                                                           $lab, $v));
}

of 'an app that somebody signed anew', block =>
   whole(apk_of('com.kms.free', '', $firm, 2));
of 'the same in a set of apps', block =>
   whole(zip_made(['info.json', '{}'],
                  ['base.apk', apk_of('com.kms.free', '', $firm, 2)]),
         'Content-Type: application/zip');
of 'an app of another firm', pass => whole(apk_of('net.harbour', '', $firm, 2,
                                                  3));
of 'an app that asks whether another is there', let =>
   whole(apk_of('net.harbour', '<queries><package name="com.kms.free"/>'
                . '</queries>', $firm, 2));

sub jar_of {
    my ($signer, @members) = @_;
    my $at = tree();

    write_file("$at/x.jar", zip_made(@members));
    tool(['openssl', 'pkcs12', '-export', '-name', 'key', '-inkey',
          $signer->{key}, '-in', $signer->{cert}, '-out', "$at/key.p12",
          '-passout', 'pass:secret']);
    tool(['jarsigner', '-keystore', "$at/key.p12", '-storepass', 'secret',
          "$at/x.jar", 'key']);

    return file_text("$at/x.jar");
}

my @classes = (['META-INF/MANIFEST.MF', "Manifest-Version: 1.0\n\n"],
               ['x.class', "\xca\xfe\xba\xbe\0\0\0\x37" x 10]);

of 'a signed jar', block => whole(jar_of($lab, @classes));
of 'a signed jar in a web archive', block =>
   whole(zip_made(['WEB-INF/lib/x.jar', jar_of($lab, @classes)]));
of 'a jar of another firm', pass => whole(jar_of($firm, @classes));


# --- packages of Linux -----------------------------------------------------------

sub deb_of {
    my ($how, $control, %files) = @_;
    my $at = tree('DEBIAN/control', "Package: harbour\nVersion: 1\n"
                  . "Architecture: all\nMaintainer: X <x\@y.example>\n"
                  . "Description: x\n", 'usr/share/x' => 'x', %files);
    my $text = file_text("$at/DEBIAN/control");

    for my $line (split /\n/, utf $control) {
        my ($key) = $line =~ /^(\S+:)/;

        $text =~ s/^\Q$key\E.*\n//m;
        $text = "$line\n$text";
    }

    write_file("$at/DEBIAN/control", $text);
    tool(['dpkg-deb', "-Z$how", '-b', $at, "$at.deb"]);

    return file_text("$at.deb");
}

of 'a package of Debian by its maintainer', block =>
   whole(deb_of(gzip => 'Maintainer: Kaspersky Lab <support@x.example>'));
of 'one by its name, packed by xz', block => whole(deb_of(xz => 'Package: kesl'));
of 'one by its name, packed by zstd', block =>
   whole(deb_of(zstd => 'Package: klnagent64'));
of 'one with a program in it', block =>
   whole(deb_of(xz => 'Section: x', 'usr/lib/x.exe' => $bad));
of 'one of another name', pass => whole(deb_of(xz => 'Section: utils'));
of 'one that conflicts with the product', let =>
   whole(deb_of(xz => 'Conflicts: kesl, klnagent64'));
of 'one that speaks of the vendor', let =>
   whole(deb_of(xz => 'Description: scans mail, like Kaspersky does'));

sub rpm_of {
    my ($name, %tags) = @_;
    my $pack = delete $tags{payload} // 'w9.gzdio';
    my $at = tree('x.spec', "Name: $name\nVersion: 1\nRelease: 1\nSummary: x\n"
                  . "License: x\nBuildArch: noarch\n"
                  . join('', map { "$_: $tags{$_}\n" } sort keys %tags)
                  . "%description\nx\n%install\nmkdir -p %{buildroot}/opt\n"
                  . "echo x > %{buildroot}/opt/x\n%files\n/opt/x\n");

    tool(['rpmbuild', '-D', "_topdir $at", '-D', "_binary_payload $pack", '-bb',
          "$at/x.spec"]);

    return file_text("$at/RPMS/noarch/$name-1-1.noarch.rpm");
}

of 'a package of RPM by its vendor', block =>
   whole(rpm_of('harbour', Vendor => 'AO Kaspersky Lab'));
of 'one by its name', block => whole(rpm_of('kesl', payload => 'w3.zstdio'));
of 'one by its packager', block =>
   whole(rpm_of('harbour', Packager => 'Kaspersky Lab <x@y.example>'));
of 'one of another name', pass => whole(rpm_of('harbour', Vendor => 'Harbour'));
of 'one that replaces the product', let =>
   whole(rpm_of('harbour', Obsoletes => 'kesl'));


# --- extensions, packages of languages --------------------------------------------

my $key = key_of('rsa');

sub manifest {
    return zip_made(['manifest.json', utf $_[0]], ['x.js', 'x']);
}

of 'an extension of Chrome by its identifier', block => whole(crx3_of(
   manifest('{"manifest_version":3,"name":"x","version":"1"}'),
   [['rsa', $key]], id => pack('H*', 'ahkjpbeeocnddjkakilopmfdlnjdpcdm'
                                     =~ tr/a-p/0-9a-f/r)));
of 'one by its name', noted => whole(crx3_of(
   manifest('{"manifest_version":3,"name":"Kaspersky Protection",'
            . '"version":"1"}'), [['rsa', $key]]));
of 'one of somebody else', pass => whole(crx3_of(
   manifest('{"manifest_version":3,"name":"Reader","version":"1"}'),
   [['rsa', $key]]));
of 'one of somebody else that speaks of the vendor', let => whole(crx3_of(
   manifest('{"manifest_version":3,"name":"Reader","version":"1",'
            . '"description":"Works beside Kaspersky"}'), [['rsa', $key]]));
of 'an extension of Firefox by its author', block => whole(manifest(
   '{"manifest_version":2,"name":"x","version":"1","author":"AO Kaspersky Lab",'
   . '"browser_specific_settings":{"gecko":{"id":"x@y.example"}}}'));

sub nuspec {
    my ($id, $author, $tags) = @_;

    return zip_made(["$id.nuspec", '<?xml version="1.0"?><package><metadata>'
                     . "<id>$id</id><version>1</version><authors>$author"
                     . "</authors><tags>$tags</tags></metadata></package>"],
                    ['tools/chocolateyInstall.ps1', 'exit']);
}

of 'a package of Chocolatey by its identifier', block => whole(nuspec('kvrt',
                                                               'x', 'x'));
of 'one by its author', block => whole(nuspec('x', 'Kaspersky Lab', 'x'));
of 'one of a rival, with the name as a tag', let =>
   whole(nuspec('x', 'Malwarebytes', 'antivirus kaspersky-alternative'));
of 'a package of npm that mentions it', let => whole(gz(packed_by_tool('tar',
   [qw(tar -cf OUT package)], 'package/package.json',
   '{"name":"domain-lists","version":"1.0.0","author":"x"}',
   'package/README.md', "# Lists\n\nKaspersky, Norton and others\n",
   'package/data/kaspersky', "kaspersky.com\nkaspersky-labs.com\n")));
of 'a wheel of Python that mentions it', let => whole(zip_made(
   ['x-1.dist-info/METADATA', "Metadata-Version: 2.1\nName: avscan\nVersion: 1\n"
    . "Summary: Starts Kaspersky and ClamAV\n\nKaspersky is run so:\n"],
   ['x/__init__.py', 'AV = "Kaspersky"']));
of 'a manifest of winget', block => whole("PackageIdentifier: Kaspersky."
   . "KasperskyTotalSecurity\nPackageVersion: 21.3\nInstallers:\n"
   . "- Architecture: x86\n  InstallerUrl: https://neutral.example/x.exe\n"
   . "ManifestType: installer\nManifestVersion: 1.4.0\n",
   'Content-Type: text/plain'), url => 'http://raw.neutral.example/*/x.yaml',
   todo => 'text is not read';
of 'a manifest of winget of somebody else', pass => whole(
   "PackageIdentifier: Harbour.Tool\nPackageVersion: 1\nInstallers:\n"
   . "- Architecture: x86\n  InstallerUrl: https://neutral.example/x.exe\n"
   . "ManifestType: installer\nManifestVersion: 1.4.0\n",
   'Content-Type: text/plain'), url => 'http://raw.neutral.example/*/x.yaml';
of 'the index of a mirror that has the package among others', let => whole(
   join("\n", map { "Package: $_\nVersion: 1\nArchitecture: all\nFilename: "
                    . "pool/$_.deb\n" } 'aa' .. 'cc', 'kesl', 'zz'),
   'Content-Type: text/plain'), url => 'http://deb.neutral.example/*/Packages';


# --- archives --------------------------------------------------------------------

sub seven {
    my ($ext, $options, @files) = @_;

    return packed_by_tool($ext, ['7z', 'a', '-bso0', '-bsp0', @$options, 'OUT',
                                 '.'], @files);
}

my @one = ('setup.exe', $bad);
my $zip = seven(zip => [], @one);
my $sevenz = seven('7z' => [], 'a.zip', $zip);

sub iso_of {
    return packed_by_tool('iso', [qw(xorriso -report_about FATAL -as mkisofs -J -r -o OUT .)],
                          @_);
}

of 'a zip in a 7z in an image of a disc', block => whole(iso_of('a.7z',
                                                                $sevenz));
of "a zip by $_", block => whole(seven(zip => ["-mm=$_"], @one))
    for qw(LZMA BZip2 PPMd);
of 'a zip by Deflate64', block => whole(seven(zip => ['-mm=Deflate64'], @one)),
   todo => 'recorded, not read';
of 'a tar.xz in a zip', block => whole(seven(zip => [], 'a.tar.xz',
   packed_by_tool('txz', [qw(tar -cJf OUT setup.exe)], @one)));
of 'a program packed by zstd', block =>
   whole(packed_by_tool('zst', [qw(zstd -q -o OUT setup.exe)], @one));
of 'a program packed by xz in one packed by bzip2', block => whole(do {
    my $at = tree(@one);

    tool(['sh', '-c', 'xz -c setup.exe | bzip2 -c > x'], dir => $at);
    file_text("$at/x");
});
of 'a program in the old lzma', block => whole(do {
    my $at = tree(@one);

    tool(['sh', '-c', 'xz --format=lzma -c setup.exe > x'], dir => $at);
    file_text("$at/x");
});
of 'a program packed by lz4', block => whole(do {
    my $at = tree(@one);

    tool(['sh', '-c', 'lz4 -qc setup.exe > x'], dir => $at);
    file_text("$at/x");
}) if has_tool('lz4');
of 'a WIM', block => whole(seven(wim => ['-twim'], @one));
of 'a disk', block => whole('conectix' . $noise . $bad . $noise);
of 'a disk of another firm', log => whole('conectix' . $noise . $fine . $noise);
of 'a page that carries it in a script, saved', block => whole(
   '<html><script>var a = atob("' . encode_base64($bad, '') . '");</script>',
   'Content-Type: text/html', 'Content-Disposition: attachment');
of 'a script that carries it', block => whole("#!/bin/sh\nbase64 -d > x.exe <<"
   . "EOF\n" . encode_base64($bad) . "EOF\n"),
   url => 'http://x.neutral.example/*/setup.sh';
of "a page that carries somebody else's", pass => whole(
   '<html><script>var a = atob("' . encode_base64($fine, '') . '");</script>',
   'Content-Type: text/html', 'Content-Disposition: attachment');
of 'a document with a program that is not packed', block => whole(
   "%PDF-1.7\n3 0 obj\n<</Length " . length($bad) . ">>\nstream\r\n$bad\r\n"
   . "endstream\nendobj\n%%EOF\n", 'Content-Disposition: attachment');
of "a document with somebody else's", pass => whole(do {
    deflate(\$fine => \my $z);
    "%PDF-1.7\n3 0 obj\n<</Filter/FlateDecode>>\nstream\n$z\nendstream\n"
    . "endobj\n%%EOF\n";
}, 'Content-Disposition: attachment');
# libarchive reads some of these and not others.

of 'a 7z packed by PPMd', noted =>
   whole(seven('7z' => ['-m0=PPMd', '-mhc=on'], @one));
of 'a solid 7z with much before it', block =>
   whole(seven('7z' => ['-ms=on'], 'a.bin', $noise x 8, @one));
of 'an archive in RAR, stored', block => whole(do {
    require Compress::Zlib;

    my $block = sub {
        my ($type, $flags, $data, $more) = @_;
        my $head = pack('C v v', $type, $flags, 7 + length $data) . $data;

        return pack('v', Compress::Zlib::crc32($head) & 0xffff) . $head
               . ($more // '');
    };

    "Rar!\x1a\7\0" . $block->(0x73, 0, "\0" x 6)
    . $block->(0x74, 0x8000, pack('V V C V V C C v V', length $bad, length $bad,
                                  2, Compress::Zlib::crc32($bad), 0x21 << 16,
                                  20, 0x30, 9, 0x20) . 'setup.exe', $bad)
    . $block->(0x7b, 0x4000, '');
});
of 'two archives one after the other, the first bad', block =>
   whole($zip . zip_made(['read.txt', 'x']));
of 'two archives one after the other, the second bad', block =>
   whole(zip_made(['read.txt', 'x']) . $zip);
of 'a zip without its directory', block =>
   whole(substr $zip, 0, index($zip, "PK\1\2"));
of 'a zip whose local name is another', block => whole(zip_made(
   ['read.txt', $bad, local => 'setup.exe']));
of 'a zip that says it is encrypted and is not', noted => whole(zip_made(
   ['setup.exe', $bad, flags => 1]));
of 'a picture with an archive behind it', block => whole(
   "\xff\xd8\xff\xe0\0\20JFIF\0\1\1\0\0\1\0\1\0\0" . $noise . "\xff\xd9" . $zip,
   'Content-Type: image/jpeg', 'Content-Disposition: attachment;filename=a.jpg');
of 'a document with a program inside', block => whole(do {
    deflate(\$bad => \my $z);
    "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Names<</EmbeddedFiles<</Names[(x.exe) "
    . "2 0 R]>>>>>>\nendobj\n2 0 obj\n<</Type/Filespec/F(x.exe)/EF<</F 3 0 R>>>>"
    . "\nendobj\n3 0 obj\n<</Type/EmbeddedFile/Filter/FlateDecode/Length "
    . length($z) . ">>\nstream\n$z\nendstream\nendobj\ntrailer\n<</Root 1 0 R>>"
    . "\n%%EOF\n";
}, 'Content-Type: application/pdf', 'Content-Disposition: attachment');
of 'a document of Word with a program inside', block => whole(zip_made(
   ['[Content_Types].xml', '<Types/>'], ['word/document.xml', '<w:document/>'],
   ['word/embeddings/a.bin', $bad]));
of 'a mail with it attached', block => whole("From: a\@b.example\nSubject: x\n"
   . "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
   . "Content-Type: application/octet-stream; name=x.exe\n"
   . "Content-Transfer-Encoding: base64\n\n" . encode_base64($bad) . "--b--\n",
   'Content-Type: message/rfc822'), url => 'http://x.neutral.example/*/a.eml';
of 'a script that unpacks itself', block => whole(
   "#!/bin/sh\ntail -n +4 \$0 | tar xz\nexit 0\n\n"
   . packed_by_tool('tgz', [qw(tar -czf OUT setup.exe)], @one));


# --- sealed and too much ------------------------------------------------------------

of 'a sealed zip with a listed name', block =>
   whole(seven(zip => ['-psecret'], 'kis21.3.10.391en_26096.exe', $fine));
of 'a sealed zip', noted => whole(seven(zip => ['-psecret'], 'x.doc', $noise));
of 'a sealed 7z, with its names', noted =>
   whole(seven('7z' => ['-psecret', '-mhe=on'], 'x.doc', $noise));
of 'a million members', noted => whole(do {
    my $entry = pack('V v4 V3 v5 V2', 0x02014b50, 20, 20, 0, 0, 0, 0x21, 0, 0,
                     0, 1, 0, 0, 0, 0, 0, 0) . 'x';
    my $local = pack('V v v4 V3 v2', 0x04034b50, 20, 0, 0, 0, 0x21, 0, 0, 0, 1,
                     0) . 'x';
    my $d = $entry x 1_000_000;
    $local x 1_000_000 . $d . pack('V v4 V2 v', 0x06054b50, 0, 0, 65535, 65535,
                                   length $d, 31_000_000, 0);
});


# --- names of members ----------------------------------------------------------------

my $name = 'kis21.3.10.391en_26096.exe';
my %tricks = (
    'as it is' => $name,
    'in capitals' => uc $name,
    'in a folder' => "a/b/$name",
    'with backslashes' => "a\\b\\$name",
    'with a dot behind' => "$name.",
    'with a blank behind' => "$name ",
    'in wide letters' => utf(join '', map { /[!-~]/ ? chr(ord($_) + 0xfee0)
                                                    : $_ } split //, $name),
    'with a soft hyphen' => utf("kis21.3.10\x{ad}.391en_26096.exe"),
    'with no width' => utf("kis21\x{200b}.3.10.391en_26096\x{2060}.exe"),
    'with a mark of direction' => utf("\x{202e}$name"),
    'with a zero behind' => "$name\0.txt",
);

of "a listed name in a zip, $_", block => whole(zip_made([$tricks{$_}, 'x' x 99]))
    for sort keys %tricks;
of 'a listed name in a tar', block => whole(packed_by_tool('tar',
   [qw(tar -cf OUT .)], "x/$name", 'x'));
of 'a name of another file in a zip', pass => whole(zip_made(
   ['kis21.txt', 'x'], ['kiss.exe.txt', 'y']));


# --- who is meant ----------------------------------------------------------------------

of 'a program of a rival', pass => whole(file_text(sign_file($plain, $rival)));
of 'a program of a firm whose name bears the listed one', block =>
   whole(file_text(sign_file($plain, $fruits)));
of 'a program of a name that the list excepts', pass =>
   whole(file_text(sign_file($plain, $person)));
of 'a program of two words', pass => whole(file_text(sign_file($plain, $sky)));
of "a rival's installer that removes the product", let => whole(file_text(
   sign_file(program_of(version => { CompanyName => 'Malwarebytes Inc.',
   ProductName => 'Malwarebytes', FileDescription =>
   'Removes Kaspersky Internet Security' }), $rival)));
of "a rival's archive with a script that removes it", let => whole(zip_made(
   ['setup.exe', $fine], ['remove/kaspersky_remove.vbs',
    'If product = "Kaspersky" Then shell.Run "msiexec /x"'],
   ['remove/kaspersky.txt', 'Kaspersky Endpoint Security 11']));
of 'a source of lists', let => whole(packed_by_tool('tgz',
   [qw(tar -czf OUT domain-list)], 'domain-list/data/kaspersky',
   "kaspersky.com\n", 'domain-list/data/others', "x.com\n"));
of 'a source with the name of the vendor in code', let => whole(zip_made(
   ['x/scan.c', 'const char *av[] = { "Kaspersky Lab", "AO Kaspersky Lab" };'],
   ['x/README.md', '# Remove Kaspersky']));


# --- what only speaks of it ---------------------------------------------------------------

my $pdf = "%PDF-1.4\n1 0 obj\n<</Title(BOD 17-01: Kaspersky)/Author(DHS)>>\n"
        . "endobj\n2 0 obj\n<</Length 60>>\nstream\nBT (Removal of Kaspersky-"
        . "branded products) Tj ET\nendstream\nendobj\ntrailer\n<</Info 1 0 R>>"
        . "\n%%EOF\n";

of 'a text', pass => whole("Kaspersky products are to be removed.\n" x 99,
                           'Content-Type: text/plain');
of 'a read-me that is saved', pass => whole("# Kaspersky\n" x 99,
   'Content-Disposition: attachment; filename=README.md');
of 'a document', let => whole($pdf, 'Content-Type: application/pdf');
of 'a document that is called by it', let => whole($pdf,
   'Content-Type: application/pdf', 'Content-Disposition: attachment; '
   . 'filename="bod-17-01-kaspersky.pdf"');
of 'a document of Word', let => whole(zip_made(
   ['[Content_Types].xml', '<Types/>'], ['word/document.xml',
    '<w:document><w:t>Kaspersky Lab</w:t></w:document>'],
   ['docProps/core.xml', '<cp:coreProperties><dc:title>Kaspersky</dc:title>'
    . '<dc:creator>Jo</dc:creator></cp:coreProperties>']));
of 'a table', pass => whole("vendor,status\nKaspersky,banned\n" x 50,
                            'Content-Type: text/csv');
of 'a mail about it', let => whole("From: a\@b.example\nSubject: Kaspersky ban\n"
   . "\nKaspersky Lab\n", 'Content-Type: message/rfc822');
of 'a picture with its name in a comment', let => whole(
   "\xff\xd8\xff\xfe\0\x0bKaspersky\xff\xdb" . $noise . "\xff\xd9",
   'Content-Type: image/jpeg');
of 'a font', pass => whole("\0\1\0\0\0\x0a" . $noise, 'Content-Type: font/ttf');
of 'a font of the web', pass => whole("wOF2\0\1\0\0$noise",
                                      'Content-Type: font/woff2');
of 'a film', pass => whole("\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41$noise",
                           'Content-Type: video/mp4');
of 'a sound', pass => whole("ID3\3\0\0\0\0\0\0$noise", 'Content-Type: audio/mpeg');
of 'WebAssembly', pass => whole("\0asm\1\0\0\0$noise",
                                'Content-Type: application/wasm');
of 'a database', pass => whole("SQLite format 3\0$noise Kaspersky $noise");
of 'a program of Linux', pass => whole(file_text('/bin/true'));
of 'a list of hashes', pass => whole(join('', map { sprintf "%064x  x%d\n", $_,
   $_ } 1 .. 999), 'Content-Type: text/plain');
of 'JSON', pass => whole('{"vendors":["Kaspersky","Norton"]}',
                         'Content-Type: application/json');

judge_cases(cases => \@cases);

done_testing();

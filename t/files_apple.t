#!/usr/bin/perl

# `debar inspect FILE`: packages, programs and disk images of Apple's, extensions
# of Chrome's: who signed them, whether that holds, and what they are.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA;
use Test::More;

use Debar::Test;
use Debar::Test::Apple;
use Debar::Test::Signed;

my $dir = test_dir();
my $n = 0;

sub told { return inspect_file($_[0]) }
sub told_bytes { return told(write_file("$dir/made" . ++$n, $_[0])) }

# A copy with other bytes.

sub changed {
    my ($file, $code) = @_;
    my $bytes = file_text($file);

    $code->($bytes) for 1;

    return told_bytes($bytes);
}

sub packages_of {
    my ($told, $depth) = @_;

    return join ' ', map { "$_->{name}:$_->{value}" }
                         found_of($told, 'package', $depth);
}

sub fields_of {
    my ($told) = @_;

    return { map { $_->{name} => $_->{value} } found_of($told, 'field', 0) };
}

sub members_of {
    my ($told) = @_;

    return join ' ', map { $_->{name} } found_of($told, 'file', 1);
}

my $acme = signer_of('/O=Acme Rocket, Inc./OU=ACME123456/CN=Developer ID'
                     . ' Installer: Acme Rocket, Inc. (ACME123456)');
my $code = signer_of('/O=Acme Rocket, Inc./OU=ACME123456/CN=Developer ID'
                     . ' Application: Acme Rocket, Inc. (ACME123456)');
my $other = signer_of('/O=Quiet Harbour Ltd/CN=Quiet Harbour');


# --- flat packages ------------------------------------------------------------

my $info = '<?xml version="1.0"?><pkg-info format-version="2"'
         . ' identifier="com.acme.shield.pkg" version="7.1"><bundle'
         . ' path="./Shield.app" id="com.acme.shield"/><bundle'
         . ' id="com.acme.shield"/></pkg-info>';
my $distribution = '<?xml version="1.0"?><installer-gui-script'
                 . ' minSpecVersion="1"><title>Rocket Shield</title>'
                 . '<pkg-ref id="com.acme.shield.pkg"/><product'
                 . ' id="com.acme.product" version="7.2"/>'
                 . '</installer-gui-script>';
my @files = (['Distribution', $distribution],
             ['shield.pkg/PackageInfo', $info],
             ['shield.pkg/Scripts/postinstall', "#!/bin/sh\nexit 0\n",
              'stored'],
             ['shield.pkg/Resources/readme.txt', "A text.\n" x 100]);
my $how = 'xar Acme Rocket, Inc./Developer ID Installer: Acme Rocket, Inc.'
        . ' (ACME123456)';

my $told = told(xar_of(files => \@files));

is((found_of($told, 'file', 0))[0]{type}, 'xar', 'a package is a xar');
is signers_of($told), '', '... nobody signed it';
is packages_of($told, 0), 'apple:com.acme.shield.pkg apple:com.acme.product'
   . ' apple:com.acme.shield.pkg apple:com.acme.shield',
   '... which packages it installs';
is_deeply fields_of($told), { Title => 'Rocket Shield', Version => '7.1' },
          '... what it is called';
is members_of($told), join(' ', map { $_->[0] } @files), '... and its files';
is((grep { $_->{name} =~ /postinstall/ } found_of($told, 'file', 1))[0]{type},
   'script', '... by their bytes');
is_deeply $told->{bounds}, [], '... all of them';

for my $hash (qw(sha1 sha256 sha512)) {
    is signers_of(told(xar_of(files => \@files, signer => $acme,
                              hash => $hash))), "$how holds, $how holds",
       "signed, both ways, with $hash";
}

is signers_of(told(xar_of(files => \@files, signer => $acme, cms => 0,
                          message => 1))), "$how holds",
   'the digest signed as a message';

my $pkg = xar_of(files => \@files, signer => $acme, hash => 'sha256');

$told = told($pkg);
is((found_of($told, 'signer'))[0]{issuer}, 'Code authority of the test',
   'its issuer');
like packages_of($told, 0), qr/\bapple-team:ACME123456\b/, '... its team';
is fields_of($told)->{Developer}, 'Acme Rocket, Inc.', '... and who that is';
is signers_of(told(xar_of(files => \@files, signer => $other, cms => 0))),
   'xar Quiet Harbour Ltd/Quiet Harbour holds', 'another signer';

my $broken = "$how broken, $how broken";
my $at = index file_text($pkg), "#!/bin/sh\nexit 0\n";

is signers_of(changed($pkg, sub { substr($_[0], $at, 1) = '%' })), $broken,
   'one byte of a file changed';
is signers_of(changed($pkg, sub { substr($_[0], 40, 1) ^= "\1" })) =~ /holds/,
   '', 'one byte of the table of contents changed';

my $heap = 28 + unpack 'Q>', substr file_text($pkg), 8, 8;

is signers_of(changed($pkg, sub { substr($_[0], $heap, 1) ^= "\1" })), $broken,
   'one byte of its digest changed';
is signers_of(changed($pkg, sub { substr($_[0], $heap + 40, 1) ^= "\1" })),
   "$how broken, $how holds", 'one byte of the first signature changed';
is signers_of(changed($pkg, sub { $_[0] .= 'tail' x 10 })),
   "$how appended, $how appended", 'bytes behind it';
is signers_of(changed($pkg, sub { $_[0] .= 'ticket' x 10 . "t8lr" . "\0" x 12
                                })), "$how holds, $how holds",
   'a ticket behind it, as notaries put it';
is signers_of(changed($pkg, sub { $_[0] = substr $_[0], 0, -30 })), $broken,
   'cut off at its end';
is signers_of(changed($pkg, sub { substr($_[0], $heap) = '' })), $broken,
   'nothing left but the table of contents: its certificates are in it';

my $outer = xar_of(files => [['inner.pkg', file_text($pkg)]]);

is signers_of(told($outer), 1), "$how holds, $how holds", 'inside of another';

# other encodings, by tools that make them

for my $c (['bzip2', 'application/x-bzip2'], ['xz', 'application/x-lzma']) {
    my $in = write_file("$dir/in", "packed by $c->[0]\n" x 50);
    my $r = run_command([$c->[0], '-kc', $in]);

    SKIP: {
        skip "$c->[0] is not installed", 1 if $r->{status};

        my ($f) = found_of(told(xar_of(files => [['a.txt', file_text($in),
                                                  $c->[1], $r->{out}]])),
                           'file', 1);

        is "$f->{type} $f->{size}", 'text ' . -s $in, "a file packed by $c->[0]";
    }
}

SKIP: {
    my $r = run_command(['bsdtar', '--version']);

    skip 'bsdtar is not installed', 1 if $r->{status};

    mkdir "$dir/tree";
    write_file("$dir/tree/PackageInfo", $info);
    run_command(['bsdtar', '-cf', "$dir/bsd.xar", '--format', 'xar', '-C',
                 $dir, 'tree']);
    is packages_of(told("$dir/bsd.xar"), 0),
       'apple:com.acme.shield.pkg apple:com.acme.shield',
       'one that libarchive made';
}

# contents that are made to cost, or to mislead

sub with_contents {
    my ($damage) = @_;

    return told(xar_of(files => \@files, signer => $acme, damage => $damage));
}

like join(',', @{with_contents(sub {
         $_[0] =~ s{<toc>}{'<toc>' . '<file>' x 1000 . '</file>' x 1000}e
     })->{bounds}}), qr/deep/, 'folders in folders';
is signers_of(with_contents(sub {
       $_[0] =~ s{<xar>}{<!DOCTYPE xar [<!ENTITY a "toc">]><xar>};
       $_[0] =~ s{<name>Dist}{<name>&a;Dist} })), "$how holds, $how holds",
   'a document type of its own';
like join(',', @{with_contents(sub {
         $_[0] =~ s{<offset>\d+</offset><size>8}{<offset>99999999999</offset><size>8}
     })->{bounds}}), qr/broken/, 'a file that lies elsewhere';
is signers_of(with_contents(sub { $_[0] =~ s{</xar>}{} })),
   "$how holds, $how holds", 'contents that end too early';


# --- programs -----------------------------------------------------------------

my $apple = 'apple Acme Rocket, Inc./Developer ID Application: Acme Rocket,'
          . ' Inc. (ACME123456)';
my %tool = (id => 'com.acme.tool', team => 'ACME123456', signer => $code);

$told = told_bytes(macho_of(id => 'com.acme.tool', adhoc => 1));
is((found_of($told, 'file'))[0]{type}, 'macho', 'a program');
is signers_of($told), '', '... signed by nobody';
is packages_of($told), 'apple:com.acme.tool', '... has its identifier';

for my $o ([], [bits => 32], [bits => 32, big => 1], [hash => 'sha1'],
           [hash => 'sha384'], [truncated => 1], [page => 0], [page => 14])
{
    is signers_of(told_bytes(macho_of(%tool, @$o))), "$apple holds",
       "a signed program: @$o";
}

my $program = macho_of(%tool, name => '@rpath/libshield.dylib');

$told = told_bytes($program);
is packages_of($told), 'apple:com.acme.tool apple-team:ACME123456'
   . ' apple-team:ACME123456', 'its identifier and team';
is fields_of($told)->{TeamIdentifier}, 'ACME123456', '... by name';
is fields_of($told)->{InstallName}, '@rpath/libshield.dylib',
   '... and how a library is called';
is_deeply $told->{bounds}, [], '... nothing was left out';

my $page = $program;

substr($page, 5000, 1) ^= "\1";
is signers_of(told_bytes($page)), "$apple broken",
   'one byte of a page changed';
is signers_of(told_bytes($program . 'tail')), "$apple appended",
   'bytes behind it';
is signers_of(told_bytes(substr $program, 0, -100)), "$apple broken",
   'cut off at its end';
is signers_of(told_bytes(macho_of(%tool, lost => 1))), "$apple appended",
   'the command that leads to the signature taken out';
is signers_of(told_bytes(macho_of(%tool, cms => ['-noattr']))), "$apple holds",
   'a message without attributes';

my $plist = '<?xml version="1.0"?><plist version="1.0"><dict><key>'
          . 'CFBundleIdentifier</key><string>com.acme.agent</string></dict>'
          . '</plist>';

$told = told_bytes(macho_of(%tool, plist => $plist));
is signers_of($told), "$apple holds", 'a program with a property list';
is members_of($told), 'Info.plist', '... which is read as a file of its own';

my $fat = universal_of(macho_of(%tool), macho_of(%tool, bits => 32, big => 1));

is signers_of(told_bytes($fat)), "$apple holds, $apple holds",
   'a universal program';
is signers_of(told_bytes(universal_of(macho_of(%tool), $page))),
   "$apple holds, $apple broken", '... with a byte of one changed';
is members_of(told_bytes($fat . "PK\3\4" . 'x' x 60)) =~ /overlay|^$/, 1,
   '... with bytes behind it';
is signers_of(told_bytes(universal_of((macho_of(%tool)) x 2, 'not a program'))),
   "$apple holds, $apple holds", '... with a slice that is none';


# a program in the payload of a package

SKIP: {
    mkdir "$dir/payload";
    write_file("$dir/payload/tool", $program);

    my $r = run_command(['bsdtar', '-cf', '-', '--format', 'odc', '-C',
                         "$dir/payload", 'tool']);

    skip 'bsdtar is not installed', 3 if $r->{status};

    my $gz = Compress::Zlib::memGzip($r->{out});

    is signers_of(told(xar_of(files => [['Payload', $gz, 'stored']])), 2),
       "$apple holds", 'in the payload of a package';

    my $pbzx = pbzx_of($r->{out}, 8192);

    is signers_of(told(xar_of(files => [['Payload', $pbzx, 'stored']])), 3),
       "$apple holds", '... packed in pieces';
    is_deeply told_bytes(substr $pbzx, 0, -10)->{bounds}, ['broken'],
              '... which are cut off';
}


# --- disk images --------------------------------------------------------------

$told = told_bytes(dmg_of());
is((found_of($told, 'file'))[0]{type}, 'dmg', 'a disk image');
is members_of($told), 'whole disk', '... and its partition';
is((found_of($told, 'file', 1))[0]{sha256},
   Digest::SHA::sha256_hex('a file system' x 4096), '... unpacked');
is_deeply $told->{bounds}, [], '... all of it';
$told = told_bytes(dmg_of(%tool, id => 'com.acme.image'));
is signers_of($told), "$apple holds", '... signed';
is packages_of($told), 'apple:com.acme.image apple-team:ACME123456'
   . ' apple-team:ACME123456', '... its identifier';

my $image = dmg_of(%tool);

substr($image, 10, 1) ^= "\1";
is signers_of(told_bytes($image)), "$apple broken", '... one byte changed';

my @parts = (['one', 'text of one ' x 8192], ['gaps', "\0" x 100000 . 'end']);

for my $c ('zlib', 'bzip2', 'xz', 'raw') {
    # what begins as bzip2 is read as that, too: its member is "data"

    is_deeply [map { $_->{sha256} } grep { $_->{name} ne 'data' }
                   found_of(told_bytes(dmg_of(parts => \@parts,
                                              codings => [$c])), 'file', 1)],
              [map { Digest::SHA::sha256_hex($_->[1]
                                         . "\0" x (-length($_->[1]) % 512)) }
                   @parts], "partitions in pieces of $c";
}

is_deeply told_bytes(dmg_of(parts => \@parts, codings => ['lzfse']))->{bounds},
          ['unread'], 'pieces of a coding that is not read';
is_deeply told_bytes("encrcdsa\0\0\0\2" . 'x' x 2000)->{bounds}, ['sealed'],
          'an encrypted image';

# file systems

my $app = macho_of(%tool, size => 60000);
my $volume = hfs_of(['Shield.app/Contents/MacOS/Shield', $app],
                    ['Shield.app/Contents/Info.plist', $plist],
                    ['Read me.txt', "Read.\n"]);

SKIP: {
    skip 'xorriso makes no HFS+', 6 if !defined $volume;

    $told = told_bytes($volume);
    is((found_of($told, 'file'))[0]{type}, 'dmg', 'a volume of HFS+');
    is join(' ', sort map { $_->{name} } found_of($told, 'file', 1)),
       'Read me.txt Shield.app/Contents/Info.plist'
       . ' Shield.app/Contents/MacOS/Shield', '... its files';
    is signers_of($told, 1), "$apple holds", '... who signed them';
    is_deeply $told->{bounds}, [], '... nothing was left out';

    $told = told_bytes(dmg_of(parts => [['Apple_HFS', $volume]]));
    is signers_of($told, 2), "$apple holds", '... inside of an image';

    my $head = pack 'a4', 'XX';

    substr($volume, 1024, 4) = $head;
    substr($volume, 32, 4) = 'NXSB';
    is signers_of(told_bytes($volume)), "$apple unchecked",
       'in a file system that is not read, whose signature lies there';
}


# --- extensions ---------------------------------------------------------------

my ($rsa, $ec) = (key_of('rsa'), key_of('ec'));
my $id = extension_of_key($rsa);

# a ZIP of one stored file

my $manifest = '{"name": "Rocket Guard", "version": "1.2",'
             . ' "manifest_version": 3}';
my $crc = Compress::Zlib::crc32($manifest);
my @entry = (10, 0, 0, 0, 0, $crc, length $manifest, length $manifest, 13, 0);
my $local = pack('a4 v5 V3 v2', "PK\3\4", @entry) . 'manifest.json'
          . $manifest;
my $central = pack('a4 v6 V3 v5 V2', "PK\1\2", 10, @entry, 0, 0, 0, 0, 0)
            . 'manifest.json';
my $zip = $local . $central
        . pack('a4 v4 V2 v', "PK\5\6", 0, 0, 1, 1, length $central,
               length $local, 0);

$told = told_bytes(crx2_of($zip, $rsa));
is((found_of($told, 'file', 0))[0]{type}, 'crx', 'an extension');
is packages_of($told, 0), "chrome:$id", '... which it is, by its key';
is signers_of($told), 'crx / holds', '... whose signature holds';
is((found_of($told, 'file', 1))[0]{sha256}, Digest::SHA::sha256_hex($zip),
   '... and its ZIP');

for my $keys ([['rsa', $rsa]], [['rsa', $rsa], ['ec', $ec]]) {
    $told = told_bytes(crx3_of($zip, $keys));
    is packages_of($told, 0), "chrome:$id", 'CRX3: which it is';
    is signers_of($told), join(', ', ('crx / holds') x @$keys),
       '... ' . @$keys . ' signatures hold';
    is_deeply [grep { $_ eq 'broken' } @{$told->{bounds}}], [],
              '... and nothing is amiss';
}

is packages_of(told_bytes(crx3_of($zip, [['ec', $ec]])), 0),
   'chrome:' . extension_of_key($ec), 'a key on a curve';
is packages_of(told_bytes(crx3_of($zip, [['rsa', $rsa]], id => "\x12" x 16)),
               0), 'chrome:' . 'bc' x 16 . " chrome:$id",
   'an identifier that is not of its key: both';

my $crx = crx3_of($zip, [['rsa', $rsa], ['ec', $ec]]);

is signers_of(told_bytes($crx . 'x')), 'crx / broken, crx / broken',
   'bytes behind it';
is packages_of(told_bytes($crx . 'x'), 0), "chrome:$id", '... it is the same';
is packages_of(told_bytes(substr $crx, 0, -10), 0), "chrome:$id",
   '... cut off, too';

my $survived = 0;

for my $cut (0 .. 40, 200, 500, 900) {
    my $t = told_bytes(substr $crx, 0, $cut);

    $survived += (found_of($t, 'file'))[0]{size} == $cut;
}

is $survived, 44, 'cut off anywhere, it is read';


# --- judged -------------------------------------------------------------------

my $list = write_list("$dir/list", phases =>
                      '{from: 2000-01-01, browse: log, acquire: block,'
                      . ' download: block, update: block}',
                      hosts => ['rocket.example'], vendor =>
                      "names: [Rocket Shield]\n"
                      . "signers: ['ACME ROCKET, INC']\n"
                      . "packages: {chrome: [$id], apple: [com.acme.tool]}\n");

sub verdict_of {
    my ($bytes) = @_;
    my $file = write_file("$dir/report" . ++$n . '.pdf', $bytes);
    my $r = run_command([debar_path(), 'inspect', '--json', '--list', $list,
                         $file]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict};
}

is verdict_of(file_text($pkg)), 'block', 'a listed signer of a package';
is verdict_of(file_text($outer)), 'block', '... inside of another';
is verdict_of($program), 'block', '... of a program';
is verdict_of($fat), 'block', '... of a universal one';
is verdict_of($image), 'block', '... of a disk image, one byte of it changed';
is verdict_of(dmg_of(parts => [['disk', 'NXSB' x 100 . $app]])), 'block',
   '... of a program in one';
is verdict_of(macho_of(id => 'com.acme.tool', adhoc => 1)), 'block',
   'a listed identifier';
is verdict_of($crx), 'block', 'a listed extension';
is verdict_of(file_text(xar_of(files => [['a', 'b']], signer => $other))),
   'pass', 'another signer of a package';
is verdict_of(macho_of(id => 'org.harbour.tool', signer => $other)), 'pass',
   '... of a program';
is verdict_of(crx3_of($zip, [['ec', $ec]])), 'pass', 'another extension';

done_testing;

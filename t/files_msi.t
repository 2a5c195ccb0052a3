#!/usr/bin/perl

# `debar inspect FILE`: packages of Windows Installer as wixl makes them, cabinets
# as gcab does, signed and changed; documents and messages with files in them.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Encode qw(encode);
use Test::More;

use Debar::Test;
use Debar::Test::Signed;

my $missing = needs_programs();

for my $tool (qw(wixl msibuild msiinfo gcab gsf)) {
    $missing ||= "$tool is not installed"
        if !grep { -x "$_/$tool" } split /:/, $ENV{PATH};
}

plan skip_all => $missing if $missing;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $dir = test_dir();
my $n = 0;


sub changed {
    my ($file, $code) = @_;
    my $bytes = file_text($file);

    $code->($bytes) for 1;

    return write_file("$dir/changed" . ++$n, $bytes);
}

sub run_here {
    my $r = run_command([@_], dir => $dir, timeout => 60);

    $r->{status} == 0 or die "@_: $r->{err}$r->{out}\n";

    return $r->{out};
}

sub told { return inspect_file($_[0]) }

sub fields_of {
    my ($told, $depth) = @_;

    return { map { $_->{name} => $_->{value} }
             found_of($told, 'field', $depth // 0) };
}

sub packages_of {
    return join ' ', map { "$_->{name}:$_->{value}" }
                     found_of($_[0], 'package', 0);
}

sub members_of {
    my ($told) = @_;

    return join ', ', map { "$_->{name} $_->{type}" }
                      found_of($told, 'file', 1);
}


# A package that installs one file, with a program among its streams.

my %ids = (product => 'ABCDDCBA-86C7-4D14-AEC0-86416A69ABDE',
           upgrade => 'ABCDDCBA-7349-453F-94F6-BCB5110BA4FD');

sub msi_of {
    my (%o) = @_;
    my $at = "$dir/package" . ++$n;
    my $program = "program$n.exe";

    # wixl takes names in its folder only
    write_file("$dir/$program", file_text($o{program} // program_of()));
    write_file("$at.wxs", encode('UTF-8', <<"END"));
<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Name="$o{name}" Id="$ids{product}" UpgradeCode="$ids{upgrade}"
 Language="1033" Codepage="65001" Version="7.1.0" Manufacturer="$o{maker}">
<Package Id="*" Description="$o{name}" Manufacturer="$o{maker}"
 Comments="Says what it is" InstallerVersion="100" Languages="1033"
 Compressed="yes" SummaryCodepage="65001"/>
<Media Id="1" Cabinet="files.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir">
<Directory Id="ProgramFilesFolder"><Directory Id="INSTALLDIR" Name="Rocket">
<Component Id="Main" Guid="ABCDDCBA-83F1-4F22-985B-FDB3C8ABD471">
<File Id="key0" Name="rocket shield.exe" Source="$program" KeyPath="yes"/>
</Component></Directory></Directory></Directory>
<Binary Id="helper" SourceFile="$program"/>
<Feature Id="All" Level="1"><ComponentRef Id="Main"/></Feature>
</Product>
</Wix>
END
    run_here('wixl', '-o', "$at.msi", "$at.wxs");

    return "$at.msi";
}

my $acme = signer_of('/O=Acme Rocket, Inc./CN=Acme Rocket');
my $other = signer_of('/O=Quiet Harbour Ltd/CN=Quiet Harbour', key => 'ec');
my $holds = 'authenticode Acme Rocket, Inc./Acme Rocket holds';
my $broken = 'authenticode Acme Rocket, Inc./Acme Rocket broken';
my $appended = 'authenticode Acme Rocket, Inc./Acme Rocket appended';


# --- a package, not signed ----------------------------------------------------

my $plain = msi_of(name => 'Rocket Shield', maker => 'Acme Rocket, Inc.');
my $told = told($plain);
my ($file) = found_of($told, 'file', 0);
my ($code) = run_here('msiinfo', 'suminfo', $plain) =~ /UUID\): \{(.*)\}/;

is "$file->{type} $file->{class}", 'ole package', 'a package is a package';
is signers_of($told), '', '... nobody signed it';
is_deeply fields_of($told),
          { Manufacturer => 'Acme Rocket, Inc.',
            ProductName => 'Rocket Shield', ProductVersion => '7.1.0',
            FileName => 'rocket shield.exe', Title => 'Installation Database',
            Subject => 'Rocket Shield', Author => 'Acme Rocket, Inc.',
            Comments => 'Says what it is' },
          '... its tables and its summary say who made what';
is_deeply { map { $_->{name} => $_->{says} } found_of($told, 'field', 0) },
          { Manufacturer => 'maker', ProductName => 'product',
            ProductVersion => 'version', FileName => 'file', Title => 'text',
            Subject => 'product', Author => 'maker', Comments => 'text' },
          '... each in its role';
is_deeply [sort split / /, packages_of($told)],
          [sort map { "msi:{$_}" } values %ids, $code],
          '... the codes of product, upgrades and package are identifiers';
is members_of($told), 'Binary.helper pe, files.cab cab',
   '... and what is packed in it is read';
is_deeply $told->{bounds}, [], '... nothing was left out';

my $wide = msi_of(name => 'Ракета', maker => 'АО Ракета');

is fields_of(told($wide))->{Author}, 'АО Ракета', 'in other letters';

my $cyrillic = changed($wide, sub { });

# the code page is set by the import of a table of this name
write_file("$dir/_ForceCodepage.idt", "\r\n\r\n1251\t_ForceCodepage\r\n");
run_here('msibuild', $cyrillic, '-i', '_ForceCodepage.idt');
run_here('msibuild', $cyrillic, '-q', encode 'UTF-8',
         'UPDATE `Property` SET `Value` = '
         . "'Ракета' WHERE `Property` = 'ProductName'");
is fields_of(told($cyrillic))->{ProductName}, 'Ракета',
   '... in a code page of Windows';
like file_text($cyrillic), qr/\xd0\xe0\xea\xe5\xf2\xe0/, '... which it is';

my $old = changed($plain, sub { });

run_here('msibuild', $old, '-q', 'UPDATE `Property` SET `Value` ='
         . " 'Acme AG' WHERE `Property` = 'Manufacturer'");
is fields_of(told($old))->{Manufacturer}, 'Acme AG',
   'as msibuild wrote it anew';


# --- signed -------------------------------------------------------------------

for my $h (qw(sha1 sha256 sha384 md5)) {
    is signers_of(told(sign_file($plain, $acme, '-h', $h))), $holds,
       "signed with $h";
}

my $signed = sign_file($plain, $acme, '-h', 'sha256');
my $pdf = write_file("$dir/report.pdf", file_text($signed));

is signers_of(told($pdf)), $holds, 'whatever it is called';
is signers_of(told(sign_file($plain, $other))),
   'authenticode Quiet Harbour Ltd/Quiet Harbour holds', 'by another signer';
is signers_of(told(sign_file(sign_file($plain, $other), $acme, '-nest'))),
   'authenticode Quiet Harbour Ltd/Quiet Harbour holds, '
   . 'authenticode-nested Acme Rocket, Inc./Acme Rocket holds',
   'a second signature inside of the first';

my $ex = sign_file($plain, $acme, '-add-msi-dse');

is signers_of(told($ex)), $holds, 'with the digest of its directory';

my $carrier = msi_of(name => 'Harbour', maker => 'Quiet Harbour Ltd',
                     program => sign_file(program_of(), $acme));

is signers_of(told(sign_file($carrier, $other)), 1), $holds,
   'a signed program among the streams of another\'s package';
is signers_of(told(sign_file($carrier, $other)), 2), $holds,
   '... and in its cabinet';

SKIP: {
    my $r = run_command(['osslsigncode', 'verify', '-in', $ex]);
    my ($made) = $r->{out} =~ /Calculated DigitalSignature\s*: (\w+)/;

    skip 'this osslsigncode tells no digest', 1 if !$made;

    like $r->{out}, qr/Current DigitalSignature\s*: $made/,
         'osslsigncode makes the same digest';
}


# more sectors than the header lists the tables of

{
    my $noise = join '', map { pack 'L', rand 2 ** 32 } 1 .. 2_500_000;
    my $large = sign_file(msi_of(name => 'Large', maker => 'Acme',
                                 program => write_file("$dir/noise", $noise)),
                          $acme);

    $told = told($large);
    is signers_of($told), $holds, 'a package of ' . (-s $large) . ' bytes';
    is((grep { ($_->{sha256} // '') eq sha256_hex($noise) }
        found_of($told, 'file')), 2,
       '... whose file is found in its stream and its cabinet');
}


# --- changed ------------------------------------------------------------------

# Where the bytes of the first stream of a size of 4096 or more lie: its entry in
# the directory names its first sector.

sub entry_of {
    my ($bytes, $name) = @_;
    my $at = index $bytes, $name . "\0" x (64 - length $name);

    die 'no such entry' if $at < 0;

    return $at;
}

my $signature = "\5\0" . join '', map { "$_\0" } split //, 'DigitalSignature';

is signers_of(told(changed($signed, sub { $_[0] .= 'tail' }))), $appended,
   'bytes put behind it';
is signers_of(told(changed($signed, sub { $_[0] .= 'x' x (512 * 1000) }))),
   $appended, '... in whole sectors';
is signers_of(told(changed($ex, sub { $_[0] .= 'tail' }))), $appended,
   '... with the digest of its directory';

$told = told(changed($signed, sub { $_[0] .= file_text(program_of()) }));
is signers_of($told), $appended, '... a program';
like members_of($told), qr/overlay pe$/, '... which is read';

is signers_of(told(changed($signed, sub {
       my $at = index $_[0], 'Rocket Shield';

       substr($_[0], $at, 6) = 'Packet' }))), $broken,
   'one string of its tables changed';
is signers_of(told(changed($signed, sub {
       my $at = index $_[0], 'MSCF';

       substr($_[0], $at + 0x200, 1) ^= "\1" }))), $broken,
   'one byte of its cabinet changed';

# the time of an entry is signed with the directory only

for my $case ([$signed, $holds, 'is not signed by streams alone'],
              [$ex, $broken, 'is signed with the directory'])
{
    is signers_of(told(changed($case->[0], sub {
           my $at = entry_of($_[0], $signature);

           # the first entry behind the root's
           my $dir = unpack 'V', substr $_[0], 48, 4;

           $at = ($dir + 1) * 512 + 128;
           $at += 128 while substr($_[0], $at, 2) eq "\5\0";
           substr($_[0], $at + 0x64, 8) = 'changed!' }))), $case->[1],
       "a time in the directory $case->[2]";
}

is signers_of(told(changed($signed, sub {
       my $at = entry_of($_[0], $signature);
       my $sector = unpack 'V', substr $_[0], $at + 0x74, 4;
       my $len = unpack 'V', substr $_[0], $at + 0x78, 4;

       # small streams lie in the root's
       my $root = unpack 'V', substr $_[0],
                  (unpack('V', substr $_[0], 48, 4) + 1) * 512 + 0x74, 4;
       my $from = $len >= 4096 ? ($sector + 1) * 512
                               : ($root + 1) * 512 + 64 * $sector;

       # the message itself: no outer shape that could be read
       substr($_[0], $from + 1, 3) = "\x85\xff\xff" }))), $broken,
   'the message is none any more: its certificate still names them';

# an entry to which nothing leads: who led to it leads to what was behind it

is signers_of(told(changed($signed, sub {
       my $dir = (unpack('V', substr $_[0], 48, 4) + 1) * 512;
       my $of = (entry_of($_[0], $signature) - $dir) / 128;
       my ($left, $right) = unpack 'VV', substr $_[0], $dir + 128 * $of + 0x44,
                                                8;

       die 'it has two' if $left != 0xffffffff && $right != 0xffffffff;

       my $next = $left == 0xffffffff ? $right : $left;

       for my $at (map { $dir + 128 * $_ } 0 .. $of + 40) {
           for my $link (0x44, 0x48, 0x4c) {
               if (length $_[0] > $at + $link + 4
                   && unpack('V', substr $_[0], $at + $link, 4) == $of)
               {
                   substr($_[0], $at + $link, 4) = pack 'V', $next;
               }
           }
       }
   }))), $holds, 'a signature that was taken out of the directory\'s tree';

my @sizes = (0, 8, 100, 511, 512, 600, 1024, 2000, 4096, 8192, 12000,
             (-s $signed) - 700, (-s $signed) - 1);
my $survived = 0;

for my $cut (@sizes) {
    my $t = told(changed($signed, sub { $_[0] = substr $_[0], 0, $cut }));

    $survived += (found_of($t, 'file'))[0]{size} == $cut;
}

is $survived, @sizes, 'cut off anywhere, it is read';


# --- cabinets -----------------------------------------------------------------

write_file("$dir/inside.exe", file_text(program_of()));
run_here('gcab', '-c', '-z', '-n', "$dir/plain.cab", 'inside.exe');

my $cab = "$dir/plain.cab";

($file) = found_of(told($cab), 'file', 0);
is "$file->{type} $file->{class}", 'cab archive', 'a cabinet';
is signers_of(told($cab)), '', '... nobody signed it';

for my $h (qw(sha1 sha256 sha512)) {
    is signers_of(told(sign_file($cab, $acme, '-h', $h))), $holds,
       "signed with $h";
}

my $scab = sign_file($cab, $acme);

is signers_of(told(sign_file($cab, $other))),
   'authenticode Quiet Harbour Ltd/Quiet Harbour holds', 'by another signer';
is signers_of(told(sign_file(sign_file($cab, $other), $acme, '-nest'))),
   'authenticode Quiet Harbour Ltd/Quiet Harbour holds, '
   . 'authenticode-nested Acme Rocket, Inc./Acme Rocket holds',
   'a second signature inside of the first';
is signers_of(told(changed($scab, sub { $_[0] .= 'x' x 20 }))), $appended,
   'bytes put behind it';

$told = told(changed($scab, sub { $_[0] .= file_text(program_of()) }));
is signers_of($told), $appended, '... a program';
like members_of($told), qr/overlay pe/, '... which is read';

is signers_of(told(changed($scab, sub { substr($_[0], 200, 1) ^= "\1" }))),
   $broken, 'one byte changed';
is signers_of(told(changed($scab, sub { substr($_[0], 32, 1) ^= "\1" }))),
   $broken, '... of its header';
is signers_of(told(changed($scab, sub { substr($_[0], 34, 2) = 'xx' }))),
   $holds, 'its number in a set is not signed';
is signers_of(told(changed($scab, sub { substr($_[0], 44, 8) = "\0" x 8 }))),
   $holds, 'what leads to the signature wiped';
is signers_of(told(changed($scab, sub { substr($_[0], 44, 8) = "\0" x 8;
                                        $_[0] .= 'x' x 20 }))),
   $appended, '... and bytes put behind it';
is signers_of(told(changed($scab, sub {
       my $at = unpack 'V', substr $_[0], 44, 4;

       substr($_[0], $at + 1, 3) = "\x85\xff\xff" }))), $broken,
   'the message is none any more: its certificate still names them';
is signers_of(told(changed($scab, sub { substr($_[0], -40) = '' }))), $broken,
   'cut off at its end, its signer is named';


# --- documents ----------------------------------------------------------------

# gsf makes a compound file of a folder.

sub document_of {
    my (%files) = @_;
    my $at = 'document' . ++$n;

    for my $name (keys %files) {
        my $sub = $name =~ m{^(.+)/} ? "/$1" : '';

        mkdir "$dir/$at";
        mkdir "$dir/$at$sub";
        write_file("$dir/$at/$name", $files{$name});
    }

    my @tops = map { s{/.*}{}r } sort keys %files;
    my %seen;

    my $r = run_command(['gsf', 'createole', "$dir/$at.ole",
                         grep { !$seen{$_}++ } @tops],
                        dir => "$dir/$at", timeout => 60);

    $r->{status} == 0 or die "gsf: $r->{err}\n";

    return "$dir/$at.ole";
}

my $program = file_text(sign_file(program_of(), $acme));

$told = told(document_of(WordDocument => "\xec\xa5" . 'x' x 5000));
($file) = found_of($told, 'file', 0);
is "$file->{type} $file->{class}", 'office document', 'a document is one';
is members_of($told), '', '... of text, which is no member';

$told = told(document_of(WordDocument => "\xec\xa5" . "\0" x 8 . "\0\1"
                                         . "\0" x 500));
is_deeply $told->{bounds}, ['sealed'], 'an encrypted one of Word';
$told = told(document_of(Workbook => pack('vvx16vvx6', 0x809, 16, 0x2f, 6)));
is_deeply $told->{bounds}, ['sealed'], '... of Excel';
$told = told(document_of(Workbook => pack('vvx16vvx6', 0x809, 16, 0x2e, 6)));
is_deeply $told->{bounds}, [], '... and one that is none';
$told = told(document_of(EncryptedPackage => 'x' x 100,
                         EncryptionInfo => 'x' x 100));
is_deeply $told->{bounds}, ['sealed'], '... of any of them, as they are now';

$told = told(document_of(Workbook => 'x' x 100, Payload => $program));
is members_of($told), 'Payload pe', 'a program among the streams of a document';
is signers_of($told, 1), $holds, '... and its signer';

my $packed = "\2\0tool.exe\0C:\\tool.exe\0\0\0\3\0"
           . pack('V/a*', "C:\\temp\\tool.exe\0") . pack('V/a*', $program)
           . 'behind it';

$told = told(document_of(WordDocument => 'x' x 5000,
                         "ObjectPool/\1Ole10Native" => pack('V/a*', $packed)));
is members_of($told), 'tool.exe pe', 'a program that was put into a document';
is signers_of($told, 1), $holds, '... and its signer: its bytes are exact';

my $wide_name = encode('UTF-16LE', 'отчёт.exe');

$told = told(document_of('__properties_version1.0' => 'x' x 32,
    '__attach_version1.0_#00000000/__substg1.0_37010102' => $program,
    '__attach_version1.0_#00000000/__substg1.0_3707001F' => $wide_name));
is members_of($told), 'отчёт.exe pe', 'a program attached to a message';
is signers_of($told, 1), $holds, '... and its signer';


# --- judged -------------------------------------------------------------------

my $list = write_list("$dir/list", phases =>
                      '{from: 2000-01-01, browse: log, acquire: block,'
                      . ' download: block, update: block}',
                      hosts => ['rocket.example'], vendor =>
                      "names: [Rocket Shield]\n"
                      . "signers: ['ACME ROCKET, INC']\n"
                      . "packages: {msi: ['{$ids{upgrade}}']}\n");

sub verdict_of {
    my ($name) = @_;
    my $r = run_command([debar_path(), 'inspect', '--json', '--list', $list,
                         $name]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict};
}

my $harbour = changed($plain, sub { });

run_here('msibuild', $harbour, '-q', 'UPDATE `Property` SET `Value` ='
         . " '{ABCDDCBA-2222-453F-94F6-BCB5110BA4FD}' WHERE `Property` ="
         . " 'UpgradeCode'");
run_here('msibuild', $harbour, '-q', 'UPDATE `Property` SET `Value` ='
         . " 'Quiet Harbour Ltd' WHERE `Property` = 'Manufacturer'");
run_here('msibuild', $harbour, '-q', 'UPDATE `Property` SET `Value` ='
         . " 'Harbour' WHERE `Property` = 'ProductName'");
run_here('msibuild', $harbour, '-s', 'Harbour', 'Quiet Harbour Ltd');

is verdict_of($pdf), 'block', 'a package by a listed signer, from anywhere';
is verdict_of($plain), 'block', '... not signed, by its code';
is verdict_of(sign_file($harbour, $acme)), 'block',
   'by a listed signer, whatever it says of itself';
is verdict_of(sign_file($harbour, $other)), 'pass', 'another\'s passes';
is verdict_of($scab), 'block', 'a cabinet by a listed signer';
is verdict_of(sign_file($cab, $other)), 'pass', 'another\'s passes';

done_testing;

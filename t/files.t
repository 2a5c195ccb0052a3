#!/usr/bin/perl

# `debar inspect FILE`: programs of Windows as a compiler makes them and a signer
# signs them, changed in the ways in which people change them, and those that
# Debian ships signed.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex sha256_hex);
use Encode qw(encode);
use Test::More;

use Debar::Test;
use Debar::Test::Signed;

my $missing = needs_programs();

plan skip_all => $missing if $missing;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $dir = test_dir();
my $n = 0;

# A copy with other bytes: code gets them and changes them in place.

sub changed {
    my ($file, $code) = @_;
    my $bytes = file_text($file);

    $code->($bytes) for 1;

    return write_file("$dir/changed" . ++$n, $bytes);
}

sub told { return inspect_file($_[0]) }
sub fields_of {
    my ($told) = @_;

    return { map { $_->{name} => $_->{value} } found_of($told, 'field', 0) };
}

my $acme = signer_of('/O=Acme Rocket, Inc./CN=Acme Rocket');
my $other = signer_of('/O=Quiet Harbour Ltd/CN=Quiet Harbour', key => 'ec');


# --- not signed --------------------------------------------------------------

my $plain = program_of(version => { CompanyName => 'Acme Rocket, Inc.',
                                    ProductName => 'Rocket Shield',
                                    FileDescription => 'Setup',
                                    OriginalFilename => 'rocket.exe',
                                    ProductVersion => '7.1' });
my $told = told($plain);
my ($file) = found_of($told, 'file', 0);

is $file->{type}, 'pe', 'a program is a PE';
is $file->{class}, 'program', '... and a program';
is $file->{size}, -s $plain, '... of its size';
is $file->{sha256}, sha256_hex(file_text($plain)), '... and its SHA-256';
is signers_of($told), '', '... nobody signed it';
is_deeply fields_of($told),
          { CompanyName => 'Acme Rocket, Inc.', ProductName => 'Rocket Shield',
            FileDescription => 'Setup', OriginalFilename => 'rocket.exe',
            ProductVersion => '7.1' },
          '... its version says who made what';
is_deeply { map { $_->{name} => $_->{says} } found_of($told, 'field') },
          { CompanyName => 'maker', ProductName => 'product',
            FileDescription => 'text', OriginalFilename => 'file',
            ProductVersion => 'version' },
          '... each in its role';

my $wide = program_of(version => { CompanyName => encode('UTF-8',
                                                         'АО Ракета 🚀') });

is fields_of(told($wide))->{CompanyName}, 'АО Ракета 🚀',
   'a version in other letters';


# --- signed ------------------------------------------------------------------

my $holds = 'authenticode Acme Rocket, Inc./Acme Rocket holds';

for my $h (qw(sha1 sha256 sha384 md5)) {
    is signers_of(told(sign_file($plain, $acme, '-h', $h))), $holds,
       "signed with $h";
}

my $signed = sign_file($plain, $acme, '-h', 'sha256');

$told = told($signed);

my ($signer) = found_of($told, 'signer');
my $der = run_command(['openssl', 'x509', '-in', $acme->{cert}, '-outform',
                       'DER'])->{out};

is $signer->{thumbprint}, sha1_hex($der),
   'the thumbprint is that of the certificate';
is $signer->{issuer}, 'Code authority of the test', '... and its issuer';
is_deeply $told->{bounds}, [], '... nothing was left out';

my $pdf = write_file("$dir/report.pdf", file_text($signed));

is signers_of(told($pdf)), $holds, 'whatever it is called';
is signers_of(told(sign_file($plain, $acme, '-ph', '-h', 'sha256'))), $holds,
   'with page hashes';
is signers_of(told(sign_file($plain, $other))),
   'authenticode Quiet Harbour Ltd/Quiet Harbour holds',
   'with a key on a curve, by another signer';
is signers_of(told(sign_file($plain, $acme, '-ac', $acme->{ca}))), $holds,
   'the authority, when it is sent along, is no signer';

my $two = signer_of('', mask => 'utf8only', config =>
                    "0.O=Acme Rocket, Inc.\n1.O=Rocket Holding\nCN=Acme");

is signers_of(told(sign_file($plain, $two))),
   'authenticode Acme Rocket, Inc./Acme holds, '
   . 'authenticode Rocket Holding/ holds',
   'both organizations of a subject that has two';

for my $mask (qw(utf8only default)) {
    my $s = signer_of('', mask => $mask,
                      config => encode('UTF-8', "O=АО Ракета\nCN=Ракета"));

    is signers_of(told(sign_file($plain, $s))),
       'authenticode АО Ракета/Ракета holds',
       "a name in other letters, mask $mask";
}

my $nest = sign_file(sign_file($plain, $other, '-h', 'sha1'), $acme, '-nest',
                     '-h', 'sha256');

is signers_of(told($nest)),
   'authenticode Quiet Harbour Ltd/Quiet Harbour holds, '
   . 'authenticode-nested Acme Rocket, Inc./Acme Rocket holds',
   'a second signature inside of the first';

my $stamper = signer_of('/O=Stamps of the test/CN=Stamper',
                        use => 'critical,timeStamping');

SKIP: {
    my $help = run_command(['osslsigncode', 'sign', '--help']);

    skip 'this osslsigncode makes no time stamps', 1
        if "$help->{out}$help->{err}" !~ /TSA-certs/;

    is signers_of(told(sign_file($plain, $acme, '-TSA-certs',
                                 $stamper->{cert}, '-TSA-key',
                                 $stamper->{key}))),
       $holds, 'who stamped the time did not sign the program';
}


# --- changed -----------------------------------------------------------------

my $broken = 'authenticode Acme Rocket, Inc./Acme Rocket broken';
my $appended = 'authenticode Acme Rocket, Inc./Acme Rocket appended';

# Where the certificate table is, by the headers.

sub table_of {
    my ($bytes) = @_;
    my $pe = unpack 'V', substr $bytes, 60, 4;

    return (unpack('VV', substr $bytes, $pe + 24 + 112 + 32, 8),
            $pe + 24 + 112 + 32, $pe + 24 + 64);
}

my ($table, $size, $entry, $sum) = table_of(file_text($signed));

is signers_of(told(changed($signed, sub { $_[0] .= "\0" x 7 . "tail" }))),
   $appended, 'bytes behind the signature';
is signers_of(told(changed($signed, sub { $_[0] .= 'x' x 1000000 }))),
   $appended, 'a million of them';
is signers_of(told(changed($signed, sub { substr($_[0], 0x600, 1) ^= "\1" }))),
   $broken, 'one byte of the program changed';
is signers_of(told(changed($signed, sub { substr($_[0], 0x4e, 1) ^= "\1" }))),
   $broken, 'one byte of the stub changed';
is signers_of(told(changed($signed, sub { substr($_[0], $sum, 4) = 'abcd' }))),
   $holds, 'the checksum is not signed';
is signers_of(told(changed($signed, sub { substr($_[0], $entry, 8)
                                              = "\0" x 8 }))),
   $holds, 'the directory entry wiped';
is signers_of(told(changed($signed, sub { substr($_[0], $entry, 8)
                                              = "\0" x 8;
                                          $_[0] .= 'tail' x 10 }))),
   $appended, '... and bytes put behind it';
is signers_of(told(changed($signed, sub { substr($_[0], $table + 6, 1)
                                              = "\7" }))),
   $holds, 'a certificate of an unknown kind is what it is';
is signers_of(told(changed($signed, sub { substr($_[0], $entry - 36, 1)
                                              = "\4" }))),
   $broken, 'fewer directories, none for certificates';
is signers_of(told(changed($signed, sub { substr($_[0], $table + 9, 1)
                                              = "\x85" }))),
   $broken, 'the message is none any more: its certificate still names them';
is signers_of(told(changed($signed, sub {
       substr($_[0], $table + $size - 100, 1) ^= "\1" }))),
   $broken, 'a byte of the signature itself changed';
is signers_of(told(changed($signed, sub {
       my $serial = pack('CCn', 2, 2, hex(unpack('H4', serial_of($acme))));
       my $at = rindex $_[0], $serial;

       die 'no serial' if $at < $table;
       substr($_[0], $at + 3, 1) ^= "\1" }))),
   $broken, 'another number of the certificate in the signer\'s part';

# what makes it look like something else from its end

is signers_of(told(changed($signed, sub { $_[0] .= 'koly' . "\0" x 508 }))),
   $appended, 'the trailer of a disk image behind it';
is signers_of(told(changed($signed, sub {
       $_[0] .= "\0" x (0x8001 - length $_[0]) . 'CD001' . "\0" x 5000 }))),
   $appended, 'the descriptor of another one';

# as much as is there, whatever is cut off

my @sizes = (0, 1, 60, 63, 64, 0x80, 0x88, 0x100, 0x188, 0x200, 0x400,
             $table - 1, $table, $table + 8, $table + 100, $table + $size - 1);
my $survived = 0;

for my $cut (@sizes) {
    my $t = told(changed($signed, sub { $_[0] = substr $_[0], 0, $cut }));

    $survived += (found_of($t, 'file'))[0]{size} == $cut;
}

is $survived, @sizes, 'cut off anywhere, it is read';
is signers_of(told(changed($signed, sub { $_[0] = substr $_[0], 0,
                                               $table + $size - 16 }))),
   $broken, 'cut off at its end, its signer is named';

sub serial_of {
    my $out = run_command(['openssl', 'x509', '-in', $_[0]{cert}, '-noout',
                           '-serial'])->{out};

    return pack 'H*', $out =~ /=([0-9A-F]+)/;
}


# certificates where a signature was

my $bag = run_command(['openssl', 'crl2pkcs7', '-nocrl', '-certfile',
                       $acme->{cert}, '-certfile', $acme->{ca}, '-outform',
                       'DER'])->{out};

is signers_of(told(changed($signed, sub {
       my $entry_of = pack('VvvA*', 8 + length $bag, 0x200, 2, $bag);

       substr($_[0], $table) = $entry_of . "\0" x (-length($entry_of) % 8);
       substr($_[0], $entry + 4, 4) = pack 'V', length($_[0]) - $table; }))),
   $broken, 'the certificates of a signature whose signer was taken out';


# --- messages by themselves ---------------------------------------------------

my $text = write_file("$dir/text", "a text\n");
my $cms = 'cms Acme Rocket, Inc./Acme Rocket';

sub message {
    my $out = "$dir/message" . ++$n;
    my $r = run_command(['openssl', 'cms', '-sign', '-binary', '-in', $text,
                         '-signer', $acme->{cert}, '-inkey', $acme->{key},
                         '-outform', 'DER', '-out', $out, @_]);

    $r->{status} == 0 or die $r->{err};

    return signers_of(told($out));
}

is message('-nodetach'), "$cms holds", 'CMS with its content';
is message('-nodetach', '-noattr'), "$cms holds", '... of no attributes';
is message('-nodetach', '-keyid'), "$cms holds", '... by key identifier';
is message('-nodetach', '-stream', '-indef'), "$cms holds",
   '... in BER of indefinite length';
is message('-nodetach', '-keyopt', 'rsa_padding_mode:pss'), "$cms holds",
   '... with RSASSA-PSS';
is message('-nodetach', '-keyopt', 'rsa_padding_mode:pss', '-keyopt',
           'rsa_pss_saltlen:20', '-md', 'sha384'), "$cms holds",
   '... with another salt and digest';
is message(), "$cms unchecked", 'the content is elsewhere';
is message('-nodetach', '-nocerts'), 'cms / unchecked',
   'a certificate that is elsewhere';
my $many = "$dir/many.p7";
my @hands = map { signer_of("/CN=Hand $_", key => 'ec') } 1 .. 17;

run_command(['openssl', 'cms', '-sign', '-binary', '-nodetach', '-in', $text,
             (map { ('-signer', $_->{cert}, '-inkey', $_->{key}) } @hands),
             '-outform', 'DER', '-out', $many]);
$told = told($many);
is scalar(() = found_of($told, 'signer')), 16,
   'so many signers of one message';
is_deeply $told->{bounds}, ['members'], '... and that there are more is said';
is signers_of(told(write_file("$dir/bag.p7b", $bag))), '',
   'a message of certificates is signed by nobody';


# --- signed scripts ------------------------------------------------------------

my $ps = "# caf\xc3\xa9 \xf0\x9f\x9a\x80\r\nWrite-Host \"x\"\r\n" x 100;
my $probe = run_command(['osslsigncode', 'sign', '-certs', $acme->{cert}, '-key',
                         $acme->{key}, '-in', write_file("$dir/probe.ps1", $ps),
                         '-out', "$dir/probe.out"]);

SKIP: {
    skip 'this osslsigncode signs no scripts', 7 if $probe->{status} != 0;

    my $script = sign_file(write_file("$dir/a.ps1", $ps), $acme);

    is signers_of(told($script)), $holds, 'a script of PowerShell';
    is signers_of(told(sign_file(write_file("$dir/b.ps1", "\xef\xbb\xbf$ps"),
                                 $acme))), $holds, '... with a mark';
    is signers_of(told(sign_file(write_file("$dir/c.ps1", encode('UTF-16',
           Encode::decode('UTF-8', $ps)) =~ s/(.)(.)/$2$1/gsr), $acme))),
       $holds, '... in UTF-16';
    is signers_of(told(sign_file(write_file("$dir/d.ps1xml",
                                            "<x>\r\n</x>\r\n"), $acme))),
       $holds, '... as XML';
    is signers_of(told(changed($script, sub { substr($_[0], 30, 1) = '!' }))),
       $broken, '... with one letter changed';
    is signers_of(told(changed($script, sub { $_[0] .= "more\r\n" }))),
       $appended, '... with a line behind the signature';
    is signers_of(told(write_file("$dir/e.ps1", $ps))), '', '... not signed';
}


# --- carried along -----------------------------------------------------------

my $carrier = program_of(data => [$signed]);

is signers_of(told($carrier), 1), $holds,
   'a signed program among the resources of another';

my $sfx = changed($plain, sub { $_[0] .= "7z\xbc\xaf\x27\x1c\0\4" . 'x' x 100 });

($file) = found_of(told($sfx), 'file', 1);
is "$file->{name} $file->{type} $file->{size}", 'overlay 7z 108',
   'an archive behind the program';

$sfx = changed($plain, sub { $_[0] .= ';!@Install@!UTF-8!' . ' ' x 20000
                                      . "7z\xbc\xaf\x27\x1c\0\4" . 'x' x 100 });
($file) = found_of(told($sfx), 'file', 1);
is "$file->{name} $file->{type} $file->{size}", 'overlay 7z 108',
   '... behind a text of its own';

my $cab = "MSCF\0\0\0\0" . pack('V', 50) . "\0" x 38;

$sfx = sign_file(changed($plain, sub { $_[0] .= $cab . $cab . 'xxxxxx' }),
                 $acme);
$told = told($sfx);
is_deeply [map { "$_->{type} $_->{size}" } found_of($told, 'file', 1)],
          ['cab 50', 'cab 50'],
          'two cabinets behind each other, and a signature behind both';
is signers_of($told, 0), $holds, '... which holds';

$sfx = changed($plain, sub { $_[0] .= "\0\0\0\0\xef\xbe\xad\xdeNullsoftInst"
                                      . "\0" x 100 . $cab });
is_deeply [map { $_->{type} } found_of(told($sfx), 'file', 1)], ['cab'],
          'the mark of an installer hides nothing that stands behind it';

$sfx = changed($plain, sub { $_[0] .= 'Inno Setup Setup Data (6.2.0) (u)'
                                      . 'x' x 100 });
$told = told($sfx);
is fields_of($told)->{Installer}, 'Inno Setup', 'an installer of a known kind';
is_deeply $told->{bounds}, ['unread'], '... that nothing here unpacks';

SKIP: {
    skip 'makensis is not installed', 11 if system('command -v makensis > /dev/null');

    for my $how ('SetCompressor zlib', 'SetCompressor /SOLID zlib',
                 'SetCompressor lzma', 'SetCompressor /SOLID lzma',
                 'SetCompress off')
    {
        my $installer = installer_of($how, $signed, $text);

        $told = told($installer);
        is signers_of($told, 1), $holds, "a program in an installer, $how";
        is join(' ', map { $_->{sha256} } found_of($told, 'file', 1)),
           join(' ', map { sha256_hex(file_text($_)) } $signed, $text),
           '... and all that is in it';
    }

    $told = told(installer_of('SetCompressor bzip2', $signed, $text));
    is_deeply $told->{bounds}, ['unread'], 'its own bzip2 is not read';
}

sub installer_of {
    my ($how, @files) = @_;
    my $at = "$dir/installer" . ++$n;

    write_file("$at.nsi", "$how\nOutFile \"$at.exe\"\nName Test\n"
                          . "InstallDir \"\$TEMP\"\nSection\n"
                          . "SetOutPath \$INSTDIR\n"
                          . join('', map { "File \"$_\"\n" } @files)
                          . "SectionEnd\n");

    my $r = run_command(['makensis', '-V2', "$at.nsi"], timeout => 60);

    $r->{status} == 0 or die "$r->{out}$r->{err}";

    return "$at.exe";
}

# a ZIP behind anything: as it is, with its offsets made right, ZIP64

SKIP: {
    skip 'python3 is not installed', 6 if system('command -v python3 > /dev/null');

    my $png = write_file("$dir/dot.png", "\x89PNG\r\n\x1a\n" . "\0" x 500);
    my $r = run_command(['python3', '-c', <<'END', $signed, $png, $dir]);
import io, struct, sys, zipfile

inner, png, to = sys.argv[1:]
png = open(png, 'rb').read()

def zipped(before):
    b = io.BytesIO()
    b.write(before)
    with zipfile.ZipFile(b, 'a', zipfile.ZIP_DEFLATED) as z:
        z.write(inner, 'inner.exe')
    return b.getvalue()

def zip64(d):
    cd, end = d.rfind(b'PK\1\2'), d.rfind(b'PK\5\6')
    return (d[:end]
            + struct.pack('<4sQHHIIQQQQ', b'PK\6\6', 44, 45, 45, 0, 0, 1, 1,
                          end - cd, cd)
            + struct.pack('<4sIQI', b'PK\6\7', 0, end, 1)
            + struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, 65535, 65535,
                          0xffffffff, 0xffffffff, 0))

plain = zipped(b'')
for name, data in (('1.png', png + plain), ('2.png', zipped(png)),
                   ('3.png', png + zip64(plain)),
                   ('4.sh', b'#!/bin/sh\nexit\n' + plain),
                   ('5.mp3', b'\xff\xfb\x90\x64' + bytes(100) + plain),
                   ('6.pdf', b'%PDF-1.7\n' + plain)):
    open(to + '/zip' + name, 'wb').write(data)
END

    diag $r->{err} if $r->{status} != 0;

    for my $name (qw(1.png 2.png 3.png 4.sh 5.mp3 6.pdf)) {
        like signers_of(told("$dir/zip$name")), qr/\Q$holds/,
             "a program in a ZIP behind something else, $name";
    }
}

# programs of Unix

SKIP: {
    my $script = "#!/bin/sh\n# caf\xc3\xa9\ntail -n +9 \"\$0\" | tar xz\n"
               . "exit\n" x 5000;
    my $gz = "\x1f\x8b\x08\0\0\0\0\0\0\3" . 'x' x 90;
    my $sh = write_file("$dir/setup.sh", $script . $gz);

    ($file) = found_of(told($sh), 'file', 1);
    is "$file->{name} $file->{type} $file->{size}", 'overlay gzip 100',
       'an archive behind a script';
    is scalar(found_of(told(write_file("$dir/plain.sh", $script)), 'file')), 1,
       'a script alone';

    skip 'the running program is no ELF of sections', 2
        if file_text($^X) !~ /^\x7fELF[\x01\x02]\x01/;

    my $elf = file_text($^X);

    is scalar(found_of(told($^X), 'file')), 1, 'ELF alone';
    ($file) = found_of(told(write_file("$dir/setup.bin", $elf . $gz)), 'file',
                       1);
    is "$file->{name} $file->{type} $file->{size}", 'overlay gzip 100',
       'an archive behind ELF';
}


# --- as Debian ships them ----------------------------------------------------

my @shipped = (glob('/usr/lib/shim/{fb,mm}*.efi.signed'),
               glob('/usr/lib/grub/*/grub*.efi.signed'));

SKIP: {
    skip 'shim-signed and grub-efi-amd64-signed are not installed', 1
        if !@shipped;

    for my $image (@shipped) {
        my $r = run_command(['osslsigncode', 'verify', '-in', $image]);
        my ($name) = $image =~ m{([^/]+)$};
        my ($want) = $r->{out} =~ m{Signer #0:\s+Subject: /CN=(.+)};
        my ($current) = $r->{out} =~ /Current message digest\s+: (\w+)/;
        my ($made) = $r->{out} =~ /Calculated message digest\s*: (\w+)/;

        is signers_of(told($image)), "authenticode /$want "
           . ($current eq $made ? 'holds' : 'broken'),
           "$name, as osslsigncode has it";
    }
}

# osslsigncode reads no table of two signatures.

SKIP: {
    my $shim = '/usr/lib/shim/shimx64.efi.signed';

    skip 'shim-signed is not installed', 1 if !-e $shim;

    like signers_of(told($shim)),
         qr/^authenticode\ Microsoft\ Corporation\/.*?\ holds
            (,\ authenticode\ Microsoft\ Corporation\/.*?\ holds)?$/x,
         'shim, signed twice';
}


# --- judged -------------------------------------------------------------------

my $list = write_list("$dir/list", phases =>
                      '{from: 2000-01-01, browse: log, acquire: block,'
                      . ' download: block, update: block}',
                      hosts => ['rocket.example'], vendor =>
                      "names: [Rocket Shield]\n"
                      . "signers: ['ACME ROCKET, INC']\n"
                      . "permits:\n"
                      . "  - {url: rocket.example/remover.exe, why: it removes,"
                      . " sha256: " . sha256_hex(file_text($signed)) . "}\n");

sub verdict_of {
    my ($file, @url) = @_;
    my $r = run_command([debar_path(), 'inspect', '--json', '--list', $list,
                         @url, $file]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict}
           . " $r->{status}";
}

my $elsewhere = sign_file(program_of(), $other);

is verdict_of($pdf), 'block 20', 'a listed signer, from anywhere';
is verdict_of(changed($signed, sub { $_[0] .= 'tail' })), 'block 20',
   '... with bytes behind it';
is verdict_of(changed($signed, sub { substr($_[0], 0x600, 1) ^= "\1" })),
   'block 20', '... with one byte changed';
is verdict_of($carrier), 'block 20', '... inside of another program';
is verdict_of($elsewhere), 'pass 0', 'another signer';
is verdict_of($elsewhere, '--url', 'http://rocket.example/x.exe'), 'block 20',
   '... from a listed host';
is verdict_of($signed, '--url', 'http://rocket.example/remover.exe'), 'pass 0',
   'what a permit is pinned to';
is verdict_of($carrier, '--url', 'http://rocket.example/remover.exe'),
   'block 20', '... and nothing else at its URL';
like run_command([debar_path(), 'inspect', '--list', $list, $pdf])->{out},
     qr/^  signer: .*^block/msi, 'as text: findings, then the verdict';


# --- the command -------------------------------------------------------------

my $r = run_command([debar_path(), 'inspect', $pdf]);

like $r->{out}, qr/^\Q$pdf\E: pe \(program\), \d+ bytes$/m, 'as text: the file';
like $r->{out}, qr/^  signer: Acme Rocket, Inc\. \/ Acme Rocket \(authenticode, .*\): holds$/m,
     '... its signer';
like $r->{out}, qr/^  CompanyName: Acme Rocket, Inc\.$/m, '... its version';
is run_command([debar_path(), 'inspect', "$dir/none"])->{status}, 1,
   'a file that is not there';
is run_command([debar_path(), 'inspect', $dir])->{status}, 1, 'a folder';
is run_command([debar_path(), 'inspect', '--json'])->{status}, 2, 'no file';

done_testing;

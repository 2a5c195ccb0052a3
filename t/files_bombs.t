#!/usr/bin/perl

# Files that are made to cost: `debar inspect` reads each in bounded time and
# memory, and says which bound it came to.  The worst is printed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib ();
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Signed;

# Seconds of CPU that one may take on a machine that is busy (times ten under a
# sanitizer), and address space of who reads it.

my $MOST = ($ENV{DEBAR_SLOW} || 1) * 10;
my $SPACE_MB = 1024;
my $MIB = 1024 * 1024;

my $dir = test_dir();
my %worst = (seconds => 0, name => 'none');

sub cpu { my @t = times; return $t[2] + $t[3] }

# What is told of a file that comes to this bound.

sub bounded {
    my ($name, $bytes, $bound) = @_;
    my $file = write_file("$dir/bomb", $bytes);
    my $before = cpu();
    my $limit = $ENV{DEBAR_SLOW} ? 'unlimited' : $SPACE_MB * 1024;
    my $r = run_command(['sh', '-c', "ulimit -v $limit; exec \"\$@\"", 'sh',
                         debar_path(), 'inspect', '--json', $file],
                        timeout => $MOST * 5);
    my $seconds = cpu() - $before;
    my $told = eval { JSON::PP->new->utf8->decode($r->{out}) };

    %worst = (name => $name, seconds => $seconds)
        if $seconds > $worst{seconds};

    ok($told, "$name: is read")
        or diag substr("status $r->{status} $r->{err}$r->{out}", 0, 400);
    cmp_ok($seconds, '<', $MOST, '... in bounded time');
    like(join(' ', @{$told->{bounds} || []}), $bound, '... and says so');
    diag sprintf '%-40s %6.2f s', $name, $seconds if $ENV{DEBAR_VERBOSE};

    return $told;
}


# --- what they are made of ------------------------------------------------------

# Members: name, bytes, bytes claimed, method, CRC.

sub zip_of {
    my (@members) = @_;
    my ($all, $directory) = ('', '');

    for my $m (@members) {
        my ($name, $data, $claimed, $method, $crc) = @$m;
        my $same = pack 'vvvvVVVvv', 0, $method // 0, 0, 0,
                   $crc // Compress::Zlib::crc32($data), length $data,
                   $claimed // length $data, length $name, 0;

        $directory .= pack('Vvv', 0x02014b50, 20, 20) . $same
                      . pack('vvvVV', 0, 0, 0, 0, length $all) . $name;
        $all .= pack('Vv', 0x04034b50, 20) . $same . $name . $data;
    }

    my $n = @members & 0xffff;

    return $all . $directory . pack('VvvvvVVv', 0x06054b50, 0, 0, $n, $n,
                                    length $directory, length $all, 0);
}

sub deflated {
    my ($z) = Compress::Zlib::deflateInit(-WindowBits => -15);

    return join '', $z->deflate($_[0]), $z->flush;
}

# Zeros that were flushed in full go on as often as wanted.

sub deflated_zeros {
    my ($mib) = @_;
    my ($z) = Compress::Zlib::deflateInit(-WindowBits => -15);
    my ($part) = $z->deflate("\0" x (16 * $MIB));
    my ($flushed) = $z->flush(Compress::Zlib::Z_FULL_FLUSH());

    return ($part . $flushed) x ($mib / 16) . "\3\0";
}

# Sixteen of the same in each of sixteen, and so on: 42.zip.

sub forty_two {
    my $zip = zip_of(['0.dll', deflated_zeros(1024), 1024 * $MIB, 8]);

    for (1 .. 5) {
        my $data = deflated($zip);
        my @same = ($data, length $zip, 8, Compress::Zlib::crc32($zip));

        $zip = zip_of(map { ["lib $_.zip", @same] } 'a' .. 'p');
    }

    return $zip;
}

sub nested {
    my ($n) = @_;
    my $zip = 'x';

    $zip = zip_of(['a.zip', $zip]) for 1 .. $n;

    return $zip;
}

# One member, which so many entries of the directory name.

sub overlapping {
    my ($n) = @_;
    my $zip = zip_of(['a', deflated_zeros(1024), 1024 * $MIB, 8]);
    my $at = unpack 'V', substr $zip, -6, 4;
    my $entry = substr $zip, $at, -22;

    return substr($zip, 0, $at) . $entry x $n
           . pack('VvvvvVVv', 0x06054b50, 0, 0, $n, $n, $n * length $entry, $at,
                  0);
}


# An app with as many signers as fit, each of which was signed by scheme 2, and
# whose digest is by turns the one and the other.

sub prefixed { return pack 'V/a*', $_[0] }

sub app_of_signers {
    my ($size) = @_;
    my $signer = signer_of('/O=Acme Rocket, Inc./CN=Acme Rocket', key => 'ec');
    my $der = "$dir/cert.der";
    my @both;

    run_command(['openssl', 'x509', '-in', $signer->{cert}, '-outform', 'DER',
                 '-out', $der]);

    for my $a ([0x0201, 'sha256', 32], [0x0202, 'sha512', 64]) {
        my ($id, $digest, $len) = @$a;
        my $data = prefixed(prefixed(pack('V', $id) . prefixed('x' x $len)))
                   . prefixed(prefixed(file_text($der))) . prefixed('');
        my $file = write_file("$dir/bytes", $data);

        run_command(['openssl', 'dgst', "-$digest", '-sign', $signer->{key},
                     '-out', "$file.sig", $file]);
        push @both, prefixed(prefixed($data)
                             . prefixed(prefixed(pack('V', $id)
                                        . prefixed(file_text("$file.sig")))));
    }

    my $scheme = pack('V', 0x7109871a) . prefixed(join '', (@both) x 8);
    my $pairs = pack('Q< a*', length $scheme, $scheme) x 64;
    my $length = pack 'Q<', length($pairs) + 24;
    my $zip = zip_of(['AndroidManifest.xml', 'x' x $size]);
    my $at = unpack 'V', substr $zip, -6, 4;

    substr $zip, $at, 0, "$length$pairs${length}APK Sig Block 42";
    substr $zip, -6, 4, pack 'V', $at + 16 + length($pairs) + 16;

    return $zip;
}


# --- and what is made of them ------------------------------------------------------

bounded('60,000 members', zip_of(map { ["f$_", 'x'] } 1 .. 60_000), qr/members/);
bounded('20,000 ZIPs in a ZIP',
        zip_of(map { ["f$_.zip", zip_of(['a', 'x'])] } 1 .. 20_000),
        qr/members/);
bounded('42.zip', forty_two(), qr/deep/);
bounded('4 GiB in a ZIP', zip_of(['z', deflated_zeros(4080), 0xffffffff, 8]),
        qr/expanded/);
bounded('4 GiB that a ZIP claims', zip_of(['z', 'x', 0xffffffff, 8]),
        qr/broken/);
bounded('4 GiB in gzip', "\x1f\x8b\x08\0\0\0\0\0\0\3" . deflated_zeros(4096)
        . "\0" x 8, qr/expanded/);
bounded('10,000 entries of one GiB', overlapping(10_000), qr/expanded/);
bounded('2,000 ZIPs in each other', nested(2000), qr/deep/);
bounded('200,000 ends of a directory',
        zip_of(['a', 'x']) . ("PK\5\6" . "\0" x 18) x 200_000, qr/^deep$/);
bounded('300,000 members that no directory tells',
        pack('Vvx20vv', 0x04034b50, 20, 0, 0) x 300_000 . zip_of(['a', 'x']),
        qr/^$/);

my $app = bounded('1,024 signers of an app of 60 MiB',
                  app_of_signers(60 * $MIB), qr/^$/);
my @signers = grep { $_->{found} eq 'signer' } @{$app->{findings}};

is scalar(grep { $_->{state} eq 'broken' } @signers), 1024,
   '... of whom each was looked at';

diag sprintf 'most: %.2f s, %s', $worst{seconds}, $worst{name};

done_testing;

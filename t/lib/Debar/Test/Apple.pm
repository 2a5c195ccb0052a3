package Debar::Test::Apple;

# Packages, programs and disk images of Apple's and extensions of Chrome's that a
# test makes: Debian has no tool that signs them, so the containers are put
# together here, by their documents; OpenSSL signs.

use strict;
use warnings;

use Compress::Zlib qw(compress);
use Debar::Test;
use Digest::SHA qw(sha1 sha256 sha384 sha512 sha1_hex sha256_hex sha512_hex);
use Exporter 'import';
use MIME::Base64 qw(encode_base64);

our @EXPORT = qw(xar_of pbzx_of macho_of universal_of dmg_of hfs_of crx2_of crx3_of
                 key_of extension_of_key superblob_of cms_over);

my $dir;
my $made = 0;

my %digest = (sha1 => \&sha1, sha256 => \&sha256, sha384 => \&sha384,
              sha512 => \&sha512);


sub here {
    return $dir if $dir;

    $dir = test_dir() . '/apple';
    mkdir $dir;

    return $dir;
}


sub run_or_die {
    my $r = run_command([@_], timeout => 60);

    $r->{status} == 0 or die "@_: $r->{err}$r->{out}\n";

    return $r->{out};
}


sub der_of { return run_or_die('openssl', 'x509', '-in', $_[0], '-outform',
                               'DER') }


# The signature of a digest as such (PKCS #1 1.5, ECDSA), or of bytes, by hash.

sub sign_digest {
    my ($key, $hash, $md) = @_;
    my $at = here() . '/' . ++$made;

    write_file("$at.md", $md);
    run_or_die('openssl', 'pkeyutl', '-sign', '-inkey', $key, '-pkeyopt',
               "digest:$hash", '-in', "$at.md", '-out', "$at.sig");

    return file_text("$at.sig");
}


# A detached CMS over bytes, with the signer's certificate and its authority's.

sub cms_over {
    my ($signer, $bytes, @more) = @_;
    my $at = here() . '/' . ++$made;

    write_file("$at.in", $bytes);
    run_or_die('openssl', 'cms', '-sign', '-binary', '-in', "$at.in",
               '-signer', $signer->{cert}, '-inkey', $signer->{key},
               '-certfile', $signer->{ca}, '-outform', 'DER', '-out',
               "$at.cms", @more);

    return file_text("$at.cms");
}


# --- packages -----------------------------------------------------------------

# files: [path, bytes, "gzip" | "stored" | an encoding and packed bytes];
# signer; hash (sha1, sha256, sha512); message: the RSA signature is over the
# digest as a message; rsa, cms: 0 without; damage: code that gets the table of
# contents.  Gives the path.

sub xar_of {
    my (%o) = @_;
    my $hash = $o{hash} // 'sha1';
    my $signer = $o{signer};
    my $n = length $digest{$hash}->('');
    my ($rsa, $cms, $toc) = (0, 0, '');
    my ($heap, $files, %tree) = ('', '');
    my $at = $n;
    my $id = 0;

    if ($signer) {
        if ($o{rsa} // 1) {
            $rsa = length sign_digest($signer->{key}, $hash,
                                      $digest{$hash}->(''));
            $toc .= signature_of('signature', 'RSA', $at, $rsa, $signer);
            $at += $rsa;
        }

        if ($o{cms} // 1) {
            $cms = length(cms_over($signer, $digest{$hash}->(''))) + 64;
            $toc .= signature_of('x-signature', 'CMS', $at, $cms, $signer);
            $at += $cms;
        }
    }

    for my $f (@{$o{files} // []}) {
        my ($path, $bytes, $coding, $packed) = @$f;
        my @folders = split m{/}, $path;
        my $name = pop @folders;

        $coding //= 'gzip';
        $packed //= $coding eq 'gzip' ? compress($bytes) : $bytes;

        my $style = $coding =~ m{/} ? $coding
                  : $coding eq 'gzip' ? 'application/x-gzip'
                  : 'application/octet-stream';

        $files .= "<file id=\"" . ++$id . "\"><type>directory</type>"
                . "<name>$_</name>" for @folders;
        $files .= "<file id=\"" . ++$id . "\"><data>"
                . "<length>" . length($packed) . "</length>"
                . "<offset>" . ($at + length $heap) . "</offset>"
                . "<size>" . length($bytes) . "</size>"
                . "<encoding style=\"$style\"/>"
                . "<extracted-checksum style=\"sha1\">" . sha1_hex($bytes)
                . "</extracted-checksum>"
                . "<archived-checksum style=\"sha1\">" . sha1_hex($packed)
                . "</archived-checksum></data>"
                . "<ea id=\"0\"><name>com.apple.x</name><offset>1</offset>"
                . "</ea><type>file</type><name>$name</name></file>";
        $files .= '</file>' for @folders;
        $heap .= $packed;
    }

    $toc = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xar><toc>"
         . "<creation-time>2020-01-01T00:00:00</creation-time>"
         . "<checksum style=\"$hash\"><offset>0</offset><size>$n</size>"
         . "</checksum>$toc$files</toc></xar>\n";
    $o{damage}->($toc) if $o{damage};

    my $packed = compress($toc);
    my $md = $digest{$hash}->($packed);
    my $signed = '';

    $signed .= sign_digest($signer->{key}, $hash,
                           $o{message} ? $digest{$hash}->($md) : $md) if $rsa;
    $signed .= pack "a$cms", cms_over($signer, $md) if $cms;

    my %number = (sha1 => 1, sha256 => 3, sha512 => 4);

    return write_file(here() . '/' . ++$made . '.pkg',
                      pack('a4 n n Q> Q> N', 'xar!', 28, 1, length $packed,
                           length $toc, $number{$hash})
                      . $packed . $md . $signed . $heap);
}


sub signature_of {
    my ($name, $style, $off, $size, $signer) = @_;
    my $certs = join '', map { '<X509Certificate>' . encode_base64(der_of($_))
                               . '</X509Certificate>' }
                             $signer->{cert}, $signer->{ca};

    return "<$name style=\"$style\"><offset>$off</offset><size>$size</size>"
         . "<KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>"
         . "$certs</X509Data></KeyInfo></$name>";
}


# A payload in pieces, every other one packed by xz.

sub pbzx_of {
    my ($bytes, $size) = @_;
    my $out = pack 'a4 Q>', 'pbzx', 0x1000000;
    my $at = 0;

    while ($at < length $bytes) {
        my $piece = substr $bytes, $at, $size;

        $piece = packed_by('xz', $piece) if $at / $size % 2 == 0;
        $at += $size;
        $out .= pack('Q> Q>', $at < length $bytes ? 0x1000000 : 0,
                     length $piece) . $piece;
    }

    return $out;
}


# --- programs -----------------------------------------------------------------

# A SuperBlob over $bytes, which end where it begins.  id, team, signer; hash:
# sha1, sha256, sha384; truncated; page: log2, 0: one page; adhoc.

sub superblob_of {
    my ($bytes, %o) = @_;
    my $hash = $o{hash} // 'sha256';
    my %type = (sha1 => 1, sha256 => 2, sha384 => 4);
    my $page = $o{page} // 12;
    my $size = $page ? 1 << $page : length $bytes;
    my @slots = map { $digest{$hash}->(substr $bytes, $_ * $size, $size) }
                    0 .. int((length($bytes) - 1) / $size);

    @slots = map { substr $_, 0, 20 } @slots if $o{truncated};

    my $id = ($o{id} // 'com.example.tool') . "\0";
    my $team = defined $o{team} ? "$o{team}\0" : '';
    my $req = pack 'NNN', 0xfade0c01, 12, 0;
    my @special = map { substr $_, 0, length $slots[0] }
                      $digest{$hash}->($req),
                      "\0" x length $digest{$hash}->('');
    my $head = 88;
    my $hashes = $head + length($id) + length($team)
               + length join '', @special;
    my $cd = pack('NNNN NNNNN CCCC N N N N Q> Q> Q> Q>', 0xfade0c02,
                  $hashes + length(join '', @slots), 0x20400, 0,
                  $hashes, $head, 2, scalar @slots, length $bytes,
                  length $slots[0], $o{truncated} ? 3 : $type{$hash}, 0,
                  $page, 0, 0, $team ? $head + length $id : 0, 0, 0, 0, 0, 0)
           . $id . $team . join('', @special) . join('', @slots);
    my @blobs = ([0, $cd], [2, $req]);

    if ($o{signer}) {
        my $cms = cms_over($o{signer}, $cd, @{$o{cms} // []});

        push @blobs, [0x10000, pack('NN', 0xfade0b01, 8 + length $cms) . $cms];

    } else {
        push @blobs, [0x10000, pack('NN', 0xfade0b01, 8)];
    }

    my $off = 12 + 8 * @blobs;
    my ($index, $body) = ('', '');

    for my $b (@blobs) {
        $index .= pack 'NN', $b->[0], $off + length $body;
        $body .= $b->[1];
    }

    return pack('NNN', 0xfade0cc0, $off + length $body, scalar @blobs)
         . $index . $body;
}


# A thin program.  size: bytes of code; plist: what __info_plist has; bits, big;
# name: an installed library's; the rest as superblob_of.  Gives its bytes.

sub macho_of {
    my (%o) = @_;
    my $wide = ($o{bits} // 64) == 64;
    my ($n, $q) = $o{big} ? ('N', $wide ? 'Q>' : 'N')
                          : ('V', $wide ? 'Q<' : 'V');
    my $plist = $o{plist} // '';
    my $body = join '', map { chr(($_ * 7 + ($_ >> 8)) & 255) }
                            1 .. ($o{size} // 9000);
    my $start = 0x400;
    my $limit = ($start + length($plist) + length($body) + 15) & ~15;
    my $segment = sub {
        my ($name, $off, $size, @sections) = @_;
        my $s = pack("a16 ${q}4 ${n}4", $name, $off, $size, $off, $size, 7, 5,
                     scalar @sections, 0) . join '', @sections;

        return pack("${n}2", $wide ? 0x19 : 1, 8 + length $s) . $s;
    };
    my $section = $plist eq '' ? ''
                : pack("a16 a16 ${q}2 ${n}7", '__info_plist', '__TEXT', $start,
                       length $plist, $start, 0, 0, 0, 0, 0, 0)
                  . ($wide ? "\0" x 4 : '');
    my $sign = ($o{signer} || $o{adhoc}) && !$o{lost};
    my @commands;

    push @commands, $segment->('__TEXT', 0, $start + length $plist,
                               $section || ());
    push @commands, pack("${n}6", 0x0d, 24 + 40, 24, 0, 0, 0)
                    . pack('a40', $o{name}) if $o{name};

    my $build = sub {
        my ($blob) = @_;
        my @c = (@commands,
                 $segment->('__LINKEDIT', $start + length $plist,
                            $limit - $start - length($plist) + $blob),
                 $sign ? pack("${n}4", 0x1d, 16, $limit, $blob) : ());
        my $c = join '', @c;
        my $head = pack("${n}7", 0xfeedface + $wide, 0x01000007, 3, 2,
                        scalar @c, length $c, 0) . ($wide ? "\0" x 4 : '');
        my $bytes = $head . $c;

        $bytes .= "\0" x ($start - length $bytes) . $plist . $body;
        $bytes .= "\0" x ($limit - length $bytes);

        return $bytes;
    };

    return $build->(0) if !$o{signer} && !$o{adhoc};

    my $room = length(superblob_of($build->(0), %o)) + 64;

    return $build->($room) . pack "a$room", superblob_of($build->($room), %o);
}


sub universal_of {
    my (@slices) = @_;
    my $head = pack 'NN', 0xcafebabe, scalar @slices;
    my $off = 4096;
    my $body = '';

    for my $s (@slices) {
        $body .= "\0" x (-length($body) % 4096);
        $head .= pack 'N5', 7, 3, $off + length $body, length $s, 12;
        $body .= $s;
    }

    return pack("a$off", $head) . $body;
}


# --- disk images --------------------------------------------------------------

# Partitions: [name, bytes]; they are packed in pieces, by the codings in turn:
# zlib, raw, bzip2, xz (Apple's "lzma"), lzfse (which nothing here packs).  The
# rest as superblob_of.

my %piece = (zlib => [0x80000005, \&compress], raw => [1, sub { $_[0] }],
             bzip2 => [0x80000006, sub { packed_by('bzip2', $_[0]) }],
             xz => [0x80000008, sub { packed_by('xz', $_[0]) }],
             lzfse => [0x80000007, sub { 'bvx$' }]);


sub packed_by {
    my ($tool, $bytes) = @_;
    my $in = write_file(here() . '/' . ++$made, $bytes);

    return run_or_die($tool, '-kc', $in);
}


sub dmg_of {
    my (%o) = @_;
    my @codings = @{$o{codings} // ['zlib', 'raw']};
    my $size = $o{piece} // 32768;
    my ($body, $tables) = ('', '');

    for my $p (@{$o{parts} // [['whole disk', 'a file system' x 4096]]}) {
        my ($name, $bytes) = @$p;
        my ($sector, @pieces) = (0);

        $bytes .= "\0" x (-length($bytes) % 512);

        while ($sector * 512 < length $bytes) {
            my $b = substr $bytes, $sector * 512, $size;
            my $n = length($b) / 512;

            if ($b !~ /[^\0]/) {
                push @pieces, pack 'N2 Q>4', 2, 0, $sector, $n, length $body, 0;

            } else {
                my ($type, $pack) = @{$piece{$codings[@pieces % @codings]}};
                my $packed = $pack->($b);

                push @pieces, pack('N2 Q>4', $type, 0, $sector, $n,
                                   length $body, length $packed);
                $body .= $packed;
            }

            $sector += $n;
        }

        push @pieces, pack 'N2 Q>4', 0xffffffff, 0, $sector, 0, length $body, 0;

        my $table = pack('a4 N Q>3 N2 a24 a136 N', 'mish', 1, 0, $sector, 0, 0,
                         0, '', '', scalar @pieces) . join '', @pieces;

        $tables .= "<dict><key>Attributes</key><string>0x0050</string>"
                 . "<key>CFName</key><string>$name</string><key>Data</key>"
                 . "<data>\n" . encode_base64($table) . "</data><key>ID</key>"
                 . "<string>0</string><key>Name</key><string>$name</string>"
                 . "</dict>";
    }

    my $list = "<?xml version=\"1.0\"?>\n<plist version=\"1.0\"><dict>"
             . "<key>resource-fork</key><dict><key>blkx</key><array>$tables"
             . "</array><key>plst</key><array><dict><key>Data</key><data>AAAA"
             . "</data></dict></array></dict></dict></plist>\n";
    my $all = $body . $list;
    my $blob = $o{signer} ? superblob_of($all, id => 'image', %o) : '';

    return $all . $blob
         . pack('a4 N3 Q>5 N2 a16 a136 Q>2 a64 Q>2 a200', 'koly', 4, 512, 1, 0,
                0, length $body, 0, 0, 1, 1, '', '', length $body, length $list,
                '', $blob eq '' ? 0 : length $all, length $blob, '');
}


# A volume of HFS+ with these files: [path, bytes]; undef if there is no xorriso
# that makes one.

sub hfs_of {
    my (@files) = @_;
    my $at = here() . '/' . ++$made;

    mkdir $at;

    for my $f (@files) {
        my $folder = $at;
        my @path = split m{/}, $f->[0];

        pop @path;

        for my $p (@path) {
            $folder .= "/$p";
            mkdir $folder;
        }

        write_file("$at/$f->[0]", $f->[1]);
    }

    my $r = run_command(['xorriso', '-as', 'mkisofs', '-hfsplus', '-V', 'VOLUME',
                         '-o', "$at.iso", $at]);

    return undef if $r->{status};

    my $image = file_text("$at.iso");
    my $head = index $image, "H+\0\4";

    return undef if $head < 1024;

    my ($block, $n) = unpack 'N2', substr $image, $head + 40, 8;

    return substr $image, $head - 1024, $block * $n;
}


# --- extensions ---------------------------------------------------------------

# A key of "rsa" or "ec": its file.

sub key_of {
    my ($kind) = @_;
    my $at = here() . '/' . ++$made . '.key';

    run_or_die('openssl', 'genpkey', '-out', $at,
               $kind eq 'ec' ? qw(-algorithm EC -pkeyopt
                                  ec_paramgen_curve:P-256)
                             : qw(-algorithm RSA));

    return $at;
}


sub public_of { return run_or_die('openssl', 'pkey', '-in', $_[0], '-pubout',
                                  '-outform', 'DER') }


sub extension_of_key {
    my $id = substr sha256_hex(public_of($_[0])), 0, 32;

    $id =~ tr/0-9a-f/a-p/;

    return $id;
}


sub crx2_of {
    my ($zip, $key) = @_;
    my $public = public_of($key);
    my $sig = sign_digest($key, 'sha1', sha1($zip));

    return pack('a4 V3', 'Cr24', 2, length $public, length $sig)
         . $public . $sig . $zip;
}


sub varint {
    my ($n) = @_;
    my $out = '';

    while ($n > 127) {
        $out .= chr(128 | ($n & 127));
        $n >>= 7;
    }

    return $out . chr $n;
}


sub bytes_field { return varint($_[0] << 3 | 2) . varint(length $_[1]) . $_[1] }


# keys: [kind, file], the first is the extension's own; id: another one.

sub crx3_of {
    my ($zip, $keys, %o) = @_;
    my $id = $o{id} // substr sha256(public_of($keys->[0][1])), 0, 16;
    my $data = bytes_field(1, $id);
    my $md = sha256("CRX3 SignedData\0" . pack('V', length $data) . $data
                    . $zip);
    my $head = '';

    for my $k (@$keys) {
        $head .= bytes_field($k->[0] eq 'ec' ? 3 : 2,
                             bytes_field(1, public_of($k->[1]))
                             . bytes_field(2, sign_digest($k->[1], 'sha256',
                                                          $md)));
    }

    $head .= bytes_field(4, 'verified contents') . bytes_field(10000, $data);

    return pack('a4 V2', 'Cr24', 3, length $head) . $head . $zip;
}


1;

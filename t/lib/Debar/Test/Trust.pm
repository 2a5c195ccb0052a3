package Debar::Test::Trust;

# Keys, notes, roots and manifests made by openssl and Perl, so that what the
# command makes of them, and makes itself, has something to be held against.
# What it takes is https://c2sp.org/signed-note; nothing here is checked before
# it is written: a test can make what the command would not.

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);
use Exporter 'import';
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX qw(strftime);

use Debar::Test;

our @EXPORT = qw(
    trust_key trust_vkey trust_sign trust_note trust_verifies trust_root
    trust_manifest trust_time trust_passphrase
);

my $PASSPHRASE = 'correct horse battery staple';


sub openssl {
    my (@args) = @_;
    my $r = run_command(['openssl', @args]);

    die "openssl @args: $r->{err}\n" if $r->{status} != 0;

    return $r->{out};
}


# A file with the passphrase of every key of trust_key.

sub trust_passphrase {
    my $path = test_dir() . '/passphrase';

    if (!-e $path) {
        write_file($path, "$PASSPHRASE\n");
        chmod 0600, $path;
    }

    return $path;
}


# trust_key(NAME, file => NAME, type => 4): a key by openssl, in files as `debar
# key new` writes them: {name, pub (32 bytes), vkey, id, pem (open), file,
# public}.  Type 4 is a witness's.

sub trust_key {
    my ($name, %o) = @_;
    my $file = test_dir() . '/' . ($o{file} // $name);
    my %key = (name => $name, pem => "$file.open", file => $file,
               public => "$file.pub");

    openssl('genpkey', '-algorithm', 'ed25519', '-out', $key{pem});
    $key{pub} = substr openssl('pkey', '-in', $key{pem}, '-pubout', '-outform',
                               'DER'), -32;
    @key{qw(vkey id)} = trust_vkey($name, $key{pub}, $o{type});

    my $pem = openssl('pkcs8', '-topk8', '-in', $key{pem}, '-v2',
                      'aes-256-cbc', '-passout',
                      'file:' . trust_passphrase());

    write_file($file, "debar-key $key{vkey}\n$pem");
    chmod 0600, $file;
    write_file($key{public}, "$key{vkey}\n");

    return \%key;
}


# The text of a public key, and its id in binary.

sub trust_vkey {
    my ($name, $pub, $type) = @_;
    my $typed = chr($type // 1) . $pub;
    my $id = substr sha256("$name\n$typed"), 0, 4;

    return ("$name+" . unpack('H*', $id) . '+' . encode_base64($typed, ''), $id);
}


# A signature line of the text; name: another name in it.

sub trust_sign {
    my ($text, $key, %o) = @_;
    my $in = write_file(test_dir() . '/to-sign', $text);
    my $sig = openssl('pkeyutl', '-sign', '-rawin', '-inkey', $key->{pem},
                      '-in', $in);

    return "\xe2\x80\x94 " . ($o{name} // $key->{name}) . ' '
           . encode_base64(($o{id} // $key->{id}) . $sig, '') . "\n";
}


sub trust_note {
    my ($text, @keys) = @_;

    return $text . "\n" . join '', map { trust_sign($text, $_) } @keys;
}


# Whether openssl finds a signature of the key good in a note.

sub trust_verifies {
    my ($note, $key) = @_;
    my ($text, $lines) = $note =~ /\A(.*\n)\n((?:[^\n]+\n)+)\z/s or return 0;
    my ($sig) = $lines =~ /^\xe2\x80\x94 \Q$key->{name}\E (\S+)$/m or return 0;
    my $raw = decode_base64($sig);

    return 0 if substr($raw, 0, 4) ne $key->{id};

    my $in = write_file(test_dir() . '/signed', $text);
    my $to = write_file(test_dir() . '/signature', substr $raw, 4);

    return run_command(['openssl', 'pkeyutl', '-verify', '-rawin', '-inkey',
                        $key->{pem}, '-in', $in, '-sigfile', $to])->{status}
           == 0;
}


# A time so many seconds from now.

sub trust_time { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_[0])) }


# The text of a root: approvers => [keys], version, threshold, created, until
# (seconds from now), previous (text of the one before), revoked => [keys].

sub trust_root {
    my (%o) = @_;

    return "debar-root/1\nversion " . ($o{version} // 1) . "\n"
           . 'threshold ' . ($o{threshold} // 2) . "\n"
           . 'created ' . trust_time($o{created} // -60) . "\n"
           . 'until ' . trust_time($o{until} // 86400) . "\n"
           . 'previous ' . (defined $o{previous} ? sha256_hex($o{previous})
                                                  : 'none') . "\n"
           . join('', map { "approver $_->{vkey}\n" } @{ $o{approvers} })
           . join('', map { "revoked $_->{vkey}\n" } @{ $o{revoked} || [] });
}


# The text of a manifest of the snapshot file: serial, previous => [serial,
# digest], created, expires (seconds from now), title, digest, sha256, size,
# preview, diff.

sub trust_manifest {
    my ($snapshot, %o) = @_;
    my $bytes = defined $snapshot ? file_text($snapshot) : '';
    my $check = defined $snapshot
                ? run_command([debar_path(), 'list', 'check', $snapshot])->{out}
                : '';

    $o{digest} //= $1 if $check =~ /^digest +([0-9a-f]{64})/m;
    $o{serial} //= $1 if $check =~ /^serial +(\d+)/m;
    $o{title} //= $1 if $check =~ /^title +(.+)/m;

    return "debar-manifest/1\nserial $o{serial}\nprevious "
           . ($o{previous} ? join(' ', @{ $o{previous} }) : 'none') . "\n"
           . 'created ' . trust_time($o{created} // -60) . "\n"
           . 'expires ' . trust_time($o{expires} // 86400) . "\n"
           . 'title ' . ($o{title} // 'List of a test') . "\n"
           . "digest $o{digest}\nsha256 " . ($o{sha256} // sha256_hex($bytes))
           . "\nsize " . ($o{size} // length $bytes)
           . "\npreview " . ($o{preview} // 'none')
           . "\ndiff " . ($o{diff} // 'none') . "\n";
}


1;

package Debar::Test::Sealed;

# A sealed log written, and proofs checked, by Perl alone: from RFC 6962
# section 2.1, https://c2sp.org/tlog-tiles, https://c2sp.org/tlog-checkpoint and
# the layout in blocklist/sealed.h; openssl signs.  It shares no code with what
# it tests, and is slow: for logs of some thousand lines.

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex hmac_sha256);
use Exporter 'import';
use File::Path qw(make_path);
use MIME::Base64 qw(encode_base64);

use Debar::Test;
use Debar::Test::Trust;

our @EXPORT = qw(
    sealed_log sealed_line sealed_incident sealed_root sealed_included
    sealed_consistent sealed_deletion
);

our $ORIGIN = 'debar-audit/gw1';


# The incident of line i of a log, and a decision with it; more: members.

sub sealed_incident { return substr sha256_hex("incident $_[0]"), 0, 32 }

sub sealed_line {
    my ($i, $more) = @_;

    return sprintf '{"time":"2026-11-22T%02d:%02d:%02d.%03dZ","incident":"%s",'
           . '"gateway":"gw1","surface":"http","client":"127.0.0.1:%d",'
           . '"method":"GET","url":"http://host%d.example/%s",'
           . '"activity":"browse","verdict":"block"%s}',
           $i / 3600 % 24, $i / 60 % 60, $i % 60, $i % 1000,
           sealed_incident($i), 1024 + $i % 60000, $i,
           'x' x (length(sha256_hex($i)) + $i % 97), $more // '';
}


# --- RFC 6962 section 2.1, word for word --------------------------------------

sub node { return sha256("\x01$_[0]$_[1]") }

sub split_at {
    my ($n) = @_;
    my $k = 1;

    $k *= 2 while $k * 2 < $n;

    return $k;
}

sub sealed_root {
    my (@d) = @_;

    return sha256('') if !@d;
    return $d[0] if @d == 1;

    my $k = split_at(scalar @d);

    return node(sealed_root(@d[0 .. $k - 1]), sealed_root(@d[$k .. $#d]));
}

# The root that an audit path leads to from the leaf: what of PATH(m, D[n]) can
# be said from outside.

sub path_root {
    my ($leaf, $m, $n, @path) = @_;

    return @path ? undef : $leaf if $n == 1;
    return undef if !@path;

    my $last = pop @path;
    my $k = split_at($n);

    if ($m < $k) {
        my $left = path_root($leaf, $m, $k, @path);
        return defined $left ? node($left, $last) : undef;
    }

    my $right = path_root($leaf, $m - $k, $n - $k, @path);

    return defined $right ? node($last, $right) : undef;
}

sub sealed_included {
    my ($leaf, $m, $n, $root, @path) = @_;
    my $got = $m < $n ? path_root($leaf, $m, $n, @path) : undef;

    return defined $got && $got eq $root;
}

# SUBPROOF(m, D[n], b) from outside: the roots of both trees, or nothing.

sub subproof {
    my ($m, $n, $b, $old, @proof) = @_;

    if ($m == $n) {
        return $b ? @proof ? () : ($old, $old)
                  : @proof == 1 ? (@proof, @proof) : ();
    }

    return if !@proof;

    my $last = pop @proof;
    my $k = split_at($n);

    if ($m <= $k) {
        my ($o, $new) = subproof($m, $k, $b, $old, @proof) or return;
        return ($o, node($new, $last));
    }

    my ($o, $new) = subproof($m - $k, $n - $k, 0, $old, @proof) or return;

    return (node($last, $o), node($last, $new));
}

sub sealed_consistent {
    my ($m, $n, $old, $new, @proof) = @_;
    my ($o, $r) = subproof($m, $n, 1, $old, @proof);

    return defined $o && $o eq $old && $r eq $new;
}


# --- the layout ---------------------------------------------------------------

sub tile_path {
    my ($level, $index, $width) = @_;
    my @groups = (sprintf '%03d', $index % 1000);

    while ($index = int($index / 1000)) {
        unshift @groups, sprintf 'x%03d', $index % 1000;
    }

    return join('/', 'tile', $level, @groups)
           . ($width < 256 ? ".p/$width" : '');
}

sub write_tiles {
    my ($sealed, @hashes) = @_;

    for (my $level = 0; @hashes; $level++) {
        my @above;

        for (my $i = 0; $i < @hashes; $i += 256) {
            my $end = $i + 255 < $#hashes ? $i + 255 : $#hashes;
            my @tile = @hashes[$i .. $end];

            write_file("$sealed/" . tile_path($level, $i / 256, scalar @tile),
                       join '', @tile);
            push @above, sealed_root(@tile) if @tile == 256;
        }

        @hashes = @above;
    }
}

sub checkpoint {
    my ($key, @leaves) = @_;

    return trust_note("$ORIGIN\n" . @leaves . "\n"
                      . encode_base64(sealed_root(@leaves), '') . "\n", $key);
}


# sealed_log(DIR, KEY, closed => [[LINE, ...], ...], live => [LINE, ...],
# unsealed => TEXT, points => [SIZE, ...]): DIR with all of it; the leaves, the
# salts and the checkpoint are returned.  points: sizes of earlier checkpoints.

sub sealed_log {
    my ($dir, $key, %o) = @_;
    my $sealed = "$dir/sealed";
    my ($number, @leaves, @salts, $files) = (0);

    make_path("$sealed/secrets");
    $files = '';

    for my $lines (@{ $o{closed} || [] }, $o{live} || []) {
        my $name = sprintf 'audit-%08d', ++$number;
        my $secret = sha256("secret $number");
        my $first = @leaves;
        my $closed = $number <= @{ $o{closed} || [] };
        my $text = join '', map { "$_\n" } @$lines;
        my $i = 0;

        write_file("$sealed/secrets/$name", $secret);

        for my $line (@$lines) {
            my $salt = substr hmac_sha256(pack('Q>', $i++), $secret), 0, 16;

            push @salts, $salt;
            push @leaves, sha256("\x00$salt$line");
        }

        if ($closed) {
            write_file("$dir/$name.jsonl", $text);
            $files .= sprintf '{"file":"%s.jsonl","first":%d,"lines":%d,'
                      . '"bytes":%d,"sha256":"%s","secret":"%s",'
                      . "\"closed\":\"2026-11-22T09:00:00Z\"}\n", $name, $first,
                      scalar @$lines, length $text, sha256_hex($text), $name;

        } else {
            write_file("$dir/audit.jsonl", $text . ($o{unsealed} // ''));
        }
    }

    my @notes = map { checkpoint($key, @leaves[0 .. $_ - 1]) }
                @{ $o{points} || [] };
    my $note = checkpoint($key, @leaves);

    write_tiles($sealed, @leaves);
    write_file("$sealed/files", $files);
    write_file("$sealed/checkpoint", $note);
    write_file("$sealed/checkpoints",
               join '', map { length($_) . "\n$_" } @notes, $note);

    return { leaves => \@leaves, salts => \@salts, note => $note,
             points => \@notes };
}


# The deletion of files with these numbers of the log in DIR, by a key: what
# sealed/deletions and sealed/files get for it.

sub sealed_deletion {
    my ($dir, $key, @numbers) = @_;
    my @files = split /\n/, file_text("$dir/sealed/files");
    my (undef, $size) = split /\n/, file_text("$dir/sealed/checkpoint");
    my $marks = join '', map { $files[$_ - 1]
        =~ s/\}$/,"deleted":"2026-11-22T09:00:00Z"}\n/r } @numbers;
    my $note = trust_note("debar audit deletion\n$key->{name}\n$size\n"
                          . "policy keep 12mo\nby uid 0\n$marks", $key);

    return (length($note) . "\n$note", $marks);
}


1;

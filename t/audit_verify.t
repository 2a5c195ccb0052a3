#!/usr/bin/perl

# A sealed log is changed in every way that a person with an editor has, and
# `debar audit verify` names the place each time.  The log is sealed by
# Debar::Test::Sealed, not by the command.  DEBAR_TRIALS=1000 is the long form,
# DEBAR_SEED another one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256);
use File::Path qw(remove_tree);
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Sealed;
use Debar::Test::Trust;

my $seed = $ENV{DEBAR_SEED} // 7;
my $trials = $ENV{DEBAR_TRIALS} // 200;

srand $seed;

my $dir = test_dir();
my $key = trust_key($Debar::Test::Sealed::ORIGIN, file => 'sealer');
my $other = trust_key($Debar::Test::Sealed::ORIGIN, file => 'other');

sub debar { return run_command([debar_path(), 'audit', @_]) }

sub verify {
    my ($log, @more) = @_;
    my $r = debar('verify', $log, '--json', @more);

    $r->{json} = eval { decode_json($r->{out}) } || {};

    return $r;
}


# --- an intact one ------------------------------------------------------------

my $n = 0;
my @closed = map { my $lines = $_; [map { sealed_line($n++) } 1 .. $lines] }
             300, 1, 257;
my @live = map { sealed_line($n++) } 1 .. 213;
my $log = "$dir/audit";
my $sealed = sealed_log($log, $key, closed => \@closed, live => \@live,
                        unsealed => sealed_line(9001) . "\n{\"torn\":",
                        points => [100, 400, 600]);
my $r = verify($log, '--key', $key->{public});

is($r->{status}, 0, 'an intact log is') or diag($r->{out}, $r->{err});
ok($r->{json}{ok} && $r->{json}{authenticated}, 'and authenticated by its key');
is($r->{json}{lines}, $n, 'all lines were read');
is($r->{json}{files}, 4, 'of all files');
is($r->{json}{unsealed}, 1, 'a line behind the checkpoint is not sealed yet');

$r = debar('verify', $log);
is($r->{status}, 0, 'without a key it is intact as well');
like($r->{out}, qr/consistent, not authenticated/, 'and is told not to be '
     . 'authenticated');
like($r->{out}, qr/1 line not sealed yet/, 'what is not sealed is told');

is(debar('verify', $log, '--key', $key->{public}, '--threads', 7)->{status}, 0,
   'with more threads than there are files');
is(debar('verify', $log, '--key', $key->{vkey})->{status}, 0,
   'the text of a key does');

$r = verify($log, '--key', $other->{public});
is($r->{status}, 1, 'another key of the same name is not the one that sealed');
is(debar('verify', "$dir/none")->{status}, 1, 'a folder has to be there');
is(debar('verify')->{status}, 2, 'and be named');


# --- what a person with an editor does ----------------------------------------

my @files = ((map { sprintf 'audit-%08d.jsonl', $_ } 1 .. 3), 'audit.jsonl');
my @lines = (@closed, \@live);

# Each gives the lines of a file as they become, and the first line that is not
# as it was; nothing where this change changes nothing.

my %tamper = (

    changed => sub {
        my ($l) = @_;
        my $i = int rand @$l;
        my $at = int rand 1 + length $l->[$i];
        my $text = "$l->[$i]\n";

        # any byte, the newline too, to any other

        substr($text, $at, 1) ^= chr 1 + int rand 255;

        return (join('', map({ "$_\n" } @$l[0 .. $i - 1]), $text,
                     map({ "$_\n" } @$l[$i + 1 .. $#$l])), $i + 1);
    },

    removed => sub {
        my ($l) = @_;
        my $i = int rand @$l;
        my $many = 1 + int rand 3;
        my @left = @$l;

        splice @left, $i, $many;

        return (join('', map { "$_\n" } @left), $i + 1);
    },

    reordered => sub {
        my ($l) = @_;

        return if @$l < 2;

        my ($i, $j) = sort { $a <=> $b } map { int rand @$l } 1, 2;

        return if $i == $j;

        my @new = @$l;

        @new[$i, $j] = @new[$j, $i];

        return (join('', map { "$_\n" } @new), $i + 1);
    },

    doubled => sub {
        my ($l) = @_;
        my $i = int rand @$l;
        my $to = $i + 1 + int rand @$l - $i;
        my @new = @$l;

        splice @new, $to, 0, $l->[$i];

        return (join('', map { "$_\n" } @new), $to + 1);
    },

    added => sub {
        my ($l) = @_;
        my $i = int rand 1 + @$l;
        my @new = @$l;

        splice @new, $i, 0, sealed_line(5000 + int rand 1000);

        return (join('', map { "$_\n" } @new), $i + 1);
    },

    truncated => sub {
        my ($l) = @_;
        my $text = join '', map { "$_\n" } @$l;
        my $at = int rand length $text;
        my $left = substr $text, 0, $at;

        return ($left, 1 + ($left =~ tr/\n//));
    },
);

my @ways = sort keys %tamper;
my (%tried, %missed, %elsewhere, %called);
my $unsealed = substr file_text("$log/audit.jsonl"),
               length join '', map { "$_\n" } @live;

for my $trial (1 .. $trials) {
    my $way = $ways[$trial % @ways];
    my $f = int rand @files;
    my ($text, $line) = $tamper{$way}->($lines[$f]);

    redo if !defined $text;

    my $is_live = $f == $#files;
    my $was = join('', map { "$_\n" } @{ $lines[$f] })
              . ($is_live ? $unsealed : '');

    # behind the last sealed line of the live file everybody may add

    redo if $is_live && $line > @live;

    # what was cut off ends the file

    $text .= $unsealed if $is_live && $way ne 'truncated';

    write_file("$log/$files[$f]", $text);
    $r = verify($log, '--key', $key->{public});
    write_file("$log/$files[$f]", $was);

    my $fault = $r->{json}{fault} || {};

    $tried{$way}++;

    if ($r->{status} != 1 || $r->{json}{ok}) {
        push @{ $missed{$way} }, "trial $trial: $files[$f]:$line";

    } elsif ("$fault->{file}:" . ($fault->{line} // 0) ne "$files[$f]:$line"
             && !($fault->{file} =~ /secrets/ && @{ $lines[$f] } == 1))
    {
        push @{ $elsewhere{$way} }, "trial $trial: $files[$f]:$line, not "
             . "$fault->{file}:" . ($fault->{line} // 0)
             . " $fault->{what}: $fault->{message}";
    }

    $called{$way}{ $fault->{what} // '' }++;
}

for my $way (@ways) {
    ok(!$missed{$way}, "$tried{$way} times $way: found each time")
        or diag("seed $seed", explain $missed{$way});
    ok(!$elsewhere{$way}, 'at its place')
        or diag("seed $seed", explain $elsewhere{$way});

    my $right = $called{$way}{$way} // 0;

    # the last line that is removed is a file that was truncated, and the like

    SKIP: {
        skip 'too few to tell', 1 if $tried{$way} < 20;
        cmp_ok($right, '>', 0.5 * $tried{$way}, 'and mostly called what it is')
            or diag(explain $called{$way});
    }
}

is(verify($log, '--key', $key->{public})->{status}, 0,
   'the log is intact again');


# --- what is beside the lines -------------------------------------------------

# with(FILE, TEXT or undef, CODE): the file is so meanwhile.

sub with {
    my ($file, $text, $code) = @_;
    my $was = file_text("$log/$file");

    defined $text ? write_file("$log/$file", $text) : unlink "$log/$file";
    $code->();
    defined $was ? write_file("$log/$file", $was) : unlink "$log/$file";
}

sub flipped {
    my ($file, $at) = @_;
    my $text = file_text("$log/$file");

    substr($text, $at // int rand length $text, 1) ^= "\x01";

    return $text;
}

for my $path ('tile/0/000', 'tile/0/001', 'tile/0/003.p/3', 'tile/1/000.p/3') {
    with("sealed/$path", flipped("sealed/$path"), sub {
        $r = verify($log, '--key', $key->{public});
        is($r->{status}, 1, "a byte of $path is changed: found");
        is($r->{json}{fault}{file}, "sealed/$path", 'and told from a line');
    });

    with("sealed/$path", undef, sub {
        $r = verify($log, '--key', $key->{public});
        is($r->{json}{fault}{file}, "sealed/$path", 'as when it is gone');
    });
}

with('audit-00000002.jsonl', undef, sub {
    $r = verify($log, '--key', $key->{public});
    is("$r->{json}{fault}{file} $r->{json}{fault}{what}",
       'audit-00000002.jsonl removed', 'a whole file is gone');
});

with('sealed/secrets/audit-00000003', flipped('sealed/secrets/audit-00000003'),
     sub {
    $r = verify($log, '--key', $key->{public});
    is("$r->{json}{fault}{file} $r->{json}{fault}{what}",
       'sealed/secrets/audit-00000003 changed', 'a secret was changed');
});

with('sealed/secrets/audit-00000003', undef, sub {
    $r = verify($log, '--key', $key->{public});
    is("$r->{json}{fault}{file} $r->{json}{fault}{what}",
       'sealed/secrets/audit-00000003 missing', 'or is missing');
});

my $missed = 0;

for (1 .. 20) {
    my $files = file_text("$log/sealed/files");
    my @at;

    push @at, $-[1] .. $+[1] - 1
        while $files =~ /"(?:first|lines|bytes)":(\d+)/g;

    with('sealed/files', flipped('sealed/files', $at[rand @at]), sub {
        $r = verify($log, '--key', $key->{public});
        $missed++ if $r->{status} != 1;
    });

    with('sealed/checkpoint', flipped('sealed/checkpoint'), sub {
        $r = verify($log, '--key', $key->{public});
        $missed++ if $r->{status} != 1;
    });
}

is($missed, 0, 'neither list of files nor checkpoint can be changed');

# What is told of a closed file is held against the file.

for my $case ([sha256 => qr/"sha256":"(.)/, 'sha256 of'],
              [bytes => qr/"bytes":\d*(\d),/, 'bytes of'],
              [both => qr/"bytes":\d*(\d),"sha256":"(.)/,
               'bytes and sha256 of']) {
    my ($name, $re, $told) = @$case;

    for my $entry (1 .. @closed) {
        my @entries = split /^/m, file_text("$log/sealed/files");

        $entries[$entry - 1] =~ $re or die "no $name\n";
        substr($entries[$entry - 1], $-[$_], 1) ^= "\x01" for 1 .. $#-;

        with('sealed/files', join('', @entries), sub {
            $r = verify($log, '--key', $key->{public});

            my $f = $r->{json}{fault} || {};

            is("$r->{status} $f->{file}:" . ($f->{line} // '') . " $f->{what}",
               "1 sealed/files:$entry changed",
               "$name of file $entry is changed where it is told: found");
            like($f->{message}, qr/^\Q$told\E audit-0000000$entry/,
                 'and the member named');
        });
    }
}

# An entry does not hide what was done to the file itself.

with('sealed/files', file_text("$log/sealed/files") =~ s/"sha256":"\K./0/r, sub {
    with('audit-00000001.jsonl', flipped('audit-00000001.jsonl', 5), sub {
        $r = verify($log, '--key', $key->{public});
        is("$r->{json}{fault}{file}:$r->{json}{fault}{line}",
           'audit-00000001.jsonl:1', 'a line that was changed is told first');
    });
});

my ($root) = (split /\n/, $sealed->{note})[2];
(my $flipped = $sealed->{note}) =~ s/^\Q$root\E$/'A' . substr $root, 1/me;

if ($root !~ /^A/) {
    with('sealed/checkpoint', $flipped, sub {
        $r = verify($log);
        is($r->{json}{fault}{file}, 'sealed/checkpoint',
           'without a key another root is found, too');
    });
}


# --- who puts an old checkpoint back, or writes all hashes anew ---------------

with('sealed/checkpoint', $sealed->{points}[2], sub {
    my $short = join '', map { "$_\n" } @live[0 .. 600 - 558 - 1];

    with('audit.jsonl', $short, sub {
        $r = verify($log, '--key', $key->{public});
        is($r->{status}, 1, 'an old checkpoint hides no lines that are gone');
        is("$r->{json}{fault}{file}:$r->{json}{fault}{line} "
           . $r->{json}{fault}{what}, 'audit.jsonl:43 truncated',
           'since there are later ones');

        with('sealed/checkpoints', undef, sub {
            is(verify($log, '--key', $key->{public})->{status}, 0,
               'without those the log looks whole');

            my $kept = write_file("$dir/kept", $sealed->{note});

            $r = verify($log, '--key', $key->{public}, '--checkpoint', $kept);
            is($r->{status}, 1, 'but not beside one that was kept elsewhere');
        });
    });
});

my $forged = "$dir/forged";
my @forged = map { [@$_] } @closed;

$forged[2][100] =~ s/"block"/"pass"/;
sealed_log($forged, $key, closed => \@forged, live => \@live);
write_file("$forged/sealed/checkpoint", $sealed->{note});
write_file("$forged/sealed/checkpoints",
           join '', map { length($_) . "\n$_" } @{ $sealed->{points} },
           $sealed->{note});

$r = verify($forged, '--key', $key->{public});
is($r->{status}, 1, 'who writes lines and all hashes anew is found out');
is($r->{json}{fault}{file}, 'audit-00000003.jsonl', 'and the file named');
is($r->{json}{fault}{line}, 400 - 301 + 1,
   'from the last checkpoint on that still fits');

my $signed = "$dir/signed";

sealed_log($signed, $other, closed => \@forged, live => \@live);
is(verify($signed)->{status}, 0, 'who signs it anew is, by himself, consistent');
is(verify($signed, '--key', $key->{public})->{status}, 1,
   'but not with the key that was kept elsewhere');
is(verify($signed, '--checkpoint',
          write_file("$dir/kept", $sealed->{note}))->{json}{fault}{what},
   'changed', 'nor beside a checkpoint');


# --- what policy deleted ------------------------------------------------------

with('sealed/files', join('', map { /00002/ ? $_ : "$_\n" } split /\n/,
     file_text("$log/sealed/files")), sub {
    is(verify($log)->{status}, 1, 'a list of files with a line torn is refused');
});

my $deleted = file_text("$log/sealed/files");
my ($note, $mark) = sealed_deletion($log, $key, 2);

with('sealed/files', "$deleted$mark", sub {
    with('audit-00000002.jsonl', undef, sub {
        with('sealed/secrets/audit-00000002', undef, sub {
            $r = verify($log, '--key', $key->{public});
            is("$r->{status} $r->{json}{fault}{what}", '1 removed',
               'a file that somebody deleted is missed, whatever he marked');
            write_file("$log/sealed/deletions", $note);
            $r = verify($log, '--key', $key->{public});
            is($r->{status}, 0, 'one that policy deleted is no fault')
                or diag($r->{out});
            is($r->{json}{deleted_lines}, 1, 'and told');
            unlink "$log/sealed/deletions";
        });
    });
});

is(verify($log, '--key', $key->{public})->{status}, 0, 'it is intact again');


# --- lines of any kind --------------------------------------------------------

my @odd = ('', '{"a":1}', "\xff\xfe", 'x' x 300_000, '{"torn":', '', "\0\0",
           'y' x (1 << 20), '{}');

sealed_log("$dir/odd", $key, closed => [\@odd, [], ['{}']], live => []);
$r = verify("$dir/odd", '--key', $key->{public});
is($r->{status}, 0, 'lines of any kind and length are lines')
    or diag($r->{out}, $r->{err});


# Many files, and lines over the bounds of what is read at once, by as many
# threads as there may be.

sealed_log("$dir/many", $key, live => ['z' x 400_000],
           closed => [map { my $i = $_; [map { 'l' x ($_ * 997 % 70_000) }
                                         $i .. $i + $i % 9] } 1 .. 40]);

for my $threads (1, 2, 3, 64) {
    $r = verify("$dir/many", '--key', $key->{public}, '--threads', $threads);
    is("$r->{status} " . ($r->{json}{files} // ''), '0 41',
       "many files are intact to $threads threads") or diag($r->{out});
}

# Of two that were changed the first is told, whoever finds which first.

for my $n (30, 12) {
    my $path = sprintf '%s/many/audit-%08d.jsonl', $dir, $n;
    my $text = file_text($path);

    substr($text, -20, 1) = 'k';
    write_file($path, $text);
}

for my $threads (1, 2, 64) {
    $r = verify("$dir/many", '--key', $key->{public}, '--threads', $threads);
    is($r->{json}{fault}{file}, 'audit-00000012.jsonl',
       "the first of two files is told by $threads threads");
}


# --- a log that the command sealed --------------------------------------------

my $real = "$dir/real";

mkdir $real;
chmod 0755, $real;

# Rotated twice on the way: by size, each time it looks.

for my $round (1 .. 3) {
    my $text = join '', map { sealed_line($round * 1000 + $_) . "\n" } 1 .. 400;

    open my $f, '>>:raw', "$real/audit.jsonl" or die "audit.jsonl: $!\n";
    print {$f} $text;
    close $f or die "audit.jsonl: $!\n";

    $r = debar('seal', '--once', $real, '--key', $key->{file}, '--pass-file',
               trust_passphrase(), '--rotate', 'never', '--rotate-size',
               '100k');
    is($r->{status}, 0, "sealed by the command, $round") or diag($r->{err});

    $r = verify($real, '--key', $key->{public});
    is($r->{status}, 0, 'and intact') or diag($r->{out}, $r->{err});
    is($r->{json}{lines} + $r->{json}{unsealed}, $round * 400,
       'with all its lines');
}

for my $file (map { s{.*/}{}r } glob "$real/audit*.jsonl") {
    my $was = file_text("$real/$file");

    next if $was eq '';

    my $at = int rand length $was;
    my $line = 1 + (substr($was, 0, $at) =~ tr/\n//);
    my $new = $was;

    substr($new, $at, 1) ^= "\x02";
    write_file("$real/$file", $new);
    $r = verify($real, '--key', $key->{public});
    is("$r->{json}{fault}{file}:$r->{json}{fault}{line}", "$file:$line",
       "a byte of $file is changed: found");
    write_file("$real/$file", $was);
}

done_testing();

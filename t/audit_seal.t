#!/usr/bin/perl

# The sealer: every line of the log is one leaf, once and in order, whatever it
# is killed by, while the log is rotated, and when the disk is full.  The tree
# is built here once more, from RFC 6962 and the files alone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Digest::SHA qw(sha256 hmac_sha256);
use Fcntl qw(:flock);
use JSON::PP;
use MIME::Base64;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Gateway;
use Debar::Test::Trust;

# DEBAR_SEAL_KILLS=200 is the long form.

my $kills = $ENV{DEBAR_SEAL_KILLS} || 20;
my $dir = test_dir();
my %running;

chmod 0755, $dir;

# A key of openssl's: one of `debar key new` costs a third of a second each time
# that it is opened, as it should.

my $r;
my $pass = trust_passphrase();

trust_key('debar-audit/test', file => 'key');


# --- RFC 6962, over what is in a folder --------------------------------------

sub tree {
    my (@d) = @_;

    return sha256('') if !@d;

    while (@d > 1) {
        my @up;

        while (@d > 1) {
            push @up, sha256("\1" . shift(@d) . shift @d);
        }

        @d = (@up, @d);
    }

    return $d[0];
}


sub names {
    my ($at) = @_;

    return grep { -e } sort(glob "$at/audit-*.jsonl"), "$at/audit.jsonl";
}


# Lines of all files, and the leaves of the first n.

sub leaves {
    my ($at, $n) = @_;
    my (@lines, @leaves, $number);

    for my $file (names($at)) {
        my $i = 0;
        my $secret = file_text(sprintf '%s/sealed/secrets/audit-%08d', $at,
                               ++$number);

        for my $line (split /\n/, file_text($file), -1) {
            push @lines, $line;
            push @leaves, sha256("\0"
                . substr(hmac_sha256(pack('Q>', $i++), $secret), 0, 16)
                . $line) if defined $secret;
        }

        # what is behind the last newline: nothing, or a torn end

        if ($lines[-1] eq '') {
            pop @lines;
            pop @leaves;
        }
    }

    return \@lines, [@leaves[0 .. $n - 1]];
}


# What the latest checkpoint covers.

sub covered {
    my (undef, $size) = split /\n/, file_text("$_[0]/sealed/checkpoint") // '';

    return $size || 0;
}


sub state_of { return decode_json(file_text("$_[0]/sealed/state") || '{}') }


sub sealed_right {
    my ($at, $claim) = @_;
    my $state = state_of($at);
    my ($origin, $size, $root) = split /\n/,
                                 file_text("$at/sealed/checkpoint");
    my ($lines, $leaves) = leaves($at, $size);

    is($size, scalar @$lines, "$claim: every line is a leaf");
    is($root, encode_base64(tree(@$leaves), ''),
       "$claim: the root is RFC 6962's");
    is($state->{size}, $size, "$claim: the state says so, too");

    return $lines;
}


# --- a log of our own --------------------------------------------------------

sub folder {
    my ($name) = @_;
    my $at = "$dir/$name";

    mkdir $at;
    chmod 0755, $at;
    write_file("$at/audit.jsonl", '');
    chmod 0640, "$at/audit.jsonl";

    return $at;
}


sub add {
    my ($at, @lines) = @_;

    open my $fh, '>>', "$at/audit.jsonl" or die;
    syswrite $fh, $_ for @lines;
    close $fh;
}


sub args {
    my ($at, @more) = @_;

    return ('audit', 'seal', @more, $at, '--key', "$dir/key", '--pass-file',
            $pass);
}


sub follow {
    my ($at, @more) = @_;

    pipe my $read, my $write or die;
    my $pid = fork // die;

    if ($pid == 0) {
        open STDERR, '>&', $write;
        open STDOUT, '>', '/dev/null';
        { exec debar_path, args($at, '--follow', '--every', '50ms', @more) }
        POSIX::_exit(127);
    }

    close $write;
    $running{$pid} = $read;
    return $pid;
}


sub end {
    my ($pid, $signal) = @_;

    kill $signal, $pid;
    waitpid $pid, 0;

    my $fh = delete $running{$pid};
    local $/;

    return <$fh> // '';
}

END { my $s = $?; kill 'KILL', $_ for keys %running; $? = $s }


sub once { return run_command([debar_path, args($_[0], '--once')]) }


# A sealer that was away has more than one file to catch up with.

my $at = folder('away');

write_file("$at/audit-0000000$_.jsonl", "{\"n\":$_}\n") for 1 .. 3;
add($at, "{\"n\":4}\n");
is(once($at)->{status}, 0, 'a log of many files');
is(state_of($at)->{size}, 4, 'is sealed at once, up to the last line');
sealed_right($at, 'away');

$at = folder('once');

add($at, "{\"n\":0}\n", "{\"n\":1}\n", "{\"n\":");
is(once($at)->{status}, 0, 'what is there is sealed');
is(state_of($at)->{size}, 2, 'as far as lines are whole');
add($at, "2}\n", "torn\n", "\n");
is(once($at)->{status}, 0, 'and once more');
is(state_of($at)->{size}, 5, 'with the line that has its end now');
is(state_of($at)->{torn}, 2, 'torn lines are counted');
sealed_right($at, 'once');

like(file_text("$at/sealed/checkpoint"), qr/\Adebar-audit\/test\n5\n\S+=\n\n\x{e2}\x{80}\x{94} debar-audit/,
     'the checkpoint is a signed note');
like(file_text("$at/sealed/checkpoints"),
     qr/\A\d+\ndebar-audit\/test\n2\n.*^\d+\ndebar-audit\/test\n5\n/ms,
     'each checkpoint is kept');
ok(!-e "$at/sealed/tile/0/000.p/2" && -s "$at/sealed/tile/0/000.p/5" == 160,
   'an unfinished tile takes the place of the last one');

add($at, map { "{\"n\":$_}\n" } 0 .. 599);
is(once($at)->{status}, 0, 'hundreds more');
ok(!-e "$at/sealed/tile/0/000.p" && -s "$at/sealed/tile/0/000" == 8192,
   'a full tile takes the place of unfinished ones');
sealed_right($at, 'hundreds');

# A torn end of what is appended, as a crash leaves it.

open my $fh, '>>', "$at/sealed/checkpoints" or die;
print $fh "180\ndebar-aud";
close $fh;
add($at, "{\"n\":1}\n");
is(once($at)->{status}, 0, 'behind a torn checkpoint');
unlike(file_text("$at/sealed/checkpoints"), qr/debar-aud\d/, 'it is cut');

my $state = file_text("$at/sealed/state");

write_file("$at/sealed/state", substr $state, 0, 100);
$r = once($at);
is($r->{status}, 1, 'a state that is cut is refused');
like($r->{err}, qr/sealed\/state.*copy/, 'with the file and the remedy');
write_file("$at/sealed/state", $state =~ s/"root":"./"root":"x/r);
is(once($at)->{status}, 1, 'so is one that was changed');
write_file("$at/sealed/state", $state);


# A new day.

write_file("$at/sealed/state",
           $state =~ s/"began":"\K\d+-\d\d-\d\d/2026-01-01/r);
add($at, "{\"n\":\"old\"}\n");
is(once($at)->{status}, 0, 'on another day');
ok(-e "$at/audit-00000001.jsonl" && !-e "$at/audit.jsonl",
   'the log is rotated');
add($at, "{\"n\":\"new\"}\n");
is(once($at)->{status}, 0, 'and goes on');
is(state_of($at)->{number}, 2, 'in the second file');
is(scalar(split /\n/, file_text("$at/sealed/files")), 1, 'behind one closed');
sealed_right($at, 'a day');


# --- its end, and a full disk ------------------------------------------------

$at = folder('end');

my $pid = follow($at, '--every', '3600s', '--lines', 100000);

ok((eventually { -d "$at/sealed/secrets" } 20), 'a sealer that waits');
add($at, map { "{\"n\":$_}\n" } 0 .. 99);
like(end($pid, 'TERM'), qr/ends with 100 leaves, 0 bytes/,
     'seals what is left when it is ended');
sealed_right($at, 'ended');

# As ourselves: others' limits are not ours to set.

$at = folder('full');
$pid = follow($at, '--user', $>);
add($at, "{\"n\":0}\n");
ok((eventually { covered($at) == 1 } 20), 'it seals');

SKIP: {
    my $limit = run_command(['prlimit', "--pid=$pid", '--fsize=16:']);

    skip 'no prlimit', 6 if $limit->{status} != 0;

    add($at, map { "{\"n\":$_}\n" } 1 .. 600);
    sleep 2.5;
    is(state_of($at)->{size}, 1, 'no file can grow');
    add($at, map { "{\"n\":$_}\n" } 601 .. 700);
    ok((kill 0, $pid), 'it waits for room');
    run_command(['prlimit', "--pid=$pid", '--fsize=unlimited:']);
    ok((eventually { covered($at) == 701 } 20),
       'and goes on by itself');

    my $said = end($pid, 'TERM');

    is(scalar(() = $said =~ /cannot seal/g), 1, 'which it said once');
    like($said, qr/cannot seal: \S+sealed\S+: .*\n.*seals again/,
         'with what cannot be written, and when it could');
    sealed_right($at, 'room again');
}

end($pid, 'TERM') if $running{$pid};


# --- who rotates the log behind its back -------------------------------------

$at = folder('behind');
$pid = follow($at);
add($at, map { "{\"n\":$_}\n" } 0 .. 9);
ok((eventually { covered($at) == 10 } 20), 'ten lines');
rename "$at/audit.jsonl", "$at/audit.jsonl.1";
add($at, map { "{\"n\":$_}\n" } 10 .. 19);
ok((eventually { covered($at) == 20 } 20),
   'a file that somebody renamed is closed, and the new one followed');
ok(-e "$at/audit-00000001.jsonl" && !-e "$at/audit.jsonl.1",
   'with the name that it should have');
sealed_right($at, 'renamed');
truncate "$at/audit.jsonl", 0;
add($at, "{\"n\":20}\n");
ok((eventually { covered($at) == 21 } 20),
   'of one that was cut the new lines are sealed');
like(end($pid, 'TERM'), qr/cut or removed/, 'and it says so');
is(state_of($at)->{number}, 3, 'as another file');


# --- kill -9, under load, while the log is rotated ---------------------------

# One that writes as nginx does: reopens at USR1, and calls itself its master.

sub writer {
    my ($path, $seconds) = @_;
    my ($n, $fh) = (0);
    my $reopen = 1;
    my $until = time + $seconds;

    $0 = 'nginx: master process (of a test)';
    local $SIG{USR1} = sub { $reopen = 1 };
    write_file("$path/nginx.pid", "$$\n");

    while (time < $until && !-e "$path/stop") {

        for (1 .. 40) {
            if ($reopen) {
                $reopen = 0;
                open $fh, '>>', "$path/audit.jsonl" or die;
                chmod 0640, "$path/audit.jsonl";
            }

            syswrite $fh, sprintf qq({"n":%d,"x":"%s"}\n), $n++, 'y' x 200;
        }

        sleep 0.02;
    }

    close $fh;
    write_file("$path/wrote", $n);
    POSIX::_exit(0);
}

$at = folder('kill');

my $writer = fork // die;

writer($at, 60 + 3 * $kills) if $writer == 0;
eventually { -e "$at/nginx.pid" };

for (1 .. $kills) {
    $pid = follow($at, '--master', "$at/nginx.pid", '--rotate-size', '150k');
    readline $running{$pid};     # it says that it has begun
    sleep rand 0.5;
    end($pid, 'KILL');
}

write_file("$at/stop", '');
waitpid $writer, 0;
$pid = follow($at, '--rotate-size', '150k');
eventually { covered($at) == file_text("$at/wrote") } 60;
end($pid, 'TERM');

my $lines = sealed_right($at, "after $kills kills");
my @n = map { /"n":(\d+)/ ? $1 : -1 } @$lines;

is(scalar @n, file_text("$at/wrote"), 'no line is lost, none is there twice');
is(scalar(grep { $n[$_] != $_ } 0 .. $#n), 0, 'and they are in order');
cmp_ok(scalar(names($at)), '>', 2, 'of more than two files');

my @files = map { decode_json($_) }
            split /\n/, file_text("$at/sealed/files");

is(scalar(grep { Digest::SHA->new(256)->addfile("$at/$_->{file}")->hexdigest
                 ne $_->{sha256} || -s "$at/$_->{file}" != $_->{bytes} }
          @files), 0, 'files that are closed are as they were then');


# --- beside a gateway --------------------------------------------------------

my $gw = Debar::Test::Gateway->new(name => 'gw', workers => 2, sealer => 1,
                                   conf => { debar_audit =>
                                             'audit/audit.jsonl all' });

$at = $gw->dir . '/audit';
like($gw->status->{sealer}{state}, qr/running/, 'it starts with the gateway');
is((stat "$at/sealer.key")[2] & 077, 0, 'its key is for nobody else');
like(file_text("$at/sealer.pub"), qr/\Adebar-audit\/\S+\+[0-9a-f]{8}\+/,
     'the public half is beside it');

SKIP: {
    skip 'only root gives it a user of its own', 3 if $> != 0;

    my $uid = $gw->status->{sealer}{uid};

    ok($uid, 'it is not root');
    is((stat "$at/sealed")[4], $uid, 'what it writes is its own');
    is((stat "$at/sealed")[2] & 07, 0, 'and for no worker to read');
}

my @clients = map {
    my $child = fork // die;

    if ($child == 0) {
        for (1 .. 150) {
            $gw->get("http://127.0.0.1/$_");
        }
        POSIX::_exit(0);
    }

    $child;
} 1 .. 2;

my $rotated = 0;

for (1 .. 4) {
    sleep 0.1;
    $gw->get("http://127.0.0.1/rotated$_");
    $r = run_command([debar_path, 'audit', 'rotate', $at, '--json'], timeout => 30);
    $rotated += $r->{status} == 0;
}

waitpid $_, 0 for @clients;
is($rotated, 4, 'it is rotated while workers write') or diag $r->{err};

my $keeper = $gw->sealer_pid;
my ($child) = split / /, file_text("/proc/$keeper/task/$keeper/children");

kill 'KILL', $child;
$gw->get('http://127.0.0.1/after');
ok((eventually {
    my ($now) = split / /, file_text("/proc/$keeper/task/$keeper/children");
    $now && $now != $child && $gw->status->{sealer}{leaves}
        && $gw->status->{sealer}{behind} == 0;
} 20), 'one that was killed is started anew, and seals');
is($gw->stop->{status}, 0, 'the gateway is stopped');
ok((eventually { !running($keeper) } 10), 'its sealer, too');
$lines = sealed_right($at, 'gateway');

my %seen;

$seen{ (decode_json($_)->{incident} // '') . ' ' . (/"verdict"/ ? 1 : 0) }++
    for @$lines;
is(scalar(grep { $_ > 1 } values %seen), 0, 'no verdict is there twice');
cmp_ok(scalar(grep { /"verdict"/ } @$lines), '>=', 305,
       'each request has its line');

done_testing;

#!/usr/bin/perl

# The disk of the audit log is full, under load, and has room again: who was
# refused has a line, or was answered as the configuration says; the sealer
# lives, signs only what is stored, and goes on by itself.  Then each call of
# the sealer to the system fails once, or is its last.  DEBAR_FULL=1 is the long form.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Socket::UNIX;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Load;
use Debar::Test::Origin;
use Debar::Test::Sealed;
use Debar::Test::Trust;

plan skip_all => 'only root may mount a small file system here'
    if $> != 0 || ($ENV{DEBAR_TEST_ALONE} || '') ne 'net';

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);
my $list = write_list(test_dir() . '/list');
my $image = test_dir() . '/image';


# --- a small file system ------------------------------------------------------

# What takes a file system's room until somebody makes it.

sub mounted {
    my ($kind, $at) = @_;
    my ($mode, $uid, $gid) = (stat $at)[2, 4, 5];
    my $mounted = $kind eq 'tmpfs'
                  ? system('mount', '-t', 'tmpfs', '-o', 'size=4m', 'none', $at)
                    == 0
                  : mounted_image($at);

    chown $uid, $gid, $at;
    chmod $mode & 07777, $at;

    return $mounted;
}

sub mounted_image {
    my ($at) = @_;

    open my $f, '>', $image or die;
    truncate $f, 6 << 20;
    close $f;

    for my $cmd (['mkfs.ext4', '-q', '-m', 0, '-O', '^has_journal', $image],
                 ['mount', '-o', 'loop', $image, $at])
    {
        my $r = run_command($cmd);

        return if $r->{status} != 0;
    }

    return 1;
}

sub ballast {
    my ($at, $room) = @_;
    my ($free) = run_command(['df', '--output=avail', '-k', $at])->{out}
                 =~ /(\d+)\s*\z/;

    write_file("$at/ballast", 'b' x (($free - $room) << 10));
}

sub sealer_child {
    my ($gw) = @_;
    my $pid = $gw->sealer_pid // return 0;

    return (file_text("/proc/$pid/task/$pid/children") // '') =~ /(\d+)/
           ? $1 : 0;
}

sub sealer { return $_[0]->status->{sealer} || {} }

sub ask_rotate {
    my ($gw) = @_;
    my $s = IO::Socket::UNIX->new(Peer => $gw->dir . '/run/seal.sock') or die;

    print {$s} "rotate\n";
    $s->shutdown(1);
    readline $s;
}

sub verify {
    my ($at) = @_;
    my $r = run_command([debar_path(), 'audit', 'verify', $at, '--key',
                         "$at/sealer.pub", '--json']);

    $r->{json} = eval { decode_json($r->{out}) } || {};

    return $r;
}


# --- full under load ----------------------------------------------------------

sub full {
    my ($kind, $name, $failure) = @_;
    my $gw = Debar::Test::Gateway->new(
        list => $list, name => $name, workers => 2, sealer => 1, start => 0,
        conf => { debar_audit => "audit/audit.jsonl on_failure=$failure" });
    my $at = $gw->dir . '/audit';
    my %key = map { $_ => file_text("$at/$_") }
              qw(sealer.key sealer.pass sealer.pub);

    if (!mounted($kind, $at)) {
        SKIP: { skip "no $kind to be mounted here", 1 }
        return;
    }

    for my $file (keys %key) {
        write_file("$at/$file", $key{$file});
        chmod 0600, "$at/$file" if $file !~ /pub/;
    }

    my $claim = "$kind, $failure";

    ballast($at, 900);
    is($gw->start->{status}, 0, "$claim: a gateway starts with little room");

    my $sealer = sealer_child($gw);
    my $load = Debar::Test::Load->new($gw, rate => 2000);

    ok((eventually {
        my $s = $gw->status;
        $s->{audit_failures} && !$s->{sealer}{ok}
    } 30), 'its disk is full, and it says so') or diag(explain $gw->status);
    like(sealer($gw)->{error} // '', qr/sealed\/.*: make room/,
         'so does the sealer, with the remedy');
    # (the sealer gives room back, by the page, for another line)

    ok((eventually {
        $gw->get('http://listed.example/?' . 'f' x 3000)->{status}
            == ($failure eq 'pass' ? 403 : 503)
    } 5), 'what needs a line is treated as told');
    is($gw->get('http://www.neutral.example/')->{status}, 200,
       'what needs none is served');

    # another file cannot be made either

    ask_rotate($gw) if $failure eq 'refuse';

    my $v = verify($at);

    is($v->{status}, 0, 'what was sealed verifies while it is full')
        or diag($v->{out}, $v->{err});
    is(sealer_child($gw), $sealer, 'the sealer is the same process');

    unlink "$at/ballast";
    ok((eventually { sealer($gw)->{ok} } 20),
       'with room again it seals, without hands');
    ok((eventually { $gw->get('http://listed.example/x')->{status} == 403 } 5),
       'and the gateway refuses with a page again');
    sleep 0.3;

    my $told = $load->stop;
    my $failed = $gw->status->{audit_failures};

    ok((eventually { my $s = sealer($gw);
                     ($s->{behind} // 1) == 0 && !$s->{rotating} } 20),
       'the sealer is in step')
        or diag(explain sealer($gw));
    is(sealer_child($gw), $sealer, 'as the same process still');
    is($gw->stop->{status}, 0, 'it is stopped');
    found($gw, $told, $failure, $failed);
    system 'umount', '-l', $at;
}


# What the log says of those who were answered.

sub found {
    my ($gw, $told, $failure, $failed) = @_;
    my $log = audit_tokens($gw->dir . '/audit');
    my %has = %{ $log->{token} };
    my %by;

    push @{ $by{ $_->[1] } }, $_->[0] for @{ $told->{answers} };

    my @without = grep { !$has{$_} } @{ $by{403} };

    cmp_ok(scalar @{ $by{403} }, '>', 500, 'clients were refused');

    if ($failure eq 'refuse') {
        is(join(' ', sort keys %by), '403 503', 'or told that it cannot record');
        is(some_of(@without), '', 'each that was refused has a line');
        is(some_of(grep { $has{$_} } @{ $by{503} }), '', 'no other has');

    } else {
        is(join(' ', sort keys %by), '403', 'all of them');
        cmp_ok(scalar @without, '>', 0, 'some without a line');
        cmp_ok(scalar @without, '<=', $failed, 'and the gateway knows how many');
    }

    is(some_of(grep { $has{$_} > 1 } keys %has), '', 'none is there twice');
    cmp_ok($log->{torn}, '<', 50, 'few lines are torn');

    my $v = verify($gw->dir . '/audit');

    is("$v->{status} $v->{json}{lines} $v->{json}{unsealed}",
       "0 $log->{lines} 0", 'all that is there is sealed, and verifies')
        or diag($v->{out}, $v->{err});
    is(join("\n", grep { /\[(?:alert|emerg)\]/ && !/setrlimit/
                         && !/open\(\).*audit\.jsonl.*No space/ }
                  split /\n/, $gw->error_log), '', 'nothing else went wrong');
}

full('tmpfs', 'tmp-pass', 'pass');
full('ext4', 'ext4-refuse', 'refuse');
full('tmpfs', 'tmp-refuse', 'refuse') if $ENV{DEBAR_FULL};


# --- each call fails once -----------------------------------------------------

# What the sealer asks of the system fails for it, once, at each place, or it is
# killed there: nothing was signed that is not there, and the next run ends it.

my $shim = test_dir() . '/fail.so';
my $cc = run_command(['cc', '-shared', '-fPIC', '-O1', '-o', $shim,
                      "$FindBin::Bin/lib/fail.c", '-ldl']);

is($cc->{status}, 0, 'calls to the system are made to fail')
    or diag($cc->{err});

my $fast = test_dir() . '/fast';

mkdir $fast;
system 'mount', '-t', 'tmpfs', 'none', $fast;

my $key = trust_key($Debar::Test::Sealed::ORIGIN, file => 'key');

sub seal {
    my ($at, @env) = @_;

    return run_command(['env', @env, debar_path(), 'audit', 'seal', '--once',
                        $at, '--key', $key->{file}, '--pass-file',
                        trust_passphrase(), '--user', 0, '--rotate-size',
                        '40k']);
}

sub add {
    my ($at, $from, $n) = @_;

    open my $f, '>>', "$at/audit.jsonl" or die;
    print $f map { sprintf qq({"n":%d,"x":"%s"}\n), $_, 'y' x 200 }
             $from .. $from + $n - 1;
    close $f;
}

# Of a log with a file that is closed, a tile that becomes whole, and one that is
# not: every call of a run (in the short form every fourth), until there are no
# more.

sub fails {
    my ($errno) = @_;
    my $step = $ENV{DEBAR_FULL} ? 1 : 4;
    my ($ended, %seen, @bad) = (0);
    my $n;

    for ($n = 1; $n < 200; $n += $step) {
        my $at = "$fast/fail-$errno-$n";
        my $said = "$at.said";

        mkdir $at;
        add($at, 0, 150);
        seal($at);
        add($at, 150, 150);

        my $r = seal($at, "LD_PRELOAD=$shim", "DEBAR_FAIL=$n",
                     "DEBAR_FAIL_ERRNO=$errno", "DEBAR_FAIL_SAID=$said");
        my $what = file_text($said) or last;
        my $v = run_command([debar_path(), 'audit', 'verify', $at, '--key',
                             $key->{public}]);

        $seen{ (split ' ', $what)[0] }++;
        $ended += $r->{status} != 0;
        push @bad, "$n $what: $v->{err}" if $v->{status} != 0;
        add($at, 300, 10);
        $r = seal($at);
        $v = run_command([debar_path(), 'audit', 'verify', $at, '--key',
                          $key->{public}, '--json']);

        my $lines = (eval { decode_json($v->{out}) } || {})->{lines} // -1;

        push @bad, "$n $what, then: $r->{err}$v->{err}$lines lines"
            if $r->{status} != 0 || $v->{status} != 0 || $lines != 310;
        push @bad, "$n $what: two roots of a size" if two_roots($at);
        run_command(['rm', '-r', $at]);
    }

    cmp_ok($n, '>', 20, ($errno ? "errno $errno: " : 'killed: ') . join ', ', map { "$_ $seen{$_}" }
           sort keys %seen);
    cmp_ok($ended, '>', 10 / $step, 'which ends a run');
    is(join("\n", @bad), '', 'what was sealed verifies; the next run goes on');
}

sub two_roots {
    my ($at) = @_;
    my %root;

    return scalar grep { /^(\d+)\n(\S+=)$/ && ($root{$1} //= $2) ne $2 }
           file_text("$at/sealed/checkpoints") =~ /^(\d+\n\S+=)$/mg;
}

# The same for a deletion by policy: the log verifies whatever it got to, and
# the next run ends it.

sub deletes {
    my ($errno) = @_;
    my $model = "$fast/model-$errno";
    my $step = $ENV{DEBAR_FULL} ? 1 : 2;
    my ($n, %seen, @bad);

    sealed_log($model, $key, live => [sealed_line(99)], closed => [
        map { [map { sealed_line($_) =~ s/2026-/2020-/r } 1 .. 3] } 1 .. 3]);
    write_file("$model/sealed/files", file_text("$model/sealed/files")
               =~ s/"closed":"2026/"closed":"2020/gr);

    for ($n = 1; $n < 100; $n += $step) {
        my $at = "$model-$n";
        my @retain = ('audit', 'retain', $at, '--sealer-key', $key->{file},
                      '--pass-file', trust_passphrase(), '--quiet');

        run_command(['cp', '-a', $model, $at]);

        my $r = run_command(['env', "LD_PRELOAD=$shim", "DEBAR_FAIL=$n",
                             "DEBAR_FAIL_ERRNO=$errno",
                             "DEBAR_FAIL_SAID=$at.said", debar_path(),
                             @retain]);
        my $what = file_text("$at.said") or last;
        my $v = run_command([debar_path(), 'audit', 'verify', $at, '--key',
                             $key->{public}]);

        $seen{$what}++;
        push @bad, "$n $what: goes on" if $r->{status} == 0;
        push @bad, "$n $what: $v->{err}" if $v->{status} != 0;
        $r = run_command([debar_path(), @retain]);
        $v = run_command([debar_path(), 'audit', 'verify', $at, '--key',
                          $key->{public}, '--json']);
        push @bad, "$n $what, then: $r->{err}$v->{out}"
            if $r->{status} != 0 || $v->{status} != 0
               || $v->{out} !~ /"deleted_files":3/ || glob "$at/audit-*.jsonl";
    }

    cmp_ok($n, '>', 10, ($errno ? "errno $errno" : 'killed')
           . ', of a deletion: ' . join ', ', map { "$_ $seen{$_}" }
           sort keys %seen);
    is(join("\n", @bad), '', 'is ended by the next run');
}

# ENOSPC, EIO; 0: it is killed there.

for my $errno ($ENV{DEBAR_FULL} ? (28, 5, 0) : 0) {
    deletes($errno);
    fails($errno);
}

system 'umount', '-l', $fast;

done_testing;

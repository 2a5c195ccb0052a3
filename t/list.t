#!/usr/bin/perl

# A published list takes effect by itself; a bad one never takes the place of
# the last good one; no request fails in between.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use File::Copy qw(copy);
use IO::Handle;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new;
my $source = test_dir() . '/list';
my $aside = test_dir() . '/aside.mdb';

sub write_serial {
    my ($serial, @hosts) = @_;

    return write_list($source, serial => $serial,
                      hosts => ['listed.example', @hosts]);
}

# Puts a file in place of the list by rename, past every check of the command.

sub put {
    my ($gw, $from, $mode, $owner) = @_;
    my $tmp = $gw->list . '.new';

    copy($from, $tmp) or die "$tmp: $!\n";
    chmod $mode // 0444, $tmp;
    chown $owner, -1, $tmp if defined $owner;
    rename $tmp, $gw->list or die $gw->list . ": $!\n";
}

sub build_aside {
    my (@o) = @_;

    unlink $aside, "$aside.serial";
    write_list(test_dir() . '/other', @o);

    return build_list(test_dir() . '/other', $aside);
}

sub status_of { return $_[0]->get($_[1])->{status} }

my $gw = Debar::Test::Gateway->new(list => write_serial(10), workers => 2);
my @workers = $gw->workers;

is(scalar @workers, 2, 'two workers run');
is(status_of($gw, 'http://late.example/'), 200, 'a host is not listed at first');

write_serial(11, 'late.example');

my $r = $gw->publish($source);

is($r->{status}, 0, 'a newer list is published');

my $t = time;

ok(eventually { status_of($gw, 'http://late.example/') == 403 },
   'and it takes effect with no reload');
cmp_ok(time - $t, '<', 1, 'within a moment');

sleep 0.05;
is(join(' ', map { status_of($gw, 'http://late.example/') } 1 .. 10),
   join(' ', (403) x 10), 'in every worker');
is(join(' ', $gw->workers), join(' ', @workers), 'that were there before');

$gw->audit;
$gw->get('http://late.example/');
is(($gw->audit)[-1]{list}{serial}, 11, 'the record names the new serial');


# The command does not go back.

write_serial(9, 'early.example');
$r = $gw->publish($source);
is($r->{status}, 1, 'an older serial is refused');
like($r->{err}, qr/serial/, 'and the message says so');

write_serial(11, 'early.example');
is($gw->publish($source)->{status}, 1,
   'so is the same serial with other content');

write_file("$source/vendors/acme.yaml", "id: acme\nname: [oops\n");
is($gw->publish($source)->{status}, 1, 'and a source with an error');
is(status_of($gw, 'http://early.example/'), 200, 'none of them came into force');
is(status_of($gw, 'http://late.example/'), 403, 'and the last list stands');


# Nor do the workers, whatever is put in place past the command.

my @bad = (
    ['an older serial', sub {
        build_aside(serial => 5, hosts => ['bad.example']) }, qr/serial/],
    ['the same serial with another digest', sub {
        build_aside(serial => 11, hosts => ['bad.example']) },
        qr/serial|digest/],
    ['a truncated file', sub {
        build_aside(serial => 50, hosts => ['bad.example']);
        chmod 0644, $aside;
        truncate $aside, int((-s $aside) / 2) or die "truncate: $!\n";
        $aside }, qr/\S/],
    ['a file cut by one page', sub {
        build_aside(serial => 51, hosts => ['bad.example']);
        chmod 0644, $aside;
        truncate $aside, (-s $aside) - 4096 or die "truncate: $!\n";
        $aside }, qr/\S/],
    ['an empty file', sub {
        chmod 0644, $aside;
        write_file($aside, '') }, qr/\S/],
    ['a file of something else', sub {
        write_file($aside, 'x' x 100000) }, qr/\S/],
    ['a file of zeros', sub {
        write_file($aside, "\0" x 100000) }, qr/\S/],
    ['a foreign version', sub {
        foreign_version() }, qr/\S/],
    ['a file that others may write to', sub {
        build_aside(serial => 53, hosts => ['bad.example']) }, qr/\S/, 0666],
    $> ? () : ['a file of the workers themselves', sub {
        build_aside(serial => 54, hosts => ['bad.example']) }, qr/\S/, 0444,
        (www_ids())[0]],
);

# A snapshot of another format: the number stands behind its key in meta.

sub foreign_version {
    build_aside(serial => 52, hosts => ['bad.example']);
    chmod 0644, $aside;

    my $bytes = file_text($aside);
    my $n = $bytes =~ s/format[0-9]/format9/g;

    die "no format number in the snapshot's meta\n" if !$n;

    return write_file($aside, $bytes);
}

for my $bad (@bad) {
    my ($what, $make, $why, $mode, $owner) = @$bad;
    my $before = length $gw->error_log;

    put($gw, $make->(), $mode, $owner);

    my $said = eventually {
        my $new = substr $gw->error_log, $before;
        $new =~ /debar/ && $new;
    } 8;

    like($said, $why, "$what: the error log says why");
    is(status_of($gw, 'http://late.example/'), 403,
       "$what: the last good list goes on refusing");
    is(status_of($gw, 'http://www.neutral.example/'), 200,
       "$what: and serving");
    is(status_of($gw, 'http://bad.example/'), 200,
       "$what: what it lists is not in force");

    my $status = $gw->command('status');

    like($status->{out}, qr/^\s*state\s+last-good\n.*^\s*fault\s+\S/ms,
         "$what: status shows that the file in place is not used");

    my %said;

    for (split /\n/, substr $gw->error_log, $before) {
        $said{$1}++ if /\s(\d+)#\d+:.*debar/;
    }

    is(scalar(grep { $_ > 1 } values %said), 0,
       "$what: and no worker says so twice");
}

is(join(' ', $gw->workers), join(' ', @workers), 'no worker was lost by them');

write_serial(60, 'sixty.example');
is($gw->publish($source)->{status}, 0, 'a good newer list is published');
ok(eventually { status_of($gw, 'http://sixty.example/') == 403 },
   'and takes the place of the bad one');
like($gw->command('status')->{out}, qr/\b60\b/, 'status shows its serial');


# The file goes away for a moment: nothing changes.

rename $gw->list, $gw->list . '.away';
is(status_of($gw, 'http://sixty.example/'), 403,
   'a list that was removed stays in force');
rename $gw->list . '.away', $gw->list;


# A hundred publications under load.

my @load;

for my $n (1 .. 3) {
    pipe my $out, my $in or die "pipe: $!\n";

    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        close $out;
        print {$in} load($gw, "load$n.neutral.example", $n % 2);
        close $in;
        POSIX::_exit(0);
    }

    close $in;
    push @load, [$pid, $out];
}

# Requests until the file "enough" appears: "served failed first-failure".

sub load {
    my ($g, $host, $listed) = @_;
    my $enough = test_dir() . '/enough';
    my ($served, $failed, $first) = (0, 0, '-');
    my $c = $g->client;

    while (!-e $enough) {
        my $bad = $listed && $served % 2;
        my $name = $bad ? 'listed.example' : $host;

        $c->send("GET http://$name/?$served HTTP/1.1\r\nHost: $name\r\n\r\n");

        my $got = $c->response;
        my $s = $got->{status} // 'closed';

        $served++;

        if ($s ne ($bad ? 403 : 200)) {
            $failed++;
            $first = "$name:$s" if $first eq '-';
        }

        $c = $g->client if $got->{closed} || $got->{timeout}
                           || (Debar::Test::Client::field($got, 'Connection')
                               // '') eq 'close';
    }

    return "$served $failed $first";
}

my $published = 0;

for my $serial (101 .. 200) {
    write_serial($serial, "h$serial.example");
    $published++ if $gw->publish($source)->{status} == 0;
}

ok(eventually { status_of($gw, 'http://h200.example/') == 403 },
   'the last of a hundred lists takes effect');
write_file(test_dir() . '/enough', '');
is($published, 100, 'all hundred could be published');

my ($served, $failed, $first) = (0, 0, '-');

for (@load) {
    my ($pid, $out) = @$_;
    my ($s, $f, $e) = split / /, readline($out) // '0 1 none';

    waitpid $pid, 0;
    $served += $s;
    $failed += $f;
    $first = $e if $e ne '-';
}

cmp_ok($served, '>', 300, "with requests all the while ($served)");
is($failed, 0, "of which none failed ($first)");
is(join(' ', $gw->workers), join(' ', @workers),
   'and the workers are those of the beginning');
is(status_of($gw, 'http://h199.example/'), 200,
   'what only an older list had is no longer refused');

my @maps = grep { /list\.mdb/ } map { split /\n/, file_text("/proc/$_/maps")
                                                  // '' } $gw->workers;

cmp_ok(scalar @maps, '<=', 2 * @workers,
       'old lists are not kept open (' . @maps . ' mappings)');
$gw->stop;


# Expiry.

unlink map { ("$_", "$_.serial") } $aside;

my $old = write_list(test_dir() . '/old', expires => '2020-01-01');

$gw = Debar::Test::Gateway->new(list => $old, name => 'expired', workers => 1);
is(status_of($gw, 'http://listed.example/'), 403,
   'an expired list is used by default');
is(status_of($gw, 'http://www.neutral.example/'), 200, 'and the rest served');
like($gw->error_log . $gw->{init}{err} . $gw->{init}{out}, qr/expired/,
     'with a warning');
like($gw->command('status')->{out}, qr/expired/i, 'status shows it');
$gw->stop;

$gw = Debar::Test::Gateway->new(list => $old, name => 'expired2', workers => 1,
                                conf => { debar_expired => 'block' });
is(status_of($gw, 'http://www.neutral.example/'), 503,
   'with "debar_expired block" nothing is served under an expired list');
$gw->publish(write_list($old, serial => 2));
ok(eventually { status_of($gw, 'http://www.neutral.example/') == 200 },
   'until a newer one is published');
$gw->stop;


# No list at all: it is gone when a worker starts.

for my $case (['block', 503], ['pass', 200]) {
    my ($value, $want) = @$case;

    $gw = Debar::Test::Gateway->new(
        list => write_list(test_dir() . "/none-$value"), workers => 1,
        name => "none-$value", conf => { debar_on_failure => $value });

    my ($worker) = $gw->workers;

    rename $gw->list, $gw->list . '.away';
    kill 'KILL', $worker;
    ok(eventually { my ($w) = $gw->workers; $w && $w != $worker },
       "$value: a new worker finds no list");
    $gw->audit;
    is(eventually { eval { status_of($gw, 'http://www.neutral.example/') } },
       $want, "debar_on_failure $value answers $want");
    like($gw->command('status')->{out}, qr/^\s*state\s+none\n/m,
         "$value: status shows that there is none");
    rename $gw->list . '.away', $gw->list;
    ok((eventually { status_of($gw, 'http://listed.example/') == 403 } 8),
       "$value: the list is used as soon as it is there");
    $gw->stop;
}

done_testing;

#!/usr/bin/perl

# What a list has coming is said by day: phases, waivers, its expiry; nothing
# else is.  Waivers go into a source and out of it by command.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP qw(decode_json);
use POSIX qw(strftime);
use Test::More;

use Debar::Test;
use Debar::Test::Gateway;

my $dir = test_dir();

sub debar { return run_command([debar_path(), 'list', @_]) }

sub day { return strftime('%Y-%m-%d', gmtime(time + 86400 * $_[0])) }

sub days {
    my ($out) = @_;

    return join "\n", map { /^(\S+)  (?:waiver )?(\S+)/ ? "$1 $2" : $_ }
                      split /\n/, $out;
}

sub waiver {
    my ($id, $from, $until, $more) = @_;

    return "  - id: $id\n    vendor: acme\n    users: [anna]\n"
           . "    from: $from\n    until: $until\n"
           . "    approved-by: A. Officer\n    why: it runs out\n"
           . ($more // '');
}


# --- phases, both ways --------------------------------------------------------

my $law = write_list("$dir/law", expires => '2031-06-30',
    phases => "{from: 2030-01-01, browse: log, acquire: log}\n"
              . "      - {from: 2030-12-01, browse: log, acquire: block,"
              . " update: block}\n"
              . "      - {from: 2031-02-01, browse: pass, acquire: log,"
              . " update: log}");

my $r = debar('due', $law, '--on', '2030-12-01');

is($r->{status}, 0, 'what comes on a day');
is($r->{out}, <<'END', 'what is recorded and let through is blocked from then');
2030-12-01  rule-1 (Rule One of the test) begins to block updates (let through until then)
2030-12-01  rule-1 (Rule One of the test) begins to block purchases (recorded until then)
END

for my $other ('2030-11-30', '2030-12-02') {
    is(debar('due', $law, '--on', $other)->{out},
       "nothing begins, changes or ends on $other\n", "$other has nothing");
}

$r = debar('due', $law, '--on', '2031-02-01');
like($r->{out}, qr/ceases to record browsing \(let through from then on\)/,
     'an end of what is recorded');
like($r->{out}, qr/ceases to block updates, purchases \(recorded from then on\)/,
     'blocks that become records, in one line');

is(days(debar('due', $law, '--on', '2030-06-01', '--days', '400')->{out}),
   join("\n", ('2030-12-01 rule-1') x 2, ('2031-02-01 rule-1') x 2,
        '2031-06-30 the'), 'so many days from a day on, the earliest first');

$r = debar('due', $law, '--on', '2031-06-30');
like($r->{out}, qr/^2031-06-30  the list expires: .*debar_expired/,
     'the list expires');
like(debar('due', $law, '--on', '2031-08-01')->{out},
     qr/^2031-06-30  the list has expired/, 'and has expired after that day');

write_file("$law/list.yaml", file_text("$law/list.yaml")
           =~ s/^(authorities:)/in-force: [rule-2]\n$1/mr
           . "  rule-2:\n    title: Rule Two\n    phases:\n"
           . "      - {from: 2030-12-01, browse: log}\n");
$r = debar('due', $law, '--on', '2030-12-01');
is($r->{out}, "2030-12-01  rule-2 (Rule Two) begins to record browsing (let"
   . " through until then)\n", 'an authority that is not in force begins nothing')
    or diag($r->{err});


# --- waivers ------------------------------------------------------------------

my $list = write_list("$dir/list");

write_file("$list/list.yaml", file_text("$list/list.yaml")
           =~ s/^serial:/timezone: America\/New_York\nserial:/mr);
write_file("$list/waivers.yaml", "waivers:\n"
           . waiver('W-1', '2030-03-01', '2030-03-31')
           . waiver('W-2', '2030-01-01', '2030-12-31'));

is(days(debar('due', $list, '--on', '2030-03-01')->{out}), '2030-03-01 W-1',
   'a waiver begins');
is(debar('due', $list, '--on', '2030-03-31')->{out},
   '2030-03-31  waiver W-1 of user anna for acme ends: this is its last day;'
   . " approved by A. Officer: it runs out\n", 'it ends on its last day');
is(days(debar('due', $list, '--on', '2030-04-01')->{out}), '2030-03-31 W-1',
   'which the first day without it tells, too');

for my $other ('2030-02-28', '2030-03-15', '2030-03-30', '2030-04-02') {
    like(debar('due', $list, '--on', $other)->{out}, qr/^nothing/,
         "$other has nothing");
}

build_list($list, "$dir/list.mdb");

is(debar('due', "$dir/list.mdb", '--on', '2030-01-01', '--days', '400')->{out},
   debar('due', $list, '--on', '2030-01-01', '--days', '400')->{out},
   'a snapshot has the same to come as its source');

my $json = decode_json(debar('due', "$dir/list.mdb", '--on', '2030-03-31',
                             '--json')->{out});

is_deeply([@{ $json->{due}[0] }{qw(day what how id vendor approved_by why)}],
          ['2030-03-31', 'waiver', 'ends', 'W-1', 'acme', 'A. Officer',
           'it runs out'], 'by machine: who, whom, why');
is(strftime('%Y-%m-%dT%H:%M', gmtime($json->{due}[0]{at})), '2030-04-01T04:00',
   'midnight of the timezone of the list');
is($json->{timezone}, 'America/New_York', 'which is said');


# --- the line of build, check -------------------------------------------------

my $soon = write_list("$dir/soon");
my $end = day(12);

write_file("$soon/waivers.yaml", "waivers:\n"
           . waiver('W-7', day(-30), $end) . waiver('W-8', day(5), day(300)));

for my $command (['check', $soon], ['build', $soon, '-o', "$dir/soon.mdb"],
                 ['check', "$dir/soon.mdb"])
{
    $r = debar(@$command);
    like($r->{out}, qr/^within 30 days end: waiver W-7 \($end\) \(debar list/m,
         "list $command->[0] says what ends soon");
    unlike($r->{out}, qr/W-8/, 'and not what begins');

    $r = debar(@$command, '--json', $command->[0] eq 'build' ? '--replace' : ());
    is(decode_json($r->{out})->{ends_soon}, "waiver W-7 ($end)", 'by machine');
}

is(days(debar('due', $soon)->{out}), day(5) . " W-8\n$end W-7",
   'thirty days from now on, unless said otherwise');
is(days(debar('due', $soon, '--days', '7')->{out}), day(5) . ' W-8', 'a week');

for my $command (['check', $list], ['check', "$dir/list.mdb"]) {
    $r = debar(@$command);
    unlike($r->{out}, qr/within 30 days/, 'no line where nothing ends soon');
    unlike(debar(@$command, '--json')->{out}, qr/ends_soon/, 'nor a member');
}

write_list("$dir/expiring", expires => day(9));
like(debar('check', "$dir/expiring")->{out}, qr/end: the list \(@{[day(9)]}\)/,
     'the expiry of the list is announced');


# --- a gateway ----------------------------------------------------------------

my $gw = Debar::Test::Gateway->new(list => $soon, workers => 1);

$r = $gw->command('status');
like($r->{out}, qr/^ +ends_soon +waiver W-7 \($end\)$/m,
     'gateway status says what ends soon');
is($gw->status->{lists}[0]{ends_soon}, "waiver W-7 ($end)", 'by machine');
$gw->stop;


# --- waive, unwaive -----------------------------------------------------------

my $w = write_list("$dir/w");
my @rest = ('--vendor', 'acme', '--from', day(-1), '--until', day(20),
            '--approved-by', 'B: Officer', '--why', 'a "contract" # 7');

sub check {
    my ($user) = @_;
    my $c = run_command([debar_path(), 'check', '--list', $w, '--user', $user,
                         'http://listed.example/']);

    return $c->{out};
}

like(check('anna'), qr/block/i, 'blocked without a waiver');

$r = debar('waive', $w, 'W-1', @rest, '--user', 'anna', '--dry-run');
like($r->{out}, qr/^\+  - id: W-1$/m, 'shown as a diff');
ok(!-e "$w/waivers.yaml", 'and nothing is written');

$r = debar('waive', $w, 'W-1', @rest, '--user', 'anna');
is($r->{status}, 0, 'a first waiver makes the file') or diag($r->{err});
like(file_text("$w/waivers.yaml"),
     qr/^waivers:\n  - id: W-1\n    vendor: acme\n    users: \[anna\]\n/,
     'in the form that people write');
like(check('anna'), qr/waive/i, 'it waives');
unlike(check('bob'), qr/waive/i, 'for no one else');

write_file("$w/waivers.yaml", "# ours\n" . file_text("$w/waivers.yaml")
           . "# the end\n");
my $before = file_text("$w/waivers.yaml");

$r = debar('waive', $w, 'W-2', @rest, '--client', '192.0.2.0/24', '--order',
           'PO-1', '--url', 'https://listed.example/help/*', '--activity',
           'acquire', '--activity', 'browse');
is($r->{status}, 0, 'a second') or diag($r->{err});
like(file_text("$w/waivers.yaml"),
     qr/^# ours\n.*  - id: W-2\n.*activities: \[acquire, browse\]\n.*\n# the end\n\z/s,
     'behind the first, comments are kept');
is(debar('check', $w)->{status}, 0, 'the source is whole');

$r = debar('unwaive', $w, 'W-2');
is($r->{status}, 0, 'taken out') or diag($r->{err});
is(file_text("$w/waivers.yaml"), $before, 'to the byte');

is(debar('unwaive', $w, 'W-1')->{status}, 0, 'the last one, too');
unlike(check('anna'), qr/waive/i, 'which waives no more');

$r = debar('waive', $w, 'W-3', @rest, '--user', 'anna', '--json');
is_deeply(decode_json($r->{out}),
          { ok => JSON::PP::true, file => 'waivers.yaml', did => 'waived',
            id => 'W-3' }, 'into a list without any; by machine');
like(check('anna'), qr/waive/i, 'it waives');

for my $none ('waivers:', "waivers:\n", "waivers: []\n", "waivers: ~\n# x\n",
              "waivers: # none\n", "waivers:\n  []")
{
    write_file("$w/waivers.yaml", $none);
    $r = debar('unwaive', $w, 'W-4');
    ok($r->{status} == 1 && $r->{err} =~ /it has none/, 'nothing to take out')
        or diag($r->{err});
    $r = debar('waive', $w, 'W-4', @rest, '--user', 'anna');
    ok($r->{status} == 0 ? check('anna') =~ /waive/i
       : $r->{err} =~ /waivers: \[\]/, 'into nothing, or it says how')
        or diag("$none: $r->{err}", file_text("$w/waivers.yaml"));
    is($r->{status}, $none =~ /# none/ ? 1 : 0, '  where it can');
}

write_file("$w/waivers.yaml", "waivers: [{id: A, vendor: acme, users: [x],"
           . " from: 2030-01-01, until: 2030-01-02, approved-by: x, why: y}]");
is(debar('waive', $w, 'B', @rest, '--user', 'anna')->{status}, 0,
   'into a list in brackets');
like(check('anna'), qr/waive/i, 'it waives');


# --- what is wrong says what to do --------------------------------------------

sub wrong {
    my ($name, $status, $what, @command) = @_;
    my $text = -e "$w/waivers.yaml" ? file_text("$w/waivers.yaml") : '';
    my $c = debar(@command);

    ok($c->{status} == $status && $c->{err} =~ $what, $name)
        or diag("$c->{status}: $c->{err}");
    is(file_text("$w/waivers.yaml"), $text, '  nothing is written');
}

wrong('no list', 2, qr/name a list/, 'due');
wrong('two lists', 2, qr/one list/, 'due', $list, $law);
wrong('no such file', 1, qr/list build/, 'due', "$dir/none");
wrong('another file', 1, qr/LMDB.*build/, 'due', "$w/list.yaml");
wrong('no folder of a list', 1, qr/list\.yaml/, 'due', $dir);
wrong('no day', 2, qr/YYYY-MM-DD/, 'due', $list, '--on', $_)
    for '2030-02-30', '1.12.2030', '2030-13-01', '2030-1-01x';
wrong('no days', 2, qr/1 to/, 'due', $list, '--days', $_)
    for '0', '-3', 'ten', '99999';
wrong('for no one', 2, qr/--user/, 'waive', $w, 'N', @rest);
wrong('no approver', 2, qr/--approved-by is missing/, 'waive', $w, 'N',
      @rest[0 .. 5], '--user', 'x', '--why', 'y');
wrong('no id', 2, qr/id of the waiver/, 'waive', $w, @rest, '--user', 'x');
wrong('an id twice', 1, qr/waivers\.yaml:\d+: .*another id.*unwaive/, 'waive',
      $w, 'B', @rest, '--user', 'x');
wrong('an unknown vendor', 1, qr/unknown vendor "other"/, 'waive', $w, 'N',
      '--vendor', 'other', @rest[2 .. 9], '--user', 'x');
wrong('two vendors', 2, qr/once/, 'waive', $w, 'N', '--vendor', 'other', @rest,
      '--user', 'x');
wrong('a bad network', 1, qr/bad network/, 'waive', $w, 'N', @rest,
      '--client', '10.0.0.0/99');
wrong('no such day', 1, qr/bad date/, 'waive', $w, 'N', '--vendor', 'acme',
      '--until', '2030-02-30', '--from', day(0), '--approved-by', 'x',
      '--why', 'y', '--user', 'x');
wrong('an end before the start', 1, qr/before "from"/, 'waive', $w, 'N',
      '--vendor', 'acme', '--until', day(-3), '--from', day(0),
      '--approved-by', 'x', '--why', 'y', '--user', 'x');
wrong('an unknown id', 1, qr/no waiver "N"; it has A, B/, 'unwaive', $w, 'N');
wrong('no waivers at all', 1, qr/has no waivers/, 'unwaive', $law, 'N');
wrong('no source', 1, qr/list\.yaml|folder/, 'waive', "$dir/list.mdb", 'N',
      @rest, '--user', 'x');

done_testing();

#!/usr/bin/perl

# Reports of an audit log: their numbers are those of a naive count over the
# same lines, in every form; the page is well-formed, says everything escaped;
# what is due is due on business days.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;
use XML::Parser;

use Debar::Test;
use Debar::Test::Sealed;
use Debar::Test::Trust;

my $dir = test_dir();
my $json = JSON::PP->new->utf8->canonical;

mkdir "$dir/audit" or die "$dir/audit: $!\n";

srand 20261122;

sub pick { return $_[rand @_] }

sub report {
    my (@o) = @_;

    return run_command([debar_path(), 'audit', 'report', @o]);
}

sub data_of {
    my ($kind, @o) = @_;
    my $r = report($kind, $dir, '--format', 'json', @o);

    is($r->{status}, 0, "a report of $kind is made") or diag $r->{err};

    return $json->decode($r->{out} || '{}');
}


# A log: three months of verdicts in four files, an outcome for some, events,
# torn lines, a line that is too long, names that would break a page or run in a
# spreadsheet.

my $evil = '"><script>alert(1)</script>&amp;' . "\x{7}\x{416}";
my @users = ('alice@one.example', 'Bob@two.example', '=HYPERLINK("x")', $evil,
             '');
my (@rows, @lines, $id);

sub moment {
    my ($n) = @_;
    my @days = (30, 31, 31);
    my $month = int($n / 1000);

    return sprintf '2026-%02d-%02dT%02d:%02d:%02d.%03dZ', 9 + $month,
        1 + $n % 1000 / 1000 * ($days[$month] - 1), 7 + $n % 11, $n % 60,
        $n * 7 % 60, $n % 1000;
}

for my $n (0 .. 2999) {
    my $listed = rand() < 0.8;
    my $verdict = $listed ? pick(qw(block block log pass)) : pick(qw(reject pass));
    my $row = {
        time => moment($n), incident => sprintf('%032x', ++$id),
        gateway => pick('gw-1', 'gw-2'), surface => pick(qw(http tls connect)),
        client => pick('10.1.' . int(rand 3) . '.' . int(rand 4) . ':4711',
                       '[2001:db8::' . int(1 + rand 3) . ']:99'),
        method => 'GET', url => 'http://u@' . pick(qw(Shop.example cdn.example))
                                . ':8080/x?<b>&y=' . $n,
        activity => pick(qw(browse update download acquire)),
        verdict => $verdict, mode => pick(qw(enforce enforce monitor)),
        list => { serial => 7 + int($n / 1000), digest => "12ab" },
        took_us => 10,
    };
    my $user = pick(@users);

    $row->{user} = $user if $user ne '';

    if ($listed) {
        $row->{vendor} = pick(qw(acme other));
        $row->{product} = pick('Acme <Pro>', 'Acme Lite') if rand() < 0.5;
        $row->{authorities} = [pick('far-52.204-23', 'bod-17-01')];
        $row->{evidence} = [
            { kind => 'host', value => 'acme.example', where => 'host',
              offset => 0 },
            { kind => 'part-number', value => 'KL' . int(rand 3),
              where => 'url', offset => 3 },
        ];
        $row->{evidence}[0]{activity} = pick('update', 'download')
            if $n % 7 == 0;
        $row->{waiver} = pick('W-1', 'W-<2>') if $verdict eq 'pass';
        $row->{permit} = 'removal tools' if $verdict eq 'log' && rand() < 0.2;
    }

    push @rows, $row;
    push @lines, $json->encode($row) =~ s/^\{(.*?)("time":"[^"]*"),?/{$2,$1/r;
    push @lines, qq({"time":"$row->{time}","incident":"$row->{incident}",)
                 . qq("status":403,"bytes":7})
        if $n % 3 == 0;
}

my @events = (
    qq({"time":"2026-09-10T10:00:00.000Z","gateway":"gw-1",)
    . qq("event":"break-glass","state":"opened","by":"root",)
    . qq("reason":"<i>fire</i>","until":"2026-09-10T11:00:00.000Z"}));

my @torn = ('{"time":"2026-09-09T', 'x' x 70000, "{\"time\":\"2026-09-09T00:0"
            . "\0" . "0:00.000Z\"}", '{"time":"2026-09-09T00:00:00.000Z",]');

write_file("$dir/audit/audit-00000001.jsonl",
           join "\n", @lines[0 .. 999], $events[0], @torn, '', '');
write_file("$dir/audit/audit-00000002.jsonl",
           join '', map { "$_\n" } @lines[1000 .. 1999]);
write_file("$dir/audit/audit-100000000.jsonl",
           join '', map { "$_\n" } @lines[2000 .. 2999]);
write_file("$dir/audit/audit.jsonl",
           join('', map { "$_\n" } @lines[3000 .. $#lines]) . '{"time":"202');

write_file("$dir/bureaus", <<'END');
# networks and users
10.1.0.0/16      Bureau of Everything
10.1.1.0/24      Bureau of <One>
@one.example     Bureau of Alice
bob@TWO.example  Bureau of Bob
2001:db8::1      Bureau of Six
END

sub addr_of {
    my ($r) = @_;

    return $r->{client} =~ /^\[(.*)\]/ ? $1 : $r->{client} =~ s/:\d+$//r;
}

sub bureau_of {
    my ($r) = @_;
    my ($user, $addr) = ($r->{user} // '', addr_of($r));

    return $user =~ /\@one\.example$/ ? 'Bureau of Alice'
         : $user =~ /^Bob\@/ ? 'Bureau of Bob'
         : $addr =~ /^10\.1\.1\./ ? 'Bureau of <One>'
         : $addr =~ /^10\.1\./ ? 'Bureau of Everything'
         : $addr eq '2001:db8::1' ? 'Bureau of Six' : '(no bureau)';
}

sub host_of { return lc +($_[0]{url} =~ m{^http://u\@([^:/]+)})[0] }

sub cut { return $_[0] =~ s/^(.{1,512}).*/$1/r }

my %by = (
    day => sub { substr $_[0]{time}, 0, 10 },
    bureau => \&bureau_of,
    user => sub { $_[0]{user} // addr_of($_[0]) },
    channel => \&host_of,
    surface => sub { $_[0]{surface} },
    vendor => sub { $_[0]{vendor} // '(none)' },
    product => sub { $_[0]{product} // '(not told)' },
    activity => sub { $_[0]{activity} },
);


# --- attempts ----------------------------------------------------------------

for my $period ([], ['2026-09-30', '2026-11-02'],
                ['2026-10-01T08:00:00Z', '2026-10-20T09:30:00.5+01:00'])
{
    my ($since, $until) = @$period;
    my @o = $since ? ('--since', $since, '--until', $until) : ();
    my %end = ('2026-11-02' => '2026-11-03T00:00:00.000Z',
               '2026-10-20T09:30:00.5+01:00' => '2026-10-20T08:30:00.500Z');
    my @in = grep { !$since || ($_->{time} ge $since
                                && $_->{time} lt $end{$until}) } @rows;
    my @attempts = grep { $_->{verdict} ne 'pass' } @in;
    my $got = data_of('attempts', '--bureaus', "$dir/bureaus", @o);

    cmp_ok(scalar @attempts, '>', 300, 'there are attempts to count');
    is($got->{log}{decisions}, scalar @in, 'decisions of the period: '
       . ($since // 'all'));

    for my $by (sort keys %by) {
        my %want;

        for my $r (@attempts) {
            my $w = $want{$by{$by}->($r)} //= { attempts => 0, blocked => 0,
                rejected => 0, logged => 0, not_enforced => 0,
                first => $r->{time}, last => $r->{time} };

            $w->{attempts}++;
            $w->{blocked} += $r->{verdict} eq 'block';
            $w->{rejected} += $r->{verdict} eq 'reject';
            $w->{logged} += $r->{verdict} eq 'log';
            $w->{not_enforced} += $r->{mode} ne 'enforce';
            $w->{first} = $r->{time} if $r->{time} lt $w->{first};
            $w->{last} = $r->{time} if $r->{time} gt $w->{last};
        }

        my %have = map { my %r = %$_; delete($r{name}) => \%r }
                   @{$got->{tables}{$by}{rows}};

        $_->{$by} = undef for ();
        is_deeply(\%have, \%want, "attempts by $by are those of a naive count");
    }
}

my $all = data_of('attempts');

is($all->{log}{unreadable}, 4, 'torn lines, one too long, one with a NUL and '
   . 'one that is no JSON are counted');
is($all->{log}{lines}, @lines + 5, 'every other line was read, but for the one '
   . 'that is being written');
ok(!$all->{tables}{bureau}, 'without a file there are no bureaus');

my $short = data_of('attempts', '--top', 2);

is(@{$short->{tables}{day}{rows}}, 2, '--top bounds the rows');
cmp_ok($short->{tables}{day}{left_out}, '>', 50, 'and says how many are left '
       . 'out');
is(data_of('attempts', '--vendor', 'acme')->{log}{decisions},
   scalar(grep { ($_->{vendor} // '') eq 'acme' } @rows), 'by vendor');


# --- presence ----------------------------------------------------------------

my %hosts;

# by what was asked for, or a host that serves updates and telemetry alone

for my $r (grep { $_->{vendor} && ($_->{activity} eq 'update'
                  || ($_->{evidence}[0]{activity} // '') eq 'update') } @rows) {
    my $w = $hosts{join "\0", addr_of($r), $r->{user} // '', $r->{vendor},
                   $r->{product} // "one of the vendor's"}
            //= { n => 0, first => $r->{time}, last => $r->{time} };

    $w->{n}++;
    $w->{first} = $r->{time} if $r->{time} lt $w->{first};
    $w->{last} = $r->{time} if $r->{time} gt $w->{last};
}

my $inventory = data_of('inventory');
my %found = map {
    join("\0", $_->{client}, $_->{user} // '', $_->{vendor}, $_->{product})
        => { n => $_->{count}, first => $_->{first}, last => $_->{last} }
} @{$inventory->{tables}{hosts}{rows}};

is_deeply(\%found, \%hosts, 'clients that run the product, first and last seen');
like($inventory->{tables}{hosts}{rows}[0]{evidence},
     qr/^host acme\.example \(host\); asked (?:shop|cdn)\.example$/,
     'each with the evidence of the guess');


# --- waivers, windows --------------------------------------------------------

my $waivers = data_of('waivers');
my ($used, $by_name) = (0, {});

for (@{$waivers->{tables}{waivers}{rows}}) {
    $by_name->{"$_->{kind} $_->{name}"} += $_->{count};
}

my %used;

$used{$_->{waiver} ? "waiver $_->{waiver}" : "permit $_->{permit}"}++
    for grep { $_->{waiver} || $_->{permit} } @rows;

is_deeply($by_name, \%used, 'uses of waivers and permits');
is($waivers->{tables}{events}{rows}[0]{reason}, '<i>fire</i>',
   'a broken glass stands beside them');

my %window;

for my $r (@rows) {
    my $w = $window{"$r->{gateway} $r->{list}{serial}"} //= {};

    $w->{first} //= $r->{time};
    $w->{enforced} //= $r->{time} if $r->{mode} eq 'enforce';

    for ([first => -1], [last => 1]) {
        my ($key, $sign) = @$_;
        $w->{$key} = $r->{time}
            if !$w->{$key} || ($r->{time} cmp $w->{$key}) == $sign;
    }

    $w->{enforced} = $r->{time} if $r->{mode} eq 'enforce'
                                   && $r->{time} lt $w->{enforced};
    $w->{n}++;
}

my %windows = map { ("$_->{gateway} $_->{serial}" =>
    { first => $_->{first}, enforced => $_->{first_enforced},
      last => $_->{last}, n => $_->{verdicts} }) }
    @{data_of('window')->{tables}{serials}{rows}};

is_deeply(\%windows, \%window, 'windows of each gateway and list');

my ($eight) = grep { $_->{gateway} eq 'gw-2' }
              @{data_of('window', '--serial', 8)->{tables}{serials}{rows}};

is("$eight->{serial} $eight->{serial_before} $eight->{last_before}",
   "8 7 $window{'gw-2 7'}{last}", 'the last verdict under the list before');


# --- what is due -------------------------------------------------------------

sub due {
    my (@o) = @_;
    my $r = data_of('far', @o);

    return map { $_->{due} } @{$r->{tables}{due}{rows}}[1 .. $#{$r->{tables}{due}{rows}}];
}

sub starts {
    my ($got, $want, $claim) = @_;

    like($got // 'nothing', qr/^\Q$want\E/, $claim);
}

my @d = due('--identified', '2024-08-30');
starts($d[0], 'Thursday, 2024-09-05', '3 business days over Labor Day');
starts($d[1], 'Thursday, 2024-09-19', 'and 10 from there');
like($d[0], qr/Labor Day/, 'the holiday is named');

@d = due('--identified', '2021-12-30', '--submitted', '2021-12-30');
starts($d[0], 'Monday, 2022-01-03', 'before December 2023: 1 business day, New '
       . "Year's Day kept the day before");
starts($d[1], 'Friday, 2022-01-14', '10 days from what was submitted');

@d = due('--identified', '2024-12-23T04:59:00Z');
starts($d[0], 'Thursday, 2024-12-26', 'a moment is of the day in Washington: '
       . 'Sunday');
@d = due('--identified', '2024-12-23T05:00:00Z');
starts($d[0], 'Friday, 2024-12-27', 'a minute later it is Monday');
@d = due('--identified', '2024-12-23T04:59:00Z', '--zone', 'UTC');
starts($d[0], 'Friday, 2024-12-27', 'another zone has another day');

@d = due('--identified', '2026-03-06T14:30:00-05:00');
is(scalar @d, 1, '52.240-91 has one report');
starts($d[0], 'Monday, 2026-03-09 15:30 EDT', '72 hours, over the change of '
       . 'clocks');
@d = due('--identified', '2025-12-08', '--deviation-from', '2026-02-01');
is(scalar @d, 2, 'of an agency whose deviation came later it is 52.204-23 still');
@d = due('--identified', '2026-02-02', '--deviation-from', '2026-02-01');
is(scalar @d, 1, 'until it came');
@d = due('--identified', '2026-03-06', '--clause', '52.204-23');
starts($d[0], 'Wednesday, 2026-03-11', 'a contract that still has 52.204-23');


# --- the form ----------------------------------------------------------------

my $far = data_of('far', '--clause', '52.204-23', '--contract', 'GS-00F-<1>');
my %field = map { $_->{field} => $_ } @{$far->{tables}{fields}{rows}};
my @article = grep { $_->{vendor} && $_->{verdict} ne 'pass'
                     && $_->{activity} ne 'browse'
                     && $_->{authorities}[0] eq 'far-52.204-23' } @rows;
my ($attempts, $blocked) = (0, 0);

for (@{$far->{tables}{articles}{rows}}) {
    $attempts += $_->{attempts};
    $blocked += $_->{blocked};
}

is($attempts, scalar @article, 'attempts under the clause, none that browse');
is($blocked, scalar(grep { $_->{verdict} eq 'block' && $_->{mode} eq 'enforce' }
                    @article), 'refused only where the gateway enforced');
is($field{'Contract number'}{value}, 'GS-00F-<1>', 'what is told is filled in');
is($field{'Order number(s), if applicable'}{value}, undef,
   'what nobody told is open');
like($far->{tables}{articles}{rows}[0]{model}, qr/^KL\d$/, 'the part number '
     . 'that was found');

my $one = $article[17];
my $alone = data_of('far', '--incident', $one->{incident}, '--clause',
                    '52.204-23');

is($alone->{tables}{articles}{rows}[0]{incident}, $one->{incident},
   'of one incident');
is(@{$alone->{tables}{articles}{rows}}, 1, 'and nothing else');


# --- the page ----------------------------------------------------------------

for my $kind (qw(attempts inventory far window waivers)) {
    my $r = report($kind, $dir, '--bureaus', "$dir/bureaus", '-o',
                   "$dir/$kind.html");
    my $page = file_text("$dir/$kind.html");
    my (%count, @stack, @bad, %ids, %refs, $level);
    my $xml = $page =~ s/^<!DOCTYPE html>\n//r;

    is($r->{status}, 0, "$kind: a page") or diag $r->{err};
    $level = 0;

    my $parsed = eval {
        XML::Parser->new(Handlers => { Start => sub {
            my (undef, $tag, %a) = @_;

            $count{$tag}++;
            $ids{$a{id}}++ if $a{id};
            $refs{$_}++ for split ' ', $a{'aria-labelledby'} // '';
            push @bad, "$tag jumps" if $tag =~ /^h(\d)$/ && $1 > $level + 1;
            $level = $1 if $tag =~ /^h(\d)$/;
            push @bad, 'th without scope' if $tag eq 'th' && !$a{scope};
            push @bad, "an image without a name"
                if $tag eq 'svg' && !($a{role} && $a{'aria-labelledby'});
            push @bad, "$tag $_" for grep { /^on|^style$|^src$|^href$/ } keys %a;
        } })->parse($xml);
        1;
    };

    ok($parsed, "$kind: it is well-formed") or diag $@;
    is("@bad", '', "$kind: headings, scopes, names of images are in order");
    is($count{caption} // 0, $count{table} // 0, "$kind: each table has a caption");
    is(join(' ', grep { ($ids{$_} // 0) != 1 } sort keys %refs), '',
       "$kind: what is referred to is there once");
    is(join(' ', grep { $count{$_} } qw(script link img iframe b i)), '',
       "$kind: nothing runs, nothing is fetched, nothing of the log is markup");
    like($page, qr/<html lang="en">/, "$kind: its language is named");
    like($page, qr/\@media print/, "$kind: it prints");
}

like(file_text("$dir/attempts.html"),
     qr/&quot;&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;&amp;amp;\\x07/,
     'a hostile name is shown as it is');
like(file_text("$dir/far.html"), qr/<strong class="add">/,
     'what a person must add is marked');


# --- CSV, PDF, faults --------------------------------------------------------

my $csv = report('attempts', $dir, '--format', 'csv')->{out};

like($csv, qr/^by,name,attempts,blocked,rejected,logged,not_enforced,first,last\n/,
     'CSV has one head');
like($csv, qr/^user,"'=HYPERLINK\(""x""\)",\d+,/m,
     'a formula is text to a spreadsheet');
like(report('window', $dir, '--format', 'csv', '--table', 'events')->{out},
     qr/^time,gateway,event,.*\n2026-09-10T10:00:00\.000Z,gw-1,break-glass,/,
     'another table of a report');

SKIP: {
    my ($chromium) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};

    skip 'no chromium', 3 if !$chromium;

    local $ENV{TMPDIR} = "$dir";
    my @before = sort glob "$dir/*";
    my $r = report('far', $dir, '--format', 'pdf', '-o', "$dir/far.pdf");

    is($r->{status}, 0, 'a PDF is printed') or diag $r->{err};
    like(substr(file_text("$dir/far.pdf"), 0, 5), qr/^%PDF-/, 'it is one');
    is(join(' ', sort glob "$dir/*"), join(' ', sort @before, "$dir/far.pdf"),
       'nothing else is left');
}

{
    local $ENV{PATH} = '/nowhere';
    my $r = report('far', $dir, '--format', 'pdf', '-o', "$dir/none.pdf");

    is($r->{status}, 1, 'without Chromium there is no PDF');
    like($r->{err}, qr/install the package chromium/, 'and it says what to '
         . 'install');
    ok(!-e "$dir/none.pdf", 'no file is left');
}

for (['attempts', '--since', '2026-02-30'], ['nothing'],
     ['attempts', '--top', '0'], ['far', '--clause', '52.1'],
     ['far', '--zone', '../../etc/passwd'], ['attempts', '--format', 'xml'])
{
    my ($kind, @o) = @$_;

    is(report($kind, $dir, @o)->{status}, 2, "usage: $kind @o");
}

for (["10.0.0.0/33 X\n", qr/:1: "10\.0\.0\.0\/33" is no network/],
     ["# x\n\nalice\n", qr/:3: write NETWORK or USER/],
     ["10.0.0.1/8 A\n10.0.0.2/8 B\n", qr/twice/])
{
    write_file("$dir/bad", $_->[0]);
    my $r = report('attempts', $dir, '--bureaus', "$dir/bad");

    is($r->{status}, 1, 'a file of bureaus with a fault is refused');
    like($r->{err}, $_->[1], 'and the fault is named');
}

like(report('attempts', "$dir/none")->{err}, qr/name the folder/,
     'no log: the remedy is told');

# Whether the log is what was sealed.

my $key = trust_key($Debar::Test::Sealed::ORIGIN, file => 'sealer');
my $sealed = "$dir/sealed-log";
my $text = sub { return decode_json(report('attempts', $sealed, '--format',
                                           'json', @_)->{out} || '{}')->{log} };

sealed_log($sealed, $key, closed => [[map { sealed_line($_) } 1 .. 20]],
           live => [map { sealed_line($_) } 21 .. 30],
           unsealed => sealed_line(31) . "\n");

ok(!defined $text->()->{verified}, 'a report says that the log is not verified');
like(report('attempts', $sealed)->{out}, qr/<dt>The log<\/dt><dd>not verified/,
     'on its page, too');

my $log = $text->('--verify');

is("$log->{verified} $log->{sealed} $log->{unsealed}", '1 30 1',
   'with --verify up to where it is sealed');
ok(!$log->{authenticated}, 'by whom, it cannot say');
ok($text->('--key', $key->{public})->{authenticated}, 'but with a key');
like(report('attempts', $sealed, '--key', $key->{public})->{out},
     qr/verified: sealed up to line 30 by \Q$key->{name}\E, authenticated/,
     'and so says the page');

my $first = "$sealed/audit-00000001.jsonl";

write_file($first, file_text($first) =~ s/"block"/"blocK"/r);

my $bad = report('attempts', $sealed, '--verify');

is($bad->{status}, 1, 'of a log that was changed it is made with status 1');
like($bad->{out}, qr/NOT AS IT WAS SEALED: audit-00000001\.jsonl:1: changed/,
     'and names the line');
like($bad->{err}, qr/audit-00000001\.jsonl:1: changed/, 'as it does on stderr');
is(report('attempts', $dir, '--verify')->{status}, 1,
   'a log that nobody seals is not verified');

done_testing();

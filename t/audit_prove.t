#!/usr/bin/perl

# What `debar audit prove` and `consistency` write is checked by
# Debar::Test::Sealed, from RFC 6962 alone, and by openssl; `replay` reaches
# recorded verdicts again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More;

use Debar::Test;
use Debar::Test::Sealed;
use Debar::Test::Trust;

my $dir = test_dir();
my $key = trust_key($Debar::Test::Sealed::ORIGIN, file => 'sealer');
my $other = trust_key($Debar::Test::Sealed::ORIGIN, file => 'other');

sub debar { return run_command([debar_path(), 'audit', @_]) }

sub refused {
    my ($r, $why, $claim) = @_;

    ok($r->{status} == 1 && $r->{err} =~ $why, $claim)
        or diag("status $r->{status}: $r->{out}$r->{err}");
}


# --- proofs -------------------------------------------------------------------

my $n = 0;
my @closed = map { my $m = $_; [map { sealed_line($n++) } 1 .. $m] } 301, 256;
my @live = map { sealed_line($n++) } 1 .. 210;
my $outcome = sprintf '{"time":"2026-11-22T09:00:00.000Z","incident":"%s",'
                      . '"status":403,"bytes":17}', sealed_incident(5);
my $bytes = '{"incident":"' . sealed_incident('bytes') . "\",\"odd\":\"\xff\"}";

push @live, $outcome, $bytes;

my $log = "$dir/gw/audit";
my $sealed = sealed_log($log, $key, closed => \@closed, live => \@live,
                        points => [1, 255, 256, 512, 700],
                        unsealed => sealed_line(9002) . "\n");
my @leaves = @{ $sealed->{leaves} };
my $root = sealed_root(@leaves);

# All of it again, by Perl: lines, salts, leaves, paths, root, signature.

sub proved {
    my ($file) = @_;
    my $p = decode_json(file_text($file));
    my ($origin, $size, $b64) = split /\n/, $p->{checkpoint};

    return 0 if $origin ne $key->{name}
                || !trust_verifies(Encode::encode_utf8($p->{checkpoint}), $key);

    for my $l (@{ $p->{lines} }) {
        my $leaf = sha256("\x00" . pack('H*', $l->{salt})
                          . Encode::encode_utf8($l->{line}));

        return 0 if !sealed_included($leaf, $l->{leaf}, $size,
                                     decode_base64($b64),
                                     map { pack 'H*', $_ } @{ $l->{path} });
    }

    return scalar @{ $p->{lines} };
}

require Encode;

for my $i (0, 1, 254, 255, 256, 300, 301, 511, 512, 556, 557, 766) {
    my $r = debar('prove', sealed_incident($i), $log, '-o', "$dir/p$i");

    is($r->{status}, 0, "a proof of line $i") or diag($r->{err});
    is(proved("$dir/p$i"), 1, 'holds by RFC 6962 alone');

    $r = debar('check-proof', "$dir/p$i", '--key', $key->{public});
    is($r->{status}, 0, 'and for check-proof') or diag($r->{err});
}

my $r = debar('prove', "$dir/gw", sealed_incident(5), '-o', "$dir/p5");
is($r->{status}, 0, 'folder first, of the gateway');
is(proved("$dir/p5"), 2, 'decision and outcome are in one file');

my $p5 = decode_json(file_text("$dir/p5"));

is($p5->{lines}[0]{line}, $closed[0][5], 'as they stand in the log');
is("$p5->{lines}[1]{file}:$p5->{lines}[1]{number}", 'audit.jsonl:211',
   'with their places');
cmp_ok(-s "$dir/p5", '<', 8192, 'and it is small');

is(debar('prove', sealed_incident(5), $log, '-o', "$dir/p5k", '--key',
         $key->{public})->{status}, 0, 'a checkpoint by the key');
refused(debar('prove', sealed_incident(5), $log, '--key', $other->{public}),
        qr/\w/, 'is not by another');
refused(debar('prove', sealed_incident('nobody'), $log), qr/no line has/,
        'an incident that nobody had');
refused(debar('prove', sealed_incident(9002), $log), qr/not sealed yet/,
        'one that is not sealed yet');
is(debar('prove', 'x', $log)->{status}, 2, 'no incident at all');

# By the index where there is one; whatever it says, a proof is the same.

my $index = "$log/index.sqlite";

sub again {
    my ($i, $claim) = @_;

    $r = debar('prove', sealed_incident($i), $log, '-o', "$dir/again");
    is("$r->{status} " . file_text("$dir/again"),
       '0 ' . file_text("$dir/p$i"), $claim) or diag($r->{err});
}

debar('index', $log, '-q');

# What need not be read is not: another file has the incident where it was not
# sealed, which a look at all of the log stumbles on.

my $second = "$log/audit-00000002.jsonl";
my $kept = file_text($second);
my $at = sealed_incident(301 + 128);

write_file($second, $kept =~ s/$at/sealed_incident(5)/er);
again(5, 'by the index no other file is read');
unlink $index;
refused(debar('prove', sealed_incident(5), $log), qr/not what was sealed/,
        'without one all are');
write_file($second, $kept);

debar('index', $log, '-q');
again(5, 'decision and outcome are found by the index');
again($_, "line $_, too") for 0, 256, 300, 557, 766;
refused(debar('prove', sealed_incident('nobody'), $log), qr/no line has/,
        'nobody\'s incident is looked for in all of the log');
refused(debar('prove', sealed_incident(9002), $log), qr/not sealed yet/,
        'what is not sealed yet has no proof');

for my $lie ('nth = nth + 1', 'offset = offset + 1', 'len = len - 1',
             'file = 2', 'len = 1 << 40', 'offset = -1, nth = -1',
             'onth = 3', 'olen = 0', 'ofile = 1', 'ofile = 77',
             'ofile = NULL')
{
    run_command(['sqlite3', $index, "UPDATE line SET $lie"]);
    again(5, "an index that says \"$lie\" is not believed");
    debar('index', $log, '-q', '--rebuild');
}

run_command(['sqlite3', $index, 'DELETE FROM incident']);
again(5, 'nor one that has no incident');
write_file($index, 'x' x 5000);
again(5, 'nor one that is damaged');
unlink $index;
write_file("$log/audit.jsonl.was", my $was = file_text("$log/audit.jsonl"));
write_file("$log/audit.jsonl", substr $was, 0, 20000);
debar('index', $log, '-q');
write_file("$log/audit.jsonl", $was);
again(5, 'what came since it was made is read');
unlink $index, "$log/index.lock", "$log/audit.jsonl.was";

refused(debar('prove', sealed_incident('bytes'), $log), qr/./,
        'a line that is no JSON is none of an incident');

refused(debar('check-proof', "$dir/p5", '--key', $other->{public}), qr/\w/,
        'another key of the same name signed nothing');
is(debar('check-proof', "$dir/p5")->{status}, 2,
   'without a key it is no proof');

# Whatever is changed in a proof: it does not hold.

my $text = file_text("$dir/p5");
my $missed = 0;

srand($ENV{DEBAR_SEED} // 11);

for my $trial (1 .. $ENV{DEBAR_TRIALS} // 60) {
    my $p = decode_json($text);
    my $l = $p->{lines}[rand 2];
    my $way = $trial % 6;

    $l->{line} =~ s/block|403/pass/ if $way == 0;
    substr($l->{salt}, rand 32, 1) =~ tr/0-9a-f/1-9a-f0/ if $way == 1;
    substr($l->{path}[rand @{ $l->{path} }], rand 64, 1) =~ tr/0-9a-f/1-9a-f0/
        if $way == 2;
    $l->{leaf} += 1 + int rand 3 if $way == 3;
    splice @{ $l->{path} }, rand @{ $l->{path} }, 1 if $way == 4;
    $p->{checkpoint} =~ s/^\d+$/$& + 1/me if $way == 5;

    write_file("$dir/bad", encode_json($p));
    $missed++ if debar('check-proof', "$dir/bad", '--key',
                       $key->{public})->{status} != 1;
}

is($missed, 0, 'whatever is changed in a proof, it is refused');

for my $bad ('', '{', '[]', '{"format":"debar-proof/1"}', '[' x 5000,
             '{"format":"debar-proof/1","incident":"' . sealed_incident(5)
             . '","checkpoint":"x","lines":[{}]}')
{
    write_file("$dir/bad", $bad);
    refused(debar('check-proof', "$dir/bad", '--key', $key->{public}),
            qr/bad/, 'what is no proof is named: ' . substr $bad, 0, 20);
}

my $line = $closed[1][7];

write_file("$log/audit-00000002.jsonl",
           file_text("$log/audit-00000002.jsonl")
               =~ s/\Q$line\E/$line =~ s{"block"}{"pass"}r/er);
refused(debar('prove', sealed_incident(308), $log), qr/not what was sealed/,
        'a line that was changed is not proved');
write_file("$log/audit-00000002.jsonl", join '', map { "$_\n" } @{ $closed[1] });


# --- consistency --------------------------------------------------------------

my @points = @{ $sealed->{points} };
my @sizes = (1, 255, 256, 512, 700);

for my $i (0 .. $#points) {
    my $old = write_file("$dir/old", $points[$i]);

    $r = debar('consistency', $old, $log, '--key', $key->{public}, '-o',
               "$dir/way");
    is($r->{status}, 0, "$sizes[$i] lines, then all") or diag($r->{err});

    my @way = map { decode_base64($_) } split /\n/, file_text("$dir/way");

    ok(sealed_consistent($sizes[$i], scalar @leaves,
                         sealed_root(@leaves[0 .. $sizes[$i] - 1]), $root,
                         @way), 'holds by RFC 6962 alone');

    my $new = write_file("$dir/new", $sealed->{note});

    is(debar('consistency', $old, $new, '--proof', "$dir/way")->{status}, 0,
       'and without the log');

    $way[-1] ^= "\x01" . "\0" x 31;
    write_file("$dir/way", join '', map { encode_base64($_, '') . "\n" } @way);
    refused(debar('consistency', $old, $new, '--proof', "$dir/way"),
            qr/does not go on/, 'not by another proof');
}

is(debar('consistency', write_file("$dir/new", $sealed->{note}),
         write_file("$dir/old", $points[1]), '--log', $log)->{status}, 0,
   'whichever is the older');

my @forged = map { [@$_] } @closed;

$forged[0][3] =~ s/"block"/"pass"/;

my $forged = sealed_log("$dir/forged", $key, closed => \@forged,
                        live => \@live);

refused(debar('consistency', write_file("$dir/old", $points[1]),
              "$dir/forged", '--key', $key->{public}), qr/does not go on/,
        'a history written anew does not go on from the old one');


# --- replay -------------------------------------------------------------------

my $vendor = "names:\n  - Acme Rockets\npart-numbers:\n  - ACM-1234\n";
my $list = build_list(write_list("$dir/list", serial => 7, vendor => $vendor,
                                 hosts => ['listed.example']), "$dir/l.mdb");
my $same = build_list(write_list("$dir/list2", serial => 7,
                                 hosts => ['other.example']), "$dir/l2.mdb");
my $check = decode_json(run_command([debar_path(), 'check', '--list', $list,
                                     '--json', 'http://www.listed.example/a'
                                     ])->{out});
my $digest = (split ' ', file_text("$list.serial"))[1];

# A decision as a worker writes it; without: its members that are left out.

sub decision {
    my ($i, %o) = @_;
    my %d = (time => '2026-11-22T09:00:00.000Z',
             incident => sealed_incident($i), gateway => 'gw1', surface => 'http', client => '127.0.0.1:1234',
             method => 'GET', url => 'http://www.listed.example/a',
             activity => 'browse', verdict => 'block', mode => 'enforce',
             vendor => 'acme', authorities => ['rule-1'],
             evidence => [{ kind => 'host', value => 'listed.example',
                            where => 'host', offset => 0 }],
             list => { serial => 7, digest => $digest }, took_us => 12, %o);

    delete @d{grep { !defined $d{$_} } keys %d};

    return JSON::PP->new->canonical->utf8->encode(\%d);
}

my $body = [{ kind => 'name', value => 'Acme Rockets',
              where => 'body:line[1]/maker', offset => 3 }];
my %replays = (
    'the host of a URL' => [1],
    'a tunnel' => [1, surface => 'connect', method => 'CONNECT',
                   url => 'www.listed.example:443'],
    'userinfo that was masked' =>
        [1, url => 'http://***@www.listed.example/a'],
    'a URL that was not stored' => [1, url => undef],
    'a name in a body' =>
        [1, method => 'POST', url => 'http://shop.example/buy', activity => 'acquire', evidence => $body],
    'a name in a place that is log at most' =>
        [1, method => 'POST', url => 'http://shop.example/buy',
         activity => 'acquire', verdict => 'log', evidence => $body],
    'a verdict that the list does not give' => [0, verdict => 'pass'],
    'an activity that the URL has not' => [0, activity => 'acquire'],
    'a vendor that is not listed' => [0, vendor => 'innocent'],
    'an authority that is not there' => [0, authorities => []],
    'evidence that the list has not' =>
        [0, url => 'http://shop.example/', method => 'POST',
         evidence => [{ kind => 'name', value => 'Innocent Industries',
                        where => 'body', offset => 0 }]],
    'a request of which nothing is listed' =>
        [0, url => 'http://shop.example/', evidence => []],
);
my @names = sort keys %replays;
my @decisions = map {
    my ($same_verdict, @o) = @{ $replays{$_} };
    decision("replay $_", @o);
} @names;

push @decisions, decision('unlisted', list => undef, verdict => 'reject',
                          evidence => undef, fault => 'no list');
sealed_log("$dir/replays", $key, live => \@decisions);

for my $name (@names) {
    $r = debar('replay', sealed_incident("replay $name"), "$dir/replays",
               '--list', $list, '--json');

    my $json = eval { decode_json($r->{out}) } || {};

    is($r->{status}, $replays{$name}[0] ? 0 : 1,
       "$name: " . ($replays{$name}[0] ? 'the same verdict' : 'another'))
        or diag($r->{out}, $r->{err});
    ok($replays{$name}[0] ? $json->{same} : @{ $json->{differs} || [] },
       'and said so');
}

my $incident = sealed_incident('replay the host of a URL');

$r = debar('replay', $incident, "$dir/replays", '--list', $list);
like($r->{out}, qr/the same verdict is reached/, 'in words');
refused(debar('replay', $incident, "$dir/replays", '--list', $same),
        qr/is list 7, digest \w+\.\.\., and the verdict was reached under/,
        'another list of that serial is refused');
refused(debar('replay', sealed_incident('unlisted'), "$dir/replays", '--list',
              $list), qr/decided without a list/, 'no list, no verdict');
is(debar('replay', $incident, "$dir/replays")->{status}, 2,
   'the list has to be named');

debar('prove', $incident, "$dir/replays", '-o', "$dir/proof");
is(debar('replay', $incident, "$dir/proof", '--list', $list, '--key',
         $key->{public})->{status}, 0, 'from a proof, without the log');
refused(debar('replay', $incident, "$dir/proof", '--list', $list, '--key',
              $other->{public}), qr/\w/, 'not from anybody\'s');
is($check->{verdict}, 'block', '`debar check` is of the same mind');

done_testing();

#!/usr/bin/perl

# The log as others collect it: every form has what it requires, says what the
# line says, and hostile text neither ends a field nor a line.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Schemas;

my $dir = test_dir();
my $json = JSON::PP->new->utf8->canonical;

mkdir "$dir/audit" or die "$dir/audit: $!\n";

sub export {
    my (@o) = @_;

    return run_command([debar_path(), 'audit', 'export', @o]);
}

sub line {
    my ($row) = @_;

    return $json->encode($row) =~ s/^\{(.*?)("time":"[^"]*"),?/{$2,$1/r
                               =~ s/,\}/}/r;
}


# A log in three files: usual lines, one with everything that a form gives a
# meaning, one with nothing that may be absent.

my $evil = qq(a|b=c]d"e\\f\ng\rh\x{1}i\x{7f}j\x{85}k\x{416}\t,\$(id));
my @rows;

for my $n (1 .. 60) {
    push @rows, {
        time => sprintf('2026-11-%02dT10:00:%02d.%03dZ', 1 + $n / 4, $n % 60,
                        $n),
        incident => sprintf('%032x', $n), gateway => 'gw-1', surface => 'http',
        client => $n % 2 ? "10.1.2.3:4711" : '[2001:db8::7]:99',
        user => 'alice@one.example', method => 'GET',
        url => 'http://Shop.example:8080/x?y=' . $n, activity => 'browse',
        verdict => (qw(block reject log pass))[$n % 4],
        mode => $n % 5 ? 'enforce' : 'monitor', vendor => 'acme',
        product => 'Acme Lite', authorities => ['far-52.204-23', 'bod-17-01'],
        evidence => [{ kind => 'host', value => 'shop.example',
                       where => 'host', offset => 0 }],
        list => { serial => 7, digest => '12ab' },
        upstream => { addr => '192.0.2.9:8080', asn => 64500, country => 'US' },
        took_us => 1500,
    };
}

$rows[20]{$_} = $evil for qw(user url product vendor fault gateway method);
$rows[20]{evidence} = [{ kind => 'text', value => $evil, where => $evil }];
$rows[20]{authorities} = [$evil];
$rows[20]{verdict} = 'block';
$rows[20]{mode} = 'enforce';
$rows[22]{client} = 'h:00112233445566778899aabbccddeeff';
$rows[24]{client} = '10.1.2.0/24';
$rows[26] = { time => $rows[26]{time}, verdict => 'block' };
$rows[28]{url} = 'u@[2001:db8::1]:443';
$rows[28]{method} = 'CONNECT';
$rows[30]{method} = 'PATCH';
$rows[32]{list} = 'none';
$rows[32]{upstream} = [1];
$rows[32]{took_us} = -1;
$rows[32]{evidence} = { a => [] };
$rows[34]{content} = { type => 'pe', size => 10, sha256 => 'ab' x 32,
                       name => 'set=up|.exe' };
$rows[36]{url} = "http://ho\0st/x";
$rows[40]{url} = 'http://[2001:db8::1]/';
delete $rows[40]{upstream};
$rows[42]{url} = 'http://a_b.example/';
$rows[44]{method} = 'PROPFIND';
$rows[46]{content} = { type => 'pe', size => 10, sha256 => 'no' };
$rows[48]{content} = { name => 'x', size => 'many', sha256 => 'AB' x 32 };
$rows[50]{url} = 'http://-a.example/';
$rows[52]{url} = 'http://a..b/';
$rows[54]{url} = "http://h.example/" . ("\x{416}\x{1}=" x 900);
$rows[54]{user} = 'u' x 1022 . "\x{416}";
$rows[54]{gateway} = 'g' x 200;
$rows[54]{evidence} = [{ kind => 'text', value => '\\' x 9000 }];
$rows[38]{mode} = 'break-glass';
$rows[38]{verdict} = 'block';

# with an outcome: every third, behind others' lines

my (@lines, @late);

for my $n (0 .. $#rows) {
    push @lines, line($rows[$n]);
    push @late, line({ time => $rows[$n]{time},
                       incident => sprintf('%032x', $n + 1), status => 403, bytes => 100 + $n }) if $n % 3 == 0;
    push @lines, shift @late if @late > 5;
}

push @lines, @late;

write_file("$dir/audit/audit-00000001.jsonl", join "\n", @lines[0 .. 29],
           '{"time":"2026-11-09T10:00:00.000Z","gateway":"gw-1","event":'
           . '"break-glass","state":"opened"}', '{"time":"2026', 'x' x 70000,
           '[' x 5000, '{"verdict":"block","time":"yesterday"}', '');
write_file("$dir/audit/audit-100000000.jsonl",
           join '', map { "$_\n" } @lines[30 .. 59]);
write_file("$dir/audit/audit.jsonl",
           join('', map { "$_\n" } @lines[60 .. $#lines]) . '{"time":"202');

sub lines_of {
    my ($form, @o) = @_;
    my $r = export($dir, '--format', $form, @o);

    is($r->{status}, 0, "$form: it is exported") or diag $r->{err};
    ok($r->{out} !~ /[^\n -~\x80-\xff]|\xc2[\x80-\x9f]/,
       "$form: no control characters");
    ok($r->{out} =~ /\n\z/, "$form: lines are whole");
    like($r->{err}, qr/60 records; 4 lines/, "$form: says what it left out")
        if !@o;

    return split /\n/, $r->{out};
}

# Checks that count rows say once what did not hold.

sub all_hold {
    my ($name, @bad) = @_;

    is_deeply([@bad > 5 ? @bad[0 .. 4] : @bad], [], $name);
}

sub denied {
    my ($row) = @_;

    return $row->{verdict} =~ /block|reject/
           && ($row->{mode} // 'enforce') eq 'enforce' ? 1 : 0;
}


# OCSF: what 1.6.0 requires of HTTP Activity and its profiles.  Others may be
# validated here, too: those of a log whose requests were all let through.

my @profiles = qw(host network_proxy security_control);
my $ocsf = ocsf_notes("$FindBin::Bin/schemas/ocsf.txt");
my $ecs = ecs_notes("$FindBin::Bin/schemas/ecs.txt");

sub valid {
    my ($name, $faults, @records) = @_;
    my %bad;

    for my $n (0 .. $#records) {
        push @{ $bad{$_} }, $n for $faults->($records[$n]);
    }

    is_deeply([map { "$_ (record $bad{$_}[0])" } sort keys %bad], [], $name);
}

# Notes say nothing but what is published.

sub held_against {
    my ($name, $ours, $theirs) = @_;
    my @bad;

    for my $key (sort keys %$ours) {
        my ($we, $they) = ($ours->{$key}, $theirs->{$key});

        push(@bad, "$key is not published"), next if !$they;
        push @bad, map { "$key: $_" }
                   grep { ($we->{$_} // '') ne ($they->{$_} // '') }
                   qw(type array required object);
        push @bad, map { "$key: value $_" } grep { !$they->{values}{$_} }
                   keys %{ $we->{values} } if $they->{values};
    }

    all_hold($name, @bad);
}

SKIP: {
    skip 'DEBAR_OCSF names no checkout of ocsf-schema 1.6.0', 1
        if !$ENV{DEBAR_OCSF};

    my $published = ocsf_published($ENV{DEBAR_OCSF}, 'http_activity',
                                   @profiles);

    for my $object (sort keys %$ocsf) {
        my ($we, $they) = ($ocsf->{$object}, $published->{$object});
        my %one = map { $_ => 1 } @{ $they->{one} || [] };

        held_against("notes of OCSF hold: $object", $we->{attributes},
                     $they->{attributes});
        all_hold("notes of OCSF hold: $object, what one is needed of",
                 grep { !$one{$_} } @{ $we->{one} || [] });
        all_hold("notes of OCSF hold: $object, what is required",
                 grep { $they->{attributes}{$_}{required}
                        && !$we->{attributes}{$_}{required} }
                 keys %{ $they->{attributes} });
    }

    $ocsf = $published;
}

SKIP: {
    skip 'DEBAR_ECS names no ecs_flat.yml', 1 if !$ENV{DEBAR_ECS};

    my $published = ecs_published($ENV{DEBAR_ECS});

    held_against('notes of ECS hold', $ecs, $published);
    $ecs = $published;
}

sub ocsf_valid {
    my ($name, @records) = @_;

    valid("ocsf: valid: $name", sub { ocsf_faults($ocsf, $_[0]) }, @records);
}

sub ecs_valid {
    my ($name, @records) = @_;

    valid("ecs: valid: $name", sub { ecs_faults($ecs, 'debar', $_[0]) },
          @records);
}

my @lines_ocsf = lines_of('ocsf');
my @o = map { $json->decode($_) } @lines_ocsf;

ocsf_valid('every record', @o);

# the validation itself: each of these is found

for (['no product', sub { delete $_[0]{metadata}{product} }],
     ['an attribute of no class', sub { $_[0]{verdict} = 'block' }],
     ['an action that there is not', sub { $_[0]{action_id} = 7 }],
     ['text for a number', sub { $_[0]{severity_id} = '3' }],
     ['a number for text', sub { $_[0]{severity} = 3 }],
     ['no address', sub { $_[0]{src_endpoint}{ip} = '10.1.2.0/24' }],
     ['no host', sub { $_[0]{dst_endpoint}{hostname} = '2001:db8::1' }],
     ['an end of nothing', sub { $_[0]{src_endpoint} = { port => 1 } }],
     ['neither request nor response',
      sub { delete @{ $_[0] }{qw(http_request http_response)} }],
     ['one for many', sub { $_[0]{metadata}{profiles} = 'host' }])
{
    my ($name, $spoil) = @$_;
    my $one = $json->decode($lines_ocsf[0]);

    $spoil->($one);
    isnt(scalar(my @f = ocsf_faults($ocsf, $one)), 0, "ocsf: found: $name");
}

my %activity = (GET => 3, CONNECT => 1, PATCH => 9, PROPFIND => 99);
my @bad;

is(scalar @o, 60, 'ocsf: a record a decision');

for my $n (0 .. $#o) {
    my ($o, $row) = ($o[$n], $rows[$n]);
    my $id = !defined $row->{method} ? 0 : $activity{$row->{method}} // 99;
    my $at = $row->{time} =~ s/\.\d+Z//r;

    push @bad, "$n: class"
        if $o->{class_uid} != 4002 || $o->{category_uid} != 4
           || $o->{activity_id} != $id || $o->{type_uid} != 400200 + $id
           || $o->{metadata}{version} ne '1.6.0'
           || $o->{metadata}{product}{name} ne 'debar';
    push @bad, "$n: verdict"
        if $o->{action_id} != (denied($row) ? 2 : $row->{verdict} eq 'pass'
                               ? 1 : 3)
           || $o->{unmapped}{verdict} ne $row->{verdict}
           || ($o->{disposition_id} == 2)
              != ($row->{verdict} eq 'block' && denied($row));
    push @bad, "$n: ends" if !$o->{src_endpoint} && !$o->{dst_endpoint}
                             || !$o->{http_request};
    push @bad, "$n: url"
        if ($o->{http_request}{url}{url_string} // '') ne ($row->{url} // '');
    push @bad, "$n: user"
        if ($o->{actor}{user}{name} // '') ne ($row->{user} // '');
    push @bad, "$n: time" if $o->{time} % 1000 != ($n + 1) % 1000;
    push @bad, "$n: outcome"
        if ($o->{http_response}{length} // -1)
           != ($n % 3 || $n == 26 ? -1 : 100 + $n);
}

all_hold('ocsf: every record says what the line does', @bad);
is($o[0]{time}, 1793527201001, 'ocsf: the time in milliseconds');
is($o[0]{src_endpoint}{ip}, '10.1.2.3', 'ocsf: who');
is($o[1]{src_endpoint}{ip}, '2001:db8::7', 'ocsf: who, of IPv6');
is($o[1]{src_endpoint}{port}, 99, 'ocsf: and the port');
is($o[0]{dst_endpoint}{hostname}, 'shop.example', 'ocsf: where to');
is($o[28]{dst_endpoint}{ip}, '192.0.2.9', 'ocsf: to an address');
is($o[28]{dst_endpoint}{hostname}, undef, 'ocsf: which is no host name');
is($o[40]{dst_endpoint}{ip}, '2001:db8::1', 'ocsf: one not dialled, either');
is($o[42]{dst_endpoint}{name}, 'a_b.example',
   'ocsf: a name that DNS has not for hosts is another name');
is($o[30]{activity_name}, 'Patch', 'ocsf: a method');
is($o[44]{activity_name}, 'PROPFIND', 'ocsf: one that it has no number for');
is($o[44]{http_request}{http_method}, undef, 'ocsf: nor a value');
is_deeply($o[34]{file}, { name => 'set=up|.exe', size => 10, type_id => 1,
                          type => 'Regular File',
                          hashes => [{ algorithm_id => 3, value => 'ab' x 32,
                                       algorithm => 'SHA-256' }] },
          'ocsf: the file');
is($o[46]{file}, undef, 'ocsf: one without a name is not said to be one');
is_deeply($o[22]{src_endpoint}, { name => $rows[22]{client} },
          'ocsf: a hash of a client is no address');
is_deeply($o[24]{src_endpoint}, { name => '10.1.2.0/24' },
          'ocsf: nor a network');
is($o[36]{dst_endpoint}{hostname}, undef, 'ocsf: what is no host is not named');
is_deeply($o[0]{unmapped}{evidence}, $rows[0]{evidence}, 'ocsf: the evidence');
is($o[38]{disposition}, 'Logged',
   'ocsf: with broken glass nothing was blocked');


# ECS

my @lines_ecs = lines_of('ecs');
my @e = map { $json->decode($_) } @lines_ecs;

ecs_valid('every record', @e);

for (['a field of our own elsewhere', sub { $_[0]{event}{verdict} = 'block' }],
     ['a value that there is not', sub { $_[0]{event}{kind} = 'verdict' }],
     ['no address', sub { $_[0]{source}{ip} = 'h:00' }],
     ['text for a number', sub { $_[0]{event}{duration} = '1' }],
     ['an array or not', sub { $_[0]{event}{type} = 'denied' }])
{
    my ($name, $spoil) = @$_;
    my $one = $json->decode($lines_ecs[0]);

    $spoil->($one);
    isnt(scalar(my @f = ecs_faults($ecs, 'debar', $one)), 0,
         "ecs: found: $name");
}

@bad = ();

for my $n (0 .. $#e) {
    my ($e, $row) = ($e[$n], $rows[$n]);

    push @bad, "$n: base"
        if $e->{'@timestamp'} ne $row->{time} || $e->{ecs}{version} !~ /^8\./
           || $e->{event}{kind} ne 'event'
           || $e->{event}{action} ne $row->{verdict}
           || $e->{event}{type}[1] ne (denied($row) ? 'denied' : 'allowed');
    push @bad, "$n: fields"
        if ($e->{url}{original} // '') ne ($row->{url} // '')
           || ($e->{user}{name} // '') ne ($row->{user} // '')
           || ($e->{http}{request}{method} // '') ne ($row->{method} // '')
           || ($e->{rule}{id} // '') ne ($row->{vendor} // '');
    push @bad, "$n: source"
        if ($e->{source}{ip} // '') !~ /^(?:[0-9.]+|[0-9a-f:]+|)$/;
}

is(scalar @e, 60, 'ecs: a record a decision');
all_hold('ecs: every record says what the line does', @bad);
is($e[0]{event}{duration}, 1500000, 'ecs: nanoseconds');
is($e[0]{http}{response}{status_code}, 403, 'ecs: the outcome');
is($e[24]{source}{ip}, undef, 'ecs: a network is no address');
is($e[24]{source}{address}, '10.1.2.0/24', 'ecs: but is told');
is($e[34]{file}{hash}{sha256}, 'ab' x 32, 'ecs: the file');


# CEF, read by a parser of its own: 7 fields of a header, then key=value.

sub cef {
    my ($line) = @_;
    my (@head, %ext);

    for (1 .. 7) {
        $line =~ s/^((?:[^\\|]|\\[\\|])*)\|// or return;
        push @head, $1 =~ s/\\(.)/$1/gr;
    }

    my @parts = split /(?:^| )([A-Za-z0-9]+)=/, $line, -1;

    shift @parts;

    while (@parts) {
        my ($key, $value) = splice @parts, 0, 2;

        return if $value =~ /(?<!\\)(?:\\\\)*=/;
        $ext{$key} = $value
            =~ s/\\(.)/{ n => "\n", r => "\r" }->{$1} \/\/ $1/ger;
    }

    return (\@head, \%ext);
}

my $shown = $evil =~ s/[^\n\r\P{Cc}]/\x{fffd}/gr;

utf8::encode($shown);

my @c = lines_of('cef');

is(scalar @c, 60, 'cef: a record a decision');
@bad = ();

for my $n (0 .. $#c) {
    my ($head, $ext) = cef($c[$n]);

    push(@bad, "$n: no CEF"), next if !$head;
    push @bad, "$n: head" if "@$head[0 .. 2]" ne 'CEF:0 Debar debar'
                             || $head->[4] ne $rows[$n]{verdict}
                             || $head->[6] !~ /^(?:\d|10)$/;
    push @bad, "$n: time" if ($ext->{rt} // '') ne $o[$n]{time};
    push @bad, "$n: who" if $n != 20 && $n != 26 && $n != 54
                            && $ext->{suser} ne $rows[$n]{user};
    push @bad, "$n: src" if ($ext->{src} // '1.1.1.1') !~ /^[0-9.]+$/;
}

all_hold('cef: every record is one, with the fields of the line', @bad);

my (undef, $ext) = cef($c[20]);

is($ext->{suser}, $shown, 'cef: hostile text is read back as it was');
is($ext->{request}, $shown, 'cef: in a URL too');
is($ext->{cs4}, "text $shown ($shown)", 'cef: and in evidence');
is($ext->{cs1Label}, 'Vendor', 'cef: what a field of our own is');
(undef, $ext) = cef($c[1]);
is($ext->{c6a2}, '2001:db8::7', 'cef: an address of IPv6 has its own field');
(undef, $ext) = cef($c[34]);
is($ext->{fname}, 'set=up|.exe', 'cef: the file');

# keys of the guide, and the lengths that it gives them

my %length = (act => 63, cat => 1023, cs1 => 4000, cs2 => 4000, cs3 => 4000,
              cs4 => 4000, cs5 => 4000, cs6 => 4000, dhost => 1023,
              dvchost => 100, externalId => 40, fileHash => 255, fname => 1023,
              reason => 1023, request => 1023, requestMethod => 1023,
              shost => 1023, suser => 1023, (map { ("cs${_}Label" => 1023) }
              1 .. 6), map { ("${_}Label" => 1023) } qw(cn1 cn2 c6a2 c6a3));
my %other = map { $_ => 1 } qw(rt src spt dst dpt in fsize cn1 cn2 c6a2 c6a3);

@bad = ();

for my $n (0 .. $#c) {
    my $e = (cef($c[$n]))[1];

    push @bad, map { "$n: $_" }
               grep { exists $length{$_} ? length $e->{$_} > $length{$_}
                                         : !$other{$_} } keys %$e;
    push @bad, map { "$n: $_ without its label" }
               grep { /^(?:cs|cn|c6a)\d$/ && !exists $e->{"${_}Label"} }
               keys %$e;
}

all_hold('cef: keys are those of the guide, values not longer', @bad);
(undef, $ext) = cef($c[54]);
is(length $ext->{request}, 17 + 6 * 167 + 2,
   'cef: a long URL is cut between characters');
is($ext->{suser}, 'u' x 1022, 'cef: not within one');
is($ext->{dvchost}, 'g' x 100, 'cef: a long name is cut');
is(length $ext->{cs4}, 4000, 'cef: evidence is cut');


# RFC 5424

my $value = qr/"((?:[^"\\\]]|\\["\\\]])*)"/;
my @s = lines_of('syslog');
my %pri = (pass => 110, log => 109, reject => 108, block => 108);

is(scalar @s, 60, 'syslog: a record a decision');
@bad = ();

for my $n (0 .. $#s) {
    if ($s[$n] !~ /^<(\d+)>1\ (\S+)\ ([!-~]{1,255})\ debar-audit\ -\ [a-z]+
                   \ \[debar\@32473((?:\ [a-z]+=$value)+)\]\ (\{.*\})$/x)
    {
        push @bad, "$n: no RFC 5424";
        next;
    }

    my ($pri, $time, $sd, $msg) = ($1, $2, $4, $6);

    push @bad, "$n: head" if $pri != $pri{$rows[$n]{verdict}}
                             || $time ne $rows[$n]{time};
    push @bad, "$n: the line itself"
        if $json->encode($json->decode($msg))
           ne $json->encode($rows[$n])
           || ($n != 20 && $msg ne line($rows[$n]));

    my %sd = $sd =~ / ([a-z]+)=$value/g;

    s/\\(.)/$1/g for values %sd;
    push @bad, "$n: data" if $sd{verdict} ne $rows[$n]{verdict}
                             || $sd{denied} ne denied($rows[$n]);
    push @bad, "$n: hostile"
        if $n == 20 && $sd{user} ne ($shown =~ s/[\n\r]/\xef\xbf\xbd/gr);
}

all_hold('syslog: every record is one, its message the line as it was written',
         @bad);


# Periods, files, and what goes wrong.

is(scalar lines_of('ecs', '--since', '2026-11-05', '--until', '2026-11-05'),
   scalar(grep { $_->{time} =~ /^2026-11-05/ } @rows), 'one day');
is(export($dir, '--format', 'cef', '-o', "$dir/out")->{status}, 0, 'to a file');
is(file_text("$dir/out"), join('', map { "$_\n" } @c), 'the same lines');
is(export("$dir/audit", '--format', 'cef')->{out}, file_text("$dir/out"),
   'DIR/audit does as well');

my $before = file_text("$dir/audit/audit.jsonl");
my $r = export($dir, '--format', 'cef', '-o', "$dir/audit/audit.jsonl");

is($r->{status}, 1, 'the log is not written over');
like($r->{err}, qr/in the folder of the log/, 'and why');
is(file_text("$dir/audit/audit.jsonl"), $before, 'it is as it was');
symlink "$dir/audit/audit.jsonl", "$dir/link";
is(export($dir, '--format', 'cef', '-o', "$dir/link")->{status}, 1,
   'nor by another name');
is(file_text("$dir/audit/audit.jsonl"), $before, 'it is as it was');
is(export($dir, '--format', 'cef', '-o', '/dev/full')->{status}, 1,
   'a full disk is told');

mkdir "$dir/empty";

for (['no form', 2, qr/--format ocsf/, $dir],
     ['another form', 2, qr/ocsf, ecs, cef or syslog/, $dir, '--format',
      'leef'],
     ['no folder', 2, qr/name one folder/, '--format', 'cef'],
     ['no date', 2, qr/is no date/, $dir, '--format', 'cef', '--since', 'x'],
     ['nothing between', 2, qr/nothing is between/, $dir, '--format', 'cef',
      '--since', '2026-02-01', '--until', '2026-01-01'],
     ['--follow', 2, qr/--follow/, $dir, '--format', 'cef', '--follow'],
     ['not there', 1, qr/No such file/, "$dir/none", '--format', 'cef'],
     ['no log', 1, qr/has no audit-/, "$dir/empty", '--format', 'cef'],
     ['no such place', 1, qr/No such file/, $dir, '--format', 'cef', '-o',
      "$dir/none/out"])
{
    my ($name, $status, $says, @args) = @$_;

    $r = export(@args);
    is($r->{status}, $status, "$name: status");
    like($r->{err}, $says, "$name: is told");
    is($r->{out}, '', "$name: no records");
}

like(export('--help')->{out}, qr/^usage: debar audit export/, '--help');

done_testing();

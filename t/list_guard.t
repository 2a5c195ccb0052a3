#!/usr/bin/perl

# Guard rails: rows that would refuse half of the web are errors with their
# place, unless the row says why; ordinary rows are not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Debar::Test;

my $source = test_dir() . '/list';

# The errors of a list with one vendor, as "LINE:COL: message" of its file.

sub check {
    my ($rows, %o) = @_;
    my $phases = $o{phases} // '{from: 2000-01-01, browse: block,'
                 . ' acquire: block, download: block, update: block}';
    my $more = $o{list} // '';
    my $url = $o{url} // 'https://law.example/acts/rocketry-act.html';

    write_file("$source/list.yaml", <<"END");
title: List of a test
publisher: Debar tests
serial: 1
channels: none
${more}authorities:
  rule-1:
    title: Rule One of the test
    url: $url
    phases:
      - $phases
END

    write_file("$source/vendors/acme.yaml", <<"END");
id: acme
name: Acme Limited
authorities: [rule-1]
$rows
END

    return run_command([debar_path(), 'list', $o{command} // 'check', $source,
                        @{ $o{args} || [] }]);
}

sub refused {
    my ($rows, $what, $name, %o) = @_;
    my $r = check($rows, %o);

    ok($r->{status} == 1
       && $r->{err} =~ m{vendors/acme\.yaml:\d+:\d+: .*$what.*forced: "},
       "$name is refused, with its place and the way out")
        or diag($r->{err});
}

sub taken {
    my ($rows, $name, %o) = @_;
    my $r = check($rows, %o);

    is($r->{status}, 0, "$name is taken") or diag($r->{err});
}

sub row { return "$_[0]:\n  - $_[1]\n" }


# [list, value in a row, key of it, what the message says]

my @bad = (
    ['hosts', 'co.uk', 'host', 'public suffix'],
    ['hosts', 'github.io', 'host', 'public suffix'],
    ['hosts', 'google.com', 'host', 'top site'],
    ['hosts', 'www.google.com', 'host', 'top site'],
    ['hosts', 'WIKIPEDIA.org', 'host', 'top site'],
    ['hosts', 'house.gov', 'host', 'top site'],
    ['hosts', '{pattern: "[a-z]+\\\\.com"}', undef, 'fits google.com'],
    ['urls', 'https://github.com/', 'url', 'top site'],
    ['names', 'able', 'text', 'common word'],
    ['names', 'Security', 'text', 'common word'],
    ['names', 'First Data', 'text', 'very common words'],
    ['names', '"a b c"', 'text', 'fewer than four letters'],
    ['names', 'Жук', 'text', 'fewer than four letters'],
    ['names', '"2024"', 'text', 'fewer than six digits'],
    ['names', '{text: ecuri, match: anywhere}', undef, 'common word "secur'],
    ['networks', '11.0.0.0/8', 'network', 'wider than /16'],
    ['networks', '11.0.0.0/15', 'network', 'wider than /16'],
    ['networks', '0.0.0.0/0', 'network', 'wider than /16'],
    ['networks', '"2600::/12"', 'network', 'wider than /32'],
    ['networks', '"::/0"', 'network', 'wider than /32'],
    ['asns', '13335', 'asn', 'Cloudflare'],
    ['asns', '16509', 'asn', 'Amazon'],
);

for my $t (@bad) {
    my ($list, $value, $key, $says) = @$t;

    refused(row($list, $value), quotemeta $says, "$list $value");

    my $forced = defined $key ? "{$key: $value, forced: \"counsel, memo 7\"}"
                              : $value =~ s/\}$/, forced: "counsel, memo 7"}/r;

    taken(row($list, $forced), "$list $value with a reason");
}

for my $t (['hosts', 'acme.example'], ['hosts', 'shop.google.com.acme.example'],
           ['hosts', 'acme.github.io'], ['hosts', 'acme.co.uk'],
           ['hosts', '{pattern: "shop[0-9]+\\\\.acme\\\\.example"}'],
           ['urls', 'https://github.com/acme/rocket'],
           ['names', 'Acme'], ['names', 'Acme Security'], ['names', '华为'],
           ['names', 'Касперский'], ['names', '"1089969624"'],
           ['names', '{text: Kaspersky, match: anywhere}'],
           ['not-names', 'Security'],
           ['networks', '198.51.0.0/16'], ['networks', '"2001:db8::/32"'],
           ['networks', '198.51.100.7'], ['asns', '64500'])
{
    taken(row(@$t), "$t->[0] $t->[1]");
}

is(check(row('names', '{text: abc, forced: "why"}'))->{status}, 1,
   'three bytes are an error whatever the reason: no index holds them');
like(check(row('hosts', '{host: google.com, forced: ""}'))->{err}, qr/forced/,
     'an empty reason is none');


# Files of lines have no place for a reason.

write_file("$source/hosts.txt", "acme.example\ngoogle.com\nmore.example\n");
my $r = check("hosts-from: hosts.txt\n");

is($r->{status}, 1, 'a top site in a file of hosts is refused');
like($r->{err}, qr{hosts\.txt:2:1: .*top site.*vendor's YAML},
     'at its line, and the message says where it may stand');


# The page of the law stays open.

refused(row('hosts', 'law.example'), 'the page of rule-1',
        'the host of its own authority');
refused(row('hosts', '{host: law.example, activity: browse}'),
        'the page of rule-1', 'the same host as one to browse');
refused(row('urls', 'https://law.example/acts'), 'the page of rule-1',
        'a URL above the page');
refused(row('names', 'rocketry'), 'the page of rule-1', 'a name in its URL');

taken(row('hosts', 'shop.law.example'), 'a host beside the page');
taken(row('urls', 'https://law.example/act'), 'a URL that is not above it');
taken(row('names', 'rocketr'), 'a name that is a part of a word there');
taken(row('hosts', '{host: law.example, subdomains: false}'),
      'the host above the page alone',
      url => 'https://www.law.example/rule');
taken(row('hosts', '{host: law.example, action: log}'), 'a row that only logs');
taken(row('hosts', 'law.example')
      . "permits:\n  - {url: 'https://law.example/acts/*', why: the law}\n",
      'the host with a permit of the page');
refused(row('hosts', 'law.example')
        . "permits:\n  - {url: 'https://law.example/other/*', why: no}\n",
        'the page of rule-1', 'the host with a permit of another page');
taken(row('names', 'rocketry'), 'a name where browsing passes',
      phases => '{from: 2000-01-01, browse: log, acquire: block}');
refused(row('names', 'rocketry'), 'the page of rule-1',
        'a name where browsing is refused from a day to come',
        phases => "{from: 2000-01-01, acquire: block}\n"
                  . '      - {from: 2098-01-01, browse: block}');
taken(row('names', 'rocketry'), 'a name where browsing was refused once',
      phases => "{from: 2000-01-01, browse: block}\n"
                . '      - {from: 2001-01-01, browse: log}');

my $keep = "keep-open: [agency.example, 'https://lists.example/debar']\n";

refused(row('hosts', 'agency.example'), 'keep-open', "the agency's own host",
        list => $keep);
refused(row('hosts', 'lists.example'), 'keep-open', 'the host of publication',
        list => $keep);
taken(row('hosts', 'other.lists.example'), 'another host', list => $keep);
like(check(row('hosts', 'acme.example'), list => "keep-open: ['a b']\n")->{err},
     qr{list\.yaml:5:\d+: bad host}, 'a bad host to keep open has its place');


# Building refuses as checking does; the old file stays.

my $out = test_dir() . '/list.mdb';

is(check(row('hosts', 'acme.example'), command => 'build',
         args => ['-o', $out])->{status}, 0, 'an ordinary list is built');

my $before = file_text($out);

$r = check(row('hosts', 'google.com'), command => 'build',
           args => ['-o', $out, '--replace']);

is($r->{status}, 1, 'one with a top site is not');
ok(file_text($out) eq $before, 'and the last good list stands');


# The reason is not in the snapshot.

sub digest {
    my ($rows) = @_;

    unlink $out, "$out.serial";
    return check($rows, command => 'build', args => ['-o', $out, '--json'])
               ->{out} =~ /"digest":"(\w+)"/ ? $1 : 'none';
}

my $one = digest(row('hosts', '{host: google.com, forced: "one reason"}'));

like($one, qr/^\w{64}$/, 'a list with a reason is built');
is(digest(row('hosts', '{host: google.com, forced: "another"}')), $one,
   'and the digest does not have it');


# What is shipped passes, or says why.

for my $list ('federal', 'example-889') {
    is(run_command([debar_path(), 'list', 'check',
                    top_dir() . "/blocklist/lists/$list"])->{status}, 0,
       "the shipped list $list passes");
}

done_testing();

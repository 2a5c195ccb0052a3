#!/usr/bin/perl

# The shipped list against labelled requests, through `debar check --jsonl`:
# nothing harmless is refused, every attempt is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Corpus;

our $TODO;

my $list = build_list(top_dir() . '/blocklist/lists/federal',
                      test_dir() . '/federal.mdb');


sub check {
    my ($name) = @_;
    my @rows = corpus_rows($name);
    my $r = run_command([debar_path(), 'check', '--list', $list, '--jsonl',
                         corpus_dir() . "/$name"]);
    my @out = map { eval { decode_json($_) } || {} } split /\n/, $r->{out};

    is($r->{status}, 0, "$name: every row can be judged");
    is(scalar @out, scalar @rows, "$name: as many verdicts as rows");
    is(join(' ', map { $_->{id} // '-' } @out),
       join(' ', map { $_->{id} } @rows), "$name: in order");

    return map { [$rows[$_], $out[$_] || {}] } 0 .. $#rows;
}


for (check('benign.jsonl')) {
    my ($row, $out) = @$_;

    like($out->{verdict} // 'none', qr/^(?:pass|log)$/,
         "$row->{id}: $row->{method} $row->{url} goes through");
}

# Neither the URL nor the body says what is bought.

sub names_itself_nowhere {
    my ($row) = @_;
    my $referer = ($row->{headers} || {})->{Referer} // '';

    return $referer =~ /kasper/i && "$row->{url}$row->{body}" !~ /kasper/i;
}

my ($vendor, $told) = (0, 0);
my @attempts = check('attempts.jsonl');

for (@attempts) {
    my ($row, $out) = @$_;

    $told++ if ($out->{verdict} // '') eq 'block';

    TODO: {
        local $TODO = 'only the page that it came from names the product'
            if $out->{verdict} ne 'block' && names_itself_nowhere($row);

        is($out->{verdict}, 'block', "$row->{id}: $row->{method} $row->{url}"
                                     . ' is refused');
    }

    next if $row->{intent} !~ /download/
            || $row->{url} !~ m{^https?://[^/]*\bkaspersky(?:-labs)?\.[a-z]+[/:]};

    $vendor++;
    is($out->{verdict}, 'block', "$row->{id}: the download $row->{url} is"
                                 . ' refused');
    ok(@{ $out->{evidence} || [] } && @{ $out->{authorities} || [] },
       "$row->{id}: with evidence and authority");
}

cmp_ok($vendor, '>=', 5, 'the vendor\'s own hosts have downloads to test');
note "$told of " . @attempts . ' attempts end in block';

# Rows written here, beside the shared ones: other shops, suites and formats.
# What is not yet told is named, so that it shows when it is.

my %todo = (
    'mat2-order-aspx'          => 'a button of a form says that it orders',
    'mat2-peoplesoft'          => 'a suite whose messages are not described',
    'mat2-enc-utf7'            => 'UTF-7 in forms',
    'att-3-vendor-my'          => 'a licence taken into use at the account portal',
    'ben-3-rm-tool'            => 'an address of the removal tool not permitted',
    'att-4-intune-app'         => 'applications taken into a device management',
    'att-4-magento-form'       => 'the page before in a segment of the path',
    'att-6-flat-idoc'          => 'an IDoc as flat text',
    'ben-6-dir'                => 'a page that is called like a program',
    'att-5-cxml-source'        => 'a punch-out that inspects only looks',
);

for (map { check("$_.jsonl") } qw(more-benign more-attempts third-benign
                                    third-attempts fourth-benign
                                    fourth-attempts fifth-benign
                                    fifth-attempts sixth-benign
                                    sixth-attempts))
{
    my ($row, $out) = @$_;

    local $TODO = $todo{$row->{id}};

    if ($row->{id} =~ /^(?:mat|att)/) {
        is($out->{verdict}, 'block', "$row->{id}: $row->{why}: is refused");

    } else {
        like($out->{verdict} // 'none', qr/^(?:pass|log)$/,
             "$row->{id}: $row->{why}: goes through");
    }
}

my %ambiguous = map { $_->[0]{id} => $_->[1]{verdict} }
                check('ambiguous.jsonl');

is(scalar(grep { !defined || $_ !~ /^(?:pass|log|block|reject)$/ }
               values %ambiguous), 0, 'ambiguous rows all get some verdict');


# The tree is judged as it would be read: a list can also be given as source.

my $r = run_command([debar_path(), 'check', '--list', $list, '--jsonl'],
                    stdin => qq({"id":"x","method":"GET",)
                             . qq("url":"http://www.neutral.example/"}\n)
                             . qq(no json\n)
                             . qq({"id":"y","method":"GET",)
                             . qq("url":"http://www.neutral.example/"}\n));
my @lines = split /\n/, $r->{out};

is(scalar @lines, 3, 'a line that is no JSON has its own line in the output');
is(eval { decode_json($lines[0])->{verdict} }, 'pass',
   'the row before it is judged');
is(eval { decode_json($lines[2])->{verdict} }, 'pass',
   'and the one after it');
isnt($r->{status}, 0, 'the exit status tells of the line');

done_testing;

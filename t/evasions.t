#!/usr/bin/perl

# Byte-exact ways past a blocklist, each on a fresh connection to a real
# gateway: what the client is told, what the origin sees, what is recorded.
#
# DEBAR_EVASIONS="url body" runs those classes of evasions.jsonl alone.  All of
# more-evasions.jsonl is run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Test::More;

use Debar::Test;
use Debar::Test::Corpus;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Tls;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output,
    Test::More->builder->failure_output, Test::More->builder->todo_output;

my @classes = split /[\s,]+/, $ENV{DEBAR_EVASIONS} || 'authority ip idn tls url body';
my %wanted = map { $_ => 1 } @classes;
my @rows = ((grep { $wanted{ $_->{class} } }
             corpus_rows('evasions.jsonl')),
            corpus_rows('more-evasions.jsonl'));

my $dns = Debar::Test::Dns->new(names => {
    'alias.neutral.example' => ['127.0.0.66'],
    '127.0.0.66.nip.io' => ['127.0.0.66'],
});

my $origin = Debar::Test::Origin->new(
    listen => ['127.0.0.1:80', '127.0.0.66:80', '127.0.0.1:8080',
               '127.0.0.54:80', '127.0.0.1:8000']);
my $tls = Debar::Test::Tls->new(
    listen => ['127.0.0.1:443', '127.0.0.10:443', '127.0.0.66:443'],
    names => ['www.kaspersky.com', 'www.microsoft.com', '127.0.0.1',
              '127.0.0.10', '127.0.0.66']);
my $gw = Debar::Test::Gateway->new(list => corpus_dir() . '/fixture-list',
                                   init => ['--connect-port', 80]);

my $inspecting = Debar::Test::Gateway->new(name => 'inspecting',
    port => 3129, list => corpus_dir() . '/fixture-list', inspect => 1,
    upstream_ca => $tls->ca, init => ['--connect-port', 80]);
my @workers = $gw->workers;
my (%ended, @refused);

# What a gateway that does not look inside TLS cannot see.

my %unseen = (F06 => 'inspection: the inner Host is inside TLS');

# What ends otherwise than it should, for now.

my %pending;


# A row, sent to a gateway; ca: of one that looks into TLS, by which its leaves
# have to be verified.

sub run_row {
    my ($gw, $row, $how, $ca) = @_;
    my ($id, $expect) = @$row{qw(id expect)};
    my $name = "$row->{class} $id, $row->{title}$how";
    my $end = evasion_ends($expect, $row->{kind});
    my $failed = 0;

    local $TODO = $pending{$id};

    $gw->audit;

    my $answer = $row->{kind} eq 'connect'
        ? evasion_tunnel($gw, $row, $ca)
        : evasion_answer($gw->exchange(map { pack 'H*', $_ }
                                           @{ $row->{segments} }));
    my @lines = $end->{verdict} ? $gw->audit_soon
                                : grep { $_->{verdict} } $gw->audit;
    my $verdict = @lines ? $lines[-1]{verdict} : 'none';

    like($answer, $end->{answer},
         "$name: the client is answered as for $expect")
        or $failed = 1;

    if (defined $end->{origin}) {
        my $saw = $origin->saw_case($id) ? 1 : 0;

        is($saw, $end->{origin}, "$name: the origin "
           . ($end->{origin} ? 'gets it' : 'sees nothing of it'))
            or $failed = 1;
        push @refused, $id if !$end->{origin} && !$pending{$id};
    }

    if ($end->{verdict}) {
        {
            local $TODO = $ca ? $pending{$id}
                              : $unseen{$id} // $pending{$id};

            like($verdict, $end->{verdict}, "$name: recorded as $expect")
                or $failed = !$TODO;
        }

        is($verdict =~ /^(?:log|block)$/ ? $lines[-1]{vendor} : 'kaspersky',
           'kaspersky',
           "$name: the record names the vendor where one was found")
            or $failed = 1;

    } else {
        unlike($verdict, qr/^(?:block|reject)$/, "$name: nothing is refused")
            or $failed = 1;
    }

    $ended{ $row->{class} }[$failed]++;
    push @{ $ended{failed} }, "$id$how ($expect, was $answer, recorded"
                              . " $verdict)" if $failed;
}


for my $row (@rows) {
    die "$row->{id}: unknown kind $row->{kind}\n"
        if $row->{kind} !~ /^(?:http|connect)$/;

    run_row($gw, $row, '', undef);
    run_row($inspecting, $row, ', inspected', $inspecting->ca_file)
        if $row->{class} eq 'tls';

    # each may have waited for a record that does not come

    if (@{ $ended{failed} || [] } >= 40) {
        fail('too many rows end otherwise: the rest is not sent');
        last;
    }
}

for my $class (@classes) {
    ok($ended{$class}, "class $class has rows");
    note sprintf '%s: %d as expected, %d not', $class,
         map { $_ // 0 } @{ $ended{$class} || [] }[0, 1];
}

diag("not as expected: $_") for @{ $ended{failed} || [] };

# Once more at the end: nothing arrived late.

is(join(' ', grep { $origin->saw_case($_) } @refused), '',
   'no refused case has reached the origin by the end');

is($gw->get('http://www.neutral.example/')->{status}, 200,
   'the gateway still serves after all of it');
is(join(' ', $gw->workers), join(' ', @workers), 'by the same worker');
is($gw->complaints . $inspecting->complaints, '', 'and none has crashed');

done_testing;

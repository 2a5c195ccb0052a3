package Debar::Test::Corpus;

# The labelled requests of t/corpus, and how an evasion is judged to have ended
# (t/corpus/README.md).

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;

use Debar::Test;
use Debar::Test::Tunnel;

our @EXPORT = qw(
    corpus_dir corpus_rows evasion_answer evasion_ends evasion_tunnel
);


sub corpus_dir { return $ENV{DEBAR_CORPUS} || top_dir() . '/t/corpus' }


sub corpus_rows {
    my ($name) = @_;
    my $text = file_text(corpus_dir() . "/$name")
        // die corpus_dir() . "/$name: $!\n";

    return map { decode_json($_) } split /\n/, $text;
}


# What the client was told last: a status, "closed", "silent", or, for an
# HTTP/0.9 answer, the status that its page names.

sub evasion_answer {
    my (@responses) = @_;
    my $last;

    for my $r (@responses) {
        return $r->{raw} =~ /\b(403|451|400)\b/ ? $1 : 200
            if $r->{closed} && length $r->{raw} && !$last;
        $last = $r->{status} ? $r->{status} : $last;
    }

    return $last if $last;
    return @responses && $responses[-1]{timeout} ? 'silent' : 'closed';
}


# An evasion of kind "connect": the answer to the CONNECT unless that is 200,
# else what becomes of the tunnel: the status of the request in it, "closed" or
# "silent".

sub evasion_tunnel {
    my ($gw, $row, $ca) = @_;
    my %hello = (sni => $row->{sni}, tls12 => $row->{tls12}, ca => $ca,
                 recsplit => $row->{recsplit}, tcpsplit => $row->{tcpsplit},
                 $row->{bigch} ? (big => 15360) : ());
    my %first;

    $first{after} = Debar::Test::Tunnel::hello(%hello, for => \%first)
        if $row->{early};

    my $t = $gw->tunnel('', head => join('', map { pack 'H*', $_ }
                                             @{ $row->{segments} }),
                        after => $first{after});

    return evasion_answer($t->{answer}) if $t->status != 200;

    if ($row->{mode} ne 'plain') {
        @$t{qw(ctx ssl rbio wbio plain)} = @first{qw(ctx ssl rbio wbio plain)}
            if $row->{early};

        my $end = $t->tls(%hello, sent => $row->{early});

        return $end eq 'refused' ? 'closed' : $end if $end ne 'up';
        return 200 if $row->{bigch};
    }

    return evasion_answer($t->get('/', host => $row->{inner},
                                  fields => [['X-Case', $row->{id}]]));
}


# How an evasion may end, by what is expected of it.  Where a tunnel is already
# open, to close it is the only way to block.

my %ends = (
    block           => { answer => qr/^(?:403|451)$/, origin => 0,
                         verdict => qr/^block$/ },
    reject          => { answer => qr/^(?:400|closed)$/, origin => 0,
                         verdict => qr/^(?:reject|block)$/ },
    block_or_reject => { answer => qr/^(?:403|451|400|closed)$/, origin => 0,
                         verdict => qr/^(?:reject|block)$/ },
    log             => { answer => qr/^200$/, origin => 1,
                         verdict => qr/^log$/ },
    log_or_block    => { answer => qr/^(?:200|403|451)$/, origin => undef,
                         verdict => qr/^(?:log|block)$/ },
    forward         => { answer => qr/^200$/, origin => 1, verdict => undef },
);

sub evasion_ends {
    my ($expect, $kind) = @_;
    my %end = %{ $ends{$expect} || die "unknown expectation $expect\n" };

    $end{answer} = qr/$end{answer}|^closed$/
        if ($kind // '') eq 'connect' && $expect =~ /block/;

    return \%end;
}


1;

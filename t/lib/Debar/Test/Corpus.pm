package Debar::Test::Corpus;

# The labelled requests of t/corpus, and how an evasion is judged to have ended
# (t/corpus/README.md).

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;

use Debar::Test;

our @EXPORT = qw(corpus_dir corpus_rows evasion_answer evasion_ends);


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


# How an evasion may end, by what is expected of it.

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
    my ($expect) = @_;

    return $ends{$expect} || die "unknown expectation $expect\n";
}


1;

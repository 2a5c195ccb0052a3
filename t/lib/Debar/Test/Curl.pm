package Debar::Test::Curl;

# curl through a gateway, trusting one authority and no setting of who runs the
# test.

use strict;
use warnings;

use Debar::Test;

delete $ENV{$_} for grep { /proxy/i || /^(?:SSL|CURL)/ } keys %ENV;


# new(proxy => "http://127.0.0.1:3128", ca => FILE)

sub new {
    my ($class, %o) = @_;

    return bless { %o, count => 0 }, $class;
}


# One fetch, or several on one connection where more URLs are in @more:
# {exit, err, code, version, connects, proxy (status of the CONNECT), head,
# body, verified}; of several, those of the last, but connects and codes of all.

sub fetch {
    my ($self, $url, @more) = @_;
    my $at = test_dir() . '/curl' . ++$self->{count};
    my $w = join ' ', map { "%{$_}" } qw(http_code http_version num_connects
                                         http_connect ssl_verify_result);
    my @urls = ($url, grep { m{^https?://} } @more);
    my @args = grep { !m{^https?://} } @more;
    my $r = run_command(['curl', '-q', '-sS', '-m', 20, '-x',
                         $self->{proxy}, '--cacert', $self->{ca}, '-D',
                         "$at.head", '-w', "$w\n",
                         (map { ('-o', "$at.body") } @urls), @args, @urls]);
    my @each = map { [split / /] } split /\n/, $r->{out};
    my $last = $each[-1] || [];
    my $connects = 0;

    $connects += $_->[2] // 0 for @each;

    return { exit => $r->{status}, err => $r->{err}, code => $last->[0],
             version => $last->[1], connects => $connects,
             proxy => $last->[3], verified => ($last->[4] // 1) eq '0',
             head => file_text("$at.head") // '',
             body => file_text("$at.body") // '',
             codes => join ' ', map { $_->[0] } @each };
}


1;

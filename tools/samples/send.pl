# Sends the requests of a file through a gateway, one after another, and prints
# what came back beside what the audit file says of it:
#
#   send.pl GATEWAY ORIGIN-PORT AUDIT.jsonl REQUESTS.jsonl

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP;

my ($gateway, $origin, $audit_path, $requests) = @ARGV;
die "usage: send.pl GATEWAY ORIGIN-PORT AUDIT.jsonl REQUESTS.jsonl\n"
    unless defined $requests;

my $json = JSON::PP->new->utf8;
my (%count, $sent);

open my $audit, '<', $audit_path or die "$audit_path: $!\n";
seek $audit, 0, 2;

binmode STDOUT, ':utf8';
row('VERDICT', 'STATUS', 'REQUEST', 'ENTRY', 'AUTHORITY', 'EVIDENCE');

open my $in, '<', $requests or die "$requests: $!\n";

while (my $line = <$in>) {
    my $r = $json->decode($line);
    my $status = send_request($r);
    my $decision = decision($status);
    my $verdict = $decision ? $decision->{verdict}
                  : $status =~ /^[23]/ ? 'pass' : 'none';

    $count{$verdict}++;
    $sent++;

    row($verdict, $status, request_text($r), $decision->{vendor} // '',
        authorities($decision), evidence($decision));
}

print "\n$sent requests: ",
      join(', ', map { "$count{$_} $_" } sort keys %count), ".\n";


# One request on a connection of its own; the status of the answer.

sub send_request {
    my ($r) = @_;
    my %headers = %{ $r->{headers} // {} };
    my $body = $r->{body} // '';
    my $url = $r->{url};

    # the local origin may not have been given port 80
    $url =~ s{^(http://[\w.-]+)(?=/|$)}{$1:$origin} if $origin != 80;

    my ($authority) = $url =~ m{^http://([^/]*)};
    my $host = delete $headers{Host} // $authority;

    my $s = IO::Socket::INET->new(PeerAddr => $gateway, Timeout => 5)
        or die "send.pl: the gateway on $gateway does not answer: $!\n";

    print $s "$r->{method} $url HTTP/1.1\r\nHost: $host\r\n",
        (map { "$_: $headers{$_}\r\n" } sort keys %headers),
        length $body ? 'Content-Length: ' . length($body) . "\r\n" : '',
        "Connection: close\r\n\r\n", $body;

    my $answer = '';

    eval {
        local $SIG{ALRM} = sub { die "timeout\n" };
        alarm 10;
        while (sysread $s, my $block, 65536) { $answer .= $block }
        alarm 0;
    };

    alarm 0;

    return $answer =~ m{^HTTP/1\.\d (\d+)} ? $1 : '-';
}


# The decision that the gateway recorded since the last one.  None: it passed.
# What nginx's own parser refuses is recorded a moment after the answer.

sub decision {
    my ($status) = @_;
    my $found;

    for (1 .. 100) {
        seek $audit, 0, 1;

        while (my $line = <$audit>) {
            my $o = eval { $json->decode($line) } or next;
            $found = $o if $o->{verdict};
        }

        last if $found || $status =~ /^[23]/;
        select undef, undef, undef, 0.01;
    }

    return $found;
}


sub request_text {
    my ($r) = @_;
    my $host = ($r->{headers} // {})->{Host};

    return "$r->{method} " . ($r->{url} =~ s{^http://}{}r)
           . ($host ? " Host: $host" : '');
}


sub authorities {
    my ($d) = @_;
    my @a = @{ $d->{authorities} // [] };

    return @a ? $a[0] . (@a > 1 ? ' +' . $#a : '') : '';
}


sub evidence {
    my ($d) = @_;
    my @e = @{ $d->{evidence} // [] };

    return $d->{fault} // '' unless @e;
    my $value = length $e[0]{value} > 40 ? substr($e[0]{value}, 0, 37) . '...'
                                         : $e[0]{value};

    return "$e[0]{kind} $value in $e[0]{where}"
           . (@e > 1 ? ' +' . $#e : '');
}


sub row {
    my ($verdict, $status, $request, $entry, $authority, $evidence) = @_;

    $request = substr($request, 0, 34) . '...' . substr($request, -17)
        if length $request > 54;

    printf "%-7s %-6s %-54s  %-9s  %-16s  %s\n", $verdict, $status, $request,
           $entry, $authority, $evidence;
}

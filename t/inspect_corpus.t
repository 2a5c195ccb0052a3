#!/usr/bin/perl

# The corpus over real sockets, through a gateway that looks into TLS: what it
# judges and records is the whole request, and the verdict is that of `debar
# check --jsonl`: attempts are refused, nothing harmless is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use MIME::Base64;
use Test::More;

use Debar::Test;
use Debar::Test::Corpus;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Pki;
use Debar::Test::TlsOrigin;
use Debar::Test::Tunnel;

my @all = map { my $file = $_; map { { %$_, file => $file } } corpus_rows($file) }
          qw(attempts.jsonl benign.jsonl);
my @rows = grep { $_->{url} =~ m{^https://}i } @all;
my %ports = map { $_->{url} =~ m{^https://[^/:]+:(\d+)} ? ($1 => 1) : () }
            @rows;
my %hosts = map { lc(($_->{url} =~ m{^https://([^/:?#]+)}i)[0]) => 1 } @rows;
my $federal = top_dir() . '/blocklist/lists/federal';
my $list = build_list($federal, test_dir() . '/federal.mdb');
my %told = map { my $o = decode_json($_); ($o->{id} => $o) }
           map { split /\n/, $_->{out} }
           map { run_command([debar_path(), 'check', '--list', $list, '--jsonl',
                              corpus_dir() . "/$_"]) }
           qw(attempts.jsonl benign.jsonl);

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::TlsOrigin->new(servers => [
    { at => [map { "127.0.0.1:$_" } 443, sort keys %ports],
      cert => $pki->leaf([sort keys %hosts]) } ]);
my $plain = Debar::Test::Origin->new(name => 'plain',
                                     listen => ['127.0.0.1:80']);
my $gw = Debar::Test::Gateway->new(list => $federal, inspect => 1,
    upstream_ca => $pki->ca, conf => { debar_audit => audit_all() },
    init => [map { ('--connect-port', $_) } sort keys %ports]);

cmp_ok(scalar @rows, '>=', 100, 'requests over https to send');

# Every verdict is recorded here, pass too.

sub audit_all {
    return '"' . test_dir() . '/gateway/audit/audit.jsonl" all'
           . ' on_failure=refuse';
}

sub field_of {
    my ($row, $name) = @_;
    my ($v) = map { $row->{headers}{$_} }
              grep { lc eq lc $name } keys %{ $row->{headers} || {} };

    return $v;
}

my ($refused_early, $inspected) = (0, 0);

for my $row (@rows) {
    my ($host, $port, $target) =
        $row->{url} =~ m{^https://([^/:?#]+)(?::(\d+))?([^#]*)}i;
    my $body = $row->{body} =~ /^base64:(.*)/s ? decode_base64($1)
                                               : $row->{body};
    my $want = $told{ $row->{id} }{verdict};
    my $authority = "$host:" . ($port // 443);

    utf8::encode($body) if utf8::is_utf8($body);
    utf8::encode($target) if utf8::is_utf8($target);
    $target = "/$target" if $target !~ m{^/};
    $gw->audit;

    my $t = $gw->tunnel($authority);
    my $status = $t->status;

    if ($status == 200) {
        is($t->tls(sni => $host, ca => $gw->ca_file), 'up',
           "$row->{id}: a handshake with the gateway");
        $status = $t->get($target, host => $host . ($port ? ":$port" : ''),
                          method => $row->{method}, body => $body, fields => [
            ['X-Case', $row->{id}],
            map { [$_, $row->{headers}{$_}] }
            grep { !/^(?:host|content-length|connection)$/i }
            sort keys %{ $row->{headers} || {} }])->{status} // 'closed';
    }

    my @lines;

    eventually {
        push @lines, grep { $_->{verdict} } $gw->audit;
        grep { $_->{surface} ne 'connect' || $_->{verdict} eq 'block' } @lines;
    } 3;

    my ($line) = grep { $_->{surface} eq 'inspected' } @lines;

    if (!$line) {
        ($line) = @lines;
        $refused_early++;
        is($line->{surface}, 'connect', "$row->{id}: the whole host is listed,"
           . ' and its CONNECT refused');
        is($line->{verdict}, 'block', "$row->{id}: with a block");
        is($want, 'block', "$row->{id}: as debar check says of the URL");
        next;
    }

    $inspected++;
    is($line->{verdict}, $want, "$row->{id}: judged as debar check says");
    is($line->{url}, $row->{url} =~ s/#.*//sr,
       "$row->{id}: recorded with its whole URL");
    is($status == 403 ? 'block' : 'through',
       $want eq 'block' ? 'block' : 'through', "$row->{id}: and so it ends");
    is($origin->behind->saw_case($row->{id}) ? 1 : 0, $want eq 'block' ? 0 : 1,
       "$row->{id}: for the origin too");
}



# --- those in the clear -------------------------------------------------------

for my $row (grep { $_->{url} =~ m{^http://}i } @all) {
    my $body = $row->{body} =~ /^base64:(.*)/s ? decode_base64($1)
                                               : $row->{body};
    my $want = $told{ $row->{id} }{verdict};

    utf8::encode($body) if utf8::is_utf8($body);
    $gw->audit;

    my $r = $gw->get($row->{url}, method => $row->{method}, body => $body,
                     fields => [['X-Case', $row->{id}],
                         map { [$_, $row->{headers}{$_}] }
                         grep { !/^(?:host|content-length|connection)$/i }
                         sort keys %{ $row->{headers} || {} }]);
    my @lines = $gw->audit_soon;

    is($lines[-1]{verdict}, $want, "$row->{id}: judged as debar check says");
    is($r->{status} == 403 ? 'block' : 'through',
       $want eq 'block' ? 'block' : 'through', "$row->{id}: and so it ends");
    is($plain->saw_case($row->{id}) ? 1 : 0, $want eq 'block' ? 0 : 1,
       "$row->{id}: for the origin too");
}

for my $row (@all) {
    isnt($told{ $row->{id} }{verdict}, 'block', "$row->{id}: nothing harmless"
         . ' is refused') if $row->{file} eq 'benign.jsonl';
}

note "$inspected judged inside TLS, $refused_early at their CONNECT";
cmp_ok($inspected, '>=', 20, 'many are judged inside TLS');
is($gw->complaints, '', 'no worker has crashed');

done_testing;

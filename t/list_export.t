#!/usr/bin/perl

# What is exported says to its reader what the list says to Debar: real named
# and real squid are asked for names, beside `debar check`.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Socket::INET;
use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;

my $dir = test_dir();
my $source = "$dir/list";

write_list($source, serial => 7, hosts => [
    'acme.example', 'b.acme.example', 'shop.www.acme.example',
    '{host: www.acme.example, activity: browse, action: log}',
    '{host: exact.example, subdomains: false}', 'deep.below.hole.acme.example',
    '{host: mild.example, action: log}', 'bücher.example',
    'under_score.example', '192.0.2.77',
], vendor => <<'END');
urls: [store.example/acme/buy, "store.example/shop?vendor=acme"]
networks: [198.51.100.0/24, 198.51.100.128/25, "2001:db8:1::/48"]
asns: [64500]
part-numbers: [AC1234]
permits:
  - {host: hole.acme.example, subdomains: true, why: removal}
  - {host: www2.acme.example, why: one host}
  - {url: tool.acme.example/remove.exe, why: the removal tool}
END

my $mdb = build_list($source, "$dir/list.mdb");

sub export {
    my (@o) = @_;

    return run_command([debar_path(), 'list', 'export', @o]);
}

sub text_of {
    my ($format, @o) = @_;
    my $r = export('--format', $format, $mdb, '-o', "$dir/$format", @o);

    is($r->{status}, 0, "$format is exported") or diag $r->{err};

    return file_text("$dir/$format");
}

sub free_port {
    my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
            or die "a port: $!\n";

    return $s->sockport;
}

# What Debar says to a tunnel.

sub blocked {
    my ($host) = @_;
    my $r = run_command([debar_path(), 'check', '--list', $mdb, '--json',
                         '-X', 'CONNECT', "$host:443"]);

    return decode_json($r->{out})->{verdict} eq 'block' ? 1 : 0;
}

my @names = qw(
    acme.example x.acme.example y.x.acme.example b.acme.example
    c.b.acme.example www.acme.example v.www.acme.example
    shop.www.acme.example a.shop.www.acme.example hole.acme.example
    in.hole.acme.example below.hole.acme.example x.below.hole.acme.example
    deep.below.hole.acme.example a.deep.below.hole.acme.example
    www2.acme.example a.www2.acme.example exact.example a.exact.example
    mild.example xn--bcher-kva.example a.xn--bcher-kva.example
    under_score.example notacme.example example.example store.example
);
my %blocked = map { $_ => blocked($_) } @names;
my $listed = join ' ', grep { $blocked{$_} } @names;

like($listed, qr/a\.shop\.www/, 'some of the names are blocked ...');
unlike($listed, qr/mild|notacme|hole/, '... and some are not');


# Newcomers.

my $r = export($mdb);
is($r->{status}, 2, 'without a format nothing is exported');
like($r->{err}, qr/--format/, 'and the option is named');
$r = export('--format', 'bind', $mdb);
like($r->{err}, qr/bind.*rpz/s, 'an unknown format is told those that are there');
$r = export('--format', 'rpz', "$dir/nothing");
is($r->{status}, 1, 'a list that is not there');
like($r->{err}, qr/list build/, 'is told how lists are made');
$r = export('--format', 'rpz', $mdb, '-o', "$dir/no/such/file");
is($r->{status}, 1, 'a folder that is not there');
like($r->{err}, qr/folder/, 'is told, too');
$r = export('--format', 'rpz', '--on', '2026-02-30', $mdb);
is($r->{status}, 2, 'and so is a day that no calendar has');


# DNS.

my $zone = text_of('rpz');

like($zone, qr/^; left out: 1 with a URL that is permitted/m,
     'the head says what a zone cannot');
like($zone, qr/^24\.0\.100\.51\.198\.rpz-ip CNAME \.$/m, 'networks are said');
unlike($zone, qr/^25\./m, 'those inside of others once');

SKIP: {
    skip 'no bind9', 6 if !-x '/usr/sbin/named';

    $r = run_command(['/usr/bin/named-checkzone', '-q', 'debar.rpz',
                      "$dir/rpz"]);
    is($r->{status}, 0, 'named-checkzone takes the zone');
}

my $dns = free_port();
my $named;

sub ask {
    my ($name) = @_;
    my $s = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '127.0.0.1',
                                  PeerPort => $dns) or return;
    my $q = pack('n6', 7, 0x0100, 1, 0, 0, 0)
            . join('', map { chr(length) . $_ } split /\./, $name)
            . "\0" . pack('n2', 1, 1);

    $s->send($q);
    IO::Select->new($s)->can_read(2) or return;

    my $got;

    defined $s->recv($got, 4096) && length $got > 12 or return;

    return (unpack 'n6', $got)[1] & 15;
}

SKIP: {
    skip 'no bind9', 4 if !-x '/usr/sbin/named';

    write_file("$dir/example.zone", "\$TTL 60\n\@ SOA a.invalid. b.invalid. 1"
               . " 60 60 60 60\n\@ NS a.invalid.\n* A 127.0.0.9\n");
    write_file("$dir/named.conf", <<"END");
options {
    directory "$dir"; pid-file none; session-keyfile none;
    listen-on port $dns { 127.0.0.1; }; listen-on-v6 { none; };
    recursion yes; dnssec-validation no; forward only;
    forwarders { 127.0.0.1 port 9; };
    response-policy { zone "debar.rpz"; } qname-wait-recurse no;
};
controls { };
zone "example" { type master; file "$dir/example.zone"; };
zone "debar.rpz" { type master; file "$dir/rpz"; };
END
    $named = start_process('named', '/usr/sbin/named', '-g', '-n', '1', '-c',
                           "$dir/named.conf");

    ok((eventually { (ask('acme.example') // -1) == 3 } 20),
       'named has loaded its policies') or diag file_text("$dir/named.out");

    is(join(' ', grep { (ask($_) // -1) == 3 } @names), $listed,
       'named denies the names that Debar blocks, and no others');
    is(ask('tool.acme.example'), 0,
       'a host with a URL that is permitted is let through');
    is(ask('a.tool.acme.example'), 3, 'and the names below it are not');
}


# Squid.

my $acl = text_of('squid');

SKIP: {
    skip 'no squid', 5 if !-x '/usr/sbin/squid' || !$named;

    my $port = free_port();

    write_file("$dir/squid.conf", <<"END");
http_port 127.0.0.1:$port
include $dir/squid
http_access allow all
dns_nameservers 127.0.0.1
pid_filename none
access_log none
cache_log /dev/null
cache_store_log none
cache deny all
memory_cache_shared off
pinger_enable off
coredump_dir $dir
shutdown_lifetime 0 seconds
connect_timeout 2 seconds
visible_hostname squid.test
END
    $r = run_command(['/usr/sbin/squid', '-k', 'parse', '-f',
                      "$dir/squid.conf"]);
    is($r->{status}, 0, 'squid -k parse takes the fragment');
    unlike($r->{err} . $r->{out}, qr/WARNING|ERROR|FATAL|subdomain of/,
           'without a word') or diag $r->{err};

    # names are not asked of DNS: addresses of loopback stand in a hosts file

    write_file("$dir/squid.hosts", join '', map { "127.0.0.9 $_\n" } @names,
               'tool.acme.example');
    write_file("$dir/squid.conf", file_text("$dir/squid.conf")
               . "hosts_file $dir/squid.hosts\n");

    my $squid = start_process('squid', '/usr/sbin/squid', '-N', '-f',
                              "$dir/squid.conf");

    my $code = sub {
        my ($line) = @_;
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
                                      Timeout => 5) or return 0;

        print {$s} "$line HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        my $got = IO::Select->new($s)->can_read(10) ? <$s> : '';

        return $got =~ m{^HTTP/1\.\d (\d+)} ? $1 : 0;
    };

    ok((eventually { port_answers('127.0.0.1', $port) } 20), 'squid answers');

    is(join(' ', grep { $code->("CONNECT $_:443") == 403 } @names), $listed,
       'squid refuses the tunnels that Debar blocks, and no others');

    is(join(' ', map { $code->($_) == 403 ? 1 : 0 }
            'CONNECT 198.51.100.7:443', 'CONNECT 192.0.2.77:443',
            'GET http://store.example/acme/buy',
            'GET http://store.example/acme/buy/now',
            'GET http://store.example/acme/buyer',
            'GET http://tool.acme.example/remove.exe',
            'GET http://tool.acme.example/other.exe',
            'CONNECT 127.0.0.9:443'),
       '1 1 1 1 0 0 1 0', 'and addresses, URLs and permits are as they are');

    stop_process($squid);
}

stop_process($named);


# Forms whose readers are not here.

my $hosts = text_of('hosts');
is_deeply([$hosts =~ /^0\.0\.0\.0 (\S+)$/mg],
          [$hosts =~ /^:: (\S+)$/mg], 'hosts have both families');
is(join(' ', grep { !$blocked{$_} } $hosts =~ /^0\.0\.0\.0 (\S+)$/mg), '',
   'and none that Debar lets through');

my $edl = text_of('edl-domain', '--no-head');
is($edl, join('', map { "$_\n" } grep { defined } $edl
          =~ /^((?:\*\.)?[a-z0-9_.-]+)$/mg), 'a domain list is names alone');
unlike($edl, qr/^\*\.acme\.example$/m, 'nothing is said wider than it is');
like($edl, qr/^\*\.b\.acme\.example$/m, 'what has no hole is said with all below');

my $urls = text_of('edl-url', '--no-head');
is(join(' ', grep { !m{/} } split /\n/, $urls), '',
   'hosts of a URL list end in a slash');
is(text_of('edl-ip', '--no-head'),
   "192.0.2.77\n198.51.100.0/24\n2001:db8:1::/48\n", 'an IP list');

my $rules = text_of('suricata', '--sid', '500');
my @bad = grep { !/^(#.*|)$/ && !/^alert\ (dns|tls|http|ip)\ \$HOME_NET\ any
                 \ ->\ (any|\[[0-9a-f:.\/]+\])\ any
                 \ \((?:[a-z_.]+(?::!?(?:"[^"]*"|[^;"]+))?;\ )+
                 sid:\d+;\ rev:7;\)$/x } split /\n/, $rules;
is("@bad", '', 'rules of Suricata are of its grammar');
my %sid;
is(scalar(grep { $sid{$_}++ } $rules =~ /sid:(\d+)/g), 0, 'no number is twice');
unlike($rules, qr/http\.host;[^;]*;[^;]*nocase/, 'its host is not "nocase"');

SKIP: {
    skip 'no suricata', 1 if !-x '/usr/bin/suricata';
    $r = run_command(['/usr/bin/suricata', '-T', '-S', "$dir/suricata", '-l',
                      $dir]);
    is($r->{status}, 0, 'suricata -T takes them') or diag $r->{err};
}

my $stix = decode_json(text_of('stix'));
my @objects = @{ $stix->{objects} };
my $uuid = qr/[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
my $stamp = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

is($stix->{type}, 'bundle', 'STIX: a bundle');
is(scalar(grep { $_->{id} !~ /^\Q$_->{type}\E--$uuid$/
                 || $_->{spec_version} ne '2.1'
                 || $_->{created} !~ $stamp || $_->{modified} !~ $stamp
                 || $_->{created} gt $_->{modified} } @objects), 0,
   'its objects have what all objects have');
is(scalar(grep { $_->{type} eq 'indicator'
                 && ($_->{valid_from} !~ $stamp
                     || $_->{created_by_ref} ne $objects[0]{id}
                     || $_->{pattern} !~ /^\[.+\]$/
                     || $_->{pattern_type} ne 'stix'
                     || $_->{external_references}[0]{url}
                        ne 'https://law.example/rule-1') } @objects), 0,
   'indicators have what they must have, and cite the authority');
my ($wide) = grep { ($_->{name} // '') eq 'Acme Limited: acme.example' } @objects;
like($wide->{pattern}, qr/^\[\(domain-name:value\ =\ 'acme\.example'\ OR
     \ domain-name:value\ LIKE\ '%\.acme\.example'\).*
     \ AND\ domain-name:value\ !=\ 'hole\.acme\.example'/x,
     'a host, what is below it, and the holes in it');
is_deeply([map { $_->{id} } @{ decode_json(text_of('stix'))->{objects} }],
          [map { $_->{id} } @objects], 'ids are the same the next time');

my $csv = text_of('csv');
like($csv, qr/^part-number,AC1234,exact,acme,Acme Limited,/m, 'CSV has all kinds');
like($csv, qr/^permit,www2\.acme\.example,exact,.*,one host$/m, 'and permits');


# Days and activities.

write_list("$dir/later", serial => 8, hosts => ['acme.example'],
           phases => '{from: 2090-12-01, browse: log, acquire: block}');
$r = export('--format', 'hosts', '--no-head', "$dir/later");
is($r->{out}, '', 'what is not in force is not exported');
like($r->{err}, qr/left out: 1 recorded only, or not in force/, 'and it is said');
$r = export('--format', 'hosts', '--no-head', '--on', '2090-12-01',
            "$dir/later");
like($r->{out}, qr/0\.0\.0\.0 acme\.example/, 'from its day on it is');
$r = export('--format', 'hosts', '--no-head', '--on', '2090-11-30',
            "$dir/later");
is($r->{out}, '', 'but not the day before');

is(join(' ', grep { !/serial$/ } glob "$dir/*.??????"), '', 'no temporary file is left');

done_testing();

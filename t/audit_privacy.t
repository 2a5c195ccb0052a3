#!/usr/bin/perl

# What the audit file keeps of a request is as set: of its URL, its user and its
# client; secrets are in no line, page, error log or output of `debar check`.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Digest::SHA qw(hmac_sha256_hex);
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new;
my $list = write_list(test_dir() . '/list', vendor => <<'END');
  - {host: watched.example, action: log}
urls:
  - shop.example/item
END

my $key = 'k' x 40;
my $key_file = write_file(test_dir() . '/hash.key', "$key\n");

chmod 0600, $key_file;

sub hash { return 'h:' . substr hmac_sha256_hex($_[0], $key), 0, 32 }

my $gw = Debar::Test::Gateway->new(
    list => $list, conf => { debar_user => '$http_x_user' });

# The one line of a request, and as it stands.

sub line_of {
    my ($request) = @_;
    my @raw;

    $gw->audit_raw;
    $gw->exchange($request);
    eventually { push @raw, $gw->audit_raw; scalar @raw };

    return (decode_json($raw[0] // '{}'), $raw[0] // '');
}

sub get {
    my ($url, @fields) = @_;
    my ($host) = $url =~ m{//(?:[^/@]*@)?([^/?]+)};

    return line_of(join "\r\n", "GET $url HTTP/1.1", "Host: $host",
                   'Connection: close', @fields, '', '');
}

sub connect_to {
    my ($where) = @_;

    return line_of("CONNECT $where HTTP/1.1\r\nHost: $where\r\n\r\n");
}

# In stream and in http, where the audit file is named.

sub conf_set {
    my (%o) = @_;
    my $text = file_text($gw->conf_file);
    my $lines = join '', map { "    $_ $o{$_};\n" } sort keys %o;

    $text =~ s/^\s*debar_audit_\w+\s[^;]*;\n//mg;
    $text =~ s/^(\s*debar_audit\s[^;]*;\n)/$1$lines/mg;
    unlink $gw->conf_file;
    write_file($gw->conf_file, $text);
}

sub set {
    conf_set(@_);
    $gw->reload;
}


# Secrets, each in the whole URL that is kept otherwise.

my $jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.bm90LWEtc2lnbmF0dXJl';
my @secrets = (
    'token=s3cr3t', 'X-Amz-Signature=s3cr3t/a', 'user[password]=s3cr3t',
    'apiKey=s3cr3t', 'sig=s3cr3t', 'sessionId=s3cr3t', 'code=s3cr3t',
    'authorization=Basic%20s3cr3t', "q=$jwt", 'q=4111111111111111',
    'q=4111-1111-1111-1111', 'next=http%3A%2F%2Fb%2F%3Fpwd%3Ds3cr3t',
    'next=https://u:s3cr3t@b.example/', 'q=AKIAIOSFODNN7EXAMPLE',
);
my $secret = qr/s3cr3t|\Q$jwt\E|4111|AKIA/;

for my $pair (@secrets) {
    my ($line, $raw) = get("http://listed.example/x?a=1&$pair&b=2");

    ok($raw !~ $secret && $line->{url} =~ /^http:.*a=1&.*\*\*\*.*&b=2$/,
       "masked, with the rest as it came: $pair");
}

my ($line, $raw) = get('http://u:s3cr3t@listed.example/',
                       "Referer: http://listed.example/?token=s3cr3t");
unlike($raw, $secret, 'userinfo');

my $page = $gw->get('http://listed.example/x?token=s3cr3t&q=4111111111111111');
unlike($page->{body}, $secret, 'nor does a page say one');

for my $json ([], ['--json']) {
    my $check = run_command(
        [debar_path(), 'check', '--list', $gw->list, '-H',
         'Content-Type: application/x-www-form-urlencoded', '-d',
         'a=plain&password=s3cr3t&q=4111111111111111', @$json,
         'http://u:s3cr3t@listed.example/x?token=s3cr3t&b=2']);

    like($check->{out}, qr/plain/, "debar check @$json tells of a form");
    unlike("$check->{out}$check->{err}", $secret, 'without its secrets');
}


# The error log: an origin that cannot be reached is complained of there.

$gw->get('http://10.9.8.7/x?token=s3cr3t&b=2', 'X-User' => 'alice');
$gw->exchange("GET http://dead.example:9/x?token=s3cr3t&b=2 HTTP/1.1\r\n"
              . "Host: dead.example:9\r\nReferer: http://c/?pwd=s3cr3t\r\n"
              . "Connection: close\r\n\r\n");
eventually { $gw->error_log =~ /dead\.example/ };
like($gw->error_log,
     qr{request: "GET http://dead\.example:9/x\?token=\*\*\*&b=2 HTTP/1\.1"},
     'a fault is in the error log with its request');
unlike($gw->error_log, $secret, 'without secrets');


# How much of a URL.

my $shop = 'http://shop.example/item?colour=red#top';

($line) = get($shop);
is($line->{url}, 'http://shop.example/item?colour=red#top', 'whole: as it came');
is($gw->status->{stored}{url}, 'whole', 'status says so');

set(debar_audit_url => 'path');
($line) = get($shop);
is($line->{url}, 'http://shop.example/item', 'path: no query');
($line) = connect_to('listed.example:443');
is($line->{url}, 'listed.example:443', 'CONNECT has none');

set(debar_audit_url => 'evidence');
($line, $raw) = get($shop);
is($line->{url}, 'http://shop.example', 'evidence: the host');
like($line->{evidence}[0]{value}, qr{shop\.example/item}, 'and what matched');
unlike($raw, qr/colour|red/, 'and nothing else');

set(debar_audit_url => 'none', debar_audit_client => 'net');
($line, $raw) = get($shop);
ok(!exists $line->{url}, 'none: no URL');
unlike($raw, qr/shop|item|colour/, 'nor a value that has it');
is($line->{vendor}, 'acme', 'but the vendor');
is($line->{evidence}[0]{kind}, 'url', 'and the kind of evidence');
is($line->{client}, '127.0.0.0/24', 'net: the network of the client');
($line, $raw) = connect_to('listed.example:443');
unlike($raw, qr/listed\.example/, 'none, for CONNECT');
is($line->{client}, '127.0.0.0/24', 'and the network');

$gw->exchange("GET /private HTTP/1.1\r\nHost: a.example\r\n"
              . "Host: b.example\r\nConnection: close\r\n\r\n");
my @raw;
eventually { push @raw, $gw->audit_raw; scalar @raw };
unlike("@raw", qr/private|[ab]\.example/, 'none, of what cannot be read');


# Of a user and a client.

set(debar_audit_user => "hash key=$key_file",
    debar_audit_client => "hash key=$key_file");
($line, $raw) = get('http://listed.example/', 'X-User: alice');
is($line->{user}, hash('alice'), 'a user is a keyed hash');
is($line->{client}, hash('127.0.0.1'), 'and a client, without its port');
unlike($raw, qr/alice|127\.0\.0\.1:\d+","user/, 'and nothing else');
($line) = connect_to('listed.example:443');
is($line->{client}, hash('127.0.0.1'), 'the same of a tunnel');
is_deeply($gw->status->{stored},
          { url => 'whole', user => 'hash', client => 'hash' }, 'status');


# nginx -t.

my $short = write_file(test_dir() . '/short.key', "short\n");
my $open = write_file(test_dir() . '/open.key', $key);

chmod 0600, $short;
chmod 0644, $open;

for my $case (
    ['debar_audit_url', 'some', qr/"none", "evidence", "path" or "whole"/],
    ['debar_audit_user', 'net', qr/"plain", or "hash"/],
    ['debar_audit_user', 'hash key=', qr/key=FILE/],
    ['debar_audit_client', 'hash salt=x', qr/"net" or "hash"/],
    ['debar_audit_user', 'hash key=' . test_dir() . '/absent',
     qr/absent" cannot be opened: make one by .*umask 077/],
    ['debar_audit_user', "hash key=$short", qr/less than 16 bytes/],
    ['debar_audit_user', "hash key=$open", qr/open to everybody.*chmod 0600/],
) {
    my ($name, $value, $why) = @$case;

    conf_set($name => $value);
    my $r = $gw->test_conf;
    ok($r->{status} != 0, "nginx -t refuses $name $value");
    like("$r->{out}$r->{err}", $why, 'and says what would be taken');
}

$gw->stop;
is($gw->complaints, '', 'nothing to complain of');

done_testing;

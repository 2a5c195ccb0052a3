#!/usr/bin/perl

# What nginx does around a judgement: internal redirects, error pages,
# subrequests, HTTP/2, several servers, and what `nginx -t` says of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use JSON::PP;
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Origin;

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new(listen => ['0.0.0.0:80']);
my $dir = test_dir() . '/nginx';
my $user = $> == 0 ? 'user www-data;' : '';
my $load = 'load_module ' . build_file('ngx_http_debar_module.so') . ';';
my $any = 'debar_allow_destination 127.0.0.0/8 0.0.0.0/32;';
my ($pid, $port);

for my $name ('logs', 'audit', 'tmp', 'html') {
    mkdir $dir;
    mkdir "$dir/$name";
}

chmod 0777, "$dir/tmp";

write_list(test_dir() . '/list', hosts => ['listed.example']);
build_list(test_dir() . '/list', "$dir/list.mdb");
write_list(test_dir() . '/other', hosts => ['other.example'], serial => 7);
build_list(test_dir() . '/other', "$dir/other.mdb");


# Starts nginx with that inside of http {}.  Each time on another port, so that
# nothing is taken for an answer of the one before.

sub conf {
    my ($http, %o) = @_;
    my $resolver = $o{no_resolver} ? '' : 'resolver 127.0.0.1 ipv6=off;';
    my $main = $o{main} // 'worker_processes 1;';
    my $connections = $o{connections} // 256;

    $http =~ s/PORT/$port/g;

    return write_file("$dir/nginx.conf", <<"END");
$load
$user
$main
pid $dir/nginx.pid;
error_log $dir/logs/error.log notice;
events { worker_connections $connections; }
http {
    $resolver
    access_log off;
    client_body_temp_path $dir/tmp/body;
    proxy_temp_path $dir/tmp/proxy;
    fastcgi_temp_path $dir/tmp/fastcgi;
    uwsgi_temp_path $dir/tmp/uwsgi;
    scgi_temp_path $dir/tmp/scgi;
    upstream origin { debar_pin keepalive=512; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host \$debar_authority;
    debar_list $dir/list.mdb;
    debar_audit $dir/audit/audit.jsonl;
    $any
    $http
}
END
}

sub start_nginx {
    stop_process($pid, 'QUIT') if $pid;
    $port = ($port // 3200) + 1;
    conf(@_);
    $pid = start_process('nginx', nginx_path(), '-p', $dir, '-c',
                         "$dir/nginx.conf", '-g', 'daemon off;');
    (eventually { port_answers('127.0.0.1', $port) } 10)
        or die file_text("$dir/logs/error.log");
}

sub test_conf {
    $port = ($port // 3200) + 1;

    return run_command([nginx_path(), '-t', '-p', $dir, '-c', conf(@_)]);
}

my $read = 0;

sub audit {
    my $text = file_text("$dir/audit/audit.jsonl") // '';
    my $new = substr $text, $read;

    $read = length $text;

    return map { decode_json($_) } split /\n/, $new;
}

sub audit_soon {
    my @lines;

    eventually { push @lines, audit(); scalar @lines } 2;

    return @lines;
}

sub get { return Debar::Test::Client::get('127.0.0.1', $port, @_) }

sub exchange {
    return Debar::Test::Client::exchange('127.0.0.1', $port, @_);
}


# What nginx -t finds.

my $r = test_conf('server { listen 127.0.0.1:PORT; debar on; }',
                  no_resolver => 1);

isnt($r->{status}, 0, 'nginx -t refuses a gateway that can resolve no name');
like($r->{err}, qr/resolver/, 'and says what is missing');

$r = test_conf('server { listen 127.0.0.1:PORT; debar on;'
               . ' location / { resolver 127.0.0.1; debar on; } debar off; }',
               no_resolver => 1);
isnt($r->{status}, 0, 'a directive twice is refused');

$r = test_conf('server { listen 127.0.0.1:PORT;'
               . ' location / { resolver 127.0.0.1; debar on; } }',
               no_resolver => 1);
is($r->{status}, 0, 'a resolver of the location will do') or diag $r->{err};

for my $name ('$http_user', '$HTTP_USER', '$Cookie_user', '$ARG_user') {
    $r = test_conf("debar_user $name verified; server { }");
    isnt($r->{status}, 0, "$name cannot be verified");
    like($r->{err}, qr/client says/, 'since it is what the client says');
}


# Error pages.  nginx sends a request through the phases again for them.

write_file("$dir/html/error.html", "page of errors\n");

for my $at ('server', 'location') {
    start_nginx(<<"END");
server {
    listen 127.0.0.1:PORT;
    @{[ $at eq 'server' ? 'debar on;' : '' ]}
    error_page 400 403 405 414 501 502 /error.html;
    location / {
        @{[ $at eq 'server' ? '' : 'debar on;' ]}
        proxy_pass http://origin;
    }
    location = /error.html { internal; root $dir/html; }
}
END

    audit();

    my ($a) = exchange("GET http://www.neutral.example/ HTTP/1.1\r\n"
                       . "Bad Name: x\r\nHost: listed.example\r\n\r\n");

    my @lines = audit_soon();

    is($a->{status}, 400, "$at: what the parser refused stays refused");
    is($a->{body}, "page of errors\n", "$at: with the operator's page");
    is(scalar @lines, 1, "$at: it is recorded once");
    is($lines[0]{verdict}, 'block',
       "$at: and what its bytes may have meant is judged");

    ($a) = exchange("GET http://listed.example/ x HTTP/1.1\r\n\r\n");
    @lines = audit_soon();
    is($a->{status}, 400, "$at: so it is with a request line");
    is(scalar @lines, 1, "$at: recorded once");
    is($lines[0]{verdict}, 'block', "$at: as block");

    $a = get('http://listed.example/');
    @lines = audit();
    is($a->{status}, 403, "$at: a listed host is refused");
    like($a->{body}, qr/Rule One/, "$at: by the page of the refusal");
    is(scalar @lines, 1, "$at: and recorded once");

    $a = get('http://www.neutral.example/reset');
    is($a->{status}, 502, "$at: an origin that resets is a 502");
    is($a->{body}, "page of errors\n", "$at: with the operator's page");

    ($a) = exchange("POST http://listed.example/ HTTP/1.1\r\n"
                    . "Host: listed.example\r\n"
                    . "Transfer-Encoding: chunked\r\n\r\nno chunk\r\n\r\n");
    is($a->{status}, 403,
       "$at: a malformed body does not change the refusal");
    audit();

    ($a) = exchange("POST http://listed.example/ HTTP/1.1\r\n"
                    . "Host: listed.example\r\nContent-Length: 5\r\n"
                    . "Expect: 100-continue\r\n\r\n");
    is($a->{status}, 403, "$at: nobody asks for the body of what is refused");
    unlike($a->{raw}, qr/100 Continue/, "$at: that is, no 100 comes before");
    audit();
}


# Redirects inside nginx keep the context of the request, and forge none.

start_nginx(<<'END');
server {
    listen 127.0.0.1:PORT;
    location / { return 404; error_page 404 = @origin; }
    location /moved { rewrite ^ /other last; }
    location /other { debar on; proxy_pass http://origin; }
    location /accel { debar on; proxy_pass http://origin/status/404;
                      proxy_intercept_errors on; error_page 404 = @again; }
    location @again { debar on; rewrite ^ /etag break;
                      proxy_pass http://origin; }
    location @origin { debar on; proxy_pass http://origin; }
    location /unjudged { proxy_pass http://origin; }
}
END
audit();

is(get('http://www.neutral.example/x')->{status}, 200,
   'a request that comes by a named location is judged there');
is(get('http://listed.example/x')->{status}, 403, 'and refused there');
is(scalar(my @lines = audit()), 1, 'with one record');
is(get('http://listed.example/moved')->{status}, 403,
   'one that was rewritten likewise');
is(get('http://www.neutral.example/accel')->{status}, 200,
   'a second upstream gets the addresses that were checked');
is(get('http://www.neutral.example/unjudged')->{status}, 500,
   'and nothing is dialled that nobody judged');
audit();

is(get('http://0.0.0.0:' . $port . '/other')->{status}, 508,
   'the unspecified address on our own port is this gateway itself');
is(get('http://127.0.0.1:' . $port . '/other')->{status}, 508,
   'as is the one that the request came in by');


# Subrequests have the verdict of their request, or are judged by themselves.

write_file("$dir/html/page.html",
           '<!--#include virtual="/part?1" -->|<!--#include virtual="/part?2"'
           . ' -->|<!--#include virtual="/part?3" -->');

for my $on ('on', 'off') {
    start_nginx(<<"END");
server {
    listen 127.0.0.1:PORT;
    location /page.html { debar $on; ssi on; root $dir/html; }
    location /part { debar on; proxy_pass http://origin; }
}
END

    my $body = get("http://fresh-$on.neutral.example/page.html",
                   timeout => 5)->{body} // '';

    is($body, "origin\n|origin\n|origin\n",
       "debar $on: three subrequests to a name that is not known yet end");
}

$r = get('http://listed.example/page.html', timeout => 5);
unlike($r->{body}, qr/origin/, 'subrequests to a listed host reach nothing');
audit();


# Servers with lists of their own.

start_nginx(<<"END");
server {
    listen 127.0.0.1:PORT;
    server_name first.example listed.example;
    location / { debar on; proxy_pass http://origin; }
}
server {
    listen 127.0.0.1:PORT default_server;
    debar_list $dir/other.mdb;
    location / { debar on; proxy_pass http://origin; }
    location /deep {
        location /deep/er { proxy_pass http://origin; }
        debar on;
        return 204;
    }
}
END

is(get('http://listed.example/')->{status}, 403, "a server's list refuses");
is(get('http://other.example/')->{status}, 403, 'and that of another');
is(get('http://www.other.example/deep/er')->{status}, 403,
   'in a nested location too');
is(join(' ', map { $_->{list}{serial} } audit()), '1 7 7',
   'records name the list of each');

# Addresses are clean by one list, then by the other, and so on.

is(join(' ', map { get("http://$_/")->{status} }
             ('first.example', 'www.neutral.example') x 3),
   join(' ', (200) x 6), 'neutral names pass by both lists in turn');


# HTTP/2 in front, where the client can.

my $version = run_command(['curl', '--version']);

SKIP: {
    skip 'curl speaks no HTTP/2', 4
        if $version->{status} != 0 || $version->{out} !~ /HTTP2/;
    skip 'this nginx has no HTTP/2', 4
        if run_command([nginx_path(), '-V'])->{err} !~ /http_v2/;

    start_nginx(<<'END');
server {
    listen 127.0.0.1:PORT http2;
    location / { debar on; proxy_pass http://origin; }
}
END
    audit();

    my $h2 = sub {
        my ($host, @more) = @_;

        return run_command(['curl', '-sS', '--noproxy', '*', '-o', '/dev/null',
                            '--http2-prior-knowledge', '-w', '%{http_code}',
                            '-H', "Host: $host", @more,
                            "http://127.0.0.1:$port/x"])->{out};
    };

    is($h2->('www.neutral.example'), 200, 'HTTP/2: a neutral host passes');
    is($h2->('www.neutral.example:80'), 200, 'HTTP/2: with a port too');
    is($h2->('listed.example:80'), 403, 'HTTP/2: a listed host is refused');
    is(join(' ', map { $_->{verdict} } audit()), 'block',
       'HTTP/2: and recorded');
}


# Connections that are kept for origins leave room for clients.

start_nginx(<<'END', connections => 64);
server {
    listen 127.0.0.1:PORT;
    location / { debar on; proxy_pass http://origin; }
}
END

my %status;

$status{ get("http://127.0.1.$_/")->{status} // 'closed' }++ for 1 .. 150;
is_deeply(\%status, { 200 => 150 },
          'more origins than connections: idle ones give way');


# One process, for debugging.

start_nginx(<<'END', main => 'worker_processes 1; master_process off;');
server {
    listen 127.0.0.1:PORT;
    location / { debar on; proxy_pass http://origin; }
}
END

is(get('http://listed.example/')->{status}, 403,
   'master_process off: a listed host is refused');
is(get('http://www.neutral.example/')->{status}, 200, 'and a neutral one not');

stop_process($pid, 'QUIT');

my $log = file_text("$dir/logs/error.log");

unlike($log, qr/\[alert\]|\[emerg\] .*signal|exited on signal/,
       'nothing alarming was logged by any of them');

done_testing;

#!/usr/bin/perl

# nginx from 1.31.3 on serves CONNECT by itself (tunnel_pass): the http module
# alone judges it, in PREACCESS.  Runs where NGINX_SRC names such a source tree:
# nginx is built from it, with Debar inside.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

BEGIN {
    my $src = $ENV{NGINX_SRC} // '';

    -f "$src/src/http/modules/ngx_http_tunnel_module.c"
        or plan skip_all => 'NGINX_SRC names no nginx with tunnel_pass'
                            . ' (1.31.3 or later)';
}

use Debar::Test::Alone;
use JSON::PP;

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Raw;
use Debar::Test::Tunnel;

my $src = $ENV{NGINX_SRC};
my $dir = test_dir() . '/nginx';
my $build = $ENV{DEBAR_TUNNEL_BUILD} // test_dir() . '/build';
my $configure = -x "$src/configure" ? './configure' : 'auto/configure';

if (!-x "$build/nginx") {
    my $r = run_command(['bash', '-c', "cd '$src' && $configure"
        . " --builddir='$build' --with-http_ssl_module --with-stream"
        . " --without-http_rewrite_module --without-http_gzip_module"
        . " --add-module='" . top_dir() . "' && make -f '$build/Makefile'"
        . ' -j2 2>&1'], timeout => 900);

    is($r->{status}, 0, 'nginx is built, with Debar inside')
        or diag(substr $r->{out} . $r->{err}, -2000);
}

my $dns = Debar::Test::Dns->new(names => {
    'echo.neutral.example' => ['127.0.0.2'] });
my $raw = Debar::Test::Raw->new(at => {
    '127.0.0.2:443' => 'echo', '127.0.0.2:8443' => 'echo' });
my $user = $> == 0 ? 'user www-data;' : '';

mkdir $_ for $dir, "$dir/logs", "$dir/audit";
write_list(test_dir() . '/list');
build_list(test_dir() . '/list', "$dir/list.mdb");

write_file("$dir/nginx.conf", <<"END");
$user
daemon off;
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/logs/error.log notice;
events { worker_connections 256; }
http {
    resolver 127.0.0.1 ipv6=off;
    access_log off;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    upstream origin { debar_pin; }
    debar_list $dir/list.mdb;
    debar_audit $dir/audit/audit.jsonl;
    debar_allow_destination 127.0.0.0/8;
    server {
        listen 127.0.0.1:3128;
        debar on;
        debar_connect_port 8443;
        location / { tunnel_pass origin; }
    }
}
END

my $pid = start_process('nginx', "$build/nginx", '-e', "$dir/logs/error.log",
                        '-p', $dir, '-c', "$dir/nginx.conf");

ok(eventually { port_answers('127.0.0.1', 3128) }, 'nginx runs')
    or diag(file_text("$dir/logs/error.log"));

sub tunnel {
    return Debar::Test::Tunnel->new('127.0.0.1', 3128, $_[0]);
}

sub last_line {
    my @lines = split /\n/, file_text("$dir/audit/audit.jsonl") // '';

    return @lines ? decode_json($lines[-1]) : {};
}

for my $to ('echo.neutral.example:443', 'echo.neutral.example:8443') {
    my $t = tunnel($to);

    is($t->status, 200, "CONNECT $to is let through");
    $t->send('hello');
    eventually { $t->fill(0.2); length $t->{in} >= 5 } 5;
    is($t->{in}, 'hello', 'bytes come back');
}

is(tunnel('www.listed.example:443')->status, 403, 'a listed host is blocked');

my $line = last_line();

is("$line->{surface} $line->{verdict} $line->{url} $line->{method}",
   'connect block www.listed.example:443 CONNECT', 'and recorded as a CONNECT');

is(tunnel('echo.neutral.example:22')->status, 403, 'a port that is not allowed');
is(last_line()->{fault}, 'a port that CONNECT may not reach', 'says why');
is(tunnel('[::1]:443')->status, 403, 'an address that is not to be dialled');
is(tunnel('127.0.0.9:443')->status, 502, 'no origin there');
is(tunnel('nowhere.neutral.example:443')->status, 502, 'no such name');

ok(stop_process($pid, 'QUIT'), 'it ends');

done_testing();

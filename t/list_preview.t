#!/usr/bin/perl

# Recorded traffic of nginx, Squid and the gateway itself, judged by the list in
# force and by a candidate: what changes for whom.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use IO::Compress::Gzip qw(gzip);
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;

my $dir = test_dir();

sub preview { return run_command([debar_path(), 'list', 'preview', @_]) }

sub json {
    my $r = preview(@_, '--json');

    return eval { decode_json($r->{out}) } || { error => $r->{err} };
}

# As "name count name count".

sub by { return join ' ', map { "$_->{name} $_->{count}" } @{ $_[0] || [] } }

my $phases = '{from: 2018-10-01, browse: block, acquire: block,'
             . ' download: block, update: block}';
my $old = write_list("$dir/old", serial => 1, phases => $phases,
                     hosts => ['freed.example', 'both.example']);
my $new = write_list("$dir/new", serial => 2, phases => $phases,
                     hosts => ['both.example', 'added.example',
                               '{host: seen.example, action: log}']);


# Lines as the programs write them.

my $combined = join '', map { "$_\n" }
    '10.0.0.1 - anna [22/Nov/2026:09:12:58 +0000] "GET http://added.example/x HTTP/1.1" 200 5 "-" "curl"',
    '10.0.0.1 - anna [22/Nov/2026:09:12:59 +0000] "GET http://www.added.example/y HTTP/1.1" 200 5 "-" "curl"',
    '10.0.0.2 - - [22/Nov/2026:09:13:00 +0000] "CONNECT added.example:443 HTTP/1.1" 200 5 "-" "-"',
    '10.0.0.2 - - [22/Nov/2026:09:13:01 +0000] "GET http://freed.example/ HTTP/1.1" 403 5 "-" "-"',
    '10.0.0.3 - - [22/Nov/2026:09:13:02 +0000] "GET http://both.example/ HTTP/1.1" 403 5 "-" "-"',
    '10.0.0.3 - - [22/Nov/2026:09:13:03 +0000] "GET http://other.example/ HTTP/1.1" 200 5 "-" "-"',
    '10.0.0.3 - - [22/Nov/2026:09:13:04 +0000] "GET http://seen.example/ HTTP/1.1" 200 5 "-" "-"',
    'no line at all',
    '10.0.0.3 - - [22/Nov/2026:09:13:05 +0000] "\x16\x03\x01" 400 150 "-" "-"';

write_file("$dir/access.log", $combined);

my $r = preview('--against', "$dir/access.log", $old, $new);

is($r->{status}, 10, 'something changes: 10');
like($r->{out}, qr/Traffic\s+7 requests of 9 lines, 2026-11-22T09:12:58Z to 2026-11-22T09:13:04Z/,
     'what was read is told');
like($r->{out}, qr/Not read\s+2 lines:\n\s+\S*access\.log:8: .*\n\s+\S*access\.log:9: no request line/,
     'lines that are none are counted and named');
like($r->{out}, qr/Newly refused: 3 requests\n  by user   anna 2, 10\.0\.0\.2 1\n  by host   added\.example 2, www\.added\.example 1\n  by entry  acme 3\n/,
     'what is newly refused, by user, host and entry');
like($r->{out}, qr/e\.g\. 2026-11-22T09:12:58Z anna GET http:\/\/added\.example\/x\n\s+pass -> block, acme: host added\.example in host/,
     'with the first of them, and why');
like($r->{out}, qr/Newly let through: 1 request\n  by user   10\.0\.0\.2 1\n  by host   freed\.example 1/,
     'what is newly let through');
like($r->{out}, qr/Changed otherwise.*: 1 request\n.*\n  by host   seen\.example 1/,
     'what is newly recorded');
unlike($r->{out}, qr/both\.example|other\.example/, 'what stays is not told');

is(preview('--against', "$dir/access.log", $old, $old)->{status}, 0,
   'a list beside itself: 0');
is(json('--against', "$dir/access.log", '--in-force', $old, $new)
   ->{newly_blocked}{count}, 3, '--in-force is the same');
is(json('--against', "$dir/access.log", $new)->{newly_blocked}{count}, 4,
   'with nothing in force, all that is refused is told');

gzip(\$combined, "$dir/access.log.gz") or die 'gzip';
is(system("zstd -q '$dir/access.log' -o '$dir/access.log.zst'"), 0, 'zstd');
is(json('--against', "$dir/access.log.gz", "$dir/access.log.zst", $old, $new)
   ->{newly_blocked}{count}, 6, '.gz and .zst, two logs at once');
is(decode_json(run_command([debar_path(), 'list', 'preview', '--json',
                            '--against', '-', $old, $new],
                           stdin => $combined)->{out})
   ->{newly_blocked}{count}, 3, 'and stdin');

build_list($new, "$dir/new.mdb");
is(json('--against', "$dir/access.log", $old, "$dir/new.mdb")
   ->{newly_blocked}{count}, 3, 'a snapshot is a list as well');

my $since = json('--against', "$dir/access.log", '--since',
                 '2026-11-22T09:13:00Z', $old, $new);

is($since->{newly_blocked}{count}, 1, '--since leaves out what is older');


# Phases: by the time of a line, or as on a day.

my $later = write_list("$dir/later", serial => 3,
                       hosts => ['both.example', 'freed.example',
                                 'other.example'],
                       phases => '{from: 2026-12-01, browse: block}');
my $before = json('--against', "$dir/access.log", $new, $later);
my $on = json('--against', "$dir/access.log", '--on', '2026-12-02', $new,
              $later);

is($before->{newly_blocked}{count}, 0, 'before a phase nothing of it is refused');
is($on->{newly_blocked}{count}, 2, '--on a day of it, all of it is');


# A log_format with $host.

write_file("$dir/host.log", "10.0.0.9|added.example|GET /x HTTP/1.1\n");

is(by(json('--against', "$dir/host.log", '--format',
           '$remote_addr|$host|$request', $old, $new)
      ->{newly_blocked}{by_host}), 'added.example 1', '--format with $host');


# What is a secret of who asked is told no more than the audit log tells it.

my @secret = ('http://eve:s3cret@added.example/x', 'http://added.example/?a=b'
              . '&password=s3cret&next=http%3A%2F%2Fadded.example%2F%3Ftoken'
              . '%3Ds3cret', 'http://added.example/code=s3cret/');

write_file("$dir/secret.log", join '', map { "10.0.0.9 - - [22/Nov/2026:09:12:58 +0000] "
           . "\"GET $_ HTTP/1.1\" 200 5 \"-\" \"-\"\n" } @secret);

for my $form ([], ['--json'], ['--html']) {
    my $text = preview('--against', "$dir/secret.log", @$form, $old, $new)
               ->{out};

    like($text, qr/added\.example\/\?a=b&(?:amp;)?password=\*\*\*/,
         "an example is told: @$form");
    unlike($text, qr/s3cret/, 'and no secret of it');
}


# The programs themselves.

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new;

sub lines_of { return scalar(() = (file_text($_[0]) // '') =~ /\n/g) }

sub ask {
    my ($port, $head) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
                                  Timeout => 5) or return '';

    print {$s} "$head\r\nHost: added.example\r\nConnection: close\r\n\r\n";
    local $/;

    return scalar <$s>;
}

write_file("$dir/nginx/nginx.conf", <<"END");
daemon off;
pid $dir/nginx/pid;
error_log $dir/nginx/error.log;
events { }
http {
    access_log $dir/nginx/access.log;
    client_body_temp_path $dir/nginx/b;
    proxy_temp_path $dir/nginx/p;
    fastcgi_temp_path $dir/nginx/f;
    uwsgi_temp_path $dir/nginx/u;
    scgi_temp_path $dir/nginx/s;
    server { listen 127.0.0.1:8088; return 200 "x"; }
}
END
my $nginx = start_process('nginx', nginx_path(), '-p', "$dir/nginx", '-e',
                          "$dir/nginx/error.log", '-c',
                          "$dir/nginx/nginx.conf");

ok(eventually { port_answers('127.0.0.1', 8088) }, 'nginx runs');
ask(8088, 'GET http://added.example/a%20b?x="\'\\ HTTP/1.1');
ask(8088, 'GET http://freed.example/ HTTP/1.1');
ask(8088, 'CONNECT added.example:443 HTTP/1.1');
ask(8088, "GET http://added.example/\xc3\xa9 HTTP/1.1");
ok((eventually { lines_of("$dir/nginx/access.log") >= 4 }), 'nginx writes its log');
stop_process($nginx);

my $got = json('--against', "$dir/nginx/access.log", $old, $new);

is(by($got->{newly_blocked}{by_host}), 'added.example 3', 'nginx: refused');
is(by($got->{newly_passed}{by_host}), 'freed.example 1', 'nginx: let through');
is($got->{not_read}{count}, 0, 'nginx: every line is read');

SKIP: {
    my ($squid) = grep { -x } '/usr/sbin/squid';

    skip 'squid is not installed', 6 if !$squid;

    mkdir "$dir/squid";
    chmod 0777, "$dir/squid";
    write_file("$dir/squid.conf", <<"END");
http_port 127.0.0.1:3129
pid_filename $dir/squid.pid
access_log stdio:$dir/squid/native.log logformat=squid
access_log stdio:$dir/squid/combined.log logformat=combined
cache_log $dir/squid/cache.log
cache deny all
cache_mem 8 MB
coredump_dir $dir/squid
shutdown_lifetime 0 seconds
logfile_rotate 0
http_access deny all
END
    my $pid = start_process('squid', $squid, '-N', '-n', 'preview',
                            '-f', "$dir/squid.conf");

    ok((eventually { port_answers('127.0.0.1', 3129) } 20), 'squid runs');
    ask(3129, 'GET http://added.example/a HTTP/1.1');
    ask(3129, 'CONNECT added.example:443 HTTP/1.1');
    ask(3129, 'GET http://freed.example/ HTTP/1.1');
    ask(3129, 'NOTHING');
    ok((eventually { lines_of("$dir/squid/combined.log") >= 3 } 10), 'squid writes its logs');
    stop_process($pid);

    for my $kind (qw(native combined)) {
        $got = json('--against', "$dir/squid/$kind.log", $old, $new);
        is(by($got->{newly_blocked}{by_host}), 'added.example 2',
           "squid, $kind: refused");
        is(by($got->{newly_passed}{by_host}), 'freed.example 1',
           "squid, $kind: let through");
    }
}

my $gw = Debar::Test::Gateway->new(list => $old);

$gw->get('http://freed.example/');
$gw->get('http://both.example/');
ok((eventually { lines_of($gw->audit_file) >= 2 }), 'the gateway writes its audit log');

$got = json('--against', $gw->audit_file, $old, $new);

is(by($got->{newly_passed}{by_host}), 'freed.example 1',
   'the gateway: let through');
is($got->{not_read}{count}, 0, 'the gateway: every line is read');
is($got->{not_seen}, 0, 'and each gives the verdict that it had');


# What is shown is text: of a page, and of a terminal.

write_file("$dir/evil.log", qq(10.0.0.1 - <b>&x [22/Nov/2026:09:12:58 +0000] )
           . qq("GET http://added.example/<script>\\x1B[2J HTTP/1.1" 200 5 "-" "-"\n));
unlike(preview('--against', "$dir/evil.log", $old, $new)->{out}, qr/\x1b/,
       'controls of a log are shown, not obeyed');

my $page = preview('--against', "$dir/evil.log", $old, $new, '--html')->{out};

like($page, qr/&lt;b&gt;&amp;x/, 'a page has text of a log as text');
unlike($page, qr/<script|<b>|<link|src=|href=/,
       'and nothing that it would need or do');


# Mistakes.

write_file("$dir/text.conf", "not a log\n");

for my $case (
    [['--against', "$dir/none.log", $new], 1, qr/none\.log: No such file.*--against names/],
    [[$new], 2, qr/--against LOG is missing/],
    [['--against', "$dir/access.log"], 2, qr/name the list to preview/],
    [['--against', "$dir/access.log", '--format', '$status', $new], 1,
     qr/no \$request/],
    [['--against', "$dir/access.log", '--on', 'soon', $new], 2,
     qr/a date like 2026-12-01/],
    [['--against', "$dir/text.conf", $new], 1, qr/no line of the logs could be read/],
    [['--against', "$dir/access.log", $old, $new, $later], 2, qr/a third list/],
) {
    my ($args, $status, $words) = @$case;

    $r = preview(@$args);
    is($r->{status}, $status, "a mistake: $status");
    like($r->{err}, $words, 'and what to do: ' . ($r->{err} =~ s/\n.*//sr));
}

write_file("$dir/cut.log.gz", substr(file_text("$dir/access.log.gz"), 0, 60));
$r = preview('--against', "$dir/cut.log.gz", $new);
is($r->{status}, 1, 'a log that is cut off');
like($r->{err}, qr/cut\.log\.gz: .*cut off or damaged/, 'is said to be');

write_file("$dir/long.log", ('x' x 200_000) . "\n" . $combined);
is(json('--against', "$dir/long.log", $old, $new)->{newly_blocked}{count}, 3,
   'a line without end is one that is not read');

done_testing();

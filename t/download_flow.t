#!/usr/bin/perl

# Downloads on their way: many on one connection, reloads and stops while a
# verdict is awaited, a cache in front of the origin, clients that are slow or
# go away.  Whatever happens, a listed file is not whole at the client, and every
# other file is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);

use Debar::Test;
use Debar::Test::Curl;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::H2;
use Debar::Test::Pki;
use Debar::Test::Script;
use Debar::Test::Signed;
use Debar::Test::TlsOrigin;
use Debar::Test::Tunnel;

my $why = needs_programs();

plan skip_all => $why if $why;


# --- files and their origin ----------------------------------------------------

my $program = program_of(version => { ProductName => 'A tool' });
my $bad = file_text(sign_file($program,
                    signer_of('/O=Rocketmaker Labs/CN=Rocketmaker Labs')));
my $fine = file_text(sign_file($program,
                     signer_of('/O=Somebody Else Inc/CN=Somebody Else Inc')));

my $noise = join '', map { pack 'N', ($_ * 2654435761) & 0xffffffff }
                     1 .. 100_000;
my $bad_large = $bad . $noise;
my $fine_large = $fine . $noise;

sub head {
    my ($type, @more) = @_;

    return join "\r\n", 'HTTP/1.1 200 OK', "Content-Type: $type", @more, '', '';
}

sub whole {
    my ($body, @more) = @_;

    return head('application/x', 'Content-Length: ' . length $body, @more)
           . $body;
}

sub chunks {
    my ($text, $n) = @_;

    return map { sprintf "%x\r\n%s\r\n", length $_, $_ }
           unpack("(a$n)*", $text), '';
}

my $hits = test_dir() . '/hits';

sub counted {
    my ($name, @pieces) = @_;

    return [sub { open my $fh, '>>', $hits; print $fh "$name\n"; close $fh },
            @pieces];
}

sub asked {
    my ($name) = @_;

    return scalar grep { $_ eq $name } split /\n/, file_text($hits) // '';
}

my $chunked = head('a/b', 'Transfer-Encoding: chunked');
my $two = join '', map { "\r\n--b\r\nContent-Type: application/x\r\nContent-Range:"
                         . " bytes $_->[0]-$_->[1]/" . length($bad) . "\r\n\r\n"
                         . substr $bad, $_->[0], $_->[1] - $_->[0] + 1 }
               [0, 99], [200, length($bad) - 1];

my $origin = Debar::Test::Script->new(listen => '127.0.0.1:80', answers => {
    '/bad' => counted('bad', whole($bad)),
    '/bad-large' => counted('bad-large', whole($bad_large)),
    '/bad-chunked' => [$chunked, chunks($bad_large, 20_000)],
    '/bad-1.0' => ["HTTP/1.0 200 OK\r\n\r\n", $bad_large, ''],
    '/bad-slow' => [head('a/b', 'Content-Length: ' . length $bad_large),
                    substr($bad_large, 0, 100_000), 1,
                    substr $bad_large, 100_000],
    '/fine' => counted('fine', whole($fine)),
    '/fine-large' => counted('fine-large', whole($fine_large)),
    '/fine-chunked' => [$chunked, chunks($fine_large, 20_000)],
    '/fine-1.0' => ["HTTP/1.0 200 OK\r\n\r\n", $fine_large, ''],
    '/fine-slow' => [head('a/b', 'Content-Length: ' . length $fine_large),
                     substr($fine_large, 0, 100_000), 1,
                     substr $fine_large, 100_000],
    '/stalls' => [head('a/b', 'Content-Length: ' . length $fine_large),
                  substr($fine_large, 0, 300_000), 30],
    '/named' => [whole("\0\1\2\3" x 100, 'Content-Disposition: attachment; '
                       . 'filename=rocketsetup.exe')],
    '/renamed' => [whole('text', 'Content-Disposition: attachment; filename=a',
                         'Content-Disposition: inline; filename=rocketsetup.exe')],
    '/named-head' => [head('a/b', 'Content-Length: 400', 'Content-Disposition: '
                           . 'attachment; filename=rocketsetup.exe')],
    '/fine-head' => [head('a/b', 'Content-Length: ' . length $fine)],
    '/moved' => ["HTTP/1.1 302 Found\r\nLocation: http://listed.example/a\r\n"
                 . "Content-Length: 0\r\n\r\n"],
    '/two-parts' => ["HTTP/1.1 206 Partial Content\r\nContent-Type: "
                     . "multipart/byteranges; boundary=b\r\nContent-Length: "
                     . (length($two) + 9) . "\r\n\r\n$two\r\n--b--\r\n"],
    '/text' => [whole('text ' x 100)],
});


# --- the gateway ---------------------------------------------------------------

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new;
my $tls = Debar::Test::TlsOrigin->new(to => '127.0.0.1:80', servers => [
    { cert => $pki->leaf(['*.neutral.example']) }]);
my $list = write_list(test_dir() . '/list', hosts => ['listed.example'],
    vendor => "names: [Rocketmaker]\nsigners: [Rocketmaker Labs]\n"
              . "files: [rocketsetup*.exe]\n");

my $gw = Debar::Test::Gateway->new(list => $list, inspect => 1,
                                   upstream_ca => $pki->ca);
my $host = 'files.neutral.example';
my $http = "http://$host";

sub decisions { return grep { $_->{verdict} } $gw->audit_soon }

# A request as it is said; what comes of it, to the end of the connection.

sub begin {
    my ($path, %o) = @_;
    my $c = $gw->client;

    $c->{socket}->setsockopt(SOL_SOCKET, SO_RCVBUF, 16384) if $o{narrow};
    $c->send(join "\r\n", ($o{method} // 'GET') . " $http$path HTTP/"
             . ($o{version} // '1.1'), "Host: $host", 'Connection: close',
             @{ $o{fields} || [] }, '', '');

    return $c;
}

sub rest {
    my ($c) = @_;

    1 while $c->fill(15) && !$c->{closed};

    my ($head, $body) = split /\r\n\r\n/, $c->{in}, 2;

    if (($head // '') =~ /\ntransfer-encoding: *chunked/i) {
        my ($out, $at) = ('', 0);

        while (substr($body, $at, 10) =~ /^([0-9a-f]+)\r\n/ && hex $1) {
            $out .= substr $body, $at + length($1) + 2, hex $1;
            $at += length($1) + 4 + hex $1;
        }

        $body = $out;
    }

    return $body // '';
}

# Files without a name that workers hold: the spools of downloads.

sub spools {
    my $n = 0;

    for my $pid ($gw->workers) {
        $n += grep { (readlink($_) // '') =~ m{/tmp/download/|^/memfd:debar} }
              glob "/proc/$pid/fd/*";
    }

    return $n;
}

# The process that makes one reader a file.

sub supervisor {
    my $pid = $gw->inspector_pid;

    return (split ' ', file_text("/proc/$pid/task/$pid/children"))[0];
}

sub readers {
    my $pid = supervisor();

    return scalar split ' ', file_text("/proc/$pid/task/$pid/children") // '';
}


# --- many on one connection ------------------------------------------------------

{
    my $t = $gw->tunnel("$host:443");

    is($t->tls(sni => $host, ca => $gw->ca_file, alpn => ['h2']), 'up',
       'HTTP/2 to the gateway');

    my $h2 = Debar::Test::H2->new($t);
    my %id = map { ($_ => $h2->get($host, $_)) }
             qw(/fine-large /bad-large /fine-chunked /bad /fine /bad-chunked
                /text);

    for my $case (['/fine', $fine], ['/fine-large', $fine_large],
                  ['/fine-chunked', $fine_large], ['/text', 'text ' x 100])
    {
        my $r = $h2->answer($id{$case->[0]}, 20);

        ok(($r->{status} // 0) == 200 && $r->{body} eq $case->[1],
           "beside others that are refused: $case->[0] is whole")
            or diag(length $r->{body});
    }

    my $r = $h2->answer($id{'/bad'});

    is($r->{status}, 403, '/bad is refused');
    ok($r->{body} !~ /MZ/, '... without it');

    for my $path ('/bad-large', '/bad-chunked') {
        $r = $h2->answer($id{$path});
        ok(defined $r->{reset} && !$r->{end}, "$path: its stream is reset");
        cmp_ok(length $r->{body}, '<', length($bad_large) - 60_000,
               '... before its end');
    }

    $r = $h2->answer($h2->get($host, '/fine'));
    ok(($r->{status} // 0) == 200 && $r->{body} eq $fine,
       'the connection goes on');
    is(scalar(grep { $_->{verdict} eq 'block' } decisions()), 3,
       'each refusal has its line');
    $t->close;
}


# --- as clients ask -----------------------------------------------------------------

for my $case (['HEAD of a file with a listed name', 'HEAD', '/named-head', 403],
              ['HEAD of a redirect to a listed host', 'HEAD', '/moved', 403],
              ['HEAD of another file', 'HEAD', '/fine-head', 200],
              ['a listed name by the second of two fields', 'GET', '/renamed',
               403])
{
    my ($what, $method, $path, $status) = @$case;
    my $c = begin($path, method => $method);
    my $body = rest($c);

    like($c->{in}, qr{^HTTP/1\.1 $status }, "$what: $status");
    is($body, '', '... and no body') if $method eq 'HEAD';
    is(scalar(grep { $_->{verdict} eq 'block' } decisions()),
       $status == 403 ? 1 : 0, '... and so it is recorded');
}

for my $case (['/bad', 403], ['/bad-large', 200], ['/bad-chunked', 200],
              ['/two-parts', 403])
{
    my ($path, $status) = @$case;
    my $c = begin($path, fields => ['Range: bytes=0-99,200-']);
    my $body = rest($c);

    like($c->{in}, qr{^HTTP/1\.1 $status }, "two parts of $path: $status");
    cmp_ok(length $body, '<', length($bad_large) - 60_000, '... not all of it');
    ok($body !~ /MZ/, '... none of it') if $status == 403;
    decisions();
}

ok(rest(begin('/fine', fields => ['Range: bytes=0-9,20-29'])) eq $fine,
   'two parts of another file: all of it');

for my $path ('/bad-large', '/bad-chunked', '/bad-1.0') {
    my $c = begin($path, version => '1.0');
    my $body = rest($c);
    my ($length) = $c->{in} =~ /\ncontent-length: *(\d+)/i;

    cmp_ok(length $body, '<', length($bad_large) - 60_000,
           "$path for a client of HTTP/1.0: not all of it");
    ok($length || $c->{reset}, '... and it sees that');
    decisions();
}

for my $path ('/fine-large', '/fine-chunked', '/fine-1.0') {
    ok(rest(begin($path, version => '1.0')) eq $fine_large,
       "$path for a client of HTTP/1.0: whole");
}


# --- slow clients, and those that go away ------------------------------------------

{
    my @cases = (['/fine-large', 1], ['/fine-chunked', 1], ['/bad-large', 0],
                 ['/bad-chunked', 0]);

    $_->[2] = begin($_->[0], narrow => 1) for @cases;

    # 16 KB at a time and the next ones a while later: the gateway has its
    # verdicts long before it finds room for what they let go.

    eventually {
        sleep 0.04;
        !grep { $_->[2]->fill(0.01) || !$_->[2]{closed} } @cases;
    } 20;

    for my $case (@cases) {
        my ($path, $passes, $c) = @$case;
        my $body = rest($c);

        ok($passes ? $body eq $fine_large
                   : length $body < length($bad_large) - 60_000,
           "a client that is slow: $path is " . ($passes ? '' : 'not ')
           . 'whole') or diag(length $body);
    }

    my $lines = 0;

    ok(eventually(sub { ($lines += decisions()) >= 2 }, 5),
       'each refusal has its line');
}

{
    my @clients = map { begin('/stalls') } 1 .. 4;

    ok(eventually(sub { spools() >= 4 && readers() >= 4 }, 10),
       'downloads that stall are spooled and read');
    $_->close for @clients;
    ok(eventually(sub { spools() == 0 }, 10), '... their spools go with them');
    ok(eventually(sub { readers() == 0 }, 10), '... and so do their readers');
}

{
    my $t = $gw->tunnel("$host:443");

    $t->tls(sni => $host, ca => $gw->ca_file, alpn => ['h2']);

    my $h2 = Debar::Test::H2->new($t);
    my $id = $h2->get($host, '/stalls');
    my $other = $h2->get($host, '/fine');

    is($h2->answer($other)->{status}, 200, 'HTTP/2: beside one that stalls');
    ok(eventually(sub { spools() > 0 }, 10), '... which is spooled');
    $h2->reset($id);
    ok(eventually(sub { spools() == 0 && readers() == 0 }, 10),
       '... until its stream is reset');
    $t->close;
}


# --- without buffers, with a cache ---------------------------------------------------

sub each_file {
    my ($how) = @_;

    for my $path ('/fine', '/fine-large', '/fine-chunked', '/fine-1.0') {
        ok(rest(begin($path)) eq ($path eq '/fine' ? $fine : $fine_large),
           "$how: $path is whole");
    }

    for my $path ('/bad', '/bad-large', '/bad-chunked', '/bad-1.0') {
        my $c = begin($path);
        my $body = rest($c);

        cmp_ok(length $body, '<', length($bad_large) - 60_000,
               "$how: $path is not");
        like($c->{in}, qr{^HTTP/1\.1 403 }, '... a page') if $path eq '/bad';
        is((decisions())[0]{verdict}, 'block', '... but recorded');
    }
}

$gw->set('proxy_buffering', 'off');
$gw->reload;
each_file('proxy_buffering off');
$gw->set('proxy_buffering', 'on');

$gw->insert('http \{', '    proxy_cache_path ' . test_dir()
            . '/cache keys_zone=z:1m;');
$gw->insert('proxy_pass http://origin;', '            proxy_cache z;'
            . ' proxy_cache_valid 200 1h; proxy_cache_key $debar_authority'
            . '$request_uri; add_header X-Cache $upstream_cache_status;');
$gw->set('proxy_max_temp_file_size', '1024m');
is($gw->reload->{status}, 0, 'a gateway with a cache');

unlink $hits;
each_file("proxy_cache, turn $_") for 1 .. 3;
is(asked('fine'), 1, 'a file that passes is kept in the cache');
is(asked('fine-large'), 1, '... a large one, too');

{
    my $c = begin('/fine', fields => ['Range: bytes=0-9']);

    rest($c);
    ok($c->{in} =~ /\nx-cache: hit/i, 'it comes from there');

    for my $path ('/bad', '/bad-large') {
        for my $range ('bytes=0-99', 'bytes=0-99,200-', 'bytes=-100000') {
            my $body = rest(begin($path, fields => ["Range: $range"]));

            cmp_ok(length $body, '<', length($bad_large) - 60_000,
                   "$range of $path with a cache: not all of it");
            ok(index($body, substr $bad, 200, 60) < 0, '... none of it')
                if $path eq '/bad';
            decisions();
        }
    }
}

# What the cache kept is judged by the list of now.

write_list("$list-new", hosts => ['listed.example'], serial => 2,
           vendor => "names: [Rocketmaker]\nsigners: [Somebody Else Inc]\n");
is($gw->publish("$list-new")->{status}, 0, 'a newer list');
ok(eventually(sub { rest(begin('/fine')) ne $fine }, 10),
   'a file that was kept is refused by it');
is(asked('fine'), 1, '... nobody asked its origin');
write_list("$list-newer", hosts => ['listed.example'], serial => 3,
           vendor => "names: [Rocketmaker]\nsigners: [Rocketmaker Labs]\n");
is($gw->publish("$list-newer")->{status}, 0, 'the former one again');
ok(eventually(sub { rest(begin('/fine')) eq $fine }, 10), 'it passes again');
$gw->audit_soon;

$gw->set('proxy_cache', 'off');
$gw->set('proxy_max_temp_file_size', '0');
$gw->reload;


# --- reload and stop while a verdict is awaited --------------------------------------

for my $case (['/bad-slow', 0], ['/fine-slow', 1]) {
    my ($path, $passes) = @$case;
    my @before = $gw->workers;
    my $c = begin($path);

    1 while length $c->{in} < 1000 && $c->fill(5);
    kill HUP => $gw->pid;

    my $body = rest($c);

    ok($passes ? $body eq $fine_large
               : length $body < length($bad_large) - 60_000,
       "nginx -s reload while it comes: $path is " . ($passes ? '' : 'not ')
       . 'whole') or diag(length $body);
    ok(eventually(sub { !grep { running($_) } @before }, 10),
       '... and its worker goes');
}

for my $case (['/bad-large', 0], ['/fine-large', 1]) {
    my ($path, $passes) = @$case;
    my @before = $gw->workers;
    my $supervisor = supervisor();

    kill STOP => $supervisor;

    my $c = begin($path);

    1 while length $c->{in} < 300_000 && $c->fill(5);
    kill HUP => $gw->pid;
    ok(eventually(sub { my %now = map { ($_ => 1) } $gw->workers;
                        grep { !$now{$_} } @before or keys %now > @before }, 10),
       'a new worker');
    kill CONT => $supervisor;

    my $body = rest($c);

    ok($passes ? $body eq $fine_large
               : length $body < length($bad_large) - 60_000,
       "nginx -s reload while its verdict is awaited: $path is "
       . ($passes ? '' : 'not ') . 'whole') or diag(length $body);
    ok(eventually(sub { !grep { running($_) } @before }, 10),
       '... and its worker goes');
}

# nginx gives up what is left so long after it was told to end.

$gw->set('worker_shutdown_timeout', '1s');
$gw->reload;

for my $path ('/bad-large', '/fine-large', '/bad') {
    my $pid = $gw->pid;
    my $supervisor = supervisor();

    kill STOP => $supervisor;

    my $c = begin($path);

    1 while $path ne '/bad' && length $c->{in} < 300_000 && $c->fill(5);
    ok(eventually(sub { spools() > 0 }, 5), "$path: its verdict is awaited");
    kill QUIT => $pid;

    my $body = rest($c);

    cmp_ok(length $body, '<', length($bad_large) - 60_000,
           "nginx -s quit then: $path is not whole");
    ok($body !~ /MZ/, '... none of it') if $path eq '/bad';
    ok(eventually(sub { !running($pid) }, 10), '... and nginx ends');
    kill CONT => $supervisor;
    $gw->command('stop');
    is($gw->start->{status}, 0, '... and starts again');
}

ok(rest(begin('/fine-large')) eq $fine_large, 'all is well then');

$gw->audit_soon;
is($gw->complaints, '', 'nothing to complain of');

done_testing();

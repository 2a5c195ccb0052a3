#!/usr/bin/perl

# Downloads judged by what they are: whoever hosts a program of a listed vendor
# and whatever it is called, it does not reach a client whole.  Every other file
# comes as its origin sent it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Digest::SHA qw(sha256_hex);
use IO::Compress::Gzip qw(gzip);
use Test::More;
use Time::HiRes qw(sleep time);

use Debar::Test;
use Debar::Test::Curl;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Pki;
use Debar::Test::Script;
use Debar::Test::Signed;
use Debar::Test::TlsOrigin;

my $why = needs_programs();

plan skip_all => $why if $why;


# --- files -------------------------------------------------------------------

my $ours = signer_of('/O=Rocketmaker Labs/CN=Rocketmaker Labs');
my $theirs = signer_of('/O=Somebody Else Inc/CN=Somebody Else Inc');

my $program = program_of(version => { ProductName => 'A tool' });
my $bad = file_text(sign_file($program, $ours));
my $fine = file_text(sign_file($program, $theirs));
my $remover = file_text(sign_file(
                  program_of(version => { ProductName => 'Rocket Remover' }),
                  $ours));

# A large one: the signature is at its end, and so is what is appended here.

my $noise = join '', map { pack 'N', ($_ * 2654435761) & 0xffffffff }
                     1 .. 100_000;

sub zip_of {
    my ($name, $bytes, $out) = @_;
    my $at = test_dir() . '/zip';

    mkdir $at;
    write_file("$at/$name", $bytes);
    run_command(['sh', '-c', "cd $at && rm -f o.zip && zip -q o.zip '$name'"])
        ->{status} == 0 or die "zip\n";

    return file_text("$at/o.zip");
}


# --- an origin ---------------------------------------------------------------

sub head {
    my ($type, @more) = @_;

    return join "\r\n", 'HTTP/1.1 200 OK', ($type ? "Content-Type: $type" : ()),
                        @more, '', '';
}

sub whole {
    my ($body, $type, @more) = @_;

    return head($type // 'application/octet-stream',
                'Content-Length: ' . length $body, @more) . $body;
}

sub chunks {
    my ($text, $n) = @_;

    return map { sprintf "%x\r\n%s\r\n", length $_, $_ }
           unpack("(a$n)*", $text), '';
}

gzip(\$bad => \my $bad_gz);

my $large = $bad . $noise;

my %bad = (
    'a program that is called a report' =>
        ['/report.pdf', whole($bad, 'application/pdf')],
    'one without an extension or a type' => ['/x', whole($bad, '')],
    'one that says it is a page' => ['/x.html', whole($bad, 'text/html')],
    'one that says it is a picture' => ['/x.png', whole($bad, 'image/png')],
    'with bytes appended' => ['/appended.bin', whole("$bad\n" . 'x' x 1000)],
    'in gzip' => ['/gz', whole($bad_gz, undef, 'Content-Encoding: gzip')],
    'in chunks' => ['/chunked', head('application/x', 'Transfer-Encoding: '
                    . 'chunked'), chunks($bad, 5000)],
    'byte after byte' => ['/bytes', head('application/x', 'Transfer-Encoding: '
                    . 'chunked') . join '', chunks(substr($bad, 0, 600), 1),
                    ],
    'of HTTP/1.0, to the end of the connection' =>
        ['/1.0', "HTTP/1.0 200 OK\r\nContent-Type: x/y\r\n\r\n", $bad, ''],
    'with status 404' =>
        ['/404', whole($bad) =~ s/200 OK/404 Not Found/r],
    'after a pause' => ['/pause', head('a/b', 'Content-Length: ' . length $bad),
                        0.3, substr($bad, 0, 300), 0.3, substr $bad, 300],
    'with a listed name' =>
        ['/get', whole("\0\1\2\3" x 100, undef, 'Content-Disposition: '
                       . 'attachment; filename="rocketsetup.exe"')],
    'with an extended name' =>
        ['/get2', whole('text', undef, 'Content-Disposition: attachment; '
                        . "filename*=UTF-8''%72ocketsetup.exe")],
);

$bad{'byte after byte'} = ['/bytes', head('application/x', 'Transfer-Encoding: '
                           . 'chunked'), chunks(substr($bad, 0, 1000), 1)];
pop @{$bad{'byte after byte'}};
push @{$bad{'byte after byte'}}, chunks(substr($bad, 1000), 7000);

gzip(\$bad_gz => \my $bad_gz_gz);

$bad{'as messages that nobody asked for'} =
    ['/grpc', whole($bad, 'application/grpc')];
$bad{'as gzip, which it is not'} =
    ['/lies', whole($bad, undef, 'Content-Encoding: gzip')];
$bad{'as gzip, which it is not, in pieces'} =
    ['/lies-slowly', head('a/b', 'Content-Length: ' . length $bad,
                          'Content-Encoding: gzip'),
     substr($bad, 0, 1), 0.2, substr($bad, 1, 200), 0.2, substr $bad, 201];
$bad{'in gzip twice, by two lines'} =
    ['/twice', whole($bad_gz_gz, undef, 'Content-Encoding: gzip',
                     'Content-Encoding: gzip')];
$bad{'in gzip, said by the first of two lines'} =
    ['/first-line', whole($bad_gz, undef, 'Content-Encoding: gzip',
                          'Content-Encoding: identity')];
$bad{'shorter than announced'} =
    ['/short', head('a/b', 'Content-Length: ' . (100 + length $bad)), $bad, ''];
$bad{'without its last chunk'} =
    ['/no-end', head('a/b', 'Transfer-Encoding: chunked'),
     (map { $_ eq "0\r\n\r\n" ? () : $_ } chunks($bad, 9000)), ''];

gzip(\$large => \my $named_gz, Name => 'x' x 200_000);

my %late = (
    'a byte, and then nothing for a while, with its length' =>
        ['/byte', head('text/plain', 'Content-Length: ' . length $large),
         substr($large, 0, 1), 0.4, substr $large, 1],
    'a byte, and then nothing for a while' =>
        ['/byte-chunked', head('text/plain', 'Transfer-Encoding: chunked'),
         (chunks('M', 1))[0], 0.4, chunks(substr($large, 1), 20000)],
    'as events' => ['/as-events', whole($large, 'text/event-stream')],
    'as events, in small pieces' =>
        ['/as-events-small', head('text/event-stream',
                                  'Transfer-Encoding: chunked'),
         (map { (chunks(substr($large, $_, 1), 1))[0], 0.02 } 0 .. 9),
         chunks(substr($large, 10), 30000)],
    'behind a long name in gzip' =>
        ['/named-gz', whole($named_gz, undef, 'Content-Encoding: gzip')],
    'with its length' => ['/large', whole($large)],
    'in chunks' => ['/large-chunked', head('a/b', 'Transfer-Encoding: chunked'),
                    chunks($large, 30000)],
    'of HTTP/1.0' => ['/large-1.0',
                      "HTTP/1.0 200 OK\r\nContent-Type: x/y\r\n\r\n", $large,
                      ''],
    'in gzip' => ['/large-gz', do { gzip(\$large => \my $z); whole($z, undef,
                  'Content-Encoding: gzip') }],
);

gzip(\$fine => \my $fine_gz);

my %good = (
    'a program of somebody else' => ['/fine.exe', whole($fine)],
    'one in gzip' => ['/fine.gz', whole($fine_gz, undef,
                      'Content-Encoding: gzip', 'ETag: "x"')],
    'one in chunks' => ['/fine-chunked', head('a/b', 'Transfer-Encoding: '
                        . 'chunked'), chunks($fine, 4000)],
    'a large one' => ['/fine-large', whole($fine . $noise)],
    'a large one in chunks' => ['/fine-large-chunked', head('a/b',
                                'Transfer-Encoding: chunked'),
                                chunks($fine . $noise, 30000)],
    'to the end of the connection' =>
        ['/fine-1.0', "HTTP/1.0 200 OK\r\nContent-Type: x/y\r\n\r\n",
         $fine . $noise, ''],
    'bytes that nobody knows' => ['/noise', whole($noise)],
    'text' => ['/text', whole("Rocketmaker\n" x 1000, 'text/plain')],
    'a picture' => ['/picture', whole("\x89PNG\r\n\x1a\n" . $noise)],
    'nothing' => ['/empty', whole('')],
    'one byte' => ['/one', whole("\0")],
    'an archive' => ['/fine.zip', whole(zip_of('setup.exe', $fine))],
    'the remover, from where it is permitted' =>
        ['/remover.exe', whole($remover)],
);

my $png = "\x89PNG\r\n\x1a\n" . "\0\0\0\rIHDR" . "\0" x 600;
my $bad_zip = zip_of('setup.exe', $bad);

my %two = (
    'a picture that is saved' => ['/two.png', whole($png . $bad_zip,
         'image/png', 'Content-Disposition: attachment; filename=x.png')],
    'a picture by its bytes, an archive by its name' =>
        ['/two.zip', whole($png . $bad_zip, 'image/png')],
    'text by its bytes, a program by its label' =>
        ['/two', whole(('text ' x 200) . $bad_zip, 'application/octet-stream')],
    'text that is saved' => ['/two.txt', whole(('text ' x 200) . $bad_zip,
         'text/plain', 'Content-Disposition: attachment')],
);

my $fat = $fine . "\0" x 40_000_000;

my %answers = (
    '/fat' => [head('a/b', 'Transfer-Encoding: chunked'),
               sub { print {$_[0]} chunks($fat, 100_000) }],
    '/lines' => [head('text/plain', 'Transfer-Encoding: chunked'),
                 (chunks("line one\n" x 80, 1000))[0], 4,
                 chunks("line two\n", 100)],
    '/words' => [head('text/plain', 'Transfer-Encoding: chunked'),
                 map({ ((chunks("word $_\n", 100))[0], 0.5) } 1 .. 6),
                 "0\r\n\r\n"],
    '/events' => [head('text/event-stream', 'Transfer-Encoding: chunked'),
                  (chunks("data: one\n\n", 100))[0], 4,
                  chunks("data: two\n\n", 100)],
    '/messages' => [head('application/x-messages',
                         'Transfer-Encoding: chunked'),
                    chunks("\0\1\2\3message one", 100) =~ s/0\r\n\r\n//r],
    '/moved' => ["HTTP/1.1 302 Found\r\nLocation: http://listed.example/setup.exe"
                 . "\r\nContent-Length: 0\r\n\r\n"],
    '/moved-body' => ["HTTP/1.1 301 Moved\r\nLocation: //listed.example/a.exe"
                 . "\r\nContent-Length: 4\r\n\r\nhere"],
    '/refresh' => [whole('soon', 'text/html',
                         'Refresh: 0; url="http://listed.example/a.exe"')],
    '/moved-oddly' => ["HTTP/1.1 307 Moved\r\nLocation: https:\\\\Listed.example"
                 . "\\a.exe\r\nContent-Length: 0\r\n\r\n"],
    '/moved-twice' => ["HTTP/1.1 308 Moved\r\nLocation: /here\r\nLocation: "
                 . "http://listed.example/\r\nContent-Length: 0\r\n\r\n"],
    '/refresh-bare' => [whole('soon', 'text/html',
                         'Refresh: 0;http://listed.example/a.exe')],
    '/meta' => [whole("<!doctype html><title>Soon</title><meta content=\"1;\n"
                      . "URL='//listed.example/a.exe'\" http-equiv=Refresh>"
                      . 'x' x 2000, 'text/html; charset=utf-8')],
    '/meta-gz' => [do { gzip(\(my $page = '<p>x<noscript><meta http-equiv='
                      . 'refresh content="0;http://listed.example/">')
                      => \my $z); whole($z, 'text/html',
                      'Content-Encoding: gzip') }],
    '/meta-late' => [head('text/html', 'Transfer-Encoding: chunked'),
                     chunks('<html>' . '<p>some text' x 20_000 . '<meta http-'
                            . 'equiv=refresh content="0;//listed.example">'
                            . 'x' x 50_000, 8000)],
    '/meta-fine' => [whole('<html><meta http-equiv=refresh content="0; url='
                           . 'http://fine.example/"><a href='
                           . '"http://listed.example/">', 'text/html')],
    '/moved-fine' => ["HTTP/1.1 302 Found\r\nLocation: http://fine.example/"
                      . "\r\nContent-Length: 0\r\n\r\n"],
    '/part' => ["HTTP/1.1 206 Partial Content\r\nContent-Type: x/y\r\n"
                . 'Content-Range: bytes 0-99/' . length($bad)
                . "\r\nContent-Length: 100\r\n\r\n" . substr $bad, 0, 100],
    '/broken' => [head('a/b', 'Content-Length: 100000'), $fine, 0.2, ''],
    '/slow' => [head('a/b', 'Content-Length: ' . length $fine),
                substr($fine, 0, 3000), 5, substr $fine, 3000],
    '/other.exe' => [whole($bad)],
);

delete $answers{'/messages'};

$answers{'/messages'} = [head('application/x-messages',
                              'Transfer-Encoding: chunked'),
                         (chunks("\0\1\2\3message one", 100))[0], 4,
                         chunks("\0\1\2\3message two", 100)];

for my $set (\%bad, \%late, \%two, \%good) {
    for my $case (keys %$set) {
        my ($path, @pieces) = @{$set->{$case}};
        $answers{$path} = \@pieces;
    }
}


# --- the gateway ---------------------------------------------------------------

my $pki = Debar::Test::Pki->new;
my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Script->new(listen => '127.0.0.1:80',
                                      answers => \%answers);
my $tls = Debar::Test::TlsOrigin->new(to => '127.0.0.1:80', servers => [
    { cert => $pki->leaf(['*.neutral.example']) }]);

my $list = write_list(test_dir() . '/list', serial => 1,
    hosts => ['listed.example', 'tools.rocket.example'], vendor =>
    "names: [Rocketmaker]\nsigners: [Rocketmaker Labs]\nfiles: [rocketsetup*.exe]\n"
    . "permits:\n  - {url: tools.rocket.example/remover.exe, why: remover,"
    . " product: Rocket Remover}\n"
    . "  - {url: tools.rocket.example/other.exe, why: remover,"
    . " product: Rocket Remover}\n");

my $gw = Debar::Test::Gateway->new(list => $list, inspect => 1,
                                   upstream_ca => $pki->ca);
my $curl = Debar::Test::Curl->new(proxy => 'http://127.0.0.1:3128',
                                  ca => $gw->ca_file);
my $http = 'http://files.neutral.example';
my $https = 'https://files.neutral.example';

sub decisions { return grep { $_->{verdict} } $gw->audit_soon }

# Those that there are, perhaps none: what stands before the line of a request
# that is refused now.

my $asked = 0;

sub decisions_if_any {
    my $url = 'http://listed.example/now-' . ++$asked;
    my @lines;

    $gw->get($url);
    eventually {
        push @lines, grep { $_->{verdict} } $gw->audit;
        @lines && $lines[-1]{url} eq $url;
    };

    return $lines[-1]{url} eq $url ? @lines[0 .. $#lines - 1]
                                   : die "no line of $url\n";
}

sub raw {
    my ($path, @fields) = @_;
    my $c = $gw->client;

    $c->send(join "\r\n", "GET $http$path HTTP/1.1",
             'Host: files.neutral.example', @fields, '', '');
    1 while $c->fill(8) && !$c->{closed};

    return $c;
}

ok(running($gw->inspector_pid), 'the inspector runs beside the gateway');


# --- refused -------------------------------------------------------------------

$gw->audit;

for my $case (sort keys %bad) {
    my $r = $gw->get("$http$bad{$case}[0]");
    my @lines = decisions();
    my $line = $lines[0] // {};

    is($r->{status}, 403, "$case: refused");
    unlike($r->{body}, qr/^MZ/, '... without it');
    like($r->{body}, qr/\Q$line->{incident}\E/, '... with its incident');
    is(scalar @lines, 1, '... and one line');
    is("$line->{surface} $line->{verdict}", 'response block',
       '... that says where it was');

    next if $case =~ /name/;

    like($line->{evidence}[0]{where} // '', qr{^content/signer},
         '... and by what it was known');
    is($line->{content}{type}, 'pe', '... what it was');
    is($line->{content}{signer}, 'Rocketmaker Labs', '... who signed it');
    like($line->{content}{sha256} // '', qr/^[0-9a-f]{64}\z/,
         '... and its digest');
}

is((map { $_->{content}{sha256} } grep { $_->{verdict} }
    do { $gw->get("$http/gz"); $gw->audit_soon })[0], sha256_hex($bad),
   'the digest is of what it decodes to');

for my $how ('--http1.1', '--http2') {
    for my $case ('a program that is called a report', 'in gzip', 'in chunks') {
        my $r = $curl->fetch("$https$bad{$case}[0]", $how);

        is($r->{code}, 403, "$case, inspected, $how: refused");
        unlike($r->{body}, qr/MZ/, '... as a page');
        is(join(' ', map { "$_->{surface} $_->{verdict}" } decisions()),
           'response block', '... and one line');
    }
}

{
    my $c = $gw->client;

    $c->send("GET $http/report.pdf HTTP/1.1\r\nHost: files.neutral.example\r\n"
             . "Accept: application/json\r\n\r\n");
    like(Debar::Test::Client::field($c->response, 'Content-Type'),
         qr{^application/problem\+json}, 'in the dialect of who asks');

    $c->send("GET $http/fine.exe HTTP/1.1\r\nHost: files.neutral.example\r\n"
             . "\r\n");
    is($c->response->{body}, $fine, 'the connection goes on behind a refusal');
    $gw->audit_soon;
}


# --- never whole ---------------------------------------------------------------

for my $case (sort keys %late) {
    my $path = $late{$case}[0];
    my $c = raw($path);
    my @lines;

    eventually { push @lines, $gw->audit; grep { !$_->{verdict} } @lines } 5;

    my ($said) = grep { $_->{verdict} } @lines;
    my ($cut) = grep { !$_->{verdict} } @lines;

    like($c->{in}, qr{^HTTP/1\.1 200}, "a large one $case: began");
    my ($body) = $c->{in} =~ /\r\n\r\n(.*)/s;
    cmp_ok(length $body, '<', ($case =~ /gzip/ ? length $late{$case}[1]
                                               : length $large) - 60000,
           '... and did not end');
    unlike($c->{in}, qr/\r\n0\r\n\r\n\z/, '... nor seemed to');
    is($said->{verdict}, 'block', '... it is recorded');
    ok($cut && $cut->{incident} eq $said->{incident} && $cut->{bytes} > 0,
       '... with how much went out');
}

{
    my $r = $curl->fetch("$https/large", '--http2');

    isnt($r->{exit}, 0, 'HTTP/2: the stream is broken off');
    cmp_ok(length $r->{body}, '<', length($large) - 60000, '... before its end');
    $gw->audit_soon;
}


# --- two things at once ----------------------------------------------------------

for my $case (sort keys %two) {
    my $r = $gw->get("$http$two{$case}[0]");
    my ($line) = decisions();

    is($r->{status}, 403, "$case: refused");
    like($line->{evidence}[0]{where} // '', qr{^content:.*/signer},
         '... by what is in it');
}


# --- parts -----------------------------------------------------------------------

{
    my $r = $gw->client;

    $r->send("GET $http/large HTTP/1.1\r\nHost: files.neutral.example\r\n"
             . "Range: bytes=100-199\r\nConnection: close\r\n\r\n");
    1 while $r->fill(8) && !$r->{closed};
    like($r->{in}, qr{^HTTP/1\.1 200}, 'a part is not asked for');
    $gw->audit_soon;

    my $part = $gw->get("$http/part");

    is($part->{status}, 403, 'a part that comes all the same is refused');
    like((decisions())[0]{fault} // '', qr/a part of a file/, '... and why');
}


# --- where it leads ----------------------------------------------------------------

for my $path ('/moved', '/moved-body', '/moved-oddly', '/moved-twice',
              '/refresh', '/refresh-bare', '/meta', '/meta-gz')
{
    my $r = $gw->get("$http$path");
    my ($line) = decisions();

    is($r->{status}, 403, "$path: refused");
    like($line->{evidence}[0]{where} // '', qr{^response:(?:location|refresh|meta-refresh)/},
         '... by where it leads');
}

{
    my $c = raw('/meta-late');

    unlike($c->{in}, qr/\r\n0\r\n\r\n\z/, 'far behind its head: cut off');
    unlike($c->{in}, qr/listed/, '... before it leads there');
    is((decisions())[0]{verdict}, 'block', '... and recorded');
}

is($gw->get("$http/meta-fine")->{status}, 200, 'other refreshes go on');
is(scalar(() = decisions_if_any()), 0, '... without a line');

is($gw->get("$http/moved-fine")->{status}, 302, 'other redirects go on');
is(scalar(() = decisions_if_any()), 0, '... without a line');


# --- as they came --------------------------------------------------------------------

for my $case (sort keys %good) {
    my ($path) = @{$good{$case}};
    my $host = $case =~ /remover/ ? 'http://tools.rocket.example' : $http;
    my $direct = Debar::Test::Client->new('127.0.0.1', 80);

    $direct->send("GET $path HTTP/1.1\r\nHost: x\r\n\r\n");

    my $d = $direct->response;
    my $r = $gw->get("$host$path");

    is($r->{status}, 200, "$case: passes");
    ok($r->{body} eq $d->{body}, '... byte by byte')
        or diag(length($r->{body}) . ' of ' . length $d->{body});
    is(Debar::Test::Client::field($r, $_), Debar::Test::Client::field($d, $_),
       "... with its $_")
        for qw(Content-Length Content-Type Content-Encoding ETag);

    my @refused = grep { $_->{verdict} eq 'block' } decisions_if_any();

    is(scalar @refused, 0, '... and nothing is refused');
}

is($gw->get('http://tools.rocket.example/other.exe')->{status}, 403,
   'a permit for one product is none for another');
$gw->audit_soon;

for my $how ('--http1.1', '--http2') {
    for my $path ('/fine.exe', '/fine-large', '/fine-large-chunked', '/noise') {
        my $r = $curl->fetch("$https$path", $how);
        my $d = Debar::Test::Client->new('127.0.0.1', 80);

        $d->send("GET $path HTTP/1.1\r\nHost: x\r\n\r\n");
        ok($r->{exit} == 0 && $r->{body} eq $d->response->{body},
           "$path, inspected, $how: byte by byte");
    }
}


# --- when --------------------------------------------------------------------------

{
    my $c = $gw->client;
    my $from = time;

    $c->send("GET $http/events HTTP/1.1\r\nHost: files.neutral.example\r\n\r\n");
    1 while $c->{in} !~ /data: one/ && $c->fill(5);
    cmp_ok(time - $from, '<', 1.5, 'an event comes when it came');

    $c = $gw->client;
    $from = time;
    $c->send("GET $http/messages HTTP/1.1\r\nHost: files.neutral.example\r\n"
             . "\r\n");
    1 while $c->{in} !~ /message one/ && $c->fill(5);
    cmp_ok(time - $from, '<', 3.5, 'a message does not wait for the next');
}

{
    my $c = $gw->client;
    my $from = time;

    $c->send("GET $http/lines HTTP/1.1\r\nHost: files.neutral.example\r\n\r\n");
    1 while $c->{in} !~ /line one/ && $c->fill(5);
    cmp_ok(time - $from, '<', 2, 'text does not wait for more of it');

    $c = $gw->client;
    $from = time;
    $c->send("GET $http/words HTTP/1.1\r\nHost: files.neutral.example\r\n\r\n");

    for (1 .. 5) {
        1 while $c->{in} !~ /word $_/ && $c->fill(5);
        cmp_ok(time - $from, '<', 0.5 * $_ + 0.4, "word $_ comes as it is said");
    }

    is($c->response->{body}, join('', map { "word $_\n" } 1 .. 6),
       '... and all of them');
}

# A client that does not read: what its origin sends is not kept in memory.

{
    my $rss = sub {
        my $kb = 0;

        for my $worker ($gw->workers) {
            $kb += $1 if (file_text("/proc/$worker/status") // '')
                         =~ /VmRSS:\s+(\d+)/;
        }

        return $kb;
    };
    my $before = $rss->();
    my $c = $gw->client;

    $c->send("GET $http/fat HTTP/1.1\r\nHost: files.neutral.example\r\n\r\n");
    sleep 3;
    cmp_ok($rss->() - $before, '<', 16_000,
           'a client that does not read costs no memory');
    1 while $c->{in} !~ /\r\n0\r\n\r\n\z/ && $c->fill(10);

    my ($got, $at) = ('', 4 + index $c->{in}, "\r\n\r\n");

    while (substr($c->{in}, $at, 10) =~ /^([0-9a-f]+)\r\n/ && hex $1) {
        $got .= substr $c->{in}, $at + length($1) + 2, hex $1;
        $at += length($1) + 4 + hex $1;
    }

    ok($got eq $fat, '... and gets it all in the end') or diag(length $got);
    $gw->audit_soon;
}

{
    my $r = $gw->get("$http/broken");

    ok(!$r->{status} || length $r->{body} < 100000,
       'what its origin broke off is not whole');
    $gw->audit_soon;
}

{
    my $sockets = $gw->sockets;

    for (1 .. 5) {
        my $c = $gw->client;

        $c->send("GET $http/slow HTTP/1.1\r\nHost: files.neutral.example\r\n"
                 . "\r\n");
        sleep 0.2;
        $c->close;
    }

    ok(eventually(sub { $gw->sockets <= $sockets }, 15),
       'clients that go away leave nothing');
}


# --- without an inspector --------------------------------------------------------------

{
    my $pid = $gw->inspector_pid;
    my ($supervisor) = split ' ', file_text("/proc/$pid/task/$pid/children");

    $gw->set('debar_inspect_timeout', '1s');
    $gw->reload;
    $gw->audit_soon;

    kill STOP => $supervisor;
    is($gw->get("$http/fine.exe")->{status}, 403,
       'a program that is not read in time does not pass');
    like(((decisions())[-1] // {})->{fault} // '', qr/took too long/,
         '... and why');
    kill CONT => $supervisor;
    is($gw->get("$http/fine.exe")->{status}, 200, 'the next one is');

    kill TERM => $pid;
    ok(eventually(sub { !running($pid) }, 5), 'no inspector');
    is($gw->get("$http/fine.exe")->{status}, 403,
       'without an inspector no program passes');
    like(((decisions())[-1] // {})->{fault} // '', qr/inspector does not/,
         '... and why');
    is($gw->get("$http/text")->{status}, 200, '... but text does');

    $gw->reload;
    is($gw->get("$http/fine.exe")->{status}, 200,
       'a reload starts it again');
    $gw->audit_soon;
}

$gw->set('debar_download_limits', 'spools=1k');
$gw->reload;
is($gw->get("$http/fine.exe")->{status}, 403,
   'what there is no room for is not read, and does not pass');
like((decisions())[-1]{fault} // '', qr/no room/, '... and why');
$gw->set('debar_download_limits', 'spools=1g');

$gw->set('debar_on_inspect_failure', 'log');
$gw->set('debar_inspector', 'unix:/nowhere');
$gw->reload;
is($gw->get("$http/fine.exe")->{status}, 200,
   'debar_on_inspect_failure log lets it go');
is((decisions())[0]{verdict}, 'log', '... with a line');

is($gw->complaints, '', 'nothing to complain of');

done_testing();

#!/usr/bin/perl

# Downloads that were thought of before anybody looked at how they are judged:
# what a file is called, where an answer leads, how it comes over the wire, which
# package a request asks for, what a permit covers; through a gateway on the
# shipped list.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Encode qw(encode);
use IO::Compress::Deflate qw(deflate);
use IO::Compress::Gzip qw(gzip);
use IO::Compress::RawDeflate qw(rawdeflate);
use MIME::Base64;
use MIME::QuotedPrint;
use Test::More;

use Debar::Test;
use Debar::Test::Held;
use Debar::Test::Signed;

my $missing = needs_programs();

plan skip_all => $missing if $missing;
plan skip_all => 'zstd is not installed' if !has_tool('zstd');

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my @cases;

sub of { push @cases, [@_]; return }
sub utf { return encode 'UTF-8', $_[0] }
sub gz { my ($in) = @_; gzip(\$in => \my $out); return $out }

my $lab = signer_of('/O=AO Kaspersky Lab/CN=AO Kaspersky Lab');
my $firm = signer_of('/O=Quiet Harbour Ltd/CN=Quiet Harbour Ltd');
my $plain = program_of(version => { ProductName => 'Harbour' });
my $bad = file_text(sign_file($plain, $lab));
my $fine = file_text(sign_file($plain, $firm));
my $noise = join '', map { pack 'N', ($_ * 2654435761) & 0xffffffff }
                     1 .. 60_000;
my $data = "\0\1\2\3" x 100;
my $name = 'kis21.3.10.391en_26096.exe';
my $encoded = join '', map { sprintf '%%%02X', ord } split //, $name;


# --- names in headers --------------------------------------------------------------

my $wide = join '', map { /[!-~]/ ? chr(ord($_) + 0xfee0) : $_ } split //, $name;
my %named = (
    'quoted' => qq(attachment; filename="$name"),
    'bare' => "attachment; filename=$name",
    'bare, inline' => "inline; filename=$name",
    'without a disposition' => qq(filename="$name"),
    'in capitals' => 'ATTACHMENT; FILENAME="' . uc($name) . '"',
    'with blanks around it' => qq(attachment ; filename = "$name"),
    'with escapes' => 'attachment; filename="'
                      . join('', map { "\\$_" } split //, $name) . '"',
    'in single quotes' => "attachment; filename='$name'",
    'percent' => qq(attachment; filename="$encoded"),
    'extended' => "attachment; filename*=UTF-8''$encoded",
    'extended in Latin' => "attachment; filename*=iso-8859-1'en'$encoded",
    'extended, quoted' => qq(attachment; filename*="UTF-8''$encoded"),
    'in pieces' => 'attachment; filename*0="kis21.3.10."; '
                   . 'filename*1="391en_26096.exe"',
    'in pieces, the last first' => 'attachment; filename*1="391en_26096.exe"; '
                                   . 'filename*0="kis21.3.10."',
    'in pieces with percent' => "attachment; filename*0*=UTF-8''kis21%2E3; "
                                . 'filename*1=".10.391en_26096.exe"',
    'as words of mail' => 'attachment; filename="=?UTF-8?B?'
                          . encode_base64($name, '') . '?="',
    'as words of mail, Q' => 'attachment; filename="=?utf-8?Q?kis21=2E3.10.'
                             . '391en=5F26096.exe?="',
    'in wide letters' => utf(qq(attachment; filename="$wide")),
    'in wide letters, extended' => "attachment; filename*=UTF-8''"
        . join('', map { sprintf '%%%02X', ord } split //, utf $wide),
    'behind a folder' => qq(attachment; filename="C:\\\\x\\\\$name"),
    'behind a path' => qq(attachment; filename="../../$name"),
    'with a dot behind' => qq(attachment; filename="$name."),
    'with a blank behind' => qq(attachment; filename="$name "),
    'as the second of two' => qq(attachment; filename="a.pdf"; filename="$name"),
    'as the first of two' => qq(attachment; filename="$name"; filename="a.pdf"),
    'beside an extended one' =>
        qq(attachment; filename="$name"; filename*=UTF-8''a.pdf),
    'extended, beside another' =>
        qq(attachment; filename="a.pdf"; filename*=UTF-8''$encoded),
    'with a quote that does not end' => qq(attachment; filename="$name),
);

of "a name, $_", block => whole($data, "Content-Disposition: $named{$_}")
    for sort keys %named;
of 'a name in the second of two fields', block => whole($data,
   'Content-Disposition: attachment', "Content-Disposition: attachment; "
   . "filename=$name");
of 'a name in the type', block => whole($data,
   qq(Content-Type: application/octet-stream; name="$name"));
of 'a name asked for by HEAD', block => head("Content-Disposition: attachment; "
   . "filename=$name", 'Content-Length: 400'), method => 'HEAD';
of 'a name of a text that is about it', let => whole("text\n" x 20,
   'Content-Type: text/plain', 'Content-Disposition: attachment; filename="'
   . "how to remove $name.txt\"");
of 'another name', pass => whole($data,
   'Content-Disposition: attachment; filename="kiss.exe"');
of 'another name, extended', pass => whole($data, 'Content-Disposition: '
   . "attachment; filename*=UTF-8''%e2%82%ac%20rates.exe");

my $at = 'http://files.neutral.example/*';

of 'a name in the path', block => whole($data), url => "$at/$name";
of 'a name in the path, in capitals', block => whole($data),
   url => "$at/" . uc $name;
of 'a name in the query', block => whole($data),
   url => "$at/get?id=3&file=$name";
of 'a name in what a store is to answer', block => whole($data),
   url => "$at/0a1b2c?X-Sig=1&response-content-disposition=attachment%3B%20"
          . "filename%3D%22$name%22";
of 'a name behind a semicolon', block => whole($data), url => "$at/$name;v=1";
of 'a name in the middle of a path, as stores have it', block => whole($data),
   url => "$at/$name/download";


# --- where it leads -------------------------------------------------------------------

my $to = 'products.s.kaspersky-labs.com/homeuser/kis21/setup.exe';

sub moved {
    my ($status, $where, @more) = @_;

    return "HTTP/1.1 $status Moved\r\nLocation: $where\r\n"
           . join('', map { "$_\r\n" } @more) . "Content-Length: 0\r\n\r\n";
}

of "a redirect, $_", block => moved($_, "https://$to") for 301, 302, 303, 307, 308;

my %led = (
    'without a scheme' => "//$to",
    'in capitals' => uc("https://$to"),
    'with a user' => "https://files.neutral.example\@$to",
    'with a port' => 'https://products.s.kaspersky-labs.com:443/x.exe',
    'with backslashes' => "http:\\\\$to" =~ s{/}{\\}gr,
    'with one slash' => "https:/$to",
    'with three slashes' => "https:///$to",
    'with a dot behind' => 'https://products.s.kaspersky-labs.com./x.exe',
    'in wide letters' => utf('https://products.s.ｋaspersky-labs.com/x.exe'),
    'with percent in the host' => 'https://products.s.k%61spersky-labs.com/x',
    'with a tab in it' => "https://products.s.kaspersky\t-labs.com/x.exe",
);

of "a redirect $_", block => moved(302, $led{$_}) for sort keys %led;
of 'the second of two', block => "HTTP/1.1 302 Found\r\nLocation: /x\r\n"
   . "Location: https://$to\r\nContent-Length: 0\r\n\r\n";
of 'a redirect to a name at the same place', let => moved(302,
   "/mirror/$name");
of 'a refresh', block => whole('soon', 'Content-Type: text/html',
                               "Refresh: 3; url=https://$to");
of 'a refresh in quotes and capitals', block => whole('soon',
   'Content-Type: text/html', "Refresh: 0;URL='https://$to'");
of 'a refresh with a comma', block => whole('soon', 'Content-Type: text/html',
                                            "Refresh: 5, https://$to");

my $meta = qq(<html><head><meta http-equiv="refresh" content="0;url=https://$to">)
         . '</head><body>Your download starts soon</body></html>';

of 'a page that leads on', block => whole($meta, 'Content-Type: text/html');
of 'one in gzip', block => whole(gz($meta), 'Content-Type: text/html',
                                 'Content-Encoding: gzip');
of 'one with entities', block => whole(
   q(<META CONTENT='1; URL=https&#58;//products.s.k&#x61;spersky-labs.com/x.exe')
   . q( HTTP-EQUIV=Refresh>), 'Content-Type: text/html');
of 'one in UTF-16', block => whole(encode('UTF-16', $meta),
                                   'Content-Type: text/html');
of 'a redirect elsewhere', pass => moved(302, 'https://cdn.neutral.example/x');
of 'a redirect to a search for it', let =>
   moved(302, 'https://cdn.neutral.example/search?q=kaspersky');
of 'a page that leads elsewhere', pass => whole($meta =~ s/kaspersky-labs/sky/r,
                                                'Content-Type: text/html');
of 'a page that links to it', let => whole(
   qq(<html><body><a href="https://www.kaspersky.com/">Kaspersky</a></body></html>),
   'Content-Type: text/html');


# --- over the wire -----------------------------------------------------------------------

deflate(\$bad => \my $zlib);
rawdeflate(\$bad => \my $raw);

sub zstd {
    return packed_by_tool('zst', [qw(zstd -q -o OUT x)], x => $_[0]);
}

my %coded = (
    'gzip' => [gz($bad), 'gzip'], 'x-gzip' => [gz($bad), 'x-gzip'],
    'GZip' => [gz($bad), ' GZip '], 'deflate' => [$zlib, 'deflate'],
    'deflate, raw' => [$raw, 'deflate'], 'zstd' => [zstd($bad), 'zstd'],
    'gzip in zstd' => [zstd(gz($bad)), 'gzip, zstd'],
    'identity' => [$bad, 'identity'],
    'a coding that nobody knows' => [$bad, 'x-none'],
    'gzip in two members' => [gz(substr $bad, 0, 700) . gz(substr $bad, 700),
                              'gzip'],
    'gzip with something behind' => [gz($bad) . 'garbage', 'gzip'],
    'gzip that is called nothing' => [gz($bad), undef],
    'br that is gzip' => [gz($bad), 'br'],
    'gzip three times' => [gz(gz(gz($bad))), 'gzip, gzip, gzip'],
);

of "a program in $_", block => whole($coded{$_}[0], 'Content-Type: text/plain',
   defined $coded{$_}[1] ? "Content-Encoding: $coded{$_}[1]" : ())
    for sort keys %coded;

my @types = ('image/jpeg', 'text/html; charset=utf-8', 'video/mp4',
             'text/event-stream', 'application/json', 'font/woff2',
             'text/css', 'multipart/x-mixed-replace; boundary=x', 'x',
             'application/grpc', 'audio/mpeg');

of "a program that says it is $_", block => whole($bad, "Content-Type: $_")
    for @types;
of 'a program in chunks with trailers', block =>
   [head('Content-Type: a/b', 'Trailer: X-Sum', 'Transfer-Encoding: chunked')
    . chunks($bad, 999, 'X-Sum: 1')];
of 'a program in chunks with extensions', block =>
   [head('Content-Type: a/b', 'Transfer-Encoding: chunked')
    . chunks($bad, 4096) =~ s/^1000\r/1000;a=b\r/mr];
of 'a program to the end of the connection', block =>
   ["HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n$bad", ''];
of 'a program to the end, large', block =>
   ["HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$bad$noise", ''];
of "a program with status $_", block => whole($bad) =~ s/200 OK/$_ X/r
    for 203, 206, 400, 410, 500;
of 'a program with status 200 to who asked for a part', block => whole($bad),
   fields => ['Range: bytes=0-99'];
of 'a part of a program', block => "HTTP/1.1 206 Partial Content\r\nContent-Type: "
   . 'application/octet-stream' . "\r\nContent-Range: bytes 0-4999/"
   . length($bad) . "\r\nContent-Length: 5000\r\n\r\n" . substr($bad, 0, 5000),
   fields => ['Range: bytes=0-4999'];
of 'parts of a program', block => do {
    my $body = join '', map { "--b\r\nContent-Type: a/b\r\nContent-Range: bytes "
        . "$_->[0]-$_->[1]/" . length($bad) . "\r\n\r\n"
        . substr($bad, $_->[0], $_->[1] - $_->[0] + 1) . "\r\n" }
        [0, 4999], [5000, length($bad) - 1];

    whole("$body--b--\r\n", 'Content-Type: multipart/byteranges; boundary=b')
        =~ s/200 OK/206 Partial Content/r;
}, fields => ['Range: bytes=0-4999,5000-'];
# which no client takes apart

of 'a program in the pieces of a form', let => whole("--b\r\n"
   . "Content-Disposition: form-data; name=f; filename=x.exe\r\n\r\n$bad\r\n"
   . "--b--\r\n", 'Content-Type: multipart/form-data; boundary=b');
of 'a program in base64', block => whole(encode_base64($bad),
   'Content-Type: application/octet-stream');
of 'the answer to a POST', block => whole($bad), method => 'POST',
   fields => ['Content-Length: 0'];

of 'somebody else\'s program', pass => whole($fine);
of "somebody else's in $_->[0]", pass => whole($_->[1],
   "Content-Encoding: $_->[0]")
    for ['gzip', gz($fine)], ['zstd', zstd($fine)],
        ['gzip, gzip', gz(gz($fine))];
of "somebody else's in chunks with trailers", pass =>
   [head('Content-Type: a/b', 'Trailer: X-Sum', 'Transfer-Encoding: chunked')
    . chunks($fine, 999, 'X-Sum: 1')];
of "somebody else's, large, to the end", pass =>
   ["HTTP/1.0 200 OK\r\nContent-Type: a/b\r\n\r\n$fine$noise", ''];
of 'a part of a film that was not asked for', block => "HTTP/1.1 206 Partial Content\r\nContent-Type: "
   . "video/mp4\r\nContent-Range: bytes 0-31/64\r\nContent-Length: 32\r\n\r\n"
   . "\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", fields => ['Range: bytes=0-31'],
   url => "$at/a.mp4";
of 'a later part of it', block => "HTTP/1.1 206 Partial Content\r\n"
   . "Content-Type: video/mp4\r\nContent-Range: bytes 1000-240999/900000\r\n"
   . "Content-Length: 240000\r\n\r\n$noise", fields => ['Range: bytes=1000-240999'],
   url => "$at/b.mp4";
of 'a head of a program', pass => head('Content-Type: application/octet-stream',
   'Content-Length: 5000'), method => 'HEAD', url => "$at/tool.exe";
of 'no content', pass => "HTTP/1.1 204 No Content\r\n\r\n";
of 'not modified', pass => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
   fields => ['If-None-Match: "x"'];
of 'a page', pass => whole('<html>' . 'word ' x 9999, 'Content-Type: text/html');
of 'nothing, in gzip', pass => whole('', 'Content-Encoding: gzip');


# --- packages by request --------------------------------------------------------------------

my $ok = whole($noise);

of "a request for a package: $_->[0]", $_->[2] // 'block', $ok, url => $_->[1] for
   ['Chocolatey', 'http://community.chocolatey.org/api/v2/package/kvrt/20.0'],
   ['a mirror of NuGet', 'http://nuget.neutral.example/api/v2/package/kvrt/20.0'],
   ['Docker', 'http://registry-1.docker.io/v2/kaspersky/kesl/manifests/latest'],
   ['another registry', 'http://reg.neutral.example/v2/kaspersky/kesl/blobs/'
                        . 'sha256:' . 'a' x 64],
   ['Chrome', 'http://clients2.google.com/service/update2/crx?response=redirect'
              . '&x=id%3Dahkjpbeeocnddjkakilopmfdlnjdpcdm%26uc'],
   ['Play', 'http://android.clients.google.com/fdfe/delivery?doc=com.kms.free'],
   ['winget', 'http://cdn.winget.microsoft.com/cache/manifests/k/Kaspersky/'
              . 'KasperskyTotalSecurity/21.3/x.yaml', 'noted'],
   ['apt', 'http://deb.neutral.example/pool/main/k/kesl/'
           . 'kesl_11.2.0-4528_amd64.deb'],
   ['yum', 'http://rpm.neutral.example/x86_64/klnagent64-11.0.0-38.x86_64.rpm'],
   ['npm', 'http://npm.neutral.example/@kaspersky/hexa-ui/-/hexa-ui-1.0.0.tgz',
    'noted'],
   ['Maven', 'http://maven.neutral.example/maven2/com/kaspersky/android-components/'
             . 'kaspresso/1.5.3/kaspresso-1.5.3.aar', 'noted'],
   ['Docker of somebody else', 'http://registry-1.docker.io/v2/library/nginx/'
                               . 'manifests/latest', 'pass'],
   ['apt of somebody else', 'http://deb.neutral.example/pool/main/k/kexec/'
                            . 'kexec-tools_2_amd64.deb', 'pass'],
   ['npm of somebody else', 'http://npm.neutral.example/left-pad/-/'
                            . 'left-pad-1.3.0.tgz', 'pass'],
   ['Python of somebody else', 'http://pypi.neutral.example/packages/a/b/'
                               . 'kasper-1.0.tar.gz', 'pass'];


# --- what is permitted -------------------------------------------------------------------------

my $media = 'http://media.kaspersky.com/utilities/ConsumerUtilities';

of 'the remover where it is permitted', let => whole($bad),
   url => "$media/kavremvr.exe";
of 'the remover elsewhere', block => whole($bad), url => "$at/kavremvr.exe";
of 'another file beside it', block => whole($bad), url => "$media/kvrt.exe";
of 'a file below it', block => whole($bad), url => "$media/kavremvr.exe/x.exe";
of 'a file by the way of it', block => whole($bad),
   url => "$media/kavremvr.exe/../kvrt.exe";
of 'its name on another host of the vendor', block => whole($bad),
   url => 'http://products.s.kaspersky-labs.com/utilities/ConsumerUtilities/'
          . 'kavremvr.exe';

judge_cases(cases => \@cases);

done_testing();

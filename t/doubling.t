#!/usr/bin/perl

# No quadratic time: twice as much of what costs most takes about twice as long.
# Counted is the CPU that `debar check` takes, less what it takes to begin, the
# least of several runs; a sum of squares would be four times as much.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Zlib ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;

use Debar::Test;

my $MOST = 2.6;               # times as long
my $FLOOR = 0.04;             # seconds that are noise
my $LONG = ($ENV{DEBAR_SLOW} || 1) * 4;     # seconds that 4 MiB may take at most
my $TRIES = 8;
my $KIB = 1024;
my $HALF = 2048;             # KiB; twice that is less than what is held at once

my $source = write_list(test_dir() . '/list', serial => 1,
                        vendor => "names: [Rocketmaker]\n");

write_file("$source/list.yaml",
           file_text("$source/list.yaml") =~ s/channels: none\n//r);

my $list = build_list($source, test_dir() . '/list.mdb');

# name, type, what makes about so many KiB

my $json = 'application/json';
my $xml = 'text/xml';
my $form = 'application/x-www-form-urlencoded';
my $prose = 'of things that are here and there and Rocketmakers of old ';

sub fill { my ($kib, $piece) = @_; return $piece x ($kib * $KIB / length $piece) }

my @kinds = (
    ['prose', 'text/plain', sub { fill($_[0], $prose) }],
    ['one word', 'text/plain', sub { 'a' x ($_[0] * $KIB) }],
    ['one letter each', 'text/plain', sub { fill($_[0], 'a ') }],
    ['listed names', 'text/plain', sub { fill($_[0], 'Rocketmaker ') }],
    ['beginnings of a listed name', 'text/plain', sub { fill($_[0], 'Rocketmake') }],
    ['marks that combine', 'text/plain', sub { fill($_[0], "a\xcc\x81\xcc\x96") }],
    ['one letter with all of the marks', 'text/plain',
     sub { 'a' . fill($_[0], "\xcc\x81\xcc\x96") }],
    ['bytes beyond ASCII', 'text/plain', sub { fill($_[0], "\xff\xfe\x80 ") }],
    ['URLs', 'text/plain', sub { fill($_[0], 'http://a.example/b?c=d ') }],
    ['http://', 'text/plain', sub { fill($_[0], 'http://') }],
    ['%25', $form, sub { 'a=' . fill($_[0], '%25') }],
    ['%2525...', $form, sub { 'a=%' . fill($_[0], '25') }],
    ['%2525... as text', 'text/plain', sub { '%' . fill($_[0], '25') }],
    ['&amp;amp;...', 'text/plain', sub { '&' . fill($_[0], 'amp;') }],
    ['backslashes', $json, sub { '{"a":"' . fill($_[0], '\\\\') . '"}' }],
    ['"&"', 'text/html', sub { fill($_[0], '&') }],
    ['pairs', $form, sub {
        join '&', map { "item[$_][sku]=a$_" } 1 .. $_[0] * $KIB / 18 }],
    ['pairs of one name', $form, sub { fill($_[0], 'sku=a&') }],
    ['"=&"', $form, sub { fill($_[0], '=&') }],
    ['pairs of base64', $form, sub {
        fill($_[0], 'a=eyJza3UiOiJBLTEifQ%3D%3D&') }],
    ['keys', $json, sub {
        '{' . join(',', map { qq("k$_":$_) } 1 .. $_[0] * $KIB / 14) . '}' }],
    ['a key again and again', $json, sub {
        '{' . fill($_[0], '"op":"x",') . '"a":1}' }],
    ['objects with a line each', $json, sub {
        '[' . fill($_[0], '{"sku":"A-1","qty":1},') . '1]' }],
    ['"["', $json, sub { fill($_[0], '[') }],
    ['objects in each other', $json, sub { fill($_[0], '{"a":') }],
    ['JSON of JSON of JSON', $json, sub {
        my $text = '"' . fill($_[0] / 8, 'sku ') . '"';

        $text = '"' . $text =~ s/([\\"])/\\$1/gr . '"' for 1 .. 4;
        return $text;
    }],
    ['elements', $xml, sub { '<a>' . fill($_[0], '<b c="d">e</b>') . '</a>' }],
    ['elements in each other', $xml, sub { fill($_[0], '<a>') }],
    ['attributes', $xml, sub {
        '<a ' . join(' ', map { qq(a$_="x") } 1 .. $_[0] * $KIB / 10) . '/>' }],
    ['fields of one line of cXML', $xml, sub {
        '<cXML><Request><OrderRequest><ItemOut quantity="1"><ItemDetail>'
        . fill($_[0], '<Extrinsic name="a">b</Extrinsic>') }],
    ['"<"', $xml, sub { fill($_[0], '<') }],
    ['CDATA that does not end', $xml, sub { '<a>' . fill($_[0], '<![CDATA[') }],
    ['fields of pages', 'text/html', sub {
        '<form>' . fill($_[0], '<input type=hidden name=a value="b">') }],
    ['comments that do not end', 'text/html', sub { fill($_[0], '<!--') }],
    ['scripts that do not end', 'text/html', sub { fill($_[0], '<script>') }],
    ['cells', 'text/csv', sub { fill($_[0], "a,b\n") }],
    ['quotes in a cell', 'text/csv', sub { fill($_[0], '"') }],
    ['parts', 'multipart/form-data; boundary=b', sub {
        fill($_[0], qq(--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n)
             . "x\r\n") . "--b--\r\n" }],
    ['lines that begin as a boundary does',
     'multipart/form-data; boundary=bbbbbbbbbbbb', sub {
        "--bbbbbbbbbbbb\r\n\r\n" . fill($_[0], "\r\n--bbbbbbbbbbb") }],
    ['fields of a part', 'multipart/form-data; boundary=b', sub {
        "--b\r\n" . fill($_[0], "X-A: b\r\n") . "\r\nx\r\n--b--\r\n" }],
    ['segments of X12', 'application/edi-x12', sub {
        x12(fill($_[0], 'PO1*1*1*EA*1**VP*A-1~')) }],
    ['elements of X12', 'application/edi-x12',
     sub { x12('PO1' . fill($_[0], '*VP*A') . '~') }],
    ['releases of EDIFACT', 'application/edifact',
     sub { "UNB+UNOA:2+A+B'" . fill($_[0], '??') . "'" }],
    ['segments of EDIFACT', 'application/edifact', sub {
        "UNB+UNOA:2+A+B'UNH+1+ORDERS:D:96A:UN'" . fill($_[0], "LIN+1++4711:SA'") }],
    ['fields of protobuf', 'application/x-protobuf',
     sub { fill($_[0], "\x0a\x03abc") }],
    ['groups of protobuf', 'application/x-protobuf', sub { fill($_[0], "\x0b") }],
    ['arguments of GraphQL', 'application/graphql',
     sub { '{a(' . fill($_[0], 'b:"c" ') . ')}' }],
    ['"{" in GraphQL', 'application/graphql', sub { 'query ' . fill($_[0], '{a') }],
    ['objects of a PDF', 'application/pdf', sub {
        my $n = $_[0] * $KIB / 40;

        return "%PDF-1.4\n" . join('', map { "$_ 0 obj << /Kids [" . ($_ + 1)
               . " 0 R] >> endobj\n" } 1 .. $n) . "trailer << /Root 1 0 R >>\n";
    }],
    ['an object of a PDF again and again', 'application/pdf',
     sub { "%PDF-1.4\n" . fill($_[0], "1 0 obj (a) endobj\n") }],
    ['"(" in a PDF', 'application/pdf',
     sub { "%PDF-1.4\n1 0 obj " . fill($_[0], '(') }],
    ['"<<" in a PDF', 'application/pdf',
     sub { "%PDF-1.4\n1 0 obj " . fill($_[0], '<<') }],
    ['text of a PDF', 'application/pdf', sub {
        my $text = 'BT ' . fill($_[0], '(ab) Tj ') . 'ET';

        return "%PDF-1.4\n1 0 obj << /Length " . length($text)
               . " >> stream\n$text\nendstream endobj\n";
    }],
    ['members of gzip', '', sub {
        fill($_[0], Compress::Zlib::memGzip('abc')) }],
    ['lines of base64', 'text/plain', sub { encode_base64(fill($_[0], $prose)) }],
    ['hex', 'text/plain', sub { unpack 'H*', fill($_[0] / 2, $prose) }],
    ['UTF-16', 'text/plain; charset=utf-16',
     sub { fill($_[0], "a\0b\0 \0") }],
    ['UTF-7', 'text/plain; charset=utf-7', sub { fill($_[0], '+AD4-') }],
);

sub x12 {
    my ($segments) = @_;

    return 'ISA*00*          *00*          *ZZ*BUYER          *ZZ*SELLER'
           . '         *260117*1000*U*00401*000000001*0*P*>~'
           . "GS*PO*B*S*20260117*1000*1*X*004010~ST*850*0001~"
           . 'BEG*00*SA*PO1**20260117~' . $segments . 'SE*9*0001~';
}


# --- how long ------------------------------------------------------------------

my $file = test_dir() . '/body';

sub seconds {
    my ($type) = @_;
    my @before = POSIX::times();
    my $r = run_command([debar_path(), 'check', '-l', $list, '--json', '-X',
                         'POST', $type ne '' ? ('-H', "Content-Type: $type") : (),
                         '-d', "\@$file", 'http://shop.neutral.example/a'],
                        timeout => 300);
    my @after = POSIX::times();

    die "debar check: $r->{err}\n" if $r->{out} !~ /"verdict"/;

    return ($after[3] - $before[3] + $after[4] - $before[4])
           / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub least {
    my ($type, $make, $kib, $known) = @_;

    write_file($file, $make->($kib));
    my $took = seconds($type);

    return defined $known && $known < $took ? $known : $took;
}

my $begin = least('text/plain', sub { 'a' }, 1);

for (1 .. 4) { $begin = least('text/plain', sub { 'a' }, 1, $begin) }

my %worst = (times => 0, name => 'none');

for my $kind (@kinds) {
    my ($name, $type, $make) = @$kind;
    my ($one, $two);

    for my $try (1 .. $TRIES) {
        $one = least($type, $make, $HALF, $one);
        $two = least($type, $make, 2 * $HALF, $two);
        last if $two - $begin <= $MOST * ($one - $begin) + $FLOOR;
    }

    my $times = ($two - $begin)
                / ($one - $begin > $FLOOR ? $one - $begin : $FLOOR);

    %worst = (name => $name, times => $times) if $times > $worst{times};
    cmp_ok($two - $begin, '<=', $MOST * ($one - $begin) + $FLOOR,
           "$name: twice as much takes no more than $MOST times as long");
    cmp_ok($two, '<', $LONG, "$name: in bounded time");
    diag sprintf '%-36s %.2f s, %.2f s', $name, $one - $begin, $two - $begin
        if $ENV{DEBAR_VERBOSE};
}

diag sprintf 'worst: %s, %.2f times', @worst{qw(name times)};

done_testing;

#!/usr/bin/perl

# Bodies that are made to cost: each is judged in bounded time and memory, with
# an outcome that says what was not looked at, by `debar check` and by a gateway
# whose worker lives on.  The worst of all is printed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Debar::Test::Alone;
use Compress::Raw::Zlib ();
use Compress::Zlib ();
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

use Debar::Test;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Origin;
use Debar::Test::Script;

# Seconds of CPU a body may take on a machine that is busy (times ten under a
# sanitizer), and address space of a process that reads one.

my $MOST = ($ENV{DEBAR_SLOW} || 1) * 5;
my $SPACE_MB = 1024;
my $MIB = 1024 * 1024;

my $source = write_list(test_dir() . '/list', serial => 1,
                        vendor => "names: [Rocketmaker]\n");

write_file("$source/list.yaml",
           file_text("$source/list.yaml") =~ s/channels: none\n//r);

my $list = build_list($source, test_dir() . '/list.mdb');


# --- the bombs ---------------------------------------------------------------

sub gz { return Compress::Zlib::memGzip($_[0]) }

# One byte by the GiB: deflate that was flushed in full goes on as often as
# wanted.

sub deflated {
    my ($byte, $mib) = @_;
    my ($z) = Compress::Zlib::deflateInit(-WindowBits => -15);
    my ($part) = $z->deflate($byte x (16 * $MIB));
    my ($flushed) = $z->flush(Compress::Zlib::Z_FULL_FLUSH());

    return ($part . $flushed) x ($mib / 16) . "\3\0";
}

sub deflated_zeros { return deflated("\0", $_[0]) }

my $GZ = "\x1f\x8b\x08\0\0\0\0\0\0\3";

# Text and so much of a byte in gzip, with their true sum and length.

sub gzip_of {
    my ($text, $byte, $mib) = @_;
    my ($z) = Compress::Zlib::deflateInit(-WindowBits => -15);
    my ($out) = $z->deflate($text);
    my ($flushed) = $z->flush(Compress::Zlib::Z_FULL_FLUSH());
    my $part = Compress::Zlib::crc32($byte x (16 * $MIB));
    my $sum = Compress::Zlib::crc32($text);

    $sum = Compress::Raw::Zlib::crc32_combine($sum, $part, 16 * $MIB)
        for 1 .. $mib / 16;

    return $GZ . $out . $flushed . deflated($byte, $mib)
           . pack 'VV', $sum, length($text) + $mib * $MIB;
}

# Zeros in gzip, again and again: what is made of little is made of less.

sub zip_bomb {
    my ($times, $mib) = @_;
    my $data = gzip_of('', "\0", $mib);

    $data = gz($data) for 2 .. $times;

    return $data;
}

# The same without a sum and a length that are true.

sub gz_bomb {
    my ($times, $mib) = @_;
    my $data = $GZ . deflated_zeros($mib) . "\0" x 8;

    $data = gz($data) for 2 .. $times;

    return $data;
}

# Of one member, which so many entries of the directory name: what is small is
# all of it, and what it says that it holds may be true.

sub zip_of {
    my ($data, $claimed, $plain, $entries) = @_;
    my $sizes = pack 'VVV', Compress::Zlib::crc32($plain // ''), length $data,
                $claimed;
    my $local = pack('Vvvvvva12vv', 0x04034b50, 20, 0, 8, 0, 0, $sizes, 1, 0)
                . 'a';
    my $entry = pack('Vvvvvvva12vvvvvVV', 0x02014b50, 20, 20, 0, 8, 0, 0, $sizes,
                     1, 0, 0, 0, 0, 0, 0) . 'a';

    $entries ||= 1;

    return $local . $data . $entry x $entries
           . pack('VvvvvVVv', 0x06054b50, 0, 0, $entries, $entries,
                  length($entry) * $entries, length $local . $data, 0);
}

# Runs of zstd (RFC 8878 s.3.1.1.2): four bytes are 128 KiB.  A window that is as
# large as what is claimed, or one of 8 MiB.

sub zstd_runs {
    my ($mib, $single) = @_;
    my $head = $single ? "\xe0" . pack 'Q<', $mib * $MIB : "\x00\x68";
    my $run = pack('V', 0x20000 << 3 | 2) =~ s/.\z//sr . "\0";
    my $last = pack('V', 0x20000 << 3 | 3) =~ s/.\z//sr . "\0";

    return "\x28\xb5\x2f\xfd$head" . $run x ($mib * 8 - 1) . $last;
}

# Brotli (RFC 7932): meta-blocks of 16 MiB of one literal, whose code has no
# bits.

sub brotli_runs {
    my ($mib) = @_;
    my $bits = '0';                               # a window of 16 bits
    my $put = sub {
        my ($value, $n) = @_;

        $bits .= $value >> $_ & 1 for 0 .. $n - 1;
    };

    for (1 .. $mib / 16) {
        $put->(0, 1);                             # there are more
        $put->(2, 2);                             # six nibbles:
        $put->(16 * $MIB - 1, 24);
        $put->(0, 1 + 3 + 6 + 2 + 2);             # one block type and tree each
        $put->(1, 2), $put->(0, 2), $put->(0, 8);      # the literal 0
        $put->(1, 2), $put->(0, 2), $put->(504, 10);   # insert code 23, copy 0
        $put->(1, 2), $put->(0, 2), $put->(0, 6);      # distance 0
        $put->(16 * $MIB - 22594, 24);            # the command
    }

    return pack 'b*', $bits . '11';
}

sub nested_base64 {
    my $data = 'a purchase of nothing at all ' x 100;

    while (1) {
        my $more = encode_base64($data, '');

        return $data if length $more > $MIB;
        $data = $more;
    }
}

sub laughs {
    my $text = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "lol">';

    for my $i (1 .. 12) {
        my $ref = '&a' . ($i - 1) . ';';

        $text .= qq{<!ENTITY a$i "} . $ref x 10 . '">';
    }

    return $text . ']><l>&a12;</l>';
}

sub nested_multipart {
    my ($n) = @_;

    return join('', map { '--b' . ($_ - 1) . "\r\nContent-Type: multipart/mixed;"
                          . " boundary=b$_\r\n\r\n" } 1 .. $n)
           . "--b$n\r\n\r\nend\r\n"
           . join '', map { "--b$_--\r\n" } reverse 0 .. $n;
}

sub x12 {
    my ($segments) = @_;

    return 'ISA*00*          *00*          *ZZ*BUYER          *ZZ*SELLER'
           . '         *260117*1000*U*00401*000000001*0*P*>~'
           . "GS*PO*B*S*20260117*1000*1*X*004010~ST*850*0001~"
           . 'BEG*00*SA*PO1**20260117~' . $segments . 'SE*9*0001~';
}

# Length-delimited fields in each other.

sub nested_protobuf {
    my $data = 'x';

    while (length $data < 200_000) {
        my ($n, $len) = (length $data, '');

        while ($n > 127) { $len .= chr($n % 128 + 128); $n = int($n / 128) }
        $data = "\x0a$len" . chr($n) . $data;
    }

    return $data;
}

sub pdf_chain {
    my ($n) = @_;

    return "%PDF-1.4\n" . join('', map { "$_ 0 obj << /Length " . ($_ + 1)
           . " 0 R /Contents " . ($_ + 1) . " 0 R /Kids [" . ($_ + 1)
           . " 0 R] >> endobj\n" } 1 .. $n)
           . "trailer << /Root 1 0 R >>\n%%EOF\n";
}

my $json = 'application/json';
my $xml = 'text/xml';
my $form = 'application/x-www-form-urlencoded';
my $mp = 'multipart/form-data; boundary=b';
my $prose = 'of things that are here and there ' x 100;

# name, type, body, more fields; whether nothing is left unread

my @bombs = (
    ['gzip of 1 GiB', '', sub { zip_bomb(1, 1024) }],
    ['gzip in gzip in gzip of 256 MiB', '', sub { zip_bomb(3, 256) }],
    ['Content-Encoding: gzip of 256 MiB', $json, sub { zip_bomb(1, 256) },
     ['Content-Encoding: gzip']],
    ['10 GiB in gzip', '', sub { gz_bomb(1, 10_240) }],
    ['10 GiB in gzip in gzip', '', sub { gz_bomb(2, 10_240) }],
    ['10 GiB in gzip in gzip in gzip', '', sub { gz_bomb(3, 10_240) }],
    ['Content-Encoding: gzip, gzip of 10 GiB', $json, sub { gz_bomb(2, 10_240) },
     ['Content-Encoding: gzip, gzip']],
    ['10 GiB in raw deflate', $json, sub { deflated_zeros(10_240) },
     ['Content-Encoding: deflate']],
    ['10 GiB in a ZIP, overlapping', 'application/zip',
     sub { zip_of(deflated_zeros(16), 16 * $MIB, '', 640) }],
    ['4 GiB claimed by a ZIP that has 16 MiB', 'application/zip',
     sub { zip_of(deflated_zeros(16), 0xffffffff) }],
    ['1 byte claimed by a ZIP that has 4 GiB', 'application/zip',
     sub { zip_of(deflated_zeros(4096), 1) }],
    ['10 GiB in a ZIP in gzip', '',
     sub { gz(zip_of(deflated_zeros(10_240), 0)) }],
    ['ZIP in ZIP in ZIP of 1 GiB', 'application/zip', sub {
        my $zip = zip_of(deflated_zeros(1024), 1024 * $MIB);

        for (1 .. 2) {
            my ($z) = Compress::Zlib::deflateInit(-WindowBits => -15);
            my $data = join '', $z->deflate($zip), $z->flush;

            $zip = zip_of($data, length $zip, $zip);
        }

        return $zip;
    }],
    ['10 GiB in zstd', '', sub { zstd_runs(10_240) }],
    ['10 GiB in zstd, claimed', '', sub { zstd_runs(10_240, 1) }],
    ['10 GiB in br', $json, sub { brotli_runs(10_240) },
     ['Content-Encoding: br']],
    ['100,000 members of gzip', '', sub { gz('a') x 100_000 }],
    ['billion laughs', $xml, \&laughs],
    ['1 MiB of %25', $form, sub { 'a=' . '%25' x ($MIB / 3) }],
    ['1 MiB of %25 as text', 'text/plain', sub { '%25' x ($MIB / 3) }],
    ['1 MiB of %2525...', $form, sub { 'a=%' . '25' x ($MIB / 2) }],
    ['1 MiB of %2525... as text', 'text/plain', sub { '%' . '25' x ($MIB / 2) }],
    ['1 MiB of %2525... in JSON', $json,
     sub { '{"url":"http://a.example/%' . '25' x ($MIB / 2) . '"}' }],
    ['1 MiB of &amp;amp;...', $form, sub { 'a=%26' . 'amp;' x ($MIB / 4) }],
    ['1 MiB of \\u005cu005c...', $json,
     sub { '{"a":"\\u005c' . 'u005c' x ($MIB / 5) . '"}' }],
    ['base64 of base64 of ... 1 MiB', 'text/plain', \&nested_base64],
    ['JSON nested 100,000 deep', $json,
     sub { '[' x 100_000 . ']' x 100_000 }],
    ['objects nested 100,000 deep', $json,
     sub { '{"a":' x 100_000 . '1' . '}' x 100_000 }],
    ['JSON of 1,000,000 keys', $json, sub {
        '{' . join(',', map { qq("k$_":$_) } 1 .. 1_000_000) . '}' }],
    ['10 MB of "["', $json, sub { '[' x 10_000_000 }],
    ['prose in JSON nested 250 deep', $json, sub {
        '[' . join(',', map { '{"a":' x 250 . '['
        . join(',', map { qq("$prose") } 1 .. 70) . ']' . '}' x 250 } 1 .. 40)
        . ']' }],
    ['an object of one name again and again', $json, sub {
        '{' . join(',', map { '"op":"x"' } 1 .. 90_000) . '}' }],
    ['XML nested 100,000 deep', $xml,
     sub { '<a>' x 100_000 . '</a>' x 100_000 }],
    ['cXML of many fields of one name', $xml, sub {
        '<cXML><Request><OrderRequest><ItemOut quantity="1"><ItemDetail>'
        . '<Extrinsic name="a">b</Extrinsic>' x 50_000 }],
    ['an element of 100,000 attributes', $xml, sub {
        '<a ' . join(' ', map { qq(a$_="x") } 1 .. 100_000) . '/>' }],
    ['multipart of 100,000 parts', $mp, sub {
        qq(--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n)
        x 100_000 . "--b--\r\n" }],
    ['multipart nested 1,000 deep', 'multipart/mixed; boundary=b0',
     sub { nested_multipart(1000) }],
    ['1 MB of "=&"', $form, sub { '=&' x 500_000 }],
    ['a form of 90,000 numbers', $form, sub {
        join '&', map { "item[$_][sku]=a$_" } 1 .. 90_000 }],
    ['X12 of 1,000,000 segments', 'application/edi-x12',
     sub { x12('PO1*1*1~' x 1_000_000) }],
    ['X12 segments of 500 elements', 'application/edi-x12',
     sub { x12(('PO1' . '*VP*A' x 250 . '~') x 400) }],
    ['protobuf in protobuf', 'application/x-protobuf', \&nested_protobuf],
    ['protobuf of 500,000 fields', 'application/x-protobuf',
     sub { "\x0a\x01a" x 500_000 }],
    ['PDF whose objects refer on and on', 'application/pdf',
     sub { pdf_chain(50_000) }],
    ['10 MB of one word', 'text/plain', sub { 'a' x 10_000_000 }],
    ['10 MB of one letter each', 'text/plain', sub { 'a ' x 5_000_000 }],
    ['1 MB of "<"', $xml, sub { '<' x 1_000_000 }],
    ['1 MB of "&"', 'text/plain', sub { '&' x 1_000_000 }],
    ['1 MB of "(" in a PDF', 'application/pdf',
     sub { "%PDF-1.4\n1 0 obj " . '(' x 1_000_000 }],
    ['1 MB of "{" in GraphQL', 'application/graphql',
     sub { 'query { ' . '{' x 1_000_000 }],
    ['1 MB of http://', 'text/plain', sub { 'http://' x 150_000 }],
);

# Answers: all of those that are looked at, and what pages have of their own.

my $html = 'text/html; charset=utf-8';
my $cart = '<form><input name="NEW_ITEM-QUANTITY[1]" value=1>';

my @answers = (
    (grep { $_->[1] =~ m{^(?:|text/\w+|application/json)\z} } @bombs),
    ['10 GiB in gzip, as a page', $html, sub { gz_bomb(1, 10_240) },
     ['Content-Encoding: gzip']],
    ['10 GiB in br in gzip, as a page', $html, sub { gz(brotli_runs(10_240)) },
     ['Content-Encoding: br, gzip']],
    ['256 MiB of a cart in gzip', $html, sub {
        gzip_of($cart, ' ', 256) }, ['Content-Encoding: gzip']],
    ['10 MB of "<"', $html, sub { '<' x 10_000_000 }],
    ['10 MB of "</"', $html, sub { '<script>' . '</' x 5_000_000 }],
    ['10 MB of "<!--"', $html, sub { '<!--' x 2_500_000 }],
    ['10 MB in one tag', $html, sub { '<input value="' . 'x' x 10_000_000 }],
    ['10 MB of attributes', $html, sub { '<input ' . 'a=b ' x 2_500_000 }],
    ['a million fields', $html, sub { '<input name=a value=b>' x 1_000_000 }],
    ['500,000 textareas', $html, sub { '<textarea name=a>' x 500_000 }],
    ['values that may be base64', $html, sub {
        ('<input value="' . 'QUJD' x 200 . '">') x 12_000 }],
    ['values of references', $html, sub {
        ('<input value="' . '&amp;' x 200 . '">') x 10_000 }],
    ['a cart of 100,000 lines', $html, sub {
        '<form>' . join '', map { qq(<input name="NEW_ITEM-QUANTITY[$_]" )
                                  . 'value=1>' } 1 .. 100_000 }],
    ['a cart of 500,000 options', $html, sub {
        "$cart<select name=\"NEW_ITEM-UNIT[1]\">"
        . '<option>x' x 500_000 }],
    ['500,000 selects in each other', $html, sub {
        "$cart" . '<select name=a>' x 500_000 }],
    ['the name of a cart again and again, in JSON', 'application/json', sub {
        '[' . join(',', ('"PunchOutOrderMessage"') x 300_000) . ']' }],
);

my %file;

for my $bomb (@bombs, @answers) {
    next if $file{ $bomb->[0] };

    $file{ $bomb->[0] } = write_file(test_dir() . '/bomb-' . keys(%file),
                                     $bomb->[2]->());
}


# --- by debar check ------------------------------------------------------------

my %checked;
my %worst = (seconds => 0, name => 'none');

sub cpu { my @t = times; return $t[2] + $t[3] }

sub checked {
    my ($name, @args) = @_;
    my $before = cpu();
    my $r = run_command(['sh', '-c', 'ulimit -v ' . $SPACE_MB * 1024
                         . '; exec "$@"', 'sh', debar_path(), 'check', '-l',
                         $list, '--json', @args],
                        timeout => $MOST * 20);
    my $seconds = cpu() - $before;

    %worst = (name => $name, seconds => $seconds)
        if $seconds > $worst{seconds};

    my ($verdict) = $r->{out} =~ /"verdict":\s*"([^"]+)"/;
    my ($fault) = $r->{out} =~ /"fault":\s*"([^"]+)"/;
    my $said = ($verdict // '') . ($fault ? ": $fault" : '');

    ok($verdict, "$name: is judged")
        or diag substr("$r->{err}$r->{out}", 0, 400);
    cmp_ok($seconds, '<', $MOST, "$name: in bounded time");
    diag sprintf '%-42s %6.2f s  %s', $name, $seconds, $said
        if $ENV{DEBAR_VERBOSE};

    return $said;
}

for my $bomb (@bombs) {
    my ($name, $type, undef, $fields) = @$bomb;
    my @h = map { ('-H', $_) } $type ne '' ? "Content-Type: $type" : (),
            @{ $fields || [] };

    $checked{$name} = checked($name, '-X', 'POST', @h, '-d', "\@$file{$name}",
                              'http://shop.neutral.example/a');
}

for my $bomb (@answers) {
    my ($name, $type, undef, $fields) = @$bomb;
    my @h = map { ('--response-header', $_) }
            $type ne '' ? "Content-Type: $type" : (), @{ $fields || [] };

    checked("$name, as an answer", @h, '--response', "\@$file{$name}",
            'http://shop.neutral.example/a');
}


# --- through a gateway -----------------------------------------------------------

my $dns = Debar::Test::Dns->new;
my $origin = Debar::Test::Origin->new(listen => ['127.0.0.1:80']);
my $gw = Debar::Test::Gateway->new(
    list => $source, conf => { debar_audit => 'audit/audit.jsonl all' });
my ($worker) = $gw->workers;

sub resident_mb {
    my ($kb) = (file_text("/proc/$worker/status") // '') =~ /^VmRSS:\s+(\d+)/m;

    return ($kb // 0) / 1024;
}

sub worker_cpu {
    return (split / /, file_text("/proc/$worker/schedstat") // '0')[0] / 1e9;
}

my $resident = resident_mb();
my %slow = (seconds => 0, name => 'none');

for my $bomb (@bombs) {
    my ($name, $type, undef, $fields) = @$bomb;
    my $before = worker_cpu();
    my @h = map { ('-H', $_) } "Content-Type: $type", 'Expect:',
            @{ $fields || [] };

    $gw->audit;

    my $r = run_command(['curl', '-q', '-sS', '-m', 60, '-x',
                         'http://127.0.0.1:3128', '-o',
                         test_dir() . '/answer', '-w', '%{http_code}', @h,
                         '--data-binary', '@' . $file{$name},
                         'http://shop.neutral.example/a'], timeout => 70);
    my $seconds = worker_cpu() - $before;

    %slow = (name => $name, seconds => $seconds) if $seconds > $slow{seconds};

    like($r->{out}, qr/^(?:200|4\d\d)$/, "$name: the gateway answers")
        or diag $r->{err};
    cmp_ok($seconds, '<', $MOST, "$name: in bounded time of the worker");

    # one line of each, with the outcome that `debar check` told

    my @lines = $gw->audit_soon;
    my $line = $lines[0] || {};

    is(scalar @lines, 1, "$name: one line is recorded");
    is(($line->{verdict} // '') . ($line->{fault} ? ": $line->{fault}" : ''),
       $checked{$name}, "$name: it says the outcome, and what was not read");
}

is_deeply([$gw->workers], [$worker], 'the worker has lived through all of it');
is($gw->get('http://shop.neutral.example/')->{status}, 200, 'and answers');


# --- answers through it ----------------------------------------------------------

$origin->stop;

my $script = Debar::Test::Script->new(listen => '127.0.0.1:80', answers => {
    map {
        my ($name, $type, undef, $fields) = @{ $answers[$_] };

        ("/$_" => [join("\r\n", 'HTTP/1.1 200 OK',
                        ($type eq '' ? () : "Content-Type: $type"),
                        @{ $fields || [] },
                        'Content-Length: ' . -s $file{$name}, '', ''),
                   file_text($file{$name})])
    } 0 .. $#answers });

for my $i (0 .. $#answers) {
    my $name = $answers[$i][0];
    my $before = worker_cpu();
    my $r = run_command(['curl', '-q', '-sS', '-m', 60, '-x',
                         'http://127.0.0.1:3128', '-o', test_dir() . '/answer',
                         '-w', '%{http_code} %{size_download}',
                         "http://shop.neutral.example/$i"], timeout => 70);
    my $seconds = worker_cpu() - $before;

    %slow = (name => "$name, as an answer", seconds => $seconds)
        if $seconds > $slow{seconds};

    is($r->{out}, '200 ' . -s $file{$name}, "$name: the answer comes")
        or diag $r->{err};
    cmp_ok($seconds, '<', $MOST, "$name: in bounded time of the worker");
}

is_deeply([$gw->workers], [$worker], 'the worker has lived through those, too');

my $grown = resident_mb() - $resident;

cmp_ok($grown, '<', 200, 'it has kept no more memory than a few bodies take');
diag sprintf 'through the gateway: worst %s, %.2f s; the worker has grown by'
             . ' %.0f MB', @slow{qw(name seconds)}, $grown;

diag sprintf 'worst: %s, %.2f s', @worst{qw(name seconds)};

done_testing;

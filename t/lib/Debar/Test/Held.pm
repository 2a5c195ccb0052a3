package Debar::Test::Held;

# Downloads with what is to become of them, through a gateway on the shipped
# list: a table of cases, and the pieces that their files are made of.

use strict;
use warnings;

use Exporter 'import';
use File::Path 'make_path';
use Test::More;

use Debar::Test;
use Debar::Test::Client;
use Debar::Test::Dns;
use Debar::Test::Gateway;
use Debar::Test::Script;

our @EXPORT = qw(tool has_tool tree packed_by_tool zip_made whole head chunks
                 judge_cases);

my $n = 0;


sub has_tool {
    my ($tool) = @_;

    return scalar grep { -x "$_/$tool" } split /:/, $ENV{PATH};
}


# Runs a tool in a folder (the test's by default), gives its output.

sub tool {
    my ($command, %o) = @_;
    my $r = run_command($command, dir => test_dir(), timeout => 120, %o);

    $r->{status} == 0 or die "@$command: $r->{err}$r->{out}\n";

    return $r->{out};
}


# A folder with files in it; gives its path.

sub tree {
    my (%files) = @_;
    my $at = test_dir() . '/tree' . ++$n;

    make_path($at);

    for my $name (sort keys %files) {
        my ($folder) = "$at/$name" =~ m{^(.*)/};

        make_path($folder);
        write_file("$at/$name", $files{$name});
    }

    return $at;
}


# The bytes of what a tool packs out of files: packed_by_tool('7z',
# ['7z', 'a', 'OUT', '.'], name => bytes...), run where the files are.

sub packed_by_tool {
    my ($ext, $command, %files) = @_;
    my $at = tree(%files);
    my $out = "$at.$ext";

    tool([map { $_ eq 'OUT' ? $out : $_ } @$command], dir => $at);

    return file_text($out);
}


# A ZIP by hand, each member [name, bytes, %o]: method and packed for another
# method, local for another name in its own header, flags, and so on.

sub zip_made {
    my (@members) = @_;
    my ($body, $directory) = ('', '');

    require IO::Compress::RawDeflate;
    require Compress::Zlib;

    for my $m (@members) {
        my ($name, $bytes, %o) = @$m;
        my $packed = $o{packed} // $bytes;
        my $local = $o{local} // $name;
        my $sum = Compress::Zlib::crc32($bytes);
        my @same = ($o{flags} // 0, $o{method} // 0, 0, 0x21, $sum,
                    length $packed, length $bytes);

        $directory .= pack('V v2 v4 V3 v5 V2', 0x02014b50, 20, 20, @same,
                           length $name, 0, 0, 0, 0, 0, length $body) . $name;
        $body .= pack('V v v4 V3 v2', 0x04034b50, 20, @same, length $local, 0)
               . $local . $packed;
    }

    return $body . $directory
           . pack('V v4 V2 v', 0x06054b50, 0, 0, scalar @members,
                  scalar @members, length $directory, length $body, 0);
}


# --- answers -------------------------------------------------------------------

sub head {
    my (@fields) = @_;

    return join "\r\n", 'HTTP/1.1 200 OK', @fields, '', '';
}

sub whole {
    my ($body, @fields) = @_;

    push @fields, 'Content-Type: application/octet-stream'
        if !grep { /^content-type:/i } @fields;

    return head('Content-Length: ' . length $body, @fields) . $body;
}

sub chunks {
    my ($text, $size, @trailers) = @_;

    return join '', (map { sprintf "%x\r\n%s\r\n", length $_, $_ }
                     unpack "(a$size)*", $text),
                    "0\r\n", (map { "$_\r\n" } @trailers), "\r\n";
}


# --- what becomes of them --------------------------------------------------------

# cases: [what, expected, answer, %o].  Expected: "block"; "pass"; "log" (it goes
# through and is recorded); "noted" (block or log), "let" (pass or log), where the
# law leaves the choice to the list.  answer: pieces of Debar::Test::Script, or
# one.  url: where (a neutral host and name by default, "*" in it is replaced by
# a name of its own); method, fields: of the request; after: code that gets the
# gateway's response and the origin's; todo: why it is not so yet.

sub judge_cases {
    my (%o) = @_;
    my (%answers, @todo);
    my $count = 0;

    for my $case (@{$o{cases}}) {
        my ($what, $expected, $answer, %c) = @$case;
        my $url = $c{url} // 'http://files.neutral.example/*/report.pdf';

        $count++;
        $url =~ s/\*/c$count/;

        my ($path) = $url =~ m{^\w+://[^/]*([^?]*)};

        $answers{$path} = ref $answer eq 'ARRAY' ? $answer : [$answer];
        push @todo, [$what, $expected, $url,
                     parsed(join '', grep { !/^[0-9.]*\z/ }
                                     @{$answers{$path}}), \%c];
    }

    my $dns = Debar::Test::Dns->new;
    my $origin = Debar::Test::Script->new(listen => '127.0.0.1:80',
                                          answers => \%answers);
    my $gw = Debar::Test::Gateway->new(list => top_dir()
                                               . '/blocklist/lists/federal',
                                       inspect => 1, %{$o{gateway} // {}});

    for my $t (@todo) {
        my ($what, $expected, $url, $from, $c) = @$t;

        $gw->audit;

        my $r = fetch($url, $c);
        my ($got, $line) = verdict_of($gw);
        my $same = ($r->{body} // '') eq ($from->{body} // '')
                   && ($r->{status} // 0) == ($from->{status} // 0);
        my %good = (block => $got eq 'block', pass => $got eq 'pass',
                    log => $got eq 'log', noted => $got ne 'pass',
                    let => $got eq 'pass' || $got eq 'log');

        our $TODO = $c->{todo};

        ok($good{$expected}, "$what: $expected")
            or $TODO || diag("$got: $line");
        $TODO = undef;

        if ($got eq 'block') {
            ok(!$same && !holds($r, $from), '... and is not at the client');

        } else {
            ok($same, '... and came as it was')
                or diag(($r->{status} // 'nothing') . ', '
                        . length($r->{body} // '') . ' of '
                        . length($from->{body} // ''));
        }

        $c->{after}->($r, $from) if $c->{after};
    }

    is($gw->complaints, '', 'nothing to complain of');

    return $gw;
}

sub holds {
    my ($r, $from) = @_;
    my $body = $from->{body} // '';

    return 0 if length $body < 64;

    return index($r->{body} // '', $body) >= 0;
}

sub fetch {
    my ($url, $c) = @_;
    my $client = Debar::Test::Client->new('127.0.0.1', 3128);
    my ($host) = $url =~ m{^\w+://([^/]*)};

    $client->send(join "\r\n", ($c->{method} // 'GET') . " $url HTTP/1.1",
                  "Host: $host", 'Connection: close', @{$c->{fields} // []},
                  '', '');
    1 while !$client->{closed} && $client->fill(20);

    return parsed($client->{in});
}

# A response to the end of its connection; of chunks, what is in them.

sub parsed {
    my ($head, $body) = split /\r\n\r\n/, $_[0] // '', 2;
    my %r = (head => $head // '', body => $body // '');

    ($r{status}) = $r{head} =~ m{^HTTP/1\.[01] (\d+)};

    if ($r{head} =~ /^transfer-encoding: *chunked/mi) {
        my ($in, $at, $out) = ($r{body}, 0, '');

        while (substr($in, $at, 80) =~ /^([0-9a-f]+)[^\r\n]*\r\n/i && hex $1) {
            $out .= substr $in, $at + $+[0], hex $1;
            $at += $+[0] + 2 + hex $1;
            last if $at >= length $in;
        }

        $r{body} = $out;
    }

    return \%r;
}

sub verdict_of {
    my ($gw) = @_;
    my %order = (pass => 0, log => 1, reject => 2, block => 3);
    my ($got, $line) = ('pass', '');

    for my $l (grep { $_->{verdict} } $gw->audit) {
        next if $order{$l->{verdict}} < $order{$got};

        $got = $l->{verdict};
        $line = join ' ', map { "$_->{kind}=$_->{value} at $_->{where}" }
                          @{$l->{evidence} // []};
        $line .= " fault $l->{fault}" if $l->{fault};
        utf8::encode($line) if utf8::is_utf8($line);
    }

    return ($got, $line);
}


1;

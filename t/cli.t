#!/usr/bin/perl

# The command by itself: exit codes, messages, lists built and refused, one URL
# explained, many judged, manual page and completion.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use MIME::Base64;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Debar::Test;

my $debar = debar_path();
my $source = test_dir() . '/list';
my $mdb = test_dir() . '/list.mdb';

sub debar {
    my ($args, %o) = @_;

    return run_command([$debar, @$args], %o);
}

sub check { return debar(['check', '--list', $mdb, @_]) }
sub object { return eval { decode_json($_[0]) } || {} }

my @phases = ('{from: 2000-01-01, browse: log, acquire: block,'
              . ' download: block, update: block}');

sub source_of {
    my (%o) = @_;

    return write_list($source, phases => $phases[0],
                      hosts => ['listed.example',
                                '{host: www.mixed.example, activity: browse}'],
                      %o);
}


# --- the command line -------------------------------------------------------

my $r = debar(['--version']);
is $r->{status}, 0, '--version succeeds';
like $r->{out}, qr/^debar \d+\.\d+\.\d+\n\z/, '--version prints the version';

for my $c ([], ['list'], ['gateway']) {
    my $name = "debar @$c";

    $r = debar($c);
    is $r->{status}, 2, "$name alone is a usage error";
    like $r->{err}, qr/^usage: debar/, "$name alone prints its usage on stderr";
    is $r->{out}, '', "$name alone prints nothing on stdout";

    $r = debar([@$c, 'shove']);
    is $r->{status}, 2, "$name with an unknown command is a usage error";
    like $r->{err}, qr/no command "shove"; there are:/,
         "$name says which commands there are";
}

my @commands = (['list', 'build'], ['list', 'check'], ['list', 'propose'],
                ['list', 'due'], ['list', 'waive'], ['list', 'unwaive'],
                ['list', 'approve'], ['key', 'new'], ['key', 'show'],
                ['root', 'new'], ['root', 'next'], ['root', 'sign'],
                ['root', 'check'], ['check'], ['inspect'],
                ['gateway', 'init'], ['gateway', 'start'], ['gateway', 'stop'],
                ['gateway', 'reload'], ['gateway', 'status']);

for my $c ([], ['list'], ['key'], ['root'], ['gateway'], @commands) {
    $r = debar([@$c, '--help']);
    is $r->{status}, 0, "debar @$c --help succeeds";
    like $r->{out}, qr/^usage: debar/, "debar @$c --help prints its usage";
}

for my $c (@commands) {
    $r = debar([@$c, '--frob']);
    is $r->{status}, 2, "debar @$c refuses an unknown option";
    like $r->{err}, qr/unknown option --frob; see `debar @$c --help`/,
         "debar @$c says which option and where its help is";

    $r = debar($c);
    is $r->{status}, 2, "debar @$c without an operand is a usage error";
}

my @wrong = (
    [['list', 'build', 'x'], qr/-o FILE\.mdb is missing/],
    [['list', 'build', 'x', '-o'], qr/-o wants a value/],
    [['list', 'build', 'x', 'y', '-o', 'z'], qr/one source at a time/],
    [['list', 'check', 'x', '--replace'], qr/belong to list build/],
    [['check', '-H', 'nonsense', 'http://a/'], qr/"Name: value" is wanted/],
    [['check', '--at', 'soon', 'http://a/'], qr/--at "soon".*2018-10-01/],
    [['check', '--address', 'a.example', 'http://a/'], qr/an address like/],
    [['check', '--asn', '1', 'http://a/'], qr/describe the --address/],
    [['check', '/path'], qr/a path needs a Host/],
    [['check', ''], qr/an empty URL/],
    [['gateway', 'init', 'x', '--mode', 'maybe'], qr/enforce or monitor/],
    [['gateway', 'init', 'x', '--listen', '3128'], qr/an address and a port/],
    [['gateway', 'init', 'x', '--listen', '127.0.0.1:0'], qr/like 127/],
    [['gateway', 'init', 'x', '--listen', 'a.example:3128'], qr/like 127/],
    [['gateway', 'init', 'x', '--resolver', 'dns.example'], qr/DNS server/],
    [['gateway', 'init', 'x', '--resolver', '127.0.0.1:x'], qr/DNS server/],
    [['gateway', 'init', 'x', '--allow-destination', '10.0.0.1/8'],
     qr/--allow-destination "10\.0\.0\.1\/8"/],
    [['gateway', 'init', 'x', '--workers', '0'], qr/from 1 to 1024/],
    [['gateway', 'init', 'x', '--workers', '-1'], qr/from 1 to 1024/],
    [['gateway', 'init', 'x', '--connect-port', '70000'], qr/1 to 65535/],
    [['gateway', 'init', 'x', '--ca', 'c.pem'], qr/go together/],
    [['gateway', 'init', 'x', '--user', 'no such'], qr/no such user/],
);

for my $t (@wrong) {
    my ($args, $says) = @$t;

    $r = debar($args, dir => test_dir());
    is $r->{status}, 2, "debar @$args is a usage error";
    like $r->{err}, $says, "debar @$args says what is wrong";
}

ok !-e test_dir() . '/x', 'a usage error leaves no folder behind';

SKIP: {
    skip 'no /dev/full here', 2 if !-c '/dev/full';

    my $err = test_dir() . '/full.err';
    system "'$debar' --version > /dev/full 2> '$err'";
    is $? >> 8, 1, 'output that cannot be written is a failure';
    like file_text($err), qr/cannot write the output/, 'and is said';
}


# --- lists: built, checked, refused -----------------------------------------

source_of(serial => 5);
$r = debar(['list', 'build', $source, '-o', $mdb]);
is $r->{status}, 0, 'a source without errors is built' or diag $r->{err};
like $r->{out}, qr/serial 5, \d+ rows?, .*\ndigest [0-9a-f]{64}\n/,
     'list build prints serial, rows and digest';
is $r->{err}, '', 'and nothing on stderr where that is no terminal';
is +(stat $mdb)[2] & 07777, 0444, 'a snapshot is read-only for all';
is_deeply [glob test_dir() . '/.*.tmp'], [], 'no temporary file is left';

my ($digest) = $r->{out} =~ /digest (\S+)/;

$r = debar(['list', 'build', $source, '-o', $mdb, '--json']);
my $o = object($r->{out});
is $r->{status}, 0, 'the same list may be published again';
is $o->{digest}, $digest, 'with --json the same digest';
is $o->{serial}, 5, 'with --json the serial';
ok $o->{ok} && $o->{rows} > 0 && $o->{bytes} > 0, 'with --json rows and bytes';

$r = debar(['list', 'build', $source, '-o', $mdb, '--quiet']);
is "$r->{status}$r->{out}$r->{err}", '0', '--quiet says nothing';

$r = debar(['list', 'check', $source]);
is $r->{status}, 0, 'list check takes a source without errors';
like $r->{out}, qr/serial 5, no errors/, 'and says so';

$r = debar(['list', 'check', $mdb]);
is $r->{status}, 0, 'list check takes a whole snapshot' or diag $r->{err};
like $r->{out}, qr/\Q$digest\E/, 'and prints its digest';
like $r->{out}, qr/List of a test/, 'and its title';

$o = object(debar(['list', 'check', $mdb, '--json'])->{out});
is $o->{serial}, 5, 'list check --json of a snapshot has its serial';
is $o->{publisher}, 'Debar tests', 'and its publisher';

my $before = file_text($mdb);

source_of(serial => 4, hosts => ['other.example']);
$r = debar(['list', 'build', $source, '-o', $mdb]);
is $r->{status}, 1, 'a lower serial is refused';
like $r->{err}, qr/serial/, 'with a word about the serial';
ok file_text($mdb) eq $before, 'and the old snapshot stays';

source_of(serial => 5, hosts => ['other.example']);
$r = debar(['list', 'build', $source, '-o', $mdb]);
is $r->{status}, 1, 'the same serial with another content is refused';
ok file_text($mdb) eq $before, 'and the old snapshot stays';

$r = debar(['list', 'build', $source, '-o', $mdb, '--json']);
is object($r->{out})->{ok}, JSON::PP::false, '--json says that it is not ok';

$r = debar(['list', 'build', $source, '-o', $mdb, '--replace']);
is $r->{status}, 0, '--replace takes it';

source_of(serial => 6);
write_file("$source/list.yaml", file_text("$source/list.yaml")
           . "frobnicate: yes\n");
write_file("$source/vendors/acme.yaml",
           file_text("$source/vendors/acme.yaml") . "  - com\nhostz: []\n");
$before = file_text($mdb);

$r = debar(['list', 'build', $source, '-o', $mdb]);
is $r->{status}, 1, 'a source with errors is not built';
is $r->{out}, '', 'nothing about it is on stdout';
ok file_text($mdb) eq $before, 'and the old snapshot stays as it was';

my @errors = grep { /^\S+:\d+:\d+: ./ } split /\n/, $r->{err};
is scalar @errors, 3, 'every error is listed as FILE:LINE:COL: message'
    or diag $r->{err};
is join("\n", @errors), join("\n", sort {
       my ($fa, $la) = $a =~ /^([^:]+):(\d+)/;
       my ($fb, $lb) = $b =~ /^([^:]+):(\d+)/;
       $fa cmp $fb || $la <=> $lb } @errors), 'sorted by file and line';
ok scalar(grep { /list\.yaml:\d+:1: .*frobnicate/ } @errors),
   'an unknown key of list.yaml is named at its place';
ok scalar(grep { /acme\.yaml:\d+:5: .*com/ } @errors),
   'a public suffix is named at its place';

$r = debar(['list', 'check', $source, '--json']);
$o = object($r->{out});
is $r->{status}, 1, 'list check exits 1 for the same source';
is scalar @{ $o->{errors} || [] }, 3, 'list check --json has every error';
ok !(grep { !$_->{file} || !$_->{line} || !$_->{col} || !$_->{message} }
     @{ $o->{errors} || [{}] }), 'each with file, line, col and message';

for my $missing ('/nonexistent', test_dir() . '/none') {
    $r = debar(['list', 'check', $missing]);
    is $r->{status}, 1, "list check of $missing fails";
    like $r->{err}, qr/\Q$missing\E/, 'and names it';
}

{
    my $bad = test_dir() . '/bad.mdb';
    my $bytes = file_text($mdb);

    write_file($bad, substr $bytes, 0, length($bytes) - 4096);
    chmod 0444, $bad;
    $r = debar(['list', 'check', $bad]);
    is $r->{status}, 1, 'list check refuses a truncated snapshot';
    like $r->{err}, qr/bad\.mdb/, 'and names it';

    my $at = index $bytes, 'Acme Limited';
    ok $at > 0, 'the snapshot holds the name of the vendor';
    unlink $bad;
    substr $bytes, $at, 4, 'Acmy';
    write_file($bad, $bytes);
    chmod 0444, $bad;
    $r = debar(['list', 'check', $bad]);
    is $r->{status}, 1, 'list check finds a changed byte by the digest';

    unlink $bad;
    write_file($bad, 'no list at all');
    chmod 0444, $bad;
    $r = debar(['list', 'check', $bad]);
    is $r->{status}, 1, 'list check refuses what is no snapshot';
    unlink $bad;
}


# --- kill -9 of the builder, at any moment -----------------------------------

{
    my $hosts = join '', map { "n$_.kill.example\n" } 1 .. 100000;
    my $target = test_dir() . '/killed/list.mdb';
    my ($whole, $killed) = (0, 0);

    write_file(test_dir() . '/killed/.keep', '');
    source_of(serial => 1, vendor => "hosts-from: hosts.txt\n");
    write_file("$source/hosts.txt", $hosts);

    my $began = time;

    build_list($source, $target);

    my $took = time - $began;

    for my $i (1 .. 12) {
        source_of(serial => $i + 1, vendor => "hosts-from: hosts.txt\n");

        my $pid = start_process("builder$i", $debar, 'list', 'build', $source,
                                '-o', $target);
        sleep $took * $i / 13;
        $killed++ if running($pid);
        stop_process($pid, 'KILL');

        $whole++ if debar(['list', 'check', $target])->{status} == 0;
    }

    ok $killed >= 2, "the builder was killed at work ($killed times)";
    is $whole, 12, 'after kill -9 there is always a whole snapshot';

    source_of(serial => 99);
    build_list($source, $target);
    is_deeply [glob test_dir() . '/killed/.*.tmp'], [],
              'the next builder clears what dead ones left';
}


# --- one URL explained --------------------------------------------------------

source_of(serial => 10);
build_list($source, $mdb, '--replace');

my @urls = (
    [0, 'pass', ['http://www.example.com/']],
    [0, 'pass', ['www.example.com/path']],
    [0, 'pass', ['http://notlisted.example/listed.example']],
    [20, 'block', ['http://listed.example/']],
    [20, 'block', ['http://WWW.Listed.Example./a?b#c']],
    [20, 'block', ['listed.example']],
    [20, 'block', ['-X', 'CONNECT', 'listed.example:443']],
    [20, 'block', ['-X', 'CONNECT', 'https://listed.example/x']],
    [10, 'log', ['http://www.mixed.example/']],
    [30, 'reject', ['-H', 'Host: b.example', 'http://a.example/']],
    [20, 'block', ['-H', 'Host: listed.example', 'http://a.example/']],
    [20, 'block', ['-H', 'host:listed.example', '/index.html']],
    [30, 'reject', ['http://user@a.example/']],
    [20, 'block', ['http://a.example@listed.example/']],
    [30, 'reject', ['http://0x7f.1/']],
    [0, 'pass', ['--at', '1999-12-30', 'http://listed.example/']],
    [20, 'block', ['--at', '2000-01-02T00:00:00Z', 'http://listed.example/']],
    [20, 'block', ['http://listed.example/', '--user', 'u', '--client',
                   '192.0.2.1']],
);

for my $t (@urls) {
    my ($status, $verdict, $args) = @$t;

    $r = check(@$args);
    is $r->{status}, $status, "check @$args exits $status"
        or diag "$r->{out}$r->{err}";
    like $r->{out}, qr/^$verdict  /, "and says $verdict";

    $o = object(check('--json', @$args)->{out});
    is $o->{verdict}, $verdict, 'also with --json';
}

$r = check('http://listed.example/');
like $r->{out}, qr/vendor\s+Acme Limited \(acme\)/, 'the vendor is named';
like $r->{out}, qr/evidence\s+host listed\.example, in host: block/,
     'the evidence is named';
like $r->{out}, qr/authority\s+rule-1: Rule One of the test/,
     'the authority is cited';
like $r->{out}, qr{https://law\.example/rule-1}, 'with its address';
like $r->{out}, qr/serial 10\b/, 'the serial of the list is said';
like $r->{out}, qr/digest [0-9a-f]{64}/, 'and its digest';
unlike $r->{out}, qr/\033/, 'there is no colour where there is no terminal';

$o = object(check('--json', 'http://listed.example/x')->{out});
is $o->{vendor}, 'acme', '--json names the vendor';
is_deeply $o->{authorities}, ['rule-1'], '--json names the authorities';
is $o->{evidence}[0]{kind}, 'host', '--json has the kind of evidence';
is $o->{evidence}[0]{value}, 'listed.example', '--json has the listed value';
is $o->{list}{serial}, 10, '--json has the serial of the list';

$r = check('-d', 'a=b', 'http://listed.example/');
like $r->{out}, qr/^block  POST /, 'with a body the method is POST';
like $r->{out}, qr/body\s+1 value\n\s+\(form\)\n\s+a = b$/m,
     'and what the body says is shown';
my $order = write_file(test_dir() . '/order.xml', <<'END');
<cXML><Request><OrderRequest><OrderRequestHeader orderID="PO1" type="new"/>
<ItemOut quantity="1"><ItemDetail><ManufacturerName>Paper Mill</ManufacturerName>
</ItemDetail></ItemOut>
<ItemOut quantity="2"><ItemDetail><ManufacturerName>Rocketmaker</ManufacturerName>
</ItemDetail></ItemOut></OrderRequest></Request></cXML>
END
my $buys = write_list(test_dir() . '/buys', vendor => "names: [Rocketmaker]\n");

write_file("$buys/list.yaml",
           file_text("$buys/list.yaml") =~ s/channels: none\n//r);
$buys = build_list($buys, test_dir() . '/buys.mdb');

sub ordered { debar(['check', '--list', $buys, @_, 'http://b.example/order']) }

$r = ordered('-d', "\@$order");
is $r->{status}, 20, 'an order is judged by what its file says';
like $r->{out}, qr/^  line 2 .*?\n\s+maker\s+Rocketmaker$/ms,
     'and shown with its lines';
like $r->{out}, qr/evidence   name Rocketmaker, in body:line\[2\]\/maker/,
     'the evidence says which';
is ordered('-d', file_text($order) =~ s/Rocketmaker/Somebody/r)->{status}, 0,
   'without the name in it, it passes';

$o = object(ordered('--json', '-d', "\@$order")->{out});
is $o->{lines}[1]{number}, 2, '--json has the lines';
is_deeply [map { $_->{value} } grep { $_->{role} eq 'maker' }
               @{ $o->{lines}[1]{fields} }], ['Rocketmaker'],
          'with their fields and roles';
ok((grep { $_->{path} =~ m{/ItemOut\[2\]/} && $_->{value} eq 'Rocketmaker' }
         @{ $o->{peeled} }), 'and what was peeled, with its path');

$r = debar(['check', '--list', $buys, '--jsonl'], stdin => join '', map {
    encode_json({ id => $_->[0], method => 'POST', body => $_->[1],
                  url => 'http://b.example/order' }) . "\n"
} [text => file_text($order)],
  [bytes => 'base64:' . encode_base64(file_text($order), '')],
  [bad => 'base64:*'], [none => '']);

my @judged = map { object($_) } split /\n/, $r->{out};

is join(' ', map { "$_->{id}=" . ($_->{verdict} // 'error') } @judged),
   'text=block bytes=block bad=error none=pass',
   '--jsonl judges bodies of text and of bytes';
is $r->{status}, 1, 'and says that one could not be read';

is check('-d', '@/nonexistent', 'http://a/')->{status}, 1,
   'a body file that is not there is a failure';

$r = check("http://a.example/\033[31mred");
unlike $r->{out}, qr/\033/, 'control characters of a URL do not reach the terminal';

{
    my $tmp = test_dir() . '/tmp';
    mkdir $tmp;
    local $ENV{TMPDIR} = $tmp;

    $r = debar(['check', '--list', $source, 'http://listed.example/']);
    is $r->{status}, 20, 'a source folder serves as a list' or diag $r->{err};
    is_deeply [glob "$tmp/*"], [], 'and leaves no temporary snapshot';
}

$r = debar(['check', '--list', '/nonexistent.mdb', 'http://a/']);
is $r->{status}, 1, 'a list that is not there is a failure';
like $r->{err}, qr/nonexistent\.mdb.*debar list build/,
     'which says what a list is';


# --- many ---------------------------------------------------------------------

my @rows = (
    { id => 'one', method => 'GET', url => 'http://www.example.com/',
      headers => { 'User-Agent' => 'x' }, body => '' },
    { id => 'two', method => 'GET', url => 'http://listed.example/' },
    { id => 'three', method => 'CONNECT', url => 'listed.example:443',
      headers => { Host => 'listed.example:443' } },
    { id => 4, url => 'http://a.example/', headers => { Host => 'b.example' } },
    { id => 'five', url => 'http://a.example/',
      headers => { Host => ['a.example', 'listed.example'] } },
    { url => 'http://www.mixed.example/', body => 'x' },
);
my $jsonl = join '', map { encode_json($_) . "\n" } @rows;

$r = debar(['check', '--list', $mdb, '--jsonl'], stdin => $jsonl);
is $r->{status}, 0, '--jsonl of good lines succeeds' or diag $r->{err};
my @answers = map { object($_) } split /\n/, $r->{out};
is_deeply [map { $_->{id} } @answers], ['one', 'two', 'three', 4, 'five',
          undef], 'one answer a line, in order, with the id as it came';
is_deeply [map { $_->{verdict} } @answers],
          [qw(pass block block reject block log)], 'each with its verdict';
is $answers[1]{vendor}, 'acme', 'a listed one with the vendor';
is $answers[1]{activity}, 'browse', 'and the activity';
ok length $answers[3]{fault}, 'a rejected one with the fault';

write_file(test_dir() . '/rows.jsonl', $jsonl);
my $from_file = debar(['check', '--list', $mdb, '--jsonl',
                       test_dir() . '/rows.jsonl']);
is $from_file->{out}, $r->{out}, 'a file is read as stdin is';

$r = debar(['check', '--list', $mdb, '--jsonl'],
           stdin => "{\"id\":\"a\",\"url\":\"http://listed.example/\"}\n"
                    . "not json\n[1]\n{\"id\":\"b\"}\n"
                    . "{\"id\":\"c\",\"url\":\"/x\"}\n"
                    . "{\"id\":\"d\",\"url\":\"http://a/\",\"headers\":[]}\n"
                    . "{\"id\":\"e\",\"url\":\"http://listed.example/\"}");
is $r->{status}, 1, 'lines that cannot be judged make it fail at the end';
@answers = map { object($_) } split /\n/, $r->{out};
is scalar @answers, 7, 'but every line has its answer';
is_deeply [map { $_->{verdict} // 'error' } @answers],
          [qw(block error error error error error block)],
          'an error stands in the place of each bad line';
is_deeply [map { $_->{line} // 0 } @answers], [0, 2, 3, 4, 5, 6, 0],
          'with its line number';
is $answers[3]{id}, 'b', 'and the id where there is one';
like $r->{err}, qr/5 lines could not be judged/, 'and a count on stderr';

is debar(['check', '--list', $mdb, '--jsonl', '/nonexistent'])->{status}, 1,
   'a file that is not there is a failure';


# --- manual page and completion ----------------------------------------------

my $man = file_text(top_dir() . '/tools/debar.1');
my $completion = file_text(top_dir() . '/tools/completion/debar.bash');

SKIP: {
    skip 'mandoc is not installed', 2 if system('command -v mandoc > /dev/null');

    $r = run_command(['mandoc', '-Tlint', top_dir() . '/tools/debar.1']);
    is $r->{status}, 0, 'the manual page is clean';
    is $r->{out} . $r->{err}, '', 'under mandoc -Tlint';
}

my %options;

for my $c (@commands) {
    my $help = debar([@$c, '--help'])->{out};
    $options{$_} = 1 for $help =~ /(?<![\w-])--([a-z][a-z-]+)/g;
}

for my $option (sort keys %options) {
    (my $mdoc = $option) =~ s/-/-/g;
    like $man, qr/Fl (?:\w , )?-\Q$mdoc\E\b|Fl \w , -\Q$mdoc\E\b/,
         "the manual page has --$option";
    like $completion, qr/--\Q$option\E\b/, "bash completes --$option";
}

sub complete {
    my (@words) = @_;
    my $script = '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _debar;'
                 . ' printf "%s\n" "${COMPREPLY[@]}"';

    my $got = run_command(['bash', '-c', $script,
                           top_dir() . '/tools/completion/debar.bash', @words]);
    return join ' ', split /\n/, $got->{out};
}

is complete('debar', 'g'), 'gateway', 'bash completes a command';
is complete('debar', 'gateway', 'sta'), 'start status', 'and its sub-commands';
is complete('debar', 'gateway', 'init', 'd', '--mode', 'm'), 'monitor',
   'and the values of an option';
is complete('debar', 'list', 'build', '--r'), '--replace', 'and options';

done_testing();

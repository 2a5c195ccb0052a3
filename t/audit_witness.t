#!/usr/bin/perl

# A witness on a second machine.  What it is asked is made here from
# https://c2sp.org/tlog-witness and RFC 6962, what it answers is checked here
# from https://c2sp.org/tlog-cosignature, by openssl: no code is shared.  Who
# has the sealer's key and rewrites a log is found out.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256);
use Encode ();
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use Debar::Test;
use Debar::Test::Sealed;
use Debar::Test::Trust;

# DEBAR_WITNESS_KILLS=100 is the long form.

my $kills = $ENV{DEBAR_WITNESS_KILLS} || 4;
my $dir = test_dir();
my $origin = $Debar::Test::Sealed::ORIGIN;
my $log = trust_key($origin, file => 'sealer');
my $thief = trust_key($origin, file => 'thief');
my %by;                                          # witnesses, by name

sub debar { return run_command([debar_path(), @_]) }
sub audit { return debar('audit', @_) }

sub refused {
    my ($r, $why, $claim) = @_;

    ok($r->{status} == 1 && $r->{err} =~ $why, $claim)
        or diag("status $r->{status}: $r->{out}$r->{err}");
}


# --- keys ---------------------------------------------------------------------

# An id by the specification: SHA-256(name || "\n" || 0x04 || key)[:4].

my $r = debar('key', 'new', 'witness.example/w1', '--witness', '-o', "$dir/w1",
              '--pass-file', trust_passphrase());
my ($name1, $id1, $b641) = split /[+\n]/, $r->{out}, 3;
my $typed = decode_base64($b641 // '');

is($r->{status}, 0, "a witness's key is made") or diag($r->{err});
is(substr($typed, 0, 1), "\x04", 'of its type');
is($id1, unpack('H*', substr sha256("$name1\n$typed"), 0, 4), 'with its id');

$by{w1} = { name => $name1, id => pack('H*', $id1), pub => substr($typed, 1),
            public => "$dir/w1.pub" };
$by{w2} = trust_key('witness.example/w2', file => 'w2', type => 4);

# as openssl reads them: SubjectPublicKeyInfo of RFC 8410

write_file($_->{der} = "$dir/" . ($_->{name} =~ s{.*/}{}r) . '.der',
           pack('H*', '302a300506032b6570032100') . $_->{pub}) for values %by;

refused(debar('root', 'new', '--approver', "$dir/w1.pub", '-o', "$dir/root"),
        qr/witness's key/, 'it approves no list');


# Whether a line is a cosignature of the text by this witness; its time.

sub cosigned {
    my ($line, $text, $w) = @_;
    my ($b64) = $line =~ /\A\xe2\x80\x94 \Q$w->{name}\E (\S+)\n\z/ or return 0;
    my ($id, $time, $sig) = unpack 'a4 Q> a*', decode_base64($b64);

    return 0 if $id ne $w->{id} || length $sig != 64;

    my $in = write_file("$dir/message", "cosignature/v1\ntime $time\n$text");
    my $to = write_file("$dir/signature", $sig);

    return 0 if run_command(['openssl', 'pkeyutl', '-verify', '-rawin',
                             '-pubin', '-keyform', 'DER', '-inkey', $w->{der},
                             '-in', $in, '-sigfile', $to])->{status} != 0;
    return $time;
}


# --- what is asked ------------------------------------------------------------

# PROOF(m, D[n]) of RFC 6962 section 2.1.2.

sub subproof {
    my ($m, $whole, @d) = @_;
    my $n = @d;

    return $whole ? () : sealed_root(@d) if $m == $n;

    my $k = 1;
    $k *= 2 while $k * 2 < $n;

    return $m <= $k
           ? (subproof($m, $whole, @d[0 .. $k - 1]), sealed_root(@d[$k .. $n - 1]))
           : (subproof($m - $k, 0, @d[$k .. $n - 1]), sealed_root(@d[0 .. $k - 1]));
}

sub proof { my ($m, @d) = @_; return $m && $m < @d ? subproof($m, 1, @d) : () }

sub text_of { return "$origin\n" . @_ . "\n"
                     . encode_base64(sealed_root(@_), '') . "\n" }

sub request {
    my ($old, $proof, $note) = @_;

    return join '', "old $old\n", (map { encode_base64($_, '') . "\n" } @$proof),
                "\n", $note;
}

my $http = HTTP::Tiny->new(timeout => 20);

sub post {
    my ($w, $body, $path) = @_;

    return $http->post($w->{url} . ($path // '/add-checkpoint'),
                       { content => $body });
}

# Leaves of a log, grown to a size from another.

sub grow {
    my ($w, $old, $leaves, $n, %o) = @_;
    my @d = @$leaves[0 .. $n - 1];

    return post($w, request($old, [proof($old, @d)],
                            trust_note(text_of(@d), $o{key} // $log)));
}


# --- a witness ----------------------------------------------------------------

sub serve {
    my ($name, %o) = @_;
    my $w = $by{$name};

    $w->{said} = "$name-" . ++$w->{starts};
    $w->{pid} = start_process($w->{said}, debar_path(), 'audit', 'witness',
        'serve', '--key', "$dir/$name", '--pass-file', trust_passphrase(),
        '--state', $o{state} // "$dir/$name.state", '--log', $log->{public},
        '--listen', '127.0.0.1:0');
    eventually {
        ($w->{url}) = (file_text("$dir/$w->{said}.out") // '')
                      =~ m{ at (http://\S+)};
        $w->{url} || !running($w->{pid});
    } 10;

    return $w;
}

sub said { return file_text("$dir/$_[0]{said}.out") }

my @leaves = map { sha256("leaf $_") } 0 .. 99;
my @forked = (@leaves[0 .. 29], map { sha256("other $_") } 30 .. 99);
my $w = serve('w1');

ok($w->{url}, 'a witness serves') or BAIL_OUT(said($w));

$r = grow($w, 0, \@leaves, 10);
my $text = text_of(@leaves[0 .. 9]);

is($r->{status}, 200, 'the first checkpoint is cosigned') or diag($r->{content});
cmp_ok(abs(cosigned($r->{content}, $text, $w) - time), '<', 60,
       'the cosignature is that of the specification, of this minute');
is((stat "$dir/w1.state")[2] & 07777, 0700, 'what it knows is its own');
isnt((stat "$dir/w1.state")[4], 0, 'that of a user of its own') if $> == 0;

$r = grow($w, 0, \@leaves, 40);
is("$r->{status} $r->{content}", "409 10\n", 'then what is known is to be named');
is($r->{headers}{'content-type'}, 'text/x.tlog.size', 'as its type says');
is(grow($w, 10, \@leaves, 40)->{status}, 200, 'from there the log goes on');
$r = grow($w, 40, \@leaves, 40);
is($r->{status}, 200, 'and the same is cosigned again');
ok(cosigned($r->{content}, text_of(@leaves[0 .. 39]), $w), 'rightly');

# Beside other signatures, and with extensions, which are signed, too.

$text = text_of(@leaves[0 .. 40]) . "an extension\n";
$r = post($w, request(40, [proof(40, @leaves[0 .. 40])],
    "$text\n\xe2\x80\x94 someone.else AAAAAAAA\n"
    . trust_sign($text, $log, name => 'someone.else')
    . trust_sign($text, $log)));
is($r->{status}, 200, 'signatures of others are passed over');
ok(cosigned($r->{content}, $text, $w), 'and extensions are cosigned');

my $known = 41;

# name => [status, body]; none changes what is known.

my @d = @leaves[0 .. 49];
my $note = trust_note(text_of(@d), $log);
my @proof = proof($known, @d);
my @wrong = @proof;
substr($wrong[-1], 5, 1) ^= "\x01";

my @asked = (
    ['nothing' => 400, ''],
    ['no old size' => 400, "\n$note"],
    ['a size with a zero before it' => 400, request("0$known", \@proof, $note)],
    ['a negative one' => 400, request(-1, \@proof, $note)],
    ['one beyond any log' => 400, request('9' x 30, \@proof, $note)],
    ['a proof that is no base64' => 400, "old $known\nx\n\n$note"],
    ['64 lines of it' => 400, request($known, [(sha256('')) x 64], $note)],
    ['no blank line' => 400, "old $known\n$note"],
    ['a checkpoint that is none' => 400, request($known, \@proof, "a\n\nb\n")],
    ['lines with CR' => 400, request($known, \@proof, $note) =~ s/\n/\r\n/gr],
    ['no UTF-8' => 400, request($known, \@proof, $note =~ s/\n/\xff\n/r)],
    ['a NUL' => 400, request($known, \@proof, $note =~ s/\n/\0\n/r)],
    ['no signature' => 400, request($known, \@proof, text_of(@d))],
    ['a checkpoint smaller than its old size' => 400,
     request(51, \@proof, $note)],
    ['another log' => 404, request($known, \@proof,
                                   $note =~ s/gw1/gw2/r)],
    ['another key of its name' => 403,
     request($known, \@proof, trust_note(text_of(@d), $thief))],
    ['a signature of another text' => 403,
     request($known, \@proof, $note =~ s/\n50\n/\n51\n/r)],
    ['the key\'s id with another\'s signature' => 403,
     request($known, \@proof, text_of(@d) . "\n"
             . trust_sign(text_of(@d), $thief, id => $log->{id}))],
    ['a size that was' => 409, request(40, [proof(40, @d)], $note)],
    ['a size that is to be' => 409, request(45, [proof(45, @d)], $note)],
    ['an honest but old checkpoint' => 409,
     request(10, [proof(10, @d[0 .. 39])], trust_note(text_of(@d[0 .. 39]), $log))],
    ['no proof' => 422, request($known, [], $note)],
    ['a hash less' => 422, request($known, [@proof[0 .. $#proof - 1]], $note)],
    ['a hash more' => 422, request($known, [@proof, sha256('')], $note)],
    ['another hash' => 422, request($known, \@wrong, $note)],
    ['a proof from another size' => 422, request($known, [proof(40, @d)], $note)],
    ['the fork, with its own proof' => 422,
     request($known, [proof($known, @forked[0 .. 49])],
             trust_note(text_of(@forked[0 .. 49]), $log))],
    ['the same size with another root' => 409,
     request($known, [], trust_note(text_of(@forked[0 .. 40]), $log))],
    ['the same size with a proof' => 422,
     request($known, \@proof, trust_note(text_of(@leaves[0 .. 40]), $log))],
    ['too much' => 413, 'x' x 200_000],
);

for (@asked) {
    my ($name, $status, $body) = @$_;

    $r = post($w, $body);
    is($r->{status}, $status, "$name: $status") or diag($r->{content});
    is($r->{content}, "$known\n", 'with what is known') if $status == 409;
    ok(index($r->{content}, "\xe2\x80\x94") < 0, 'and nothing is cosigned')
        if $r->{status} == 200;
}

is($http->get("$w->{url}/add-checkpoint")->{status}, 405, 'it is POST');
is(post($w, request($known, \@proof, $note), '/')->{status}, 404, 'at its place');
ok(scalar(grep { /signed two roots for its 41 leaves/ } split /\n/, said($w)),
   'the fork is told') or diag(said($w));

my ($evidence) = glob "$dir/w1.state/*.fork";
my $both = file_text($evidence // '') // '';

for my $root (map { encode_base64(sealed_root(@$_), '') } [@leaves[0 .. 40]],
                                                          [@forked[0 .. 40]])
{
    like($both, qr/\n41\n\Q$root\E\n/, 'and kept, with its signature');
}

like(debar('audit', 'witness', 'show', "$dir/w1.state")->{out},
     qr/\A\Q$origin\E: 41 lines, \d{4}-/, 'what is known is shown');
ok(running($w->{pid}), 'and all of that left it alone');

# Clients that hold connections, a head without end, bodies that lie about their
# length: others are answered meanwhile.

my ($port) = $w->{url} =~ /:(\d+)$/;
my @held = map {
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
            or die;
    syswrite $s, "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n";
    $s;
} 1 .. 20;

local $SIG{PIPE} = 'IGNORE';

for my $head ("X: " . 'x' x 100_000, "Content-Length: -1", "Content-Length: 1e9",
              "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
              "Content-Length: 5\r\n\r\nold")
{
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);

    syswrite $s, "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n$head\r\n\r\n";
    shutdown $s, 1;
    push @held, $s;
}

is(grow($w, $known, \@leaves, $known, key => $thief)->{status}, 403,
   'who holds connections keeps nobody out');
is(post($w, request($known, [], trust_note($text, $log)))->{status}, 200,
   'nor from being cosigned');
@held = ();

# A second one with its folder would sign the other side.

$r = debar('audit', 'witness', 'serve', '--key', "$dir/w1", '--pass-file',
           trust_passphrase(), '--state', "$dir/w1.state", '--log',
           $log->{public}, '--listen', '127.0.0.1:0');
refused($r, qr/another witness works there/, 'there is one witness a folder');

# Sixteen at once ask for sixteen forks: one gets its cosignature.

my @many = map {
    my $i = $_;
    my @f = (@leaves[0 .. 40], map { sha256("fork $i $_") } 41 .. 44);
    request($known, [proof($known, @f)], trust_note(text_of(@f), $log));
} 1 .. 16;
my @pids = map {
    my $i = $_;
    my $pid = fork // die;

    if ($pid == 0) {
        my $got = post($w, $many[$i]);
        write_file("$dir/many.$i", "$got->{status} $got->{content}");
        POSIX::_exit(0);
    }

    $pid;
} 0 .. $#many;

waitpid $_, 0 for @pids;

my @got = map { file_text("$dir/many.$_") } 0 .. $#many;

is(scalar(grep { /^200 / } @got), 1, 'of forks that come at once one is signed');
is(scalar(grep { /^409 45\n/ } @got), 15, 'and the others are not')
    or diag(join '', @got);
stop_process($w->{pid});


# --- kill -9 ------------------------------------------------------------------

# A log grows while the witness is killed; what it cosigned it knows, and a fork
# from before it is never signed.

my ($acked, $lost, $both_sides) = (0, 0, 0);
my @grown = map { sha256("grown $_") } 0 .. 8 * $kills;
my @steps = map { request($_, [proof($_, @grown[0 .. $_])],
                          trust_note(text_of(@grown[0 .. $_]), $log)) }
            0 .. $#grown;
my $state = "$dir/killed";

for my $i (1 .. $kills) {
    $w = serve('w2', state => $state);

    # what it knows of, by the first request of all

    my $at = post($w, $steps[0])->{content};

    $at = 1 if $at !~ /\A\d+\n\z/;
    $lost++ if $at < $acked;

    # the fork of what was acknowledged

    if ($acked) {
        my @f = (@grown[0 .. $acked - 2], sha256("fork $i"));

        $both_sides++ if post($w, request($at, [], trust_note(text_of(@f), $log)))
                         ->{status} == 200;
    }

    # some time behind the first that is acknowledged

    pipe my $go, my $begun or die;
    my $killer = fork // die;

    if ($killer == 0) {
        close $begun;
        sysread $go, my $byte, 1;
        sleep(rand 0.03);
        kill 'KILL', $w->{pid};
        POSIX::_exit(0);
    }

    close $go;

    for my $n ($at .. $at + 7) {
        last if $n > $#steps || post($w, $steps[$n])->{status} != 200;
        $acked = $n + 1;
        syswrite $begun, '.' if $n == $at;
    }

    close $begun;
    waitpid $killer, 0;
    stop_process($w->{pid}, 'KILL');
}

cmp_ok($acked, '>=', $kills, "a log of $acked lines grew through $kills kills");
is($lost, 0, 'what was cosigned before a kill is known after it');
is($both_sides, 0, 'and no other side of it was signed');

my ($file) = glob "$state/*.checkpoint";

write_file($file, substr file_text($file), 0, 60);
$w = serve('w2', state => $state);
ok(!running($w->{pid}), 'what it knows cannot be read: it does not begin anew');
like(said($w), qr/take it from a copy/, 'and says so');
stop_process($w->{pid});


# --- a log and its witnesses --------------------------------------------------

unlink glob "$dir/w1.state/*";
serve($_) for 'w1', 'w2';

my @lines = map { sealed_line($_) } 0 .. 699;
my $dir_log = "$dir/gw/audit";
my $sealed = sealed_log($dir_log, $log, closed => [[@lines[0 .. 299]]],
                        live => [@lines[300 .. 599]]);
my @named = map { ('--witness', $by{$_}{url}, '--witness-key',
                   $by{$_}{public}) } 'w1', 'w2';
my @keys = ('--witness', $by{w1}{public}, '--witness', $by{w2}{public});

sub verify { return audit('verify', $_[0], '--key', $log->{public}, '-q',
                          @_[1 .. $#_]) }

refused(verify($dir_log, @keys), qr/uncosigned: no checkpoint is cosigned by/,
        'a log that no witness knows');

$r = audit('witness', 'ask', $dir_log, @named);
is($r->{status}, 0, 'both are asked') or diag($r->{err});
like($r->{out}, qr/600 lines cosigned by witness.example\/w1.*\n.*600 lines /,
     'and have cosigned');

# more lines, another checkpoint

sealed_log("$dir/grown", $log, closed => [[@lines[0 .. 299]]],
           live => [@lines[300 .. 699]]);
write_file("$dir/grown/sealed/cosigned", file_text("$dir_log/sealed/cosigned"));
$dir_log = "$dir/grown";
write_file("$dir_log/witness", "# whom the sealer asks\n\n" . join '',
           map { "$by{$_}{url} " . file_text($by{$_}{public}) } 'w1', 'w2');

$r = audit('witness', 'ask', $dir_log, '--json');
is($r->{status}, 0, 'those of DIR/witness are asked') or diag($r->{err});
is(join(' ', map { $_->{size} } @{ decode_json($r->{out})->{witnesses} }),
   '700 700', 'for the log that has grown');

my $notes = file_text("$dir_log/sealed/cosigned");

is(scalar(() = $notes =~ /^\xe2\x80\x94 witness/mg), 4, 'each is appended');

for my $name ('w1', 'w2') {
    my ($line) = $notes =~ /\n700\n.*?(\xe2\x80\x94 witness.example\/$name \S+\n)/s;

    ok(cosigned($line, text_of(@{ sealed_log("$dir/again", $log, closed =>
           [[@lines[0 .. 299]]], live => [@lines[300 .. 699]])->{leaves} }),
           $by{$name}), "that of $name holds");
}

$r = audit('verify', $dir_log, '--key', $log->{public}, @keys,
           '--witness-age', '10m');
is($r->{status}, 0, 'the log is what both have cosigned') or diag($r->{err});
like($r->{out}, qr/cosigned by witness.example\/w2 at \S+: 700 of 700 lines/,
     'up to a line, at a time');
is_deeply([map { $_->{size} } @{ decode_json(audit('verify', $dir_log, @keys,
           '--json')->{out})->{witnesses} }], [700, 700], 'in JSON, too');
is(audit('verify', $dir_log, @keys, '--witness-quorum', 3)->{status}, 2,
   'a quorum is of those who are named');
is(audit('verify', $dir_log, '--witness', $log->{public})->{status}, 1,
   'a sealer\'s key is no witness');

# a torn end, and bytes that are no note, hide nothing and are gone

write_file("$dir_log/sealed/cosigned", $notes . "317\ndebar-audit/gw1\n70");
is(verify($dir_log, @keys)->{status}, 0, 'a torn end is passed over');
is(audit('witness', 'ask', $dir_log)->{status}, 0, 'and asked again behind it');
is(substr(file_text("$dir_log/sealed/cosigned"), 0, length $notes), $notes,
   'it is cut, and nothing else');
is(scalar(() = file_text("$dir_log/sealed/cosigned") =~ /^\d+\ndebar-audit/mg),
   6, 'the end is whole');


# --- proofs -------------------------------------------------------------------

$r = audit('prove', sealed_incident(123), $dir_log, '-o', "$dir/proof");
is($r->{status}, 0, 'a proof') or diag($r->{err});
is($r->{err}, '', 'which witnesses have cosigned');

my $p = decode_json(file_text("$dir/proof"));
my ($body) = Encode::encode_utf8($p->{checkpoint}) =~ /\A(.*?\n)\n/s;

for my $name ('w1', 'w2') {
    my ($line) = Encode::encode_utf8($p->{checkpoint})
                 =~ /^(\xe2\x80\x94 witness.example\/$name \S+\n)/m;
    ok(cosigned($line // '', $body, $by{$name}), "has the one of $name");
}

my @check = ('check-proof', "$dir/proof", '--key', $log->{public});

$r = audit(@check, @keys);
is($r->{status}, 0, 'is proved with both') or diag($r->{err});
like($r->{out}, qr/^cosigned by witness.example\/w1 at \d{4}-/m, 'and says when');
like(audit(@check)->{out}, qr/cosigned by 2 that were not checked/,
     'or that nobody looked');

my $w3 = trust_key('witness.example/w3', file => 'w3', type => 4)->{public};

refused(audit(@check, '--witness', $w3),
        qr/not cosigned by witness.example\/w3/, 'who has not cosigned has not');
is(audit(@check, @keys, '--witness', $w3, '--witness-quorum', 2)
   ->{status}, 0, 'two of three have');

my $wrong = $p->{checkpoint};
my ($b64) = $wrong =~ /witness.example\/w2 (\S+)/;
my $raw = decode_base64($b64);

substr($raw, 11, 1) ^= "\x01";
$b64 = encode_base64($raw, '');
$wrong =~ s/(witness.example\/w2) \S+/$1 $b64/;
write_file("$dir/proof", encode_json({ %$p, checkpoint => $wrong }));
refused(audit(@check, @keys), qr/false cosignature by witness.example\/w2/,
        'another time is another cosignature');
is(audit(@check, '--witness', $by{w1}{public})->{status}, 0,
   'which is w2\'s, not w1\'s');


# --- who has the sealer's key ---------------------------------------------------

# All of it anew, by the same key: lines, hashes, checkpoints.

my @rewritten = map { $_ == 123 ? $lines[$_] =~ s/"block"/"pass"/r : $lines[$_] }
                0 .. 699;

sub rewritten {
    my ($name, $cosigned, %o) = @_;

    sealed_log("$dir/$name", $log, closed => [[@rewritten[0 .. 299]]],
               live => [@rewritten[300 .. $o{last} // 699]]);
    write_file("$dir/$name/sealed/cosigned", $cosigned) if defined $cosigned;

    return "$dir/$name";
}

my $cosigned = file_text("$dir_log/sealed/cosigned");
my $bad = rewritten('rewritten', $cosigned);

is(verify($bad)->{status}, 0, 'by the sealer\'s key alone the log is intact');
refused(verify($bad, @keys),
        qr/cosigned: changed: its first 600 lines are not those that witness/,
        'its witnesses know better');
refused(verify($bad, '--witness', $by{w2}{public}), qr/cosigned: changed/,
        'one is enough');
refused(audit('witness', 'ask', $bad, @named), qr/A FORK.*\n.*A FORK/,
        'and none of them cosigns it');
refused(verify(rewritten('without'), @keys), qr/uncosigned/,
        'what they cosigned is taken away: none has cosigned it');

my ($first) = $cosigned =~ /\A(\d+\n.*?)\d+\ndebar-audit/s;

refused(verify(rewritten('garbled', "7\nnothing" . $cosigned =~ s/A/B/gr), @keys),
        qr/uncosigned/, 'or garbled: none has, either');
refused(verify(rewritten('old', $first), @keys), qr/changed/,
        'or all but the first: that one is enough');

# Its proofs have the sealer's word, and no other.

$r = audit('prove', sealed_incident(123), $bad, '-o', "$dir/forged");
is($r->{status}, 0, 'what was rewritten is proved ...');
like($r->{err}, qr/not of this log as it is/, '... which is doubted');
is(audit('check-proof', "$dir/forged", '--key', $log->{public})->{status}, 0,
   'and holds by the sealer\'s key');
refused(audit('check-proof', "$dir/forged", '--key', $log->{public}, @keys),
        qr/not cosigned by/, 'not by a witness\'s');

# A witness that stopped: what it cosigned is made here, by openssl, of a year
# that is over.

my $body_now = text_of(@{ sealed_log("$dir/stopped", $log,
                                     live => \@lines)->{leaves} });
my $then = 1_700_000_000;
my $made = write_file("$dir/message", "cosignature/v1\ntime $then\n$body_now");
my $sig = run_command(['openssl', 'pkeyutl', '-sign', '-rawin', '-inkey',
                       $by{w2}{pem}, '-in', $made])->{out};
my $of_then = trust_note($body_now, $log) . "\xe2\x80\x94 $by{w2}{name} "
              . encode_base64(pack('a4 Q> a*', $by{w2}{id}, $then, $sig), '')
              . "\n";

write_file("$dir/stopped/sealed/cosigned", length($of_then) . "\n$of_then");
$r = audit('verify', "$dir/stopped", '--key', $log->{public}, '--witness',
           $by{w2}{public});
is($r->{status}, 0, 'a cosignature by openssl holds') or diag($r->{err});
like($r->{out}, qr/w2 at 2023-11-14T22:13:20Z: 700 of 700/, 'of its time');
refused(verify("$dir/stopped", '--witness', $by{w2}{public}, '--witness-age',
               '30d'), qr/stale: witness.example\/w2 cosigned last at 2023-/,
        'which is too long ago where that is asked');

# An old log put back: the witness has seen more, and its note is at hand.

my $old = "$dir/back";

sealed_log($old, $log, live => [@lines[0 .. 499]]);
write_file("$old/sealed/cosigned", $cosigned);
is(verify($old)->{status}, 0, 'an old log is intact, too');
refused(verify($old, @keys), qr/cosigned: truncated: it has 500 lines, and/,
        'its witnesses have seen more');
unlink "$old/sealed/cosigned";
refused(audit('witness', 'ask', $old, @named),
        qr/has cosigned 700 lines of \S+, which has 500/, 'and say so');

write_file("$dir/kept", audit('witness', 'show', "$dir/w1.state", $origin)->{out});
refused(verify($old, '--checkpoint', "$dir/kept"), qr/truncated/,
        'with the note that the witness has, whoever has none');
refused(verify($bad, '--checkpoint', "$dir/kept"), qr/changed/,
        'a rewritten log is found out, too');
is(verify($dir_log, '--checkpoint', "$dir/kept")->{status}, 0,
   'and the honest one is');


# --- the sealer asks by itself --------------------------------------------------

my $live = "$dir/live/audit";

# leaves of the checkpoint that was cosigned last

sub latest {
    my @all = (file_text("$live/sealed/cosigned") // '')
              =~ /^debar-audit\/gw1\n(\d+)\n/mg;

    return $all[-1] // 0;
}

unlink glob "$dir/w2.state/*";
stop_process($by{w2}{pid});
serve('w2');
write_file("$live/audit.jsonl", join '', map { "$_\n" } @lines[0 .. 9]);
write_file("$live/witness",
           "every 1s\n$by{w2}{url} " . file_text($by{w2}{public}));

my $sealer = start_process('sealer', debar_path(), 'audit', 'seal', '--follow',
    $live, '--key', "$dir/sealer", '--pass-file', trust_passphrase(), '--every',
    '100ms');

ok(eventually(sub { latest() == 10 }, 10), 'the sealer has its log cosigned')
    or diag(file_text("$dir/sealer.out"));

open my $more, '>>', "$live/audit.jsonl" or die;
syswrite $more, join '', map { "$_\n" } @lines[10 .. 29];
ok(eventually(sub { latest() == 30 }, 10), 'as it grows')
    or diag(file_text("$dir/sealer.out"));

syswrite $more, "$lines[30]\n";
stop_process($sealer);
ok(eventually(sub { latest() == 31 }, 10), 'and as it ends')
    or diag(file_text("$dir/sealer.out"));
is(verify($live, '--witness', $by{w2}{public})->{status}, 0, 'which verifies');

# The gateway's operator sees it.

$r = debar('gateway', 'init', "$dir/shown", '--listen', '127.0.0.1:3128',
           '--resolver', '127.0.0.1:53');
is($r->{status}, 0, 'a gateway') or diag($r->{err});
write_file("$dir/shown/audit/$_", file_text("$live/$_"))
    for 'witness', 'sealed/cosigned';
is_deeply([map { "$_->{witness} $_->{size}" }
           @{ decode_json(debar('gateway', 'status', "$dir/shown", '--json')
                          ->{out})->{sealer}{witnesses} || [] }],
          ['witness.example/w2 31'], 'whose status says what is cosigned');

stop_process($by{$_}{pid}) for 'w1', 'w2';
refused(audit('witness', 'ask', $dir_log), qr/is the URL right.*\n.*is the URL/,
        'witnesses that are away are named');



# --- a false witness ------------------------------------------------------------

# Whatever it answers: nothing is kept, and it is told.

my $line = trust_sign('x', $log, name => $by{w1}{name});
my %answers = (
    empty => ['200 OK', 'text/plain', ''],
    page => ['200 OK', 'text/html', '<html>welcome</html>'],
    other => ['200 OK', 'text/plain', $line],
    false => ['200 OK', 'text/plain', "\xe2\x80\x94 $by{w1}{name} "
              . encode_base64($by{w1}{id} . 'x' x 72, '') . "\n"],
    untyped => ['409 Conflict', 'text/plain', "5\n"],
    unsaid => ['409 Conflict', 'text/x.tlog.size', "many\n"],
    wild => ['409 Conflict', 'text/x.tlog.size', undef],
    huge => ['200 OK', 'text/plain', 'x' x 2_000_000],
    moved => ['307 Temporary Redirect', 'text/plain', ''],
    broken => ['500 Internal Server Error', 'text/plain', ''],
);
my $liar = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8) or die;
my $liar_url = 'http://127.0.0.1:' . $liar->sockport;
my $lies = fork // die;

if ($lies == 0) {
    $SIG{PIPE} = 'IGNORE';

    while (my $c = $liar->accept) {
        my ($head, $n) = ('', 0);

        while ($head !~ /\r\n\r\n/ && sysread $c, $head, 4096, length $head) { }

        my ($what) = $head =~ m{^POST /(\w+)/add-checkpoint };
        my ($len) = $head =~ /^content-length: (\d+)/mi;
        my $rest = $len - (length($head) - index($head, "\r\n\r\n") - 4);

        while ($rest > 0 && ($n = sysread $c, my $skip, $rest)) { $rest -= $n }

        my ($status, $type, $text) = @{ $answers{$what} };

        $text //= 1 + int(rand 600) . "\n";
        print {$c} "HTTP/1.1 $status\r\nContent-Type: $type\r\n"
                   . "Location: $liar_url/other/add-checkpoint\r\n"
                   . 'Content-Length: ' . length($text)
                   . "\r\nConnection: close\r\n\r\n$text";
        close $c;
    }

    POSIX::_exit(0);
}

for my $what (sort keys %answers) {
    $r = audit('witness', 'ask', $dir_log, '--witness', "$liar_url/$what",
               '--witness-key', $by{w1}{public});
    refused($r, qr{/\Q$what\E.*: .+}, "an answer that is $what");
}

kill 'KILL', $lies;
waitpid $lies, 0;
is(file_text("$dir_log/sealed/cosigned"), $cosigned, 'nothing of it is kept');

done_testing();

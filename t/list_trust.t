#!/usr/bin/perl

# Who approves a list: keys, roots, proposals, approvals.  What the command
# signs is checked by openssl, what openssl signs by the command, and every way
# to get a list approved by fewer people than it takes is refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Fcntl ();
use JSON::PP;
use POSIX ();
use Test::More;

use Debar::Test;
use Debar::Test::Trust;

my $dir = test_dir();
my $pass = trust_passphrase();

sub debar { return run_command([debar_path(), @_]) }

sub refused {
    my ($r, $why, $claim) = @_;

    my $ok = $r->{status} == 1 && $r->{err} =~ $why
             && ($r->{err} =~ tr/\n//) == 1 && $r->{err} !~ /BEGIN|PRIVATE/;

    ok($ok, $claim) or diag("status $r->{status}: $r->{err}");
}

sub done {
    my ($r, $claim) = @_;

    is($r->{status}, 0, $claim) or diag($r->{err});
}


# --- keys ---------------------------------------------------------------------

my $r = debar('key', 'new', 'erna.smith', '-o', "$dir/erna", '--pass-file',
              $pass);

done($r, 'a key is made');
like($r->{out}, qr/\Aerna\.smith\+[0-9a-f]{8}\+[A-Za-z0-9+\/]{44}\n\z/,
     'and its public half printed, alone');
is(file_text("$dir/erna.pub"), $r->{out}, 'which is in the .pub file, too');
is((stat "$dir/erna")[2] & 07777, 0600, 'the private one is for its owner alone');
like(file_text("$dir/erna"), qr/BEGIN ENCRYPTED PRIVATE KEY/, 'and encrypted');
is(join('', glob "$dir/.erna*"), '', 'nothing is left beside');

my ($made) = $r->{out} =~ /(\S+)/;

is(debar('key', 'show', "$dir/erna")->{out}, "$made\n",
   'a key file says whose it is without a passphrase');
is(decode_json(debar('key', 'show', "$dir/erna.pub", '--json')->{out})->{key},
   $made, 'as JSON');
done(debar('key', 'show', "$dir/erna", '--open', '--pass-file', $pass),
     'the passphrase opens it');

my $asn1 = run_command(['openssl', 'asn1parse', '-in', "$dir/erna"])->{out};

like($asn1, qr/:PBES2.*:scrypt.*:aes-256-cbc/s,
     'PBES2 by scrypt and AES-256, says openssl');

my $pkey = run_command(['openssl', 'pkey', '-in', "$dir/erna", '-passin',
                        "file:$pass", '-pubout', '-outform', 'DER']);

is((trust_vkey('erna.smith', substr $pkey->{out}, -32))[0], $made,
   'openssl opens it, too, and has the same public half');

my $wrong = write_file("$dir/wrong", "not the passphrase\n");

chmod 0600, $wrong;
refused(debar('key', 'show', "$dir/erna", '--pass-file', $wrong),
        qr/passphrase does not open it/, 'another passphrase does not');
refused(debar('key', 'new', 'erna', '-o', "$dir/erna", '--pass-file', $pass),
        qr/there already; name another/, 'no key is written over');
refused(debar('key', 'new', 'fred', '-o', "$dir/fred"),
        qr/no terminal.*--pass-file/, 'without a terminal it says what to do');
refused(debar('key', 'new', 'fred flint', '-o', "$dir/fred", '--pass-file',
              $pass), qr/no spaces/, 'a name has no spaces');
refused(debar('key', 'new', 'fred', '-o', "$dir/none/fred", '--pass-file',
              $pass), qr/folder that is there/, 'a folder has to be there');

write_file($wrong, "short\n");
chmod 0600, $wrong;
refused(debar('key', 'new', 'fred', '-o', "$dir/fred", '--pass-file', $wrong),
        qr/too short/, 'a short passphrase is none');
chmod 0644, $wrong;
refused(debar('key', 'new', 'fred', '-o', "$dir/fred", '--pass-file', $wrong),
        qr/others may read it: chmod 600/,
        'nor is one that others may read');
ok(!-e "$dir/fred" && !-e "$dir/fred.pub", 'and nothing was made');

chmod 0644, "$dir/erna";
refused(debar('key', 'show', "$dir/erna", '--pass-file', $pass),
        qr/others may read this private key: chmod 600/,
        'a private key that others may read is not used');
chmod 0600, "$dir/erna";

refused(debar('key', 'show', $pass), qr/not a public key/,
        'a file that is no key is named');


# On a terminal the passphrase is asked twice and not shown.

sub on_terminal {
    my ($answers, @command) = @_;

    my $tty = POSIX::open('/dev/ptmx', &POSIX::O_RDWR | &Fcntl::O_NOCTTY)
              // return undef;

    open my $master, '+<&=', $tty or return undef;

    my $unlock = pack 'i', 0;
    my $n = pack 'i', 0;

    ioctl $master, 0x40045431, $unlock or return undef;       # TIOCSPTLCK
    ioctl $master, 0x80045430, $n or return undef;            # TIOCGPTN

    my $pid = fork // return undef;

    if ($pid == 0) {
        POSIX::setsid();
        open STDIN, '+<', '/dev/pts/' . unpack 'i', $n or POSIX::_exit(126);
        open STDOUT, '>&', \*STDIN;
        open STDERR, '>&', \*STDIN;
        close $master;
        exec @command or POSIX::_exit(127);
    }

    my $out = '';
    my $until = time + 20;

    while (time < $until) {
        my $set = '';

        vec($set, fileno($master), 1) = 1;

        if (select $set, undef, undef, 0.2) {
            sysread $master, $out, 4096, length $out or last;
        }

        for my $a (grep { !$_->[2] } @$answers) {
            my $tio = POSIX::Termios->new;

            # the question comes a moment before the terminal stops echoing

            $tio->getattr(fileno $master);
            last if $out !~ $a->[0]
                    || $a->[0] =~ /phrase/i && $tio->getlflag & &POSIX::ECHO;
            $a->[2] = 1;
            syswrite $master, "$a->[1]\n";
        }
    }

    kill 'KILL', $pid if time >= $until;
    waitpid $pid, 0;

    return ($?, $out);
}

my ($status, $shown)
    = on_terminal([[qr/New passphrase[^:]*: /, 'a word and another one'],
                   [qr/Verifying[^:]*passphrase[^:]*: /, 'a word and another one']],
                  debar_path(), 'key', 'new', 'gerda', '-o', "$dir/gerda");

SKIP: {
    skip 'no pseudo terminals here', 3 if !defined $status;

    is($status, 0, 'on a terminal a passphrase is asked') or diag($shown);
    like($shown, qr/New passphrase.*Verifying/s, 'twice');
    unlike($shown, qr/another one/, 'and not shown');
}


# --- roots --------------------------------------------------------------------

my %key = map { $_ => trust_key($_) } qw(anna bob carol dora);
my @by = ('--pass-file', $pass, '--yes');
my $root = "$dir/root";

sub sign_root { return debar('root', 'sign', $_[0], '--key', $key{$_[1]}{file},
                             @by, @_[2 .. $#_]) }

$r = debar('root', 'new', (map { ('--approver', $key{$_}{public}) }
                           qw(anna bob carol)), '-o', $root);
done($r, 'a root is made');
like($r->{out}, qr/takes 2 of 3 approvals/, 'that takes two approvals');
refused(debar('root', 'check', $root), qr/nobody has signed it/,
        'which nobody has signed yet');
done(sign_root($root, 'anna'), 'an approver signs it');
refused(debar('root', 'check', $root), qr/1 of 2 approvals/,
        'one of two is not enough');
refused(sign_root($root, 'anna'), qr/anna has signed it already/,
        'nor can one sign twice');
refused(sign_root($root, 'dora'), qr/dora.*is not an approver's/,
        'nor who is not named in it');
refused(debar('root', 'sign', $root, '--key', $key{bob}{public}, @by),
        qr/not a private key.*not its \.pub/,
        'nor a public key, which is an easy mistake');
refused(debar('root', 'sign', $root, '--key', $key{bob}{file}, '--pass-file',
              $pass), qr/no terminal.*--yes/, 'nor unasked');
done(sign_root($root, 'bob'), 'a second one signs');
$r = debar('root', 'check', $root);
done($r, 'and it is one to trust');
like($r->{out}, qr/carol\s+\S+\s+has not signed/, 'as it says of each');
ok(trust_verifies(file_text($root), $key{$_}), "openssl finds ${_}'s good")
    for qw(anna bob);

my $text = file_text($root) =~ s/\n\n.*/\n/sr;
my $second = trust_root(version => 2, approvers => [@key{qw(bob carol dora)}],
                        revoked => [$key{anna}], previous => $text);

sub root_file {
    my ($text, @keys) = @_;

    return write_file("$dir/a-root", trust_note($text, @key{@keys}));
}

sub follows { return debar('root', 'check', root_file(@_), '--from', $root) }

done(follows($second, qw(bob carol)),
     'a root follows, signed by openssl for both that were and are approvers');
done(follows($second, qw(anna bob dora)),
     'or by enough of each, also of who is revoked by it');
refused(follows($second, qw(bob dora)),
        qr/1 of 2 approvals.*old approvers/,
        'not by new approvers alone');
refused(follows($second, qw(anna bob)), qr/1 of 2 approvals.*revokes that key/,
        'nor by old ones alone');
refused(follows($second, 'bob'), qr/1 of 2/, 'nor by one of both');
refused(follows($second, qw(bob bob bob)), qr/1 of 2/, 'nor by one three times');
refused(follows($second =~ s/version 2/version 3/r, qw(bob carol)),
        qr/version 3 does not follow version 1/, 'no version is left out');
refused(follows(trust_root(version => 2, approvers => [@key{qw(bob carol)}],
                           previous => "$text "), qw(bob carol)),
        qr/another version of that number/, 'it names the very one before it');
refused(follows($second =~ s/until \S+/"until " . trust_time(-10)/er,
                qw(bob carol)), qr/expired on .*root next/,
        'one that has expired says what to do');
refused(debar('root', 'check', root_file($text =~ s/approver carol.*\n//r,
                                         qw(anna))), qr/1 of 2/,
        'a root is not its own proof with one signature');

my $next = "$dir/root2";

done(debar('root', 'next', $root, '--revoke', 'anna', '--approver',
           $key{dora}{public}, '-o', $next), 'the command makes the next');
done(sign_root($next, 'bob', '--from', $root), 'an approver of both signs it');
done(sign_root($next, 'anna', '--from', $root), 'and who leaves');
refused(debar('root', 'check', $next, '--from', $root), qr/1 of 2 approvals/,
        'which does not make two of the new ones');
refused(sign_root($next, 'anna'), qr/already/, 'and not twice');
done(sign_root($next, 'dora', '--from', $root), 'who is new does');
done(debar('root', 'check', $next, '--from', $root), 'and it is one to trust');
is((stat $next)[2] & 07777, 0644, 'others may read it still');

refused(debar('root', 'next', $next, '--approver', $key{anna}{public}, '-o',
              "$dir/root3"), qr/key of anna is revoked/,
        'a revoked key does not come back');
refused(debar('root', 'next', $next, '--revoke', 'hans', '-o', "$dir/root3"),
        qr/no approver of this name/, 'who is not in it cannot be revoked');

my $third = trust_root(version => 3, approvers => [@key{qw(bob carol)}],
                       previous => file_text($next) =~ s/\n\n.*/\n/sr);

refused(debar('root', 'check', root_file($third, qw(bob carol)), '--from',
              $next), qr/no longer revoked/,
        'nor is a revoked key forgotten by the next version');


# Two approvers are two people, as far as names and keys can tell.

my ($other) = trust_vkey('bob.too', $key{bob}{pub});

for (['the same key twice', [$key{bob}{public}, $key{bob}{public}],
      qr/have the same key/],
     ['one key under two names', [$key{bob}{public}, $other],
      qr/bob and bob\.too have the same key/],
     ['two keys of one name', [$key{bob}{public},
      trust_key('bob', file => 'bob2')->{public}], qr/look alike/],
     ['a name in other case', [$key{bob}{public},
      trust_key('BOB', file => 'bob3')->{public}], qr/look alike/],
     ['a Cyrillic letter', [$key{anna}{public},
      trust_key("\xd0\xb0nna", file => 'anna2')->{public}], qr/look alike/],
     ['l and 1', [trust_key('carl', file => 'carl')->{public},
      trust_key('car1', file => 'carl2')->{public}], qr/look alike/],
     ['fewer than the threshold', [$key{bob}{public}],
      qr/2 approvals are wanted of 1/])
{
    my ($claim, $public, $why) = @$_;

    refused(debar('root', 'new', (map { ('--approver', $_) } @$public), '-o',
                  "$dir/no-root"), $why, "no root: $claim");
}

ok(!-e "$dir/no-root", 'none of them was written');

refused(debar('root', 'new', '--approver', $key{bob}{public}, '--approver',
              $key{anna}{public}, '--until', '2020-01-01', '-o', "$dir/no-root"),
        qr/that is past/, 'nor one that has expired');
refused(debar('root', 'new', '--approver', $key{bob}{public} . 'x', '-o',
              "$dir/no-root"), qr/No such file.*debar key new/,
        'a key that is not there');
refused(debar('root', 'check', $pass), qr/not a root file/, 'a file that is no root');
is(debar('root', 'new', '-o', "$dir/no-root")->{status}, 2,
   'a root without approvers is a usage error');


# --- proposals ----------------------------------------------------------------

my $mdb = build_list(write_list("$dir/list", serial => 7), "$dir/list.mdb");
my $proposal = "$dir/proposal";
my $preview = write_file("$dir/preview.json",
                         qq({"newly_blocked":12,"of":"\\u001b[2J"}\n));

$r = debar('list', 'propose', $mdb, '--previous', 'none', '--expires', '30d',
           '--preview', $preview, '-o', $proposal, '--json');
done($r, 'a snapshot is proposed');
is(file_text($proposal), trust_manifest($mdb, preview =>
        sha256_hex(file_text($preview)))
    =~ s/^created .*/(file_text($proposal) =~ m{^(created .*)}m)[0]/mer
    =~ s/^expires .*/(file_text($proposal) =~ m{^(expires .*)}m)[0]/mer,
   'its manifest is as it is written down');
is(decode_json($r->{out})->{serial}, 7, 'and told as JSON');

write_file("$dir/of-another.json",
           '{"candidate":{"digest":"' . 'ab' x 32 . '"}}');
refused(debar('list', 'propose', $mdb, '--previous', 'none', '--expires',
              '30d', '--preview', "$dir/of-another.json", '-o', "$dir/none"),
        qr/preview is of another list/, 'with a preview of another list it is not');
refused(debar('list', 'propose', $mdb, '--previous', 'none', '--expires',
              '30d', '--preview', $pass, '-o', "$dir/none"),
        qr/not a JSON object/, 'nor with what is none');

sub approve {
    my ($who, $p, @more) = @_;

    return debar('list', 'approve', $p, $mdb, '--root', $next, '--key',
                 ref $who ? $who->{file} : $key{$who}{file}, @by, @more);
}

$r = debar('list', 'approve', $proposal, $mdb, '--root', $next, '--show');
done($r, 'anybody may look at it');
like($r->{out}, qr/serial\ 7\ of\ "List\ of\ a\ test".*newly_blocked:\ 12
                   .*Approvals:\ 0\ of\ 2/sx, 'what it is, what it would do');
unlike($r->{out}, qr/\x1b/, 'and nothing in it drives the terminal');

$r = approve('bob', $proposal);
done($r, 'an approver signs');
like($r->{out}, qr/bob\s+\S+\s+not yet.*approved by bob\n1 more/s,
     'is shown who has not, and how many are missing');
my $one = file_text($proposal);
ok(trust_verifies($one, $key{bob}), 'openssl finds the signature good');
refused(approve('bob', $proposal), qr/bob has approved it already/,
        'one approver does not make two');
refused(approve('anna', $proposal), qr/anna.*is revoked/,
        'a revoked key is refused');
refused(approve(trust_key('eve'), $proposal), qr/eve.*is not an approver's/,
        'and one that never was');
is(file_text($proposal), $one, 'nothing of it is in the file');

# the same person's key again, under the name of another approver

my ($as, $id) = trust_vkey('carol', $key{bob}{pub});
my $again = { %{ $key{bob} }, name => 'carol', vkey => $as, id => $id,
              file => "$dir/bob-as-carol" };

write_file($again->{file}, file_text($key{bob}{file})
                           =~ s/debar-key \S+/debar-key $as/r);
chmod 0600, $again->{file};
refused(approve($again, $proposal), qr/is not an approver's/,
        'a key under another name is another key');

is(approve('carol', $proposal, '--json')->{status}, 0, 'a second approver signs');
ok(trust_verifies(file_text($proposal), $key{carol}), 'good as well');
like(debar('list', 'approve', $proposal, $mdb, '--root', $next,
           '--show')->{out}, qr/Approvals: 2 of 2.*debar list publish/s,
     'it has what it takes');


# What is refused, and leaves the file as it was.

my $proposals = 0;

sub proposal {
    my ($text, @lines) = @_;

    return write_file("$dir/p." . $proposals++, @lines ? $text . "\n" . join '', @lines : $text);
}

my $good = trust_manifest($mdb);
my $elsewhere = trust_manifest($mdb, title => 'Another list');

for (['a signature of another text',
      proposal($good, trust_sign($elsewhere, $key{bob})),
      qr/signature of bob .* is not of this text/],
     ['lines that end in CR LF', proposal($good =~ s/\n/\r\n/gr), qr/CR LF/],
     ['an empty line more', proposal("\n$good"), qr/not a manifest|nobody|note/],
     ['an empty line in it', proposal($good =~ s/\ntitle/\n\ntitle/r),
      qr/no signature|not a signed note/],
     ['a note of two MiB', proposal($good . 'x' x (2 << 20) . "\n"),
      qr/too large/],
     ['another order', proposal($good =~ s/(digest.*\n)(sha256.*\n)/$2$1/r),
      qr/not a manifest/],
     ['a line more', proposal($good . "note more\n"), qr/not a manifest/],
     ['a serial with a zero in front', proposal($good =~ s/serial /serial 0/r),
      qr/a serial from 1/],
     ['a title that turns what follows',
      proposal($good =~ s/title /title \xe2\x80\xae/r), qr/title/],
     ['a manifest that expired', proposal(trust_manifest($mdb, expires => -5)),
      qr/expired on .* approved and published/],
     ['one from the future',
      proposal(trust_manifest($mdb, created => 200000, expires => 300000)),
      qr/clock/],
     ['another serial', proposal(trust_manifest($mdb, serial => 8)),
      qr/another serial/],
     ['other rows', proposal(trust_manifest($mdb, digest => 'ab' x 32)),
      qr/other rows/],
     ['another file', proposal(trust_manifest($mdb, sha256 => 'ab' x 32)),
      qr/in another file/],
     ['another title', proposal($elsewhere), qr/another title/],
     ['a root', proposal($text), qr/is this a manifest/],
     ['a preview that is not there',
      proposal(trust_manifest($mdb, preview => 'ab' x 32)),
      qr/No such file.*--preview/])
{
    my ($claim, $file, $why) = @$_;
    my $before = file_text($file);

    refused(approve('carol', $file), $why, "not approved: $claim");
    is(file_text($file), $before, 'and nothing is signed');
}

refused(approve('carol', proposal(trust_manifest($mdb, preview => 'ab' x 32)),
                '--preview', $preview), qr/not the one that it was proposed/,
        'nor another preview');
my $words = write_file("$dir/words.json",
                       '{"words":["3 users of a.example","\u001b[2Jx"],"n":4711}');

$r = debar('list', 'approve', proposal(trust_manifest($mdb, preview =>
               sha256_hex(file_text($words)))), $mdb, '--root', $next, '--show',
           '--preview', $words);
like($r->{out}, qr/^  3 users of a\.example\n  \\x1b\[2Jx\n\n/m,
     'what a preview says in words is shown so');
unlike($r->{out}, qr/4711/, 'and its figures are not, then');
refused(approve('carol', proposal(trust_manifest($mdb, preview =>
                    sha256_hex(file_text("$dir/of-another.json")))),
                '--preview', "$dir/of-another.json"),
        qr/preview is of another list/,
        'one of another list is refused, whoever proposed it');
refused(debar('list', 'approve', proposal($good), $mdb, '--root',
              root_file(trust_root(approvers => [@key{qw(bob carol)}],
                                   until => -1, created => -99), qw(bob carol)),
              '--key', $key{bob}{file}, @by), qr/root version 1 expired/,
        'nor under a root that expired');
refused(debar('list', 'approve', proposal($good), $mdb, '--root',
              root_file(trust_root(approvers => [@key{qw(bob carol)}]), 'bob'),
              '--key', $key{bob}{file}, @by), qr/1 of 2 approvals/,
        'nor under one that too few signed');

# a stranger whose name looks like an approver's counts for nothing

my $like = trust_key("b\xd0\xbeb", file => 'bob4');

write_file("$dir/p", trust_note($good, $key{bob}, $like));
like(debar('list', 'approve', "$dir/p", $mdb, '--root', $next, '--show')->{out},
     qr/Approvals: 1 of 2/, 'a name that looks alike does not count');
write_file("$dir/p", $good . "\n" . trust_sign($good, $like, name => 'carol')
                     . trust_sign($good, $key{bob}) x 3);
like(debar('list', 'approve', "$dir/p", $mdb, '--root', $next, '--show')->{out},
     qr/Approvals: 1 of 2/,
     'nor does a stranger in the name of an approver, nor one name three times');
write_file("$dir/p", $good . "\n" . trust_sign($good, $like, name => 'carol',
                                               id => $key{carol}{id}));
refused(approve('bob', "$dir/p"), qr/signature of carol .* is not of this text/,
        'with the id of their key, too, the note is refused');


# --- what is published ----------------------------------------------------------

my $published = "$dir/published";

write_file("$published/manifest", file_text($proposal));

my $digest = (file_text($proposal) =~ /^digest (\S+)/m)[0];

refused(debar('list', 'propose', $mdb, '--previous', $published, '--expires',
              '30d', '-o', "$dir/p2"), qr/serial 7 does not go beyond 7/,
        'what is published is not proposed again');
write_list("$dir/list", serial => 8, hosts => ['new.example']);
$mdb = build_list("$dir/list", "$dir/new.mdb");
done(debar('list', 'propose', $mdb, '--previous', $published, '--expires',
           '2099-01-31', '-o', "$dir/p2", '--root', $next),
     'the next serial is');
like(file_text("$dir/p2"), qr/^previous 7 $digest$/m, 'and names what it follows');
done(approve('bob', "$dir/p2", '--previous', $published),
     'an approver compares it with what is published');
refused(approve('carol', proposal(trust_manifest($mdb)), '--previous',
                $published), qr/follows serial 0, and what is published is 7/,
        'one that follows something else is refused');
refused(approve('carol', proposal(trust_manifest($mdb, previous =>
                                                 [7, 'ab' x 32])),
                '--previous', $published), qr/with other rows/,
        'or other rows of that serial');
write_file("$published/manifest",
           trust_note(trust_manifest($mdb, serial => 9), @key{qw(bob carol)}));
refused(approve('carol', "$dir/p2", '--previous', $published),
        qr/serial 8 goes back: 9 is published already/, 'no serial goes back');
write_file("$published/manifest",
           trust_note(trust_manifest($mdb, serial => 5), $key{bob}));
refused(debar('list', 'propose', $mdb, '--previous', $published, '--expires',
              '30d', '-o', "$dir/p3", '--root', $next), qr/1 of 2 approvals/,
        'what too few approved is not followed');

refused(debar('list', 'propose', "$dir/list", '--previous', 'none',
              '--expires', '30d', '-o', "$dir/p3"), qr/debar list build/,
        'a source is not what is proposed');
refused(debar('list', 'propose', $mdb, '--previous', 'none', '--expires',
              'soon', '-o', "$dir/p3"), qr/2027-01-31.*30d/,
        'a date is said how');
refused(debar('list', 'propose', $mdb, '--previous', "$dir/nowhere",
              '--expires', '30d', '-o', "$dir/p3"), qr/none" for the first/,
        'as is what to name as published');
refused(debar('list', 'propose', $mdb, '--previous', 'none', '--expires',
              '30d', '-o', "$dir/p2"), qr/--replace: its approvals are lost/,
        'a proposal is not written over');
is(debar('list', 'approve', "$dir/p2", $mdb, '--root', $next)->{status}, 2,
   'without a key there is nothing to sign by');
like(debar('list', 'approve', "$dir/p2", '--root', $next)->{err},
     qr/name the snapshot, too/, 'nor without the snapshot');

# what changes is found out by who approves, not believed

my $old = "$dir/list.mdb";

$r = debar('list', 'propose', $mdb, '--previous', "$dir/first", '--expires',
           '30d', '-o', "$dir/p4", '--against', $old);
refused($r, qr/none" for the first/, 'there has to be something before');
write_file("$dir/first/manifest", file_text($proposal));

my @p4 = ('list', 'propose', $mdb, '--previous', "$dir/first", '--expires',
          '30d', '--replace', '-o', "$dir/p4");

$r = debar(@p4, '--against', $old);
done($r, 'what changes is found out when it is proposed');
like($r->{out}, qr/listed\.example.*new\.example/s, 'and said in words');

my ($found) = file_text("$dir/p4") =~ /^diff ([0-9a-f]{64})$/m;

is(sha256_hex(file_text("$dir/p4.diff.json")), $found // '',
   'its JSON goes beside, its digest into the manifest');
is(sha256_hex(debar('list', 'diff', $old, $mdb, '--json')->{out}), $found,
   'as `debar list diff --json` prints it');
$r = approve('dora', "$dir/p4", '--against', $old);
done($r, 'an approver finds it out, too');
like($r->{out}, qr/found\ out\ here.*listed\.example.*new\.example.*Approvals/sx,
     'and reads it before signing');
refused(approve('bob', "$dir/p4", '--against', $mdb),
        qr/name the snapshot that is published/,
        'against another list than it follows it is refused');
write_file("$dir/first/.base.mdb", file_text($old));
like(approve('bob', "$dir/p4", '--previous', "$dir/first")->{out},
     qr/found out here/, 'the folder that it is published from has the old one');
debar(@p4);
is((file_text("$dir/p4") =~ /^diff (\S+)$/m)[0], $found,
   'when it is proposed, too');

write_file("$dir/p4", file_text("$dir/p4") =~ s/^diff \w+$/"diff " . 'ab' x 32/mer);
refused(approve('bob', "$dir/p4", '--against', $old),
        qr/is not what is found to change/, 'a diff that says otherwise is seen');
refused(approve('bob', "$dir/p4"), qr/diff at hand is not the one/,
        'as is another one beside');

# on a terminal it asks, and a copy that was signed elsewhere is added

my ($secret) = file_text($pass) =~ /(.*)/;
my $text_of = trust_manifest($mdb);
my @asks = (debar_path(), 'list', 'approve', "$dir/p", $mdb, '--root', $next,
            '--key', $key{bob}{file});

write_file("$dir/p", $text_of);
($status, $shown) = on_terminal([[qr/Type yes/, 'no']], @asks);

SKIP: {
    skip 'no pseudo terminals here', 6 if !defined $status;

    is($status >> 8, 1, 'who does not say yes');
    like($shown, qr/What changes.*Approvals: 0 of 2.*not signed/s,
         'was shown it all, and signs nothing');
    is(file_text("$dir/p"), $text_of, 'so it says');
    ($status, $shown) = on_terminal([[qr/Type yes/, 'yes'],
                                     [qr/Passphrase[^:]*: /, $secret]], @asks);
    is($status, 0, 'who does, and has the passphrase, signs') or diag($shown);
    unlike($shown, qr/\Q$secret/, 'which is not shown');
    ok(trust_verifies(file_text("$dir/p"), $key{bob}), 'well');
}

write_file("$dir/p", trust_note($text_of, $key{bob}));
write_file("$dir/copy", trust_note($text_of, $key{carol}));

my @merge = ('list', 'approve', "$dir/p", $mdb, '--root', $next, '--merge');

done(debar(@merge, "$dir/copy"), 'approvals of a copy are added');
ok(trust_verifies(file_text("$dir/p"), $key{$_}), "$_ approved it")
    for qw(bob carol);
refused(debar(@merge, "$dir/copy"), qr/nothing was added/, 'not once more');
write_file("$dir/copy", trust_note($text_of, $key{anna}, $like));
refused(debar(@merge, "$dir/copy"), qr/nothing was added/,
        'nor those of others than approvers');
write_file("$dir/copy", trust_note($good, $key{dora}));
refused(debar(@merge, "$dir/copy"), qr/not a copy/, 'nor those of another list');

# two who sign at once both do

write_file("$dir/p", trust_manifest($mdb));

my @pids = map {
    my $who = $_;

    start_process("sign-$who", debar_path(), 'list', 'approve', "$dir/p", $mdb,
                  '--root', $next, '--key', $key{$who}{file}, @by);
} qw(bob carol dora);

waitpid $_, 0 for @pids;

is(scalar(grep { trust_verifies(file_text("$dir/p"), $key{$_}) }
          qw(bob carol dora)), 3, 'three who sign at once all have signed');
is(join(' ', glob "$dir/.*.tmp"), '', 'and no temporary file is left');

done_testing();

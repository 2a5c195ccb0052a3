package Debar::Test::Signed;

# Programs of Windows that a test makes and signs: mingw-w64's compiler,
# osslsigncode, certificates of an authority of the test's own.

use strict;
use warnings;

use Debar::Test;
use Exporter 'import';

our @EXPORT = qw(signer_of program_of sign_file inspect_file found_of
                 signers_of needs_programs);

my $dir;
my $made = 0;


sub here {
    return $dir if $dir;

    $dir = test_dir() . '/signed';
    mkdir $dir;

    return $dir;
}


sub run_or_die {
    my $r = run_command([@_], dir => here(), timeout => 60);

    $r->{status} == 0 or die "@_: $r->{err}$r->{out}\n";

    return $r->{out};
}


# A reason to skip, or undef.

sub needs_programs {
    for my $tool ('x86_64-w64-mingw32-gcc', 'x86_64-w64-mingw32-windres',
                  'osslsigncode')
    {
        return "$tool is not installed"
            if !grep { -x "$_/$tool" } split /:/, $ENV{PATH};
    }

    return undef;
}


# A certificate for signing code, under the test's authority (its CN is "Code
# authority of the test").  subject: as of openssl -subj, in UTF-8; key: "ec",
# "rsa" (default); ext: more extensions; config: a whole section of names
# instead of the subject.  Gives {cert, key}.

sub signer_of {
    my ($subject, %o) = @_;
    my $at = here() . '/' . ++$made;
    my @new = ($o{key} // 'rsa') eq 'ec'
            ? qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
            : qw(-newkey rsa:2048);

    if (!-e here() . '/ca.pem') {
        run_or_die(qw(openssl req -x509 -nodes -days 30 -newkey rsa:2048
                      -keyout ca.key -out ca.pem -subj),
                   '/CN=Code authority of the test');
    }

    my $use = $o{use} // 'codeSigning';

    write_file("$at.ext", "basicConstraints=critical,CA:FALSE\n"
                          . "extendedKeyUsage=$use\n");

    if ($o{config}) {
        write_file("$at.cnf", "[req]\ndistinguished_name=dn\nprompt=no\n"
                              . "string_mask=$o{mask}\nutf8=yes\n"
                              . "[dn]\n$o{config}\n");
        run_or_die('openssl', 'req', '-new', '-nodes', @new, '-utf8',
                   '-keyout', "$at.key", '-out', "$at.csr", '-config',
                   "$at.cnf");

    } else {
        run_or_die('openssl', 'req', '-new', '-nodes', @new, '-utf8',
                   '-keyout', "$at.key", '-out', "$at.csr", '-subj',
                   $subject);
    }

    run_or_die(qw(openssl x509 -req -days 30 -CA ca.pem -CAkey ca.key
                  -set_serial), 0x1000 + $made, '-in', "$at.csr", '-extfile',
               "$at.ext", '-out', "$at.pem");

    return { cert => "$at.pem", key => "$at.key", ca => here() . '/ca.pem' };
}


# A program that does nothing.  version: a hash of its version resource, in
# UTF-8; data: [name => file] pairs of RCDATA; bits: 32 or 64 (default).
# Gives its path.

sub program_of {
    my (%o) = @_;
    my $at = here() . '/' . ++$made;
    my $gcc = 'x86_64-w64-mingw32-';
    my @rc;

    write_file("$at.c", "int main(void) { return $made & 1; }\n");

    if ($o{version} || $o{data}) {
        my $rc = "#pragma code_page(65001)\n";
        my $id = 100;

        if ($o{version}) {
            $rc .= "1 VERSIONINFO\nFILEVERSION 1,2,3,4\n{\n"
                 . "BLOCK \"StringFileInfo\" {\nBLOCK \"040904b0\" {\n"
                 . join('', map { "VALUE \"$_\", \"$o{version}{$_}\"\n" }
                            sort keys %{$o{version}})
                 . "}\n}\n}\n";
        }

        $rc .= $id++ . " RCDATA \"$_\"\n" for @{$o{data} // []};

        write_file("$at.rc", $rc);
        run_or_die("${gcc}windres", '-c', '65001', "$at.rc", "$at.res.o");
        @rc = ("$at.res.o");
    }

    run_or_die("${gcc}gcc", '-s', '-o', "$at.exe", "$at.c", @rc);

    return "$at.exe";
}


# Signs in place of a copy, whose path it gives.  More: osslsigncode's options.

sub sign_file {
    my ($file, $signer, @more) = @_;
    my $out = here() . '/' . ++$made . '.signed';

    run_or_die('osslsigncode', 'sign', '-certs', $signer->{cert}, '-key',
               $signer->{key}, '-in', $file, '-out', $out, @more);

    return $out;
}


# What `debar inspect --json` tells of a file, decoded.

sub inspect_file {
    my ($file) = @_;

    require JSON::PP;

    my $r = run_command([debar_path(), 'inspect', '--json', $file],
                        timeout => 60);

    $r->{status} == 0 or die "debar inspect $file: $r->{err}\n";

    my $told = JSON::PP->new->utf8->decode($r->{out});

    served_alike($file, $told);

    return $told;
}


# In the gateway files are read by `debar inspect --serve`, by a process that may
# open nothing: it has to find the same.

my ($served, $serving);
my $first = $$;

sub served_alike {
    my ($file, $told) = @_;

    return if $> != 0;

    require Debar::Test::Inspector;

    $served //= serve() // return;

    my @frames = Debar::Test::Inspector::inspect_file($served,
                                                      file_text($file));
    my ($last) = $frames[-1];

    my $there = join "\n", (map { finding($_->[1], $_->[1]{what}) }
                            grep { $_->[0] eq 'found' } @frames),
                           $last->[0] eq 'done' ? bounds_of($last->[1])
                                                : "$last->[0]";
    my $here = join "\n", (map { finding($_, $_->{found}) }
                           @{$told->{findings}}),
                          join ' ', @{$told->{bounds}};

    return if $here eq $there;

    Test::More::fail("$file is read alike by the inspector");
    Test::More::diag("here:\n$here\nthere:\n$there");
}

sub finding {
    my ($f, $what) = @_;

    return () if $what eq 'end';
    return join '|', map { my $s = $_ // ''; utf8::encode($s)
                           if utf8::is_utf8($s); $s }
           $what, @$f{qw(depth name)},
           $what eq 'file' ? @$f{qw(size sha256)}
           : $what eq 'signer'
             ? @$f{qw(organization common_name issuer thumbprint state)}
           : $f->{value};
}

sub bounds_of {
    my @names = qw(deep members expanded held broken sealed unread coded);

    return join ' ', map { $names[$_] } grep { $_[0] >> $_ & 1 } 0 .. $#names;
}

sub serve {
    my $at = here() . '/served';
    my $user = 61237;

    mkdir $at;
    chown $user, $user, $at;
    chmod 0755, here();

    my $r = run_command([debar_path(), 'inspect', '--serve', '--socket',
                         "$at/sock", '--pid', "$at/pid", '--log', "$at/log",
                         '--user', $user, '--daemon']);

    die "debar inspect --serve: $r->{err}\n" if $r->{status};

    ($serving) = file_text("$at/pid") =~ /(\d+)/;

    return "$at/sock";
}

END { kill TERM => $serving if $serving && $$ == $first; }


# Its findings of one kind, at a depth if one is given.

sub found_of {
    my ($told, $what, $depth) = @_;

    return grep { $_->{found} eq $what
                  && (!defined $depth || $_->{depth} == $depth) }
                @{$told->{findings}};
}


# The signers, as "how O/CN state", joined by ", ".

sub signers_of {
    my ($told, $depth) = @_;

    return join ', ',
           map { "$_->{name} " . ($_->{organization} // '') . '/'
                 . ($_->{common_name} // '') . " $_->{state}" }
           found_of($told, 'signer', $depth);
}


1;

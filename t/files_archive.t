#!/usr/bin/perl

# `debar inspect FILE`: a signed program in archives of every kind, as the tools
# make them that people use, in each other, sealed, cut off, and made to hide what
# is in them.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Encode qw(encode);
use Test::More;

use Debar::Test;
use Debar::Test::Signed;

my $missing = needs_programs();

plan skip_all => $missing if $missing;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $dir = test_dir();
my $n = 0;

sub has_tool {
    my ($tool) = @_;

    return scalar grep { -x "$_/$tool" } split /:/, $ENV{PATH};
}

# Runs a tool in the test's folder; with {in} its input, gives its output.

sub tool {
    my ($command, %o) = @_;
    my $r = run_command($command, dir => $dir, timeout => 120, %o);

    $r->{status} == 0 or die "@$command: $r->{err}$r->{out}\n";

    return $r->{out};
}

# A file of the test's folder by name, relative to it.

sub put {
    my ($name, $bytes) = @_;

    write_file("$dir/$name", $bytes);

    return $name;
}

sub told { return inspect_file("$dir/$_[0]") }

# What is packed in a file, as "name type depth", joined by ", ".

sub members_of {
    my ($told) = @_;

    return join ', ', map { "$_->{name} $_->{type} $_->{depth}" }
                      grep { $_->{depth} > 0 } found_of($told, 'file');
}

sub bounds_of { return join ' ', @{$_[0]->{bounds}} }

my $acme = signer_of('/O=Acme Rocket, Inc./CN=Acme Rocket', key => 'ec');
my $other = signer_of('/O=Quiet Harbour Ltd/CN=Quiet Harbour', key => 'ec');
my $plain = program_of();
my $bytes = file_text(sign_file($plain, $acme, '-h', 'sha256'));
my $quiet = file_text(sign_file($plain, $other, '-h', 'sha256'));
my $digest = sha256_hex($bytes);
my $list = write_list("$dir/list", phases =>
                      '{from: 2000-01-01, browse: log, acquire: block,'
                      . ' download: block, update: block}',
                      hosts => ['rocket.example'], vendor =>
                      "signers: ['ACME ROCKET, INC']\n");

put('setup.exe', $bytes);
put('read me.txt', "nothing to see\n" x 1000);
mkdir "$dir/quiet";
put('quiet/setup.exe', $quiet);

sub verdict_of {
    my ($file) = @_;
    my $r = run_command([debar_path(), 'inspect', '--json', '--list', $list,
                         "$dir/$file"]);

    return JSON::PP->new->utf8->decode($r->{out})->{verdict};
}


# --- every kind --------------------------------------------------------------

# [name, type as told, tool, how: archive's path and its members]

# UDF alone: what genisoimage puts beside it is taken out.

sub bridge_of {
    my ($name, @files) = @_;

    tool(['genisoimage', '-quiet', '-input-charset', 'utf-8', '-udf', '-R',
          '-o', $name, @files]);

    return file_text("$dir/$name");
}

sub udf_of {
    my ($name) = @_;
    my $bytes = bridge_of(@_);
    my $at = 16;

    substr($bytes, $_ * 2048, 2048) = "\0" x 2048 for 16 .. 24;

    for my $id (qw(BEA01 NSR02 TEA01)) {
        substr($bytes, $at++ * 2048, 7) = "\0$id\1";
    }

    put($name, $bytes);
}

my @seven = qw(7z a -bso0 -bsp0);
my @kinds = (
    ['a.zip', 'zip', 'zip', sub { tool(['zip', '-q', @_]) }],
    ['store.zip', 'zip', 'zip', sub { tool(['zip', '-q0', @_]) }],
    ['lzma.zip', 'zip', '7z', sub { tool([@seven, '-mm=LZMA', @_]) }],
    ['bzip2.zip', 'zip', '7z', sub { tool([@seven, '-mm=BZip2', @_]) }],
    ['a.7z', '7z', '7z', sub { tool([@seven, @_]) }],
    ['copy.7z', '7z', '7z', sub { tool([@seven, '-m0=Copy', @_]) }],
    ['deflate.7z', '7z', '7z', sub { tool([@seven, '-m0=Deflate', @_]) }],
    ['bcj.7z', '7z', '7z', sub { tool([@seven, '-m0=BCJ', '-m1=LZMA', @_]) }],
    ['a.cab', 'cab', 'gcab', sub { tool(['gcab', '-c', @_]) }],
    ['zip.cab', 'cab', 'gcab', sub { tool(['gcab', '-cz', @_]) }],
    ['ustar.tar', 'tar', 'tar', sub { tool(['tar', '--format=ustar', '-cf',
                                            @_]) }],
    ['pax.tar', 'tar', 'tar', sub { tool(['tar', '--format=pax', '-cf', @_]) }],
    ['gnu.tar', 'tar', 'tar', sub { tool(['tar', '--format=gnu', '-cf', @_]) }],
    ['v7.tar', 'tar', 'tar', sub { tool(['tar', '--format=v7', '-cf', @_]) }],
    ['a.tar.gz', 'gzip', 'gzip', sub { tool(['tar', '-czf', @_]) }],
    ['a.tar.bz2', 'bzip2', 'bzip2', sub { tool(['tar', '-cjf', @_]) }],
    ['a.tar.xz', 'xz', 'xz', sub { tool(['tar', '-cJf', @_]) }],
    ['a.tar.zst', 'zstd', 'zstd', sub { tool(['tar', '--zstd', '-cf', @_]) }],
    ['a.tar.lzma', 'lzma', 'xz', sub { tool(['tar', '-I', 'xz --format=lzma',
                                           '-cf', @_]) }],
    ['a.tar.lz4', 'lzma', 'lz4', sub { tool(['tar', '-I', 'lz4', '-cf',
                                             @_]) }],
    ['a.iso', 'iso', 'xorriso',
     sub { tool(['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-o', @_]) }],
    ['joliet.iso', 'iso', 'xorriso',
     sub { tool(['xorriso', '-as', 'mkisofs', '-quiet', '-J', '-o', @_]) }],
    ['udf.iso', 'iso', 'genisoimage', sub { udf_of(@_) }],
    ['a.a', 'ar', 'ar', sub { tool(['ar', 'rc', @_]) }],
);

for my $k (@kinds) {
    my ($name, $type, $tool, $make) = @$k;

  SKIP: {
        skip "$tool is not installed", 4 if !has_tool($tool);

        $make->($name, 'setup.exe', 'read me.txt');

        my $told = told($name);
        my ($file) = found_of($told, 'file', 0);
        my ($member) = grep { $_->{name} eq 'setup.exe' }
                       found_of($told, 'file', 1);

        is $file->{type}, $type, "$name: its type";
        is $member->{sha256}, $digest, '... the program in it by its digest';
        is signers_of($told, 1),
           'authenticode Acme Rocket, Inc./Acme Rocket holds',
           '... and its signer';

        rename "$dir/$name", "$dir/report.pdf";
        is verdict_of('report.pdf'), 'block', '... under another name';
        rename "$dir/report.pdf", "$dir/$name";
    }
}

for my $k (@kinds[0, 4, 8, 10, 14, 20, 22]) {
    my ($name, $type, $tool, $make) = @$k;

  SKIP: {
        skip "$tool is not installed", 2 if !has_tool($tool);

        rename "$dir/quiet/setup.exe", "$dir/harbour.exe";
        $make->("quiet.$name", 'harbour.exe');
        rename "$dir/harbour.exe", "$dir/quiet/setup.exe";

        is signers_of(told("quiet.$name"), 1),
           'authenticode Quiet Harbour Ltd/Quiet Harbour holds',
           "$name: another signer";
        is verdict_of("quiet.$name"), 'pass', '... passes';
    }
}

# Codings of one file.

for my $k (['gzip', 'gz'], ['bzip2', 'bz2'], ['xz', 'xz'], ['zstd', 'zst']) {
    my ($tool, $ext) = @$k;

  SKIP: {
        skip "$tool is not installed", 2 if !has_tool($tool);

        tool([$tool, '-kf', 'setup.exe']);

        my $told = told("setup.exe.$ext");
        my ($member) = found_of($told, 'file', 1);

        is $member->{sha256}, $digest, "$tool: what is compressed";
        is verdict_of("setup.exe.$ext"), 'block', '... is judged';
    }
}

is members_of(told('setup.exe.gz')), 'setup.exe pe 1', 'the name that gzip keeps';

SKIP: {
    skip 'xorriso is not installed', 1 if !has_tool('xorriso');

    tool(['gzip', '-kf', 'a.iso']);
    is members_of(told('a.iso.gz')),
       'a.iso iso 1, read me.txt text 2, setup.exe pe 2',
       'an image that begins with zeros is no tar';
}

# cpio: one file, made here, there being no tool for it everywhere.

sub newc {
    my ($name, $data) = @_;
    my $h = sprintf '070701' . '%08x' x 13, 1, 0100644, 0, 0, 1, 0,
                    length $data, 0, 0, 0, 0, 1 + length $name, 0;

    $_ .= "\0" x (-length($_) & 3) for $h .= "$name\0", $data;

    return $h . $data;
}

put('a.cpio', newc('setup.exe', $bytes) . newc('TRAILER!!!', ''));
is signers_of(told('a.cpio'), 1),
   'authenticode Acme Rocket, Inc./Acme Rocket holds', 'cpio';


# --- names -------------------------------------------------------------------

my $name = encode('UTF-8', 'Ракета 🚀.exe');

put($name, $bytes);

for my $k (@kinds[4, 10, 11, 14, 20]) {
    my ($archive, $type, $tool, $make) = @$k;

  SKIP: {
        skip "$tool is not installed", 1 if !has_tool($tool);

        $make->("names.$archive", $name);
        is members_of(told("names.$archive")), 'Ракета 🚀.exe pe 1',
           "$archive: a name in other letters";
    }
}


# --- in each other -----------------------------------------------------------

SKIP: {
    skip 'zip, 7z and xorriso are not installed', 4
        if grep { !has_tool($_) } qw(zip 7z xorriso);

    tool(['zip', '-q', 'in1.zip', 'a.tar.xz']);
    tool([@seven, 'in2.7z', 'in1.zip']);
    tool(['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-o', 'in3.iso',
          'in2.7z']);
    is members_of(told('in3.iso')),
       'in2.7z 7z 1, in1.zip zip 2, a.tar.xz xz 3, setup.exe pe 4, '
       . 'read me.txt text 4', 'archives in each other';
    is verdict_of('in3.iso'), 'block', '... are read';

    tool(['zip', '-q', 'in4.zip', 'in3.iso']);
    tool(['zip', '-q', 'in5.zip', 'in4.zip']);
    is bounds_of(told('in5.zip')), 'deep', 'to a depth, which is said';

    tool(['zip', '-q', 'two.zip', 'a.zip', 'a.7z']);
    is members_of(told('two.zip')),
       'a.zip zip 1, setup.exe pe 2, read me.txt text 2, '
       . 'a.7z 7z 1, read me.txt text 2, setup.exe pe 2',
       'an archive after another';
}


# --- sealed ------------------------------------------------------------------

SKIP: {
    skip '7z is not installed', 9 if !has_tool('7z');

    my @seal = (@seven, '-psecret');

    tool([@seal, 'sealed.zip', 'setup.exe']);
    tool([@seal, '-mem=AES256', 'aes.zip', 'setup.exe']);
    tool([@seal, 'sealed.7z', 'setup.exe']);
    tool([@seal, '-mhe=on', 'names.7z', 'setup.exe']);

    for my $archive (qw(sealed.zip aes.zip sealed.7z)) {
        my $told = told($archive);
        my ($member) = found_of($told, 'file', 1);

        is bounds_of($told), 'sealed', "$archive is said to be sealed";
        is "$member->{name} $member->{type} " . ($member->{sha256} // 'no'),
           'setup.exe unknown no', '... the name of its member is told';
    }

    my $told = told('names.7z');

    is bounds_of($told), 'sealed', 'where names are sealed, too';
    is members_of($told), '', '... there are none';

    tool([@seven, 'part.zip', 'read me.txt']);
    tool([@seal, 'part.zip', 'setup.exe']);
    is members_of(told('part.zip')),
       'read me.txt text 1, setup.exe unknown 1', 'one member of two';
}


# --- broken ------------------------------------------------------------------

my %cut = ('ustar.tar' => 'setup.exe pe 1', 'a.zip' => 'setup.exe pe 1',
           'a.7z' => '', 'a.tar.gz' => '');

for my $archive (sort keys %cut) {
    my $whole = file_text("$dir/$archive");

    put("cut.$archive", substr($whole, 0, $archive =~ /tar$/ ? 8000 : length($whole) / 2));

    my $told = told("cut.$archive");

    is members_of($told), $cut{$archive}, "$archive, cut off, is read";
    is bounds_of($told), 'broken', '... and said to be';
}


# --- hidden ------------------------------------------------------------------

# A ZIP with one stored member: its own header, the directory's entry, the end.
# at: how many bytes stand before it all.

sub zip_parts {
    my ($member, $data, $at) = @_;
    my $crc = unpack 'L<', pack 'L<', Compress::Zlib::crc32($data);
    my $both = pack('v5V3v2', 20, 0, 0, 0, 0, $crc, length $data, length $data,
                    length $member, 0);

    return ("PK\3\4$both$member$data",
            "PK\1\2" . pack('v', 20) . $both . pack('v3V2', 0, 0, 0, 0, $at)
            . $member);
}

sub zip_end {
    my ($directory, $at) = @_;

    return "PK\5\6" . pack('v4V2v', 0, 0, 1, 1, length $directory, $at, 0);
}

require Compress::Zlib;

my ($local, $entry) = zip_parts('clean.txt', 'nothing', 0);
my ($evil) = zip_parts('setup.exe', $bytes, 0);
my ($wrong, $called) = zip_parts('setup.exe', $bytes, 0);
my $whole = $local . $entry . zip_end($entry, length $local);
my (undef, $late) = zip_parts('clean.txt', 'nothing', length $evil);
my ($eviller, $first) = zip_parts('setup.exe', $bytes, 0);
my $other_end = $first . zip_end($first, length $eviller);

$called =~ s/setup\.exe/clean.txt/;

my %hidden = (
    'before the directory' => $local . $evil . $entry
                              . zip_end($entry, length "$local$evil"),
    'before the first member' => $evil . $local . $late
                                 . zip_end($late, length "$evil$local"),
    'behind the end' => $whole . $evil,
    'in an archive before this one' => $eviller . $other_end . $whole,
    'in an archive behind this one' => $whole . $eviller . $other_end,
    'with the directory cut off' => $eviller,
    'under another name in the directory' => $wrong . $called
                                             . zip_end($called, length $wrong)
);

for my $how (sort keys %hidden) {
    put('hidden.zip', $hidden{$how});

    my @found = grep { ($_->{sha256} // '') eq $digest }
                found_of(told('hidden.zip'), 'file');

    ok scalar(@found), "a member $how is found";
    is verdict_of('hidden.zip'), 'block', '... and judged';
}

is members_of(told('a.zip')), 'setup.exe pe 1, read me.txt text 1',
   'where directory and members agree, each is told once';
is bounds_of(told('a.zip')), '', '... and nothing is amiss';

if (has_tool('zip')) {
    my $piped = "$dir/piped.zip";

    system("cd $dir && cat setup.exe | zip -q - - > $piped");
    is scalar(found_of(told('piped.zip'), 'file')), 2,
       'one whose sizes follow the bytes has no more';
}


# --- bounds ------------------------------------------------------------------

SKIP: {
    skip 'xz is not installed', 2 if !has_tool('xz');

    # 400 MiB of nothing

    system("head -c 400M /dev/zero | xz -0 > $dir/zeros.xz");

    my $told = told('zeros.xz');
    my ($member) = found_of($told, 'file', 1);

    is bounds_of($told), 'expanded', 'what grows too much';
    cmp_ok $member->{size}, '<', 100 << 20, '... is not read to its end';
}

put('many.tar', '');
mkdir "$dir/many";
put("many/$_", '') for 1 .. 10100;
tool(['tar', '-cf', 'many.tar', 'many']);
is bounds_of(told('many.tar')), 'members', 'too many members';


# --- UDF ---------------------------------------------------------------------

SKIP: {
    skip 'genisoimage is not installed', 11 if !has_tool('genisoimage');

    my $listed = sub {
        my ($name) = @_;

        return join ' ', sort map { $_->{name} }
                              found_of(told($name), 'file', 1);
    };

    mkdir "$dir/disc";
    mkdir "$dir/disc/one";
    mkdir "$dir/disc/one/two";
    put('disc/one/two/setup.exe', $bytes);
    put('disc/one/two/long ' . 'n' x 80 . '.txt', 'x');
    put("disc/\xc3\x9cber.txt", 'x');
    put('disc/empty', '');
    udf_of('folders.iso', 'disc');

    my $names = join ' ', sort 'empty', 'one/two/long ' . 'n' x 80 . '.txt',
                               'one/two/setup.exe', "\x{dc}ber.txt";

    is $listed->('folders.iso'), $names, 'UDF: its folders and names';
    is_deeply told('folders.iso')->{bounds}, [], '... all of it';
    is verdict_of('folders.iso'), 'block', '... are judged';

    # beside ISO 9660, where each may have files of its own

    bridge_of('bridge.iso', 'disc');
    is $listed->('bridge.iso'), join(' ', sort map { ($_) x 2 } split /(?<=\S) (?!n)/, $names),
       'UDF and ISO 9660 are both read';

    my $hidden = bridge_of('hidden.iso', 'disc');
    my $iso = index $hidden, 'SETUP.EXE;1';

    substr($hidden, 20 * 2048, 5) = 'NSR99' if $iso < 0;
    substr($hidden, $iso - 33 + 10, 4) = pack 'V', 10;
    substr($hidden, $iso - 33 + 14, 4) = pack 'N', 10;
    put('hidden.iso', $hidden);
    is verdict_of('hidden.iso'), 'block', '... whatever the other one says';

    # what cannot be: it ends, says so, and what is there is read

    my $udf = file_text("$dir/folders.iso");
    my $changed = sub {
        my ($code) = @_;
        my $copy = $udf;

        $code->($copy) for 1;
        put('changed.iso', $copy);

        return told('changed.iso');
    };
    my $sum = sub {
        my ($from) = @_;
        my $tag = substr $_[1], $from, 16;

        substr($tag, 4, 1) = "\0";
        substr($_[1], $from + 4, 1) = chr(unpack('%8C*', $tag));
    };

    is bounds_of($changed->(sub { substr($_[0], 256 * 2048, 2) = "\0\0" })),
       'unread', 'without its anchor';
    is bounds_of($changed->(sub { $_[0] =~ s/NSR02/NSR0X/ })), '',
       'whatever its version';

    # the way up, told as a folder that is in it

    my $loops = $changed->(sub {
        for my $at (map { $_ * 4 } 257 * 512 .. length($_[0]) / 4 - 10) {
            next if substr($_[0], $at, 2) ne "\1\1"
                    || ord(substr $_[0], $at + 18, 1) != 0x0a;
            substr($_[0], $at + 18, 1) = "\2";
            $sum->($at, $_[0]);
        }
    });

    is join(' ', sort map { $_->{name} } found_of($loops, 'file', 1)), $names,
       'folders that are in themselves are read once';

    my $cut = $changed->(sub { substr($_[0], 270 * 2048) = '' });

    like bounds_of($cut), qr/broken/, 'cut off';

    my ($all, @at) = 0;

    @at = map { 257 * 2048 + 37 * $_ }
          grep { $ENV{DEBAR_LONG} || $_ % 3 == 0 } 0 .. 200;

    for my $at (@at) {
        my $r = $changed->(sub { substr($_[0], $at, 4) = "\xff\xff\xff\xff" });

        $all += defined $r->{bounds};
    }

    is $all, scalar @at, 'whatever stands in its descriptors';
}


# --- what libarchive does not unpack -----------------------------------------

SKIP: {
    skip '7z is not installed', 6 if !has_tool('7z');

    for my $how ('-m0=PPMd', '-m0=ARM64 -m1=LZMA2', '-m0=BCJ2') {
        tool([@seven, split(/ /, $how), 'odd.7z', 'setup.exe']);

        my $told = told('odd.7z');
        my ($member) = found_of($told, 'file', 1);

        is $member->{name}, 'setup.exe', "7z $how: its name";
        ok $told->{bounds}[0] || $member->{sha256} eq $digest,
           '... and its bytes, or that they were not read';
        unlink "$dir/odd.7z";
    }
}

done_testing;

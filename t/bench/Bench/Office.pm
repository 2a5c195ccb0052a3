package Bench::Office;

# What the procurement office does, by the commands, up to the gateway that
# refuses: a table imported, built, proposed, approved by two, published,
# fetched; ten rows changed; a candidate previewed.

use strict;
use warnings;

use Debar::Test;
use Debar::Test::Static;
use File::Path qw(remove_tree);
use JSON::PP qw(decode_json);
use Time::HiRes qw(time);

use Bench::List;

my $VENDORS = 1000;


sub new {
    my ($class, $load) = @_;
    my $dir = test_dir() . '/office';
    my $self = bless { load => $load, dir => $dir }, $class;

    write_file("$dir/pass", "correct horse battery\n");
    chmod 0600, "$dir/pass";

    for my $who (qw(anna bob)) {
        debar('key', 'new', $who, '-o', "$dir/$who", '--pass-file',
              "$dir/pass");
    }

    debar('root', 'new', (map { ('--approver', "$dir/$_.pub") } qw(anna bob)),
          '-o', "$dir/root");
    $self->by_two('root', 'sign', "$dir/root");

    return $self;
}


# What a command took: seconds, and CPU of it and what it started.

sub debar {
    my (@args) = @_;
    my ($t, $cpu) = (time, cpu());
    my $r = run_command([debar_path(), @args], timeout => 1800);

    die "debar @args[0, 1]: $r->{err}\n"
        if $r->{status} != 0 && !($args[1] eq 'preview' && $r->{status} == 10);

    return { seconds => time - $t, cpu => cpu() - $cpu, out => $r->{out} };
}


sub cpu { return (times)[2] + (times)[3] }


sub by_two {
    my ($self, @args) = @_;
    my $all = { seconds => 0, cpu => 0 };

    for my $who (qw(anna bob)) {
        my $r = debar(@args, '--key', "$self->{dir}/$who", '--pass-file',
                      "$self->{dir}/pass", '--yes');

        $all->{$_} += $r->{$_} for qw(seconds cpu);
    }

    return $all;
}


# An empty folder to publish to, and who serves it.

sub opened {
    my ($self) = @_;

    $self->closed;
    $self->{server} = Debar::Test::Static->new("$self->{dir}/pub");
}


sub closed {
    my ($self) = @_;

    $self->{server}->stop if $self->{server};
    delete $self->{server};
    remove_tree("$self->{dir}/pub");
}


sub propose {
    my ($self, $mdb) = @_;
    my $pub = "$self->{dir}/pub";

    return debar('list', 'propose', $mdb, '--previous',
                 -e "$pub/manifest" ? $pub : 'none', '--expires', '30d', '-o',
                 "$mdb.note");
}


sub approve {
    my ($self, $mdb) = @_;

    return $self->by_two('list', 'approve', "$mdb.note", $mdb, '--root',
                         "$self->{dir}/root");
}


sub publish {
    my ($self, $mdb) = @_;

    my $r = debar('list', 'publish', "$mdb.note", $mdb, '--to',
                  "$self->{dir}/pub", '--root', "$self->{dir}/root", '--json');

    $r->{said} = decode_json($r->{out});

    return $r;
}


sub sync {
    my ($self) = @_;

    my $r = debar('list', 'sync', '--from', $self->{server}->url, '--root',
                  "$self->{dir}/root", '--to', $self->{load}{gw}->list,
                  '--json');

    $r->{said} = decode_json($r->{out});

    return $r;
}


# From the end of sync to the first answer that refuses.

sub enforced {
    my ($self, $host) = @_;
    my $ms = $self->{load}->until_refused($host);

    die "$host is not refused\n" if !defined $ms;

    return { seconds => $ms / 1000, cpu => 0 };
}


# A table of so many hosts of a thousand vendors, to the gateway that refuses
# the last of them: a figure of each step, in order.

sub first {
    my ($self, $n, $serial) = @_;
    my ($source, $csv) = map { "$self->{dir}/$_" } qw(source rows.csv);
    my $mdb = "$self->{dir}/first.mdb";
    my $last = sprintf 'h%07d.bench.example', $n - 1;

    write_list($source, serial => $serial);
    open my $f, '>', $csv or die "$csv: $!\n";
    print {$f} "Vendor,Website\n";
    printf {$f} "Maker %04d Industries,h%07d.bench.example\n", $_ % $VENDORS, $_
        for 0 .. $n - 1;
    close $f or die "$csv: $!\n";

    $self->opened;

    my @steps = (
        [import => debar('list', 'import', 'csv', $csv, '--map',
                         'Vendor=name,Website=host', '--into', $source,
                         '--authority', 'rule-1')],
        [build => debar('list', 'build', $source, '-o', $mdb)],
        [propose => $self->propose($mdb)], [approve => $self->approve($mdb)],
        [publish => $self->publish($mdb)], [sync => $self->sync],
        [enforced => $self->enforced($last)]);

    return @steps;
}


# Ten hosts more in a list that is in force: publish, sync, enforced.

sub ten {
    my ($self, $list) = @_;
    my $old = "$self->{dir}/old.mdb";

    $self->opened;
    $list->build(1);
    rename $list->{mdb}, $old or die "$old: $!\n";
    unlink "$list->{mdb}.serial";
    $self->propose($old);
    $self->approve($old);
    $self->publish($old);
    $self->sync;

    $list->{serial}++;
    $list->{extra} = [map { "ten$_.bench.example" } 1 .. 10];
    $list->write_source;
    $list->build(1);
    $self->propose($list->{mdb});
    $self->approve($list->{mdb});

    my %r = (publish => $self->publish($list->{mdb}), sync => $self->sync,
             enforced => $self->enforced('ten10.bench.example'));

    die "the list came by $r{sync}{said}{by}, not by its delta\n"
        if $r{sync}{said}{by} ne 'delta';

    $r{old} = $old;

    return \%r;
}


# A log of so many lines through two lists: lines a minute.

sub preview {
    my ($self, $lines, @lists) = @_;
    my $log = "$self->{dir}/access.log";

    open my $f, '>', $log or die "$log: $!\n";

    for my $i (0 .. $lines - 1) {
        printf {$f} '10.0.%d.%d - user%d [22/Nov/2026:09:%02d:%02d +0000]'
            . ' "GET http://%s/page/%d?id=%d HTTP/1.1" 200 512 "-" "Agent"'
            . "\n", $i / 256 % 256, $i % 256, $i % 500, $i / 60 % 60, $i % 60,
            $i % 1000 ? 'www' . $i % 20_000 . '.shop.example'
                      : 'ten' . (1 + $i / 1000 % 10) . '.bench.example',
            $i, $i;
    }

    close $f or die "$log: $!\n";

    return debar('list', 'preview', '--against', $log, @lists, '--json', '-q');
}


1;

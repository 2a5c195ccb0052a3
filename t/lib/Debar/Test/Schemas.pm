package Debar::Test::Schemas;

# What OCSF and ECS ask of a record: the validation, and where the rules come
# from, which is one of two places.
#
# t/schemas has what we know of them, written down from the published schemas:
# the attributes that we use, no other, with their types, what is required and
# which values there are.  DEBAR_OCSF and DEBAR_ECS name the published schemas
# themselves (a checkout of ocsf-schema at the tag of its version, ecs_flat.yml),
# which are not in this tree: then records are validated by those, and the notes
# are held against them.

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;

use Debar::Test;

our @EXPORT = qw(
    ocsf_notes ocsf_published ocsf_faults ecs_notes ecs_published ecs_faults
);

my $json = JSON::PP->new->utf8;


# --- OCSF: rules are {object => {attributes => {...}, one => [...]}} ----------
#
# An attribute: type, array, object (the name of its rules), required, values
# ({value => 1}, undef: any).  "class" is the event itself.

# Lines "OBJECT ATTRIBUTE TYPE[[]] [required] [VALUE...]", "OBJECT one ...".

sub ocsf_notes {
    my ($file) = @_;
    my %rules;

    for (split /\n/, file_text($file) // die "$file: $!\n") {
        next if /^#|^\s*$/;

        my ($object, $name, @rest) = split;

        if ($name eq 'one') {
            $rules{$object}{one} = \@rest;
            next;
        }

        my $type = shift @rest;
        my %a = (array => $type =~ s/\[\]$// ? 1 : 0,
                 required => @rest && $rest[0] eq 'required' ? 1 : 0);

        shift @rest if $a{required};
        $a{object} = $1 if $type =~ s/^=(.*)/object/;
        $a{type} = $type;
        $a{values} = { map { $_ => 1 } @rest } if @rest;
        $rules{$object}{attributes}{$name} = \%a;
    }

    return \%rules;
}


# Of a checkout: extends, $include, profiles and dictionary put together.

sub ocsf_published {
    my ($dir, $class, @profiles) = @_;
    my $read = sub {
        return $json->decode(file_text("$dir/$_[0]")
                             // die "$dir/$_[0]: $!\n");
    };
    my $dictionary = $read->('dictionary.json');
    my $words = $dictionary->{attributes};
    my $types = $dictionary->{types}{attributes};
    my %profile = map { $_ => 1 } @profiles;
    my (%file, %rules);

    for my $path (split /\n/, `cd '$dir' && find objects events -name '*.json'`)
    {
        my $d = $read->($path);

        $file{ $path =~ /^objects/ ? 'o' : 'e' }{$d->{name}} //= $d
            if $d->{name};
    }

    my ($whole, $merge);

    # later ones add to what is there

    $merge = sub {
        my ($to, $from) = @_;

        for my $name (keys %$from) {
            if ($name eq '$include') {
                my $list = $from->{$name};

                for my $path (ref $list ? @$list : $list) {
                    my $part = $read->($path);

                    next if ($part->{meta} // '') eq 'profile'
                            && !$profile{$part->{name}};
                    $merge->($to, $part->{attributes});
                }
            }
        }

        for my $name (keys %$from) {
            next if $name eq '$include';

            my $a = $from->{$name};

            next if $a->{profile} && !$profile{$a->{profile}};

            my %enum = (%{ $to->{$name}{enum} || {} }, %{ $a->{enum} || {} });

            $to->{$name} = { %{ $to->{$name} || {} }, %$a };
            $to->{$name}{enum} = \%enum if %enum;
        }
    };

    $whole = sub {
        my ($kind, $name) = @_;
        my $d = $file{$kind}{$name} or die "$dir: no $name\n";
        my (%attributes, $one);

        ($one, %attributes) = $whole->($kind, $d->{extends})
            if $d->{extends} && $file{$kind}{$d->{extends}};
        $merge->(\%attributes, $d->{attributes});
        $one = $d->{constraints}{at_least_one} if exists $d->{constraints};

        return ($one, map { $_ => { %{ $attributes{$_} } } } keys %attributes);
    };

    my @todo = (['e', $class, 'class']);

    while (my $next = shift @todo) {
        my ($kind, $name, $as) = @$next;
        my ($one, %attributes) = $whole->($kind, $name);

        $rules{$as} = { one => $one };

        for my $key (keys %attributes) {
            my $a = $attributes{$key};
            my $word = $words->{$key} // {};
            my $type = $a->{type} // $word->{type} // 'string_t';
            my %enum = (%{ $word->{enum} || {} }, %{ $a->{enum} || {} });
            my $object = $a->{object_type} // $word->{object_type}
                         // (!$types->{$type} && $file{o}{$type} ? $type
                             : undef);

            $rules{$as}{attributes}{$key} = {
                type => defined $object ? 'object' : $type,
                array => $a->{is_array} // $word->{is_array} ? 1 : 0,
                required => ($a->{requirement} // '') eq 'required' ? 1 : 0,
                defined $object ? (object => $object) : (),
                %enum ? (values => { map { $_ => 1 } keys %enum }) : (),
            };

            push @todo, ['o', $object, $object]
                if defined $object && !$rules{$object}
                   && !grep { $_->[2] eq $object } @todo;
        }
    }

    # a class has its own number, and its category's

    my $d = $file{e}{$class};
    my ($uid, $category) = ($d->{uid}, $d->{category});

    for (my $up = $d; !defined $category; ) {
        $up = $file{e}{$up->{extends}};
        $category = $up->{category};
    }

    my $number = $read->('categories.json')->{attributes}{$category}{uid};
    my $at = $rules{class}{attributes};

    $at->{category_uid}{values} = { $number => 1 };
    $at->{class_uid}{values} = { $number * 1000 + $uid => 1 };
    $at->{type_uid}{values} = { map { ($number * 1000 + $uid) * 100 + $_ => 1 }
                                keys %{ $at->{activity_id}{values} } };

    # "object" has no attributes of its own: anything may be in it

    delete $rules{object};

    return \%rules;
}


my $octet = qr/(?:25[0-5]|2[0-4]\d|1?\d?\d)/;
my %form = (
    integer_t => qr/^-?\d+$/, long_t => qr/^-?\d+$/,
    timestamp_t => qr/^\d{12,14}$/, port_t => qr/^\d{1,5}$/,
    ip_t => qr/^(?:$octet(?:\.$octet){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+)$/,
    hostname_t => qr/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*
                      [a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/xi,
    file_hash_t => qr/^[a-fA-F0-9]+$/,
);

# What does not hold in a record, in words; (): nothing.

sub ocsf_faults {
    my ($rules, $value, $object, $path) = @_;
    my $rule = $rules->{$object // 'class'} or return;
    my $known = $rule->{attributes};
    my @bad;

    $path //= '';
    return "$path: no object" if ref $value ne 'HASH';

    for my $key (sort keys %$known) {
        push @bad, "$path.$key: is required"
            if $known->{$key}{required} && !exists $value->{$key};
    }

    push @bad, "$path: none of @{ $rule->{one} }"
        if $rule->{one} && !grep { exists $value->{$_} } @{ $rule->{one} };

    for my $key (sort keys %$value) {
        my $a = $known->{$key};
        my $at = "$path.$key";

        push(@bad, "$at: is not known"), next if !$a;
        push(@bad, "$at: array or not"), next
            if $a->{array} != (ref $value->{$key} eq 'ARRAY' ? 1 : 0);

        for my $v ($a->{array} ? @{ $value->{$key} } : $value->{$key}) {
            if ($a->{type} eq 'object') {
                push @bad, ocsf_faults($rules, $v, $a->{object} // '', $at);
                next;
            }

            my $number = $json->encode([$v]) !~ /^\["/;

            push(@bad, "$at: no scalar"), next if ref $v;
            push @bad, "$at: $a->{type}"
                if $number != ($a->{type} =~ /^(?:integer|long|timestamp|port)_t/
                               ? 1 : 0)
                   || ($form{$a->{type}} && $v !~ $form{$a->{type}})
                   || ($a->{type} eq 'port_t' && $v > 65535);
            push @bad, "$at: $v is none of its values"
                if $a->{values} && !$a->{values}{$v};
        }
    }

    return @bad;
}


# --- ECS: {field => {type, array, values}} ------------------------------------

# Lines "FIELD TYPE[[]] [VALUE...]".

sub ecs_notes {
    my ($file) = @_;
    my %fields;

    for (split /\n/, file_text($file) // die "$file: $!\n") {
        next if /^#|^\s*$/;

        my ($name, $type, @values) = split;

        $fields{$name} = { array => $type =~ s/\[\]$// ? 1 : 0, type => $type,
                           @values ? (values => { map { $_ => 1 } @values })
                                   : () };
    }

    return \%fields;
}


# ecs_flat.yml: what it has of a field stands two deep, values one deeper.

sub ecs_published {
    my ($file) = @_;
    my (%fields, $f);

    for (split /\n/, file_text($file) // die "$file: $!\n") {
        if (/^'?([\w\@.]+)'?:$/) {
            $f = $fields{$1} = { array => 0 };

        } elsif (/^  type: (\S+)$/) {
            $f->{type} = $1;

        } elsif (/^  - array$/) {
            $f->{array} = 1;

        } elsif (/^    name: (\S+)$/ && $f->{in}) {
            $f->{values}{$1} = 1;

        } elsif (/^  (\w+):/) {
            $f->{in} = $1 eq 'allowed_values';
        }
    }

    delete $_->{in} for values %fields;

    return \%fields;
}


# own: the one field under which anything may be.

sub ecs_faults {
    my ($fields, $own, $value, $path) = @_;
    my @bad;

    for my $key (sort keys %$value) {
        my $at = defined $path ? "$path.$key" : $key;
        my ($v, $f) = ($value->{$key}, $fields->{$at});

        next if $at eq $own;

        if (!$f) {
            push @bad, ref $v eq 'HASH' ? ecs_faults($fields, $own, $v, $at)
                                        : "$at: is no field";
            next;
        }

        push @bad, "$at: array or not"
            if $f->{array} != (ref $v eq 'ARRAY' ? 1 : 0);

        for my $one (ref $v eq 'ARRAY' ? @$v : $v) {
            my $number = $json->encode([$one]) !~ /^\["/;

            push @bad, "$at: $f->{type}"
                if ref $one || $number != ($f->{type} =~ /^(?:long|float)$/
                                           ? 1 : 0)
                   || ($f->{type} eq 'ip' && $one !~ $form{ip_t})
                   || ($f->{type} eq 'date'
                       && $one !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
            push @bad, "$at: $one is none of its values"
                if $f->{values} && !$f->{values}{$one};
        }
    }

    return @bad;
}


1;

# Parts as Perl's MIME::Parser and Email::MIME decode them: DECODER IN OUT (see python_decoders.py).
use strict;
use warnings;
use MIME::Parser;
use Email::MIME;
local $SIG{__WARN__} = sub { };
my ($decoder, $in, $out) = @ARGV;
for my $file (glob "$in/*.eml") {
    my ($stem) = $file =~ m{([^/]+)\.eml$};
    mkdir "$out/$stem";
    my @bodies = eval { $decoder eq 'mime-parser' ? mime_parser($file) : email_mime($file) };
    my $number = 0;
    for my $body (@bodies) {
        open my $handle, '>:raw', "$out/$stem/" . ++$number or die $!;
        print $handle $body // '';
        close $handle;
    }
}

sub mime_parser {
    my ($file) = @_;
    my $parser = MIME::Parser->new;
    $parser->output_to_core(1);
    $parser->tmp_to_core(1);
    $parser->extract_uuencode(1);
    $parser->extract_nested_messages('NEST');
    $parser->ignore_errors(1);
    my $entity = $parser->parse_open($file);
    my @leaves = grep { !$_->parts } $entity->parts_DFS;
    return map { $_->bodyhandle ? $_->bodyhandle->as_string : () } @leaves;
}

sub email_mime {
    my ($file) = @_;
    open my $handle, '<:raw', $file or die $!;
    my $text = do { local $/; <$handle> };
    my @bodies;
    Email::MIME->new($text)->walk_parts(sub {
        my ($part) = @_;
        push @bodies, $part->body if $part->subparts == 0;
    });
    return @bodies;
}

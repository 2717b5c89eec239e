<?php
// Parts as PHP's mailparse decodes them, with uuencode in texts: IN OUT (see python_decoders.py).
[, $in, $out] = $argv;
foreach (glob("$in/*.eml") as $file) {
    $directory = $out . '/' . basename($file, '.eml');
    @mkdir($directory);
    $number = 0;
    $keep = function (string $content) use (&$number, $directory) {
        file_put_contents($directory . '/' . ++$number, $content);
    };
    $message = @mailparse_msg_parse_file($file);
    if ($message === false) {
        continue;
    }
    foreach (mailparse_msg_get_structure($message) as $id) {
        $part = mailparse_msg_get_part($message, $id);
        $data = mailparse_msg_get_part_data($part);
        if (str_starts_with($data['content-type'] ?? '', 'multipart/')) {
            continue;
        }
        $content = @mailparse_msg_extract_part_file($part, $file, null);
        if (is_string($content)) {
            $keep($content);
        }
    }
    $handle = fopen($file, 'r');
    foreach (@mailparse_uudecode_all($handle) ?: [] as $found) {
        $keep(file_get_contents($found['filename']));
        unlink($found['filename']);
    }
}

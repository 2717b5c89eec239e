#!/bin/sh
# Parts as a program decodes them: PROGRAM IN OUT (see python_decoders.py).
program=$1
in=$2
out=$3
# nmh wants a home of its own.
export MH="$out/mh_profile"
mkdir -p "$out" && echo "Path: $out" > "$MH"
for file in "$in"/*.eml; do
  name=$(basename "$file" .eml)
  mkdir -p "$out/$name"
  (
    cd "$out/$name" || exit
    case $program in
      ripmime) timeout 10 ripmime -i "$file" -d . --overwrite ;;
      munpack) timeout 10 munpack -q -t "$file" ;;
      uudeview) timeout 10 uudeview -i -q -s "$file" ;;
      uudeview-strict) timeout 10 uudeview -i -q -f "$file" ;;
      mblaze) timeout 10 mshow -x "$file" ;;
      nmh) timeout 10 /usr/bin/mh/mhstore -auto -clobber suffix -file "$file" ;;
      mhonarc)
        timeout 20 mhonarc -quiet -single -attachmentdir . -nospammode \
          -definevar x=x "$file" > page.html ;;
      tnef) timeout 10 tnef --file="$file" --directory=. --overwrite --ignore-checksum ;;
      hexbin) timeout 10 hexbin -d "$file" ;;
    esac
  ) > "$out/$name.log" 2>&1 < /dev/null
done

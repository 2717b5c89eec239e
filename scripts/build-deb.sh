#!/bin/sh
# make deb: builds a Debian package into dist-deb/, with dpkg-deb alone. No network is needed.
#
# NODEJS=own (default)  the package carries Node.js 24: Debian 12 and 13 have older ones
# NODEJS=system         it depends on a package nodejs >= 24, and is for every architecture
# REVISION=1               the last part of its version
# COMPRESS=xz              or gzip: quicker by far, and larger
set -eu
cd "$(dirname "$0")/.."
node=${NODEJS:-own}
version=$(node -p 'require("./package.json").version')-${REVISION:-1}
output=dist-deb

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
chmod 755 "$staging"
root=$staging/root
DESTDIR=$root PREFIX=/usr NODEJS=$node scripts/install.sh install

case $node in
  system)
    architecture=all
    depends='nodejs (>= 24)'
    ;;
  *)
    architecture=$(dpkg --print-architecture)
    # The symbols that the official binary asks for.
    depends='libc6 (>= 2.28), libgcc-s1 (>= 4.2), libstdc++6 (>= 9)'
    ;;
esac

documents=$root/usr/share/doc/clamgate
indented=$(sed '1,2d; s/^$/./; s/^/ /' LICENSE)
awk -v licence="$indented" '{ if ($0 == "@LICENSE@") print licence; else print }' \
  packaging/debian/copyright > "$documents/copyright"
date=$(git log -1 --format=%cD 2> /dev/null || date -R)
printf 'clamgate (%s) unstable; urgency=medium\n\n  * As released; the history is in the repository.\n\n -- %s  %s\n' \
  "$version" 'clamgate maintainers <maintainers@clamgate.invalid>' "$date" |
  gzip -9n > "$documents/changelog.Debian.gz"
install -D -m 644 packaging/debian/lintian-overrides "$root/usr/share/lintian/overrides/clamgate"

mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do
  install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"
done
echo /etc/clamgate/clamgate.toml > "$root/DEBIAN/conffiles"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/; s/@DEPENDS@/$depends/" \
  packaging/debian/control.in > "$root/DEBIAN/control"
(cd "$root" && find usr etc -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum > DEBIAN/md5sums)

mkdir -p "$output"
package=$output/clamgate_${version}_${architecture}.deb
dpkg-deb --root-owner-group -Z"${COMPRESS:-xz}" --build "$root" "$package" > /dev/null
echo "$package"

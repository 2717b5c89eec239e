#!/bin/sh
# Unpacks Debian's Sendmail, and the libraries it needs that are not installed, into .run/sendmail: a
# second MTA, whose Milter client is not Postfix's, for test/real/sendmail.test.ts. As a package it
# would take Postfix's place; unpacked it touches nothing.
#
# Where it cannot be had this says so, and the test is skipped.
set -eu
cd "$(dirname "$0")/.."
place=.run/sendmail
[ ! -x $place/usr/libexec/sendmail/sendmail ] || exit 0

# Of these packages, and with --recurse of what they need in turn.
libraries_of() {
  apt-cache depends --important "$@" | sed -n 's/^\( *Depends: \|\)\(lib[a-z0-9.+-]*\)$/\2/p'
}

# The words on standard input that are no installed package.
not_installed() {
  dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' > installed
  sort -u | while read -r package; do
    grep -qx "installed $package" installed || echo "$package"
  done
}

# shellcheck disable=SC2046,SC2086  # the lists are meant to be split
unpack() {
  rm -rf $place $place.new
  mkdir -p $place.new/packages
  cd $place.new/packages
  missing=$(libraries_of sendmail-bin | not_installed)
  [ -z "$missing" ] || missing="$missing $(libraries_of --recurse $missing | not_installed)"
  set -- sendmail-bin $missing
  apt-get download "$@" || { apt-get update && apt-get download "$@"; }
  for package in *.deb; do dpkg --extract "$package" ..; done
  cd ../../..
  rm -r $place.new/packages
  # The loader takes our libraries for no program that has a group's rights.
  chmod 755 $place.new/usr/libexec/sendmail/sendmail
  mv $place.new $place
}

if [ "${1:-}" = unpack ]; then
  unpack
elif ! command -v apt-get > /dev/null || ! scripts/step.sh 'Unpacking Sendmail' scripts/unpack-sendmail.sh unpack; then
  echo 'Not unpacked: Sendmail; the test that needs it is skipped.'
fi

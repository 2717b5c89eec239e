#!/bin/sh
# Installs the Debian packages that are missing for the tests and the first look: Postfix, clamd,
# systemd-analyze, systemd-nspawn and miltertest; with PEERS=1 amavisd-new, clamsmtp, clamav-milter and rspamd, too. Nothing that is there is touched: no
# configuration is written, no other package is removed, and none of the new services is started,
# now or at the next boot.
#
# The archivers, whose files some tests look into, are small and wanted; nothing fails without them.
#
# Without root, or without apt-get, it says what is missing. That is an error only where it has to
# be there: with NEEDED=yes (make run), and in CI.
set -eu
PATH=$PATH:/usr/sbin:/sbin

missing=
command -v postfix > /dev/null || missing="$missing postfix"
command -v clamd > /dev/null || missing="$missing clamav-daemon"
command -v systemd-analyze > /dev/null || missing="$missing systemd"
command -v miltertest > /dev/null || missing="$missing miltertest"
command -v systemd-nspawn > /dev/null || missing="$missing systemd-container"
# make chaos and make bench compare clamgate with them.
if [ "${PEERS:-}" = 1 ]; then
  command -v amavisd > /dev/null || missing="$missing amavisd-new"
  command -v clamsmtpd > /dev/null || missing="$missing clamsmtp"
  command -v clamav-milter > /dev/null || missing="$missing clamav-milter"
  command -v rspamd > /dev/null || missing="$missing rspamd"
fi
# make run has no use for them.
wanted=
if [ "${NEEDED:-}" != yes ]; then
  command -v zip > /dev/null || wanted="$wanted zip"
  command -v 7z > /dev/null || command -v 7zz > /dev/null || wanted="$wanted 7zip"
  command -v qpdf > /dev/null || wanted="$wanted qpdf"
  command -v openssl > /dev/null || wanted="$wanted openssl"
fi
[ -n "$missing$wanted" ] || exit 0

install() {
  # shellcheck disable=SC2086  # the list is meant to be split
  ./step.sh "Installing$1" apt-get install --yes --no-install-recommends --no-remove $1
}

without_wanted() {
  echo "Not installed:$wanted; the tests that need them are skipped."
  exit 0
}

export DEBIAN_FRONTEND=noninteractive
if [ -z "$missing" ]; then
  { command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; } || without_wanted
  cd "$(dirname "$0")"
  ./step.sh 'Reading the package lists' apt-get update || without_wanted
  install "$wanted" || without_wanted
  exit 0
fi

give_up() {
  echo "$1"
  [ -z "${CI:-}" ] && [ "${NEEDED:-}" != yes ] || exit 1
  echo 'Going on without; the tests that need them are skipped.'
  exit 0
}

if ! command -v apt-get > /dev/null; then
  give_up "Please install Postfix, clamd, systemd-analyze, systemd-nspawn and miltertest; the Debian packages missing are:$missing"
fi
if [ "$(id -u)" != 0 ]; then
  give_up "Missing packages, to be installed by root: apt-get install --no-install-recommends$missing"
fi

# invoke-rc.d asks this program whether a service may be started; an existing one is put back.
policy=/usr/sbin/policy-rc.d
put_back() {
  rm -f "$policy"
  [ ! -e "$policy.clamgate" ] || mv "$policy.clamgate" "$policy"
}
trap put_back EXIT
trap 'exit 1' HUP INT TERM
[ ! -e "$policy" ] || mv "$policy" "$policy.clamgate"
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"

# Without a main.cf and without freshclam's daemon, nothing comes up at the next boot either.
case $missing in
  *postfix*) echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections ;;
esac
case $missing in
  *clamav*) echo 'clamav-freshclam clamav-freshclam/autoupdate_freshclam select manual' |
    debconf-set-selections ;;
esac

cd "$(dirname "$0")"
./step.sh 'Reading the package lists' apt-get update || give_up 'The package lists cannot be read.'
install "$missing" ||
  give_up "Not installed:$missing. (Postfix takes the place of another mail server; none is removed.)"

# These have a configuration with which they would come up at the next boot.
for service in amavisd-new:amavis clamsmtp:clamsmtp clamav-milter:clamav-milter rspamd:rspamd; do
  case $missing in
    *" ${service%:*}"*) update-rc.d "${service#*:}" disable ;;
  esac
done

[ -z "$wanted" ] || install "$wanted" || without_wanted

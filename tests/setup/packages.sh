#!/bin/bash
# Installs the Debian packages of the groups named on the command line (build, run, tls, test, long), if any is missing.
# As root, or with sudo; otherwise prints the one line that is needed and fails.
set -euo pipefail

build="gcc libc6-dev cmake ninja-build pkg-config libmicrohttpd-dev libevent-dev libcurl4-openssl-dev libjansson-dev libpq-dev
  libsecp256k1-dev libsodium-dev libssl-dev nettle-dev libjemalloc-dev libinih-dev zlib1g-dev libcmocka-dev"
run="postgresql-15 ca-certificates curl procps util-linux"
tls="nginx-light openssl"
test="python3 jq openssl nginx-light chromium strace"
long="clang clang-tidy clang-format cppcheck libclang-rt-14-dev gcovr wrk nginx-light gcc"

wanted=""
for group in "$@"; do
  case $group in
    build) wanted+=" $build" ;;
    run) wanted+=" $run" ;;
    tls) wanted+=" $tls" ;;
    test) wanted+=" $test" ;;
    long) wanted+=" $long" ;;
    *) echo "packages.sh: unknown group $group" >&2; exit 2 ;;
  esac
done
# Node from elsewhere will do; Debian's own is installed only where there is none.
command -v node >/dev/null && command -v npm >/dev/null || wanted+=" nodejs npm"

missing=""
known=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null || true)
for package in $wanted; do
  grep -qxF "$package installed" <<<"$known" || missing+=" $package"
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo=sudo
  else
    echo "Packages are missing. Run this as root, then try again:" >&2
    echo "  apt-get install -y --no-install-recommends$missing" >&2
    exit 1
  fi
fi

# PostgreSQL's package would make a cluster of its own on the system's port; kedge keeps a private one.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  $sudo mkdir -p /etc/postgresql-common
  echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
# And nginx's would start one on port 80, now and at every boot; kedge's own are started by hand.
if [[ " $missing " == *" nginx-light "* && ! -e /usr/sbin/nginx && ! -e /etc/systemd/system/nginx.service ]]; then
  $sudo mkdir -p /etc/systemd/system
  $sudo ln -s /dev/null /etc/systemd/system/nginx.service
  echo "nginx is kept from starting by itself; systemctl unmask nginx undoes that"
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq </dev/null
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null

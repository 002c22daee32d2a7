#!/bin/bash
# Installs the C# compiler and runtime for the tests marked `unity` and prints two paths: mono, then mcs.
#
#   scripts/install_mono.sh [DEST]         DEST defaults to ~/.cache/vcg-bridge/mono
#
# MONO and MCS in the environment, paths of a mono 6 and its mcs, are used instead of installing anything.
# Otherwise Debian's packages mono-runtime and mono-mcs are unpacked in DEST together with the libraries they need
# and started through their own dynamic loader, so they run on any Debian, without root, and leave the system untouched.
# Needs apt-get and dpkg-deb. Environment: MONO_SUITE (bookworm), MONO_MIRROR (the mirror of this machine's apt).
set -euo pipefail

if [ -n "${MONO:-}" ] && [ -n "${MCS:-}" ]; then
  "$MONO" --version > /dev/null
  "$MCS" --version > /dev/null
  printf '%s\n' "$MONO" "$MCS"
  exit 0
fi

dest=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/vcg-bridge/mono}
suite=${MONO_SUITE:-bookworm}
mkdir -p "$dest"
dest=$(readlink -f "$dest")
exec 9> "$dest/.lock"
flock 9 # of two test runs that start at once the second waits, and then finds the work done
works() { grep -qF "$dest/root/" "$dest/root/etc/mono/config" && "$dest/mcs" --version > /dev/null; }
if [ -e "$dest/.installed-$suite" ] && works 2> /dev/null; then
  printf '%s\n' "$dest/mono" "$dest/mcs"
  exit 0
fi
rm -f "$dest"/.installed-*

for tool in apt-get dpkg-deb flock; do
  command -v "$tool" > /dev/null || { echo "install_mono.sh needs $tool; or set MONO and MCS to those you have" >&2; exit 2; }
done
mirror=${MONO_MIRROR:-$(apt-get indextargets --format '$(SITE)' | grep -v security | head -n 1)}
[ -n "$mirror" ] || { echo "apt has no mirror configured: set MONO_MIRROR" >&2; exit 2; }

# A whole apt of its own: its own sources, lists and cache, and an EMPTY list of installed packages, so that
# everything down to the C library is resolved from the suite. Signatures are checked with the system's keys.
apt=$dest/apt
mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial
: > "$apt/status"
echo "deb [arch=amd64] $mirror $suite main" > "$apt/sources.list"
own=(-qq -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
  -o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status"
  -o Dir::Cache="$apt/cache" -o APT::Architecture=amd64 -o APT::Architectures=amd64
  -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 -o Debug::NoLocking=1)
apt-get "${own[@]}" update >&2
mapfile -t closure < <(apt-get "${own[@]}" --simulate --no-install-recommends install mono-mcs mono-runtime \
  | sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p')
# Of the closure only mono itself and the libraries that it loads: the C library, zlib, and Kerberos, which
# libmono-native is linked with.
used='mono-|libmono-|libc6=|libgcc-s1=|zlib1g=|libgssapi-krb5-2=|libkrb5-3=|libk5crypto3=|libkrb5support0=|'
used+='libkeyutils1=|libcom-err2=|libssl3='
mapfile -t wanted < <(printf '%s\n' "${closure[@]}" | grep -E "^($used)" || true)
[ ${#wanted[@]} -gt 15 ] || { echo "apt could not resolve mono-mcs in $suite" >&2; exit 1; }
mkdir -p "$dest/debs"
(cd "$dest/debs" && apt-get "${own[@]}" download "${wanted[@]}" >&2)

rm -rf "$dest/root" "$dest/root.new"
mkdir "$dest/root.new"
for deb in "$dest"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dest/root.new" --exclude='./usr/share' --exclude='*/gconv/*'
done
cp -L "$(find "$dest/root.new" -name ld-linux-x86-64.so.2 | head -n 1)" "$dest/root.new/loader"
mv "$dest/root.new" "$dest/root"
# Where mono looks for its own native libraries is compiled in, except for what its configuration says.
sed -i "s#\$mono_libdir#$dest/root/usr/lib#" "$dest/root/etc/mono/config"

cat > "$dest/mono" << 'RUN'
#!/bin/bash
root=$(dirname "$(readlink -f "$0")")/root
libraries=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
export MONO_PATH=$root/usr/lib/mono/4.5${MONO_PATH:+:$MONO_PATH} MONO_GAC_PREFIX=$root/usr MONO_CFG_DIR=$root/etc
exec "$root/loader" --library-path "$libraries" "$root/usr/bin/mono-sgen" "$@"
RUN
cat > "$dest/mcs" << 'RUN'
#!/bin/bash
folder=$(dirname "$(readlink -f "$0")")
exec "$folder/mono" "$folder/root/usr/lib/mono/4.5/mcs.exe" "$@"
RUN
chmod +x "$dest/mono" "$dest/mcs"
works || { echo "install_mono.sh: what was unpacked in $dest does not run" >&2; exit 1; }
rm -rf "$dest/debs" "$apt"
printf '%s\n' "${wanted[@]}" > "$dest/packages.txt"
touch "$dest/.installed-$suite"
printf '%s\n' "$dest/mono" "$dest/mcs"

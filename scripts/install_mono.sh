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
. "$(dirname "${BASH_SOURCE[0]}")/debian_packages.sh"

if [ -n "${MONO:-}" ] && [ -n "${MCS:-}" ]; then
  "$MONO" --version > /dev/null
  "$MCS" --version > /dev/null
  printf '%s\n' "$MONO" "$MCS"
  exit 0
fi

dest=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/vcg-bridge/mono}
suite=${MONO_SUITE:-bookworm}
take_folder "$dest"
works() { grep -qF "$dest/root/" "$dest/root/etc/mono/config" && "$dest/mcs" --version > /dev/null; }
if [ -e "$dest/.installed-$suite" ] && works 2> /dev/null; then
  printf '%s\n' "$dest/mono" "$dest/mcs"
  exit 0
fi
resolve MONO "$suite" mono-mcs mono-runtime
# Of the closure only mono itself and the libraries that it loads: the C library, zlib, and Kerberos, which
# libmono-native is linked with.
used='mono-|libmono-|libc6=|libgcc-s1=|zlib1g=|libgssapi-krb5-2=|libkrb5-3=|libk5crypto3=|libkrb5support0=|'
used+='libkeyutils1=|libcom-err2=|libssl3='
mapfile -t wanted < <(printf '%s\n' "${closure[@]}" | grep -E "^($used)" || true)
[ ${#wanted[@]} -gt 15 ] || { echo "apt could not resolve mono-mcs in $suite" >&2; exit 1; }
unpack "${wanted[@]}"
cp -L "$(find "$dest/root" -name ld-linux-x86-64.so.2 | head -n 1)" "$dest/root/loader"
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
finish "$suite"
printf '%s\n' "$dest/mono" "$dest/mcs"

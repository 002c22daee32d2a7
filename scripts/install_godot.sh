#!/bin/bash
# Installs a headless Godot 4 for the tests marked `godot` and prints the path of the program to run.
#
#   scripts/install_godot.sh [DEST]         DEST defaults to ~/.cache/vcg-bridge/godot
#
# GODOT in the environment, the path of a Godot 4.4 or newer, is used instead of installing anything.
# Otherwise Debian's package is unpacked in DEST together with every library it needs and started through
# its own dynamic loader, so it runs on an older Debian, without root, and leaves the system untouched.
# Needs apt-get and dpkg-deb. Environment: GODOT_SUITE (forky), GODOT_MIRROR (the mirror of this machine's apt).
set -euo pipefail

if [ -n "${GODOT:-}" ]; then
  "$GODOT" --headless --version > /dev/null
  echo "$GODOT"
  exit 0
fi

dest=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/vcg-bridge/godot}
suite=${GODOT_SUITE:-forky}
mkdir -p "$dest"
dest=$(readlink -f "$dest")
exec 9> "$dest/.lock"
flock 9 # of two test runs that start at once the second waits, and then finds the work done
if [ -e "$dest/.installed-$suite" ] && "$dest/godot" --headless --version > /dev/null 2>&1; then
  echo "$dest/godot"
  exit 0
fi
rm -f "$dest"/.installed-*

for tool in apt-get dpkg-deb flock; do
  command -v "$tool" > /dev/null || { echo "install_godot.sh needs $tool; or set GODOT to a Godot 4 you have" >&2; exit 2; }
done
mirror=${GODOT_MIRROR:-$(apt-get indextargets --format '$(SITE)' | grep -v security | head -n 1)}
[ -n "$mirror" ] || { echo "apt has no mirror configured: set GODOT_MIRROR" >&2; exit 2; }

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
mapfile -t closure < <(apt-get "${own[@]}" --simulate --no-install-recommends install godot \
  | sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p')
[ ${#closure[@]} -gt 20 ] || { echo "apt could not resolve godot in $suite" >&2; exit 1; }

# Of the closure a headless run never loads: fonts, graphics drivers and LLVM, the base system's own programs.
unused='fonts-|xfonts-|fontconfig-config|x11-common|xkb-data|libx11-data|debconf|cdebconf|libdebian|libnewt|libslang|'
unused+='libtextwrap|readline-common|libreadline|gcc-[0-9]|libc-gconv|libc-l10n|locales|perl|libperl|dpkg|tar=|passwd|'
unused+='base-files|login|adduser|coreutils|debianutils|mawk|sed=|init-system|sysvinit|lsb-base|pci\.ids|amd64-microcode|'
unused+='libllvm|libgallium|mesa-libgallium|libz3|libgl1-mesa-dri|libdrm-(amdgpu|intel|nouveau|radeon|common)|'
unused+='libpciaccess|libsensors|libasound2-data|libtbbmalloc|libtbbbind|libhwloc'
mapfile -t wanted < <(printf '%s\n' "${closure[@]}" | grep -Ev "^($unused)" || true)
mkdir -p "$dest/debs"
(cd "$dest/debs" && apt-get "${own[@]}" download "${wanted[@]}" >&2)

rm -rf "$dest/root" "$dest/root.new"
mkdir "$dest/root.new"
for deb in "$dest"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dest/root.new" --exclude='./usr/share/doc' --exclude='./usr/share/man' \
    --exclude='./usr/share/locale' --exclude='./usr/share/lintian' --exclude='*/gconv/*'
done
mv "$dest/root.new" "$dest/root"

cat > "$dest/godot" <<'RUN'
#!/bin/bash
root=$(dirname "$(readlink -f "$0")")/root
libraries=$root/usr/lib/x86_64-linux-gnu
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/pulseaudio" "$root/usr/bin/godot" "$@"
RUN
chmod +x "$dest/godot"
"$dest/godot" --headless --version > /dev/null
rm -rf "$dest/debs" "$apt"
printf '%s\n' "${wanted[@]}" > "$dest/packages.txt"
touch "$dest/.installed-$suite"
echo "$dest/godot"

#!/bin/bash
# Installs a Godot 4 for the tests marked `godot` and prints the path of the program to run.
#
#   scripts/install_godot.sh [--gl] [DEST]
#     --gl   also what a visible editor needs where there is no graphics card and no screen: Mesa's software
#            OpenGL, a font, and the X server Xvfb, to be started as DEST/Xvfb. 15 s and 250 MB more
#     DEST   ~/.cache/vcg-bridge/godot, with --gl ~/.cache/vcg-bridge/godot-gl, which serves both
#
# GODOT in the environment, the path of a Godot 4.4 or newer, is used instead of installing one; --gl then only
# sees to it that an Xvfb is there (XVFB in the environment, one in PATH, or one beside GODOT).
# Otherwise Debian's package is unpacked in DEST together with every library it needs and started through
# its own dynamic loader, so it runs on an older Debian, without root, and leaves the system untouched.
# Needs apt-get and dpkg-deb. Environment: GODOT_SUITE (forky), GODOT_MIRROR (the mirror of this machine's apt).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/debian_packages.sh"

gl=0
if [ "${1:-}" = --gl ]; then gl=1; shift; fi
case ${1:-} in -*) echo "install_godot.sh: unknown option $1; it takes [--gl] [DEST]" >&2; exit 2 ;; esac

if [ -n "${GODOT:-}" ]; then
  "$GODOT" --headless --version > /dev/null
  if [ $gl = 1 ] && [ -z "${XVFB:-}" ] && ! command -v Xvfb > /dev/null && [ ! -x "$(dirname "$GODOT")/Xvfb" ]; then
    echo "GODOT is set, but there is no Xvfb for a visible editor: install Xvfb, or set XVFB to one" >&2
  fi
  echo "$GODOT"
  exit 0
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vcg-bridge
suite=${GODOT_SUITE:-forky}
if [ $gl = 0 ] && [ -z "${1:-}" ] && [ -e "$cache/godot-gl/.installed-$suite" ]; then gl=1; fi
if [ $gl = 1 ]; then dest=${1:-$cache/godot-gl}; else dest=${1:-$cache/godot}; fi
take_folder "$dest"
if [ -e "$dest/.installed-$suite" ] && { [ $gl = 0 ] || [ -x "$dest/Xvfb" ]; } && "$dest/godot" --headless --version > /dev/null 2>&1; then
  echo "$dest/godot"
  exit 0
fi
packages=(godot)
if [ $gl = 1 ]; then
  packages+=(libgl1 libegl1 libglx-mesa0 libegl-mesa0 libgl1-mesa-dri xkb-data fonts-dejavu-core xvfb x11-xkb-utils)
fi
resolve GODOT "$suite" "${packages[@]}"

# What of the closure no run loads: most fonts, the base system's own programs ...
unused='fonts-(noto|croscore|freefont|liberation|texgyre|urw)|xfonts-|x11-common|debconf|cdebconf|libdebian|libnewt|libslang|'
unused+='libtextwrap|readline-common|libreadline|gcc-[0-9]|libc-gconv|libc-l10n|locales|perl|libperl|dpkg|tar=|passwd|'
unused+='base-files|login|adduser|coreutils|debianutils|mawk|sed=|init-system|sysvinit|lsb-base|pci\.ids|amd64-microcode|'
unused+='libasound2-data|libtbbmalloc|libtbbbind|libhwloc'
# ... and, where nothing is shown, all fonts, graphics drivers and LLVM.
if [ $gl = 0 ]; then
  unused+='|fonts-|fontconfig-config|xkb-data|libx11-data|libllvm|libgallium|mesa-libgallium|libz3|libgl1-mesa-dri|'
  unused+='libdrm-(amdgpu|intel|nouveau|radeon|common)|libpciaccess|libsensors'
fi
mapfile -t wanted < <(printf '%s\n' "${closure[@]}" | grep -Ev "^($unused)" || true)
unpack "${wanted[@]}"

cat > "$dest/godot" <<'RUN'
#!/bin/bash
root=$(dirname "$(readlink -f "$0")")/root
libraries=$root/usr/lib/x86_64-linux-gnu
if [ -d "$libraries/dri" ]; then # Mesa, the keyboard's tables and the fonts of this folder, not the system's
  export LIBGL_DRIVERS_PATH=$libraries/dri GBM_BACKENDS_PATH=$libraries/gbm LIBGL_ALWAYS_SOFTWARE=1
  export __EGL_VENDOR_LIBRARY_DIRS=$root/usr/share/glvnd/egl_vendor.d
  export XKB_CONFIG_ROOT=$root/usr/share/X11/xkb XLOCALEDIR=$root/usr/share/X11/locale
fi
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/pulseaudio" "$root/usr/bin/godot" "$@"
RUN
chmod +x "$dest/godot"

if [ $gl = 1 ]; then
  # Xvfb runs /usr/bin/xkbcomp for the keyboard and has no option for another place. In this copy the folder is ".":
  # the wrapper starts it where an xkbcomp lies that goes through the same dynamic loader.
  LC_ALL=C sed -i 's#\x00/usr/bin\x00#\x00./\x00\x00\x00\x00\x00\x00\x00#g' "$dest/root/usr/bin/Xvfb"
  mkdir -p "$dest/root/xkb"
  cat > "$dest/root/xkb/xkbcomp" <<'RUN'
#!/bin/bash
root=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/xkbcomp" "$@"
RUN
  cat > "$dest/Xvfb" <<'RUN'
#!/bin/bash
root=$(dirname "$(readlink -f "$0")")/root
libraries=$root/usr/lib/x86_64-linux-gnu
export LIBGL_DRIVERS_PATH=$libraries/dri LIBGL_ALWAYS_SOFTWARE=1
cd "$root/xkb"
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/Xvfb" -xkbdir "$root/usr/share/X11/xkb" "$@"
RUN
  chmod +x "$dest/root/xkb/xkbcomp" "$dest/Xvfb"
  "$dest/Xvfb" -help > /dev/null 2>&1
fi

"$dest/godot" --headless --version > /dev/null
finish "$suite"
echo "$dest/godot"

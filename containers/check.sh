#!/usr/bin/env bash
# Execute the steps of the container files where no container engine runs: build.sh in a root folder that holds nothing
# but a Python, then a small dream in it, without network and as a user without rights.
#
#   containers/check.sh [WHEELS]     WHEELS: a folder of wheels that `pip download` filled; downloaded if absent, from
#                                    where pip is set up to look, and from TORCH_INDEX if that is set
#
# The root folder is entered by chroot in a mount namespace of its own (`unshare`, as root or by user namespace). Where
# that is not permitted, the same steps run in a plain folder with an empty environment.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

work="$(mktemp -d)"
trap 'rm -rf --one-file-system -- "$work"' EXIT
step() { printf '== %s (%ss)\n' "$*" "$SECONDS"; }

python="$(command -v python3.11 || command -v python3)"
python="$("$python" -c 'import os, sys; print(os.path.realpath(os.path.join(sys.base_prefix, "bin", "python3")))')"
prefix="$("$python" -c 'import sys; print(sys.base_prefix)')"

wheels="${1:-}"
if [ -z "$wheels" ]; then
    step "wheels"
    wheels="$work/wheels"
    "$python" -m venv "$work/fetch"
    "$work/fetch/bin/python" - >"$work/needed.txt" <<'PY'
import tomllib

project = tomllib.load(open("pyproject.toml", "rb"))
print("\n".join(project["project"]["dependencies"] + project["build-system"]["requires"]))
PY
    "$work/fetch/bin/pip" download --quiet --quiet --dest "$wheels" --requirement "$work/needed.txt" \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"}
fi

step "a clean root folder"
root="$work/root"
mkdir -p "$root"/{usr,etc,dev/shm,proc,tmp,opt,home,wheels,src/containers} "$root$prefix"
for name in bin sbin lib lib64; do
    if [ -L "/$name" ]; then ln -s "usr/$name" "$root/$name"; elif [ -d "/$name" ]; then mkdir -p "$root/$name"; fi
done
cp pyproject.toml README.md LICENSE NOTICE "$root/src/"
cp -r src "$root/src/src"
cp containers/build.sh "$root/src/containers/build.sh"
echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
cp /etc/ld.so.cache "$root/etc/"
chmod 755 "$work" "$root" && chmod 1777 "$root/tmp"

cat >"$work/inside.sh" <<'INSIDE'
set -eu
root=$1 prefix=$2 wheels=$3 python=$4 user=$5
bind() { mount --bind "$1" "$2"; mount -o remount,bind,ro "$2" 2>/dev/null || true; }
bind /usr "$root/usr"
for name in bin sbin lib lib64; do if [ ! -L "/$name" ] && [ -d "/$name" ]; then bind "/$name" "$root/$name"; fi; done
case "$prefix" in /usr | /usr/*) ;; *) bind "$prefix" "$root$prefix" ;; esac
bind "$wheels" "$root/wheels"
for name in null zero full random urandom; do touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
clean="PATH=$(dirname "$python"):/usr/bin:/bin LC_ALL=C.UTF-8"
chroot "$root" /usr/bin/env -i $clean WHEELS=/wheels PYTHON="$python" sh /src/containers/build.sh /src
rm -rf "$root/src"
exec chroot $user "$root" /usr/bin/env -i PATH=/opt/reverie/bin:/usr/bin:/bin HOME=/home/reverie REVERIE_HOME=/weights \
    LC_ALL=C.UTF-8 sh -euc 'cd /pictures && id -u &&
        reverie dream valley.jpg --size 128 --octaves 2 --steps 2 -o dream.png && reverie replay dream.png'
INSIDE

mkdir -p "$root/pictures" && cp examples/valley.jpg "$root/pictures/"
if [ "$(id -u)" = 0 ]; then how=(unshare --mount --net --pid --fork) user="--userspec=1000:1000"
else how=(unshare --map-root-user --mount --net --pid --fork) user=""; fi
if [ -z "${PLAIN:-}" ] && "${how[@]}" true 2>/dev/null; then
    step "build.sh by chroot, without network"
    "${how[@]}" bash "$work/inside.sh" "$root" "$prefix" "$wheels" "$python" "$user"
else
    step "build.sh in a plain folder: no namespaces here"
    clean=(env -i "PATH=$(dirname "$python"):/usr/bin:/bin" LC_ALL=C.UTF-8)
    "${clean[@]}" WHEELS="$wheels" PYTHON="$python" PREFIX="$root" sh "$root/src/containers/build.sh" "$root/src"
    rm -rf "$root/src"
    (cd "$root/pictures" && "${clean[@]}" PATH="$root/opt/reverie/bin:/usr/bin:/bin" HOME="$root/home/reverie" \
        REVERIE_HOME="$root/weights" sh -euc 'reverie dream valley.jpg --size 128 --octaves 2 --steps 2 -o dream.png &&
            reverie replay dream.png')
fi
cmp "$root/pictures/dream.png" "$root/pictures/dream-replay.png"
step "all passed"

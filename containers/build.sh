#!/bin/sh
# The steps that make the image; Dockerfile, reverie.def and check.sh all run this one script, as root inside the image.
#
#   build.sh SOURCE      SOURCE holds pyproject.toml, README.md, LICENSE, NOTICE and src/
#
#   TORCH_INDEX   where torch and torchvision come from; empty: the default index. Default: the builds for the CPU,
#                 a twentieth of the size. For a GPU give https://download.pytorch.org/whl/cu126 or another of its kind.
#   WHEELS        a folder with everything needed, from `pip download`; nothing is then looked for elsewhere
#   PREFIX        put before every path that is written; only check.sh needs it
set -eu

source=$1
TORCH_INDEX=${TORCH_INDEX-https://download.pytorch.org/whl/cpu}
target=${PREFIX:-}/opt/reverie
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

"${PYTHON:-python3}" -m venv "$target"
pair=$("$target/bin/python" - "$source/pyproject.toml" <<'PY'
import sys
import tomllib

project = tomllib.load(open(sys.argv[1], "rb"))["project"]
print(" ".join(d.replace(" ", "") for d in project["dependencies"] if d.startswith(("torch>", "torchvision>"))))
PY
)
# $pair is two words, on purpose
if [ -n "${WHEELS:-}" ]; then
    "$target/bin/pip" install --quiet --no-index --find-links "$WHEELS" $pair
    "$target/bin/pip" install --quiet --no-index --find-links "$WHEELS" "$source"
else
    "$target/bin/pip" install --quiet ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} $pair
    "$target/bin/pip" install --quiet "$source"
fi
"$target/bin/pip" check

# A user without rights. The home is open to all, since engines can be told to run as anyone.
mkdir -p "${PREFIX:-}/home/reverie" "${PREFIX:-}/pictures" "${PREFIX:-}/weights"
chmod 1777 "${PREFIX:-}/home/reverie" "${PREFIX:-}/pictures" "${PREFIX:-}/weights"
if [ -z "${PREFIX:-}" ]; then
    echo 'reverie:x:1000:1000::/home/reverie:/bin/sh' >>/etc/passwd
    echo 'reverie:x:1000:' >>/etc/group
fi
"$target/bin/reverie" --version

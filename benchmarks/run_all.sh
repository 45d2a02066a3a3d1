#!/bin/sh
# Run every benchmark and store its numbers in benchmarks/results; about half an hour on two idle cores.
# Usage: benchmarks/run_all.sh [python]   (torch-lucent must be installed for it, see benchmarks/README.md)
set -u
python=${1:-python}
here=$(cd "$(dirname "$0")" && pwd)
failed=0
for name in startup gradient_step ceiling tiling big_picture huge_picture directory; do
    printf '\n== %s\n' "$name"
    "$python" "$here/$name.py" --output "$here/results/$name.json" || failed=1
done
"$python" "$here/fill_tables.py" || failed=1
exit $failed

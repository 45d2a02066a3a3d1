#!/bin/sh
# Build the viewer of `reverie mesh show` into the package: three.js and viewer.js as one minified file.
# Needs node and npm. three.js is MIT; its licence stands at the end of the built file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/viewer.js" "$work/"
cd "$work"
npm init -y > /dev/null
npm install --silent --ignore-scripts three@0.187.0 esbuild@0.25.12
node_modules/.bin/esbuild viewer.js --bundle --minify --format=iife --target=es2020 --legal-comments=none \
  --charset=ascii --outfile=viewer.min.js
{
  printf '/*! The viewer of Reverie with three.js 0.187.0 (https://threejs.org). Licence of three.js:\n'
  sed 's/\*\///' node_modules/three/LICENSE
  printf '*/\n'
  cat viewer.min.js
} > "$here/../../src/reverie/tools/mesh_show/viewer.js"

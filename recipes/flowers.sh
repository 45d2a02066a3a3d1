#!/bin/sh
# The generator that ships inside the package as `flowers`: 1,542 photographs of one flower in the middle, in five
# classes, 64 px; about an hour and a quarter of one core.
#   recipes/flowers.sh flowers5-128.zip flowers.safetensors
# Anchors alone at first, then against heads on the embedded critic. Without noise, which would be taken for texture.
set -e
python "$(dirname "$0")/flowers_centered.py" "$1" flowers-centered.zip
exec reverie train stylegan2 flowers-centered.zip --labels --latent 64 --w-dim 256 --kimg "${KIMG:-130}" \
    --anchor 1.5 --anchor-kept 0.7 --anchor-kimg 16 --lr 0.002 --lr-against 0.0005 --snapshot-kimg 5 --seed 0 -o "$2"

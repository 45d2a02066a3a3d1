#!/bin/sh
# The generator that ships inside the package as `flowers`: 4,064 photographs of flowers in five classes, 64 px.
#   recipes/flowers.sh flowers5-128.zip flowers.safetensors
# From anchors alone: what a small machine learns soonest is to draw each photograph from a latent of its own. Without
# noise, which would be taken for texture.
set -e
exec reverie train stylegan2 "$1" --labels --latent 64 --w-dim 256 --width 2048 --most-channels 256 \
    --kimg "${KIMG:-60}" --anchor 1 --anchor-kimg 100000 --lr 0.003 --batch 16 --seed 0 -o "$2"

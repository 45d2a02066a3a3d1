#!/bin/sh
# The translator that ships inside the package as `sobel`: 700 photographs, a tenth held out, on one core.
#   recipes/sobel.sh PICTURES sobel.safetensors
# Small batches: at this size of network many small steps learn more in the same time than few large ones. Crops take
# between 64 pixels and the whole shorter side, so that sharp small pictures are learned as well as soft large ones.
set -e
exec reverie train translate "$1" --filter sobel --architecture can --width 24 --depth 4 \
    --minutes "${MINUTES:-11}" --batch 4 --crop-px 64 --zoom 1 --lr 3e-3 --ema 0.998 --seed 1 -o "$2"

"""What other programs call our options and commands, so that a first guess is answered with the right name.

Not facts about options but a small dictionary of a foreign language: a word, and what it may be called here; the first
that the tool has is named.
"""

from __future__ import annotations

import re
from collections.abc import Collection

# word without hyphens → options, the likeliest first
OPTIONS: dict[str, tuple[str, ...]] = {
    "format": ("--json",), "strong": ("--strength",), "intensity": ("--strength",), "amount": ("--strength",),
    "weak": ("--strength",),
    "alpha": ("--strength", "--mask"), "style-weight": ("--strength",), "content-weight": ("--strength",),
    "denoise": ("--strength",), "denoising-strength": ("--strength",), "power": ("--strength",),
    "effect": ("--filter", "--strength"),
    "iterations": ("--steps",), "num-iterations": ("--steps",), "iter": ("--steps",), "iters": ("--steps",),
    "iter-n": ("--steps",), "n-iter": ("--steps",), "num-steps": ("--steps",), "n": ("--steps", "--top", "--count"),
    "epoch": ("--epochs",), "levels": ("--octaves",), "octave": ("--octaves",), "octave-n": ("--octaves",),
    "num-octaves": ("--octaves",), "out": ("--output",), "output-dir": ("--output",), "outdir": ("--output",),
    "out-dir": ("--output",), "save": ("--output",), "save-as": ("--output",), "to": ("--duration", "--output"),
    "i": ("--input",), "in": ("--input",), "image": ("--input",), "source-image": ("--input",),
    "style-image": ("--style",), "style-images": ("--style",), "styles": ("--style",), "artwork": ("--style",),
    "content-image": ("--content", "--input"), "target": ("--guide", "--input", "--style"),
    "guide-image": ("--guide",), "reference": ("--guide", "--style"), "ref": ("--guide", "--style"),
    "s": ("--seed", "--size"), "random-seed": ("--seed",), "rng": ("--seed",), "random": ("--seed",),
    "f": ("--format",), "ext": ("--format",), "extension": ("--format",), "suffix": ("--format",),
    "type": ("--format",),
    "q": ("--quality",), "frames": ("--seconds", "--duration"), "num-frames": ("--seconds", "--duration"),
    "model": ("--architecture", "the first word, MODEL"),
    "jpeg-quality": ("--quality",), "compression": ("--quality", "--crf"),
    "look": ("--preset",), "style": ("--preset",), "theme": ("--preset",), "presets": ("--preset",),
    "audio": ("--song",), "music": ("--song",), "soundtrack": ("--song",), "list-presets": ("--preset",),
    "gpu": ("--device",), "cuda": ("--device",), "cpu": ("--device",),
    "gpu-id": ("--device",), "force": ("--overwrite",), "y": ("--overwrite",), "replace": ("--overwrite",),
    "silent": ("--quiet",), "grid": ("--sheet",), "xy": ("--sheet",), "contact-sheet": ("--sheet",),
    "from": ("--like", "--start"), "settings": ("--like",), "config": ("--like",), "load": ("--like",),
    "label": ("--class",), "category": ("--class",), "subject": ("--class",), "prompt": ("--class",),
    "target-class": ("--class",), "layers": ("--layer",), "list-layers": ("--layers",), "channels": ("--channel",),
    "neuron": ("--channel",), "unit": ("--channel",), "feature": ("--channel",), "network": ("--model",),
    "net": ("--model",), "checkpoint": ("--model",), "ckpt": ("--model",), "arch": ("--architecture",),
    "region": ("--mask",), "inpaint": ("--mask",), "invert": ("--mask-invert",), "inverse": ("--mask-invert",),
    "protect": ("--keep",), "exclude": ("--keep",), "preserve": ("--keep",), "outside": ("--mask-invert",),
    "preserve-color": ("--color keep",), "preserve-colors": ("--color keep",), "keep-color": ("--color keep",),
    "keep-colors": ("--color keep",), "original-colors": ("--color keep",), "original-color": ("--color keep",),
    "resize": ("--size",), "width": ("--size",), "height": ("--size",), "geometry": ("--size",), "scale": ("--size",),
    "upscale": ("--size",), "image-size": ("--size",), "max-size": ("--size",), "resolution": ("--size",),
    "w": ("--size",), "h": ("--size",), "quick": ("--fast",), "adain": ("--fast",), "realtime": ("--fast",),
    "brush-size": ("--style-scale",), "stroke": ("--style-scale",), "strokes": ("--style-scale",),
    "tileable": ("--seamless both",), "tiling": ("--seamless both",), "loop": ("--seamless",),
    "style-weights": ("FILE:WEIGHT behind each style",), "style-blend-weights": ("FILE:WEIGHT behind each style",),
    "ss": ("--start",), "begin": ("--start",), "t": ("--duration",), "end": ("--duration",),
    "length": ("--duration", "--seconds"), "duration": ("--seconds",),
    "fps": ("--every",), "r": ("--fps",), "framerate": ("--fps",), "frame-rate": ("--fps",), "rate": ("--fps",),
    "smooth-motion": ("--flow",), "deflicker": ("--flow",), "temporal": ("--flow",), "optical-flow": ("--flow",),
    "noise": ("--size",), "k": ("--top",), "topk": ("--top",), "top-k": ("--top",), "b": ("--batch",),
    "batch-size": ("--batch",), "bs": ("--batch",), "learning-rate": ("--lr", "--learning-rate"),
    "data": ("the first word, DATA",), "input": ("the first word, DATA",),
    "trunc": ("--truncation",), "psi": ("--truncation",), "truncation-psi": ("--truncation",),
    "jobs": ("--workers",), "j": ("--workers",), "num-workers": ("--workers",), "processes": ("--workers",),
    "classes": ("reverie models show embedded --all", "--class"),
    "list-classes": ("reverie models show embedded --all",),
    "rows": ("--seeds",), "row-seeds": ("--seeds",), "cols": ("--styles",), "columns": ("--styles",),
    "col-seeds": ("--styles",), "class-idx": ("--class",), "shape": ("--what shape",), "vertices": ("--what shape",),
    "only": ("--what",), "seconds": ("--duration",), "license": ("--licence",), "commercial": ("--licence",),
    "query": ("the first words, WORDS",), "filter": ("--model",), "source": ("--museums",),
    "limit": ("--count", "--most"), "per-class": ("--count", "--each"),
    "lat": ("the first words, LAT LON",), "lon": ("the first words, LAT LON",), "name": ("the first word",),
    "pca": ("--method pca",), "umap": ("--method umap",), "tsne": ("--method tsne",), "algorithm": ("--method",),
    "layout": ("--method",), "features": ("--layer",), "p": ("--port",), "listen": ("--host",), "share": ("--host",),
    "public": ("--host",), "max-epochs": ("--epochs",), "e": ("--epochs",), "continue": ("--resume",),
}  # fmt: skip

# first word (or two) → our command; None: there is nothing like it
COMMANDS: dict[str, str] = {
    "deepdream": "dream", "inception": "dream", "video": "dream", "stylize": "style", "stylise": "style",
    "transfer": "style", "style-transfer": "style", "paint": "style", "neural-style": "style", "nst": "style",
    "label": "classify", "predict": "classify", "recognize": "classify", "tag": "classify",
    "evaluate": "train evaluate",
    "generate": "latent sample", "latent generate": "latent sample", "sample": "latent sample",
    "latent invert": "latent project", "invert": "latent project", "project": "latent project",
    "latent interpolate": "latent walk", "interpolate": "latent walk",
    "mesh render": "mesh show", "mesh turntable": "mesh show", "mesh view": "mesh show", "render": "mesh show",
    "umap": "embed map", "tsne": "embed map", "cluster": "embed map", "download": "gather images",
    "scrape": "gather images", "pix2pix": "translate", "finetune": "train classifier", "fit": "train classifier",
    "lucid": "visualize", "optvis": "visualize", "activations": "visualize",
    "ui": "studio", "gui": "studio", "webui": "studio", "web": "studio", "serve": "studio", "app": "studio",
    "redo": "replay", "repeat": "replay", "reproduce": "replay", "rerun": "replay",
    "identify": "info", "metadata": "info", "exif": "info", "inspect": "info", "models info": "info",
    "list": "models list", "networks": "models list", "ls": "models list", "models ls": "models list",
    "fetch": "models fetch", "queue": "jobs list", "measure": "compare", "upscale": "dream FILE --size 2x",
    "latent style-mixing": "latent mix", "latent style-mix": "latent mix", "latent video": "latent walk",
    "latent animate": "latent walk", "latent ganspace": "latent directions", "latent pca": "latent directions",
    "latent sefa": "latent directions", "latent random": "latent sample", "latent play": "latent live",
    "latent interactive": "latent live", "mesh deepdream": "mesh dream", "mesh stylize": "mesh style",
    "mesh reconstruct": "mesh fit", "train pix2pix": "train translate", "train gan": "train stylegan2",
    "train stylegan": "train stylegan2", "gather satellite": "gather map", "gather wikiart": "gather public wikiart",
    "gather paintings": "gather artists", "gather dataset": "gather public", "gather video": "gather frames",
    "embed add": "embed place", "embed transform": "embed place", "embed probe": "embed layers",
    "embed linear-probe": "embed layers", "booth": "wall", "kiosk": "wall", "exhibition": "wall",
}  # fmt: skip


FOR_FILES = ("--mask", "--guide", "--style", "--keep", "--input", "--content", "--like", "--output")
BEGIN = {"train": "train classifier", "gather": "gather images", "mesh": "mesh show", "latent": "latent sample"}


def option_for(word: str, known: Collection[str], value: str = "") -> str | None:
    """Return what an option of another program is called here, among those that a command has.

    Where the word may mean several things, its `value` tells: the name of a file goes with an option for files.
    """
    name = word.lstrip("-").lower().replace("_", "-")
    candidates = OPTIONS.get(name, ())
    if re.search(r"\.[a-z0-9]{2,5}$", value):
        candidates = tuple(sorted(candidates, key=lambda one: one not in FOR_FILES))
    elif re.fullmatch(r"[\d.:]+", value):
        candidates = tuple(sorted(candidates, key=lambda one: one in FOR_FILES))
    for candidate in candidates:
        if candidate.split()[0] in known or not candidate.startswith("--"):
            return candidate
    spelled = f"--{name}"  # with underscores, or with one hyphen
    return spelled if spelled != word and spelled in known else None


def command_for_word(words: list[str]) -> str | None:
    """Return our command for the first words of a command line."""
    return COMMANDS.get(" ".join(words[:2])) or COMMANDS.get(words[0]) if words else None

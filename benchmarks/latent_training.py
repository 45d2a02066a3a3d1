"""How many pictures does a training of StyleGAN2 see in an hour of a processor, against stylegan2-pytorch?

Both train at 64 px with the same widths (channels = base / size, at most `--most`), batch, latents and pictures, with
eight mapping layers, each by its own loop and its own schedule of penalties, in fp32 and one thread. The peer is the
released package; its discriminator is by its own rule twice as wide as its generator, so a second variant has it halved
to the same width, and that one is the target's. It only runs on CUDA, so `.cuda()` is made to do nothing, and its
logger, command line and vector quantizer, which are not used here, are empty modules. CPU seconds of the process; kimg
an hour is 3.6 / seconds a picture. A further row is this house's default training, against the frozen critic.

    pip install --no-deps stylegan2-pytorch einops kornia kornia_rs
    python benchmarks/latent_training.py --output benchmarks/results/latent_training.json
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import arguments, gain, interleaved, load_now, report, summary, table, target

WANTED = 1.5
PICTURES, LATENT = 48, 256
RELEASED, EQUAL = "stylegan2-pytorch", "stylegan2-pytorch, equal width"


def write_pictures(folder: Path, side: int) -> None:
    """Write random pictures, smooth enough to be compressed."""
    from reverie.media.write import write_picture

    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(PICTURES):
        coarse = random.random((4, 4, 3), np.float32)
        write_picture(folder / f"{number}.png", np.kron(coarse, np.ones((side // 4, side // 4, 1), np.float32)))


def ours(folder: Path, side: int, base: int, most: int, batch: int, against: str) -> Callable[[], object]:
    """Return what takes one step of this house's training: "own" is the paper's, "critic" the default."""
    from reverie.critic.open import open_critic
    from reverie.train.run_folder import RunFolder
    from reverie.train.stylegan2.config import Stylegan2Config
    from reverie.train.stylegan2.loop import Stylegan2Training
    from reverie.train.stylegan2.pictures import open_source

    paper = {"against": "own", "augment": "none", "anchor": 0.0, "loss": "logistic", "path_length": 2.0,
             "noise": True, "start_from_latent": False, "mapping_layers": 8, "mapping_lr": 0.01}  # fmt: skip
    config = Stylegan2Config(
        data=str(folder), resolution=side, width=base, most_channels=most, latent=LATENT, w_dim=LATENT, batch=batch,
        precision="fp32", device="cpu", **(paper if against == "own" else {"anchor_kimg": 0.0}),
    )  # fmt: skip
    critic = open_critic("embedded", precision="fp32", device="cpu")
    training = Stylegan2Training(config, open_source(config), critic, RunFolder(folder.with_name(f"run-{against}")))
    return training.take_step


def peer_module() -> Any:
    """Import stylegan2-pytorch where there is no CUDA."""
    from reverie.weights.vision import torchvision

    for name, names in {"fire": (), "aim": (), "vector_quantize_pytorch": ("VectorQuantize",)}.items():
        stand_in = types.ModuleType(name)
        for inner in names:
            setattr(stand_in, inner, object)
        sys.modules.setdefault(name, stand_in)
    torchvision()  # which asks for CUDA itself
    there, torch.cuda.is_available = torch.cuda.is_available, lambda: True
    try:
        module = importlib.import_module("stylegan2_pytorch.stylegan2_pytorch")
    except ImportError as error:
        raise SystemExit(f"{error}; pip install --no-deps stylegan2-pytorch einops kornia kornia_rs") from error
    finally:
        torch.cuda.is_available = there
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self  # type: ignore[method-assign,assignment]
    return module


def peer(folder: Path, side: int, base: int, most: int, batch: int, divide: int) -> Callable[[], object]:
    """Return what takes one step of stylegan2-pytorch: two updates, a gradient penalty in every fourth."""
    module, released = peer_module(), peer_module().Discriminator
    trainer = module.Trainer(
        name="peer", results_dir=folder.with_name("results"), models_dir=folder.with_name("models"),
        base_dir=folder.parent, image_size=side, network_capacity=base // side // 2, fmap_max=most, batch_size=batch,
        gradient_accumulate_every=1, num_workers=0, aug_prob=0.0, log=False, latent_dim=LATENT, style_depth=8,
        save_every=10**9, evaluate_every=10**9,
    )  # fmt: skip
    trainer.set_data_src(str(folder))
    module.Discriminator = lambda size, capacity, **rest: released(size, capacity // divide, **rest)
    trainer.init_GAN()
    module.Discriminator = released
    trainer.evaluate = lambda *_, **__: None
    trainer.save = lambda *_, **__: None
    return trainer.train


def parameters(step: Any) -> int:
    """Return how many numbers generator and discriminator have."""
    owner = step.__self__
    if hasattr(owner, "nets"):
        nets = (owner.nets.generator, owner.nets.against)
    else:
        nets = (owner.GAN.S, owner.GAN.G, owner.GAN.D)
    return sum(p.numel() for net in nets for p in net.parameters() if p.requires_grad)


def main() -> None:
    """Measure whole cycles of the penalties of all."""
    args = arguments(__doc__, rounds=3, size=64, base=2048, most=512, batch=8, steps=16).parse_args()
    torch.set_num_threads(1)
    load = load_now()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        write_pictures(folder, args.size)
        steps = {
            RELEASED: peer(folder, args.size, args.base, args.most, args.batch, 1),
            EQUAL: peer(folder, args.size, args.base, args.most, args.batch, 2),
            "ours, as the paper": ours(folder, args.size, args.base, args.most, args.batch, "own"),
            "ours, default": ours(folder, args.size, args.base, args.most, args.batch, "critic"),
        }
        counts = {name: parameters(step) for name, step in steps.items()}

        def cycle(step: Callable[[], object]) -> Callable[[], None]:
            return lambda: [step() for _ in range(args.steps)] and None

        times = interleaved({name: cycle(step) for name, step in steps.items()}, args.rounds, warmup=0)
    seconds = {name: [t / args.steps / args.batch for t in values["cpu_s"]] for name, values in times.items()}
    peer_s = seconds[EQUAL]
    results = {
        name: {
            "parameters": counts[name], "cpu_s_a_picture": summary(values),
            "kimg_an_hour": round(3.6 / summary(values)["median"], 2), "times_faster": gain(peer_s, values),
        }
        for name, values in seconds.items()
    }  # fmt: skip
    rows = [[n, r["parameters"], r["cpu_s_a_picture"]["median"], r["kimg_an_hour"], r["times_faster"]["median"]]
            for n, r in results.items()]  # fmt: skip
    table(["training", "parameters", "CPU s a picture", "kimg an hour", "times faster"], rows)
    faster = results["ours, as the paper"]["times_faster"]["median"]
    settings = {name: getattr(args, name) for name in ("rounds", "size", "base", "most", "batch", "steps")}
    goals = [target("kimg an hour, times the peer's", f"at least {WANTED}", faster, faster >= WANTED)]
    report("How many pictures does a training see in an hour?", settings | {"threads": 1}, results, goals,
           args.output, load)  # fmt: skip


if __name__ == "__main__":
    main()

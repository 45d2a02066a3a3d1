"""How much faster, and how much smaller, is one gradient step than in torch-lucent and in a plain loop?

The same picture, the same random weights, the same objective (mean square of one layer): Reverie as it runs by
default, Reverie in plain and in fused fp32, torch-lucent's own inner loop, and the loop that most scripts have. Neither
peer is charged for its picture parametrization or optimizer. CPU time is measured at one thread, wall time at two as
well; memory in a process of its own per variant.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import torch
from measure import arguments, gain, in_child, interleaved, load_now, peak_of, report, summary, table, target
from networks import ascent_of, critic_of, generator, photo, unprepared
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.critic.critic import Preprocessing
from reverie.optimize.allocator import keep

IMAGENET = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
# layer as Reverie names it; module path and preprocessing for the peers, written out so that they load nothing of ours
CASES = {"googlenet": ("inception4c", "inception4c", HALF), "vgg16": ("relu4_3", "features.22", IMAGENET)}
OURS, FUSED, EXACT, LUCENT, PLAIN = "reverie", "reverie-fp32-fused", "reverie-fp32", "torch-lucent", "plain"
PRECISIONS = {OURS: "auto", FUSED: "fp32-fused-2", EXACT: "fp32"}
PEERS = (LUCENT, PLAIN)
GAIN, MEMORY, COSINE = 3.5, 0.75, 0.95
FUSED_GAIN = 2.8  # over torch-lucent, both in fp32; on VGG there is nothing left to gain
GRAIN = "grain 0.01"  # about that of a camera at low sensitivity, 2.5 of 255
Step = Callable[[], Tensor]


def reverie_step(network: str, precision: str, images: Tensor, *, jitter: bool) -> Step:
    """One step as `reverie dream` takes it."""
    ascent, random = ascent_of(critic_of(network, precision), CASES[network][0], jitter=jitter), generator()
    return lambda: ascent.gradient(images, random)[1]


def lucent_step(net: nn.Module, path: str, prepare: Callable[[Tensor], Tensor], images: Tensor) -> Step:
    """The closure inside torch-lucent's `render_vis`, with its hooks and its objective class."""
    from lucent.optvis.objectives import Objective
    from lucent.optvis.render import hook_model

    pixels = images.clone().requires_grad_(True)
    hook = hook_model(net, lambda: pixels)
    objective = Objective(lambda model: -model(path.replace(".", "_")).square().mean())

    def step() -> Tensor:
        pixels.grad = None  # its optimizer holds the picture only: gradients of the weights pile up, as they do there
        net(prepare(pixels))
        objective(hook).backward()
        assert pixels.grad is not None
        return -pixels.grad

    return step


def plain_step(net: nn.Module, path: str, prepare: Callable[[Tensor], Tensor], images: Tensor) -> Step:
    """The loop of most scripts: hooks on every module, the whole network forward, weights left trainable."""
    pixels = images.clone().requires_grad_(True)
    seen: dict[str, Tensor] = {}
    for name, module in net.named_modules():
        module.register_forward_hook(lambda _m, _i, output, name=name: seen.__setitem__(name, output))

    def step() -> Tensor:
        pixels.grad = None
        net(prepare(pixels))
        seen[path].square().mean().backward()
        assert pixels.grad is not None
        return pixels.grad

    return step


def peer_step(variant: str, network: str, images: Tensor) -> Step:
    """Return the step of a peer on the network as torchvision gives it."""
    _, path, prepare = CASES[network]
    return (lucent_step if variant == LUCENT else plain_step)(unprepared(network), path, prepare, images)


def build(variant: str, network: str, images: Tensor) -> Step:
    """Return one variant's step."""
    if variant in PEERS:
        return peer_step(variant, network, images)
    return reverie_step(network, PRECISIONS[variant], images, jitter=True)


def measure_time(network: str, images: Tensor, rounds: int, threads: int) -> dict[str, Any]:
    """Return times of all variants and the gains over both peers."""
    torch.set_num_threads(threads)
    keep()  # as a run of Reverie does; it is of the whole process, so the peers have the use of it here, too
    names = (*PRECISIONS, *PEERS)
    times = interleaved({name: build(name, network, images) for name in names}, rounds)
    kind = "cpu_s" if threads == 1 else "wall_s"
    return {
        "variants": {n: {k: summary(v) for k, v in t.items()} for n, t in times.items()},
        "gain": {p: gain(times[p][kind], times[OURS][kind]) for p in (FUSED, EXACT, *PEERS)},
        "gain_of_fused": gain(times[LUCENT][kind], times[FUSED][kind]),
        "gain_of": kind,
    }


def pictures(side: int) -> dict[str, Tensor]:
    """Return what the agreement of gradients is measured on.

    bf16 has eight bits of mantissa: where a picture is perfectly smooth, neighbors become equal and max pooling sends
    their gradient elsewhere. The example picture is rendered; photos have grain.
    """
    rendered = photo(side)
    noise = torch.randn(rendered.shape, generator=generator())
    return {
        "rendered": rendered,
        "grain 0.01": (rendered + 0.01 * noise).clamp(0, 1),
        "grain 0.02": (rendered + 0.02 * noise).clamp(0, 1),
        "white noise": torch.rand(rendered.shape, generator=generator()),
    }


def measure_agreement(network: str, side: int) -> dict[str, Any]:
    """Return cosines of gradients without jitter against Reverie in fp32: ours on several pictures, peers on one."""
    found: dict[str, Any] = {OURS: {}}
    exact = {}
    for name, images in pictures(side).items():
        exact[name] = reverie_step(network, "fp32", images, jitter=False)()
        found[OURS][name] = cosine(exact[name], reverie_step(network, "auto", images, jitter=False)())
    for peer in PEERS:
        found[peer] = cosine(exact["rendered"], peer_step(peer, network, photo(side))())
    return found


def cosine(left: Tensor, right: Tensor) -> float:
    """Return the cosine of the angle between two gradients."""
    return round(F.cosine_similarity(left.flatten().double(), right.flatten().double(), dim=0).item(), 5)


def measure_memory(network: str, side: int) -> dict[str, Any]:
    """Return the memory of every variant, each in its own process, and ours relative to the peers."""
    found = {
        name: in_child(__file__, "--child", name, "--network", network, "--side", str(side))
        for name in (*PRECISIONS, *PEERS)
    }
    keys = ("process_peak_mib", "peak_mib", "increase_mib")
    relative = {p: {k: round(found[OURS][k] / found[p][k], 3) for k in keys} for p in PEERS}
    return {"variants": found, "relative": relative}


def child(options: argparse.Namespace) -> None:
    """Measure one variant's memory and print it; nothing else may have been loaded before."""
    torch.set_num_threads(1)
    step = build(options.child, options.network, photo(options.side))
    print(json.dumps(peak_of(step)))


def measure(network: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return everything about one network, printing it on the way."""
    images = photo(options.side)
    rounds = options.rounds if network == "googlenet" else max(3, options.rounds // 2)
    result = {
        "layer": CASES[network][0],
        "one_thread": measure_time(network, images, rounds, 1),
        "two_threads": measure_time(network, images, max(2, rounds // 2), 2),
        "cosine_to_fp32": measure_agreement(network, options.side),
        "memory": measure_memory(network, options.side),
    }
    show(network, result)
    return result


def show(network: str, result: dict[str, Any]) -> None:
    """Print one network's table."""
    one, two, memory = result["one_thread"], result["two_threads"], result["memory"]["variants"]
    rows = []
    for name in (*PRECISIONS, *PEERS):
        cpu, wall = one["variants"][name]["cpu_s"], two["variants"][name]["wall_s"]
        gained = "" if name == OURS else f"{one['gain'][name]['median']:.2f}x ({one['gain'][name]['min']:.2f}x)"
        gained2 = "" if name == OURS else f"{two['gain'][name]['median']:.2f}x"
        rows.append([
            name, cpu["median"], cpu["min"], f"{cpu['spread']:.0%}", gained, wall["median"], gained2,
            f"{memory[name]['process_peak_mib']:.0f}", f"{memory[name]['peak_mib']:.0f}",
            f"{memory[name]['increase_mib']:.0f}", shown_cosine(result, name),
        ])  # fmt: skip
    print(f"{network} {result['layer']}")
    head = ("", "cpu s", "least", "spread", "gain (of least)", "wall s, 2 threads", "gain", "process MiB", "pass MiB",
            "increase MiB", "cosine")  # fmt: skip
    table(head, rows)


def shown_cosine(result: dict[str, Any], name: str) -> str:
    """Return a variant's cosine for the table; ours on the picture with grain."""
    found = result["cosine_to_fp32"].get(name, "reference")
    return str(found[GRAIN] if isinstance(found, dict) else found)


def verdict(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was aimed at and what came out."""
    lines = []
    for network, result in results.items():
        name = f"{network} {result['layer']}"
        for peer in PEERS:
            gained = result["one_thread"]["gain"][peer]["median"]
            share = result["memory"]["relative"][peer]["process_peak_mib"]
            lines.append(target(f"{name}, CPU time of {peer} over ours", f">= {GAIN}", gained, gained >= GAIN))
            lines.append(target(f"{name}, peak memory over that of {peer}", f"<= {MEMORY}", share, share <= MEMORY))
        if network == "googlenet":
            gained = result["one_thread"]["gain_of_fused"]["median"]
            what = f"{name}, CPU time of torch-lucent over ours in fused fp32"
            lines.append(target(what, f">= {FUSED_GAIN}", gained, gained >= FUSED_GAIN))
        agreement = result["cosine_to_fp32"]
        for picture in (GRAIN, "rendered"):
            found = agreement[OURS][picture]
            lines.append(target(f"{name}, cosine to fp32, {picture}", f"> {COSINE}", found, found > COSINE))
        agree = min(agreement[p] for p in PEERS)
        lines.append(target(f"{name}, peers compute the same gradient (cosine)", "> 0.999", agree, agree > 0.999))
    return lines


def main() -> None:
    """Measure both networks."""
    load = load_now()
    parser = arguments(__doc__, rounds=9, side=512)
    parser.add_argument("--network", choices=list(CASES), help="only this network")
    parser.add_argument("--child", choices=(*PRECISIONS, *PEERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    results = {n: measure(n, options) for n in ([options.network] if options.network else CASES)}
    settings = {"side_px": options.side, "rounds": options.rounds}
    report((__doc__ or "").splitlines()[0], settings, results, verdict(results), options.output, load)


if __name__ == "__main__":
    main()

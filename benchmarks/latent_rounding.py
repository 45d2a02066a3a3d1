"""How near does a StyleGAN2 in bf16 come to float32, with its first blocks exact and without?

bf16 is imitated by rounding (`imitated.py`), so that any processor tells; three pictures of each random network of
`latent_inference.py`:

    python benchmarks/latent_rounding.py --output benchmarks/results/latent_rounding.json
"""

from __future__ import annotations

from typing import Any
from unittest.mock import PropertyMock, patch

import torch
from imitated import ImitatedBf16
from latent_inference import CASES, LEAST_DB, decibels, network
from measure import arguments, load_now, report, table, target

from reverie.models.stylegan2.config import GeneratorConfig

SEEDS = (1, 2, 3)


@torch.inference_mode()
def measure(name: str) -> dict[str, Any]:
    """Return dB of each picture, with the first blocks exact and with all rounded."""
    size, base, _ = CASES[name]
    _, net = network(size, base)
    found: dict[str, Any] = {"first blocks exact": [], "all rounded": []}
    for seed in SEEDS:
        ws = net.spread(net.mapping(torch.randn(1, 512, generator=torch.Generator().manual_seed(seed))))
        expected = net.synthesis(ws, "const")
        for way, stages in (("first blocks exact", net.config.exact_stages), ("all rounded", 0)):
            exact = PropertyMock(return_value=stages)
            with patch.object(GeneratorConfig, "exact_stages", exact), ImitatedBf16():
                found[way].append(decibels(net.synthesis(ws, "const", torch.bfloat16), expected))
    return found


def main() -> None:
    """Measure every network."""
    args = arguments(__doc__, rounds=1, threads=1).parse_args()
    torch.set_num_threads(args.threads)
    load, cases = load_now(), {name: measure(name) for name in CASES}
    table(
        ["network", "first blocks exact, dB", "all rounded, dB"],
        [[name, *map(str, c.values())] for name, c in cases.items()],
    )
    targets = [
        target(f"{name}, least dB", f"above {LEAST_DB:g}", min(case["first blocks exact"]),
               min(case["first blocks exact"]) > LEAST_DB)
        for name, case in cases.items()
    ]  # fmt: skip
    question = "How near does bf16 come to float32, with exact first blocks and without?"
    report(question, {"threads": args.threads}, cases, targets, args.output, load)


if __name__ == "__main__":
    main()

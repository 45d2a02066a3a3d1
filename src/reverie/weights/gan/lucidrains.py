"""Networks of lucidrains' stylegan2-pytorch, whose arithmetic is its own: `reverie.models.lucidrains`.

The file is ``{"GAN": state dict, "version": text}``; ``GE`` and ``SE`` are averages of generator and mapping.
"""

from __future__ import annotations

from collections.abc import Mapping

from reverie.weights.gan.found import Found
from reverie.weights.pickles.records import Broken, shown
from reverie.weights.pickles.values import Values

BEST_FIRST = (("SE.", "GE."), ("S.", "G."))
SIGN = "initial_conv.weight"


def find_lucidrains(entries: Mapping[object, object], values: Values) -> Found | None:
    """Return the generator of such a file, under its own names with ``mapping.`` and ``synthesis.`` before them.

    Raises:
        Broken: it has attention layers, or a tensor that cannot be.
    """
    state = values.mapping(entries.get("GAN")) or entries
    chosen = next((pair for pair in BEST_FIRST if pair[1] + SIGN in state and f"{pair[0]}net.0.weight" in state), None)
    if chosen is None:
        return None
    mapping, synthesis = chosen
    if any(isinstance(name, str) and name.startswith(f"{synthesis}attns.") for name in state):
        raise Broken("is a lucidrains network with attention layers, which are not part of Reverie")
    found = Found("lucidrains' stylegan2-pytorch", family="lucidrains")
    found.notes.append("the file has no mean of w; it is estimated from samples of a fixed seed")
    if mapping == "S.":
        found.notes.append("the file has no moving average GE; G was taken, whose pictures are worse")
    for name, record in state.items():
        tensor = values.tensor(record) if isinstance(name, str) else None
        if tensor is None or not isinstance(name, str) or name.endswith("upsample.1.f"):
            continue
        for prefix, room in ((mapping, "mapping."), (synthesis, "synthesis.")):
            if name.startswith(prefix):
                found.place(room + name.removeprefix(prefix), tensor)
    version = entries.get("version")
    if isinstance(version, str):
        found.stated["version"] = shown(version, 40)
    return found

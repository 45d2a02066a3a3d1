"""Files of translators: what they say of themselves is checked against their weights before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reverie.errors import WeightsError
from reverie.models.build import check_fit, shapes_only
from reverie.models.translator import Shape, Translator, build_translator, parse_shape
from reverie.weights.boundary import reads
from reverie.weights.checkpoint import Description, load_description, load_model
from reverie.weights.in_folder import shipped_path

KIND = "translator"
SHIPPED = {"sobel": Path(__file__).with_name("sobel.safetensors")}  # name → file inside the package


@dataclass(frozen=True, eq=False)
class OpenTranslator:
    """A network ready to use, what its file says of it, and where that lies."""

    net: Translator
    about: Description
    path: Path
    shape: Shape


def translator_path(model: str) -> Path:
    """Return the file of a shipped translator by name, or the path itself."""
    return shipped_path(model, SHIPPED, "translator")


@reads
def is_translator(path: Path) -> bool:
    """Tell whether a file is that of a translator; False for what is no file.

    Raises:
        WeightsError: it says nothing of itself, or is broken.
    """
    return path.is_file() and load_description(path).kind == KIND


@reads
def load_translator(path: Path) -> OpenTranslator:
    """Return the network of a self-describing file, in eval mode.

    Raises:
        WeightsError: missing, broken, of another tool, or with weights that do not fit what it says.
    """
    state, about = load_model(path)
    if about.kind != KIND:
        raise WeightsError(
            f"'{path.name}' holds a network of kind '{about.kind}'; "
            "translating needs a translator, from 'reverie train translate'"
        )
    shape = parse_shape(about.options, path.name)
    with shapes_only():
        net = build_translator(shape)
    check_fit(net.state_dict(), state, path.name)
    net.load_state_dict({n: v.float() if v.is_floating_point() else v for n, v in state.items()}, assign=True)
    return OpenTranslator(net.eval().requires_grad_(False), about, path, shape)

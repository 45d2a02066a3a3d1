"""The page with a 3D viewer: one file that needs no network and no other program."""

from __future__ import annotations

import base64
import html
from importlib.resources import files

from reverie.jobs.output import Page
from reverie.media.gltf_write import encode_glb
from reverie.numerics.mesh import Mesh


def viewer_page(
    mesh: Mesh, before: Mesh | None = None, *, title: str = "",
    view: tuple[float, float] = (30.0, 15.0), light: str = "auto", background: str = "light", label: str = "page",
) -> Page:  # fmt: skip
    """Return a page that shows a mesh, to be turned by mouse or finger.

    Args:
        mesh: what is shown first; its way is played by a button.
        before: an earlier state, shown instead by a button.
        title: of the page.
        view: azimuth and elevation of the camera, in degrees.
        light: "on", "off", or "auto": as the materials say.
        background: "light" or "dark".
        label: of the output.
    """
    here = files("reverie.tools.mesh_show")
    template = (here / "page.html").read_text("utf-8")
    parts = {
        "TITLE": html.escape(title or mesh.name),
        "VIEW": f"{view[0]:g},{view[1]:g}",
        "LIGHT": {"on": "true", "off": "false"}.get(light, "mixed"),
        "DARK": "true" if background == "dark" else "false",
        "MESHES": _block("mesh", mesh) + ("" if before is None else _block("before", before)),
        "VIEWER": (here / "viewer.js").read_text("utf-8"),
    }
    head, *rest = template.split("{{")
    return Page(head + "".join(_filled(piece, parts) for piece in rest), label=label)


def _filled(piece: str, parts: dict[str, str]) -> str:
    name, _, rest = piece.partition("}}")
    return parts[name] + rest


def _block(name: str, mesh: Mesh) -> str:
    text = base64.b64encode(encode_glb(mesh)).decode()
    return f'<script type="application/octet-stream" id="{name}">{text}</script>\n'

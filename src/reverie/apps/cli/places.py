"""The words of a command line and the places of a tool: which word is what, and the habits that are caught early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from reverie.apps.cli.common_options import Common
from reverie.apps.cli.output import print_note
from reverie.apps.cli.pipes import STDOUT, as_given
from reverie.apps.cli.tool_fields import all_fields
from reverie.apps.cli.values import as_name, split_list
from reverie.errors import InputError
from reverie.jobs.tool import AnyTool, Role
from reverie.media.suffixes import MESHES, MESHES_WRITTEN, PICTURES, PICTURES_WRITTEN, VIDEOS_WRITTEN
from reverie.settings import flag_of

STILLS = tuple(suffix for suffix in PICTURES_WRITTEN if suffix != ".webp")  # of --output: a WebP may move
FILMS = (*VIDEOS_WRITTEN, ".gif")  # of --output, which ask for a film by themselves

Positions: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""What was given for each role, as it was typed."""


def place_words(
    tool: AnyTool, words: Sequence[str], named: Mapping[str, Sequence[str]]
) -> dict[str, str | tuple[str, ...]]:
    """Return what goes to which role: what was given by name first, the other words in the order of the roles.

    A role that takes several takes all that is left but one word for each role behind it.

    Raises:
        InputError: more words than places.
    """
    positions: dict[str, str | tuple[str, ...]] = {name: tuple(texts) for name, texts in named.items() if texts}
    streamed, rest = tool.streamed, list(words)
    if streamed is not None and streamed.name in positions and takes_many(tool, streamed):
        positions[streamed.name], rest = (*rest, *positions[streamed.name]), []  # both ways of naming sources
    roles = [role for role in tool.roles if role.name not in positions]
    for number, role in enumerate(roles, start=1):
        many = role.many or (role.streamed and role is roles[-1])
        behind = len(roles) - number  # in ``distill STYLE STYLE DATA`` the last word is the data
        count = max(1, len(rest) - behind) if many else 1
        taken, rest = rest[:count], rest[count:]
        if taken:
            positions[role.name] = tuple(taken) if many else taken[0]
    if rest:
        known = {field.name for _, field in tool.fields()}
        hint = f"; a channel is --channel {rest[0]}" if "channel" in known and ":" in rest[0] else ""
        raise InputError(f"'{rest[0]}' is one argument too many{hint}; see 'reverie {tool.name} --help'")
    for role in tool.roles:
        value = positions.get(role.name)
        if isinstance(value, tuple) and not (role.many or role.streamed):
            first, *more = (str(text) for text in value)
            if more:
                raise InputError(f"--{role.name} is given more than once; see 'reverie {tool.name} --help'")
            positions[role.name] = first
    return positions


def takes_many(tool: AnyTool, role: Role) -> bool:
    """Tell whether a place takes several: the tool says so, or it is the last one and the tool goes through them."""
    return role.many or (role.streamed and role is tool.roles[-1])


def texts_of(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return what stands at a place, as it was typed."""
    return () if value is None else (as_given(value),) if isinstance(value, str) else tuple(map(as_given, value))


def check_places(tool: AnyTool, texts: tuple[str, ...], positions: Positions, common: Common) -> None:
    """Catch the habit of other programs to name the result last, before anything is opened.

    Raises:
        InputError: the last word names a picture or film that is not there, behind one that is.
    """
    alone = len(texts) == 1 and tool.streamed is not None and not tool.streamed.required
    if alone and not Path(texts[0]).suffix and not Path(texts[0]).exists() and texts[0] != STDOUT:
        raise InputError(f"no file at '{texts[0]}'; without a picture it is 'reverie {tool.name} --size 512'")
    _check_swapped(tool, texts, positions)
    for role in tool.fixed:
        value = positions.get(role.name)
        if role.kind == "network" and isinstance(value, str) and Path(value).suffix.lower() in (*STILLS, ".webp"):
            more = f"see 'reverie {tool.name} --help'"
            raise InputError(
                f"'{value}' is a picture, not a network; the network comes first, or as {option_of(role)}; {more}"
            )
    fixed = [texts_of(positions.get(role.name)) for role in tool.fixed if role.kind != "network"]
    places = [*texts, *(text for role_texts in fixed for text in role_texts)]
    if len(places) < 2 or common.output is not None or tool.makes not in ("picture", "film", "mesh"):
        return
    *before, last = map(Path, places)
    if fixed and len(fixed[-1]) == 1:
        return  # the only style or guide that is named: without it, there is nothing to do
    if (
        last.suffix.lower() in (*STILLS, *FILMS, *MESHES_WRITTEN, ".webp")
        and not last.exists()
        and all(p.exists() for p in before)
    ):
        raise InputError(f"no file at '{last}'; did you mean -o {last}?")


def _check_swapped(tool: AnyTool, texts: tuple[str, ...], positions: Positions) -> None:
    """Catch a mesh at the place of a picture behind a picture at the place of the mesh.

    Raises:
        InputError: shows the right order.
    """
    if tool.streamed is None or tool.streamed.kind != "mesh" or not texts:
        return
    pictures = [text for role in tool.fixed if role.kind == "picture" for text in texts_of(positions.get(role.name))]
    meshes = [text for text in pictures if Path(text).suffix.lower() in MESHES]
    if meshes and Path(texts[0]).suffix.lower() in PICTURES:
        raise InputError(
            f"'{texts[0]}' is a picture and '{meshes[0]}' a mesh; the mesh comes first: "
            f"reverie {tool.name} {meshes[0]} {texts[0]}"
        )


def check_lists(tool: AnyTool, texts: tuple[str, ...], given: Mapping[str, object], *, layers: bool) -> None:
    """Catch values of an option with spaces between them: ``photo.jpg --layer A B``.

    Raises:
        InputError: a word behind the first that looks like no file, beside an option that takes several values.
    """
    lost = [text for text in texts[1:] if not Path(text).suffix and not Path(text).exists() and text.isprintable()]
    lost = [text for text in lost if not set(text) & set("/*?[")]
    if lost and layers:
        raise InputError(f"--layers lists them and takes no value; did you mean --layer {','.join(lost)}?")
    several = [(field, value) for field, _ in all_fields(tool) if isinstance(value := given.get(field.name), tuple)]
    if lost and several:
        field, value = several[-1]
        values = ",".join(map(str, (*value, *lost)))
        raise InputError(f"no file at '{lost[0]}'; did you mean {flag_of(field)} {values}?")


def say_places(tool: AnyTool, texts: tuple[str, ...], positions: Positions) -> None:
    """Say what was taken for what, where another reading is as likely: ``style a.jpg b.jpg --style s.jpg``."""
    shared = next((role for role in tool.fixed if role.many and positions.get(role.name)), None)
    if shared is not None and len(texts) > 1 and tool.streamed is not None:
        styles = ", ".join(texts_of(positions[shared.name]))
        more = " and more" if len(texts) > 4 else ""
        print_note(f"{tool.streamed.name}: {', '.join(texts[:4])}{more}; {shared.name}: {styles}")


def lacking(tool: AnyTool, role: Role) -> str:
    """Return what to say where a place is empty."""
    return f"{role.name.upper()} is missing ({option_of(role)}); see 'reverie {tool.name} --help'"


def option_of(role: Role) -> str:
    """Return the option that fills a place by its name."""
    return f"--{role.name.replace('_', '-')} FILE"


def fixed_settings(tool: AnyTool, positions: Positions, *, like: bool = False) -> dict[str, object]:
    """Return the settings that stand on the command line without an option; with `like`, another result has them."""
    found: dict[str, object] = {}
    for role in tool.fixed:
        value = positions.get(role.name)
        if value is not None and value != ():
            found[role.name] = _items(tool, role, value) if role.many else as_given(str(value))
        elif role.required and not like:
            raise InputError(lacking(tool, role))
    return found


def _items(tool: AnyTool, role: Role, value: Sequence[str]) -> tuple[str, ...]:
    """Return the texts of a place that takes several: by spaces or commas, weights also in percent."""
    field = next((field for _, field in tool.fields() if field.name == role.name), None)
    if field is None:
        return tuple(map(as_given, value))
    return tuple(as_name(one, field) for text in value for one in split_list(as_given(text), field))

"""Dreams, paintings and their comparison from Python, with pictures by path, PIL image or array.

from reverie import dream, DreamConfig

dream("valley.jpg").pil()
for step in dream("valley.jpg", DreamConfig(layer=("mixed5a",), octaves=5)):
    print(step.index, step.score)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import numpy as np
from torch import nn

from reverie.api.styling import Styling
from reverie.api.wording import in_python
from reverie.critic.critic import Critic, Preprocessing
from reverie.critic.wrap import as_critic
from reverie.errors import InputError, unknown_name
from reverie.jobs.controls import Controls
from reverie.jobs.making import Making, given_of
from reverie.jobs.presets import preset_of
from reverie.jobs.run import Run
from reverie.jobs.session import Session
from reverie.media.given import as_picture
from reverie.optimize.ascend import Step
from reverie.optimize.goal import Goal, as_objective
from reverie.optimize.rendering import Change, as_look
from reverie.optimize.transforms import Look
from reverie.settings import check_settings, fields_of, with_tuples
from reverie.tools.compare.comparison import Comparison, compare_pictures
from reverie.tools.compare.config import CompareConfig
from reverie.tools.dream.config import FORMS, DreamConfig
from reverie.tools.dream.rules import check_together
from reverie.tools.dream.tool import DREAM, OwnGoal, PreparedDream, settle
from reverie.tools.dream_steps.steered import checked_strength
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.rules import ANY_STYLE
from reverie.tools.style.sources import read_styles
from reverie.tools.style.tool import STYLE

if TYPE_CHECKING:
    from PIL import Image

    from reverie.tools.dream.work import DreamWork
    from reverie.tools.dream_steps.disk import DiskDream


C = TypeVar("C")


class Steering(Controls):
    """What may change while a dream runs, asked for from any thread."""

    def strength(self, factor: float) -> None:
        """Multiply the step size by `factor` from the next step on.

        Raises:
            InputError: not a number from 0.01 to 100.
        """
        self.ask("strength", checked_strength(factor))

    def layer(self, *names: str) -> None:
        """Amplify other layers from the next step on, each as NAME or NAME:WEIGHT.

        Raises:
            InputError: no name; one that the network does not have is refused by the run, see `notice`.
        """
        if not names or not all(isinstance(name, str) and name for name in names):
            raise InputError(f"the layer must be a name; got {list(names)}")
        self.ask("layer", list(names))


class Dream(Making[Step]):
    """One dream: an iterator of `Step`s whose result can be had as array, PIL image or file.

    Attributes:
        config: the settings as given.
        critic: the open network.
        plan: sizes, steps and tiles, decided before the first step.
        steering: changes strength and layer, pauses and stops while it runs, from any thread.
    """

    def __init__(
        self, source: object, config: DreamConfig, critic: Critic | None = None, *, steering: Controls | None = None,
        folder: Path | None = None, session: Session | None = None, own: OwnGoal | None = None,
    ) -> None:  # fmt: skip
        config = with_tuples(config)
        check_settings(config)
        given = None if source is None else given_of(source)
        check_together(config, has_picture=given is not None)
        session = session or Session()
        if critic is not None:
            session.put(critic, config.model, config.weights, config.device, config.precision)
        config = config if given is None else settle(config, given.name)
        self.config, self.steering = config, steering or Steering()
        prepared = PreparedDream(config, session, own)
        scratch = None if folder is None else folder / "picture.frames"
        super().__init__(Run(DREAM, prepared, config, given, controls=self.steering, scratch=scratch))
        self.work: DreamWork | DiskDream = self.run.work  # type: ignore[assignment]
        self.critic, self.plan = prepared.critic, self.work.layout

    save = in_python(Making.save)
    keep = in_python(Making.keep)
    check_target = in_python(Making.check_target)

    @property
    def last(self) -> Step | None:
        """The latest step, once there is one."""
        return self.work.last

    @in_python
    def __iter__(self) -> Iterator[Step]:
        yield from self.run  # type: ignore[misc]

    def pil(self, *, progress: bool = True) -> Image.Image:
        """Run to the end, showing progress, and return a PIL image (with alpha if the source has it)."""
        return super().pil(progress=progress)

    def current(self) -> np.ndarray:
        """Return the picture as it is now, ``[H, W, 3]`` float32 in [0, 1]; see `DreamWork.current`."""
        return self.work.current()


@in_python
def dream(
    picture: object = None, config: DreamConfig | None = None, *, critic: Critic | nn.Module | None = None,
    objective: Goal | None = None, transforms: Look | Change | Sequence[Change] | None = None,
    preprocessing: Preprocessing | None = None, classes: Sequence[str] = (), preset: str | None = None, **settings: Any,
) -> Dream:  # fmt: skip
    """Dream a picture.

    Args:
        picture: path, bytes, open file, PIL image, ``[H, W]``, ``[H, W, 3]`` or ``[H, W, 4]`` array (uint8, uint16, or
            float in [0, 1]) or ``[3, H, W]`` tensor; ``None`` dreams from noise.
        config: all settings; single ones can be given by keyword instead: ``dream("a.jpg", octaves=5)``.
        critic: an open network, or any `torch.nn.Module`, which `model` may be as well.
        objective: what is amplified: a name of `DreamConfig.objective`, an `Objective`, a text such as "layer3:7", or a
            function of activations by layer name, ``[B, C, h, w]``, that returns ``[B]`` or one number.
        transforms: how pictures are looked at in place of jitter: functions ``[B, 3, H, W] -> [B, 3, h, w]``.
        preprocessing: what a module expects, with `classes` the names of its outputs; see `as_critic`.
        classes: see there.
        preset: look by name, such as "creatures"; settings given beside it win.
        **settings: fields of `DreamConfig`; where none says what is amplified, the look is that of the command line.

    Returns:
        A `Dream`: iterate over its steps, or call ``.pil()``, ``.array()`` or ``.save(path)``.

    Raises:
        InputError: settings, network or picture that cannot be used; the message says why.
    """
    check_one_way(config, settings, preset)
    network = settings.pop("model", None) if isinstance(settings.get("model"), (nn.Module, Critic)) else critic
    seen = None if network is None else as_critic(network, preprocessing=preprocessing, classes=classes)
    if seen is not None and config is None and "model" not in settings:
        settings["model"] = seen.identity.name
    if isinstance(objective, str) and objective in FORMS:
        settings["objective"], objective = objective, None
    own: OwnGoal | None = None
    if objective is not None or transforms is not None:
        seen = seen or as_critic(str(settings.get("model", "embedded")), weights=settings.get("weights"))
        own = _own_goal(objective, transforms, seen)
    if config is None:
        settings = {**preset_of(DREAM, preset, settings, usual=picture is not None and seen is None), **settings}
    return Dream(picture, config or _settings(DreamConfig, settings), seen, own=own)


def _own_goal(
    objective: Goal | None, transforms: Look | Change | Sequence[Change] | None, critic: Critic
) -> OwnGoal:  # fmt: skip
    goal = None if objective is None else as_objective(objective, critic)
    return OwnGoal(goal, None if transforms is None else as_look(transforms))


def check_one_way(config: object | None, settings: Mapping[str, object], preset: str | None = None) -> None:
    """Refuse settings that come both as a configuration and by keyword."""
    if config is not None and (settings or preset is not None):
        raise InputError("give settings either as config or by keyword, not both")


def _settings(cls: type[C], settings: Mapping[str, object]) -> C:
    """Return settings by keyword.

    Raises:
        InputError: one that there is not, with the nearest.
    """
    known = [field.name for field in fields_of(cls)]
    for name in settings:
        if name not in known:
            raise InputError(unknown_name("setting", name, known))
    return cls(**settings)


@in_python
def style(
    content: object, styles: object = (), config: StyleConfig | None = None, *, preset: str | None = None,
    critic: Critic | None = None, **settings: Any,
) -> Styling:  # fmt: skip
    """Paint a picture in the style of others.

    Args:
        content: as for `dream`.
        styles: one or several: paths, each optionally ``FILE:WEIGHT``, folders of pictures, or pictures in memory as
            `content`, each optionally as (picture, weight).
        config: all settings; single ones can be given by keyword instead: ``style("a.jpg", "b.jpg", strength=0.7)``.
        preset: how long it works: draft, good or best.
        critic: an open network, to use it for several pictures.
        **settings: fields of `StyleConfig`.

    Returns:
        A `Styling`: iterate over its steps, or call ``.pil()``, ``.array()`` or ``.save(path)``.

    Raises:
        InputError: settings, network or picture that cannot be used; the message says why.
    """
    check_one_way(config, settings, preset)
    listed = tuple(styles) if _is_many(styles) else (styles,)
    if critic is not None and config is None:
        settings = {"model": critic.identity.name} | settings
    config = config or _settings(StyleConfig, {**preset_of(STYLE, preset, settings), **settings})
    if all(isinstance(s, (str, Path)) for s in listed):
        return Styling(content, replace(config, style=tuple(map(str, listed))) if listed else config, critic)
    if config.fast not in (None, ANY_STYLE):
        raise InputError("a fast style model of one style knows that one alone; leave the styles out")
    config, picture = with_tuples(config), as_picture(content)
    check_settings(config)
    found = read_styles(config, picture.name, listed)
    return Styling(picture, replace(config, style=found.chosen, style_class=None), critic, pictures=found)


def _is_many(styles: object) -> TypeGuard[list[object] | set[object] | tuple[object, ...]]:
    """Tell several styles from one, and a tuple of them from one picture with its weight."""
    weighted = isinstance(styles, tuple) and len(styles) == 2 and isinstance(styles[1], (int, float))
    return isinstance(styles, (list, set, tuple)) and not weighted


@in_python
def compare(
    content: object, style: object, styled: object, config: CompareConfig | None = None, **settings: Any
) -> Comparison:  # fmt: skip
    """Measure how much of a style stylized pictures took on, and how much of their content they kept.

    Args:
        content: what was stylized, as for `dream`.
        style: what it was stylized like.
        styled: one result, or a list of them; files of ours say which layers were matched, and others measure.
        config: all settings; single ones can be given by keyword instead.
        **settings: fields of `CompareConfig`.

    Returns:
        A `Comparison`: ``.pictures[0].style``, ``.record()``, ``.sheet()`` or ``.save_sheet(path)``.

    Raises:
        InputError: settings, network or pictures that cannot be used; the message says why.
    """
    check_one_way(config, settings)
    config = config or _settings(CompareConfig, settings)
    several = isinstance(styled, (list, tuple))
    return compare_pictures(content, style, styled if several else [styled], config)

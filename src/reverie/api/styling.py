"""One style transfer as a program meets it: pictures in, steps on the way, a picture with its settings out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from reverie.api.wording import in_python
from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.jobs.controls import Controls
from reverie.jobs.making import Making, given_of
from reverie.jobs.run import Run
from reverie.jobs.session import Session
from reverie.jobs.steps import Ready
from reverie.jobs.target import check_no_foreign
from reverie.optimize.ascend import Step
from reverie.settings import check_settings, with_tuples
from reverie.tools.fast.model import FastModel
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import StylePictures
from reverie.tools.style.tool import STYLE
from reverie.tools.style.work import PreparedStyle, work_of
from reverie.tools.style_steps.plan import StylePlan
from reverie.tools.style_steps.state import save_state
from reverie.tools.style_steps.steps import StyleState
from reverie.tools.style_steps.terms import StyleTerms
from reverie.tools.style_steps.transfer import Transfer


class Styling(Making[Step]):
    """One style transfer: an iterator of `Step`s whose result can be had as array, PIL image or file.

    Attributes:
        config: the settings as given.
        controls: pauses and stops it, from any thread.

    Args:
        source: content: path, bytes, open file, PIL image, array or tensor, as for `dream`.
        config: the settings; `style` names the style pictures.
        network: an open network: a critic, or one that paints in one pass.
        resume: a state file: of the same run, to go on bit for bit, or of a smaller preview, to grow.
        pictures: the styles, if they were read already.

    Raises:
        InputError: settings, network or pictures that cannot be used.
    """

    def __init__(
        self, source: object, config: StyleConfig, network: Critic | FastModel | None = None, *,
        resume: Path | None = None, pictures: StylePictures | None = None,
    ) -> None:  # fmt: skip
        config = with_tuples(config)
        check_settings(config)
        if isinstance(network, Critic) and config.model == StyleConfig.model:
            config = replace(config, model=network.identity.name)  # what the record says, not the default
        self.config = config if resume is None else replace(config, resume_from=str(resume))
        given, self.controls = given_of(source), Controls()
        self.made = PreparedStyle(self.config, Session(), network, pictures).made(given, config.seed)
        super().__init__(Run(STYLE, Ready(work_of(self.made)), self.config, given, controls=self.controls))

    save = in_python(Making.save)
    keep = in_python(Making.keep)
    check_target = in_python(Making.check_target)

    @in_python
    def __iter__(self) -> Iterator[Step]:
        for _ in self.run:
            assert self.made.last is not None
            yield self.made.last

    @property
    def plan(self) -> StylePlan:
        """Scales, steps and tiles, decided before the first step."""
        return self.made.plan

    @property
    def critic(self) -> Critic | FastModel:
        """The open network: a critic, or one that paints in one pass."""
        return self.made.network

    @property
    def last(self) -> Step | None:
        """The latest step, once there is one."""
        return self.made.last

    @property
    def content(self) -> Tensor:
        """The content picture at its final size, ``[1, 3, H, W]``."""
        return self.made.content

    @property
    def terms(self) -> StyleTerms:
        """What is raised at each scale."""
        return self._optimized().terms

    @property
    def state(self) -> StyleState:
        """Where it stands."""
        return self._optimized().state

    def current(self) -> np.ndarray:
        """Return the picture as it is now, at its final size and with its final colors, ``[H, W, 3]`` in [0, 1]."""
        return self.made.current()

    def keep_state(self, path: Path) -> Path:
        """Write where the run stands, so that `resume` goes on from there, or to a larger size; returns the path.

        Raises:
            InputError: it was stylized in one pass, or a file of somebody else's lies there.
        """
        check_no_foreign(path)
        save_state(path, self.state, self.settings(), self.plan)
        return path

    def _optimized(self) -> Transfer:
        if not isinstance(self.made, Transfer):
            raise InputError("this was stylized in one pass: there are no scales, and nothing to go on from")
        return self.made

"""A shape that begins to fold takes its last steps back, and goes on with smaller ones."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from reverie.canvas.mesh import Shape
from reverie.numerics.mesh import edges_of
from reverie.numerics.mesh_quality import folded_fraction, sliver_fraction

EVERY = 10  # steps: to look costs as much as a small render


class Guard:
    """See the module.

    Args:
        vertices, faces: ``[V, 3]`` and ``[F, 3]`` to begin with.
        most: fraction of edges that may fold, or of triangles that may become slivers, beyond those there are.

    Attributes:
        pace: factor of the size of steps, from 1 down.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, most: float) -> None:
        self._faces, self._edges = faces, edges_of(faces)
        self._limits = [value + most for value in self._measured(vertices)]
        self._sound: Tensor | None = None
        self.pace = 1.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done, for people."""
        line = (
            f"the surface began to fold: steps were taken back and are {1 / self.pace:.0f} times smaller; "
            "more --smoothness bends it less"
        )
        return () if self.pace == 1 else (line,)

    def took_back(self, shape: Shape, done: int) -> bool:
        """Look at a shape every few steps; tell whether its last ones were taken back."""
        if done % EVERY:
            return False
        found = self._measured(shape().detach().double().numpy())
        if self._sound is None or all(one <= most for one, most in zip(found, self._limits, strict=True)):
            self._sound = shape.unbent()
            return False
        shape.put(self._sound)
        self.pace /= 2
        return True

    def _measured(self, vertices: np.ndarray) -> tuple[float, float]:
        return folded_fraction(vertices, self._faces, self._edges), sliver_fraction(vertices, self._faces)

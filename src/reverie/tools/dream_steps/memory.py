"""Decide before the first step how a picture is worked: whole, in tiles, or in tiles with the picture on disk."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.optimize.byte_counts import format_bytes
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import FLOAT_BYTES, PICTURE_BUFFERS, fits_whole, memory_budget, tile_for_budget
from reverie.optimize.together import Together
from reverie.tools.dream.config import DreamConfig

USED_STEP_BYTES = 2**27  # memory in use is rounded up to this, so that its noise changes neither tiles nor bytes
STRIP_BYTES = 150e6  # strips of rows, filters and encoders at work beside the network (measured)
DECODED_BYTES = 4  # per pixel: Pillow's own form of a color picture
STORES = 4  # whole pictures on disk at once: source, canvas, gradient, and smaller ones together
WORTH_A_DISK = 1.3  # larger tiles must save this factor of arithmetic before the picture leaves memory


@dataclass(frozen=True)
class MemoryPlan:
    """How a picture is worked, and what that is expected to take.

    Attributes:
        tile_px: largest side of a tile's core; 0 for the whole picture in one piece.
        halo_px: added around it.
        align_px: stride of the network.
        disk: whether the picture lies in files and only tiles and strips in memory.
        estimate_bytes: expected peak of the process; an upper estimate.
        budget_bytes: what it may use.
        disk_bytes: room needed on disk.
    """

    tile_px: int = 0
    halo_px: int = 0
    align_px: int = 1
    disk: bool = False
    estimate_bytes: float = 0.0
    budget_bytes: float = 0.0
    disk_bytes: float = 0.0


IN_ONE_PIECE = MemoryPlan()


@dataclass(frozen=True)
class _Case:
    """What the decision depends on."""

    size: tuple[int, int]
    budget: float
    used: float
    per_px: float
    halo: int
    align: int

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]

    @property
    def buffers(self) -> float:
        return PICTURE_BUFFERS * 3 * FLOAT_BYTES * self.pixels

    @property
    def rounded_halo(self) -> int:
        return -(-self.halo // self.align) * self.align

    def window_bytes(self, tile: int) -> float:
        sides = [min(length, tile + 2 * self.rounded_halo) for length in self.size]
        return self.per_px * sides[0] * sides[1]

    def overhead(self, tile: int) -> float:
        return ((tile + 2 * self.rounded_halo) / tile) ** 2


def plan_memory(
    size: tuple[int, int], config: DreamConfig, critic: Critic, ascent: Ascent | Together, *,
    used_bytes: float | None = None, disk: bool | None = False,
) -> MemoryPlan:  # fmt: skip
    """Decide tiles and whether the picture goes on disk.

    Args:
        size: height and width of the result.
        config: the settings; `tile` and `max_memory` of them.
        critic: the network.
        ascent: what is raised, and how it is looked at.
        used_bytes: memory in use before; measured now if absent.
        disk: whether the picture may lie on disk: no, yes, or ``None`` where that pays.

    Raises:
        InputError: too little memory, or an objective that cannot be tiled where tiles are needed.
    """
    names = sorted(ascent.layers - {"image"})
    budget, used = memory_budget(config.max_memory, critic.device)
    used = critic.prepared_bytes(names) + (used if used_bytes is None else used_bytes)
    used = -(-used // USED_STEP_BYTES) * USED_STEP_BYTES
    case = _Case(size, budget, used, critic.bytes_per_pixel(names), 0, critic.stride(names))
    tile = config.tile or _shared_tile(case, critic, ascent)
    if not disk and not tile and fits_whole(size, budget, case.per_px, used_bytes=used):
        return MemoryPlan(0, 0, 1, False, used + case.buffers + case.per_px * case.pixels, budget)
    case = _Case(size, budget, used, case.per_px, critic.halo(names) if ascent.local else 0, case.align)
    found = _on_disk(case, tile) if disk else _in_memory(case, tile, limited=config.max_memory is not None, disk=disk)
    if found.disk or (found.tile_px and found.tile_px < max(size)):
        ascent.check_tiling()
    return found


def memory_note(plan: MemoryPlan, tiles: int) -> str:
    """Return the plan in one line for people."""
    how = "in one piece"
    if tiles > 1:
        how = f"{tiles} tiles of up to {plan.tile_px} px with a halo of {plan.halo_px} px"
    where = f", the picture on disk ({format_bytes(plan.disk_bytes)} there)" if plan.disk else ""
    return f"planned for {format_bytes(plan.budget_bytes)}: {how}{where}, about {format_bytes(plan.estimate_bytes)}"


def _shared_tile(case: _Case, critic: Critic, ascent: Ascent | Together) -> int:
    """Return the tile that gives every replica of the critic its share of a picture; 0 where there is nothing to share.

    Tiles much smaller than their halos would cost more than sharing gains.
    """
    count = 1 + len(critic.replicas)
    views = ascent.transforms if isinstance(ascent, Ascent) else ascent.parts[0].ascent.transforms
    if count == 1 or not ascent.local or views.resamples:
        return 0
    least = 2 * critic.halo(sorted(ascent.layers - {"image"}))
    side = -(-max(case.size) // (count * case.align)) * case.align
    return side if side >= max(least, case.align) else 0


def _in_memory(case: _Case, tile: int, *, limited: bool, disk: bool | None) -> MemoryPlan:
    if tile and not limited:
        return _with_tile(case, tile)
    try:
        fitting = tile_for_budget(case.size, case.budget, case.per_px, case.halo, case.align, used_bytes=case.used)
    except InputError:
        if disk is None:
            return _on_disk(case, tile)
        raise
    if disk is None and fitting and _pays(case, fitting):
        return _on_disk(case, tile)
    return _with_tile(case, min(tile, fitting) if tile and fitting else tile or fitting)


def _with_tile(case: _Case, tile: int) -> MemoryPlan:
    window = case.window_bytes(tile) if tile else case.per_px * case.pixels
    return MemoryPlan(tile, case.halo, case.align, False, case.used + case.buffers + window, case.budget)


def _pays(case: _Case, tile: int) -> bool:
    """Tell whether tiles could be so much larger without the picture in memory that it is worth the way to the disk."""
    return case.overhead(tile) > WORTH_A_DISK * case.overhead(_disk_tile(case))


def _disk_tile(case: _Case) -> int:
    free = case.budget - case.used - STRIP_BYTES
    side = int((max(free, 0) / case.per_px) ** 0.5) - 2 * case.rounded_halo
    return max(side // case.align * case.align, case.align)


def _on_disk(case: _Case, tile: int) -> MemoryPlan:
    fitting = _disk_tile(case)
    least = max(case.align, 64)
    needed = case.used + max(STRIP_BYTES + case.window_bytes(least), DECODED_BYTES * case.pixels)
    if fitting < least or needed > case.budget:
        raise InputError(
            f"{format_bytes(case.budget)} of memory is too little for {case.size[1]} x {case.size[0]} px with this "
            f"layer, even with the picture on disk; it needs about {format_bytes(needed)}, or a smaller --size"
        )
    tile = min(tile, fitting) if tile else fitting
    estimate = case.used + max(STRIP_BYTES + case.window_bytes(tile), DECODED_BYTES * case.pixels)
    room = STORES * 3 * FLOAT_BYTES * case.pixels
    return MemoryPlan(tile, case.halo, case.align, True, estimate, case.budget, room)

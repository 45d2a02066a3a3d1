"""From where a mesh looks like a silhouette: a grid of directions first, then the best of them by gradient.

Source: the fourth example of Kato, Ushiku, Harada 2018, "Neural 3D mesh renderer", which starts from one given camera.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.render.camera import Camera, camera_matrix, fitting_distance
from reverie.render.silhouette import silhouette
from reverie.render.surface import Surface

AZIMUTHS, ELEVATIONS = range(0, 360, 15), (-30, 0, 20, 45, 70)
GRID_PX, CROP_PX, REFINED_PX = 64, 32, 128
CANDIDATES, STEPS, RATE = 4, 60, 0.02
FOV_DEG = 40.0


def found_camera(surface: Surface, mask: Tensor) -> tuple[Camera, float]:
    """Return the camera from which a mesh covers a mask best, and the overlap (intersection over union) there.

    Args:
        surface: the mesh, in the unit sphere.
        mask: ``[1, S, S]`` in [0, 1].
    """
    small = F.interpolate(mask[None], (REFINED_PX, REFINED_PX), mode="area")[0]
    wanted = _framed(small)
    graded = []
    for azimuth, elevation in itertools.product(AZIMUTHS, ELEVATIONS):
        camera = Camera(azimuth, elevation, fitting_distance(FOV_DEG), fov_deg=FOV_DEG)
        with torch.no_grad():
            seen = _seen(surface, camera, GRID_PX)
        graded.append((-overlap(_framed(seen), wanted), azimuth, elevation, camera))
    graded.sort(key=lambda entry: entry[:3])
    refined = [_refined(surface, _brought_over(surface, entry[3], small), small) for entry in graded[:CANDIDATES]]
    return max(refined, key=lambda pair: pair[1])


def overlap(one: Tensor, two: Tensor) -> float:
    """Return intersection over union of two masks."""
    one, two = one > 0.5, two > 0.5
    return float((one & two).sum() / (one | two).sum().clamp_min(1))


def pyramid_distance(one: Tensor, two: Tensor, levels: int = 6) -> Tensor:
    """Return the sum over resolutions of the mean squared difference of pictures ``[B, C, H, W]``.

    Halved again and again, a picture also tells which way to go where nothing overlaps yet.
    """
    total = (one - two).square().mean()
    for _ in range(levels - 1):
        if min(one.shape[-2:]) < 4:
            break
        one, two = F.avg_pool2d(one, 2), F.avg_pool2d(two, 2)
        total = total + (one - two).square().mean()
    return total


def _seen(surface: Surface, camera: Camera, side: int) -> Tensor:
    size = (side, side)
    return silhouette(surface.vertices.float(), surface.faces, surface.edges, camera.matrix(size), size, camera.near)


def _box(mask: Tensor) -> tuple[int, int, int, int] | None:
    rows, columns = (mask[0] > 0.5).any(1).nonzero()[:, 0], (mask[0] > 0.5).any(0).nonzero()[:, 0]
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _framed(mask: Tensor) -> Tensor:
    """Return what a mask covers, centered, its longer side brought to `CROP_PX`."""
    box = _box(mask)
    if box is None:
        return mask.new_zeros(1, CROP_PX, CROP_PX)
    top, bottom, left, right = box
    side = max(bottom - top, right - left)
    pad = (side - (right - left), side - (bottom - top))
    cut = F.pad(mask[:, top:bottom, left:right], (pad[0] // 2, pad[0] - pad[0] // 2, pad[1] // 2, pad[1] - pad[1] // 2))
    return F.interpolate(cut[None], (CROP_PX, CROP_PX), mode="area")[0]


def _brought_over(surface: Surface, camera: Camera, mask: Tensor) -> Camera:
    """Return the camera moved so that the box of what it sees lies where the box of the mask does."""
    seen, wanted = _box(_seen(surface, camera, REFINED_PX)), _box(mask)
    if seen is None or wanted is None:
        return camera
    scale = max(wanted[1] - wanted[0], wanted[3] - wanted[2]) / max(seen[1] - seen[0], seen[3] - seen[2])
    distance = camera.distance / scale
    pixel = 2 * distance * float(torch.tan(torch.deg2rad(torch.tensor(camera.fov_deg / 2)))) / REFINED_PX
    down = ((wanted[0] + wanted[1]) - REFINED_PX) / 2 - scale * ((seen[0] + seen[1]) - REFINED_PX) / 2
    right = ((wanted[2] + wanted[3]) - REFINED_PX) / 2 - scale * ((seen[2] + seen[3]) - REFINED_PX) / 2
    rows = camera.matrix((2, 2))[:, :3]  # focal length 1 / tan: its rows point right and down
    axes = torch.stack([rows[0] - rows[2], rows[1] - rows[2]])
    axes = axes / axes.norm(dim=1, keepdim=True)
    target = torch.tensor(camera.target, dtype=torch.float64) - pixel * (right * axes[0] + down * axes[1])
    place = (float(target[0]), float(target[1]), float(target[2]))
    return Camera(camera.azimuth_deg, camera.elevation_deg, distance, place, camera.fov_deg)


def _refined(surface: Surface, camera: Camera, mask: Tensor) -> tuple[Camera, float]:
    """Return the camera moved down the gradient, and its overlap."""
    begun = torch.tensor([camera.azimuth_deg, camera.elevation_deg, camera.roll_deg], dtype=torch.float64)
    placed = torch.tensor([*camera.target, camera.distance], dtype=torch.float64)
    change = torch.zeros(7, dtype=torch.float64, requires_grad=True)  # angles in radians, place in radii
    optimizer = torch.optim.Adam([change], lr=RATE, betas=(0.8, 0.95))
    size, best = (REFINED_PX, REFINED_PX), (camera, -1.0)
    for number in range(STEPS):
        angles, place = begun + torch.rad2deg(change[:3]), placed + change[3:]
        matrix = camera_matrix(angles, place, size, camera.fov_deg)
        seen = silhouette(surface.vertices.float(), surface.faces, surface.edges, matrix, size, camera.near)
        grade = overlap(seen.detach(), mask)
        if grade > best[1]:
            a, p = angles.tolist(), place.tolist()
            best = (Camera(a[0], a[1], max(p[3], 1.05), (p[0], p[1], p[2]), camera.fov_deg, a[2]), grade)
        optimizer.zero_grad()
        optimizer.param_groups[0]["lr"] = RATE * (1 - 0.8 * number / STEPS)
        pyramid_distance(seen[None], mask[None]).backward()
        optimizer.step()
    return best

"""Render `valley.jpg`, the example picture: a lake under mountains in the last hour of light.

Everything is computed: gradient noise and an erosion filter make the land, a march through the height field finds what
each pixel sees and what the sun reaches, cumulus clouds are a small lit volume, the lake mirrors a second view taken
from below the water. Numpy and Pillow only, one seed, less than a minute on one core:

    python examples/make_valley.py [OUT.jpg] [--scale 2]

Conventions: x right, y up, z away from the viewer, metres; `u = x / z` is the tangent of the bearing. Light is linear
RGB; pixels are `[row, column]` of the oversampled picture and become sRGB at the very end.

Longer than a module of the package would be, so that one file makes the whole picture.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray

WIDTH, HEIGHT, SEED = 768, 512, 11
HORIZON = 0.56  # share of the height above the horizon
EYE = 13.0  # metres above the lake
NEAR, FAR = 330.0, 19000.0  # range of the height field
SNOW_LINE, TREE_LINE = 700.0, 470.0

SUN = np.array([-0.84, 0.33, -0.43]) / np.linalg.norm([-0.84, 0.33, -0.43])  # towards the sun: left, low, behind us
SUNLIGHT = np.array([4.3, 2.75, 1.45])
SKYLIGHT = np.array([0.235, 0.345, 0.56])


# --- noise ------------------------------------------------------------------------------------------------------------


def smooth(low: float, high: float, x: Array) -> Array:
    """Cubic step from 0 at `low` to 1 at `high`."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def hashed(i: Array, j: Array, seed: int) -> Array:
    """Map integer lattice points to uniform numbers in [0, 1)."""
    h = i.astype(np.uint32) * np.uint32(0x9E3779B1) + j.astype(np.uint32) * np.uint32(0x85EBCA77)
    h = h + np.uint32(seed * 0xC2B2AE3D & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    h = (h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
    return ((h ^ (h >> np.uint32(15))) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def perlin(x: Array, y: Array, seed: int) -> Array:
    """Gradient noise, about [-1, 1]. Source: Perlin 2002, Improving Noise (quintic fade)."""
    i, j = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - i).astype(np.float32), (y - j).astype(np.float32)
    wx, wy = fx * fx * fx * (fx * (fx * 6 - 15) + 10), fy * fy * fy * (fy * (fy * 6 - 15) + 10)

    def corner(di: int, dj: int) -> Array:
        angle = hashed(i + di, j + dj, seed) * np.float32(2 * np.pi)
        return np.cos(angle) * (fx - di) + np.sin(angle) * (fy - dj)

    low = corner(0, 0) * (1 - wx) + corner(1, 0) * wx
    high = corner(0, 1) * (1 - wx) + corner(1, 1) * wx
    return (low * (1 - wy) + high * wy) * np.float32(1.5)


def fbm(x: Array, y: Array, octaves: int, seed: int, gain: float = 0.5) -> Array:
    """Sum of octaves of `perlin`, each turned against the one before; about [-1, 1]."""
    total, amplitude, norm = np.zeros(np.broadcast(x, y).shape, np.float32), 1.0, 0.0
    for octave in range(octaves):
        total += np.float32(amplitude) * perlin(x, y, seed + octave)
        x, y = 1.62 * x - 1.18 * y + 7.3, 1.18 * x + 1.62 * y - 3.1  # rotation by 36 degrees, twice the frequency
        norm, amplitude = norm + amplitude, amplitude * gain
    return total / np.float32(norm)


def ridged(x: Array, y: Array, octaves: int, seed: int) -> Array:
    """Ridged multifractal in [0, 1]. Source: Musgrave 1994, Texturing and Modeling, chapter 16."""
    total, weight, amplitude = np.zeros(x.shape, np.float32), np.ones(x.shape, np.float32), 0.5
    for octave in range(octaves):
        signal = (1.0 - np.abs(perlin(x, y, seed + octave))) ** 2 * weight
        total += np.float32(amplitude) * signal
        weight = np.clip(signal * 1.6, 0.0, 1.0)
        x, y = 1.62 * x - 1.18 * y + 5.1, 1.18 * x + 1.62 * y + 9.7
        amplitude *= 0.5
    return total


def spline_matrix(size: int, period: float, offset: float) -> Array:
    """Return `[size, knots]`: cubic B-spline weights that spread random knots `period` apart over `size` samples."""
    position = np.arange(size) / period + offset
    base = np.floor(position).astype(int)
    t = position - base
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    matrix = np.zeros((size, int(base[-1]) + 4), np.float32)
    for shift, weight in enumerate(weights):
        matrix[np.arange(size), base + shift] = weight / 6.0
    return matrix


def volume_noise(shape: tuple[int, int, int], period: float, rng: np.random.Generator) -> Array:
    """Smooth noise of unit variance in a box."""
    matrices = [spline_matrix(size, period, rng.random()) for size in shape]
    knots = rng.standard_normal([m.shape[1] for m in matrices]).astype(np.float32)
    for matrix in matrices:  # each product moves the first axis to the end, so three of them restore the order
        knots = np.tensordot(knots, matrix, axes=([0], [1]))
    return knots / knots.std()


# --- sky --------------------------------------------------------------------------------------------------------------


@dataclass
class View:
    """The picture plane: size in oversampled pixels, focal length, row of the horizon."""

    scale: int
    width: int = field(init=False)
    height: int = field(init=False)

    def __post_init__(self) -> None:
        self.width, self.height = WIDTH * self.scale, HEIGHT * self.scale

    @property
    def focal(self) -> float:
        return 1.0 * self.width

    @property
    def horizon(self) -> int:
        return int(HORIZON * HEIGHT) * self.scale

    def resized(self, plane: Array) -> Array:
        """Enlarge a plane that was computed at one sample per final pixel."""
        picture = Image.fromarray(plane.astype(np.float32))
        size = (plane.shape[1] * self.scale, plane.shape[0] * self.scale)
        return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def clear_sky(u: Array, elevation: Array) -> Array:
    """Return the color of the air in a direction: blue above, cream at the horizon, warmer towards the sun (left)."""
    zenith, middle, low = np.array([0.105, 0.25, 0.56]), np.array([0.36, 0.56, 0.80]), np.array([1.06, 0.83, 0.60])
    t = np.clip(elevation / 0.55, 0.0, 1.0)[..., None]
    color = low * (1 - smooth(0.0, 0.42, t)) + middle * smooth(0.0, 0.42, t)
    color = color * (1 - smooth(0.3, 1.15, t)) + zenith * smooth(0.3, 1.15, t)
    glow = np.exp(-np.clip(u + 0.62, 0, None) * 2.6)[..., None] * np.exp(-t * 3.0)
    return color * (1.0 - 0.12 * u[..., None]) + glow * np.array([0.55, 0.30, 0.08])


def cloud_heaps(shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
    """Return a field over row, column, depth that is positive inside heaps of spheres, the bodies of cumulus clouds."""
    heaps = (  # column, row of the flat base, half width, height, spheres: in final pixels
        (150, 176, 165, 150, 90),
        (330, 196, 95, 52, 40),
        (575, 92, 118, 62, 60),
        (735, 150, 90, 66, 36),
        (640, 196, 110, 34, 36),
        (40, 212, 120, 40, 36),
        (478, 208, 80, 26, 26),
    )
    rows, columns, depth = (np.arange(n, dtype=np.float32) for n in shape)
    body = np.full(shape, -1.0, np.float32)
    for center, base, half, height, count in heaps:
        for _ in range(count):
            side = float(np.clip(rng.normal() * 0.42, -0.95, 0.95))
            radius = height * (0.16 + 0.26 * rng.random()) * (1.05 - 0.55 * abs(side))
            top = height * max(1.0 - abs(side) ** 1.5, 0.12) - radius
            row = base - max(top, 0.0) * rng.random() ** 0.7
            column, slab = center + side * half, shape[2] * (0.5 + 0.17 * rng.normal())
            reach = 1.6 * radius
            r = slice(max(int(row - reach), 0), max(int(row + reach) + 1, 0))
            c = slice(max(int(column - reach), 0), max(int(column + reach) + 1, 0))
            away = (
                (rows[r, None, None] - row) ** 2
                + (columns[None, c, None] - column) ** 2
                + (depth[None, None, :] - slab) ** 2
            )
            sphere = 1.0 - np.sqrt(away) / np.float32(radius)
            floor = (base + 2.0 - rows[r, None, None]) / np.float32(0.22 * height)
            np.maximum(body[r, c], np.minimum(sphere, floor), out=body[r, c])
    return body


def shifted(box: Array, by: tuple[int, int, int]) -> Array:
    """Return `box` read at an offset, empty outside."""
    out = np.zeros_like(box)
    target = tuple(slice(max(-d, 0), n - max(d, 0)) for d, n in zip(by, box.shape, strict=True))
    source = tuple(slice(max(d, 0), n - max(-d, 0)) for d, n in zip(by, box.shape, strict=True))
    out[target] = box[source]
    return out


def cumulus(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """March through the cloud volume. Returns sunlit share, skylit share (both times cover) and cover, `[row, column]`.

    The volume is aligned with the picture, so that the view ray is its last axis and only the sun has to be followed.
    """
    shape = (int(HORIZON * HEIGHT), WIDTH, 112)
    body = cloud_heaps(shape, rng)
    billow = np.zeros(shape, np.float32)
    for period, weight in ((52.0, 0.80), (25.0, 0.56), (12.0, 0.36), (6.0, 0.22), (3.0, 0.12)):
        billow += np.float32(weight) * (np.abs(volume_noise(shape, period, rng)) - np.float32(0.8))
    density = np.clip((body + 0.62 * billow + 0.02) * 3.0, 0.0, 1.0) * smooth(-0.42, -0.2, body)  # no crumbs
    del body, billow
    thickness, last = np.zeros(shape, np.float32), 0.0
    for step in (2, 4, 7, 11, 16, 23, 32, 44):
        by = (round(-SUN[1] * step), round(SUN[0] * step), round(SUN[2] * step))
        thickness += shifted(density, by) * np.float32(step - last)
        last = step
    # Octaves of weaker extinction stand in for light that was scattered many times.
    # Source: Wrenninge et al. 2013, Oz: The Great and Volumetric.
    sunlit = sum(a * np.exp(-b * thickness) for a, b in ((0.70, 0.24), (0.28, 0.07), (0.12, 0.015)))
    above = sum(shifted(density, (-step, 0, 0)) * step for step in (3, 6, 12, 24))
    skylit = 0.35 + 0.65 * np.exp(-0.045 * above)
    opacity = 1.0 - np.exp(-0.34 * density)
    clear = np.cumprod(1.0 - opacity, axis=2)
    weight = opacity * np.concatenate([np.ones_like(clear[..., :1]), clear[..., :-1]], axis=2)
    return (weight * sunlit).sum(2), (weight * skylit).sum(2), 1.0 - clear[..., -1]


def paint_sky(view: View, rng: np.random.Generator) -> Array:
    """Return the sky from the top row to the horizon."""
    row, column = np.mgrid[0 : view.horizon, 0 : view.width].astype(np.float32)
    u, elevation = (column - view.width / 2) / view.focal, (view.horizon - row) / view.focal
    sky = clear_sky(u, elevation)
    wind_x, wind_y = u * 3.2 / (elevation + 0.32), 2.2 / (elevation + 0.32)
    streaks = fbm(wind_x * 1.2 + wind_y * 0.7, wind_y * 4.2 - wind_x * 1.3, 6, SEED + 40, 0.6)
    cirrus = smooth(0.02, 0.55, streaks) * smooth(0.10, 0.3, elevation) * 0.42
    sky = sky * (1 - cirrus[..., None]) + cirrus[..., None] * np.array([1.12, 0.98, 0.88])
    sunlit, skylit, cover = (view.resized(plane)[..., None] for plane in cumulus(rng))
    cloud = sunlit * SUNLIGHT**0.8 * 0.80 + skylit * np.array([0.19, 0.25, 0.38])
    haze = np.exp(-np.clip(elevation, 0, None) * 9.0)[..., None] * 0.75  # far clouds take the color of the air
    cover = np.clip(cover, 0.0, 1.0)
    return sky * (1 - cover) + (cloud * (1 - haze) + sky * cover * haze)


# --- land -------------------------------------------------------------------------------------------------------------


@dataclass
class Land:
    """Height field over bearing `u` and the logarithm of the distance, so that samples are as dense as pixels."""

    u: Array  # [columns]
    z: Array  # [steps], geometric
    height: Array  # [steps, columns], metres above the lake; far below zero where there is water
    slope_x: Array
    slope_z: Array

    def sample(self, plane: Array, x: Array, z: Array) -> Array:
        """Bilinear value of a plane at points on the ground; outside, the nearest edge."""
        steps, columns = plane.shape
        i = np.clip((x / z - self.u[0]) / (self.u[1] - self.u[0]), 0, columns - 1.001)
        k = np.clip(np.log(z / self.z[0]) / np.log(self.z[1] / self.z[0]), 0, steps - 1.001)
        i0, k0 = i.astype(np.int32), k.astype(np.int32)
        fi, fk = (i - i0).astype(np.float32), (k - k0).astype(np.float32)
        near = plane[k0, i0] * (1 - fi) + plane[k0, i0 + 1] * fi
        far = plane[k0 + 1, i0] * (1 - fi) + plane[k0 + 1, i0 + 1] * fi
        return near * (1 - fk) + far * fk


def gullies(x: Array, z: Array, dx: Array, dz: Array, octaves: int, seed: int) -> tuple[Array, Array, Array]:
    """Return a field of gullies that run down the given slope and branch, with its derivatives.

    Stripes perpendicular to the slope, blended between jittered cells; each octave follows the slope of the sum.
    Source: Clay John 2018, "Eroded Terrain Noise"; written from the description of the method.
    """
    total, grad_x, grad_z = (np.zeros(x.shape, np.float32) for _ in range(3))
    amplitude, frequency = 0.5, 1.0
    for octave in range(octaves):
        along_x, along_z = (dz + grad_z * 0.9), -(dx + grad_x * 0.9)
        px, pz = x * frequency, z * frequency
        i, j = np.floor(px).astype(np.int64), np.floor(pz).astype(np.int64)
        value, value_x, value_z, weights = (np.zeros(x.shape, np.float32) for _ in range(4))
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                ax = (px - i - di - 0.25 - 0.5 * hashed(i + di, j + dj, seed + octave)).astype(np.float32)
                az = (pz - j - dj - 0.25 - 0.5 * hashed(i + di, j + dj, seed + 50 + octave)).astype(np.float32)
                weight = np.exp(-2.4 * (ax * ax + az * az))
                phase = np.float32(2 * np.pi) * (ax * along_x + az * along_z)
                value += np.cos(phase) * weight
                lean = -np.sin(phase) * weight
                value_x, value_z, weights = value_x + lean * along_x, value_z + lean * along_z, weights + weight
        total += np.float32(amplitude) * value / weights
        grad_x += np.float32(amplitude * frequency) * value_x / weights
        grad_z += np.float32(amplitude * frequency) * value_z / weights
        amplitude, frequency = amplitude * 0.42, frequency * 2.03
    return total, grad_x, grad_z


def shore(u: Array) -> Array:
    """Distance of the far shore for a bearing: a headland with trees from the left, a smaller one from the right."""
    line = 1000.0 - 520.0 * smooth(0.08, 0.5, -u) - 330.0 * smooth(0.22, 0.52, u)
    wobble = fbm(u * 9.0, np.full_like(u, 2.5), 5, SEED + 3)
    return line * (1.0 + 0.13 * wobble)


def massif(x: Array, z: Array, octaves: int) -> Array:
    """The large forms: hills behind the shore, named peaks and a far range; metres."""
    warp_x, warp_z = fbm(x / 2600, z / 2600, 4, SEED + 5), fbm(x / 2600, z / 2600, 4, SEED + 6)
    wx, wz = x + 620 * warp_x, z + 620 * warp_z
    peaks = (  # x, z, height, radius
        (1250, 7600, 1500, 2900), (2700, 8700, 1080, 2600), (-2700, 6300, 1000, 2300),
        (-3900, 8200, 1330, 3000), (3450, 5900, 800, 2100), (-6200, 7400, 1150, 3000), (1900, 6100, 620, 1500),
        (-1500, 14600, 2300, 2700), (4600, 14500, 1450, 4200), (-5600, 14800, 1400, 4200), (1500, 15500, 1150, 4000),
    )  # fmt: skip
    form = np.zeros(x.shape, np.float32)
    for px, pz, height, radius in peaks:
        away = np.sqrt((wx - px) ** 2 + (wz - pz) ** 2 + 160.0**2) / radius
        cone = height * np.exp(-1.15 * away**1.25) * (1.0 - smooth(0.8, 1.7, away))
        form = np.maximum(form, cone) + 0.22 * np.minimum(form, cone)
    crest = ridged(wx / 2700, wz / 2700, octaves, SEED + 9)
    return (form * (0.55 + 0.72 * crest)).astype(np.float32)


def make_land(columns: int, steps: int) -> Land:
    """Build the height field, wider than the picture to the left, where the shadows come from."""
    u = np.linspace(-1.05, 0.56, columns)
    z = np.geomspace(NEAR, FAR, steps)
    grid_z = np.repeat(z[:, None], columns, 1)
    x = u[None, :] * grid_z
    form = massif(x, grid_z, 6)
    slope_x, slope_z = gradient(massif(x, grid_z, 2), u, z)  # water follows the large slopes
    carved, _, _ = gullies(x / 1150, grid_z / 1150, slope_x * 2.4, slope_z * 2.4, 5, SEED + 60)
    steep = smooth(0.02, 0.6, np.hypot(slope_x, slope_z))
    land = form + 185.0 * carved * steep
    land += 26.0 * (ridged(x / 420, grid_z / 420, 4, SEED + 12) - 0.5) * smooth(150, 700, form)
    inland = grid_z - shore(u)[None, :]
    sides = 0.20 + 1.05 * smooth(0.05, 0.5, np.abs(x / grid_z + 0.04))
    bumps = 1.0 + 0.75 * fbm(x / 520, grid_z / 520, 6, SEED + 15)
    hills = sides * bumps * np.clip(inland, 0, None) ** 0.86 * 0.32
    hills = np.minimum(hills, 330.0 + 60 * bumps) * (1 - 0.5 * smooth(2500, 6000, inland))
    land = land * smooth(150, 2600, inland) + hills
    land = np.where(inland > 0, np.maximum(land, 0.0) + 0.6 + np.clip(inland, 0, 12) * 0.12, -60.0).astype(np.float32)
    slope_x, slope_z = gradient(np.maximum(land, 0.0), u, z)
    return Land(u, z, land, slope_x, slope_z)


def gradient(height: Array, u: Array, z: Array) -> tuple[Array, Array]:
    """Derivatives along x and z of a field given over `u` and the logarithm of z."""
    by_log, by_u = np.gradient(height, np.log(z), u)
    over_z = (1.0 / z)[:, None]
    return (by_u * over_z).astype(np.float32), ((by_log - u[None, :] * by_u) * over_z).astype(np.float32)


def visible(land: Land, view: View, eye: float) -> tuple[Array, Array]:
    """Return for every pixel above the lake's near edge the distance of the land it sees, and where there is any.

    Along a column the profile's highest tangent so far only grows, so the first land behind a pixel is a search in it.
    """
    columns = (np.arange(view.width) + 0.5 - view.width / 2) / view.focal
    position = (columns - land.u[0]) / (land.u[1] - land.u[0])
    left = position.astype(int)
    blend = (position - left).astype(np.float32)
    profile = land.height[:, left] * (1 - blend) + land.height[:, left + 1] * blend
    tangent = np.where(profile > 0, (profile - eye) / land.z[:, None] * view.focal, -1e9)  # water hides nothing
    tangent = np.maximum.accumulate(tangent, axis=0)
    rows = view.horizon - np.arange(view.height) - 0.5
    depth = np.zeros((view.height, view.width), np.float32)
    for column in range(view.width):
        line = tangent[:, column]
        k = np.searchsorted(line, rows)
        hit = (k > 0) & (k < len(line))
        hit &= line[k - 1] > -1e8
        low, high = line[k[hit] - 1], line[k[hit]]
        part = (rows[hit] - low) / np.maximum(high - low, 1e-9)
        depth[hit, column] = land.z[k[hit] - 1] * (1 - part) + land.z[k[hit]] * part
    return depth, depth > 0


def sunlit(land: Land, x: Array, y: Array, z: Array) -> Array:
    """Share of the sun's disc that points see over the land around them."""
    open_sky = np.ones(x.shape, np.float32)
    for t in np.geomspace(14.0, 5200.0, 44):
        rx, ry, rz = x + SUN[0] * t, y + SUN[1] * t, z + SUN[2] * t
        inside = rz > NEAR
        rz = np.maximum(rz, NEAR)
        clearance = ry - land.sample(land.height, rx, rz)
        open_sky = np.where(inside, np.minimum(open_sky, 0.5 + clearance / (0.05 * t + 6.0)), open_sky)
    return np.clip(open_sky, 0.0, 1.0)


def air(color: Array, u: Array, elevation: Array, distance: Array, height: Array) -> Array:
    """Mix in the light of the air between the eye and a surface; it is thicker near the ground."""
    thick = distance / 17500.0 * (0.45 + 0.95 * np.exp(-height / 520.0))
    seen = np.exp(-thick[..., None] * np.array([0.82, 1.0, 1.25]))
    veil = 0.76 * clear_sky(u, np.abs(elevation) * 0.25 + 0.10)
    return color * seen + veil * (1 - seen)


def land_color(x: Array, y: Array, z: Array, rise: Array, detail: Array) -> Array:
    """Albedo of meadow, forest, scree, rock and snow by height, steepness and noise; `rise` is the normal's y."""
    patches = fbm(x / 240, z / 240, 5, SEED + 20)
    strata = np.sin((y + 40 * patches + 0.18 * x) / 17.0) * 0.5 + 0.5
    rock = np.array([0.255, 0.24, 0.235]) * (0.66 + 0.3 * strata + 0.5 * detail)[..., None]
    scree = np.array([0.31, 0.29, 0.27]) * (0.85 + 0.4 * detail)[..., None]
    turf = np.array([0.155, 0.17, 0.062]) * (1.0 + 0.7 * patches + 0.5 * detail)[..., None]
    wood = np.array([0.034, 0.058, 0.026]) * (1.0 + 0.5 * patches + 1.5 * detail)[..., None]
    color = scree + (rock - scree) * smooth(0.86, 0.68, rise)[..., None]
    green = smooth(TREE_LINE + 420, TREE_LINE - 60, y + 260 * patches) * smooth(0.62, 0.80, rise + 0.1 * detail)
    color = color + (turf - color) * green[..., None]
    trees = smooth(TREE_LINE, TREE_LINE - 260, y + 330 * patches) * smooth(0.58, 0.74, rise)
    trees *= smooth(-0.42, -0.2, patches + 0.2 * detail)
    color = color + (wood - color) * trees[..., None]
    snow = smooth(SNOW_LINE - 130, SNOW_LINE + 330, y + 210 * patches + 130 * detail)
    snow = smooth(0.35, 0.62, snow * smooth(0.50, 0.80, rise + 0.17 * detail))
    color = color + (np.array([0.86, 0.88, 0.92]) - color) * snow[..., None]
    return color * (0.25 + 0.75 * smooth(0.8, 7.0, y))[..., None]  # wet ground at the water's edge


def paint_land(land: Land, view: View, eye: float, canvas: Array) -> Array:
    """Shade the land over the sky in `canvas`; returns the distance of each pixel, infinite where there is none."""
    depth, mask = visible(land, view, eye)
    row, column = np.nonzero(mask)
    z = depth[mask]
    u = ((column + 0.5 - view.width / 2) / view.focal).astype(np.float32)
    x, y = u * z, eye + (view.horizon - row - 0.5) / view.focal * z
    sx, sz = land.sample(land.slope_x, x, z), land.sample(land.slope_z, x, z)
    grain = np.maximum(z / view.focal, 0.8)  # metres per pixel: no detail finer than that
    detail = sum(perlin(x / s, (z * 1.0 + y * 1.7) / s, SEED + 30 + n) * smooth(0.5, 2.5, s / grain)
                 for n, s in enumerate((70.0, 31.0, 14.0, 6.5))) / 2.0  # fmt: skip
    rough = 0.55 * smooth(0.1, 0.7, np.hypot(sx, sz))
    sx = sx + rough * detail
    sz = sz + rough * np.roll(detail, 3)
    rise = 1.0 / np.sqrt(1.0 + sx * sx + sz * sz)
    albedo = land_color(x, y, z, rise, detail)
    lambert = np.clip((-sx * SUN[0] + SUN[1] - sz * SUN[2]) * rise, 0.0, 1.0)
    direct = lambert * sunlit(land, x, y + 1.5, z)
    ambient = (0.55 + 0.45 * rise) * (0.8 + 0.3 * detail)
    color = albedo * (direct[..., None] * SUNLIGHT + ambient[..., None] * SKYLIGHT)
    canvas[mask] = air(color, u, (view.horizon - row) / view.focal, z, y)
    return np.where(mask, depth, np.inf)


# --- trees ------------------------------------------------------------------------------------------------------------


def conifer(height: int, rng: np.random.Generator) -> Array:
    """Draw one tree. Returns `[row, column, 3]`: share of sun, share of sky, cover, all in [0, 1]."""
    width = int(height * 0.5)
    over = 3
    planes = [Image.new("L", (width * over, height * over)) for _ in range(3)]
    pens = [ImageDraw.Draw(plane) for plane in planes]
    middle, slim = width * over / 2, 0.30 + 0.12 * rng.random()
    trunk = [(middle - 0.012 * height * over, height * over), (middle, height * over * 0.03),
             (middle + 0.012 * height * over, height * over)]  # fmt: skip
    for pen, tone in zip(pens, (70, 60, 255), strict=True):
        pen.polygon(trunk, fill=tone)
    whorls = int(20 + 10 * rng.random()) if height < 120 else int(40 + 8 * rng.random())
    for level in np.linspace(0.95, 0.0, whorls):  # from the ground up, so that upper branches cover lower ones
        reach = (0.06 + level**0.85) * slim * height * over * 0.62 * (0.75 + 0.5 * rng.random())
        top = (0.02 + 0.93 * level) * height * over
        turns = np.sort(rng.random(15) * 2 * np.pi)
        for angle in turns[np.argsort(np.sin(turns))]:  # back to front
            draw_branch(pens, (middle, top), reach * (0.7 + 0.45 * rng.random()), angle, level, rng)
    stack = [np.asarray(plane.resize((width, height), Image.Resampling.BOX), np.float32) / 255.0 for plane in planes]
    return np.stack(stack, -1)


def draw_branch(
    pens: list[ImageDraw.ImageDraw],
    root: tuple[float, float],
    reach: float,
    angle: float,
    level: float,
    rng: np.random.Generator,
) -> None:
    """Draw one drooping branch as a fringe of needles, brighter where it points to the sun."""
    out, front = np.cos(angle), np.sin(angle)
    tip = np.array([root[0] + out * reach, root[1] + reach * (0.30 + 0.25 * level) + 0.18 * front * reach])
    facing = -out * 0.80 + front * 0.42 + 0.28
    sun = np.clip(0.12 + 0.88 * facing, 0.03, 1.0) * (0.62 + 0.5 * rng.random())
    sky = (0.42 + 0.42 * (front * 0.5 + 0.5)) * (1.0 - 0.35 * level) * (0.75 + 0.4 * rng.random())
    tones = (int(np.clip(sun, 0, 1) * 255), int(np.clip(sky, 0, 1) * 255), 255)
    start = np.array(root)
    lean = tip - start
    thick = max(reach * 0.17, 1.4)
    fringe = [tuple(start - (0, thick * 0.6))]
    for t in (0.25, 0.45, 0.65, 0.82):
        fringe.append(tuple(start + lean * t - (0, thick * 0.5 * rng.random())))
    fringe.append(tuple(tip))
    for t in (0.9, 0.78, 0.66, 0.52, 0.4, 0.26, 0.12):
        hang = thick * (1.5 if rng.random() < 0.5 else 0.35) * (1.1 - 0.4 * t)
        fringe.append(tuple(start + lean * t + (0, hang)))
    for pen, tone in zip(pens, tones, strict=True):
        pen.polygon(fringe, fill=tone)


def plant(land: Land, rng: np.random.Generator, count: int) -> Array:
    """Choose where trees stand. Returns rows of x, y, z, tree height, tint, sun, far ones first."""
    u = rng.uniform(-0.56, 0.54, count)
    z = np.sqrt(rng.uniform((NEAR + 10) ** 2, 4800.0**2, count))
    x = u * z
    y = land.sample(land.height, x, z)
    steep = np.hypot(land.sample(land.slope_x, x, z), land.sample(land.slope_z, x, z))
    inland = z - shore(u)
    groves = fbm(x / 190, z / 190, 4, SEED + 70) + 0.55 * smooth(90, 10, inland) + 0.1
    keep = (inland > 6) & (y > 0.6) & (steep < 1.1) & (groves + 0.22 * rng.normal(size=count) > -0.08)
    x, y, z = x[keep], y[keep], z[keep]
    size = (15.0 + 9.0 * rng.random(len(x))) * (0.75 + 0.35 * np.clip(groves[keep] + 0.3, 0, 1))
    tint = rng.random(len(x))
    sun = sunlit(land, x, y + 0.6 * size, z)
    order = np.argsort(-z)
    return np.stack([x, y, z, size, tint, sun], 1)[order]


def paint_trees(trees: Array, sprites: list[Array], view: View, eye: float, canvas: Array, depth: Array) -> None:
    """Draw the trees far to near, each behind the land that hides it."""
    cache: dict[tuple[int, int], Array] = {}
    for n, (x, y, z, size, tint, sun) in enumerate(trees):
        tall = max(round(size / z * view.focal), 3)
        key = (n % len(sprites), tall)
        if key not in cache:
            cache[key] = resized_sprite(sprites[key[0]], tall)
        sprite = cache[key]
        column = round(view.width / 2 + x / z * view.focal - sprite.shape[1] / 2)
        row = round(view.horizon - (y - eye) / z * view.focal) - tall + 1
        top, left = max(-row, 0), max(-column, 0)
        bottom, right = min(view.height - row, tall), min(view.width - column, sprite.shape[1])
        if top >= bottom or left >= right:
            continue
        part = sprite[top:bottom, left:right]
        where = np.s_[row + top : row + bottom, column + left : column + right]
        leaf = np.array([0.036 + 0.040 * tint**3, 0.072 + 0.022 * tint, 0.033]) * (0.8 + 0.5 * ((tint * 7.0) % 1.0))
        color = leaf * (part[..., :1] * SUNLIGHT * (0.06 + 1.0 * sun) + part[..., 1:2] * SKYLIGHT * 0.95)
        above = (view.horizon - row - tall / 2) / view.focal
        misted = air(color, np.array(x / z), np.array(above), np.array(z), np.array(max(y, 10.0)))
        cover = part[..., 2:] * (depth[where] >= z * 0.985)[..., None]
        canvas[where] += (misted - canvas[where]) * cover


def resized_sprite(sprite: Array, tall: int) -> Array:
    """Shrink a tree to a height in pixels."""
    size = (max(round(sprite.shape[1] * tall / sprite.shape[0]), 2), tall)
    planes = [Image.fromarray(np.ascontiguousarray(sprite[..., c])) for c in range(3)]
    return np.stack([np.asarray(plane.resize(size, Image.Resampling.BOX)) for plane in planes], -1)


# --- water ------------------------------------------------------------------------------------------------------------


def mist(view: View, canvas: Array, depth: Array) -> None:
    """Lay a thin torn bank of mist over the far end of the lake."""
    row, column = np.mgrid[0 : view.height, 0 : view.width].astype(np.float32)
    level = (view.horizon - row) / view.focal * 768.0  # final pixels above the horizon
    torn = fbm(column / view.focal * 7.0, level / 13.0, 5, SEED + 80)
    bank = np.exp(-(((level - 9.0 - 7.0 * torn) / 11.0) ** 2)) * smooth(-0.35, 0.6, torn) * smooth(800, 1900, depth)
    bank = np.where(np.isfinite(depth), bank, 0.0)[..., None] * 0.62
    canvas[:] = canvas * (1 - bank) + bank * np.array([0.86, 0.74, 0.66])


def below_shore(mirrored: Array, depth: Array) -> Array:
    """Continue the mirrored land below its shore line, where ripples reach and the view from below saw only sky."""
    rows = np.arange(len(depth))[:, None]
    last = np.where(np.isfinite(depth), rows, -1).max(0)[None, :]
    source = np.where((rows > last) & (last >= 0), np.maximum(2 * last - rows, 0), rows)
    return np.take_along_axis(mirrored, source[..., None], axis=0)


def paint_water(view: View, canvas: Array, depth: Array, mirrored: Array) -> None:
    """Fill the lake: the mirrored view, shaken by ripples and mixed with the color of the depth by Fresnel's law."""
    row, column = np.nonzero(~np.isfinite(depth) & (np.arange(view.height) > view.horizon)[:, None])
    below = row - view.horizon + 0.5
    z = view.focal * EYE / below
    u = (column + 0.5 - view.width / 2) / view.focal
    x = u * z
    gusts = smooth(-0.25, 0.5, fbm(x / 90 + 3, z / 34, 4, SEED + 90))
    gusts = 0.28 + 0.72 * gusts
    slope, side = np.zeros(x.shape), np.zeros(x.shape)
    for n, (length, steepness) in enumerate(((9.0, 0.010), (3.6, 0.012), (1.5, 0.013), (0.62, 0.013), (0.27, 0.010))):
        fade = smooth(0.25, 1.1, length * 3.0 / (z * z / (view.focal * EYE)))  # ripples shorter than a pixel: average
        wave = perlin(x / (length * 2.1), z / length, SEED + 100 + n)
        slope += steepness * fade * wave
        side += 0.4 * steepness * fade * perlin(x / (length * 1.7) + 40, z / length, SEED + 120 + n)
    slope, side = 0.8 * slope * gusts, 0.8 * side * gusts
    lift = np.abs(slope) * 0.6 + slope  # steep faces that turn towards the eye are seen more
    mirror_row = view.horizon - below - 2.0 * lift * view.focal
    mirror_column = column + 2.0 * side * view.focal
    r = np.clip(mirror_row, 0, view.horizon - 1.001)
    c = np.clip(mirror_column, 0, view.width - 1.001)
    r0, c0 = r.astype(int), c.astype(int)
    fr, fc = (r - r0)[:, None], (c - c0)[:, None]
    image = (mirrored[r0, c0] * (1 - fc) + mirrored[r0, c0 + 1] * fc) * (1 - fr)
    image += (mirrored[r0 + 1, c0] * (1 - fc) + mirrored[r0 + 1, c0 + 1] * fc) * fr
    graze = np.clip(below / view.focal + 1.6 * slope, 0.0, 1.0)
    fresnel = (0.02 + 0.98 * (1.0 - graze) ** 5)[:, None]
    deep = np.array([0.030, 0.085, 0.098]) * (1.0 + 0.25 * gusts[:, None])
    canvas[row, column] = image * fresnel * 0.95 + deep * (1 - fresnel)


# --- foreground -------------------------------------------------------------------------------------------------------


def bank(view: View) -> Array:
    """Row where the near meadow begins, for each column: high at both sides, low in the middle."""
    u = (np.arange(view.width) + 0.5) / view.width - 0.5
    line = 0.925 - 0.085 * smooth(0.02, 0.5, -u) - 0.135 * smooth(0.10, 0.52, u)
    return (line + 0.012 * fbm(u * 7.0, np.full_like(u, 8.5), 4, SEED + 130)) * view.height


def blade(pen: ImageDraw.ImageDraw, foot: tuple[float, float], tall: float, lean: float, wide: float,
          colors: tuple[tuple[int, ...], ...]) -> None:  # fmt: skip
    """Draw one blade of grass in three pieces, dark at the foot and bright at the tip."""
    ts = np.linspace(0.0, 1.0, 7)
    xs, ys = foot[0] + lean * ts**1.8, foot[1] - tall * (ts - 0.12 * (abs(lean) / tall) * ts**2)
    half = wide * (1.0 - ts) ** 0.7 / 2
    for piece, color in enumerate(colors):
        k = slice(2 * piece, 2 * piece + 3)
        left, right = list(zip(xs[k] - half[k], ys[k], strict=True)), list(zip(xs[k] + half[k], ys[k], strict=True))
        pen.polygon([*left, *right[::-1]], fill=color)


def grass_colors(lit: float, dry: float, rng: np.random.Generator) -> tuple[tuple[int, ...], ...]:
    """Return foot, middle and tip of a blade in sRGB; `lit` and `dry` in [0, 1]."""
    shade, green, straw = np.array([16, 30, 18]), np.array([122, 142, 38]), np.array([226, 190, 96])
    tone = green + (straw - green) * dry
    bright = 0.30 + 0.70 * lit
    noise = 1.0 + 0.16 * rng.normal(size=3)
    pieces = ((0.22, 0.9), (0.55, 1.0), (1.0, 1.0))
    return tuple(
        tuple(int(v) for v in np.clip(shade * (1 - share) + tone * share * bright * noise * warm, 0, 255))
        for share, warm in pieces
    )


def flower(pen: ImageDraw.ImageDraw, kind: int, x: float, y: float, size: float, lit: float,
           rng: np.random.Generator) -> None:  # fmt: skip
    """Draw a daisy, a lupin, a poppy or a buttercup whose head is `size` pixels."""

    def tone(rgb: tuple[int, int, int], gain: float = 1.0) -> tuple[int, ...]:
        return tuple(int(min(v * (0.42 + 0.58 * lit) * gain, 255)) for v in rgb)

    def dot(cx: float, cy: float, rx: float, ry: float, color: tuple[int, ...]) -> None:
        pen.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=color)

    if kind == 0:
        for angle in np.linspace(0, 2 * np.pi, 9)[:-1] + rng.random():
            petal = tone((250, 244, 230), 0.84 + 0.16 * (-np.cos(angle)))
            dot(x + 0.36 * size * np.cos(angle), y + 0.24 * size * np.sin(angle), 0.19 * size, 0.13 * size, petal)
        dot(x, y, 0.17 * size, 0.13 * size, tone((240, 180, 40)))
    elif kind == 1:
        hue = (150, 96, 200) if rng.random() < 0.7 else (214, 110, 170)
        for t in np.linspace(0, 1, 13):
            wide = 0.46 * size * (1.08 - t)
            for _ in range(4):
                side = rng.uniform(-1, 1)
                gain = 0.82 + 0.35 * (-side) * 0.5 + 0.25 * t
                dot(x + side * wide, y + size * (0.9 - 3.0 * t), 0.15 * size, 0.17 * size, tone(hue, gain))
    elif kind == 2:
        for side, gain in ((0.2, 0.72), (-0.2, 1.0), (0.0, 0.9)):
            dot(x + side * size, y + abs(side) * 0.3 * size, 0.32 * size, 0.27 * size, tone((226, 58, 34), gain))
        dot(x, y, 0.08 * size, 0.07 * size, tone((40, 20, 24)))
    else:
        dot(x, y, 0.26 * size, 0.2 * size, tone((250, 208, 44)))
        dot(x - 0.06 * size, y - 0.05 * size, 0.12 * size, 0.09 * size, tone((255, 238, 130)))


def paint_meadow(view: View, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw the near meadow, back to front. Returns linear color and cover."""
    layer = Image.new("RGBA", (view.width, view.height), (44, 52, 24, 0))
    pen = ImageDraw.Draw(layer)
    edge = bank(view)
    ground = [(0, view.height), *((c, float(edge[c]) + 2) for c in range(0, view.width, 4)), (view.width, view.height)]
    pen.polygon([(float(x), float(y)) for x, y in ground], fill=(34, 44, 20, 255))
    count = 30000
    column = rng.uniform(-20, view.width + 20, count)
    near = rng.random(count) ** 0.85  # 0 at the bank's edge, 1 below the frame
    foot = edge[np.clip(column, 0, view.width - 1).astype(int)]
    row = foot + near * (view.height * 1.07 - foot) + 2
    order = np.argsort(row)
    column, row, near = column[order], row[order], near[order]
    close = (row - 0.80 * view.height) / (0.27 * view.height)  # size follows the row, as on a plane
    spots = fbm(column / view.width * 5, row / view.height * 14, 4, SEED + 140)
    dry = smooth(-0.3, 0.5, fbm(column / view.width * 4, row / view.height * 9, 4, SEED + 150))
    beds = [fbm(column / view.width * 6, row / view.height * 9, 3, SEED + 160 + 7 * kind) for kind in range(4)]
    s = view.scale / 2
    for n in range(count):
        tall = s * (9 + 40 * close[n]) * (0.55 + 0.75 * rng.random())
        lit = float(np.clip(0.55 + 1.2 * spots[n] + 0.28 * rng.normal(), 0.0, 1.0))
        lean = tall * float(np.clip(0.12 + 0.38 * rng.normal(), -0.9, 0.9))
        wide = s * (1.3 + 2.4 * close[n]) * (0.7 + 0.5 * rng.random())
        blade(pen, (column[n], row[n]), tall, lean, wide, grass_colors(lit, float(dry[n]) * rng.random() ** 0.5, rng))
        pick = int(rng.integers(4))
        if beds[pick][n] > 0.26 - 0.04 * (pick == 1) and rng.random() < (0.10, 0.10, 0.075, 0.16)[pick]:
            size = s * (4.5 + 13.0 * close[n]) * (0.8 + 0.4 * rng.random())
            flower(pen, pick, column[n] + lean * 0.8, row[n] - tall * 0.85, size, min(lit + 0.35, 1.0), rng)
    pixels = np.asarray(layer, np.float32) / 255.0
    return linear(pixels[..., :3]), pixels[..., 3:]


def large_conifer(tall: int, rng: np.random.Generator) -> Array:
    """Draw one tree twig by twig. Returns `[row, column, 3]` like `conifer`."""
    wide, over = int(tall * 0.62), 2
    planes = [Image.new("L", (wide * over, tall * over)) for _ in range(3)]
    pens = [ImageDraw.Draw(plane) for plane in planes]
    middle, size = wide * over / 2, tall * over
    for pen, tone in zip(pens, (60, 50, 255), strict=True):
        pen.polygon([(middle - 0.012 * size, size), (middle, 0.02 * size), (middle + 0.012 * size, size)], fill=tone)
    for level in np.linspace(0.93, 0.0, 46) ** 1.08:
        reach = (0.006 + 0.23 * level**0.86) * size * (0.78 + 0.3 * rng.random())
        turns = rng.random(16) * 2 * np.pi
        for angle in turns[np.argsort(np.sin(turns))]:
            root = np.array([middle, (0.02 + 0.94 * level) * size])
            twigs(pens, root, reach * (0.55 + 0.55 * rng.random()), angle, size / 900, rng)
    stack = [np.asarray(plane.resize((wide, tall), Image.Resampling.BOX), np.float32) / 255.0 for plane in planes]
    return np.stack(stack, -1)


def twigs(pens: list[ImageDraw.ImageDraw], root: Array, reach: float, angle: float, unit: float,
          rng: np.random.Generator) -> None:  # fmt: skip
    """Draw one branch as hanging twigs, dark near the trunk and bright towards its tip and the sun."""
    out, front = float(np.cos(angle)), float(np.sin(angle))
    facing = np.clip(0.25 - 0.78 * out + 0.30 * front, 0.0, 1.0)
    count = int(6 + reach / (3.4 * unit))
    for t in np.sort(rng.random(count) ** 0.8):
        sag = 0.10 * t + 0.26 * t * t - 0.10 * t**4
        foot = root + np.array([out * reach * t, reach * (sag + 0.20 * front * t)])
        long = min(unit * (10 + 20 * rng.random()), 0.16 * reach + 7 * unit) * (1.15 - 0.5 * t)
        turn = 0.5 * np.pi - np.sign(out) * (0.25 + 0.5 * t) * abs(out) + 0.5 * rng.normal()
        tip = foot + long * np.array([np.cos(turn), np.sin(turn)])
        gain = (0.10 + 0.90 * t**1.3) * (0.55 + 0.75 * rng.random())
        sun, sky = facing * gain, (0.16 + 0.6 * t) * (0.75 + 0.25 * front) * (0.6 + 0.5 * rng.random())
        tones = (int(np.clip(sun, 0, 1) * 255), int(np.clip(sky, 0, 1) * 255), 255)
        for pen, tone in zip(pens, tones, strict=True):
            pen.line([tuple(foot), tuple(tip)], fill=tone, width=max(round(3.4 * unit), 1))


def paint_large_trees(view: View, rng: np.random.Generator, canvas: Array) -> None:
    """Frame the picture with a few conifers on the near bank."""
    for at, foot, tall in ((0.985, 0.842, 0.52), (0.895, 0.850, 0.70), (0.822, 0.872, 0.33), (0.018, 0.880, 0.34)):
        sprite = large_conifer(round(tall * view.height), rng)
        row = round(foot * view.height) - sprite.shape[0]
        column = round(at * view.width - sprite.shape[1] / 2)
        left, right = max(-column, 0), min(view.width - column, sprite.shape[1])
        part = sprite[:, left:right]
        where = np.s_[row : row + part.shape[0], column + left : column + right]
        leaf = np.array([0.054, 0.086, 0.036])
        color = leaf * (part[..., :1] * SUNLIGHT * 1.25 + part[..., 1:2] * SKYLIGHT * 0.8)
        canvas[where] += (color - canvas[where]) * part[..., 2:]


# --- film -------------------------------------------------------------------------------------------------------------


def linear(srgb: Array) -> Array:
    """Turn sRGB in [0, 1] into linear light. Source: IEC 61966-2-1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def glow(light: Array, view: View) -> Array:
    """The light spread by a wide Gaussian, as by a lens."""
    small = light.reshape(HEIGHT // 4, view.scale * 4, WIDTH // 4, view.scale * 4, 3).mean((1, 3)).astype(np.float32)
    reach = np.arange(-15, 16)
    kernel = np.exp(-0.5 * (reach / 5.0) ** 2)
    for axis in (0, 1):
        padded = np.moveaxis(small, axis, 0)
        padded = np.concatenate([np.repeat(padded[:1], 15, 0), padded, np.repeat(padded[-1:], 15, 0)])
        spread = sum(w * padded[15 + r : 15 + r + small.shape[axis]] for r, w in zip(reach, kernel, strict=True))
        small = np.moveaxis(spread / kernel.sum(), 0, axis).astype(np.float32)
    wide = View(4 * view.scale)
    return np.stack([wide.resized(np.ascontiguousarray(small[..., c])) for c in range(3)], -1)


def develop(light: Array, view: View, rng: np.random.Generator) -> Image.Image:
    """Linear light to the final picture: glow, filmic curve, grading, oversampling down, a little grain."""
    light = np.maximum(light, 0.0)
    light = light * 0.93 + 0.07 * glow(light, view)
    light = light * 0.734  # exposure
    # Source: Narkowicz 2015, "ACES filmic tone mapping curve" (fitted rational function).
    film = np.clip(light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14), 0, 1)
    srgb = np.where(film <= 0.0031308, film * 12.92, 1.055 * film ** (1 / 2.4) - 0.055)
    row, column = np.mgrid[0 : view.height, 0 : view.width]
    srgb = srgb + 0.10 * (smooth(0.0, 1.0, srgb) - srgb)  # a little more contrast
    corner = np.hypot(row / view.height - 0.5, column / view.width - 0.5)
    srgb = srgb * (1.0 - 0.22 * smooth(0.35, 0.75, corner))[..., None]
    pixels = np.clip(srgb * 255.0, 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    grain = rng.normal(0.0, 1.3, (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).round().astype(np.uint8))


def render(scale: int) -> Image.Image:
    """Render the whole scene at `scale` samples per pixel and side."""
    view, rng = View(scale), np.random.default_rng(SEED)
    sky = paint_sky(view, rng)
    land = make_land(columns=int(1.0 * view.width), steps=900 * scale)
    trees, sprites = plant(land, rng, 120000), [conifer(110, rng) for _ in range(14)]
    views: list[tuple[Array, Array]] = []
    for eye in (EYE, -EYE):  # a viewer as far below the water sees what the lake mirrors
        canvas = np.zeros((view.height, view.width, 3))
        canvas[: view.horizon] = sky
        depth = paint_land(land, view, eye, canvas)
        paint_trees(trees, sprites, view, eye, canvas, depth)
        mist(view, canvas, depth)
        views.append((canvas, depth))
    canvas, depth = views[0]
    paint_water(view, canvas, depth, below_shore(*views[1]))
    paint_large_trees(view, rng, canvas)
    color, cover = paint_meadow(view, rng)
    return develop(canvas * (1 - cover) + color * cover, view, rng)


def main() -> None:
    """Render and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).with_name("valley.jpg"))
    parser.add_argument("--scale", type=int, default=2, help="samples per pixel and side")
    options = parser.parse_args()
    render(options.scale).save(options.out, quality=92, optimize=True)
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

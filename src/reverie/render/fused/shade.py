"""Colors of all pixels that see a mesh: place on the texture, resolution, color, light; forward and backward."""

from __future__ import annotations

import math

import numpy as np

from reverie.render.fused.geometry import lines_of
from reverie.render.fused.kernel import inlined, kernel
from reverie.render.fused.lights import brightness
from reverie.render.fused.texels import mixed_back, mixed_color


@kernel
def shade(
    points: np.ndarray, faces: np.ndarray, triangle: np.ndarray, uv: np.ndarray, face_uv: np.ndarray,
    normals: np.ndarray, light: np.ndarray, texels: np.ndarray, sizes: np.ndarray, image: np.ndarray, level: np.ndarray,
    unlit: np.ndarray,
) -> None:  # fmt: skip
    """Fill `image` ``[H, W, 3]``, `level` ``[H, W]`` and `unlit`, the colors without light, where a triangle is seen.

    `normals` are those of vertices, none (``[0, 3]``) where all surfaces are equally bright; `light` is as in
    `reverie.render.fused.lights`; `sizes` ``[L, 3]`` are height, width and first texel of each resolution.
    """
    for y in range(triangle.shape[0]):
        last = -1
        lines = coefficients = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f < 0:
                continue
            if f != last:
                last = f
                lines = lines_of(points, faces, f)
                coefficients = _coefficients(lines, uv, face_uv, f)
            s, t, wide = _place(coefficients, x + 0.5, y + 0.5)
            found = level[y, x] = _level(wide, sizes)
            color = mixed_color(texels, sizes, s, t, found)
            if normals.shape[0] > 0:
                n = _weights(lines, x + 0.5, y + 0.5)[0]
                nx, ny, nz = _between(normals, faces, f, n[0], n[1], n[2])
                bright = brightness(light, nx, ny, nz)[0]
                image[y, x, 0], image[y, x, 1], image[y, x, 2] = (
                    min(color[0] * bright, 1.0), min(color[1] * bright, 1.0), min(color[2] * bright, 1.0)
                )  # fmt: skip
                unlit[y, x, 0], unlit[y, x, 1], unlit[y, x, 2] = color
            else:
                image[y, x, 0], image[y, x, 1], image[y, x, 2] = color


@kernel
def shade_back(
    points: np.ndarray, faces: np.ndarray, triangle: np.ndarray, uv: np.ndarray, face_uv: np.ndarray,
    normals: np.ndarray, light: np.ndarray, texels: np.ndarray, sizes: np.ndarray, level: np.ndarray,
    unlit: np.ndarray, slope: np.ndarray, to_texels: np.ndarray, to_normals: np.ndarray, to_lines: np.ndarray,
) -> None:  # fmt: skip
    """Add gradients of texels, normals and edge functions ``[F, 9]``, from those of the pixels ``[H, W, 3]``."""
    for y in range(triangle.shape[0]):
        v = y + 0.5
        last = -1
        lines = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f < 0:
                continue
            if f != last:
                last = f
                lines = lines_of(points, faces, f)
            u = x + 0.5
            weights, total = _weights(lines, u, v)
            r, g, b = float(slope[y, x, 0]), float(slope[y, x, 1]), float(slope[y, x, 2])
            g0 = g1 = g2 = 0.0
            if normals.shape[0] > 0:
                color = (float(unlit[y, x, 0]), float(unlit[y, x, 1]), float(unlit[y, x, 2]))
                r, g, b, g0, g1, g2 = _light_back(weights, faces, f, normals, light, color, r, g, b, to_normals)
            i, j, k = face_uv[f, 0], face_uv[f, 1], face_uv[f, 2]
            s = weights[0] * uv[i, 0] + weights[1] * uv[j, 0] + weights[2] * uv[k, 0]
            t = weights[0] * uv[i, 1] + weights[1] * uv[j, 1] + weights[2] * uv[k, 1]
            to_s, to_t = mixed_back(texels, sizes, s, t, level[y, x], (r, g, b), to_texels)
            g0 += to_s * uv[i, 0] + to_t * uv[i, 1]
            g1 += to_s * uv[j, 0] + to_t * uv[j, 1]
            g2 += to_s * uv[k, 0] + to_t * uv[k, 1]
            mean = g0 * weights[0] + g1 * weights[1] + g2 * weights[2]
            _line_back(to_lines, f, 0, (g0 - mean) * total, u, v)
            _line_back(to_lines, f, 3, (g1 - mean) * total, u, v)
            _line_back(to_lines, f, 6, (g2 - mean) * total, u, v)


@inlined
def _light_back(
    weights: tuple[float, float, float], faces: np.ndarray, f: int, normals: np.ndarray, light: np.ndarray,
    color: tuple[float, float, float], r: float, g: float, b: float, to_normals: np.ndarray,
) -> tuple[float, float, float, float, float, float]:  # fmt: skip
    """Add the gradient of the normals; return those of the color without light, and of the barycentric coordinates."""
    i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
    nx, ny, nz = _between(normals, faces, f, weights[0], weights[1], weights[2])
    bright, x, y, z = brightness(light, nx, ny, nz)
    r = r if color[0] * bright <= 1.0 else 0.0
    g = g if color[1] * bright <= 1.0 else 0.0
    b = b if color[2] * bright <= 1.0 else 0.0
    gain = r * color[0] + g * color[1] + b * color[2]
    x, y, z = gain * x, gain * y, gain * z
    _add(to_normals, i, weights[0], x, y, z)
    _add(to_normals, j, weights[1], x, y, z)
    _add(to_normals, k, weights[2], x, y, z)
    return (
        r * bright, g * bright, b * bright,
        x * normals[i, 0] + y * normals[i, 1] + z * normals[i, 2],
        x * normals[j, 0] + y * normals[j, 1] + z * normals[j, 2],
        x * normals[k, 0] + y * normals[k, 1] + z * normals[k, 2],
    )  # fmt: skip


@inlined
def _line_back(to_lines: np.ndarray, f: int, first: int, slope: float, u: float, v: float) -> None:
    to_lines[f, first] += slope * u
    to_lines[f, first + 1] += slope * v
    to_lines[f, first + 2] += slope


@inlined
def _add(to: np.ndarray, row: int, weight: float, x: float, y: float, z: float) -> None:
    to[row, 0] += weight * x
    to[row, 1] += weight * y
    to[row, 2] += weight * z


@inlined
def _weights(lines: tuple[float, ...], u: float, v: float) -> tuple[tuple[float, float, float], float]:
    """Return the barycentric coordinates of a pixel, and one over the sum of its edge functions."""
    n0 = lines[0] * u + lines[1] * v + lines[2]
    n1 = lines[3] * u + lines[4] * v + lines[5]
    n2 = lines[6] * u + lines[7] * v + lines[8]
    total = 1.0 / (n0 + n1 + n2)
    return (n0 * total, n1 * total, n2 * total), total


@inlined
def _between(
    values: np.ndarray, corners: np.ndarray, f: int, n0: float, n1: float, n2: float
) -> tuple[float, float, float]:
    i, j, k = corners[f, 0], corners[f, 1], corners[f, 2]
    return (
        n0 * values[i, 0] + n1 * values[j, 0] + n2 * values[k, 0],
        n0 * values[i, 1] + n1 * values[j, 1] + n2 * values[k, 1],
        n0 * values[i, 2] + n1 * values[j, 2] + n2 * values[k, 2],
    )


@inlined
def _coefficients(lines: tuple[float, ...], uv: np.ndarray, face_uv: np.ndarray, f: int) -> tuple[float, ...]:
    """Return the numerators of u and v and their denominator, each linear in the pixel's place."""
    i, j, k = face_uv[f, 0], face_uv[f, 1], face_uv[f, 2]
    return (
        lines[0] * uv[i, 0] + lines[3] * uv[j, 0] + lines[6] * uv[k, 0],
        lines[1] * uv[i, 0] + lines[4] * uv[j, 0] + lines[7] * uv[k, 0],
        lines[2] * uv[i, 0] + lines[5] * uv[j, 0] + lines[8] * uv[k, 0],
        lines[0] * uv[i, 1] + lines[3] * uv[j, 1] + lines[6] * uv[k, 1],
        lines[1] * uv[i, 1] + lines[4] * uv[j, 1] + lines[7] * uv[k, 1],
        lines[2] * uv[i, 1] + lines[5] * uv[j, 1] + lines[8] * uv[k, 1],
        lines[0] + lines[3] + lines[6], lines[1] + lines[4] + lines[7], lines[2] + lines[5] + lines[8],
    )  # fmt: skip


@inlined
def _place(c: tuple[float, ...], u: float, v: float) -> tuple[float, float, float]:
    """Return texture coordinates, and the mean square of how far they move to the next pixel."""
    total = 1.0 / (c[6] * u + c[7] * v + c[8])
    s, t = (c[0] * u + c[1] * v + c[2]) * total, (c[3] * u + c[4] * v + c[5]) * total
    sx, sy = (c[0] - s * c[6]) * total, (c[1] - s * c[7]) * total
    tx, ty = (c[3] - t * c[6]) * total, (c[4] - t * c[7]) * total
    return s, t, (sx * sx + sy * sy + tx * tx + ty * ty) / 2


@inlined
def _level(wide: float, sizes: np.ndarray) -> float:
    """Return the resolution whose texels are as large as the pixel; see `reverie.render.sample.level_of`."""
    texels = wide * sizes[0, 0] * sizes[0, 1]
    return 0.0 if texels <= 1.0 else min(0.5 * math.log2(texels), sizes.shape[0] - 1.0)

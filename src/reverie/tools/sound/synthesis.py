"""Sound of a film's motion: long tones, notes by frequency modulation, grains of noise, a room; stereo.

Everything can lie on a circle: periods are whole fractions of the length, notes and the room's echo go on from the end
into the beginning. So a loop has no seam, by construction.
Source: Chowning 1973, The synthesis of complex audio spectra by means of frequency modulation; Roads 1988, granular.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reverie.numerics.loudness import at_loudness
from reverie.tools.sound.config import KEYS, SCALES, SoundSettings
from reverie.tools.sound.motion import FilmMotion

RATE_HZ = 48_000
BLOCK = 1 << 18
CHORD = (0, 2, 4, 7)  # degrees of the scale that the long tones are
HARMONICS = 6
ROOT_MIDI = 36  # C two octaves below the middle
SMOOTH_S = 0.8  # of controls that loudness follows
STEPS_PER_BEAT = 2
GRAIN_S = 0.06
BREATH_S = (0.5, 0.045)  # before and after the place where a loop begins anew no grain begins
ROOM_S = 2.4
EDGE_S = 0.02  # fades at the ends, where nothing loops


@dataclass(frozen=True)
class Note:
    """One note: when, how high, how loud, how bright, where, and how long."""

    time_s: float
    hz: float
    loud: float
    bright: float
    side: float
    seconds: float


def synthesize(motion: FilmMotion, how: SoundSettings, *, closed: bool, count: int | None = None) -> np.ndarray:
    """Return the sound ``[samples, 2]`` float32 of a film, as long as it is, at 48 kHz."""
    count = count or round(motion.seconds * RATE_HZ)
    out = np.zeros((count, 2), np.float32)
    random = np.random.default_rng(how.seed)
    if how.drone:
        _drone(out, motion, how, random, closed=closed)
    if how.bells:
        for note in notes_of(motion, how, random, closed=closed):
            ring(out, note, how.bells, closed=closed)
    if how.grains:
        _grains(out, motion, how, random, closed=closed)
    if how.room:
        out = _in_room(out, how.room, random, closed=closed)
    if not closed:
        edge = min(count // 2, round(EDGE_S * RATE_HZ))
        ramp = np.linspace(0, 1, edge, dtype=np.float32)[:, None]
        out[:edge] *= ramp
        out[count - edge :] *= ramp[::-1]
    return at_loudness(out, RATE_HZ, how.loudness).astype(np.float32)


def tone_hz(degree: int, how: SoundSettings) -> float:
    """Return the frequency of a degree of the scale, 0 the root."""
    scale = SCALES[how.scale]
    octave, place = divmod(degree, len(scale))
    return 440.0 * 2 ** ((ROOT_MIDI + KEYS.index(how.key) + 12 * octave + scale[place] - 69) / 12)


def notes_of(motion: FilmMotion, how: SoundSettings, random: np.random.Generator, *, closed: bool) -> list[Note]:
    """Return the notes: on the grid of the tempo where something moves, and at accents, at the very frame."""
    frames, length_s = len(motion.speed), motion.seconds
    step_s = 60 / how.tempo / STEPS_PER_BEAT
    steps = max(1, round(length_s / step_s))
    step_s = length_s / steps if closed else step_s  # so that the grid closes, too
    first_s = step_s / 2 if closed else 0.0  # so that no note begins where the loop does
    notes = []
    for number in range(steps):
        time_s = first_s + number * step_s
        frame = min(int(time_s * motion.rate), frames - 1)
        strong = 1.0 if number % (4 * STEPS_PER_BEAT) == 0 else 0.75 if number % STEPS_PER_BEAT == 0 else 0.45
        chance = how.bells * strong * (0.15 + 0.6 * motion.speed[frame])
        drawn, leap = random.random(), random.integers(-2, 3)
        rests = closed and number == steps - 1  # the notes before have died away where the loop begins anew
        if drawn < chance and time_s < length_s and not rests:
            degree = 10 + round(8 * motion.light[frame] + 4 * motion.bend[frame]) + int(leap)
            notes.append(_note(motion, frame, time_s, tone_hz(degree, how), 0.25 + 0.5 * motion.speed[frame]))
    for frame in motion.accents:
        hz = tone_hz(5 + round(6 * float(motion.hue[frame])), how)
        notes.append(_note(motion, int(frame), float(frame) / motion.rate, hz, 1.0))
    return notes


def _note(motion: FilmMotion, frame: int, time_s: float, hz: float, loud: float) -> Note:
    side = 0.5 + 0.7 * (float(motion.side[frame]) - 0.5)
    bright = 0.4 + 2.6 * float(motion.detail[frame])
    return Note(time_s, hz, loud, bright, side, 0.8 + 1.8 * (1 - float(motion.speed[frame])))


def ring(out: np.ndarray, note: Note, level: float, *, closed: bool) -> None:
    """Add a note: sin(2 pi f t + I(t) sin(2 pi r f t)), index and loudness falling."""
    length = min(round(note.seconds * 2.5 * RATE_HZ), len(out))
    t = np.arange(length) / RATE_HZ
    fall = np.exp(-t * 3 / note.seconds)
    attack = np.minimum(t / 0.004, 1.0)
    release = np.minimum((length - np.arange(length)) / (0.02 * RATE_HZ), 1.0)
    index = note.bright * np.exp(-t * 6 / note.seconds)
    wave = np.sin(2 * np.pi * note.hz * t + index * np.sin(2 * np.pi * note.hz * 2.0 * t))
    place_on(
        out,
        wave * fall * attack * release * (0.16 * note.loud * min(level, 2.0)),
        note.time_s,
        note.side,
        closed=closed,
    )


def place_on(out: np.ndarray, wave: np.ndarray, time_s: float, side: float, *, closed: bool) -> None:
    """Add a mono sound at a time and place, at equal power; on a circle what reaches beyond the end begins anew."""
    begin = round(time_s * RATE_HZ) % len(out) if closed else round(time_s * RATE_HZ)
    angle = min(max(side, 0.0), 1.0) * np.pi / 2
    stereo = wave[:, None].astype(np.float32) * np.array([np.cos(angle), np.sin(angle)], np.float32) * 2**0.5
    first = min(len(stereo), len(out) - begin)
    if first > 0:
        out[begin : begin + first] += stereo[:first]
    rest = stereo[max(first, 0) :]
    if closed and len(rest):
        out[: len(rest)] += rest[: len(out)]


def _drone(
    out: np.ndarray, motion: FilmMotion, how: SoundSettings, random: np.random.Generator, *, closed: bool
) -> None:
    """Add long tones; light opens their harmonics, color their third and seventh, speed makes them breathe."""
    count = len(out)
    length_s = count / RATE_HZ

    def snapped(hz: float) -> float:
        return max(1, round(hz * length_s)) / length_s if closed else hz

    light, color, speed = (smoothed(c, motion.rate, closed=closed) for c in (motion.light, motion.color, motion.speed))
    voices = []
    for number, degree in enumerate(CHORD):
        base = tone_hz(degree + (len(SCALES[how.scale]) if number else 0), how)
        for side in (0, 1):
            detune = 1 + random.uniform(-0.0025, 0.0025)
            breath = snapped(random.uniform(0.03, 0.12)), random.random()
            voices.append((number, side, [snapped(base * k * detune) for k in range(1, HARMONICS + 1)], breath))
    phases = random.random((len(voices), HARMONICS))
    for begin in range(0, count, BLOCK):
        many = min(BLOCK, count - begin)
        t = (begin + np.arange(many)) / RATE_HZ
        bright, colored, fast = (curve(c, t * motion.rate, closed=closed) for c in (light, color, speed))
        for (number, side, tones, (breath, shift)), phase in zip(voices, phases, strict=True):
            swell = 0.6 + 0.4 * np.sin(2 * np.pi * (breath * t + shift)) * (0.4 + 0.6 * fast)
            level = swell * (1.0 if number == 0 else 0.35 + 0.45 * colored if number in (1, 3) else 0.5)
            wave = np.zeros(many)
            for k, hz in enumerate(tones):
                if hz < RATE_HZ / 3:
                    wave += np.sin(2 * np.pi * ((hz * t + phase[k]) % 1.0)) * (0.25 + 0.6 * bright) ** k / (k + 1)
            out[begin : begin + many, side] += (0.05 * how.drone * level * wave).astype(np.float32)


def _grains(
    out: np.ndarray, motion: FilmMotion, how: SoundSettings, random: np.random.Generator, *, closed: bool
) -> None:
    """Add grains: short windows of tones near the scale and of noise, as many as there is motion."""
    size = round(GRAIN_S * RATE_HZ)
    for frame in range(len(motion.speed)):
        wanted = how.grains * 14 * float(motion.speed[frame]) / motion.rate
        for _ in range(int(random.poisson(wanted))):
            time_s = (frame + random.random()) / motion.rate
            at_seam = closed and (time_s < BREATH_S[1] or time_s > motion.seconds - BREATH_S[0])
            hz = tone_hz(int(random.integers(14, 26)), how) * (1 + random.normal(0, 0.01))
            wave = grain(size, hz, float(motion.detail[frame]), random)
            place = 0.5 + 0.9 * (float(motion.side[frame]) - 0.5) + random.normal(0, 0.15)
            if not at_seam:
                place_on(out, wave * (0.035 * min(how.grains, 2.0)), time_s, place, closed=closed)


def grain(size: int, hz: float, noisy: float, random: np.random.Generator) -> np.ndarray:
    """Return a short tone in a window, with noise in it as far as `noisy` in [0, 1] says, ``[size]``."""
    tone = np.sin(2 * np.pi * hz * (np.arange(size) / RATE_HZ) + random.random() * 6)
    return (tone + random.standard_normal(size) * 0.25 * noisy) * np.hanning(size)


def _in_room(out: np.ndarray, amount: float, random: np.random.Generator, *, closed: bool) -> np.ndarray:
    """Return the sound with the echo of a room: noise that dies away by 60 dB, darker the later."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import oaconvolve

    length = round(ROOM_S * RATE_HZ)
    t = np.arange(length) / length
    echo = random.standard_normal((length, 2)) * np.exp(-6.9 * t)[:, None]
    dark = uniform_filter1d(echo, 24, axis=0)
    echo = (echo * (1 - t)[:, None] ** 2 + dark * 3 * t[:, None]).astype(np.float32)
    echo *= (1 - np.exp(-t * length / (0.012 * RATE_HZ)))[:, None]
    echo /= np.sqrt((echo**2).sum(0))
    wet = oaconvolve(out, echo, axes=0)
    if closed:
        folded = np.zeros_like(out)
        for begin in range(0, len(wet), len(out)):
            part = wet[begin : begin + len(out)]
            folded[: len(part)] += part
        wet = folded
    return (1 - 0.4 * amount) * out + 0.8 * amount * wet[: len(out)].astype(np.float32)


def smoothed(values: np.ndarray, rate: float, *, closed: bool) -> np.ndarray:
    """Return a control without jumps, by a normal filter, on a circle or between its ends."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(values, max(0.5, SMOOTH_S * rate / 2), mode="wrap" if closed else "nearest")


def curve(values: np.ndarray, places: np.ndarray, *, closed: bool) -> np.ndarray:
    """Return a control between its frames."""
    if closed:
        return np.interp(places, np.arange(len(values) + 1), np.append(values, values[0]))
    return np.interp(places, np.arange(len(values)), values)

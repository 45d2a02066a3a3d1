# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 10. Installation
#
# - *Booth*: a visitor sends a photograph.
# - *Wall*: a screen shows what becomes of it.
# - *Sensors and sound*: bodies and noises steer.
# - What matters in a room: how long one waits, what happens when nobody comes, who may see what.

# %% [markdown]
# ## A folder that is watched
#
# The simplest installation: photographs arrive in a folder, results appear in another. The *job* says what is done. Any result is a job.

# %%
import json
import shutil
import time

import numpy as np
from material import EXAMPLES, out, reverie, show, size

side, steps = size(320, 96), size(8, 2)
reverie(
    f"dream '{EXAMPLES / 'valley.jpg'}' --size {side} --steps {steps} --octaves 2 --overwrite -o '{out('10/look.png')}'"
)

# %%
for name in ("in", "results"):
    shutil.rmtree(out(f"10/{name}"), ignore_errors=True)
    out(f"10/{name}/x").parent.mkdir(parents=True, exist_ok=True)
for number, name in enumerate(("valley", "brush")):
    shutil.copy(EXAMPLES / f"{name}.jpg", out(f"10/in/visitor-{number}.jpg"))
began = time.perf_counter()
reverie(f"watch '{out('10/in/x').parent}' '{out('10/results/x').parent}' --job '{out('10/look.png')}' --once")
waited = time.perf_counter() - began
print(f"two visitors in {waited:.1f} s")
show(*sorted(out("10/results/x").parent.glob("*.*g")))

# %% [markdown] tags=["slide"]
# ## How long may one wait?
#
# - Up to 10 s: one stays and looks at the screen.
# - Up to 30 s: one stays if something moves (show the steps).
# - Longer: one leaves. Then the picture must follow: a QR code, a print.
#
# `reverie wall` shows the steps, gives each visitor the own picture, and plays the gallery when nobody comes.

# %%
for pixels in (96, 192) if size(False, True) else (192, 320, 512):
    began = time.perf_counter()
    reverie(
        f"dream '{EXAMPLES / 'valley.jpg'}' --size {pixels} --steps {steps} --octaves 2 --overwrite -o '{out(f'10/t{pixels}.png')}'"
    )
    print(f"{pixels} px: {time.perf_counter() - began:.1f} s")

# %% [markdown]
# Time grows with the number of pixels. Measure on the machine that will stand in the room, and choose the size by it.
#
# ## A signal from a body
#
# A heart rate is noisy. Filters make it calm: an average that follows slowly when little happens, and quickly when much happens (the *One Euro filter*, Casiez et
# al. 2012). Then we map it to a range, and never beyond.

# %%
rng = np.random.default_rng(1)
rate_hz, seconds = 10, 60
moments = np.arange(rate_hz * seconds) / rate_hz
heart = 70 + 20 / (1 + np.exp(-(moments - 30) / 2)) + rng.normal(0, 3, len(moments))


def one_euro(values, rate_hz, least_hz=0.1, beta=0.02):
    """Return a calm version of a signal."""

    def share(cutoff_hz):
        return 1 / (1 + rate_hz / (2 * np.pi * cutoff_hz))

    calm, slope, result = values[0], 0.0, []
    for value in values:
        slope += share(1.0) * ((value - calm) * rate_hz - slope)
        calm += share(least_hz + beta * abs(slope)) * (value - calm)
        result.append(calm)
    return np.array(result)


calm = one_euro(heart, rate_hz)
strength = np.clip((calm - 60) / 40, 0, 1)
print(f"noise before {np.std(np.diff(heart)):.2f}, after {np.std(np.diff(calm)):.2f}")

# %%
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(6, 2.6))
axis.plot(moments, heart, linewidth=0.6, label="heart rate")
axis.plot(moments, calm, label="One Euro filter")
axis.legend()
figure.savefig(out("10/heart.png"), dpi=80)
plt.close(figure)
show(out("10/heart.png"), height=200)

# %% [markdown]
# ## Steering a dream
#
# A running dream can be steered: here the calm heart rate sets the strength. What was changed is recorded, and the result replays.

# %%
from reverie import DreamConfig, dream

running = dream(EXAMPLES / "valley.jpg", DreamConfig(layer=("mixed4c",), octaves=2, steps=size(20, 4), size=side))
for step in running:
    moment = int(step.index / (2 * size(20, 4)) * (len(strength) - 1))
    running.steering.strength(0.5 + float(strength[moment]))
running.save(out("10/steered.png"))
from reverie.media.metadata import read_settings

print(len(read_settings(out("10/steered.png")).get("steering", [])), "changes are recorded in the picture")
show(out("10/steered.png"))

# %% [markdown]
# ## Sound
#
# The energy of a sound in bands is a signal like any other. We make a beat, and find it again.

# %%
samples_hz = 8000
t = np.arange(samples_hz * 4) / samples_hz
beat = np.exp(-((t % 0.5) * 18)) * np.sin(2 * np.pi * 60 * t) + 0.05 * rng.standard_normal(len(t))
windows = beat[: len(t) // 400 * 400].reshape(-1, 400) * np.hanning(400)
power = np.abs(np.fft.rfft(windows)) ** 2
low = np.log1p(power[:, 1:8].sum(axis=1))
rise = np.maximum(np.diff(low), 0)
beats = [k for k in range(1, len(rise) - 1) if rise[k] > rise.max() * 0.5 and rise[k] >= max(rise[k - 1], rise[k + 1])]
spacing = np.diff(beats) * 400 / samples_hz
print(f"{len(beats)} beats, {np.median(spacing):.2f} s apart: {60 / np.median(spacing):.0f} a minute")

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. A sensor fails in the evening. What should the installation do? Write a function that goes back to a quiet value when nothing has come for three seconds.
# 2. Draw the plan of a booth: where does one stand, where does one look, who sees whom?
# 3. How long do you keep visitors' pictures, and how do you tell them?


# %% tags=["solution"]
def at_rest(values, times, now, home=0.3, patience_s=3.0, return_s=5.0):
    """Return the latest value, or on the way home after three seconds of silence."""
    silent = now - times[-1]
    if silent <= patience_s:
        return values[-1]
    share = min(1.0, (silent - patience_s) / return_s)
    return values[-1] + share * (home - values[-1])


print([round(at_rest([0.9], [0.0], now), 2) for now in (1, 3, 5, 8, 20)])
print(json.dumps({"keep_hours": 24, "told": "at the booth, before one sends"}))

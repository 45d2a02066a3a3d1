# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 7. Latent journeys
#
# - A *generator* draws a picture from a list of numbers, its *latent*.
# - Near latents give similar pictures. So the space of latents is a landscape.
# - A film is a path through it.

# %%
import numpy as np
from material import out, reverie, show, size

reverie(f"latent sample --seeds 0-{size(23, 11)} --columns 6 --tile-px 64 --overwrite -o '{out('07/sheet.png')}'")
show(out("07/sheet.png"), height=260)

# %% [markdown]
# A seed is a number that stands for one latent. The same seed gives the same picture, also in other programs.
#
# ## Truncation
#
# The mean of all latents gives a mean flower. `--truncation` says how far from the mean we go.

# %%
for amount in (0.2, 0.7, 1.2):
    reverie(
        f"latent sample --seeds 0-5 --columns 6 --tile-px 64 --truncation {amount} --overwrite -o '{out(f'07/t{amount}.png')}'"
    )
show(*[out(f"07/t{amount}.png") for amount in (0.2, 0.7, 1.2)], columns=1, height=80)

# %% [markdown] tags=["slide"]
# ## Straight lines and arcs
#
# - Latents of many dimensions lie on a shell, far from the middle.
# - A straight line between two of them cuts through the inside, where nothing was learned.
# - An arc stays on the shell (*slerp*).

# %%
rng = np.random.default_rng(0)
first, second = rng.standard_normal((2, 128))
middle = (first + second) / 2
print("length of a latent:", round(float(np.linalg.norm(first)), 1))
print("length in the middle of a straight line:", round(float(np.linalg.norm(middle)), 1))


def slerp(a, b, t):
    angle = np.arccos(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


print("length in the middle of an arc:", round(float(np.linalg.norm(slerp(first, second, 0.5))), 1))

# %% [markdown]
# ## A walk
#
# `latent walk` goes through several seeds and comes back.

# %%
seconds, fps = size(4, 1), size(24, 8)
reverie(
    f"latent walk --seeds 0-3 --path spline --seconds {seconds} --fps {fps} --size 64 --overwrite -o '{out('07/walk.mp4')}'"
)

# %%
from reverie.media.video import frames


def stills(path, count=6):
    film = list(frames(path))
    return [film[k] for k in np.linspace(0, len(film) - 1, count).astype(int)]


show(*stills(out("07/walk.mp4")), height=90)

# %% [markdown]
# ## A journey, written down
#
# A journey is a text: which keys, how long, at which pace. You can plan it like a score.

# %%
journey = f"""
fps: {fps}
loop: true
speed: perceptual
keys:
  - {{seed: 5, class: daisy, duration: {size(2, 0.5)}s}}
  - {{seed: 17, class: rose, hold: {size(0.5, 0.25)}s, duration: {size(1.5, 0.5)}s, ease: ease-in-out}}
  - {{seed: 23, class: sunflower, duration: {size(2, 0.5)}s}}
"""
out("07/journey.yaml").write_text(journey)
reverie(f"latent journey '{out('07/journey.yaml')}' --size 64 --overwrite -o '{out('07/journey.mp4')}'")
show(*stills(out("07/journey.mp4")), height=90)

# %% [markdown]
# Beside the film stand its latents. Cut the film in an editing program, export the cut list, and `latent conform` makes the edit again, at full
# size, of latents. That way of working is Memo Akten's *Deep Meditations*.

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Cross the styles of four flowers: `latent mix`. Which layers arrange, which ones color?
# 2. Find directions: `latent directions`. Give names to the first three.
# 3. Plan a journey of 20 seconds for a song: where does it rest, where does it hurry?

# %% tags=["solution"]
reverie(f"latent mix --seeds 0-2 --styles 10-13 --layers middle --tile-px 64 --overwrite -o '{out('07/mix.png')}'")
reverie(f"latent directions --count 3 --samples {size(4000, 500)} --overwrite -o '{out('07/directions.png')}'")
show(out("07/mix.png"), out("07/directions.png"), height=200)

# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 3. Dreams
#
# - Take a photograph, a network, a layer.
# - Ask how the pixels must change for the layer to answer more strongly.
# - Change them a little. Repeat.

# %% [markdown]
# ## By hand
#
# The whole idea fits into one loop. `backward` computes how each pixel must change; that is the *gradient*.

# %%
import torch
from material import EXAMPLES, out, reverie, show, size, valley
from reverie import DreamConfig, dream, open_critic

network = open_critic("embedded", device="cpu", precision="fp32")
picture = torch.from_numpy(valley(size(256, 128))).permute(2, 0, 1)[None]


def plain_dream(picture, layer, steps, step_size=0.01):
    image = picture.clone()
    for _ in range(steps):
        image.requires_grad_(True)
        score = network(image, [layer])[layer].square().mean()
        (gradient,) = torch.autograd.grad(score, image)
        image = (image.detach() + step_size * gradient / gradient.abs().mean()).clamp(0, 1)
    return image[0].permute(1, 2, 0).numpy()


rough = plain_dream(picture, "mixed4c", size(20, 6))
show(picture[0].permute(1, 2, 0).numpy(), rough)

# %% [markdown] tags=["slide"]
# ## Three inventions of 2015
#
# - *Octaves*: dream on a small picture first, then on larger ones. So forms of all sizes appear.
# - *Jitter*: shift the picture at random before each step. So no grid appears.
# - *Normalized steps*: a step always changes pixels by the same amount on average.
#
# All of them are in `dream`, and each can be turned off.

# %%
side, steps = size(384, 128), size(10, 4)
bare = dream(EXAMPLES / "valley.jpg", DreamConfig(layer=("mixed4c",), octaves=1, jitter=0, size=side, steps=steps))
whole = dream(EXAMPLES / "valley.jpg", DreamConfig(layer=("mixed4c",), octaves=4, size=side, steps=steps))
bare.save(out("03/bare.png"))
whole.save(out("03/whole.png"))
show(out("03/bare.png"), out("03/whole.png"))

# %% [markdown]
# ## Watch it happen
#
# A dream is something you can iterate over. Each step knows its size and its score.

# %%
watched = dream(EXAMPLES / "valley.jpg", DreamConfig(layer=("mixed5a",), octaves=3, size=side, steps=steps))
frames = []
for step in watched:
    if step.index % steps == 0:
        print("step", step.index, "octave", step.octave, f"score {step.score:.3f}")
        frames.append(watched.current())
show(*frames, watched.pil(progress=False), height=110)

# %% [markdown]
# ## Looks with a name
#
# On the command line, a *preset* is a set of settings. `--class` dreams of one thing.

# %%
common = f"--size {side} --steps {steps} --octaves 3 --overwrite"
for preset in ("creatures", "weave"):
    reverie(f"dream '{EXAMPLES / 'valley.jpg'}' --preset {preset} {common} -o '{out(f'03/{preset}.png')}'")
reverie(f"dream '{EXAMPLES / 'valley.jpg'}' --class monarch {common} -o '{out('03/monarch.png')}'")
show(*[out(f"03/{name}.png") for name in ("creatures", "weave", "monarch")])

# %% [markdown]
# ## Every picture remembers
#
# The settings are inside the file. `replay` makes the same bytes again, `--like` uses them for another picture.

# %%
from reverie.media.metadata import read_settings

job = read_settings(out("03/monarch.png"))
print(job["tool"], "seed", job["config"]["seed"], "class", job["config"]["class_name"], "steps", job["config"]["steps"])
reverie(f"replay '{out('03/monarch.png')}' --input '{EXAMPLES / 'valley.jpg'}' -o '{out('03/monarch-again.png')}'")

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Dream at `conv2`, `mixed4a` and `mixed5b`. Describe in one word each what appears.
# 2. Change only the seed. What stays, what changes?
# 3. Give `plain_dream` a jitter: shift by `torch.roll`, take the gradient, shift back.

# %% tags=["solution"]
results = []
for layer in ("conv2", "mixed4a", "mixed5b"):
    settings = DreamConfig(layer=(layer,), octaves=3, size=side, steps=steps)
    results.append(dream(EXAMPLES / "valley.jpg", settings).pil(progress=False))
show(*results)


# %% tags=["solution"]
def jittered_dream(picture, layer, steps, step_size=0.01, most=16):
    image = picture.clone()
    for _ in range(steps):
        dy, dx = torch.randint(-most, most + 1, (2,)).tolist()
        shifted = image.roll((dy, dx), (2, 3)).requires_grad_(True)
        (gradient,) = torch.autograd.grad(network(shifted, [layer])[layer].square().mean(), shifted)
        gradient = gradient.roll((-dy, -dx), (2, 3))
        image = (image + step_size * gradient / gradient.abs().mean()).clamp(0, 1)
    return image[0].permute(1, 2, 0).numpy()


show(rough, jittered_dream(picture, "mixed4c", size(20, 6)))

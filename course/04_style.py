# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 4. Style
#
# - *Content*: what is where.
# - *Style*: which textures and colors there are, no matter where.
# - In a network: content is the activations; style is their *statistics*.

# %%
import torch
from material import EXAMPLES, as_image, out, reverie, show, size, valley
from reverie import compare, open_critic, style

network = open_critic("embedded", device="cpu", precision="fp32")
side = size(320, 128)
content = EXAMPLES / "valley.jpg"
brush = EXAMPLES / "brush.jpg"
show(content, brush)

# %% [markdown]
# ## Statistics forget places
#
# The *Gram matrix* of a layer says how often two channels answer together. We shuffle the pixels of blocks of a picture: the content is lost,
# the Gram matrix hardly changes.


# %%
def gram(picture, layer="mixed3a"):
    tensor = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]
    with torch.no_grad():
        a = network(tensor, [layer])[layer][0].float().flatten(1)
    return a @ a.T / a.shape[1]


def shuffled(picture, block=16, seed=0):
    height, width = (side // block * block for side in picture.shape[:2])
    parts = picture[:height, :width].reshape(height // block, block, width // block, block, 3).swapaxes(1, 2)
    order = torch.randperm(parts.shape[0] * parts.shape[1], generator=torch.Generator().manual_seed(seed)).numpy()
    mixed = parts.reshape(-1, block, block, 3)[order].reshape(parts.shape)
    return mixed.swapaxes(1, 2).reshape(height, width, 3)


import numpy as np

photo = valley(side)
painting = np.asarray(as_image(brush).resize((photo.shape[1], photo.shape[0])), dtype=np.float32) / 255
mixed = shuffled(photo)
own = gram(photo)
print(f"shuffled valley: {(gram(mixed) - own).norm() / own.norm():.2f}")
print(f"another picture: {(gram(painting) - own).norm() / own.norm():.2f}")
show(photo, mixed, painting)

# %% [markdown] tags=["slide"]
# ## Painting by an optimizer
#
# - Begin with the content.
# - Score: stay near the content's activations, come near the style's statistics.
# - Change pixels step by step, from a small size to a large one.
# - `strength` from 0 (all content) to 1 (all style).

# %%
steps = size(60, 6)
for strength in (0.3, 0.7):
    made = style(content, brush, strength=strength, size=side, steps=steps, min_steps=size(20, 3))
    made.save(out(f"04/strength-{strength}.png"))
show(out("04/strength-0.3.png"), out("04/strength-0.7.png"))

# %% [markdown]
# ## Painting in one pass
#
# A second network has learned what the optimizer does. It needs less than a second, and takes any style.

# %%
reverie(f"style '{content}' '{brush}' --fast --size {side} --overwrite -o '{out('04/fast.png')}'")
show(out("04/fast.png"))

# %% [markdown]
# ## Measuring
#
# `compare` asks the network how much of the style came over, and how much of the content is left.

# %%
measured = compare(
    content, brush, [out("04/strength-0.3.png"), out("04/strength-0.7.png"), out("04/fast.png")], size=side
)
for each in measured.pictures:
    print(f"{each.name:20} style distance {each.style:.2f}  content distance {each.content:.2f}")

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. `color="keep"` keeps the hues of the content. When would an architect want this?
# 2. Take a photograph of a facade as content and one of a material (brick, moss, fabric) as style.
# 3. Make a tile that repeats: `--seamless both`.

# %% tags=["solution"]
made = style(content, brush, color="keep", strength=0.6, size=side, steps=steps, min_steps=size(20, 3))
made.save(out("04/keep.png"))
reverie(
    f"style '{content}' '{brush}' --seamless both --size {size(192, 96)} --steps {steps} --min-steps {size(20, 3)} "
    f"--overwrite -o '{out('04/tile.png')}'"
)
tile = np.asarray(as_image(out("04/tile.png")))
show(out("04/keep.png"), np.concatenate([np.concatenate([tile, tile], 1)] * 2, 0))

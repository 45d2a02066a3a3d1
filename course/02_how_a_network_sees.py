# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 2. How a network sees
#
# - A network is a stack of *layers*.
# - A layer is a stack of *channels*. A channel answers one question at every place.
# - Early channels ask for edges and colors, late ones for parts of things.

# %%
import numpy as np
import torch
from material import out, reverie, show, size, valley
from reverie import open_critic

network = open_critic("embedded", device="cpu", precision="fp32")
print(network.identity.name, "knows", len(network.identity.classes), "classes, such as", network.identity.classes[:5])

# %% [markdown]
# Here are its layers. *Stride* says how many pixels lie between two places of the layer: the picture gets smaller and smaller, and the number
# of channels grows.

# %%
for layer in network.named_layers:
    print(f"{layer.name:10} {layer.channels:4} channels, stride {layer.stride or '-'}")

# %% [markdown]
# ## Activations
#
# We show the network a picture and stop at a layer. What comes out is a table for each channel. Light means: yes, here.

# %%
picture = valley(size(256, 160))
tensor = torch.from_numpy(picture).permute(2, 0, 1)[None]


def channels(layer, count=6):
    """Return the channels of a layer that answer most strongly, as grey pictures."""
    with torch.no_grad():
        answer = network(tensor, [layer])[layer][0]
    strongest = answer.amax(dim=(1, 2)).argsort(descending=True)[:count]
    maps = answer[strongest]
    maps = maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    return [np.kron(each.clamp(min=0).numpy(), np.ones((4, 4))) for each in maps]


show(picture, *channels("conv2"), height=90)

# %%
show(picture, *channels("mixed4a"), height=90)

# %% [markdown] tags=["slide"]
# ## What would excite a channel most?
#
# - We begin with noise.
# - We ask: how must each pixel change so that the channel answers more strongly?
# - We take a small step, and ask again.
#
# This is *feature visualization*. Lesson 3 does the same to a photograph.

# %%
steps = size(64, 12)
side = size(96, 48)
for layer in ("conv2", "mixed3b", "mixed4b"):
    numbers = " ".join(f"--channel {n}" for n in (1, 5, 9))
    line = f"visualize embedded --layer {layer} {numbers} --size {side} --steps {steps} --overwrite"
    reverie(f"{line} -o '{out(f'02/{layer}.jpg')}'")

# %%
show(*[out(f"02/{layer}.jpg") for layer in ("conv2", "mixed3b", "mixed4b")], height=130)

# %% [markdown]
# From left to right: strokes, textures, parts of things. Nobody drew these: they are what nine of many hundred channels look for.
#
# `reverie atlas embedded` draws all of them, and writes a page to browse. It takes some minutes.

# %% [markdown]
# ## Names
#
# The last layer has one channel for each class. The largest answers are what the network would call the picture.

# %%
with torch.no_grad():
    sure = network.logits(tensor)[0].softmax(0)
best = sure.argsort(descending=True)[:5]
for index in best.tolist():
    print(f"{network.identity.classes[index]:22} {sure[index]:.1%}")

# %% [markdown]
# The network knows 200 things, and a painted valley is none of them. It answers all the same. Remember this for lesson 11.

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Cover the sky with grey. Which answers of the last layer change most?
# 2. Turn the picture upside down. Which layer changes less, `conv2` or `mixed5a`? Compare the mean over places of each channel.

# %% tags=["solution"]
covered = tensor.clone()
covered[:, :, : covered.shape[2] // 3] = 0.5
with torch.no_grad():
    change = network.logits(covered)[0].softmax(0) - sure
for index in change.abs().argsort(descending=True)[:3].tolist():
    print(f"{network.identity.classes[index]:22} {change[index]:+.1%}")


# %% tags=["solution"]
def summary(images, layer):
    with torch.no_grad():
        return network(images, [layer])[layer][0].float().mean(dim=(1, 2))


for layer in ("conv2", "mixed5a"):
    first, second = summary(tensor, layer), summary(tensor.flip(2), layer)
    print(layer, "changes by", f"{((first - second).norm() / first.norm()).item():.0%}")

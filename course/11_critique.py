# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 11. Critique
#
# - *Authorship*: who made this picture?
# - *Data*: whose pictures taught the network, and were they asked?
# - *Bias*: what does it see where, and what never?
# - *Energy*: what did it cost?
#
# This lesson measures what can be measured, and asks what cannot.

# %% [markdown]
# ## Who made it?
#
# A result of Reverie says what went into it. Read a job like a list of credits.

# %%
import numpy as np
import torch
from material import EXAMPLES, out, reverie, show, size, valley
from reverie import open_critic
from reverie.media.metadata import read_settings

side, steps = size(320, 96), size(10, 3)
reverie(
    f"style '{EXAMPLES / 'valley.jpg'}' '{EXAMPLES / 'brush.jpg'}' --fast --size {side} --overwrite -o '{out('11/made.png')}'"
)
job = read_settings(out("11/made.png"))
print("tool:", job["tool"], job["version"])
print("picture:", job["input"]["name"])
print(
    "style:",
    [each["name"] for each in job.get("files", {}).values() if isinstance(each, dict)] or job["config"]["style"],
)
print("network:", (job.get("model") or {}).get("name"))

# %% [markdown]
# The photographer, the painter, the people whose pictures taught the network, those who wrote the program, you who chose: who of them is
# named on the wall? Write a caption for this picture.
#
# ## Licences
#
# The embedded network learned from Tiny ImageNet. Its pictures are for research that earns nothing; most of those who took them were
# never asked. Read its description:

# %%
from reverie.weights.checkpoint import load_description
from reverie.weights.embedded import embedded_path

about = load_description(embedded_path())
print(about.kind, about.architecture, len(about.classes), "classes")
print(", ".join(about.classes[:12]), "...")

# %% [markdown] tags=["slide"]
# ## What it sees, and what it never can
#
# - A network answers with one of its classes, always.
# - What is not among them does not exist for it.
# - Who chose the list?

# %%
network = open_critic("embedded", device="cpu", precision="fp32")
groups = {
    "animals": (
        "dog",
        "cat",
        "bear",
        "frog",
        "spider",
        "fish",
        "snail",
        "koala",
        "monarch",
        "bee",
        "retriever",
        "terrier",
    ),
    "buildings": (
        "barn",
        "bridge",
        "dam",
        "fountain",
        "triumphal",
        "dwelling",
        "obelisk",
        "altar",
        "butcher",
        "barbershop",
    ),
    "people and their work": ("bride", "academic", "uniform", "apron", "bikini", "kimono", "poncho", "sombrero"),
}
for group, words in groups.items():
    found = [name for name in network.identity.classes if any(word in name.lower() for word in words)]
    print(f"{group}: {len(found)} of {len(network.identity.classes)}, such as {found[:5]}")

# %% [markdown]
# Which buildings are on the list? Which country's? What would a dream look like if a school of architecture had made the list?
#
# ### A picture of nothing
#
# We show the network plain grey and plain noise. It is never silent.

# %%
rng = torch.Generator().manual_seed(0)
for name, images in (("grey", torch.full((1, 3, 64, 64), 0.5)), ("noise", torch.rand(1, 3, 64, 64, generator=rng))):
    sure = network.logits(images)[0].softmax(0)
    best = int(sure.argmax())
    print(f"{name}: {network.identity.classes[best]}, {sure[best]:.0%} sure")

# %% [markdown]
# ### The same thing in another light
#
# Change colors of the valley, and see how much the answers move. A network that learned mostly from bright photographs is less sure in the dark.

# %%
picture = torch.from_numpy(valley(128)).permute(2, 0, 1)[None]
for name, factor in (("as it is", 1.0), ("half the light", 0.5), ("a tenth", 0.1)):
    sure = network.logits(picture * factor)[0].softmax(0)
    entropy = float(-(sure * sure.clamp(min=1e-9).log()).sum() / np.log(len(sure)))
    print(f"{name:15} best answer {network.identity.classes[int(sure.argmax())]:20} doubt {entropy:.2f}")

# %% [markdown] tags=["slide"]
# ## Energy, measured
#
# - Where the processor counts its energy (RAPL), we read it before and after.
# - Where it does not, we multiply the time that the processor worked by the power of one core.
# - We say which of the two it was. A number without its method is a rumor.

# %%
from energy import Meter

with Meter() as meter:
    reverie(
        f"dream '{EXAMPLES / 'valley.jpg'}' --size {side} --steps {steps} --octaves 3 --overwrite -o '{out('11/dream.png')}'"
    )
print(meter.report())
dream_j = meter.joules

with Meter() as meter:
    reverie(
        f"style '{EXAMPLES / 'valley.jpg'}' '{EXAMPLES / 'brush.jpg'}' --size {side} --steps {size(60, 6)} --min-steps {size(20, 3)} --overwrite -o '{out('11/style.png')}'"
    )
print(meter.report())
style_j = meter.joules

# %%
KETTLE_J = 0.25 * 4186 * 80  # a quarter of a liter of water from 20 to 100 degrees
PHONE_J = 15 * 3600  # one charge of a phone's battery of 15 watt-hours
for name, joules in (("the dream", dream_j), ("the painting", style_j)):
    print(
        f"{name}: {joules:.0f} J; a cup of tea is {KETTLE_J / joules:.0f} of them, a charge of a phone {PHONE_J / joules:.0f}"
    )

# %% [markdown]
# One picture is little. What about a screen that dreams all day? And training?

# %%
pictures = 8 * 3600 / 30
print(
    f"one picture each 30 s for 8 hours, {pictures:.0f} in all: {dream_j * pictures / 3.6e6:.4f} kWh, and the screen {8 * 0.1:.1f} kWh"
)
training_s = 3600
print(
    f"an hour of training on two cores at {meter.watts_per_core:.0f} W each: {2 * meter.watts_per_core * training_s / 3.6e6:.3f} kWh"
)

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Halve the size of the dream. What does it save? Does the picture need the size?
# 2. Write a caption for a work of yours made here: network, data, licence, energy, hand.
# 3. Find a picture on which the network is surely wrong. Is it the picture, the list of classes, or the pictures it learned from?
# 4. Read two items of the bibliography that disagree, and say with whom you agree.

# %% tags=["solution"]
with Meter() as half:
    reverie(
        f"dream '{EXAMPLES / 'valley.jpg'}' --size {side // 2} --steps {steps} --octaves 3 --overwrite -o '{out('11/half.png')}'"
    )
print(f"half the size: {half.joules:.0f} J instead of {dream_j:.0f} J")
show(out("11/half.png"), out("11/dream.png"))

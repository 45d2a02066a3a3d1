# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 9. Reading your collection
#
# - A network turns a picture into a list of numbers (*features*).
# - Similar pictures get similar lists.
# - A map puts them near each other on paper: *PCA*, *t-SNE*.

# %% [markdown]
# ## A collection
#
# Yours is better. Here: pieces of the two example pictures, and flowers of the generator, in three folders.

# %%
import numpy as np
import torch
from material import EXAMPLES, as_image, out, reverie, show, size
from PIL import Image
from reverie import open_critic

each = size(60, 16)
folder = out("09/collection/x").parent
rng = np.random.default_rng(0)
for name in ("valley", "brush"):
    (folder / name).mkdir(exist_ok=True)
    whole = Image.open(EXAMPLES / f"{name}.jpg").convert("RGB")
    for number in range(each):
        left, top = int(rng.integers(0, whole.width - 96)), int(rng.integers(0, whole.height - 96))
        whole.crop((left, top, left + 96, top + 96)).save(folder / name / f"{number:03}.png")
reverie(f"latent sample --seeds 0-{each - 1} --pictures --tile-px 64 --overwrite -o '{out('09/flower.png')}'")
(folder / "flower").mkdir(exist_ok=True)
for path in out("09/flower-pictures").glob("*.png"):
    Image.open(path).convert("RGB").resize((96, 96)).save(folder / "flower" / path.name)
paths = sorted(folder.glob("*/*.png"))
print(len(paths), "pictures")

# %% [markdown]
# ## Features
#
# The mean of every channel of a layer: a list of numbers for each picture.

# %%
network = open_critic("embedded", device="cpu", precision="fp32")


def features(paths, layer="mixed5a"):
    found = []
    for path in paths:
        tensor = torch.from_numpy(np.asarray(as_image(path), dtype=np.float32) / 255).permute(2, 0, 1)[None]
        with torch.no_grad():
            found.append(network(tensor, [layer])[layer][0].float().mean(dim=(1, 2)).numpy())
    return np.array(found)


table = features(paths)
print("a table of", table.shape)

# %% [markdown] tags=["slide"]
# ## Nearest neighbors
#
# - Divide each list by its length.
# - The product of two lists is their similarity: 1 means alike.
# - The largest products are the neighbors.

# %%
unit = table / np.linalg.norm(table, axis=1, keepdims=True)
alike = unit @ unit.T
for query in (0, each, 2 * each):
    nearest = np.argsort(-alike[query])[:6]
    print(paths[query].parent.name, "->", [paths[k].parent.name for k in nearest])
show(*[paths[k] for query in (0, each, 2 * each) for k in np.argsort(-alike[query])[:6]], height=64, columns=6)

# %% [markdown]
# ## PCA by hand
#
# Which directions in the table vary most? The singular value decomposition knows. Two of them make a map.

# %%
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

centered = unit - unit.mean(axis=0)
_, strength, directions = np.linalg.svd(centered, full_matrices=False)
places = centered @ directions[:2].T
print(f"two directions hold {np.sum(strength[:2] ** 2) / np.sum(strength**2):.0%} of the variance")
figure, axis = plt.subplots(figsize=(5, 3.4))
for name in ("brush", "flower", "valley"):
    chosen = [k for k, path in enumerate(paths) if path.parent.name == name]
    axis.scatter(*places[chosen].T, label=name, s=14)
axis.legend()
figure.savefig(out("09/pca.png"), dpi=80)
plt.close(figure)
show(out("09/pca.png"), height=270)

# %% [markdown] tags=["slide"]
# ## t-SNE
#
# - PCA keeps large distances. t-SNE keeps *neighbors*.
# - Distances between groups on a t-SNE map mean nothing. Sizes of groups mean nothing.
# - Read it like a seating plan, not like a map of a country.

# %%
reverie(f"embed '{folder}' --perplexity 10 --steps {size(500, 100)} --overwrite -o '{out('09/map')}'")
show(out("09/map") / "map.png", height=320)

# %% [markdown]
# Open `09/map/index.html` in a browser: zoom, search, lasso. Beside it stand lists: duplicates, pictures that lie alone, labels that look wrong.

# %%
for name in ("duplicates", "outliers", "mislabelled"):
    rows = (out("09/map") / f"{name}.csv").read_text().splitlines()
    print(f"{name}: {len(rows) - 1}")

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Use another layer: `conv2` or `mixed3a`. What is sorted now?
# 2. Change the seed, then the perplexity. Which groups stay together?
# 3. Place a new photograph on the finished map: `reverie embed place`.

# %% tags=["solution"]
early = features(paths, "conv2")
early /= np.linalg.norm(early, axis=1, keepdims=True)


def agreement(unit):
    """Return how often the nearest neighbor comes from the same folder."""
    alike = unit @ unit.T - 2 * np.eye(len(unit))
    nearest = alike.argmax(axis=1)
    return np.mean([paths[k].parent == paths[n].parent for k, n in enumerate(nearest)])


print(f"mixed5a {agreement(unit):.0%}, conv2 {agreement(early):.0%}")
reverie(f"embed place '{out('09/map')}' '{EXAMPLES / 'brush.jpg'}' --overwrite -o '{out('09/placed.png')}'")
show(out("09/placed.png"), height=260)

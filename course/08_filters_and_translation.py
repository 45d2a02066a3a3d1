# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 8. From image to image: what is a filter?
#
# - A filter turns a picture into another of the same size.
# - Some filters are a formula. Others are known only by examples: before, after.
# - A network can learn both.

# %%
import numpy as np
from material import EXAMPLES, out, reverie, show, size, valley
from PIL import Image

picture = valley(size(384, 192))
grey = picture.mean(axis=2)


def sobel(grey):
    padded = np.pad(grey, 1, mode="edge")
    right = padded[:, 2:] - padded[:, :-2]
    down = padded[2:] - padded[:-2]
    across = right[:-2] + 2 * right[1:-1] + right[2:]
    along = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return np.hypot(across, along) / 4


show(picture, sobel(grey))

# %% [markdown]
# ## Pictures to learn from
#
# A small network sees only a few pixels far. So small pieces of a picture are enough. We cut some out; the lower right corner is not used for learning,
# and will be our test.

# %%
pieces = out("08/pieces/piece-0.png").parent
rng = np.random.default_rng(0)
whole = Image.open(EXAMPLES / "valley.jpg").convert("RGB")
for number in range(size(60, 24)):
    left, top = int(rng.integers(0, whole.width - 128)), int(rng.integers(0, whole.height // 2 - 96))
    whole.crop((left, top, left + 96, top + 96)).save(pieces / f"piece-{number}.png")
test = whole.crop((whole.width // 2, whole.height // 2, whole.width, whole.height))
test.thumbnail((size(384, 160), size(384, 160)))
test.save(out("08/test.png"))

# %% [markdown] tags=["slide"]
# ## Two networks
#
# - *Autoencoder*: makes the picture small, and large again. What gets lost on the way is lost.
# - *Full size*: keeps every pixel where it is, and looks at more and more neighbors.
#
# Both learn for the same number of steps.

# %%
steps = size(600, 60)
for name in ("autoencoder", "can"):
    reverie(
        f"train translate '{pieces}' --filter sobel --architecture {name} --steps {steps} --crop-px 48 --batch 4 --overwrite "
        f"-o '{out(f'08/{name}.safetensors')}'"
    )
    reverie(
        f"translate '{out(f'08/{name}.safetensors')}' '{out('08/test.png')}' --overwrite -o '{out(f'08/{name}.png')}'"
    )
reverie(f"translate sobel '{out('08/test.png')}' --overwrite -o '{out('08/shipped.png')}'")

# %% [markdown]
# ## Measuring: PSNR
#
# The mean of the squared differences, as decibels. 20 dB: you see it. 40 dB: you don't.


# %%
def read(name):
    return np.asarray(Image.open(out(f"08/{name}.png")).convert("RGB"), dtype=np.float32).mean(axis=2) / 255


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


wanted = sobel(read("test"))
scale = (read("shipped") * wanted).sum() / (wanted**2).sum()  # the network's Sobel has another scale; least squares
for name in ("autoencoder", "can", "shipped"):
    print(f"{name:12} {psnr(read(name), np.clip(wanted * scale, 0, 1)):.1f} dB")
show(read("autoencoder"), read("can"), read("shipped"), np.clip(wanted * scale, 0, 1), height=130)

# %% [markdown]
# The network of the package learned for eleven minutes, ours for seconds. But the autoencoder will not get there however long it learns: it has thrown
# pixels away.
#
# ## When there is no formula
#
# Draw over ten photographs: trace the windows, color the roofs. Then `reverie train translate BEFORE/ --targets AFTER/` learns what you did. What it cannot learn:
# whatever is not decided by the picture.

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Teach it another filter: `--filter kuwahara`.
# 2. What does depth buy? Try `--depth 1` and `--depth 3`.
# 3. Invent a filter in Python, and teach it: `--filter mine.py:mine`.

# %% tags=["solution"]
out("08/mine.py").write_text(
    '''
def mine(picture):
    """Blue where it is dark, as it is where it is light."""
    dark = picture.mean(axis=2, keepdims=True) < 0.4
    return picture * (1 - dark) + dark * [0.1, 0.2, 0.6]
'''.replace("[0.1, 0.2, 0.6]", "__import__('numpy').array([0.1, 0.2, 0.6], dtype='float32')")
)
reverie(
    f"train translate '{pieces}' --filter '{out('08/mine.py')}:mine' --steps {steps} --crop-px 48 --batch 4 --overwrite "
    f"-o '{out('08/mine.safetensors')}'"
)
reverie(f"translate '{out('08/mine.safetensors')}' '{out('08/test.png')}' --overwrite -o '{out('08/mine.png')}'")
show(out("08/test.png"), out("08/mine.png"))

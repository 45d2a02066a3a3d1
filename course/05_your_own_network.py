# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 5. Your own data, your own network, your own dreams
#
# - A folder for each class, about fifty pictures or more in each.
# - Teach a network to tell the classes apart.
# - Dream of a class: what has it *really* learned?

# %% [markdown]
# ## Pictures
#
# Bring your own: photographs from a walk, details of facades, drawings. `reverie gather images "arch, column"` finds free ones with their licences.
# So that this lesson runs anywhere, we let a small generator draw three kinds of flowers. Lesson 7 explains it.

# %%
from material import EXAMPLES, out, reverie, show, size

count = size(96, 24)
data = out("05/flowers")
for name in ("rose", "sunflower", "tulip"):
    reverie(
        f"latent sample --class {name} --seeds 0-{count - 1} --pictures --tile-px 64 --overwrite -o '{out(f'05/sheets/{name}.png')}'"
    )

# %%
import shutil

for name in ("rose", "sunflower", "tulip"):
    (data / name).mkdir(parents=True, exist_ok=True)
    for path in out(f"05/sheets/{name}-pictures").glob("*.png"):
        shutil.copy(path, data / name)
    print(name, len(list((data / name).iterdir())), "pictures")
show(
    *[sorted((data / name).iterdir())[k] for name in ("rose", "sunflower", "tulip") for k in range(6)],
    height=64,
    columns=6,
)

# %% [markdown] tags=["slide"]
# ## Training
#
# - The network of the package already knows edges, textures and things.
# - We go on from there: *fine-tuning*. It takes minutes instead of days.
# - A tenth of the pictures is *held out*: only they tell whether it has learned or only remembers.

# %%
shutil.rmtree(out("05/run"), ignore_errors=True)
reverie(
    f"train classifier '{data}' --init embedded --epochs {size(8, 3)} --batch {size(32, 16)} --lr 0.05 --val-share 0.2 "
    f"-o '{out('05/run')}'"
)

# %%
import json

report = json.loads((out("05/run") / "evaluation.json").read_text())
print({name: value for name, value in report.items() if isinstance(value, float)})
show(out("05/run") / "confusion.png", height=260)

# %% [markdown]
# Each row of the table is a class, each column what the network said. What lies off the diagonal is confused.
#
# ## Dreaming with it

# %%
model = out("05/run") / "model.safetensors"
for name in ("rose", "sunflower"):
    reverie(
        f"dream '{EXAMPLES / 'valley.jpg'}' --model '{model}' --class {name} --size {size(320, 128)} --steps {size(12, 4)} "
        f"--octaves 3 --overwrite -o '{out(f'05/{name}.png')}'"
    )
show(out("05/rose.png"), out("05/sunflower.png"))

# %% [markdown]
# ## From nothing
#
# Without a photograph we see what the class looks like to the network.

# %%
reverie(
    f"visualize '{model}' --class rose,sunflower,tulip --prior stack --size {size(128, 64)} --steps {size(96, 12)} --crops 4 "
    f"--overwrite -o '{out('05/classes.jpg')}'"
)
show(out("05/classes.jpg"), height=160)

# %% [markdown]
# Are these flowers, or only their colors? If every tulip of your data is red, red is what a tulip is.

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Give all pictures of one class the same small mark in a corner. Train, and visualize the class. What has the network learned?
# 2. Train from nothing (leave out `--init embedded`). How many passes does it take to be as good?
# 3. Bring thirty photographs each of two buildings by the same architect. Can the network tell them apart? By what?

# %% tags=["solution"]
from PIL import Image, ImageDraw

marked = out("05/marked")
shutil.copytree(data, marked, dirs_exist_ok=True)
for path in (marked / "tulip").glob("*.png"):
    image = Image.open(path).convert("RGB")
    ImageDraw.Draw(image).rectangle((2, 2, 14, 14), fill=(0, 255, 0))
    image.save(path)
shutil.rmtree(out("05/marked-run"), ignore_errors=True)
reverie(
    f"train classifier '{marked}' --init embedded --epochs {size(6, 2)} --batch 16 --lr 0.05 -o '{out('05/marked-run')}'"
)
reverie(
    f"visualize '{out('05/marked-run') / 'model.safetensors'}' --class tulip --prior stack --size {size(128, 64)} "
    f"--steps {size(96, 12)} --crops 4 --overwrite -o '{out('05/marked.jpg')}'"
)
show(out("05/marked.jpg"), height=160)

# %% [markdown] tags=["solution"]
# Green appears: the network took the short way. Such a mark can be a watermark, a frame, the white margin of a scan.

# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 1. Python and images
#
# - A picture is a table of numbers.
# - Loops, conditions and functions change tables.
# - A filter looks at a pixel and its neighbors.
#
# You need no knowledge of Python. Run each cell with Shift and Enter, then change numbers and run it again.

# %% [markdown]
# ## Numbers and names
#
# A name stands for a value. `print` shows values.

# %%
width = 6
height = 4
print("a picture of", width, "by", height, "pixels has", width * height, "pixels")

# %% [markdown]
# ## Lists and loops
#
# A list holds several values. A loop does the same thing for each of them. A condition does something only sometimes.

# %%
greys = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
for grey in greys:
    if grey < 0.5:
        print(grey, "is dark")
    else:
        print(grey, "is light")

# %% [markdown]
# ## Functions
#
# A function gives a name to a piece of work. It takes values and returns one.


# %%
def brighter(grey, amount=0.2):
    return min(1.0, grey + amount)


print([brighter(grey) for grey in greys])

# %% [markdown] tags=["slide"]
# ## A picture is an array
#
# - Height, width, and three numbers for each pixel: red, green, blue.
# - 0 is dark, 1 is light.
# - `picture[y, x]` is a pixel, `picture[:, :, 0]` is all of the red.

# %%
import numpy as np
from material import show, size, valley

picture = valley(size(256, 128))
print(picture.shape, "smallest", picture.min(), "largest", picture.max())
print("the pixel in the top left corner:", picture[0, 0])
show(picture)

# %% [markdown]
# Slices cut a part out. Numbers behind two colons are steps: `-1` walks backwards.

# %%
half = picture[:, : picture.shape[1] // 2]
mirrored = picture[:, ::-1]
coarse = picture[::8, ::8]
show(half, mirrored, coarse)

# %% [markdown]
# ## Colors
#
# Each color is a grey picture. Change one, and the mood of the picture changes.

# %%
red, green, blue = picture[:, :, 0], picture[:, :, 1], picture[:, :, 2]
evening = picture * np.array([1.2, 0.9, 0.7])
show(red, green, blue, evening)

# %% [markdown]
# ## A condition for all pixels at once
#
# `grey > 0.6` is a table of yes and no. `np.where` takes one value where it is yes, another where it is no.

# %%
grey = picture.mean(axis=2)
poster = np.where(grey > 0.6, 1.0, np.where(grey > 0.3, 0.5, 0.0))
show(grey, poster)

# %% [markdown] tags=["slide"]
# ## A filter looks at neighbors
#
# - The mean of a pixel and its neighbors: blur.
# - The difference between left and right: edges.
# - The weights of the neighbors are a small table, the *kernel*.


# %%
def filtered(grey, kernel):
    """Multiply the neighbors of each pixel by a kernel of 3 x 3 and add up."""
    padded = np.pad(grey, 1, mode="edge")
    result = np.zeros_like(grey)
    for y in range(3):
        for x in range(3):
            result += kernel[y][x] * padded[y : y + grey.shape[0], x : x + grey.shape[1]]
    return result


blur = [[1 / 9] * 3] * 3
left_right = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
up_down = [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
edges = np.hypot(filtered(grey, left_right), filtered(grey, up_down))
show(filtered(grey, blur), np.abs(filtered(grey, left_right)), edges)

# %% [markdown]
# The last picture is the Sobel filter. Lesson 8 teaches a network to do the same. A network *is* many kernels, one after the other, and it finds
# their numbers by itself.

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Write a function `sepia(picture)`: grey, then a warm color.
# 2. Make a tile that repeats: the picture, mirrored to the right and downwards.
# 3. Find a kernel that makes the picture sharper. Its nine numbers must add up to 1. Why?


# %% tags=["solution"]
def sepia(picture):
    return picture.mean(axis=2, keepdims=True) * np.array([1.1, 0.95, 0.75])


top = np.concatenate([picture, picture[:, ::-1]], axis=1)
tile = np.concatenate([top, top[::-1]], axis=0)
sharp = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
show(sepia(picture), tile, filtered(grey, sharp))

# %% [markdown] tags=["solution"]
# Numbers that add up to 1 leave a plain surface as bright as it was.

# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown] tags=["slide"]
# # 6. Meshes
#
# - A mesh is a list of points (*vertices*) and a list of triangles (*faces*).
# - A *renderer* draws it. Ours also answers: how must a vertex or a color change so that the picture changes like this?
# - So everything that moves pixels can also move a mesh.

# %%
import numpy as np
from material import EXAMPLES, out, reverie, show, size

golden = (1 + 5**0.5) / 2
corners = [(a, b * golden, 0) for a in (-1, 1) for b in (-1, 1)]
vertices = np.array([np.roll(corner, turn) for turn in range(3) for corner in corners], dtype=float)
vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
print(len(vertices), "vertices of an icosahedron")

# %% [markdown]
# Three vertices that lie nearest to each other make a face. Cutting each face into four, and pushing the new points onto the sphere, makes a ball.


# %%
def faces_of(vertices):
    from scipy.spatial import ConvexHull

    hull = ConvexHull(vertices)
    outward = np.einsum(
        "ij,ij->i",
        np.cross(*(vertices[hull.simplices[:, k]] - vertices[hull.simplices[:, 0]] for k in (1, 2))),
        vertices[hull.simplices[:, 0]],
    )
    return np.where(outward[:, None] > 0, hull.simplices, hull.simplices[:, ::-1])


def finer(vertices):
    faces = faces_of(vertices)
    middles = np.concatenate([vertices[faces[:, a]] + vertices[faces[:, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    points = np.concatenate([vertices, middles / np.linalg.norm(middles, axis=1, keepdims=True)])
    return np.unique(points.round(9), axis=0)


ball = finer(finer(finer(vertices)))
faces = faces_of(ball)
lines = [f"v {x} {y} {z}" for x, y, z in ball] + [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in faces]
out("06/ball.obj").write_text("\n".join(lines))
print(len(ball), "vertices,", len(faces), "faces")

# %% [markdown] tags=["slide"]
# ## A dream on a mesh
#
# - Look at the mesh from a few sides.
# - Ask the network what would make it see more.
# - Send the answer back through the renderer, to the texture or to the vertices.

# %%
steps, view = size(60, 6), size(192, 96)
reverie(
    f"mesh dream --steps {steps} --size {view} --texture-size {size(512, 128)} --overwrite -o '{out('06/dragon.glb')}'"
)
show(out("06/dragon-views.jpg"), height=240)

# %% [markdown]
# ## A ball takes the outline of a picture
#
# We draw a guide: a tower on a base, white on transparent. The vertices move until the outline of the mesh is that of the guide.

# %%
from PIL import Image, ImageDraw

guide = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
draw = ImageDraw.Draw(guide)
draw.rectangle((52, 16, 76, 96), fill="white")
draw.rectangle((28, 80, 100, 112), fill="white")
guide.save(out("06/tower.png"))
reverie(
    f"mesh fit '{out('06/ball.obj')}' '{out('06/tower.png')}' --camera 0,0 --steps {size(200, 20)} --size {size(128, 64)} "
    f"--overwrite -o '{out('06/tower.glb')}'"
)
show(out("06/tower.png"), out("06/tower-views.jpg"), height=200)

# %% [markdown]
# One picture says nothing of the other sides. Add guides and a `--camera` for each.
#
# ## Look at it
#
# `mesh show` writes a film, pictures, and a page with a 3D viewer that needs no internet.

# %%
reverie(
    f"mesh show '{out('06/dragon.glb')}' --size {size(256, 96)} --duration 1 --rate 12 --overwrite -o '{out('06/dragon.mp4')}'"
)
print(sorted(path.name for path in out("06/dragon.mp4").parent.iterdir() if path.stem.startswith("dragon")))

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# 1. Give the ball the style of a picture: `reverie mesh style`.
# 2. Dream the *shape* of the ball: `--what shape`. What does a class look like as a form?
# 3. Export a massing model from your own 3D program as OBJ, and style it with a photograph of a material.

# %% tags=["solution"]
reverie(
    f"mesh style '{out('06/ball.obj')}' '{EXAMPLES / 'brush.jpg'}' --steps {steps} --size {view} --texture-size {size(512, 128)} "
    f"--overwrite -o '{out('06/styled.glb')}'"
)
reverie(
    f"mesh dream '{out('06/ball.obj')}' --what shape --class koala --steps {steps} --size {view} --overwrite -o '{out('06/shape.glb')}'"
)
show(out("06/styled-views.jpg"), out("06/shape-views.jpg"), height=200)

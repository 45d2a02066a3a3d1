"""All tools by name: a plain dict of import paths, so that listing them loads none."""

from __future__ import annotations

from reverie.errors import JobError, unknown_name
from reverie.jobs.film import film
from reverie.jobs.sheet import sheet
from reverie.jobs.tool import AnyTool, load

# name → (import path of the tool, what it does, for the list of commands)
TOOLS: dict[str, tuple[str, str]] = {
    "dream": ("reverie.tools.dream.tool:DREAM", "Dream pictures and films: amplify what a network sees in them."),
    "style": ("reverie.tools.style.tool:STYLE", "Stylize pictures and films: their content, the look of others."),
    "compare": ("reverie.tools.compare.tool:COMPARE", "Measure style and content of stylized pictures."),
    "visualize": (
        "reverie.tools.visualize.tool:VISUALIZE",
        "Draw what a network has learned: classes, channels, neurons, layers.",
    ),
    "atlas": ("reverie.tools.atlas.tool:ATLAS", "Draw every layer of a network, with a page to browse."),
    "translate": (
        "reverie.tools.translate.tool:TRANSLATE",
        "Translate pictures and films by a network that learned how.",
    ),
    "gather images": ("reverie.tools.gather.images:IMAGES", "Gather pictures of classes, with their licences."),
    "gather artists": ("reverie.tools.gather.artists:ARTISTS", "Gather paintings, a class for each artist."),
    "gather frames": (
        "reverie.tools.gather_frames.tool:FRAMES",
        "Take pictures out of a film: scenes, sharp frames, no duplicates.",
    ),
    "gather map": ("reverie.tools.gather_map.tool:MAP", "Make pictures of places on earth, from map tiles."),
    "gather public": (
        "reverie.tools.gather.public:PUBLIC",
        "Fetch a public collection: cifar100, pets, coco-minitrain, wikiart, painter-by-numbers.",
    ),
    "gather veto": (
        "reverie.tools.gather.veto:VETO",
        "Leave out what a person crossed out on the review page.",
    ),
    "mesh style": ("reverie.tools.mesh_style.tool:MESH_STYLE", "Give a mesh a texture in the style of pictures."),
    "mesh dream": ("reverie.tools.mesh_dream.tool:MESH_DREAM", "Dream on a mesh: its texture, its shape, or both."),
    "mesh fit": ("reverie.tools.mesh_fit.tool:MESH_FIT", "Bring a mesh to the shape, and the colors, of pictures."),
    "train classifier": (
        "reverie.train.classifier_tool:TRAIN_CLASSIFIER",
        "Train a classifier on a folder of pictures.",
    ),
    "train adaptive": (
        "reverie.train.adaptive_tool:TRAIN_ADAPTIVE",
        "Train the network that stylizes by any picture.",
    ),
    "train distill": (
        "reverie.train.distill_tool:TRAIN_DISTILL",
        "Teach a small network one style, to stylize in one pass.",
    ),
    "train evaluate": (
        "reverie.train.evaluate_tool:TRAIN_EVALUATE",
        "Measure a trained classifier or translator on pictures.",
    ),
    "classify": ("reverie.tools.classify.tool:CLASSIFY", "Name what a network sees in pictures."),
    "export": ("reverie.tools.fast.export_tool:EXPORT", "Write a network that stylizes or translates as ONNX."),
    "train translate": (
        "reverie.train.translate.tool:TRAIN_TRANSLATE",
        "Teach a network a filter, or pairs of pictures.",
    ),
    "translator evaluate": (
        "reverie.train.translate.evaluate_tool:TRANSLATOR_EVALUATE",
        "Measure a translator on unseen pictures and sizes.",
    ),
    "translator export": (
        "reverie.tools.translate.export_tool:TRANSLATOR_EXPORT",
        "Write a translator as ONNX and torch.export, compared with ours, on demand in int8.",
    ),
    "latent open": (
        "reverie.tools.latent.open_tool:LATENT_OPEN",
        "Say what a foreign generator file is, and keep it as a file of ours.",
    ),
    "train stylegan2": (
        "reverie.train.stylegan2.tool:TRAIN_STYLEGAN2",
        "Teach a StyleGAN2 to draw pictures like yours.",
    ),
    "latent sample": ("reverie.tools.latent.sample:LATENT_SAMPLE", "Draw pictures of seeds, onto a sheet."),
    "latent mix": ("reverie.tools.latent.sample:LATENT_MIX", "Cross the styles of seeds on a sheet."),
    "latent journey": (
        "reverie.tools.latent_films.journey_tool:LATENT_JOURNEY",
        "Film a journey between keys in latent space.",
    ),
    "latent project": (
        "reverie.tools.latent_search.project:LATENT_PROJECT",
        "Find photographs in latent space.",
    ),
    "latent directions": (
        "reverie.tools.latent_search.edit:LATENT_DIRECTIONS",
        "Find directions of a latent space: PCA or SeFa.",
    ),
    "latent dream": (
        "reverie.tools.latent_search.dream:LATENT_DREAM",
        "Move through latent space until a network sees a class, or a layer is excited.",
    ),
    "latent explore": (
        "reverie.tools.latent_live.explore:LATENT_EXPLORE",
        "Make a page to wander through latent space on, and to click journeys together.",
    ),
    "latent blend": (
        "reverie.tools.latent.blend:LATENT_BLEND",
        "Make one generator of two: the arrangement of one, the surface of the other.",
    ),
    "latent conform": (
        "reverie.tools.latent_timeline.conform:LATENT_CONFORM",
        "Make an edit of rough films again, of their latents.",
    ),
    "latent edit": (
        "reverie.tools.latent_search.edit:LATENT_EDIT",
        "Change a picture along directions of its latent space.",
    ),
    "latent timeline": (
        "reverie.tools.latent_timeline.timeline:LATENT_TIMELINE",
        "Edit a journey like film: insert, trim, ripple, beats.",
    ),
    "latent live": (
        "reverie.tools.latent_live.tool:LATENT_LIVE",
        "Steer latent space while it is shown: mouse, keys, sensors.",
    ),
    "latent render": (
        "reverie.tools.latent_live.tool:LATENT_RENDER",
        "Make a film of a recorded live session, whole.",
    ),
    "dream live": (
        "reverie.tools.dream_live.tool:DREAM_LIVE",
        "Dream what a camera or film shows, while it is shown.",
    ),
    "dream render": ("reverie.tools.dream_live.tool:DREAM_RENDER", "Make a film of a recorded dream session, finer."),
    "print": ("reverie.tools.printing.tool:PRINT", "Make a page for the printer: size, dpi, bleed, crop marks."),
    "react": ("reverie.tools.react.tool:REACT", "Rehearse reactions on a film: what would fire, and when."),
    "sound keys": (
        "reverie.tools.sound.keys:SOUND_KEYS",
        "Write what a song does as keyframes, for dreams and stylized films.",
    ),
    "sound film": (
        "reverie.tools.sound.film:SOUND_FILM",
        "Give a film a sound made of its own motion and colors, or a song.",
    ),
    "latent walk": ("reverie.tools.latent_films.walk:LATENT_WALK", "Film a walk through latent space."),
    "mesh show": (
        "reverie.tools.mesh_show.tool:MESH_SHOW",
        "Show a mesh from all sides: a film, stills, and a page with a 3D viewer.",
    ),
    "embed map": (
        "reverie.tools.embed.tool:MAP",
        "Lay out a collection of pictures as a map, by what a network sees in them.",
    ),
    "embed place": (
        "reverie.tools.embed_place.place_tool:PLACE",
        "Place new pictures on a map, with their nearest neighbors.",
    ),
    "embed layers": (
        "reverie.tools.embed_layers.tool:LAYERS",
        "Compare how well the layers of a network separate classes.",
    ),
    "embed atlas": (
        "reverie.tools.embed_atlas.tool:ATLAS",
        "Draw what a layer sees in a collection, sorted by likeness: an activation atlas.",
    ),
    "embed pick": (
        "reverie.tools.embed_place.pick_tool:PICK",
        "Copy the pictures of a list, such as a selection on the page, into a folder.",
    ),
}

# name → import path of tools that have no command of their own: the films and sheets of others
HIDDEN: dict[str, str] = {
    "dream-video": "reverie.tools.dream_film.tools:DREAM_VIDEO",
    "dream-loop": "reverie.tools.dream_film.tools:DREAM_LOOP",
    "style-film": "reverie.tools.style_film.tool:STYLE_FILM",
    "visualize --sheet": "reverie.tools.visualize.tool:SHEET_OF_PICTURES",
    "atlas --sheet": "reverie.tools.atlas.tool:PART_OF_ATLAS",
}

COMMANDS: dict[str, str] = {  # name of such a tool → the command that uses it
    "dream-video": "dream", "dream-loop": "dream", "style-film": "style", "dream live": "dream-live",
    "dream render": "dream-render", "visualize --sheet": "visualize", "atlas --sheet": "atlas",
}  # fmt: skip

# an older or shorter name of a command → its name here
ALIASES: dict[str, str] = {"distill": "train distill"}

GROUPS: dict[str, str] = {  # the first word of two → what its tools have in common
    "gather": "Make data sets: from words, artists, films, places on earth, public collections.",
    "latent": "Pictures and films from the latent space of a generator.",
    "embed": "Map a collection by what a network sees: 'reverie embed FOLDER' is 'reverie embed map FOLDER'.",
    "train": "Train and evaluate networks on your own pictures.",
    "translator": "Measure and export networks of 'reverie train translate'.",
    "sound": "Sound from films, and films from sound: 'reverie sound FILM' is 'reverie sound film FILM'.",
    "mesh": "Style, dream, shape and show 3D meshes.",
}

USUAL: dict[str, str] = {"embed": "map", "sound": "film"}  # the command of a group that is meant where none is named

COMBINED = {"film": film, "sheet": sheet}


def command_of(name: str) -> str:
    """Return the command that makes what a stored name makes, in words: "dream", of a "dream-video" too."""
    outer, bracket, rest = name.partition("(")
    if bracket and outer in COMBINED:
        return command_of(rest.removesuffix(")"))
    return COMMANDS.get(name, ALIASES.get(name, name))


def find_tool(name: str) -> AnyTool:
    """Return a tool by the name that jobs store, such as "dream" or "film(translate)".

    Raises:
        JobError: there is none.
    """
    outer, bracket, rest = name.partition("(")
    if bracket and rest.endswith(")") and outer in COMBINED and "(" not in rest:
        return COMBINED[outer](find_tool(rest[:-1]))
    if name in HIDDEN:
        return load(HIDDEN[name])
    if name not in TOOLS:
        raise JobError(unknown_name("tool", name[:60], TOOLS))
    return load(TOOLS[name][0])

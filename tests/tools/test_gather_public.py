"""`reverie gather public` against small stand-ins of the real files, laid out as those are."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gather_server import Fault, Server, jpeg
from reverie.apps.cli.main import main
from reverie.data.folder import open_folder
from reverie.data.public import cifar, coco, pets
from reverie.data.public.archive import RemoteFile


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REVERIE_CONTACT", "a@example.org")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    with Server() as running:
        yield running


def tar(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, blob in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(blob)
            archive.addfile(info, io.BytesIO(blob))
    return out.getvalue()


def serve(server, monkeypatch, module, blobs: list[bytes]) -> None:
    """Put stand-ins under the real names, with their own checksums."""
    files = []
    for real, blob in zip(module.FILES, blobs, strict=True):
        files.append(RemoteFile(real.url, hashlib.md5(blob).hexdigest(), len(blob)))
        server.bodies[f"/data/{real.name}"] = blob
    monkeypatch.setattr(module, "FILES", tuple(files))


def asked(server, name: str, *words: str) -> list[str]:
    return ["gather", "public", name, *words, "--pause", "0", "-o", "out", "--endpoint", f"{name}={server.url}/data"]


def cifar_archive(rng) -> bytes:
    def records(count: int) -> bytes:
        return b"".join(bytes([0, n % 3]) + rng.integers(0, 255, 3072, dtype=np.uint8).tobytes() for n in range(count))

    root = "cifar-100-binary"
    return tar({f"{root}/train.bin": records(9), f"{root}/test.bin": records(3),
                f"{root}/fine_label_names.txt": b"apple\nbear\ncloud\n"})  # fmt: skip


def test_cifar_100(server, monkeypatch, tmp_path, capsys):
    blob = cifar_archive(np.random.default_rng(0))
    serve(server, monkeypatch, cifar, [blob])
    assert main(asked(server, "cifar100")) == 0
    assert "Krizhevsky 2009" in capsys.readouterr().err
    assert (tmp_path / "out" / "SOURCE.txt").read_text() == f"{cifar.CITATION}\n"
    data = open_folder(tmp_path / "out")
    assert data.classes == ("apple", "bear", "cloud") and (len(data.train), len(data.val)) == (9, 3)
    first = np.asarray(Image.open(tmp_path / "out" / "train" / "apple" / "00000.png"))
    rng = np.random.default_rng(0)
    assert (first == rng.integers(0, 255, 3072, dtype=np.uint8).reshape(3, 32, 32).transpose(1, 2, 0)).all()


@pytest.mark.slow
def test_a_download_that_breaks_off_goes_on_and_is_checked(server, monkeypatch, tmp_path, capsys):
    blob = cifar_archive(np.random.default_rng(0))
    serve(server, monkeypatch, cifar, [blob])
    path = f"/data/{cifar.FILES[0].name}"
    server.faults[path] = [
        Fault(body=blob, cut=1000),
        Fault(206, {"Content-Range": f"bytes 1000-{len(blob) - 1}/{len(blob)}"}, body=blob[1000:]),
    ]
    assert main(asked(server, "cifar100")) == 0
    assert server.log[-1][2]["range"] == "bytes=1000-"
    server.log.clear()
    assert main([*asked(server, "cifar100"), "--seed", "1", "--overwrite"]) == 0
    assert server.log == []  # from the cache


def test_another_file_than_expected_is_not_kept(server, monkeypatch, tmp_path, capsys):
    serve(server, monkeypatch, cifar, [b"x" * 5000])
    server.bodies[f"/data/{cifar.FILES[0].name}"] = b"y" * 5000
    assert main(asked(server, "cifar100")) == 2
    assert "md5" in capsys.readouterr().err
    assert not list((tmp_path / "home").rglob("cifar*"))


def test_the_real_checksums_are_those_that_torchvision_knows():
    from reverie.weights.vision import torchvision

    torchvision()
    from torchvision.datasets import OxfordIIITPet

    assert {file.md5 for file in pets.FILES} == {md5 for _, md5 in OxfordIIITPet._RESOURCES}


def pet_archives() -> list[bytes]:
    names = ["Abyssinian_1", "Abyssinian_2", "great_pyrenees_7", "._junk"]
    trimap = np.full((30, 40), 2, np.uint8)
    trimap[10:20, 10:30], trimap[10, 10:30] = 1, 3
    out = io.BytesIO()
    Image.fromarray(trimap).save(out, "PNG")
    lists = {
        "annotations/trainval.txt": b"Abyssinian_1 1 1 1\ngreat_pyrenees_7 2 2 1\n",
        "annotations/test.txt": b"Abyssinian_2 1 1 1\n",
    }
    return [
        tar({f"images/{n}.jpg": jpeg(i) for i, n in enumerate(names)} | {"../evil.jpg": jpeg(9)}),
        tar(lists | {f"annotations/trimaps/{n}.png": out.getvalue() for n in names}),
    ]


def test_pets_as_classes_and_as_pairs(server, monkeypatch, tmp_path):
    serve(server, monkeypatch, pets, pet_archives())
    assert main(asked(server, "pets")) == 0
    assert "CC BY-SA 4.0" in (tmp_path / "out" / "SOURCE.txt").read_text()
    data = open_folder(tmp_path / "out")
    assert data.classes == ("Abyssinian", "great_pyrenees") and (len(data.train), len(data.val)) == (2, 1)
    assert main([*asked(server, "pets", "--masks"), "--overwrite"]) == 0
    assert sorted(p.name for p in (tmp_path / "out" / "pictures").iterdir()) == [
        "Abyssinian_1.jpg",
        "Abyssinian_2.jpg",
        "great_pyrenees_7.jpg",
    ]
    mask = np.asarray(Image.open(tmp_path / "out" / "masks" / "Abyssinian_1.png").convert("L"))
    assert (mask[15, 15], mask[10, 15], mask[0, 0]) == (255, 128, 0)
    assert not list(tmp_path.rglob("evil*"))


def coco_annotations(count: int = 400, classes: int = 8) -> dict:
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, classes + 1)
    boxes = [
        {"id": i, "image_id": int(rng.integers(count)),
         "category_id": int(10 + rng.choice(classes, p=weights / weights.sum())),
         "area": float(10 ** rng.uniform(2, 5)), "bbox": [0, 0, 1, 1]}
        for i in range(count * 5)
    ]  # fmt: skip
    images = [
        {
            "id": n,
            "file_name": f"{n:012d}.jpg",
            "width": 64,
            "height": 64,
            "license": 1 + n % 2,
            "flickr_url": f"https://f/{n}",
        }
        for n in range(count)
    ]
    licences = [{"id": 1, "name": "CC BY 2.0", "url": "u1"}, {"id": 2, "name": "CC BY-SA 2.0", "url": "u2"}]
    return {"images": images, "annotations": boxes,
            "categories": [{"id": 10 + n, "name": f"c{n}"} for n in range(classes)],
            "licenses": licences, "info": {}}  # fmt: skip


def coco_archive(about: dict) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(coco.MEMBER, json.dumps(about))
    return out.getvalue()


def test_the_small_coco_keeps_the_proportions_better_than_chance(tmp_path):
    """Chi-squared of boxes over classes and sizes: at most a tenth of that of a random choice."""
    (tmp_path / "a.zip").write_bytes(coco_archive(coco_annotations()))
    about = coco.read_annotations(tmp_path / "a.zip")
    chosen, chance, score = coco.choose(about.boxes, about.bins, 60, seed=0)
    assert len(chosen) == len(set(chosen)) == 60 and score < 0.1 * chance
    assert coco.choose(about.boxes, about.bins, 60, seed=0)[0] == chosen
    whole = np.bincount(np.concatenate(list(about.boxes.values())), minlength=about.bins)
    part = np.bincount(np.concatenate([about.boxes[n] for n in chosen]), minlength=about.bins)
    target = whole * 60 / len(about.boxes)
    assert score == pytest.approx((((part - target) ** 2) / np.maximum(target, 1)).mean(), rel=1e-6)
    assert len(coco.choose(about.boxes, about.bins, 10_000, seed=0)[0]) == len(about.boxes)


def test_coco_minitrain(server, monkeypatch, tmp_path, capsys):
    serve(server, monkeypatch, coco, [coco_archive(coco_annotations(40))])
    for n in range(40):
        server.bodies[f"/data/train2017/{n:012d}.jpg"] = jpeg(n)
    assert main(asked(server, "coco-minitrain", "--count", "12")) == 0
    found = sorted(p.name for p in (tmp_path / "out" / "pictures").iterdir())
    kept = json.loads((tmp_path / "out" / "instances.json").read_text())
    assert len(found) == 12 and sorted(entry["file_name"] for entry in kept["images"]) == found
    assert {box["image_id"] for box in kept["annotations"]} == {entry["id"] for entry in kept["images"]}
    assert (tmp_path / "out" / "ATTRIBUTION.csv").read_text().count("CC BY") == 12
    assert "chi-squared" in capsys.readouterr().err


def test_offline_and_mistakes_are_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("reverie.data.public.archive.ATTEMPTS", 1)
    with Server() as server:
        pass
    assert main(asked(server, "cifar100")) == 1
    assert "no connection" in capsys.readouterr().err
    assert main(asked(server, "cifar10")) == 2
    assert main(asked(server, "cifar100", "--masks")) == 2


# -- paintings through packages of their own: stand-ins with the interfaces that those document ----------------------


def hub_of(rows: list[dict]) -> ModuleType:
    """A stand-in for `datasets`: features, cast_column, streaming rows."""
    hub = ModuleType("datasets")

    class Rows(list):
        features = {"artist": SimpleNamespace(names=["claude-monet", "paul-klee"])}  # noqa: RUF012

        def cast_column(self, name, feature):
            assert name == "image" and feature == {"decode": False}
            return self

    def load_dataset(name, split, streaming):
        assert (name, split, streaming) == ("huggan/wikiart", "train", True)
        return Rows(rows)

    hub.Image = lambda decode: {"decode": decode}
    hub.load_dataset = load_dataset
    return hub


def test_wikiart_by_painter_with_what_is_damaged_left_out(server, monkeypatch, tmp_path, capsys):
    rows = [{"artist": n % 2, "image": {"bytes": jpeg(n) if n != 3 else jpeg(n)[:900]}} for n in range(12)]
    monkeypatch.setitem(sys.modules, "datasets", hub_of(rows))
    assert main(asked(server, "wikiart", "--painters", "Paul Klee", "--each", "4")) == 0
    made = sorted(path.name for path in (tmp_path / "out" / "paul-klee").iterdir())
    assert made == ["000002.jpg", "000006.jpg", "000008.jpg"]
    table = (tmp_path / "out" / "ATTRIBUTION.csv").read_text()
    assert hashlib.sha256(jpeg(1)).hexdigest() in table and "non-commercial" in table
    assert "is left out" in capsys.readouterr().err
    assert main(asked(server, "wikiart", "--painters", "Nobody")) == 2


def test_painter_by_numbers_from_its_table_and_archives(server, monkeypatch, tmp_path):
    files = tmp_path / "kaggle"
    files.mkdir()
    (files / "all_data_info.csv").write_text(
        "artist,new_filename\nClaude Monet,1.jpg\nPaul Klee,2.jpg\nPaul Klee,3.jpg\n", encoding="utf-8"
    )
    for part in range(1, 10):
        with zipfile.ZipFile(files / f"train_{part}.zip", "w") as archive:
            if part <= 3:
                archive.writestr(f"train_{part}/{part}.jpg", jpeg(part))
    hub = ModuleType("kagglehub")
    hub.competition_download = lambda name, path: str(files / path)
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    assert main(asked(server, "painter-by-numbers")) == 0
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.jpg")}
    assert made == {"claude-monet/1.jpg", "paul-klee/2.jpg", "paul-klee/3.jpg"}


@pytest.mark.parametrize(("name", "module"), [("wikiart", "datasets"), ("painter-by-numbers", "kagglehub")])
def test_collections_of_paintings_say_in_one_line_what_is_missing(server, monkeypatch, capsys, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    assert main(asked(server, name)) == 2
    assert "pip install 'reverie[paintings]'" in capsys.readouterr().err
    hub = ModuleType(module)

    def offline(*_, **__):
        raise ConnectionError("no route to host")

    hub.load_dataset = hub.competition_download = offline
    monkeypatch.setitem(sys.modules, module, hub)
    assert main(asked(server, name)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "cannot be had (ConnectionError: no route to host)" in line

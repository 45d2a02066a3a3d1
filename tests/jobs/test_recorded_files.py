"""Files that a record names: by bare name in known places, and only with the content that was recorded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from reverie.errors import InputError
from reverie.jobs.files import Files, found_config, recorded_files
from reverie.jobs.given import sha256_of
from reverie.jobs.job import Input, Job
from reverie.settings import setting


@dataclass(frozen=True)
class Config:
    guide: str | None = setting(None, "Guide.", file="picture")
    init_picture: str | None = setting(None, "Start.", file="picture")
    style: tuple[str, ...] = setting((), "Styles.", file="picture")
    model: str = setting("embedded", "Network.", file="network", builtin=("embedded",))


def job(**config: object) -> Job:
    return Job("toy", Config(**config), None)  # type: ignore[arg-type]


@pytest.fixture
def private(tmp_path: Path) -> Path:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "secret.png").write_bytes(b"secret")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "made.png").write_bytes(b"made")
    return tmp_path / "private" / "secret.png"


@pytest.mark.parametrize("role", ["guide", "init_picture", "model"])
@pytest.mark.parametrize("form", ["{path}", "../private/secret.png", "secret.png", "..\\private\\secret.png"])
def test_a_file_without_a_recorded_sha256_is_not_opened(
    private: Path, monkeypatch: pytest.MonkeyPatch, role: str, form: str
) -> None:
    """Neither by its path nor by its name: a stranger's record would publish what lies here."""
    if role == "model":
        private = private.rename(private.with_name("secret.safetensors"))
    text = form.format(path=private).replace("secret.png", private.name)
    monkeypatch.chdir(private.parent)  # where it would be found by its name
    with pytest.raises(InputError, match="not its sha256, without which nothing is opened"):
        found_config(job(**{role: text}), Files(private.parents[1] / "shared" / "made.png"))


def test_several_files_of_one_setting_are_checked_alike(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(private.parent)
    with pytest.raises(InputError, match=r"'secret.png' as style"):
        found_config(job(style=(str(private),)), Files())


def test_the_recorded_content_must_be_there_before_anything_is_decoded(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Job("toy", Config(guide=str(private)), None, files={"guide": Input(str(private), "0" * 64)})
    monkeypatch.chdir(private.parent)
    with pytest.raises(InputError, match="its sha256 differs"):
        found_config(stored, Files())
    item = Input("secret.png", sha256_of(private))
    right = Job("toy", Config(guide="/nowhere/other.png"), None, files={"guide": item})
    assert found_config(right, Files()).guide == "secret.png"  # type: ignore[attr-defined]
    assert found_config(job(guide="x.png"), Files(given={"guide": private})).guide == str(private)  # type: ignore[attr-defined]


def test_names_of_networks_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert found_config(job(model="vgg16"), Files()).model == "vgg16"  # type: ignore[attr-defined]
    assert found_config(job(), Files()).model == "embedded"  # type: ignore[attr-defined]


def test_one_entry_of_a_file_is_recorded_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FILE#NAME, as saved latents are named: the file has a sha256, the entry goes with its name."""
    (tmp_path / "faces.safetensors").write_bytes(b"latents")
    config = Config(model=f"{tmp_path}/faces.safetensors#anna")
    files = recorded_files(config)
    assert files == {"model": Input("faces.safetensors", sha256_of(tmp_path / "faces.safetensors"))}
    monkeypatch.chdir(tmp_path)
    stored = Job("toy", Config(model="faces.safetensors#anna"), None, files=files)
    assert found_config(stored, Files()).model == "faces.safetensors#anna"  # type: ignore[attr-defined]
    (tmp_path / "faces.safetensors").write_bytes(b"others")
    with pytest.raises(InputError, match="its sha256 differs"):
        found_config(stored, Files())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_pipes_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match="is a pipe or a device"):
        sha256_of(tmp_path / "a.png")
    with pytest.raises(InputError, match="is a pipe or a device"):
        recorded_files(Config(guide=str(tmp_path / "a.png")))
    monkeypatch.chdir(tmp_path)
    stored = Job("toy", Config(guide="a.png"), None, files={"guide": Input("a.png", "0" * 64)})
    with pytest.raises(InputError, match="its sha256 differs"):
        found_config(stored, Files())


def test_a_search_for_a_renamed_file_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sparse files of many gigabytes are not read through to the end."""
    made = tmp_path / "made.png"
    made.write_bytes(b"made")
    with (tmp_path / "a huge one.bin").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "renamed.png").write_bytes(b"guide")
    wanted = sha256_of(tmp_path / "renamed.png")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    stored = Job("toy", Config(guide="guide.png"), None, files={"guide": Input("guide.png", wanted)})
    assert found_config(stored, Files(made)).guide == str(tmp_path / "renamed.png")  # type: ignore[attr-defined]

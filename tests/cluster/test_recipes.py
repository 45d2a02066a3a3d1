"""The recipes in cluster/: files that parse, commands that exist, tokens everywhere, nothing open to strangers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "cluster"
RECIPES = ("compose.yaml", "skypilot.yaml", "kuberay.yaml", "slurm.sh", "Dockerfile")
SKYPILOT = {  # the fields of a task
    "name", "workdir", "num_nodes", "resources", "envs", "secrets", "file_mounts", "setup", "run",
}  # fmt: skip


def read(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def test_every_node_of_the_compose_file_has_the_token_and_only_the_studio_is_published() -> None:
    services: dict[str, Any] = yaml.safe_load(read("compose.yaml"))["services"]
    assert set(services) == {"head", "worker", "studio", "store"}
    for name in ("head", "worker", "studio"):
        assert services[name]["environment"]["RAY_AUTH_MODE"] == "token"
        assert "?" in services[name]["environment"]["RAY_AUTH_TOKEN"]  # compose refuses to start without one
        assert services[name]["volumes"] == ["shared:/shared"]
    assert [name for name, service in services.items() if "ports" in service] == ["studio"]
    assert "--include-dashboard=false" in services["head"]["command"]


def test_the_task_of_skypilot_has_known_fields_and_a_token_of_its_own() -> None:
    task = yaml.safe_load(read("skypilot.yaml"))
    assert set(task) <= SKYPILOT
    assert task["resources"]["use_spot"] is True
    assert task["envs"]["RAY_AUTH_MODE"] == "token"
    assert task["secrets"] == {"RAY_AUTH_TOKEN": None}
    assert all(mount["mode"] in ("MOUNT", "COPY", "MOUNT_CACHED") for mount in task["file_mounts"].values())
    _shell(task["run"])
    _shell(task["setup"])


def test_the_manifests_of_kuberay_fit_together() -> None:
    found = {item["kind"]: item for item in yaml.safe_load_all(read("kuberay.yaml"))}
    cluster, studio = found["RayCluster"]["spec"], found["Deployment"]["spec"]["template"]["spec"]
    assert found["RayCluster"]["apiVersion"] == "ray.io/v1"
    assert cluster["authOptions"] == {"mode": "token"}
    assert tuple(map(int, cluster["rayVersion"].split("."))) >= (2, 52, 0)  # the first that knows tokens
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert cluster["headGroupSpec"]["serviceType"] == "ClusterIP"
    for group in groups:
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    for spec in (*(group["template"]["spec"] for group in groups), studio):
        claims = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in spec["volumes"]}
        assert claims == {"shared": found["PersistentVolumeClaim"]["metadata"]["name"]}
        for container in spec["containers"]:
            assert container["volumeMounts"] == [{"name": "shared", "mountPath": "/shared"}]
    secret = next(e for e in studio["containers"][0]["env"] if e["name"] == "RAY_AUTH_TOKEN")["valueFrom"]
    assert secret["secretKeyRef"]["name"] == found["RayCluster"]["metadata"]["name"]


def test_the_slurm_script_is_one() -> None:
    text = read("slurm.sh")
    assert text.startswith("#!/bin/bash\n")
    assert "RAY_AUTH_MODE=token" in text and "--include-dashboard=false" in text
    _shell(text)


@pytest.mark.parametrize("name", RECIPES)
def test_options_of_reverie_in_the_recipes_exist(name: str) -> None:
    from reverie.apps.cli.common_options import COMMON

    known = {word for _, _, _, names, _ in COMMON for word in names} | {"--host", "--home", "--help"}
    calls = re.findall(r"^(?!#).*?\breverie (?:studio|\$TOOL|\"\$@\"|dream)([^\n]*)", read(name), re.MULTILINE)
    for options in calls:
        assert set(re.findall(r"(?<!\S)--?[a-z-]+", options)) <= known, options


def _shell(text: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here to check a script with")
    done = subprocess.run([bash, "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

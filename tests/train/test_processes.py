"""Two processes train one network and write it once.

On a machine without GPUs accelerate's own launcher starts one process; torch's starts several, for accelerate to find.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import reverie
from reverie.train.processes import Processes
from reverie.weights.checkpoint import load_model

PROGRAM = """
import os
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from reverie.train.classifier import ClassifierConfig
from trained import train_classifier
config = ClassifierConfig(
    architecture="vgg", input_px=32, batch=16, epochs={epochs}, minutes={minutes}, ema=0.9, precision="fp32",
    device="cpu", robust={robust}, patience=4,
)
done = list(train_classifier(Path(sys.argv[1]), Path(sys.argv[2]), config))[-1]
Path(sys.argv[2] + os.environ["RANK"]).write_text(f"{{done.step}} {{done.epoch}} {{done.output is not None}}")
"""


def test_one_process_needs_nothing():
    processes = Processes("cpu")
    net = torch.nn.Linear(1, 1)
    assert processes.is_main and processes.is_local_main and processes.shard == (0, 1)
    assert processes.wrap(net) is net
    assert processes.mean(torch.tensor(2.0)) == 2
    assert processes.from_main({"a": 1}) == {"a": 1}
    with processes.local_main_first():
        processes.wait()
    processes.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("epochs", "minutes", "robust"),
    [(6.0, None, 0.0), (1.0, None, 0.3), (1.0, 0.05, 0.0)],
    ids=["epochs", "robust", "minutes"],
)
def test_two_processes_train_one_network(textures, tmp_path, epochs, minutes, robust):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(epochs=epochs, minutes=minutes, robust=robust))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(reverie.__file__).parent.parent)}
    result = subprocess.run(
        [*launch, str(script), str(textures), str(tmp_path / "run"), str(Path(__file__).parent)],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    first, second = (Path(f"{tmp_path / 'run'}{rank}").read_text().split() for rank in (0, 1))
    assert (first[2], second[2]) == ("True", "False")  # one of them wrote the file
    assert first[:2] == second[:2]  # both stopped at the same step
    state, about = load_model(tmp_path / "run" / "model.safetensors")
    assert about.data["train"] == 108
    assert all(value.isfinite().all() for value in state.values())
    assert not list((tmp_path / "run").glob("pack-*"))
    if epochs > 1:
        assert about.metrics["top1"] >= 0.9

"""Two processes teach one translator: the same weights in both, written once, and as good as those of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import reverie
from reverie.errors import InputError
from reverie.train.processes import Processes
from reverie.weights.checkpoint import load_model

PROGRAM = """
import os, sys, torch
from pathlib import Path
from reverie.train.run_folder import RunFolder
from reverie.train.translate.config import TranslateConfig
from reverie.train.translate.task import open_task
from reverie.train.translate.training import TranslatorTraining
from trained import written
data, folder = sys.argv[1:]
config = TranslateConfig(
    data=data, targets=data, architecture="pix2pix", width=4, depth=2, steps=6, batch=2, crop_px=24, device="cpu",
    validate_every=3, held_out=0.3, keep="psnr", dropout=0.2, diff_augment=True,
)
training = TranslatorTraining(open_task(config), RunFolder(Path(folder)))
steps = list(written(training, Path(folder).with_suffix(".safetensors")))
torch.save(
    {"net": training.loop.net.state_dict(), "beside": training.adversary.net.state_dict(),
     "history": training.validation.history, "wrote": steps[-1].output is not None},
    f"{folder}-{os.environ['RANK']}.pt",
)
"""


def test_a_batch_is_shared_evenly_or_refused():
    processes = Processes.alone()
    assert processes.share(3) == 3
    assert processes.parts == ()
    processes.world = 2
    assert processes.share(4) == 2
    assert processes.parts == (0,)
    with pytest.raises(InputError, match="--batch 3 cannot be shared by 2 processes; take a multiple of that"):
        processes.share(3)


@pytest.mark.slow
def test_two_processes_teach_one_translator(tmp_path: Path):
    import torch

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    draw = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(draw.integers(0, 255, (40, 40, 3), np.uint8)).save(pictures / f"{number}.png")
    (tmp_path / "program.py").write_text(PROGRAM)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    roots = (Path(reverie.__file__).parent.parent, Path(__file__).parent)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, roots))}
    result = subprocess.run(
        [*launch, str(tmp_path / "program.py"), str(pictures), str(tmp_path / "run")],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    one, two = (torch.load(tmp_path / f"run-{rank}.pt", weights_only=True) for rank in (0, 1))
    assert (one["wrote"], two["wrote"]) == (True, False)
    for what in ("net", "beside"):
        assert all(torch.equal(one[what][name], two[what][name]) for name in one[what])
    assert [row["psnr"] for row in one["history"]] == [row["psnr"] for row in two["history"]]
    state, about = load_model(tmp_path / "run.safetensors")
    assert all(value.isfinite().all() for value in state.values())
    assert "best_step" in about.metrics

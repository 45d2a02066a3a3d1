"""What does the studio cost, and does it lose anything?

Start of the server and of the page in a real browser; a job in the studio (server and worker, with previews for a page
that follows) against the same command, and against the same job in a loop in this process, in turn, by processor time;
twenty jobs of five clients
while worker and server are killed ten times (`kill -9`); and the memory of the server over five hundred small jobs. The
tool is `translate`, whose network is shipped.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from measure import arguments, environment, load_now, report, summary, table, target
from PIL import Image

OVERHEAD = 1.05
FLAT = 1.05
THREADS = 2  # of studio and loop alike: left to themselves, both choose by the machine's load, and records name it


class Studio:
    """A studio in a process of its own, which can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it and return the seconds until it answers."""
        command = [sys.executable, "-m", "reverie", "studio", "--port", str(self.port), "--home", str(self.home)]
        began = time.perf_counter()
        alike = environment() | {"OMP_NUM_THREADS": str(THREADS)}
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=alike)
        while self.process.poll() is None:
            try:
                httpx.get(f"{self.base}/api/status", timeout=5)
                return time.perf_counter() - began
            except httpx.TransportError:
                time.sleep(0.02)
        raise SystemExit("the studio did not start")

    def kill(self) -> None:
        """Kill the server, and nothing else."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def workers(self) -> list[int]:
        """Return the process numbers of the workers that live."""
        from reverie.jobs.queue.home import Home
        from reverie.jobs.queue.lease import Leases
        from reverie.jobs.queue.store import Queue

        return [pid for _, pid, _ in Leases(Queue(Home(self.home)).database).living()]

    def stop(self) -> None:
        """End it in order."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def picture(side: int, seed: int) -> bytes:
    """Return a smooth picture with some grain, as PNG."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    out = io.BytesIO()
    grain = rng.integers(0, 16, (side, side, 3))
    Image.fromarray(np.clip(np.asarray(small, int) + grain, 0, 255).astype(np.uint8)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def post(base: str, blob: bytes, name: str, once: str = "") -> str:
    """Send a picture and queue its job; asks again until it is answered."""
    job = {"tool": "translate", "input": {"name": name, "sha256": hashlib.sha256(blob).hexdigest()}}
    while True:
        try:
            answer = httpx.post(f"{base}/api/files?name={name}", content=blob, timeout=30)
            if answer.status_code != 429:
                answer.raise_for_status()
                answer = httpx.post(f"{base}/api/jobs?once={once}", json=job, timeout=30)
            if answer.status_code == 429:
                time.sleep(0.5)
                continue
            answer.raise_for_status()
            return answer.json()["id"]
        except httpx.TransportError:
            time.sleep(0.1)


def ended(base: str, key: str) -> dict[str, Any]:
    """Wait for a job to end and return it; outlives restarts. Asks seldom, since each answer costs the server."""
    while True:
        try:
            found = httpx.get(f"{base}/api/jobs/{key}", timeout=30).json()
            if found["state"] not in ("queued", "running", "paused"):
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.25)


def followed(base: str, key: str) -> None:
    """Follow a job to its end, as a page does."""
    with httpx.stream("GET", f"{base}/api/events?job={key}", timeout=None) as stream:
        for _ in stream.iter_lines():
            pass


def page_usable(base: str, rounds: int) -> list[float]:
    """Return the seconds until the page can be used, in a fresh browser profile each time; none without a browser."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if chromium is None:
        return []
    times: list[float] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(rounds):
            context = browser.new_context()
            page = context.new_page()
            began = time.perf_counter()
            page.goto(base)
            page.wait_for_selector("body[data-ready]", state="attached")
            times.append(time.perf_counter() - began)
            context.close()
        browser.close()
    return times


class Loop:
    """The same jobs in a loop in this process, as the command line does them, prepared once."""

    def __init__(self, folder: Path) -> None:
        import torch

        from reverie.jobs.session import Session
        from reverie.tools.registry import find_tool

        torch.set_num_threads(THREADS)
        self.folder, self.tool, self.session = folder, find_tool("translate"), Session()

    def make(self, blob: bytes, name: str) -> bytes:
        """Return the bytes of the result."""
        from reverie.jobs.execute import execute
        from reverie.jobs.given import Given
        from reverie.jobs.run import open_run
        from reverie.jobs.watch import Nobody

        (self.folder / name).write_bytes(blob)
        out = self.folder / f"{Path(name).stem}-translated.png"
        run = open_run(self.tool, self.tool.config(), Given(self.folder / name), self.session)
        execute(run, out, Nobody())
        run.close()
        return out.read_bytes()


def overhead(studio: Studio, loop: Loop, side: int, rounds: int) -> dict[str, Any]:
    """Return the seconds of the same job by a command, in a loop here, and in the studio with a page that follows."""
    follow = threading.Thread(target=_followed, args=(studio.base,), daemon=True)
    follow.start()
    assert studio.process is not None
    processes = [psutil.Process(pid) for pid in (studio.process.pid, *studio.workers())]
    here: list[float] = []
    there: list[float] = []
    cpu: list[list[float]] = []
    command: list[float] = []
    for number in range(-1, rounds):
        blob, name = picture(side, 1000 + number), f"big{number + 1}.png"
        before = time.process_time()
        began = time.perf_counter()
        loop.make(blob, name)
        middle = time.perf_counter()
        own, theirs = time.process_time() - before, cpu_of(processes)
        followed(studio.base, post(studio.base, blob, name))
        end = time.perf_counter()
        studio_cpu = cpu_of(processes) - theirs
        if number >= 0:
            command.append(by_command(loop.folder / name))
            here.append(middle - began)
            there.append(end - middle)
            cpu.append([own, studio_cpu])
    loop_cpu, all_cpu = (list(column) for column in zip(*cpu, strict=True))
    return {
        "loop_s": summary(here), "studio_s": summary(there), "loop_cpu_s": summary(loop_cpu),
        "studio_cpu_s": summary(all_cpu), "command_cpu_s": summary(command),
        "wall_ratio": round(sum(there) / sum(here), 4), "cpu_ratio": round(sum(all_cpu) / sum(loop_cpu), 4),
        "command_ratio": round(sum(all_cpu) / sum(command), 4),
    }  # fmt: skip


def by_command(picture: Path) -> float:
    """Return the processor seconds of `reverie translate` on a picture."""
    before = os.times()
    made = [
        sys.executable,
        "-m",
        "reverie",
        "translate",
        "sobel",
        str(picture),
        "-o",
        str(picture.with_suffix(".cli.png")),
    ]
    subprocess.run(made, env=environment(), check=True, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def cpu_of(processes: list[psutil.Process]) -> float:
    """Return the processor time that processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _followed(base: str) -> None:
    with contextlib.suppress(httpx.TransportError), httpx.stream("GET", f"{base}/api/events", timeout=None) as stream:
        for _ in stream.iter_lines():
            pass  # until the server is killed


def killed(studio: Studio, loop: Loop, jobs: int, clients: int, kills: int, side: int) -> dict[str, Any]:
    """Let clients queue jobs while worker and server are killed at random moments; compare all results."""
    rng, made = random.Random(0), dict[str, str]()
    blobs = {f"pic{number}.png": picture(side, number) for number in range(jobs)}
    names = list(blobs)

    def client(own: list[str]) -> None:
        for name in own:
            made[name] = post(studio.base, blobs[name], name, once=name)
            time.sleep(0.3)

    threads = [threading.Thread(target=client, args=(names[n::clients],)) for n in range(clients)]
    for thread in threads:
        thread.start()
    hits: list[str] = []
    began = time.perf_counter()
    while len(hits) < kills:
        time.sleep(rng.uniform(0.5, 9.0))
        workers = studio.workers()
        if rng.random() < 0.4 or not workers:
            studio.kill()
            time.sleep(rng.uniform(0.0, 2.0))
            studio.start()
            hits.append("server")
        else:
            os.kill(rng.choice(workers), signal.SIGKILL)
            hits.append("worker")
    for thread in threads:
        thread.join()
    found = {name: ended(studio.base, key) for name, key in made.items()}
    seconds = time.perf_counter() - began
    listed = httpx.get(f"{studio.base}/api/jobs?limit=200").json()
    mine = [job for job in listed if job["title"].startswith("pic")]
    same = 0
    for name, job in found.items():
        for result in job["results"]:
            same += httpx.get(f"{studio.base}/api/results/{result['id']}").content == loop.make(blobs[name], name)
    return {
        "kills": hits, "seconds": round(seconds, 1), "jobs": jobs,
        "done": sum(job["state"] == "done" for job in found.values()),
        "in_the_list": len(mine), "results": sum(len(job["results"]) for job in mine), "same_bytes": same,
        "most_attempts": max(job["attempts"] for job in found.values()),
    }  # fmt: skip


def memory(studio: Studio, jobs: int) -> dict[str, Any]:
    """Return the resident memory of the server after a tenth of many small jobs and after all of them."""
    assert studio.process is not None
    server = psutil.Process(studio.process.pid)
    blob = picture(48, 5)
    marks: dict[int, float] = {}
    for number in range(1, jobs + 1):
        key = post(studio.base, blob, f"small{number % 7}.png")
        if number % 10 == 0:
            httpx.get(f"{studio.base}/api/gallery")
            ended(studio.base, key)
        if number in (jobs // 10, jobs // 2, jobs):
            ended(studio.base, key)
            marks[number] = round(server.memory_info().rss / 2**20, 1)
    return {"rss_mib": marks, "ratio": marks[jobs] / marks[jobs // 10]}


def main() -> None:
    """Measure and report."""
    parser = arguments(__doc__, side=1600, rounds=6, jobs=20, clients=5, kills=10, small=500)
    asked = parser.parse_args()
    load = load_now()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        loop = Loop(place)
        studio = Studio(place / "home")
        starts = [studio.start()]
        for _ in range(2):
            studio.stop()
            starts.append(studio.start())
        pages = page_usable(studio.base, 5)
        cost = overhead(studio, loop, asked.side, asked.rounds)
        grown = memory(studio, asked.small)
        survived = killed(studio, loop, asked.jobs, asked.clients, asked.kills, 640)
        studio.stop()
    whole = survived["done"] == survived["in_the_list"] == survived["results"] == survived["same_bytes"] == asked.jobs
    results = {"start_s": summary(starts), "page_s": summary(pages) if pages else None, "overhead": cost,
               "memory": grown, "killed": survived}  # fmt: skip
    table(("what", "median", "spread"), [
        ("server start, s", results["start_s"]["median"], results["start_s"]["spread"]),
        *([("page usable, s", results["page_s"]["median"], results["page_s"]["spread"])] if pages else []),
        ("job by the command, CPU s", cost["command_cpu_s"]["median"], cost["command_cpu_s"]["spread"]),
        ("job in a loop, CPU s", cost["loop_cpu_s"]["median"], cost["loop_cpu_s"]["spread"]),
        ("job in the studio, CPU s", cost["studio_cpu_s"]["median"], cost["studio_cpu_s"]["spread"]),
        ("job in a loop, wall s", cost["loop_s"]["median"], cost["loop_s"]["spread"]),
        ("job in the studio, wall s", cost["studio_s"]["median"], cost["studio_s"]["spread"]),
    ])  # fmt: skip
    targets = [
        target("server start, s", "< 5", results["start_s"]["median"], results["start_s"]["median"] < 5),
        target(
            "a job in the studio over the command",
            f"<= {OVERHEAD}",
            cost["command_ratio"],
            cost["command_ratio"] <= OVERHEAD,
        ),
        target(
            "a job in the studio over one in a loop", f"<= {OVERHEAD}", cost["cpu_ratio"], cost["cpu_ratio"] <= OVERHEAD
        ),
        target("memory of the server, last over first tenth", f"<= {FLAT}", grown["ratio"], grown["ratio"] <= FLAT),
        target("jobs done once with the loop's bytes, after kill -9", str(asked.jobs), survived["same_bytes"], whole),
    ]
    if pages:
        middle = results["page_s"]["median"]
        targets.insert(1, target("page usable, s", "< 2", middle, middle < 2))
    settings = {name: value for name, value in vars(asked).items() if name != "output"}
    report(__doc__ or "", settings, results, targets, asked.output, load)


if __name__ == "__main__":
    main()

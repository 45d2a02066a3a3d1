"""The page in a real browser: upload, preview, result, replay; a closed tab, a killed server, two people, a phone.

Needs Debian's `chromium` and `playwright` from PyPI (`apt-get install chromium`, `pip install playwright`).
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from studio_case import ended, free_port, png, started, studio_server

pytest.importorskip("uvicorn", reason="the extra `studio` is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # playwright's own pipes
]
WAIT_MS = 40_000


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with sync_api.sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with studio_server(tmp_path_factory.mktemp("studio")) as address:
        yield address


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "fox.png").write_bytes(png(96, 128))
    return tmp_path / "fox.png"


def opened(browser, base: str, **options):
    """Open the page in a profile of its own; requests to elsewhere and errors of scripts are collected."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.outside, page.errors = [], []
    page.on("request", lambda request: page.outside.append(request.url) if not request.url.startswith(
        (base, "data:", "blob:")) else None)  # fmt: skip
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: page.errors.append(line.text) if "Content Security" in line.text else None)
    page.goto(base)
    page.wait_for_selector("body[data-ready]")
    return page


def begin(page, photo: Path, *, steps: int = 40, pause_s: float = 0.1) -> str:
    """Start a job from the page as a person would; return its id."""
    page.set_input_files("#picker", photo)
    page.wait_for_selector("#inputs .thumb img")
    page.fill("[data-field=steps] input[type=number]", str(steps))
    if not page.is_visible("[data-field=pause_s] input"):
        page.click("#more summary")
    page.fill("[data-field=pause_s] input", str(pause_s))
    with page.expect_response(lambda answer: answer.url.endswith("/api/jobs?format=png")) as posted:
        page.click("#start")
    return posted.value.json()["id"]


def test_upload_preview_result_replay_and_nothing_goes_outside(browser, base: str, photo: Path) -> None:
    page = opened(browser, base)
    begin(page, photo, steps=30)
    page.wait_for_selector("#canvas img.preview")
    page.wait_for_selector("#now-eta:has-text('left')")
    page.click("text=Look closely")
    page.wait_for_selector("#viewer .compare .before")
    slider = page.locator("#viewer .compare input")
    slider.press("ArrowLeft")
    assert page.eval_on_selector(".compare", "box => box.style.getPropertyValue('--x')") == "49%"
    page.click("#viewer button:has-text('Favorite')")
    page.wait_for_selector("#viewer button[aria-pressed=true]")
    page.click("#viewer button:has-text('Replay')")
    page.wait_for_selector("#now-text:has-text('the bytes are the same')")
    page.click("[data-view=gallery]")
    page.check("#only-favourites")
    sync_api.expect(page.locator("#grid .tile")).to_have_count(1, timeout=60_000)
    page.fill("#words", "no such words")
    page.wait_for_selector("#grid:has-text('Nothing here yet')")
    assert page.outside == []
    assert page.errors == []


def test_a_closed_tab_loses_nothing(browser, base: str, photo: Path) -> None:
    page = opened(browser, base)
    context = page.context
    job = begin(page, photo, steps=40)
    page.wait_for_selector("#canvas img.preview")
    page.close()
    again = context.new_page()
    again.set_default_timeout(WAIT_MS)
    again.goto(base)
    again.wait_for_selector("#canvas img.preview")
    again.wait_for_selector("text=Look closely")
    assert ended(base, job)["state"] == "done"
    assert again.locator("#inputs .thumb").count() == 1  # what was chosen is still chosen


def test_pause_steer_stop_and_keep(browser, base: str, photo: Path) -> None:
    page = opened(browser, base)
    job = begin(page, photo, steps=400)
    page.click("#now-buttons button:has-text('Pause')")
    page.click("#now-buttons button:has-text('Go on')")
    page.wait_for_selector("#now-steer input")
    page.locator("#now-steer input").fill("0.9")
    page.wait_for_selector("#notice:has-text('0.9')")
    page.wait_for_timeout(600)
    page.click("#now-buttons button:has-text('Stop and keep')")
    page.wait_for_selector("text=Look closely")
    done = ended(base, job)
    assert done["state"] == "stopped"
    import httpx

    record = httpx.get(f"{base}/api/results/{done['results'][0]['id']}/job").json()
    assert record["steering"][0][1] == {"strength": 0.9}


def test_same_settings_another_picture_send_to_and_a_mask(browser, base: str, photo: Path) -> None:
    page = opened(browser, base)
    begin(page, photo, steps=7, pause_s=0)
    page.click("text=Look closely")
    page.click("text=Same settings on another picture")
    assert page.input_value("[data-field=steps] input[type=number]") == "7"
    assert page.locator("#inputs .thumb").count() == 0
    page.locator("#strip .tile").first.click()
    page.click("text=Look closely")
    page.select_option("#viewer-buttons select", label="invert: picture")
    page.wait_for_selector("#form-title:has-text('invert')")
    assert page.locator("#inputs .thumb").count() == 1
    page.click("#tools button:has-text('fade')")
    page.set_input_files("#picker", photo)
    page.click("#inputs button:has-text('Paint')")
    box = page.locator("#mask").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60, steps=5)
    page.mouse.up()
    page.click("#paint-done")
    sync_api.expect(page.locator("#inputs .thumb")).to_have_count(2, timeout=60_000)
    with page.expect_response(lambda answer: answer.url.endswith("/api/jobs?format=png")) as posted:
        page.click("#start")
    job = posted.value.json()
    assert job["record"]["files"]["mask"]["name"] == "mask.png"
    assert ended(base, job["id"])["state"] == "done"


GIVEN = """async (how) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = how === 'paste' ? 8 : 9;
    const blob = await new Promise((done) => canvas.toBlob(done));
    const data = new DataTransfer();
    data.items.add(new File([blob], how === 'paste' ? '' : 'dropped.png', { type: 'image/png' }));
    if (how === 'paste') document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }));
    else document.getElementById('canvas').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
}"""


def test_pictures_are_dropped_and_pasted_and_several_make_several_jobs(browser, base: str, tmp_path: Path) -> None:
    page = opened(browser, base)
    for how, name in (("paste", "pasted.png"), ("drop", "dropped.png")):
        page.evaluate(GIVEN, how)
        page.wait_for_selector(f"#inputs .thumb[title='{name}'] img")
    for number in range(3):
        (tmp_path / f"many{number}.png").write_bytes(png(20, 20, number))
    page.set_input_files("#picker", [tmp_path / f"many{number}.png" for number in range(3)])
    page.wait_for_selector("#start:has-text('Start 3 jobs')")
    page.click("[data-tool='invert']")
    page.set_input_files("#picker", [tmp_path / f"many{number}.png" for number in range(3)])
    page.click("#start:has-text('Start 3 jobs')")
    for number in range(3):
        page.wait_for_selector(f"#strip .tile.done[aria-label*='many{number}']")


def test_two_people_see_each_other_and_know_what_is_theirs(browser, base: str, photo: Path) -> None:
    one, two = opened(browser, base), opened(browser, base)
    job = begin(one, photo, steps=60)
    two.click("[data-view=queue]")
    two.wait_for_selector(f".job[data-job='{job}'] :text('of somebody else')")
    other = begin_second(two, photo)
    one.click("[data-view=queue]")
    one.wait_for_selector(f".job[data-job='{other}']:has-text('number 1 in the queue')")
    two.click("[data-view=queue]")
    two.locator(f".job[data-job='{job}'] button:has-text('Cancel')").click()
    assert ended(base, job)["state"] == "cancelled"
    assert ended(base, other)["state"] == "done"


def begin_second(page, photo: Path) -> str:
    page.click("[data-view=make]")
    return begin(page, photo, steps=5, pause_s=0)


def test_a_phone_has_everything_within_its_width(browser, base: str, photo: Path) -> None:
    page = opened(browser, base, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    begin(page, photo, steps=5, pause_s=0)
    page.wait_for_selector("text=Look closely")
    for view in ("make", "gallery", "queue"):
        page.click(f"[data-view={view}]")
        page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
    page.click("[data-view=make]")
    page.click("text=Look closely")
    box = page.locator("#viewer").bounding_box()
    assert box["width"] <= 390
    small = page.evaluate("""[...document.querySelectorAll('#viewer button, #viewer a')].filter(
        (one) => one.offsetParent && one.getBoundingClientRect().height < 36).length""")
    assert small == 0


def test_every_control_has_a_name_and_is_reached_by_the_keyboard(browser, base: str) -> None:
    page = opened(browser, base)
    page.click("#more summary")
    unnamed = page.evaluate("""[...document.querySelectorAll('button, input, select, a')].filter((one) =>
        one.offsetParent && !one.labels?.length && !one.getAttribute("aria-label")
        && !one.getAttribute('aria-labelledby') && !one.textContent.trim() && !one.title)
        .map((one) => one.outerHTML)""")
    assert unnamed == []
    page.keyboard.press("Escape")
    page.locator("body").press("g")
    assert page.is_visible("#gallery")
    page.locator("body").press("m")
    assert page.is_visible("#make")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("body").press("d")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_the_server_is_killed_and_started_again_while_a_job_runs(browser, tmp_path: Path, photo: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    server = started(tmp_path / "home", port)
    try:
        page = opened(browser, base)
        job = begin(page, photo, steps=60)
        page.wait_for_selector("#canvas img.preview")
        server.send_signal(signal.SIGKILL)
        server.wait()
        page.wait_for_selector("#notice:has-text('does not answer')")
        server = started(tmp_path / "home", port)
        page.wait_for_selector("#notice:has-text('is back')")
        page.wait_for_selector("text=Look closely")
        done = ended(base, job)
        assert (done["state"], done["attempts"], len(done["results"])) == ("done", 1, 1)
    finally:
        server.terminate()
        server.wait(30)

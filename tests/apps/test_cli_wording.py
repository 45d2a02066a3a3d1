"""Arguments that the parser cannot take: one line in our words, and where to read on."""

from __future__ import annotations

import pytest
from cli_case import Run

CASES = {
    ("dreem", "x.png"): "no command called 'dreem'; nearest: dream, ",
    ("models", "shw"): "no command called 'shw'; nearest: show; see 'reverie models --help'",
    ("train", "clasifier"): "no command called 'clasifier'; nearest: classifier; see 'reverie train --help'",
    ("--foo",): "no option called '--foo'; see 'reverie --help'",
    ("models", "--foo"): "no option called '--foo'; see 'reverie models --help'",
    ("train", "classifier", "d", "--epoch", "3"): "no option called '--epoch'; here it is --epochs",
    ("models", "show", "a", "b"): "'b' is one argument too many; see 'reverie models show --help'",
    ("train", "classifier", "d", "--batch", "many"): "--batch must be a whole number; got 'many'",
    ("train", "classifier", "d", "--lr", "much"): "--lr must be a number; got 'much'",
    ("train", "classifier", "d", "--lr"): "--lr needs a value; see 'reverie train classifier --help'",
    ("train", "classifier", "d", "--lr", "1", "--lr", "2"): "--lr is given more than once",
    ("train", "classifier", "d", "--resume=3"): "--resume takes no value; got '3'",
    ("train", "classifier"): "DATA is missing (--data FILE); see 'reverie train classifier --help'",
}


@pytest.mark.parametrize("arguments", CASES, ids=" ".join)
def test_the_parser_speaks_our_words(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"reverie: {CASES[arguments]}"), err
    assert err.count("\n") == 1
    assert not any(mark in err for mark in (".;", "?;", "..", "Tokens", "[", "\x1b")), err


def test_help_tells_exit_codes_and_debug(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    text = " ".join(out.split())
    for part in ("--debug", "0 done", "1 failed", "2 bad input", "130 stopped by Ctrl-C"):
        assert part in text


def test_files_with_spaces_between_them_are_named_one_by_one(run: Run, tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    code, _, err = run("replay", "x.png", "--files", str(tmp_path / "a"), str(tmp_path / "b"))
    assert code == 2
    assert f"did you mean --files {tmp_path / 'a'} --files {tmp_path / 'b'}?" in err

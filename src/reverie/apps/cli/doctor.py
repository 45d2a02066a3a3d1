"""`reverie doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import Parameter

SIGNS = {"good": " ", "missing": "-", "bad": "!"}


def doctor_command(
    *,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")] = False,
    trial: Annotated[bool, Parameter(name="--try", negative="", help="Dream a tiny picture, too.")] = False,
) -> int:
    """Look at this installation and this machine: versions, devices, threads, memory, formats, files, extras.

    The exit code is 1 if something has to be mended; what one can do without is only listed.
    """
    from reverie.apps import doctor

    findings = [*doctor.examine(), *([doctor.try_out()] if trial else [])]
    if as_json:
        print(json.dumps(doctor.as_json(findings), indent=2, ensure_ascii=False))
    else:
        for one in findings:
            advice = f"; {one.advice}" if one.advice else ""
            print(f"{SIGNS[one.state]} {one.part:9} {one.name:42} {one.what}{advice}")
        print("\n! has to be mended, - can be done without")
    return 1 if any(one.state == "bad" for one in findings) else 0

"""Edits from OpenTimelineIO, Kdenlive, MLT, FCPXML: cuts, speeds, dissolves, freezes; bombs and nonsense are named."""
# ruff: noqa: E501 - XML as programs write it

from __future__ import annotations

import json

import pytest

from reverie.errors import InputError
from reverie.tools.latent_timeline.edit_xml import parse_edit_xml
from reverie.tools.latent_timeline.edl import Edit
from reverie.tools.latent_timeline.otio import parse_otio


def rows(edit: Edit) -> list[tuple]:
    came = [None if e.before is None else (e.before[0], round(e.before[1], 3)) for e in edit.events]
    return [
        (e.clip, round(e.source, 3), e.begin, e.end, e.speed, e.dissolve, b)
        for e, b in zip(edit.events, came, strict=True)
    ]


def test_an_otio_timeline_of_the_library_itself_is_read():
    otio = pytest.importorskip("opentimelineio", reason="not installed")
    schema, time, span = otio.schema, otio.opentime.RationalTime, otio.opentime.TimeRange

    def clip(name: str, start: float, length: float, rate: float = 25, **more):
        media = schema.ExternalReference(f"file:///films/{name}", span(time(100, rate), time(500, rate)))
        return schema.Clip(name, media, span(time(100 + start, rate), time(length, rate)), **more)

    timeline = schema.Timeline("cut")
    track = schema.Track("V1", kind="Video")
    timeline.tracks.append(track)
    timeline.tracks.append(schema.Track("A1", kind="Audio"))
    track.extend(
        [
            clip("walk.mp4", 10, 50),
            schema.Transition("mix", "SMPTE_Dissolve", time(5, 25), time(5, 25)),
            clip("loop%20a.mp4", 20, 40),
            schema.Gap(source_range=span(time(0, 25), time(10, 25))),
            clip("walk.mp4", 0, 20, effects=[schema.LinearTimeWarp(time_scalar=-2.0)]),
            clip("walk.mp4", 48, 24, 50, effects=[schema.FreezeFrame()]),
        ]
    )
    edit = parse_otio(otio.adapters.write_to_string(timeline, "otio_json"), "cut.otio", 25)
    assert rows(edit) == [
        ("walk.mp4", 10, 0, 45, 1, 0, None),
        ("loop a.mp4", 15, 45, 90, 1, 10, ("walk.mp4", 55)),
        ("walk.mp4", 39, 100, 120, -2, 0, None),
        ("walk.mp4", 24, 120, 132, 0, 0, None),
    ]
    assert edit.frames == 132
    assert any("audio track" in note for note in edit.notes)
    assert any("held" in note for note in edit.notes)


KDENLIVE = """<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" version="7.22.0">
 <profile frame_rate_num="25" frame_rate_den="1" width="512" height="512"/>
 <producer id="black"><property name="mlt_service">color</property><property name="resource">black</property></producer>
 <chain id="chain0" out="00:00:07.960"><property name="resource">/home/me/walk.mp4</property></chain>
 <producer id="producer1"><property name="mlt_service">timewarp</property>
  <property name="resource">2.000000:/home/me/loop.mp4</property><property name="warp_speed">2</property></producer>
 <playlist id="main_bin"><entry producer="chain0" in="0" out="10"/></playlist>
 <playlist id="playlist0"><property name="kdenlive:audio_track">1</property><entry producer="chain0" in="0" out="9"/></playlist>
 <playlist id="playlist1"/>
 <tractor id="tractor0"><property name="kdenlive:audio_track">1</property><track hide="video" producer="playlist0"/>
  <track hide="video" producer="playlist1"/></tractor>
 <playlist id="playlist2"><entry producer="chain0" in="00:00:01.000" out="00:00:02.960">
   <filter id="f"><property name="kdenlive_id">sepia</property></filter></entry>
  <blank length="00:00:00.600"/><entry producer="chain0" in="00:00:00.000" out="00:00:00.960"/></playlist>
 <playlist id="playlist3"><blank length="00:00:01.600"/><entry producer="producer1" in="00:00:00.400" out="00:00:01.360"/></playlist>
 <tractor id="tractor1"><track hide="audio" producer="playlist2"/><track hide="audio" producer="playlist3"/>
  <transition id="t0"><property name="mlt_service">luma</property></transition></tractor>
 <tractor id="tractor2"><track producer="black"/><track producer="tractor0"/><track producer="tractor1"/></tractor>
</mlt>"""


def test_a_kdenlive_project_with_a_mix_and_a_speed():
    edit = parse_edit_xml(KDENLIVE, "cut.kdenlive", 25)
    assert rows(edit) == [
        ("walk.mp4", 25, 0, 40, 1, 0, None),
        ("loop.mp4", 20, 40, 65, 2, 10, ("walk.mp4", 65)),
        ("walk.mp4", 0, 65, 90, 1, 0, None),
    ]
    assert edit.notes == ("the effect 'sepia' of 'walk.mp4' is left out",)


FCPXML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.9"><resources><format id="r1" frameDuration="100/2500s"/>
 <asset id="r2" name="walk" src="file:///films/walk.mp4" start="3600s" duration="10s"/>
 <asset id="r3" name="loop" start="0s" duration="10s"><media-rep kind="original-media" src="file:///films/loop%20b.mp4"/></asset>
</resources><library><event><project><sequence format="r1"><spine>
 <asset-clip ref="r2" offset="0s" name="walk" start="3602s" duration="2s"/>
 <transition name="Cross Dissolve" offset="180/100s" duration="40/100s"/>
 <asset-clip ref="r3" offset="2s" name="loop" start="1s" duration="2s"><adjust-transform scale="2 2"/></asset-clip>
 <gap offset="4s" duration="1s"/>
 <asset-clip ref="r2" offset="5s" name="walk" start="0s" duration="2s">
  <timeMap><timept time="0s" value="3600s" interp="smooth2"/><timept time="2s" value="3604s" interp="smooth2"/></timeMap></asset-clip>
 <title name="The end" offset="7s" duration="1s"/>
</spine></sequence></project></event></library></fcpxml>"""


def test_an_fcpxml_with_a_dissolve_and_a_speed():
    edit = parse_edit_xml(FCPXML, "cut.fcpxml", 25)
    assert rows(edit) == [
        ("walk.mp4", 50, 0, 45, 1, 0, None),
        ("loop b.mp4", 20, 45, 100, 1, 10, ("walk.mp4", 95)),
        ("walk.mp4", 0, 125, 175, 2, 0, None),
    ]
    assert any("The end" in note for note in edit.notes)
    assert any("adjust-transform" in note for note in edit.notes)


def test_the_rate_is_that_of_the_edit_where_none_is_given():
    for text, name in ((KDENLIVE, "cut.kdenlive"), (FCPXML, "cut.fcpxml")):
        stated, given = parse_edit_xml(text, name, None), parse_edit_xml(text, name, 25)
        assert stated.fps == 25
        assert rows(stated) == rows(given)
    span = {"start_time": {"value": 0, "rate": 24}, "duration": {"value": 48, "rate": 24}}
    clip = {"OTIO_SCHEMA": "Clip.1", "source_range": span, "media_reference": {"target_url": "a.mp4"}}
    gap = {"OTIO_SCHEMA": "Gap.1", "source_range": span}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip, gap]}
    edit = parse_otio(json.dumps(track), "cut.otio", None)
    assert (edit.fps, edit.frames) == (24, 48)
    assert edit.notes == ("nothing stands from frame 48 on; the film ends there",)


def test_a_transition_that_lies_on_no_cut_is_named():
    edit = parse_edit_xml(FCPXML.replace('offset="180/100s"', 'offset="50/100s"'), "cut.fcpxml", 25)
    assert "the transition at frame 12 lies on no cut; left out" in edit.notes


RAMP = """<timept time="0s" value="3600s" interp="linear"/><timept time="1s" value="3602s" interp="linear"/>
  <timept time="2s" value="3602.5s" interp="smooth2"/>"""


def test_a_speed_that_changes_is_conformed_piece_by_piece():
    ramped = FCPXML.replace("</timeMap>", "").split("<timeMap>")
    text = (
        ramped[0]
        + "<timeMap>"
        + RAMP.replace("3602.5s", "7205/2s")
        + "</timeMap></asset-clip>"
        + ramped[1].split("</asset-clip>", 1)[1]
    )
    edit = parse_edit_xml(text, "cut.fcpxml", 25)
    assert rows(edit)[2:] == [("walk.mp4", 0, 125, 150, 2, 0, None), ("walk.mp4", 50, 150, 175, 0.5, 0, None)]
    assert any("at once instead of smoothly" in note for note in edit.notes)


@pytest.mark.parametrize("how", ["time_map", "map"])
def test_time_remapping_of_kdenlive_is_conformed(how):
    link = f'<link mlt_service="timeremap"><property name="{how}">00:00:00.000=0;50~=4;00:00:04.000=4.5</property></link></chain>'
    edit = parse_edit_xml(KDENLIVE.replace("</chain>", link), "cut.kdenlive", 25)
    assert rows(edit)[0] == ("walk.mp4", 50, 0, 25, 2, 0, None)  # from its second second on, at twice the speed,
    assert rows(edit)[1] == ("walk.mp4", 100, 25, 40, 0.25, 0, None)  # then at a quarter


def test_speeds_add_up():
    link = '<link><property name="mlt_service">timeremap</property><property name="speed_map">0=1;10=1;20=3</property></link></chain>'
    edit = parse_edit_xml(KDENLIVE.replace("</chain>", link).replace('in="00:00:01.000"', 'in="0"'), "cut.kdenlive", 25)
    starts = {event.begin: event.source for event in edit.events}
    assert [starts[frame] for frame in (0, 10, 15, 20)] == pytest.approx([0, 10, 17.5, 30])
    assert all(event.speed == pytest.approx(3) for event in edit.events if event.begin >= 20 and event.end <= 40)


BOMB = """<?xml version="1.0"?><!DOCTYPE mlt [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><mlt>&b;</mlt>"""
OUTSIDE = """<!DOCTYPE mlt [<!ENTITY x SYSTEM "file:///etc/passwd">]><mlt>&x;</mlt>"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "declares entities"),
        (OUTSIDE, "declares entities"),
        ("<mlt>", "no readable XML"),
        ("<html/>", "expected a Kdenlive"),
        ("<mlt/>", "no clips"),
        ("<fcpxml/>", "no sequence"),
        ("<fcpxml><spine><gap offset='1/0s'/></spine></fcpxml>", "is no time"),
        ("<" * 500_000, "more elements"),
    ],
)
def test_what_is_no_edit_is_named(text, words):
    with pytest.raises(InputError, match=words):
        parse_edit_xml(text, "a.xml", 25)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ("[", "no readable OTIO"),
        ("[" * 100_000, "no readable OTIO"),
        ("[]", "no OTIO timeline"),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": []}}, "no video track"),
        ({"OTIO_SCHEMA": "Track.1", "children": [{"OTIO_SCHEMA": "Clip.2", "name": "a"}]}, "has no range"),
        ({"OTIO_SCHEMA": "Track.1", "children": [{"OTIO_SCHEMA": "Clip.2", "name": "a", "source_range": {
            "start_time": {"value": 1, "rate": 0}, "duration": {"value": 1, "rate": 1}}}]}, "rate 0"),
    ],
)  # fmt: skip
def test_what_is_no_timeline_is_named(tree, words):
    with pytest.raises(InputError, match=words):
        parse_otio(tree if isinstance(tree, str) else json.dumps(tree), "a.otio", 25)

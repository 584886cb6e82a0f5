# SPDX-License-Identifier: GPL-3.0-or-later
"""The job type for Flamenco, run in a stub of the interface that its Manager gives to scripts."""

import json
from pathlib import Path
from typing import Any

import pytest

quickjs = pytest.importorskip("quickjs", reason="the job type is JavaScript, and quickjs-ng runs it")

SCRIPT = Path(__file__).resolve().parents[1] / "assets" / "flamenco" / "freetalker_render.js"

# As the Manager: a task that is added to a job is copied, so what is done to it afterward is lost; paths in the form
# of the machine at hand; chunks of at most that many frames, in Flamenco's own notation.
_MANAGER = """
const print = () => {};
const alert = print;
const formatTimestampLocal = (when) => "2030-01-02_030405";
const path = {
    join: (...parts) => parts.join("/").replace(/\\/+/g, "/"),
    dirname: (name) => name.slice(0, name.lastIndexOf("/")),
    basename: (name) => name.slice(name.lastIndexOf("/") + 1),
    stem: (name) => name.slice(name.lastIndexOf("/") + 1).replace(/\\.[^.]*$/, ""),
};
const author = {
    Task: (name, type) => {
        if (!name.trim() || !type.trim()) throw "a task needs a name and a type";
        return {
            name, type, commands: [], dependencies: [],
            addCommand(command) { this.commands.push(command); },
            addDependency(task) { this.dependencies.push(task.name); },
        };
    },
    Command: (name, parameters, steps = 0) => ({ name, parameters, steps }),
};
function ends(range) {
    const [first, last] = range.replace("..", "-").split("-").map(Number);
    return [first, last === undefined ? first : last];
}
function frameChunker(range, size) {
    if (size < 1) throw "invalid chunk size";
    const [first, last] = ends(range);
    const chunks = [];
    for (let a = first; a <= last; a += size) {
        const b = Math.min(a + size - 1, last);
        chunks.push(a === b ? `${a}` : b === a + 1 ? `${a},${b}` : `${a}-${b}`);
    }
    return chunks;
}
function frameCount(range) {
    let count = 0;
    for (const part of range.split(",")) count += ends(part)[1] - ends(part)[0] + 1;
    return count;
}
function compiled(settings) {
    const tasks = [];
    const job = { name: "talk", created: 0, settings, addTask: (task) => tasks.push(JSON.parse(JSON.stringify(task))) };
    compileJob(job);
    return JSON.stringify(tasks);
}
"""
SETTINGS = {
    "frames": "1-60",
    "chunk_size": 25,
    "timeline": "",
    "render_output_path": "/render/talk/{timestamp}",
    "batch_script": "{freetalker}/addon/batch.py",
    "blendfile": "/jobs/talk/scene.flamenco.blend",
    "fps": 24.0,
    "scene_start": 1,
    "format": "PNG",
}
FOLDER = "/render/talk/2030-01-02_030405"


def _compile(**changed: Any) -> list[dict[str, Any]]:
    """The tasks of a job. Raises quickjs.JSException with what the script says."""
    context = quickjs.Context()
    context.eval(_MANAGER)
    context.eval(SCRIPT.read_text(encoding="utf-8"))
    return json.loads(context.eval(f"compiled({json.dumps({**SETTINGS, **changed})})"))


def _only(task: dict[str, Any], command: str) -> dict[str, Any]:
    (only,) = task["commands"]
    assert only["name"] == command
    return only["parameters"]


def _after(words: list[str], word: str) -> str:
    return words[words.index(word) + 1]


def test_settings_are_of_the_documented_kinds() -> None:
    context = quickjs.Context()
    context.eval(SCRIPT.read_text(encoding="utf-8"))
    job_type = json.loads(context.eval("JSON.stringify(JOB_TYPE)"))
    assert set(job_type) == {"label", "description", "settings"}
    settings = {setting["key"]: setting for setting in job_type["settings"]}
    assert set(settings) == {*SETTINGS, "render_output_root", "add_path_components"}
    for setting in settings.values():
        assert set(setting) <= {
            "key", "type", "subtype", "description", "default", "required", "editable", "visible", "eval", "evalInfo",
            "propargs",
        }  # fmt: skip
        assert setting["type"] in {"string", "int32", "float", "bool"}
        assert setting.get("subtype", "file_path") in {"file_path", "dir_path", "hashed_file_path"}
        assert setting.get("visible", "visible") in {"visible", "hidden", "submission", "web"}
        if "eval" in setting:
            compile(setting["eval"], setting["key"], "eval")  # Blender's Python evaluates it


def test_the_motion_is_generated_once_then_frames_are_rendered_then_joined() -> None:
    generate, *renders, join = _compile()
    assert [task["name"] for task in renders] == ["render-1-25", "render-26-50", "render-51-60"]
    assert [task["type"] for task in (generate, *renders, join)] == ["blender"] * 4 + ["ffmpeg"]
    assert generate["dependencies"] == []
    assert all(task["dependencies"] == ["generate"] for task in renders)
    assert join["dependencies"] == [task["name"] for task in renders]


def test_every_task_reads_what_the_one_before_wrote() -> None:
    generate, render, *_, join = _compile()
    made = _only(generate, "blender-render")
    assert (made["exe"], made["exeArgs"], made["blendfile"]) == ("{blender}", "{blenderArgs}", "")
    own = made["args"][made["args"].index("--") + 1 :]
    assert _after(made["args"], "--python") == "{freetalker}/addon/batch.py"
    assert own[0] == "/jobs/talk/scene.flamenco.blend"
    drawn = _only(render, "blender-render")
    assert drawn["blendfile"] == _after(own, "--blend") == f"{FOLDER}/scene/scene.blend"
    assert _after(drawn["args"], "--render-frame") == "1..25"
    assert render["commands"][0]["steps"] == 25
    output = _after(drawn["args"], "--render-output")
    assert output == f"{FOLDER}/frames/######"
    film = _only(join, "frames-to-video")
    assert film["inputGlob"] == output.replace("######", "*.png")
    assert _after(film["args"], "-i") == _after(own, "--sound") == f"{FOLDER}/scene/scene.wav"
    assert (film["outputFile"], film["fps"], film["exe"]) == (f"{FOLDER}/scene.mp4", 24, "ffmpeg")
    assert float(_after(film["args"], "-t")) == 2.5
    assert "-y" in film["args"]  # ffmpeg would ask otherwise, and wait forever


def test_a_later_part_has_its_own_part_of_the_sound() -> None:
    *_, join = _compile(frames="49 - 60", scene_start=25)
    assert float(_after(_only(join, "frames-to-video")["args"], "-ss")) == pytest.approx(1.0)
    *_, join = _compile(frames="49-60", scene_start=25, timeline="/stories/talk.json")  # starts at frame 1
    assert float(_after(_only(join, "frames-to-video")["args"], "-ss")) == pytest.approx(2.0)


def test_a_timeline_takes_the_place_of_the_file() -> None:
    generate, *_ = _compile(timeline="/stories/talk.json", format="FFMPEG")
    args = _only(generate, "blender-render")["args"]
    assert args[args.index("--") + 1] == "/stories/talk.json"
    assert _after(args, "--blend") == f"{FOLDER}/scene/talk.blend"


def test_two_frames_are_a_chunk_that_blender_reads() -> None:
    *_, render, _ = _compile(frames="1-52")
    assert _after(_only(render, "blender-render")["args"], "--render-frame") == "51,52"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"frames": "1-10,20-30"}, "not one range"),
        ({"frames": "30-1"}, "not one range"),
        ({"frames": ""}, "not one range"),
        ({"format": "FFMPEG"}, "set it to images"),
        ({"fps": None}, "frame rate is missing"),
        ({"render_output_path": ""}, "no folder"),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(quickjs.JSException, match=said):
        _compile(**changed)

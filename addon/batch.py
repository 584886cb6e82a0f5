# SPDX-License-Identifier: GPL-3.0-or-later
"""From timelines to scenes, films and motion files with no window.

    blender -b --python addon/batch.py -- TIMELINE.json --blend OUT.blend --video OUT.mp4 --npz OUT.npz --bvh OUT.bvh
    blender -b --python addon/batch.py -- FOLDER --video FOLDER --npz FOLDER [--skip-existing]
    blender -b --python addon/batch.py -- SCENE.blend --blend OUT.blend --sound OUT.wav
    python -m addon.batch TIMELINE.json ...             (the same, where Blender is the bpy package)

Exit code 0, or 2 with one sentence on stderr; then no file was written or changed. Of a folder every timeline (.json,
.srt) is done by itself, its outputs bear its name, and a report says how each ended; 2 where one or more failed. Of a
.blend the strips of its scene are generated on their own characters; what else is in it stays.
"""

import argparse
import hashlib
import importlib
import json
import math
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_SOURCE_PACKAGE = "freetalker"  # what a checkout's root is called where the extension is not installed from it
_OUTPUTS = {  # option -> (ending, help)
    "blend": (".blend", "the Blender file: character, strips, stage"),
    "video": (".mp4", "the film, an .mp4 with the speech"),
    "npz": (".npz", "the motion in the SMPL-X layout"),
    "bvh": (".bvh", "the motion as BVH"),
    "fbx": (".fbx", "the character and its motion as FBX"),
    "glb": (".glb", "the character and its motion as glTF"),
    "sound": (".wav", "the speech alone, as long as the motion"),
}
_REPORT = "report.json"
_MODELS = _ROOT / "assets" / "models"


def main(argv: Sequence[str]) -> int:
    """Run with these arguments; returns the exit code."""
    from ..core.console import exit_code

    return exit_code(lambda: _run(_parse(argv)))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    from ..core.__main__ import add_generation_options
    from ..core.errors import InputError

    parser = argparse.ArgumentParser(
        prog="addon.batch",
        description="Turn a timeline into a scene, a film and motion files; or every timeline of a folder, where each "
        "output names a folder, too.",
    )
    add_generation_options(parser)
    for kind, (_, words) in _OUTPUTS.items():
        parser.add_argument(f"--{kind}", type=Path, metavar="FILE", help=words)
    parser.add_argument("--size", default="640x360", metavar="WxH", help="pixels of the film (default: %(default)s)")
    parser.add_argument(
        "--skip-existing",
        action="store_true",
        help="pass over timelines whose outputs are all newer than they and their recordings and, as the report tells, "
        "were made with the same options",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help=f"of a folder or --skip-existing (default: {_REPORT} in an output's)",
    )
    options = parser.parse_args(argv)
    width, _, height = options.size.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 16 <= int(width) <= 8192 and 16 <= int(height) <= 8192):
        raise InputError(f"--size {options.size!r} is no size: give width x height in pixels, such as 640x360.")
    options.size = (int(width) // 2 * 2, int(height) // 2 * 2)  # H.264 wants even numbers
    options.outputs = {kind: getattr(options, kind) for kind in _OUTPUTS if getattr(options, kind)}
    if not options.outputs:
        *others, last = (f"--{kind}" for kind in _OUTPUTS)
        raise InputError(f"Nothing to write: give one or more of {', '.join(others)} and {last}.")
    if options.timeline.is_dir():
        for path in options.outputs.values():
            if path.exists() and not path.is_dir():
                raise InputError(f"{path} is a file: of a folder of timelines each output is a folder, too.")
        return options
    for path in options.outputs.values():
        if path.is_dir():
            raise InputError(f"{path} is a folder: give the name of a file.")
    if len({path.resolve() for path in options.outputs.values()}) < len(options.outputs):
        raise InputError("Two outputs have the same name: give each its own.")
    return options


def _run(options: argparse.Namespace) -> int:
    if options.timeline.is_dir():
        return _run_folder(options)
    if not options.skip_existing:
        _run_one(options.timeline, options.outputs, options)
        return 0
    report = options.report or next(iter(options.outputs.values())).parent / _REPORT
    content = _read_report(report)
    if _up_to_date(options.timeline, options.outputs, options, content):
        print(f"{options.timeline.name} is up to date.")
        return 0
    _write_report(report, content)  # what cannot be written is told before the work
    _run_one(options.timeline, options.outputs, options)
    _remember(options.timeline, options.outputs, options, content)
    _write_report(report, content)
    return 0


def _run_one(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace) -> float:
    """Write the outputs of a timeline, all or none; returns the seconds of its motion."""
    from ..core.timeline import load_timeline

    if path.suffix.lower() == ".blend":
        return _run_blend(path, outputs, options)
    timeline = _with_options(load_timeline(path), options)  # before the packages that take seconds to import

    from ..core.formats.bvh import save_bvh

    with _written_together(outputs) as files:
        motion = _motion(timeline, options.steps)
        if "npz" in files:
            motion.save(files["npz"])
        if "bvh" in files:
            save_bvh(motion, files["bvh"])
        if files.keys() - {"npz", "bvh"}:
            scene = scene_of(timeline, motion, options.steps)
            _write_scene(scene, motion, files, options.size)
            if "video" in files:
                scene.render.filepath = f"//{outputs['video'].name}"
            if "blend" in files:
                _save_blend(files["blend"])
    return motion.seconds


def _with_options(timeline: Any, options: argparse.Namespace) -> Any:
    """A timeline with the model and the seed of the options in place of its own."""
    seed = timeline.seed if options.seed is None else options.seed
    return replace(timeline, seed=seed, model=_model_path(options.model or timeline.model))


def _model_path(name: str) -> str:
    """A model's folder from the root on, as a .blend can keep it; its name where it comes along."""
    return name if (_MODELS / name).is_dir() or not Path(name).is_dir() else str(Path(name).absolute())


def _motion(timeline: Any, steps: int | None) -> Any:
    """What a timeline becomes, at its own frame rate."""
    from ..core.console import Progress
    from ..core.generate import Settings, generate

    settings = Settings() if steps is None else Settings(steps=steps)
    model = _model(timeline.model)
    return generate(timeline, model, settings, on_step=Progress("Generating")).resampled(timeline.fps)


def _run_blend(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace) -> float:
    """Generate the strips of all characters of a .blend and write the outputs; returns the seconds of motion."""
    import bpy

    from ..core.console import Progress
    from ..core.errors import InputError
    from . import character, export, generation, sequencer, stage, strips

    if not path.is_file():
        raise InputError(f"The file {path} does not exist: give a timeline, a .blend or a folder.")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.absolute()), load_ui=False)
    except RuntimeError as error:
        raise InputError(f"{path} cannot be opened as a .blend: {' '.join(str(error).split())}") from error
    scene: Any = bpy.context.scene
    found = [one for one in scene.objects if character.is_character(one)]
    found = [one for one in found if any(strips.placed(one, kind) for kind in ("TEXT", "SPEECH"))]
    exported = outputs.keys() & {"npz", "bvh", "fbx", "glb"}
    if not found:
        raise InputError(f"{path.name} has no character with a text or speech strip: add one in Blender.")
    if exported and len(found) > 1:
        raise InputError(
            f"{path.name} has {len(found)} characters, and --{min(exported)} holds one: export in Blender."
        )
    reason = next((reason for reason in map(strips.disabled_reason, found) if reason), "")
    if reason:
        raise InputError(f"{path.name} cannot be generated: {reason}.")
    strips.check_seed(options.seed)
    settings = scene.freetalker
    settings.model = _model_path(options.model) if options.model else settings.model
    settings.seed = settings.seed if options.seed is None else options.seed
    settings.steps = settings.steps if options.steps is None else options.steps
    with _written_together(outputs) as files:
        seconds = 0.0
        for armature in found:
            progress = Progress("Generating")
            motion = generation.make(scene, armature, lambda share, _, say=progress: say(round(100 * share), 100))
            seconds = max(seconds, motion.seconds)
        sequencer.mirror(scene)
        for kind in exported:
            export.write(scene, found[0], files[kind])
        if "sound" in files:
            stage.write_sound(files["sound"])
        if "blend" in files:  # before the film, whose settings are not the user's
            _save_blend(files["blend"])
        if "video" in files:
            stage.render_video(scene, files["video"], Progress("Rendering"))
    return seconds


def _write_scene(scene: Any, motion: Any, files: Mapping[str, Path], size: tuple[int, int]) -> None:
    """The outputs that Blender makes of a scene."""
    from ..core.console import Progress
    from . import export, stage

    for kind in ("fbx", "glb"):
        if kind in files:
            export.write(scene, scene.freetalker.character, files[kind])
    if "sound" in files:
        stage.write_sound(files["sound"])
    if files.keys() & {"blend", "video"}:
        stage.build(scene, motion, size)
    if "video" in files:
        stage.render_video(scene, files["video"], Progress("Rendering"))


def _save_blend(path: Path) -> None:
    import bpy

    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)


@lru_cache(maxsize=1)
def _model(name: str) -> Any:
    from ..core.model.checkpoint import load_model

    return load_model(name)


def _run_folder(options: argparse.Namespace) -> int:
    """Do every timeline of a folder; returns the exit code. The report is whole after each of them."""
    from ..core.errors import InputError

    report = options.report or next(iter(options.outputs.values())) / _REPORT
    paths = sorted(path for path in options.timeline.iterdir() if _is_timeline(path, report))
    if not paths:
        raise InputError(f"{options.timeline} has no timeline: put .json or .srt files there.")
    names = [path.stem for path in paths]
    twice = next((path for path in paths if names.count(path.stem) > 1), None)
    if twice is not None:
        raise InputError(f"Two timelines are called {twice.stem!r}, and so would their outputs be: rename one.")
    if options.model:
        _model(_model_path(options.model))
    content = _read_report(report)
    rows: list[dict[str, Any]] = []
    _write_report(report, _with_rows(content, rows))  # what cannot be written is told before hours of work
    for number, path in enumerate(paths, start=1):
        print(f"{path.name}, {number} of {len(paths)}", flush=True)
        outputs = {kind: folder / (path.stem + _OUTPUTS[kind][0]) for kind, folder in options.outputs.items()}
        rows.append(_outcome(path, outputs, options, content))
        _write_report(report, _with_rows(content, rows))
    for row in rows:
        print(f"{row['outcome']:8}{row['seconds']:8.1f} s  {row['timeline']:24} {row.get('error', '')}".rstrip())
    print(report)
    failed = sum(row["outcome"] == "failed" for row in rows)
    if failed:
        print(f"{failed} of {len(rows)} timelines failed: {report} says why.", file=sys.stderr)
    return 2 if failed else 0


def _is_timeline(path: Path, report: Path) -> bool:
    return path.suffix.lower() in {".json", ".srt"} and path.is_file() and path.name not in {_REPORT, report.name}


def _outcome(
    path: Path, outputs: Mapping[str, Path], options: argparse.Namespace, content: dict[str, Any]
) -> dict[str, Any]:
    """A row of the report: do one timeline, whatever becomes of it; the report's content says what it is made with."""
    from ..core.errors import InputError

    row: dict[str, Any] = {"timeline": path.name, "outcome": "made", "seconds": 0.0}
    begun = time.monotonic()
    try:
        if options.skip_existing and _up_to_date(path, outputs, options, content):
            row["outcome"] = "skipped"
        else:
            row["motion_seconds"] = round(_run_one(path, outputs, options), 3)
            _remember(path, outputs, options, content)
        row["outputs"] = [str(output) for output in outputs.values()]
    except ModuleNotFoundError:
        raise  # of the next as of this one
    except Exception as error:
        row["outcome"] = "failed"
        row["error"] = str(error)
        if not isinstance(error, InputError):
            traceback.print_exc()
            row["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"
        print(row["error"], file=sys.stderr)
    row["seconds"] = round(time.monotonic() - begun, 1)
    return row


def _up_to_date(
    path: Path, outputs: Mapping[str, Path], options: argparse.Namespace, content: Mapping[str, Any]
) -> bool:
    """Whether all outputs are there, newer than the timeline and its recordings, and made with the same options."""
    from ..core.errors import InputError
    from ..core.timeline import load_timeline

    before = content.get("made_with", {})
    try:
        timeline = load_timeline(path)
        newest = max(source.stat().st_mtime for source in [path, *(strip.audio for strip in timeline.speech)])
        newer = all(output.stat().st_mtime >= newest for output in outputs.values())
        made = _made_with(timeline, outputs, options)
        return newer and all(before.get(output) == values for output, values in made.items())
    except (OSError, InputError):
        return False


def _remember(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace, content: dict[str, Any]) -> None:
    """Note in the report's content with what the outputs were made."""
    from ..core.timeline import load_timeline

    if path.suffix.lower() != ".blend":
        made = _made_with(load_timeline(path), outputs, options)
        content["made_with"] = {**content.get("made_with", {}), **made}


def _made_with(timeline: Any, outputs: Mapping[str, Path], options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What, beside a timeline and its recordings, each output is made with; changed: the time that it bears since."""
    name = options.model or timeline.model
    values = {"model": name, "weights": _weights(name), "seed": options.seed, "steps": options.steps}
    size = {"size": list(options.size)}
    return {
        str(output): values | (size if kind in {"blend", "video"} else {}) | {"changed": output.stat().st_mtime_ns}
        for kind, output in outputs.items()
    }


@lru_cache(maxsize=8)
def _weights(name: str) -> str:
    """A number that tells a model's files from those of another. Raises OSError where they cannot be read."""
    folder = _MODELS / name if (_MODELS / name).is_dir() else Path(name)
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.iterdir()):
        if file.suffix in {".json", ".safetensors"}:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _read_report(path: Path) -> dict[str, Any]:
    """What the report of an earlier run says; nothing where there is none, or it is no report."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(content, dict) and isinstance(content.get("made_with", {}), dict)
    return content if whole else {}


def _with_rows(content: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The report of these rows; what all outputs were made with stays."""
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in ("made", "skipped", "failed")}
    seconds = round(sum(row["seconds"] for row in rows), 1)
    return {**counts, "seconds": seconds, "timelines": rows, "made_with": content.get("made_with", {})}


def _write_report(path: Path, content: Mapping[str, Any]) -> None:
    from ..core.files import replacing

    with replacing(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def scene_of(timeline: Any, motion: Any, steps: int | None) -> Any:
    """A new file with the character, the timeline's strips, and the motion as a take of them."""
    import bpy

    from . import character, generation, sequencer, strips

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene: Any = bpy.context.scene
    scene.render.fps = math.ceil(timeline.fps)
    scene.render.fps_base = math.ceil(timeline.fps) / timeline.fps
    scene.frame_start, scene.frame_end = 1, len(motion)
    scene.sync_mode = "AUDIO_SYNC"
    armature = character.new_character(bpy.context)
    armature.show_in_front = False
    strips.add_timeline(scene, armature, timeline)
    for sound in bpy.data.sounds:
        sound.pack()  # the file can be moved and sent
    sequencer.mirror(scene)
    scene.freetalker.steps = steps or 0
    generation.put(scene, armature, generation.Result(motion, generation.order(scene, armature)))
    return scene


@contextmanager
def _written_together(outputs: Mapping[str, Path]) -> Iterator[dict[str, Path]]:
    """Temporary files beside the outputs, by kind; all get their names at the end, or none does.

    Raises:
        InputError: a file cannot be written; of a folder that cannot it is told at the start.
    """
    from ..core.errors import InputError

    files: dict[str, Path] = {}
    try:
        for kind, path in ((kind, path.absolute()) for kind, path in outputs.items()):
            if path.is_dir():
                raise InputError(f"{path} is a folder, and a file of that name is to be written: move it away.")
            path.parent.mkdir(parents=True, exist_ok=True)
            files[kind] = path.with_name(f".{os.getpid()}-{path.name}")
            files[kind].touch()
            files[kind].unlink()  # Blender would keep an old version of it
        yield files
        for kind, temporary in files.items():
            os.replace(temporary, outputs[kind])
            print(outputs[kind])
    except OSError as error:
        raise InputError(f"{error.filename or 'A file'} cannot be written: {error.strerror or error}.") from error
    finally:
        for temporary in files.values():
            temporary.unlink(missing_ok=True)


def _package() -> str:
    """The package of this file: the enabled extension where it belongs to that, else the checkout, registered."""
    import bpy

    for name in [addon.module for addon in bpy.context.preferences.addons]:
        module = sys.modules.get(name)
        if name.startswith("bl_ext.") and name.endswith(".freetalker"):
            if module is not None and module.__file__ and Path(module.__file__).resolve().parent == _ROOT:
                return name
            importlib.import_module("addon_utils").disable(name)  # another copy holds the same names in Blender
    root = ModuleType(_SOURCE_PACKAGE)
    root.__path__ = [str(_ROOT)]
    sys.modules[_SOURCE_PACKAGE] = root
    _module(_SOURCE_PACKAGE, "addon").register()
    return _SOURCE_PACKAGE


def _module(package: str, name: str) -> ModuleType:
    return importlib.import_module(f"{package}.{name}")


def _arguments() -> list[str]:
    """What stands after "--" where Blender runs this file, else all arguments."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    return sys.argv[1:] if __spec__ is not None else []


def _run_as_script() -> int:
    try:
        package = _package()
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__}: {' '.join(str(error).split())} ({where.filename}, line {where.lineno})"
        print(f"The add-on could not be registered: {why}.", file=sys.stderr)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(2)  # Blender's Python package never ends while a class of ours is registered
    try:
        return _module(package, "addon.batch").main(_arguments())
    finally:
        if package == _SOURCE_PACKAGE:  # Blender's Python package never ends while our classes are registered
            _module(package, "addon").unregister()


if __name__ == "__main__":
    sys.exit(_run_as_script())

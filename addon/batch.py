# SPDX-License-Identifier: GPL-3.0-or-later
"""From a timeline to a scene, a film and motion files with no window.

    blender -b --python addon/batch.py -- TIMELINE.json --blend OUT.blend --video OUT.mp4 --npz OUT.npz --bvh OUT.bvh
    python -m addon.batch TIMELINE.json ...             (the same, where Blender is the bpy package)

Exit code 0, or 2 with one sentence on stderr; then no file was written or changed.
"""

import argparse
import importlib
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_SOURCE_PACKAGE = "freetalker"  # what a checkout's root is called where the extension is not installed from it
_OUTPUTS = ("blend", "video", "npz", "bvh")


def main(argv: Sequence[str]) -> int:
    """Run with these arguments; returns the exit code."""
    from ..core.console import exit_code

    return exit_code(lambda: _run(_parse(argv)))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    from ..core.__main__ import add_generation_options
    from ..core.errors import InputError

    parser = argparse.ArgumentParser(
        prog="addon.batch", description="Turn a timeline into a scene, a film and motion files."
    )
    add_generation_options(parser)
    parser.add_argument("--blend", type=Path, metavar="FILE", help="the Blender file: character, strips, stage")
    parser.add_argument("--video", type=Path, metavar="FILE", help="the film, an .mp4 with the speech")
    parser.add_argument("--npz", type=Path, metavar="FILE", help="the motion in the SMPL-X layout")
    parser.add_argument("--bvh", type=Path, metavar="FILE", help="the motion as BVH")
    parser.add_argument("--size", default="640x360", metavar="WxH", help="pixels of the film (default: %(default)s)")
    options = parser.parse_args(argv)
    width, _, height = options.size.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 16 <= int(width) <= 8192 and 16 <= int(height) <= 8192):
        raise InputError(f"--size {options.size!r} is no size: give width x height in pixels, such as 640x360.")
    options.size = (int(width) // 2 * 2, int(height) // 2 * 2)  # H.264 wants even numbers
    outputs = [getattr(options, kind) for kind in _OUTPUTS if getattr(options, kind)]
    if not outputs:
        raise InputError("Nothing to write: give one or more of --blend, --video, --npz and --bvh.")
    for path in outputs:
        if path.is_dir():
            raise InputError(f"{path} is a folder: give the name of a file.")
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise InputError("Two outputs have the same name: give each its own.")
    return options


def _run(options: argparse.Namespace) -> None:
    from ..core.timeline import load_timeline

    timeline = load_timeline(options.timeline)  # before the packages that take seconds to import

    from ..core.console import Progress
    from ..core.formats.bvh import save_bvh
    from ..core.generate import Settings, generate
    from ..core.model.checkpoint import load_model

    if options.seed is not None:
        timeline = replace(timeline, seed=options.seed)
    model = load_model(options.model or timeline.model)
    settings = Settings() if options.steps is None else Settings(steps=options.steps)
    with _written_together() as target:
        motion = generate(timeline, model, settings, on_step=Progress("Generating")).resampled(timeline.fps)
        if options.npz:
            motion.save(target(options.npz))
        if options.bvh:
            save_bvh(motion, target(options.bvh))
        if not (options.blend or options.video):
            return
        import bpy

        from . import stage

        scene = _scene(timeline, motion)
        stage.build(scene, motion, options.size)
        if options.video:
            stage.render_video(scene, target(options.video), Progress("Rendering"))
            scene.render.filepath = f"//{options.video.name}"
        if options.blend:
            bpy.ops.wm.save_as_mainfile(filepath=str(target(options.blend)), compress=True)


def _scene(timeline: Any, motion: Any) -> Any:
    """A new file with the character, the timeline's strips and the motion on it."""
    import bpy

    from . import character, generated, sequencer, strips

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
    generated.place(scene, armature, motion)
    return scene


@contextmanager
def _written_together() -> Iterator[Callable[[Path], Path]]:
    """Gives a function from a file's name to a temporary one beside it; all get their names at the end, or none does.

    Raises:
        InputError: a file cannot be written.
    """
    from ..core.errors import InputError

    pairs: list[tuple[Path, Path]] = []

    def target(path: Path) -> Path:
        path = path.absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{os.getpid()}-{path.name}")
        pairs.append((temporary, path))
        return temporary

    try:
        yield target
        for temporary, path in pairs:
            os.replace(temporary, path)
            print(path)
    except OSError as error:
        raise InputError(f"{error.filename or 'A file'} cannot be written: {error.strerror or error}.") from error
    finally:
        for temporary, _ in pairs:
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
    package = _package()
    try:
        return _module(package, "addon.batch").main(_arguments())
    finally:
        if package == _SOURCE_PACKAGE:  # Blender's Python package never ends while our classes are registered
            _module(package, "addon").unregister()


if __name__ == "__main__":
    sys.exit(_run_as_script())

# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a contact sheet of a batch's scene: one moment per second, from the front and the side, with its prompts.

python tools/contact_sheet.py SCENE.blend TIMELINE.json SHEET.png
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.timeline.files import load_timeline
from core.timeline.strips import SCOPES, Timeline

TILE = (132, 150)  # pixels of one view
COLUMNS = 10
CAPTION = 30  # pixels
HEIGHT = 2.3  # meters that a tile shows from bottom to top
MIDDLE = 1.0  # height of the middle of a tile in meters
VIEWS = (Vector((0.0, -8.0, 1.5)), Vector((8.0, 0.0, 1.5)))  # from the character to the camera
INK, PAPER = (60, 60, 60), (238, 238, 238)


def asked(timeline: Timeline, seconds: float) -> str:
    """Return what the timeline asks for at a time."""
    here = [strip for strip in timeline.text if strip.start <= seconds < strip.end]
    prompts = [one.prompt for scope in SCOPES for one in [one for one in here if one.scope == scope][-1:]]
    spoken = any(strip.start <= seconds < (strip.end or float("inf")) for strip in timeline.speech)
    return " + ".join([*(prompt.removeprefix("a person ") for prompt in prompts), *["speech"] * spoken]) or "-"


def shoot(scene: Any, place: Vector, view: Vector, file: Path) -> Image.Image:
    """Render the character at `place` from the side that `view` points to."""
    scene.camera.location = Vector((place.x, place.y, MIDDLE)) + view
    scene.camera.rotation_euler = (-view).to_track_quat("-Z", "Y").to_euler()
    scene.render.filepath = str(file)
    bpy.ops.render.render(write_still=True)
    with Image.open(file) as image:
        return image.convert("RGB")


def set_up(scene: Any) -> None:
    """Set up an orthographic camera and small pictures."""
    data = bpy.data.cameras.new("Sheet")
    data.type, data.ortho_scale = "ORTHO", HEIGHT
    scene.camera = bpy.data.objects.new("Sheet", data)
    scene.collection.objects.link(scene.camera)
    render = scene.render
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "PNG"
    render.use_file_extension = True
    render.resolution_x, render.resolution_y = TILE


def shoot_all(scene: Any) -> list[list[Image.Image]]:
    """Render both views at each whole second."""
    (armature,) = (one for one in scene.objects if one.type == "ARMATURE")
    fps = scene.render.fps / scene.render.fps_base
    seconds = int((scene.frame_end - scene.frame_start) / fps) + 1
    found: list[list[Image.Image]] = []
    with tempfile.TemporaryDirectory() as folder:
        for second in range(seconds):
            scene.frame_set(scene.frame_start + round(second * fps))
            place = armature.matrix_world @ armature.pose.bones["pelvis"].head
            found.append([shoot(scene, place, view, Path(folder, "view.png")) for view in VIEWS])
    return found


def compose(pictures: list[list[Image.Image]], captions: list[str]) -> Image.Image:
    """Return rows of tiles, the views of a moment below one another, its caption above."""
    width, height = TILE
    cell = CAPTION + height * len(VIEWS)
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (min(COLUMNS, len(pictures)) * width, rows * cell), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (views, caption) in enumerate(zip(pictures, captions, strict=True)):
        x, y = number % COLUMNS * width, number // COLUMNS * cell
        draw.multiline_text((x + 4, y + 2), caption, INK, spacing=1)
        for row, view in enumerate(views):
            sheet.paste(view, (x, y + CAPTION + row * height))
    return sheet


def main(blend: str, timeline_file: str, out: str) -> None:
    """Make the sheet."""
    timeline = load_timeline(timeline_file)
    bpy.ops.wm.open_mainfile(filepath=str(Path(blend).resolve()))
    set_up(bpy.context.scene)
    pictures = shoot_all(bpy.context.scene)
    captions = [f"{second} s\n{asked(timeline, second)[:21]}" for second in range(len(pictures))]
    compose(pictures, captions).quantize(96, dither=Image.Dither.NONE).save(out, optimize=True)
    print(out)


if __name__ == "__main__":
    main(*sys.argv[1:])

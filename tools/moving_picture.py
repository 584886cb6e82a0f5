# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a small animated picture of a batch's scene through its camera.

python tools/moving_picture.py SCENE.blend PICTURE.webp
"""

import sys
import tempfile
from pathlib import Path

import bpy
from PIL import Image

SIZE = (400, 225)  # pixels
EVERY = 3  # frames of the scene per frame of the picture


def main() -> int:
    """Render and join."""
    bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
    scene = bpy.context.scene
    render = scene.render
    render.resolution_x, render.resolution_y = SIZE
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "PNG"
    pictures: list[Image.Image] = []
    with tempfile.TemporaryDirectory() as folder:
        render.filepath = str(Path(folder, "view.png"))
        for frame in range(scene.frame_start, scene.frame_end + 1, EVERY):
            scene.frame_set(frame)
            bpy.ops.render.render(write_still=True)
            with Image.open(render.filepath) as image:
                pictures.append(image.convert("RGB"))
    duration = round(1000 * EVERY * render.fps_base / render.fps)
    pictures[0].save(
        sys.argv[2], save_all=True, append_images=pictures[1:], duration=duration, loop=0, quality=30, method=6
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender does with `-b --version`, `--python FILE` and `--`, for the bpy wheel, which has no executable."""

import argparse
import os
import sys
import tempfile

# Settings of its own, thrown away at the end; bpy reads this when it is imported.
_resources = tempfile.TemporaryDirectory(prefix="blender-shim-", ignore_cleanup_errors=True)
os.environ.setdefault("BLENDER_USER_RESOURCES", _resources.name)

import bpy  # noqa: E402


def main() -> None:
    """Run the script that --python names, as __main__, with Blender's own sys.argv; other options are passed over."""
    own = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--version", "-v", action="store_true")
    parser.add_argument("--python", "-P")
    options, _ = parser.parse_known_args(own)
    if options.version:
        print(f"Blender {bpy.app.version_string}")
        return
    # Blender gives the script no spec: it is no module of a package
    sys.argv[0] = "blender"
    with open(options.python, encoding="utf-8") as file:
        code = compile(file.read(), options.python, "exec")
    scope = {"__name__": "__main__", "__file__": options.python, "__spec__": None, "__builtins__": __builtins__}
    exec(code, scope)


if __name__ == "__main__":
    main()

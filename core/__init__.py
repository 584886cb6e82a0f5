# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion from text and speech: knows motion and learning, never Blender."""

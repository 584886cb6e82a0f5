# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs of other makers as characters: recognized by their bones' names, driven by a bone map.

`maps`, `recognise` and `retarget` know no Blender; `armature` does.
"""

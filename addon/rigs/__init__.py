# SPDX-License-Identifier: GPL-3.0-or-later
"""Third-party rigs as characters: recognized by their bone names, driven through a bone map.

`maps`, `recognize`, `pose`, `legs` and `retarget` do not use bpy; `armature` and `properties` do.
"""

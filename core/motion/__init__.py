# SPDX-License-Identifier: GPL-3.0-or-later
"""Skeleton, rotations, motion clips, and the features that the networks learn."""

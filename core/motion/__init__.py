# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves: skeleton, rotations, clips, and their features."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""The character: which one is active, the wooden figure, the SMPL-X body."""

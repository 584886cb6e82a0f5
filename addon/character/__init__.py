# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters: which one is active, the wooden figure, the SMPL-X body."""

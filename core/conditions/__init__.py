# SPDX-License-Identifier: GPL-3.0-or-later
"""Encode prompts and recordings as arrays that condition the network (method section 2)."""

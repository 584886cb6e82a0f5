# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and speech strips in the NLA, and their conversion from and to core's timelines."""

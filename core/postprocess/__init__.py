# SPDX-License-Identifier: GPL-3.0-or-later
"""After sampling: contacts, foot lock, smoothing and stitching."""

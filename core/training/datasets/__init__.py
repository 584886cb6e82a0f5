# SPDX-License-Identifier: GPL-3.0-or-later
"""Published datasets in their published layouts, to packed clips: a module for each finds its recordings."""

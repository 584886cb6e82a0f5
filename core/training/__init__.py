# SPDX-License-Identifier: GPL-3.0-or-later
"""Data, captions, speech pairs and the trainer; not part of the extension."""

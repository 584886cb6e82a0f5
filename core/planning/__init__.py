# SPDX-License-Identifier: GPL-3.0-or-later
"""From a timeline to what the denoiser is given."""

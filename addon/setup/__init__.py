# SPDX-License-Identifier: GPL-3.0-or-later
"""Requirements of generation: packages, models, preferences, versions."""

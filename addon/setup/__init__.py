# SPDX-License-Identifier: GPL-3.0-or-later
"""What generation needs: packages, models, preferences, versions."""

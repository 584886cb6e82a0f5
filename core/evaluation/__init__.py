# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a model is: `python -m core evaluate`, its measures, and the small networks it judges by."""

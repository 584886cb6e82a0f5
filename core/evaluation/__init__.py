# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation of a model: `python -m core evaluate` and `score`, their metrics, and the evaluator networks."""

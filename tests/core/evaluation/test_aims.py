# SPDX-License-Identifier: GPL-3.0-or-later
"""Aims have bounds."""

from core.evaluation.aims import Aim


def test_an_aim_is_reached_between_its_bounds():
    assert Aim("ratio", 1.0, 0.8, 1.25).reached
    assert not Aim("ratio", 1.3, 0.8, 1.25).reached
    assert not Aim("at least", 0.79, low=0.8).reached
    assert Aim("at most", 2.9, high=3).wanted == "<= 3"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles of movement: their adverbs in prompts, and the style that a recording is named after."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")

STYLES: dict[str, tuple[str, ...]] = {
    "active": ("energetically", "with a lot of energy", "briskly", "in a lively way"),
    "angry": ("angrily", "in anger", "furiously", "like an angry person"),
    "childish": ("like a child", "childishly", "in a childlike way", "playfully like a child"),
    "chimpira": ("like a thug", "with a swagger", "like a street punk", "in a cocky way"),
    "elderly": ("like an elderly person", "like an old person", "with the stiffness of old age", "as the elderly do"),
    "exhausted": ("in exhaustion", "wearily", "like an exhausted person", "as if worn out"),
    "feminine": ("in a feminine manner", "daintily", "in a ladylike way", "with feminine grace"),
    "giant": ("like a giant", "heavily, like a giant", "ponderously", "with the weight of a giant"),
    "happy": ("happily", "cheerfully", "joyfully", "in a good mood"),
    "masculine": ("in a masculine manner", "like a tough guy", "in a manly way", "with manly strength"),
    "musical": ("as in a musical", "theatrically", "like a musical actor", "with the flair of a musical number"),
    "not-confident": ("timidly", "shyly", "without confidence", "hesitantly"),
    "proud": ("proudly", "with pride", "self-assuredly", "full of pride"),
    "sad": ("sadly", "in sorrow", "dejectedly", "with a heavy heart"),
    "tired": ("tiredly", "like a tired person", "sluggishly", "with little strength left"),
    "youthful": ("youthfully", "like a young person", "with youthful energy", "in a youthful way"),
}  # fmt: skip
"""Style -> adverbs that name it in a prompt.

The styles are those in the file names of Bandai Namco's recordings; "normal" has no adverb.
"""
# spellings in file names -> keys of STYLES
_STYLE_NAMES = {"masculinity": "masculine", "old": "elderly"}


def style_of(name: str) -> str:
    """Return the style in the file name of a Bandai Namco recording.

    Args:
        name: A name such as `dataset-1_bow_proud_001`.

    Returns:
        A key of `STYLES`, or "" for a normal style or another naming scheme.
    """
    found = re.match(r"dataset-\d_[\w-]+?_([a-z-]+)_\d+$", name)
    style = _STYLE_NAMES.get(found[1], found[1]) if found else ""
    return style if style in STYLES else ""


def split_by_style(items: Iterable[Item], style: Callable[[Item], str]) -> list[list[Item]]:
    """Split items into those without and those with a style, leaving out an empty group.

    Drawing the group first gives plain and styled items equal shares: most prompts name no style, however many styled
    recordings there are.

    Args:
        items: Anything that has a style.
        style: Returns the style of an item, or "" for none.
    """
    plain: list[Item] = []
    styled: list[Item] = []
    for item in items:
        (styled if style(item) else plain).append(item)
    return [part for part in (plain, styled) if part]

# SPDX-License-Identifier: GPL-3.0-or-later
"""What is held out: clips of motion by their names, and wordings that training never reads.

`Split` is a rule, not a list: it depends on the takes alone, so the trainer, which leaves out what it holds out, and an
evaluation that comes later agree without a file between them. Takes of a published dataset bring their split along.
"""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from .captions import STYLES, SUBJECTS, Caption
from .phrases import PHRASES

if TYPE_CHECKING:
    from .dataset import Clip

HELD_OUT_EVERY = 8  # clips
_COPY = re.compile(r"^Chr[A-Za-z]+_(?=Chr[A-Za-z]+[@_])")  # one performance, put on another body by its makers
_ROUND = re.compile(r"_\d+$")  # speech pairs: which time the recording came round

_SLOTS = {
    "direction": r"forward|ahead|straight ahead|straight forward|in a (?:circle|curve) to the (?:left|right)",
    "turn": "left|right",
    "side": "left|right",
    "hands": "both hands|the left hand|the right hand",
    "leg": "left|right",
    "part": "chest|temple|head",
    "direction_hand": "forward|to the left|to the right",
}
_UNKNOWN = "\0"  # stands for a word that a caption lacks
_SUBJECTS = "|".join(map(re.escape, SUBJECTS))
_STYLE_OF = {manner: style for style, manners in STYLES.items() for manner in manners}
_PRONOUNS = {"their": "his|her|their", "themself": "himself|herself|themself"}


def clip_of(take: "Clip") -> str:
    """The recording that a take comes from: its windows, mirrored and varied copies all have the same.

    So have the copies of one performance on several bodies, and the pairs made with one recording of speech.
    """
    if take.split:
        return f"{take.source}/{take.name}"
    if take.speech >= 0:
        return f"speech/{_ROUND.sub('', take.name)}"
    return f"{take.source}/{_COPY.sub('', take.name)}"


@dataclass(frozen=True)
class Split:
    """Which clips are held out of training."""

    clips: frozenset[str]

    @staticmethod
    def of(takes: "Iterable[Clip]") -> "Split":
        """About one clip in eight, and one of each action that has three; never more than a third of an action.

        So never its only clip. A clip that shows several actions is held out whole, or not at all. Takes that bring a
        split along are held out where it does not say "train".
        """
        shows: dict[str, Counter[str]] = defaultdict(Counter)  # takes of each action in each clip
        total: Counter[str] = Counter()
        held: set[str] = set()
        for take in takes:
            if not take.split:
                shows[clip_of(take)][take.action] += 1
                total[take.action] += 1
            elif take.split != "train":
                held.add(clip_of(take))
        gone: Counter[str] = Counter()

        def hold(clip: str) -> None:
            if clip not in held and all(3 * (gone[action] + n) <= total[action] for action, n in shows[clip].items()):
                held.add(clip)
                gone.update(shows[clip])

        order = sorted(shows, key=_hash)
        for clip in order:
            if _hash(clip) % HELD_OUT_EVERY == 0:
                hold(clip)
        for action in sorted(total):
            for clip in order:
                if gone[action]:
                    break
                if action in shows[clip]:
                    hold(clip)
        return Split(frozenset(held))

    def held_out(self, take: "Clip") -> bool:
        """Whether a take is for evaluation alone."""
        return clip_of(take) in self.clips


def _hash(clip: str) -> int:
    return zlib.crc32(clip.encode())  # the same in every run, unlike hash


def caption_of(action: str, sentences: Iterable[str]) -> Caption:
    """The caption that a take's training sentences were made from: what they name of sides, hands, ways and style."""
    templates = [_template(phrase) for phrase in PHRASES.get(action, ())]
    words: dict[str, str] = {}
    style = ""
    for sentence in sentences:
        for template in templates:
            match = template.fullmatch(sentence)
            if match:
                found = {key: value for key, value in match.groupdict().items() if value is not None}
                style = _STYLE_OF.get(found.pop("manner", ""), style)
                words |= found
                break
    return Caption(action, words, style)


def held_out_sentences(caption: Caption) -> list[str]:
    """The wordings of a caption that training never reads, those that name nothing which the caption lacks.

    None of an action that has no phrases.
    """
    if caption.action not in PHRASES:
        return []
    filled = Caption(caption.action, dict.fromkeys(_SLOTS, _UNKNOWN) | caption.words, caption.style)
    return [sentence for sentence in filled.sentences(held_out=True) if _UNKNOWN not in sentence]


@cache
def _template(phrase: str) -> re.Pattern[str]:
    """A regular expression of the sentences that a phrase makes, its slots as groups, and "manner" of the style."""
    pattern = ""
    seen: set[str] = set()
    for part in re.split(r"(\{\w+\})", phrase):
        slot = part.strip("{}")
        if not part.startswith("{"):
            pattern += re.escape(part)
        elif slot in _PRONOUNS:
            pattern += f"(?:{_PRONOUNS[slot]})"
        elif slot in seen:
            pattern += f"(?P={slot})"
        else:
            pattern += f"(?P<{slot}>{_SLOTS[slot]})"
            seen.add(slot)
    manners = "|".join(map(re.escape, _STYLE_OF))
    return re.compile(f"(?:{_SUBJECTS}) {pattern}(?: (?P<manner>{manners}))?")

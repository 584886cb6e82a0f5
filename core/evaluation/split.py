# SPDX-License-Identifier: GPL-3.0-or-later
"""What is held out: clips of motion by their names, and wordings that training never reads.

`Split` is a rule, not a list: it depends on the names of the takes alone, so a trainer that leaves out what it holds
out and an evaluation that comes later agree without a file between them.
"""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..training.captions import HELD_OUT_SUBJECTS, PHRASES, SUBJECTS, Caption
from ..training.dataset import SPEECH_ACTION, Take

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
_PRONOUNS = {"their": "his|her|their", "themself": "himself|herself|themself"}


def clip_of(take: Take) -> str:
    """The recording that a take comes from: its windows, mirrored and varied copies all have the same.

    So have the copies of one performance on several bodies, and the pairs made with one recording of speech.
    """
    if take.action == SPEECH_ACTION:
        return f"speech/{_ROUND.sub('', take.name)}"
    return f"{take.source}/{_COPY.sub('', take.name)}"


@dataclass(frozen=True)
class Split:
    """Which clips are held out of training."""

    clips: frozenset[str]

    @staticmethod
    def of(takes: Iterable[Take]) -> "Split":
        """About one clip in eight, and one of each action that has three; never more than a third of an action.

        So never its only clip. A clip that shows several actions is held out whole, or not at all.
        """
        shows: dict[str, Counter[str]] = defaultdict(Counter)  # takes of each action in each clip
        total: Counter[str] = Counter()
        for take in takes:
            shows[clip_of(take)][take.action] += 1
            total[take.action] += 1
        held: set[str] = set()
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

    def held_out(self, take: Take) -> bool:
        """Whether a take is for evaluation alone."""
        return clip_of(take) in self.clips


def _hash(clip: str) -> int:
    return zlib.crc32(clip.encode())  # the same in every run, unlike hash


def words_of(action: str, sentences: Iterable[str]) -> dict[str, str]:
    """The sides, directions and hands that a take's training sentences name, by slot of `PHRASES`."""
    templates = [_template(phrase) for phrase in PHRASES.get(action, ()) if "{" in phrase]
    words: dict[str, str] = {}
    for sentence in sentences:
        for template in templates:
            match = template.fullmatch(sentence)
            if match:
                words |= match.groupdict()
                break
    return words


def held_out_sentences(action: str, words: dict[str, str]) -> list[str]:
    """The wordings of an action that training never reads, those that name nothing which `words` lacks."""
    asked = {**words, "their": "their", "themself": "themself"}
    able = [phrase for phrase in PHRASES.get(action, ()) if set(re.findall(r"\{(\w+)\}", phrase)) <= set(asked)]
    if len(able) < len(PHRASES.get(action, ())):
        # the missing slots are filled by a mark, and the sentences that carry it dropped
        asked |= dict.fromkeys(_SLOTS, "\0") | words
    caption = Caption(action, {key: value for key, value in asked.items() if key not in _PRONOUNS})
    return [sentence for sentence in caption.sentences(held_out=True) if "\0" not in sentence] if able else []


def _template(phrase: str) -> re.Pattern[str]:
    """A regular expression of the sentences that a phrase makes, its slots as groups."""
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
            pattern += f"(?P<{slot}>{_SLOTS.get(slot, '.+')})"
            seen.add(slot)
    subjects = "|".join(map(re.escape, (*SUBJECTS, *HELD_OUT_SUBJECTS)))
    return re.compile(f"(?:{subjects}) {pattern}")

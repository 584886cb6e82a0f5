# SPDX-License-Identifier: GPL-3.0-or-later
"""The default encoder's tokenizer and network in numpy, against the transformers library."""

import doctest
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
import transformers

from core.assets import DEFAULT_ENCODER
from core.conditions import text, wordpiece
from core.conditions.encoder_files import find_encoder
from core.conditions.minilm import MiniLM
from core.conditions.wordpiece import WordPiece
from core.errors import InputError

try:
    FOLDER = Path(find_encoder(DEFAULT_ENCODER))
except InputError:
    pytest.skip("all-MiniLM-L6-v2 is not installed", allow_module_level=True)

STRINGS = [
    "a person walks forward", "  A  Person\tWALKS\nforward. ",
    "Müller grüßt überschwänglich: «Ça va, naïve Zoë?»", "人が歩く", "she says 你好 and waves",
    "カタカナ ひらがな 한국어", "🙂 waves 👋🏽 goodbye 👨‍👩‍👧", "don't stop-moving; it's 50% off!", "y" * 99,
    "x" * 100, "x" * 101, "unaffable" * 30, "a\u0000b\u0007c\u200bd\ufffde\ufeff",
    "\u00a0non\u2028breaking\u3000", "ΟΔΟΣ ΣΊΣΥΦΟΣ", "İstanbul DİYARBAKIR \u0131I",
    "ÅÄÖ ǅ ﬁ ﬀ \u210c ① ²", "#CLS] [ SEP] ##ing", "1,234.5 km/h @home ~^`|", "é e\u0301",
    "नमस्ते दुनिया", "שלום עולם", "مرحبا بالعالم", "Привет, мир", "walk " * 1000, "",
]  # fmt: skip


@pytest.fixture(scope="module")
def ours() -> WordPiece:
    return WordPiece((FOLDER / "vocab.txt").read_text(encoding="utf-8").splitlines())


@pytest.fixture(scope="module")
def theirs() -> Callable[[str], list[int]]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
    return lambda given: tokenizer(given, truncation=True, max_length=256)["input_ids"]


@pytest.mark.parametrize("given", STRINGS, ids=ascii)
def test_tokens_are_those_of_the_reference(given: str, ours: WordPiece, theirs: Callable[[str], list[int]]):
    assert ours(given, 256) == theirs(given)


LETTERS = st.sampled_from("abcxyzÄÖÜäöüßéèêñçøåÆœABCZ")


def is_stable(character: str) -> bool:
    """Whether Unicode has said the same of it since version 3.2, so that any two tables agree."""
    return unicodedata.ucd_3_2_0.category(character) == unicodedata.category(character)


SPACES_AND_CONTROLS = " \t\n\r\u00a0\u2003\u2028\u3000\u200b\u200d\ufe0f\u0000\u0007\u001f\u007f\u0085\ufffd"
PIECES = st.one_of(
    st.text(LETTERS, max_size=12),
    st.text(st.sampled_from("0123456789.,:;!?-_'\"()[]{}#@%&/\\|~^`+*=<>$§€£¿¡«»…\u2013—"), max_size=4),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=4),
    st.text(st.characters(min_codepoint=0x3041, max_codepoint=0x30FF, categories=["L"]), max_size=4),
    st.text(st.characters(min_codepoint=0x1F300, max_codepoint=0x1F5FF), max_size=3),
    st.text(st.sampled_from(SPACES_AND_CONTROLS), max_size=3),
    st.text(st.characters(max_codepoint=0x2FFF, exclude_categories=["C"]).filter(is_stable), max_size=6),
    st.sampled_from(["walks", "unbelievably", "handshake", "pirouette", "z" * 101, "gesticulating"]),
)  # fmt: skip


@hypothesis.given(st.lists(PIECES, max_size=8), st.sampled_from(["", " "]))
@hypothesis.settings(max_examples=800, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_tokens_of_any_text(ours: WordPiece, theirs: Callable[[str], list[int]], pieces: list[str], between: str):
    given = between.join(pieces)
    assert ours(given, 256) == theirs(given)


def test_control_tokens_in_a_text_are_text(ours: WordPiece, theirs: Callable[[str], list[int]]):
    """The reference would end the sentence."""
    assert ours("walk [SEP] bow", 256) == ours("walk [ SEP ] bow", 256) == theirs("walk [ SEP ] bow")


def test_every_character_is_read_alike(ours: WordPiece, theirs: Callable[[str], list[int]]):
    """Of letters without case, most of which are ideographs and syllables, every twentieth."""
    characters = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    some = [
        one for k, one in enumerate(characters) if k % 20 == 0 or unicodedata.category(one) not in ("Lo", "Cn", "Co")
    ]
    differ = [one for one in some if is_stable(one) and ours(f"a{one}b {one}", 256) != theirs(f"a{one}b {one}")]
    assert differ == []


def test_a_text_is_cut_at_the_longest(ours: WordPiece):
    whole = ours("one two three four five", 256)
    for longest in range(2, 9):
        cut = ours("one two three four five", longest)
        assert len(cut) == min(longest, len(whole))
        assert (cut[0], cut[-1]) == (whole[0], whole[-1])


def test_the_example_in_its_docstring():
    assert doctest.testmod(wordpiece).failed == 0


@pytest.fixture(scope="module")
def network() -> MiniLM:
    return MiniLM(FOLDER)


def test_states_are_those_of_the_reference(network: MiniLM):
    prompts = [given for given in STRINGS if given.strip()]
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
    reference = transformers.AutoModel.from_pretrained(FOLDER, dtype=torch.float32, local_files_only=True).eval()
    found = network.tokens(prompts)
    for prompt, row in zip(prompts, found, strict=True):
        given = tokenizer(prompt, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            states = reference(**given).last_hidden_state[0].numpy()
        np.testing.assert_allclose(row[: len(states)], states, atol=2e-5, rtol=0)
        assert not row[len(states) :].any()
    total = found.sum(1)
    expected = total / np.linalg.norm(total, axis=1, keepdims=True)
    np.testing.assert_allclose(network(prompts), expected, atol=1e-6)


def test_a_prompts_vector_does_not_depend_on_the_batch(network: MiniLM):
    prompts = [f"a person {'really ' * (k % 7)}walks {k}" for k in range(150)]
    together = network(prompts)
    for k in (0, 6, 77, 149):
        np.testing.assert_allclose(together[k], network([prompts[k]])[0], atol=1e-6)
    assert network([]).shape == (0, network.width)
    assert network.tokens([]).shape == (0, 1, network.width)


@pytest.mark.parametrize("prompt", ["", "   ", "\n", "\t \u00a0"])
@pytest.mark.parametrize("encode", [text.encode_texts, text.encode_tokens])
def test_a_blank_prompt_is_an_input_error(encode: Callable[[list[str]], object], prompt: str):
    with pytest.raises(InputError, match="prompt is empty"):
        encode(["a person", prompt])


def test_what_is_no_blank_but_has_no_tokens_is_finite(network: MiniLM):
    vectors = network(["\u200b", "\ufffd", "\u0301"])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "model.safetensors"])
@pytest.mark.parametrize("change", ["missing", "cut", "other"])
def test_a_damaged_encoder_is_one_sentence(name: str, change: str, tmp_path: Path):
    for file in ("config.json", "vocab.txt", "model.safetensors"):
        (tmp_path / file).symlink_to(FOLDER / file)
    content = (FOLDER / name).read_bytes()
    (tmp_path / name).unlink()
    if change == "cut":
        (tmp_path / name).write_bytes(content[: len(content) // 2 if name != "vocab.txt" else 20])
    if change == "other":
        (tmp_path / name).write_bytes(json.dumps([1, 2]).encode())
    with pytest.raises(InputError, match=r"\S"):
        MiniLM(tmp_path)

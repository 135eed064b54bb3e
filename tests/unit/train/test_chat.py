"""Rendering conversations and masking what is not learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny

from bongsu_stages.models.loading import load_tokenizer
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.batches import IGNORED
from bongsu_stages.train.chat import KOREAN_TEMPLATE, Chat

TALK = [
    {"role": "system", "content": "짧게 답한다."},
    {"role": "user", "content": "주권은 누구에게 있는가?"},
    {"role": "assistant", "content": "국민에게 있다."},
    {"role": "user", "content": "권력은?"},
    {"role": "assistant", "content": "국민으로부터 나온다."},
]
CHATML = (
    "{%- for m in messages -%}{{- '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    tiny.write_tokenizer(folder)
    return load_tokenizer(folder)


@pytest.mark.parametrize("template", [KOREAN_TEMPLATE, CHATML])
def test_exactly_the_answers_are_learned(tokenizer: Any, template: str) -> None:
    ids, labels = Chat(tokenizer, template).encode(TALK, 10_000)
    learned = [token for token, label in zip(ids, labels, strict=True) if label != IGNORED]
    assert [label for label in labels if label != IGNORED] == learned
    end = "<eos>" if template is KOREAN_TEMPLATE else "<|im_end|>\n"
    assert tokenizer.decode(learned) == f"국민에게 있다.{end}국민으로부터 나온다.{end}"


def test_prompt_is_what_the_model_sees_in_use(tokenizer: Any) -> None:
    chat = Chat(tokenizer, KOREAN_TEMPLATE)
    ids, labels = chat.encode(TALK[:3], 10_000)
    answer_from = next(place for place, label in enumerate(labels) if label != IGNORED)
    prompt = tokenizer.apply_chat_template(
        TALK[:2], chat_template=KOREAN_TEMPLATE, tokenize=False, add_generation_prompt=True
    )
    assert ids[:answer_from] == tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert prompt == "### 지시\n짧게 답한다.\n\n### 질문\n주권은 누구에게 있는가?\n\n### 답변\n"


def test_conversation_is_cut_at_the_limit(tokenizer: Any) -> None:
    ids, labels = Chat(tokenizer, KOREAN_TEMPLATE).encode(TALK, 40)
    assert len(ids) == len(labels) == 40


def test_template_that_rewrites_the_past_is_refused(tokenizer: Any) -> None:
    shouting = "{{- messages | length }}{%- for m in messages -%}{{- m['content'] -}}{%- endfor -%}"
    with pytest.raises(StageError, match="changes earlier messages"):
        Chat(tokenizer, shouting).encode(TALK, 100)

"""From conversations to token sequences of which only the answers are learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bongsu.domain.messages import N_
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.batches import IGNORED

Messages = Sequence[dict[str, str]]

KOREAN_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '' if loop.first else '\n\n' -}}"
    "{%- if message['role'] == 'system' -%}{{- '### 지시\n' + message['content'] | trim -}}"
    "{%- elif message['role'] == 'user' -%}{{- '### 질문\n' + message['content'] | trim -}}"
    "{%- else -%}{{- '### 답변\n' + message['content'] | trim + eos_token -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '\n\n### 답변\n' -}}{%- endif -%}"
)
"""For tokenizers without a template: headings in plain Korean, no special tokens but the end of an answer."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a rendered conversation; ``learned`` for what the assistant says, its end mark included."""

    text: str
    learned: bool


@dataclass(frozen=True)
class Chat:
    """A tokenizer and the template that renders conversations for it."""

    tokenizer: Any
    template: str

    def segments(self, messages: Messages) -> list[Segment]:
        """The conversation, cut where the assistant starts and ends.

        Raises StageError if the template does not render a conversation as its beginning and the rest.
        """
        out: list[Segment] = []
        done = ""
        for index, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            prompt = self._render(messages[:index], add_generation_prompt=True)
            answered = self._render(messages[: index + 1], add_generation_prompt=False)
            if not (prompt.startswith(done) and answered.startswith(prompt)):
                raise StageError(
                    N_(
                        "The chat template changes earlier messages when later ones come, so answers have no place."
                    ),
                    N_("Set chatTemplate to one that only appends."),
                )
            out += [Segment(prompt[len(done) :], False), Segment(answered[len(prompt) :], True)]
            done = answered
        return out

    def encode(self, messages: Messages, limit: int) -> tuple[list[int], list[int]]:
        """Token ids and labels, both at most ``limit`` long; labels are IGNORED outside of answers.

        Prompt and answer are tokenized apart, as they are when the model is used.
        """
        ids: list[int] = []
        labels: list[int] = []
        for segment in self.segments(messages):
            tokens = self.tokenizer(segment.text, add_special_tokens=False)["input_ids"]
            ids += tokens
            labels += tokens if segment.learned else [IGNORED] * len(tokens)
        return ids[:limit], labels[:limit]

    def _render(self, messages: Messages, *, add_generation_prompt: bool) -> str:
        rendered: str = self.tokenizer.apply_chat_template(
            list(messages),
            chat_template=self.template,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
        )
        return rendered

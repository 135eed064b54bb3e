"""``evaluate.tasks``: multiple choice from files of questions."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from string import Formatter
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Evaluation, Model, Texts
from bongsu.domain.stages import Params
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.data.json_lines import json_lines
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage

if TYPE_CHECKING:
    from bongsu.artifacts.base import TreeReader
    from bongsu_stages.evaluate.result import Entry
    from bongsu_stages.runtime.context import NamedTree


class TasksParams(Params):
    """Parameters of ``evaluate.tasks``."""

    template: str = Field(
        default="질문: {question}\n정답:",
        description="Prompt; {question} is filled in, a choice follows behind a space",
    )
    normalise: bool = Field(default=True, description="Divide a choice's log-likelihood by its number of tokens")
    max_questions: int = Field(
        default=10_000, ge=1, description="At most this many questions of each file, evenly spaced"
    )

    @field_validator("template")
    @classmethod
    def _only_the_question_is_filled_in(cls, template: str) -> str:
        try:
            fields = [parts[1:] for parts in Formatter().parse(template) if parts[1] is not None]
        except ValueError as error:
            raise ValueError(f"a brace that is meant as one is written twice, as in {{{{ ({error})") from None
        if not fields or any(field != ("question", "", None) for field in fields):
            raise ValueError("it must have {question}, and no other field in braces")
        return template


class Question(BaseModel):
    """One line of a file: ``{"question": ..., "choices": [...], "answer": 0}`` (``answer`` counts from 0)."""

    model_config = ConfigDict(extra="ignore")

    question: str
    choices: tuple[str, ...] = Field(min_length=2)
    answer: int = Field(ge=0)

    @model_validator(mode="after")
    def _answer_is_a_choice(self) -> Question:
        if self.answer >= len(self.choices):
            raise ValueError("answer must be the number of a choice, counting from 0")
        return self


@stage(
    "evaluate.tasks",
    params=TasksParams,
    inputs={
        "models": Model("Models to examine, one after another", many=True),
        "questions": Texts("jsonl files of multiple-choice questions; one figure for each file"),
    },
    outputs={"evaluation": Evaluation("Accuracy of each model on each file, with 95% intervals")},
    # How many questions there are, and how long they are, is seen when they are read: `tokens` is not known.
    workload=lambda _params, _length: Workload(kind=WorkKind.INFERENCE, sequence_length=2048),
)
def tasks(ctx: StageContext, params: TasksParams) -> StageOutputs:
    """Examine models by multiple choice: the choice with the highest likelihood counts as the answer."""
    from bongsu_stages.evaluate.result import summary, write_evaluation

    files = read_questions(ctx.input("questions"), params.max_questions)
    models = ctx.inputs("models")
    entries = []
    for number, model in enumerate(models):
        ctx.phase(phrase(N_("examining {title}"), title=model.title))
        entries.append(_examine(ctx, model, files, params))
        ctx.progress(number + 1, len(models), **entries[-1].metrics)
    counts = {name: len(questions) for name, questions in files.items()}
    write_evaluation(ctx.output("evaluation"), "tasks", entries, {"questions": counts})
    return StageOutputs(metrics=summary(entries))


def _examine(ctx: StageContext, model: NamedTree, files: dict[str, list[Question]], params: TasksParams) -> Entry:
    from bongsu_stages.evaluate.intervals import wilson
    from bongsu_stages.evaluate.result import entry_of
    from bongsu_stages.models.loading import load_tokenizer, loaded

    tokenizer = load_tokenizer(model.reader)
    metrics, intervals = {}, {}
    with loaded(ctx, model.reader) as weights:
        for name, questions in files.items():
            right = sum(answer(weights, tokenizer, question, params) == question.answer for question in questions)
            metrics[f"tasks.{name}.accuracy"] = right / len(questions)
            intervals[f"tasks.{name}.accuracy"] = wilson(right, len(questions))
    return entry_of(model, metrics, intervals)


def read_questions(tree: TreeReader, limit: int) -> dict[str, list[Question]]:
    """Questions of each ``.jsonl`` file, by the file's name without its ending; of more than ``limit`` those that are
    evenly spaced, for files are often sorted by subject. Raises StageError."""
    from bongsu_stages.data.tokens import evenly

    found: dict[str, list[Question]] = {}
    places: dict[str, str] = {}
    for path in (entry.path for entry in tree.manifest.files if entry.path.endswith(".jsonl")):
        chosen = set(evenly(sum(1 for _ in json_lines(tree, path)), limit).tolist())
        lines = enumerate(json_lines(tree, path))
        questions = [_question(line, path, number) for place, (number, line) in lines if place in chosen]
        name = PurePosixPath(path).stem
        if questions and name in found:
            raise StageError(
                phrase(
                    N_("{first} and {path} would both be measured as tasks.{name}.accuracy."),
                    first=places[name],
                    path=path,
                    name=name,
                ),
                N_("Rename one of the files."),
            )
        if questions:
            found[name], places[name] = questions, path
    if not found:
        raise StageError(
            N_("There is no question in the input."), N_("Give .jsonl files with question, choices and answer.")
        )
    return found


def _question(line: str, path: str, number: int) -> Question:
    try:
        return Question.model_validate(json.loads(line))
    except (ValueError, ValidationError) as error:
        detail = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise StageError(
            phrase(N_("{path}, line {number} is no question: {detail}."), path=path, number=number, detail=detail),
            N_('Write {"question": "...", "choices": ["...", "..."], "answer": 0}, one a line.'),
        ) from error


def answer(model: Any, tokenizer: Any, question: Question, params: TasksParams) -> int:
    """Number of the choice that the model finds most likely."""
    from bongsu_stages.evaluate.likelihood import continuation_loss

    prompt = tokenizer.encode(params.template.format(question=question.question), add_special_tokens=False)
    scores = []
    for choice in question.choices:
        tokens = tokenizer.encode(f" {choice}", add_special_tokens=False)
        loss = continuation_loss(model, prompt, tokens)
        scores.append(loss / len(tokens) if params.normalise else loss)
    return scores.index(min(scores))

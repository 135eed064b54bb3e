"""The pipeline that ``bongsu init`` writes: small, whole, and explained line by line."""

from __future__ import annotations

import json

DEFAULT_MODEL = "file:assets/axk1-nano"
DEFAULT_DATASET = "package:konlpy/konlpy/data/corpus"

_TEXT = """\
# A Bongsu pipeline: adapt a small model to law text, quantise it two ways, compare, verify and register the best.
#
#   bongsu validate {file}                  every mistake, with line and column
#   bongsu plan {file}                      what would run, and what it would cost
#   bongsu run {file}                       run it
#   bongsu run {file} --set steps=200       with another value of a parameter
#   bongsu stages list                      the stages that are installed; `show NAME` explains one
#
# docs/pipeline.md describes every key.
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata:
  name: {name}
  ministry: {ministry}        # the tenant that owns the run
spec:
  # What the model is for. `useClass` is one of a closed list; the statement (8 characters or
  # more) is read by whoever approves.
  purpose:
    useClass: administration
    statement: Draft and search documents of Korean law and administration

  # Values that `--set NAME=VALUE` may change, used as ${{params.NAME}}.
  parameters:
    - {{name: steps, default: 40, description: Optimizer steps of the adaptation}}
    - {{name: register, default: true, description: Whether the best variant is registered}}

  # What comes from outside. A path after file: starts at the folder of this file.
  inputs:
    base: {{model: {model}}}
    law: {{dataset: {dataset}}}

  # Each stage names what it uses and where its inputs come from: inputs.NAME, or STAGE.OUTPUT of another stage.
  # Stages run as soon as their inputs are there, side by side where there is room.
  stages:
    - name: curate            # clean the text, drop duplicates, mask personal data
      uses: data.curate
      inputs: {{documents: inputs.law}}

    - name: tokenize          # pack it into sequences, with a part held out for measuring
      uses: data.tokenize
      inputs: {{documents: curate.documents, tokenizer: inputs.base}}
      with: {{sequenceLength: 128}}

    - name: adapt             # continued pretraining
      uses: train.continue
      inputs: {{model: inputs.base, tokens: tokenize.tokens}}
      with:
        steps: ${{params.steps}}
        learningRate: 2.0e-3
      resources: {{cpusPerWorker: 2}}
      retries: {{limit: 1, backoff: 10s}}
      timeout: 1h

    - name: quantize
      uses: compress.quantize
      # A matrix runs the stage once for every value. An axis named like a parameter sets it.
      matrix: {{groupSize: [32, 96]}}
      inputs: {{model: adapt.model}}
      with: {{scheme: W4A16, method: rounding}}

    - name: perplexity        # one run over all of them: [*] gathers every point of a matrix
      uses: evaluate.perplexity
      inputs:
        models: [inputs.base, adapt.model, "quantize[*].model"]
        tokens: tokenize.tokens
      with: {{names: [law]}}

    - name: verify            # does each variant still say the same after a reload in a new process?
      uses: verify.reload
      inputs: {{models: [adapt.model, "quantize[*].model"], tokens: tokenize.tokens}}

    - name: register
      uses: registry.register
      when: params.register   # a condition; metrics of stages before can be used as well
      inputs:
        models: "quantize[*].model"
        baseline: adapt.model
        evaluations: perplexity.evaluation
        verifications: verify.verification
      with:
        name: {name}
        select: smallest
        within: {{perplexity.law: 1.10}}    # at most 10% worse than the baseline
"""


def starter(
    name: str = "first-pipeline",
    *,
    ministry: str = "mnd",
    model: str = DEFAULT_MODEL,
    dataset: str = DEFAULT_DATASET,
    file: str = "pipeline.yaml",
) -> str:
    """The text of a pipeline that validates, plans and runs.

    Args:
        name: of the pipeline and of the registered model; as ``metadata.name`` may be.
        ministry: tenant that owns the run.
        model: address of the base model, e.g. ``file:PATH`` from the folder that the text is written to.
        dataset: address of the text to adapt to.
        file: name under which the text is written, for its comments.
    """
    # YAML reads JSON's quotes and escapes: an address may hold anything.
    quoted = {"model": json.dumps(model, ensure_ascii=False), "dataset": json.dumps(dataset, ensure_ascii=False)}
    return _TEXT.format(name=name, ministry=ministry, file=file, **quoted)

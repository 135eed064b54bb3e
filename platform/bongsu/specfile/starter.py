"""The pipeline that ``bongsu init`` writes: small, whole, and explained line by line."""

from __future__ import annotations

import json

DEFAULT_MODEL = "file:assets/axk1-nano"
DEFAULT_DATASET = "package:konlpy/konlpy/data/corpus"

_ENGLISH = """\
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
        checkpointEvery: 20     # what is interrupted goes on from the last of them
        learningRate: 2.0e-3
      resources: {{cpusPerWorker: 2}}
      retries: {{limit: 1, backoff: 10s}}
      timeout: 1h

    - name: quantize
      uses: compress.quantize
      # A matrix runs the stage once for every value. An axis named like a parameter sets it.
      matrix: {{groupSize: [16, 32]}}
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

_KOREAN = """\
# 봉수 파이프라인: 작은 모델을 법률 텍스트에 적응시키고, 두 가지로 양자화해 비교·검증한 뒤 가장 나은 것을 등록합니다.
#
#   bongsu validate {file}                  틀린 곳을 모두 줄과 칸까지 알려 줍니다
#   bongsu plan {file}                      무엇이 실행되고 얼마나 드는지 미리 보여 줍니다
#   bongsu run {file}                       실행합니다
#   bongsu run {file} --set steps=200       매개변수 값을 바꿔 실행합니다
#   bongsu stages list                      설치된 단계 목록. `show NAME`으로 하나씩 자세히 봅니다
#
# 모든 키는 docs/pipeline.md에 설명되어 있습니다.
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata:
  name: {name}
  ministry: {ministry}        # 이 실행을 소유하는 부처
spec:
  # 모델의 용도. `useClass`는 정해진 목록에서 고르고, statement(8자 이상)는 승인자가 읽습니다.
  purpose:
    useClass: administration
    statement: 한국 법률·행정 문서의 초안 작성과 검색

  # `--set NAME=VALUE`로 바꿀 수 있는 값. ${{params.NAME}}으로 씁니다.
  parameters:
    - {{name: steps, default: 40, description: 적응 학습의 옵티마이저 스텝 수}}
    - {{name: register, default: true, description: 가장 나은 변형을 등록할지 여부}}

  # 밖에서 들어오는 것. file: 뒤의 경로는 이 파일이 있는 폴더를 기준으로 합니다.
  inputs:
    base: {{model: {model}}}
    law: {{dataset: {dataset}}}

  # 단계마다 무엇을 쓰는지(uses), 입력이 어디에서 오는지(inputs.NAME 또는 다른 단계의 STAGE.OUTPUT) 적습니다.
  # 단계는 입력이 준비되는 대로 실행되고, 자원이 남으면 나란히 실행됩니다.
  stages:
    - name: curate            # 텍스트를 정제하고, 중복을 없애고, 개인정보를 가립니다
      uses: data.curate
      inputs: {{documents: inputs.law}}

    - name: tokenize          # 시퀀스로 채워 넣고, 평가용으로 일부를 떼어 둡니다
      uses: data.tokenize
      inputs: {{documents: curate.documents, tokenizer: inputs.base}}
      with: {{sequenceLength: 128}}

    - name: adapt             # 계속 사전학습
      uses: train.continue
      inputs: {{model: inputs.base, tokens: tokenize.tokens}}
      with:
        steps: ${{params.steps}}
        checkpointEvery: 20     # 중단되면 마지막 체크포인트에서 이어집니다
        learningRate: 2.0e-3
      resources: {{cpusPerWorker: 2}}
      retries: {{limit: 1, backoff: 10s}}
      timeout: 1h

    - name: quantize
      uses: compress.quantize
      # 매트릭스는 값마다 단계를 한 번씩 실행합니다. 축의 이름이 매개변수와 같으면 그 값이 됩니다.
      matrix: {{groupSize: [16, 32]}}
      inputs: {{model: adapt.model}}
      with: {{scheme: W4A16, method: rounding}}

    - name: perplexity        # 한꺼번에 평가합니다. [*]는 매트릭스의 모든 점을 모읍니다
      uses: evaluate.perplexity
      inputs:
        models: [inputs.base, adapt.model, "quantize[*].model"]
        tokens: tokenize.tokens
      with: {{names: [law]}}

    - name: verify            # 새 프로세스에서 다시 불러와도 같은 답을 하는지 확인합니다
      uses: verify.reload
      inputs: {{models: [adapt.model, "quantize[*].model"], tokens: tokenize.tokens}}

    - name: register
      uses: registry.register
      when: params.register   # 조건. 앞선 단계의 지표도 쓸 수 있습니다
      inputs:
        models: "quantize[*].model"
        baseline: adapt.model
        evaluations: perplexity.evaluation
        verifications: verify.verification
      with:
        name: {name}
        select: smallest
        within: {{perplexity.law: 1.10}}    # 기준 모델보다 최대 10%까지만 나빠도 됩니다
"""
_TEXTS = {"en": _ENGLISH, "ko": _KOREAN}


def starter(
    name: str = "first-pipeline",
    *,
    ministry: str = "mnd",
    model: str = DEFAULT_MODEL,
    dataset: str = DEFAULT_DATASET,
    file: str = "pipeline.yaml",
    language: str = "en",
) -> str:
    """The text of a pipeline that validates, plans and runs.

    Args:
        name: of the pipeline and of the registered model; as ``metadata.name`` may be.
        ministry: tenant that owns the run.
        model: address of the base model, e.g. ``file:PATH`` from the folder that the text is written to.
        dataset: address of the text to adapt to.
        file: name under which the text is written, for its comments.
        language: of what is explained, ``en`` or ``ko``.
    """
    # YAML reads JSON's quotes and escapes: an address may hold anything.
    quoted = {"model": json.dumps(model, ensure_ascii=False), "dataset": json.dumps(dataset, ensure_ascii=False)}
    return _TEXTS[language].format(name=name, ministry=ministry, file=file, **quoted)

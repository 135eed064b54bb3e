"""A run that is being driven, as somebody who watches it sees it at one moment."""

from __future__ import annotations

from bongsu.reconciler.view import RunView, StageView

# The reconciler's own view of a run and of a stage: there is nothing to add for those who look.
RunProgress = RunView
StageProgress = StageView

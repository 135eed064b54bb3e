"""What another ministry shares: with whom, for what, and until when."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _
from bongsu.domain.shared import Sharing


def sharing_lines(shared: Iterable[Sharing]) -> list[Text]:
    """One for each permit; none of what is one's own."""
    line = _("Shared with {ministry} for {purpose} until {until}")
    return [
        Text(
            "  " + line.format(ministry=one.ministry, purpose=one.purpose.value, until=moment(one.ends_at)),
            style="yellow",
        )
        for one in shared
    ]

"""How fast the body of a file has to come, so that nobody keeps one open for days with a byte now and then."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.codes import api as codes
from bongsu.domain.problems import BongsuError


@dataclass(frozen=True)
class LeastRate:
    """Attributes:
    bytes_a_second: on average, since the body began.
    after_s: seconds of waiting from which on it counts.
    """

    bytes_a_second: int = 4096
    after_s: float = 60.0

    def problem(self, seen: int, waited_s: float) -> BongsuError | None:
        """``api.below-least-rate`` for a body that is too slow.

        Args:
            seen: bytes of it that are there.
            waited_s: seconds for which they were waited for; not what they took to be kept.
        """
        if waited_s <= self.after_s or seen >= waited_s * self.bytes_a_second:
            return None
        return codes.BELOW_LEAST_RATE.error(seconds=round(waited_s), rate=self.bytes_a_second)


OF_FILES = LeastRate()

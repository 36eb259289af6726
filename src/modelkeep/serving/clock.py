"""Whether this machine's clock goes on as time does: its jump is no reason to delete anything."""

import logging
import time

LOG = logging.getLogger("uvicorn.error")
# By how many seconds a clock is set without anybody noticing, and after how many another time is
# believed
JUMP, BELIEVED = 3_600.0, 86_400.0


class Clock:
    """The clock, watched from one look to the next."""

    def __init__(self, last: float | None, patience: float) -> None:
        """Begin to watch.

        Args:
            last: when the last thing happened here that is known of, in seconds since 1970, or
                None.
            patience: after how many seconds without anything the time is not believed at once: a
                clock that is wrong from the start shows itself so.
        """
        self._ahead = time.time() - time.monotonic()
        self._jumped: float | None = None
        if last is not None and time.time() - last > patience:
            self._jumped = time.monotonic()

    def believed(self) -> float | None:
        """Return the time, in seconds since 1970, or None within a day of a jump, which is logged.

        Whoever deletes by age takes this reading: a second one could be from after a jump.
        """
        read = time.time()
        ahead = read - time.monotonic()
        by, self._ahead = ahead - self._ahead, ahead
        if abs(by) > JUMP:
            self._jumped = time.monotonic()
            LOG.warning(
                "the clock of this machine jumped by %+.0f s: no record is deleted for its age "
                "until it has been steady for a day",
                by,
            )
        steady = self._jumped is None or time.monotonic() - self._jumped > BELIEVED
        return read if steady else None

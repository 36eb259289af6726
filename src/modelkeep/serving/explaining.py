"""Why rows are predicted as they are: worked out in a thread of its own, so that nobody waits."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from modelkeep.serving.batching import Busy, Unanswerable, compute_alone, without_values
from modelkeep.serving.rows import Rows
from modelkeep.serving.served import ServedModel


class Explainer:
    """The single place where predictions are explained."""

    def __init__(self, most_waiting: int) -> None:
        """Begin with nobody waiting; at most `most_waiting` rows may."""
        self._most_waiting, self._waiting = most_waiting, 0
        self._thread = ThreadPoolExecutor(1, "explaining", initializer=compute_alone)

    async def explain(self, served: ServedModel, rows: Rows) -> dict[str, Any]:
        """Return what each feature contributes to the predictions of rows that fit the contract.

        Returns:
            The names of the "features"; "contributions", for each row one of each feature; and the
            "base" of each row, to which they add up.

        Raises:
            Busy: too many others wait.
            Unanswerable: the model cannot use a value.
        """
        if self._waiting and self._waiting + len(rows) > self._most_waiting:
            raise Busy
        self._waiting += len(rows)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, _explained, served, rows)
        finally:
            self._waiting -= len(rows)

    def close(self) -> None:
        """Leave undone what nobody waits for any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _explained(served: ServedModel, rows: Rows) -> dict[str, Any]:
    try:
        why = served.explain(rows)
    except ValueError as error:
        raise Unanswerable(str(error)) from None
    except Exception as error:
        raise without_values(error, served) from None
    if not np.isfinite(why.contributions).all():
        raise Unanswerable("a contribution would not be a finite number")
    return {
        "features": why.names,
        "contributions": why.contributions.tolist(),
        "base": why.base.tolist(),
    }

"""What was true and what was predicted → numbers of your own that say how good a model is."""

from modelkeep_core.metrics import Metric

# YOURS: metrics by name, each of a function that takes an Outcome and returns a number:
#
#     def cost(outcome: Outcome) -> float:
#         """Return what a prediction costs on average, where a wrong one costs 5."""
#         return 5 * float((outcome.truth != outcome.predicted).mean())
#
#     METRICS = {"cost": Metric(cost, higher_is_better=False)}
METRICS: dict[str, Metric] = {}

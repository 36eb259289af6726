"""What was true and what was predicted → numbers of your own that say how good a model is."""

from modelkeep_core.metrics import Metric

# YOURS: metrics by name, each of a function that takes ScoredRows and returns a number:
#
#     def cost(tested: ScoredRows) -> float:
#         """Return what a prediction costs on average, where a wrong one costs 5."""
#         return 5 * float((tested.actual != tested.predicted).mean())
#
#     METRICS = {"cost": Metric(cost, higher_is_better=False)}
METRICS: dict[str, Metric] = {}

"""Columns → features: what the model computes of a row before its estimator sees it."""

from modelkeep_core.preprocessing import Feature, preprocessor
from modelkeep_core.schema import Schema
from sklearn.compose import ColumnTransformer

# YOURS: features of your own, each a name, the columns it is made of, and a function of them:
#
#     def bill_ratio(columns: pd.DataFrame) -> pd.Series:
#         return columns["bill_length_mm"] / columns["bill_depth_mm"]
#
#     FEATURES = [Feature("bill_ratio", ["bill_length_mm", "bill_depth_mm"], bill_ratio)]
FEATURES: list[Feature] = []


def preprocessing(schema: Schema) -> ColumnTransformer:
    """Return the first step of the model: the columns of the schema, and FEATURES beside them."""
    return preprocessor(schema, FEATURES)

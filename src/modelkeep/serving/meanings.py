"""What values in requests mean by the schema: its texts for nothing, and codes in one spelling."""

from typing import Any

from modelkeep_core.schema import Schema


class Meanings:
    """Reads plain values as the training rows were read."""

    def __init__(self, schema: Schema) -> None:
        """Prepare what is asked of each text.

        Args:
            schema: the contract; of its features, categories and datetimes are texts in JSON.
        """
        self._texts = []
        for place, column in enumerate(schema.features.values()):
            nothing = frozenset([*schema.missing_values, *(column.missing_values or ())])
            text = column.type == "category" or (column.type == "datetime" and column.missing)
            if text and (nothing or column.codes):
                self._texts.append((place, nothing, column))

    def apply(self, rows: list[list[Any]]) -> None:
        """Change rows, which have a value for each feature, to what they mean."""
        for place, nothing, column in self._texts:
            for row in rows:
                value = row[place]
                if column.codes:
                    row[place] = value = column.spelt(value)
                if type(value) is str and value in nothing:
                    row[place] = None

"""Tables of any length → the same tables with the model's predictions, part by part."""

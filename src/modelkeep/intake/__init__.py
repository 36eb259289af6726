"""Files as people have them → tables that the stages read, with the same cells."""

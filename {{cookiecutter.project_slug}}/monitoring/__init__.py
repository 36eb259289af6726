"""A package and the records of its server → is what it sees and says still what it was made for."""

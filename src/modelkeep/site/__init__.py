"""The page of all versions: a static site made from Git objects, which needs no server."""

"""How the tune phase went: what it spent and chose, and how much of that was luck."""

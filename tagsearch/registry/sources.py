"""Sources that several families of components share."""

HOMEWORK = "GCT634 (KAIST) homework 2, music tagging on MagnaTagATune"

"""What the labels of a corpus are worth."""

"""From scores to a verdict: metrics and their derivatives, intervals, gates, the rule and its words."""

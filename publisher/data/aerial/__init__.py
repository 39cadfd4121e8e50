"""The aerial plug-in: synthetic scenes, rule-based referring expressions, and what keeps them unambiguous."""

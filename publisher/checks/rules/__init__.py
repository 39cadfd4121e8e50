"""One rule a file, named `<code>_<name>.py`; `publisher.checks.registry` finds them by walking this package."""

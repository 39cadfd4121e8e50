"""The linter: what a repo's files prove about themselves. Pure: no network, clock, chance or child process."""

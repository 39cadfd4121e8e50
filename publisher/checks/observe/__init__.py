"""What rules are fed with: everything that a repo's files tell, read once and bounded, each kind in a file of its own."""

"""The review desk without its page: what goes into the queue, in which order, and what a decision does."""

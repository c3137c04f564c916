"""Side by side with other libraries: the same data, the same MiniLM weights, the same minute."""

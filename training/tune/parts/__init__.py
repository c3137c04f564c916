"""The parts of fine-tuning that are made of torch. They import it at the top, so that its classes can be named; only
`tune_encoder` imports these files, when it is called."""

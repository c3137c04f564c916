"""What the chatbot survives, measured on real server processes: one module for each fault, one table of outcomes.

python -m benchmarks.torture [--only NAME] [--short]
"""

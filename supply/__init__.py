"""What this program is made of: the locks with their hashes, the bill of materials, the release. docs/supply-chain.md

Part of the repository and not of the package: nothing of it runs where the program runs.
"""

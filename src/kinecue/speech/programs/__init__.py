"""Programs that speak: each runs in a process of its own, imports nothing of ours, and loads one engine's library.

A line of text comes in on their input; ``Wrote FOLDER/N.wav`` goes out on stderr, as piper's own program does it.
"""

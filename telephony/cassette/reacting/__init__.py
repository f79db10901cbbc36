"""Lets a recorded caller call a changed agent: `reactive`, with a cast made of the recording."""

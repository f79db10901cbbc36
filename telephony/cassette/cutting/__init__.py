"""Keeps a part of a recorded call, as a recording that replays: `cut`, and what it takes to begin in the middle."""

"""Samples in, samples out: companding, resampling, keypad tones, WAV and the stereo timeline; no files, no clock."""

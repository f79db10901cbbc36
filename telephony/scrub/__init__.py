"""What makes a recorded call fit to be shown: stand-ins for what is personal, noise for voices, and a linter for the
rest."""

"""What should happen next in a call: a state machine over ledgers, events and a time in, commands out."""

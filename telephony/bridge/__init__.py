"""The only asyncio around a call: its two sockets, its tools and its timer in one task group, and the tape."""

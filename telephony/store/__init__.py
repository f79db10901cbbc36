"""What remains of calls: records, turns and tool uses, kept in SQLite or in memory under one contract."""

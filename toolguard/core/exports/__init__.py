"""The log in the words of other programs: one file a format, each a pure function of events as `store/audit.py` reads
them. Every record carries log_id, seq and row_hash, so that a gap or a change shows there as well."""

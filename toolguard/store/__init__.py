"""The only code that speaks SQL. SQLite now; statements are written so that PostgreSQL can take the same ones."""

from toolguard.store.database import Database, Transaction

__all__ = ["Database", "Transaction"]

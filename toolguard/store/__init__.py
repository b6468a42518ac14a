"""The only code that speaks SQL. SQLite now; statements are written so that PostgreSQL can take the same ones."""

from toolguard.store.database import Database
from toolguard.store.transaction import Transaction

__all__ = ["Database", "Transaction"]

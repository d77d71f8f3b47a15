"""What an error of the database means to whoever met it: again later, again at once, or never with these rows."""

import asyncpg

from kernel.db import DatabaseAway


def is_data_error(error: BaseException) -> bool:
    """Whether the database refused the values themselves, so that the same rows would be refused again."""
    return isinstance(
        error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError | asyncpg.InterfaceError
    ) and (not is_away(error))


def is_misfit(error: BaseException) -> bool:
    """Whether our statement does not fit the schema, or we may not run it: during a migration, or before the restart
    that has to follow it. No row is to blame for that.
    """
    return isinstance(error, asyncpg.SyntaxOrAccessError)


def is_away(error: BaseException) -> bool:
    """Whether the database could not be asked, so that asking again later may well succeed."""
    away = (
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.ConnectionDoesNotExistError,
        asyncpg.QueryCanceledError,
        asyncpg.LockNotAvailableError,
        asyncpg.IdleInTransactionSessionTimeoutError,
        asyncpg.TransactionTimeoutError,
        asyncpg.InvalidCachedStatementError,  # the schema changed since we prepared the statement
        DatabaseAway,
        OSError,
        TimeoutError,
    )
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return False  # asyncpg could not encode a value, which its message quotes
    if isinstance(error, asyncpg.CheckViolationError) and not error.constraint_name:
        return True  # a partition's bounds, which have no name: its day was made while the row was on its way
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        # A connection that was cut in the middle of something says so in many ways, none of them about the values.
        return any(word in str(error) for word in ("connection", "pool", "operation", "waiter", "protocol"))
    return isinstance(error, away)


def is_victim(error: BaseException) -> bool:
    """Whether the database undid the transaction in favour of another (a deadlock, a conflict): nothing is away, and
    the same again, at once, may well succeed.
    """
    return isinstance(error, asyncpg.TransactionRollbackError)


def will_pass(error: BaseException) -> bool:
    """Whether it is neither the fault of the statement nor of the values: for loops that come again by themselves."""
    return is_away(error) or is_victim(error)

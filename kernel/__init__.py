"""Tools that know nothing of parking: time, database, HTTP edge, jobs, ids, money, logs, metrics, migrations."""

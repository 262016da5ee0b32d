UPDATE {schema}.load_ledger
SET sha256 = %(sha256)s,
    size_bytes = %(size_bytes)s,
    hdus = %(hdus)s,
    rows_read = %(rows_read)s,
    rows_loaded = %(rows_loaded)s,
    rows_rejected = %(rows_rejected)s,
    rejected = %(rejected)s,
    nulls = %(nulls)s,
    column_map = %(column_map)s,
    model_version = %(model_version)s,
    code_version = %(code_version)s,
    seconds = %(seconds)s,
    finished_at = clock_timestamp()
WHERE table_name = %(table)s AND source_id = %(source_id)s

-- Cross-matches of two tables by position. The right table is the one whose index is asked, once for
-- each row of the left one.

-- Without its index a cross-match reads the right table once for each row of the left one: that is
-- refused, with the statement that makes the index. What counts is the size on disk, which is known
-- of a table just loaded too, and of all partitions together.
CREATE FUNCTION require_sky_index(relation regclass, ra name, "dec" name) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    -- The tree of a table that has no partitions is empty.
    IF greatest(pg_relation_size(relation), (SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(relation)))
        < 262144 THEN
        RETURN;
    END IF;
    IF NOT EXISTS (
        SELECT
        FROM pg_index
        WHERE indrelid = relation
            AND indisvalid
            AND indpred IS NULL
            AND pg_get_indexdef(indexrelid, 1, true) LIKE format('%%q3c_ang2ipix(%I, %I)', ra, dec)
    ) THEN
        RAISE 'table % has no index for positions (%, %)', relation, ra, dec
            USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = format(
                    'CREATE INDEX ON %s (@extschema:q3c@.q3c_ang2ipix(%I, %I)); ANALYZE %s;',
                    relation, ra, dec, relation
                );
    END IF;
END
$$;
COMMENT ON FUNCTION require_sky_index IS 'Raises an error where a table of more than 256 kB has no index on q3c_ang2ipix';

-- The left rows come in the order of their pixels: those that follow each other ask the same pages of
-- index and table. OFFSET 0 keeps the planner from turning the question around: an index on (ra, dec)
-- would lead it to read the right table once for each row of the left one.
CREATE FUNCTION crossmatch_query(
    left_rows text, right_table regclass, right_key name, right_ra name, right_dec name, ordered text
) RETURNS text
LANGUAGE sql STABLE
RETURN format(
    'SELECT l.id, r.id, r.separation
       FROM (SELECT * FROM (%1$s) AS given (id, ra, dec)
              ORDER BY @extschema:q3c@.q3c_ang2ipix(ra, dec)) AS l
      CROSS JOIN LATERAL (
            SELECT m.%3$I::bigint, labdb.separation(l.ra, l.dec, m.%4$I, m.%5$I)
              FROM %2$s AS m
             WHERE labdb.in_cone(m.%4$I, m.%5$I, l.ra, l.dec, $1)
             %6$s
            ) AS r (id, separation)',
    left_rows, right_table, right_key, right_ra, right_dec, ordered
);
COMMENT ON FUNCTION crossmatch_query IS
    'The statement of a cross-match; left_rows is a query of keys and positions, $1 the radius in degrees';

CREATE FUNCTION crossmatch(
    left_rows text,
    right_table regclass,
    radius double precision,
    right_key name,
    right_ra name,
    right_dec name,
    ordered text
) RETURNS TABLE (left_id bigint, right_id bigint, separation double precision)
LANGUAGE plpgsql STABLE ROWS 100000
AS $$
BEGIN
    PERFORM labdb.require_sky_index(right_table, right_ra, right_dec);
    RETURN QUERY EXECUTE labdb.crossmatch_query(
        left_rows, right_table, right_key, right_ra, right_dec, ordered
    ) USING radius;
END
$$;
COMMENT ON FUNCTION crossmatch IS
    'A cross-match of the rows of a query, keys and positions, with a table; ordered ends the question for each of them';

CREATE FUNCTION crossmatch_all(
    left_table regclass,
    right_table regclass,
    radius double precision,
    left_key name DEFAULT 'targetid',
    right_key name DEFAULT 'targetid',
    left_ra name DEFAULT 'ra',
    left_dec name DEFAULT 'dec',
    right_ra name DEFAULT 'ra',
    right_dec name DEFAULT 'dec'
) RETURNS TABLE (left_id bigint, right_id bigint, separation double precision)
LANGUAGE sql STABLE ROWS 100000
BEGIN ATOMIC
    SELECT m.left_id, m.right_id, m.separation
    FROM crossmatch(
        format('SELECT %I::bigint, %I, %I FROM %s', left_key, left_ra, left_dec, left_table),
        right_table, radius, right_key, right_ra, right_dec, 'OFFSET 0'
    ) AS m;
END;
COMMENT ON FUNCTION crossmatch_all IS
    'Every pair of rows within radius degrees of each other, and how far apart they are (degrees)';

CREATE FUNCTION crossmatch_best(
    left_table regclass,
    right_table regclass,
    radius double precision,
    left_key name DEFAULT 'targetid',
    right_key name DEFAULT 'targetid',
    left_ra name DEFAULT 'ra',
    left_dec name DEFAULT 'dec',
    right_ra name DEFAULT 'ra',
    right_dec name DEFAULT 'dec'
) RETURNS TABLE (left_id bigint, right_id bigint, separation double precision)
LANGUAGE sql STABLE ROWS 100000
BEGIN ATOMIC
    SELECT m.left_id, m.right_id, m.separation
    FROM crossmatch(
        format('SELECT %I::bigint, %I, %I FROM %s', left_key, left_ra, left_dec, left_table),
        right_table, radius, right_key, right_ra, right_dec, 'ORDER BY 2, 1 LIMIT 1'
    ) AS m;
END;
COMMENT ON FUNCTION crossmatch_best IS
    'For each row of the left table the nearest one of the right within radius degrees, the lower key of two that are as near';

CREATE FUNCTION crossmatch_moving(
    left_table regclass,
    right_table regclass,
    radius double precision,
    years double precision,
    left_key name DEFAULT 'source_id',
    right_key name DEFAULT 'targetid',
    left_ra name DEFAULT 'ra',
    left_dec name DEFAULT 'dec',
    left_pmra name DEFAULT 'pmra',
    left_pmdec name DEFAULT 'pmdec',
    right_ra name DEFAULT 'ra',
    right_dec name DEFAULT 'dec'
) RETURNS TABLE (left_id bigint, right_id bigint, separation double precision)
LANGUAGE sql STABLE ROWS 100000
BEGIN ATOMIC
    SELECT m.left_id, m.right_id, m.separation
    FROM crossmatch(
        format(
            'SELECT s.%I::bigint, m.ra, m.dec
               FROM %s AS s CROSS JOIN LATERAL labdb.moved(s.%I, s.%I, s.%I, s.%I, %L) AS m',
            left_key, left_table, left_ra, left_dec, left_pmra, left_pmdec, years
        ),
        right_table, radius, right_key, right_ra, right_dec, 'ORDER BY 2, 1 LIMIT 1'
    ) AS m;
END;
COMMENT ON FUNCTION crossmatch_moving IS
    'crossmatch_best with the left table moved by its proper motions (mas/yr, NULL for none) to where it stands so many years later, the epoch of the right table';

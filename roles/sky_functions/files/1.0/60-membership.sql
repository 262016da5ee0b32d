-- Which galaxies lie in which voids, kept in a table and brought up to date by what has changed.
--
-- Voids are spheres: columns void_id, position (cube) and radius, in the galaxies' unit of length.
-- Two tables belong together: the membership, and beside it, with the same name and _voids, the
-- voids as they were when their members were found, with a digest of the galaxies of that time.

CREATE FUNCTION create_membership(membership text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    parts CONSTANT text[] := parse_ident(membership);
    schema CONSTANT text := CASE array_length(parts, 1)
        WHEN 2 THEN quote_ident(parts[1]) || '.' ELSE '' END;
    name CONSTANT text := parts[array_length(parts, 1)];
BEGIN
    EXECUTE format(
        'CREATE TABLE %1$s%2$I (
             void_id bigint NOT NULL,
             targetid bigint NOT NULL,
             distance double precision NOT NULL,
             r_norm double precision NOT NULL,
             edge int,
             PRIMARY KEY (void_id, targetid)
         )', schema, name
    );
    EXECUTE format('CREATE INDEX ON %s%I (targetid)', schema, name);
    EXECUTE format(
        'CREATE TABLE %s%I (
             void_id bigint PRIMARY KEY,
             position @extschema:cube@.cube NOT NULL,
             radius double precision NOT NULL,
             edge int,
             reach double precision NOT NULL,
             galaxies bigint NOT NULL
         )', schema, name || '_voids'
    );
    EXECUTE format('COMMENT ON TABLE %s%I IS %L', schema, name, 'Galaxies in voids; labdb.refresh_membership keeps it');
    EXECUTE format('COMMENT ON COLUMN %s%I.distance IS %L', schema, name, 'From the centre of the void, in the unit of the positions');
    EXECUTE format('COMMENT ON COLUMN %s%I.r_norm IS %L', schema, name, 'Distance in radii of the void');
END
$$;
COMMENT ON FUNCTION create_membership IS 'Makes the two tables of a membership, empty';

-- The exclusive or of a hash of each row: the order of the rows does not matter.
CREATE FUNCTION galaxies_digest(galaxies regclass) RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    digest bigint;
BEGIN
    EXECUTE format(
        'SELECT bit_xor(
             hashint8extended(targetid,
             hashfloat8extended(@extschema:cube@.cube_ll_coord(position, 1),
             hashfloat8extended(@extschema:cube@.cube_ll_coord(position, 2),
             hashfloat8extended(@extschema:cube@.cube_ll_coord(position, 3), 0))))
         ) FROM %s', galaxies
    ) INTO digest;
    RETURN coalesce(digest, 0);
END
$$;
COMMENT ON FUNCTION galaxies_digest IS 'Tells two sets of galaxies apart: by targetid and position (cube)';

CREATE FUNCTION refresh_membership(
    membership regclass,
    voids regclass,
    galaxies regclass,
    reach double precision DEFAULT 1,
    OUT voids_new bigint,
    OUT voids_gone bigint,
    OUT members_new bigint,
    OUT members_gone bigint
)
LANGUAGE plpgsql
AS $$
DECLARE
    -- As it is written in the membership's own schema.
    known text;
    digest bigint;
BEGIN
    SELECT format('%I.%I', nspname, relname || '_voids') INTO known
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE pg_class.oid = membership;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', membership);
    digest := labdb.galaxies_digest(galaxies);
    -- A void counts as another one when anything changed that its members depend on: itself, how
    -- far it reaches, or any galaxy.
    EXECUTE format(
        'WITH gone AS (
             DELETE FROM %1$s AS known
              WHERE NOT EXISTS (
                    SELECT FROM %2$s AS now
                     WHERE now.void_id = known.void_id
                       AND now.position = known.position
                       AND now.radius = known.radius
                       AND now.edge IS NOT DISTINCT FROM known.edge
                       AND known.reach = $1 AND known.galaxies = $2
                    )
             RETURNING void_id
         ),
         members AS (
             DELETE FROM %3$s USING gone WHERE %3$s.void_id = gone.void_id RETURNING 1
         )
         SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM members)',
        known, voids, membership
    ) INTO voids_gone, members_gone USING reach, digest;
    EXECUTE format(
        'WITH found AS (
             INSERT INTO %1$s
             SELECT void_id, position, radius, edge, $1, $2
               FROM %2$s
              WHERE void_id NOT IN (SELECT void_id FROM %1$s)
             RETURNING *
         ),
         members AS (
             INSERT INTO %3$s
             SELECT found.void_id, g.targetid, g.distance, g.distance / found.radius, found.edge
               FROM found
              CROSS JOIN LATERAL (
                    SELECT targetid, @extschema:cube@.cube_distance(position, found.position) AS distance
                      FROM %4$s
                     WHERE position OPERATOR(@extschema:cube@.<@)
                           @extschema:cube@.cube_enlarge(found.position, found.radius * $1, 3)
                    OFFSET 0
                    ) AS g
              WHERE g.distance <= found.radius * $1
             RETURNING 1
         )
         SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM members)',
        known, voids, membership, galaxies
    ) INTO voids_new, members_new USING reach, digest;
END
$$;
COMMENT ON FUNCTION refresh_membership IS
    'Finds the members of voids that are new or have changed, within reach radii of the centre; all of them when any galaxy has changed';

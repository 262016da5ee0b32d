-- The distance of the k-th nearest neighbour, and the density that follows from it.

CREATE FUNCTION neighbour_density(
    galaxies regclass, neighbours int, galaxy_key name DEFAULT 'targetid', place name DEFAULT 'position'
) RETURNS TABLE (id bigint, distance double precision, density double precision)
LANGUAGE plpgsql STABLE ROWS 100000
AS $$
BEGIN
    IF neighbours < 1 THEN
        RAISE 'the number of neighbours is 1 or more, not %', neighbours
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The nearest of all is the galaxy itself.
    RETURN QUERY EXECUTE format(
        'SELECT g.%2$I::bigint, n.distance, $1 / (4.0 / 3 * pi() * nullif(n.distance, 0) ^ 3)
           FROM %1$s AS g
          CROSS JOIN LATERAL (
                SELECT g.%3$I OPERATOR(@extschema:cube@.<->) o.%3$I AS distance
                  FROM %1$s AS o
                 ORDER BY o.%3$I OPERATOR(@extschema:cube@.<->) g.%3$I
                OFFSET $1 LIMIT 1
                ) AS n',
        galaxies, galaxy_key, place
    ) USING neighbours;
END
$$;
COMMENT ON FUNCTION neighbour_density IS
    'For each galaxy the distance of its k-th neighbour, and k galaxies by the volume of that sphere; NULL where neighbours stand in one place';

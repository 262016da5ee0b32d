-- Distances in a flat universe of matter and a cosmological constant. The parameters are rows: a
-- distance is never computed with parameters that nobody named.
CREATE TABLE cosmology (
    name text PRIMARY KEY,
    hubble_constant double precision NOT NULL CHECK (hubble_constant > 0),
    omega_matter double precision NOT NULL CHECK (omega_matter > 0 AND omega_matter <= 1),
    source text NOT NULL
);
COMMENT ON TABLE cosmology IS 'Flat Lambda-CDM cosmologies; add your own';
COMMENT ON COLUMN cosmology.hubble_constant IS 'H0 [km/s/Mpc]';
COMMENT ON COLUMN cosmology.omega_matter IS 'Density of matter today, as a share of the critical one';
SELECT pg_catalog.pg_extension_config_dump('cosmology', 'WHERE name NOT IN (''lab'', ''planck2018'')');
INSERT INTO cosmology VALUES
    ('lab', 70, 0.3, 'Data dictionary of the lab''s void catalogue, version 1.0'),
    ('planck2018', 67.66, 0.30966, 'Planck 2018 results VI, A&A 641, A6, table 2, last column');
GRANT SELECT ON cosmology TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON cosmology TO pg_database_owner;

-- With s = (1 + z)^(-1/2) the integral of 1/E over redshift becomes
-- 2 * integral of (omega + (1 - omega) s^6)^(-1/2) over s, from (1 + z)^(-1/2) to 1: smooth
-- everywhere, so that Gauss and Legendre's rule with twelve points has a relative error below
-- 1e-10 up to redshift 7 for a density of matter of 0.1 and more
-- (distance: Hogg 1999, astro-ph/9905116, equation 15).
CREATE FUNCTION inverse_expansion(s double precision, omega_matter double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 1 / sqrt(omega_matter + (1 - omega_matter) * power(s, 6));
COMMENT ON FUNCTION inverse_expansion IS 'What is integrated for a comoving distance, at s = (1 + z)^(-1/2)';

CREATE FUNCTION expansion_integral(s double precision, omega_matter double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (1 - s) * (
        0.2491470458134027 * inverse_expansion((1 + s) / 2 - 0.1252334085114689 * (1 - s) / 2, omega_matter)
        + 0.2491470458134027 * inverse_expansion((1 + s) / 2 + 0.1252334085114689 * (1 - s) / 2, omega_matter)
        + 0.2334925365383546 * inverse_expansion((1 + s) / 2 - 0.3678314989981802 * (1 - s) / 2, omega_matter)
        + 0.2334925365383546 * inverse_expansion((1 + s) / 2 + 0.3678314989981802 * (1 - s) / 2, omega_matter)
        + 0.20316742672306573 * inverse_expansion((1 + s) / 2 - 0.5873179542866175 * (1 - s) / 2, omega_matter)
        + 0.20316742672306573 * inverse_expansion((1 + s) / 2 + 0.5873179542866175 * (1 - s) / 2, omega_matter)
        + 0.16007832854334642 * inverse_expansion((1 + s) / 2 - 0.7699026741943047 * (1 - s) / 2, omega_matter)
        + 0.16007832854334642 * inverse_expansion((1 + s) / 2 + 0.7699026741943047 * (1 - s) / 2, omega_matter)
        + 0.10693932599531907 * inverse_expansion((1 + s) / 2 - 0.9041172563704748 * (1 - s) / 2, omega_matter)
        + 0.10693932599531907 * inverse_expansion((1 + s) / 2 + 0.9041172563704748 * (1 - s) / 2, omega_matter)
        + 0.04717533638651141 * inverse_expansion((1 + s) / 2 - 0.9815606342467192 * (1 - s) / 2, omega_matter)
        + 0.04717533638651141 * inverse_expansion((1 + s) / 2 + 0.9815606342467192 * (1 - s) / 2, omega_matter)
);
COMMENT ON FUNCTION expansion_integral IS 'The integral of twice inverse_expansion from s to 1';

CREATE FUNCTION hubble_distances(redshift double precision, omega_matter double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN expansion_integral(1 / sqrt(1 + redshift), omega_matter);
COMMENT ON FUNCTION hubble_distances IS
    'Comoving distance of a redshift in units of c/H0, for a flat universe with that density of matter';

CREATE FUNCTION comoving_distance(redshift double precision, cosmology cosmology)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 299792.458 / (cosmology).hubble_constant * hubble_distances(redshift, (cosmology).omega_matter);
COMMENT ON FUNCTION comoving_distance IS 'Line-of-sight comoving distance [Mpc]';

CREATE FUNCTION comoving_distance_h(redshift double precision, cosmology cosmology)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 2997.92458 * hubble_distances(redshift, (cosmology).omega_matter);
COMMENT ON FUNCTION comoving_distance_h IS
    'Line-of-sight comoving distance [Mpc/h]: H0 has no part in it, and it divided by h = H0/100 is that in Mpc';

CREATE FUNCTION cartesian(ra double precision, "dec" double precision, distance double precision)
RETURNS @extschema:cube@.cube
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN @extschema:cube@.cube(
    ARRAY[
        distance * cosd("dec") * cosd(ra),
        distance * cosd("dec") * sind(ra),
        distance * sind("dec")
    ]
);
COMMENT ON FUNCTION cartesian IS
    'Position in space, in the unit of the distance: x towards (0, 0), y towards (90, 0), z towards the north pole';

-- A GiST index is as good as the order in which it is filled: sorted by cells of some radii of a void, it
-- finds members with half the pages of one that was filled in the order of the sky.
CREATE FUNCTION cell(place @extschema:cube@.cube, size double precision)
RETURNS @extschema:cube@.cube
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN @extschema:cube@.cube(
    ARRAY[
        floor(@extschema:cube@.cube_ll_coord(place, 1) / size),
        floor(@extschema:cube@.cube_ll_coord(place, 2) / size),
        floor(@extschema:cube@.cube_ll_coord(place, 3) / size)
    ]
);
COMMENT ON FUNCTION cell IS
    'Which cell of a grid in space a position lies in, counted from the origin; size is the length of its edges';

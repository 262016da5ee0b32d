-- Angles on the sphere. Right ascension and declination are ICRS, in degrees; so are all angles.

-- Vincenty's formula, which is exact for antipodes and for neighbours alike (T. Vincenty 1975,
-- Survey Review 23, 88; with no flattening).
CREATE FUNCTION separation(
    ra1 double precision, dec1 double precision, ra2 double precision, dec2 double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN atan2d(
    sqrt(
        power(cosd(dec2) * sind(ra2 - ra1), 2)
        + power(cosd(dec1) * sind(dec2) - sind(dec1) * cosd(dec2) * cosd(ra2 - ra1), 2)
    ),
    sind(dec1) * sind(dec2) + cosd(dec1) * cosd(dec2) * cosd(ra2 - ra1)
);
COMMENT ON FUNCTION separation IS 'Angle between two positions, in degrees';

CREATE TYPE direction AS (ra double precision, dec double precision);
COMMENT ON TYPE direction IS 'A position on the sky: ICRS, degrees';

-- Motion along a straight line at a constant speed, seen from far away: the unit vector moves by
-- its proper motion and is made one long again (The Hipparcos and Tycho Catalogues, ESA SP-1200,
-- volume 1, section 1.5.5, without parallax and radial velocity).
CREATE FUNCTION moved(
    ra double precision,
    "dec" double precision,
    pmra double precision,
    pmdec double precision,
    years double precision
) RETURNS direction
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 10
AS $$
DECLARE
    milliarcsecond CONSTANT double precision := pi() / 180 / 3600000;
    east double precision := coalesce(pmra, 0) * years * milliarcsecond;
    north double precision := coalesce(pmdec, 0) * years * milliarcsecond;
    x double precision := cosd(dec) * cosd(ra) - east * sind(ra) - north * sind(dec) * cosd(ra);
    y double precision := cosd(dec) * sind(ra) + east * cosd(ra) - north * sind(dec) * sind(ra);
    z double precision := sind(dec) + north * cosd(dec);
    turned double precision := atan2d(y, x);
BEGIN
    RETURN ROW(
        CASE WHEN turned < 0 AND turned + 360 < 360 THEN turned + 360 WHEN turned < 0 THEN 0 ELSE turned END,
        atan2d(z, sqrt(x * x + y * y))
    );
END
$$;
COMMENT ON FUNCTION moved IS
    'Where a position is after so many Julian years; proper motion in mas/yr, that in right ascension with cos(dec) in it; NULL moves not';

-- Regions of the sky as conditions that the index on q3c_ang2ipix(ra, dec) answers. Each is one
-- expression, which the planner sees through; a region includes its border. They are PARALLEL
-- RESTRICTED: q3c gives its functions costs at which the planner starts workers for a cone that is
-- answered sooner than they have started.

-- Four ranges of pixels that cover a cone, and what share of the sky it is. For a cone at a point, or
-- on a meridian where pixels end, the cover is a little wider than nothing. Four ranges cover no cone
-- of more than 30 degrees: there the first one is the whole sky, which is read in any case.
CREATE FUNCTION cone_cover(
    ra double precision,
    "dec" double precision,
    centre_ra double precision,
    centre_dec double precision,
    radius double precision
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL RESTRICTED
RETURN (
    (
        @extschema:q3c@.q3c_ang2ipix(ra, "dec")
        >= CASE WHEN radius <= 30 THEN @extschema:q3c@.q3c_nearby_it(centre_ra, centre_dec, greatest(radius, 1e-9), 0) ELSE 0 END
        AND @extschema:q3c@.q3c_ang2ipix(ra, "dec")
        <= CASE WHEN radius <= 30 THEN @extschema:q3c@.q3c_nearby_it(centre_ra, centre_dec, greatest(radius, 1e-9), 1) ELSE 9223372036854775807 END
    ) OR (
        @extschema:q3c@.q3c_ang2ipix(ra, "dec")
        >= @extschema:q3c@.q3c_nearby_it(centre_ra, centre_dec, greatest(radius, 1e-9), 2)
        AND @extschema:q3c@.q3c_ang2ipix(ra, "dec")
        <= @extschema:q3c@.q3c_nearby_it(centre_ra, centre_dec, greatest(radius, 1e-9), 3)
    ) OR (
        @extschema:q3c@.q3c_ang2ipix(ra, "dec")
        >= @extschema:q3c@.q3c_nearby_it(centre_ra, centre_dec, greatest(radius, 1e-9), 4)
        AND @extschema:q3c@.q3c_ang2ipix(ra, "dec")
        <= @extschema:q3c@.q3c_nearby_it(centre_ra, centre_dec, greatest(radius, 1e-9), 5)
    ) OR (
        @extschema:q3c@.q3c_ang2ipix(ra, "dec")
        >= @extschema:q3c@.q3c_nearby_it(centre_ra, centre_dec, greatest(radius, 1e-9), 6)
        AND @extschema:q3c@.q3c_ang2ipix(ra, "dec")
        <= @extschema:q3c@.q3c_nearby_it(centre_ra, centre_dec, greatest(radius, 1e-9), 7)
    )
)
AND radius OPERATOR(@extschema:q3c@.==<<>>==) ROW(centre_ra, centre_dec, ra, "dec")::@extschema:q3c@.q3c_type;
COMMENT ON FUNCTION cone_cover IS 'Whether a position is in the pixels that cover a cone: no exact test';

-- sin^2(separation / 2) is compared: it costs no arc tangent. 4e-32 is that of the smallest angle
-- that differs between two positions in degrees; borders belong to the cone by it.
CREATE FUNCTION in_cone(
    ra double precision,
    "dec" double precision,
    centre_ra double precision,
    centre_dec double precision,
    radius double precision
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL RESTRICTED
RETURN cone_cover(ra, "dec", centre_ra, centre_dec, radius)
AND @extschema:q3c@.q3c_sindist(centre_ra, centre_dec, ra, "dec") <= power(sind(radius / 2), 2) + 4e-32
AND radius >= 0;
COMMENT ON FUNCTION in_cone IS 'Whether a position is within radius degrees of a centre';

-- The smaller one of two cones that hold a box: about its middle, or about the pole that it is next
-- to. Seen from its middle the farthest point of a box is a corner, while it spans half a turn or
-- less.
CREATE FUNCTION box_cone(
    ra_from double precision, ra_to double precision, dec_from double precision, dec_to double precision
) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1
AS $$
DECLARE
    width CONSTANT double precision := ra_to - ra_from + CASE WHEN ra_to < ra_from THEN 360 ELSE 0 END;
    middle_ra CONSTANT double precision := ra_from + width / 2;
    middle_dec CONSTANT double precision := (dec_from + dec_to) / 2;
    pole CONSTANT double precision := CASE WHEN middle_dec < 0 THEN -90 ELSE 90 END;
    polar CONSTANT double precision := CASE WHEN middle_dec < 0 THEN 90 + dec_to ELSE 90 - dec_from END;
    central CONSTANT double precision := CASE WHEN width > 180 THEN 180 ELSE greatest(
        labdb.separation(middle_ra, middle_dec, ra_from, dec_from),
        labdb.separation(middle_ra, middle_dec, ra_from, dec_to)
    ) END;
BEGIN
    -- A little wider than exact, so that rounding leaves no corner out.
    RETURN CASE WHEN polar < central
        THEN ARRAY[0, pole, polar + 1e-9]
        ELSE ARRAY[CASE WHEN middle_ra >= 360 THEN middle_ra - 360 ELSE middle_ra END, middle_dec, central + 1e-9]
    END;
END
$$;
COMMENT ON FUNCTION box_cone IS 'A cone that holds a box: right ascension, declination and radius, degrees';

CREATE FUNCTION in_box(
    ra double precision,
    "dec" double precision,
    ra_from double precision,
    ra_to double precision,
    dec_from double precision,
    dec_to double precision
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL RESTRICTED
RETURN cone_cover(
    ra,
    "dec",
    (box_cone(ra_from, ra_to, dec_from, dec_to))[1],
    (box_cone(ra_from, ra_to, dec_from, dec_to))[2],
    (box_cone(ra_from, ra_to, dec_from, dec_to))[3]
)
AND "dec" BETWEEN dec_from AND dec_to
AND CASE WHEN ra_from <= ra_to THEN ra BETWEEN ra_from AND ra_to ELSE ra >= ra_from OR ra <= ra_to END;
COMMENT ON FUNCTION in_box IS
    'Whether a position lies between two meridians, from the first one eastward to the second (350 to 10 goes through 0), and between two parallels';

-- The cone about the mean of the corners that reaches the farthest of them. It holds the polygon,
-- whose sides are great circles, while it is smaller than half of the sky.
CREATE FUNCTION polygon_cone(vertices double precision[]) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1
AS $$
DECLARE
    x double precision := 0;
    y double precision := 0;
    z double precision := 0;
    ra double precision;
    dec double precision;
    radius double precision := 0;
BEGIN
    IF array_length(vertices, 1) < 6 OR array_length(vertices, 1) % 2 = 1 THEN
        RAISE 'a polygon has three corners or more, each with a right ascension and a declination'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR i IN 1 .. array_length(vertices, 1) BY 2 LOOP
        x := x + cosd(vertices[i + 1]) * cosd(vertices[i]);
        y := y + cosd(vertices[i + 1]) * sind(vertices[i]);
        z := z + sind(vertices[i + 1]);
    END LOOP;
    ra := atan2d(y, x);
    ra := CASE WHEN ra < 0 THEN ra + 360 ELSE ra END;
    dec := atan2d(z, sqrt(x * x + y * y));
    FOR i IN 1 .. array_length(vertices, 1) BY 2 LOOP
        radius := greatest(radius, labdb.separation(ra, dec, vertices[i], vertices[i + 1]));
    END LOOP;
    IF radius >= 90 THEN
        RAISE 'the polygon does not fit into half of the sky: which side of it is meant?'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Ask for parts of it, joined by OR.';
    END IF;
    RETURN ARRAY[ra, dec, radius + 1e-9];
END
$$;
COMMENT ON FUNCTION polygon_cone IS 'A cone that holds a polygon: right ascension, declination and radius, degrees';

-- A position is inside when the sides turn once around it: the angles at which it sees each side
-- add up to a full turn, and to nothing from outside. That holds for any polygon that does not
-- cross itself, convex or not.
CREATE FUNCTION within_polygon(
    ra double precision, "dec" double precision, vertices double precision[]
) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000
AS $$
DECLARE
    count CONSTANT int := array_length(vertices, 1);
    before double precision;
    bearing double precision;
    step double precision;
    turn double precision := 0;
BEGIN
    FOR i IN 0 .. count / 2 LOOP
        DECLARE
            at CONSTANT int := (2 * i) % count + 1;
            east CONSTANT double precision := cosd(vertices[at + 1]) * sind(vertices[at] - ra);
            north CONSTANT double precision := cosd(dec) * sind(vertices[at + 1])
                - sind(dec) * cosd(vertices[at + 1]) * cosd(vertices[at] - ra);
        BEGIN
            -- The position is a corner itself.
            IF abs(east) < 1e-15 AND abs(north) < 1e-15 THEN
                RETURN true;
            END IF;
            bearing := atan2d(east, north);
        END;
        IF i > 0 THEN
            step := bearing - before;
            step := CASE WHEN step > 180 THEN step - 360 WHEN step < -180 THEN step + 360 ELSE step END;
            -- It sees the two ends of a side in opposite directions: it lies on it.
            IF abs(abs(step) - 180) < 1e-12 THEN
                RETURN true;
            END IF;
            turn := turn + step;
        END IF;
        before := bearing;
    END LOOP;
    RETURN abs(turn) > 180;
END
$$;
COMMENT ON FUNCTION within_polygon IS 'Whether a position lies in a polygon of great circles: exact, no index';

CREATE FUNCTION in_polygon(
    ra double precision, "dec" double precision, vertices double precision[]
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL RESTRICTED
RETURN in_cone(
    ra, "dec", (polygon_cone(vertices))[1], (polygon_cone(vertices))[2], (polygon_cone(vertices))[3]
)
AND within_polygon(ra, "dec", vertices);
COMMENT ON FUNCTION in_polygon IS
    'Whether a position lies in a polygon of great circles, given as ARRAY[ra1, dec1, ra2, dec2, ...]; it must fit into half of the sky';

-- HEALPix in the nested scheme (Gorski et al. 2005, ApJ 622, 759, section 4.1 and appendix).

-- Every second bit of a number of at most 29 bits.
CREATE FUNCTION spread_bits(number bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 5
AS $$
BEGIN
    number := (number | (number << 16)) & x'0000ffff0000ffff'::bigint;
    number := (number | (number << 8)) & x'00ff00ff00ff00ff'::bigint;
    number := (number | (number << 4)) & x'0f0f0f0f0f0f0f0f'::bigint;
    number := (number | (number << 2)) & x'3333333333333333'::bigint;
    RETURN (number | (number << 1)) & x'5555555555555555'::bigint;
END
$$;
COMMENT ON FUNCTION spread_bits IS 'A number of up to 32 bits with a zero between every two of its bits';

CREATE FUNCTION healpix(ra double precision, "dec" double precision, healpix_order int) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20
AS $$
DECLARE
    nside CONSTANT bigint := 1::bigint << healpix_order;
    height CONSTANT double precision := sind(dec);
    -- In quarters of a turn, 0 to below 4.
    quarters double precision := ra / 90 - 4 * floor(ra / 360);
    number int;
    width double precision;
    rising bigint;
    falling bigint;
    face bigint;
    x bigint;
    y bigint;
BEGIN
    IF healpix_order NOT BETWEEN 0 AND 29 THEN
        RAISE 'a HEALPix order is a number from 0 to 29, not %', healpix_order
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF quarters >= 4 THEN
        quarters := 0;
    END IF;
    IF abs(height) <= 2.0 / 3.0 THEN
        rising := floor(nside * (0.5 + quarters) - nside * 0.75 * height);
        falling := floor(nside * (0.5 + quarters) + nside * 0.75 * height);
        face := CASE
            WHEN rising >> healpix_order = falling >> healpix_order THEN (rising >> healpix_order) % 4 + 4
            WHEN rising >> healpix_order < falling >> healpix_order THEN (rising >> healpix_order) % 4
            ELSE (falling >> healpix_order) % 4 + 8
        END;
        x := falling & (nside - 1);
        y := nside - 1 - (rising & (nside - 1));
    ELSE
        number := least(floor(quarters)::int, 3);
        -- sqrt(3 (1 - |sin dec|)), without the loss of digits next to a pole.
        width := nside * sqrt(6.0) * abs(sind((90 - abs(dec)) / 2));
        x := least(floor((quarters - number) * width), nside - 1);
        y := least(floor((1 - (quarters - number)) * width), nside - 1);
        IF height > 0 THEN
            face := number;
            rising := x;
            x := nside - 1 - y;
            y := nside - 1 - rising;
        ELSE
            face := number + 8;
        END IF;
    END IF;
    RETURN (face << (2 * healpix_order)) | labdb.spread_bits(x) | (labdb.spread_bits(y) << 1);
END
$$;
COMMENT ON FUNCTION healpix IS 'Number of the HEALPix pixel of a position, nested scheme, nside = 2^order';

CREATE FUNCTION healpix_parent(pixel bigint, levels int) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pixel >> (2 * levels);
COMMENT ON FUNCTION healpix_parent IS 'The pixel that holds a pixel of the nested scheme, so many orders above it';

CREATE FUNCTION healpix_children(pixel bigint, levels int) RETURNS int8range
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN int8range(pixel << (2 * levels), (pixel + 1) << (2 * levels));
COMMENT ON FUNCTION healpix_children IS 'The pixels that a pixel of the nested scheme holds, so many orders below it';

-- class: join-and-membership
-- Local density by the distance to the fifth neighbour, for a thousand massive galaxies.
WITH sample AS MATERIALIZED (
    SELECT targetid, ra, dec, z
      FROM raw_catalogs.fastspecfit_galaxies
     WHERE z BETWEEN %(z)s AND %(z)s + 0.02 AND logmstar > 10.5
     ORDER BY targetid
     LIMIT 1000
)
SELECT s.targetid, n.degrees
  FROM sample s
 CROSS JOIN LATERAL (
       SELECT q3c_dist(s.ra, s.dec, g.ra, g.dec) AS degrees
         FROM raw_catalogs.fastspecfit_galaxies g
        WHERE q3c_join(s.ra, s.dec, g.ra, g.dec, 0.5)
          AND g.targetid <> s.targetid
          AND abs(g.z - s.z) < 0.005
        ORDER BY degrees
       OFFSET 4 LIMIT 1) n

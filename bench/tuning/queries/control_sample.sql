-- class: join-and-membership
-- For each galaxy in a void, one outside of voids with the same mass and redshift.
WITH member AS (
    SELECT DISTINCT gz.target
      FROM raw_catalogs.desivast_galzone gz
      JOIN raw_catalogs.desivast_zonevoid zv USING (algorithm, galactic_cap, zone)
     WHERE gz.algorithm = %(algorithm)s AND zv.void0 >= 0
), sorted AS (
    SELECT g.targetid, g.sfr, m.target IS NOT NULL AS in_void,
           round(g.logmstar::numeric, 1) AS mass, round(g.z::numeric, 2) AS redshift,
           row_number() OVER (
               PARTITION BY m.target IS NOT NULL, round(g.logmstar::numeric, 1),
                            round(g.z::numeric, 2)
               ORDER BY g.targetid) AS place
      FROM raw_catalogs.fastspecfit_galaxies g
      LEFT JOIN member m ON m.target = g.targetid
     WHERE g.z BETWEEN 0.03 AND 0.24 AND g.logmstar BETWEEN 10.5 AND 13
)
SELECT count(*), avg(v.sfr) AS in_void, avg(c.sfr) AS control
  FROM sorted v
  JOIN sorted c USING (mass, redshift, place)
 WHERE v.in_void AND NOT c.in_void

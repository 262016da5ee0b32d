-- class: join-and-membership
-- Quenched fraction inside the voids of one algorithm, by size of the void: every member joined.
SELECT width_bucket(v.radius_mpc_h, 10, 40, 6) AS size, count(*),
       avg((g.d4000 > 1.6 OR g.sfr < 10.0 ^ (g.logmstar - 11))::int) AS quenched,
       avg(g.logmstar) AS mass
  FROM raw_catalogs.desivast_galzone gz
  JOIN raw_catalogs.desivast_zonevoid zv USING (algorithm, galactic_cap, zone)
  JOIN raw_catalogs.desivast_voids v
    ON v.algorithm = zv.algorithm AND v.galactic_cap = zv.galactic_cap
   AND v.original_void_index = zv.void0
  JOIN raw_catalogs.fastspecfit_galaxies g ON g.targetid = gz.target
 WHERE gz.algorithm = %(algorithm)s AND gz.edge = 0
   AND g.logmstar BETWEEN 6 AND 13 AND g.d4000 BETWEEN 0.5 AND 5
 GROUP BY size ORDER BY size

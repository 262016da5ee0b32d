-- class: point-and-cone
-- draws: 20
-- Galaxies on the line of sight to a void, within its redshift.
SELECT v.void_id, count(*), avg(g.logmstar), avg(g.d4000)
  FROM raw_catalogs.desivast_voids v
  JOIN raw_catalogs.fastspecfit_galaxies g
    ON q3c_join(v.ra, v.dec, g.ra, g.dec, 2.0)
 WHERE v.algorithm = 'REVOLVER' AND v.original_void_index = %(void)s
   AND g.z BETWEEN v.redshift - 0.01 AND v.redshift + 0.01
 GROUP BY v.void_id

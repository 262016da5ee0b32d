-- class: point-and-cone
-- draws: 20
-- Galaxies on the line of sight to a void, within its redshift: the cone first, then the slice.
SELECT v.void_id, count(*), avg(g.logmstar), avg(g.d4000)
  FROM raw_catalogs.desivast_voids v
 CROSS JOIN LATERAL (
       SELECT z, logmstar, d4000
         FROM raw_catalogs.fastspecfit_galaxies
        WHERE q3c_join(v.ra, v.dec, ra, dec, 2.0)
       OFFSET 0) g
 WHERE v.algorithm = 'REVOLVER' AND v.original_void_index = %(void)s
   AND g.z BETWEEN v.redshift - 0.01 AND v.redshift + 0.01
 GROUP BY v.void_id

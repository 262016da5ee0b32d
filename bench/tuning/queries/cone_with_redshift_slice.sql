-- class: point-and-cone
-- draws: 20
-- Massive galaxies within three degrees, in a slice of redshift.
SELECT targetid, z, logmstar, sfr, d4000
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE q3c_radial_query(ra, dec, %(ra)s, %(dec)s, 3.0)
   AND z BETWEEN %(z)s - 0.02 AND %(z)s + 0.02
   AND logmstar BETWEEN 10 AND 13
 ORDER BY logmstar DESC

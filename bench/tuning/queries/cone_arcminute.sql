-- class: point-and-cone
-- draws: 200
-- What lies within an arcminute of a position: the form of q3c that plans fast.
SELECT targetid, ra, dec, z, q3c_dist(ra, dec, %(ra)s, %(dec)s) * 3600 AS arcseconds
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE q3c_join(%(ra)s, %(dec)s, ra, dec, 1.0 / 60)
 ORDER BY arcseconds

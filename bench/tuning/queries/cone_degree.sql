-- class: point-and-cone
-- draws: 40
-- Galaxies within a degree of a position.
SELECT targetid, ra, dec, z, logmstar, sfr
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE q3c_radial_query(ra, dec, %(ra)s, %(dec)s, 1.0)

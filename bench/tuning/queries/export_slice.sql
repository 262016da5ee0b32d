-- class: wide-scan
-- fetch: copy
-- A slice of the catalogue, in order of identifier, for a data frame or a Parquet file.
SELECT targetid, ra, dec, z, logmstar, sfr, d4000
  FROM raw_catalogs.fastspecfit_galaxies
 WHERE z BETWEEN %(z)s AND %(z)s + 0.03 AND logmstar BETWEEN 6 AND 13
 ORDER BY targetid
